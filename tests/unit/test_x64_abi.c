/* test_x64_abi.c - functions of ours and of the C compiler that made this program call each other: they agree about
 * where arguments and results are, and what is given back. On other machines there is nothing to check. */
#include "compile_testing.h"

#include "codegen/isa/x64/x64_isa.h"
#include "rt/exec.h"

#if defined(__x86_64__) && defined(__LP64__) && defined(__unix__)

/* What fits no register of its class is in memory: the last two integers and the last float. */
#define PARAMS \
    int a, double b, i64 c, float d, i64 e, i64 f, double g, i64 h, i64 i, float j, double k, \
        double l, double m, double n, double o, i64 p
#define ARGS 1, 2.5, 3, 4.5f, 5, 6, 7.5, 8, 9, 10.5f, 11.5, 12.5, 13.5, 14.5, 15.5, 16
typedef double Many(PARAMS);
typedef double ManyBy(Many *callee, PARAMS);

static double many(PARAMS)
{
    return a + 2 * b + 3 * (double)c + 4 * (double)d + 5 * (double)e + 6 * (double)f + 7 * g +
           8 * (double)h + 9 * (double)i + 10 * (double)j + 11 * k + 12 * l + 13 * m + 14 * n +
           15 * o + 16 * (double)p;
}

typedef struct Big {
    i64 words[3];
} Big;
typedef Big MakeBig(i64 x);
typedef i64 TakeBig(i64 x, Big big, i64 y);
typedef i64 TakeBigBy(TakeBig *callee, const Big *big);

static i64 take_big(i64 x, Big big, i64 y)
{
    return x + 10 * big.words[0] + 100 * big.words[1] + 1000 * big.words[2] + 10000 * y;
}

/* The code, and its last 3 bytes. */
static ExecMemory load_code(Fixture *x, const char *text, u8 *end)
{
    enum { END_BYTES = 3 };
    ClifFile file;
    Diag diag;
    Arena scratch;
    CompiledFunc compiled;
    CompileOptions options = {.check = true};
    ExecMemory memory;
    dv_arena_init(&scratch, &x->pool);
    dv_diag_init(&diag, &x->arena);
    assert_true(dv_clif_parse(&file, &x->arena, (Str){text, (u32)strlen(text)}, &diag));
    assert_true(dv_compile(&dv_x64_isa, &options, &file.funcs.data[0]->func, &x->arena, &scratch,
                           &diag, &compiled));
    assert_true(dv_exec_alloc(&memory, compiled.code.size_bytes));
    memcpy(memory.bytes, compiled.code.bytes, compiled.code.size_bytes);
    assert_true(dv_exec_seal(&memory));
    memcpy(end, compiled.code.bytes + compiled.code.size_bytes - END_BYTES, END_BYTES);
    dv_arena_release(&scratch);
    return memory;
}

static ExecMemory load(Fixture *x, const char *text)
{
    u8 end[3];
    return load_code(x, text, end);
}

/* C calls ours, which hands all on to a function of C. */
static void many_arguments_arrive(void **state)
{
    ExecMemory memory = load(
        *state,
        "function %f(i64, i32, f64, i64, f32, i64, i64, f64, i64, i64, f32, f64, f64, f64, f64, f64, i64)"
        " -> f64 system_v {\n"
        "sig0 = (i32, f64, i64, f32, i64, i64, f64, i64, i64, f32, f64, f64, f64, f64, f64, i64)"
        " -> f64 system_v\n"
        "block0(v0: i64, v1: i32, v2: f64, v3: i64, v4: f32, v5: i64, v6: i64, v7: f64, v8: i64, "
        "v9: i64, v10: f32, v11: f64, v12: f64, v13: f64, v14: f64, v15: f64, v16: i64):\n"
        "v17 = call_indirect sig0, v0(v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, "
        "v15, v16)\n"
        "return v17\n}\n");
    ManyBy *by;
    memcpy(&by, &memory.bytes, sizeof by);
    assert_true(by(many, ARGS) == many(ARGS));
    dv_exec_free(&memory);
}

static void structures_come_back(void **state)
{
    ExecMemory memory = load(*state, "function %f(i64 sret, i64) system_v {\n"
                                     "block0(v0: i64, v1: i64):\n"
                                     "store v1, v0\nv2 = iadd v1, v1\nstore v2, v0+8\n"
                                     "v3 = iadd v2, v1\nstore v3, v0+16\nreturn\n}\n");
    MakeBig *make;
    memcpy(&make, &memory.bytes, sizeof make);
    Big big = make(7);
    assert_int_equal(big.words[0], 7);
    assert_int_equal(big.words[1], 14);
    assert_int_equal(big.words[2], 21);
    dv_exec_free(&memory);
}

static void structures_are_copied(void **state)
{
    ExecMemory memory = load(*state, "function %f(i64, i64) -> i64 system_v {\n"
                                     "sig0 = (i64, i64 sarg(24), i64) -> i64 system_v\n"
                                     "block0(v0: i64, v1: i64):\n"
                                     "v2 = iconst.i64 5\nv3 = iconst.i64 6\n"
                                     "v4 = call_indirect sig0, v0(v2, v1, v3)\nreturn v4\n}\n");
    TakeBigBy *by;
    const Big big = {{1, 2, 3}};
    memcpy(&by, &memory.bytes, sizeof by);
    assert_int_equal(by(take_big, &big), take_big(5, big, 6));
    dv_exec_free(&memory);
}

static u32 count_bytes(const ExecMemory *memory, const u8 *bytes, usize size)
{
    u32 count = 0;
    for (usize i = 0; i + size <= memory->size_bytes; i++) {
        count += memcmp(memory->bytes + i, bytes, size) == 0;
    }
    return count;
}

/* How often code reads the top of its stack: `test [rsp], rsp`. */
static u32 count_probes(const ExecMemory *memory)
{
    static const u8 probe[] = {0x48, 0x85, 0x24, 0x24};
    return count_bytes(memory, probe, sizeof probe);
}

/* Windows has xmm6 to xmm15 kept, Linux none. The last one is never allocated, but whoever is called may use it. */
static void registers_are_kept_over_conventions(void **state)
{
    static const u8 loads[] = {0x44, 0x0f, 0x10, 0xbd}; /* movups xmm15, [rbp-n] */
    ExecMemory memory = load(*state, "function %f(i64) windows_fastcall {\n"
                                     "sig0 = () system_v\n"
                                     "block0(v0: i64):\ncall_indirect sig0, v0()\nreturn\n}\n");
    assert_int_equal(count_bytes(&memory, loads, sizeof loads), 1);
    dv_exec_free(&memory);
}

typedef u64 Aligned(u64 x);

/* What alignment leaves out may be more than the page behind a stack. */
static void room_for_alignment_is_touched(void **state)
{
    static const struct {
        u32 size, align, probes;
    } rows[] = {{8, 4096, 1},    {8, 2048, 0},  {3000, 2048, 1},
                {8000, 2048, 1}, {8, 65536, 1}, {8000, 8192, 2}};
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "function %%f(i64) -> i64 system_v {\n"
                 "ss0 = explicit_slot %u, align=%u\n"
                 "block0(v0: i64):\nv1 = stack_addr.i64 ss0\nstore v0, v1\nv2 = load.i64 v1\n"
                 "v3 = iadd v1, v2\nreturn v3\n}\n",
                 (unsigned)rows[i].size, (unsigned)rows[i].align);
        ExecMemory memory = load(*state, text);
        Aligned *aligned;
        memcpy(&aligned, &memory.bytes, sizeof aligned);
        assert_int_equal(aligned(5) % rows[i].align, 5);
        assert_int_equal(count_probes(&memory), rows[i].probes);
        dv_exec_free(&memory);
    }
}

/* Two values are kept over calls, in rbx and r12; the rest of the frame is the slot. */
#define KEEPING(slot) \
    "function %f(i64, i64) -> i64 system_v {\nss0 = explicit_slot " slot "\n" \
    "sig0 = (i64) -> i64 system_v\nblock0(v0: i64, v1: i64):\n" \
    "v2 = call_indirect sig0, v0(v1)\nv3 = iadd v2, v1\nv4 = call_indirect sig0, v0(v3)\n" \
    "v5 = imul v4, v1\nv6 = call_indirect sig0, v0(v5)\nreturn v6\n}\n"

typedef i64 Step(i64 x);
typedef i64 Keeping(Step *step, i64 x);
typedef i64 KeepingBy(Keeping *keeping, Step *step, i64 x);

static i64 step(i64 x)
{
    return x + 1;
}

/* What those do. */
static i64 keep(Step *callee, i64 x)
{
    return callee(callee(callee(x) + x) * x);
}

/* Saved registers are popped if the stack pointer is at them, as are 16 bytes in a frame of that many; others are loaded
 * from below rbp, and `leave` does the rest. */
static void saved_registers_come_back(void **state)
{
    static const struct {
        const char *text;
        u8 end[3];
    } rows[] = {
        {KEEPING("0"), {0x5b, 0x5d, 0xc3}},  /* pop rbx; pop rbp; ret */
        {KEEPING("16"), {0xf8, 0xc9, 0xc3}}, /* mov rbx,[rbp-8]; leave; ret */
        {KEEPING("64, align = 64"), {0xf8, 0xc9, 0xc3}},
    };
    ExecMemory outer = load(*state, "function %f(i64, i64, i64) -> i64 system_v {\n"
                                    "sig0 = (i64, i64) -> i64 system_v\n"
                                    "block0(v0: i64, v1: i64, v2: i64):\n"
                                    "v3 = call_indirect sig0, v0(v1, v2)\nv4 = iadd v3, v2\n"
                                    "v5 = call_indirect sig0, v0(v1, v4)\nv6 = iadd v5, v2\n"
                                    "return v6\n}\n");
    KeepingBy *by;
    memcpy(&by, &outer.bytes, sizeof by);
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        u8 end[3];
        ExecMemory memory = load_code(*state, rows[i].text, end);
        Keeping *keeping;
        memcpy(&keeping, &memory.bytes, sizeof keeping);
        assert_memory_equal(end, rows[i].end, sizeof end);
        assert_int_equal(by(keeping, step, 7), by(keep, step, 7));
        dv_exec_free(&memory);
    }
    dv_exec_free(&outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(room_for_alignment_is_touched), UNIT_TEST(registers_are_kept_over_conventions),
        UNIT_TEST(many_arguments_arrive),         UNIT_TEST(structures_come_back),
        UNIT_TEST(structures_are_copied),         UNIT_TEST(saved_registers_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
    return 0;
}

#endif
