/* float.h - what bodies of ops.def call float arithmetic: the host's, or that of base/softfloat.
 *
 * With the host's, f32 and f64 are float and double; compiled with contraction off, IEEE 754 requires what is
 * wanted of + - * / sqrt and conversions, and what libm gives is completed where C leaves it open: the sign of
 * zero in min and max, NaNs in the roundings (a signalling one comes out quiet, as from arithmetic). With
 * softfloat (INTERP_SOFTFLOAT, chosen for hosts that round to extended precision or whose quiet NaNs are the
 * old ones) f32 and f64 are bits, and computed NaNs are the canonical one.
 *
 * Conversions to integers check the range in double, which holds every float, against bounds that are
 * themselves out of range and exact.
 */
#ifndef DV_INTERP_FLOAT_H
#define DV_INTERP_FLOAT_H

#include <float.h>
#include <math.h>

#include "base/softfloat.h"
#include "pulley/pulley.h"

#ifndef INTERP_SOFTFLOAT
#if FLT_EVAL_METHOD == 2 || FLT_EVAL_METHOD < 0 || defined(__hppa__) || defined(__m68k__) || \
    (defined(__mips__) && !defined(__mips_nan2008))
#define INTERP_SOFTFLOAT 1
#else
#define INTERP_SOFTFLOAT 0
#endif
#endif

static inline u64 soft_convert(FloatKind from, FloatKind to, u64 bits)
{
    return dv_float_convert(from, to, dv_u128_from_u64(bits)).lo;
}

/* f16 is only ever converted. */
#define F32_FROM_F16(x) f32_of((u32)soft_convert(FLOAT_16, FLOAT_32, (x)))
#define F64_FROM_F16(x) f64_of(soft_convert(FLOAT_16, FLOAT_64, (x)))
#define F16_FROM_F32(x) ((u32)soft_convert(FLOAT_32, FLOAT_16, f32_bits(x)))
#define F16_FROM_F64(x) ((u32)soft_convert(FLOAT_64, FLOAT_16, f64_bits(x)))

#if INTERP_SOFTFLOAT

typedef u32 f32;
typedef u64 f64;

static inline f32 f32_of(u32 bits)
{
    return bits;
}

static inline f64 f64_of(u64 bits)
{
    return bits;
}

static inline u32 f32_bits(f32 x)
{
    return x;
}

static inline u64 f64_bits(f64 x)
{
    return x;
}

#define SOFT1(kind, op, x) dv_float_##op(kind, dv_u128_from_u64(x)).lo
#define SOFT2(kind, op, x, y) dv_float_##op(kind, dv_u128_from_u64(x), dv_u128_from_u64(y)).lo
#define SOFT_ORDER(kind, x, y) dv_float_compare(kind, dv_u128_from_u64(x), dv_u128_from_u64(y))

static inline u64 soft_fma(FloatKind kind, u64 x, u64 y, u64 z)
{
    return dv_float_fma(kind, dv_u128_from_u64(x), dv_u128_from_u64(y), dv_u128_from_u64(z)).lo;
}

#define FADD32(x, y) ((f32)SOFT2(FLOAT_32, add, x, y))
#define FSUB32(x, y) ((f32)SOFT2(FLOAT_32, sub, x, y))
#define FMUL32(x, y) ((f32)SOFT2(FLOAT_32, mul, x, y))
#define FDIV32(x, y) ((f32)SOFT2(FLOAT_32, div, x, y))
#define FMIN32(x, y) ((f32)SOFT2(FLOAT_32, min, x, y))
#define FMAX32(x, y) ((f32)SOFT2(FLOAT_32, max, x, y))
#define FMA32(x, y, z) ((f32)soft_fma(FLOAT_32, x, y, z))
#define FSQRT32(x) ((f32)SOFT1(FLOAT_32, sqrt, x))
#define FCEIL32(x) ((f32)SOFT1(FLOAT_32, ceil, x))
#define FFLOOR32(x) ((f32)SOFT1(FLOAT_32, floor, x))
#define FTRUNC32(x) ((f32)SOFT1(FLOAT_32, trunc, x))
#define FNEAREST32(x) ((f32)SOFT1(FLOAT_32, nearest, x))
#define FEQ32(x, y) (SOFT_ORDER(FLOAT_32, x, y) == FLOAT_EQ)
#define FLT32(x, y) (SOFT_ORDER(FLOAT_32, x, y) == FLOAT_LT)
#define FLE32(x, y) (SOFT_ORDER(FLOAT_32, x, y) <= FLOAT_EQ)
#define FUNO32(x, y) (SOFT_ORDER(FLOAT_32, x, y) == FLOAT_UNORDERED)

#define FADD64(x, y) SOFT2(FLOAT_64, add, x, y)
#define FSUB64(x, y) SOFT2(FLOAT_64, sub, x, y)
#define FMUL64(x, y) SOFT2(FLOAT_64, mul, x, y)
#define FDIV64(x, y) SOFT2(FLOAT_64, div, x, y)
#define FMIN64(x, y) SOFT2(FLOAT_64, min, x, y)
#define FMAX64(x, y) SOFT2(FLOAT_64, max, x, y)
#define FMA64(x, y, z) soft_fma(FLOAT_64, x, y, z)
#define FSQRT64(x) SOFT1(FLOAT_64, sqrt, x)
#define FCEIL64(x) SOFT1(FLOAT_64, ceil, x)
#define FFLOOR64(x) SOFT1(FLOAT_64, floor, x)
#define FTRUNC64(x) SOFT1(FLOAT_64, trunc, x)
#define FNEAREST64(x) SOFT1(FLOAT_64, nearest, x)
#define FEQ64(x, y) (SOFT_ORDER(FLOAT_64, x, y) == FLOAT_EQ)
#define FLT64(x, y) (SOFT_ORDER(FLOAT_64, x, y) == FLOAT_LT)
#define FLE64(x, y) (SOFT_ORDER(FLOAT_64, x, y) <= FLOAT_EQ)
#define FUNO64(x, y) (SOFT_ORDER(FLOAT_64, x, y) == FLOAT_UNORDERED)

static inline u64 soft_from_int(FloatKind kind, u64 x, u32 bits, bool is_signed)
{
    return dv_float_from_int(kind, dv_u128_from_u64(x), bits, is_signed).lo;
}

#define F32_FROM_S32(x) ((f32)soft_from_int(FLOAT_32, (u32)(x), 32, true))
#define F32_FROM_U32(x) ((f32)soft_from_int(FLOAT_32, (x), 32, false))
#define F32_FROM_S64(x) ((f32)soft_from_int(FLOAT_32, (u64)(x), 64, true))
#define F32_FROM_U64(x) ((f32)soft_from_int(FLOAT_32, (x), 64, false))
#define F64_FROM_S32(x) soft_from_int(FLOAT_64, (u32)(x), 32, true)
#define F64_FROM_U32(x) soft_from_int(FLOAT_64, (x), 32, false)
#define F64_FROM_S64(x) soft_from_int(FLOAT_64, (u64)(x), 64, true)
#define F64_FROM_U64(x) soft_from_int(FLOAT_64, (x), 64, false)
#define F64_FROM_F32(x) soft_convert(FLOAT_32, FLOAT_64, (x))
#define F32_FROM_F64(x) ((f32)soft_convert(FLOAT_64, FLOAT_32, (x)))

static inline u32 float_to_int_trap(FloatKind kind, u64 x, u32 bits, bool is_signed)
{
    U128 out;
    FloatToInt fault = dv_float_to_int(kind, dv_u128_from_u64(x), bits, is_signed, &out);
    return fault == FLOAT_INT_OK    ? PULLEY_TRAP_none
           : fault == FLOAT_INT_NAN ? PULLEY_TRAP_bad_toint
                                    : PULLEY_TRAP_int_ovf;
}

static inline u64 soft_to_int(FloatKind kind, u64 x, u32 bits, bool is_signed)
{
    return dv_float_to_int_sat(kind, dv_u128_from_u64(x), bits, is_signed).lo;
}

#define F32_TO_S32_SAT(x) ((u32)soft_to_int(FLOAT_32, x, 32, true))
#define F32_TO_U32_SAT(x) ((u32)soft_to_int(FLOAT_32, x, 32, false))
#define F32_TO_S64_SAT(x) soft_to_int(FLOAT_32, x, 64, true)
#define F32_TO_U64_SAT(x) soft_to_int(FLOAT_32, x, 64, false)
#define F64_TO_S32_SAT(x) ((u32)soft_to_int(FLOAT_64, x, 32, true))
#define F64_TO_U32_SAT(x) ((u32)soft_to_int(FLOAT_64, x, 32, false))
#define F64_TO_S64_SAT(x) soft_to_int(FLOAT_64, x, 64, true)
#define F64_TO_U64_SAT(x) soft_to_int(FLOAT_64, x, 64, false)
/* In range. */
#define F32_TO_S32 F32_TO_S32_SAT
#define F32_TO_U32 F32_TO_U32_SAT
#define F32_TO_S64 F32_TO_S64_SAT
#define F32_TO_U64 F32_TO_U64_SAT
#define F64_TO_S32 F64_TO_S32_SAT
#define F64_TO_U32 F64_TO_U32_SAT
#define F64_TO_S64 F64_TO_S64_SAT
#define F64_TO_U64 F64_TO_U64_SAT

#else

typedef float f32;
typedef double f64;

static inline f32 f32_of(u32 bits)
{
    f32 x;
    memcpy(&x, &bits, 4);
    return x;
}

static inline f64 f64_of(u64 bits)
{
    f64 x;
    memcpy(&x, &bits, 8);
    return x;
}

static inline u32 f32_bits(f32 x)
{
    u32 bits;
    memcpy(&bits, &x, 4);
    return bits;
}

static inline u64 f64_bits(f64 x)
{
    u64 bits;
    memcpy(&bits, &x, 8);
    return bits;
}

/* The cast takes off what excess precision there may be (FLT_EVAL_METHOD 1). */
#define FADD32(x, y) ((f32)((x) + (y)))
#define FSUB32(x, y) ((f32)((x) - (y)))
#define FMUL32(x, y) ((f32)((x) * (y)))
#define FDIV32(x, y) ((f32)((x) / (y)))
#define FEQ32(x, y) ((x) == (y))
#define FLT32(x, y) ((x) < (y))
#define FLE32(x, y) ((x) <= (y))
#define FUNO32(x, y) ((x) != (x) || (y) != (y))
#define FADD64(x, y) ((x) + (y))
#define FSUB64(x, y) ((x) - (y))
#define FMUL64(x, y) ((x) * (y))
#define FDIV64(x, y) ((x) / (y))
#define FEQ64 FEQ32
#define FLT64 FLT32
#define FLE64 FLE32
#define FUNO64 FUNO32
#define FSQRT32(x) sqrtf(x)
#define FSQRT64(x) sqrt(x)
#define FMA32(x, y, z) fmaf((x), (y), (z))
#define FMA64(x, y, z) fma((x), (y), (z))

/* Roundings to integral values; x + x is a quiet NaN. */
#define ROUNDING(name, type, function) \
    static inline type name(type x) \
    { \
        return x != x ? x + x : function(x); \
    }
ROUNDING(FCEIL32, f32, ceilf)
ROUNDING(FFLOOR32, f32, floorf)
ROUNDING(FTRUNC32, f32, truncf)
ROUNDING(FNEAREST32, f32, rintf)
ROUNDING(FCEIL64, f64, ceil)
ROUNDING(FFLOOR64, f64, floor)
ROUNDING(FTRUNC64, f64, trunc)
ROUNDING(FNEAREST64, f64, rint)
#undef ROUNDING

/* The lesser and the greater; of equal ones, which may be zeros, the bits decide. */
static inline f32 FMIN32(f32 x, f32 y)
{
    return x < y ? x : y < x ? y : x == y ? f32_of(f32_bits(x) | f32_bits(y)) : x + y;
}

static inline f32 FMAX32(f32 x, f32 y)
{
    return x > y ? x : y > x ? y : x == y ? f32_of(f32_bits(x) & f32_bits(y)) : x + y;
}

static inline f64 FMIN64(f64 x, f64 y)
{
    return x < y ? x : y < x ? y : x == y ? f64_of(f64_bits(x) | f64_bits(y)) : x + y;
}

static inline f64 FMAX64(f64 x, f64 y)
{
    return x > y ? x : y > x ? y : x == y ? f64_of(f64_bits(x) & f64_bits(y)) : x + y;
}

#define F32_FROM_S32(x) ((f32)(x))
#define F32_FROM_U32(x) ((f32)(x))
#define F32_FROM_S64(x) ((f32)(x))
#define F32_FROM_U64(x) ((f32)(x))
#define F64_FROM_S32(x) ((f64)(x))
#define F64_FROM_U32(x) ((f64)(x))
#define F64_FROM_S64(x) ((f64)(x))
#define F64_FROM_U64(x) ((f64)(x))
#define F64_FROM_F32(x) widen(x)
#define F32_FROM_F64(x) ((f32)(x))

/* PowerPC widens when it loads, and leaves a signalling NaN what it is; a sum makes it quiet. */
static inline f64 widen(f32 x)
{
    f64 y = (f64)x;
    return x == x ? y : y + y;
}

/* The greatest double, and the least, that truncate to no integer of the type. */
static inline f64 int_below(u32 bits, bool is_signed)
{
    return !is_signed ? -1.0 : bits == 32 ? -2147483649.0 : -9223372036854777856.0;
}

static inline f64 int_above(u32 bits, bool is_signed)
{
    f64 half = bits == 32 ? 2147483648.0 : 9223372036854775808.0;
    return is_signed ? half : half * 2;
}

static inline u32 float_to_int_trap(FloatKind kind, f64 x, u32 bits, bool is_signed)
{
    (void)kind;
    if (x > int_below(bits, is_signed) && x < int_above(bits, is_signed)) {
        return PULLEY_TRAP_none;
    }
    return x != x ? PULLEY_TRAP_bad_toint : PULLEY_TRAP_int_ovf;
}

/* In range. */
#define F64_TO_S32(x) ((u32)(i32)(x))
#define F64_TO_U32(x) ((u32)(x))
#define F64_TO_S64(x) ((u64)(i64)(x))
#define F64_TO_U64(x) ((u64)(x))
#define F32_TO_S32 F64_TO_S32
#define F32_TO_U32 F64_TO_U32
#define F32_TO_S64 F64_TO_S64
#define F32_TO_U64 F64_TO_U64

static inline u64 f64_to_int_sat(f64 x, u32 bits, bool is_signed)
{
    u64 max = UINT64_MAX >> (64 - bits) >> (is_signed ? 1 : 0);
    if (x != x) {
        return 0;
    }
    if (x <= int_below(bits, is_signed)) {
        return is_signed ? ~max : 0;
    }
    if (x >= int_above(bits, is_signed)) {
        return max;
    }
    return is_signed ? (u64)(i64)x : (u64)x;
}

#define F64_TO_S32_SAT(x) ((u32)f64_to_int_sat((x), 32, true))
#define F64_TO_U32_SAT(x) ((u32)f64_to_int_sat((x), 32, false))
#define F64_TO_S64_SAT(x) f64_to_int_sat((x), 64, true)
#define F64_TO_U64_SAT(x) f64_to_int_sat((x), 64, false)
#define F32_TO_S32_SAT F64_TO_S32_SAT
#define F32_TO_U32_SAT F64_TO_U32_SAT
#define F32_TO_S64_SAT F64_TO_S64_SAT
#define F32_TO_U64_SAT F64_TO_U64_SAT

#endif
#endif
