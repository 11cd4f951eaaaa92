/* helpers.c - the functions behind pulley/helpers.def.
 *
 * The arithmetic is that of base/softfloat.h and base/u128.h, exact and the same on every host;
 * here it is only fetched from slots and put back. So each row of helpers.def is one line below:
 * run_NAME, made by the macro of its form. The table at the end names every row, so that one
 * without a function does not compile and a function without a row is an unused one.
 */
#include "interp/helpers.h"

#include "base/softfloat.h"

_Static_assert(FLOAT_LT == 0 && FLOAT_EQ == 1 && FLOAT_GT == 2 && FLOAT_UNORDERED == 3,
               "f128_compare gives a FloatOrder");

static U128 get(const u64 *slots, u32 slot, u32 bits)
{
    return (U128){slots[slot], bits > 64 ? slots[slot + 1] : 0};
}

static u32 put(u64 *slots, u32 bits, U128 x)
{
    slots[0] = x.lo;
    if (bits > 64) {
        slots[1] = x.hi;
    }
    return PULLEY_TRAP_none;
}

/* ---- arithmetic on floats ---- */

#define UNARY(name, operation) \
    static u32 run_##name(u64 *slots) \
    { \
        return put(slots, 128, operation(FLOAT_128, get(slots, 0, 128))); \
    }

UNARY(f128_sqrt, dv_float_sqrt)
UNARY(f128_ceil, dv_float_ceil)
UNARY(f128_floor, dv_float_floor)
UNARY(f128_trunc, dv_float_trunc)
UNARY(f128_nearest, dv_float_nearest)

#define BINARY(name, operation) \
    static u32 run_##name(u64 *slots) \
    { \
        return put(slots, 128, operation(FLOAT_128, get(slots, 0, 128), get(slots, 2, 128))); \
    }

BINARY(f128_add, dv_float_add)
BINARY(f128_sub, dv_float_sub)
BINARY(f128_mul, dv_float_mul)
BINARY(f128_div, dv_float_div)
BINARY(f128_min, dv_float_min)
BINARY(f128_max, dv_float_max)

static u32 run_f128_fma(u64 *slots)
{
    U128 x = get(slots, 0, 128);
    U128 y = get(slots, 2, 128);
    return put(slots, 128, dv_float_fma(FLOAT_128, x, y, get(slots, 4, 128)));
}

static u32 run_f16_fma(u64 *slots)
{
    U128 x = get(slots, 0, 16);
    U128 y = get(slots, 1, 16);
    return put(slots, 16, dv_float_fma(FLOAT_16, x, y, get(slots, 2, 16)));
}

static u32 run_f128_compare(u64 *slots)
{
    FloatOrder order = dv_float_compare(FLOAT_128, get(slots, 0, 128), get(slots, 2, 128));
    return put(slots, 32, dv_u128_from_u64(order));
}

/* ---- conversions ---- */

#define CONVERT(name, from, to) \
    static u32 run_##name(u64 *slots) \
    { \
        U128 x = get(slots, 0, from); \
        return put(slots, to, dv_float_convert(FLOAT_##from, FLOAT_##to, x)); \
    }

CONVERT(f128_from_f16, 16, 128)
CONVERT(f128_from_f32, 32, 128)
CONVERT(f128_from_f64, 64, 128)
CONVERT(f16_from_f128, 128, 16)
CONVERT(f32_from_f128, 128, 32)
CONVERT(f64_from_f128, 128, 64)

#define FROM_INT(name, from, to, is_signed) \
    static u32 run_##name(u64 *slots) \
    { \
        U128 x = get(slots, 0, from); \
        return put(slots, to, dv_float_from_int(FLOAT_##to, x, from, is_signed)); \
    }

FROM_INT(f128_from_x32_s, 32, 128, true)
FROM_INT(f128_from_x32_u, 32, 128, false)
FROM_INT(f128_from_x64_s, 64, 128, true)
FROM_INT(f128_from_x64_u, 64, 128, false)
FROM_INT(f128_from_x128_s, 128, 128, true)
FROM_INT(f128_from_x128_u, 128, 128, false)
FROM_INT(f32_from_x128_s, 128, 32, true)
FROM_INT(f32_from_x128_u, 128, 32, false)
FROM_INT(f64_from_x128_s, 128, 64, true)
FROM_INT(f64_from_x128_u, 128, 64, false)

static u32 convert_or_trap(u64 *slots, FloatKind from, u32 bits, bool is_signed)
{
    U128 result;
    switch (dv_float_to_int(from, get(slots, 0, dv_float_width(from)), bits, is_signed, &result)) {
    case FLOAT_INT_OK:
        return put(slots, bits, result);
    case FLOAT_INT_NAN:
        return PULLEY_TRAP_bad_toint;
    case FLOAT_INT_RANGE:
        return PULLEY_TRAP_int_ovf;
    }
    UNREACHABLE();
}

#define TO_INT(name, from, to, is_signed) \
    static u32 run_##name(u64 *slots) \
    { \
        return convert_or_trap(slots, FLOAT_##from, to, is_signed); \
    } \
    static u32 run_##name##_sat(u64 *slots) \
    { \
        U128 x = get(slots, 0, from); \
        return put(slots, to, dv_float_to_int_sat(FLOAT_##from, x, to, is_signed)); \
    }

TO_INT(x32_from_f128_s, 128, 32, true)
TO_INT(x32_from_f128_u, 128, 32, false)
TO_INT(x64_from_f128_s, 128, 64, true)
TO_INT(x64_from_f128_u, 128, 64, false)
TO_INT(x128_from_f128_s, 128, 128, true)
TO_INT(x128_from_f128_u, 128, 128, false)
TO_INT(x128_from_f32_s, 32, 128, true)
TO_INT(x128_from_f32_u, 32, 128, false)
TO_INT(x128_from_f64_s, 64, 128, true)
TO_INT(x128_from_f64_u, 64, 128, false)

/* ---- integers of 128 bits ---- */

static u32 divide(u64 *slots, bool is_signed, bool remainder)
{
    U128 x = get(slots, 0, 128);
    U128 y = get(slots, 2, 128);
    U128 rest;
    if (dv_u128_is_zero(y)) {
        return PULLEY_TRAP_int_divz;
    }
    /* The least number by -1 has no quotient, but a remainder: zero. */
    bool overflows = dv_u128_eq(x, (U128){0, (u64)1 << 63}) && (y.lo & y.hi) == UINT64_MAX;
    if (is_signed && overflows && !remainder) {
        return PULLEY_TRAP_int_ovf;
    }
    U128 quotient = is_signed ? dv_u128_sdivrem(x, y, &rest) : dv_u128_udivrem(x, y, &rest);
    return put(slots, 128, remainder ? rest : quotient);
}

#define DIVIDE(name, is_signed, remainder) \
    static u32 run_##name(u64 *slots) \
    { \
        return divide(slots, is_signed, remainder); \
    }

DIVIDE(xdiv128_s, true, false)
DIVIDE(xdiv128_u, false, false)
DIVIDE(xrem128_s, true, true)
DIVIDE(xrem128_u, false, true)

static u32 run_xmulhi128_s(u64 *slots)
{
    return put(slots, 128, dv_u128_smulhi(get(slots, 0, 128), get(slots, 2, 128)));
}

static u32 run_xmulhi128_u(u64 *slots)
{
    return put(slots, 128, dv_u128_umulhi(get(slots, 0, 128), get(slots, 2, 128)));
}

InterpHelperFn *const dv_interp_helpers[PULLEY_HELPER_COUNT] = {
#define HELPER(name, args, results, doc) [PULLEY_HELPER_##name] = run_##name,
#include "pulley/helpers.def"
#undef HELPER
};
