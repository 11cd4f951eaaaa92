/* test_cfg.c - the control-flow graph against its edges as listed; the depth-first walk against its
 * laws. */
#include "flow_testing.h"

static void graph_without_blocks(void **state)
{
    Fixture *x = *state;
    Graph g = {0};
    Flow flow;
    flow_build(&flow, &x->arena, &g);
    assert_int_equal(flow.cfg.num_edges, 0);
    assert_int_equal(flow.cfg.entry.id, ENTITY_NONE);
    assert_int_equal(flow.order.num_blocks, 0);
    assert_int_equal(flow.tree.num_blocks, 0);
    assert_int_equal(flow.loops.num_loops, 0);
}

static void edges_by_hand(void **state)
{
    Fixture *x = *state;
    Graph g;
    Flow flow;
    graph_init(&g, &x->arena, 4, 16);
    graph_edge(&g, 0, 2);
    graph_edge(&g, 0, 1);
    graph_edge(&g, 0, 2);
    graph_edge(&g, 2, 2);
    flow_build(&flow, &x->arena, &g);
    const Cfg *cfg = &flow.cfg;
    assert_int_equal(cfg->num_edges, 4);
    assert_int_equal(dv_cfg_num_succs(cfg, (Block){0}), 3);
    const Block *succs = cfg->succs + cfg->succ_start[0];
    assert_int_equal(succs[0].id, 2);
    assert_int_equal(succs[1].id, 1);
    assert_int_equal(succs[2].id, 2);
    assert_int_equal(dv_cfg_num_preds(cfg, (Block){0}), 0);
    assert_int_equal(dv_cfg_num_preds(cfg, (Block){2}), 3);
    const CfgEdge *preds = cfg->preds + cfg->pred_start[2];
    static const u32 expected[3][2] = {{0, 0}, {0, 2}, {2, 0}};
    for (u32 n = 0; n < 3; n++) {
        assert_int_equal(preds[n].from.id, expected[n][0]);
        assert_int_equal(preds[n].dest, expected[n][1]);
        assert_int_equal(preds[n].inst.id, flow.f.blocks.data[expected[n][0]].last.id);
    }
    assert_int_equal(dv_cfg_num_preds(cfg, (Block){3}), 0);
    assert_int_equal(dv_cfg_num_succs(cfg, (Block){3}), 0);
}

/* Of two targets, the first comes first in reverse postorder; of a diamond, the join last. */
static void first_target_comes_first(void **state)
{
    Fixture *x = *state;
    Graph g;
    Flow flow;
    graph_init(&g, &x->arena, 4, 4);
    graph_edge(&g, 0, 3);
    graph_edge(&g, 0, 1);
    graph_edge(&g, 3, 2);
    graph_edge(&g, 1, 2);
    flow_build(&flow, &x->arena, &g);
    static const u32 expected[4] = {0, 3, 1, 2};
    for (u32 n = 0; n < 4; n++) {
        assert_int_equal(flow.order.rpo[n].id, expected[n]);
    }
}

/* What a verifier must be able to ask about: branches to nowhere, empty blocks, terminators in the
 * middle. */
static void malformed_functions(void **state)
{
    Fixture *x = *state;
    Func f;
    dv_func_init(&f, &x->arena);
    for (u32 b = 0; b < 4; b++) {
        dv_block_make_at(&f, (Block){b});
        if (b != 3) {
            dv_block_append(&f, (Block){b});
        }
    }
    static const u32 targets[4] = {1, 3, 77, ENTITY_NONE};
    append_branch(&f, (Block){0}, targets, 1); /* not the last: no edge */
    append_branch(&f, (Block){0}, targets + 1, 3);
    append_branch(&f, (Block){1}, targets, 4);
    Cfg cfg;
    Work work = {0};
    dv_cfg_build(&cfg, &x->arena, &f, &work);
    assert_int_equal(cfg.num_edges, 1);
    assert_int_equal(cfg.preds[0].from.id, 1);
    assert_int_equal(dv_cfg_num_succs(&cfg, (Block){2}), 0);
}

static void check_edges(const Cfg *cfg, const Graph *g)
{
    assert_int_equal(cfg->num_edges, g->num_edges);
    u32 *dest = calloc(g->num_blocks, sizeof *dest);
    assert_non_null(dest);
    for (u32 e = 0; e < g->num_edges; e++) {
        u32 from = g->edges[e][0], to = g->edges[e][1];
        assert_int_equal(cfg->succs[cfg->succ_start[from] + dest[from]].id, to);
        bool found = false;
        for (u32 p = cfg->pred_start[to]; p < cfg->pred_start[to + 1]; p++) {
            found |= cfg->preds[p].from.id == from && cfg->preds[p].dest == dest[from];
        }
        assert_true(found);
        dest[from]++;
    }
    free(dest);
}

/* Preorder: parents have edges to children and come first; reverse postorder: an edge to a lower
 * position goes to an ancestor. Both hold of depth-first walks alone. */
static void check_order(const Flow *flow)
{
    const BlockOrder *o = &flow->order;
    for (u32 n = 0; n < o->num_blocks; n++) {
        Block b = o->pre[n];
        assert_int_equal(o->pre_index[b.id], n);
        assert_int_equal(o->rpo[o->rpo_index[b.id]].id, b.id);
        assert_true(n == 0 ? o->parent[n] == 0 : o->parent[n] < n);
        assert_true(o->last[n] >= n && o->last[n] <= o->last[o->parent[n]]);
        bool has_tree_edge = n == 0;
        for (u32 e = flow->cfg.pred_start[b.id]; e < flow->cfg.pred_start[b.id + 1]; e++) {
            u32 from = o->pre_index[flow->cfg.preds[e].from.id];
            if (from == ORDER_NONE) {
                continue;
            }
            has_tree_edge |= from == o->parent[n];
            bool retreats = o->rpo_index[flow->cfg.preds[e].from.id] >= o->rpo_index[b.id];
            assert_int_equal(retreats, n <= from && from <= o->last[n]);
        }
        assert_true(has_tree_edge);
        for (u32 e = flow->cfg.succ_start[b.id]; e < flow->cfg.succ_start[b.id + 1]; e++) {
            assert_true(o->pre_index[flow->cfg.succs[e].id] != ORDER_NONE);
        }
    }
    u32 reachable = 0;
    for (u32 b = 0; b < flow->cfg.num_blocks; b++) {
        reachable += dv_order_is_reachable(o, (Block){b});
        assert_int_equal(o->pre_index[b] == ORDER_NONE, o->rpo_index[b] == ORDER_NONE);
    }
    assert_int_equal(reachable, o->num_blocks);
}

static void random_graphs(void **state)
{
    Fixture *x = *state;
    Rng rng;
    dv_rng_seed(&rng, 1);
    ArenaMark mark = dv_arena_mark(&x->arena);
    for (u32 round = 0; round < 2000; round++) {
        Graph g;
        Flow flow;
        random_graph(&g, &x->arena, &rng, 20);
        flow_build(&flow, &x->arena, &g);
        check_edges(&flow.cfg, &g);
        check_order(&flow);
        dv_arena_release_to(&x->arena, mark);
    }
}

static void instructions_are_numbered(void **state)
{
    Fixture *x = *state;
    Graph g;
    Func f;
    graph_init(&g, &x->arena, 2, 1);
    graph_edge(&g, 0, 1);
    graph_func(&f, &x->arena, &g);
    Inst first = dv_inst_make(&f, OP_nop, TYPE_NONE, NULL, 0);
    Inst nowhere = dv_inst_make(&f, OP_nop, TYPE_NONE, NULL, 0);
    dv_inst_insert_before(&f, first, f.blocks.data[0].last);
    Work work = {0};
    const u32 *seq = dv_order_number_insts(&x->arena, &f, &work);
    assert_int_equal(seq[first.id], 0);
    assert_int_equal(seq[f.blocks.data[0].last.id], 1);
    assert_int_equal(seq[f.blocks.data[1].last.id], 0);
    assert_int_equal(seq[nowhere.id], ORDER_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(graph_without_blocks),
        UNIT_TEST(edges_by_hand),
        UNIT_TEST(first_target_comes_first),
        UNIT_TEST(malformed_functions),
        UNIT_TEST(random_graphs),
        UNIT_TEST(instructions_are_numbered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
