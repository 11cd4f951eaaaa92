/* eval_vector.c - what the operations that see a vector as one mean: those that move, gather or
 * combine lanes, and the arithmetic that only vectors have. Lane 0 is the first in memory and the
 * lowest of shuffle's and vhigh_bits' numbers.
 */
#include "codegen/ir/eval_lanes.h"

/* ---- lanes in and out ---- */

static TrapCode splat(const EvalOp *e)
{
    for (u32 i = 0; i < type_lanes(e->type); i++) {
        eval_set(e, 0, i, eval_arg(e, 0, 0));
    }
    return TRAP_none;
}

static TrapCode scalar_to_vector(const EvalOp *e)
{
    memset(e->results[0], 0, type_bytes(e->type));
    eval_set(e, 0, 0, eval_arg(e, 0, 0));
    return TRAP_none;
}

static TrapCode insert_lane(const EvalOp *e)
{
    ASSERT(e->aux < type_lanes(e->type));
    memcpy(e->results[0], e->args[0], type_bytes(e->type));
    eval_set(e, 0, e->aux, eval_arg(e, 1, 0));
    return TRAP_none;
}

static TrapCode extract_lane(const EvalOp *e)
{
    ASSERT(e->aux < type_lanes(e->type));
    eval_set(e, 0, 0, eval_arg(e, 0, e->aux));
    return TRAP_none;
}

/* Past the end of a vector shorter than 128 bits there are zeros. */
static TrapCode extract_part(const EvalOp *e)
{
    u32 part_bytes = type_bytes(e->result_types[0]);
    u32 start = e->aux * part_bytes;
    u32 size = type_bytes(e->type);
    for (u32 i = 0; i < part_bytes; i++) {
        e->results[0][i] = start + i < size ? e->args[0][start + i] : 0;
    }
    return TRAP_none;
}

/* ---- bytes moved ---- */

static TrapCode shuffle(const EvalOp *e)
{
    for (u32 i = 0; i < 16; i++) {
        u32 from = e->mask[i];
        ASSERT(from < 32);
        e->results[0][i] = from < 16 ? e->args[0][from] : e->args[1][from - 16];
    }
    return TRAP_none;
}

static TrapCode swizzle(const EvalOp *e)
{
    for (u32 i = 0; i < 16; i++) {
        u8 from = e->args[1][i];
        e->results[0][i] = from < 16 ? e->args[0][from] : 0;
    }
    return TRAP_none;
}

static TrapCode x86_shuffle_bytes(const EvalOp *e)
{
    for (u32 i = 0; i < 16; i++) {
        u8 from = e->args[1][i];
        e->results[0][i] = from < 0x80 ? e->args[0][from & 15] : 0;
    }
    return TRAP_none;
}

/* Copies a value, the bytes of each lane in reverse order. */
static void copy_reversing_lanes(u8 *to, const u8 *from, Type t)
{
    u32 lane_bytes = type_lane_bits(t) / 8;
    for (u32 i = 0; i < type_bytes(t); i++) {
        to[i] = from[i - i % lane_bytes + (lane_bytes - 1 - i % lane_bytes)];
    }
}

/* What storing the operand and loading the result in that byte order gives. In memory lane 0 comes
 * first; in big-endian order each lane's bytes are turned around on the way in, and those of the
 * result's lanes on the way out. */
static TrapCode bitcast(const EvalOp *e)
{
    bool big = (e->flags & FLAG_BIG) != 0 || (e->big_endian && (e->flags & FLAG_LITTLE) == 0);
    if (!big) {
        memcpy(e->results[0], e->args[0], type_bytes(e->type));
        return TRAP_none;
    }
    u8 memory[TYPE_MAX_BYTES];
    copy_reversing_lanes(memory, e->args[0], e->arg_types[0]);
    copy_reversing_lanes(e->results[0], memory, e->type);
    return TRAP_none;
}

/* ---- all lanes to one value. A lane is zero if all its bits are; so -0.0 is not ---- */

static TrapCode any_true(const EvalOp *e)
{
    bool any = false;
    for (u32 i = 0; i < type_lanes(e->type); i++) {
        any = any || !dv_u128_is_zero(eval_arg(e, 0, i));
    }
    eval_set(e, 0, 0, dv_u128_from_u64(any));
    return TRAP_none;
}

static TrapCode all_true(const EvalOp *e)
{
    bool all = true;
    for (u32 i = 0; i < type_lanes(e->type); i++) {
        all = all && !dv_u128_is_zero(eval_arg(e, 0, i));
    }
    eval_set(e, 0, 0, dv_u128_from_u64(all));
    return TRAP_none;
}

static TrapCode high_bits(const EvalOp *e)
{
    u32 lanes = type_lanes(e->arg_types[0]);
    u64 bits = 0;
    for (u32 i = 0; i < lanes && i < type_bits(e->type); i++) {
        u64 sign = lane_is_negative(eval_arg(e, 0, i), type_lane_bits(e->arg_types[0]));
        bits |= sign << i;
    }
    eval_set(e, 0, 0, dv_u128_from_u64(bits));
    return TRAP_none;
}

/* ---- saturating arithmetic ---- */

static U128 add_saturating_unsigned(U128 x, U128 y, u32 bits)
{
    U128 sum = lane_zero_extend(dv_u128_add(x, y), bits);
    return dv_u128_ult(sum, x) ? lane_ones(bits) : sum;
}

static U128 subtract_saturating_unsigned(U128 x, U128 y, u32 bits)
{
    (void)bits;
    return dv_u128_ult(x, y) ? (U128){0, 0} : dv_u128_sub(x, y);
}

/* A signed sum or difference that overflows has the wrong sign, and x has that of the exact one. */
static U128 saturate_towards(U128 x, u32 bits)
{
    return lane_is_negative(x, bits) ? lane_smin(bits) : lane_smax(bits);
}

static U128 add_saturating_signed(U128 x, U128 y, u32 bits)
{
    U128 sum = dv_u128_add(x, y);
    bool negative = lane_is_negative(x, bits);
    bool overflows =
        negative == lane_is_negative(y, bits) && negative != lane_is_negative(sum, bits);
    return overflows ? saturate_towards(x, bits) : sum;
}

static U128 subtract_saturating_signed(U128 x, U128 y, u32 bits)
{
    U128 difference = dv_u128_sub(x, y);
    bool negative = lane_is_negative(x, bits);
    bool overflows =
        negative != lane_is_negative(y, bits) && negative != lane_is_negative(difference, bits);
    return overflows ? saturate_towards(x, bits) : difference;
}

/* x + y = 2 (x & y) + (x ^ y), and x | y = (x & y) + (x ^ y): half the sum is x | y less half of x
 * ^ y. */
static U128 average_rounding_up(U128 x, U128 y)
{
    return dv_u128_sub(dv_u128_or(x, y), dv_u128_lshr(dv_u128_xor(x, y), 1));
}

/* x, a signed number of 128 bits, brought into the range of signed or unsigned numbers of this many
 * bits. */
static U128 clamp_to_signed(U128 x, u32 bits)
{
    U128 least = lane_sign_extend(lane_smin(bits), bits);
    U128 greatest = lane_smax(bits);
    return dv_u128_slt(x, least) ? least : dv_u128_slt(greatest, x) ? greatest : x;
}

static U128 clamp_to_unsigned(U128 x, u32 bits)
{
    return dv_u128_is_negative(x)            ? (U128){0, 0}
           : dv_u128_slt(lane_ones(bits), x) ? lane_ones(bits)
                                             : x;
}

static U128 multiply_lanes_signed(U128 x, U128 y, u32 bits)
{
    return dv_u128_mul(lane_sign_extend(x, bits), lane_sign_extend(y, bits));
}

/* (x * y + 2^(bits - 2)) >> (bits - 1); only least * least exceeds the range. */
static U128 multiply_fixed_point(U128 x, U128 y, u32 bits)
{
    U128 half = dv_u128_shl(dv_u128_from_u64(1), bits - 2);
    U128 product = dv_u128_add(multiply_lanes_signed(x, y, bits), half);
    return clamp_to_signed(dv_u128_ashr(product, bits - 1), bits);
}

static TrapCode x86_multiply_high(const EvalOp *e)
{
    for (u32 i = 0; i < type_lanes(e->result_types[0]); i++) {
        U128 product = multiply_lanes_signed(eval_arg(e, 0, i), eval_arg(e, 1, i), 16);
        U128 rounded = dv_u128_add(dv_u128_ashr(product, 14), dv_u128_from_u64(1));
        eval_set(e, 0, i, dv_u128_ashr(rounded, 1));
    }
    return TRAP_none;
}

static TrapCode x86_multiply_add(const EvalOp *e)
{
    for (u32 i = 0; i < type_lanes(e->result_types[0]); i++) {
        U128 sum = {0, 0};
        for (u32 k = 2 * i; k < 2 * i + 2; k++) {
            U128 product = dv_u128_mul(eval_arg(e, 0, k), lane_sign_extend(eval_arg(e, 1, k), 8));
            sum = dv_u128_add(sum, product);
        }
        eval_set(e, 0, i, clamp_to_signed(sum, 16));
    }
    return TRAP_none;
}

/* ---- lanes of other widths ---- */

/* Lane i of the operands one after the other. */
static U128 concatenated_lane(const EvalOp *e, u32 i)
{
    u32 lanes = type_lanes(e->arg_types[0]);
    return i < lanes ? eval_arg(e, 0, i) : eval_arg(e, 1, i - lanes);
}

static TrapCode narrow_signed(const EvalOp *e)
{
    for (u32 i = 0; i < type_lanes(e->result_types[0]); i++) {
        U128 x = lane_sign_extend(concatenated_lane(e, i), type_lane_bits(e->type));
        eval_set(e, 0, i, clamp_to_signed(x, type_lane_bits(e->result_types[0])));
    }
    return TRAP_none;
}

static TrapCode narrow_signed_to_unsigned(const EvalOp *e)
{
    for (u32 i = 0; i < type_lanes(e->result_types[0]); i++) {
        U128 x = lane_sign_extend(concatenated_lane(e, i), type_lane_bits(e->type));
        eval_set(e, 0, i, clamp_to_unsigned(x, type_lane_bits(e->result_types[0])));
    }
    return TRAP_none;
}

static TrapCode narrow_unsigned(const EvalOp *e)
{
    for (u32 i = 0; i < type_lanes(e->result_types[0]); i++) {
        U128 x = concatenated_lane(e, i);
        eval_set(e, 0, i, clamp_to_unsigned(x, type_lane_bits(e->result_types[0])));
    }
    return TRAP_none;
}

static void widen_from(const EvalOp *e, u32 first, bool is_signed)
{
    for (u32 i = 0; i < type_lanes(e->result_types[0]); i++) {
        U128 x = eval_arg(e, 0, first + i);
        eval_set(e, 0, i, is_signed ? lane_sign_extend(x, type_lane_bits(e->type)) : x);
    }
}

static TrapCode widen_low_signed(const EvalOp *e)
{
    widen_from(e, 0, true);
    return TRAP_none;
}

static TrapCode widen_high_signed(const EvalOp *e)
{
    widen_from(e, type_lanes(e->type) / 2, true);
    return TRAP_none;
}

static TrapCode widen_low_unsigned(const EvalOp *e)
{
    widen_from(e, 0, false);
    return TRAP_none;
}

static TrapCode widen_high_unsigned(const EvalOp *e)
{
    widen_from(e, type_lanes(e->type) / 2, false);
    return TRAP_none;
}

static TrapCode add_pairwise(const EvalOp *e)
{
    for (u32 i = 0; i < type_lanes(e->type); i++) {
        U128 x = concatenated_lane(e, 2 * i);
        eval_set(e, 0, i, dv_u128_add(x, concatenated_lane(e, 2 * i + 1)));
    }
    return TRAP_none;
}

const EvalRow dv_eval_vector_rows[OP_COUNT] = {
    [OP_bitcast] = ROW_WHOLE(bitcast),

    [OP_splat] = ROW_WHOLE(splat),
    [OP_swizzle] = ROW_WHOLE(swizzle),
    [OP_shuffle] = ROW_WHOLE(shuffle),
    [OP_insertlane] = ROW_WHOLE(insert_lane),
    [OP_extractlane] = ROW_WHOLE(extract_lane),
    [OP_scalar_to_vector] = ROW_WHOLE(scalar_to_vector),
    [OP_vany_true] = ROW_WHOLE(any_true),
    [OP_vall_true] = ROW_WHOLE(all_true),
    [OP_vhigh_bits] = ROW_WHOLE(high_bits),
    [OP_uadd_sat] = ROW_LANE2(add_saturating_unsigned),
    [OP_sadd_sat] = ROW_LANE2(add_saturating_signed),
    [OP_usub_sat] = ROW_LANE2(subtract_saturating_unsigned),
    [OP_ssub_sat] = ROW_LANE2(subtract_saturating_signed),
    [OP_avg_round] = ROW_PLAIN2(average_rounding_up),
    [OP_sqmul_round_sat] = ROW_LANE2(multiply_fixed_point),
    [OP_snarrow] = ROW_WHOLE(narrow_signed),
    [OP_unarrow] = ROW_WHOLE(narrow_signed_to_unsigned),
    [OP_uunarrow] = ROW_WHOLE(narrow_unsigned),
    [OP_swiden_low] = ROW_WHOLE(widen_low_signed),
    [OP_swiden_high] = ROW_WHOLE(widen_high_signed),
    [OP_uwiden_low] = ROW_WHOLE(widen_low_unsigned),
    [OP_uwiden_high] = ROW_WHOLE(widen_high_unsigned),
    [OP_iadd_pairwise] = ROW_WHOLE(add_pairwise),
    [OP_extract_vector] = ROW_WHOLE(extract_part),
    [OP_x86_pshufb] = ROW_WHOLE(x86_shuffle_bytes),
    [OP_x86_pmulhrsw] = ROW_WHOLE(x86_multiply_high),
    [OP_x86_pmaddubsw] = ROW_WHOLE(x86_multiply_add),
};
