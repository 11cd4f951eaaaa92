/* u128.h - U128, integers of 128 bits on every host.
 *
 * One type for signed and unsigned, as in the IR: an operation that depends on the sign says so in
 * its name (s or u). Arithmetic is modulo 2^128.
 */
#ifndef DV_U128_H
#define DV_U128_H

#include "base.h"

typedef struct U128 {
    u64 lo;
    u64 hi;
} U128;

static inline U128 dv_u128_from_u64(u64 x)
{
    return (U128){x, 0};
}

static inline U128 dv_u128_from_i64(i64 x)
{
    return (U128){(u64)x, x < 0 ? UINT64_MAX : 0};
}

static inline bool dv_u128_is_zero(U128 a)
{
    return (a.lo | a.hi) == 0;
}

static inline bool dv_u128_is_negative(U128 a)
{
    return (a.hi >> 63) != 0;
}

static inline bool dv_u128_eq(U128 a, U128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

static inline bool dv_u128_ult(U128 a, U128 b)
{
    return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
}

static inline bool dv_u128_slt(U128 a, U128 b)
{
    u64 sign = (u64)1 << 63;
    return dv_u128_ult((U128){a.lo, a.hi ^ sign}, (U128){b.lo, b.hi ^ sign});
}

static inline U128 dv_u128_and(U128 a, U128 b)
{
    return (U128){a.lo & b.lo, a.hi & b.hi};
}

static inline U128 dv_u128_or(U128 a, U128 b)
{
    return (U128){a.lo | b.lo, a.hi | b.hi};
}

static inline U128 dv_u128_xor(U128 a, U128 b)
{
    return (U128){a.lo ^ b.lo, a.hi ^ b.hi};
}

static inline U128 dv_u128_not(U128 a)
{
    return (U128){~a.lo, ~a.hi};
}

static inline U128 dv_u128_add(U128 a, U128 b)
{
    u64 lo = a.lo + b.lo;
    return (U128){lo, a.hi + b.hi + (lo < a.lo)};
}

static inline U128 dv_u128_sub(U128 a, U128 b)
{
    return (U128){a.lo - b.lo, a.hi - b.hi - (a.lo < b.lo)};
}

static inline U128 dv_u128_neg(U128 a)
{
    return dv_u128_sub((U128){0, 0}, a);
}

/* a + b + carry; *carry becomes what the 128 bits do not hold. */
static inline U128 dv_u128_add_carry(U128 a, U128 b, bool *carry)
{
    U128 sum = dv_u128_add(a, b);
    U128 result = dv_u128_add(sum, dv_u128_from_u64(*carry));
    *carry = dv_u128_ult(sum, a) || dv_u128_ult(result, sum);
    return result;
}

/* a - b - borrow; *borrow becomes true if that is below zero. */
static inline U128 dv_u128_sub_borrow(U128 a, U128 b, bool *borrow)
{
    U128 difference = dv_u128_sub(a, b);
    U128 result = dv_u128_sub(difference, dv_u128_from_u64(*borrow));
    *borrow = dv_u128_ult(a, b) || dv_u128_ult(difference, result);
    return result;
}

/* Shifts by 0 to 127; the caller masks. */
static inline U128 dv_u128_shl(U128 a, u32 amount)
{
    ASSERT(amount < 128);
    if (amount >= 64) {
        return (U128){0, a.lo << (amount - 64)};
    }
    if (amount == 0) {
        return a;
    }
    return (U128){a.lo << amount, (a.hi << amount) | (a.lo >> (64 - amount))};
}

static inline U128 dv_u128_lshr(U128 a, u32 amount)
{
    ASSERT(amount < 128);
    if (amount >= 64) {
        return (U128){a.hi >> (amount - 64), 0};
    }
    if (amount == 0) {
        return a;
    }
    return (U128){(a.lo >> amount) | (a.hi << (64 - amount)), a.hi >> amount};
}

static inline U128 dv_u128_ashr(U128 a, u32 amount)
{
    if (dv_u128_is_negative(a)) {
        return dv_u128_not(dv_u128_lshr(dv_u128_not(a), amount));
    }
    return dv_u128_lshr(a, amount);
}

/* 128 when a is zero. */
static inline u32 dv_u128_clz(U128 a)
{
    return a.hi != 0 ? dv_clz64(a.hi) : 64 + dv_clz64(a.lo);
}

static inline u32 dv_u128_ctz(U128 a)
{
    return a.lo != 0 ? dv_ctz64(a.lo) : 64 + dv_ctz64(a.hi);
}

static inline u32 dv_u128_popcount(U128 a)
{
    return dv_popcount64(a.lo) + dv_popcount64(a.hi);
}

/* u128.c: all 128 bits of the product of two u64. */
U128 dv_u128_mul_u64(u64 a, u64 b);
U128 dv_u128_mul(U128 a, U128 b);
/* The upper half of the 256-bit product. */
U128 dv_u128_umulhi(U128 a, U128 b);
U128 dv_u128_smulhi(U128 a, U128 b);
/* Quotient, and the remainder in *rem unless that is NULL. The divisor must not be zero. Signed
 * division rounds towards zero; the smallest number by -1 gives itself, with remainder zero. */
U128 dv_u128_udivrem(U128 a, U128 b, U128 *rem);
U128 dv_u128_sdivrem(U128 a, U128 b, U128 *rem);

/* Reads `length` digits of the base, 2 to 16, with single underscores allowed between them; false
 * if a character is no digit, there is none, or the number needs more than 128 bits. No sign, no
 * prefix. */
bool dv_u128_parse(const char *text, usize length, u32 base, U128 *out);

enum { U128_TEXT_SIZE = 48 }; /* enough for every format below, with the NUL */
/* Each writes a NUL-terminated text to out, of U128_TEXT_SIZE bytes, and returns out. Hexadecimal
 * is in lower case without leading zeros or prefix. */
char *dv_u128_format_unsigned(U128 a, char *out);
char *dv_u128_format_signed(U128 a, char *out);
char *dv_u128_format_hex(U128 a, char *out);

#endif
