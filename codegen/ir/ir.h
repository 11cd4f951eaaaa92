/* ir.h - a function in CLIF: what it holds, and the few ways to change it.
 *
 * A Func is arrays indexed by entities. Text numbers are entity numbers: v7 in text is
 * values.data[7], so that what is printed has the numbers that were read; numbers skipped are
 * absent entities, which the verifier reports when they are used. Instructions live in `insts`,
 * values in `values`; the layout (which block follows which, which instruction is in which block)
 * is a doubly linked list through BlockData and InstNode. Operand and argument lists are runs in
 * `pool`; never keep a pointer into it across a change.
 *
 * Every block ends in one terminator. Branches name their targets by block calls, a run of `calls`
 * found by dv_inst_dests for every kind of branch alike.
 *
 * All memory is the arena's. Functions here check their use by ASSERT and do not report errors;
 * text and embedder's calls are checked by the parser, the builder and the verifier.
 */
#ifndef DV_IR_IR_H
#define DV_IR_IR_H

#include "base/arena.h"
#include "base/map.h"
#include "base/u128.h"
#include "base/vec.h"
#include "codegen/ir/types.h"

/* ---- entities ---- */

#define ENTITY_NONE UINT32_MAX
#define ENTITY(Name) \
    typedef struct Name { \
        u32 id; \
    } Name
ENTITY(Value);
ENTITY(Inst);
ENTITY(Block);
ENTITY(StackSlot);
ENTITY(DynSlot);
ENTITY(DynType);
ENTITY(GlobalValue);
ENTITY(SigRef);
ENTITY(FuncRef);
ENTITY(Constant);
ENTITY(Region);
/* runtime entities */
ENTITY(WasmType);
ENTITY(WasmMemory);
ENTITY(WasmTable);
ENTITY(WasmGlobal);
ENTITY(WasmFunc);
ENTITY(WasmData);
ENTITY(WasmElem);
ENTITY(WasmTag);

#define VALUE_NONE ((Value){ENTITY_NONE})
#define INST_NONE ((Inst){ENTITY_NONE})
#define BLOCK_NONE ((Block){ENTITY_NONE})

/* ---- the closed sets: operations, conditions, traps, conventions ---- */

enum {
    FX_PURE = 0,
    FX_TRAP = 1,
    FX_LOAD = 2,
    FX_STORE = 4,
    FX_CALL = 8,
    FX_OTHER = 16,
    FX_IDEMP = 32,
    FX_TERM = 64,
    FX_BRANCH = 128,
    FX_COMM = 256,
    FX_SUFFIX = 512
};

typedef enum Op {
#define OP(name, format, set, operands, results, effects, doc) OP_##name,
#include "codegen/ir/ops.def"
#undef OP
    OP_COUNT
} Op;

typedef enum Format {
#define FORMAT(name, spelling, typed_operand) FORMAT_##name,
#include "codegen/ir/formats.def"
#undef FORMAT
    FORMAT_COUNT
} Format;

enum { OP_MAX_OPERANDS = 3, OP_MAX_RESULTS = 2 };

typedef struct OpInfo {
    const char *name;
    const char *doc;
    Format format;
    TypeSetId set; /* SET_None: no controlling type */
    u16 effects;
    u8 num_operands;              /* the fixed ones */
    u8 num_results;               /* the fixed ones */
    u8 operands[OP_MAX_OPERANDS]; /* TypeSpec */
    u8 results[OP_MAX_RESULTS];   /* TypeSpec */
} OpInfo;

typedef struct FormatInfo {
    const char *name;
    const char *spelling;
    i8 typed_operand;
} FormatInfo;

extern const OpInfo dv_ops[OP_COUNT];
extern const FormatInfo dv_formats[FORMAT_COUNT];

typedef enum IntCC {
#define INTCC(name, negation, swap) INTCC_##name,
#include "codegen/ir/names.def"
    INTCC_COUNT
} IntCC;

typedef enum FloatCC {
#define FLOATCC(name, negation, swap) FLOATCC_##name,
#include "codegen/ir/names.def"
    FLOATCC_COUNT
} FloatCC;

typedef enum RmwOp {
#define RMW(name, meaning) RMW_##name,
#include "codegen/ir/names.def"
    RMW_COUNT
} RmwOp;

typedef enum CallConv {
#define CALLCONV(name, tail_calls) CC_##name,
#include "codegen/ir/names.def"
    CC_COUNT
} CallConv;

typedef enum LibCall {
#define LIBCALL(name, params, result, meaning) LIBCALL_##name,
#include "codegen/ir/names.def"
    LIBCALL_COUNT
} LibCall;

typedef u8 TrapCode; /* base/traps.def; 0 is none */
enum {
    TRAP_none = 0,
#define TRAP(name, code, message) TRAP_##name = code,
#include "base/traps.def"
#undef TRAP
    TRAP_USER_MAX = 250
};

/* Memory flags. The low byte is the trap code of an access that fails, 0 for notrap; text without
 * one means heap_oob. FLAG_LITTLE and FLAG_BIG exclude each other; neither means the data layout's
 * order. */
typedef u16 MemFlags;
enum {
    FLAG_TRAP_MASK = 0xff,
    FLAG_ALIGNED = 0x100,
    FLAG_READONLY = 0x200,
    FLAG_LITTLE = 0x400,
    FLAG_BIG = 0x800,
    FLAG_CAN_MOVE = 0x1000,
    MEMFLAGS_DEFAULT = TRAP_heap_oob,
    MEMFLAGS_TRUSTED = FLAG_ALIGNED
};

/* ---- the preamble ---- */

enum { EXT_NONE, EXT_UEXT, EXT_SEXT };
enum { PURPOSE_NORMAL, PURPOSE_SARG, PURPOSE_SRET, PURPOSE_VMCTX };

typedef struct Param {
    Type type;
    u8 extension;   /* EXT_ */
    u8 purpose;     /* PURPOSE_ */
    u32 sarg_bytes; /* of sarg(N) */
} Param;

typedef struct Signature {
    Param *params, *results; /* arena arrays */
    u32 num_params, num_results;
    CallConv conv;
    bool present;
} Signature;

enum { NAME_USER, NAME_TEST, NAME_LIBCALL };

typedef struct ExtName {
    u8 kind; /* NAME_: u0:1, %name, %CeilF32 */
    LibCall libcall;
    u32 space, index; /* of NAME_USER */
    Str text;         /* of NAME_TEST, without % */
} ExtName;

typedef struct StackSlotData {
    bool present;
    bool has_key;
    u32 size_bytes, align_bytes; /* alignment a power of two; 1 if not given */
    u64 key;
} StackSlotData;

typedef struct DynTypeData {
    bool present;
    Type base; /* i32x4 of i32x4*gv0 */
    GlobalValue scale;
} DynTypeData;

typedef struct DynSlotData {
    bool present;
    DynType type;
} DynSlotData;

enum { GV_ABSENT, GV_VMCTX, GV_LOAD, GV_IADD_IMM, GV_SYMBOL, GV_DYN_SCALE };

typedef struct GlobalValueData {
    u8 kind; /* GV_ */
    bool colocated, tls;
    Type type; /* of load, iadd_imm; the vector of dyn_scale_target_const */
    MemFlags flags;
    Region region; /* of load; ENTITY_NONE */
    GlobalValue base;
    i64 offset; /* of load (32 bits), iadd_imm, symbol */
    ExtName name;
} GlobalValueData;

typedef struct ExtFunc {
    bool present, colocated, patchable;
    ExtName name;
    SigRef sig;
} ExtFunc;

typedef struct ConstantData {
    bool present;
    u32 len;
    const u8 *bytes; /* little-endian: lane 0 first */
} ConstantData;

typedef struct ShuffleMask {
    u8 bytes[16];
} ShuffleMask;

typedef struct RegionData {
    bool present;
    u32 index; /* the number right of = */
    Str name;
} RegionData;

/* Runtime entities. `index` is the index in the module: two functions that name memory 0 mean the
 * same. */
typedef enum WasmValType {
    WASM_I32,
    WASM_I64,
    WASM_F32,
    WASM_F64,
    WASM_V128,
    WASM_FUNCREF,
    WASM_EXTERNREF,
    WASM_EXNREF
} WasmValType;

/* Two are one type if their lists are equal, and their indices if they have any: what the lists tell of
 * a reference is only its kind. */
typedef struct WasmTypeData { /* type0 = func (i32, externref) -> i32, sig0[, index 5] */
    bool present;
    bool has_index;
    u32 index; /* of the type in the module */
    u32 num_params, num_results;
    u8 *params, *results; /* WasmValType */
    SigRef sig;
} WasmTypeData;

typedef struct WasmMemoryData { /* heap0 = [import] memory 0, index i32, min 1[, max 2], page
                                   0x10000[, shared] */
    bool present, import, shared, has_max;
    Type index_type;
    u32 index;
    u32 page_bytes;
    u64 min_pages, max_pages;
} WasmMemoryData;

typedef struct WasmTableData { /* table0 = [import] table 0, index i32, min 10[, max 20], funcref */
    bool present, import, has_max;
    u8 elem; /* WasmValType, a reference */
    Type index_type;
    u32 index;
    u64 min, max;
} WasmTableData;

typedef struct WasmGlobalData { /* global0 = [import] global 0, i64[, mutable] */
    bool present, import, is_mutable;
    Type type;
    u32 index;
} WasmGlobalData;

typedef struct WasmFuncData { /* func0 = import [%name] type0, func1 = define [%name] type0 */
    bool present, import;
    bool has_name;
    ExtName name; /* the CLIF function that the evaluator and linkers bind it to */
    WasmType type;
} WasmFuncData;

typedef struct WasmSegmentData { /* data0 = data 0, elem0 = elem 0 */
    bool present;
    u32 index;
} WasmSegmentData;

typedef struct WasmTagData { /* tag0 = [import] tag 0, type0 */
    bool present, import;
    u32 index;
    WasmType type;
} WasmTagData;

/* ---- the body ---- */

enum { VALUE_ABSENT, VALUE_RESULT, VALUE_PARAM, VALUE_ALIAS };

typedef struct ValueData {
    u32 def; /* instruction, block, or the value an alias stands for */
    u32 num; /* which result or parameter */
    Type type;
    u8 kind; /* VALUE_ */
} ValueData;

/* See formats.def for what each format keeps where. Up to OP_INLINE_ARGS arguments lie in args
 * itself, more in the pool from args[0]; read them with dv_inst_args. */
enum { INST_INLINE_ARGS = 3 };

typedef struct InstData {
    u16 op;
    Type type; /* controlling type; TYPE_NONE where there is none */
    u8 aux;
    MemFlags flags;
    u32 num_args;
    u32 args[INST_INLINE_ARGS];
    u32 ent;    /* ENTITY_NONE where optional and absent */
    u32 imm[2]; /* imm64 is imm[1] << 32 | imm[0] */
    u32 num_results;
    u32 results; /* the result if one, else where they start in the pool */
} InstData;

typedef struct InstNode {
    Inst prev, next; /* within the block */
    Block block;     /* BLOCK_NONE: not in the layout */
} InstNode;

/* One argument of a block call: a value, or in try_call retN or exnN. */
typedef struct BlockArg {
    u32 bits;
} BlockArg;
enum { ARG_VALUE, ARG_RET, ARG_EXN };

static inline u32 block_arg_kind(BlockArg a)
{
    return a.bits < 0x80000000u ? ARG_VALUE : a.bits < 0xc0000000u ? ARG_RET : ARG_EXN;
}

static inline u32 block_arg_index(BlockArg a) /* value id, or N of retN, exnN */
{
    return a.bits < 0x80000000u ? a.bits : a.bits & 0x3fffffffu;
}

static inline BlockArg block_arg(u32 kind, u32 index)
{
    return (BlockArg){kind == ARG_VALUE ? index
                      : kind == ARG_RET ? index | 0x80000000u
                                        : index | 0xc0000000u};
}

typedef struct BlockCall {
    Block block;
    u32 num_args, cap_args;
    u32 args; /* BlockArg bits in the pool */
} BlockCall;

enum { HANDLER_TAG, HANDLER_DEFAULT, HANDLER_CONTEXT };

typedef struct Handler {
    u8 kind; /* HANDLER_ */
    u32 tag;
    u32 dest;      /* of tag and default: index among the instruction's dests, 1 or more */
    Value context; /* of context */
} Handler;

/* The table of a try_: dest 0 is the normal return. */
typedef struct ExceptionTable {
    SigRef sig;
    u32 dests, num_dests; /* run of calls */
    u32 num_handlers;
    Handler *handlers; /* arena array, in text order */
} ExceptionTable;

typedef struct BlockData {
    bool present; /* made, whether or not in the layout */
    bool cold;
    bool inserted; /* in the layout */
    Block prev, next;
    Inst first, last;
    u32 num_params, cap_params;
    u32 params; /* value ids in the pool */
} BlockData;

typedef struct StackMapEntry { /* i32 @ ss0+0 */
    Type type;
    StackSlot slot;
    u32 offset;
} StackMapEntry;

enum { DEBUG_TAG_NUMBER, DEBUG_TAG_SLOT };
typedef struct DebugTag {
    u8 kind; /* DEBUG_TAG_ */
    u32 value;
} DebugTag;

typedef struct StackMap {
    u32 num_entries;
    StackMapEntry *entries;
} StackMap;

typedef struct DebugTags {
    u32 num_tags;
    DebugTag *tags;
} DebugTags;

#define SRCLOC_NONE UINT32_MAX

typedef struct Func {
    Arena *arena;
    ExtName name;
    Signature sig;
    bool has_stack_limit;
    GlobalValue stack_limit;
    /* preamble */
    VEC(StackSlotData) slots;
    VEC(DynSlotData) dyn_slots;
    VEC(DynTypeData) dyn_types;
    VEC(GlobalValueData) global_values;
    VEC(Signature) sigs;
    VEC(ExtFunc) funcs;
    VEC(ConstantData) constants;
    VEC(RegionData) regions;
    VEC(WasmTypeData) wasm_types;
    VEC(WasmMemoryData) memories;
    VEC(WasmTableData) tables;
    VEC(WasmGlobalData) globals;
    VEC(WasmFuncData) wasm_funcs;
    VEC(WasmSegmentData) datas;
    VEC(WasmSegmentData) elems;
    VEC(WasmTagData) tags;
    /* body */
    VEC(InstData) insts;
    VEC(InstNode) nodes; /* parallel to insts */
    VEC(ValueData) values;
    VEC(BlockData) blocks;
    VEC(u32) pool;
    VEC(BlockCall) calls;
    VEC(ExceptionTable) exception_tables;
    VEC(ShuffleMask) masks; /* of shuffles, which write them out */
    Block first_block, last_block;
    /* seldom present */
    VEC(u32) srclocs; /* by instruction; may be shorter than insts */
    Map stack_map_of; /* instruction -> index of stack_maps */
    VEC(StackMap) stack_maps;
    Map debug_tags_of; /* instruction -> index of debug_tags */
    VEC(DebugTags) debug_tags;
    Map constant_of; /* hash of bytes -> constant, for sharing */
} Func;

/* ---- ops.c: the tables and names ---- */

/* All lookups by name give COUNT (of trap codes: false) when there is none. */
Op dv_op_find(const char *name, usize length);
IntCC dv_intcc_find(const char *name, usize length);
FloatCC dv_floatcc_find(const char *name, usize length);
RmwOp dv_rmw_find(const char *name, usize length);
CallConv dv_callconv_find(const char *name, usize length);
LibCall dv_libcall_find(const char *name, usize length);
bool dv_trap_find(const char *name, usize length, TrapCode *code); /* user12 too */
bool dv_wasm_valtype_find(const char *name, usize length, WasmValType *type);
extern const char *const dv_intcc_names[INTCC_COUNT];
extern const char *const dv_floatcc_names[FLOATCC_COUNT];
extern const char *const dv_rmw_names[RMW_COUNT];
extern const char *const dv_callconv_names[CC_COUNT];
extern const char *const dv_libcall_names[LIBCALL_COUNT];
extern const char *const dv_wasm_valtype_names[WASM_EXNREF + 1];
IntCC dv_intcc_negate(IntCC cc);
IntCC dv_intcc_swap(IntCC cc);
FloatCC dv_floatcc_negate(FloatCC cc);
FloatCC dv_floatcc_swap(FloatCC cc);
bool dv_callconv_tail_calls(CallConv cc);
/* Writes "heap_oob", "user7" into buffer, at least 16 bytes; returns buffer. */
const char *dv_trap_name(TrapCode code, char *buffer);
const char *dv_trap_message(TrapCode code); /* "out of bounds memory access", "user trap" */
/* A libcall's signature with this address type, as the table tells it; arrays in the arena. */
void dv_libcall_signature(Arena *arena, LibCall call, Type addr, Signature *out);
/* The type a wasm value has in CLIF: references are i32, v128 i8x16. */
Type dv_wasm_valtype_type(WasmValType type);

/* ---- func.c: making and reading functions ---- */

/* An empty function in this arena: name u0:0, signature () fast. */
void dv_func_init(Func *f, Arena *arena);
/* Makes *copy the same function in another arena; nothing of `from` is referred to. */
void dv_func_copy(Func *copy, const Func *from, Arena *arena);

static inline InstData *dv_inst(Func *f, Inst i)
{
    return &vec_at(&f->insts, i.id);
}

static inline const InstData *dv_inst_const(const Func *f, Inst i)
{
    return &vec_at(&f->insts, i.id);
}

static inline const OpInfo *dv_inst_info(const Func *f, Inst i)
{
    return &dv_ops[dv_inst_const(f, i)->op];
}

/* The module's tag that `tagN` means in a function: what it declares so, or number N. */
static inline u32 dv_func_tag(const Func *f, u32 tag)
{
    return tag < f->tags.len && f->tags.data[tag].present ? f->tags.data[tag].index : tag;
}

static inline u64 dv_imm64(const InstData *d)
{
    return (u64)d->imm[1] << 32 | d->imm[0];
}

static inline void dv_set_imm64(InstData *d, u64 x)
{
    d->imm[0] = (u32)x;
    d->imm[1] = (u32)(x >> 32);
}

/* Arguments and results as arrays of num_args, num_results ids, valid until the function changes.
 */
const u32 *dv_inst_args(const Func *f, Inst i);
u32 *dv_inst_args_mut(Func *f, Inst i);
const u32 *dv_inst_results(const Func *f, Inst i);
Value dv_inst_result(const Func *f, Inst i, u32 n);
Value dv_inst_arg(const Func *f, Inst i, u32 n);
/* The targets of a branch: default first for br_table, normal return first for try_. NULL and 0 for
 * others. */
BlockCall *dv_inst_dests(Func *f, Inst i, u32 *count);
const BlockCall *dv_inst_dests_const(const Func *f, Inst i, u32 *count);
/* The signature by which a call is made, for every call format; NULL if a reference on the way is
 * missing. */
const Signature *dv_inst_signature(const Func *f, Inst i);
/* The exception table of a try_; NULL for others. */
const ExceptionTable *dv_inst_exceptions(const Func *f, Inst i);

/* A new instruction of this op and controlling type, in no block, with these arguments and no
 * results. */
Inst dv_inst_make(Func *f, Op op, Type type, const u32 *args, u32 num_args);
/* Gives it the results its row (or signature, for calls) and controlling type ask for. Types that
 * depend on an entity are looked up; all references must exist. */
void dv_inst_make_results(Func *f, Inst i);
/* Gives it these values as results; their data is overwritten. */
void dv_inst_set_results(Func *f, Inst i, const u32 *values, u32 count);
/* The type of result n that the row and controlling type ask for, signatures and entities looked
 * up; TYPE_NONE if that cannot be told or there is no such result. dv_inst_num_results: how many
 * there must be. */
Type dv_inst_result_type(const Func *f, Inst i, u32 n);
u32 dv_inst_num_results(const Func *f, Inst i);
/* What an operand or result spec means for this instruction: entities looked up, else
 * dv_typespec_type. */
Type dv_inst_spec_type(const Func *f, Inst i, TypeSpec spec);
void dv_inst_set_args(Func *f, Inst i, const u32 *args, u32 num_args);
/* Layout. */
void dv_inst_append(Func *f, Inst i, Block b);
void dv_inst_insert_before(Func *f, Inst i, Inst at);
void dv_inst_remove(Func *f, Inst i);
static inline Block dv_inst_block(const Func *f, Inst i)
{
    return vec_at(&f->nodes, i.id).block;
}
static inline Inst dv_inst_next(const Func *f, Inst i)
{
    return vec_at(&f->nodes, i.id).next;
}
static inline Inst dv_inst_prev(const Func *f, Inst i)
{
    return vec_at(&f->nodes, i.id).prev;
}

Block dv_block_make(Func *f);
/* Makes this numbered block (and absent ones below it), or does nothing if it is there. */
void dv_block_make_at(Func *f, Block b);
void dv_block_append(Func *f, Block b);
void dv_block_insert_after(Func *f, Block b, Block at);
void dv_block_remove(Func *f, Block b);
Value dv_block_add_param(Func *f, Block b, Type type);
/* The same with a value of this number. */
void dv_block_add_param_at(Func *f, Block b, Value v, Type type);
const u32 *dv_block_params(const Func *f, Block b);
static inline const BlockData *dv_block(const Func *f, Block b)
{
    return &vec_at(&f->blocks, b.id);
}
/* The terminator of a block; INST_NONE if its last instruction is none. */
Inst dv_block_terminator(const Func *f, Block b);

/* Appends count block calls to `calls` and gives the first index; the caller fills them. */
u32 dv_calls_make(Func *f, u32 count);
void dv_call_set_args(Func *f, BlockCall *call, const BlockArg *args, u32 count);
void dv_call_push_arg(Func *f, u32 call_index, BlockArg arg);
static inline BlockArg dv_call_arg(const Func *f, const BlockCall *call, u32 n)
{
    return (BlockArg){vec_at(&f->pool, call->args + n)};
}

Value dv_value_make(Func *f, Type type); /* absent until it is made a result or parameter */
/* Makes values up to and including this number exist (absent). */
void dv_value_reserve(Func *f, Value v);
/* Follows aliases; a cycle or an absent end gives VALUE_NONE. Chains are shortened by
 * dv_values_resolve_aliases. */
Value dv_value_resolve(const Func *f, Value v);
/* A global value that comes of loads and sums from the context: the last of them first in `chain`, which has room for all
 * of the function's, and the parameter that is the context. False if it is of another kind, or there is no such parameter. */
bool dv_global_value_chain(const Func *f, GlobalValue value, u32 *chain, u32 *count, u32 *param);
/* Rewrites every alias to point at its end, in linear time; cyclic ones become aliases of
 * themselves. */
void dv_values_resolve_aliases(Func *f);
/* aliases.c: what each value stands for, itself unless it is an alias; ENTITY_NONE where dv_value_resolve gives
 * VALUE_NONE. Linear; an array in the arena. */
u32 *dv_value_roots(const Func *f, Arena *arena);
static inline bool dv_value_exists(const Func *f, Value v)
{
    return v.id < f->values.len && f->values.data[v.id].kind != VALUE_ABSENT;
}
static inline Type dv_value_type(const Func *f, Value v)
{
    return vec_at(&f->values, v.id).type;
}

/* A constant of these bytes, shared with an equal one already there. */
Constant dv_constant_make(Func *f, const u8 *bytes, u32 len);
/* The first len bytes of a constant that exists; one declared shorter is zero-extended. */
void dv_constant_read(const Func *f, u32 id, u8 *out, u32 len);
/* A new shuffle mask; gives its number in masks. */
u32 dv_mask_make(Func *f, const u8 *bytes);
void dv_srcloc_set(Func *f, Inst i, u32 srcloc);
u32 dv_srcloc(const Func *f, Inst i);                  /* SRCLOC_NONE */
const StackMap *dv_stack_map(const Func *f, Inst i);   /* NULL if none */
const DebugTags *dv_debug_tags(const Func *f, Inst i); /* NULL if none */
void dv_stack_map_set(Func *f, Inst i, const StackMapEntry *entries, u32 count);
void dv_debug_tags_set(Func *f, Inst i, const DebugTag *tags, u32 count);
bool dv_signature_equal(const Signature *a, const Signature *b);
bool dv_extname_equal(const ExtName *a, const ExtName *b);
u64 dv_extname_hash(const ExtName *name);

/* Total units of work done by a pass, deterministic, for tests of complexity. */
typedef struct Work {
    u64 steps;
} Work;

#endif
