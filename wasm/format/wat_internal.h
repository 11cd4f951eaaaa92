/* wat_internal.h - what the files of the text format share: tokens, the cursor over them, literals,
 * and the state of a module that is being turned into bytes.
 *
 * A text is split into tokens once, with parentheses linked, so that a parser can look at a module
 * several times without work for what it skips. Errors stick: after the first the cursor stands at
 * the end, where every loop stops, so parsers need not ask after each step whether the one before
 * succeeded.
 */
#ifndef DV_WASM_FORMAT_WAT_INTERNAL_H
#define DV_WASM_FORMAT_WAT_INTERNAL_H

#include "base/map.h"
#include "base/softfloat.h"
#include "wasm/format/text.h"

/* ---- wat_lex.c: tokens ---- */

/* In bytes, so that no count or offset in what becomes of a text needs more than 32 bits. */
enum { WAT_TEXT_MAX = 1 << 30 };

typedef enum WatTokenKind {
    WAT_END,
    WAT_LPAR,
    WAT_RPAR,
    WAT_STRING,
    WAT_ID,  /* $name or $"name" */
    WAT_WORD /* keyword, number, or anything else that is not known to be wrong yet */
} WatTokenKind;

typedef struct WatToken {
    u32 at;   /* offset in the text */
    u32 size; /* in bytes, quotes and $ included */
    u32 link; /* LPAR: index of the token that closes it; ID: number of the name in `ids`, from 1 */
    u8 kind;
} WatToken;

typedef enum WatAnnotKind { ANNOT_CUSTOM, ANNOT_NAME, ANNOT_BRANCH_HINT } WatAnnotKind;

/* An annotation that has a meaning; others are dropped. */
typedef struct WatAnnot {
    u8 kind;
    bool used;
    u32 at;         /* offset in the text */
    u32 before;     /* index of the token it stands before */
    u32 first, end; /* its own tokens, in annot_tokens; `end` is a WAT_END there */
} WatAnnot;

typedef struct WatText {
    Str text;
    VEC(WatToken) tokens; /* the last is a WAT_END */
    VEC(WatToken) annot_tokens;
    VEC(WatAnnot) annots; /* ascending */
    StrMap ids;
    VEC(u32) lines; /* offsets where they begin */
} WatText;

/* Splits a text. False after an error; the text must outlive what is made of it. */
bool dv_wat_lex(Arena *arena, Str text, WatText *out, Diag *diag);
/* Line and column, from 1, of an offset in the text. */
void dv_wat_position(const WatText *text, u32 offset, u32 *line, u32 *column);
/* Whether the bytes are UTF-8; if not, *bad is where they stop being. */
bool dv_wat_is_utf8(const char *bytes, usize size, usize *bad);

/* ---- wat_cursor.c: reading tokens ---- */

typedef struct WatCursor {
    Arena *arena;
    WatText *text;
    const WatToken *tokens;
    u32 at;   /* the next token */
    u32 last; /* index of the WAT_END */
    bool failed;
    Diag *diag;
} WatCursor;

void dv_wat_cursor_init(WatCursor *c, Arena *arena, WatText *text, Diag *diag);
/* Reports the first error, at a token, and moves to the end. */
DV_PRINTF(3, 4) void dv_wat_fail(WatCursor *c, u32 token, const char *format, ...);
/* The same at an offset in the text. */
DV_PRINTF(3, 4) void dv_wat_fail_at(WatCursor *c, u32 offset, const char *format, ...);
/* The next token is not what the grammar has here: "unknown operator" if it is a word of no
 * meaning anywhere, else "unexpected token". `expected` says what would have been right. */
void dv_wat_unexpected(WatCursor *c, const char *expected);

static inline const WatToken *dv_wat_peek(const WatCursor *c)
{
    return &c->tokens[c->at];
}
static inline u8 dv_wat_kind(const WatCursor *c)
{
    return c->tokens[c->at].kind;
}
static inline void dv_wat_skip(WatCursor *c)
{
    c->at += c->at < c->last;
}
static inline Str dv_wat_token_text(const WatCursor *c, u32 token)
{
    return (Str){c->text->text.data + c->tokens[token].at, c->tokens[token].size};
}
static inline bool dv_str_is(Str s, const char *word)
{
    usize length = strlen(word);
    return s.len == length && memcmp(s.data, word, length) == 0;
}

/* Whether the next token is this word; `take` also moves behind it. */
bool dv_wat_is_word(const WatCursor *c, const char *word);
bool dv_wat_take_word(WatCursor *c, const char *word);
/* Whether the next tokens are a parenthesis and this word. */
bool dv_wat_is_form(const WatCursor *c, const char *word);
bool dv_wat_take_form(WatCursor *c, const char *word);
/* The word behind an opening parenthesis; empty if there is none. */
Str dv_wat_form(const WatCursor *c);
/* Takes a closing parenthesis, or fails. */
void dv_wat_close(WatCursor *c);
/* The number of an optional name; 0: none. */
u32 dv_wat_take_id(WatCursor *c);
/* Its text, without $ and quotes. */
Str dv_wat_id_text(const WatCursor *c, u32 id);
/* Takes a string and appends its bytes. */
void dv_wat_take_string(WatCursor *c, ByteBuf *out);
/* Takes a string that must be UTF-8. */
Str dv_wat_take_name(WatCursor *c);
/* Appends the bytes that the inside of a string stands for. */
void dv_wat_unescape(const char *inside, usize size, ByteBuf *out);
/* Whether the next token is a natural number or a name. */
bool dv_wat_is_index(const WatCursor *c);
bool dv_wat_is_nat(const WatCursor *c);
/* Whether it is an integer or a floating-point number. */
bool dv_wat_is_number(const WatCursor *c);
/* Takes a natural number below 2^bits, or fails: `range` is then what is said of larger ones. */
u64 dv_wat_take_nat(WatCursor *c, u32 bits, const char *range);
/* Takes an integer literal of so many bits; the value is in the low ones. */
u64 dv_wat_take_int(WatCursor *c, u32 bits);
/* Takes a floating-point literal; the bits. */
u64 dv_wat_take_float(WatCursor *c, FloatKind kind);
/* Takes a shape and lanes; lane 0 comes first. With `nan`, lanes may be nan:canonical and
 * nan:arithmetic, which sets nan[lane]. */
typedef struct WatVector {
    u8 bytes[16];
    u8 nan[16];
    u8 shape; /* log2 of the bytes of a lane */
    bool is_float;
} WatVector;
void dv_wat_take_vector(WatCursor *c, bool nan, WatVector *out);
/* "nan:canonical" and "nan:arithmetic", as WAST_NAN_; false: something else, which is not taken. */
bool dv_wat_take_nan(WatCursor *c, u8 *nan);
/* Index of the first annotation before this token or a later one. */
u32 dv_wat_first_annot(const WatText *text, u32 token);
/* The first annotation of this kind before the token, not used so far; NULL. Marks it used. */
WatAnnot *dv_wat_take_annot(WatCursor *c, u32 token, WatAnnotKind kind);
bool dv_wat_has_annot(const WatCursor *c, u32 token, WatAnnotKind kind);

/* An abstract heap type and the abbreviation of a nullable reference to it. */
typedef struct WatHeapWord {
    const char *word, *shorthand;
    u8 byte;
} WatHeapWord;
enum { WAT_HEAP_WORDS = 12 };
extern const WatHeapWord dv_wat_heap_words[WAT_HEAP_WORDS];

/* ---- wat_num.c: literals ---- */

typedef enum WatNum { NUM_OK, NUM_SYNTAX, NUM_RANGE } WatNum;
WatNum dv_wat_parse_nat(Str s, u64 *out);
WatNum dv_wat_parse_int(Str s, u32 bits, u64 *out); /* with a sign or without */
WatNum dv_wat_parse_float(Str s, FloatKind kind, u64 *bits);
/* Appends a literal that gives these bits back: in decimal if that takes few digits, else in
 * hexadecimal. */
void dv_wat_print_float(TextBuf *out, FloatKind kind, u64 bits);

/* ---- a module that is being read ---- */

typedef enum WatSpace {
    SPACE_FUNC,
    SPACE_TABLE,
    SPACE_MEMORY,
    SPACE_GLOBAL,
    SPACE_TAG, /* these as ExternKind */
    SPACE_TYPE,
    SPACE_ELEM,
    SPACE_DATA,
    SPACE_COUNT
} WatSpace;

typedef struct WatSpaceInfo {
    const char *word; /* in the text, and in "duplicate func" */
    const char *noun; /* in "unknown function" */
    u8 section;       /* of the binary format */
    u8 subsection;    /* of the name section */
} WatSpaceInfo;
extern const WatSpaceInfo dv_wat_spaces[SPACE_COUNT];

typedef VEC(NameDecl) WatNameRows;

/* An index space: its names. */
typedef struct WatNames {
    Map by_id;
    WatNameRows rows; /* for the name section */
    u32 count;
} WatNames;

/* A type that is known. */
typedef struct WatType {
    u32 at, size;   /* its composite type in the type section's bytes */
    u32 num_params; /* of functions */
    u8 kind;        /* CompKind */
} WatType;

typedef struct WatLabel {
    u32 id;
    u32 shadowed; /* what the map had for the id before */
} WatLabel;

typedef VEC(WatPlace) WatPlaceRows;

enum { WAT_SECTIONS = 14 };

/* A section of a module, custom ones excepted. */
typedef struct WatSection {
    ByteBuf bytes; /* without the number of items */
    u32 count;
    WatPlaceRows places; /* offsets in bytes */
} WatSection;

typedef struct WatCustom {
    u32 slot; /* twice the place of a section in the order of the format, +1: behind it */
    Str name;
    ByteBuf bytes;
} WatCustom;

typedef struct WatFrame WatFrame; /* wat_expr.c */

typedef struct WatBuilder {
    WatCursor c;
    Arena *arena;
    bool wants_places;
    WatNames names[SPACE_COUNT];
    Str module_name;
    bool has_module_name;

    VEC(WatType) types;
    StrMap signatures;        /* encoded function types */
    VEC(u32) signature_types; /* by number: the first type that is one by itself */
    Map fields;               /* type << 32 | id: index of the field */

    WatSection sections[WAT_SECTIONS];
    VEC(WatCustom) customs;
    bool needs_data_count;
    bool has_start;

    /* the function being read */
    u32 func;
    u32 num_locals;
    Map locals; /* func << 32 | id: index */
    WatNameRows local_names;
    WatNameRows label_names;
    u32 num_labels;       /* blocks so far */
    VEC(WatLabel) labels; /* open ones */
    Map label_ids;        /* id: 1 + place in labels of the innermost; 0: none */
    ByteBuf body;
    VEC(WatFrame) frames;
    ByteBuf pending;                    /* instructions of frames whose operands are being read */
    ByteBuf inst;                       /* the instruction being read */
    ByteBuf params, results, signature; /* of the type use being read */
    ByteBuf *code;                      /* where instructions go */
    WatPlaceRows *places;               /* and their places */
    ByteBuf hints;                      /* of this function */
    u32 num_hints;

    ByteBuf hint_section; /* functions with hints */
    u32 num_hint_funcs;
    ByteBuf name_locals, name_labels, name_fields;
    u32 num_name_locals, num_name_labels, num_name_fields;
} WatBuilder;

/* wat_types.c */

/* A heap type as read. */
typedef struct WatHeap {
    u8 byte; /* 0: by index */
    bool exact;
    u32 index;
} WatHeap;
typedef struct WatRef {
    bool is_null;
    WatHeap heap;
} WatRef;
/* The result of a type use. */
typedef struct WatTypeUse {
    u32 type;       /* UINT32_MAX: none is needed, a block's value */
    u32 num_params; /* as the type has */
    u8 value[8];    /* encoded block type of blocks without a type */
    u8 value_size;
} WatTypeUse;
typedef enum WatUseKind {
    USE_FUNC, /* parameters may have names, which become locals */
    USE_NAMELESS,
    USE_BLOCK /* and a single result needs no type */
} WatUseKind;

void dv_wat_bind(WatBuilder *b, WatSpace space, u32 token, u32 id);
/* Takes a number or name of an index space. */
u32 dv_wat_take_index(WatBuilder *b, WatSpace space);
u32 dv_wat_take_local(WatBuilder *b);
u32 dv_wat_take_field(WatBuilder *b, u32 type);
/* Whether a name or an annotation @name comes next. */
bool dv_wat_has_binder(const WatBuilder *b);
/* Takes @name annotations and optional name of something; *name is what the name section has of
 * it, if true. */
bool dv_wat_take_binder(WatBuilder *b, u32 *id, Str *name);
WatHeap dv_wat_take_heap(WatBuilder *b);
void dv_wat_put_heap(ByteBuf *out, WatHeap heap);
bool dv_wat_is_ref(const WatBuilder *b);
WatRef dv_wat_take_ref(WatBuilder *b);
void dv_wat_put_ref(ByteBuf *out, WatRef ref);
/* Takes a value type and appends its encoding. */
void dv_wat_take_valtype(WatBuilder *b, ByteBuf *out);
void dv_wat_take_global_type(WatBuilder *b, ByteBuf *out);
WatTypeUse dv_wat_take_type_use(WatBuilder *b, WatUseKind kind);
/* Declares a local of the function being read. */
void dv_wat_bind_local(WatBuilder *b, u32 id, u32 token, Str name, bool has_name);
/* Takes a field (type ...) or (rec ...). */
void dv_wat_take_types(WatBuilder *b);

/* wat_expr.c */

/* Takes instructions up to a closing parenthesis, which is left, and appends them to b->code,
 * without "end". */
void dv_wat_take_expr(WatBuilder *b);
/* Takes one folded instruction. */
void dv_wat_take_folded(WatBuilder *b);

/* wat_imm.c */

/* Takes the immediates of an operation (not of blocks, whose labels open scopes) into b->inst,
 * which gets the operation in front. */
void dv_wat_take_inst(WatBuilder *b, WasmOp op);
void dv_wat_put_op(ByteBuf *out, WasmOp op);
u32 dv_wat_take_label(WatBuilder *b);

/* wat_module.c */

/* Takes a module's fields from the cursor up to token `end`; appends the module's bytes. False
 * after an error. */
bool dv_wat_take_module(WatCursor *c, u32 end, ByteBuf *out, WatPlaces *places);
/* Takes strings as long as there are any. */
void dv_wat_take_strings(WatCursor *c, ByteBuf *out);

/* wat.c: takes a module behind "(module" up to the parenthesis at `end`: its fields or, behind
 * an optional name, "binary" or "quote" and strings. `form` as in WastModule; quoted text may
 * not quote. False after an error. */
bool dv_wat_take_form_of_module(WatCursor *c, u32 end, ByteBuf *out, WatPlaces *places, u8 *form);

/* wat_write.c */

/* The known sections in the order of the format, and how @custom names them. */
typedef struct WatSectionInfo {
    u8 id;
    const char *word;
} WatSectionInfo;
enum { WAT_KNOWN_SECTIONS = 13 };
extern const WatSectionInfo dv_wat_sections[WAT_KNOWN_SECTIONS];
/* Appends the module, its sections being complete. */
void dv_wat_write(WatBuilder *b, ByteBuf *out, WatPlaces *places);

#endif
