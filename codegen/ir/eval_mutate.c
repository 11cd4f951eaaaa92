/* eval_mutate.c - wrong meanings, for tests that ask whether the tests would notice.
 *
 * EvalOptions.mutate_op names one operation, mutation the way it goes wrong, 1 to 7. "Flip" inverts
 * a bit; "the first value" is result 0 of an operation with results, the first argument of a call
 * (the callee's address, index or handle not counted), of a return, of the block a jump goes to, or
 * the value of a store. Where a way does not fit, the one in brackets is taken, so that every pair
 * changes what the operation means.
 *
 *     1  the lowest bit of the first value is flipped
 *     2  the highest bit of the last value is flipped (calls, returns, jumps: of the first; stores: of
 *        what is stored)
 *     3  operations on values alone: as 1, if the highest bit of the first operand [without operands:
 *        of the result] is set; calls, returns, jumps: likewise of the first value; others that give
 *        a result: bit 3 of it is flipped
 *     4  vectors: the lowest bit of the last lane is flipped; scalars: as 1, if the first two operands
 *        are equal [the only operand, the value handed on is zero]; operations not on values alone that
 *        give a result: bit 2 of it is flipped
 *     5  the last two operands, else the first two, are swapped if they are of one type and the
 *        operation does not commute [bit 1 of the first value is flipped]
 *     6  what should trap gives zero [all bits of the first value are inverted]
 *     7  as 1, if the controlling type is as wide as the operation's set allows, or 128 bits [there is
 *        none: as 1]
 *
 * Operations without values go wrong in their own ways:
 *
 *     jump, return, call without arguments, throw_ref, nop, fence, debugtrap, sequence_point: trap
 *         unreachable
 *     brif: 2 always goes to the first block; 4 always to the second; 6 looks at the lowest bit
 *         only; others go to the other block
 *     br_table: odd ways go to the next target, after the last to the first; even ways always to the
 *         default
 *     trap: traps user1, or unreachable if it should trap user1
 *     trapz, trapnz: odd ways never trap; even ways trap when they should not and do not when they
 *         should
 *     throw: throws the tag of the next number
 *     fuel: uses up twice as much
 *     stores, global_set, set_pinned_reg: 2 and 4 as above; 6 what should trap does nothing [is
 *         dropped]; 7 dropped at the widest type; others dropped
 *     others that write: 6 what should trap does nothing [is dropped]; others dropped
 */
#include "codegen/ir/eval_internal.h"

static void flip(const Evaluator *e, u32 value, u32 bit)
{
    dv_eval_value(e, value)[bit / 8] ^= (u8)(1u << bit % 8);
}

static bool top_bit(const Evaluator *e, u32 value)
{
    return dv_eval_value(e, value)[type_bytes(dv_eval_type(e, value)) - 1] >> 7 != 0;
}

static void invert(const Evaluator *e, u32 value)
{
    u8 *bytes = dv_eval_value(e, value);
    for (u32 i = 0; i < type_bytes(dv_eval_type(e, value)); i++) {
        bytes[i] = (u8)~bytes[i];
    }
}

static bool is_widest(const InstData *d)
{
    const TypeSet *set = &dv_typesets[dv_ops[d->op].set];
    TypeSpec operand = (TypeSpec)dv_ops[d->op].operands[0];
    bool takes_wider = operand == TS_iWider || operand == TS_fWider; /* than its result */
    u32 widest = 0;
    for (u32 lane = LANE_I8; lane < LANE_COUNT; lane++) {
        u32 bits = type_lane_bits((Type)lane);
        bool has = (set->lanes >> lane & 1) != 0 && (set->shapes & SHAPE_SCALAR) != 0 &&
                   !(takes_wider && bits == 128);
        widest = has && bits > widest ? bits : widest;
    }
    return d->type == TYPE_NONE || type_bits(d->type) >= (widest != 0 ? widest : 128);
}

static void swap_values(const Evaluator *e, u32 a, u32 b)
{
    u8 *x = dv_eval_value(e, a);
    u8 *y = dv_eval_value(e, b);
    for (u32 i = 0; i < type_bytes(dv_eval_type(e, a)); i++) {
        u8 byte = x[i];
        x[i] = y[i];
        y[i] = byte;
    }
}

/* How many bits of the value matter: stores may take fewer than there are. */
static u32 bits_used(const InstData *d, Type type)
{
    Format format = dv_ops[d->op].format;
    bool is_store = format == FORMAT_STORE || format == FORMAT_HEAP_STORE;
    return is_store ? dv_eval_access_size(d, type) * 8 : type_bits(type);
}

/* Ways 1 to 7 on a value that is handed on. */
static void corrupt(const Evaluator *e, const InstData *d, u32 value)
{
    Type type = dv_eval_type(e, value);
    u32 last_lane = type_bits(type) - type_lane_bits(type);
    switch (e->options.mutation) {
    case 2:
        flip(e, value, bits_used(d, type) - 1);
        break;
    case 3:
        if (top_bit(e, value)) {
            flip(e, value, 0);
        }
        break;
    case 4:
        if (type_is_vector(type) || dv_eval_is_zero(e, value)) {
            flip(e, value, last_lane);
        }
        break;
    case 5:
        flip(e, value, 1);
        break;
    case 6:
        invert(e, value);
        break;
    case 7:
        if (is_widest(d)) {
            flip(e, value, 0);
        }
        break;
    default:
        flip(e, value, 0);
        break;
    }
}

/* ---- Operations with results ---- */

/* The operands that way 5 swaps: the last two, or the first two. */
static bool find_swap(const Evaluator *e, const InstData *d, u32 *a, u32 *b)
{
    u32 n = d->num_args;
    if (n < 2 || (dv_ops[d->op].effects & FX_COMM) != 0) {
        return false;
    }
    u32 first = dv_eval_type(e, d->args[n - 2]) == dv_eval_type(e, d->args[n - 1]) ? n - 2 : 0;
    *a = d->args[first];
    *b = d->args[first + 1];
    return dv_eval_type(e, *a) == dv_eval_type(e, *b);
}

static bool operands_equal(const Evaluator *e, const InstData *d, u32 value)
{
    if (d->num_args < 2 || dv_eval_type(e, d->args[0]) != dv_eval_type(e, d->args[1])) {
        return dv_eval_is_zero(e, d->num_args == 0 ? value : d->args[0]);
    }
    return memcmp(dv_eval_value(e, d->args[0]), dv_eval_value(e, d->args[1]),
                  type_bytes(dv_eval_type(e, d->args[0]))) == 0;
}

static void spoil_results(const Evaluator *e, const InstData *d, const u32 *results, bool swapped)
{
    u32 value = results[0];
    u32 last = results[d->num_results - 1];
    Type type = dv_eval_type(e, value);
    bool pure = dv_eval_op_is_pure((Op)d->op);
    switch (e->options.mutation) {
    case 2:
        flip(e, last, type_bits(dv_eval_type(e, last)) - 1);
        break;
    case 3:
        if (!pure) {
            flip(e, value, 3);
        } else if (top_bit(e, d->num_args == 0 ? value : d->args[0])) {
            flip(e, value, 0);
        }
        break;
    case 4:
        if (!pure && !type_is_vector(type)) {
            flip(e, value, 2);
        } else if (type_is_vector(type) || operands_equal(e, d, value)) {
            flip(e, value, type_bits(type) - type_lane_bits(type));
        }
        break;
    case 5:
        if (!swapped) {
            flip(e, value, 1);
        }
        break;
    case 6:
        if ((dv_ops[d->op].effects & FX_TRAP) == 0) {
            invert(e, value);
        }
        break;
    default:
        corrupt(e, d, value);
        break;
    }
}

static Flow mutate_value(Evaluator *e, const InstData *d)
{
    u32 a = 0;
    u32 b = 0;
    bool swapped = e->options.mutation == 5 && find_swap(e, d, &a, &b);
    if (swapped && a != b) {
        swap_values(e, a, b);
    }
    Flow flow = dv_eval_step(e, d);
    if (swapped && a != b) {
        swap_values(e, a, b);
    }
    const u32 *results = dv_inst_results(dv_eval_func(e), dv_eval_frame(e)->inst);
    if (flow == FLOW_STOP && e->outcome == EVAL_TRAPPED && e->options.mutation == 6) {
        for (u32 i = 0; i < d->num_results; i++) {
            memset(dv_eval_value(e, results[i]), 0, type_bytes(dv_eval_type(e, results[i])));
        }
        return FLOW_NEXT;
    }
    if (flow == FLOW_NEXT) {
        spoil_results(e, d, results, swapped);
    }
    return flow;
}

/* ---- Operations that hand values on ---- */

/* With the value spoilt while the instruction runs. It is put back, unless the frame or the block
 * it belongs to was left. */
static Flow step_with_spoilt(Evaluator *e, const InstData *d, u32 value)
{
    u8 kept[TYPE_MAX_BYTES];
    u32 size = type_bytes(dv_eval_type(e, value));
    const Fiber *fiber = dv_eval_fiber(e);
    u64 frame = dv_eval_frame_count(fiber) - 1;
    memcpy(kept, dv_eval_value(e, value), size);
    corrupt(e, d, value);
    Flow flow = dv_eval_step(e, d);
    bool is_term = (dv_ops[d->op].effects & FX_TERM) != 0;
    u64 count = dv_eval_frame_count(fiber);
    if (flow != FLOW_STOP && (!is_term || count > frame + 1)) {
        const Frame *f = dv_eval_frame_at(fiber, frame);
        memcpy(fiber->values.data + f->values + f->code->offsets[value], kept, size);
    }
    return flow;
}

static Flow mutate_call(Evaluator *e, const InstData *d)
{
    const u32 *args = dv_inst_args(dv_eval_func(e), dv_eval_frame(e)->inst);
    Format format = dv_ops[d->op].format;
    bool direct = format == FORMAT_CALL || format == FORMAT_TRY_CALL ||
                  format == FORMAT_CALL_IMPORT || format == FORMAT_TRY_CALL_IMPORT ||
                  format == FORMAT_MULTI_ARY;
    u32 first = d->op == OP_stack_switch ? 2 : direct ? 0 : 1;
    if (d->num_args <= first) {
        return dv_eval_trap(e, TRAP_unreachable);
    }
    return step_with_spoilt(e, d, args[first]);
}

/* ---- Branches and ends ---- */

static Flow mutate_branch(Evaluator *e, const InstData *d)
{
    const Func *f = dv_eval_func(e);
    u32 count;
    const BlockCall *dests = dv_inst_dests_const(f, dv_eval_frame(e)->inst, &count);
    u32 right = dv_eval_branch(e, d, count);
    u8 way = e->options.mutation;
    if (d->op == OP_br_table) {
        return dv_eval_jump(e, &dests[way % 2 == 0 ? 0 : (right + 1) % count]);
    }
    if (d->op == OP_brif) {
        u32 low_bit_dest = (dv_eval_value(e, d->args[0])[0] & 1) != 0 ? 0 : 1;
        u32 wrong = way == 2 ? 0 : way == 4 ? 1 : way == 6 ? low_bit_dest : 1 - right;
        return dv_eval_jump(e, &dests[wrong]);
    }
    Flow flow = dv_eval_jump(e, &dests[0]);
    if (flow == FLOW_STOP) {
        return flow;
    }
    if (dests[0].num_args == 0) {
        return dv_eval_trap(e, TRAP_unreachable);
    }
    corrupt(e, d, dv_block_params(f, dests[0].block)[0]);
    return flow;
}

static Flow mutate_end(Evaluator *e, const InstData *d)
{
    bool odd = e->options.mutation % 2 != 0;
    bool traps;
    switch (d->op) {
    case OP_trap:
        return dv_eval_trap(e, d->aux == 1 ? TRAP_unreachable : 1);
    case OP_trapz:
    case OP_trapnz:
        traps = dv_eval_is_zero(e, d->args[0]) == (d->op == OP_trapz);
        return !odd && !traps ? dv_eval_trap(e, d->aux) : FLOW_NEXT;
    case OP_throw:
        return dv_eval_throw(e, vec_at(&dv_eval_func(e)->tags, d->ent).index + 1);
    case OP_fuel:
        return dv_eval_step(e, d) == FLOW_STOP ? FLOW_STOP : dv_eval_step(e, d);
    default:
        return dv_eval_trap(e, TRAP_unreachable);
    }
}

static Flow mutate_write(Evaluator *e, const InstData *d)
{
    Format format = dv_ops[d->op].format;
    bool has_value = format == FORMAT_STORE || format == FORMAT_STORE_NO_OFFSET ||
                     format == FORMAT_HEAP_STORE || format == FORMAT_HEAP_LANE ||
                     format == FORMAT_GLOBAL_SET || format == FORMAT_UNARY;
    u8 way = e->options.mutation;
    if (has_value && (way == 2 || way == 4)) {
        return step_with_spoilt(e, d, d->args[0]);
    }
    if (has_value && way == 7 && !is_widest(d)) {
        return dv_eval_step(e, d);
    }
    if (way == 6 && (dv_ops[d->op].effects & FX_TRAP) != 0) {
        Flow flow = dv_eval_step(e, d);
        return flow == FLOW_STOP && e->outcome == EVAL_TRAPPED ? FLOW_NEXT : flow;
    }
    return FLOW_NEXT;
}

Flow dv_eval_step_mutated(Evaluator *e, const InstData *d)
{
    const OpInfo *info = &dv_ops[d->op];
    switch (d->op) {
    case OP_jump:
    case OP_brif:
    case OP_br_table:
        return mutate_branch(e, d);
    case OP_trap:
    case OP_trapz:
    case OP_trapnz:
    case OP_throw:
    case OP_throw_ref:
    case OP_fuel:
    case OP_nop:
    case OP_fence:
    case OP_debugtrap:
    case OP_sequence_point:
        return mutate_end(e, d);
    case OP_return:
    case OP_stack_switch:
        return mutate_call(e, d);
    default:
        break;
    }
    if (info->num_results != 0) {
        return mutate_value(e, d);
    }
    return (info->effects & FX_CALL) != 0 ? mutate_call(e, d) : mutate_write(e, d);
}
