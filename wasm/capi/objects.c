/* objects.c - globals, tables, memories, instances, and their types.
 *
 * wasm.h's functions and those of davit/wasm.h that reach beyond 32 bits are two views of one thing; where the narrow one
 * has no room it says the most it can, or refuses.
 */
#include "wasm/capi/capi.h"

/* ---- globals ---- */

static RtGlobal *global_of(const wasm_global_t *global)
{
    return global->ref.thing;
}

static wasm_global_t *make_global(wasm_store_t *store, ValType type, bool is_mutable, RtVal value)
{
    RtGlobal *global = dv_rt_global_new(store->rt, type, is_mutable, value, &store->error);
    return global == NULL ? NULL : (wasm_global_t *)dv_capi_handle(store, HANDLE_GLOBAL, global);
}

wasm_global_t *wasm_global_new(wasm_store_t *store, const wasm_globaltype_t *globaltype,
                               const wasm_val_t *value)
{
    ValType type = dv_capi_valtype_of(wasm_globaltype_content(globaltype));
    RtVal in;
    if (type == VT_BOTTOM) {
        dv_capi_error(store, DAVIT_ERROR_UNSUPPORTED, "wasm.h has no name for the global's type");
        return NULL;
    }
    if (!dv_capi_val_in(store, value, type, &in)) {
        return NULL;
    }
    return make_global(store, type, wasm_globaltype_mutability(globaltype) == WASM_VAR, in);
}

/* Whether a type can be made by its number alone. */
static bool is_plain_type(davit_val_type_t type)
{
    return (type <= VT_I32 && type >= VT_V128) || type == VT_FUNCREF || type == VT_EXTERNREF;
}

wasm_global_t *davit_wasm_global_new(wasm_store_t *store, davit_val_type_t type, bool is_mutable,
                                     davit_wasm_slot_t value)
{
    RtVal in = {value.lo, value.hi};
    if (!is_plain_type(type) || !dv_rt_val_fits(store->rt, in, type)) {
        dv_capi_error(store, DAVIT_ERROR_INVALID, "no type of a global, or no value of it");
        return NULL;
    }
    return make_global(store, type, is_mutable, in);
}

wasm_globaltype_t *wasm_global_type(const wasm_global_t *global)
{
    return dv_capi_globaltype(NULL, global_of(global)->type, global_of(global)->is_mutable);
}

void wasm_global_get(const wasm_global_t *global, wasm_val_t *out)
{
    dv_capi_val_out(global->ref.store, dv_rt_global_get(global_of(global)), global_of(global)->type,
                    out);
}

davit_wasm_slot_t davit_wasm_global_get(const wasm_global_t *global)
{
    RtVal value = dv_rt_global_get(global_of(global));
    return (davit_wasm_slot_t){value.lo, value.hi};
}

static bool set_global(wasm_global_t *global, RtVal value)
{
    RtGlobal *rt = global_of(global);
    if (!rt->is_mutable || !dv_rt_val_fits(global->ref.store->rt, value, rt->type)) {
        dv_capi_error(global->ref.store, DAVIT_ERROR_INVALID,
                      rt->is_mutable ? "the value is of another type" : "the global is constant");
        return false;
    }
    dv_rt_global_set(rt, value);
    return true;
}

void wasm_global_set(wasm_global_t *global, const wasm_val_t *value)
{
    RtVal in;
    if (dv_capi_val_in(global->ref.store, value, global_of(global)->type, &in)) {
        (void)set_global(global, in);
    }
}

bool davit_wasm_global_set(wasm_global_t *global, davit_wasm_slot_t value)
{
    return set_global(global, (RtVal){value.lo, value.hi});
}

/* ---- tables ---- */

static RtTable *table_of(const wasm_table_t *table)
{
    return table->ref.thing;
}

static wasm_valkind_t elem_kind(const wasm_table_t *table)
{
    bool exact;
    return dv_capi_kind(NULL, table_of(table)->type, &exact);
}

/* A reference as an element of the table. False, with an error, if it is none. */
static bool elem_in(const wasm_table_t *table, const wasm_ref_t *ref, u32 *out)
{
    wasm_val_t value = WASM_INIT_VAL;
    RtVal in;
    value.of.ref = (wasm_ref_t *)(uintptr_t)ref; /* only read */
    bool ok = dv_capi_val_in(table->ref.store, &value, table_of(table)->type, &in);
    *out = (u32)in.lo;
    return ok;
}

static wasm_table_t *make_table(wasm_store_t *store, const TableDecl *decl, const wasm_ref_t *init)
{
    u32 ref;
    bool exact;
    if (decl->limits.has_max && decl->limits.max < decl->limits.min) {
        dv_capi_error(store, DAVIT_ERROR_INVALID, "size minimum must not be greater than maximum");
        return NULL;
    }
    if (!dv_capi_ref_in(store, init, dv_capi_kind(NULL, decl->type, &exact), &ref)) {
        return NULL;
    }
    RtTable *table = dv_rt_table_new(store->rt, decl, ref, &store->error);
    return table == NULL ? NULL : (wasm_table_t *)dv_capi_handle(store, HANDLE_TABLE, table);
}

wasm_table_t *wasm_table_new(wasm_store_t *store, const wasm_tabletype_t *tabletype,
                             wasm_ref_t *init)
{
    const wasm_limits_t *limits = wasm_tabletype_limits(tabletype);
    TableDecl decl = {.type = dv_capi_valtype_of(wasm_tabletype_element(tabletype))};
    if (limits == NULL || !vt_is_ref(decl.type)) {
        dv_capi_error(store, DAVIT_ERROR_UNSUPPORTED, "wasm.h cannot tell the table's type");
        return NULL;
    }
    decl.limits = dv_capi_limits(limits);
    return make_table(store, &decl, init);
}

wasm_table_t *davit_wasm_table_new(wasm_store_t *store, davit_val_type_t type,
                                   const davit_wasm_size_t *size, const wasm_ref_t *init)
{
    TableDecl decl = {
        .type = type,
        .limits = {size->min, size->max, size->has_max, size->index64, false},
    };
    if ((type != VT_FUNCREF && type != VT_EXTERNREF) || size->shared) {
        dv_capi_error(store, DAVIT_ERROR_UNSUPPORTED, "not a type of tables that can be made");
        return NULL;
    }
    return make_table(store, &decl, init);
}

wasm_tabletype_t *wasm_table_type(const wasm_table_t *table)
{
    Limits limits = table_of(table)->limits;
    limits.min = dv_rt_table_size(table_of(table));
    return dv_capi_tabletype(NULL, table_of(table)->type, &limits);
}

davit_val_type_t davit_wasm_table_type(const wasm_table_t *table, davit_wasm_size_t *out)
{
    *out = dv_capi_size(&table_of(table)->limits, 0, dv_rt_table_size(table_of(table)));
    return table_of(table)->type;
}

bool davit_wasm_table_get(const wasm_table_t *table, uint64_t index, wasm_ref_t **out)
{
    u32 ref;
    *out = NULL;
    return dv_rt_table_get(table_of(table), index, &ref) &&
           dv_capi_ref_out(table->ref.store, ref, elem_kind(table), out);
}

wasm_ref_t *wasm_table_get(const wasm_table_t *table, wasm_table_size_t index)
{
    wasm_ref_t *ref;
    (void)davit_wasm_table_get(table, index, &ref);
    return ref;
}

bool davit_wasm_table_set(wasm_table_t *table, uint64_t index, const wasm_ref_t *ref)
{
    u32 elem;
    return elem_in(table, ref, &elem) && dv_rt_table_set(table_of(table), index, elem);
}

bool wasm_table_set(wasm_table_t *table, wasm_table_size_t index, wasm_ref_t *ref)
{
    return davit_wasm_table_set(table, index, ref);
}

uint64_t davit_wasm_table_size(const wasm_table_t *table)
{
    return dv_rt_table_size(table_of(table));
}

wasm_table_size_t wasm_table_size(const wasm_table_t *table)
{
    u64 size = davit_wasm_table_size(table);
    return size > UINT32_MAX ? UINT32_MAX : (u32)size;
}

bool davit_wasm_table_grow(wasm_table_t *table, uint64_t delta, const wasm_ref_t *init,
                           uint64_t *old_size)
{
    u64 old;
    u32 elem;
    if (!elem_in(table, init, &elem) || !dv_rt_table_grow(table_of(table), delta, elem, &old)) {
        return false;
    }
    if (old_size != NULL) {
        *old_size = old;
    }
    return true;
}

bool wasm_table_grow(wasm_table_t *table, wasm_table_size_t delta, wasm_ref_t *init)
{
    return davit_wasm_table_grow(table, delta, init, NULL);
}

/* ---- memories ---- */

static RtMemory *memory_of(const wasm_memory_t *memory)
{
    return memory->ref.thing;
}

/* Checked as modules' declarations are. */
static wasm_memory_t *make_memory(wasm_store_t *store, const MemoryDecl *decl)
{
    const Limits *limits = &decl->limits;
    u64 most = limits->index64 ? UINT64_MAX >> decl->page_log2 : UINT32_MAX >> decl->page_log2;
    most += decl->page_log2 != 0; /* the whole of the index space */
    if (limits->min > most || (limits->has_max && limits->max > most)) {
        dv_capi_error(store, DAVIT_ERROR_INVALID, "memory size must be at most %" PRIu64 " pages",
                      most);
        return NULL;
    }
    if (limits->has_max && limits->max < limits->min) {
        dv_capi_error(store, DAVIT_ERROR_INVALID, "size minimum must not be greater than maximum");
        return NULL;
    }
    RtMemory *memory = dv_rt_memory_new(store->rt, decl, &store->error);
    return memory == NULL ? NULL : (wasm_memory_t *)dv_capi_handle(store, HANDLE_MEMORY, memory);
}

wasm_memory_t *wasm_memory_new(wasm_store_t *store, const wasm_memorytype_t *type)
{
    const wasm_limits_t *limits = wasm_memorytype_limits(type);
    if (limits == NULL) {
        dv_capi_error(store, DAVIT_ERROR_UNSUPPORTED, "wasm.h cannot tell the memory's type");
        return NULL;
    }
    MemoryDecl decl = {dv_capi_limits(limits), 16};
    return make_memory(store, &decl);
}

wasm_memory_t *davit_wasm_memory_new(wasm_store_t *store, const davit_wasm_size_t *size)
{
    MemoryDecl decl = {
        .limits = {size->min, size->max, size->has_max, size->index64, false},
        .page_log2 = size->page_bytes == 1 ? 0 : 16,
    };
    bool known = size->page_bytes <= 1 || size->page_bytes == MEMORY_PAGE_SIZE;
    if (!known || size->shared) {
        dv_capi_error(store, DAVIT_ERROR_UNSUPPORTED, "not a type of memories that can be made");
        return NULL;
    }
    return make_memory(store, &decl);
}

static Limits limits_now(const wasm_memory_t *memory)
{
    Limits limits = memory_of(memory)->limits;
    limits.min = dv_rt_memory_pages(memory_of(memory));
    return limits;
}

wasm_memorytype_t *wasm_memory_type(const wasm_memory_t *memory)
{
    Limits limits = limits_now(memory);
    return dv_capi_memorytype(&limits, memory_of(memory)->page_log2);
}

void davit_wasm_memory_type(const wasm_memory_t *memory, davit_wasm_size_t *out)
{
    Limits limits = limits_now(memory);
    *out = dv_capi_size(&limits, (u32)1 << memory_of(memory)->page_log2, limits.min);
}

byte_t *wasm_memory_data(wasm_memory_t *memory)
{
    return (byte_t *)dv_rt_memory_data(memory_of(memory));
}

size_t wasm_memory_data_size(const wasm_memory_t *memory)
{
    return (usize)dv_rt_memory_bytes(memory_of(memory));
}

uint64_t davit_wasm_memory_size(const wasm_memory_t *memory)
{
    return dv_rt_memory_pages(memory_of(memory));
}

wasm_memory_pages_t wasm_memory_size(const wasm_memory_t *memory)
{
    u64 pages = davit_wasm_memory_size(memory);
    return pages > UINT32_MAX ? UINT32_MAX : (u32)pages;
}

bool davit_wasm_memory_grow(wasm_memory_t *memory, uint64_t delta_pages, uint64_t *old_pages)
{
    u64 old;
    if (!dv_rt_memory_grow(memory_of(memory), delta_pages, &old)) {
        return false;
    }
    if (old_pages != NULL) {
        *old_pages = old;
    }
    return true;
}

bool wasm_memory_grow(wasm_memory_t *memory, wasm_memory_pages_t delta)
{
    return davit_wasm_memory_grow(memory, delta, NULL);
}

/* ---- externs ---- */

wasm_externkind_t wasm_extern_kind(const wasm_extern_t *what)
{
    return what->ref.kind; /* numbered alike */
}

wasm_externtype_t *wasm_extern_type(const wasm_extern_t *what)
{
    const wasm_ref_t *ref = &what->ref;
    switch (ref->kind) {
    case HANDLE_FUNC:
        return wasm_functype_as_externtype(wasm_func_type(wasm_ref_as_func_const(ref)));
    case HANDLE_GLOBAL:
        return wasm_globaltype_as_externtype(wasm_global_type(wasm_ref_as_global_const(ref)));
    case HANDLE_TABLE:
        return wasm_tabletype_as_externtype(wasm_table_type(wasm_ref_as_table_const(ref)));
    case HANDLE_MEMORY:
        return wasm_memorytype_as_externtype(wasm_memory_type(wasm_ref_as_memory_const(ref)));
    default: {
        const RtTag *tag = ref->thing;
        const RtFuncType *type = dv_rt_type_of(ref->store->rt, tag->type_id);
        return wasm_tagtype_as_externtype(dv_capi_tagtype(NULL, type->params, type->num_params));
    }
    }
}

/* ---- instances ---- */

/* The runtime's view of the imports. False, with an error. */
static bool imports_in(wasm_store_t *store, const wasm_extern_vec_t *imports, RtExtern *out,
                       usize count)
{
    usize given = imports == NULL ? 0 : imports->size;
    if (given < count) {
        dv_capi_error(store, DAVIT_ERROR_INVALID, "the module has %zu imports, not %zu", count,
                      given);
        return false;
    }
    for (usize i = 0; i < count; i++) {
        const wasm_extern_t *import = imports->data[i];
        if (import == NULL || import->ref.store != store) {
            dv_capi_error(store, DAVIT_ERROR_INVALID, "import %zu is %s", i,
                          import == NULL ? "missing" : "of another store");
            return false;
        }
        out[i] = dv_capi_extern_of(&import->ref);
    }
    return true;
}

wasm_instance_t *wasm_instance_new(wasm_store_t *store, const wasm_module_t *module,
                                   const wasm_extern_vec_t *imports, wasm_trap_t **trap)
{
    RtModule *rt = module->ref.thing;
    u32 count = dv_rt_module_info(rt)->imports.len;
    usize size = ((usize)count + 1) * sizeof(RtExtern);
    RtExtern *externs = dv_capi_alloc(store->engine, size);
    davit_status_t status = DAVIT_ERROR_INVALID;
    RtInstance *instance = NULL;
    RtTrap *rt_trap = NULL;
    dv_capi_store_retain(store); /* the start function's host functions may delete what they like */
    if (trap != NULL) {
        *trap = NULL;
    }
    if (externs == NULL) {
        dv_capi_error(store, DAVIT_ERROR_MEMORY, "out of memory");
    } else if (imports_in(store, imports, externs, count)) {
        status =
            dv_rt_instantiate(store->rt, rt, externs, count, &instance, &rt_trap, &store->error);
    }
    if (externs != NULL) {
        dv_capi_free(store->engine, externs, size);
    }
    wasm_instance_t *made = dv_capi_instance(store, status, instance, rt_trap, trap);
    wasm_store_delete(store);
    return made;
}

void wasm_instance_exports(const wasm_instance_t *instance, wasm_extern_vec_t *out)
{
    RtInstance *rt = instance->ref.thing;
    const WasmModule *info = dv_rt_module_info(dv_rt_instance_module(rt));
    wasm_extern_vec_new_uninitialized(out, info->exports.len);
    for (u32 i = 0; i < out->size; i++) {
        out->data[i] = dv_capi_extern(instance->ref.store, dv_rt_instance_export(rt, i));
        if (out->data[i] == NULL) {
            wasm_extern_vec_delete(out);
        }
    }
}

wasm_extern_t *davit_wasm_instance_export(const wasm_instance_t *instance, const char *name)
{
    RtExtern found;
    usize length = strlen(name);
    Str str = {name, (u32)length};
    bool ok = length < UINT32_MAX && dv_rt_instance_find(instance->ref.thing, str, &found);
    return ok ? dv_capi_extern(instance->ref.store, found) : NULL;
}
