/* entity.h - a reference to any entity of a function: where a comment or a verifier's error
 * belongs.
 *
 * ENTITY_KIND(name, prefix in text): one list for parser, printer and diagnostics.
 */
#ifndef DV_IR_ENTITY_H
#define DV_IR_ENTITY_H

#include "codegen/ir/ir.h"

#define ENTITY_KINDS(X) \
    X(FUNCTION, "function") \
    X(BLOCK, "block") \
    X(INST, "inst") \
    X(VALUE, "v") \
    X(SLOT, "ss") \
    X(DYN_SLOT, "dss") \
    X(DYN_TYPE, "dt") \
    X(GLOBAL_VALUE, "gv") \
    X(SIG, "sig") \
    X(FUNC, "fn") \
    X(CONSTANT, "const") \
    X(REGION, "region") \
    X(STACK_LIMIT, "stack_limit") \
    X(TYPE, "type") \
    X(MEMORY, "heap") \
    X(TABLE, "table") \
    X(GLOBAL, "global") \
    X(WASM_FUNC, "func") \
    X(DATA, "data") \
    X(ELEM, "elem") \
    X(TAG, "tag")

typedef enum EntityKind {
#define ENTITY_KIND(name, prefix) ENTITY_##name,
    ENTITY_KINDS(ENTITY_KIND)
#undef ENTITY_KIND
        ENTITY_KIND_COUNT
} EntityKind;

typedef struct EntityRef {
    EntityKind kind;
    u32 id;
} EntityRef;

/* ops.c: the prefix in text: "v" of v7. */
extern const char *const dv_entity_prefixes[ENTITY_KIND_COUNT];
/* ops.c: true if this letter of a spelling in formats.def is one reference to an entity, kept in
 * ent (or, if it is the instruction's second, in imm[0]), and of which kind. */
bool dv_format_entity(char letter, EntityKind *kind);

#endif
