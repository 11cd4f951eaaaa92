/* types.h - the types of CLIF values.
 *
 * A Type is 16 bits: a lane (bits 0-3), log2 of the lane count (bits 4-7) and whether the vector is
 * dynamic (bit 8: the lane count is a minimum, multiplied by a scale known to the target; every
 * target here has scale 1). Zero is no type. Lanes are i8 i16 i32 i64 i128 f16 f32 f64 f128;
 * vectors have a power of two of lanes, 2 to 256.
 */
#ifndef DV_IR_TYPES_H
#define DV_IR_TYPES_H

#include "base/base.h"
#include "base/vec.h"

typedef u16 Type;

enum {
    LANE_NONE,
    LANE_I8,
    LANE_I16,
    LANE_I32,
    LANE_I64,
    LANE_I128,
    LANE_F16,
    LANE_F32,
    LANE_F64,
    LANE_F128,
    LANE_COUNT
};

#define TYPE_NONE ((Type)0)
#define TYPE_MAKE(lane, log2_lanes) ((Type)((lane) | (log2_lanes) << 4))
#define TYPE_DYNAMIC_BIT ((Type)0x100)
enum { TYPE_MAX_LOG2_LANES = 8, TYPE_MAX_BYTES = 16 * 256 };

enum {
    TYPE_I8 = LANE_I8,
    TYPE_I16 = LANE_I16,
    TYPE_I32 = LANE_I32,
    TYPE_I64 = LANE_I64,
    TYPE_I128 = LANE_I128,
    TYPE_F16 = LANE_F16,
    TYPE_F32 = LANE_F32,
    TYPE_F64 = LANE_F64,
    TYPE_F128 = LANE_F128,
    TYPE_I8X8 = TYPE_MAKE(LANE_I8, 3),
    TYPE_I16X4 = TYPE_MAKE(LANE_I16, 2),
    TYPE_I32X2 = TYPE_MAKE(LANE_I32, 1),
    TYPE_F32X2 = TYPE_MAKE(LANE_F32, 1),
    TYPE_I8X16 = TYPE_MAKE(LANE_I8, 4),
    TYPE_I16X8 = TYPE_MAKE(LANE_I16, 3),
    TYPE_I32X4 = TYPE_MAKE(LANE_I32, 2),
    TYPE_I64X2 = TYPE_MAKE(LANE_I64, 1),
    TYPE_F16X8 = TYPE_MAKE(LANE_F16, 3),
    TYPE_F32X4 = TYPE_MAKE(LANE_F32, 2),
    TYPE_F64X2 = TYPE_MAKE(LANE_F64, 1)
};

static inline u32 type_lane(Type t)
{
    return t & 15u;
}

static inline u32 type_log2_lanes(Type t)
{
    return (t >> 4) & 15u;
}

/* Number of lanes; of a dynamic vector, the minimum, which at scale 1 is the number. */
static inline u32 type_lanes(Type t)
{
    return 1u << type_log2_lanes(t);
}

static inline bool type_is_dynamic(Type t)
{
    return (t & TYPE_DYNAMIC_BIT) != 0;
}

static inline bool type_is_vector(Type t)
{
    return type_log2_lanes(t) != 0;
}

static inline Type type_lane_type(Type t)
{
    return (Type)type_lane(t);
}

static inline bool type_is_int_lane(Type t)
{
    return type_lane(t) >= LANE_I8 && type_lane(t) <= LANE_I128;
}

static inline bool type_is_float_lane(Type t)
{
    return type_lane(t) >= LANE_F16 && type_lane(t) <= LANE_F128;
}

static inline bool type_is_scalar(Type t)
{
    return t != TYPE_NONE && !type_is_vector(t);
}

static inline bool type_is_int(Type t)
{
    return type_is_scalar(t) && type_is_int_lane(t);
}

static inline bool type_is_float(Type t)
{
    return type_is_scalar(t) && type_is_float_lane(t);
}

/* Bits of one lane: 8 to 128; 0 of no type. */
static inline u32 type_lane_bits(Type t)
{
    u32 lane = type_lane(t);
    return lane == LANE_NONE ? 0 : lane <= LANE_I128 ? 4u << lane : 16u << (lane - LANE_F16);
}

static inline u32 type_bits(Type t)
{
    return type_lane_bits(t) << type_log2_lanes(t);
}

static inline u32 type_bytes(Type t)
{
    return type_bits(t) / 8;
}

/* The scalar integer or float of this many bits; TYPE_NONE if there is none. */
static inline Type type_int(u32 bits)
{
    return bits == 8     ? TYPE_I8
           : bits == 16  ? TYPE_I16
           : bits == 32  ? TYPE_I32
           : bits == 64  ? TYPE_I64
           : bits == 128 ? TYPE_I128
                         : TYPE_NONE;
}

static inline Type type_float(u32 bits)
{
    return bits == 16    ? TYPE_F16
           : bits == 32  ? TYPE_F32
           : bits == 64  ? TYPE_F64
           : bits == 128 ? TYPE_F128
                         : TYPE_NONE;
}

/* The same shape with another lane type (TYPE_NONE stays TYPE_NONE). */
static inline Type type_with_lane(Type t, Type lane)
{
    return lane == TYPE_NONE ? TYPE_NONE : (Type)((t & ~15u) | type_lane(lane));
}

/* ---- types.c ---- */

/* True if t is one of the types described above. */
bool dv_type_is_valid(Type t);
/* A vector of `lanes` lanes of scalar t; TYPE_NONE if lanes is no power of two or too large; 1
 * gives t. */
Type dv_type_vector(Type t, u32 lanes);
/* What icmp, fcmp give for operands of t: i8 for scalars, else integer lanes of the same width. */
Type dv_type_truth(Type t);
/* The same lane class with half or double the bits, lane count unchanged; TYPE_NONE if there is
 * none. */
Type dv_type_half_width(Type t);
Type dv_type_double_width(Type t);
/* Half (double) lane width and double (half) lane count: narrowing, widening of vectors. */
Type dv_type_narrow(Type t);
Type dv_type_widen(Type t);
/* Writes "i32", "f64", "i8x16" or, dynamic, "i32x4xN" and a NUL into buffer, at least 16 bytes;
 * returns buffer. */
const char *dv_type_name(Type t, char *buffer);
/* Reads a whole name as written by dv_type_name; TYPE_NONE if it is none. */
Type dv_type_parse(const char *text, usize length);

/* ---- typesets.def: sets of types that a controlling type may come from ---- */

enum { SHAPE_SCALAR = 1, SHAPE_VECTOR = 2, SHAPE_DYNAMIC = 4 };

typedef struct TypeSet {
    const char *name;
    u16 lanes;                         /* bit LANE_x */
    u8 shapes;                         /* SHAPE_ */
    u8 log2_lanes_min, log2_lanes_max; /* of vectors */
} TypeSet;

typedef enum TypeSetId {
#define TYPESET(name, lanes, shapes, min, max, doc) SET_##name,
#include "codegen/ir/typesets.def"
#undef TYPESET
    SET_COUNT
} TypeSetId;

extern const TypeSet dv_typesets[SET_COUNT];
bool dv_typeset_has(TypeSetId set, Type t);
/* The only type of a set that has only one, which text then need not tell; TYPE_NONE if it has more. */
Type dv_typeset_single(TypeSetId set);

/* ---- typespecs.def: what an operand or result must be, given the controlling type T ---- */

typedef enum TypeSpec {
#define TYPESPEC(name, doc) TS_##name,
#include "codegen/ir/typespecs.def"
#undef TYPESPEC
    TS_COUNT
} TypeSpec;

extern const char *const dv_typespec_docs[TS_COUNT];
/* The one type that spec allows under T; TYPE_NONE if it allows several or depends on an entity. */
Type dv_typespec_type(TypeSpec spec, Type ctrl);
/* True if `got` satisfies spec under T. Entity-dependent specs (heap, table) accept i32 and i64
 * here; the verifier, which sees the entity, is exact. */
bool dv_typespec_matches(TypeSpec spec, Type ctrl, Type got);

#endif
