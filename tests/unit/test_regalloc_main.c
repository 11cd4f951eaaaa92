/* test_regalloc_main.c - the main allocator: random functions, checked and run; what it is there for, feature by
 * feature, counted in moves, spills, slots and computations done again; work on large and unkind functions.
 */
#include "unit.h"

#include "tests/unit/regalloc_testing.h"

#if defined(DAVIT_TORTURE)
enum { LARGE = 4000, SEEDS = 200 };
#elif defined(NDEBUG)
enum { LARGE = 1000000, SEEDS = 5000 };
#else
enum { LARGE = 100000, SEEDS = 2500 };
#endif

static void show_failure(Fixture *f, const RaFunc *func, const RaResult *result, const char *what)
{
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_regalloc_print(&text, func, result);
    fprintf(stderr, "%s\n%s\n", text.data, what);
    fail();
}

static RaResult allocate(Fixture *f, const RaFunc *func)
{
    RaResult result;
    TextBuf why;
    Arena scratch;
    dv_arena_init(&scratch, &f->pool);
    dv_text_init(&why, &f->arena);
    if (!dv_regalloc_validate(func, &scratch, &why)) {
        show_failure(f, func, NULL, why.data);
    }
    if (dv_regalloc_main(func, 0, &f->arena, &scratch, &result) != RA_OK) {
        show_failure(f, func, NULL, "impossible");
    }
    if (!dv_regalloc_check(func, &result, &scratch, &why)) {
        show_failure(f, func, &result, why.data);
    }
    dv_arena_release(&scratch);
    return result;
}

/* ---- random functions ---- */

static void random_functions(void **state)
{
    Fixture *f = *state;
    RaStats sums = {0};
    for (u64 seed = 0; seed < SEEDS; seed++) {
        Choices choices = {{{0}}, NULL, 0, 0};
        dv_rng_seed(&choices.rng, seed);
        RaShape shape = choose_shape(&choices);
        const RaFunc *func = generate_func(&choices, &shape, &f->arena);
        RaResult result = allocate(f, func);
        RaResult again = allocate(f, func);
        assert_memory_equal(&result.stats, &again.stats, sizeof result.stats);
        assert_memory_equal(result.locs, again.locs, func->num_operands * sizeof(RaLoc));
        if (!run_allocated(func, &result, seed, 300, &f->arena)) {
            show_failure(f, func, &result, "runs differently");
        }
        sums.evictions += result.stats.evictions;
        sums.splits += result.stats.splits;
        sums.remats += result.stats.remats;
        sums.merged_bundles += result.stats.merged_bundles;
        dv_arena_release(&f->arena);
    }
    assert_true(sums.evictions > SEEDS && sums.splits > SEEDS);
    assert_true(sums.remats > SEEDS / 4 && sums.merged_bundles > SEEDS);
}

/* ---- making functions by hand ---- */

typedef struct Maker {
    Arena *arena;
    RaFunc f;
    RaMachine machine;
    u8 order[RA_REGS_MAX];
    VEC(RaInst) insts;
    VEC(RaOperand) operands;
    VEC(RaBlock) blocks;
    VEC(VReg) params;
    VEC(VReg) args;
    VEC(u32) succs;
    VEC(u32) edge_args;
    VEC(RaClobbers) clobbers;
    u32 num_vregs;
} Maker;

enum { OUT = 200, NUM_OUT = 48, SCRATCH = 255 };

static RaOperand use(u32 v)
{
    return (RaOperand){{v}, 0, RA_REG, RA_USE};
}
static RaOperand use_any(u32 v)
{
    return (RaOperand){{v}, 0, RA_ANY, RA_USE};
}
static RaOperand use_in(u32 v, u32 number)
{
    return (RaOperand){{v}, preg_make(0, number).id, RA_FIXED, RA_USE};
}
static RaOperand def(u32 v)
{
    return (RaOperand){{v}, 0, RA_REG, RA_DEF | RA_LATE};
}
static RaOperand def_in(u32 v, u32 number)
{
    return (RaOperand){{v}, preg_make(0, number).id, RA_FIXED, RA_DEF | RA_LATE};
}
static RaOperand def_reusing(u32 v, u32 operand)
{
    return (RaOperand){{v}, (u16)operand, RA_REUSE, RA_DEF | RA_LATE};
}

/* `regs` registers, of which the first `cheap` need no saving; a scratch register; clobber set 1 is all of `clobbered`. */
static Maker *new_maker(Fixture *f, u32 regs, u32 cheap, u32 first_clobbered, u32 end_clobbered)
{
    Maker *m = ARENA_NEW(&f->arena, Maker);
    m->arena = &f->arena;
    for (u32 i = 0; i < RA_REGS_MAX; i++) {
        m->order[i] = (u8)i;
    }
    m->machine.num_classes = 1;
    m->machine.classes[0].order = m->order;
    m->machine.classes[0].num_order = (u16)regs;
    m->machine.classes[0].num_cheap = (u16)cheap;
    m->machine.classes[0].scratch = preg_make(0, SCRATCH);
    m->machine.classes[0].slot_units = 1;
    RaClobbers none = {{{0}}};
    vec_push(m->arena, &m->clobbers, none);
    for (u32 i = first_clobbered; i < end_clobbered; i++) {
        none.bits[0][i / 64] |= (u64)1 << i % 64;
    }
    vec_push(m->arena, &m->clobbers, none);
    return m;
}

/* The first target: a window of 200 registers, 48 for what is passed to calls, which keep nothing in those. */
static Maker *new_window_maker(Fixture *f)
{
    return new_maker(f, OUT + NUM_OUT, OUT + NUM_OUT, OUT, OUT + NUM_OUT);
}

static void add_inst(Maker *m, u32 flags, u32 clobbers, const RaOperand *operands, u32 count)
{
    RaInst inst = {m->operands.len, (u16)count, (u8)clobbers, (u8)flags};
    for (u32 i = 0; i < count; i++) {
        vec_push(m->arena, &m->operands, operands[i]);
        m->num_vregs = operands[i].vreg.id >= m->num_vregs ? operands[i].vreg.id + 1 : m->num_vregs;
    }
    vec_push(m->arena, &m->insts, inst);
}
#define INST(m, flags, clobbers, ...) \
    add_inst((m), (flags), (clobbers), (const RaOperand[]){__VA_ARGS__}, \
             (u32)(sizeof((const RaOperand[]){__VA_ARGS__}) / sizeof(RaOperand)))

static u32 add_block(Maker *m, u32 loop_depth, bool is_cold)
{
    RaBlock block = {0};
    block.first = m->insts.len;
    block.params = m->params.len;
    block.succs = m->succs.len;
    block.loop_depth = loop_depth;
    block.is_cold = is_cold;
    vec_push(m->arena, &m->blocks, block);
    return m->blocks.len - 1;
}

static void add_param(Maker *m, u32 v)
{
    vec_push(m->arena, &m->params, (VReg){v});
    m->blocks.data[m->blocks.len - 1].num_params++;
    m->num_vregs = v >= m->num_vregs ? v + 1 : m->num_vregs;
}

/* Its arguments follow, by add_arg. */
static void add_edge(Maker *m, u32 target)
{
    vec_push(m->arena, &m->succs, target);
    vec_push(m->arena, &m->edge_args, m->args.len);
    m->blocks.data[m->blocks.len - 1].num_succs++;
}

static void add_arg(Maker *m, u32 v)
{
    vec_push(m->arena, &m->args, (VReg){v});
}

static void jump(Maker *m, u32 target)
{
    add_inst(m, RA_INST_BRANCH, 0, NULL, 0);
    add_edge(m, target);
}

static const RaFunc *finish(Maker *m)
{
    RaFunc *f = &m->f;
    u32 *preds = ARENA_ARRAY(m->arena, u32, m->succs.len);
    u32 num_preds = 0;
    for (u32 b = 0; b < m->blocks.len; b++) {
        RaBlock *block = &m->blocks.data[b];
        block->end = b + 1 < m->blocks.len ? m->blocks.data[b + 1].first : m->insts.len;
        for (u32 e = block->succs; e < block->succs + block->num_succs; e++) {
            m->blocks.data[m->succs.data[e]].num_preds++;
        }
    }
    for (u32 b = 0; b < m->blocks.len; b++) {
        m->blocks.data[b].preds = num_preds;
        num_preds += m->blocks.data[b].num_preds;
        m->blocks.data[b].num_preds = 0;
    }
    for (u32 b = 0; b < m->blocks.len; b++) {
        for (u32 e = m->blocks.data[b].succs, i = 0; i < m->blocks.data[b].num_succs; i++, e++) {
            RaBlock *target = &m->blocks.data[m->succs.data[e]];
            preds[target->preds + target->num_preds++] = b;
        }
    }
    *f = (RaFunc){&m->machine,      m->insts.data,
                  m->operands.data, m->blocks.data,
                  m->params.data,   preds,
                  m->succs.data,    m->edge_args.data,
                  m->args.data,     ARENA_ARRAY(m->arena, u8, m->num_vregs),
                  m->clobbers.data, m->insts.len,
                  m->operands.len,  m->blocks.len,
                  m->params.len,    m->succs.len,
                  m->args.len,      m->num_vregs,
                  m->clobbers.len};
    return f;
}

/* The moves that stand in a block. */
static u32 moves_in(const RaFunc *f, const RaResult *result, u32 block)
{
    u32 count = 0;
    for (u32 i = 0; i < result->moves.len; i++) {
        u32 before = result->moves.data[i].before;
        count += before >= f->blocks[block].first && before < f->blocks[block].end;
    }
    return count;
}

/* ---- calls in a window ---- */

/* f(g(h(x))), x computed: each result is where the next call wants it. */
static void chain_of_calls(void **state)
{
    Maker *m = new_window_maker(*state);
    add_block(m, 0, false);
    INST(m, 0, 0, def(0));
    INST(m, 0, 1, use_in(0, OUT), def_in(1, OUT));
    INST(m, 0, 1, use_in(1, OUT), def_in(2, OUT));
    INST(m, 0, 1, use_in(2, OUT), def_in(3, OUT));
    INST(m, RA_INST_RETURN, 0, use(3));
    RaResult result = allocate(*state, finish(m));
    assert_int_equal(result.moves.len, 0);
}

/* f(g(x), h(y)): the result of g must survive h, and that of h is not where f wants it. Nothing else moves. */
static void nested_calls(void **state)
{
    Maker *m = new_window_maker(*state);
    add_block(m, 0, false);
    INST(m, 0, 0, def(0));
    INST(m, 0, 1, use_in(0, OUT), def_in(1, OUT));
    INST(m, 0, 0, def(2));
    INST(m, 0, 1, use_in(2, OUT), def_in(3, OUT));
    INST(m, 0, 1, use_in(1, OUT), use_in(3, OUT + 1), def_in(4, OUT));
    INST(m, RA_INST_RETURN, 0, use(4));
    RaResult result = allocate(*state, finish(m));
    assert_int_equal(result.stats.reg_moves, 3);
    assert_int_equal(result.moves.len, 3);
}

/* Arguments arrive in registers 0.. and are used where they are; sums are computed into the outgoing registers; the
 * result goes to register 0 directly. */
static void arguments_stay(void **state)
{
    Maker *m = new_window_maker(*state);
    add_block(m, 0, false);
    INST(m, 0, 0, def_in(0, 0), def_in(1, 1), def_in(2, 2));
    INST(m, 0, 0, use(0), use(1), def(3));
    INST(m, 0, 0, use(1), use(2), def(4));
    INST(m, 0, 1, use_in(3, OUT), use_in(4, OUT + 1), def_in(5, OUT));
    INST(m, 0, 0, use(5), use(0), def(6));
    INST(m, 0, 0, use(6), use(2), def(7));
    INST(m, RA_INST_RETURN, 0, use_in(7, 0));
    RaResult result = allocate(*state, finish(m));
    assert_int_equal(result.moves.len, 0);
}

/* Two calls in a loop whose counter lives across them: nothing in the loop but the moves into out-registers. */
static void calls_in_loop(void **state)
{
    Maker *m = new_window_maker(*state);
    add_block(m, 0, false);
    INST(m, 0, 0, def_in(0, 0), def_in(1, 1));
    jump(m, 1);
    add_arg(m, 0);
    add_block(m, 1, false);
    add_param(m, 2);
    INST(m, 0, 1, use_in(1, OUT), def_in(3, OUT));
    INST(m, 0, 1, use_in(3, OUT), def_in(4, OUT));
    INST(m, 0, 0, use(2), use(4), def(5));
    INST(m, RA_INST_BRANCH, 0, use(5));
    add_edge(m, 2);
    add_edge(m, 3);
    add_block(m, 1, false);
    jump(m, 1);
    add_arg(m, 5);
    add_block(m, 0, false);
    INST(m, RA_INST_RETURN, 0, use_in(5, 0));
    const RaFunc *func = finish(m);
    RaResult result = allocate(*state, func);
    assert_int_equal(result.moves.len, 1); /* v1 to OUT */
    assert_int_equal(moves_in(func, &result, 1), 1);
}

/* Small numbers first: as many registers as live at once. */
static void small_numbers(void **state)
{
    Maker *m = new_window_maker(*state);
    add_block(m, 0, false);
    INST(m, 0, 0, def(0));
    for (u32 i = 0; i < 100; i++) {
        INST(m, 0, 0, use(i), def(i + 1));
    }
    INST(m, RA_INST_RETURN, 0, use(100));
    const RaFunc *func = finish(m);
    RaResult result = allocate(*state, func);
    for (u32 k = 0; k < func->num_operands; k++) {
        assert_int_equal(ra_loc_index(result.locs[k]), 0);
    }
}

/* ---- two-address forms, parameters ---- */

static void reuse(void **state)
{
    Maker *m = new_maker(*state, 8, 8, 0, 0);
    add_block(m, 0, false);
    INST(m, 0, 0, def(0));
    INST(m, 0, 0, def(1));
    INST(m, 0, 0, use(0), use(1), def_reusing(2, 0)); /* v0 dies: no move */
    INST(m, 0, 0, use(2), use(2), def_reusing(3, 0)); /* x + x, x dies: no move */
    INST(m, 0, 0, use(1), use(3), def_reusing(4, 0)); /* v1 lives on: one */
    INST(m, RA_INST_RETURN, 0, use(1), use(4), use(3));
    RaResult result = allocate(*state, finish(m));
    assert_int_equal(result.moves.len, 1);
}

/* A loop with three values, two of which swap: that takes three moves, the other none. */
static void parameters_coalesce(void **state)
{
    Maker *m = new_maker(*state, 8, 8, 0, 0);
    add_block(m, 0, false);
    INST(m, 0, 0, def(0));
    INST(m, 0, 0, def(1));
    INST(m, 0, 0, def(2));
    jump(m, 1);
    add_arg(m, 0);
    add_arg(m, 1);
    add_arg(m, 2);
    add_block(m, 1, false);
    add_param(m, 3);
    add_param(m, 4);
    add_param(m, 5);
    INST(m, 0, 0, use(3), use(4), use(5), def(6));
    INST(m, RA_INST_BRANCH, 0, use(6));
    add_edge(m, 2);
    add_edge(m, 3);
    add_block(m, 1, false);
    jump(m, 1);
    add_arg(m, 6);
    add_arg(m, 5);
    add_arg(m, 4);
    add_block(m, 0, false);
    INST(m, RA_INST_RETURN, 0, use(6));
    const RaFunc *func = finish(m);
    RaResult result = allocate(*state, func);
    assert_int_equal(result.moves.len, 3);
    assert_int_equal(moves_in(func, &result, 2), 3);
}

/* A parameter that nobody reads costs nothing, nor what is passed to it around a loop. */
static void dead_parameters(void **state)
{
    Maker *m = new_maker(*state, 2, 2, 0, 0);
    add_block(m, 0, false);
    for (u32 v = 0; v < 4; v++) {
        INST(m, 0, 0, def(v));
    }
    jump(m, 1);
    for (u32 v = 0; v < 4; v++) {
        add_arg(m, v);
    }
    add_block(m, 1, false);
    for (u32 v = 4; v < 8; v++) {
        add_param(m, v);
    }
    INST(m, RA_INST_BRANCH, 0, use(4));
    add_edge(m, 2);
    add_edge(m, 3);
    add_block(m, 1, false);
    jump(m, 1);
    for (u32 v = 4; v < 8; v++) {
        add_arg(m, v);
    }
    add_block(m, 0, false);
    add_inst(m, RA_INST_RETURN, 0, NULL, 0);
    RaResult result = allocate(*state, finish(m));
    assert_int_equal(result.moves.len, 0);
    assert_int_equal(result.num_slot_units, 0);
}

/* ---- spilling ---- */

/* A machine with callee saves: what lives across a call and is used often goes there; what is used too little for a save and
 * a restore is spilled. */
static void callee_saves(void **state)
{
    for (u32 uses = 0; uses < 8; uses += 7) {
        Maker *m = new_maker(*state, 8, 4, 0, 4);
        add_block(m, 0, false);
        INST(m, 0, 0, def(0));
        INST(m, 0, 1, def_in(1, 0));
        for (u32 i = 0; i < uses; i++) {
            INST(m, 0, 0, use(0));
        }
        INST(m, 0, 0, use_any(0));
        INST(m, RA_INST_RETURN, 0, use(1));
        RaResult result = allocate(*state, finish(m));
        assert_int_equal(result.stats.stores, uses == 0 ? 1 : 0);
        assert_int_equal(result.num_slot_units, uses == 0 ? 1 : 0);
    }
}

/* Without them, it is stored once and loaded once, however many calls there are in between. */
static void split_around_calls(void **state)
{
    Maker *m = new_maker(*state, 4, 4, 0, 4);
    add_block(m, 0, false);
    INST(m, 0, 0, def(0));
    INST(m, 0, 0, use(0));
    for (u32 i = 0; i < 5; i++) {
        add_inst(m, 0, 1, NULL, 0);
    }
    INST(m, 0, 0, use(0));
    INST(m, 0, 0, use(0));
    INST(m, 0, 0, use(0));
    INST(m, RA_INST_RETURN, 0, use(0));
    RaResult result = allocate(*state, finish(m));
    assert_int_equal(result.stats.stores, 1);
    assert_int_equal(result.stats.loads, 1);
    assert_int_equal(result.moves.len, 2);
    assert_int_equal(result.stats.spilled_vregs, 1);
}

/* A constant is done again after the call, not stored. */
static void rematerialisation(void **state)
{
    Maker *m = new_maker(*state, 4, 4, 0, 4);
    add_block(m, 0, false);
    INST(m, RA_INST_REMAT, 0, def(0));
    INST(m, 0, 0, use(0));
    add_inst(m, 0, 1, NULL, 0);
    INST(m, 0, 0, use(0));
    INST(m, 0, 0, use(0));
    add_inst(m, 0, 1, NULL, 0);
    INST(m, RA_INST_RETURN, 0, use(0));
    RaResult result = allocate(*state, finish(m));
    assert_int_equal(result.stats.remats, 2);
    assert_int_equal(result.moves.len, 2);
    assert_int_equal(result.num_slot_units, 0);
}

/* v0..v2 live over a loop that needs all four registers and uses none of them: the loop has no moves. */
static void split_around_loop(void **state)
{
    Maker *m = new_maker(*state, 4, 4, 0, 0);
    add_block(m, 0, false);
    for (u32 v = 0; v < 4; v++) {
        INST(m, 0, 0, def(v));
    }
    INST(m, 0, 0, use(0), use(1), use(2));
    jump(m, 1);
    add_arg(m, 3);
    add_block(m, 1, false);
    add_param(m, 4);
    INST(m, 0, 0, use(4), def(5));
    INST(m, 0, 0, use(4), use(5), def(6));
    INST(m, 0, 0, use(4), use(5), use(6), def(7));
    INST(m, 0, 0, use(4), use(5), use(6), use(7), def(8));
    INST(m, RA_INST_BRANCH, 0, use(8));
    add_edge(m, 2);
    add_edge(m, 3);
    add_block(m, 1, false);
    jump(m, 1);
    add_arg(m, 8);
    add_block(m, 0, false);
    INST(m, 0, 0, use(0), use(1), use(2), use(8));
    INST(m, RA_INST_RETURN, 0, use(0));
    const RaFunc *func = finish(m);
    RaResult result = allocate(*state, func);
    assert_int_equal(moves_in(func, &result, 1), 0);
    assert_int_equal(moves_in(func, &result, 2), 0);
    assert_int_equal(result.stats.stores, 3);
    assert_int_equal(result.stats.loads, 3);
}

/* What is spilled one after the other shares a slot. */
static void slots_are_shared(void **state)
{
    Maker *m = new_maker(*state, 4, 4, 0, 4);
    add_block(m, 0, false);
    for (u32 v = 0; v < 10; v++) {
        INST(m, 0, 0, def(v));
        add_inst(m, 0, 1, NULL, 0);
        INST(m, 0, 0, use(v));
    }
    add_inst(m, RA_INST_RETURN, 0, NULL, 0);
    RaResult result = allocate(*state, finish(m));
    assert_int_equal(result.stats.spilled_vregs, 10);
    assert_int_equal(result.num_slot_units, 1);
}

/* A call in a cold block does not cost the hot path anything. */
static void cold_call(void **state)
{
    Maker *m = new_maker(*state, 4, 4, 0, 4);
    add_block(m, 0, false);
    INST(m, 0, 0, def(0));
    INST(m, RA_INST_BRANCH, 0, use(0));
    add_edge(m, 1);
    add_edge(m, 3);
    add_block(m, 0, false);
    jump(m, 2);
    add_block(m, 0, false);
    INST(m, RA_INST_RETURN, 0, use(0));
    add_block(m, 0, true);
    add_inst(m, 0, 1, NULL, 0);
    jump(m, 2);
    const RaFunc *func = finish(m);
    RaResult result = allocate(*state, func);
    assert_int_equal(
        moves_in(func, &result, 0) + moves_in(func, &result, 1) + moves_in(func, &result, 2), 0);
    assert_int_equal(moves_in(func, &result, 3), 2);
}

/* ---- limits ---- */

static void impossible(void **state)
{
    Fixture *f = *state;
    Maker *m = new_maker(f, 2, 2, 0, 0);
    RaResult result;
    add_block(m, 0, false);
    for (u32 v = 0; v < 3; v++) {
        INST(m, 0, 0, def(v));
    }
    INST(m, 0, 0, use(0), use(1), use(2));
    add_inst(m, RA_INST_RETURN, 0, NULL, 0);
    assert_int_equal(dv_regalloc_main(finish(m), 0, &f->arena, &f->arena, &result), RA_IMPOSSIBLE);
}

/* A class without registers: what may be in a slot is. */
static void no_registers(void **state)
{
    Maker *m = new_maker(*state, 0, 0, 0, 0);
    add_block(m, 0, false);
    INST(m, 0, 0, def_in(0, 3));
    INST(m, 0, 0, use_any(0));
    INST(m, RA_INST_RETURN, 0, use_in(0, 4));
    RaResult result = allocate(*state, finish(m));
    assert_int_equal(result.stats.stores, 1);
    assert_int_equal(result.stats.loads, 1);
}

static void over_budget(void **state)
{
    Fixture *f = *state;
    Choices choices = {{{0}}, NULL, 0, 0};
    RaShape shape = {.blocks = 50,
                     .insts = 10,
                     .chain_percent = 70,
                     .extra_percent = 60,
                     .params = 3,
                     .operands = 3};
    RaResult result;
    dv_rng_seed(&choices.rng, 1);
    const RaFunc *func = generate_func(&choices, &shape, &f->arena);
    u64 needed = allocate(f, func).stats.steps;
    assert_int_equal(dv_regalloc_main(func, needed, &f->arena, &f->arena, &result), RA_OK);
    for (u64 steps = 1; steps < needed / 2; steps += needed / 20) {
        assert_int_equal(dv_regalloc_main(func, steps, &f->arena, &f->arena, &result),
                         RA_OVER_BUDGET);
    }
}

/* ---- against the fast allocator ---- */

/* Moves, weighed by how often they are run. */
static u64 cost_of(const RaFunc *f, const RaResult *result)
{
    u64 cost = 0;
    u32 next = 0;
    for (u32 b = 0; b < f->num_blocks; b++) {
        u64 freq = f->blocks[b].is_cold ? 1 : (u64)16 << (3 * f->blocks[b].loop_depth);
        for (; next < result->moves.len && result->moves.data[next].before < f->blocks[b].end;
             next++) {
            const RaMove *m = &result->moves.data[next];
            bool in_memory =
                ra_loc_kind(m->from) == RA_LOC_SLOT || ra_loc_kind(m->to) == RA_LOC_SLOT;
            cost += freq * (in_memory ? 4 : 1);
        }
    }
    return cost;
}

/* A structured program: sums, calls, ifs and loops in one another. `env` holds what may be used. */
typedef struct Program {
    Maker *m;
    Rng rng;
    VEC(u32) env;
    u32 far_percent, call_percent;
} Program;

static u32 pick(Program *p)
{
    u32 len = p->env.len;
    bool is_far = dv_rng_below(&p->rng, 100) < p->far_percent;
    u32 back = (u32)dv_rng_below(&p->rng, is_far || len < 6 ? len : 6);
    return p->env.data[len - 1 - back];
}

static u32 add_value(Program *p)
{
    vec_push(p->m->arena, &p->env, p->m->num_vregs);
    return p->m->num_vregs;
}

static void add_straight(Program *p)
{
    Maker *m = p->m;
    for (u32 i = 0; i < 6; i++) {
        RaOperand a = use(pick(p));
        RaOperand b = use(pick(p));
        if (dv_rng_below(&p->rng, 100) < p->call_percent) {
            a = use_in(a.vreg.id, 1);
            b = use_in(b.vreg.id, 2);
            INST(m, 0, 1, a, b, def_in(add_value(p), 0));
        } else if (dv_rng_chance(&p->rng, 2)) {
            INST(m, 0, 0, a, b, def_reusing(add_value(p), 0));
        } else {
            INST(m, 0, 0, a, b, def(add_value(p)));
        }
    }
}

static void add_items(Program *p, u32 depth, u32 nesting);

static void add_if(Program *p, u32 depth, u32 nesting)
{
    Maker *m = p->m;
    u32 len = p->env.len;
    u32 ends[2];
    u32 results[2];
    INST(m, RA_INST_BRANCH, 0, use(pick(p)));
    u32 first_edge = m->succs.len;
    add_edge(m, 0);
    add_edge(m, 0);
    for (u32 i = 0; i < 2; i++) {
        m->succs.data[first_edge + i] = add_block(m, depth, false);
        add_items(p, depth, nesting + 1);
        results[i] = pick(p);
        p->env.len = len;
        jump(m, 0);
        ends[i] = m->succs.len - 1;
        add_arg(m, results[i]);
    }
    m->succs.data[ends[0]] = m->succs.data[ends[1]] = add_block(m, depth, false);
    add_param(m, add_value(p));
}

static void add_loop(Program *p, u32 depth, u32 nesting)
{
    Maker *m = p->m;
    u32 header = m->blocks.len;
    jump(m, header);
    add_arg(m, pick(p));
    add_block(m, depth + 1, false);
    add_param(m, add_value(p));
    add_items(p, depth + 1, nesting + 1);
    u32 next = pick(p);
    INST(m, RA_INST_BRANCH, 0, use(pick(p)));
    add_edge(m, m->blocks.len);
    add_edge(m, m->blocks.len + 1);
    add_block(m, depth + 1, false);
    jump(m, header);
    add_arg(m, next);
    add_block(m, depth, false);
}

static void add_items(Program *p, u32 depth, u32 nesting)
{
    u32 count = 1 + (u32)dv_rng_below(&p->rng, 4);
    for (u32 i = 0; i < count; i++) {
        add_straight(p);
        if (nesting < 4 && dv_rng_chance(&p->rng, 2)) {
            add_if(p, depth, nesting);
        } else if (nesting < 4) {
            add_loop(p, depth, nesting);
        }
    }
}

static const RaFunc *make_program(Fixture *f, u64 seed, u32 far_percent, u32 call_percent)
{
    Program p = {0};
    p.m = new_maker(f, 15, 9, 0, 9);
    p.far_percent = far_percent;
    p.call_percent = call_percent;
    dv_rng_seed(&p.rng, seed);
    add_block(p.m, 0, false);
    vec_push(p.m->arena, &p.env, 0);
    vec_push(p.m->arena, &p.env, 1);
    INST(p.m, 0, 0, def_in(0, 1), def_in(1, 2));
    add_items(&p, 0, 0);
    INST(p.m, RA_INST_RETURN, 0, use_in(pick(&p), 0));
    return finish(p.m);
}

/* Moves on programs as compilers make them, weighed by loop depth. */
static void better_than_fast(void **state)
{
    Fixture *f = *state;
    for (u32 kind = 0; kind < 4; kind++) {
        u64 of_main = 0;
        u64 of_fast = 0;
        for (u64 seed = 0; seed < 30; seed++) {
            RaResult fast;
            Arena scratch;
            dv_arena_init(&scratch, &f->pool);
            const RaFunc *func = make_program(f, seed, kind % 2 * 10 + 2, kind / 2 * 10);
            RaResult result = allocate(f, func);
            assert_int_equal(dv_regalloc_fast(func, &f->arena, &scratch, &fast), RA_OK);
            of_main += cost_of(func, &result);
            of_fast += cost_of(func, &fast);
            dv_arena_release(&scratch);
            dv_arena_release(&f->arena);
        }
        if (getenv("SHOW") != NULL) {
            print_message("cost of moves: main %" PRIu64 ", fast %" PRIu64 "\n", of_main, of_fast);
        }
        assert_true(of_main * 3 < of_fast * 2);
    }
}

/* ---- size ---- */

typedef struct Size {
    const char *name;
    RaShape shape; /* blocks, insts, params and wide for LARGE; the larger is divided for less */
    u32 steps;     /* for each instruction, operand, parameter and argument, at most */
    u64 seed;      /* one that leaves the blocks in order */
} Size;

static const Size SIZES[] = {
    {"usual",
     {.blocks = LARGE / 20,
      .insts = 10,
      .chain_percent = 90,
      .extra_percent = 20,
      .params = 3,
      .far_percent = 2,
      .operands = 3,
      .classes = 1,
      .regs = 200,
      .is_simple = true},
     60,
     2},
    {"usual, 16 registers",
     {.blocks = LARGE / 20,
      .insts = 10,
      .chain_percent = 90,
      .extra_percent = 20,
      .params = 3,
      .far_percent = 2,
      .operands = 3,
      .classes = 1,
      .regs = 16},
     300,
     2},
    {"one block",
     {.blocks = 1, .insts = LARGE, .operands = 3, .classes = 1, .regs = 16, .is_simple = true},
     60,
     2},
    {"one block, all live",
     {.blocks = 1, .insts = LARGE / 5, .far_percent = 100, .operands = 3, .classes = 1, .regs = 8},
     600,
     2},
    {"ladder",
     {.blocks = LARGE / 10,
      .insts = 2,
      .chain_percent = 100,
      .params = 2,
      .far_percent = 100,
      .operands = 3,
      .classes = 1,
      .regs = 8},
     1200,
     1},
    {"switch",
     {.blocks = LARGE / 10,
      .insts = 2,
      .branch_from_first = true,
      .extra_percent = 100,
      .params = 2,
      .far_percent = 30,
      .operands = 3,
      .classes = 1,
      .regs = 16},
     150,
     2},
    {"many parameters",
     {.blocks = 20,
      .insts = 10,
      .chain_percent = 60,
      .extra_percent = 90,
      .params = LARGE / 50,
      .far_percent = 50,
      .operands = 3,
      .classes = 1,
      .regs = 16},
     300,
     2},
    {"wide",
     {.blocks = 100,
      .insts = 10,
      .chain_percent = 60,
      .extra_percent = 60,
      .params = 4,
      .far_percent = 100,
      .operands = 3,
      .wide_percent = 50,
      .wide = LARGE / 500,
      .classes = 1,
      .regs = 4},
     1000,
     2},
};

static u64 steps_of(Fixture *f, const Size *size, u32 divisor)
{
    Choices choices = {{{0}}, NULL, 0, 0};
    RaShape shape = size->shape;
    u32 *largest = &shape.blocks;
    largest = shape.insts > *largest ? &shape.insts : largest;
    largest = shape.params > *largest ? &shape.params : largest;
    largest = shape.wide > *largest ? &shape.wide : largest;
    *largest = *largest / divisor + 1;
    dv_rng_seed(&choices.rng, size->seed);
    const RaFunc *func = generate_func(&choices, &shape, &f->arena);
    RaResult result = allocate(f, func);
    u64 units = (u64)func->num_insts + func->num_operands + func->num_params + func->num_args;
    u64 steps = result.stats.steps / units;
    if (getenv("SHOW") != NULL) {
        print_message("%s: %u insts, %u vregs, %" PRIu64
                      " steps per unit, %u moves, %u splits, %u evictions, %u slots\n",
                      size->name, func->num_insts, func->num_vregs, steps, result.moves.len,
                      result.stats.splits, result.stats.evictions, result.num_slot_units);
    }
    dv_arena_release(&f->arena);
    return steps;
}

/* Work per instruction stays within bounds, and grows by less than a half or so from a tenth to the whole size. (Small
 * functions need more registers the larger they are.) */
static void large_functions(void **state)
{
    for (u32 i = 0; i < ARRAY_LEN(SIZES); i++) {
        u64 small = steps_of(*state, &SIZES[i], 10);
        u64 large = steps_of(*state, &SIZES[i], 1);
        assert_true(large < SIZES[i].steps);
        assert_true(LARGE < 100000 || large < small + small / 2 + 70);
    }
}

/* Values that are all defined before any is used. */
static void all_overlap(void **state)
{
    Fixture *f = *state;
    Maker *m = new_window_maker(f);
    u32 count = LARGE / 10;
    add_block(m, 0, false);
    for (u32 v = 0; v < count; v++) {
        INST(m, 0, 0, def(v));
    }
    for (u32 v = 0; v < count; v++) {
        INST(m, 0, 0, use(count - 1 - v));
    }
    add_inst(m, RA_INST_RETURN, 0, NULL, 0);
    RaResult result = allocate(f, finish(m));
    u32 spilled = count - (OUT + NUM_OUT);
    assert_int_equal(result.stats.spilled_vregs, spilled);
    assert_int_equal(result.num_slot_units, spilled);
    assert_int_equal(result.stats.loads, spilled);
    assert_int_equal(result.stats.stores, spilled);
    assert_true(result.stats.steps < 600 * (u64)count);
}

/* Loops in loops, each with a counter and a value from outside of all: no moves, whatever the depth. */
static void deep_loops(void **state)
{
    Fixture *f = *state;
    enum { DEPTH = 100 };
    Maker *m = new_window_maker(f);
    u32 next = 2;
    u32 outer = 0;
    add_block(m, 0, false);
    INST(m, 0, 0, def(0));
    INST(m, 0, 0, def(1));
    for (u32 depth = 1; depth <= DEPTH; depth++) {
        jump(m, m->blocks.len);
        add_arg(m, outer);
        add_block(m, depth, false);
        add_param(m, next);
        outer = next++;
    }
    for (u32 depth = DEPTH; depth > 0; depth--) {
        u32 counter = next++;
        INST(m, 0, 0, use(1), use(outer), def(counter));
        INST(m, RA_INST_BRANCH, 0, use(counter));
        add_edge(m, m->blocks.len);
        add_edge(m, m->blocks.len + 1);
        add_block(m, depth, false);
        jump(m, depth);
        add_arg(m, counter);
        add_block(m, depth - 1, false);
        outer = counter;
    }
    INST(m, RA_INST_RETURN, 0, use(outer));
    RaResult result = allocate(f, finish(m));
    assert_int_equal(result.moves.len, 0);
}

static const struct CMUnitTest TESTS[] = {
    UNIT_TEST(random_functions),
    UNIT_TEST(chain_of_calls),
    UNIT_TEST(nested_calls),
    UNIT_TEST(arguments_stay),
    UNIT_TEST(calls_in_loop),
    UNIT_TEST(small_numbers),
    UNIT_TEST(reuse),
    UNIT_TEST(parameters_coalesce),
    UNIT_TEST(dead_parameters),
    UNIT_TEST(callee_saves),
    UNIT_TEST(split_around_calls),
    UNIT_TEST(rematerialisation),
    UNIT_TEST(split_around_loop),
    UNIT_TEST(slots_are_shared),
    UNIT_TEST(cold_call),
    UNIT_TEST(impossible),
    UNIT_TEST(no_registers),
    UNIT_TEST(over_budget),
    UNIT_TEST(better_than_fast),
    UNIT_TEST(large_functions),
    UNIT_TEST(all_overlap),
    UNIT_TEST(deep_loops),
};

int main(void)
{
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
