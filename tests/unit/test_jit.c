/* test_jit.c - native modules by the public API: data, linkage, lookups, objects, unwinding; what is refused. */
#include "budget_testing.h"
#include "native_testing.h"

#include "base/text.h"

#if IS_HOST
#include <unistd.h>
#include <unwind.h>
#endif

static int set_up(void **state)
{
    static Native x;
    native_new(&x, NULL);
    *state = &x;
    return 0;
}

static int tear_down(void **state)
{
    native_free(*state);
    return 0;
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
    native_define(x, calls, DAVIT_LINK_EXPORT);
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
                   "odd has the alignment 3, ");
    data.align = 8;
    data.kind = 9;
    assert_refused(x, davit_native_define_data(x->native, "d", DAVIT_LINK_LOCAL, &data),
                   "no such kind of data as 9");
    data.kind = DAVIT_DATA_READONLY;
    data.size = UINT64_MAX;
    assert_int_equal(davit_native_define_data(x->native, "much", DAVIT_LINK_LOCAL, &data),
                     DAVIT_ERROR_LIMIT);
    data.size = 8;
    data.addresses = &address;
    data.num_addresses = 1;
    assert_refused(x, davit_native_define_data(x->native, "short", DAVIT_LINK_LOCAL, &data),
                   "out of bounds");
    assert_refused(x, davit_native_declare(x->native, "", DAVIT_LINK_LOCAL), "\"\" is no name");
    assert_refused(x, davit_native_declare(x->native, "f", 4), "no such linkage as 4");
    assert_string_equal(davit_error_get(x->context, 0)->place, "davit_native_declare");
    davit_native_options_t options = {.target = "pulley64"};
    davit_native_t *none;
    assert_int_equal(davit_native_new(x->context, &options, &none), DAVIT_ERROR_UNSUPPORTED);
    assert_string_equal(davit_error_get(x->context, 0)->message,
                        "\"pulley64\" is no target of native code");
    assert_null(none);
}

/* What is only referred to needs a name, too. */
static void refuses_no_name(void **state)
{
    Native *x = *state;
    const uint8_t *bytes;
    size_t size;
    davit_data_address_t address = {0, "", 0};
    davit_native_data_t data = {NULL, 8, 8, DAVIT_DATA_READONLY, &address, 1};
    assert_int_equal(davit_native_define_data(x->native, "data", DAVIT_LINK_LOCAL, &data),
                     DAVIT_OK);
    assert_refused(x, davit_native_object(x->native, &bytes, &size), "no name");
}

/* An instruction has room for 65535 operands, of which a try_ may have any number. */
static void refuses_many_operands(void **state)
{
    enum { CONTEXTS = 66000 };
    Native *x = *state;
    Pool pool;
    Arena arena;
    TextBuf text;
    dv_pool_init(&pool, NULL);
    dv_arena_init(&arena, &pool);
    dv_text_init(&text, &arena);
    dv_text_str(&text, "function %f(i64) -> i64 tail {\n    sig0 = (i64) -> i64 tail\n"
                       "    fn0 = %g sig0\nblock0(v0: i64):\n"
                       "    try_call fn0(v0), sig0, block1(ret0), [ ");
    for (u32 i = 0; i < CONTEXTS; i++) {
        dv_text_printf(&text, "%scontext v0, tag%u: block2", i == 0 ? "" : ", ", i);
    }
    dv_text_str(&text, " ]\nblock1(v1: i64):\n    return v1\nblock2:\n    return v0\n}\n");
    assert_int_equal(davit_module_parse(x->module, text.data, text.length), DAVIT_OK);
    assert_refused(
        x, davit_native_define_func(x->native, davit_module_get(x->module, 0), DAVIT_LINK_EXPORT),
        "so many results and contexts");
    dv_arena_release(&arena);
    dv_pool_destroy(&pool);
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
    native_define(x, calls, DAVIT_LINK_EXPORT);
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

/* As an object a module may be of any size; in memory it is to be in reach of itself. */
static void large_modules_are_not_linked(void **state)
{
    Native *x = *state;
    davit_native_data_t zeros = {NULL, 1 << 30, 8, DAVIT_DATA_WRITABLE, NULL, 0};
    const uint8_t *bytes;
    size_t size;
    assert_int_equal(davit_native_define_data(x->native, "zeros", DAVIT_LINK_LOCAL, &zeros),
                     DAVIT_OK);
    assert_int_equal(davit_native_object(x->native, &bytes, &size), DAVIT_OK);
    assert_int_equal(davit_native_link(x->native, NULL, NULL), DAVIT_ERROR_LIMIT);
    assert_int_equal(davit_error_count(x->context), 1);
}

/* What calls may be made as: in reach, and out of it. */
static const char distances[] = "function %calls(i64) -> i64 system_v {\n"
                                "    fn0 = %far(i64) -> i64 system_v\n"
                                "    fn1 = %near(i64) -> i64 system_v\n"
                                "block0(v0: i64):\n"
                                "    v1 = call fn0(v0)\n"
                                "    v2 = call fn1(v1)\n"
                                "    return v2\n"
                                "}\n"
                                "function %adds(i64, i64) -> i64 tail {\n"
                                "block0(v0: i64, v1: i64):\n"
                                "    v2 = iadd v0, v1\n"
                                "    return v2\n"
                                "}\n"
                                "function %goes_on(i64) -> i64 tail {\n"
                                "    fn0 = %adds(i64, i64) -> i64 tail\n"
                                "block0(v0: i64):\n"
                                "    return_call fn0(v0, v0)\n"
                                "}\n"
                                "function %starts(i64) -> i64 system_v {\n"
                                "    fn0 = colocated %goes_on(i64) -> i64 tail\n"
                                "block0(v0: i64):\n"
                                "    v1 = call fn0(v0)\n"
                                "    return v1\n"
                                "}\n";

static int64_t far(int64_t x)
{
    return x * 10;
}

static void *look_up_distances(void *context, const char *name)
{
    return strcmp(name, "near") == 0 ? context : strcmp(name, "far") == 0 ? function_at(far) : NULL;
}

static bool is_near(const void *a, const void *b)
{
    int64_t distance = (int64_t)((uintptr_t)a - (uintptr_t)b);
    return distance >= INT32_MIN && distance <= INT32_MAX;
}

/* Another module is near; this program, which lies where the system loads programs, is far. */
static void calls_near_and_far(void **state)
{
    Native *x = *state;
    native_define(x,
                  "function %near(i64) -> i64 system_v {\n"
                  "block0(v0: i64):\n"
                  "    v1 = iconst.i64 7\n"
                  "    v2 = iadd v0, v1\n"
                  "    return v2\n"
                  "}\n",
                  DAVIT_LINK_EXPORT);
    assert_int_equal(davit_native_link(x->native, NULL, NULL), DAVIT_OK);
    void *near = davit_native_address(x->native, "near");
    for (int far_calls = 0; far_calls < 2; far_calls++) {
        davit_native_options_t options = {.far_calls = far_calls != 0, .check = true};
        Native y;
        native_new(&y, &options);
        native_define(&y, distances, DAVIT_LINK_EXPORT);
        assert_int_equal(davit_native_link(y.native, look_up_distances, near), DAVIT_OK);
        NativeFunc *f = native_func(&y, "calls");
        assert_false(is_near(function_at(f), function_at(far)));
        assert_true(is_near(function_at(f), near));
        assert_int_equal(f(4), 47);
        assert_int_equal(native_func(&y, "starts")(21), 42);
        native_free(&y);
    }
}

/* Code that processors may check the jumps of: begins with a pad, and so do its handlers; jumps by table are exempt. */
static void lands_on_pads(void **state)
{
    static const char text[] = "function %handler() -> i64 system_v {\n"
                               "    sig0 = () system_v\n"
                               "    fn0 = %nothing sig0\n"
                               "block0:\n"
                               "    v0 = get_exception_handler_address.i64 block1, 0\n"
                               "    jump block1\n"
                               "block1:\n"
                               "    try_call fn0(), sig0, block2, [ default: block3 ]\n"
                               "block2:\n"
                               "    return v0\n"
                               "block3:\n"
                               "    v1 = iconst.i64 0\n"
                               "    return v1\n"
                               "}\n"
                               "function %nothing() system_v {\n"
                               "block0:\n"
                               "    return\n"
                               "}\n"
                               "function %chooses(i64) -> i64 system_v {\n"
                               "block0(v0: i64):\n"
                               "    v1 = ireduce.i32 v0\n"
                               "    v2 = iconst.i64 10\n"
                               "    v3 = iconst.i64 11\n"
                               "    v4 = iconst.i64 12\n"
                               "    v5 = iconst.i64 13\n"
                               "    br_table v1, block1(v2), [block1(v3), block1(v4), block1(v5)]\n"
                               "block1(v6: i64):\n"
                               "    return v6\n"
                               "}\n";
    static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
    davit_native_options_t options = {.landing_pads = true, .check = true};
    Native x;
    (void)state;
    native_new(&x, &options);
    native_define(&x, text, DAVIT_LINK_EXPORT);
    assert_int_equal(davit_native_link(x.native, NULL, NULL), DAVIT_OK);
    NativeFunc *handler = native_func(&x, "handler"), *chooses = native_func(&x, "chooses");
    assert_memory_equal((const void *)(uintptr_t)handler(0), endbr64, sizeof endbr64);
    assert_memory_equal(function_at(handler), endbr64, sizeof endbr64);
    assert_int_equal(chooses(0), 11);
    assert_int_equal(chooses(2), 13);
    assert_int_equal(chooses(3), 10);
    const uint8_t *jump = function_at(chooses);
    assert_memory_equal(jump, endbr64, sizeof endbr64);
    while (jump[0] != 0x3e ||
           jump[1 + (jump[1] == 0x41)] != 0xff) { /* notrack jmp, with REX or not */
        jump++;
        assert_true(jump < (const uint8_t *)function_at(chooses) + 100);
    }
    native_free(&x);
}

/* Rows are appended as modules are linked: address, size, name. */
static void tells_perf(void **state)
{
    davit_native_options_t options = {.perf_map = true};
    char path[64], line[128], expected[128];
    Native x;
    (void)state;
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    remove(path);
    native_new(&x, &options);
    native_define(&x, calls, DAVIT_LINK_EXPORT);
    native_define(&x, "function u1:2() {\nblock0:\n    return\n}\n", DAVIT_LINK_LOCAL);
    assert_int_equal(davit_native_declare(x.native, "maybe", DAVIT_LINK_WEAK), DAVIT_OK);
    assert_int_equal(davit_native_declare(x.native, "table", DAVIT_LINK_WEAK), DAVIT_OK);
    assert_int_equal(davit_native_link(x.native, look_up, function_at(outside)),
                     DAVIT_ERROR_INVALID); /* table is colocated, and nowhere near */
    davit_native_data_t table = {NULL, 16, 8, DAVIT_DATA_WRITABLE, NULL, 0};
    assert_null(fopen(path, "r"));
    assert_int_equal(davit_native_define_data(x.native, "table", DAVIT_LINK_WEAK, &table),
                     DAVIT_OK);
    assert_int_equal(davit_native_link(x.native, look_up, function_at(outside)), DAVIT_OK);
    static const char *const names[] = {"calls", "where", "u1_2"};
    uintptr_t end = 0;
    FILE *map = fopen(path, "r");
    assert_non_null(map);
    for (size_t i = 0; i < 3; i++) {
        uintptr_t start = (uintptr_t)davit_native_address(x.native, names[i]);
        unsigned long long told, size;
        assert_non_null(fgets(line, sizeof line, map));
        assert_int_equal(sscanf(line, "%llx %llx", &told, &size), 2);
        snprintf(expected, sizeof expected, "%llx %llx %s\n", (unsigned long long)start, size,
                 names[i]);
        assert_string_equal(line, expected);
        assert_true(start >= end && size > 0);
        end = start + (uintptr_t)size;
    }
    assert_null(fgets(line, sizeof line, map));
    fclose(map);
    remove(path);
    native_free(&x);
}
#endif

/* ---- memory running out ---- */

/* A function with so many branches, some data, an object and, on its machine, linked code. */
static davit_status_t use_everything(Native *x, Arena *arena, u32 blocks)
{
    static const char name[] = "data";
    const uint8_t *bytes;
    size_t size;
    davit_data_address_t address = {8, "f", 0};
    davit_native_data_t data = {NULL, 4096, 8, DAVIT_DATA_WRITABLE, &address, 1};
    davit_native_data_t tls = {NULL, 16, 8, DAVIT_DATA_TLS, NULL, 0};
    davit_status_t status;
    TextBuf text;
    dv_text_init(&text, arena);
    dv_text_str(&text,
                "function %f(i64) -> i64 system_v {\nblock0(v0: i64):\n    jump block1(v0)\n");
    for (u32 i = 1; i <= blocks; i++) {
        dv_text_printf(&text,
                       "block%u(v%u: i64):\n    v%u = imul v%u, v0\n    brif v%u, block%u(v%u), "
                       "block%u(v0)\n",
                       i, 2 * i, 2 * i + 1, 2 * i, 2 * i + 1, i + 1, 2 * i + 1, i + 1);
    }
    dv_text_printf(&text, "block%u(v%u: i64):\n    return v%u\n}\n", blocks + 1, 2 * blocks + 2,
                   2 * blocks + 2);
    if ((status = davit_module_new(x->context, &x->module)) != DAVIT_OK ||
        (status = davit_module_parse(x->module, text.data, text.length)) != DAVIT_OK ||
        (status = davit_native_new(x->context, NULL, &x->native)) != DAVIT_OK ||
        (status = davit_native_define_func(x->native, davit_module_get(x->module, 0),
                                           DAVIT_LINK_EXPORT)) != DAVIT_OK ||
        (status = davit_native_define_data(x->native, name, DAVIT_LINK_LOCAL, &data)) != DAVIT_OK ||
        (status = davit_native_define_data(x->native, "t", DAVIT_LINK_LOCAL, &tls)) != DAVIT_OK ||
        (status = davit_native_object(x->native, &bytes, &size)) != DAVIT_OK) {
        return status;
    }
    status = davit_native_link(x->native, NULL, NULL);
    return IS_HOST || status != DAVIT_ERROR_UNSUPPORTED ? status : DAVIT_OK;
}

/* Each allocation fails once, with all after it: nothing of it stays, not even on the second try. */
static void memory_runs_out(void **state)
{
    enum { BLOCKS = 1500 };
    davit_status_t status = DAVIT_ERROR_MEMORY;
    Pool pool;
    (void)state;
    dv_pool_init(&pool, NULL);
    for (u64 most = 0; status != DAVIT_OK; most++) {
        Budget budget = {most, 0};
        davit_allocator_t allocator = {budget_alloc, budget_free, &budget};
        davit_context_options_t options = {&allocator, 0};
        Arena arena;
        Native x = {NULL, NULL, NULL};
        dv_arena_init(&arena, &pool);
        status = davit_context_new(&options, &x.context);
        if (status == DAVIT_OK) {
            status = use_everything(&x, &arena, BLOCKS);
        }
        assert_true(status == DAVIT_OK || status == DAVIT_ERROR_MEMORY);
        native_free(&x);
        dv_arena_release(&arena);
        assert_int_equal(budget.live, 0);
    }
    dv_pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_objects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_no_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_many_operands, set_up, tear_down),
        cmocka_unit_test(memory_runs_out),
#if IS_HOST
        cmocka_unit_test_setup_teardown(links, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_modules_are_not_linked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(calls_near_and_far, set_up, tear_down),
        cmocka_unit_test(lands_on_pads),
        cmocka_unit_test(tells_perf),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
