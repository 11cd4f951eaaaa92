/* types.c - types by name and shape, sets of types, and what operand specs mean.
 *
 * Everything here reads typesets.def and typespecs.def; see types.h for the encoding.
 */
#include "codegen/ir/types.h"

#include <stdio.h>

const TypeSet dv_typesets[SET_COUNT] = {
#define TYPESET(name, lanes, shapes, min, max, doc) {#name, (u16)(lanes), (shapes), (min), (max)},
#include "codegen/ir/typesets.def"
#undef TYPESET
};

const char *const dv_typespec_docs[TS_COUNT] = {
#define TYPESPEC(name, doc) doc,
#include "codegen/ir/typespecs.def"
#undef TYPESPEC
};

static const char *const lane_names[LANE_COUNT] = {"none", "i8",  "i16", "i32", "i64",
                                                   "i128", "f16", "f32", "f64", "f128"};

bool dv_type_is_valid(Type t)
{
    u32 lane = type_lane(t), log2_lanes = type_log2_lanes(t);
    if ((t & ~0x1ffu) != 0 || lane == LANE_NONE || lane >= LANE_COUNT) {
        return false;
    }
    return log2_lanes <= TYPE_MAX_LOG2_LANES && !(type_is_dynamic(t) && log2_lanes == 0);
}

Type dv_type_vector(Type t, u32 lanes)
{
    if (!type_is_scalar(t) || lanes == 0 || lanes > 256 || (lanes & (lanes - 1)) != 0) {
        return TYPE_NONE;
    }
    return TYPE_MAKE(t, dv_ctz32(lanes));
}

Type dv_type_truth(Type t)
{
    return type_is_vector(t) ? type_with_lane(t, type_int(type_lane_bits(t))) : TYPE_I8;
}

Type dv_type_half_width(Type t)
{
    u32 bits = type_lane_bits(t) / 2;
    return type_with_lane(t, type_is_int_lane(t) ? type_int(bits) : type_float(bits));
}

Type dv_type_double_width(Type t)
{
    u32 bits = type_lane_bits(t) * 2;
    return type_with_lane(t, type_is_int_lane(t) ? type_int(bits) : type_float(bits));
}

Type dv_type_narrow(Type t)
{
    Type half = dv_type_half_width(t);
    if (half == TYPE_NONE || !type_is_vector(t) || type_log2_lanes(t) == TYPE_MAX_LOG2_LANES) {
        return TYPE_NONE;
    }
    return (Type)(half + (1u << 4));
}

Type dv_type_widen(Type t)
{
    Type twice = dv_type_double_width(t);
    if (twice == TYPE_NONE || !type_is_vector(t) ||
        (type_log2_lanes(t) == 1 && type_is_dynamic(t))) {
        return TYPE_NONE;
    }
    return (Type)(twice - (1u << 4)); /* of two lanes, a scalar is left */
}

const char *dv_type_name(Type t, char *buffer)
{
    if (!dv_type_is_valid(t)) {
        return strcpy(buffer, "none");
    }
    if (!type_is_vector(t)) {
        return strcpy(buffer, lane_names[type_lane(t)]);
    }
    snprintf(buffer, 16, "%sx%u%s", lane_names[type_lane(t)], (unsigned)type_lanes(t),
             type_is_dynamic(t) ? "xN" : "");
    return buffer;
}

Type dv_type_parse(const char *text, usize length)
{
    for (Type lane = LANE_I8; lane < LANE_COUNT; lane++) {
        usize n = strlen(lane_names[lane]);
        if (length < n || memcmp(text, lane_names[lane], n) != 0) {
            continue;
        }
        if (length == n) {
            return lane;
        }
        if (text[n] != 'x') {
            continue;
        }
        u32 lanes = 0;
        usize i = n + 1;
        for (; i < length && text[i] >= '0' && text[i] <= '9' && lanes <= 256; i++) {
            lanes = lanes * 10 + (u32)(text[i] - '0');
        }
        if (i == n + 1 || text[n + 1] == '0' || lanes < 2) {
            return TYPE_NONE;
        }
        Type vector = dv_type_vector(lane, lanes);
        if (i == length) {
            return vector;
        }
        bool dynamic = length - i == 2 && text[i] == 'x' && text[i + 1] == 'N';
        return dynamic && vector != TYPE_NONE ? (Type)(vector | TYPE_DYNAMIC_BIT) : TYPE_NONE;
    }
    return TYPE_NONE;
}

bool dv_typeset_has(TypeSetId id, Type t)
{
    const TypeSet *set = &dv_typesets[id];
    if (!dv_type_is_valid(t) || (set->lanes >> type_lane(t) & 1) == 0) {
        return false;
    }
    if (!type_is_vector(t)) {
        return (set->shapes & SHAPE_SCALAR) != 0;
    }
    u32 shape = type_is_dynamic(t) ? SHAPE_DYNAMIC : SHAPE_VECTOR;
    u32 log2_lanes = type_log2_lanes(t);
    if (id == SET_V128 || id == SET_V128Zero) {
        return (set->shapes & shape) != 0 && type_bits(t) == 128;
    }
    return (set->shapes & shape) != 0 && log2_lanes >= set->log2_lanes_min &&
           log2_lanes <= set->log2_lanes_max;
}

Type dv_typeset_single(TypeSetId set)
{
    const TypeSet *s = &dv_typesets[set];
    bool one_lane = s->lanes != 0 && (s->lanes & (s->lanes - 1)) == 0;
    u32 lane = one_lane ? dv_ctz32(s->lanes) : LANE_NONE;
    if (one_lane && s->shapes == SHAPE_SCALAR) {
        return (Type)lane;
    }
    if (one_lane && s->shapes == SHAPE_VECTOR && s->log2_lanes_min == s->log2_lanes_max) {
        return TYPE_MAKE(lane, (u32)s->log2_lanes_min);
    }
    return TYPE_NONE;
}

Type dv_typespec_type(TypeSpec spec, Type ctrl)
{
    switch (spec) {
    case TS_T:
        return ctrl;
    case TS_Lane:
        return type_lane_type(ctrl);
    case TS_Truth:
        return ctrl == TYPE_NONE ? TYPE_NONE : dv_type_truth(ctrl);
    case TS_Half:
        return dv_type_half_width(ctrl);
    case TS_Double:
        return dv_type_double_width(ctrl);
    case TS_Narrow:
        return dv_type_narrow(ctrl);
    case TS_Widen:
        return dv_type_widen(ctrl);
    case TS_Fixed: {
        u32 bits = type_lane_bits(ctrl);
        return bits == 0 || bits == 128 ? TYPE_NONE
                                        : dv_type_vector(type_lane_type(ctrl), 128 / bits);
    }
    case TS_i8:
        return TYPE_I8;
    case TS_i16:
        return TYPE_I16;
    case TS_i32:
        return TYPE_I32;
    case TS_i64:
        return TYPE_I64;
    case TS_i8x16:
        return TYPE_I8X16;
    case TS_i16x8:
        return TYPE_I16X8;
    case TS_i32x4:
        return TYPE_I32X4;
    case TS_i64x2:
        return TYPE_I64X2;
    case TS_f32x4:
        return TYPE_F32X4;
    case TS_f64x2:
        return TYPE_F64X2;
    default:
        return TYPE_NONE;
    }
}

/* The same lane count, fixed or dynamic alike. */
static bool same_shape(Type a, Type b)
{
    return (a & ~15u) == (b & ~15u);
}

bool dv_typespec_matches(TypeSpec spec, Type ctrl, Type got)
{
    if (!dv_type_is_valid(got)) {
        return false;
    }
    u32 bits = type_lane_bits(got), ctrl_bits = type_lane_bits(ctrl);
    switch (spec) {
    case TS_none:
        return false;
    case TS_Any:
        return true;
    case TS_iB:
        return type_is_int(got);
    case TS_Vec:
        return type_is_vector(got);
    case TS_IntLike:
        return type_is_int_lane(got) && same_shape(ctrl, got);
    case TS_FloatLike:
        return type_is_float_lane(got) && same_shape(ctrl, got);
    case TS_iNarrower:
        return type_is_int(got) && bits < ctrl_bits;
    case TS_iWider:
        return type_is_int(got) && bits > ctrl_bits;
    case TS_fNarrower:
        return type_is_float(got) && bits < ctrl_bits;
    case TS_fWider:
        return type_is_float(got) && bits > ctrl_bits;
    case TS_SameBits:
        return type_bits(got) == type_bits(ctrl) && type_is_dynamic(got) == type_is_dynamic(ctrl);
    case TS_addr:
    case TS_heap:
    case TS_heap2:
    case TS_heapmin:
    case TS_table:
    case TS_table2:
    case TS_tablemin:
        return got == TYPE_I32 || got == TYPE_I64;
    default:
        return got == dv_typespec_type(spec, ctrl);
    }
}
