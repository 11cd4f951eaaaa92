/* order.c - which rule is taken. */
#include <order_rules.h>

RUN_SUPPLY

bool half(Run *run, u32 a0, u32 *out)
{
    (void)run;
    *out = a0 / 2;
    return a0 % 2 == 0;
}

u32 add(Run *run, u32 a0, u32 a1)
{
    (void)run;
    return a0 + a1;
}

static Shape rect(u32 w, u32 h)
{
    return (Shape){.kind = Shape_Rect, .as.Rect = {w, h}};
}

static Shape circle(u32 r)
{
    return (Shape){.kind = Shape_Circle, .as.Circle = {r}};
}

static const Shape dot = {.kind = Shape_Dot};

static void check_priorities(Run *run)
{
    EXPECT(t_area(run, rect(3, 4)) == 1);
    EXPECT(t_area(run, rect(3, 3)) == 2);
    EXPECT(t_area(run, rect(0, 4)) == 3);
    EXPECT(t_area(run, rect(0, 0)) == 4);
    EXPECT(t_area(run, circle(9)) == 9);
    EXPECT(t_area(run, dot) == 0);
}

static void check_strictness(Run *run)
{
    EXPECT(t_pick(run, 0, 0, false) == 1);
    EXPECT(t_pick(run, 1, 0, true) == 2);
    EXPECT(t_pick(run, 1, 2, false) == 3);
    EXPECT(t_pick(run, 1, 2, true) == 4);
    EXPECT(t_pick(run, 1, 3, true) == 5);
    EXPECT(t_pick(run, 1, 3, false) == 2);
    EXPECT(t_pick(run, 1, 7, false) == 6);
    EXPECT(t_pick(run, 8, 7, false) == 6);
    EXPECT(t_pick(run, 8, 7, true) == 1);
}

static void check_clauses(Run *run)
{
    EXPECT(t_clauses(run, 6, 0) == 100);
    EXPECT(t_clauses(run, 8, 2) == 200);
    EXPECT(t_clauses(run, 8, 1) == 4);
    EXPECT(t_clauses(run, 10, 1) == 5);
    EXPECT(t_clauses(run, 7, 1) == 1);
}

static void check_patterns(Run *run)
{
    EXPECT(t_both(run, circle(5), (Pair){9, 100}) == 14);
    EXPECT(t_both(run, circle(4), (Pair){9, 100}) == 100);
    EXPECT(t_both(run, rect(2, 3), (Pair){2, 3}) == 5);
    EXPECT(t_both(run, rect(2, 3), (Pair){2, 4}) == 4);
    EXPECT(t_both(run, rect(13, 3), (Pair){13, 3}) == 13);
    EXPECT(t_both(run, dot, (Pair){1, 3}) == 77);
    EXPECT(t_both(run, dot, (Pair){13, 3}) == 13);
    EXPECT(t_same(run, rect(1, 2), rect(1, 2)));
    EXPECT(!t_same(run, rect(1, 2), rect(1, 3)));
    EXPECT(!t_same(run, rect(1, 2), dot));
    EXPECT(t_same(run, dot, dot));
    Cond cond = Cond_Lt;
    EXPECT(t_negate(run, Cond_Eq, &cond) && cond == Cond_Ne);
    EXPECT(t_negate(run, Cond_Ne, &cond) && cond == Cond_Eq);
    EXPECT(!t_negate(run, Cond_Lt, &cond) && cond == Cond_Eq);
}

static void check_no_match(Run *run)
{
    EXPECT(t_total(run, 1) == 11);
    EXPECT(t_total(run, 2) == 12);
    if (setjmp(run->unmatched) == 0) {
        t_total(run, 3);
        run_expect(run, false, "control does not come here", __LINE__);
    }
    EXPECT(run->unmatched_term != NULL && strcmp(run->unmatched_term, "total") == 0);
}

int main(void)
{
    static Run run;
    check_priorities(&run);
    check_strictness(&run);
    check_clauses(&run);
    check_patterns(&run);
    check_no_match(&run);
    return run_finish(&run, t_rule_names, t_rule_count);
}
