/* wat_types.c - index spaces, types and type uses of a module's text.
 *
 * Types are encoded as they are read. A type use that spells a function type without naming one
 * means the first type of the module that is this function type by itself (final, without
 * supertype, alone in its group), or a new one behind all others: encoded function types are
 * interned to find it. Uses are met in the order of the text, so new types come in the order that
 * the specification demands.
 *
 * Source: WebAssembly core specification 3.0, "Types" and "Type Uses" of the text format; custom
 * descriptors.
 */
#include "wat_internal.h"

const WatSpaceInfo dv_wat_spaces[SPACE_COUNT] = {
    [SPACE_FUNC] = {"func", "function", 3, 1},     [SPACE_TABLE] = {"table", "table", 4, 5},
    [SPACE_MEMORY] = {"memory", "memory", 5, 6},   [SPACE_GLOBAL] = {"global", "global", 6, 7},
    [SPACE_TAG] = {"tag", "tag", 13, 11},          [SPACE_TYPE] = {"type", "type", 1, 4},
    [SPACE_ELEM] = {"elem", "elem segment", 9, 8}, [SPACE_DATA] = {"data", "data segment", 11, 9},
};

enum {
    BYTE_FUNC = 0x60,
    BYTE_STRUCT = 0x5f,
    BYTE_ARRAY = 0x5e,
    BYTE_SUB = 0x50,
    BYTE_SUB_FINAL = 0x4f,
    BYTE_REC = 0x4e,
    BYTE_DESCRIPTOR = 0x4d,
    BYTE_DESCRIBES = 0x4c,
    BYTE_REF = 0x64,
    BYTE_REF_NULL = 0x63,
    BYTE_EXACT = 0x62,
    BYTE_EMPTY_BLOCK = 0x40
};

/* ---- names ---- */

void dv_wat_bind(WatBuilder *b, WatSpace space, u32 token, u32 id)
{
    WatNames *names = &b->names[space];
    if (id != 0 && !dv_map_put(b->arena, &names->by_id, id, names->count)) {
        Str text = dv_wat_id_text(&b->c, id);
        dv_wat_fail(&b->c, token, "duplicate %s $%s", dv_wat_spaces[space].word,
                    dv_diag_quote(b->arena, text.data, text.len));
    }
    if (names->count == UINT32_MAX) {
        dv_escape(b->arena->pool, DAVIT_ERROR_LIMIT);
    }
    names->count++;
}

static u32 take_named(WatBuilder *b, const Map *map, u64 key_high, const char *noun)
{
    WatCursor *c = &b->c;
    u32 index = 0;
    if (dv_wat_kind(c) != WAT_ID) {
        if (!dv_wat_is_nat(c)) {
            dv_wat_unexpected(c, "an index or a name");
            return 0;
        }
        return (u32)dv_wat_take_nat(c, 32, "i32 constant out of range");
    }
    u32 id = dv_wat_peek(c)->link;
    if (!dv_map_get(map, key_high << 32 | id, &index)) {
        Str text = dv_wat_id_text(c, id);
        dv_wat_fail(c, c->at, "unknown %s $%s", noun, dv_diag_quote(b->arena, text.data, text.len));
    }
    dv_wat_skip(c);
    return index;
}

u32 dv_wat_take_index(WatBuilder *b, WatSpace space)
{
    return take_named(b, &b->names[space].by_id, 0, dv_wat_spaces[space].noun);
}

u32 dv_wat_take_local(WatBuilder *b)
{
    return take_named(b, &b->locals, b->func, "local");
}

u32 dv_wat_take_field(WatBuilder *b, u32 type)
{
    return take_named(b, &b->fields, type, "field");
}

bool dv_wat_has_binder(const WatBuilder *b)
{
    return dv_wat_kind(&b->c) == WAT_ID || dv_wat_has_annot(&b->c, b->c.at, ANNOT_NAME);
}

bool dv_wat_take_binder(WatBuilder *b, u32 *id, Str *name)
{
    WatCursor *c = &b->c;
    *id = dv_wat_take_id(c);
    WatAnnot *annot = dv_wat_take_annot(c, c->at, ANNOT_NAME);
    if (annot != NULL) {
        WatCursor inside = *c;
        inside.tokens = c->text->annot_tokens.data;
        inside.at = annot->first;
        inside.last = annot->end;
        *name = dv_wat_take_name(&inside);
        if (!inside.failed && inside.at != inside.last) {
            dv_wat_unexpected(&inside, "the end of the annotation");
        }
        if (inside.failed) {
            c->failed = true;
            c->at = c->last;
        }
        return true;
    }
    *name = *id != 0 ? dv_wat_id_text(c, *id) : (Str){"", 0};
    return *id != 0;
}

void dv_wat_bind_local(WatBuilder *b, u32 id, u32 token, Str name, bool has_name)
{
    if (id != 0 && !dv_map_put(b->arena, &b->locals, (u64)b->func << 32 | id, b->num_locals)) {
        Str text = dv_wat_id_text(&b->c, id);
        dv_wat_fail(&b->c, token, "duplicate local $%s",
                    dv_diag_quote(b->arena, text.data, text.len));
    }
    if (has_name) {
        vec_push(b->arena, &b->local_names, ((NameDecl){b->num_locals, name}));
    }
    b->num_locals++;
}

/* ---- value types ---- */

WatHeap dv_wat_take_heap(WatBuilder *b)
{
    WatCursor *c = &b->c;
    WatHeap heap = {0, false, 0};
    for (u32 i = 0; i < WAT_HEAP_WORDS; i++) {
        if (dv_wat_take_word(c, dv_wat_heap_words[i].word)) {
            heap.byte = dv_wat_heap_words[i].byte;
            return heap;
        }
    }
    if (dv_wat_take_form(c, "exact")) {
        heap.exact = true;
        heap.index = dv_wat_take_index(b, SPACE_TYPE);
        dv_wat_close(c);
    } else if (dv_wat_is_index(c)) {
        heap.index = dv_wat_take_index(b, SPACE_TYPE);
    } else {
        dv_wat_unexpected(c, "a heap type");
    }
    return heap;
}

void dv_wat_put_heap(ByteBuf *out, WatHeap heap)
{
    if (heap.byte != 0) {
        dv_bytebuf_u8(out, heap.byte);
    } else if (heap.exact) {
        dv_bytebuf_u8(out, BYTE_EXACT);
        dv_bytebuf_uleb(out, heap.index);
    } else {
        dv_bytebuf_sleb(out, heap.index);
    }
}

static const WatHeapWord *find_shorthand(const WatCursor *c)
{
    for (u32 i = 0; i < WAT_HEAP_WORDS; i++) {
        if (dv_wat_is_word(c, dv_wat_heap_words[i].shorthand)) {
            return &dv_wat_heap_words[i];
        }
    }
    return NULL;
}

bool dv_wat_is_ref(const WatBuilder *b)
{
    return dv_wat_is_form(&b->c, "ref") || find_shorthand(&b->c) != NULL;
}

WatRef dv_wat_take_ref(WatBuilder *b)
{
    WatCursor *c = &b->c;
    WatRef ref = {true, {0, false, 0}};
    const WatHeapWord *shorthand = find_shorthand(c);
    if (shorthand != NULL) {
        ref.heap.byte = shorthand->byte;
        dv_wat_skip(c);
    } else if (dv_wat_take_form(c, "ref")) {
        ref.is_null = dv_wat_take_word(c, "null");
        ref.heap = dv_wat_take_heap(b);
        dv_wat_close(c);
    } else {
        dv_wat_unexpected(c, "a reference type");
    }
    return ref;
}

void dv_wat_put_ref(ByteBuf *out, WatRef ref)
{
    if (!ref.is_null || ref.heap.byte == 0) {
        dv_bytebuf_u8(out, ref.is_null ? BYTE_REF_NULL : BYTE_REF);
    }
    dv_wat_put_heap(out, ref.heap);
}

typedef struct TypeWord {
    const char *word;
    u8 byte;
} TypeWord;

static const TypeWord type_words[] = {
    {"i32", VT_I32}, {"i64", VT_I64}, {"f32", VT_F32}, {"f64", VT_F64}, {"v128", VT_V128},
};

void dv_wat_take_valtype(WatBuilder *b, ByteBuf *out)
{
    for (u32 i = 0; i < ARRAY_LEN(type_words); i++) {
        if (dv_wat_take_word(&b->c, type_words[i].word)) {
            dv_bytebuf_u8(out, type_words[i].byte);
            return;
        }
    }
    if (!dv_wat_is_ref(b)) {
        dv_wat_unexpected(&b->c, "a value type");
        return;
    }
    dv_wat_put_ref(out, dv_wat_take_ref(b));
}

/* The type and then whether it is mutable: of fields, which may be packed, and of globals. */
static void take_mutable(WatBuilder *b, ByteBuf *out, bool is_field)
{
    WatCursor *c = &b->c;
    bool is_mutable = dv_wat_take_form(c, "mut");
    if (is_field && dv_wat_take_word(c, "i8")) {
        dv_bytebuf_u8(out, VT_I8);
    } else if (is_field && dv_wat_take_word(c, "i16")) {
        dv_bytebuf_u8(out, VT_I16);
    } else {
        dv_wat_take_valtype(b, out);
    }
    if (is_mutable) {
        dv_wat_close(c);
    }
    dv_bytebuf_u8(out, is_mutable);
}

void dv_wat_take_global_type(WatBuilder *b, ByteBuf *out)
{
    take_mutable(b, out, false);
}

/* ---- function types ---- */

/* Takes (param ...) forms into b->params; the number of parameters. */
static u32 take_params(WatBuilder *b, bool may_have_names, bool binds)
{
    WatCursor *c = &b->c;
    u32 count = 0;
    b->params.len = 0;
    while (dv_wat_take_form(c, "param")) {
        if (may_have_names && dv_wat_has_binder(b)) {
            u32 token = c->at;
            u32 id;
            Str name;
            bool has_name = dv_wat_take_binder(b, &id, &name);
            dv_wat_take_valtype(b, &b->params);
            if (binds) {
                dv_wat_bind_local(b, id, token, name, has_name);
            }
            count++;
        } else {
            while (!c->failed && dv_wat_kind(c) != WAT_RPAR) {
                dv_wat_take_valtype(b, &b->params);
                b->num_locals += binds;
                count++;
            }
        }
        dv_wat_close(c);
    }
    return count;
}

static u32 take_results(WatBuilder *b)
{
    WatCursor *c = &b->c;
    u32 count = 0;
    b->results.len = 0;
    while (dv_wat_take_form(c, "result")) {
        while (!c->failed && dv_wat_kind(c) != WAT_RPAR) {
            dv_wat_take_valtype(b, &b->results);
            count++;
        }
        dv_wat_close(c);
    }
    return count;
}

/* The function type of what was taken last. */
static void encode_signature(WatBuilder *b, ByteBuf *out, u32 num_params, u32 num_results)
{
    dv_bytebuf_u8(out, BYTE_FUNC);
    dv_bytebuf_uleb(out, num_params);
    dv_bytebuf_bytes(out, b->params.data, b->params.len);
    dv_bytebuf_uleb(out, num_results);
    dv_bytebuf_bytes(out, b->results.data, b->results.len);
}

/* Notes that a type is a function type by itself. */
static void note_signature(WatBuilder *b, const u8 *bytes, usize size, u32 type)
{
    u32 number = dv_strmap_intern(b->arena, &b->signatures, (const char *)bytes, size);
    if (number == b->signature_types.len) {
        vec_push(b->arena, &b->signature_types, type);
    }
}

static u32 find_signature(WatBuilder *b, u32 num_params)
{
    u32 number;
    const char *bytes = (const char *)b->signature.data;
    if (dv_strmap_find(&b->signatures, bytes, b->signature.len, &number)) {
        return b->signature_types.data[number];
    }
    WatSection *section = &b->sections[1];
    u32 type = b->types.len;
    WatType row = {(u32)section->bytes.len, (u32)b->signature.len, num_params, COMP_FUNC};
    vec_push(b->arena, &b->types, row);
    dv_bytebuf_bytes(&section->bytes, b->signature.data, b->signature.len);
    section->count++;
    note_signature(b, b->signature.data, b->signature.len, type);
    return type;
}

/* Types spelled beside the type that is named must be its own. */
static void check_inline(WatBuilder *b, u32 token, u32 type)
{
    if (type >= b->types.len) {
        dv_wat_fail(&b->c, token, "unknown type %" PRIu32, type);
        return;
    }
    WatType row = b->types.data[type];
    const u8 *bytes = b->sections[1].bytes.data + row.at;
    if (row.size != b->signature.len || memcmp(bytes, b->signature.data, row.size) != 0) {
        dv_wat_fail(&b->c, token, "inline function type: it is not that of type %" PRIu32, type);
    }
}

WatTypeUse dv_wat_take_type_use(WatBuilder *b, WatUseKind kind)
{
    WatCursor *c = &b->c;
    WatTypeUse use = {UINT32_MAX, 0, {0}, 0};
    bool has_type = dv_wat_take_form(c, "type");
    u32 token = c->at;
    u32 type = 0;
    if (has_type) {
        type = dv_wat_take_index(b, SPACE_TYPE);
        dv_wat_close(c);
    }
    u32 num_params = take_params(b, kind == USE_FUNC, kind == USE_FUNC);
    u32 num_results = take_results(b);
    if (c->failed) {
        return use;
    }
    if (kind == USE_BLOCK && !has_type && num_params == 0 && num_results <= 1) {
        ASSERT(b->results.len <= sizeof use.value);
        use.value_size = (u8)(num_results == 0 ? 1 : b->results.len);
        use.value[0] = BYTE_EMPTY_BLOCK;
        memcpy(use.value, num_results == 0 ? use.value : b->results.data, use.value_size);
        return use;
    }
    b->signature.len = 0;
    encode_signature(b, &b->signature, num_params, num_results);
    use.type = has_type ? type : find_signature(b, num_params);
    if (dv_wat_is_form(c, "type") || dv_wat_is_form(c, "param")) {
        dv_wat_unexpected(c, "the type, then parameters, then results");
    } else if (has_type && num_params + num_results != 0) {
        check_inline(b, token, type);
    }
    use.num_params = use.type < b->types.len ? b->types.data[use.type].num_params : 0;
    if (kind == USE_FUNC && num_params == 0) {
        b->num_locals += use.num_params;
    }
    return use;
}

/* ---- type definitions ---- */

static void take_struct(WatBuilder *b, ByteBuf *out)
{
    WatCursor *c = &b->c;
    ByteBuf fields;
    u32 count = 0;
    u32 type = b->types.len;
    u32 num_names = 0;
    ByteBuf names;
    dv_bytebuf_init(&fields, b->arena);
    dv_bytebuf_init(&names, b->arena);
    while (dv_wat_take_form(c, "field")) {
        u32 token = c->at;
        bool is_named = dv_wat_has_binder(b);
        u32 id;
        Str name;
        if (is_named && dv_wat_take_binder(b, &id, &name)) {
            if (id != 0 && !dv_map_put(b->arena, &b->fields, (u64)type << 32 | id, count)) {
                dv_wat_fail(c, token, "duplicate field");
            }
            num_names++;
            dv_bytebuf_uleb(&names, count);
            dv_bytebuf_uleb(&names, name.len);
            dv_bytebuf_bytes(&names, name.data, name.len);
        }
        while (!c->failed && dv_wat_kind(c) != WAT_RPAR) {
            take_mutable(b, &fields, true);
            count++;
            if (is_named) {
                break;
            }
        }
        dv_wat_close(c);
    }
    dv_bytebuf_u8(out, BYTE_STRUCT);
    dv_bytebuf_uleb(out, count);
    dv_bytebuf_bytes(out, fields.data, fields.len);
    if (num_names != 0) {
        b->num_name_fields++;
        dv_bytebuf_uleb(&b->name_fields, type);
        dv_bytebuf_uleb(&b->name_fields, num_names);
        dv_bytebuf_bytes(&b->name_fields, names.data, names.len);
    }
}

/* Takes a composite type and notes it as the next type. */
static void take_composite(WatBuilder *b, ByteBuf *out)
{
    WatCursor *c = &b->c;
    WatType row = {(u32)out->len, 0, 0, COMP_FUNC};
    if (dv_wat_take_form(c, "func")) {
        row.num_params = take_params(b, true, false);
        u32 num_results = take_results(b);
        encode_signature(b, out, row.num_params, num_results);
    } else if (dv_wat_take_form(c, "struct")) {
        row.kind = COMP_STRUCT;
        take_struct(b, out);
    } else if (dv_wat_take_form(c, "array")) {
        row.kind = COMP_ARRAY;
        dv_bytebuf_u8(out, BYTE_ARRAY);
        take_mutable(b, out, true);
    } else {
        c->at += dv_wat_kind(c) == WAT_LPAR && c->tokens[c->at + 1].kind == WAT_WORD;
        dv_wat_unexpected(c, "(func, (struct or (array");
    }
    dv_wat_close(c);
    row.size = (u32)(out->len - row.at);
    vec_push(b->arena, &b->types, row);
}

/* Takes (describes ...) and (descriptor ...) before a composite type; whether there is one. */
static bool take_descriptors(WatBuilder *b, ByteBuf *out)
{
    WatCursor *c = &b->c;
    bool any = false;
    static const TypeWord clauses[] = {{"describes", BYTE_DESCRIBES},
                                       {"descriptor", BYTE_DESCRIPTOR}};
    for (u32 i = 0; i < ARRAY_LEN(clauses); i++) {
        if (dv_wat_take_form(c, clauses[i].word)) {
            dv_bytebuf_u8(out, clauses[i].byte);
            dv_bytebuf_uleb(out, dv_wat_take_index(b, SPACE_TYPE));
            dv_wat_close(c);
            any = true;
        }
    }
    return any;
}

/* Takes one (type ...). `alone`: it is a group by itself. */
static void take_type(WatBuilder *b, ByteBuf *out, bool alone)
{
    WatCursor *c = &b->c;
    u32 id;
    Str name;
    if (!dv_wat_take_form(c, "type")) {
        dv_wat_unexpected(c, "(type");
        return;
    }
    if (dv_wat_take_binder(b, &id, &name)) {
        vec_push(b->arena, &b->names[SPACE_TYPE].rows, ((NameDecl){b->types.len, name}));
    }
    bool is_sub = dv_wat_take_form(c, "sub");
    bool is_plain = true;
    if (is_sub) {
        bool is_final = dv_wat_take_word(c, "final");
        bool has_super = dv_wat_is_index(c);
        is_plain = is_final && !has_super;
        if (!is_plain) {
            dv_bytebuf_u8(out, is_final ? BYTE_SUB_FINAL : BYTE_SUB);
            u8 *count = dv_bytebuf_extend(out, 1);
            *count = has_super;
        }
        if (has_super) {
            dv_bytebuf_uleb(out, dv_wat_take_index(b, SPACE_TYPE));
        }
    }
    is_plain = !take_descriptors(b, out) && is_plain;
    take_composite(b, out);
    if (is_sub) {
        dv_wat_close(c);
    }
    dv_wat_close(c);
    if (!c->failed && is_plain && alone && vec_last(&b->types).kind == COMP_FUNC) {
        WatType row = vec_last(&b->types);
        note_signature(b, out->data + row.at, row.size, b->types.len - 1);
    }
}

void dv_wat_take_types(WatBuilder *b)
{
    WatCursor *c = &b->c;
    WatSection *section = &b->sections[1];
    ByteBuf *out = &section->bytes;
    section->count++;
    if (!dv_wat_is_form(c, "rec")) {
        take_type(b, out, true);
        return;
    }
    u32 end = dv_wat_peek(c)->link;
    u32 count = 0;
    for (u32 at = c->at + 2; at < end; at++) {
        count++;
        at = c->tokens[at].kind == WAT_LPAR ? c->tokens[at].link : at;
    }
    (void)dv_wat_take_form(c, "rec");
    if (count != 1) { /* a group of one needs no head */
        dv_bytebuf_u8(out, BYTE_REC);
        dv_bytebuf_uleb(out, count);
    }
    while (!c->failed && c->at < end) {
        take_type(b, out, count == 1);
    }
    dv_wat_close(c);
}
