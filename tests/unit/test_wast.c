/* test_wast.c - scripts: every kind of command and value, what a malformed module does to a
 * script, and, where they are at hand, the specification's tests: each file is read, each module
 * of them that must be malformed says so in the expected words. */
#include "wat_testing.h"

typedef struct Script {
    WastCommand *commands;
    u32 count;
} Script;

static Script parse_str(Arena *arena, Str text, const char *path)
{
    Script s;
    Diag diag;
    dv_diag_init(&diag, arena);
    if (!dv_wast_parse(arena, text, &s.commands, &s.count, &diag)) {
        const DiagMessage *first = dv_diag_first(&diag);
        fail_msg("%s:%u:%u: %s", path, (unsigned)first->line, (unsigned)first->column, first->text);
    }
    return s;
}

static Script parse(void **state, const char *text)
{
    return parse_str(&((Fixture *)*state)->arena, str_of(text), "script");
}

static void check_str(Str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.data, expected, s.len);
}

static void commands_of_modules(void **state)
{
    Script s = parse(
        state, "(module $a (func))\n(module definition $d (memory 1))\n(module instance $i $d)\n"
               "(module binary \"\\00asm\" \"\\01\\00\\00\\00\")\n(module quote \"(func\" \")\")\n"
               "(register \"n\" $i)(register \"last\")");
    static const u8 kinds[] = {
        WAST_MODULE, WAST_MODULE_DEFINITION, WAST_MODULE_INSTANCE, WAST_MODULE,
        WAST_MODULE, WAST_REGISTER,          WAST_REGISTER};
    assert_int_equal(s.count, ARRAY_LEN(kinds));
    for (u32 i = 0; i < s.count; i++) {
        assert_int_equal(s.commands[i].kind, kinds[i]);
        assert_int_equal(s.commands[i].line, i < 5 ? i + 1 : 6);
    }
    check_str(s.commands[0].id, "$a");
    check_str(s.commands[0].module.id, "$a");
    check_str(s.commands[1].id, "$d");
    check_str(s.commands[2].id, "$i");
    check_str(s.commands[2].of, "$d");
    check_str(s.commands[5].name, "n");
    check_str(s.commands[5].id, "$i");
    check_str(s.commands[6].id, "");
    assert_int_equal(s.commands[3].module.form, WAST_FORM_BINARY);
    assert_int_equal(s.commands[3].module.size, 8);
    assert_int_equal(s.commands[4].module.form, WAST_FORM_QUOTE);
    assert_null(s.commands[4].module.error);
    assert_int_equal(s.commands[0].module.size,
                     s.commands[4].module.size + 11); /* the name section */
}

static void commands_of_actions(void **state)
{
    Script s = parse(
        state,
        "(invoke \"f\" (i32.const -1) (ref.extern 3) (ref.null func))"
        "(assert_return (get $m \"g\") (f32.const nan:canonical) (either (i64.const 1) (ref.null)))"
        "(assert_trap (invoke $m \"g\") \"unreachable\") (assert_trap (module) \"x\")"
        "(assert_exhaustion (invoke \"r\") \"call stack\") (assert_exception (invoke \"t\"))"
        "(thread $T (shared (module $m)) (invoke \"a\") (assert_return (invoke \"b\"))) (wait $T)");
    assert_int_equal(s.count, 8);
    const WastAction *call = &s.commands[0].action;
    assert_false(call->is_get);
    assert_int_equal(call->num_args, 3);
    assert_int_equal(call->args[0].kind, WAST_I32);
    assert_true(call->args[0].bits[0] == 0xffffffffu);
    assert_int_equal(call->args[1].kind, WAST_REF_EXTERN);
    assert_true(call->args[1].has_number && call->args[1].bits[0] == 3);
    assert_int_equal(call->args[2].heap, HEAP_FUNC);
    const WastCommand *returns = &s.commands[1];
    assert_int_equal(returns->kind, WAST_ASSERT_RETURN);
    assert_true(returns->action.is_get);
    check_str(returns->action.instance, "$m");
    check_str(returns->action.name, "g");
    assert_int_equal(returns->num_results, 2);
    assert_int_equal(returns->results[0].nan[0], WAST_NAN_CANONICAL);
    assert_int_equal(returns->results[1].kind, WAST_EITHER);
    assert_int_equal(returns->results[1].num_options, 2);
    assert_true(returns->results[1].options[1].heap == UINT32_MAX);
    check_str(s.commands[2].text, "unreachable");
    assert_true(s.commands[3].has_module);
    assert_int_equal(s.commands[4].kind, WAST_ASSERT_EXHAUSTION);
    assert_int_equal(s.commands[5].kind, WAST_ASSERT_EXCEPTION);
    assert_int_equal(s.commands[6].kind, WAST_THREAD);
    assert_int_equal(s.commands[6].num_commands, 2);
    assert_int_equal(s.commands[6].num_shared, 1);
    check_str(s.commands[6].shared[0], "$m");
    assert_int_equal(s.commands[7].kind, WAST_WAIT);
    check_str(s.commands[7].id, "$T");
}

static void vectors(void **state)
{
    Script s = parse(
        state,
        "(assert_return (invoke \"f\" (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 -1))"
        " (v128.const f32x4 nan:arithmetic 1 -0 nan:canonical) (v128.const f64x2 1 "
        "nan:canonical))");
    const WastCommand *c = &s.commands[0];
    assert_true(c->action.args[0].bits[0] == 0x0807060504030201u);
    assert_true(c->action.args[0].bits[1] == 0xff0f0e0d0c0b0a09u);
    assert_int_equal(c->results[0].shape, 2);
    assert_true(c->results[0].is_float);
    assert_int_equal(c->results[0].nan[0], WAST_NAN_ARITHMETIC);
    assert_int_equal(c->results[0].nan[1], WAST_EXACT);
    assert_int_equal(c->results[0].nan[3], WAST_NAN_CANONICAL);
    assert_true(c->results[0].bits[0] == 0x3f80000000000000u &&
                c->results[0].bits[1] == 0x80000000u);
    assert_int_equal(c->results[1].shape, 3);
    assert_int_equal(c->results[1].nan[1], WAST_NAN_CANONICAL);
    assert_true(c->results[1].bits[0] == 0x3ff0000000000000u);
}

static void malformed_modules_stay_inside(void **state)
{
    Script s =
        parse(state,
              "(assert_malformed (module quote \"(func\\n (foo))\") \"unknown operator\")\n"
              "(module\n (func (call $f)))\n(assert_invalid (module (func drop)) \"type mismatch\")"
              "(module quote \"(\") (module)");
    assert_int_equal(s.count, 5);
    assert_null(s.commands[0].module.bytes);
    assert_string_equal(s.commands[0].module.error, "unknown operator foo");
    assert_int_equal(s.commands[0].module.error_line, 2);
    assert_int_equal(s.commands[0].module.error_column, 3);
    assert_string_equal(s.commands[1].module.error, "unknown function $f");
    assert_int_equal(s.commands[1].module.error_line, 3);
    assert_int_equal(s.commands[1].module.error_column, 14);
    assert_non_null(s.commands[2].module.bytes);
    assert_non_null(s.commands[3].module.error);
    assert_int_equal(s.commands[4].module.size, 8);
}

static void bare_modules(void **state)
{
    Script s = parse(state, ";; a comment\n(func $f)\n(export \"f\" (func $f))");
    assert_int_equal(s.count, 1);
    assert_int_equal(s.commands[0].kind, WAST_MODULE);
    assert_int_equal(s.commands[0].line, 2);
    assert_non_null(s.commands[0].module.bytes);
    s = parse(state, "(func (foo))");
    assert_string_equal(s.commands[0].module.error, "unknown operator foo");
    assert_int_equal(parse(state, "").count, 0);
}

static void errors_of_scripts(void **state)
{
    static const char *const rows[][2] = {
        {"(invoke)", "unexpected token"},
        {"(foo)", "unknown operator foo"},
        {"nop", "unexpected token"},
        {"(module) (assert_return (invoke \"f\") (i32.const 1.5))", "unexpected token"},
        {"(assert_return (invoke \"f\" (f32.const nan:canonical)))", "unexpected token"},
        {"(assert_invalid (invoke \"f\") \"x\")", "unexpected token"},
        {"(assert_return (invoke \"f\") (either (either (i32.const 1))))", "unexpected token"},
        {"(thread $T (thread $U))", "unexpected token"},
        {"(register $x)", "unexpected token"},
        {"(module", "unexpected token"},
        {"(module) )", "unexpected token"},
    };
    Arena *arena = &((Fixture *)*state)->arena;
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        Script s;
        Diag diag;
        dv_diag_init(&diag, arena);
        assert_false(dv_wast_parse(arena, str_of(rows[i][0]), &s.commands, &s.count, &diag));
        if (!starts_with(dv_diag_first(&diag)->text, str_of(rows[i][1]))) {
            fail_msg("%s: %s", rows[i][0], dv_diag_first(&diag)->text);
        }
    }
}

/* ---- the specification's tests ---- */

typedef struct Tally {
    u32 modules, malformed;
} Tally;

/* What this folder wants malformed is valid text, and invalid, in others: a memory of 2^32
 * pages. */
static bool contradicts_core(const char *path, const WastCommand *c)
{
    return strstr(path, "threads/memory.wast") != NULL && c->module.error == NULL &&
           starts_with("i32 constant out of range", c->text);
}

static void check_script(Arena *arena, const char *path, Str text, void *context)
{
    Tally *tally = context;
    Script s = parse_str(arena, text, path);
    for (u32 i = 0; i < s.count; i++) {
        const WastCommand *c = &s.commands[i];
        bool is_bad = c->kind == WAST_ASSERT_MALFORMED || c->kind == WAST_ASSERT_MALFORMED_CUSTOM ||
                      c->kind == WAST_ASSERT_INVALID_CUSTOM;
        if (!c->has_module || c->module.form == WAST_FORM_BINARY) {
            continue;
        }
        if (!is_bad) {
            tally->modules++;
            if (c->module.error != NULL) {
                fail_msg("%s:%u: %s", path, (unsigned)c->line, c->module.error);
            }
        } else if (!contradicts_core(path, c)) {
            tally->malformed++;
            if (c->module.error == NULL || !starts_with(c->module.error, c->text)) {
                fail_msg("%s:%u: expected \"%.*s\", got \"%s\"", path, (unsigned)c->line,
                         (int)c->text.len, c->text.data,
                         c->module.error == NULL ? "nothing" : c->module.error);
            }
        }
    }
}

static void specification(void **state)
{
    Tally tally = {0, 0};
    u32 files = visit_scripts(*state, spec_tests(), 2, check_script, &tally);
    assert_int_equal(files, 288);
    assert_true(tally.modules > 5000);
    assert_true(tally.malformed > 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(commands_of_modules),
        UNIT_TEST(commands_of_actions),
        UNIT_TEST(vectors),
        UNIT_TEST(malformed_modules_stay_inside),
        UNIT_TEST(bare_modules),
        UNIT_TEST(errors_of_scripts),
        UNIT_TEST(specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
