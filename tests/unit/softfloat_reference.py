#!/usr/bin/env python3
"""Prints the table of base/selftest_softfloat.c, computed independently of it.

Values are fractions of unbounded integers (None for a NaN, +-INF for infinities); each operation
is its textbook definition, followed by one rounding to nearest, ties to even. Operands come from
the same generator as in the C file.  Usage: softfloat_reference.py > rows
"""
from fractions import Fraction
from math import isqrt

M64 = (1 << 64) - 1
INF = float("inf")
KINDS = [(5, 10), (8, 23), (11, 52), (15, 112)]
SAMPLES = 400


def hash_u64(x):
    x &= M64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & M64
    x = (x ^ x >> 27) * 0x94D049BB133111EB & M64
    return x ^ x >> 31


def combine(h, word):
    return hash_u64((h ^ word) + 0x9E3779B97F4A7C15)


class Rng:  # xoshiro256**
    def __init__(self, seed):
        self.s = [hash_u64(seed + (i + 1) * 0x9E3779B97F4A7C15) for i in range(4)]

    def next(self):
        def rotate(x, n):
            return (x << n | x >> 64 - n) & M64
        s = self.s
        result = rotate(s[1] * 5 & M64, 7) * 9 & M64
        t = s[1] << 17 & M64
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)
        return result


class Format:
    def __init__(self, exp_bits, frac_bits):
        self.e, self.f = exp_bits, frac_bits
        self.bias = (1 << exp_bits - 1) - 1
        self.width = 1 + exp_bits + frac_bits
        self.inf = ((1 << exp_bits) - 1) << frac_bits
        self.nan = self.inf | 1 << frac_bits - 1
        self.sign = 1 << self.width - 1

    def negative(self, a):
        return a & self.sign != 0

    def value(self, a):
        exp = a >> self.f & (1 << self.e) - 1
        frac = a & (1 << self.f) - 1
        sign = -1 if self.negative(a) else 1
        if exp == (1 << self.e) - 1:
            return None if frac else sign * INF
        if exp == 0:
            return Fraction(sign * frac) * Fraction(2) ** (1 - self.bias - self.f)
        return Fraction(sign * (frac + (1 << self.f))) * Fraction(2) ** (exp - self.bias - self.f)

    def round(self, x, negative):
        """Bits of x; negative is the sign of a zero result."""
        if x is None:
            return self.nan
        if x in (INF, -INF):
            return self.inf | (self.sign if x < 0 else 0)
        if x != 0:
            negative = x < 0
        sign = self.sign if negative else 0
        x = abs(x)
        if x == 0:
            return sign
        exp = x.numerator.bit_length() - x.denominator.bit_length()
        if Fraction(2) ** exp > x:
            exp -= 1
        exp = max(exp, 1 - self.bias)
        n = round(x / Fraction(2) ** (exp - self.f))  # Python rounds a Fraction half to even
        if n >= 1 << self.f + 1:
            n, exp = n >> 1, exp + 1
        if exp > self.bias:
            return sign | self.inf
        field = exp + self.bias if n >= 1 << self.f else 0
        return sign | field << self.f | n & (1 << self.f) - 1


FORMATS = [Format(*k) for k in KINDS]


def operand(fmt, rng, near):
    choice = rng.next()
    frac = rng.next()
    frac |= rng.next() << 64
    number = choice >> 8 & 0xFFFF
    exp = near >> fmt.f
    case = choice & 7
    if case == 0:
        exp, frac = [0, 1, 2 * fmt.bias + 1][number % 3], number // 3 % 3 - 1
    elif case == 1:
        exp, frac = fmt.bias - number % 2, number // 2 % 3 - 1
    elif case == 2:
        exp += number % 5 - 2
    elif case == 3:
        exp += number % (2 * fmt.f) - fmt.f
    elif case == 4:
        exp, frac = fmt.bias + number % 130 - 1, frac << number % fmt.f
    elif case == 5:
        exp, frac = exp + number % 3 - 1, (1 << number % fmt.f) - 1
    else:
        exp = choice >> 32
    field = exp & (1 << fmt.e) - 1
    return (fmt.sign if choice >> 63 else 0) | field << fmt.f | frac & (1 << fmt.f) - 1


def add_values(x, y):
    if x is None or y is None or (x in (INF, -INF) and y == -x):
        return None
    if x in (INF, -INF):
        return x
    return y if y in (INF, -INF) else x + y


def mul_values(x, y, negative):
    if x is None or y is None:
        return None
    if x in (INF, -INF) or y in (INF, -INF):
        return None if x == 0 or y == 0 else (-INF if negative else INF)
    return x * y


def add(fmt, a, b, c):
    return fmt.round(add_values(fmt.value(a), fmt.value(b)), fmt.negative(a) and fmt.negative(b)
                     and fmt.value(a) == 0 and fmt.value(b) == 0)


def sub(fmt, a, b, c):
    return add(fmt, a, b ^ fmt.sign, c)


def mul(fmt, a, b, c):
    negative = fmt.negative(a) != fmt.negative(b)
    return fmt.round(mul_values(fmt.value(a), fmt.value(b), negative), negative)


def fma(fmt, a, b, c):
    negative = fmt.negative(a) != fmt.negative(b)
    product = mul_values(fmt.value(a), fmt.value(b), negative)
    minus_zero = product == 0 and fmt.value(c) == 0 and negative and fmt.negative(c)
    return fmt.round(add_values(product, fmt.value(c)), minus_zero)


def div(fmt, a, b, c):
    negative = fmt.negative(a) != fmt.negative(b)
    x, y = fmt.value(a), fmt.value(b)
    infinite = (x in (INF, -INF)) + 2 * (y in (INF, -INF))
    if x is None or y is None or infinite == 3 or (x == 0 and y == 0):
        return fmt.nan
    if infinite == 1 or y == 0:
        return fmt.round(-INF if negative else INF, negative)
    return fmt.round(Fraction(0) if infinite == 2 else x / y, negative)


def sqrt(fmt, a, b, c):
    x = fmt.value(a)
    if x == 0:
        return a
    if x is None or x < 0:
        return fmt.nan
    if x == INF:
        return a
    scale = 1 << 2 * 16700  # a perfect square of two times anything representable
    n = x.numerator * scale // x.denominator
    root = isqrt(n)
    exact = Fraction(root, 1 << 16700)
    return fmt.round(exact if exact * exact == x else Fraction(2 * root + 1, 1 << 16701), False)


def order(fmt, a, b):
    return (fmt.value(a), not fmt.negative(a)) < (fmt.value(b), not fmt.negative(b))


def minimum(fmt, a, b, c):
    if fmt.value(a) is None or fmt.value(b) is None:
        return fmt.nan
    return a if order(fmt, a, b) else b


def maximum(fmt, a, b, c):
    if fmt.value(a) is None or fmt.value(b) is None:
        return fmt.nan
    return b if order(fmt, a, b) else a


def compare(fmt, a, b, c):
    x, y = fmt.value(a), fmt.value(b)
    if x is None or y is None:
        return 3
    return 0 if x < y else 1 if x == y else 2


def integral(rounding):
    def apply(fmt, a, b, c):
        x = fmt.value(a)
        if isinstance(x, Fraction):
            x = Fraction(rounding(x))
        return fmt.round(x, fmt.negative(a))
    return apply


def convert(to):
    return lambda fmt, a, b, c: FORMATS[to].round(fmt.value(a), fmt.negative(a))


def limits(b, c):
    width = c % (1 << 64) % 128 + 1
    if b & 1:
        return width, -1 << width - 1, (1 << width - 1) - 1
    return width, 0, (1 << width) - 1


def to_int(fmt, a, b, c):
    width, low, high = limits(b, c)
    x = fmt.value(a)
    if x is None:
        return 1 << 96
    if x in (INF, -INF) or not low <= int(x) <= high:
        return 2 << 96
    return int(x) & (1 << width) - 1


def to_int_sat(fmt, a, b, c):
    width, low, high = limits(b, c)
    x = fmt.value(a)
    if x is None:
        return 0
    if isinstance(x, Fraction):
        x = int(x)
    return int(max(low, min(high, x))) & (1 << width) - 1


def from_int(fmt, a, b, c):
    width, low, high = limits(b, c)
    n = (hash_u64(a + 1) | hash_u64(b + 2) << 64) >> (a & M64) % 128
    n &= (1 << width) - 1
    return fmt.round(Fraction(n if n <= high else n - (1 << width)), False)


def text(fmt, a, b, c):
    x = fmt.value(a)
    out = "-" if fmt.negative(a) else ""
    frac = a & (1 << fmt.f) - 1
    digits = -(-fmt.f // 4)
    tail = format(frac << 4 * digits - fmt.f, "0%dx" % digits)
    exp = a >> fmt.f & (1 << fmt.e) - 1
    if x is None:
        payload = frac & (1 << fmt.f - 1) - 1
        out = (out or "+") + ("NaN" if frac >> fmt.f - 1 else "sNaN")
        out += ":0x%x" % payload if payload else ""
    elif x in (INF, -INF):
        out = (out or "+") + "Inf"
    elif x == 0:
        out += "0.0"
    elif exp == 0:
        out += "0x0.%sp%d" % (tail, 1 - fmt.bias)
    else:
        out += "0x1.%sp%d" % (tail, exp - fmt.bias)
    h = 0
    for char in out.encode():
        h = combine(h, char)
    return h


def decimal(fmt, a, b, c):
    place = {10: 10, 23: 50, 52: 340, 112: 4980}[fmt.f]
    digits = hash_u64(a + 1) >> (b & 63)
    return fmt.round(digits * Fraction(10) ** (hash_u64(b + 2) % (2 * place) - place), False)


def toward(x):
    return int(x)


ROWS = [
    ("add", add), ("sub", sub), ("mul", mul), ("div", div), ("sqrt", sqrt), ("fma", fma),
    ("min", minimum), ("max", maximum), ("compare", compare),
    ("ceil", integral(lambda x: -(-x.numerator // x.denominator))),
    ("floor", integral(lambda x: x.numerator // x.denominator)),
    ("trunc", integral(toward)), ("nearest", integral(round)),
    ("to_f16", convert(0)), ("to_f32", convert(1)), ("to_f64", convert(2)), ("to_f128", convert(3)),
    ("to_int", to_int), ("to_int_sat", to_int_sat), ("from_int", from_int),
    ("text", text), ("decimal", decimal),
]


def hash_row(row, kind):
    fmt = FORMATS[kind]
    rng = Rng(row * len(FORMATS) + kind)
    h = 0
    for i in range(SAMPLES):
        a = operand(fmt, rng, fmt.bias << fmt.f)
        b = operand(fmt, rng, a)
        c = operand(fmt, rng, b if i % 2 else a)
        result = ROWS[row][1](fmt, a, b, c)
        h = combine(combine(h, result & M64), result >> 64)
    return h


for index, (name, _) in enumerate(ROWS):
    hashes = ["0x%016x" % hash_row(index, kind) for kind in range(len(FORMATS))]
    print("    ROW(%s, %s, %s,\n        %s, %s)," % (name, *hashes))
