/* wat_num.c - literals: natural numbers, integers and floating point.
 *
 * Integers may have underscores between digits. A hexadecimal float is collected into a significand
 * whose lowest bit tells whether anything was dropped, and rounded once by dv_float_compose. A
 * decimal one is rounded by dv_float_parse, which reads up to 1000 digits: of longer ones the first
 * 800 are kept and a last digit 1 stands for a rest that is not zero, which is enough, since a
 * number halfway between two doubles has at most 767 digits.
 *
 * Source: WebAssembly core specification 3.0, "Values" of the text format and of the binary format.
 */
#include <stdio.h>

#include "wat_internal.h"

typedef struct Scan {
    const char *at, *end;
} Scan;

static bool scan_char(Scan *s, char c)
{
    if (s->at < s->end && *s->at == c) {
        s->at++;
        return true;
    }
    return false;
}

/* 'e' and 'p' in either case. */
static bool scan_letter(Scan *s, char lower)
{
    return scan_char(s, lower) || scan_char(s, (char)(lower - 'a' + 'A'));
}

static bool scan_text(Scan *s, const char *text)
{
    usize length = strlen(text);
    if ((usize)(s->end - s->at) < length || memcmp(s->at, text, length) != 0) {
        return false;
    }
    s->at += length;
    return true;
}

static i32 digit_value(char c, u32 base)
{
    i32 digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;
    return digit < (i32)base ? digit : -1;
}

/* Moves behind digits, with single underscores between them; false if there is not one. */
static bool scan_digits(Scan *s, u32 base)
{
    const char *begin = s->at;
    bool digit_before = false;
    for (; s->at < s->end; s->at++) {
        bool is_digit = digit_value(*s->at, base) >= 0;
        if (!is_digit && (*s->at != '_' || !digit_before)) {
            break;
        }
        digit_before = is_digit;
    }
    return s->at > begin && digit_before;
}

WatNum dv_wat_parse_nat(Str text, u64 *out)
{
    Scan s = {text.data, text.data + text.len};
    u32 base = scan_text(&s, "0x") ? 16 : 10;
    const char *digits = s.at;
    u64 value = 0;
    bool too_large = false;
    if (!scan_digits(&s, base) || s.at != s.end) {
        return NUM_SYNTAX;
    }
    for (; digits < s.end; digits++) {
        if (*digits != '_') {
            u64 digit = (u64)digit_value(*digits, base);
            too_large = too_large || value > (UINT64_MAX - digit) / base;
            value = value * base + digit;
        }
    }
    *out = value;
    return too_large ? NUM_RANGE : NUM_OK;
}

WatNum dv_wat_parse_int(Str text, u32 bits, u64 *out)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    bool has_sign = negative || (text.len > 0 && text.data[0] == '+');
    Str digits = {text.data + has_sign, text.len - has_sign};
    u64 value = 0;
    WatNum status = dv_wat_parse_nat(digits, &value);
    u64 mask = bits == 64 ? UINT64_MAX : ((u64)1 << bits) - 1;
    u64 limit = negative ? (u64)1 << (bits - 1) : mask;
    if (status == NUM_OK && value > limit) {
        status = NUM_RANGE;
    }
    *out = (negative ? 0 - value : value) & mask;
    return status;
}

/* ---- floats ---- */

enum { EXPONENT_LIMIT = 2000000000, DIGITS_KEPT = 800 };

/* A sign and digits. */
static bool scan_exponent(Scan *s, i64 *exponent)
{
    bool negative = scan_char(s, '-');
    if (!negative) {
        (void)scan_char(s, '+');
    }
    const char *digits = s->at;
    i64 value = 0;
    if (!scan_digits(s, 10)) {
        return false;
    }
    for (; digits < s->at; digits++) {
        if (*digits != '_' && value < EXPONENT_LIMIT) {
            value = value * 10 + digit_value(*digits, 10);
        }
    }
    *exponent = negative ? -value : value;
    return true;
}

/* Digits, perhaps a point and more of them: [*first, s->at). */
static bool scan_mantissa(Scan *s, u32 base)
{
    if (!scan_digits(s, base)) {
        return false;
    }
    if (scan_char(s, '.') && s->at < s->end && digit_value(*s->at, base) >= 0) {
        return scan_digits(s, base);
    }
    return true;
}

static WatNum parse_hex(Scan s, bool negative, FloatKind kind, U128 *bits)
{
    const char *first = s.at;
    const char *last;
    U128 sig = {0, 0};
    i64 exp = 0;
    i64 exponent = 0;
    bool after_point = false;
    if (!scan_mantissa(&s, 16)) {
        return NUM_SYNTAX;
    }
    last = s.at;
    if ((scan_letter(&s, 'p') && !scan_exponent(&s, &exponent)) || s.at != s.end) {
        return NUM_SYNTAX;
    }
    for (; first < last; first++) {
        i32 digit = digit_value(*first, 16);
        after_point = after_point || *first == '.';
        if (digit < 0) {
            continue;
        }
        bool full = sig.hi >> 60 != 0;
        if (full) {
            sig.lo |= digit != 0; /* far below what rounding looks at */
        } else {
            sig = dv_u128_shl(sig, 4);
            sig.lo |= (u64)digit;
        }
        exp += (full ? 4 : 0) - (after_point ? 4 : 0);
    }
    exp += exponent;
    if (dv_u128_is_zero(sig)) {
        *bits = dv_float_zero(kind, negative);
        return NUM_OK;
    }
    exp = exp < -100000 ? -100000 : exp > 100000 ? 100000 : exp;
    *bits = dv_float_compose(kind, negative, (i32)exp, sig, NULL);
    return dv_float_is_inf(kind, *bits) ? NUM_RANGE : NUM_OK;
}

/* Leading digits of a decimal number, and ten's exponent behind the last of them. */
typedef struct Decimal {
    char digits[DIGITS_KEPT + 32];
    u32 count;
    i64 exp;
} Decimal;

static void collect_digits(const char *at, const char *end, Decimal *d)
{
    bool after_point = false;
    bool dropped = false;
    for (; at < end; at++) {
        i32 digit = digit_value(*at, 10);
        after_point = after_point || *at == '.';
        if (digit < 0) {
            continue;
        }
        d->exp -= after_point;
        if (d->count == 0 && digit == 0) {
            continue;
        }
        if (d->count < DIGITS_KEPT) {
            d->digits[d->count++] = *at;
        } else {
            d->exp++;
            dropped = dropped || digit != 0;
        }
    }
    if (dropped) {
        d->digits[d->count++] = '1';
        d->exp--;
    }
}

static WatNum parse_decimal(Scan s, bool negative, FloatKind kind, U128 *bits)
{
    Decimal d;
    i64 exponent = 0;
    const char *first = s.at;
    const char *error = NULL;
    if (!scan_mantissa(&s, 10)) {
        return NUM_SYNTAX;
    }
    const char *last = s.at;
    if ((scan_letter(&s, 'e') && !scan_exponent(&s, &exponent)) || s.at != s.end) {
        return NUM_SYNTAX;
    }
    d.count = 0;
    d.exp = 0;
    collect_digits(first, last, &d);
    d.exp += exponent;
    if (d.count == 0 || d.exp + d.count < -400) {
        *bits = dv_float_zero(kind, negative);
        return NUM_OK;
    }
    if (d.exp + d.count > 400) {
        return NUM_RANGE;
    }
    int length = snprintf(d.digits + d.count, 32, "e%" PRId64, d.exp);
    if (!dv_float_parse(kind, d.digits, d.count + (u32)length, bits, &error)) {
        return NUM_RANGE;
    }
    *bits = negative ? dv_float_neg(kind, *bits) : *bits;
    return NUM_OK;
}

static WatNum parse_nan(Str payload, bool negative, FloatKind kind, U128 *bits)
{
    u64 value;
    u32 frac_bits = dv_float_frac_bits(kind);
    WatNum status = dv_wat_parse_nat(payload, &value);
    if (status == NUM_OK && (value == 0 || value >> frac_bits != 0)) {
        status = NUM_RANGE;
    }
    if (status == NUM_OK) {
        *bits = dv_float_inf(kind, negative);
        bits->lo |= value;
    }
    return status;
}

WatNum dv_wat_parse_float(Str text, FloatKind kind, u64 *out)
{
    Scan s = {text.data, text.data + text.len};
    U128 bits = {0, 0};
    bool negative = scan_char(&s, '-');
    WatNum status = NUM_OK;
    if (!negative) {
        (void)scan_char(&s, '+');
    }
    Str rest = {s.at, (u32)(s.end - s.at)};
    if (dv_str_is(rest, "inf")) {
        bits = dv_float_inf(kind, negative);
    } else if (dv_str_is(rest, "nan")) {
        bits = dv_float_nan(kind);
        bits = negative ? dv_float_neg(kind, bits) : bits;
    } else if (scan_text(&s, "nan:0x")) {
        status = parse_nan((Str){s.at - 2, (u32)(s.end - s.at) + 2}, negative, kind, &bits);
    } else if (scan_text(&s, "0x")) {
        status = parse_hex(s, negative, kind, &bits);
    } else {
        status = parse_decimal(s, negative, kind, &bits);
    }
    *out = bits.lo;
    return status;
}

static bool reads_back(const char *text, usize length, FloatKind kind, u64 bits)
{
    u64 again;
    Str s = {text, (u32)length};
    return dv_wat_parse_float(s, kind, &again) == NUM_OK && again == bits;
}

/* What is a whole number below 10^7, or one with up to four digits behind the point, is written
 * in decimal. */
static bool print_short(TextBuf *out, FloatKind kind, u64 bits)
{
    static const u32 scales[] = {1, 10, 100, 1000, 10000};
    U128 value = dv_float_abs(kind, (U128){bits, 0});
    bool negative = dv_float_is_negative(kind, (U128){bits, 0});
    for (u32 places = 0; places < ARRAY_LEN(scales); places++) {
        U128 scale = dv_float_from_int(kind, (U128){scales[places], 0}, 64, false);
        U128 scaled = dv_float_nearest(kind, dv_float_mul(kind, value, scale));
        U128 whole;
        if (dv_float_to_int(kind, scaled, 64, false, &whole) != FLOAT_INT_OK ||
            whole.lo >= (u64)10000000 * scales[places]) {
            return false;
        }
        char text[48];
        int length = snprintf(text, sizeof text, "%s%" PRIu64, negative ? "-" : "",
                              whole.lo / scales[places]);
        if (places > 0) {
            length += snprintf(text + length, sizeof text - (usize)length, ".%0*" PRIu64,
                               (int)places, whole.lo % scales[places]);
        }
        if (reads_back(text, (usize)length, kind, bits)) {
            dv_text_bytes(out, text, (usize)length);
            return true;
        }
    }
    return false;
}

void dv_wat_print_float(TextBuf *out, FloatKind kind, u64 bits)
{
    U128 value = {bits, 0};
    u32 frac_bits = dv_float_frac_bits(kind);
    u64 frac = bits & (((u64)1 << frac_bits) - 1);
    if (!dv_float_is_nan(kind, value) && !dv_float_is_inf(kind, value)) {
        if (!print_short(out, kind, bits)) {
            char text[FLOAT_TEXT_MAX];
            usize length = dv_float_format(kind, value, text);
            dv_text_bytes(out, text, length);
        }
        return;
    }
    dv_text_str(out, dv_float_is_negative(kind, value) ? "-" : "");
    if (frac == 0) {
        dv_text_str(out, "inf");
    } else if (frac == (u64)1 << (frac_bits - 1)) {
        dv_text_str(out, "nan");
    } else {
        dv_text_printf(out, "nan:0x%" PRIx64, frac);
    }
}
