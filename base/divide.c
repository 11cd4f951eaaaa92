/* divide.c - multipliers for dividing; divide.h tells what for.
 *
 * With l the least number of bits so that 2^l >= d, every multiplier from 2^(bits+l) / d to
 * (2^(bits+l) + 2^(bits+l-precision)) / d gives the quotients of all n below 2^precision. As long as there still is one in
 * the range when both ends are halved, it is taken, with a shift less: figure 6.2 of the paper. All but 2^bits of these
 * numbers fits in `bits`, since 2^l is less than 2 d. */
#include "base/divide.h"

#include "base/u128.h"

static U128 quotient(U128 n, u64 d)
{
    U128 rest;
    return dv_u128_udivrem(n, dv_u128_from_u64(d), &rest);
}

static U128 choose(u64 d, u32 bits, u32 precision, u8 *shift)
{
    u32 log = 64 - dv_clz64(d - 1);
    u64 above = (log == 64 ? 0 : (u64)1 << log) - d;
    U128 one = dv_u128_from_u64(1), top = dv_u128_shl(one, bits);
    U128 n = dv_u128_shl(dv_u128_from_u64(above), bits);
    U128 slack = dv_u128_shl(one, bits + log - precision);
    U128 low = dv_u128_add(top, quotient(n, d));
    U128 high = dv_u128_add(top, quotient(dv_u128_add(n, slack), d));
    for (; log > 0 && dv_u128_ult(dv_u128_lshr(low, 1), dv_u128_lshr(high, 1)); log--) {
        low = dv_u128_lshr(low, 1);
        high = dv_u128_lshr(high, 1);
    }
    *shift = (u8)log;
    return high;
}

static DivMagic magic(U128 multiplier, u32 before, u8 after, u32 bits, u32 short_bits)
{
    bool is_long = !dv_u128_is_zero(dv_u128_lshr(multiplier, short_bits));
    return (DivMagic){multiplier.lo & UINT64_MAX >> (64 - bits), (u8)before, after, is_long};
}

DivMagic dv_divide_unsigned(u64 divisor, u32 bits)
{
    ASSERT((divisor & (divisor - 1)) != 0);
    u8 shift;
    u32 zeros = dv_ctz64(divisor);
    U128 multiplier = choose(divisor, bits, bits, &shift);
    DivMagic result = magic(multiplier, 0, shift, bits, bits);
    if (result.is_long && zeros != 0) {
        multiplier = choose(divisor >> zeros, bits, bits - zeros, &shift);
        result = magic(multiplier, zeros, shift, bits, bits);
    }
    return result;
}

DivMagic dv_divide_signed(u64 size, u32 bits)
{
    ASSERT((size & (size - 1)) != 0);
    u8 shift;
    U128 multiplier = choose(size, bits, bits - 1, &shift);
    return magic(multiplier, 0, shift, bits, bits - 1);
}
