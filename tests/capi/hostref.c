/* hostref.c - references of the host through guests: the same comes back, whatever it is, and nothing is lost or kept. */
#include "capi_testing.h"

static const char source[] =
    "(module (func $f (import \"\" \"f\") (param externref) (result externref))\n"
    " (table $t 10 externref) (global $g (mut externref) (ref.null extern))\n"
    " (func (export \"global\") (param externref) (result externref)"
    "  (global.set $g (local.get 0)) (global.get $g))\n"
    " (func (export \"table\") (param externref) (result externref)"
    "  (table.set $t (i32.const 3) (local.get 0)) (table.get $t (i32.const 3)))\n"
    " (func (export \"host\") (param externref) (result externref) (call $f (local.get 0)))\n"
    " (func (export \"keep\") (param i32 externref) (table.set $t (local.get 0) (local.get 1)))\n"
    " (func (export \"kept\") (param i32) (result externref) (table.get $t (local.get 0))))";

static wasm_trap_t *identity(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    wasm_val_copy(&results->data[0], &args->data[0]);
    return NULL;
}

/* The reference that the function gives for one; own. */
static wasm_ref_t *pass(const wasm_func_t *func, wasm_ref_t *ref)
{
    wasm_val_t arg = val_ref(ref);
    wasm_val_t got = WASM_I32_VAL(1);
    wasm_val_vec_t arg_vec = {1, &arg};
    wasm_val_vec_t got_vec = {1, &got};
    CHECK(wasm_func_call(func, &arg_vec, &got_vec) == NULL);
    CHECK(got.kind == WASM_EXTERNREF);
    return got.of.ref;
}

static void check_through(wasm_store_t *store, wasm_instance_t *instance, wasm_ref_t *ref)
{
    static const char *const names[] = {"global", "table", "host"};
    for (size_t i = 0; i < 3; i++) {
        wasm_func_t *func = func_of(store, instance, names[i]);
        wasm_ref_t *got = pass(func, ref);
        CHECK(wasm_ref_same(got, ref) && (got == NULL || got != ref));
        wasm_ref_delete(got);
        wasm_func_delete(func);
    }
}

/* Every kind of reference is an externref. */
static void check_kinds(wasm_store_t *store, wasm_instance_t *instance)
{
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    wasm_foreign_t *other = wasm_foreign_new(store);
    wasm_func_t *func = func_of(store, instance, "host");
    wasm_module_t *module = module_of(store, "(module)");
    wasm_message_t message = WASM_EMPTY_VEC;
    wasm_trap_t *trap = wasm_trap_new(store, &message);
    CHECK(!wasm_foreign_same(foreign, other));
    check_through(store, instance, wasm_foreign_as_ref(foreign));
    check_through(store, instance, wasm_func_as_ref(func));
    check_through(store, instance, wasm_instance_as_ref(instance));
    check_through(store, instance, wasm_module_as_ref(module));
    check_through(store, instance, wasm_trap_as_ref(trap));
    check_through(store, instance, wasm_extern_as_ref(wasm_func_as_extern(func)));
    check_through(store, instance, NULL);
    CHECK(wasm_ref_as_trap(wasm_trap_as_ref(trap)) == trap);
    CHECK(wasm_ref_as_trap_const(wasm_trap_as_ref_const(trap)) == trap);
    wasm_trap_set_host_info(trap, NULL);
    wasm_trap_delete(trap);
    wasm_module_delete(module);
    wasm_func_delete(func);
    wasm_foreign_delete(foreign);
    wasm_foreign_delete(other);
}

/* Wrong values are traps. */
static void check_wrong(wasm_store_t *store, wasm_instance_t *instance)
{
    wasm_func_t *func = func_of(store, instance, "global");
    wasm_val_t args[] = {val_i32(1), val_i32(2)};
    wasm_val_t got = WASM_INIT_VAL;
    wasm_val_vec_t arg_vec = {1, args};
    wasm_val_vec_t got_vec = {1, &got};
    wasm_val_vec_t none = WASM_EMPTY_VEC;
    CHECK(trap_says(wasm_func_call(func, &arg_vec, &got_vec),
                    "argument 0: the value is of another type"));
    CHECK(trap_says(wasm_func_call(func, &none, &got_vec), "the function has 1 parameters, not 0"));
    arg_vec.size = 2;
    CHECK(trap_says(wasm_func_call(func, &arg_vec, &got_vec),
                    "the function has 1 parameters, not 2"));
    CHECK(trap_says(wasm_func_call(func, &arg_vec, &none),
                    "the function has 1 results, there is room for 0"));
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *other = wasm_store_new(engine);
    wasm_engine_delete(engine);
    wasm_foreign_t *stranger = wasm_foreign_new(other);
    args[0] = val_ref(wasm_foreign_as_ref(stranger));
    arg_vec.size = 1;
    CHECK(trap_says(wasm_func_call(func, &arg_vec, &got_vec),
                    "argument 0: the reference is of another store"));
    wasm_foreign_delete(stranger);
    wasm_store_delete(other);
    wasm_func_delete(func);
}

static size_t alive;

static void died(void *info)
{
    CHECK(info == &alive);
    alive--;
}

/* References that nobody names any more go, in time; those that a guest keeps stay. */
static void check_many(wasm_store_t *store, wasm_instance_t *instance)
{
    wasm_func_t *keep = func_of(store, instance, "keep");
    wasm_func_t *kept = func_of(store, instance, "kept");
    for (int32_t i = 0; i < 20000; i++) {
        wasm_foreign_t *foreign = wasm_foreign_new(store);
        wasm_foreign_set_host_info_with_finalizer(foreign, &alive, died);
        alive++;
        wasm_val_t args[] = {val_i32(i % 10), val_ref(wasm_foreign_as_ref(foreign))};
        wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args);
        CHECK(wasm_func_call(keep, &arg_vec, NULL) == NULL);
        wasm_foreign_delete(foreign);
    }
    CHECK(alive >= 10 && alive < 10000);
    for (int32_t i = 0; i < 10; i++) {
        wasm_val_t arg = val_i32(i);
        wasm_val_t got = WASM_INIT_VAL;
        wasm_val_vec_t arg_vec = {1, &arg};
        wasm_val_vec_t got_vec = {1, &got};
        CHECK(wasm_func_call(kept, &arg_vec, &got_vec) == NULL);
        CHECK(wasm_ref_get_host_info(got.of.ref) == &alive);
        wasm_val_delete(&got);
    }
    wasm_func_delete(keep);
    wasm_func_delete(kept);
}

static void check_foreign(wasm_store_t *store)
{
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    wasm_foreign_t *copy = wasm_foreign_copy(foreign);
    wasm_ref_t *ref = wasm_foreign_as_ref(foreign);
    int info;
    CHECK(wasm_foreign_same(foreign, copy));
    wasm_foreign_set_host_info(foreign, &info);
    CHECK(wasm_foreign_get_host_info(copy) == &info && wasm_ref_get_host_info(ref) == &info);
    wasm_ref_set_host_info(ref, NULL);
    CHECK(wasm_foreign_get_host_info(foreign) == NULL);
    wasm_ref_set_host_info_with_finalizer(ref, &info, NULL);
    wasm_ref_t *ref_copy = wasm_ref_copy(ref);
    CHECK(wasm_ref_same(ref, ref_copy) && wasm_ref_copy(NULL) == NULL);
    wasm_ref_delete(ref_copy);
    CHECK(wasm_ref_as_foreign(ref) == foreign);
    CHECK(wasm_ref_as_foreign_const(wasm_foreign_as_ref_const(foreign)) == foreign);
    CHECK(wasm_ref_as_func(ref) == NULL && wasm_ref_as_extern(ref) == NULL);
    CHECK(wasm_ref_as_func_const(ref) == NULL && wasm_ref_as_extern_const(ref) == NULL);
    wasm_foreign_delete(foreign);
    wasm_foreign_delete(copy);
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_functype_t *type =
        wasm_functype_new_1_1(wasm_valtype_new_externref(), wasm_valtype_new_externref());
    wasm_func_t *func = wasm_func_new(store, type, identity);
    wasm_extern_t *imports[] = {wasm_func_as_extern(func)};
    wasm_instance_t *instance = instance_of(store, source, imports, 1);
    check_foreign(store);
    check_kinds(store, instance);
    check_wrong(store, instance);
    check_many(store, instance);
    wasm_functype_delete(type);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    CHECK(alive == 0);
    return 0;
}
