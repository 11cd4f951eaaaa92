/* resolve.c - from places to locations and moves.
 *
 * What was decided is turned around to be by vreg: its places by time, each a register, a slot or a computation, and the
 * registers it got for single instructions. Then each operand has a location, and a move is needed
 *   - after a definition made elsewhere than in the vreg's place,
 *   - where one place ends and the next begins, within a block,
 *   - before an instruction that uses the vreg elsewhere than in its place,
 *   - on an edge between blocks where the place differs, and from argument to parameter.
 * Moves at one point happen at once; they are put in order by moves.c. An edge's moves are a group of their own, at the tick of the
 * block's start, or after those of the branch.
 *
 * A vreg never changes, so its slot stays right once written, and no other vreg's is there as long as it lives. If the vreg is
 * stored in several places that are together run more often than its definition, it is stored once, after that.
 */
#include "main.h"

typedef struct Place {
    u32 from, to;
    RaLoc loc;
} Place;

typedef struct PendingMove {
    u32 key; /* tick * 2, plus 1 for those of an edge before a branch */
    u32 class;
    RaLoc from, to;
} PendingMove;

typedef struct Resolver {
    Ra *ra;
    RaResult *out;
    Place *places; /* by vreg, then time */
    u32 *place_starts;
    Place *demands; /* registers for one tick: by vreg, then time */
    u32 *demand_starts;
    u32 *next_heads; /* by block: the next that begins a chain */
    VEC(PendingMove) moves;
} Resolver;

/* ---- places by vreg ---- */

static RaLoc slot_of(const Ra *ra, u32 vreg)
{
    u32 set = ra->bundles.data[ra->vregs[vreg].bundle].spill_set;
    return ra_loc(RA_LOC_SLOT, ra->spill_sets.data[set].slot);
}

static RaLoc place_of(const Ra *ra, const Bundle *b, u32 vreg)
{
    if (b->state == BUNDLE_PLACED) {
        return ra_loc(RA_LOC_REG, b->preg);
    }
    if (ra->vregs[vreg].remat != RA_NONE) {
        return ra_loc(RA_LOC_REMAT, ra->vregs[vreg].remat);
    }
    return slot_of(ra, vreg);
}

static void sift_place(Place *places, u32 at, u32 len)
{
    Place moving = places[at];
    while (2 * at + 1 < len) {
        u32 child = 2 * at + 1;
        child += child + 1 < len && places[child].from < places[child + 1].from;
        if (places[child].from <= moving.from) {
            break;
        }
        places[at] = places[child];
        at = child;
    }
    places[at] = moving;
}

static void sort_places(Place *places, u32 len)
{
    u32 sorted = 1;
    while (sorted < len && places[sorted - 1].from < places[sorted].from) {
        sorted++;
    }
    if (sorted >= len) {
        return;
    }
    for (u32 i = len / 2; i-- > 0;) {
        sift_place(places, i, len);
    }
    for (u32 end = len; end-- > 1;) {
        Place last = places[end];
        places[end] = places[0];
        places[0] = last;
        sift_place(places, 0, end);
    }
}

/* Those of the bundles that have a level, or of those that have not, by vreg. */
static Place *collect_places(Ra *ra, bool has_level, u32 *starts)
{
    u32 num_vregs = ra->f->num_vregs;
    u32 total = 0;
    for (u32 i = 0; i < ra->bundles.len; i++) {
        const Bundle *b = &ra->bundles.data[i];
        for (u32 r = 0;
             b->state != BUNDLE_GONE && (b->level != 0) == has_level && r < b->num_ranges; r++) {
            starts[b->ranges[r].vreg + 1]++;
            total++;
        }
    }
    for (u32 v = 0; v < num_vregs; v++) {
        starts[v + 1] += starts[v];
    }
    Place *places = ARENA_ARRAY(ra->arena, Place, total);
    for (u32 i = ra->bundles.len; i-- > 0;) {
        const Bundle *b = &ra->bundles.data[i];
        for (u32 r = b->num_ranges;
             b->state != BUNDLE_GONE && (b->level != 0) == has_level && r-- > 0;) {
            const LiveRange *range = &b->ranges[r];
            places[--starts[range->vreg + 1]] =
                (Place){range->from, range->to, place_of(ra, b, range->vreg)};
        }
    }
    /* starts[v + 1] is where v begins now. */
    memmove(starts, starts + 1, sizeof(u32) * num_vregs);
    starts[num_vregs] = total;
    for (u32 v = 0; v < num_vregs; v++) {
        sort_places(places + starts[v], starts[v + 1] - starts[v]);
    }
    ra->stats.steps += total + ra->bundles.len + num_vregs;
    return places;
}

/* The place a vreg is in at a point, or NULL. */
static const Place *find_place(const Resolver *r, u32 vreg, u32 point)
{
    u32 low = r->place_starts[vreg];
    u32 end = r->place_starts[vreg + 1];
    u32 high = end;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (r->places[middle].to <= point) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < end && r->places[low].from <= point ? &r->places[low] : NULL;
}

static RaLoc loc_at(const Resolver *r, u32 vreg, u32 point)
{
    const Place *place = find_place(r, vreg, point);
    r->ra->stats.steps++;
    return place == NULL ? ra_loc(RA_LOC_NONE, 0) : place->loc;
}

/* ---- locations of operands ---- */

static RaLoc demanded_register(const Resolver *r, u32 vreg, u32 tick)
{
    u32 low = r->demand_starts[vreg];
    u32 high = r->demand_starts[vreg + 1];
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (r->demands[middle].from / 2 < tick) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    CHECK(low < r->demand_starts[vreg + 1] && r->demands[low].from / 2 == tick);
    return r->demands[low].loc;
}

static RaLoc loc_of_operand(const Resolver *r, const Use *use)
{
    const RaOperand *op = &r->ra->f->operands[use->operand];
    u32 vreg = op->vreg.id;
    if (op->constraint == RA_FIXED) {
        return ra_loc(RA_LOC_REG, op->arg);
    }
    if (op->constraint == RA_STACK) {
        return slot_of(r->ra, vreg);
    }
    bool is_late_def = (op->flags & RA_DEF) != 0 && (op->flags & RA_LATE) != 0;
    RaLoc loc = loc_at(r, vreg, 2 * use->tick + (is_late_def ? 1 : 0));
    if (ra_loc_kind(loc) == RA_LOC_REG ||
        (ra_loc_kind(loc) == RA_LOC_SLOT && op->constraint == RA_ANY)) {
        return loc;
    }
    return demanded_register(r, vreg, use->tick);
}

static void locate_operands(Resolver *r)
{
    Ra *ra = r->ra;
    for (u32 v = 0; v < ra->f->num_vregs; v++) {
        for (u32 u = ra->vregs[v].uses; u < ra->vregs[v].uses_end; u++) {
            u32 k = ra->uses[u].operand;
            if (k != RA_NONE && ra->served_by[k] == RA_NONE) {
                r->out->locs[k] = loc_of_operand(r, &ra->uses[u]);
            }
        }
    }
    for (u32 k = 0; k < ra->f->num_operands; k++) {
        if (ra->served_by[k] != RA_NONE) {
            r->out->locs[k] = r->out->locs[ra->served_by[k]];
        }
    }
}

/* ---- moves ---- */

static bool is_place(RaLoc loc)
{
    return ra_loc_kind(loc) == RA_LOC_REG || ra_loc_kind(loc) == RA_LOC_SLOT;
}

static void add_move(Resolver *r, u32 vreg, u32 key, RaLoc from, RaLoc to)
{
    ASSERT(ra_loc_kind(from) != RA_LOC_NONE);
    PendingMove move = {key, r->ra->f->vreg_classes[vreg], from, to};
    vec_push(r->ra->arena, &r->moves, move);
    r->ra->stats.steps++;
}

/* Where a vreg is when a block ends. */
static RaLoc loc_at_end(const Resolver *r, u32 vreg, u32 block)
{
    const VRegInfo *info = &r->ra->vregs[vreg];
    u32 end = r->ra->block_ticks[block + 1];
    if (info->def_operand != RA_NONE && info->def_tick == end - 1) {
        return r->out->locs[info->def_operand];
    }
    return loc_at(r, vreg, 2 * end - 1);
}

static u32 edge_key(const Ra *ra, u32 edge)
{
    u32 source = ra->edge_sources[edge];
    const RaBlock *block = &ra->f->blocks[source];
    const RaInst *branch = &ra->f->insts[block->end - 1];
    if (block->num_succs == 1 && branch->num_operands == 0 && branch->clobbers == 0) {
        return 2 * (ra->block_ticks[source + 1] - 1) + 1;
    }
    return 2 * ra->block_ticks[ra->f->succs[edge]];
}

/* Where a vreg is just before the moves of an instruction's tick. */
static RaLoc loc_before(const Resolver *r, u32 vreg, u32 tick)
{
    const VRegInfo *info = &r->ra->vregs[vreg];
    if (info->def_operand != RA_NONE && info->def_tick + 1 == tick) {
        return r->out->locs[info->def_operand];
    }
    return loc_at(r, vreg, 2 * tick - 1);
}

static void move_to_uses(Resolver *r, u32 vreg)
{
    Ra *ra = r->ra;
    u32 tick_moves = 0;
    u32 tick = RA_NONE;
    for (u32 u = ra->vregs[vreg].uses; u < ra->vregs[vreg].uses_end; u++) {
        const Use *use = &ra->uses[u];
        if (use->operand == RA_NONE || use->operand == ra->vregs[vreg].def_operand) {
            continue;
        }
        if (use->tick != tick) {
            tick = use->tick;
            tick_moves = r->moves.len;
        }
        RaLoc to = r->out->locs[use->operand];
        bool is_there = ra_loc_equal(to, loc_at(r, vreg, 2 * tick));
        for (u32 i = tick_moves; i < r->moves.len && !is_there; i++) {
            is_there = ra_loc_equal(r->moves.data[i].to, to);
        }
        RaLoc from = is_there ? to : loc_before(r, vreg, tick);
        if (!ra_loc_equal(from, to)) {
            add_move(r, vreg, 2 * tick, from, to);
        }
    }
}

/* From place to place within blocks; after the definition too. */
static void move_between_places(Resolver *r, u32 vreg)
{
    Ra *ra = r->ra;
    const VRegInfo *info = &ra->vregs[vreg];
    u32 after_def = info->def_operand == RA_NONE ? RA_NONE : info->def_tick + 1;
    if (after_def != RA_NONE && !ra_is_block_end(ra, after_def)) {
        RaLoc from = r->out->locs[info->def_operand];
        RaLoc to = loc_at(r, vreg, 2 * after_def);
        if (is_place(to) && !ra_loc_equal(from, to)) {
            add_move(r, vreg, 2 * after_def, from, to);
        }
    }
    for (u32 i = r->place_starts[vreg]; i < r->place_starts[vreg + 1]; i++) {
        const Place *place = &r->places[i];
        u32 tick = place->from / 2;
        if (place->from % 2 != 0 || tick == info->def_tick || tick == after_def ||
            ra_is_block_start(ra, tick)) {
            continue;
        }
        RaLoc from = loc_at(r, vreg, place->from - 1);
        if (is_place(place->loc) && !ra_loc_equal(from, place->loc)) {
            add_move(r, vreg, 2 * tick, from, place->loc);
        }
    }
}

static void move_into_block(Resolver *r, u32 vreg, u32 b, RaLoc to)
{
    Ra *ra = r->ra;
    const RaBlock *block = &ra->f->blocks[b];
    for (u32 e = block->preds; e < block->preds + block->num_preds; e++) {
        u32 edge = ra->in_edges[e];
        RaLoc from = loc_at_end(r, vreg, ra->edge_sources[edge]);
        if (!ra_loc_equal(from, to)) {
            add_move(r, vreg, edge_key(ra, edge), from, to);
        }
    }
}

/* Where the place at the start of a block is another than at the end of a predecessor. */
static void move_over_edges(Resolver *r, u32 vreg)
{
    Ra *ra = r->ra;
    const VRegInfo *info = &ra->vregs[vreg];
    u32 first = r->place_starts[vreg];
    u32 end = r->place_starts[vreg + 1];
    bool leaves_def = info->def_operand != RA_NONE && ra_is_block_end(ra, info->def_tick + 1);
    if (end - first < 2 && !leaves_def) {
        return;
    }
    for (u32 i = first; i < end; i++) {
        const Place *place = &r->places[i];
        u32 b = ra->block_of_tick[place->from / 2];
        b += 2 * ra->block_ticks[b] < place->from ? 1 : 0;
        while (is_place(place->loc) && 2 * ra->block_ticks[b] < place->to) {
            if (info->def_tick != ra->block_ticks[b]) {
                move_into_block(r, vreg, b, place->loc);
            }
            b = r->next_heads[b]; /* within a chain the place stays */
        }
    }
}

/* Of the moves from `first` on, all of the vreg, keeps those that write its slot only if that is better than to write
 * it once after the definition. */
static void choose_stores(Resolver *r, u32 vreg, u32 first)
{
    Ra *ra = r->ra;
    const VRegInfo *info = &ra->vregs[vreg];
    u64 cost = 0;
    for (u32 i = first; i < r->moves.len; i++) {
        if (ra_loc_kind(r->moves.data[i].to) == RA_LOC_SLOT) {
            cost += ra->block_freqs[ra->block_of_tick[r->moves.data[i].key / 2]];
        }
    }
    u32 after_def = info->def_tick + 1;
    RaLoc defined = info->def_operand == RA_NONE ? loc_at(r, vreg, 2 * info->def_tick)
                                                 : r->out->locs[info->def_operand];
    bool is_stored = ra_loc_kind(defined) == RA_LOC_SLOT;
    if (cost == 0 || (!is_stored && (cost <= ra->block_freqs[ra->block_of_tick[info->def_tick]] ||
                                     ra_is_block_end(ra, after_def)))) {
        return;
    }
    u32 kept = first;
    for (u32 i = first; i < r->moves.len; i++) {
        if (ra_loc_kind(r->moves.data[i].to) != RA_LOC_SLOT) {
            r->moves.data[kept++] = r->moves.data[i];
        }
    }
    r->moves.len = kept;
    if (!is_stored) {
        add_move(r, vreg, 2 * after_def, defined, slot_of(ra, vreg));
    }
}

static void move_params(Resolver *r)
{
    Ra *ra = r->ra;
    const RaFunc *f = ra->f;
    for (u32 e = 0; e < f->num_edges; e++) {
        u32 target = f->succs[e];
        const RaBlock *block = &f->blocks[target];
        for (u32 p = 0; p < block->num_params; p++) {
            u32 param = f->params[block->params + p].id;
            if (ra->param_is_dead[block->params + p]) {
                continue;
            }
            RaLoc from = loc_at_end(r, f->args[f->edge_args[e] + p].id, ra->edge_sources[e]);
            RaLoc to = loc_at(r, param, 2 * ra->block_ticks[target]);
            if (!ra_loc_equal(from, to)) {
                add_move(r, param, edge_key(ra, e), from, to);
            }
        }
    }
}

/* Puts the moves of each point in order. */
static void order_moves(Resolver *r, Arena *arena)
{
    Ra *ra = r->ra;
    u32 *starts = ARENA_ARRAY(ra->arena, u32, 2 * (usize)ra->num_ticks + 1);
    u32 num_moves = r->moves.len;
    RaMove *sorted = ARENA_ARRAY(ra->arena, RaMove, num_moves);
    for (u32 i = 0; i < num_moves; i++) {
        starts[r->moves.data[i].key + 1]++;
    }
    for (u32 k = 0; k < 2 * ra->num_ticks; k++) {
        starts[k + 1] += starts[k];
    }
    for (u32 i = 0; i < num_moves; i++) {
        const PendingMove *m = &r->moves.data[i];
        u32 tick = m->key / 2;
        bool at_start = ra_is_block_start(ra, tick);
        u32 before =
            at_start ? ra->f->blocks[ra->block_of_tick[tick]].first : ra_inst_of_tick(ra, tick);
        sorted[starts[m->key]++] = (RaMove){before, m->from, m->to, (u8)m->class};
    }
    RaMover mover;
    dv_mover_init(&mover, ra->f->machine, ra->arena, &r->out->num_slot_units, &ra->stats.steps);
    u32 first = 0; /* starts[k] has become where k + 1 begins */
    for (u32 k = 0; k < 2 * ra->num_ticks; k++) {
        u32 count = starts[k] - first;
        if (count > 0) {
            dv_mover_resolve(&mover, sorted + first, count, NULL, arena, &r->out->moves);
        }
        first = starts[k];
    }
    ra->stats.steps += ra->num_ticks;
}

void dv_ra_resolve(Ra *ra, Arena *arena, RaResult *out)
{
    usize num_vregs = ra->f->num_vregs;
    Resolver r = {0};
    r.ra = ra;
    r.out = out;
    r.place_starts = ARENA_ARRAY(ra->arena, u32, num_vregs + 1);
    r.demand_starts = ARENA_ARRAY(ra->arena, u32, num_vregs + 1);
    r.places = collect_places(ra, false, r.place_starts);
    r.demands = collect_places(ra, true, r.demand_starts);
    r.next_heads = ARENA_ARRAY(ra->arena, u32, ra->f->num_blocks);
    for (u32 b = ra->f->num_blocks, next = b; b-- > 0;) {
        r.next_heads[b] = next;
        next = ra->chain_heads[b] == b ? b : next;
    }
    out->locs = ARENA_ARRAY(arena, RaLoc, ra->f->num_operands);
    locate_operands(&r);
    for (u32 v = 0; v < num_vregs; v++) {
        if (ra->vregs[v].def_tick == RA_NONE) {
            continue;
        }
        u32 first = r.moves.len;
        move_to_uses(&r, v);
        move_between_places(&r, v);
        move_over_edges(&r, v);
        choose_stores(&r, v, first);
    }
    move_params(&r);
    order_moves(&r, arena);
}
