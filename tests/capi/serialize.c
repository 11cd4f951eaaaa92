/* serialize.c - artifacts: written, read, read by others, damaged. */
#include "capi_testing.h"

static const char source[] =
    "(module (func $f (import \"\" \"f\") (param i32) (result i32)) (memory 1) (data (i32.const 8) \"data\")\n"
    " (func (export \"run\") (param i32) (result i32)"
    "  (i32.add (call $f (local.get 0)) (i32.load8_u (i32.const 8)))))";

static wasm_trap_t *square(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    results->data[0] = val_i32(args->data[0].of.i32 * args->data[0].of.i32);
    return NULL;
}

static void run(wasm_store_t *store, wasm_module_t *module)
{
    wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t *func = wasm_func_new(store, type, square);
    wasm_functype_delete(type);
    wasm_extern_t *imports[] = {wasm_func_as_extern(func)};
    wasm_extern_vec_t vec = WASM_ARRAY_VEC(imports);
    wasm_instance_t *instance = wasm_instance_new(store, module, &vec, NULL);
    NEED(store, instance);
    wasm_func_t *guest = func_of(store, instance, "run");
    CHECK(call_i32(guest, 1, 9, 0) == 81 + 'd');
    wasm_func_delete(guest);
    wasm_func_delete(func);
    wasm_instance_delete(instance);
}

/* Whatever is changed in an artifact: an error with a message, or a module that can be looked at. */
static void check_damaged(wasm_store_t *store, const wasm_byte_vec_t *good)
{
    size_t refused = 0;
    for (size_t i = 0; i < good->size; i += 3) {
        wasm_byte_vec_t bad;
        wasm_byte_vec_copy(&bad, good);
        bad.data[i] = (char)(bad.data[i] ^ 0x11);
        wasm_module_t *module = wasm_module_deserialize(store, &bad);
        if (module == NULL) {
            CHECK(davit_wasm_error(store)[0] != '\0');
            refused++;
        }
        wasm_module_delete(module);
        bad.size = i; /* cut off */
        CHECK(wasm_module_deserialize(store, &bad) == NULL);
        wasm_byte_vec_delete(&bad);
    }
    CHECK(refused > good->size / 6);
    wasm_byte_vec_t none = WASM_EMPTY_VEC;
    CHECK(wasm_module_deserialize(store, &none) == NULL);
}

int main(void)
{
    wasm_engine_t *engine = bytecode_engine();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = module_of(store, source);
    wasm_byte_vec_t bytes, again;
    wasm_module_serialize(module, &bytes);
    CHECK(bytes.size > 32);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);

    engine = bytecode_engine();
    store = wasm_store_new(engine);
    module = wasm_module_deserialize(store, &bytes);
    NEED(store, module);
    run(store, module);
    wasm_module_serialize(module, &again);
    CHECK(again.size == bytes.size && memcmp(again.data, bytes.data, bytes.size) == 0);
    wasm_byte_vec_delete(&again);
    wasm_module_delete(module);

    module = davit_wasm_module_load(store, bytes.data, bytes.size, DAVIT_LOAD_TRUSTED);
    NEED(store, module);
    run(store, module);
    wasm_module_delete(module);
    module = davit_wasm_module_load(store, bytes.data, bytes.size, DAVIT_LOAD_IN_PLACE);
    NEED(store, module);
    run(store, module);
    wasm_module_delete(module);

    check_damaged(store, &bytes);
    wasm_store_delete(store); /* before its bytes: instances of the module in place */
    wasm_engine_delete(engine);
    wasm_byte_vec_delete(&bytes);
    return 0;
}
