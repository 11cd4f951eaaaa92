/* test_wat_print.c - binary modules as text: how it looks, and that it turns into the same bytes
 * again, flat and folded, for modules of our own, for deep ones and, where they are at hand, for
 * those of the specification's tests. */
#include "wat_testing.h"

static Str print(Arena *arena, const u8 *bytes, usize size, bool folded, bool no_names)
{
    TextBuf text;
    Diag diag;
    WatPrintOptions options = {folded, no_names};
    dv_text_init(&text, arena);
    dv_diag_init(&diag, arena);
    if (!dv_wat_print(arena, bytes, size, &options, &text, &diag)) {
        fail_msg("%s", dv_diag_first(&diag)->text);
    }
    return (Str){text.data, (u32)text.length};
}

static void check_same(const ByteBuf *a, const u8 *bytes, usize size, Str text)
{
    if (a->len != size || memcmp(a->data, bytes, size) != 0) {
        fail_msg("other bytes from\n%.*s", (int)(text.len < 3000 ? text.len : 3000), text.data);
    }
}

static void round_trip(Arena *arena, const u8 *bytes, usize size)
{
    for (u32 folded = 0; folded < 2; folded++) {
        ByteBuf again;
        Str text = print(arena, bytes, size, folded != 0, false);
        wat_compile_str(arena, text, &again, NULL);
        check_same(&again, bytes, size, text);
    }
}

static void check_text(void **state, const char *text, bool folded, const char *expected)
{
    Arena *arena = &((Fixture *)*state)->arena;
    ByteBuf module = wat_compile(arena, text);
    Str printed = print(arena, module.data, module.len, folded, false);
    assert_string_equal(printed.data, expected);
    round_trip(arena, module.data, module.len);
}

static void flat(void **state)
{
    check_text(
        state,
        "(module $m (import \"a\\n\" \"b\" (func $f (param i32 i64) (result f32))) (memory 1 2) "
        "(func $g (param $x i32)"
        " (local i32 i64) (local $y f32) (loop $l (if (local.get $x) (then (br $l)) (else (br "
        "0)))))"
        " (export \"g\" (func $g)) (data (i32.const 8) \"\\00x\\ff\"))",
        false,
        "(module $m\n"
        "  (type (;0;) (func (param i32 i64) (result f32)))\n"
        "  (type (;1;) (func (param i32)))\n"
        "  (import \"a\\0a\" \"b\" (func $f (;0;) (type 0) (param i32 i64) (result f32)))\n"
        "  (memory (;0;) 1 2)\n"
        "  (func $g (;1;) (type 1) (param $x i32)\n"
        "    (local i32 i64)\n"
        "    (local $y f32)\n"
        "    loop $l\n"
        "      local.get $x\n"
        "      if (;@2;)\n"
        "        br $l\n"
        "      else\n"
        "        br 0 (;@2;)\n"
        "      end\n"
        "    end)\n"
        "  (export \"g\" (func $g))\n"
        "  (data (;0;) (i32.const 8) \"\\00x\\ff\"))\n");
}

static void folded(void **state)
{
    check_text(
        state,
        "(func (param i32) (result i32) (local.set 0 (i32.add (local.get 0) (i32.const 1))) nop"
        " (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1)) (else (call 0 (local.get "
        "0)))))",
        true,
        "(module\n"
        "  (type (;0;) (func (param i32) (result i32)))\n"
        "  (func (;0;) (type 0) (param i32) (result i32)\n"
        "    (local.set 0 (i32.add (local.get 0) (i32.const 1)))\n"
        "    (nop)\n"
        "    (if (result i32) (;@1;)\n"
        "      (i32.eqz (local.get 0))\n"
        "      (then\n"
        "        (i32.const 1))\n"
        "      (else\n"
        "        (call 0 (local.get 0))))))\n");
    check_text(state, "(global i32 (i32.const 1)) (global i64 i64.const 1 i64.const 2 i64.add)",
               true,
               "(module\n"
               "  (global (;0;) i32 (i32.const 1))\n"
               "  (global (;1;) i64 (i64.add (i64.const 1) (i64.const 2))))\n");
}

/* Names that are no identifiers, are empty, or occur twice. */
static void strange_names(void **state)
{
    check_text(
        state,
        "(module (@name \"\") (func $\"a b\\09\\u{e9}\") (func (@name \"\")) (func $x) (func "
        "(@name \"x\") (call $x) (call 3)))",
        false,
        "(module (@name \"\")\n"
        "  (type (;0;) (func))\n"
        "  (func $\"a b\\09\xc3\xa9\" (;0;) (type 0))\n"
        "  (func (@name \"\") (;1;) (type 0))\n"
        "  (func $x (;2;) (type 0))\n"
        "  (func (@name \"x\") (;3;) (type 0)\n"
        "    call $x\n"
        "    call 3))\n");
    Arena *arena = &((Fixture *)*state)->arena;
    ByteBuf module = wat_compile(arena, "(module $m (func $f (param $x i32) (block $l (br $l))))");
    Str text = print(arena, module.data, module.len, false, true);
    assert_null(strchr(text.data, '$'));
    /* a name section that cannot be read, being short somewhere or no UTF-8, is a custom section */
    static const char *const bad[] = {
        "01",         "01\\ff",         "01\\01\\01",         "01\\02\\01\\00",
        "02\\01\\ff", "00\\02\\01\\ff", "01\\03\\01\\00\\01", "01\\02\\00\\00",
        "02\\00",     "02\\01\\01",     "02\\02\\01\\00",
    };
    for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
        const char *custom =
            dv_arena_printf(arena, "(@custom \"name\" (before first) \"\\%s\")", bad[i]);
        module = wat_compile(arena, custom);
        text = print(arena, module.data, module.len, false, false);
        assert_string_equal(text.data, dv_arena_printf(arena, "(module\n  %s)\n", custom));
    }
}

static const char *const modules[] = {
    "(func $f block $a block $a br $a br 1 end end block $b end)",
    "(func (param i32) (if $i (block $c (result i32) (local.get 0)) (then (br $i))))",
    "(func (result i32 i64) (i32.const 1) (i64.const 2)) (func (result i64) (local i64) (call 0) "
    "(local.set 0) (drop) (local.get 0))",
    "(type $s (sub (struct (field $a i32) (field i64)))) (type (sub final $s (struct (field $a "
    "i32) (field $b i64)))) (rec (type $r (array (mut (ref null $q)))) (type $q (func)))",
    "(rec (type $a (descriptor $b) (struct)) (type $b (describes $a) (struct)))",
    "(tag $e (param i32)) (func (block $h (result i32) (try_table (catch $e $h) (catch_all 1) "
    "(throw $e (i32.const 1))) (unreachable)) drop)",
    "(tag $e) (func (try $t (do (throw $e)) (catch $e (rethrow $t)) (catch_all (nop))) (try (do) "
    "(delegate 0)))",
    "(table $t 1 2 funcref) (table 3 (ref func) (ref.func $f)) (table i64 1 externref) (func $f) "
    "(elem (i32.const 0) $f) (elem (table 1) (i32.const 0) func $f $f)"
    "(elem declare func $f) (elem $p funcref (ref.func $f) (item ref.null func)) (elem (i32.const "
    "0) (ref null func) (ref.null func)) (elem (table 2) (i64.const 0) externref)",
    "(memory $m i64 1 2 (pagesize 1)) (memory 1 1 shared) (data $d \"\") (data (memory 1) "
    "(i32.const 0) \"a\" \"b\") (func (memory.init $d (i64.const 0) (i32.const 0) (i32.const 0)))",
    "(global $g (mut f32) (f32.const -nan:0x7)) (global f64 (f64.const 0x1.8p-1074)) (global v128 "
    "(v128.const f64x2 1 -2))",
    "(func $s) (start $s) (@custom \"x\" (before type) \"y\") (@custom \"z\" (after code)) "
    "(@custom \"w\")",
    "(func (param i32) (@metadata.code.branch_hint \"\\01\") (if (local.get 0) (then)))",
    "(func (param i32 i32) (select (result i32) (local.get 0) (local.get 1) (i32.const 1)) (drop) "
    "(br_table 0 0 0 (i32.const 1)))",
    "(table 1 funcref) (func (param i32) (call_indirect (type 0) (i32.const 1) (local.get 0)) "
    "(return_call_indirect (param i32) (local.get 0) (i32.const 0)))",
    "(import \"m\" \"f\" (func $f (exact (param $p i32)))) (import \"m\" \"t\" (table $t 1 "
    "anyref)) (import \"m\" \"m\" (memory 1)) (import \"m\" \"g\" (global $g (mut i64))) (import "
    "\"m\" \"e\" (tag $e (param i32)))",
    "(type $s (struct (field $x (mut i8)))) (func (param anyref (ref $s)) (result i32) (drop "
    "(ref.cast (ref null $s) (local.get 0))) (drop (ref.test i31ref (local.get 0))) (struct.get_u "
    "$s $x (local.get 1)))",
};

static void own_modules(void **state)
{
    Arena *arena = &((Fixture *)*state)->arena;
    for (u32 i = 0; i < ARRAY_LEN(modules); i++) {
        ByteBuf module = wat_compile(arena, modules[i]);
        round_trip(arena, module.data, module.len);
    }
}

static void floats(void **state)
{
    static const char *const rows[][2] = {
        {"0", "0"},
        {"-0.0", "-0"},
        {"1e6", "1000000"},
        {"1.5", "1.5"},
        {"-0.001", "-0.001"},
        {"0.1", "0.1"},
        {"1e300", "0x1.7e43c8800759cp996"},
        {"nan", "nan"},
        {"-inf", "-inf"},
        {"-nan:0x1", "-nan:0x1"},
        {"0x1p-1074", "0x0.0000000000001p-1022"},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        Arena *arena = &((Fixture *)*state)->arena;
        check_text(
            state, dv_arena_printf(arena, "(global f64 (f64.const %s))", rows[i][0]), false,
            dv_arena_printf(arena, "(module\n  (global (;0;) f64 (f64.const %s)))\n", rows[i][1]));
    }
}

static void deep_modules(void **state)
{
    static const char *const rows[][3] = {
        {"i32.const 0 ", "i32.eqz ", "drop"},
        {"", "block ", "end "},
        {"", "i32.const 0 if ", "end "},
        {"", "try ", "end "},
    };
    enum { DEEP = 100000 };
    Arena *arena = &((Fixture *)*state)->arena;
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        TextBuf text;
        ByteBuf module;
        dv_text_init(&text, arena);
        dv_text_printf(&text, "(func %s", rows[i][0]);
        for (u32 k = 0; k < 2 * DEEP; k++) {
            dv_text_str(&text, rows[i][k < DEEP ? 1 : 2]);
            if (i == 0 && k == DEEP) {
                break;
            }
        }
        dv_text_str(&text, ")");
        wat_compile_str(arena, (Str){text.data, (u32)text.length}, &module, NULL);
        round_trip(arena, module.data, module.len);
    }
}

static void refusals(void **state)
{
    static const struct {
        const char *bytes;
        usize size;
        const char *message;
    } rows[] = {
        {NULL, 0, "unexpected end"},
        {"\0asm\2\0\0\0", 8, "unknown binary version"},
        {"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\4\1\2\0\5", 24, "else does not belong"},
        {"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\5\1\3\0\x0b\x0b", 25, "END opcode expected"},
        {"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\5\1\3\0\x1c\0", 25, ""},
        {"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\5\1\3\0\x18\0", 25, "delegate does not belong"},
        {"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\x08\1\6\1\xff\xff\3\x7f\x0b", 28,
         "too many locals"},
        {"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\6\1\4\1\1\1\x0b", 26, "malformed"},
        {"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\7\1\5\0\2\1\x0b\x0b", 27,
         "block has a type that is no function type"},
    };
    Arena *arena = &((Fixture *)*state)->arena;
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        TextBuf text;
        Diag diag;
        WatPrintOptions options = {i % 2 == 0, false};
        dv_text_init(&text, arena);
        dv_diag_init(&diag, arena);
        assert_false(
            dv_wat_print(arena, (const u8 *)rows[i].bytes, rows[i].size, &options, &text, &diag));
        if (!starts_with(dv_diag_first(&diag)->text, str_of(rows[i].message))) {
            fail_msg("%u: %s", (unsigned)i, dv_diag_first(&diag)->text);
        }
    }
}

/* ---- the specification's tests ---- */

/* Bytes that are not as we would write them print as text that makes them so. */
static void check_print(Arena *arena, const u8 *bytes, usize size)
{
    for (u32 is_folded = 0; is_folded < 2; is_folded++) {
        ByteBuf canonical;
        wat_compile_str(arena, print(arena, bytes, size, is_folded != 0, false), &canonical, NULL);
        round_trip(arena, canonical.data, canonical.len);
    }
}

typedef struct Tally {
    u32 same, printed;
} Tally;

static bool is_valid(Arena *arena, const WastModule *m)
{
    WasmModule module;
    Diag diag;
    DecodeOptions options = {.features = FEATURES_ALL};
    dv_diag_init(&diag, arena);
    return dv_wasm_decode(arena, m->bytes, m->size, &options, &module, &diag, NULL) &&
           dv_wasm_validate(arena, &module, &diag, NULL);
}

static void check_script(Arena *arena, const char *path, Str text, void *context)
{
    Tally *tally = context;
    WastCommand *commands;
    u32 count;
    Diag diag;
    dv_diag_init(&diag, arena);
    if (!dv_wast_parse(arena, text, &commands, &count, &diag)) {
        fail_msg("%s: %s", path, dv_diag_first(&diag)->text);
    }
    /* what text leaves out cannot come back: page sizes of 65536, empty groups */
    bool has_defaults =
        strstr(path, "custom-page-sizes") != NULL || strstr(path, "type-rec.wast") != NULL;
    for (u32 i = 0; i < count; i++) {
        ArenaMark mark = dv_arena_mark(arena);
        const WastModule *m = &commands[i].module;
        if (m->bytes != NULL && is_valid(arena, m)) {
            if (m->form == WAST_FORM_BINARY || has_defaults) {
                check_print(arena, m->bytes, m->size);
                tally->printed++;
            } else {
                round_trip(arena, m->bytes, m->size);
                tally->same++;
            }
        }
        dv_arena_release_to(arena, mark);
    }
}

static void specification(void **state)
{
    Tally tally = {0, 0};
    assert_true(visit_scripts(*state, spec_tests(), 2, check_script, &tally) > 200);
    print_message("%u modules turn into the same bytes, %u into ours\n", (unsigned)tally.same,
                  (unsigned)tally.printed);
    assert_true(tally.same > 2000);
    assert_true(tally.printed > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(flat),        UNIT_TEST(folded),        UNIT_TEST(strange_names),
        UNIT_TEST(own_modules), UNIT_TEST(floats),        UNIT_TEST(deep_modules),
        UNIT_TEST(refusals),    UNIT_TEST(specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
