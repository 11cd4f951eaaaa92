/* names.c - names and numbers. */
#include <names_rules.h>

RUN_SUPPLY

u32 add(Run *run, u32 a0, u32 a1)
{
    (void)run;
    return a0 + a1;
}

u32 x_1(Run *run, u32 a0)
{
    (void)run;
    return a0 + 1;
}

/* 1 .. a0 */
bool upto(Run *run, IsleIter *iter, u32 a0, u32 *out)
{
    (void)run;
    *out = (u32)++iter->at;
    return *out <= a0;
}

static void check_names(Run *run)
{
    EXPECT(t_sum_of(run, 3, 4) == 7);
    EXPECT(t_while(run, (Pair){.int_ = 5, .x_y = 6}) == 11);
    EXPECT(t_double_(run, 4) == 9);
    EXPECT(t_shadow(run, 3, 100) == 106);
    EXPECT(t_shadow(run, 3, 5) == 103);
    EXPECT(t_calls(run, (Pair){5, 6}) == 12);
    EXPECT(t_calls(run, (Pair){7, 6}) == 10);
}

static void check_loops(Run *run)
{
    u32 results[100];
    u32 expected = 0;
    u32 count = t_loops(run, 2, results, 100);
    for (u32 n = 1; n <= 2; n++) {
        for (u32 each = n; each <= n + 10; each += 10) {
            for (u32 i = 1; i <= each; i++) {
                EXPECT(expected < count && results[expected] == i + each + n);
                expected++;
            }
        }
    }
    EXPECT(count == expected);
    count = t_right(run, 2, results, 100);
    expected = 0;
    for (u32 n = 1; n <= 2; n++) {
        for (u32 each = n; each <= n + 10; each += 10) {
            for (u32 i = 1; i <= n; i++) {
                EXPECT(expected + 1 < count && results[expected] == n + each + i + i);
                EXPECT(expected + 1 < count && results[expected + 1] == n + each + i + i + 10);
                expected += 2;
            }
        }
    }
    EXPECT(count == expected);
}

static void check_numbers(Run *run)
{
    EXPECT(t_bases(run, 170) == 170);
    EXPECT(t_bases(run, 15) == 15);
    EXPECT(t_bases(run, UINT32_C(0xffff0000)) == 1000000);
    EXPECT(t_bases(run, 16) == 3);
    EXPECT(t_bases(run, 4000) == 77);
    EXPECT(t_bases(run, 4001) == 0);
    EXPECT(t_signs(run, INT32_MIN, true) == -1);
    EXPECT(t_signs(run, INT32_MIN, false) == INT32_MIN);
    EXPECT(t_signs(run, -1, true) == -3);
    EXPECT(t_signs(run, -77, false) == 8);
    EXPECT(t_signs(run, -77, true) == -77);
}

int main(void)
{
    static Run run;
    check_names(&run);
    check_loops(&run);
    check_numbers(&run);
    return run_finish(&run, t_rule_names, t_rule_count);
}
