/* translate.h - the translator of one function, from Wasm to CLIF: its state, and what its files offer each other. */
#ifndef DV_WASM_COMPILE_TRANSLATE_H
#define DV_WASM_COMPILE_TRANSLATE_H

#include "codegen/ir/builder.h"
#include "wasm/compile/wasm_compile.h"

/* A construct that is open, as the translator sees it. */
typedef struct Frame {
    u8 kind;      /* FRAME_ */
    bool is_dead; /* opened in code that cannot be reached: none of it is translated */
    Block label;  /* where branches to it go, made for the first of them; BLOCK_NONE */
    u32 height;   /* of the operand stack below its parameters */
    u32 num_params, num_results;
    const ValType *params, *results; /* results: unless there is one */
    ValType result;                  /* the only one */
    u32 constants;                   /* FRAME_LOOP: that were put before it */
    /* FRAME_LOOP: the block before it. FRAME_IF: the block that branched, the block call that is taken if the condition does not hold, and the parameters, which
     * lie in `saved` */
    Block head;
    u32 else_call;
    u32 saved;
    u32 table; /* number of the br_table that met it last, and the block in between */
    Block table_edge;
} Frame;
enum { FRAME_BLOCK, FRAME_LOOP, FRAME_IF, FRAME_ELSE, FRAME_BODY };

/* A local as it is known in the current block and those that led here one by one. */
typedef struct LocalState {
    u32 value;
    u32 epoch;    /* value holds if this is the translator's */
    u32 dirty_in; /* the block that assigned it last, plus 1 */
} LocalState;

/* A constant that was put before a loop. */
typedef struct LoopConstant {
    Type type;
    u64 bits;
    Value value;
    u32 frame; /* of the loop, in frames, */
    u32 label; /* and its block, as long as it is open */
} LoopConstant;

typedef struct Translator {
    Validator *v;
    const WasmModule *module;
    const WasmCompileOptions *options;
    Arena *arena;
    Features executed; /* by this version */
    Func *f;
    Ssa ssa;
    Block current;
    bool is_reachable;
    VEC(u32) stack; /* operands: values */
    VEC(u32) saved; /* parameters of every `if` that is open */
    VEC(Frame) frames;
    VEC(u32) loops; /* frames of loops that are open */
    VEC(LoopConstant) constants;
    Map constant_of; /* hash of type and bits -> the last in constants */
    LocalState *locals;
    u32 epoch;
    VEC(u32) dirty; /* locals assigned in the current block */
    Map entities;   /* kind and index in the module -> number in the preamble */
    u32 at;         /* of the instruction at hand */
    Inst fuel_inst; /* of the current block */
    u64 fuel;       /* what it costs so far */
    u32 tables;     /* br_tables so far */
    u64 passed;     /* values passed to labels and calls so far */
    u64 passed_max;
    bool failed;
} Translator;

/* ---- translate.c ---- */

/* Reports what about the function is too much. */
void dv_translate_fail(Translator *t, const char *what);
/* Counts values that are passed; fails when there are too many. */
void dv_translate_pass(Translator *t, u64 values);

static inline void push_value(Translator *t, Value v)
{
    vec_push(t->arena, &t->stack, v.id);
}

static inline Value pop_value(Translator *t)
{
    return (Value){vec_pop(&t->stack)};
}

/* The topmost values. */
static inline u32 *top_values(Translator *t, u32 count)
{
    ASSERT(count <= t->stack.len);
    return t->stack.data + (t->stack.len - count);
}

/* Appends an instruction without results yet; dv_translate_finish makes them once its entities are there. */
Inst dv_translate_inst(Translator *t, Op op, Type type, const u32 *args, u32 num_args);
void dv_translate_finish(Translator *t, Inst i);
/* Both, of an operation that gives one value. */
Value dv_translate_value(Translator *t, Op op, Type type, const u32 *args, u32 num_args);
Value dv_translate_const(Translator *t, Type type, u64 x);
/* What to use where a constant is wanted in a slot: if it is in a loop, one before the loop. */
Value dv_translate_operand(Translator *t, Value v);
/* The value a branch may ask instead of this i32, which is only compared with 0: the comparison itself. */
Value dv_translate_condition(const Translator *t, Value v);

/* ---- control.c: blocks, labels, branches ---- */

void dv_control_begin(Translator *t);
/* False when the instruction is none of control. */
bool dv_control_inst(Translator *t, const WasmInst *inst);
/* In code that cannot be reached: only follows the nesting. */
void dv_control_dead(Translator *t, const WasmInst *inst);
Value dv_local_get(Translator *t, u32 local);
void dv_local_set(Translator *t, u32 local, Value v);
/* The current block has its last instruction. */
void dv_control_end_block(Translator *t);

/* ---- entities.c: the preamble; each is declared when first asked for ---- */

Type dv_entity_value_type(ValType type);
/* Parameters and results in the function's memory. */
Signature dv_entity_signature(Translator *t, u32 type);
u32 dv_entity_type(Translator *t, u32 type);
u32 dv_entity_memory(Translator *t, u32 memory);
u32 dv_entity_table(Translator *t, u32 table);
u32 dv_entity_global(Translator *t, u32 global);
u32 dv_entity_func(Translator *t, u32 func);
/* The reference by which a function of this module is called. */
u32 dv_entity_callee(Translator *t, u32 func);
u32 dv_entity_data(Translator *t, u32 data);
u32 dv_entity_elem(Translator *t, u32 elem);
/* "u0:7": functions are named by their index, imports counted. */
ExtName dv_entity_name(u32 func);

#endif
