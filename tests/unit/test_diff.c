/* test_diff.c - `davit diff` of Wasm modules: engines agree on tests/diff wherever the fuel ends, and what would differ is told. */
#include "wasm_compile_testing.h"

#include "rt/signals.h"
#include "tools/commands.h"
#include "tools/diff.h"
#include "wasm/runtime/native.h"

/* ---- the command ---- */

/* The test library puts in its own handlers of signals for each test. */
static int diff(Fixture *f, const char *path, const char *steps)
{
    assert_true(!dv_native_is_supported() || dv_signals_renew());
    char runs[] = "--runs", two[] = "2", option[] = "--steps";
    char *argv[] = {runs, two, option, dv_arena_strdup(&f->arena, steps, strlen(steps)),
                    dv_arena_strdup(&f->arena, path, strlen(path))};
    Command command = {.argc = 5, .argv = argv, .arena = &f->arena};
    return dv_cmd_diff(&command);
}

static void engines_agree(void **state)
{
    static const char *const files[] = {"tests/diff/fuel.wat", "tests/diff/traps.wat",
                                        "tests/diff/host.wat", "tests/diff/values.wat",
                                        "tests/diff/start.wat"};
    for (usize i = 0; i < ARRAY_LEN(files); i++) {
        assert_int_equal(diff(*state, files[i], "20000"), EXIT_OK);
    }
}

/* Fuel ends in the middle of loops, calls and accesses. */
static void engines_agree_when_fuel_ends(void **state)
{
    static const char *const steps[] = {"1",  "7",  "18",  "29",  "41",
                                        "60", "83", "118", "141", "200"};
    for (usize i = 0; i < ARRAY_LEN(steps); i++) {
        assert_int_equal(diff(*state, "tests/diff/fuel.wat", steps[i]), EXIT_OK);
        assert_int_equal(diff(*state, "tests/diff/traps.wat", steps[i]), EXIT_OK);
    }
}

static void what_is_no_module(void **state)
{
    assert_int_equal(diff(*state, "tests/commands/typo.wat", "10"), EXIT_FAILED);
    assert_int_equal(diff(*state, "tests/commands/mismatch.wat", "10"), EXIT_FAILED);
    assert_int_equal(diff(*state, "tests/commands/nothing_there.wat", "10"), EXIT_FAILED);
}

/* ---- what is told ---- */

#define PAIR \
    "(module (memory (export \"m\") 1 3) (memory 1) (global (mut i32) (i32.const 7)) " \
    "(global $f (export \"f\") (mut f64) (f64.const 1.5)) (table 5 10 funcref) (elem (i32.const 1) $a) " \
    "(func $a) (func $b) (elem declare func $b) (export \"b\" (func $b)))"

typedef struct Pair {
    RtStore *stores[2];
    RtInstance *instances[2];
} Pair;

static RtInstance *open_instance(Fixture *f, RtStore **store)
{
    RtStoreConfig config = {.stack_bytes = 0};
    WasmModule *m = decode_text(f, PAIR, dv_wasm_features_run());
    ByteBuf artifact = compile_good(f, m, &plain_options);
    RtModule *module;
    RtInstance *instance;
    RtTrap *trap;
    RtError error;
    assert_int_equal(dv_rt_module_load(NULL, artifact.data, artifact.len, 0, &module, &error),
                     DAVIT_OK);
    assert_int_equal(dv_rt_store_new(&config, store), DAVIT_OK);
    assert_int_equal(dv_rt_instantiate(*store, module, NULL, 0, &instance, &trap, &error),
                     DAVIT_OK);
    dv_rt_module_release(module);
    return instance;
}

static Pair open_pair(Fixture *f)
{
    Pair pair;
    for (u32 i = 0; i < 2; i++) {
        pair.instances[i] = open_instance(f, &pair.stores[i]);
    }
    return pair;
}

static void close_pair(Pair *pair)
{
    for (u32 i = 0; i < 2; i++) {
        dv_rt_store_release(pair->stores[i]);
    }
}

static void expect_told(Fixture *f, const Pair *pair, const char *text)
{
    const char *what = dv_diff_instances(pair->instances[0], pair->instances[1], &f->arena);
    if (text == NULL) {
        assert_null(what);
    } else {
        assert_non_null(what);
        assert_string_equal(what, text);
    }
}

static void memories(void **state)
{
    Pair pair = open_pair(*state);
    RtExtern e;
    u64 old;
    assert_true(dv_rt_instance_find(pair.instances[1], str_of("m"), &e));
    u8 *bytes = dv_rt_memory_data(e.of.memory);
    expect_told(*state, &pair, NULL);
    bytes[65535] = 0x12;
    expect_told(*state, &pair,
                "memory 0 at 0xffff holds 00 00 00 00 00 00 00 00 [12], not 00 00 00 00 00 00 00 "
                "00 [00] (exported as \"m\")");
    bytes[2] = 9;
    expect_told(*state, &pair,
                "memory 0 at 0x2 holds 00 00 [09] 00 00 00 00 00 00 00 00, not 00 00 [00] 00 00 00 "
                "00 00 00 00 00 (exported as \"m\")");
    bytes[65535] = bytes[2] = 0;
    dv_rt_instance_interp(pair.instances[1])->memories[1]->base[0] = 1;
    expect_told(*state, &pair,
                "memory 1 at 0x0 holds [01] 00 00 00 00 00 00 00 00, not [00] 00 00 00 00 00 00 00 "
                "00");
    assert_true(dv_rt_memory_grow(e.of.memory, 1, &old));
    expect_told(*state, &pair, "memory 0 has 131072 bytes, not 65536 (exported as \"m\")");
    close_pair(&pair);
}

/* Any NaN stands for any other, at its own alignment. */
static void nans_in_memories(void **state)
{
    static const struct {
        u32 at;
        u64 bits[2];
        bool same;
    } rows[] = {
        {8, {0x7ff8000000000000, 0xfff8000000000001}, true},
        {16, {0x7fc000007f800001, 0xffc00000ffc12345}, true},  /* two of 32 bits */
        {24, {0x7ff0000000000000, 0xfff8000000000000}, false}, /* an infinity */
        {36, {0x7ff8000000000000, 0xfff8000000000001}, false},
        {40, {0x7f80000000000000, 0xffc0000000000000}, false},
    };
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        Pair pair = open_pair(*state);
        for (u32 k = 0; k < 2; k++) {
            store_le64(dv_rt_instance_interp(pair.instances[k])->memories[0]->base + rows[i].at,
                       rows[i].bits[k]);
        }
        const char *what =
            dv_diff_instances(pair.instances[0], pair.instances[1], &((Fixture *)*state)->arena);
        assert_true((what == NULL) == rows[i].same);
        close_pair(&pair);
    }
}

static void globals_and_tables(void **state)
{
    Pair pair = open_pair(*state);
    const InterpInstance *vm = dv_rt_instance_interp(pair.instances[1]);
    u32 *elems = vm->tables[0]->elems, first = elems[1];
    RtExtern e;
    vm->globals[0][0] = 8;
    expect_told(*state, &pair, "global 0 is 8, not 7");
    vm->globals[0][0] = 7 | (u64)1 << 32; /* of 32 bits */
    expect_told(*state, &pair, NULL);
    vm->globals[1][0] = (u64)1 << 63;
    expect_told(*state, &pair, "global 1 is -0, not 1.5 (exported as \"f\")");
    vm->globals[1][0] = (u64)0x3ff8 << 48;
    elems[2] = first;
    expect_told(*state, &pair, "table 0 holds another reference at 2");
    elems[2] = 0;
    assert_true(dv_rt_instance_find(pair.instances[1], str_of("b"), &e));
    elems[1] = e.of.func->handle;
    expect_told(*state, &pair, "table 0 holds another reference at 1");
    elems[1] = first;
    expect_told(*state, &pair, NULL);
    close_pair(&pair);
}

static void values(void **state)
{
    static const struct {
        ValType type;
        RtVal want, got;
        bool same;
    } rows[] = {
        {VT_I32, {5, 0}, {5 | (u64)1 << 40, 0}, true},
        {VT_I64, {5, 0}, {5 | (u64)1 << 40, 0}, false},
        {VT_F32, {0x7fc00000, 0}, {0xff800001, 0}, true},
        {VT_F32, {0x7f800000, 0}, {0xff800001, 0}, false},
        {VT_F32, {0, 0}, {0x80000000, 0}, false},
        {VT_F64, {(u64)0x7ff8 << 48, 0}, {(u64)0xfff0 << 48 | 1, 0}, true},
        {VT_F64, {(u64)0x7ff0 << 48, 0}, {(u64)0x7ff8 << 48, 0}, false},
        {VT_V128, {1, 2}, {1, 3}, false},
        {VT_EXTERNREF, {0, 0}, {0, 0}, true},
        {VT_EXTERNREF, {0, 0}, {5, 0}, false},
    };
    Pair pair = open_pair(*state);
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(dv_diff_same_value(pair.stores[0], rows[i].want, pair.stores[1], rows[i].got,
                                       rows[i].type) == rows[i].same);
    }
    close_pair(&pair);
}

static void traps(void **state)
{
    Fixture *f = *state;
    RtFrame frames[] = {{.func = 3, .func_offset = 5, .module_offset = 0x45},
                        {.func = 1, .func_offset = 2, .module_offset = 0x20}};
    RtFrame others[] = {frames[0], {.func = 1, .func_offset = 3, .module_offset = 0x21}};
    RtTrap want = {.code = 7, .message = "one", .num_frames = 2, .frames = frames};
    RtTrap got = want;
    assert_null(dv_diff_traps(&want, &got, &f->arena));
    assert_null(dv_diff_traps(NULL, NULL, &f->arena));
    assert_string_equal(dv_diff_traps(NULL, &got, &f->arena), "it should return");
    assert_string_equal(dv_diff_traps(&want, NULL, &f->arena), "it should trap");
    got.frames = others;
    assert_string_equal(dv_diff_traps(&want, &got, &f->arena),
                        "frame 1 is function 1 at offset 0x21, not function 1 at 0x20");
    got.num_frames = 1;
    assert_string_equal(dv_diff_traps(&want, &got, &f->arena), "the backtrace has 1 frames, not 2");
    got.code = 8;
    assert_string_equal(dv_diff_traps(&want, &got, &f->arena), "the traps differ");
}

static void hosts(void **state)
{
    Fixture *f = *state;
    DiffHost *want = ARENA_NEW(&f->arena, DiffHost);
    DiffHost *got = ARENA_NEW(&f->arena, DiffHost);
    want->num_calls = got->num_calls = 2;
    assert_null(dv_diff_host_compare(want, got, &f->arena));
    got->log[1] = 1;
    assert_string_equal(dv_diff_host_compare(want, got, &f->arena),
                        "call 2 of an imported function names another, or other arguments");
    got->log[1] = 0;
    got->num_calls = 3;
    assert_string_equal(dv_diff_host_compare(want, got, &f->arena),
                        "3 calls of imported functions, not the same 2");
    got->num_calls = 2;
    want->output_bytes = got->output_bytes = 4;
    got->output[3] = 'x';
    assert_string_equal(dv_diff_host_compare(want, got, &f->arena),
                        "byte 3 of the output is 0x78, not 0x00");
    got->output_bytes = 3;
    assert_string_equal(dv_diff_host_compare(want, got, &f->arena),
                        "3 bytes of output, not the same 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(engines_agree),
        UNIT_TEST(engines_agree_when_fuel_ends),
        UNIT_TEST(what_is_no_module),
        UNIT_TEST(memories),
        UNIT_TEST(nans_in_memories),
        UNIT_TEST(globals_and_tables),
        UNIT_TEST(values),
        UNIT_TEST(traps),
        UNIT_TEST(hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
