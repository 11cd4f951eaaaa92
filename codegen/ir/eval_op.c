/* eval_op.c - applies the operations that depend on their operands alone.
 *
 * What an operation means is written once, as a function of one lane wherever it works lane by
 * lane: those functions and the tables that name them are in eval_int.c, eval_float.c and
 * eval_vector.c. Here are the ways to apply one (EvalShape) to scalars and vectors alike, a scalar
 * being one lane. A dynamic vector has its minimum of lanes, the scale being 1 on every target.
 *
 * Everything is computed on bits, in U128: neither the host's integers wider than 64 bits nor its
 * floats take part, so that every host gets the same answer.
 */
#include "codegen/ir/eval_lanes.h"

static const EvalRow *find_row(Op op)
{
    ASSERT(op < OP_COUNT);
    if (dv_eval_int_rows[op].shape != SHAPE_NONE) {
        return &dv_eval_int_rows[op];
    }
    if (dv_eval_float_rows[op].shape != SHAPE_NONE) {
        return &dv_eval_float_rows[op];
    }
    return &dv_eval_vector_rows[op];
}

bool dv_eval_op_is_pure(Op op)
{
    return find_row(op)->shape != SHAPE_NONE;
}

/* One lane of an operation whose result lanes depend on the same lane of each operand, all of type
 * T. */
static U128 apply_lane(const EvalRow *row, const EvalOp *e, u32 i)
{
    u32 bits = type_lane_bits(e->type);
    U128 zero = {0, 0};
    U128 x = eval_arg(e, 0, i);
    U128 y = e->num_args > 1 && row->shape != SHAPE_SHIFT ? eval_arg(e, 1, i) : zero;
    U128 z = e->num_args > 2 ? eval_arg(e, 2, i) : zero;
    switch (row->shape) {
    case SHAPE_PLAIN1:
        return row->f.plain1(x);
    case SHAPE_PLAIN2:
        return row->f.plain2(x, y);
    case SHAPE_LANE1:
        return row->f.lane1(x, bits);
    case SHAPE_LANE2:
        return row->f.lane2(x, y, bits);
    case SHAPE_LANE3:
        return row->f.lane3(x, y, z, bits);
    case SHAPE_SHIFT:
        return row->f.shift(x, (u32)eval_arg(e, 1, 0).lo & (bits - 1), bits);
    case SHAPE_FLOAT1:
        return row->f.float1(lane_float_kind(e->type), x);
    case SHAPE_FLOAT2:
        return row->f.float2(lane_float_kind(e->type), x, y);
    case SHAPE_FLOAT3:
        return row->f.float3(lane_float_kind(e->type), x, y, z);
    default:
        UNREACHABLE();
    }
}

static TrapCode apply_convert(const EvalRow *row, const EvalOp *e)
{
    ASSERT(type_lanes(e->arg_types[0]) == type_lanes(e->result_types[0]));
    for (u32 i = 0; i < type_lanes(e->result_types[0]); i++) {
        U128 out = {0, 0};
        TrapCode trap =
            row->f.convert(e->arg_types[0], e->result_types[0], eval_arg(e, 0, i), &out);
        if (trap != TRAP_none) {
            return trap;
        }
        eval_set(e, 0, i, out);
    }
    return TRAP_none;
}

static TrapCode apply_divide(const EvalRow *row, const EvalOp *e)
{
    U128 out = {0, 0};
    TrapCode trap =
        row->f.divide(eval_arg(e, 0, 0), eval_arg(e, 1, 0), type_lane_bits(e->type), &out);
    if (trap == TRAP_none) {
        eval_set(e, 0, 0, out);
    }
    return trap;
}

static void apply_carry(const EvalRow *row, const EvalOp *e)
{
    bool carry_in = e->num_args > 2 && !dv_u128_is_zero(eval_arg(e, 2, 0));
    U128 out = {0, 0};
    bool overflow =
        row->f.carry(eval_arg(e, 0, 0), eval_arg(e, 1, 0), carry_in, type_lane_bits(e->type), &out);
    eval_set(e, 0, 0, out);
    eval_set(e, 1, 0, dv_u128_from_u64(overflow));
}

TrapCode dv_eval_op(const EvalOp *e)
{
    const EvalRow *row = find_row(e->op);
    switch (row->shape) {
    case SHAPE_NONE:
        UNREACHABLE();
    case SHAPE_CONVERT:
        return apply_convert(row, e);
    case SHAPE_DIVIDE:
        return apply_divide(row, e);
    case SHAPE_CARRY:
        apply_carry(row, e);
        return TRAP_none;
    case SHAPE_WHOLE:
        return row->f.whole(e);
    default:
        for (u32 i = 0; i < type_lanes(e->type); i++) {
            eval_set(e, 0, i, apply_lane(row, e, i));
        }
        return TRAP_none;
    }
}
