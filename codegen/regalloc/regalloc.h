/* regalloc.h - the register allocator: from virtual registers to registers, spill slots and moves.
 *
 * It knows neither the IR nor an instruction set. Its input is an RaFunc: instructions that are lists of operands, in
 * blocks that pass values by parameters, in SSA form: every virtual register has one definition, which dominates its
 * uses, except that the definition may be a block parameter. Its output is an RaResult: where each operand
 * is, and which moves to make between instructions. docs/regalloc.md explains the algorithms.
 *
 * An instruction has two points: early, when it reads, and late, when it writes. A use is early unless said
 * otherwise, a definition late. A late use keeps its register apart from every definition; an early definition keeps
 * its register apart from every use. Clobbered registers hold no value from late on, except what the instruction
 * defines in them; early uses may be in them.
 *
 * Rules that the input keeps, checked by dv_regalloc_validate:
 *   - Every block can be reached from the entry.
 *   - No critical edges: the edge from a block of several successors leads to a block of one predecessor.
 *   - The last instruction of a block is its only branch or return. One with a single successor either has no operands and
 *     no clobbers, or its successor has a single predecessor. Moves of an edge lie before the branch in the first
 *     case, and at the start of the successor in all others.
 *   - The entry block has no parameters and no predecessors. Arguments are definitions of its first instruction.
 *   - A vreg is defined once by an instruction. Operands fixed to one register at one point are one value. No late use
 *     is fixed to a register the instruction clobbers. No operand is fixed to a scratch register.
 *   - A reuse definition names a use operand of its instruction, of the same class, which is RA_REG and early; it is late
 *     itself, in the same register as that use, and no two definitions reuse one use.
 */
#ifndef DV_REGALLOC_REGALLOC_H
#define DV_REGALLOC_REGALLOC_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"
#include "base/vec.h"

enum { RA_CLASSES_MAX = 4, RA_REGS_MAX = 256 /* of a class */ };

typedef struct VReg {
    u32 id;
} VReg;
#define VREG_NONE ((VReg){UINT32_MAX})

/* A register: class << 8 | number. */
typedef struct PReg {
    u16 id;
} PReg;
#define PREG_NONE ((PReg){UINT16_MAX})

static inline PReg preg_make(u32 class, u32 number)
{
    return (PReg){(u16)(class << 8 | number)};
}
static inline u32 preg_class(PReg r)
{
    return r.id >> 8;
}
static inline u32 preg_number(PReg r)
{
    return r.id & 255u;
}

/* ---- input ---- */

enum {
    RA_ANY,   /* a register or a spill slot */
    RA_REG,   /* any register */
    RA_STACK, /* a spill slot */
    RA_FIXED, /* the register `arg` */
    RA_REUSE  /* a definition: the register that use operand `arg` of this instruction is in */
};
enum { RA_USE = 0, RA_DEF = 1, RA_EARLY = 0, RA_LATE = 2 }; /* flags: what it is | when */

typedef struct RaOperand {
    VReg vreg;
    u16 arg;
    u8 constraint; /* RA_ANY... */
    u8 flags;      /* RA_USE | RA_EARLY... */
} RaOperand;

enum {
    RA_INST_BRANCH = 1, /* ends its block; successors are the block's */
    RA_INST_RETURN = 2, /* ends its block, which has no successors (returns, tail calls, traps) */
    RA_INST_REMAT =
        4 /* has one operand, a definition, and may be done again anywhere instead of keeping its result */
};

typedef struct RaInst {
    u32 operands; /* the first, in RaFunc.operands */
    u16 num_operands;
    u8 clobbers; /* index of RaFunc.clobbers; 0: none */
    u8 flags;    /* RA_INST_* */
} RaInst;

typedef struct RaBlock {
    u32 first, end;         /* instructions [first, end), not empty */
    u32 params, num_params; /* in RaFunc.params */
    u32 preds, num_preds;   /* in RaFunc.preds, block numbers, an entry per edge */
    u32 succs, num_succs;   /* in RaFunc.succs, block numbers, an entry per edge */
    u32 loop_depth;         /* 0 outside of loops */
    bool is_cold;
} RaBlock;

typedef struct RaClobbers {
    u64 bits[RA_CLASSES_MAX][RA_REGS_MAX / 64];
} RaClobbers;

/* What the machine has. */
typedef struct RaMachine {
    u8 num_classes;
    struct {
        /* Registers that may be allocated, by number: those to take first, first. */
        const u8 *order;
        u16 num_order;
        /* How many of `order` cost nothing; to use a later one costs a save and a restore once (callee-saved). */
        u16 num_cheap;
        PReg
            scratch; /* not in order; for moves between slots and cycles; PREG_NONE: none is set aside */
        u8 slot_units; /* units of spill memory that a value of the class takes: a power of two; slots are aligned to it */
    } classes[RA_CLASSES_MAX];
} RaMachine;

/* Blocks are in the order of the code; block 0 is the entry. Arrays belong to the caller. Unused vregs are allowed. */
typedef struct RaFunc {
    const RaMachine *machine;
    const RaInst *insts;
    const RaOperand *operands;
    const RaBlock *blocks;
    const VReg *params; /* of blocks */
    const u32 *preds, *succs;
    const u32 *edge_args; /* by index in succs: where the arguments of that edge begin in args */
    const VReg *args;     /* of edges: as many as the target has parameters */
    const u8 *vreg_classes;
    const RaClobbers *clobbers; /* [0] is empty */
    u32 num_insts, num_operands, num_blocks, num_params, num_edges, num_args, num_vregs,
        num_clobbers;
} RaFunc;

/* ---- output ---- */

enum { RA_LOC_NONE, RA_LOC_REG, RA_LOC_SLOT, RA_LOC_REMAT };

/* Kind in the top two bits, then a PReg, a unit of spill memory, or an instruction to do again. */
typedef struct RaLoc {
    u32 bits;
} RaLoc;

static inline RaLoc ra_loc(u32 kind, u32 index)
{
    return (RaLoc){kind << 30 | index};
}
static inline u32 ra_loc_kind(RaLoc loc)
{
    return loc.bits >> 30;
}
static inline u32 ra_loc_index(RaLoc loc)
{
    return loc.bits & 0x3fffffffu;
}
static inline PReg ra_loc_preg(RaLoc loc)
{
    return (PReg){(u16)loc.bits};
}
static inline bool ra_loc_equal(RaLoc a, RaLoc b)
{
    return a.bits == b.bits;
}

/* Moves are done one after the other, as they stand: parallel ones have been put in order. `from` may be
 * RA_LOC_REMAT; then `to` is a register. No move goes from slot to slot. */
typedef struct RaMove {
    u32 before; /* the instruction it stands before; for those of an edge at the start of a block, the block's first */
    RaLoc from, to;
    u8 class;
} RaMove;
typedef VEC(RaMove) RaMoves;

typedef struct RaStats {
    u64 steps; /* work done; a measure for tests of complexity */
    u32 moves, reg_moves, loads, stores, remats;
    u32 spilled_vregs, splits, evictions, merged_bundles;
} RaStats;

typedef struct RaResult {
    RaLoc *locs;   /* by operand */
    RaMoves moves; /* sorted by `before` */
    u32 num_slot_units;
    RaStats stats;
} RaResult;

enum {
    RA_OK,
    RA_OVER_BUDGET,
    RA_IMPOSSIBLE /* more registers demanded at one point than there are */
};

/* ---- main.c ----
 * The main allocator; max_steps 0 means no budget. Results lie in `arena`, scratch memory in `scratch` is released. */
u32 dv_regalloc_main(const RaFunc *f, u64 max_steps, Arena *arena, Arena *scratch, RaResult *out);
/* ---- fast.c ----
 * One backward pass, linear time, worse code: for compiling without optimisation, and when the other is over budget. */
u32 dv_regalloc_fast(const RaFunc *f, Arena *arena, Arena *scratch, RaResult *out);

/* ---- check.c ----
 * True if the result does what the function says, found by following values through the code as it is after
 * allocation; else *why, which does not lie in scratch, tells where and what is wrong. Uses nothing of the allocators. */
bool dv_regalloc_check(const RaFunc *f, const RaResult *result, Arena *scratch, TextBuf *why);

/* ---- validate.c ---- */
/* True if the input keeps the rules above; else *why, which does not lie in scratch, tells the first one broken. */
bool dv_regalloc_validate(const RaFunc *f, Arena *scratch, TextBuf *why);

/* ---- print.c ----
 * The function as text, for people; with what was allocated, unless result is NULL. */
void dv_regalloc_print(TextBuf *out, const RaFunc *f, const RaResult *result);

/* ---- moves.c ----
 * Parallel moves put in order. One RaMover serves all moves of a function. */
typedef struct RaMover {
    const RaMachine *machine;
    Arena *arena;        /* for what follows */
    u32 *num_slot_units; /* grows when a cycle needs a spill slot as its temporary */
    u64 *steps;          /* counts the work */
    VEC(u32) readers;    /* by register or unit: pending moves that read it; zero between calls */
    VEC(u32)
    writers; /* by register or unit: the pending move that writes it, plus 1; zero between calls */
    VEC(u32) spares; /* slots of the mover's own */
    VEC(u32) ready;
} RaMover;

/* num_slot_units and steps point to where the caller counts them. */
void dv_mover_init(RaMover *mover, const RaMachine *machine, Arena *arena, u32 *num_slot_units,
                   u64 *steps);
/* Appends to *out, in `arena`, moves that have the effect of doing all `count` moves at once. Their `to` do not overlap; they
 * may go from slot to slot and from REMAT to a slot; all have the same `before`. Where a temporary register is needed it is
 * free_regs[class], which holds nothing and is in no move, or if that is PREG_NONE (or free_regs NULL) the class's
 * scratch register, or if that is none either, one that is saved to a spill slot and restored. Moves to themselves vanish. */
void dv_mover_resolve(RaMover *mover, const RaMove *moves, u32 count, const PReg *free_regs,
                      Arena *arena, RaMoves *out);

#endif
