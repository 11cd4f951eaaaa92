/* terms.h - CLIF operations as the rule compiler's C sees them: types of operands, and for each operation of ops.def a
 * function that takes an instruction apart.
 *
 * A file that links rules over CLIF says, before it includes this,
 *
 *     #define TERMS_PREFIX(name) pul_##name       the prefix given to islec
 *     #define TERMS_CONTEXT PulContext            the context given to islec
 *     #define TERMS_FUNC(ctx) ((ctx)->func)       the Func that instructions belong to
 *     #define TERMS_DEFINE                        in the one file that is to have the functions
 *
 * and gets PREFIX_match_OP for every operation, and PREFIX_inst_op, as docs/isle.md describes them. Arguments are given
 * as what they stand for, aliases resolved.
 */
#ifndef DV_IR_TERMS_H
#define DV_IR_TERMS_H

#include "codegen/ir/ir.h"

typedef u64 Imm64;
typedef u16 Ieee16;
typedef u32 Ieee32;
typedef u64 Ieee64;
typedef i32 Offset32;
typedef Inst JumpTable; /* of a br_table: the branch itself */
typedef struct ValueList {
    const u32 *ids; /* until the function changes */
    u32 count;
} ValueList;

#define ISLE_KEY_Value(x) ((x).id)
#define ISLE_KEY_Inst(x) ((x).id)
#define ISLE_KEY_Block(x) ((x).id)
#define ISLE_KEY_StackSlot(x) ((x).id)
#define ISLE_KEY_Constant(x) ((x).id)
#define ISLE_KEY_FuncRef(x) ((x).id)
#define ISLE_KEY_GlobalValue(x) ((x).id)
#define ISLE_KEY_SigRef(x) ((x).id)
#define ISLE_KEY_WasmMemory(x) ((x).id)
#define ISLE_KEY_WasmTable(x) ((x).id)
#define ISLE_KEY_WasmGlobal(x) ((x).id)

static inline Value dv_term_value(const Func *f, Inst inst, u32 n)
{
    return dv_value_resolve(f, dv_inst_arg(f, inst, n));
}

static inline ValueList dv_term_values(const Func *f, Inst inst, u32 skip)
{
    return (ValueList){dv_inst_args(f, inst) + skip, dv_inst_const(f, inst)->num_args - skip};
}

static inline BlockCall dv_term_dest(const Func *f, Inst inst, u32 n)
{
    u32 count;
    return dv_inst_dests_const(f, inst, &count)[n];
}

static inline ExceptionTable dv_term_exceptions(const Func *f, Inst inst)
{
    return *dv_inst_exceptions(f, inst);
}

static inline Constant dv_term_entity_or_mask(const Func *f, Inst inst)
{
    return (Constant){dv_inst_const(f, inst)->ent};
}

/* What each letter of formats.def gives: X(type, index of the argument, how to read it) with f, i (Inst), d (InstData)
 * in scope. */
#define TERM_V(X, n) X(Value, n, dv_term_value(f, i, n))
#define TERM_LIST(X, skip) X(ValueList, l, dv_term_values(f, i, skip))
#define TERM_IMM(X, T) X(T, imm, (T)dv_imm64(d))
#define TERM_AUX(X, T) X(T, aux, (T)d->aux)
#define TERM_ENT(X, T) X(T, ent, ((T){d->ent}))
#define TERM_ENT2(X, T) X(T, ent2, ((T){d->imm[0]}))
#define TERM_FLAGS(X) X(MemFlags, flags, d->flags)
#define TERM_OFFSET(X) X(Offset32, offset, (Offset32)d->imm[0])
#define TERM_OFFSET64(X) X(u64, offset, dv_imm64(d))
#define TERM_DEST(X, n) X(BlockCall, dest##n, dv_term_dest(f, i, n))
#define TERM_EXCEPTIONS(X) X(ExceptionTable, exceptions, dv_term_exceptions(f, i))

/* The letters of each format's spelling, in order; the rule compiler's prototypes fail to compile against a list that
 * differs. */
#define TERMS_NULLARY(X)
#define TERMS_UNARY(X) TERM_V(X, 0)
#define TERMS_UNARY_IMM(X) TERM_IMM(X, Imm64)
#define TERMS_UNARY_IEEE16(X) TERM_IMM(X, Ieee16)
#define TERMS_UNARY_IEEE32(X) TERM_IMM(X, Ieee32)
#define TERMS_UNARY_IEEE64(X) TERM_IMM(X, Ieee64)
#define TERMS_UNARY_CONST(X) TERM_ENT(X, Constant)
#define TERMS_UNARY_GLOBAL_VALUE(X) TERM_ENT(X, GlobalValue)
#define TERMS_BINARY(X) TERM_V(X, 0) TERM_V(X, 1)
#define TERMS_BINARY_IMM8(X) TERM_V(X, 0) TERM_AUX(X, u8)
#define TERMS_TERNARY(X) TERM_V(X, 0) TERM_V(X, 1) TERM_V(X, 2)
#define TERMS_TERNARY_IMM8(X) TERM_V(X, 0) TERM_V(X, 1) TERM_AUX(X, u8)
#define TERMS_MULTI_ARY(X) TERM_LIST(X, 0)
#define TERMS_SHUFFLE(X) TERM_V(X, 0) TERM_V(X, 1) TERM_ENT(X, Constant)
#define TERMS_INT_COMPARE(X) TERM_AUX(X, IntCC) TERM_V(X, 0) TERM_V(X, 1)
#define TERMS_FLOAT_COMPARE(X) TERM_AUX(X, FloatCC) TERM_V(X, 0) TERM_V(X, 1)
#define TERMS_JUMP(X) TERM_DEST(X, 0)
#define TERMS_BRIF(X) TERM_V(X, 0) TERM_DEST(X, 0) TERM_DEST(X, 1)
#define TERMS_BRANCH_TABLE(X) TERM_V(X, 0) X(JumpTable, table, i)
#define TERMS_CALL(X) TERM_ENT(X, FuncRef) TERM_LIST(X, 0)
#define TERMS_CALL_INDIRECT(X) TERM_ENT(X, SigRef) TERM_V(X, 0) TERM_LIST(X, 1)
#define TERMS_TRY_CALL(X) TERM_ENT(X, FuncRef) TERM_LIST(X, 0) TERM_EXCEPTIONS(X)
#define TERMS_TRY_CALL_INDIRECT(X) TERM_V(X, 0) TERM_LIST(X, 1) TERM_EXCEPTIONS(X)
#define TERMS_FUNC_ADDR(X) TERM_ENT(X, FuncRef)
#define TERMS_ATOMIC_RMW(X) TERM_FLAGS(X) TERM_AUX(X, RmwOp) TERM_V(X, 0) TERM_V(X, 1)
#define TERMS_ATOMIC_CAS(X) TERM_FLAGS(X) TERM_V(X, 0) TERM_V(X, 1) TERM_V(X, 2)
#define TERMS_LOAD(X) TERM_FLAGS(X) TERM_V(X, 0) TERM_OFFSET(X)
#define TERMS_LOAD_NO_OFFSET(X) TERM_FLAGS(X) TERM_V(X, 0)
#define TERMS_STORE(X) TERM_FLAGS(X) TERM_V(X, 0) TERM_V(X, 1) TERM_OFFSET(X)
#define TERMS_STORE_NO_OFFSET(X) TERM_FLAGS(X) TERM_V(X, 0) TERM_V(X, 1)
#define TERMS_STACK_ADDR(X) TERM_ENT(X, StackSlot) TERM_OFFSET(X)
#define TERMS_DYNAMIC_STACK_ADDR(X) TERM_ENT(X, DynSlot)
#define TERMS_TRAP(X) TERM_AUX(X, TrapCode)
#define TERMS_COND_TRAP(X) TERM_V(X, 0) TERM_AUX(X, TrapCode)
#define TERMS_INT_ADD_TRAP(X) TERM_V(X, 0) TERM_V(X, 1) TERM_AUX(X, TrapCode)
#define TERMS_EXCEPTION_HANDLER_ADDRESS(X) TERM_ENT(X, Block) X(u32, imm, d->imm[0])
#define TERMS_HEAP_LOAD(X) TERM_ENT(X, WasmMemory) TERM_V(X, 0) TERM_OFFSET64(X)
#define TERMS_HEAP_STORE(X) TERM_ENT(X, WasmMemory) TERM_V(X, 0) TERM_V(X, 1) TERM_OFFSET64(X)
#define TERMS_HEAP_LANE(X) TERMS_HEAP_STORE(X) TERM_AUX(X, u8)
#define TERMS_HEAP_ATOMIC_RMW(X) \
    TERM_ENT(X, WasmMemory) TERM_AUX(X, RmwOp) TERM_V(X, 0) TERM_V(X, 1) TERM_OFFSET64(X)
#define TERMS_HEAP_ATOMIC_CAS(X) \
    TERM_ENT(X, WasmMemory) TERM_V(X, 0) TERM_V(X, 1) TERM_V(X, 2) TERM_OFFSET64(X)
#define TERMS_HEAP_NOTIFY(X) TERMS_HEAP_STORE(X)
#define TERMS_MEMORY(X) TERM_ENT(X, WasmMemory)
#define TERMS_MEMORY_UNARY(X) TERM_ENT(X, WasmMemory) TERM_V(X, 0)
#define TERMS_MEMORY_FILL(X) TERM_ENT(X, WasmMemory) TERM_V(X, 0) TERM_V(X, 1) TERM_V(X, 2)
#define TERMS_MEMORY_COPY(X) \
    TERM_ENT(X, WasmMemory) TERM_ENT2(X, WasmMemory) TERM_V(X, 0) TERM_V(X, 1) TERM_V(X, 2)
#define TERMS_MEMORY_INIT(X) \
    TERM_ENT(X, WasmMemory) TERM_ENT2(X, WasmData) TERM_V(X, 0) TERM_V(X, 1) TERM_V(X, 2)
#define TERMS_DATA(X) TERM_ENT(X, WasmData)
#define TERMS_GLOBAL_GET(X) TERM_ENT(X, WasmGlobal)
#define TERMS_GLOBAL_SET(X) TERM_ENT(X, WasmGlobal) TERM_V(X, 0)
#define TERMS_TABLE(X) TERM_ENT(X, WasmTable)
#define TERMS_TABLE_UNARY(X) TERM_ENT(X, WasmTable) TERM_V(X, 0)
#define TERMS_TABLE_BINARY(X) TERM_ENT(X, WasmTable) TERM_V(X, 0) TERM_V(X, 1)
#define TERMS_TABLE_FILL(X) TERM_ENT(X, WasmTable) TERM_V(X, 0) TERM_V(X, 1) TERM_V(X, 2)
#define TERMS_TABLE_COPY(X) \
    TERM_ENT(X, WasmTable) TERM_ENT2(X, WasmTable) TERM_V(X, 0) TERM_V(X, 1) TERM_V(X, 2)
#define TERMS_TABLE_INIT(X) \
    TERM_ENT(X, WasmTable) TERM_ENT2(X, WasmElem) TERM_V(X, 0) TERM_V(X, 1) TERM_V(X, 2)
#define TERMS_ELEM(X) TERM_ENT(X, WasmElem)
#define TERMS_REF_FUNC(X) TERM_ENT(X, WasmFunc)
#define TERMS_CALL_IMPORT(X) TERM_ENT(X, WasmFunc) TERM_LIST(X, 0)
#define TERMS_CALL_TABLE(X) \
    TERM_ENT(X, WasmTable) TERM_ENT2(X, WasmType) TERM_V(X, 0) TERM_LIST(X, 1)
#define TERMS_CALL_REF(X) TERM_ENT(X, WasmType) TERM_V(X, 0) TERM_LIST(X, 1)
#define TERMS_TRY_CALL_IMPORT(X) TERMS_CALL_IMPORT(X) TERM_EXCEPTIONS(X)
#define TERMS_TRY_CALL_TABLE(X) TERMS_CALL_TABLE(X) TERM_EXCEPTIONS(X)
#define TERMS_TRY_CALL_REF(X) TERMS_CALL_REF(X) TERM_EXCEPTIONS(X)
#define TERMS_FUEL(X) TERM_OFFSET64(X)
#define TERMS_THROW(X) TERM_ENT(X, WasmTag) TERM_LIST(X, 0)

/* The controlling type is an argument of the term unless the operation has none. */
#define TERM_TYPE(X) X(Type, type, d->type)
#define TERM_TYPE_None(X)
#define TERM_TYPE_iB(X) TERM_TYPE(X)
#define TERM_TYPE_iN(X) TERM_TYPE(X)
#define TERM_TYPE_iSwap(X) TERM_TYPE(X)
#define TERM_TYPE_iExt8(X) TERM_TYPE(X)
#define TERM_TYPE_iWide(X) TERM_TYPE(X)
#define TERM_TYPE_iExt32(X) TERM_TYPE(X)
#define TERM_TYPE_addr(X) TERM_TYPE(X)
#define TERM_TYPE_Int(X) TERM_TYPE(X)
#define TERM_TYPE_IntV(X) TERM_TYPE(X)
#define TERM_TYPE_fB(X) TERM_TYPE(X)
#define TERM_TYPE_F16(X) TERM_TYPE(X)
#define TERM_TYPE_F32(X) TERM_TYPE(X)
#define TERM_TYPE_F64(X) TERM_TYPE(X)
#define TERM_TYPE_F128(X) TERM_TYPE(X)
#define TERM_TYPE_Float(X) TERM_TYPE(X)
#define TERM_TYPE_Any(X) TERM_TYPE(X)
#define TERM_TYPE_Vec(X) TERM_TYPE(X)
#define TERM_TYPE_FixedVec(X) TERM_TYPE(X)
#define TERM_TYPE_DynVec(X) TERM_TYPE(X)
#define TERM_TYPE_Q15(X) TERM_TYPE(X)
#define TERM_TYPE_Narrow(X) TERM_TYPE(X)
#define TERM_TYPE_Widen(X) TERM_TYPE(X)
#define TERM_TYPE_I32X4(X) TERM_TYPE(X)
#define TERM_TYPE_V128(X) TERM_TYPE(X)
#define TERM_TYPE_V128Zero(X) TERM_TYPE(X)

#define TERM_PARAM(T, name, get) , T *out_##name
#define TERM_GET(T, name, get) *out_##name = get;

#endif

#ifdef TERMS_PREFIX
#define TERM_PROTOTYPE(name, format, set) \
    void TERMS_PREFIX(match_##name)(TERMS_CONTEXT * ctx, \
                                    Inst i TERM_TYPE_##set(TERM_PARAM) TERMS_##format(TERM_PARAM))
u32 TERMS_PREFIX(inst_op)(TERMS_CONTEXT *ctx, Inst a0);
#define OP(name, format, set, ...) TERM_PROTOTYPE(name, format, set);
#include "codegen/ir/ops.def"
#undef OP
#ifdef TERMS_DEFINE
u32 TERMS_PREFIX(inst_op)(TERMS_CONTEXT *ctx, Inst a0)
{
    return dv_inst_const(TERMS_FUNC(ctx), a0)->op;
}
#define OP(name, format, set, ...) \
    TERM_PROTOTYPE(name, format, set) \
    { \
        const Func *f = TERMS_FUNC(ctx); \
        const InstData *d = dv_inst_const(f, i); \
        ASSERT(d->op == OP_##name); \
        (void)d; \
        TERM_TYPE_##set(TERM_GET) TERMS_##format(TERM_GET) \
    }
#include "codegen/ir/ops.def"
#undef OP
#endif
#endif
