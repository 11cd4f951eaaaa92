/* filetest_run.c - runs the expectations of a file on the evaluator.
 *
 * Each run starts from a fresh instance brought into the state that the setup directives above it,
 * in the comments of the same function, describe. An `after` looks at the instance that the run
 * above it left.
 */
#include "tools/filetest_internal.h"

#include "base/bytes.h"
#include "codegen/ir/print.h"

typedef struct Run {
    Filetest *t;
    Evaluator *e;
    const ClifFunc *owner;
    const char *command, *target;
} Run;

static void append_values(TextBuf *text, const EvalValue *values, u32 count)
{
    if (count != 1) {
        dv_text_char(text, '[');
    }
    for (u32 i = 0; i < count; i++) {
        if (i != 0) {
            dv_text_str(text, ", ");
        }
        dv_print_literal(text, values[i].type, values[i].bytes);
    }
    if (count != 1) {
        dv_text_char(text, ']');
    }
}

/* What happened, as an expectation would say it: "== 3", "traps int_divz". */
static void append_outcome(TextBuf *text, const EvalResult *result)
{
    char name[16];
    switch (result->outcome) {
    case EVAL_RETURNED:
        dv_text_str(text, "== ");
        append_values(text, result->values, result->num_values);
        break;
    case EVAL_TRAPPED:
        dv_text_printf(text, "traps %s", dv_trap_name(result->trap, name));
        break;
    case EVAL_OUT_OF_STEPS:
        dv_text_str(text, "does not end within the step limit");
        break;
    default:
        dv_text_printf(text, "cannot be evaluated: %s", result->reason);
        break;
    }
}

static bool values_equal(const EvalResult *result, const Invocation *call)
{
    u32 count = call->func->func.sig.num_results;
    bool equal = result->num_values == count;
    for (u32 i = 0; equal && i < count; i++) {
        const EvalValue *got = &result->values[i], *want = &call->results[i];
        equal =
            got->type == want->type && memcmp(got->bytes, want->bytes, type_bytes(got->type)) == 0;
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

static bool holds(const EvalResult *result, const Invocation *call)
{
    if (call->expect == EXPECT_TRAP) {
        return result->outcome == EVAL_TRAPPED && result->trap == call->trap;
    }
    if (result->outcome != EVAL_RETURNED) {
        return false;
    }
    switch (call->expect) {
    case EXPECT_EQUAL:
        return values_equal(result, call);
    case EXPECT_DIFFERENT:
        return !values_equal(result, call);
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

static void call_func(Run *r, const Invocation *call, EvalResult *result)
{
    const Func *f = &call->func->func;
    dv_eval_call(r->e, f, call->args, f->sig.num_params, r->t->scratch, result);
}

static void run_invocation(Run *r, const ClifComment *comment, Directive d)
{
    Invocation call;
    EvalResult result;
    const char *error;
    if (!dv_directive_invocation(r->t, r->owner, d.rest, &call, &error)) {
        dv_filetest_report(r->t, comment->line, VERDICT_FAIL, r->command, r->target, "%s", error);
        return;
    }
    if (d.kind == DIRECTIVE_PRINT && call.expect == EXPECT_TRUTHY) {
        call.expect = EXPECT_NOTHING;
    }
    call_func(r, &call, &result);
    TextBuf got;
    dv_text_init(&got, r->t->scratch);
    append_outcome(&got, &result);
    if (holds(&result, &call)) {
        const char *printed = d.kind == DIRECTIVE_PRINT ? got.data : "";
        dv_filetest_report(r->t, comment->line, VERDICT_PASS, r->command, r->target, "%s", printed);
        return;
    }
    dv_filetest_report(r->t, comment->line, VERDICT_FAIL, r->command, r->target,
                       "expected %.*s, but it %s%s", (int)d.rest.len, d.rest.data,
                       result.outcome == EVAL_RETURNED ? "gives " : "",
                       got.data + (result.outcome == EVAL_RETURNED ? 3 : 0));
    bless(r, comment, &call, &result);
}

/* "%f(3) == 17": the right side is fuel, not a result. */
static void run_fuel(Run *r, const ClifComment *comment, Directive d)
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
        dv_filetest_report(r->t, comment->line, VERDICT_FAIL, "fuel", r->target, "%s", error);
        return;
    }
    call_func(r, &call, &result);
    bool same = result.outcome == EVAL_RETURNED && result.fuel_used == load_le64(want);
    const char *used = dv_arena_printf(r->t->scratch, "it uses %" PRIu64, result.fuel_used);
    dv_filetest_report(r->t, comment->line, same ? VERDICT_PASS : VERDICT_FAIL, "fuel", r->target,
                       "%s", same ? "" : used);
}

/* Applies the setups above comment n of the owner to a fresh instance. */
static bool set_up(Run *r, u32 n, const char **error)
{
    dv_eval_reset(r->e);
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

static void run_directive(Run *r, u32 n, Directive d)
{
    const ClifComment *comment = &r->owner->comments.data[n];
    const char *error = "";
    if (r->t->options->list) {
        dv_filetest_report(r->t, comment->line, VERDICT_SKIP, r->command, r->target, "%s", "");
        return;
    }
    if (d.kind == DIRECTIVE_AFTER) {
        bool ok = dv_directive_after(r->t, r->owner, r->e, d.rest, &error);
        dv_filetest_report(r->t, comment->line, ok ? VERDICT_PASS : VERDICT_FAIL, "after",
                           r->target, "%s", ok ? "" : error);
        return;
    }
    if (!set_up(r, n, &error)) {
        dv_filetest_report(r->t, comment->line, VERDICT_FAIL, r->command, r->target, "setup: %s",
                           error);
    } else if (d.kind == DIRECTIVE_FUEL) {
        run_fuel(r, comment, d);
    } else {
        run_invocation(r, comment, d);
    }
}

static bool is_expectation(Directive d)
{
    return d.kind <= DIRECTIVE_AFTER;
}

static Evaluator *new_evaluator(Filetest *t, const char *target)
{
    EvalOptions options = {
        .big_endian = strstr(target, "be") != NULL,
        .address_bits = strstr(target, "32") != NULL ? 32 : 64,
        .max_steps = t->options->max_steps,
        .mutate_op = t->options->mutate_op,
        .mutation = t->options->mutation,
    };
    Evaluator *e = dv_eval_new(t->pool, &options);
    if (e == NULL) {
        dv_escape(t->pool, DAVIT_ERROR_MEMORY);
    }
    for (u32 i = 0; i < t->file.funcs.len; i++) {
        dv_eval_add(e, &t->file.funcs.data[i]->func);
    }
    return e;
}

void dv_filetest_eval(Filetest *t, const char *command, const char *target)
{
    if (!dv_filetest_all_verify(t, command, target)) {
        return;
    }
    Run r = {t, new_evaluator(t, target), NULL, command, target};
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
    dv_eval_free(r.e);
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
