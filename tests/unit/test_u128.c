/* test_u128.c - U128 against the compiler's own 128-bit type, where it has one. base/selftest.c has
 * the literals and the laws. */
#include "unit.h"

#include "base/rng.h"
#include "base/u128.h"

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 Native;
__extension__ typedef __int128 NativeSigned;

static Native native(U128 a)
{
    return (Native)a.hi << 64 | a.lo;
}

static void same(U128 got, Native expected)
{
    assert_int_equal(got.lo, (u64)expected);
    assert_int_equal(got.hi, (u64)(expected >> 64));
}

/* The upper half of the product by adding shifted copies: slow and plain. */
static Native high_product(Native a, Native b)
{
    Native high = 0;
    Native low = 0;
    for (u32 i = 128; i-- > 0;) {
        high = high << 1 | low >> 127;
        low <<= 1;
        if ((b >> i & 1) != 0) {
            low += a;
            high += low < a;
        }
    }
    return high;
}

static void check_division(U128 a, U128 b)
{
    Native x = native(a);
    Native y = native(b);
    U128 rem;
    if (y == 0) {
        return;
    }
    same(dv_u128_udivrem(a, b, &rem), x / y);
    same(rem, x % y);
    bool overflows = x == (Native)1 << 127 && y == ~(Native)0;
    if (!overflows) {
        same(dv_u128_sdivrem(a, b, &rem), (Native)((NativeSigned)x / (NativeSigned)y));
        same(rem, (Native)((NativeSigned)x % (NativeSigned)y));
    }
}

static void check_pair(U128 a, U128 b)
{
    Native x = native(a);
    Native y = native(b);
    u32 n = (u32)(y & 127);
    same(dv_u128_add(a, b), x + y);
    same(dv_u128_sub(a, b), x - y);
    same(dv_u128_neg(a), -x);
    same(dv_u128_mul(a, b), x * y);
    same(dv_u128_mul_u64(a.lo, b.lo), (Native)a.lo * b.lo);
    Native high = high_product(x, y);
    same(dv_u128_umulhi(a, b), high);
    same(dv_u128_smulhi(a, b), high - (x >> 127 != 0 ? y : 0) - (y >> 127 != 0 ? x : 0));
    same(dv_u128_shl(a, n), x << n);
    same(dv_u128_lshr(a, n), x >> n);
    same(dv_u128_ashr(a, n), (Native)((NativeSigned)x >> n));
    assert_int_equal(dv_u128_ult(a, b), x < y);
    assert_int_equal(dv_u128_slt(a, b), (NativeSigned)x < (NativeSigned)y);
    assert_int_equal(dv_u128_eq(a, b), x == y);
    for (u32 in = 0; in < 2; in++) {
        bool carry = in != 0;
        Native sum = x + y + in;
        same(dv_u128_add_carry(a, b, &carry), sum);
        assert_int_equal(carry, sum < x || (in != 0 && sum == x));
        bool borrow = in != 0;
        same(dv_u128_sub_borrow(a, b, &borrow), x - y - in);
        assert_int_equal(borrow, x < y || (in != 0 && x == y));
    }
    check_division(a, b);
    u32 zeros = 0;
    while (zeros < 128 && (x << zeros) >> 127 == 0) {
        zeros++;
    }
    assert_int_equal(dv_u128_clz(a), zeros);
}

static void random_pairs(void **state)
{
    (void)state;
    Rng rng;
    dv_rng_seed(&rng, 5);
    for (u32 i = 0; i < 200000; i++) {
        U128 a = {dv_rng_spread(&rng), dv_rng_spread(&rng)};
        U128 b = {dv_rng_spread(&rng), dv_rng_chance(&rng, 2) ? 0 : dv_rng_spread(&rng)};
        check_pair(a, b);
    }
}

/* Digits at the ends of their range make the quotient's guess wrong, which random numbers seldom
 * do. */
static void extreme_digits(void **state)
{
    static const u32 digits[] = {0,          1,          2,          0x7fffffff,
                                 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
    (void)state;
    Rng rng;
    dv_rng_seed(&rng, 6);
    for (u32 i = 0; i < 300000; i++) {
        u64 words[4];
        for (u32 k = 0; k < 4; k++) {
            words[k] = (u64)digits[dv_rng_below(&rng, 8)] << 32 | digits[dv_rng_below(&rng, 8)];
        }
        check_pair((U128){words[0], words[1]}, (U128){words[2], words[3]});
    }
}
#endif

static void digits_in_every_base(void **state)
{
    (void)state;
    U128 x;
    assert_true(dv_u128_parse("11", 2, 2, &x) && x.lo == 3);
    assert_true(dv_u128_parse("777", 3, 8, &x) && x.lo == 511);
    assert_false(dv_u128_parse("8", 1, 8, &x));
    assert_false(dv_u128_parse("_1", 2, 10, &x));
    assert_false(dv_u128_parse("-1", 2, 10, &x));
    assert_false(dv_u128_parse("1\0", 2, 10, &x));
    assert_true(dv_u128_parse("ffffffffffffffffffffffffffffffff", 32, 16, &x));
    assert_true(x.lo == UINT64_MAX && x.hi == UINT64_MAX);
    assert_false(dv_u128_parse("100000000000000000000000000000000", 33, 16, &x));
    assert_true(dv_u128_parse("0000000000000000000000000000000000000000000001", 46, 10, &x));
    assert_true(x.lo == 1 && x.hi == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef __SIZEOF_INT128__
        cmocka_unit_test(random_pairs),
        cmocka_unit_test(extreme_digits),
#endif
        cmocka_unit_test(digits_in_every_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
