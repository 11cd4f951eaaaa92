/* cmd_wast.c - `davit wast`: collects scripts, runs them on several threads, holds skipped modules against a list, and reports in
 * the order of the files.
 *
 * A list has a line per module that needs what this version does not execute: "FILE:LINE FEATURE", FILE being the end of a path.
 * Lines that start with # are comments. With a list, a skip that it does not have fails, and so does a line of a file that was run
 * and skipped nothing there.
 */
#include <stdio.h>

#include "base/io.h"
#include "base/threads.h"
#include "tools/files.h"
#include "tools/run.h"
#include "tools/wasm_input.h"
#include "tools/wast_run.h"

typedef struct SkipLine {
    const char *file;
    u32 line, feature;
    u32 row; /* of the list */
    bool used;
} SkipLine;

typedef struct WastFile {
    const char *path;
    const char *error; /* NULL, or why it was not run */
    WastOutput output;
} WastFile;

typedef struct WastJob {
    WastOptions options;
    WordList features;
    bool has_features;
    bool print_skips;
    bool shows_progress; /* on a terminal */
    const char *skip_path;
    VEC(SkipLine) skips;
    FileList paths;
    WastFile *files;
    u32 next_file;
    Mutex mutex;
    u64 passed, failed, skipped;
} WastJob;

/* ---- the list of skips ---- */

static bool read_skip(Arena *arena, char *text, SkipLine *out)
{
    char *blank = strchr(text, ' ');
    char *colon = blank == NULL ? NULL : blank;
    while (colon != NULL && colon > text && *colon != ':') {
        colon--;
    }
    if (blank == NULL || colon == text || *colon != ':') {
        return false;
    }
    out->line = 0;
    for (const char *at = colon + 1; at < blank; at++) {
        if (*at < '0' || *at > '9' || out->line > 100000000) {
            return false;
        }
        out->line = out->line * 10 + (u32)(*at - '0');
    }
    out->file = dv_arena_strdup(arena, text, (usize)(colon - text));
    out->feature = dv_wasm_feature_find(blank + 1, strlen(blank + 1));
    return out->feature != FEATURE_COUNT;
}

static bool read_skips(Command *command, WastJob *job)
{
    IoBytes bytes;
    const char *error;
    if (dv_io_read(command->arena, job->skip_path, TOOL_MAX_INPUT, &bytes, &error) != DAVIT_OK) {
        fprintf(stderr, "davit wast: %s\n", error);
        return false;
    }
    const char *end = (const char *)bytes.data + bytes.size;
    u32 row = 0;
    for (const char *at = (const char *)bytes.data; at < end;) {
        const char *newline = memchr(at, '\n', (usize)(end - at));
        const char *stop = newline == NULL ? end : newline;
        char *text = dv_arena_strdup(command->arena, at, (usize)(stop - at));
        SkipLine skip = {.row = ++row};
        at = stop + 1;
        if (text[0] == '#' || text[0] == '\0') {
            continue;
        }
        if (!read_skip(command->arena, text, &skip)) {
            fprintf(stderr, "%s:%u: expected FILE:LINE FEATURE\n", job->skip_path, (unsigned)row);
            return false;
        }
        vec_push(command->arena, &job->skips, skip);
    }
    return true;
}

static bool is_end_of(const char *path, const char *file)
{
    usize n = strlen(path), m = strlen(file);
    return n >= m && strcmp(path + n - m, file) == 0 && (n == m || path[n - m - 1] == '/');
}

static bool skip_is_listed(WastJob *job, const char *path, const WastNote *note)
{
    bool listed = false;
    for (u32 i = 0; i < job->skips.len; i++) {
        SkipLine *skip = &job->skips.data[i];
        if (skip->line == note->line && skip->feature == note->feature &&
            is_end_of(path, skip->file)) {
            skip->used = true;
            listed = true; /* and so may a longer end of the path */
        }
    }
    return listed;
}

/* ---- running ---- */

typedef struct Worker {
    WastJob *job;
    Pool pool;
    Arena arena;
} Worker;

static void run_one(WastJob *job, WastFile *file, Arena *arena, Pool *pool)
{
    IoBytes bytes;
    if (dv_io_read(arena, file->path, TOOL_MAX_INPUT, &bytes, &file->error) != DAVIT_OK) {
        return;
    }
    WastOptions options = job->options;
    Str text = {(const char *)bytes.data, (u32)bytes.size};
    if (!job->has_features) {
        options.features = dv_wast_features(file->path);
    }
    dv_wast_run(text, &options, arena, pool, &file->output);
    file->error = file->output.status == DAVIT_OK ? NULL : davit_status_name(file->output.status);
}

static void run_next(void *context)
{
    Worker *worker = context;
    WastJob *job = worker->job;
    for (;;) {
        dv_mutex_lock(&job->mutex);
        u32 i = job->next_file++;
        dv_mutex_unlock(&job->mutex);
        if (i >= job->paths.len) {
            return;
        }
        if (job->shows_progress) {
            fprintf(stderr, "\r\033[K%u of %u scripts: %s", (unsigned)i + 1,
                    (unsigned)job->paths.len, job->files[i].path);
        }
        job->files[i].error = "memory ran out";
        run_one(job, &job->files[i], &worker->arena, &worker->pool);
    }
}

static void work(void *context, u32 number)
{
    Worker *worker = &((Worker *)context)[number];
    dv_pool_protect(&worker->pool, run_next, worker);
}

/* ---- reporting ---- */

/* The end of a path that a list names: from the folder given on. */
static const char *short_path(const char *path)
{
    static const char *const folders[] = {"/proposals/", "/legacy/", "/custom/"};
    for (usize i = 0; i < ARRAY_LEN(folders); i++) {
        const char *at = strstr(path, folders[i]);
        if (at != NULL) {
            return at + 1;
        }
    }
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static void report_note(WastJob *job, const WastFile *file, const WastNote *note)
{
    if (note->feature == FEATURE_COUNT) {
        printf("%s:%u: %s\n", file->path, (unsigned)note->line, note->text);
    } else if (job->print_skips) {
        printf("%s:%u %s\n", short_path(file->path), (unsigned)note->line,
               dv_wasm_features[note->feature].text);
    } else if (job->skip_path != NULL && !skip_is_listed(job, file->path, note)) {
        printf("%s:%u: skipped for want of %s, and the list of skips does not say so\n", file->path,
               (unsigned)note->line, dv_wasm_features[note->feature].text);
        job->failed++;
    }
}

static bool was_run(const WastJob *job, const char *file)
{
    for (u32 i = 0; i < job->paths.len; i++) {
        if (is_end_of(job->paths.data[i], file)) {
            return true;
        }
    }
    return false;
}

static void report(WastJob *job)
{
    for (u32 i = 0; i < job->paths.len; i++) {
        const WastFile *file = &job->files[i];
        job->passed += file->output.passed;
        job->failed += file->output.failed;
        job->skipped += file->output.skipped;
        for (u32 n = 0; n < file->output.notes.len; n++) {
            report_note(job, file, &file->output.notes.data[n]);
        }
        if (file->error != NULL) {
            printf("%s: %s\n", file->path, file->error);
            job->failed++;
        }
    }
    for (u32 i = 0; i < job->skips.len; i++) {
        const SkipLine *skip = &job->skips.data[i];
        if (!skip->used && was_run(job, skip->file)) {
            printf("%s:%u: this line skips nothing\n", job->skip_path, (unsigned)skip->row);
            job->failed++;
        }
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " skipped\n", job->passed,
           job->failed, job->skipped);
}

static void run_all(Command *command, WastJob *job, u32 threads)
{
    Worker *workers = ARENA_ARRAY(command->arena, Worker, threads);
    job->files = ARENA_ARRAY(command->arena, WastFile, job->paths.len);
    for (u32 i = 0; i < job->paths.len; i++) {
        job->files[i].path = job->paths.data[i];
    }
    for (u32 i = 0; i < threads; i++) {
        workers[i].job = job;
        dv_pool_init(&workers[i].pool, NULL);
        dv_arena_init(&workers[i].arena, &workers[i].pool);
    }
    dv_mutex_init(&job->mutex);
    dv_threads_run(threads, work, workers);
    dv_mutex_destroy(&job->mutex);
    if (job->shows_progress) {
        fputs("\r\033[K", stderr);
    }
    report(job);
    for (u32 i = 0; i < threads; i++) {
        dv_arena_release(&workers[i].arena);
        dv_pool_destroy(&workers[i].pool);
    }
}

int dv_cmd_wast(Command *command)
{
    WastJob job = {.skip_path = NULL};
    WordList words = {0};
    const char *engine = "pulley", *memory = "guard", *dispatch = "best";
    u64 threads = 1;
    const Option options[] = {
        {"--engine", OPTION_CHOICE, &engine, "pulley|native|auto", "what runs the code (pulley)"},
        {"--memory", OPTION_CHOICE, &memory, "guard|checked",
         "native: how accesses out of bounds are found, by guard pages or comparisons (guard)"},
        {"--dispatch", OPTION_CHOICE, &dispatch, "best|switch|goto|tail",
         "the interpreter's form of dispatch"},
        {"--features", OPTION_LIST, &job.features, "LIST",
         "instead of those of the file's folder: all, 3.0, +gc, -threads"},
        {"--skips", OPTION_TEXT, &job.skip_path, "FILE",
         "fail on skipped modules that the file does not list"},
        {"--print-skips", OPTION_FLAG, &job.print_skips, NULL, "print such a list"},
        {"--fast", OPTION_FLAG, &job.options.compile.fast, NULL,
         "compile fast: the fast register allocator"},
        {"-j", OPTION_NUMBER, &threads, "N", "use N threads (1)"},
    };
    const OptionTable table = {
        "wast",
        "[options] FILE|FOLDER...",
        "Runs scripts of the WebAssembly test suite. Modules that need a feature which this version does\n"
        "not execute are skipped with their assertions.\n",
        "  davit wast --skips tests/wast.skips testsuite/\n",
        options,
        ARRAY_LEN(options),
        false,
        1,
        ANY_WORDS};
    OptionsOutcome outcome = dv_options_read(command, &table, &words);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    if (!dv_wasm_choose_engine("wast", engine, memory,
                               strcmp(dispatch, "best") != 0 ? "--dispatch" : NULL,
                               &job.options.compile, &job.options.guarded)) {
        return EXIT_USAGE;
    }
    if (!dv_run_find_form(dispatch, &job.options.form)) {
        fprintf(stderr, "davit wast: cannot use \"%s\": this build has no such dispatch\n",
                dispatch);
        return EXIT_USAGE;
    }
    job.has_features = job.features.len != 0;
    job.options.features = dv_wasm_features_3_0();
    if (!dv_wasm_read_features(command, "wast", &job.features, &job.options.features)) {
        return EXIT_USAGE;
    }
    for (u32 i = 0; i < words.len; i++) {
        const char *error;
        if (!dv_files_collect(command->arena, words.data[i], ".wast", &job.paths, &error)) {
            fprintf(stderr, "davit wast: %s\n", error);
            return EXIT_FAILED;
        }
    }
    if (job.paths.len == 0) {
        fprintf(stderr, "davit wast: %s holds no .wast file\n", words.data[0]);
        return EXIT_FAILED;
    }
    job.shows_progress = dv_files_has_terminal();
    if (job.skip_path != NULL && !read_skips(command, &job)) {
        return EXIT_FAILED;
    }
    run_all(command, &job, (u32)(threads == 0 ? 1 : threads > 64 ? 64 : threads));
    return job.failed == 0 ? EXIT_OK : EXIT_FAILED;
}
