/* test_entities.c - what becomes of a function's runtime entities: the text of a few expansions; of every function of the
 * run tests, under all options, that nothing is left of them and the verifier finds no fault; what is refused. */
#include "clif_testing.h"

#include "codegen/ir/verify.h"
#include "codegen/opt/entities.h"

enum { MANY = 64 };

/* A module that has many of everything, imports included. */
static const VmShape many = {MANY, MANY, MANY, MANY, MANY, MANY};

static const char *expand(Fixture *x, Func *f, const EntityOptions *options)
{
    Arena scratch;
    Diag diag;
    dv_diag_init(&diag, &x->arena);
    dv_arena_init(&scratch, &x->pool);
    bool ok = dv_entities_expand(f, options, &scratch, &diag);
    dv_arena_release(&scratch);
    return ok ? NULL : dv_diag_first(&diag)->text;
}

static void verify_plain(Fixture *x, const Func *f)
{
    VerifyErrors errors = {0};
    VerifyOptions options = {64};
    Work work = {0};
    if (!dv_verify(f, &x->arena, &options, &errors, &work)) {
        TextBuf text;
        dv_text_init(&text, &x->arena);
        dv_print_func(&text, f);
        fail_msg("%s in\n%.3000s", errors.list.data[0].text, text.data);
    }
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = dv_block(f, b)->next) {
        for (Inst i = dv_block(f, b)->first; i.id != ENTITY_NONE; i = dv_inst_next(f, i)) {
            if (dv_inst_const(f, i)->op >= OP_heap_load) {
                fail_msg("%s is left", dv_inst_info(f, i)->name);
            }
        }
    }
}

/* ---- texts ---- */

static void expect(Fixture *x, const EntityOptions *options, const char *before, const char *body)
{
    ClifFile file;
    parse_good(&x->arena, str_of(before), &file);
    Func *f = &file.funcs.data[0]->func;
    assert_null(expand(x, f, options));
    verify_plain(x, f);
    TextBuf text;
    dv_text_init(&text, &x->arena);
    dv_print_func(&text, f);
    const char *got = strstr(text.data, "block0(");
    assert_string_equal(got, body);
}

static void test_static_load(void **state)
{
    static const u8 modes[] = {VM_MEMORY_STATIC};
    VmOptions vm = {.shape = {.num_memories = 1}, .memory_modes = modes};
    EntityOptions options = {.vm = &vm, .heap_guard = true};
    expect(*state, &options,
           "function %f(i32) -> i32 wasm {\n"
           "    heap0 = memory 0, index i32, min 1, page 0x10000\n"
           "block0(v0: i32):\n"
           "    v1 = heap_load.i32 heap0, v0, offset=8\n"
           "    return v1\n}\n",
           "block0(v2: i64, v0: i32):\n"
           "    v3 = uextend.i64 v0\n"
           "    v4 = load.i64 notrap aligned readonly can_move v2+24\n"
           "    v5 = iadd v4, v3\n"
           "    v1 = load.i32 v5+8\n"
           "    return v1\n}\n");
}

/* An i128 may be stored in two parts, and an offset may go past the guard: these are checked. */
static void test_static_checked(void **state)
{
    static const u8 modes[] = {VM_MEMORY_STATIC};
    VmOptions vm = {.shape = {.num_memories = 1}, .memory_modes = modes};
    EntityOptions options = {.vm = &vm};
    expect(*state, &options,
           "function %f(i32) -> i8 wasm {\n"
           "    heap0 = memory 0, index i32, min 1, page 0x10000\n"
           "block0(v0: i32):\n"
           "    v1 = heap_load.i8 heap0, v0, offset=0x80000000\n"
           "    return v1\n}\n",
           "block0(v2: i64, v0: i32):\n"
           "    v3 = uextend.i64 v0\n"
           "    v4 = load.i64 notrap aligned readonly can_move v2+24\n"
           "    v5 = iadd v4, v3\n"
           "    v6 = iconst.i64 0x8000_0000\n"
           "    v7 = iadd v5, v6  ; v6 = 0x8000_0000\n"
           "    v8 = iconst.i64 0x8000_0001\n"
           "    v9 = iadd v3, v8  ; v8 = 0x8000_0001\n"
           "    v10 = load.i64 notrap aligned readonly can_move v2+32\n"
           "    v11 = load.i64 notrap aligned v10+8\n"
           "    v12 = icmp ugt v9, v11\n"
           "    trapnz v12, heap_oob\n"
           "    v1 = load.i8 notrap v7\n"
           "    return v1\n"
           "}\n");
}

static void test_dynamic_wide(void **state)
{
    EntityOptions options = {.heap_guard = true};
    expect(*state, &options,
           "function %f(i64, i16) wasm {\n"
           "    heap0 = memory 1, index i64, min 1, page 0x10000\n"
           "block0(v0: i64, v1: i16):\n"
           "    heap_store heap0, v1, v0, offset=8\n"
           "    return\n}\n",
           "block0(v2: i64, v0: i64, v1: i16):\n"
           "    v3 = load.i64 notrap aligned readonly can_move v2+48\n"
           "    v4 = load.i64 notrap aligned v3\n"
           "    v5 = iadd v4, v0\n"
           "    v6 = iconst.i64 10\n"
           "    v7 = iadd v0, v6  ; v6 = 10\n"
           "    v8 = load.i64 notrap aligned v3+8\n"
           "    v9 = icmp ugt v7, v8\n"
           "    v10 = icmp ult v7, v0\n"
           "    v11 = bor v10, v9\n"
           "    v12 = iconst.i64 0\n"
           "    trapnz v11, heap_oob\n"
           "    v13 = select_spectre_guard v11, v12, v5  ; v12 = 0\n"
           "    store notrap v1, v13+8\n"
           "    return\n"
           "}\n");
}

static void test_atomic(void **state)
{
    EntityOptions options = {.heap_guard = false};
    expect(*state, &options,
           "function %f(i32, i32) -> i32 wasm {\n"
           "    heap0 = memory 0, index i32, min 1, page 0x10000\n"
           "block0(v0: i32, v1: i32):\n"
           "    v2 = heap_atomic_rmw.i32 heap0, add v0, v1, offset=6\n"
           "    return v2\n}\n",
           "block0(v3: i64, v0: i32, v1: i32):\n"
           "    v4 = iconst.i32 2\n"
           "    v5 = iadd v0, v4  ; v4 = 2\n"
           "    v6 = iconst.i32 3\n"
           "    v7 = band v5, v6  ; v6 = 3\n"
           "    trapnz v7, unaligned\n"
           "    v8 = uextend.i64 v0\n"
           "    v9 = load.i64 notrap aligned readonly can_move v3+32\n"
           "    v10 = load.i64 notrap aligned v9\n"
           "    v11 = iadd v10, v8\n"
           "    v12 = iconst.i64 10\n"
           "    v13 = iadd v8, v12  ; v12 = 10\n"
           "    v14 = load.i64 notrap aligned v9+8\n"
           "    v15 = icmp ugt v13, v14\n"
           "    trapnz v15, heap_oob\n"
           "    v16 = iconst.i64 6\n"
           "    v17 = iadd v11, v16  ; v16 = 6\n"
           "    v2 = atomic_rmw.i32 notrap add v17, v1\n"
           "    return v2\n"
           "}\n");
}

static void test_fuel(void **state)
{
    EntityOptions options = {.heap_guard = false};
    expect(*state, &options,
           "function %f() wasm {\n"
           "block0:\n"
           "    fuel 3\n"
           "    return\n}\n",
           "block0(v0: i64):\n"
           "    v1 = load.i64 notrap aligned readonly can_move v0\n"
           "    v2 = iconst.i64 3\n"
           "    v3 = load.i64 notrap aligned v1+16\n"
           "    v4 = icmp ult v3, v2  ; v2 = 3\n"
           "    brif v4, block2, block1\n"
           "\n"
           "block1:\n"
           "    v7 = load.i64 notrap aligned v1+16\n"
           "    v8 = iconst.i64 -1\n"
           "    v9 = icmp eq v7, v8  ; v8 = -1\n"
           "    v10 = isub v7, v2  ; v2 = 3\n"
           "    v11 = select v9, v7, v10\n"
           "    store notrap aligned v11, v1+16\n"
           "    return\n"
           "\n"
           "block2 cold:\n"
           "    v5 = load.i64 notrap aligned readonly can_move v0+8\n"
           "    v6 = load.i64 notrap aligned readonly can_move v5+112\n"
           "    call_indirect sig0, v6(v0, v2)  ; v2 = 3\n"
           "    jump block1\n"
           "}\n");
}

/* The loop's header polls, and what is the same in all rounds is before it. */
static void test_loop(void **state)
{
    VmOptions vm = {.shape = {.num_imported_globals = 1}, .polls = true, .stack_checks = true};
    EntityOptions options = {.vm = &vm};
    expect(*state, &options,
           "function %f(i32) wasm {\n"
           "    global0 = import global 0, i32, mutable\n"
           "block0(v0: i32):\n"
           "    jump block1\n"
           "block1:\n"
           "    global_set global0, v0\n"
           "    jump block1\n}\n",
           "block0(v1: i64, v0: i32):\n"
           "    v2 = load.i64 notrap aligned readonly can_move v1\n"
           "    v6 = load.i64 notrap aligned readonly can_move v1+24\n"
           "    jump block1\n"
           "\n"
           "block1:\n"
           "    v3 = load.i32 notrap aligned v2+28\n"
           "    brif v3, block3, block2\n"
           "\n"
           "block2:\n"
           "    store.i32 notrap aligned v0, v6\n"
           "    jump block1\n"
           "\n"
           "block3 cold:\n"
           "    v4 = load.i64 notrap aligned readonly can_move v1+8\n"
           "    v5 = load.i64 notrap aligned readonly can_move v4+120\n"
           "    call_indirect sig0, v5(v1)\n"
           "    jump block2\n"
           "}\n");
}

static void test_calls(void **state)
{
    EntityOptions options = {.heap_guard = false};
    expect(*state, &options,
           "function %f(i32) -> i32 wasm {\n"
           "    sig0 = (i32) -> i32 wasm\n"
           "    sig1 = (i32) -> i32 system_v\n"
           "    type0 = func (i32) -> i32, sig0\n"
           "    func0 = import u0:1 type0\n"
           "    func1 = define u0:2 type0\n"
           "    fn0 = colocated %own sig0\n"
           "    fn1 = %other sig1\n"
           "block0(v0: i32):\n"
           "    v1 = call_import func0(v0)\n"
           "    v2 = call_import func1(v1)\n"
           "    v3 = call fn0(v2)\n"
           "    v4 = call fn1(v3)\n"
           "    return_call_ref type0, v4(v0)\n}\n",
           "block0(v5: i64, v0: i32):\n"
           "    v6 = load.i64 notrap aligned v5+40\n"
           "    v7 = load.i64 notrap aligned v5+48\n"
           "    v1 = call_indirect sig0, v6(v7, v0)\n"
           "    v2 = call fn2(v5, v1)\n"
           "    v3 = call fn0(v5, v2)\n"
           "    v4 = call fn1(v3)\n"
           "    v8 = load.i64 notrap aligned readonly can_move v5\n"
           "    v9 = load.i32 notrap aligned v8+24\n"
           "    v10 = band v4, v9\n"
           "    v11 = uextend.i64 v10\n"
           "    v12 = load.i64 notrap aligned v8+8\n"
           "    v13 = iconst.i64 3\n"
           "    v14 = ishl v11, v13  ; v13 = 3\n"
           "    v15 = iadd v12, v14\n"
           "    v16 = load.i64 notrap aligned v15\n"
           "    v17 = load.i32 notrap aligned v5+56\n"
           "    v18 = load.i32 notrap aligned v16+24\n"
           "    v19 = icmp ne v18, v17\n"
           "    brif v19, block2, block1\n"
           "\n"
           "block1:\n"
           "    v21 = load.i64 notrap aligned v16\n"
           "    v22 = load.i64 notrap aligned v16+8\n"
           "    return_call_indirect sig0, v21(v22, v0)\n"
           "\n"
           "block2 cold:\n"
           "    v20 = load.i32 notrap aligned v16+28\n"
           "    trapnz v20, bad_sig\n"
           "    trap null_func\n"
           "}\n");
}

/* Of a table that cannot grow the length is known, and where its elements are stays the same in a loop. */
static void test_fixed_table(void **state)
{
    EntityOptions options = {.table_guard = true};
    expect(*state, &options,
           "function %f(i32) wasm {\n"
           "    table0 = table 0, index i32, min 4, max 4, funcref\n"
           "block0(v0: i32):\n"
           "    jump block1\n"
           "block1:\n"
           "    v1 = table_get table0, v0\n"
           "    brif v1, block1, block2\n"
           "block2:\n"
           "    return\n}\n",
           "block0(v2: i64, v0: i32):\n"
           "    v3 = load.i64 notrap aligned readonly can_move v2+24\n"
           "    v6 = load.i64 notrap aligned readonly can_move v3\n"
           "    jump block1\n"
           "\n"
           "block1:\n"
           "    v4 = uextend.i64 v0\n"
           "    v5 = iconst.i64 4\n"
           "    v7 = icmp uge v4, v5  ; v5 = 4\n"
           "    v8 = iconst.i64 0\n"
           "    trapnz v7, table_oob\n"
           "    v9 = select_spectre_guard v7, v8, v4  ; v8 = 0\n"
           "    v10 = iconst.i64 2\n"
           "    v11 = ishl v9, v10  ; v10 = 2\n"
           "    v12 = iadd.i64 v6, v11\n"
           "    v1 = load.i32 notrap aligned v12\n"
           "    brif v1, block1, block2\n"
           "\n"
           "block2:\n"
           "    return\n"
           "}\n");
}

/* ---- all that there is ---- */

static void expand_file(Fixture *x, const char *path, const EntityOptions *options, u32 *count)
{
    IoBytes bytes;
    const char *why;
    ClifFile file;
    assert_int_equal(dv_io_read(&x->arena, path, 0, &bytes, &why), DAVIT_OK);
    parse_good(&x->arena, (Str){(const char *)bytes.data, (u32)bytes.size}, &file);
    for (u32 i = 0; i < file.funcs.len; i++) {
        Func *f = &file.funcs.data[i]->func;
        for (u32 n = 0; n < f->wasm_funcs.len; n++) {
            f->wasm_funcs.data[n].name = (ExtName){.kind = NAME_USER, .index = n};
        }
        for (u32 n = 0; n < f->globals.len; n++) { /* all imported, or all the module's own */
            f->globals.data[n].import = options->heap_guard;
        }
        f->sig.conv = f->sig.conv == CC_fast ? CC_wasm : f->sig.conv;
        const char *error = expand(x, f, options);
        if (error != NULL) {
            fail_msg("%s: %s", path, error);
        }
        verify_plain(x, f);
        *count += 1;
    }
}

static void test_all(void **state)
{
    static const char *const files[] = {
        "tests/clif/run/entity_memory.clif", "tests/clif/run/entity_table.clif",
        "tests/clif/run/entity_global.clif", "tests/clif/run/entity_call.clif",
        "tests/clif/run/heap_forms.clif",    "tests/clif/run/heap_sums.clif",
        "tests/clif/run/exception.clif",     "tests/clif/run/try.clif",
        "tests/clif/run/tail.clif"};
    static const u8 modes[MANY] = {VM_MEMORY_STATIC, VM_MEMORY_STATIC, VM_MEMORY_STATIC,
                                   VM_MEMORY_STATIC, VM_MEMORY_STATIC, VM_MEMORY_STATIC};
    u32 count = 0;
    for (u32 n = 0; n < 8; n++) {
        VmOptions vm = {.shape = many,
                        .memory_modes = (n & 1) != 0 ? modes : NULL,
                        .polls = (n & 2) != 0,
                        .stack_checks = (n & 2) != 0};
        vm.shape.num_imported_globals = (n & 4) != 0 ? MANY : 0;
        EntityOptions options = {.vm = (n & 1) == 0 && n > 4 ? NULL : &vm,
                                 .heap_guard = (n & 4) != 0,
                                 .table_guard = (n & 4) != 0,
                                 .big_endian = n == 7};
        for (u32 i = 0; i < ARRAY_LEN(files); i++) {
            expand_file(*state, files[i], &options, &count);
        }
    }
    assert_true(count > 1000);
}

/* ---- what is refused ---- */

static void expect_error(Fixture *x, const EntityOptions *options, const char *text,
                         const char *error)
{
    ClifFile file;
    parse_good(&x->arena, str_of(text), &file);
    const char *got = expand(x, &file.funcs.data[0]->func, options);
    assert_non_null(got);
    assert_string_equal(got, error);
}

static void test_errors(void **state)
{
    VmOptions vm = {.shape = {.num_memories = 1}};
    EntityOptions options = {.vm = &vm}, derived = {.vm = NULL};
    static const char memory_1[] = "function %f(i32) wasm {\n"
                                   "    heap3 = memory 1, index i32, min 1, page 0x10000\n"
                                   "block0(v0: i32):\n"
                                   "    return\n}\n";
    static const char no_vmctx[] = "function %f() fast {\n"
                                   "block0:\n"
                                   "    fuel 1\n"
                                   "    return\n}\n";
    static const char by_name[] = "function %f() wasm {\n"
                                  "    sig0 = () wasm\n"
                                  "    type0 = func (), sig0\n"
                                  "    func0 = import %g type0\n"
                                  "block0:\n"
                                  "    call_import func0()\n"
                                  "    return\n}\n";
    /* What stands for no segment. */
    static const char last_elem[] = "function %f(i32) wasm {\n"
                                    "    table0 = table 0, index i32, min 1, funcref\n"
                                    "    elem2 = elem 4294967295\n"
                                    "block0(v0: i32):\n"
                                    "    table_init table0, elem2, v0, v0, v0\n"
                                    "    return\n}\n";
    static const char last_data[] = "function %f(i32) wasm {\n"
                                    "    heap0 = memory 0, index i32, min 1, page 0x10000\n"
                                    "    data1 = data 4294967295\n"
                                    "block0(v0: i32):\n"
                                    "    memory_init heap0, data1, v0, v0, v0\n"
                                    "    return\n}\n";
    expect_error(*state, &derived, last_elem, "elem2 is not in the module");
    expect_error(*state, &derived, last_data, "data1 is not in the module");
    expect_error(*state, &options, memory_1, "heap3 is not in the module");
    expect_error(*state, &derived, no_vmctx,
                 "inst0 needs a vmctx, which the function does not have");
    expect_error(*state, &derived, by_name, "func0 is not named by its index, as in u0:7");
}

/* Loads that split a block of n instructions n times: the work is n's. */
static void test_linear(void **state)
{
    Fixture *x = *state;
    enum { COUNT = 20000 };
    TextBuf text;
    dv_text_init(&text, &x->arena);
    dv_text_str(&text, "function %f(i32) wasm {\nblock0(v0: i32):\n");
    for (u32 i = 0; i < COUNT; i++) {
        dv_text_str(&text, "    fuel 1\n");
    }
    dv_text_str(&text, "    return\n}\n");
    ClifFile file;
    parse_good(&x->arena, (Str){text.data, (u32)text.length}, &file);
    Func *f = &file.funcs.data[0]->func;
    EntityOptions options = {.vm = NULL};
    assert_null(expand(x, f, &options));
    verify_plain(x, f);
    assert_int_equal(f->blocks.len, 1 + 2 * COUNT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, unit_setup, unit_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_static_load),  TEST(test_static_checked),
        TEST(test_dynamic_wide), TEST(test_atomic),
        TEST(test_fuel),         TEST(test_loop),
        TEST(test_calls),        TEST(test_all),
        TEST(test_errors),       TEST(test_linear),
        TEST(test_fixed_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
