/* callback.c - functions of the host: arguments, results, environments, calls back into guests, wrong results. */
#include "capi_testing.h"

static int finalized;

static void count_finalized(void *env)
{
    CHECK(env == &finalized);
    finalized++;
}

/* (i32, i64, f32, f64) -> (f64, f32, i64, i32): the arguments the other way round. */
static wasm_trap_t *turn(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    CHECK(args->size == 4 && results->size == 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK(args->data[i].kind == (wasm_valkind_t)i);
        results->data[3 - i] = args->data[i];
    }
    return NULL;
}

static wasm_trap_t *add_env(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    results->data[0] = val_i32(args->data[0].of.i32 + *(int *)env);
    return NULL;
}

/* Calls the function in env with its argument less one, until that is 0. */
static wasm_trap_t *recurse(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    int32_t n = args->data[0].of.i32;
    wasm_val_t value = val_i32(n - 1);
    wasm_val_vec_t vec = {1, &value};
    results->data[0] = val_i32(0);
    return n == 0 ? NULL : wasm_func_call(*(wasm_func_t **)env, &vec, results);
}

static wasm_trap_t *wrong_type(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)args;
    results->data[0] = val_i64(1);
    return NULL;
}

static wasm_trap_t *other_vector(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    wasm_val_t value = val_i32(args->data[0].of.i32 * 2);
    wasm_val_vec_new(results, 1, &value);
    return NULL;
}

static wasm_trap_t *no_vector(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)args;
    wasm_val_vec_new_empty(results);
    return NULL;
}

static wasm_functype_t *i32_to_i32(void)
{
    return wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
}

static void check_turn(wasm_store_t *store)
{
    wasm_valtype_t *params[] = {wasm_valtype_new_i32(), wasm_valtype_new_i64(),
                                wasm_valtype_new_f32(), wasm_valtype_new_f64()};
    wasm_valtype_t *results[] = {wasm_valtype_new_f64(), wasm_valtype_new_f32(),
                                 wasm_valtype_new_i64(), wasm_valtype_new_i32()};
    wasm_valtype_vec_t param_vec, result_vec;
    wasm_valtype_vec_new(&param_vec, 4, params);
    wasm_valtype_vec_new(&result_vec, 4, results);
    wasm_functype_t *type = wasm_functype_new(&param_vec, &result_vec);
    wasm_func_t *host = wasm_func_new(store, type, turn);
    NEED(store, host);
    wasm_functype_delete(type);
    CHECK(wasm_func_param_arity(host) == 4 && wasm_func_result_arity(host) == 4);
    type = wasm_func_type(host);
    CHECK(wasm_valtype_kind(wasm_functype_params(type)->data[3]) == WASM_F64);
    CHECK(wasm_valtype_kind(wasm_functype_results(type)->data[3]) == WASM_I32);
    wasm_functype_delete(type);

    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    wasm_instance_t *instance = instance_of(
        store,
        "(module (import \"\" \"turn\" (func $turn (param i32 i64 f32 f64) (result f64 f32 i64 i32)))"
        " (func (export \"turn\") (param i32 i64 f32 f64) (result f64 f32 i64 i32)"
        "  (call $turn (local.get 0) (local.get 1) (local.get 2) (local.get 3))))",
        imports, 1);
    wasm_func_t *guest = func_of(store, instance, "turn");
    for (int round = 0; round < 2; round++) { /* through the guest, and the host function itself */
        wasm_val_t args[] = {WASM_I32_VAL(-7), WASM_I64_VAL(INT64_MIN), WASM_F32_VAL(0.25f),
                             WASM_F64_VAL(-1e300)};
        wasm_val_t got[5] = {WASM_INIT_VAL, WASM_INIT_VAL, WASM_INIT_VAL, WASM_INIT_VAL,
                             WASM_I32_VAL(77)};
        wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args);
        wasm_val_vec_t got_vec = WASM_ARRAY_VEC(got); /* one more than needed */
        CHECK(wasm_func_call(round == 0 ? guest : host, &arg_vec, &got_vec) == NULL);
        CHECK(got[0].kind == WASM_F64 && got[0].of.f64 == -1e300);
        CHECK(got[1].kind == WASM_F32 && got[1].of.f32 == 0.25f);
        CHECK(got[2].kind == WASM_I64 && got[2].of.i64 == INT64_MIN);
        CHECK(got[3].kind == WASM_I32 && got[3].of.i32 == -7);
        CHECK(got[4].kind == WASM_I32 && got[4].of.i32 == 77);
    }
    wasm_func_delete(guest);
    wasm_func_delete(host);
    wasm_instance_delete(instance);
}

static void check_many(wasm_store_t *store)
{
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_new_uninitialized(&params, 30);
    for (size_t i = 0; i < 30; i++) {
        params.data[i] = wasm_valtype_new_i32();
    }
    wasm_valtype_t *result = wasm_valtype_new_i32();
    wasm_valtype_vec_new(&results, 1, &result);
    wasm_functype_t *type = wasm_functype_new(&params, &results);
    static int env = 1000;
    wasm_func_t *func = wasm_func_new_with_env(store, type, add_env, &env, NULL);
    NEED(store, func);
    wasm_val_t args[30];
    for (int i = 0; i < 30; i++) {
        args[i] = val_i32(i + 5);
    }
    wasm_val_t got = WASM_INIT_VAL;
    wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args);
    wasm_val_vec_t got_vec = {1, &got};
    CHECK(wasm_func_call(func, &arg_vec, &got_vec) == NULL);
    CHECK(got.of.i32 == 1005);
    wasm_func_delete(func);
    wasm_functype_delete(type);
}

/* A guest that calls import f with its argument. */
static const char through[] =
    "(module (import \"\" \"f\" (func $f (param i32) (result i32)))"
    " (func (export \"g\") (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0)))))";

static wasm_trap_t *call_through(wasm_store_t *store, wasm_func_t *host, int32_t arg,
                                 int32_t *result)
{
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    wasm_instance_t *instance = instance_of(store, through, imports, 1);
    wasm_func_t *guest = func_of(store, instance, "g");
    wasm_val_t value = val_i32(arg);
    wasm_val_t got = WASM_INIT_VAL;
    wasm_val_vec_t arg_vec = {1, &value};
    wasm_val_vec_t got_vec = {1, &got};
    wasm_trap_t *trap = wasm_func_call(guest, &arg_vec, &got_vec);
    *result = trap == NULL ? got.of.i32 : 0;
    wasm_func_delete(guest);
    wasm_instance_delete(instance);
    return trap;
}

static void check_recursion(wasm_store_t *store, wasm_functype_t *type)
{
    wasm_func_t *guest;
    wasm_func_t *host = wasm_func_new_with_env(store, type, recurse, &guest, NULL);
    wasm_extern_t *imports[] = {wasm_func_as_extern(host)};
    wasm_instance_t *instance = instance_of(store, through, imports, 1);
    guest = func_of(store, instance, "g");
    CHECK(call_i32(guest, 1, 20, 0) == 21);
    wasm_val_t deep = val_i32(100000); /* deeper than may be */
    wasm_val_t got = WASM_INIT_VAL;
    wasm_val_vec_t arg_vec = {1, &deep};
    wasm_val_vec_t got_vec = {1, &got};
    CHECK(trap_says(wasm_func_call(guest, &arg_vec, &got_vec), "call stack exhausted"));
    CHECK(call_i32(guest, 1, 3, 0) == 4);
    wasm_func_delete(guest);
    wasm_func_delete(host);
    wasm_instance_delete(instance);
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_functype_t *type = i32_to_i32();
    int32_t result;
    check_turn(store);
    check_many(store);
    check_recursion(store, type);

    finalized = 0;
    wasm_func_t *func = wasm_func_new_with_env(store, type, add_env, &finalized, count_finalized);
    CHECK(call_through(store, func, 41, &result) == NULL && result == 42);
    wasm_func_delete(func);

    func = wasm_func_new(store, type, wrong_type);
    CHECK(trap_says(call_through(store, func, 1, &result), "result of a host function 0"));
    wasm_func_delete(func);
    func = wasm_func_new(store, type, other_vector);
    CHECK(call_through(store, func, 4, &result) == NULL && result == 9);
    wasm_func_delete(func);
    func = wasm_func_new(store, type, no_vector);
    CHECK(trap_says(call_through(store, func, 1, &result), "too few results"));
    wasm_func_delete(func);

    CHECK(wasm_func_new(store, type, NULL) == NULL);
    CHECK(wasm_func_new_with_env(store, type, NULL, &finalized, count_finalized) == NULL);
    wasm_functype_delete(type);
    wasm_store_delete(store);
    CHECK(finalized == 1);
    wasm_engine_delete(engine);
    return 0;
}
