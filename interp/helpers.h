/* helpers.h - what call_helper runs: one function per row of pulley/helpers.def.
 *
 * Operations that are rare, long and have wide operands are functions rather than opcodes; the
 * bytecode numbers them as pulley/helpers.def has them. */
#ifndef DV_INTERP_HELPERS_H
#define DV_INTERP_HELPERS_H

#include "pulley/pulley.h"

/* Takes its arguments from slots[0] on and leaves its results there. A slot is a u64 of the host,
 * whatever the byte order of memory; a value of 128 bits takes two, low half first. Of arguments of
 * 32 bits or fewer only the low part counts; such results are zero-extended, so that the same
 * program leaves the same slots everywhere. Gives a PulleyTrap, 0 for none; after a trap the slots
 * are as they were. */
typedef u32 InterpHelperFn(u64 *slots);

/* ---- helpers.c ---- */

/* By PulleyHelper. */
extern InterpHelperFn *const dv_interp_helpers[PULLEY_HELPER_COUNT];

#endif
