/* legalize.h - after it, a function holds only what the target has rules for.
 *
 * An instruction is legal if the target covers its operation on its controlling type and, where the table
 * leaves an operand's type open (a shift amount, what a conversion converts, an address), on that
 * operand's type; and, if it accesses memory in the byte order that is not the target's, if the target
 * says it can. Every other instruction is replaced by what the `expand` rules of codegen/isa/common make
 * of it, until all are legal.
 *
 * What every target must cover for that to succeed: isplit.i128 and iconcat.i64, which are what integers
 * of 128 bits come apart into; one integer type W of 32 or 64 bits with iconst, iadd, isub, imul, band,
 * bor, bxor, shifts, icmp, select, brif, trapz and trapnz, uextend and sextend to it, ireduce from it; i64
 * in the same way if a type of 64 bits or more is used; loads and stores of the types its floats and
 * integers have; bitcast between floats and integers of one size; control flow, calls, addresses. What has
 * no expansion stays the target's: division of 128 bits and of types no wider one covers, arithmetic on
 * f32, f64 and f128, atomics (but for byte order), vectors. */
#ifndef DV_OPT_LEGALIZE_H
#define DV_OPT_LEGALIZE_H

#include "base/diag.h"
#include "codegen/ir/ir.h"

typedef struct LegalTarget {
    const char *name;
    /* True if the target has a total rule. type: the controlling type, TYPE_NONE if the operation has
     * none. open: the type of the operand that the table leaves open (dv_legal_open_operand), TYPE_NONE if
     * there is none. */
    bool (*covers)(u32 op, u32 type, u32 open);
    bool big_endian;
    bool swaps_memory; /* load, store and the like cover the other byte order too */
    bool swaps_atomics;
    /* Rules that are total where the target has features beyond its baseline, and those at hand. NULL: there are no such rules. */
    bool (*covers_by)(u32 features, u32 op, u32 type, u32 open);
    u32 features;
} LegalTarget;

/* The first operand of the operation whose type the controlling type does not settle; OP_MAX_OPERANDS if
 * all are settled. */
u32 dv_legal_open_operand(Op op);
/* True if the target takes the instruction as it is. */
bool dv_legal_is(const Func *f, Inst i, const LegalTarget *t);
/* True if it takes all of them, else false with a message about the first that it does not. */
bool dv_legal_verify(const Func *f, const LegalTarget *t, Diag *diag);
/* Makes every instruction legal: results of those replaced become aliases of new values, operands are
 * renamed, so that none is an alias; blocks and branches stay as they are. New instructions have the
 * source location of the one they stand for. False, with a message naming instruction and operation, if
 * something has no expansion; part of the function has been replaced then. Linear in the size of the
 * function. Temporary memory comes from scratch, which must not be the function's arena, and is released. */
bool dv_legalize(Func *f, const LegalTarget *t, Arena *scratch, Diag *diag);

#endif
