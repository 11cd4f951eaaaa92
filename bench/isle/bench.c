/* bench.c - the rule compiler on generated rules, and how long what it makes takes to match.
 *
 * First the time to compile 500 to 5,000 rules to C, in this process; the goal is 5,000 in less than 2 seconds. Then the
 * time per matched term of functions made of 500 and of 5,000 rules: it must not grow with the rules. Terms are
 * drawn from a fixed sequence; 20 operations are used in both, so that the processor's caches and branch predictors
 * see the same terms, and what differs is the number of rules alone. Best of several runs. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rules_500.h>
#include <rules_5000.h>

#include "base/rng.h"
#include "bench/isle/gen.h"
#include "codegen/isle/back.h"

enum { TERMS = 1 << 12, REPEATS = 256, ROUNDS = 9, OPS_USED = 20 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

DV_NORETURN void b500_no_match(Bench *bench, const char *term)
{
    (void)bench;
    dv_panic(__FILE__, __LINE__, term);
}

DV_NORETURN void b5000_no_match(Bench *bench, const char *term)
{
    b500_no_match(bench, term);
}

void bench_inst(Bench *bench, Node a0, u32 *r0, u32 *r1, Node *r2, Node *r3)
{
    const Row *row = &bench->rows[a0];
    *r0 = row->op;
    *r1 = row->type;
    *r2 = row->args[0];
    *r3 = row->args[1];
}

bool bench_konst(Bench *bench, Node a0, u32 *r0)
{
    *r0 = bench->rows[a0].constant;
    return *r0 != UINT32_MAX;
}

static double compile_once(Pool *pool, u32 rule_count, usize *bytes)
{
    Arena arena;
    dv_arena_init(&arena, pool);
    TextBuf rules, source, header;
    dv_text_init(&rules, &arena);
    dv_text_init(&source, &arena);
    dv_text_init(&header, &arena);
    gen_rules(&rules, rule_count);
    double start = now();
    Isle *isle = ARENA_NEW(&arena, Isle);
    Back back;
    IsleOptions options = {"bench", "Bench", NULL, "rules.h", NULL};
    dv_isle_init(isle, &arena, false);
    if (!dv_isle_add_text(isle, "rules", rules.data, rules.length) || !dv_isle_check(isle) ||
        !dv_isle_back(isle, &back) || !dv_isle_emit_header(&back, &options, &header)) {
        fail("the rules do not compile");
    }
    dv_isle_emit(&back, &options, &source);
    double seconds = now() - start;
    *bytes = source.length;
    dv_arena_release(&arena);
    return seconds;
}

static void fill_rows(Row *rows)
{
    Rng rng;
    dv_rng_seed(&rng, 7);
    for (u32 i = 0; i < TERMS; i++) {
        u32 kind = (u32)dv_rng_next(&rng) % 4;
        rows[i] = (Row){.op = (u32)dv_rng_next(&rng) % OPS_USED,
                        .type = (u32)dv_rng_next(&rng) % GEN_TYPES,
                        .args = {(u32)dv_rng_next(&rng) % TERMS, (u32)dv_rng_next(&rng) % TERMS},
                        .constant = kind == 0 ? (u32)dv_rng_next(&rng) % 16 : UINT32_MAX};
    }
}

/* Nanoseconds per term. */
static double match_once(Bench *bench, u32 (*lower)(Bench *, Node), u64 *sum)
{
    double start = now();
    for (u32 i = 0; i < REPEATS; i++) {
        for (u32 j = 0; j < TERMS; j++) {
            *sum += lower(bench, j);
        }
    }
    return (now() - start) * 1e9 / ((double)REPEATS * (double)TERMS);
}

static double best_match(Bench *bench, u32 (*lower)(Bench *, Node), u64 *sum)
{
    double best = 1e9;
    for (u32 i = 0; i < ROUNDS; i++) {
        double time = match_once(bench, lower, sum);
        best = time < best ? time : best;
    }
    return best;
}

int main(void)
{
    static const u32 counts[] = {500, 1000, 2500, 5000};
    static Row rows[TERMS];
    Pool pool;
    u64 sum = 0;
    dv_pool_init(&pool, NULL);
    puts("rules  ms to compile  kB of C");
    for (u32 i = 0; i < ARRAY_LEN(counts); i++) {
        usize bytes = 0;
        double best = 1e9;
        for (u32 j = 0; j < 3; j++) {
            double time = compile_once(&pool, counts[i], &bytes);
            best = time < best ? time : best;
        }
        printf("%5u  %13.1f  %7.0f\n", (unsigned)counts[i], best * 1e3, (double)bytes / 1024);
    }
    dv_pool_destroy(&pool);
    fill_rows(rows);
    Bench bench = {rows};
    double few = best_match(&bench, b500_lower, &sum);
    double many = best_match(&bench, b5000_lower, &sum);
    printf("rules  ns per term\n  500  %11.1f\n 5000  %11.1f  (growth %.2f)\n", few, many,
           many / few);
    return sum == 0;
}
