/* test_wasm_compile_native.c - Wasm to machine code: what is in the artifact, that nothing is left to relocate, adapters, threads. */
#include "wasm_compile_testing.h"

#include "codegen/isa/x64/x64_isa.h"
#include "wasm/compile/native.h"

static const WasmCompileOptions native_options = {.target = "x86_64", .verify = true};

#define MIXED \
    "(module (type $a (func (param i32 i64) (result i64))) (type $b (func (param i32 i64) (result i64))) " \
    "(type $c (func)) (import \"m\" \"f\" (func $f (type $c))) (memory 1) (memory i64 1) " \
    "(func $g (type $a) (i64.add (i64.load (local.get 0)) (call $h (local.get 0) (local.get 1)))) " \
    "(func $h (type $b) (call $f) (if (local.get 0) (then (unreachable))) (call $g (i32.const 1) (local.get 1))))"

static void test_sections(void **state)
{
    Fixture *x = *state;
    WasmModule *m = decode_text(x, MIXED, dv_wasm_features_run());
    ByteBuf out = compile_good(x, m, &native_options);
    assert_int_equal(load_le32(out.data + 12), ARTIFACT_NATIVE);
    assert_null(section_of(&out, ARTIFACT_CODE).data);
    Section head = section_of(&out, ARTIFACT_NATIVE_HEAD);
    assert_int_equal(head.count, 2);
    assert_int_equal(head.size, ARTIFACT_NATIVE_HEAD_BYTES + 2 * ARTIFACT_MEMORY_MODE_BYTES);
    assert_int_equal(load_le32(head.data), ARTIFACT_X64);
    assert_int_equal(load_le32(head.data + 4), VM_VERSION);
    assert_int_equal(load_le32(head.data + 16), ARTIFACT_MEMORY_STATIC);
    assert_int_equal(load_le32(head.data + 20), ARTIFACT_MEMORY_DYNAMIC);
    Section code = section_of(&out, ARTIFACT_NATIVE_CODE),
            funcs = section_of(&out, ARTIFACT_NATIVE_FUNCS);
    assert_int_equal(funcs.count, 2);
    u32 end = 0;
    for (u32 i = 0; i < 2; i++) {
        u32 start = load_le32(funcs.data + 8 * i);
        assert_true(start >= end && start % 16 == 0);
        end = start + load_le32(funcs.data + 8 * i + 4);
        assert_in_range(end, start + 1, code.size);
    }
    Section traps = section_of(&out, ARTIFACT_NATIVE_TRAPS);
    assert_true(traps.count >= 2);
    for (u32 i = 1; i < traps.count; i++) {
        assert_true(load_le32(traps.data + 8 * i) > load_le32(traps.data + 8 * i - 8));
    }
    /* types $a and $b are one */
    Section adapters = section_of(&out, ARTIFACT_NATIVE_ADAPTERS);
    assert_int_equal(adapters.count, 2);
    assert_int_equal(load_le32(adapters.data), 0);
    assert_int_equal(load_le32(adapters.data + 12), 2);
    for (u32 i = 0; i < 2; i++) {
        assert_in_range(load_le32(adapters.data + 12 * i + 4), end, code.size - 1);
        assert_in_range(load_le32(adapters.data + 12 * i + 8), end, code.size - 1);
    }
}

/* Code begins as its row says; functions that call keep their context above other registers. */
static void test_prologues(void **state)
{
    static const u8 set_frame[] = {0x48, 0x8b, 0xec}; /* mov rbp, rsp */
    enum { PUSH_RBP = 0x55, PUSH = 0x50, ENDBR_BYTES = 4 };
    Fixture *x = *state;
    WasmModule *m = decode_text(x, MIXED, dv_wasm_features_run());
    ByteBuf out = compile_good(x, m, &native_options);
    Section code = section_of(&out, ARTIFACT_NATIVE_CODE),
            funcs = section_of(&out, ARTIFACT_NATIVE_FUNCS),
            adapters = section_of(&out, ARTIFACT_NATIVE_ADAPTERS),
            rows = section_of(&out, ARTIFACT_NATIVE_PROLOGUES);
    assert_int_equal(rows.count, 2 + 2 * adapters.count);
    assert_int_equal(rows.size, rows.count * ARTIFACT_PROLOGUE_BYTES);
    u32 keepers[2] = {0, 0};
    for (u32 i = 0; i < rows.count; i++) {
        const u8 *row = rows.data + (usize)ARTIFACT_PROLOGUE_BYTES * i;
        u32 offset = load_le32(row), framed = load_le32(row + 4), kept = load_le32(row + 8);
        u32 regs = load_le16(row + 12), words = load_le16(row + 14);
        bool is_func = i < 2;
        const u8 *place =
            is_func ? funcs.data + 8 * i : adapters.data + 12 * ((i - 2) / 2) + 4 + 4 * (i % 2);
        assert_int_equal(offset, load_le32(place));
        assert_true(framed == 1 || framed == 1 + ENDBR_BYTES);
        assert_int_equal(code.data[offset + framed - 1], PUSH_RBP);
        assert_memory_equal(code.data + offset + framed, set_frame, sizeof set_frame);
        if (regs == 0) {
            assert_int_equal(kept, framed + sizeof set_frame);
        } else { /* the last push is of the highest */
            u32 last = 31 - dv_clz32(regs);
            assert_int_equal(code.data[offset + kept - 1], PUSH + last % 8);
            assert_int_equal(words, is_func);
            keepers[is_func]++;
        }
    }
    assert_int_equal(keepers[0], 1); /* the enter adapter with results: its slots */
    assert_int_not_equal(keepers[1], 0);
}

/* A call names its function by the distance from its end. */
static void test_calls(void **state)
{
    Fixture *x = *state;
    WasmModule *m = decode_text(x, "(module (func $a) (func (call $a)))", FEATURES_NONE);
    ByteBuf out = compile_good(x, m, &native_options);
    Section code = section_of(&out, ARTIFACT_NATIVE_CODE),
            funcs = section_of(&out, ARTIFACT_NATIVE_FUNCS);
    u32 callee = load_le32(funcs.data), caller = load_le32(funcs.data + 8), found = 0;
    for (u32 at = caller; at + 5 <= caller + load_le32(funcs.data + 12); at++) {
        found += code.data[at] == 0xe8 && at + 5 + load_le32(code.data + at + 1) == callee;
    }
    assert_int_equal(found, 1);
}

/* How often two bytes follow each other, as far as the masks tell. */
static u32 count_pairs(const ByteBuf *artifact, u16 mask, u16 bytes)
{
    Section code = section_of(artifact, ARTIFACT_NATIVE_CODE);
    u32 count = 0;
    for (u32 at = 0; at + 1 < code.size; at++) {
        count += ((code.data[at] << 8 | code.data[at + 1]) & mask) == bytes;
    }
    return count;
}

static ByteBuf compile_bounded(Fixture *x, WasmModule *m, bool checked, bool no_guards)
{
    WasmCompileOptions options = native_options;
    options.checked = checked;
    options.no_spectre_guards = no_guards;
    return compile_good(x, m, &options);
}

static u32 count_cmovs(Fixture *x, WasmModule *m, bool checked, bool no_guards)
{
    ByteBuf out = compile_bounded(x, m, checked, no_guards);
    return count_pairs(&out, 0xfff0, 0x0f40);
}

/* Accesses of checked memories are guarded against speculation, those of tables in all modes, unless that is not wanted. */
static void test_spectre_guards(void **state)
{
    Fixture *x = *state;
    WasmModule *memory = decode_text(
        x, "(module (memory 1) (func (param i32) (result i32) (i32.load (local.get 0))))",
        FEATURES_NONE);
    WasmModule *table = decode_text(
        x, "(module (table 9 funcref) (func (param i32) (call_indirect (local.get 0))))",
        FEATURES_NONE);
    assert_int_equal(count_cmovs(x, memory, true, false), 1);
    assert_int_equal(count_cmovs(x, memory, true, true), 0);
    assert_int_equal(count_cmovs(x, memory, false, false), 0);
    assert_int_equal(count_cmovs(x, table, false, false), 1);
    assert_int_equal(count_cmovs(x, table, false, true), 0);
}

/* One comparison of 64 bits does for the trap and the guard. */
static void test_compared_once(void **state)
{
    Fixture *x = *state;
    WasmModule *memory = decode_text(
        x, "(module (memory 1) (func (param i32) (result i32) (i32.load (local.get 0))))",
        FEATURES_NONE);
    ByteBuf out = compile_bounded(x, memory, true, false);
    assert_int_equal(count_pairs(&out, 0xf8ff, 0x483b), 1);
}

/* A br_table to so many labels, the default included, by the index. */
static u32 count_clamps(Fixture *x, const char *index, u32 count)
{
    TextBuf text;
    dv_text_init(&text, &x->arena);
    dv_text_printf(&text, "(module (memory 1) (func (param i32) (result i32)");
    for (u32 i = 0; i < count; i++) {
        dv_text_str(&text, " (block");
    }
    dv_text_str(&text, " (br_table");
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(&text, " %u", i);
    }
    dv_text_printf(&text, " %s)", index);
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(&text, ") (return (i32.const %u))", 1000 + i);
    }
    dv_text_str(&text, "))");
    return count_cmovs(x, decode_text(x, text.data, FEATURES_NONE), false, true);
}

/* An index that is known to be small is not clamped, if the table gets not too long. */
static void test_clamps(void **state)
{
    static const struct {
        const char *index;
        u32 count, clamps;
    } rows[] = {
        {"(local.get 0)", 20, 1},
        {"(i32.and (local.get 0) (i32.const 3))", 2, 0},
        {"(i32.and (local.get 0) (i32.const 3))", 4, 0},
        {"(i32.and (local.get 0) (i32.const 3))", 5, 0},
        {"(i32.and (local.get 0) (i32.const 3))", 50, 0},
        {"(i32.and (local.get 0) (i32.const 4))", 2, 1},
        {"(i32.and (local.get 0) (i32.const -1))", 20, 1},
        {"(i32.load8_u (local.get 0))", 15, 1},
        {"(i32.load8_u (local.get 0))", 16, 0},
        {"(i32.load8_u (local.get 0))", 256, 0},
        {"(i32.load8_s (local.get 0))", 256, 1},
        {"(i32.load16_u (local.get 0))", 256, 1},
        {"(i32.shr_u (local.get 0) (i32.const 24))", 16, 0},
        {"(i32.shr_u (local.get 0) (i32.const 23))", 16, 1},
        {"(i32.shr_u (local.get 0) (i32.const 32))", 16, 1}, /* by none */
        {"(i32.shr_s (local.get 0) (i32.const 24))", 256, 1},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(count_clamps(*state, rows[i].index, rows[i].count), rows[i].clamps);
    }
}

static void test_same_bytes(void **state)
{
    static const u32 jobs[] = {2, 7};
    Fixture *x = *state;
    WasmModule *m = decode_text(x, MIXED, dv_wasm_features_run());
    for (u32 way = 0; way < 4; way++) {
        WasmCompileOptions options = native_options;
        options.fast = (way & 1) != 0;
        options.strip = (way & 2) != 0;
        ByteBuf first = compile_good(x, m, &options);
        assert_true((section_of(&first, ARTIFACT_SOURCES).data == NULL) == options.strip);
        for (u32 i = 0; i < ARRAY_LEN(jobs); i++) {
            options.jobs = jobs[i];
            ByteBuf again = compile_good(x, m, &options);
            assert_int_equal(again.len, first.len);
            assert_memory_equal(again.data, first.data, first.len);
        }
    }
}

/* Adapters are CLIF that verifies. */
static void test_adapters(void **state)
{
    Fixture *x = *state;
    WasmModule *m = decode_text(
        x,
        "(module (type (func (param i32 i64 f32 f64 externref) (result f64 f32 i64 i32 funcref))) (type (struct)) "
        "(type (func (param v128))) (type (func (result v128))))",
        FEATURES_ALL);
    assert_true(dv_adapter_is_for(m, 0));
    for (u32 i = 1; i < 4; i++) {
        assert_false(dv_adapter_is_for(m, i));
    }
    for (u32 i = 0; i < 2; i++) {
        Func f;
        VerifyErrors errors = {0};
        VerifyOptions verify = {64};
        Work work = {0};
        (i == 0 ? dv_adapter_enter : dv_adapter_leave)(m, 0, &x->arena, &f);
        if (!dv_verify(&f, &x->arena, &verify, &errors, &work)) {
            fail_msg("%s", errors.list.data[0].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_sections),       UNIT_TEST(test_prologues),     UNIT_TEST(test_calls),
        UNIT_TEST(test_spectre_guards), UNIT_TEST(test_compared_once), UNIT_TEST(test_same_bytes),
        UNIT_TEST(test_clamps),         UNIT_TEST(test_adapters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
