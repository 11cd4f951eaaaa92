/* softfloat_text.c - floating-point numbers as CLIF text.
 *
 * Writing is direct: the fraction, moved up to a whole number of hexadecimal digits, behind "0x1."
 * or "0x0.", and the unbiased exponent in decimal.
 *
 * Reading hexadecimal collects the leading digits in 128 bits and the place of the point in the
 * exponent; dv_float_compose then says whether the kind holds the number exactly.
 *
 * Reading decimal is exact too, and rounds once: D * 10^e is the fraction (D * 5^e) / 1 or D /
 * 5^-e, times 2^e. Numerator and denominator are bignums of bounded size (`Big`); they are shifted
 * to the same length, and 128 binary digits of the quotient and whether the rest is zero are what
 * dv_float_compose needs. No text costs more than about a hundred thousand word operations.
 *
 * Source: IEEE Std 754-2019, 5.12; the spelling is CLIF's, as its files show it.
 */
#include "softfloat.h"

static const char *const bad_number = "expected a floating-point number";
static const char *const bad_payload = "NaN payload out of range";
static const char *const bad_exponent = "exponent out of range";
static const char *const too_large = "number too large for its type";
static const char *const not_exact = "its type cannot hold this number exactly";
static const char *const too_long = "too many digits";

/* Writing */

static char *put_string(char *at, const char *string)
{
    usize length = strlen(string);
    memcpy(at, string, length + 1);
    return at + length;
}

static char *put_hex(char *at, U128 value, u32 digits)
{
    while (digits > 0) {
        digits--;
        *at++ = "0123456789abcdef"[dv_u128_lshr(value, 4 * digits).lo & 15];
    }
    *at = '\0';
    return at;
}

static U128 low_bits(U128 a, u32 n)
{
    U128 above = dv_u128_shl(dv_u128_lshr(a, n), n);
    return dv_u128_xor(a, above);
}

static char *put_nan(char *at, FloatKind kind, U128 a)
{
    char digits[U128_TEXT_SIZE];
    U128 payload = low_bits(a, dv_float_frac_bits(kind) - 1);
    at = put_string(at, dv_float_is_snan(kind, a) ? "sNaN" : "NaN");
    if (!dv_u128_is_zero(payload)) {
        at = put_string(at, ":0x");
        at = put_string(at, dv_u128_format_hex(payload, digits));
    }
    return at;
}

static char *put_finite(char *at, FloatKind kind, U128 a)
{
    u32 frac_bits = dv_float_frac_bits(kind);
    u32 digits = (frac_bits + 3) / 4;
    U128 frac = dv_u128_shl(low_bits(a, frac_bits), 4 * digits - frac_bits);
    u32 exp_bits = dv_float_exp_bits(kind);
    i32 exp_field = (i32)low_bits(dv_u128_lshr(a, frac_bits), exp_bits).lo;
    i32 bias = ((i32)1 << (exp_bits - 1)) - 1;
    bool normal = exp_field != 0;

    at = put_string(at, normal ? "0x1." : "0x0.");
    at = put_hex(at, frac, digits);
    return at + snprintf(at, 8, "p%" PRId32, normal ? exp_field - bias : 1 - bias);
}

usize dv_float_format(FloatKind kind, U128 a, char text[FLOAT_TEXT_MAX])
{
    bool is_nan = dv_float_is_nan(kind, a);
    bool is_inf = dv_float_is_inf(kind, a);
    char *at = text;
    if (dv_float_is_negative(kind, a)) {
        at = put_string(at, "-");
    } else if (is_nan || is_inf) {
        at = put_string(at, "+");
    }
    if (is_nan) {
        at = put_nan(at, kind, a);
    } else if (is_inf) {
        at = put_string(at, "Inf");
    } else if (dv_float_is_zero(kind, a)) {
        at = put_string(at, "0.0");
    } else {
        at = put_finite(at, kind, a);
    }
    return (usize)(at - text);
}

/* Reading: pieces */

typedef struct Scan {
    const char *at;
    const char *end;
} Scan;

static bool take(Scan *scan, const char *string)
{
    usize length = strlen(string);
    if ((usize)(scan->end - scan->at) < length || memcmp(scan->at, string, length) != 0) {
        return false;
    }
    scan->at += length;
    return true;
}

static bool is_rest(const Scan *scan, const char *string)
{
    usize length = strlen(string);
    return (usize)(scan->end - scan->at) == length && memcmp(scan->at, string, length) == 0;
}

static bool at_end(const Scan *scan)
{
    return scan->at == scan->end;
}

/* The next digit of the base, or -1 and nothing taken. */
static i32 take_digit(Scan *scan, i32 base)
{
    i32 digit = -1;
    if (at_end(scan)) {
        return -1;
    }
    char c = *scan->at;
    if (c >= '0' && c <= '9') {
        digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
        digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
        digit = c - 'A' + 10;
    }
    if (digit < 0 || digit >= base) {
        return -1;
    }
    scan->at++;
    return digit;
}

enum { EXPONENT_MAX = 1000000000 }; /* larger ones read as this */

/* A sign and decimal digits, the rest of the text. */
static bool take_exponent(Scan *scan, i64 *exponent)
{
    bool negative = take(scan, "-");
    if (!negative) {
        (void)take(scan, "+");
    }
    if (at_end(scan)) {
        return false;
    }
    i64 value = 0;
    for (i32 digit = take_digit(scan, 10); digit >= 0; digit = take_digit(scan, 10)) {
        value = value * 10 + digit;
        value = value > EXPONENT_MAX ? EXPONENT_MAX : value;
    }
    *exponent = negative ? -value : value;
    return at_end(scan);
}

/* Reading: hexadecimal */

typedef struct HexNumber {
    U128 sig;
    i64 exp;      /* of two; the place of the point is in it */
    bool dropped; /* a digit other than zero did not fit sig */
} HexNumber;

static bool take_hex(Scan *scan, HexNumber *number)
{
    bool any = false;
    bool after_point = false;
    for (;;) {
        i32 digit = take_digit(scan, 16);
        if (digit < 0) {
            if (after_point || !take(scan, ".")) {
                break;
            }
            after_point = true;
            continue;
        }
        any = true;
        bool full = number->sig.hi >> 60 != 0;
        if (full) {
            number->dropped = number->dropped || digit != 0;
        } else {
            number->sig = dv_u128_shl(number->sig, 4);
            number->sig.lo |= (u64)digit;
        }
        number->exp += (full ? 4 : 0) - (after_point ? 4 : 0);
    }
    return any;
}

/* Returns NULL, or what is wrong; so does everything below. */
static const char *parse_hex(FloatKind kind, bool negative, Scan scan, U128 *value)
{
    HexNumber number = {{0, 0}, 0, false};
    i64 exponent = 0;
    if (!take_hex(&scan, &number)) {
        return bad_number;
    }
    if (take(&scan, "p") && !take_exponent(&scan, &exponent)) {
        return bad_number;
    }
    if (!at_end(&scan)) {
        return bad_number;
    }
    if (dv_u128_is_zero(number.sig)) {
        *value = dv_float_zero(kind, negative);
        return NULL;
    }
    number.exp += exponent;
    if (number.exp < -1000000 || number.exp > 1000000) {
        return bad_exponent;
    }
    bool inexact = false;
    U128 rounded = dv_float_compose(kind, negative, (i32)number.exp, number.sig, &inexact);
    if (dv_float_is_inf(kind, rounded)) {
        return too_large;
    }
    if (inexact || number.dropped) {
        return not_exact;
    }
    *value = rounded;
    return NULL;
}

/* Reading: decimal */

enum {
    DIGITS_MAX = 1000, /* significant ones */
    PLACE_MAX = 5000,  /* of the leading digit, from the point; binary128 ends at 4933 and -4966 */
    /* 5^(PLACE_MAX + DIGITS_MAX) has 13932 bits, 10^DIGITS_MAX * 5^PLACE_MAX has 14932 */
    BIG_WORDS = 480
};

/* A natural number; word[count - 1] is not zero. */
typedef struct Big {
    u32 count;
    u32 word[BIG_WORDS]; /* the least significant first */
} Big;

static void big_push(Big *a, u32 word)
{
    if (word != 0) {
        CHECK(a->count < BIG_WORDS);
        a->word[a->count++] = word;
    }
}

static void big_mul_add(Big *a, u32 factor, u32 term)
{
    u64 carry = term;
    for (u32 i = 0; i < a->count; i++) {
        carry += (u64)a->word[i] * factor;
        a->word[i] = (u32)carry;
        carry >>= 32;
    }
    big_push(a, (u32)carry);
}

static void big_mul_pow5(Big *a, u32 n)
{
    const u32 five_to_13 = 1220703125;
    for (; n >= 13; n -= 13) {
        big_mul_add(a, five_to_13, 0);
    }
    for (; n > 0; n--) {
        big_mul_add(a, 5, 0);
    }
}

static u32 big_length_bits(const Big *a)
{
    return a->count * 32 - dv_clz32(a->word[a->count - 1]);
}

static void big_shift_left(Big *a, u32 n)
{
    big_mul_add(a, (u32)1 << n % 32, 0);
    u32 words = n / 32;
    if (words == 0 || a->count == 0) {
        return;
    }
    CHECK(a->count + words <= BIG_WORDS);
    memmove(a->word + words, a->word, a->count * sizeof a->word[0]);
    memset(a->word, 0, words * sizeof a->word[0]);
    a->count += words;
}

static bool big_is_less(const Big *a, const Big *b)
{
    if (a->count != b->count) {
        return a->count < b->count;
    }
    for (u32 i = a->count; i-- > 0;) {
        if (a->word[i] != b->word[i]) {
            return a->word[i] < b->word[i];
        }
    }
    return false;
}

/* a -= b, which is not larger. */
static void big_sub(Big *a, const Big *b)
{
    u64 borrow = 0;
    for (u32 i = 0; i < a->count; i++) {
        u64 difference = (u64)a->word[i] - (i < b->count ? b->word[i] : 0) - borrow;
        a->word[i] = (u32)difference;
        borrow = difference >> 63;
    }
    while (a->count > 0 && a->word[a->count - 1] == 0) {
        a->count--;
    }
}

typedef struct Decimal {
    Big digits;  /* without the zeros at either end */
    u32 count;   /* of digits */
    i64 exp;     /* of ten */
    bool any;    /* there was a digit, if only a zero */
    bool excess; /* there were more than DIGITS_MAX */
} Decimal;

static void add_digit(Decimal *number, u32 digit, i64 *zeros)
{
    if (digit == 0) {
        *zeros += number->count != 0;
        return;
    }
    if (*zeros >= DIGITS_MAX - number->count) {
        number->excess = true;
        return;
    }
    for (; *zeros > 0; --*zeros) {
        big_mul_add(&number->digits, 10, 0);
        number->count++;
    }
    big_mul_add(&number->digits, 10, digit);
    number->count++;
}

static void take_decimal(Scan *scan, Decimal *number)
{
    i64 zeros = 0; /* not in digits yet, and never if no other digit follows */
    bool after_point = false;
    for (;;) {
        i32 digit = take_digit(scan, 10);
        if (digit < 0) {
            if (after_point || !take(scan, ".")) {
                break;
            }
            after_point = true;
            continue;
        }
        number->any = true;
        number->exp -= after_point;
        add_digit(number, (u32)digit, &zeros);
    }
    number->exp += zeros;
}

/* Rounds numerator / denominator * 2^exp. Invariant of the loop: the rest is below twice the
 * divisor. */
static U128 round_ratio(FloatKind kind, bool negative, Big *numerator, Big *denominator, i32 exp)
{
    u32 length = big_length_bits(numerator);
    u32 divisor_length = big_length_bits(denominator);
    if (length < divisor_length) {
        big_shift_left(numerator, divisor_length - length);
    } else {
        big_shift_left(denominator, length - divisor_length);
    }
    U128 quotient = {0, 0};
    for (u32 i = 0; i < 128; i++) {
        quotient = dv_u128_shl(quotient, 1);
        if (!big_is_less(numerator, denominator)) {
            big_sub(numerator, denominator);
            quotient.lo |= 1;
        }
        big_shift_left(numerator, 1);
    }
    quotient.lo |= numerator->count != 0;
    exp += (i32)length - (i32)divisor_length - 127;
    return dv_float_compose(kind, negative, exp, quotient, NULL);
}

static const char *parse_decimal(FloatKind kind, bool negative, Scan scan, U128 *value)
{
    Decimal number;
    number.digits.count = 0;
    number.count = 0;
    number.exp = 0;
    number.any = false;
    number.excess = false;
    i64 exponent = 0;
    take_decimal(&scan, &number);
    if (!number.any) {
        return bad_number;
    }
    if ((take(&scan, "e") || take(&scan, "E")) && !take_exponent(&scan, &exponent)) {
        return bad_number;
    }
    if (!at_end(&scan)) {
        return bad_number;
    }
    if (number.excess) {
        return too_long;
    }
    if (number.count == 0) {
        *value = dv_float_zero(kind, negative);
        return NULL;
    }
    i64 exp = number.exp + exponent;
    i64 place = exp + number.count;
    if (place < -PLACE_MAX || place > PLACE_MAX) {
        return bad_exponent;
    }

    Big denominator;
    denominator.count = 0;
    big_push(&denominator, 1);
    big_mul_pow5(exp < 0 ? &denominator : &number.digits, (u32)(exp < 0 ? -exp : exp));
    U128 rounded = round_ratio(kind, negative, &number.digits, &denominator, (i32)exp);
    if (dv_float_is_inf(kind, rounded)) {
        return too_large;
    }
    *value = rounded;
    return NULL;
}

/* Reading: names */

static const char *parse_payload(FloatKind kind, bool negative, bool quiet, Scan scan, U128 *value)
{
    U128 payload;
    u32 payload_bits = dv_float_frac_bits(kind) - 1;
    if (!dv_u128_parse(scan.at, (usize)(scan.end - scan.at), 16, &payload) ||
        !dv_u128_is_zero(dv_u128_lshr(payload, payload_bits)) ||
        (!quiet && dv_u128_is_zero(payload))) {
        return bad_payload;
    }
    U128 base = quiet ? dv_float_nan(kind) : dv_float_inf(kind, false);
    U128 bits = dv_u128_or(base, payload);
    *value = negative ? dv_float_neg(kind, bits) : bits;
    return NULL;
}

static const char *parse_number(FloatKind kind, Scan scan, U128 *value)
{
    bool negative = take(&scan, "-");
    if (!negative) {
        (void)take(&scan, "+");
    }
    if (take(&scan, "0x")) {
        return parse_hex(kind, negative, scan, value);
    }
    if (take(&scan, "NaN:0x")) {
        return parse_payload(kind, negative, true, scan, value);
    }
    if (take(&scan, "sNaN:0x")) {
        return parse_payload(kind, negative, false, scan, value);
    }
    if (is_rest(&scan, "NaN")) {
        *value = negative ? dv_float_neg(kind, dv_float_nan(kind)) : dv_float_nan(kind);
        return NULL;
    }
    if (is_rest(&scan, "Inf")) {
        *value = dv_float_inf(kind, negative);
        return NULL;
    }
    return parse_decimal(kind, negative, scan, value);
}

bool dv_float_parse(FloatKind kind, const char *text, usize length, U128 *out, const char **error)
{
    Scan scan = {text, text + length};
    U128 value = {0, 0};
    const char *wrong = parse_number(kind, scan, &value);
    if (wrong != NULL) {
        *error = wrong;
        return false;
    }
    *out = value;
    return true;
}
