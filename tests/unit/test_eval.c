/* test_eval.c - the evaluator's machine where files of run directives cannot reach: budgets, limits, depth, places of
 * traps, errors and their reasons, the instance from outside, functions replaced, memory that runs out at every point.
 */
#include "unit.h"

#include "base/bytes.h"
#include "codegen/ir/eval.h"
#include "codegen/ir/parse.h"

enum { MAX_ARGS = 4 };

typedef struct Machine {
    Fixture *fixture;
    Evaluator *e;
    ClifFile file;
} Machine;

static ExtName name_of(const char *text)
{
    return (ExtName){.kind = NAME_TEST, .text = {text, (u32)strlen(text)}};
}

static void parse_text(Fixture *f, const char *text, ClifFile *file)
{
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    Escape escape;
    dv_escape_enter(&escape, &f->pool);
    bool ok = setjmp(escape.env) == 0 &&
              dv_clif_parse(file, &f->arena, (Str){text, (u32)strlen(text)}, &diag);
    dv_escape_leave(&escape, &f->pool);
    if (!ok) {
        fail_msg("line %u: %s", dv_diag_first(&diag)->line, dv_diag_first(&diag)->text);
    }
}

static Machine start_with(Fixture *f, const char *text, EvalOptions options)
{
    Machine m = {.fixture = f};
    options.address_bits = options.address_bits == 0 ? 64 : options.address_bits;
    parse_text(f, text, &m.file);
    m.e = dv_eval_new(&f->pool, &options);
    assert_non_null(m.e);
    for (u32 i = 0; i < m.file.funcs.len; i++) {
        assert_true(dv_eval_add(m.e, &m.file.funcs.data[i]->func));
    }
    return m;
}

static Machine start(Fixture *f, const char *text)
{
    return start_with(f, text, (EvalOptions){0});
}

/* Calls function n of the text with i64 or, by the signature, narrower arguments. */
static EvalResult call(Machine *m, u32 n, const u64 *args)
{
    const Func *f = &m->file.funcs.data[n]->func;
    u8 bytes[MAX_ARGS][16] = {{0}};
    EvalValue values[MAX_ARGS];
    for (u32 i = 0; i < f->sig.num_params; i++) {
        store_le64(bytes[i], args[i]);
        values[i] = (EvalValue){f->sig.params[i].type, bytes[i]};
    }
    EvalResult result;
    dv_eval_call(m->e, f, values, f->sig.num_params, &m->fixture->arena, &result);
    return result;
}

static EvalResult call1(Machine *m, u64 arg)
{
    return call(m, 0, &arg);
}

static u64 value_of(const EvalResult *r, u32 n)
{
    assert_int_equal(r->outcome, EVAL_RETURNED);
    assert_true(n < r->num_values);
    u8 bytes[8] = {0};
    u32 size = type_bytes(r->values[n].type);
    memcpy(bytes, r->values[n].bytes, size < 8 ? size : 8);
    return load_le64(bytes);
}

static void expect_error(const EvalResult *r, const char *reason)
{
    assert_int_equal(r->outcome, EVAL_ERROR);
    assert_string_equal(r->reason, reason);
}

static void expect_trap(const EvalResult *r, TrapCode code)
{
    assert_int_equal(r->outcome, EVAL_TRAPPED);
    assert_int_equal(r->trap, code);
}

/* ---- budgets ---- */

static const char loop_text[] = "function %f(i64) -> i64 {\n"
                                "block0(v0: i64):\n    jump block1(v0)\n"
                                "block1(v1: i64):\n    v2 = iconst.i64 1\n    v3 = isub v1, v2\n"
                                "    fuel 3\n    brif v3, block1(v3), block2\n"
                                "block2:\n    return v3\n}\n";

static void test_steps_are_exact(void **state)
{
    Machine m = start_with(*state, loop_text, (EvalOptions){.max_steps = 4 * 5 + 2});
    EvalResult r = call1(&m, 5);
    assert_int_equal(value_of(&r, 0), 0);
    assert_int_equal(r.steps, 22);
    assert_int_equal(r.fuel_used, 15);
    r = call1(&m, 6);
    assert_int_equal(r.outcome, EVAL_OUT_OF_STEPS);
    assert_int_equal(r.steps, 22);
    r = call1(&m, 0);
    assert_int_equal(r.outcome, EVAL_OUT_OF_STEPS);
    r = call1(&m, 1);
    assert_int_equal(r.steps, 6);
    dv_eval_free(m.e);
}

static void test_fuel(void **state)
{
    Machine m = start(*state, loop_text);
    dv_eval_set_fuel(m.e, 10);
    EvalResult r = call1(&m, 3);
    assert_int_equal(value_of(&r, 0), 0);
    r = call1(&m, 1);
    expect_trap(&r, TRAP_out_of_fuel);
    assert_int_equal(r.fuel_used, 0);
    dv_eval_set_fuel(m.e, 3);
    r = call1(&m, 1);
    assert_int_equal(r.fuel_used, 3);
    dv_eval_free(m.e);
}

/* Bulk work counts against the budget, and is not done if the budget does not hold it. */
static void test_bulk_steps(void **state)
{
    static const char text[] =
        "function %f(i32) {\n    heap0 = memory 0, index i32, min 16, page 0x10000\n"
        "block0(v0: i32):\n    v1 = iconst.i32 0\n    v2 = iconst.i32 5\n"
        "    memory_fill heap0, v1, v2, v0\n    return\n}\n";
    Machine m = start_with(*state, text, (EvalOptions){.max_steps = 1400});
    EvalResult r = call1(&m, 102400);
    assert_int_equal(r.outcome, EVAL_RETURNED);
    assert_int_equal(r.steps, 1024 + 4 + 100);
    r = call1(&m, 10240);
    assert_int_equal(r.steps, 4 + 10);
    r = call1(&m, 1000);
    assert_int_equal(r.steps, 4);
    r = call1(&m, 1048576);
    assert_int_equal(r.outcome, EVAL_RETURNED);
    assert_int_equal(r.steps, 4 + 1024);
    dv_eval_free(m.e);
    u64 size;
    m = start_with(*state, text, (EvalOptions){.max_steps = 1030});
    assert_true(dv_eval_set_memory(m.e, 0, 4000000));
    r = call1(&m, 2000000);
    assert_int_equal(r.outcome, EVAL_OUT_OF_STEPS);
    assert_int_equal(r.steps, 1030);
    assert_int_equal(dv_eval_memory(m.e, 0, &size)[0], 0);
    dv_eval_free(m.e);
}

/* ---- depth ---- */

static const char depth_text[] = "function %f(i64) -> i64 {\n    fn0 = %f(i64) -> i64\n"
                                 "block0(v0: i64):\n    brif v0, block1, block2\n"
                                 "block1:\n    v1 = iconst.i64 1\n    v2 = isub v0, v1\n"
                                 "    v3 = call fn0(v2)\n    v4 = iadd v3, v1\n    return v4\n"
                                 "block2:\n    return v0\n}\n";

static void test_depth(void **state)
{
    Machine m = start(*state, depth_text);
    EvalResult r = call1(&m, 99999);
    assert_int_equal(value_of(&r, 0), 99999);
    r = call1(&m, 100000);
    expect_trap(&r, TRAP_stk_ovf);
    assert_ptr_equal(r.trap_func, &m.file.funcs.data[0]->func);
    assert_int_equal(dv_inst_const(r.trap_func, r.trap_inst)->op, OP_call);
    dv_eval_free(m.e);
    m = start_with(*state, depth_text, (EvalOptions){.max_depth = 3});
    r = call1(&m, 2);
    assert_int_equal(value_of(&r, 0), 2);
    r = call1(&m, 3);
    expect_trap(&r, TRAP_stk_ovf);
    dv_eval_free(m.e);
}

/* A million tail calls take no more memory than a few. */
static void test_tail_calls_in_constant_space(void **state)
{
    Fixture *f = *state;
    Machine m = start(
        f,
        "function %f(i64) -> i64 tail {\n    ss0 = explicit_slot 64\n    fn0 = %f(i64) -> i64 tail\n"
        "block0(v0: i64):\n    brif v0, block1, block2\n"
        "block1:\n    v1 = iconst.i64 1\n    v2 = isub v0, v1\n    return_call fn0(v2)\n"
        "block2:\n    return v0\n}\n");
    EvalResult r = call1(&m, 10);
    assert_int_equal(value_of(&r, 0), 0);
    usize before = f->pool.used_bytes;
    r = call1(&m, 1000000);
    assert_int_equal(value_of(&r, 0), 0);
    assert_int_equal(f->pool.used_bytes, before);
    dv_eval_free(m.e);
}

/* ---- places and errors ---- */

static void test_trap_place(void **state)
{
    Machine m = start(
        *state,
        "function %f(i64) -> i64 {\n    fn0 = %g(i64) -> i64\n"
        "block0(v0: i64):\n    v1 = call fn0(v0)\n    return v1\n}\n"
        "function %g(i64) -> i64 {\n"
        "block0(v0: i64):\n    v1 = iconst.i64 100\n    v2 = udiv v1, v0\n    return v2\n}\n");
    EvalResult r = call1(&m, 7);
    assert_int_equal(value_of(&r, 0), 14);
    assert_null(r.trap_func);
    r = call1(&m, 0);
    expect_trap(&r, TRAP_int_divz);
    assert_ptr_equal(r.trap_func, &m.file.funcs.data[1]->func);
    assert_int_equal(dv_inst_const(r.trap_func, r.trap_inst)->op, OP_udiv);
    assert_int_equal(r.num_values, 0);
    r = call1(&m, 7);
    assert_int_equal(value_of(&r, 0), 14);
    dv_eval_free(m.e);
}

/* An exception that nobody catches traps where it was thrown, although frames lie below. */
static void test_uncaught(void **state)
{
    Machine m =
        start(*state,
              "function %f() {\n    sig0 = ()\n    fn0 = %g sig0\n"
              "block0:\n    try_call fn0(), sig0, block1, [ tag4: block1 ]\n"
              "block1:\n    return\n}\n"
              "function %g() {\n    sig0 = ()\n    type0 = func (), sig0\n    tag0 = tag 5, type0\n"
              "block0:\n    throw tag0()\n}\n");
    EvalResult r = call(&m, 0, NULL);
    expect_trap(&r, TRAP_exception);
    assert_ptr_equal(r.trap_func, &m.file.funcs.data[1]->func);
    dv_eval_free(m.e);
}

static void test_errors(void **state)
{
    static const char text[] =
        "function %unknown() {\n    fn0 = %missing()\nblock0:\n    call fn0()\n    return\n}\n"
        "function %sig() {\n    fn0 = %unknown(i32)\nblock0:\n    v0 = iconst.i32 0\n    call fn0(v0)\n    return\n}\n"
        "function %conv() {\n    fn0 = %unknown() system_v\nblock0:\n    call fn0()\n    return\n}\n"
        "function %wild(i64) {\n    sig0 = ()\nblock0(v0: i64):\n    call_indirect sig0, v0()\n    return\n}\n"
        "function %notrap(i64) {\nblock0(v0: i64):\n    v1 = load.i32 notrap v0\n    return\n}\n"
        "function %aligned() {\n    ss0 = explicit_slot 16\nblock0:\n    v0 = stack_addr.i64 ss0+1\n"
        "    v1 = load.i32 aligned v0\n    return\n}\n"
        "function %user_name() {\n    fn0 = u3:4()\nblock0:\n    call fn0()\n    return\n}\n"
        "function %unbound() {\n    sig0 = ()\n    type0 = func (), sig0\n    func0 = import type0\n"
        "block0:\n    call_import func0()\n    return\n}\n"
        "function %exnref() {\nblock0:\n    v0 = iconst.i32 9\n    throw_ref v0\n}\n"
        "function %funcref() {\n    sig0 = ()\n    type0 = func (), sig0\n"
        "block0:\n    v0 = iconst.i32 99999\n    call_ref type0, v0()\n    return\n}\n"
        "function %wait(i32) {\n    heap0 = memory 0, index i32, min 1, max 1, page 0x10000, shared\n"
        "block0(v0: i32):\n    v1 = iconst.i64 -1\n    v2 = heap_wait.i32 heap0, v0, v0, v1\n    return\n}\n"
        "function %context() {\n    ss0 = explicit_slot 24\nblock0:\n    v0 = stack_addr.i64 ss0\n"
        "    v1 = stack_switch v0, v0, v0\n    return\n}\n"
        "function %global() {\n    global0 = global 0, i64\nblock0:\n    v0 = global_get.i64 global0\n    return\n}\n"
        "function %slots() {\n    ss0 = explicit_slot 600000000\nblock0:\n    return\n}\n"
        "function %libcall(f64) {\n    fn0 = %CeilF32(f64)\nblock0(v0: f64):\n    call fn0(v0)\n    return\n}\n";
    static const char *const reasons[] = {
        "no such function: %missing",
        "called by a signature that is not its own: %unknown",
        "called by a signature that is not its own: %unknown",
        "the address called is no function's",
        "a notrap access failed",
        "an access that says aligned is not",
        "no such function: u3:4",
        "a function entity without a name was called",
        "the handle thrown is no exception's",
        "the handle called is no function's",
        "waits for ever",
        "stack_switch to what is no context",
        "a global has another type than is declared",
        "the stack slots of a function take too much memory",
        "called by a signature that is not its own: %CeilF32",
    };
    Machine m = start(*state, text);
    assert_int_equal(m.file.funcs.len, ARRAY_LEN(reasons));
    u8 byte = 1;
    assert_true(dv_eval_set_global(m.e, 0, (EvalValue){TYPE_I8, &byte}));
    for (u32 i = 0; i < ARRAY_LEN(reasons); i++) {
        u64 zero = 0;
        EvalResult r = call(&m, i, &zero);
        expect_error(&r, reasons[i]);
    }
    EvalResult r;
    dv_eval_call(m.e, &m.file.funcs.data[3]->func, NULL, 0, &m.fixture->arena, &r);
    expect_error(&r, "the arguments are not what the signature says");
    EvalValue wrong = {TYPE_I8, &byte};
    dv_eval_call(m.e, &m.file.funcs.data[3]->func, &wrong, 1, &m.fixture->arena, &r);
    expect_error(&r, "the arguments are not what the signature says");
    dv_eval_free(m.e);
}

/* A context is resumed once: what it holds is stale afterwards. */
static void test_stale_context(void **state)
{
    Machine m = start(
        *state,
        "function %f() {\n    ss0 = explicit_slot 72\n    ss1 = explicit_slot 4096\n    fn0 = %g(i64)\n"
        "block0:\n    v0 = stack_addr.i64 ss0\n    v1 = stack_addr.i64 ss0+24\n"
        "    v2 = stack_addr.i64 ss1+4096\n    v3 = func_addr.i64 fn0\n"
        "    store v2, v0\n    store v3, v0+16\n    v4 = stack_switch v1, v0, v1\n"
        "    v5 = stack_switch v0, v1, v0\n    return\n}\n"
        "function %g(i64) {\nblock0(v0: i64):\n    v1 = iconst.i64 24\n    v2 = isub v0, v1\n"
        "    v3 = stack_switch v2, v0, v0\n    return\n}\n");
    EvalResult r = call(&m, 0, NULL);
    expect_error(&r, "stack_switch to a context that is not suspended");
    dv_eval_free(m.e);
}

static void test_fiber_returns(void **state)
{
    Machine m = start(
        *state,
        "function %f() {\n    ss0 = explicit_slot 24\n    ss1 = explicit_slot 4096\n    fn0 = %g(i64)\n"
        "block0:\n    v0 = stack_addr.i64 ss0\n    v1 = stack_addr.i64 ss1+4096\n"
        "    v2 = func_addr.i64 fn0\n    store v1, v0\n    store v2, v0+16\n"
        "    v3 = stack_switch v0, v0, v1\n    return\n}\n"
        "function %g(i64) {\nblock0(v0: i64):\n    return\n}\n");
    EvalResult r = call(&m, 0, NULL);
    expect_error(&r, "the first function of a fiber returned");
    dv_eval_free(m.e);
}

/* ---- limits ---- */

static void test_limits(void **state)
{
    Machine m = start_with(
        *state,
        "function %memory() {\n    heap0 = memory 0, index i64, min 0x1000000000000, page 0x10000\n"
        "block0:\n    return\n}\n"
        "function %table() {\n    table0 = table 0, index i64, min 0xffffffffffffffff, funcref\n"
        "block0:\n    return\n}\n"
        "function %grow() -> i32, i32 {\n    heap0 = memory 1, index i32, min 1, page 0x10000\n"
        "block0:\n    v0 = iconst.i32 20\n    v1 = memory_grow heap0, v0\n    v2 = iconst.i32 2\n"
        "    v3 = memory_grow heap0, v2\n    return v1, v3\n}\n"
        "function %deep() {\n    ss0 = explicit_slot 100000\n    fn0 = %deep()\nblock0:\n"
        "    call fn0()\n    return\n}\n",
        (EvalOptions){.max_memory_bytes = 1 << 20});
    EvalResult r = call(&m, 0, NULL);
    expect_error(&r, "memory limit");
    r = call(&m, 0, NULL);
    expect_error(&r, "memory limit");
    r = call(&m, 1, NULL);
    expect_error(&r, "memory limit");
    r = call(&m, 2, NULL);
    assert_int_equal(value_of(&r, 0), UINT32_MAX);
    assert_int_equal(value_of(&r, 1), 1);
    r = call(&m, 3, NULL);
    expect_error(&r, "memory limit");
    assert_false(dv_eval_set_memory(m.e, 3, (u64)1 << 40));
    assert_false(dv_eval_set_table(m.e, 3, 10000001));
    dv_eval_reset(m.e);
    r = call(&m, 2, NULL);
    assert_int_equal(value_of(&r, 1), 1);
    dv_eval_free(m.e);
}

/* ---- the instance from outside ---- */

static void test_instance(void **state)
{
    Machine m = start(
        *state,
        "function %f(i32) -> i32 {\n    heap0 = memory 3, index i32, min 1, page 0x10000\n"
        "    table0 = table 4, index i32, min 2, funcref\n    global0 = global 5, i32, mutable\n"
        "block0(v0: i32):\n    v1 = heap_load.i32 heap0, v0\n    global_set global0, v1\n"
        "    v2 = table_get table0, v0\n    return v2\n}\n");
    u64 size = 0;
    EvalValue value;
    assert_null(dv_eval_memory(m.e, 3, &size));
    assert_null(dv_eval_table(m.e, 4, &size));
    assert_false(dv_eval_global(m.e, 5, &value));
    EvalResult r = call1(&m, 1);
    assert_int_equal(value_of(&r, 0), 0);
    store_le32(dv_eval_memory(m.e, 3, &size) + 1, 0x87654321);
    assert_int_equal(size, 65536);
    dv_eval_table(m.e, 4, &size)[1] = 42;
    assert_int_equal(size, 2);
    r = call1(&m, 1);
    assert_int_equal(value_of(&r, 0), 42);
    assert_true(dv_eval_global(m.e, 5, &value));
    assert_int_equal(value.type, TYPE_I32);
    assert_int_equal(load_le32(value.bytes), 0x87654321);
    dv_eval_reset(m.e);
    assert_null(dv_eval_memory(m.e, 3, &size));
    r = call1(&m, 1);
    assert_int_equal(value_of(&r, 0), 0);
    assert_true(dv_eval_set_table(m.e, 4, 1));
    r = call1(&m, 1);
    expect_trap(&r, TRAP_table_oob);
    dv_eval_free(m.e);
}

static void test_symbols(void **state)
{
    Machine m = start(
        *state, "function %f(i64) -> i64, i64 {\n    gv0 = symbol %data+8\n"
                "block0(v0: i64):\n    v1 = symbol_value.i64 gv0\n    v2 = load.i64 little v1\n"
                "    store little v0, v1\n    v3 = load.i8 user1 v1+8\n    v4 = uextend.i64 v3\n"
                "    return v2, v4\n}\n");
    static const u8 bytes[17] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    ExtName name = name_of("data");
    u64 address = 0;
    assert_true(dv_eval_set_symbol(m.e, &name, bytes, sizeof bytes, &address));
    assert_int_equal(address % 16, 0);
    EvalResult r = call1(&m, 77);
    assert_int_equal(value_of(&r, 0), 0x0807060504030201);
    assert_int_equal(value_of(&r, 1), 9);
    r = call1(&m, 78);
    assert_int_equal(value_of(&r, 0), 77);
    assert_true(dv_eval_set_symbol(m.e, &name, NULL, 16, &address));
    r = call1(&m, 1);
    expect_trap(&r, 1);
    dv_eval_free(m.e);
}

static void test_replace_and_find(void **state)
{
    Machine m = start(
        *state,
        "function %f() -> i32 {\n    fn0 = %g() -> i32\nblock0:\n    v0 = call fn0()\n    return v0\n}\n"
        "function %g() -> i32 {\nblock0:\n    v0 = iconst.i32 1\n    return v0\n}\n");
    Machine other = {.fixture = m.fixture};
    parse_text(
        m.fixture,
        "function %g() -> i32 {\n    fn0 = %g() -> i32\nblock0:\n    v9 = iconst.i32 2\n    return v9\n}\n",
        &other.file);
    EvalResult r = call(&m, 0, NULL);
    assert_int_equal(value_of(&r, 0), 1);
    ExtName name = name_of("g");
    u32 reference = dv_eval_func_ref(m.e, &m.file.funcs.data[1]->func);
    assert_true(reference != 0);
    assert_true(dv_eval_add(m.e, &other.file.funcs.data[0]->func));
    assert_ptr_equal(dv_eval_find(m.e, &name), &other.file.funcs.data[0]->func);
    assert_int_equal(dv_eval_func_ref(m.e, &other.file.funcs.data[0]->func), reference);
    r = call(&m, 0, NULL);
    assert_int_equal(value_of(&r, 0), 2);
    /* one that is no longer added can still be called */
    r = call(&m, 1, NULL);
    assert_int_equal(value_of(&r, 0), 1);
    name = name_of("nobody");
    assert_null(dv_eval_find(m.e, &name));
    dv_eval_free(m.e);
}

/* ---- memory that runs out ---- */

static const char busy_text[] =
    "function %f(i64) -> i64 {\n    ss0 = explicit_slot 70000\n    ss1 = explicit_slot 80000\n"
    "    heap0 = memory 0, index i32, min 2, page 0x10000\n    table0 = table 0, index i32, min 50000, funcref\n"
    "    global0 = global 0, i64, mutable\n    fn0 = %g(i64) -> i64\n    fn1 = %h(i64)\n    sig0 = (i64) -> i64\n"
    "    gv0 = symbol %name\n"
    "block0(v0: i64):\n    v1 = iconst.i32 3\n    v2 = memory_grow heap0, v1\n    v3 = stack_addr.i64 ss0\n"
    "    v4 = stack_addr.i64 ss0+24\n    v5 = stack_addr.i64 ss1+80000\n    v6 = func_addr.i64 fn1\n"
    "    store v5, v3\n    store v6, v3+16\n    v7 = stack_switch v4, v3, v3\n    v8 = symbol_value.i64 gv0\n"
    "    try_call fn0(v0), sig0, block1(ret0), [ tag0: block2(exn0) ]\n"
    "block1(v10: i64):\n    return v10\n"
    "block2(v11: i64):\n    return v11\n}\n"
    "function %g(i64) -> i64 {\n    sig0 = (i64)\n    type0 = func (i64), sig0\n    tag0 = tag 0, type0\n    fn0 = %g(i64) -> i64\n"
    "block0(v0: i64):\n    v1 = iconst.i64 1\n    v2 = isub v0, v1\n    brif v0, block1, block2\n"
    "block1:\n    v3 = call fn0(v2)\n    return v3\n"
    "block2:\n    throw tag0(v0)\n}\n"
    "function %h(i64) {\nblock0(v0: i64):\n    v1 = iconst.i64 24\n    v2 = iadd v0, v1\n"
    "    v3 = stack_switch v0, v2, v0\n    return\n}\n";

/* Whatever allocation fails, the call says so, the evaluator stays usable, and nothing leaks (the fixture counts). */
static void test_out_of_memory(void **state)
{
    Fixture *f = *state;
    Pool pool;
    davit_allocator_t allocator = {count_alloc, count_free, f};
    ClifFile file = {0};
    parse_text(f, busy_text, &file);
    u8 depth[8] = {0};
    store_le64(depth, 3000);
    EvalValue arg = {TYPE_I64, depth};
    u32 failures = 0;
    bool returned = false;
    for (u64 n = 1; !returned && n < 200; n++) {
        dv_pool_init(&pool, &allocator);
        pool.fail_after = n;
        Evaluator *e = dv_eval_new(&pool, &(EvalOptions){.address_bits = 64});
        bool added = e != NULL;
        for (u32 i = 0; added && i < file.funcs.len; i++) {
            added = dv_eval_add(e, &file.funcs.data[i]->func);
        }
        EvalResult r = {.outcome = EVAL_ERROR, .reason = "out of memory"};
        if (added) {
            dv_eval_call(e, &file.funcs.data[0]->func, &arg, 1, &f->arena, &r);
        }
        returned = r.outcome == EVAL_RETURNED;
        if (!returned) {
            expect_error(&r, "out of memory");
            failures++;
        }
        if (added && !returned) {
            pool.fail_after = 0;
            dv_eval_call(e, &file.funcs.data[0]->func, &arg, 1, &f->arena, &r);
            assert_int_equal(value_of(&r, 0), 1);
        }
        dv_eval_free(e);
        dv_pool_destroy(&pool);
    }
    assert_true(returned);
    assert_true(failures >= 5);
}

/* Results go to the caller's arena; that it is full is an error like any other. */
static void test_caller_out_of_memory(void **state)
{
    Fixture *f = *state;
    Machine m = start(f, depth_text);
    Pool full;
    Arena arena;
    dv_pool_init(&full, NULL);
    dv_arena_init(&arena, &full);
    full.fail_after = 1;
    u8 zero[8] = {0};
    EvalValue arg = {TYPE_I64, zero};
    EvalResult r;
    dv_eval_call(m.e, &m.file.funcs.data[0]->func, &arg, 1, &arena, &r);
    expect_error(&r, "out of memory");
    assert_null(full.escape);
    r = call1(&m, 4);
    assert_int_equal(value_of(&r, 0), 4);
    dv_arena_release(&arena);
    dv_pool_destroy(&full);
    dv_eval_free(m.e);
}

/* ---- mutations ---- */

static void test_mutation_is_confined(void **state)
{
    static const char text[] =
        "function %f(i32) -> i32, i32 {\nblock0(v0: i32):\n    v1 = iadd v0, v0\n    v2 = isub v0, v0\n    return v1, v2\n}\n";
    for (u8 way = 1; way < MUTATE_COUNT; way++) {
        Machine m = start_with(*state, text, (EvalOptions){.mutate_op = OP_iadd, .mutation = way});
        u64 negative = 0xfffffff0;
        EvalResult r = call1(&m, negative);
        bool widest_only = way == 7; /* i32 is not */
        assert_true((value_of(&r, 0) != 0xffffffe0) == !widest_only);
        assert_int_equal(value_of(&r, 1), 0);
        dv_eval_free(m.e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_steps_are_exact),
        UNIT_TEST(test_fuel),
        UNIT_TEST(test_bulk_steps),
        UNIT_TEST(test_depth),
        UNIT_TEST(test_tail_calls_in_constant_space),
        UNIT_TEST(test_trap_place),
        UNIT_TEST(test_uncaught),
        UNIT_TEST(test_errors),
        UNIT_TEST(test_stale_context),
        UNIT_TEST(test_fiber_returns),
        UNIT_TEST(test_limits),
        UNIT_TEST(test_instance),
        UNIT_TEST(test_symbols),
        UNIT_TEST(test_replace_and_find),
        UNIT_TEST(test_out_of_memory),
        UNIT_TEST(test_caller_out_of_memory),
        UNIT_TEST(test_mutation_is_confined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
