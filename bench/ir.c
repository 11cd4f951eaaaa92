/* ir.c - time per unit of lexing, parsing, verifying and printing functions of 10 thousand, 100 thousand
 * and 1 million units (instructions, blocks...), in the shapes of big_clif.h. What is linear keeps its time per
 * unit; the last column is how much it grows from the smallest size to the largest.
 *
 * Each figure is the best of several runs: other programs can only make it slower. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codegen/ir/lex.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verify.h"
#include "tests/unit/big_clif.h"

enum { PHASE_LEX, PHASE_PARSE, PHASE_VERIFY, PHASE_PRINT, PHASE_COUNT };
enum { SIZE_COUNT = 3 };

static const char *const phase_names[PHASE_COUNT] = {"lex", "parse", "verify", "print"};
static const u32 sizes[SIZE_COUNT] = {10000, 100000, 1000000};
static const u32 rounds[SIZE_COUNT] = {30, 8, 3};

/* Processor time, which other programs disturb less than the clock on the wall. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static u32 count_tokens(Str text)
{
    Lexer lexer;
    Token token;
    u32 count = 0;
    dv_lex_init(&lexer, text);
    do {
        dv_lex_next(&lexer, &token);
        count++;
    } while (token.kind != TOK_END);
    return count;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* Does everything once and notes how long each phase took. */
static void run_once(Pool *pool, Str text, double *seconds)
{
    Arena arena;
    ClifFile file = {0};
    Diag diag;
    VerifyErrors errors = {0};
    Work work = {0};
    TextBuf printed;
    dv_arena_init(&arena, pool);
    double t0 = now();
    if (count_tokens(text) < 2) {
        fail("no tokens");
    }
    double t1 = now();
    dv_diag_init(&diag, &arena);
    if (!dv_clif_parse(&file, &arena, text, &diag)) {
        fail(dv_diag_first(&diag)->text);
    }
    const Func *f = &file.funcs.data[0]->func;
    double t2 = now();
    if (!dv_verify(f, &arena, NULL, &errors, &work)) {
        fail(errors.list.data[0].text);
    }
    double t3 = now();
    dv_text_init(&printed, &arena);
    dv_print_func(&printed, f);
    double t4 = now();
    seconds[PHASE_LEX] = t1 - t0;
    seconds[PHASE_PARSE] = t2 - t1;
    seconds[PHASE_VERIFY] = t3 - t2;
    seconds[PHASE_PRINT] = t4 - t3;
    dv_arena_release(&arena);
}

/* The best nanoseconds per unit of each phase, measured on one text. */
typedef struct Measurement {
    Pool *pool; /* kept, so that all rounds but the first have warm memory */
    BigShape shape;
    u32 size_index;
    double *best;
} Measurement;

static void measure_text(void *context)
{
    Measurement *m = context;
    Arena arena;
    TextBuf text;
    u32 n = sizes[m->size_index];
    dv_arena_init(&arena, m->pool);
    dv_text_init(&text, &arena);
    big_clif(&text, m->shape, n);
    for (u32 round = 0; round < rounds[m->size_index]; round++) {
        double seconds[PHASE_COUNT];
        run_once(m->pool, (Str){text.data, (u32)text.length}, seconds);
        for (u32 phase = 0; phase < PHASE_COUNT; phase++) {
            double ns = seconds[phase] * 1e9 / n;
            m->best[phase] = round == 0 || ns < m->best[phase] ? ns : m->best[phase];
        }
    }
    dv_arena_release(&arena);
}

static void measure(BigShape shape, u32 size_index, double *best)
{
    Pool pool;
    Measurement m = {&pool, shape, size_index, best};
    dv_pool_init(&pool, NULL);
    davit_status_t status = dv_pool_protect(&pool, measure_text, &m);
    if (status != DAVIT_OK) {
        fail(davit_status_name(status));
    }
    dv_pool_destroy(&pool);
}

int main(void)
{
    double worst = 0;
    printf("%-10s %-8s %10s %10s %10s %8s\n", "shape", "ns each", "10k", "100k", "1M", "1M/10k");
    for (u32 shape = 0; shape < BIG_COUNT; shape++) {
        double ns[SIZE_COUNT][PHASE_COUNT];
        for (u32 i = 0; i < SIZE_COUNT; i++) {
            measure((BigShape)shape, i, ns[i]);
        }
        for (u32 phase = 0; phase < PHASE_COUNT; phase++) {
            double ratio = ns[SIZE_COUNT - 1][phase] / ns[0][phase];
            worst = ratio > worst ? ratio : worst;
            printf("%-10s %-8s %10.1f %10.1f %10.1f %8.2f\n", big_names[shape], phase_names[phase],
                   ns[0][phase], ns[1][phase], ns[2][phase], ratio);
        }
    }
    printf("worst growth %.2f (goal: 2.5)\n", worst);
    return 0;
}
