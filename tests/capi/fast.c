/* fast.c - calls with slots, both ways; vectors and references in slots; suspending in a host function. */
#include "capi_testing.h"

static const char source[] =
    "(module (func $f (import \"\" \"f\") (param i32) (result i64)) (memory (export \"mem\") 1)\n"
    " (func (export \"mix\") (param i32 i64 f32 f64) (result f64 f32 i64 i32)"
    "  (local.get 3) (local.get 2) (local.get 1) (local.get 0))\n"
    " (func (export \"ref\") (param externref funcref) (result funcref externref)"
    "  (local.get 1) (local.get 0))\n"
    " (func (export \"host\") (param i32) (result i64)"
    "  (i64.add (call $f (local.get 0)) (call $f (i32.const 1))))\n"
    " (func (export \"unreachable\") (unreachable)))";

static int finalized;

static void finalize(void *env)
{
    CHECK(env == &finalized);
    finalized++;
}

static bool suspends;

static wasm_trap_t *times_ten(void *env, wasm_store_t *store, const davit_wasm_slot_t *args,
                              davit_wasm_slot_t *results)
{
    CHECK(env == &finalized);
    wasm_instance_t *caller = davit_wasm_caller(store);
    if (caller != NULL) {
        wasm_extern_t *memory = davit_wasm_instance_export(caller, "mem");
        CHECK(wasm_memory_size(wasm_extern_as_memory(memory)) == 1);
        wasm_extern_delete(memory);
        wasm_instance_delete(caller);
    }
    results[0] = davit_slot_i64(10 * (int64_t)davit_slot_to_i32(args[0]));
    return suspends ? davit_wasm_suspend(store) : NULL;
}

static void check_mix(wasm_store_t *store, const wasm_instance_t *instance)
{
    wasm_func_t *mix = func_of(store, instance, "mix");
    CHECK(davit_wasm_func_is(mix, "iIfF", "FfIi"));
    CHECK(!davit_wasm_func_is(mix, "iIfF", "FfI") && !davit_wasm_func_is(mix, "iIff", "FfIi"));
    CHECK(!davit_wasm_func_is(mix, "iIf?", "FfIi"));
    davit_wasm_slot_t args[] = {davit_slot_i32(-1), davit_slot_i64(INT64_MIN),
                                davit_slot_f32(-0.5f), davit_slot_f64(1e-300)};
    davit_wasm_slot_t got[4];
    CHECK(davit_wasm_call(mix, args, got) == NULL);
    CHECK(davit_slot_to_f64(got[0]) == 1e-300 && davit_slot_to_f32(got[1]) == -0.5f);
    CHECK(davit_slot_to_i64(got[2]) == INT64_MIN && davit_slot_to_i32(got[3]) == -1);
    CHECK(got[3].lo == 0xffffffffu);
    wasm_func_delete(mix);
    wasm_func_t *bad = func_of(store, instance, "unreachable");
    CHECK(trap_says(davit_wasm_call(bad, NULL, NULL), "unreachable"));
    wasm_func_delete(bad);
}

static void check_refs(wasm_store_t *store, wasm_engine_t *engine, const wasm_instance_t *instance)
{
    wasm_func_t *ref = func_of(store, instance, "ref");
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    davit_wasm_slot_t args[2], got[2];
    CHECK(davit_wasm_func_is(ref, "ec", "ce"));
    CHECK(davit_slot_from_ref(store, wasm_foreign_as_ref(foreign), WASM_EXTERNREF, &args[0]));
    CHECK(davit_slot_from_ref(store, wasm_func_as_ref(ref), WASM_FUNCREF, &args[1]));
    CHECK(davit_wasm_call(ref, args, got) == NULL);
    wasm_ref_t *func = davit_slot_to_ref(store, got[0], WASM_FUNCREF);
    wasm_ref_t *back = davit_slot_to_ref(store, got[1], WASM_EXTERNREF);
    CHECK(wasm_ref_same(func, wasm_func_as_ref(ref)));
    CHECK(wasm_ref_same(back, wasm_foreign_as_ref(foreign)));
    wasm_ref_delete(func);
    wasm_ref_delete(back);
    CHECK(davit_slot_from_ref(store, NULL, WASM_FUNCREF, &args[0]) && args[0].lo == 0);
    CHECK(davit_slot_to_ref(store, args[0], WASM_FUNCREF) == NULL);
    CHECK(!davit_slot_from_ref(store, wasm_foreign_as_ref(foreign), WASM_FUNCREF, &args[0]));
    CHECK(davit_slot_to_ref(store, davit_slot_i32(123456), WASM_EXTERNREF) == NULL); /* made up */
    CHECK(davit_slot_to_ref(store, davit_slot_i32(123456), WASM_FUNCREF) == NULL);
    wasm_store_t *other = wasm_store_new(engine);
    CHECK(!davit_slot_from_ref(other, wasm_foreign_as_ref(foreign), WASM_EXTERNREF, &args[0]));
    wasm_store_delete(other);
    wasm_foreign_delete(foreign);
    wasm_func_delete(ref);
}

static void check_suspend(wasm_store_t *store, const wasm_instance_t *instance)
{
    wasm_func_t *host = func_of(store, instance, "host");
    davit_wasm_slot_t arg = davit_slot_i32(4);
    davit_wasm_slot_t result = {0, 0};
    davit_wasm_slot_t value = davit_slot_i64(1000);
    wasm_trap_t *trap = NULL;
    CHECK(davit_wasm_call(host, &arg, &result) == NULL && davit_slot_to_i64(result) == 50);
    suspends = true;
    CHECK(davit_wasm_call(host, &arg, &result) == NULL); /* cannot be suspended: goes on */
    CHECK(davit_slot_to_i64(result) == 50);
    CHECK(davit_wasm_call_resumable(host, &arg, &result, &trap) == DAVIT_CALL_SUSPENDED);
    CHECK(davit_wasm_resume(store, &value, &result, &trap) == DAVIT_CALL_SUSPENDED);
    value = davit_slot_i64(7);
    CHECK(davit_wasm_resume(store, &value, &result, &trap) == DAVIT_CALL_RETURNED);
    CHECK(davit_slot_to_i64(result) == 1007);
    CHECK(davit_wasm_call_resumable(host, &arg, &result, &trap) == DAVIT_CALL_SUSPENDED);
    davit_wasm_abandon(store);
    suspends = false;
    CHECK(davit_wasm_call_resumable(host, &arg, &result, &trap) == DAVIT_CALL_RETURNED);
    CHECK(davit_slot_to_i64(result) == 50);
    wasm_func_t *bad = func_of(store, instance, "unreachable");
    CHECK(davit_wasm_call_resumable(bad, NULL, NULL, &trap) == DAVIT_CALL_TRAPPED);
    CHECK(trap_says(trap, "unreachable"));
    suspends = true; /* left suspended: goes with the store */
    CHECK(davit_wasm_call_resumable(host, &arg, &result, &trap) == DAVIT_CALL_SUSPENDED);
    wasm_func_delete(bad);
    wasm_func_delete(host);
}

/* Vectors pass host functions, though wasm.h's own calls cannot carry them. */
static wasm_trap_t *swap_halves(void *env, wasm_store_t *store, const davit_wasm_slot_t *args,
                                davit_wasm_slot_t *results)
{
    (void)env;
    (void)store;
    results[0] = (davit_wasm_slot_t){args[0].hi, args[0].lo};
    return NULL;
}

static void check_vectors(wasm_store_t *store)
{
    wasm_func_t *func = davit_wasm_func_new(store, "v", "v", swap_halves, NULL, NULL);
    NEED(store, func);
    CHECK(davit_wasm_func_is(func, "v", "v"));
    davit_wasm_slot_t arg = {1, 2}, got = {0, 0};
    CHECK(davit_wasm_call(func, &arg, &got) == NULL && got.lo == 2 && got.hi == 1);
    wasm_val_t value = val_i64(1);
    wasm_val_vec_t vec = {1, &value};
    CHECK(trap_says(wasm_func_call(func, &vec, &vec), "argument 0: a wasm_val_t cannot hold"));
    wasm_functype_t *type = wasm_func_type(func);
    CHECK(wasm_valtype_kind(wasm_functype_params(type)->data[0]) == DAVIT_KIND_V128);
    CHECK(wasm_func_new(store, type, NULL) == NULL);
    wasm_functype_delete(type);
    wasm_func_delete(func);
    CHECK(davit_wasm_func_new(store, "x", "", swap_halves, NULL, NULL) == NULL);
    CHECK(strcmp(davit_wasm_error(store), "\"x\" is no letter of a type") == 0);
    CHECK(davit_wasm_func_new(store, "iiiiiiiiiiiiiiiii", "", swap_halves, NULL, NULL) == NULL);
}

int main(void)
{
    wasm_engine_t *engine = bytecode_engine();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_func_t *host = davit_wasm_func_new(store, "i", "I", times_ten, &finalized, finalize);
    NEED(store, host);
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    wasm_instance_t *instance = instance_of(store, source, imports, 1);
    davit_wasm_slot_t arg = davit_slot_i32(2), got = {0, 0};
    CHECK(davit_wasm_call(host, &arg, &got) == NULL && davit_slot_to_i64(got) == 20);
    CHECK(davit_wasm_caller(store) == NULL);
    wasm_func_delete(host);
    check_mix(store, instance);
    check_refs(store, engine, instance);
    check_vectors(store);
    check_suspend(store, instance);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    CHECK(finalized == 1);
    wasm_engine_delete(engine);
    return 0;
}
