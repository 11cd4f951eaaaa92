/* control.c - stopping guests: fuel, interrupts, questions to the embedder. From other threads: threads_stop.c. */
#include <davit/codegen.h> /* DAVIT_TRAP_ codes */

#include "capi_testing.h"

static const char source[] =
    "(module (func (export \"loop\") (loop (br 0)))\n"
    " (func (export \"count\") (param $n i32) (result i32) (local $i i32)\n"
    "  (loop (local.set $i (i32.add (local.get $i) (i32.const 1)))"
    "   (br_if 0 (i32.lt_u (local.get $i) (local.get $n)))) (local.get $i)))";

typedef struct World {
    wasm_engine_t *engine;
    wasm_store_t *store;
    wasm_instance_t *instance;
    wasm_func_t *loop, *count;
} World;

static World make(bool metered)
{
    World w;
    wasm_config_t *config = wasm_config_new();
    davit_wasm_config_metered(config, metered);
    CHECK(davit_wasm_config_engine(config, DAVIT_ENGINE_PULLEY) ==
          DAVIT_OK); /* calls are suspended */
    w.engine = wasm_engine_new_with_config(config);
    w.store = wasm_store_new(w.engine);
    w.instance = instance_of(w.store, source, NULL, 0);
    w.loop = func_of(w.store, w.instance, "loop");
    w.count = func_of(w.store, w.instance, "count");
    return w;
}

static void end(World *w)
{
    wasm_func_delete(w->loop);
    wasm_func_delete(w->count);
    wasm_instance_delete(w->instance);
    wasm_store_delete(w->store);
    wasm_engine_delete(w->engine);
}

/* The trap's code; deletes it. */
static uint32_t code_of(wasm_trap_t *trap)
{
    CHECK(trap != NULL);
    uint32_t code = davit_wasm_trap_code(trap);
    wasm_trap_delete(trap);
    return code;
}

static davit_answer_t refuel(void *context, wasm_store_t *store)
{
    int *times = context;
    if (--*times < 0) {
        return DAVIT_ANSWER_TRAP;
    }
    davit_wasm_store_set_fuel(store, 1000);
    return DAVIT_ANSWER_GO_ON;
}

static davit_answer_t go_on(void *context, wasm_store_t *store)
{
    (void)context;
    (void)store;
    return DAVIT_ANSWER_GO_ON;
}

static davit_answer_t suspend(void *context, wasm_store_t *store)
{
    (void)context;
    (void)store;
    return DAVIT_ANSWER_SUSPEND;
}

static void check_fuel(void)
{
    World w = make(true);
    davit_wasm_store_set_fuel(w.store, 100000);
    CHECK(call_i32(w.count, 1, 100, 0) == 100);
    uint64_t used = 100000 - davit_wasm_store_fuel(w.store);
    CHECK(used > 100 && used < 5000);
    davit_wasm_store_set_fuel(w.store, used); /* exactly as much */
    CHECK(call_i32(w.count, 1, 100, 0) == 100 && davit_wasm_store_fuel(w.store) == 0);
    CHECK(code_of(wasm_func_call(w.loop, NULL, NULL)) == DAVIT_TRAP_OUT_OF_FUEL);

    int times = 3;
    davit_wasm_store_on_fuel(w.store, refuel, &times);
    CHECK(code_of(wasm_func_call(w.loop, NULL, NULL)) == DAVIT_TRAP_OUT_OF_FUEL && times == -1);
    davit_wasm_store_on_fuel(w.store, go_on, NULL); /* but gives none */
    CHECK(code_of(wasm_func_call(w.loop, NULL, NULL)) == DAVIT_TRAP_OUT_OF_FUEL);
    davit_wasm_store_on_fuel(w.store, suspend, NULL); /* but cannot */
    CHECK(code_of(wasm_func_call(w.loop, NULL, NULL)) == DAVIT_TRAP_OUT_OF_FUEL);

    /* A call that is fed in portions. */
    davit_wasm_slot_t arg = davit_slot_i32(1000);
    davit_wasm_slot_t result = {0, 0};
    wasm_trap_t *trap = NULL;
    int portions = 0;
    davit_wasm_store_set_fuel(w.store, 500);
    davit_outcome_kind_t kind = davit_wasm_call_resumable(w.count, &arg, &result, &trap);
    while (kind == DAVIT_CALL_SUSPENDED) {
        davit_wasm_store_set_fuel(w.store, 500);
        kind = davit_wasm_resume(w.store, NULL, &result, &trap);
        portions++;
    }
    CHECK(kind == DAVIT_CALL_RETURNED && trap == NULL && davit_slot_to_i32(result) == 1000);
    CHECK(portions > 5 && portions < 100);
    end(&w);
}

static int asked;

static davit_answer_t ask_twice(void *context, wasm_store_t *store)
{
    CHECK(context == &asked);
    asked++;
    if (asked < 3) {
        davit_wasm_store_notify(store);
        return DAVIT_ANSWER_GO_ON;
    }
    return DAVIT_ANSWER_TRAP;
}

static void check_notify(void)
{
    World w = make(false);
    davit_wasm_store_notify(w.store); /* nobody to ask */
    CHECK(call_i32(w.count, 1, 1000, 0) == 1000);
    davit_wasm_store_on_notify(w.store, ask_twice, &asked);
    davit_wasm_store_notify(w.store);
    CHECK(code_of(wasm_func_call(w.loop, NULL, NULL)) == DAVIT_TRAP_INTERRUPT && asked == 3);
    CHECK(call_i32(w.count, 1, 1000, 0) == 1000);

    /* Suspended at a poll, given up. */
    wasm_trap_t *trap = NULL;
    davit_wasm_store_on_notify(w.store, suspend, NULL);
    davit_wasm_store_notify(w.store);
    CHECK(davit_wasm_call_resumable(w.loop, NULL, NULL, &trap) == DAVIT_CALL_SUSPENDED);
    CHECK(davit_wasm_call_resumable(w.loop, NULL, NULL, &trap) == DAVIT_CALL_TRAPPED);
    CHECK(trap_says(trap, "another call of the store is suspended"));
    davit_wasm_abandon(w.store);
    davit_wasm_abandon(w.store);
    CHECK(davit_wasm_resume(w.store, NULL, NULL, &trap) == DAVIT_CALL_TRAPPED);
    CHECK(trap_says(trap, "no call of the store is suspended"));
    CHECK(call_i32(w.count, 1, 1000, 0) == 1000);
    end(&w);
}

static void check_interrupt(void)
{
    World w = make(false);
    davit_wasm_store_interrupt(w.store);
    davit_wasm_store_clear_interrupt(w.store);
    CHECK(call_i32(w.count, 1, 1000, 0) == 1000);
    davit_wasm_store_interrupt(w.store);
    CHECK(code_of(wasm_func_call(w.loop, NULL, NULL)) == DAVIT_TRAP_INTERRUPT);
    CHECK(call_i32(w.count, 1, 1000, 0) == 1000);
    end(&w);
}

int main(void)
{
    check_fuel();
    check_notify();
    check_interrupt();
    return 0;
}
