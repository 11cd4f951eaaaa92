/* wide.c - what goes beyond 32 bits and 64 KiB pages: memories, tables, globals by davit/wasm.h. */
#include "capi_testing.h"

static void check_memories(wasm_store_t *store)
{
    davit_wasm_size_t size = {.min = 1, .max = 3, .has_max = true, .index64 = true};
    wasm_memory_t *memory = davit_wasm_memory_new(store, &size);
    NEED(store, memory);
    davit_wasm_size_t got;
    uint64_t old = 99;
    CHECK(davit_wasm_memory_grow(memory, 1, &old) && old == 1);
    CHECK(davit_wasm_memory_grow(memory, 1, NULL) && !davit_wasm_memory_grow(memory, 1, &old));
    davit_wasm_memory_type(memory, &got);
    CHECK(got.min == 3 && got.max == 3 && got.has_max && got.index64 && got.page_bytes == 65536);
    CHECK(davit_wasm_memory_size(memory) == 3 && wasm_memory_size(memory) == 3);
    wasm_memorytype_t *type = wasm_memory_type(memory);
    CHECK(wasm_memorytype_limits(type) == NULL); /* no words for it */
    wasm_memorytype_delete(type);
    wasm_extern_t *imports[] = {wasm_memory_as_extern(memory)};
    wasm_instance_t *instance = instance_of(
        store,
        "(module (import \"\" \"m\" (memory i64 1 3))"
        " (func (export \"put\") (result i32) (i32.store (i64.const 0x20000) (i32.const 77))"
        "  (i32.wrap_i64 (memory.size))))",
        imports, 1);
    wasm_func_t *put = func_of(store, instance, "put");
    CHECK(call_i32(put, 0, 0, 0) == 3 && wasm_memory_data(memory)[0x20000] == 77);
    wasm_func_delete(put);
    wasm_instance_delete(instance);
    wasm_memory_delete(memory);

    size = (davit_wasm_size_t){.min = 100, .page_bytes = 1};
    memory = davit_wasm_memory_new(store, &size);
    NEED(store, memory);
    CHECK(wasm_memory_data_size(memory) == 100 && davit_wasm_memory_size(memory) == 100);
    CHECK(davit_wasm_memory_grow(memory, 5, NULL) && wasm_memory_data_size(memory) == 105);
    wasm_memory_delete(memory);

    size = (davit_wasm_size_t){.min = 1, .max = 1, .has_max = true, .shared = true};
    CHECK(davit_wasm_memory_new(store, &size) == NULL);
    size = (davit_wasm_size_t){.min = 1, .page_bytes = 4096};
    CHECK(davit_wasm_memory_new(store, &size) == NULL);
    size = (davit_wasm_size_t){.min = (uint64_t)1 << 48 | 1, .index64 = true};
    CHECK(davit_wasm_memory_new(store, &size) == NULL);
    size = (davit_wasm_size_t){.min = (uint64_t)1 << 47, .index64 = true};
    CHECK(davit_wasm_memory_new(store, &size) == NULL); /* more than there is */
    size = (davit_wasm_size_t){.min = 2, .max = 1, .has_max = true};
    CHECK(davit_wasm_memory_new(store, &size) == NULL);
}

static void check_tables(wasm_store_t *store)
{
    davit_wasm_size_t size = {.min = 2, .index64 = true};
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    wasm_table_t *table =
        davit_wasm_table_new(store, DAVIT_VAL_EXTERNREF, &size, wasm_foreign_as_ref_const(foreign));
    NEED(store, table);
    wasm_ref_t *elem = NULL;
    uint64_t old = 99;
    CHECK(davit_wasm_table_get(table, 1, &elem));
    CHECK(wasm_ref_same(elem, wasm_foreign_as_ref(foreign)));
    wasm_ref_delete(elem);
    CHECK(!davit_wasm_table_get(table, 2, &elem) && elem == NULL);
    CHECK(!davit_wasm_table_get(table, (uint64_t)1 << 32, &elem));
    CHECK(davit_wasm_table_set(table, 0, NULL) && davit_wasm_table_get(table, 0, &elem));
    CHECK(elem == NULL && !davit_wasm_table_set(table, (uint64_t)1 << 32, NULL));
    CHECK(davit_wasm_table_grow(table, 3, NULL, &old) && old == 2);
    CHECK(!davit_wasm_table_grow(table, UINT64_MAX, NULL, NULL));
    CHECK(davit_wasm_table_size(table) == 5 && wasm_table_size(table) == 5);
    davit_wasm_size_t got;
    CHECK(davit_wasm_table_type(table, &got) == DAVIT_VAL_EXTERNREF);
    CHECK(got.min == 5 && !got.has_max && got.index64);
    wasm_tabletype_t *type = wasm_table_type(table);
    CHECK(wasm_tabletype_limits(type) == NULL);
    wasm_tabletype_delete(type);
    wasm_table_delete(table);
    CHECK(davit_wasm_table_new(store, DAVIT_VAL_I32, &size, NULL) == NULL);
    CHECK(davit_wasm_table_new(store, DAVIT_VAL_FUNCREF, &size,
                               wasm_foreign_as_ref_const(foreign)) == NULL);
    size.min = (uint64_t)1 << 40;
    CHECK(davit_wasm_table_new(store, DAVIT_VAL_FUNCREF, &size, NULL) == NULL);
    wasm_foreign_delete(foreign);
}

static void check_globals(wasm_store_t *store)
{
    davit_wasm_slot_t value = {0x1111, 0x2222};
    wasm_global_t *global = davit_wasm_global_new(store, DAVIT_VAL_V128, true, value);
    NEED(store, global);
    davit_wasm_slot_t got = davit_wasm_global_get(global);
    CHECK(got.lo == 0x1111 && got.hi == 0x2222);
    CHECK(davit_wasm_global_set(global, (davit_wasm_slot_t){3, 4}));
    CHECK(davit_wasm_global_get(global).hi == 4);
    wasm_val_t narrow = val_i64(1);
    wasm_global_set(global, &narrow); /* nothing happens */
    CHECK(davit_wasm_global_get(global).lo == 3);
    wasm_global_get(global, &narrow);
    CHECK(wasm_valkind_is_ref(narrow.kind) && narrow.of.ref == NULL);
    wasm_global_delete(global);

    CHECK(davit_wasm_global_new(store, 12345, true, value) == NULL);
    CHECK(davit_wasm_global_new(store, DAVIT_VAL_FUNCREF, true, value) == NULL); /* made up */
    global = davit_wasm_global_new(store, DAVIT_VAL_I64, false, davit_slot_i64(-5));
    CHECK(davit_slot_to_i64(davit_wasm_global_get(global)) == -5);
    CHECK(!davit_wasm_global_set(global, value));
    wasm_global_delete(global);
    global = davit_wasm_global_new(store, DAVIT_VAL_EXTERNREF, true, (davit_wasm_slot_t){0, 0});
    CHECK(!davit_wasm_global_set(global, davit_slot_i32(777)));
    wasm_global_delete(global);
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    check_memories(store);
    check_tables(store);
    check_globals(store);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
