/* gen_value.c - constants at the corners, values in sight, and the accumulator that consumes all of them.
 *
 * Integers are at the ends of their ranges, powers of two and neighbours, small, or random. Floats are zeros, infinities,
 * NaNs of every kind, denormals, the ends of the range, powers of two where conversions to integers begin to
 * overflow and their neighbours, halves, or random bits.
 *
 * Folding keeps every bit of acc: it is rotated or not, then combined with the value by xor, add or subtract.
 */
#include "tools/gen_internal.h"

#include "base/bytes.h"
#include "codegen/ir/print.h"

/* ---- Text ---- */

static void end_line(Gen *g, const char *format, va_list args)
{
    dv_text_vprintf(&g->out, format, args);
    dv_text_char(&g->out, '\n');
    g->num_insts++;
    g->cost += g->mult;
}

u32 dv_gen_emit(Gen *g, const char *format, ...)
{
    va_list args;
    u32 id = g->next_value++;
    dv_text_printf(&g->out, "    v%u = ", (unsigned)id);
    va_start(args, format);
    end_line(g, format, args);
    va_end(args);
    return id;
}

void dv_gen_effect(Gen *g, const char *format, ...)
{
    va_list args;
    dv_text_str(&g->out, "    ");
    va_start(args, format);
    end_line(g, format, args);
    va_end(args);
}

/* ---- Corners ---- */

static U128 low_bits(U128 x, u32 bits)
{
    if (bits < 64) {
        x.lo &= ((u64)1 << bits) - 1;
    }
    x.hi = bits == 128 ? x.hi : 0;
    return x;
}

static U128 power(u32 n)
{
    return n < 64 ? (U128){(u64)1 << n, 0} : (U128){0, (u64)1 << (n - 64)};
}

static U128 add_step(U128 x, i32 step)
{
    U128 s = dv_u128_from_i64(step);
    u64 lo = x.lo + s.lo;
    return (U128){lo, x.hi + s.hi + (lo < x.lo)};
}

static U128 random_bits(Gen *g, u32 bits)
{
    U128 x = {0, 0};
    x.lo = dv_gen_u64(g);
    x.hi = bits == 128 ? dv_gen_u64(g) : 0;
    return low_bits(x, bits);
}

U128 dv_gen_corner_int(Gen *g, u32 bits)
{
    U128 x = {0, 0};
    switch (dv_gen_choose(g, 8)) {
    case 0:
        x.lo = dv_gen_choose(g, 4);
        break;
    case 1:
        x = dv_u128_from_i64(-1 - (i64)dv_gen_choose(g, 3));
        break;
    case 2: /* least, most, and beside them */
        x = add_step(power(bits - 1), (i32)dv_gen_choose(g, 4) - 2);
        break;
    case 3: /* widths */
        x.lo = bits - 1 + dv_gen_choose(g, 3);
        break;
    case 4:
        x = power(dv_gen_choose(g, bits));
        x = add_step(x, (i32)dv_gen_choose(g, 3) - 1);
        break;
    case 5:
        x.lo = dv_gen_choose(g, 256);
        break;
    default:
        return random_bits(g, bits);
    }
    return low_bits(x, bits);
}

static u32 mantissa_bits(Type type)
{
    switch (type) {
    case TYPE_F16:
        return 10;
    case TYPE_F32:
        return 23;
    case TYPE_F64:
        return 52;
    default:
        return 112;
    }
}

static U128 with_exponent(Type type, u32 exponent)
{
    u32 m = mantissa_bits(type);
    return m < 64 ? (U128){(u64)exponent << m, 0} : (U128){0, (u64)exponent << (m - 64)};
}

static u32 largest_exponent(Type type)
{
    return (1u << (type_bits(type) - 1 - mantissa_bits(type))) - 1;
}

U128 dv_gen_power_of_two(Type type, i32 exponent, i32 step)
{
    i32 most = (i32)largest_exponent(type), biased = exponent + most / 2;
    if (biased <= 0) {
        return (U128){step > 0 ? 1 : 0, 0};
    }
    bool infinite = biased >= most;
    U128 x = with_exponent(type, (u32)(infinite ? most : biased));
    return infinite && step > 0 ? x : add_step(x, step);
}

/* Where conversions to integers begin to overflow. */
static U128 integer_bound(Gen *g, Type type)
{
    static const u8 powers[] = {0, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128};
    u32 n = dv_gen_choose(g, ARRAY_LEN(powers));
    return dv_gen_power_of_two(type, powers[n], (i32)dv_gen_choose(g, 3) - 1);
}

/* The magnitude. */
static U128 corner_magnitude(Gen *g, Type type)
{
    u32 m = mantissa_bits(type), most = largest_exponent(type), n = dv_gen_choose(g, 13);
    U128 infinity = with_exponent(type, most), one = with_exponent(type, most / 2);
    switch (n) {
    case 0:
        return (U128){0, 0};
    case 1:
        return infinity;
    case 2: /* quiet, perhaps with a payload */
        return dv_u128_or(dv_u128_or(infinity, power(m - 1)), (U128){dv_gen_choose(g, 3), 0});
    case 3: /* signalling */
        return dv_u128_or(infinity, dv_gen_choose(g, 2) == 0 ? (U128){1, 0} : power(m - 2));
    case 4: /* denormal: most, or a bit */
        return dv_gen_chance(g, 3) ? add_step(power(m), -1) : power(dv_gen_choose(g, m));
    case 5: /* normal: least, most */
        return dv_gen_choose(g, 2) == 0 ? with_exponent(type, 1) : add_step(infinity, -1);
    case 6:
        return one;
    case 7: /* 1.5, 1.25, 1.125 */
        return dv_u128_or(one, power(m - 1 - dv_gen_choose(g, 3)));
    case 8: /* 0.5, 2.5, 3.5: ties */
        return dv_gen_choose(g, 3) == 0
                   ? with_exponent(type, most / 2 - 1)
                   : dv_u128_or(with_exponent(type, most / 2 + 1),
                                dv_u128_or(power(m - 2), power(m - 1 - dv_gen_choose(g, 2))));
    case 9:
    case 10:
        return integer_bound(g, type);
    default:
        return random_bits(g, type_bits(type));
    }
}

U128 dv_gen_corner_float(Gen *g, Type type)
{
    U128 x = corner_magnitude(g, type);
    u32 sign = type_bits(type) - 1;
    return dv_gen_choose(g, 3) == 1 ? dv_u128_or(x, power(sign)) : x;
}

/* ---- Constants ---- */

void dv_gen_bytes_of(U128 x, u8 *bytes)
{
    store_le64(bytes, x.lo);
    store_le64(bytes + 8, x.hi);
}

static u32 float_const(Gen *g, Type type, U128 bits)
{
    u8 bytes[16];
    TextBuf text;
    char name[16];
    dv_gen_bytes_of(bits, bytes);
    dv_text_init(&text, g->arena);
    dv_print_literal(&text, type, bytes);
    return dv_gen_emit(g, "%sconst %s", dv_type_name(type, name), text.data);
}

/* Dynamic vectors are splats of their lane's constant. */
static u32 vector_const(Gen *g, Type type, U128 bits)
{
    char name[16];
    if (type_is_dynamic(type)) {
        u32 lane = dv_gen_const(g, type_lane_type(type), low_bits(bits, type_lane_bits(type)));
        return dv_gen_emit(g, "splat.%s v%u", dv_type_name(type, name), (unsigned)lane);
    }
    bits = low_bits(bits, type_bits(type) < 128 ? type_bits(type) : 128);
    return dv_gen_emit(g, "vconst.%s 0x%0*" PRIx64 "%016" PRIx64, dv_type_name(type, name),
                       type_bits(type) > 64 ? 16 : 1, bits.hi, bits.lo);
}

u32 dv_gen_const(Gen *g, Type type, U128 bits)
{
    char name[16];
    if (type_is_vector(type)) {
        return vector_const(g, type, bits);
    }
    if (type_is_float(type)) {
        return float_const(g, type, bits);
    }
    if (type == TYPE_I128) {
        u32 lo = dv_gen_int(g, TYPE_I64, bits.lo), hi = dv_gen_int(g, TYPE_I64, bits.hi);
        return dv_gen_emit(g, "iconcat.i64 v%u, v%u", (unsigned)lo, (unsigned)hi);
    }
    u64 x = low_bits(bits, type_bits(type)).lo;
    return dv_gen_emit(g, "iconst.%s 0x%" PRIx64, dv_type_name(type, name), x);
}

u32 dv_gen_int(Gen *g, Type type, u64 x)
{
    return dv_gen_const(g, type, (U128){x, 0});
}

u32 dv_gen_corner(Gen *g, Type type)
{
    u32 bits = type_bits(type) < 128 ? type_bits(type) : 128;
    return dv_gen_const(
        g, type, type_is_float(type) ? dv_gen_corner_float(g, type) : dv_gen_corner_int(g, bits));
}

/* ---- Values ---- */

u32 dv_gen_derive(Gen *g, Type type)
{
    char name[16];
    const char *text = dv_type_name(type, name);
    u32 bits = type_bits(type), id = g->acc;
    if (type_is_vector(type)) {
        return dv_gen_emit(g, "splat.%s v%u", text,
                           (unsigned)dv_gen_derive(g, type_lane_type(type)));
    }
    if (bits < 64) {
        char narrow[16];
        id = dv_gen_emit(g, "ireduce.%s v%u", dv_type_name(type_int(bits), narrow), (unsigned)id);
    } else if (bits == 128) {
        u32 high = dv_gen_emit(g, "bnot.i64 v%u", (unsigned)id);
        id = dv_gen_emit(g, "iconcat.i64 v%u, v%u", (unsigned)high, (unsigned)id);
    }
    return type_is_float(type) ? dv_gen_emit(g, "bitcast.%s v%u", text, (unsigned)id) : id;
}

/* One in sight; ENTITY_NONE if there is none among those looked at. */
static u32 find_value(Gen *g, Type type, bool loose_ok)
{
    u32 count = g->values.len;
    if (count == 0) {
        return ENTITY_NONE;
    }
    u32 start = dv_gen_choose(g, count < 64 ? count : 64);
    for (u32 i = 0; i < count && i < 256; i++) {
        const GenValue *v = &g->values.data[count - 1 - (start + i) % count];
        if (v->type == type && (loose_ok || !v->loose)) {
            return v->id;
        }
    }
    return ENTITY_NONE;
}

u32 dv_gen_value(Gen *g, Type type, bool loose_ok)
{
    u32 how = dv_gen_choose(g, 8);
    u32 found = how < 5 ? find_value(g, type, loose_ok) : ENTITY_NONE;
    if (found != ENTITY_NONE) {
        return found;
    }
    return how % 2 == 0 ? dv_gen_derive(g, type) : dv_gen_corner(g, type);
}

u32 dv_gen_int_value(Gen *g, Type *type)
{
    *type = dv_gen_int_type(g);
    return dv_gen_value(g, *type, false);
}

void dv_gen_add(Gen *g, u32 id, Type type, bool loose)
{
    GenValue v = {id, type, loose};
    vec_push(g->arena, &g->values, v);
    vec_push(g->arena, &g->pending, v);
}

/* ---- Consuming ---- */

static u32 make_canonical(Gen *g, u32 id, Type type)
{
    char name[16];
    const char *text = dv_type_name(type, name);
    U128 nan = with_exponent(type, largest_exponent(type));
    u32 test = dv_gen_emit(g, "fcmp.%s uno v%u, v%u", text, (unsigned)id, (unsigned)id);
    u32 canonical = dv_gen_const(g, type, dv_u128_or(nan, power(mantissa_bits(type) - 1)));
    return dv_gen_emit(g, "select.%s v%u, v%u, v%u", text, (unsigned)test, (unsigned)canonical,
                       (unsigned)id);
}

static void fold_i64(Gen *g, u32 id)
{
    static const char *const forms[] = {"bxor.i64 v%u, v%u", "isub.i64 v%u, v%u",
                                        "iadd.i64 v%u, v%u"};
    unsigned acc = g->acc, value = id;
    u32 form = dv_gen_choose(g, ARRAY_LEN(forms));
    if (form != 1) {
        acc = dv_gen_emit(g, "rotl.i64 v%u, v%u", acc, value);
    }
    g->acc = form == 0   ? dv_gen_emit(g, "bxor.i64 v%u, v%u", acc, value)
             : form == 1 ? dv_gen_emit(g, "isub.i64 v%u, v%u", value, acc)
                         : dv_gen_emit(g, "iadd.i64 v%u, v%u", acc, value);
}

void dv_gen_fold(Gen *g, GenValue v)
{
    char name[16];
    u32 id = v.id, bits = type_bits(v.type);
    if (type_is_vector(v.type)) {
        id = dv_gen_emit(g, "vany_true.%s v%u", dv_type_name(v.type, name), (unsigned)id);
        bits = 8;
    } else if (v.loose) {
        id = make_canonical(g, id, v.type);
    }
    if (type_is_float(v.type)) {
        id = dv_gen_emit(g, "bitcast.%s v%u", dv_type_name(type_int(bits), name), (unsigned)id);
    }
    if (bits == 128) {
        u32 high = g->next_value + 1;
        dv_gen_effect(g, "v%u, v%u = isplit.i128 v%u", (unsigned)g->next_value, (unsigned)high,
                      (unsigned)id);
        id = g->next_value;
        g->next_value += 2;
        fold_i64(g, high);
    } else if (bits < 64) {
        id = dv_gen_emit(g, "%sextend.i64 v%u", dv_gen_choose(g, 2) == 0 ? "u" : "s", (unsigned)id);
    }
    fold_i64(g, id);
}

void dv_gen_fold_all(Gen *g)
{
    while (g->pending.len > g->pending_base) {
        dv_gen_fold(g, vec_pop(&g->pending));
    }
}

GenScope dv_gen_enter(Gen *g)
{
    GenScope s = {g->values.len, g->pending_base, g->acc};
    g->pending_base = g->pending.len;
    return s;
}

void dv_gen_leave(Gen *g, const GenScope *s)
{
    ASSERT(g->pending.len == g->pending_base);
    g->values.len = s->num_values;
    g->pending_base = s->pending_base;
    g->acc = s->acc;
}
