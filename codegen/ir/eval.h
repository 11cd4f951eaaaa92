/* eval.h - the evaluator: runs CLIF functions as they are, exactly, on any host. It is the
 * definition of what operations mean, and the oracle of every test.
 *
 * An Evaluator holds functions that may call each other by name, and one instance: memories,
 * tables, globals, segments and tags that runtime entities name by index. Its plain memory lies
 * below 4 GiB in its own address space: a guest address is never a host pointer, every access is
 * checked. Functions must have passed dv_verify. What CLIF leaves open is settled here:
 *
 *   plain memory    What is mapped is the symbols set by dv_eval_set_symbol and the slots of live
 *                   frames, which start as zeros. An access elsewhere traps with the code in its
 *                   flags; if it says notrap it is an error, and so is one that says aligned and
 *                   is not. An atomic access must be aligned, else it fails as one out of bounds.
 *                   Lane i of a vector lies at i times the lane's bytes in either byte order.
 *   addresses       Functions, symbols without data, return addresses and handlers have distinct
 *                   addresses without storage. That of a function or libcall can be called.
 *                   tls_value is symbol_value.
 *   calls           Calling a function by a signature of other types or another convention is an
 *                   error. sarg(N) copies. stack_limit traps stk_ovf at entry.
 *   libcalls        Are built in, unless a function of that name was added. Memcpy may overlap.
 *                   Lengths of zero touch nothing. The ElfTls calls give their argument.
 *   function types  A function has the Wasm type that the first function entity with its name says;
 *                   without one, that of its signature, references not being in it.
 *   exceptions      A handler gets exn0 = the exnref handle, exn1 = 0. `tagN` in a table means the
 *                   tag that the function declares as tagN, or the module's tag N if it declares
 *                   none. After `context v` it matches only exceptions thrown by functions whose
 *                   vmctx parameter (0 without one) is v.
 *   stack_switch    A context is three words of the operand type in the data layout's order: stack
 *                   pointer, frame pointer, where to go on. One that stack_switch stored goes on
 *                   there, once. One whose third word is the address of a function with one
 *                   parameter of that type starts the function with the payload, its slots below
 *                   the first word; it must not return. Anything else is an error.
 *   waiting         There is one thread: heap_notify wakes nobody, heap_wait times out or, without
 *                   a timeout, is an error.
 */
#ifndef DV_IR_EVAL_H
#define DV_IR_EVAL_H

#include "codegen/ir/ir.h"

/* A value: type_bytes(type) bytes in lane order, each lane little-endian, whatever host and data
 * layout. */
typedef struct EvalValue {
    Type type;
    const u8 *bytes;
} EvalValue;

/* ---- eval_op.c and eval_{int,float,vector}.c: what the operations on values alone mean ---- */

/* One application of an operation that depends on nothing but its operands. */
typedef struct EvalOp {
    Op op;
    Type type; /* controlling */
    u8 aux;    /* condition or lane */
    bool
        big_endian; /* data layout, for bitcast between lane shapes without a byte order in flags */
    MemFlags flags; /* of bitcast */
    const u8 *mask; /* 16 bytes of shuffle; bytes of the constant of vconst and f128const */
    u64 imm;        /* iconst, f16const, f32const, f64const */
    TrapCode trap;  /* trapz, trapnz, uadd_overflow_trap */
    u32 num_args;
    Type arg_types[OP_MAX_OPERANDS];
    const u8 *args[OP_MAX_OPERANDS];
    Type result_types[OP_MAX_RESULTS];
    u8 *results[OP_MAX_RESULTS]; /* do not overlap args */
} EvalOp;

/* True if dv_eval_op defines this operation (all that touch neither memory nor control nor
 * machine). */
bool dv_eval_op_is_pure(Op op);
/* Applies it. Gives TRAP_none, or the code it traps with. */
TrapCode dv_eval_op(const EvalOp *e);
/* What atomic_rmw writes back: out = old op x, of integer type. */
void dv_eval_rmw(RmwOp op, Type type, const u8 *old, const u8 *x, u8 *out);

/* ---- eval.c: functions and calls ---- */

enum { MUTATE_NONE, MUTATE_COUNT = 8 };

typedef struct EvalOptions {
    bool big_endian; /* data layout of memory */
    u8 address_bits; /* 32 or 64 */
    u64 max_steps;   /* instructions, and one more per 1024 bytes moved in bulk or cleared; 0: no
                        limit */
    u32 max_depth;   /* frames, else stk_ovf; 0: 100,000 */
    u64 max_memory_bytes; /* of everything it holds; 0: 1 GiB */
    /* The stack lies elsewhere, and it and the pinned register hold other bytes than 0 before something is written: to
     * tell what depends on that. */
    bool other_stack;
    /* For tests of the tests: what this operation means is wrong in way `mutation`, 1 to
     * MUTATE_COUNT - 1 (eval_mutate.c). */
    u16 mutate_op;
    u8 mutation;
} EvalOptions;

typedef enum EvalOutcome {
    EVAL_RETURNED,
    EVAL_TRAPPED, /* trap says why */
    EVAL_OUT_OF_STEPS,
    EVAL_ERROR /* what cannot be evaluated: reason says why (unknown callee, wrong argument types,
                  limits) */
} EvalOutcome;

typedef struct EvalResult {
    EvalOutcome outcome;
    TrapCode trap;
    const char *reason; /* of EVAL_ERROR */
    u32 num_values;
    EvalValue *values;     /* in the arena given */
    u64 steps;             /* instructions executed by this call, counted as for max_steps */
    u64 fuel_used;         /* sum of fuel instructions by this call */
    const Func *trap_func; /* where it trapped */
    Inst trap_inst;
    bool trap_on_other_stack; /* than the first one: stack_switch had gone there */
} EvalResult;

typedef struct Evaluator Evaluator;

/* NULL if memory runs out. Uses its own arenas in `pool`. */
Evaluator *dv_eval_new(Pool *pool, const EvalOptions *options);
void dv_eval_free(Evaluator *e);
/* Makes a function callable by name; it must stay unchanged. A name already there is replaced.
 * False if memory runs out. */
bool dv_eval_add(Evaluator *e, const Func *f);
const Func *dv_eval_find(const Evaluator *e, const ExtName *name);
/* Calls f, which need not have been added; never escapes: running out of memory is EVAL_ERROR.
 * Result values and the reason live in `arena`. An exception that nothing catches is the trap
 * `exception`. */
void dv_eval_call(Evaluator *e, const Func *f, const EvalValue *args, u32 num_args, Arena *arena,
                  EvalResult *out);

/* The instance, kept between calls. Entities not set up here are made by the first function that
 * declares them, from their declared minimum. All give false if a limit is exceeded. */
bool dv_eval_set_memory(Evaluator *e, u32 index, u64 bytes); /* zeroed */
u8 *dv_eval_memory(Evaluator *e, u32 index,
                   u64 *bytes); /* NULL if there is none; valid until the next call */
bool dv_eval_set_table(Evaluator *e, u32 index, u64 elems); /* null */
u32 *dv_eval_table(Evaluator *e, u32 index, u64 *elems);
bool dv_eval_set_global(Evaluator *e, u32 index, EvalValue value);
bool dv_eval_global(Evaluator *e, u32 index, EvalValue *value);
bool dv_eval_set_data(Evaluator *e, u32 index, const u8 *bytes, u64 len);
bool dv_eval_set_elem(Evaluator *e, u32 index, const u32 *refs, u64 len);
/* The reference (i32 handle, 0 is null) to a function added before; 0 if it was not. */
u32 dv_eval_func_ref(Evaluator *e, const Func *f);
/* Gives a symbol `len` bytes of data (NULL: zeros), 16-aligned; *address is where in plain memory.
 */
bool dv_eval_set_symbol(Evaluator *e, const ExtName *name, const u8 *bytes, u64 len, u64 *address);
void dv_eval_set_fuel(Evaluator *e, u64 fuel); /* what `fuel` may use; UINT64_MAX at first */
/* Back to the state after dv_eval_new, functions kept. */
void dv_eval_reset(Evaluator *e);

#endif
