/* multi.c - multi-terms. */
#include <multi_rules.h>

RUN_SUPPLY

bool each_below(Run *run, IsleIter *iter, u32 a0, u32 *r0)
{
    (void)run;
    *r0 = (u32)iter->at;
    return iter->at++ < a0;
}

bool each_divisor(Run *run, IsleIter *iter, u32 a0, u32 *out)
{
    (void)run;
    do {
        iter->at++;
    } while (iter->at <= a0 && a0 % iter->at != 0);
    *out = (u32)iter->at;
    return iter->at <= a0;
}

u32 add(Run *run, u32 a0, u32 a1)
{
    (void)run;
    return a0 + a1;
}

static bool gives(const u32 *results, u32 count, const u32 *expected, u32 expected_count)
{
    return count == expected_count && memcmp(results, expected, count * sizeof *results) == 0;
}

int main(void)
{
    static Run state;
    Run *run = &state;
    u32 results[200];
    static const u32 three[] = {0, 1, 2};
    EXPECT(gives(results, t_small(run, 3, results, 200), three, 3));
    EXPECT(gives(results, t_small(run, 3, results, 2), three, 2));
    EXPECT(t_small(run, 3, results, 0) == 0);
    EXPECT(t_small(run, 0, results, 200) == 0);
    u32 count = t_small(run, 9, results, 200);
    EXPECT(count == 10);
    bool has_900 = false;
    for (u32 i = 0; i < count; i++) {
        has_900 = has_900 || results[i] == 900;
    }
    EXPECT(has_900);
    static const u32 sums[] = {1000, 1001, 1, 2, 3, 6, 2, 3, 4, 7};
    EXPECT(gives(results, t_sums(run, 2, results, 200), sums, 10));
    static const u32 right[] = {1, 2, 2, 3};
    EXPECT(gives(results, t_right(run, 2, results, 200), right, 4));
    EXPECT(t_many(run, 1000, results, 200) == ISLE_EACH_MAX);
    EXPECT(t_right(run, 1000, results, 200) == 2 * ISLE_RESULTS_MAX);
    return run_finish(run, t_rule_names, t_rule_count);
}
