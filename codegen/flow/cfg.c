/* cfg.c - builds the control-flow graph: two walks over the layout, one to count edges, one to
 * place them.
 *
 * Both directions are compressed rows: the edges of block b lie between start[b] and start[b + 1]
 * of one array. Counts are summed into start[b + 1], and start[b] is then where placing begins.
 */
#include "codegen/flow/cfg.h"

static bool is_edge(const Func *f, Block to)
{
    return to.id < f->blocks.len && f->blocks.data[to.id].inserted;
}

/* The targets of a block's last instruction. */
static const BlockCall *dests_of(const Func *f, const BlockData *block, u32 *count)
{
    *count = 0;
    return block->last.id == ENTITY_NONE ? NULL : dv_inst_dests_const(f, block->last, count);
}

static void count_edges(Cfg *cfg, const Func *f, Work *work)
{
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = f->blocks.data[b.id].next) {
        u32 count;
        const BlockCall *dests = dests_of(f, &f->blocks.data[b.id], &count);
        for (u32 i = 0; i < count; i++) {
            if (is_edge(f, dests[i].block)) {
                cfg->succ_start[b.id + 1]++;
                cfg->pred_start[dests[i].block.id + 1]++;
                cfg->num_edges++;
            }
        }
        work->steps += 1 + (u64)count;
    }
}

static void place_edges(Cfg *cfg, const Func *f, u32 *next_pred, Work *work)
{
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = f->blocks.data[b.id].next) {
        const BlockData *block = &f->blocks.data[b.id];
        u32 count;
        const BlockCall *dests = dests_of(f, block, &count);
        u32 succ = cfg->succ_start[b.id];
        for (u32 i = 0; i < count; i++) {
            Block to = dests[i].block;
            if (is_edge(f, to)) {
                cfg->succs[succ++] = to;
                cfg->preds[next_pred[to.id]++] = (CfgEdge){b, block->last, i};
            }
        }
        work->steps += 1 + (u64)count;
    }
}

void dv_cfg_build(Cfg *cfg, Arena *arena, const Func *f, Work *work)
{
    u32 blocks = f->blocks.len;
    cfg->num_blocks = blocks;
    cfg->num_edges = 0;
    cfg->entry = f->first_block;
    cfg->succ_start = ARENA_ARRAY(arena, u32, (usize)blocks + 1);
    cfg->pred_start = ARENA_ARRAY(arena, u32, (usize)blocks + 1);
    count_edges(cfg, f, work);
    for (u32 i = 0; i < blocks; i++) {
        cfg->succ_start[i + 1] += cfg->succ_start[i];
        cfg->pred_start[i + 1] += cfg->pred_start[i];
    }
    cfg->succs = ARENA_ARRAY(arena, Block, cfg->num_edges);
    cfg->preds = ARENA_ARRAY(arena, CfgEdge, cfg->num_edges);
    ArenaMark mark = dv_arena_mark(arena);
    u32 *next_pred = ARENA_ARRAY(arena, u32, blocks);
    memcpy(next_pred, cfg->pred_start, blocks * sizeof *next_pred);
    place_edges(cfg, f, next_pred, work);
    dv_arena_release_to(arena, mark);
}
