/* builder.h - the inside of a davit_builder_t: a function under construction, and its variables.
 *
 * Every public entry is a row of the same pattern: dv_builder_enter, setjmp, the work,
 * dv_builder_leave; BUILDER_CALL writes it. The work reports misuse by dv_builder_fail and
 * returns; running out of memory leaves by the longjmp of arenas. Both put the builder into its
 * error state, in which no entry does anything.
 */
#ifndef DV_IR_BUILDER_H
#define DV_IR_BUILDER_H

#include "codegen/ir/ir.h"
#include "davit/codegen.h"

/* ---- what an operation's function asks for ---- */

typedef struct BuildRequest {
    Op op;
    Type type; /* TYPE_NONE: an operand tells it */
    u8 aux;
    u32 num_args;
    u32 args[OP_MAX_OPERANDS];
    davit_memflags_t flags;
    u32 ent, second; /* the entities named */
    u64 imm;
    const davit_value_t *list; /* after args */
    usize num_list;
    const u8 *mask;
    u32 num_dests;
    davit_dest_t dests[2];
    const davit_dest_t *table;
    usize num_table;
    const davit_exceptions_t *exceptions;
} BuildRequest;

/* ---- variables: see ssa.c ---- */

typedef struct Pred {
    Block block;
    u32 call; /* the block call in Func.calls that comes here */
    u32 next; /* index of the next Pred of the same block, plus one; 0: none */
} Pred;

typedef struct SsaBlock {
    u32 first_pred, last_pred; /* index plus one */
    u32 num_preds;
    u32 first_phi, last_phi; /* index plus one; in order of creation */
    u32 walk;                /* the walk that came here last */
    bool sealed;
} SsaBlock;

typedef struct Phi {
    Block block;
    u32 var;
    u32 value;
    u32 next;     /* of the same block, index plus one */
    u32 operands; /* in Ssa.operands: a value per predecessor, once the block is sealed */
    u32 num_operands;
    u32 left, right;            /* see is_redundant in ssa.c */
    u32 watched[2];             /* operands that it is registered with, index plus one */
    u32 watchers, last_watcher; /* list of phis registered with this one, index plus one */
    u32 num_watchers;
    bool filled; /* operands are known */
    bool dead;   /* its value is an alias of another */
} Phi;

typedef struct Watch {
    u32 phi;
    u32 next; /* index plus one */
} Watch;

typedef struct Ssa {
    Func *f;
    Arena *arena;
    VEC(Type) vars;
    VEC(SsaBlock) blocks;
    VEC(Pred) preds;
    VEC(Phi) phis;
    VEC(u32) operands;
    VEC(Watch) watches;
    VEC(u32) pending;  /* phis whose operands are to be found */
    VEC(u32) fresh;    /* phis whose operands were found */
    VEC(u32) suspects; /* phis that may have become redundant */
    VEC(u32) trail;    /* blocks walked through */
    Map defs;          /* block << 32 | variable -> value */
    u32 walk;
    u32 undefined; /* variable read where it may be undefined, plus one; 0: none */
    Work work;
    u64 max_steps;  /* more work than that leaves phis without operands; 0: no limit */
    bool exhausted; /* that has happened: the function is of no use */
} Ssa;

/* ssa.c */
void dv_ssa_init(Ssa *ssa, Func *f, Arena *arena);
u32 dv_ssa_declare(Ssa *ssa, Type type);
/* There is state for every block of the function after this. */
void dv_ssa_reserve_blocks(Ssa *ssa);
void dv_ssa_add_pred(Ssa *ssa, Block to, Block from, u32 call);
void dv_ssa_def(Ssa *ssa, Block b, u32 var, Value v);
/* The value of var at the end of b so far. Sets `undefined` when the entry block was reached. */
Value dv_ssa_use(Ssa *ssa, Block b, u32 var);
void dv_ssa_seal(Ssa *ssa, Block b);
/* What now stands for a value that dv_ssa_use gave. */
Value dv_ssa_resolve(Ssa *ssa, Value v);
/* Writes what was found into the function: block parameters and arguments, no aliases left. */
void dv_ssa_finish(Ssa *ssa);
/* Zero of this type, made before an instruction of the block, or at its end if INST_NONE. */
Value dv_ssa_zero(Func *f, Block b, Inst before, Type type);

/* ---- the builder ---- */

struct davit_builder {
    Pool *pool;
    Func *f;      /* memory of func's arena */
    Arena *arena; /* what is gone when the function is finished */
    Ssa ssa;
    davit_status_t status;
    char message[256];
    const char *call; /* the public function running */
    u32 result;       /* of the public function running, an id */
    Block entry, current;
    u32 srcloc;
    VEC(u32) args; /* being collected */
};

typedef struct davit_builder Builder;

/* builder.c: makes an empty builder for f; name and sig have yet to be set. */
void dv_builder_init(Builder *b, Func *f, Arena *arena);
/* Sets name and signature of the function. */
void dv_builder_start(Builder *b, const char *name, const davit_signature_t *sig);
/* Finds what is unfinished, writes variables into the function; then it can be verified. */
void dv_builder_complete(Builder *b);
/* False if the builder is in its error state. */
bool dv_builder_enter(Builder *b, const char *call, Escape *escape);
void dv_builder_leave(Builder *b, Escape *escape);
/* Remembers the first mistake. */
DV_PRINTF(2, 3) void dv_builder_fail(Builder *b, const char *format, ...);
static inline bool dv_builder_ok(const Builder *b)
{
    return b->status == DAVIT_OK;
}

/* Runs `work`, which may set b->result, under the public name `call`; without it b->result is
 * DAVIT_NONE. */
#define BUILDER_CALL(b, name, work) \
    do { \
        Escape escape_; \
        if (dv_builder_enter((b), (name), &escape_)) { \
            if (setjmp(escape_.env) == 0) { \
                work; \
            } \
            dv_builder_leave((b), &escape_); \
        } \
    } while (0)

/* Appends the instruction asked for, or fails; gives it or DAVIT_NONE. dv_builder_emit_value: its
 * first result. */
u32 dv_builder_emit(Builder *b, const BuildRequest *request);
u32 dv_builder_emit_value(Builder *b, const BuildRequest *request);
/* The constant of davit_ins_int. */
u32 dv_builder_int(Builder *b, Type type, i64 x);
u32 dv_builder_block(Builder *b);
void dv_builder_switch_to(Builder *b, Block block);
void dv_builder_jump(Builder *b, Block to);
void dv_builder_branch(Builder *b, u32 cond, Block then_block, Block else_block);
bool dv_builder_is_filled(const Builder *b);
/* True if the ids name something of the function; else fails. */
bool dv_builder_check_block(Builder *b, u32 id);
bool dv_builder_check_value(Builder *b, u32 id);

/* declare.c: reads "%name", "u0:7"; false if it is neither. The text is copied to the arena. */
bool dv_extname_read(Arena *arena, const char *text, ExtName *name);
/* The signature described, in the function's memory; false, having failed, if there is something
 * wrong with it. */
bool dv_builder_signature(Builder *b, const davit_signature_t *sig, Signature *out);
/* The function's flags for flags of the API; false, having failed, if they name no region that
 * there is. */
bool dv_builder_flags(Builder *b, davit_memflags_t flags, MemFlags *out, u32 *region);

#endif
