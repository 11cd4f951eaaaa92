/* switch.c - control flow that takes several instructions: switches, ifs, loops.
 *
 * A switch sorts its keys and cuts them into runs: as long as at least half of the numbers from a
 * run's first to its last key are keys, it goes on. A run of four keys or more becomes a br_table
 * on value - first; shorter ones are split into single keys, which become an equality test. A
 * balanced binary search over the first keys of the runs finds the run, kept iterative by a list
 * of ranges still to be written. Values of i8 and i16 are extended for br_table; those wider than
 * i32 are compared with the run's length before they are cut to i32.
 *
 * Blocks made here have their predecessors known at once and are sealed, except loop heads.
 */
#include "codegen/ir/builder.h"

enum { TABLE_MIN_KEYS = 4 };

/* ---- small pieces ---- */

void dv_builder_jump(Builder *b, Block to)
{
    BuildRequest request = {.op = OP_jump, .num_dests = 1, .dests = {{{to.id}, NULL, 0}}};
    dv_builder_emit(b, &request);
}

void dv_builder_branch(Builder *b, u32 cond, Block then_block, Block else_block)
{
    BuildRequest request = {.op = OP_brif,
                            .num_args = 1,
                            .args = {cond},
                            .num_dests = 2,
                            .dests = {{{then_block.id}, NULL, 0}, {{else_block.id}, NULL, 0}}};
    dv_builder_emit(b, &request);
}

/* Seals a block and goes on in it. */
static void continue_in(Builder *b, Block block)
{
    if (dv_builder_ok(b)) {
        dv_ssa_seal(&b->ssa, block);
        dv_builder_switch_to(b, block);
    }
}

/* ---- switch ---- */

typedef struct Run {
    u32 first, count; /* of the sorted cases */
} Run;

typedef struct Range { /* of runs, to be searched in this block */
    u32 first, count;
    Block block;
} Range;

typedef struct Switch {
    Builder *b;
    u32 value;
    Type type;
    davit_case_t *cases;
    u32 num_cases;
    Block otherwise;
    VEC(Run) runs;
    VEC(Range) ranges;
    VEC(davit_dest_t) table;
} Switch;

static U128 key_of(const Switch *s, u32 index)
{
    return (U128){s->cases[index].low, s->cases[index].high};
}

static bool is_less(const davit_case_t *a, const davit_case_t *b)
{
    return a->high != b->high ? a->high < b->high : a->low < b->low;
}

/* Moves the case at `at` down the heap of the first `count` cases. */
static void sift_down(davit_case_t *cases, u32 at, u32 count)
{
    for (u32 child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && is_less(&cases[child], &cases[child + 1]);
        if (!is_less(&cases[at], &cases[child])) {
            return;
        }
        davit_case_t moved = cases[at];
        cases[at] = cases[child];
        cases[child] = moved;
    }
}

/* Heapsort: n log n whatever the keys, and no memory, unlike some qsorts. */
static void sort_cases(davit_case_t *cases, u32 count)
{
    for (u32 at = count / 2; at > 0; at--) {
        sift_down(cases, at - 1, count);
    }
    for (u32 end = count; end > 1; end--) {
        davit_case_t largest = cases[0];
        cases[0] = cases[end - 1];
        cases[end - 1] = largest;
        sift_down(cases, 0, end - 1);
    }
}

static bool key_fits(Type type, const davit_case_t *c)
{
    u32 bits = type_bits(type);
    return bits == 128 || (c->high == 0 && (bits == 64 || c->low >> bits == 0));
}

/* Copies, checks and sorts the cases. */
static bool prepare_cases(Switch *s, const davit_case_t *cases, usize count)
{
    Builder *b = s->b;
    if (count > UINT32_MAX / 4) {
        dv_builder_fail(b, "there are too many cases");
        return false;
    }
    s->num_cases = (u32)count;
    s->cases = ARENA_ARRAY(b->arena, davit_case_t, count);
    for (u32 i = 0; i < s->num_cases; i++) {
        s->cases[i] = cases[i];
        if (!key_fits(s->type, &cases[i])) {
            dv_builder_fail(b, "the key of case %u does not fit the value's type", (unsigned)i);
        }
        if (!dv_builder_ok(b) || !dv_builder_check_block(b, cases[i].block.id)) {
            return false;
        }
    }
    sort_cases(s->cases, s->num_cases);
    for (u32 i = 1; i < s->num_cases; i++) {
        if (!is_less(&s->cases[i - 1], &s->cases[i])) {
            dv_builder_fail(b, "two cases have the key 0x%016" PRIx64 "%016" PRIx64,
                            s->cases[i].high, s->cases[i].low);
            return false;
        }
    }
    return true;
}

static void find_runs(Switch *s)
{
    u32 first = 0;
    while (first < s->num_cases) {
        u32 count = 1;
        while (first + count < s->num_cases) {
            U128 span = dv_u128_sub(key_of(s, first + count), key_of(s, first));
            if (span.hi != 0 || span.lo / 2 > count) {
                break;
            }
            count++;
        }
        u32 step = count >= TABLE_MIN_KEYS ? count : 1;
        for (u32 end = first + count; first < end; first += step) {
            Run run = {first, step};
            vec_push(s->b->arena, &s->runs, run);
        }
    }
}

/* The key as a value of the switch's type. */
static u32 emit_key(const Switch *s, U128 key)
{
    Builder *b = s->b;
    if (s->type != TYPE_I128) {
        BuildRequest number = {.op = OP_iconst, .type = s->type, .imm = key.lo};
        return dv_builder_emit_value(b, &number);
    }
    BuildRequest low = {.op = OP_iconst, .type = TYPE_I64, .imm = key.lo};
    BuildRequest high = {.op = OP_iconst, .type = TYPE_I64, .imm = key.hi};
    BuildRequest whole = {.op = OP_iconcat, .num_args = 2};
    whole.args[0] = dv_builder_emit_value(b, &low);
    whole.args[1] = dv_builder_emit_value(b, &high);
    return dv_builder_emit_value(b, &whole);
}

static u32 emit_compare(const Switch *s, IntCC cc, u32 x, U128 key)
{
    BuildRequest compare = {
        .op = OP_icmp, .aux = (u8)cc, .num_args = 2, .args = {x, emit_key(s, key)}};
    return dv_builder_ok(s->b) ? dv_builder_emit_value(s->b, &compare) : DAVIT_NONE;
}

/* The table of a run: numbers between its keys go to the default. */
static void fill_table(Switch *s, const Run *run, u32 length)
{
    U128 base = key_of(s, run->first);
    vec_clear(&s->table);
    vec_reserve(s->b->arena, &s->table, length);
    for (u32 i = 0; i < length; i++) {
        s->table.data[i] = davit_to((davit_block_t){s->otherwise.id});
    }
    s->table.len = length;
    for (u32 i = 0; i < run->count; i++) {
        u64 at = dv_u128_sub(key_of(s, run->first + i), base).lo;
        s->table.data[at].block = s->cases[run->first + i].block;
    }
}

static void emit_table(Switch *s, const Run *run)
{
    Builder *b = s->b;
    U128 base = key_of(s, run->first);
    u32 length = (u32)dv_u128_sub(key_of(s, run->first + run->count - 1), base).lo + 1;
    u32 index = s->value;
    if (!dv_u128_is_zero(base)) {
        BuildRequest sub = {.op = OP_isub, .num_args = 2, .args = {index, emit_key(s, base)}};
        index = dv_builder_emit_value(b, &sub);
    }
    u32 bits = type_bits(s->type);
    if (bits > 32) {
        Block inside = {dv_builder_block(b)};
        dv_builder_branch(b, emit_compare(s, INTCC_ult, index, dv_u128_from_u64(length)), inside,
                          s->otherwise);
        continue_in(b, inside);
    }
    if (bits != 32) {
        BuildRequest resize = {.op = bits > 32 ? OP_ireduce : OP_uextend,
                               .type = TYPE_I32,
                               .num_args = 1,
                               .args = {index}};
        index = dv_builder_emit_value(b, &resize);
    }
    fill_table(s, run, length);
    BuildRequest branch = {.op = OP_br_table,
                           .num_args = 1,
                           .args = {index},
                           .num_dests = 1,
                           .dests = {{{s->otherwise.id}, NULL, 0}},
                           .table = s->table.data,
                           .num_table = length};
    dv_builder_emit(b, &branch);
}

/* Searches one range: a test of its only run, or a step of the binary search. */
static void emit_range(Switch *s, const Range *range)
{
    Builder *b = s->b;
    const Run *run = &vec_at(&s->runs, range->first);
    if (range->count == 1 && run->count > 1) {
        emit_table(s, run);
    } else if (range->count == 1) {
        u32 equal = emit_compare(s, INTCC_eq, s->value, key_of(s, run->first));
        dv_builder_branch(b, equal, (Block){s->cases[run->first].block.id}, s->otherwise);
    } else {
        u32 half = range->count / 2;
        Range low = {range->first, half, {dv_builder_block(b)}};
        Range high = {range->first + half, range->count - half, {dv_builder_block(b)}};
        U128 pivot = key_of(s, vec_at(&s->runs, high.first).first);
        dv_builder_branch(b, emit_compare(s, INTCC_ult, s->value, pivot), low.block, high.block);
        vec_push(b->arena, &s->ranges, high);
        vec_push(b->arena, &s->ranges, low);
    }
}

static void emit_switch(Builder *b, davit_value_t value, const davit_case_t *cases, usize count,
                        Block otherwise)
{
    Switch s = {.b = b, .otherwise = otherwise};
    if (!dv_builder_check_value(b, value.id) || !dv_builder_check_block(b, otherwise.id)) {
        return;
    }
    s.value = value.id;
    s.type = dv_value_type(b->f, (Value){value.id});
    if (!type_is_int(s.type)) {
        dv_builder_fail(b, "the value must be an integer");
        return;
    }
    if (!prepare_cases(&s, cases, count)) {
        return;
    }
    find_runs(&s);
    if (s.runs.len == 0) {
        dv_builder_jump(b, otherwise);
        return;
    }
    Range all = {0, s.runs.len, BLOCK_NONE};
    emit_range(&s, &all);
    while (s.ranges.len != 0 && dv_builder_ok(b)) {
        Range range = vec_pop(&s.ranges);
        continue_in(b, range.block);
        emit_range(&s, &range);
    }
}

void davit_switch(davit_builder_t *b, davit_value_t value, const davit_case_t *cases,
                  size_t num_cases, davit_block_t otherwise)
{
    BUILDER_CALL(b, "davit_switch", emit_switch(b, value, cases, num_cases, (Block){otherwise.id}));
}

/* ---- if ---- */

static void begin_if(Builder *b, davit_value_t condition, davit_if_t *out)
{
    Block then_block = {dv_builder_block(b)};
    out->otherwise.id = dv_builder_block(b);
    out->after.id = dv_builder_block(b);
    dv_builder_branch(b, condition.id, then_block, (Block){out->otherwise.id});
    continue_in(b, then_block);
}

davit_if_t davit_if_begin(davit_builder_t *b, davit_value_t condition)
{
    const davit_if_t none = {{DAVIT_NONE}, {DAVIT_NONE}, false};
    davit_if_t result = none;
    BUILDER_CALL(b, "davit_if_begin", begin_if(b, condition, &result));
    return dv_builder_ok(b) ? result : none;
}

/* Ends the block, if it has not ended, with a jump. */
static void fall_through(Builder *b, u32 block)
{
    if (!dv_builder_is_filled(b)) {
        dv_builder_jump(b, (Block){block});
    }
}

/* False, having failed, if a structure's blocks were not made by its begin function. */
static bool check_structure(Builder *b, davit_block_t first, davit_block_t second)
{
    if (first.id >= b->f->blocks.len || second.id >= b->f->blocks.len) {
        dv_builder_fail(b, "nothing was begun that could go on here");
    }
    return dv_builder_ok(b);
}

static void else_if(Builder *b, davit_if_t *i)
{
    if (!check_structure(b, i->otherwise, i->after)) {
        return;
    }
    if (i->has_else) {
        dv_builder_fail(b, "this if has had its else");
        return;
    }
    fall_through(b, i->after.id);
    continue_in(b, (Block){i->otherwise.id});
    i->has_else = true;
}

void davit_if_else(davit_builder_t *b, davit_if_t *i)
{
    BUILDER_CALL(b, "davit_if_else", else_if(b, i));
}

static void end_if(Builder *b, davit_if_t *i)
{
    if (!i->has_else) {
        else_if(b, i);
    }
    if (check_structure(b, i->otherwise, i->after)) {
        fall_through(b, i->after.id);
        continue_in(b, (Block){i->after.id});
    }
}

void davit_if_end(davit_builder_t *b, davit_if_t *i)
{
    BUILDER_CALL(b, "davit_if_end", end_if(b, i));
}

/* ---- loop ---- */

static void begin_loop(Builder *b, davit_loop_t *out)
{
    out->head.id = dv_builder_block(b);
    out->after.id = dv_builder_block(b);
    dv_builder_jump(b, (Block){out->head.id});
    dv_builder_switch_to(b, (Block){out->head.id});
}

davit_loop_t davit_loop_begin(davit_builder_t *b)
{
    const davit_loop_t none = {{DAVIT_NONE}, {DAVIT_NONE}};
    davit_loop_t result = none;
    BUILDER_CALL(b, "davit_loop_begin", begin_loop(b, &result));
    return dv_builder_ok(b) ? result : none;
}

static void while_loop(Builder *b, const davit_loop_t *l, davit_value_t condition)
{
    if (check_structure(b, l->head, l->after)) {
        Block body = {dv_builder_block(b)};
        dv_builder_branch(b, condition.id, body, (Block){l->after.id});
        continue_in(b, body);
    }
}

void davit_loop_while(davit_builder_t *b, davit_loop_t *l, davit_value_t condition)
{
    BUILDER_CALL(b, "davit_loop_while", while_loop(b, l, condition));
}

static void leave_to(Builder *b, const davit_loop_t *l, davit_block_t to)
{
    if (check_structure(b, l->head, l->after)) {
        dv_builder_jump(b, (Block){to.id});
    }
}

void davit_loop_break(davit_builder_t *b, davit_loop_t *l)
{
    BUILDER_CALL(b, "davit_loop_break", leave_to(b, l, l->after));
}

void davit_loop_continue(davit_builder_t *b, davit_loop_t *l)
{
    BUILDER_CALL(b, "davit_loop_continue", leave_to(b, l, l->head));
}

static void end_loop(Builder *b, const davit_loop_t *l)
{
    if (!check_structure(b, l->head, l->after)) {
        return;
    }
    fall_through(b, l->head.id);
    if (dv_builder_ok(b)) {
        dv_ssa_seal(&b->ssa, (Block){l->head.id});
        continue_in(b, (Block){l->after.id});
    }
}

void davit_loop_end(davit_builder_t *b, davit_loop_t *l)
{
    BUILDER_CALL(b, "davit_loop_end", end_loop(b, l));
}
