/* test_big.c - functions of a million instructions or blocks, and chains as deep, in the shapes of
 * big_clif.h: they parse, verify, print and evaluate, no stack overflows, and the work counted, the steps
 * run and the memory used stay near linear. Times are the benchmark's business. */
#include "unit.h"

#include "base/bytes.h"
#include "big_clif.h"
#include "codegen/flow/loops.h"
#include "codegen/ir/eval.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verify.h"

#if defined(DAVIT_TORTURE)
enum { FULL_SIZE = 10000 };
#elif defined(NDEBUG)
enum { FULL_SIZE = 1000000 };
#else
enum { FULL_SIZE = 100000 };
#endif

enum {
    WORK_FACTOR = 4,       /* steps of a phase: at most this often n log2 n */
    BYTES_PER_UNIT = 4000, /* of all that is held at once: text, function, prints, frames */
    FIXED_BYTES = 4 << 20
};

typedef struct Costs {
    u64 verify_steps, flow_steps;
    usize bytes;
} Costs;

static u64 n_log_n(u32 n)
{
    return (u64)n * (64 - dv_clz64(n));
}

static Str print(Arena *arena, const Func *f)
{
    TextBuf text;
    dv_text_init(&text, arena);
    dv_print_func(&text, f);
    return (Str){text.data, (u32)text.length};
}

static const Func *parse(Arena *arena, Str text)
{
    ClifFile *file = ARENA_NEW(arena, ClifFile);
    Diag diag;
    dv_diag_init(&diag, arena);
    if (!dv_clif_parse(file, arena, text, &diag)) {
        fail_msg("line %u: %s", (unsigned)dv_diag_first(&diag)->line, dv_diag_first(&diag)->text);
    }
    assert_int_equal(file->funcs.len, 1);
    return &file->funcs.data[0]->func;
}

static void check_evaluation(Fixture *f, const Func *func, BigShape shape, u32 n)
{
    static const u8 three[8] = {3};
    const EvalOptions options = {
        .address_bits = 64, .max_steps = 4 * (u64)n + 100, .mutate_op = OP_COUNT};
    const EvalValue arg = {TYPE_I64, three};
    EvalResult result;
    Evaluator *e = dv_eval_new(&f->pool, &options);
    assert_non_null(e);
    dv_eval_add(e, func);
    dv_eval_call(e, func, &arg, 1, &f->arena, &result);
    assert_int_equal(result.outcome, EVAL_RETURNED);
    assert_int_equal(result.num_values, 1);
    u64 got = load_le64(result.values[0].bytes);
    if (shape == BIG_STRAIGHT) {
        assert_int_equal(got, 3 * ((u64)n + 1));
        assert_int_equal(result.steps, (u64)n + 1);
    } else if (shape == BIG_BLOCKS) {
        assert_int_equal(got, 3 * ((u64)n / 2));
    } else {
        assert_int_equal(got, 3);
    }
    dv_eval_free(e);
}

static u64 count_flow(Arena *arena, const Func *f, BigShape shape, u32 n)
{
    Cfg cfg;
    BlockOrder order;
    DomTree tree;
    Loops loops;
    Work work = {0};
    dv_cfg_build(&cfg, arena, f, &work);
    dv_order_build(&order, arena, &cfg, &work);
    dv_domtree_build(&tree, arena, f, &cfg, &order, &work);
    dv_loops_build(&loops, arena, &cfg, &order, &tree, &work);
    if (shape == BIG_NEST) {
        assert_int_equal(loops.num_loops, n / 3);
        assert_int_equal(loops.loops[loops.num_loops - 1].depth, n / 3);
    } else if (shape == BIG_BLOCKS) {
        assert_int_equal(loops.num_loops, n / 2 - 1);
    } else {
        assert_int_equal(loops.num_loops, 0);
    }
    return work.steps;
}

/* Everything once for this size. */
static Costs run_size(Fixture *f, BigShape shape, u32 n)
{
    TextBuf text;
    Work work = {0};
    VerifyErrors errors = {0};
    Costs costs;
    usize before = f->pool.used_bytes;
    dv_text_init(&text, &f->arena);
    big_clif(&text, shape, n);
    const Func *func = parse(&f->arena, (Str){text.data, (u32)text.length});
    if (!dv_verify(func, &f->arena, NULL, &errors, &work)) {
        fail_msg("%s", errors.list.data[0].text);
    }
    Str first = print(&f->arena, func);
    const Func *again = parse(&f->arena, first);
    Str second = print(&f->arena, again);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    costs.flow_steps = count_flow(&f->arena, func, shape, n);
    check_evaluation(f, func, shape, n);
    costs.verify_steps = work.steps;
    costs.bytes = f->pool.used_bytes - before;
    return costs;
}

static void check_shape(Fixture *f, BigShape shape)
{
    const u32 n = FULL_SIZE;
    Costs costs = run_size(f, shape, n);
    print_message("%s: %" PRIu64 " steps of verifying, %" PRIu64 " of flow, %" PRIu64
                  " bytes a unit\n",
                  big_names[shape], costs.verify_steps, costs.flow_steps, (u64)costs.bytes / n);
    assert_true(costs.verify_steps <= WORK_FACTOR * n_log_n(n));
    assert_true(costs.flow_steps <= WORK_FACTOR * n_log_n(n));
    assert_true(costs.bytes <= FIXED_BYTES + (usize)BYTES_PER_UNIT * n);
}

#define BIG(name, unit, doc) \
    static void name(void **state) \
    { \
        check_shape(*state, BIG_##name); \
    }
BIG_SHAPES(BIG)
#undef BIG

int main(void)
{
    const struct CMUnitTest tests[] = {
#define BIG(name, unit, doc) UNIT_TEST(name),
        BIG_SHAPES(BIG)
#undef BIG
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
