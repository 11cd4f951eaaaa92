/* loops.c - finds the loop forest: Tarjan's interval finding as extended to irreducible graphs by
 * Havlak ("Nesting of reducible and irreducible loops", 1997) and made almost linear by Ramalingam
 * ("Identifying loops in almost linear time", 1999).
 *
 * Everything is in preorder numbers of the depth-first walk. Each block x, from the last to the
 * first, is tried as a header: the edges back to x from below it in the tree start a search against
 * the edges, which stays below x and finds x's loop. The blocks found are merged into x
 * (union-find), so that a loop is searched once and then counts as its header. What remains of x's
 * predecessors afterwards leads out of the loop.
 *
 * Which edges the search follows: the tree edge into a block, and cross edges (to a block that was
 * finished before). Following a cross edge from outside x's subtree would leave it; so each waits
 * at the nearest common ancestor of its ends and is handed to the (merged) block it leads to when
 * that ancestor's turn comes. Forward edges say nothing that the tree path beside them does not.
 *
 * The nearest common ancestor for a cross edge from y to z (z < y) is the nearest ancestor of y
 * with a number not above z: a second union-find, in which all blocks above z are merged into their
 * parents when z's turn comes, gives it. Both forests use path halving without ranks: O(log n)
 * amortised.
 */
#include "codegen/flow/loops.h"

#define NONE ORDER_NONE

typedef struct CrossEdge {
    u32 from, to;
    u32 next; /* in the list of an ancestor, then of a block */
} CrossEdge;

typedef struct Finder {
    const Cfg *cfg;
    const BlockOrder *order;
    const DomTree *tree;
    CrossEdge *edges;
    u32 *waiting; /* by ancestor: first edge that waits there; NONE */
    u32 *merged;  /* union-find: the block this one counts as */
    u32 *around;  /* header of the smallest loop around it, itself excluded; NONE */
    u32 *handed;  /* by block: first cross edge into what it stands for; NONE */
    u32 *worklist;
    bool *is_header;
    bool *irreducible;
    u32 num_loops;
    Work *work;
} Finder;

static u32 find_root(u32 *parents, u32 x, Work *work)
{
    while (parents[x] != x) {
        parents[x] = parents[parents[x]];
        x = parents[x];
        work->steps++;
    }
    return x;
}

/* Puts every cross edge on the list of the nearest common ancestor of its ends. `merged` serves as
 * the second union-find and is left to be set up anew. */
static void place_cross_edges(Finder *s)
{
    const BlockOrder *order = s->order;
    u32 count = order->num_blocks;
    u32 used = 0;
    for (u32 i = 0; i < count; i++) {
        s->waiting[i] = NONE;
        s->merged[i] = i;
    }
    for (u32 z = count; z-- > 0;) {
        Block b = order->pre[z];
        for (u32 e = s->cfg->pred_start[b.id]; e < s->cfg->pred_start[b.id + 1]; e++) {
            u32 y = order->pre_index[s->cfg->preds[e].from.id];
            s->work->steps++;
            if (y == NONE || y <= order->last[z]) {
                continue;
            }
            u32 ancestor = find_root(s->merged, y, s->work);
            s->edges[used] = (CrossEdge){y, z, s->waiting[ancestor]};
            s->waiting[ancestor] = used++;
        }
        s->merged[z] = order->parent[z];
    }
}

static void hand_out_edges(Finder *s, u32 x)
{
    for (u32 e = s->waiting[x]; e != NONE;) {
        u32 next = s->edges[e].next;
        u32 to = find_root(s->merged, s->edges[e].to, s->work);
        s->edges[e].next = s->handed[to];
        s->handed[to] = e;
        s->work->steps++;
        e = next;
    }
}

/* Makes what y counts as part of x's loop; it is searched later. */
static void add_to_loop(Finder *s, u32 x, u32 y, u32 *worklist_len)
{
    u32 root = find_root(s->merged, y, s->work);
    s->work->steps++;
    if (root == x) {
        return;
    }
    s->merged[root] = x;
    s->around[root] = x;
    if (!dv_dominates(s->tree, s->order->pre[x], s->order->pre[root])) {
        s->irreducible[x] = true;
    }
    s->worklist[(*worklist_len)++] = root;
}

static void find_loop(Finder *s, u32 x)
{
    const BlockOrder *order = s->order;
    Block b = order->pre[x];
    u32 len = 0;
    for (u32 e = s->cfg->pred_start[b.id]; e < s->cfg->pred_start[b.id + 1]; e++) {
        u32 y = order->pre_index[s->cfg->preds[e].from.id];
        if (y != NONE && x <= y && y <= order->last[x]) {
            s->is_header[x] = true;
            add_to_loop(s, x, y, &len);
        }
    }
    while (len > 0) {
        u32 y = s->worklist[--len];
        add_to_loop(s, x, order->parent[y], &len);
        for (u32 e = s->handed[y]; e != NONE; e = s->edges[e].next) {
            add_to_loop(s, x, s->edges[e].from, &len);
        }
    }
    s->num_loops += s->is_header[x];
}

static void find_all(Finder *s)
{
    u32 count = s->order->num_blocks;
    for (u32 i = 0; i < count; i++) {
        s->merged[i] = i;
        s->around[i] = NONE;
        s->handed[i] = NONE;
    }
    for (u32 x = count; x-- > 0;) {
        hand_out_edges(s, x);
        find_loop(s, x);
    }
    s->work->steps += count;
}

/* Gives loops their numbers: loops inside one another get numbers side by side, by the sizes of
 * their nests (bottom up) and a running start in each (top down). Headers of outer loops have lower
 * preorder numbers. */
static void number_loops(Loops *loops, const Finder *s, u32 *size, u32 *next, u32 *number)
{
    u32 count = s->order->num_blocks;
    memset(size, 0, count * sizeof *size);
    for (u32 x = count; x-- > 0;) {
        size[x] += s->is_header[x];
        if (s->around[x] != NONE) {
            size[s->around[x]] += size[x];
        }
    }
    u32 next_top = 0;
    for (u32 x = 0; x < count; x++) {
        u32 around = s->around[x];
        Block b = s->order->pre[x];
        if (s->is_header[x]) {
            u32 *start = around == NONE ? &next_top : &next[around];
            u32 parent = around == NONE ? LOOP_NONE : number[around];
            u32 depth = around == NONE ? 1 : loops->loops[parent].depth + 1;
            number[x] = *start;
            *start += size[x];
            next[x] = number[x] + 1;
            loops->loops[number[x]] =
                (Loop){b, parent, number[x] + size[x] - 1, depth, 0, s->irreducible[x]};
        }
        u32 header = s->is_header[x] ? x : around;
        loops->innermost[b.id] = header == NONE ? LOOP_NONE : number[header];
    }
}

static void count_blocks(Loops *loops, const BlockOrder *order)
{
    for (u32 i = 0; i < order->num_blocks; i++) {
        u32 loop = loops->innermost[order->pre[i].id];
        if (loop != LOOP_NONE) {
            loops->loops[loop].num_blocks++;
        }
    }
    for (u32 i = loops->num_loops; i-- > 0;) {
        if (loops->loops[i].parent != LOOP_NONE) {
            loops->loops[loops->loops[i].parent].num_blocks += loops->loops[i].num_blocks;
        }
    }
}

void dv_loops_build(Loops *loops, Arena *arena, const Cfg *cfg, const BlockOrder *order,
                    const DomTree *tree, Work *work)
{
    u32 count = order->num_blocks;
    loops->num_loops = 0;
    loops->innermost = ARENA_ARRAY(arena, u32, cfg->num_blocks);
    memset(loops->innermost, 0xff, cfg->num_blocks * sizeof(u32)); /* LOOP_NONE */
    loops->loops = ARENA_ARRAY(arena, Loop, count);
    ArenaMark mark = dv_arena_mark(arena);
    u32 *memory = ARENA_ARRAY(arena, u32, (usize)count * 5);
    Finder s = {cfg,
                order,
                tree,
                ARENA_ARRAY(arena, CrossEdge, cfg->num_edges),
                memory,
                memory + count,
                memory + (usize)count * 2,
                memory + (usize)count * 3,
                memory + (usize)count * 4,
                ARENA_ARRAY(arena, bool, count),
                ARENA_ARRAY(arena, bool, count),
                0,
                work};
    place_cross_edges(&s);
    find_all(&s);
    loops->num_loops = s.num_loops;
    number_loops(loops, &s, s.waiting, s.handed, s.merged); /* which find_all is done with */
    count_blocks(loops, order);
    dv_arena_release_to(arena, mark);
}
