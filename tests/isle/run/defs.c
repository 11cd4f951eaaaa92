/* defs.c - expression-bodied helpers. */
#include <defs_rules.h>

RUN_SUPPLY

static bool is(U128 x, u64 hi, u64 lo)
{
    return x.hi == hi && x.lo == lo;
}

static void check_narrow(Run *run)
{
    EXPECT(t_mask(run, 0x1ff) == 63);
    EXPECT(t_arithmetic(run, 17, 5) == 17 * 15 + 3 - 2);
    EXPECT(t_arithmetic(run, 17, 0) == UINT32_MAX - 17);
    EXPECT(t_logic(run, 0x1234, 0xff00) == 0xffcb);
    EXPECT(t_shifts(run, -8, 1) == (-16 ^ 0x7ffffffc ^ -4));
    EXPECT(t_shifts(run, -8, 32) == -1);
    EXPECT(t_shifts(run, 8, 40) == 0);
    EXPECT(t_turns(run, 0x81, 1) == 0x03 - 0xc0 + 256);
    EXPECT(t_turns(run, 0x81, 8) == 0);
    EXPECT(t_counts(run, 0x00f1) == 5 + 800);
    EXPECT(t_resize(run, 0x80, 0x01) == 0xffff8001u);
    EXPECT(t_resize(run, 0x78, 0x01) == 0x7801u + 15);
    EXPECT(t_less(run, -2, 4) && !t_less(run, -1, 4) && t_less(run, -1, 0) == false);
    EXPECT(t_chosen(run, 5, true) == 5 && t_chosen(run, 5, false) == 250);
    EXPECT(t_use(run, 5) == 1 && t_use(run, 6) == 6);
}

static void check_wide(Run *run)
{
    U128 two = {2, 0};
    U128 top = {0, UINT64_C(1) << 63};
    U128 ones = {UINT64_MAX, UINT64_MAX};
    EXPECT(is(t_wide_sum(run, two, two), 0, 4 + 2 + 3));
    EXPECT(is(t_wide_quotient(run, top, two), UINT64_C(1) << 62, 0));
    EXPECT(is(t_wide_quotient(run, two, (U128){0, 0}), UINT64_MAX, UINT64_MAX - 2));
    EXPECT(is(t_wide_shift(run, top, (U128){127, 0}), UINT64_MAX, UINT64_MAX));
    EXPECT(is(t_wide_shift(run, top, (U128){0, 1}), UINT64_MAX, UINT64_MAX));
    EXPECT(is(t_wide_shift(run, two, (U128){64, 0}), 2, 0));
    EXPECT(is(t_wide_turn(run, top, (U128){1, 0}), 0, 1));
    EXPECT(is(t_wide_turn(run, two, (U128){128, 1}), 0, 2));
    EXPECT(is(t_wide_parts(run, 7, 9), 7, 9));
    EXPECT(t_wide_middle(run, (U128){UINT64_C(0x11112222) << 32, 0x33334444}) ==
           UINT64_C(0x3333444411112222));
    EXPECT(is(t_wide_count(run, ones), 0, 128) && is(t_wide_count(run, two), 0, 127));
    EXPECT(t_wide_less(run, top, two) && !t_wide_less(run, two, top));
    EXPECT(is(t_wide_sign(run, -3), UINT64_MAX, UINT64_MAX - 2));
}

int main(void)
{
    static Run run;
    check_narrow(&run);
    check_wide(&run);
    return run_finish(&run, t_rule_names, t_rule_count);
}
