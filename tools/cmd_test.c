/* cmd_test.c - `davit test`: collects files, runs them on several threads, holds skips against a
 * list, and reports in the order of the files.
 *
 * A skip list has a line per entry: a pattern for "file:line command target" in which * stands for
 * any text, a blank, and the reason. Lines that start with # are comments. With a list, a skip that
 * no entry allows fails, and so does an entry that allows no skip.
 */
#include "tools/options.h"

#include <stdio.h>

#include "base/io.h"
#include "base/threads.h"
#include "tools/files.h"
#include "tools/filetest.h"
#include "tools/input.h"

typedef struct SkipEntry {
    const char *pattern, *reason;
    u32 line;
    bool used;
} SkipEntry;

typedef struct TestFile {
    const char *path;
    const char *error; /* NULL, or why it could not be read */
    FiletestOutput output;
} TestFile;

typedef struct TestRun {
    FiletestOptions options;
    bool json, verbose;
    u32 jobs;
    const char *skip_path;
    VEC(SkipEntry) skips;
    FileList paths;
    TestFile *files;
    u32 num_files, next_file;
    Mutex mutex;
    Arena *arena;
    u64 counts[VERDICT_COUNT];
} TestRun;

static const char *const verdict_names[VERDICT_COUNT] = {"pass", "fail", "skip", "differs"};

/* ---- the command line ---- */

/* "iadd:3" */
static bool read_mutation(const char *text, FiletestOptions *options)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon[1] < '1' || colon[1] > '7' || colon[2] != '\0') {
        return false;
    }
    options->mutate_op = (u16)dv_op_find(text, (usize)(colon - text));
    options->mutation = (u8)(colon[1] - '0');
    return options->mutate_op != OP_COUNT;
}

static bool refuse(const char *word, const char *why)
{
    fprintf(stderr, "davit test: cannot use \"%s\": %s (davit test --help tells more)\n", word,
            why);
    return false;
}

/* What fits the table of options, and yet is nothing that can be done. */
static bool check_options(TestRun *run, Command *command, const char *mutation, u64 jobs)
{
    const char *target = run->options.target;
    if (target != NULL && !dv_input_check_target(command, "test", target, true)) {
        return false;
    }
    if (target != NULL && !dv_target_is_executable(target)) {
        return refuse(target, "this machine does not execute it");
    }
    if (mutation != NULL && !read_mutation(mutation, &run->options)) {
        return refuse(mutation,
                      "--mutate takes an operation and a way from 1 to 7, such as iadd:3");
    }
    if (jobs == 0 || jobs > THREADS_MAX) {
        return refuse(dv_arena_printf(run->arena, "-j %" PRIu64, jobs),
                      dv_arena_printf(run->arena, "it takes 1 to %d", (int)THREADS_MAX));
    }
    run->jobs = (u32)jobs;
    return true;
}

static OptionsOutcome read_command_line(TestRun *run, Command *command)
{
    WordList words = {0};
    const char *mutation = NULL;
    u64 jobs = 1;
    const Option options[] = {
        {"--target", OPTION_TEXT, &run->options.target, "T",
         "run every expectation of run and interpret tests on T, one of davit targets"},
        {"--exact", OPTION_FLAG, &run->options.exact, NULL,
         "precise output and checks must hold: for the project's own files"},
        {"--bless", OPTION_FLAG, &run->options.bless, NULL,
         "rewrite the expectations that do not hold"},
        {"--skips", OPTION_TEXT, &run->skip_path, "FILE",
         "fail on skips that the file does not list, and on entries that skip nothing"},
        {"--list", OPTION_FLAG, &run->options.list, NULL, "name the units, run none"},
        {"--json", OPTION_FLAG, &run->json, NULL, "a row of JSON for each unit"},
        {"--verbose", OPTION_FLAG, &run->verbose, NULL,
         "a line for each unit, not for failures alone"},
        {"--steps", OPTION_NUMBER, &run->options.max_steps, "N",
         "instructions that one run may execute (100000000)"},
        {"--mutate", OPTION_TEXT, &mutation, "OP:N",
         "change what the operation means in way N (1 to 7): tests should fail"},
        {"-j", OPTION_NUMBER, &jobs, "N", "use N threads (1)"},
    };
    const OptionTable table = {.command = "test",
                               .synopsis = "[options] FILE|FOLDER...",
                               .about =
                                   "Runs the tests that CLIF files describe (docs/filetests.md).\n",
                               .examples = "  davit test -j 2 tests/clif\n"
                                           "  davit test --target pulley32be examples/fib.clif\n",
                               .options = options,
                               .count = ARRAY_LEN(options),
                               .min_words = 1,
                               .max_words = ANY_WORDS};
    OptionsOutcome outcome = dv_options_read(command, &table, &words);
    for (u32 i = 0; i < words.len; i++) {
        vec_push(run->arena, &run->paths, words.data[i]);
    }
    return outcome != OPTIONS_OK || check_options(run, command, mutation, jobs) ? outcome
                                                                                : OPTIONS_WRONG;
}

/* ---- the skip list ---- */

static bool read_skips(TestRun *run)
{
    IoBytes bytes;
    const char *error;
    if (run->skip_path == NULL) {
        return true;
    }
    if (dv_io_read(run->arena, run->skip_path, TOOL_MAX_INPUT, &bytes, &error) != DAVIT_OK) {
        fprintf(stderr, "davit test: %s\n", error);
        return false;
    }
    u32 line = 0;
    const char *end = (const char *)bytes.data + bytes.size;
    for (const char *at = (const char *)bytes.data; at < end;) {
        const char *newline = memchr(at, '\n', (usize)(end - at));
        const char *stop = newline == NULL ? end : newline;
        char *text = dv_arena_strdup(run->arena, at, (usize)(stop - at));
        line++;
        at = stop + 1;
        if (text[0] == '#' || text[0] == '\0') {
            continue;
        }
        char *reason = strstr(text, "  ");
        if (reason == NULL) {
            fprintf(stderr, "%s:%u: expected a pattern, two blanks and the reason\n",
                    run->skip_path, (unsigned)line);
            return false;
        }
        *reason = '\0';
        SkipEntry entry = {text, reason + 2, line, false};
        vec_push(run->arena, &run->skips, entry);
    }
    return true;
}

/* Whether text fits a pattern with * for any text; the last star is retried, so no recursion. */
static bool fits(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

static bool skip_is_listed(TestRun *run, const char *path, const Unit *unit)
{
    ArenaMark mark = dv_arena_mark(run->arena);
    const char *what = dv_arena_printf(run->arena, "%s:%u %s %s", path, (unsigned)unit->line,
                                       unit->command, unit->target);
    bool listed = false;
    for (u32 i = 0; i < run->skips.len; i++) {
        if (fits(run->skips.data[i].pattern, what)) {
            run->skips.data[i].used = true;
            listed = true;
        }
    }
    dv_arena_release_to(run->arena, mark);
    return listed;
}

/* ---- running ---- */

static void run_one(TestRun *run, TestFile *file, Arena *arena, Pool *pool)
{
    IoBytes bytes;
    if (dv_io_read(arena, file->path, TOOL_MAX_INPUT, &bytes, &file->error) != DAVIT_OK) {
        return;
    }
    file->error = NULL;
    Str text = {(const char *)bytes.data, (u32)bytes.size};
    dv_filetest_run(file->path, text, &run->options, arena, pool, &file->output);
    if (file->output.status != DAVIT_OK) {
        file->error = davit_status_name(file->output.status);
    } else if (file->output.blessed.data != NULL) {
        IoBytes blessed = {(const u8 *)file->output.blessed.data, file->output.blessed.len};
        dv_io_write(arena, file->path, blessed, &file->error);
    }
}

typedef struct Worker {
    TestRun *run;
    Pool pool;
    Arena arena;
} Worker;

static void run_next(void *context)
{
    Worker *worker = context;
    TestRun *run = worker->run;
    for (;;) {
        dv_mutex_lock(&run->mutex);
        u32 i = run->next_file++;
        dv_mutex_unlock(&run->mutex);
        if (i >= run->num_files) {
            return;
        }
        run->files[i].error = "memory ran out";
        run_one(run, &run->files[i], &worker->arena, &worker->pool);
    }
}

static void work(void *context, u32 number)
{
    Worker *worker = &((Worker *)context)[number];
    dv_pool_protect(&worker->pool, run_next, worker);
}

/* ---- reporting ---- */

static void print_json_string(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            printf("\\%c", *text);
        } else if ((u8)*text < 0x20) {
            printf("\\u%04x", (unsigned)(u8)*text);
        } else {
            putchar(*text);
        }
    }
    putchar('"');
}

static void print_json(const char *path, const Unit *unit, Verdict verdict, const char *reason)
{
    printf("{\"file\":");
    print_json_string(path);
    printf(",\"line\":%u,\"command\":\"%s\",\"target\":", (unsigned)unit->line, unit->command);
    print_json_string(unit->target);
    printf(",\"verdict\":\"%s\",\"reason\":", verdict_names[verdict]);
    print_json_string(reason);
    printf("}\n");
}

static void report_unit(TestRun *run, const char *path, const Unit *unit)
{
    Verdict verdict = unit->verdict;
    const char *reason = unit->reason;
    if (verdict == VERDICT_SKIP && !run->options.list && run->skip_path != NULL &&
        !skip_is_listed(run, path, unit)) {
        verdict = VERDICT_FAIL;
        reason = "skipped, and the list of skips does not say so";
    }
    run->counts[verdict]++;
    if (run->json) {
        print_json(path, unit, verdict, reason);
    } else if (run->options.list) {
        printf("%s:%u %s %s\n", path, (unsigned)unit->line, unit->command, unit->target);
    } else if (verdict == VERDICT_FAIL || run->verbose || (verdict == VERDICT_PASS && *reason)) {
        printf("%s:%u: %s %s%s%s%s%s\n", path, (unsigned)unit->line, verdict_names[verdict],
               unit->command, *unit->target ? " " : "", unit->target, *reason ? ": " : "", reason);
    }
}

static void report_all(TestRun *run)
{
    for (u32 i = 0; i < run->num_files; i++) {
        const TestFile *file = &run->files[i];
        for (u32 n = 0; n < file->output.units.len; n++) {
            report_unit(run, file->path, &file->output.units.data[n]);
        }
        if (file->error != NULL) {
            Unit unit = {0, VERDICT_FAIL, "parse", "", file->error};
            report_unit(run, file->path, &unit);
        }
    }
    for (u32 i = 0; i < run->skips.len && !run->options.list; i++) {
        if (!run->skips.data[i].used) {
            Unit unit = {run->skips.data[i].line, VERDICT_FAIL, "skips", "",
                         "this entry skips nothing"};
            report_unit(run, run->skip_path, &unit);
        }
    }
    fflush(stdout);
    if (run->counts[VERDICT_DIFFERS] != 0) {
        printf("%" PRIu64 " differ (information)\n", run->counts[VERDICT_DIFFERS]);
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped\n",
           run->counts[VERDICT_PASS], run->counts[VERDICT_FAIL], run->counts[VERDICT_SKIP]);
}

static void collect_files(TestRun *run)
{
    FileList found = {0};
    for (u32 i = 0; i < run->paths.len; i++) {
        const char *error;
        u32 before = found.len;
        if (!dv_files_collect(run->arena, run->paths.data[i], ".clif", &found, &error)) {
            fprintf(stderr, "davit test: %s\n", error);
            run->counts[VERDICT_FAIL]++;
        } else if (found.len == before) {
            fprintf(stderr, "davit test: %s holds no .clif file\n", run->paths.data[i]);
            run->counts[VERDICT_FAIL]++;
        }
    }
    run->num_files = found.len;
    run->files = ARENA_ARRAY(run->arena, TestFile, found.len);
    for (u32 i = 0; i < found.len; i++) {
        run->files[i].path = found.data[i];
    }
}

static void run_files(TestRun *run)
{
    Worker *workers = ARENA_ARRAY(run->arena, Worker, run->jobs);
    for (u32 i = 0; i < run->jobs; i++) {
        workers[i].run = run;
        dv_pool_init(&workers[i].pool, NULL);
        dv_arena_init(&workers[i].arena, &workers[i].pool);
    }
    dv_mutex_init(&run->mutex);
    dv_threads_run(run->jobs, work, workers);
    dv_mutex_destroy(&run->mutex);
    report_all(run);
    for (u32 i = 0; i < run->jobs; i++) {
        dv_arena_release(&workers[i].arena);
        dv_pool_destroy(&workers[i].pool);
    }
}

int dv_cmd_test(Command *command)
{
    TestRun run = {.arena = command->arena, .jobs = 1, .options = {.max_steps = 100000000}};
    OptionsOutcome outcome = read_command_line(&run, command);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    if (!read_skips(&run)) {
        return EXIT_USAGE;
    }
    collect_files(&run);
    run_files(&run);
    return run.counts[VERDICT_FAIL] == 0 ? EXIT_OK : EXIT_FAILED;
}
