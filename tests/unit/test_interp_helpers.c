/* test_interp_helpers.c - every helper of the interpreter against the evaluator: all corners in all
 * argument places, then random operands, with rubbish in the parts of slots that must not count. */
#include "unit.h"

#include "base/bytes.h"
#include "base/rng.h"
#include "base/softfloat.h"
#include "codegen/ir/eval.h"
#include "interp/helpers.h"

enum { RANDOM_ROUNDS = 20000, CORNERS_MAX = 64, SLOTS = 8, GUARD = 6 };

/* What the evaluator must be asked: an operation on arguments of one type. */
typedef struct Row {
    u16 op; /* OP_fcmp: the number of the first condition of `orders` that holds */
    Type arg;
    Type result;
} Row;

#define TO_INT(float_name, int_name, float_type, int_type) \
    ROW(x##int_name##_from_##float_name##_s, fcvt_to_sint, float_type, int_type), \
        ROW(x##int_name##_from_##float_name##_u, fcvt_to_uint, float_type, int_type), \
        ROW(x##int_name##_from_##float_name##_s_sat, fcvt_to_sint_sat, float_type, int_type), \
        ROW(x##int_name##_from_##float_name##_u_sat, fcvt_to_uint_sat, float_type, int_type)
#define FROM_INT(float_name, int_name, float_type, int_type) \
    ROW(float_name##_from_x##int_name##_s, fcvt_from_sint, int_type, float_type), \
        ROW(float_name##_from_x##int_name##_u, fcvt_from_uint, int_type, float_type)
#define ROW(helper, operation, arg, result) \
    [PULLEY_HELPER_##helper] = {OP_##operation, TYPE_##arg, TYPE_##result}

static const Row rows[PULLEY_HELPER_COUNT] = {
    ROW(f128_add, fadd, F128, F128),
    ROW(f128_sub, fsub, F128, F128),
    ROW(f128_mul, fmul, F128, F128),
    ROW(f128_div, fdiv, F128, F128),
    ROW(f128_min, fmin, F128, F128),
    ROW(f128_max, fmax, F128, F128),
    ROW(f128_fma, fma, F128, F128),
    ROW(f128_sqrt, sqrt, F128, F128),
    ROW(f128_ceil, ceil, F128, F128),
    ROW(f128_floor, floor, F128, F128),
    ROW(f128_trunc, trunc, F128, F128),
    ROW(f128_nearest, nearest, F128, F128),
    ROW(f128_compare, fcmp, F128, I32),
    ROW(f128_from_f16, fpromote, F16, F128),
    ROW(f128_from_f32, fpromote, F32, F128),
    ROW(f128_from_f64, fpromote, F64, F128),
    ROW(f16_from_f128, fdemote, F128, F16),
    ROW(f32_from_f128, fdemote, F128, F32),
    ROW(f64_from_f128, fdemote, F128, F64),
    ROW(f16_fma, fma, F16, F16),
    FROM_INT(f128, 32, F128, I32),
    FROM_INT(f128, 64, F128, I64),
    FROM_INT(f128, 128, F128, I128),
    FROM_INT(f32, 128, F32, I128),
    FROM_INT(f64, 128, F64, I128),
    TO_INT(f128, 32, F128, I32),
    TO_INT(f128, 64, F128, I64),
    TO_INT(f128, 128, F128, I128),
    TO_INT(f32, 128, F32, I128),
    TO_INT(f64, 128, F64, I128),
    ROW(xdiv128_s, sdiv, I128, I128),
    ROW(xdiv128_u, udiv, I128, I128),
    ROW(xrem128_s, srem, I128, I128),
    ROW(xrem128_u, urem, I128, I128),
    ROW(xmulhi128_s, smulhi, I128, I128),
    ROW(xmulhi128_u, umulhi, I128, I128),
};

static const u8 orders[] = {FLOATCC_lt, FLOATCC_eq, FLOATCC_gt, FLOATCC_uno};

/* ---- operands ---- */

static FloatKind kind_of(Type t)
{
    return t == TYPE_F16   ? FLOAT_16
           : t == TYPE_F32 ? FLOAT_32
           : t == TYPE_F64 ? FLOAT_64
                           : FLOAT_128;
}

static U128 low_bits(U128 x, u32 bits)
{
    return dv_u128_lshr(dv_u128_shl(x, 128 - bits), 128 - bits);
}

static U128 power(u32 n)
{
    return dv_u128_shl((U128){1, 0}, n);
}

static U128 random_bits(Rng *rng)
{
    return (U128){dv_rng_next(rng), dv_rng_next(rng)};
}

static U128 make_float(FloatKind kind, bool negative, u64 exponent, U128 fraction)
{
    u32 frac = dv_float_frac_bits(kind);
    U128 x = low_bits(fraction, frac);
    x = dv_u128_or(x, dv_u128_shl(dv_u128_from_u64(exponent), frac));
    return negative ? dv_u128_or(x, power(dv_float_width(kind) - 1)) : x;
}

static U128 ones(void)
{
    return (U128){UINT64_MAX, UINT64_MAX};
}

/* Zeros, the ends of the subnormal and normal ranges, infinities, NaNs of both sorts, and the
 * neighbours on both sides of the powers of two where integers end. */
static u32 float_corners(FloatKind kind, U128 *out)
{
    static const u32 powers[] = {0, 1, 31, 32, 63, 64, 127, 128};
    u64 top = ((u64)1 << dv_float_exp_bits(kind)) - 1;
    U128 zero = {0, 0};
    U128 one = {1, 0};
    U128 quiet = power(dv_float_frac_bits(kind) - 1);
    u32 count = 0;
    for (u32 sign = 0; sign < 2; sign++) {
        out[count++] = make_float(kind, sign, 0, zero);
        out[count++] = make_float(kind, sign, 0, one);
        out[count++] = make_float(kind, sign, 0, ones());
        out[count++] = make_float(kind, sign, 1, zero);
        out[count++] = make_float(kind, sign, top - 1, ones());
        out[count++] = make_float(kind, sign, top, zero);
        out[count++] = make_float(kind, sign, top, one);
        out[count++] = make_float(kind, sign, top, quiet);
        out[count++] = make_float(kind, sign, top / 2 - 1, zero); /* a half */
        for (u32 i = 0; i < ARRAY_LEN(powers); i++) {
            u64 exponent = top / 2 + powers[i];
            if (exponent < top) {
                out[count++] = make_float(kind, sign, exponent, zero);
                out[count++] = make_float(kind, sign, exponent - 1, ones());
            }
        }
    }
    return count;
}

static u32 int_corners(u32 bits, U128 *out)
{
    U128 least = power(bits - 1);
    U128 one = {1, 0};
    u32 count = 0;
    for (u32 i = 0; i < 3; i++) {
        out[count++] = dv_u128_from_u64(i);
        out[count++] = low_bits(dv_u128_sub(ones(), dv_u128_from_u64(i)), bits);
        out[count++] = dv_u128_sub(dv_u128_add(least, one), dv_u128_from_u64(i));
    }
    for (u32 n = 7; n < bits; n += 8) {
        out[count++] = power(n);
        out[count++] = dv_u128_sub(power(n), one);
    }
    return count;
}

static u32 corners_of(Type t, U128 *out)
{
    u32 count = type_is_float(t) ? float_corners(kind_of(t), out) : int_corners(type_bits(t), out);
    assert_true(count <= CORNERS_MAX);
    return count;
}

/* Floats are mostly of the size of integers, with long runs of equal bits in the fraction. */
static U128 random_operand(Type t, Rng *rng)
{
    U128 x = random_bits(rng);
    if (!type_is_float(t) || dv_rng_chance(rng, 4)) {
        x = dv_rng_chance(rng, 2) ? x : dv_u128_ashr(x, (u32)dv_rng_below(rng, 127));
        return low_bits(x, type_bits(t));
    }
    FloatKind kind = kind_of(t);
    u64 top = ((u64)1 << dv_float_exp_bits(kind)) - 1;
    u64 exponent = top / 2 - 4 + dv_rng_below(rng, top / 2 < 140 ? top / 2 : 140);
    u32 keep = (u32)dv_rng_below(rng, dv_float_frac_bits(kind) + 1);
    U128 high = dv_u128_shl(ones(), dv_float_frac_bits(kind) - keep);
    x = dv_rng_chance(rng, 2) ? dv_u128_and(x, high) : dv_u128_or(x, dv_u128_not(high));
    return make_float(kind, dv_rng_chance(rng, 2), exponent, x);
}

/* ---- one application ---- */

static TrapCode evaluate(const Row *row, u32 num_args, const U128 *args, u8 condition, U128 *out)
{
    u8 arg_bytes[OP_MAX_OPERANDS][16];
    u8 result_bytes[16] = {0};
    EvalOp e = {.op = (Op)row->op, .type = row->result, .aux = condition, .num_args = num_args};
    e.result_types[0] = row->result;
    if (row->op == OP_fcmp) {
        e.type = row->arg;
        e.result_types[0] = TYPE_I8;
    }
    e.results[0] = result_bytes;
    for (u32 i = 0; i < num_args; i++) {
        store_le128(arg_bytes[i], args[i]);
        e.arg_types[i] = row->arg;
        e.args[i] = arg_bytes[i];
    }
    TrapCode trap = dv_eval_op(&e);
    *out = load_le128(result_bytes);
    return trap;
}

static TrapCode expect(const Row *row, u32 num_args, const U128 *args, U128 *out)
{
    if (row->op != OP_fcmp) {
        return evaluate(row, num_args, args, 0, out);
    }
    for (u32 i = 0; i < ARRAY_LEN(orders); i++) {
        U128 holds;
        evaluate(row, num_args, args, orders[i], &holds);
        if (!dv_u128_is_zero(holds)) {
            *out = dv_u128_from_u64(i);
            return TRAP_none;
        }
    }
    fail_msg("two floats in no order");
    return TRAP_none;
}

typedef struct Tally {
    u32 results;
    u32 traps;
} Tally;

static void check(u32 helper, const U128 *args, Rng *rng, Tally *tally)
{
    const Row *row = &rows[helper];
    u32 arg_slots = type_bits(row->arg) > 64 ? 2 : 1;
    u32 result_slots = type_bits(row->result) > 64 ? 2 : 1;
    u32 num_args = dv_pulley_helpers[helper].args / arg_slots;
    u64 slots[SLOTS];
    u64 before[SLOTS];
    U128 expected = {0, 0};
    for (u32 i = 0; i < SLOTS; i++) {
        slots[i] = dv_rng_next(rng);
    }
    for (u32 i = 0; i < num_args; i++) {
        u32 bits = type_bits(row->arg);
        slots[i * arg_slots] = bits < 64 ? slots[i * arg_slots] << bits | args[i].lo : args[i].lo;
        if (arg_slots == 2) {
            slots[i * 2 + 1] = args[i].hi;
        }
    }
    memcpy(before, slots, sizeof before);
    TrapCode trap = expect(row, num_args, args, &expected);
    u32 got = dv_interp_helpers[helper](slots);
    bool right = got == (u32)trap;
    if (trap == TRAP_none) {
        right = right && slots[0] == expected.lo;
        right = right && (result_slots == 1 || slots[1] == expected.hi);
        tally->results++;
    } else {
        right = right && memcmp(slots, before, sizeof slots) == 0;
        tally->traps++;
    }
    right = right && memcmp(&slots[GUARD], &before[GUARD], sizeof before - GUARD * 8) == 0;
    if (!right) {
        for (u32 i = 0; i < num_args; i++) {
            fprintf(stderr, "operand %016" PRIx64 "%016" PRIx64 "\n", args[i].hi, args[i].lo);
        }
        fail_msg("%s: trap %u, %016" PRIx64 "%016" PRIx64 "; not trap %u, %016" PRIx64
                 "%016" PRIx64,
                 dv_pulley_helpers[helper].name, got, slots[1], slots[0], (u32)trap, expected.hi,
                 expected.lo);
    }
}

static void check_corners(u32 helper, Rng *rng, Tally *tally)
{
    U128 corners[CORNERS_MAX];
    u32 count = corners_of(rows[helper].arg, corners);
    u32 arg_slots = type_bits(rows[helper].arg) > 64 ? 2 : 1;
    u32 num_args = dv_pulley_helpers[helper].args / arg_slots;
    u32 second = num_args > 1 ? count : 1;
    u32 third = num_args > 2 ? count : 1;
    for (u32 x = 0; x < count; x++) {
        for (u32 y = 0; y < second; y++) {
            for (u32 z = 0; z < third; z++) {
                check(helper, (U128[]){corners[x], corners[y], corners[z]}, rng, tally);
            }
        }
    }
}

static void test_agrees_with_evaluator(void **state)
{
    (void)state;
    Rng rng;
    dv_rng_seed(&rng, 1);
    for (u32 helper = 0; helper < PULLEY_HELPER_COUNT; helper++) {
        const char *name = dv_pulley_helpers[helper].name;
        Tally tally = {0, 0};
        if (rows[helper].op == 0) {
            fail_msg("%s is not tested", name);
        }
        check_corners(helper, &rng, &tally);
        for (u32 round = 0; round < RANDOM_ROUNDS; round++) {
            Type t = rows[helper].arg;
            U128 x = random_operand(t, &rng);
            U128 y = dv_rng_chance(&rng, 8) ? x : random_operand(t, &rng);
            check(helper, (U128[]){x, y, random_operand(t, &rng)}, &rng, &tally);
        }
        /* Of each outcome that the table tells of, some were seen. */
        bool traps = strstr(dv_pulley_helpers[helper].doc, "bad_toint") != NULL ||
                     strstr(dv_pulley_helpers[helper].doc, "int_") != NULL;
        assert_true(tally.results > 1000);
        assert_int_equal(tally.traps > 0, traps);
    }
}

/* The slots that the table says a helper takes and gives are those that the test's types take. */
static void test_slot_counts(void **state)
{
    (void)state;
    for (u32 helper = 0; helper < PULLEY_HELPER_COUNT; helper++) {
        const PulleyHelperInfo *info = &dv_pulley_helpers[helper];
        u32 operands = dv_ops[rows[helper].op].num_operands;
        assert_int_equal(info->args, operands * (type_bits(rows[helper].arg) > 64 ? 2 : 1));
        assert_int_equal(info->results, type_bits(rows[helper].result) > 64 ? 2 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slot_counts),
        cmocka_unit_test(test_agrees_with_evaluator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
