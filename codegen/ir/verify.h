/* verify.h - is this function well formed? Reports everything that is wrong with it, each with
 * place and reason.
 *
 * A function that passes may be printed, evaluated, optimised and compiled without further checks.
 */
#ifndef DV_IR_VERIFY_H
#define DV_IR_VERIFY_H

#include "codegen/ir/entity.h"

typedef struct VerifyError {
    EntityRef place;
    const char *text; /* in the arena */
} VerifyError;

typedef struct VerifyErrors {
    VEC(VerifyError) list; /* at most VERIFY_MAX_ERRORS; `total` counts all */
    u64 total;
} VerifyErrors;

enum { VERIFY_MAX_ERRORS = 1000 };

typedef struct VerifyOptions {
    u32 address_bits; /* 32 or 64: what addr-sized things must be; 0: either, but one throughout is
                         not asked */
} VerifyOptions;

/* verify.c: true if there are no errors. Errors and their texts live in `arena`; scratch memory is
 * released. */
bool dv_verify(const Func *f, Arena *arena, const VerifyOptions *options, VerifyErrors *errors,
               Work *work);

#endif
