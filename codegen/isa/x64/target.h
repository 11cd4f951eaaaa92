/* target.h - x86-64 as a target: what its files hand to each other.
 *
 *   insts.def, encode.c  instructions, their bytes
 *   lower.c, help.c      what rules/ are linked with
 *   abi.c                parameters, results and calls
 *   emit.c               frames and code
 *   x64.c                the target x86_64
 *
 * Class 0 are the general registers, class 1 the xmm registers, by their numbers. rsp and rbp are the frame's, r11 and
 * xmm15 are for moves. An i128 is two registers, the low half first. Floats are in the low bits of an xmm register, what is
 * above is undefined; an f128 is all of one.
 *
 * The frame, from the stack pointer up: arguments of callees, spill slots, stack slots, registers saved; then rbp's
 * old value, the return address, and arguments that came in memory. Spill slots of xmm registers are 16 bytes, aligned: an
 * instruction that wants its memory operand so may have it there.
 */
#ifndef DV_ISA_X64_TARGET_H
#define DV_ISA_X64_TARGET_H

#include "codegen/isa/x64/encode.h"
#include "codegen/isa/x64/x64_isa.h"

enum { X64_GENERAL, X64_XMM }; /* classes */
enum { X64_SCRATCH = 11, X64_XMM_SCRATCH = 15 };

/* Operations beside those of insts.def. Numbers of each are told with it. */
enum {
    X64_PARAMS = X64_OP_COUNT, /* defines the parameters, and makes the frame */
    X64_RETURN,
    X64_BRANCH,        /* condition, label, label otherwise */
    X64_BRANCH_EITHER, /* two conditions of which one is enough; label, label otherwise */
    X64_XMM_SELECT,    /* condition; register to take then, another one that the result is in too */
    X64_JUMP,          /* label */
    X64_BR_TABLE,      /* index; two temporaries; labels, the default last */
    X64_TRAP_IF,       /* condition, code */
    X64_TRAP,          /* code */
    X64_CALL, /* function by number in the preamble; arguments and results in their registers */
    X64_CALL_INDIRECT, /* the address comes before the arguments */
    X64_FUNC_ADDR,     /* function by number in the preamble */
    X64_LOAD_PARAM,    /* a parameter that came in memory: offset, bytes */
    X64_STORE_ARG,     /* an argument that goes to memory: offset, bytes */
    X64_CALL_LIBRARY,  /* RtLibcall; arguments and results in their registers */
    X64_ATOMIC_LOOP, /* address, and what atomic.c packs; registers: address, operand, what it defines */
    X64_FLOAT_CONST, /* of an xmm register: bytes, 4, 8 or 16; bits, the low half first */
    X64_SYMBOL,      /* global value by number in the preamble */
    X64_OPS
};

/* The number that goes with an operand that may be memory: 0 for a register, or what is packed of an address, whose
 * registers are the operands. */
enum {
    X64_ADDRESS_IS_MEMORY = 1,
    X64_ADDRESS_HAS_BASE = 2,
    X64_ADDRESS_HAS_INDEX = 4,
    X64_ADDRESS_IS_SLOT = 8 /* of the frame: the stack slot's number in bits 8 to 31; else there the
                               code of the trap that a failing access is */
};
static inline u64 x64_address_pack(u32 kind, u32 scale, u32 entity, i32 disp)
{
    return (u64)(u32)disp << 32 | entity << 8 | scale << 4 | kind;
}

typedef struct X64Address {
    VReg base, index; /* VREG_NONE */
    u64 packed;
} X64Address;

typedef struct X64Context {
    const Isa *isa;
    const CompileOptions *options;
    Func *func;
    Lower *lower;
    Arena *arena;
    const u32 *targets; /* of the branch at hand */
    u32 num_targets;
    u32 outgoing_bytes; /* the most that a call's arguments in memory take */
    VEC(X64Address) addresses;
} X64Context;

static inline bool x64_has(const X64Context *ctx, X64Feature feature)
{
    return (ctx->options->features >> feature & 1) != 0;
}

typedef struct Regs2 {
    VReg lo, hi;
} Regs2;

/* What rules call an instruction's results. */
typedef struct InstOutput {
    ValueRegs values[OP_MAX_RESULTS];
    u32 count; /* or X64_RESULTS_SET */
} InstOutput;
enum { X64_RESULTS_SET = OP_MAX_RESULTS + 1 /* the results have been told already */ };

/* lower.c */
bool dv_x64_lower_inst(Lower *l, Inst inst);
bool dv_x64_lower_branch(Lower *l, Inst inst, const u32 *targets, u32 count);
void dv_x64_lower_jump(Lower *l, u32 target);
bool dv_x64_covers(u32 op, u32 type, u32 open);
/* A register or an address of ctx->addresses, as a field of an instruction. */
enum { X64_FIELD_ADDRESS = 1 << 30 };
/* Emits an instruction; fields are the arguments of its term but for flags. `defs` gets what is written. */
void dv_x64_emit_inst(X64Context *ctx, X64Op op, const u64 *fields, VReg defs[2]);

/* atomic.c: the loop with this number; regs are its registers but for the address. */
void dv_x64_atomic_loop(MachBuffer *buf, X64Operand memory, u64 loop, const X64Operand *regs);

/* abi.c */
bool dv_x64_lower_params(Lower *l, const ValueRegs *values, u32 count);
void dv_x64_lower_return(X64Context *ctx, Inst inst);
void dv_x64_lower_call(X64Context *ctx, Inst inst);
/* Calls a function of rt/libcalls.def: arguments in registers of their classes. Its result is a float if result->hi is
 * VREG_NONE, or else an integer of one word or two. */
void dv_x64_call_library(X64Context *ctx, u32 libcall, const VReg *args, u32 count, Regs2 *result);
/* Those that a function gives back as it got them: a set by number. */
u32 dv_x64_saved_registers(void);

/* emit.c */
bool dv_x64_emit_func(const Isa *isa, const CompileOptions *options, void *context,
                      const EmitInput *input, Arena *arena, Diag *diag, CompiledFunc *out);
const char *dv_x64_inst_name(u32 op);

#endif
