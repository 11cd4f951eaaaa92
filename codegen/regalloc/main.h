/* main.h - what the parts of the main allocator share. main.c explains the whole.
 *
 * Time is counted in ticks. A block has a tick for its start, where values arrive over its edges, then one for each
 * instruction. Tick t has two points: 2t, early, and 2t + 1, late. Ranges of points are half open. Moves happen at
 * even points only, before the instruction of the tick sees anything.
 */
#ifndef DV_REGALLOC_MAIN_H
#define DV_REGALLOC_MAIN_H

#include "codegen/regalloc/regalloc.h"

#define RA_NONE UINT32_MAX
enum {
    RA_PREGS = RA_CLASSES_MAX * RA_REGS_MAX,
    RA_WEIGHT_SCALE_LOG2 = 10 /* of Bundle.weight */
};

/* One mention of a vreg, in order of time: an operand, or as the argument of an edge (operand RA_NONE), at the last
 * tick of the block it leaves. */
typedef struct Use {
    u32 tick;
    u32 operand;
} Use;

/* Where a vreg has to be in its place (as opposed to the operand's own register). `uses` index Ra.uses; an operand next to
 * the range belongs to it too, since it takes its value from there, or brings it. */
typedef struct LiveRange {
    u32 from, to;
    u32 vreg;
    u32 uses, uses_end;
} LiveRange;

typedef struct VRegInfo {
    u32 uses, uses_end;     /* in Ra.uses */
    u32 def_tick;           /* RA_NONE: no definition */
    u32 def_operand;        /* RA_NONE: a block parameter */
    u32 ranges, ranges_end; /* in Ra.ranges */
    u32 bundle;             /* before splitting; RA_NONE: it needs no place */
    u32 remat;              /* the instruction to do again instead of spilling, or RA_NONE */
} VRegInfo;

enum {
    BUNDLE_QUEUED,
    BUNDLE_PLACED,  /* in a register */
    BUNDLE_SPILLED, /* in the slot of its spill set, or to be computed again */
    BUNDLE_GONE     /* its ranges are in other bundles */
};

/* Ranges that are to be in one place: a register, or the slot of the spill set. */
typedef struct Bundle {
    LiveRange *ranges; /* by time, disjoint */
    u32 num_ranges;
    u32 cap_ranges; /* while merging */
    u32 spill_set;
    u32 weight; /* what spilling costs, per instruction that becomes free */
    u32 points;
    u16 preg; /* where it is, or before that, if it is spare, where it should be best */
    u8 class;
    u8 state;
    u8 evictions;
    u8 level; /* 0, or how many other demands at one instruction it takes precedence over: it cannot be split */
    bool has_hints;  /* its spill set has a hint or a partner */
    bool is_local;   /* uses of one block, all else being in memory */
    u8 local_splits; /* how often it was split since */
} Bundle;

enum { HINTS_MAX = 4 };

typedef struct Hint {
    u32 weight;
    u16 preg;
} Hint;

/* What bundles have in common that were one before splitting: they share a slot. */
typedef struct SpillSet {
    u32 from, to; /* from the first point of its ranges to the last */
    u32 slot;     /* unit, once needed */
    u32 splits;
    u32 partner; /* a vreg: sharing its register would save moves; or RA_NONE */
    bool needs_slot;
    u8 class;
    u8 num_hints;
    Hint hints[HINTS_MAX]; /* heaviest first */
} SpillSet;

/* Reserved by operands of this register alone. */
typedef struct FixedRange {
    u32 from, to;
    u32 vreg;
} FixedRange;

typedef struct Span {
    u32 from, to;
    u32 bundle;
} Span;

typedef struct SpanNode SpanNode;

/* Disjoint spans by time: a B+-tree. Zeroed memory is an empty one. */
typedef struct SpanTree {
    SpanNode *root;
    u32 height; /* levels of inner nodes */
} SpanTree;

typedef struct SpanCursor {
    SpanNode *leaf;
    u32 index;
} SpanCursor;

enum { BUSY_LEVELS_MAX = 9, RA_NO_RANK = UINT16_MAX };

/* Which registers of a class are busy when, roughly. */
typedef struct BusyTree {
    u64 *levels[BUSY_LEVELS_MAX];
    u32 counts[BUSY_LEVELS_MAX]; /* of nodes */
    u32 num_levels;
    u32 words; /* of a set */
} BusyTree;

/* By rank in the machine's order. */
typedef struct BusySet {
    u64 bits[RA_REGS_MAX / 64];
} BusySet;

typedef struct Ra {
    const RaFunc *f;
    Arena *arena; /* scratch memory */
    RaStats stats;
    u64 max_steps;

    /* liveness.c */
    u32 num_ticks;
    u32 *block_of_tick;
    u32 *block_ticks;  /* the start of each block; [num_blocks] is the end of all */
    u32 *block_freqs;  /* guessed */
    u32 *lower_before; /* the nearest block before, and after, that is run less often; RA_NONE */
    u32 *lower_after;
    u32 *
        chain_heads; /* by block: the first of the blocks up to it that are entered from the one before only */
    u32 *edge_sources; /* by edge: the block it leaves */
    u32 *in_edges; /* the edges into a block, in the places its predecessors have in RaFunc.preds */
    Use *uses;
    u32 *
        served_by; /* by operand: the reuse definition whose register serves this use, or RA_NONE */
    VRegInfo *vregs;
    bool *param_is_dead;
    VEC(LiveRange) ranges;

    /* occupancy.c */
    FixedRange *fixed;
    u32 fixed_starts[RA_PREGS + 1]; /* in fixed, by register */
    u32 *clobber_ticks;
    u32 *clobber_starts; /* in clobber_ticks, by index of RaFunc.clobbers */
    SpanTree trees[RA_PREGS];
    SpanNode *free_nodes;

    /* busy.c */
    BusyTree busy[RA_CLASSES_MAX];
    u16 ranks[RA_PREGS]; /* in the machine's order; RA_NO_RANK: never to be allocated */

    /* bundles.c, process.c, split.c */
    VEC(Bundle) bundles;
    VEC(SpillSet) spill_sets;
    u64 *
        sorted; /* the bundles there were at first, by key: priority << 32 | ~bundle; the largest first */
    u32 num_sorted, next_sorted;
    VEC(u64) queue; /* those that came later: a heap of keys, the largest first */
    VEC(u32) spares;
    VEC(u32) conflicts; /* bundles in the way, of the last probe */
    bool is_register_used[RA_PREGS];
} Ra;

static inline bool ra_over_budget(const Ra *ra)
{
    return ra->max_steps != 0 && ra->stats.steps > ra->max_steps;
}

static inline bool ra_is_block_start(const Ra *ra, u32 tick)
{
    return ra->block_ticks[ra->block_of_tick[tick]] == tick;
}

/* Whether a block, or the function, ends before this tick. */
static inline bool ra_is_block_end(const Ra *ra, u32 tick)
{
    return tick == ra->num_ticks || ra_is_block_start(ra, tick);
}

/* Of a tick that is not a block's start. */
static inline u32 ra_inst_of_tick(const Ra *ra, u32 tick)
{
    return tick - ra->block_of_tick[tick] - 1;
}

/* The point up to which a use holds its vreg in place. */
static inline u32 ra_use_end(const Ra *ra, const Use *use)
{
    if (use->operand == RA_NONE) {
        return 2 * use->tick + 2;
    }
    const RaOperand *op = &ra->f->operands[use->operand];
    if (op->constraint == RA_FIXED || ra->served_by[use->operand] != RA_NONE) {
        return 2 * use->tick;
    }
    return 2 * use->tick + ((op->flags & RA_LATE) != 0 ? 2 : 1);
}

/* Whether this operand wants its vreg's own place to be a register. */
static inline bool ra_use_wants_register(const Ra *ra, const Use *use)
{
    if (use->operand == RA_NONE) {
        return false;
    }
    const RaOperand *op = &ra->f->operands[use->operand];
    return (op->constraint == RA_REG && ra->served_by[use->operand] == RA_NONE) ||
           op->constraint == RA_REUSE;
}

/* ---- liveness.c ---- */
/* Fills in ticks, blocks, uses, vregs and ranges. False: over budget. */
bool dv_ra_liveness(Ra *ra);

/* ---- occupancy.c ---- */
/* Collects what fixed operands and clobbers take from each register. */
void dv_ra_occupancy_init(Ra *ra);
/* The first point of the range at which an operand of another vreg, or a clobber, takes the register; or RA_NONE. */
u32 dv_ra_occupancy_denied(Ra *ra, u32 preg, const LiveRange *range);
/* The first span that ends after a point, and the one after that; NULL if there is none. */
const Span *dv_ra_spans_seek(Ra *ra, const SpanTree *tree, u32 point, SpanCursor *cursor);
const Span *dv_ra_spans_next(SpanCursor *cursor);
/* The span must not overlap others. */
void dv_ra_spans_insert(Ra *ra, SpanTree *tree, Span span);
/* The span that starts at this point, which must be there. */
void dv_ra_spans_remove(Ra *ra, SpanTree *tree, u32 from);

/* ---- busy.c ---- */
/* After occupancy.c, whose fixed operands and clobbers it starts with. */
void dv_ra_busy_init(Ra *ra);
/* Notes that a register, by its rank, is taken from one point to another, or is not any more. */
void dv_ra_busy_mark(Ra *ra, u32 class, u32 rank, u32 from, u32 to, bool is_busy);
/* Adds the registers that may be taken at some point in [from, to) to a set. */
void dv_ra_busy_add(Ra *ra, u32 class, u32 from, u32 to, BusySet *busy);

/* ---- bundles.c ---- */
/* One bundle for each vreg, then as many merged as save moves. False: over budget. */
bool dv_ra_bundles(Ra *ra);
/* Fills in weight and points. */
void dv_ra_bundle_weigh(Ra *ra, Bundle *b);
/* The index of a new bundle like `like`, with these ranges, weighed, and not in the queue yet. */
u32 dv_ra_bundle_add(Ra *ra, u32 like, LiveRange *ranges, u32 num_ranges);

/* ---- process.c ---- */
/* Places every bundle: RA_OK, or why not. */
u32 dv_ra_process(Ra *ra);
void dv_ra_enqueue(Ra *ra, u32 bundle);
void dv_ra_place(Ra *ra, u32 bundle, u32 preg);

/* ---- split.c ---- */
/* No register has room for the bundle. `preg` is the one that has for longest, up to point `until` (RA_NONE: none has,
 * not even for the first use): shares it out among registers and memory. */
void dv_ra_split(Ra *ra, u32 bundle, u32 preg, u32 until);
/* Leaves the bundle in memory; what must be in a register gets one for an instruction. */
void dv_ra_spill(Ra *ra, u32 bundle);

/* ---- slots.c ---- */
/* Gives the spill sets that need one their slots; returns the units used. */
u32 dv_ra_slots(Ra *ra);

/* ---- resolve.c ---- */
/* Writes locations and moves, in order of `before`. */
void dv_ra_resolve(Ra *ra, Arena *arena, RaResult *out);

/* ---- cleanup.c ---- */
/* Drops moves that change nothing, and counts the rest. */
void dv_ra_cleanup(Ra *ra, RaResult *out);

#endif
