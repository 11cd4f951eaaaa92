/* lower.h - from CLIF to VCode: what all targets share.
 *
 * Blocks are put in order, edges that need a place of their own get a block, and then everything is walked
 * backwards: users before definitions. So it is known of each instruction whether anything still wants its
 * results: what was taken into the instruction of its user is never lowered by itself. The target's rules decide what
 * an instruction becomes.
 *
 * An instruction that has effects may be taken into a user only if nothing with an effect lies between them. Effects
 * divide a function into runs, numbered (the "colour" of each instruction): a load may move down to its only user if
 * the user begins in the run that the load ends.
 *
 * A constant that an instruction in a loop reads from a register is made before the loop, in the nearest dominator that is
 * in none. What only passes it on, to a block or a callee, would move it there at the same price, so then it stays.
 */
#ifndef DV_MACH_LOWER_H
#define DV_MACH_LOWER_H

#include "base/diag.h"
#include "codegen/flow/cfg.h"
#include "codegen/mach/vcode.h"

enum { VALUE_REGS_MAX = 2 };

/* The registers of a value: two for what is wider than a register, the low half first. */
typedef struct ValueRegs {
    VReg regs[VALUE_REGS_MAX]; /* VREG_NONE where there is none */
} ValueRegs;

static inline ValueRegs value_reg(VReg reg)
{
    return (ValueRegs){{reg, VREG_NONE}};
}
static inline u32 value_regs_count(ValueRegs r)
{
    return r.regs[0].id == UINT32_MAX ? 0 : r.regs[1].id == UINT32_MAX ? 1 : 2;
}

enum { USES_NONE, USES_ONCE, USES_MANY };

typedef struct Lower Lower;

typedef struct LowerTarget {
    const RaMachine *machine;
    u32 num_exception_values; /* exn0 and up: what arrives in a handler */
    Type exception_type;      /* of each */
    /* How many registers a value of the type takes, and of which classes; 0: the type is not supported. */
    u32 (*type_classes)(Type type, u8 classes[VALUE_REGS_MAX]);
    /* Emits the instruction, which ends no block, and tells its results by dv_lower_set_result. */
    bool (*lower_inst)(Lower *l, Inst inst);
    /* Emits the branch that ends a block; targets[i] is the label of its dest i. Also returns and the like, without
     * targets. */
    bool (*lower_branch)(Lower *l, Inst inst, const u32 *targets, u32 num_targets);
    /* Emits what defines the parameters of the function: values[i] is where parameter i is wanted. */
    bool (*lower_params)(Lower *l, const ValueRegs *values, u32 count);
    void (*lower_jump)(Lower *l, u32 target);
} LowerTarget;

struct Lower {
    const LowerTarget *target;
    void *context; /* the target's own */
    Func *func;
    Arena *arena;
    VCode *vcode;
    Diag *diag;
    const struct LoweredOrder *order;
    const u32 *roots;      /* what each value stands for */
    ValueRegs *value_regs; /* by value */
    u8 *value_uses;        /* by value: USES_ */
    u8 *value_users;       /* by value: the same, but users that may be done again count once */
    bool *value_wanted;    /* by value: something lowered reads it */
    bool *value_computed;  /* by value: something lowered computes with it */
    bool is_passing;       /* what is read now is only passed on */
    u32 *inst_colors;      /* by instruction: the run it begins in */
    u8 *inst_sunk;         /* by instruction: taken into its user */
    u32 *hoisted;          /* by block: the constant to be made at its start; INST_NONE */
    u32 *next_hoisted;     /* by instruction: the one after it */
    u8 *num_hoisted;       /* by block */
    u32 current_color;     /* the run that ends where the instruction at hand begins */
    Inst current;
    Map try_regs; /* try_ instruction -> first of its result and payload registers in try_lists */
    VEC(ValueRegs) try_lists;
    u64 steps;
};

/* order.c: blocks in the order of the code. */
typedef struct LoweredBlock {
    Block block; /* of the function; or of an edge: where it comes from */
    u32 dest;    /* of an edge: number of the destination; LOWERED_BLOCK: no edge */
} LoweredBlock;
#define LOWERED_BLOCK UINT32_MAX

typedef struct LoweredOrder {
    VEC(LoweredBlock) blocks;
    u32 *label_of_block; /* by block; UINT32_MAX: cannot be reached */
    u32 *edge_start;     /* by block: where its dests begin in edge_labels */
    u32 *edge_labels;    /* by dest: where the branch goes, a block or the block of the edge */
    u32 *loop_depths;    /* by lowered block */
    Block *outside;      /* by block: the nearest dominator that is in no loop, or itself */
    bool *is_cold; /* by lowered block: marked so, dominated by such a block, or an edge to one */
} LoweredOrder;
void dv_lowered_order(LoweredOrder *order, Arena *arena, Func *f, Work *work);

/* lower.c: the function, which is verified and legal for the target, as VCode. False after an error in *diag. Everything is
 * in the arena. */
bool dv_lower(const LowerTarget *target, void *context, Func *f, Arena *arena, Diag *diag,
              VCode *vcode, RaFunc *out);

/* For targets: */

/* The registers of a value, which from now on is wanted. */
ValueRegs dv_lower_use(Lower *l, Value value);
/* Result n of the instruction at hand is in these registers. */
void dv_lower_set_result(Lower *l, u32 n, ValueRegs regs);
/* Where result n of the instruction at hand is wanted: instructions may define these registers themselves. */
ValueRegs dv_lower_result_regs(Lower *l, u32 n);
/* New registers for a value of this type. */
ValueRegs dv_lower_temp(Lower *l, Type type);
/* The instruction that a rule may look into: the definition of a value, without effects; INST_NONE for others. */
Inst dv_lower_def(const Lower *l, Value value);
/* The same, whatever effects it has; INST_NONE for parameters. */
Inst dv_lower_result_of(const Lower *l, Value value);
/* True if two values stand for one. */
bool dv_lower_is_same(const Lower *l, Value a, Value b);
/* True if more than one instruction reads the value, or one more than once. */
bool dv_lower_has_many_users(const Lower *l, Value value);
/* The load that defines a value and may be done by its only user, the instruction at hand, which has not
 * asked for its register; INST_NONE. A rule that takes it calls dv_lower_sink. */
Inst dv_lower_sinkable_load(const Lower *l, Value value);
void dv_lower_sink(Lower *l, Inst load);
/* True if the instruction at hand may do what this one before it in its block does, which has no effects and whose result no
 * other instruction between them reads, but for `user`, an instruction or INST_NONE. */
bool dv_lower_can_absorb(const Lower *l, Inst inst, Inst user);
/* It does: the result, not lowered by itself any more, is in these registers. */
void dv_lower_absorb(Lower *l, Inst inst, ValueRegs result);
/* Registers that carry retN (is_exn false) or exnN of a try_ to its destinations. */
ValueRegs dv_lower_try_regs(Lower *l, Inst try_inst, bool is_exn, u32 n);
/* Reports that the target cannot do this instruction. */
DV_PRINTF(3, 4) bool dv_lower_error(Lower *l, Inst inst, const char *format, ...);

#endif
