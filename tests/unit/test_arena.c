/* test_arena.c - chunks, marks, limits, failing allocators, escapes. */
#include "unit.h"

#ifdef DAVIT_TORTURE
enum { TORTURE = 1 };
#else
enum { TORTURE = 0 };
#endif

static void chunks_are_reused(void **state)
{
    Fixture *f = *state;
    u64 asked = 0;
    for (u32 round = 0; round < 10; round++) {
        for (u32 i = 0; i < 2000; i++) {
            memset(dv_arena_alloc(&f->arena, i, 1), 1, i);
        }
        memset(dv_arena_alloc(&f->arena, 3000000, 16), 2, 3000000);
        dv_arena_release(&f->arena);
        asked = round == 0 ? f->pool.chunk_count : asked;
        assert_int_equal(f->pool.chunk_count, asked);
        assert_int_equal(f->live_bytes, f->pool.used_bytes);
    }
    dv_pool_trim(&f->pool);
    assert_int_equal(f->pool.used_bytes, 0);
    assert_int_equal(f->live_blocks, 0);
}

static void chunks_too_small_are_passed_over(void **state)
{
    Fixture *f = *state;
    for (u32 i = 0; i < 3000; i++) {
        dv_arena_alloc(&f->arena, 70000 + i, 1);
    }
    dv_arena_release(&f->arena);
    /* All of the request's class, and all too small for it. */
    u64 before = f->pool.chunk_count;
    for (u32 i = 0; i < 300; i++) {
        dv_arena_alloc(&f->arena, 100000, 1);
    }
    assert_int_equal(f->pool.chunk_count, before + 300);
    dv_arena_release(&f->arena);
    for (u32 i = 0; i < 300; i++) {
        dv_arena_alloc(&f->arena, 100000, 1);
    }
    assert_int_equal(f->pool.chunk_count, before + 300);
}

static void large_block_does_not_waste_the_chunk(void **state)
{
    Fixture *f = *state;
    for (u32 i = 0; i < 100; i++) {
        dv_arena_alloc(&f->arena, 8, 8);
        dv_arena_alloc(&f->arena, 1000000, 8);
    }
    assert_true(f->pool.used_bytes < 100 * 1010000);
}

static void marks_nest(void **state)
{
    Fixture *f = *state;
    u8 *first = dv_arena_alloc(&f->arena, 10, 1);
    memset(first, 0x11, 10);
    ArenaMark outer = dv_arena_mark(&f->arena);
    u8 *second = dv_arena_alloc(&f->arena, 10, 1);
    memset(second, 0x22, 10);
    ArenaMark inner = dv_arena_mark(&f->arena);
    for (u32 i = 0; i < 100; i++) {
        dv_arena_alloc(&f->arena, 5000, 8);
        dv_arena_alloc(&f->arena, 200000, 8);
    }
    u64 asked = f->pool.chunk_count;
    dv_arena_release_to(&f->arena, inner);
    for (u32 i = 0; i < 100; i++) {
        dv_arena_alloc(&f->arena, 5000, 8);
        dv_arena_alloc(&f->arena, 200000, 8);
    }
    assert_int_equal(f->pool.chunk_count, asked);
    dv_arena_release_to(&f->arena, inner);
    assert_int_equal(second[0], 0x22);
    assert_int_equal(second[9], 0x22);
    dv_arena_release_to(&f->arena, outer);
    assert_int_equal(first[9], 0x11);
    assert_ptr_equal(dv_arena_alloc(&f->arena, 10, 1), second);
    if (TORTURE) {
        assert_int_equal(second[9], 0xdb);
    }
}

static void mark_of_an_empty_arena_releases_all(void **state)
{
    Fixture *f = *state;
    ArenaMark mark = dv_arena_mark(&f->arena);
    dv_arena_alloc(&f->arena, 100, 1);
    dv_arena_release_to(&f->arena, mark);
    assert_null(f->arena.chunks);
    assert_non_null(dv_arena_alloc(&f->arena, 0, 16));
}

static void growth_keeps_contents(void **state)
{
    Fixture *f = *state;
    u32 *p = dv_arena_grow(&f->arena, NULL, 0, 4, 4);
    p[0] = 0;
    u32 moves = 0;
    for (u32 n = 1; n < 3000; n++) {
        u32 *grown = dv_arena_grow(&f->arena, p, n * 4, (n + 1) * 4, 4);
        moves += grown != p;
        p = grown;
        p[n] = n;
    }
    for (u32 n = 0; n < 3000; n++) {
        assert_int_equal(p[n], n);
    }
    assert_int_equal(moves, TORTURE ? 2999 : 0);
    void *other = dv_arena_alloc(&f->arena, 1, 1);
    assert_ptr_not_equal(dv_arena_grow(&f->arena, p, 12000, 12004, 4), p);
    assert_ptr_not_equal(other, p);
}

static void zalloc_zeroes_reused_memory(void **state)
{
    Fixture *f = *state;
    memset(dv_arena_alloc(&f->arena, 50000, 1), 0xff, 50000);
    dv_arena_release(&f->arena);
    u8 *p = dv_arena_zalloc(&f->arena, 50000, 1);
    for (u32 i = 0; i < 50000; i++) {
        assert_int_equal(p[i], 0);
    }
}

/* An allocator whose blocks are only aligned to 8. */
static void *alloc_odd(void *context, size_t size_bytes)
{
    (void)context;
    u8 *memory = malloc(size_bytes + 8);
    return memory == NULL ? NULL : memory + 8;
}

static void free_odd(void *context, void *memory, size_t size_bytes)
{
    (void)context;
    (void)size_bytes;
    free((u8 *)memory - 8);
}

static void alignment_does_not_rely_on_the_allocator(void **state)
{
    (void)state;
    davit_allocator_t allocator = {alloc_odd, free_odd, NULL};
    Pool pool;
    Arena arena;
    dv_pool_init(&pool, &allocator);
    dv_arena_init(&arena, &pool);
    for (u32 i = 0; i < 100; i++) {
        u8 *p = dv_arena_alloc(&arena, 5000, 16);
        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, 1, 5000);
    }
    dv_arena_release(&arena);
    dv_pool_destroy(&pool);
}

static void alloc_much(Fixture *f)
{
    for (u32 i = 0; i < 1000; i++) {
        memset(dv_arena_alloc(&f->arena, 10000, 1), 1, 10000);
    }
}

static void memory_running_out_escapes(void **state)
{
    Fixture *f = *state;
    f->pool.fail_after = 3;
    assert_int_equal(escape_of(f, alloc_much), DAVIT_ERROR_MEMORY);
    assert_int_equal(f->live_blocks, 2);
    dv_arena_release(&f->arena);
    f->pool.fail_after = 0;
    assert_int_equal(escape_of(f, alloc_much), DAVIT_OK);
}

static void fail_after_one_fails_the_first(void **state)
{
    Fixture *f = *state;
    f->pool.fail_after = 1;
    assert_int_equal(escape_of(f, alloc_much), DAVIT_ERROR_MEMORY);
    assert_int_equal(f->live_blocks, 0);
}

static void limit_escapes(void **state)
{
    Fixture *f = *state;
    f->pool.limit_bytes = 1000000;
    assert_int_equal(escape_of(f, alloc_much), DAVIT_ERROR_LIMIT);
    assert_true(f->live_bytes <= 1000000);
}

static void alloc_900000(Fixture *f)
{
    dv_arena_alloc(&f->arena, 900000, 1);
}

static void limit_does_not_count_what_is_free_against_a_request(void **state)
{
    Fixture *f = *state;
    f->pool.limit_bytes = 1000000;
    for (u32 i = 0; i < 10; i++) {
        dv_arena_alloc(&f->arena, 70000, 1);
    }
    dv_arena_release(&f->arena);
    assert_int_equal(escape_of(f, alloc_900000), DAVIT_OK);
    dv_arena_release(&f->arena);
    /* And that one large chunk, free now, does not stand in the way of small ones. */
    for (u32 i = 0; i < 80; i++) {
        dv_arena_alloc(&f->arena, 10, 1);
    }
    assert_true(f->live_bytes <= 1000000);
}

static void alloc_sizes_that_overflow(Fixture *f)
{
    dv_arena_alloc(&f->arena, SIZE_MAX, 16);
}

static void alloc_half_the_address_space(Fixture *f)
{
    dv_arena_alloc(&f->arena, (usize)PTRDIFF_MAX, 1);
}

static void array_that_overflows(Fixture *f)
{
    ARENA_ARRAY(&f->arena, u64, SIZE_MAX / 4);
}

static void grow_to_the_end(Fixture *f)
{
    void *p = dv_arena_alloc(&f->arena, 8, 8);
    dv_arena_grow(&f->arena, p, 8, SIZE_MAX - 8, 8);
}

static void overflowing_sizes_are_over_the_limit(void **state)
{
    Fixture *f = *state;
    assert_int_equal(escape_of(f, alloc_sizes_that_overflow), DAVIT_ERROR_LIMIT);
    assert_int_equal(escape_of(f, alloc_half_the_address_space), DAVIT_ERROR_LIMIT);
    assert_int_equal(escape_of(f, array_that_overflows), DAVIT_ERROR_LIMIT);
    assert_int_equal(escape_of(f, grow_to_the_end), DAVIT_ERROR_LIMIT);
}

static void escape_inside(Fixture *f)
{
    assert_int_equal(escape_of(f, alloc_sizes_that_overflow), DAVIT_ERROR_LIMIT);
    dv_escape(&f->pool, DAVIT_ERROR_INVALID);
}

static void escapes_nest(void **state)
{
    assert_int_equal(escape_of(*state, escape_inside), DAVIT_ERROR_INVALID);
}

static void many_arenas_share_a_pool(void **state)
{
    Fixture *f = *state;
    Arena arenas[20];
    u64 asked = 0;
    for (u32 round = 0; round < 5; round++) {
        for (u32 i = 0; i < ARRAY_LEN(arenas); i++) {
            dv_arena_init(&arenas[i], &f->pool);
        }
        for (u32 i = 0; i < 20000; i++) {
            dv_arena_alloc(&arenas[i % 20], i % 200, 4);
        }
        for (u32 i = 0; i < ARRAY_LEN(arenas); i++) {
            dv_arena_release(&arenas[(i * 7) % 20]);
        }
        asked = round == 0 ? f->pool.chunk_count : asked;
        assert_int_equal(f->pool.chunk_count, asked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(chunks_are_reused),
        UNIT_TEST(chunks_too_small_are_passed_over),
        UNIT_TEST(large_block_does_not_waste_the_chunk),
        UNIT_TEST(marks_nest),
        UNIT_TEST(mark_of_an_empty_arena_releases_all),
        UNIT_TEST(growth_keeps_contents),
        UNIT_TEST(zalloc_zeroes_reused_memory),
        UNIT_TEST(alignment_does_not_rely_on_the_allocator),
        UNIT_TEST(memory_running_out_escapes),
        UNIT_TEST(fail_after_one_fails_the_first),
        UNIT_TEST(limit_escapes),
        UNIT_TEST(limit_does_not_count_what_is_free_against_a_request),
        UNIT_TEST(overflowing_sizes_are_over_the_limit),
        UNIT_TEST(escapes_nest),
        UNIT_TEST(many_arenas_share_a_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
