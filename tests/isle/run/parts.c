/* parts.c - terms of many rules against formulas, for all inputs that make a difference. */
#include <parts_rules.h>

RUN_SUPPLY

u32 add(Run *run, u32 a0, u32 a1)
{
    (void)run;
    return a0 + a1;
}

bool half(Run *run, u32 a0, u32 *out)
{
    (void)run;
    *out = a0 / 2;
    return a0 % 2 == 0;
}

/* Effects are notes; the one list is short. */
u32 note(Run *run, u32 a0)
{
    run->note_count = 0;
    run_note(run, a0);
    return a0 + 900;
}

/* x and x + 10 */
bool both(Run *run, IsleIter *iter, u32 a0, u32 *out)
{
    (void)run;
    *out = a0 + 10 * (u32)iter->at;
    return iter->at++ < 2;
}

enum { OPS = 8, SMALL = 8 };

static void check_total(Run *run)
{
    for (u32 op = 0; op < OPS; op++) {
        for (u32 k = 0; k < SMALL; k++) {
            u32 expected = k < 5 ? 11 + 22 + 100 * op + k : op < 2 ? k + 900 : k + 11 + 5000;
            run->note_count = 0;
            EXPECT(t_total(run, (Op)op, k, (Pair){11, 22}) == expected);
            EXPECT(run->note_count == (k >= 5 && op < 2));
        }
    }
}

/* What `some` gives; UINT32_MAX: nothing. */
static u32 expect_some(u32 op, u32 k, u32 x)
{
    bool is_exact = k < 5 && (k % 2 == 0 || x % 2 == 0);
    if (is_exact) {
        u32 sum = k % 2 == 0 ? x + k : x;
        return sum % 2 == 0 ? 100 * op + k + sum / 2 : UINT32_MAX;
    }
    if (op == Op_C) {
        return x % 2 == 0 ? x / 2 : UINT32_MAX;
    }
    return x == 7 ? k + 7000 : UINT32_MAX;
}

static void check_some(Run *run)
{
    for (u32 op = 0; op < OPS; op++) {
        for (u32 k = 0; k < SMALL; k++) {
            for (u32 x = 5; x < 10; x++) {
                u32 out = UINT32_MAX;
                bool is_given = t_some(run, (Op)op, k, x, &out);
                EXPECT(is_given == (out != UINT32_MAX) && out == expect_some(op, k, x));
            }
        }
    }
}

static u32 expect_deep(u32 n, u32 op, Pair pair, u32 z)
{
    if (n == 1 && op == Op_A && pair.y == 9 && z == 9) {
        return pair.x + 1 + 900;
    }
    if (n == 1 && op < 2 && pair.x < 6 && z < 6 && pair.y % 2 == 0) {
        return pair.y / 2 + pair.y + 1000 * op + 10 * pair.x + z;
    }
    return n == 1 && op == Op_B ? pair.y + z : n + 4000;
}

static void check_deep(Run *run)
{
    for (u32 i = 0; i < 3 * 3 * SMALL * 4 * 10; i++) {
        u32 n = i % 3, op = i / 3 % 3, z = i / 9 / SMALL / 4 % 10;
        Pair pair = {i / 9 % SMALL, 6 + i / 9 / SMALL % 4};
        EXPECT(t_deep(run, n, (Op)op, pair, z) == expect_deep(n, op, pair, z));
    }
}

static void check_pairs(Run *run)
{
    for (u32 op = 0; op < OPS; op++) {
        for (u32 k = 0; k < SMALL; k++) {
            Pair out = {0, 0};
            EXPECT(t_pairs(run, k, (Op)op, 99, &out) && out.x == k && out.y == k);
            EXPECT(!t_pairs(run, k, (Op)op, 3, &out) && out.x == k);
            EXPECT(t_pairs(run, k, (Op)op, 8, &out) == (k < 5));
            EXPECT(k >= 5 || (out.x == 100 * op + k && out.y == 4));
        }
    }
}

static bool holds(const u32 *results, u32 count, u32 wanted)
{
    for (u32 i = 0; i < count; i++) {
        if (results[i] == wanted) {
            return true;
        }
    }
    return false;
}

static void check_all(Run *run)
{
    u32 results[16];
    u32 one[1];
    for (u32 op = 0; op < OPS; op++) {
        for (u32 k = 0; k < SMALL; k++) {
            u32 own = k >= 5 ? 0 : k == 3 ? 2 : 1;
            u32 count = t_all(run, (Op)op, k, 40000, results, 16);
            EXPECT(count == own + (op == Op_D) + 2);
            EXPECT(holds(results, count, 40000 + k) && holds(results, count, 40010 + k));
            EXPECT(op != Op_D || holds(results, count, 40001));
            EXPECT(own == 0 || holds(results, count, 40000 + 100 * op + (k == 3 ? 0 : k)));
            EXPECT(own < 2 || holds(results, count, 40010 + 100 * op));
            for (u32 max = 0; max < count; max++) {
                u32 few[16];
                EXPECT(t_all(run, (Op)op, k, 40000, few, max) == max);
                EXPECT(memcmp(few, results, max * sizeof *few) == 0);
            }
            EXPECT(t_all(run, (Op)op, k, 40000, one, 1) == 1);
        }
    }
}

/* What `nest` gives; UINT32_MAX: nothing. */
static u32 expect_nest(u32 op, Pair pair, u32 k, u32 m)
{
    if (op < 4 && pair.y % 2 == 0 && k < 6 && m < 6) {
        u32 sum = pair.y / 2 + 1000 * op + 10 * k + m;
        return sum % 2 == 0 ? pair.x + sum / 2 : UINT32_MAX;
    }
    if (op < 4 && pair.y < 9) {
        return k + pair.x + 1000 * op + 100 * pair.y;
    }
    return pair.x == 3 && pair.y % 2 == 0 ? pair.y / 2 : UINT32_MAX;
}

static void check_nest(Run *run)
{
    for (u32 i = 0; i < 5 * 2 * 11 * 7 * 7; i++) {
        u32 op = i % 5, k = i / 110 % 7, m = i / 770;
        Pair pair = {i / 5 % 2 + 3, i / 10 % 11};
        u32 out = UINT32_MAX;
        bool is_given = t_nest(run, (Op)op, pair, k, m, &out);
        EXPECT(is_given == (out != UINT32_MAX) && out == expect_nest(op, pair, k, m));
    }
}

int main(void)
{
    static Run run;
    check_total(&run);
    check_some(&run);
    check_deep(&run);
    check_pairs(&run);
    check_all(&run);
    check_nest(&run);
    return run_finish(&run, t_rule_names, t_rule_count);
}
