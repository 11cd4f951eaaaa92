/* cfg.h - the control-flow graph of a function: who goes where.
 *
 * Blocks are named by their numbers throughout; a block that is not in the layout has no edges.
 * Parallel edges stay: a br_table that names a block three times makes three edges, since each
 * carries arguments of its own. The graph is a snapshot and goes stale when a branch changes.
 */
#ifndef DV_FLOW_CFG_H
#define DV_FLOW_CFG_H

#include "codegen/ir/ir.h"

/* An edge as seen from where it leads: dest number `dest` of the branch `inst`, the last of block
 * `from`. */
typedef struct CfgEdge {
    Block from;
    Inst inst;
    u32 dest;
} CfgEdge;

/* Edges out of block b are succs[succ_start[b]] up to succ_start[b + 1], in the order of the
 * branch; edges into it preds[pred_start[b]] up to pred_start[b + 1], in layout order. */
typedef struct Cfg {
    u32 num_blocks; /* numbers, those of absent blocks included */
    u32 num_edges;
    Block entry; /* BLOCK_NONE of a function without blocks */
    u32 *succ_start;
    Block *succs;
    u32 *pred_start;
    CfgEdge *preds;
} Cfg;

/* cfg.c: linear in blocks and edges. Takes malformed functions: only the last instruction of a
 * block counts as its branch, and targets that are not in the layout are no edges. */
void dv_cfg_build(Cfg *cfg, Arena *arena, const Func *f, Work *work);

static inline u32 dv_cfg_num_preds(const Cfg *cfg, Block b)
{
    return cfg->pred_start[b.id + 1] - cfg->pred_start[b.id];
}

static inline u32 dv_cfg_num_succs(const Cfg *cfg, Block b)
{
    return cfg->succ_start[b.id + 1] - cfg->succ_start[b.id];
}

#endif
