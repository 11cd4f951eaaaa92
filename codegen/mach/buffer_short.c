/* buffer_short.c - short forms of branches, when all labels are known.
 *
 * Instructions that end with a use of a certain kind have a short form (MachShortening). Which of
 * them reach is found by a few rounds: branches that reach where code is now as long as it was before the round become
 * short, and so bring others within reach. Nothing ever moves apart, since what must be aligned is only placed after this;
 * so what was found to reach does so at the end, and three rounds find nearly all.
 *
 * Then the bytes move together, and every offset recorded with them: it gets less by what is saved before it. Offsets
 * lie between instructions, or in instructions that stay as they are.
 */
#include "codegen/mach/buffer_parts.h"

typedef struct Branch {
    u32 use;       /* number in `rest` */
    u32 start;     /* of the instruction, as it was */
    u32 to;        /* where it goes, as it was */
    u32 before_to; /* branches that begin before that */
    u8 size_bytes, short_bytes;
    bool is_short;
} Branch;

typedef struct Shortener {
    MachBuffer *buf;
    const MachShortening *how;
    Branch *branches; /* by start */
    u32 count;
    u32 *saved; /* by branch: bytes, by the branches before it; and by all of them */
} Shortener;

/* Branches that begin before this offset. */
static u32 count_before(Shortener *s, u32 offset)
{
    u32 low = 0, high = s->count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        s->buf->work.steps++;
        if (s->branches[middle].start < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static u32 new_offset(Shortener *s, u32 offset)
{
    return offset - s->saved[count_before(s, offset)];
}

static void sum_up(Shortener *s)
{
    u32 sum = 0;
    for (u32 i = 0; i < s->count; i++) {
        const Branch *b = &s->branches[i];
        s->saved[i] = sum;
        sum += b->is_short ? (u32)b->size_bytes - b->short_bytes : 0;
    }
    s->saved[s->count] = sum;
}

static bool find_branches(Shortener *s)
{
    MachBuffer *buf = s->buf;
    s->branches = ARENA_ARRAY(buf->arena, Branch, buf->rest.len + 1);
    for (u32 i = 0; i < buf->rest.len; i++) {
        const MachUse *use = &buf->rest.data[i];
        u32 to = dv_mach_label_offset(buf, use->label);
        if (use->kind != s->how->kind || to == MACH_UNBOUND) {
            continue;
        }
        MachShort form;
        u32 use_bytes = mach_kind(buf, use->kind)->size_bytes;
        s->how->form(dv_bytebuf_at(&buf->code, use->offset, use_bytes), &form);
        s->branches[s->count++] = (Branch){.use = i,
                                           .start = use->offset - form.before,
                                           .to = to,
                                           .size_bytes = (u8)(form.before + use_bytes),
                                           .short_bytes = form.size_bytes};
    }
    for (u32 i = 0; i < s->count; i++) {
        s->branches[i].before_to = count_before(s, s->branches[i].to);
    }
    s->saved = ARENA_ARRAY(buf->arena, u32, s->count + 1);
    return s->count != 0;
}

/* The distance from the end of the short form. */
static i64 short_distance(const Shortener *s, u32 number)
{
    const Branch *b = &s->branches[number];
    i64 start = (i64)b->start - s->saved[number];
    bool is_back = b->to <= b->start;
    /* What comes behind the branch moves with its end, if that has not moved yet. */
    i64 end = start + (is_back || b->is_short ? b->short_bytes : b->size_bytes);
    return (i64)b->to - s->saved[b->before_to] - end;
}

static bool shorten_more(Shortener *s)
{
    const MachKind *near = mach_kind(s->buf, s->how->short_kind);
    bool changed = false;
    for (u32 i = 0; i < s->count; i++) {
        Branch *b = &s->branches[i];
        i64 bytes = short_distance(s, i);
        if (!b->is_short && bytes >= near->min && bytes <= near->max) {
            b->is_short = true;
            changed = true;
        }
        s->buf->work.steps++;
    }
    sum_up(s);
    return changed;
}

/* Moves bytes together, and writes the short forms between them. */
static void move_code(Shortener *s)
{
    MachBuffer *buf = s->buf;
    u32 from = 0, to = 0;
    for (u32 i = 0; i < s->count; i++) {
        const Branch *b = &s->branches[i];
        if (!b->is_short) {
            continue;
        }
        const MachUse *use = &buf->rest.data[b->use];
        MachShort form;
        s->how->form(buf->code.data + use->offset, &form);
        memmove(buf->code.data + to, buf->code.data + from, b->start - from);
        to += b->start - from;
        memcpy(buf->code.data + to, form.bytes, form.size_bytes);
        to += form.size_bytes;
        from = b->start + b->size_bytes;
    }
    memmove(buf->code.data + to, buf->code.data + from, buf->code.len - from);
    buf->code.len -= from - to;
}

static void move_uses(Shortener *s)
{
    MachBuffer *buf = s->buf;
    u32 next = 0;
    for (u32 i = 0; i < buf->rest.len; i++) {
        MachUse *use = &buf->rest.data[i];
        const Branch *b = next < s->count && s->branches[next].use == i ? &s->branches[next] : NULL;
        if (b != NULL && b->is_short) {
            u32 end = b->start - s->saved[next] + b->short_bytes;
            u32 use_bytes = mach_kind(buf, s->how->short_kind)->size_bytes;
            *use = mach_use(buf, end - use_bytes, use->label, s->how->short_kind);
        } else {
            use->offset = new_offset(s, use->offset);
            use->origin = new_offset(s, use->origin);
        }
        next += b != NULL;
    }
}

/* The same for offsets that do not decrease: `at` is the count before the last one. */
static u32 next_offset(Shortener *s, u32 offset, u32 *at)
{
    while (*at < s->count && s->branches[*at].start < offset) {
        ++*at;
    }
    return offset - s->saved[*at];
}

#define MOVE(table, field) \
    for (u32 i = 0, at = 0; i < buf->table.len; i++) { \
        buf->table.data[i].field = next_offset(s, buf->table.data[i].field, &at); \
    }

static void move_tables(Shortener *s)
{
    MachBuffer *buf = s->buf;
    MOVE(relocs, offset)
    MOVE(traps, offset)
    MOVE(calls, offset)
    MOVE(srclocs, start)
    MOVE(tags, offset)
    MOVE(stack_maps, offset)
    MOVE(unwind, offset)
    for (u32 i = 0; i < buf->labels.len; i++) {
        MachLabelData *label = &buf->labels.data[i];
        if (label->parent == i && label->offset != MACH_UNBOUND) {
            label->offset = new_offset(s, label->offset);
        }
    }
}
#undef MOVE

void dv_mach_shorten(MachBuffer *buf)
{
    enum { ROUNDS = 3 };
    Shortener s = {.buf = buf, .how = buf->target->shortening};
    if (!find_branches(&s)) {
        return;
    }
    sum_up(&s);
    for (u32 i = 0; i < ROUNDS && shorten_more(&s); i++) {
    }
    if (s.saved[s.count] == 0) {
        return;
    }
    move_code(&s);
    move_uses(&s);
    move_tables(&s);
}
