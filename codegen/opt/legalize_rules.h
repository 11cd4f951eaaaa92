/* legalize_rules.h - what the `expand` rules work on: included by the C that islec makes of them, and by
 * what they call.
 * */
#ifndef DV_OPT_LEGALIZE_RULES_H
#define DV_OPT_LEGALIZE_RULES_H

#include "codegen/opt/legalize.h"

/* The values that stand for an instruction's results. */
typedef struct Results {
    bool is_kept; /* none do: the instruction was changed and stays */
    u32 count;
    Value values[OP_MAX_RESULTS];
} Results;

/* The halves of an i128 that were made, good in the block where they were. */
typedef struct Halves {
    bool present;
    Block block;
    Value lo, hi;
} Halves;

/* The pass at work: the context of the rules. */
typedef struct Legal {
    Func *f;
    const LegalTarget *target;
    Arena *scratch;
    Inst at;            /* the instruction to be replaced; new ones go before it */
    u32 first_new;      /* instructions from this number on were made by rules ... */
    VEC(u8) depths;     /* ... so many rules deep */
    VEC(Halves) halves; /* by value */
} Legal;

/* An instruction to be made. */
typedef struct LegalInst {
    Op op;
    Type type;
    u8 aux;
    MemFlags flags;
    u32 ent;
    u64 imm;
    u32 num_args;
    u32 args[OP_MAX_OPERANDS];
} LegalInst;

/* legalize.c: adds it with its results, before the one at work. */
Inst dv_legal_add(Legal *l, const LegalInst *new);
/* legalize.c: true if the target covers this; an access in the other byte order, if it can do that. */
bool dv_legal_covers(const Legal *l, u32 op, Type type, Type open);

#define TERMS_PREFIX(name) dv_legal_##name
#define TERMS_CONTEXT Legal
#define TERMS_FUNC(ctx) ((ctx)->f)
#include "codegen/ir/terms.h"

#endif
