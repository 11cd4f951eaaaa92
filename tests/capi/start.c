/* start.c - start functions that trap, segments out of bounds, imports that do not fit: no instance, and a trap that says why. */
#include "capi_testing.h"

static wasm_trap_t *fail_to_link(wasm_store_t *store, const char *wat, wasm_extern_t **imports,
                                 size_t count)
{
    wasm_module_t *module = module_of(store, wat);
    wasm_extern_vec_t vec = {count, imports};
    wasm_trap_t *trap = NULL;
    CHECK(wasm_instance_new(store, module, &vec, NULL) == NULL); /* without asking why, too */
    CHECK(wasm_instance_new(store, module, &vec, &trap) == NULL);
    CHECK(davit_wasm_error(store)[0] != '\0');
    wasm_module_delete(module);
    return trap;
}

static wasm_trap_t *nothing(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)args;
    (void)results;
    return NULL;
}

static const char wants[] = "(module (import \"m\" \"f\" (func (param i32))))";

static void check_imports(wasm_store_t *store, wasm_engine_t *engine)
{
    wasm_limits_t limits = {1, 1};
    wasm_memorytype_t *type = wasm_memorytype_new(&limits);
    wasm_memory_t *memory = wasm_memory_new(store, type);
    wasm_extern_t *wrong[] = {wasm_memory_as_extern(memory)};
    CHECK(trap_says(fail_to_link(store, wants, wrong, 1), "incompatible import type"));
    CHECK(trap_says(fail_to_link(store, wants, NULL, 0), "the module has 1 imports, not 0"));
    wasm_extern_t *missing[] = {NULL};
    CHECK(trap_says(fail_to_link(store, wants, missing, 1), "import 0 is missing"));
    wasm_store_t *other = wasm_store_new(engine);
    wasm_memory_t *strange = wasm_memory_new(other, type);
    wasm_extern_t *stranger[] = {wasm_memory_as_extern(strange)};
    CHECK(trap_says(fail_to_link(store, wants, stranger, 1), "import 0 is of another store"));
    wasm_memory_delete(strange);
    wasm_store_delete(other);

    wasm_functype_t *functype = wasm_functype_new_0_0();
    wasm_func_t *func = wasm_func_new(store, functype, nothing);
    wasm_extern_t *wrong_type[] = {wasm_func_as_extern(func)};
    CHECK(trap_says(fail_to_link(store, wants, wrong_type, 1), "incompatible import type"));
    wasm_functype_delete(functype);
    wasm_func_delete(func);
    wasm_memorytype_delete(type);
    wasm_memory_delete(memory);
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_trap_t *trap = fail_to_link(store, "(module (func $s (unreachable)) (start $s))", NULL, 0);
    wasm_frame_t *origin = wasm_trap_origin(trap);
    CHECK(origin != NULL && wasm_frame_func_index(origin) == 0);
    wasm_extern_vec_t exports;
    wasm_instance_exports(wasm_frame_instance(origin), &exports);
    CHECK(exports.size == 0);
    wasm_extern_vec_delete(&exports);
    wasm_frame_delete(origin);
    CHECK(trap_says(trap, "unreachable"));
    CHECK(trap_says(
        fail_to_link(store, "(module (memory 1) (data (i32.const 65536) \"x\"))", NULL, 0),
        "out of bounds memory access"));
    CHECK(trap_says(fail_to_link(store,
                                 "(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))",
                                 NULL, 0),
                    "out of bounds table access"));
    check_imports(store, engine);

    wasm_instance_t *instance = instance_of(
        store,
        "(module (global $g (mut i32) (i32.const 0)) (func $s (global.set $g (i32.const 5)))"
        " (start $s) (func (export \"get\") (result i32) (global.get $g)))",
        NULL, 0);
    wasm_func_t *get = func_of(store, instance, "get");
    CHECK(call_i32(get, 0, 0, 0) == 5);
    wasm_func_delete(get);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
