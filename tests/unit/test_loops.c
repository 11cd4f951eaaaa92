/* test_loops.c - the loop forest against its definition (strongly connected regions, less the edges
 * into their headers, again and again) and against natural loops; deep nests in near-linear time.
 */
#include "flow_testing.h"

enum { MAX = 14 };

/* The definition, on graphs so small that everything may be tried. */
typedef struct Model {
    const Flow *flow;
    bool edge[MAX][MAX];
    u32 num_blocks;
    u32 num_loops;
} Model;

/* Marks what can be reached from `from` by one edge or more, within `region`, without edges into
 * `header`. */
static void reach(const Model *m, u32 from, const bool *region, u32 header, bool *reached)
{
    u32 stack[MAX * MAX];
    u32 depth = 0;
    memset(reached, 0, MAX * sizeof *reached);
    stack[depth++] = from;
    while (depth > 0) {
        u32 at = stack[--depth];
        for (u32 to = 0; to < m->num_blocks; to++) {
            if (m->edge[at][to] && region[to] && to != header && !reached[to]) {
                reached[to] = true;
                stack[depth++] = to;
            }
        }
    }
}

static u32 header_of(const Model *m, const bool *members)
{
    u32 header = ENTITY_NONE;
    for (u32 b = 0; b < m->num_blocks; b++) {
        const u32 *pre = m->flow->order.pre_index;
        if (members[b] && (header == ENTITY_NONE || pre[b] < pre[header])) {
            header = b;
        }
    }
    return header;
}

static void check_loop(Model *m, const bool *members, u32 parent_header, u32 depth)
{
    const Loops *loops = &m->flow->loops;
    u32 header = header_of(m, members);
    u32 size = 0;
    bool reducible = true;
    u32 l = LOOP_NONE;
    for (u32 n = 0; n < loops->num_loops; n++) {
        l = loops->loops[n].header.id == header ? n : l;
    }
    assert_true(l != LOOP_NONE);
    const Loop *loop = &loops->loops[l];
    for (u32 b = 0; b < m->num_blocks; b++) {
        size += members[b];
        reducible &= !members[b] || dv_dominates(&m->flow->tree, (Block){header}, (Block){b});
        assert_int_equal(dv_loop_contains(loops, l, (Block){b}), members[b]);
    }
    assert_int_equal(loop->num_blocks, size);
    assert_int_equal(loop->depth, depth);
    assert_int_equal(loop->irreducible, !reducible);
    assert_int_equal(loop->parent == LOOP_NONE ? ENTITY_NONE : loops->loops[loop->parent].header.id,
                     parent_header);
    assert_true(loop->parent == LOOP_NONE || loop->parent < l);
    m->num_loops++;
}

/* Recursion goes as deep as loops nest: 14 blocks at most. */
static void check_region(Model *m, const bool *region, u32 header, u32 depth)
{
    bool done[MAX] = {false};
    for (u32 b = 0; b < m->num_blocks; b++) {
        bool forth[MAX], back[MAX], members[MAX] = {false};
        if (!region[b] || done[b] || b == header) {
            continue;
        }
        reach(m, b, region, header, forth);
        if (!forth[b]) {
            continue; /* in no cycle */
        }
        for (u32 c = 0; c < m->num_blocks; c++) {
            if (forth[c]) {
                reach(m, c, region, header, back);
                members[c] = back[b];
                done[c] |= members[c];
            }
        }
        check_loop(m, members, header, depth);
        check_region(m, members, header_of(m, members), depth + 1);
    }
}

/* A loop that is not irreducible is the natural loop of its header: what reaches an edge back
 * without passing the header. */
static void check_natural(const Model *m)
{
    const Flow *flow = m->flow;
    for (u32 l = 0; l < flow->loops.num_loops; l++) {
        u32 header = flow->loops.loops[l].header.id;
        if (flow->loops.loops[l].irreducible) {
            continue;
        }
        bool natural[MAX] = {false};
        natural[header] = true;
        for (bool changed = true; changed;) {
            changed = false;
            for (u32 a = 0; a < m->num_blocks; a++) {
                for (u32 b = 0; b < m->num_blocks; b++) {
                    bool leads_in = b == header
                                        ? dv_dominates(&flow->tree, (Block){header}, (Block){a})
                                        : natural[b];
                    if (m->edge[a][b] && leads_in && !natural[a] &&
                        dv_order_is_reachable(&flow->order, (Block){a})) {
                        natural[a] = changed = true;
                    }
                }
            }
        }
        for (u32 b = 0; b < m->num_blocks; b++) {
            assert_int_equal(natural[b], dv_loop_contains(&flow->loops, l, (Block){b}));
        }
    }
}

static void check_forest(const Flow *flow, const Graph *g)
{
    Model m = {.flow = flow, .num_blocks = g->num_blocks};
    bool region[MAX] = {false};
    for (u32 e = 0; e < g->num_edges; e++) {
        m.edge[g->edges[e][0]][g->edges[e][1]] = true;
    }
    for (u32 b = 0; b < g->num_blocks; b++) {
        region[b] = dv_order_is_reachable(&flow->order, (Block){b});
        assert_true(region[b] || flow->loops.innermost[b] == LOOP_NONE);
    }
    check_region(&m, region, ENTITY_NONE, 1);
    assert_int_equal(m.num_loops, flow->loops.num_loops);
    check_natural(&m);
}

static void random_graphs(void **state)
{
    Fixture *x = *state;
    Rng rng;
    dv_rng_seed(&rng, 3);
    ArenaMark mark = dv_arena_mark(&x->arena);
    u32 irreducible = 0, nested = 0;
    for (u32 round = 0; round < 20000; round++) {
        Graph g;
        Flow flow;
        random_graph(&g, &x->arena, &rng, MAX);
        flow_build(&flow, &x->arena, &g);
        check_forest(&flow, &g);
        for (u32 l = 0; l < flow.loops.num_loops; l++) {
            irreducible += flow.loops.loops[l].irreducible;
            nested += flow.loops.loops[l].depth > 2;
        }
        dv_arena_release_to(&x->arena, mark);
    }
    assert_true(irreducible > 1000 && nested > 1000);
}

static void all_small_graphs(void **state)
{
    Fixture *x = *state;
    ArenaMark mark = dv_arena_mark(&x->arena);
    for (u32 bits = 0; bits < 65536; bits += 3) {
        Graph g;
        Flow flow;
        graph_init(&g, &x->arena, 4, 16);
        for (u32 e = 0; e < 16; e++) {
            if ((bits >> e & 1) != 0) {
                graph_edge(&g, e / 4, e % 4);
            }
        }
        flow_build(&flow, &x->arena, &g);
        check_forest(&flow, &g);
        dv_arena_release_to(&x->arena, mark);
    }
}

static void loops_by_hand(void **state)
{
    Fixture *x = *state;
    Graph g;
    Flow flow;
    graph_init(&g, &x->arena, 8, 16);
    graph_edge(&g, 0, 1); /* 1..3: a loop around the self loop of 2 */
    graph_edge(&g, 1, 2);
    graph_edge(&g, 2, 2);
    graph_edge(&g, 2, 3);
    graph_edge(&g, 3, 1);
    graph_edge(&g, 3, 4); /* 5, 6: entered at both */
    graph_edge(&g, 4, 5);
    graph_edge(&g, 4, 6);
    graph_edge(&g, 5, 6);
    graph_edge(&g, 6, 5);
    graph_edge(&g, 7, 7); /* not reached */
    flow_build(&flow, &x->arena, &g);
    const Loops *loops = &flow.loops;
    static const u32 depths[8] = {0, 1, 2, 1, 0, 1, 1, 0};
    for (u32 b = 0; b < 8; b++) {
        assert_int_equal(dv_loop_depth(loops, (Block){b}), depths[b]);
    }
    assert_int_equal(loops->num_loops, 3);
    const Loop *outer = &loops->loops[loops->innermost[1]];
    assert_int_equal(outer->header.id, 1);
    assert_int_equal(outer->num_blocks, 3);
    assert_false(outer->irreducible);
    assert_int_equal(loops->loops[loops->innermost[2]].parent, loops->innermost[1]);
    assert_true(loops->loops[loops->innermost[5]].irreducible);
    assert_true(dv_loop_contains(loops, loops->innermost[1], (Block){2}));
    assert_false(dv_loop_contains(loops, loops->innermost[2], (Block){1}));
}

/* Headers 1..n, one inside the other, latches on the way out. */
static void make_nest(Graph *g, Arena *arena, u32 depth)
{
    graph_init(g, arena, 2 * depth + 2, 4 * depth + 4);
    for (u32 b = 0; b < 2 * depth + 1; b++) {
        graph_edge(g, b, b + 1);
    }
    for (u32 d = 1; d <= depth; d++) {
        graph_edge(g, 2 * depth + 1 - d, d);
    }
}

/* Cross edges everywhere, between the loops too: the case that made Havlak's algorithm quadratic.
 */
static void make_tangle(Graph *g, Arena *arena, u32 count)
{
    Rng rng;
    dv_rng_seed(&rng, count);
    graph_init(g, arena, count, 4 * count);
    for (u32 b = 0; b + 1 < count; b++) {
        graph_edge(g, b, b + 1);
        graph_edge(g, b, (u32)dv_rng_below(&rng, count));
        graph_edge(g, b, (u32)dv_rng_below(&rng, b + 1));
    }
}

/* A chain of header blocks with, at the end, edges back to all of them, and edges in from the entry
 * to all. */
static void make_many_entries(Graph *g, Arena *arena, u32 count)
{
    graph_init(g, arena, count, 3 * count);
    for (u32 b = 1; b < count; b++) {
        graph_edge(g, 0, b);
        graph_edge(g, b, b == count - 1 ? 1 : b + 1);
        graph_edge(g, count - 1, b);
    }
}

static void check_work(Fixture *x, void (*make)(Graph *g, Arena *arena, u32 count), u32 count,
                       u32 min_loops)
{
    Graph g;
    Flow flow;
    make(&g, &x->arena, count);
    flow_build(&flow, &x->arena, &g);
    u64 n = (u64)g.num_blocks + g.num_edges;
    assert_true(flow.loops.num_loops >= min_loops);
    assert_true(flow.work.steps <= 10 * n + n * ceil_log2(n));
}

static void work_is_near_linear(void **state)
{
    Fixture *x = *state;
    ArenaMark mark = dv_arena_mark(&x->arena);
    for (u32 count = 1000; count <= 200000; count *= 14) {
        check_work(x, make_nest, count, count);
        check_work(x, make_tangle, count, 1);
        check_work(x, make_many_entries, count, 1);
        dv_arena_release_to(&x->arena, mark);
    }
}

static void deep_nest(void **state)
{
    Fixture *x = *state;
    enum { DEPTH = 500000 };
    Graph g;
    Flow flow;
    make_nest(&g, &x->arena, DEPTH);
    flow_build(&flow, &x->arena, &g);
    assert_int_equal(flow.loops.num_loops, DEPTH);
    assert_int_equal(dv_loop_depth(&flow.loops, (Block){DEPTH}), DEPTH);
    assert_int_equal(dv_loop_depth(&flow.loops, (Block){1}), 1);
    assert_int_equal(flow.loops.loops[0].num_blocks, 2 * DEPTH);
    assert_int_equal(flow.loops.loops[0].last, DEPTH - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(random_graphs),       UNIT_TEST(all_small_graphs), UNIT_TEST(loops_by_hand),
        UNIT_TEST(work_is_near_linear), UNIT_TEST(deep_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
