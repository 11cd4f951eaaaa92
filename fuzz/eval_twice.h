/* eval_twice.h - evaluates functions and their copies, which must do the same. */
#ifndef DV_FUZZ_EVAL_TWICE_H
#define DV_FUZZ_EVAL_TWICE_H

#include "codegen/ir/eval.h"
#include "fuzz/fuzz.h"

enum { FUZZ_MAX_STEPS = 20000, FUZZ_MAX_DEPTH = 200, FUZZ_MAX_MEMORY = 16 << 20 };

typedef struct EvalJob {
    const Func **funcs;  /* that verified */
    const Func **copies; /* each of the same meaning */
    u32 count;
    u32 address_bits;
    bool big_endian;
    Str bytes; /* arguments and the data segment are these over and over */
} EvalJob;

/* eval_twice.c: calls all functions in their order, each side in an evaluator of its own, and stops with a
 * report if results break the evaluator's promises or differ. Gives the first reason of an EVAL_ERROR, in
 * the arena, or NULL. */
const char *dv_fuzz_eval_twice(Arena *arena, const EvalJob *job);

#endif
