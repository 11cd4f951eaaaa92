/* test_link.c - CLIF functions compiled and linked for Pulley: numbers of functions, imports, types and entities, what
 * calls become, handlers, the module's head, and what cannot be linked. */
#include "clif_testing.h"

#include "codegen/compile.h"
#include "codegen/isa/pulley/link.h"

typedef struct Linked {
    PulModule module;
    const char *text;  /* as the disassembler has it */
    const char *error; /* NULL: it was linked */
} Linked;

/* The functions of the text. */
static const CompiledFunc **compile_text(Fixture *f, const Isa *isa, const char *text, u32 *count)
{
    ClifFile file = {0};
    CompileOptions options = {.check = true};
    Arena scratch;
    Diag diag;
    parse_good(&f->arena, str_of(text), &file);
    dv_arena_init(&scratch, &f->pool);
    dv_diag_init(&diag, &f->arena);
    const CompiledFunc **funcs = ARENA_ARRAY(&f->arena, const CompiledFunc *, file.funcs.len);
    for (u32 i = 0; i < file.funcs.len; i++) {
        CompiledFunc *func = ARENA_NEW(&f->arena, CompiledFunc);
        Func *copy = ARENA_NEW(&f->arena, Func);
        dv_func_copy(copy, &file.funcs.data[i]->func, &f->arena);
        if (!dv_compile(isa, &options, copy, &f->arena, &scratch, &diag, func)) {
            fail_msg("%s in:\n%s", dv_diag_first(&diag)->text, text);
        }
        funcs[i] = func;
    }
    dv_arena_release(&scratch);
    *count = file.funcs.len;
    return funcs;
}

static Linked link_text(Fixture *f, const char *target, const char *text)
{
    Linked linked = {.text = ""};
    const Isa *isa = dv_isa_find(target, strlen(target));
    u32 count;
    Diag diag;
    const CompiledFunc **funcs = compile_text(f, isa, text, &count);
    dv_diag_init(&diag, &f->arena);
    if (dv_pul_link(isa, funcs, count, &f->arena, &diag, &linked.module)) {
        TextBuf out;
        PulleyFault fault;
        assert_true(dv_pulley_verify(&linked.module.module, &f->arena, &fault));
        dv_text_init(&out, &f->arena);
        dv_pulley_print_module(&out, &linked.module.module);
        linked.text = out.data;
    } else {
        linked.error = dv_diag_first(&diag)->text;
    }
    return linked;
}

/* The module's text holds these parts in this order. */
static void expect(Fixture *f, const char *text, const char *const *parts)
{
    Linked linked = link_text(f, "pulley64", text);
    const char *at = linked.text;
    assert_null(linked.error);
    for (; *parts != NULL; parts++) {
        const char *found = strstr(at, *parts);
        if (found == NULL) {
            fail_msg("no \"%s\" in the rest of:\n%s", *parts, linked.text);
        }
        at = found + strlen(*parts);
    }
}

#define EXPECT(f, text, ...) expect((f), (text), (const char *const[]){__VA_ARGS__, NULL})

static void calls_by_name(void **state)
{
    EXPECT(
        *state,
        "function %a(i32) -> i32 {\n fn0 = %b(i32) -> i32\n fn1 = colocated %a(i32) -> i32\n"
        " fn2 = %far(i32) -> i32\n"
        "block0(v0: i32):\n v1 = call fn0(v0)\n v2 = call fn1(v1)\n v3 = call fn2(v2)\n return v3\n}\n"
        "function %b(i32) -> i32 {\nblock0(v0: i32):\n return v0\n}\n",
        "profile sandboxed", "type 1 -> 1\n", "import type0\n", "func type0", "call_far s",
        ", func1\n", "call s", ", func0\n", "call_import s", ", import0\n", "func type0");
}

/* What a short call becomes of which the callee is function `callee`, all between the two being the same. */
static const char *link_far(Fixture *f, const char *target, u32 callee)
{
    static const char text[] =
        "function %a() {\n fn0 = colocated %b()\nblock0:\n call fn0()\n return\n}\n"
        "function %b() {\nblock0:\n return\n}\n";
    const Isa *isa = dv_isa_find(target, strlen(target));
    u32 count;
    PulModule linked;
    PulleyFault fault;
    PulleyInst inst;
    TextBuf out;
    Diag diag;
    const CompiledFunc **two = compile_text(f, isa, text, &count);
    const CompiledFunc **funcs = ARENA_ARRAY(&f->arena, const CompiledFunc *, callee + 1);
    dv_diag_init(&diag, &f->arena);
    for (u32 i = 0; i <= callee; i++) {
        funcs[i] = two[i != 0];
    }
    if (!dv_pul_link(isa, funcs, callee + 1, &f->arena, &diag, &linked)) {
        return dv_diag_first(&diag)->text;
    }
    const PulleyModule *m = &linked.module;
    assert_true(dv_pulley_verify(m, &f->arena, &fault));
    assert_true(dv_pulley_decode(m->code, m->funcs.data[0].size_bytes, m->big, &inst));
    dv_text_init(&out, &f->arena);
    dv_pulley_print_inst(&out, m, &m->funcs.data[0], &inst, 0);
    return out.data;
}

static void calls_by_distance(void **state)
{
    static const char *const targets[] = {"pulley64", "pulley32be"};
    for (usize i = 0; i < ARRAY_LEN(targets); i++) {
        /* %a has two words, all others one. */
        assert_string_equal(link_far(*state, targets[i], 1), "call s0, func1");
        assert_string_equal(link_far(*state, targets[i], 32766), "call s0, func32766");
        assert_string_equal(link_far(*state, targets[i], 32767), "call_number s0, func32767");
        assert_string_equal(link_far(*state, targets[i], 65535), "call_number s0, func65535");
        assert_string_equal(link_far(*state, targets[i], 65536),
                            "the module has more functions than short calls can name");
    }
}

/* A tail call of a name that is in the module after all; the word that is left traps. */
static void tail_calls_by_name(void **state)
{
    EXPECT(*state,
           "function %a(i32) -> i32 tail {\n fn0 = %b(i32) -> i32 tail\n"
           "block0(v0: i32):\n return_call fn0(v0)\n}\n"
           "function %b(i32) -> i32 tail {\n fn0 = %c(i32) -> i32 tail\n"
           "block0(v0: i32):\n return_call fn0(v0)\n}\n",
           "return_call func1\n    trap unreachable\n}", "return_call_import 1, import0, 0");
}

/* With frame memory the shape is the same. */
static void tail_calls_from_frames(void **state)
{
    EXPECT(*state,
           "function %a(i32) -> i32 tail {\n ss0 = explicit_slot 16\n fn0 = %b(i32) -> i32 tail\n"
           "block0(v0: i32):\n v1 = stack_addr.i64 ss0\n store v0, v1\n return_call fn0(v0)\n}\n"
           "function %b(i32) -> i32 tail {\nblock0(v0: i32):\n return v0\n}\n",
           "profile raw64", "frame 2 {\n    enter 1, 2\n", "return_call_big 1, func1, 2\n}");
}

/* Imports come first where functions are entities. */
static void addresses_and_symbols(void **state)
{
    EXPECT(*state,
           "function %a() -> i64, i64, i64 {\n fn0 = %a() -> i64, i64, i64\n fn1 = %far() -> i32\n"
           " gv0 = symbol %data\n"
           "block0:\n v0 = func_addr.i64 fn0\n v1 = func_addr.i64 fn1\n v2 = symbol_value.i64 gv0\n"
           " return v0, v1, v2\n}\n",
           "profile raw64", "import type", "symbols 1\n", "func_addr s", ", entity1", "func_addr s",
           ", entity0", "symbol_addr s", ", symbol0");
}

/* A Wasm type and a signature of the same slots, and two Wasm types of one signature, are kept apart. */
static void types_kept_apart(void **state)
{
    Linked linked = link_text(
        *state, "pulley64",
        "function %a(i32, i64) -> i32 wasm {\n sig0 = (i32) -> i32 wasm\n sig1 = (f32) -> i32 wasm\n"
        " type0 = func (i32) -> i32, sig0\n type1 = func (externref) -> i32, sig0\n"
        " table0 = table 0, index i32, min 1, funcref\n"
        "block0(v0: i32, v9: i64):\n v1 = call_table table0, type0, v0(v0)\n"
        " v2 = call_table table0, type1, v1(v1)\n v3 = call_table table0, type0, v2(v2)\n"
        " v4 = call_indirect sig0, v9(v3)\n v5 = f32const 0.0\n v6 = call_indirect sig1, v9(v5)\n"
        " return v6\n}\n");
    assert_null(linked.error);
    assert_int_equal(linked.module.types.len, 5); /* with the function's own */
    assert_int_equal(linked.module.types.data[0].kind, PUL_ENTITY_SIG);
    assert_int_equal(linked.module.types.data[1].kind, PUL_ENTITY_TYPE);
    assert_int_equal(linked.module.types.data[2].kind, PUL_ENTITY_TYPE);
    assert_int_equal(linked.module.types.data[3].kind, PUL_ENTITY_SIG);
    assert_int_equal(dv_pul_type_signature(&linked.module.types.data[4])->params[0].type, TYPE_F32);
    assert_int_equal(linked.module.module.types.len, 5);
}

/* Types with the same lists are one if they have the same index, or none. */
static void types_by_index(void **state)
{
    Linked linked =
        link_text(*state, "pulley64",
                  "function %a(i32) wasm {\n sig0 = (i32) wasm\n"
                  " type0 = func (funcref), sig0, index 1\n"
                  " type1 = func (funcref), sig0, index 2\n type2 = func (funcref), sig0\n"
                  " func0 = define %a type0\n table0 = table 0, index i32, min 1, funcref\n"
                  "block0(v0: i32):\n call_table table0, type0, v0(v0)\n"
                  " call_table table0, type1, v0(v0)\n call_table table0, type2, v0(v0)\n"
                  " return\n}\n"
                  "function %b(i32) wasm {\n sig0 = (i32) wasm\n"
                  " type0 = func (funcref), sig0, index 2\n func0 = define %b type0\n"
                  "block0(v0: i32):\n return\n}\n");
    assert_null(linked.error);
    const PulModule *m = &linked.module;
    assert_int_equal(m->types.len, 3);
    const PulTypeKey *a = &m->types.data[m->module.funcs.data[0].type];
    const PulTypeKey *b = &m->types.data[m->module.funcs.data[1].type];
    assert_int_equal(a->func->wasm_types.data[a->index].index, 1);
    assert_int_equal(b->func->wasm_types.data[b->index].index, 2);
}

/* A function has the type that a function entity gives it. */
static void type_of_a_function(void **state)
{
    Linked linked = link_text(*state, "pulley64",
                              "function %a(i32) wasm {\nblock0(v0: i32):\n return\n}\n"
                              "function %b(i32) wasm {\n sig0 = (i32) wasm\n"
                              " type0 = func (externref), sig0\n func0 = define %a type0\n"
                              "block0(v0: i32):\n return\n}\n");
    assert_null(linked.error);
    const PulleyModule *m = &linked.module.module;
    assert_int_equal(linked.module.types.data[m->funcs.data[0].type].kind, PUL_ENTITY_TYPE);
    assert_int_equal(linked.module.types.data[m->funcs.data[1].type].kind, PUL_ENTITY_SIG);
}

/* What nobody declares below the highest index is there. */
static void entities_by_index(void **state)
{
    EXPECT(
        *state,
        "function %a(i32) -> i32 wasm {\n heap0 = memory 2, index i64, min 1, page 0x10000\n"
        " global0 = global 1, i64, mutable\n table0 = table 1, index i64, min 1, externref\n"
        " data0 = data 1\n elem0 = elem 1\n"
        " sig0 = (i64) wasm\n type0 = func (i64), sig0\n tag0 = tag 1, type0\n"
        "block0(v0: i32):\n v1 = global_get.i64 global0\n v2 = ireduce.i32 v1\n return v2\n}\n"
        "function %b() wasm {\n heap0 = memory 0, index i32, min 1, max 1, page 0x10000, shared\n"
        "block0:\n return\n}\n",
        "type 1 -> 0\n", "memory i32 shared\nmemory i32\nmemory i64\nglobal 4\nglobal 8 mutable\n",
        "table i32 func\ntable i64 extern\ntag type0\ntag type1\nelem func\nelem func\ndata 2\n",
        "global_get64_far s", ", global1\n");
}

/* What is recorded of a call is where it ends; a handler names where it begins. */
static void handlers_of_calls(void **state)
{
    EXPECT(
        *state,
        "function %a(i32) -> i32 wasm {\n sig0 = (i32) -> i32 wasm\n fn0 = colocated %a sig0\n"
        " sig1 = () wasm\n type1 = func (), sig1\n tag7 = tag 1, type1\n"
        "block0(v0: i32):\n try_call fn0(v0), sig0, block1(ret0), [ tag7: block2, default: block3 ]\n"
        "block1(v1: i32):\n return v1\n"
        "block2:\n v2 = iconst.i32 2\n return v2\n"
        "block3:\n v3 = iconst.i32 3\n return v3\n}\n",
        "tag type0\ntag type1\n", "    call s", ", func0\n    catch tag1, L", "    catch all, L",
        "xconst16 s0, 2", "xconst16 s0, 3");
}

static void head_of_the_module(void **state)
{
    static const char metered[] = "function %a() wasm {\nblock0:\n fuel 3\n return\n}\n";
    static const char raw[] =
        "function %a(i32) -> i32 {\nblock0(v0: i32):\n v1 = load.i32 v0\n return v1\n}\n";
    Linked linked = link_text(*state, "pulley64be", metered);
    assert_true(linked.module.module.metered);
    assert_true(linked.module.module.big);
    assert_int_equal(linked.module.module.profile, PULLEY_SANDBOXED);
    assert_int_equal(linked.module.module.groups, 1u << PGROUP_BASE);
    linked = link_text(*state, "pulley32", raw);
    assert_false(linked.module.module.metered);
    assert_false(linked.module.module.big);
    assert_int_equal(linked.module.module.profile, PULLEY_RAW32);
    assert_int_equal(linked.module.module.groups, 1u << PGROUP_BASE | 1u << PGROUP_RAW);
}

/* Of functions of one name the last one is called. */
static void names_said_twice(void **state)
{
    EXPECT(*state,
           "function u0:1() {\nblock0:\n return\n}\n"
           "function u0:0() {\n fn0 = u0:1()\nblock0:\n call fn0()\n return\n}\n"
           "function u0:1() {\nblock0:\n return\n}\n",
           "call_far s", ", func2\n");
}

static void nothing_to_link(void **state)
{
    Linked linked = link_text(*state, "pulley64", "");
    assert_null(linked.error);
    assert_int_equal(linked.module.module.funcs.len, 0);
}

#define EMPTY_BODY "block0:\n return\n}\n"

static void what_cannot_be_linked(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"function %a() wasm {\n heap0 = memory 3, index i32, min 1, page 0x10000\n" EMPTY_BODY
         "function %b() wasm {\n heap0 = memory 3, index i64, min 1, page 0x10000\n" EMPTY_BODY,
         "two functions declare memory 3 differently"},
        {"function %a() wasm {\n heap0 = memory 0, index i32, min 1, page 0x10000\n" EMPTY_BODY
         "function %b() wasm {\n heap0 = memory 0, index i32, min 1, max 2, page 0x10000\n" EMPTY_BODY,
         "two functions declare memory 0 differently"},
        {"function %a() wasm {\n table0 = table 0, index i32, min 1, funcref\n" EMPTY_BODY
         "function %b() wasm {\n table0 = table 0, index i32, min 1, externref\n" EMPTY_BODY,
         "two functions declare table 0 differently"},
        {"function %a() wasm {\n global0 = global 0, i32\n" EMPTY_BODY
         "function %b() wasm {\n global0 = global 0, f32\n" EMPTY_BODY,
         "two functions declare global 0 differently"},
        {"function %a() wasm {\n sig0 = () wasm\n type0 = func (), sig0\n tag0 = tag 4, type0\n" EMPTY_BODY
         "function %b() wasm {\n sig0 = (i32) wasm\n type0 = func (i32), sig0\n"
         " tag0 = tag 4, type0\n" EMPTY_BODY,
         "two functions declare tag 4 differently"},
        {"function %a() wasm {\n data0 = data 4000000000\n" EMPTY_BODY,
         "the index 4000000000 of an entity is too large"},
        {"function %a(i32) {\n fn0 = %b(i32, i32)\nblock0(v0: i32):\n call fn0(v0, v0)\n return\n}\n"
         "function %b(i32) {\nblock0(v0: i32):\n return\n}\n",
         "%b is declared with a signature that is not its own"},
        {"function %a(i32) {\n fn0 = %b(i32, i32)\n fn1 = %b(i32)\n"
         "block0(v0: i32):\n call fn0(v0, v0)\n return\n}\n",
         "%b is declared with a signature that is not its own"},
        {"function %a() {\n fn0 = colocated %b()\nblock0:\n call fn0()\n return\n}\n",
         "%b is declared colocated, but the module has no such function"},
    };
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        Linked linked = link_text(*state, "pulley64", rows[i].text);
        if (linked.error == NULL) {
            fail_msg("linked:\n%s", rows[i].text);
        }
        assert_string_equal(linked.error, rows[i].error);
    }
}

/* A declaration that no call uses is not held against the function. */
static void unused_declarations(void **state)
{
    Linked linked = link_text(*state, "pulley64",
                              "function %a() {\n fn0 = %b(i32x4)\n fn1 = %a(i64)\n" EMPTY_BODY);
    assert_null(linked.error);
    assert_int_equal(linked.module.imports.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(calls_by_name),         UNIT_TEST(calls_by_distance),
        UNIT_TEST(tail_calls_by_name),    UNIT_TEST(tail_calls_from_frames),
        UNIT_TEST(addresses_and_symbols), UNIT_TEST(types_kept_apart),
        UNIT_TEST(types_by_index),        UNIT_TEST(type_of_a_function),
        UNIT_TEST(entities_by_index),     UNIT_TEST(handlers_of_calls),
        UNIT_TEST(head_of_the_module),    UNIT_TEST(names_said_twice),
        UNIT_TEST(nothing_to_link),       UNIT_TEST(what_cannot_be_linked),
        UNIT_TEST(unused_declarations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
