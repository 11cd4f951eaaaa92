/* test_stack_switch.c - stack_switch natively: stacks made by this program, gone to and left many times in turns, with values of
 * all classes living over every switch, on both sides; and traps on such a stack.
 *
 * A model in C does what the CLIF does. */
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#endif

#include "native_testing.h"

#include "compile_testing.h"

#if IS_HOST
#include <sys/mman.h>
#include <unwind.h>

#include "base/text.h"
#include "codegen/isa/x64/x64_isa.h"
#include "rt/exec.h"
#include "rt/registry.h"
#include "rt/signals.h"

enum {
    STACK_BYTES = 256 << 10,
    GUARD_BYTES = 4096,
    LIVE = 20,
    FIBERS = 3,
    ROUNDS = 2000,
    SEEN = 42
};

typedef struct Context {
    uintptr_t stack, frame, go_on;
} Context;

typedef struct Fiber {
    Context own, starter; /* code knows where they are */
    u8 *memory;
    const void *body;
    bool is_seen;
} Fiber;

static void fiber_new(Fiber *f, const void *body)
{
    f->memory = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(f->memory != MAP_FAILED);
    assert_int_equal(mprotect(f->memory, GUARD_BYTES, PROT_NONE), 0);
    f->body = body;
    f->is_seen = false;
    f->own = (Context){(uintptr_t)(f->memory + STACK_BYTES), 0, (uintptr_t)body};
}

static void fiber_free(Fiber *f)
{
    munmap(f->memory, STACK_BYTES);
}

static bool is_on_stack(const Fiber *f, const void *address)
{
    return (uintptr_t)address - (uintptr_t)f->memory < STACK_BYTES;
}

/* ---- code ---- */

/* Values that live over the switch: v100 and up integers, v200 and up floats of both sizes in turns. */
static bool is_double(u32 i)
{
    return i % 2 == 0;
}

static void write_list(TextBuf *text, const char *format_int, const char *format_f64,
                       const char *format_f32, u32 ints, u32 floats)
{
    for (u32 i = 0; i < LIVE; i++) {
        dv_text_printf(text, format_int, (unsigned)(ints + i));
        dv_text_printf(text, is_double(i) ? format_f64 : format_f32, (unsigned)(floats + i));
    }
}

/* What comes of them and of v10: integers at v500, floats at v600, v700 of 128 bits, v701 of 8. */
static void write_step(TextBuf *text)
{
    dv_text_printf(text, "v20 = iconst.i64 15\nv21 = band v10, v20\nv22 = fcvt_from_uint.f64 v21\n"
                         "v23 = fcvt_from_uint.f32 v21\n");
    for (unsigned i = 0; i < LIVE; i++) {
        dv_text_printf(text, "v%u = iconst.i64 %u\nv%u = imul v%u, v%u\nv%u = iadd v%u, v10\n",
                       300 + i, 2 * i + 3, 400 + i, 100 + i, 300 + i, 500 + i, 400 + i);
        dv_text_printf(text, "v%u = fadd v%u, v%u\n", 600 + i, 200 + i, is_double(i) ? 22 : 23);
    }
    dv_text_printf(text, "v24 = sextend.i128 v10\nv700 = iadd v30, v24\nv25 = ireduce.i8 v10\n"
                         "v701 = iadd v31, v25\n");
}

/* v900: all of them in one number. */
static void write_hash(TextBuf *text)
{
    dv_text_printf(text,
                   "v702, v703 = isplit v700\nv704 = uextend.i64 v701\nv705 = bxor v702, v703\n"
                   "v800 = bxor v704, v705\n");
    for (unsigned i = 0; i < LIVE; i++) {
        unsigned bits = 1000 + 10 * i;
        if (is_double(i)) {
            dv_text_printf(text, "v%u = bitcast.i64 v%u\n", bits + 1, 600 + i);
        } else {
            dv_text_printf(text, "v%u = bitcast.i32 v%u\nv%u = uextend.i64 v%u\n", bits, 600 + i,
                           bits + 1, bits);
        }
        dv_text_printf(text, "v%u = bxor v%u, v%u\nv%u = bxor v%u, v%u\n", bits + 2, bits + 1,
                       500 + i, i + 1 == LIVE ? 900 : 801 + i, 800 + i, bits + 2);
    }
}

/* An f128 and an f16 live over the switch too, seen in the next number. */
static void write_body(TextBuf *text)
{
    dv_text_printf(
        text,
        "function %%body(i64) system_v {\nfn0 = %%look(i64) -> i64 system_v\n"
        "block0(v0: i64):\nv1 = iconst.i64 %u\nv2 = iadd v0, v1\nv3 = call fn0(v0)\n"
        "v4 = stack_switch v0, v2, v3\nv5 = iconst.i64 7\nv6 = f64const 0x0.0\n"
        "v7 = f32const 0x0.0\nv8 = sextend.i128 v5\nv9 = ireduce.i8 v5\njump block1(v4, v8, v9",
        (unsigned)sizeof(Context));
    for (u32 i = 0; i < LIVE; i++) {
        dv_text_printf(text, ", v5, %s", is_double(i) ? "v6" : "v7");
    }
    dv_text_printf(text, ")\nblock1(v10: i64, v30: i128, v31: i8");
    write_list(text, ", v%u: i64", ", v%u: f64", ", v%u: f32", 100, 200);
    dv_text_printf(text, "):\n");
    write_step(text);
    write_hash(text);
    dv_text_printf(
        text,
        "v40 = bitcast.f128 v700\nv41 = ireduce.i16 v10\nv42 = bitcast.f16 v41\n"
        "v50 = stack_switch v0, v2, v900\nv51 = bitcast.i128 v40\nv52, v53 = isplit v51\n"
        "v54 = bitcast.i16 v42\nv55 = uextend.i64 v54\nv56 = bxor v50, v52\nv57 = bxor v56, v55\n"
        "jump block1(v57, v700, v701");
    write_list(text, ", v%u", ", v%u", ", v%u", 500, 600);
    dv_text_printf(text, ")\n}\n");
}

/* %go goes to a fiber and comes back with values of its own in place; %outer has some in registers that %go must give back. */
static void write_go(TextBuf *text)
{
    dv_text_printf(
        text,
        "function %%go(i64, i64) -> i64 tail {\nblock0(v0: i64, v10: i64):\n"
        "v1 = iconst.i64 %u\nv2 = iadd v0, v1\nv30 = sextend.i128 v10\nv31 = ireduce.i8 v10\n",
        (unsigned)sizeof(Context));
    for (unsigned i = 0; i < LIVE; i++) {
        dv_text_printf(text, "v%u = bnot v10\nv%u = %s 0x1.0p%u\n", 100 + i, 200 + i,
                       is_double(i) ? "f64const" : "f32const", i);
    }
    write_step(text);
    dv_text_printf(text, "v3 = stack_switch v2, v0, v10\n");
    write_hash(text);
    dv_text_printf(text, "v4 = iadd v3, v900\nreturn v4\n}\n");
    dv_text_printf(
        text,
        "function %%outer(i64, i64) -> i64 system_v {\nfn0 = colocated %%go(i64, i64) -> i64 tail\n"
        "block0(v0: i64, v1: i64):\n");
    for (unsigned i = 0; i < LIVE; i++) {
        dv_text_printf(text, "v%u = iconst.i64 %u\nv%u = imul v1, v%u\n", 100 + i, 5 + 2 * i,
                       200 + i, 100 + i);
    }
    dv_text_printf(text, "v2 = call fn0(v0, v1)\nv3 = call fn0(v0, v2)\nv300 = bxor v2, v3\n");
    for (unsigned i = 0; i < LIVE; i++) {
        dv_text_printf(text, "v%u = bxor v%u, v%u\n", 301 + i, 300 + i, 200 + i);
    }
    dv_text_printf(text, "return v%u\n}\n", (unsigned)(300 + LIVE));
}

/* ---- the model ---- */

typedef struct Model {
    u64 ints[LIVE];
    double doubles[LIVE];
    float floats[LIVE];
    u64 lo, hi;
    u8 byte;
    u64 last; /* what came */
} Model;

static void model_step(Model *m, u64 x)
{
    u64 old = m->lo;
    for (u32 i = 0; i < LIVE; i++) {
        m->ints[i] = m->ints[i] * (2 * i + 3) + x;
        m->doubles[i] += (double)(x & 15);
        m->floats[i] += (float)(x & 15);
    }
    m->lo += x;
    m->hi += (u64)((i64)x >> 63) + (m->lo < old);
    m->byte = (u8)(m->byte + x);
    m->last = x;
}

static u64 model_hash(const Model *m)
{
    u64 hash = m->lo ^ m->hi ^ m->byte;
    for (u32 i = 0; i < LIVE; i++) {
        u64 bits = 0;
        if (is_double(i)) {
            memcpy(&bits, &m->doubles[i], sizeof bits);
        } else {
            u32 low;
            memcpy(&low, &m->floats[i], sizeof low);
            bits = low;
        }
        hash ^= bits ^ m->ints[i];
    }
    return hash;
}

static Model model_new(void)
{
    Model m = {.lo = 7, .byte = 7};
    for (u32 i = 0; i < LIVE; i++) {
        m.ints[i] = 7;
    }
    return m;
}

/* What %body hands back for x. */
static u64 model_body(Model *m, u64 x, bool is_first)
{
    model_step(m, is_first ? x : x ^ m->lo ^ (u16)m->last);
    return model_hash(m);
}

static u64 model_go(u64 back, u64 x)
{
    Model m = {.lo = x, .hi = (u64)((i64)x >> 63), .byte = (u8)x};
    for (u32 i = 0; i < LIVE; i++) {
        m.ints[i] = ~x;
        m.doubles[i] = (double)(1u << i);
        m.floats[i] = (float)(1u << i);
    }
    model_step(&m, x);
    return back + model_hash(&m);
}

static u64 model_outer(Model *m, u64 x, bool is_first)
{
    u64 a = model_go(model_body(m, x, is_first), x);
    u64 b = model_go(model_body(m, a, false), a);
    u64 result = a ^ b;
    for (u32 i = 0; i < LIVE; i++) {
        result ^= x * (5 + 2 * i);
    }
    return result;
}

/* ---- to and fro ---- */

typedef u64 Go(Fiber *f, u64 x);

typedef struct Walk {
    const void *body;
    u32 frames;
    bool has_body;
} Walk;

static _Unwind_Reason_Code on_frame(struct _Unwind_Context *frame, void *context)
{
    Walk *walk = context;
    walk->frames++;
    walk->has_body = walk->has_body || _Unwind_GetRegionStart(frame) == (uintptr_t)walk->body;
    return walk->frames < 1000 ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* C on the new stack: it is aligned, is not taken for the thread's, and unwinders find its end. */
static u64 look(Fiber *f)
{
    Walk walk = {f->body, 0, false};
    const u8 *here = DV_FRAME_ADDRESS();
    if (here != NULL) {
        assert_int_equal((uintptr_t)here % 16, 0);
        assert_true(is_on_stack(f, here));
        assert_null(dv_stack_end(here));
    }
    _Unwind_Backtrace(on_frame, &walk);
    assert_int_equal(walk.has_body, DV_HAS_WEAK);
    assert_in_range(walk.frames, 1, 10);
    f->is_seen = true;
    return SEEN;
}

static void *look_up(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "look") == 0 ? (void *)(uintptr_t)look : NULL;
}

static void go_to_and_fro(Native *x)
{
    Go *outer = (Go *)(uintptr_t)davit_native_address(x->native, "outer");
    const void *body = davit_native_address(x->native, "body");
    Fiber fibers[FIBERS];
    Model models[FIBERS];
    bool is_started[FIBERS] = {false};
    u64 random = 1;
    for (u32 i = 0; i < FIBERS; i++) {
        fiber_new(&fibers[i], body);
        models[i] = model_new();
    }
    for (u32 round = 0; round < ROUNDS; round++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        u32 i = (u32)(random >> 33) % FIBERS;
        bool is_first = !is_started[i];
        if (is_first) { /* the first payload tells where the fiber is */
            Fiber *f = &fibers[i];
            Go *start = (Go *)(uintptr_t)davit_native_address(x->native, "start");
            is_started[i] = true;
            assert_int_equal(start(f, (u64)(uintptr_t)f), SEEN);
            assert_true(f->is_seen && is_on_stack(f, (const void *)f->own.stack));
            assert_false(is_on_stack(f, (const void *)f->starter.stack));
        }
        u64 want = model_outer(&models[i], random, is_first);
        assert_int_equal(outer(&fibers[i], random), want);
    }
    for (u32 i = 0; i < FIBERS; i++) {
        assert_true(is_started[i]);
        fiber_free(&fibers[i]);
    }
}

static void goes_to_and_fro(void **state)
{
    Fixture *f = *state;
    TextBuf text;
    dv_text_init(&text, &f->arena);
    write_body(&text);
    write_go(&text);
    dv_text_printf(
        &text,
        "function %%start(i64, i64) -> i64 system_v {\nblock0(v0: i64, v1: i64):\n"
        "v2 = iconst.i64 %u\nv3 = iadd v0, v2\nv4 = stack_switch v3, v0, v1\nreturn v4\n}\n",
        (unsigned)sizeof(Context));
    for (u32 i = 0; i < 4; i++) {
        davit_native_options_t options = {
            .check = true, .fast = (i & 1) != 0, .landing_pads = (i & 2) != 0};
        Native x;
        native_new(&x, &options);
        native_define(&x, text.data, DAVIT_LINK_EXPORT);
        assert_int_equal(davit_native_link(x.native, look_up, NULL), DAVIT_OK);
        go_to_and_fro(&x);
        native_free(&x);
    }
}

/* ---- contexts that are one, and pads ---- */

/* Where code goes on is known to begin with a pad, and only if it is asked for. */
static void goes_on_at_pads(void **state)
{
    static const char text[] =
        "function %tells(i64) system_v {\nblock0(v0: i64):\nv1 = load.i64 v0+16\n"
        "v2 = stack_switch v0, v0, v1\ntrap user1\n}\n"
        "function %swaps(i64) -> i64 system_v {\nblock0(v0: i64):\nv1 = stack_switch v0, v0, v0\n"
        "return v1\n}\n";
    static const u8 pad[] = {0xf3, 0x0f, 0x1e, 0xfa};
    (void)state;
    for (u32 i = 0; i < 2; i++) {
        davit_native_options_t options = {.check = true, .landing_pads = i != 0};
        Native x;
        Fiber f;
        native_new(&x, &options);
        native_define(&x, text, DAVIT_LINK_EXPORT);
        assert_int_equal(davit_native_link(x.native, NULL, NULL), DAVIT_OK);
        fiber_new(&f, davit_native_address(x.native, "tells"));
        Go *swaps = (Go *)(uintptr_t)davit_native_address(x.native, "swaps");
        /* One context for both: the fiber finds where its starter goes on in place of its own. */
        const u8 *at = (const u8 *)(uintptr_t)swaps(&f, 0);
        assert_int_equal(memcmp(at, pad, sizeof pad) == 0, i != 0);
        assert_true(is_on_stack(&f, (const void *)f.own.stack));
        fiber_free(&f);
        native_free(&x);
    }
}

/* Whoever looks at a suspended stack finds where it goes on in the same tables as where calls return to. */
static void is_told_of_as_calls_are(void **state)
{
    CompiledFunc **funcs;
    u32 count;
    assert_null(compile_text(*state, &dv_x64_isa, ALLOCATOR_MAIN,
                             "function %f(i64, i64) -> i64 {\nss0 = explicit_slot 8\n"
                             "block0(v0: i64, v1: i64):\n"
                             "<ss0, 7> v2 = stack_switch v0, v1, v0, stack_map=[i64 @ ss0+0]\n"
                             "return v2\n}\n",
                             &funcs, &count));
    const MachCode *code = &funcs[0]->code;
    assert_int_equal(code->calls.len, 1);
    assert_int_equal(code->stack_maps.len, 1);
    assert_int_equal(code->tags.len, 1);
    u32 offset = code->calls.data[0].offset;
    assert_int_equal(code->stack_maps.data[0].offset, offset);
    assert_int_equal(code->tags.data[0].offset, offset);
    assert_int_equal(code->bytes[offset] & 0xf8, 0x58); /* pop */
    assert_true(code->calls.data[0].frame_offset >= 8);
}

/* ---- traps ---- */

typedef struct Trapping {
    Activation activation;
    jmp_buf back;
} Trapping;

static void on_trap(Activation *self)
{
    longjmp(((Trapping *)(void *)self)->back, 1);
}

/* A trap there is found as anywhere, and can be left for the stack that it was started from. */
static void traps_on_other_stacks(void **state)
{
    static const char text[] =
        "function %start(i64, i64) system_v {\nblock0(v0: i64, v1: i64):\n"
        "v2 = iconst.i64 24\nv3 = iadd v0, v2\nv4 = stack_switch v3, v0, v1\nreturn\n}\n"
        "function %traps(i64) system_v {\nblock0(v0: i64):\ntrapz v0, user3\ntrap user4\n}\n";
    Fixture *x = *state;
    CompiledFunc **funcs;
    u32 count;
    ExecMemory memory;
    Fiber f;
    assert_true(dv_signals_renew());
    assert_null(compile_text(x, &dv_x64_isa, ALLOCATOR_MAIN, text, &funcs, &count));
    const MachCode *start = &funcs[0]->code, *traps = &funcs[1]->code;
    assert_true(dv_exec_alloc(&memory, start->size_bytes + traps->size_bytes));
    memcpy(memory.bytes, start->bytes, start->size_bytes);
    memcpy(memory.bytes + start->size_bytes, traps->bytes, traps->size_bytes);
    assert_true(dv_exec_seal(&memory));
    assert_int_equal(traps->traps.len, 2);
    CodeTrap table[2];
    for (u32 i = 0; i < 2; i++) {
        table[i] =
            (CodeTrap){start->size_bytes + traps->traps.data[i].offset, traps->traps.data[i].code};
    }
    CodeRange range = {memory.bytes, start->size_bytes + traps->size_bytes, table, 2, NULL};
    assert_true(dv_registry_add_code(&range));
    Go *go = (Go *)(uintptr_t)memory.bytes;
    for (u64 i = 0; i < 2; i++) {
        Trapping t = {.activation = {.trapped = on_trap}};
        fiber_new(&f, memory.bytes + start->size_bytes);
        dv_activation_push(&t.activation);
        if (setjmp(t.back) == 0) {
            go(&f, i);
            fail();
        }
        dv_activation_pop(&t.activation);
        assert_int_equal(t.activation.code, i == 0 ? 3 : 4);
        assert_true(is_on_stack(&f, t.activation.fp));
        fiber_free(&f);
    }
    dv_registry_remove_code(&range);
    dv_exec_free(&memory);
}
#endif

int main(void)
{
#if IS_HOST
    const struct CMUnitTest tests[] = {
        UNIT_TEST(goes_to_and_fro),
        UNIT_TEST(goes_on_at_pads),
        UNIT_TEST(is_told_of_as_calls_are),
        UNIT_TEST(traps_on_other_stacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
#else
    return 0;
#endif
}
