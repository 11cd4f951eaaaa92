/* help.c - the extern terms of rules/: registers of values, instructions, constants, addresses, and what is seen in operands:
 * loads that the instruction at hand does itself, constants of divisors, conditions behind extensions, sums of several
 * parts, a place in memory that is only changed. */
#include <x64_lowering.h> /* made of rules/ */

#include "base/bytes.h"
#include "base/divide.h"

#define TERMS_DEFINE
#include "codegen/ir/terms.h"

DV_NORETURN void x64_no_match(X64Context *ctx, const char *term)
{
    (void)ctx;
    dv_panic(__FILE__, __LINE__, term);
}

/* ---- types ------------------------------------------------------------------------------------------- */

static bool is_int_up_to(Type type, u32 bits)
{
    return type_is_int(type) && type_is_scalar(type) && type_bits(type) <= bits;
}

bool x64_int_32(X64Context *ctx, Type type, Type *out)
{
    (void)ctx;
    *out = type;
    return is_int_up_to(type, 32);
}

bool x64_int_64(X64Context *ctx, Type type, Type *out)
{
    (void)ctx;
    *out = type;
    return is_int_up_to(type, 64);
}

bool x64_float_32_64(X64Context *ctx, Type type, Type *out)
{
    (void)ctx;
    *out = type;
    return type == TYPE_F32 || type == TYPE_F64;
}

Type x64_value_type_of(X64Context *ctx, Value value)
{
    return dv_value_type(ctx->func, value);
}

/* ---- registers ----------------------------------------------------------------------------------------- */

/* A value whose bits are those of the register, or fewer. */
static VReg use(X64Context *ctx, Value value, u32 bits)
{
    ASSERT(is_int_up_to(dv_value_type(ctx->func, value), bits));
    (void)bits;
    return dv_lower_use(ctx->lower, value).regs[0];
}

R8 x64_r8(X64Context *ctx, Value value)
{
    return use(ctx, value, 8);
}

R16 x64_r16(X64Context *ctx, Value value)
{
    return use(ctx, value, 16);
}

R32 x64_r32(X64Context *ctx, Value value)
{
    return use(ctx, value, 32);
}

R64 x64_r64(X64Context *ctx, Value value)
{
    return use(ctx, value, 64);
}

static X64Field reg_field(VReg reg)
{
    return (X64Field){reg.id};
}

static X64Field use_or_load(X64Context *ctx, Value value, u32 bits);
static Address const_address(X64Context *ctx, u32 bytes, u64 lo, u64 hi);

RM8 x64_rm8(X64Context *ctx, Value value)
{
    return use_or_load(ctx, value, 8);
}

RM16 x64_rm16(X64Context *ctx, Value value)
{
    return use_or_load(ctx, value, 16);
}

RM32 x64_rm32(X64Context *ctx, Value value)
{
    return use_or_load(ctx, value, 32);
}

RM64 x64_rm64(X64Context *ctx, Value value)
{
    return use_or_load(ctx, value, 64);
}

RM8 x64_reg_rm8(X64Context *ctx, R8 reg)
{
    (void)ctx;
    return reg_field(reg);
}

RM32 x64_reg_rm32(X64Context *ctx, R32 reg)
{
    (void)ctx;
    return reg_field(reg);
}

RM64 x64_reg_rm64(X64Context *ctx, R64 reg)
{
    (void)ctx;
    return reg_field(reg);
}

/* Of a float of that size. */
#define FLOAT(name, Reg, width) \
    Reg name(X64Context *ctx, Value value) \
    { \
        ASSERT(type_bits(dv_value_type(ctx->func, value)) == (width)); \
        return dv_lower_use(ctx->lower, value).regs[0]; \
    }
FLOAT(x64_f16, F16, 16)
FLOAT(x64_f32, F32, 32)
FLOAT(x64_f64, F64, 64)
FLOAT(x64_v128, V128, 128)
#undef FLOAT

V128 x64_any_xmm(X64Context *ctx, Value value)
{
    return dv_lower_use(ctx->lower, value).regs[0];
}

XM32 x64_xm32(X64Context *ctx, Value value)
{
    return use_or_load(ctx, value, 32);
}

XM64 x64_xm64(X64Context *ctx, Value value)
{
    return use_or_load(ctx, value, 64);
}

#define FIELD(name, Either, Reg) \
    Either name(X64Context *ctx, Reg reg) \
    { \
        (void)ctx; \
        return reg_field(reg); \
    }
FIELD(x64_reg_xm32, XM32, F32)
FIELD(x64_reg_xm64, XM64, F64)
FIELD(x64_reg_xma128, XMA128, V128)
FIELD(x64_f16_xma128, XMA128, F16)
FIELD(x64_f32_xma128, XMA128, F32)
FIELD(x64_f64_xma128, XMA128, F64)
#undef FIELD

/* The same register under another type. */
#define VIEW(name, To, From) \
    To name(X64Context *ctx, From reg) \
    { \
        (void)ctx; \
        return reg; \
    }
VIEW(x64_f16_v128, V128, F16)
VIEW(x64_f32_v128, V128, F32)
VIEW(x64_f64_v128, V128, F64)
VIEW(x64_v128_f16, F16, V128)
VIEW(x64_v128_f32, F32, V128)
VIEW(x64_v128_f64, F64, V128)
#undef VIEW

R32 x64_low(X64Context *ctx, Value value)
{
    return dv_lower_use(ctx->lower, value).regs[0];
}

R8 x64_low8(X64Context *ctx, Value value)
{
    return x64_low(ctx, value);
}

R16 x64_low_word(X64Context *ctx, Value value)
{
    return x64_low(ctx, value);
}

R64 x64_lo(X64Context *ctx, Value value)
{
    return x64_low(ctx, value);
}

R64 x64_hi(X64Context *ctx, Value value)
{
    return dv_lower_use(ctx->lower, value).regs[1];
}

/* The same register under another type. */
R32 x64_low_half(X64Context *ctx, R64 reg)
{
    (void)ctx;
    return reg;
}

R8 x64_low_byte(X64Context *ctx, R32 reg)
{
    return x64_low_half(ctx, reg);
}

R64 x64_known_zext(X64Context *ctx, R32 reg)
{
    return x64_low_half(ctx, reg);
}

R64 x64_first(X64Context *ctx, Regs2 pair)
{
    (void)ctx;
    return pair.lo;
}

R64 x64_second(X64Context *ctx, Regs2 pair)
{
    (void)ctx;
    return pair.hi;
}

Flags x64_flags_of(X64Context *ctx, R64 reg)
{
    (void)ctx;
    (void)reg;
    return 0;
}

/* ---- results -------------------------------------------------------------------------------------------- */

#define OUT(name, From) \
    InstOutput name(X64Context *ctx, From reg) \
    { \
        (void)ctx; \
        return (InstOutput){{value_reg(reg)}, 1}; \
    }
OUT(x64_out8, R8)
OUT(x64_out16, R16)
OUT(x64_out32, R32)
OUT(x64_out64, R64)
OUT(x64_out_f16, F16)
OUT(x64_out_f32, F32)
OUT(x64_out_f64, F64)
OUT(x64_out_v128, V128)
#undef OUT

InstOutput x64_out_pair(X64Context *ctx, R64 lo, R64 hi)
{
    (void)ctx;
    return (InstOutput){{{{lo, hi}}}, 1};
}

InstOutput x64_out_two(X64Context *ctx, R64 a, R64 b)
{
    (void)ctx;
    return (InstOutput){{value_reg(a), value_reg(b)}, 2};
}

InstOutput x64_out_none(X64Context *ctx, Done done)
{
    (void)ctx;
    (void)done;
    return (InstOutput){.count = 0};
}

Done x64_nothing(X64Context *ctx)
{
    (void)ctx;
    return 0;
}

/* ---- instructions ------------------------------------------------------------------------------------------ */

static Regs2 inst(X64Context *ctx, u32 op, const u64 *fields)
{
    VReg defs[2] = {VREG_NONE, VREG_NONE};
    bool reads_flags = dv_x64_flags[dv_x64_insts[op].flags].read != 0;
    dv_x64_emit_inst(ctx, (X64Op)op, reads_flags ? fields + 1 : fields, defs);
    return (Regs2){defs[0], defs[1]};
}

#define INSTS(Result, value) \
    Result x64_inst_##Result(X64Context *ctx, u32 op, const u64 *fields, u32 count) \
    { \
        (void)count; \
        Regs2 regs = inst(ctx, op, fields); \
        (void)regs; \
        return value; \
    }
INSTS(R8, regs.lo)
INSTS(R16, regs.lo)
INSTS(R32, regs.lo)
INSTS(R64, regs.lo)
INSTS(F16, regs.lo)
INSTS(F32, regs.lo)
INSTS(F64, regs.lo)
INSTS(V128, regs.lo)
INSTS(Regs2, regs)
INSTS(Flags, 0)
INSTS(Done, 0)
#undef INSTS

/* The divisor is not 0. */
Regs2 x64_divide_by_call(X64Context *ctx, u32 libcall, Value x, Value y)
{
    ValueRegs a = dv_lower_use(ctx->lower, x), b = dv_lower_use(ctx->lower, y);
    const VReg words[] = {a.regs[0], a.regs[1], b.regs[0], b.regs[1]};
    Regs2 result = {{0}, {0}};
    dv_x64_call_library(ctx, libcall, words, ARRAY_LEN(words), &result);
    return result;
}

static VReg call_float(X64Context *ctx, u32 libcall, const VReg *args, u32 count)
{
    Regs2 result = {VREG_NONE, VREG_NONE};
    dv_x64_call_library(ctx, libcall, args, count, &result);
    return result.lo;
}

V128 x64_float_call1(X64Context *ctx, u32 libcall, V128 x)
{
    return call_float(ctx, libcall, &x, 1);
}

V128 x64_float_call2(X64Context *ctx, u32 libcall, V128 x, V128 y)
{
    return call_float(ctx, libcall, (const VReg[]){x, y}, 2);
}

V128 x64_float_call3(X64Context *ctx, u32 libcall, V128 x, V128 y, V128 z)
{
    return call_float(ctx, libcall, (const VReg[]){x, y, z}, 3);
}

V128 x64_float_of_int(X64Context *ctx, u32 libcall, Value x)
{
    ValueRegs regs = dv_lower_use(ctx->lower, x);
    return call_float(ctx, libcall, regs.regs, value_regs_count(regs));
}

Regs2 x64_int_of_float(X64Context *ctx, u32 libcall, V128 x)
{
    Regs2 result = {{0}, {0}};
    dv_x64_call_library(ctx, libcall, &x, 1, &result);
    return result;
}

R32 x64_compare_call(X64Context *ctx, u32 libcall, V128 x, V128 y)
{
    Regs2 result = {{0}, {0}};
    dv_x64_call_library(ctx, libcall, (const VReg[]){x, y}, 2, &result);
    return result.lo;
}

/* The function whose result compares with 0 as the condition says; not one and ueq. */
static const struct {
    u8 libcall, cond;
} f128_conds[FLOATCC_COUNT] = {
    [FLOATCC_ord] = {RT_LIBCALL_f128_unordered, X64_CC_E},
    [FLOATCC_uno] = {RT_LIBCALL_f128_unordered, X64_CC_NE},
    [FLOATCC_eq] = {RT_LIBCALL_f128_equal, X64_CC_E},
    [FLOATCC_ne] = {RT_LIBCALL_f128_equal, X64_CC_NE},
    [FLOATCC_lt] = {RT_LIBCALL_f128_less, X64_CC_L},
    [FLOATCC_le] = {RT_LIBCALL_f128_less_equal, X64_CC_LE},
    [FLOATCC_gt] = {RT_LIBCALL_f128_greater, X64_CC_G},
    [FLOATCC_ge] = {RT_LIBCALL_f128_greater_equal, X64_CC_GE},
    [FLOATCC_ult] = {RT_LIBCALL_f128_greater_equal, X64_CC_L},
    [FLOATCC_ule] = {RT_LIBCALL_f128_greater, X64_CC_LE},
    [FLOATCC_ugt] = {RT_LIBCALL_f128_less_equal, X64_CC_G},
    [FLOATCC_uge] = {RT_LIBCALL_f128_less, X64_CC_GE},
};

u32 x64_f128_libcall(X64Context *ctx, FloatCC cc)
{
    (void)ctx;
    return f128_conds[cc].libcall;
}

Cond x64_f128_cond(X64Context *ctx, FloatCC cc)
{
    (void)ctx;
    return (Cond)f128_conds[cc].cond;
}

/* ---- constants ------------------------------------------------------------------------------------------------ */

bool x64_def_inst(X64Context *ctx, Value value, Inst *out)
{
    *out = dv_lower_def(ctx->lower, value);
    return out->id != ENTITY_NONE;
}

static i64 sign_extend(u64 x, u32 bits)
{
    u64 sign = (u64)1 << (bits - 1);
    u64 low = bits == 64 ? x : x & ((sign << 1) - 1);
    return (i64)((low ^ sign) - sign);
}

static u64 zero_extend(u64 x, u32 bits)
{
    return bits == 64 ? x : x & (((u64)1 << bits) - 1);
}

/* A constant, or one that is extended: sign-extended from its type. */
static bool const_i64(X64Context *ctx, Value value, i64 *out)
{
    Inst def = dv_lower_def(ctx->lower, value), at = def;
    u32 op = def.id == ENTITY_NONE ? OP_COUNT : dv_inst_const(ctx->func, def)->op;
    if (op == OP_uextend || op == OP_sextend) {
        at = dv_lower_def(ctx->lower, dv_term_value(ctx->func, def, 0));
    }
    if (at.id == ENTITY_NONE || dv_inst_const(ctx->func, at)->op != OP_iconst ||
        !is_int_up_to(dv_value_type(ctx->func, value), 64)) {
        return false;
    }
    const InstData *d = dv_inst_const(ctx->func, at);
    u32 bits = type_lane_bits(d->type);
    *out = op == OP_uextend ? (i64)zero_extend(dv_imm64(d), bits) : sign_extend(dv_imm64(d), bits);
    return true;
}

bool x64_const_i32(X64Context *ctx, Value value, i32 *out)
{
    i64 i;
    bool ok = const_i64(ctx, value, &i) && i >= INT32_MIN && i <= INT32_MAX;
    *out = ok ? (i32)i : 0;
    return ok;
}

bool x64_const_u8(X64Context *ctx, Value value, u8 *out)
{
    i64 i = 0;
    bool ok = const_i64(ctx, value, &i) && i >= 0 && i <= UINT8_MAX;
    *out = ok ? (u8)i : 0;
    return ok;
}

bool x64_const_u64(X64Context *ctx, Value value, u64 *out)
{
    i64 i = 0;
    bool ok = const_i64(ctx, value, &i);
    *out = (u64)i;
    return ok;
}

u64 x64_imm_u64(X64Context *ctx, Type type, Imm64 imm)
{
    (void)ctx;
    return zero_extend(imm, type_lane_bits(type));
}

i16 x64_low16(X64Context *ctx, i32 i)
{
    (void)ctx;
    return (i16)i;
}

u8 x64_low_u8(X64Context *ctx, i32 i)
{
    (void)ctx;
    return (u8)i;
}

R64 x64_imm_reg(X64Context *ctx, u64 imm)
{
    bool is_short = imm <= UINT32_MAX;
    bool is_signed = (i64)imm >= INT32_MIN && (i64)imm < 0;
    u32 op = is_short ? X64_mov32_i : is_signed ? X64_mov64_i : X64_movabs;
    return inst(ctx, op, &imm).lo;
}

#define BITS(name, From) \
    u64 name(X64Context *ctx, From bits) \
    { \
        (void)ctx; \
        return bits; \
    }
BITS(x64_ieee16_bits, Ieee16)
BITS(x64_ieee32_bits, Ieee32)
BITS(x64_ieee64_bits, Ieee64)
#undef BITS

u64 x64_constant_half(X64Context *ctx, Constant constant, u32 which)
{
    u8 bytes[16];
    dv_constant_read(ctx->func, constant.id, bytes, sizeof bytes);
    return load_le64(bytes + 8 * which);
}

static VReg float_const(X64Context *ctx, u64 bytes, u64 lo, u64 hi)
{
    VReg reg = dv_vcode_vreg(ctx->lower->vcode, X64_XMM);
    RaOperand def = ra_def(reg);
    const u64 numbers[] = {bytes, lo, hi};
    VInstDraft draft = {X64_FLOAT_CONST, RA_INST_REMAT, 0, &def, 1, numbers, ARRAY_LEN(numbers)};
    dv_vcode_emit(ctx->lower->vcode, &draft);
    return reg;
}

F32 x64_f32_bits(X64Context *ctx, u64 bits)
{
    return float_const(ctx, 4, bits, 0);
}

F64 x64_f64_bits(X64Context *ctx, u64 bits)
{
    return float_const(ctx, 8, bits, 0);
}

V128 x64_v128_bits(X64Context *ctx, u64 lo, u64 hi)
{
    return float_const(ctx, 16, lo, hi);
}

static Address mask_address(X64Context *ctx, Type type, bool inverse)
{
    u32 bits = type_bits(type);
    u64 flip = inverse ? UINT64_MAX : 0, top = (u64)1 << ((bits - 1) % 64);
    return const_address(ctx, 16, (bits == 128 ? 0 : top) ^ flip, (bits == 128 ? top : 0) ^ flip);
}

XMA128 x64_sign_bit(X64Context *ctx, Type type)
{
    return mask_address(ctx, type, false);
}

XMA128 x64_other_bits(X64Context *ctx, Type type)
{
    return mask_address(ctx, type, true);
}

Cond x64_cond_of(X64Context *ctx, IntCC cc)
{
    static const u8 conds[INTCC_COUNT] = {
        [INTCC_eq] = X64_CC_E,   [INTCC_ne] = X64_CC_NE,  [INTCC_slt] = X64_CC_L,
        [INTCC_sge] = X64_CC_GE, [INTCC_sgt] = X64_CC_G,  [INTCC_sle] = X64_CC_LE,
        [INTCC_ult] = X64_CC_B,  [INTCC_uge] = X64_CC_AE, [INTCC_ugt] = X64_CC_A,
        [INTCC_ule] = X64_CC_BE};
    (void)ctx;
    return (Cond)conds[cc];
}

/* Of numbers none of which is negative: as unsigned ones. */
Cond x64_unsigned_cond(X64Context *ctx, IntCC cc)
{
    static const u8 plain[INTCC_COUNT] = {
        [INTCC_eq] = INTCC_eq,   [INTCC_ne] = INTCC_ne,   [INTCC_slt] = INTCC_ult,
        [INTCC_sge] = INTCC_uge, [INTCC_sgt] = INTCC_ugt, [INTCC_sle] = INTCC_ule,
        [INTCC_ult] = INTCC_ult, [INTCC_uge] = INTCC_uge, [INTCC_ugt] = INTCC_ugt,
        [INTCC_ule] = INTCC_ule};
    return x64_cond_of(ctx, (IntCC)plain[cc]);
}

/* What holds after comparing: with operands in order, or swapped. */
typedef struct FloatCond {
    u8 cond;
    bool is_swapped;
} FloatCond;

static const FloatCond float_conds[FLOATCC_COUNT] = {
    [FLOATCC_ord] = {X64_CC_NP, false}, [FLOATCC_uno] = {X64_CC_P, false},
    [FLOATCC_one] = {X64_CC_NE, false}, [FLOATCC_ueq] = {X64_CC_E, false},
    [FLOATCC_gt] = {X64_CC_A, false},   [FLOATCC_ge] = {X64_CC_AE, false},
    [FLOATCC_lt] = {X64_CC_A, true},    [FLOATCC_le] = {X64_CC_AE, true},
    [FLOATCC_ult] = {X64_CC_B, false},  [FLOATCC_ule] = {X64_CC_BE, false},
    [FLOATCC_ugt] = {X64_CC_B, true},   [FLOATCC_uge] = {X64_CC_BE, true},
};

bool x64_is_swapped(X64Context *ctx, FloatCC cc)
{
    (void)ctx;
    return float_conds[cc].is_swapped;
}

Cond x64_float_cond(X64Context *ctx, FloatCC cc)
{
    (void)ctx;
    ASSERT(cc != FLOATCC_eq && cc != FLOATCC_ne);
    return (Cond)float_conds[cc].cond;
}

bool x64_below_64(X64Context *ctx, u64 n, u8 *out)
{
    (void)ctx;
    *out = (u8)(n & 63);
    return *out != 0 && (n & 64) == 0;
}

bool x64_from_64(X64Context *ctx, u64 n, u8 *out)
{
    (void)ctx;
    *out = (u8)(n & 63);
    return (n & 64) != 0;
}

bool x64_power_of_2(X64Context *ctx, u64 n, u8 *out)
{
    (void)ctx;
    bool ok = n != 0 && (n & (n - 1)) == 0;
    *out = ok ? (u8)dv_ctz64(n) : 0;
    return ok;
}

/* ---- division by constants ----------------------------------------------------------------------------------- */

bool x64_unsigned_constant(X64Context *ctx, Value value, u64 *out)
{
    i64 i = 0;
    bool ok = const_i64(ctx, value, &i) && i != 0;
    *out = ok ? zero_extend((u64)i, type_bits(dv_value_type(ctx->func, value))) : 0;
    return ok;
}

bool x64_signed_constant(X64Context *ctx, Value value, i64 *out)
{
    *out = 0;
    return const_i64(ctx, value, out) && *out != 0;
}

bool x64_small(X64Context *ctx, u64 n, i32 *out)
{
    (void)ctx;
    *out = n <= INT32_MAX ? (i32)n : 0;
    return n <= INT32_MAX;
}

static bool is_power_of_2(u64 n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static u64 size_of(i64 d)
{
    return d < 0 ? 0 - (u64)d : (u64)d;
}

bool x64_is_negative(X64Context *ctx, i64 d)
{
    (void)ctx;
    return d < 0;
}

bool x64_signed_power(X64Context *ctx, i64 d, bool *negative, u8 *n)
{
    *negative = d < 0;
    return x64_power_of_2(ctx, size_of(d), n);
}

bool x64_magic_u32(X64Context *ctx, u64 d, u64 *m, u8 *shift)
{
    (void)ctx;
    if (is_power_of_2(d)) {
        return false;
    }
    DivMagic magic = dv_divide_unsigned(d, 32);
    *m = magic.multiplier;
    *shift = (u8)(32 + magic.after);
    return !magic.is_long && magic.before == 0;
}

/* 2^64 / d, rounded up: above that by less than d, so by less than 2^32 / 2^64 for each n of a quotient. */
u64 x64_reciprocal(X64Context *ctx, u64 d)
{
    (void)ctx;
    return UINT64_MAX / d + 1;
}

bool x64_magic_u64(X64Context *ctx, u64 d, u8 *before, u64 *m, u8 *after)
{
    (void)ctx;
    if (is_power_of_2(d)) {
        return false;
    }
    DivMagic magic = dv_divide_unsigned(d, 64);
    *before = magic.before;
    *m = magic.multiplier;
    *after = magic.after;
    return !magic.is_long;
}

u64 x64_long_multiplier(X64Context *ctx, u64 d)
{
    (void)ctx;
    return dv_divide_unsigned(d, 64).multiplier;
}

u8 x64_long_shift(X64Context *ctx, u64 d)
{
    (void)ctx;
    return (u8)(dv_divide_unsigned(d, 64).after - 1);
}

u64 x64_multiplier_s32(X64Context *ctx, i64 d)
{
    (void)ctx;
    return dv_divide_signed(size_of(d), 32).multiplier;
}

u8 x64_shift_s32(X64Context *ctx, i64 d)
{
    (void)ctx;
    return (u8)(32 + dv_divide_signed(size_of(d), 32).after);
}

bool x64_magic_s64(X64Context *ctx, i64 d, u64 *m, u8 *shift)
{
    (void)ctx;
    if (is_power_of_2(size_of(d))) {
        return false;
    }
    DivMagic magic = dv_divide_signed(size_of(d), 64);
    *m = magic.multiplier;
    *shift = magic.after;
    return !magic.is_long;
}

u64 x64_long_multiplier_s64(X64Context *ctx, i64 d)
{
    (void)ctx;
    return dv_divide_signed(size_of(d), 64).multiplier;
}

u8 x64_long_shift_s64(X64Context *ctx, i64 d)
{
    (void)ctx;
    return dv_divide_signed(size_of(d), 64).after;
}

/* ---- conditions and features --------------------------------------------------------------------------------- */

Test x64_on(X64Context *ctx, Flags flags, Cond cond)
{
    (void)ctx;
    (void)flags;
    return (Test){(u8)cond};
}

Flags x64_test_flags(X64Context *ctx, Test test)
{
    (void)ctx;
    (void)test;
    return 0;
}

Cond x64_test_cond(X64Context *ctx, Test test)
{
    (void)ctx;
    return (Cond)test.cond;
}

/* What a condition says of a value: seen through extensions and comparisons with 0, which only turn it around. */
bool x64_truth_value(X64Context *ctx, Value value, bool *negated, Value *out)
{
    enum { STEPS_MAX = 8 };
    *negated = false;
    *out = value;
    for (u32 i = 0; i < STEPS_MAX; i++) {
        Inst def = dv_lower_def(ctx->lower, *out);
        const InstData *d = def.id == ENTITY_NONE ? NULL : dv_inst_const(ctx->func, def);
        i64 zero = 1;
        bool is_eq = d != NULL && d->op == OP_icmp && d->aux == INTCC_eq;
        bool is_ne = d != NULL && d->op == OP_icmp && d->aux == INTCC_ne;
        bool is_extended = d != NULL && (d->op == OP_uextend || d->op == OP_sextend);
        bool is_zero_test = (is_eq || is_ne) &&
                            const_i64(ctx, dv_term_value(ctx->func, def, 1), &zero) && zero == 0;
        if (!is_extended && !is_zero_test) {
            break;
        }
        *negated = *negated != (is_zero_test && is_eq);
        *out = dv_term_value(ctx->func, def, 0);
    }
    return true;
}

Test x64_opposite(X64Context *ctx, Test test)
{
    (void)ctx;
    return (Test){(u8)x64_cond_invert((X64Cond)test.cond)};
}

#define FLAGGED(width) \
    InstOutput x64_flagged##width(X64Context *ctx, R##width result, Cond cond) \
    { \
        VReg flag = inst(ctx, X64_setcc, (const u64[]){0, cond}).lo; \
        return (InstOutput){{value_reg(result), value_reg(flag)}, 2}; \
    }
FLAGGED(8)
FLAGGED(16)
FLAGGED(32)
FLAGGED(64)
#undef FLAGGED

bool x64_has_feature(X64Context *ctx, Feature feature)
{
    return x64_has(ctx, feature);
}

/* ---- addresses ------------------------------------------------------------------------------------------------- */

static Address new_address(X64Context *ctx, X64Address address)
{
    u32 index = ctx->addresses.len;
    vec_push(ctx->arena, &ctx->addresses, address);
    return (Address){X64_FIELD_ADDRESS | index};
}

/* base + (index << scale) + disp */
typedef struct Sum {
    Value base, index;
    bool has_index;
    bool takes_single; /* takes apart only what nothing else wants */
    u32 scale;
    i64 disp;
} Sum;

/* x << 1, 2 or 3 as an index. */
static bool take_shift(X64Context *ctx, Value value, Sum *sum)
{
    enum { SCALE_MAX = 3 };
    Inst def = dv_lower_def(ctx->lower, value);
    i64 amount;
    bool ok = def.id != ENTITY_NONE && dv_inst_const(ctx->func, def)->op == OP_ishl &&
              !(sum->takes_single && dv_lower_has_many_users(ctx->lower, value)) &&
              const_i64(ctx, dv_term_value(ctx->func, def, 1), &amount) && amount >= 1 &&
              amount <= SCALE_MAX;
    if (ok) {
        sum->index = dv_term_value(ctx->func, def, 0);
        sum->has_index = true;
        sum->scale = (u32)amount;
    }
    return ok;
}

/* Adds two values to the sum, as far as there is room. */
static bool take_terms(X64Context *ctx, const Value args[2], Sum *sum)
{
    for (u32 i = 0; i < 2; i++) {
        i64 constant;
        if (const_i64(ctx, args[i], &constant) && constant >= INT32_MIN && constant <= INT32_MAX) {
            i64 disp = sum->disp + constant;
            sum->base = args[1 - i];
            sum->disp = disp;
            return disp >= INT32_MIN && disp <= INT32_MAX;
        }
    }
    if (sum->has_index) {
        return false;
    }
    for (u32 i = 0; i < 2; i++) {
        if (take_shift(ctx, args[i], sum)) {
            sum->base = args[1 - i];
            return true;
        }
    }
    sum->base = args[0];
    sum->index = args[1];
    sum->has_index = true;
    return true;
}

/* Takes apart the addition that the base is; false: it stays. */
static bool take_addition(X64Context *ctx, Sum *sum)
{
    Inst def = dv_lower_def(ctx->lower, sum->base);
    if (def.id == ENTITY_NONE || dv_inst_const(ctx->func, def)->op != OP_iadd ||
        (sum->takes_single && dv_lower_has_many_users(ctx->lower, sum->base))) {
        return false;
    }
    const Value args[2] = {dv_term_value(ctx->func, def, 0), dv_term_value(ctx->func, def, 1)};
    return take_terms(ctx, args, sum);
}

static void take_additions(X64Context *ctx, Sum *sum)
{
    enum { STEPS_MAX = 4 };
    for (u32 i = 0; i < STEPS_MAX; i++) {
        Sum before = *sum;
        if (!take_addition(ctx, sum)) {
            *sum = before;
            return;
        }
    }
}

static X64Address sum_address(X64Context *ctx, const Sum *sum, u32 trap)
{
    u32 kind = X64_ADDRESS_IS_MEMORY | X64_ADDRESS_HAS_BASE;
    VReg base = x64_r64(ctx, sum->base), index = VREG_NONE;
    if (sum->has_index) {
        kind |= X64_ADDRESS_HAS_INDEX;
        index = x64_r64(ctx, sum->index);
    }
    u64 packed = x64_address_pack(kind, sum->scale, trap, (i32)sum->disp);
    return (X64Address){base, index, packed, {0, 0}, 0};
}

/* What an access takes; 0: not known here. */
static u32 access_bits(const InstData *d)
{
    switch (d->op) {
    case OP_load:
    case OP_store:
        return type_bits(d->type);
    case OP_uload8:
    case OP_sload8:
    case OP_istore8:
        return 8;
    case OP_uload16:
    case OP_sload16:
    case OP_istore16:
        return 16;
    case OP_uload32:
    case OP_sload32:
    case OP_istore32:
        return 32;
    default:
        return 0;
    }
}

/* True if a sum is so many bytes of a stack slot, which then is part of the address: such an access does not fail. */
static bool find_slot(X64Context *ctx, const Sum *sum, u32 bytes, Address *out)
{
    Inst def = dv_lower_def(ctx->lower, sum->base);
    if (def.id == ENTITY_NONE || sum->has_index || bytes == 0 ||
        dv_inst_const(ctx->func, def)->op != OP_stack_addr) {
        return false;
    }
    const InstData *d = dv_inst_const(ctx->func, def);
    i64 offset = sum->disp + (i32)(u32)d->imm[0];
    StackSlot slot = {d->ent};
    if (offset < 0 || offset + bytes > vec_at(&ctx->func->slots, slot.id).size_bytes) {
        return false;
    }
    *out = x64_slot_address(ctx, slot, (Offset32)offset);
    return true;
}

/* The address of what a load or store accesses. */
static Address access_address(X64Context *ctx, const InstData *d, Value value, Offset32 offset)
{
    Address slot;
    Sum sum = {.base = value, .disp = offset};
    take_additions(ctx, &sum);
    if (find_slot(ctx, &sum, access_bits(d) / 8, &slot)) {
        return slot;
    }
    return new_address(ctx, sum_address(ctx, &sum, d->flags & FLAG_TRAP_MASK));
}

/* ---- sums as results: by lea, so that operands stay where they are ------------------------------------------ */

static VReg emit_sum(X64Context *ctx, const X64Address *address, u32 bits)
{
    VReg result = dv_vcode_vreg(ctx->lower->vcode, X64_GENERAL);
    const RaOperand operands[] = {ra_use(address->base), ra_use(address->index), ra_def(result)};
    bool has_index = (address->packed & X64_ADDRESS_HAS_INDEX) != 0;
    const RaOperand short_operands[] = {operands[0], operands[2]};
    const u64 numbers[] = {address->packed, bits};
    VInstDraft draft = {X64_SUM,
                        0,
                        0,
                        has_index ? operands : short_operands,
                        has_index ? ARRAY_LEN(operands) : ARRAY_LEN(short_operands),
                        numbers,
                        ARRAY_LEN(numbers)};
    dv_vcode_emit(ctx->lower->vcode, &draft);
    return result;
}

/* Those parts of a sum that nothing else wants are added at once. */
static VReg emit_parts(X64Context *ctx, Sum *sum)
{
    u32 bits = type_bits(dv_value_type(ctx->func, sum->base)) > 32 ? 64 : 32;
    take_additions(ctx, sum);
    X64Address address = sum_address(ctx, sum, TRAP_none);
    return emit_sum(ctx, &address, bits);
}

R64 x64_sum(X64Context *ctx, Value x, Value y)
{
    const Value terms[] = {x, y};
    Sum sum = {.takes_single = true};
    take_terms(ctx, terms, &sum);
    return emit_parts(ctx, &sum);
}

R64 x64_sum_i(X64Context *ctx, Value x, i32 i)
{
    Sum sum = {.base = x, .disp = i, .takes_single = true};
    return emit_parts(ctx, &sum);
}

/* x + (x << n) */
R64 x64_scaled_sum(X64Context *ctx, Value x, u8 n)
{
    u32 bits = type_bits(dv_value_type(ctx->func, x)) > 32 ? 64 : 32;
    Sum sum = {.base = x, .index = x, .has_index = true, .scale = n};
    X64Address address = sum_address(ctx, &sum, TRAP_none);
    return emit_sum(ctx, &address, bits);
}

bool x64_scale_and_1(X64Context *ctx, u64 n, u8 *out)
{
    (void)ctx;
    *out = n == 3 ? 1 : n == 5 ? 2 : 3;
    return n == 3 || n == 5 || n == 9;
}

bool x64_negated(X64Context *ctx, i32 i, i32 *out)
{
    (void)ctx;
    *out = i == INT32_MIN ? 0 : -i;
    return i != INT32_MIN;
}

Address x64_address(X64Context *ctx, Value value, Offset32 offset)
{
    const InstData *d = dv_inst_const(ctx->func, ctx->lower->current);
    return access_address(ctx, d, value, offset);
}

/* The load of exactly so many bits that only the instruction at hand wants, and so can do itself; INST_NONE. */
static Inst own_load(X64Context *ctx, Value value, u32 bits)
{
    Inst load = dv_lower_sinkable_load(ctx->lower, value);
    const InstData *d = load.id == ENTITY_NONE ? NULL : dv_inst_const(ctx->func, load);
    bool ok =
        d != NULL && d->op == OP_load && type_bits(d->type) == bits && (d->flags & FLAG_BIG) == 0;
    return ok ? load : INST_NONE;
}

static X64Field take_load(X64Context *ctx, Inst load)
{
    const InstData *d = dv_inst_const(ctx->func, load);
    dv_lower_sink(ctx->lower, load);
    Address address = access_address(ctx, d, dv_term_value(ctx->func, load, 0), (i32)d->imm[0]);
    if ((d->flags & FLAG_TRAP_MASK) != TRAP_none) {
        ctx->addresses.data[ctx->addresses.len - 1].srcloc = dv_srcloc(ctx->func, load);
    }
    return address;
}

static Address const_address(X64Context *ctx, u32 bytes, u64 lo, u64 hi)
{
    u32 kind = X64_ADDRESS_IS_MEMORY | X64_ADDRESS_IS_CONST;
    u64 packed = x64_address_pack(kind, 0, bytes, 0);
    return new_address(ctx, (X64Address){VREG_NONE, VREG_NONE, packed, {lo, hi}, 0});
}

/* A constant that only the instruction at hand wants, and that is not 0, which is made without memory. */
static bool is_own_float(X64Context *ctx, Value value, u64 *out)
{
    Inst def = dv_lower_def(ctx->lower, value);
    if (def.id == ENTITY_NONE || dv_lower_has_many_users(ctx->lower, value)) {
        return false;
    }
    const InstData *d = dv_inst_const(ctx->func, def);
    *out = dv_imm64(d);
    return (d->op == OP_f32const || d->op == OP_f64const) && *out != 0;
}

static X64Field use_or_load(X64Context *ctx, Value value, u32 bits)
{
    Inst load = own_load(ctx, value, bits);
    u64 number;
    if (load.id != ENTITY_NONE) {
        return take_load(ctx, load);
    }
    if (is_own_float(ctx, value, &number)) {
        return const_address(ctx, bits / 8, number, 0);
    }
    bool is_float = type_is_float(dv_value_type(ctx->func, value));
    return reg_field(is_float ? dv_lower_use(ctx->lower, value).regs[0] : use(ctx, value, bits));
}

/* A byte or two that are extended by 0, and that the instruction at hand may read itself. */
static bool is_own_unsigned(X64Context *ctx, Value value, u32 op)
{
    Inst load = dv_lower_sinkable_load(ctx->lower, value);
    return load.id != ENTITY_NONE && dv_inst_const(ctx->func, load)->op == op &&
           is_int_up_to(dv_value_type(ctx->func, value), 64);
}

bool x64_loaded_u8(X64Context *ctx, Value value, Value *out)
{
    *out = value;
    return is_own_unsigned(ctx, value, OP_uload8);
}

Mem8 x64_taken_u8(X64Context *ctx, Value value)
{
    return take_load(ctx, dv_lower_sinkable_load(ctx->lower, value));
}

/* True if nothing reads the value after the instruction at hand, as far as this is easily seen: so its register may be
 * lost. */
static bool ends_here(X64Context *ctx, Value value)
{
    Inst def = dv_lower_result_of(ctx->lower, value);
    if (def.id == ENTITY_NONE || dv_lower_has_many_users(ctx->lower, value)) {
        return false;
    }
    u32 op = dv_inst_const(ctx->func, def)->op;
    return op != OP_iconst && op != OP_f32const && op != OP_f64const &&
           dv_inst_block(ctx->func, def).id == dv_inst_block(ctx->func, ctx->lower->current).id;
}

bool x64_is_kept(X64Context *ctx, Value value)
{
    return !ends_here(ctx, value);
}

/* The other half of the product at hand, computed shortly before and wanted behind. */
static bool half_before(X64Context *ctx, Op op, Value x, Value y, Value *out)
{
    enum { NEAR = 4 };
    const Lower *l = ctx->lower;
    Inst at = dv_inst_prev(l->func, l->current);
    for (u32 i = 0; i < NEAR && at.id != ENTITY_NONE; i++, at = dv_inst_prev(l->func, at)) {
        const InstData *d = dv_inst_const(l->func, at);
        if (d->op != op || d->type != TYPE_I64) {
            continue;
        }
        Value a = dv_term_value(l->func, at, 0), b = dv_term_value(l->func, at, 1);
        if ((dv_lower_is_same(l, a, x) && dv_lower_is_same(l, b, y)) ||
            (dv_lower_is_same(l, a, y) && dv_lower_is_same(l, b, x))) {
            *out = dv_inst_result(l->func, at, 0);
            return l->value_wanted[l->roots[out->id]] && dv_lower_can_absorb(l, at, INST_NONE);
        }
    }
    return false;
}

bool x64_imul_before(X64Context *ctx, Value x, Value y, Value *out)
{
    return half_before(ctx, OP_imul, x, y, out);
}

bool x64_umulhi_before(X64Context *ctx, Value x, Value y, Value *out)
{
    return half_before(ctx, OP_umulhi, x, y, out);
}

bool x64_smulhi_before(X64Context *ctx, Value x, Value y, Value *out)
{
    return half_before(ctx, OP_smulhi, x, y, out);
}

R64 x64_with_low(X64Context *ctx, Value low, Regs2 product)
{
    dv_lower_absorb(ctx->lower, dv_lower_def(ctx->lower, low), value_reg(product.lo));
    return product.hi;
}

R64 x64_with_high(X64Context *ctx, Value high, Regs2 product)
{
    dv_lower_absorb(ctx->lower, dv_lower_def(ctx->lower, high), value_reg(product.hi));
    return product.lo;
}

bool x64_is_better_lost(X64Context *ctx, Value value, Value other)
{
    return ends_here(ctx, value) && !ends_here(ctx, other);
}

/* True if what computes this i32 writes 32 bits of a register, which clears those above. What may be another value's
 * register seen otherwise is none of these, and so are parameters. */
bool x64_clears_above(X64Context *ctx, Value value, Value *out)
{
    *out = value;
    Inst def = dv_lower_result_of(ctx->lower, value);
    if (def.id == ENTITY_NONE || dv_value_type(ctx->func, value) != TYPE_I32) {
        return false;
    }
    switch (dv_inst_const(ctx->func, def)->op) {
    case OP_load:
    case OP_iadd:
    case OP_isub:
    case OP_imul:
    case OP_band:
    case OP_bor:
    case OP_bxor:
    case OP_ishl:
    case OP_ushr:
    case OP_sshr:
    case OP_rotl:
    case OP_rotr:
    case OP_bnot:
    case OP_ineg:
    case OP_clz:
    case OP_ctz:
    case OP_popcnt:
    case OP_select:
    case OP_iconst:
    case OP_uextend:
    case OP_uload8:
    case OP_uload16:
        return true;
    default:
        return false;
    }
}

u64 dv_x64_most_of(X64Context *ctx, Value value)
{
    Inst def = dv_lower_result_of(ctx->lower, value);
    u64 most = UINT32_MAX;
    if (def.id == ENTITY_NONE) {
        return most;
    }
    const u32 *args = dv_inst_args(ctx->func, def);
    u32 op = dv_inst_const(ctx->func, def)->op;
    u64 number;
    for (u32 i = 0; op == OP_band && i < 2; i++) {
        bool is_mask = x64_const_u64(ctx, (Value){args[i]}, &number);
        most = is_mask && (u32)number < most ? (u32)number : most;
    }
    if (op == OP_ushr && x64_const_u64(ctx, (Value){args[1]}, &number)) {
        most >>= number & 31;
    } else if (op == OP_uextend) {
        most >>= 32 - type_bits(dv_value_type(ctx->func, (Value){args[0]}));
    } else if (op == OP_uload8 || op == OP_uload16) {
        most = op == OP_uload8 ? UINT8_MAX : UINT16_MAX;
    }
    return most;
}

#define LOADED(bits) \
    bool x64_loaded##bits(X64Context *ctx, Value value, Value *out) \
    { \
        *out = value; \
        return own_load(ctx, value, bits).id != ENTITY_NONE; \
    } \
    Mem##bits x64_taken##bits(X64Context *ctx, Value value) \
    { \
        return take_load(ctx, own_load(ctx, value, bits)); \
    }
LOADED(8)
LOADED(16)
LOADED(32)
LOADED(64)
#undef LOADED

Address x64_slot_address(X64Context *ctx, StackSlot slot, Offset32 offset)
{
    u32 kind = X64_ADDRESS_IS_MEMORY | X64_ADDRESS_IS_SLOT;
    return new_address(
        ctx,
        (X64Address){VREG_NONE, VREG_NONE, x64_address_pack(kind, 0, slot.id, offset), {0, 0}, 0});
}

bool x64_far_offset(X64Context *ctx, Offset32 offset, i32 *out)
{
    (void)ctx;
    *out = offset;
    return offset >= X64_FRAME_MAX;
}

/* What is there, of a size. */
#define SAME(name, To) \
    To name(X64Context *ctx, Address address) \
    { \
        (void)ctx; \
        return address; \
    }
SAME(x64_mem8, Mem8)
SAME(x64_mem16, Mem16)
SAME(x64_mem32, Mem32)
SAME(x64_mem64, Mem64)
SAME(x64_mem128, Mem128)
SAME(x64_mem_rm8, RM8)
SAME(x64_mem_rm16, RM16)
SAME(x64_mem_rm32, RM32)
SAME(x64_mem_rm64, RM64)
#undef SAME

/* ---- memory read, changed and written ---------------------------------------------------------------------------- */

/* True if two values are surely equal: one, or made of such in the same way, as accesses of one element compute its address
 * each for itself. */
static bool are_equal(X64Context *ctx, Value a, Value b, u32 depth)
{
    Inst x = dv_lower_result_of(ctx->lower, a), y = dv_lower_result_of(ctx->lower, b);
    if (dv_lower_is_same(ctx->lower, a, b)) {
        return true;
    }
    if (depth == 0 || x.id == ENTITY_NONE || y.id == ENTITY_NONE ||
        dv_value_type(ctx->func, a) != dv_value_type(ctx->func, b)) {
        return false;
    }
    const InstData *d = dv_inst_const(ctx->func, x), *e = dv_inst_const(ctx->func, y);
    bool is_known =
        d->op == OP_iadd || d->op == OP_ishl || d->op == OP_uextend || d->op == OP_iconst;
    bool equal = is_known && d->op == e->op && d->num_args == e->num_args &&
                 (d->op != OP_iconst || dv_imm64(d) == dv_imm64(e));
    for (u32 i = 0; equal && i < d->num_args; i++) {
        equal = are_equal(ctx, dv_term_value(ctx->func, x, i), dv_term_value(ctx->func, y, i),
                          depth - 1);
    }
    return equal;
}

/* The load of a value from where the store at hand writes, which nothing else wants; INST_NONE. */
static Inst load_of_place(X64Context *ctx, Value value)
{
    enum { DEPTH = 4 };
    Inst store = ctx->lower->current, load = dv_lower_sinkable_load(ctx->lower, value);
    if (load.id == ENTITY_NONE) {
        return INST_NONE;
    }
    const InstData *d = dv_inst_const(ctx->func, load), *s = dv_inst_const(ctx->func, store);
    bool same = access_bits(d) != 0 && access_bits(d) == access_bits(s) && d->flags == s->flags &&
                (d->flags & FLAG_BIG) == 0 && d->imm[0] == s->imm[0] &&
                are_equal(ctx, dv_term_value(ctx->func, load, 0),
                          dv_term_value(ctx->func, store, 1), DEPTH);
    return same ? load : INST_NONE;
}

/* Operations whose low bits depend on those of their operands alone, with their instructions on memory: by a register, by a
 * number; for 8, 16, 32 and 64 bits. */
typedef struct UpdateForm {
    u16 op;
    bool commutes;
    u16 by_register[4], by_number[4];
} UpdateForm;
#define FORM(op, commutes, name) \
    { \
        op, commutes, {X64_##name##8_mr, X64_##name##16_mr, X64_##name##32_mr, X64_##name##64_mr}, \
        { \
            X64_##name##8_mi, X64_##name##16_mi, X64_##name##32_mi, X64_##name##64_mi \
        } \
    }
static const UpdateForm update_forms[] = {
    FORM(OP_iadd, true, add), FORM(OP_isub, false, sub), FORM(OP_band, true, and),
    FORM(OP_bor, true, or),   FORM(OP_bxor, true, xor),
};
#undef FORM

/* What a store makes of what was there: the value stored, taken apart. */
typedef struct Update {
    const UpdateForm *form;
    Inst load;
    Value operand;
} Update;

static bool find_update(X64Context *ctx, Value stored, Update *out)
{
    Inst def = dv_lower_def(ctx->lower, stored);
    for (u32 i = 0; def.id != ENTITY_NONE && i < ARRAY_LEN(update_forms); i++) {
        const UpdateForm *form = &update_forms[i];
        if (dv_inst_const(ctx->func, def)->op != form->op) {
            continue;
        }
        for (u32 j = 0; j < (form->commutes ? 2 : 1); j++) {
            *out = (Update){form, load_of_place(ctx, dv_term_value(ctx->func, def, j)),
                            dv_term_value(ctx->func, def, 1 - j)};
            if (out->load.id != ENTITY_NONE) {
                return true;
            }
        }
    }
    return false;
}

bool x64_is_update(X64Context *ctx, Value stored)
{
    Update update;
    return find_update(ctx, stored, &update);
}

Done x64_update(X64Context *ctx, Value stored)
{
    Update update;
    i32 number;
    VReg defs[2];
    bool found = find_update(ctx, stored, &update);
    ASSERT(found);
    (void)found;
    u32 size = dv_ctz32(access_bits(dv_inst_const(ctx->func, update.load)) / 8);
    u64 place = take_load(ctx, update.load).bits;
    if (x64_const_i32(ctx, update.operand, &number)) {
        dv_x64_emit_inst(ctx, (X64Op)update.form->by_number[size],
                         (const u64[]){place, (u64)sign_extend((u64)(i64)number, 8u << size)},
                         defs);
    } else {
        VReg reg = dv_lower_use(ctx->lower, update.operand).regs[0];
        dv_x64_emit_inst(ctx, (X64Op)update.form->by_register[size], (const u64[]){place, reg.id},
                         defs);
    }
    return 0;
}
