/* u128.c - multiplication, division and text of 128-bit integers, in 32-bit and 64-bit pieces.
 *
 * Products are schoolbook in halves. Division follows Knuth, The Art of Computer Programming,
 * volume 2, 4.3.1, algorithm D, with digits of 32 bits: it is what makes printing and evaluating
 * i128 division cheap on hosts without a 128-bit type.
 */
#include "u128.h"

U128 dv_u128_mul_u64(u64 a, u64 b)
{
    u64 a0 = (u32)a;
    u64 a1 = a >> 32;
    u64 b0 = (u32)b;
    u64 b1 = b >> 32;
    u64 low = a0 * b0;
    u64 mid = a1 * b0 + (low >> 32); /* at most (2^32-1)^2 + 2^32-1: no carry is lost */
    u64 mid2 = a0 * b1 + (u32)mid;
    return (U128){(mid2 << 32) | (u32)low, a1 * b1 + (mid >> 32) + (mid2 >> 32)};
}

U128 dv_u128_mul(U128 a, U128 b)
{
    U128 product = dv_u128_mul_u64(a.lo, b.lo);
    product.hi += a.lo * b.hi + a.hi * b.lo;
    return product;
}

U128 dv_u128_umulhi(U128 a, U128 b)
{
    U128 mid =
        dv_u128_add(dv_u128_mul_u64(a.hi, b.lo), dv_u128_from_u64(dv_u128_mul_u64(a.lo, b.lo).hi));
    U128 mid2 = dv_u128_add(dv_u128_mul_u64(a.lo, b.hi), dv_u128_from_u64(mid.lo));
    U128 high = dv_u128_add(dv_u128_mul_u64(a.hi, b.hi), dv_u128_from_u64(mid.hi));
    return dv_u128_add(high, dv_u128_from_u64(mid2.hi));
}

U128 dv_u128_smulhi(U128 a, U128 b)
{
    /* Read as signed, a is a - 2^128 when negative; the excess is b in the upper half, and the same
     * for b. */
    U128 high = dv_u128_umulhi(a, b);
    if (dv_u128_is_negative(a)) {
        high = dv_u128_sub(high, b);
    }
    if (dv_u128_is_negative(b)) {
        high = dv_u128_sub(high, a);
    }
    return high;
}

/* Digits of 32 bits, the least significant first; returns how many are significant. */
static u32 split_digits(U128 a, u32 digits[4])
{
    for (u32 i = 0; i < 4; i++) {
        digits[i] = (u32)(dv_u128_lshr(a, 32 * i).lo);
    }
    u32 n = 4;
    while (n > 0 && digits[n - 1] == 0) {
        n--;
    }
    return n;
}

static U128 join_digits(const u32 digits[4])
{
    return (U128){digits[0] | (u64)digits[1] << 32, digits[2] | (u64)digits[3] << 32};
}

/* Divides by one digit in place; returns the remainder. */
static u32 divide_by_digit(u32 digits[4], u32 divisor)
{
    u64 rem = 0;
    for (u32 i = 4; i-- > 0;) {
        u64 part = rem << 32 | digits[i];
        digits[i] = (u32)(part / divisor);
        rem = part % divisor;
    }
    return (u32)rem;
}

/* Steps D3 to D6: one digit of the quotient of u[0..n] by v[0..n-1]; u becomes the remainder. */
static u32 divide_step(u32 *u, const u32 *v, u32 n)
{
    u64 top = (u64)u[n] << 32 | u[n - 1];
    u64 guess = top / v[n - 1];
    u64 rem = top % v[n - 1];
    while (guess > UINT32_MAX || guess * v[n - 2] > (rem << 32 | u[n - 2])) {
        guess--;
        rem += v[n - 1];
        if (rem > UINT32_MAX) {
            break;
        }
    }
    u64 carry = 0;
    u64 borrow = 0;
    for (u32 i = 0; i <= n; i++) {
        u64 product = (i < n ? guess * v[i] : 0) + carry;
        carry = product >> 32;
        u64 difference = (u64)u[i] - (u32)product - borrow;
        u[i] = (u32)difference;
        borrow = difference >> 63;
    }
    if (borrow != 0) { /* guess was one too large */
        guess--;
        carry = 0;
        for (u32 i = 0; i <= n; i++) {
            carry += (u64)u[i] + (i < n ? v[i] : 0);
            u[i] = (u32)carry;
            carry >>= 32;
        }
    }
    return (u32)guess;
}

U128 dv_u128_udivrem(U128 a, U128 b, U128 *rem)
{
    CHECK(!dv_u128_is_zero(b));
    U128 quotient = {0, 0};
    U128 remainder = a;
    u32 v[4];
    u32 n = split_digits(b, v);
    if ((a.hi | b.hi) == 0) {
        quotient.lo = a.lo / b.lo;
        remainder.lo = a.lo % b.lo;
    } else if (n == 1) {
        u32 digits[4];
        split_digits(a, digits);
        remainder = dv_u128_from_u64(divide_by_digit(digits, v[0]));
        quotient = join_digits(digits);
    } else if (!dv_u128_ult(a, b)) {
        /* Algorithm D wants the divisor's top bit set; the dividend then needs a fifth digit. */
        u32 shift = dv_clz32(v[n - 1]);
        u32 u[5];
        u32 q[4] = {0};
        split_digits(dv_u128_shl(b, shift), v);
        split_digits(dv_u128_shl(a, shift), u);
        u[4] = shift == 0 ? 0 : (u32)(a.hi >> (64 - shift));
        for (u32 i = 4 - n + 1; i-- > 0;) {
            q[i] = divide_step(u + i, v, n);
        }
        quotient = join_digits(q);
        remainder = dv_u128_lshr(join_digits(u), shift);
    }
    if (rem != NULL) {
        *rem = remainder;
    }
    return quotient;
}

static U128 magnitude(U128 a)
{
    return dv_u128_is_negative(a) ? dv_u128_neg(a) : a;
}

U128 dv_u128_sdivrem(U128 a, U128 b, U128 *rem)
{
    U128 remainder;
    U128 quotient = dv_u128_udivrem(magnitude(a), magnitude(b), &remainder);
    if (rem != NULL) {
        *rem = dv_u128_is_negative(a) ? dv_u128_neg(remainder) : remainder;
    }
    return dv_u128_is_negative(a) != dv_u128_is_negative(b) ? dv_u128_neg(quotient) : quotient;
}

static u32 digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return (u32)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (u32)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return (u32)(c - 'A') + 10;
    }
    return UINT32_MAX;
}

bool dv_u128_parse(const char *text, usize length, u32 base, U128 *out)
{
    ASSERT(base >= 2 && base <= 16);
    U128 value = {0, 0};
    U128 factor = dv_u128_from_u64(base);
    bool after_digit = false;
    for (usize i = 0; i < length; i++) {
        if (text[i] == '_' && after_digit) {
            after_digit = false;
            continue;
        }
        u32 digit = digit_value(text[i]);
        if (digit >= base || !dv_u128_is_zero(dv_u128_umulhi(value, factor))) {
            return false;
        }
        bool carry = false;
        value = dv_u128_add_carry(dv_u128_mul(value, factor), dv_u128_from_u64(digit), &carry);
        if (carry) {
            return false;
        }
        after_digit = true;
    }
    *out = value;
    return after_digit;
}

/* Writes digits backwards from the end of out, then moves them to its start. */
static char *format_base(U128 a, u32 base, char *out)
{
    u32 digits[4];
    split_digits(a, digits);
    u32 at = U128_TEXT_SIZE - 1;
    out[at] = '\0';
    do {
        u32 digit = divide_by_digit(digits, base);
        out[--at] = "0123456789abcdef"[digit];
    } while ((digits[0] | digits[1] | digits[2] | digits[3]) != 0);
    return memmove(out, out + at, U128_TEXT_SIZE - at);
}

char *dv_u128_format_unsigned(U128 a, char *out)
{
    return format_base(a, 10, out);
}

char *dv_u128_format_signed(U128 a, char *out)
{
    if (!dv_u128_is_negative(a)) {
        return format_base(a, 10, out);
    }
    char digits[U128_TEXT_SIZE];
    format_base(dv_u128_neg(a), 10, digits);
    out[0] = '-';
    memcpy(out + 1, digits, strlen(digits) + 1);
    return out;
}

char *dv_u128_format_hex(U128 a, char *out)
{
    return format_base(a, 16, out);
}
