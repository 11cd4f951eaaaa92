/* filetest_run.c - runs the expectations of a file on the engines of a target.
 *
 * Each run starts from a fresh instance brought into the state that the setup directives above it,
 * in the comments of the same function, describe. An `after` looks at the instance that the run
 * above it left. An expectation holds if it holds on every engine; they take turns, and the first for which it
 * does not ends it. Only the first has a step limit, so that the others run as they do in earnest; native code has a limit of time.
 */
#include "tools/filetest_internal.h"

#include "base/bytes.h"

typedef struct Run {
    Filetest *t;
    const ClifFunc *owner;
    const char *command, *target;
    Engine *e;           /* whose turn it is */
    u32 num_run;         /* engines that the run above was done on: all unless it failed */
    const char *skipped; /* why the run above could not be done; NULL */
} Run;

/* What is to be said of an expectation. */
typedef struct Finding {
    Verdict verdict;
    const char *text;
} Finding;

/* What happened, as an expectation would say it: "== 3", "== [1, 2]", "traps int_divz". */
static void append_outcome(TextBuf *text, const EvalResult *result)
{
    if (result->outcome != EVAL_RETURNED) {
        dv_engine_print_failure(text, result);
        return;
    }
    bool is_list = result->num_values != 1;
    dv_text_str(text, is_list ? "== [" : "== ");
    dv_engine_print_values(text, result->values, result->num_values);
    dv_text_str(text, is_list ? "]" : "");
}

static bool values_equal(const Engine *e, const EvalResult *result, const Invocation *call)
{
    u32 count = call->func->func.sig.num_results;
    bool equal = result->num_values == count;
    for (u32 i = 0; equal && i < count; i++) {
        equal = dv_engine_value_fits(e, &call->results[i], &result->values[i]);
    }
    return equal;
}

static bool is_truthy(const EvalResult *result)
{
    bool any = false;
    if (result->num_values != 1) {
        return false;
    }
    for (u32 i = 0; i < type_bytes(result->values[0].type); i++) {
        any = any || result->values[0].bytes[i] != 0;
    }
    return any;
}

static bool holds(const Engine *e, const EvalResult *result, const Invocation *call)
{
    if (call->expect == EXPECT_TRAP) {
        return result->outcome == EVAL_TRAPPED && result->trap == call->trap;
    }
    if (result->outcome != EVAL_RETURNED) {
        return false;
    }
    switch (call->expect) {
    case EXPECT_EQUAL:
        return values_equal(e, result, call);
    case EXPECT_DIFFERENT:
        return !values_equal(e, result, call);
    case EXPECT_TRUTHY:
        return is_truthy(result);
    default:
        return true;
    }
}

static void bless(Run *r, const ClifComment *comment, const Invocation *call,
                  const EvalResult *result)
{
    bool can = call->call.len != 0 && call->expect != EXPECT_DIFFERENT &&
               (result->outcome == EVAL_RETURNED || result->outcome == EVAL_TRAPPED);
    if (!r->t->options->bless || !can) {
        return;
    }
    TextBuf text;
    dv_text_init(&text, r->t->results);
    dv_text_str(&text, "run: ");
    dv_text_bytes(&text, call->call.data, call->call.len);
    dv_text_char(&text, ' ');
    append_outcome(&text, result);
    Blessing b = {comment->line, 0, {text.data, (u32)text.length}};
    vec_push(r->t->scratch, &r->t->blessings, b);
}

static Finding pass(void)
{
    return (Finding){VERDICT_PASS, ""};
}

static Finding fail(const char *text)
{
    return (Finding){VERDICT_FAIL, text};
}

/* Calls and says whether the engine can do it at all; the finding is a skip if not. */
static Finding call_func(Run *r, const Invocation *call, EvalResult *result)
{
    EngineResult got;
    dv_engine_call(r->e, call->func, call->args, r->t->scratch, &got);
    *result = got.eval;
    r->skipped =
        got.is_hole ? dv_arena_strdup(r->t->results, result->reason, strlen(result->reason)) : NULL;
    return got.is_hole ? (Finding){VERDICT_SKIP, r->skipped} : pass();
}

static bool set_up(Run *r, u32 n, const char **error);

/* True if the call would trap at an access of plain memory: raw code does something else there. */
static bool would_leave_plain_memory(Run *r, u32 n, const Invocation *call)
{
    Engine *engine = r->e;
    EngineResult result = {.is_hole = false};
    const char *error;
    if (!engine->is_raw || call->expect != EXPECT_TRAP) {
        return false;
    }
    if (r->t->oracle == NULL) {
        EngineOptions options = {.target = dv_engine_oracle(engine->options.target),
                                 .max_steps = r->t->options->max_steps};
        r->t->oracle = dv_engine_new(&r->t->file, r->t->results, &options);
    }
    r->e = r->t->oracle;
    bool ok = set_up(r, n, &error);
    if (ok) {
        dv_engine_call(r->e, call->func, call->args, r->t->scratch, &result);
    }
    r->e = engine;
    return ok && dv_engine_trapped_at_plain_memory(&result.eval);
}

static Finding run_invocation(Run *r, u32 n, const ClifComment *comment, Directive d)
{
    Invocation call;
    EvalResult result;
    const char *error;
    if (!dv_directive_invocation(r->t, r->owner, d.rest, &call, &error)) {
        return fail(error);
    }
    if (d.kind == DIRECTIVE_PRINT && call.expect == EXPECT_TRUTHY) {
        call.expect = EXPECT_NOTHING;
    }
    if (would_leave_plain_memory(r, n, &call)) {
        r->skipped = "raw code does not check accesses of plain memory";
        return (Finding){VERDICT_SKIP, r->skipped};
    }
    Finding found = call_func(r, &call, &result);
    if (found.verdict != VERDICT_PASS) {
        return found;
    }
    TextBuf got;
    dv_text_init(&got, r->t->scratch);
    append_outcome(&got, &result);
    if (holds(r->e, &result, &call)) {
        found.text = d.kind == DIRECTIVE_PRINT ? got.data : "";
        return found;
    }
    bool returned = result.outcome == EVAL_RETURNED;
    bless(r, comment, &call, &result);
    return fail(dv_arena_printf(r->t->scratch, "expected %.*s, but it %s%s", (int)d.rest.len,
                                d.rest.data, returned ? "gives " : "",
                                got.data + (returned ? 3 : 0)));
}

/* "%f(3) == 17": the right side is fuel, not a result. */
static Finding run_fuel(Run *r, Directive d)
{
    const char *end = d.rest.data + d.rest.len, *equals = end;
    for (const char *p = d.rest.data; p + 1 < end; p++) {
        if (p[0] == '=' && p[1] == '=') {
            equals = p;
        }
    }
    Invocation call;
    EvalResult result;
    u8 want[8];
    const char *error = "expected \"%f(arguments) == fuel\"", *at = equals + 2;
    Str invocation = {d.rest.data, (u32)(equals - d.rest.data)};
    bool ok = equals != end && dv_directive_invocation(r->t, r->owner, invocation, &call, &error);
    while (ok && at < end && *at == ' ') {
        at++;
    }
    if (!ok || !dv_literal_parse(r->t->scratch, &at, end, TYPE_I64, want, &error)) {
        return fail(error);
    }
    Finding found = call_func(r, &call, &result);
    if (found.verdict != VERDICT_PASS ||
        (result.outcome == EVAL_RETURNED && result.fuel_used == load_le64(want))) {
        return found;
    }
    TextBuf text;
    dv_text_init(&text, r->t->scratch);
    if (result.outcome == EVAL_RETURNED) {
        dv_text_printf(&text, "it uses %" PRIu64, result.fuel_used);
    } else {
        dv_text_str(&text, "it ");
        append_outcome(&text, &result);
    }
    return fail(text.data);
}

/* Applies the setups above comment n of the owner to a fresh instance. */
static bool set_up(Run *r, u32 n, const char **error)
{
    dv_engine_reset(r->e, r->owner);
    for (u32 i = 0; i < n; i++) {
        const ClifComment *comment = &r->owner->comments.data[i];
        Directive d = dv_directive_find(comment);
        if (d.kind >= DIRECTIVE_MEMORY && d.kind != DIRECTIVE_NONE &&
            !dv_directive_setup(r->t, r->owner, r->e, d, error)) {
            return false;
        }
    }
    return true;
}

static Finding run_on_engine(Run *r, u32 n, Directive d)
{
    const ClifComment *comment = &r->owner->comments.data[n];
    const char *error = "";
    if (d.kind == DIRECTIVE_AFTER) {
        if (r->skipped != NULL) {
            return (Finding){VERDICT_SKIP, r->skipped};
        }
        return dv_directive_after(r->t, r->owner, r->e, d.rest, &error) ? pass() : fail(error);
    }
    if (!set_up(r, n, &error)) {
        return fail(dv_arena_printf(r->t->scratch, "setup: %s", error));
    }
    return d.kind == DIRECTIVE_FUEL ? run_fuel(r, d) : run_invocation(r, n, comment, d);
}

static void run_directive(Run *r, u32 n, Directive d)
{
    const char *command = d.kind == DIRECTIVE_AFTER  ? "after"
                          : d.kind == DIRECTIVE_FUEL ? "fuel"
                                                     : r->command;
    u32 line = r->owner->comments.data[n].line;
    Finding found = pass();
    if (r->t->options->list) {
        dv_filetest_report(r->t, line, VERDICT_SKIP, command, r->target, "%s", "");
        return;
    }
    u32 count = d.kind == DIRECTIVE_AFTER ? r->num_run : ENGINES_MAX;
    for (u32 i = 0; i < count && r->t->engines[i] != NULL && found.verdict == VERDICT_PASS; i++) {
        r->e = r->t->engines[i];
        found = run_on_engine(r, n, d);
        r->num_run = d.kind == DIRECTIVE_AFTER ? r->num_run : i + 1;
    }
    if (r->num_run == 0) {
        r->e = r->t->engines[0];
        found = fail("there is no run above it");
    }
    bool is_one_of_many = found.verdict == VERDICT_FAIL && r->e->label[0] != '\0';
    dv_filetest_report(r->t, line, found.verdict, command, r->target, "%s%s%s",
                       is_one_of_many ? r->e->label : "", is_one_of_many ? ": " : "", found.text);
}

static bool is_expectation(Directive d)
{
    return d.kind <= DIRECTIVE_AFTER;
}

void dv_filetest_free_engines(Filetest *t)
{
    for (u32 i = ENGINES_MAX; i-- > 0;) {
        dv_engine_free(t->engines[i]);
        t->engines[i] = NULL;
    }
    dv_engine_free(t->oracle);
    t->oracle = NULL;
}

static void make_engines(Filetest *t, const char *target)
{
    EngineOptions options = {
        .target = target,
        .max_steps = t->options->max_steps,
        .max_ns = dv_engine_time(t->options->max_steps),
        .settings = t->settings,
        .mutate_op = t->options->mutate_op,
        .mutation = t->options->mutation,
    };
    for (u32 i = 0; i < dv_engine_count(target); i++) {
        options.variant = i;
        t->engines[i] = dv_engine_new(&t->file, t->scratch, &options);
        options.like = t->engines[0];
        options.max_steps = 0;
    }
}

void dv_filetest_execute(Filetest *t, const char *command, const char *target)
{
    if (!dv_filetest_all_verify(t, command, target)) {
        return;
    }
    ArenaMark start = dv_arena_mark(t->scratch);
    Run r = {.t = t, .command = command, .target = target};
    if (!t->options->list) {
        make_engines(t, target);
    }
    ArenaMark mark = dv_arena_mark(t->scratch);
    for (u32 i = 0; i < t->file.funcs.len; i++) {
        r.owner = t->file.funcs.data[i];
        for (u32 n = 0; n < r.owner->comments.len; n++) {
            Directive d = dv_directive_find(&r.owner->comments.data[n]);
            if (is_expectation(d)) {
                run_directive(&r, n, d);
            }
            if (t->blessings.len == 0) {
                dv_arena_release_to(t->scratch, mark);
            }
        }
    }
    dv_filetest_free_engines(t);
    if (t->blessings.len == 0) {
        dv_arena_release_to(t->scratch, start);
    }
}

void dv_filetest_skip_runs(Filetest *t, const char *target, const char *reason)
{
    for (u32 i = 0; i < t->file.funcs.len; i++) {
        const ClifFunc *f = t->file.funcs.data[i];
        for (u32 n = 0; n < f->comments.len; n++) {
            if (is_expectation(dv_directive_find(&f->comments.data[n]))) {
                dv_filetest_report(t, f->comments.data[n].line, VERDICT_SKIP, "run", target, "%s",
                                   reason);
            }
        }
    }
}
