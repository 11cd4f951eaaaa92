/* capi_testing.h - what the programs of tests/capi share: they see the public headers alone, and end with 0 if all checks hold.
 */
#ifndef CAPI_TESTING_H
#define CAPI_TESTING_H

#include <davit/wasm.h>
#include <stdio.h>
#include <stdlib.h>
#include <wasm.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

/* Ends the test with what the store says unless the pointer is there; gives the pointer. */
#define NEED(store, pointer) \
    do { \
        if ((pointer) == NULL) { \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #pointer, \
                    davit_wasm_error(store)); \
            exit(1); \
        } \
    } while (0)

/* An engine whose modules are bytecode on every host: for what native code does not do. */
static inline wasm_engine_t *bytecode_engine(void)
{
    wasm_config_t *config = wasm_config_new();
    CHECK(davit_wasm_config_engine(config, DAVIT_ENGINE_PULLEY) == DAVIT_OK);
    return wasm_engine_new_with_config(config);
}

static inline wasm_byte_vec_t binary_of(wasm_store_t *store, const char *wat)
{
    wasm_byte_vec_t binary;
    davit_status_t status = davit_wasm_text_to_binary(store, wat, strlen(wat), &binary);
    if (status != DAVIT_OK) {
        fprintf(stderr, "text: %s\n", davit_wasm_error(store));
        exit(1);
    }
    return binary;
}

static inline wasm_module_t *module_of(wasm_store_t *store, const char *wat)
{
    wasm_byte_vec_t binary = binary_of(store, wat);
    wasm_module_t *module = wasm_module_new(store, &binary);
    wasm_byte_vec_delete(&binary);
    NEED(store, module);
    return module;
}

/* An instance of a module with so many imports. */
static inline wasm_instance_t *instance_of(wasm_store_t *store, const char *wat,
                                           wasm_extern_t **imports, size_t num_imports)
{
    wasm_module_t *module = module_of(store, wat);
    wasm_extern_vec_t vec = {num_imports, imports};
    wasm_trap_t *trap = NULL;
    wasm_instance_t *instance = wasm_instance_new(store, module, &vec, &trap);
    NEED(store, instance);
    CHECK(trap == NULL);
    wasm_module_delete(module);
    return instance;
}

static inline wasm_func_t *func_of(wasm_store_t *store, const wasm_instance_t *instance,
                                   const char *name)
{
    wasm_extern_t *export = davit_wasm_instance_export(instance, name);
    NEED(store, export);
    CHECK(wasm_extern_kind(export) == WASM_EXTERN_FUNC);
    return wasm_extern_as_func(export);
}

static inline wasm_val_t val_i32(int32_t x)
{
    wasm_val_t value = WASM_I32_VAL(x);
    return value;
}
static inline wasm_val_t val_i64(int64_t x)
{
    wasm_val_t value = WASM_I64_VAL(x);
    return value;
}
static inline wasm_val_t val_ref(wasm_ref_t *ref)
{
    wasm_val_t value = WASM_REF_VAL(ref);
    return value;
}

/* Calls a function of i32s that gives one i32, and must not trap. */
static inline int32_t call_i32(const wasm_func_t *func, size_t num_args, int32_t a, int32_t b)
{
    wasm_val_t args[2] = {val_i32(a), val_i32(b)};
    wasm_val_t results[1] = {WASM_INIT_VAL};
    wasm_val_vec_t arg_vec = {num_args, args};
    wasm_val_vec_t result_vec = WASM_ARRAY_VEC(results);
    wasm_trap_t *trap = wasm_func_call(func, &arg_vec, &result_vec);
    CHECK(trap == NULL);
    CHECK(results[0].kind == WASM_I32);
    return results[0].of.i32;
}

static inline bool name_is(const wasm_name_t *name, const char *text)
{
    return name->size == strlen(text) && memcmp(name->data, text, name->size) == 0;
}

/* Whether the message begins so; deletes the trap. */
static inline bool trap_says(wasm_trap_t *trap, const char *text)
{
    wasm_message_t message;
    CHECK(trap != NULL);
    wasm_trap_message(trap, &message);
    CHECK(message.size > 0 && message.data[message.size - 1] == '\0');
    bool same = strncmp(message.data, text, strlen(text)) == 0;
    if (!same) {
        fprintf(stderr, "trap: %s\n", message.data);
    }
    wasm_byte_vec_delete(&message);
    wasm_trap_delete(trap);
    return same;
}

/* An allocator that counts what it has given, and can fail. */
typedef struct Counting {
    size_t live_bytes, live_blocks;
    size_t allowance; /* allocations until it fails, once and for all; SIZE_MAX: never */
} Counting;

static inline void *counting_alloc(void *context, size_t size_bytes)
{
    Counting *counting = context;
    if (counting->allowance == 0) {
        return NULL;
    }
    counting->allowance -= counting->allowance != SIZE_MAX;
    void *memory = malloc(size_bytes == 0 ? 1 : size_bytes);
    CHECK(memory != NULL);
    counting->live_bytes += size_bytes;
    counting->live_blocks++;
    return memory;
}

static inline void counting_free(void *context, void *memory, size_t size_bytes)
{
    Counting *counting = context;
    CHECK(memory != NULL && counting->live_blocks > 0);
    counting->live_bytes -= size_bytes;
    counting->live_blocks--;
    free(memory);
}

/* Native code of this engine compares: memories move. */
static inline wasm_engine_t *counted_engine(Counting *counting, davit_engine_t engine)
{
    wasm_config_t *config = wasm_config_new();
    CHECK(davit_wasm_config_engine(config, engine) == DAVIT_OK);
    davit_wasm_config_guard_pages(config, false);
    davit_allocator_t allocator = {counting_alloc, counting_free, counting};
    davit_wasm_config_allocator(config, &allocator);
    return wasm_engine_new_with_config(config);
}

#endif
