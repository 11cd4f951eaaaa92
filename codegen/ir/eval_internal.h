/* eval_internal.h - the evaluator's machine, shared by its files: eval.c (functions, the loop,
 * control), eval_call.c (frames, calls, exceptions, contexts), eval_memory.c (plain memory,
 * addresses, atomics), eval_entity.c (memories, tables, globals, segments), eval_mutate.c (wrong
 * meanings for tests of tests).
 *
 * State. A fiber is a stack of frames; a run starts with one, stack_switch makes more. A frame
 * keeps every value of its function as bytes at offsets that are computed once per function (Code).
 * Nothing recurses: a call pushes a frame and the loop goes on. Pointers to frames and values hold
 * only until the next push.
 *
 * An instruction gives a Flow. Whoever stops the run says why through dv_eval_trap or
 * dv_eval_error.
 *
 * The guest's plain address space, all below 4 GiB; everything not named is unmapped:
 *     0x00010000  data of symbols, growing up
 *     0x60000000  the stack, growing down from 0x80000000
 *     0x80000000  functions and unknown symbols, 16 bytes apart; no storage
 *     0xc0000000  places in code: return addresses, exception handlers; no storage
 *     0xe0000000  suspended fibers; no storage
 */
#ifndef DV_IR_EVAL_INTERNAL_H
#define DV_IR_EVAL_INTERNAL_H

#include "base/bytes.h"
#include "codegen/ir/eval.h"

#define EVAL_DATA_BASE 0x10000u
#define EVAL_STACK_BASE 0x60000000u
#define EVAL_STACK_TOP 0x80000000u
#define EVAL_CODE_BASE 0x80000000u
#define EVAL_PLACE_BASE 0xc0000000u
#define EVAL_FIBER_BASE 0xe0000000u
#define EVAL_OUTSIDE 0xffff0000u /* where the outermost function returns to */
enum {
    EVAL_ADDRESS_STEP = 16,     /* between two addresses without storage */
    EVAL_MAX_SYMBOLS = 1 << 26, /* so many fit below EVAL_PLACE_BASE */
    EVAL_MAX_PLACES = 1 << 25,
    EVAL_MAX_FIBERS = 1 << 20,
    EVAL_FRAME_RECORD =
        16, /* guest bytes of a frame beside its slots: keeps frame pointers distinct */
    EVAL_BYTES_PER_STEP = 1024 /* bulk work of so many bytes counts as one more step */
};

typedef enum Flow {
    FLOW_NEXT,  /* go on with the instruction after this one */
    FLOW_MOVED, /* the place to go on is set */
    FLOW_STOP   /* the run is over */
} Flow;

/* Bytes that grow, counted against the limit. Large ones have an arena of their own, so that
 * growing gives memory back. */
typedef struct EvalBuffer {
    Arena *home; /* of small ones */
    Arena own;
    u8 *data;
    u64 len, cap;
} EvalBuffer;

enum { ENT_MEMORY, ENT_TABLE, ENT_GLOBAL, ENT_DATA, ENT_ELEM, ENT_KINDS };

/* Tables and element segments hold u32 of the host, four bytes each. */
typedef struct EvalEntity {
    EvalBuffer bytes;
    Type type;  /* of a global */
    bool ready; /* has the size it was set or declared with */
} EvalEntity;

/* What is known of a name. */
typedef struct EvalSymbol {
    ExtName name;
    const Func *func;  /* NULL: no function of this name was added */
    struct Code *code; /* NULL until first called */
    bool has_type;
    WasmTypeData type; /* arrays in the evaluator's arena; sig is not used */
    bool has_data;
    u32 data_address;
} EvalSymbol;

/* A function made ready to run. */
typedef struct Code {
    const Func *func;
    u32 *offsets; /* of each value within the frame; aliases have their target's */
    Type *types;  /* likewise */
    u64 frame_bytes;
    u64 *slot_offsets; /* from the stack pointer */
    u64 *dyn_slot_offsets;
    u64 sarg_offset; /* copies of sarg(N) arguments lie above the slots */
    u64 stack_bytes, stack_align;
    u32 vmctx_param;       /* ENTITY_NONE */
    u32 *callees;          /* symbols, by FuncRef */
    u32 *wasm_callees;     /* symbols or ENTITY_NONE, by WasmFunc */
    u32 *bound[ENT_KINDS]; /* numbers among e->entities */
    u64 generation;        /* of the instance that `bound` is true of */
} Code;

typedef struct Frame {
    Code *code;
    Inst inst;    /* being executed; below the top, the call or stack_switch waited for */
    u64 values;   /* where its values start in the fiber's */
    u64 entry_sp; /* the caller's stack pointer */
    u64 fp, sp;
    u64 vmctx;
} Frame;

typedef struct Fiber {
    EvalBuffer frames; /* Frame */
    EvalBuffer values;
    u64 sp;
    u64 saved_fp; /* what stack_switch wrote to memory, checked on the way back */
    bool suspended;
} Fiber;

typedef struct Exception {
    u32 tag;     /* module index */
    u64 context; /* vmctx of the function that threw it */
} Exception;

/* A place in code that has an address. */
typedef struct Place {
    const Func *func;
    u32 kind, a, b;
} Place;
enum { PLACE_RETURN, PLACE_HANDLER };

struct Evaluator {
    Pool *pool;
    EvalOptions options;
    u64 max_memory, max_depth;
    u64 held_bytes;
    Arena arena;    /* names, code */
    Arena instance; /* small entities */
    Arena call;     /* of one run */
    VEC(EvalSymbol) symbols;
    Map symbol_of;
    VEC(Place) places;
    Map place_of;
    Signature libcall_sigs[LIBCALL_COUNT];
    u8 family[OP_COUNT];
    u16 mutate_op; /* OP_COUNT: none */
    /* the instance */
    VEC(EvalEntity) entities;
    Map entity_of[ENT_KINDS];
    u64 generation;
    VEC(Exception) exceptions;
    u64 fuel;
    u64 pinned;
    EvalBuffer data;  /* from EVAL_DATA_BASE */
    EvalBuffer stack; /* ends at EVAL_STACK_TOP */
    u64 stack_top;    /* where the first frame ends */
    u8 stack_fill;    /* what new frames hold */
    /* the run */
    Fiber main;
    VEC(Fiber *) fibers; /* the first is &main */
    u32 current;
    u64 depth;
    EvalBuffer staging;     /* arguments and results on their way, one after the other */
    EvalBuffer ret_offsets; /* u32, little-endian: where in staging the results of a try_ lie */
    EvalBuffer scratch;     /* arguments of a block call */
    u8 exn[2][8];           /* exn0, exn1 */
    u8 constant[TYPE_MAX_BYTES];
    u64 steps, fuel_used;
    EvalOutcome outcome;
    TrapCode trap;
    const char *reason;
    const ExtName *reason_name;
    const Func *place_func;
    Inst place_inst;
};

/* ---- eval.c ---- */

/* Stop the run; the place is the top frame's instruction. */
Flow dv_eval_trap(Evaluator *e, TrapCode code);
Flow dv_eval_error(Evaluator *e, const char *reason);
Flow dv_eval_error_name(Evaluator *e, const char *reason, const ExtName *name);
/* Counts bulk work of so many bytes; false, the run being stopped, if the budget is used up. */
bool dv_eval_count_bytes(Evaluator *e, u64 bytes);
/* Makes room for cap bytes; false if that exceeds the limit. Bytes past len are not initialised. */
bool dv_eval_reserve(Evaluator *e, EvalBuffer *buffer, u64 cap);
/* Sets len; new bytes are zero. */
bool dv_eval_resize(Evaluator *e, EvalBuffer *buffer, u64 len);
void dv_eval_release(Evaluator *e, EvalBuffer *buffer);
/* The number of a name, made if it is new. */
u32 dv_eval_symbol(Evaluator *e, const ExtName *name);
u64 dv_eval_symbol_address(const Evaluator *e, u32 symbol);
u64 dv_eval_place(Evaluator *e, Place place);
/* NULL, the run being stopped, if it is too large. */
Code *dv_eval_prepare(Evaluator *e, const Func *f, Arena *arena);
/* One instruction as it should be, without counting. */
Flow dv_eval_step(Evaluator *e, const InstData *d);
bool dv_eval_is_zero(const Evaluator *e, u32 value);
/* Which of its num_dests targets a jump, brif or br_table goes to. */
u32 dv_eval_branch(Evaluator *e, const InstData *d, u32 num_dests);
/* Binds the parameters of a block, all arguments read first, and goes there. */
Flow dv_eval_jump(Evaluator *e, const BlockCall *call);
static inline Fiber *dv_eval_fiber(const Evaluator *e)
{
    return e->fibers.data[e->current];
}

static inline u64 dv_eval_frame_count(const Fiber *fiber)
{
    return fiber->frames.len / sizeof(Frame);
}

static inline Frame *dv_eval_frame_at(const Fiber *fiber, u64 n)
{
    return (Frame *)(void *)fiber->frames.data + n;
}

/* The top frame. */
static inline Frame *dv_eval_frame(const Evaluator *e)
{
    const Fiber *fiber = dv_eval_fiber(e);
    return dv_eval_frame_at(fiber, dv_eval_frame_count(fiber) - 1);
}

/* The bytes of a value of the top frame. */
static inline u8 *dv_eval_value(const Evaluator *e, u32 value)
{
    const Frame *frame = dv_eval_frame(e);
    return dv_eval_fiber(e)->values.data + frame->values + frame->code->offsets[value];
}

static inline Type dv_eval_type(const Evaluator *e, u32 value)
{
    return dv_eval_frame(e)->code->types[value];
}

/* Integers of up to 64 bits in value bytes. */
static inline u64 dv_eval_read(const u8 *bytes, u32 size)
{
    u64 x = 0;
    for (u32 i = 0; i < size; i++) {
        x |= (u64)bytes[i] << (8 * i);
    }
    return x;
}

static inline void dv_eval_write(u8 *bytes, u32 size, u64 x)
{
    for (u32 i = 0; i < size; i++) {
        bytes[i] = (u8)(i < 8 ? x >> (8 * i) : 0);
    }
}

/* The integer operand of i32, i64 and narrower types, zero-extended. */
static inline u64 dv_eval_int(const Evaluator *e, u32 value)
{
    return dv_eval_read(dv_eval_value(e, value), type_bytes(dv_eval_type(e, value)));
}

static inline void dv_eval_set_int(const Evaluator *e, u32 value, u64 x)
{
    dv_eval_write(dv_eval_value(e, value), type_bytes(dv_eval_type(e, value)), x);
}

static inline const Func *dv_eval_func(const Evaluator *e)
{
    return dv_eval_frame(e)->code->func;
}

/* ---- eval_call.c ---- */

/* Starts running code in a new frame of the current fiber with the arguments in `staging`. */
Flow dv_eval_push(Evaluator *e, Code *code);
/* Removes the top frame. */
void dv_eval_pop(Evaluator *e);
Flow dv_eval_step_call(Evaluator *e, const InstData *d);
Flow dv_eval_step_return(Evaluator *e);
/* The exception is caught by a frame below, or traps. `handle` counts from 1. */
Flow dv_eval_raise(Evaluator *e, u32 handle);
/* A new exception of this tag, thrown by the top frame. */
Flow dv_eval_throw(Evaluator *e, u32 tag);
Flow dv_eval_step_switch(Evaluator *e, const InstData *d);
/* The code of a symbol, made ready; NULL, the run being stopped, if there is none. */
Code *dv_eval_code(Evaluator *e, u32 symbol);
/* Ends all fibers. */
void dv_eval_unwind_all(Evaluator *e);

/* ---- eval_memory.c ---- */

/* Where [address, address + size) of plain memory lies; NULL if not all of it is mapped. */
u8 *dv_eval_at(const Evaluator *e, u64 address, u64 size);
/* Makes the stack reach down to this address; false if that exceeds the limit. */
bool dv_eval_grow_stack(Evaluator *e, u64 low);
/* Copies a value between memory in the order named and value bytes. */
void dv_eval_copy_lanes(u8 *to, const u8 *from, Type type, bool big);
/* What a load of this operation makes of `size` bytes at p: extension, lanes, splat, zero. */
void dv_eval_load_bytes(const InstData *d, Type result, const u8 *p, bool big, u8 *out);
/* What a store of this operation leaves at p. */
void dv_eval_store_bytes(const InstData *d, Type type, const u8 *value, bool big, u8 *p);
/* Bytes that a load or store, plain or of a memory, touches. `type` is that of the result or the
 * value stored. */
u32 dv_eval_access_size(const InstData *d, Type type);
Flow dv_eval_step_memory(Evaluator *e, const InstData *d);
Flow dv_eval_step_address(Evaluator *e, const InstData *d);
/* The value of a global value; false, the run being stopped, if it cannot be computed. */
bool dv_eval_global_value(Evaluator *e, GlobalValue gv, u64 *out);
/* atomic_rmw and atomic_cas, plain or of a memory, on the bytes at `memory`. */
void dv_eval_atomic(Evaluator *e, const InstData *d, u8 *memory, bool big);

/* ---- eval_entity.c ---- */

/* Makes the entities that a function declares and are not there yet; false, the run being stopped,
 * if a limit is exceeded. */
bool dv_eval_bind(Evaluator *e, Code *code);
EvalEntity *dv_eval_entity(Evaluator *e, u32 kind, u32 entity);
Flow dv_eval_step_entity(Evaluator *e, const InstData *d);
void dv_eval_release_instance(Evaluator *e);

/* ---- eval_mutate.c ---- */

/* One instruction of the operation to be mutated. */
Flow dv_eval_step_mutated(Evaluator *e, const InstData *d);

#endif
