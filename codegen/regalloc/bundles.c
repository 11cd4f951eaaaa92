/* bundles.c - which vregs are to share a place.
 *
 * Each vreg with a range gets a bundle. Then bundles merge where that saves a move: a definition with the use whose
 * register it reuses, and a block parameter with the arguments passed to it; the pairs that are run most often
 * first. Two bundles merge if none of their ranges overlap. The cost of a merge is kept near the size of the smaller by halving
 * in the larger, as long as that is short enough to be moved in memory.
 *
 * Registers that operands are fixed to become hints of the spill set: the register to try first. A pair that could not merge
 * leaves a hint, too: its partner's register, if it has got one by then.
 */
#include "main.h"

enum {
    MERGED_RANGES_MAX = 4096,
    WEIGHT_MAX = 0x7fffff00, /* above are levels */
    COST_REG = 4,            /* a load or a store, against ... */
    COST_FIXED = 3,          /* a load instead of a move */
    COST_ANY = 2,
    COST_ARG = 1
};

typedef struct Pair {
    u32 freq, a, b; /* vregs */
} Pair;

typedef VEC(Pair) Pairs;

static u32 cost_of_use(const Ra *ra, const Use *use)
{
    if (use->operand == RA_NONE) {
        return COST_ARG;
    }
    switch (ra->f->operands[use->operand].constraint) {
    case RA_REG:
    case RA_REUSE:
        return COST_REG;
    case RA_FIXED:
        return COST_FIXED;
    case RA_ANY:
        return COST_ANY;
    default:
        return 0;
    }
}

void dv_ra_bundle_weigh(Ra *ra, Bundle *b)
{
    u64 cost = 0;
    u64 points = 0;
    for (u32 i = 0; i < b->num_ranges; i++) {
        const LiveRange *range = &b->ranges[i];
        u64 of_range = 0;
        points += range->to - range->from;
        for (u32 u = range->uses; u < range->uses_end; u++) {
            const Use *use = &ra->uses[u];
            of_range += (u64)cost_of_use(ra, use) * ra->block_freqs[ra->block_of_tick[use->tick]];
        }
        cost += ra->vregs[range->vreg].remat != RA_NONE ? of_range / 2 : of_range;
        ra->stats.steps += range->uses_end - range->uses + 1;
    }
    u64 weight = (cost << RA_WEIGHT_SCALE_LOG2) / (points / 2 + 1);
    b->points = points < (1u << 29) ? (u32)points : (1u << 29);
    b->weight = weight < WEIGHT_MAX ? (u32)weight : WEIGHT_MAX;
    if (b->level != 0) {
        b->weight = WEIGHT_MAX + b->level;
    }
}

u32 dv_ra_bundle_add(Ra *ra, u32 like, LiveRange *ranges, u32 num_ranges)
{
    Bundle b = {0};
    b.ranges = ranges;
    b.num_ranges = num_ranges;
    b.spill_set = ra->bundles.data[like].spill_set;
    b.class = ra->bundles.data[like].class;
    b.has_hints = ra->bundles.data[like].has_hints;
    dv_ra_bundle_weigh(ra, &b);
    vec_push(ra->arena, &ra->bundles, b);
    return ra->bundles.len - 1;
}

static void add_hint(SpillSet *set, u16 preg, u32 weight)
{
    u32 at = 0;
    while (at < set->num_hints && set->hints[at].preg != preg) {
        at++;
    }
    if (at == set->num_hints) {
        if (at == HINTS_MAX) {
            return;
        }
        set->hints[at] = (Hint){0, preg};
        set->num_hints++;
    }
    weight += set->hints[at].weight;
    for (; at > 0 && set->hints[at - 1].weight < weight; at--) {
        set->hints[at] = set->hints[at - 1];
    }
    set->hints[at] = (Hint){weight, preg};
}

static void make_bundle(Ra *ra, u32 vreg)
{
    VRegInfo *info = &ra->vregs[vreg];
    SpillSet set = {0};
    Bundle b = {0};
    b.ranges = ra->ranges.data + info->ranges;
    b.num_ranges = b.cap_ranges = info->ranges_end - info->ranges;
    b.spill_set = ra->spill_sets.len;
    b.class = set.class = ra->f->vreg_classes[vreg];
    set.partner = set.slot = RA_NONE;
    for (u32 u = info->uses; u < info->uses_end; u++) {
        const Use *use = &ra->uses[u];
        if (use->operand != RA_NONE && ra->f->operands[use->operand].constraint == RA_FIXED) {
            add_hint(&set, ra->f->operands[use->operand].arg,
                     ra->block_freqs[ra->block_of_tick[use->tick]]);
        }
    }
    info->bundle = ra->bundles.len;
    vec_push(ra->arena, &ra->bundles, b);
    vec_push(ra->arena, &ra->spill_sets, set);
}

/* ---- merging ---- */

static bool do_overlap(Ra *ra, const Bundle *small, const Bundle *large)
{
    u32 low = 0;
    for (u32 i = 0; i < small->num_ranges; i++) {
        const LiveRange *range = &small->ranges[i];
        u32 step = 1;
        while (low + step < large->num_ranges && large->ranges[low + step].to <= range->from) {
            low += step;
            step *= 2;
        }
        u32 high = low + step < large->num_ranges ? low + step : large->num_ranges;
        while (low < high) {
            u32 middle = low + (high - low) / 2;
            ra->stats.steps++;
            if (large->ranges[middle].to <= range->from) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if (low < large->num_ranges && large->ranges[low].from < range->to) {
            return true;
        }
    }
    return false;
}

/* Merges from behind, in place, once there is room. */
static void merge_ranges(Ra *ra, Bundle *to, const Bundle *from)
{
    u32 i = to->num_ranges;
    u32 k = from->num_ranges;
    if (i + k > to->cap_ranges) {
        u32 cap = 2 * (i + k);
        LiveRange *grown = dv_arena_alloc(ra->arena, sizeof(LiveRange) * cap, 4);
        memcpy(grown, to->ranges, sizeof(LiveRange) * i);
        to->ranges = grown;
        to->cap_ranges = cap;
    }
    to->num_ranges = i + k;
    while (k > 0) {
        bool is_last = i > 0 && to->ranges[i - 1].from > from->ranges[k - 1].from;
        to->ranges[i + k - 1] = is_last ? to->ranges[i - 1] : from->ranges[k - 1];
        i -= is_last ? 1 : 0;
        k -= is_last ? 0 : 1;
        ra->stats.steps++;
    }
}

static void note_partners(Ra *ra, u32 a, u32 b)
{
    SpillSet *of_a = &ra->spill_sets.data[ra->bundles.data[ra->vregs[a].bundle].spill_set];
    SpillSet *of_b = &ra->spill_sets.data[ra->bundles.data[ra->vregs[b].bundle].spill_set];
    of_a->partner = of_a->partner == RA_NONE ? b : of_a->partner;
    of_b->partner = of_b->partner == RA_NONE ? a : of_b->partner;
}

static void try_merge(Ra *ra, const Pair *pair)
{
    u32 large = ra->vregs[pair->a].bundle;
    u32 small = ra->vregs[pair->b].bundle;
    ra->stats.steps++;
    if (large == small || large == RA_NONE || small == RA_NONE) {
        return;
    }
    if (ra->bundles.data[large].num_ranges < ra->bundles.data[small].num_ranges) {
        u32 swapped = large;
        large = small;
        small = swapped;
    }
    Bundle *to = &ra->bundles.data[large];
    Bundle *from = &ra->bundles.data[small];
    if (to->class != from->class || to->num_ranges + from->num_ranges > MERGED_RANGES_MAX ||
        do_overlap(ra, from, to)) {
        note_partners(ra, pair->a, pair->b);
        return;
    }
    for (u32 i = 0; i < from->num_ranges; i++) {
        ra->vregs[from->ranges[i].vreg].bundle = large;
    }
    merge_ranges(ra, to, from);
    from->state = BUNDLE_GONE;
    ra->stats.merged_bundles++;
    SpillSet *set = &ra->spill_sets.data[to->spill_set];
    const SpillSet *other = &ra->spill_sets.data[from->spill_set];
    for (u32 i = 0; i < other->num_hints; i++) {
        add_hint(set, other->hints[i].preg, other->hints[i].weight);
    }
    set->partner = set->partner == RA_NONE ? other->partner : set->partner;
}

static void collect_pairs(Ra *ra, Pairs *pairs)
{
    const RaFunc *f = ra->f;
    for (u32 k = 0; k < f->num_operands; k++) {
        if (ra->served_by[k] != RA_NONE) {
            u32 def = ra->served_by[k];
            u32 tick = ra->vregs[f->operands[def].vreg.id].def_tick;
            Pair pair = {ra->block_freqs[ra->block_of_tick[tick]], f->operands[def].vreg.id,
                         f->operands[k].vreg.id};
            vec_push(ra->arena, pairs, pair);
        }
    }
    for (u32 e = 0; e < f->num_edges; e++) {
        const RaBlock *target = &f->blocks[f->succs[e]];
        u32 source = ra->edge_sources[e];
        for (u32 p = 0; p < target->num_params; p++) {
            u32 of_source = ra->block_freqs[source];
            u32 of_target = ra->block_freqs[f->succs[e]];
            Pair pair = {of_source < of_target ? of_source : of_target,
                         f->params[target->params + p].id, f->args[f->edge_args[e] + p].id};
            vec_push(ra->arena, pairs, pair);
        }
    }
}

/* Merges the pairs, the most frequent first. Frequencies are powers of two. */
static bool merge_pairs(Ra *ra, const Pairs *pairs)
{
    u32 counts[33] = {0};
    u32 *order = ARENA_ARRAY(ra->arena, u32, pairs->len);
    for (u32 i = 0; i < pairs->len; i++) {
        counts[dv_clz32(pairs->data[i].freq) + 1]++;
    }
    for (u32 i = 1; i < 33; i++) {
        counts[i] += counts[i - 1];
    }
    for (u32 i = 0; i < pairs->len; i++) {
        order[counts[dv_clz32(pairs->data[i].freq)]++] = i;
    }
    for (u32 i = 0; i < pairs->len; i++) {
        try_merge(ra, &pairs->data[order[i]]);
        if (ra_over_budget(ra)) {
            return false;
        }
    }
    return true;
}

bool dv_ra_bundles(Ra *ra)
{
    Pairs pairs = {0};
    for (u32 v = 0; v < ra->f->num_vregs; v++) {
        if (ra->vregs[v].ranges < ra->vregs[v].ranges_end) {
            make_bundle(ra, v);
        }
    }
    collect_pairs(ra, &pairs);
    if (!merge_pairs(ra, &pairs)) {
        return false;
    }
    for (u32 i = 0; i < ra->bundles.len; i++) {
        Bundle *b = &ra->bundles.data[i];
        SpillSet *set = &ra->spill_sets.data[b->spill_set];
        if (b->state == BUNDLE_GONE) {
            continue;
        }
        b->has_hints = set->num_hints > 0 || set->partner != RA_NONE;
        set->from = b->ranges[0].from;
        set->to = b->ranges[b->num_ranges - 1].to;
        dv_ra_bundle_weigh(ra, b);
    }
    return true;
}
