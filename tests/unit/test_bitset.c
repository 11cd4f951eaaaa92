/* test_bitset.c - BitSet against an array of booleans, and its edges. */
#include "unit.h"

#include "base/bitset.h"
#include "base/rng.h"

enum { BOUND = 700 };

static void agree(const BitSet *set, const bool *model)
{
    u64 count = 0;
    for (u32 i = 0; i < BOUND; i++) {
        assert_int_equal(dv_bitset_contains(set, i), model[i]);
        count += model[i];
    }
    assert_int_equal(dv_bitset_count(set), count);
    assert_int_equal(dv_bitset_any(set), count != 0);
    u32 number = 0;
    u32 expected = 0;
    for (u64 i = 0; dv_bitset_next(set, i, &number); i = (u64)number + 1) {
        while (!model[expected]) {
            expected++;
        }
        assert_int_equal(number, expected++);
        count--;
    }
    assert_int_equal(count, 0);
}

static void random_operations(void **state)
{
    Fixture *f = *state;
    Rng rng;
    dv_rng_seed(&rng, 4);
    for (u32 round = 0; round < 300; round++) {
        BitSet sets[2] = {{0}, {0}};
        bool models[2][BOUND] = {{false}};
        for (u32 i = 0; i < 200; i++) {
            u32 which = (u32)dv_rng_below(&rng, 2);
            u32 number = (u32)dv_rng_below(&rng, 1 + dv_rng_below(&rng, BOUND));
            bool had = models[which][number];
            if (dv_rng_chance(&rng, 4)) {
                assert_int_equal(dv_bitset_remove(&sets[which], number), had);
            } else {
                assert_int_equal(dv_bitset_insert(&f->arena, &sets[which], number), !had);
            }
            models[which][number] = dv_bitset_contains(&sets[which], number);
        }
        bool changed = false;
        u32 operation = round % 3;
        for (u32 i = 0; i < BOUND; i++) {
            bool a = models[0][i];
            bool b = models[1][i];
            models[0][i] = operation == 0 ? a || b : operation == 1 ? a && b : a && !b;
            changed |= models[0][i] != a;
        }
        bool got = operation == 0   ? dv_bitset_union_with(&f->arena, &sets[0], &sets[1])
                   : operation == 1 ? dv_bitset_intersect_with(&sets[0], &sets[1])
                                    : dv_bitset_subtract(&sets[0], &sets[1]);
        assert_int_equal(got, changed);
        agree(&sets[0], models[0]);
        agree(&sets[1], models[1]);
        dv_arena_release(&f->arena);
    }
}

static void largest_number(void **state)
{
    Fixture *f = *state;
    BitSet set = {0};
    u32 number = 0;
    assert_true(dv_bitset_insert(&f->arena, &set, UINT32_MAX));
    assert_true(dv_bitset_contains(&set, UINT32_MAX));
    assert_true(dv_bitset_next(&set, 1, &number));
    assert_int_equal(number, UINT32_MAX);
    assert_false(dv_bitset_next(&set, (u64)UINT32_MAX + 1, &number));
    assert_int_equal(dv_bitset_count(&set), 1);
}

static void reserve_keeps_the_words(void **state)
{
    Fixture *f = *state;
    BitSet set = {0};
    dv_bitset_reserve(&f->arena, &set, 0);
    assert_int_equal(set.word_count, 0);
    dv_bitset_reserve(&f->arena, &set, 6401);
    u64 *words = set.words;
    for (u32 i = 0; i <= 6400; i++) {
        assert_true(dv_bitset_insert(&f->arena, &set, i));
    }
    assert_ptr_equal(set.words, words);
}

static void million_growing(void **state)
{
    Fixture *f = *state;
    BitSet set = {0};
    for (u32 i = 0; i < 64000000; i += 64) {
        dv_bitset_insert(&f->arena, &set, i);
    }
    assert_int_equal(dv_bitset_count(&set), 1000000);
    assert_true(f->pool.used_bytes < 40000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(random_operations),
        UNIT_TEST(largest_number),
        UNIT_TEST(reserve_keeps_the_words),
        UNIT_TEST(million_growing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
