/* gen.h - random CLIF that verifies and whose meaning is the same on every engine: what fuzzers, `davit gen`
 * and comparisons of engines run.
 *
 * The choices come from a GenSource: random numbers of a seed, or the bytes of a fuzzer. The same source
 * and options give the same text on every host.
 */
#ifndef DV_TOOLS_GEN_H
#define DV_TOOLS_GEN_H

#include "base/rng.h"
#include "base/text.h"
#include "codegen/ir/ir.h"

enum {
    GEN_FUNCS_MAX = 16,
    GEN_INSTS_MAX = 100000,
    GEN_RUNS_MAX = 1000,
    GEN_MAX_STEPS = 4000000 /* that a call of a generated function may take, about */
};

typedef struct GenSource {
    Rng rng;
    const u8 *at, *end; /* at is NULL: random numbers */
} GenSource;

enum { GEN_PLAIN = 1, GEN_ENTITIES = 2 };

typedef struct GenOptions {
    u32 address_bits; /* 32 or 64: the type of addresses */
    u32 num_funcs;    /* 1 to GEN_FUNCS_MAX; 0: chosen */
    u32 max_insts;    /* of a function, about; what leaves it without dead results comes on top */
    u32 runs;         /* calls of each function */
    u32 parts;        /* GEN_PLAIN: pointers, GEN_ENTITIES: memories, tables, globals; 0: chosen */
    bool
        vectors; /* with vectors, and what only the evaluator can run: for fuzzers of the language */
} GenOptions;

/* ---- gen.c ---- */

void dv_gen_seed(GenSource *source, u64 seed);
/* When the bytes are used up every choice is 0, which soon ends the function. */
void dv_gen_bytes(GenSource *source, const u8 *bytes, usize size);
/* Appends functions %f0, %f1... that call each other. */
void dv_gen_clif(TextBuf *out, GenSource *source, const GenOptions *options);
/* The same as a whole self-describing file: `header` (commands), the functions, and after each its
 * instance, calls and what the evaluator makes of them. False with *error in out's arena if a function
 * cannot be evaluated, a defect of the generator or the evaluator. */
bool dv_gen_file(TextBuf *out, GenSource *source, const GenOptions *options, const char *header,
                 const char **error);
/* Why the operation is left out of what engines run; NULL if it is not. Operations on vectors alone are not
 * left out here, but for want of a type. */
const char *dv_gen_left_out(Op op);

#endif
