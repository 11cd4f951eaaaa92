/* order.c - blocks in the order of the code.
 *
 * Reverse postorder, so that definitions come before uses, with what is cold at the end; a block that is dominated
 * by a cold one is cold too, which keeps that property. An edge gets a block of its own where moves on it would have no other
 * place: the branch reads registers and the target has other predecessors. Such a block comes directly after the
 * branch, and costs nothing if it stays empty: branches to it are led on to where it goes. That of an edge from what is
 * hot to what is cold comes before all cold blocks. Entries of a br_table that go to one block without arguments are
 * one edge. */
#include "codegen/flow/loops.h"
#include "codegen/mach/lower.h"

typedef struct Orderer {
    Func *func;
    Cfg cfg;
    BlockOrder rpo;
    DomTree tree;
    Loops loops;
    LoweredOrder *out;
    Arena *arena;
    bool *is_cold; /* by block: marked so, or dominated by one that is */
    VEC(u32) depths;
    VEC(bool) colds;
} Orderer;

static void push(Orderer *o, LoweredBlock block, u32 depth, bool is_cold)
{
    vec_push(o->arena, &o->out->blocks, block);
    vec_push(o->arena, &o->depths, depth);
    vec_push(o->arena, &o->colds, is_cold);
}

static bool needs_block(const Orderer *o, Op op, Block target)
{
    return op != OP_jump && dv_cfg_num_preds(&o->cfg, target) > 1;
}

/* Gives dests of the branch labels: those from hot to cold, or all others. UINT32_MAX for now where the target's own is
 * meant. */
static void place_edges(Orderer *o, Block block, bool cooling)
{
    Inst branch = dv_block_terminator(o->func, block);
    u32 count;
    const BlockCall *dests = dv_inst_dests_const(o->func, branch, &count);
    Op op = (Op)dv_inst_const(o->func, branch)->op;
    Map shared = {0};
    for (u32 i = 0; i < count; i++) {
        u32 *label = &o->out->edge_labels[o->out->edge_start[block.id] + i];
        Block target = dests[i].block;
        bool may_share = op == OP_br_table && dests[i].num_args == 0;
        bool is_cooling = o->is_cold[target.id] && !o->is_cold[block.id];
        if (is_cooling != cooling || !needs_block(o, op, target) ||
            (may_share && dv_map_get(&shared, target.id, label))) {
            continue;
        }
        u32 depth = dv_loop_depth(&o->loops, block);
        u32 target_depth = dv_loop_depth(&o->loops, target);
        *label = o->out->blocks.len;
        push(o, (LoweredBlock){block, i}, depth < target_depth ? depth : target_depth,
             cooling || o->is_cold[block.id]);
        if (may_share) {
            dv_map_put(o->arena, &shared, target.id, *label);
        }
    }
}

static void place_block(Orderer *o, Block block)
{
    o->out->label_of_block[block.id] = o->out->blocks.len;
    push(o, (LoweredBlock){block, LOWERED_BLOCK}, dv_loop_depth(&o->loops, block),
         o->is_cold[block.id]);
    place_edges(o, block, false);
}

/* Edges from what is hot to what is cold, before the cold blocks. */
static void place_cold_edges(Orderer *o)
{
    for (u32 i = 0; i < o->rpo.num_blocks; i++) {
        if (!o->is_cold[o->rpo.rpo[i].id]) {
            place_edges(o, o->rpo.rpo[i], true);
        }
    }
}

static void find_cold(Orderer *o)
{
    for (u32 i = 0; i < o->rpo.num_blocks; i++) {
        Block block = o->rpo.rpo[i];
        Block idom = o->tree.idom[block.id];
        o->is_cold[block.id] =
            dv_block(o->func, block)->cold || (idom.id != ENTITY_NONE && o->is_cold[idom.id]);
    }
}

static void resolve_labels(Orderer *o)
{
    for (u32 i = 0; i < o->rpo.num_blocks; i++) {
        Block block = o->rpo.rpo[i];
        u32 count;
        const BlockCall *dests =
            dv_inst_dests_const(o->func, dv_block_terminator(o->func, block), &count);
        for (u32 j = 0; j < count; j++) {
            u32 *label = &o->out->edge_labels[o->out->edge_start[block.id] + j];
            if (*label == UINT32_MAX) {
                *label = o->out->label_of_block[dests[j].block.id];
            }
        }
    }
}

static void number_dests(Orderer *o)
{
    LoweredOrder *out = o->out;
    u32 total = 0;
    out->edge_start = ARENA_ARRAY(o->arena, u32, o->cfg.num_blocks + 1);
    for (u32 i = 0; i < o->rpo.num_blocks; i++) {
        u32 count;
        dv_inst_dests_const(o->func, dv_block_terminator(o->func, o->rpo.rpo[i]), &count);
        out->edge_start[o->rpo.rpo[i].id] = total;
        total += count;
    }
    out->edge_labels = ARENA_ARRAY(o->arena, u32, total + 1);
    memset(out->edge_labels, 0xff, (total + 1) * sizeof(u32));
}

void dv_lowered_order(LoweredOrder *order, Arena *arena, Func *f, Work *work)
{
    Orderer o = {.func = f, .arena = arena, .out = order};
    memset(order, 0, sizeof *order);
    dv_cfg_build(&o.cfg, arena, f, work);
    dv_order_build(&o.rpo, arena, &o.cfg, work);
    dv_domtree_build(&o.tree, arena, f, &o.cfg, &o.rpo, work);
    dv_loops_build(&o.loops, arena, &o.cfg, &o.rpo, &o.tree, work);
    o.is_cold = ARENA_ARRAY(arena, bool, o.cfg.num_blocks + 1);
    order->label_of_block = ARENA_ARRAY(arena, u32, o.cfg.num_blocks + 1);
    memset(order->label_of_block, 0xff, (o.cfg.num_blocks + 1) * sizeof(u32));
    find_cold(&o);
    number_dests(&o);
    for (u32 pass = 0; pass < 2; pass++) {
        for (u32 i = 0; i < o.rpo.num_blocks; i++) {
            if (o.is_cold[o.rpo.rpo[i].id] == (pass == 1)) {
                place_block(&o, o.rpo.rpo[i]);
            }
        }
        if (pass == 0) {
            place_cold_edges(&o);
        }
    }
    resolve_labels(&o);
    order->loop_depths = o.depths.data;
    order->is_cold = o.colds.data;
}
