/* libcalls.c - what native code has no instructions for. */
#include "rt/libcalls.h"

#include "base/softfloat.h"
#include "base/u128.h"

#if defined(__x86_64__) && defined(__SSE2__)
#define HAS_XMM 1
#include <emmintrin.h>
#else
#define HAS_XMM 0
#endif

/* ---- integers of 128 bits: the divisor is not 0, which the caller has tested ----------------------------------- */

static U128 divide_unsigned(U128 a, U128 b)
{
    return dv_u128_udivrem(a, b, NULL);
}

static U128 remainder_unsigned(U128 a, U128 b)
{
    U128 rest;
    dv_u128_udivrem(a, b, &rest);
    return rest;
}

static U128 divide_signed(U128 a, U128 b)
{
    return dv_u128_sdivrem(a, b, NULL);
}

static U128 remainder_signed(U128 a, U128 b)
{
    U128 rest;
    dv_u128_sdivrem(a, b, &rest);
    return rest;
}

/* ---- floats: bits in the low end of an xmm register ------------------------------------------------------------ */

#if HAS_XMM

typedef __m128i Xmm;

static U128 bits_of(Xmm x)
{
    U128 bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static Xmm xmm_of(U128 bits)
{
    Xmm x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#define UNARY(name, operation) \
    static Xmm name(Xmm a) \
    { \
        return xmm_of(operation(FLOAT_128, bits_of(a))); \
    }
UNARY(f128_sqrt, dv_float_sqrt)
UNARY(f128_ceil, dv_float_ceil)
UNARY(f128_floor, dv_float_floor)
UNARY(f128_trunc, dv_float_trunc)
UNARY(f128_nearest, dv_float_nearest)
#undef UNARY

#define BINARY(name, operation) \
    static Xmm name(Xmm a, Xmm b) \
    { \
        return xmm_of(operation(FLOAT_128, bits_of(a), bits_of(b))); \
    }
BINARY(f128_add, dv_float_add)
BINARY(f128_sub, dv_float_sub)
BINARY(f128_mul, dv_float_mul)
BINARY(f128_div, dv_float_div)
BINARY(f128_min, dv_float_min)
BINARY(f128_max, dv_float_max)
#undef BINARY

#define FUSED(name, kind) \
    static Xmm name(Xmm a, Xmm b, Xmm c) \
    { \
        return xmm_of(dv_float_fma(kind, bits_of(a), bits_of(b), bits_of(c))); \
    }
FUSED(f16_fma, FLOAT_16)
FUSED(f32_fma, FLOAT_32)
FUSED(f64_fma, FLOAT_64)
FUSED(f128_fma, FLOAT_128)
#undef FUSED

#define CONVERT(name, from, to) \
    static Xmm name(Xmm a) \
    { \
        return xmm_of(dv_float_convert(from, to, bits_of(a))); \
    }
CONVERT(f128_from_f32, FLOAT_32, FLOAT_128)
CONVERT(f128_from_f64, FLOAT_64, FLOAT_128)
CONVERT(f32_from_f128, FLOAT_128, FLOAT_32)
CONVERT(f64_from_f128, FLOAT_128, FLOAT_64)
#undef CONVERT

#define FROM_INT(name, From, wide, bits, is_signed) \
    static Xmm name(From a) \
    { \
        return xmm_of(dv_float_from_int(FLOAT_128, wide, bits, is_signed)); \
    }
FROM_INT(f128_from_i64, u64, dv_u128_from_u64(a), 64, true)
FROM_INT(f128_from_u64, u64, dv_u128_from_u64(a), 64, false)
FROM_INT(f128_from_i128, U128, a, 128, true)
FROM_INT(f128_from_u128, U128, a, 128, false)
#undef FROM_INT

/* What fits; the nearest for others, which C does not promise and nobody asks for. */
static u64 i64_from_f128(Xmm a)
{
    return dv_float_to_int_sat(FLOAT_128, bits_of(a), 64, true).lo;
}

static u64 u64_from_f128(Xmm a)
{
    return dv_float_to_int_sat(FLOAT_128, bits_of(a), 64, false).lo;
}

static U128 i128_from_f128(Xmm a)
{
    return dv_float_to_int_sat(FLOAT_128, bits_of(a), 128, true);
}

static U128 u128_from_f128(Xmm a)
{
    return dv_float_to_int_sat(FLOAT_128, bits_of(a), 128, false);
}

/* An integer that compares with 0 as a does with b; as told if they are not ordered. */
static int compare(Xmm a, Xmm b, int unordered)
{
    FloatOrder order = dv_float_compare(FLOAT_128, bits_of(a), bits_of(b));
    return order == FLOAT_UNORDERED ? unordered : order == FLOAT_LT ? -1 : order == FLOAT_GT;
}

#define COMPARE(name, unordered) \
    static int name(Xmm a, Xmm b) \
    { \
        return compare(a, b, unordered); \
    }
COMPARE(f128_equal, 1)
COMPARE(f128_less, 1)
COMPARE(f128_less_equal, 1)
COMPARE(f128_greater, -1)
COMPARE(f128_greater_equal, -1)
#undef COMPARE

static int f128_unordered(Xmm a, Xmm b)
{
    return dv_float_compare(FLOAT_128, bits_of(a), bits_of(b)) == FLOAT_UNORDERED;
}

#endif

/* ---- the table ----------------------------------------------------------------------------------------------- */

const char *const dv_rt_libcall_symbols[RT_LIBCALLS] = {
#define LIBCALL_FUNC(name, symbol, function) symbol,
#include "rt/libcalls.def"
};

typedef void (*Function)(void);
static const Function functions[RT_LIBCALLS] = {
#define LIBCALL_FUNC(name, symbol, function) (Function) function,
#if !HAS_XMM
#define LIBCALL_FLOAT(name, symbol, function) NULL,
#endif
#include "rt/libcalls.def"
};

const void *dv_rt_libcall_at(RtLibcall number)
{
    return (const void *)(uintptr_t)functions[number];
}

const void *dv_rt_libcall_find(const char *symbol)
{
    for (u32 i = 0; i < RT_LIBCALLS; i++) {
        if (strcmp(dv_rt_libcall_symbols[i], symbol) == 0) {
            return dv_rt_libcall_at((RtLibcall)i);
        }
    }
    return NULL;
}
