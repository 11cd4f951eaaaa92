/* eval_float.c - what the operations on floats mean.
 *
 * The arithmetic is base/softfloat.h's: exact, to nearest with ties to even, every NaN that is
 * computed being the positive canonical one. fneg, fabs and fcopysign move bits, NaNs included.
 * Conversions between two floats compute.
 */
#include "codegen/ir/eval_lanes.h"

/* ---- comparison: a condition is a set of the four outcomes there are ---- */

enum { LT = 1 << FLOAT_LT, EQ = 1 << FLOAT_EQ, GT = 1 << FLOAT_GT, UN = 1 << FLOAT_UNORDERED };

static const u8 conditions[FLOATCC_COUNT] = {
    [FLOATCC_ord] = LT | EQ | GT,
    [FLOATCC_uno] = UN,
    [FLOATCC_eq] = EQ,
    [FLOATCC_ne] = LT | GT | UN,
    [FLOATCC_one] = LT | GT,
    [FLOATCC_ueq] = EQ | UN,
    [FLOATCC_lt] = LT,
    [FLOATCC_le] = LT | EQ,
    [FLOATCC_gt] = GT,
    [FLOATCC_ge] = GT | EQ,
    [FLOATCC_ult] = LT | UN,
    [FLOATCC_ule] = LT | EQ | UN,
    [FLOATCC_ugt] = GT | UN,
    [FLOATCC_uge] = GT | EQ | UN,
};

static TrapCode compare(const EvalOp *e)
{
    ASSERT(e->aux < FLOATCC_COUNT);
    for (u32 i = 0; i < type_lanes(e->type); i++) {
        FloatOrder order =
            dv_float_compare(lane_float_kind(e->type), eval_arg(e, 0, i), eval_arg(e, 1, i));
        eval_set_truth(e, i, (conditions[e->aux] >> order & 1) != 0);
    }
    return TRAP_none;
}

/* ---- conversion ---- */

static TrapCode convert_float(Type from, Type to, U128 x, U128 *out)
{
    *out = dv_float_convert(lane_float_kind(from), lane_float_kind(to), x);
    return TRAP_none;
}

static TrapCode convert_or_trap(Type from, Type to, U128 x, bool is_signed, U128 *out)
{
    switch (dv_float_to_int(lane_float_kind(from), x, type_lane_bits(to), is_signed, out)) {
    case FLOAT_INT_OK:
        return TRAP_none;
    case FLOAT_INT_NAN:
        return TRAP_bad_toint;
    case FLOAT_INT_RANGE:
        return TRAP_int_ovf;
    }
    UNREACHABLE();
}

static TrapCode to_unsigned(Type from, Type to, U128 x, U128 *out)
{
    return convert_or_trap(from, to, x, false, out);
}

static TrapCode to_signed(Type from, Type to, U128 x, U128 *out)
{
    return convert_or_trap(from, to, x, true, out);
}

static TrapCode to_unsigned_saturating(Type from, Type to, U128 x, U128 *out)
{
    *out = dv_float_to_int_sat(lane_float_kind(from), x, type_lane_bits(to), false);
    return TRAP_none;
}

static TrapCode to_signed_saturating(Type from, Type to, U128 x, U128 *out)
{
    *out = dv_float_to_int_sat(lane_float_kind(from), x, type_lane_bits(to), true);
    return TRAP_none;
}

static TrapCode to_signed_or_least(Type from, Type to, U128 x, U128 *out)
{
    u32 bits = type_lane_bits(to);
    if (dv_float_to_int(lane_float_kind(from), x, bits, true, out) != FLOAT_INT_OK) {
        *out = lane_smin(bits);
    }
    return TRAP_none;
}

static TrapCode from_unsigned(Type from, Type to, U128 x, U128 *out)
{
    *out = dv_float_from_int(lane_float_kind(to), x, type_lane_bits(from), false);
    return TRAP_none;
}

static TrapCode from_signed(Type from, Type to, U128 x, U128 *out)
{
    *out = dv_float_from_int(lane_float_kind(to), x, type_lane_bits(from), true);
    return TRAP_none;
}

/* ---- conversion that changes the number of lanes ---- */

static TrapCode demote_to_low_lanes(const EvalOp *e)
{
    u32 lanes = type_lanes(e->arg_types[0]);
    memset(e->results[0], 0, type_bytes(e->result_types[0]));
    for (u32 i = 0; i < lanes; i++) {
        eval_set(e, 0, i, dv_float_convert(FLOAT_64, FLOAT_32, eval_arg(e, 0, i)));
    }
    return TRAP_none;
}

static TrapCode promote_low_lanes(const EvalOp *e)
{
    for (u32 i = 0; i < type_lanes(e->result_types[0]); i++) {
        eval_set(e, 0, i, dv_float_convert(FLOAT_32, FLOAT_64, eval_arg(e, 0, i)));
    }
    return TRAP_none;
}

const EvalRow dv_eval_float_rows[OP_COUNT] = {
    [OP_fcmp] = ROW_WHOLE(compare),

    [OP_fadd] = ROW_FLOAT2(dv_float_add),
    [OP_fsub] = ROW_FLOAT2(dv_float_sub),
    [OP_fmul] = ROW_FLOAT2(dv_float_mul),
    [OP_fdiv] = ROW_FLOAT2(dv_float_div),
    [OP_sqrt] = ROW_FLOAT1(dv_float_sqrt),
    [OP_fma] = ROW_FLOAT3(dv_float_fma),
    [OP_fneg] = ROW_FLOAT1(dv_float_neg),
    [OP_fabs] = ROW_FLOAT1(dv_float_abs),
    [OP_fcopysign] = ROW_FLOAT2(dv_float_copysign),
    [OP_fmin] = ROW_FLOAT2(dv_float_min),
    [OP_fmax] = ROW_FLOAT2(dv_float_max),
    [OP_ceil] = ROW_FLOAT1(dv_float_ceil),
    [OP_floor] = ROW_FLOAT1(dv_float_floor),
    [OP_trunc] = ROW_FLOAT1(dv_float_trunc),
    [OP_nearest] = ROW_FLOAT1(dv_float_nearest),

    [OP_fpromote] = ROW_CONVERT(convert_float),
    [OP_fdemote] = ROW_CONVERT(convert_float),
    [OP_fcvt_to_uint] = ROW_CONVERT(to_unsigned),
    [OP_fcvt_to_sint] = ROW_CONVERT(to_signed),
    [OP_fcvt_to_uint_sat] = ROW_CONVERT(to_unsigned_saturating),
    [OP_fcvt_to_sint_sat] = ROW_CONVERT(to_signed_saturating),
    [OP_fcvt_from_uint] = ROW_CONVERT(from_unsigned),
    [OP_fcvt_from_sint] = ROW_CONVERT(from_signed),
    [OP_fvdemote] = ROW_WHOLE(demote_to_low_lanes),
    [OP_fvpromote_low] = ROW_WHOLE(promote_low_lanes),
    [OP_x86_cvtt2dq] = ROW_CONVERT(to_signed_or_least),
};
