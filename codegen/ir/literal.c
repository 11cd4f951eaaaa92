/* literal.c - literals of every type, as constants and run directives write them.
 *
 * The extent of a scalar is found by its characters alone, then the whole of it must be a number of
 * the type: an integer in the signed or unsigned range of its width, or what dv_float_parse reads.
 * A vector is its lanes in brackets, or one hexadecimal number: the little-endian integer of its
 * bytes, zero-extended.
 */
#include "base/bytes.h"
#include "base/softfloat.h"
#include "codegen/ir/lex.h"
#include "codegen/ir/parse.h"

static const char *skip_spaces(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    return at;
}

/* Where the number that starts here ends; signs belong to it at its start and in an exponent. */
static const char *number_end(const char *at, const char *end)
{
    const char *start = at;
    at += at < end && (*at == '+' || *at == '-');
    bool is_hex = end - at > 1 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
    for (; at < end; at++) {
        bool sign = (*at == '+' || *at == '-') && at > start;
        bool exponent = sign && (at[-1] == 'p' || at[-1] == 'P' ||
                                 (!is_hex && (at[-1] == 'e' || at[-1] == 'E')));
        if (!lex_is_word_char(*at) && *at != '.' && *at != ':' && !exponent) {
            break;
        }
    }
    return at;
}

/* True if the integer is one of `bits` bits, signed or unsigned; *value then gets those bits. */
static bool fit_integer(bool negative, U128 magnitude, u32 bits, U128 *value)
{
    U128 sign = dv_u128_shl((U128){1, 0}, bits - 1);
    if (negative) {
        *value = dv_u128_neg(magnitude);
        return !dv_u128_ult(sign, magnitude);
    }
    *value = magnitude;
    return bits == 128 || dv_u128_is_zero(dv_u128_lshr(magnitude, bits));
}

static bool parse_scalar(Arena *arena, const char **cursor, const char *end, Type type, u8 *bytes,
                         const char **expected)
{
    char type_name[16];
    const char *start = *cursor;
    const char *stop = number_end(start, end);
    usize length = (usize)(stop - start);
    U128 value;
    if (type_is_float_lane(type)) {
        const char *error;
        if (!dv_float_parse((FloatKind)(type_lane(type) - LANE_F16), start, length, &value,
                            &error)) {
            *expected = error;
            return false;
        }
    } else {
        bool negative;
        U128 magnitude;
        if (!dv_lex_integer(start, length, &negative, &magnitude)) {
            *expected = "expected an integer";
            return false;
        }
        if (!fit_integer(negative, magnitude, type_lane_bits(type), &value)) {
            *expected =
                dv_arena_printf(arena, "%s does not fit %s", dv_diag_quote(arena, start, length),
                                dv_type_name(type, type_name));
            return false;
        }
    }
    u8 all[16];
    store_le128(all, value);
    memcpy(bytes, all, type_bytes(type));
    *cursor = stop;
    return true;
}

static bool parse_lanes(Arena *arena, const char **cursor, const char *end, Type type, u8 *bytes,
                        const char **expected)
{
    Type lane = type_lane_type(type);
    u32 lanes = type_lanes(type);
    const char *at = *cursor + 1;
    for (u32 i = 0; i < lanes; i++) {
        at = skip_spaces(at, end);
        if (i > 0 && at < end && *at == ',') {
            at = skip_spaces(at + 1, end);
        }
        if (at < end && *at == ']') {
            *expected =
                dv_arena_printf(arena, "expected %u lanes, found %u", (unsigned)lanes, (unsigned)i);
            return false;
        }
        if (!parse_scalar(arena, &at, end, lane, bytes + i * type_bytes(lane), expected)) {
            return false;
        }
    }
    at = skip_spaces(at, end);
    if (at == end || *at != ']') {
        *expected = dv_arena_printf(arena, "expected ']' after %u lanes", (unsigned)lanes);
        return false;
    }
    *cursor = at + 1;
    return true;
}

/* 0x and digits of any number: bytes from the last digit up. */
static bool parse_hex_vector(const char **cursor, const char *end, Type type, u8 *bytes,
                             const char **expected)
{
    const char *start = *cursor;
    const char *stop = number_end(start, end);
    u32 size = type_bytes(type);
    memset(bytes, 0, size);
    if (stop - start < 3 || start[0] != '0' || (start[1] != 'x' && start[1] != 'X')) {
        *expected = "expected '[' or a hexadecimal number";
        return false;
    }
    u32 digit = 0;
    for (const char *at = stop; at > start + 2; at--) {
        U128 value;
        if (at[-1] == '_') {
            continue;
        }
        if (!dv_u128_parse(at - 1, 1, 16, &value)) {
            *expected = "expected a hexadecimal number";
            return false;
        }
        if (digit >= size * 2 && value.lo != 0) {
            *expected = "the number has more bits than its type";
            return false;
        }
        if (digit < size * 2) {
            bytes[digit / 2] |= (u8)(value.lo << (digit % 2 * 4));
            digit++;
        }
    }
    if (digit == 0) {
        *expected = "expected a hexadecimal number";
        return false;
    }
    *cursor = stop;
    return true;
}

bool dv_literal_parse(Arena *arena, const char **cursor, const char *end, Type type, u8 *bytes,
                      const char **expected)
{
    const char *at = skip_spaces(*cursor, end);
    bool ok;
    if (!dv_type_is_valid(type)) {
        *expected = "expected a type";
        return false;
    }
    if (!type_is_vector(type)) {
        ok = parse_scalar(arena, &at, end, type, bytes, expected);
    } else if (at < end && *at == '[') {
        ok = parse_lanes(arena, &at, end, type, bytes, expected);
    } else {
        ok = parse_hex_vector(&at, end, type, bytes, expected);
    }
    *cursor = ok ? at : *cursor;
    return ok;
}
