/* entities.c - what a function declares of its module.
 *
 * A preamble holds only what the body names, in the order in which it does: entity numbers are the function's own, the index
 * in the module is part of each declaration. Types carry their index too, that of the first equal type in the module,
 * since CLIF knows only the kind of a reference. References are i32 handles.
 */
#include "wasm/compile/translate.h"

enum {
    KIND_TYPE,
    KIND_MEMORY,
    KIND_TABLE,
    KIND_GLOBAL,
    KIND_FUNC,
    KIND_CALLEE,
    KIND_DATA,
    KIND_ELEM
};

static u64 key_of(u32 kind, u32 index)
{
    return (u64)kind << 32 | index;
}

/* True if the entity is declared; else its number is noted as the next one of the list, which has `len`. */
static bool find(Translator *t, u32 kind, u32 index, u32 len, u32 *number)
{
    if (dv_map_get(&t->entities, key_of(kind, index), number)) {
        return true;
    }
    *number = len;
    dv_map_put(t->arena, &t->entities, key_of(kind, index), len);
    return false;
}

Type dv_entity_value_type(ValType type)
{
    switch (type) {
    case VT_I64:
        return TYPE_I64;
    case VT_F32:
        return TYPE_F32;
    case VT_F64:
        return TYPE_F64;
    case VT_V128:
        return TYPE_I8X16;
    default:
        return TYPE_I32;
    }
}

static WasmValType ref_type(const WasmModule *module, ValType type)
{
    if (vt_is_indexed(type)) {
        bool is_func = module->types.data[type & VT_INDEX].kind == COMP_FUNC;
        return is_func ? WASM_FUNCREF : WASM_EXTERNREF;
    }
    switch (type & VT_INDEX) {
    case HEAP_FUNC:
    case HEAP_NOFUNC:
        return WASM_FUNCREF;
    case HEAP_EXN:
    case HEAP_NOEXN:
        return WASM_EXNREF;
    default:
        return WASM_EXTERNREF;
    }
}

static WasmValType wasm_type(const WasmModule *module, ValType type)
{
    switch (type) {
    case VT_I32:
        return WASM_I32;
    case VT_I64:
        return WASM_I64;
    case VT_F32:
        return WASM_F32;
    case VT_F64:
        return WASM_F64;
    case VT_V128:
        return WASM_V128;
    default:
        return ref_type(module, type);
    }
}

static Param *make_params(Translator *t, const ValType *types, u32 count)
{
    Param *params = ARENA_ARRAY(t->arena, Param, count);
    for (u32 i = 0; i < count; i++) {
        params[i].type = dv_entity_value_type(types[i]);
    }
    return params;
}

Signature dv_entity_signature(Translator *t, u32 type)
{
    const SubType *from = &vec_at(&t->module->types, type);
    return (Signature){.params = make_params(t, from->params, from->num_params),
                       .results = make_params(t, from->results, from->num_results),
                       .num_params = from->num_params,
                       .num_results = from->num_results,
                       .conv = CC_wasm,
                       .present = true};
}

static u8 *make_val_types(Translator *t, const ValType *types, u32 count)
{
    u8 *list = ARENA_ARRAY(t->arena, u8, count);
    for (u32 i = 0; i < count; i++) {
        list[i] = (u8)wasm_type(t->module, types[i]);
    }
    return list;
}

u32 dv_entity_type(Translator *t, u32 type)
{
    const SubType *from = &vec_at(&t->module->types, type);
    u32 number;
    if (find(t, KIND_TYPE, from->canonical, t->f->wasm_types.len, &number)) {
        return number;
    }
    WasmTypeData data = {.present = true,
                         .has_index = true,
                         .index = from->canonical,
                         .num_params = from->num_params,
                         .num_results = from->num_results,
                         .params = make_val_types(t, from->params, from->num_params),
                         .results = make_val_types(t, from->results, from->num_results),
                         .sig = {t->f->sigs.len}};
    Signature sig = dv_entity_signature(t, type);
    vec_push(t->arena, &t->f->sigs, sig);
    vec_push(t->arena, &t->f->wasm_types, data);
    dv_translate_pass(t, (u64)from->num_params + from->num_results);
    return number;
}

static Type index_type(const Limits *limits)
{
    return limits->index64 ? TYPE_I64 : TYPE_I32;
}

u32 dv_entity_memory(Translator *t, u32 memory)
{
    const MemoryDecl *from = &vec_at(&t->module->memories, memory);
    u32 number;
    if (!find(t, KIND_MEMORY, memory, t->f->memories.len, &number)) {
        WasmMemoryData data = {.present = true,
                               .import = memory < t->module->imported_memories,
                               .shared = from->limits.shared,
                               .has_max = from->limits.has_max,
                               .index_type = index_type(&from->limits),
                               .index = memory,
                               .page_bytes = (u32)1 << from->page_log2,
                               .min_pages = from->limits.min,
                               .max_pages = from->limits.has_max ? from->limits.max : 0};
        vec_push(t->arena, &t->f->memories, data);
    }
    return number;
}

u32 dv_entity_table(Translator *t, u32 table)
{
    const TableDecl *from = &vec_at(&t->module->tables, table);
    u32 number;
    if (!find(t, KIND_TABLE, table, t->f->tables.len, &number)) {
        WasmTableData data = {.present = true,
                              .import = table < t->module->imported_tables,
                              .has_max = from->limits.has_max,
                              .elem = (u8)ref_type(t->module, from->type),
                              .index_type = index_type(&from->limits),
                              .index = table,
                              .min = from->limits.min,
                              .max = from->limits.has_max ? from->limits.max : 0};
        vec_push(t->arena, &t->f->tables, data);
    }
    return number;
}

u32 dv_entity_global(Translator *t, u32 global)
{
    const GlobalDecl *from = &vec_at(&t->module->globals, global);
    u32 number;
    if (!find(t, KIND_GLOBAL, global, t->f->globals.len, &number)) {
        WasmGlobalData data = {.present = true,
                               .import = global < t->module->imported_globals,
                               .is_mutable = from->is_mutable,
                               .type = dv_entity_value_type(from->type),
                               .index = global};
        vec_push(t->arena, &t->f->globals, data);
    }
    return number;
}

ExtName dv_entity_name(u32 func)
{
    return (ExtName){.kind = NAME_USER, .space = 0, .index = func};
}

u32 dv_entity_func(Translator *t, u32 func)
{
    u32 number;
    if (!find(t, KIND_FUNC, func, t->f->wasm_funcs.len, &number)) {
        WasmFuncData data = {.present = true,
                             .import = func < t->module->imported_funcs,
                             .has_name = true,
                             .name = dv_entity_name(func)};
        data.type.id = dv_entity_type(t, vec_at(&t->module->funcs, func).type);
        vec_push(t->arena, &t->f->wasm_funcs, data);
    }
    return number;
}

u32 dv_entity_callee(Translator *t, u32 func)
{
    u32 number;
    if (!find(t, KIND_CALLEE, func, t->f->funcs.len, &number)) {
        ExtFunc data = {.present = true, .colocated = true, .name = dv_entity_name(func)};
        u32 type = dv_entity_type(t, vec_at(&t->module->funcs, func).type);
        data.sig = vec_at(&t->f->wasm_types, type).sig;
        vec_push(t->arena, &t->f->funcs, data);
    }
    return number;
}

u32 dv_entity_data(Translator *t, u32 data)
{
    u32 number;
    if (!find(t, KIND_DATA, data, t->f->datas.len, &number)) {
        WasmSegmentData segment = {.present = true, .index = data};
        vec_push(t->arena, &t->f->datas, segment);
    }
    return number;
}

u32 dv_entity_elem(Translator *t, u32 elem)
{
    u32 number;
    if (!find(t, KIND_ELEM, elem, t->f->elems.len, &number)) {
        WasmSegmentData segment = {.present = true, .index = elem};
        vec_push(t->arena, &t->f->elems, segment);
    }
    return number;
}
