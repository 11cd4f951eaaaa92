/* test_jit.c - native modules by the public API: data, linkage, lookups, objects, unwinding; what is refused. */
#include "unit.h"

#include <davit/codegen.h>

#if defined(__x86_64__) && defined(__LP64__) && defined(__linux__)
#include <unwind.h>
#define IS_HOST 1
#else
#define IS_HOST 0
#endif

typedef struct Native {
    davit_context_t *context;
    davit_module_t *module;
    davit_native_t *native;
} Native;

static int set_up(void **state)
{
    static Native x;
    assert_int_equal(davit_context_new(NULL, &x.context), DAVIT_OK);
    assert_int_equal(davit_module_new(x.context, &x.module), DAVIT_OK);
    assert_int_equal(davit_native_new(x.context, NULL, &x.native), DAVIT_OK);
    *state = &x;
    return 0;
}

static int tear_down(void **state)
{
    Native *x = *state;
    davit_native_free(x->native);
    davit_module_free(x->module);
    davit_context_free(x->context);
    return 0;
}

static void define(Native *x, const char *text, int linkage)
{
    size_t count = davit_module_count(x->module);
    assert_int_equal(davit_module_parse(x->module, text, strlen(text)), DAVIT_OK);
    for (; count < davit_module_count(x->module); count++) {
        davit_func_t *f = davit_module_get(x->module, count);
        assert_int_equal(davit_native_define_func(x->native, f, linkage), DAVIT_OK);
    }
}

static void assert_refused(const Native *x, davit_status_t status, const char *why)
{
    assert_int_equal(status, DAVIT_ERROR_INVALID);
    assert_non_null(strstr(davit_error_get(x->context, 0)->message, why));
}

static const char calls[] = "function %calls(i64) -> i64 system_v {\n"
                            "    sig0 = (i64) -> i64 system_v\n"
                            "    fn0 = %outside sig0\n"
                            "block0(v0: i64):\n"
                            "    v1 = call fn0(v0)\n"
                            "    return v1\n"
                            "}\n"
                            "function %where(i32) -> i64 system_v {\n"
                            "    gv0 = symbol %outside\n"
                            "    gv1 = symbol %maybe\n"
                            "    gv2 = symbol colocated %table+8\n"
                            "block0(v0: i32):\n"
                            "    br_table v0, block3, [block1, block2]\n"
                            "block1:\n"
                            "    v1 = symbol_value.i64 gv0\n"
                            "    return v1\n"
                            "block2:\n"
                            "    v2 = symbol_value.i64 gv1\n"
                            "    return v2\n"
                            "block3:\n"
                            "    v3 = symbol_value.i64 gv2\n"
                            "    return v3\n"
                            "}\n";

static void writes_objects(void **state)
{
    Native *x = *state;
    const uint8_t *bytes;
    size_t size;
    davit_native_data_t tls = {NULL, 4, 4, DAVIT_DATA_TLS, NULL, 0};
    define(x, calls, DAVIT_LINK_EXPORT);
    assert_int_equal(davit_native_define_data(x->native, "t", DAVIT_LINK_EXPORT, &tls), DAVIT_OK);
    assert_int_equal(davit_native_object(x->native, &bytes, &size), DAVIT_OK);
    assert_true(size > 64 && memcmp(bytes, "\177ELF", 4) == 0);
    assert_int_equal(davit_native_declare(x->native, "missing", DAVIT_LINK_LOCAL), DAVIT_OK);
    assert_refused(x, davit_native_object(x->native, &bytes, &size), "defined nowhere");
}

static void refuses(void **state)
{
    Native *x = *state;
    davit_native_data_t data = {"abcdefgh", 8, 8, DAVIT_DATA_READONLY, NULL, 0};
    davit_data_address_t address = {1, "data", 0};
    assert_int_equal(davit_native_define_data(x->native, "data", DAVIT_LINK_LOCAL, &data),
                     DAVIT_OK);
    assert_refused(x, davit_native_define_data(x->native, "data", DAVIT_LINK_LOCAL, &data),
                   "defined twice");
    assert_refused(x, davit_native_declare(x->native, "data", DAVIT_LINK_EXPORT),
                   "another linkage");
    assert_refused(x, davit_native_define_data(x->native, "i", DAVIT_LINK_IMPORT, &data),
                   "an import");
    data.align = 3;
    assert_refused(x, davit_native_define_data(x->native, "odd", DAVIT_LINK_LOCAL, &data),
                   "alignment");
    data.align = 8;
    data.addresses = &address;
    data.num_addresses = 1;
    assert_refused(x, davit_native_define_data(x->native, "short", DAVIT_LINK_LOCAL, &data),
                   "out of bounds");
    assert_refused(x, davit_native_declare(x->native, "", DAVIT_LINK_LOCAL), "no name");
    assert_refused(x, davit_native_declare(x->native, "f", 4), "no such linkage");
    davit_native_options_t options = {.target = "pulley64"};
    davit_native_t *none;
    assert_int_equal(davit_native_new(x->context, &options, &none), DAVIT_ERROR_UNSUPPORTED);
    assert_null(none);
}

#if IS_HOST
static bool saw_caller;

static _Unwind_Reason_Code on_frame(struct _Unwind_Context *frame, void *start)
{
    if (_Unwind_GetRegionStart(frame) == (uintptr_t)start) {
        saw_caller = true;
    }
    return _URC_NO_REASON;
}

/* Called by native code; finds this test among its callers, beyond that code. */
static void *tester;
static int64_t outside(int64_t x)
{
    _Unwind_Backtrace(on_frame, tester);
    return x + 1;
}

static void *look_up(void *context, const char *name)
{
    return strcmp(name, "outside") == 0 ? context : NULL;
}

static void *function_at(int64_t (*f)(int64_t))
{
    return (void *)(uintptr_t)f;
}

static void links(void **state)
{
    Native *x = *state;
    uint64_t words[3] = {1, 2, 0};
    davit_data_address_t addresses[] = {{0, "calls", 0}, {16, "zeros", -4}};
    davit_native_data_t table = {words, sizeof words, 8, DAVIT_DATA_READONLY, addresses, 2};
    davit_native_data_t zeros = {NULL, 100000, 4096, DAVIT_DATA_WRITABLE, NULL, 0};
    assert_int_equal(davit_native_declare(x->native, "maybe", DAVIT_LINK_WEAK), DAVIT_OK);
    define(x, calls, DAVIT_LINK_EXPORT);
    assert_int_equal(davit_native_define_data(x->native, "table", DAVIT_LINK_LOCAL, &table),
                     DAVIT_OK);
    assert_refused(x, davit_native_link(x->native, look_up, function_at(outside)),
                   "is not there"); /* zeros */
    assert_null(davit_native_address(x->native, "calls"));
    assert_int_equal(davit_native_define_data(x->native, "zeros", DAVIT_LINK_WEAK, &zeros),
                     DAVIT_OK);
    assert_int_equal(davit_native_link(x->native, look_up, function_at(outside)), DAVIT_OK);

    int64_t (*f)(int64_t) =
        (int64_t(*)(int64_t))(uintptr_t)davit_native_address(x->native, "calls");
    const void *(*where)(int32_t) =
        (const void *(*)(int32_t))(uintptr_t)davit_native_address(x->native, "where");
    const uint8_t *at = davit_native_address(x->native, "table");
    uint8_t *zero = davit_native_address(x->native, "zeros");
    tester = (void *)(uintptr_t)links;
    saw_caller = false;
    assert_int_equal(f(41), 42);
    assert_int_equal(saw_caller, DV_HAS_WEAK); /* unwinders are told by names that may be missing */
    assert_ptr_equal(where(0), function_at(outside));
    assert_null(where(1));
    assert_ptr_equal(where(2), at + 8);
    memcpy(words, at, sizeof words);
    assert_int_equal(words[0], (uintptr_t)f);
    assert_int_equal(words[1], 2);
    assert_int_equal(words[2], (uintptr_t)zero - 4);
    assert_int_equal((uintptr_t)zero % 4096, 0);
    zero[99999] = zero[0];
    assert_int_equal(zero[99999], 0);
    assert_null(davit_native_address(x->native, "outside"));
    assert_refused(x, davit_native_link(x->native, NULL, NULL), "linked already");
    assert_refused(x, davit_native_declare(x->native, "late", DAVIT_LINK_LOCAL), "linked already");
}

static void no_thread_local_data_in_memory(void **state)
{
    Native *x = *state;
    davit_native_data_t tls = {NULL, 4, 4, DAVIT_DATA_TLS, NULL, 0};
    assert_int_equal(davit_native_define_data(x->native, "t", DAVIT_LINK_EXPORT, &tls), DAVIT_OK);
    assert_refused(x, davit_native_link(x->native, NULL, NULL), "thread-local");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_objects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses, set_up, tear_down),
#if IS_HOST
        cmocka_unit_test_setup_teardown(links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_thread_local_data_in_memory, set_up, tear_down),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
