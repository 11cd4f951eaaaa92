/* linker.c - linking by name: modules that use each other's exports, definitions replaced, what is missing. */
#include "capi_testing.h"

static const char lib[] =
    "(module (memory (export \"mem\") 1) (global $n (mut i32) (i32.const 0))\n"
    " (func (export \"next\") (result i32)"
    "  (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))";
static const char app[] =
    "(module (import \"lib\" \"next\" (func $next (result i32))) (import \"lib\" \"mem\" (memory 1))\n"
    " (func (export \"run\") (result i32) (i32.store (i32.const 0) (call $next)) (i32.load (i32.const 0))))";

static wasm_trap_t *hundred(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)args;
    results->data[0] = val_i32(100);
    return NULL;
}

static int32_t run(wasm_store_t *store, davit_wasm_linker_t *linker, const wasm_module_t *module)
{
    wasm_trap_t *trap = NULL;
    wasm_instance_t *instance = davit_wasm_linker_instantiate(linker, module, &trap);
    NEED(store, instance);
    wasm_func_t *func = func_of(store, instance, "run");
    int32_t result = call_i32(func, 0, 0, 0);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    return result;
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    davit_wasm_linker_t *linker = davit_wasm_linker_new(store);
    NEED(store, linker);
    wasm_module_t *module = module_of(store, app);
    wasm_trap_t *trap = NULL;
    CHECK(davit_wasm_linker_instantiate(linker, module, NULL) == NULL);
    CHECK(davit_wasm_linker_instantiate(linker, module, &trap) == NULL);
    CHECK(trap_says(trap, "unknown import"));
    CHECK(davit_wasm_linker_get(linker, "lib", "next") == NULL);

    wasm_instance_t *instance = instance_of(store, lib, NULL, 0);
    CHECK(davit_wasm_linker_define_instance(linker, "lib", instance) == DAVIT_OK);
    CHECK(run(store, linker, module) == 1 && run(store, linker, module) == 2);
    wasm_extern_t *next = davit_wasm_linker_get(linker, "lib", "next");
    wasm_extern_t *export = davit_wasm_instance_export(instance, "next");
    CHECK(wasm_extern_same(next, export));
    wasm_extern_delete(export);

    wasm_functype_t *type = wasm_functype_new_0_1(wasm_valtype_new_i32());
    wasm_func_t *func = wasm_func_new(store, type, hundred);
    CHECK(davit_wasm_linker_define(linker, "lib", "next", wasm_func_as_extern(func)) == DAVIT_OK);
    CHECK(run(store, linker, module) == 100);
    wasm_store_t *other = wasm_store_new(engine);
    davit_wasm_linker_t *other_linker = davit_wasm_linker_new(other);
    CHECK(davit_wasm_linker_define(other_linker, "a", "b", next) == DAVIT_ERROR_INVALID);
    CHECK(davit_wasm_linker_define_instance(other_linker, "a", instance) == DAVIT_ERROR_INVALID);
    davit_wasm_linker_delete(other_linker);
    wasm_store_delete(other);

    wasm_extern_delete(next);
    wasm_functype_delete(type);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    davit_wasm_linker_delete(linker);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
