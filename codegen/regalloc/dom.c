/* dom.c - dominators by semi-dominators, and iterated dominance frontiers.
 *
 * The tree: Semi-NCA (Georgiadis, "Linear-Time Algorithms for Dominators and Related Problems", 2005): semi-dominators with
 * path compression in reverse order of a depth-first search, then each block's immediate dominator is its nearest
 * ancestor in the tree so far whose number is not above its semi-dominator's.
 *
 * Frontiers: Sreedhar and Gao, "A Linear Time Algorithm for Placing Phi-Nodes" (1995). The deepest block not yet done is
 * taken first; the part of the dominator tree below it is searched for edges off the tree that end at its
 * level or above. A block is searched once per query. What keeps queries in large functions short: subtrees without such an edge
 * are not entered (`low`), chains of blocks where nothing happens are skipped (`hop`), and so is what lies in blocks where the caller does not
 * need what is set: on the way from a block that sets it to one that needs it, all blocks need it.
 */
#include "codegen/regalloc/dom.h"

/* ---- the tree ---- */

typedef struct Search {
    const RaFunc *f;
    Arena *arena;
    u32 *number; /* by block: in order of the depth-first search, from 1; 0: not reached */
    u32 *block;  /* by number */
    u32 *parent; /* by number, all of them numbers from here on */
    u32 *semi;
    u32 *label;    /* the one of smallest semi on the path to the ancestor */
    u32 *ancestor; /* 0: a root of the forest */
    u32 *idom;
    u32 *path; /* for compress */
    u32 count;
} Search;

/* Numbers what can be reached from block 0. */
static void number_blocks(Search *s)
{
    const RaFunc *f = s->f;
    u32 *next = ARENA_ARRAY(s->arena, u32, f->num_blocks);
    u32 *stack = ARENA_ARRAY(s->arena, u32, f->num_blocks);
    u32 depth = 0;
    stack[depth++] = 0;
    s->number[0] = ++s->count;
    s->block[1] = 0;
    while (depth > 0) {
        u32 b = stack[depth - 1];
        const RaBlock *block = &f->blocks[b];
        if (next[b] == block->num_succs) {
            depth--;
            continue;
        }
        u32 to = f->succs[block->succs + next[b]++];
        if (s->number[to] == 0) {
            s->number[to] = ++s->count;
            s->block[s->count] = to;
            s->parent[s->count] = s->number[b];
            stack[depth++] = to;
        }
    }
}

/* The one of smallest semi-dominator between v and the root of its tree, which is excluded. */
static u32 evaluate(Search *s, u32 v)
{
    u32 length = 0;
    if (s->ancestor[v] == 0) {
        return v;
    }
    for (u32 u = v; s->ancestor[s->ancestor[u]] != 0; u = s->ancestor[u]) {
        s->path[length++] = u;
    }
    while (length > 0) {
        u32 u = s->path[--length];
        u32 above = s->ancestor[u];
        if (s->semi[s->label[above]] < s->semi[s->label[u]]) {
            s->label[u] = s->label[above];
        }
        s->ancestor[u] = s->ancestor[above];
    }
    return s->label[v];
}

static void find_dominators(Search *s)
{
    const RaFunc *f = s->f;
    for (u32 v = 1; v <= s->count; v++) {
        s->semi[v] = v;
        s->label[v] = v;
    }
    for (u32 v = s->count; v > 1; v--) {
        const RaBlock *block = &f->blocks[s->block[v]];
        for (u32 i = 0; i < block->num_preds; i++) {
            u32 pred = s->number[f->preds[block->preds + i]];
            if (pred == 0) {
                continue;
            }
            u32 semi = s->semi[evaluate(s, pred)];
            s->semi[v] = semi < s->semi[v] ? semi : s->semi[v];
        }
        s->ancestor[v] = s->parent[v];
    }
    s->idom[1] = 1;
    for (u32 v = 2; v <= s->count; v++) {
        u32 u = s->parent[v];
        while (u > s->semi[v]) {
            u = s->idom[u];
        }
        s->idom[v] = u;
    }
}

/* Numbers the tree, parents first, and fills levels and lists of children. */
static void number_tree(RaDom *dom, const RaFunc *f, const Search *s, Arena *arena)
{
    for (u32 v = 2; v <= s->count; v++) {
        u32 up = s->block[s->idom[v]];
        dom->idom[s->block[v]] = up;
        dom->level[s->block[v]] = dom->level[up] + 1;
        dom->first_child[up + 1]++;
    }
    for (u32 b = 0; b < f->num_blocks; b++) {
        dom->first_child[b + 1] += dom->first_child[b];
    }
    u32 *fill = ARENA_ARRAY(arena, u32, f->num_blocks);
    for (u32 v = 2; v <= s->count; v++) {
        u32 up = s->block[s->idom[v]];
        dom->children[dom->first_child[up] + fill[up]++] = s->block[v];
    }
    u32 *stack = ARENA_ARRAY(arena, u32, f->num_blocks);
    u32 depth = 0;
    stack[depth++] = 0;
    while (depth > 0) {
        u32 b = stack[--depth];
        dom->order[dom->num_reached++] = b;
        dom->pre[b] = dom->num_reached;
        for (u32 i = dom->first_child[b]; i < dom->first_child[b + 1]; i++) {
            stack[depth++] = dom->children[i];
        }
    }
}

/* What the search for frontiers uses, children before parents. */
static void summarise(RaDom *dom, const RaFunc *f)
{
    for (u32 i = dom->num_reached; i-- > 0;) {
        u32 b = dom->order[i];
        const RaBlock *block = &f->blocks[b];
        u32 low = UINT32_MAX;
        for (u32 k = 0; k < block->num_succs; k++) {
            u32 to = f->succs[block->succs + k];
            if (to == 0 || dom->idom[to] != b) {
                low = dom->level[to] < low ? dom->level[to] : low;
            }
        }
        u32 first = dom->first_child[b];
        u32 count = dom->first_child[b + 1] - first;
        dom->hop[b] = low == UINT32_MAX && count == 1 ? dom->hop[dom->children[first]] : b;
        dom->last[b] = dom->pre[b];
        for (u32 k = 0; k < count; k++) {
            u32 child = dom->children[first + k];
            low = dom->low[child] < low ? dom->low[child] : low;
            dom->last[b] = dom->last[child] > dom->last[b] ? dom->last[child] : dom->last[b];
        }
        dom->low[b] = low;
    }
}

void dv_dom_build(RaDom *dom, const RaFunc *f, Arena *arena)
{
    usize n = (usize)f->num_blocks + 1;
    *dom = (RaDom){0};
    u32 **arrays[] = {&dom->idom, &dom->pre, &dom->last,     &dom->order,      &dom->level,
                      &dom->low,  &dom->hop, &dom->children, &dom->first_child};
    for (u32 i = 0; i < ARRAY_LEN(arrays); i++) {
        *arrays[i] = ARENA_ARRAY(arena, u32, n);
    }
    Search s = {0};
    s.f = f;
    s.arena = arena;
    u32 **scratch[] = {&s.number, &s.block,    &s.parent, &s.semi,
                       &s.label,  &s.ancestor, &s.idom,   &s.path};
    for (u32 i = 0; i < ARRAY_LEN(scratch); i++) {
        *scratch[i] = ARENA_ARRAY(arena, u32, n);
    }
    number_blocks(&s);
    find_dominators(&s);
    number_tree(dom, f, &s, arena);
    summarise(dom, f);
}

/* ---- frontiers ---- */

void dv_frontier_init(RaFrontier *frontier, const RaFunc *f, const RaDom *dom, Arena *arena)
{
    *frontier = (RaFrontier){0};
    frontier->f = f;
    frontier->dom = dom;
    frontier->arena = arena;
    frontier->in_result = ARENA_ARRAY(arena, u32, f->num_blocks);
    frontier->visited = ARENA_ARRAY(arena, u32, f->num_blocks);
    frontier->max_steps = UINT64_MAX;
    frontier->is_source = ARENA_ARRAY(arena, u32, f->num_blocks);
}

static void heap_push(RaFrontier *fr, u32 block)
{
    const u32 *level = fr->dom->level;
    vec_push(fr->arena, &fr->heap, block);
    u32 i = fr->heap.len - 1;
    while (i > 0 && level[fr->heap.data[(i - 1) / 2]] < level[block]) {
        fr->heap.data[i] = fr->heap.data[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    fr->heap.data[i] = block;
}

static u32 heap_pop(RaFrontier *fr)
{
    const u32 *level = fr->dom->level;
    u32 top = fr->heap.data[0];
    u32 moved = vec_pop(&fr->heap);
    u32 n = fr->heap.len;
    u32 i = 0;
    while (n > 0) {
        u32 child = 2 * i + 1;
        if (child + 1 < n && level[fr->heap.data[child + 1]] > level[fr->heap.data[child]]) {
            child++;
        }
        if (child >= n || level[fr->heap.data[child]] <= level[moved]) {
            fr->heap.data[i] = moved;
            break;
        }
        fr->heap.data[i] = fr->heap.data[child];
        i = child;
    }
    return top;
}

static bool is_live(const RaFrontier *fr, u32 block)
{
    return fr->live == NULL || fr->live[block] == fr->live_query;
}

static void visit(RaFrontier *fr, u32 block, bool is_root)
{
    u32 b = fr->dom->hop[block];
    fr->steps++;
    if (fr->visited[b] != fr->query && ((is_root && b == block) || is_live(fr, b))) {
        fr->visited[b] = fr->query;
        vec_push(fr->arena, &fr->stack, b);
    }
}

/* Searches below one block for edges that end at its level or above. */
static void search_below(RaFrontier *fr, u32 root)
{
    const RaDom *dom = fr->dom;
    const RaFunc *f = fr->f;
    u32 level = dom->level[root];
    visit(fr, root, true);
    while (fr->stack.len > 0 && fr->steps <= fr->max_steps) {
        u32 b = vec_pop(&fr->stack);
        const RaBlock *block = &f->blocks[b];
        for (u32 i = 0; i < block->num_succs; i++) {
            u32 to = f->succs[block->succs + i];
            fr->steps++;
            if ((to != 0 && dom->idom[to] == b) || dom->level[to] > level ||
                fr->in_result[to] == fr->query || !is_live(fr, to)) {
                continue;
            }
            fr->in_result[to] = fr->query;
            vec_push(fr->arena, &fr->result, to);
            if (fr->is_source[to] != fr->query) {
                fr->is_source[to] = fr->query;
                heap_push(fr, to);
            }
        }
        for (u32 i = dom->first_child[b]; i < dom->first_child[b + 1]; i++) {
            if (dom->low[dom->children[i]] <= level) {
                visit(fr, dom->children[i], false);
            }
        }
    }
}

bool dv_frontier_find(RaFrontier *frontier, const u32 *blocks, u32 count)
{
    frontier->query++;
    frontier->steps = 0;
    vec_clear(&frontier->result);
    vec_clear(&frontier->heap);
    vec_clear(&frontier->stack);
    for (u32 i = 0; i < count; i++) {
        if (frontier->is_source[blocks[i]] != frontier->query) {
            frontier->is_source[blocks[i]] = frontier->query;
            heap_push(frontier, blocks[i]);
        }
    }
    while (frontier->heap.len > 0 && frontier->steps <= frontier->max_steps) {
        u32 block = heap_pop(frontier);
        frontier->steps++;
        if (frontier->dom->low[block] <= frontier->dom->level[block]) {
            search_below(frontier, block);
        }
    }
    return frontier->steps <= frontier->max_steps;
}
