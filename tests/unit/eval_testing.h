/* eval_testing.h - what the tests of the evaluator's operations share.
 *
 * A Case is one operation at one controlling type, and one type of the operand that the controlling type leaves open
 * (a shift amount, a conversion's operand), with operands of random or chosen lanes. It is applied by dv_eval_op and
 * every lane of every result compared with a reference: a function written for the test on the host's own integers
 * (128 bits wide) and floats. What cells of operation x type x open type were exercised is noted, and each test
 * program ends by comparing that with what the tables say there is.
 */
#ifndef DV_EVAL_TESTING_H
#define DV_EVAL_TESTING_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "codegen/ir/eval.h"

/* The references need the compiler's integers of 128 bits. Where there are none, the self-describing files in
 * tests/clif/run prove the same operations. */
#ifdef __SIZEOF_INT128__
#define EVAL_TESTING 1
__extension__ typedef unsigned __int128 W;
__extension__ typedef __int128 S;
#else
#define EVAL_TESTING 0
#endif

static inline int skip_program(void)
{
    puts("0 passed, 0 failed, 1 skipped");
    return 0;
}

#if EVAL_TESTING

enum { MAX_LANES = 256, ALL_TYPES = 160, GUARD_BYTES = 16, GUARD = 0xa7 };

/* ---- lanes as W ---- */

static inline W low_bits(W x, u32 bits)
{
    return bits == 128 ? x : x & (((W)1 << bits) - 1);
}

static inline S to_signed(W x, u32 bits)
{
    W sign = (W)1 << (bits - 1);
    return (S)((low_bits(x, bits) ^ sign) - sign);
}

static inline W smin_of(u32 bits)
{
    return (W)1 << (bits - 1);
}

static inline W smax_of(u32 bits)
{
    return smin_of(bits) - 1;
}

static inline W umax_of(u32 bits)
{
    return low_bits(~(W)0, bits);
}

static inline W read_lane(const u8 *bytes, u32 bits, u32 i)
{
    W x = 0;
    for (u32 k = bits / 8; k-- > 0;) {
        x = x << 8 | bytes[i * (bits / 8) + k];
    }
    return x;
}

static inline void write_lane(u8 *bytes, u32 bits, u32 i, W x)
{
    for (u32 k = 0; k < bits / 8; k++) {
        bytes[i * (bits / 8) + k] = (u8)(x >> (8 * k));
    }
}

/* ---- the types there are ---- */

typedef struct TypeList {
    u32 count;
    Type types[ALL_TYPES];
    u8 index_of[0x200];
} TypeList;

static TypeList all_types;

static inline void list_types(void)
{
    all_types.count = 1; /* 0: no type */
    for (u32 t = 1; t < 0x200; t++) {
        if (dv_type_is_valid((Type)t)) {
            assert_true(all_types.count < ALL_TYPES);
            all_types.index_of[t] = (u8)all_types.count;
            all_types.types[all_types.count++] = (Type)t;
        }
    }
    assert_int_equal(all_types.count, 1 + 9 * 17);
}

/* ---- cases ---- */

typedef struct Case {
    EvalOp e;
    Type open; /* the type of the operand that the controlling type leaves open; TYPE_NONE */
    u8 *args[OP_MAX_OPERANDS];   /* exactly as large as their types, for the sanitizer to guard */
    u8 *results[OP_MAX_RESULTS]; /* followed by GUARD_BYTES */
    u32 num_results;
} Case;

/* Lane i of result n; what the operation traps with. */
typedef W LaneRef(const Case *c, u32 n, u32 i);
typedef TrapCode TrapRef(const Case *c);

static u32 exercised[OP_COUNT][ALL_TYPES][ALL_TYPES];
static Rng rng;

/* The operand of op that T does not settle; OP_MAX_OPERANDS if there is none. */
static inline u32 open_operand(Op op, Type ctrl)
{
    const OpInfo *info = &dv_ops[op];
    for (u32 i = 0; i < info->num_operands; i++) {
        if (dv_typespec_type((TypeSpec)info->operands[i], ctrl) == TYPE_NONE) {
            return i;
        }
    }
    return OP_MAX_OPERANDS;
}

/* Some vectors have no counterpart of half the lanes or of 128 bits: then there is no such cell. */
static inline bool cell_exists(Op op, Type ctrl)
{
    const OpInfo *info = &dv_ops[op];
    bool exists = info->set == SET_None ? ctrl == TYPE_NONE : dv_typeset_has(info->set, ctrl);
    for (u32 i = 0; i < info->num_results; i++) {
        exists = exists && dv_typespec_type((TypeSpec)info->results[i], ctrl) != TYPE_NONE;
    }
    return exists;
}

static inline void case_start(Case *c, Op op, Type ctrl, Type open)
{
    const OpInfo *info = &dv_ops[op];
    *c = (Case){.open = open, .num_results = info->num_results};
    c->e.op = op;
    c->e.type = ctrl;
    c->e.trap = (TrapCode)(1 + dv_rng_below(&rng, 250));
    c->e.num_args = info->num_operands;
    for (u32 i = 0; i < info->num_operands; i++) {
        Type t = dv_typespec_type((TypeSpec)info->operands[i], ctrl);
        c->e.arg_types[i] = t == TYPE_NONE ? open : t;
        c->args[i] = calloc(1, type_bytes(c->e.arg_types[i]));
        assert_non_null(c->args[i]);
        c->e.args[i] = c->args[i];
    }
    for (u32 i = 0; i < info->num_results; i++) {
        c->e.result_types[i] = dv_typespec_type((TypeSpec)info->results[i], ctrl);
        assert_true(c->e.result_types[i] != TYPE_NONE);
        c->results[i] = malloc(type_bytes(c->e.result_types[i]) + GUARD_BYTES);
        assert_non_null(c->results[i]);
        c->e.results[i] = c->results[i];
    }
}

static inline void case_end(Case *c)
{
    for (u32 i = 0; i < c->e.num_args; i++) {
        free(c->args[i]);
    }
    for (u32 i = 0; i < c->num_results; i++) {
        free(c->results[i]);
    }
}

/* Lane i of operand n, zero-extended; 0 where there is none. */
static inline W arg_lane(const Case *c, u32 n, u32 i)
{
    if (n >= c->e.num_args || i >= type_lanes(c->e.arg_types[n])) {
        return 0;
    }
    return read_lane(c->args[n], type_lane_bits(c->e.arg_types[n]), i);
}

static inline void set_arg_lane(const Case *c, u32 n, u32 i, W x)
{
    write_lane(c->args[n], type_lane_bits(c->e.arg_types[n]), i, x);
}

static inline void explain(const Case *c, const char *what, u32 n, u32 i, W got, W expected)
{
    char ctrl[16], open[16];
    fprintf(
        stderr,
        "%s.%s (open operand %s, aux %u): %s %u, lane %u: got %016llx%016llx, not %016llx%016llx\n",
        dv_ops[c->e.op].name, c->e.type == TYPE_NONE ? "-" : dv_type_name(c->e.type, ctrl),
        c->open == TYPE_NONE ? "-" : dv_type_name(c->open, open), c->e.aux, what, n, i,
        (unsigned long long)(got >> 64), (unsigned long long)got,
        (unsigned long long)(expected >> 64), (unsigned long long)expected);
    for (u32 a = 0; a < c->e.num_args; a++) {
        u32 lanes = type_lanes(c->e.arg_types[a]);
        W x = arg_lane(c, a, i < lanes ? i : lanes - 1);
        fprintf(stderr, "    operand %u, that lane: %016llx%016llx\n", a,
                (unsigned long long)(x >> 64), (unsigned long long)x);
    }
    fail_msg("the evaluator and the reference differ");
}

/* Applies the operation and compares with the reference. trap may be NULL: it never does. */
static inline void case_check(const Case *c, LaneRef *ref, TrapRef *trap)
{
    for (u32 n = 0; n < c->num_results; n++) {
        memset(c->results[n], GUARD, type_bytes(c->e.result_types[n]) + GUARD_BYTES);
    }
    TrapCode expected_trap = trap == NULL ? TRAP_none : trap(c);
    TrapCode got_trap = dv_eval_op(&c->e);
    if (got_trap != expected_trap) {
        explain(c, "trap", 0, 0, got_trap, expected_trap);
    }
    u32 variant = all_types.index_of[c->open];
    exercised[c->e.op][all_types.index_of[c->e.type]][variant]++;
    for (u32 n = 0; n < c->num_results; n++) {
        u32 bits = type_lane_bits(c->e.result_types[n]);
        u32 lanes = type_lanes(c->e.result_types[n]);
        for (u32 i = 0; i < lanes && got_trap == TRAP_none; i++) {
            W got = read_lane(c->results[n], bits, i);
            W expected = low_bits(ref(c, n, i), bits);
            if (got != expected) {
                explain(c, "result", n, i, got, expected);
            }
        }
        for (u32 k = 0; k < GUARD_BYTES; k++) {
            assert_int_equal(c->results[n][type_bytes(c->e.result_types[n]) + k], GUARD);
        }
    }
}

/* ---- operands ---- */

static inline W random_bits(void)
{
    return (W)dv_rng_next(&rng) << 64 | dv_rng_next(&rng);
}

/* Corners often: zero, one, all ones, the ends of the signed range, powers of two and their neighbours. */
static inline W random_integer(u32 bits)
{
    W power = (W)1 << dv_rng_below(&rng, bits);
    switch (dv_rng_below(&rng, 12)) {
    case 0:
        return dv_rng_below(&rng, 3);
    case 1:
        return ~(W)0 - dv_rng_below(&rng, 2);
    case 2:
        return smin_of(bits) + dv_rng_below(&rng, 2);
    case 3:
        return smax_of(bits) - dv_rng_below(&rng, 2);
    case 4:
        return power;
    case 5:
        return power - 1;
    case 6:
        return power + 1;
    case 7:
        return (W)0 - power;
    case 8:
        return random_bits() & (power - 1);
    case 9:
        return ~(random_bits() & (power - 1));
    default:
        return random_bits();
    }
}

/* Bits of a float: zeros, ones, the ends of the normal and subnormal ranges, infinities, NaNs quiet and signalling,
 * integers and halves, and any bits. */
static inline W random_float(u32 bits)
{
    u32 frac = bits == 16 ? 10 : bits == 32 ? 23 : bits == 64 ? 52 : 112;
    u32 max_exp = (1u << (bits - 1 - frac)) - 1;
    W sign = (W)(dv_rng_next(&rng) & 1) << (bits - 1);
    W fraction = random_bits() & (((W)1 << frac) - 1);
    W exp = max_exp / 2 + dv_rng_below(&rng, 9) - 4;
    switch (dv_rng_below(&rng, 16)) {
    case 0:
        return sign;
    case 1:
        return sign | 1;
    case 2:
        return sign | (((W)1 << frac) - dv_rng_below(&rng, 2)); /* about the least normal */
    case 3:
        return sign | ((W)max_exp << frac);
    case 4:
        return sign | (((W)max_exp << frac) - 1);
    case 5:
        return sign | (W)max_exp << frac | fraction;
    case 6:
        return sign | (W)max_exp << frac | ((W)1 << (frac - 1));
    case 7:
        return sign | fraction;
    case 8:
        return sign | exp << frac;
    case 9:
        return sign | exp << frac | ((W)1 << (frac - 1));
    case 10:
    case 11:
        return sign | exp << frac | fraction;
    case 12: /* an integer or a half of up to 12 bits */
        exp = max_exp / 2 + dv_rng_below(&rng, frac < 12 ? frac : 12);
        return sign | exp << frac | (fraction & ~((((W)1 << frac) - 1) >> (exp - max_exp / 2 + 1)));
    case 13: /* about as large as integers can be */
        exp = max_exp / 2 + dv_rng_below(&rng, max_exp / 2 < 130 ? max_exp / 2 : 130);
        return sign | exp << frac | (dv_rng_chance(&rng, 2) ? fraction : 0);
    default:
        return random_bits();
    }
}

/* Random lanes; now and then one is made from the same lane of the operand before it. */
static inline void fill_operand(const Case *c, u32 n)
{
    Type t = c->e.arg_types[n];
    u32 bits = type_lane_bits(t);
    for (u32 i = 0; i < type_lanes(t); i++) {
        W x = type_is_float_lane(t) ? random_float(bits) : random_integer(bits);
        if (n > 0 && dv_rng_chance(&rng, 8)) {
            W other = arg_lane(c, n - 1, i);
            u64 kind = dv_rng_below(&rng, 5);
            x = kind == 0   ? ~other
                : kind == 1 ? other + 1
                : kind == 2 ? other - 1
                : kind == 3 ? other ^ smin_of(bits)
                            : other;
        }
        set_arg_lane(c, n, i, x);
    }
}

static inline void fill_operands(const Case *c)
{
    for (u32 n = 0; n < c->e.num_args; n++) {
        fill_operand(c, n);
    }
}

/* ---- whole cells ---- */

/* What may be chosen besides types: a condition code, a lane, the bytes of a constant. */
typedef void Prepare(Case *c, u32 round);

/* All pairs of scalar operands, or all of a single one, if that is at most 2^16 of them. */
static inline void check_exhaustively(Case *c, LaneRef *ref, TrapRef *trap, Prepare *prepare)
{
    if (c->e.num_args == 0 || type_is_vector(c->e.type) || type_is_vector(c->e.arg_types[0])) {
        return;
    }
    u32 bits0 = type_bits(c->e.arg_types[0]);
    bool pairs = c->e.num_args > 1;
    u32 bits = bits0 + (pairs ? type_bits(c->e.arg_types[1]) : 0);
    if (bits > 16) {
        return;
    }
    for (u32 x = 0; x < 1u << bits; x++) {
        if (c->e.num_args > 2) {
            fill_operand(c, 2);
        }
        set_arg_lane(c, 0, 0, x & ((1u << bits0) - 1));
        if (pairs) {
            set_arg_lane(c, 1, 0, x >> bits0);
        }
        if (prepare != NULL) {
            prepare(c, x);
        }
        case_check(c, ref, trap);
    }
}

static inline void check_cell(Op op, Type ctrl, Type open, LaneRef *ref, TrapRef *trap,
                              Prepare *prepare)
{
    Case c;
    case_start(&c, op, ctrl, open);
    check_exhaustively(&c, ref, trap, prepare);
    u32 lanes = type_lanes(ctrl);
    u32 rounds = lanes > 1 ? 6 + 200 / lanes : 2000;
    Format format = dv_ops[op].format;
    if (lanes > 1 && (format == FORMAT_INT_COMPARE || format == FORMAT_FLOAT_COMPARE)) {
        rounds = 4 * FLOATCC_COUNT; /* every condition of either kind, the integers having fewer */
    }
    for (u32 round = 0; round < rounds; round++) {
        fill_operands(&c);
        if (prepare != NULL) {
            prepare(&c, round);
        }
        case_check(&c, ref, trap);
    }
    case_end(&c);
}

/* Every type of the operation's set, and every type of its open operand. */
static inline void check_operation(Op op, LaneRef *ref, TrapRef *trap, Prepare *prepare)
{
    const OpInfo *info = &dv_ops[op];
    if (info->set == SET_None) {
        check_cell(op, TYPE_NONE, TYPE_NONE, ref, trap, prepare);
        return;
    }
    for (u32 t = 1; t < all_types.count; t++) {
        Type ctrl = all_types.types[t];
        if (!cell_exists(op, ctrl)) {
            continue;
        }
        u32 open = open_operand(op, ctrl);
        if (open == OP_MAX_OPERANDS) {
            check_cell(op, ctrl, TYPE_NONE, ref, trap, prepare);
            continue;
        }
        for (u32 s = 1; s < all_types.count; s++) {
            if (dv_typespec_matches((TypeSpec)info->operands[open], ctrl, all_types.types[s])) {
                check_cell(op, ctrl, all_types.types[s], ref, trap, prepare);
            }
        }
    }
}

/* ---- coverage ---- */

typedef enum Family { FAMILY_INT, FAMILY_FLOAT, FAMILY_VECTOR } Family;

/* Which test program answers for an operation: by the groups of ops.def, so that a new row belongs somewhere. */
static inline Family family_of(Op op)
{
    if (op == OP_fcmp || (op >= OP_fadd && op <= OP_nearest) ||
        (op >= OP_fpromote && op <= OP_fcvt_from_sint) || op == OP_fvdemote ||
        op == OP_fvpromote_low || op == OP_x86_cvtt2dq) {
        return FAMILY_FLOAT;
    }
    return op == OP_bitcast || (op >= OP_splat && op <= OP_x86_pmaddubsw) ? FAMILY_VECTOR
                                                                          : FAMILY_INT;
}

static inline u32 count_missing_open(Op op, Type ctrl)
{
    const OpInfo *info = &dv_ops[op];
    u32 missing = 0;
    u32 open = open_operand(op, ctrl);
    for (u32 s = 0; s < all_types.count; s++) {
        Type t = all_types.types[s];
        bool wanted = open == OP_MAX_OPERANDS
                          ? s == 0
                          : dv_typespec_matches((TypeSpec)info->operands[open], ctrl, t);
        if (wanted && exercised[op][all_types.index_of[ctrl]][s] < 4) {
            char name[16], other[16];
            fprintf(stderr, "%s.%s (open operand %s) was exercised %u times\n", info->name,
                    ctrl == TYPE_NONE ? "-" : dv_type_name(ctrl, name),
                    s == 0 ? "-" : dv_type_name(t, other),
                    exercised[op][all_types.index_of[ctrl]][s]);
            missing++;
        }
    }
    return missing;
}

static inline u32 count_missing(Family family)
{
    u32 missing = 0;
    for (u32 i = 0; i < OP_COUNT; i++) {
        Op op = (Op)i;
        if (!dv_eval_op_is_pure(op) || family_of(op) != family) {
            continue;
        }
        for (u32 t = 0; t < all_types.count; t++) {
            missing += cell_exists(op, all_types.types[t])
                           ? count_missing_open(op, all_types.types[t])
                           : 0;
        }
    }
    return missing;
}

#endif
#endif
