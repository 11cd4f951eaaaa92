/* eval_int.c - what the operations on integers and bits mean.
 *
 * Integers are their bits, zero-extended to 128 (see eval_lanes.h); an operation that takes them as
 * signed sign-extends them first. So below 128 bits sums and products are exact in 128 bits and the
 * definitions are the obvious ones; where 128-bit lanes would need more, the definition is one that
 * holds at every width.
 */
#include "codegen/ir/eval_lanes.h"

/* ---- arithmetic ---- */

static U128 absolute(U128 x, u32 bits)
{
    return lane_is_negative(x, bits) ? dv_u128_neg(x) : x;
}

static U128 multiply_high_unsigned(U128 x, U128 y, u32 bits)
{
    return bits == 128 ? dv_u128_umulhi(x, y) : dv_u128_lshr(dv_u128_mul(x, y), bits);
}

static U128 multiply_high_signed(U128 x, U128 y, u32 bits)
{
    if (bits == 128) {
        return dv_u128_smulhi(x, y);
    }
    return dv_u128_ashr(dv_u128_mul(lane_sign_extend(x, bits), lane_sign_extend(y, bits)), bits);
}

static bool is_less_signed(U128 x, U128 y, u32 bits)
{
    return dv_u128_slt(lane_sign_extend(x, bits), lane_sign_extend(y, bits));
}

static U128 minimum_signed(U128 x, U128 y, u32 bits)
{
    return is_less_signed(y, x, bits) ? y : x;
}

static U128 maximum_signed(U128 x, U128 y, u32 bits)
{
    return is_less_signed(x, y, bits) ? y : x;
}

static U128 minimum_unsigned(U128 x, U128 y)
{
    return dv_u128_ult(y, x) ? y : x;
}

static U128 maximum_unsigned(U128 x, U128 y)
{
    return dv_u128_ult(x, y) ? y : x;
}

/* ---- division ---- */

static TrapCode divide_unsigned(U128 x, U128 y, u32 bits, U128 *out)
{
    (void)bits;
    if (dv_u128_is_zero(y)) {
        return TRAP_int_divz;
    }
    *out = dv_u128_udivrem(x, y, NULL);
    return TRAP_none;
}

static TrapCode remainder_unsigned(U128 x, U128 y, u32 bits, U128 *out)
{
    (void)bits;
    if (dv_u128_is_zero(y)) {
        return TRAP_int_divz;
    }
    (void)dv_u128_udivrem(x, y, out);
    return TRAP_none;
}

static TrapCode divide_signed(U128 x, U128 y, u32 bits, U128 *out)
{
    if (dv_u128_is_zero(y)) {
        return TRAP_int_divz;
    }
    if (dv_u128_eq(x, lane_smin(bits)) && dv_u128_eq(y, lane_ones(bits))) {
        return TRAP_int_ovf;
    }
    *out = dv_u128_sdivrem(lane_sign_extend(x, bits), lane_sign_extend(y, bits), NULL);
    return TRAP_none;
}

/* The remainder has the sign of x. The least number by -1 leaves 0, by the definition too. */
static TrapCode remainder_signed(U128 x, U128 y, u32 bits, U128 *out)
{
    if (dv_u128_is_zero(y)) {
        return TRAP_int_divz;
    }
    (void)dv_u128_sdivrem(lane_sign_extend(x, bits), lane_sign_extend(y, bits), out);
    return TRAP_none;
}

/* ---- overflow and carry ----
 * A carry leaves a sum below (or, if one came in, not above) what was added to; a borrow likewise.
 * A signed sum overflows if operands of one sign give the other sign, a difference if operands of
 * different signs give one whose sign is not x's; a carry in does not change that.
 */

static bool add_unsigned(U128 x, U128 y, bool carry, u32 bits, U128 *out)
{
    *out = lane_zero_extend(dv_u128_add_carry(x, y, &(bool){carry}), bits);
    return dv_u128_ult(*out, x) || (carry && dv_u128_eq(*out, x));
}

static bool add_signed(U128 x, U128 y, bool carry, u32 bits, U128 *out)
{
    (void)add_unsigned(x, y, carry, bits, out);
    bool negative = lane_is_negative(x, bits);
    return negative == lane_is_negative(y, bits) && negative != lane_is_negative(*out, bits);
}

static bool subtract_unsigned(U128 x, U128 y, bool borrow, u32 bits, U128 *out)
{
    *out = lane_zero_extend(dv_u128_sub_borrow(x, y, &(bool){borrow}), bits);
    return dv_u128_ult(x, y) || (borrow && dv_u128_eq(x, y));
}

static bool subtract_signed(U128 x, U128 y, bool borrow, u32 bits, U128 *out)
{
    (void)subtract_unsigned(x, y, borrow, bits, out);
    bool negative = lane_is_negative(x, bits);
    return negative != lane_is_negative(y, bits) && negative != lane_is_negative(*out, bits);
}

/* At most 64 bits wide, so that the product is exact. */
static bool multiply_unsigned(U128 x, U128 y, bool carry, u32 bits, U128 *out)
{
    (void)carry;
    *out = dv_u128_mul(x, y);
    return !dv_u128_eq(*out, lane_zero_extend(*out, bits));
}

static bool multiply_signed(U128 x, U128 y, bool carry, u32 bits, U128 *out)
{
    (void)carry;
    *out = dv_u128_mul(lane_sign_extend(x, bits), lane_sign_extend(y, bits));
    return !dv_u128_eq(*out, lane_sign_extend(*out, bits));
}

static TrapCode add_or_trap(const EvalOp *e)
{
    U128 sum;
    if (add_unsigned(eval_arg(e, 0, 0), eval_arg(e, 1, 0), false, type_bits(e->type), &sum)) {
        return e->trap;
    }
    eval_set(e, 0, 0, sum);
    return TRAP_none;
}

/* ---- bits ---- */

static U128 shift_left(U128 x, u32 amount, u32 bits)
{
    (void)bits;
    return dv_u128_shl(x, amount);
}

static U128 shift_right_unsigned(U128 x, u32 amount, u32 bits)
{
    (void)bits;
    return dv_u128_lshr(x, amount);
}

static U128 shift_right_signed(U128 x, u32 amount, u32 bits)
{
    return dv_u128_ashr(lane_sign_extend(x, bits), amount);
}

static U128 rotate_left(U128 x, u32 amount, u32 bits)
{
    return dv_u128_or(dv_u128_shl(x, amount), dv_u128_lshr(x, (bits - amount) & (bits - 1)));
}

static U128 rotate_right(U128 x, u32 amount, u32 bits)
{
    return rotate_left(x, (bits - amount) & (bits - 1), bits);
}

/* The units, of so many bits each, in reverse order. */
static U128 reverse_units(U128 x, u32 unit_bits, u32 bits)
{
    U128 out = {0, 0};
    for (u32 i = 0; i < bits; i += unit_bits) {
        U128 unit = lane_zero_extend(dv_u128_lshr(x, i), unit_bits);
        out = dv_u128_or(out, dv_u128_shl(unit, bits - unit_bits - i));
    }
    return out;
}

static U128 reverse_bits(U128 x, u32 bits)
{
    return reverse_units(x, 1, bits);
}

static U128 reverse_bytes(U128 x, u32 bits)
{
    return reverse_units(x, 8, bits);
}

static U128 count_leading_zeros(U128 x, u32 bits)
{
    return dv_u128_from_u64(dv_u128_clz(x) - (128 - bits));
}

/* Equal bits from the top, less the sign itself. */
static U128 count_leading_signs(U128 x, u32 bits)
{
    U128 differing = lane_is_negative(x, bits) ? lane_zero_extend(dv_u128_not(x), bits) : x;
    return dv_u128_sub(count_leading_zeros(differing, bits), dv_u128_from_u64(1));
}

static U128 count_trailing_zeros(U128 x, u32 bits)
{
    return dv_u128_from_u64(dv_u128_is_zero(x) ? bits : dv_u128_ctz(x));
}

static U128 count_ones(U128 x)
{
    return dv_u128_from_u64(dv_u128_popcount(x));
}

/* ---- comparison and selection ---- */

static bool compares(IntCC cc, U128 x, U128 y, u32 bits)
{
    switch (cc) {
    case INTCC_eq:
        return dv_u128_eq(x, y);
    case INTCC_ne:
        return !dv_u128_eq(x, y);
    case INTCC_slt:
        return is_less_signed(x, y, bits);
    case INTCC_sge:
        return !is_less_signed(x, y, bits);
    case INTCC_sgt:
        return is_less_signed(y, x, bits);
    case INTCC_sle:
        return !is_less_signed(y, x, bits);
    case INTCC_ult:
        return dv_u128_ult(x, y);
    case INTCC_uge:
        return !dv_u128_ult(x, y);
    case INTCC_ugt:
        return dv_u128_ult(y, x);
    case INTCC_ule:
        return !dv_u128_ult(y, x);
    case INTCC_COUNT:
        break;
    }
    UNREACHABLE();
}

static TrapCode compare(const EvalOp *e)
{
    for (u32 i = 0; i < type_lanes(e->type); i++) {
        eval_set_truth(
            e, i,
            compares((IntCC)e->aux, eval_arg(e, 0, i), eval_arg(e, 1, i), type_lane_bits(e->type)));
    }
    return TRAP_none;
}

static TrapCode select_operand(const EvalOp *e)
{
    u32 chosen = dv_u128_is_zero(eval_arg(e, 0, 0)) ? 2 : 1;
    memcpy(e->results[0], e->args[chosen], type_bytes(e->type));
    return TRAP_none;
}

/* blendv is defined for lanes of all ones and zeros in the first operand; any others mix bits as
 * bitselect does. */
static U128 select_bits(U128 condition, U128 x, U128 y, u32 bits)
{
    (void)bits;
    return dv_u128_or(dv_u128_and(condition, x), dv_u128_and(dv_u128_not(condition), y));
}

static TrapCode mask_of(const EvalOp *e)
{
    U128 zero = {0, 0};
    eval_set(e, 0, 0, dv_u128_is_zero(eval_arg(e, 0, 0)) ? zero : dv_u128_not(zero));
    return TRAP_none;
}

/* ---- width ---- */

/* Operands come zero-extended, and what is too wide is cut where it is stored. */
static TrapCode extend_zero(Type from, Type to, U128 x, U128 *out)
{
    (void)from;
    (void)to;
    *out = x;
    return TRAP_none;
}

static TrapCode extend_sign(Type from, Type to, U128 x, U128 *out)
{
    (void)to;
    *out = lane_sign_extend(x, type_bits(from));
    return TRAP_none;
}

static TrapCode split(const EvalOp *e)
{
    U128 x = eval_arg(e, 0, 0);
    eval_set(e, 0, 0, x);
    eval_set(e, 1, 0, dv_u128_lshr(x, type_bits(e->type) / 2));
    return TRAP_none;
}

static TrapCode concatenate(const EvalOp *e)
{
    U128 high = dv_u128_shl(eval_arg(e, 1, 0), type_bits(e->type));
    eval_set(e, 0, 0, dv_u128_or(eval_arg(e, 0, 0), high));
    return TRAP_none;
}

/* ---- constants, traps ---- */

static TrapCode immediate(const EvalOp *e)
{
    eval_set(e, 0, 0, dv_u128_from_u64(e->imm));
    return TRAP_none;
}

static TrapCode constant_bytes(const EvalOp *e)
{
    memcpy(e->results[0], e->mask, type_bytes(e->type));
    return TRAP_none;
}

static TrapCode do_nothing(const EvalOp *e)
{
    (void)e;
    return TRAP_none;
}

static TrapCode trap_if_zero(const EvalOp *e)
{
    return dv_u128_is_zero(eval_arg(e, 0, 0)) ? e->trap : TRAP_none;
}

static TrapCode trap_if_not_zero(const EvalOp *e)
{
    return dv_u128_is_zero(eval_arg(e, 0, 0)) ? TRAP_none : e->trap;
}

/* ---- the tables ---- */

const EvalRow dv_eval_int_rows[OP_COUNT] = {
    [OP_nop] = ROW_WHOLE(do_nothing),
    [OP_trapz] = ROW_WHOLE(trap_if_zero),
    [OP_trapnz] = ROW_WHOLE(trap_if_not_zero),

    [OP_iconst] = ROW_WHOLE(immediate),
    [OP_f16const] = ROW_WHOLE(immediate),
    [OP_f32const] = ROW_WHOLE(immediate),
    [OP_f64const] = ROW_WHOLE(immediate),
    [OP_f128const] = ROW_WHOLE(constant_bytes),
    [OP_vconst] = ROW_WHOLE(constant_bytes),

    [OP_iadd] = ROW_PLAIN2(dv_u128_add),
    [OP_isub] = ROW_PLAIN2(dv_u128_sub),
    [OP_ineg] = ROW_PLAIN1(dv_u128_neg),
    [OP_iabs] = ROW_LANE1(absolute),
    [OP_imul] = ROW_PLAIN2(dv_u128_mul),
    [OP_umulhi] = ROW_LANE2(multiply_high_unsigned),
    [OP_smulhi] = ROW_LANE2(multiply_high_signed),
    [OP_udiv] = ROW_DIVIDE(divide_unsigned),
    [OP_sdiv] = ROW_DIVIDE(divide_signed),
    [OP_urem] = ROW_DIVIDE(remainder_unsigned),
    [OP_srem] = ROW_DIVIDE(remainder_signed),
    [OP_smin] = ROW_LANE2(minimum_signed),
    [OP_umin] = ROW_PLAIN2(minimum_unsigned),
    [OP_smax] = ROW_LANE2(maximum_signed),
    [OP_umax] = ROW_PLAIN2(maximum_unsigned),

    [OP_uadd_overflow] = ROW_CARRY(add_unsigned),
    [OP_sadd_overflow] = ROW_CARRY(add_signed),
    [OP_usub_overflow] = ROW_CARRY(subtract_unsigned),
    [OP_ssub_overflow] = ROW_CARRY(subtract_signed),
    [OP_umul_overflow] = ROW_CARRY(multiply_unsigned),
    [OP_smul_overflow] = ROW_CARRY(multiply_signed),
    [OP_uadd_overflow_trap] = ROW_WHOLE(add_or_trap),
    [OP_uadd_overflow_cin] = ROW_CARRY(add_unsigned),
    [OP_sadd_overflow_cin] = ROW_CARRY(add_signed),
    [OP_usub_overflow_bin] = ROW_CARRY(subtract_unsigned),
    [OP_ssub_overflow_bin] = ROW_CARRY(subtract_signed),

    [OP_band] = ROW_PLAIN2(dv_u128_and),
    [OP_bor] = ROW_PLAIN2(dv_u128_or),
    [OP_bxor] = ROW_PLAIN2(dv_u128_xor),
    [OP_bnot] = ROW_PLAIN1(dv_u128_not),
    [OP_rotl] = ROW_SHIFT(rotate_left),
    [OP_rotr] = ROW_SHIFT(rotate_right),
    [OP_ishl] = ROW_SHIFT(shift_left),
    [OP_ushr] = ROW_SHIFT(shift_right_unsigned),
    [OP_sshr] = ROW_SHIFT(shift_right_signed),
    [OP_bitrev] = ROW_LANE1(reverse_bits),
    [OP_clz] = ROW_LANE1(count_leading_zeros),
    [OP_cls] = ROW_LANE1(count_leading_signs),
    [OP_ctz] = ROW_LANE1(count_trailing_zeros),
    [OP_bswap] = ROW_LANE1(reverse_bytes),
    [OP_popcnt] = ROW_PLAIN1(count_ones),

    [OP_icmp] = ROW_WHOLE(compare),
    [OP_select] = ROW_WHOLE(select_operand),
    [OP_select_spectre_guard] = ROW_WHOLE(select_operand),
    [OP_bitselect] = ROW_LANE3(select_bits),
    [OP_bmask] = ROW_WHOLE(mask_of),
    [OP_blendv] = ROW_LANE3(select_bits),

    [OP_ireduce] = ROW_CONVERT(extend_zero),
    [OP_uextend] = ROW_CONVERT(extend_zero),
    [OP_sextend] = ROW_CONVERT(extend_sign),
    [OP_isplit] = ROW_WHOLE(split),
    [OP_iconcat] = ROW_WHOLE(concatenate),
};

/* ---- atomic_rmw: its operations are those above ---- */

static U128 apply_rmw(RmwOp op, U128 old, U128 x, u32 bits)
{
    switch (op) {
    case RMW_add:
        return dv_u128_add(old, x);
    case RMW_sub:
        return dv_u128_sub(old, x);
    case RMW_and:
        return dv_u128_and(old, x);
    case RMW_nand:
        return dv_u128_not(dv_u128_and(old, x));
    case RMW_or:
        return dv_u128_or(old, x);
    case RMW_xor:
        return dv_u128_xor(old, x);
    case RMW_xchg:
        return x;
    case RMW_umin:
        return minimum_unsigned(old, x);
    case RMW_umax:
        return maximum_unsigned(old, x);
    case RMW_smin:
        return minimum_signed(old, x, bits);
    case RMW_smax:
        return maximum_signed(old, x, bits);
    case RMW_COUNT:
        break;
    }
    UNREACHABLE();
}

void dv_eval_rmw(RmwOp op, Type type, const u8 *old, const u8 *x, u8 *out)
{
    ASSERT(type_is_int(type));
    u32 bits = type_bits(type);
    lane_set(out, bits, 0, apply_rmw(op, lane_get(old, bits, 0), lane_get(x, bits, 0), bits));
}
