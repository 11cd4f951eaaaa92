/* regalloc_testing.h - functions for the register allocators made by chance, and a machine that runs what they make of them.
 *
 * Tests and fuzz targets share this. What is made keeps the rules of regalloc.h, and each instruction alone can be
 * allocated: no more registers are demanded at its points than there are.
 */
#ifndef DV_REGALLOC_TESTING_H
#define DV_REGALLOC_TESTING_H

#include "base/rng.h"
#include "codegen/regalloc/regalloc.h"

/* Where decisions come from: bytes, if there are some; zero after them; or random numbers. */
typedef struct Choices {
    Rng rng;
    const u8 *bytes; /* NULL: random */
    usize size, at;
} Choices;

/* Below bound, which is not zero. */
u32 choose(Choices *choices, u32 bound);

typedef struct RaShape {
    u32 blocks;        /* before critical edges are split; at least 1 */
    u32 insts;         /* of a block, on average */
    u32 chain_percent; /* blocks that follow the one before; others follow any before it: 0 and branch_from_first make a star */
    bool branch_from_first;
    u32 extra_percent; /* edges added at random, per hundred blocks: loops, merges, irreducible */
    u32 params;        /* of a block, at most */
    u32 far_percent;   /* uses of a value of any age, the others are of recent ones */
    u32 operands;      /* of an ordinary instruction, at most */
    u32 wide_percent;  /* instructions with `wide` operands, most of which may be in slots */
    u32 wide;
    u32 classes;    /* 0: by chance */
    u32 regs;       /* of a class; 0: by chance */
    bool is_simple; /* no constraints but RA_REG and RA_ANY, no clobbers */
} RaShape;

/* A shape for small functions of all kinds. */
RaShape choose_shape(Choices *choices);
RaFunc *generate_func(Choices *choices, const RaShape *shape, Arena *arena);

/* Runs the function as it is and as it was allocated, side by side, along paths chosen by the seed, on random data: true if
 * each use reads what it should. Independent of the checker. At most `steps` instructions. */
bool run_allocated(const RaFunc *f, const RaResult *result, u64 seed, u32 steps, Arena *scratch);

/* Functions by hand: one class of registers R0 to R3, of which R0 and R1 are in the clobbers 1; the scratch register is R9. */
enum { R0, R1, R2, R3, R9 = 9 };

typedef struct Hand {
    RaMachine machine;
    RaFunc func;
    RaInst insts[16];
    RaOperand operands[32];
    RaBlock blocks[5];
    VReg params[4], args[4];
    u32 preds[8], succs[8], edge_args[8];
    u8 classes[16];
    RaClobbers clobbers[2];
} Hand;

/* With these registers of the order, no instructions, and 16 vregs. */
Hand *new_hand(Arena *arena, u32 regs);
/* Begins a block, which has no parameters and no edges so far. */
void hand_block(Hand *h);
void hand_inst(Hand *h, u32 clobbers, u32 flags);
/* Of the last instruction. */
void hand_operand(Hand *h, u32 vreg, u32 flags, u32 constraint, u32 arg);
/* Edges must be added in the order of the blocks they leave; `finish_hand` lists them at their targets. */
void hand_edge(Hand *h, u32 from, u32 to);
void finish_hand(Hand *h);

#endif
