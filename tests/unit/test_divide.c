/* test_divide.c - quotients by multiplication are those of division: of all numbers of 8 bits, of those at the edges of what
 * an error would be seen in for others. */
#include "unit.h"

#include "base/divide.h"
#include "base/rng.h"
#include "base/u128.h"

static u64 low_bits(u64 x, u32 bits)
{
    return x & UINT64_MAX >> (64 - bits);
}

static u64 extended(u64 x, u32 bits)
{
    u64 sign = (u64)1 << (bits - 1);
    return (low_bits(x, bits) ^ sign) - sign;
}

static u64 high_unsigned(u64 a, u64 b, u32 bits)
{
    U128 product = dv_u128_mul(dv_u128_from_u64(a), dv_u128_from_u64(b));
    return dv_u128_lshr(product, bits).lo;
}

static u64 high_signed(u64 a, u64 b, u32 bits)
{
    U128 product = dv_u128_mul(dv_u128_from_i64((i64)a), dv_u128_from_i64((i64)b));
    return dv_u128_ashr(product, bits).lo;
}

static u64 by_unsigned(u64 n, const DivMagic *m, u32 bits)
{
    u64 t = high_unsigned(n >> m->before, m->multiplier, bits);
    return m->is_long ? (((n - t) >> 1) + t) >> (m->after - 1) : t >> m->after;
}

static u64 shifted(u64 x, u32 amount)
{
    return dv_u128_ashr(dv_u128_from_i64((i64)x), amount).lo;
}

static u64 by_signed(u64 n, const DivMagic *m, u32 bits, bool is_negative)
{
    u64 t = high_signed(n, extended(m->multiplier, bits), bits) + (m->is_long ? n : 0);
    u64 q = shifted(t, m->after) - shifted(n, bits - 1);
    return is_negative ? 0 - q : q;
}

static void check_unsigned(u64 n, u64 d, const DivMagic *m, u32 bits)
{
    n = low_bits(n, bits);
    assert_int_equal(by_unsigned(n, m, bits), n / d);
}

/* The signed n and d, extended to 64 bits. */
static void check_signed(u64 n, u64 d, const DivMagic *m, u32 bits)
{
    n = extended(n, bits);
    bool differ = ((n ^ d) >> 63) != 0;
    u64 size = n >> 63 != 0 ? 0 - n : n, by = d >> 63 != 0 ? 0 - d : d;
    u64 expected = differ ? 0 - size / by : size / by;
    assert_int_equal(by_signed(n, m, bits, d >> 63 != 0), expected);
}

/* Quotients change at multiples of the divisor: the greatest of those are where errors would be largest. */
static void check_divisor(u64 d, u32 bits, Rng *rng)
{
    u64 top = UINT64_MAX >> (64 - bits), half = top >> 1;
    if (d == 0 || (d & (d - 1)) == 0) {
        return;
    }
    DivMagic m = dv_divide_unsigned(d, bits);
    const u64 at[] = {0, d, half, half / d * d, top, top / d * d, top / d * d - d, top / d / 2 * d};
    assert_true(m.multiplier <= top && m.after < bits + m.is_long);
    for (u32 i = 0; i < ARRAY_LEN(at); i++) {
        check_unsigned(at[i] - 1, d, &m, bits);
        check_unsigned(at[i], d, &m, bits);
        check_unsigned(at[i] + 1, d, &m, bits);
        check_unsigned(dv_rng_next(rng), d, &m, bits);
    }
    u64 by = extended(d, bits), size = by >> 63 != 0 ? 0 - by : by;
    if ((size & (size - 1)) == 0) {
        return;
    }
    m = dv_divide_signed(size, bits);
    assert_true(m.multiplier <= top && m.after < bits && m.before == 0);
    const u64 around[] = {0, size, half, half / size * size, half / size * size - size};
    for (u32 i = 0; i < ARRAY_LEN(around); i++) {
        for (u32 j = 0; j < 4; j++) {
            check_signed(around[i] + j - 1, by, &m, bits);
            check_signed(0 - around[i] - j + 1, by, &m, bits);
        }
        check_signed(dv_rng_next(rng), by, &m, bits);
    }
}

static void all_of_8_bits(void **state)
{
    (void)state;
    for (u32 d = 1; d < 256; d++) {
        u64 by = extended(d, 8), size = by >> 63 != 0 ? 0 - by : by;
        bool is_power = (d & (d - 1)) == 0, is_signed_power = (size & (size - 1)) == 0;
        DivMagic m = is_power ? (DivMagic){0} : dv_divide_unsigned(d, 8);
        DivMagic s = is_signed_power ? (DivMagic){0} : dv_divide_signed(size, 8);
        for (u32 n = 0; n < 256; n++) {
            if (!is_power) {
                check_unsigned(n, d, &m, 8);
            }
            if (!is_signed_power) {
                check_signed(n, by, &s, 8);
            }
        }
    }
}

static void edges_of_16_bits(void **state)
{
    (void)state;
    Rng rng;
    dv_rng_seed(&rng, 1);
    for (u32 d = 1; d < 65536; d++) {
        check_divisor(d, 16, &rng);
    }
}

static void divisors(u32 bits)
{
    static const u64 some[] = {3,  5,  6,  7,   9,   10,  11,   12,    13,
                               14, 25, 28, 100, 125, 641, 1000, 10000, 1000000};
    u64 top = UINT64_MAX >> (64 - bits);
    Rng rng;
    dv_rng_seed(&rng, bits);
    for (u32 i = 0; i < ARRAY_LEN(some); i++) {
        check_divisor(some[i], bits, &rng);
        check_divisor(top - some[i], bits, &rng);
        check_divisor((top >> 1) - some[i], bits, &rng);
        check_divisor((top >> 1) + some[i], bits, &rng);
        check_divisor(top / some[i], bits, &rng);
        check_divisor(top / some[i] + 1, bits, &rng);
    }
    for (u32 k = 0; k < bits; k++) {
        for (u32 i = 0; i < 7; i++) {
            check_divisor(low_bits(((u64)1 << k) + i - 3, bits), bits, &rng);
        }
    }
    for (u32 i = 0; i < 20000; i++) {
        u64 d = dv_rng_next(&rng);
        check_divisor(low_bits(d, bits) >> (d >> 40) % bits, bits, &rng);
    }
}

static void divisors_of_32_bits(void **state)
{
    (void)state;
    divisors(32);
}

static void divisors_of_64_bits(void **state)
{
    (void)state;
    divisors(64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_8_bits),
        cmocka_unit_test(edges_of_16_bits),
        cmocka_unit_test(divisors_of_32_bits),
        cmocka_unit_test(divisors_of_64_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
