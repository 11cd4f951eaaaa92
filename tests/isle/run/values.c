/* values.c - numbers of every width, constants, effects, macros, converters. */
#include <values_rules.h>

RUN_SUPPLY

u32 reg_index(Run *run, Reg a0)
{
    (void)run;
    return a0.number;
}

u32 note(Run *run, u32 a0)
{
    run_note(run, a0);
    return a0;
}

u32 note_two(Run *run, u32 a0, u32 a1)
{
    run_note(run, a0 * 10 + a1);
    return a0 + a1;
}

bool low(Run *run, u32 a0, u32 *r0)
{
    (void)run;
    *r0 = a0;
    return a0 < 16;
}

void split(Run *run, u32 a0, u32 *r0, u32 *r1)
{
    (void)run;
    *r0 = a0 & 0xffff;
    *r1 = a0 >> 16;
}

u32 reg_of(Run *run, Reg a0)
{
    (void)run;
    return a0.number;
}

Reg reg_make(Run *run, u32 a0)
{
    (void)run;
    return (Reg){a0};
}

static void check_widths(Run *run)
{
    EXPECT(t_width8(run, 255, -128) == 1);
    EXPECT(t_width8(run, 255, 127) == 2);
    EXPECT(t_width8(run, 0, -1) == 3);
    EXPECT(t_width8(run, 1, -1) == 4);
    EXPECT(t_width16(run, 65535, INT16_MIN) == 1);
    EXPECT(t_width16(run, 65534, INT16_MIN) == 2);
    EXPECT(t_width32(run, UINT32_MAX, INT32_MIN) == 1);
    EXPECT(t_width32(run, 0, INT32_MIN) == 2);
    EXPECT(t_width32(run, 5, INT32_MAX) == 3);
    EXPECT(t_width32(run, 6, INT32_MAX) == 4);
    EXPECT(t_width64(run, UINT64_MAX, INT64_MIN) == INT64_MIN);
    EXPECT(t_width64(run, 1, INT64_MAX) == INT64_MAX);
    EXPECT(t_width64(run, 1, -5) == -5);
    U128 ones = {UINT64_MAX, UINT64_MAX};
    U128 minus_two = {UINT64_MAX - 1, UINT64_MAX};
    EXPECT(dv_u128_eq(t_width128(run, ones, ones), (U128){1, 0}));
    EXPECT(dv_u128_eq(t_width128(run, (U128){0, 1}, minus_two), (U128){1, UINT64_C(1) << 63}));
    EXPECT(dv_u128_eq(t_width128(run, (U128){7, 0}, ones), (U128){7, 0}));
    EXPECT(dv_u128_eq(t_width128(run, (U128){0, 1}, ones), (U128){0, 0}));
}

static void check_constants(Run *run)
{
    EXPECT(t_named(run, MAGIC, SP) == 1);
    EXPECT(t_named(run, MAGIC, FP) == 2);
    EXPECT(t_named(run, 1, SP) == 3);
    EXPECT(t_named(run, 1, FP) == 29);
    EXPECT(t_stack_pointer(run, true).number == 30);
    EXPECT(t_stack_pointer(run, false).number == 29);
}

static void check_effects(Run *run)
{
    static const u32 expected[] = {1, 2, 3, 21, 4, 34};
    EXPECT(t_effects(run, 0) == 7);
    EXPECT(run->note_count == ARRAY_LEN(expected));
    EXPECT(memcmp(run->notes, expected, sizeof expected) == 0);
}

static void check_macros(Run *run)
{
    EXPECT(t_macros(run, 0x00050001) == 5);
    EXPECT(t_macros(run, 0x00500001) == 1);
    EXPECT(t_converts(run, (Reg){7}).number == 7);
    EXPECT(t_converts(run, (Reg){0x30004}).number == 3);
    Opt some = t_options(run, (Opt){.kind = Opt_None});
    EXPECT(some.kind == Opt_Some && some.as.Some.reg.number == 30);
    EXPECT(t_options(run, some).kind == Opt_None);
    some.as.Some.reg.number = 3;
    EXPECT(t_options(run, some).as.Some.reg.number == 3);
}

int main(void)
{
    static Run run;
    check_widths(&run);
    check_constants(&run);
    check_effects(&run);
    check_macros(&run);
    return run_finish(&run, t_rule_names, t_rule_count);
}
