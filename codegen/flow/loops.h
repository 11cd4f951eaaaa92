/* loops.h - the loops of a function, as a forest.
 *
 * A loop is a set of blocks that can all reach each other, with the block of it that the
 * depth-first walk meets first as its header; what still forms a cycle when the edges into that
 * header are taken away are the loops inside it. If the header dominates the whole loop, this is
 * the natural loop of that header: entered only there, made by the edges back to it. Other loops
 * are flagged irreducible: they have several entries, and which of them is called header depends on
 * the walk.
 */
#ifndef DV_FLOW_LOOPS_H
#define DV_FLOW_LOOPS_H

#include "codegen/flow/domtree.h"

#define LOOP_NONE UINT32_MAX

typedef struct Loop {
    Block header;
    u32 parent;     /* the smallest loop around it; LOOP_NONE */
    u32 last;       /* loops inside have the numbers after this one's up to and including last */
    u32 depth;      /* 1: not inside another */
    u32 num_blocks; /* those of loops inside included */
    bool irreducible;
} Loop;

/* Loops are numbered so that outer ones come before those inside them. */
typedef struct Loops {
    u32 num_loops;
    Loop *loops;
    u32 *
        innermost; /* by block: the smallest loop it is in; LOOP_NONE, also of blocks not reached */
} Loops;

/* loops.c: O(edges log blocks), iterative. */
void dv_loops_build(Loops *loops, Arena *arena, const Cfg *cfg, const BlockOrder *order,
                    const DomTree *tree, Work *work);

static inline u32 dv_loop_depth(const Loops *loops, Block b)
{
    u32 loop = loops->innermost[b.id];
    return loop == LOOP_NONE ? 0 : loops->loops[loop].depth;
}

static inline bool dv_loop_contains(const Loops *loops, u32 loop, Block b)
{
    u32 inner = loops->innermost[b.id];
    return inner != LOOP_NONE && loop <= inner && inner <= loops->loops[loop].last;
}

#endif
