/* eval_lanes.h - how the files of the evaluator's pure half fit together; see eval_op.c.
 *
 * A lane is its bits in the low end of a U128, the rest zero. A lane function is given such lanes
 * and gives one; bits that it leaves above the lane's width are dropped when the lane is stored.
 */
#ifndef DV_IR_EVAL_LANES_H
#define DV_IR_EVAL_LANES_H

#include "base/bytes.h"
#include "base/softfloat.h"
#include "codegen/ir/eval.h"

/* Lane i of a value whose lanes have this many bits: 8 to 128. */
static inline U128 lane_get(const u8 *bytes, u32 bits, u32 i)
{
    const u8 *p = bytes + (usize)i * (bits / 8);
    switch (bits) {
    case 8:
        return dv_u128_from_u64(*p);
    case 16:
        return dv_u128_from_u64(load_le16(p));
    case 32:
        return dv_u128_from_u64(load_le32(p));
    case 64:
        return dv_u128_from_u64(load_le64(p));
    default:
        ASSERT(bits == 128);
        return load_le128(p);
    }
}

static inline void lane_set(u8 *bytes, u32 bits, u32 i, U128 x)
{
    u8 *p = bytes + (usize)i * (bits / 8);
    switch (bits) {
    case 8:
        *p = (u8)x.lo;
        break;
    case 16:
        store_le16(p, (u16)x.lo);
        break;
    case 32:
        store_le32(p, (u32)x.lo);
        break;
    case 64:
        store_le64(p, x.lo);
        break;
    default:
        ASSERT(bits == 128);
        store_le128(p, x);
        break;
    }
}

/* The low `bits` (1 to 128) of x, zero-extended and sign-extended. */
static inline U128 lane_zero_extend(U128 x, u32 bits)
{
    return dv_u128_lshr(dv_u128_shl(x, 128 - bits), 128 - bits);
}

static inline U128 lane_sign_extend(U128 x, u32 bits)
{
    return dv_u128_ashr(dv_u128_shl(x, 128 - bits), 128 - bits);
}

static inline bool lane_is_negative(U128 x, u32 bits)
{
    return (dv_u128_lshr(x, bits - 1).lo & 1) != 0;
}

/* All ones, the least and the greatest signed integer of this many bits. */
static inline U128 lane_ones(u32 bits)
{
    return lane_zero_extend((U128){UINT64_MAX, UINT64_MAX}, bits);
}

static inline U128 lane_smin(u32 bits)
{
    return dv_u128_shl(dv_u128_from_u64(1), bits - 1);
}

static inline U128 lane_smax(u32 bits)
{
    return dv_u128_lshr(lane_ones(bits), 1);
}

static inline FloatKind lane_float_kind(Type t)
{
    ASSERT(type_is_float_lane(t));
    return (FloatKind)(type_lane(t) - LANE_F16 + FLOAT_16);
}

/* Lane i of operand or result n of an operation. */
static inline U128 eval_arg(const EvalOp *e, u32 n, u32 i)
{
    return lane_get(e->args[n], type_lane_bits(e->arg_types[n]), i);
}

static inline void eval_set(const EvalOp *e, u32 n, u32 i, U128 x)
{
    lane_set(e->results[n], type_lane_bits(e->result_types[n]), i, x);
}

/* Stores the answer of a comparison: 1 or 0 in a scalar, all ones or zeros in a lane. */
static inline void eval_set_truth(const EvalOp *e, u32 i, bool truth)
{
    U128 yes = type_is_vector(e->result_types[0]) ? lane_ones(128) : dv_u128_from_u64(1);
    eval_set(e, 0, i, truth ? yes : dv_u128_from_u64(0));
}

/* What one operation means: a function, and how it is applied to operands. */
typedef enum EvalShape {
    SHAPE_NONE,
    SHAPE_PLAIN1, /* lane by lane, by a function that needs no width */
    SHAPE_PLAIN2,
    SHAPE_LANE1, /* lane by lane */
    SHAPE_LANE2,
    SHAPE_LANE3,
    SHAPE_SHIFT,   /* lane by lane; the second operand is a scalar, taken mod the width */
    SHAPE_CONVERT, /* lane by lane, operand and result of different types */
    SHAPE_FLOAT1,  /* lane by lane, floats */
    SHAPE_FLOAT2,
    SHAPE_FLOAT3,
    SHAPE_DIVIDE, /* scalar, may trap */
    SHAPE_CARRY,  /* scalar, with carry or borrow in where there is a third operand; result and
                     overflow */
    SHAPE_WHOLE   /* anything else */
} EvalShape;

typedef struct EvalRow {
    EvalShape shape;
    union {
        U128 (*plain1)(U128 x);
        U128 (*plain2)(U128 x, U128 y);
        U128 (*lane1)(U128 x, u32 bits);
        U128 (*lane2)(U128 x, U128 y, u32 bits);
        U128 (*lane3)(U128 x, U128 y, U128 z, u32 bits);
        U128 (*shift)(U128 x, u32 amount, u32 bits); /* amount < bits */
        TrapCode (*convert)(Type from, Type to, U128 x, U128 *out);
        U128 (*float1)(FloatKind kind, U128 x);
        U128 (*float2)(FloatKind kind, U128 x, U128 y);
        U128 (*float3)(FloatKind kind, U128 x, U128 y, U128 z);
        TrapCode (*divide)(U128 x, U128 y, u32 bits, U128 *out);
        bool (*carry)(U128 x, U128 y, bool carry, u32 bits, U128 *out); /* true: it overflows */
        TrapCode (*whole)(const EvalOp *e);
    } f;
} EvalRow;

#define ROW_PLAIN1(fn) \
    { \
        SHAPE_PLAIN1, \
        { \
            .plain1 = (fn) \
        } \
    }
#define ROW_PLAIN2(fn) \
    { \
        SHAPE_PLAIN2, \
        { \
            .plain2 = (fn) \
        } \
    }
#define ROW_LANE1(fn) \
    { \
        SHAPE_LANE1, \
        { \
            .lane1 = (fn) \
        } \
    }
#define ROW_LANE2(fn) \
    { \
        SHAPE_LANE2, \
        { \
            .lane2 = (fn) \
        } \
    }
#define ROW_LANE3(fn) \
    { \
        SHAPE_LANE3, \
        { \
            .lane3 = (fn) \
        } \
    }
#define ROW_SHIFT(fn) \
    { \
        SHAPE_SHIFT, \
        { \
            .shift = (fn) \
        } \
    }
#define ROW_CONVERT(fn) \
    { \
        SHAPE_CONVERT, \
        { \
            .convert = (fn) \
        } \
    }
#define ROW_FLOAT1(fn) \
    { \
        SHAPE_FLOAT1, \
        { \
            .float1 = (fn) \
        } \
    }
#define ROW_FLOAT2(fn) \
    { \
        SHAPE_FLOAT2, \
        { \
            .float2 = (fn) \
        } \
    }
#define ROW_FLOAT3(fn) \
    { \
        SHAPE_FLOAT3, \
        { \
            .float3 = (fn) \
        } \
    }
#define ROW_DIVIDE(fn) \
    { \
        SHAPE_DIVIDE, \
        { \
            .divide = (fn) \
        } \
    }
#define ROW_CARRY(fn) \
    { \
        SHAPE_CARRY, \
        { \
            .carry = (fn) \
        } \
    }
#define ROW_WHOLE(fn) \
    { \
        SHAPE_WHOLE, \
        { \
            .whole = (fn) \
        } \
    }

/* eval_int.c, eval_float.c, eval_vector.c: rows of the operations each defines; the others are
 * SHAPE_NONE. */
extern const EvalRow dv_eval_int_rows[OP_COUNT];
extern const EvalRow dv_eval_float_rows[OP_COUNT];
extern const EvalRow dv_eval_vector_rows[OP_COUNT];

#endif
