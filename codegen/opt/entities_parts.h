/* entities_parts.h - the pass of entities.h at work: what its files share.
 *
 * Each expansion adds instructions at the end of the block being rebuilt, and lastly makes the instruction at work
 * another one (dv_ent_become), which so keeps its results, source location and tables. */
#ifndef DV_OPT_ENTITIES_PARTS_H
#define DV_OPT_ENTITIES_PARTS_H

#include "codegen/opt/entities.h"

/* A value that was made for reuse: good while `epoch` is the present one of its kind. */
typedef struct EntCached {
    u32 value; /* plus one */
    u32 epoch;
} EntCached;

/* What was loaded of a memory or table of the preamble: where the object is, where its contents are, how long they are. */
typedef struct EntObject {
    EntCached object, base, length;
} EntObject;

typedef struct Entities {
    Func *f;
    const EntityOptions *options;
    const VmOptions *vm;
    VmLayout layout;
    Arena *scratch;
    Value vmctx;        /* VALUE_NONE: there is none */
    Inst at;            /* the instruction at work, in no block */
    Block block;        /* new instructions go to its end */
    Inst before;        /* or, if there is one, before this */
    Inst anchor;        /* in the entry block: what the whole function uses goes before it */
    bool hoists;        /* things are made there: the function has loops */
    u32 block_epoch;    /* a number for each original block */
    u32 contents_epoch; /* and for what follows each instruction that may change contents */
    EntCached state;
    EntObject *memories, *tables;     /* by entity */
    EntCached *imported_globals;      /* by entity */
    bool *takes_vmctx;                /* by signature: a vmctx was put in front */
    u32 helper_sigs[VM_HELPER_COUNT]; /* plus one */
} Entities;

/* ---- entities.c ---- */

/* At the end of the block, with results. */
Inst dv_ent_add(Entities *e, Op op, Type type, const u32 *args, u32 num_args);
Value dv_ent_const(Entities *e, Type type, u64 x);
Value dv_ent_unary(Entities *e, Op op, Type type, Value x);
Value dv_ent_binary(Entities *e, Op op, Value x, Value y);
Value dv_ent_compare(Entities *e, IntCC cc, Value x, Value y);
/* An i64 and a constant. */
Value dv_ent_offset(Entities *e, Value x, u64 offset);
/* An i32 zero-extended, an i64 as it is. */
Value dv_ent_wide(Entities *e, Value x);
void dv_ent_trap_if(Entities *e, Op op, Value x, TrapCode code); /* OP_trapz, OP_trapnz */
/* Argument n of the instruction at work. */
Value dv_ent_arg(const Entities *e, u32 n);
/* Loads from the runtime's structures, which are there. */
Value dv_ent_load(Entities *e, Op op, Type type, Value base, u64 offset);
/* The same of a pointer that never changes: made once for the function, or for the block. */
Value dv_ent_load_fixed(Entities *e, EntCached *cached, Value base, u64 offset);
/* The same of 64 bits that calls may change. */
Value dv_ent_load_content(Entities *e, EntCached *cached, Value base, u64 offset);
Value dv_ent_state(Entities *e);
/* The block ends; if the condition is not zero a cold one comes next, in which dv_ent_end_cold ends up after whatever is
 * added in between: it traps, or goes on where the block does if `trap` is none. */
Block dv_ent_begin_cold(Entities *e, Value condition);
void dv_ent_end_cold(Entities *e, Block next, TrapCode trap);
/* The instruction at work becomes this one, and goes to the end of the block. */
InstData *dv_ent_become(Entities *e, Op op, Type type, const u32 *args, u32 num_args);
/* Calls a helper; args without the vmctx, i32 where it takes an i32, else i32 or i64. */
Inst dv_ent_helper(Entities *e, VmHelper helper, const u32 *args, u32 num_args);
/* The instruction at work becomes that; its result may be an i32 where the helper's is an i64. */
void dv_ent_become_helper(Entities *e, VmHelper helper, const u32 *args, u32 num_args);

/* The index in the module that a type of the preamble has; its own number if it tells none. */
u32 dv_ent_type_index(const Func *f, u32 type);

/* ---- entities_memory.c ---- */

/* True if the instruction at work is one on memories, segments or globals, and was expanded. */
bool dv_ent_memory(Entities *e);

/* Traps if it is out of bounds. The address; with a guard, 0 where code speculates past that. */
Value dv_ent_bounded(Entities *e, bool guard, Value oob, TrapCode trap, Value address);
/* The instruction at work becomes a helper's call on one or two (ENTITY_NONE: one) entities, given by their index in the
 * module, and its arguments. */
void dv_ent_become_bulk(Entities *e, VmHelper helper, u32 first, u32 second);

/* ---- entities_call.c ---- */

/* The same of tables, function entities and exceptions; of all calls that pass a vmctx. */
bool dv_ent_table(Entities *e);
bool dv_ent_call(Entities *e);

#endif
