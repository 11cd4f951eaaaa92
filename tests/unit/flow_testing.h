/* flow_testing.h - functions made of edges alone, for tests of codegen/flow: blocks 0 to n - 1 in
 * layout order, each ending in a br_table over its targets, or in a return if it has none. */
#ifndef DV_FLOW_TESTING_H
#define DV_FLOW_TESTING_H

#include "unit.h"

#include "base/rng.h"
#include "codegen/flow/loops.h"

typedef struct Graph {
    u32 num_blocks, num_edges;
    u32 (*edges)[2]; /* from, to; in the order in which a block names its targets */
    u32 cap_edges;
} Graph;

typedef struct Flow {
    Func f;
    Cfg cfg;
    BlockOrder order;
    DomTree tree;
    Loops loops;
    Work work;
} Flow;

static inline void graph_init(Graph *g, Arena *arena, u32 num_blocks, u32 cap_edges)
{
    *g = (Graph){num_blocks, 0, NULL, cap_edges};
    g->edges = dv_arena_array(arena, cap_edges, sizeof *g->edges, _Alignof(u32));
}

static inline void graph_edge(Graph *g, u32 from, u32 to)
{
    assert_true(g->num_edges < g->cap_edges && from < g->num_blocks && to < g->num_blocks);
    g->edges[g->num_edges][0] = from;
    g->edges[g->num_edges][1] = to;
    g->num_edges++;
}

static inline void append_branch(Func *f, Block b, const u32 *targets, u32 count)
{
    if (count == 0) {
        dv_inst_append(f, dv_inst_make(f, OP_return, TYPE_NONE, NULL, 0), b);
        return;
    }
    u32 calls = dv_calls_make(f, count);
    for (u32 n = 0; n < count; n++) {
        f->calls.data[calls + n].block = (Block){targets[n]};
    }
    u32 index = 0;
    Inst i =
        dv_inst_make(f, count == 1 ? OP_jump : OP_br_table, TYPE_NONE, &index, count == 1 ? 0 : 1);
    dv_inst(f, i)->imm[0] = calls;
    dv_inst(f, i)->imm[1] = count;
    dv_inst_append(f, i, b);
}

/* The function, its value v0 an i32 that the br_tables use. Edges need not be sorted. */
static inline void graph_func(Func *f, Arena *arena, const Graph *g)
{
    dv_func_init(f, arena);
    for (u32 b = 0; b < g->num_blocks; b++) {
        dv_block_make_at(f, (Block){b});
        dv_block_append(f, (Block){b});
    }
    u32 *start = ARENA_ARRAY(arena, u32, (usize)g->num_blocks + 2);
    u32 *targets = ARENA_ARRAY(arena, u32, g->num_edges);
    for (u32 e = 0; e < g->num_edges; e++) {
        start[g->edges[e][0] + 2]++;
    }
    for (u32 b = 0; b < g->num_blocks; b++) {
        start[b + 2] += start[b + 1];
    }
    for (u32 e = 0; e < g->num_edges; e++) {
        targets[start[g->edges[e][0] + 1]++] = g->edges[e][1];
    }
    if (g->num_blocks != 0) {
        f->sig.params = ARENA_NEW(arena, Param);
        f->sig.params[0].type = TYPE_I32;
        f->sig.num_params = 1;
        dv_block_add_param(f, (Block){0}, TYPE_I32);
    }
    for (u32 b = 0; b < g->num_blocks; b++) {
        append_branch(f, (Block){b}, targets + start[b], start[b + 1] - start[b]);
    }
}

static inline void flow_build(Flow *flow, Arena *arena, const Graph *g)
{
    graph_func(&flow->f, arena, g);
    flow->work = (Work){0};
    dv_cfg_build(&flow->cfg, arena, &flow->f, &flow->work);
    dv_order_build(&flow->order, arena, &flow->cfg, &flow->work);
    dv_domtree_build(&flow->tree, arena, &flow->f, &flow->cfg, &flow->order, &flow->work);
    dv_loops_build(&flow->loops, arena, &flow->cfg, &flow->order, &flow->tree, &flow->work);
}

static inline u32 ceil_log2(u64 x)
{
    return 64 - dv_clz64(x - 1);
}

/* A random graph: some sparse, some dense, some mostly forward; self loops, parallel edges and
 * blocks that cannot be reached all occur. */
static inline void random_graph(Graph *g, Arena *arena, Rng *rng, u32 max_blocks)
{
    u32 n = 1 + (u32)dv_rng_below(rng, max_blocks);
    u32 edges = (u32)dv_rng_below(rng, 3 * (u64)n);
    bool mostly_forward = dv_rng_chance(rng, 3);
    graph_init(g, arena, n, edges + n);
    bool has_spine = dv_rng_chance(rng, 2); /* makes most blocks reachable */
    for (u32 b = 1; has_spine && b < n; b++) {
        graph_edge(g, (u32)dv_rng_below(rng, b), b);
    }
    for (u32 e = 0; e < edges; e++) {
        u32 from = (u32)dv_rng_below(rng, n);
        u32 to = (u32)dv_rng_below(rng, n);
        bool swap = mostly_forward && to < from && !dv_rng_chance(rng, 4);
        graph_edge(g, swap ? to : from, swap ? from : to);
    }
}

#endif
