/* test_wasm_compile_ops.c - every instruction of the features that are executed: translated, verified, compiled by both
 * allocators, linked, and the bytecode verified (which the linker does in debug builds). */
#include "wasm_compile_testing.h"

/* What the bodies below may name. */
#define DECLARATIONS \
    "(type $f (func (param i32) (result i32)))" \
    "(type $g (func (param i32 i64) (result f32 f64)))" \
    "(import \"m\" \"import\" (func $import (type $f)))" \
    "(memory $m 1 2) (memory $m64 i64 1)" \
    "(table $t 10 funcref) (table $x 2 externref) (table $t64 i64 3 funcref)" \
    "(table $typed 2 (ref null $f))" \
    "(global $gi (mut i32) (i32.const 1)) (global $gl (mut i64) (i64.const 1))" \
    "(global $gf (mut f32) (f32.const 1)) (global $gd (mut f64) (f64.const 1))" \
    "(global $gx (mut externref) (ref.null extern))" \
    "(data $d \"abc\") (elem $e funcref (ref.func $own)) (elem declare func $own $import)" \
    "(func $own (type $f) (local.get 0))"

/* Bodies with instructions whose types are not in their rows; each row names those it shows. */
typedef struct Body {
    const char *shows; /* separated by spaces */
    const char *text;  /* types and body of a function */
} Body;

static const Body bodies[] = {
    {"unreachable", "(result i32) unreachable"},
    {"nop end drop", "nop (drop (i32.const 1))"},
    {"block br", "(result i32) (block (result i32) (br 0 (i32.const 1)))"},
    {"loop br_if", "(param i32) (loop (br_if 0 (local.get 0)))"},
    {"if else", "(param i32) (result i32) (if (result i32) (local.get 0) (then (i32.const 1)) "
                "(else (i32.const 2)))"},
    {"br_table", "(param i32) (result i32) (block $a (result i32) (block $b (result i32) "
                 "(br_table $a $b 2 $a (i32.const 5) (local.get 0))))"},
    {"return", "(result i32) (return (i32.const 3))"},
    {"call", "(result i32) (call $own (call $import (i32.const 1)))"},
    {"call_indirect",
     "(param i32 i64) (result i32) (call_indirect $t (type $f) (i32.const 1) (local.get 0)) "
     "(call_indirect $t64 (type $f) (local.get 1)) (call_indirect $typed (type $f) (i32.const 0))"},
    {"return_call", "(param i32) (result i32) (if (local.get 0) (then (return_call $own (i32.const "
                    "2)))) (return_call $import (i32.const 1))"},
    {"return_call_indirect", "(param i32) (result i32) (return_call_indirect $t (type $f) "
                             "(i32.const 1) (local.get 0))"},
    {"call_ref ref.func", "(result i32) (call_ref $f (i32.const 1) (ref.func $own))"},
    {"return_call_ref", "(result i32) (return_call_ref $f (i32.const 1) (ref.func $import))"},
    {"select", "(param i32 f64) (result f64) (select (local.get 1) (f64.const 1) (local.get 0))"},
    {"select", "(param externref i32) (result externref) (select (result externref) (local.get 0) "
               "(ref.null extern) (local.get 1))"},
    {"local.get local.set local.tee",
     "(param i32) (result i32) (local $a i32) (local.set $a (local.tee 0 (local.get 0))) "
     "(local.get $a)"},
    {"global.get global.set",
     "(global.set $gi (global.get $gi)) (global.set $gl (global.get $gl)) (global.set $gf "
     "(global.get $gf)) (global.set $gd (global.get $gd)) (global.set $gx (global.get $gx))"},
    {"table.get table.set",
     "(param i64) (table.set $t (i32.const 0) (table.get $t (i32.const 1))) (table.set $t64 "
     "(local.get 0) (table.get $t64 (i64.const 1))) (table.set $x (i32.const 0) (ref.null extern))"},
    {"table.size table.grow",
     "(result i32 i64 i32 i64) (table.size $t) (table.size $t64) (table.grow $t (ref.null func) "
     "(i32.const 1)) (table.grow $t64 (ref.null func) (i64.const 1))"},
    {"table.fill", "(table.fill $t (i32.const 0) (ref.null func) (i32.const 1)) (table.fill $t64 "
                   "(i64.const 0) (ref.null func) (i64.const 1))"},
    {"table.copy",
     "(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 2)) (table.copy $t64 $t (i64.const "
     "0) (i32.const 1) (i32.const 2)) (table.copy $t $t64 (i32.const 0) (i64.const 1) (i32.const "
     "2)) (table.copy $t64 $t64 (i64.const 0) (i64.const 1) (i64.const 2))"},
    {"table.init elem.drop",
     "(table.init $t $e (i32.const 0) (i32.const 1) (i32.const 2)) (table.init $t64 $e (i64.const "
     "0) (i32.const 1) (i32.const 2)) (elem.drop $e)"},
    {"memory.size memory.grow",
     "(result i32 i64 i32 i64) (memory.size $m) (memory.size $m64) (memory.grow $m (i32.const 1)) "
     "(memory.grow $m64 (i64.const 1))"},
    {"memory.copy",
     "(memory.copy $m $m (i32.const 0) (i32.const 1) (i32.const 2)) (memory.copy $m64 $m "
     "(i64.const 0) (i32.const 1) (i32.const 2)) (memory.copy $m $m64 (i32.const 0) (i64.const 1) "
     "(i32.const 2)) (memory.copy $m64 $m64 (i64.const 0) (i64.const 1) (i64.const 2))"},
    {"ref.null ref.is_null", "(param funcref) (result i32 i32) (ref.is_null (local.get 0)) "
                             "(ref.is_null (ref.null func))"},
    {"ref.as_non_null", "(param funcref) (result (ref func)) (ref.as_non_null (local.get 0))"},
    {"br_on_null", "(param (ref null $f)) (result i32) (block (return (call_ref $f (i32.const 1) "
                   "(br_on_null 0 (local.get 0))))) (i32.const 5)"},
    {"br_on_non_null",
     "(param (ref null $f)) (result i32) (i32.const 1) (block (result (ref $f)) (br_on_non_null 0 "
     "(local.get 0)) (return (i32.const 7))) (call_ref $f)"},
};

static const char *make_module(Fixture *x, const char *func)
{
    TextBuf text;
    dv_text_init(&text, &x->arena);
    dv_text_printf(&text, "(module " DECLARATIONS " (func (export \"test\") %s))", func);
    return text.data;
}

static void check_func(Fixture *x, const char *func)
{
    WasmModule *m = decode_text(x, make_module(x, func), dv_wasm_features_run());
    clif_of(x, m, &plain_options);
    compile_all_ways(x, m);
}

static void test_bodies(void **state)
{
    Fixture *x = *state;
    for (u32 i = 0; i < ARRAY_LEN(bodies); i++) {
        check_func(x, bodies[i].text);
    }
}

static const char *type_name(char letter, bool is_64)
{
    switch (letter) {
    case 'i':
        return "i32";
    case 'I':
        return "i64";
    case 'f':
        return "f32";
    case 'F':
        return "f64";
    default:
        return is_64 ? "i64" : "i32";
    }
}

static void put_types(TextBuf *out, const char *what, const char *letters, bool is_64)
{
    dv_text_printf(out, "(%s", what);
    for (; *letters != '\0'; letters++) {
        dv_text_printf(out, " %s", type_name(*letters, is_64));
    }
    dv_text_str(out, ") ");
}

static void put_immediates(TextBuf *out, const WasmOpInfo *info, bool is_64)
{
    switch (info->imm) {
    case WIMM_MEMARG:
        dv_text_printf(out, " %s offset=%s", is_64 ? "$m64" : "$m",
                       is_64 ? "0x1_0000_0005" : "1000");
        break;
    case WIMM_MEMORY:
        dv_text_str(out, is_64 ? " $m64" : " $m");
        break;
    case WIMM_DATA_MEMORY:
        dv_text_str(out, is_64 ? " $m64 $d" : " $m $d");
        break;
    case WIMM_DATA:
        dv_text_str(out, " $d");
        break;
    case WIMM_ELEM:
        dv_text_str(out, " $e");
        break;
    case WIMM_I32:
    case WIMM_I64:
        dv_text_str(out, " -7");
        break;
    case WIMM_F32:
    case WIMM_F64:
        dv_text_str(out, " -0x1.8p3");
        break;
    default:
        assert_int_equal(info->imm, WIMM_NONE);
        break;
    }
}

/* An instruction on parameters, once for each index type. */
static void check_plain(Fixture *x, const WasmOpInfo *info)
{
    for (u32 is_64 = 0; is_64 < 2; is_64++) {
        TextBuf text;
        dv_text_init(&text, &x->arena);
        put_types(&text, "param", info->params, is_64 != 0);
        put_types(&text, "result", info->results, is_64 != 0);
        for (u32 i = 0; info->params[i] != '\0'; i++) {
            dv_text_printf(&text, "(local.get %u) ", (unsigned)i);
        }
        dv_text_str(&text, info->text);
        put_immediates(&text, info, is_64 != 0);
        check_func(x, text.data);
    }
}

static bool is_executed(const WasmOpInfo *info)
{
    return info->feature == FEATURE_COUNT || (dv_wasm_features_run() >> info->feature & 1) != 0;
}

static bool has_body(const char *text)
{
    usize length = strlen(text);
    for (u32 i = 0; i < ARRAY_LEN(bodies); i++) {
        const char *at = bodies[i].shows;
        while (at != NULL) {
            const char *space = strchr(at, ' ');
            usize word = space == NULL ? strlen(at) : (usize)(space - at);
            if (word == length && memcmp(at, text, word) == 0) {
                return true;
            }
            at = space == NULL ? NULL : space + 1;
        }
    }
    return false;
}

static void test_every_row(void **state)
{
    Fixture *x = *state;
    u32 plain = 0;
    for (u32 op = 0; op < W_COUNT; op++) {
        const WasmOpInfo *info = &dv_wasm_ops[op];
        if (!is_executed(info)) {
            continue;
        }
        bool is_special = info->params[0] == '*';
        if (is_special != has_body(info->text) && !(has_body(info->text) && !is_special)) {
            fail_msg("%s has no body here", info->text);
        }
        if (!is_special) {
            check_plain(x, info);
            plain++;
        }
    }
    assert_in_range(plain, 160, 200);
}

/* The other way round: what is not executed is refused by its feature's name. */
static void test_refused(void **state)
{
    static const struct {
        const char *text, *message;
        Feature feature;
    } rows[] = {
        {"(module (func (drop (v128.const i32x4 1 2 3 4))))",
         "simd is not executed by this version (function 0, at offset", FEATURE_simd},
        {"(module (func $f (local v128)))",
         "simd is not executed by this version (function 0 \"f\"", FEATURE_simd},
        {"(module (func (param v128)))", "simd is not executed by this version", FEATURE_simd},
        {"(module (func) (func (drop (ref.i31 (i32.const 1)))))",
         "gc is not executed by this version (function 1, at offset", FEATURE_gc},
        {"(module (memory 1 1 shared) (func (drop (i32.atomic.load (i32.const 0)))))",
         "threads is not executed by this version", FEATURE_threads},
        {"(module (tag) (func (throw 0)))", "exceptions is not executed by this version",
         FEATURE_exceptions},
    };
    Fixture *x = *state;
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        WasmModule *m = decode_text(x, rows[i].text, FEATURES_ALL);
        ByteBuf out;
        WasmError error;
        const char *message = compile_error(x, m, &plain_options, &out, &error);
        assert_non_null(message);
        if (strncmp(message, rows[i].message, strlen(rows[i].message)) != 0) {
            fail_msg("%s: %s", rows[i].text, message);
        }
        assert_int_equal(error.missing, rows[i].feature);
        assert_false(error.is_malformed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_bodies),
        UNIT_TEST(test_every_row),
        UNIT_TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
