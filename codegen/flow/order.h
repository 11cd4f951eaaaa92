/* order.h - orders of blocks and instructions: depth-first preorder, reverse postorder, sequence
 * numbers.
 */
#ifndef DV_FLOW_ORDER_H
#define DV_FLOW_ORDER_H

#include "codegen/flow/cfg.h"

#define ORDER_NONE UINT32_MAX

/* One depth-first walk from the entry. It takes a block's targets from last to first, so that
 * reverse postorder has the first target before the second. Preorder numbers and reverse postorder
 * positions both run from 0 (the entry) to num_blocks - 1 over the blocks that can be reached.
 *
 * x is an ancestor of y in the walk's tree, or y itself, if x <= y <= last[x] (preorder numbers).
 */
typedef struct BlockOrder {
    u32 num_blocks;
    Block *pre;     /* by preorder number */
    u32 *pre_index; /* by block: its preorder number; ORDER_NONE: cannot be reached */
    u32 *parent;    /* by preorder number: preorder number of the parent in the tree; the root's is
                       itself */
    u32 *last;      /* by preorder number: the greatest preorder number below it in the tree */
    Block *rpo;     /* by position */
    u32 *rpo_index; /* by block: its position; ORDER_NONE */
} BlockOrder;

/* order.c: linear in blocks and edges, iterative. */
void dv_order_build(BlockOrder *order, Arena *arena, const Cfg *cfg, Work *work);

static inline bool dv_order_is_reachable(const BlockOrder *order, Block b)
{
    return order->pre_index[b.id] != ORDER_NONE;
}

/* By instruction: a number that grows along the layout, from 0 in each block; ORDER_NONE for
 * instructions that are in no block. */
u32 *dv_order_number_insts(Arena *arena, const Func *f, Work *work);

#endif
