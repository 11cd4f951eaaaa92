/* test_wat.c - the text format to binary: literals, fields of modules with their abbreviations,
 * instructions flat and folded, annotations, errors with their places, places of bytes, and
 * depth. */
#include "wat_testing.h"

#include <math.h>

/* ---- literals ---- */

static u64 float_of(Arena *arena, const char *literal, bool is_64)
{
    const char *text = dv_arena_printf(arena, "(global f%s (f%s.const %s))", is_64 ? "64" : "32",
                                       is_64 ? "64" : "32", literal);
    ByteBuf module = wat_compile(arena, text);
    const u8 *bytes = NULL;
    usize size = 0;
    assert_true(wat_find_section(&module, 6, &bytes, &size));
    assert_int_equal(size, is_64 ? 13 : 9);
    return is_64 ? load_le64(bytes + 4) : load_le32(bytes + 4);
}

/* Texts that C reads too, correctly rounded. */
static const char *const hard_floats[] = {
    "0",
    "-0",
    "1",
    "-1.5",
    "0.1",
    "1e23",
    "9007199254740993",
    "9007199254740993.00000000000000000001",
    "2.2250738585072011e-308",
    "2.2250738585072012e-308",
    "4.9406564584124654e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "1e-400",
    "-1e-400",
    "1.7976931348623157e308",
    "1.7976931348623158e308",
    "0x1p-1074",
    "0x1p-1075",
    "0x1.00000000000001p-1075",
    "0x1.8p-1074",
    "0x0.8p-1022",
    "0x1.fffffffffffff7p1023",
    "0x1.fffffffffffff8p-1",
    "0x1.00000000000008p0",
    "0x1.00000000000008000000000000000000000000000001p0",
    "0x1.00000000000018p0",
    "0xA.Bp+3",
    "1.17549435e-38",
    "1.1754942e-38",
    "1.4e-45",
    "0.7e-45",
    "0x1p-149",
    "0x1p-150",
    "3.40282346638528859811704183484516925440e38",
    "0x1.fffffefp127",
    "16777217",
    "16777219",
    "0x1.000001p0",
    "0x1.000003p0",
    "0x1.0000010000000000001p0",
    "1e0000000000000000000000000000000000000001",
    "0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000001e87",
    "100000000000000000000000000000000000000000000000000000000000000000000000000000000000000e-87",
    "8.41e21",
    "9.53674e-7",
    "5e-20",
    "4503599627370497.5",
    "36028797018963967",
    "1.00000005960464477539062",
    "1.000000059604644775390625",
    "1.00000005960464477539063",
};

static void floats_round_as_c_does(void **state)
{
    Fixture *f = *state;
    for (u32 i = 0; i < ARRAY_LEN(hard_floats); i++) {
        const char *text = hard_floats[i];
        double expected = strtod(text, NULL);
        u64 bits;
        memcpy(&bits, &expected, 8);
        if (!isinf(expected) && float_of(&f->arena, text, true) != bits) {
            fail_msg("f64 %s", text);
        }
        float expected32 = strtof(text, NULL);
        u32 bits32;
        memcpy(&bits32, &expected32, 4);
        if (!isinf(expected32) && float_of(&f->arena, text, false) != bits32) {
            fail_msg("f32 %s", text);
        }
    }
}

/* Numbers spelled with all their digits, and then with more. */
static void long_decimals_are_exact(void **state)
{
    Fixture *f = *state;
    char text[1400];
    double small = 0x1p-1022 + 0x1p-1074; /* 1074 places */
    int length = snprintf(text, sizeof text, "%.1074f", small);
    assert_true(length > 1000 && length < 1300);
    u64 bits;
    memcpy(&bits, &small, 8);
    assert_true(float_of(&f->arena, text, true) == bits);
    memset(text + length, '0', 60);
    text[length + 60] = '1';
    text[length + 61] = '\0';
    assert_true(float_of(&f->arena, text, true) == bits);
    /* 1 + 2^-53 is a tie that goes to even, unless anything follows */
    assert_true(float_of(&f->arena, "1.00000000000000011102230246251565404236316680908203125",
                         true) == 0x3ff0000000000000u);
    snprintf(text, sizeof text, "1.00000000000000011102230246251565404236316680908203125%01000d1",
             0);
    assert_true(float_of(&f->arena, text, true) == 0x3ff0000000000001u);
}

static void special_floats(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    assert_true(float_of(a, "inf", true) == 0x7ff0000000000000u);
    assert_true(float_of(a, "-inf", false) == 0xff800000u);
    assert_true(float_of(a, "nan", false) == 0x7fc00000u);
    assert_true(float_of(a, "-nan", true) == 0xfff8000000000000u);
    assert_true(float_of(a, "+nan:0x1", true) == 0x7ff0000000000001u);
    assert_true(float_of(a, "nan:0x7f_ffff", false) == 0x7fffffffu);
    assert_true(float_of(a, "-0", false) == 0x80000000u);
    assert_true(float_of(a, "1_0.2_5e+0_1", true) == 0x4059a00000000000u);
    assert_true(float_of(a, "0x1_0.8", true) == 0x4030800000000000u);
    assert_true(float_of(a, "5.", true) == 0x4014000000000000u);
    assert_true(float_of(a, "0x1.000001p-150", false) == 1); /* some libraries say 0 */
}

static void integers(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    CHECK_SECTION(a, "(global i32 (i32.const -1))", 6, "\1\x7f\0\x41\x7f\x0b");
    CHECK_SECTION(a, "(global i32 (i32.const 0xffffffff))", 6, "\1\x7f\0\x41\x7f\x0b");
    CHECK_SECTION(a, "(global i32 (i32.const 64))", 6, "\1\x7f\0\x41\xc0\0\x0b");
    CHECK_SECTION(a, "(global i32 (i32.const -0x8000_0000))", 6,
                  "\1\x7f\0\x41\x80\x80\x80\x80\x78\x0b");
    CHECK_SECTION(a, "(global i64 (i64.const 9_223_372_036_854_775_808))", 6,
                  "\1\x7e\0\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f\x0b");
    CHECK_SECTION(a, "(global i64 (i64.const +12))", 6, "\1\x7e\0\x42\x0c\x0b");
}

static void strings(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    CHECK_SECTION(a, "(data \"a\\t\\n\\r\\\"\\'\\\\\\00\\fF\" \"\\u{20_AC}\\u{10ffff}\")", 11,
                  "\1\1\x10"
                  "a\t\n\r\"'\\\0\xff\xe2\x82\xac\xf4\x8f\xbf\xbf");
    wat_check_error(a, "(data \"\\u{d800}\")", "illegal escape", 1, 8);
    wat_check_error(a, "(data \"\\u{110000}\")", "illegal escape", 1, 8);
    wat_check_error(a, "(data \"\\q\")", "illegal escape", 1, 8);
    wat_check_error(a, "(data \"a\nb\")", "unclosed string", 1, 7);
    wat_check_error(a, "(data \"\x01\")", "illegal control character", 1, 8);
    wat_check_error(a, "(import \"\\80\" \"\" (func))", "malformed UTF-8 encoding", 1, 9);
    wat_check_error(a, "(func)\n;; \xff", "malformed UTF-8 encoding", 2, 4);
}

typedef struct BadText {
    const char *text, *message;
    u32 line, column;
} BadText;

static void check_errors(Arena *arena, const BadText *rows, usize count)
{
    for (usize i = 0; i < count; i++) {
        wat_check_error(arena, rows[i].text, rows[i].message, rows[i].line, rows[i].column);
    }
}

static void errors_of_literals(void **state)
{
    static const BadText rows[] = {
        {"(func i32.const 4294967296)", "constant out of range", 1, 17},
        {"(func i32.const -2147483649)", "constant out of range", 1, 17},
        {"(func i64.const 0x1_0000_0000_0000_0000)", "constant out of range", 1, 17},
        {"(func i32.const 1__0)", "unknown operator 1__0", 1, 17},
        {"(func i32.const 1_)", "unknown operator 1_", 1, 17},
        {"(func i32.const _1)", "unknown operator _1", 1, 17},
        {"(func i32.const 0x)", "unknown operator 0x", 1, 17},
        {"(func i32.const 1.0)", "unexpected token 1.0", 1, 17},
        {"(func f32.const 0X1p0)", "unknown operator", 1, 17},
        {"(func f32.const .5)", "unknown operator", 1, 17},
        {"(func f32.const 1e)", "unknown operator", 1, 17},
        {"(func f32.const 0x1p128)", "constant out of range", 1, 17},
        {"(func f32.const 0x1.ffffffp127)", "constant out of range", 1, 17},
        {"(func f32.const 3.40282356779733661637539395458142568448e38)", "constant out of range", 1,
         17},
        {"(func f64.const 1e309)", "constant out of range", 1, 17},
        {"(func f64.const 1e999999999999999999999)", "constant out of range", 1, 17},
        {"(func f64.const 0x1p99999999999999)", "constant out of range", 1, 17},
        {"(func f64.const nan:0x0)", "constant out of range", 1, 17},
        {"(func f32.const nan:0x80_0000)", "constant out of range", 1, 17},
        {"(func f32.const nan:canonical)", "unexpected token", 1, 17},
        {"(func v128.const i8x16 0 0)", "wrong number of lane literals", 1, 27},
        {"(func v128.const i32x4 0 0 0 0 0)", "wrong number of lane literals", 1, 32},
        {"(func v128.const i32x4 0 0 0 4294967296)", "constant out of range", 1, 30},
        {"(func i8x16.shuffle 0 1)", "invalid lane length", 1, 21},
        {"(func i32x4.extract_lane 256)", "i8 constant out of range", 1, 26},
        {"(func i32x4.extract_lane -1)", "unexpected token", 1, 26},
    };
    check_errors(&((Fixture *)*state)->arena, rows, ARRAY_LEN(rows));
}

/* ---- fields ---- */

static void empty_modules(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    static const char *const texts[] = {"", "(module)", " ;; nothing\n", "(module (;(;nested;);))"};
    for (u32 i = 0; i < ARRAY_LEN(texts); i++) {
        ByteBuf module = wat_compile(a, texts[i]);
        assert_int_equal(module.len, 8);
        assert_memory_equal(module.data, "\0asm\1\0\0\0", 8);
    }
    ByteBuf bytes = wat_compile(a, "(module $m binary \"\\00asm\" \"\\01\\00\" \"\\00\\00\")");
    assert_int_equal(bytes.len, 8);
    ByteBuf quoted = wat_compile(a, "(module quote \"(func\" \" nop)\")");
    ByteBuf plain = wat_compile(a, "(func nop)");
    assert_int_equal(quoted.len, plain.len);
    assert_memory_equal(quoted.data, plain.data, plain.len);
}

static void types_and_uses(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    /* types that uses add come behind those that fields define, in the order of the text */
    CHECK_SECTION(
        a,
        "(func (param i32)) (func (result i64) (block (param i32) (result i32 i32) nop)) "
        "(type $t (func (param f32))) (func (param f32)) (func (type $t)) (func (param i32))",
        1, "\4\x60\1\x7d\0\x60\1\x7f\0\x60\0\1\x7e\x60\1\x7f\2\x7f\x7f");
    CHECK_SECTION(a, "(type (func)) (type (func)) (func) (func (type 1))", 3, "\2\0\1");
    /* a type in a group, or not final, is not what a use means */
    CHECK_SECTION(a, "(rec (type (func)) (type (func))) (type (sub (func))) (func)", 3, "\1\3");
    CHECK_SECTION(
        a,
        "(rec (type $a (struct (field $x (ref null $b)) (field (mut i8)))) (type $b (sub final $a "
        "(array i16))))",
        1, "\1\x4e\2\x5f\2\x63\1\0\x78\1\x4f\1\0\x5e\x77\0");
    CHECK_SECTION(a, "(type (func (param (ref func) anyref (ref null (exact 0)) nullfuncref)))", 1,
                  "\1\x60\4\x64\x70\x6e\x63\x62\0\x73\0");
    CHECK_SECTION(a, "(rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct)))",
                  1, "\1\x4e\2\x4d\1\x5f\0\x4c\0\x5f\0");
}

static void imports_and_exports(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    const char *text =
        "(func $f (export \"a\") (export \"b\") (import \"m\" \"f\") (param i32))"
        "(import \"m\" \"t\" (table $t 1 2 funcref)) (memory (import \"m\" \"M\") i64 1 (pagesize "
        "1))"
        "(import \"m\" \"g\" (global (mut i32))) (import \"m\" \"e\" (tag (type 0)))"
        "(import \"m\" \"x\" (func (exact (type 0)))) (export \"c\" (table $t))";
    CHECK_SECTION(
        a, text, 2,
        "\6\1m\1f\0\0\1m\1t\1\x70\1\1\2\1m\1M\2\x0c\1\0\1m\1g\3\x7f\1\1m\1e\4\0\0\1m\1x\x20\0");
    CHECK_SECTION(a, text, 7, "\3\1a\0\0\1b\0\0\1c\1\0");
}

static void tables_and_segments(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    CHECK_SECTION(a, "(table 1 funcref) (table i64 2 3 (ref func) (ref.func 0)) (func)", 4,
                  "\2\x70\0\1\x40\0\x64\x70\5\2\3\xd2\0\x0b");
    CHECK_SECTION(a, "(table funcref (elem $f 0)) (func $f)", 4, "\1\x70\1\2\2");
    CHECK_SECTION(a, "(table funcref (elem $f 0)) (func $f)", 9, "\1\0\x41\0\x0b\2\0\0");
    CHECK_SECTION(a, "(table i64 funcref (elem (ref.func 0) (item ref.null func))) (func)", 9,
                  "\1\4\x42\0\x0b\2\xd2\0\x0b\xd0\x70\x0b");
    CHECK_SECTION(
        a,
        "(func $f) (table 1 funcref) (table $u 1 funcref) (elem (i32.const 0) $f) (elem func $f)"
        "(elem (table $u) (offset i32.const 0) func $f) (elem declare func $f)"
        "(elem (i32.const 0) funcref (ref.func $f)) (elem funcref (item ref.func $f))"
        "(elem (i32.const 0) (ref func) (ref.func $f)) (elem declare externref)",
        9,
        "\x08\0\x41\0\x0b\1\0\1\0\1\0\2\1\x41\0\x0b\0\1\0\3\0\1\0\4\x41\0\x0b\1\xd2\0\x0b"
        "\5\x70\1\xd2\0\x0b\6\0\x41\0\x0b\x64\x70\1\xd2\0\x0b\7\x6f\0");
    CHECK_SECTION(a, "(memory (data \"ab\" \"c\"))", 5, "\1\1\1\1");
    CHECK_SECTION(a, "(memory (pagesize 1) (data \"ab\" \"c\"))", 5, "\1\x09\3\3\0");
    CHECK_SECTION(
        a,
        "(memory 1) (memory i64 (data \"ab\")) (data $d \"x\") (data (memory 1) (i64.const 1) "
        "\"y\")",
        11, "\3\2\1\x42\0\x0b\2ab\1\1x\2\1\x42\1\x0b\1y");
    CHECK_SECTION(a, "(memory 1 2 shared)", 5, "\1\3\1\2");
    /* a data count only where code needs it */
    ByteBuf module = wat_compile(a, "(memory 1) (data \"\") (func (data.drop 0))");
    const u8 *bytes = NULL;
    usize size = 0;
    assert_true(wat_find_section(&module, 12, &bytes, &size));
    module = wat_compile(a, "(memory 1) (data \"\") (func)");
    assert_false(wat_find_section(&module, 12, &bytes, &size));
}

static void locals_and_names(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    CHECK_SECTION(a, "(func (local i32 i32) (local i64) (local $x i64) (local))", 10,
                  "\1\6\2\2\x7f\2\x7e\x0b");
    CHECK_SECTION(
        a,
        "(module $m (func $f (param $p i32) (local i32) (local $l i32) (block $b)) (func $\"a "
        "b\") (global $g i32 (i32.const 0)))",
        0, "\4name\0\2\1m\1\x09\2\0\1f\1\3a b\2\x09\1\0\2\0\1p\2\1l\3\6\1\0\1\0\1b\7\4\1\0\1g");
    CHECK_SECTION(a, "(type $t (struct (field i32) (field $x i32)))", 0,
                  "\4name\4\4\1\0\1t\x0a\6\1\0\1\1\1x");
    CHECK_SECTION(a, "(func $f (@name \"the f\"))", 0, "\4name\1\x08\1\0\5the f");
}

static void customs(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    ByteBuf module = wat_compile(
        a, "(@custom \"x\" (before type) \"1\") (type (func)) (@custom \"y\" \"2\" \"3\")"
           "(@custom \"z\" (after func)) (@unknown \"w\" (any (thing)) here)");
    static const char expected[] = "\0asm\1\0\0\0\0\3\1x1\1\4\1\x60\0\0\0\2\1z\0\4\1y23";
    assert_int_equal(module.len, sizeof expected - 1);
    assert_memory_equal(module.data, expected, sizeof expected - 1);
    CHECK_SECTION(
        a, "(func (param i32) (@metadata.code.branch_hint \"\\01\") (if (local.get 0) (then)))", 0,
        "\x19metadata.code.branch_hint\1\0\1\3\1\1");
}

/* ---- instructions ---- */

/* The body of a module's only function, with its locals, is this. */
#define CHECK_BODY(arena, body, bytes) \
    CHECK_SECTION( \
        (arena), \
        "(memory 1) (memory $m 1) (table 1 funcref) (table $t 1 funcref) (tag $e) (type $s (struct (field $a i32) (field $b i32)))" \
        "(elem $s func) (data $d \"\") (func " body ")", \
        10, bytes)

static void folded_and_flat(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    CHECK_BODY(a, "(i32.add (i32.const 1) (i32.const 2)) drop", "\1\x08\0\x41\1\x41\2\x6a\x1a\x0b");
    CHECK_BODY(a, "i32.const 1 i32.const 2 i32.add (drop)", "\1\x08\0\x41\1\x41\2\x6a\x1a\x0b");
    CHECK_BODY(
        a,
        "(if $l (result i32) (i32.const 1) (then (br $l (i32.const 2))) (else unreachable)) drop",
        "\1\x0e\0\x41\1\4\x7f\x41\2\x0c\0\5\0\x0b\x1a\x0b");
    CHECK_BODY(a, "block $a loop $b br $a br $b br 2 end $b end $a",
               "\1\x0e\0\2\x40\3\x40\x0c\1\x0c\0\x0c\2\x0b\x0b\x0b");
    CHECK_BODY(a, "block $a block $a br $a end br $a end",
               "\1\x0c\0\2\x40\2\x40\x0c\0\x0b\x0c\0\x0b\x0b");
    CHECK_BODY(a, "(block $x (br_table $x 1 $x (i32.const 0)))",
               "\1\x0c\0\2\x40\x41\0\x0e\2\0\1\0\x0b\x0b");
    CHECK_BODY(a, "(block $x (try_table (catch $e $x) (catch_all_ref 1) (nop)))",
               "\1\x0f\0\2\x40\x1f\x40\2\0\0\0\3\1\1\x0b\x0b\x0b");
    CHECK_BODY(a, "(try $x (do (throw $e)) (catch $e (rethrow $x)) (catch_all))",
               "\1\x0c\0\6\x40\x08\0\7\0\x09\0\x19\x0b\x0b");
    CHECK_BODY(a, "(block $o (try (do) (delegate $o)))", "\1\x09\0\2\x40\6\x40\x18\0\x0b\x0b");
    CHECK_BODY(a, "block $o try delegate $o end", "\1\x09\0\2\x40\6\x40\x18\0\x0b\x0b");
}

static void immediates(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    CHECK_BODY(
        a, "i32.load i32.load offset=5 align=1 i32.load $m offset=0x1_0000_0000 i64.load 1 align=8",
        "\1\x14\0\x28\2\0\x28\0\5\x28\x42\1\x80\x80\x80\x80\x10\x29\x43\1\0\x0b");
    CHECK_BODY(a, "v128.load8_lane 3 v128.load8_lane $m 3 v128.load8_lane 1 align=1 2",
               "\1\x13\0\xfd\x54\0\0\3\xfd\x54\x40\1\0\3\xfd\x54\x40\1\0\2\x0b");
    CHECK_BODY(
        a,
        "memory.copy memory.copy $m 0 memory.init $d memory.init $m $d memory.size memory.size 1",
        "\1\x16\0\xfc\x0a\0\0\xfc\x0a\1\0\xfc\x08\0\0\xfc\x08\0\1\x3f\0\x3f\1\x0b");
    CHECK_BODY(a,
               "table.init $s table.init $t 0 table.get $t call_indirect $t (type 1) call_indirect "
               "(result i32)",
               "\1\x12\0\xfc\x0c\0\0\xfc\x0c\0\1\x25\1\x11\1\1\x11\2\0\x0b");
    CHECK_BODY(a, "select select (result i32) (select (result)) ref.null func ref.null $s",
               "\1\x0c\0\x1b\x1c\1\x7f\x1c\0\xd0\x70\xd0\0\x0b");
    CHECK_BODY(
        a,
        "ref.test (ref 0) ref.test anyref ref.cast (ref null $s) struct.get $s $b br_on_cast 0 "
        "anyref (ref $s)",
        "\1\x15\0\xfb\x14\0\xfb\x15\x6e\xfb\x17\0\xfb\2\0\1\xfb\x18\1\0\x6e\0\x0b");
    CHECK_BODY(
        a,
        "v128.const i16x8 1 2 3 4 5 6 7 -1 i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 "
        "atomic.fence",
        "\1\x29\0\xfd\x0c\1\0\2\0\3\0\4\0\5\0\6\0\7\0\xff\xff\xfd\x0d\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x1f\xfe\3\0\x0b");
}

static void errors_of_modules(void **state)
{
    static const BadText rows[] = {
        {"(func\n  i32.add\n  foo)", "unknown operator foo", 3, 3},
        {"(func (i32.add (local.get 0) nop))", "unexpected token nop", 1, 30},
        {"(func $a)\n(func $a)", "duplicate func $a", 2, 7},
        {"(func (param $x i32) (local $x i32))", "duplicate local $x", 1, 29},
        {"(global $g i32 (i32.const 0)) (global $g i32 (i32.const 0))", "duplicate global $g", 1,
         39},
        {"(type (struct (field $x i32) (field $x i32)))", "duplicate field", 1, 37},
        {"(func (call $nowhere))", "unknown function $nowhere", 1, 13},
        {"(func (local.get $x))", "unknown local $x", 1, 18},
        {"(func (br $l))", "unknown label $l", 1, 11},
        {"(func block $a end (br $a))", "unknown label $a", 1, 24},
        {"(func block $a end $b)", "mismatching label $b", 1, 20},
        {"(func i32.const 0 if else $b end)", "mismatching label $b", 1, 27},
        {"(func) (import \"\" \"\" (func))", "import after function", 1, 22},
        {"(memory 0) (func (import \"\" \"\"))", "import after memory", 1, 18},
        {"(type $t (func)) (func (type $t) (param i32))", "inline function type", 1, 30},
        {"(func (type 3) (param i32))", "unknown type", 1, 13},
        {"(func (result i32) (param i32))", "unexpected token", 1, 20},
        {"(func (i32.load align=3))", "alignment must be a power of two", 1, 17},
        {"(func (i32.load align=0))", "alignment must be a power of two", 1, 17},
        {"(func (if (i32.const 1)))", "unexpected token", 1, 24},
        {"(func (if (i32.const 1) (then) (else) (else)))", "unexpected token", 1, 39},
        {"(func end)", "unexpected token end", 1, 7},
        {"(func block)", "unexpected token", 1, 12},
        {"(func (block)", "unexpected token at the end", 1, 1},
        {"(func))", "unexpected token", 1, 7},
        {"(func (then))", "unexpected token", 1, 8},
        {"(start 0) (start 0)", "multiple start sections", 1, 18},
        {"(memory 1 (pagesize 3))", "invalid custom page size", 1, 21},
        {"(func $)", "empty identifier", 1, 7},
        {"(func $\"\")", "empty identifier", 1, 8},
        {"(func \"a\"x)", "unknown operator", 1, 7},
        {"(func \x7f)", "illegal character", 1, 7},
        {"(func (;)", "unclosed comment", 1, 7},
        {"(@)", "empty annotation id", 1, 1},
        {"(@x (y)", "unclosed annotation", 1, 1},
        {"(@custom)", "@custom annotation: missing section name", 0, 0},
        {"(func (@custom \"x\"))", "misplaced @custom annotation", 1, 7},
        {"(func (@metadata.code.branch_hint \"\\00\") nop)",
         "@metadata.code.branch_hint annotation: invalid target", 1, 7},
        {"(module) (module)", "unexpected token", 1, 10},
        {"(module binary 3)", "unexpected token 3", 1, 16},
        {"(module quote 3)", "unexpected token 3", 1, 15},
        {"(table funcref (func))", "unexpected token (", 1, 16},
        {"(table 1 i32)", "unexpected token i32", 1, 10},
        {"(export \"a\" (type 0))", "unexpected token type", 1, 14},
        {"(import \"a\" \"b\" (type 0))", "unexpected token type", 1, 18},
        {"(elem declare 0)", "unexpected token 0", 1, 15},
        {"(rec (func))", "unexpected token (", 1, 6},
        {"(func i32.load offset=0x1_0000_0000_0000_0000)", "i64 constant out of range", 1, 16},
        {"(func (@name))", "unexpected token at the end", 1, 13},
        {"(func (@name \"a\" \"b\"))", "unexpected token \"b\"", 1, 18},
        {"(@custom \"a\" (b (c)))", "@custom annotation: malformed placement", 1, 14},
        {"(@custom \"a\" ((", "unclosed annotation", 1, 1},
        {"(global i32 (@metadata.code.branch_hint \"\\00\") (i32.const 0))",
         "@metadata.code.branch_hint annotation: not in a function", 1, 13},
        {"(func (@metadata.code.branch_hint \"\\02\") if end)",
         "@metadata.code.branch_hint annotation: unexpected token", 1, 7},
        {"(@\"x\\q\")", "empty annotation id", 1, 3},
        {"(data \"\\u{}\")", "illegal escape", 1, 8},
        {"(data \"\\u{1__2}\")", "illegal escape", 1, 8},
        {"(module quote \"(module quote \\\"\\\")\")", "unexpected token", 1, 9},
        {"(type (func (param (ref (exact any)))))", "unexpected token", 1, 32},
    };
    check_errors(&((Fixture *)*state)->arena, rows, ARRAY_LEN(rows));
}

static void bytes_have_places(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    WatPlaces places = {0};
    ByteBuf out;
    wat_compile_str(
        a,
        str_of(
            "(module\n  (global i32\n (i32.const 7))\n (func\n  nop\n   (drop\n (i32.const 5))))"),
        &out, &places);
    const u8 *bytes = NULL;
    usize size = 0;
    assert_null(dv_wat_place(&places, 3));
    assert_true(wat_find_section(&out, 6, &bytes, &size));
    const WatPlace *place = dv_wat_place(&places, (u32)(bytes - out.data) + 3);
    assert_int_equal(place->line, 3);
    assert_int_equal(place->column, 3);
    assert_true(wat_find_section(&out, 10, &bytes, &size));
    static const u32 expected[][3] = {{3, 5, 3}, {4, 7, 3}, {5, 7, 3}, {6, 6, 5}, {7, 7, 16}};
    for (u32 i = 0; i < ARRAY_LEN(expected); i++) {
        place = dv_wat_place(&places, (u32)(bytes - out.data) + expected[i][0]);
        assert_int_equal(place->line, expected[i][1]);
        assert_int_equal(place->column, expected[i][2]);
    }
}

/* ---- size ---- */

enum { DEEP = 100000 };

/* `open` and then `close` so many times, between head and tail. */
static Str nest(Arena *arena, const char *head, const char *open, const char *middle,
                const char *close, const char *tail)
{
    TextBuf text;
    dv_text_init(&text, arena);
    dv_text_str(&text, head);
    for (u32 i = 0; i < DEEP; i++) {
        dv_text_str(&text, open);
    }
    dv_text_str(&text, middle);
    for (u32 i = 0; i < DEEP; i++) {
        dv_text_str(&text, close);
    }
    dv_text_str(&text, tail);
    return (Str){text.data, (u32)text.length};
}

static void deep_texts(void **state)
{
    Arena *a = &((Fixture *)*state)->arena;
    ByteBuf out;
    wat_compile_str(a, nest(a, "(func (drop ", "(i32.eqz ", "(i32.const 0)", ")", "))"), &out,
                    NULL);
    assert_true(out.len > DEEP);
    wat_compile_str(a, nest(a, "(func ", "(block $l ", "(br $l)", ")", ")"), &out, NULL);
    wat_compile_str(a, nest(a, "(func ", "block $l ", "br $l ", "end $l ", ")"), &out, NULL);
    wat_compile_str(a, nest(a, "(func ", "(if (i32.const 0) (then ", "", "))", ")"), &out, NULL);
    wat_compile_str(a, nest(a, "(func ", "(try (do ", "", "))", ")"), &out, NULL);
    wat_compile_str(a, nest(a, "(func) ", "(;", "", ";)", ""), &out, NULL);
    wat_compile_str(a, nest(a, "(func) (@x ", "(", "", ")", ")"), &out, NULL);
    Str bad = nest(a, "", "(", "", ")", "");
    wat_check_error(a, bad.data, "unexpected token", 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(floats_round_as_c_does),
        UNIT_TEST(long_decimals_are_exact),
        UNIT_TEST(special_floats),
        UNIT_TEST(integers),
        UNIT_TEST(strings),
        UNIT_TEST(errors_of_literals),
        UNIT_TEST(empty_modules),
        UNIT_TEST(types_and_uses),
        UNIT_TEST(imports_and_exports),
        UNIT_TEST(tables_and_segments),
        UNIT_TEST(locals_and_names),
        UNIT_TEST(customs),
        UNIT_TEST(folded_and_flat),
        UNIT_TEST(immediates),
        UNIT_TEST(errors_of_modules),
        UNIT_TEST(bytes_have_places),
        UNIT_TEST(deep_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
