/* test_x64_f16.c - conversions of f16 in machine code, by instructions of F16C where this machine has them and without: every
 * f16, and what lies around where f32 and f64 are rounded to one, against base/softfloat. Which NaN comes out is open, but that
 * it is quiet. */
#include "compile_testing.h"

#include "base/softfloat.h"
#include "codegen/isa/x64/x64_isa.h"
#include "rt/cpu.h"
#include "rt/exec.h"

#if defined(__x86_64__) && defined(__LP64__) && defined(__unix__)

typedef u64 Convert(u64 bits);
typedef struct Code {
    ExecMemory memory;
    Convert *convert;
} Code;

enum { WITHOUT, WITH_F16C, WITH_ALL, LEVELS };

static u32 features_of(u32 level)
{
    return level == WITHOUT     ? 0
           : level == WITH_F16C ? (u32)1 << X64_FEATURE_F16C & dv_cpu_x64_features()
                                : dv_cpu_x64_features();
}

/* A function of bits in the low end of a word, above which is garbage; its last line defines v9: i64. */
static Code load(Fixture *x, u32 level, const char *body)
{
    CompileOptions options = {.check = true, .features = features_of(level)};
    const char *text = dv_arena_printf(&x->arena,
                                       "function %%f(i64) -> i64 system_v {\nblock0(v0: i64):\n"
                                       "%s\nreturn v9\n}\n",
                                       body);
    ClifFile file;
    Diag diag;
    Arena scratch;
    CompiledFunc compiled;
    Code code;
    dv_arena_init(&scratch, &x->pool);
    dv_diag_init(&diag, &x->arena);
    parse_good(&x->arena, str_of(text), &file);
    assert_true(dv_compile(&dv_x64_isa, &options, &file.funcs.data[0]->func, &x->arena, &scratch,
                           &diag, &compiled));
    assert_int_equal(compiled.code.relocs.len, 0);
    assert_true(dv_exec_alloc(&code.memory, compiled.code.size_bytes));
    memcpy(code.memory.bytes, compiled.code.bytes, compiled.code.size_bytes);
    assert_true(dv_exec_seal(&code.memory));
    memcpy(&code.convert, &code.memory.bytes, sizeof code.convert);
    dv_arena_release(&scratch);
    return code;
}

static bool fits(FloatKind kind, U128 want, u64 got)
{
    U128 value = {got, 0};
    return dv_float_is_nan(kind, want)
               ? dv_float_is_nan(kind, value) && !dv_float_is_snan(kind, value)
               : want.lo == got;
}

static void check(const Code *code, FloatKind from, FloatKind to, u64 bits)
{
    u32 width = dv_float_width(from);
    u64 garbage = width == 64 ? 0 : UINT64_C(0xa5a5a5a5a5a5a5a5) << width;
    bits = width == 64 ? bits : bits & (((u64)1 << width) - 1);
    U128 want = dv_float_convert(from, to, (U128){bits, 0});
    u64 got = code->convert(bits | garbage);
    if (!fits(to, want, got)) {
        fail_msg("%016llx becomes %016llx, not %016llx", (unsigned long long)bits,
                 (unsigned long long)got, (unsigned long long)want.lo);
    }
}

enum { HALVES = 1 << 16 };

static void promotes(void **state)
{
    for (u32 level = 0; level < LEVELS; level++) {
        Code to32 = load(*state, level,
                         "v1 = ireduce.i16 v0\nv2 = bitcast.f16 v1\nv3 = fpromote.f32 v2\n"
                         "v4 = bitcast.i32 v3\nv9 = uextend.i64 v4");
        Code to64 = load(*state, level,
                         "v1 = ireduce.i16 v0\nv2 = bitcast.f16 v1\nv3 = fpromote.f64 v2\n"
                         "v9 = bitcast.i64 v3");
        for (u64 half = 0; half < HALVES; half++) {
            check(&to32, FLOAT_16, FLOAT_32, half);
            check(&to64, FLOAT_16, FLOAT_64, half);
        }
        dv_exec_free(&to32.memory);
        dv_exec_free(&to64.memory);
    }
}

static double double_of(u64 half)
{
    U128 bits = dv_float_convert(FLOAT_16, FLOAT_64, (U128){half, 0});
    double x;
    memcpy(&x, &bits.lo, sizeof x);
    return x;
}

/* Around each f16, and around the middle between it and the next, of numbers and of bits: one unit in the last place to each
 * side. An f64 beside a middle is none that f32 can tell from it. */
static void check_around(const Code *code, FloatKind from, u64 half)
{
    double between = (double_of(half) + double_of(half + 1)) / 2;
    U128 here = dv_float_convert(FLOAT_16, from, (U128){half, 0});
    U128 next = dv_float_convert(FLOAT_16, from, (U128){half + 1, 0}), middle = {0, 0};
    memcpy(&middle.lo, &between, sizeof between);
    middle = dv_float_convert(FLOAT_64, from, middle);
    for (u64 i = 0; i < 3; i++) {
        check(code, from, FLOAT_16, here.lo + i - 1);
        check(code, from, FLOAT_16, middle.lo + i - 1);
        check(code, from, FLOAT_16, here.lo + (next.lo - here.lo) / 2 + i - 1);
    }
}

static const char *const demotions[] = {
    "v1 = ireduce.i32 v0\nv2 = bitcast.f32 v1\nv3 = fdemote.f16 v2\nv4 = bitcast.i16 v3\n"
    "v9 = uextend.i64 v4",
    "v2 = bitcast.f64 v0\nv3 = fdemote.f16 v2\nv4 = bitcast.i16 v3\nv9 = uextend.i64 v4"};

static void demotes(void **state)
{
    for (u32 i = 0; i < LEVELS * ARRAY_LEN(demotions); i++) {
        Code code = load(*state, i / 2, demotions[i % 2]);
        FloatKind from = i % 2 == 0 ? FLOAT_32 : FLOAT_64;
        for (u64 half = 0; half + 1 < HALVES; half++) {
            check_around(&code, from, half);
        }
        /* Every sign and exponent, with all kinds of fractions: what is too small or too large, NaNs. */
        u32 exp_bits = dv_float_exp_bits(from), frac_bits = dv_float_frac_bits(from);
        for (u64 head = 0; head >> (exp_bits + 1) == 0; head++) {
            for (u32 bit = 0; bit < frac_bits; bit++) {
                u64 one = (u64)1 << bit, ones = ((u64)1 << frac_bits) - 1;
                check(&code, from, FLOAT_16, head << frac_bits | one);
                check(&code, from, FLOAT_16, head << frac_bits | (one - 1));
                check(&code, from, FLOAT_16, head << frac_bits | (ones ^ (one - 1)));
            }
        }
        dv_exec_free(&code.memory);
    }
}

/* Two operands in one word. */
static void computes(void **state)
{
    static const struct {
        const char *name;
        U128 (*compute)(FloatKind kind, U128 a, U128 b);
    } rows[] = {{"fadd", dv_float_add}, {"fsub", dv_float_sub}, {"fmul", dv_float_mul},
                {"fdiv", dv_float_div}, {"fmin", dv_float_min}, {"fmax", dv_float_max}};
    enum { TRIES = 20000 };
    Fixture *x = *state;
    for (u32 i = 0; i < LEVELS * ARRAY_LEN(rows); i++) {
        Code code = load(x, i % LEVELS,
                         dv_arena_printf(&x->arena,
                                         "v1 = ireduce.i16 v0\nv2 = bitcast.f16 v1\n"
                                         "v3 = iconst.i64 16\nv4 = ushr v0, v3\n"
                                         "v5 = ireduce.i16 v4\nv6 = bitcast.f16 v5\n"
                                         "v7 = %s v2, v6\nv8 = bitcast.i16 v7\n"
                                         "v9 = uextend.i64 v8",
                                         rows[i / LEVELS].name));
        u64 random = i + 1;
        for (u32 n = 0; n < TRIES; n++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            u64 a = random >> 48, b = random >> 32 & 0xffff;
            U128 want = rows[i / LEVELS].compute(FLOAT_16, (U128){a, 0}, (U128){b, 0});
            if (!fits(FLOAT_16, want, code.convert(a | b << 16 | random << 32))) {
                fail_msg("%s of %04x and %04x", rows[i / LEVELS].name, (unsigned)a, (unsigned)b);
            }
        }
        dv_exec_free(&code.memory);
    }
}

/* There are instructions if there is the feature: the code is short. */
static void is_short(void **state)
{
    CompileOptions options = {.features = (u32)1 << X64_FEATURE_F16C};
    static const char text[] = "function %f(f16, f16) -> f16 {\nblock0(v0: f16, v1: f16):\n"
                               "v2 = fadd v0, v1\nreturn v2\n}\n";
    Fixture *x = *state;
    for (u32 i = 0; i < 2; i++) {
        ClifFile file;
        Diag diag;
        Arena scratch;
        CompiledFunc compiled;
        dv_arena_init(&scratch, &x->pool);
        dv_diag_init(&diag, &x->arena);
        parse_good(&x->arena, str_of(text), &file);
        assert_true(dv_compile(&dv_x64_isa, &options, &file.funcs.data[0]->func, &x->arena,
                               &scratch, &diag, &compiled));
        assert_int_equal(compiled.code.size_bytes <= 32, i == 0);
        dv_arena_release(&scratch);
        options.features = 0;
    }
}
#endif

int main(void)
{
#if defined(__x86_64__) && defined(__LP64__) && defined(__unix__)
    const struct CMUnitTest tests[] = {UNIT_TEST(promotes), UNIT_TEST(demotes), UNIT_TEST(computes),
                                       UNIT_TEST(is_short)};
    return cmocka_run_group_tests(tests, NULL, NULL);
#else
    return 0;
#endif
}
