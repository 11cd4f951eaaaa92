/* test_regalloc_check.c - the checker, the validator and the resolver of parallel moves. */
#include "unit.h"

#include "tests/unit/regalloc_testing.h"

/* ---- parallel moves ---- */

enum { CELLS = 24, CLASS_COUNT = 2 };

static const u8 NUMBERS[] = {0, 1, 2, 3};

static RaMachine small_machine(bool has_scratch)
{
    RaMachine m = {0};
    m.num_classes = CLASS_COUNT;
    for (u32 i = 0; i < CLASS_COUNT; i++) {
        m.classes[i].order = NUMBERS;
        m.classes[i].num_order = ARRAY_LEN(NUMBERS);
        m.classes[i].num_cheap = ARRAY_LEN(NUMBERS);
        m.classes[i].scratch = has_scratch ? preg_make(i, 9) : PREG_NONE;
        m.classes[i].slot_units = (u8)(i == 0 ? 1 : 2);
    }
    return m;
}

typedef struct Memory {
    u64 regs[CLASS_COUNT][16][2];
    u64 units[400];
} Memory;

static u64 *cell(Memory *m, RaLoc loc)
{
    PReg reg = ra_loc_preg(loc);
    return ra_loc_kind(loc) == RA_LOC_REG ? m->regs[preg_class(reg)][preg_number(reg)]
                                          : &m->units[ra_loc_index(loc)];
}

static void copy(Memory *to_memory, Memory *from_memory, const RaMove *move)
{
    for (u32 k = 0; k < (move->class == 0 ? 1u : 2u); k++) {
        cell(to_memory, move->to)[k] =
            ra_loc_kind(move->from) == RA_LOC_REMAT ? 7777 + k : cell(from_memory, move->from)[k];
    }
}

static RaLoc random_loc(Rng *rng, u32 class)
{
    if (dv_rng_chance(rng, 2)) {
        return ra_loc(RA_LOC_REG, preg_make(class, (u32)dv_rng_below(rng, 4)).id);
    }
    return ra_loc(RA_LOC_SLOT, (u32)dv_rng_below(rng, 10) << class);
}

/* Moves whose targets do not overlap. */
static u32 random_moves(Rng *rng, RaMove *moves)
{
    bool regs[CLASS_COUNT][4] = {{false}};
    bool units[CELLS] = {false};
    u32 count = 0;
    for (u32 i = (u32)dv_rng_below(rng, 24); i > 0; i--) {
        u32 class = (u32)dv_rng_below(rng, CLASS_COUNT);
        RaMove move = {5, random_loc(rng, class), random_loc(rng, class), (u8) class};
        u32 index = ra_loc_index(move.to);
        if (dv_rng_chance(rng, 12)) {
            move.from = ra_loc(RA_LOC_REMAT, 3);
        }
        bool *first =
            ra_loc_kind(move.to) == RA_LOC_REG ? &regs[class][index & 255] : &units[index];
        bool is_pair = class == 1 && ra_loc_kind(move.to) == RA_LOC_SLOT;
        if (first[0] || (is_pair && first[1])) {
            continue;
        }
        first[0] = true;
        if (is_pair) {
            first[1] = true;
        }
        moves[count++] = move;
    }
    return count;
}

static void compare_all(const Memory *got, const Memory *expected, u32 num_units)
{
    for (u32 class = 0; class < CLASS_COUNT; class ++) {
        for (u32 i = 0; i < 4; i++) { /* the scratch register and upper halves hold anything */
            assert_int_equal(got->regs[class][i][0], expected->regs[class][i][0]);
            assert_true(class == 0 || got->regs[class][i][1] == expected->regs[class][i][1]);
        }
    }
    assert_memory_equal(got->units, expected->units, num_units * sizeof got->units[0]);
}

static void parallel_moves(void **state)
{
    Fixture *f = *state;
    Rng rng;
    dv_rng_seed(&rng, 7);
    for (u32 round = 0; round < 20000; round++) {
        RaMachine machine = small_machine(dv_rng_chance(&rng, 2));
        u32 num_units = CELLS;
        u64 steps = 0;
        RaMover mover;
        dv_mover_init(&mover, &machine, &f->arena, &num_units, &steps);
        for (u32 call = 0; call < 3; call++) {
            RaMove moves[CELLS];
            RaMoves out = {0};
            u32 count = random_moves(&rng, moves);
            Memory before;
            for (u32 i = 0; i < sizeof before / sizeof(u64); i++) {
                u64 x = dv_rng_next(&rng);
                memcpy((u8 *)&before + i * sizeof x, &x, sizeof x);
            }
            Memory expected = before;
            Memory got = before;
            for (u32 i = 0; i < count; i++) {
                copy(&expected, &before, &moves[i]);
            }
            dv_mover_resolve(&mover, moves, count, NULL, &f->arena, &out);
            for (u32 i = 0; i < out.len; i++) {
                const RaMove *m = &out.data[i];
                assert_int_equal(m->before, 5);
                assert_true(ra_loc_kind(m->to) == RA_LOC_REG || ra_loc_kind(m->from) == RA_LOC_REG);
                copy(&got, &got, m);
            }
            compare_all(&got, &expected, CELLS);
        }
        assert_true(num_units <= ARRAY_LEN(((Memory *)0)->units));
        dv_arena_release(&f->arena);
    }
}

/* A chain of a hundred thousand moves and a cycle of as many: linear work, one temporary. */
static void long_parallel_moves(void **state)
{
    Fixture *f = *state;
    enum { COUNT = 100000 };
    for (u32 is_cycle = 0; is_cycle < 2; is_cycle++) {
        RaMachine machine = small_machine(true);
        u32 num_units = COUNT + 1;
        u64 steps = 0;
        RaMover mover;
        RaMoves out = {0};
        RaMove *moves = ARENA_ARRAY(&f->arena, RaMove, COUNT);
        for (u32 i = 0; i < COUNT; i++) {
            u32 from = is_cycle ? (i + 1) % COUNT : i + 1;
            moves[i] = (RaMove){1, ra_loc(RA_LOC_SLOT, from), ra_loc(RA_LOC_SLOT, i), 0};
        }
        dv_mover_init(&mover, &machine, &f->arena, &num_units, &steps);
        dv_mover_resolve(&mover, moves, COUNT, NULL, &f->arena, &out);
        assert_int_equal(out.len, 2 * COUNT + 2 * is_cycle);
        assert_true(steps <= 4 * COUNT);
        dv_arena_release(&f->arena);
    }
}

static RaResult copy_result(Fixture *f, const RaFunc *func, const RaResult *result)
{
    RaResult to = *result;
    to.locs = ARENA_ARRAY(&f->arena, RaLoc, func->num_operands);
    to.moves.data = ARENA_ARRAY(&f->arena, RaMove, result->moves.len);
    memcpy(to.locs, result->locs, sizeof *to.locs * func->num_operands);
    if (result->moves.len > 0) {
        memcpy(to.moves.data, result->moves.data, sizeof(RaMove) * result->moves.len);
    }
    to.moves.cap = result->moves.len;
    return to;
}

/* ---- rules of the input ---- */

enum { V_FIRST, V_SECOND, V_LEFT, V_RIGHT, V_JOINED, V_SUM, V_NEVER };

/* A diamond: two values, one changed on the left, joined, summed up in place. */
static Hand *new_diamond(Fixture *f)
{
    Hand *h = new_hand(&f->arena, 3);
    hand_block(h);
    hand_inst(h, 0, RA_INST_REMAT);
    hand_operand(h, V_FIRST, RA_DEF | RA_LATE, RA_REG, 0);
    hand_inst(h, 1, 0);
    hand_operand(h, V_SECOND, RA_DEF | RA_LATE, RA_FIXED, preg_make(0, R0).id);
    hand_inst(h, 0, RA_INST_BRANCH);
    hand_operand(h, V_FIRST, RA_USE, RA_REG, 0);
    hand_block(h);
    hand_inst(h, 0, 0);
    hand_operand(h, V_LEFT, RA_DEF | RA_LATE, RA_STACK, 0);
    hand_inst(h, 0, RA_INST_BRANCH);
    hand_block(h);
    hand_inst(h, 0, RA_INST_BRANCH);
    hand_block(h);
    hand_inst(h, 1, 0);
    hand_operand(h, V_SUM, RA_DEF | RA_LATE, RA_REUSE, 1);
    hand_operand(h, V_JOINED, RA_USE, RA_REG, 0);
    hand_operand(h, V_FIRST, RA_USE | RA_LATE, RA_REG, 0);
    hand_operand(h, V_SECOND, RA_USE, RA_FIXED, preg_make(0, R1).id);
    hand_inst(h, 0, RA_INST_RETURN);
    hand_operand(h, V_SUM, RA_USE, RA_ANY, 0);
    h->params[0] = (VReg){V_JOINED};
    h->blocks[3].num_params = 1;
    h->func.num_params = 1;
    hand_edge(h, 0, 1);
    hand_edge(h, 0, 2);
    hand_edge(h, 1, 3);
    hand_edge(h, 2, 3);
    h->args[0] = (VReg){V_LEFT};
    h->args[1] = (VReg){V_SECOND};
    h->edge_args[2] = 0;
    h->edge_args[3] = 1;
    h->func.num_args = 2;
    finish_hand(h);
    return h;
}

enum { SUM_INST = 6, SUM_OPERANDS = 4 }; /* the instruction that sums up, and its first operand */

/* Changes one thing; gives what to find in the complaint about it. */
#define X(rule, change, message) \
    case rule: \
        change; \
        return message;

/* Each breaks one rule of the input. */
static const char *break_rule(Hand *h, u32 rule)
{
    RaOperand *sum = &h->operands[SUM_OPERANDS];
    RaInst *insts = h->insts;
    switch (rule) {
        X(0, h->machine.num_classes = 5, "register classes")
        X(1, h->machine.classes[0].slot_units = 3, "slots of 3")
        X(2, h->machine.classes[0].scratch = preg_make(0, R1), "scratch register")
        X(3, h->machine.classes[0].scratch = preg_make(1, R1), "of another class")
        X(4, h->machine.classes[0].num_cheap = 4, "more cheap")
        X(5, h->blocks[1].first--, "is next")
        X(6, h->blocks[2].end = h->blocks[2].first, "is next")
        X(7, h->blocks[3].end--, "blocks end at")
        X(8, h->blocks[3].num_params = 2, "out of range")
        X(9, h->succs[2] = 9, "no block")
        X(10, h->preds[2] = 9, "no block")
        X(11, h->edge_args[3] = 2, "out of range")
        X(12, h->classes[3] = 1, "no such class")
        X(13, h->params[0].id = 99, "no vreg")
        X(14, h->args[0].id = 99, "no vreg")
        X(15, sum->vreg.id = 99, "no vreg")
        X(16, insts[2].num_operands = 99, "out of range")
        X(17, insts[2].clobbers = 2, "no such clobbers")
        X(18, h->preds[2] = 2, "predecessors")
        X(19, h->blocks[3].num_preds = 1, "predecessors")
        X(20, h->succs[1] = 0; h->preds[0] = 0; h->blocks[0].num_preds = 1;
          h->blocks[2].num_preds = 0, "entry")
        X(21, h->blocks[0].num_succs = 1; h->blocks[2].num_preds = 0, "cannot be reached")
        X(22, insts[1].flags = RA_INST_BRANCH, "not the last")
        X(23, insts[5].flags = 0, "last instruction")
        X(24, insts[7].flags = RA_INST_BRANCH, "last instruction")
        X(25, insts[5].clobbers = 1, "critical")
        X(26, sum[0].flags = RA_DEF | RA_EARLY, "reuse")
        X(27, sum[0].arg = 4, "reuse")
        X(28, sum[1].flags = RA_USE | RA_LATE, "reused")
        X(29, sum[1].constraint = RA_ANY, "reused")
        X(30, sum[3] = sum[0]; sum[3].vreg.id = V_NEVER, "two definitions reuse")
        X(31, sum[3].arg = preg_make(1, R1).id, "fixed to a register of another class")
        X(32, sum[3].arg = preg_make(0, R9).id, "the scratch register")
        X(33, sum[3].flags = RA_USE | RA_LATE, "clobbered")
        X(34, sum[2].constraint = RA_FIXED; sum[2].arg = sum[3].arg;
          sum[2].flags = RA_USE, "two values")
        X(35, sum[2].constraint = RA_REUSE + 1, "unknown")
        X(36, insts[0].clobbers = 1, "done again")
        X(37, h->operands[1].vreg.id = V_FIRST, "defined twice")
        X(38, sum[3].vreg.id = V_LEFT, "does not reach")
        X(39, sum[3].vreg.id = V_NEVER, "does not reach")
        X(40, h->args[1].id = V_LEFT, "does not reach")
    default:
        return NULL;
    }
}

static void input_rules(void **state)
{
    Fixture *f = *state;
    Arena scratch;
    dv_arena_init(&scratch, &f->pool);
    const char *expected = "";
    u32 rule = 0;
    for (; expected != NULL; rule++) {
        Hand *h = new_diamond(f);
        TextBuf why;
        dv_text_init(&why, &f->arena);
        assert_true(dv_regalloc_validate(&h->func, &scratch, &why));
        assert_int_equal(why.length, 0);
        expected = break_rule(h, rule);
        if (expected == NULL) {
            break;
        }
        assert_false(dv_regalloc_validate(&h->func, &scratch, &why));
        if (strstr(why.data, expected) == NULL) {
            fprintf(stderr, "rule %u: \"%s\" lacks \"%s\"\n", (unsigned)rule, why.data, expected);
            fail();
        }
    }
    assert_int_equal(rule, 41);
    dv_arena_release(&scratch);
}

/* ---- rules of the result ---- */

static RaMove *insert_move(Fixture *f, RaResult *result, u32 i, RaMove move)
{
    vec_push(&f->arena, &result->moves, move);
    memmove(&result->moves.data[i + 1], &result->moves.data[i],
            sizeof move * (result->moves.len - 1 - i));
    result->moves.data[i] = move;
    return &result->moves.data[i];
}

/* Each breaks one rule of the result that running might not show. */
static const char *break_result(Fixture *f, RaResult *r, u32 rule)
{
    RaLoc *sum = &r->locs[SUM_OPERANDS];
    RaLoc r3 = ra_loc(RA_LOC_REG, preg_make(0, R3).id); /* not in the order */
    RaLoc r2 = ra_loc(RA_LOC_REG, preg_make(0, R2).id);
    RaLoc scratch = ra_loc(RA_LOC_REG, preg_make(0, R9).id);
    RaLoc slot = ra_loc(RA_LOC_SLOT, 0);
    u32 last = r->moves.len;
    switch (rule) {
        X(0, sum[2] = (RaLoc){0}, "no register or slot")
        X(1, sum[2] = ra_loc(RA_LOC_SLOT, r->num_slot_units), "no register or slot")
        X(2, sum[2] = ra_loc(RA_LOC_REG, preg_make(1, R1).id), "no register or slot")
        X(3, sum[2] = slot, "constraint")
        X(4, sum[2] = r3, "constraint")
        X(5, sum[2] = scratch, "constraint")
        X(6, sum[3] = r2, "constraint")
        X(7, sum[0] = ra_loc_equal(sum[1], r2) ? ra_loc(RA_LOC_REG, R0) : r2, "constraint")
        X(8, r->locs[3] = r2, "constraint") /* of the definition in a slot */
        X(9, insert_move(f, r, last, (RaMove){0, r2, r2, 0}), "out of order")
        X(10, insert_move(f, r, last, (RaMove){99, r2, r2, 0}), "out of order")
        X(11, insert_move(f, r, last, (RaMove){7, r2, r2, 1}), "no class")
        X(12, insert_move(f, r, last, (RaMove){7, slot, slot, 0}), "slot to slot")
        X(13, insert_move(f, r, last, (RaMove){7, ra_loc(RA_LOC_REMAT, 1), r2, 0}), "does again")
        X(14, insert_move(f, r, last, (RaMove){7, ra_loc(RA_LOC_REMAT, 0), slot, 0}),
          "not into a register")
        X(15, insert_move(f, r, last, (RaMove){7, r2, r3, 0}), "outside of the order")
        X(16, insert_move(f, r, last, (RaMove){7, r3, r2, 0}), "outside of the order")
        X(17, insert_move(f, r, last, (RaMove){7, ra_loc(RA_LOC_NONE, 0), r2, 0}), "comes from")
        X(18, insert_move(f, r, last, (RaMove){7, r2, ra_loc(RA_LOC_SLOT, r->num_slot_units), 0}),
          "goes to")
        X(19, sum[2] = ra_loc(RA_LOC_REG, R0), "clobbered")
        X(20, sum[0] = sum[1] = sum[2], "defined where a use still is")
    default:
        return NULL;
    }
}

static void result_rules(void **state)
{
    Fixture *f = *state;
    Arena scratch;
    dv_arena_init(&scratch, &f->pool);
    for (u32 rule = 0;; rule++) {
        Hand *h = new_diamond(f);
        RaResult result;
        TextBuf why;
        dv_text_init(&why, &f->arena);
        assert_int_equal(dv_regalloc_fast(&h->func, &f->arena, &scratch, &result), RA_OK);
        assert_true(dv_regalloc_check(&h->func, &result, &scratch, &why));
        RaResult broken = copy_result(f, &h->func, &result);
        const char *expected = break_result(f, &broken, rule);
        if (expected == NULL) {
            assert_int_equal(rule, 21);
            break;
        }
        assert_false(dv_regalloc_check(&h->func, &broken, &scratch, &why));
        if (strstr(why.data, expected) == NULL) {
            fprintf(stderr, "rule %u: \"%s\" lacks \"%s\"\n", (unsigned)rule, why.data, expected);
            fail();
        }
    }
    dv_arena_release(&scratch);
}

/* ---- mutations ---- */

typedef struct Mutation {
    const RaFunc *func;
    RaResult result; /* a copy, to be spoilt */
    Rng *rng;
    u32 made, wrong, rejected, missed;
} Mutation;

enum { DROP, SWAP, RETARGET, RESOURCE, SHIFT, RELOCATE, NUM_MUTATIONS };

static const RaFunc *random_func(Fixture *f, u64 seed)
{
    Choices choices = {{{0}}, NULL, 0, 0};
    dv_rng_seed(&choices.rng, seed);
    RaShape shape = choose_shape(&choices);
    return generate_func(&choices, &shape, &f->arena);
}

/* Another register or slot for a value of the class. */
static RaLoc other_loc(Mutation *m, u32 class, RaLoc old)
{
    const RaMachine *machine = m->func->machine;
    RaLoc loc = old;
    for (u32 tries = 0; tries < 8 && ra_loc_equal(loc, old); tries++) {
        u32 units = machine->classes[class].slot_units;
        if (m->result.num_slot_units < units || dv_rng_chance(m->rng, 2)) {
            u32 k = (u32)dv_rng_below(m->rng, machine->classes[class].num_order);
            loc = ra_loc(RA_LOC_REG, preg_make(class, machine->classes[class].order[k]).id);
        } else {
            loc = ra_loc(RA_LOC_SLOT,
                         (u32)dv_rng_below(m->rng, m->result.num_slot_units / units) * units);
        }
    }
    return loc;
}

/* True if something was changed. */
static bool mutate(Mutation *m, u32 kind)
{
    RaMoves *moves = &m->result.moves;
    if (kind == RELOCATE) {
        u32 k = (u32)dv_rng_below(m->rng, m->func->num_operands);
        RaLoc old = m->result.locs[k];
        m->result.locs[k] = other_loc(m, m->func->vreg_classes[m->func->operands[k].vreg.id], old);
        return !ra_loc_equal(old, m->result.locs[k]);
    }
    if (moves->len == 0) {
        return false;
    }
    u32 i = (u32)dv_rng_below(m->rng, moves->len);
    RaMove *move = &moves->data[i];
    RaMove old = *move;
    switch (kind) {
    case DROP:
        memmove(move, move + 1, sizeof *move * (moves->len - i - 1));
        moves->len--;
        return true;
    case SWAP:
        if (i + 1 == moves->len || move[1].before != move->before) {
            return false;
        }
        *move = move[1];
        move[1] = old;
        return true;
    case RETARGET:
        move->to = other_loc(m, move->class, old.to);
        return !ra_loc_equal(move->to, old.to);
    case RESOURCE:
        move->from = other_loc(m, move->class, old.from);
        return !ra_loc_equal(move->from, old.from);
    default: /* SHIFT: to the next instruction, where that keeps the order */
        move->before++;
        return move->before < m->func->num_insts &&
               (i + 1 == moves->len || move[1].before >= move->before);
    }
}

static void judge(Fixture *f, Mutation *m, Arena *scratch, u64 seed, u32 kind)
{
    TextBuf why;
    dv_text_init(&why, &f->arena);
    bool accepted = dv_regalloc_check(m->func, &m->result, scratch, &why);
    bool correct = true;
    for (u32 run = 0; correct && run < 24; run++) {
        correct = run_allocated(m->func, &m->result, seed * 1000 + run, 400, scratch);
    }
    if (accepted && !correct) {
        TextBuf text;
        dv_text_init(&text, &f->arena);
        dv_regalloc_print(&text, m->func, &m->result);
        fprintf(stderr, "%s\nseed %" PRIu64 ", mutation %u: not noticed\n", text.data, seed,
                (unsigned)kind);
    }
    assert_true(correct || !accepted);
    assert_true(accepted == (why.length == 0));
    m->made++;
    m->wrong += !correct;
    m->rejected += !accepted;
    m->missed += !accepted && correct;
}

/* What breaks a function when it runs, the checker refuses. What it refuses, mostly breaks: the rest breaks only on paths
 * that were not run, is not defined (a read of what nothing wrote) or offends against a constraint, which running
 * does not show. */
static void mutations(void **state)
{
    Fixture *f = *state;
    Rng rng;
    Arena scratch;
    Mutation totals[NUM_MUTATIONS];
    memset(totals, 0, sizeof totals);
    dv_rng_seed(&rng, 11);
    dv_arena_init(&scratch, &f->pool);
    for (u64 seed = 0; seed < 800; seed++) {
        const RaFunc *func = random_func(f, seed);
        RaResult result;
        assert_int_equal(dv_regalloc_fast(func, &f->arena, &scratch, &result), RA_OK);
        for (u32 i = 0; i < 24; i++) {
            u32 kind = i % NUM_MUTATIONS;
            Mutation *m = &totals[kind];
            m->func = func;
            m->rng = &rng;
            m->result = copy_result(f, func, &result);
            if (mutate(m, kind)) {
                judge(f, m, &scratch, seed, kind);
            }
        }
        dv_arena_release(&f->arena);
    }
    for (u32 kind = 0; kind < NUM_MUTATIONS; kind++) {
        const Mutation *m = &totals[kind];
        if (getenv("SHOW") != NULL) {
            print_message("%u: made %u, wrong %u, rejected %u, missed %u\n", (unsigned)kind,
                          (unsigned)m->made, (unsigned)m->wrong, (unsigned)m->rejected,
                          (unsigned)m->missed);
        }
        assert_true(m->made > 1000);
        assert_true(m->wrong > m->made / 10);
        assert_true(kind == RELOCATE || m->missed * 5 < m->rejected);
    }
    dv_arena_release(&scratch);
}

static const struct CMUnitTest TESTS[] = {
    UNIT_TEST(parallel_moves), UNIT_TEST(long_parallel_moves), UNIT_TEST(input_rules),
    UNIT_TEST(result_rules),   UNIT_TEST(mutations),
};

int main(void)
{
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
