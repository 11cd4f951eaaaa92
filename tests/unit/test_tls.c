/* test_tls.c - thread-local data of native modules that are linked in memory: each thread has its own, which begin as defined,
 * and go with the thread or with the module, whichever is first. */
#include "native_testing.h"

#include "base/threads.h"
#include "rt/tls.h"

/* ---- images by themselves ---- */

static void copies_are_made_and_freed(void **state)
{
    enum { IMAGES = 40 };
    static const u8 bytes[] = {1, 2, 3, 4};
    static TlsImage images[IMAGES];
    (void)state;
    for (u32 i = 0; i < IMAGES; i++) {
        images[i] = (TlsImage){.bytes = bytes, .size_bytes = i % 5, .align_bytes = 1u << i % 13};
        assert_true(dv_tls_add(&images[i]));
    }
    for (u32 i = IMAGES; i-- > 0;) {
        const TlsPlace place = {(u64)(uintptr_t)&images[i], 0};
        u8 *copy = dv_tls_address(&place);
        assert_int_equal((uintptr_t)copy % images[i].align_bytes, 0);
        assert_memory_equal(copy, bytes, images[i].size_bytes);
        assert_ptr_equal(dv_tls_address(&place), copy);
        memset(copy, 0xee, images[i].size_bytes);
    }
    /* The smallest number that is free is taken again; what was there is forgotten. */
    u32 number = images[17].number;
    dv_tls_remove(&images[30]);
    dv_tls_remove(&images[17]);
    TlsImage again = {.bytes = bytes, .size_bytes = 4, .align_bytes = 4};
    assert_true(dv_tls_add(&again));
    assert_int_equal(again.number, number);
    const TlsPlace place = {(u64)(uintptr_t)&again, 3};
    assert_int_equal(*(u8 *)dv_tls_address(&place), 4);
    dv_tls_remove(&again);
    for (u32 i = 0; i < IMAGES; i++) {
        if (i != 17 && i != 30) {
            dv_tls_remove(&images[i]);
        }
    }
}

#if IS_HOST
/* ---- modules ---- */

static const char funcs[] =
    "function %count(i64) -> i64 system_v {\n"
    "    gv0 = symbol tls %counter\n"
    "block0(v0: i64):\n"
    "    v1 = tls_value.i64 gv0\n"
    "    v2 = load.i64 v1\n"
    "    v3 = iadd v2, v0\n"
    "    store v3, v1\n"
    "    return v3\n"
    "}\n"
    /* What is in registers stays as it is, whatever the call does to them. */
    "function %where(i64) -> i64 system_v {\n"
    "    gv0 = symbol colocated tls %counter\n"
    "    gv1 = symbol tls %area-0x1_0000_0000\n"
    "    gv2 = symbol tls %pointer\n"
    "block0(v0: i64):\n"
    "    v1 = symbol_value.i64 gv0\n"
    "    v2 = tls_value.i64 gv1\n"
    "    v8 = iconst.i64 0x1_0000_0000\n"
    "    v3 = iadd v2, v8\n"
    "    v4 = tls_value.i64 gv2\n"
    "    v7 = ireduce.i32 v0\n"
    "    br_table v7, block1, [block2, block3]\n"
    "block1:\n"
    "    return v1\n"
    "block2:\n"
    "    return v3\n"
    "block3:\n"
    "    v6 = load.i64 v4\n"
    "    return v6\n"
    "}\n";

enum { AREA_BYTES = 5000, AREA_ALIGN = 4096 };

static void define_all(Native *x, const char *text)
{
    static const int64_t five = 5;
    static const davit_data_address_t count = {0, "count", 0};
    static const davit_native_data_t data[] = {
        {&five, sizeof five, 8, DAVIT_DATA_TLS, NULL, 0},
        {NULL, AREA_BYTES, AREA_ALIGN, DAVIT_DATA_TLS, NULL, 0},
        {NULL, 8, 8, DAVIT_DATA_TLS, &count, 1}};
    static const char *const names[] = {"counter", "area", "pointer"};
    native_define(x, text, DAVIT_LINK_EXPORT);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(davit_native_define_data(x->native, names[i], DAVIT_LINK_LOCAL, &data[i]),
                         DAVIT_OK);
    }
}

typedef struct World {
    Native a, b;
    Mutex lock;
    Cond turn;
    u32 used, freed; /* threads that have used the data; modules that are gone */
    u8 *areas[4];
} World;

static void use(const Native *x, int64_t first)
{
    NativeFunc *count = native_func(x, "count");
    NativeFunc *where = native_func(x, "where");
    CHECK(count(first) == first + 5 && count(2) == first + 7);
    CHECK(where(2) == (int64_t)(uintptr_t)davit_native_address(x->native, "counter"));
    int64_t now;
    memcpy(&now, davit_native_address(x->native, "counter"), sizeof now);
    CHECK(now == first + 7);
    u8 *area = (u8 *)(uintptr_t)where(0);
    CHECK((uintptr_t)area % AREA_ALIGN == 0 && area == davit_native_address(x->native, "area"));
    for (u32 i = 0; i < AREA_BYTES; i++) {
        CHECK(area[i] == 0);
        area[i] = (u8)first;
    }
    CHECK(where(1) == (int64_t)(uintptr_t)count);
}

static void wait_until(World *w, const u32 *what, u32 count)
{
    dv_mutex_lock(&w->lock);
    while (*what < count) {
        dv_cond_wait(&w->turn, &w->lock, 1000000);
    }
    dv_mutex_unlock(&w->lock);
}

static void count_up(World *w, u32 *what)
{
    dv_mutex_lock(&w->lock);
    ++*what;
    dv_mutex_unlock(&w->lock);
    dv_cond_signal(&w->turn);
}

/* Uses both modules; one of them is gone before the threads end, the other is freed after. */
static void work(void *context, u32 worker)
{
    World *w = context;
    use(&w->a, 100 * (worker + 1));
    use(&w->b, 100 * (worker + 1) + 50);
    w->areas[worker] = davit_native_address(w->a.native, "area");
    count_up(w, &w->used);
    if (worker == 0) {
        wait_until(w, &w->used, ARRAY_LEN(w->areas));
        for (u32 i = 0; i < ARRAY_LEN(w->areas); i++) {
            CHECK(w->areas[i][0] == (u8)(100 * (i + 1)));
        }
        native_free(&w->b);
        count_up(w, &w->freed);
    } else {
        wait_until(w, &w->freed, 1);
    }
    CHECK(native_func(&w->a, "count")(0) == 100 * (worker + 1) + 7);
}

static void each_thread_has_its_own(void **state)
{
    if (!DV_THREADS) {
        print_message("skip: no threads here\n");
        skip();
    }
    (void)state;
    static World w;
    native_new(&w.a, NULL);
    native_new(&w.b, NULL);
    define_all(&w.a, funcs);
    define_all(&w.b, funcs);
    assert_int_equal(davit_native_link(w.a.native, NULL, NULL), DAVIT_OK);
    assert_int_equal(davit_native_link(w.b.native, NULL, NULL), DAVIT_OK);
    dv_mutex_init(&w.lock);
    dv_cond_init(&w.turn);
    dv_threads_run(ARRAY_LEN(w.areas), work, &w);
    dv_cond_destroy(&w.turn);
    dv_mutex_destroy(&w.lock);
    /* Another module of the place that is free begins anew. */
    Native c;
    native_new(&c, NULL);
    define_all(&c, funcs);
    assert_int_equal(davit_native_link(c.native, NULL, NULL), DAVIT_OK);
    use(&c, 7);
    native_free(&c);
    assert_int_equal(native_func(&w.a, "count")(0), 107);
    native_free(&w.a);
}

static void none_is_imported(void **state)
{
    Native x;
    (void)state;
    native_new(&x, NULL);
    assert_int_equal(davit_native_declare(x.native, "counter", DAVIT_LINK_WEAK), DAVIT_OK);
    native_define(&x,
                  "function %address() -> i64 system_v {\n"
                  "    gv0 = symbol tls %counter\n"
                  "block0:\n"
                  "    v0 = tls_value.i64 gv0\n"
                  "    return v0\n"
                  "}\n",
                  DAVIT_LINK_EXPORT);
    assert_refused(&x, davit_native_link(x.native, NULL, NULL), "thread-local elsewhere");
    native_free(&x);
}

/* Threads have no room for it at a distance that code could know. */
static void no_other_model_is_linked(void **state)
{
    (void)state;
    for (uint8_t model = DAVIT_TLS_INITIAL_EXEC; model <= DAVIT_TLS_LOCAL_EXEC; model++) {
        davit_native_options_t options = {.tls_model = model};
        Native x;
        native_new(&x, &options);
        define_all(&x, funcs);
        assert_refused(&x, davit_native_link(x.native, NULL, NULL), "only object files have");
        native_free(&x);
    }
    davit_native_options_t options = {.tls_model = DAVIT_TLS_LOCAL_EXEC + 1};
    davit_context_t *context;
    davit_native_t *none;
    assert_int_equal(davit_context_new(NULL, &context), DAVIT_OK);
    assert_int_equal(davit_native_new(context, &options, &none), DAVIT_ERROR_INVALID);
    assert_null(none);
    davit_context_free(context);
}

/* An address in data is one address. */
static void none_is_in_data(void **state)
{
    static const int64_t five = 5;
    davit_native_data_t counter = {&five, 8, 8, DAVIT_DATA_TLS, NULL, 0};
    davit_data_address_t address = {0, "counter", 0};
    davit_native_data_t table = {NULL, 8, 8, DAVIT_DATA_READONLY, &address, 1};
    Native x;
    (void)state;
    native_new(&x, NULL);
    assert_int_equal(davit_native_define_data(x.native, "counter", DAVIT_LINK_LOCAL, &counter),
                     DAVIT_OK);
    assert_refused(&x, davit_native_define_data(x.native, "table", DAVIT_LINK_LOCAL, &table),
                   "has no one address");
    native_free(&x);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_made_and_freed),
#if IS_HOST
        cmocka_unit_test(each_thread_has_its_own),
        cmocka_unit_test(none_is_imported),
        cmocka_unit_test(no_other_model_is_linked),
        cmocka_unit_test(none_is_in_data),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
