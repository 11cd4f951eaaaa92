/* test_softfloat.c - software floating point against the host's.
 *
 * The host is the oracle: hardware for binary32 and binary64, the compiler's run-time library for
 * binary16 and binary128, glibc's libm for square roots, fused operations and rounding to integral.
 * What a host or a compiler does not have is left out by `#if`; the self-test table (computed with
 * unbounded integers, by softfloat_reference.py) covers those kinds everywhere.
 *
 * Operands come from a list of corners, crossed with itself, and from generators that favour what
 * goes wrong: neighbouring exponents, ties, few or many ones, integers. NaNs compare by being the
 * canonical one. DAVIT_TEST_LONG=n in the environment multiplies the number of random cases by n.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "base/rng.h"
#include "base/softfloat.h"

#if defined(__x86_64__) && defined(__SIZEOF_FLOAT128__) && defined(__GLIBC__)
#define HAVE_FLOAT128 1
#else
#define HAVE_FLOAT128 0
#endif
#if HAVE_FLOAT128 && ((defined(__clang__) && __clang_major__ >= 15) || \
                      (!defined(__clang__) && defined(__GNUC__) && __GNUC__ >= 12))
#define HAVE_FLOAT16 1
#else
#define HAVE_FLOAT16 0
#endif

/* Operations under test, as numbers so that oracles can be tables */

#define BINARY_OPS(OP) OP(add) OP(sub) OP(mul) OP(div) OP(min) OP(max)
#define UNARY_OPS(OP) OP(sqrt) OP(ceil) OP(floor) OP(trunc) OP(nearest)

#define AS_ENUM(name) OP_##name,
typedef enum BinaryOp { BINARY_OPS(AS_ENUM) BINARY_COUNT } BinaryOp;
typedef enum UnaryOp { UNARY_OPS(AS_ENUM) UNARY_COUNT } UnaryOp;

#define AS_NAME(name) #name,
static const char *const binary_names[] = {BINARY_OPS(AS_NAME)};
static const char *const unary_names[] = {UNARY_OPS(AS_NAME)};

#define AS_FUNCTION(name) dv_float_##name,
static U128 (*const binary_ours[])(FloatKind, U128, U128) = {BINARY_OPS(AS_FUNCTION)};
static U128 (*const unary_ours[])(FloatKind, U128) = {UNARY_OPS(AS_FUNCTION)};

static const FloatKind all_kinds[] = {FLOAT_16, FLOAT_32, FLOAT_64, FLOAT_128};

static U128 bits(u64 lo)
{
    return dv_u128_from_u64(lo);
}

static u64 cases(u64 count)
{
    const char *factor = getenv("DAVIT_TEST_LONG");
    return factor == NULL ? count : count * strtoull(factor, NULL, 10);
}

static void check_bits(const char *what, FloatKind kind, U128 got, U128 want, U128 a, U128 b)
{
    if (!dv_u128_eq(got, want)) {
        print_message("%s f%u of %016" PRIx64 "%016" PRIx64 ", %016" PRIx64 "%016" PRIx64 "\n",
                      what, dv_float_width(kind), a.hi, a.lo, b.hi, b.lo);
        print_message("  is %016" PRIx64 "%016" PRIx64 ", should be %016" PRIx64 "%016" PRIx64 "\n",
                      got.hi, got.lo, want.hi, want.lo);
        fail();
    }
}

/* Operands */

enum { CORNERS_MAX = 256 };

typedef struct Corners {
    u32 count;
    U128 value[CORNERS_MAX];
} Corners;

static void add_corner(Corners *corners, FloatKind kind, U128 value)
{
    CHECK(corners->count + 2 <= CORNERS_MAX);
    corners->value[corners->count++] = value;
    corners->value[corners->count++] = dv_float_neg(kind, value);
}

/* The value and its neighbours on both sides. */
static void add_corner_around(Corners *corners, FloatKind kind, U128 value)
{
    add_corner(corners, kind, value);
    add_corner(corners, kind, dv_u128_add(value, bits(1)));
    add_corner(corners, kind, dv_u128_sub(value, bits(1)));
}

static U128 power_of_two(FloatKind kind, u32 n)
{
    u32 bias = ((u32)1 << (dv_float_exp_bits(kind) - 1)) - 1;
    u32 field = bias + n < 2 * bias ? bias + n : 2 * bias;
    return dv_u128_shl(bits(field), dv_float_frac_bits(kind));
}

/* The most telling ones first: zeros, subnormals, one, the ends, infinity, NaNs; then ties and the
 * boundaries of integers. */
static Corners make_corners(FloatKind kind)
{
    u32 frac_bits = dv_float_frac_bits(kind);
    U128 smallest_normal = dv_u128_shl(bits(1), frac_bits);
    U128 inf = dv_float_inf(kind, false);
    Corners corners = {0};
    add_corner(&corners, kind, bits(0));
    add_corner(&corners, kind, bits(1));
    add_corner_around(&corners, kind, smallest_normal);
    add_corner_around(&corners, kind, power_of_two(kind, 0));
    add_corner_around(&corners, kind, inf); /* the largest number, infinity, a signalling NaN */
    add_corner(&corners, kind, dv_float_nan(kind));
    add_corner(&corners, kind, dv_u128_sub(power_of_two(kind, 0), smallest_normal)); /* 0.5 */
    add_corner(&corners, kind, power_of_two(kind, 1));

    add_corner(&corners, kind, dv_u128_or(dv_float_nan(kind), bits(5)));
    add_corner(&corners, kind, dv_u128_sub(dv_float_nan(kind), bits(1)));
    add_corner_around(&corners, kind, dv_u128_sub(power_of_two(kind, 0), smallest_normal));
    add_corner(&corners, kind, bits(2));
    add_corner(&corners, kind, bits(3));
    U128 half_step = dv_u128_shl(bits(1), frac_bits - 1); /* 1.5, 2.5, 3.5 */
    add_corner(&corners, kind, dv_u128_or(power_of_two(kind, 0), half_step));
    add_corner(&corners, kind, dv_u128_or(power_of_two(kind, 1), dv_u128_lshr(half_step, 1)));
    add_corner(
        &corners, kind,
        dv_u128_or(power_of_two(kind, 1), dv_u128_add(half_step, dv_u128_lshr(half_step, 1))));
    add_corner_around(&corners, kind, power_of_two(kind, frac_bits - 1));
    add_corner_around(&corners, kind, power_of_two(kind, frac_bits));
    add_corner_around(&corners, kind, power_of_two(kind, frac_bits + 1));
    for (u32 n = 8; n <= 128; n *= 2) {
        add_corner_around(&corners, kind, power_of_two(kind, n - 1));
        add_corner_around(&corners, kind, power_of_two(kind, n));
        u32 shift = frac_bits - (n - 1); /* 2^(n-1) + 1 and 2^(n-1) - 1, and halves beside them */
        if (n - 1 < frac_bits) {
            U128 step = dv_u128_shl(bits(1), shift);
            add_corner_around(&corners, kind, dv_u128_add(power_of_two(kind, n - 1), step));
            add_corner_around(&corners, kind,
                              dv_u128_sub(power_of_two(kind, n - 1), dv_u128_lshr(step, 1)));
        }
    }
    return corners;
}

static U128 random_128(Rng *rng)
{
    U128 value = {dv_rng_next(rng), 0};
    value.hi = dv_rng_next(rng);
    return value;
}

static U128 low_bits(U128 a, u32 n)
{
    return n == 128 ? a : dv_u128_xor(a, dv_u128_shl(dv_u128_lshr(a, n), n));
}

/* A fraction that is uniform, or a run of ones, or few ones: the last two make ties and carries. */
static U128 random_frac(FloatKind kind, Rng *rng)
{
    u32 frac_bits = dv_float_frac_bits(kind);
    u32 from = (u32)dv_rng_below(rng, frac_bits);
    u32 to = (u32)dv_rng_below(rng, frac_bits);
    switch (dv_rng_below(rng, 4)) {
    case 0:
        return low_bits(dv_u128_xor(dv_u128_shl(bits(1), from), dv_u128_shl(bits(1), to)),
                        frac_bits);
    case 1:
        return low_bits(dv_u128_sub(dv_u128_shl(bits(1), from), dv_u128_shl(bits(1), to)),
                        frac_bits);
    default:
        return low_bits(random_128(rng), frac_bits);
    }
}

/* A value; `near` is one whose exponent it may come close to. */
static U128 random_value(FloatKind kind, const Corners *corners, Rng *rng, U128 near)
{
    u32 width = dv_float_width(kind);
    u32 frac_bits = dv_float_frac_bits(kind);
    u32 exp_bits = dv_float_exp_bits(kind);
    u64 exp_mask = ((u64)1 << exp_bits) - 1;
    u64 bias = exp_mask >> 1;
    u64 near_exp = dv_u128_lshr(near, frac_bits).lo;
    u64 exp;
    switch (dv_rng_below(rng, 8)) {
    case 0:
        return corners->value[dv_rng_below(rng, corners->count)];
    case 1:
        return low_bits(random_128(rng), width);
    case 2: /* within reach of a sum or an fma */
        exp = near_exp + dv_rng_below(rng, 2 * (u64)frac_bits + 8) - frac_bits - 4;
        break;
    case 3: /* cancels */
    case 4:
        exp = near_exp + dv_rng_below(rng, 5) - 2;
        break;
    case 5: /* an integer or nearly */
        exp = bias + dv_rng_below(rng, 130) - 1;
        break;
    case 6: /* a product or quotient with near is at an end of the range */
        exp = (dv_rng_chance(rng, 2) ? bias + 2 : 3 * bias) - near_exp + dv_rng_below(rng, 6) - 3;
        break;
    default:
        exp = dv_rng_next(rng);
        break;
    }
    U128 value = dv_u128_or(random_frac(kind, rng), dv_u128_shl(bits(exp & exp_mask), frac_bits));
    return dv_rng_chance(rng, 2) ? dv_float_neg(kind, value) : value;
}

/* The host as an oracle */

typedef struct Host {
    FloatKind kind;
    U128 (*binary)(BinaryOp op, U128 a, U128 b);
    U128 (*unary)(UnaryOp op, U128 a);
    U128 (*fma)(U128 a, U128 b, U128 c);
    FloatOrder (*compare)(U128 a, U128 b);
    U128 (*convert[FLOAT_KIND_COUNT])(U128 a); /* NULL where the host does not have the kind */
} Host;

#if HAVE_FLOAT128
__extension__ typedef __float128 Quad;
Quad sqrtf128(Quad a);
Quad ceilf128(Quad a);
Quad floorf128(Quad a);
Quad truncf128(Quad a);
Quad rintf128(Quad a);
Quad fmaf128(Quad a, Quad b, Quad c);
Quad strtof128(const char *text, char **end);
#endif

/* Moves a value of a host type in and out of bits. The representation is an unsigned integer, or a
 * U128. */
#define DEFINE_MOVES(name, KIND, Type, Bits, to_bits, from_bits) \
    static Type load_##name(U128 a) \
    { \
        Type value; \
        Bits raw = from_bits(a); \
        memcpy(&value, &raw, sizeof value); \
        return value; \
    } \
    static U128 store_##name(Type value) \
    { \
        Bits raw; \
        memcpy(&raw, &value, sizeof raw); \
        return value != value ? dv_float_nan(KIND) : to_bits(raw); \
    }

#define DEFINE_ORACLE(name, KIND, Type, SQRT, CEIL, FLOOR, TRUNC, RINT) \
    static U128 binary_##name(BinaryOp op, U128 a, U128 b) \
    { \
        Type x = load_##name(a); \
        Type y = load_##name(b); \
        bool below = x < y || (x == y && dv_float_is_negative(KIND, a)); \
        bool nan = x != x || y != y; \
        switch (op) { \
        case OP_add: \
            return store_##name((Type)(x + y)); \
        case OP_sub: \
            return store_##name((Type)(x - y)); \
        case OP_mul: \
            return store_##name((Type)(x * y)); \
        case OP_div: \
            return store_##name((Type)(x / y)); \
        case OP_min: \
            return nan ? dv_float_nan(KIND) : below ? a : b; \
        default: \
            return nan ? dv_float_nan(KIND) : below ? b : a; \
        } \
    } \
    static U128 unary_##name(UnaryOp op, U128 a) \
    { \
        Type x = load_##name(a); \
        switch (op) { \
        case OP_sqrt: \
            return store_##name((Type)SQRT(x)); \
        case OP_ceil: \
            return store_##name((Type)CEIL(x)); \
        case OP_floor: \
            return store_##name((Type)FLOOR(x)); \
        case OP_trunc: \
            return store_##name((Type)TRUNC(x)); \
        default: \
            return store_##name((Type)RINT(x)); \
        } \
    } \
    static FloatOrder compare_##name(U128 a, U128 b) \
    { \
        Type x = load_##name(a); \
        Type y = load_##name(b); \
        return x < y ? FLOAT_LT : x > y ? FLOAT_GT : x == y ? FLOAT_EQ : FLOAT_UNORDERED; \
    }

#define DEFINE_CONVERT(from, to, Type) \
    static U128 convert_##from##_##to(U128 a) \
    { \
        return store_##to((Type)load_##from(a)); \
    }

#define IDENTITY(a) (a)
#define LOW_U16(a) ((u16)(a).lo)
#define LOW_U32(a) ((u32)(a).lo)
#define LOW_U64(a) ((a).lo)

DEFINE_MOVES(f32, FLOAT_32, float, u32, bits, LOW_U32)
DEFINE_ORACLE(f32, FLOAT_32, float, sqrtf, ceilf, floorf, truncf, rintf)
DEFINE_MOVES(f64, FLOAT_64, double, u64, bits, LOW_U64)
DEFINE_ORACLE(f64, FLOAT_64, double, sqrt, ceil, floor, trunc, rint)
DEFINE_CONVERT(f32, f32, float)
DEFINE_CONVERT(f32, f64, double)
DEFINE_CONVERT(f64, f32, float)
DEFINE_CONVERT(f64, f64, double)

static U128 fma_f32(U128 a, U128 b, U128 c)
{
    return store_f32(fmaf(load_f32(a), load_f32(b), load_f32(c)));
}

static U128 fma_f64(U128 a, U128 b, U128 c)
{
    return store_f64(fma(load_f64(a), load_f64(b), load_f64(c)));
}

#if HAVE_FLOAT128
DEFINE_MOVES(f128, FLOAT_128, Quad, U128, IDENTITY, IDENTITY)
DEFINE_ORACLE(f128, FLOAT_128, Quad, sqrtf128, ceilf128, floorf128, truncf128, rintf128)
DEFINE_CONVERT(f32, f128, Quad)
DEFINE_CONVERT(f64, f128, Quad)
DEFINE_CONVERT(f128, f32, float)
DEFINE_CONVERT(f128, f64, double)
DEFINE_CONVERT(f128, f128, Quad)

static U128 fma_f128(U128 a, U128 b, U128 c)
{
    return store_f128(fmaf128(load_f128(a), load_f128(b), load_f128(c)));
}
#endif

#if HAVE_FLOAT16
__extension__ typedef _Float16 Half;
DEFINE_MOVES(f16, FLOAT_16, Half, u16, bits, LOW_U16)
DEFINE_ORACLE(f16, FLOAT_16, Half, sqrtf, ceilf, floorf, truncf, rintf)
DEFINE_CONVERT(f16, f16, Half)
DEFINE_CONVERT(f16, f32, float)
DEFINE_CONVERT(f16, f64, double)
DEFINE_CONVERT(f16, f128, Quad)
DEFINE_CONVERT(f32, f16, Half)
DEFINE_CONVERT(f64, f16, Half)
DEFINE_CONVERT(f128, f16, Half)

/* Exact in binary128: product and sum span 80 bits. */
static U128 fma_f16(U128 a, U128 b, U128 c)
{
    return store_f16((Half)((Quad)load_f16(a) * (Quad)load_f16(b) + (Quad)load_f16(c)));
}
#define CONVERT_16(from) convert_##from##_f16
#else
#define CONVERT_16(from) NULL
#endif

#if HAVE_FLOAT128
#define CONVERT_128(from) convert_##from##_f128
#else
#define CONVERT_128(from) NULL
#endif

#define HOST(name, KIND) \
    { \
        KIND, binary_##name, unary_##name, fma_##name, compare_##name, \
        { \
            CONVERT_16(name), convert_##name##_f32, convert_##name##_f64, CONVERT_128(name) \
        } \
    }

static const Host hosts[] = {
    HOST(f32, FLOAT_32),
    HOST(f64, FLOAT_64),
#if HAVE_FLOAT16
    HOST(f16, FLOAT_16),
#endif
#if HAVE_FLOAT128
    HOST(f128, FLOAT_128),
#endif
};

/* Every operation against the host on these operands */

static void check_binary(const Host *host, U128 a, U128 b)
{
    for (u32 op = 0; op < BINARY_COUNT; op++) {
        check_bits(binary_names[op], host->kind, binary_ours[op](host->kind, a, b),
                   host->binary((BinaryOp)op, a, b), a, b);
    }
    check_bits("compare", host->kind, bits(dv_float_compare(host->kind, a, b)),
               bits(host->compare(a, b)), a, b);
}

static void check_unary(const Host *host, U128 a)
{
    for (u32 op = 0; op < UNARY_COUNT; op++) {
        check_bits(unary_names[op], host->kind, unary_ours[op](host->kind, a),
                   host->unary((UnaryOp)op, a), a, bits(0));
    }
    for (u32 to = 0; to < FLOAT_KIND_COUNT; to++) {
        if (host->convert[to] != NULL) {
            check_bits("convert", (FloatKind)to, dv_float_convert(host->kind, (FloatKind)to, a),
                       host->convert[to](a), a, bits(dv_float_width(host->kind)));
        }
    }
}

static void check_fma(const Host *host, U128 a, U128 b, U128 c)
{
    U128 got = dv_float_fma(host->kind, a, b, c);
    U128 want = host->fma(a, b, c);
    if (!dv_u128_eq(got, want)) {
        print_message("addend %016" PRIx64 "%016" PRIx64 "\n", c.hi, c.lo);
    }
    check_bits("fma", host->kind, got, want, a, b);
}

static void test_corners(void **state)
{
    (void)state;
    for (u32 h = 0; h < ARRAY_LEN(hosts); h++) {
        Corners corners = make_corners(hosts[h].kind);
        for (u32 i = 0; i < corners.count; i++) {
            check_unary(&hosts[h], corners.value[i]);
            for (u32 j = 0; j < corners.count; j++) {
                check_binary(&hosts[h], corners.value[i], corners.value[j]);
            }
        }
    }
}

static void test_fma_corners(void **state)
{
    (void)state;
    const u32 most_telling = 40;
    for (u32 h = 0; h < ARRAY_LEN(hosts); h++) {
        Corners corners = make_corners(hosts[h].kind);
        u32 count = corners.count < most_telling ? corners.count : most_telling;
        for (u32 i = 0; i < count * count * count; i++) {
            check_fma(&hosts[h], corners.value[i % count], corners.value[i / count % count],
                      corners.value[i / count / count]);
        }
    }
}

/* What rounding a product loses: nearly all of the exact product cancels. The factors are 1 + 2^-i
 * and 1 + 2^-j, so the last digit stands alone, up to 224 binary places below the first. */
static void test_fma_cancels(void **state)
{
    (void)state;
    for (u32 h = 0; h < ARRAY_LEN(hosts); h++) {
        FloatKind kind = hosts[h].kind;
        u32 frac_bits = dv_float_frac_bits(kind);
        for (u32 i = 0; i < frac_bits * frac_bits; i++) {
            U128 one = power_of_two(kind, 0);
            U128 a = dv_u128_or(one, dv_u128_shl(bits(1), i % frac_bits));
            U128 b = dv_u128_or(one, dv_u128_shl(bits(1), i / frac_bits));
            check_fma(&hosts[h], a, b, dv_float_neg(kind, dv_float_mul(kind, a, b)));
        }
    }
    /* (1 + 2^-112)^2 - (1 + 2^-111) = 2^-224, on any host */
    U128 factor = {1, 0x3fff000000000000};
    U128 error = dv_float_fma(FLOAT_128, factor, factor, (U128){2, 0xbfff000000000000});
    check_bits("fma", FLOAT_128, error, (U128){0, 0x3f1f000000000000}, factor, factor);
}

static void test_random(void **state)
{
    (void)state;
    Rng rng;
    dv_rng_seed(&rng, 3);
    for (u32 h = 0; h < ARRAY_LEN(hosts); h++) {
        const Host *host = &hosts[h];
        Corners corners = make_corners(host->kind);
        u64 count = cases(host->kind == FLOAT_128 ? 150000 : 400000);
        for (u64 i = 0; i < count; i++) {
            U128 a = random_value(host->kind, &corners, &rng, power_of_two(host->kind, 0));
            U128 b = random_value(host->kind, &corners, &rng, a);
            check_binary(host, a, b);
            check_unary(host, a);
            U128 product = dv_float_mul(host->kind, a, b);
            check_fma(host, a, b, random_value(host->kind, &corners, &rng, product));
            check_fma(host, a, b, dv_float_neg(host->kind, product));
        }
    }
}

static void test_f16_exhaustive(void **state)
{
    (void)state;
    for (u32 h = 0; h < ARRAY_LEN(hosts); h++) {
        if (hosts[h].kind != FLOAT_16) {
            continue;
        }
        for (u32 a = 0; a < 65536; a++) {
            check_unary(&hosts[h], bits(a));
        }
    }
}

/* Integers, by way of the host's binary128, which holds every other kind exactly */

static const u32 int_widths[] = {8, 16, 32, 64, 128};

static const u64 int_corners[] = {
    0,
    1,
    0x7e,
    0x7f,
    0x80,
    0x81,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    0x7fffffffffffffff,
    0x8000000000000000,
    0xffffffffffffffff,
    2047,
    2048,
    2049,
    4097,
    4099,
    65503,
    65519,
    65520,
    16777217,
    16777219,
    0x20000000000001,
    0x20000000000003,
};

static U128 random_int(Rng *rng)
{
    u64 kind = dv_rng_below(rng, 4);
    U128 a = random_128(rng);
    if (kind == 0) {
        a = dv_u128_from_i64((i64)int_corners[dv_rng_below(rng, ARRAY_LEN(int_corners))]);
    } else if (kind == 1) {
        a = random_frac(FLOAT_128, rng);
    }
    return dv_u128_lshr(a, (u32)dv_rng_below(rng, 128));
}

/* What is out of range gives the nearest limit, NaN gives 0. */
static void check_saturation(FloatKind kind, U128 a, u32 width, bool is_signed)
{
    U128 value;
    FloatToInt verdict = dv_float_to_int(kind, a, width, is_signed, &value);
    if (verdict == FLOAT_INT_RANGE) {
        U128 all = low_bits((U128){UINT64_MAX, UINT64_MAX}, width);
        U128 half = dv_u128_shl(bits(1), width - 1);
        U128 top = is_signed ? dv_u128_sub(half, bits(1)) : all;
        U128 bottom = is_signed ? half : bits(0);
        value = dv_float_is_negative(kind, a) ? bottom : top;
    }
    check_bits("to_int_sat", kind, dv_float_to_int_sat(kind, a, width, is_signed), value, a,
               bits(width));
}

#if HAVE_FLOAT128
static const Host *find_host(FloatKind kind)
{
    for (u32 h = 0; h < ARRAY_LEN(hosts); h++) {
        if (hosts[h].kind == kind) {
            return &hosts[h];
        }
    }
    return NULL;
}

static Quad quad_power_of_two(u32 n)
{
    return load_f128(power_of_two(FLOAT_128, n));
}

static FloatToInt host_to_int(Quad value, u32 width, bool is_signed, U128 *out)
{
    Quad whole = truncf128(value);
    Quad limit = quad_power_of_two(is_signed ? width - 1 : width);
    bool negative = whole < 0;
    *out = bits(0);
    if (value != value) {
        return FLOAT_INT_NAN;
    }
    if (whole >= limit || (negative && !is_signed) || whole < -limit) {
        return FLOAT_INT_RANGE;
    }
    Quad magnitude = negative ? -whole : whole;
    U128 result = {0, (u64)(magnitude / quad_power_of_two(64))};
    result.lo = (u64)(magnitude - (Quad)result.hi * quad_power_of_two(64));
    *out = low_bits(negative ? dv_u128_neg(result) : result, width);
    return FLOAT_INT_OK;
}

/* Rounds once: an integer too long for binary128 has its end jammed before it is made a smaller
 * kind. */
static U128 host_from_int(FloatKind kind, U128 a, u32 width, bool is_signed)
{
    bool negative = is_signed && (dv_u128_lshr(a, width - 1).lo & 1) != 0;
    U128 magnitude = low_bits(negative ? dv_u128_neg(a) : a, width);
    if (kind != FLOAT_128 && magnitude.hi >> 32 != 0) {
        u64 jam = magnitude.lo << 32 != 0;
        magnitude.lo = (magnitude.lo >> 32 | jam) << 32;
    }
    Quad value = (Quad)magnitude.hi * quad_power_of_two(64) + (Quad)magnitude.lo;
    return find_host(FLOAT_128)->convert[kind](store_f128(negative ? -value : value));
}

static void check_to_int(const Host *host, U128 a)
{
    for (u32 w = 0; w < ARRAY_LEN(int_widths) * 2; w++) {
        u32 width = int_widths[w / 2];
        bool is_signed = w % 2 != 0;
        U128 got;
        U128 want;
        FloatToInt verdict = dv_float_to_int(host->kind, a, width, is_signed, &got);
        FloatToInt expected =
            host_to_int(load_f128(host->convert[FLOAT_128](a)), width, is_signed, &want);
        check_bits("to_int verdict", host->kind, bits(verdict), bits(expected), a, bits(width));
        check_bits("to_int", host->kind, got, want, a, bits(width));
        check_saturation(host->kind, a, width, is_signed);
    }
}

static void check_from_int(FloatKind kind, U128 a)
{
    for (u32 w = 0; w < ARRAY_LEN(int_widths) * 2; w++) {
        u32 width = int_widths[w / 2];
        bool is_signed = w % 2 != 0;
        check_bits(is_signed ? "from_sint" : "from_uint", kind,
                   dv_float_from_int(kind, a, width, is_signed),
                   host_from_int(kind, a, width, is_signed), a, bits(width));
    }
}

static void test_to_int(void **state)
{
    (void)state;
    Rng rng;
    dv_rng_seed(&rng, 4);
    for (u32 h = 0; h < ARRAY_LEN(hosts); h++) {
        FloatKind kind = hosts[h].kind;
        Corners corners = make_corners(kind);
        for (u32 i = 0; i < corners.count; i++) {
            check_to_int(&hosts[h], corners.value[i]);
        }
        u64 count = cases(30000);
        for (u64 i = 0; i < count; i++) {
            check_to_int(&hosts[h], random_value(kind, &corners, &rng, power_of_two(kind, 12)));
        }
        for (u32 a = 0; kind == FLOAT_16 && a < 65536; a++) {
            check_to_int(&hosts[h], bits(a));
        }
    }
}

static void test_from_int(void **state)
{
    (void)state;
    Rng rng;
    dv_rng_seed(&rng, 5);
    u64 count = cases(60000);
    for (u32 h = 0; h < ARRAY_LEN(hosts); h++) {
        for (u32 i = 0; i < ARRAY_LEN(int_corners); i++) {
            check_from_int(hosts[h].kind, bits(int_corners[i]));
            check_from_int(hosts[h].kind, (U128){0, int_corners[i]});
            check_from_int(hosts[h].kind, (U128){1, int_corners[i]});
            check_from_int(hosts[h].kind, dv_u128_neg(bits(int_corners[i])));
        }
        for (u64 i = 0; i < count; i++) {
            check_from_int(hosts[h].kind, random_int(&rng));
        }
        for (u32 a = 0; hosts[h].kind == FLOAT_16 && a < 65536; a++) {
            check_from_int(FLOAT_16, bits(a));
        }
    }
}
#endif

static void test_to_int_examples(void **state)
{
    (void)state;
    U128 value = bits(99);
    U128 minus_0_9 = bits(0xbf666666);
    assert_int_equal(dv_float_to_int(FLOAT_32, minus_0_9, 32, false, &value), FLOAT_INT_OK);
    assert_int_equal(value.lo, 0);
    U128 minus_1 = bits(0xbf800000);
    assert_int_equal(dv_float_to_int(FLOAT_32, minus_1, 32, false, &value), FLOAT_INT_RANGE);
    assert_int_equal(dv_float_to_int_sat(FLOAT_32, minus_1, 32, false).lo, 0);
    assert_int_equal(dv_float_to_int(FLOAT_32, minus_1, 8, true, &value), FLOAT_INT_OK);
    assert_int_equal(value.lo, 0xff);
    assert_int_equal(dv_float_to_int(FLOAT_32, bits(0xff800001), 8, true, &value), FLOAT_INT_NAN);
    assert_int_equal(dv_float_to_int_sat(FLOAT_32, bits(0xff800000), 8, true).lo, 0x80);
    assert_int_equal(dv_float_to_int_sat(FLOAT_32, bits(0x7fc00000), 8, true).lo, 0);
}

/* Bits, classes, and what the operations promise about NaNs */

static void check_classes(FloatKind kind, U128 a)
{
    U128 inf = dv_float_inf(kind, false);
    U128 magnitude = low_bits(a, dv_float_width(kind) - 1);
    U128 sign = dv_u128_xor(a, magnitude);
    bool nan = dv_u128_ult(inf, magnitude);
    bool quiet = (dv_u128_lshr(a, dv_float_frac_bits(kind) - 1).lo & 1) != 0;
    assert_int_equal(dv_float_is_nan(kind, a), nan);
    assert_int_equal(dv_float_is_snan(kind, a), nan && !quiet);
    assert_int_equal(dv_float_is_inf(kind, a), dv_u128_eq(magnitude, inf));
    assert_int_equal(dv_float_is_zero(kind, a), dv_u128_is_zero(magnitude));
    assert_int_equal(dv_float_is_negative(kind, a), !dv_u128_is_zero(sign));

    U128 sign_mask = dv_u128_shl(bits(1), dv_float_width(kind) - 1);
    U128 minus = dv_float_zero(kind, true);
    assert_true(dv_u128_eq(minus, sign_mask));
    check_bits("neg", kind, dv_float_neg(kind, a), dv_u128_xor(a, sign_mask), a, a);
    check_bits("abs", kind, dv_float_abs(kind, a), magnitude, a, a);
    check_bits("copysign", kind, dv_float_copysign(kind, a, minus),
               dv_u128_or(magnitude, sign_mask), a, minus);
    check_bits("copysign", kind, dv_float_copysign(kind, minus, a), sign, minus, a);
}

/* Any NaN operand, in any place, gives the canonical NaN; upper bits of operands are ignored. */
static void check_nan_and_junk(FloatKind kind, U128 a, U128 b)
{
    u32 width = dv_float_width(kind);
    U128 junk = width == 128 ? bits(0) : dv_u128_shl((U128){UINT64_MAX, UINT64_MAX}, width);
    U128 nan = dv_float_nan(kind);
    bool any_nan = dv_float_is_nan(kind, a) || dv_float_is_nan(kind, b);
    for (u32 op = 0; op < BINARY_COUNT; op++) {
        U128 got = binary_ours[op](kind, a, b);
        U128 with_junk = binary_ours[op](kind, dv_u128_or(a, junk), dv_u128_or(b, junk));
        check_bits("with junk above", kind, with_junk, got, a, b);
        if (any_nan || dv_float_is_nan(kind, got)) {
            check_bits(binary_names[op], kind, got, nan, a, b);
        }
    }
    for (u32 op = 0; op < UNARY_COUNT; op++) {
        U128 got = unary_ours[op](kind, a);
        check_bits("with junk above", kind, unary_ours[op](kind, dv_u128_or(a, junk)), got, a, b);
        if (dv_float_is_nan(kind, got)) {
            check_bits(unary_names[op], kind, got, nan, a, b);
        }
    }
    if (any_nan) {
        assert_int_equal(dv_float_compare(kind, a, b), FLOAT_UNORDERED);
        check_bits("fma", kind, dv_float_fma(kind, a, b, bits(0)), nan, a, b);
        check_bits("fma", kind, dv_float_fma(kind, bits(0), a, b), nan, a, b);
    }
    check_bits("sub", kind, dv_float_sub(kind, a, b), dv_float_add(kind, a, dv_float_neg(kind, b)),
               a, b);
}

static void test_bits_and_nans(void **state)
{
    (void)state;
    for (u32 k = 0; k < ARRAY_LEN(all_kinds); k++) {
        Corners corners = make_corners(all_kinds[k]);
        for (u32 i = 0; i < corners.count; i++) {
            check_classes(all_kinds[k], corners.value[i]);
            for (u32 j = 0; j < corners.count; j++) {
                check_nan_and_junk(all_kinds[k], corners.value[i], corners.value[j]);
            }
        }
    }
    assert_int_equal(dv_float_nan(FLOAT_16).lo, 0x7e00);
    assert_int_equal(dv_float_nan(FLOAT_32).lo, 0x7fc00000);
    assert_true(dv_float_nan(FLOAT_64).lo == 0x7ff8000000000000);
    assert_true(dv_u128_eq(dv_float_nan(FLOAT_128), (U128){0, 0x7fff800000000000}));
}

/* Text */

static void check_round_trip(FloatKind kind, U128 a)
{
    char text[FLOAT_TEXT_MAX];
    const char *error = "";
    U128 back = bits(0);
    usize length = dv_float_format(kind, a, text);
    assert_int_equal(length, strlen(text));
    assert_true(length < FLOAT_TEXT_MAX);
    if (!dv_float_parse(kind, text, length, &back, &error)) {
        fail_msg("%s: %s", text, error);
    }
    check_bits(text, kind, back, a, a, bits(0));
}

static void test_text_round_trip(void **state)
{
    (void)state;
    Rng rng;
    dv_rng_seed(&rng, 6);
    for (u32 a = 0; a < 65536; a++) {
        check_round_trip(FLOAT_16, bits(a));
    }
    for (u32 k = 0; k < ARRAY_LEN(all_kinds); k++) {
        Corners corners = make_corners(all_kinds[k]);
        for (u32 i = 0; i < corners.count; i++) {
            check_round_trip(all_kinds[k], corners.value[i]);
        }
        u64 count = cases(100000);
        for (u64 i = 0; i < count; i++) {
            check_round_trip(all_kinds[k],
                             low_bits(random_128(&rng), dv_float_width(all_kinds[k])));
        }
    }
}

typedef struct TextCase {
    FloatKind kind;
    const char *text;
    U128 value;
} TextCase;

/* What is written for a value, which is also read. */
static const TextCase canonical_texts[] = {
    {FLOAT_32, "0.0", {0, 0}},
    {FLOAT_32, "-0.0", {0x80000000, 0}},
    {FLOAT_32, "0x1.000000p0", {0x3f800000, 0}},
    {FLOAT_32, "-0x1.800000p3", {0xc1400000, 0}},
    {FLOAT_32, "0x0.000002p-126", {1, 0}},
    {FLOAT_32, "0x0.fffffep-126", {0x007fffff, 0}},
    {FLOAT_32, "0x1.fffffep127", {0x7f7fffff, 0}},
    {FLOAT_32, "+Inf", {0x7f800000, 0}},
    {FLOAT_32, "-Inf", {0xff800000, 0}},
    {FLOAT_32, "+NaN", {0x7fc00000, 0}},
    {FLOAT_32, "-NaN", {0xffc00000, 0}},
    {FLOAT_32, "-NaN:0x3fffff", {0xffffffff, 0}},
    {FLOAT_32, "+sNaN:0x1", {0x7f800001, 0}},
    {FLOAT_32, "-sNaN:0x200001", {0xffa00001, 0}},
    {FLOAT_16, "0x1.ffcp15", {0x7bff, 0}},
    {FLOAT_16, "0x0.004p-14", {1, 0}},
    {FLOAT_16, "+NaN:0x1ff", {0x7fff, 0}},
    {FLOAT_64, "0x1.999999999999ap-4", {0x3fb999999999999a, 0}},
    {FLOAT_64, "0x0.0000000000001p-1022", {1, 0}},
    {FLOAT_64, "+NaN:0x4000000000001", {0x7ffc000000000001, 0}},
    {FLOAT_128, "0x1.0000000000000000000000000000p0", {0, 0x3fff000000000000}},
    {FLOAT_128, "-0x0.0000000000000000000000000001p-16382", {1, 0x8000000000000000}},
    {FLOAT_128, "0x1.ffffffffffffffffffffffffffffp16383", {UINT64_MAX, 0x7ffeffffffffffff}},
    {FLOAT_128, "-sNaN:0x7fffffffffffffffffffffffffff", {UINT64_MAX, 0xffff7fffffffffff}},
};

/* Other spellings that are read. */
static const TextCase other_texts[] = {
    {FLOAT_32, "0x0.0", {0, 0}},
    {FLOAT_32, "-0x0.0", {0x80000000, 0}},
    {FLOAT_32, "-0x0p999999999999999999999", {0x80000000, 0}},
    {FLOAT_32, "0x1.8p3", {0x41400000, 0}},
    {FLOAT_32, "0x2.0", {0x40000000, 0}},
    {FLOAT_32, "0x10.0", {0x41800000, 0}},
    {FLOAT_32, "0x.8", {0x3f000000, 0}},
    {FLOAT_32, "0x1.p+4", {0x41800000, 0}},
    {FLOAT_32, "+0x1", {0x3f800000, 0}},
    {FLOAT_32, "0x0.800002p-126", {0x00400001, 0}},
    {FLOAT_32, "0x0.000000000000000000000000000000000000000000000001p192", {0x3f800000, 0}},
    {FLOAT_32, "0x100000000000000000000000000000000000000000000000p-188", {0x3f800000, 0}},
    {FLOAT_32, "0x1FFFFFep103", {0x7f7fffff, 0}},
    {FLOAT_32, "NaN", {0x7fc00000, 0}},
    {FLOAT_32, "NaN:0x1", {0x7fc00001, 0}},
    {FLOAT_32, "-NaN:0x0", {0xffc00000, 0}},
    {FLOAT_32, "sNaN:0x1", {0x7f800001, 0}},
    {FLOAT_32, "Inf", {0x7f800000, 0}},
    {FLOAT_32, "1.5", {0x3fc00000, 0}},
    {FLOAT_32, "-2", {0xc0000000, 0}},
    {FLOAT_32, "16777217.0", {0x4b800000, 0}},
    {FLOAT_32, "16777217.0000000000000000000000000000000001", {0x4b800001, 0}},
    {FLOAT_32, "0.1e1", {0x3f800000, 0}},
    {FLOAT_32, "100E-2", {0x3f800000, 0}},
    {FLOAT_32, "1e-4000", {0, 0}},
    {FLOAT_32, "0e999999999999", {0, 0}},
    {FLOAT_16, "65519.99", {0x7bff, 0}},
    {FLOAT_64, "0.1", {0x3fb999999999999a, 0}},
    {FLOAT_64, "2.2250738585072011e-308", {0x000fffffffffffff, 0}},
    {FLOAT_64, "4.9e-324", {1, 0}},
    {FLOAT_64, "2.4703282292062327208e-324", {0, 0}},
    {FLOAT_64, "2.4703282292062327209e-324", {1, 0}},
    {FLOAT_64, "1.7976931348623158e308", {0x7fefffffffffffff, 0}},
    {FLOAT_128, "0.1", {0x999999999999999a, 0x3ffb999999999999}},
};

static void test_text_examples(void **state)
{
    (void)state;
    char text[FLOAT_TEXT_MAX];
    for (u32 i = 0; i < ARRAY_LEN(canonical_texts); i++) {
        dv_float_format(canonical_texts[i].kind, canonical_texts[i].value, text);
        assert_string_equal(text, canonical_texts[i].text);
        check_round_trip(canonical_texts[i].kind, canonical_texts[i].value);
    }
    for (u32 i = 0; i < ARRAY_LEN(other_texts); i++) {
        const TextCase *expected = &other_texts[i];
        U128 value = bits(77);
        const char *error = NULL;
        if (!dv_float_parse(expected->kind, expected->text, strlen(expected->text), &value,
                            &error)) {
            fail_msg("%s: %s", expected->text, error);
        }
        check_bits(expected->text, expected->kind, value, expected->value, value, value);
    }
}

static void check_refused(FloatKind kind, const char *text, const char *reason)
{
    U128 value = bits(77);
    const char *error = "was accepted";
    if (dv_float_parse(kind, text, strlen(text), &value, &error)) {
        fail_msg("%s: accepted", text);
    }
    assert_string_equal(error, reason);
    assert_int_equal(value.lo, 77);
}

static void test_text_errors(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",       "-",    "+",   ".",    "0x",    "0x.", "0xp1", "0x1p", "0x1p+",  "0x1.0.0",
        "0x1.8q", "1e",   "1e+", "1.5x", "1..5",  "--1", "+-1",  "nan",  "NaN1.5", "NaN:",
        "NaN1",   "Inf1", "inf", "sNaN", "-sNaN", " 1",  "1 ",   "1_0",
    };
    for (u32 i = 0; i < ARRAY_LEN(malformed); i++) {
        check_refused(FLOAT_32, malformed[i], "expected a floating-point number");
    }
    check_refused(FLOAT_32, "NaN:0x", "NaN payload out of range");
    check_refused(FLOAT_32, "NaN:0x400000", "NaN payload out of range");
    check_refused(FLOAT_32, "sNaN:0x0", "NaN payload out of range");
    check_refused(FLOAT_16, "NaN:0x200", "NaN payload out of range");
    check_refused(FLOAT_128, "NaN:0x100000000000000000000000000000000", "NaN payload out of range");
    check_refused(FLOAT_32, "0x1.000001p0", "its type cannot hold this number exactly");
    check_refused(FLOAT_32, "0x1.0p-150", "its type cannot hold this number exactly");
    check_refused(FLOAT_32, "0x0.000001p-126", "its type cannot hold this number exactly");
    check_refused(FLOAT_32, "0x1.00000000000000000000000000000000000000001",
                  "its type cannot hold this number exactly");
    check_refused(FLOAT_128, "0x1.00000000000000000000000000008",
                  "its type cannot hold this number exactly");
    check_refused(FLOAT_32, "0x1.0p128", "number too large for its type");
    check_refused(FLOAT_32, "0x1p1000001", "exponent out of range");
    check_refused(FLOAT_32, "0x1p-99999999999999999999999", "exponent out of range");
    check_refused(FLOAT_32, "3.5e38", "number too large for its type");
    check_refused(FLOAT_16, "65520", "number too large for its type");
    check_refused(FLOAT_64, "1.7976931348623159e308", "number too large for its type");
    check_refused(FLOAT_128, "1e5000", "exponent out of range");
    check_refused(FLOAT_128, "1e99999999999999999999", "exponent out of range");
    check_refused(FLOAT_128, "1e-5002", "exponent out of range");
    check_refused(FLOAT_128, "1.2e4932", "number too large for its type");
}

/* 1000 significant digits are read and 1001 are not, wherever the point and the zeros are. */
static void test_text_limits(void **state)
{
    (void)state;
    char text[1100];
    U128 value;
    const char *error = NULL;
    memset(text, '9', sizeof text);
    assert_true(dv_float_parse(FLOAT_128, text, 1000, &value, &error));
    assert_false(dv_float_parse(FLOAT_128, text, 1001, &value, &error));
    assert_string_equal(error, "too many digits");
    memset(text, '0', 50);
    memset(text + 1050, '0', 50);
    assert_true(dv_float_parse(FLOAT_128, text, sizeof text, &value, &error));
    memcpy(text + 1094, "e-6044", 6);
    assert_true(dv_float_parse(FLOAT_128, text, sizeof text, &value, &error));
    assert_true(dv_float_is_zero(FLOAT_128, value));
    memcpy(text + 1094, "e-6045", 6);
    assert_false(dv_float_parse(FLOAT_128, text, sizeof text, &value, &error));
    assert_string_equal(error, "exponent out of range");
    memcpy(text + 1094, "e+3888", 6);
    assert_true(dv_float_parse(FLOAT_128, text, sizeof text, &value, &error));
    memcpy(text + 1094, "e+3956", 6);
    assert_false(dv_float_parse(FLOAT_128, text, sizeof text, &value, &error));
    assert_string_equal(error, "number too large for its type");
}

static void check_decimal(FloatKind kind, const char *text, U128 want)
{
    U128 got = bits(0);
    const char *error = "";
    bool ok = dv_float_parse(kind, text, strlen(text), &got, &error);
    if (!ok &&
        (!dv_float_is_inf(kind, want) || strcmp(error, "number too large for its type") != 0)) {
        fail_msg("%s: %s", text, error);
    }
    if (ok) {
        check_bits(text, kind, got, want, got, got);
    }
}

static void test_decimal_random(void **state)
{
    (void)state;
    Rng rng;
    dv_rng_seed(&rng, 7);
    u64 count = cases(20000);
    for (u64 i = 0; i < count; i++) {
        char text[128];
        double value = load_f64(bits(dv_rng_next(&rng)));
        u32 digits = (u32)dv_rng_below(&rng, 40);
        bool is_small = dv_rng_chance(&rng, 2);
        if (is_small) {
            value = (double)(i64)dv_rng_next(&rng) / (double)(1 + dv_rng_below(&rng, 1000));
        }
        if (value != value || value - value != 0) {
            continue;
        }
        snprintf(text, sizeof text, is_small ? "%.*f" : "%.*e", (int)digits, value);
        check_decimal(FLOAT_64, text, store_f64(strtod(text, NULL)));
        check_decimal(FLOAT_32, text, store_f32(strtof(text, NULL)));
#if HAVE_FLOAT128
        check_decimal(FLOAT_128, text, store_f128(strtof128(text, NULL)));
#endif
    }
}

static void test_compose(void **state)
{
    (void)state;
    bool inexact = true;
    assert_int_equal(dv_float_compose(FLOAT_32, true, 0, bits(3), &inexact).lo, 0xc0400000);
    assert_false(inexact);
    assert_int_equal(dv_float_compose(FLOAT_32, false, 0, bits(0x1000001), &inexact).lo,
                     0x4b800000);
    assert_true(inexact);
    assert_int_equal(dv_float_compose(FLOAT_32, false, 0, bits(0x3000003), NULL).lo, 0x4c400001);
    assert_int_equal(dv_float_compose(FLOAT_32, true, -150, bits(1), &inexact).lo, 0x80000000);
    assert_true(inexact);
    assert_int_equal(dv_float_compose(FLOAT_32, false, -151, bits(3), NULL).lo, 1);
    assert_int_equal(dv_float_compose(FLOAT_32, false, 128, bits(1), &inexact).lo, 0x7f800000);
    assert_true(inexact);
    assert_int_equal(dv_float_compose(FLOAT_32, true, 1000000, bits(0), &inexact).lo, 0x80000000);
    assert_false(inexact);
    assert_int_equal(dv_float_compose(FLOAT_32, false, -1000000, bits(9), NULL).lo, 0);
}

static void test_selftest(void **state)
{
    (void)state;
    assert_int_equal(dv_selftest_softfloat(stderr), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corners),
        cmocka_unit_test(test_fma_corners),
        cmocka_unit_test(test_fma_cancels),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_f16_exhaustive),
#if HAVE_FLOAT128
        cmocka_unit_test(test_to_int),
        cmocka_unit_test(test_from_int),
#endif
        cmocka_unit_test(test_to_int_examples),
        cmocka_unit_test(test_bits_and_nans),
        cmocka_unit_test(test_text_round_trip),
        cmocka_unit_test(test_text_examples),
        cmocka_unit_test(test_text_errors),
        cmocka_unit_test(test_text_limits),
        cmocka_unit_test(test_decimal_random),
        cmocka_unit_test(test_compose),
        cmocka_unit_test(test_selftest),
    };
    return cmocka_run_group_tests_name("softfloat", tests, NULL, NULL);
}
