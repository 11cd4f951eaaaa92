/* wasm.h - WebAssembly modules: what they declare, their instructions, decoding and validation.
 *
 * Source: WebAssembly core specification 3.0, chapters "Structure", "Binary Format" and "Validation", with its
 * appendix on the validation algorithm.
 *
 * dv_wasm_decode reads everything of a module but the bodies of functions, whose places it notes; it checks all that
 * can be checked without them. A body is read by a WasmReader, an instruction at a time, each checked by a Validator,
 * which whoever translates the body drives. Nothing here recurses on input, allocates more than in proportion to the input,
 * or reads outside of it. Names, segments and bodies point into the module's bytes, which must outlive it.
 *
 * Errors are Diag messages without a line; the text is what the specification's tests expect, then the details:
 * "type mismatch: expected i32, got f64 (function 3 "main", at offset 0x123)". What is refused because a feature is off, or is
 * not executed by this version, is told in WasmError too.
 */
#ifndef DV_WASM_FORMAT_WASM_H
#define DV_WASM_FORMAT_WASM_H

#include "base/bitset.h"
#include "base/bytes.h"
#include "base/diag.h"

/* ---- features ---- */

typedef enum Feature {
#define FEATURE(name, text, in_3_0, runs, doc) FEATURE_##name,
#include "wasm/format/features.def"
#undef FEATURE
    FEATURE_COUNT
} Feature;

typedef u64 Features; /* a bit per Feature */
#define FEATURE_BIT(name) ((Features)1 << FEATURE_##name)

typedef struct FeatureInfo {
    const char *text;
    const char *doc;
    bool in_3_0, runs;
} FeatureInfo;
extern const FeatureInfo dv_wasm_features[FEATURE_COUNT];

#define FEATURES_NONE ((Features)0) /* WebAssembly 1.0 */
#define FEATURES_ALL (((Features)1 << FEATURE_COUNT) - 1)
Features dv_wasm_features_3_0(void); /* what 3.0 has */
Features dv_wasm_features_run(void); /* what this version executes */
/* The feature of this text, or FEATURE_COUNT. */
Feature dv_wasm_feature_find(const char *text, usize length);

/* ---- types ---- */

/* A value type, also of fields: a number or vector by its byte in the binary format, or a reference: VT_REF, VT_NULL
 * if it may be null, and in the low 24 bits a type index or, with VT_ABSTRACT, the byte of a heap type. 0 is the bottom
 * type of unreachable code. Two are equal if the numbers are, once type indices are canonical. */
typedef u32 ValType;
enum {
    VT_BOTTOM = 0,
    VT_EMPTY = 0x40, /* block types only: neither parameters nor results */
    VT_I32 = 0x7f,
    VT_I64 = 0x7e,
    VT_F32 = 0x7d,
    VT_F64 = 0x7c,
    VT_V128 = 0x7b,
    VT_I8 = 0x78, /* of fields only */
    VT_I16 = 0x77
};
#define VT_REF 0x80000000u
#define VT_NULL 0x40000000u
#define VT_ABSTRACT 0x20000000u
#define VT_EXACT 0x10000000u /* custom descriptors */
#define VT_INDEX 0x00ffffffu
enum {
    HEAP_BOTTOM = 0, /* below all, of references in unreachable code */
    HEAP_NOEXN = 0x74,
    HEAP_NOFUNC = 0x73,
    HEAP_NOEXTERN = 0x72,
    HEAP_NONE = 0x71,
    HEAP_FUNC = 0x70,
    HEAP_EXTERN = 0x6f,
    HEAP_ANY = 0x6e,
    HEAP_EQ = 0x6d,
    HEAP_I31 = 0x6c,
    HEAP_STRUCT = 0x6b,
    HEAP_ARRAY = 0x6a,
    HEAP_EXN = 0x69
};
#define VT_FUNCREF (VT_REF | VT_NULL | VT_ABSTRACT | HEAP_FUNC)
#define VT_EXTERNREF (VT_REF | VT_NULL | VT_ABSTRACT | HEAP_EXTERN)
#define VT_EXNREF (VT_REF | VT_NULL | VT_ABSTRACT | HEAP_EXN)

static inline bool vt_is_ref(ValType t)
{
    return (t & VT_REF) != 0;
}
/* A reference to a type of the module. */
static inline bool vt_is_indexed(ValType t)
{
    return (t & (VT_REF | VT_ABSTRACT)) == VT_REF;
}

typedef enum CompKind { COMP_FUNC, COMP_STRUCT, COMP_ARRAY } CompKind;

typedef struct FieldType {
    ValType type;
    bool is_mutable;
} FieldType;

/* A type of the type section. */
typedef struct SubType {
    u8 kind; /* CompKind */
    bool is_final;
    bool has_super;
    u32 super;
    u32 group;     /* first type of its recursion group */
    u32 group_len; /* types in it */
    u32 canonical; /* the first type of the module that is the same one; itself if none */
    bool has_descriptor, has_describes; /* custom descriptors */
    u32 descriptor, describes;
    u32 num_params, num_results; /* functions */
    const ValType *params, *results;
    u32 num_fields; /* structures; arrays: 1 */
    const FieldType *fields;
} SubType;

typedef struct Limits {
    u64 min, max;
    bool has_max;
    bool index64;
    bool shared;
} Limits;

/* ---- what a module declares ---- */

typedef enum ExternKind {
    EXTERN_FUNC,
    EXTERN_TABLE,
    EXTERN_MEMORY,
    EXTERN_GLOBAL,
    EXTERN_TAG
} ExternKind; /* numbered as in the binary format */

/* A run of the module's bytes. */
typedef struct Span {
    u32 offset, size;
} Span;

typedef struct ImportDecl {
    Str module, name;
    u8 kind;   /* ExternKind */
    u32 index; /* in its index space */
} ImportDecl;

typedef struct FuncDecl {
    u32 type;
    bool is_declared; /* ref.func may name it */
    bool is_exact;    /* its type is `type` itself; imports may be of a subtype */
} FuncDecl;

typedef struct TableDecl {
    ValType type;
    Limits limits;
    Span init; /* constant expression with its end; size 0: null */
} TableDecl;

typedef struct MemoryDecl {
    Limits limits; /* in pages */
    u32 page_log2; /* 16 unless custom */
} MemoryDecl;

typedef struct GlobalDecl {
    ValType type;
    bool is_mutable;
    Span init; /* size 0: imported */
} GlobalDecl;

typedef struct TagDecl {
    u32 type;
} TagDecl;

typedef struct ExportDecl {
    Str name;
    u8 kind; /* ExternKind */
    u32 index;
} ExportDecl;

typedef enum SegmentMode { SEGMENT_ACTIVE, SEGMENT_PASSIVE, SEGMENT_DECLARED } SegmentMode;

typedef struct ElemDecl {
    u8 mode; /* SegmentMode */
    ValType type;
    u32 table;   /* of active ones */
    Span offset; /* constant expression of active ones */
    u32 count;
    bool
        is_exprs; /* the items are constant expressions, else function indices (LEB128), one after the other */
    Span items;
} ElemDecl;

typedef struct DataDecl {
    u8 mode;
    u32 memory;
    Span offset;
    Span bytes;
} DataDecl;

typedef struct CodeDecl {
    Span body; /* behind its size: locals, then instructions */
} CodeDecl;

typedef struct CustomDecl {
    Str name;
    Span bytes; /* behind the name */
    u8 after;   /* id of the known section before it; 0: none */
} CustomDecl;

/* One row of the name section's functions; others stay where they are. Sorted by index. */
typedef struct NameDecl {
    u32 index;
    Str name;
} NameDecl;

typedef struct WasmModule {
    const u8 *bytes; /* the caller's */
    u32 size;
    Features features; /* it was decoded with */
    Features used;     /* that its declarations need; bodies add theirs when they are validated */
    VEC(SubType) types;
    VEC(ImportDecl) imports;
    VEC(FuncDecl) funcs; /* imports first, here and below */
    VEC(TableDecl) tables;
    VEC(MemoryDecl) memories;
    VEC(GlobalDecl) globals;
    VEC(TagDecl) tags;
    VEC(ExportDecl) exports;
    VEC(ElemDecl) elems;
    VEC(DataDecl) datas;
    VEC(CodeDecl) codes; /* of functions that are not imported */
    VEC(CustomDecl) customs;
    VEC(NameDecl) func_names;
    u32 imported_funcs, imported_tables, imported_memories, imported_globals, imported_tags;
    bool has_start, has_data_count;
    u32 start;
    Str name;          /* of the name section; empty */
    Span sections[14]; /* payloads of the known sections, by id; size 0: not there */
} WasmModule;

/* ---- instructions ---- */

/* How an instruction's immediates are encoded. */
typedef enum WasmImm {
    WIMM_NONE,
    WIMM_BLOCK,         /* block type: type (VT_EMPTY: none, VT_BOTTOM: by index, then `index`) */
    WIMM_LABEL,         /* index */
    WIMM_BR_TABLE,      /* count labels and a default: entries */
    WIMM_FUNC,          /* index */
    WIMM_TYPE,          /* index: call_ref, struct.new, array.new */
    WIMM_CALL_INDIRECT, /* index: type, index2: table */
    WIMM_SELECT,        /* count types; `type` the only one, as all but one are invalid */
    WIMM_LOCAL,         /* index */
    WIMM_GLOBAL,        /* index */
    WIMM_TABLE,         /* index */
    WIMM_TABLE_TABLE,   /* index: to, index2: from */
    WIMM_ELEM_TABLE,    /* index: segment, index2: table */
    WIMM_ELEM,          /* index */
    WIMM_DATA,          /* index */
    WIMM_MEMARG,        /* align_log2, index: memory, offset */
    WIMM_MEMARG_LANE,   /* and lane */
    WIMM_MEMORY,        /* index */
    WIMM_MEMORY_MEMORY, /* index: to, index2: from */
    WIMM_DATA_MEMORY,   /* index: segment, index2: memory */
    WIMM_I32,           /* value, sign-extended */
    WIMM_I64,
    WIMM_F32, /* value: the bits */
    WIMM_F64,
    WIMM_V128,  /* bytes */
    WIMM_LANES, /* bytes: i8x16.shuffle */
    WIMM_LANE,  /* lane */
    WIMM_HEAP,  /* type: ref.null, ref.test, ref.cast (its nullability as the operation says) */
    WIMM_FIELD, /* index: type, index2: field */
    WIMM_TYPE_COUNT, /* index: type, value: array.new_fixed */
    WIMM_TYPE_DATA,  /* index, index2 */
    WIMM_TYPE_ELEM,
    WIMM_TYPE_TYPE, /* index: to, index2: from */
    WIMM_BR_CAST,   /* index: label, type: from, type2: to */
    WIMM_TAG,       /* index */
    WIMM_TRY_TABLE, /* block type as WIMM_BLOCK; count catches: entries */
    WIMM_FENCE,     /* one byte, 0 */
    WIMM_COUNT
} WasmImm;

/* One row of ops.def each: W_i32_add. */
typedef enum WasmOp {
#define OP(name, text, prefix, code, imm, arg, feature, params, results) W_##name,
#include "wasm/format/ops.def"
#undef OP
    W_COUNT
} WasmOp;

typedef struct WasmOpInfo {
    const char *text; /* "i32.add" */
    u8 prefix;        /* 0, or 0xfb to 0xfe */
    u32 code;         /* the byte, or behind a prefix the LEB128 number */
    u8 imm;           /* WasmImm */
    u8 arg;           /* MEMARG: log2 of the natural alignment; LANE: number of lanes */
    u8 feature;       /* Feature; FEATURE_COUNT: 1.0 */
    const char *
        params; /* i I f F v, a letter each: i32 i64 f32 f64 v128; m: the index type of the memory named; */
    const char *results; /* "*": the validator knows */
} WasmOpInfo;
extern const WasmOpInfo dv_wasm_ops[W_COUNT];
/* The operation of this text, the first one if there are several, or W_COUNT. */
WasmOp dv_wasm_op_find(const char *text, usize length);
/* The operation of this code, or W_COUNT. */
WasmOp dv_wasm_op_by_code(u8 prefix, u32 code);

typedef struct WasmInst {
    u16 op; /* WasmOp */
    u8 align_log2;
    u8 lane;
    u32 at; /* offset of its first byte in the module */
    u32 index, index2;
    u32 count;
    ValType type, type2;
    u64 value;
    u64 offset; /* of MEMARG */
    const u8 *
        entries; /* encoded immediates that repeat, already checked to be well formed; read with dv_wasm_entry */
    const u8 *entries_end;
    u8 bytes[16];
} WasmInst;

/* Why a module was refused, beside the Diag message. */
typedef struct WasmError {
    bool is_malformed; /* the bytes are no module; false: they are, but it is invalid */
    u32 missing;       /* Feature that is off, or not executed; FEATURE_COUNT */
    u32 offset;        /* in the module */
    u32 func;          /* UINT32_MAX: not in a function */
} WasmError;

/* A position in the module's bytes. */
typedef struct WasmReader {
    const WasmModule *module;
    const u8 *at, *end;
    const u8 *start; /* of the last instruction read */
    Diag *diag;
    u32 func;        /* for messages; UINT32_MAX: none */
    Features used;   /* by what was read */
    WasmError error; /* after an error */
} WasmReader;

/* The instructions of a body, behind its locals, or of a constant expression. */
void dv_wasm_reader_init(WasmReader *r, const WasmModule *module, Span span, Diag *diag);
/* Reads the instruction at the reader's place. False after an error; the end of the span is one. Features are checked:
 * an operation of one that the module was decoded without is an error that names it. */
bool dv_wasm_next(WasmReader *r, WasmInst *inst);
/* The next of br_table's labels (count + 1 in all); advances *entries. */
u32 dv_wasm_entry(const u8 **entries);
/* The next catch of try_table. */
typedef enum CatchKind { CATCH, CATCH_REF, CATCH_ALL, CATCH_ALL_REF } CatchKind;
typedef struct WasmCatch {
    u8 kind;
    u32 tag, label;
} WasmCatch;
WasmCatch dv_wasm_catch(const u8 **entries);

/* ---- decode.c, validate.c ---- */

/* Larger modules are refused by these names. */
typedef struct WasmLimits {
    u64 module_bytes, items, tables, params, locals, body_bytes, br_table, name_bytes;
    u64 all_locals,
        all_locals_per_byte; /* of all functions together, and more by byte of the module: few bytes declare many */
    u64 operands;    /* on the stack of a body at once */
    u64 fields;      /* of a structure */
    u64 super_depth; /* types above a type */
} WasmLimits;
extern const WasmLimits dv_wasm_limits; /* the web's; see docs */

typedef struct DecodeOptions {
    Features features;
    bool without_code; /* functions have no bodies: what an artifact keeps of a module */
} DecodeOptions;

/* Reads a module; everything lies in the arena. Declarations, constant expressions included, are validated. False after
 * an error in *diag and *error (which may be NULL). Escapes when memory runs out. */
bool dv_wasm_decode(Arena *arena, const u8 *bytes, usize size, const DecodeOptions *options,
                    WasmModule *module, Diag *diag, WasmError *error);
/* Validates every body. */
bool dv_wasm_validate(Arena *scratch, WasmModule *module, Diag *diag, WasmError *error);
/* ---- the validator of a body, an instruction at a time ---- */

/* A block that is open. */
typedef struct ControlFrame {
    u16 op; /* W_block, W_loop, W_if, W_else, W_try_table; the body itself is a W_block */
    bool is_unreachable; /* code behind its last branch or trap */
    u32 height;          /* of the operand stack below its parameters */
    u32 num_params, num_results;
    const ValType *params, *results;
    u32 at;       /* offset of the opening instruction */
    u32 set_mark; /* length of set_trail when it was opened */
    u32 stamp;    /* of the last br_table that was found to fit it */
} ControlFrame;

typedef struct Validator {
    WasmModule *module; /* `used` gains features */
    Arena *arena;
    Diag *diag;
    WasmReader reader; /* behind the last instruction checked */
    u32 func;
    VEC(ValType) locals; /* parameters first */
    VEC(ValType) stack;  /* operands */
    VEC(ControlFrame) frames;
    BitSet is_set; /* locals of non-null reference type that have been set */
    VEC(u32) set_trail;
    u64 num_locals;       /* of all bodies so far */
    u32 stamp;            /* br_tables so far */
    bool is_constant;     /* the expression is no body: only some instructions are allowed, */
    u32 constant_globals; /* and the globals before this one */
} Validator;

/* Starts on a body (func counts imports, as everywhere): reads its locals. Arrays are reused from the body before; the first
 * time `v` is zero but for module, arena and diag. Errors are in v->diag and v->reader.error, here and below. */
bool dv_validator_begin(Validator *v, u32 func);
/* Reads and checks the next instruction: the state is then the one behind it. False after an error. When `frames` is
 * empty the body has ended, and ended properly. */
bool dv_validator_next(Validator *v, WasmInst *inst);
/* Types that block type immediates name; they may point into `inst`. */
void dv_wasm_block_type(const WasmModule *module, const WasmInst *inst, u32 *num_params,
                        const ValType **params, u32 *num_results, const ValType **results);
/* The label's frame: 0 is the innermost. */
const ControlFrame *dv_validator_label(const Validator *v, u32 label);

/* ---- types.c ---- */

/* Whether every value of a is one of b; both of this module. */
bool dv_wasm_is_subtype(const WasmModule *module, ValType a, ValType b);
bool dv_wasm_same_type(const WasmModule *module, ValType a, ValType b);
/* Appends "(ref null $3)", "i32", "externref". */
void dv_wasm_print_type(TextBuf *out, ValType type);
/* The name of a function in the name section; empty. */
Str dv_wasm_func_name(const WasmModule *module, u32 func);

#endif
