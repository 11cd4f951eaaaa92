/* engine.c - configurations, engines, stores: what all else of the C API hangs on, and how it is controlled.
 *
 * An engine is its settings and a count, which stores of several threads share. A store is the runtime's with what
 * wasm.h wants besides (capi.h tells how it goes).
 */
#include <stdio.h>
#include <stdlib.h>

#include "wasm/capi/capi.h"
#include "wasm/runtime/internal.h"

/* ---- configuration ---- */

wasm_config_t *wasm_config_new(void)
{
    wasm_config_t *config = calloc(1, sizeof *config);
    if (config != NULL) {
        config->settings.compile.features = dv_wasm_features_run();
    }
    return config;
}

void wasm_config_delete(wasm_config_t *config)
{
    free(config);
}

davit_status_t davit_wasm_config_engine(wasm_config_t *config, davit_engine_t engine)
{
    static const u8 engines[] = {[DAVIT_ENGINE_AUTO] = COMPILE_AUTO,
                                 [DAVIT_ENGINE_PULLEY] = COMPILE_PULLEY,
                                 [DAVIT_ENGINE_NATIVE] = COMPILE_NATIVE};
    u32 features;
    bool known = (u32)engine < ARRAY_LEN(engines);
    if (!known || (engine == DAVIT_ENGINE_NATIVE && dv_rt_native_target(&features) == NULL)) {
        return DAVIT_ERROR_UNSUPPORTED;
    }
    config->settings.compile.engine = engines[engine];
    return DAVIT_OK;
}

void davit_wasm_config_guard_pages(wasm_config_t *config, bool on)
{
    config->settings.compile.no_guards = !on;
}

void davit_wasm_config_perf_map(wasm_config_t *config, bool on)
{
    config->settings.perf_map = on;
}

davit_status_t davit_wasm_config_optimize(wasm_config_t *config, uint32_t level)
{
    if (level > 1) {
        return DAVIT_ERROR_UNSUPPORTED;
    }
    config->settings.compile.fast = level == 0;
    return DAVIT_OK;
}

davit_status_t davit_wasm_config_feature(wasm_config_t *config, const char *name, bool on)
{
    Feature feature = dv_wasm_feature_find(name, strlen(name));
    if (feature == FEATURE_COUNT) {
        return DAVIT_ERROR_INVALID;
    }
    Features bit = (Features)1 << feature;
    if (on && !dv_wasm_features[feature].runs) {
        return DAVIT_ERROR_UNSUPPORTED;
    }
    config->settings.compile.features =
        on ? config->settings.compile.features | bit : config->settings.compile.features & ~bit;
    return DAVIT_OK;
}

void davit_wasm_config_metered(wasm_config_t *config, bool on)
{
    config->settings.compile.metered = on;
}

void davit_wasm_config_strip(wasm_config_t *config, bool on)
{
    config->settings.compile.strip = on;
}

void davit_wasm_config_allocator(wasm_config_t *config, const davit_allocator_t *allocator)
{
    davit_allocator_t none = {NULL, NULL, NULL};
    config->settings.allocator = allocator == NULL ? none : *allocator;
}

void davit_wasm_config_limits(wasm_config_t *config, const davit_wasm_limits_t *limits)
{
    config->settings.limits = *limits;
}

bool davit_wasm_feature(size_t index, davit_wasm_feature_t *out)
{
    if (index >= FEATURE_COUNT) {
        return false;
    }
    const FeatureInfo *info = &dv_wasm_features[index];
    *out = (davit_wasm_feature_t){info->text, info->doc, info->in_3_0, info->runs};
    return true;
}

/* ---- engines ---- */

void *dv_capi_alloc(const wasm_engine_t *engine, usize size_bytes)
{
    return dv_rt_alloc(&engine->settings.allocator, size_bytes);
}

void dv_capi_free(const wasm_engine_t *engine, void *memory, usize size_bytes)
{
    dv_rt_free(&engine->settings.allocator, memory, size_bytes);
}

static bool wants_guards(const CompileSettings *settings)
{
    u32 features;
    return settings->engine != COMPILE_PULLEY && !settings->no_guards &&
           dv_rt_native_target(&features) != NULL;
}

wasm_engine_t *wasm_engine_new(void)
{
    return wasm_engine_new_with_config(wasm_config_new());
}

wasm_engine_t *wasm_engine_new_with_config(wasm_config_t *config)
{
    if (config == NULL) {
        return NULL;
    }
    wasm_engine_t *engine = dv_rt_alloc(&config->settings.allocator, sizeof *engine);
    if (engine != NULL) {
        engine->settings = config->settings;
        engine->settings.compile.no_guards |=
            wants_guards(&config->settings.compile) && !dv_rt_can_guard();
        atomic_init(&engine->refs, 1);
    }
    wasm_config_delete(config);
    return engine;
}

wasm_engine_t *dv_capi_engine_retain(wasm_engine_t *engine)
{
    atomic_fetch_add(&engine->refs, 1);
    return engine;
}

void wasm_engine_delete(wasm_engine_t *engine)
{
    if (engine != NULL && atomic_fetch_sub(&engine->refs, 1) == 1) {
        davit_allocator_t allocator = engine->settings.allocator;
        dv_rt_free(&allocator, engine, sizeof *engine);
    }
}

/* ---- stores ---- */

static RtAnswer ask(Asked asked, wasm_store_t *store, RtAnswer otherwise)
{
    if (asked.ask == NULL) {
        return otherwise;
    }
    switch (asked.ask(asked.context, store)) {
    case DAVIT_ANSWER_GO_ON:
        return RT_GO_ON;
    case DAVIT_ANSWER_SUSPEND:
        return RT_SUSPEND;
    default:
        return RT_TRAP;
    }
}

static RtAnswer ask_fuel(void *context, RtStore *rt)
{
    wasm_store_t *store = context;
    u64 before = dv_rt_fuel(rt);
    RtAnswer answer = ask(store->on_fuel, store, RT_TRAP);
    if (answer == RT_SUSPEND && dv_interp_can_suspend(dv_rt_store_vm(rt))) {
        return RT_SUSPEND;
    }
    /* Going on without more would ask again and again. */
    return answer != RT_TRAP && dv_rt_fuel(rt) > before ? RT_GO_ON : RT_TRAP;
}

static RtAnswer ask_notify(void *context, RtStore *rt)
{
    wasm_store_t *store = context;
    (void)rt;
    return ask(store->on_notify, store, RT_GO_ON);
}

wasm_store_t *wasm_store_new(wasm_engine_t *engine)
{
    const davit_wasm_limits_t *limits = &engine->settings.limits;
    wasm_store_t *store = dv_capi_alloc(engine, sizeof *store);
    if (store == NULL) {
        return NULL;
    }
    RtStoreConfig config = {
        .allocator = engine->settings.allocator,
        .stack_bytes = limits->stack_bytes,
        .native_stack_bytes = limits->stack_bytes,
        .max_nesting = limits->nesting,
        .max_memory_bytes = limits->memory_bytes,
        .max_table_elems = limits->table_elems,
        .max_instances = limits->instances,
        .guarded = wants_guards(&engine->settings.compile),
        .metered = engine->settings.compile.metered,
        .on_fuel = ask_fuel,
        .on_notify = ask_notify,
        .context = store,
    };
    if (dv_rt_store_new(&config, &store->rt) != DAVIT_OK) {
        dv_capi_free(engine, store, sizeof *store);
        return NULL;
    }
    store->refs = 1;
    store->engine = dv_capi_engine_retain(engine);
    dv_pool_init(&store->pool, &engine->settings.allocator);
    dv_arena_init(&store->arena, &store->pool);
    store->no_memory = (Object){.kind = HANDLE_TRAP, .store = store, .thing = &store->no_memory};
    store->no_memory.handles = 1; /* never the last */
    store->no_memory_trap.ref = (wasm_ref_t){HANDLE_TRAP, store, &store->no_memory};
    return store;
}

wasm_store_t *dv_capi_store_retain(wasm_store_t *store)
{
    store->refs++;
    return store;
}

static void free_store(wasm_store_t *store)
{
    wasm_engine_t *engine = store->engine;
    dv_rt_store_release(store->rt);
    for (u32 i = 0; i < store->objects.len; i++) {
        Object *object = store->objects.data[i];
        if (object->finalizer != NULL) {
            object->finalizer(object->info);
        }
        if (object->kind == HANDLE_MODULE) {
            dv_rt_module_release(object->thing);
        }
    }
    if (store->no_memory.finalizer != NULL) {
        store->no_memory.finalizer(store->no_memory.info);
    }
    dv_capi_wasi_free(store);
    dv_arena_release(&store->arena);
    dv_pool_destroy(&store->pool);
    dv_capi_free(engine, store, sizeof *store);
    wasm_engine_delete(engine);
}

void wasm_store_delete(wasm_store_t *store)
{
    if (store != NULL && --store->refs == 0) {
        free_store(store);
    }
}

davit_status_t dv_capi_error(wasm_store_t *store, davit_status_t status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(store->error.message, sizeof store->error.message, format, args);
    va_end(args);
    store->error.status = status;
    return status;
}

const char *davit_wasm_error(const wasm_store_t *store)
{
    return store->error.message;
}

davit_status_t davit_wasm_status(const wasm_store_t *store)
{
    return store->error.status;
}

/* ---- stopping and measuring ---- */

void davit_wasm_store_interrupt(wasm_store_t *store)
{
    dv_rt_interrupt(store->rt);
}

void davit_wasm_store_clear_interrupt(wasm_store_t *store)
{
    dv_rt_clear_interrupt(store->rt);
}

davit_status_t davit_wasm_store_deadline(wasm_store_t *store, uint64_t ns)
{
    davit_status_t status = dv_rt_set_deadline(store->rt, ns);
    if (status != DAVIT_OK) {
        dv_capi_error(store, status, "no deadline: %s", davit_status_name(status));
    }
    return status;
}

void davit_wasm_store_set_fuel(wasm_store_t *store, uint64_t fuel)
{
    dv_rt_set_fuel(store->rt, fuel);
}

uint64_t davit_wasm_store_fuel(const wasm_store_t *store)
{
    return dv_rt_fuel(store->rt);
}

void davit_wasm_store_on_fuel(wasm_store_t *store, davit_wasm_ask_t asked, void *context)
{
    store->on_fuel = (Asked){asked, context};
}

void davit_wasm_store_notify(wasm_store_t *store)
{
    dv_rt_notify(store->rt);
}

void davit_wasm_store_on_notify(wasm_store_t *store, davit_wasm_ask_t asked, void *context)
{
    store->on_notify = (Asked){asked, context};
}
