/* memory.c - memories of the host and of modules: bytes, growth, bounds. */
#include "capi_testing.h"

static const char source[] =
    "(module\n"
    " (memory (export \"memory\") 2 3) (data (i32.const 0x1000) \"\\01\\02\\03\\04\")\n"
    " (func (export \"size\") (result i32) (memory.size))\n"
    " (func (export \"load\") (param i32) (result i32) (i32.load8_u (local.get 0)))\n"
    " (func (export \"store\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))";

static wasm_trap_t *call(const wasm_func_t *func, size_t count, int32_t a, int32_t b)
{
    wasm_val_t args[] = {val_i32(a), val_i32(b)};
    wasm_val_t got = WASM_INIT_VAL;
    wasm_val_vec_t arg_vec = {count, args};
    wasm_val_vec_t got_vec = {1, &got};
    return wasm_func_call(func, &arg_vec, &got_vec);
}

static void check_own(wasm_store_t *store, const wasm_instance_t *instance)
{
    wasm_extern_t *export = davit_wasm_instance_export(instance, "memory");
    wasm_memory_t *memory = wasm_extern_as_memory(export);
    wasm_func_t *size = func_of(store, instance, "size");
    wasm_func_t *load = func_of(store, instance, "load");
    wasm_func_t *put = func_of(store, instance, "store");
    CHECK(wasm_memory_size(memory) == 2);
    CHECK(wasm_memory_data_size(memory) == 2 * MEMORY_PAGE_SIZE);
    CHECK(wasm_memory_data(memory)[0] == 0 && wasm_memory_data(memory)[0x1003] == 4);
    wasm_memory_data(memory)[0x1003] = 5;
    CHECK(call_i32(load, 1, 0x1003, 0) == 5);
    CHECK(call(put, 2, 0x1002, 6) == NULL && wasm_memory_data(memory)[0x1002] == 6);
    CHECK(trap_says(call(load, 1, 0x20000, 0), "out of bounds memory access"));
    CHECK(trap_says(call(put, 2, 0x20000, 0), "out of bounds memory access"));
    CHECK(wasm_memory_grow(memory, 1) && wasm_memory_size(memory) == 3);
    CHECK(wasm_memory_data_size(memory) == 0x30000 && wasm_memory_data(memory)[0x1002] == 6);
    CHECK(call_i32(size, 0, 0, 0) == 3 && call_i32(load, 1, 0x20000, 0) == 0);
    CHECK(trap_says(call(load, 1, 0x30000, 0), "out of bounds memory access"));
    CHECK(!wasm_memory_grow(memory, 1) && wasm_memory_grow(memory, 0));
    wasm_memorytype_t *type = wasm_memory_type(memory);
    CHECK(wasm_memorytype_limits(type)->min == 3 && wasm_memorytype_limits(type)->max == 3);
    wasm_memorytype_delete(type);
    wasm_func_delete(size);
    wasm_func_delete(load);
    wasm_func_delete(put);
    wasm_extern_delete(export);
}

static wasm_memory_t *make(wasm_store_t *store, uint32_t min, uint32_t max)
{
    wasm_limits_t limits = {min, max};
    wasm_memorytype_t *type = wasm_memorytype_new(&limits);
    wasm_memory_t *memory = wasm_memory_new(store, type);
    wasm_memorytype_delete(type);
    return memory;
}

static void check_handles(wasm_memory_t *memory)
{
    wasm_memory_t *copy = wasm_memory_copy(memory);
    int info;
    CHECK(wasm_memory_same(memory, copy));
    wasm_memory_set_host_info(memory, &info);
    CHECK(wasm_memory_get_host_info(copy) == &info);
    wasm_memory_set_host_info_with_finalizer(copy, NULL, NULL);
    CHECK(wasm_ref_as_memory(wasm_memory_as_ref(memory)) == memory);
    CHECK(wasm_ref_as_memory_const(wasm_memory_as_ref_const(memory)) == memory);
    CHECK(wasm_extern_as_memory(wasm_memory_as_extern(memory)) == memory);
    CHECK(wasm_extern_as_memory_const(wasm_memory_as_extern_const(memory)) == memory);
    CHECK(wasm_extern_as_table(wasm_memory_as_extern(memory)) == NULL);
    wasm_memory_delete(copy);
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_of(store, source, NULL, 0);
    check_own(store, instance);
    wasm_instance_delete(instance);

    wasm_memory_t *memory = make(store, 5, 5);
    NEED(store, memory);
    CHECK(wasm_memory_size(memory) == 5 && !wasm_memory_grow(memory, 1));
    wasm_memory_data(memory)[5 * MEMORY_PAGE_SIZE - 1] = 9;
    check_handles(memory);
    wasm_extern_t *imports[] = {wasm_memory_as_extern(memory)};
    instance =
        instance_of(store,
                    "(module (import \"\" \"m\" (memory 1 5))"
                    " (func (export \"last\") (result i32) (i32.load8_u (i32.const 0x4ffff))))",
                    imports, 1);
    wasm_func_t *last = func_of(store, instance, "last");
    CHECK(call_i32(last, 0, 0, 0) == 9);
    wasm_func_delete(last);
    wasm_instance_delete(instance);
    wasm_memory_delete(memory);

    CHECK(make(store, 3, 2) == NULL && make(store, 70000, wasm_limits_max_default) == NULL);
    memory = make(store, 0, wasm_limits_max_default);
    CHECK(wasm_memory_data_size(memory) == 0 && wasm_memory_grow(memory, 1));
    CHECK(!wasm_memory_grow(memory, 0xffffffff));
    wasm_memory_delete(memory);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
