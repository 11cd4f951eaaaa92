/* validate_module.c - the validator of what a module declares.
 *
 * Source: specification 3.0, "Validation", types and modules. It runs when all sections are
 * decoded: types first, whose equality and subtyping everything else needs; then each index space
 * in order, constant expressions by the validator of instructions; then segments, the start
 * function and exports. Functions that references outside of bodies name are marked, since only
 * those may be named by ref.func inside of bodies.
 */
#include "base/map.h"
#include "wasm/format/validate.h"

enum { BY_TYPE = 1, BY_IMPORT = 2, BY_FUNC = 3, BY_TABLE = 4, BY_MEMORY = 5, BY_GLOBAL = 6 };
enum { BY_EXPORT = 7, BY_START = 8, BY_ELEM = 9, BY_DATA = 11, BY_TAG = 13 };

/* Errors from here on are of this section, by its id. */
static void enter_section(Validator *v, u32 id)
{
    Features used = v->reader.used;
    dv_wasm_reader_init(&v->reader, v->module, v->module->sections[id], v->diag);
    v->reader.used = used;
}

/* A feature that decides about validity, not about the encoding. */
static bool need(Validator *v, Feature feature, const char *what)
{
    if (dv_wasm_need(&v->reader, v->reader.start, feature, what)) {
        return true;
    }
    v->reader.error.is_malformed = false;
    return false;
}

/* ---- types ---- */

/* All types named by type `index` are in its group or before it. */
static bool check_type_names(Validator *v, const SubType *type)
{
    u32 bound = type->group + type->group_len;
    for (u32 i = 0; i < type->num_params + type->num_results + type->num_fields; i++) {
        ValType part = i < type->num_params ? type->params[i]
                       : i < type->num_params + type->num_results
                           ? type->results[i - type->num_params]
                           : type->fields[i - type->num_params - type->num_results].type;
        if (!dv_wasm_type_exists(part, bound)) {
            return dv_validator_fail(v, "unknown type %u", (unsigned)(part & VT_INDEX));
        }
    }
    return type->num_results <= 1 || need(v, FEATURE_multi_value, "invalid result arity");
}

static bool in_group(const SubType *type, u32 index)
{
    return index >= type->group && index - type->group < type->group_len;
}

static bool check_descriptors(Validator *v, u32 index, const SubType *type)
{
    const SubType *types = v->module->types.data;
    if (type->has_describes) {
        if (!in_group(type, type->describes)) {
            return dv_validator_fail(v, "described type is outside rec group: type %u",
                                     (unsigned)index);
        }
        if (type->describes >= index) {
            return dv_validator_fail(v, "forward use of described type: type %u", (unsigned)index);
        }
        const SubType *described = &types[type->describes];
        if (!described->has_descriptor || described->descriptor != index) {
            return dv_validator_fail(v, "described type is not described by descriptor: type %u",
                                     (unsigned)index);
        }
        if (type->kind != COMP_STRUCT) {
            return dv_validator_fail(v, "described type must be a struct: type %u",
                                     (unsigned)index);
        }
    }
    if (type->has_descriptor) {
        if (!in_group(type, type->descriptor)) {
            return dv_validator_fail(v, "descriptor type is outside rec group: type %u",
                                     (unsigned)index);
        }
        if (type->kind != COMP_STRUCT) {
            return dv_validator_fail(v, "descriptor type must be a struct: type %u",
                                     (unsigned)index);
        }
        const SubType *descriptor = &types[type->descriptor];
        if (!descriptor->has_describes || descriptor->describes != index) {
            return dv_validator_fail(v, "type is not described by its descriptor: type %u",
                                     (unsigned)index);
        }
    }
    return true;
}

static bool field_below(const WasmModule *m, const FieldType *sub, const FieldType *super)
{
    if (sub->is_mutable != super->is_mutable) {
        return false;
    }
    return sub->is_mutable ? dv_wasm_same_type(m, sub->type, super->type)
                           : dv_wasm_is_subtype(m, sub->type, super->type);
}

static bool composite_below(const WasmModule *m, const SubType *sub, const SubType *super)
{
    bool below = sub->kind == super->kind && sub->num_params == super->num_params &&
                 sub->num_results == super->num_results && sub->num_fields >= super->num_fields;
    for (u32 i = 0; below && i < sub->num_params; i++) {
        below = dv_wasm_is_subtype(m, super->params[i], sub->params[i]);
    }
    for (u32 i = 0; below && i < sub->num_results; i++) {
        below = dv_wasm_is_subtype(m, sub->results[i], super->results[i]);
    }
    for (u32 i = 0; below && i < super->num_fields; i++) {
        below = field_below(m, &sub->fields[i], &super->fields[i]);
    }
    return below;
}

static bool check_super(Validator *v, u32 index, const SubType *type)
{
    const WasmModule *m = v->module;
    const SubType *super = &m->types.data[type->super];
    if (super->is_final || !composite_below(m, type, super) ||
        (super->has_descriptor && !type->has_descriptor) ||
        super->has_describes != type->has_describes) {
        return dv_validator_fail(v, "sub type %u does not match super type %u", (unsigned)index,
                                 (unsigned)type->super);
    }
    if (super->has_descriptor &&
        !dv_wasm_is_subtype(m, VT_REF | type->descriptor, VT_REF | super->descriptor)) {
        return dv_validator_fail(v, "descriptor type %u does not match",
                                 (unsigned)type->descriptor);
    }
    if (super->has_describes &&
        !dv_wasm_is_subtype(m, VT_REF | type->describes, VT_REF | super->describes)) {
        return dv_validator_fail(v, "described type %u does not match", (unsigned)type->describes);
    }
    return true;
}

/* Supertypes come before their subtypes, so one pass knows how many are above each. */
static bool check_depths(Validator *v, u8 *depths)
{
    const WasmModule *m = v->module;
    for (u32 i = 0; i < m->types.len; i++) {
        const SubType *type = &m->types.data[i];
        if (!type->has_super) {
            continue;
        }
        if (type->super >= i) {
            return dv_validator_fail(v, "unknown type %u: supertypes come before their subtypes",
                                     (unsigned)type->super);
        }
        if (depths[type->super] >= dv_wasm_limits.super_depth) {
            return dv_validator_fail(v, "too many supertypes: type %u has more than %u",
                                     (unsigned)i, (unsigned)dv_wasm_limits.super_depth);
        }
        depths[i] = (u8)(depths[type->super] + 1);
    }
    return true;
}

static bool check_types(Validator *v)
{
    WasmModule *m = v->module;
    enter_section(v, BY_TYPE);
    ArenaMark mark = dv_arena_mark(v->arena);
    if (!check_depths(v, ARENA_ARRAY(v->arena, u8, m->types.len))) {
        return false; /* the message may lie behind the mark */
    }
    dv_arena_release_to(v->arena, mark);
    for (u32 i = 0; i < m->types.len; i++) {
        if (!check_type_names(v, &m->types.data[i]) ||
            !check_descriptors(v, i, &m->types.data[i])) {
            return false;
        }
    }
    dv_wasm_canonicalise(v->arena, m);
    for (u32 i = 0; i < m->types.len; i++) {
        const SubType *type = &m->types.data[i];
        if (type->has_super && !check_super(v, i, type)) {
            return false;
        }
    }
    return true;
}

/* ---- limits ---- */

static bool check_limits(Validator *v, const Limits *limits, u64 bound, const char *too_large)
{
    if (limits->min > bound || (limits->has_max && limits->max > bound)) {
        return dv_validator_fail(v, "%s", too_large);
    }
    return !limits->has_max || limits->min <= limits->max ||
           dv_validator_fail(v, "size minimum must not be greater than maximum: %llu and %llu",
                             (unsigned long long)limits->min, (unsigned long long)limits->max);
}

static bool check_memory(Validator *v, const MemoryDecl *memory)
{
    const Limits *limits = &memory->limits;
    if (memory->page_log2 != 0 && memory->page_log2 != 16) {
        return dv_validator_fail(v, "invalid custom page size: 2^%u, neither 1 nor 65536",
                                 (unsigned)memory->page_log2);
    }
    if (limits->shared && !limits->has_max) {
        return dv_validator_fail(v, "shared memory must have maximum");
    }
    if (memory->page_log2 == 0) {
        return check_limits(v, limits, limits->index64 ? UINT64_MAX : UINT32_MAX,
                            "memory size must be at most 4294967295 pages of 1 byte");
    }
    return limits->index64
               ? check_limits(v, limits, (u64)1 << 48, "memory size must be at most 2^48 pages")
               : check_limits(v, limits, 65536, "memory size must be at most 65536 pages (4GiB)");
}

/* ---- index spaces ---- */

static bool check_funcs(Validator *v)
{
    const WasmModule *m = v->module;
    const SubType *type;
    for (u32 i = 0; i < m->funcs.len; i++) {
        if (i == 0 || i == m->imported_funcs) {
            enter_section(v, i < m->imported_funcs ? BY_IMPORT : BY_FUNC);
        }
        if (!dv_validator_find_type(v, m->funcs.data[i].type, COMP_FUNC, &type)) {
            return false;
        }
    }
    return true;
}

static bool check_tags(Validator *v)
{
    const WasmModule *m = v->module;
    const SubType *type;
    for (u32 i = 0; i < m->tags.len; i++) {
        enter_section(v, i < m->imported_tags ? BY_IMPORT : BY_TAG);
        if (!dv_validator_find_type(v, m->tags.data[i].type, COMP_FUNC, &type)) {
            return false;
        }
        if (type->num_results != 0) {
            return dv_validator_fail(v, "non-empty tag result type: tag %u", (unsigned)i);
        }
    }
    return true;
}

static bool check_table(Validator *v, u32 index)
{
    const WasmModule *m = v->module;
    const TableDecl *table = &m->tables.data[index];
    if (!dv_validator_check_type(v, table->type) ||
        !check_limits(v, &table->limits, table->limits.index64 ? UINT64_MAX : UINT32_MAX,
                      "table size must be at most 2^32-1")) {
        return false;
    }
    if (table->init.size != 0) {
        return dv_validator_constant(v, table->init, table->type, m->imported_globals);
    }
    return index < m->imported_tables || (table->type & VT_NULL) != 0 ||
           dv_validator_fail(
               v, "type mismatch: table %u needs an initial value, as its type has no null",
               (unsigned)index);
}

static bool check_tables(Validator *v)
{
    const WasmModule *m = v->module;
    for (u32 i = 0; i < m->tables.len; i++) {
        enter_section(v, i < m->imported_tables ? BY_IMPORT : BY_TABLE);
        if ((i == 1 && !need(v, FEATURE_reference_types, "multiple tables")) ||
            !check_table(v, i)) {
            return false;
        }
    }
    return true;
}

static bool check_memories(Validator *v)
{
    const WasmModule *m = v->module;
    for (u32 i = 0; i < m->memories.len; i++) {
        enter_section(v, i < m->imported_memories ? BY_IMPORT : BY_MEMORY);
        if ((i == 1 && !need(v, FEATURE_multi_memory, "multiple memories")) ||
            !check_memory(v, &m->memories.data[i])) {
            return false;
        }
    }
    return true;
}

/* Which globals constant expressions may name: those before, but only imports until 3.0. The change
 * came with GC; typed references stand for 3.0 here, since it takes nothing of GC to execute. */
static u32 visible_globals(const Validator *v, u32 defined)
{
    bool all = dv_wasm_has(&v->reader, FEATURE_function_references);
    return all ? defined : v->module->imported_globals;
}

static bool check_globals(Validator *v)
{
    const WasmModule *m = v->module;
    for (u32 i = 0; i < m->globals.len; i++) {
        const GlobalDecl *global = &m->globals.data[i];
        bool is_import = i < m->imported_globals;
        enter_section(v, is_import ? BY_IMPORT : BY_GLOBAL);
        if (!dv_validator_check_type(v, global->type)) {
            return false;
        }
        if (is_import) {
            if (global->is_mutable &&
                !need(v, FEATURE_mutable_globals, "mutable globals cannot be imported")) {
                return false;
            }
        } else if (!dv_validator_constant(v, global->init, global->type, visible_globals(v, i))) {
            return false;
        }
    }
    return true;
}

/* ---- segments ---- */

static bool mark_declared(Validator *v, u32 func)
{
    if (func >= v->module->funcs.len) {
        return dv_validator_fail(v, "unknown function %u", (unsigned)func);
    }
    v->module->funcs.data[func].is_declared = true;
    return true;
}

static bool check_elem_items(Validator *v, const ElemDecl *elem)
{
    u32 end = elem->items.offset + elem->items.size;
    const u8 *at = v->module->bytes + elem->items.offset;
    for (u32 i = 0; i < elem->count; i++) {
        if (elem->is_exprs) {
            u32 offset = dv_wasm_offset(&v->reader, at);
            if (!dv_validator_constant(v, (Span){offset, end - offset}, elem->type,
                                       visible_globals(v, v->module->globals.len))) {
                return false;
            }
            at = v->reader.at;
        } else if (!mark_declared(v, dv_wasm_entry(&at))) {
            return false;
        }
    }
    return true;
}

static bool check_elem(Validator *v, const ElemDecl *elem)
{
    const WasmModule *m = v->module;
    if (!dv_validator_check_type(v, elem->type)) {
        return false;
    }
    if (elem->mode == SEGMENT_ACTIVE) {
        if (elem->table >= m->tables.len) {
            return dv_validator_fail(v, "unknown table %u", (unsigned)elem->table);
        }
        const TableDecl *table = &m->tables.data[elem->table];
        if (!dv_wasm_is_subtype(m, elem->type, table->type)) {
            return dv_validator_fail(v, "type mismatch: segment of %s for a table of %s",
                                     dv_validator_type_text(v, elem->type),
                                     dv_validator_type_text(v, table->type));
        }
        if (!dv_validator_constant(v, elem->offset, dv_index_type(&table->limits),
                                   visible_globals(v, m->globals.len))) {
            return false;
        }
    }
    return check_elem_items(v, elem);
}

static bool check_elems(Validator *v)
{
    const WasmModule *m = v->module;
    for (u32 i = 0; i < m->elems.len; i++) {
        enter_section(v, BY_ELEM);
        if (!check_elem(v, &m->elems.data[i])) {
            return false;
        }
    }
    return true;
}

static bool check_datas(Validator *v)
{
    const WasmModule *m = v->module;
    for (u32 i = 0; i < m->datas.len; i++) {
        const DataDecl *data = &m->datas.data[i];
        if (data->mode != SEGMENT_ACTIVE) {
            continue;
        }
        enter_section(v, BY_DATA);
        if (data->memory >= m->memories.len) {
            return dv_validator_fail(v, "unknown memory %u", (unsigned)data->memory);
        }
        if (!dv_validator_constant(v, data->offset,
                                   dv_index_type(&m->memories.data[data->memory].limits),
                                   visible_globals(v, m->globals.len))) {
            return false;
        }
    }
    return true;
}

/* ---- start and exports ---- */

static bool check_start(Validator *v)
{
    const WasmModule *m = v->module;
    enter_section(v, BY_START);
    if (!m->has_start) {
        return true;
    }
    if (m->start >= m->funcs.len) {
        return dv_validator_fail(v, "unknown function %u", (unsigned)m->start);
    }
    const SubType *type = &m->types.data[m->funcs.data[m->start].type];
    return (type->num_params == 0 && type->num_results == 0) ||
           dv_validator_fail(v, "start function %u has parameters or results", (unsigned)m->start);
}

static bool check_export(Validator *v, const ExportDecl *decl)
{
    static const char *const names[] = {"function", "table", "memory", "global", "tag"};
    WasmModule *m = v->module;
    const u32 counts[] = {m->funcs.len, m->tables.len, m->memories.len, m->globals.len,
                          m->tags.len};
    if (decl->index >= counts[decl->kind]) {
        return dv_validator_fail(v, "unknown %s %u", names[decl->kind], (unsigned)decl->index);
    }
    if (decl->kind == EXTERN_FUNC) {
        m->funcs.data[decl->index].is_declared = true;
    }
    return decl->kind != EXTERN_GLOBAL || !m->globals.data[decl->index].is_mutable ||
           need(v, FEATURE_mutable_globals, "mutable globals cannot be exported");
}

static bool check_exports(Validator *v)
{
    const WasmModule *m = v->module;
    enter_section(v, BY_EXPORT);
    StrMap names = {0};
    for (u32 i = 0; i < m->exports.len; i++) {
        const ExportDecl *decl = &m->exports.data[i];
        if (!check_export(v, decl)) {
            return false;
        }
        if (dv_strmap_intern(v->arena, &names, decl->name.data, decl->name.len) != i) {
            return dv_validator_fail(
                v, "duplicate export name \"%s\"",
                dv_diag_quote(v->diag->arena, decl->name.data, decl->name.len));
        }
    }
    return true;
}

bool dv_wasm_validate_declarations(Validator *v)
{
    if (!check_types(v) || !check_funcs(v) || !check_tags(v) || !check_tables(v) ||
        !check_memories(v) || !check_globals(v) || !check_elems(v) || !check_datas(v) ||
        !check_start(v)) {
        return false;
    }
    ArenaMark mark = dv_arena_mark(v->arena);
    if (!check_exports(v)) {
        return false; /* the message may lie behind the mark */
    }
    dv_arena_release_to(v->arena, mark);
    v->module->used |= v->reader.used;
    return true;
}
