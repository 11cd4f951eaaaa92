/* linker.c - linking by name, and WASI for what is linked.
 *
 * What WASI keeps for a program belongs to the store, since functions that use it may have been linked to anything
 * there.
 */
#include "wasm/capi/capi.h"
#include "wasm/wasi/link.h"

struct davit_wasm_linker {
    wasm_store_t *store;
    RtLinker *rt;
};

struct StoreWasi {
    StoreWasi *next;
    Wasi *wasi;
};

static Str str_of(const char *text)
{
    usize length = strlen(text);
    return (Str){text, length >= UINT32_MAX ? UINT32_MAX : (u32)length};
}

davit_wasm_linker_t *davit_wasm_linker_new(wasm_store_t *store)
{
    davit_wasm_linker_t *linker = dv_capi_alloc(store->engine, sizeof *linker);
    RtLinker *rt = linker == NULL ? NULL : dv_rt_linker_new(store->rt);
    if (rt == NULL) {
        if (linker != NULL) {
            dv_capi_free(store->engine, linker, sizeof *linker);
        }
        dv_capi_error(store, DAVIT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    *linker = (davit_wasm_linker_t){dv_capi_store_retain(store), rt};
    return linker;
}

void davit_wasm_linker_delete(davit_wasm_linker_t *linker)
{
    if (linker != NULL) {
        wasm_store_t *store = linker->store;
        dv_rt_linker_free(linker->rt);
        dv_capi_free(store->engine, linker, sizeof *linker);
        wasm_store_delete(store);
    }
}

static davit_status_t no_memory_unless(wasm_store_t *store, bool ok)
{
    return ok ? DAVIT_OK : dv_capi_error(store, DAVIT_ERROR_MEMORY, "out of memory");
}

davit_status_t davit_wasm_linker_define(davit_wasm_linker_t *linker, const char *module,
                                        const char *name, const wasm_extern_t *what)
{
    wasm_store_t *store = linker->store;
    if (what->ref.store != store) {
        return dv_capi_error(store, DAVIT_ERROR_INVALID, "the definition is of another store");
    }
    return no_memory_unless(store, dv_rt_linker_define(linker->rt, str_of(module), str_of(name),
                                                       dv_capi_extern_of(&what->ref)));
}

davit_status_t davit_wasm_linker_define_instance(davit_wasm_linker_t *linker, const char *module,
                                                 const wasm_instance_t *instance)
{
    wasm_store_t *store = linker->store;
    if (instance->ref.store != store) {
        return dv_capi_error(store, DAVIT_ERROR_INVALID, "the instance is of another store");
    }
    return no_memory_unless(store,
                            dv_rt_linker_instance(linker->rt, str_of(module), instance->ref.thing));
}

wasm_extern_t *davit_wasm_linker_get(const davit_wasm_linker_t *linker, const char *module,
                                     const char *name)
{
    RtExtern found;
    bool ok = dv_rt_linker_find(linker->rt, str_of(module), str_of(name), &found);
    return ok ? dv_capi_extern(linker->store, found) : NULL;
}

wasm_instance_t *davit_wasm_linker_instantiate(davit_wasm_linker_t *linker,
                                               const wasm_module_t *module, wasm_trap_t **trap)
{
    wasm_store_t *store = dv_capi_store_retain(linker->store);
    RtInstance *instance = NULL;
    RtTrap *rt_trap = NULL;
    if (trap != NULL) {
        *trap = NULL;
    }
    davit_status_t status =
        dv_rt_linker_instantiate(linker->rt, module->ref.thing, &instance, &rt_trap, &store->error);
    wasm_instance_t *made = dv_capi_instance(store, status, instance, rt_trap, trap);
    wasm_store_delete(store);
    return made;
}

/* ---- WASI ---- */

_Static_assert((int)DAVIT_WASI_CLOSED == WASI_STDIO_CLOSED &&
                   (int)DAVIT_WASI_INHERIT == WASI_STDIO_INHERIT &&
                   (int)DAVIT_WASI_FD == WASI_STDIO_HOST_FD &&
                   (int)DAVIT_WASI_CALLBACK == WASI_STDIO_CALLBACK &&
                   (int)DAVIT_WASI_NULL == WASI_STDIO_NULL,
               "both number them alike");

static void fill_config(const davit_wasi_t *wasi, WasiPreopen *dirs, WasiConfig *config)
{
    config->args = wasi->args;
    config->arg_count = (u32)wasi->num_args;
    config->env = wasi->env;
    config->env_count = (u32)wasi->num_env;
    config->preopens = dirs;
    config->preopen_count = (u32)wasi->num_dirs;
    for (usize i = 0; i < wasi->num_dirs; i++) {
        dirs[i] = (WasiPreopen){wasi->dirs[i].host, wasi->dirs[i].guest, wasi->dirs[i].read_only};
    }
    for (u32 i = 0; i < ARRAY_LEN(wasi->stdio); i++) {
        const davit_wasi_stdio_t *from = &wasi->stdio[i];
        config->stdio[i] = (WasiStdio){(WasiStdioKind)from->kind, from->fd, from->read, from->write,
                                       from->context};
    }
}

/* A Wasi that the store owns; NULL with an error. */
static Wasi *make_wasi(wasm_store_t *store, const davit_wasi_t *wasi)
{
    usize dirs_size = (wasi->num_dirs + 1) * sizeof(WasiPreopen);
    WasiPreopen *dirs = dv_capi_alloc(store->engine, dirs_size);
    StoreWasi *owner = dv_capi_alloc(store->engine, sizeof *owner);
    davit_status_t status = DAVIT_ERROR_MEMORY;
    char message[256] = "out of memory";
    if (dirs != NULL && owner != NULL) {
        WasiConfig config = {
            .allocator = store->engine->settings.allocator,
            .should_stop = dv_wasi_stops_with_store,
            .stop_context = store->rt,
        };
        fill_config(wasi, dirs, &config);
        status = dv_wasi_new(&config, &owner->wasi, message, sizeof message);
    }
    if (dirs != NULL) {
        dv_capi_free(store->engine, dirs, dirs_size);
    }
    if (status == DAVIT_OK) {
        owner->next = store->wasi;
        store->wasi = owner;
        return owner->wasi;
    }
    if (owner != NULL) {
        dv_capi_free(store->engine, owner, sizeof *owner);
    }
    dv_capi_error(store, status, "%s", message);
    return NULL;
}

davit_status_t davit_wasm_linker_wasi(davit_wasm_linker_t *linker, const davit_wasi_t *wasi)
{
    wasm_store_t *store = linker->store;
    /* Strings of a program take at most 4 GiB together, so counts beyond are none. */
    if (wasi->num_args >= UINT32_MAX || wasi->num_env >= UINT32_MAX ||
        wasi->num_dirs > UINT16_MAX) {
        return dv_capi_error(store, DAVIT_ERROR_LIMIT, "too many arguments or directories");
    }
    Wasi *made = make_wasi(store, wasi);
    if (made == NULL) {
        return store->error.status;
    }
    bool ok = dv_wasi_link(linker->rt, store->rt, made, &store->error);
    return ok ? DAVIT_OK : store->error.status;
}

void dv_capi_wasi_free(wasm_store_t *store)
{
    while (store->wasi != NULL) {
        StoreWasi *next = store->wasi->next;
        dv_wasi_free(store->wasi->wasi);
        dv_capi_free(store->engine, store->wasi, sizeof *store->wasi);
        store->wasi = next;
    }
}
