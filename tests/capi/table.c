/* table.c - tables of the host and of modules: bounds, growth, what fits in. */
#include "capi_testing.h"

static const char source[] =
    "(module (type $t (func (param i32) (result i32)))\n"
    " (table $in (import \"\" \"in\") 1 20 externref) (table $own (export \"own\") 2 10 funcref)\n"
    " (func $neg (export \"neg\") (param i32) (result i32) (i32.sub (i32.const 0) (local.get 0)))\n"
    " (elem (table $own) (i32.const 1) func $neg)\n"
    " (func (export \"call\") (param i32 i32) (result i32)"
    "  (call_indirect $own (type $t) (local.get 0) (local.get 1)))\n"
    " (func (export \"null\") (param i32) (result i32) (ref.is_null (table.get $in (local.get 0)))))";

static wasm_table_t *make(wasm_store_t *store, wasm_valtype_t *elem, uint32_t min, uint32_t max,
                          wasm_ref_t *init)
{
    wasm_limits_t limits = {min, max};
    wasm_tabletype_t *type = wasm_tabletype_new(elem, &limits);
    wasm_table_t *table = wasm_table_new(store, type, init);
    wasm_tabletype_delete(type);
    return table;
}

static wasm_trap_t *call(const wasm_func_t *func, int32_t a, int32_t b)
{
    wasm_val_t args[] = {val_i32(a), val_i32(b)};
    wasm_val_t got = WASM_INIT_VAL;
    wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args);
    wasm_val_vec_t got_vec = {1, &got};
    return wasm_func_call(func, &arg_vec, &got_vec);
}

static void check_own(wasm_store_t *store, const wasm_instance_t *instance)
{
    wasm_extern_t *export = davit_wasm_instance_export(instance, "own");
    wasm_table_t *own = wasm_extern_as_table(export);
    wasm_func_t *neg = func_of(store, instance, "neg");
    wasm_func_t *indirect = func_of(store, instance, "call");
    CHECK(wasm_table_size(own) == 2);
    CHECK(wasm_table_get(own, 0) == NULL && wasm_table_get(own, 2) == NULL);
    wasm_ref_t *elem = wasm_table_get(own, 1);
    CHECK(wasm_func_same(wasm_ref_as_func(elem), neg));
    CHECK(call_i32(indirect, 2, 5, 1) == -5);
    CHECK(trap_says(call(indirect, 5, 0), "uninitialized element"));
    CHECK(trap_says(call(indirect, 5, 2), "undefined element"));
    CHECK(wasm_table_set(own, 0, elem));
    CHECK(call_i32(indirect, 2, 6, 0) == -6);
    CHECK(wasm_table_set(own, 1, NULL) && !wasm_table_set(own, 2, NULL));
    CHECK(trap_says(call(indirect, 5, 1), "uninitialized element"));
    CHECK(wasm_table_set(own, 0, wasm_func_as_ref(indirect)));
    CHECK(trap_says(call(indirect, 5, 0), "indirect call type mismatch"));
    CHECK(wasm_table_grow(own, 3, elem) && wasm_table_size(own) == 5);
    CHECK(call_i32(indirect, 2, 7, 4) == -7);
    CHECK(!wasm_table_grow(own, 6, NULL) && wasm_table_size(own) == 5);
    CHECK(wasm_table_grow(own, 0, NULL) && wasm_table_size(own) == 5);
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    CHECK(!wasm_table_set(own, 0, wasm_foreign_as_ref(foreign))); /* no function */
    CHECK(!wasm_table_grow(own, 1, wasm_foreign_as_ref(foreign)));
    wasm_foreign_delete(foreign);
    wasm_tabletype_t *type = wasm_table_type(own);
    CHECK(wasm_tabletype_limits(type)->min == 5 && wasm_tabletype_limits(type)->max == 10);
    wasm_tabletype_delete(type);
    wasm_ref_delete(elem);
    wasm_func_delete(neg);
    wasm_func_delete(indirect);
    wasm_extern_delete(export);
}

static void check_handles(wasm_table_t *table)
{
    wasm_table_t *copy = wasm_table_copy(table);
    int info;
    CHECK(wasm_table_same(table, copy));
    wasm_table_set_host_info(table, &info);
    CHECK(wasm_table_get_host_info(copy) == &info);
    wasm_table_set_host_info_with_finalizer(copy, NULL, NULL);
    CHECK(wasm_ref_as_table(wasm_table_as_ref(table)) == table);
    CHECK(wasm_ref_as_table_const(wasm_table_as_ref_const(table)) == table);
    CHECK(wasm_extern_as_table(wasm_table_as_extern(table)) == table);
    CHECK(wasm_extern_as_table_const(wasm_table_as_extern_const(table)) == table);
    CHECK(wasm_extern_as_global(wasm_table_as_extern(table)) == NULL);
    wasm_table_delete(copy);
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    wasm_table_t *in =
        make(store, wasm_valtype_new_externref(), 2, 20, wasm_foreign_as_ref(foreign));
    NEED(store, in);
    wasm_extern_t *imports[] = {wasm_table_as_extern(in)};
    wasm_instance_t *instance = instance_of(store, source, imports, 1);
    check_own(store, instance);
    check_handles(in);

    wasm_func_t *null = func_of(store, instance, "null");
    CHECK(call_i32(null, 1, 1, 0) == 0);
    CHECK(wasm_table_set(in, 1, NULL));
    CHECK(call_i32(null, 1, 1, 0) == 1);
    wasm_ref_t *got = wasm_table_get(in, 0);
    CHECK(wasm_foreign_same(wasm_ref_as_foreign(got), foreign));
    wasm_ref_delete(got);
    wasm_func_delete(null);

    CHECK(make(store, wasm_valtype_new_i32(), 1, 2, NULL) == NULL);
    CHECK(make(store, wasm_valtype_new_funcref(), 3, 2, NULL) == NULL);
    CHECK(make(store, wasm_valtype_new_funcref(), 1, 2, wasm_foreign_as_ref(foreign)) == NULL);
    CHECK(make(store, wasm_valtype_new_funcref(), 0xfffffff0u, wasm_limits_max_default, NULL) ==
          NULL);
    CHECK(davit_wasm_status(store) == DAVIT_ERROR_LIMIT);
    wasm_table_delete(in);
    wasm_foreign_delete(foreign);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
