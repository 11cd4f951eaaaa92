/* threads_stop.c - guests interrupted and asked by other threads, and by deadlines. */
#include <davit/codegen.h> /* DAVIT_TRAP_ codes */

#include "capi_testing.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>

static const char source[] =
    "(module (func (export \"loop\") (loop (br 0)))\n"
    " (func (export \"count\") (param $n i32) (result i32) (local $i i32)\n"
    "  (loop (local.set $i (i32.add (local.get $i) (i32.const 1)))"
    "   (br_if 0 (i32.lt_u (local.get $i) (local.get $n)))) (local.get $i)))";

static void *interrupt(void *context)
{
    for (int i = 0; i < 100; i++) {
        davit_wasm_store_notify(context);
    }
    davit_wasm_store_interrupt(context); /* maybe before the guest runs: then it is taken then */
    return NULL;
}

static void check_interrupted(const wasm_func_t *loop)
{
    wasm_trap_t *trap = wasm_func_call(loop, NULL, NULL);
    CHECK(trap != NULL && davit_wasm_trap_code(trap) == DAVIT_TRAP_INTERRUPT);
    wasm_trap_delete(trap);
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_of(store, source, NULL, 0);
    wasm_func_t *loop = func_of(store, instance, "loop");
    wasm_func_t *count = func_of(store, instance, "count");
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, interrupt, store) == 0);
        check_interrupted(loop);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(davit_wasm_store_deadline(store, 20 * 1000 * 1000) == DAVIT_OK);
    check_interrupted(loop);
    CHECK(davit_wasm_store_deadline(store, 1000 * 1000) == DAVIT_OK);
    CHECK(davit_wasm_store_deadline(store, 0) == DAVIT_OK); /* called off */
    davit_wasm_store_clear_interrupt(store);
    CHECK(call_i32(count, 1, 1000000, 0) == 1000000);
    wasm_func_delete(loop);
    wasm_func_delete(count);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
#else
int main(void)
{
    return 0; /* a host without threads */
}
#endif
