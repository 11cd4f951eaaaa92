/* test_domtree.c - dominance against its definition (take the dominator away: can the block still
 * be reached?) on random graphs, and in near-linear time on the shapes that make other algorithms
 * quadratic. */
#include "flow_testing.h"

/* Which blocks can be reached from the entry without entering `avoided`. */
static void reach_avoiding(const Graph *g, u32 avoided, bool *reached)
{
    memset(reached, 0, g->num_blocks * sizeof *reached);
    reached[0] = avoided != 0;
    for (bool changed = true; changed;) {
        changed = false;
        for (u32 e = 0; e < g->num_edges; e++) {
            u32 from = g->edges[e][0], to = g->edges[e][1];
            if (reached[from] && !reached[to] && to != avoided) {
                reached[to] = changed = true;
            }
        }
    }
}

/* How many blocks dominate b, itself included. */
static u32 dominator_count(const DomTree *tree, u32 num_blocks, Block b)
{
    u32 count = 0;
    for (u32 a = 0; a < num_blocks; a++) {
        count += dv_dominates(tree, (Block){a}, b);
    }
    return count;
}

static void check_tree(const Flow *flow, const Graph *g)
{
    const DomTree *tree = &flow->tree;
    bool reached[32], without[32];
    reach_avoiding(g, ENTITY_NONE, reached);
    for (u32 a = 0; a < g->num_blocks; a++) {
        reach_avoiding(g, a, without);
        for (u32 b = 0; b < g->num_blocks; b++) {
            bool expected = a == b || (reached[b] && reached[a] && !without[b]);
            assert_int_equal(dv_dominates(tree, (Block){a}, (Block){b}), expected);
        }
    }
    for (u32 b = 0; b < g->num_blocks; b++) {
        u32 idom = tree->idom[b].id;
        if (!reached[b] || b == 0) {
            assert_int_equal(idom, ENTITY_NONE);
            continue;
        }
        /* The immediate dominator has all of b's dominators but b. */
        assert_true(idom != b && dv_dominates(tree, (Block){idom}, (Block){b}));
        assert_int_equal(dominator_count(tree, g->num_blocks, (Block){idom}) + 1,
                         dominator_count(tree, g->num_blocks, (Block){b}));
    }
    for (u32 n = 0; n < tree->num_blocks; n++) {
        assert_int_equal(tree->enter[tree->preorder[n].id], n);
        assert_true(n == 0 || tree->enter[tree->idom[tree->preorder[n].id].id] < n);
    }
}

static void random_graphs(void **state)
{
    Fixture *x = *state;
    Rng rng;
    dv_rng_seed(&rng, 2);
    ArenaMark mark = dv_arena_mark(&x->arena);
    for (u32 round = 0; round < 20000; round++) {
        Graph g;
        Flow flow;
        random_graph(&g, &x->arena, &rng, 12);
        flow_build(&flow, &x->arena, &g);
        check_tree(&flow, &g);
        dv_arena_release_to(&x->arena, mark);
    }
}

/* All graphs of three blocks, each block with any set of targets. */
static void all_small_graphs(void **state)
{
    Fixture *x = *state;
    ArenaMark mark = dv_arena_mark(&x->arena);
    for (u32 bits = 0; bits < 512; bits++) {
        Graph g;
        Flow flow;
        graph_init(&g, &x->arena, 3, 9);
        for (u32 e = 0; e < 9; e++) {
            if ((bits >> e & 1) != 0) {
                graph_edge(&g, e / 3, e % 3);
            }
        }
        flow_build(&flow, &x->arena, &g);
        check_tree(&flow, &g);
        dv_arena_release_to(&x->arena, mark);
    }
}

static void instructions_and_values(void **state)
{
    Fixture *x = *state;
    Graph g;
    Flow flow;
    graph_init(&g, &x->arena, 5, 16);
    graph_edge(&g, 0, 1);
    graph_edge(&g, 0, 2);
    graph_edge(&g, 1, 3);
    graph_edge(&g, 2, 3);
    graph_edge(&g, 4, 3); /* cannot be reached */
    graph_func(&flow.f, &x->arena, &g);
    Func *f = &flow.f;
    Inst def = dv_inst_make(f, OP_iconst, TYPE_I32, NULL, 0);
    dv_inst_make_results(f, def);
    Inst first = f->blocks.data[1].last;
    dv_inst_insert_before(f, def, first);
    Value v = dv_inst_result(f, def, 0);
    dv_cfg_build(&flow.cfg, &x->arena, f, &flow.work);
    dv_order_build(&flow.order, &x->arena, &flow.cfg, &flow.work);
    dv_domtree_build(&flow.tree, &x->arena, f, &flow.cfg, &flow.order, &flow.work);
    const DomTree *tree = &flow.tree;
    Inst last_of_0 = f->blocks.data[0].last, last_of_3 = f->blocks.data[3].last;
    assert_true(dv_inst_dominates(tree, f, def, first));
    assert_false(dv_inst_dominates(tree, f, first, def));
    assert_false(dv_inst_dominates(tree, f, def, def));
    assert_true(dv_inst_dominates(tree, f, last_of_0, last_of_3));
    assert_false(dv_inst_dominates(tree, f, def, last_of_3));
    assert_true(dv_value_dominates(tree, f, v, first));
    assert_false(dv_value_dominates(tree, f, v, last_of_0));
    assert_false(dv_value_dominates(tree, f, v, last_of_3));
    assert_true(dv_value_dominates(tree, f, (Value){0}, last_of_3));
    assert_false(dv_value_dominates(tree, f, (Value){0}, f->blocks.data[4].last));
}

/* Two rails with rungs both ways and a way back up: iterating to a fixed point takes n rounds here.
 */
static void make_ladder(Graph *g, Arena *arena, u32 rungs)
{
    graph_init(g, arena, 2 * rungs + 2, 6 * rungs + 8);
    graph_edge(g, 0, 1);
    graph_edge(g, 0, 2);
    for (u32 r = 0; r < rungs; r++) {
        u32 left = 2 * r + 1, right = 2 * r + 2;
        graph_edge(g, left, right);
        graph_edge(g, right, left);
        if (r + 1 < rungs) {
            graph_edge(g, left, left + 2);
            graph_edge(g, right, right + 2);
            graph_edge(g, left + 2, left);
        }
    }
}

static void make_chain(Graph *g, Arena *arena, u32 count)
{
    graph_init(g, arena, count, count);
    for (u32 b = 0; b + 1 < count; b++) {
        graph_edge(g, b, b + 1);
    }
}

/* Every block of a chain also leaves for the last one, and goes back to the first. */
static void make_comb(Graph *g, Arena *arena, u32 count)
{
    graph_init(g, arena, count, 3 * count);
    for (u32 b = 0; b + 1 < count; b++) {
        graph_edge(g, b, b + 1);
        graph_edge(g, b, count - 1);
        if (b > 1) {
            graph_edge(g, b, 1);
        }
    }
}

/* Blocks 1 to n in a chain, and the entry enters it everywhere, from the far end. */
static void make_fan(Graph *g, Arena *arena, u32 count)
{
    graph_init(g, arena, count, 2 * count);
    for (u32 b = 1; b < count; b++) {
        graph_edge(g, 0, count - b);
        if (b + 1 < count) {
            graph_edge(g, b, b + 1);
        }
    }
}

static void check_work(Fixture *x, void (*make)(Graph *g, Arena *arena, u32 count), u32 count)
{
    Graph g;
    Flow flow;
    make(&g, &x->arena, count);
    flow_build(&flow, &x->arena, &g);
    u64 n = (u64)g.num_blocks + g.num_edges;
    assert_true(flow.order.num_blocks > count / 2);
    assert_true(flow.work.steps <= 8 * n + n * ceil_log2(n));
    assert_true(flow.work.steps >= n);
}

static void work_is_near_linear(void **state)
{
    Fixture *x = *state;
    ArenaMark mark = dv_arena_mark(&x->arena);
    for (u32 count = 1000; count <= 200000; count *= 14) {
        check_work(x, make_ladder, count);
        check_work(x, make_chain, count);
        check_work(x, make_comb, count);
        check_work(x, make_fan, count);
        dv_arena_release_to(&x->arena, mark);
    }
}

static void million_block_chain(void **state)
{
    Fixture *x = *state;
    enum { COUNT = 1000000 };
    Graph g;
    Flow flow;
    make_chain(&g, &x->arena, COUNT);
    flow_build(&flow, &x->arena, &g);
    assert_int_equal(flow.tree.num_blocks, COUNT);
    assert_int_equal(flow.tree.idom[COUNT - 1].id, COUNT - 2);
    assert_true(dv_dominates(&flow.tree, (Block){0}, (Block){COUNT - 1}));
    assert_true(dv_dominates(&flow.tree, (Block){COUNT / 2}, (Block){COUNT - 1}));
    assert_false(dv_dominates(&flow.tree, (Block){COUNT - 1}, (Block){COUNT / 2}));
    assert_true(flow.work.steps <= 20 * (u64)COUNT);
}

/* Scratch memory goes back: building again and again from a mark soon takes no new chunks. */
static void memory_is_reused(void **state)
{
    Fixture *x = *state;
    Graph g;
    Flow flow;
    usize used[20];
    make_ladder(&g, &x->arena, 3000);
    ArenaMark mark = dv_arena_mark(&x->arena);
    for (u32 round = 0; round < 20; round++) {
        flow_build(&flow, &x->arena, &g);
        used[round] = x->pool.used_bytes;
        dv_arena_release_to(&x->arena, mark);
    }
    assert_true(used[19] <= 2 * used[0]);
    assert_int_equal(used[19], used[10]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(random_graphs),           UNIT_TEST(all_small_graphs),
        UNIT_TEST(instructions_and_values), UNIT_TEST(work_is_near_linear),
        UNIT_TEST(million_block_chain),     UNIT_TEST(memory_is_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
