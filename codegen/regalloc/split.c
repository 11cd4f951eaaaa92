/* split.c - a bundle that fits into no register, shared out.
 *
 * If some register has room for the beginning of the bundle, with a use in it, the beginning goes there. What lies between its last
 * use and the next one stays in memory, and the rest tries again: that splits around calls, and around
 * whatever else is in the way. Where there is a choice between the two uses, the cut is where the code is run least often:
 * outside of a loop that has no use in it.
 *
 * If no register has room even for the first use, the part with the hottest uses is set apart: the region of code around
 * them that is run at least as often. It weighs more than the whole, and may evict others now. When everything is
 * equally hot, the bundle is halved. After a number of splits, what is left is spilled: it lives in memory, or is computed
 * again where it is needed, and each instruction that must have it in a register gets one for that instruction.
 */
#include "main.h"

enum { SPLITS_MAX = 12, LOCAL_SPLITS_MAX = 8, HALVED_USES_MIN = 4 };

/* The first use in [first, end) at the point or after. */
static u32 use_from(const Ra *ra, u32 first, u32 end, u32 point)
{
    while (first < end) {
        u32 middle = first + (end - first) / 2;
        if (2 * ra->uses[middle].tick < point) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

/* The first range that ends after the point. */
static u32 range_after(const Bundle *b, u32 point)
{
    u32 low = 0;
    u32 high = b->num_ranges;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (b->ranges[middle].to <= point) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The last tick before the point with a use of the bundle in it, or RA_NONE. */
static u32 last_use_before(const Ra *ra, const Bundle *b, u32 point)
{
    u32 at = range_after(b, point);
    at = at < b->num_ranges ? at + 1 : at;
    while (at-- > 0) {
        const LiveRange *range = &b->ranges[at];
        u32 use = use_from(ra, range->uses, range->uses_end, point);
        if (use > range->uses) {
            return ra->uses[use - 1].tick;
        }
    }
    return RA_NONE;
}

/* The first tick at the point or after with a use of the bundle in it, or RA_NONE. */
static u32 first_use_from(const Ra *ra, const Bundle *b, u32 point)
{
    u32 at = range_after(b, point);
    for (at = at > 0 ? at - 1 : 0; at < b->num_ranges; at++) {
        const LiveRange *range = &b->ranges[at];
        u32 use = use_from(ra, range->uses, range->uses_end, point);
        if (use < range->uses_end) {
            return ra->uses[use].tick;
        }
    }
    return RA_NONE;
}

/* The part of a bundle between two points, as a bundle, or RA_NONE if there is nothing. */
static u32 take_part(Ra *ra, u32 bundle, u32 from, u32 to)
{
    const Bundle *b = &ra->bundles.data[bundle];
    u32 first = range_after(b, from);
    u32 end = first;
    while (end < b->num_ranges && b->ranges[end].from < to) {
        end++;
    }
    if (from >= to || first == end) {
        return RA_NONE;
    }
    LiveRange *ranges = ARENA_ARRAY(ra->arena, LiveRange, end - first);
    memcpy(ranges, b->ranges + first, sizeof(LiveRange) * (end - first));
    ra->stats.steps += end - first;
    if (ranges[0].from < from) {
        ranges[0].from = from;
        ranges[0].uses = use_from(ra, ranges[0].uses, ranges[0].uses_end, from);
    }
    LiveRange *last = &ranges[end - first - 1];
    if (last->to > to) {
        last->to = to;
        last->uses_end = use_from(ra, last->uses, last->uses_end, to);
    }
    return dv_ra_bundle_add(ra, bundle, ranges, end - first);
}

/* Of the cuts between two even points, one where the code is run least often: the first such, and the last. */
static u32 first_good_cut(const Ra *ra, u32 low, u32 high)
{
    u32 block = ra->block_of_tick[low / 2 - 1];
    u32 cut = low;
    for (;;) {
        block = ra->lower_after[block];
        if (block == RA_NONE || 2 * ra->block_ticks[block] > high) {
            return cut;
        }
        cut = 2 * ra->block_ticks[block];
        cut = cut < low ? low : cut;
    }
}

static u32 last_good_cut(const Ra *ra, u32 low, u32 high)
{
    u32 block = ra->block_of_tick[high / 2];
    u32 cut = high;
    for (;;) {
        block = ra->lower_before[block];
        if (block == RA_NONE || 2 * ra->block_ticks[block + 1] < low) {
            return cut;
        }
        cut = 2 * ra->block_ticks[block + 1];
    }
}

static void leave_spare(Ra *ra, u32 part, u32 preg)
{
    if (part != RA_NONE) {
        ra->bundles.data[part].state = BUNDLE_SPILLED;
        ra->bundles.data[part].preg = (u16)preg;
        vec_push(ra->arena, &ra->spares, part);
    }
}

static void requeue(Ra *ra, u32 part, u32 whole)
{
    if (part != RA_NONE) {
        Bundle *b = &ra->bundles.data[part];
        b->is_local = ra->bundles.data[whole].is_local;
        b->local_splits = (u8)(ra->bundles.data[whole].local_splits + 1);
        dv_ra_enqueue(ra, part);
    }
}

/* The beginning goes to `preg`, which is free up to point `until`. */
static void split_at_conflict(Ra *ra, u32 bundle, u32 preg, u32 until, u32 last_use)
{
    const Bundle *b = &ra->bundles.data[bundle];
    u32 end = b->ranges[b->num_ranges - 1].to;
    u32 middle = until & ~1u;
    u32 next_use = first_use_from(ra, b, middle);
    u32 left_end = first_good_cut(ra, 2 * last_use + 2, middle);
    u32 right_start = next_use == RA_NONE ? end : last_good_cut(ra, middle, 2 * next_use);
    u32 left = take_part(ra, bundle, 0, left_end);
    u32 gap = take_part(ra, bundle, left_end, right_start);
    u32 right = take_part(ra, bundle, right_start, end);
    ASSERT(left != RA_NONE);
    dv_ra_place(ra, left, preg);
    leave_spare(ra, gap, preg);
    requeue(ra, right, bundle);
}

/* The tick of the use that is run most often, the one in the middle, and how many there are. */
typedef struct UseSummary {
    u32 hottest, middle, count, freq;
} UseSummary;

static UseSummary summarise_uses(Ra *ra, const Bundle *b)
{
    UseSummary s = {RA_NONE, RA_NONE, 0, 0};
    u32 total = 0;
    for (u32 i = 0; i < b->num_ranges; i++) {
        total += b->ranges[i].uses_end - b->ranges[i].uses;
    }
    for (u32 i = 0; i < b->num_ranges; i++) {
        for (u32 u = b->ranges[i].uses; u < b->ranges[i].uses_end; u++) {
            u32 tick = ra->uses[u].tick;
            u32 freq = ra->block_freqs[ra->block_of_tick[tick]];
            s.hottest = freq > s.freq ? tick : s.hottest;
            s.freq = freq > s.freq ? freq : s.freq;
            s.count++;
            s.middle = s.count == total / 2 + 1 ? tick : s.middle;
        }
        ra->stats.steps += b->ranges[i].uses_end - b->ranges[i].uses + 1;
    }
    return s;
}

/* Sets apart the hottest region, or halves; false if neither makes it smaller. */
static bool split_region(Ra *ra, u32 bundle)
{
    const Bundle *b = &ra->bundles.data[bundle];
    u32 start = b->ranges[0].from;
    u32 end = b->ranges[b->num_ranges - 1].to;
    UseSummary s = summarise_uses(ra, b);
    if (s.count < 2) {
        return false;
    }
    u32 block = ra->block_of_tick[s.hottest];
    u32 before = ra->lower_before[block];
    u32 after = ra->lower_after[block];
    u32 low = before == RA_NONE ? 0 : 2 * ra->block_ticks[before + 1];
    u32 high = after == RA_NONE ? 2 * ra->num_ticks : 2 * ra->block_ticks[after];
    if (low <= start && high >= end) {
        low = 2 * s.middle;
        high = 2 * ra->num_ticks;
        if (s.count < HALVED_USES_MIN || low <= start || low >= end) {
            return false;
        }
    }
    u32 left = take_part(ra, bundle, 0, low);
    u32 middle = take_part(ra, bundle, low, high);
    u32 right = take_part(ra, bundle, high, end);
    requeue(ra, left, bundle);
    requeue(ra, middle, bundle);
    requeue(ra, right, bundle);
    return true;
}

void dv_ra_split(Ra *ra, u32 bundle, u32 preg, u32 until)
{
    const Bundle *b = &ra->bundles.data[bundle];
    SpillSet *set = &ra->spill_sets.data[b->spill_set];
    if (b->is_local ? b->local_splits == LOCAL_SPLITS_MAX : set->splits >= SPLITS_MAX) {
        dv_ra_spill(ra, bundle);
        return;
    }
    set->splits += b->is_local ? 0 : 1;
    u32 last_use = preg == RA_NONE ? RA_NONE : last_use_before(ra, b, until & ~1u);
    if (last_use != RA_NONE && 2 * last_use + 2 > b->ranges[0].from) {
        ra->stats.splits++;
        split_at_conflict(ra, bundle, preg, until, last_use);
    } else if (!b->is_local && split_region(ra, bundle)) {
        ra->stats.splits++;
    } else {
        dv_ra_spill(ra, bundle);
        return;
    }
    ra->bundles.data[bundle].state = BUNDLE_GONE;
}

/* ---- spilling ---- */

/* What the uses [first, end) of one tick ask of a register. */
static void demand_register(Ra *ra, u32 bundle, u32 vreg, u32 first, u32 end)
{
    u32 tick = ra->uses[first].tick;
    LiveRange range = {2 * tick + 2, 2 * tick, vreg, first, end};
    bool has_late_use = false;
    for (u32 u = first; u < end; u++) {
        if (!ra_use_wants_register(ra, &ra->uses[u])) {
            continue;
        }
        const RaOperand *op = &ra->f->operands[ra->uses[u].operand];
        bool is_def = (op->flags & RA_DEF) != 0;
        bool is_late = (op->flags & RA_LATE) != 0;
        u32 from = 2 * tick + (is_def && is_late && op->constraint != RA_REUSE ? 1 : 0);
        u32 to = 2 * tick + (is_def || is_late ? 2 : 1);
        range.from = from < range.from ? from : range.from;
        range.to = to > range.to ? to : range.to;
        has_late_use |= is_late && !is_def;
    }
    if (range.from >= range.to) {
        return;
    }
    LiveRange *copy = ARENA_NEW(ra->arena, LiveRange);
    *copy = range;
    u32 part = dv_ra_bundle_add(ra, bundle, copy, 1);
    Bundle *b = &ra->bundles.data[part];
    b->level = has_late_use ? 3 : range.to - range.from == 2 ? 2 : 1;
    dv_ra_bundle_weigh(ra, b);
    dv_ra_enqueue(ra, part);
}

/* Leaves the bundle in memory; what must be in a register gets one for an instruction. */
static void spill_to_demands(Ra *ra, u32 bundle)
{
    u32 num_ranges = ra->bundles.data[bundle].num_ranges;
    u32 bundles_before = ra->bundles.len;
    for (u32 i = 0; i < num_ranges; i++) {
        LiveRange range = ra->bundles.data[bundle].ranges[i];
        for (u32 u = range.uses, end; u < range.uses_end; u = end) {
            for (end = u + 1; end < range.uses_end && ra->uses[end].tick == ra->uses[u].tick;) {
                end++;
            }
            demand_register(ra, bundle, range.vreg, u, end);
        }
    }
    ra->bundles.data[bundle].state = BUNDLE_SPILLED;
    if (ra->bundles.len == bundles_before) {
        leave_spare(ra, bundle, PREG_NONE.id);
    }
}

/* The uses from `first` on that are in the same block; the first and last tick of those that are operands. */
typedef struct Cluster {
    u32 end;
    u32 first_tick, last_tick, count;
} Cluster;

static Cluster find_cluster(const Ra *ra, u32 first, u32 end)
{
    Cluster c = {first, RA_NONE, 0, 0};
    u32 block = ra->block_of_tick[ra->uses[first].tick];
    for (; c.end < end && ra->block_of_tick[ra->uses[c.end].tick] == block; c.end++) {
        const Use *use = &ra->uses[c.end];
        if (use->operand != RA_NONE) {
            c.first_tick = c.count == 0 ? use->tick : c.first_tick;
            c.last_tick = use->tick;
            c.count++;
        }
    }
    return c;
}

static void add_local(Ra *ra, u32 like, LiveRange range)
{
    LiveRange *copy = ARENA_NEW(ra->arena, LiveRange);
    *copy = range;
    u32 part = dv_ra_bundle_add(ra, like, copy, 1);
    ra->bundles.data[part].is_local = true;
    dv_ra_enqueue(ra, part);
}

void dv_ra_spill(Ra *ra, u32 bundle)
{
    VEC(LiveRange) rest = {0};
    u32 num_ranges = ra->bundles.data[bundle].num_ranges;
    if (ra->bundles.data[bundle].is_local) {
        spill_to_demands(ra, bundle);
        return;
    }
    for (u32 i = 0; i < num_ranges; i++) {
        LiveRange left = ra->bundles.data[bundle].ranges[i];
        for (u32 u = left.uses; u < left.uses_end;) {
            Cluster c = find_cluster(ra, u, left.uses_end);
            u32 from = c.count > 1 ? 2 * c.first_tick : left.to;
            u32 to = c.count > 1 ? 2 * c.last_tick + 2 : left.to;
            LiveRange local = left;
            local.from = from > left.from ? from : left.from;
            local.to = to < left.to ? to : left.to;
            if (c.count > 1 && local.from < local.to) {
                LiveRange before = left;
                before.to = local.from;
                before.uses_end = local.uses = u;
                local.uses_end = left.uses = c.end;
                left.from = local.to;
                if (before.from < before.to) {
                    vec_push(ra->arena, &rest, before);
                }
                add_local(ra, bundle, local);
            }
            u = c.end;
        }
        if (left.from < left.to) {
            vec_push(ra->arena, &rest, left);
        }
    }
    ra->bundles.data[bundle].state = BUNDLE_GONE;
    if (rest.len > 0) {
        spill_to_demands(ra, dv_ra_bundle_add(ra, bundle, rest.data, rest.len));
    }
}
