/* filetest.c - reads a file's commands, works out which targets each is for, and reports units.
 *
 * Settings accumulate over `set` lines; a target line takes the settings so far. With --target T
 * every expectation of run and interpret is run on T once for each distinct set of settings. A setting that Davit has
 * (settings.h) with a value that it does not have is a failure, and nothing is run.
 */
#include "tools/filetest_internal.h"

#include <stdio.h>

void dv_filetest_report(Filetest *t, u32 line, Verdict verdict, const char *command,
                        const char *target, const char *reason, ...)
{
    TextBuf text;
    dv_text_init(&text, t->results);
    va_list args;
    va_start(args, reason);
    dv_text_vprintf(&text, reason, args);
    va_end(args);
    if (t->options->list) {
        verdict = VERDICT_SKIP;
        dv_text_truncate(&text, 0);
    }
    Unit unit = {line, verdict, command, target, text.data};
    vec_push(t->results, &t->out->units, unit);
}

static bool is_word(Str word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

bool dv_target_is_executable(const char *name)
{
    return dv_engine_count(name) != 0;
}

/* "x86_64 has_avx2", in the results' arena. */
static const char *join_words(Filetest *t, const ClifCommand *command)
{
    TextBuf text;
    dv_text_init(&text, t->results);
    for (u32 i = 0; i < command->num_words; i++) {
        if (i != 0) {
            dv_text_char(&text, ' ');
        }
        dv_text_bytes(&text, command->words[i].data, command->words[i].len);
    }
    return text.data;
}

static bool has_command(const Filetest *t, const char *name)
{
    for (u32 i = 0; i < t->file.commands.len; i++) {
        const ClifCommand *c = &t->file.commands.data[i];
        if (c->kind == CLIF_TEST && c->num_words > 0 && is_word(c->words[0], name)) {
            return true;
        }
    }
    return false;
}

static const char *settings_up_to(Filetest *t, u32 end)
{
    TextBuf text;
    dv_text_init(&text, t->scratch);
    for (u32 i = 0; i < end; i++) {
        if (t->file.commands.data[i].kind == CLIF_SET) {
            dv_text_printf(&text, "%s\n", join_words(t, &t->file.commands.data[i]));
        }
    }
    return text.data;
}

/* For the target at hand; NULL, or what is wrong with one, with its line. */
static const char *take_settings(Filetest *t, u32 end, u32 *line)
{
    return dv_settings_read(&t->file, end, t->results, &t->settings, line);
}

/* The same of settings that have all been read before. */
static void take_good_settings(Filetest *t, u32 end)
{
    u32 line;
    const char *error = take_settings(t, end, &line);
    ASSERT(error == NULL);
    (void)error;
}

/* True of a file that interprets and names the target eval, but has nothing to run. */
static bool is_for_evaluator(const Filetest *t)
{
    bool is_named = false;
    for (u32 i = 0; i < t->file.commands.len; i++) {
        const ClifCommand *c = &t->file.commands.data[i];
        is_named = is_named ||
                   (c->kind == CLIF_TARGET && c->num_words > 0 && is_word(c->words[0], "eval"));
    }
    return is_named && !has_command(t, "run");
}

/* Once per distinct set of settings among the target lines; once if there are none. */
static void run_on_given_target(Filetest *t)
{
    const char *target = t->options->target;
    if (!has_command(t, "run") && !has_command(t, "interpret")) {
        return;
    }
    if (is_for_evaluator(t) && strncmp(target, "eval", 4) != 0) {
        dv_filetest_skip_runs(t, target, "the file is for the evaluator alone");
        return;
    }
    VEC(const char *) seen = {0};
    for (u32 i = 0; i <= t->file.commands.len; i++) {
        bool at_end = i == t->file.commands.len;
        if (at_end ? seen.len != 0 : t->file.commands.data[i].kind != CLIF_TARGET) {
            continue;
        }
        const char *settings = settings_up_to(t, i);
        bool is_new = true;
        for (u32 n = 0; n < seen.len; n++) {
            is_new = is_new && strcmp(seen.data[n], settings) != 0;
        }
        if (is_new) {
            vec_push(t->scratch, &seen, settings);
            take_good_settings(t, i);
            dv_filetest_execute(t, "run", target);
        }
    }
}

/* Code runs with each set of features that the processor has, so those that a line names choose nothing. */
static void run_on_target_line(Filetest *t, u32 number)
{
    const ClifCommand *target = &t->file.commands.data[number];
    const char *words = join_words(t, target);
    const char *name = target->num_words == 0 ? words
                                              : dv_arena_strdup(t->results, target->words[0].data,
                                                                target->words[0].len);
    take_good_settings(t, number);
    for (u32 i = 0; i < t->file.commands.len; i++) {
        const ClifCommand *c = &t->file.commands.data[i];
        if (c->kind != CLIF_TEST || c->num_words == 0) {
            continue;
        }
        if (!is_word(c->words[0], "run")) {
            dv_filetest_unavailable(t, c, words);
        } else if (dv_target_is_executable(name)) {
            dv_filetest_execute(t, "run", name);
        } else {
            dv_filetest_skip_runs(t, words, "this build cannot execute the target");
        }
    }
}

static void run_as_file_says(Filetest *t)
{
    bool any_target = false;
    dv_filetest_round_trip(t);
    for (u32 i = 0; i < t->file.commands.len; i++) {
        const ClifCommand *c = &t->file.commands.data[i];
        if (c->kind == CLIF_TARGET) {
            any_target = true;
            run_on_target_line(t, i);
        } else if (c->kind == CLIF_TEST && c->num_words > 0) {
            if (is_word(c->words[0], "cat")) {
                dv_filetest_cat(t, c);
            } else if (is_word(c->words[0], "verifier")) {
                dv_filetest_verifier(t);
            } else if (is_word(c->words[0], "interpret")) {
                dv_filetest_execute(t, "interpret", "eval");
            }
        }
    }
    for (u32 i = 0; !any_target && i < t->file.commands.len; i++) {
        const ClifCommand *c = &t->file.commands.data[i];
        if (c->kind == CLIF_TEST && c->num_words > 0) {
            dv_filetest_unavailable(t, c, "");
        }
    }
    if (t->file.commands.len == 0) {
        dv_filetest_report(t, 1, VERDICT_FAIL, "parse", "", "the file has no test command");
    }
}

/* The file's text with each blessed comment line replaced or added. */
static Str apply_blessings(Filetest *t)
{
    TextBuf out;
    dv_text_init(&out, t->results);
    const char *at = t->text.data, *end = at + t->text.len;
    for (u32 line = 1; at < end; line++) {
        const char *newline = memchr(at, '\n', (usize)(end - at));
        const char *next = newline == NULL ? end : newline + 1;
        const Blessing *replacement = NULL;
        for (u32 i = 0; i < t->blessings.len; i++) {
            if (t->blessings.data[i].line == line) {
                replacement = &t->blessings.data[i];
            }
        }
        if (replacement == NULL) {
            dv_text_bytes(&out, at, (usize)(next - at));
        } else if (replacement->text.len != 0) {
            const char *semicolon = memchr(at, ';', (usize)(next - at));
            dv_text_bytes(&out, at, semicolon == NULL ? 0 : (usize)(semicolon - at));
            dv_text_printf(&out, "; %s\n", replacement->text.data);
        }
        for (u32 i = 0; i < t->blessings.len; i++) {
            if (t->blessings.data[i].after_line == line) {
                dv_text_printf(&out, "; %s\n", t->blessings.data[i].text.data);
            }
        }
        at = next;
    }
    return (Str){out.data, (u32)out.length};
}

static void report_parse_error(Filetest *t, const Diag *diag)
{
    const DiagMessage *first = dv_diag_first(diag);
    u32 line = first == NULL ? 0 : first->line;
    dv_filetest_report(t, line, VERDICT_FAIL, "parse", "", "column %u: %s",
                       first == NULL ? 0u : (unsigned)first->column,
                       first == NULL ? "unknown error" : first->text);
}

static void run_file(void *context)
{
    Filetest *t = context;
    Diag diag;
    u32 line = 0;
    const char *error;
    dv_diag_init(&diag, t->scratch);
    if (!dv_clif_parse(&t->file, t->scratch, t->text, &diag)) {
        report_parse_error(t, &diag);
    } else if ((error = take_settings(t, t->file.commands.len, &line)) != NULL) {
        dv_filetest_report(t, line, VERDICT_FAIL, "set", "", "%s", error);
    } else if (t->options->target != NULL) {
        run_on_given_target(t);
    } else {
        run_as_file_says(t);
    }
    if (t->blessings.len != 0) {
        t->out->blessed = apply_blessings(t);
    }
}

void dv_filetest_run(const char *path, Str text, const FiletestOptions *options, Arena *results,
                     Pool *pool, FiletestOutput *out)
{
    Arena scratch;
    dv_arena_init(&scratch, pool);
    Filetest t = {.path = path,
                  .text = text,
                  .options = options,
                  .results = results,
                  .scratch = &scratch,
                  .pool = pool,
                  .out = out};
    out->status = dv_pool_protect(pool, run_file, &t);
    dv_filetest_free_engines(&t);
    dv_arena_release(&scratch);
}
