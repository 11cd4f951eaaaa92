/* multi.c - several results, many values, and references in them. */
#include "capi_testing.h"

static const char source[] =
    "(module\n"
    " (func (export \"swap\") (param i32 i64 f32 f64) (result i64 i32 f64 f32)"
    "  (local.get 1) (local.get 0) (local.get 3) (local.get 2))\n"
    " (func $self (export \"refs\") (param externref funcref) (result funcref externref funcref)"
    "  (local.get 1) (local.get 0) (ref.func $self)))";

static void check_refs(wasm_store_t *store, const wasm_instance_t *instance)
{
    wasm_func_t *refs = func_of(store, instance, "refs");
    wasm_func_t *swap = func_of(store, instance, "swap");
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    wasm_val_t args[] = {WASM_REF_VAL(wasm_foreign_as_ref(foreign)),
                         WASM_REF_VAL(wasm_func_as_ref(swap))};
    wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args);
    wasm_val_vec_t got;
    wasm_val_vec_new_uninitialized(&got, 3);
    CHECK(wasm_func_call(refs, &arg_vec, &got) == NULL);
    CHECK(got.data[0].kind == WASM_FUNCREF && got.data[1].kind == WASM_EXTERNREF);
    CHECK(wasm_func_same(wasm_ref_as_func(got.data[0].of.ref), swap));
    CHECK(wasm_foreign_same(wasm_ref_as_foreign(got.data[1].of.ref), foreign));
    CHECK(wasm_func_same(wasm_ref_as_func(got.data[2].of.ref), refs));
    CHECK(!wasm_func_same(refs, swap) && !wasm_func_same(refs, NULL));
    wasm_val_vec_delete(&got);
    wasm_foreign_delete(foreign);
    wasm_func_delete(swap);
    wasm_func_delete(refs);
}

static void check_func_handles(wasm_func_t *func)
{
    wasm_func_t *copy = wasm_func_copy(func);
    int info;
    CHECK(wasm_func_same(func, copy));
    wasm_func_set_host_info(func, &info);
    CHECK(wasm_func_get_host_info(copy) == &info);
    wasm_func_set_host_info_with_finalizer(copy, NULL, NULL);
    CHECK(wasm_ref_as_func(wasm_func_as_ref(func)) == func);
    CHECK(wasm_ref_as_func_const(wasm_func_as_ref_const(func)) == func);
    CHECK(wasm_extern_as_func(wasm_func_as_extern(func)) == func);
    CHECK(wasm_extern_as_func_const(wasm_func_as_extern_const(func)) == func);
    CHECK(wasm_extern_as_global_const(wasm_func_as_extern_const(func)) == NULL);
    wasm_extern_t *what = wasm_extern_copy(wasm_func_as_extern(func));
    CHECK(wasm_extern_same(what, wasm_func_as_extern(func)));
    wasm_extern_set_host_info(what, &info);
    wasm_extern_set_host_info_with_finalizer(what, NULL, NULL);
    CHECK(wasm_extern_get_host_info(what) == NULL);
    CHECK(wasm_ref_as_extern(wasm_extern_as_ref(what)) == what);
    CHECK(wasm_ref_as_extern_const(wasm_extern_as_ref_const(what)) == what);
    wasm_extern_delete(what);
    wasm_func_delete(copy);
}

static void check_instance_handles(wasm_instance_t *instance)
{
    wasm_instance_t *copy = wasm_instance_copy(instance);
    int info;
    CHECK(wasm_instance_same(instance, copy));
    wasm_instance_set_host_info(instance, &info);
    CHECK(wasm_instance_get_host_info(copy) == &info);
    wasm_instance_set_host_info_with_finalizer(copy, NULL, NULL);
    CHECK(wasm_ref_as_instance(wasm_instance_as_ref(instance)) == instance);
    CHECK(wasm_ref_as_instance_const(wasm_instance_as_ref_const(instance)) == instance);
    wasm_instance_delete(copy);
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_of(store, source, NULL, 0);
    wasm_func_t *swap = func_of(store, instance, "swap");
    CHECK(wasm_func_param_arity(swap) == 4 && wasm_func_result_arity(swap) == 4);
    wasm_val_t args[] = {WASM_I32_VAL(1), WASM_I64_VAL(2), WASM_F32_VAL(3), WASM_F64_VAL(4)};
    wasm_val_t got[4];
    wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args);
    wasm_val_vec_t got_vec = WASM_ARRAY_VEC(got);
    CHECK(wasm_func_call(swap, &arg_vec, &got_vec) == NULL);
    CHECK(got[0].kind == WASM_I64 && got[0].of.i64 == 2);
    CHECK(got[1].kind == WASM_I32 && got[1].of.i32 == 1);
    CHECK(got[2].kind == WASM_F64 && got[2].of.f64 == 4);
    CHECK(got[3].kind == WASM_F32 && got[3].of.f32 == 3);
    check_refs(store, instance);
    check_func_handles(swap);
    check_instance_handles(instance);
    wasm_func_delete(swap);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
