/* parser.h - what the files of the parser share: one state, one token of look-ahead.
 *
 * The first error is recorded and makes the current token TOK_END for good, so that every rule
 * simply runs out: rules return nothing, and loops go on only while they see what they want.
 * Nothing that is read after an error matters.
 */
#ifndef DV_IR_PARSER_H
#define DV_IR_PARSER_H

#include "codegen/ir/lex.h"
#include "codegen/ir/parse.h"

/* An instruction whose controlling type is still unknown, because its operands come later in the
 * text. */
typedef struct PendingInst {
    Inst inst;
    u32 line, column;
    bool settled;
} PendingInst;

/* A block call as it is read, before it gets its place in the function. */
typedef struct DestDraft {
    Block block;
    u32 first_arg, num_args; /* in dest_args */
} DestDraft;

enum { OP_TABLE_SIZE = 1024 };

typedef struct Parser {
    Lexer lexer;
    Token token;
    u32 last_line; /* where the token before this one stands */
    bool failed;
    Arena *arena;
    Diag *diag;
    ClifFile *file;
    ClifFunc *clif_func; /* NULL before the first function */
    Func *f;             /* of clif_func */
    EntityRef owner;     /* of the comments that come now */
    u32 owner_line;
    u64 gap_budget; /* entities that may still be made */
    bool has_aliases;
    Block block; /* the one instructions go to */
    /* lists being read */
    VEC(u32) results;
    VEC(u32) args;
    VEC(DestDraft) dests;
    VEC(BlockArg) dest_args;
    VEC(Handler) handlers;
    VEC(StackMapEntry) stack_map;
    VEC(DebugTag) debug_tags;
    VEC(Param) params;
    VEC(u8) val_types;
    VEC(Str) words;
    VEC(PendingInst) pending;
    u16 op_table[OP_TABLE_SIZE]; /* hash -> operation + 1 */
} Parser;

static inline u64 dv_hash_name(const char *name, usize length)
{
    u64 hash = 0;
    for (usize i = 0; i < length; i++) {
        hash = hash * 31 + (u8)name[i];
    }
    return dv_hash_u64(hash);
}

/* ---- parse.c ---- */

/* Records an error here, unless there was one. */
DV_PRINTF(4, 5)
void dv_parser_fail_at(Parser *p, u32 line, u32 column, const char *format, ...);
/* The same at the current token: "expected WHAT, found 'token'". */
void dv_parser_expected(Parser *p, const char *what);
void dv_parser_advance(Parser *p);
/* Goes on after a literal that ends here. */
void dv_parser_resume(Parser *p, const char *at);
bool dv_parser_at_punct(const Parser *p, char c);
bool dv_parser_at_word(const Parser *p, const char *word);
bool dv_parser_at_entity(const Parser *p, const char *prefix);
/* Each takes the token if it is there. */
bool dv_parser_take_punct(Parser *p, char c);
bool dv_parser_take_word(Parser *p, const char *word);
/* Each is an error if it is not there. */
void dv_parser_expect_punct(Parser *p, char c);
u32 dv_parser_entity(Parser *p, const char *prefix, const char *what);
/* The same of a kind of entity: "expected gvN". */
u32 dv_parser_ref(Parser *p, EntityKind kind);
u64 dv_parser_uint(Parser *p, u64 max, const char *what);
i64 dv_parser_int(Parser *p, i64 min, i64 max, const char *what);
Type dv_parser_type(Parser *p);
/* Names dt7 as a type; TYPE_NONE and an error if it is not declared. */
Type dv_parser_dyn_type(Parser *p, u32 id);
/* Pays for making entities up to and including id where there are len; false (an error) if the gap
 * is too large. */
bool dv_parser_pay(Parser *p, u32 len, u32 id);
/* From now on comments belong to this entity. */
void dv_parser_own(Parser *p, EntityKind kind, u32 id);

/* ---- parse_preamble.c ---- */

ExtName dv_parser_extname(Parser *p, bool is_function_name);
void dv_parser_signature(Parser *p, Signature *sig);
void dv_parser_preamble(Parser *p);
/* Memory flags and region as far as they go; *region is ENTITY_NONE if none is named. */
MemFlags dv_parser_memflags(Parser *p, u32 *region);
/* "+8", "-8" or nothing: 32 bits. */
i32 dv_parser_offset(Parser *p);

/* ---- parse_body.c ---- */

void dv_parser_body(Parser *p);

/* ---- parse_types.c ---- */

/* The controlling type, if the operands of this row that must have it tell it now; TYPE_NONE if
 * not. */
Type dv_parser_infer(const Parser *p, const OpInfo *info, const u32 *args);
/* After the last instruction: gives aliases and pending instructions their types. */
void dv_parser_settle_types(Parser *p);

#endif
