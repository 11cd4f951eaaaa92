/* back.h - what the files of the back half share: from typed rules to C.
 *
 *   match.c     the rules of one term as tests on shared values (MatchSet)
 *   overlap.c   which rules overlap, which is stricter; puts the rules in the order they are tried
 *   tree.c      the decision tree of a MatchSet
 *   parts.c     which cases of a tree become functions of their own
 *   ctext.c     C names, types, literals
 *   names.c     who has which C name
 *   header.c    types and prototypes: the header
 *   emit.c      the C file; a tree as a C function
 *   emit_rule.c right sides
 *   emit_type.c functions that compare structures
 *   emit_def.c  expression-bodied helpers: as C, and evaluated on constants
 *   coverage.c  which operation on which type always finds a rule
 *   show.c      --list-rules, --overlaps, --dot
 *   command.c   the command, with its options
 *
 * A MatchSet is what all rules of a term say about its arguments, with everything equal shared: a
 * value is computed by one site, a site is known by what it applies to which values, so that `(iadd x (iconst
 * k))` in a hundred rules is one test and one call. Sites and values are numbered so that what a site reads has
 * smaller numbers.
 *
 * The left side of a rule becomes a list of tests in the order written. A test asks one question (its column:
 * which variant is this value? does this call succeed?) and names one answer. Answers of one column exclude each other,
 * which is what makes it a switch.
 */
#ifndef DV_ISLE_BACK_H
#define DV_ISLE_BACK_H

#include "isle.h"

enum {
    /* Tests on a left side, and steps on a right side that open a block in C: C promises 127 nested blocks
     * and a test may need two. */
    MATCH_TESTS_MAX = 50
};

typedef enum SiteKind {
    SITE_ARGS,     /* the arguments of the term */
    SITE_INT,      /* a literal */
    SITE_CONST,    /* a constant */
    SITE_FIELDS,   /* fields of a variant or structure */
    SITE_OPERANDS, /* type and operands of an operation */
    SITE_EXTRACT,  /* results of an external extractor */
    SITE_CONSTRUCT /* result of a constructor without effects */
} SiteKind;

typedef struct MatchSite {
    SiteKind kind;
    IsleTerm term;
    IsleConst constant;
    U128 literal;
    IsleType type; /* of INT, CONST */
    u32 first_arg; /* in MatchSet.args: values */
    u32 arg_count;
    u32 first_value; /* values it gives */
    u32 value_count;
    u32 enabler; /* the test that must have succeeded before its values exist; ISLE_NONE: none */
} MatchSite;

typedef struct MatchValue {
    IsleType type;
    IsleSym name; /* of the first variable bound to it, or id ISLE_NONE */
    u32 site;
    u32 index;
    u32 first_need; /* in MatchSet.needs: the tests that together make it available */
    u32 need_count;
} MatchValue;

typedef enum ColumnKind {
    COLUMN_INT,     /* which integer or truth value is value a? */
    COLUMN_CONST,   /* which constant? */
    COLUMN_VARIANT, /* which variant? */
    COLUMN_OP,      /* which operation? */
    COLUMN_CALL,    /* does the call of site a succeed? */
    COLUMN_EACH,    /* for each result of site a */
    COLUMN_SAME     /* are values a and b equal? */
} ColumnKind;

typedef struct MatchColumn {
    ColumnKind kind;
    u32 a, b;
} MatchColumn;

typedef struct MatchTest {
    u32 column;
    U128 literal; /* of INT */
    u32 id;       /* of CONST: constant; of VARIANT and OP: term; else 0 */
} MatchTest;

typedef struct MatchRule {
    IsleRule rule;
    u32 group;      /* forms: a rule and its mirrors by ~ */
    u32 first_test; /* in MatchSet.rule_tests, in order of the left side, without repetition */
    u32 test_count;
    u32 first_key; /* in MatchSet.keys: its tests and what they imply, sorted, for comparing rules */
    u32 key_count;
    u32 first_value; /* in MatchSet.rule_values: value of the set for each value the left side defines */
} MatchRule;

/* Rules first .. first + count - 1 as given, before ordering. */
typedef struct MatchGroup {
    u32 first;
    u32 count;
    u32 key_count; /* least of its rules */
} MatchGroup;

/* Two overlapping groups. */
typedef enum OverlapVerdict {
    OVERLAP_PRIORITY,  /* a has the higher priority */
    OVERLAP_STRICTER,  /* a is stricter */
    OVERLAP_UNDECIDED, /* an error */
    OVERLAP_SHADOWED   /* an error: a takes all that b matches */
} OverlapVerdict;

typedef struct MatchOverlap {
    u32 a, b; /* rules of the set, as given */
    OverlapVerdict verdict;
} MatchOverlap;

typedef struct TreeNode {
    u32 column;     /* ISLE_NONE: a leaf */
    u32 rule;       /* of a leaf: in MatchSet.rules */
    u32 first_case; /* in MatchSet.cases, linked by next */
    u32 next;       /* what is tried when this fails (after it, in a multi-term), or ISLE_NONE */
} TreeNode;

typedef struct TreeCase {
    u32 test;
    u32 node;     /* first node of the block */
    u32 next;     /* case, or ISLE_NONE */
    bool is_part; /* a C function of its own */
} TreeCase;

typedef struct MatchSet {
    Isle *isle;
    IsleTerm term;
    bool is_multi;
    VEC(MatchSite) sites;
    VEC(MatchValue) values;
    VEC(u32) args;
    VEC(u32) needs;
    VEC(MatchColumn) columns;
    VEC(MatchTest) tests;
    VEC(MatchRule) rules;
    VEC(MatchGroup) groups;
    VEC(u32) rule_tests;
    VEC(u64) keys;
    VEC(u32) rule_values;
    Map site_map, column_map, test_map;
    VEC(u32) order; /* rules as they are tried */
    VEC(MatchOverlap) overlaps;
    VEC(TreeNode) nodes;
    VEC(TreeCase) cases;
    u32 root; /* node, or ISLE_NONE */
} MatchSet;

static inline const IsleRuleInfo *match_info(const MatchSet *set, u32 rule)
{
    return isle_rule(set->isle, vec_at(&set->rules, rule).rule);
}
static inline const MatchColumn *match_column(const MatchSet *set, u32 test)
{
    return &vec_at(&set->columns, vec_at(&set->tests, test).column);
}

/* Who has a C name. */
typedef struct CName {
    const char *declaration; /* equal ones are the same thing */
    IslePos pos;             /* of what is called so; file ISLE_NONE: generated code itself */
    bool is_generated;       /* else supplied by the program */
    u32 copies;              /* names made of this one by dv_isle_fresh_name */
} CName;

/* All sets of a program, in order of the terms. */
typedef struct Back {
    Isle *isle;
    VEC(MatchSet) sets;
    StrMap names;
    VEC(CName) claims; /* by number of the name */
} Back;

/* match.c: the rules of a term as a set. Reports rules that can never match and left sides that are too long. */
void dv_isle_match(Isle *isle, IsleTerm term, MatchSet *set);
/* True if the step is done by a call that may fail, or gives several results. */
bool dv_isle_may_fail(const Isle *isle, const IsleStep *step);

/* overlap.c: decides the order of the rules; reports overlaps that are not decided, and shadowed rules. */
void dv_isle_order(MatchSet *set);
/* True unless the two rules expect different answers to one question. */
bool dv_isle_rules_overlap(const MatchSet *set, u32 a, u32 b);

/* tree.c: builds set->root from set->order. */
void dv_isle_tree(MatchSet *set);

/* parts.c: decides TreeCase.is_part. */
void dv_isle_plan_parts(MatchSet *set);

/* back.c: all of the above for every term with rules. False after reports. */
bool dv_isle_back(Isle *isle, Back *back);

typedef struct IsleOptions {
    const char *prefix;  /* of generated names: "isle" gives isle_lower */
    const char *context; /* C type of the context that is handed through */
    const char *include; /* header that declares the types, or NULL */
    const char *header;  /* the generated header, as the C file includes it */
    const char *source;  /* path of the C file, for #line; NULL: no #line */
} IsleOptions;

/* header.c: the header. False after reports: a type that contains itself, names that collide in C. */
bool dv_isle_emit_header(Back *back, const IsleOptions *options, TextBuf *out);
/* True if the header defines the type. */
bool dv_isle_type_is_generated(const Isle *isle, IsleType type);
/* emit.c: the C file, after the header. */
void dv_isle_emit(Back *back, const IsleOptions *options, TextBuf *out);
/* emit_type.c: by type, true if some rule compares its values whole and C cannot. */
const bool *dv_isle_compared_types(const Back *back);
/* emit_type.c: a function that compares, for each of these types. */
void dv_isle_emit_equals(const Back *back, const IsleOptions *options, TextBuf *out);

/* ---- names.c ------------------------------------------------------------------------------------------- */

/* True if nothing else has the name. Reports a claim that contradicts the first. */
bool dv_isle_claim(Back *back, const char *name, CName claim);
/* Claims all names but those of functions. */
void dv_isle_claim_names(Back *back, const IsleOptions *options);
bool dv_isle_is_claimed(const Back *back, const char *name);
/* The name, with a number behind it if something has it already. */
const char *dv_isle_fresh_name(Back *back, const char *wish);

/* ---- ctext.c: names and small pieces of C -------------------------------------------------------- */

/* A name as the rest of a C identifier: what C does not allow becomes _. */
const char *dv_isle_c_part(Isle *isle, Str name);
/* A name as a whole C identifier: keywords get a _ at the end. */
const char *dv_isle_c_name(Isle *isle, Str name);
/* The C type. */
const char *dv_isle_c_type(Isle *isle, IsleType type);
/* The part of a variant's name after the type: its member in the union. */
const char *dv_isle_c_member(Isle *isle, IsleTerm variant);
/* Type_Variant, as the enumerator is called. */
const char *dv_isle_c_variant(Isle *isle, IsleTerm variant);
/* The field's name. */
const char *dv_isle_c_field(Isle *isle, IsleTerm variant, u32 index);
const char *dv_isle_c_const(Isle *isle, IsleConst constant);
/* A literal of the type as an expression. */
const char *dv_isle_c_literal(Isle *isle, IsleType type, U128 literal);
/* The function behind a term in expressions: of its rules, extern, of a def, of an operation. */
const char *dv_isle_c_constructor(Isle *isle, const IsleOptions *options, IsleTerm term);
/* The function behind a term in patterns: extern, of an operation. */
const char *dv_isle_c_extractor(Isle *isle, const IsleOptions *options, IsleTerm term);
/* The prototype of either, without semicolon. Arguments are called a0, a1 ..., results out or r0, r1 ... */
void dv_isle_c_constructor_prototype(Isle *isle, const IsleOptions *options, IsleTerm term,
                                     TextBuf *out);
void dv_isle_c_extractor_prototype(Isle *isle, const IsleOptions *options, IsleTerm term,
                                   TextBuf *out);
/* Any text as the inside of a string literal, and of a comment. */
const char *dv_isle_c_string(Isle *isle, const char *from);
const char *dv_isle_c_comment(Isle *isle, const char *from);
/* True if values are structures with a tag: an enum of which some variant has fields. */
bool dv_isle_is_tagged(const Isle *isle, IsleType type);
/* True if C can switch on values: they are integers, or ISLE_KEY_type makes them so. */
bool dv_isle_has_key(const Isle *isle, IsleType type);
/* The integer C switches on. */
const char *dv_isle_c_key(Isle *isle, IsleType type, const char *value);
/* A constant as the label of a case. */
const char *dv_isle_c_label(Isle *isle, IsleConst constant);
/* The condition that two values are equal. */
const char *dv_isle_c_equal(Isle *isle, const IsleOptions *options, IsleType type, const char *a,
                            const char *b);
static inline bool isle_is_bool(const Isle *isle, IsleType type)
{
    return isle_type(isle, type)->int_bits == 1;
}
/* True if the extractor gives its one result as the C function's. */
static inline bool isle_extracts_directly(const IsleTermInfo *term)
{
    return term->is_infallible && !term->is_multi && term->args.len == 1;
}

/* ---- emit.c, emit_rule.c: a function being written --------------------------------------------------- */

/* How a function of rules gives its result. */
typedef enum GiveStyle {
    GIVE_TERM, /* as the term's prototype says */
    GIVE_TRY   /* *out, and an IsleTry: a part whose rules may all fail to match */
} GiveStyle;

typedef struct Emitter {
    Back *back;
    Isle *isle;
    const IsleOptions *options;
    const MatchSet *set;
    TextBuf *out;
    u32 indent;
    u32 *declared_at;              /* by value of the set: 1 + place in declared; 0: is not there */
    VEC(u32) declared;             /* values in order: undone when a block ends */
    VEC(u32) wanted;               /* values being looked for */
    VEC(const char *) value_texts; /* of the rule being written */
    TextBuf parts;                 /* functions that are finished */
    bool has_try;                  /* some part gives an IsleTry */
    /* the function being written */
    const char *name;
    GiveStyle style;
    u32 outer_count; /* declared values before this are its caller's */
    VEC(u32) taken;  /* arguments, and values of its caller, that it uses */
    bool uses_context;
    bool uses_result; /* it keeps the result of a part before giving it */
    bool is_last;     /* what falls out of the present block falls out of the function */
} Emitter;

/* A line at the present depth. */
DV_PRINTF(2, 3) void dv_isle_put(Emitter *emitter, const char *format, ...);
/* Declares the values in emitter->wanted and what they need, then empties it. */
void dv_isle_declare_wanted(Emitter *emitter);
static inline void isle_want(Emitter *emitter, u32 value)
{
    vec_push(emitter->isle->arena, &emitter->wanted, value);
}
/* A value of the set as an expression; it must have been declared. */
const char *dv_isle_value_text(Emitter *emitter, u32 value);
/* NAME_NUMBER, or NAME_rNUMBER on a right side, as a variable; no function is called so. */
const char *dv_isle_c_local(Emitter *emitter, IsleSym name, const char *mark, u32 number);
/* emit_rule.c: what happens when a rule has matched. */
void dv_isle_emit_rule(Emitter *emitter, u32 rule);
/* emit_rule.c: the call of a constructor that gives its result, or an expression for a variant. */
const char *dv_isle_construct_text(Emitter *emitter, IsleTerm term, const char *const *args);

/* A line of the C file that dv_isle_emit replaces: `line` begins text from a rule file, `own` goes back. */
#define ISLE_LINE_MARK "\001"
#define ISLE_OWN_MARK "\002"

/* ---- emit_def.c: expression-bodied helpers ------------------------------------------------------------- */

/* The function of a def. */
void dv_isle_emit_def(Isle *isle, const IsleOptions *options, const IsleDef *def, TextBuf *out);
/* True if some def asks for the bits of a Type. */
bool dv_isle_defs_use_bits(const Isle *isle);
/* Its value for these arguments; the argument for a parameter of type Type is the bits of a lane. */
U128 dv_isle_eval_def(const Isle *isle, const IsleDef *def, const U128 *args);

/* ---- coverage.c --------------------------------------------------------------------------------------- */

/* True if the first argument of the set's term is an instruction that its rules switch on. */
bool dv_isle_has_coverage(const MatchSet *set);
/* bool PREFIX_covers_TERM(u32 op, u32 type, u32 open) */
const char *dv_isle_coverage_prototype(const MatchSet *set, const IsleOptions *options);
/* Every cell of the operation x type matrix of a term; false if it has none. */
bool dv_isle_print_coverage(const Back *back, const char *term, TextBuf *out);
/* Reports each cell that has neither rule, nor expand, nor none; false if the term has no matrix. */
bool dv_isle_require_coverage(const Back *back, const char *term);
/* The predicate, as a function. */
void dv_isle_emit_coverage(const MatchSet *set, const IsleOptions *options, TextBuf *out);

/* ---- show.c ------------------------------------------------------------------------------------------- */

void dv_isle_list_rules(const Back *back, TextBuf *out);
void dv_isle_list_overlaps(const Back *back, TextBuf *out);
/* False if no such term has rules. */
bool dv_isle_dot(const Back *back, const char *term, TextBuf *out);
/* "file:line" of a place. */
void dv_isle_put_place(const Isle *isle, IslePos pos, TextBuf *out);

#endif
