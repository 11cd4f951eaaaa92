/* wat_print.c - binary modules as text.
 *
 * The module is decoded first. Every type use is printed with its type's index, and types in their
 * groups as they are, so that the parser adds none and indices stay. Exports and segments are
 * printed as fields of their own. What the text leaves out because it is the default is what the
 * shortest encoding leaves out too: turning the text into bytes again gives the same bytes, if
 * these were as dv_wat_write makes them, else bytes that decode to the same module. Custom
 * sections, the name section aside, become annotations that say where they stand.
 *
 * Source: WebAssembly core specification 3.0, chapter "Text Format".
 */
#include "wasm/format/wat_print.h"

enum { LINE_BYTES = 48 }; /* of data */

static void put_binder(const WatPrinter *p, WatSpace space, u32 index)
{
    dv_print_binder(p, p->out, dv_wat_spaces[space].subsection, 0, index);
    dv_text_printf(p->out, " (;%" PRIu32 ";)", index);
}

static void put_ref(const WatPrinter *p, WatSpace space, u32 index)
{
    dv_text_char(p->out, ' ');
    dv_print_ref(p, p->out, dv_wat_spaces[space].subsection, 0, index);
}

/* Opens a field: "(func $name (;3;)". */
static void open_field(const WatPrinter *p, WatSpace space, u32 index)
{
    dv_print_line(p->out, 1);
    dv_text_printf(p->out, "(%s", dv_wat_spaces[space].word);
    put_binder(p, space, index);
}

/* ---- types ---- */

static void put_types(const WatPrinter *p, const char *word, const ValType *types, u32 count)
{
    if (count == 0) {
        return;
    }
    dv_text_printf(p->out, " (%s", word);
    for (u32 i = 0; i < count; i++) {
        dv_text_char(p->out, ' ');
        dv_print_type(p, p->out, types[i]);
    }
    dv_text_char(p->out, ')');
}

/* Parameters, those with names by themselves. func UINT32_MAX: none has. */
static void put_params(const WatPrinter *p, const SubType *type, u32 func)
{
    u32 begin = 0;
    for (u32 i = 0; i < type->num_params; i++) {
        if (dv_print_find_name(p, NAMES_LOCALS, func, i) == NULL) {
            continue;
        }
        put_types(p, "param", type->params + begin, i - begin);
        dv_text_str(p->out, " (param");
        dv_print_binder(p, p->out, NAMES_LOCALS, func, i);
        dv_text_char(p->out, ' ');
        dv_print_type(p, p->out, type->params[i]);
        dv_text_char(p->out, ')');
        begin = i + 1;
    }
    put_types(p, "param", type->params + begin, type->num_params - begin);
}

static void put_type_use(const WatPrinter *p, u32 index, u32 func)
{
    const SubType *type = &p->module->types.data[index];
    dv_text_str(p->out, " (type");
    put_ref(p, SPACE_TYPE, index);
    dv_text_char(p->out, ')');
    put_params(p, type, func);
    put_types(p, "result", type->results, type->num_results);
}

static void put_mutable(const WatPrinter *p, ValType type, bool is_mutable)
{
    dv_text_str(p->out, is_mutable ? " (mut " : " ");
    dv_print_type(p, p->out, type);
    dv_text_str(p->out, is_mutable ? ")" : "");
}

static void put_composite(const WatPrinter *p, const SubType *type, u32 index)
{
    if (type->kind == COMP_FUNC) {
        dv_text_str(p->out, " (func");
        put_params(p, type, UINT32_MAX);
        put_types(p, "result", type->results, type->num_results);
    } else if (type->kind == COMP_ARRAY) {
        dv_text_str(p->out, " (array");
        put_mutable(p, type->fields[0].type, type->fields[0].is_mutable);
    } else {
        dv_text_str(p->out, " (struct");
        for (u32 i = 0; i < type->num_fields; i++) {
            dv_text_str(p->out, " (field");
            dv_print_binder(p, p->out, NAMES_FIELDS, index, i);
            put_mutable(p, type->fields[i].type, type->fields[i].is_mutable);
            dv_text_char(p->out, ')');
        }
    }
    dv_text_char(p->out, ')');
}

static void put_descriptor(const WatPrinter *p, bool is_there, const char *word, u32 index)
{
    if (is_there) {
        dv_text_printf(p->out, " (%s", word);
        put_ref(p, SPACE_TYPE, index);
        dv_text_char(p->out, ')');
    }
}

static void put_type(const WatPrinter *p, u32 index, u32 depth)
{
    const SubType *type = &p->module->types.data[index];
    bool is_sub = !type->is_final || type->has_super;
    dv_print_line(p->out, depth);
    dv_text_str(p->out, "(type");
    put_binder(p, SPACE_TYPE, index);
    if (is_sub) {
        dv_text_str(p->out, type->is_final ? " (sub final" : " (sub");
        if (type->has_super) {
            put_ref(p, SPACE_TYPE, type->super);
        }
    }
    put_descriptor(p, type->has_describes, "describes", type->describes);
    put_descriptor(p, type->has_descriptor, "descriptor", type->descriptor);
    put_composite(p, type, index);
    dv_text_str(p->out, is_sub ? "))" : ")");
}

static void put_all_types(const WatPrinter *p)
{
    const WasmModule *m = p->module;
    for (u32 i = 0; i < m->types.len;) {
        u32 count = m->types.data[i].group_len;
        if (count != 1) {
            dv_print_line(p->out, 1);
            dv_text_str(p->out, "(rec");
        }
        for (u32 end = i + count; i < end; i++) {
            put_type(p, i, count == 1 ? 1 : 2);
        }
        dv_text_str(p->out, count == 1 ? "" : ")");
    }
}

/* ---- what has a type and can be imported ---- */

static void put_limits(const WatPrinter *p, const Limits *limits)
{
    dv_text_printf(p->out, "%s %" PRIu64, limits->index64 ? " i64" : "", limits->min);
    if (limits->has_max) {
        dv_text_printf(p->out, " %" PRIu64, limits->max);
    }
    dv_text_str(p->out, limits->shared ? " shared" : "");
}

static void put_table(const WatPrinter *p, u32 index)
{
    const TableDecl *table = &p->module->tables.data[index];
    put_limits(p, &table->limits);
    dv_text_char(p->out, ' ');
    dv_print_type(p, p->out, table->type);
}

static void put_memory(const WatPrinter *p, u32 index)
{
    const MemoryDecl *memory = &p->module->memories.data[index];
    put_limits(p, &memory->limits);
    if (memory->page_log2 != 16) {
        dv_text_printf(p->out, " (pagesize %" PRIu64 ")", (u64)1 << memory->page_log2);
    }
}

static void put_global(const WatPrinter *p, u32 index)
{
    const GlobalDecl *global = &p->module->globals.data[index];
    put_mutable(p, global->type, global->is_mutable);
}

static void put_func_import(const WatPrinter *p, u32 index)
{
    const FuncDecl *func = &p->module->funcs.data[index];
    dv_text_str(p->out, func->is_exact ? " (exact" : "");
    put_type_use(p, func->type, index);
    dv_text_str(p->out, func->is_exact ? ")" : "");
}

static void put_import(const WatPrinter *p, const ImportDecl *import)
{
    dv_print_line(p->out, 1);
    dv_text_str(p->out, "(import ");
    dv_print_string(p->out, import->module.data, import->module.len, true);
    dv_text_char(p->out, ' ');
    dv_print_string(p->out, import->name.data, import->name.len, true);
    dv_text_printf(p->out, " (%s", dv_wat_spaces[import->kind].word);
    put_binder(p, (WatSpace)import->kind, import->index);
    switch ((ExternKind)import->kind) {
    case EXTERN_FUNC:
        put_func_import(p, import->index);
        break;
    case EXTERN_TABLE:
        put_table(p, import->index);
        break;
    case EXTERN_MEMORY:
        put_memory(p, import->index);
        break;
    case EXTERN_GLOBAL:
        put_global(p, import->index);
        break;
    case EXTERN_TAG:
        put_type_use(p, p->module->tags.data[import->index].type, UINT32_MAX);
        break;
    }
    dv_text_str(p->out, "))");
}

/* ---- what the module defines ---- */

static bool put_tables(WatPrinter *p)
{
    const WasmModule *m = p->module;
    bool ok = true;
    for (u32 i = m->imported_tables; i < m->tables.len && ok; i++) {
        open_field(p, SPACE_TABLE, i);
        put_table(p, i);
        ok = m->tables.data[i].init.size == 0 || dv_print_expr(p, m->tables.data[i].init);
        dv_text_char(p->out, ')');
    }
    return ok;
}

static bool put_globals(WatPrinter *p)
{
    const WasmModule *m = p->module;
    bool ok = true;
    for (u32 i = m->imported_globals; i < m->globals.len && ok; i++) {
        open_field(p, SPACE_GLOBAL, i);
        put_global(p, i);
        ok = dv_print_expr(p, m->globals.data[i].init);
        dv_text_char(p->out, ')');
    }
    return ok;
}

static bool put_funcs(WatPrinter *p)
{
    const WasmModule *m = p->module;
    bool ok = true;
    for (u32 i = m->imported_funcs; i < m->funcs.len && ok; i++) {
        open_field(p, SPACE_FUNC, i);
        put_type_use(p, m->funcs.data[i].type, i);
        ok = dv_print_body(p, i);
        dv_text_char(p->out, ')');
    }
    return ok;
}

/* Moves behind one constant expression of a segment's items. */
static bool put_elem_exprs(WatPrinter *p, const ElemDecl *elem)
{
    WasmReader r;
    bool ok = true;
    dv_text_char(p->out, ' ');
    dv_print_type(p, p->out, elem->type);
    dv_wasm_reader_init(&r, p->module, elem->items, p->diag);
    for (u32 i = 0; i < elem->count && ok; i++) {
        Span span;
        ok = dv_wasm_skip_expression(&r, &span) && dv_print_expr(p, span);
    }
    return ok;
}

static bool put_elem_funcs(WatPrinter *p, const ElemDecl *elem)
{
    WasmReader r;
    bool ok = true;
    dv_text_str(p->out, " func");
    dv_wasm_reader_init(&r, p->module, elem->items, p->diag);
    for (u32 i = 0; i < elem->count && ok; i++) {
        u32 func;
        ok = dv_wasm_read_u32(&r, &func);
        put_ref(p, SPACE_FUNC, func);
    }
    return ok;
}

static bool put_elems(WatPrinter *p)
{
    const WasmModule *m = p->module;
    bool ok = true;
    for (u32 i = 0; i < m->elems.len && ok; i++) {
        const ElemDecl *elem = &m->elems.data[i];
        open_field(p, SPACE_ELEM, i);
        if (elem->mode == SEGMENT_DECLARED) {
            dv_text_str(p->out, " declare");
        } else if (elem->mode == SEGMENT_ACTIVE) {
            if (elem->table != 0) {
                dv_text_str(p->out, " (table");
                put_ref(p, SPACE_TABLE, elem->table);
                dv_text_char(p->out, ')');
            }
            ok = dv_print_expr(p, elem->offset);
        }
        ok = ok && (elem->is_exprs ? put_elem_exprs(p, elem) : put_elem_funcs(p, elem));
        dv_text_char(p->out, ')');
    }
    return ok;
}

/* Strings, a line each if there are several. */
static void put_bytes(const WatPrinter *p, Span span)
{
    const u8 *bytes = p->module->bytes + span.offset;
    for (u32 at = 0; at < span.size; at += LINE_BYTES) {
        if (span.size > LINE_BYTES) {
            dv_print_line(p->out, 2);
        } else {
            dv_text_char(p->out, ' ');
        }
        u32 rest = span.size - at;
        dv_print_string(p->out, bytes + at, rest < LINE_BYTES ? rest : LINE_BYTES, false);
    }
}

static bool put_datas(WatPrinter *p)
{
    const WasmModule *m = p->module;
    bool ok = true;
    for (u32 i = 0; i < m->datas.len && ok; i++) {
        const DataDecl *data = &m->datas.data[i];
        open_field(p, SPACE_DATA, i);
        if (data->mode == SEGMENT_ACTIVE) {
            if (data->memory != 0) {
                dv_text_str(p->out, " (memory");
                put_ref(p, SPACE_MEMORY, data->memory);
                dv_text_char(p->out, ')');
            }
            ok = dv_print_expr(p, data->offset);
        }
        put_bytes(p, data->bytes);
        dv_text_char(p->out, ')');
    }
    return ok;
}

static void put_exports(const WatPrinter *p)
{
    const WasmModule *m = p->module;
    for (u32 i = 0; i < m->exports.len; i++) {
        const ExportDecl *export = &m->exports.data[i];
        dv_print_line(p->out, 1);
        dv_text_str(p->out, "(export ");
        dv_print_string(p->out, export->name.data, export->name.len, true);
        dv_text_printf(p->out, " (%s", dv_wat_spaces[export->kind].word);
        put_ref(p, (WatSpace) export->kind, export->index);
        dv_text_str(p->out, "))");
    }
}

static void put_customs(const WatPrinter *p)
{
    const WasmModule *m = p->module;
    for (u32 i = 0; i < m->customs.len; i++) {
        const CustomDecl *custom = &m->customs.data[i];
        if (p->has_name_section && dv_str_is(custom->name, "name")) {
            continue;
        }
        const char *place = "(before first)";
        for (u32 k = 0; k < WAT_KNOWN_SECTIONS && custom->after != 0; k++) {
            if (dv_wat_sections[k].id == custom->after) {
                place = dv_wat_sections[k].word;
            }
        }
        dv_print_line(p->out, 1);
        dv_text_str(p->out, "(@custom ");
        dv_print_string(p->out, custom->name.data, custom->name.len, true);
        dv_text_printf(p->out, custom->after == 0 ? " %s" : " (after %s)", place);
        put_bytes(p, custom->bytes);
        dv_text_char(p->out, ')');
    }
}

static void put_plain_fields(WatPrinter *p)
{
    const WasmModule *m = p->module;
    for (u32 i = m->imported_memories; i < m->memories.len; i++) {
        open_field(p, SPACE_MEMORY, i);
        put_memory(p, i);
        dv_text_char(p->out, ')');
    }
    for (u32 i = m->imported_tags; i < m->tags.len; i++) {
        open_field(p, SPACE_TAG, i);
        put_type_use(p, m->tags.data[i].type, UINT32_MAX);
        dv_text_char(p->out, ')');
    }
}

static bool put_module(WatPrinter *p)
{
    const WasmModule *m = p->module;
    dv_text_str(p->out, "(module");
    if (p->has_module_name && p->module_name.len != 0) {
        dv_text_char(p->out, ' ');
        dv_print_id(p->out, p->module_name);
    } else if (p->has_module_name) {
        dv_text_str(p->out, " (@name \"\")");
    }
    put_all_types(p);
    for (u32 i = 0; i < m->imports.len; i++) {
        put_import(p, &m->imports.data[i]);
    }
    bool ok = put_tables(p);
    put_plain_fields(p);
    ok = ok && put_globals(p) && put_funcs(p);
    put_exports(p);
    if (m->has_start) {
        dv_print_line(p->out, 1);
        dv_text_str(p->out, "(start");
        put_ref(p, SPACE_FUNC, m->start);
        dv_text_char(p->out, ')');
    }
    ok = ok && put_elems(p) && put_datas(p);
    put_customs(p);
    dv_text_str(p->out, ")\n");
    return ok;
}

bool dv_wat_print(Arena *scratch, const u8 *bytes, usize size, const WatPrintOptions *options,
                  TextBuf *out, Diag *diag)
{
    WasmModule *module = ARENA_NEW(scratch, WasmModule);
    DecodeOptions decode = {.features = FEATURES_ALL};
    WatPrinter p;
    bytes = size == 0 ? (const u8 *)"" : bytes; /* an empty buffer has no place */
    if (!dv_wasm_decode(scratch, bytes, size, &decode, module, diag, NULL)) {
        return false;
    }
    memset(&p, 0, sizeof p);
    p.arena = scratch;
    p.module = module;
    p.options = options;
    p.out = out;
    p.diag = diag;
    dv_text_init(&p.pieces, scratch);
    dv_print_read_names(&p);
    return put_module(&p);
}
