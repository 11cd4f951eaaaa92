/* domtree.c - the algorithm of Lengauer and Tarjan, "A fast algorithm for finding dominators in a
 * flowgraph" (1979), in its simple form: path compression without balancing, O(edges log blocks)
 * whatever the graph. (The iterative method of Cooper, Harvey and Kennedy is shorter, but quadratic
 * on ladders, and Semi-NCA is quadratic on graphs made for it.)
 *
 * Everything is in preorder numbers of the depth-first walk. A path from v to w is a semidominator
 * path if all its inner vertices have numbers above w; the semidominator of w is the least v with
 * such a path. Vertices are taken from the last to the second. When w's turn comes, the forest of
 * `ancestor` links holds the vertices above w, each linked to its parent in the walk's tree, and
 * best(v) gives the vertex with the least semidominator on v's path up to its root, root excluded.
 * Then
 *   - semi[w] is the least semi[best(v)] over predecessors v;
 *   - w waits in the bucket of its semidominator s. When the vertices below s are linked (as soon
 * as the child of s on the way to w is done), u = best(w) tells: if semi[u] = s then idom[w] = s,
 * else idom[w] = idom[u], which a last walk in increasing order fills in.
 *
 * Compression makes each vertex on a path point at the root's child; it takes a stack, kept in
 * `path`.
 */
#include "codegen/flow/domtree.h"

#define NONE ORDER_NONE

typedef struct Solver {
    const Cfg *cfg;
    const BlockOrder *order;
    u32 *semi; /* all by preorder number */
    u32 *idom;
    u32 *ancestor; /* NONE: a root */
    u32 *label;    /* least semidominator between here and ancestor */
    u32 *bucket;   /* first of those whose semidominator this is; NONE */
    u32 *next_in_bucket;
    u32 *path;
    Work *work;
} Solver;

/* The vertex with the least semidominator from v up to, not with, the root of v's tree; v if it is
 * a root. */
static u32 find_best(Solver *s, u32 v)
{
    if (s->ancestor[v] == NONE) {
        return v;
    }
    u32 depth = 0;
    u32 x = v;
    while (s->ancestor[s->ancestor[x]] != NONE) {
        s->path[depth++] = x;
        x = s->ancestor[x];
    }
    s->work->steps += 1 + (u64)depth;
    u32 top = s->ancestor[x];
    while (depth > 0) { /* from just below the root's child down to v */
        u32 y = s->path[--depth];
        u32 above = s->label[s->ancestor[y]];
        if (s->semi[above] < s->semi[s->label[y]]) {
            s->label[y] = above;
        }
        s->ancestor[y] = top;
    }
    return s->label[v];
}

static void find_semidominator(Solver *s, u32 w)
{
    Block b = s->order->pre[w];
    for (u32 e = s->cfg->pred_start[b.id]; e < s->cfg->pred_start[b.id + 1]; e++) {
        u32 v = s->order->pre_index[s->cfg->preds[e].from.id];
        s->work->steps++;
        if (v == NONE) {
            continue;
        }
        u32 best = find_best(s, v);
        if (s->semi[best] < s->semi[w]) {
            s->semi[w] = s->semi[best];
        }
    }
}

/* All vertices above parent on the way to those in its bucket are linked now. */
static void empty_bucket(Solver *s, u32 parent)
{
    for (u32 v = s->bucket[parent]; v != NONE; v = s->next_in_bucket[v]) {
        u32 best = find_best(s, v);
        s->idom[v] = s->semi[best] < s->semi[v] ? best : parent;
        s->work->steps++;
    }
    s->bucket[parent] = NONE;
}

static void solve(Solver *s)
{
    u32 count = s->order->num_blocks;
    for (u32 i = 0; i < count; i++) {
        s->semi[i] = i;
        s->label[i] = i;
        s->ancestor[i] = NONE;
        s->bucket[i] = NONE;
    }
    for (u32 w = count - 1; w > 0; w--) {
        find_semidominator(s, w);
        s->next_in_bucket[w] = s->bucket[s->semi[w]];
        s->bucket[s->semi[w]] = w;
        u32 parent = s->order->parent[w];
        s->ancestor[w] = parent;
        empty_bucket(s, parent);
    }
    for (u32 w = 1; w < count; w++) {
        if (s->idom[w] != s->semi[w]) {
            s->idom[w] = s->idom[s->idom[w]];
        }
    }
    s->work->steps += 2 * (u64)count;
}

/* Numbers the tree. Children of a block get intervals that lie side by side in its own, so sizes of
 * subtrees (summed bottom up) and a running start in each parent (given out top down) are enough:
 * no walk, no stack. Reverse postorder puts dominators before what they dominate. */
static void number_tree(DomTree *tree, const Solver *s, u32 *size, u32 *next)
{
    const BlockOrder *order = s->order;
    u32 count = order->num_blocks;
    for (u32 i = count; i-- > 0;) {
        u32 w = order->pre_index[order->rpo[i].id];
        size[w]++;
        if (w != 0) {
            size[s->idom[w]] += size[w];
        }
    }
    for (u32 i = 0; i < count; i++) {
        Block b = order->rpo[i];
        u32 w = order->pre_index[b.id];
        u32 at = 0;
        if (w != 0) {
            at = next[s->idom[w]];
            next[s->idom[w]] += size[w];
            tree->idom[b.id] = order->pre[s->idom[w]];
        }
        tree->enter[b.id] = at;
        tree->leave[b.id] = at + size[w] - 1;
        tree->preorder[at] = b;
        next[w] = at + 1;
    }
    s->work->steps += 2 * (u64)count;
}

void dv_domtree_build(DomTree *tree, Arena *arena, const Func *f, const Cfg *cfg,
                      const BlockOrder *order, Work *work)
{
    u32 all = cfg->num_blocks;
    u32 count = order->num_blocks;
    tree->num_blocks = count;
    tree->idom = ARENA_ARRAY(arena, Block, all);
    tree->enter = ARENA_ARRAY(arena, u32, all);
    tree->leave = ARENA_ARRAY(arena, u32, all);
    tree->preorder = ARENA_ARRAY(arena, Block, count);
    tree->inst_seq = dv_order_number_insts(arena, f, work);
    for (u32 i = 0; i < all; i++) {
        tree->idom[i] = BLOCK_NONE;
        tree->enter[i] = NONE;
    }
    if (count == 0) {
        return;
    }
    ArenaMark mark = dv_arena_mark(arena);
    u32 *memory = ARENA_ARRAY(arena, u32, (usize)count * 7);
    Solver s = {cfg,
                order,
                memory,
                memory + count,
                memory + (usize)count * 2,
                memory + (usize)count * 3,
                memory + (usize)count * 4,
                memory + (usize)count * 5,
                memory + (usize)count * 6,
                work};
    solve(&s);
    u32 *size = memset(s.label, 0, count * sizeof *size); /* what solve is done with */
    number_tree(tree, &s, size, s.bucket);
    dv_arena_release_to(arena, mark);
}

bool dv_inst_dominates(const DomTree *tree, const Func *f, Inst a, Inst b)
{
    Block block_a = dv_inst_block(f, a);
    Block block_b = dv_inst_block(f, b);
    if (block_a.id == block_b.id) {
        return tree->inst_seq[a.id] < tree->inst_seq[b.id];
    }
    return dv_dominates(tree, block_a, block_b);
}

bool dv_value_dominates(const DomTree *tree, const Func *f, Value v, Inst use)
{
    const ValueData *data = &vec_at(&f->values, v.id);
    if (data->kind == VALUE_PARAM) {
        return dv_dominates(tree, (Block){data->def}, dv_inst_block(f, use));
    }
    return dv_inst_dominates(tree, f, (Inst){data->def}, use);
}
