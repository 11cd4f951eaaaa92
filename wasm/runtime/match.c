/* match.c - whether something fits an import.
 *
 * Source: WebAssembly core specification 3.0, "Matching" of external types, where limits of memories and tables start at the
 * present size.
 */
#include "wasm/runtime/internal.h"

static const char *const kind_names[] = {"function", "table", "memory", "global", "tag"};

static RtStore *store_of(RtExtern what)
{
    switch ((ExternKind)what.kind) {
    case EXTERN_FUNC:
        return dv_rt_func_store(what.of.func);
    case EXTERN_TABLE:
        return what.of.table->store;
    case EXTERN_MEMORY:
        return what.of.memory->store;
    case EXTERN_GLOBAL:
        return what.of.global->store;
    default:
        return what.of.tag->store;
    }
}

static const char *compare_limits(const Limits *wanted, const Limits *given, u64 size)
{
    if (wanted->index64 != given->index64) {
        return wanted->index64 ? "64-bit indices are wanted" : "32-bit indices are wanted";
    }
    if (size < wanted->min) {
        return "it is smaller than wanted";
    }
    if (wanted->has_max && !given->has_max) {
        return "it has no maximum";
    }
    if (wanted->has_max && given->max > wanted->max) {
        return "its maximum is larger than wanted";
    }
    return NULL;
}

/* Each gives why it does not fit, or NULL. */

static const char *compare_func(u32 wanted, const RtFunc *func)
{
    return func->type_id == wanted ? NULL : "it is of another type";
}

static const char *compare_table(const TableDecl *wanted, ValType type, const RtTable *table)
{
    if (table->type != type) {
        return "its elements are of another type";
    }
    return compare_limits(&wanted->limits, &table->limits, table->interp.count);
}

static const char *compare_memory(const MemoryDecl *wanted, const RtMemory *memory)
{
    if (wanted->page_log2 != memory->page_log2) {
        return "its pages are of another size";
    }
    if (wanted->limits.shared != memory->limits.shared) {
        return wanted->limits.shared ? "it is not shared" : "it is shared";
    }
    return compare_limits(&wanted->limits, &memory->limits, dv_rt_memory_pages(memory));
}

static const char *compare_global(const RtStore *store, const GlobalDecl *wanted, ValType type,
                                  const RtGlobal *global)
{
    if (wanted->is_mutable != global->is_mutable) {
        return wanted->is_mutable ? "it is not mutable" : "it is mutable";
    }
    bool fits = global->type == type ||
                (!wanted->is_mutable && dv_rt_is_subtype(store, global->type, type));
    return fits ? NULL : "it is of another type";
}

static const char *compare(const RtStore *store, const WasmModule *info, const u32 *type_ids,
                           const ImportDecl *import, RtExtern what)
{
    u32 index = import->index;
    switch ((ExternKind)import->kind) {
    case EXTERN_FUNC:
        return compare_func(type_ids[info->funcs.data[index].type], what.of.func);
    case EXTERN_TABLE: {
        const TableDecl *wanted = &info->tables.data[index];
        return compare_table(wanted, dv_rt_map_type(type_ids, wanted->type), what.of.table);
    }
    case EXTERN_MEMORY:
        return compare_memory(&info->memories.data[index], what.of.memory);
    case EXTERN_GLOBAL: {
        const GlobalDecl *wanted = &info->globals.data[index];
        return compare_global(store, wanted, dv_rt_map_type(type_ids, wanted->type),
                              what.of.global);
    }
    default:
        return what.of.tag->type_id == type_ids[info->tags.data[index].type]
                   ? NULL
                   : "it is of another type";
    }
}

davit_status_t dv_rt_check_import(RtStore *store, const RtModule *module, const u32 *type_ids,
                                  u32 import, RtExtern what, RtError *error)
{
    const ImportDecl *decl = &module->info.imports.data[import];
    const char *reason;
    if (what.of.func == NULL) {
        reason = "there is none";
    } else if (store_of(what) != store) {
        reason = "it belongs to another store";
    } else if (what.kind != decl->kind) {
        reason = "it is of another kind";
    } else {
        reason = compare(store, &module->info, type_ids, decl, what);
    }
    if (reason == NULL) {
        return DAVIT_OK;
    }
    return dv_rt_error(error, DAVIT_ERROR_INVALID, "incompatible import type: %s \"%s\" \"%s\": %s",
                       kind_names[decl->kind], dv_rt_clean(decl->module).text,
                       dv_rt_clean(decl->name).text, reason);
}

bool dv_rt_matches(RtStore *store, const RtModule *module, u32 import, RtExtern what,
                   RtError *error)
{
    /* Only counted by this. */
    const u32 *type_ids = dv_rt_module_types(store, (RtModule *)(uintptr_t)module);
    if (type_ids == NULL) {
        dv_rt_no_memory(error);
        return false;
    }
    return dv_rt_check_import(store, module, type_ids, import, what, error) == DAVIT_OK;
}
