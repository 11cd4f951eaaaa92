/* test_mach_short.c - short forms of branches, with a made-up target of bytes: where they just reach and just do not, what is
 * recorded beside the code, and random code whose branches must still go to the marks they went to. */
#include "unit.h"

#include "base/rng.h"
#include "codegen/mach/buffer.h"

/* M and 4 bytes are a mark; J and 4 bytes a jump; C c and 4 bytes a conditional one; j, c 1 byte; N is nothing; T and 4 bytes
 * a word of a table, relative to itself; U a trap. */
enum {
    MARK = 'M',
    JUMP = 'J',
    COND = 'C',
    SHORT_JUMP = 'j',
    SHORT_COND = 'c',
    NOTHING = 'N',
    WORD = 'T',
    TRAP = 'U'
};
enum { K_FULL, K_BRANCH, K_SHORT };

static void patch_32(u8 *at, bool big, i64 distance)
{
    store_u32(at, (u32)(i32)distance, big);
}

static void patch_8(u8 *at, bool big, i64 distance)
{
    (void)big;
    *at = (u8)(i8)distance;
}

static void write_trap(u8 *at, bool big, TrapCode code)
{
    (void)big;
    (void)code;
    *at = TRAP;
}

static void short_form(const u8 *at, MachShort *out)
{
    bool is_cond = at[-1] == 0x80;
    out->before = is_cond ? 2 : 1;
    out->size_bytes = 2;
    out->bytes[0] = is_cond ? SHORT_COND : SHORT_JUMP;
    out->bytes[1] = 0;
}

static const MachKind kinds[] = {
    [K_FULL] = {"full", 4, 1, 4, 0, INT32_MIN, INT32_MAX, patch_32},
    [K_BRANCH] = {"branch", 4, 1, 4, 0, INT32_MIN, INT32_MAX, patch_32},
    [K_SHORT] = {"short", 1, 1, 1, 0, INT8_MIN, INT8_MAX, patch_8},
};
static const MachShortening shortening = {K_BRANCH, K_SHORT, short_form};
static const MachTarget target = {.name = "bytes",
                                  .inst_align = 1,
                                  .num_kinds = ARRAY_LEN(kinds),
                                  .trap_bytes = 1,
                                  .kinds = kinds,
                                  .write_trap = write_trap,
                                  .shortening = &shortening};

static MachLabel nth(MachLabel first, u32 n)
{
    return (MachLabel){first.id + n};
}

static void emit_mark(MachBuffer *buf, u32 number)
{
    dv_mach_u8(buf, MARK);
    dv_mach_u32(buf, number);
}

static void emit_branch(MachBuffer *buf, bool is_cond, MachLabel to)
{
    dv_mach_u8(buf, is_cond ? COND : JUMP);
    if (is_cond) {
        dv_mach_u8(buf, 0x80);
    }
    dv_mach_u32(buf, 0);
    dv_mach_use(buf, dv_mach_offset(buf) - 4, to, K_BRANCH);
}

static void emit_nothing(MachBuffer *buf, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_mach_u8(buf, NOTHING);
    }
}

/* The size of a branch over so many bytes, there and back. */
static void expect_sizes(Fixture *f, u32 bytes, u32 forward, u32 backward)
{
    MachBuffer buf;
    MachCode code;
    dv_mach_init(&buf, &f->arena, &target);
    MachLabel first = dv_mach_labels_new(&buf, 2);
    emit_branch(&buf, true, nth(first, 0));
    emit_nothing(&buf, bytes);
    dv_mach_bind(&buf, nth(first, 0));
    emit_nothing(&buf, 1);
    dv_mach_finish(&buf, &code);
    assert_int_equal(code.status, MACH_OK);
    assert_int_equal(code.size_bytes, bytes + 1 + forward);
    dv_mach_init(&buf, &f->arena, &target);
    first = dv_mach_labels_new(&buf, 1);
    dv_mach_bind(&buf, first);
    emit_nothing(&buf, bytes);
    emit_branch(&buf, false, first);
    dv_mach_finish(&buf, &code);
    assert_int_equal(code.status, MACH_OK);
    assert_int_equal(code.size_bytes, bytes + backward);
}

static void ranges_are_used_up(void **state)
{
    expect_sizes(*state, 0, 2, 2);
    expect_sizes(*state, 126, 2, 2); /* back it is over its own bytes too */
    expect_sizes(*state, 127, 2, 5);
    expect_sizes(*state, 128, 6, 5);
}

/* Each branch is in reach once the next one is short. */
static void short_ones_bring_others_within_reach(void **state)
{
    Fixture *f = *state;
    MachBuffer buf;
    MachCode code;
    dv_mach_init(&buf, &f->arena, &target);
    MachLabel first = dv_mach_labels_new(&buf, 2);
    emit_branch(&buf, true, nth(first, 0));
    emit_branch(&buf, true, nth(first, 1));
    emit_nothing(&buf, 122);
    dv_mach_bind(&buf, nth(first, 0));
    dv_mach_bind(&buf, nth(first, 1));
    emit_nothing(&buf, 1);
    dv_mach_finish(&buf, &code);
    assert_int_equal(code.size_bytes, 2 + 2 + 122 + 1);
    assert_int_equal(code.bytes[1], 2 + 122);
    assert_int_equal(code.bytes[3], 122);
}

static void what_is_recorded_moves_along(void **state)
{
    Fixture *f = *state;
    MachBuffer buf;
    MachCode code;
    ExtName name = {.kind = NAME_USER};
    MachSymbol symbol = dv_mach_symbol_name(&name);
    static const u8 constant[] = {1, 2, 3, 4, 5, 6, 7, 8};
    dv_mach_init(&buf, &f->arena, &target);
    MachLabel first = dv_mach_labels_new(&buf, 1);
    dv_mach_set_srcloc(&buf, 7);
    emit_branch(&buf, false, first); /* 0 to 5, then to 2 */
    dv_mach_set_srcloc(&buf, 8);
    dv_mach_add_trap(&buf, dv_mach_offset(&buf), TRAP_int_divz);
    emit_mark(&buf, 1);
    dv_mach_add_reloc(&buf, dv_mach_offset(&buf) - 4, 1, &symbol, 0);
    dv_mach_add_unwind(&buf, UNWIND_ALLOC_STACK, 0, 8);
    emit_branch(&buf, true, dv_mach_trap_label(&buf, TRAP_heap_oob, 9)); /* 10 to 16, then 7 to 9 */
    const MachHandler handler = {.kind = HANDLER_DEFAULT, .label = first};
    dv_mach_add_call(&buf, 0, &handler, 1);
    dv_mach_u8(&buf, WORD);
    dv_mach_u32(&buf, 0);
    dv_mach_use(&buf, dv_mach_offset(&buf) - 4, dv_mach_constant(&buf, constant, 8, 8), K_FULL);
    dv_mach_bind(&buf, first);
    emit_mark(&buf, 2);
    dv_mach_finish(&buf, &code);
    assert_int_equal(code.status, MACH_OK);
    assert_int_equal(code.bytes[1], 12);
    assert_int_equal(code.traps.len, 2);
    assert_int_equal(code.traps.data[0].offset, 2);
    assert_int_equal(code.relocs.data[0].offset, 3);
    assert_int_equal(code.unwind.data[0].offset, 7);
    assert_int_equal(code.calls.data[0].offset, 9);
    assert_int_equal(code.calls.data[0].handlers[0].offset, 14);
    assert_int_equal(code.traps.data[1].offset, 19);
    assert_int_equal(code.bytes[19], TRAP);
    assert_int_equal(code.bytes[8], 19 - 9);
    assert_int_equal(code.bytes[9], WORD);
    assert_int_equal(load_u32(code.bytes + 10, false), 24 - 14);
    assert_memory_equal(code.bytes + 24, constant, 8);
    assert_int_equal(code.srclocs.len, 3);
    assert_int_equal(code.srclocs.data[0].end, 2);
    assert_int_equal(code.srclocs.data[1].start, 2);
    assert_int_equal(code.srclocs.data[1].end, 19);
    assert_int_equal(code.srclocs.data[2].srcloc, 9);
    assert_int_equal(dv_mach_label_offset(&buf, first), 14);
}

enum { MARKS = 200 };

typedef struct Step {
    u8 what;
    u32 number; /* the mark, or the one it goes to */
} Step;

static void expect_mark(const MachCode *code, i64 at, u32 number)
{
    assert_true(at >= 0 && at + 5 <= (i64)code->size_bytes);
    assert_int_equal(code->bytes[at], MARK);
    assert_int_equal(load_u32(code->bytes + at + 1, false), number);
}

/* Reads the code in step with what was emitted; branches that are long, though they would reach. */
static u32 check_code(const MachCode *code, const Step *steps, u32 count)
{
    u32 at = 0, needless = 0;
    for (u32 i = 0; i < count; i++) {
        u8 op = code->bytes[at];
        if (steps[i].what == MARK) {
            expect_mark(code, at, steps[i].number);
            at += 5;
        } else if (steps[i].what == NOTHING) {
            assert_int_equal(op, NOTHING);
            at++;
        } else if (steps[i].what == WORD) {
            assert_int_equal(op, WORD);
            i32 distance = (i32)load_u32(code->bytes + at + 1, false);
            expect_mark(code, (i64)at + 5 + distance, steps[i].number);
            at += 5;
        } else if (op == SHORT_JUMP || op == SHORT_COND) {
            assert_int_equal(op, steps[i].what == JUMP ? SHORT_JUMP : SHORT_COND);
            expect_mark(code, (i64)at + 2 + (i8)code->bytes[at + 1], steps[i].number);
            at += 2;
        } else {
            assert_int_equal(op, steps[i].what);
            u32 size = op == COND ? 6 : 5;
            i32 distance = (i32)load_u32(code->bytes + at + size - 4, false);
            needless += distance >= -126 - (i32)size && distance <= 127;
            expect_mark(code, (i64)at + size + distance, steps[i].number);
            at += size;
        }
    }
    assert_int_equal(at, code->size_bytes);
    return needless;
}

static void emit_step(MachBuffer *buf, MachLabel first, const Step *step)
{
    if (step->what == MARK) {
        dv_mach_bind(buf, nth(first, step->number));
        emit_mark(buf, step->number);
    } else if (step->what == NOTHING) {
        emit_nothing(buf, 1);
    } else if (step->what == WORD) {
        dv_mach_u8(buf, WORD);
        dv_mach_u32(buf, 0);
        dv_mach_use(buf, dv_mach_offset(buf) - 4, nth(first, step->number), K_FULL);
    } else {
        emit_branch(buf, step->what == COND, nth(first, step->number));
    }
}

static void random_code_goes_where_it_went(void **state)
{
    enum { ROUNDS = 300, STEPS = 4000 };
    Fixture *f = *state;
    Rng rng;
    dv_rng_seed(&rng, 5);
    Step *steps = ARENA_ARRAY(&f->arena, Step, STEPS);
    u32 branches = 0, needless = 0;
    for (u32 round = 0; round < ROUNDS; round++) {
        ArenaMark mark = dv_arena_mark(&f->arena);
        MachBuffer buf;
        MachCode code;
        u32 count = 0, near = 1 + (u32)dv_rng_below(&rng, 20),
            gap = 1 + (u32)dv_rng_below(&rng, 12);
        dv_mach_init(&buf, &f->arena, &target);
        MachLabel first = dv_mach_labels_new(&buf, MARKS);
        for (u32 i = 0; i < MARKS; i++) {
            steps[count++] = (Step){MARK, i};
            for (u64 j = dv_rng_below(&rng, gap); j > 0; j--) {
                static const u8 kinds_of_steps[] = {JUMP,    COND,    COND, NOTHING,
                                                    NOTHING, NOTHING, WORD};
                u64 to = i + dv_rng_below(&rng, 2 * near + 1);
                to = to < near ? 0 : to - near >= MARKS ? MARKS - 1 : to - near;
                steps[count++] =
                    (Step){kinds_of_steps[dv_rng_below(&rng, ARRAY_LEN(kinds_of_steps))], (u32)to};
            }
        }
        for (u32 i = 0; i < count; i++) {
            emit_step(&buf, first, &steps[i]);
            branches += steps[i].what == JUMP || steps[i].what == COND;
        }
        dv_mach_finish(&buf, &code);
        assert_int_equal(code.status, MACH_OK);
        needless += check_code(&code, steps, count);
        dv_arena_release_to(&f->arena, mark);
    }
    assert_true(branches > 50000 && needless < branches / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(ranges_are_used_up),
        UNIT_TEST(short_ones_bring_others_within_reach),
        UNIT_TEST(what_is_recorded_moves_along),
        UNIT_TEST(random_code_goes_where_it_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
