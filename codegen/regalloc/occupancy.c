/* occupancy.c - what each register is taken by, and when.
 *
 * Three things take a register. Operands fixed to it reserve it for a tick or half of one: known from the start, an
 * array by time per register. Clobbers take all registers of a set at a late point: an array of ticks per set. Both are
 * searched by halving. Bundles come and go: they lie in a B+-tree per register.
 *
 * A reservation does not stand in the way of its own vreg: a value that is passed in a register may as well live there.
 * A clobber does not stand in the way of what its instruction defines.
 *
 * Trees: the leaves are linked both ways. A separator is a lower bound of what is to its right, not necessarily there any more.
 * Nodes are not joined when they shrink, only dropped when empty; what is appended at the far end fills leaves completely.
 */
#include "main.h"

enum { LEAF_SPANS = 20, INNER_KIDS = 20 };

struct SpanNode {
    u32 len;
    SpanNode *prev, *next; /* of leaves; next also links free nodes */
    union {
        Span spans[LEAF_SPANS];
        struct {
            u32 keys[INNER_KIDS]; /* lower bounds; the first is not looked at */
            SpanNode *kids[INNER_KIDS];
        } inner;
    } u;
};

enum { HEIGHT_MAX = 32 };

typedef struct SpanPath {
    SpanNode *nodes[HEIGHT_MAX]; /* from the root to the leaf */
    u32 places[HEIGHT_MAX];
} SpanPath;

/* ---- what never changes ---- */

static FixedRange fixed_range(const RaOperand *op, u32 tick)
{
    bool is_late = (op->flags & RA_LATE) != 0;
    bool is_def = (op->flags & RA_DEF) != 0;
    u32 from = 2 * tick + (is_def && is_late ? 1 : 0);
    u32 to = 2 * tick + (is_def || is_late ? 2 : 1);
    return (FixedRange){from, to, op->vreg.id};
}

/* Appends to what the register has; ends[] is where that ends. */
static void add_fixed(Ra *ra, u32 *ends, const RaOperand *op, u32 tick)
{
    FixedRange range = fixed_range(op, tick);
    u32 first = ra->fixed_starts[op->arg];
    u32 at = ends[op->arg];
    for (u32 i = at; i > first && ra->fixed[i - 1].to > 2 * tick; i--) {
        FixedRange *other = &ra->fixed[i - 1];
        if (other->vreg == range.vreg && other->from < range.to && range.from < other->to) {
            other->from = other->from < range.from ? other->from : range.from;
            other->to = other->to > range.to ? other->to : range.to;
            return;
        }
    }
    for (; at > first && ra->fixed[at - 1].from > range.from; at--) {
        ra->fixed[at] = ra->fixed[at - 1];
    }
    ra->fixed[at] = range;
    ends[op->arg]++;
}

static void collect_fixed(Ra *ra)
{
    const RaFunc *f = ra->f;
    u32 *ends = ARENA_ARRAY(ra->arena, u32, RA_PREGS);
    u32 total = 0;
    for (u32 k = 0; k < f->num_operands; k++) {
        if (f->operands[k].constraint == RA_FIXED) {
            ends[f->operands[k].arg]++;
            total++;
        }
    }
    ra->fixed = ARENA_ARRAY(ra->arena, FixedRange, total);
    total = 0;
    for (u32 r = 0; r < RA_PREGS; r++) {
        ra->fixed_starts[r] = total;
        total += ends[r];
        ends[r] = ra->fixed_starts[r];
    }
    ra->fixed_starts[RA_PREGS] = total;
    for (u32 b = 0; b < f->num_blocks; b++) {
        u32 tick = ra->block_ticks[b];
        for (u32 i = f->blocks[b].first; i < f->blocks[b].end; i++) {
            const RaInst *inst = &f->insts[i];
            tick++;
            for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
                if (f->operands[k].constraint == RA_FIXED) {
                    add_fixed(ra, ends, &f->operands[k], tick);
                }
            }
        }
    }
    for (u32 r = 0; r < RA_PREGS; r++) { /* what was joined leaves room: unreachable ends */
        for (u32 i = ends[r]; i < ra->fixed_starts[r + 1]; i++) {
            ra->fixed[i] = (FixedRange){RA_NONE, RA_NONE, RA_NONE};
        }
    }
}

static void collect_clobbers(Ra *ra)
{
    const RaFunc *f = ra->f;
    u32 total = 0;
    ra->clobber_starts = ARENA_ARRAY(ra->arena, u32, (usize)f->num_clobbers + 2);
    for (u32 i = 0; i < f->num_insts; i++) {
        if (f->insts[i].clobbers != 0) {
            ra->clobber_starts[f->insts[i].clobbers + 1]++;
            total++;
        }
    }
    ra->clobber_ticks = ARENA_ARRAY(ra->arena, u32, total);
    u32 *ends = ARENA_ARRAY(ra->arena, u32, (usize)f->num_clobbers + 1);
    for (u32 c = 0; c <= f->num_clobbers; c++) {
        ra->clobber_starts[c + 1] += ra->clobber_starts[c];
        ends[c] = ra->clobber_starts[c];
    }
    for (u32 t = 0; t < ra->num_ticks; t++) {
        if (!ra_is_block_start(ra, t)) {
            u32 set = f->insts[ra_inst_of_tick(ra, t)].clobbers;
            if (set != 0) {
                ra->clobber_ticks[ends[set]++] = t;
            }
        }
    }
}

void dv_ra_occupancy_init(Ra *ra)
{
    collect_fixed(ra);
    collect_clobbers(ra);
    ra->stats.steps += ra->f->num_operands + ra->num_ticks;
}

static u32 denied_by_fixed(Ra *ra, u32 preg, const LiveRange *range)
{
    u32 low = ra->fixed_starts[preg];
    u32 end = ra->fixed_starts[preg + 1];
    u32 high = end;
    while (low < high) { /* the first that ends after the range begins */
        u32 middle = low + (high - low) / 2;
        ra->stats.steps++;
        if (ra->fixed[middle].to <= range->from) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < end && ra->fixed[low].from < range->to; low++) {
        ra->stats.steps++;
        if (ra->fixed[low].vreg != range->vreg) {
            return ra->fixed[low].from > range->from ? ra->fixed[low].from : range->from;
        }
    }
    return RA_NONE;
}

static u32 denied_by_clobber(Ra *ra, u32 set, const LiveRange *range)
{
    u32 low = ra->clobber_starts[set];
    u32 end = ra->clobber_starts[set + 1];
    u32 high = end;
    u32 tick = range->from / 2;
    /* What the instruction defines is not clobbered by it. */
    tick += ra->vregs[range->vreg].def_tick == tick ? 1 : 0;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        ra->stats.steps++;
        if (ra->clobber_ticks[middle] < tick) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_denied = low < end && 2 * ra->clobber_ticks[low] + 1 < range->to;
    return is_denied ? 2 * ra->clobber_ticks[low] + 1 : RA_NONE;
}

u32 dv_ra_occupancy_denied(Ra *ra, u32 preg, const LiveRange *range)
{
    const RaFunc *f = ra->f;
    u32 first = RA_NONE;
    if (ra->fixed_starts[preg] < ra->fixed_starts[preg + 1]) {
        first = denied_by_fixed(ra, preg, range);
    }
    for (u32 set = 1; set < f->num_clobbers; set++) {
        u32 number = preg & 255;
        if (ra->clobber_starts[set] < ra->clobber_starts[set + 1] &&
            (f->clobbers[set].bits[preg >> 8][number / 64] >> (number % 64) & 1) != 0) {
            u32 denied = denied_by_clobber(ra, set, range);
            first = denied < first ? denied : first;
        }
    }
    return first;
}

/* ---- trees ---- */

static SpanNode *new_node(Ra *ra)
{
    SpanNode *node = ra->free_nodes;
    if (node != NULL) {
        ra->free_nodes = node->next;
        memset(node, 0, sizeof *node);
        return node;
    }
    return ARENA_NEW(ra->arena, SpanNode);
}

static void free_node(Ra *ra, SpanNode *node)
{
    node->next = ra->free_nodes;
    ra->free_nodes = node;
}

/* Walks to the leaf where a span from this point belongs. `path` may be NULL. */
static SpanNode *descend(Ra *ra, const SpanTree *tree, u32 point, SpanPath *path)
{
    SpanNode *node = tree->root;
    for (u32 level = 0; level < tree->height; level++) {
        u32 low = 1;
        u32 high = node->len;
        while (low < high) {
            u32 middle = (low + high) / 2;
            if (node->u.inner.keys[middle] <= point) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (path != NULL) {
            path->nodes[level] = node;
            path->places[level] = low - 1;
        }
        node = node->u.inner.kids[low - 1];
        ra->stats.steps++;
    }
    if (path != NULL) {
        path->nodes[tree->height] = node;
    }
    ra->stats.steps++;
    return node;
}

/* How many spans of the leaf start at the point or before. */
static u32 spans_up_to(const SpanNode *leaf, u32 point)
{
    u32 low = 0;
    u32 high = leaf->len;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (leaf->u.spans[middle].from <= point) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const Span *dv_ra_spans_seek(Ra *ra, const SpanTree *tree, u32 point, SpanCursor *cursor)
{
    *cursor = (SpanCursor){NULL, 0};
    if (tree->root == NULL) {
        return NULL;
    }
    SpanNode *leaf = descend(ra, tree, point, NULL);
    u32 at = spans_up_to(leaf, point);
    *cursor = (SpanCursor){leaf, at};
    if (at > 0 && leaf->u.spans[at - 1].to > point) {
        cursor->index--;
    } else if (at == 0 && leaf->prev != NULL) {
        SpanNode *prev = leaf->prev;
        if (prev->u.spans[prev->len - 1].to > point) {
            *cursor = (SpanCursor){prev, prev->len - 1};
        }
    }
    if (cursor->index == cursor->leaf->len) {
        *cursor = (SpanCursor){cursor->leaf->next, 0};
    }
    return cursor->leaf == NULL ? NULL : &cursor->leaf->u.spans[cursor->index];
}

const Span *dv_ra_spans_next(SpanCursor *cursor)
{
    if (++cursor->index == cursor->leaf->len) {
        *cursor = (SpanCursor){cursor->leaf->next, 0};
    }
    return cursor->leaf == NULL ? NULL : &cursor->leaf->u.spans[cursor->index];
}

/* Puts a new right neighbour of the child on the path at `level` into the inner nodes above, which may split too. */
static void insert_kid(Ra *ra, SpanTree *tree, SpanPath *path, u32 key, SpanNode *kid)
{
    for (u32 level = tree->height; level-- > 0;) {
        SpanNode *node = path->nodes[level];
        u32 at = path->places[level] + 1;
        SpanNode *right = NULL;
        u32 right_key = 0;
        if (node->len == INNER_KIDS) {
            u32 keep = at == INNER_KIDS ? INNER_KIDS - 1 : INNER_KIDS / 2;
            right = new_node(ra);
            right->len = INNER_KIDS - keep;
            right_key = node->u.inner.keys[keep];
            memcpy(right->u.inner.keys, node->u.inner.keys + keep, right->len * sizeof(u32));
            memcpy(right->u.inner.kids, node->u.inner.kids + keep, right->len * sizeof(SpanNode *));
            node->len = keep;
            if (at > keep) {
                at -= keep;
                node = right;
            }
        }
        u32 after = node->len - at;
        memmove(node->u.inner.keys + at + 1, node->u.inner.keys + at, after * sizeof(u32));
        memmove(node->u.inner.kids + at + 1, node->u.inner.kids + at, after * sizeof(SpanNode *));
        node->u.inner.keys[at] = key;
        node->u.inner.kids[at] = kid;
        node->len++;
        if (right == NULL) {
            return;
        }
        key = right_key;
        kid = right;
    }
    SpanNode *root = new_node(ra);
    root->len = 2;
    root->u.inner.kids[0] = tree->root;
    root->u.inner.kids[1] = kid;
    root->u.inner.keys[1] = key;
    tree->root = root;
    tree->height++;
    CHECK(tree->height < HEIGHT_MAX);
}

void dv_ra_spans_insert(Ra *ra, SpanTree *tree, Span span)
{
    SpanPath path;
    if (tree->root == NULL) {
        tree->root = new_node(ra);
    }
    SpanNode *leaf = descend(ra, tree, span.from, &path);
    u32 at = spans_up_to(leaf, span.from);
    SpanNode *right = NULL;
    if (leaf->len == LEAF_SPANS) {
        u32 keep = at == LEAF_SPANS && leaf->next == NULL ? LEAF_SPANS : LEAF_SPANS / 2;
        right = new_node(ra);
        right->len = LEAF_SPANS - keep;
        memcpy(right->u.spans, leaf->u.spans + keep, right->len * sizeof(Span));
        leaf->len = keep;
        right->prev = leaf;
        right->next = leaf->next;
        leaf->next = right;
        if (right->next != NULL) {
            right->next->prev = right;
        }
        if (at > keep || keep == LEAF_SPANS) {
            at -= keep;
            leaf = right;
        }
    }
    memmove(leaf->u.spans + at + 1, leaf->u.spans + at, (leaf->len - at) * sizeof(Span));
    leaf->u.spans[at] = span;
    leaf->len++;
    if (right != NULL) {
        insert_kid(ra, tree, &path, right->u.spans[0].from, right);
    }
}

void dv_ra_spans_remove(Ra *ra, SpanTree *tree, u32 from)
{
    SpanPath path;
    SpanNode *leaf = descend(ra, tree, from, &path);
    u32 at = spans_up_to(leaf, from);
    CHECK(at > 0 && leaf->u.spans[at - 1].from == from);
    leaf->len--;
    memmove(leaf->u.spans + at - 1, leaf->u.spans + at, (leaf->len - at + 1) * sizeof(Span));
    if (leaf->len > 0) {
        return;
    }
    if (leaf->prev != NULL) {
        leaf->prev->next = leaf->next;
    }
    if (leaf->next != NULL) {
        leaf->next->prev = leaf->prev;
    }
    free_node(ra, leaf);
    for (u32 level = tree->height; level-- > 0;) {
        SpanNode *node = path.nodes[level];
        u32 place = path.places[level];
        u32 after = node->len - place - 1;
        memmove(node->u.inner.keys + place, node->u.inner.keys + place + 1, after * sizeof(u32));
        memmove(node->u.inner.kids + place, node->u.inner.kids + place + 1,
                after * sizeof(SpanNode *));
        node->len--;
        if (node->len > 0) {
            return;
        }
        free_node(ra, node);
    }
    tree->root = NULL;
    tree->height = 0;
}
