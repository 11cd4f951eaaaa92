/* test_wasm_compile_threads.c - compiling with several threads: the same artifact, the same error, all memory given back, whatever the
 * number of threads. The allocator of the tests knows of no threads, which the ThreadSanitizer would see. */
#include "wasm_compile_testing.h"

#include "wasm/format/reader.h"

enum { FUNCS = 60 };
static const u32 job_counts[] = {1, 2, 7, 300};

/* Functions of different sizes that call each other; `bad` marks those that are invalid. */
static WasmModule *make_module(Fixture *x, const char *bad)
{
    TextBuf text;
    dv_text_init(&text, &x->arena);
    dv_text_str(&text, "(module (memory 1) (table 3 funcref)");
    for (u32 i = 0; i < FUNCS; i++) {
        dv_text_printf(&text, "(func $f%u (param i32) (result i32) (local i64) ", (unsigned)i);
        for (u32 k = 0; k < i * 7 % 23; k++) {
            dv_text_printf(&text,
                           "(if (i32.load offset=%u (local.get 0)) (then (local.set 0 (call $f%u "
                           "(i32.add (local.get 0) (i32.const %u))))))",
                           (unsigned)k, (unsigned)((i * 11 + k) % FUNCS), (unsigned)(k * 1000));
        }
        dv_text_str(&text, bad[i % strlen(bad)] == '!' ? "(i64.const 1))" : "(local.get 0))");
    }
    dv_text_str(&text, ")");
    return decode_text(x, text.data, dv_wasm_features_run());
}

static void test_same_bytes(void **state)
{
    Fixture *x = *state;
    WasmModule *m = make_module(x, ".");
    for (u32 way = 0; way < 8; way++) {
        WasmCompileOptions options = plain_options;
        options.fast = (way & 1) != 0;
        options.metered = (way & 2) != 0;
        options.strip = (way & 4) != 0;
        ByteBuf first = compile_good(x, m, &options);
        for (u32 i = 0; i < ARRAY_LEN(job_counts); i++) {
            options.jobs = job_counts[i];
            ByteBuf again = compile_good(x, m, &options);
            assert_int_equal(again.len, first.len);
            assert_memory_equal(again.data, first.data, first.len);
        }
    }
}

/* A module without functions, and one with fewer than threads. */
static void test_few_functions(void **state)
{
    Fixture *x = *state;
    WasmCompileOptions options = plain_options;
    options.jobs = 7;
    compile_good(x, decode_text(x, "(module)", FEATURES_NONE), &options);
    compile_good(x, decode_text(x, "(module (func) (func))", FEATURES_NONE), &options);
}

static void check_error(Fixture *x, WasmModule *m, u32 func, u32 rounds)
{
    for (u32 i = 0; i < rounds; i++) {
        WasmCompileOptions options = plain_options;
        ByteBuf out;
        WasmError error, wanted;
        const char *message = compile_error(x, m, &options, &out, &wanted);
        options.jobs = job_counts[i % ARRAY_LEN(job_counts)];
        const char *same = compile_error(x, m, &options, &out, &error);
        assert_non_null(message);
        assert_non_null(same);
        assert_string_equal(message, same);
        assert_int_equal(error.func, func);
        assert_int_equal(wanted.func, func);
        assert_int_equal(error.offset, wanted.offset);
        assert_int_equal(error.missing, FEATURE_COUNT);
    }
}

/* Many functions are wrong: the first one is told. */
static void test_first_error(void **state)
{
    check_error(*state, make_module(*state, "!"), 0, 40);
    check_error(*state, make_module(*state, "....!!!.!"), 4, 40);
    check_error(*state, make_module(*state, "..............................!!"), 30, 40);
}

/* No function has too many locals, all of them together have; and functions that come earlier or later are wrong besides. */
static WasmModule *make_locals(Fixture *x, u32 bad, u32 count)
{
    ByteBuf out;
    u32 size = 2 + count * 8;
    dv_bytebuf_init(&out, &x->arena);
    dv_bytebuf_bytes(&out, "\0asm\1\0\0\0\1\4\1\x60\0\0\3", 15);
    u8 head[] = {(u8)((count + 2) | 0x80), (u8)((count + 2) >> 7), (u8)(count | 0x80),
                 (u8)(count >> 7)};
    dv_bytebuf_bytes(&out, head, sizeof head);
    dv_bytebuf_zeros(&out, count);
    u8 code[] = {10,
                 (u8)(size | 0x80),
                 (u8)(size >> 7 | 0x80),
                 (u8)(size >> 14),
                 (u8)(count | 0x80),
                 (u8)(count >> 7)};
    dv_bytebuf_bytes(&out, code, sizeof code);
    for (u32 i = 0; i < count; i++) {
        /* 50000 locals; a nop, or a drop of nothing */
        dv_bytebuf_bytes(&out, "\7\1\xd0\x86\3\x7f", 6);
        dv_bytebuf_u8(&out, i == bad ? 0x1a : 0x01);
        dv_bytebuf_u8(&out, 0x0b);
    }
    return decode_bytes(x, out.data, out.len, FEATURES_NONE);
}

static void test_all_locals(void **state)
{
    Fixture *x = *state;
    u32 fit = 0;
    WasmModule *m = make_locals(x, 1000, 1000);
    while (dv_wasm_locals_fit(m, (u64)(fit + 1) * 50000)) {
        fit++;
    }
    assert_in_range(fit, 1, 999);
    check_error(x, m, fit, 3);
    check_error(x, make_locals(x, fit + 1, 1000), fit, 3);
    check_error(x, make_locals(x, 1, 1000), 1, 3);
}

/* ---- memory ---- */

static void compile_for_escape(Fixture *x)
{
    WasmCompileOptions options = plain_options;
    options.jobs = 3;
    compile_good(x, make_module(x, "."), &options);
}

/* Wherever memory runs out, in whichever thread: everything is given back, and the escape goes on. */
static void test_out_of_memory(void **state)
{
    Fixture *x = *state;
    davit_status_t status = DAVIT_ERROR_MEMORY;
    u32 failures = 0;
    for (u64 n = 1; status != DAVIT_OK; n += 1 + n / 8) {
        x->pool.chunk_count = 0;
        x->pool.fail_after = n;
        status = escape_of(x, compile_for_escape);
        assert_true(status == DAVIT_OK || status == DAVIT_ERROR_MEMORY);
        failures += status != DAVIT_OK;
        dv_arena_release(&x->arena);
        dv_pool_trim(&x->pool);
        assert_int_equal(x->live_blocks, 0);
        assert_int_equal(x->pool.used_bytes, 0);
    }
    assert_true(failures > 3);
}

static void test_limit(void **state)
{
    Fixture *x = *state;
    make_module(x, "."); /* what reading takes is in the pool from now on */
    dv_arena_release(&x->arena);
    x->pool.limit_bytes = x->pool.used_bytes + 1;
    assert_int_equal(escape_of(x, compile_for_escape), DAVIT_ERROR_LIMIT);
    x->pool.limit_bytes = 0;
}

/* ---- progress ---- */

typedef struct Progress {
    u32 calls;
    bool is_wrong;
} Progress;

static void note_progress(void *context, u32 done, u32 all)
{
    Progress *p = context;
    p->calls++;
    p->is_wrong = p->is_wrong || done != p->calls || all != FUNCS;
}

static void test_progress(void **state)
{
    Fixture *x = *state;
    Progress progress = {0, false};
    WasmCompileOptions options = plain_options;
    options.jobs = 4;
    options.on_progress = note_progress;
    options.progress_context = &progress;
    compile_good(x, make_module(x, "."), &options);
    assert_int_equal(progress.calls, FUNCS);
    assert_false(progress.is_wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_same_bytes), UNIT_TEST(test_few_functions), UNIT_TEST(test_first_error),
        UNIT_TEST(test_all_locals), UNIT_TEST(test_out_of_memory), UNIT_TEST(test_limit),
        UNIT_TEST(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
