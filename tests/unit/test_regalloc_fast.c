/* test_regalloc_fast.c - the fast allocator: random functions, run and checked; sizes; shapes made to hurt. */
#include "unit.h"

#include <time.h>

#include "tests/unit/regalloc_testing.h"

static void show_failure(Fixture *f, const RaFunc *func, const RaResult *result, const char *what,
                         u64 seed)
{
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_regalloc_print(&text, func, result);
    fprintf(stderr, "%s\nseed %" PRIu64 ": %s\n", text.data, seed, what);
    fail();
}

static void random_functions(void **state)
{
    Fixture *f = *state;
    Pool pool;
    Arena scratch;
    dv_pool_init(&pool, NULL);
    dv_arena_init(&scratch, &pool);
    for (u64 seed = 0; seed < 8000; seed++) {
        Choices choices = {{{0}}, NULL, 0, 0};
        dv_rng_seed(&choices.rng, seed);
        RaShape shape = choose_shape(&choices);
        const RaFunc *func = generate_func(&choices, &shape, &f->arena);
        TextBuf why;
        RaResult result;
        dv_text_init(&why, &f->arena);
        if (!dv_regalloc_validate(func, &scratch, &why)) {
            show_failure(f, func, NULL, why.data, seed);
        }
        if (dv_regalloc_fast(func, &f->arena, &scratch, &result) != RA_OK) {
            show_failure(f, func, &result, "impossible", seed);
        }
        if (!run_allocated(func, &result, seed, 300, &scratch)) {
            show_failure(f, func, &result, "runs differently", seed);
        }
        if (!dv_regalloc_check(func, &result, &scratch, &why)) {
            show_failure(f, func, &result, why.data, seed);
        }
        dv_arena_release(&f->arena);
    }
    dv_arena_release(&scratch);
    dv_pool_destroy(&pool);
}

/* ---- small functions by hand ---- */

static RaResult allocate_hand(Fixture *f, Hand *h, u32 outcome)
{
    RaResult result;
    TextBuf why;
    Arena scratch;
    dv_arena_init(&scratch, &f->pool);
    dv_text_init(&why, &f->arena);
    assert_true(dv_regalloc_validate(&h->func, &scratch, &why));
    assert_int_equal(dv_regalloc_fast(&h->func, &f->arena, &scratch, &result), outcome);
    if (outcome == RA_OK && !dv_regalloc_check(&h->func, &result, &scratch, &why)) {
        show_failure(f, &h->func, &result, why.data, 0);
    }
    dv_arena_release(&scratch);
    return result;
}

/* Arguments are computed where the call wants them and its result is used where it comes: no moves. */
static void straight_calls_need_no_moves(void **state)
{
    Fixture *f = *state;
    Hand *h = new_hand(&f->arena, 4);
    hand_block(h);
    hand_inst(h, 0, 0);
    hand_operand(h, 0, RA_DEF | RA_LATE, RA_FIXED, preg_make(0, R0).id);
    hand_inst(h, 0, 0);
    hand_operand(h, 0, RA_USE, RA_REG, 0);
    hand_operand(h, 1, RA_DEF | RA_LATE, RA_REG, 0);
    hand_inst(h, 1, 0);
    hand_operand(h, 0, RA_USE, RA_FIXED, preg_make(0, R0).id);
    hand_operand(h, 1, RA_USE, RA_FIXED, preg_make(0, R1).id);
    hand_operand(h, 2, RA_DEF | RA_LATE, RA_FIXED, preg_make(0, R0).id);
    hand_inst(h, 0, 0);
    hand_operand(h, 2, RA_USE, RA_REG, 0);
    hand_operand(h, 3, RA_DEF | RA_LATE, RA_REUSE, 0);
    hand_inst(h, 0, RA_INST_RETURN);
    hand_operand(h, 3, RA_USE, RA_FIXED, preg_make(0, R0).id);
    RaResult result = allocate_hand(f, h, RA_OK);
    assert_int_equal(result.moves.len, 0);
    assert_int_equal(result.num_slot_units, 0);
}

/* A value that lives across a call is kept in a register that survives it, if one is free. */
static void values_survive_calls(void **state)
{
    Fixture *f = *state;
    for (u32 regs = 2; regs <= 3; regs++) {
        Hand *h = new_hand(&f->arena, regs);
        hand_block(h);
        hand_inst(h, 0, 0);
        hand_operand(h, 0, RA_DEF | RA_LATE, RA_REG, 0);
        hand_inst(h, 1, 0);
        hand_inst(h, 0, RA_INST_RETURN);
        hand_operand(h, 0, RA_USE, RA_FIXED, preg_make(0, R0).id);
        RaResult result = allocate_hand(f, h, RA_OK);
        assert_int_equal(result.stats.reg_moves, regs == 2 ? 0 : 1);
        assert_int_equal(result.stats.loads, regs == 2 ? 1 : 0);
        assert_int_equal(result.stats.stores, regs == 2 ? 1 : 0);
    }
}

/* What can be done again is not spilled. */
static void constants_are_done_again(void **state)
{
    Fixture *f = *state;
    Hand *h = new_hand(&f->arena, 2);
    hand_block(h);
    hand_inst(h, 0, RA_INST_REMAT);
    hand_operand(h, 0, RA_DEF | RA_LATE, RA_REG, 0);
    hand_inst(h, 1, 0);
    hand_inst(h, 0, RA_INST_RETURN);
    hand_operand(h, 0, RA_USE, RA_REG, 0);
    RaResult result = allocate_hand(f, h, RA_OK);
    assert_int_equal(result.stats.remats, 1);
    assert_int_equal(result.moves.len, 1);
    assert_int_equal(result.num_slot_units, 0);
}

/* Demands that just fit do fit, and one more is refused. */
static void as_many_as_there_are(void **state)
{
    Fixture *f = *state;
    for (u32 extra = 0; extra < 2; extra++) {
        Hand *h = new_hand(&f->arena, 2);
        hand_block(h);
        hand_inst(h, 0, 0);
        hand_operand(h, 0, RA_DEF | RA_LATE, RA_REG, 0);
        hand_operand(h, 1, RA_DEF | RA_LATE, RA_REG, 0);
        hand_inst(h, 0, 0);
        hand_operand(h, 2, RA_DEF | RA_LATE, RA_REG, 0);
        hand_inst(h, 0, 0);
        hand_operand(h, 3, RA_DEF | RA_LATE, RA_REG, 0); /* takes the register of the fixed use */
        hand_operand(h, 0, RA_USE | RA_LATE, RA_REG, 0);
        hand_operand(h, 1, RA_USE, RA_FIXED, preg_make(0, R0).id);
        if (extra == 1) {
            hand_operand(h, 2, RA_USE, RA_REG, 0);
        }
        hand_inst(h, 0, RA_INST_RETURN);
        hand_operand(h, 0, RA_USE, RA_ANY, 0);
        hand_operand(h, 1, RA_USE, RA_ANY, 0);
        hand_operand(h, 2, RA_USE, RA_ANY, 0);
        hand_operand(h, 3, RA_USE, RA_ANY, 0);
        allocate_hand(f, h, extra == 1 ? RA_IMPOSSIBLE : RA_OK);
    }
}

/* ---- sizes ---- */

typedef struct Size {
    const char *name;
    RaShape shape;
} Size;

/* Shapes for large functions; `blocks`, `insts` and `wide` are scaled. */
static const Size SIZES[] = {
    {"usual",
     {.blocks = 20000,
      .insts = 40,
      .chain_percent = 70,
      .extra_percent = 60,
      .params = 3,
      .far_percent = 10,
      .operands = 3,
      .wide_percent = 2,
      .wide = 12,
      .classes = 2,
      .regs = 16}},
    {"one block, all live",
     {.blocks = 1, .insts = 200000, .far_percent = 100, .operands = 3, .classes = 1, .regs = 8}},
    {"chain",
     {.blocks = 100000,
      .insts = 2,
      .chain_percent = 100,
      .params = 2,
      .far_percent = 100,
      .operands = 3,
      .classes = 1,
      .regs = 8}},
    {"switch",
     {.blocks = 100000,
      .insts = 2,
      .branch_from_first = true,
      .extra_percent = 100,
      .params = 2,
      .far_percent = 30,
      .operands = 3,
      .classes = 1,
      .regs = 16}},
    {"many parameters",
     {.blocks = 200,
      .insts = 10,
      .chain_percent = 60,
      .extra_percent = 90,
      .params = 2000,
      .far_percent = 50,
      .operands = 3,
      .classes = 1,
      .regs = 16}},
    {"wide",
     {.blocks = 100,
      .insts = 10,
      .chain_percent = 60,
      .extra_percent = 60,
      .params = 4,
      .far_percent = 100,
      .operands = 3,
      .wide_percent = 50,
      .wide = 2000,
      .classes = 1,
      .regs = 4}},
    {"loops",
     {.blocks = 50000,
      .insts = 4,
      .chain_percent = 100,
      .extra_percent = 100,
      .params = 3,
      .far_percent = 50,
      .operands = 3,
      .classes = 2,
      .regs = 8}},
    {"irreducible",
     {.blocks = 20000,
      .insts = 4,
      .chain_percent = 30,
      .extra_percent = 200,
      .params = 2,
      .far_percent = 30,
      .operands = 3,
      .classes = 1,
      .regs = 8}},
};

/* Work stays proportional to the input: instructions, operands, arguments, and registers looked at for each. */
static void large_functions(void **state)
{
    Fixture *f = *state;
    for (u32 i = 0; i < ARRAY_LEN(SIZES); i++) {
        Arena scratch;
        Choices choices = {{{0}}, NULL, 0, 0};
        RaResult result;
        TextBuf why;
        dv_arena_init(&scratch, &f->pool);
        dv_text_init(&why, &f->arena);
        dv_rng_seed(&choices.rng, i);
        const RaFunc *func = generate_func(&choices, &SIZES[i].shape, &f->arena);
        clock_t start = clock();
        assert_int_equal(dv_regalloc_fast(func, &f->arena, &scratch, &result), RA_OK);
        clock_t middle = clock();
        bool ok = dv_regalloc_check(func, &result, &scratch, &why);
        if (getenv("SHOW") != NULL) {
            u64 size = (u64)func->num_insts + func->num_operands + func->num_args;
            print_message(
                "%s: %u blocks, %u insts, %u vregs, %u moves, %.1f steps each, %.2f s, checked in %.2f s\n",
                SIZES[i].name, func->num_blocks, func->num_insts, func->num_vregs, result.moves.len,
                (double)result.stats.steps / (double)size,
                (double)(middle - start) / CLOCKS_PER_SEC,
                (double)(clock() - middle) / CLOCKS_PER_SEC);
        }
        assert_true(ok);
        assert_true(result.stats.steps < 40 * ((u64)func->num_insts + func->num_operands +
                                               func->num_args + func->num_params));
        dv_arena_release(&scratch);
        dv_arena_release(&f->arena);
    }
}

static const struct CMUnitTest TESTS[] = {
    UNIT_TEST(random_functions),     UNIT_TEST(straight_calls_need_no_moves),
    UNIT_TEST(values_survive_calls), UNIT_TEST(constants_are_done_again),
    UNIT_TEST(as_many_as_there_are), UNIT_TEST(large_functions),
};

int main(void)
{
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
