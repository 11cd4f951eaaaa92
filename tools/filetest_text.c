/* filetest_text.c - the tests of text and form: round trips, cat, verifier; and what this build
 * cannot do yet.
 *
 * A round trip prints a parsed function, parses that and prints it again: both prints must be
 * equal, and the second parse must agree on the shape of every entity, which equal text implies.
 */
#include "tools/filetest_internal.h"

#include "codegen/ir/print.h"
#include "codegen/ir/verify.h"
#include "tools/filecheck.h"

static Str print_func(Filetest *t, const Func *f)
{
    TextBuf text;
    dv_text_init(&text, t->scratch);
    dv_print_func(&text, f);
    CHECK(text.length < UINT32_MAX);
    return (Str){text.data, (u32)text.length};
}

static bool same_text(Str a, Str b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static void round_trip(Filetest *t, const ClifFunc *f)
{
    Diag diag;
    ClifFile again = {0};
    Str first = print_func(t, &f->func);
    dv_diag_init(&diag, t->scratch);
    if (!dv_clif_parse(&again, t->scratch, first, &diag)) {
        dv_filetest_report(t, f->line, VERDICT_FAIL, "round-trip", "",
                           "its printed text does not parse: line %u: %s",
                           (unsigned)dv_diag_first(&diag)->line, dv_diag_first(&diag)->text);
        return;
    }
    bool same = again.funcs.len == 1 && same_text(first, print_func(t, &again.funcs.data[0]->func));
    dv_filetest_report(t, f->line, same ? VERDICT_PASS : VERDICT_FAIL, "round-trip", "", "%s",
                       same ? "" : "printing it twice gives different texts");
}

void dv_filetest_round_trip(Filetest *t)
{
    for (u32 i = 0; i < t->file.funcs.len; i++) {
        ArenaMark mark = dv_arena_mark(t->scratch);
        round_trip(t, t->file.funcs.data[i]);
        dv_arena_release_to(t->scratch, mark);
    }
}

static bool has_option(const ClifCommand *command, const char *name)
{
    for (u32 i = 1; i < command->num_words; i++) {
        Str word = command->words[i];
        if (word.len == strlen(name) && memcmp(word.data, name, word.len) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- cat ---- */

/* The text that precise output expects: the comments behind the function, a line each. */
static Str precise_text(Filetest *t, const ClifFunc *f, u32 from_line)
{
    TextBuf text;
    dv_text_init(&text, t->scratch);
    for (u32 i = 0; i < f->comments.len; i++) {
        if (f->comments.data[i].line > from_line) {
            dv_text_bytes(&text, f->comments.data[i].text.data, f->comments.data[i].text.len);
            dv_text_char(&text, '\n');
        }
    }
    return (Str){text.data, (u32)text.length};
}

/* The last line of the function's own text: comments after it are about the whole of it. */
static u32 last_body_line(const ClifFunc *f)
{
    u32 last = f->line;
    for (u32 i = 0; i < f->inst_lines.len; i++) {
        last = f->inst_lines.data[i] > last ? f->inst_lines.data[i] : last;
    }
    return last + 1;
}

/* Both texts without the blanks that comments lose at the start of their lines. */
static bool same_lines(Filetest *t, Str want, Str got)
{
    TextBuf trimmed;
    dv_text_init(&trimmed, t->scratch);
    for (u32 i = 0; i < got.len;) {
        while (i < got.len && got.data[i] == ' ') {
            i++;
        }
        u32 start = i;
        while (i < got.len && got.data[i] != '\n') {
            i++;
        }
        dv_text_bytes(&trimmed, got.data + start, i - start);
        dv_text_char(&trimmed, '\n');
        i++;
    }
    return same_text(want, (Str){trimmed.data, (u32)trimmed.length});
}

static void bless_precise(Filetest *t, const ClifFunc *f, u32 end, Str got)
{
    for (u32 i = 0; i < f->comments.len; i++) {
        if (f->comments.data[i].line > end) {
            Blessing remove = {f->comments.data[i].line, 0, {"", 0}};
            vec_push(t->scratch, &t->blessings, remove);
        }
    }
    for (u32 i = 0; i < got.len;) {
        u32 start = i;
        while (i < got.len && got.data[i] != '\n') {
            i++;
        }
        Blessing add = {
            0, end, {dv_arena_strdup(t->results, got.data + start, i - start), i - start}};
        vec_push(t->scratch, &t->blessings, add);
        i++;
    }
}

static void cat_precise(Filetest *t, const ClifFunc *f, Str got)
{
    u32 end = last_body_line(f);
    if (same_lines(t, precise_text(t, f, end), got)) {
        dv_filetest_report(t, f->line, VERDICT_PASS, "cat", "", "%s", "");
        return;
    }
    dv_filetest_report(t, f->line, VERDICT_FAIL, "cat", "", "it prints as\n%s", got.data);
    if (t->options->bless) {
        bless_precise(t, f, end, got);
    }
}

static void cat_checked(Filetest *t, const ClifFunc *f, Str got)
{
    Str *directives = ARENA_ARRAY(t->scratch, Str, f->comments.len);
    for (u32 i = 0; i < f->comments.len; i++) {
        directives[i] = f->comments.data[i].text;
    }
    TextBuf explain;
    dv_text_init(&explain, t->scratch);
    bool ok = dv_filecheck(t->scratch, directives, f->comments.len, got, &explain);
    dv_filetest_report(t, f->line, ok ? VERDICT_PASS : VERDICT_FAIL, "cat", "", "%s",
                       ok ? "" : explain.data);
}

void dv_filetest_cat(Filetest *t, const ClifCommand *command)
{
    bool precise = has_option(command, "precise-output");
    for (u32 i = 0; i < t->file.funcs.len; i++) {
        const ClifFunc *f = t->file.funcs.data[i];
        Str got = print_func(t, &f->func);
        if (precise) {
            cat_precise(t, f, got);
        } else {
            cat_checked(t, f, got);
        }
    }
}

/* ---- verifier ---- */

static bool text_contains(const char *text, Str part)
{
    usize n = strlen(text);
    for (usize i = 0; i + part.len <= n; i++) {
        if (memcmp(text + i, part.data, part.len) == 0) {
            return true;
        }
    }
    return false;
}

/* The text behind "error:", or NULL data. */
static Str expected_error(const ClifComment *comment)
{
    static const char word[] = "error:";
    Str text = comment->text;
    if (text.len < sizeof word - 1 || memcmp(text.data, word, sizeof word - 1) != 0) {
        return (Str){NULL, 0};
    }
    u32 start = sizeof word - 1;
    while (start < text.len && text.data[start] == ' ') {
        start++;
    }
    return (Str){text.data + start, text.len - start};
}

/* Marks the first error not yet taken that contains the text and lies at the comment's entity. */
static bool take_error(const ClifFunc *f, const VerifyErrors *errors, bool *taken,
                       const ClifComment *comment, Str want)
{
    for (u32 i = 0; i < errors->list.len; i++) {
        const VerifyError *e = &errors->list.data[i];
        bool here = (e->place.kind == comment->owner.kind && e->place.id == comment->owner.id) ||
                    dv_clif_entity_line(f, e->place) == comment->owner_line;
        if (!taken[i] && here && text_contains(e->text, want)) {
            taken[i] = true;
            return true;
        }
    }
    return false;
}

static void append_error(TextBuf *text, const ClifFunc *f, const VerifyError *e)
{
    dv_text_printf(text, "%sline %u: ", text->length == 0 ? "" : "; ",
                   (unsigned)dv_clif_entity_line(f, e->place));
    dv_print_entity(text, e->place);
    dv_text_printf(text, ": %s", e->text);
}

static void verify_one(Filetest *t, const ClifFunc *f)
{
    VerifyErrors errors = {0};
    u32 expected = 0;
    dv_verify(&f->func, t->scratch, &(VerifyOptions){0}, &errors, NULL);
    bool *taken = ARENA_ARRAY(t->scratch, bool, errors.list.len);
    for (u32 i = 0; i < f->comments.len; i++) {
        Str want = expected_error(&f->comments.data[i]);
        if (want.data == NULL) {
            continue;
        }
        bool found = take_error(f, &errors, taken, &f->comments.data[i], want);
        dv_filetest_report(t, f->comments.data[i].line, found ? VERDICT_PASS : VERDICT_FAIL,
                           "verifier", "", "%s", found ? "" : "this error is not reported here");
        expected++;
    }
    TextBuf extra;
    dv_text_init(&extra, t->scratch);
    for (u32 i = 0; i < errors.list.len; i++) {
        if (!taken[i]) {
            append_error(&extra, f, &errors.list.data[i]);
        }
    }
    if (extra.length != 0 || expected == 0) {
        dv_filetest_report(t, f->line, extra.length == 0 ? VERDICT_PASS : VERDICT_FAIL, "verifier",
                           "", "%s", extra.data);
    }
}

void dv_filetest_verifier(Filetest *t)
{
    for (u32 i = 0; i < t->file.funcs.len; i++) {
        verify_one(t, t->file.funcs.data[i]);
    }
}

bool dv_filetest_all_verify(Filetest *t, const char *command, const char *target)
{
    bool all = true;
    u32 bits = strstr(target, "32") != NULL ? 32 : strstr(target, "64") != NULL ? 64 : 0;
    bool fits = true;
    for (u32 i = 0; i < t->file.funcs.len; i++) {
        const ClifFunc *f = t->file.funcs.data[i];
        VerifyErrors errors = {0};
        if (dv_verify(&f->func, t->scratch, &(VerifyOptions){0}, &errors, NULL)) {
            fits = fits && dv_verify(&f->func, t->scratch, &(VerifyOptions){bits}, &errors, NULL);
            continue;
        }
        TextBuf text;
        dv_text_init(&text, t->scratch);
        for (u32 n = 0; n < errors.list.len; n++) {
            append_error(&text, f, &errors.list.data[n]);
        }
        dv_filetest_report(t, f->line, VERDICT_FAIL, command, target, "%s", text.data);
        all = false;
    }
    if (all && !fits) {
        dv_filetest_skip_runs(t, target, "the file's addresses are of another width");
    }
    return all && fits;
}

/* ---- what is to come ---- */

void dv_filetest_unavailable(Filetest *t, const ClifCommand *command, const char *target)
{
    static const char *const done[] = {"run", "interpret", "cat", "verifier"};
    const char *name = dv_arena_strdup(t->results, command->words[0].data, command->words[0].len);
    for (usize i = 0; i < ARRAY_LEN(done); i++) {
        if (strcmp(name, done[i]) == 0) {
            return;
        }
    }
    for (u32 i = 0; i < t->file.funcs.len; i++) {
        dv_filetest_report(t, t->file.funcs.data[i]->line, VERDICT_SKIP, name, target,
                           "this build has no %s pass", name);
    }
}
