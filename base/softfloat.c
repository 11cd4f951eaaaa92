/* softfloat.c - IEEE 754 arithmetic, one implementation for four formats.
 *
 * Every operation takes its operands apart (`unpack`), computes on normalised significands, and
 * rounds once (`round_pack`). The format is a row of two numbers, so nothing here is written per
 * kind.
 *
 * Unpacked: a finite non-zero value is (-1)^negative * sig * 2^(exp - 127) with bit 127 of sig set,
 * that is sig read as a number in [1, 2) times 2^exp; subnormals are normalised like the others and
 * find their place again when rounded. The widest significand has 113 bits, so an operand leaves
 * the low 15 bits of sig zero, and a result has that much room for the bits that decide rounding.
 *
 * Sticky bits: a result that does not fit 128 bits is cut and, if what was cut is not zero, its
 * lowest bit is set ("jamming"). Rounding looks only at whether the tail below the last kept bit is
 * less than, equal to or more than half; a jammed bit at least two places below the last kept one
 * never changes that answer.
 *
 * - Sums are made on 256 bits (`Wide`), because fma adds to an exact product of 226 bits. The
 *   smaller operand is shifted right with jamming. If that loses bits, the distance is more than
 *   30, so that the difference keeps its leading bit or the one below it, and the jammed bit stays
 *   far below the last. add is the same sum with both tails zero.
 * - Division and square root produce frac_bits + 3 or more digits, one a step, and the remainder is
 *   exact, so whether it is zero is the sticky bit.
 *
 * Source: IEEE Std 754-2019, clauses 3.4 (encodings), 4.3.1 (roundTiesToEven), 5.3 to 5.8
 * (operations), 6 (infinities, NaNs, signs); 9.6 minimum and maximum.
 */
#include "softfloat.h"

typedef struct Format {
    u32 exp_bits;
    u32 frac_bits;
} Format;

static const Format formats[FLOAT_KIND_COUNT] = {
    [FLOAT_16] = {5, 10},
    [FLOAT_32] = {8, 23},
    [FLOAT_64] = {11, 52},
    [FLOAT_128] = {15, 112},
};

typedef enum FloatClass { CLASS_ZERO, CLASS_FINITE, CLASS_INF, CLASS_NAN } FloatClass;

typedef struct Unpacked {
    FloatClass class;
    bool negative;
    i32 exp;  /* CLASS_FINITE only */
    U128 sig; /* CLASS_FINITE only; bit 127 is set */
} Unpacked;

/* A finite non-zero value with twice the significand; bit 127 of hi is set. */
typedef struct Wide {
    bool negative;
    i32 exp;
    U128 hi;
    U128 lo;
} Wide;

/* Shifts of any length: zero once every bit is gone. */
static U128 shift_left(U128 a, u32 n)
{
    return n < 128 ? dv_u128_shl(a, n) : (U128){0, 0};
}

static U128 shift_right(U128 a, u32 n)
{
    return n < 128 ? dv_u128_lshr(a, n) : (U128){0, 0};
}

/* The n lowest bits set, n up to 128. */
static U128 low_mask(u32 n)
{
    return dv_u128_not(shift_left((U128){UINT64_MAX, UINT64_MAX}, n));
}

/* Shifts right; the lowest bit is also set if any bit that went was. */
static U128 shift_right_jam(U128 a, u32 n)
{
    U128 shifted = shift_right(a, n);
    bool lost = !dv_u128_is_zero(n >= 128 ? a : shift_left(a, 128 - n));
    shifted.lo |= lost;
    return shifted;
}

/* Packing and unpacking */

static i32 exp_bias(FloatKind kind)
{
    return ((i32)1 << (formats[kind].exp_bits - 1)) - 1;
}

static U128 sign_bit(FloatKind kind, bool negative)
{
    return dv_u128_shl((U128){negative, 0}, dv_float_width(kind) - 1);
}

static U128 keep_width(FloatKind kind, U128 a)
{
    return dv_u128_and(a, low_mask(dv_float_width(kind)));
}

/* Everything but the sign: numbers in the order of the absolute values, then infinity, then NaNs.
 */
static U128 magnitude_bits(FloatKind kind, U128 a)
{
    return dv_u128_and(a, low_mask(dv_float_width(kind) - 1));
}

static Unpacked unpack(FloatKind kind, U128 a)
{
    u32 frac_bits = formats[kind].frac_bits;
    u32 exp_max = ((u32)1 << formats[kind].exp_bits) - 1;
    U128 magnitude = magnitude_bits(kind, a);
    u32 exp_field = (u32)shift_right(magnitude, frac_bits).lo;
    U128 frac = shift_left(magnitude, 128 - frac_bits);
    Unpacked result = {CLASS_FINITE, dv_float_is_negative(kind, a), 0, {0, 0}};

    if (exp_field == exp_max) {
        result.class = dv_u128_is_zero(frac) ? CLASS_INF : CLASS_NAN;
    } else if (exp_field != 0) {
        result.exp = (i32)exp_field - exp_bias(kind);
        result.sig = dv_u128_lshr(frac, 1);
        result.sig.hi |= (u64)1 << 63;
    } else if (dv_u128_is_zero(frac)) {
        result.class = CLASS_ZERO;
    } else {
        u32 lead = dv_u128_clz(frac);
        result.exp = -exp_bias(kind) - (i32)lead;
        result.sig = shift_left(frac, lead);
    }
    return result;
}

/* Rounds a finite non-zero value, bit 127 of sig set, to the format. The tail is the two bits
 * below the last kept one: 1 is less than half, 2 is half, 3 is more. Adding the significand
 * with its leading one to the exponent field less one makes a carry out of it the next exponent,
 * a subnormal that rounds up the smallest normal, and the largest number that rounds up
 * infinity. */
static U128 round_pack(FloatKind kind, bool negative, i32 exp, U128 sig, bool *inexact)
{
    u32 frac_bits = formats[kind].frac_bits;
    i32 bias = exp_bias(kind);
    if (exp > bias) {
        if (inexact != NULL) {
            *inexact = true;
        }
        return dv_float_inf(kind, negative);
    }

    i32 exp_min = 1 - bias;
    u32 too_small = exp < exp_min ? (u32)(exp_min - exp) : 0;
    U128 kept = shift_right_jam(sig, 125 - frac_bits + too_small);
    u32 tail = (u32)kept.lo & 3;
    kept = shift_right(kept, 2);

    bool round_up = tail == 3 || (tail == 2 && (kept.lo & 1) != 0);
    kept = dv_u128_add(kept, (U128){round_up, 0});
    U128 exp_field = {too_small != 0 ? 0 : (u64)(exp - exp_min), 0};
    U128 bits = dv_u128_add(dv_u128_shl(exp_field, frac_bits), kept);
    if (inexact != NULL) {
        *inexact = tail != 0;
    }
    return dv_u128_or(bits, sign_bit(kind, negative));
}

static Wide widen(Unpacked a)
{
    Wide wide = {a.negative, a.exp, a.sig, {0, 0}};
    return wide;
}

static U128 round_wide(FloatKind kind, Wide a)
{
    a.hi.lo |= !dv_u128_is_zero(a.lo);
    return round_pack(kind, a.negative, a.exp, a.hi, NULL);
}

u32 dv_float_width(FloatKind kind)
{
    return 1 + formats[kind].exp_bits + formats[kind].frac_bits;
}

u32 dv_float_exp_bits(FloatKind kind)
{
    return formats[kind].exp_bits;
}

u32 dv_float_frac_bits(FloatKind kind)
{
    return formats[kind].frac_bits;
}

U128 dv_float_compose(FloatKind kind, bool negative, i32 exp, U128 sig, bool *inexact)
{
    if (dv_u128_is_zero(sig)) {
        if (inexact != NULL) {
            *inexact = false;
        }
        return dv_float_zero(kind, negative);
    }
    u32 lead = dv_u128_clz(sig);
    return round_pack(kind, negative, exp + 127 - (i32)lead, shift_left(sig, lead), inexact);
}

/* Classes and constants */

bool dv_float_is_nan(FloatKind kind, U128 a)
{
    return dv_u128_ult(dv_float_inf(kind, false), magnitude_bits(kind, a));
}

bool dv_float_is_snan(FloatKind kind, U128 a)
{
    return dv_float_is_nan(kind, a) && dv_u128_ult(magnitude_bits(kind, a), dv_float_nan(kind));
}

bool dv_float_is_inf(FloatKind kind, U128 a)
{
    return unpack(kind, a).class == CLASS_INF;
}

bool dv_float_is_zero(FloatKind kind, U128 a)
{
    return dv_u128_is_zero(magnitude_bits(kind, a));
}

bool dv_float_is_negative(FloatKind kind, U128 a)
{
    return (shift_right(a, dv_float_width(kind) - 1).lo & 1) != 0;
}

U128 dv_float_nan(FloatKind kind)
{
    return shift_left(low_mask(formats[kind].exp_bits + 1), formats[kind].frac_bits - 1);
}

U128 dv_float_inf(FloatKind kind, bool negative)
{
    U128 inf = shift_left(low_mask(formats[kind].exp_bits), formats[kind].frac_bits);
    return dv_u128_or(inf, sign_bit(kind, negative));
}

U128 dv_float_zero(FloatKind kind, bool negative)
{
    return sign_bit(kind, negative);
}

/* Operations on bits */

U128 dv_float_neg(FloatKind kind, U128 a)
{
    return dv_u128_or(magnitude_bits(kind, a), sign_bit(kind, !dv_float_is_negative(kind, a)));
}

U128 dv_float_abs(FloatKind kind, U128 a)
{
    return magnitude_bits(kind, a);
}

U128 dv_float_copysign(FloatKind kind, U128 magnitude, U128 sign)
{
    return dv_u128_or(magnitude_bits(kind, magnitude),
                      sign_bit(kind, dv_float_is_negative(kind, sign)));
}

/* Sums */

static Wide shift_right_jam_wide(Wide a, u32 n)
{
    if (n >= 128) {
        a.hi.lo |= !dv_u128_is_zero(a.lo);
        a.lo = shift_right_jam(a.hi, n - 128);
        a.hi = (U128){0, 0};
    } else if (n > 0) {
        a.lo = dv_u128_or(shift_right_jam(a.lo, n), shift_left(a.hi, 128 - n));
        a.hi = shift_right(a.hi, n);
    }
    return a;
}

static U128 add_magnitudes(FloatKind kind, Wide a, Wide b)
{
    bool carry = false;
    a.lo = dv_u128_add_carry(a.lo, b.lo, &carry);
    a.hi = dv_u128_add_carry(a.hi, b.hi, &carry);
    if (carry) {
        a = shift_right_jam_wide(a, 1);
        a.hi.hi |= (u64)1 << 63;
        a.exp++;
    }
    return round_wide(kind, a);
}

/* a is the larger or they are equal. */
static U128 sub_magnitudes(FloatKind kind, Wide a, Wide b)
{
    bool borrow = false;
    Wide rest = a;
    rest.lo = dv_u128_sub_borrow(a.lo, b.lo, &borrow);
    rest.hi = dv_u128_sub_borrow(a.hi, b.hi, &borrow);
    if (dv_u128_is_zero(rest.hi)) {
        rest.hi = rest.lo;
        rest.lo = (U128){0, 0};
        rest.exp -= 128;
    }
    if (dv_u128_is_zero(rest.hi)) {
        return dv_float_zero(kind, false);
    }
    u32 lead = dv_u128_clz(rest.hi);
    rest.hi = dv_u128_or(shift_left(rest.hi, lead), shift_right(rest.lo, 128 - lead));
    rest.lo = shift_left(rest.lo, lead);
    rest.exp -= (i32)lead;
    return round_wide(kind, rest);
}

static U128 add_finite(FloatKind kind, Wide a, Wide b)
{
    bool smaller_sig =
        dv_u128_ult(a.hi, b.hi) || (dv_u128_eq(a.hi, b.hi) && dv_u128_ult(a.lo, b.lo));
    if (a.exp < b.exp || (a.exp == b.exp && smaller_sig)) {
        Wide swapped = a;
        a = b;
        b = swapped;
    }
    b = shift_right_jam_wide(b, (u32)(a.exp - b.exp));
    return a.negative == b.negative ? add_magnitudes(kind, a, b) : sub_magnitudes(kind, a, b);
}

U128 dv_float_add(FloatKind kind, U128 a, U128 b)
{
    Unpacked x = unpack(kind, a);
    Unpacked y = unpack(kind, b);
    if (x.class == CLASS_NAN || y.class == CLASS_NAN) {
        return dv_float_nan(kind);
    }
    if (x.class == CLASS_INF && y.class == CLASS_INF && x.negative != y.negative) {
        return dv_float_nan(kind);
    }
    if (x.class == CLASS_ZERO && y.class == CLASS_ZERO) {
        return dv_float_zero(kind, x.negative && y.negative);
    }
    if (x.class == CLASS_INF || y.class == CLASS_ZERO) {
        return keep_width(kind, a);
    }
    if (y.class == CLASS_INF || x.class == CLASS_ZERO) {
        return keep_width(kind, b);
    }
    return add_finite(kind, widen(x), widen(y));
}

U128 dv_float_sub(FloatKind kind, U128 a, U128 b)
{
    return dv_float_add(kind, a, dv_float_neg(kind, b));
}

/* Products */

static Wide mul_finite(Unpacked a, Unpacked b)
{
    Wide product = {a.negative != b.negative, a.exp + b.exp + 1, dv_u128_umulhi(a.sig, b.sig),
                    dv_u128_mul(a.sig, b.sig)};
    if (product.hi.hi >> 63 == 0) {
        product.hi = dv_u128_or(shift_left(product.hi, 1), shift_right(product.lo, 127));
        product.lo = shift_left(product.lo, 1);
        product.exp--;
    }
    return product;
}

/* The product of values that are not both finite and non-zero, as a class with a sign. */
static Unpacked mul_special(Unpacked a, Unpacked b)
{
    Unpacked product = {CLASS_FINITE, a.negative != b.negative, 0, {0, 0}};
    bool zero = a.class == CLASS_ZERO || b.class == CLASS_ZERO;
    bool inf = a.class == CLASS_INF || b.class == CLASS_INF;
    if (a.class == CLASS_NAN || b.class == CLASS_NAN || (zero && inf)) {
        product.class = CLASS_NAN;
    } else if (inf) {
        product.class = CLASS_INF;
    } else if (zero) {
        product.class = CLASS_ZERO;
    }
    return product;
}

/* The value of a class that is not CLASS_FINITE. */
static U128 pack_special(FloatKind kind, Unpacked a)
{
    if (a.class == CLASS_NAN) {
        return dv_float_nan(kind);
    }
    return a.class == CLASS_INF ? dv_float_inf(kind, a.negative) : dv_float_zero(kind, a.negative);
}

U128 dv_float_mul(FloatKind kind, U128 a, U128 b)
{
    Unpacked x = unpack(kind, a);
    Unpacked y = unpack(kind, b);
    Unpacked product = mul_special(x, y);
    if (product.class != CLASS_FINITE) {
        return pack_special(kind, product);
    }
    return round_wide(kind, mul_finite(x, y));
}

U128 dv_float_fma(FloatKind kind, U128 a, U128 b, U128 c)
{
    Unpacked x = unpack(kind, a);
    Unpacked y = unpack(kind, b);
    Unpacked z = unpack(kind, c);
    Unpacked product = mul_special(x, y);
    if (product.class == CLASS_FINITE && z.class == CLASS_FINITE) {
        return add_finite(kind, mul_finite(x, y), widen(z));
    }
    if (product.class == CLASS_FINITE && z.class == CLASS_ZERO) {
        return round_wide(kind, mul_finite(x, y));
    }
    /* What is left is the sum of a special value and something: any finite stand-in will do. */
    U128 stand_in = product.class == CLASS_FINITE ? dv_float_zero(kind, product.negative)
                                                  : pack_special(kind, product);
    return dv_float_add(kind, stand_in, c);
}

/* Quotients and roots */

/* One binary digit of the quotient a step. Invariant: rest < 2 * divisor. */
static U128 div_finite(FloatKind kind, Unpacked a, Unpacked b)
{
    u32 digits = formats[kind].frac_bits + 4; /* a leading zero, the significand, two of tail */
    U128 rest = shift_right(a.sig, 2);        /* exact: the low 15 bits of a sig are zero */
    U128 divisor = shift_right(b.sig, 2);
    U128 quotient = (U128){0, 0};
    for (u32 i = 0; i < digits; i++) {
        quotient = shift_left(quotient, 1);
        if (!dv_u128_ult(rest, divisor)) {
            rest = dv_u128_sub(rest, divisor);
            quotient.lo |= 1;
        }
        rest = shift_left(rest, 1);
    }
    quotient.lo |= !dv_u128_is_zero(rest);
    return dv_float_compose(kind, a.negative != b.negative, a.exp - b.exp + 1 - (i32)digits,
                            quotient, NULL);
}

U128 dv_float_div(FloatKind kind, U128 a, U128 b)
{
    Unpacked x = unpack(kind, a);
    Unpacked y = unpack(kind, b);
    bool negative = x.negative != y.negative;
    if (x.class == CLASS_NAN || y.class == CLASS_NAN) {
        return dv_float_nan(kind);
    }
    if (x.class == y.class && x.class != CLASS_FINITE) {
        return dv_float_nan(kind);
    }
    if (x.class == CLASS_INF || y.class == CLASS_ZERO) {
        return dv_float_inf(kind, negative);
    }
    if (x.class == CLASS_ZERO || y.class == CLASS_INF) {
        return dv_float_zero(kind, negative);
    }
    return div_finite(kind, x, y);
}

/* Digit by digit: with root the digits so far, the next is 1 if (2 * root + 1)^2 fits, that is if
 * 4 * root + 1 fits in the remainder after two more digits of the radicand were brought down. */
U128 dv_float_sqrt(FloatKind kind, U128 a)
{
    Unpacked x = unpack(kind, a);
    if (x.class == CLASS_ZERO) {
        return keep_width(kind, a);
    }
    if (x.class == CLASS_NAN || x.negative) {
        return dv_float_nan(kind);
    }
    if (x.class == CLASS_INF) {
        return dv_float_inf(kind, false);
    }

    bool odd = (x.exp & 1) != 0;
    U128 radicand = odd ? x.sig : shift_right(x.sig, 1); /* two digits before the point */
    u32 digits = formats[kind].frac_bits + 3;
    U128 root = (U128){0, 0};
    U128 rest = (U128){0, 0};
    for (u32 i = 0; i < digits; i++) {
        rest = shift_left(rest, 2);
        rest.lo |= radicand.hi >> 62;
        radicand = shift_left(radicand, 2);
        U128 step = shift_left(root, 2);
        step.lo |= 1;
        root = shift_left(root, 1);
        if (!dv_u128_ult(rest, step)) {
            rest = dv_u128_sub(rest, step);
            root.lo |= 1;
        }
    }
    root.lo |= !dv_u128_is_zero(rest);
    i32 half_exp = (x.exp - odd) / 2;
    return dv_float_compose(kind, false, half_exp + 1 - (i32)digits, root, NULL);
}

/* Order */

FloatOrder dv_float_compare(FloatKind kind, U128 a, U128 b)
{
    if (dv_float_is_nan(kind, a) || dv_float_is_nan(kind, b)) {
        return FLOAT_UNORDERED;
    }
    U128 x = magnitude_bits(kind, a);
    U128 y = magnitude_bits(kind, b);
    bool negative = dv_float_is_negative(kind, a);
    if (negative != dv_float_is_negative(kind, b)) {
        if (dv_u128_is_zero(dv_u128_or(x, y))) {
            return FLOAT_EQ;
        }
        return negative ? FLOAT_LT : FLOAT_GT;
    }
    if (dv_u128_ult(x, y)) {
        return negative ? FLOAT_GT : FLOAT_LT;
    }
    if (dv_u128_ult(y, x)) {
        return negative ? FLOAT_LT : FLOAT_GT;
    }
    return FLOAT_EQ;
}

/* Whether a comes before b in an order that has -0 before +0. Neither is a NaN. */
static bool is_below(FloatKind kind, U128 a, U128 b)
{
    FloatOrder order = dv_float_compare(kind, a, b);
    return order == FLOAT_LT || (order == FLOAT_EQ && dv_float_is_negative(kind, a));
}

U128 dv_float_min(FloatKind kind, U128 a, U128 b)
{
    if (dv_float_is_nan(kind, a) || dv_float_is_nan(kind, b)) {
        return dv_float_nan(kind);
    }
    return keep_width(kind, is_below(kind, a, b) ? a : b);
}

U128 dv_float_max(FloatKind kind, U128 a, U128 b)
{
    if (dv_float_is_nan(kind, a) || dv_float_is_nan(kind, b)) {
        return dv_float_nan(kind);
    }
    return keep_width(kind, is_below(kind, a, b) ? b : a);
}

/* Integral values */

typedef enum RoundTo { TO_ZERO, TO_UP, TO_DOWN, TO_NEAREST } RoundTo;

static U128 round_integral(FloatKind kind, U128 a, RoundTo to)
{
    Unpacked x = unpack(kind, a);
    if (x.class == CLASS_NAN) {
        return dv_float_nan(kind);
    }
    if (x.class != CLASS_FINITE || x.exp >= (i32)formats[kind].frac_bits) {
        return keep_width(kind, a);
    }
    U128 whole = shift_right_jam(x.sig, (u32)(125 - x.exp)); /* and a tail as in round_pack */
    u32 tail = (u32)whole.lo & 3;
    whole = shift_right(whole, 2);

    bool away = false;
    switch (to) {
    case TO_ZERO:
        break;
    case TO_UP:
        away = tail != 0 && !x.negative;
        break;
    case TO_DOWN:
        away = tail != 0 && x.negative;
        break;
    case TO_NEAREST:
        away = tail == 3 || (tail == 2 && (whole.lo & 1) != 0);
        break;
    }
    whole = dv_u128_add(whole, (U128){away, 0});
    return dv_float_compose(kind, x.negative, 0, whole, NULL);
}

U128 dv_float_ceil(FloatKind kind, U128 a)
{
    return round_integral(kind, a, TO_UP);
}

U128 dv_float_floor(FloatKind kind, U128 a)
{
    return round_integral(kind, a, TO_DOWN);
}

U128 dv_float_trunc(FloatKind kind, U128 a)
{
    return round_integral(kind, a, TO_ZERO);
}

U128 dv_float_nearest(FloatKind kind, U128 a)
{
    return round_integral(kind, a, TO_NEAREST);
}

/* Conversions */

U128 dv_float_convert(FloatKind from, FloatKind to, U128 a)
{
    Unpacked x = unpack(from, a);
    if (x.class != CLASS_FINITE) {
        return pack_special(to, x);
    }
    return round_pack(to, x.negative, x.exp, x.sig, NULL);
}

/* The largest magnitude that an integer type has on this side of zero. */
static U128 int_limit(u32 bits, bool is_signed, bool negative)
{
    if (!is_signed) {
        return negative ? (U128){0, 0} : low_mask(bits);
    }
    return negative ? dv_u128_shl((U128){1, 0}, bits - 1) : low_mask(bits - 1);
}

/* Two's complement of the magnitude in the low `bits` bits. */
static U128 apply_sign(U128 magnitude, bool negative, u32 bits)
{
    return dv_u128_and(negative ? dv_u128_neg(magnitude) : magnitude, low_mask(bits));
}

FloatToInt dv_float_to_int(FloatKind kind, U128 a, u32 bits, bool is_signed, U128 *out)
{
    ASSERT(bits >= 1 && bits <= 128);
    Unpacked x = unpack(kind, a);
    *out = (U128){0, 0};
    if (x.class == CLASS_ZERO) {
        return FLOAT_INT_OK;
    }
    if (x.class == CLASS_NAN) {
        return FLOAT_INT_NAN;
    }
    if (x.class == CLASS_INF || x.exp >= 128) {
        return FLOAT_INT_RANGE;
    }
    U128 whole = shift_right(x.sig, (u32)(127 - x.exp));
    if (dv_u128_ult(int_limit(bits, is_signed, x.negative), whole)) {
        return FLOAT_INT_RANGE;
    }
    *out = apply_sign(whole, x.negative, bits);
    return FLOAT_INT_OK;
}

U128 dv_float_to_int_sat(FloatKind kind, U128 a, u32 bits, bool is_signed)
{
    U128 value;
    if (dv_float_to_int(kind, a, bits, is_signed, &value) == FLOAT_INT_RANGE) {
        bool negative = dv_float_is_negative(kind, a);
        value = apply_sign(int_limit(bits, is_signed, negative), negative, bits);
    }
    return value;
}

U128 dv_float_from_int(FloatKind kind, U128 a, u32 bits, bool is_signed)
{
    ASSERT(bits >= 1 && bits <= 128);
    bool negative = is_signed && (shift_right(a, bits - 1).lo & 1) != 0;
    return dv_float_compose(kind, negative, 0, apply_sign(a, negative, bits), NULL);
}
