/* test_print.c - printing: what is printed parses to the same function, on every file of tests/clif
 * (or of the directories named as arguments) and on what is left of them after damage; the parts of
 * print.h that files do not reach; and that whatever parses prints, however wrong it is. */
#include "clif_testing.h"

#include "base/rng.h"
#include "codegen/ir/selftest.h"

static int num_directories;
static char **directories;

static void check_file(Arena *arena, const char *path, Str text)
{
    ClifFile file;
    parse_good(arena, text, &file);
    check_round_trip(arena, &file, path);
}

static void files_round_trip(void **state)
{
    u32 count = 0;
    if (num_directories == 0) {
        count = visit_files(*state, "tests/clif", 1, check_file);
    }
    for (int i = 0; i < num_directories; i++) {
        count += visit_files(*state, directories[i], 1, check_file);
    }
    assert_true(count >= 4);
}

/* Parses what may be bad; whatever is good must round-trip. */
static u32 try_text(Arena *arena, Str text)
{
    ArenaMark mark = dv_arena_mark(arena);
    Diag diag;
    ClifFile file;
    dv_diag_init(&diag, arena);
    bool good = dv_clif_parse(&file, arena, text, &diag);
    assert_int_equal(good, dv_diag_ok(&diag));
    if (good) {
        check_round_trip(arena, &file, "damaged text");
    } else {
        const DiagMessage *m = dv_diag_first(&diag);
        assert_true(diag.error_count == 1 && m->line > 0 && m->column > 0 && m->text[0] != '\0');
    }
    dv_arena_release_to(arena, mark);
    return good;
}

static void truncate_file(Arena *arena, const char *path, Str text)
{
    (void)path;
    for (u32 length = 0; length < text.len; length += 1 + length / 64) {
        char *copy = malloc(length + 1); /* so that a read past the end is seen */
        assert_non_null(copy);
        memcpy(copy, text.data, length);
        try_text(arena, (Str){copy, length});
        free(copy);
    }
}

static void truncated_text_is_safe(void **state)
{
    assert_true(visit_files(*state, "tests/clif/parse", 0, truncate_file) > 0);
}

static const char *const snippets[] = {
    "v0",         "v1",   "v7",   "v4294967295", "block0", "block1", "(",       ")",   "[",
    "]",          ",",    ":",    " = ",         "->",     "sig0",   "fn0",     "i32", "i64",
    ".",          "%f",   "\"",   "@1",          "<",      ";",      "-1",      "0x",  "\n",
    "{",          "}",    "ss0",  "const0",      "gv0",    "ret0",   "exn0",    "\\",  "+8",
    "v0 -> v1\n", "iadd", "call", "jump",        "dt0",    "\xc3",   "function"};

/* Cuts, repeats and inserts at random places. */
static void damage_file(Arena *arena, const char *path, Str text)
{
    Rng rng;
    u32 good = 0;
    (void)path;
    dv_rng_seed(&rng, text.len);
    for (u32 round = 0; round < 1000; round++) {
        TextBuf damaged;
        ArenaMark mark = dv_arena_mark(arena);
        dv_text_init(&damaged, arena);
        u32 at = 0;
        for (u32 cuts = (u32)dv_rng_below(&rng, 3) + 1; cuts > 0; cuts--) {
            u32 to = at + (u32)dv_rng_below(&rng, text.len - at + 1);
            dv_text_bytes(&damaged, text.data + at, to - at);
            if (dv_rng_chance(&rng, 2)) {
                dv_text_str(&damaged, snippets[dv_rng_below(&rng, ARRAY_LEN(snippets))]);
            }
            u32 skip = (u32)dv_rng_below(&rng, 12);
            at = to + skip < text.len ? to + skip : text.len;
        }
        dv_text_bytes(&damaged, text.data + at, text.len - at);
        good += try_text(arena, (Str){damaged.data, (u32)damaged.length});
        dv_arena_release_to(arena, mark);
    }
    assert_true(good > 0); /* else nothing but the first error was ever looked at */
}

static void damaged_text_is_safe(void **state)
{
    assert_true(visit_files(*state, "tests/clif/parse", 0, damage_file) > 0);
}

static void every_operation_round_trips(void **state)
{
    (void)state;
    assert_int_equal(dv_selftest_ir(stderr), 0);
}

/* ---- the parts ---- */

static void entities_are_named(void **state)
{
    Fixture *x = *state;
    TextBuf out;
    dv_text_init(&out, &x->arena);
    for (u32 kind = 0; kind < ENTITY_KIND_COUNT; kind++) {
        dv_print_entity(&out, (EntityRef){(EntityKind)kind, 7});
        dv_text_char(&out, ' ');
    }
    assert_string_equal(
        out.data,
        "function block7 inst7 v7 ss7 dss7 dt7 gv7 sig7 fn7 const7 region7 stack_limit type7 "
        "heap7 table7 global7 func7 data7 elem7 tag7 ");
}

static const char *name_text(Arena *arena, ExtName name)
{
    TextBuf out;
    dv_text_init(&out, arena);
    dv_print_extname(&out, &name);
    return out.data;
}

static void names_are_quoted_where_needed(void **state)
{
    Fixture *x = *state;
    ExtName name = {.kind = NAME_USER, .space = 3, .index = UINT32_MAX};
    assert_string_equal(name_text(&x->arena, name), "u3:4294967295");
    name = (ExtName){.kind = NAME_LIBCALL, .libcall = LIBCALL_Memcpy};
    assert_string_equal(name_text(&x->arena, name), "%Memcpy");
    name = (ExtName){.kind = NAME_TEST, .text = {"Memcpy", 6}};
    assert_string_equal(name_text(&x->arena, name), "%\"Memcpy\"");
    name.text = (Str){"a.b$c_9", 7};
    assert_string_equal(name_text(&x->arena, name), "%a.b$c_9");
    name.text = (Str){"", 0};
    assert_string_equal(name_text(&x->arena, name), "%");
    name.text = (Str){"a \"\\\n\0\xff", 7};
    assert_string_equal(name_text(&x->arena, name), "%\"a \\\"\\\\\\x0a\\x00\\xff\"");
}

static void odd_names_round_trip(void **state)
{
    Fixture *x = *state;
    ClifFile file, again;
    const char *text =
        "function %\"a \\\"\\\\\\n\\x00\\xff\"() {\nfn0 = %\"Memcpy\" sig0\nfn1 = % sig0\n}\n";
    parse_good(&x->arena, str_of(text), &file);
    const ExtName *name = &file.funcs.data[0]->func.name;
    assert_int_equal(name->kind, NAME_TEST);
    assert_int_equal(name->text.len, 7);
    assert_memory_equal(name->text.data, "a \"\\\n\0\xff", 7);
    assert_int_equal(file.funcs.data[0]->func.funcs.data[0].name.kind, NAME_TEST);
    parse_good(&x->arena, print_all(&x->arena, &file), &again);
    assert_null(func_difference(&file.funcs.data[0]->func, &again.funcs.data[0]->func));
}

static const char *literal_text(Arena *arena, Type type, const char *text)
{
    u8 bytes[TYPE_MAX_BYTES];
    const char *at = text, *expected;
    TextBuf out;
    dv_text_init(&out, arena);
    if (!dv_literal_parse(arena, &at, text + strlen(text), type, bytes, &expected)) {
        return expected;
    }
    dv_print_literal(&out, type, bytes);
    dv_text_str(&out, at); /* what was not read */
    return out.data;
}

static void literals_print_as_they_read(void **state)
{
    static const struct {
        Type type;
        const char *text, *printed;
    } cases[] = {
        {TYPE_I8, "-128", "-128"},
        {TYPE_I8, "255", "-1"},
        {TYPE_I8, "256", "256 does not fit i8"},
        {TYPE_I8, "-129", "-129 does not fit i8"},
        {TYPE_I8, " \t7, 8", "7, 8"},
        {TYPE_I16, "0xffff]", "-1]"},
        {TYPE_I64, "-0x8000_0000_0000_0000", "-9223372036854775808"},
        {TYPE_I64, "9223372036854775808", "-9223372036854775808"},
        {TYPE_I128, "340282366920938463463374607431768211455", "-1"},
        {TYPE_I128, "-170141183460469231731687303715884105728",
         "-170141183460469231731687303715884105728"},
        {TYPE_I128, "-170141183460469231731687303715884105729",
         "-170141183460469231731687303715884105729 does not fit i128"},
        {TYPE_I128, "340282366920938463463374607431768211456", "expected an integer"},
        {TYPE_I32, "", "expected an integer"},
        {TYPE_I32, "0x", "expected an integer"},
        {TYPE_I32, "1.5", "expected an integer"},
        {TYPE_F32, "0x1.8p3, 1", "0x1.800000p3, 1"},
        {TYPE_F64, "1e-1", "0x1.999999999999ap-4"},
        {TYPE_F64, "-NaN:0x1)", "-NaN:0x1)"},
        {TYPE_F16, "sNaN:0x1", "+sNaN:0x1"},
        {TYPE_F128, "-Inf", "-Inf"},
        {TYPE_F32, "x", "expected a floating-point number"},
        {TYPE_F32, "0x1.0000001p0", "its type cannot hold this number exactly"},
        {TYPE_I32X4, "[0 -1 0xff 3] rest", "[0 -1 255 3] rest"},
        {TYPE_I32X4, "[0, -1,0xff , 3]", "[0 -1 255 3]"},
        {TYPE_I32X4, "[0 1 2]", "expected 4 lanes, found 3"},
        {TYPE_I32X4, "[0 1 2 3 4]", "expected ']' after 4 lanes"},
        {TYPE_I32X4, "[0 1 2 3", "expected ']' after 4 lanes"},
        {TYPE_I32X4, "[", "expected an integer"},
        {TYPE_I32X4, "0x00000003_00000002_00000001_00000000", "[0 1 2 3]"},
        {TYPE_I32X4, "0x1_00000000", "[0 1 0 0]"},
        {TYPE_I32X4, "0x000000000000000000000000000000000000000001", "[1 0 0 0]"},
        {TYPE_I32X4, "0x100000000000000000000000000000000",
         "the number has more bits than its type"},
        {TYPE_I32X4, "0xg", "expected a hexadecimal number"},
        {TYPE_I32X4, "0x_", "expected a hexadecimal number"},
        {TYPE_I32X4, "5", "expected '[' or a hexadecimal number"},
        {TYPE_F32X2, "[0x1.0 -NaN]", "[0x1.000000p0 -NaN]"},
        {TYPE_MAKE(LANE_I128, 1), "[-1 5]", "[-1 5]"},
        {TYPE_I8X8, "0x80", "[-128 0 0 0 0 0 0 0]"},
        {TYPE_NONE, "1", "expected a type"},
    };
    Fixture *x = *state;
    for (usize i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(literal_text(&x->arena, cases[i].type, cases[i].text),
                            cases[i].printed);
    }
}

static void one_instruction_prints_alone(void **state)
{
    Fixture *x = *state;
    ClifFile file;
    TextBuf out;
    parse_good(
        &x->arena,
        str_of("function %f(i32) { block0(v0: i32): v1 -> v0\n v2 = iconst.i32 5\n"
               "v3 -> v2\n v4 = iadd v1, v3\n jump block1\n block1: v5 = ineg v1\n return }"),
        &file);
    const Func *f = &file.funcs.data[0]->func;
    for (u32 i = 1; i < f->insts.len; i += 2) {
        dv_text_init(&out, &x->arena);
        dv_print_inst(&out, f, (Inst){i});
        assert_string_equal(out.data, i == 1 ? "v4 = iadd v1, v3  ; v3 = 5" : "v5 = ineg.i32 v1");
    }
}

static void immediates_print_as_the_reference_does(void **state)
{
    static const struct {
        const char *text, *printed;
    } cases[] = {
        {"iconst.i64 9999", "iconst.i64 9999"},
        {"iconst.i64 10000", "iconst.i64 0x2710"},
        {"iconst.i64 65536", "iconst.i64 0x0001_0000"},
        {"iconst.i64 0x123456789abcdef", "iconst.i64 0x0123_4567_89ab_cdef"},
        {"iconst.i64 -562949953421310", "iconst.i64 -562949953421310"},
        {"iconst.i16 -11823", "iconst.i16 -11823"},
        {"iconst.i16 0x51d1", "iconst.i16 0x51d1"},
        {"iconst.i16 0xd1d1", "iconst.i16 -11823"},
        {"iconst.i8 300", "iconst.i8 300"}, /* does not fit: kept for the verifier */
        {"iconst.i8 -300", "iconst.i8 -300"},
        {"stack_addr.i64 ss0+9999", "stack_addr.i64 ss0+9999"},
        {"stack_addr.i64 ss0-10000", "stack_addr.i64 ss0-0x2710"},
        {"stack_addr.i64 ss0-2147483648", "stack_addr.i64 ss0-0x8000_0000"},
    };
    Fixture *x = *state;
    for (usize i = 0; i < ARRAY_LEN(cases); i++) {
        ClifFile file;
        TextBuf out;
        parse_good(
            &x->arena,
            str_of(dv_arena_printf(&x->arena, "function %%f() { block0: v0 = %s }", cases[i].text)),
            &file);
        dv_text_init(&out, &x->arena);
        dv_print_inst(&out, &file.funcs.data[0]->func, (Inst){0});
        assert_string_equal(out.data + strlen("v0 = "), cases[i].printed);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(files_round_trip),
        UNIT_TEST(truncated_text_is_safe),
        UNIT_TEST(damaged_text_is_safe),
        cmocka_unit_test(every_operation_round_trips),
        UNIT_TEST(entities_are_named),
        UNIT_TEST(names_are_quoted_where_needed),
        UNIT_TEST(odd_names_round_trip),
        UNIT_TEST(literals_print_as_they_read),
        UNIT_TEST(one_instruction_prints_alone),
        UNIT_TEST(immediates_print_as_the_reference_does),
    };
    num_directories = argc - 1;
    directories = argv + 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
