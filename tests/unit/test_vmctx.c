/* test_vmctx.c - the layout of a vmctx, and what is read off the table of helpers. */
#include "unit.h"

#include "rt/vmctx.h"

static void test_layout(void **state)
{
    (void)state;
    VmShape shape = {.num_imports = 3,
                     .num_memories = 2,
                     .num_tables = 1,
                     .num_imported_globals = 1,
                     .num_globals = 2,
                     .num_types = 3};
    VmLayout layout;
    dv_vmctx_layout(&shape, &layout);
    assert_int_equal(layout.memories, 24);
    assert_int_equal(layout.tables, 56);
    assert_int_equal(layout.imports, 64);
    assert_int_equal(layout.imported_globals, 112);
    assert_int_equal(layout.types, 120);
    assert_int_equal(layout.globals, 192); /* 132, aligned */
    assert_int_equal(layout.size_bytes, 320);
}

static void test_empty_and_huge(void **state)
{
    (void)state;
    VmShape shape = {0};
    VmLayout layout;
    dv_vmctx_layout(&shape, &layout);
    assert_int_equal(layout.memories, VM_HEADER_BYTES);
    assert_int_equal(layout.types, VM_HEADER_BYTES);
    assert_int_equal(layout.size_bytes, VM_ALIGN);
    shape = (VmShape){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    dv_vmctx_layout(&shape, &layout);
    assert_true(layout.globals > (u64)UINT32_MAX * (16 + 8 + 16 + 8 + 4));
    assert_true(layout.size_bytes == layout.globals + (u64)UINT32_MAX * VM_GLOBAL_BYTES);
}

/* Fields of a structure neither overlap nor leave their place unaligned. */
static void test_fields(void **state)
{
    (void)state;
    static const struct Field {
        const char *structure;
        u32 offset, bytes;
    } fields[] = {
#define VM_FIELD(structure, field, offset, bytes) {#structure, offset, bytes},
#include "rt/vmctx.def"
    };
    for (u32 i = 0; i < ARRAY_LEN(fields); i++) {
        assert_int_equal(fields[i].offset % fields[i].bytes, 0);
        bool is_first = i == 0 || strcmp(fields[i].structure, fields[i - 1].structure) != 0;
        u32 end = is_first ? 0 : fields[i - 1].offset + fields[i - 1].bytes;
        assert_int_equal(fields[i].offset, end);
    }
}

static void test_helpers(void **state)
{
    (void)state;
    VmHelperInfo info = dv_vm_helper_info(VM_HELPER_memory_copy);
    assert_string_equal(info.name, "memory_copy");
    assert_int_equal(info.result_bits, 0);
    assert_int_equal(info.num_params, 6);
    static const u8 copy[] = {64, 32, 32, 64, 64, 64};
    assert_memory_equal(info.param_bits, copy, sizeof copy);
    info = dv_vm_helper_info(VM_HELPER_notify);
    static const u8 notify[] = {64, 32, 64, 32};
    assert_int_equal(info.result_bits, 32);
    assert_int_equal(info.num_params, 4);
    assert_memory_equal(info.param_bits, notify, sizeof notify);
    info = dv_vm_helper_info(VM_HELPER_poll);
    assert_int_equal(info.num_params, 1);
    assert_int_equal(info.param_bits[0], 64);
    assert_int_equal(dv_vm_helper_info(VM_HELPER_memory_grow).result_bits, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_empty_and_huge),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_helpers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
