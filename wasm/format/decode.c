/* decode.c - a module's sections.
 *
 * Source: specification 3.0, "Binary Format", modules. One pass over the bytes finds whatever is
 * malformed outside of bodies, which are only measured; then validate_module.c checks what the
 * declarations mean, so that a module that is both malformed and invalid is said to be malformed. A
 * section's items are read up to its end and must fill it.
 *
 * Lengths are compared as the specification's tests expect: one that ends a byte too late is an
 * "unexpected end", a larger one is "length out of bounds".
 */
#include "wasm/format/validate.h"

const WasmLimits dv_wasm_limits = {
    .module_bytes = 1u << 30,
    .items = 1000000,
    .tables = 100000,
    .params = 1000,
    .locals = 50000,
    .all_locals = 1u << 24,
    .all_locals_per_byte = 16,
    .body_bytes = 7654321,
    .br_table = 65520,
    .name_bytes = 100000,
    .operands = 1u << 22,
    .fields = 10000,
    .super_depth = 63,
};

enum {
    SECTION_CUSTOM,
    SECTION_TYPE,
    SECTION_IMPORT,
    SECTION_FUNC,
    SECTION_TABLE,
    SECTION_MEMORY,
    SECTION_GLOBAL,
    SECTION_EXPORT,
    SECTION_START,
    SECTION_ELEM,
    SECTION_CODE,
    SECTION_DATA,
    SECTION_DATA_COUNT,
    SECTION_TAG,
    SECTION_COUNT
};

/* Where a section stands among the others. */
static const u8 section_rank[SECTION_COUNT] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6};

typedef struct Decoder {
    WasmReader r; /* within the section */
    const u8 *module_end;
    Arena *arena;
    WasmModule *m;
    const DecodeOptions *options;
    u32 data_count;
    u8 last_section; /* known one */
} Decoder;

/* ---- lengths and names ---- */

/* Whether `size` bytes follow; they are not skipped. */
static bool check_length(WasmReader *r, const u8 *at, u32 size)
{
    usize left = (usize)(r->end - r->at);
    if (size <= left) {
        return true;
    }
    return size == left + 1 ? dv_wasm_fail_end(r)
                            : dv_wasm_fail(r, at, true, "length out of bounds: %u of %u bytes",
                                           (unsigned)size, (unsigned)left);
}

/* The number of bytes that are one character of UTF-8, or 0. */
static u32 utf8_length(const u8 *at, usize left)
{
    if (at[0] < 0x80) {
        return 1;
    }
    u32 length = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
    if (length == 0 || left < length) {
        return 0;
    }
    /* overlong forms, surrogates, beyond U+10ffff */
    u8 low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    u8 high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high) {
        return 0;
    }
    for (u32 i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

static bool read_name(WasmReader *r, Str *out)
{
    const u8 *start = r->at;
    u32 size;
    if (!dv_wasm_read_u32(r, &size) || !check_length(r, start, size)) {
        return false;
    }
    if (size > dv_wasm_limits.name_bytes) {
        return dv_wasm_fail(r, start, false, "name too long: %u bytes, more than %u",
                            (unsigned)size, (unsigned)dv_wasm_limits.name_bytes);
    }
    *out = (Str){(const char *)r->at, size};
    const u8 *end = r->at + size;
    while (r->at != end) {
        u32 length = utf8_length(r->at, (usize)(end - r->at));
        if (length == 0) {
            return dv_wasm_fail(r, r->at, true, "malformed UTF-8 encoding");
        }
        r->at += length;
    }
    return true;
}

/* The name of an import or export. One that starts behind the section's end, with more behind
 * that, would take its length from the next section. */
static bool read_extern_name(Decoder *d, Str *out)
{
    if (d->r.at == d->r.end && d->r.end != d->module_end) {
        return dv_wasm_fail(&d->r, d->r.at, true,
                            "length out of bounds: the section ends before a name");
    }
    return read_name(&d->r, out);
}

/* The number of items of a section or list, each of at least one byte. */
static bool read_count(WasmReader *r, const char *what, u64 limit, u32 *out)
{
    const u8 *start = r->at;
    if (!dv_wasm_read_u32(r, out)) {
        return false;
    }
    if (*out > limit) {
        return dv_wasm_fail(r, start, false, "too many %s: %u, more than %u", what, (unsigned)*out,
                            (unsigned)limit);
    }
    return true;
}

/* How many elements to make room for: hostile counts are larger than the bytes that follow. */
static u32 room_for(const WasmReader *r, u32 count)
{
    usize left = (usize)(r->end - r->at);
    return count < left ? count : (u32)left;
}

/* ---- types ---- */

static bool read_value_types(Decoder *d, const char *what, u32 *count, const ValType **out)
{
    if (!read_count(&d->r, what, dv_wasm_limits.params, count)) {
        return false;
    }
    if (*count > (usize)(d->r.end - d->r.at)) {
        return dv_wasm_fail_end(&d->r);
    }
    ValType *types = ARENA_ARRAY(d->arena, ValType, *count);
    for (u32 i = 0; i < *count; i++) {
        if (!dv_wasm_read_type(&d->r, "value type", &types[i])) {
            return false;
        }
    }
    *out = types;
    return true;
}

static bool read_mutability(WasmReader *r, bool *out)
{
    u8 byte;
    if (!dv_wasm_read_byte(r, &byte)) {
        return false;
    }
    *out = byte == 1;
    return byte <= 1 ||
           dv_wasm_fail(r, r->at - 1, true, "malformed mutability: 0x%02x", (unsigned)byte);
}

static bool read_fields(Decoder *d, u32 count, SubType *out)
{
    if (count > (usize)(d->r.end - d->r.at)) {
        return dv_wasm_fail_end(&d->r);
    }
    FieldType *fields = ARENA_ARRAY(d->arena, FieldType, count);
    for (u32 i = 0; i < count; i++) {
        if (!dv_wasm_read_type(&d->r, "storage type", &fields[i].type) ||
            !read_mutability(&d->r, &fields[i].is_mutable)) {
            return false;
        }
    }
    out->num_fields = count;
    out->fields = fields;
    return true;
}

enum {
    FORM_FUNC = 0x60,
    FORM_STRUCT = 0x5f,
    FORM_ARRAY = 0x5e,
    FORM_SUB = 0x50,
    FORM_SUB_FINAL = 0x4f,
    FORM_REC = 0x4e,
    FORM_DESCRIPTOR = 0x4d,
    FORM_DESCRIBES = 0x4c
};

static bool read_composite(Decoder *d, u8 form, SubType *out)
{
    WasmReader *r = &d->r;
    const u8 *start = r->at - 1;
    u32 count;
    switch (form) {
    case FORM_FUNC:
        out->kind = COMP_FUNC;
        return read_value_types(d, "parameters", &out->num_params, &out->params) &&
               read_value_types(d, "results", &out->num_results, &out->results);
    case FORM_STRUCT:
        out->kind = COMP_STRUCT;
        return dv_wasm_need(r, start, FEATURE_gc, "malformed definition type: struct") &&
               read_count(r, "fields", dv_wasm_limits.fields, &count) && read_fields(d, count, out);
    case FORM_ARRAY:
        out->kind = COMP_ARRAY;
        return dv_wasm_need(r, start, FEATURE_gc, "malformed definition type: array") &&
               read_fields(d, 1, out);
    default:
        return dv_wasm_fail(r, start, true, "%s: 0x%02x",
                            form < 0x80 ? "malformed definition type"
                                        : "integer representation too long",
                            (unsigned)form);
    }
}

/* Clauses before a composite type: which type it describes, then which describes it. */
static bool read_descriptors(Decoder *d, u8 *form, SubType *out)
{
    WasmReader *r = &d->r;
    if (*form == FORM_DESCRIBES) {
        out->has_describes = true;
        if (!dv_wasm_need(r, r->at - 1, FEATURE_custom_descriptors, "malformed definition type") ||
            !dv_wasm_read_u32(r, &out->describes) || !dv_wasm_read_byte(r, form)) {
            return false;
        }
    }
    if (*form == FORM_DESCRIPTOR) {
        out->has_descriptor = true;
        if (!dv_wasm_need(r, r->at - 1, FEATURE_custom_descriptors, "malformed definition type") ||
            !dv_wasm_read_u32(r, &out->descriptor) || !dv_wasm_read_byte(r, form)) {
            return false;
        }
    }
    return true;
}

static bool read_subtype(Decoder *d, u8 form)
{
    WasmReader *r = &d->r;
    const u8 *start = r->at - 1;
    SubType type = {.is_final = form != FORM_SUB, .canonical = d->m->types.len};
    if (form == FORM_SUB || form == FORM_SUB_FINAL) {
        u32 supers;
        if (!dv_wasm_need(r, start, FEATURE_gc, "malformed definition type: sub") ||
            !dv_wasm_read_u32(r, &supers)) {
            return false;
        }
        if (supers > 1) {
            return dv_wasm_fail(r, start, true, "malformed definition type: %u supertypes",
                                (unsigned)supers);
        }
        type.has_super = supers == 1;
        if ((supers == 1 && !dv_wasm_read_u32(r, &type.super)) || !dv_wasm_read_byte(r, &form)) {
            return false;
        }
    }
    if (!read_descriptors(d, &form, &type) || !read_composite(d, form, &type)) {
        return false;
    }
    if (d->m->types.len >= dv_wasm_limits.items) {
        return dv_wasm_fail(r, start, false, "too many types: more than %u",
                            (unsigned)dv_wasm_limits.items);
    }
    vec_push(d->arena, &d->m->types, type);
    return true;
}

static bool read_group(Decoder *d)
{
    WasmReader *r = &d->r;
    u8 form;
    if (!dv_wasm_read_byte(r, &form)) {
        return false;
    }
    u32 first = d->m->types.len;
    u32 count = 1;
    if (form != FORM_REC) {
        if (!read_subtype(d, form)) {
            return false;
        }
    } else {
        if (!dv_wasm_need(r, r->at - 1, FEATURE_gc, "malformed definition type: rec") ||
            !read_count(r, "types in a recursion group", dv_wasm_limits.items, &count)) {
            return false;
        }
        for (u32 i = 0; i < count; i++) {
            if (!dv_wasm_read_byte(r, &form) || !read_subtype(d, form)) {
                return false;
            }
        }
    }
    for (u32 i = 0; i < count; i++) {
        d->m->types.data[first + i].group = first;
        d->m->types.data[first + i].group_len = count;
    }
    return true;
}

static bool read_types(Decoder *d)
{
    u32 count;
    if (!read_count(&d->r, "types", dv_wasm_limits.items, &count)) {
        return false;
    }
    vec_reserve(d->arena, &d->m->types, room_for(&d->r, count));
    for (u32 i = 0; i < count; i++) {
        if (!read_group(d)) {
            return false;
        }
    }
    return true;
}

/* ---- types of what is imported or defined ---- */

enum { LIMITS_MAX = 1, LIMITS_SHARED = 2, LIMITS_64 = 4, LIMITS_PAGE = 8 };

/* `page_log2` is NULL for tables. */
static bool read_limits(WasmReader *r, Limits *out, u32 *page_log2)
{
    static const char what[] = "malformed limits flags";
    const u8 *start = r->at;
    u8 flags;
    if (!dv_wasm_read_byte(r, &flags)) {
        return false;
    }
    u8 known = page_log2 != NULL ? LIMITS_MAX | LIMITS_SHARED | LIMITS_64 | LIMITS_PAGE
                                 : LIMITS_MAX | LIMITS_64;
    if ((flags & ~known) != 0) {
        return dv_wasm_fail(r, start, true, "%s: 0x%02x", what, (unsigned)flags);
    }
    if (((flags & LIMITS_SHARED) != 0 && !dv_wasm_need(r, start, FEATURE_threads, what)) ||
        ((flags & LIMITS_64) != 0 && !dv_wasm_need(r, start, FEATURE_memory64, what)) ||
        ((flags & LIMITS_PAGE) != 0 && !dv_wasm_need(r, start, FEATURE_custom_page_sizes, what))) {
        return false;
    }
    out->has_max = (flags & LIMITS_MAX) != 0;
    out->shared = (flags & LIMITS_SHARED) != 0;
    out->index64 = (flags & LIMITS_64) != 0;
    u32 bits = dv_wasm_has(r, FEATURE_memory64) ? 64 : 32;
    out->max = 0;
    if (!dv_wasm_read_unsigned(r, bits, &out->min) ||
        (out->has_max && !dv_wasm_read_unsigned(r, bits, &out->max))) {
        return false;
    }
    if ((flags & LIMITS_PAGE) != 0) {
        start = r->at;
        if (!dv_wasm_read_u32(r, page_log2)) {
            return false;
        }
        return *page_log2 <= 64 ||
               dv_wasm_fail(r, start, true, "invalid custom page size: 2^%u", (unsigned)*page_log2);
    }
    return true;
}

static bool add_func(Decoder *d, bool is_exact)
{
    FuncDecl func = {.is_exact = is_exact};
    if (!dv_wasm_read_u32(&d->r, &func.type)) {
        return false;
    }
    vec_push(d->arena, &d->m->funcs, func);
    return true;
}

static bool add_table(Decoder *d, bool is_import)
{
    WasmReader *r = &d->r;
    TableDecl table = {0};
    bool has_init = !is_import && r->at != r->end && *r->at == VT_EMPTY;
    if (has_init) {
        u8 zero;
        const u8 *start = r->at++;
        if (!dv_wasm_need(r, start, FEATURE_function_references, "malformed reference type") ||
            !dv_wasm_read_byte(r, &zero)) {
            return false;
        }
        if (zero != 0) {
            return dv_wasm_fail(r, start, true, "malformed table");
        }
    }
    if (!dv_wasm_read_type(r, "reference type", &table.type) ||
        !read_limits(r, &table.limits, NULL) ||
        (has_init && !dv_wasm_skip_expression(r, &table.init))) {
        return false;
    }
    vec_push(d->arena, &d->m->tables, table);
    return true;
}

static bool add_memory(Decoder *d)
{
    MemoryDecl memory = {.page_log2 = 16};
    if (!read_limits(&d->r, &memory.limits, &memory.page_log2)) {
        return false;
    }
    vec_push(d->arena, &d->m->memories, memory);
    return true;
}

static bool add_global(Decoder *d, bool is_import)
{
    WasmReader *r = &d->r;
    GlobalDecl global = {0};
    if (!dv_wasm_read_type(r, "value type", &global.type) ||
        !read_mutability(r, &global.is_mutable) ||
        (!is_import && !dv_wasm_skip_expression(r, &global.init))) {
        return false;
    }
    vec_push(d->arena, &d->m->globals, global);
    return true;
}

static bool add_tag(Decoder *d)
{
    TagDecl tag = {0};
    u8 attribute;
    if (!dv_wasm_read_byte(&d->r, &attribute)) {
        return false;
    }
    if (attribute != 0) {
        return dv_wasm_fail(&d->r, d->r.at - 1, true, "malformed tag attribute: 0x%02x",
                            (unsigned)attribute);
    }
    if (!dv_wasm_read_u32(&d->r, &tag.type)) {
        return false;
    }
    vec_push(d->arena, &d->m->tags, tag);
    return true;
}

/* ---- imports and exports ---- */

enum { EXTERN_EXACT_FUNC = 0x20 };

static bool add_import(Decoder *d, u8 kind, ImportDecl *import)
{
    WasmReader *r = &d->r;
    WasmModule *m = d->m;
    const u8 *start = r->at - 1;
    import->kind = kind;
    switch (kind) {
    case EXTERN_EXACT_FUNC:
        import->kind = EXTERN_FUNC;
        import->index = m->imported_funcs++;
        return dv_wasm_need(r, start, FEATURE_custom_descriptors, "malformed import kind") &&
               add_func(d, true);
    case EXTERN_FUNC:
        import->index = m->imported_funcs++;
        return add_func(d, false);
    case EXTERN_TABLE:
        import->index = m->imported_tables++;
        return add_table(d, true);
    case EXTERN_MEMORY:
        import->index = m->imported_memories++;
        return add_memory(d);
    case EXTERN_GLOBAL:
        import->index = m->imported_globals++;
        return add_global(d, true);
    case EXTERN_TAG:
        import->index = m->imported_tags++;
        return dv_wasm_need(r, start, FEATURE_exceptions, "malformed import kind") && add_tag(d);
    default:
        return dv_wasm_fail(r, start, true, "malformed import kind: 0x%02x", (unsigned)kind);
    }
}

static bool read_imports(Decoder *d)
{
    u32 count;
    if (!read_count(&d->r, "imports", dv_wasm_limits.items, &count)) {
        return false;
    }
    vec_reserve(d->arena, &d->m->imports, room_for(&d->r, count));
    for (u32 i = 0; i < count; i++) {
        ImportDecl import = {0};
        u8 kind;
        if (!read_extern_name(d, &import.module) || !read_extern_name(d, &import.name) ||
            !dv_wasm_read_byte(&d->r, &kind) || !add_import(d, kind, &import)) {
            return false;
        }
        vec_push(d->arena, &d->m->imports, import);
    }
    return true;
}

static bool read_exports(Decoder *d)
{
    WasmReader *r = &d->r;
    u32 count;
    if (!read_count(r, "exports", dv_wasm_limits.items, &count)) {
        return false;
    }
    vec_reserve(d->arena, &d->m->exports, room_for(r, count));
    for (u32 i = 0; i < count; i++) {
        ExportDecl decl = {0};
        if (!read_extern_name(d, &decl.name) || !dv_wasm_read_byte(r, &decl.kind)) {
            return false;
        }
        const u8 *at = r->at - 1;
        if (decl.kind > EXTERN_TAG) {
            return dv_wasm_fail(r, at, true, "malformed export kind: 0x%02x", (unsigned)decl.kind);
        }
        if ((decl.kind == EXTERN_TAG &&
             !dv_wasm_need(r, at, FEATURE_exceptions, "malformed export kind")) ||
            !dv_wasm_read_u32(r, &decl.index)) {
            return false;
        }
        vec_push(d->arena, &d->m->exports, decl);
    }
    return true;
}

/* ---- sections of one kind of item ---- */

static bool read_funcs(Decoder *d)
{
    u32 count;
    if (!read_count(&d->r, "functions", dv_wasm_limits.items, &count)) {
        return false;
    }
    vec_reserve(d->arena, &d->m->funcs, room_for(&d->r, count));
    for (u32 i = 0; i < count; i++) {
        if (!add_func(d, true)) {
            return false;
        }
    }
    return true;
}

static bool read_tables(Decoder *d)
{
    u32 count;
    if (!read_count(&d->r, "tables", dv_wasm_limits.tables, &count)) {
        return false;
    }
    for (u32 i = 0; i < count; i++) {
        if (!add_table(d, false)) {
            return false;
        }
    }
    return true;
}

static bool read_memories(Decoder *d)
{
    u32 count;
    if (!read_count(&d->r, "memories", dv_wasm_limits.tables, &count)) {
        return false;
    }
    for (u32 i = 0; i < count; i++) {
        if (!add_memory(d)) {
            return false;
        }
    }
    return true;
}

static bool read_tags(Decoder *d)
{
    u32 count;
    if (!read_count(&d->r, "tags", dv_wasm_limits.tables, &count)) {
        return false;
    }
    for (u32 i = 0; i < count; i++) {
        if (!add_tag(d)) {
            return false;
        }
    }
    return true;
}

static bool read_globals(Decoder *d)
{
    u32 count;
    if (!read_count(&d->r, "globals", dv_wasm_limits.items, &count)) {
        return false;
    }
    vec_reserve(d->arena, &d->m->globals, room_for(&d->r, count));
    for (u32 i = 0; i < count; i++) {
        if (!add_global(d, false)) {
            return false;
        }
    }
    return true;
}

static bool read_start(Decoder *d)
{
    d->m->has_start = true;
    return dv_wasm_read_u32(&d->r, &d->m->start);
}

static bool read_data_count(Decoder *d)
{
    d->m->has_data_count = true;
    return dv_wasm_read_u32(&d->r, &d->data_count);
}

/* ---- segments ---- */

enum { ELEM_NOT_ACTIVE = 1, ELEM_EXPLICIT = 2, ELEM_EXPRS = 4 };

static bool read_elem_type(WasmReader *r, u32 flags, ElemDecl *out)
{
    out->is_exprs = (flags & ELEM_EXPRS) != 0;
    if ((flags & (ELEM_NOT_ACTIVE | ELEM_EXPLICIT)) == 0) {
        out->type = out->is_exprs ? VT_FUNCREF : (VT_FUNCREF & ~VT_NULL);
        return true;
    }
    if (out->is_exprs) {
        return dv_wasm_read_type(r, "reference type", &out->type);
    }
    out->type = VT_FUNCREF & ~VT_NULL;
    u8 kind;
    if (!dv_wasm_read_byte(r, &kind)) {
        return false;
    }
    return kind == 0 ||
           dv_wasm_fail(r, r->at - 1, true, "malformed element kind: 0x%02x", (unsigned)kind);
}

static bool read_elem(Decoder *d, ElemDecl *out)
{
    WasmReader *r = &d->r;
    const u8 *start = r->at;
    u32 flags;
    if (!dv_wasm_read_u32(r, &flags)) {
        return false;
    }
    if (flags > 7) {
        return dv_wasm_fail(r, start, true, "malformed elements segment kind: %u", (unsigned)flags);
    }
    if (flags != 0 &&
        !dv_wasm_need(r, start, FEATURE_bulk_memory, "malformed elements segment kind")) {
        return false;
    }
    bool explicit_index = (flags & ELEM_EXPLICIT) != 0;
    out->mode = (flags & ELEM_NOT_ACTIVE) == 0 ? SEGMENT_ACTIVE
                : explicit_index               ? SEGMENT_DECLARED
                                               : SEGMENT_PASSIVE;
    if (out->mode == SEGMENT_ACTIVE && ((explicit_index && !dv_wasm_read_u32(r, &out->table)) ||
                                        !dv_wasm_skip_expression(r, &out->offset))) {
        return false;
    }
    if (!read_elem_type(r, flags, out) || !dv_wasm_read_u32(r, &out->count)) {
        return false;
    }
    const u8 *items = r->at;
    for (u32 i = 0, func; i < out->count; i++) {
        if (out->is_exprs ? !dv_wasm_skip_expression(r, &out->items)
                          : !dv_wasm_read_u32(r, &func)) {
            return false;
        }
    }
    out->items = (Span){dv_wasm_offset(r, items), (u32)(r->at - items)};
    return true;
}

static bool read_elems(Decoder *d)
{
    u32 count;
    if (!read_count(&d->r, "element segments", dv_wasm_limits.items, &count)) {
        return false;
    }
    for (u32 i = 0; i < count; i++) {
        ElemDecl elem = {0};
        if (!read_elem(d, &elem)) {
            return false;
        }
        vec_push(d->arena, &d->m->elems, elem);
    }
    return true;
}

static bool read_data(WasmReader *r, DataDecl *out)
{
    const u8 *start = r->at;
    u32 kind;
    if (!dv_wasm_read_u32(r, &kind)) {
        return false;
    }
    if (kind > 2) {
        return dv_wasm_fail(r, start, true, "malformed data segment kind: %u", (unsigned)kind);
    }
    if (kind != 0 && !dv_wasm_need(r, start, FEATURE_bulk_memory, "malformed data segment kind")) {
        return false;
    }
    out->mode = kind == 1 ? SEGMENT_PASSIVE : SEGMENT_ACTIVE;
    if ((kind == 2 && !dv_wasm_read_u32(r, &out->memory)) ||
        (kind != 1 && !dv_wasm_skip_expression(r, &out->offset))) {
        return false;
    }
    start = r->at;
    u32 size;
    if (!dv_wasm_read_u32(r, &size) || !check_length(r, start, size)) {
        return false;
    }
    out->bytes = (Span){dv_wasm_offset(r, r->at), size};
    r->at += size;
    return true;
}

static bool read_datas(Decoder *d)
{
    u32 count;
    if (!read_count(&d->r, "data segments", dv_wasm_limits.items, &count)) {
        return false;
    }
    for (u32 i = 0; i < count; i++) {
        DataDecl data = {0};
        if (!read_data(&d->r, &data)) {
            return false;
        }
        vec_push(d->arena, &d->m->datas, data);
    }
    return true;
}

/* ---- code ---- */

static bool read_codes(Decoder *d)
{
    WasmReader *r = &d->r;
    u32 count;
    if (!read_count(r, "functions", dv_wasm_limits.items, &count)) {
        return false;
    }
    vec_reserve(d->arena, &d->m->codes, room_for(r, count));
    for (u32 i = 0; i < count; i++) {
        const u8 *start = r->at;
        u32 size;
        if (!dv_wasm_read_u32(r, &size) || !check_length(r, start, size)) {
            return false;
        }
        if (size > dv_wasm_limits.body_bytes) {
            return dv_wasm_fail(r, start, false, "function body too large: %u bytes, more than %u",
                                (unsigned)size, (unsigned)dv_wasm_limits.body_bytes);
        }
        CodeDecl code = {{dv_wasm_offset(r, r->at), size}};
        vec_push(d->arena, &d->m->codes, code);
        r->at += size;
    }
    return true;
}

/* ---- names ---- */

/* Function names of a name subsection. What is wrong ends them silently: names are no part of a
 * module's meaning. */
static void read_func_names(Decoder *d, WasmReader *r)
{
    u32 count;
    if (!dv_wasm_read_u32(r, &count)) {
        return;
    }
    for (u32 i = 0; i < count; i++) {
        NameDecl row;
        if (!dv_wasm_read_u32(r, &row.index) || !read_name(r, &row.name)) {
            return;
        }
        u32 len = d->m->func_names.len;
        if (len != 0 && d->m->func_names.data[len - 1].index >= row.index) {
            return;
        }
        vec_push(d->arena, &d->m->func_names, row);
    }
}

enum { NAMES_MODULE, NAMES_FUNCS };

static void read_names(Decoder *d, Span section)
{
    Diag ignored;
    dv_diag_init(&ignored, d->arena);
    WasmReader r;
    dv_wasm_reader_init(&r, d->m, section, &ignored);
    const u8 *end = r.end;
    u8 id;
    u32 size;
    while (r.at != end && dv_wasm_read_byte(&r, &id) && dv_wasm_read_u32(&r, &size) &&
           size <= (usize)(end - r.at)) {
        r.end = r.at + size;
        if (id == NAMES_MODULE && !read_name(&r, &d->m->name)) {
            return;
        }
        if (id == NAMES_FUNCS && d->m->func_names.len == 0) {
            read_func_names(d, &r);
        }
        r.at += (usize)(r.end - r.at);
        r.end = end;
    }
}

static bool read_custom(Decoder *d)
{
    WasmReader *r = &d->r;
    CustomDecl custom = {.after = d->last_section};
    if (!read_name(r, &custom.name)) {
        return false;
    }
    custom.bytes = (Span){dv_wasm_offset(r, r->at), (u32)(r->end - r->at)};
    r->at = r->end;
    if (d->m->customs.len >= dv_wasm_limits.items) {
        return dv_wasm_fail(r, r->at, false, "too many custom sections: more than %u",
                            (unsigned)dv_wasm_limits.items);
    }
    vec_push(d->arena, &d->m->customs, custom);
    return true;
}

/* ---- modules ---- */

typedef bool ReadSection(Decoder *d);
static ReadSection *const section_readers[SECTION_COUNT] = {
    read_custom,  read_types, read_imports, read_funcs, read_tables, read_memories,   read_globals,
    read_exports, read_start, read_elems,   read_codes, read_datas,  read_data_count, read_tags,
};

static bool read_section_head(Decoder *d, u8 *id)
{
    WasmReader *r = &d->r;
    const u8 *start = r->at;
    u32 size;
    if (!dv_wasm_read_byte(r, id)) {
        return false;
    }
    if (*id >= SECTION_COUNT) {
        return dv_wasm_fail(r, start, true, "malformed section id: 0x%02x", (unsigned)*id);
    }
    const u8 *size_at = r->at;
    if (!dv_wasm_read_u32(r, &size) || !check_length(r, size_at, size)) {
        return false;
    }
    if ((*id == SECTION_TAG &&
         !dv_wasm_need(r, start, FEATURE_exceptions, "malformed section id")) ||
        (*id == SECTION_DATA_COUNT &&
         !dv_wasm_need(r, start, FEATURE_bulk_memory, "malformed section id"))) {
        return false;
    }
    if (*id != SECTION_CUSTOM) {
        if (section_rank[*id] <= section_rank[d->last_section]) {
            return dv_wasm_fail(
                r, start, true,
                "unexpected content after last section: section %u after section %u", (unsigned)*id,
                (unsigned)d->last_section);
        }
        d->last_section = *id;
        d->m->sections[*id] = (Span){dv_wasm_offset(r, r->at), size};
    }
    r->end = r->at + size;
    return true;
}

static bool read_sections(Decoder *d)
{
    WasmReader *r = &d->r;
    while (r->at != d->module_end) {
        u8 id;
        r->end = d->module_end;
        if (!read_section_head(d, &id) || !section_readers[id](d)) {
            return false;
        }
        if (r->at != r->end) {
            return dv_wasm_fail(r, r->at, true,
                                "section size mismatch: %u bytes are left in section %u",
                                (unsigned)(r->end - r->at), (unsigned)id);
        }
    }
    return true;
}

static bool check_counts(Decoder *d)
{
    const WasmModule *m = d->m;
    u32 defined = m->funcs.len - m->imported_funcs;
    if (!d->options->without_code && defined != m->codes.len) {
        return dv_wasm_fail(&d->r, d->module_end, true,
                            "function and code section have inconsistent lengths: %u and %u",
                            (unsigned)defined, (unsigned)m->codes.len);
    }
    if (m->has_data_count && d->data_count != m->datas.len) {
        return dv_wasm_fail(&d->r, d->module_end, true,
                            "data count and data section have inconsistent lengths: %u and %u",
                            (unsigned)d->data_count, (unsigned)m->datas.len);
    }
    return true;
}

/* What stands before the sections. */
static bool read_preamble(Decoder *d)
{
    static const u8 preamble[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    WasmReader *r = &d->r;
    usize size = (usize)(r->end - r->at);
    if (size < 4) {
        return dv_wasm_fail_end(r);
    }
    if (memcmp(r->at, preamble, 4) != 0) {
        return dv_wasm_fail(r, r->at, true, "magic header not detected");
    }
    if (size < sizeof preamble) {
        return dv_wasm_fail_end(r);
    }
    if (memcmp(r->at + 4, preamble + 4, 4) != 0) {
        return dv_wasm_fail(r, r->at + 4, true, "unknown binary version: %u",
                            (unsigned)load_le32(r->at + 4));
    }
    r->at += sizeof preamble;
    return true;
}

static bool read_module(Decoder *d)
{
    if (!read_preamble(d) || !read_sections(d) || !check_counts(d)) {
        return false;
    }
    for (u32 i = 0; i < d->m->customs.len; i++) {
        const CustomDecl *custom = &d->m->customs.data[i];
        if (custom->name.len == 4 && memcmp(custom->name.data, "name", 4) == 0) {
            read_names(d, custom->bytes);
            break;
        }
    }
    return true;
}

/* Something behind the bodies is malformed. Perhaps because a body is, so that it does not end
 * where it says: then it is the body's error that is reported. */
static void prefer_body_error(Decoder *d, Diag *diag)
{
    Diag body_diag;
    dv_diag_init(&body_diag, d->arena);
    WasmReader r;
    for (u32 i = 0; i < d->m->codes.len; i++) {
        dv_wasm_reader_init(&r, d->m, d->m->codes.data[i].body, &body_diag);
        r.func = d->m->imported_funcs + i;
        if (!dv_wasm_skip_body(&r)) {
            break;
        }
    }
    const DiagMessage *message = dv_diag_first(&body_diag);
    if (message != NULL && r.error.is_malformed) {
        dv_diag_init(diag, diag->arena);
        dv_diag_error(diag, 0, 0, "%s", message->text);
        d->r.error = r.error;
    }
}

bool dv_wasm_decode(Arena *arena, const u8 *bytes, usize size, const DecodeOptions *options,
                    WasmModule *module, Diag *diag, WasmError *error)
{
    bytes = size == 0 ? (const u8 *)"" : bytes; /* which may be NULL */
    *module = (WasmModule){.bytes = bytes, .features = options->features, .name = {"", 0}};
    Decoder d = {.arena = arena, .m = module, .options = options};
    bool fits = size <= dv_wasm_limits.module_bytes;
    module->size = fits ? (u32)size : 0;
    dv_wasm_reader_init(&d.r, module, (Span){0, module->size}, diag);
    d.module_end = d.r.end;
    bool ok = fits ? read_module(&d)
                   : dv_wasm_fail(&d.r, bytes, false, "module too large: more than %u bytes",
                                  (unsigned)dv_wasm_limits.module_bytes);
    module->used = d.r.used;
    if (!ok && d.r.error.is_malformed) {
        prefer_body_error(&d, diag);
    }
    if (ok) {
        Validator v = {.module = module, .arena = arena, .diag = diag};
        ok = dv_wasm_validate_declarations(&v);
        d.r.error = v.reader.error;
    }
    if (!ok && error != NULL) {
        *error = d.r.error;
    }
    return ok;
}
