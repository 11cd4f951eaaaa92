/* dom.h - dominators of an RaFunc's blocks, and where locations merge; for what checks the allocators. */
#ifndef DV_REGALLOC_DOM_H
#define DV_REGALLOC_DOM_H

#include "codegen/regalloc/regalloc.h"

/* By block. Blocks that cannot be reached have pre 0 and are in no list. */
typedef struct RaDom {
    u32 *idom;  /* the immediate dominator; the entry's is itself */
    u32 *pre;   /* number in a walk of the dominator tree, parents first, from 1 */
    u32 *last;  /* the largest `pre` among those it dominates */
    u32 *order; /* blocks by that walk: order[pre - 1] */
    u32 *level; /* depth in the dominator tree; the entry's is 0 */
    u32 *
        low; /* the smallest level of a block where an edge ends that begins in what it dominates, but for tree edges */
    u32 *
        hop; /* itself, or the first block below it that has several children, or none, or an edge off the tree */
    u32 *children; /* its children are children[first_child[b]...first_child[b + 1]) */
    u32 *first_child;
    u32 num_reached;
} RaDom;

/* Memory comes from `arena`. `f` need only have edges within bounds. */
void dv_dom_build(RaDom *dom, const RaFunc *f, Arena *arena);
/* Whether a dominates b; both can be reached. */
static inline bool ra_dominates(const RaDom *dom, u32 a, u32 b)
{
    return dom->pre[a] <= dom->pre[b] && dom->pre[b] <= dom->last[a];
}

/* Finds blocks where definitions of one thing merge: the iterated dominance frontier. */
typedef struct RaFrontier {
    const RaFunc *f;
    const RaDom *dom;
    Arena *arena;
    u32 *in_result, *visited, *is_source; /* by block: the query that set it */
    u32 query;
    VEC(u32) heap; /* blocks, the deepest first */
    VEC(u32) stack;
    VEC(u32) result;
    /* Set by the caller before a query, or left as they are: */
    const u32 *live; /* by block: only those with the number `live_query` matter; NULL: all */
    u32 live_query;
    u64 max_steps;
    u64 steps; /* of this query */
} RaFrontier;

void dv_frontier_init(RaFrontier *frontier, const RaFunc *f, const RaDom *dom, Arena *arena);
/* Leaves in frontier->result the blocks where what is set in any of `blocks` meets what comes another way. False if
 * that takes more than max_steps. */
bool dv_frontier_find(RaFrontier *frontier, const u32 *blocks, u32 count);

#endif
