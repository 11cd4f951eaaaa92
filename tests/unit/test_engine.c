/* test_engine.c - engines: the same calls on the evaluator and on every Pulley target in every dispatch form, with what
 * is set up before and left behind; what cannot run and why; tests of files on them. */
#include "clif_testing.h"

#include <signal.h>

#include "base/bytes.h"
#include "base/threads.h"
#include "rt/signals.h"
#include "tools/commands.h"
#include "tools/filetest.h"
#include "tools/filetest_internal.h"

static const char *const targets[] = {"eval",     "eval32",     "eval64be",  "pulley32",
                                      "pulley64", "pulley32be", "pulley64be"};

/* Says so at once: what an engine holds keeps the fixture from being taken down after a failure. */
static void expect_text(const char *got, const char *want)
{
    if (strcmp(got, want) != 0) {
        fprintf(stderr, "got:  %s\nwant: %s\n", got, want);
        fail();
    }
}

typedef void EngineTest(Fixture *f, Engine *e, const ClifFile *file);

static const char *host_target(void)
{
    bool big = dv_host_is_big();
    return sizeof(void *) == 8 ? (big ? "pulley64be" : "pulley64")
           : big               ? "pulley32be"
                               : "pulley32";
}

static void on_target(Fixture *f, const char *target, const char *text, EngineTest *test)
{
    ClifFile file = {0};
    Engine *engines[ENGINES_MAX] = {NULL};
    parse_good(&f->arena, str_of(text), &file);
    assert_in_range(dv_engine_count(target), 1, ENGINES_MAX);
    for (u32 i = 0; i < dv_engine_count(target); i++) {
        EngineOptions options = {
            .target = target, .variant = i, .max_steps = i == 0 ? 1000000 : 0, .like = engines[0]};
        engines[i] = dv_engine_new(&file, &f->arena, &options);
        test(f, engines[i], &file);
    }
    for (u32 i = ENGINES_MAX; i-- > 0;) {
        dv_engine_free(engines[i]);
    }
}

/* Runs the test on every engine; plain memory is this host's, so such text has one target. */
static void on_all(Fixture *f, const char *text, EngineTest *test)
{
    for (usize i = 0; i < ARRAY_LEN(targets); i++) {
        on_target(f, targets[i], text, test);
    }
}

static const ClifFunc *func_at(const ClifFile *file, u32 n)
{
    assert_in_range(n, 0, file->funcs.len - 1);
    return file->funcs.data[n];
}

static EvalValue value(Fixture *f, Type type, const char *text)
{
    u8 *bytes = ARENA_ARRAY(&f->arena, u8, TYPE_MAX_BYTES);
    const char *at = text, *expected;
    assert_true(dv_literal_parse(&f->arena, &at, text + strlen(text), type, bytes, &expected));
    return (EvalValue){type, bytes};
}

/* What a call gives, as text: "3, -1", "traps int_divz", "out of steps", "error: ...", "hole: ...". */
static const char *call(Fixture *f, Engine *e, const ClifFunc *func, const char *const *args)
{
    const Signature *sig = &func->func.sig;
    EvalValue *values = ARENA_ARRAY(&f->arena, EvalValue, sig->num_params);
    EngineResult result;
    TextBuf text;
    char name[16];
    for (u32 i = 0; i < sig->num_params; i++) {
        values[i] = value(f, sig->params[i].type, args[i]);
    }
    dv_engine_call(e, func, values, &f->arena, &result);
    dv_text_init(&text, &f->arena);
    switch (result.eval.outcome) {
    case EVAL_RETURNED:
        for (u32 i = 0; i < result.eval.num_values; i++) {
            dv_text_str(&text, i == 0 ? "" : ", ");
            dv_print_literal(&text, result.eval.values[i].type, result.eval.values[i].bytes);
        }
        break;
    case EVAL_TRAPPED:
        dv_text_printf(&text, "traps %s", dv_trap_name(result.eval.trap, name));
        break;
    case EVAL_OUT_OF_STEPS:
        dv_text_str(&text, "out of steps");
        break;
    default:
        dv_text_printf(&text, "%s: %s", result.is_hole ? "hole" : "error", result.eval.reason);
        break;
    }
    return text.data;
}

#define CALL(f, e, func, ...) call((f), (e), (func), (const char *const[]){__VA_ARGS__, NULL})

/* ---- values ---- */

static void check_values(Fixture *f, Engine *e, const ClifFile *file)
{
    dv_engine_reset(e, func_at(file, 0));
    expect_text(CALL(f, e, func_at(file, 0), "-1", "-2", "0x1.8p0", "5", "-0x1.0p-3", "7"),
                "7, -0x1.0000000000000p-3, 5, 0x1.800p0, -2, -1");
    expect_text(CALL(f, e, func_at(file, 1), "0x80", "0x80"), "-128, 128");
    expect_text(CALL(f, e, func_at(file, 2), "0x123456789abcdef00fedcba987654321"),
                "1147797409030816545, 1311768467463790320");
}

static void values_in_and_out(void **state)
{
    on_all(*state,
           "function %turn(i8, i16, f16, i128, f64, i64) -> i64, f64, i128, f16, i16, i8 wasm {\n"
           "block0(v0: i8, v1: i16, v2: f16, v3: i128, v4: f64, v5: i64):\n"
           " return v5, v4, v3, v2, v1, v0\n}\n"
           "function %wide(i8 sext, i8 uext) -> i64, i64 wasm {\nblock0(v0: i8, v1: i8):\n"
           " v2 = sextend.i64 v0\n v3 = uextend.i64 v1\n return v2, v3\n}\n"
           "function %halves(i128) -> i64, i64 wasm {\nblock0(v0: i128):\n"
           " v1, v2 = isplit v0\n return v1, v2\n}\n",
           check_values);
}

static void check_fits(Fixture *f, Engine *e, const ClifFile *file)
{
    static const struct {
        u16 type;
        const char *want, *got;
        bool exact, open;
    } rows[] = {
        {TYPE_I32, "1", "1", true, true},
        {TYPE_I32, "1", "2", false, false},
        {TYPE_F32, "+NaN", "-NaN", false, true},
        {TYPE_F32, "+NaN", "+NaN:0x5", false, true},
        {TYPE_F32, "+NaN", "+sNaN:0x5", false, false},
        {TYPE_F32, "+NaN", "Inf", false, false},
        {TYPE_F32, "-NaN", "+NaN", false, false},
        {TYPE_F32, "+NaN:0x1", "+NaN", false, false},
        {TYPE_F16, "+NaN", "-NaN:0x3", false, true},
        {TYPE_F64, "+NaN", "-NaN:0x3", false, true},
        {TYPE_F128, "+NaN", "-NaN:0x3", false, true},
        {TYPE_F32X4, "[1.0 +NaN 0.0 -NaN]", "[1.0 -NaN 0.0 -NaN]", false, true},
        {TYPE_F32X4, "[1.0 +NaN 0.0 -NaN]", "[1.0 -NaN 0.0 +NaN]", false, false},
        {TYPE_I64, "0x7ff8000000000000", "0xfff8000000000000", false, false},
    };
    (void)file;
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        EvalValue want = value(f, rows[i].type, rows[i].want);
        EvalValue got = value(f, rows[i].type, rows[i].got);
        assert_int_equal(dv_engine_value_fits(e, &want, &got),
                         e->exact_nans ? rows[i].exact : rows[i].open);
    }
    assert_int_equal(e->exact_nans, e->label[0] == '\0');
}

static void nans(void **state)
{
    on_target(*state, "eval", "", check_fits);
    on_target(*state, "pulley64", "", check_fits);
}

/* ---- the instance ---- */

static const char entities[] =
    "function %go(i32, i64) -> i32 wasm {\n sig0 = (i32) -> i32 wasm\n type0 = func (i32) -> i32, sig0\n"
    " heap0 = memory 1, index i32, min 1, max 3, page 0x100\n global0 = global 2, i64, mutable\n"
    " table0 = table 0, index i32, min 2, funcref\n data0 = data 1\n elem0 = elem 0\n"
    "block0(v0: i32, v1: i64):\n v2 = iconst.i32 0\n v3 = iconst.i32 2\n v9 = iconst.i32 1\n"
    " memory_init heap0, data0, v0, v2, v3\n v4 = global_get.i64 global0\n v5 = iadd v4, v1\n"
    " global_set global0, v5\n table_init table0, elem0, v9, v2, v9\n"
    " v6 = call_table table0, type0, v9(v0)\n v7 = memory_grow heap0, v9\n v8 = iadd v6, v7\n return v8\n}\n"
    "; elem: elem0 = [%callee]\n" /* its only mention */
    "function %callee(i32) -> i32 wasm {\nblock0(v0: i32):\n v1 = ineg v0\n return v1\n}\n"
    /* declares the same indices otherwise, and has nothing to do with the others */
    "function %other() -> i64 wasm {\n heap0 = memory 1, index i64, min 2, page 0x10000\n"
    "block0:\n v0 = memory_size.i64 heap0\n return v0\n}\n";

static void check_entities(Fixture *f, Engine *e, const ClifFile *file)
{
    const u8 *bytes;
    const u32 *elems;
    EvalValue global;
    u64 size;
    for (u32 round = 0; round < 2; round++) { /* a reset forgets */
        dv_engine_reset(e, func_at(file, 0));
        u32 ref = e->ops->func_ref(e, func_at(file, 1));
        assert_true(e->ops->set_memory(e, 1, 300));
        e->ops->memory(e, 1, &size)[299] = 7;
        assert_int_equal(size, 300);
        assert_true(e->ops->set_global(e, 2, value(f, TYPE_I64, "40")));
        assert_true(e->ops->set_data(e, 1, (const u8 *)"\x11\x22\x33", 3));
        assert_true(e->ops->set_elem(e, 0, &ref, 1));
        expect_text(CALL(f, e, func_at(file, 0), "256", "2"), "-255");
        assert_true(e->ops->global(e, 2, &global));
        assert_int_equal(global.bytes[0], 42);
        bytes = e->ops->memory(e, 1, &size);
        assert_int_equal(size, 512); /* whole pages when it has grown */
        assert_int_equal(bytes[255] << 16 | bytes[256] << 8 | bytes[257], 0x1122);
        assert_int_equal(bytes[299], 7);
        elems = e->ops->table(e, 0, &size);
        assert_int_equal(size, 2);
        assert_int_equal(elems[0], 0);
        assert_int_equal(elems[1], ref);
        expect_text(CALL(f, e, func_at(file, 0), "511", "2"), "traps heap_oob");
        expect_text(CALL(f, e, func_at(file, 0), "0", "2"), "2");
        assert_true(e->ops->global(e, 2, &global));
        assert_int_equal(global.bytes[0], 44);
    }
    dv_engine_reset(e, func_at(file, 2));
    expect_text(call(f, e, func_at(file, 2), NULL), "2");
}

static void instances(void **state)
{
    on_all(*state, entities, check_entities);
}

static void check_defaults(Fixture *f, Engine *e, const ClifFile *file)
{
    u64 size;
    dv_engine_reset(e, func_at(file, 0));
    expect_text(call(f, e, func_at(file, 0), NULL), "3, 5, 0");
    assert_non_null(e->ops->memory(e, 0, &size));
    assert_int_equal(size, 3 * 16);
    assert_false(e->ops->set_memory(e, 0, (u64)1 << 40));
    assert_false(e->ops->set_table(e, 0, (u64)1 << 40));
}

static void made_from_declarations(void **state)
{
    on_all(
        *state,
        "function %sizes() -> i32, i32, i64 wasm {\n heap0 = memory 0, index i32, min 3, page 16\n"
        " table0 = table 0, index i32, min 5, externref\n global0 = global 0, i64\n"
        "block0:\n v0 = memory_size.i32 heap0\n v1 = table_size.i32 table0\n"
        " v2 = global_get.i64 global0\n return v0, v1, v2\n}\n",
        check_defaults);
}

/* ---- outcomes ---- */

/* Loops and recursion of functions with a memory, natively too. */
static void check_endless(Fixture *f, Engine *e, const ClifFile *file)
{
    for (u32 i = 0; i < 2 && e->options.max_steps != 0; i++) {
        dv_engine_reset(e, func_at(file, i));
        expect_text(CALL(f, e, func_at(file, i), "4"), "out of steps");
    }
    dv_engine_reset(e, func_at(file, 2));
    expect_text(CALL(f, e, func_at(file, 2), "4"), "0"); /* all is well afterwards */
}

static void endless(void **state)
{
    static const char text[] =
        "function %loop(i32) {\n heap0 = memory 0, index i32, min 1, page 0x10000\n"
        "block0(v0: i32):\n heap_store heap0, v0, v0\n jump block1\n"
        "block1:\n jump block1\n}\n"
        "function %again(i32) tail {\n fn0 = %again(i32) tail\n"
        "block0(v0: i32):\n return_call fn0(v0)\n}\n"
        "function %once(i32) -> i32 {\n heap0 = memory 0, index i32, min 1, page 0x10000\n"
        "block0(v0: i32):\n v1 = heap_load.i32 heap0, v0\n return v1\n}\n";
    on_all(*state, text, check_endless);
    if (dv_engine_count("x86_64") != 0) {
        on_target(*state, "x86_64", text, check_endless);
    }
}

/* Without polls there is a limit of time: for loops that do nothing, that call, whose time is C functions'. */
static const char endless_text[] =
    "function %loop() {\nblock0:\n jump block1\nblock1:\n jump block1\n}\n"
    "function %calls(i64) {\n fn0 = %callee(i64, i64) -> i64 system_v\nblock0(v0: i64):\n jump block1(v0)\n"
    "block1(v1: i64):\n v2 = call fn0(v1, v0)\n jump block1(v2)\n}\n"
    "function %callee(i64, i64) -> i64 system_v {\nblock0(v0: i64, v1: i64):\n v2 = iadd v0, v1\n"
    " return v2\n}\n"
    "function %there(i64) -> i64 tail {\n fn0 = %back(i64, i64) -> i64 tail\nblock0(v0: i64):\n"
    " return_call fn0(v0, v0)\n}\n"
    "function %back(i64, i64) -> i64 tail {\n fn0 = %there(i64) -> i64 tail\nblock0(v0: i64, v1: i64):\n"
    " v2 = iadd v0, v1\n return_call fn0(v2)\n}\n"
    "function %floats(i64) {\nblock0(v9: i64):\n v0 = fcvt_from_sint.f64 v9\n jump block1(v0)\n"
    "block1(v1: f64):\n v2 = fma v1, v0, v0\n v3 = floor v2\n v4 = nearest v3\n jump block1(v4)\n}\n"
    "function %quads(i64) {\n const0 = 0x3fff0000000000000000000000000000\nblock0(v9: i64):\n"
    " v0 = f128const const0\n jump block1(v0)\n"
    "block1(v1: f128):\n v2 = sqrt v1\n v3 = fdiv v2, v0\n jump block1(v3)\n}\n"
    "function %once(i64) -> i64 {\n fn0 = %callee(i64, i64) -> i64 system_v\nblock0(v0: i64):\n"
    " v1 = call fn0(v0, v0)\n return v1\n}\n";

static void check_time(Fixture *f, const ClifFile *file, u32 variant, u8 allocator)
{
    static const u32 endless_funcs[] = {0, 1, 3, 5, 6};
    const EngineOptions options = {
        .target = "x86_64", .variant = variant, .allocator = allocator, .max_ns = 3000000};
    Engine *e = dv_engine_new(file, &f->arena, &options);
    for (usize i = 0; i < ARRAY_LEN(endless_funcs); i++) {
        dv_engine_reset(e, func_at(file, endless_funcs[i]));
        expect_text(CALL(f, e, func_at(file, endless_funcs[i]), "1"), "out of steps");
        expect_text(CALL(f, e, func_at(file, 7), "4"), "8"); /* all is well afterwards */
    }
    dv_engine_free(e);
}

static void endless_without_polls(void **state)
{
    Fixture *f = *state;
    ClifFile file = {0};
    parse_good(&f->arena, str_of(endless_text), &file);
    assert_true(dv_engine_count("x86_64") == 0 || dv_signals_renew());
    for (u32 i = 0; i < dv_engine_count("x86_64"); i++) {
        check_time(f, &file, i, ALLOCATOR_MAIN);
        check_time(f, &file, i, ALLOCATOR_FAST);
    }
}

/* Code that does not look at a limit of the stack uses it up, in small frames and in large ones. */
static const char deep_text[] =
    "function %small(i64) -> i64 {\n fn0 = %small(i64) -> i64\nblock0(v0: i64):\n brif v0, block1, block2\n"
    "block1:\n v1 = call fn0(v0)\n v2 = iadd v1, v0\n return v2\nblock2:\n return v0\n}\n"
    "function %large(i64) -> i64 {\n ss0 = explicit_slot 100000\n fn0 = %large(i64) -> i64\n"
    "block0(v0: i64):\n brif v0, block1, block2\n"
    "block1:\n v1 = call fn0(v0)\n v2 = iadd v1, v0\n return v2\nblock2:\n return v0\n}\n";

static void check_deep(Fixture *f, Engine *e, const ClifFile *file)
{
    for (u32 i = 0; i < 2; i++) {
        dv_engine_reset(e, func_at(file, i));
        expect_text(CALL(f, e, func_at(file, i), "1"), "traps stk_ovf");
        expect_text(CALL(f, e, func_at(file, i), "0"), "0");
    }
}

static void deep_without_limit(void **state)
{
    on_target(*state, "eval64", deep_text, check_deep);
    if (dv_engine_count("x86_64") != 0) {
        assert_true(dv_signals_renew());
        on_target(*state, "x86_64", deep_text, check_deep);
    }
}

enum { THREADS = 3, TURNS = 4 };

/* One thread's, with memory of its own. */
typedef struct Turns {
    Pool pool;
    Arena arena;
    ClifFile file, deep;
    u32 ended;
} Turns;

/* A thread may have it blocked. */
static void block_signal(void)
{
#ifdef SIGVTALRM
    sigset_t own;
    sigemptyset(&own);
    sigaddset(&own, SIGVTALRM);
    sigprocmask(SIG_BLOCK, &own, NULL);
#endif
}

static void call_often(void *context, u32 number)
{
    block_signal();
    Turns *t = (Turns *)context + number;
    const EngineOptions options = {.target = "x86_64", .max_ns = (1 + number) * 2000000};
    Engine *e = dv_engine_new(&t->file, &t->arena, &options);
    for (u32 i = 0; i < TURNS; i++) {
        EngineResult result;
        dv_engine_call(e, t->file.funcs.data[0], NULL, &t->arena, &result);
        t->ended += result.eval.outcome == EVAL_OUT_OF_STEPS;
    }
    dv_engine_free(e);
    e = dv_engine_new(&t->deep, &t->arena, &options);
    for (u32 i = 0; i < TURNS; i++) {
        const u8 one[8] = {1};
        const EvalValue value = {TYPE_I64, one};
        EngineResult result;
        dv_engine_call(e, t->deep.funcs.data[i % 2], &value, &t->arena, &result);
        t->ended += result.eval.outcome == EVAL_TRAPPED && result.eval.trap == TRAP_stk_ovf;
    }
    dv_engine_free(e);
}

static void endless_in_threads(void **state)
{
    Turns turns[THREADS];
    (void)state;
    if (dv_engine_count("x86_64") == 0) {
        skip();
    }
    assert_true(dv_signals_renew());
    for (u32 i = 0; i < THREADS; i++) {
        turns[i] = (Turns){.ended = 0};
        dv_pool_init(&turns[i].pool, NULL);
        dv_arena_init(&turns[i].arena, &turns[i].pool);
        parse_good(&turns[i].arena, str_of(endless_text), &turns[i].file);
        parse_good(&turns[i].arena, str_of(deep_text), &turns[i].deep);
    }
    dv_threads_run(THREADS, call_often, turns);
    for (u32 i = 0; i < THREADS; i++) {
        assert_int_equal(turns[i].ended, 2 * TURNS);
        dv_arena_release(&turns[i].arena);
        dv_pool_destroy(&turns[i].pool);
    }
}

static void time_for_steps(void **state)
{
    const u64 second = 1000000000;
    (void)state;
    assert_int_equal(dv_engine_time(0), 0); /* no limit */
    assert_int_equal(dv_engine_time(1), second);
    assert_int_equal(dv_engine_time(second), 100 * second);
    assert_true(dv_engine_time(UINT64_MAX) == UINT64_MAX);
}

static void check_outcomes(Fixture *f, Engine *e, const ClifFile *file)
{
    EngineResult result;
    dv_engine_reset(e, func_at(file, 0));
    expect_text(CALL(f, e, func_at(file, 0), "0"), "traps int_divz");
    expect_text(CALL(f, e, func_at(file, 0), "5"), "2");
    expect_text(call(f, e, func_at(file, 1), NULL), "traps exception");
    dv_engine_call(e, func_at(file, 2), NULL, &f->arena, &result);
    assert_int_equal(result.eval.outcome, EVAL_RETURNED);
    assert_int_equal(result.eval.fuel_used, 12);
    if (e->options.max_steps != 0) {
        expect_text(call(f, e, func_at(file, 3), NULL), "out of steps");
    }
    const char *said = call(f, e, func_at(file, 4), NULL);
    assert_ptr_equal(strstr(said, "error: "), said);
    assert_non_null(strstr(said, "%nowhere"));
    expect_text(CALL(f, e, func_at(file, 0), "5"), "2"); /* all is well afterwards */
}

static void outcomes(void **state)
{
    on_all(
        *state,
        "function %divide(i32) -> i32 wasm {\nblock0(v0: i32):\n v1 = iconst.i32 10\n"
        " v2 = sdiv v1, v0\n return v2\n}\n"
        "function %throws() wasm {\n sig0 = () wasm\n type0 = func (), sig0\n tag0 = tag 0, type0\n"
        "block0:\n throw tag0()\n}\n"
        "function %burns() wasm {\nblock0:\n fuel 5\n fuel 7\n return\n}\n"
        "function %loops() wasm {\nblock0:\n jump block1\nblock1:\n jump block1\n}\n"
        "function %misses() wasm {\n fn0 = %nowhere() wasm\nblock0:\n call fn0()\n return\n}\n",
        check_outcomes);
}

/* ---- library calls ---- */

static void check_libcalls(Fixture *f, Engine *e, const ClifFile *file)
{
    dv_engine_reset(e, func_at(file, 0));
    expect_text(CALL(f, e, func_at(file, 0), "0x1.4p0"), "0x1.000000p1");
    expect_text(CALL(f, e, func_at(file, 1), "2.0", "3.0", "0.5"), "0x1.a000000000000p2");
}

static void library_calls(void **state)
{
    on_all(*state,
           "function %ceil(f32) -> f32 wasm {\n fn0 = %CeilF32(f32) -> f32 wasm\n"
           "block0(v0: f32):\n v1 = call fn0(v0)\n return v1\n}\n"
           "function %fma(f64, f64, f64) -> f64 wasm {\n fn0 = %FmaF64(f64, f64, f64) -> f64 wasm\n"
           "block0(v0: f64, v1: f64, v2: f64):\n v3 = call fn0(v0, v1, v2)\n return v3\n}\n",
           check_libcalls);
}

/* ---- plain memory ---- */

static void check_plain(Fixture *f, Engine *e, const ClifFile *file)
{
    dv_engine_reset(e, func_at(file, 0));
    assert_true(e->is_raw);
    expect_text(CALL(f, e, func_at(file, 0), "0x0123456789abcdef"), "19088743, 1");
    dv_engine_reset(e, func_at(file, 1));
    assert_false(e->is_raw);
    expect_text(call(f, e, func_at(file, 1), NULL), "1");
}

static void check_other_plain(Fixture *f, Engine *e, const ClifFile *file)
{
    dv_engine_reset(e, func_at(file, 0));
    expect_text(CALL(f, e, func_at(file, 0), "1"),
                "hole: raw code for addresses of another width or byte order than this host's");
    expect_text(call(f, e, func_at(file, 1), NULL), "1"); /* needs no address */
}

static void plain_memory(void **state)
{
    static const char format[] =
        "function %%slots(i64) -> i32, i32 {\n ss0 = explicit_slot 32\n"
        " fn0 = %%Memcpy(%s, %s, %s) -> %s\n fn1 = %%Memcmp(%s, %s, %s) -> i32\n"
        "block0(v0: i64):\n v1 = stack_addr.%s ss0\n v2 = stack_addr.%s ss0+16\n v3 = iconst.%s 8\n"
        " store little v0, v1\n v4 = call fn0(v2, v1, v3)\n v5 = load.i32 little v2+4\n"
        " v6 = call fn1(v1, v4, v3)\n v7 = iconst.i32 0\n v8 = icmp eq v6, v7\n v9 = uextend.i32 v8\n"
        " return v5, v9\n}\n"
        "function %%one() -> i8 {\nblock0:\n v0 = iconst.i8 1\n return v0\n}\n";
    Fixture *f = *state;
    for (usize i = 0; i < ARRAY_LEN(targets); i++) {
        const char *t = targets[i];
        const char *p = strstr(t, "32") != NULL ? "i32" : "i64";
        const char *text = dv_arena_printf(&f->arena, format, p, p, p, p, p, p, p, p, p, p);
        if (strncmp(t, "pulley", 6) == 0) {
            on_target(f, t, text, strcmp(t, host_target()) == 0 ? check_plain : check_other_plain);
        }
    }
}

static void traps_at_plain_memory(void **state)
{
    static const struct {
        const char *text;
        bool is_plain;
    } rows[] = {
        {"function %f() -> i32 {\nblock0:\n v0 = iconst.i64 0\n v1 = load.i32 v0\n return v1\n}\n",
         true},
        {"function %f() -> i32 {\nblock0:\n v0 = iconst.i32 0\n trapz v0, heap_oob\n return v0\n}\n",
         false},
        {"function %f() -> i32 wasm {\n heap0 = memory 0, index i32, min 0, page 1\n"
         "block0:\n v0 = iconst.i32 0\n v1 = heap_load.i32 heap0, v0\n return v1\n}\n",
         false},
        {"function %f() {\n fn0 = %Memcpy(i64, i64, i64) -> i64\n"
         "block0:\n v0 = iconst.i64 9\n v1 = call fn0(v0, v0, v0)\n return\n}\n",
         true},
        {"function %f() wasm {\nblock0:\n trap stk_ovf\n}\n", false},
        {"function %f() {\n ss0 = explicit_slot 24, align = 8\n fn0 = %g(i64)\nblock0:\n"
         " v0 = stack_addr.i64 ss0\n v1 = func_addr.i64 fn0\n store v1, v0+16\n"
         " v2 = stack_switch v0, v0, v1\n return\n}\n"
         "function %g(i64) {\n ss0 = explicit_slot 16\nblock0(v0: i64):\n trap user1\n}\n",
         true},
    };
    Fixture *f = *state;
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        ClifFile file = {0};
        EngineResult result;
        parse_good(&f->arena, str_of(rows[i].text), &file);
        Engine *e = dv_engine_new(&file, &f->arena, &(EngineOptions){.target = "eval64"});
        dv_engine_call(e, func_at(&file, 0), NULL, &f->arena, &result);
        assert_int_equal(result.eval.outcome, EVAL_TRAPPED);
        assert_int_equal(dv_engine_trapped_at_plain_memory(&result.eval), rows[i].is_plain);
        dv_engine_free(e);
    }
}

/* ---- tests of files ---- */

/* What `davit test` says of the file, a line a unit: "3 pass run pulley64". */
static const char *run_file(Fixture *f, const char *target, const char *text)
{
    FiletestOptions options = {.target = target, .max_steps = 100000};
    FiletestOutput output = {.status = DAVIT_OK};
    TextBuf said;
    static const char *const verdicts[] = {"pass", "fail", "skip", "differs"};
    dv_filetest_run("test.clif", str_of(text), &options, &f->arena, &f->pool, &output);
    assert_int_equal(output.status, DAVIT_OK);
    dv_text_init(&said, &f->arena);
    for (u32 i = 0; i < output.units.len; i++) {
        const Unit *unit = &output.units.data[i];
        dv_text_printf(&said, "%u %s %s%s%s\n", (unsigned)unit->line, verdicts[unit->verdict],
                       unit->command, *unit->reason ? ": " : "", unit->reason);
    }
    return said.data;
}

static void files_of_tests(void **state)
{
    Fixture *f = *state;
    expect_text(run_file(f, "pulley64",
                         "test run\nfunction %f(i32) -> i32 wasm {\n"
                         " global0 = global 0, i32, mutable\nblock0(v0: i32):\n"
                         " global_set global0, v0\n return v0\n}\n"
                         "; run: %f(1) == 1\n; after: global0 == 1\n"
                         "; run: %f(2) == 3\n; after: global0 == 2\n; print: %f(4)\n"),
                "8 pass run\n9 pass after\n"
                "10 fail run: switch dispatch: expected %f(2) == 3, but it gives 2\n"
                "11 pass after\n12 pass run: == 4\n");
    expect_text(
        run_file(f, "pulley64",
                 "test run\nfunction %f(i32) -> i32 wasm {\n"
                 " global0 = global 0, i32, mutable\nblock0(v0: i32):\n"
                 " v1 = splat.i32x4 v0\n v2 = extractlane v1, 0\n"
                 " global_set global0, v0\n return v2\n}\n"
                 "; run: %f(1) == 1\n; after: global0 == 1\n"),
        "10 skip run: v1: operation splat on type i32x4 is not supported by target pulley64\n"
        "11 skip after: v1: operation splat on type i32x4 is not supported by target pulley64\n");
}

static const char *run_file_of_evaluator(Fixture *f, const char *target)
{
    return run_file(f, target,
                    "test interpret\ntarget eval\nfunction %f() -> i8 {\n"
                    "block0:\n v0 = iconst.i8 1\n return v0\n}\n; run\n");
}

static void files_for_the_evaluator(void **state)
{
    expect_text(run_file_of_evaluator(*state, "eval32"), "8 pass run\n");
    expect_text(run_file_of_evaluator(*state, "pulley64"),
                "8 skip run: the file is for the evaluator alone\n");
}

/* A line that names features of a processor is one of its target. */
static void files_that_name_features(void **state)
{
    const char *expected =
        dv_engine_count("x86_64") == 0
            ? "3 pass round-trip\n8 skip run: this build cannot execute the target\n"
              "9 skip run: this build cannot execute the target\n"
            : "3 pass round-trip\n8 pass run\n"
              "9 fail run: baseline: expected %f(2) == 5, but it gives 4\n";
    expect_text(run_file(*state, NULL,
                         "test run\ntarget x86_64 has_avx2\nfunction %f(i32) -> i32 {\n"
                         "block0(v0: i32):\n v1 = iadd v0, v0\n return v1\n}\n"
                         "; run: %f(1) == 2\n; run: %f(2) == 5\n"),
                expected);
}

/* ---- davit diff ---- */

static int diff(Fixture *f, const char *path)
{
    char runs[] = "--runs", two[] = "2";
    char *argv[] = {runs, two, dv_arena_strdup(&f->arena, path, strlen(path))};
    Command command = {.argc = 3, .argv = argv, .arena = &f->arena};
    return dv_cmd_diff(&command);
}

static void differences(void **state)
{
    assert_int_equal(diff(*state, "examples/fib.clif"), EXIT_OK);
    assert_int_equal(diff(*state, "tests/clif/run/nothing_there.clif"), EXIT_FAILED);
    assert_int_equal(diff(*state, "tests/commands/settings.clif"), EXIT_FAILED);
    /* addresses of code differ where they are this process's */
    int expected = sizeof(void *) == 8 ? EXIT_FAILED : EXIT_OK;
    assert_int_equal(diff(*state, "tests/clif/run/eval_addresses.clif"), expected);
    /* those of stack slots, too, and what is past them; but the evaluator tells */
    assert_int_equal(diff(*state, "tests/clif/run/native_frame.clif"), EXIT_OK);
    assert_int_equal(diff(*state, "tests/clif/run/stack.clif"), EXIT_OK);
}

/* Where a trap stands for what a process does not survive, the test is not run. */
static void tests_that_leave_plain_memory(void **state)
{
    static const char text[] = "test run\nfunction %%f(%s) -> i32 {\nblock0(v0: %s):\n"
                               " v1 = load.i32 v0\n return v1\n}\n; run: %%f(0) traps heap_oob\n";
    Fixture *f = *state;
    const char *type = sizeof(void *) == 8 ? "i64" : "i32";
    expect_text(run_file(f, host_target(), dv_arena_printf(&f->arena, text, type, type)),
                "7 skip run: raw code does not check accesses of plain memory\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(values_in_and_out),
        UNIT_TEST(nans),
        UNIT_TEST(instances),
        UNIT_TEST(made_from_declarations),
        UNIT_TEST(endless),
        UNIT_TEST(endless_without_polls),
        UNIT_TEST(deep_without_limit),
        UNIT_TEST(endless_in_threads),
        UNIT_TEST(time_for_steps),
        UNIT_TEST(outcomes),
        UNIT_TEST(library_calls),
        UNIT_TEST(plain_memory),
        UNIT_TEST(traps_at_plain_memory),
        UNIT_TEST(files_of_tests),
        UNIT_TEST(files_for_the_evaluator),
        UNIT_TEST(files_that_name_features),
        UNIT_TEST(differences),
        UNIT_TEST(tests_that_leave_plain_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
