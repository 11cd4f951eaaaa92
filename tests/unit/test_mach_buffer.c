/* test_mach_buffer.c - MachBuffer with a made-up target whose branches reach very little.
 *
 * Its instructions are words: an opcode in the high byte and what the opcode wants in the rest. A small machine
 * runs the finished code. Programs made at random are run in two ways, as a graph of blocks and as code, and what they
 * did must be the same: which trace marks were passed, which constants were loaded, how it ended.
 */
#include "base/rng.h"
#include "codegen/mach/buffer.h"
#include "unit.h"

/* ---- the target ---- */

enum {
    I_NOP = 1,
    I_TRACE,  /* number: 24 bits */
    I_COND,   /* sense: 1, number: 13, distance in words: 10 */
    I_JUMP,   /* distance in words from the next instruction: 24 */
    I_FAR,    /* distance in bytes in the next word */
    I_LOAD,   /* distance in words: 24 */
    I_TRAP,   /* code */
    I_RET,    /* nothing */
    I_SWITCH, /* number: 16, entries: 8; then the entries, relative to the switch */
    SENSE = 1 << 23
};

enum { K_COND, K_JUMP, K_FAR, K_LOAD, K_SHORT, K_WORD, K_COUNT };

static u32 word(u32 op, u32 rest)
{
    return op << 24 | rest;
}

static void patch_bits(u8 *at, bool big, i64 distance, u32 bits)
{
    u32 mask = ((u32)1 << bits) - 1;
    u32 old = load_u32(at, big);
    assert_true(distance % 4 == 0 && distance / 4 < (i64)mask / 2 + 1);
    assert_true(distance / 4 >= -(i64)(mask / 2) - 1);
    store_u32(at, (old & ~mask) | ((u32)(i32)(distance / 4) & mask), big);
}

static void patch_cond(u8 *at, bool big, i64 distance)
{
    patch_bits(at, big, distance, 10);
}

static void patch_jump(u8 *at, bool big, i64 distance)
{
    patch_bits(at, big, distance, 24);
}

static void patch_word(u8 *at, bool big, i64 distance)
{
    store_u32(at, (u32)(i32)distance, big);
}

static void write_jump(u8 *at, bool big)
{
    store_u32(at, word(I_JUMP, 0), big);
}

static void write_far(u8 *at, bool big)
{
    store_u32(at, word(I_FAR, 0), big);
    store_u32(at + 4, 0, big);
}

static void write_trap(u8 *at, bool big, TrapCode code)
{
    store_u32(at, word(I_TRAP, code), big);
}

static void write_nops(u8 *at, bool big, u32 size)
{
    for (u32 i = 0; i < size; i += 4) {
        store_u32(at + i, word(I_NOP, 0), big);
    }
}

#define FULL INT32_MIN, INT32_MAX
static const MachKind tiny_kinds[K_COUNT] = {
    [K_COND] = {"cond", 4, 4, 0, 1, -64, 60, patch_cond},
    [K_JUMP] = {"jump", 4, 4, 4, 2, -256, 252, patch_jump},
    [K_FAR] = {"far", 4, 4, -4, 0, FULL, patch_word},
    [K_LOAD] = {"load", 4, 4, 0, 0, -256, 252, patch_jump},
    [K_SHORT] = {"short", 4, 4, 0, 0, -32, 28, patch_cond},
    [K_WORD] = {"word", 4, 4, 0, 0, FULL, patch_word},
};
/* The same instructions, where 10 bits happen to suffice for what tests make. */
static const MachKind wide_kinds[K_COUNT] = {
    [K_COND] = {"cond", 4, 4, 0, 0, FULL, patch_cond},
    [K_JUMP] = {"jump", 4, 4, 4, 0, FULL, patch_jump},
    [K_FAR] = {"far", 4, 4, -4, 0, FULL, patch_word},
    [K_LOAD] = {"load", 4, 4, 0, 0, FULL, patch_jump},
    [K_SHORT] = {"short", 4, 4, 0, 0, FULL, patch_cond},
    [K_WORD] = {"word", 4, 4, 0, 0, FULL, patch_word},
};
static const MachVeneer veneers[] = {
    {"jump", 4, 0, K_JUMP, write_jump},
    {"far", 8, 4, K_FAR, write_far},
};

static MachTarget make_target(bool big, const MachKind *kinds)
{
    return (MachTarget){.name = "words",
                        .big = big,
                        .inst_align = 4,
                        .num_kinds = K_COUNT,
                        .num_veneers = ARRAY_LEN(veneers),
                        .jump = 1,
                        .trap_bytes = 4,
                        .kinds = kinds,
                        .veneers = veneers,
                        .write_trap = write_trap,
                        .write_nops = write_nops};
}

/* ---- emitting ---- */

static void emit_trace(MachBuffer *buf, u32 number)
{
    dv_mach_u32(buf, word(I_TRACE, number));
}

static void emit_jump(MachBuffer *buf, MachLabel to)
{
    u32 at = dv_mach_offset(buf);
    dv_mach_u32(buf, word(I_JUMP, 0));
    dv_mach_branch(buf, &(MachBranch){.start = at, .use_at = at, .target = to, .kind = K_JUMP});
}

static void emit_cond_kind(MachBuffer *buf, u32 number, bool sense, MachLabel to, u32 kind)
{
    u32 at = dv_mach_offset(buf);
    u32 bits = word(I_COND, number << 10 | (sense ? SENSE : 0u));
    u8 inverted[4];
    store_u32(inverted, bits ^ SENSE, buf->target->big);
    dv_mach_u32(buf, bits);
    dv_mach_branch(buf, &(MachBranch){.start = at,
                                      .use_at = at,
                                      .target = to,
                                      .kind = (u8)kind,
                                      .conditional = true,
                                      .inverted = inverted});
}

static void emit_cond(MachBuffer *buf, u32 number, bool sense, MachLabel to)
{
    emit_cond_kind(buf, number, sense, to, K_COND);
}

static void emit_ret(MachBuffer *buf)
{
    dv_mach_u32(buf, word(I_RET, 0));
    dv_mach_end_flow(buf);
}

static void emit_load(MachBuffer *buf, MachLabel constant)
{
    dv_mach_u32(buf, word(I_LOAD, 0));
    dv_mach_use(buf, dv_mach_offset(buf) - 4, constant, K_LOAD);
}

static MachLabel label_at(MachLabel first, u32 number)
{
    return (MachLabel){first.id + number};
}

static u32 word_at(const MachCode *code, u32 offset, bool big)
{
    assert_true(offset % 4 == 0 && offset + 4 <= code->size_bytes);
    return load_u32(code->bytes + offset, big);
}

static void expect_words(const MachCode *code, bool big, const u32 *words, u32 count)
{
    assert_int_equal(code->status, MACH_OK);
    assert_int_equal(code->size_bytes, count * 4);
    for (u32 i = 0; i < count; i++) {
        assert_int_equal(word_at(code, i * 4, big), words[i]);
    }
}
#define EXPECT_WORDS(code, ...) \
    do { \
        const u32 expected_[] = {__VA_ARGS__}; \
        expect_words((code), false, expected_, ARRAY_LEN(expected_)); \
    } while (0)

/* ---- what happened ---- */

enum { EVENTS_MAX = 300, STEPS_MAX = 40000 };
enum { END_NONE, END_RET, END_TRAP };

typedef struct Log {
    u32 events[EVENTS_MAX];
    u32 count;
    u32 end; /* END_NONE: stopped after too many steps or events */
    u32 trap;
} Log;

/* How often each condition was asked, and what it answers. */
typedef struct Oracle {
    u64 seed;
    u32 asked[8192];
} Oracle;

static u32 ask(Oracle *oracle, u32 number, u32 answers)
{
    u64 hash = dv_hash_combine(oracle->seed + number, oracle->asked[number]++);
    /* Conditional traps have the odd numbers, and seldom happen. */
    return number % 2 == 1 ? hash % 16 == 0 : (u32)(hash % answers);
}

static void log_event(Log *log, u32 event)
{
    if (log->count < EVENTS_MAX) {
        log->events[log->count++] = event;
    }
}

/* ---- running code ---- */

static i32 signed_bits(u32 x, u32 bits)
{
    u32 sign = (u32)1 << (bits - 1);
    x &= ((u32)1 << bits) - 1;
    return (i32)(x ^ sign) - (i32)sign;
}

static u32 srcloc_at(const MachCode *code, u32 pc)
{
    for (u32 i = 0; i < code->srclocs.len; i++) {
        if (pc >= code->srclocs.data[i].start && pc < code->srclocs.data[i].end) {
            return code->srclocs.data[i].srcloc;
        }
    }
    return SRCLOC_NONE;
}

static u32 trap_at(const MachCode *code, u32 pc)
{
    for (u32 i = 0; i < code->traps.len; i++) {
        if (code->traps.data[i].offset == pc) {
            return code->traps.data[i].code;
        }
    }
    return TRAP_none;
}

static u32 moved(u32 pc, i64 distance)
{
    return (u32)((i64)pc + distance);
}

/* Runs from the start. Marks know their source location: it is their number. */
static void run_code(const MachCode *code, bool big, Oracle *oracle, Log *log)
{
    u32 pc = 0;
    *log = (Log){0};
    for (u32 step = 0; step < STEPS_MAX && log->count < EVENTS_MAX; step++) {
        u32 w = word_at(code, pc, big);
        u32 rest = w & 0xffffff;
        switch (w >> 24) {
        case I_NOP:
            pc += 4;
            break;
        case I_TRACE:
            assert_int_equal(srcloc_at(code, pc), rest);
            log_event(log, rest);
            pc += 4;
            break;
        case I_COND: {
            bool taken = ask(oracle, rest >> 10 & 8191, 2) == ((rest & SENSE) != 0);
            pc = moved(pc, taken ? signed_bits(rest, 10) * 4 : 4);
            break;
        }
        case I_JUMP:
            pc = moved(pc, 4 + (i64)signed_bits(rest, 24) * 4);
            break;
        case I_FAR:
            pc = moved(pc, (i32)word_at(code, pc + 4, big));
            break;
        case I_LOAD:
            log_event(log, word_at(code, moved(pc, (i64)signed_bits(rest, 24) * 4), big));
            pc += 4;
            break;
        case I_TRAP:
            log->end = END_TRAP;
            log->trap = rest;
            assert_int_equal(trap_at(code, pc), rest);
            return;
        case I_RET:
            log->end = END_RET;
            return;
        case I_SWITCH: {
            u32 entry = ask(oracle, rest >> 8, rest & 255);
            pc = moved(pc, (i32)word_at(code, pc + 4 + entry * 4, big));
            break;
        }
        default:
            fail_msg("not an instruction: %08x at %u", w, pc);
        }
    }
}

/* ---- random programs ---- */

enum { P_JUMP, P_COND, P_SWITCH, P_RET, P_TRAP, P_KINDS };
enum { BLOCKS_MAX = 600, SWITCH_MAX = 5 };

typedef struct ProgBlock {
    u32 term; /* P_ */
    u32 marks;
    u32 constant; /* 0: none */
    u32 check;    /* trap code of a conditional trap; 0: none */
    u32 targets[SWITCH_MAX];
    u32 num_targets;
    bool sense, plain, kept;
    u32 filler;
} ProgBlock;

typedef struct Prog {
    ProgBlock blocks[BLOCKS_MAX];
    u32 num_blocks;
} Prog;

static u32 random_target(Rng *rng, u32 block, u32 count)
{
    switch (dv_rng_below(rng, 4)) {
    case 0:
        return (u32)dv_rng_below(rng, count);
    case 1:
        return block + 1 < count ? block + 1 : 0;
    default: {
        u32 to = block + (u32)dv_rng_below(rng, 8);
        return to < count ? to : (u32)dv_rng_below(rng, count);
    }
    }
}

static void make_program(Prog *prog, Rng *rng, u32 count)
{
    static const u8 terms[] = {P_JUMP, P_JUMP, P_JUMP, P_COND, P_COND, P_COND, P_SWITCH};
    u32 density = 1 + (u32)dv_rng_below(rng, 6);
    memset(prog, 0, sizeof *prog);
    prog->num_blocks = count;
    for (u32 i = 0; i < count; i++) {
        ProgBlock *b = &prog->blocks[i];
        b->term = terms[dv_rng_below(rng, ARRAY_LEN(terms))];
        if (dv_rng_chance(rng, 12)) {
            b->term = dv_rng_chance(rng, 2) ? P_RET : P_TRAP;
        }
        b->num_targets = b->term == P_SWITCH ? 1 + (u32)dv_rng_below(rng, SWITCH_MAX) : 2;
        for (u32 t = 0; t < b->num_targets; t++) {
            b->targets[t] = random_target(rng, i, count);
        }
        if (!dv_rng_chance(rng, density)) {
            b->marks = (u32)dv_rng_below(rng, 4);
            b->constant = dv_rng_chance(rng, 3) ? 1 + (u32)dv_rng_below(rng, 12) : 0;
            b->check = dv_rng_chance(rng, 3) ? 1 + (u32)dv_rng_below(rng, 5) : 0;
        }
        b->sense = dv_rng_chance(rng, 2);
        b->plain = dv_rng_chance(rng, 15);
        b->kept = dv_rng_chance(rng, 15);
        b->filler = dv_rng_chance(rng, 20) ? (u32)dv_rng_below(rng, 30) : 0;
    }
}

static u32 mark_of(u32 block, u32 n)
{
    return block * 4 + n + 1;
}

static u32 constant_value(u32 n)
{
    return 0xff000000u + n;
}

static void run_program(const Prog *prog, Oracle *oracle, Log *log)
{
    u32 block = 0;
    *log = (Log){0};
    for (u32 step = 0; step < STEPS_MAX / 100 && log->count < EVENTS_MAX; step++) {
        const ProgBlock *b = &prog->blocks[block];
        for (u32 i = 0; i < b->marks; i++) {
            log_event(log, mark_of(block, i));
        }
        if (b->constant != 0) {
            log_event(log, constant_value(b->constant));
        }
        if (b->check != 0 && ask(oracle, block * 2 + 1, 2) == 1) {
            log->end = END_TRAP;
            log->trap = b->check;
            return;
        }
        switch (b->term) {
        case P_JUMP:
            block = b->targets[0];
            break;
        case P_COND:
            block = b->targets[ask(oracle, block * 2, 2)];
            break;
        case P_SWITCH:
            block = b->targets[ask(oracle, block * 2, b->num_targets)];
            break;
        default:
            log->end = b->term == P_RET ? END_RET : END_TRAP;
            log->trap = b->term == P_RET ? 0 : 9;
            return;
        }
    }
}

static void emit_switch(MachBuffer *buf, const ProgBlock *b, u32 block, MachLabel first)
{
    u32 at = dv_mach_offset(buf);
    dv_mach_u32(buf, word(I_SWITCH, (block * 2) << 8 | b->num_targets));
    for (u32 i = 0; i < b->num_targets; i++) {
        dv_mach_u32(buf, 0);
        dv_mach_use_from(buf, at + 4 + i * 4, at, label_at(first, b->targets[i]), K_WORD);
    }
    dv_mach_end_flow(buf);
}

/* A branch that the buffer is not told about stays as it is. */
static void emit_plain_jump(MachBuffer *buf, MachLabel to)
{
    dv_mach_u32(buf, word(I_JUMP, 0));
    dv_mach_use(buf, dv_mach_offset(buf) - 4, to, K_JUMP);
    dv_mach_end_flow(buf);
}

static void emit_branches(MachBuffer *buf, const ProgBlock *b, u32 block, MachLabel first)
{
    MachLabel yes = label_at(first, b->targets[1]);
    MachLabel no = label_at(first, b->targets[0]);
    if (b->term == P_COND) {
        /* sense: branch if the answer is 1. */
        emit_cond(buf, block * 2, b->sense, b->sense ? yes : no);
        dv_mach_island(buf, 8);
        no = b->sense ? no : yes;
    }
    if (b->plain) {
        emit_plain_jump(buf, no);
    } else {
        emit_jump(buf, no);
    }
}

static void emit_body(MachBuffer *buf, const ProgBlock *b, u32 block)
{
    for (u32 i = 0; i < b->filler; i++) {
        dv_mach_island(buf, 8);
        dv_mach_u32(buf, word(I_NOP, 0));
    }
    for (u32 i = 0; i < b->marks; i++) {
        dv_mach_island(buf, 8);
        dv_mach_set_srcloc(buf, mark_of(block, i));
        emit_trace(buf, mark_of(block, i));
        dv_mach_set_srcloc(buf, SRCLOC_NONE);
    }
    if (b->constant != 0) {
        u8 bytes[16] = {0};
        store_u32(bytes, constant_value(b->constant), buf->target->big);
        dv_mach_island(buf, 8 + 32);
        u32 size = b->constant % 3 == 0 ? 16 : 4;
        emit_load(buf, dv_mach_constant(buf, bytes, size, size));
    }
    if (b->check != 0) {
        dv_mach_island(buf, 8);
        TrapCode code = (TrapCode)b->check;
        emit_cond(buf, block * 2 + 1, true, dv_mach_trap_label(buf, code, block % 2));
    }
}

static void emit_program(MachBuffer *buf, const Prog *prog, MachLabel first)
{
    for (u32 i = 0; i < prog->num_blocks; i++) {
        const ProgBlock *b = &prog->blocks[i];
        dv_mach_island(buf, 8);
        dv_mach_bind(buf, label_at(first, i));
        if (b->kept) {
            dv_mach_keep(buf);
        }
        emit_body(buf, b, i);
        dv_mach_island(buf, 8 + b->num_targets * 4);
        if (b->term == P_SWITCH) {
            emit_switch(buf, b, i, first);
        } else if (b->term == P_RET) {
            emit_ret(buf);
        } else if (b->term == P_TRAP) {
            dv_mach_add_trap(buf, dv_mach_offset(buf), 9);
            dv_mach_u32(buf, word(I_TRAP, 9));
            dv_mach_end_flow(buf);
        } else {
            emit_branches(buf, b, i, first);
        }
    }
}

static void add_stats(MachStats *sum, const MachStats *stats)
{
    sum->elided += stats->elided;
    sum->inverted += stats->inverted;
    sum->threaded += stats->threaded;
    sum->dropped += stats->dropped;
    sum->collapsed += stats->collapsed;
    sum->islands += stats->islands;
    sum->veneers += stats->veneers;
}

/* Emits the program and compares a few runs of code and graph; the size of the code. */
static u32 compare_runs(Fixture *f, const Prog *prog, const MachTarget *target, u64 seed,
                        MachStats *sum)
{
    static Oracle oracle;
    static Log wanted, got;
    MachBuffer buf;
    MachCode code;
    dv_mach_init(&buf, &f->arena, target);
    MachLabel first = dv_mach_labels_new(&buf, prog->num_blocks);
    emit_program(&buf, prog, first);
    dv_mach_finish(&buf, &code);
    assert_int_equal(code.status, MACH_OK);
    add_stats(sum, &buf.stats);
    for (u64 run = 0; run < 4; run++) {
        oracle = (Oracle){.seed = dv_hash_combine(seed, run)};
        run_program(prog, &oracle, &wanted);
        oracle = (Oracle){.seed = dv_hash_combine(seed, run)};
        run_code(&code, target->big, &oracle, &got);
        u32 count = wanted.count;
        assert_true(got.count >= count);
        if (wanted.end != END_NONE && count < EVENTS_MAX) {
            assert_int_equal(got.end, wanted.end);
            assert_int_equal(got.trap, wanted.trap);
            assert_int_equal(got.count, count);
        }
        assert_memory_equal(got.events, wanted.events, count * sizeof(u32));
    }
    return code.size_bytes;
}

static void programs_do_what_they_say(void **state)
{
    Fixture *f = *state;
    static Prog prog;
    MachStats tiny = {0};
    MachStats wide = {0};
    Rng rng;
    dv_rng_seed(&rng, 1);
    for (u32 round = 0; round < 1500; round++) {
        bool small = round % 10 != 0;
        u32 count = 1 + (u32)dv_rng_below(&rng, small ? 24 : BLOCKS_MAX);
        make_program(&prog, &rng, count);
        MachTarget target = make_target(round % 2 == 0, tiny_kinds);
        u32 size = compare_runs(f, &prog, &target, round, &tiny);
        if (small) {
            target.kinds = wide_kinds;
            /* Islands never make code smaller, but for the padding of constants. */
            assert_true(compare_runs(f, &prog, &target, round, &wide) <= size + 16);
        }
        dv_arena_release(&f->arena);
    }
    assert_true(tiny.elided > 1000 && tiny.inverted > 1000 && tiny.threaded > 1000);
    assert_true(tiny.dropped > 1000 && tiny.collapsed > 100);
    assert_true(tiny.islands > 1000 && tiny.veneers > 1000);
    assert_true(wide.elided > 1000 && wide.inverted > 1000 && wide.threaded > 1000);
    assert_int_equal(wide.islands, 0);
    assert_int_equal(wide.veneers, 0);
}

/* ---- branches ---- */

typedef struct Bench {
    MachTarget target;
    MachBuffer buf;
    MachCode code;
    MachLabel l; /* the first of 8 */
} Bench;

static Bench *new_bench(Fixture *f, const MachKind *kinds)
{
    Bench *b = ARENA_NEW(&f->arena, Bench);
    b->target = make_target(false, kinds);
    dv_mach_init(&b->buf, &f->arena, &b->target);
    b->l = dv_mach_labels_new(&b->buf, 8);
    return b;
}

static MachLabel nth(const Bench *b, u32 n)
{
    return label_at(b->l, n);
}

static void jump_to_next_is_left_out(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    emit_trace(&b->buf, 1);
    emit_cond(&b->buf, 2, true, nth(b, 0));
    emit_jump(&b->buf, nth(b, 0));
    dv_mach_bind(&b->buf, nth(b, 0));
    emit_ret(&b->buf);
    dv_mach_finish(&b->buf, &b->code);
    EXPECT_WORDS(&b->code, word(I_TRACE, 1), word(I_RET, 0));
    assert_int_equal(dv_mach_label_offset(&b->buf, nth(b, 0)), 4);
}

static void branch_over_jump_is_inverted(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    emit_cond(&b->buf, 2, true, nth(b, 0));
    emit_jump(&b->buf, nth(b, 1));
    dv_mach_bind(&b->buf, nth(b, 0));
    emit_trace(&b->buf, 1);
    dv_mach_bind(&b->buf, nth(b, 1));
    emit_ret(&b->buf);
    dv_mach_finish(&b->buf, &b->code);
    EXPECT_WORDS(&b->code, word(I_COND, 2 << 10 | 2), word(I_TRACE, 1), word(I_RET, 0));
    assert_int_equal(dv_mach_label_offset(&b->buf, nth(b, 0)), 4);
}

/* A conditional branch that nothing may extend is not given a target that may be far. */
static void inversion_respects_ranges(void **state)
{
    for (u32 far = 0; far < 2; far++) {
        Bench *b = new_bench(*state, tiny_kinds);
        dv_mach_bind(&b->buf, nth(b, 1));
        for (u32 i = 0; i < (far ? 20u : 2u); i++) {
            emit_trace(&b->buf, 1);
        }
        emit_cond_kind(&b->buf, 2, true, nth(b, 0), K_SHORT);
        emit_jump(&b->buf, nth(b, 1));
        dv_mach_bind(&b->buf, nth(b, 0));
        emit_cond_kind(&b->buf, 2, true, nth(b, 2), K_SHORT);
        emit_jump(&b->buf, nth(b, 3));
        dv_mach_bind(&b->buf, nth(b, 2));
        emit_trace(&b->buf, 1);
        dv_mach_bind(&b->buf, nth(b, 3));
        emit_ret(&b->buf);
        dv_mach_finish(&b->buf, &b->code);
        assert_int_equal(b->code.status, MACH_OK);
        assert_int_equal(b->buf.stats.inverted, far ? 0 : 1);
    }
}

static void jumps_to_jumps_are_threaded(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    emit_cond(&b->buf, 2, true, nth(b, 2));
    emit_trace(&b->buf, 1);
    emit_jump(&b->buf, nth(b, 0));
    dv_mach_bind(&b->buf, nth(b, 0)); /* nothing but jumps to jumps, forward and backward */
    emit_jump(&b->buf, nth(b, 3));
    dv_mach_bind(&b->buf, nth(b, 1));
    emit_jump(&b->buf, nth(b, 0));
    dv_mach_bind(&b->buf, nth(b, 2));
    emit_jump(&b->buf, nth(b, 1));
    emit_jump(&b->buf, nth(b, 2)); /* never reached */
    dv_mach_bind(&b->buf, nth(b, 4));
    emit_trace(&b->buf, 2);
    dv_mach_bind(&b->buf, nth(b, 3));
    emit_jump(&b->buf, nth(b, 4));
    dv_mach_finish(&b->buf, &b->code);
    EXPECT_WORDS(&b->code, word(I_COND, SENSE | 2 << 10 | 3), word(I_TRACE, 1), word(I_JUMP, 0),
                 word(I_TRACE, 2), word(I_JUMP, 0xfffffe));
    for (u32 i = 0; i < 5; i++) {
        assert_int_equal(dv_mach_label_offset(&b->buf, nth(b, i)), 12);
    }
}

static void cycles_of_jumps_stay_cycles(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    emit_trace(&b->buf, 1);
    dv_mach_bind(&b->buf, nth(b, 0));
    emit_jump(&b->buf, nth(b, 1));
    dv_mach_bind(&b->buf, nth(b, 1));
    emit_jump(&b->buf, nth(b, 2));
    dv_mach_bind(&b->buf, nth(b, 2));
    emit_jump(&b->buf, nth(b, 0));
    dv_mach_bind(&b->buf, nth(b, 3));
    emit_jump(&b->buf, nth(b, 3));
    dv_mach_finish(&b->buf, &b->code);
    EXPECT_WORDS(&b->code, word(I_TRACE, 1), word(I_JUMP, 0xffffff), word(I_JUMP, 0xffffff));
}

static void branches_to_one_place_become_one(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    dv_mach_bind(&b->buf, nth(b, 0));
    emit_trace(&b->buf, 1);
    emit_cond(&b->buf, 2, true, nth(b, 0));
    emit_jump(&b->buf, nth(b, 0));
    dv_mach_finish(&b->buf, &b->code);
    EXPECT_WORDS(&b->code, word(I_TRACE, 1), word(I_JUMP, 0xfffffe));
    assert_int_equal(b->buf.stats.collapsed, 1);
}

/* After a return, a block of nothing but a jump goes away; with a label that must stay, it stays. */
static void empty_blocks_go_away(void **state)
{
    for (u32 keep = 0; keep < 2; keep++) {
        Bench *b = new_bench(*state, tiny_kinds);
        emit_cond(&b->buf, 2, true, nth(b, 0));
        emit_ret(&b->buf);
        dv_mach_bind(&b->buf, nth(b, 0));
        if (keep) {
            dv_mach_keep(&b->buf);
        }
        emit_jump(&b->buf, nth(b, 1));
        dv_mach_bind(&b->buf, nth(b, 2));
        emit_trace(&b->buf, 1);
        dv_mach_bind(&b->buf, nth(b, 1));
        emit_jump(&b->buf, nth(b, 2));
        dv_mach_finish(&b->buf, &b->code);
        assert_int_equal(b->code.status, MACH_OK);
        assert_int_equal(b->code.size_bytes, keep ? 20 : 16);
        assert_int_equal(dv_mach_label_offset(&b->buf, nth(b, 0)), 8);
        assert_int_equal(b->buf.stats.dropped, keep ? 0 : 1);
    }
}

/* Nothing is improved across a point that was kept, whoever kept it. */
static void what_is_kept_stays(void **state)
{
    for (u32 how = 0; how < 4; how++) {
        Bench *b = new_bench(*state, tiny_kinds);
        emit_jump(&b->buf, nth(b, 0));
        DebugTags tags = {0};
        StackMap map = {0};
        switch (how) {
        case 0:
            dv_mach_keep(&b->buf);
            break;
        case 1:
            dv_mach_add_call(&b->buf, 0, NULL, 0);
            break;
        case 2:
            dv_mach_add_tags(&b->buf, &tags, false);
            break;
        default:
            dv_mach_add_stack_map(&b->buf, &map);
        }
        dv_mach_bind(&b->buf, nth(b, 0));
        dv_mach_finish(&b->buf, &b->code);
        EXPECT_WORDS(&b->code, word(I_JUMP, 0));
    }
}

static void landing_is_known(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    assert_false(dv_mach_label_bound_at_end(&b->buf));
    emit_trace(&b->buf, 1);
    emit_jump(&b->buf, nth(b, 0));
    assert_false(dv_mach_label_bound_at_end(&b->buf));
    dv_mach_bind(&b->buf, nth(b, 0)); /* cuts the jump: the mark is last, but a label follows */
    assert_int_equal(dv_mach_offset(&b->buf), 4);
    assert_true(dv_mach_label_bound_at_end(&b->buf));
    dv_mach_keep(&b->buf);
    assert_true(dv_mach_label_bound_at_end(&b->buf));
    emit_trace(&b->buf, 1);
    assert_false(dv_mach_label_bound_at_end(&b->buf));
    /* The end of an island is reached by a jump. */
    emit_cond(&b->buf, 2, true, nth(b, 1));
    u32 before = dv_mach_offset(&b->buf);
    dv_mach_island(&b->buf, 40);
    assert_true(dv_mach_offset(&b->buf) > before);
    assert_true(dv_mach_label_bound_at_end(&b->buf));
    emit_trace(&b->buf, 1);
    dv_mach_bind(&b->buf, nth(b, 1));
    emit_ret(&b->buf);
    dv_mach_finish(&b->buf, &b->code);
    assert_int_equal(b->code.status, MACH_OK);
}

/* ---- ranges ---- */

/* Follows branches from `pc`, whose condition holds, to something else. */
static u32 follow(const MachCode *code, u32 pc)
{
    for (u32 hops = 0; hops < 10000; hops++) {
        u32 w = word_at(code, pc, false);
        switch (w >> 24) {
        case I_COND:
            pc = moved(pc, signed_bits(w, 10) * 4);
            break;
        case I_JUMP:
            pc = moved(pc, 4 + (i64)signed_bits(w, 24) * 4);
            break;
        case I_FAR:
            pc = moved(pc, (i32)word_at(code, pc + 4, false));
            break;
        default:
            return pc;
        }
    }
    fail_msg("no end of jumps");
    return 0;
}

/* Thousands of branches at once wait for labels far away: first for one, then each for its own. */
static void branches_dense_and_far(void **state)
{
    enum { COUNT = 20000 };
    Fixture *f = *state;
    u64 steps[2][2];
    for (u32 run = 0; run < 4; run++) {
        bool own = run % 2 == 1;
        u32 count = run < 2 ? COUNT / 4 : COUNT;
        Bench *b = new_bench(f, tiny_kinds);
        u32 *at = ARENA_ARRAY(&f->arena, u32, count);
        MachLabel ends = dv_mach_labels_new(&b->buf, count);
        for (u32 i = 0; i < count; i++) {
            dv_mach_island(&b->buf, 8);
            at[i] = dv_mach_offset(&b->buf);
            emit_cond(&b->buf, 2, true, label_at(ends, own ? i : 0));
        }
        for (u32 i = 0; i < (own ? count : 1); i++) {
            dv_mach_island(&b->buf, 8);
            dv_mach_bind(&b->buf, label_at(ends, i));
            dv_mach_island(&b->buf, 8);
            emit_trace(&b->buf, i);
        }
        emit_ret(&b->buf);
        dv_mach_finish(&b->buf, &b->code);
        assert_int_equal(b->code.status, MACH_OK);
        for (u32 i = 0; i < count; i++) {
            u32 pc = follow(&b->code, at[i]);
            assert_int_equal(word_at(&b->code, pc, false), word(I_TRACE, own ? i : 0));
        }
        /* branch, veneer, its veneer, mark, and jumps over islands now and then */
        assert_true(b->code.size_bytes < count * (own ? 26u : 10u));
        steps[run / 2][run % 2] = b->buf.work.steps;
        dv_arena_release(&f->arena);
    }
    assert_true(steps[1][0] < steps[0][0] * 5 && steps[1][1] < steps[0][1] * 5);
    assert_true(steps[1][1] < COUNT * 60);
}

static void backward_branches_get_veneers(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    dv_mach_bind(&b->buf, nth(b, 0));
    for (u32 i = 0; i < 100; i++) {
        emit_trace(&b->buf, i);
    }
    emit_cond(&b->buf, 2, true, nth(b, 0));
    emit_cond(&b->buf, 3, true, nth(b, 0));
    emit_ret(&b->buf);
    dv_mach_finish(&b->buf, &b->code);
    assert_int_equal(b->code.status, MACH_OK);
    assert_int_equal(follow(&b->code, 400), 0);
    assert_int_equal(follow(&b->code, 404), 0);
    assert_int_equal(b->buf.stats.veneers, 2); /* shared; the jump needs a far one */
}

/* Branches of short range among very many of a long one that wait: no island until those need it. */
static void long_ranges_do_not_burden_short_ones(void **state)
{
    enum { COUNT = 40000 };
    MachKind kinds[K_COUNT];
    memcpy(kinds, tiny_kinds, sizeof kinds);
    kinds[K_COND].min = -2048;
    kinds[K_COND].max = 2044;
    kinds[K_JUMP].min = -(1 << 20);
    kinds[K_JUMP].max = (1 << 20) - 4;
    Bench *b = new_bench(*state, kinds);
    MachLabel skips = dv_mach_labels_new(&b->buf, COUNT);
    MachLabel ends = dv_mach_labels_new(&b->buf, COUNT);
    for (u32 i = 0; i < COUNT; i++) {
        dv_mach_island(&b->buf, 8);
        emit_cond(&b->buf, 2, true, label_at(skips, i));
        dv_mach_island(&b->buf, 8);
        emit_plain_jump(&b->buf, label_at(ends, i));
        dv_mach_bind(&b->buf, label_at(skips, i));
    }
    emit_ret(&b->buf);
    assert_int_equal(b->buf.stats.islands, 0);
    for (u32 i = 0; i < 4 * COUNT; i++) {
        dv_mach_island(&b->buf, 8);
        emit_trace(&b->buf, i);
    }
    assert_in_range(b->buf.stats.islands, 1, 10);
    for (u32 i = 0; i < COUNT; i++) {
        dv_mach_island(&b->buf, 8);
        dv_mach_bind(&b->buf, label_at(ends, i));
        dv_mach_island(&b->buf, 8);
        emit_trace(&b->buf, i);
    }
    dv_mach_finish(&b->buf, &b->code);
    assert_int_equal(b->code.status, MACH_OK);
    assert_true(b->buf.stats.veneers <= COUNT);
    assert_true(b->buf.work.steps < COUNT * 20);
    for (u32 i = 0; i < COUNT; i++) {
        u32 end = follow(&b->code, 8 * i + 4);
        assert_int_equal(word_at(&b->code, end, false), word(I_TRACE, i));
    }
}

/* A label that uses wait for is not moved to where they do not reach. */
static void threading_respects_ranges(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    dv_mach_bind(&b->buf, nth(b, 0));
    for (u32 i = 0; i < 40; i++) {
        emit_trace(&b->buf, i);
    }
    emit_cond(&b->buf, 2, true, nth(b, 1));
    emit_ret(&b->buf);
    dv_mach_bind(&b->buf, nth(b, 4)); /* the same place, and no uses */
    dv_mach_bind(&b->buf, nth(b, 1));
    emit_jump(&b->buf, nth(b, 0));
    emit_cond_kind(&b->buf, 2, true, nth(b, 2), K_SHORT);
    emit_ret(&b->buf);
    dv_mach_bind(&b->buf, nth(b, 5));
    dv_mach_bind(&b->buf, nth(b, 2));
    emit_jump(&b->buf, nth(b, 3));
    for (u32 i = 0; i < 40; i++) {
        emit_trace(&b->buf, i);
    }
    dv_mach_bind(&b->buf, nth(b, 3));
    emit_ret(&b->buf);
    dv_mach_finish(&b->buf, &b->code);
    assert_int_equal(b->code.status, MACH_OK);
    assert_int_equal(b->buf.stats.threaded, 0);
    assert_int_equal(b->buf.stats.veneers, 0);
}

/* A load and many jumps wait; all are due in one island, and the load's constant must come first. What islands
 * hold has no source location. */
static void earliest_deadline_is_served_first(void **state)
{
    enum { JUMPS = 16, FILL = 21 };
    Bench *b = new_bench(*state, tiny_kinds);
    MachLabel ends = dv_mach_labels_new(&b->buf, JUMPS);
    u8 bytes[16] = {0xff, 1, 2, 3};
    dv_mach_set_srcloc(&b->buf, 5);
    emit_load(&b->buf, dv_mach_constant(&b->buf, bytes, 16, 16));
    for (u32 i = 0; i < FILL; i++) {
        dv_mach_island(&b->buf, 8);
        emit_trace(&b->buf, i);
    }
    assert_int_equal(b->buf.stats.islands, 0);
    for (u32 i = 0; i < JUMPS; i++) {
        emit_plain_jump(&b->buf, label_at(ends, i));
    }
    for (u32 i = 0; i < FILL; i++) {
        dv_mach_island(&b->buf, 8);
        emit_trace(&b->buf, i);
    }
    for (u32 i = 0; i < JUMPS; i++) {
        dv_mach_bind(&b->buf, label_at(ends, i));
        emit_trace(&b->buf, i);
    }
    dv_mach_finish(&b->buf, &b->code);
    assert_int_equal(b->code.status, MACH_OK);
    assert_int_equal(b->buf.stats.islands, 1);
    assert_int_equal(b->buf.stats.veneers, JUMPS);
    for (u32 i = 0; i < JUMPS; i++) {
        u32 end = follow(&b->code, (1 + FILL + i) * 4);
        assert_int_equal(word_at(&b->code, end, false), word(I_TRACE, i));
    }
    u32 covered = 0;
    for (u32 i = 0; i < b->code.srclocs.len; i++) {
        covered += b->code.srclocs.data[i].end - b->code.srclocs.data[i].start;
    }
    assert_int_equal(covered, (1 + FILL + JUMPS + FILL + JUMPS) * 4);
}

/* Uses resolved long ago, behind one that is not, do not bring an island about. */
static void resolved_uses_do_not_count(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    MachLabel skips = dv_mach_labels_new(&b->buf, 20);
    emit_plain_jump(&b->buf, nth(b, 0));
    for (u32 i = 0; i < 20; i++) {
        dv_mach_island(&b->buf, 8);
        emit_plain_jump(&b->buf, label_at(skips, i));
        emit_trace(&b->buf, 1);
        dv_mach_bind(&b->buf, label_at(skips, i));
    }
    emit_trace(&b->buf, 2);
    dv_mach_bind(&b->buf, nth(b, 0));
    emit_ret(&b->buf);
    dv_mach_finish(&b->buf, &b->code);
    assert_int_equal(b->code.status, MACH_OK);
    assert_int_equal(b->buf.stats.islands, 0);
}

/* Nothing arrives behind an island that nothing jumps over: a block of a jump goes away there, too. */
static void island_after_return_is_not_jumped_over(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    emit_cond(&b->buf, 2, true, nth(b, 0));
    emit_ret(&b->buf);
    dv_mach_island(&b->buf, 40);
    dv_mach_bind(&b->buf, nth(b, 1));
    emit_jump(&b->buf, nth(b, 0));
    dv_mach_bind(&b->buf, nth(b, 2));
    emit_trace(&b->buf, 1);
    dv_mach_bind(&b->buf, nth(b, 0));
    emit_jump(&b->buf, nth(b, 2));
    dv_mach_finish(&b->buf, &b->code);
    EXPECT_WORDS(&b->code, word(I_COND, SENSE | 2 << 10 | 2), word(I_RET, 0), word(I_JUMP, 0),
                 word(I_TRACE, 1), word(I_JUMP, 0xfffffe));
    assert_int_equal(b->buf.stats.dropped, 1);
}

static void use_out_of_range_is_told(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    emit_trace(&b->buf, 1);
    emit_cond_kind(&b->buf, 2, true, nth(b, 0), K_SHORT);
    for (u32 i = 0; i < 100; i++) {
        dv_mach_island(&b->buf, 8);
        emit_trace(&b->buf, i);
    }
    dv_mach_bind(&b->buf, nth(b, 0));
    emit_ret(&b->buf);
    dv_mach_finish(&b->buf, &b->code);
    assert_int_equal(b->code.status, MACH_OUT_OF_RANGE);
    assert_int_equal(b->code.error_offset, 4);
    assert_int_equal(b->code.error_kind, K_SHORT);
    assert_int_equal(b->buf.stats.islands, 0);
}

static void fill_up(Fixture *f)
{
    Bench *b = new_bench(f, wide_kinds);
    b->target.code_max = 1000;
    dv_mach_init(&b->buf, &f->arena, &b->target);
    for (u32 i = 0; i < 250; i++) {
        emit_trace(&b->buf, i);
    }
    assert_int_equal(dv_mach_offset(&b->buf), 1000);
    emit_trace(&b->buf, 0);
    fail_msg("too long");
}

static void fill_up_directly(Fixture *f)
{
    Bench *b = new_bench(f, wide_kinds);
    b->target.code_max = 1000;
    dv_mach_init(&b->buf, &f->arena, &b->target);
    dv_bytebuf_zeros(&b->buf.code, 1004);
    dv_mach_island(&b->buf, 8);
    fail_msg("too long");
}

static void size_is_limited(void **state)
{
    Fixture *f = *state;
    assert_int_equal(escape_of(f, fill_up), DAVIT_ERROR_LIMIT);
    assert_int_equal(escape_of(f, fill_up_directly), DAVIT_ERROR_LIMIT);
}

/* ---- constants and traps ---- */

static void constants_are_shared_and_aligned(void **state)
{
    Bench *b = new_bench(*state, wide_kinds);
    u8 bytes[64];
    for (u32 i = 0; i < 64; i++) {
        bytes[i] = (u8)i;
    }
    MachLabel a = dv_mach_constant(&b->buf, bytes, 4, 4);
    MachLabel whole = dv_mach_constant(&b->buf, bytes, 64, 16);
    MachLabel unused = dv_mach_constant(&b->buf, bytes, 32, 32);
    emit_load(&b->buf, a);
    emit_load(&b->buf, whole);
    emit_load(&b->buf, dv_mach_constant(&b->buf, bytes, 4, 4));
    MachLabel again = dv_mach_constant(&b->buf, bytes, 64, 64);
    assert_int_equal(again.id, whole.id);
    emit_ret(&b->buf);
    dv_mach_finish(&b->buf, &b->code);
    assert_int_equal(b->code.status, MACH_OK);
    assert_int_equal(b->code.align_bytes, 64);
    assert_int_equal(dv_mach_label_offset(&b->buf, whole), 64);
    assert_int_equal(dv_mach_label_offset(&b->buf, a), 128);
    assert_int_equal(dv_mach_label_offset(&b->buf, unused), MACH_UNBOUND);
    assert_int_equal(b->code.size_bytes, 132);
    assert_memory_equal(b->code.bytes + 64, bytes, 64);
    assert_memory_equal(b->code.bytes + 128, bytes, 4);
    assert_int_equal(word_at(&b->code, 0, false), word(I_LOAD, 32));
    assert_int_equal(word_at(&b->code, 8, false), word(I_LOAD, 30));
}

/* A constant is placed before its first use gets too far, and again for uses too far from that. */
static void constants_stay_in_reach(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    u8 bytes[7] = {1, 2, 3, 4, 0xff, 0xff, 0xff};
    u32 loads = 0;
    for (u32 i = 0; i < 1000; i++) {
        dv_mach_island(&b->buf, 8 + 16);
        if (i % 10 == 0) {
            emit_load(&b->buf, dv_mach_constant(&b->buf, bytes, 7, i < 500 ? 4 : 8));
        } else {
            emit_trace(&b->buf, i);
        }
    }
    emit_ret(&b->buf);
    dv_mach_finish(&b->buf, &b->code);
    assert_int_equal(b->code.status, MACH_OK);
    for (u32 pc = 0; word_at(&b->code, pc, false) != word(I_RET, 0);) {
        u32 w = word_at(&b->code, pc, false);
        if (w >> 24 == I_LOAD) {
            u32 to = moved(pc, (i64)signed_bits(w, 24) * 4);
            assert_memory_equal(b->code.bytes + to, bytes, 7);
            assert_true(loads < 50 || to % 8 == 0);
            loads++;
        }
        pc = w >> 24 == I_FAR ? follow(&b->code, pc) : pc + 4;
    }
    assert_int_equal(loads, 100);
    assert_true(b->buf.stats.islands >= 8 && b->buf.stats.islands < 30);
}

static void traps_are_shared(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    emit_trace(&b->buf, 1);
    emit_cond(&b->buf, 2, true, dv_mach_trap_label(&b->buf, TRAP_stk_ovf, 7));
    emit_cond(&b->buf, 3, true, dv_mach_trap_label(&b->buf, TRAP_heap_oob, 8));
    emit_cond(&b->buf, 4, true, dv_mach_trap_label(&b->buf, TRAP_stk_ovf, 7));
    emit_ret(&b->buf);
    dv_mach_finish(&b->buf, &b->code);
    EXPECT_WORDS(&b->code, word(I_TRACE, 1), word(I_COND, SENSE | 2 << 10 | 4),
                 word(I_COND, SENSE | 3 << 10 | 4), word(I_COND, SENSE | 4 << 10 | 2),
                 word(I_RET, 0), word(I_TRAP, TRAP_stk_ovf), word(I_TRAP, TRAP_heap_oob));
    assert_int_equal(b->code.traps.len, 2);
    assert_int_equal(b->code.traps.data[0].offset, 20);
    assert_int_equal(b->code.traps.data[1].offset, 24);
    assert_int_equal(b->code.traps.data[1].code, TRAP_heap_oob);
    assert_int_equal(srcloc_at(&b->code, 20), 7);
    assert_int_equal(srcloc_at(&b->code, 24), 8);
}

/* ---- tables ---- */

static void srclocs_are_merged_and_cut(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    emit_trace(&b->buf, 1);
    dv_mach_set_srcloc(&b->buf, 5);
    emit_trace(&b->buf, 2);
    dv_mach_set_srcloc(&b->buf, 6);
    dv_mach_set_srcloc(&b->buf, 5);
    emit_trace(&b->buf, 3);
    dv_mach_set_srcloc(&b->buf, 7);
    emit_cond(&b->buf, 2, true, nth(b, 0));
    dv_mach_set_srcloc(&b->buf, 8);
    emit_jump(&b->buf, nth(b, 0));
    dv_mach_set_srcloc(&b->buf, 9);
    dv_mach_bind(&b->buf, nth(b, 0));
    emit_trace(&b->buf, 4);
    dv_mach_set_srcloc(&b->buf, SRCLOC_NONE);
    emit_ret(&b->buf);
    dv_mach_set_srcloc(&b->buf, 10);
    dv_mach_finish(&b->buf, &b->code);
    assert_int_equal(b->code.srclocs.len, 2);
    const MachSrcRange *r = b->code.srclocs.data;
    assert_int_equal(r[0].start, 4);
    assert_int_equal(r[0].end, 12);
    assert_int_equal(r[0].srcloc, 5);
    assert_int_equal(r[1].start, 12);
    assert_int_equal(r[1].end, 16);
    assert_int_equal(r[1].srcloc, 9);
}

static void record_all(MachBuffer *buf, MachLabel handler)
{
    MachHandler handlers[] = {
        {.kind = HANDLER_TAG, .tag = 3, .label = handler},
        {.kind = HANDLER_CONTEXT, .label = MACH_LABEL_NONE, .context = -8},
        {.kind = HANDLER_DEFAULT, .label = handler},
    };
    DebugTag tag = {DEBUG_TAG_NUMBER, 77};
    DebugTags tags = {1, &tag};
    StackMapEntry entry = {.offset = 16};
    StackMap map = {1, &entry};
    i32 slots[] = {-16, -32};
    MachFrame frame = {.size_bytes = 48, .window_slots = 6, .num_slots = 2, .slot_offsets = slots};
    ExtName name = {.kind = NAME_USER, .space = 1, .index = 2};
    MachSymbol by_name = dv_mach_symbol_name(&name);
    MachSymbol by_number = dv_mach_symbol_entity(4, 9);
    emit_trace(buf, 1);
    dv_mach_add_reloc(buf, 0, 2, &by_name, -4);
    dv_mach_add_unwind(buf, UNWIND_ALLOC_STACK, 0, 48);
    dv_mach_add_trap(buf, 4, TRAP_heap_oob);
    emit_trace(buf, 2);
    dv_mach_add_reloc(buf, 5, 300, &by_number, 0);
    dv_mach_add_call(buf, 48, handlers, ARRAY_LEN(handlers));
    dv_mach_add_stack_map(buf, &map);
    dv_mach_add_tags(buf, &tags, true);
    dv_mach_set_frame(buf, &frame);
    memset(handlers, 0, sizeof handlers); /* all was copied */
    memset(slots, 0, sizeof slots);
    tag.value = 0;
    entry.offset = 0;
}

static void tables_have_what_was_recorded(void **state)
{
    Bench *b = new_bench(*state, tiny_kinds);
    record_all(&b->buf, nth(b, 0));
    emit_jump(&b->buf, nth(b, 1));
    dv_mach_bind(&b->buf, nth(b, 0)); /* the handler only jumps on */
    emit_jump(&b->buf, nth(b, 2));
    dv_mach_bind(&b->buf, nth(b, 1));
    emit_trace(&b->buf, 3);
    dv_mach_bind(&b->buf, nth(b, 2));
    emit_ret(&b->buf);
    dv_mach_finish(&b->buf, &b->code);
    const MachCode *c = &b->code;
    assert_int_equal(c->size_bytes, 16); /* two marks, the third, return: no jump is left */
    assert_int_equal(c->relocs.len, 2);
    assert_int_equal(c->relocs.data[0].symbol.name.index, 2);
    assert_int_equal(c->relocs.data[0].addend, -4);
    assert_int_equal(c->relocs.data[1].offset, 5);
    assert_int_equal(c->relocs.data[1].kind, 300);
    assert_int_equal(c->relocs.data[1].symbol.kind, MACH_SYMBOL_ENTITY);
    assert_int_equal(c->relocs.data[1].symbol.index, 9);
    assert_int_equal(c->traps.len, 1);
    assert_int_equal(c->traps.data[0].offset, 4);
    assert_int_equal(c->calls.len, 1);
    assert_int_equal(c->calls.data[0].offset, 8);
    assert_int_equal(c->calls.data[0].num_handlers, 3);
    assert_int_equal(c->calls.data[0].handlers[0].tag, 3);
    assert_int_equal(c->calls.data[0].handlers[0].offset, 12);
    assert_int_equal(c->calls.data[0].handlers[1].context, -8);
    assert_int_equal(c->calls.data[0].handlers[2].offset, 12);
    assert_int_equal(c->stack_maps.data[0].offset, 8);
    assert_int_equal(c->stack_maps.data[0].map.entries[0].offset, 16);
    assert_true(c->tags.data[0].after);
    assert_int_equal(c->tags.data[0].tags.tags[0].value, 77);
    assert_int_equal(c->unwind.len, 1);
    assert_int_equal(c->unwind.data[0].offset, 4);
    assert_int_equal(c->unwind.data[0].value, 48);
    assert_int_equal(c->frame.slot_offsets[1], -32);
    assert_int_equal(c->frame.window_slots, 6);
}

static void numbers_and_padding(void **state)
{
    for (u32 big = 0; big < 2; big++) {
        Bench *b = new_bench(*state, tiny_kinds);
        b->target.big = big != 0;
        dv_mach_u8(&b->buf, 1);
        dv_mach_u8(&b->buf, 2);
        dv_mach_u16(&b->buf, 0x0304);
        dv_mach_u64(&b->buf, 0x05060708090a0b0cu);
        dv_mach_align(&b->buf, 16);
        dv_mach_align(&b->buf, 16);
        dv_mach_finish(&b->buf, &b->code);
        static const u8 wanted[2][16] = {
            {1, 2, 4, 3, 12, 11, 10, 9, 8, 7, 6, 5, 0, 0, 0, I_NOP},
            {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, I_NOP, 0, 0, 0},
        };
        assert_int_equal(b->code.size_bytes, 16);
        assert_int_equal(b->code.align_bytes, 16);
        assert_memory_equal(b->code.bytes, wanted[big], 16);
    }
}

/* ---- size ---- */

/* A million blocks of a jump to the next, the last, or the one before, with labels in heaps: linear work. */
static void a_million_labels(void **state)
{
    enum { COUNT = 1000000 };
    Fixture *f = *state;
    for (u32 shape = 0; shape < 4; shape++) {
        MachTarget target = make_target(false, wide_kinds);
        MachBuffer buf;
        MachCode code;
        dv_mach_init(&buf, &f->arena, &target);
        MachLabel first = dv_mach_labels_new(&buf, COUNT + 1);
        for (u32 i = 0; i < COUNT; i++) {
            u32 next[] = {i + 1, COUNT, i == 0 ? COUNT : i - 1, COUNT};
            dv_mach_island(&buf, 8);
            dv_mach_bind(&buf, label_at(first, i));
            if (shape == 3 && i < COUNT / 2) {
                emit_cond(&buf, 2, true, label_at(first, COUNT));
            } else if (shape != 3) {
                emit_jump(&buf, label_at(first, next[shape]));
            }
        }
        dv_mach_bind(&buf, label_at(first, COUNT));
        emit_ret(&buf);
        dv_mach_finish(&buf, &code);
        assert_int_equal(code.status, MACH_OK);
        assert_int_equal(code.size_bytes, 4);
        assert_int_equal(dv_mach_label_offset(&buf, label_at(first, COUNT / 3)), 0);
        assert_true(buf.work.steps < (u64)COUNT * 8);
        dv_arena_release(&f->arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(jump_to_next_is_left_out),
        UNIT_TEST(branch_over_jump_is_inverted),
        UNIT_TEST(inversion_respects_ranges),
        UNIT_TEST(jumps_to_jumps_are_threaded),
        UNIT_TEST(cycles_of_jumps_stay_cycles),
        UNIT_TEST(branches_to_one_place_become_one),
        UNIT_TEST(empty_blocks_go_away),
        UNIT_TEST(what_is_kept_stays),
        UNIT_TEST(landing_is_known),
        UNIT_TEST(branches_dense_and_far),
        UNIT_TEST(long_ranges_do_not_burden_short_ones),
        UNIT_TEST(backward_branches_get_veneers),
        UNIT_TEST(threading_respects_ranges),
        UNIT_TEST(earliest_deadline_is_served_first),
        UNIT_TEST(resolved_uses_do_not_count),
        UNIT_TEST(island_after_return_is_not_jumped_over),
        UNIT_TEST(use_out_of_range_is_told),
        UNIT_TEST(size_is_limited),
        UNIT_TEST(constants_are_shared_and_aligned),
        UNIT_TEST(constants_stay_in_reach),
        UNIT_TEST(traps_are_shared),
        UNIT_TEST(srclocs_are_merged_and_cut),
        UNIT_TEST(tables_have_what_was_recorded),
        UNIT_TEST(numbers_and_padding),
        UNIT_TEST(programs_do_what_they_say),
        UNIT_TEST(a_million_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
