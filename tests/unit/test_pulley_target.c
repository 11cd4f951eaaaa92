/* test_pulley_target.c - CLIF to bytecode: the tables of forms, the choice of instructions, the limits of the frame, and
 * modules made of generated functions, which must verify. That they compute what they should is shown by run tests. */
#include "compile_testing.h"

#include "tools/gen.h"

/* ---- forms.def against ops.def --------------------------------------------------------------------------- */

typedef struct FormRow {
    u32 general, form;
} FormRow;

static const FormRow small_rows[] = {
#define SMALL(general, small) {PULLEY_##general, PULLEY_##small},
#include "codegen/isa/pulley/forms.def"
};
static const FormRow acc_rows[] = {
#define ACC(general, form) {PULLEY_##general, PULLEY_##form},
#define ACC_B(general, form) {PULLEY_##general, PULLEY_##form},
#include "codegen/isa/pulley/forms.def"
};
static const FormRow inverse_rows[] = {
#define INVERSE(a, b) {PULLEY_##a, PULLEY_##b},
#define INVERSE_SWAPPED(a, b) {PULLEY_##a, PULLEY_##b},
#include "codegen/isa/pulley/forms.def"
};
static const u32 commuting_rows[] = {
#define COMMUTES(operation) PULLEY_##operation,
#include "codegen/isa/pulley/forms.def"
};

static bool has_form(const FormRow *rows, u32 count, u32 form)
{
    for (u32 i = 0; i < count; i++) {
        if (rows[i].form == form) {
            return true;
        }
    }
    return false;
}

/* Same fields in the same order; those of the form may be smaller, or read the accumulator. */
static void check_shapes(const FormRow *row, bool is_acc)
{
    const PulleyShapeInfo *a = dv_pulley_shape((PulleyOp)row->general);
    const PulleyShapeInfo *b = dv_pulley_shape((PulleyOp)row->form);
    const char *name = dv_pulley_ops[row->form].name;
    u32 accs = 0;
    assert_int_equal(a->count, b->count);
    for (u32 i = 0; i < a->count; i++) {
        const PulleyField *from = &a->fields[i], *to = &b->fields[i];
        bool is_acc_field = to->role == PROLE_ACC;
        accs += is_acc_field;
        assert_string_equal(from->name, to->name);
        if (is_acc_field ? from->role != PROLE_SRC : from->role != to->role) {
            fail_msg("%s: field %s has another role", name, to->name);
        }
        assert_true(is_acc ? to->size_bytes == from->size_bytes
                           : to->size_bytes <= from->size_bytes);
    }
    assert_int_equal(accs, is_acc);
    assert_int_equal(dv_pulley_ops[row->general].result, dv_pulley_ops[row->form].result);
    assert_int_equal(dv_pulley_ops[row->general].effects & ~(7u << PX_ACC_SHIFT),
                     dv_pulley_ops[row->form].effects & ~(7u << PX_ACC_SHIFT));
}

static void forms_have_the_shape_of_the_general_one(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(small_rows); i++) {
        check_shapes(&small_rows[i], false);
        assert_string_equal(dv_pulley_ops[small_rows[i].general].doc,
                            dv_pulley_ops[small_rows[i].form].doc);
        assert_true(dv_pulley_op_size((PulleyOp)small_rows[i].form) <
                    dv_pulley_op_size((PulleyOp)small_rows[i].general));
    }
    for (u32 i = 0; i < ARRAY_LEN(acc_rows); i++) {
        check_shapes(&acc_rows[i], true);
        assert_int_equal(dv_pulley_op_size((PulleyOp)acc_rows[i].form),
                         dv_pulley_op_size((PulleyOp)acc_rows[i].general));
    }
}

static bool ends_with(const char *text, const char *end)
{
    usize length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

/* An operation that has a sibling without the suffix is a form of it. */
static void every_form_has_its_row(void **state)
{
    (void)state;
    static const char *const suffixes[] = {"_acc", "_accb", "_facc", "_o8"};
    for (u32 op = 0; op < PULLEY_OP_COUNT; op++) {
        const char *name = dv_pulley_ops[op].name;
        bool reads_acc = PX_ACC_OF(dv_pulley_ops[op].effects) != PRESULT_NONE;
        bool is_form = has_form(acc_rows, ARRAY_LEN(acc_rows), op);
        if (reads_acc != is_form) {
            fail_msg("%s has no row in forms.def, or a wrong one", name);
        }
        for (u32 s = 0; s < ARRAY_LEN(suffixes); s++) {
            if (ends_with(name, suffixes[s]) && !is_form &&
                !has_form(small_rows, ARRAY_LEN(small_rows), op)) {
                fail_msg("%s has no row in forms.def", name);
            }
        }
        if (ends_with(name, "_far")) {
            PulleyOp near = dv_pulley_op_find(name, strlen(name) - 4);
            assert_true(near == PULLEY_OP_COUNT ||
                        has_form(small_rows, ARRAY_LEN(small_rows), (u32)near));
        }
        char wide[64];
        if (ends_with(name, "_i8")) {
            snprintf(wide, sizeof wide, "%.*s_i32", (int)strlen(name) - 3, name);
            assert_true(dv_pulley_op_find(wide, strlen(wide)) == PULLEY_OP_COUNT ||
                        has_form(small_rows, ARRAY_LEN(small_rows), op));
        }
    }
}

/* Both ways lie in one space, so that one can stand for the other. */
static void inverses_are_as_long(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(inverse_rows); i++) {
        check_shapes(&inverse_rows[i], false);
        assert_int_equal(dv_pulley_op_size((PulleyOp)inverse_rows[i].form),
                         dv_pulley_op_size((PulleyOp)inverse_rows[i].general));
        for (u32 k = 0; k < i; k++) {
            assert_int_not_equal(inverse_rows[i].form, inverse_rows[k].form);
            assert_int_not_equal(inverse_rows[i].general, inverse_rows[k].general);
        }
    }
}

static void operands_that_commute_are_slots(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(commuting_rows); i++) {
        const PulleyShapeInfo *shape = dv_pulley_shape((PulleyOp)commuting_rows[i]);
        u32 first = shape->fields[0].role == PROLE_DST;
        assert_int_equal(shape->fields[first].role, PROLE_SRC);
        assert_int_equal(shape->fields[first + 1].role, PROLE_SRC);
    }
}

/* Numbers of the IR that bytecode has as they are. */
static void names_of_the_ir_are_those_of_the_bytecode(void **state)
{
    (void)state;
    assert_int_equal(RMW_COUNT, PULLEY_RMW_COUNT);
    for (u32 i = 0; i < RMW_COUNT; i++) {
        assert_string_equal(dv_rmw_names[i], dv_pulley_rmw_names[i]);
    }
    for (u32 code = 1; code <= 255; code++) {
        char ours[16], theirs[16];
        dv_trap_name((TrapCode)code, ours);
        dv_pulley_trap_name(code, theirs);
        assert_true(strncmp(theirs, "user", 4) == 0 || strcmp(ours, theirs) == 0);
    }
}

/* ---- the choice of instructions ---------------------------------------------------------------------------- */

/* The first function's code as text, one instruction a line. */
static const char *code_of(Fixture *x, const char *text)
{
    TextBuf out;
    dv_text_init(&out, &x->arena);
    dv_pulley_print_module(&out, &compile_module(x, "pulley64", ALLOCATOR_MAIN, text)->module);
    const char *code = strstr(out.data, "func ");
    assert_non_null(code);
    return code;
}

#define BINARY(type, body) \
    "function %f(" type ", " type ") -> " type " {\nblock0(v0: " type ", v1: " type "):\n" body \
    "}\n"

static void expect(Fixture *x, const char *text, const char *const *wanted)
{
    const char *code = code_of(x, text);
    for (; *wanted != NULL; wanted++) {
        bool is_absent = (*wanted)[0] == '!';
        if ((strstr(code, *wanted + is_absent) == NULL) != is_absent) {
            fail_msg("%s in:\n%s", *wanted, code);
        }
    }
}
#define EXPECT(x, text, ...) expect((x), (text), (const char *const[]){__VA_ARGS__, NULL})

static void constants_are_part_of_instructions(void **state)
{
    Fixture *x = *state;
    EXPECT(x, BINARY("i32", "v2 = iconst.i32 127\nv3 = iadd v2, v0\nreturn v3\n"),
           "xadd32_i8 s0, s0, 127");
    EXPECT(x, BINARY("i32", "v2 = iconst.i32 128\nv3 = iadd v0, v2\nreturn v3\n"),
           "xadd32_i32 s0, s0, 128");
    EXPECT(x, BINARY("i32", "v2 = iconst.i32 128\nv3 = isub v0, v2\nreturn v3\n"),
           "xadd32_i8 s0, s0, -128");
    EXPECT(x, BINARY("i32", "v2 = iconst.i32 0x80000000\nv3 = isub v0, v2\nreturn v3\n"), "xsub32",
           "xconst32");
    EXPECT(x, BINARY("i32", "v2 = iconst.i32 7\nv3 = isub v2, v0\nreturn v3\n"),
           "xrsub32_i32 s0, s0, 7");
    EXPECT(x, BINARY("i64", "v2 = iconst.i64 -2147483648\nv3 = band v0, v2\nreturn v3\n"),
           "xband64_i32 s0, s0, -2147483648");
    EXPECT(x, BINARY("i64", "v2 = iconst.i64 0x80000000\nv3 = band v0, v2\nreturn v3\n"),
           "xconst64", "xband64");
    EXPECT(x, BINARY("i64", "v2 = iconst.i8 -1\nv3 = ishl v0, v2\nreturn v3\n"),
           "xshl64_i8 s0, s0, 63");
    EXPECT(x, BINARY("i32", "v2 = iconst.i64 1\nv3 = rotr v0, v2\nreturn v3\n"),
           "xrotl32_i8 s0, s0, 31");
}

#define BRANCH(type, body) \
    "function %f(" type ", " type ") -> i32 {\nblock0(v0: " type ", v1: " type "):\n" body \
    "block1:\nv8 = iconst.i32 1\nreturn v8\nblock2:\nv9 = iconst.i32 2\nreturn v9\n}\n"

static void branches_compare(void **state)
{
    Fixture *x = *state;
    /* The first target follows, so that the branch goes to the second, on the opposite condition. */
    EXPECT(x, BRANCH("i32", "v2 = icmp slt v0, v1\nbrif v2, block1, block2\n"),
           "br_if_xslteq32 s1, s0", "!jump");
    EXPECT(x, BRANCH("i32", "v2 = icmp ule v0, v1\nbrif v2, block2, block1\n"),
           "br_if_xult32 s1, s0", "!jump");
    EXPECT(x,
           BRANCH("i64", "v2 = iconst.i64 -32768\nv3 = icmp ult v0, v2\nbrif v3, block2, block1\n"),
           "br_if_xugteq64_i16 s0, -32768");
    EXPECT(x,
           BRANCH("i64", "v2 = iconst.i64 32767\nv3 = icmp sgt v0, v2\nbrif v3, block2, block1\n"),
           "br_if_xslteq64 s");
    EXPECT(x, BRANCH("i32", "v2 = iconst.i32 -1\nv3 = icmp ugt v0, v2\nbrif v3, block2, block1\n"),
           "br_if_xulteq32 s0, s");
    EXPECT(x, BRANCH("i32", "v2 = iconst.i32 0\nv3 = icmp uge v0, v2\nbrif v3, block2, block1\n"),
           "br_if_xult32_i16 s0, 0");
    EXPECT(x, BRANCH("i8", "v2 = iconst.i8 255\nv3 = icmp ule v0, v2\nbrif v3, block2, block1\n"),
           "zext8_32", "br_if_xugteq32_i16_acc s", ", 256");
    EXPECT(x, BRANCH("i8", "v2 = iconst.i8 255\nv3 = icmp sle v0, v2\nbrif v3, block2, block1\n"),
           "sext8_32", "br_if_xsgteq32_i16_acc s", ", 0");
    EXPECT(x, BRANCH("f64", "v2 = fcmp lt v0, v1\nbrif v2, block1, block2\n"),
           "br_if_fnlt64 s0, s1");
    EXPECT(x, BRANCH("f64", "v2 = fcmp uge v0, v1\nbrif v2, block2, block1\n"),
           "br_if_flt64 s0, s1");
    EXPECT(x, BRANCH("f32", "v2 = fcmp ne v0, v1\nbrif v2, block1, block2\n"),
           "br_if_feq32 s0, s1");
    EXPECT(x, BRANCH("f32", "v2 = fcmp one v0, v1\nbrif v2, block2, block1\n"), "flt32",
           "br_if_not32");
}

static void results_are_taken_from_the_accumulator(void **state)
{
    Fixture *x = *state;
    EXPECT(x, BINARY("i32", "v2 = imul v0, v1\nv3 = iadd v1, v2\nreturn v3\n"), "xadd32_acc");
    EXPECT(x, BINARY("i32", "v2 = imul v0, v1\nv3 = isub v1, v2\nreturn v3\n"), "xsub32_accb");
    EXPECT(x, BINARY("i32", "v2 = imul v0, v1\nv3 = ishl v1, v2\nreturn v3\n"), "xshl32 s");
    EXPECT(x, BINARY("f64", "v2 = fdiv v0, v1\nv3 = fmul v1, v2\nreturn v3\n"), "fmul64_acc");
    EXPECT(x, BINARY("f64", "v2 = fmul v0, v1\nv3 = fadd v1, v2\nreturn v3\n"),
           "fmuladd64 s0, s0, s1, s1");
    EXPECT(x, BINARY("f64", "v2 = fmul v0, v1\nv3 = fadd v1, v2\nv4 = fsub v3, v2\nreturn v4\n"),
           "!fmuladd");
    /* Another class, a label between, a call between. */
    EXPECT(
        x,
        BINARY(
            "i64",
            "v2 = imul v0, v1\nv3 = ireduce.i32 v2\nv4 = iadd v3, v3\nv5 = uextend.i64 v4\nreturn v5\n"),
        "xadd32 s");
    EXPECT(
        x,
        BINARY(
            "i32",
            "v2 = imul v0, v1\njump block1(v2)\nblock1(v3: i32):\nv4 = iadd v3, v1\nbrif v4, block1(v4), block2\n"
            "block2:\nreturn v4\n"),
        "xadd32 s", "!xadd32_acc");
    EXPECT(
        x,
        "function %f(i32) -> i32 {\nfn0 = %g(i32) -> i32\nblock0(v0: i32):\nv1 = iadd v0, v0\nv2 = call fn0(v1)\n"
        "v3 = iadd v2, v1\nreturn v3\n}\n",
        "!xadd32_acc");
}

static void selections_compare(void **state)
{
    Fixture *x = *state;
    EXPECT(x, BINARY("i32", "v2 = icmp sge v0, v1\nv3 = select v2, v0, v1\nreturn v3\n"),
           "xselect_slt32 s0, s0, s1, s1, s0");
    EXPECT(x, BINARY("i64", "v2 = icmp ugt v0, v1\nv3 = select v2, v0, v1\nreturn v3\n"),
           "xselect_ult64 s0, s1, s0, s0, s1");
    EXPECT(x, BINARY("i8", "v2 = icmp ugt v0, v1\nv3 = select v2, v0, v1\nreturn v3\n"), "xult32",
           "xselect s0");
}

static const char fib[] = "function %fib(i32) -> i32 {\n"
                          "fn0 = colocated %fib(i32) -> i32\n"
                          "block0(v0: i32):\n"
                          "v1 = iconst.i32 2\nv2 = icmp slt v0, v1\nbrif v2, block1, block2\n"
                          "block1:\nreturn v0\n"
                          "block2:\n"
                          "v3 = iconst.i32 1\nv4 = isub v0, v3\nv5 = call fn0(v4)\n"
                          "v6 = iconst.i32 2\nv7 = isub v0, v6\nv8 = call fn0(v7)\n"
                          "v9 = iadd v5, v8\nreturn v9\n}\n";

/* Arguments are computed into the slots where the callee wants them. */
static void calls_need_no_moves(void **state)
{
    Fixture *x = *state;
    CompiledFunc **funcs;
    u32 count;
    assert_null(compile_text(x, isa_of("pulley64"), ALLOCATOR_MAIN, fib, &funcs, &count));
    assert_true(funcs[0]->allocation.moves <=
                1); /* the first result, which the second call would overwrite */
    assert_int_equal(funcs[0]->allocation.loads + funcs[0]->allocation.stores, 0);
    assert_int_equal(funcs[0]->code.frame.size_bytes, 0);
    static const char straight[] =
        "function %f(i32, i64) -> i32 {\nfn0 = %g(i32, i64) -> i32\nblock0(v0: i32, v1: i64):\n"
        "v2 = iconst.i32 5\nv3 = iadd v0, v2\nv4 = ineg v1\nv5 = call fn0(v3, v4)\n"
        "v6 = ineg v5\nreturn v6\n}\n";
    assert_null(compile_text(x, isa_of("pulley64"), ALLOCATOR_MAIN, straight, &funcs, &count));
    assert_int_equal(funcs[0]->allocation.moves, 0);
}

/* ---- frames and calls --------------------------------------------------------------------------------------- */

static const char *const isas[] = {"pulley32", "pulley64", "pulley32be", "pulley64be"};

static void compile_both_ways(Fixture *x, const char *text)
{
    compile_module(x, "pulley64", ALLOCATOR_MAIN, text);
    compile_module(x, "pulley64", ALLOCATOR_FAST, text);
    compile_module(x, "pulley64be", ALLOCATOR_MAIN, text);
}

/* `count` parameters of a type, and a function that hands them on in one way or another. */
static const char *many(Fixture *x, const char *type, u32 count, u32 results, const char *how)
{
    TextBuf out;
    dv_text_init(&out, &x->arena);
    const char *const lists[] = {"function %f(", "fn0 = %g("};
    for (u32 n = 0; n < 2; n++) {
        dv_text_str(&out, lists[n]);
        for (u32 i = 0; i < count; i++) {
            dv_text_printf(&out, "%s%s", i == 0 ? "" : ", ", type);
        }
        for (u32 i = 0; i < results; i++) {
            dv_text_printf(&out, "%s%s", i == 0 ? ") -> " : ", ", type);
        }
        dv_text_printf(&out, "%s tail%s", results == 0 ? ")" : "", n == 0 ? " {\n" : "\n");
    }
    dv_text_str(&out, "ss0 = explicit_slot 8\nblock0(");
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(&out, "%sv%u: %s", i == 0 ? "" : ", ", (unsigned)i, type);
    }
    dv_text_printf(&out, "):\n%s fn0(", how);
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(&out, "%sv%u", i == 0 ? "" : ", ", (unsigned)(count - 1 - i));
    }
    dv_text_str(&out, ")\n");
    return out.data;
}

static void arguments_beyond_the_window(void **state)
{
    Fixture *x = *state;
    static const char *const types[] = {"i32", "i128", "f64"};
    static const u32 counts[] = {0, 1, 23, 24, 25, 47, 48, 49, 200, 1000};
    for (u32 t = 0; t < ARRAY_LEN(types); t++) {
        for (u32 c = 0; c < ARRAY_LEN(counts); c++) {
            const char *text = many(x, types[t], counts[c], 0, "call");
            compile_both_ways(x, dv_arena_printf(&x->arena, "%sreturn\n}\n", text));
            text = many(x, types[t], counts[c], 3, "return_call");
            compile_both_ways(x, dv_arena_printf(&x->arena, "%s}\n", text));
            text = many(x, types[t], counts[c], 60, "return_call");
            compile_both_ways(x, dv_arena_printf(&x->arena, "%s}\n", text));
        }
    }
    /* An i128 whose halves are in the window and in the block. */
    compile_both_ways(
        x,
        dv_arena_printf(
            &x->arena,
            "function %%f(i32, i128%s) -> i128, i32%s {\nblock0(v0: i32, v1: i128%s):\n"
            "return v23, v0%s\n}\n",
            ", i128, i128, i128, i128, i128, i128, i128, i128, i128, i128, i128, i128, i128, i128, "
            "i128, i128, i128, i128, i128, i128, i128, i128, i128",
            ", i128, i128, i128, i128, i128, i128, i128, i128, i128, i128, i128, i128, i128, i128, "
            "i128, i128, i128, i128, i128, i128, i128, i128, i128",
            ", v2: i128, v3: i128, v4: i128, v5: i128, v6: i128, v7: i128, v8: i128, v9: i128, "
            "v10: i128, v11: i128, v12: i128, v13: i128, v14: i128, v15: i128, v16: i128, v17: i128, "
            "v18: i128, v19: i128, v20: i128, v21: i128, v22: i128, v23: i128, v24: i128",
            ", v24, v23, v22, v21, v20, v19, v18, v17, v16, v15, v14, v13, v12, v11, v10, v9, v8, "
            "v7, v6, v5, v4, v3, v2"));
}

static const char *error_of(Fixture *x, const char *text)
{
    CompiledFunc **funcs;
    u32 count;
    const char *error = compile_text(x, isa_of("pulley64"), ALLOCATOR_MAIN, text, &funcs, &count);
    return error == NULL ? "" : error;
}

static void what_does_not_fit_is_told(void **state)
{
    Fixture *x = *state;
    const char *text = many(x, "i64", 2049, 0, "call");
    assert_non_null(strstr(error_of(x, dv_arena_printf(&x->arena, "%sreturn\n}\n", text)),
                           "more than 2048 slots"));
    assert_non_null(strstr(
        error_of(
            x,
            "function %f() -> i64 {\nss0 = explicit_slot 2147483648\nss1 = explicit_slot 4294967295\n"
            "block0:\nv0 = stack_addr.i64 ss1\nreturn v0\n}\n"),
        "the frame needs more"));
    assert_non_null(
        strstr(error_of(x, "function %f(i64) {\nfn0 = %g(i64 sarg(4294967295))\nblock0(v0: i64):\n"
                           "call fn0(v0)\nreturn\n}\n"),
               "a struct argument of more than"));
    assert_non_null(
        strstr(error_of(x, "function %f(i64) tail {\nfn0 = %g(i64 sarg(8)) tail\nblock0(v0: i64):\n"
                           "return_call fn0(v0)\n}\n"),
               "a struct argument of a tail call"));
    assert_non_null(strstr(
        error_of(x, "function %f() {\nblock0:\nfuel 0xffffffffffffffff\nreturn\n}\n"), "fuel"));
    assert_non_null(
        strstr(error_of(x, "function %f(i32x4) {\nblock0(v0: i32x4):\nreturn\n}\n"), "i32x4"));
}

static void stack_slots_of_all_kinds(void **state)
{
    Fixture *x = *state;
    compile_both_ways(
        x,
        "function %f() -> i64, i64, i64, i64, i64, i64 {\n"
        "ss0 = explicit_slot 0\nss1 = explicit_slot 3\nss2 = explicit_slot 40, align = 64\n"
        "ss3 = explicit_slot 8, align = 4096\n"
        "block0:\n"
        "v0 = stack_addr.i64 ss0\nv1 = stack_addr.i64 ss1+2\nv2 = stack_addr.i64 ss2+39\n"
        "v3 = stack_addr.i64 ss3-1\nv4 = stack_addr.i64 ss1+100000\nv5 = stack_addr.i64 ss1-2147483648\n"
        "return v0, v1, v2, v3, v4, v5\n}\n");
    compile_both_ways(x,
                      "function %f(i64) {\nfn0 = %g(i64 sarg(0), i64 sarg(15), i64 sarg(16), i64)\n"
                      "block0(v0: i64):\ncall fn0(v0, v0, v0, v0)\nreturn\n}\n");
}

static void exceptions_reach_handlers(void **state)
{
    Fixture *x = *state;
    /* Results beyond the window, more than there are slots. */
    for (u32 results = 48; results <= 400; results += results < 50 ? 1 : 350) {
        TextBuf text;
        dv_text_init(&text, &x->arena);
        dv_text_str(&text, "function %f(i64) -> i64 tail {\nsig0 = (i64) -> i64");
        for (u32 i = 1; i < results; i++) {
            dv_text_str(&text, ", i64");
        }
        dv_text_str(&text,
                    " tail\nfn0 = %g sig0\nblock0(v0: i64):\ntry_call fn0(v0), sig0, block1(ret0");
        for (u32 i = 1; i < results; i++) {
            dv_text_printf(&text, ", ret%u", (unsigned)i);
        }
        dv_text_str(&text, "), [ default: block2(exn0) ]\nblock1(v1: i64");
        for (u32 i = 1; i < results; i++) {
            dv_text_printf(&text, ", v%u: i64", (unsigned)(i + 1));
        }
        dv_text_printf(&text, "):\nv1000 = iadd v1, v%u\n", (unsigned)results);
        for (u32 i = 1; i < results; i++) {
            dv_text_printf(&text, "v%u = bxor v%u, v%u\n", (unsigned)(1000 + i),
                           (unsigned)(999 + i), (unsigned)(results - i));
        }
        dv_text_printf(&text,
                       "return v%u\nblock2(v999: i64):\nv998 = iadd v999, v0\nreturn v998\n}\n",
                       (unsigned)(999 + results));
        compile_both_ways(x, text.data);
    }
    compile_both_ways(
        x,
        "function %f(i64, i64) -> i64 tail {\nsig0 = (i64) -> i64, i128 tail\nfn0 = %g(i64) -> i64, i128 tail\n"
        "block0(v0: i64, v1: i64):\n"
        "try_call fn0(v0), sig0, block1(ret0, ret1), [ context v1, tag1: block2(exn0, exn1, v0), "
        "context v0, tag0: block2(exn1, exn0, v1), default: block3(exn0) ]\n"
        "block1(v2: i64, v3: i128):\nv4 = ireduce.i64 v3\nv5 = iadd v4, v2\nreturn v5\n"
        "block2(v6: i64, v7: i64, v8: i64):\nv9 = iadd v6, v7\nv10 = iadd v9, v8\nreturn v10\n"
        "block3(v11: i64):\nreturn v11\n}\n");
}

/* Tags are at the call they belong to, once, and so is the stack map. */
static void side_tables_of_calls(void **state)
{
    Fixture *x = *state;
    CompiledFunc **funcs;
    u32 count;
    const char *error = compile_text(
        x, isa_of("pulley64"), ALLOCATOR_MAIN,
        "function %f(i64) -> i32 {\nss0 = explicit_slot 8\nfn0 = %g(i64 sarg(16)) -> i32\nblock0(v0: i64):\n"
        "<ss0, 1> v1 = call fn0(v0), stack_map=[i32 @ ss0+0]\n<7> sequence_point\n"
        "brif v1, block1(v1), block1(v1)\nblock1(v2: i32):\nreturn v2\n}\n",
        &funcs, &count);
    if (error != NULL) {
        fail_msg("%s", error);
    }
    const MachCode *code = &funcs[0]->code;
    assert_int_equal(code->calls.len, 1);
    assert_int_equal(code->stack_maps.len, 1);
    assert_int_equal(code->stack_maps.data[0].offset, code->calls.data[0].offset);
    assert_int_equal(code->tags.len, 2);
    assert_int_equal(code->tags.data[0].offset, code->calls.data[0].offset);
    assert_true(code->tags.data[0].after);
    assert_int_equal(code->tags.data[0].tags.num_tags, 2);
    assert_int_equal(code->tags.data[1].tags.num_tags, 1);
    assert_false(code->tags.data[1].after);
}

/* ---- generated functions ------------------------------------------------------------------------------------- */

/* Atomics in the other byte order and globals of 16 bytes are what the generator makes and Pulley refuses. */
static bool is_refused(Fixture *x, const char *isa, const char *text)
{
    CompiledFunc **funcs;
    u32 count;
    const char *error = compile_text(x, isa_of(isa), ALLOCATOR_FAST, text, &funcs, &count);
    return error != NULL && (strstr(error, "in the other byte order is not supported") != NULL ||
                             (strstr(error, "operation global_") != NULL &&
                              strstr(error, "128 is not supported") != NULL));
}

static void generated_modules_verify(void **state)
{
    Fixture *x = *state;
    u32 compiled = 0;
    for (u64 seed = 0; seed < 60; seed++) {
        const char *isa = isas[seed % ARRAY_LEN(isas)];
        ArenaMark mark = dv_arena_mark(&x->arena);
        GenSource source;
        GenOptions options = {.address_bits = strstr(isa, "32") != NULL ? 32 : 64,
                              .max_insts = 200};
        TextBuf text;
        dv_text_init(&text, &x->arena);
        dv_gen_seed(&source, seed);
        dv_gen_clif(&text, &source, &options);
        if (!is_refused(x, isa, text.data)) {
            compile_module(x, isa, ALLOCATOR_MAIN, text.data);
            compile_module(x, isa, ALLOCATOR_FAST, text.data);
            compiled++;
        }
        dv_arena_release_to(&x->arena, mark);
    }
    assert_in_range(compiled, 40, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_have_the_shape_of_the_general_one),
        cmocka_unit_test(every_form_has_its_row),
        cmocka_unit_test(inverses_are_as_long),
        cmocka_unit_test(operands_that_commute_are_slots),
        cmocka_unit_test(names_of_the_ir_are_those_of_the_bytecode),
        UNIT_TEST(constants_are_part_of_instructions),
        UNIT_TEST(branches_compare),
        UNIT_TEST(results_are_taken_from_the_accumulator),
        UNIT_TEST(selections_compare),
        UNIT_TEST(calls_need_no_moves),
        UNIT_TEST(arguments_beyond_the_window),
        UNIT_TEST(what_does_not_fit_is_told),
        UNIT_TEST(stack_slots_of_all_kinds),
        UNIT_TEST(exceptions_reach_handlers),
        UNIT_TEST(side_tables_of_calls),
        UNIT_TEST(generated_modules_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
