/* specs.c - rules that have specifications. */
#include <specs_rules.h>

RUN_SUPPLY

bool less(Run *run, u32 a0, u32 a1)
{
    (void)run;
    return a0 < a1;
}

u32 add(Run *run, u32 a0, u32 a1)
{
    run_note(run, a0);
    return a0 + a1;
}

int main(void)
{
    static Run state;
    Run *run = &state;
    EXPECT(t_compare(run, CC_Less, 1, 2) && !t_compare(run, CC_Less, 2, 1));
    EXPECT(t_compare(run, CC_More, 2, 1) && !t_compare(run, CC_More, 2, 2));
    EXPECT(t_sum(run, 0, 9) == 9 && run->note_count == 0);
    EXPECT(t_sum(run, 5, 5) == 10 && run->note_count == 1);
    EXPECT(t_low_byte(run, 0x1234) == 0x34);
    return run_finish(run, t_rule_names, t_rule_count);
}
