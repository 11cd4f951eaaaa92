/* threads_mixed.c - all that threads may do at once with one engine: compile, share and drop modules, run them in stores of
 * their own with deadlines set again and again, interrupt each other's stores. */
#include <davit/codegen.h> /* DAVIT_TRAP_ codes */

#include "capi_testing.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>

enum { THREADS = 4, ROUNDS = 12 };

static const char source[] =
    "(module (memory (export \"m\") 1 3) (table 4 funcref) (elem (i32.const 0) $sum $sum)\n"
    " (func (export \"loop\") (loop (br 0)))\n"
    " (func (export \"grow\") (result i32) (memory.grow (i32.const 1)))\n"
    " (func $sum (export \"sum\") (param $n i32) (result i32) (local $s i32)\n"
    "  (loop (local.set $s (i32.add (local.get $s) (local.get $n)))"
    "   (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $s)))";

typedef struct Job {
    wasm_engine_t *engine;
    const wasm_shared_module_t *shared;
    wasm_store_t *store; /* of the job; made before any thread begins */
    wasm_store_t *other;
} Job;

static void run_once(wasm_store_t *store, const wasm_module_t *module)
{
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_instance_t *instance = wasm_instance_new(store, module, &none, NULL);
    NEED(store, instance);
    wasm_func_t *loop = func_of(store, instance, "loop");
    wasm_func_t *sum = func_of(store, instance, "sum");
    CHECK(davit_wasm_store_deadline(store, 2 * 1000 * 1000) == DAVIT_OK);
    wasm_trap_t *trap = wasm_func_call(loop, NULL, NULL);
    CHECK(trap != NULL && davit_wasm_trap_code(trap) == DAVIT_TRAP_INTERRUPT);
    wasm_trap_delete(trap);
    CHECK(davit_wasm_store_deadline(store, 0) == DAVIT_OK);
    wasm_val_t arg = val_i32(1000), result = val_i32(0);
    wasm_val_vec_t args = {1, &arg}, results = {1, &result};
    trap = wasm_func_call(sum, &args, &results); /* or another thread has stopped it */
    CHECK(trap == NULL ? result.of.i32 == 500500
                       : davit_wasm_trap_code(trap) == DAVIT_TRAP_INTERRUPT);
    wasm_trap_delete(trap);
    wasm_func_delete(sum);
    wasm_func_delete(loop);
    wasm_instance_delete(instance);
}

static void *work(void *context)
{
    Job *job = context;
    for (int i = 0; i < ROUNDS; i++) {
        wasm_module_t *module = wasm_module_obtain(job->store, job->shared);
        NEED(job->store, module);
        run_once(job->store, module);
        wasm_module_delete(module);
        davit_wasm_store_interrupt(job->other);
        davit_wasm_store_notify(job->other);
        wasm_store_t *own = wasm_store_new(job->engine);
        module = module_of(own, source);
        wasm_shared_module_t *shared = wasm_module_share(module);
        wasm_byte_vec_t bytes;
        wasm_module_serialize(module, &bytes);
        CHECK(bytes.size != 0);
        wasm_byte_vec_delete(&bytes);
        run_once(own, module);
        CHECK(davit_wasm_store_deadline(own, 1) == DAVIT_OK); /* due while the store goes */
        wasm_module_delete(module);
        wasm_store_delete(own);
        wasm_shared_module_delete(shared);
    }
    return NULL;
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *stores[THREADS];
    for (int i = 0; i < THREADS; i++) {
        stores[i] = wasm_store_new(engine);
    }
    wasm_module_t *module = module_of(stores[0], source);
    wasm_shared_module_t *shared = wasm_module_share(module);
    wasm_module_delete(module);
    pthread_t threads[THREADS];
    Job jobs[THREADS];
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (Job){engine, shared, stores[i], stores[(i + 1) % THREADS]};
        CHECK(pthread_create(&threads[i], NULL, work, &jobs[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    wasm_shared_module_delete(shared);
    for (int i = 0; i < THREADS; i++) {
        wasm_store_delete(stores[i]);
    }
    wasm_engine_delete(engine);
    return 0;
}
#else
int main(void)
{
    return 0; /* a host without threads */
}
#endif
