/* buffer_island.c - uses of labels, and the islands that bring what they need within reach.
 *
 * A use that may go unresolved too long waits in the queue of its kind. All uses of a kind have the same range and
 * are made at growing offsets, so a queue is sorted by deadline, the last offset the use reaches, without any
 * work. A use whose label is bound and settled is patched when it comes to the head of its queue. Uses without
 * a limit, those resolved when they are made, and those nothing can help wait in `rest` for the end.
 *
 * An island serves uses earliest deadline first, over all queues: the trap or the constants that the use is
 * about are placed there, or a veneer. So a use is served in time if all that is due before it fits before its
 * deadline. make_plan checks that for the head of each queue, in order of deadlines: what is due before the head of
 * a queue is at most its own queue and those whose heads are due earlier. Each entry counts as a veneer (or trap).
 * Entries that are resolved but not yet at the head count too; therefore, before an island is said to be needed,
 * queues are swept, if they grew by half since the last time (which makes it constant time per use).
 *
 * An island also serves uses due soon after (a quarter of their range), so that the next one is far: else code
 * dense in branches would have an island each few instructions. Each island serves at least one use, a use has at
 * most as many veneers as there are kinds, and veneers to one label are shared within reach.
 *
 * Constants are placed all at once, in order of falling alignment, behind the traps not placed yet.
 */
#include "codegen/mach/buffer_parts.h"

/* ---- queues ---- */

/* What serving a use of this kind takes at most, if it is served one by one. */
static u32 serving_bytes(const MachBuffer *buf, u32 kind)
{
    const MachKind *k = mach_kind(buf, kind);
    if (k->veneer == 0) {
        return 0;
    }
    u32 veneer = buf->target->veneers[k->veneer - 1].size_bytes;
    return veneer > buf->target->trap_bytes ? veneer : buf->target->trap_bytes;
}

static u64 use_deadline(const MachBuffer *buf, const MachUse *use)
{
    return (u64)((i64)use->origin + mach_kind(buf, use->kind)->max);
}

static u32 queue_len(const MachQueue *queue)
{
    return queue->uses.len - queue->first;
}

static void patch_use(MachBuffer *buf, const MachUse *use, u32 to)
{
    const MachKind *kind = mach_kind(buf, use->kind);
    if (!mach_in_range(buf, use->kind, use->origin, to)) {
        if (buf->status == MACH_OK) {
            buf->status = MACH_OUT_OF_RANGE;
            buf->error_offset = use->offset;
            buf->error_kind = use->kind;
        }
        return;
    }
    i64 distance = (i64)to - (i64)use->origin;
    CHECK(distance % kind->scale == 0);
    kind->patch(dv_bytebuf_at(&buf->code, use->offset, kind->size_bytes), buf->target->big,
                distance);
}

/* Patches the use if its place and its label are settled and within reach. */
static bool resolve_use(MachBuffer *buf, const MachUse *use, u32 settled)
{
    u32 to = dv_mach_label_offset(buf, use->label);
    buf->work.steps++;
    if (to == MACH_UNBOUND || to >= settled || use->offset >= settled ||
        !mach_in_range(buf, use->kind, use->origin, to)) {
        return false;
    }
    patch_use(buf, use, to);
    return true;
}

static void drop_resolved(MachBuffer *buf, u32 kind, u32 settled)
{
    MachQueue *queue = &buf->queues[kind];
    u32 first = queue->first;
    while (first < queue->uses.len && resolve_use(buf, &queue->uses.data[first], settled)) {
        first++;
    }
    buf->queued_bytes -= (u64)(first - queue->first) * serving_bytes(buf, kind);
    queue->first = first;
    if (first == queue->uses.len) {
        queue->first = 0;
        vec_clear(&queue->uses);
    }
}

/* Drops all that is resolved, if the queue grew enough since the last time to pay for it. */
static bool sweep_queue(MachBuffer *buf, u32 kind, u32 settled)
{
    MachQueue *queue = &buf->queues[kind];
    u32 len = queue_len(queue);
    if (queue->added < 4 || queue->added < len / 3) {
        return false;
    }
    u32 kept = 0;
    for (u32 i = queue->first; i < queue->uses.len; i++) {
        if (!resolve_use(buf, &queue->uses.data[i], settled)) {
            queue->uses.data[kept++] = queue->uses.data[i];
        }
    }
    buf->queued_bytes -= (u64)(len - kept) * serving_bytes(buf, kind);
    queue->uses.len = kept;
    queue->first = 0;
    queue->added = 0;
    return kept < len;
}

/* ---- recording uses ---- */

/* What the object takes in an island, with the padding before it. */
static u64 object_bytes(const MachObject *object)
{
    return ((u64)object->size_bytes + object->align_bytes - 1) & ~((u64)object->align_bytes - 1);
}

static u64 *wanted_bytes(MachBuffer *buf, const MachObject *object)
{
    return object->bytes == NULL ? &buf->trap_bytes : &buf->const_bytes;
}

static void want_object(MachBuffer *buf, u32 number)
{
    MachObject *object = &vec_at(&buf->objects, number);
    if (!object->wanted) {
        object->wanted = true;
        *wanted_bytes(buf, object) += object_bytes(object);
        vec_push(buf->arena, &buf->wanted, number);
    }
}

/* A new label for the object, whose last one is out of reach or not aligned. */
static void renew_object(MachBuffer *buf, u32 number)
{
    MachLabel label = dv_mach_labels_new(buf, 1);
    buf->labels.data[label.id].object = number + 1;
    vec_at(&buf->objects, number).label = label;
}

/* The label of the object that a use has: the one placed last if it is in reach. */
static MachLabel reach_object(MachBuffer *buf, const MachUse *use, u32 number)
{
    MachLabel label = vec_at(&buf->objects, number).label;
    u32 at = buf->labels.data[label.id].offset;
    if (at != MACH_UNBOUND && !mach_in_range(buf, use->kind, use->origin, at)) {
        renew_object(buf, number);
        label = vec_at(&buf->objects, number).label;
        at = MACH_UNBOUND;
    }
    if (at == MACH_UNBOUND) {
        want_object(buf, number);
    }
    return label;
}

/* Notes with the label that this use, of a kind with a limit, waits for it. */
static void note_limits(MachBuffer *buf, u32 root, const MachUse *use)
{
    const MachKind *kind = mach_kind(buf, use->kind);
    MachLabelData *label = &vec_at(&buf->labels, root);
    i64 lowest = (i64)use->origin + kind->min;
    if (lowest > (i64)label->back_limit) {
        label->back_limit = (u32)lowest;
    }
    label->rigid = label->rigid || (kind->veneer == 0 && label->object == 0);
}

u32 dv_mach_push_use(MachBuffer *buf, MachUse use)
{
    const MachKind *kind = mach_kind(buf, use.kind);
    bool limited = !mach_unlimited(buf, use.kind);
    u32 root = dv_mach_root(buf, use.label);
    u32 object = buf->labels.data[root].object;
    if (object != 0) {
        CHECK(kind->veneer == 0 || buf->objects.data[object - 1].bytes == NULL);
        use.label = reach_object(buf, &use, object - 1);
        root = use.label.id;
    }
    u32 to = buf->labels.data[root].offset;
    bool waits = limited && (kind->veneer != 0 || object != 0);
    if (to == MACH_UNBOUND) {
        if (limited) {
            note_limits(buf, root, &use);
        }
    } else {
        waits = waits && !mach_in_range(buf, use.kind, use.origin, to);
    }
    if (!waits) {
        vec_push(buf->arena, &buf->rest, use);
        return MACH_REST;
    }
    MachQueue *queue = &buf->queues[use.kind];
    ASSERT(queue_len(queue) == 0 || vec_last(&queue->uses).origin <= use.origin);
    vec_push(buf->arena, &queue->uses, use);
    queue->added++;
    buf->queued_bytes += serving_bytes(buf, use.kind);
    u64 deadline = use_deadline(buf, &use);
    buf->deadline = deadline < buf->deadline ? deadline : buf->deadline;
    return use.kind;
}

void dv_mach_pop_use(MachBuffer *buf, u32 queue, u32 offset)
{
    if (queue == MACH_REST) {
        CHECK(vec_last(&buf->rest).offset >= offset);
        buf->rest.len--;
        return;
    }
    MachQueue *q = &buf->queues[queue];
    CHECK(queue_len(q) > 0 && vec_last(&q->uses).offset >= offset);
    q->uses.len--;
    buf->queued_bytes -= serving_bytes(buf, queue);
}

/* ---- constants and traps ---- */

static MachLabel add_object(MachBuffer *buf, MachObject object)
{
    vec_push(buf->arena, &buf->objects, object);
    renew_object(buf, buf->objects.len - 1);
    return vec_last(&buf->objects).label;
}

typedef struct ConstKey {
    const MachObject *objects;
    const u8 *bytes;
    u32 size_bytes;
} ConstKey;

static bool is_constant(const void *context, u32 number)
{
    const ConstKey *key = context;
    const MachObject *object = &key->objects[number];
    return object->size_bytes == key->size_bytes &&
           memcmp(object->bytes, key->bytes, key->size_bytes) == 0;
}

/* Makes an existing constant fit for a larger alignment. */
static void align_constant(MachBuffer *buf, u32 number, u32 align_bytes)
{
    MachObject *object = &vec_at(&buf->objects, number);
    if (object->wanted) {
        buf->const_bytes -= object_bytes(object);
    }
    object->align_bytes = align_bytes;
    if (object->wanted) {
        buf->const_bytes += object_bytes(object);
    }
    u32 at = buf->labels.data[object->label.id].offset;
    if (at != MACH_UNBOUND && (at & (align_bytes - 1)) != 0) {
        renew_object(buf, number);
    }
}

MachLabel dv_mach_constant(MachBuffer *buf, const void *bytes, u32 size_bytes, u32 align_bytes)
{
    ASSERT(size_bytes > 0 && align_bytes > 0 && align_bytes <= MACH_CONST_ALIGN_MAX);
    ASSERT((align_bytes & (align_bytes - 1)) == 0);
    u64 hash = dv_hash_bytes(bytes, size_bytes);
    ConstKey key = {buf->objects.data, bytes, size_bytes};
    u32 number;
    if (dv_map_find(&buf->const_of, hash, is_constant, &key, &number)) {
        if (align_bytes > buf->objects.data[number].align_bytes) {
            align_constant(buf, number, align_bytes);
        }
        return buf->objects.data[number].label;
    }
    MachObject object = {.size_bytes = size_bytes, .align_bytes = align_bytes};
    u8 *copy = dv_arena_alloc(buf->arena, size_bytes, 1);
    memcpy(copy, bytes, size_bytes);
    object.bytes = copy;
    dv_map_add(buf->arena, &buf->const_of, hash, buf->objects.len);
    return add_object(buf, object);
}

MachLabel dv_mach_trap_label(MachBuffer *buf, TrapCode code, u32 srcloc)
{
    ASSERT(buf->target->trap_bytes != 0 && code != TRAP_none);
    u64 key = (u64)srcloc << 8 | code;
    u32 number;
    if (dv_map_get(&buf->trap_of, key, &number)) {
        return buf->objects.data[number].label;
    }
    dv_map_put(buf->arena, &buf->trap_of, key, buf->objects.len);
    return add_object(buf, (MachObject){.size_bytes = buf->target->trap_bytes,
                                        .align_bytes = 1,
                                        .srcloc = srcloc,
                                        .code = code});
}

static void pad_to(MachBuffer *buf, u32 align_bytes)
{
    u32 size = (0 - dv_mach_offset(buf)) & (align_bytes - 1);
    if (size != 0) {
        memset(dv_mach_extend(buf, size), 0, size);
    }
}

static void place_object(MachBuffer *buf, u32 number)
{
    MachObject *object = &vec_at(&buf->objects, number);
    bool is_trap = object->bytes == NULL;
    u32 align = is_trap ? buf->target->inst_align : object->align_bytes;
    pad_to(buf, align);
    u32 at = dv_mach_offset(buf);
    if (is_trap) {
        dv_mach_set_srcloc(buf, object->srcloc);
        dv_mach_add_trap(buf, at, object->code);
        buf->target->write_trap(dv_mach_extend(buf, object->size_bytes), buf->target->big,
                                object->code);
        dv_mach_set_srcloc(buf, SRCLOC_NONE);
    } else {
        dv_mach_bytes(buf, object->bytes, object->size_bytes);
        buf->align_bytes = align > buf->align_bytes ? align : buf->align_bytes;
    }
    *wanted_bytes(buf, object) -= object_bytes(object);
    object->wanted = false;
    buf->labels.data[object->label.id].offset = at;
    buf->work.steps++;
}

/* Traps come first: they are as near as possible, and of one size. */
static void place_traps(MachBuffer *buf)
{
    u32 kept = 0;
    for (u32 i = 0; i < buf->wanted.len; i++) {
        u32 number = buf->wanted.data[i];
        if (vec_at(&buf->objects, number).bytes != NULL) {
            buf->wanted.data[kept++] = number;
        } else if (buf->objects.data[number].wanted) {
            place_object(buf, number);
        }
    }
    buf->wanted.len = kept;
}

/* Places all that is wanted: traps, then constants by alignment. */
static void place_objects(MachBuffer *buf)
{
    place_traps(buf);
    for (u32 align = MACH_CONST_ALIGN_MAX; align > 0; align /= 2) {
        for (u32 i = 0; i < buf->wanted.len; i++) {
            u32 number = buf->wanted.data[i];
            const MachObject *object = &vec_at(&buf->objects, number);
            if (object->wanted && object->align_bytes == align) {
                place_object(buf, number);
            }
        }
    }
    vec_clear(&buf->wanted);
}

/* ---- when an island is needed ---- */

typedef struct Plan {
    u32 count;
    u32 kind[MACH_KINDS_MAX]; /* those with uses waiting, in order of their first deadlines */
    u64 deadline[MACH_KINDS_MAX];
    u64 end
        [MACH_KINDS_MAX]; /* by kind: where the island may have got to when the last use is served */
} Plan;

/* Where an island would start, at worst, if not here, behind its jump and what two more uses add to it. */
static u64 latest_start(const MachBuffer *buf, u32 distance)
{
    return (u64)dv_mach_offset(buf) + distance + buf->reserve_bytes;
}

static u64 objects_bytes(const MachBuffer *buf)
{
    u64 padding = buf->const_bytes == 0 ? 0 : MACH_CONST_ALIGN_MAX + buf->target->inst_align;
    return buf->const_bytes + padding + buf->trap_bytes;
}

static void insert_kind(Plan *plan, u32 kind, u64 deadline)
{
    u32 i = plan->count++;
    for (; i > 0 && plan->deadline[i - 1] > deadline; i--) {
        plan->kind[i] = plan->kind[i - 1];
        plan->deadline[i] = plan->deadline[i - 1];
    }
    plan->kind[i] = kind;
    plan->deadline[i] = deadline;
}

/* Fills the plan; true if a use might be too late in an island that starts `distance` from here. */
static bool make_plan(MachBuffer *buf, u32 distance, Plan *plan)
{
    u32 settled = dv_mach_settled(buf);
    *plan = (Plan){0};
    for (u32 kind = 0; kind < buf->target->num_kinds; kind++) {
        drop_resolved(buf, kind, settled);
        const MachQueue *queue = &buf->queues[kind];
        if (queue_len(queue) > 0) {
            insert_kind(plan, kind, use_deadline(buf, &queue->uses.data[queue->first]));
        }
    }
    u64 end = latest_start(buf, distance);
    bool late = false;
    bool objects = false;
    for (u32 i = 0; i < plan->count; i++) {
        u32 kind = plan->kind[i];
        if (mach_kind(buf, kind)->veneer != 0) {
            end += (u64)queue_len(&buf->queues[kind]) * serving_bytes(buf, kind);
        } else if (!objects) {
            end += objects_bytes(buf);
            objects = true;
        }
        plan->end[kind] = end;
        late = late || end > plan->deadline[i];
    }
    for (u32 kind = 0; kind < buf->target->num_kinds; kind++) {
        plan->end[kind] = plan->end[kind] == 0 ? end : plan->end[kind];
    }
    buf->deadline = plan->count == 0 ? UINT64_MAX : plan->deadline[0];
    return late;
}

static bool plan_island(MachBuffer *buf, u32 distance, Plan *plan)
{
    if (!make_plan(buf, distance, plan)) {
        return false;
    }
    bool swept = false;
    u32 settled = dv_mach_settled(buf);
    for (u32 i = 0; i < plan->count; i++) {
        swept = sweep_queue(buf, plan->kind[i], settled) || swept;
    }
    return !swept || make_plan(buf, distance, plan);
}

bool dv_mach_island_needed(MachBuffer *buf, u32 distance)
{
    dv_mach_check_size(buf);
    if (buf->deadline == UINT64_MAX ||
        latest_start(buf, distance) + buf->queued_bytes + objects_bytes(buf) <= buf->deadline) {
        return false;
    }
    Plan plan;
    return plan_island(buf, distance, &plan);
}

/* ---- islands ---- */

/* Appends the veneer and tells where its own use is. */
static MachUse append_veneer(MachBuffer *buf, u32 number, MachLabel label)
{
    const MachVeneer *veneer = &buf->target->veneers[number];
    pad_to(buf, buf->target->inst_align);
    u32 at = dv_mach_offset(buf) + veneer->use_at;
    veneer->write(dv_mach_extend(buf, veneer->size_bytes), buf->target->big);
    return mach_use(buf, at, label, veneer->kind);
}

/* Serves a use that does not reach its label by a veneer, one that is there or a new one. Only veneers that reach
 * further than the use are shared: a veneer's own use, when it needs another, must not get the veneer itself. */
static void serve_by_veneer(MachBuffer *buf, const MachUse *use)
{
    const MachKind *kind = mach_kind(buf, use->kind);
    u32 root = dv_mach_root(buf, use->label);
    MachLabelData last = buf->labels.data[root];
    if (last.veneer != 0 && mach_kind(buf, last.veneer_kind)->max > kind->max &&
        mach_in_range(buf, use->kind, use->origin, last.veneer - 1)) {
        patch_use(buf, use, last.veneer - 1);
        return;
    }
    pad_to(buf, buf->target->inst_align);
    u32 at = dv_mach_offset(buf);
    MachUse further = append_veneer(buf, kind->veneer - 1u, use->label);
    buf->labels.data[root].veneer = at + 1;
    buf->labels.data[root].veneer_kind = further.kind;
    buf->stats.veneers++;
    patch_use(buf, use, at);
    dv_mach_push_use(buf, further);
}

/* Serves the first use of a queue. */
static void serve_use(MachBuffer *buf, u32 kind)
{
    MachQueue *queue = &buf->queues[kind];
    MachUse use = queue->uses.data[queue->first++];
    buf->queued_bytes -= serving_bytes(buf, kind);
    u32 root = dv_mach_root(buf, use.label);
    u32 object = buf->labels.data[root].object;
    if (buf->labels.data[root].offset == MACH_UNBOUND && object != 0) {
        if (mach_kind(buf, kind)->veneer == 0) {
            place_objects(buf);
        } else {
            place_object(buf, object - 1);
        }
    }
    u32 to = buf->labels.data[root].offset;
    if (mach_kind(buf, kind)->veneer == 0 ||
        (to != MACH_UNBOUND && mach_in_range(buf, kind, use.origin, to))) {
        patch_use(buf, &use, to);
    } else {
        serve_by_veneer(buf, &use);
    }
}

/* The queue with the use to be served next; MACH_REST if none is due. */
static u32 next_due(MachBuffer *buf, const Plan *plan)
{
    u32 best = MACH_REST;
    u64 best_deadline = UINT64_MAX;
    for (u32 kind = 0; kind < buf->target->num_kinds; kind++) {
        drop_resolved(buf, kind, MACH_NONE);
        const MachQueue *queue = &buf->queues[kind];
        if (queue_len(queue) == 0) {
            continue;
        }
        u64 deadline = use_deadline(buf, &queue->uses.data[queue->first]);
        u64 soon = plan == NULL ? UINT64_MAX : plan->end[kind] + (u64)mach_kind(buf, kind)->max / 4;
        if (deadline < soon && deadline < best_deadline) {
            best = kind;
            best_deadline = deadline;
        }
    }
    buf->work.steps++;
    return best;
}

static void serve_due(MachBuffer *buf, const Plan *plan)
{
    u32 kind;
    while ((kind = next_due(buf, plan)) != MACH_REST) {
        serve_use(buf, kind);
    }
}

void dv_mach_island(MachBuffer *buf, u32 distance)
{
    Plan plan;
    if (!dv_mach_island_needed(buf, distance)) {
        return;
    }
    /* Nothing after this point changes what is before it. */
    dv_mach_keep(buf);
    if (!make_plan(buf, distance, &plan)) {
        return;
    }
    u32 end = dv_mach_offset(buf);
    bool reached = buf->flow_end != end || buf->landing == end;
    u32 srcloc = dv_mach_srcloc(buf);
    dv_mach_set_srcloc(buf, SRCLOC_NONE);
    MachUse over = {0};
    if (reached) {
        over = append_veneer(buf, buf->target->jump, MACH_LABEL_NONE);
    }
    buf->stats.islands++;
    serve_due(buf, &plan);
    pad_to(buf, buf->target->inst_align);
    end = dv_mach_offset(buf);
    if (reached) {
        patch_use(buf, &over, end);
        buf->landing = end;
    } else {
        buf->flow_end = end;
    }
    dv_mach_set_srcloc(buf, srcloc);
}

/* ---- the end ---- */

void dv_mach_finish(MachBuffer *buf, MachCode *code)
{
    dv_mach_check_size(buf);
    dv_mach_keep(buf);
    dv_mach_set_srcloc(buf, SRCLOC_NONE);
    serve_due(buf, NULL);
    if (buf->target->shortening != NULL) {
        place_traps(buf);
        dv_mach_shorten(buf);
    }
    place_objects(buf);
    for (u32 i = 0; i < buf->rest.len; i++) {
        const MachUse *use = &buf->rest.data[i];
        u32 to = dv_mach_label_offset(buf, use->label);
        CHECK(to != MACH_UNBOUND);
        patch_use(buf, use, to);
    }
    *code = (MachCode){.bytes = buf->code.data,
                       .size_bytes = dv_mach_offset(buf),
                       .align_bytes = buf->align_bytes,
                       .status = buf->status,
                       .error_offset = buf->error_offset,
                       .error_kind = buf->error_kind};
    dv_mach_finish_tables(buf, code);
}
