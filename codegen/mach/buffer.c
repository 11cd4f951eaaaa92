/* buffer.c - bytes, labels, and the branches at the end that are still being improved.
 *
 * The idea is that of the MachBuffer of Cranelift, as its documentation tells it: since blocks come in their final
 * order, each improvement of branches can be made when the later of two places is emitted, by looking only
 * at the branches that are the last bytes emitted (`tail`, which lie end to end) and at labels bound at the end.
 * After any other byte all of them are settled.
 *
 * Labels form a forest (Tarjan, "Efficiency of a good but not linear set union algorithm", 1975; paths are halved). Labels
 * bound in one place are one tree, so moving them, when a branch before them is cut off, changes one
 * offset; and when the place turns out to hold nothing but a jump, the root becomes a child of the jump's
 * target. A jump to a label of its own tree is a loop and stays, so trees never become cycles. Each improvement
 * removes a branch, so all of them take constant time per branch, apart from finding roots.
 *
 * What is improved, whenever a branch is declared or a label bound (improve_tail):
 *   elide     b: jump b+1              a branch to the end does nothing
 *   thread    L: jump X                L becomes X
 *   drop      jump Y; jump X           where no label is left before it, the second is never reached
 *   invert    if c goto L; jump X; L:  if not c goto X; L:
 *   collapse  if c goto X; jump X      jump X
 *
 * Invariants:
 *   - A use emitted after its label was bound never sees the label unbound or moved: the use lies at or after the
 *     label's place, in a branch, which would have to be cut off first.
 *   - Uses in the tail are the last in their queues, so cutting a branch pops its use.
 *   - Threading a label must not take it out of reach of its uses: back_limit and rigid tell. Uses that can have
 *     veneers may follow it to a label yet unbound.
 *   - flow_end, landing, fixed_landing, tail_end, tail_labels_at are offsets that mean something while they equal
 *     the current end, or the start of a branch being declared; appending bytes thus needs no bookkeeping.
 */
#include "codegen/mach/buffer_parts.h"

static void check_target(const MachTarget *target)
{
    CHECK(target->num_kinds <= MACH_KINDS_MAX);
    CHECK(target->trap_bytes <= MACH_BRANCH_MAX);
    CHECK(target->num_veneers == 0 ||
          (target->jump < target->num_veneers && target->shortening == NULL));
    for (u32 i = 0; i < target->num_veneers; i++) {
        CHECK(target->veneers[i].size_bytes <= MACH_BRANCH_MAX);
        CHECK(target->veneers[i].kind < target->num_kinds);
    }
    for (u32 i = 0; i < target->num_kinds; i++) {
        const MachKind *k = &target->kinds[i];
        CHECK(k->veneer <= target->num_veneers);
        /* A veneer for the veneer's own kind would never end. */
        CHECK(k->veneer == 0 || target->kinds[target->veneers[k->veneer - 1].kind].max > k->max);
    }
}

/* The jump over an island, two more uses, and padding. */
static u32 island_reserve(const MachTarget *target)
{
    u32 largest = target->trap_bytes;
    for (u32 i = 0; i < target->num_veneers; i++) {
        u32 size = target->veneers[i].size_bytes;
        largest = size > largest ? size : largest;
    }
    u32 jump = target->num_veneers == 0 ? 0 : target->veneers[target->jump].size_bytes;
    return jump + 2 * largest + target->inst_align;
}

void dv_mach_init(MachBuffer *buf, Arena *arena, const MachTarget *target)
{
    check_target(target);
    *buf = (MachBuffer){.arena = arena, .target = target};
    dv_bytebuf_init(&buf->code, arena);
    buf->code_max = target->code_max == 0 ? MACH_CODE_MAX : target->code_max;
    ASSERT(buf->code_max <= MACH_CODE_MAX);
    buf->align_bytes = target->inst_align;
    buf->reserve_bytes = island_reserve(target);
    buf->deadline = UINT64_MAX;
    buf->tail_end = MACH_NONE;
    buf->tail_labels = MACH_NONE;
    buf->tail_labels_at = MACH_NONE;
    buf->landing = MACH_NONE;
    buf->fixed_landing = MACH_NONE;
    buf->flow_end = MACH_NONE;
}

/* ---- bytes ---- */

void dv_mach_check_size(const MachBuffer *buf)
{
    if (buf->code.len > buf->code_max) {
        dv_escape(buf->arena->pool, DAVIT_ERROR_LIMIT);
    }
}

u8 *dv_mach_extend(MachBuffer *buf, u32 size_bytes)
{
    if (size_bytes > buf->code_max || buf->code.len > buf->code_max - size_bytes) {
        dv_escape(buf->arena->pool, DAVIT_ERROR_LIMIT);
    }
    return dv_bytebuf_extend(&buf->code, size_bytes);
}

void dv_mach_bytes(MachBuffer *buf, const void *bytes, u32 size_bytes)
{
    if (size_bytes != 0) {
        memcpy(dv_mach_extend(buf, size_bytes), bytes, size_bytes);
    }
}

void dv_mach_u8(MachBuffer *buf, u8 x)
{
    *dv_mach_extend(buf, 1) = x;
}

void dv_mach_u16(MachBuffer *buf, u16 x)
{
    store_u16(dv_mach_extend(buf, 2), x, buf->target->big);
}

void dv_mach_u32(MachBuffer *buf, u32 x)
{
    store_u32(dv_mach_extend(buf, 4), x, buf->target->big);
}

void dv_mach_u64(MachBuffer *buf, u64 x)
{
    store_u64(dv_mach_extend(buf, 8), x, buf->target->big);
}

void dv_mach_align(MachBuffer *buf, u32 align_bytes)
{
    ASSERT(align_bytes <= MACH_CONST_ALIGN_MAX && (align_bytes & (align_bytes - 1)) == 0);
    ASSERT(buf->target->shortening == NULL);
    if (align_bytes > buf->align_bytes) {
        buf->align_bytes = align_bytes;
    }
    u32 size = (0 - dv_mach_offset(buf)) & (align_bytes - 1);
    if (size == 0) {
        return;
    }
    u8 *at = dv_mach_extend(buf, size);
    memset(at, 0, size);
    if (buf->target->write_nops != NULL) {
        buf->target->write_nops(at, buf->target->big, size);
    }
}

/* ---- labels ---- */

MachLabel dv_mach_labels_new(MachBuffer *buf, u32 count)
{
    u32 first = buf->labels.len;
    vec_reserve(buf->arena, &buf->labels, count);
    for (u32 i = 0; i < count; i++) {
        MachLabelData data = {.parent = first + i, .offset = MACH_UNBOUND};
        vec_push(buf->arena, &buf->labels, data);
    }
    return (MachLabel){first};
}

u32 dv_mach_root(MachBuffer *buf, MachLabel label)
{
    MachLabelData *labels = buf->labels.data;
    ASSERT(label.id < buf->labels.len);
    u32 id = label.id;
    while (labels[id].parent != id) {
        labels[id].parent = labels[labels[id].parent].parent;
        id = labels[id].parent;
        buf->work.steps++;
    }
    return id;
}

u32 dv_mach_label_offset(MachBuffer *buf, MachLabel label)
{
    return buf->labels.data[dv_mach_root(buf, label)].offset;
}

/* Makes one root the child of another and hands it what is known of uses already made. */
static void merge_labels(MachBuffer *buf, u32 from, u32 into)
{
    MachLabelData *a = &vec_at(&buf->labels, from);
    MachLabelData *b = &vec_at(&buf->labels, into);
    ASSERT(from != into && a->parent == from && b->parent == into);
    a->parent = into;
    b->back_limit = a->back_limit > b->back_limit ? a->back_limit : b->back_limit;
    b->rigid = b->rigid || a->rigid;
    if (b->veneer == 0) {
        b->veneer = a->veneer;
        b->veneer_kind = a->veneer_kind;
    }
}

static bool tail_is_last(const MachBuffer *buf)
{
    return buf->tail.len > 0 && buf->tail_end == dv_mach_offset(buf);
}

/* The root of labels bound at the end that may still move, or MACH_NONE. */
static u32 labels_at_end(const MachBuffer *buf)
{
    return buf->tail_labels_at == dv_mach_offset(buf) ? buf->tail_labels : MACH_NONE;
}

u32 dv_mach_settled(const MachBuffer *buf)
{
    if (tail_is_last(buf)) {
        return buf->tail.data[0].start;
    }
    return labels_at_end(buf) != MACH_NONE ? dv_mach_offset(buf) : MACH_NONE;
}

void dv_mach_keep(MachBuffer *buf)
{
    vec_clear(&buf->tail);
    buf->tail_labels = MACH_NONE;
    if (buf->landing == dv_mach_offset(buf)) {
        buf->fixed_landing = buf->landing;
    }
}

void dv_mach_end_flow(MachBuffer *buf)
{
    dv_mach_keep(buf);
    buf->flow_end = dv_mach_offset(buf);
}

/* ---- branches at the end ---- */

static MachTail *last_branch(MachBuffer *buf)
{
    ASSERT(buf->tail.len > 0);
    return &buf->tail.data[buf->tail.len - 1];
}

static bool is_bound_at_end(MachBuffer *buf, MachLabel label)
{
    return dv_mach_label_offset(buf, label) == dv_mach_offset(buf);
}

/* Cuts the last branch off; labels after it come to lie where it was. */
static void cut_branch(MachBuffer *buf)
{
    MachTail b = vec_pop(&buf->tail);
    u32 labels = labels_at_end(buf);
    dv_mach_pop_use(buf, b.queue, b.start);
    buf->code.len = b.start;
    if (labels == MACH_NONE) {
        labels = b.labels;
    } else {
        buf->labels.data[labels].offset = b.start;
        if (b.labels != MACH_NONE) {
            merge_labels(buf, labels, b.labels);
            labels = b.labels;
        }
    }
    buf->tail_labels = labels;
    buf->tail_labels_at = b.start;
    buf->tail_end = b.start;
    buf->flow_end = b.reached ? MACH_NONE : b.start;
    bool lands = labels != MACH_NONE || buf->fixed_landing == b.start;
    buf->landing = lands ? b.start : MACH_NONE;
    dv_mach_cut_tables(buf);
    buf->work.steps++;
}

static void append_branch(MachBuffer *buf, const MachBranch *branch)
{
    u32 start = branch->start;
    u32 size = dv_mach_offset(buf) - start;
    ASSERT(size > 0 && size <= MACH_BRANCH_MAX);
    if (buf->tail.len > 0 && buf->tail_end != start) {
        vec_clear(&buf->tail);
    }
    MachTail b = {.start = start,
                  .use_at = branch->use_at,
                  .target = branch->target,
                  .kind = branch->kind,
                  .size_bytes = (u8)size,
                  .conditional = branch->conditional,
                  .invertible = branch->conditional && branch->inverted != NULL};
    if (b.invertible) {
        memcpy(b.inverted, branch->inverted, size);
    }
    b.labels = buf->tail_labels_at == start ? buf->tail_labels : MACH_NONE;
    b.reached = buf->flow_end != start || buf->fixed_landing == start;
    b.queue = (u8)dv_mach_push_use(buf, mach_use(buf, b.use_at, b.target, b.kind));
    vec_push(buf->arena, &buf->tail, b);
    buf->tail_end = dv_mach_offset(buf);
    buf->tail_labels = MACH_NONE;
    buf->flow_end = b.conditional ? MACH_NONE : buf->tail_end;
}

/* Makes the labels before the last branch, a jump, labels of what it jumps to, if they may be. */
static void thread_labels(MachBuffer *buf)
{
    MachTail *b = last_branch(buf);
    if (b->labels == MACH_NONE) {
        return;
    }
    u32 to = dv_mach_root(buf, b->target);
    const MachLabelData *from = &vec_at(&buf->labels, b->labels);
    const MachLabelData *target = &vec_at(&buf->labels, to);
    bool reach = target->offset == MACH_UNBOUND ? !from->rigid : target->offset >= from->back_limit;
    if (to != b->labels && reach) {
        merge_labels(buf, b->labels, to);
        b->labels = MACH_NONE;
        buf->stats.threaded++;
    }
}

/* True if a use of this kind at this branch may have the label. */
static bool may_target(MachBuffer *buf, const MachTail *b, MachLabel label)
{
    u32 to = dv_mach_label_offset(buf, label);
    if (mach_unlimited(buf, b->kind)) {
        return true;
    }
    if (to == MACH_UNBOUND) {
        return mach_kind(buf, b->kind)->veneer != 0;
    }
    return mach_in_range(buf, b->kind, mach_use(buf, b->use_at, label, b->kind).origin, to);
}

/* Turns `if c goto end; jump X` into `if not c goto X`. */
static void invert_branch(MachBuffer *buf)
{
    MachLabel target = last_branch(buf)->target;
    cut_branch(buf);
    MachTail *b = last_branch(buf);
    u8 *at = dv_bytebuf_at(&buf->code, b->start, b->size_bytes);
    u8 before[MACH_BRANCH_MAX];
    memcpy(before, at, b->size_bytes);
    memcpy(at, b->inverted, b->size_bytes);
    memcpy(b->inverted, before, b->size_bytes);
    dv_mach_pop_use(buf, b->queue, b->start);
    b->target = target;
    b->queue = (u8)dv_mach_push_use(buf, mach_use(buf, b->use_at, target, b->kind));
    buf->stats.inverted++;
}

/* Moves the last branch, a jump, to where the conditional one before it is. */
static void collapse_branch(MachBuffer *buf)
{
    MachTail b = *last_branch(buf);
    /* Labels bound at the end make targets equal only when both are there; then both branches are elided. */
    ASSERT(b.labels == MACH_NONE && labels_at_end(buf) == MACH_NONE);
    u8 bytes[MACH_BRANCH_MAX];
    memcpy(bytes, dv_bytebuf_at(&buf->code, b.start, b.size_bytes), b.size_bytes);
    cut_branch(buf);
    cut_branch(buf);
    u32 start = dv_mach_offset(buf);
    dv_mach_bytes(buf, bytes, b.size_bytes);
    append_branch(buf, &(MachBranch){.start = start,
                                     .use_at = start + (b.use_at - b.start),
                                     .target = b.target,
                                     .kind = b.kind});
    buf->stats.collapsed++;
}

/* Improves the jump at the end together with what is before it; true if a branch went away. */
static bool improve_jump(MachBuffer *buf)
{
    thread_labels(buf);
    const MachTail *b = last_branch(buf);
    if (b->labels != MACH_NONE) {
        return false;
    }
    if (!b->reached) {
        cut_branch(buf);
        buf->stats.dropped++;
        return true;
    }
    if (buf->tail.len < 2) {
        return false;
    }
    ASSERT(b[-1].conditional);
    if (b[-1].invertible && is_bound_at_end(buf, b[-1].target) &&
        may_target(buf, &b[-1], b->target)) {
        invert_branch(buf);
        return true;
    }
    if (dv_mach_root(buf, b[-1].target) == dv_mach_root(buf, b->target)) {
        collapse_branch(buf);
        return true;
    }
    return false;
}

static void improve_tail(MachBuffer *buf)
{
    bool changed = true;
    while (changed && tail_is_last(buf)) {
        const MachTail *b = last_branch(buf);
        if (is_bound_at_end(buf, b->target)) {
            cut_branch(buf);
            buf->stats.elided++;
        } else {
            changed = !b->conditional && improve_jump(buf);
        }
    }
}

void dv_mach_branch(MachBuffer *buf, const MachBranch *branch)
{
    dv_mach_check_size(buf);
    append_branch(buf, branch);
    improve_tail(buf);
}

void dv_mach_bind(MachBuffer *buf, MachLabel label)
{
    dv_mach_check_size(buf);
    u32 end = dv_mach_offset(buf);
    u32 root = dv_mach_root(buf, label);
    u32 here = labels_at_end(buf);
    ASSERT(buf->labels.data[root].offset == MACH_UNBOUND && buf->labels.data[root].object == 0);
    buf->labels.data[root].offset = end;
    if (here == MACH_NONE) {
        buf->tail_labels = root;
        buf->tail_labels_at = end;
    } else {
        merge_labels(buf, root, here);
    }
    buf->landing = end;
    improve_tail(buf);
}

/* ---- uses ---- */

void dv_mach_use_from(MachBuffer *buf, u32 at, u32 origin, MachLabel label, u32 kind)
{
    dv_mach_check_size(buf);
    ASSERT((u64)at + mach_kind(buf, kind)->size_bytes <= buf->code.len);
    dv_mach_keep(buf);
    dv_mach_push_use(buf, (MachUse){at, origin, label, (u8)kind});
}

void dv_mach_use(MachBuffer *buf, u32 at, MachLabel label, u32 kind)
{
    dv_mach_use_from(buf, at, mach_use(buf, at, label, kind).origin, label, kind);
}
