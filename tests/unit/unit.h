/* unit.h - what the unit tests of base/ share: cmocka, a pool and an arena per test whose memory
 * comes from a counting allocator, and a way to catch escapes. */
#ifndef DV_UNIT_H
#define DV_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"

typedef struct Fixture {
    Pool pool;
    Arena arena;
    usize live_bytes; /* what the allocator gave and did not get back, by the sizes it was told */
    u64 live_blocks;
} Fixture;

/* Keeps each block's size in front of it, to see that free is told the same. */
static inline void *count_alloc(void *context, size_t size_bytes)
{
    Fixture *f = context;
    u8 *memory = malloc(size_bytes + 16);
    assert_non_null(memory);
    memcpy(memory, &size_bytes, sizeof size_bytes);
    f->live_bytes += size_bytes;
    f->live_blocks++;
    return memory + 16;
}

static inline void count_free(void *context, void *memory, size_t size_bytes)
{
    Fixture *f = context;
    size_t told;
    memcpy(&told, (u8 *)memory - 16, sizeof told);
    assert_int_equal(told, size_bytes);
    f->live_bytes -= size_bytes;
    f->live_blocks--;
    free((u8 *)memory - 16);
}

static inline int unit_setup(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    davit_allocator_t allocator = {count_alloc, count_free, f};
    dv_pool_init(&f->pool, &allocator);
    dv_arena_init(&f->arena, &f->pool);
    *state = f;
    return 0;
}

static inline int unit_teardown(void **state)
{
    Fixture *f = *state;
    assert_null(f->pool.escape);
    dv_arena_release(&f->arena);
    dv_pool_destroy(&f->pool);
    assert_int_equal(f->live_blocks, 0);
    assert_int_equal(f->live_bytes, 0);
    free(f);
    return 0;
}

/* What the work escapes with; DAVIT_OK if it returns. */
static inline davit_status_t escape_of(Fixture *f, void (*work)(Fixture *))
{
    Escape escape;
    dv_escape_enter(&escape, &f->pool);
    if (setjmp(escape.env) == 0) {
        work(f);
    }
    dv_escape_leave(&escape, &f->pool);
    return escape.status;
}

#define UNIT_TEST(test) cmocka_unit_test_setup_teardown(test, unit_setup, unit_teardown)

#endif
