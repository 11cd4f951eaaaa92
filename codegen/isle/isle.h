/* isle.h - the rule compiler: what its parts hand to each other.
 *
 * islec turns rules (*.isle) into C in these steps, a file or two each:
 *
 *   source.c errors.c  files in memory, positions to lines; messages.def, the report with carets
 *   lex.c read.c nodes.c  text -> nodes: s-expressions, the syntax tree
 *   forms.c            which forms there are, and the passes over them
 *   types.c terms.c tables.c  nodes -> types, terms, constants, converters, extractors
 *   specs.c defs.c     specification forms, checked and kept; expression-bodied helpers
 *   rules.c pattern.c expr.c  nodes -> typed rules, the IR below
 *   checks.c laws.c    what can be said only when all rules are known
 *   front.c            the order of all this
 *
 * and then, from the typed rules: decision trees, overlap, C, coverage.
 *
 * Everything lives in one arena and is numbered; numbers are wrapped in one-field structures. The
 * order of all arrays is the order of the source, so output depends on nothing else. Nothing here
 * recurses on input depth: the reader, the typing of patterns and of expressions keep explicit
 * stacks, and typed rules are flat lists of steps.
 *
 * The language: docs/isle.md. Facts about ISLE are those of Cranelift's language reference.
 */
#ifndef DV_ISLE_H
#define DV_ISLE_H

#include "base/arena.h"
#include "base/map.h"
#include "base/text.h"
#include "base/u128.h"
#include "base/vec.h"

/* ---- numbers of things ----------------------------------------------------------------------- */

#define ISLE_NONE UINT32_MAX /* no such thing, for every kind of number below */

typedef struct IsleSym {
    u32 id; /* an interned name: Isle.names */
} IsleSym;
typedef struct IsleNodeRef {
    u32 id; /* Isle.nodes */
} IsleNodeRef;
typedef struct IsleType {
    u32 id; /* Isle.types */
} IsleType;
typedef struct IsleTerm {
    u32 id; /* Isle.terms */
} IsleTerm;
typedef struct IsleConst {
    u32 id; /* Isle.consts */
} IsleConst;
typedef struct IsleRule {
    u32 id; /* Isle.rules */
} IsleRule;
typedef struct IsleValue {
    u32 id; /* a value of one rule: IsleRuleInfo.values */
} IsleValue;

/* A place in the source; file ISLE_NONE: a thing no file declares (built in, or from a table). */
typedef struct IslePos {
    u32 file;
    u32 offset; /* in bytes from the start of the file */
} IslePos;

typedef struct IsleFile {
    const char *path; /* as named on the command line */
    const char *data; /* size bytes and a NUL */
    u32 size;
    VEC(u32) lines; /* where each line starts */
} IsleFile;

/* ---- messages -------------------------------------------------------------------------------- */

/* messages.def: every text islec can print about its input. */
typedef enum IsleMessage {
#define MESSAGE(name, text) ISLE_MSG_##name,
#include "messages.def"
#undef MESSAGE
    ISLE_MSG_COUNT
} IsleMessage;

typedef enum IsleSeverity { ISLE_ERROR, ISLE_NOTE } IsleSeverity;

typedef struct IsleReport {
    IsleMessage message;
    IsleSeverity severity; /* a note belongs to the error before it */
    IslePos pos;
    const char *text;
} IsleReport;

/* Reports kept; later errors are only counted. */
enum { ISLE_REPORTS_MAX = 200 };

/* ---- nodes: the syntax tree ------------------------------------------------------------------ */

typedef enum IsleNodeKind {
    NODE_LIST,   /* ( ... ): children */
    NODE_NAME,   /* identifier: sym */
    NODE_CONST,  /* $X: sym, with the $ */
    NODE_INT,    /* number: a literal */
    NODE_BOOL,   /* true false #t #f: a literal, 1 or 0 */
    NODE_BITS,   /* #b0101 #xff of specifications: a literal with its width */
    NODE_STRING, /* "text" (extension): sym is what stands between the quotes */
    NODE_BIND    /* name @ pattern: sym, one child */
} IsleNodeKind;

typedef struct IsleNode {
    IsleNodeKind kind;
    IslePos pos;
    u32 end;     /* offset after the last byte */
    IsleSym sym; /* of NAME, CONST, STRING, BIND */
    u32 first;   /* first child, or ISLE_NONE; of INT, BOOL, BITS: in Isle.literals */
    u32 next;    /* next child of the same parent, or ISLE_NONE */
    u32 count;   /* children */
} IsleNode;

typedef struct IsleLiteral {
    U128 bits;        /* modulo 2^128 */
    bool is_negative; /* written with a minus; `bits` is negated already */
    u32 width;        /* of NODE_BITS */
} IsleLiteral;

/* ---- types ----------------------------------------------------------------------------------- */

typedef enum IsleTypeKind {
    TYPE_BUILTIN,   /* bool and the integers; not declared by any file */
    TYPE_PRIMITIVE, /* an opaque C type, compared with == */
    TYPE_ENUM,      /* variants, each with fields */
    TYPE_STRUCT /* as an enum of one variant that is named as the type; matching it never fails */
} IsleTypeKind;

/* Extension: what law 3 knows about a type. */
typedef enum IsleWidthKind {
    WIDTH_NONE,
    WIDTH_REG, /* (width N): a register of which N bits are defined */
    WIDTH_MEM  /* (mem N): a memory operand of N bits */
} IsleWidthKind;

typedef struct IsleTypeInfo {
    IsleSym name;
    IslePos pos;
    IsleTypeKind kind;
    IsleSym c_name;  /* of TYPE_PRIMITIVE: what (primitive X) says; else the name */
    bool is_extern;  /* the C definition exists elsewhere */
    bool is_nodebug; /* kept; means nothing in C */
    bool is_signed;  /* of TYPE_BUILTIN integers */
    u32 int_bits;    /* of TYPE_BUILTIN: 1 for bool, 8 to 128; 64 for usize and isize; else 0 */
    IsleWidthKind width_kind;
    u32 width_bits;
    VEC(IsleTerm) variants; /* of TYPE_ENUM and TYPE_STRUCT: their terms, in order */
} IsleTypeInfo;

/* ---- terms ----------------------------------------------------------------------------------- */

/* How a term is built in an expression. */
typedef enum IsleCtorKind {
    CTOR_NONE,    /* cannot be */
    CTOR_RULES,   /* by its rules: one C function */
    CTOR_EXTERN,  /* by the C function ctor_func */
    CTOR_VARIANT, /* as this variant of its type */
    CTOR_OP,      /* as a CLIF operation: row `op` of codegen/ir/ops.def */
    CTOR_INST,    /* as a machine instruction: `inst` */
    CTOR_DEF      /* by an expression: `def` */
} IsleCtorKind;

/* How a term is taken apart in a pattern. */
typedef enum IsleEtorKind {
    ETOR_NONE,
    ETOR_MACRO,   /* (extractor ...): expanded while rules are typed, so no typed rule holds one */
    ETOR_EXTERN,  /* by the C function etor_func */
    ETOR_VARIANT, /* tests the variant, gives its fields */
    ETOR_OP       /* tests the operation, gives its type and its operands */
} IsleEtorKind;

typedef struct IsleTermInfo {
    IsleSym name; /* of a variant: Type.Variant */
    IslePos pos;
    VEC(IsleType) args;
    /* Names of args, of variants (f0 f1 ... if unnamed), operations and defs; else empty. */
    VEC(IsleSym) fields;
    IsleType ret;    /* what an expression gets */
    IsleType match;  /* what a pattern takes apart: ret, but Inst for an operation */
    bool is_pure;    /* no effects: may be evaluated while matching */
    bool is_multi;   /* gives any number of results, each tried in turn */
    bool is_partial; /* may give none */
    bool is_rec;     /* its rules may lead back to it */
    IsleCtorKind ctor;
    IsleSym ctor_func; /* of CTOR_EXTERN */
    IslePos ctor_pos;  /* where that was said */
    IsleEtorKind etor;
    bool is_infallible; /* of ETOR_EXTERN: always matches */
    IsleSym etor_func;  /* of ETOR_EXTERN */
    IslePos etor_pos;
    u32 macro;           /* of ETOR_MACRO: Isle.macros */
    u32 variant;         /* of variants: index in the type's variants */
    const char *inst;    /* of CTOR_INST: what C calls the instruction */
    u32 op;              /* of operations: row of the table, from 0; else ISLE_NONE */
    u32 def;             /* of CTOR_DEF: Isle.defs */
    VEC(IsleRule) rules; /* of CTOR_RULES, in order of the source */
} IsleTermInfo;

/* (extern const $X Ty) */
typedef struct IsleConstInfo {
    IsleSym name; /* with the $ */
    IsleType type;
    IslePos pos;
    u32 lane_bits; /* of a lane, if it is called as a CLIF type ($I32, $I8X16); else 0 */
    u32 lane_count;
} IsleConstInfo;

/* (convert Inner Outer term): in an expression the term turns an Inner into the Outer wanted; in
 * a pattern its extractor turns an Outer into the Inner that the pattern is about. */
typedef struct IsleConvert {
    IsleType inner, outer;
    IsleTerm term;
    IslePos pos;
} IsleConvert;

/* (extractor (term params...) template) */
typedef struct IsleMacro {
    IsleTerm term;
    VEC(IsleSym) params;
    IsleNodeRef body;
    IslePos pos;
} IsleMacro;

/* ---- typed rules ----------------------------------------------------------------------------- */

/* What one step does. "a" is the first of its args, "results" are the values it defines. The
 * first group tests and takes apart; the second computes. Steps before IsleRuleInfo.lhs_count
 * are the left side: they run in order, and the rule matches when every one succeeds; where a
 * step is multi, all that follow are tried for each of its results. Steps of the left side have
 * no effects. */
#define ISLE_STEPS(X) \
    X(INT)     /* succeeds if a == literal (also bool) */ \
    X(CONST)   /* succeeds if a == constant */ \
    X(SAME)    /* succeeds if args[0] == args[1] (same type) */ \
    X(VARIANT) /* succeeds if a is the variant `term`; results: all its fields */ \
    X(OP) /* succeeds if a is the operation `term`; results: its type, if any, and operands */ \
    X(EXTRACT)    /* applies the external extractor of `term` to a; results: its args */ \
    X(MAKE_INT)   /* one result: literal */ \
    X(MAKE_CONST) /* one result: constant */ \
    X(CONSTRUCT)  /* one result: `term` built of args as its ctor says; may fail if partial */

typedef enum IsleStepKind {
#define X(name) STEP_##name,
    ISLE_STEPS(X)
#undef X
        STEP_KIND_COUNT
} IsleStepKind;

typedef struct IsleStep {
    IsleStepKind kind;
    IslePos pos;
    IsleTerm term;      /* of VARIANT, OP, EXTRACT, CONSTRUCT; else id ISLE_NONE */
    IsleConst constant; /* of CONST, MAKE_CONST; else id ISLE_NONE */
    U128 literal;       /* of INT, MAKE_INT: of the value's width, sign-extended for signed types */
    u32 first_arg;      /* in IsleRuleInfo.args */
    u32 arg_count;
    u32 first_result; /* a value number; results are consecutive */
    u32 result_count;
    bool is_convert; /* put in by (convert ...) */
} IsleStep;

typedef struct IsleValueInfo {
    IsleType type;
    IsleSym name; /* the variable it was bound to first, or id ISLE_NONE */
    u32 step;     /* that defines it; ISLE_NONE: argument of the root term */
    u32 index;    /* which result of the step, or which argument */
    bool is_used; /* by a step, or as the rule's result */
} IsleValueInfo;

typedef enum IsleTier { TIER_RULE, TIER_EXPAND } IsleTier;

/* Values 0 .. arity-1 are the arguments of the root term. */
typedef struct IsleRuleInfo {
    IsleTerm root;
    IslePos pos;       /* of the form */
    IsleSym name;      /* id ISLE_NONE: none */
    i64 priority;      /* 0 unless written */
    bool has_priority; /* written */
    IsleTier tier;     /* TIER_EXPAND: written (expand ...) */
    u32 mirror; /* operand orders by ~: rules of one form have mirror 0, 1, ...; 0 is as written */
    u32 form;   /* number of the form in the source: rules of one form share it */
    VEC(IsleStep) steps;
    VEC(IsleValue) args; /* of all steps */
    VEC(IsleValueInfo) values;
    u32 lhs_count;  /* steps that belong to the left side */
    u32 root_count; /* of these, those of the pattern; the rest comes from if-let and if */
    IsleValue result;
} IsleRuleInfo;

/* Extension: (none op types "why"). */
typedef struct IsleHole {
    IsleTerm op;
    VEC(IsleSym) types; /* as written, lower case (i128); empty: all types */
    IsleSym why;
    IslePos pos;
} IsleHole;

/* ---- operations of CLIF (extension) ---------------------------------------------------------- */

/* What an operation's row means to rules. An operation is a term once a file says (tables clif):
 * its args are a Type if it has a controlling type, then one per letter of its format's spelling
 * (operands.def names their types). A pattern may leave the type out directly below the root,
 * and put ~ before the two operands of a commutative operation. */
typedef struct IsleOp {
    const char *name;
    const char *spelling; /* of its format, as formats.def has it; only letters mean operands */
    const char *set;      /* of types, a row of typesets.def; "None": no controlling type */
    const char *operands; /* what typespecs.def says of each value, "(T, addr)"; "(none)" */
    const char *results;  /* the same */
    u32 result_count;     /* 0 also if they come from a signature */
    bool has_type;
    bool is_commutative;
    bool is_load;  /* reads memory and does nothing else but trap */
    u32 load_bits; /* of a load whose name says it (uload8); 0: those of its type */
} IsleOp;

/* ---- expression-bodied helpers (extension) and specifications -------------------------------- */

/* specops.def: the operators of specification and helper expressions. */
typedef enum IsleSpecOp {
#define SPECOP(name, spelling, least, most, use, meaning) SPECOP_##name,
#include "specops.def"
#undef SPECOP
    SPECOP_COUNT
} IsleSpecOp;

/* One operation of a helper's body, in evaluation order: a value per step, the last is the
 * result. */
typedef enum IsleDefStepKind { DEFSTEP_PARAM, DEFSTEP_INT, DEFSTEP_OP } IsleDefStepKind;

enum { ISLE_DEF_ARGS_MAX = 3 };

typedef struct IsleDefStep {
    IsleDefStepKind kind;
    IsleSpecOp op; /* of DEFSTEP_OP */
    IslePos pos;
    u32 bits;                    /* width of the value; 1: a truth value */
    u32 param;                   /* of DEFSTEP_PARAM, and of (bits ty): index of the parameter */
    U128 literal;                /* of DEFSTEP_INT, modulo 2^bits */
    u32 args[ISLE_DEF_ARGS_MAX]; /* earlier steps */
    u32 arg_count;
    u32 extra[2]; /* of extract: high, low bit; of trunc and the extensions: the width */
} IsleDefStep;

/* (def name ((x Ty) ...) Ty body): a pure, total term. (bits ty) is the only operator on a Type. */
typedef struct IsleDef {
    IsleTerm term;
    IsleNodeRef body;
    VEC(IsleDefStep) steps; /* operands before operators; the last is the result */
    IslePos pos;
} IsleDef;

/* A specification form, kept as nodes for the proof tool; names and arity have been checked. */
typedef enum IsleSpecKind {
    SPEC_SPEC,
    SPEC_MODEL,
    SPEC_FORM,
    SPEC_INSTANTIATE,
    SPEC_ATTR,
    SPEC_STATE,
    SPEC_MACRO
} IsleSpecKind;

typedef struct IsleSpec {
    IsleSpecKind kind;
    IsleSym name;     /* the term, type, form, state or macro it is about */
    IsleNodeRef node; /* the whole form */
} IsleSpec;

/* ---- the whole ------------------------------------------------------------------------------- */

typedef struct Isle {
    Arena *arena;
    bool is_strict; /* no extensions */
    VEC(IsleFile) files;
    StrMap names;
    VEC(IsleNode) nodes;
    VEC(IsleLiteral) literals;
    VEC(IsleNodeRef) forms; /* top-level lists, all files */
    VEC(IsleTypeInfo) types;
    VEC(IsleTermInfo) terms;
    VEC(IsleConstInfo) consts;
    VEC(IsleConvert) converts;
    VEC(IsleMacro) macros;
    VEC(IsleRuleInfo) rules;
    VEC(IsleHole) holes;
    VEC(IsleDef) defs;
    VEC(IsleSpec) specs;
    Map spec_of_name;     /* kind << 32 | symbol -> specification; not of attr and instantiate */
    Map type_of_name;     /* symbol -> type */
    Map term_of_name;     /* symbol -> term */
    Map const_of_name;    /* symbol -> constant */
    Map convert_of_types; /* inner << 32 | outer -> converter */
    bool has_ops;         /* (tables clif) was given */
    u32 tables;           /* a bit per table that was given */
    VEC(IsleReport) reports;
    u64 error_count;
    u64 fired[(ISLE_MSG_COUNT + 63) / 64]; /* a bit per message that was reported */
} Isle;

static inline Str isle_str(const Isle *isle, IsleSym sym)
{
    return dv_strmap_str(&isle->names, sym.id);
}
/* The name as a C string. */
static inline const char *isle_text(const Isle *isle, IsleSym sym)
{
    return dv_strmap_str(&isle->names, sym.id).data;
}
static inline const IsleNode *isle_node(const Isle *isle, IsleNodeRef ref)
{
    return &vec_at(&isle->nodes, ref.id);
}
static inline const IsleLiteral *isle_literal(const Isle *isle, IsleNodeRef ref)
{
    return &vec_at(&isle->literals, isle_node(isle, ref)->first);
}
static inline IsleTypeInfo *isle_type(const Isle *isle, IsleType type)
{
    return &vec_at(&isle->types, type.id);
}
static inline IsleTermInfo *isle_term(const Isle *isle, IsleTerm term)
{
    return &vec_at(&isle->terms, term.id);
}
static inline IsleConstInfo *isle_const(const Isle *isle, IsleConst constant)
{
    return &vec_at(&isle->consts, constant.id);
}
static inline IsleRuleInfo *isle_rule(const Isle *isle, IsleRule rule)
{
    return &vec_at(&isle->rules, rule.id);
}
static inline bool isle_ok(const Isle *isle)
{
    return isle->error_count == 0;
}

/* front.c: an empty compilation; everything allocated later comes from the arena. */
void dv_isle_init(Isle *isle, Arena *arena, bool is_strict);
/* Reads, resolves and types all files given so far; the rules are complete if it gives true, and
 * nothing but the reports may be used if not. */
bool dv_isle_check(Isle *isle);

/* source.c: adds a text under a path; the bytes must live as long as the arena. False, with a
 * report, if it is too large. */
bool dv_isle_add_text(Isle *isle, const char *path, const char *data, usize size);
/* Line and column of a place, from 1, in bytes. */
void dv_isle_place(const Isle *isle, IslePos pos, u32 *line, u32 *column);

/* tables.c: the operations, in the order of ops.def. */
u32 dv_isle_op_count(void);
IsleOp dv_isle_op(u32 row);

/* errors.c: reports an error. %1 and %2 in the message's text become a and b; NULL where it has
 * none. */
void dv_isle_error(Isle *isle, IslePos pos, IsleMessage message, const char *a, const char *b);
/* Adds a note to the error just reported: another place that has to do with it. */
void dv_isle_note(Isle *isle, IslePos pos, IsleMessage message, const char *a, const char *b);
/* All reports as text: "file:line:col: error: text", the line, a caret. */
void dv_isle_format(const Isle *isle, TextBuf *out);
/* The name of a message's row, for lists of those never fired. */
const char *dv_isle_message_name(IsleMessage message);

#endif
