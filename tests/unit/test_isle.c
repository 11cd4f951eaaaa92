/* test_isle.c - what the rule compiler accepts and rejects, by the files of tests/isle; its
 * typed rules.
 *
 * accept/ holds files that must compile. reject/ holds files that must not, and says why:
 *
 *     (decl f (u8) T)
 *     ;! error: there is no type `T`
 *
 * Lines that begin with ;! are about the line before them: each is one report, `error: ` or
 * `note: ` and the text, and there is a line for each report. `;! strict` as the first line
 * turns extensions off. What a text file cannot hold is tested here. Every row of messages.def
 * must have been provoked in the end. */
#include <dirent.h>

#include "unit.h"

#include "base/io.h"
#include "codegen/isle/back.h"

/* Messages that some test provoked. */
typedef struct Fired {
    Fixture fixture;
    u64 bits[(ISLE_MSG_COUNT + 63) / 64];
} Fired;

static bool run_text(Fixture *f, Isle *isle, const char *path, const char *data, usize size,
                     bool strict)
{
    dv_isle_init(isle, &f->arena, strict);
    return dv_isle_add_text(isle, path, data, size) && dv_isle_check(isle);
}

/* The same, and everything after the front end that may find something wrong. */
static void compile_file(Fixture *f, Isle *isle, const char *path, IoBytes bytes)
{
    static const IsleOptions options = {"isle", "void *", NULL, "isle.h", NULL};
    static const char strict[] = ";! strict\n";
    const char *data = (const char *)bytes.data;
    bool is_strict = strncmp(data, strict, strlen(strict)) == 0;
    Back back;
    TextBuf out;
    if (!run_text(f, isle, path, data, bytes.size, is_strict) || !dv_isle_back(isle, &back)) {
        return;
    }
    dv_text_init(&out, &f->arena);
    if (dv_isle_emit_header(&back, &options, &out)) {
        dv_isle_emit(&back, &options, &out);
    }
}

static void print_reports(Fixture *f, const Isle *isle)
{
    TextBuf out;
    dv_text_init(&out, &f->arena);
    dv_isle_format(isle, &out);
    print_error("%s", out.data);
}

static IoBytes read_file(Fixture *f, const char *path)
{
    IoBytes bytes;
    const char *error;
    assert_int_equal(dv_io_read(&f->arena, path, 0, &bytes, &error), DAVIT_OK);
    return bytes;
}

/* ---- expectations ---------------------------------------------------------------------------- */

typedef struct Expectation {
    u32 line;
    Str text; /* "error: ..." */
    bool is_met;
} Expectation;

typedef VEC(Expectation) Expectations;

static void collect_expectations(Fixture *f, IoBytes bytes, Expectations *out)
{
    const char *at = (const char *)bytes.data;
    u32 about = 0;
    for (u32 line = 1; *at != '\0'; line++) {
        const char *end = strchr(at, '\n');
        assert_non_null(end);
        if (at[0] != ';' || at[1] != '!') {
            about = line;
        } else if (about != 0) {
            Expectation made = {about, {at + 3, (u32)(end - at - 3)}, false};
            vec_push(&f->arena, out, made);
        }
        at = end + 1;
    }
}

static bool meet(Expectations *expectations, u32 line, const char *text)
{
    for (u32 i = 0; i < expectations->len; i++) {
        Expectation *e = &expectations->data[i];
        if (!e->is_met && e->line == line && e->text.len == strlen(text) &&
            memcmp(e->text.data, text, e->text.len) == 0) {
            e->is_met = true;
            return true;
        }
    }
    return false;
}

/* A report without a place belongs to the error before it. */
static bool meet_all(Fixture *f, const Isle *isle, Expectations *expectations)
{
    bool ok = isle->error_count > 0;
    u32 line = 0;
    for (u32 i = 0; i < isle->reports.len; i++) {
        const IsleReport *report = &isle->reports.data[i];
        u32 column;
        if (report->pos.file != ISLE_NONE) {
            dv_isle_place(isle, report->pos, &line, &column);
        }
        const char *kind = report->severity == ISLE_ERROR ? "error" : "note";
        const char *text = dv_arena_printf(&f->arena, "%s: %s", kind, report->text);
        if (!meet(expectations, line, text)) {
            print_error("not expected at line %u: %s\n", (unsigned)line, text);
            ok = false;
        }
    }
    for (u32 i = 0; i < expectations->len; i++) {
        const Expectation *e = &expectations->data[i];
        if (!e->is_met) {
            print_error("missing at line %u: %.*s\n", (unsigned)e->line, (int)e->text.len,
                        e->text.data);
            ok = false;
        }
    }
    return ok;
}

static void note_fired(Fired *fired, const Isle *isle)
{
    for (u32 i = 0; i < ARRAY_LEN(fired->bits); i++) {
        fired->bits[i] |= isle->fired[i];
    }
}

/* ---- folders --------------------------------------------------------------------------------- */

static bool reject_file(Fired *fired, const char *path)
{
    Fixture *f = &fired->fixture;
    Isle isle;
    Expectations expectations = {0};
    IoBytes bytes = read_file(f, path);
    collect_expectations(f, bytes, &expectations);
    compile_file(f, &isle, path, bytes);
    note_fired(fired, &isle);
    bool ok = meet_all(f, &isle, &expectations);
    if (!ok) {
        print_reports(f, &isle);
    }
    return ok;
}

static bool accept_file(Fired *fired, const char *path)
{
    Fixture *f = &fired->fixture;
    Isle isle;
    IoBytes bytes = read_file(f, path);
    compile_file(f, &isle, path, bytes);
    bool ok = isle.reports.len == 0;
    if (!ok) {
        print_reports(f, &isle);
    }
    return ok;
}

static void walk_folder(Fired *fired, const char *folder, bool (*visit)(Fired *, const char *))
{
    DIR *dir = opendir(folder);
    u32 files = 0;
    u32 failures = 0;
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        usize length = strlen(entry->d_name);
        if (length > 5 && strcmp(entry->d_name + length - 5, ".isle") == 0) {
            const char *path =
                dv_arena_printf(&fired->fixture.arena, "%s/%s", folder, entry->d_name);
            bool ok = visit(fired, path);
            if (!ok) {
                print_error("%s failed\n", path);
            }
            failures += !ok;
            files++;
        }
    }
    closedir(dir);
    assert_true(files > 5);
    assert_int_equal(failures, 0);
}

static void accepts(void **state)
{
    walk_folder(*state, "tests/isle/accept", accept_file);
}

static void rejects(void **state)
{
    walk_folder(*state, "tests/isle/reject", reject_file);
}

/* ---- what text files do not hold ------------------------------------------------------------- */

/* Runs a text and demands that its first report is this message, or that it has none
 * (ISLE_MSG_COUNT). */
static void expect(Fired *fired, const char *data, usize size, IsleMessage message)
{
    Fixture *f = &fired->fixture;
    Isle isle;
    run_text(f, &isle, "text", data, size, false);
    note_fired(fired, &isle);
    if (isle.reports.len == 0) {
        assert_int_equal(message, ISLE_MSG_COUNT);
        return;
    }
    assert_string_equal(dv_isle_message_name(isle.reports.data[0].message),
                        message == ISLE_MSG_COUNT ? "nothing" : dv_isle_message_name(message));
}

static void binary_files(void **state)
{
    Fired *fired = *state;
    expect(fired, "(rule \x01", 7, ISLE_MSG_BAD_BYTE);
    expect(fired, "(rule \x00)", 8, ISLE_MSG_BAD_BYTE);
    expect(fired, "\x7f", 1, ISLE_MSG_BAD_BYTE);
    expect(fired, "(\xff)", 3, ISLE_MSG_UNKNOWN_FORM);
    expect(fired, "", 0, ISLE_MSG_COUNT);
    u64 seed = 1;
    for (u32 round = 0; round < 200; round++) {
        char bytes[64];
        for (u32 i = 0; i < sizeof bytes - 1; i++) {
            seed = dv_hash_u64(seed + i);
            bytes[i] = (char)seed;
        }
        bytes[sizeof bytes - 1] = '\0';
        Isle isle;
        run_text(&fired->fixture, &isle, "random", bytes, sizeof bytes - 1, round % 2 == 0);
        assert_true(isle.error_count > 0);
    }
}

static void too_large_a_file(void **state)
{
    Fired *fired = *state;
    Fixture *f = &fired->fixture;
    usize size = (16u << 20) + 1;
    char *data = dv_arena_zalloc(&f->arena, size + 1, 1);
    memset(data, ' ', size);
    expect(fired, data, size - 1, ISLE_MSG_COUNT);
    expect(fired, data, size, ISLE_MSG_FILE_TOO_LARGE);
}

/* prefix, then count times open, middle, count times close, suffix */
static const char *nest(Fixture *f, const char *const parts[5], u32 count)
{
    TextBuf out;
    dv_text_init(&out, &f->arena);
    dv_text_str(&out, parts[0]);
    for (u32 i = 0; i < count; i++) {
        dv_text_str(&out, parts[1]);
    }
    dv_text_str(&out, parts[2]);
    for (u32 i = 0; i < count; i++) {
        dv_text_str(&out, parts[3]);
    }
    dv_text_str(&out, parts[4]);
    return out.data;
}

static void deep_nesting(void **state)
{
    static const struct {
        const char *parts[5];
        u32 count;
        IsleMessage message;
    } cases[] = {
        {{"", "(", "", "", ""}, 1000000, ISLE_MSG_FORM_END},
        {{"", "(", "", ")", ""}, 1000000, ISLE_MSG_FORM_HEAD},
        {{"", "", "", ")", ""}, 1000000, ISLE_MSG_EXTRA_PAREN},
        {{"", "(;", "", ";)", ""}, 1000000, ISLE_MSG_COUNT},
        {{"", "(;", "", "", ""}, 1000000, ISLE_MSG_COMMENT_END},
        {{"(rule (f ", "x@", "_", "", ") 1)"}, 1000000, ISLE_MSG_UNKNOWN_TERM},
        {{"(decl f (u8) u8) (rule (f ", "(and ", "_", ")", ") 1)"}, 1000000, ISLE_MSG_COUNT},
        {{"(decl f (u8) u8) (rule (f _) ", "(let () ", "1", ")", ")"}, 300000, ISLE_MSG_COUNT},
        {{"(decl f (u8) u8) (rule (f x) ", "(let ((x u8 x)) ", "x", ")", ")"},
         100000,
         ISLE_MSG_COUNT},
        {{"(decl rec f (u8) u8) (rule (f x) ", "(f ", "x", ")", ")"}, 60000, ISLE_MSG_COUNT},
        {{"(decl rec f (u8) u8) (rule (f x) ", "(f ", "x", ")", ")"},
         400000,
         ISLE_MSG_RULE_TOO_LARGE},
        {{"(def f ((x u8)) u8 ", "(bvnot ", "x", ")", ")"}, 300000, ISLE_MSG_COUNT},
        {{"(macro (f x) ", "(not ", "x", ")", ")"}, 300000, ISLE_MSG_COUNT},
        {{"(model u8 (type ", "(struct (a ", "Int", "))", "))"}, 300000, ISLE_MSG_COUNT},
        {{"(decl f (u8) u8) (extractor (f x) ", "(and ", "x", ")", ")"}, 300000, ISLE_MSG_COUNT},
    };
    Fired *fired = *state;
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        ArenaMark mark = dv_arena_mark(&fired->fixture.arena);
        const char *text = nest(&fired->fixture, cases[i].parts, cases[i].count);
        expect(fired, text, strlen(text), cases[i].message);
        dv_arena_release_to(&fired->fixture.arena, mark);
    }
}

static void wide_forms(void **state)
{
    static const char *const args[] = {"(decl f (", "u8 ", "", "", ") u8)"};
    static const char *const ops[] = {"(tables clif) (decl f (Inst) u8) (rule (f (and ",
                                      "(iadd _ _ _)", "", "", ")) 1)"};
    Fired *fired = *state;
    Fixture *f = &fired->fixture;
    const char *text = nest(f, args, 256);
    expect(fired, text, strlen(text), ISLE_MSG_UNDEFINED_TERM);
    text = nest(f, args, 257);
    expect(fired, text, strlen(text), ISLE_MSG_TOO_MANY_ARGS);
    text = nest(f, ops, 64);
    expect(fired, text, strlen(text), ISLE_MSG_COUNT);
    text = nest(f, ops, 65);
    expect(fired, text, strlen(text), ISLE_MSG_TOO_MANY_OPS);
}

static void long_rules(void **state)
{
    static const char *const parts[] = {
        "(type T (enum (A (x T2)))) (type T2 extern (enum (A (x T)) B)) (decl f (T) u8) (rule (f ",
        "(T.A (T2.A ", "_", "))", ") 1)"};
    Fired *fired = *state;
    Fixture *f = &fired->fixture;
    const char *text = nest(f, parts, 10000);
    Isle isle;
    compile_file(f, &isle, "text", (IoBytes){(const u8 *)text, strlen(text)});
    note_fired(fired, &isle);
    assert_int_equal(isle.reports.len, 1);
    assert_int_equal(isle.reports.data[0].message, ISLE_MSG_TOO_MANY_TESTS);
}

static void uncovered_operations(void **state)
{
    static const char text[] = "(tables clif) (decl partial lower (Inst) u8)\n"
                               "(rule (lower (iadd x y)) 1) (none isub _ \"later\")";
    Fired *fired = *state;
    Isle isle;
    Back back;
    assert_true(run_text(&fired->fixture, &isle, "text", text, strlen(text), false));
    assert_true(dv_isle_back(&isle, &back));
    assert_true(dv_isle_require_coverage(&back, "lower"));
    note_fired(fired, &isle);
    assert_true(isle.error_count > 100 && isle.error_count <= dv_isle_op_count() - 2);
    for (u32 i = 0; i < isle.reports.len; i++) {
        assert_int_equal(isle.reports.data[i].message, ISLE_MSG_UNCOVERED);
    }
}

/* Reports beyond the first are cut, not the count. */
static void many_errors(void **state)
{
    static const char *const parts[] = {"", "(nonsense)\n", "", "", ""};
    Fired *fired = *state;
    Fixture *f = &fired->fixture;
    const char *text = nest(f, parts, 1000);
    Isle isle;
    run_text(f, &isle, "text", text, strlen(text), false);
    assert_int_equal(isle.error_count, 1000);
    assert_int_equal(isle.reports.len, ISLE_REPORTS_MAX);
    TextBuf out;
    dv_text_init(&out, &f->arena);
    dv_isle_format(&isle, &out);
    assert_non_null(strstr(out.data, "1000 errors in all\n"));
}

static void format_of_reports(void **state)
{
    static const char text[] =
        "(type T (primitive T))\n  (decl f (T T)\tU)\n(type T (primitive \xc3))";
    Fired *fired = *state;
    Fixture *f = &fired->fixture;
    Isle isle;
    run_text(f, &isle, "a\nb.isle", text, strlen(text), false);
    TextBuf out;
    dv_text_init(&out, &f->arena);
    dv_isle_format(&isle, &out);
    assert_string_equal(out.data, "a\\x0ab.isle:3:7: error: the type `T` is declared again\n"
                                  "    (type T (primitive ?))\n"
                                  "          ^\n"
                                  "a\\x0ab.isle:1:7: note: declared here\n"
                                  "    (type T (primitive T))\n"
                                  "          ^\n"
                                  "a\\x0ab.isle:2:17: error: there is no type `U`\n"
                                  "      (decl f (T T) U)\n"
                                  "                    ^\n");
}

/* ---- typed rules ----------------------------------------------------------------------------- */

static void put_values(TextBuf *out, const IsleRuleInfo *rule, const IsleStep *step)
{
    for (u32 i = 0; i < step->arg_count; i++) {
        dv_text_printf(out, " v%u", (unsigned)rule->args.data[step->first_arg + i].id);
    }
    for (u32 i = 0; i < step->result_count; i++) {
        dv_text_printf(out, "%s v%u", i == 0 ? " ->" : "", (unsigned)(step->first_result + i));
    }
}

/* A rule as text: a line a step, "--" between the sides, the result. */
static const char *print_rule(Fixture *f, const Isle *isle, u32 number)
{
    static const char *const names[] = {
#define X(name) #name,
        ISLE_STEPS(X)
#undef X
    };
    const IsleRuleInfo *rule = &isle->rules.data[number];
    TextBuf out;
    dv_text_init(&out, &f->arena);
    for (u32 i = 0; i < rule->steps.len; i++) {
        const IsleStep *step = &rule->steps.data[i];
        if (i == rule->lhs_count) {
            dv_text_str(&out, "--\n");
        }
        dv_text_str(&out, names[step->kind]);
        if (step->term.id != ISLE_NONE) {
            dv_text_printf(&out, " %s", isle_text(isle, isle_term(isle, step->term)->name));
        }
        if (step->constant.id != ISLE_NONE) {
            dv_text_printf(&out, " %s", isle_text(isle, isle_const(isle, step->constant)->name));
        }
        if (step->kind == STEP_INT || step->kind == STEP_MAKE_INT) {
            dv_text_printf(&out, " %" PRIi64, (i64)step->literal.lo);
        }
        put_values(&out, rule, step);
        dv_text_char(&out, '\n');
    }
    dv_text_printf(&out, "v%u", (unsigned)rule->result.id);
    return out.data;
}

static void steps_of_rules(void **state)
{
    static const char text[] =
        "(tables clif)\n"
        "(extern const $I32 Type)\n"
        "(decl def_inst (Inst) Value) (extern extractor def_inst d) (convert Inst Value def_inst)\n"
        "(decl put (Value) u64) (extern constructor put p) (convert Value u64 put)\n"
        "(decl pure partial half (u64 u64) u64) (extern constructor half h)\n"
        "(decl pure k (Imm64) u64) (extern constructor k k) (convert Imm64 u64 k)\n"
        "(decl both (Value Value) Inst) (extractor (both x y) (isub _ x y))\n"
        "(decl lower (Inst) u64)\n"
        "(rule name -7 (lower (iadd $I32 ~ x (imul ty x (iconst _ n))))\n"
        "  (if-let 3 (half n 5)) (let ((y u64 x) (x u64 y)) x))\n"
        "(rule (lower (both a a)) 9)\n";
    static const char *const rules[] = {"OP iadd v0 -> v1 v2 v3\n"
                                        "CONST $I32 v1\n"
                                        "EXTRACT def_inst v3 -> v4\n"
                                        "OP imul v4 -> v5 v6 v7\n"
                                        "SAME v6 v2\n"
                                        "EXTRACT def_inst v7 -> v8\n"
                                        "OP iconst v8 -> v9 v10\n"
                                        "CONSTRUCT k v10 -> v11\n"
                                        "MAKE_INT 5 -> v12\n"
                                        "CONSTRUCT half v11 v12 -> v13\n"
                                        "INT 3 v13\n"
                                        "--\n"
                                        "CONSTRUCT put v2 -> v14\n"
                                        "v14",
                                        "OP iadd v0 -> v1 v2 v3\n"
                                        "CONST $I32 v1\n"
                                        "EXTRACT def_inst v2 -> v4\n"
                                        "OP imul v4 -> v5 v6 v7\n"
                                        "EXTRACT def_inst v7 -> v8\n"
                                        "OP iconst v8 -> v9 v10\n"
                                        "SAME v3 v6\n"
                                        "CONSTRUCT k v10 -> v11\n"
                                        "MAKE_INT 5 -> v12\n"
                                        "CONSTRUCT half v11 v12 -> v13\n"
                                        "INT 3 v13\n"
                                        "--\n"
                                        "CONSTRUCT put v6 -> v14\n"
                                        "v14",
                                        "OP isub v0 -> v1 v2 v3\n"
                                        "SAME v3 v2\n"
                                        "--\n"
                                        "MAKE_INT 9 -> v4\n"
                                        "v4"};
    Fired *fired = *state;
    Fixture *f = &fired->fixture;
    Isle isle;
    run_text(f, &isle, "text", text, strlen(text), false);
    assert_int_equal(isle.reports.len, 0);
    assert_int_equal(isle.rules.len, 3);
    for (u32 i = 0; i < 3; i++) {
        assert_string_equal(print_rule(f, &isle, i), rules[i]);
        assert_int_equal(isle.rules.data[i].mirror, i == 1);
        assert_int_equal(isle.rules.data[i].priority, i < 2 ? -7 : 0);
    }
    assert_int_equal(isle.rules.data[0].root_count, 7);
}

/* ---- all messages ---------------------------------------------------------------------------- */

static void every_message_fires(void **state)
{
    const Fired *fired = *state;
    u32 missing = 0;
    for (u32 i = 0; i < ISLE_MSG_COUNT; i++) {
        if ((fired->bits[i / 64] >> (i % 64) & 1) == 0) {
            print_error("never provoked: %s\n", dv_isle_message_name((IsleMessage)i));
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static int setup(void **state)
{
    Fired *fired = calloc(1, sizeof *fired);
    assert_non_null(fired);
    dv_pool_init(&fired->fixture.pool, NULL);
    dv_arena_init(&fired->fixture.arena, &fired->fixture.pool);
    *state = fired;
    return 0;
}

static int teardown(void **state)
{
    Fired *fired = *state;
    dv_arena_release(&fired->fixture.arena);
    dv_pool_destroy(&fired->fixture.pool);
    free(fired);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),        cmocka_unit_test(rejects),
        cmocka_unit_test(binary_files),   cmocka_unit_test(too_large_a_file),
        cmocka_unit_test(deep_nesting),   cmocka_unit_test(wide_forms),
        cmocka_unit_test(long_rules),     cmocka_unit_test(uncovered_operations),
        cmocka_unit_test(many_errors),    cmocka_unit_test(format_of_reports),
        cmocka_unit_test(steps_of_rules), cmocka_unit_test(every_message_fires),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
