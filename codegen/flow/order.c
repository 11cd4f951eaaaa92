/* order.c - the depth-first walk, with a stack of its own: depth is the input's choice.
 *
 * The stack holds, for each block on the path from the entry, the block's preorder number and how
 * many of its targets are still to be looked at. Tarjan, "Depth-first search and linear graph
 * algorithms" (1972).
 */
#include "codegen/flow/order.h"

typedef struct Frame {
    u32 number;
    u32 edges_left;
} Frame;

static void enter_block(BlockOrder *order, const Cfg *cfg, Frame *frame, Block b, u32 parent)
{
    u32 number = order->num_blocks++;
    order->pre[number] = b;
    order->pre_index[b.id] = number;
    order->parent[number] = parent;
    *frame = (Frame){number, dv_cfg_num_succs(cfg, b)};
}

static void walk(BlockOrder *order, const Cfg *cfg, Frame *stack, Work *work)
{
    u32 depth = 0;
    u32 finished = 0; /* blocks of postorder so far; rpo holds them until it is reversed */
    enter_block(order, cfg, &stack[depth++], cfg->entry, 0);
    while (depth > 0) {
        work->steps++;
        Frame *top = &stack[depth - 1];
        Block b = order->pre[top->number];
        if (top->edges_left > 0) {
            Block to = cfg->succs[cfg->succ_start[b.id] + --top->edges_left];
            if (order->pre_index[to.id] == ORDER_NONE) {
                enter_block(order, cfg, &stack[depth++], to, top->number);
            }
        } else {
            order->last[top->number] = order->num_blocks - 1;
            order->rpo[finished++] = b;
            depth--;
        }
    }
}

/* Turns postorder into its reverse and numbers it. */
static void reverse_postorder(BlockOrder *order)
{
    u32 count = order->num_blocks;
    for (u32 i = 0; i < count / 2; i++) {
        Block b = order->rpo[i];
        order->rpo[i] = order->rpo[count - 1 - i];
        order->rpo[count - 1 - i] = b;
    }
    for (u32 i = 0; i < count; i++) {
        order->rpo_index[order->rpo[i].id] = i;
    }
}

static u32 *new_index(Arena *arena, u32 count)
{
    u32 *index = dv_arena_array(arena, count, sizeof *index, _Alignof(u32));
    memset(index, 0xff, count * sizeof *index); /* ORDER_NONE */
    return index;
}

void dv_order_build(BlockOrder *order, Arena *arena, const Cfg *cfg, Work *work)
{
    u32 count = cfg->num_blocks;
    order->num_blocks = 0;
    order->pre = ARENA_ARRAY(arena, Block, count);
    order->pre_index = new_index(arena, count);
    order->parent = ARENA_ARRAY(arena, u32, count);
    order->last = ARENA_ARRAY(arena, u32, count);
    order->rpo = ARENA_ARRAY(arena, Block, count);
    order->rpo_index = new_index(arena, count);
    if (cfg->entry.id == ENTITY_NONE) {
        return;
    }
    ArenaMark mark = dv_arena_mark(arena);
    walk(order, cfg, ARENA_ARRAY(arena, Frame, count), work);
    dv_arena_release_to(arena, mark);
    reverse_postorder(order);
}

u32 *dv_order_number_insts(Arena *arena, const Func *f, Work *work)
{
    u32 *numbers = new_index(arena, f->insts.len);
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = f->blocks.data[b.id].next) {
        u32 next = 0;
        for (Inst i = f->blocks.data[b.id].first; i.id != ENTITY_NONE;
             i = f->nodes.data[i.id].next) {
            numbers[i.id] = next++;
        }
        work->steps += 1 + (u64)next;
    }
    return numbers;
}
