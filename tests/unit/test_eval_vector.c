/* test_eval_vector.c - the operations that see a vector as one, against plain models on arrays of the host's integers. */
#include "eval_testing.h"

#if EVAL_TESTING

#define BITS(c) type_lane_bits((c)->e.type)

/* A reference for lane i of the only result. */
#define LANE_REF(name, expr) \
    static W name(const Case *c, u32 n, u32 i) \
    { \
        (void)n, (void)i; \
        return (W)(expr); \
    }

static S signed_arg(const Case *c, u32 n, u32 i)
{
    return to_signed(arg_lane(c, n, i), type_lane_bits(c->e.arg_types[n]));
}

/* ---- lanes in and out ---- */

static void choose_lane(Case *c, u32 round)
{
    u32 lanes = type_lanes(c->e.type);
    c->e.aux = (u8)(round == 0 ? 0 : round == 1 ? lanes - 1 : dv_rng_below(&rng, lanes));
}

LANE_REF(ref_splat, arg_lane(c, 0, 0))
LANE_REF(ref_scalar_to_vector, i == 0 ? arg_lane(c, 0, 0) : 0)
LANE_REF(ref_insertlane, i == c->e.aux ? arg_lane(c, 1, 0) : arg_lane(c, 0, i))
LANE_REF(ref_extractlane, arg_lane(c, 0, c->e.aux))

static void test_lanes(void **state)
{
    (void)state;
    check_operation(OP_splat, ref_splat, NULL, NULL);
    check_operation(OP_scalar_to_vector, ref_scalar_to_vector, NULL, NULL);
    check_operation(OP_insertlane, ref_insertlane, NULL, choose_lane);
    check_operation(OP_extractlane, ref_extractlane, NULL, choose_lane);
}

/* Each lane of each type, not only those that chance chose. */
static void test_every_lane(void **state)
{
    (void)state;
    for (u32 t = 1; t < all_types.count; t++) {
        Type type = all_types.types[t];
        for (u32 lane = 0; type_is_vector(type) && lane < type_lanes(type); lane++) {
            Case insert, extract;
            case_start(&insert, OP_insertlane, type, TYPE_NONE);
            case_start(&extract, OP_extractlane, type, TYPE_NONE);
            insert.e.aux = extract.e.aux = (u8)lane;
            fill_operands(&insert);
            fill_operands(&extract);
            case_check(&insert, ref_insertlane, NULL);
            case_check(&extract, ref_extractlane, NULL);
            case_end(&insert);
            case_end(&extract);
        }
    }
}

/* The part that the index names, zeros past the end of vectors below 128 bits. */
static void choose_part(Case *c, u32 round)
{
    u32 parts = type_bytes(c->e.type) / 16;
    c->e.aux = (u8)(parts < 2 ? 0 : round == 0 ? parts - 1 : dv_rng_below(&rng, parts));
}

LANE_REF(ref_extract_vector, arg_lane(c, 0, c->e.aux *(128 / BITS(c)) + i))

static void test_extract_vector(void **state)
{
    (void)state;
    check_operation(OP_extract_vector, ref_extract_vector, NULL, choose_part);
}

/* ---- bytes moved ---- */

static u8 mask[16];

static void choose_mask(Case *c, u32 round)
{
    (void)round;
    for (u32 i = 0; i < 16; i++) {
        mask[i] = (u8)dv_rng_below(&rng, 32);
    }
    c->e.mask = mask;
}

/* Indices about the limits, besides the corners that random operands have. */
static void choose_indices(Case *c, u32 round)
{
    for (u32 i = 0; i < 16 && round % 2 == 0; i++) {
        set_arg_lane(c, 1, i, dv_rng_below(&rng, round % 4 == 0 ? 34 : 256));
    }
}

LANE_REF(ref_shuffle, arg_lane(c, mask[i] / 16, mask[i] % 16))
LANE_REF(ref_swizzle, arg_lane(c, 0, (u32)arg_lane(c, 1, i)))
LANE_REF(ref_x86_pshufb, signed_arg(c, 1, i) < 0 ? 0 : arg_lane(c, 0, (u32)arg_lane(c, 1, i) % 16))

static void test_moves(void **state)
{
    (void)state;
    check_operation(OP_shuffle, ref_shuffle, NULL, choose_mask);
    check_operation(OP_swizzle, ref_swizzle, NULL, choose_indices);
    check_operation(OP_x86_pshufb, ref_x86_pshufb, NULL, choose_indices);
}

/* ---- bitcast ---- */

static bool bitcast_is_big(const Case *c)
{
    return (c->e.flags & FLAG_BIG) != 0 || (c->e.big_endian && (c->e.flags & FLAG_LITTLE) == 0);
}

/* In big-endian order a value is one number whose highest lane-sized digit is lane 0; in little-endian order the lowest.
 * Lane i of the result is digits of that number: counted here by the bit, from the top or from the bottom. */
static W ref_bitcast(const Case *c, u32 n, u32 i)
{
    (void)n;
    u32 to = BITS(c), from = type_lane_bits(c->open), total = type_bits(c->e.type);
    bool big = bitcast_is_big(c);
    W out = 0;
    for (u32 k = 0; k < to; k++) {
        u32 place = big ? total - to * (i + 1) + k : to * i + k; /* of the bit in the number */
        u32 lane = big ? (total - 1 - place) / from : place / from;
        out |= (arg_lane(c, 0, lane) >> (place % from) & 1) << k;
    }
    return out;
}

static void choose_order(Case *c, u32 round)
{
    static const MemFlags flags[] = {0, FLAG_LITTLE, FLAG_BIG};
    c->e.flags = (MemFlags)(flags[round % 3] | (round & 1 ? FLAG_ALIGNED : 0) | TRAP_heap_oob);
    c->e.big_endian = round % 5 < 2;
}

static void test_bitcast(void **state)
{
    (void)state;
    check_operation(OP_bitcast, ref_bitcast, NULL, choose_order);
}

/* What the words of the definition come to in one example. */
static void test_bitcast_orders(void **state)
{
    (void)state;
    static const u8 bytes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const u8 swapped[16] = {2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13};
    static const u8 reversed[16] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    u8 out[16];
    EvalOp e = {.op = OP_bitcast, .num_args = 1, .type = TYPE_I32X4, .flags = FLAG_BIG};
    e.arg_types[0] = TYPE_I16X8;
    e.result_types[0] = TYPE_I32X4;
    e.args[0] = bytes;
    e.results[0] = out;
    assert_int_equal(dv_eval_op(&e), TRAP_none);
    assert_memory_equal(out, swapped, 16);
    e.flags = FLAG_LITTLE;
    assert_int_equal(dv_eval_op(&e), TRAP_none);
    assert_memory_equal(out, bytes, 16);
    e.flags = FLAG_BIG;
    e.type = e.result_types[0] = TYPE_I128;
    e.arg_types[0] = TYPE_I8X16;
    assert_int_equal(dv_eval_op(&e), TRAP_none);
    assert_memory_equal(out, reversed, 16);
}

/* ---- all lanes to one value ---- */

/* All lanes zero, all but one zero, all but one not zero, any. */
static void choose_zeros(Case *c, u32 round)
{
    u32 lanes = type_lanes(c->e.arg_types[0]);
    u32 odd_one = round % 8 < 4 ? lanes - 1 : (u32)dv_rng_below(&rng, lanes);
    if (round % 4 == 3) {
        return;
    }
    for (u32 i = 0; i < lanes; i++) {
        W one_bit = (W)1 << dv_rng_below(&rng, type_lane_bits(c->e.arg_types[0]));
        bool zero = round % 4 == 0 || (round % 4 == 1) == (i != odd_one);
        set_arg_lane(c, 0, i, zero ? 0 : one_bit);
    }
}

static u32 count_zeros(const Case *c)
{
    u32 zeros = 0;
    for (u32 i = 0; i < type_lanes(c->e.arg_types[0]); i++) {
        zeros += arg_lane(c, 0, i) == 0;
    }
    return zeros;
}

LANE_REF(ref_vany_true, count_zeros(c) != type_lanes(c->e.type))
LANE_REF(ref_vall_true, count_zeros(c) == 0)

static W ref_vhigh_bits(const Case *c, u32 n, u32 i)
{
    (void)n, (void)i;
    W out = 0, weight = 1;
    for (u32 k = 0; k < 64 && k < type_lanes(c->open); k++) {
        out += signed_arg(c, 0, k) < 0 ? weight : 0;
        weight *= 2;
    }
    return out;
}

static void test_reductions(void **state)
{
    (void)state;
    check_operation(OP_vany_true, ref_vany_true, NULL, choose_zeros);
    check_operation(OP_vall_true, ref_vall_true, NULL, choose_zeros);
    check_operation(OP_vhigh_bits, ref_vhigh_bits, NULL, NULL);
}

/* ---- saturating arithmetic: on numbers exact below 128 bits; there, on whether the sum leaves the range ---- */

static W ref_uadd_sat(const Case *c, u32 n, u32 i)
{
    (void)n;
    W x = arg_lane(c, 0, i), y = arg_lane(c, 1, i), most = umax_of(BITS(c));
    return y > most - x ? most : x + y;
}

static W ref_usub_sat(const Case *c, u32 n, u32 i)
{
    (void)n;
    W x = arg_lane(c, 0, i), y = arg_lane(c, 1, i);
    return x > y ? x - y : 0;
}

static W ref_sadd_sat(const Case *c, u32 n, u32 i)
{
    (void)n;
    S x = signed_arg(c, 0, i), y = signed_arg(c, 1, i);
    S most = (S)smax_of(BITS(c)), least = -most - 1;
    if (y > 0 && x > most - y) {
        return (W)most;
    }
    return (W)(y < 0 && x < least - y ? least : x + y);
}

static W ref_ssub_sat(const Case *c, u32 n, u32 i)
{
    (void)n;
    S x = signed_arg(c, 0, i), y = signed_arg(c, 1, i);
    S most = (S)smax_of(BITS(c)), least = -most - 1;
    if (y < 0 && x > most + y) {
        return (W)most;
    }
    return (W)(y > 0 && x < least + y ? least : x - y);
}

/* Halves added, and one if either was odd. */
static W ref_avg_round(const Case *c, u32 n, u32 i)
{
    (void)n;
    W x = arg_lane(c, 0, i), y = arg_lane(c, 1, i);
    return x / 2 + y / 2 + (x % 2 + y % 2 != 0);
}

static S clamp(S x, S least, S most)
{
    return x < least ? least : x > most ? most : x;
}

/* Half up, by floor division. */
static W ref_sqmul_round_sat(const Case *c, u32 n, u32 i)
{
    (void)n;
    S one = (S)smin_of(BITS(c)); /* the number 1.0 */
    S twice = 2 * signed_arg(c, 0, i) * signed_arg(c, 1, i) + one;
    S floor = twice / (2 * one) - (twice < 0 && twice % (2 * one) != 0);
    return (W)clamp(floor, -one, one - 1);
}

static void test_saturation(void **state)
{
    (void)state;
    check_operation(OP_uadd_sat, ref_uadd_sat, NULL, NULL);
    check_operation(OP_sadd_sat, ref_sadd_sat, NULL, NULL);
    check_operation(OP_usub_sat, ref_usub_sat, NULL, NULL);
    check_operation(OP_ssub_sat, ref_ssub_sat, NULL, NULL);
    check_operation(OP_avg_round, ref_avg_round, NULL, NULL);
    check_operation(OP_sqmul_round_sat, ref_sqmul_round_sat, NULL, NULL);
}

/* ---- lanes of other widths ---- */

static S joined(const Case *c, u32 i, bool is_signed)
{
    u32 lanes = type_lanes(c->e.type);
    return is_signed ? signed_arg(c, i / lanes, i % lanes) : (S)arg_lane(c, i / lanes, i % lanes);
}

static S narrow_max(const Case *c, bool is_signed)
{
    return (S)(is_signed ? smax_of(BITS(c) / 2) : umax_of(BITS(c) / 2));
}

LANE_REF(ref_snarrow, clamp(joined(c, i, true), -narrow_max(c, true) - 1, narrow_max(c, true)))
LANE_REF(ref_unarrow, clamp(joined(c, i, true), 0, narrow_max(c, false)))
LANE_REF(ref_uunarrow, clamp(joined(c, i, false), 0, narrow_max(c, false)))
LANE_REF(ref_swiden_low, signed_arg(c, 0, i))
LANE_REF(ref_swiden_high, signed_arg(c, 0, i + type_lanes(c->e.type) / 2))
LANE_REF(ref_uwiden_low, arg_lane(c, 0, i))
LANE_REF(ref_uwiden_high, arg_lane(c, 0, i + type_lanes(c->e.type) / 2))
LANE_REF(ref_iadd_pairwise, joined(c, 2 * i, true) + joined(c, 2 * i + 1, true))

static void test_widths(void **state)
{
    (void)state;
    check_operation(OP_snarrow, ref_snarrow, NULL, NULL);
    check_operation(OP_unarrow, ref_unarrow, NULL, NULL);
    check_operation(OP_uunarrow, ref_uunarrow, NULL, NULL);
    check_operation(OP_swiden_low, ref_swiden_low, NULL, NULL);
    check_operation(OP_swiden_high, ref_swiden_high, NULL, NULL);
    check_operation(OP_uwiden_low, ref_uwiden_low, NULL, NULL);
    check_operation(OP_uwiden_high, ref_uwiden_high, NULL, NULL);
    check_operation(OP_iadd_pairwise, ref_iadd_pairwise, NULL, NULL);
}

/* ---- of one machine ---- */

/* x * y / 2^15 to nearest, half up; the sum is made positive, so that the division rounds down. */
static W ref_x86_pmulhrsw(const Case *c, u32 n, u32 i)
{
    (void)n;
    i64 product = (i64)signed_arg(c, 0, i) * (i64)signed_arg(c, 1, i);
    return (W)(S)((product + 0x40000000 + 0x4000) / 0x8000 - 0x8000);
}

static W ref_x86_pmaddubsw(const Case *c, u32 n, u32 i)
{
    (void)n;
    S even = (S)arg_lane(c, 0, 2 * i) * signed_arg(c, 1, 2 * i);
    S odd = (S)arg_lane(c, 0, 2 * i + 1) * signed_arg(c, 1, 2 * i + 1);
    return (W)clamp(even + odd, -32768, 32767);
}

static void test_x86(void **state)
{
    (void)state;
    check_operation(OP_x86_pmulhrsw, ref_x86_pmulhrsw, NULL, NULL);
    check_operation(OP_x86_pmaddubsw, ref_x86_pmaddubsw, NULL, NULL);
}

static void test_everything_was_covered(void **state)
{
    (void)state;
    assert_int_equal(count_missing(FAMILY_VECTOR), 0);
}

static int start(void **state)
{
    (void)state;
    dv_rng_seed(&rng, 2);
    list_types();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_every_lane),
        cmocka_unit_test(test_extract_vector),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_bitcast),
        cmocka_unit_test(test_bitcast_orders),
        cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_x86),
        cmocka_unit_test(test_everything_was_covered),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

#else
int main(void)
{
    return skip_program();
}
#endif
