/* cleanup.c - moves that change nothing.
 *
 * One walk over the code that knows which registers and slots hold the same value: values are numbered as they appear.
 * A move to where its value is already is dropped; a load of what some register holds becomes a move from that.
 * What is known lasts to the end of the block, and into the next one if that has no other predecessor.
 */
#include "main.h"

#define REMAT_VALUE \
    0x80000000u /* plus the instruction: the value it computes whenever it is done */

typedef struct Cell {
    u32 value; /* 0: nothing known */
    u32 epoch; /* in which the value was noted; it holds in the same epoch only */
} Cell;

typedef struct Known {
    const Ra *ra;
    const RaFunc *f;
    Cell *cells;      /* by register, then by unit of spill memory */
    VEC(u16) holders; /* by value: the last register to hold on to it */
    u32 epoch;
    Arena *arena;
} Known;

static u32 cell_of(RaLoc loc)
{
    return ra_loc_kind(loc) == RA_LOC_REG ? ra_loc_preg(loc).id : RA_PREGS + ra_loc_index(loc);
}

static void set_value(Known *known, RaLoc loc, u32 value)
{
    known->cells[cell_of(loc)] = (Cell){value, known->epoch};
    if (ra_loc_kind(loc) == RA_LOC_REG && value < known->holders.len &&
        known->ra->ranks[ra_loc_preg(loc).id] != RA_NO_RANK) {
        known->holders.data[value] = ra_loc_preg(loc).id;
    }
}

static u32 new_value(Known *known)
{
    vec_push(known->arena, &known->holders, PREG_NONE.id);
    return known->holders.len - 1;
}

static u32 known_value(const Known *known, RaLoc loc)
{
    if (ra_loc_kind(loc) == RA_LOC_REMAT) {
        return REMAT_VALUE | ra_loc_index(loc);
    }
    const Cell *cell = &known->cells[cell_of(loc)];
    return cell->epoch == known->epoch ? cell->value : 0;
}

/* Notes what the move does; false if that is nothing. */
static bool note_move(Known *known, RaMove *m)
{
    u32 value = known_value(known, m->from);
    if (value == 0) {
        value = new_value(known);
        set_value(known, m->from, value);
    }
    if (known_value(known, m->to) == value) {
        return false;
    }
    if (ra_loc_kind(m->from) == RA_LOC_SLOT && value < known->holders.len &&
        known->holders.data[value] != PREG_NONE.id) {
        RaLoc holder = ra_loc(RA_LOC_REG, known->holders.data[value]);
        if (known_value(known, holder) == value) {
            m->from = holder;
        }
    }
    set_value(known, m->to, value);
    return true;
}

static void note_inst(Known *known, u32 at)
{
    const RaInst *inst = &known->f->insts[at];
    const RaClobbers *clobbers = &known->f->clobbers[inst->clobbers];
    for (u32 c = 0; c < known->f->machine->num_classes; c++) {
        PReg scratch = known->f->machine->classes[c].scratch;
        if (scratch.id != PREG_NONE.id) {
            known->cells[scratch.id].epoch = 0; /* it belongs to whoever emits the instruction */
        }
        for (u32 w = 0; inst->clobbers != 0 && w < RA_REGS_MAX / 64; w++) {
            for (u64 bits = clobbers->bits[c][w]; bits != 0; bits &= bits - 1) {
                known->cells[c * RA_REGS_MAX + w * 64 + dv_ctz64(bits)].epoch = 0;
            }
        }
    }
}

static void note_defs(Known *known, const RaLoc *locs, u32 at)
{
    const RaInst *inst = &known->f->insts[at];
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        if ((known->f->operands[k].flags & RA_DEF) != 0) {
            bool is_remat = (inst->flags & RA_INST_REMAT) != 0;
            set_value(known, locs[k], is_remat ? REMAT_VALUE | at : new_value(known));
        }
    }
}

static void count_move(RaStats *stats, const RaMove *m)
{
    stats->moves++;
    stats->stores += ra_loc_kind(m->to) == RA_LOC_SLOT;
    stats->loads += ra_loc_kind(m->from) == RA_LOC_SLOT;
    stats->remats += ra_loc_kind(m->from) == RA_LOC_REMAT;
    stats->reg_moves += ra_loc_kind(m->from) == RA_LOC_REG && ra_loc_kind(m->to) == RA_LOC_REG;
}

static bool continues(const RaFunc *f, u32 block)
{
    const RaBlock *b = &f->blocks[block];
    return block > 0 && b->num_preds == 1 && f->preds[b->preds] == block - 1;
}

void dv_ra_cleanup(Ra *ra, RaResult *out)
{
    const RaFunc *f = ra->f;
    Known known = {0};
    known.ra = ra;
    known.f = f;
    known.arena = ra->arena;
    known.cells = ARENA_ARRAY(ra->arena, Cell, RA_PREGS + (usize)out->num_slot_units);
    new_value(&known); /* 0 is none */
    u32 kept = 0;
    u32 next = 0;
    for (u32 b = 0; b < f->num_blocks; b++) {
        known.epoch += continues(f, b) ? 0 : 1;
        for (u32 i = f->blocks[b].first; i < f->blocks[b].end; i++) {
            for (; next < out->moves.len && out->moves.data[next].before == i; next++) {
                RaMove move = out->moves.data[next];
                if (note_move(&known, &move)) {
                    count_move(&ra->stats, &move);
                    out->moves.data[kept++] = move;
                }
            }
            note_inst(&known, i);
            note_defs(&known, out->locs, i);
        }
    }
    out->moves.len = kept;
    ra->stats.steps += f->num_operands + next;
}
