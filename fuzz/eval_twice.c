/* eval_twice.c - two evaluators side by side. Each has a pool of its own, so that both meet the same limits. */
#include "fuzz/eval_twice.h"

enum {
    SEGMENT_SIZE = 16
}; /* of data segments in bytes, of element segments and table 0 in elements */

typedef struct Side {
    Pool pool;
    Evaluator *evaluator;
} Side;

static void set_up_instance(Side *side, const EvalJob *job, const Func *const *funcs)
{
    u8 data[SEGMENT_SIZE];
    u32 refs[SEGMENT_SIZE];
    u64 size;
    bool ok = dv_eval_set_table(side->evaluator, 0, SEGMENT_SIZE);
    for (u32 i = 0; i < SEGMENT_SIZE; i++) {
        data[i] = job->bytes.len == 0 ? 0 : (u8)job->bytes.data[i % job->bytes.len];
        refs[i] = i >= job->count ? 0 : dv_eval_func_ref(side->evaluator, funcs[i]);
    }
    for (u32 i = 0; ok && i < 2; i++) {
        ok = dv_eval_set_data(side->evaluator, i, data, SEGMENT_SIZE) &&
             dv_eval_set_elem(side->evaluator, i, refs, SEGMENT_SIZE);
    }
    fuzz_expect(ok, "the instance does not fit", "");
    memcpy(dv_eval_table(side->evaluator, 0, &size), refs, sizeof refs);
}

static void start_side(Side *side, const EvalJob *job, const Func *const *funcs)
{
    EvalOptions options = {0};
    options.address_bits = (u8)job->address_bits;
    options.big_endian = job->big_endian;
    options.max_steps = FUZZ_MAX_STEPS;
    options.max_depth = FUZZ_MAX_DEPTH;
    options.max_memory_bytes = FUZZ_MAX_MEMORY;
    options.mutate_op = OP_COUNT;
    dv_pool_init(&side->pool, NULL);
    side->pool.limit_bytes = FUZZ_LIMIT_BYTES;
    side->evaluator = dv_eval_new(&side->pool, &options);
    fuzz_expect(side->evaluator != NULL, "no evaluator", "");
    for (u32 i = 0; i < job->count; i++) {
        dv_eval_add(side->evaluator, funcs[i]);
    }
    set_up_instance(side, job, funcs);
}

static void end_side(Side *side)
{
    dv_eval_free(side->evaluator);
    dv_pool_destroy(&side->pool);
}

static EvalValue *make_args(Arena *arena, const EvalJob *job, const Signature *sig)
{
    EvalValue *args = ARENA_ARRAY(arena, EvalValue, sig->num_params);
    u32 from = 0;
    for (u32 i = 0; i < sig->num_params; i++) {
        u32 size = type_bytes(sig->params[i].type);
        u8 *bytes = ARENA_ARRAY(arena, u8, size);
        for (u32 n = 0; n < size && job->bytes.len != 0; n++) {
            bytes[n] = (u8)job->bytes.data[from++ % job->bytes.len];
        }
        args[i] = (EvalValue){sig->params[i].type, bytes};
    }
    return args;
}

/* What eval.h says of a result. */
static void check_result(const Func *f, const EvalResult *r)
{
    fuzz_expect(r->steps <= FUZZ_MAX_STEPS, "the step budget was exceeded", "");
    switch (r->outcome) {
    case EVAL_RETURNED:
        fuzz_expect(r->num_values == f->sig.num_results, "wrong number of results", "");
        for (u32 i = 0; i < r->num_values; i++) {
            fuzz_expect(r->values[i].type == f->sig.results[i].type, "a result of another type",
                        "");
        }
        break;
    case EVAL_TRAPPED:
        fuzz_expect(r->trap != TRAP_none, "a trap without a code", "");
        break;
    case EVAL_ERROR:
        fuzz_expect(r->reason != NULL && r->reason[0] != '\0', "an error without a reason", "");
        break;
    case EVAL_OUT_OF_STEPS:
        break;
    default:
        fuzz_report("no such outcome", "");
    }
}

static void check_same(Arena *arena, const Func *f, const EvalResult *a, const EvalResult *b)
{
    bool same = a->outcome == b->outcome && a->trap == b->trap && a->steps == b->steps &&
                a->fuel_used == b->fuel_used && a->num_values == b->num_values;
    for (u32 i = 0; same && i < a->num_values; i++) {
        same = memcmp(a->values[i].bytes, b->values[i].bytes, type_bytes(a->values[i].type)) == 0;
    }
    if (!same) {
        fprintf(stderr, "fuzz: outcomes %u and %u, %" PRIu64 " and %" PRIu64 " steps\n",
                (unsigned)a->outcome, (unsigned)b->outcome, a->steps, b->steps);
        fuzz_report("a copy evaluates differently", fuzz_print(arena, f).data);
    }
}

static void call_all(Arena *arena, const EvalJob *job, Side *sides, const char **reason)
{
    for (u32 i = 0; i < job->count; i++) {
        const Func *f = job->funcs[i];
        EvalResult results[2];
        const EvalValue *args = make_args(arena, job, &f->sig);
        dv_eval_call(sides[0].evaluator, f, args, f->sig.num_params, arena, &results[0]);
        dv_eval_call(sides[1].evaluator, job->copies[i], args, f->sig.num_params, arena,
                     &results[1]);
        check_result(f, &results[0]);
        check_result(f, &results[1]);
        check_same(arena, f, &results[0], &results[1]);
        if (results[0].outcome == EVAL_ERROR && *reason == NULL) {
            *reason = results[0].reason;
        }
    }
}

const char *dv_fuzz_eval_twice(Arena *arena, const EvalJob *job)
{
    Side sides[2];
    Escape escape;
    const char **reason = ARENA_NEW(arena, const char *);
    start_side(&sides[0], job, job->funcs);
    start_side(&sides[1], job, job->copies);
    dv_escape_enter(&escape, arena->pool);
    if (setjmp(escape.env) == 0) {
        call_all(arena, job, sides, reason);
    }
    dv_escape_leave(&escape, arena->pool);
    end_side(&sides[0]);
    end_side(&sides[1]);
    return *reason;
}
