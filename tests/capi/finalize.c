/* finalize.c - host info with finalizers at every kind of thing: each runs once, when the thing goes. */
#include "capi_testing.h"

enum { ROUNDS = 300 };

static size_t made, gone;

static void finalize(void *info)
{
    CHECK(info == &made);
    gone++;
}

#define ADORN(name, handle) \
    do { \
        wasm_##name##_set_host_info_with_finalizer((handle), &made, finalize); \
        CHECK(wasm_##name##_get_host_info(handle) == &made); \
        made++; \
    } while (0)

static wasm_trap_t *nothing(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)env;
    (void)args;
    (void)results;
    return NULL;
}

static void use(wasm_store_t *store, const wasm_module_t *module)
{
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_instance_t *instance = wasm_instance_new(store, module, &none, NULL);
    NEED(store, instance);
    ADORN(instance, instance);
    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    CHECK(exports.size == 4);
    ADORN(func, wasm_extern_as_func(exports.data[0]));
    ADORN(global, wasm_extern_as_global(exports.data[1]));
    ADORN(table, wasm_extern_as_table(exports.data[2]));
    ADORN(memory, wasm_extern_as_memory(exports.data[3]));
    CHECK(wasm_extern_get_host_info(exports.data[3]) == &made); /* one thing, one info */
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);

    wasm_functype_t *type = wasm_functype_new_0_0();
    wasm_func_t *func = wasm_func_new_with_env(store, type, nothing, &made, finalize);
    made++;
    ADORN(extern, wasm_func_as_extern(func));
    wasm_functype_delete(type);
    wasm_func_delete(func);

    wasm_foreign_t *foreign = wasm_foreign_new(store);
    ADORN(foreign, foreign);
    size_t before = gone;
    wasm_foreign_delete(foreign);
    CHECK(gone == before + 1); /* nobody had it */
    foreign = wasm_foreign_new(store);
    ADORN(ref, wasm_foreign_as_ref(foreign));
    davit_wasm_slot_t slot;
    CHECK(davit_slot_from_ref(store, wasm_foreign_as_ref(foreign), WASM_EXTERNREF, &slot));
    wasm_foreign_delete(foreign); /* the store may still have it */
}

/* The info that is set last counts; none is lost when a module is replaced by another at its address. */
static void check_modules(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    for (int i = 0; i < 5; i++) {
        wasm_module_t *module = wasm_module_new(store, binary);
        CHECK(wasm_module_get_host_info(module) == NULL);
        wasm_module_set_host_info_with_finalizer(module, NULL, finalize);
        ADORN(module, module);
        wasm_module_delete(module);
    }
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_byte_vec_t binary =
        binary_of(store, "(module (func (export \"f\")) (global (export \"g\") i32 (i32.const 0))"
                         " (table (export \"t\") 1 funcref) (memory (export \"m\") 1))");
    wasm_module_t *module = wasm_module_new(store, &binary);
    NEED(store, module);
    for (int i = 0; i < ROUNDS; i++) {
        use(store, module);
    }
    check_modules(store, &binary);
    wasm_module_delete(module);
    wasm_byte_vec_delete(&binary);
    CHECK(gone < made);
    wasm_store_delete(store);
    CHECK(gone == made);
    wasm_engine_delete(engine);
    return 0;
}
