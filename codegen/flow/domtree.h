/* domtree.h - the dominator tree: a dominates b if every path from the entry to b goes through a.
 *
 * Blocks that cannot be reached are in no tree: each dominates itself alone.
 */
#ifndef DV_FLOW_DOMTREE_H
#define DV_FLOW_DOMTREE_H

#include "codegen/flow/order.h"

typedef struct DomTree {
    u32 num_blocks; /* that can be reached */
    Block *idom;    /* by block: the immediate dominator; BLOCK_NONE for the entry and blocks not
                       reached */
    u32 *enter;     /* by block: preorder number in the tree; ORDER_NONE */
    u32 *leave;     /* by block: the greatest preorder number below it in the tree */
    Block
        *preorder; /* by preorder number: parents before children, children in reverse postorder */
    u32 *inst_seq; /* by instruction: dv_order_number_insts */
} DomTree;

/* domtree.c: O(edges log blocks), iterative. The tree keeps nothing of cfg and order. */
void dv_domtree_build(DomTree *tree, Arena *arena, const Func *f, const Cfg *cfg,
                      const BlockOrder *order, Work *work);

/* Does a dominate b? Every block dominates itself. */
static inline bool dv_dominates(const DomTree *tree, Block a, Block b)
{
    u32 at = tree->enter[b.id];
    return a.id == b.id || (at != ORDER_NONE && tree->enter[a.id] < at && at <= tree->leave[a.id]);
}

/* Does instruction a come before b on every path to b? No instruction dominates itself. Both in the
 * layout. */
bool dv_inst_dominates(const DomTree *tree, const Func *f, Inst a, Inst b);
/* Is value v, no alias and its definition in the layout, there when `use` runs? */
bool dv_value_dominates(const DomTree *tree, const Func *f, Value v, Inst use);

#endif
