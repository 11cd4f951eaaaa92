/* verify_parts.h - what the files of the verifier share: its state, and how errors are reported.
 *
 * verify.c runs it: layout, values, dominance. verify_entities.c checks the preamble, verify_inst.c
 * types and immediates of an instruction, verify_flow.c branches, calls and exceptions.
 */
#ifndef DV_IR_VERIFY_PARTS_H
#define DV_IR_VERIFY_PARTS_H

#include "codegen/flow/domtree.h"
#include "codegen/ir/verify.h"

typedef enum VerifyMessage {
#define MESSAGE(name, text) SAY_##name,
#include "codegen/ir/verify_messages.def"
#undef MESSAGE
    SAY_COUNT
} VerifyMessage;

typedef struct Verifier {
    const Func *f;
    Arena *arena;  /* of errors and their texts */
    Arena scratch; /* of everything else */
    VerifyErrors *errors;
    Work *work;
    u32 address_bits; /* 32 or 64; 0: either */
    const char
        *inst_text; /* the last instruction shown, and which: a branch may be shown many times */
    Inst inst_of_text;
    bool has_vmctx;   /* the function has such a parameter */
    u32 *sig_numbers; /* by signature: equal for equal ones; NULL until needed */
    Map tail_results; /* signature -> first result that is not the function's, by position */
    u32 *resolved;    /* by value: what it stands for, aliases followed; ENTITY_NONE: nothing */
    Cfg cfg;
    BlockOrder order;
    DomTree tree;
} Verifier;

static inline EntityRef at_inst(Inst i)
{
    return (EntityRef){ENTITY_INST, i.id};
}

/* verify.c: reports an error; a, b, c fill the message's %s in order, NULL where it has fewer. */
void dv_verify_say(Verifier *v, EntityRef place, VerifyMessage message, const char *a,
                   const char *b, const char *c);
/* Texts for messages, in scratch memory; empty once no more errors are kept. */
const char *dv_verify_name(Verifier *v, EntityKind kind, u32 id);
const char *dv_verify_number(Verifier *v, u64 number);
const char *dv_verify_type_name(Verifier *v, Type type);
const char *dv_verify_inst_text(Verifier *v, Inst i);
/* "0 (v7)": an argument by position and value. */
const char *dv_verify_arg_name(Verifier *v, u32 position, u32 value);

/* Does a (possibly aliased) value stand for one that exists; *type is its type then. */
bool dv_verify_value_type(const Verifier *v, u32 value, Type *type);
/* Is t i32 or i64, and the one asked for if one is? */
bool dv_verify_is_address(const Verifier *v, Type t);

/* verify_entities.c */
bool dv_verify_exists(const Func *f, EntityKind kind, u32 id);
/* Reports a reference to a missing entity; true if it is there. */
bool dv_verify_reference(Verifier *v, EntityRef place, EntityKind kind, u32 id);
void dv_verify_flags(Verifier *v, EntityRef place, MemFlags flags, u32 region);
void dv_verify_entities(Verifier *v);

/* verify_inst.c: everything but dominance of operands. */
void dv_verify_inst(Verifier *v, Inst i);
/* One value against the one type it must have. */
void dv_verify_arg_type(Verifier *v, Inst i, u32 position, u32 value, Type expected);

/* verify_flow.c: targets of branches; arguments of calls, of returns and of throw; side tables of
 * calls. */
void dv_verify_dests(Verifier *v, Inst i);
void dv_verify_call(Verifier *v, Inst i);
void dv_verify_return(Verifier *v, Inst i);
void dv_verify_throw(Verifier *v, Inst i);
void dv_verify_handler_address(Verifier *v, Inst i);
void dv_verify_call_tables(Verifier *v, Inst i);

#endif
