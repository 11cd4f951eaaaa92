/* divide.h - division by a constant as a multiplication, as code generators want it.
 *
 * A quotient n / d is the high part of n times about 2^k / d, if that is taken with enough bits: Granlund and
 * Montgomery, "Division by Invariant Integers using Multiplication", 1994. The multiplier may need a bit more than a
 * register has; then that bit's part is added apart. Divisors that are powers of two want shifts instead.
 */
#ifndef DV_DIVIDE_H
#define DV_DIVIDE_H

#include "base/base.h"

/* With high(a, b) the high half of the product, for `bits` of 8 to 64:
 *
 *   unsigned          high(n >> before, multiplier) >> after
 *   unsigned, is_long (((n - t) >> 1) + t) >> (after - 1), where t is high(n, multiplier)
 *   signed            t = high(n, multiplier) >> after; if is_long, t = (high(n, multiplier) + n) >> after, the
 *                     multiplier being negative; t - (n >> (bits - 1)), shifts being arithmetic
 */
typedef struct DivMagic {
    u64 multiplier;
    u8 before, after;
    bool is_long;
} DivMagic;

/* For an unsigned divisor of so many bits that is no power of two. */
DivMagic dv_divide_unsigned(u64 divisor, u32 bits);
/* For a signed divisor of this size, which is no power of two; where the divisor is negative, so is the result. */
DivMagic dv_divide_signed(u64 size, u32 bits);

#endif
