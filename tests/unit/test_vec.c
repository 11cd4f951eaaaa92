/* test_vec.c - Vec: what base/selftest.c does not cover. */
#include "unit.h"

#include "base/vec.h"

static void million_elements(void **state)
{
    Fixture *f = *state;
    VEC(u64) v = {0};
    for (u32 i = 0; i < 1000000; i++) {
        vec_push(&f->arena, &v, (u64)i * i);
    }
    assert_int_equal(v.len, 1000000);
    for (u32 i = 0; i < 1000000; i++) {
        assert_int_equal(vec_at(&v, i), (u64)i * i);
    }
    /* Doubling: all blocks together are at most twice the last. */
    assert_true(f->pool.used_bytes < 40 * 1000000);
}

static void reserve_is_exact_enough(void **state)
{
    Fixture *f = *state;
    VEC(u16) v = {0};
    vec_reserve(&f->arena, &v, 1000);
    assert_true(v.cap >= 1000 && v.cap < 2000);
    u16 *data = v.data;
    for (u32 i = 0; i < 1000; i++) {
        vec_push(&f->arena, &v, (u16)i);
    }
    assert_ptr_equal(v.data, data);
    vec_reserve(&f->arena, &v, 0);
    assert_ptr_equal(v.data, data);
}

static void push_may_read_the_vec(void **state)
{
    Fixture *f = *state;
    VEC(u32) v = {0};
    for (u32 i = 0; i < 100; i++) {
        vec_push(&f->arena, &v, v.len == 0 ? 1 : vec_last(&v) + v.len);
    }
    assert_int_equal(vec_last(&v), 1 + 99 * 100 / 2);
}

static void large_elements_and_alignment(void **state)
{
    typedef struct Large {
        _Alignas(16) u8 bytes[208];
    } Large;
    Fixture *f = *state;
    VEC(Large) v = {0};
    for (u32 i = 0; i < 1000; i++) {
        dv_arena_alloc(&f->arena, 1, 1);
        Large large;
        memset(&large, (int)(i & 0xff), sizeof large);
        vec_push(&f->arena, &v, large);
        assert_int_equal((uintptr_t)v.data % 16, 0);
    }
    assert_int_equal(vec_at(&v, 999).bytes[207], 999 & 0xff);
}

static void reserve_too_many(Fixture *f)
{
    VEC(u8) v = {0};
    vec_push(&f->arena, &v, 1);
    vec_reserve(&f->arena, &v, UINT32_MAX);
}

static void extend_beyond_every_size(Fixture *f)
{
    VEC(u64) v = {0};
    vec_extend(&f->arena, &v, SIZE_MAX);
}

static void too_many_elements_are_over_the_limit(void **state)
{
    Fixture *f = *state;
    assert_int_equal(escape_of(f, reserve_too_many), DAVIT_ERROR_LIMIT);
    assert_int_equal(escape_of(f, extend_beyond_every_size), DAVIT_ERROR_LIMIT);
}

static void push_for_ever(Fixture *f)
{
    VEC(u32) v = {0};
    for (u32 i = 0; i < 100000000; i++) {
        vec_push(&f->arena, &v, i);
    }
}

static void pushing_out_of_memory_escapes(void **state)
{
    Fixture *f = *state;
    f->pool.fail_after = 5;
    assert_int_equal(escape_of(f, push_for_ever), DAVIT_ERROR_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(million_elements),
        UNIT_TEST(reserve_is_exact_enough),
        UNIT_TEST(push_may_read_the_vec),
        UNIT_TEST(large_elements_and_alignment),
        UNIT_TEST(too_many_elements_are_over_the_limit),
        UNIT_TEST(pushing_out_of_memory_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
