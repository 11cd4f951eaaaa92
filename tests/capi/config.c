/* config.c - what can be configured: engines, features, limits, allocators; bad modules and what is said of them. */
#include "capi_testing.h"

static wasm_engine_t *engine_with(davit_wasm_limits_t limits)
{
    wasm_config_t *config = wasm_config_new();
    davit_wasm_config_limits(config, &limits);
    return wasm_engine_new_with_config(config);
}

static void check_settings(void)
{
    wasm_config_t *config = wasm_config_new();
    CHECK(davit_wasm_config_engine(config, DAVIT_ENGINE_AUTO) == DAVIT_OK);
    CHECK(davit_wasm_config_engine(config, DAVIT_ENGINE_PULLEY) == DAVIT_OK);
    davit_status_t native = davit_wasm_config_engine(config, DAVIT_ENGINE_NATIVE);
    CHECK(native == DAVIT_OK || native == DAVIT_ERROR_UNSUPPORTED); /* as the host is */
    CHECK(davit_wasm_config_engine(config, (davit_engine_t)3) == DAVIT_ERROR_UNSUPPORTED);
    CHECK(davit_wasm_config_optimize(config, 2) == DAVIT_ERROR_UNSUPPORTED);
    CHECK(davit_wasm_config_feature(config, "no-such-thing", true) == DAVIT_ERROR_INVALID);
    davit_wasm_config_allocator(config, NULL);
    davit_wasm_feature_t feature;
    size_t count = 0;
    while (davit_wasm_feature(count, &feature)) {
        davit_status_t expected = feature.runs ? DAVIT_OK : DAVIT_ERROR_UNSUPPORTED;
        CHECK(davit_wasm_config_feature(config, feature.name, true) == expected);
        CHECK(feature.what[0] != '\0');
        count++;
    }
    CHECK(count >= 15);
    wasm_config_delete(config);
}

static bool valid(wasm_store_t *store, const char *wat)
{
    wasm_byte_vec_t binary = binary_of(store, wat);
    bool ok = wasm_module_validate(store, &binary);
    wasm_module_t *module = wasm_module_new(store, &binary);
    CHECK((module != NULL) == ok);
    CHECK(ok || davit_wasm_status(store) == DAVIT_ERROR_INVALID);
    wasm_module_delete(module);
    wasm_byte_vec_delete(&binary);
    return ok;
}

static void check_features(void)
{
    static const char tail[] = "(module (func (return_call 0)))";
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    CHECK(valid(store, tail));
    CHECK(!valid(store, "(module (func (result i32) (i64.const 0)))"));
    CHECK(strstr(davit_wasm_error(store), "type mismatch") != NULL);
    wasm_store_delete(store);
    wasm_engine_delete(engine);

    wasm_config_t *config = wasm_config_new();
    CHECK(davit_wasm_config_feature(config, "tail-call", false) == DAVIT_OK);
    engine = wasm_engine_new_with_config(config);
    store = wasm_store_new(engine);
    CHECK(!valid(store, tail));
    CHECK(strstr(davit_wasm_error(store), "tail") != NULL);
    CHECK(valid(store, "(module (func (call 0)))"));
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

static const char sum[] = "(module (func $add (export \"add\") (param i32 i32) (result i32)"
                          " (i32.add (local.get 0) (local.get 1))))";

/* Every way to compile gives the same results. */
static void check_compilers(void)
{
    for (uint32_t level = 0; level < 2; level++) {
        for (int strip = 0; strip < 2; strip++) {
            wasm_config_t *config = wasm_config_new();
            CHECK(davit_wasm_config_optimize(config, level) == DAVIT_OK);
            davit_wasm_config_strip(config, strip);
            wasm_engine_t *engine = wasm_engine_new_with_config(config);
            wasm_store_t *store = wasm_store_new(engine);
            wasm_instance_t *instance = instance_of(store, sum, NULL, 0);
            wasm_func_t *func = func_of(store, instance, "add");
            CHECK(call_i32(func, 2, 40, 2) == 42);
            wasm_func_delete(func);
            wasm_instance_delete(instance);
            wasm_store_delete(store);
            wasm_engine_delete(engine);
        }
    }
}

static void check_limits(void)
{
    davit_wasm_limits_t limits = {0};
    limits.memory_bytes = 3 * 65536;
    limits.table_elems = 10;
    limits.instances = 2;
    limits.stack_bytes = 64 * 1024;
    wasm_engine_t *engine = engine_with(limits);
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_of(
        store,
        "(module (memory (export \"m\") 2) (table (export \"t\") 1 funcref)"
        " (func $r (export \"r\") (param i32) (result i32) (if (result i32) (local.get 0)"
        " (then (call $r (i32.sub (local.get 0) (i32.const 1)))) (else (i32.const 7)))))",
        NULL, 0);
    wasm_extern_t *memory = davit_wasm_instance_export(instance, "m");
    CHECK(wasm_memory_grow(wasm_extern_as_memory(memory), 1));
    CHECK(!wasm_memory_grow(wasm_extern_as_memory(memory), 1));
    wasm_extern_t *table = davit_wasm_instance_export(instance, "t");
    CHECK(wasm_table_grow(wasm_extern_as_table(table), 9, NULL));
    CHECK(!wasm_table_grow(wasm_extern_as_table(table), 1, NULL));
    wasm_func_t *func = func_of(store, instance, "r");
    CHECK(call_i32(func, 1, 100, 0) == 7);
    wasm_val_t arg = val_i32(100000);
    wasm_val_t got = WASM_INIT_VAL;
    wasm_val_vec_t arg_vec = {1, &arg};
    wasm_val_vec_t got_vec = {1, &got};
    CHECK(trap_says(wasm_func_call(func, &arg_vec, &got_vec), "call stack exhausted"));
    wasm_module_t *module = module_of(store, "(module)");
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_instance_t *second = wasm_instance_new(store, module, &none, NULL);
    NEED(store, second);
    CHECK(wasm_instance_new(store, module, &none, NULL) == NULL);
    CHECK(davit_wasm_status(store) == DAVIT_ERROR_LIMIT);
    wasm_instance_delete(second);
    wasm_module_delete(module);
    wasm_func_delete(func);
    wasm_extern_delete(memory);
    wasm_extern_delete(table);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);

    limits = (davit_wasm_limits_t){0};
    limits.compile_bytes = 100;
    engine = engine_with(limits);
    store = wasm_store_new(engine);
    wasm_byte_vec_t binary;
    wasm_byte_vec_new(&binary, 8, "\0asm\1\0\0");
    CHECK(wasm_module_new(store, &binary) == NULL);
    CHECK(davit_wasm_status(store) == DAVIT_ERROR_LIMIT);
    wasm_byte_vec_delete(&binary);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

/* A module without metering does not get into a store that counts fuel. */
static void check_metered(void)
{
    wasm_engine_t *plain = wasm_engine_new();
    wasm_config_t *config = wasm_config_new();
    davit_wasm_config_metered(config, true);
    wasm_engine_t *metered = wasm_engine_new_with_config(config);
    wasm_store_t *store = wasm_store_new(plain);
    wasm_module_t *module = module_of(store, sum);
    wasm_shared_module_t *shared = wasm_module_share(module);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(plain);
    store = wasm_store_new(metered);
    module = wasm_module_obtain(store, shared);
    NEED(store, module);
    wasm_trap_t *trap = NULL;
    CHECK(wasm_instance_new(store, module, NULL, &trap) == NULL);
    CHECK(davit_wasm_error(store)[0] != '\0');
    CHECK(trap_says(trap, davit_wasm_error(store)));
    wasm_module_delete(module);
    wasm_shared_module_delete(shared);
    wasm_store_delete(store);
    wasm_engine_delete(metered);
}

static void check_errors(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_byte_vec_t bytes;
    CHECK(davit_wasm_error(store)[0] == '\0' && davit_wasm_status(store) == DAVIT_OK);
    static const char bad_text[] = "(module\n (func (local.get 0) nonsense))";
    CHECK(davit_wasm_text_to_binary(store, bad_text, strlen(bad_text), &bytes) ==
          DAVIT_ERROR_INVALID);
    CHECK(bytes.size == 0 && strncmp(davit_wasm_error(store), "2:", 2) == 0);
    wasm_byte_vec_new(&bytes, 5, "hello");
    CHECK(!wasm_module_validate(store, &bytes) && wasm_module_new(store, &bytes) == NULL);
    CHECK(strstr(davit_wasm_error(store), "magic header not detected") != NULL);
    CHECK(wasm_module_deserialize(store, &bytes) == NULL);
    wasm_byte_vec_delete(&bytes);
    CHECK(!wasm_module_validate(store, &bytes));
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

int main(void)
{
    check_settings();
    check_features();
    check_compilers();
    check_limits();
    check_metered();
    check_errors();
    return 0;
}
