/* moving_memory.c - memories that move (they are the embedder's) while guests are in the middle of something: grown by a host
 * function, by guests that it calls, while polls ask, and while a call is suspended. Nothing may remember where they were. */
#include "capi_testing.h"

static const char source[] =
    "(module (import \"\" \"host\" (func $host (param i32) (result i32)))\n"
    " (memory (export \"m\") 1 1000) (table (export \"t\") 1 1000 funcref)\n"
    " (func $size (result i32) (memory.size)) (elem (i32.const 0) $size)\n"
    " (func (export \"grow\") (result i32)\n"
    "  (drop (memory.grow (i32.const 1))) (i32.store (i32.const 4) (i32.const 7))"
    "  (drop (table.grow (ref.null func) (i32.const 50))) (i32.load (i32.const 0)))\n"
    " (func (export \"run\") (param $kind i32) (result i32) (local $i i32) (local $sum i32)\n"
    "  (i32.store (i32.const 0) (i32.const 40))\n"
    "  (loop\n"
    "   (local.set $sum (i32.add (local.get $sum) (call $host (local.get $kind))))\n"
    "   (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))\n"
    "   (i32.store8 (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)) (i32.const 1))\n"
    "   (drop (call_indirect (result i32) (i32.const 0)))\n"
    "   (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10))))\n"
    "  (i32.load (i32.const 0)))\n"
    " (func (export \"poll\") (param $n i32) (result i32) (local $i i32)\n"
    "  (i32.store (i32.const 0) (i32.const 0))\n"
    "  (loop (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))\n"
    "   (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))\n"
    "  (i32.load (i32.const 0))))";

enum { BY_HOST, BY_GUEST, SUSPENDED };

typedef struct World {
    wasm_store_t *store;
    wasm_memory_t *memory;
    wasm_func_t *grow, *run, *poll;
    int asked;
    bool can_suspend;
} World;

static wasm_trap_t *host(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    World *w = env;
    wasm_val_t old;
    wasm_val_vec_t none = WASM_EMPTY_VEC, one = {1, &old};
    results->data[0] = val_i32(0);
    switch (args->data[0].of.i32) {
    case BY_HOST:
        CHECK(wasm_memory_grow(w->memory, 1));
        return NULL;
    case BY_GUEST:
        CHECK(wasm_func_call(w->grow, &none, &one) == NULL);
        CHECK(old.of.i32 >= 40);
        return NULL;
    default:
        return davit_wasm_suspend(w->store);
    }
}

static davit_answer_t grow_at_poll(void *context, wasm_store_t *store)
{
    World *w = context;
    CHECK(wasm_memory_grow(w->memory, 1));
    if (++w->asked < 20) {
        davit_wasm_store_notify(store);
    }
    return w->asked % 3 == 0 ? DAVIT_ANSWER_SUSPEND : DAVIT_ANSWER_GO_ON;
}

/* Until it returns; the memory grows while it is suspended. */
static int32_t drive(World *w, wasm_func_t *func, int32_t argument, int *stops)
{
    davit_wasm_slot_t arg = davit_slot_i32(argument), result = {0, 0}, zero = {0, 0};
    wasm_trap_t *trap = NULL;
    if (!w->can_suspend) {
        *stops = 0;
        CHECK(davit_wasm_call(func, &arg, &result) == NULL);
        return davit_slot_to_i32(result);
    }
    davit_outcome_kind_t outcome = davit_wasm_call_resumable(func, &arg, &result, &trap);
    for (*stops = 0; outcome == DAVIT_CALL_SUSPENDED; ++*stops) {
        CHECK(wasm_memory_grow(w->memory, 2));
        outcome = davit_wasm_resume(w->store, &zero, &result, &trap);
    }
    CHECK(outcome == DAVIT_CALL_RETURNED);
    return davit_slot_to_i32(result);
}

static void run(davit_engine_t kind)
{
    World w = {.can_suspend = kind == DAVIT_ENGINE_PULLEY};
    Counting counting = {0, 0, SIZE_MAX};
    wasm_engine_t *engine = counted_engine(&counting, kind);
    w.store = wasm_store_new(engine);
    wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t *import = wasm_func_new_with_env(w.store, type, host, &w, NULL);
    wasm_functype_delete(type);
    wasm_extern_t *imports[] = {wasm_func_as_extern(import)};
    wasm_instance_t *instance = instance_of(w.store, source, imports, 1);
    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    w.memory = wasm_memory_copy(wasm_extern_as_memory(exports.data[0]));
    wasm_extern_vec_delete(&exports);
    w.grow = func_of(w.store, instance, "grow");
    w.run = func_of(w.store, instance, "run");
    w.poll = func_of(w.store, instance, "poll");
    int stops;
    CHECK(drive(&w, w.run, BY_HOST, &stops) == 50 && stops == 0);
    CHECK(drive(&w, w.run, BY_GUEST, &stops) == 50 && stops == 0);
    int resumed = w.can_suspend ? 10 : 0;
    CHECK(drive(&w, w.run, SUSPENDED, &stops) == 50 && stops == resumed);
    davit_wasm_store_on_notify(w.store, grow_at_poll, &w);
    davit_wasm_store_notify(w.store);
    CHECK(drive(&w, w.poll, 100000, &stops) == 100000 && stops == (w.can_suspend ? 6 : 0));
    CHECK(w.asked == 20);
    int by_stops = w.can_suspend ? 20 + 12 : 0;
    CHECK(wasm_memory_size(w.memory) == (uint32_t)(1 + 10 + 10 + 20 + by_stops));
    wasm_func_delete(w.grow);
    wasm_func_delete(w.run);
    wasm_func_delete(w.poll);
    wasm_memory_delete(w.memory);
    wasm_func_delete(import);
    wasm_instance_delete(instance);
    wasm_store_delete(w.store);
    wasm_engine_delete(engine);
    CHECK(counting.live_blocks == 0);
}

int main(void)
{
    run(DAVIT_ENGINE_PULLEY);
    run(DAVIT_ENGINE_AUTO);
    return 0;
}
