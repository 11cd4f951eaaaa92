/* pulley_insts.c - machine instructions as rules build them: number, fields, order. */
#include <pulley_insts_rules.h>

RUN_SUPPLY

enum { FIRST = 100, INSTS_MAX = 8 };
static const TestReg X
= {1}, Y = {2};

#define SAME(name) \
    TestReg name(Run *run, Value a0) \
    { \
        (void)run; \
        return a0; \
    }
SAME(low_of)
SAME(all_of)
SAME(slot_of)

TestReg low_half(Run *run, R128 a0)
{
    (void)run;
    return a0.lo;
}

/* Notes the operation and the fields, and gives a new register. */
static TestReg note_inst(Run *run, u32 op, const u64 *fields, u32 count)
{
    TestReg reg = {FIRST + run->note_count};
    run_note(run, op);
    for (u32 i = 0; i < count; i++) {
        run_note(run, (u32)fields[i]);
        run_note(run, (u32)(fields[i] >> 32));
    }
    return reg;
}

R32 t_inst_R32(Run *run, u32 op, const u64 *fields, u32 count)
{
    return note_inst(run, op, fields, count);
}

R64 t_inst_R64(Run *run, u32 op, const u64 *fields, u32 count)
{
    return note_inst(run, op, fields, count);
}

Slot t_inst_Slot(Run *run, u32 op, const u64 *fields, u32 count)
{
    return note_inst(run, op, fields, count);
}

R128 t_inst_R128(Run *run, u32 op, const u64 *fields, u32 count)
{
    TestReg lo = note_inst(run, op, fields, count);
    return (R128){lo, {lo.number + 1000}};
}

Done t_inst_Done(Run *run, u32 op, const u64 *fields, u32 count)
{
    note_inst(run, op, fields, count);
    return true;
}

/* The instruction noted at *at: its number and fields, which may be negative. */
static bool is_inst(const Run *run, u32 *at, u32 op, const i64 *fields, u32 count)
{
    bool ok = run->notes[(*at)++] == op;
    for (u32 i = 0; i < count; i++, *at += 2) {
        u64 field = (u64)run->notes[*at + 1] << 32 | run->notes[*at];
        ok = ok && field == (u64)fields[i];
    }
    return ok;
}
#define INST(op, ...) \
    EXPECT(is_inst(run, &at, PULLEY_##op, (const i64[]){__VA_ARGS__}, \
                   sizeof((const i64[]){__VA_ARGS__}) / sizeof(i64)))

static void check_slots(Run *run)
{
    u32 at = run->note_count = 0;
    R32 sum = t_add(run, X, Y);
    INST(xadd32, 1, 2);
    EXPECT(sum.number == FIRST + at);
    INST(xadd32_i32, FIRST, -7);
    at = run->note_count = 0;
    EXPECT(t_product(run, X, Y).number == FIRST);
    INST(xwidemul64_u, 1, 2);
    at = run->note_count = 0;
    t_constant(run, INT64_MIN);
    INST(xconst64, INT64_MIN);
    at = run->note_count = 0;
    t_constant(run, -1);
    INST(xconst64, -1);
}

static void check_others(Run *run)
{
    u32 at = run->note_count = 0;
    EXPECT(t_small(run, X, INT16_MIN, 7, UINT32_MAX));
    INST(br_if_xslt32_i16, 1, INT16_MIN, 7, UINT32_MAX);
    at = run->note_count = 0;
    EXPECT(t_store(run, X, Y, (WasmMemory){9}));
    INST(xconst64, -1);
    INST(heap_store64_g, 1, 2, FIRST, 9);
    at = run->note_count = 0;
    EXPECT(t_check(run, Y, 255));
    INST(trap_if32, 2, 255);
    at = run->note_count = 0;
    EXPECT(t_nothing(run));
    EXPECT(run->note_count == 1 && run->notes[0] == PULLEY_nop);
    at = run->note_count = 0;
    EXPECT(t_count(run, Y, 3, 4).number == FIRST);
    INST(loop64, 2, -1, 3, 4);
}

int main(void)
{
    static Run run;
    check_slots(&run);
    check_others(&run);
    return run_finish(&run, t_rule_names, t_rule_count);
}
