/* test_islec.c - the command islec: each option, what it prints and writes, and the status it ends with. */
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "base/io.h"
#include "base/text.h"
#include "codegen/isle/command.h"

enum { ARGS_MAX = 16 };

/* A folder of its own, and what the command said last. */
typedef struct Work {
    Fixture fixture;
    char folder[64];
    const char *out;
    const char *err;
} Work;

static const char *path_of(Work *work, const char *name)
{
    return dv_arena_printf(&work->fixture.arena, "%s/%s", work->folder, name);
}

static const char *write_text(Work *work, const char *name, const char *text)
{
    const char *error;
    const char *path = path_of(work, name);
    IoBytes bytes = {(const u8 *)text, strlen(text)};
    assert_int_equal(dv_io_write(&work->fixture.arena, path, bytes, &error), DAVIT_OK);
    return path;
}

static const char *read_text(Work *work, const char *path)
{
    IoBytes bytes;
    const char *error;
    assert_int_equal(dv_io_read(&work->fixture.arena, path, 0, &bytes, &error), DAVIT_OK);
    return (const char *)bytes.data;
}

static bool exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

static const char *read_stream(Work *work, FILE *file)
{
    TextBuf text;
    dv_text_init(&text, &work->fixture.arena);
    rewind(file);
    for (int c; (c = fgetc(file)) != EOF;) {
        dv_text_char(&text, (char)c);
    }
    fclose(file);
    return text.data;
}

/* Runs the command with these arguments, NULL at the end. */
static int islec(Work *work, const char *const *args)
{
    char *argv[ARGS_MAX] = {dv_arena_printf(&work->fixture.arena, "islec")};
    int argc = 1;
    FILE *out = tmpfile();
    FILE *err = tmpfile();
    assert_non_null(out);
    assert_non_null(err);
    for (; args[argc - 1] != NULL; argc++) {
        assert_true(argc < ARGS_MAX);
        argv[argc] = dv_arena_printf(&work->fixture.arena, "%s", args[argc - 1]);
    }
    int status = dv_isle_command(argc, argv, out, err);
    work->out = read_stream(work, out);
    work->err = read_stream(work, err);
    return status;
}
#define ISLEC(work, ...) islec(work, (const char *const[]){__VA_ARGS__, NULL})

/* Demands this status, nothing on standard output, and this text on standard error. */
static void expect_failure(Work *work, int expected, int status, const char *err)
{
    assert_int_equal(status, expected);
    assert_string_equal(work->out, "");
    if (strstr(work->err, err) == NULL) {
        print_error("expected %s, got %s\n", err, work->err);
    }
    assert_non_null(strstr(work->err, err));
}

static const char good[] = "(decl f (u8) u8)\n"
                           "(rule named (f x) x)\n"
                           "(rule (f 1) 2)\n"
                           "(rule 5 (f 9) 3)\n";
static const char bad[] = "(decl f (u8) u8)\n(rule (f x) y)\n";
static const char machine[] = "(tables clif)\n"
                              "(extern const $I32 Type)\n"
                              "(decl partial lower (Inst) u8)\n"
                              "(rule (lower (iadd $I32 x y)) 1)\n"
                              "(none isub _ \"no subtraction\")\n"
                              "(decl partial expand (Inst) Value)\n"
                              "(expand (imul ty x y) (iadd ty x y))\n";

/* ---- what is written ------------------------------------------------------------------------- */

static void writes_c_and_header(void **state)
{
    Work *work = *state;
    const char *rules = write_text(work, "good.isle", good);
    const char *c = path_of(work, "made.c");
    const char *h = path_of(work, "made.h");
    assert_int_equal(ISLEC(work, rules, "-o", c, "-H", h), 0);
    assert_string_equal(work->out, "");
    assert_string_equal(work->err, "");
    const char *source = read_text(work, c);
    const char *header = read_text(work, h);
    assert_non_null(strstr(source, "#include \"made.h\"\n"));
    assert_non_null(strstr(source, "u8 isle_f(IsleContext *ctx, u8 a0)\n"));
    assert_null(strstr(source, "#line"));
    assert_non_null(strstr(header, "u8 isle_f(IsleContext *ctx, u8 a0);\n"));
    assert_non_null(strstr(header, "#ifndef isle_ISLE_H\n"));
}

static void names_and_lines(void **state)
{
    Work *work = *state;
    const char *rules = write_text(work, "good.isle", good);
    const char *c = path_of(work, "made.c");
    const char *h = path_of(work, "made.h");
    int status = ISLEC(work, "--prefix", "abc", "--context", "Machine", "--include", "machine.h",
                       "--lines", "-H", h, "-o", c, rules);
    assert_int_equal(status, 0);
    const char *source = read_text(work, c);
    assert_non_null(strstr(source, "u8 abc_f(Machine *ctx, u8 a0)\n"));
    assert_null(strstr(source, "isle_f"));
    assert_non_null(
        strstr(source, dv_arena_printf(&work->fixture.arena, "#line 2 \"%s\"\n", rules)));
    assert_non_null(strstr(read_text(work, h), "#include \"machine.h\"\n"));
    /* each #line back names the line after it */
    TextBuf back;
    dv_text_init(&back, &work->fixture.arena);
    u32 line = 1;
    u32 checked = 0;
    const char *own = dv_arena_printf(&work->fixture.arena, "\"%s\"", c);
    for (const char *at = source; *at != '\0'; line++) {
        const char *end = strchr(at, '\n');
        unsigned told = 0;
        if (sscanf(at, "#line %u", &told) == 1 && strstr(at, own) != NULL &&
            strstr(at, own) < end) {
            assert_int_equal(told, line + 1);
            checked++;
        }
        at = end + 1;
    }
    assert_int_equal(checked, 3);
}

/* Names may hold what ends strings and comments in C. */
static void hostile_names(void **state)
{
    Work *work = *state;
    const char *rules =
        write_text(work, "a\"*b.isle", "(decl f*/ (u8) u8)\n(rule n*/\"?\?/ (f*/ x) x)\n");
    const char *c = path_of(work, "made.c");
    const char *h = path_of(work, "made.h");
    assert_int_equal(ISLEC(work, rules, "--lines", "-o", c, "-H", h), 0);
    const char *source = read_text(work, c);
    assert_non_null(strstr(source, "/* f* /: 1 rule */\n"));
    assert_non_null(strstr(source, "a\"*b.isle:2 n* /\"?\?/ */\n"));
    assert_non_null(strstr(source, "a\\\"*b.isle:2 n*/\\\"\\?\\?/\",\n"));
    assert_non_null(strstr(source, "a\\\"*b.isle\"\n    return a0;\n"));
    assert_int_equal(ISLEC(work, "--dot", "f*/", rules), 0);
    assert_non_null(strstr(work->out, "[label=\"/tmp/"));
    assert_non_null(strstr(work->out, "a\\\"*b.isle:2 n*/\\\""));
    unlink(rules);
}

/* Several files are one program, and the same files give the same bytes. */
static void several_files(void **state)
{
    Work *work = *state;
    const char *first = write_text(work, "first.isle", "(decl f (T) T)\n(rule (f x) (g x))\n");
    const char *second = write_text(work, "second.isle",
                                    "(type T (primitive T))\n(decl g (T) T)\n"
                                    "(extern constructor g g)\n");
    const char *c = path_of(work, "one.c");
    const char *h = path_of(work, "one.h");
    const char *again = path_of(work, "again.c");
    assert_int_equal(ISLEC(work, first, second, "-o", c, "-H", h), 0);
    assert_int_equal(ISLEC(work, first, second, "-o", again, "-H", h), 0);
    assert_string_equal(read_text(work, c), read_text(work, again));
    expect_failure(work, 1, ISLEC(work, "--check", first), "error: there is no type `T`\n");
    expect_failure(work, 1, ISLEC(work, "--check", first, second, second),
                   "error: the type `T` is declared again\n");
}

static void errors_write_nothing(void **state)
{
    Work *work = *state;
    const char *rules = write_text(work, "bad.isle", bad);
    const char *c = path_of(work, "never.c");
    const char *h = path_of(work, "never.h");
    const char *expected = dv_arena_printf(&work->fixture.arena,
                                           "%s:2:13: error: there is no variable `y` here\n"
                                           "    (rule (f x) y)\n"
                                           "                ^\n",
                                           rules);
    assert_int_equal(ISLEC(work, rules, "-o", c, "-H", h), 1);
    assert_string_equal(work->err, expected);
    assert_false(exists(c) || exists(h));
    /* what only the header finds */
    const char *names = write_text(work, "names.isle",
                                   "(decl a-b (u8) u8)\n(rule (a-b x) x)\n"
                                   "(decl a_b (u8) u8)\n(rule (a_b x) x)\n");
    expect_failure(work, 1, ISLEC(work, names, "-o", c, "-H", h),
                   "error: two things would be called `isle_a_b` in C\n");
    assert_false(exists(c) || exists(h));
}

/* ---- what is printed ------------------------------------------------------------------------- */

static void check_and_strict(void **state)
{
    Work *work = *state;
    const char *rules = write_text(work, "good.isle", good);
    assert_int_equal(ISLEC(work, "--check", rules), 0);
    assert_string_equal(work->out, "");
    assert_string_equal(work->err, "");
    expect_failure(work, 1, ISLEC(work, "--check", "--strict", rules),
                   "error: two rules of the same priority overlap\n");
    assert_non_null(strstr(work->err, "    (rule (f 1) 2)\n    ^\n"));
    assert_non_null(strstr(work->err, "note: the other is this one\n"));
    expect_failure(work, 1, ISLEC(work, "--check", write_text(work, "bad.isle", bad)), "`y`");
}

static void lists(void **state)
{
    Work *work = *state;
    const char *rules = write_text(work, "good.isle", good);
    Arena *arena = &work->fixture.arena;
    assert_int_equal(ISLEC(work, "--list-rules", rules), 0);
    assert_string_equal(work->out,
                        dv_arena_printf(arena,
                                        "f: 3 rules, in the order they are tried\n"
                                        "    %s:4 priority 5\n    %s:3\n    %s:2 named\n",
                                        rules, rules, rules));
    assert_int_equal(ISLEC(work, "--overlaps", rules), 0);
    assert_string_equal(work->out,
                        dv_arena_printf(arena,
                                        "f: %s:3 before, being stricter: %s:2 named\n"
                                        "f: %s:4 priority 5 before, by priority: %s:2 named\n",
                                        rules, rules, rules, rules));
    /* also of rules that are in error for it, and nothing of rules that are not understood */
    const char *undecided = write_text(work, "undecided.isle",
                                       "(decl f (u8 u8) u8)\n(rule (f 1 _) 1)\n(rule (f _ 1) 2)\n");
    assert_int_equal(ISLEC(work, "--overlaps", undecided), 1);
    assert_non_null(strstr(work->out, " against, undecided: "));
    expect_failure(work, 1, ISLEC(work, "--overlaps", write_text(work, "bad.isle", bad)), "`y`");
    expect_failure(work, 1, ISLEC(work, "--list-rules", write_text(work, "bad.isle", bad)), "`y`");
}

static void coverage(void **state)
{
    Work *work = *state;
    const char *rules = write_text(work, "machine.isle", machine);
    assert_int_equal(ISLEC(work, "--coverage", "lower", rules), 0);
    assert_non_null(strstr(work->out, "lower: R rule, E expand, N none, ? nothing"));
    static const char *const rows[][2] = {
        {"\niadd ", "R"}, {"\nimul ", "E"}, {"\nisub ", "N"}, {"\nudiv ", "?"}};
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        const char *row = strstr(work->out, rows[i][0]);
        assert_non_null(row);
        const char *end = strchr(row + 1, '\n');
        const char *letter = strstr(row + 1, rows[i][1]);
        assert_true(letter != NULL && letter < end);
    }
    expect_failure(work, 2, ISLEC(work, "--coverage", "nothing", rules),
                   "islec: there are no such rules for the term nothing\n");
    expect_failure(work, 2, ISLEC(work, "--coverage", "f", write_text(work, "good.isle", good)),
                   "islec: there are no such rules for the term f\n");
}

static void complete(void **state)
{
    Work *work = *state;
    const char *rules = write_text(work, "machine.isle", machine);
    const char *c = path_of(work, "never.c");
    const char *h = path_of(work, "never.h");
    expect_failure(work, 1, ISLEC(work, "--complete", "lower", rules, "-o", c, "-H", h),
                   "error: no rule, expand or none covers `udiv` on: ");
    assert_false(exists(c) || exists(h));
    assert_null(strstr(work->err, "covers `isub`"));
    assert_null(strstr(work->err, "covers `imul`"));
    assert_non_null(strstr(work->err, "covers `iadd` on: i8 i16 i64"));
    expect_failure(work, 2, ISLEC(work, "--complete", "nothing", "--check", rules),
                   "islec: there are no such rules for the term nothing\n");
}

static void dot(void **state)
{
    Work *work = *state;
    const char *rules = write_text(work, "good.isle", good);
    assert_int_equal(ISLEC(work, "--dot", "f", rules), 0);
    assert_int_equal(strncmp(work->out, "digraph ", 8), 0);
    assert_non_null(strstr(work->out, "good.isle:2 named"));
    assert_string_equal(work->out + strlen(work->out) - 2, "}\n");
    expect_failure(work, 2, ISLEC(work, "--dot", "g", rules),
                   "islec: there are no such rules for the term g\n");
}

/* The tutorial of the manual is a test program: each of its forms is in the manual. */
static void tutorial(void **state)
{
    Work *work = *state;
    const char *manual = read_text(work, "docs/isle.md");
    const char *rules = read_text(work, "tests/isle/run/tutorial.isle");
    u32 forms = 0;
    for (const char *at = rules; *at != '\0'; at = strchr(at, '\n') + 1) {
        if (*at == '(') {
            int length = (int)(strchr(at, '\n') - at);
            const char *line = dv_arena_printf(&work->fixture.arena, "    %.*s\n", length, at);
            assert_non_null(strstr(manual, line));
            forms++;
        }
    }
    assert_int_equal(forms, 14);
}

/* ---- what is not understood ------------------------------------------------------------------ */

static void help(void **state)
{
    static const char *const options[] = {
        "-o",      "-H",           "--prefix", "--context",  "--include",  "--lines",   "--strict",
        "--check", "--list-rules", "--dot",    "--overlaps", "--complete", "--coverage"};
    Work *work = *state;
    assert_int_equal(ISLEC(work, "--help"), 0);
    assert_string_equal(work->err, "");
    const char *manual = read_text(work, "docs/isle.md");
    for (u32 i = 0; i < ARRAY_LEN(options); i++) {
        assert_non_null(strstr(work->out, options[i]));
        assert_non_null(strstr(manual, options[i]));
    }
}

static void bad_commands(void **state)
{
    Work *work = *state;
    const char *rules = write_text(work, "good.isle", good);
    static const char *const takers[] = {"-o",        "-H",         "--prefix",   "--context",
                                         "--include", "--complete", "--coverage", "--dot"};
    for (u32 i = 0; i < ARRAY_LEN(takers); i++) {
        expect_failure(work, 2, ISLEC(work, rules, takers[i]),
                       dv_arena_printf(&work->fixture.arena,
                                       "islec: an argument is missing after %s\n", takers[i]));
    }
    const char *const none[] = {NULL};
    expect_failure(work, 2, islec(work, none), "islec: no file to compile");
    expect_failure(work, 2, ISLEC(work, "--check"), "islec: no file to compile");
    expect_failure(work, 2, ISLEC(work, rules), "islec: where to? -o and -H name the files\n");
    expect_failure(work, 2, ISLEC(work, rules, "-o", path_of(work, "x.c")), "islec: where to?");
    expect_failure(work, 2, ISLEC(work, rules, "--check", "--prefix", "a-b"),
                   "islec: no name in C: a-b\n");
    expect_failure(work, 2, ISLEC(work, rules, "--check", "--prefix", "3a"), "islec: no name in C");
    expect_failure(work, 2, ISLEC(work, rules, "--check", "--prefix", ""), "islec: no name in C");
    expect_failure(work, 2, ISLEC(work, rules, "--fast"), "islec: there is no option --fast\n");
}

static void bad_files(void **state)
{
    Work *work = *state;
    const char *rules = write_text(work, "good.isle", good);
    const char *missing = path_of(work, "missing.isle");
    const char *c = path_of(work, "made.c");
    const char *h = path_of(work, "made.h");
    const char *nowhere = path_of(work, "no/such/folder.c");
    expect_failure(work, 2, ISLEC(work, "--check", missing), "missing.isle");
    expect_failure(work, 2, ISLEC(work, "--overlaps", missing), "missing.isle");
    expect_failure(work, 2, ISLEC(work, "--check", rules, work->folder), work->folder);
    expect_failure(work, 2, ISLEC(work, rules, "-o", c, "-H", nowhere), "folder.c");
    assert_false(exists(c));
    expect_failure(work, 2, ISLEC(work, rules, "-o", nowhere, "-H", h), "folder.c");
    FILE *full = fopen("/dev/full", "rb");
    if (full != NULL) {
        fclose(full);
        expect_failure(work, 2, ISLEC(work, rules, "-o", "/dev/full", "-H", h), "/dev/full");
    }
    /* An output that could not be written stays as it was. */
    assert_int_equal(ISLEC(work, rules, "-o", c, "-H", h), 0);
    const char *before = read_text(work, c);
    expect_failure(work, 1, ISLEC(work, write_text(work, "bad.isle", bad), "-o", c, "-H", h),
                   "`y`");
    assert_string_equal(read_text(work, c), before);
}

/* A reader that is gone, or a full disk, is noticed. */
static void unwritable_output(void **state)
{
    Work *work = *state;
    const char *rules = write_text(work, "good.isle", good);
    FILE *full = fopen("/dev/full", "wb");
    FILE *err = tmpfile();
    if (full == NULL) {
        fclose(err);
        skip();
    }
    char *argv[] = {dv_arena_printf(&work->fixture.arena, "islec"),
                    dv_arena_printf(&work->fixture.arena, "--list-rules"),
                    dv_arena_printf(&work->fixture.arena, "%s", rules)};
    assert_int_equal(dv_isle_command(3, argv, full, err), 2);
    assert_string_equal(read_stream(work, err), "islec: cannot write to standard output\n");
    fclose(full);
}

/* ---- setting up ------------------------------------------------------------------------------ */

static int make_folder(void **state)
{
    Work *work = calloc(1, sizeof *work);
    assert_non_null(work);
    dv_pool_init(&work->fixture.pool, NULL);
    dv_arena_init(&work->fixture.arena, &work->fixture.pool);
    snprintf(work->folder, sizeof work->folder, "/tmp/test_islec.XXXXXX");
    *state = work;
    return mkdtemp(work->folder) == NULL;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {
        "good.isle",  "bad.isle", "machine.isle", "first.isle", "second.isle", "undecided.isle",
        "names.isle", "made.c",   "made.h",       "one.c",      "one.h",       "again.c"};
    Work *work = *state;
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        unlink(path_of(work, names[i]));
    }
    int status = rmdir(work->folder); /* fails if anything else was left */
    dv_arena_release(&work->fixture.arena);
    dv_pool_destroy(&work->fixture.pool);
    free(work);
    return status;
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(writes_c_and_header),
        IN_FOLDER(names_and_lines),
        IN_FOLDER(several_files),
        IN_FOLDER(errors_write_nothing),
        IN_FOLDER(check_and_strict),
        IN_FOLDER(lists),
        IN_FOLDER(coverage),
        IN_FOLDER(complete),
        IN_FOLDER(dot),
        IN_FOLDER(help),
        IN_FOLDER(bad_commands),
        IN_FOLDER(bad_files),
        IN_FOLDER(unwritable_output),
        IN_FOLDER(tutorial),
        IN_FOLDER(hostile_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
