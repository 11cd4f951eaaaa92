/* selftest_softfloat.c - every floating-point operation of every kind against checked-in answers.
 *
 * For each operation and kind, operands come from a seeded generator that favours corners and
 * neighbouring exponents, and the results are hashed; the table holds what the hash must be. It was
 * computed by tests/unit/softfloat_reference.py, which shares nothing with this code: it works on
 * fractions of unbounded integers. To add a row, add it there too.
 */
#include "map.h"
#include "rng.h"
#include "softfloat.h"

enum { SAMPLES = 400 };

typedef struct Operands {
    U128 a;
    U128 b;
    U128 c;
} Operands;

typedef U128 (*Operation)(FloatKind kind, const Operands *x);

typedef struct Row {
    const char *name;
    Operation apply;
    u64 hash[FLOAT_KIND_COUNT];
} Row;

/* A value of the kind, perhaps with an exponent close to that of `near`. */
static U128 make_operand(FloatKind kind, Rng *rng, U128 near)
{
    u32 frac_bits = dv_float_frac_bits(kind);
    u32 exp_bits = dv_float_exp_bits(kind);
    u64 choice = dv_rng_next(rng);
    U128 frac = {dv_rng_next(rng), 0};
    frac.hi = dv_rng_next(rng);
    u64 negative = choice >> 63;
    u64 number = choice >> 8 & 0xffff;
    u64 bias = ((u64)1 << (exp_bits - 1)) - 1;
    u64 exp = dv_u128_lshr(near, frac_bits).lo;

    switch (choice & 7) {
    case 0: /* the ends of the range and what lies beside them, infinity, NaNs */
        exp = number % 3 == 0 ? 0 : number % 3 == 1 ? 1 : 2 * bias + 1;
        frac = dv_u128_sub((U128){number / 3 % 3, 0}, dv_u128_from_u64(1));
        break;
    case 1: /* one and its neighbours */
        exp = bias - number % 2;
        frac = dv_u128_sub((U128){number / 2 % 3, 0}, dv_u128_from_u64(1));
        break;
    case 2:
        exp += number % 5 - 2;
        break;
    case 3:
        exp += number % (2 * (u64)frac_bits) - frac_bits;
        break;
    case 4: /* an integer, a half, or nearly */
        exp = bias + number % 130 - 1;
        frac = dv_u128_shl(frac, (u32)(number % frac_bits));
        break;
    case 5: /* ones at the end */
        exp += number % 3 - 1;
        frac = dv_u128_sub(dv_u128_shl(dv_u128_from_u64(1), (u32)(number % frac_bits)),
                           dv_u128_from_u64(1));
        break;
    default:
        exp = choice >> 32;
        break;
    }
    frac = dv_u128_lshr(dv_u128_shl(frac, 128 - frac_bits), 128 - frac_bits);
    U128 field = {exp & (2 * bias + 1), 0};
    U128 sign = dv_u128_shl((U128){negative, 0}, dv_float_width(kind) - 1);
    return dv_u128_or(sign, dv_u128_or(dv_u128_shl(field, frac_bits), frac));
}

/* The operations */

#define BINARY(name) \
    static U128 apply_##name(FloatKind kind, const Operands *x) \
    { \
        return dv_float_##name(kind, x->a, x->b); \
    }
#define UNARY(name) \
    static U128 apply_##name(FloatKind kind, const Operands *x) \
    { \
        return dv_float_##name(kind, x->a); \
    }
#define CONVERT(name, to) \
    static U128 apply_##name(FloatKind kind, const Operands *x) \
    { \
        return dv_float_convert(kind, to, x->a); \
    }

BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(min)
BINARY(max)
UNARY(sqrt)
UNARY(ceil)
UNARY(floor)
UNARY(trunc)
UNARY(nearest)
CONVERT(to_f16, FLOAT_16)
CONVERT(to_f32, FLOAT_32)
CONVERT(to_f64, FLOAT_64)
CONVERT(to_f128, FLOAT_128)

static U128 apply_fma(FloatKind kind, const Operands *x)
{
    return dv_float_fma(kind, x->a, x->b, x->c);
}

static U128 apply_compare(FloatKind kind, const Operands *x)
{
    return dv_u128_from_u64(dv_float_compare(kind, x->a, x->b));
}

/* Integers have 1 to 128 bits and are signed or not, as the operands that are not needed say. */
static u32 int_width(const Operands *x)
{
    return (u32)(x->c.lo % 128) + 1;
}

static U128 apply_to_int(FloatKind kind, const Operands *x)
{
    U128 value;
    u64 verdict = dv_float_to_int(kind, x->a, int_width(x), (x->b.lo & 1) != 0, &value);
    value.hi ^= verdict << 32;
    return value;
}

static U128 apply_to_int_sat(FloatKind kind, const Operands *x)
{
    return dv_float_to_int_sat(kind, x->a, int_width(x), (x->b.lo & 1) != 0);
}

static U128 apply_from_int(FloatKind kind, const Operands *x)
{
    U128 value = {dv_hash_u64(x->a.lo + 1), dv_hash_u64(x->b.lo + 2)};
    value = dv_u128_lshr(value, (u32)(x->a.lo % 128));
    return dv_float_from_int(kind, value, int_width(x), (x->b.lo & 1) != 0);
}

/* The text that is written, if it reads back as the same value. */
static U128 apply_text(FloatKind kind, const Operands *x)
{
    char text[FLOAT_TEXT_MAX];
    const char *error = NULL;
    U128 back = {0, 0};
    U128 hash = {0, 0};
    usize length = dv_float_format(kind, x->a, text);
    if (dv_float_parse(kind, text, length, &back, &error) && dv_u128_eq(back, x->a)) {
        for (usize i = 0; i < length; i++) {
            hash.lo = dv_hash_combine(hash.lo, (u8)text[i]);
        }
    }
    return hash;
}

/* The value of "DIGITSeEXP", with infinity for what is refused as too large. */
static U128 apply_decimal(FloatKind kind, const Operands *x)
{
    static const u32 places[FLOAT_KIND_COUNT] = {10, 50, 340, 4980};
    char text[64];
    const char *error = NULL;
    u64 digits = dv_hash_u64(x->a.lo + 1) >> (x->b.lo & 63);
    i32 exp = (i32)(dv_hash_u64(x->b.lo + 2) % (2 * places[kind])) - (i32)places[kind];
    U128 value = {0, 0};
    int length = snprintf(text, sizeof text, "%" PRIu64 "e%" PRId32, digits, exp);
    if (!dv_float_parse(kind, text, (usize)length, &value, &error)) {
        return dv_float_inf(kind, false);
    }
    return value;
}

#define ROW(name, h16, h32, h64, h128) \
    { \
#name, apply_##name, \
        { \
            h16, h32, h64, h128 \
        } \
    }

/* clang-format off */
static const Row rows[] = {
    ROW(add, 0xf74be32e16ba6c0d, 0xa78737970cf5e25a,
        0x1d29026a4331af70, 0xaaf30644fea19457),
    ROW(sub, 0x16f2af89650b8aae, 0x220e51742c62a434,
        0xea658344a06229a7, 0x4fb8359a95b6eb0a),
    ROW(mul, 0xf8a151167cd6d8ef, 0x5f178a110f9bfbd1,
        0x66b27b66744da1ad, 0xbdb2b02b5d342052),
    ROW(div, 0x0a7b67dc80f93702, 0x8741940bce4c32f3,
        0x21f477f1736d4fba, 0xd16243e8e54c8766),
    ROW(sqrt, 0xa40cabb8e27bed4f, 0x88ca62666529333c,
        0xfbf1d9e41fceb9c3, 0x168963e1a1137adc),
    ROW(fma, 0x754cdeff755a409b, 0x7b4bf4827d217090,
        0xece73350dd2dd2b9, 0xa0766192a39e3fb6),
    ROW(min, 0xb14bcfd8737baf03, 0xd0a87330b66e05f0,
        0x039aa01451c896d9, 0x7ee9d3d7b4b32388),
    ROW(max, 0x0987b0291d4d2738, 0x91332634b8a6b91b,
        0x9d6cb75859ab4dce, 0x58f5a69bc7e71661),
    ROW(compare, 0xfcd16cfbc37991e8, 0x3d20ffa6ec331b48,
        0xf88fb4c2f79772b7, 0x3ab97096b7f53230),
    ROW(ceil, 0x88f517364796786f, 0x98813e8b4fa5ff5c,
        0xdb9f5d82cca86f11, 0x68b094efcd3812f8),
    ROW(floor, 0xb37cba33927ab5f6, 0x2cbd315d15240099,
        0x6d77c4edc0f7f192, 0xb07eedea90e21092),
    ROW(trunc, 0x8c701ac57827450c, 0xaa995aca607c4801,
        0x1d1dc6f8e9210f29, 0x58efae344baa5845),
    ROW(nearest, 0xd71c348d2b26034c, 0xc18c38a0b411c04f,
        0xb932f2d0501443e8, 0x2fad06a3e62dfde9),
    ROW(to_f16, 0x880354d9f7c7dd14, 0xc86d584705f86ad5,
        0x8bbcee096ff2ed3d, 0x648ef321f746fefc),
    ROW(to_f32, 0xb53885a7aab106d7, 0x11e9eafafa377761,
        0x193df16dcd72c614, 0x47921dd42ab8cdc9),
    ROW(to_f64, 0x9e75c8cc769d0601, 0xedfda6df6837ad9a,
        0x900ab1d7af619daa, 0xecd13cf9154bd2d8),
    ROW(to_f128, 0x3b122634d40806f8, 0x5d276371e6bc647f,
        0x5e106befbed10d9b, 0x986b70d018901c80),
    ROW(to_int, 0xe83505ba1548e4e8, 0xffd8bfccfa8a6663,
        0xd21ddd1477058280, 0x4790994e326bbeb4),
    ROW(to_int_sat, 0xebb4c0a07eaa14ce, 0x7840d2e54a207504,
        0x73574495cc102cd4, 0x882c4750c980df6a),
    ROW(from_int, 0x936f809daeeb2720, 0x6d847b52e1b97566,
        0x811341ba350cb6ba, 0x415776da8c3e6a94),
    ROW(text, 0x31f6cdfcbc5a532c, 0x552b95fbdf1e11f4,
        0x3663cc8fd111211a, 0x7573bb029164cd09),
    ROW(decimal, 0xedcac26a6f666dec, 0xe28b278f1d0d7e9d,
        0x4021ec52ddb834be, 0x18f48cf0d3e5ac73),
};
/* clang-format on */

static u64 hash_row(u32 row, FloatKind kind)
{
    Rng rng;
    u64 hash = 0;
    U128 one = dv_float_from_int(kind, dv_u128_from_u64(1), 8, false);
    dv_rng_seed(&rng, row * FLOAT_KIND_COUNT + (u32)kind);
    for (u32 i = 0; i < SAMPLES; i++) {
        Operands x;
        x.a = make_operand(kind, &rng, one);
        x.b = make_operand(kind, &rng, x.a);
        x.c = make_operand(kind, &rng, i % 2 == 0 ? x.a : x.b);
        U128 result = rows[row].apply(kind, &x);
        hash = dv_hash_combine(dv_hash_combine(hash, result.lo), result.hi);
    }
    return hash;
}

u32 dv_selftest_softfloat(FILE *out)
{
    u32 failures = 0;
    for (u32 row = 0; row < ARRAY_LEN(rows); row++) {
        for (u32 kind = 0; kind < FLOAT_KIND_COUNT; kind++) {
            u64 hash = hash_row(row, (FloatKind)kind);
            if (hash != rows[row].hash[kind]) {
                fprintf(out, "softfloat: %s of f%" PRIu32 ": hash is %016" PRIx64 "\n",
                        rows[row].name, dv_float_width((FloatKind)kind), hash);
                failures++;
            }
        }
    }
    return failures;
}
