/* hello.c - a module that calls a function of the host; the function's values. */
#include "capi_testing.h"

static int calls;

static wasm_trap_t *hello(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    CHECK(args->size == 0 && results->size == 0);
    calls++;
    return NULL;
}

static void check_values(wasm_store_t *store)
{
    wasm_val_t value = WASM_F32_VAL(1.5f);
    wasm_val_t copy;
    wasm_val_copy(&copy, &value);
    CHECK(copy.kind == WASM_F32 && copy.of.f32 == 1.5f);
    wasm_val_delete(&copy);
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    value = val_ref(wasm_foreign_as_ref(foreign));
    wasm_val_copy(&copy, &value);
    CHECK(copy.of.ref != value.of.ref && wasm_ref_same(copy.of.ref, value.of.ref));
    wasm_val_delete(&value); /* the foreign's own handle */
    CHECK(value.of.ref == NULL);

    wasm_val_vec_t vec, vec_copy;
    wasm_val_vec_new_empty(&vec);
    CHECK(vec.size == 0);
    wasm_val_vec_new_uninitialized(&vec, 2);
    CHECK(vec.size == 2 && vec.data[1].kind == WASM_I32);
    wasm_val_vec_delete(&vec);
    wasm_val_t two[] = {val_i64(-3), copy};
    wasm_val_vec_new(&vec, 2, two);
    wasm_val_vec_copy(&vec_copy, &vec);
    CHECK(vec_copy.data[0].of.i64 == -3);
    CHECK(wasm_ref_same(vec_copy.data[1].of.ref, vec.data[1].of.ref));
    wasm_val_vec_delete(&vec_copy);
    wasm_val_vec_delete(&vec);

    int target;
    wasm_val_init_ptr(&value, &target);
    CHECK(wasm_val_ptr(&value) == &target);
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_functype_t *type = wasm_functype_new_0_0();
    wasm_func_t *func = wasm_func_new(store, type, hello);
    NEED(store, func);
    wasm_functype_delete(type);

    wasm_extern_t *imports[] = {wasm_func_as_extern(func)};
    wasm_instance_t *instance = instance_of(
        store,
        "(module (func $hello (import \"\" \"hello\")) (func (export \"run\") (call $hello)))",
        imports, 1);
    wasm_func_delete(func);

    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    CHECK(exports.size == 1);
    const wasm_func_t *run = wasm_extern_as_func_const(exports.data[0]);
    CHECK(wasm_func_param_arity(run) == 0 && wasm_func_result_arity(run) == 0);
    wasm_val_vec_t none = WASM_EMPTY_VEC;
    CHECK(wasm_func_call(run, &none, &none) == NULL);
    CHECK(wasm_func_call(run, NULL, NULL) == NULL);
    CHECK(calls == 2);

    wasm_extern_vec_t copy, some;
    wasm_extern_vec_copy(&copy, &exports);
    CHECK(copy.size == 1 && wasm_extern_same(copy.data[0], exports.data[0]));
    wasm_extern_vec_new(&some, 1, copy.data);
    copy.data[0] = NULL; /* `some` has it now */
    wasm_extern_vec_delete(&copy);
    wasm_extern_vec_delete(&some);
    wasm_extern_vec_new_empty(&some);
    wasm_extern_vec_new_uninitialized(&some, 1);
    CHECK(some.data[0] == NULL);
    wasm_extern_vec_delete(&some);

    check_values(store);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
