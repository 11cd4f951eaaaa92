/* tutorial.c - what the tutorial says of its rules. */
#include <tutorial_rules.h>

RUN_SUPPLY

u32 mul_u32(Run *run, u32 a0, u32 a1)
{
    (void)run;
    return a0 * a1;
}

u32 square(Run *run, u32 a0)
{
    run_note(run, a0);
    return a0 * a0;
}

bool half(Run *run, u32 a0, u32 *out)
{
    (void)run;
    *out = a0 / 2;
    return a0 % 2 == 0;
}

int main(void)
{
    static Run state;
    Run *run = &state;
    EXPECT(t_area(run, (Shape){.kind = Shape_Rect, .as.Rect = {3, 4}}) == 12);
    EXPECT(run->note_count == 0);
    EXPECT(t_area(run, (Shape){.kind = Shape_Rect, .as.Rect = {5, 5}}) == 25);
    EXPECT(run->note_count == 1 && run->notes[0] == 5);
    EXPECT(t_area(run, (Shape){.kind = Shape_Dot}) == 0);
    EXPECT(t_clauses(run, 8, 3) == 4);
    EXPECT(t_clauses(run, 7, 3) == 3);
    if (setjmp(run->unmatched) == 0) {
        t_area(run, (Shape){.kind = Shape_Circle, .as.Circle = {1}});
        run_expect(run, false, "control does not come here", __LINE__);
    }
    EXPECT(run->unmatched_term != NULL && strcmp(run->unmatched_term, "area") == 0);
    return run_finish(run, t_rule_names, t_rule_count);
}
