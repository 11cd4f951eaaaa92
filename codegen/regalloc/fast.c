/* fast.c - the allocator for compiling without optimisation: one backward pass, in linear time.
 *
 * Blocks are taken in postorder of a depth-first search, so that a block comes after all that its definitions dominate, and
 * instructions last to first. At each point `state` says which registers hold which values there: those that are used below. A
 * use of a value that is in no register puts it into one, where it then is from its definition on; a definition takes the
 * value out of the state. When a register is needed for something else, the value in it is displaced: it is moved back into
 * that register after the instruction, from another register or from its spill slot, and above the instruction it is there.
 * A value that anyone takes from its slot is stored once, right after its definition, which is met last; so nothing but the slot need be known
 * about it elsewhere. Values that can be computed again are, and need no slot.
 *
 * At the start of a block the state is what the block wants in registers. If it has a single predecessor, the
 * predecessor's end takes the state over as its own, that of the successor it prefers if there are several; for the
 * other successors moves stand at their start. If a block has several predecessors, it loads what it wants at its start, except for
 * parameters: those are expected in the registers they are used in. A loop's header is not known yet when the jump back to
 * it is met: then its parameters are promised registers, in an order of their own.
 *
 * Within an instruction, operands that need a register at both points (late uses, early definitions, reused ones) choose first:
 * their choice is narrowest; among them late uses, which clobbers narrow further. Then late definitions and early uses choose
 * at their own point each. A register that already holds a value at the early point serves all uses of it. So this fails only if the
 * instruction cannot be allocated at all. Values that merely live across give way, the one whose use is farthest first.
 *
 * All moves at one place are a parallel move (moves.c). They are found in the order of the pass and sorted in the end.
 */
#include "codegen/regalloc/regalloc.h"

#define NONE UINT32_MAX
#define NO_REG UINT16_MAX
enum { NUM_REGS = RA_CLASSES_MAX * RA_REGS_MAX };

/* Among moves before one instruction: which come first. */
enum {
    PHASE_AFTER, /* after the instruction before it, or of the edge that leads to its block */
    PHASE_START, /* at the start of its block */
    PHASE_BEFORE,
    PHASE_EDGE, /* of the edge that it takes, which has no operands */
    NUM_PHASES
};

typedef struct Displaced {
    u32 vreg;
    u16 to;     /* the register it is in after the instruction */
    RaLoc from; /* where it is at the instruction's late point */
} Displaced;

typedef struct Held {
    u32 vreg;
    u16 reg;
} Held;

typedef struct Start {
    const Held *held; /* what a block wants in registers, but for parameters */
    u32 count;
    bool is_done;
} Start;

typedef struct Fast {
    const RaFunc *f;
    const RaMachine *machine;
    RaResult *out;
    Arena *arena; /* scratch */
    RaMover mover;
    /* by vreg */
    u32 *slot;         /* the unit, plus 1; 0: needs none so far */
    u16 *reg;          /* where it is in a register, at the point reached */
    u16 *hint;         /* a register its definition is fixed to */
    u32 *use;          /* the use met last: the nearest below */
    u32 *again;        /* the instruction that can be done again to get it, plus 1; 0: none */
    u8 *is_local;      /* used only by instructions of the block that defines it */
    u32 *displaced_at; /* index in `displaced`, if that is of this vreg */
    u16 *early_reg;    /* where an operand of the instruction has it at the early point, if */
    u32 *early_reg_at; /* this is the instruction plus 1 */
    RaLoc *end_loc;    /* where it is after the block's last instruction, if */
    u32 *end_at;       /* this is the block plus 1 */
    /* by register */
    u32 state[NUM_REGS];
    u32 early_busy[NUM_REGS], late_busy[NUM_REGS],
        clobbered[NUM_REGS]; /* at the instruction, plus 1 */
    u32 moved_at[NUM_REGS];
    bool is_ordered[NUM_REGS], is_used[NUM_REGS];
    /* by block and parameter */
    Start *starts;
    RaLoc *param_locs;
    /* the instruction being allocated */
    u32 stamp; /* its number plus 1 */
    u32 block;
    bool is_last; /* it ends its block and what comes after it stands in the successors */
    VEC(Displaced) displaced;
    VEC(u16) below; /* by operand: where a definition is wanted */
    /* moves */
    RaMoves parallel;
    RaMoves moves;
    VEC(u8) phases;
    VEC(u32) free_slots[8]; /* by binary logarithm of the size, for local values */
    bool is_impossible;
} Fast;

static u32 class_of(const Fast *a, u32 vreg)
{
    return a->f->vreg_classes[vreg];
}

static RaLoc reg_loc(u32 reg)
{
    return ra_loc(RA_LOC_REG, reg);
}

/* ---- slots and moves ---- */

static RaLoc slot_of(Fast *a, u32 vreg)
{
    if (a->slot[vreg] == 0) {
        u32 units = a->machine->classes[class_of(a, vreg)].slot_units;
        u32 size = dv_ctz32(units);
        u32 unit;
        if (a->is_local[vreg] && a->free_slots[size].len > 0) {
            unit = vec_pop(&a->free_slots[size]);
        } else {
            unit = (a->out->num_slot_units + units - 1) & ~(units - 1);
            a->out->num_slot_units = unit + units;
        }
        a->slot[vreg] = unit + 1;
        a->out->stats.spilled_vregs++;
    }
    return ra_loc(RA_LOC_SLOT, a->slot[vreg] - 1);
}

/* Whence a value that is in no register is loaded. */
static RaLoc reload_of(Fast *a, u32 vreg)
{
    return a->again[vreg] != 0 ? ra_loc(RA_LOC_REMAT, a->again[vreg] - 1) : slot_of(a, vreg);
}

static void add_move(Fast *a, u32 vreg, RaLoc from, RaLoc to)
{
    RaMove move = {0, from, to, (u8)class_of(a, vreg)};
    vec_push(a->arena, &a->parallel, move);
}

/* Ends a parallel move that stands before instruction i. */
static void flush_moves(Fast *a, u32 i, u32 phase)
{
    for (u32 k = 0; k < a->parallel.len; k++) {
        a->parallel.data[k].before = i;
    }
    if (a->parallel.len > 0) {
        dv_mover_resolve(&a->mover, a->parallel.data, a->parallel.len, NULL, a->arena, &a->moves);
    }
    while (a->phases.len < a->moves.len) {
        vec_push(a->arena, &a->phases, (u8)phase);
    }
    vec_clear(&a->parallel);
}

/* ---- the state ---- */

static void hold(Fast *a, u32 vreg, u32 reg)
{
    ASSERT(a->state[reg] == NONE && a->reg[vreg] == NO_REG && a->is_ordered[reg]);
    a->state[reg] = vreg;
    a->reg[vreg] = (u16)reg;
    a->is_used[reg] = true;
}

static void release(Fast *a, u32 vreg)
{
    a->state[a->reg[vreg]] = NONE;
    a->reg[vreg] = NO_REG;
}

static bool is_busy(const Fast *a, const u32 *busy, u32 reg)
{
    return busy[reg] == a->stamp;
}

/* Whether nothing of the instruction or across it is in the register, at both points. */
static bool is_free(const Fast *a, u32 reg)
{
    return a->state[reg] == NONE && !is_busy(a, a->early_busy, reg) &&
           !is_busy(a, a->late_busy, reg);
}

/* Moves a value that lives across the instruction out of its register. */
static void displace(Fast *a, u32 vreg)
{
    u32 class = class_of(a, vreg);
    u16 old = a->reg[vreg];
    RaLoc from = {0};
    release(a, vreg);
    for (u32 i = 0; i < a->machine->classes[class].num_order; i++) {
        u32 reg = preg_make(class, a->machine->classes[class].order[i]).id;
        bool is_cheap = i < a->machine->classes[class].num_cheap || a->is_used[reg];
        a->out->stats.steps++;
        if (reg != old && is_cheap && is_free(a, reg) && !is_busy(a, a->clobbered, reg)) {
            hold(a, vreg, reg);
            from = reg_loc(reg);
            break;
        }
    }
    if (ra_loc_kind(from) == RA_LOC_NONE) {
        from = reload_of(a, vreg);
        a->out->stats.evictions++;
    }
    u32 at = a->displaced_at[vreg];
    if (at < a->displaced.len && a->displaced.data[at].vreg == vreg) {
        a->displaced.data[at].from = from;
        return;
    }
    a->displaced_at[vreg] = a->displaced.len;
    vec_push(a->arena, &a->displaced, ((Displaced){vreg, old, from}));
}

enum { AT_EARLY = 1, AT_LATE = 2, NOT_CLOBBERED = 4, IF_FREE = 8 };

static bool may_take(const Fast *a, u32 reg, u32 when)
{
    return ((when & AT_EARLY) == 0 || !is_busy(a, a->early_busy, reg)) &&
           ((when & AT_LATE) == 0 || !is_busy(a, a->late_busy, reg)) &&
           ((when & NOT_CLOBBERED) == 0 || !is_busy(a, a->clobbered, reg));
}

/* A register for an operand at these points: `wish` if it can be had, else one that is free, else one whose
 * value can give way. NO_REG if there is none. */
static u32 take_reg(Fast *a, u32 class, u32 when, u32 wish)
{
    u32 best = NO_REG;
    if (wish != NO_REG && a->is_ordered[wish] && preg_class((PReg){(u16)wish}) == class &&
        a->state[wish] == NONE && may_take(a, wish, when)) {
        best = wish;
    }
    for (u32 i = 0; best == NO_REG && i < a->machine->classes[class].num_order; i++) {
        u32 reg = preg_make(class, a->machine->classes[class].order[i]).id;
        a->out->stats.steps++;
        if (a->state[reg] == NONE && may_take(a, reg, when)) {
            best = reg;
        }
    }
    for (u32 i = 0;
         best == NO_REG && (when & IF_FREE) == 0 && i < a->machine->classes[class].num_order; i++) {
        u32 reg = preg_make(class, a->machine->classes[class].order[i]).id;
        a->out->stats.steps++;
        if (may_take(a, reg, when) &&
            (best == NO_REG || a->use[a->state[reg]] > a->use[a->state[best]])) {
            best = reg;
        }
    }
    if (best == NO_REG) {
        a->is_impossible |= (when & IF_FREE) == 0;
        return NO_REG;
    }
    if (a->state[best] != NONE) {
        displace(a, a->state[best]);
    }
    if ((when & AT_EARLY) != 0) {
        a->early_busy[best] = a->stamp;
    }
    if ((when & AT_LATE) != 0) {
        a->late_busy[best] = a->stamp;
    }
    a->is_used[best] = true;
    return best;
}

/* ---- one instruction ---- */

static void set_end(Fast *a, u32 vreg, RaLoc loc)
{
    a->end_loc[vreg] = loc;
    a->end_at[vreg] = a->block + 1;
}

/* Notes that an operand has the value in this register at the early point. */
static void note_early(Fast *a, u32 vreg, u32 reg)
{
    if (a->is_ordered[reg]) {
        a->early_reg[vreg] = (u16)reg;
        a->early_reg_at[vreg] = a->stamp;
    }
}

static u32 early_reg_of(const Fast *a, u32 vreg)
{
    return a->early_reg_at[vreg] == a->stamp ? a->early_reg[vreg] : NO_REG;
}

/* Takes definitions out of the state and marks what is fixed. */
static void begin_inst(Fast *a, const RaInst *inst)
{
    vec_clear(&a->below);
    for (u32 k = 0; k < inst->num_operands; k++) {
        const RaOperand *o = &a->f->operands[inst->operands + k];
        bool is_def = (o->flags & RA_DEF) != 0;
        bool is_late = (o->flags & RA_LATE) != 0;
        u32 below = is_def ? a->reg[o->vreg.id] : NO_REG;
        a->out->stats.steps++;
        vec_push(a->arena, &a->below, (u16)below);
        if (below != NO_REG) {
            release(a, o->vreg.id);
        }
        if (o->constraint != RA_FIXED) {
            continue;
        }
        a->out->locs[inst->operands + k] = reg_loc(o->arg);
        if (!is_def || !is_late) {
            a->early_busy[o->arg] = a->stamp;
        }
        if (is_def || is_late) {
            a->late_busy[o->arg] = a->stamp;
        }
        if (!is_def) {
            note_early(a, o->vreg.id, o->arg);
        }
    }
}

static void note_clobbers(Fast *a, const RaInst *inst)
{
    for (u32 class = 0; inst->clobbers != 0 && class < a->machine->num_classes; class ++) {
        for (u32 word = 0; word < RA_REGS_MAX / 64; word++) {
            u64 bits = a->f->clobbers[inst->clobbers].bits[class][word];
            for (; bits != 0; bits &= bits - 1) {
                a->clobbered[preg_make(class, word * 64 + dv_ctz64(bits)).id] = a->stamp;
                a->out->stats.steps++;
            }
        }
    }
}

/* Values across the instruction leave registers that are clobbered or fixed for others. */
static void make_way(Fast *a, const RaInst *inst)
{
    for (u32 class = 0; inst->clobbers != 0 && class < a->machine->num_classes; class ++) {
        for (u32 i = 0; i < a->machine->classes[class].num_order; i++) {
            u32 reg = preg_make(class, a->machine->classes[class].order[i]).id;
            if (is_busy(a, a->clobbered, reg) && a->state[reg] != NONE) {
                displace(a, a->state[reg]);
            }
        }
    }
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        const RaOperand *o = &a->f->operands[k];
        bool is_def = (o->flags & RA_DEF) != 0;
        if (o->constraint == RA_FIXED && a->state[o->arg] != NONE &&
            (is_def || a->state[o->arg] != o->vreg.id)) {
            displace(a, a->state[o->arg]);
        }
        if (o->constraint == RA_FIXED && o->flags == (RA_USE | RA_LATE) && a->is_ordered[o->arg] &&
            a->state[o->arg] == NONE && a->reg[o->vreg.id] == NO_REG) {
            hold(a, o->vreg.id, o->arg);
        }
    }
}

/* A late use that needs a register. */
static void place_late_use(Fast *a, u32 k)
{
    u32 vreg = a->f->operands[k].vreg.id;
    u32 reg = early_reg_of(a, vreg);
    if (reg != NO_REG && may_take(a, reg, AT_LATE | NOT_CLOBBERED) &&
        (a->state[reg] == NONE || a->state[reg] == vreg)) {
        a->late_busy[reg] = a->stamp;
    } else if (reg != NO_REG && is_busy(a, a->late_busy, reg) && a->state[reg] == vreg) {
        /* another late use has it there */
    } else if (a->reg[vreg] != NO_REG && may_take(a, a->reg[vreg], AT_EARLY | AT_LATE)) {
        reg = a->reg[vreg];
        a->early_busy[reg] = a->stamp;
        a->late_busy[reg] = a->stamp;
    } else {
        reg = take_reg(a, class_of(a, vreg), AT_EARLY | AT_LATE | NOT_CLOBBERED, a->hint[vreg]);
    }
    if (reg == NO_REG) {
        return;
    }
    if (a->reg[vreg] == NO_REG) {
        hold(a, vreg, reg);
    }
    note_early(a, vreg, reg);
    a->out->locs[k] = reg_loc(reg);
}

/* A definition in the register of a use. */
static void place_reuse(Fast *a, const RaInst *inst, u32 k)
{
    const RaOperand *def = &a->f->operands[inst->operands + k];
    u32 use = a->f->operands[inst->operands + def->arg].vreg.id;
    u32 reg = early_reg_of(a, use);
    if (reg != NO_REG && a->state[reg] == NONE && may_take(a, reg, AT_LATE)) {
        a->late_busy[reg] = a->stamp;
        a->is_used[reg] = true;
    } else {
        reg = take_reg(a, class_of(a, use), AT_EARLY | AT_LATE, a->below.data[k]);
    }
    if (reg == NO_REG) {
        return;
    }
    note_early(a, use, reg);
    a->out->locs[inst->operands + k] = reg_loc(reg);
    a->out->locs[inst->operands + def->arg] = reg_loc(reg);
}

/* Where a definition wants to be that may be anywhere. */
static RaLoc place_any_def(Fast *a, u32 vreg, u32 when, u32 below)
{
    if (below == NO_REG && a->slot[vreg] != 0) {
        return slot_of(a, vreg);
    }
    u32 reg = take_reg(a, class_of(a, vreg), when | IF_FREE, below);
    return reg == NO_REG ? slot_of(a, vreg) : reg_loc(reg);
}

static void place_def(Fast *a, const RaInst *inst, u32 k)
{
    const RaOperand *o = &a->f->operands[inst->operands + k];
    u32 vreg = o->vreg.id;
    u32 when = (o->flags & RA_LATE) != 0 ? AT_LATE : AT_EARLY | AT_LATE;
    u32 below = a->below.data[k];
    u32 reg;
    switch (o->constraint) {
    case RA_ANY:
        a->out->locs[inst->operands + k] = place_any_def(a, vreg, when, below);
        break;
    case RA_STACK:
        a->out->locs[inst->operands + k] = slot_of(a, vreg);
        break;
    case RA_REG:
        reg = take_reg(a, class_of(a, vreg), when, below != NO_REG ? below : a->hint[vreg]);
        a->out->locs[inst->operands + k] = reg == NO_REG ? (RaLoc){0} : reg_loc(reg);
        break;
    default:
        break;
    }
}

/* Takes what is defined to where it is wanted below. */
static void finish_def(Fast *a, const RaInst *inst, u32 k)
{
    u32 vreg = a->f->operands[inst->operands + k].vreg.id;
    RaLoc loc = a->out->locs[inst->operands + k];
    if (a->is_last) {
        set_end(a, vreg, loc);
        return;
    }
    if (a->below.data[k] != NO_REG) {
        add_move(a, vreg, loc, reg_loc(a->below.data[k]));
    }
    if (a->slot[vreg] != 0 && ra_loc_kind(loc) != RA_LOC_SLOT) {
        add_move(a, vreg, loc, slot_of(a, vreg));
    }
}

/* Before early uses choose, a value that is in a register lives across the instruction, so it is there late too... */
static void propose_late_any(Fast *a, u32 k)
{
    u32 reg = a->reg[a->f->operands[k].vreg.id];
    a->out->locs[k] = reg == NO_REG ? (RaLoc){0} : reg_loc(reg);
}

/* ...unless it has to give way to an early use. */
static void place_late_any(Fast *a, u32 k)
{
    u32 vreg = a->f->operands[k].vreg.id;
    RaLoc loc = a->out->locs[k];
    if (ra_loc_kind(loc) == RA_LOC_NONE || a->reg[vreg] != ra_loc_preg(loc).id) {
        a->out->locs[k] = slot_of(a, vreg);
    }
}

/* A use that may be in a slot, once those that need registers have theirs. */
static void place_early_any(Fast *a, u32 k)
{
    u32 vreg = a->f->operands[k].vreg.id;
    u32 reg = a->reg[vreg];
    if (reg == NO_REG && a->slot[vreg] == 0) {
        reg = take_reg(a, class_of(a, vreg), AT_EARLY | IF_FREE, a->hint[vreg]);
        if (reg != NO_REG) {
            hold(a, vreg, reg);
        }
    }
    a->out->locs[k] = reg == NO_REG ? slot_of(a, vreg) : reg_loc(reg);
}

/* An early use that needs a register. */
static void place_early_use(Fast *a, u32 k)
{
    u32 vreg = a->f->operands[k].vreg.id;
    u32 reg = early_reg_of(a, vreg);
    if (reg == NO_REG) {
        reg = a->reg[vreg];
    }
    if (reg == NO_REG) {
        reg = take_reg(a, class_of(a, vreg), AT_EARLY, a->hint[vreg]);
        if (reg == NO_REG) {
            return;
        }
        hold(a, vreg, reg);
    }
    a->early_busy[reg] = a->stamp;
    note_early(a, vreg, reg);
    a->out->locs[k] = reg_loc(reg);
}

typedef bool Selects(const RaOperand *o);

static bool is_late_reg_use(const RaOperand *o)
{
    return o->flags == (RA_USE | RA_LATE) && o->constraint == RA_REG;
}

static bool is_late_any_use(const RaOperand *o)
{
    return o->flags == (RA_USE | RA_LATE) && o->constraint == RA_ANY;
}

static bool is_early_any_use(const RaOperand *o)
{
    return o->flags == (RA_USE | RA_EARLY) && o->constraint == RA_ANY;
}

static void place_uses(Fast *a, const RaInst *inst, Selects *selects, void (*place)(Fast *a, u32 k))
{
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        a->out->stats.steps++;
        if (selects(&a->f->operands[k])) {
            place(a, k);
        }
    }
}

/* Definitions of one time and constraints; reuse ones are done already. */
static void place_defs(Fast *a, const RaInst *inst, u32 when, bool may_be_anywhere)
{
    for (u32 k = 0; k < inst->num_operands; k++) {
        const RaOperand *o = &a->f->operands[inst->operands + k];
        if (o->flags == (RA_DEF | when) && (o->constraint == RA_ANY) == may_be_anywhere) {
            place_def(a, inst, k);
        }
    }
}

/* Values in registers that fixed and reused operands have them in may as well be there above. */
static void hold_fixed(Fast *a, const RaInst *inst)
{
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        const RaOperand *o = &a->f->operands[k];
        u32 reg = early_reg_of(a, o->vreg.id);
        if ((o->flags & RA_DEF) == 0 && reg != NO_REG && a->reg[o->vreg.id] == NO_REG &&
            a->state[reg] == NONE) {
            hold(a, o->vreg.id, reg);
        }
    }
}

static void place_early_uses(Fast *a, const RaInst *inst)
{
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        const RaOperand *o = &a->f->operands[k];
        bool is_early_use = o->flags == (RA_USE | RA_EARLY);
        if ((o->flags & RA_DEF) == 0 && o->constraint == RA_STACK) {
            a->out->locs[k] = slot_of(a, o->vreg.id);
        } else if (is_early_use && o->constraint == RA_REG &&
                   ra_loc_kind(a->out->locs[k]) == RA_LOC_NONE) {
            place_early_use(a, k);
        }
    }
}

/* Takes values from where they are above to where uses have them. */
static void finish_uses(Fast *a, const RaInst *inst)
{
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        const RaOperand *o = &a->f->operands[k];
        u32 vreg = o->vreg.id;
        RaLoc loc = a->out->locs[k];
        if ((o->flags & RA_DEF) != 0) {
            continue;
        }
        a->use[vreg] = a->stamp - 1;
        if (ra_loc_kind(loc) == RA_LOC_REG && a->reg[vreg] != ra_loc_preg(loc).id &&
            !is_busy(a, a->moved_at, ra_loc_preg(loc).id)) {
            a->moved_at[ra_loc_preg(loc).id] = a->stamp;
            add_move(a, vreg, a->reg[vreg] != NO_REG ? reg_loc(a->reg[vreg]) : reload_of(a, vreg),
                     loc);
        }
    }
}

/* The slot of a local value serves others above its definition. */
static void free_slot(Fast *a, u32 vreg)
{
    if (a->is_local[vreg] && a->slot[vreg] != 0) {
        u32 size = dv_ctz32(a->machine->classes[class_of(a, vreg)].slot_units);
        vec_push(a->arena, &a->free_slots[size], a->slot[vreg] - 1);
    }
}

static void free_slots(Fast *a, const RaInst *inst)
{
    for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
        if ((a->f->operands[k].flags & RA_DEF) != 0) {
            free_slot(a, a->f->operands[k].vreg.id);
        }
    }
}

/* What is after the instruction, once places are known. */
static void finish_late(Fast *a, const RaInst *inst)
{
    for (u32 k = 0; k < inst->num_operands; k++) {
        if ((a->f->operands[inst->operands + k].flags & RA_DEF) != 0) {
            finish_def(a, inst, k);
        }
    }
    for (u32 i = 0; i < a->displaced.len; i++) {
        const Displaced *d = &a->displaced.data[i];
        if (a->is_last) {
            set_end(a, d->vreg, d->from);
        } else {
            add_move(a, d->vreg, d->from, reg_loc(d->to));
        }
    }
    flush_moves(a, a->stamp, PHASE_AFTER);
}

/* is_last: what is to be done after it is left in end_loc. */
static bool allocate_inst(Fast *a, u32 i, bool is_last)
{
    const RaInst *inst = &a->f->insts[i];
    a->stamp = i + 1;
    a->is_last = is_last;
    vec_clear(&a->displaced);
    begin_inst(a, inst);
    note_clobbers(a, inst);
    make_way(a, inst);
    place_uses(a, inst, is_late_reg_use, place_late_use);
    for (u32 k = 0; k < inst->num_operands; k++) {
        if (a->f->operands[inst->operands + k].constraint == RA_REUSE) {
            place_reuse(a, inst, k);
        }
    }
    place_defs(a, inst, RA_EARLY, false);
    place_defs(a, inst, RA_LATE, false);
    place_defs(a, inst, RA_LATE, true);
    place_uses(a, inst, is_late_any_use, propose_late_any);
    hold_fixed(a, inst);
    place_early_uses(a, inst);
    place_uses(a, inst, is_late_any_use, place_late_any);
    place_defs(a, inst, RA_EARLY, true);
    place_uses(a, inst, is_early_any_use, place_early_any);
    if (a->is_impossible) {
        return false;
    }
    finish_late(a, inst);
    finish_uses(a, inst);
    flush_moves(a, i, PHASE_BEFORE);
    free_slots(a, inst);
    return true;
}

/* ---- blocks ---- */

/* Whether moves of the block's one edge stand before its last instruction. */
static bool is_plain_end(const RaFunc *f, const RaBlock *block)
{
    const RaInst *last = &f->insts[block->end - 1];
    return block->num_succs == 1 && last->num_operands == 0 && last->clobbers == 0;
}

/* Wants the value in the register at the block's end, if nothing else is there. */
static void want_at_end(Fast *a, u32 vreg, u32 reg)
{
    if (a->reg[vreg] == NO_REG && a->state[reg] == NONE) {
        hold(a, vreg, reg);
        a->use[vreg] = NONE;
    }
}

/* Parameters of a block that is not allocated yet get registers, as far as they go, or slots. */
static void promise_params(Fast *a, const RaBlock *to)
{
    u32 taken[RA_CLASSES_MAX] = {0};
    for (u32 i = to->params; i < to->params + to->num_params; i++) {
        u32 vreg = a->f->params[i].id;
        u32 class = class_of(a, vreg);
        if (ra_loc_kind(a->param_locs[i]) != RA_LOC_NONE) {
            continue;
        }
        if (taken[class] < a->machine->classes[class].num_cheap) {
            u32 reg = preg_make(class, a->machine->classes[class].order[taken[class]++]).id;
            a->param_locs[i] = reg_loc(reg);
            a->hint[vreg] = (u16)reg;
        } else {
            a->is_local[vreg] = 0; /* the slot is in use outside of its block */
            a->param_locs[i] = slot_of(a, vreg);
        }
    }
}

static void want_params_at_end(Fast *a, u32 edge, const RaBlock *to)
{
    for (u32 i = 0; i < to->num_params; i++) {
        RaLoc loc = a->param_locs[to->params + i];
        if (ra_loc_kind(loc) == RA_LOC_REG) {
            want_at_end(a, a->f->args[a->f->edge_args[edge] + i].id, ra_loc_preg(loc).id);
        }
    }
}

/* The successor whose wishes count. */
static u32 preferred_edge(const Fast *a, const RaBlock *block)
{
    u32 best = block->succs;
    for (u32 e = block->succs; e < block->succs + block->num_succs; e++) {
        const RaBlock *to = &a->f->blocks[a->f->succs[e]];
        const RaBlock *other = &a->f->blocks[a->f->succs[best]];
        if (to->is_cold < other->is_cold ||
            (to->is_cold == other->is_cold && to->loop_depth > other->loop_depth)) {
            best = e;
        }
    }
    return best;
}

/* The state at the end of a block, from what its successors want. */
static void begin_block(Fast *a, const RaBlock *block)
{
    if (block->num_succs == 0) {
        return;
    }
    u32 edge = preferred_edge(a, block);
    u32 number = a->f->succs[edge];
    const RaBlock *to = &a->f->blocks[number];
    const Start *start = &a->starts[number];
    if (!start->is_done) {
        promise_params(a, to);
    }
    for (u32 i = 0; i < start->count; i++) {
        want_at_end(a, start->held[i].vreg, start->held[i].reg);
    }
    want_params_at_end(a, edge, to);
    for (u32 class = 0; class < a->machine->num_classes; class ++) {
        for (u32 i = 0; i < a->machine->classes[class].num_order; i++) {
            u32 reg = preg_make(class, a->machine->classes[class].order[i]).id;
            if (a->state[reg] != NONE) {
                set_end(a, a->state[reg], reg_loc(reg));
            }
        }
    }
}

static RaLoc end_loc_of(Fast *a, u32 vreg)
{
    return a->end_at[vreg] == a->block + 1 ? a->end_loc[vreg] : reload_of(a, vreg);
}

/* Moves from the block's end to the start of a successor. */
static void do_edge(Fast *a, const RaBlock *block, u32 edge, bool is_plain)
{
    const RaFunc *f = a->f;
    const RaBlock *to = &f->blocks[f->succs[edge]];
    const Start *start = &a->starts[f->succs[edge]];
    const RaInst *last = &f->insts[block->end - 1];
    for (u32 i = 0; i < to->num_params; i++) {
        u32 arg = f->args[f->edge_args[edge] + i].id;
        RaLoc loc = a->param_locs[to->params + i];
        a->out->stats.steps++;
        if (ra_loc_kind(loc) != RA_LOC_NONE) {
            add_move(a, arg, end_loc_of(a, arg), loc);
        }
    }
    for (u32 i = 0; i < start->count; i++) {
        add_move(a, start->held[i].vreg, end_loc_of(a, start->held[i].vreg),
                 reg_loc(start->held[i].reg));
    }
    for (u32 k = last->operands; k < last->operands + last->num_operands; k++) {
        u32 vreg = f->operands[k].vreg.id;
        if ((f->operands[k].flags & RA_DEF) != 0 && a->slot[vreg] != 0) {
            RaLoc slot = slot_of(a, vreg);
            RaLoc from = end_loc_of(a, vreg);
            if (!ra_loc_equal(from, slot)) {
                add_move(a, vreg, from, slot);
            }
        }
    }
    flush_moves(a, is_plain ? block->end - 1 : to->first, is_plain ? PHASE_EDGE : PHASE_AFTER);
}

static void do_edges(Fast *a, const RaBlock *block, bool is_plain)
{
    for (u32 e = block->succs; e < block->succs + block->num_succs; e++) {
        do_edge(a, block, e, is_plain);
    }
}

/* Parameters arrive where they are wanted, or in their slots. */
static void begin_params(Fast *a, const RaBlock *block)
{
    for (u32 i = block->params; i < block->params + block->num_params; i++) {
        u32 vreg = a->f->params[i].id;
        bool is_held = a->reg[vreg] != NO_REG;
        bool is_known = ra_loc_kind(a->param_locs[i]) != RA_LOC_NONE;
        a->out->stats.steps++;
        if (!is_known && (is_held || a->slot[vreg] != 0)) {
            a->param_locs[i] = is_held ? reg_loc(a->reg[vreg]) : slot_of(a, vreg);
        }
        RaLoc loc = a->param_locs[i];
        if (is_held) {
            add_move(a, vreg, loc, reg_loc(a->reg[vreg]));
            release(a, vreg);
        }
        if (a->slot[vreg] != 0 && ra_loc_kind(loc) != RA_LOC_SLOT) {
            add_move(a, vreg, loc, slot_of(a, vreg));
        }
    }
}

/* The state at the block's start becomes its wishes, or is loaded; and is empty then. */
static void end_block(Fast *a, u32 b)
{
    const RaBlock *block = &a->f->blocks[b];
    VEC(Held) held = {0};
    begin_params(a, block);
    for (u32 class = 0; class < a->machine->num_classes; class ++) {
        for (u32 i = 0; i < a->machine->classes[class].num_order; i++) {
            u32 reg = preg_make(class, a->machine->classes[class].order[i]).id;
            u32 vreg = a->state[reg];
            a->out->stats.steps++;
            if (vreg == NONE) {
                continue;
            }
            release(a, vreg);
            if (block->num_preds == 1) {
                vec_push(a->arena, &held, ((Held){vreg, (u16)reg}));
            } else {
                add_move(a, vreg, reload_of(a, vreg), reg_loc(reg));
            }
        }
    }
    flush_moves(a, block->first, PHASE_START);
    a->starts[b] = (Start){held.data, held.len, true};
    for (u32 i = block->params; i < block->params + block->num_params; i++) {
        free_slot(a, a->f->params[i].id);
    }
}

static bool allocate_block(Fast *a, u32 b)
{
    const RaBlock *block = &a->f->blocks[b];
    bool is_plain = is_plain_end(a->f, block);
    a->block = b;
    begin_block(a, block);
    if (is_plain) {
        do_edges(a, block, true);
    } else if (!allocate_inst(a, block->end - 1, true)) {
        return false;
    } else {
        do_edges(a, block, false);
    }
    for (u32 i = block->end - 1; i-- > block->first;) {
        if (!allocate_inst(a, i, false)) {
            return false;
        }
    }
    end_block(a, b);
    return true;
}

/* ---- the function ---- */

/* Blocks, each after all that a depth-first search reaches from it first. */
static u32 *postorder(Fast *a)
{
    const RaFunc *f = a->f;
    u32 *order = ARENA_ARRAY(a->arena, u32, f->num_blocks);
    u32 *next = ARENA_ARRAY(a->arena, u32, f->num_blocks);
    u32 *stack = ARENA_ARRAY(a->arena, u32, f->num_blocks);
    u8 *is_seen = ARENA_ARRAY(a->arena, u8, f->num_blocks);
    u32 depth = 0;
    u32 count = 0;
    stack[depth++] = 0;
    is_seen[0] = 1;
    while (depth > 0) {
        u32 b = stack[depth - 1];
        const RaBlock *block = &f->blocks[b];
        if (next[b] == block->num_succs) {
            order[count++] = b;
            depth--;
            continue;
        }
        u32 to = f->succs[block->succs + next[b]++];
        if (!is_seen[to]) {
            is_seen[to] = 1;
            stack[depth++] = to;
        }
    }
    ASSERT(count == f->num_blocks);
    return order;
}

/* What is known about values beforehand: which are local, what can be done again, where definitions are fixed. */
static void look_at_values(Fast *a)
{
    const RaFunc *f = a->f;
    u32 *home =
        ARENA_ARRAY(a->arena, u32, f->num_vregs); /* the block that defines or uses it, plus 1 */
    memset(a->is_local, 1, f->num_vregs);
    for (u32 b = 0; b < f->num_blocks; b++) {
        const RaBlock *block = &f->blocks[b];
        for (u32 i = block->params; i < block->params + block->num_params; i++) {
            u32 vreg = f->params[i].id;
            a->is_local[vreg] &= home[vreg] == 0 || home[vreg] == b + 1;
            home[vreg] = b + 1;
        }
        for (u32 i = block->first; i < block->end; i++) {
            const RaInst *inst = &f->insts[i];
            for (u32 k = inst->operands; k < inst->operands + inst->num_operands; k++) {
                const RaOperand *o = &f->operands[k];
                u32 vreg = o->vreg.id;
                bool is_def = (o->flags & RA_DEF) != 0;
                a->is_local[vreg] &= home[vreg] == 0 || home[vreg] == b + 1;
                home[vreg] = b + 1;
                if (is_def && (inst->flags & RA_INST_REMAT) != 0) {
                    a->again[vreg] = i + 1;
                }
                if (is_def && o->constraint == RA_FIXED) {
                    a->hint[vreg] = o->arg;
                }
            }
        }
    }
    for (u32 i = 0; i < f->num_args; i++) {
        a->is_local[f->args[i].id] = 0;
    }
}

/* Sorts moves by place and phase; each place and phase was met once, so that its moves are in order. */
static void sort_moves(Fast *a, Arena *arena)
{
    usize num_keys = (usize)a->f->num_insts * NUM_PHASES;
    u32 *starts = ARENA_ARRAY(a->arena, u32, num_keys + 1);
    RaMove *sorted = ARENA_ARRAY(arena, RaMove, a->moves.len);
    for (u32 i = 0; i < a->moves.len; i++) {
        starts[(usize)a->moves.data[i].before * NUM_PHASES + a->phases.data[i] + 1]++;
    }
    for (usize k = 0; k < num_keys; k++) {
        starts[k + 1] += starts[k];
    }
    for (u32 i = 0; i < a->moves.len; i++) {
        sorted[starts[(usize)a->moves.data[i].before * NUM_PHASES + a->phases.data[i]]++] =
            a->moves.data[i];
    }
    a->out->moves.data = sorted;
    a->out->moves.len = a->moves.len;
    a->out->moves.cap = a->moves.len;
    a->out->stats.steps += num_keys + a->moves.len;
}

static void count_moves(RaResult *out)
{
    out->stats.moves = out->moves.len;
    for (u32 i = 0; i < out->moves.len; i++) {
        const RaMove *m = &out->moves.data[i];
        out->stats.remats += ra_loc_kind(m->from) == RA_LOC_REMAT;
        out->stats.loads += ra_loc_kind(m->from) == RA_LOC_SLOT;
        out->stats.stores += ra_loc_kind(m->to) == RA_LOC_SLOT;
        out->stats.reg_moves +=
            ra_loc_kind(m->from) == RA_LOC_REG && ra_loc_kind(m->to) == RA_LOC_REG;
    }
}

static Fast *new_fast(const RaFunc *f, Arena *arena, Arena *scratch, RaResult *out)
{
    Fast *a = ARENA_NEW(scratch, Fast);
    *out = (RaResult){0};
    out->locs = ARENA_ARRAY(arena, RaLoc, f->num_operands);
    a->f = f;
    a->machine = f->machine;
    a->out = out;
    a->arena = scratch;
    dv_mover_init(&a->mover, f->machine, scratch, &out->num_slot_units, &out->stats.steps);
    u32 **arrays[] = {&a->slot, &a->use, &a->again, &a->displaced_at, &a->early_reg_at, &a->end_at};
    for (u32 i = 0; i < ARRAY_LEN(arrays); i++) {
        *arrays[i] = ARENA_ARRAY(scratch, u32, f->num_vregs);
    }
    a->reg = ARENA_ARRAY(scratch, u16, f->num_vregs);
    a->hint = ARENA_ARRAY(scratch, u16, f->num_vregs);
    a->early_reg = ARENA_ARRAY(scratch, u16, f->num_vregs);
    a->is_local = ARENA_ARRAY(scratch, u8, f->num_vregs);
    a->end_loc = ARENA_ARRAY(scratch, RaLoc, f->num_vregs);
    a->starts = ARENA_ARRAY(scratch, Start, f->num_blocks);
    a->param_locs = ARENA_ARRAY(scratch, RaLoc, f->num_params);
    memset(a->reg, 0xff, sizeof *a->reg * f->num_vregs);
    memset(a->hint, 0xff, sizeof *a->hint * f->num_vregs);
    memset(a->state, 0xff, sizeof a->state);
    for (u32 class = 0; class < a->machine->num_classes; class ++) {
        for (u32 i = 0; i < a->machine->classes[class].num_order; i++) {
            a->is_ordered[preg_make(class, a->machine->classes[class].order[i]).id] = true;
        }
    }
    return a;
}

u32 dv_regalloc_fast(const RaFunc *f, Arena *arena, Arena *scratch, RaResult *out)
{
    ArenaMark mark = dv_arena_mark(scratch);
    Fast *a = new_fast(f, arena, scratch, out);
    look_at_values(a);
    const u32 *order = postorder(a);
    bool ok = true;
    for (u32 i = 0; ok && i < f->num_blocks; i++) {
        ok = allocate_block(a, order[i]);
    }
    if (ok) {
        sort_moves(a, arena);
        count_moves(out);
    }
    dv_arena_release_to(scratch, mark);
    return ok ? RA_OK : RA_IMPOSSIBLE;
}
