/* softfloat.h - IEEE 754 arithmetic on bit patterns: binary16, binary32, binary64, binary128.
 *
 * A value is its bits in the low end of a U128, the rest zero; every function ignores the upper
 * bits of what it is given and returns them zero. Results are those of IEEE 754-2019 with rounding
 * to nearest, ties to even, with subnormals, the same on every host: no host floating point is
 * used.
 *
 * NaN: whatever computes returns the positive canonical quiet NaN (sign 0, only the quiet bit set
 * in the fraction); neg, abs and copysign work on bits and keep everything else. There are no
 * exception flags.
 */
#ifndef DV_SOFTFLOAT_H
#define DV_SOFTFLOAT_H

#include <stdio.h>

#include "base.h"
#include "u128.h"

typedef enum FloatKind { FLOAT_16, FLOAT_32, FLOAT_64, FLOAT_128, FLOAT_KIND_COUNT } FloatKind;

typedef enum FloatOrder { FLOAT_LT, FLOAT_EQ, FLOAT_GT, FLOAT_UNORDERED } FloatOrder;

typedef enum FloatToInt { FLOAT_INT_OK, FLOAT_INT_NAN, FLOAT_INT_RANGE } FloatToInt;

/* softfloat.c: formats and classes */

u32 dv_float_width(FloatKind kind);     /* bits of the whole format: 16, 32, 64, 128 */
u32 dv_float_exp_bits(FloatKind kind);  /* of the exponent field: 5, 8, 11, 15 */
u32 dv_float_frac_bits(FloatKind kind); /* of the stored fraction: 10, 23, 52, 112 */

bool dv_float_is_nan(FloatKind kind, U128 a);
bool dv_float_is_snan(FloatKind kind, U128 a); /* a NaN whose quiet bit is clear */
bool dv_float_is_inf(FloatKind kind, U128 a);
bool dv_float_is_zero(FloatKind kind, U128 a);     /* of either sign */
bool dv_float_is_negative(FloatKind kind, U128 a); /* the sign bit, NaNs included */

U128 dv_float_nan(FloatKind kind); /* the canonical one */
U128 dv_float_inf(FloatKind kind, bool negative);
U128 dv_float_zero(FloatKind kind, bool negative);

/* softfloat.c: operations on bits, NaNs included */

U128 dv_float_neg(FloatKind kind, U128 a);
U128 dv_float_abs(FloatKind kind, U128 a);
U128 dv_float_copysign(FloatKind kind, U128 magnitude, U128 sign);

/* softfloat.c: arithmetic */

U128 dv_float_add(FloatKind kind, U128 a, U128 b);
U128 dv_float_sub(FloatKind kind, U128 a, U128 b);
U128 dv_float_mul(FloatKind kind, U128 a, U128 b);
U128 dv_float_div(FloatKind kind, U128 a, U128 b);
U128 dv_float_sqrt(FloatKind kind, U128 a);
U128 dv_float_fma(FloatKind kind, U128 a, U128 b, U128 c); /* a * b + c, rounded once */
U128 dv_float_min(FloatKind kind, U128 a, U128 b);         /* any NaN wins; -0 < +0 */
U128 dv_float_max(FloatKind kind, U128 a, U128 b);
FloatOrder dv_float_compare(FloatKind kind, U128 a, U128 b); /* -0 equals +0 */

/* To an integral value of the same kind; the sign of a zero result is the operand's. */
U128 dv_float_ceil(FloatKind kind, U128 a);
U128 dv_float_floor(FloatKind kind, U128 a);
U128 dv_float_trunc(FloatKind kind, U128 a);
U128 dv_float_nearest(FloatKind kind, U128 a); /* ties to even */

/* softfloat.c: conversions */

/* Promotes or demotes; a NaN becomes the canonical one of `to`, even when the kinds are equal. */
U128 dv_float_convert(FloatKind from, FloatKind to, U128 a);

/* Toward zero, to an integer of 1 to 128 bits. *out gets its two's complement in the low `bits`
 * bits, the rest zero; 0 unless the answer is FLOAT_INT_OK. Range is judged after truncation:
 * -0.9 is an unsigned 0. */
FloatToInt dv_float_to_int(FloatKind kind, U128 a, u32 bits, bool is_signed, U128 *out);
/* The same, with NaN giving 0 and what is out of range the nearest integer of the type. */
U128 dv_float_to_int_sat(FloatKind kind, U128 a, u32 bits, bool is_signed);
/* From the low `bits` (1 to 128) bits of a; rounds, and gives infinity where a binary16 is too
 * small. */
U128 dv_float_from_int(FloatKind kind, U128 a, u32 bits, bool is_signed);

/* Rounds (-1)^negative * sig * 2^exp to the kind; *inexact, if not NULL, tells whether that lost
 * anything. A caller whose significand is longer than 128 bits keeps its leading ones, at least
 * three more than the kind has, and sets the lowest if the rest was not zero. |exp| is at most a
 * million. */
U128 dv_float_compose(FloatKind kind, bool negative, i32 exp, U128 sig, bool *inexact);

/* softfloat_text.c */

/* Room for the longest text that dv_float_format writes, with its NUL. */
#define FLOAT_TEXT_MAX 48

/* Writes the value as CLIF text: "0.0", "-0.0", "0x1.800000p3" (as many hex digits as the
 * fraction has, so 3, 6, 13 or 28), "0x0.000002p-126" when subnormal, "+Inf", "+NaN", "-NaN:0x1"
 * (payload below the quiet bit, left out when 0), "+sNaN:0x1". Returns the length without the
 * NUL. */
usize dv_float_format(FloatKind kind, U128 a, char text[FLOAT_TEXT_MAX]);

/* Reads text[0..length), all of it: what dv_float_format writes; hexadecimal with or without
 * point and exponent ("0x2.0", "-0x.8p-3"), which must be exact; decimal ("1.5", "-2e-3"),
 * correctly rounded. Sign '+', '-' or none. False with a reason (a static string) in *error, and
 * *out untouched, if it is not a number, not exact, too large for the kind, or a decimal of more
 * than 1000 significant digits or with an exponent beyond what any kind can use. */
bool dv_float_parse(FloatKind kind, const char *text, usize length, U128 *out, const char **error);

/* selftest_softfloat.c: every operation of every kind against checked-in answers, for hosts
 * without the unit tests. Tells each failure on out; returns how many there were. */
u32 dv_selftest_softfloat(FILE *out);

#endif
