/* test_eval_int.c - the evaluator's integer and bit operations against the compiler's own integers, written another
 * way than the evaluator wherever there is one: exhaustive where operands have 16 bits, else corners and random. */
#include "eval_testing.h"

#if EVAL_TESTING

#define BITS(c) type_lane_bits((c)->e.type)

/* A reference for lane i, given x y z, the lanes of the operands, sx sy, the same as signed, and the lane width. */
#define LANE_REF(name, expr) \
    static W name(const Case *c, u32 n, u32 i) \
    { \
        u32 bits = BITS(c); \
        W x = arg_lane(c, 0, i), y = arg_lane(c, 1, i), z = arg_lane(c, 2, i); \
        S sx = to_signed(x, bits), sy = to_signed(y, bits); \
        (void)n, (void)bits, (void)x, (void)y, (void)z, (void)sx, (void)sy; \
        return (W)(expr); \
    }

/* ---- arithmetic ---- */

LANE_REF(ref_iadd, x + y)
LANE_REF(ref_isub, x + ~y + 1)
LANE_REF(ref_ineg, ~x + 1)
LANE_REF(ref_iabs, sx < 0 ? 0 - x : x)
LANE_REF(ref_smin, sx < sy ? sx : sy)
LANE_REF(ref_umin, x < y ? x : y)
LANE_REF(ref_smax, sx > sy ? sx : sy)
LANE_REF(ref_umax, x > y ? x : y)

/* The product of two integers of n bits by shifting and adding, its low and its high n bits. */
static W multiply(W x, W y, u32 bits, bool high)
{
    W lo = 0, hi = 0; /* the sum so far is hi * 2^bits + lo */
    for (u32 i = bits; i-- > 0;) {
        hi = low_bits(hi << 1 | (lo >> (bits - 1) & 1), bits);
        lo = low_bits(lo << 1, bits);
        if (y >> i & 1) {
            W sum = low_bits(lo + x, bits);
            hi += sum < x;
            lo = sum;
        }
    }
    return high ? hi : lo;
}

LANE_REF(ref_imul, multiply(x, y, bits, false))
LANE_REF(ref_umulhi, multiply(x, y, bits, true))
/* As signed, each operand stands for itself less 2^bits if negative. */
LANE_REF(ref_smulhi, multiply(x, y, bits, true) - (sx < 0 ? y : 0) - (sy < 0 ? x : 0))

LANE_REF(ref_udiv, x / y)
LANE_REF(ref_urem, x - x / y * y)
LANE_REF(ref_sdiv, sx / sy)
LANE_REF(ref_srem, sy == -1 ? 0 : sx % sy)

static TrapCode traps_unsigned_division(const Case *c)
{
    return arg_lane(c, 1, 0) == 0 ? TRAP_int_divz : TRAP_none;
}

static TrapCode traps_signed_division(const Case *c)
{
    if (arg_lane(c, 1, 0) == umax_of(BITS(c)) && arg_lane(c, 0, 0) == smin_of(BITS(c))) {
        return TRAP_int_ovf;
    }
    return traps_unsigned_division(c);
}

static void test_arithmetic(void **state)
{
    (void)state;
    check_operation(OP_iadd, ref_iadd, NULL, NULL);
    check_operation(OP_isub, ref_isub, NULL, NULL);
    check_operation(OP_ineg, ref_ineg, NULL, NULL);
    check_operation(OP_iabs, ref_iabs, NULL, NULL);
    check_operation(OP_imul, ref_imul, NULL, NULL);
    check_operation(OP_umulhi, ref_umulhi, NULL, NULL);
    check_operation(OP_smulhi, ref_smulhi, NULL, NULL);
    check_operation(OP_smin, ref_smin, NULL, NULL);
    check_operation(OP_umin, ref_umin, NULL, NULL);
    check_operation(OP_smax, ref_smax, NULL, NULL);
    check_operation(OP_umax, ref_umax, NULL, NULL);
}

static void test_division(void **state)
{
    (void)state;
    check_operation(OP_udiv, ref_udiv, traps_unsigned_division, NULL);
    check_operation(OP_urem, ref_urem, traps_unsigned_division, NULL);
    check_operation(OP_sdiv, ref_sdiv, traps_signed_division, NULL);
    check_operation(OP_srem, ref_srem, traps_unsigned_division, NULL);
}

/* ---- overflow: x + y + carry and x - y - borrow, exact, are 2 * half + (0 or 1) with a half that always fits ---- */

static u32 carry_in(const Case *c)
{
    return arg_lane(c, 2, 0) != 0;
}

static bool half_exceeds(S half, bool is_signed, u32 bits)
{
    S least = is_signed ? -((S)1 << (bits - 2)) : 0;
    S beyond = is_signed ? (S)1 << (bits - 2) : (S)((W)1 << (bits - 1 < 127 ? bits - 1 : 126));
    if (!is_signed && bits == 128) { /* beyond is 2^127, which S does not hold */
        return half < 0;
    }
    return half < least || half >= beyond;
}

static bool add_exceeds(const Case *c, bool is_signed)
{
    u32 bits = BITS(c);
    W x = arg_lane(c, 0, 0), y = arg_lane(c, 1, 0);
    S low = (S)(((x & 1) + (y & 1) + carry_in(c)) / 2);
    if (is_signed) {
        return half_exceeds((to_signed(x, bits) >> 1) + (to_signed(y, bits) >> 1) + low, true,
                            bits);
    }
    return half_exceeds((S)((x >> 1) + (y >> 1) + (W)low), false, bits);
}

static bool sub_exceeds(const Case *c, bool is_signed)
{
    u32 bits = BITS(c);
    W x = arg_lane(c, 0, 0), y = arg_lane(c, 1, 0);
    int low = (int)(x & 1) - (int)(y & 1) - (int)carry_in(c); /* -2 .. 1 */
    S half_low = low >= 0 ? 0 : -1;
    if (is_signed) {
        return half_exceeds((to_signed(x, bits) >> 1) - (to_signed(y, bits) >> 1) + half_low, true,
                            bits);
    }
    return (S)(x >> 1) - (S)(y >> 1) + half_low < 0;
}

static W sum_of(const Case *c)
{
    return arg_lane(c, 0, 0) + arg_lane(c, 1, 0) + carry_in(c);
}

static W difference_of(const Case *c)
{
    return arg_lane(c, 0, 0) - arg_lane(c, 1, 0) - carry_in(c);
}

#define SCALAR_REF(name, expr) \
    static W name(const Case *c, u32 n, u32 i) \
    { \
        (void)i, (void)n; \
        return (W)(expr); \
    }

SCALAR_REF(ref_uadd_overflow, n == 0 ? sum_of(c) : (W)add_exceeds(c, false))
SCALAR_REF(ref_sadd_overflow, n == 0 ? sum_of(c) : (W)add_exceeds(c, true))
SCALAR_REF(ref_usub_overflow, n == 0 ? difference_of(c) : (W)sub_exceeds(c, false))
SCALAR_REF(ref_ssub_overflow, n == 0 ? difference_of(c) : (W)sub_exceeds(c, true))
LANE_REF(ref_umul_overflow, n == 0 ? x * y : x != 0 && y > umax_of(bits) / x)
LANE_REF(ref_smul_overflow, n == 0 ? x * y : (W)(sx * sy != to_signed((W)(sx * sy), bits)))

static TrapCode traps_add(const Case *c)
{
    return add_exceeds(c, false) ? c->e.trap : TRAP_none;
}

static void test_overflow(void **state)
{
    (void)state;
    check_operation(OP_uadd_overflow, ref_uadd_overflow, NULL, NULL);
    check_operation(OP_sadd_overflow, ref_sadd_overflow, NULL, NULL);
    check_operation(OP_usub_overflow, ref_usub_overflow, NULL, NULL);
    check_operation(OP_ssub_overflow, ref_ssub_overflow, NULL, NULL);
    check_operation(OP_umul_overflow, ref_umul_overflow, NULL, NULL);
    check_operation(OP_smul_overflow, ref_smul_overflow, NULL, NULL);
    check_operation(OP_uadd_overflow_trap, ref_uadd_overflow, traps_add, NULL);
    check_operation(OP_uadd_overflow_cin, ref_uadd_overflow, NULL, NULL);
    check_operation(OP_sadd_overflow_cin, ref_sadd_overflow, NULL, NULL);
    check_operation(OP_usub_overflow_bin, ref_usub_overflow, NULL, NULL);
    check_operation(OP_ssub_overflow_bin, ref_ssub_overflow, NULL, NULL);
}

/* ---- bits ---- */

LANE_REF(ref_band, ~(~x | ~y))
LANE_REF(ref_bor, ~(~x & ~y))
LANE_REF(ref_bxor, (x | y) - (x & y))
LANE_REF(ref_bnot, umax_of(bits) - x)

/* Shifts as products and quotients; a rotation moves what goes out at one end in at the other. */
static W ref_shift(const Case *c, u32 n, u32 i)
{
    (void)n;
    u32 bits = BITS(c);
    u32 amount = (u32)(arg_lane(c, 1, 0) % bits);
    W x = arg_lane(c, 0, i);
    W power = (W)1 << amount;
    S sx = to_signed(x, bits);
    switch (c->e.op) {
    case OP_ishl:
        return x * power;
    case OP_ushr:
        return x / power;
    case OP_sshr:
        return sx >= 0 ? x / power : ~(~(W)sx / power);
    case OP_rotl:
        return amount == 0 ? x : x * power + x / smin_of(bits - amount + 1);
    default:
        return amount == 0 ? x : x / power + x % power * smin_of(bits - amount + 1);
    }
}

static u32 count_bits(W x, u32 bits, bool value, bool from_top, bool stop)
{
    u32 count = 0;
    for (u32 k = 0; k < bits; k++) {
        bool bit = x >> (from_top ? bits - 1 - k : k) & 1;
        if (bit == value) {
            count++;
        } else if (stop) {
            break;
        }
    }
    return count;
}

static W reversed(W x, u32 bits, u32 unit)
{
    W out = 0;
    for (u32 k = 0; k < bits; k += unit) {
        out = out << unit | (x >> k & (((W)1 << unit) - 1));
    }
    return out;
}

LANE_REF(ref_bitrev, reversed(x, bits, 1))
LANE_REF(ref_bswap, reversed(x, bits, 8))
LANE_REF(ref_clz, count_bits(x, bits, false, true, true))
LANE_REF(ref_ctz, count_bits(x, bits, false, false, true))
LANE_REF(ref_cls, count_bits(x, bits, sx < 0, true, true) - 1)
LANE_REF(ref_popcnt, count_bits(x, bits, true, false, false))

static void test_bits(void **state)
{
    (void)state;
    check_operation(OP_band, ref_band, NULL, NULL);
    check_operation(OP_bor, ref_bor, NULL, NULL);
    check_operation(OP_bxor, ref_bxor, NULL, NULL);
    check_operation(OP_bnot, ref_bnot, NULL, NULL);
    check_operation(OP_bitrev, ref_bitrev, NULL, NULL);
    check_operation(OP_clz, ref_clz, NULL, NULL);
    check_operation(OP_cls, ref_cls, NULL, NULL);
    check_operation(OP_ctz, ref_ctz, NULL, NULL);
    check_operation(OP_bswap, ref_bswap, NULL, NULL);
    check_operation(OP_popcnt, ref_popcnt, NULL, NULL);
}

static void test_shifts(void **state)
{
    (void)state;
    check_operation(OP_rotl, ref_shift, NULL, NULL);
    check_operation(OP_rotr, ref_shift, NULL, NULL);
    check_operation(OP_ishl, ref_shift, NULL, NULL);
    check_operation(OP_ushr, ref_shift, NULL, NULL);
    check_operation(OP_sshr, ref_shift, NULL, NULL);
}

/* ---- comparison and selection ---- */

static bool condition_holds(const char *cc, W x, W y, u32 bits)
{
    if (strcmp(cc, "eq") == 0 || strcmp(cc, "ne") == 0) {
        return (x == y) == (cc[0] == 'e');
    }
    if (cc[0] == 's') { /* adding 2^(bits-1) turns the signed order into the unsigned one */
        x = low_bits(x + smin_of(bits), bits);
        y = low_bits(y + smin_of(bits), bits);
    }
    return (cc[1] == 'l' ? x < y : x > y) || (cc[2] == 'e' && x == y);
}

static W ref_icmp(const Case *c, u32 n, u32 i)
{
    (void)n;
    static const char *const names[INTCC_COUNT] = {
#define INTCC(name, negation, swap) #name,
#include "codegen/ir/names.def"
    };
    bool holds = condition_holds(names[c->e.aux], arg_lane(c, 0, i), arg_lane(c, 1, i), BITS(c));
    return !holds ? 0 : type_is_vector(c->e.type) ? ~(W)0 : 1;
}

static void each_condition(Case *c, u32 round)
{
    c->e.aux = (u8)(round % INTCC_COUNT);
}

static void test_icmp(void **state)
{
    (void)state;
    check_operation(OP_icmp, ref_icmp, NULL, each_condition);
    Case c;
    case_start(&c, OP_icmp, TYPE_I8, TYPE_NONE);
    for (u32 cc = 0; cc < INTCC_COUNT; cc++) {
        c.e.aux = (u8)cc;
        check_exhaustively(&c, ref_icmp, NULL, NULL);
    }
    case_end(&c);
}

static W ref_select(const Case *c, u32 n, u32 i)
{
    (void)n;
    return arg_lane(c, 0, 0) == 0 ? arg_lane(c, 2, i) : arg_lane(c, 1, i);
}

/* Zero half the time; else sometimes a single bit. */
static void choose_condition(Case *c, u32 round)
{
    if (round % 2 == 0) {
        set_arg_lane(c, 0, 0, 0);
    } else if (round % 4 == 1) {
        set_arg_lane(c, 0, 0, (W)1 << dv_rng_below(&rng, type_bits(c->e.arg_types[0])));
    }
}

static W ref_bitselect(const Case *c, u32 n, u32 i)
{
    (void)n;
    W out = 0;
    for (u32 k = 0; k < BITS(c); k++) {
        out |= (arg_lane(c, arg_lane(c, 0, i) >> k & 1 ? 1 : 2, i) >> k & 1) << k;
    }
    return out;
}

static W ref_blendv(const Case *c, u32 n, u32 i)
{
    (void)n;
    return arg_lane(c, arg_lane(c, 0, i) == 0 ? 2 : 1, i);
}

static void choose_lanes(Case *c, u32 round)
{
    (void)round;
    for (u32 i = 0; i < type_lanes(c->e.type); i++) {
        set_arg_lane(c, 0, i, dv_rng_chance(&rng, 2) ? 0 : ~(W)0);
    }
}

SCALAR_REF(ref_bmask, arg_lane(c, 0, 0) == 0 ? 0 : ~(W)0)

static void test_selection(void **state)
{
    (void)state;
    check_operation(OP_select, ref_select, NULL, choose_condition);
    check_operation(OP_select_spectre_guard, ref_select, NULL, choose_condition);
    check_operation(OP_bmask, ref_bmask, NULL, choose_condition);
    check_operation(OP_bitselect, ref_bitselect, NULL, NULL);
    check_operation(OP_blendv, ref_blendv, NULL, choose_lanes);
    check_operation(OP_blendv, ref_bitselect, NULL,
                    NULL); /* lanes that are neither are mixed by bits */
}

/* ---- width, constants, conditional traps ---- */

SCALAR_REF(ref_low, arg_lane(c, 0, 0))
SCALAR_REF(ref_sextend, to_signed(arg_lane(c, 0, 0), type_bits(c->open)))
SCALAR_REF(ref_isplit, arg_lane(c, 0, 0) >> (n * type_bits(c->e.type) / 2))
SCALAR_REF(ref_iconcat, arg_lane(c, 1, 0) << BITS(c) | arg_lane(c, 0, 0))

static void test_width(void **state)
{
    (void)state;
    check_operation(OP_ireduce, ref_low, NULL, NULL);
    check_operation(OP_uextend, ref_low, NULL, NULL);
    check_operation(OP_sextend, ref_sextend, NULL, NULL);
    check_operation(OP_isplit, ref_isplit, NULL, NULL);
    check_operation(OP_iconcat, ref_iconcat, NULL, NULL);
}

static u8 constant[TYPE_MAX_BYTES];

static void choose_immediate(Case *c, u32 round)
{
    (void)round;
    c->e.imm = (u64)random_integer(64);
    for (u32 i = 0; i < TYPE_MAX_BYTES; i++) {
        constant[i] = (u8)dv_rng_next(&rng);
    }
    c->e.mask = constant;
}

SCALAR_REF(ref_immediate, c->e.imm)

static W ref_constant(const Case *c, u32 n, u32 i)
{
    (void)n;
    return read_lane(constant, BITS(c), i);
}

static void test_constants(void **state)
{
    (void)state;
    check_operation(OP_iconst, ref_immediate, NULL, choose_immediate);
    check_operation(OP_f16const, ref_immediate, NULL, choose_immediate);
    check_operation(OP_f32const, ref_immediate, NULL, choose_immediate);
    check_operation(OP_f64const, ref_immediate, NULL, choose_immediate);
    check_operation(OP_f128const, ref_constant, NULL, choose_immediate);
    check_operation(OP_vconst, ref_constant, NULL, choose_immediate);
}

SCALAR_REF(ref_nothing, c->num_results)

static TrapCode traps_zero(const Case *c)
{
    return arg_lane(c, 0, 0) == 0 ? c->e.trap : TRAP_none;
}

static TrapCode traps_not_zero(const Case *c)
{
    return arg_lane(c, 0, 0) != 0 ? c->e.trap : TRAP_none;
}

static void test_conditional_traps(void **state)
{
    (void)state;
    check_operation(OP_trapz, ref_nothing, traps_zero, choose_condition);
    check_operation(OP_trapnz, ref_nothing, traps_not_zero, choose_condition);
    check_operation(OP_nop, ref_nothing, NULL, NULL);
}

/* ---- atomic_rmw ---- */

static W ref_rmw(const char *name, W old, W x, u32 bits)
{
    if (strlen(name) == 4 && (name[0] == 'u' || name[0] == 's') && name[1] == 'm') {
        bool takes_old = condition_holds(name[0] == 'u' ? "ult" : "slt", old, x, bits);
        return takes_old == (name[2] == 'i') ? old : x;
    }
    switch (name[0]) {
    case 'a':
        return name[1] == 'd' ? old + x : old & x;
    case 's':
        return old - x;
    case 'n':
        return ~old | ~x;
    case 'o':
        return old | x;
    default:
        return name[1] == 'o' ? (old | x) & ~(old & x) : x;
    }
}

static void check_rmw(RmwOp op, Type type, W old, W x)
{
    static const char *const names[RMW_COUNT] = {
#define RMW(name, meaning) #name,
#include "codegen/ir/names.def"
    };
    u8 bytes[3][16 + GUARD_BYTES];
    u32 bits = type_bits(type);
    memset(bytes, GUARD, sizeof(bytes));
    write_lane(bytes[0], bits, 0, old);
    write_lane(bytes[1], bits, 0, x);
    dv_eval_rmw(op, type, bytes[0], bytes[1], bytes[2]);
    W expected = low_bits(ref_rmw(names[op], low_bits(old, bits), low_bits(x, bits), bits), bits);
    assert_true(read_lane(bytes[2], bits, 0) == expected);
    assert_int_equal(bytes[2][bits / 8], GUARD);
}

static void test_rmw(void **state)
{
    (void)state;
    for (u32 op = 0; op < RMW_COUNT; op++) {
        for (u32 x = 0; x < 0x10000; x++) {
            check_rmw((RmwOp)op, TYPE_I8, x & 0xff, x >> 8);
        }
        for (u32 lane = LANE_I8; lane <= LANE_I128; lane++) {
            Type type = TYPE_MAKE(lane, 0);
            for (u32 round = 0; round < 2000; round++) {
                check_rmw((RmwOp)op, type, random_integer(type_bits(type)),
                          random_integer(type_bits(type)));
            }
        }
    }
}

/* ---- which operations there are ---- */

static void test_which_are_pure(void **state)
{
    (void)state;
    for (u32 i = 0; i < OP_COUNT; i++) {
        bool expected = (i >= OP_iconst && i <= OP_x86_cvtt2dq) || i == OP_trapz ||
                        i == OP_trapnz || i == OP_nop;
        assert_int_equal(dv_eval_op_is_pure((Op)i), expected);
    }
}

static void test_everything_was_covered(void **state)
{
    (void)state;
    assert_int_equal(count_missing(FAMILY_INT), 0);
}

static int start(void **state)
{
    (void)state;
    dv_rng_seed(&rng, 1);
    list_types();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_division),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_shifts),
        cmocka_unit_test(test_icmp),
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_conditional_traps),
        cmocka_unit_test(test_rmw),
        cmocka_unit_test(test_which_are_pure),
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
