/* moves.c - parallel moves put in order.
 *
 * Registers and units of spill memory are cells; a location is one cell or, for a slot, several in a row. Slots of
 * different sizes may overlap, so a move may wait for several others: it is ready when no other pending move reads a
 * cell it writes. A count of pending readers per cell, and the one pending writer per cell, make this linear: doing a move lowers
 * the counts of what it read, and a count that reaches zero may make the cell's writer ready.
 *
 * When moves are pending and none is ready they wait for one another in a cycle: the source of one is copied to a temporary,
 * from which that move is done in the end. The temporary is the register set aside, unless moves between slots
 * may still need it, or it holds something already; then it is a spill slot of the mover's own. A move from slot to slot goes
 * through the register set aside too. Without one, any register serves: it is saved before and restored after, so that it does not
 * matter what it holds at that moment. So resolving never fails.
 */
#include "codegen/regalloc/regalloc.h"

enum { REG_CELLS = RA_CLASSES_MAX * RA_REGS_MAX };

typedef struct Cells {
    u32 first, count;
} Cells;

/* What one call of resolve keeps. */
typedef struct Resolve {
    RaMover *mover;
    RaMove *moves;
    u8 *done;
    u32 count;
    u32 slot_to_slot; /* pending moves that need a temporary register for a moment */
    u32 spares_used;
    PReg temps[RA_CLASSES_MAX];
    bool busy[RA_CLASSES_MAX]; /* the temporary holds a cycle's value */
    Arena *arena;
    RaMoves *out;
} Resolve;

static Cells cells_of(const RaMover *mover, RaLoc loc, u32 class)
{
    switch (ra_loc_kind(loc)) {
    case RA_LOC_REG:
        return (Cells){ra_loc_preg(loc).id, 1};
    case RA_LOC_SLOT:
        return (Cells){REG_CELLS + ra_loc_index(loc), mover->machine->classes[class].slot_units};
    default:
        return (Cells){0, 0};
    }
}

static void reserve_cells(RaMover *mover, Cells cells)
{
    u32 end = cells.first + cells.count;
    if (end > mover->readers.len) {
        u32 extra = end - mover->readers.len;
        vec_extend(mover->arena, &mover->readers, extra);
        vec_extend(mover->arena, &mover->writers, extra);
    }
}

static bool is_slot(RaLoc loc)
{
    return ra_loc_kind(loc) == RA_LOC_SLOT;
}

/* Whether it goes through a temporary register. */
static bool needs_temp(const RaMove *m)
{
    return is_slot(m->to) && ra_loc_kind(m->from) != RA_LOC_REG;
}

/* A slot of the mover's own that this call has not used yet, large and aligned enough for any class. */
static RaLoc take_spare(Resolve *r)
{
    RaMover *mover = r->mover;
    if (r->spares_used == mover->spares.len) {
        u32 units = 1;
        for (u32 i = 0; i < mover->machine->num_classes; i++) {
            u32 needed = mover->machine->classes[i].slot_units;
            units = needed > units ? needed : units;
        }
        u32 first = (*mover->num_slot_units + units - 1) & ~(units - 1);
        vec_push(mover->arena, &mover->spares, first);
        *mover->num_slot_units = first + units;
    }
    return ra_loc(RA_LOC_SLOT, mover->spares.data[r->spares_used++]);
}

static void emit(Resolve *r, const RaMove *like, RaLoc from, RaLoc to)
{
    RaMove move = *like;
    move.from = from;
    move.to = to;
    vec_push(r->arena, r->out, move);
}

/* One move as the machine can do it. */
static void emit_move(Resolve *r, const RaMove *m)
{
    if (!needs_temp(m)) {
        emit(r, m, m->from, m->to);
        return;
    }
    PReg temp = r->temps[m->class];
    if (temp.id != PREG_NONE.id && !r->busy[m->class]) {
        emit(r, m, m->from, ra_loc(RA_LOC_REG, temp.id));
        emit(r, m, ra_loc(RA_LOC_REG, temp.id), m->to);
        return;
    }
    const RaMachine *machine = r->mover->machine;
    CHECK(machine->classes[m->class].num_order > 0);
    RaLoc victim = ra_loc(RA_LOC_REG, preg_make(m->class, machine->classes[m->class].order[0]).id);
    u32 used = r->spares_used;
    RaLoc spare = take_spare(r);
    emit(r, m, victim, spare);
    emit(r, m, m->from, victim);
    emit(r, m, victim, m->to);
    emit(r, m, spare, victim);
    r->spares_used = used;
}

/* Whether no other pending move reads what this one writes. */
static bool is_ready(const Resolve *r, const RaMove *m)
{
    Cells to = cells_of(r->mover, m->to, m->class);
    Cells from = cells_of(r->mover, m->from, m->class);
    for (u32 c = to.first; c < to.first + to.count; c++) {
        bool own = c - from.first < from.count;
        if (r->mover->readers.data[c] > (own ? 1u : 0u)) {
            return false;
        }
    }
    return true;
}

/* The move's source is not read any more: whoever waited for that may be ready. */
static void release_source(Resolve *r, const RaMove *m)
{
    RaMover *mover = r->mover;
    Cells from = cells_of(mover, m->from, m->class);
    for (u32 c = from.first; c < from.first + from.count; c++) {
        mover->readers.data[c]--;
        u32 writer = mover->writers.data[c];
        if (mover->readers.data[c] <= 1 && writer != 0) {
            vec_push(mover->arena, &mover->ready, writer - 1);
        }
    }
}

static void do_ready(Resolve *r)
{
    RaMover *mover = r->mover;
    while (mover->ready.len > 0) {
        u32 i = vec_pop(&mover->ready);
        RaMove *m = &r->moves[i];
        *mover->steps += 1;
        if (r->done[i] || !is_ready(r, m)) {
            continue;
        }
        r->done[i] = true;
        r->slot_to_slot -= needs_temp(m);
        emit_move(r, m);
        if (ra_loc_kind(m->from) == RA_LOC_REG && r->busy[m->class] &&
            ra_loc_preg(m->from).id == r->temps[m->class].id) {
            r->busy[m->class] = false;
        }
        Cells to = cells_of(mover, m->to, m->class);
        for (u32 c = to.first; c < to.first + to.count; c++) {
            mover->writers.data[c] = 0;
        }
        release_source(r, m);
    }
}

/* Copies the source of a move that waits in a cycle to a temporary. */
static void break_cycle(Resolve *r, u32 i)
{
    RaMove *m = &r->moves[i];
    RaLoc temp;
    if (r->slot_to_slot == 0 && r->temps[m->class].id != PREG_NONE.id && !r->busy[m->class]) {
        temp = ra_loc(RA_LOC_REG, r->temps[m->class].id);
        r->busy[m->class] = true;
    } else {
        temp = take_spare(r);
    }
    RaMove save = *m;
    save.to = temp;
    emit_move(r, &save);
    release_source(r, m);
    r->slot_to_slot -= needs_temp(m);
    m->from = temp;
    r->slot_to_slot += needs_temp(m);
    Cells from = cells_of(r->mover, temp, m->class);
    reserve_cells(r->mover, from);
    for (u32 c = from.first; c < from.first + from.count; c++) {
        r->mover->readers.data[c]++;
    }
}

/* Counts readers and writers; moves to themselves are done. */
static void note_moves(Resolve *r)
{
    RaMover *mover = r->mover;
    for (u32 i = 0; i < r->count; i++) {
        const RaMove *m = &r->moves[i];
        Cells from = cells_of(mover, m->from, m->class);
        Cells to = cells_of(mover, m->to, m->class);
        reserve_cells(mover, from);
        reserve_cells(mover, to);
        *mover->steps += 1;
        if (ra_loc_equal(m->from, m->to)) {
            r->done[i] = true;
            continue;
        }
        r->slot_to_slot += needs_temp(m);
        for (u32 c = from.first; c < from.first + from.count; c++) {
            mover->readers.data[c]++;
        }
        for (u32 c = to.first; c < to.first + to.count; c++) {
            ASSERT(mover->writers.data[c] == 0);
            mover->writers.data[c] = i + 1;
        }
    }
}

void dv_mover_init(RaMover *mover, const RaMachine *machine, Arena *arena, u32 *num_slot_units,
                   u64 *steps)
{
    *mover = (RaMover){0};
    mover->machine = machine;
    mover->arena = arena;
    mover->num_slot_units = num_slot_units;
    mover->steps = steps;
}

void dv_mover_resolve(RaMover *mover, const RaMove *moves, u32 count, const PReg *free_regs,
                      Arena *arena, RaMoves *out)
{
    if (count == 1 && !needs_temp(moves)) { /* most are */
        *mover->steps += 1;
        if (!ra_loc_equal(moves->from, moves->to)) {
            vec_push(arena, out, *moves);
        }
        return;
    }
    Resolve r = {0};
    r.mover = mover;
    r.moves = ARENA_ARRAY(mover->arena, RaMove, count);
    r.done = ARENA_ARRAY(mover->arena, u8, count);
    r.count = count;
    r.arena = arena;
    r.out = out;
    memcpy(r.moves, moves, sizeof *moves * count);
    for (u32 i = 0; i < RA_CLASSES_MAX; i++) {
        r.temps[i] =
            i < mover->machine->num_classes ? mover->machine->classes[i].scratch : PREG_NONE;
        if (free_regs != NULL && free_regs[i].id != PREG_NONE.id) {
            r.temps[i] = free_regs[i];
        }
    }
    note_moves(&r);
    for (u32 i = count; i-- > 0;) {
        if (!r.done[i]) {
            vec_push(mover->arena, &mover->ready, i);
        }
    }
    do_ready(&r);
    for (u32 i = 0; i < count; i++) {
        if (!r.done[i] && ra_loc_kind(r.moves[i].from) != RA_LOC_REMAT) {
            break_cycle(&r, i);
            do_ready(&r);
        }
    }
}
