/* test_eval_float.c - the evaluator's floats against the host's.
 *
 * f32 and f64: the host's hardware and libm, whose operations used here are exact. f16: f64, whose 53 bits are enough
 * for rounding twice to be rounding once in sum, difference, product, quotient and root (53 >= 2 * 11 + 2), fma in 128
 * bits, where it is exact; then rounded by round_to below. f128: the compiler's 128-bit float; root and fma, which it
 * does not have, by exact integers and by error-free transformations. A NaN computed is the canonical one everywhere.
 */
#include <float.h>
#include <math.h>

#include "eval_testing.h"

#if EVAL_TESTING && LDBL_MANT_DIG == 113
#define HAS_QUAD 1
typedef long double Q;
#elif EVAL_TESTING && defined(__SIZEOF_FLOAT128__)
#define HAS_QUAD 1
__extension__ typedef __float128 Q;
#else
#define HAS_QUAD 0
#endif

#if HAS_QUAD

#define BITS(c) type_lane_bits((c)->e.type)

/* ---- formats ---- */

static u32 frac_bits(u32 bits)
{
    return bits == 16 ? 10 : bits == 32 ? 23 : bits == 64 ? 52 : 112;
}

static i32 bias_of(u32 bits)
{
    return (1 << (bits - 2 - frac_bits(bits))) - 1;
}

static W sign_bit(u32 bits)
{
    return (W)1 << (bits - 1);
}

static W infinity_of(u32 bits)
{
    return (sign_bit(bits) - 1) >> frac_bits(bits) << frac_bits(bits);
}

static W canonical_nan(u32 bits)
{
    return infinity_of(bits) | (W)1 << (frac_bits(bits) - 1);
}

static bool is_nan(W x, u32 bits)
{
    return (x & ~sign_bit(bits)) > infinity_of(bits);
}

static bool is_negative(W x, u32 bits)
{
    return (x & sign_bit(bits)) != 0;
}

static double double_of(W x)
{
    u64 bits = (u64)x;
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

static W bits_of_double(double d)
{
    u64 bits;
    memcpy(&bits, &d, sizeof(d));
    return isnan(d) ? canonical_nan(64) : bits;
}

static float float_of(W x)
{
    u32 bits = (u32)x;
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

static W bits_of_float(float f)
{
    u32 bits;
    memcpy(&bits, &f, sizeof(f));
    return isnan(f) ? canonical_nan(32) : bits;
}

static Q quad_of(W x)
{
    Q q;
    memcpy(&q, &x, sizeof(q));
    return q;
}

static W bits_of_quad(Q q)
{
    W x;
    memcpy(&x, &q, sizeof(x));
    return q != q ? canonical_nan(128) : x;
}

static Q power_of_two(i32 k)
{
    assert_true(k >= -16494 && k < 16384);
    return quad_of(k < -16382 ? (W)1 << (k + 16494) : (W)(k + 16383) << 112);
}

/* f16: sign, exponent and fraction put together by hand. */
static double half_of(W x)
{
    i32 exp = (i32)(x >> 10 & 31);
    double fraction = (double)(u32)(x & 0x3ff);
    double magnitude = exp == 31  ? (fraction == 0 ? HUGE_VAL : (double)NAN)
                       : exp == 0 ? fraction / 16777216
                                  : ldexp(fraction + 1024, exp - 25);
    return is_negative(x, 16) ? -magnitude : magnitude;
}

/* The value of a float of any width; every one is exact. */
static Q value_of(W x, u32 bits)
{
    return bits == 16   ? (Q)half_of(x)
           : bits == 32 ? (Q)float_of(x)
           : bits == 64 ? (Q)double_of(x)
                        : quad_of(x);
}

/* The float nearest to q, ties to even, of at most 64 bits: how many times its distance to the next one is contained. */
static W round_to(u32 bits, Q q)
{
    W sign = is_negative(bits_of_quad(q), 128) ? sign_bit(bits) : 0;
    W pattern = bits_of_quad(q) & ~sign_bit(128);
    if (q != q) {
        return canonical_nan(bits);
    }
    i32 exp = (i32)(pattern >> 112) - 16383;
    i32 least = 1 - bias_of(bits);
    if (exp > bias_of(bits)) {
        return sign | infinity_of(bits);
    }
    if (exp < least - 80) {
        return sign;
    }
    exp = exp < least ? least : exp;
    Q steps = quad_of(pattern) * power_of_two((i32)frac_bits(bits) - exp);
    W whole = (W)steps;
    Q rest = steps - (Q)whole;
    whole += rest > 0.5 || (rest == 0.5 && (whole & 1) != 0);
    return sign | (((W)(exp - least) << frac_bits(bits)) + whole);
}

/* ---- arithmetic ---- */

static double in_double(Op op, double x, double y, double z)
{
    switch (op) {
    case OP_fadd:
        return x + y;
    case OP_fsub:
        return x - y;
    case OP_fmul:
        return x * y;
    case OP_fdiv:
        return x / y;
    case OP_sqrt:
        return sqrt(x);
    case OP_fma:
        return fma(x, y, z);
    case OP_ceil:
        return ceil(x);
    case OP_floor:
        return floor(x);
    case OP_trunc:
        return trunc(x);
    case OP_nearest:
        return nearbyint(x);
    default:
        fail();
        return 0;
    }
}

static float in_float(Op op, float x, float y, float z)
{
    switch (op) {
    case OP_fadd:
        return x + y;
    case OP_fsub:
        return x - y;
    case OP_fmul:
        return x * y;
    case OP_fdiv:
        return x / y;
    case OP_sqrt:
        return sqrtf(x);
    case OP_fma:
        return fmaf(x, y, z);
    case OP_ceil:
        return ceilf(x);
    case OP_floor:
        return floorf(x);
    case OP_trunc:
        return truncf(x);
    case OP_nearest:
        return nearbyintf(x);
    default:
        fail();
        return 0;
    }
}

/* The root of a float of 128 bits, digit by digit: 114 bits of it and whether there is more, then rounded. */
static W quad_sqrt(W x)
{
    if (is_nan(x, 128) || (is_negative(x, 128) && x != sign_bit(128))) {
        return canonical_nan(128);
    }
    if (x == infinity_of(128) || (x & ~sign_bit(128)) == 0) {
        return x;
    }
    i32 exp = (i32)(x >> 112);
    W digits = x & (((W)1 << 112) - 1);
    if (exp == 0) {
        exp = 1;
        while (digits >> 112 == 0) {
            digits <<= 1;
            exp--;
        }
    }
    digits |= (W)1 << 112;
    exp -= 16383;
    if ((exp & 1) != 0) { /* x = digits * 2^(exp - 112), exp even, digits of 113 or 114 bits */
        digits <<= 1;
        exp--;
    }
    W root = 0, rest = 0;
    for (i32 i = 113; i >= 0;
         i--) { /* the digits in pairs, the first from bit 113 down, then zeros */
        u32 pair = i >= 57 ? (u32)(digits >> (2 * (i - 57)) & 3) : 0;
        rest = rest << 2 | pair;
        W trial = root << 2 | 1;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    W whole = root >> 1;
    bool half = root & 1;
    whole += half && (rest != 0 || (whole & 1) != 0);
    return ((W)(exp / 2 + 16383 - 1) << 112) + whole;
}

/* The sum rounded, and what rounding left out, exactly. */
static Q two_sum(Q x, Q y, Q *rest)
{
    Q sum = x + y;
    Q part = sum - x;
    *rest = (x - (sum - part)) + (y - part);
    return sum;
}

/* Splits into halves of 56 and 57 bits whose products are exact. */
static Q high_half(Q x)
{
    Q scaled = x * (power_of_two(57) + 1);
    return scaled - (scaled - x);
}

/* x * y + z by Boldo and Melquiond's method: of the exact product and sum, the small parts are added rounding to odd.
 * Exact while nothing overflows or is subnormal, which choose_fma_operands sees to. */
static W quad_fma(W a, W b, W d)
{
    Q x = quad_of(a), y = quad_of(b), z = quad_of(d);
    Q product = x * y;
    if (product == 0 || product - product != 0 || z - z != 0) {
        return bits_of_quad(product + z);
    }
    Q xh = high_half(x), yh = high_half(y);
    Q xl = x - xh, yl = y - yh;
    Q low = ((xh * yh - product) + xh * yl + xl * yh) + xl * yl;
    Q rest1, rest2, odd_rest;
    Q sum = two_sum(z, low, &rest1);
    Q high = two_sum(product, sum, &rest2);
    Q odd = two_sum(rest1, rest2, &odd_rest);
    W bits = bits_of_quad(odd);
    if (odd_rest != 0 && (bits & 1) == 0) {
        bits = (odd_rest > 0) == (odd > 0) ? bits + 1 : bits - 1;
    }
    return bits_of_quad(high + quad_of(bits));
}

/* To an integral value: those of 2^112 and more are; the sign stays when zero results. */
static W quad_round(Op op, W x)
{
    Q q = quad_of(x & ~sign_bit(128));
    bool negative = is_negative(x, 128);
    if (q != q) {
        return canonical_nan(128);
    }
    if (q >= power_of_two(112)) {
        return x;
    }
    W whole = (W)q;
    Q rest = q - (Q)whole;
    switch (op) {
    case OP_ceil:
        whole += !negative && rest > 0;
        break;
    case OP_floor:
        whole += negative && rest > 0;
        break;
    case OP_nearest:
        whole += rest > 0.5 || (rest == 0.5 && (whole & 1) != 0);
        break;
    default:
        break;
    }
    return bits_of_quad((Q)whole) | (x & sign_bit(128));
}

static W in_quad(Op op, W x, W y, W z)
{
    switch (op) {
    case OP_fadd:
        return bits_of_quad(quad_of(x) + quad_of(y));
    case OP_fsub:
        return bits_of_quad(quad_of(x) - quad_of(y));
    case OP_fmul:
        return bits_of_quad(quad_of(x) * quad_of(y));
    case OP_fdiv:
        return bits_of_quad(quad_of(x) / quad_of(y));
    case OP_sqrt:
        return quad_sqrt(x);
    case OP_fma:
        return quad_fma(x, y, z);
    default:
        return quad_round(op, x);
    }
}

static W ref_arithmetic(const Case *c, u32 n, u32 i)
{
    (void)n;
    Op op = c->e.op;
    W x = arg_lane(c, 0, i), y = arg_lane(c, 1, i), z = arg_lane(c, 2, i);
    switch (BITS(c)) {
    case 16:
        if (op == OP_fma) {
            return round_to(16, (Q)half_of(x) * (Q)half_of(y) + (Q)half_of(z));
        }
        return round_to(16, (Q)in_double(op, half_of(x), half_of(y), half_of(z)));
    case 32:
        return bits_of_float(in_float(op, float_of(x), float_of(y), float_of(z)));
    case 64:
        return bits_of_double(in_double(op, double_of(x), double_of(y), double_of(z)));
    default:
        return in_quad(op, x, y, z);
    }
}

/* Sums that cancel, and for f128 exponents that quad_fma can take. */
static void choose_fma_operands(Case *c, u32 round)
{
    u32 bits = BITS(c);
    for (u32 i = 0; i < type_lanes(c->e.type); i++) {
        for (u32 n = 0; n < 3 && bits == 128; n++) {
            W x = arg_lane(c, n, i);
            W exp = x >> 112 & 0x7fff;
            if (exp != 0x7fff && (x & ~sign_bit(128)) != 0) {
                W near = 16383 - 300 + (exp * 7 + dv_rng_below(&rng, 400)) % 600;
                set_arg_lane(c, n, i, (x & ~((W)0x7fff << 112)) | near << 112);
            }
        }
        if (round % 3 == 0) {
            Q product = value_of(arg_lane(c, 0, i), bits) * value_of(arg_lane(c, 1, i), bits);
            Q z = product - product != 0 || product == 0 ? 1 : -product;
            set_arg_lane(c, 2, i, bits == 128 ? bits_of_quad(z) : round_to(bits, z));
        }
    }
}

/* Operands near each other, so that differences cancel and products and quotients come near the ends of the range. */
static void choose_near_operands(Case *c, u32 round)
{
    u32 frac = frac_bits(BITS(c));
    for (u32 i = 0; i < type_lanes(c->e.type) && round % 3 == 0; i++) {
        W x = arg_lane(c, 0, i);
        W shift = (W)dv_rng_below(&rng, 2 * frac) << frac;
        set_arg_lane(c, 1, i,
                     (dv_rng_chance(&rng, 2) ? x + shift : x - shift) ^ (random_bits() & 7));
    }
}

static void test_arithmetic(void **state)
{
    (void)state;
    check_operation(OP_fadd, ref_arithmetic, NULL, choose_near_operands);
    check_operation(OP_fsub, ref_arithmetic, NULL, choose_near_operands);
    check_operation(OP_fmul, ref_arithmetic, NULL, NULL);
    check_operation(OP_fdiv, ref_arithmetic, NULL, choose_near_operands);
    check_operation(OP_sqrt, ref_arithmetic, NULL, NULL);
    check_operation(OP_fma, ref_arithmetic, NULL, choose_fma_operands);
}

static void test_rounding(void **state)
{
    (void)state;
    check_operation(OP_ceil, ref_arithmetic, NULL, NULL);
    check_operation(OP_floor, ref_arithmetic, NULL, NULL);
    check_operation(OP_trunc, ref_arithmetic, NULL, NULL);
    check_operation(OP_nearest, ref_arithmetic, NULL, NULL);
}

/* ---- bits, order ---- */

#define LANE_REF(name, expr) \
    static W name(const Case *c, u32 n, u32 i) \
    { \
        u32 bits = BITS(c); \
        W x = arg_lane(c, 0, i), y = arg_lane(c, 1, i); \
        (void)n, (void)y; \
        return (W)(expr); \
    }

LANE_REF(ref_fneg, x + sign_bit(bits))
LANE_REF(ref_fabs, x % sign_bit(bits))
LANE_REF(ref_fcopysign, x % sign_bit(bits) + y / sign_bit(bits) * sign_bit(bits))

static W ref_extremum(const Case *c, u32 n, u32 i)
{
    (void)n;
    u32 bits = BITS(c);
    W x = arg_lane(c, 0, i), y = arg_lane(c, 1, i);
    bool want_less = c->e.op == OP_fmin;
    if (is_nan(x, bits) || is_nan(y, bits)) {
        return canonical_nan(bits);
    }
    Q p = value_of(x, bits), q = value_of(y, bits);
    if (p == q) {
        return want_less ? x | y : x & y; /* equal, but for the signs of zeros */
    }
    return (p < q) == want_less ? x : y;
}

/* The sign of equal magnitudes, and zeros. */
static void choose_equal_operands(Case *c, u32 round)
{
    for (u32 i = 0; i < type_lanes(c->e.type) && round % 4 == 0; i++) {
        W x = dv_rng_chance(&rng, 2) ? 0 : arg_lane(c, 0, i);
        set_arg_lane(c, 0, i, x ^ (W)(dv_rng_next(&rng) & 1) << (BITS(c) - 1));
        set_arg_lane(c, 1, i, x ^ (W)(dv_rng_next(&rng) & 1) << (BITS(c) - 1));
    }
}

/* A condition's name says what it is: ord and uno, else u for unordered, and among l g e ne one what holds. */
static bool condition_holds(const char *cc, Q p, Q q)
{
    bool unordered = p != p || q != q;
    if (strcmp(cc, "ord") == 0 || strcmp(cc, "uno") == 0) {
        return unordered == (cc[0] == 'u');
    }
    if (unordered) {
        return cc[0] == 'u' || strcmp(cc, "ne") == 0;
    }
    const char *relation = cc[0] == 'u' ? cc + 1 : cc;
    if (strcmp(relation, "eq") == 0 || strcmp(relation, "ne") == 0 ||
        strcmp(relation, "one") == 0) {
        return (p == q) == (relation[0] == 'e');
    }
    return (relation[0] == 'l' ? p < q : p > q) || (relation[1] == 'e' && p == q);
}

static W ref_fcmp(const Case *c, u32 n, u32 i)
{
    (void)n;
    static const char *const names[FLOATCC_COUNT] = {
#define FLOATCC(name, negation, swap) #name,
#include "codegen/ir/names.def"
    };
    u32 bits = BITS(c);
    Q p = value_of(arg_lane(c, 0, i), bits), q = value_of(arg_lane(c, 1, i), bits);
    return !condition_holds(names[c->e.aux], p, q) ? 0 : type_is_vector(c->e.type) ? ~(W)0 : 1;
}

static void choose_condition(Case *c, u32 round)
{
    c->e.aux = (u8)(round % FLOATCC_COUNT);
    choose_equal_operands(c, round / FLOATCC_COUNT);
}

static void test_bits(void **state)
{
    (void)state;
    check_operation(OP_fneg, ref_fneg, NULL, NULL);
    check_operation(OP_fabs, ref_fabs, NULL, NULL);
    check_operation(OP_fcopysign, ref_fcopysign, NULL, NULL);
}

static void test_order(void **state)
{
    (void)state;
    check_operation(OP_fmin, ref_extremum, NULL, choose_equal_operands);
    check_operation(OP_fmax, ref_extremum, NULL, choose_equal_operands);
    check_operation(OP_fcmp, ref_fcmp, NULL, choose_condition);
}

/* ---- conversion ---- */

static W convert(W x, u32 from, u32 to)
{
    if (from == 64 && to == 32) {
        return bits_of_float((float)double_of(x));
    }
    if (from == 32 && to == 64) {
        return bits_of_double((double)float_of(x));
    }
    return to == 128 ? bits_of_quad(value_of(x, from)) : round_to(to, value_of(x, from));
}

static W ref_convert(const Case *c, u32 n, u32 i)
{
    (void)n;
    return convert(arg_lane(c, 0, i), type_lane_bits(c->open), BITS(c));
}

static W ref_fvdemote(const Case *c, u32 n, u32 i)
{
    (void)n;
    return i < 2 ? convert(arg_lane(c, 0, i), 64, 32) : 0;
}

static W ref_fvpromote_low(const Case *c, u32 n, u32 i)
{
    (void)n;
    return convert(arg_lane(c, 0, i), 32, 64);
}

static void test_widths(void **state)
{
    (void)state;
    check_operation(OP_fpromote, ref_convert, NULL, NULL);
    check_operation(OP_fdemote, ref_convert, NULL, NULL);
    check_operation(OP_fvdemote, ref_fvdemote, NULL, NULL);
    check_operation(OP_fvpromote_low, ref_fvpromote_low, NULL, NULL);
}

typedef struct Integral {
    bool nan, below, above; /* else in range */
    W value;
} Integral;

/* Toward zero. The ends of the ranges are powers of two, and a whole number is below one or not. */
static Integral integral_of(const Case *c, u32 i, bool is_signed)
{
    W x = arg_lane(c, 0, i);
    u32 from = type_lane_bits(c->open), to = BITS(c);
    Q q = value_of(x, from);
    Integral out = {.nan = q != q};
    Q magnitude = q < 0 ? -q : q;
    if (!(magnitude < power_of_two(128))) {
        out.below = q < 0;
        out.above = q > 0;
        return out;
    }
    W whole = (W)magnitude;
    W most = is_signed ? smax_of(to) : umax_of(to);
    W most_negative = is_signed ? smin_of(to) : 0;
    out.below = q < 0 && whole > most_negative;
    out.above = q > 0 && whole > most;
    out.value = q < 0 ? 0 - whole : whole;
    return out;
}

static bool wants_signed(Op op)
{
    return op == OP_fcvt_to_sint || op == OP_fcvt_to_sint_sat || op == OP_x86_cvtt2dq;
}

static TrapCode traps_conversion(const Case *c)
{
    Integral x = integral_of(c, 0, wants_signed(c->e.op));
    return x.nan ? TRAP_bad_toint : x.below || x.above ? TRAP_int_ovf : TRAP_none;
}

static W ref_to_int(const Case *c, u32 n, u32 i)
{
    (void)n;
    bool is_signed = wants_signed(c->e.op);
    Integral x = integral_of(c, i, is_signed);
    if (c->e.op == OP_x86_cvtt2dq && (x.nan || x.below || x.above)) {
        return smin_of(32);
    }
    if (x.nan || (x.below && !is_signed)) {
        return 0;
    }
    return x.below     ? smin_of(BITS(c))
           : !x.above  ? x.value
           : is_signed ? smax_of(BITS(c))
                       : umax_of(BITS(c));
}

/* The ends of the integer's range and the floats next to them, fractions about zero. */
static void choose_ends(Case *c, u32 round)
{
    u32 from = type_lane_bits(c->open), to = BITS(c);
    for (u32 i = 0; i < type_lanes(c->e.type) && round % 2 == 0; i++) {
        u32 power = dv_rng_chance(&rng, 3) ? 0 : to - (u32)dv_rng_below(&rng, 3);
        W exp = (W)(bias_of(from) + (i32)power);
        if (exp >= infinity_of(from) >> frac_bits(from)) {
            continue;
        }
        W x = (exp << frac_bits(from)) + dv_rng_below(&rng, 4) - 2;
        set_arg_lane(c, 0, i, x | (dv_rng_chance(&rng, 2) ? sign_bit(from) : 0));
    }
}

static void test_to_integers(void **state)
{
    (void)state;
    check_operation(OP_fcvt_to_uint, ref_to_int, traps_conversion, NULL);
    check_operation(OP_fcvt_to_sint, ref_to_int, traps_conversion, NULL);
    check_operation(OP_fcvt_to_uint_sat, ref_to_int, NULL, NULL);
    check_operation(OP_fcvt_to_sint_sat, ref_to_int, NULL, NULL);
    check_operation(OP_x86_cvtt2dq, ref_to_int, NULL, NULL);
    check_operation(OP_fcvt_to_uint, ref_to_int, traps_conversion, choose_ends);
    check_operation(OP_fcvt_to_sint, ref_to_int, traps_conversion, choose_ends);
    check_operation(OP_fcvt_to_uint_sat, ref_to_int, NULL, choose_ends);
    check_operation(OP_fcvt_to_sint_sat, ref_to_int, NULL, choose_ends);
    check_operation(OP_x86_cvtt2dq, ref_to_int, NULL, choose_ends);
}

/* By the compiler's conversions from its integer of 128 bits, which round once; f16 has infinity from 65520. */
static W ref_from_int(const Case *c, u32 n, u32 i)
{
    (void)n;
    W x = arg_lane(c, 0, i);
    S signed_x = to_signed(x, type_lane_bits(c->open));
    bool negative = c->e.op == OP_fcvt_from_sint && signed_x < 0;
    W magnitude = negative ? 0 - (W)signed_x : x;
    W sign = negative ? sign_bit(BITS(c)) : 0;
    switch (BITS(c)) {
    case 16:
        return sign | round_to(16, magnitude >= 65520 ? power_of_two(100) : (Q)magnitude);
    case 32:
        return sign | bits_of_float((float)magnitude);
    case 64:
        return sign | bits_of_double((double)magnitude);
    default:
        return sign | bits_of_quad((Q)magnitude);
    }
}

/* Halfway between two floats, and one beside that. */
static void choose_ties(Case *c, u32 round)
{
    u32 from = type_lane_bits(c->open), frac = frac_bits(BITS(c));
    if (round % 2 == 0 || from <= frac + 2) {
        return;
    }
    for (u32 i = 0; i < type_lanes(c->e.type); i++) {
        u32 drop = 1 + (u32)dv_rng_below(&rng, from - frac - 1);
        W kept = (random_bits() & (((W)1 << frac) - 1)) | (W)1 << frac;
        W x = (kept << drop) + ((W)1 << (drop - 1)) + dv_rng_below(&rng, 3) - 1;
        set_arg_lane(c, 0, i, dv_rng_chance(&rng, 2) ? x : 0 - x);
    }
}

static void test_from_integers(void **state)
{
    (void)state;
    check_operation(OP_fcvt_from_uint, ref_from_int, NULL, choose_ties);
    check_operation(OP_fcvt_from_sint, ref_from_int, NULL, choose_ties);
}

static void test_everything_was_covered(void **state)
{
    (void)state;
    assert_int_equal(count_missing(FAMILY_FLOAT), 0);
}

static int start(void **state)
{
    (void)state;
    dv_rng_seed(&rng, 3);
    list_types();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),    cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_bits),          cmocka_unit_test(test_order),
        cmocka_unit_test(test_widths),        cmocka_unit_test(test_to_integers),
        cmocka_unit_test(test_from_integers), cmocka_unit_test(test_everything_was_covered),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

#else
int main(void)
{
    return skip_program();
}
#endif
