/* target.h - x86-64 as a target: what its files hand to each other.
 *
 *   insts.def, encode.c  instructions, their bytes
 *   lower.c, help.c      what rules/ are linked with
 *   abi.c                where a convention has parameters and results
 *   call.c               parameters, results and calls as instructions
 *   emit.c               frames and code
 *   x64.c                the target x86_64
 *
 * Class 0 are the general registers, class 1 the xmm registers, by their numbers. rsp and rbp are the frame's, r11 and
 * xmm15 are for moves. An i128 is two registers, the low half first. Floats are in the low bits of an xmm register, what is
 * above is undefined; an f128 is all of one.
 *
 * The frame, from the stack pointer up: arguments of callees in memory, their results there, copies of structures for them;
 * spill slots, stack slots; xmm registers saved, general registers saved; then rbp's old value, the return address, and
 * arguments that came in memory, with room for those of tail calls that take more. Spill slots of xmm registers are 16
 * bytes, aligned: an instruction that wants its memory operand so may have it there.
 */
#ifndef DV_ISA_X64_TARGET_H
#define DV_ISA_X64_TARGET_H

#include "codegen/isa/x64/encode.h"
#include "codegen/isa/x64/x64_isa.h"

enum { X64_GENERAL, X64_XMM, X64_CLASSES };
enum { X64_SCRATCH = 11, X64_XMM_SCRATCH = 15, X64_PINNED = 15 };

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
    /* Calls: function by number in the preamble, or X64_INDIRECT: the address is the first operand; bytes that the callee
     * takes off the stack. Of a try_ labels of its destinations follow, and offset and bytes of each result in
     * memory, whose operands are those that may be anywhere. */
    X64_CALL,
    X64_TAIL_CALL,    /* function, or X64_INDIRECT; bytes of arguments in memory */
    X64_FUNC_ADDR,    /* function by number in the preamble */
    X64_LOAD_STACK,   /* to a register: area, offset, bytes */
    X64_STORE_STACK,  /* from a register: area, offset, bytes */
    X64_STACK_ADDR,   /* area, offset */
    X64_LABEL_ADDR,   /* label */
    X64_READ_REG,     /* a register that is not allocated: its number */
    X64_WRITE_REG,    /* the same */
    X64_CALL_LIBRARY, /* RtLibcall; arguments and results in their registers */
    X64_ATOMIC_LOOP, /* address, and what atomic.c packs; registers: address, operand, what it defines */
    X64_FLOAT_CONST, /* of an xmm register: bytes, 4, 8 or 16; bits, the low half first */
    X64_SYMBOL,      /* global value by number in the preamble */
    X64_TLS_ADDRESS, /* the same, thread-local: a call; the address in rax */
    X64_TLS_NEAR,    /* the same by another model than the general one, without a call */
    X64_STACK_SWITCH, /* addresses of the contexts to store and to load; the payload handed over, and that handed back */
    X64_SUM, /* address; 32 or 64 bits: what it adds up to, by lea or in fewer bytes; flags are lost */
    X64_OPS
};

enum { X64_EXCEPTION_VALUES = 2 /* rax, rdx */ };

#define X64_INDIRECT ((u64)ENTITY_NONE)

/* Where offsets in the stack count from, which are signed: what is handed to callees; the end of this function's own
 * arguments in memory, where those of a tail call end too and results in memory begin; rbp. */
enum { X64_AREA_OUT, X64_AREA_IN, X64_AREA_FRAME };

/* The number that goes with an operand that may be memory: 0 for a register, or what is packed of an address, whose
 * registers are the operands. */
enum {
    X64_ADDRESS_IS_MEMORY = 1,
    X64_ADDRESS_HAS_BASE = 2,
    X64_ADDRESS_HAS_INDEX = 4,
    X64_ADDRESS_IS_CONST =
        64, /* behind the code: its bytes, 4, 8 or 16, in bits 8 to 31; its bits follow as two
                                  numbers, the low half first */
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
    u64 bits[2]; /* of a constant */
    u32 srcloc;  /* of a load that another instruction does; 0 */
} X64Address;

typedef struct X64Context {
    const Isa *isa;
    const CompileOptions *options;
    Func *func;
    Lower *lower;
    Arena *arena;
    const u32 *targets; /* of the branch at hand */
    u32 num_targets;
    struct X64Layout *layout; /* of the function's own signature */
    u32 outgoing_bytes;       /* the most that a call takes for arguments, results and copies */
    u32 incoming_bytes;  /* the most that arguments take, its own and those of its tail calls */
    const char *missing; /* why there is no such function; NULL */
    bool makes_calls, has_try;
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
bool dv_x64_covers_by(u32 features, u32 op, u32 type, u32 open);
/* A register or an address of ctx->addresses, as a field of an instruction. */
enum { X64_FIELD_ADDRESS = 1 << 30 };
/* Emits an instruction; fields are the arguments of its term but for flags. `defs` gets what is written. */
void dv_x64_emit_inst(X64Context *ctx, X64Op op, const u64 *fields, VReg defs[2]);

/* help.c: the i32 is no higher than this. */
u64 dv_x64_most_of(X64Context *ctx, Value value);

/* atomic.c: the loop with this number; regs are its registers but for the address. */
void dv_x64_atomic_loop(MachBuffer *buf, X64Operand memory, u64 loop, const X64Operand *regs);

/* abi.c */
enum {
    X64_STRUCT_MAX = 1 << 16, /* bytes: copies are made by an instruction or two for each eight */
    X64_SIGNATURE_MAX = 1 << 24, /* bytes */
    X64_FRAME_MAX = 1 << 30      /* bytes, with what its alignment leaves out */
};
/* Where a value is handed over. Offsets are from where arguments begin, or results. */
typedef struct X64Spot {
    u8 class, num_parts, part_bytes;
    bool in_memory;    /* else in registers */
    bool by_reference; /* the address is */
    bool is_struct;    /* of that many bytes: in memory itself, or by reference */
    bool is_packed;    /* two registers as one xmm register */
    PReg regs[VALUE_REGS_MAX];
    u32 offsets[VALUE_REGS_MAX];
} X64Spot;
typedef struct X64Layout {
    X64Spot *params, *results;   /* by number */
    u32 arg_bytes, result_bytes; /* in memory, multiples of 16 */
    bool callee_pops;
    u16 saved[X64_CLASSES]; /* registers that a callee gives back: sets by number */
} X64Layout;
/* NULL, or why there is no such function; `saved` and `callee_pops` are set in any case. */
const char *dv_x64_lay_out(const Signature *sig, Arena *arena, X64Layout *out);

/* call.c */
bool dv_x64_lower_params(Lower *l, const ValueRegs *values, u32 count);
void dv_x64_lower_return(X64Context *ctx, Inst inst);
void dv_x64_lower_call(X64Context *ctx, Inst inst);
/* Calls a function of rt/libcalls.def: arguments in registers of their classes. Its result is a float if result->hi is
 * VREG_NONE, or else an integer of one word or two. */
void dv_x64_call_library(X64Context *ctx, u32 libcall, const VReg *args, u32 count, Regs2 *result);
/* Calls for the address of a thread-local symbol. */
VReg dv_x64_call_tls(X64Context *ctx, GlobalValue gv);
VReg dv_x64_switch_stack(X64Context *ctx, VReg to, VReg from, VReg payload);
VReg dv_x64_load_stack(X64Context *ctx, u32 area, i64 offset);

/* emit.c */
bool dv_x64_emit_func(const Isa *isa, const CompileOptions *options, void *context,
                      const EmitInput *input, Arena *arena, Diag *diag, CompiledFunc *out);
const char *dv_x64_inst_name(u32 op);

#endif
