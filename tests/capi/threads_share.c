/* threads_share.c - one engine and one shared module, used by several threads with a store each. */
#include "capi_testing.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>

enum { THREADS = 6, CALLS = 20 };

static const char source[] =
    "(module (func $log (import \"\" \"log\") (param i32)) (global $id (import \"\" \"id\") i32)\n"
    " (func (export \"run\") (call $log (i32.mul (global.get $id) (i32.const 3)))))";

typedef struct Job {
    wasm_engine_t *engine;
    const wasm_shared_module_t *shared;
    int32_t id, sum;
} Job;

static wasm_trap_t *add(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    Job *job = env;
    (void)results;
    job->sum += args->data[0].of.i32;
    return NULL;
}

static void *work(void *context)
{
    Job *job = context;
    wasm_store_t *store = wasm_store_new(job->engine);
    wasm_module_t *module = wasm_module_obtain(store, job->shared);
    NEED(store, module);
    wasm_functype_t *type = wasm_functype_new_1_0(wasm_valtype_new_i32());
    wasm_func_t *log = wasm_func_new_with_env(store, type, add, job, NULL);
    wasm_functype_delete(type);
    wasm_globaltype_t *id_type = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_CONST);
    wasm_val_t id = val_i32(job->id);
    wasm_global_t *global = wasm_global_new(store, id_type, &id);
    wasm_globaltype_delete(id_type);
    for (int i = 0; i < CALLS; i++) {
        wasm_extern_t *imports[] = {wasm_func_as_extern(log), wasm_global_as_extern(global)};
        wasm_extern_vec_t vec = WASM_ARRAY_VEC(imports);
        wasm_instance_t *instance = wasm_instance_new(store, module, &vec, NULL);
        NEED(store, instance);
        wasm_func_t *run = func_of(store, instance, "run");
        CHECK(wasm_func_call(run, NULL, NULL) == NULL);
        wasm_func_delete(run);
        wasm_instance_delete(instance);
    }
    wasm_global_delete(global);
    wasm_func_delete(log);
    wasm_module_delete(module);
    wasm_store_delete(store);
    return NULL;
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = module_of(store, source);
    wasm_shared_module_t *shared = wasm_module_share(module);
    wasm_module_delete(module);
    wasm_store_delete(store);
    pthread_t threads[THREADS];
    Job jobs[THREADS];
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (Job){engine, shared, i, 0};
        CHECK(pthread_create(&threads[i], NULL, work, &jobs[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(jobs[i].sum == CALLS * 3 * i);
    }
    wasm_engine_delete(engine);
    wasm_shared_module_delete(shared);
    wasm_shared_module_delete(NULL);
    return 0;
}
#else
int main(void)
{
    return 0; /* a host without threads */
}
#endif
