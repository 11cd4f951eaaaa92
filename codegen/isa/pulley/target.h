/* target.h - Pulley as a target: what its files hand to each other.
 *
 *   lower.c  what rules/ are linked with: registers of values, instructions, constants
 *   abi.c    parameters, results and calls
 *   emit.c   frames, forms of instructions, bytes
 *   link.c   functions to a module
 *   pulley.c the targets pulley32 pulley64 pulley32be pulley64be
 *
 * There is one class of registers, the slots of the window. Registers 0 to 199 are slots of the function; a parameter
 * arrives in the slot of its number, and results leave so. PUL_OUT and up are what becomes slots k and up of
 * a call, k being the first even number above all slots used: arguments are put there, results come back there, and a
 * call leaves nothing else in them. An i128 or f128 is two registers, the low half first.
 */
#ifndef DV_ISA_PULLEY_TARGET_H
#define DV_ISA_PULLEY_TARGET_H

#include "codegen/isa/isa.h"
#include "codegen/isa/pulley/link.h"
#include "pulley/pulley.h"

enum {
    PUL_WINDOW = 200,  /* registers that may be allocated */
    PUL_SCRATCH = 200, /* for moves */
    PUL_OUT = 208,     /* argument and result registers of calls */
    PUL_OUT_COUNT = PULLEY_ARGS_MAX
};

/* Operations beside those of pulley/ops.def. */
enum {
    PUL_PARAMS = PULLEY_OP_COUNT, /* defines the parameters */
    PUL_RETURN,                   /* ret or ret_big */
    PUL_OPS
};

/* Numbers of an instruction: those of the fields that are no slots, in order; fields that only the emitter knows (where the
 * callee's slots begin, sizes of the frame) are 0. After them:
 *   a conditional branch   the label to go to otherwise
 *   br_table               labels of its entries, the default last
 *   a call                 the PulCall below, a number each; of a try_, the labels of its destinations
 * A place in frame memory is not known before allocation either; it is a pul_place.
 */
enum { PLACE_STACK_SLOT, PLACE_CALL_AREA, PLACE_OUTGOING, PLACE_INCOMING };
static inline u64 pul_place(u32 kind, u32 entity, u32 offset)
{
    return (u64)kind << 60 | (u64)entity << 32 | offset;
}
enum {
    PUL_CALL_BLOCK,  /* slots of arguments and results in the block; 0: none */
    PUL_CALL_CALLEE, /* what the number of the callee is: PUL_CALLEE_ */
    PUL_CALL_LABELS,
    PUL_CALL_EXTRAS = PUL_CALL_LABELS
};
enum {
    PUL_CALLEE_NONE,
    PUL_CALLEE_FUNC_REF,
    PUL_CALLEE_WASM_FUNC,
    PUL_CALLEE_SIG,
    PUL_CALLEE_TYPE
};

typedef struct PulContext {
    const Isa *isa;
    const CompileOptions *options;
    Func *func;
    Lower *lower;
    Arena *arena;
    const u32 *targets; /* of the branch at hand */
    u32 num_targets;
    u32 outgoing_slots;  /* the most that a call's block takes */
    u32 call_area_bytes; /* the most that copies of structures for a call take */
    u32 incoming_slots;  /* of arguments beyond those in the window */
    u32 arg_slots, result_slots;
} PulContext;

typedef struct Regs2 {
    VReg lo, hi;
} Regs2;

/* What rules call an instruction's results. */
typedef struct InstOutput {
    ValueRegs values[OP_MAX_RESULTS];
    u32 count; /* or PUL_RESULTS_SET */
} InstOutput;
enum { PUL_RESULTS_SET = OP_MAX_RESULTS + 1 /* the results have been told already */ };

/* How many slots values of these parameters or results take; 0 too if one has an unsupported type, with *ok false. */
u32 dv_pul_slots(const Param *params, u32 count, bool *ok);

/* lower.c */
bool dv_pul_lower_inst(Lower *l, Inst inst);
bool dv_pul_lower_branch(Lower *l, Inst inst, const u32 *targets, u32 count);
void dv_pul_lower_jump(Lower *l, u32 target);
bool dv_pul_covers(u32 op, u32 type, u32 open);
/* Emits an operation; fields are those that are not written, in order, and what follows them. Slots among them are
 * vreg numbers. `defs` gets what is written. */
void dv_pul_emit(PulContext *ctx, PulleyOp op, const u64 *fields, u32 count, VReg defs[2]);

/* abi.c */
bool dv_pul_lower_params(Lower *l, const ValueRegs *values, u32 count);
/* Both report what cannot be done. */
void dv_pul_lower_return(PulContext *ctx, Inst inst);
void dv_pul_lower_call(PulContext *ctx, Inst inst, const u32 *targets, u32 num_targets);
/* Runs a helper on these registers and gives `results` new ones. */
void dv_pul_call_helper(PulContext *ctx, PulleyHelper helper, const VReg *args, u32 count,
                        VReg *results, u32 num_results);

/* emit.c */
bool dv_pul_emit_func(const Isa *isa, const CompileOptions *options, void *context,
                      const EmitInput *input, Arena *arena, Diag *diag, CompiledFunc *out);
const char *dv_pul_inst_name(u32 op);

#endif
