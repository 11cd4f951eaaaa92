/* test_commands.c - what subcommands say to command lines that they cannot use: the word, and once; and the exit status. */
#include "unit.h"

#include <unistd.h>

#include "rt/signals.h"
#include "tools/commands.h"
#include "tools/run.h"

enum { WORDS_MAX = 8 };

typedef struct CommandRow {
    int (*run)(Command *command);
    const char *words[WORDS_MAX]; /* NULL at the end */
    int status;
    const char *says; /* a part of what is said; "": nothing is said */
} CommandRow;

static int run_clif(Command *command)
{
    WordList words = {0};
    for (int i = 1; i < command->argc; i++) {
        vec_push(command->arena, &words, (const char *)command->argv[i]);
    }
    return dv_run_clif(command, command->argv[0], 1000, &words);
}

#define FIB "bench/kernels/fib.clif"
#define IN "tests/commands/"
#define EXPORTS IN "exports.wat"
#define ENDLESS IN "endless.wat"
#define PROGRAMS IN "programs.wat"

enum { TRAPPED = 134 };

static const CommandRow rows[] = {
    {dv_cmd_compile,
     {FIB, "--target", "x86", NULL},
     EXIT_USAGE,
     "davit compile: cannot use \"x86\""},
    {dv_cmd_compile, {FIB, "--target", "eval", NULL}, EXIT_USAGE, "cannot use \"eval\""},
    {dv_cmd_compile, {FIB, NULL}, EXIT_USAGE, "davit compile: --target is missing"},
    {dv_cmd_compile,
     {FIB, "--target=x86_64", "--cpu", "has_avx2", NULL},
     EXIT_USAGE,
     "davit compile: cannot use \"--cpu\" for CLIF"},
    {dv_cmd_compile,
     {FIB, "--target=x86_64", "--metered", NULL},
     EXIT_USAGE,
     "cannot use \"--metered\" for CLIF"},
    {dv_cmd_compile,
     {FIB, "--target=pulley64", "--tls-model=local-exec", NULL},
     EXIT_USAGE,
     "cannot use \"--tls-model\" for pulley64"},
    {dv_cmd_compile,
     {FIB, "--target=pulley32", "--no-spectre-guards", NULL},
     EXIT_USAGE,
     "cannot use \"--no-spectre-guards\" for pulley32"},
    {dv_cmd_run, {"--fuel", "9", FIB, "%fib(1)", NULL}, EXIT_USAGE, "\"--fuel\" for CLIF"},
    {dv_cmd_run, {"--max-stack=9k", FIB, "%fib(1)", NULL}, EXIT_USAGE, "\"--max-stack\" for CLIF"},
    {dv_cmd_run, {"--engine=native", FIB, "%fib(1)", NULL}, EXIT_USAGE, "\"--engine\" for CLIF"},
    {dv_cmd_compile, {FIB, "--target", NULL}, EXIT_USAGE, "cannot use \"--target\""},
    {dv_cmd_compile,
     {"--target", "pulley64", NULL},
     EXIT_USAGE,
     "davit compile: a file is missing"},
    {dv_cmd_compile, {FIB, "other.clif", NULL}, EXIT_USAGE, "cannot use \"other.clif\""},
    {dv_cmd_compile, {FIB, "--vcod", NULL}, EXIT_USAGE, "cannot use \"--vcod\""},
    {dv_cmd_compile, {FIB, "--fast=1", NULL}, EXIT_USAGE, "cannot use \"--fast=1\""},
    {dv_cmd_compile,
     {"tests/clif/run/vector.clif", "--target=pulley64", NULL},
     EXIT_FAILED,
     "davit compile: tests/clif/run/vector.clif: error: function %splat_i8x16: "},
    {dv_cmd_compile, {"no.clif", "--target=pulley64", NULL}, EXIT_FAILED, "no.clif"},
    {dv_cmd_compile,
     {FIB, "--target=pulley64", "-o", FIB, NULL},
     EXIT_FAILED,
     "would replace the input"},
    {dv_cmd_diff, {"--runs", "x", FIB, NULL}, EXIT_USAGE, "davit diff: cannot use \"x\""},
    {dv_cmd_diff, {"--runs=", FIB, NULL}, EXIT_USAGE, "davit diff: cannot use \"\""},
    {dv_cmd_diff, {"--target", "nope", FIB, NULL}, EXIT_USAGE, "cannot use \"nope\""},
    {dv_cmd_diff, {"--target", "eval", FIB, NULL}, EXIT_USAGE, "cannot use \"eval\""},
    {dv_cmd_diff, {NULL}, EXIT_USAGE, "davit diff: a file is missing"},
    {dv_cmd_diff, {"--fast", FIB, NULL}, EXIT_USAGE, "cannot use \"--fast\""},
    {dv_cmd_diff,
     {"--invoke", "nope", EXPORTS, NULL},
     EXIT_FAILED,
     EXPORTS " exports no function \"nope\""},
    {dv_cmd_diff,
     {"--invoke", "div", "--arg", "2", EXPORTS, NULL},
     EXIT_FAILED,
     EXPORTS ": div takes 2 arguments, not 1"},
    {dv_cmd_diff,
     {"--invoke", "div", "--arg", "2", "--arg=x", EXPORTS, NULL},
     EXIT_FAILED,
     "cannot use \"x\": argument 2 of div is of another type"},
    {dv_cmd_diff,
     {"--features", "nope", EXPORTS, NULL},
     EXIT_FAILED,
     "davit diff: cannot use \"nope\" for --features"},
    {dv_cmd_diff, {"--steps", "0", FIB, NULL}, EXIT_USAGE, "--steps takes a number above 0"},
    {dv_cmd_diff, {"tests/wast", NULL}, EXIT_FAILED, "davit diff: tests/wast holds no .wasm, "},
    {dv_cmd_diff, {"no.clif", NULL}, EXIT_FAILED, "davit diff: no.clif: "},
    {dv_cmd_cat, {"no.clif", NULL}, EXIT_FAILED, "davit cat: no.clif: cannot open"},
    {dv_cmd_verify, {"no.clif", NULL}, EXIT_FAILED, "davit verify: no.clif: cannot open"},
    {run_clif, {"eval", "no.clif", "%f()", NULL}, EXIT_FAILED, "davit run: no.clif: cannot open"},
    {dv_cmd_cat, {"-x", FIB, NULL}, EXIT_USAGE, "davit cat: cannot use \"-x\""},
    {dv_cmd_cat, {NULL}, EXIT_USAGE, "davit cat: a file is missing"},
    {dv_cmd_verify, {"--all", FIB, NULL}, EXIT_USAGE, "davit verify: cannot use \"--all\""},
    {dv_cmd_verify, {NULL}, EXIT_USAGE, "davit verify: a file is missing"},
    {run_clif, {"nope", FIB, "%fib(1)", NULL}, EXIT_USAGE, "davit run: cannot use \"nope\""},
    {run_clif, {"eval", FIB, NULL}, EXIT_USAGE, "davit run: a call is missing"},
    {run_clif, {"eval", FIB, "%fob(1)", NULL}, EXIT_FAILED, "%fob(1)"},
    {dv_cmd_test, {"--target", "nope", FIB, NULL}, EXIT_USAGE, "davit test: cannot use \"nope\""},
    {dv_cmd_test, {"tests/wast", NULL}, EXIT_FAILED, "davit test: tests/wast holds no .clif file"},
    {dv_cmd_test,
     {"--steps", "99999999999999999999", FIB, NULL},
     EXIT_USAGE,
     "davit test: cannot use \"99999999999999999999\""},
    {dv_cmd_test, {"-j", "0", FIB, NULL}, EXIT_USAGE, "cannot use \"-j 0\": it takes 1 to "},
    {dv_cmd_test, {"--mutate", "iadd:8", FIB, NULL}, EXIT_USAGE, "such as iadd:3"},
    {dv_cmd_test, {NULL}, EXIT_USAGE, "davit test: a file is missing (davit test --help"},
    {dv_cmd_test, {"--nope", FIB, NULL}, EXIT_USAGE, "davit test: cannot use"},
    {dv_cmd_gen,
     {"clif", "--seed", "x", NULL},
     EXIT_USAGE,
     "davit gen: cannot use \"--seed x\": it takes"},
    {dv_cmd_gen,
     {"clif", "--seed=1", "--insts", "0", NULL},
     EXIT_USAGE,
     "\"--insts 0\": it takes 1 to 100000"},
    {dv_cmd_gen,
     {"clif", "--seed=1", "--target", "A", NULL},
     EXIT_USAGE,
     "cannot use \"A\": a target has"},
    {dv_cmd_gen,
     {"clif", "--seed=1", "--target=pulley32", "--target=x86_64", NULL},
     EXIT_USAGE,
     "cannot use \"x86_64\": its addresses are of another width"},
    {dv_cmd_gen, {"--seed", "1", NULL}, EXIT_USAGE, "davit gen: expected what to make: clif"},
};

/* Wasm: what is wrong, where in which file, once, in one line. */
static const CommandRow wasm_rows[] = {
    /* files */
    {dv_cmd_run, {"no.wasm", NULL}, EXIT_FAILED, "davit run: no.wasm: cannot open: "},
    {dv_cmd_run, {"tests", NULL}, EXIT_FAILED, "davit run: tests: cannot read: "},
    {dv_cmd_run, {IN "other.txt", NULL}, EXIT_FAILED, "other.txt: error: neither a module"},
    {dv_cmd_run,
     {"/dev/null", NULL},
     EXIT_FAILED,
     "davit run: /dev/null: error: the file is empty"},
    {dv_cmd_validate, {IN "other.txt", NULL}, EXIT_FAILED, "other.txt: error: neither a module"},
    {dv_cmd_run, {IN "mismatch.wat", NULL}, EXIT_FAILED, "mismatch.wat:3:16: error: type mismatch"},
    {dv_cmd_run, {IN "typo.wat", NULL}, EXIT_FAILED, "typo.wat:3:5: error: unknown operator"},
    {dv_cmd_run,
     {IN "vectors.wat", NULL},
     EXIT_FAILED,
     "simd is not enabled (at offset 0xe); this version does not execute simd\n"},
    {dv_cmd_run,
     {"--features", "-reference-types", EXPORTS, NULL},
     EXIT_FAILED,
     "; --features switches it on: +reference-types\n"},
    {dv_cmd_run,
     {IN "imports.wat", NULL},
     EXIT_FAILED,
     "imports.wat: error: unknown import: \"lib\" \"g\"; --link NAME=FILE"},
    {dv_cmd_run, {IN "wasitype.wat", NULL}, EXIT_FAILED, "\"fd_write\": it is of another type"},
    {dv_cmd_run, {"--link", "lib=" IN "lib.wat", IN "imports.wat", NULL}, EXIT_OK, ""},
    {dv_cmd_run,
     {"--link", "lib=" IN "wronglib.wat", IN "imports.wat", NULL},
     EXIT_FAILED,
     "imports.wat: error: incompatible import type: function \"lib\" \"g\""},
    {dv_cmd_run, {"--link", "lib", IN "imports.wat", NULL}, EXIT_USAGE, "--link takes NAME=FILE"},
    {dv_cmd_run,
     {"--link", "lib=no.wat", IN "imports.wat", NULL},
     EXIT_FAILED,
     "no.wat: cannot open"},
    {dv_cmd_run,
     {"--max-memory", "64k", IN "huge.wat", NULL},
     EXIT_FAILED,
     "larger than the limit of 65536 bytes"},
    /* calls */
    {dv_cmd_run,
     {EXPORTS, NULL},
     EXIT_FAILED,
     "exports no function \"_start\"; --invoke can name div, deep, wide, refs, grow\n"},
    {dv_cmd_run, {"--invoke", "mem", EXPORTS, NULL}, EXIT_FAILED, "no function \"mem\""},
    {dv_cmd_run, {"--invoke", "a\nb", EXPORTS, NULL}, EXIT_FAILED, "no function \"a\\x0ab\""},
    {dv_cmd_run,
     {"--invoke", "div", EXPORTS, "1", NULL},
     EXIT_USAGE,
     "div takes 2 arguments, not 1"},
    {dv_cmd_run, {"--invoke", "wide", EXPORTS, NULL}, EXIT_USAGE, "wide takes 1 argument, not 0"},
    {dv_cmd_run,
     {"--invoke", "div", EXPORTS, "1", "x", NULL},
     EXIT_USAGE,
     "\"x\": argument 2 of div is of type i32"},
    {dv_cmd_run,
     {"--invoke", "wide", EXPORTS, "99999999999999999999", NULL},
     EXIT_USAGE,
     "argument 1 of wide is of type i64"},
    {dv_cmd_run,
     {"--invoke", "refs", EXPORTS, "7", NULL},
     EXIT_USAGE,
     "argument 1 of refs is of type externref"},
    {dv_cmd_run, {"--invoke", "div", EXPORTS, "0x10", "-4", NULL}, EXIT_OK, ""},
    {dv_cmd_run, {"--max-memory", "1m", "--invoke", "grow", EXPORTS, NULL}, EXIT_OK, ""},
    /* options */
    {dv_cmd_run, {"--timeout", "0", ENDLESS, NULL}, EXIT_USAGE, "--timeout takes a time above 0"},
    {dv_cmd_run, {"--timeout", "9x", ENDLESS, NULL}, EXIT_USAGE, "davit run: cannot use \"9x\""},
    {dv_cmd_run, {"--max-memory", "0", ENDLESS, NULL}, EXIT_USAGE, "takes a size above 0"},
    {dv_cmd_run, {PROGRAMS, NULL}, EXIT_FAILED, "its \"_start\" has parameters or results"},
    {dv_cmd_run,
     {"--invoke", "f", PROGRAMS, NULL},
     EXIT_FAILED,
     "its \"_initialize\" has parameters or results"},
    {dv_cmd_run,
     {"--max-stack", "4g", ENDLESS, NULL},
     EXIT_USAGE,
     "cannot use \"4294967296\": --max-stack takes less than 4g"},
    {dv_cmd_run, {"--fuel", "99999999999999999999", ENDLESS, NULL}, EXIT_USAGE, "--fuel takes"},
    {dv_cmd_run, {"--env", "=x", ENDLESS, NULL}, EXIT_USAGE, "cannot use \"=x\": --env takes"},
    {dv_cmd_run,
     {"--dir", "no/such", ENDLESS, NULL},
     EXIT_FAILED,
     "cannot open directory 'no/such'"},
    {dv_cmd_run,
     {"--engine", "native", "--trace", ENDLESS, NULL},
     EXIT_USAGE,
     "cannot use \"native\""},
    {dv_cmd_run, {"--target", "pulley64", ENDLESS, NULL}, EXIT_USAGE, "\"--target\" for Wasm"},
    {dv_cmd_run,
     {"--engine", "pulley", "--memory", "guard", ENDLESS, NULL},
     EXIT_USAGE,
     "cannot use \"--memory\" for --engine pulley"},
    {dv_cmd_run,
     {"--engine=pulley", "--perf-map", ENDLESS, NULL},
     EXIT_USAGE,
     "cannot use \"--perf-map\" for --engine pulley"},
    {dv_cmd_compile, {EXPORTS, "--far-calls", NULL}, EXIT_USAGE, "\"--far-calls\" for Wasm"},
    {dv_cmd_compile,
     {EXPORTS, "--no-spectre-guards", NULL},
     EXIT_USAGE,
     "cannot use \"--no-spectre-guards\" for pulley"},
    {dv_cmd_run, {"--steps", "9", ENDLESS, NULL}, EXIT_USAGE, "cannot use \"--steps\" for Wasm"},
    {dv_cmd_run,
     {"--features", "+no", ENDLESS, NULL},
     EXIT_USAGE,
     "cannot use \"+no\" for --features"},
    {dv_cmd_run, {"--timout", "9", ENDLESS, NULL}, EXIT_USAGE, "is --timeout meant?"},
    /* other commands */
    {dv_cmd_compile, {IN "imports.wat", "--emit", "clif", NULL}, EXIT_OK, ""},
    {dv_cmd_compile, {IN "pinned.clif", "--target", "x86_64", NULL}, EXIT_OK, ""},
    {dv_cmd_compile,
     {IN "pinned.clif", "--target", "x86_64", "--emit", "vcode", NULL},
     EXIT_OK,
     ""},
    {dv_cmd_compile,
     {IN "settings.clif", "--target", "pulley64", NULL},
     EXIT_FAILED,
     "settings.clif:3: error: enable_heap_access_spectre_mitigation cannot be \"maybe\""},
    {dv_cmd_run,
     {"--target", "pulley64", IN "settings.clif", "%f()", NULL},
     EXIT_FAILED,
     "cannot be \"maybe\": its values are false true"},
    {dv_cmd_compile, {EXPORTS, "--emit", "object", NULL}, EXIT_USAGE, "cannot use \"object\""},
    {dv_cmd_compile, {EXPORTS, "--emit", "vcode", NULL}, EXIT_USAGE, "\"vcode\" for Wasm"},
    {dv_cmd_compile, {EXPORTS, "-O1", NULL}, EXIT_USAGE, "cannot use \"-O1\""},
    {dv_cmd_compile, {EXPORTS, "-O0", "-O2", NULL}, EXIT_USAGE, "cannot use \"-O2\" with \"-O0\""},
    {dv_cmd_compile, {EXPORTS, "-o", EXPORTS, NULL}, EXIT_FAILED, "would replace the input"},
    {dv_cmd_compile,
     {EXPORTS, "-o", "tests/../" EXPORTS, NULL},
     EXIT_FAILED,
     "would replace the input"},
    {dv_cmd_compile, {EXPORTS, "-o", "no/such/x", NULL}, EXIT_FAILED, "no/such/x: cannot create"},
    {dv_cmd_compile, {EXPORTS, "--target", "x64", NULL}, EXIT_USAGE, "cannot use \"x64\" for Wasm"},
    {dv_cmd_wat2wasm,
     {IN "mismatch.wat", NULL},
     EXIT_FAILED,
     "davit wat2wasm: " IN "mismatch.wat:3:16: error: type mismatch"},
    {dv_cmd_wat2wasm, {EXPORTS, ENDLESS, NULL}, EXIT_USAGE, "endless.wat\": it takes one file"},
    {dv_cmd_wat2wasm, {EXPORTS, "-o", EXPORTS, NULL}, EXIT_FAILED, "would replace the input"},
    {dv_cmd_wat2wasm, {EXPORTS, "-o", "./" EXPORTS, NULL}, EXIT_FAILED, "would replace the input"},
    {dv_cmd_run,
     {"--profile", "./" EXPORTS, "--invoke", "grow", EXPORTS, NULL},
     EXIT_USAGE,
     "--profile would replace the program"},
    {dv_cmd_wasm2wat, {FIB, NULL}, EXIT_FAILED, "fib.clif is no module"},
    {dv_cmd_inspect, {FIB, NULL}, EXIT_FAILED, "fib.clif is CLIF: davit cat"},
    {dv_cmd_validate, {FIB, NULL}, EXIT_FAILED, "davit verify checks CLIF"},
    {dv_cmd_disas, {"--func", "9", EXPORTS, NULL}, EXIT_FAILED, "has no function 9 with code\n"},
    {dv_cmd_disas,
     {"--func", "0", IN "imports.wat", NULL},
     EXIT_FAILED,
     "no function 0 with code: it is imported"},
    {dv_cmd_wast, {IN, NULL}, EXIT_FAILED, "holds no .wast file"},
    {dv_cmd_wast, {"no.wast", NULL}, EXIT_FAILED, "davit wast: no.wast: "},
    {dv_cmd_wast,
     {"--engine", "native", "--dispatch", "switch", IN, NULL},
     EXIT_USAGE,
     "cannot use \"native\""},
    {dv_cmd_wast, {"--memory", "none", IN, NULL}, EXIT_USAGE, "cannot use \"none\""},
    {dv_cmd_targets, {"x", NULL}, EXIT_USAGE, "davit targets: cannot use \"x\": it takes no file"},
    {dv_cmd_features, {"--all", NULL}, EXIT_USAGE, "davit features: cannot use \"--all\""},
    {dv_cmd_version, {"x", NULL}, EXIT_USAGE, "davit version: cannot use \"x\""},
    {dv_cmd_docs, {"x", NULL}, EXIT_USAGE, "davit docs: cannot use \"x\""},
    {dv_cmd_run, {"--help", NULL}, EXIT_OK, ""},
    {dv_cmd_test, {"--help", NULL}, EXIT_OK, ""},
    {dv_cmd_targets, {"-h", NULL}, EXIT_OK, ""},
};

static const CommandRow trap_rows[] = {
    {dv_cmd_run,
     {"--invoke", "div", EXPORTS, "1", "0", NULL},
     TRAPPED,
     "exports.wat: trap: integer divide by zero\n    at divide (function 0, " EXPORTS ":3:6)\n"},
    {dv_cmd_run,
     {"--invoke", "deep", EXPORTS, NULL},
     TRAPPED,
     "exports.wat: trap: call stack exhausted\n    at deep (function 1, "},
    {dv_cmd_run, {"--invoke", "deep", EXPORTS, NULL}, TRAPPED, "    ... 95 more of this ...\n"},
    {dv_cmd_run,
     {"--fuel", "100", ENDLESS, NULL},
     TRAPPED,
     "endless.wat: trap: all fuel consumed\n    at spin (function 0, "},
    {dv_cmd_run,
     {"--timeout", "50ms", "--link", "lib=" ENDLESS, IN "imports.wat", NULL},
     TRAPPED,
     "davit run: " ENDLESS ": stopped, having run for longer than --timeout allows\n"},
    {dv_cmd_run,
     {"--timeout", "50ms", ENDLESS, NULL},
     TRAPPED,
     "endless.wat: stopped, having run for longer than --timeout allows\n    at spin (function 0, "},
};

typedef struct Said {
    int status;
    char *text; /* to standard error */
} Said;

static Said run_row(Fixture *f, const CommandRow *row)
{
    Said said;
    char *argv[WORDS_MAX];
    Command command = {.argv = argv, .arena = &f->arena};
    for (; row->words[command.argc] != NULL; command.argc++) {
        argv[command.argc] = dv_arena_printf(&f->arena, "%s", row->words[command.argc]);
    }
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    int before = dup(STDERR_FILENO);
    assert_true(before >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    said.status = row->run(&command);
    fflush(stderr);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    assert_true(length >= 0);
    rewind(file);
    said.text = dv_arena_alloc(&f->arena, (usize)length + 1, 1);
    assert_int_equal(fread(said.text, 1, (usize)length, file), length);
    said.text[length] = '\0';
    fclose(file);
    return said;
}

static bool is_said_once(const char *text, const char *part)
{
    const char *at = strstr(text, part);
    return part[0] == '\0' ? text[0] == '\0' : at != NULL && strstr(at + 1, part) == NULL;
}

static void run_rows(Fixture *f, const CommandRow *list, usize count, bool is_one_line)
{
    for (usize i = 0; i < count; i++) {
        Said said = run_row(f, &list[i]);
        const char *newline = strchr(said.text, '\n');
        bool is_one = newline == NULL || newline[1] == '\0';
        if (!is_said_once(said.text, list[i].says) || said.status != list[i].status ||
            (is_one_line && !is_one)) {
            fail_msg("row %u gives %d and says:\n%s", (unsigned)i, said.status, said.text);
        }
    }
}

static void errors_name_the_word(void **state)
{
    run_rows(*state, rows, ARRAY_LEN(rows), false);
}

static void wasm_errors_are_one_line(void **state)
{
    run_rows(*state, wasm_rows, ARRAY_LEN(wasm_rows), true);
}

/* The trap, and a line for each frame. */
static void traps_have_backtraces(void **state)
{
    dv_signals_renew(); /* the test library puts in its own for each test */
    run_rows(*state, trap_rows, ARRAY_LEN(trap_rows), false);
}

/* A call that does not end is ended by the limit, on the evaluator and in bytecode. */
static void calls_end_at_the_limit(void **state)
{
    static const CommandRow endless[] = {
        {run_clif, {"eval", FIB, "%fib(40)", NULL}, EXIT_FAILED, ""},
        {run_clif, {"pulley64", FIB, "%fib(40)", NULL}, EXIT_FAILED, ""},
    };
    for (usize i = 0; i < ARRAY_LEN(endless); i++) {
        assert_int_equal(run_row(*state, &endless[i]).status, EXIT_FAILED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(errors_name_the_word), UNIT_TEST(wasm_errors_are_one_line),
        UNIT_TEST(traps_have_backtraces), UNIT_TEST(calls_end_at_the_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
