/* order.c - blocks in the order of the code.
 *
 * Reverse postorder, so that definitions come before uses, with what is cold at the end; a block that is dominated
 * by a cold one is cold too, which keeps that property. Short ways out give way to what goes on.
 *
 * An edge gets a block of its own where moves on it would have no other place: the branch reads registers and the target
 * has other predecessors. Such a block comes directly after the branch, and costs nothing if it stays empty:
 * branches to it are led on to where it goes. That of an edge from what is hot to what is cold comes before all cold
 * blocks. Entries of a br_table that go to one block without arguments are one edge. */
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

/* True if the block is a few instructions and a return, without calls. */
static bool is_way_out(const Orderer *o, Block block)
{
    enum { SHORT = 8 };
    Inst inst = dv_block(o->func, block)->first;
    for (u32 i = 0; i < SHORT; i++, inst = dv_inst_next(o->func, inst)) {
        u32 effects = dv_inst_info(o->func, inst)->effects;
        if ((effects & (FX_TERM | FX_CALL)) != 0) {
            return dv_inst_const(o->func, inst)->op == OP_return;
        }
    }
    return false;
}

/* True if the block, number `at` in the order, is a way out that the branch before it skips: what goes on has more to do, so
 * the branch falls through to the other target, which is next, and this block comes later. */
static bool gives_way(const Orderer *o, u32 at)
{
    if (at == 0 || at + 1 == o->rpo.num_blocks) {
        return false;
    }
    Block before = o->rpo.rpo[at - 1], block = o->rpo.rpo[at], next = o->rpo.rpo[at + 1];
    Inst branch = dv_block_terminator(o->func, before);
    u32 count;
    const BlockCall *dests = dv_inst_dests_const(o->func, branch, &count);
    return dv_inst_const(o->func, branch)->op == OP_brif && dests[0].block.id == block.id &&
           dests[1].block.id == next.id && dv_cfg_num_preds(&o->cfg, block) == 1 &&
           o->is_cold[block.id] == o->is_cold[next.id] && is_way_out(o, block) &&
           !is_way_out(o, next);
}

static void find_outside(Orderer *o)
{
    Block *outside = ARENA_ARRAY(o->arena, Block, o->cfg.num_blocks + 1);
    for (u32 i = 0; i < o->rpo.num_blocks; i++) {
        Block block = o->rpo.rpo[i];
        Block idom = o->tree.idom[block.id];
        bool is_inside = dv_loop_depth(&o->loops, block) != 0 && idom.id != ENTITY_NONE;
        outside[block.id] = is_inside ? outside[idom.id] : block;
    }
    o->out->outside = outside;
}

/* The blocks that are cold, or those that are not. */
static void place_blocks(Orderer *o, bool cold)
{
    VEC(Block) later = {0};
    for (u32 i = 0; i < o->rpo.num_blocks; i++) {
        Block block = o->rpo.rpo[i];
        if (o->is_cold[block.id] != cold) {
            continue;
        }
        if (gives_way(o, i)) {
            vec_push(o->arena, &later, block);
        } else {
            place_block(o, block);
        }
    }
    for (u32 i = 0; i < later.len; i++) {
        place_block(o, later.data[i]);
    }
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
    find_outside(&o);
    number_dests(&o);
    place_blocks(&o, false);
    place_cold_edges(&o);
    place_blocks(&o, true);
    resolve_labels(&o);
    order->loop_depths = o.depths.data;
    order->is_cold = o.colds.data;
}
