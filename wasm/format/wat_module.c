/* wat_module.c - a module's text, field by field, to its sections.
 *
 * Three walks over the fields, whose parentheses are linked: the first numbers everything and binds
 * names, since any field may refer to a later one; the second reads types, so that their indices
 * stand before type uses add more; the third reads the rest in the order of the text and appends to
 * the sections. wat_write.c puts these together.
 *
 * Source: WebAssembly core specification 3.0, "Modules" of the text format, with its abbreviations;
 * annotations "name" and "custom" of its appendix; custom page sizes, threads, custom descriptors
 * (exact imports).
 */
#include "wat_internal.h"

enum {
    LIMITS_MAX = 1,
    LIMITS_SHARED = 2,
    LIMITS_INDEX64 = 4,
    LIMITS_PAGE_SIZE = 8,
    EXTERN_FUNC_EXACT = 0x20,
    EXPR_END = 0x0b,
    ELEM_KIND_FUNC = 0,
    OP_I32_CONST = 0x41,
    OP_I64_CONST = 0x42,
    OP_REF_FUNC = 0xd2
};

/* ---- the first walk: names ---- */

static WatSpace space_of(Str word)
{
    for (u32 space = 0; space < SPACE_COUNT; space++) {
        if (dv_str_is(word, dv_wat_spaces[space].word)) {
            return (WatSpace)space;
        }
    }
    return SPACE_COUNT;
}

static bool is_extern(WatSpace space)
{
    return space <= SPACE_TAG;
}

/* Whether a form among the children of a field, whose tokens are [at, end), begins with this
 * word. */
static bool has_child(const WatCursor *c, u32 at, u32 end, const char *word)
{
    WatCursor ahead = *c;
    for (; at < end; at++) {
        ahead.at = at;
        if (dv_wat_is_form(&ahead, word)) {
            return true;
        }
        at = c->tokens[at].kind == WAT_LPAR ? c->tokens[at].link : at;
    }
    return false;
}

/* Binds the name of the field at the cursor; `defines`: what has been defined so far, which
 * imports must not follow. */
static void bind_field(WatBuilder *b, WatSpace space, u32 end, WatSpace *defines)
{
    WatCursor *c = &b->c;
    u32 at = c->at;
    bool has_id = c->tokens[at].kind == WAT_ID;
    bool is_import = is_extern(space) && has_child(c, at, end, "import");
    if (is_import && *defines != SPACE_COUNT) {
        dv_wat_fail(c, at, "import after %s", dv_wat_spaces[*defines].noun);
    }
    if (is_extern(space) && !is_import && *defines == SPACE_COUNT) {
        *defines = space;
    }
    dv_wat_bind(b, space, at, has_id ? c->tokens[at].link : 0);
    if (space == SPACE_TABLE && has_child(c, at, end, "elem")) {
        dv_wat_bind(b, SPACE_ELEM, at, 0);
    }
    if (space == SPACE_MEMORY && has_child(c, at, end, "data")) {
        dv_wat_bind(b, SPACE_DATA, at, 0);
    }
}

/* Binds the names of the types of a recursion group. */
static void bind_group(WatBuilder *b, u32 end)
{
    WatCursor *c = &b->c;
    while (c->at < end && !c->failed) {
        if (dv_wat_is_form(c, "type")) {
            u32 id = c->at + 2;
            dv_wat_bind(b, SPACE_TYPE, id, c->tokens[id].kind == WAT_ID ? c->tokens[id].link : 0);
        }
        c->at = dv_wat_kind(c) == WAT_LPAR ? dv_wat_peek(c)->link + 1 : c->at + 1;
    }
}

/* Binds what (import "m" "n" (KIND $id ...)) brings. */
static void bind_import(WatBuilder *b, WatSpace *defines)
{
    WatCursor *c = &b->c;
    while (dv_wat_kind(c) == WAT_STRING) {
        dv_wat_skip(c);
    }
    WatSpace space = space_of(dv_wat_form(c));
    if (is_extern(space)) {
        u32 id = c->at + 2;
        if (*defines != SPACE_COUNT) {
            dv_wat_fail(c, c->at, "import after %s", dv_wat_spaces[*defines].noun);
        }
        dv_wat_bind(b, space, id, c->tokens[id].kind == WAT_ID ? c->tokens[id].link : 0);
    }
}

static void bind_fields(WatBuilder *b, u32 end)
{
    WatCursor *c = &b->c;
    WatSpace defines = SPACE_COUNT;
    u32 begin = c->at;
    while (c->at < end && !c->failed) {
        u32 field_end = dv_wat_kind(c) == WAT_LPAR ? dv_wat_peek(c)->link : c->at;
        Str word = dv_wat_form(c);
        WatSpace space = space_of(word);
        if (space != SPACE_COUNT) {
            c->at += 2;
            bind_field(b, space, field_end, &defines);
        } else if (dv_str_is(word, "rec")) {
            c->at += 2;
            bind_group(b, field_end);
        } else if (dv_str_is(word, "import")) {
            c->at += 2;
            bind_import(b, &defines);
        }
        c->at = c->failed ? c->at : field_end + 1;
    }
    c->at = c->failed ? c->at : begin;
}

static void take_all_types(WatBuilder *b, u32 end)
{
    WatCursor *c = &b->c;
    u32 begin = c->at;
    while (c->at < end && !c->failed) {
        if (dv_wat_is_form(c, "type") || dv_wat_is_form(c, "rec")) {
            dv_wat_take_types(b);
        } else {
            c->at = dv_wat_kind(c) == WAT_LPAR ? dv_wat_peek(c)->link + 1 : c->at + 1;
        }
    }
    c->at = c->failed ? c->at : begin;
}

/* ---- pieces of fields ---- */

/* Instructions go to a section, with their places. */
static void write_to(WatBuilder *b, u32 section)
{
    b->code = &b->sections[section].bytes;
    b->places = &b->sections[section].places;
}

static void put_name(ByteBuf *out, Str name)
{
    dv_bytebuf_uleb(out, name.len);
    dv_bytebuf_bytes(out, name.data, name.len);
}

static void put_export(WatBuilder *b, Str name, WatSpace kind, u32 index)
{
    WatSection *section = &b->sections[7];
    put_name(&section->bytes, name);
    dv_bytebuf_u8(&section->bytes, (u8)kind);
    dv_bytebuf_uleb(&section->bytes, index);
    section->count++;
}

/* What stands in front of the types of all fields: name, exports, import. */
typedef struct FieldHead {
    u32 index;
    bool is_import;
} FieldHead;

/* Takes (import "m" "n"'s two names, which begin an import. */
static void take_import_names(WatBuilder *b)
{
    WatSection *section = &b->sections[2];
    section->count++;
    put_name(&section->bytes, dv_wat_take_name(&b->c));
    put_name(&section->bytes, dv_wat_take_name(&b->c));
}

static void take_name_of(WatBuilder *b, WatSpace space, u32 index)
{
    u32 id;
    Str name;
    if (dv_wat_take_binder(b, &id, &name)) {
        vec_push(b->arena, &b->names[space].rows, ((NameDecl){index, name}));
    }
}

static FieldHead take_head(WatBuilder *b, WatSpace space, u32 index)
{
    WatCursor *c = &b->c;
    FieldHead head = {index, false};
    take_name_of(b, space, index);
    while (!c->failed) {
        if (dv_wat_take_form(c, "export")) {
            put_export(b, dv_wat_take_name(c), space, index);
            dv_wat_close(c);
        } else if (!head.is_import && dv_wat_take_form(c, "import")) {
            take_import_names(b);
            dv_wat_close(c);
            head.is_import = true;
        } else {
            break;
        }
    }
    return head;
}

/* i32 and i64 in front of limits; whether indices have 64 bits. */
static bool take_index_type(WatBuilder *b)
{
    if (dv_wat_take_word(&b->c, "i64")) {
        return true;
    }
    (void)dv_wat_take_word(&b->c, "i32");
    return false;
}

/* Limits of a memory or table, "shared" and page size. */
typedef struct WatLimits {
    u64 min, max;
    u32 page_log2;
    u8 flags;
} WatLimits;

static void take_limits(WatBuilder *b, WatLimits *limits)
{
    WatCursor *c = &b->c;
    limits->min = dv_wat_take_nat(c, 64, "i64 constant out of range");
    if (dv_wat_is_nat(c)) {
        limits->max = dv_wat_take_nat(c, 64, "i64 constant out of range");
        limits->flags |= LIMITS_MAX;
    }
    if (dv_wat_take_word(c, "shared")) {
        limits->flags |= LIMITS_SHARED;
    }
}

static void take_page_size(WatBuilder *b, WatLimits *limits)
{
    WatCursor *c = &b->c;
    if (dv_wat_take_form(c, "pagesize")) {
        u32 token = c->at;
        u64 size = dv_wat_take_nat(c, 64, "invalid custom page size");
        if (!c->failed && (size == 0 || (size & (size - 1)) != 0)) {
            dv_wat_fail(c, token, "invalid custom page size: it must be a power of two");
        }
        limits->flags |= LIMITS_PAGE_SIZE;
        limits->page_log2 = dv_ctz64(size);
        dv_wat_close(c);
    }
}

static void put_limits(ByteBuf *out, const WatLimits *limits)
{
    dv_bytebuf_u8(out, limits->flags);
    dv_bytebuf_uleb(out, limits->min);
    if ((limits->flags & LIMITS_MAX) != 0) {
        dv_bytebuf_uleb(out, limits->max);
    }
    if ((limits->flags & LIMITS_PAGE_SIZE) != 0) {
        dv_bytebuf_uleb(out, limits->page_log2);
    }
}

void dv_wat_take_strings(WatCursor *c, ByteBuf *out)
{
    while (dv_wat_kind(c) == WAT_STRING) {
        dv_wat_take_string(c, out);
    }
}

/* An expression up to the closing parenthesis, with its end. */
static void take_expr(WatBuilder *b)
{
    dv_wat_take_expr(b);
    dv_bytebuf_u8(b->code, EXPR_END);
}

/* (offset expr), or a folded instruction. */
static void take_wrapped(WatBuilder *b, const char *word)
{
    if (dv_wat_take_form(&b->c, word)) {
        take_expr(b);
        dv_wat_close(&b->c);
    } else {
        dv_wat_take_folded(b);
        dv_bytebuf_u8(b->code, EXPR_END);
    }
}

/* The expression that is zero, as the offset of an inline segment. */
static void put_zero(ByteBuf *out, bool index64)
{
    dv_bytebuf_u8(out, index64 ? OP_I64_CONST : OP_I32_CONST);
    dv_bytebuf_u8(out, 0);
    dv_bytebuf_u8(out, EXPR_END);
}

/* ---- fields ---- */

/* What follows an import's names or the head of a field with (import: the type. */
static void take_extern_type(WatBuilder *b, WatSpace space)
{
    WatCursor *c = &b->c;
    ByteBuf *out = &b->sections[2].bytes;
    WatLimits limits = {0, 0, 0, 0};
    u32 kind_at = (u32)out->len;
    dv_bytebuf_u8(out, (u8)space);
    if (space == SPACE_FUNC) {
        bool is_exact = dv_wat_take_form(c, "exact");
        u32 type = dv_wat_take_type_use(b, USE_FUNC).type;
        out->data[kind_at] = is_exact ? EXTERN_FUNC_EXACT : EXTERN_FUNC;
        dv_bytebuf_uleb(out, type);
        if (is_exact) {
            dv_wat_close(c);
        }
    } else if (space == SPACE_TAG) {
        dv_bytebuf_u8(out, 0);
        dv_bytebuf_uleb(out, dv_wat_take_type_use(b, USE_FUNC).type);
    } else if (space == SPACE_GLOBAL) {
        dv_wat_take_global_type(b, out);
    } else {
        limits.flags = take_index_type(b) ? LIMITS_INDEX64 : 0;
        take_limits(b, &limits);
        if (space == SPACE_TABLE) {
            dv_wat_put_ref(out, dv_wat_take_ref(b));
        } else {
            take_page_size(b, &limits);
        }
        put_limits(out, &limits);
    }
}

/* Forgets the locals and labels of the function before. */
static void begin_func(WatBuilder *b)
{
    b->func++;
    b->num_locals = 0;
    b->num_labels = 0;
    b->num_hints = 0;
    b->local_names.len = 0;
    b->label_names.len = 0;
    b->hints.len = 0;
    b->body.len = 0;
}

static void put_name_rows(ByteBuf *out, const WatNameRows *rows)
{
    dv_bytebuf_uleb(out, rows->len);
    for (u32 i = 0; i < rows->len; i++) {
        dv_bytebuf_uleb(out, rows->data[i].index);
        put_name(out, rows->data[i].name);
    }
}

/* Files the names and hints of the function that has been read. */
static void end_func(WatBuilder *b, u32 index)
{
    if (b->local_names.len != 0) {
        b->num_name_locals++;
        dv_bytebuf_uleb(&b->name_locals, index);
        put_name_rows(&b->name_locals, &b->local_names);
    }
    if (b->label_names.len != 0) {
        b->num_name_labels++;
        dv_bytebuf_uleb(&b->name_labels, index);
        put_name_rows(&b->name_labels, &b->label_names);
    }
    if (b->num_hints != 0) {
        b->num_hint_funcs++;
        dv_bytebuf_uleb(&b->hint_section, index);
        dv_bytebuf_uleb(&b->hint_section, b->num_hints);
        dv_bytebuf_bytes(&b->hint_section, b->hints.data, b->hints.len);
    }
}

/* (local ...) forms into the body: runs of equal types. */
static void take_locals(WatBuilder *b)
{
    WatCursor *c = &b->c;
    ByteBuf runs;
    ByteBuf type;
    u32 num_runs = 0;
    u32 run = 0; /* length of the last, whose type is `type` */
    dv_bytebuf_init(&runs, b->arena);
    dv_bytebuf_init(&type, b->arena);
    while (dv_wat_take_form(c, "local")) {
        bool is_named = dv_wat_has_binder(b);
        u32 token = c->at;
        u32 id = 0;
        Str name = {"", 0};
        bool has_name = is_named && dv_wat_take_binder(b, &id, &name);
        while (!c->failed && (is_named || dv_wat_kind(c) != WAT_RPAR)) {
            b->params.len = 0;
            dv_wat_take_valtype(b, &b->params);
            bool same = run != 0 && type.len == b->params.len &&
                        memcmp(type.data, b->params.data, type.len) == 0;
            if (!same && run != 0) {
                dv_bytebuf_uleb(&runs, run);
                dv_bytebuf_bytes(&runs, type.data, type.len);
            }
            num_runs += !same;
            run = same ? run + 1 : 1;
            type.len = 0;
            dv_bytebuf_bytes(&type, b->params.data, b->params.len);
            dv_wat_bind_local(b, id, token, name, has_name);
            if (is_named) {
                break;
            }
        }
        dv_wat_close(c);
    }
    dv_bytebuf_uleb(&b->body, num_runs);
    dv_bytebuf_bytes(&b->body, runs.data, runs.len);
    if (run != 0) {
        dv_bytebuf_uleb(&b->body, run);
        dv_bytebuf_bytes(&b->body, type.data, type.len);
    }
}

static void take_body(WatBuilder *b)
{
    WatSection *section = &b->sections[10];
    u32 first_place = section->places.len;
    take_locals(b);
    b->code = &b->body;
    b->places = &section->places;
    u32 end_token = b->c.at;
    dv_wat_take_expr(b);
    end_token = b->c.failed ? end_token : b->c.at;
    if (b->wants_places && !b->c.failed) {
        WatPlace place = {(u32)b->body.len, 0, 0};
        dv_wat_position(b->c.text, b->c.tokens[end_token].at, &place.line, &place.column);
        vec_push(b->arena, &section->places, place);
    }
    dv_bytebuf_u8(&b->body, EXPR_END);
    section->count++;
    dv_bytebuf_uleb(&section->bytes, b->body.len);
    for (u32 i = first_place; i < section->places.len; i++) {
        section->places.data[i].offset += (u32)section->bytes.len;
    }
    dv_bytebuf_bytes(&section->bytes, b->body.data, b->body.len);
}

static void take_func(WatBuilder *b, u32 index)
{
    begin_func(b);
    FieldHead head = take_head(b, SPACE_FUNC, index);
    if (head.is_import) {
        take_extern_type(b, SPACE_FUNC);
    } else {
        dv_bytebuf_uleb(&b->sections[3].bytes, dv_wat_take_type_use(b, USE_FUNC).type);
        b->sections[3].count++;
        take_body(b);
    }
    end_func(b, index);
}

static void put_elem_flags(WatBuilder *b, u32 flags)
{
    b->sections[9].count++;
    dv_bytebuf_uleb(&b->sections[9].bytes, flags);
}

enum { ELEM_NOT_ACTIVE = 1, ELEM_EXPLICIT = 2, ELEM_EXPRS = 4 };

/* Function indices up to the closing parenthesis. */
static void take_func_items(WatBuilder *b, bool as_exprs)
{
    WatCursor *c = &b->c;
    ByteBuf *out = &b->sections[9].bytes;
    u32 count = 0;
    ByteBuf items;
    dv_bytebuf_init(&items, b->arena);
    while (!c->failed && dv_wat_kind(c) != WAT_RPAR) {
        u32 func = dv_wat_take_index(b, SPACE_FUNC);
        if (as_exprs) {
            dv_bytebuf_u8(&items, OP_REF_FUNC);
        }
        dv_bytebuf_uleb(&items, func);
        if (as_exprs) {
            dv_bytebuf_u8(&items, EXPR_END);
        }
        count++;
    }
    dv_bytebuf_uleb(out, count);
    dv_bytebuf_bytes(out, items.data, items.len);
}

/* Expressions up to the closing parenthesis, with their number in front. */
static void take_expr_items(WatBuilder *b)
{
    WatCursor *c = &b->c;
    u32 count = 0;
    for (u32 at = c->at; c->tokens[at].kind == WAT_LPAR; at = c->tokens[at].link + 1) {
        count++;
    }
    write_to(b, 9);
    dv_bytebuf_uleb(b->code, count);
    while (!c->failed && dv_wat_kind(c) != WAT_RPAR) {
        take_wrapped(b, "item");
    }
}

/* (table ... REF (elem ...)): a segment for the whole table; the number of its items. */
static u32 take_inline_elem(WatBuilder *b, u32 table, WatRef type, bool index64)
{
    WatCursor *c = &b->c;
    ByteBuf *out = &b->sections[9].bytes;
    bool is_funcref = type.is_null && type.heap.byte == HEAP_FUNC;
    bool is_exprs = dv_wat_kind(c) == WAT_LPAR;
    u32 count = 0;
    for (u32 at = c->at; c->tokens[at].kind != WAT_RPAR && c->tokens[at].kind != WAT_END; at++) {
        at = c->tokens[at].kind == WAT_LPAR ? c->tokens[at].link : at;
        count++;
    }
    bool as_exprs = is_exprs || !is_funcref;
    bool is_explicit = table != 0 || (as_exprs && !is_funcref);
    put_elem_flags(b, (is_explicit ? ELEM_EXPLICIT : 0) | (as_exprs ? ELEM_EXPRS : 0));
    if (is_explicit) {
        dv_bytebuf_uleb(out, table);
    }
    put_zero(out, index64);
    if (is_explicit && as_exprs) {
        dv_wat_put_ref(out, type);
    } else if (is_explicit) {
        dv_bytebuf_u8(out, ELEM_KIND_FUNC);
    }
    if (is_exprs) {
        take_expr_items(b);
    } else {
        take_func_items(b, as_exprs);
    }
    return count;
}

static void take_table(WatBuilder *b, u32 index)
{
    WatCursor *c = &b->c;
    FieldHead head = take_head(b, SPACE_TABLE, index);
    WatSection *section = &b->sections[4];
    WatLimits limits = {0, 0, 0, 0};
    if (head.is_import) {
        take_extern_type(b, SPACE_TABLE);
        return;
    }
    section->count++;
    limits.flags = take_index_type(b) ? LIMITS_INDEX64 : 0;
    if (dv_wat_is_ref(b)) {
        WatRef type = dv_wat_take_ref(b);
        if (!dv_wat_take_form(c, "elem")) {
            dv_wat_unexpected(c, "(elem");
        }
        limits.min = take_inline_elem(b, index, type, (limits.flags & LIMITS_INDEX64) != 0);
        limits.max = limits.min;
        limits.flags |= LIMITS_MAX;
        dv_wat_close(c);
        dv_wat_put_ref(&section->bytes, type);
        put_limits(&section->bytes, &limits);
        return;
    }
    take_limits(b, &limits);
    WatRef type = dv_wat_take_ref(b);
    bool has_init = dv_wat_kind(c) != WAT_RPAR;
    if (has_init) {
        dv_bytebuf_u8(&section->bytes, 0x40);
        dv_bytebuf_u8(&section->bytes, 0);
    }
    dv_wat_put_ref(&section->bytes, type);
    put_limits(&section->bytes, &limits);
    if (has_init) {
        write_to(b, 4);
        take_expr(b);
    }
}

/* (memory ... (data ...)): a segment for the whole memory; its size. */
static u64 take_inline_data(WatBuilder *b, u32 memory, bool index64)
{
    WatSection *section = &b->sections[11];
    ByteBuf bytes;
    dv_bytebuf_init(&bytes, b->arena);
    dv_wat_take_strings(&b->c, &bytes);
    section->count++;
    dv_bytebuf_uleb(&section->bytes, memory == 0 ? 0 : 2);
    if (memory != 0) {
        dv_bytebuf_uleb(&section->bytes, memory);
    }
    put_zero(&section->bytes, index64);
    dv_bytebuf_uleb(&section->bytes, bytes.len);
    dv_bytebuf_bytes(&section->bytes, bytes.data, bytes.len);
    return bytes.len;
}

static void take_memory(WatBuilder *b, u32 index)
{
    WatCursor *c = &b->c;
    FieldHead head = take_head(b, SPACE_MEMORY, index);
    WatLimits limits = {0, 0, 0, 0};
    if (head.is_import) {
        take_extern_type(b, SPACE_MEMORY);
        return;
    }
    b->sections[5].count++;
    limits.flags = take_index_type(b) ? LIMITS_INDEX64 : 0;
    if (dv_wat_is_form(c, "pagesize") || dv_wat_is_form(c, "data")) {
        take_page_size(b, &limits);
        u32 page_log2 = (limits.flags & LIMITS_PAGE_SIZE) != 0 ? limits.page_log2 : 16;
        if (!dv_wat_take_form(c, "data")) {
            dv_wat_unexpected(c, "(data");
        }
        u64 size = take_inline_data(b, index, (limits.flags & LIMITS_INDEX64) != 0);
        dv_wat_close(c);
        limits.min = page_log2 >= 64
                         ? size != 0
                         : (size >> page_log2) + ((size & (((u64)1 << page_log2) - 1)) != 0);
        limits.max = limits.min;
        limits.flags |= LIMITS_MAX;
    } else {
        take_limits(b, &limits);
        take_page_size(b, &limits);
    }
    put_limits(&b->sections[5].bytes, &limits);
}

static void take_global(WatBuilder *b, u32 index)
{
    FieldHead head = take_head(b, SPACE_GLOBAL, index);
    if (head.is_import) {
        take_extern_type(b, SPACE_GLOBAL);
        return;
    }
    b->sections[6].count++;
    dv_wat_take_global_type(b, &b->sections[6].bytes);
    write_to(b, 6);
    take_expr(b);
}

static void take_tag(WatBuilder *b, u32 index)
{
    begin_func(b);
    FieldHead head = take_head(b, SPACE_TAG, index);
    if (head.is_import) {
        take_extern_type(b, SPACE_TAG);
        return;
    }
    WatSection *section = &b->sections[13];
    section->count++;
    u32 type = dv_wat_take_type_use(b, USE_FUNC).type;
    dv_bytebuf_u8(&section->bytes, 0);
    dv_bytebuf_uleb(&section->bytes, type);
}

/* (table x) or (memory x), or just x. */
static u32 take_use(WatBuilder *b, WatSpace space)
{
    u32 index = 0;
    if (dv_wat_take_form(&b->c, dv_wat_spaces[space].word)) {
        index = dv_wat_take_index(b, space);
        dv_wat_close(&b->c);
    } else if (dv_wat_is_index(&b->c)) {
        index = dv_wat_take_index(b, space);
    }
    return index;
}

/* The kind or type of a segment's items, and the items. The flags have been written at flags_at. */
static void take_elem_list(WatBuilder *b, u32 flags_at, u8 flags)
{
    WatCursor *c = &b->c;
    ByteBuf *out = &b->sections[9].bytes;
    bool is_ref = dv_wat_is_ref(b);
    if (!is_ref) {
        bool has_word = dv_wat_take_word(c, "func");
        if (!has_word && (flags & ELEM_NOT_ACTIVE) != 0) {
            dv_wat_unexpected(c, "func or a reference type");
        }
        if (flags != 0) {
            dv_bytebuf_u8(out, ELEM_KIND_FUNC);
        }
        take_func_items(b, false);
        return;
    }
    WatRef type = dv_wat_take_ref(b);
    bool is_funcref = type.is_null && type.heap.byte == HEAP_FUNC;
    flags |= ELEM_EXPRS;
    if (flags == ELEM_EXPRS && !is_funcref) {
        /* the table's index must be there for the type to be */
        flags |= ELEM_EXPLICIT;
        dv_bytebuf_u8(out, 0);
        memmove(out->data + flags_at + 2, out->data + flags_at + 1, out->len - flags_at - 2);
        out->data[flags_at + 1] = 0;
        for (u32 i = b->sections[9].places.len;
             i-- > 0 && b->sections[9].places.data[i].offset > flags_at;) {
            b->sections[9].places.data[i].offset++;
        }
    }
    out->data[flags_at] = flags;
    if (flags != ELEM_EXPRS) {
        dv_wat_put_ref(out, type);
    }
    take_expr_items(b);
}

static void take_elem(WatBuilder *b, u32 index)
{
    WatCursor *c = &b->c;
    ByteBuf *out = &b->sections[9].bytes;
    take_name_of(b, SPACE_ELEM, index);
    u32 flags_at = (u32)out->len;
    u8 flags = 0;
    put_elem_flags(b, 0);
    if (dv_wat_take_word(c, "declare")) {
        flags = ELEM_NOT_ACTIVE | ELEM_EXPLICIT;
    } else if (dv_wat_is_word(c, "func") || dv_wat_is_ref(b)) {
        flags = ELEM_NOT_ACTIVE;
    } else {
        u32 table = take_use(b, SPACE_TABLE);
        if (table != 0) {
            flags = ELEM_EXPLICIT;
            dv_bytebuf_uleb(out, table);
        }
        write_to(b, 9);
        take_wrapped(b, "offset");
    }
    if (!c->failed) {
        out->data[flags_at] = flags;
        take_elem_list(b, flags_at, flags);
    }
}

static void take_data(WatBuilder *b, u32 index)
{
    WatCursor *c = &b->c;
    WatSection *section = &b->sections[11];
    ByteBuf bytes;
    take_name_of(b, SPACE_DATA, index);
    section->count++;
    if (dv_wat_kind(c) == WAT_STRING || dv_wat_kind(c) == WAT_RPAR) {
        dv_bytebuf_u8(&section->bytes, 1);
    } else {
        u32 memory = take_use(b, SPACE_MEMORY);
        dv_bytebuf_u8(&section->bytes, memory == 0 ? 0 : 2);
        if (memory != 0) {
            dv_bytebuf_uleb(&section->bytes, memory);
        }
        write_to(b, 11);
        take_wrapped(b, "offset");
    }
    dv_bytebuf_init(&bytes, b->arena);
    dv_wat_take_strings(c, &bytes);
    dv_bytebuf_uleb(&section->bytes, bytes.len);
    dv_bytebuf_bytes(&section->bytes, bytes.data, bytes.len);
}

static void take_import(WatBuilder *b, u32 counts[SPACE_COUNT])
{
    WatCursor *c = &b->c;
    begin_func(b);
    take_import_names(b);
    WatSpace space = space_of(dv_wat_form(c));
    if (!is_extern(space)) {
        c->at += dv_wat_kind(c) == WAT_LPAR;
        dv_wat_unexpected(c, "(func, (table, (memory, (global or (tag");
        return;
    }
    dv_wat_skip(c);
    dv_wat_skip(c);
    u32 index = counts[space]++;
    take_name_of(b, space, index);
    take_extern_type(b, space);
    dv_wat_close(c);
    if (space == SPACE_FUNC) {
        end_func(b, index);
    }
}

static void take_export(WatBuilder *b)
{
    WatCursor *c = &b->c;
    Str name = dv_wat_take_name(c);
    WatSpace space = space_of(dv_wat_form(c));
    if (!is_extern(space)) {
        c->at += dv_wat_kind(c) == WAT_LPAR;
        dv_wat_unexpected(c, "(func, (table, (memory, (global or (tag");
        return;
    }
    dv_wat_skip(c);
    dv_wat_skip(c);
    u32 index = dv_wat_take_index(b, space);
    dv_wat_close(c);
    put_export(b, name, space, index);
}

static void take_start(WatBuilder *b)
{
    WatCursor *c = &b->c;
    if (b->has_start) {
        dv_wat_fail(c, c->at, "multiple start sections");
    }
    b->has_start = true;
    dv_bytebuf_uleb(&b->sections[8].bytes, dv_wat_take_index(b, SPACE_FUNC));
}

static void take_space_field(WatBuilder *b, WatSpace space, u32 counts[SPACE_COUNT])
{
    u32 index = counts[space]++;
    switch (space) {
    case SPACE_FUNC:
        take_func(b, index);
        break;
    case SPACE_TABLE:
        counts[SPACE_ELEM] += has_child(&b->c, b->c.at, b->c.tokens[b->c.at - 2].link, "elem");
        take_table(b, index);
        break;
    case SPACE_MEMORY:
        counts[SPACE_DATA] += has_child(&b->c, b->c.at, b->c.tokens[b->c.at - 2].link, "data");
        take_memory(b, index);
        break;
    case SPACE_GLOBAL:
        take_global(b, index);
        break;
    case SPACE_TAG:
        take_tag(b, index);
        break;
    case SPACE_ELEM:
        take_elem(b, index);
        break;
    case SPACE_DATA:
        take_data(b, index);
        break;
    default:
        UNREACHABLE();
    }
}

/* ---- @custom ---- */

/* (before SECTION) or (after SECTION), which may be left out: the last place. */
static u32 take_slot(WatCursor *c)
{
    const u32 last = 2 * WAT_KNOWN_SECTIONS;
    if (dv_wat_kind(c) != WAT_LPAR) {
        return last;
    }
    bool is_before = dv_wat_is_form(c, "before");
    if (!is_before && !dv_wat_is_form(c, "after")) {
        dv_wat_fail(c, c->at, "@custom annotation: malformed placement");
        return last;
    }
    c->at += 2;
    u32 slot = UINT32_MAX;
    for (u32 i = 0; i < WAT_KNOWN_SECTIONS; i++) {
        slot = dv_wat_is_word(c, dv_wat_sections[i].word) ? 2 * i + !is_before : slot;
    }
    slot = is_before && dv_wat_is_word(c, "first") ? 0 : slot;
    slot = !is_before && dv_wat_is_word(c, "last") ? last : slot;
    if (slot == UINT32_MAX) {
        dv_wat_fail(c, c->at, "@custom annotation: malformed section kind");
        return last;
    }
    dv_wat_skip(c);
    dv_wat_close(c);
    return slot;
}

static void take_custom(WatBuilder *b, const WatAnnot *annot)
{
    WatCursor *c = &b->c;
    WatCursor inside = *c;
    WatCustom custom;
    ByteBuf name;
    usize bad;
    inside.tokens = c->text->annot_tokens.data;
    inside.at = annot->first;
    inside.last = annot->end;
    if (dv_wat_kind(&inside) != WAT_STRING) {
        dv_wat_fail(&inside, inside.at, "@custom annotation: missing section name");
    }
    u32 name_at = inside.at;
    dv_bytebuf_init(&name, b->arena);
    dv_wat_take_string(&inside, &name);
    if (!inside.failed && !dv_wat_is_utf8((const char *)name.data, name.len, &bad)) {
        dv_wat_fail(&inside, name_at, "@custom annotation: malformed UTF-8 encoding");
    }
    custom.name = (Str){(const char *)name.data, (u32)name.len};
    custom.slot = take_slot(&inside);
    dv_bytebuf_init(&custom.bytes, b->arena);
    dv_wat_take_strings(&inside, &custom.bytes);
    if (!inside.failed && inside.at != inside.last) {
        dv_wat_fail(&inside, inside.at, "@custom annotation: unexpected token");
    }
    vec_push(b->arena, &b->customs, custom);
    c->failed = inside.failed;
    c->at = c->failed ? c->last : c->at;
}

/* The custom sections that stand before the next token. */
static void take_customs(WatBuilder *b)
{
    WatText *text = b->c.text;
    u32 token = b->c.at;
    for (u32 i = dv_wat_first_annot(text, token);
         !b->c.failed && i < text->annots.len && text->annots.data[i].before == token; i++) {
        WatAnnot *annot = &text->annots.data[i];
        if (annot->kind == ANNOT_CUSTOM) {
            annot->used = true;
            take_custom(b, annot);
        }
    }
}

/* Annotations of the module that were nowhere asked for. */
static void check_annots(WatBuilder *b, u32 begin, u32 end)
{
    const WatText *text = b->c.text;
    for (u32 i = dv_wat_first_annot(text, begin);
         i < text->annots.len && text->annots.data[i].before <= end; i++) {
        const WatAnnot *annot = &text->annots.data[i];
        if (annot->used) {
            continue;
        }
        if (annot->kind == ANNOT_BRANCH_HINT) {
            dv_wat_fail_at(&b->c, annot->at,
                           "@metadata.code.branch_hint annotation: not in a function");
        } else if (annot->kind == ANNOT_NAME && annot->before == begin) {
            dv_wat_fail_at(&b->c, annot->at, "@name annotation: multiple module");
        } else {
            dv_wat_fail_at(&b->c, annot->at, "misplaced @%s annotation",
                           annot->kind == ANNOT_NAME ? "name" : "custom");
        }
    }
}

/* ---- the module ---- */

static void take_field(WatBuilder *b, u32 counts[SPACE_COUNT])
{
    WatCursor *c = &b->c;
    Str word = dv_wat_form(c);
    WatSpace space = space_of(word);
    if (space == SPACE_TYPE || dv_str_is(word, "rec")) {
        c->at = dv_wat_peek(c)->link + 1; /* read already */
        return;
    }
    bool is_known = space != SPACE_COUNT || dv_str_is(word, "import") ||
                    dv_str_is(word, "export") || dv_str_is(word, "start");
    if (!is_known) {
        c->at += dv_wat_kind(c) == WAT_LPAR;
        dv_wat_unexpected(c, "a field of a module");
        return;
    }
    c->at += 2;
    if (space != SPACE_COUNT) {
        take_space_field(b, space, counts);
    } else if (dv_str_is(word, "import")) {
        take_import(b, counts);
    } else if (dv_str_is(word, "export")) {
        take_export(b);
    } else {
        take_start(b);
    }
    dv_wat_close(c);
}

static void init_builder(WatBuilder *b, WatCursor *c, bool wants_places)
{
    Arena *arena = c->arena;
    b->c = *c;
    b->arena = arena;
    b->wants_places = wants_places;
    ByteBuf *const bufs[] = {&b->body,        &b->pending,     &b->inst,       &b->params,
                             &b->results,     &b->signature,   &b->hints,      &b->hint_section,
                             &b->name_locals, &b->name_labels, &b->name_fields};
    for (u32 i = 0; i < ARRAY_LEN(bufs); i++) {
        dv_bytebuf_init(bufs[i], arena);
    }
    for (u32 i = 0; i < WAT_SECTIONS; i++) {
        dv_bytebuf_init(&b->sections[i].bytes, arena);
    }
    b->code = &b->body;
    b->places = &b->sections[10].places;
}

bool dv_wat_take_module(WatCursor *c, u32 end, ByteBuf *out, WatPlaces *places)
{
    WatBuilder *b = ARENA_NEW(c->arena, WatBuilder);
    u32 counts[SPACE_COUNT] = {0};
    u32 begin;
    u32 id;
    init_builder(b, c, places != NULL);
    b->has_module_name = dv_wat_take_binder(b, &id, &b->module_name);
    begin = b->c.at;
    bind_fields(b, end);
    take_all_types(b, end);
    while (b->c.at < end && !b->c.failed) {
        take_customs(b);
        if (!b->c.failed) {
            take_field(b, counts);
        }
    }
    take_customs(b);
    check_annots(b, begin, end);
    if (!b->c.failed) {
        dv_wat_write(b, out, places);
    }
    *c = b->c;
    return !c->failed;
}
