/* global.c - globals of the host and of modules, shared between them. */
#include "capi_testing.h"

static const char source[] =
    "(module\n"
    " (global $c (import \"\" \"c\") f32) (global $v (import \"\" \"v\") (mut i64))\n"
    " (global $own (export \"own\") (mut i32) (i32.const 6)) (global (export \"const\") i32 (i32.const 9))\n"
    " (global $e (export \"e\") (mut externref) (ref.null extern))\n"
    " (func (export \"get_c\") (result f32) (global.get $c))\n"
    " (func (export \"bump\") (global.set $v (i64.add (global.get $v) (i64.const 1))))\n"
    " (func (export \"get_own\") (result i32) (global.get $own))\n"
    " (func (export \"same\") (param externref) (result i32) (global.set $e (local.get 0))"
    "  (ref.is_null (global.get $e))))";

static wasm_global_t *make(wasm_store_t *store, wasm_valtype_t *content, wasm_mutability_t mut,
                           wasm_val_t value)
{
    wasm_globaltype_t *type = wasm_globaltype_new(content, mut);
    wasm_global_t *global = wasm_global_new(store, type, &value);
    wasm_globaltype_delete(type);
    return global;
}

static wasm_global_t *export_of(const wasm_instance_t *instance, const char *name)
{
    wasm_extern_t *export = davit_wasm_instance_export(instance, name);
    CHECK(wasm_extern_as_func(export) == NULL && wasm_extern_as_memory(export) == NULL);
    CHECK(wasm_extern_as_global_const(export) != NULL);
    return wasm_extern_as_global(export);
}

static void check_own(wasm_store_t *store, const wasm_instance_t *instance)
{
    wasm_global_t *own = export_of(instance, "own");
    wasm_func_t *get = func_of(store, instance, "get_own");
    wasm_val_t value;
    wasm_global_get(own, &value);
    CHECK(value.kind == WASM_I32 && value.of.i32 == 6);
    value = val_i32(-12);
    wasm_global_set(own, &value);
    CHECK(call_i32(get, 0, 0, 0) == -12);
    value = val_i64(1); /* the wrong type: nothing happens */
    wasm_global_set(own, &value);
    CHECK(davit_wasm_status(store) == DAVIT_ERROR_INVALID && call_i32(get, 0, 0, 0) == -12);
    CHECK(davit_wasm_global_set(own, davit_slot_i32(33)));
    CHECK(davit_slot_to_i32(davit_wasm_global_get(own)) == 33);
    wasm_global_delete(own);
    wasm_func_delete(get);

    wasm_global_t *constant = export_of(instance, "const");
    value = val_i32(1);
    wasm_global_set(constant, &value);
    CHECK(!davit_wasm_global_set(constant, davit_slot_i32(1)));
    wasm_global_get(constant, &value);
    CHECK(value.of.i32 == 9);
    wasm_globaltype_t *type = wasm_global_type(constant);
    CHECK(wasm_globaltype_mutability(type) == WASM_CONST);
    CHECK(wasm_valtype_kind(wasm_globaltype_content(type)) == WASM_I32);
    wasm_globaltype_delete(type);
    wasm_global_delete(constant);
}

static void check_references(wasm_store_t *store, const wasm_instance_t *instance)
{
    wasm_global_t *e = export_of(instance, "e");
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    wasm_val_t value = val_ref(wasm_foreign_as_ref(foreign));
    wasm_val_t got;
    wasm_global_get(e, &got);
    CHECK(got.kind == WASM_EXTERNREF && got.of.ref == NULL);
    wasm_global_set(e, &value);
    wasm_foreign_delete(foreign); /* the guest still has it */
    wasm_global_get(e, &got);
    CHECK(got.of.ref != NULL && wasm_ref_as_foreign(got.of.ref) != NULL);
    wasm_val_delete(&got);
    wasm_global_delete(e);

    /* A null funcref; a reference that is no function for a funcref. */
    wasm_val_t null = WASM_INIT_VAL;
    wasm_global_t *f = make(store, wasm_valtype_new_funcref(), WASM_VAR, null);
    NEED(store, f);
    foreign = wasm_foreign_new(store);
    value = val_ref(wasm_foreign_as_ref(foreign));
    CHECK(make(store, wasm_valtype_new_funcref(), WASM_VAR, value) == NULL);
    wasm_global_set(f, &value);
    wasm_global_get(f, &got);
    CHECK(got.kind == WASM_FUNCREF && got.of.ref == NULL);
    wasm_foreign_delete(foreign);
    wasm_func_t *func = func_of(store, instance, "bump");
    value = val_ref(wasm_func_as_ref(func));
    wasm_global_set(f, &value);
    wasm_global_get(f, &got);
    CHECK(wasm_func_same(wasm_ref_as_func(got.of.ref), func));
    wasm_val_delete(&got);
    wasm_func_delete(func);
    wasm_global_delete(f);
}

static void check_handles(wasm_global_t *global)
{
    wasm_global_t *copy = wasm_global_copy(global);
    int info;
    CHECK(wasm_global_same(global, copy));
    wasm_global_set_host_info(global, &info);
    CHECK(wasm_global_get_host_info(copy) == &info);
    wasm_global_set_host_info_with_finalizer(copy, NULL, NULL);
    CHECK(wasm_global_get_host_info(global) == NULL);
    CHECK(wasm_ref_as_global(wasm_global_as_ref(global)) == global);
    CHECK(wasm_ref_as_global_const(wasm_global_as_ref_const(global)) == global);
    CHECK(wasm_extern_as_global(wasm_global_as_extern(global)) == global);
    CHECK(wasm_global_as_extern_const(global) == wasm_global_as_extern(global));
    wasm_global_delete(copy);
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_val_t f32 = WASM_F32_VAL(2.5f);
    wasm_global_t *c = make(store, wasm_valtype_new_f32(), WASM_CONST, f32);
    wasm_global_t *v = make(store, wasm_valtype_new_i64(), WASM_VAR, val_i64(100));
    CHECK(make(store, wasm_valtype_new_i64(), WASM_VAR, val_i32(100)) == NULL);
    wasm_extern_t *imports[] = {wasm_global_as_extern(c), wasm_global_as_extern(v)};
    wasm_instance_t *instance = instance_of(store, source, imports, 2);

    wasm_func_t *get_c = func_of(store, instance, "get_c");
    wasm_val_t got = WASM_INIT_VAL;
    wasm_val_vec_t got_vec = {1, &got};
    CHECK(wasm_func_call(get_c, NULL, &got_vec) == NULL && got.of.f32 == 2.5f);
    wasm_func_delete(get_c);
    wasm_func_t *bump = func_of(store, instance, "bump");
    CHECK(wasm_func_call(bump, NULL, NULL) == NULL);
    wasm_func_delete(bump);
    wasm_global_get(v, &got);
    CHECK(got.kind == WASM_I64 && got.of.i64 == 101);

    check_own(store, instance);
    check_references(store, instance);
    check_handles(v);
    wasm_global_delete(c);
    wasm_global_delete(v);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
