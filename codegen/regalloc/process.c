/* process.c - a place for every bundle.
 *
 * Bundles wait in a queue, the longest first, since they are the hardest to fit in; those that want a certain register go before
 * the others, so that values stay where they arrive. A bundle takes its hint if that is free, else the first free
 * register in the machine's order. If none is free it may take one from bundles that weigh less than it, which
 * go back into the queue; else it is split.
 *
 * This ends: a split makes the parts smaller, and each spill set has a limited number of splits, after which it is spilled;
 * what must be in a register for one instruction is not split. A bundle that was evicted too often
 * does not evict others any more. Demands at one instruction outweigh all else, and are ranked by how much they ask
 * for: a register for all of it and untouched by clobbers, for all of it, for half of it. A higher rank may
 * evict a lower one, and what the ranks accept is nested, so when one fails there are not enough registers for them.
 */
#include "main.h"

enum {
    EVICTIONS_MAX = 8,
    DIGIT_BITS = 8,
    DIGITS = 1 << DIGIT_BITS,
    SEARCHED_MAX = 32, /* registers that are probed for something to evict */
    PRIORITY_HINTED = 1 << 30,
    COST_OF_SAVE = 512 /* of using a register that must be saved and restored, as weigh counts */
};

typedef struct Probe {
    u32 first;      /* point of the first conflict, or RA_NONE */
    u32 weight;     /* of the heaviest bundle in conflict */
    bool is_denied; /* by what cannot be evicted, or not by this bundle */
} Probe;

static u64 key_of(const Ra *ra, u32 bundle)
{
    const Bundle *b = &ra->bundles.data[bundle];
    u32 priority = b->points;
    if (b->level == 0 && b->has_hints && ra->spill_sets.data[b->spill_set].num_hints > 0) {
        priority |= PRIORITY_HINTED;
    }
    return (u64)priority << 32 | (u32)~bundle;
}

/* Large digits first. */
static u32 digit_of(u64 key, u32 shift)
{
    return DIGITS - 1 - (u32)(key >> shift & (DIGITS - 1));
}

/* Sorts the bundles there are by key, digit by digit from the least. */
static void sort_bundles(Ra *ra)
{
    u64 *keys = ARENA_ARRAY(ra->arena, u64, ra->bundles.len);
    u64 *others = ARENA_ARRAY(ra->arena, u64, ra->bundles.len);
    u32 count = 0;
    for (u32 i = 0; i < ra->bundles.len; i++) { /* in order of the lower half of the keys */
        if (ra->bundles.data[i].state == BUNDLE_QUEUED) {
            keys[count++] = key_of(ra, i);
        }
    }
    for (u32 shift = 32; shift < 64; shift += DIGIT_BITS) {
        u32 starts[DIGITS + 1] = {0};
        for (u32 i = 0; i < count; i++) {
            starts[digit_of(keys[i], shift) + 1]++;
        }
        for (u32 d = 0; d < DIGITS; d++) {
            starts[d + 1] += starts[d];
        }
        for (u32 i = 0; i < count; i++) {
            others[starts[digit_of(keys[i], shift)]++] = keys[i];
        }
        u64 *swapped = keys;
        keys = others;
        others = swapped;
    }
    ra->sorted = keys;
    ra->num_sorted = count;
    ra->stats.steps += count;
}

void dv_ra_enqueue(Ra *ra, u32 bundle)
{
    u64 key = key_of(ra, bundle);
    u32 at = ra->queue.len;
    vec_push(ra->arena, &ra->queue, key);
    for (; at > 0 && ra->queue.data[(at - 1) / 2] < key; at = (at - 1) / 2) {
        ra->queue.data[at] = ra->queue.data[(at - 1) / 2];
    }
    ra->queue.data[at] = key;
}

static u32 dequeue(Ra *ra)
{
    u64 *heap = ra->queue.data;
    if (ra->next_sorted < ra->num_sorted &&
        (ra->queue.len == 0 || heap[0] < ra->sorted[ra->next_sorted])) {
        return ~(u32)ra->sorted[ra->next_sorted++];
    }
    u32 bundle = ~(u32)heap[0];
    u64 moving = vec_pop(&ra->queue);
    u32 len = ra->queue.len;
    u32 at = 0;
    if (len == 0) {
        return bundle;
    }
    for (;;) {
        u32 child = 2 * at + 1;
        if (child >= len) {
            break;
        }
        child += child + 1 < len && heap[child] < heap[child + 1];
        if (heap[child] <= moving) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
    return bundle;
}

void dv_ra_place(Ra *ra, u32 bundle, u32 preg)
{
    Bundle *b = &ra->bundles.data[bundle];
    for (u32 i = 0; i < b->num_ranges; i++) {
        Span span = {b->ranges[i].from, b->ranges[i].to, bundle};
        dv_ra_spans_insert(ra, &ra->trees[preg], span);
        dv_ra_busy_mark(ra, b->class, ra->ranks[preg], span.from, span.to, true);
    }
    b->state = BUNDLE_PLACED;
    b->preg = (u16)preg;
    ra->is_register_used[preg] = true;
}

static void evict(Ra *ra, u32 bundle)
{
    Bundle *b = &ra->bundles.data[bundle];
    for (u32 i = 0; i < b->num_ranges; i++) {
        dv_ra_spans_remove(ra, &ra->trees[b->preg], b->ranges[i].from);
        dv_ra_busy_mark(ra, b->class, ra->ranks[b->preg], b->ranges[i].from, b->ranges[i].to,
                        false);
    }
    b->state = BUNDLE_QUEUED;
    if (b->evictions < EVICTIONS_MAX) {
        b->evictions++;
    }
    ra->stats.evictions++;
    dv_ra_enqueue(ra, bundle);
}

/* What is in the way of the bundle in a register. Looks no further once something as heavy as `limit` is found. */
static Probe probe(Ra *ra, u32 preg, const Bundle *b, u32 limit)
{
    Probe p = {RA_NONE, 0, false};
    SpanCursor cursor;
    const SpanTree *tree = &ra->trees[preg];
    ra->conflicts.len = 0;
    for (u32 i = 0; i < b->num_ranges && !p.is_denied; i++) {
        const LiveRange *range = &b->ranges[i];
        u32 denied = dv_ra_occupancy_denied(ra, preg, range);
        if (denied != RA_NONE) {
            p.first = denied < p.first ? denied : p.first;
            p.is_denied = true;
        }
        const Span *span = dv_ra_spans_seek(ra, tree, range->from, &cursor);
        for (; span != NULL && span->from < range->to; span = dv_ra_spans_next(&cursor)) {
            u32 point = span->from > range->from ? span->from : range->from;
            u32 weight = ra->bundles.data[span->bundle].weight;
            p.first = point < p.first ? point : p.first;
            p.weight = weight > p.weight ? weight : p.weight;
            ra->stats.steps++;
            if (weight >= limit) {
                p.is_denied = true;
                break;
            }
            if (ra->conflicts.len == 0 || vec_last(&ra->conflicts) != span->bundle) {
                vec_push(ra->arena, &ra->conflicts, span->bundle);
            }
        }
    }
    return p;
}

static bool place_if_free(Ra *ra, u32 bundle, u32 preg)
{
    const Bundle *b = &ra->bundles.data[bundle];
    if (preg >> 8 != b->class || ra->ranks[preg] == RA_NO_RANK ||
        probe(ra, preg, b, 0).first != RA_NONE) {
        return false;
    }
    dv_ra_place(ra, bundle, preg);
    return true;
}

static bool place_by_hint(Ra *ra, u32 bundle)
{
    const Bundle *b = &ra->bundles.data[bundle];
    const SpillSet *set = &ra->spill_sets.data[b->spill_set];
    if (b->level != 0 || !b->has_hints) {
        return false;
    }
    for (u32 i = 0; i < set->num_hints; i++) {
        if (place_if_free(ra, bundle, set->hints[i].preg)) {
            return true;
        }
    }
    if (set->partner != RA_NONE) {
        const Bundle *partner = &ra->bundles.data[ra->vregs[set->partner].bundle];
        return partner->state == BUNDLE_PLACED && place_if_free(ra, bundle, partner->preg);
    }
    return false;
}

/* Whether it costs more to save and restore the register than to spill the bundle. */
static bool is_too_dear(const Ra *ra, const Bundle *b, u32 rank, u32 preg)
{
    if (rank < ra->f->machine->classes[b->class].num_cheap || b->level != 0 ||
        ra->is_register_used[preg]) {
        return false;
    }
    return (u64)b->weight * (b->points / 2 + 1) >> RA_WEIGHT_SCALE_LOG2 < COST_OF_SAVE;
}

/* The first register in order that is free, as far as the sets of busy.c know. */
static bool place_in_order(Ra *ra, u32 bundle)
{
    const Bundle *b = &ra->bundles.data[bundle];
    u32 num_order = ra->f->machine->classes[b->class].num_order;
    BusySet busy = {{0}};
    for (u32 i = 0; i < b->num_ranges; i++) {
        dv_ra_busy_add(ra, b->class, b->ranges[i].from, b->ranges[i].to, &busy);
    }
    for (u32 w = 0; w * 64 < num_order; w++) {
        for (u64 left = ~busy.bits[w]; left != 0; left &= left - 1) {
            u32 rank = w * 64 + dv_ctz64(left);
            if (rank >= num_order) {
                return false;
            }
            u32 preg = preg_make(b->class, ra->f->machine->classes[b->class].order[rank]).id;
            if (!is_too_dear(ra, b, rank, preg) && place_if_free(ra, bundle, preg)) {
                return true;
            }
        }
    }
    return false;
}

/* A register that is free after all, or the one with the lightest tenants, and the one that is free for longest. */
typedef struct Search {
    u32 free, victim, longest; /* registers, or RA_NONE */
    u32 victim_weight;
    u32 until; /* point */
} Search;

static Search search_registers(Ra *ra, u32 bundle, u32 limit)
{
    const Bundle *b = &ra->bundles.data[bundle];
    Search s = {RA_NONE, RA_NONE, RA_NONE, RA_NONE, 0};
    u32 num_order = ra->f->machine->classes[b->class].num_order;
    u32 first = num_order == 0 ? 0 : bundle % num_order;
    for (u32 i = 0; i < num_order && (i < SEARCHED_MAX || (b->level != 0 && s.victim == RA_NONE));
         i++) {
        u32 rank = first + i < num_order ? first + i : first + i - num_order;
        u32 preg = preg_make(b->class, ra->f->machine->classes[b->class].order[rank]).id;
        if (is_too_dear(ra, b, rank, preg)) {
            continue;
        }
        Probe p = probe(ra, preg, b, limit);
        if (p.first == RA_NONE) {
            s.free = preg;
            return s;
        }
        if (!p.is_denied && p.weight < s.victim_weight) {
            s.victim = preg;
            s.victim_weight = p.weight;
        }
        if (p.first > s.until) {
            s.longest = preg;
            s.until = p.first;
        }
    }
    return s;
}

static u32 process_bundle(Ra *ra, u32 bundle)
{
    const Bundle *b = &ra->bundles.data[bundle];
    if (place_by_hint(ra, bundle) || place_in_order(ra, bundle)) {
        return RA_OK;
    }
    if (ra->f->machine->classes[b->class].num_order == 0 && b->level == 0) {
        dv_ra_spill(ra, bundle);
        return RA_OK;
    }
    u32 limit = b->evictions < EVICTIONS_MAX || b->level != 0 ? b->weight : 0;
    Search s = search_registers(ra, bundle, limit);
    if (s.free != RA_NONE) {
        dv_ra_place(ra, bundle, s.free);
    } else if (s.victim != RA_NONE) {
        probe(ra, s.victim, b, limit);
        for (u32 i = 0; i < ra->conflicts.len; i++) {
            if (ra->bundles.data[ra->conflicts.data[i]].state == BUNDLE_PLACED) {
                evict(ra, ra->conflicts.data[i]);
            }
        }
        dv_ra_place(ra, bundle, s.victim);
    } else if (b->level != 0) {
        return RA_IMPOSSIBLE;
    } else {
        dv_ra_split(ra, bundle, s.longest, s.until);
    }
    return RA_OK;
}

u32 dv_ra_process(Ra *ra)
{
    sort_bundles(ra);
    while (ra->queue.len > 0 || ra->next_sorted < ra->num_sorted) {
        u32 status = process_bundle(ra, dequeue(ra));
        ra->stats.steps++;
        if (status != RA_OK) {
            return status;
        }
        if (ra_over_budget(ra)) {
            return RA_OVER_BUDGET;
        }
    }
    /* A register for what is left over, if there is one, saves a store and a load. */
    for (u32 i = 0; i < ra->spares.len; i++) {
        u32 bundle = ra->spares.data[i];
        if (!place_if_free(ra, bundle, ra->bundles.data[bundle].preg)) {
            place_in_order(ra, bundle);
        }
        if (ra_over_budget(ra)) {
            return RA_OVER_BUDGET;
        }
    }
    return RA_OK;
}
