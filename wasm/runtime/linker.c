/* linker.c - imports by name.
 *
 * Names are numbered, pairs of numbers lead to an index of the list of externs. Everything lies in the linker's arena.
 */
#include "wasm/runtime/internal.h"

struct RtLinker {
    RtStore *store;
    Pool pool;
    Arena arena;
    StrMap names;
    Map places; /* module << 32 | name -> index */
    VEC(RtExtern) externs;
};

RtLinker *dv_rt_linker_new(RtStore *store)
{
    RtLinker *linker = dv_rt_alloc(&store->config.allocator, sizeof *linker);
    if (linker != NULL) {
        linker->store = dv_rt_store_retain(store);
        dv_pool_init(&linker->pool, &store->config.allocator);
        dv_arena_init(&linker->arena, &linker->pool);
    }
    return linker;
}

void dv_rt_linker_free(RtLinker *linker)
{
    if (linker == NULL) {
        return;
    }
    RtStore *store = linker->store;
    davit_allocator_t allocator = store->config.allocator;
    dv_arena_release(&linker->arena);
    dv_pool_destroy(&linker->pool);
    dv_rt_free(&allocator, linker, sizeof *linker);
    dv_rt_store_release(store);
}

typedef struct Definition {
    RtLinker *linker;
    Str module, name;
    RtExtern what;
} Definition;

static void define(void *context)
{
    const Definition *d = context;
    RtLinker *l = d->linker;
    u32 module = dv_strmap_intern(&l->arena, &l->names, d->module.data, d->module.len);
    u32 name = dv_strmap_intern(&l->arena, &l->names, d->name.data, d->name.len);
    vec_reserve(&l->arena, &l->externs, 1);
    dv_map_put(&l->arena, &l->places, (u64)module << 32 | name, l->externs.len);
    vec_push(&l->arena, &l->externs, d->what);
}

bool dv_rt_linker_define(RtLinker *linker, Str module, Str name, RtExtern what)
{
    Definition d = {linker, module, name, what};
    return dv_pool_protect(&linker->pool, define, &d) == DAVIT_OK;
}

bool dv_rt_linker_instance(RtLinker *linker, Str module, RtInstance *instance)
{
    const WasmModule *info = &instance->module->info;
    bool ok = true;
    for (u32 i = 0; i < info->exports.len && ok; i++) {
        ok = dv_rt_linker_define(linker, module, info->exports.data[i].name,
                                 dv_rt_instance_export(instance, i));
    }
    return ok;
}

bool dv_rt_linker_find(const RtLinker *linker, Str module, Str name, RtExtern *out)
{
    u32 numbers[2];
    u32 place;
    if (!dv_strmap_find(&linker->names, module.data, module.len, &numbers[0]) ||
        !dv_strmap_find(&linker->names, name.data, name.len, &numbers[1]) ||
        !dv_map_get(&linker->places, (u64)numbers[0] << 32 | numbers[1], &place)) {
        return false;
    }
    *out = linker->externs.data[place];
    return true;
}

static davit_status_t find_imports(const RtLinker *linker, const WasmModule *info,
                                   RtExtern *externs, RtError *error)
{
    for (u32 i = 0; i < info->imports.len; i++) {
        const ImportDecl *import = &info->imports.data[i];
        if (!dv_rt_linker_find(linker, import->module, import->name, &externs[i])) {
            return dv_rt_error(error, DAVIT_ERROR_INVALID, "unknown import: \"%s\" \"%s\"",
                               dv_rt_clean(import->module).text, dv_rt_clean(import->name).text);
        }
    }
    return DAVIT_OK;
}

davit_status_t dv_rt_linker_instantiate(RtLinker *linker, RtModule *module, RtInstance **out,
                                        RtTrap **trap, RtError *error)
{
    RtExtern few[32];
    RtStore *store = linker->store;
    const davit_allocator_t *allocator = &store->config.allocator;
    u32 count = module->info.imports.len;
    usize size = count * sizeof(RtExtern);
    RtExtern *externs = count <= ARRAY_LEN(few) ? few : dv_rt_alloc(allocator, size);
    *trap = NULL;
    if (externs == NULL) {
        return dv_rt_no_memory(error);
    }
    davit_status_t status = find_imports(linker, &module->info, externs, error);
    if (status == DAVIT_OK) {
        status = dv_rt_instantiate(store, module, externs, count, out, trap, error);
    }
    if (externs != few) {
        dv_rt_free(allocator, externs, size);
    }
    return status;
}
