/* gen_internal.h - what the files of the generator share: gen.c (choices, functions, their preambles),
 * gen_value.c (constants, values in sight, consuming them), gen_inst.c (one instruction by its row),
 * gen_flow.c (statements and blocks), gen_runs.c (instances, calls, expectations).
 *
 * A function is written from top to bottom as text. `values` are those in sight: what dominates here.
 * `acc` is an i64 into which every result is folded before it leaves sight; the function returns what is
 * made of it. `pending` are results not folded yet; a block's own begin at `pending_base`.
 *
 * A loose value is the result of a float operation: if it is a NaN, its bits are the engine's choice. It may
 * be an operand of other float operations, but is made canonical before its bits are looked at.
 *
 * Every function counts what a call of it costs at most, in instructions: loops multiply, calls add the
 * callee's. Functions call only such with higher numbers, which are written first, or themselves through a
 * counter. So everything ends, and soon.
 */
#ifndef DV_TOOLS_GEN_INTERNAL_H
#define DV_TOOLS_GEN_INTERNAL_H

#include "base/u128.h"
#include "base/vec.h"
#include "codegen/ir/eval.h"
#include "tools/gen.h"

enum {
    GEN_PARAMS_MAX = 80,
    GEN_JOIN_MAX = 3,     /* parameters of a block beside acc */
    GEN_DEPTH_MAX = 4,    /* of statements in statements */
    GEN_MULT_MAX = 64,    /* product of trip counts */
    GEN_COST_MAX = 30000, /* beside the instructions asked for */
    GEN_HEAPS = 3,
    GEN_TABLES = 3,
    GEN_GLOBALS = 10, /* one of each scalar type, and one vector */
    GEN_SEGMENTS = 2, /* the second may be dropped */
    GEN_TAGS = 2,
    GEN_SEGMENT_SIZE = 16,
    GEN_TABLE_SIZE = 16,
    GEN_SLOT_CELLS =
        256,            /* bytes of slot 0: cells of one width each, twice; vectors have the rest */
    GEN_SLOT_BYTES = 64 /* bytes of slot 1: accesses that name their byte order */
};

typedef struct GenSig {
    u32 num_params, num_results;
    Type params[GEN_PARAMS_MAX], results[GEN_PARAMS_MAX];
    u8 extensions[GEN_PARAMS_MAX]; /* EXT_, of parameters */
    u8 purposes
        [GEN_PARAMS_MAX]; /* PURPOSE_, of parameters; what is no value like others is a pointer */
    u8 sarg_bytes[GEN_PARAMS_MAX];
    bool has_pointers; /* the first may be sret */
    u32 parts;         /* GEN_: what the function uses; functions that it calls use nothing else */
    CallConv conv;
    bool is_wasm; /* its types are Wasm's */
} GenSig;

typedef struct GenFunc {
    GenSig sig;
    u64 cost;
    char *text; /* with the closing brace */
} GenFunc;

typedef struct GenValue {
    u32 id;
    Type type;
    bool loose;
} GenValue;

/* What the instruction being written has settled beforehand. */
typedef struct GenPlan {
    u32 fixed[OP_MAX_OPERANDS]; /* values; ENTITY_NONE: any */
    i64 offset;
    char flags[48];
    u32 entities[2]; /* by their letters' order */
} GenPlan;

typedef struct Gen {
    GenSource *source;
    const GenOptions *options;
    Arena *arena;
    u32 parts; /* of the file; while a function's blocks are written, of that */
    GenFunc funcs[GEN_FUNCS_MAX];
    u32 num_funcs;
    u32 weights[OP_COUNT], total_weight; /* of operations, in this file */
    /* the function being written */
    u32 func;
    TextBuf out;  /* its blocks */
    TextBuf line; /* an instruction's operands; those that make them come before it in `out` */
    u32 next_value, next_block, num_insts, depth;
    u64 cost, mult;
    bool recursed, daring;
    u32 acc;
    VEC(GenValue) values;
    VEC(GenValue) pending;
    u32 pending_base;
    /* the instruction being written */
    Op op;
    Type type;
    u32 num_operands;
    GenPlan plan;
    u32 num_entities;
} Gen;

/* Scope: what is in sight outside of a nested block. */
typedef struct GenScope {
    u32 num_values, pending_base, acc;
} GenScope;

/* ---- gen.c ---- */
u32 dv_gen_choose(Gen *g, u32 n); /* below n; 0 when bytes are used up */
u64 dv_gen_u64(Gen *g);
bool dv_gen_done(const Gen *g);       /* the bytes are used up */
bool dv_gen_chance(Gen *g, u32 odds); /* once in so many times; false when bytes are used up */
Type dv_gen_address(const Gen *g);
/* The types that functions are made of: type n of them, TYPE_NONE past the last. */
Type dv_gen_type(const Gen *g, u32 n);
Type dv_gen_some_type(Gen *g);
Type dv_gen_int_type(Gen *g);
u32 dv_gen_heap_bytes(u32 heap);
Type dv_gen_heap_index(u32 heap);
Type dv_gen_table_index(u32 table);
u32 dv_gen_num_globals(const Gen *g);
Type dv_gen_global_type(u32 global);
void dv_gen_write_type(TextBuf *out, Type type);
void dv_gen_write_sig(TextBuf *out, const GenSig *sig);
bool dv_gen_is_sret(const GenSig *sig);

/* ---- gen_value.c ---- */
/* Writes "    v7 = " and the rest, counts it, and gives 7. */
DV_PRINTF(2, 3) u32 dv_gen_emit(Gen *g, const char *format, ...);
/* The same without a result. */
DV_PRINTF(2, 3) void dv_gen_effect(Gen *g, const char *format, ...);
U128 dv_gen_corner_int(Gen *g, u32 bits);
U128 dv_gen_corner_float(Gen *g, Type type);
/* 2 to the power, or zero or infinity if that is out of range; `step` -1 and 1: the float beside it, towards
 * zero and away from it. */
U128 dv_gen_power_of_two(Type type, i32 power, i32 step);
void dv_gen_bytes_of(U128 x, u8 *bytes); /* 16, little-endian */
u32 dv_gen_const(Gen *g, Type type, U128 bits);
u32 dv_gen_int(Gen *g, Type type, u64 x);
u32 dv_gen_corner(Gen *g, Type type);
/* A value of this type made of acc, so that it is known at run time only. */
u32 dv_gen_derive(Gen *g, Type type);
/* A value in sight, or a new one. A NaN in it has the same bits everywhere, unless loose_ok. */
u32 dv_gen_value(Gen *g, Type type, bool loose_ok);
u32 dv_gen_int_value(Gen *g, Type *type); /* of any integer type */
/* Makes it one to be seen and consumed. */
void dv_gen_add(Gen *g, u32 id, Type type, bool loose);
/* Folds it into acc now. */
void dv_gen_fold(Gen *g, GenValue v);
/* Folds the pending results of this block. */
void dv_gen_fold_all(Gen *g);
GenScope dv_gen_enter(Gen *g);
void dv_gen_leave(Gen *g, const GenScope *s);

/* ---- gen_inst.c ---- */
/* Weighs the operations by the parts. */
void dv_gen_weigh(Gen *g);
/* One instruction, not a terminator nor a call, its operands made as it needs. */
void dv_gen_instruction(Gen *g);
u32 dv_gen_weight(Op op);
const char *dv_gen_reason(Op op);

/* ---- gen_flow.c ---- */
/* The blocks of the current function. */
void dv_gen_body(Gen *g);

/* ---- gen_runs.c ---- */
bool dv_gen_runs(Gen *g, TextBuf *out, const char *header, const char **error);

#endif
