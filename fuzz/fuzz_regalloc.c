/* fuzz_regalloc.c - bytes become a function for the register allocators: each result runs like the function and passes the
 * checker, which refuses what does not run like it. */
#include "fuzz/fuzz.h"
#include "tests/unit/regalloc_testing.h"

enum { RUNS = 4, RUN_STEPS = 300 };

typedef struct Case {
    Arena *arena;
    Arena scratch;
    const RaFunc *func;
    Choices choices;
} Case;

static void expect(Case *c, bool holds, const char *what, const RaResult *result)
{
    if (!holds) {
        TextBuf text;
        dv_text_init(&text, c->arena);
        dv_regalloc_print(&text, c->func, result);
        fuzz_report(what, text.data);
    }
}

static bool runs(Case *c, const RaResult *result)
{
    bool ok = true;
    for (u64 seed = 0; ok && seed < RUNS; seed++) {
        ok = run_allocated(c->func, result, seed, RUN_STEPS, &c->scratch);
    }
    return ok;
}

static void check_result(Case *c, RaResult *result, const char *allocator)
{
    TextBuf why;
    dv_text_init(&why, c->arena);
    expect(c, runs(c, result), allocator, result);
    bool ok = dv_regalloc_check(c->func, result, &c->scratch, &why);
    expect(c, ok, ok ? NULL : why.data, result);
    if (result->moves.len == 0) {
        return;
    }
    u32 i = choose(&c->choices, result->moves.len);
    memmove(&result->moves.data[i], &result->moves.data[i + 1],
            sizeof result->moves.data[0] * (result->moves.len - i - 1));
    result->moves.len--;
    ok = dv_regalloc_check(c->func, result, &c->scratch, &why);
    expect(c, !ok || runs(c, result), "a move is missing, which was not noticed", result);
}

static void allocate(Arena *arena, const u8 *data, usize size)
{
    Case c = {0};
    TextBuf why;
    RaResult result;
    c.arena = arena;
    c.choices.bytes = data;
    c.choices.size = size;
    dv_arena_init(&c.scratch, arena->pool);
    dv_text_init(&why, arena);
    RaShape shape = choose_shape(&c.choices);
    c.func = generate_func(&c.choices, &shape, arena);
    bool ok = dv_regalloc_validate(c.func, &c.scratch, &why);
    expect(&c, ok, ok ? NULL : why.data, NULL);
    expect(&c, dv_regalloc_fast(c.func, arena, &c.scratch, &result) == RA_OK, "fast: not allocated",
           NULL);
    check_result(&c, &result, "fast: runs differently");
    u64 max_steps = choose(&c.choices, 4) == 1 ? choose(&c.choices, 4096) : 0;
    u32 outcome = dv_regalloc_main(c.func, max_steps, arena, &c.scratch, &result);
    expect(&c, outcome == RA_OK || (max_steps != 0 && outcome == RA_OVER_BUDGET),
           "main: not allocated", NULL);
    if (outcome == RA_OK) {
        check_result(&c, &result, "main: runs differently");
    }
    dv_arena_release(&c.scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= 1 << 14) {
        fuzz_run(allocate, data, size);
    }
    return 0;
}
