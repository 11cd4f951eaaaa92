/* front.h - what the files of the front end share with each other and with nobody else. */
#ifndef DV_ISLE_FRONT_H
#define DV_ISLE_FRONT_H

#include "isle.h"

enum {
    ISLE_FILE_MAX =
        16 << 20,          /* bytes of one file; Cranelift's largest has a quarter of a megabyte */
    ISLE_ARGS_MAX = 256,   /* arguments of a term */
    ISLE_NUMBER_MAX = 200, /* digits of a number */
    ISLE_WORK_MAX = 1 << 20,  /* patterns and expressions looked at for one rule, macros expanded */
    ISLE_STEPS_MAX = 1 << 16, /* steps of one rule */
    ISLE_OPS_MAX = 64,        /* operations in one rule's patterns */
    ISLE_MIRRORS_MAX = 4      /* ~ in one rule: 2^4 operand orders */
};

/* lex.c: one token at a time. */
typedef enum IsleTokenKind {
    ISLE_TOK_END,
    ISLE_TOK_OPEN,
    ISLE_TOK_CLOSE,
    ISLE_TOK_AT,
    ISLE_TOK_NAME,
    ISLE_TOK_CONST,
    ISLE_TOK_INT,
    ISLE_TOK_BOOL,
    ISLE_TOK_BITS,
    ISLE_TOK_STRING,
    ISLE_TOK_BAD /* reported; nothing more of this file is read */
} IsleTokenKind;

typedef struct IsleToken {
    IsleTokenKind kind;
    IslePos pos;
    u32 end;
    Str text;            /* of NAME, CONST, STRING */
    IsleLiteral literal; /* of INT, BOOL, BITS */
} IsleToken;

typedef struct IsleLexer {
    Isle *isle;
    u32 file;
    u32 at;
} IsleLexer;

void dv_isle_lex_next(IsleLexer *lexer, IsleToken *token);

/* read.c: the forms of a file, appended to isle->forms. What follows an error in a file is not
 * read. */
void dv_isle_read(Isle *isle, u32 file);

/* nodes.c: making and taking apart nodes. */
#define ISLE_NODE_NONE ((IsleNodeRef){ISLE_NONE})
static inline bool isle_is_node(IsleNodeRef node)
{
    return node.id != ISLE_NONE;
}
static inline IsleNodeRef isle_first(const Isle *isle, IsleNodeRef list)
{
    return (IsleNodeRef){isle_node(isle, list)->first};
}
static inline IsleNodeRef isle_next(const Isle *isle, IsleNodeRef node)
{
    return (IsleNodeRef){isle_node(isle, node)->next};
}
static inline bool isle_is(const Isle *isle, IsleNodeRef node, IsleNodeKind kind)
{
    return isle_is_node(node) && isle_node(isle, node)->kind == kind;
}
IsleSym dv_isle_sym(Isle *isle, const char *text);
IsleSym dv_isle_sym_bytes(Isle *isle, const char *text, usize length);
/* True if the node is the identifier `text`. */
bool dv_isle_is_name(const Isle *isle, IsleNodeRef node, const char *text);
/* True if the node is a list that begins with the identifier `text`. */
bool dv_isle_is_form(const Isle *isle, IsleNodeRef node, const char *text);
/* Makes nodes at a place of the source; a list is filled by appending. */
IsleNodeRef dv_isle_make(Isle *isle, IsleNodeKind kind, IslePos pos, IsleSym sym);
/* Appends to a list made this way; *last is the list's last child, or ISLE_NODE_NONE. */
void dv_isle_append(Isle *isle, IsleNodeRef list, IsleNodeRef *last, IsleNodeRef child);
/* A childless copy, numbers included. */
IsleNodeRef dv_isle_copy_atom(Isle *isle, IsleNodeRef node);

/* A walk through the children of a form, for what is short and has a fixed shape. Each take_
 * gives false after reporting what was expected; `what` names the form in reports. */
typedef struct IsleWalk {
    Isle *isle;
    IsleNodeRef form;
    IsleNodeRef at; /* next child */
    const char *what;
} IsleWalk;

/* Starts after the head. */
IsleWalk dv_isle_walk(Isle *isle, IsleNodeRef form, const char *what);
bool dv_isle_take_name(IsleWalk *walk, const char *role, IsleNodeRef *out);
bool dv_isle_take_const(IsleWalk *walk, const char *role, IsleNodeRef *out);
bool dv_isle_take_list(IsleWalk *walk, const char *role, IsleNodeRef *out);
bool dv_isle_take_any(IsleWalk *walk, const char *role, IsleNodeRef *out);
/* True, and past it, if the next child is this identifier. Never reports. */
bool dv_isle_skip_name(IsleWalk *walk, const char *text);
bool dv_isle_take_end(IsleWalk *walk);

/* forms.c: declares what the forms say, in passes. */
void dv_isle_declare(Isle *isle);
/* Reports unless the extension may be used. */
bool dv_isle_allow(Isle *isle, IslePos pos, const char *extension);

/* types.c */
void dv_isle_builtin_types(Isle *isle);
void dv_isle_declare_type_name(Isle *isle, IsleNodeRef form);
void dv_isle_declare_type_body(Isle *isle, IsleNodeRef form);
/* The type named here; false after reporting that there is none. */
bool dv_isle_find_type(Isle *isle, IsleNodeRef name, IsleType *out);
IsleType dv_isle_add_type(Isle *isle, IsleSym name, IslePos pos, IsleTypeKind kind);
static inline const char *isle_type_text(const Isle *isle, IsleType type)
{
    return isle_text(isle, isle_type(isle, type)->name);
}

/* terms.c */
IsleTerm dv_isle_add_term(Isle *isle, IsleSym name, IslePos pos);
bool dv_isle_find_term(Isle *isle, IsleNodeRef name, IsleTerm *out);
void dv_isle_declare_term(Isle *isle, IsleNodeRef form);
void dv_isle_declare_extern(Isle *isle, IsleNodeRef form);
void dv_isle_declare_const(Isle *isle, IsleNodeRef form);
void dv_isle_declare_extractor(Isle *isle, IsleNodeRef form);
void dv_isle_declare_convert(Isle *isle, IsleNodeRef form);
static inline const char *isle_term_text(const Isle *isle, IsleTerm term)
{
    return isle_text(isle, isle_term(isle, term)->name);
}
/* Reports if a term with `count` arguments may not get another. */
bool dv_isle_check_arg_count(Isle *isle, IslePos pos, u32 count);
/* The number in decimal, in the arena: an argument of a message. */
const char *dv_isle_number(Isle *isle, u64 number);

/* tables.c: (tables clif): the types of operands, then the operations. */
void dv_isle_declare_table_types(Isle *isle, IsleNodeRef form);
void dv_isle_declare_table_terms(Isle *isle, IsleNodeRef form);
/* A primitive type of this name, unless a file declares it. */
void dv_isle_declare_table_type(Isle *isle, const char *name);
IsleType dv_isle_table_type(Isle *isle, const char *name);
void dv_isle_add_table_arg(Isle *isle, IsleTerm term, const char *type, const char *name);

/* tables_pulley.c */
void dv_isle_declare_pulley_types(Isle *isle);
void dv_isle_declare_pulley_terms(Isle *isle, IslePos pos);

/* ---- tables_x64.c ---- */

void dv_isle_declare_x64_types(Isle *isle);
void dv_isle_declare_x64_terms(Isle *isle, IslePos pos);
void dv_isle_declare_hole(Isle *isle, IsleNodeRef form);
/* Lane bits and lane count of a CLIF type's name, as i32 or i8x16, in either case; false if it
 * is none. */
bool dv_isle_clif_type(Str name, u32 *lane_bits, u32 *lane_count);

/* specs.c */
void dv_isle_declare_spec(Isle *isle, IsleNodeRef form);
void dv_isle_check_specs(Isle *isle);
/* Finds an operator by its spelling. */
bool dv_isle_find_spec_op(Str spelling, IsleSpecOp *out);
bool dv_isle_spec_op_arity(IsleSpecOp op, u32 count);
/* True if the operator is for the bodies of def. */
bool dv_isle_spec_op_in_def(IsleSpecOp op);
bool dv_isle_spec_op_in_spec(IsleSpecOp op);

/* defs.c */
void dv_isle_declare_def(Isle *isle, IsleNodeRef form);
void dv_isle_type_def_bodies(Isle *isle);

/* rules.c */
void dv_isle_declare_rule_root(Isle *isle, IsleNodeRef form);
void dv_isle_declare_map(Isle *isle, IsleNodeRef form);
void dv_isle_type_rules(Isle *isle);

/* checks.c: what needs all rules. */
void dv_isle_check_definitions(Isle *isle);
void dv_isle_check_macros(Isle *isle);
void dv_isle_check_recursion(Isle *isle);

/* laws.c: laws 2 and 3 of the rules. */
void dv_isle_check_laws(Isle *isle);

/* ---- typing one rule: rules.c, pattern.c, expr.c --------------------------------------------- */

/* Where the parameters of a macro being expanded come from. */
typedef struct IsleMacroEnv {
    u32 macro;       /* Isle.macros */
    IsleNodeRef arg; /* first argument node; the rest follow it */
    u32 outer;       /* environment the arguments are read in, or ISLE_NONE */
    bool is_single;  /* the argument is this node alone: a converter's */
} IsleMacroEnv;

typedef struct IsleBuilder {
    Isle *isle;
    IsleRuleInfo rule;
    Map vars; /* symbol -> value */
    VEC(IsleMacroEnv) envs;
    u32 work_count;   /* patterns and expressions looked at */
    u32 swap_bits;    /* which ~ swap their operands */
    u32 swap_count;   /* ~ met so far */
    u32 choice;       /* which pattern of each one_of is taken */
    u32 choice_count; /* patterns of each one_of; 0: none met so far */
    bool may_multi;   /* the root term is multi */
    bool in_lhs;
    bool has_failed;   /* the rule has an error: it is dropped */
    bool is_too_large; /* that was reported */
    IsleNodeRef
        root_arg; /* the root term's only argument: an operation there may leave out its type */
} IsleBuilder;

IsleValue dv_isle_new_value(IsleBuilder *builder, IsleType type, u32 step, u32 index);
/* A step with these args and results of these types. */
u32 dv_isle_new_step(IsleBuilder *builder, IsleStep step, const IsleValue *args, u32 arg_count);
void dv_isle_rule_error(IsleBuilder *builder, IslePos pos, IsleMessage message, const char *a,
                        const char *b);
/* Counts one more thing looked at; false, with a report, when the rule is too large. */
bool dv_isle_count_work(IsleBuilder *builder);
/* pattern.c: matches the value against the pattern. */
void dv_isle_type_pattern(IsleBuilder *builder, IsleNodeRef pattern, IsleValue value);
/* pattern.c: the arguments of the root term. */
void dv_isle_type_root(IsleBuilder *builder, IsleNodeRef pattern);
/* expr.c: `wanted` may be id ISLE_NONE. False, with a report, if there is no value. */
bool dv_isle_type_expr(IsleBuilder *builder, IsleNodeRef expr, IsleType wanted, IsleValue *out);
/* True if the literal fits the type; reports if not. */
bool dv_isle_check_literal(IsleBuilder *builder, IsleNodeRef node, IsleType type, U128 *out);
/* The converter from inner to outer, or NULL. */
const IsleConvert *dv_isle_find_convert(const Isle *isle, IsleType inner, IsleType outer);

#endif
