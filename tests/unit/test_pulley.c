/* test_pulley.c - the tables of Pulley, its encoding byte by byte, its text, and what the assembler refuses. */
#include "pulley_testing.h"

#include "base/io.h"
#include "codegen/ir/ir.h"
#include "pulley/selftest.h"

static void selftest_passes(void **state)
{
    (void)state;
    assert_int_equal(dv_selftest_pulley(stderr), 0);
}

/* The names that bytecode shares with the IR mean the same there. */
static void names_are_those_of_the_ir(void **state)
{
    (void)state;
    assert_int_equal(PULLEY_RMW_COUNT, RMW_COUNT);
    for (u32 i = 0; i < RMW_COUNT; i++) {
        assert_string_equal(dv_pulley_rmw_names[i], dv_rmw_names[i]);
    }
}

/* The encoding is a file format: these bytes change only together with PULLEY_VERSION. Numbers of operations
 * are taken from the table, everything else is spelled out. */
static void check_bytes(Fixture *f, const char *line, bool big, PulleyOp op, const char *rest,
                        usize rest_size)
{
    u8 header[2];
    u32 header_size = dv_pulley_opcode(op, header);
    const char *text = dv_arena_printf(&f->arena, "func type0, window 8 {\n%s\n}\n", line);
    PulleyModule m = assemble_in(f, text, big);
    assert_int_equal(m.code_size_bytes, header_size + rest_size);
    assert_memory_equal(m.code, header, header_size);
    assert_memory_equal(m.code + header_size, rest, rest_size);
}

#define CHECK_BYTES(line, big, op, rest) \
    check_bytes(f, line, big, PULLEY_##op, rest, sizeof(rest) - 1)

static void encoding_is_as_documented(void **state)
{
    Fixture *f = *state;
    CHECK_BYTES("xadd32 s1, s2, s255", false, xadd32, "\x01\x02\xff");
    CHECK_BYTES("xneg32 s1, s2", false, xneg32, "\x01\x02");
    CHECK_BYTES("xadd64_i8 s1, s2, -2", false, xadd64_i8, "\x01\x02\xfe");
    CHECK_BYTES("xadd64_i32 s1, s2, -2", false, xadd64_i32, "\x01\x02\x00\xfe\xff\xff\xff");
    CHECK_BYTES("xconst16 s9, 0x1234", false, xconst16, "\x09\x34\x12");
    CHECK_BYTES("xconst16 s9, 0x1234", true, xconst16, "\x09\x12\x34");
    CHECK_BYTES("xconst64 s9, 1", true, xconst64, "\x09\0\0\0\0\0\0\0\0\0\x01");
    CHECK_BYTES("jump .-4", false, jump, "\xff\xff\xff");
    CHECK_BYTES("jump .+262152", false, jump, "\x02\x00\x01");
    CHECK_BYTES("jump .+262152", true, jump, "\x01\x00\x02");
    CHECK_BYTES("br_if32 s3, .+8", false, br_if32, "\x03\x02\x00");
    CHECK_BYTES("br_if_xslt32_i16 s3, -1, .+8", false, br_if_xslt32_i16,
                "\x03\xff\xff\x02\x00\x00\x00");
    CHECK_BYTES("br_table s1, [.+8, .-4]", true, br_table,
                "\x01\0\0\0\0\0\x01\0\0\0\x02\xff\xff\xff\xff");
    CHECK_BYTES("call s2, .-8", false, call, "\x02\xfe\xff");
    CHECK_BYTES("call s2, .-8", true, call, "\x02\xff\xfe");
    CHECK_BYTES("call s2, func0", false, call, "\x02\0\0"); /* the function itself */
    CHECK_BYTES("call_number s2, func258", false, call_number, "\x02\x02\x01");
    CHECK_BYTES("call_far s2, .+1024", true, call_far, "\x02\0\0\0\x01\0");
    CHECK_BYTES("call_table s2, s3, table4, type5", false, call_table, "\x02\x03\0\x04\0\x05\0");
    CHECK_BYTES("heap_load64_g s1, s2, s3, memory7", false, heap_load64_g,
                "\x01\x02\x03\0\0\0\x07\0\0\0");
    CHECK_BYTES("trap heap_oob", false, trap, "\xfc\0");
    CHECK_BYTES("raw_load32 s1, s2, 8", true, raw_load32, "\x01\x02\0\0\0\x08");
    CHECK_BYTES("fuel 0x010203", false, fuel, "\x03\x02\x01");
}

static const char everything[] = "profile raw64\n"
                                 "metered\n"
                                 "groups base float raw\n"
                                 "type 2 -> 1\n"
                                 "type 60 -> 50\n"
                                 "type 1 -> 0\n"
                                 "import type1\n"
                                 "memory i32\n"
                                 "memory i64 shared\n"
                                 "global 4\n"
                                 "global 16 mutable\n"
                                 "table i32 func\n"
                                 "table i64 exn\n"
                                 "tag type2\n"
                                 "elem extern\n"
                                 "data 3\n"
                                 "symbols 2\n"
                                 "func type0, window 8 {\n"
                                 "    br_table s1, [L64, .-8, .+8]\n"
                                 "    .word 0xfc010203\n"
                                 "    call s4, func1\n"
                                 "    catch context s3\n"
                                 "    catch tag0, L64\n"
                                 "    catch all, .-16\n"
                                 "    call_number s4, func65535\n"
                                 "    call_far s4, func0\n"
                                 "    call_far s4, .-36\n"
                                 "    call s4, .+4\n"
                                 "    trap user7\n"
                                 "    br_if_feq64 s1, s2, .-400\n"
                                 "L64:\n"
                                 "    raw_atomic_rmw32 s1, s2, s3, xchg\n"
                                 "    call_helper s2, f128_add\n"
                                 "}\n"
                                 "func type1, window 256, frame 32 {\n"
                                 "L0:\n"
                                 "    jump L0\n"
                                 "}\n";

static void text_round_trips(void **state)
{
    Fixture *f = *state;
    for (u32 big = 0; big < 2; big++) {
        PulleyModule m = assemble_in(f, everything, big != 0);
        PulleyFault fault;
        assert_true(dv_pulley_verify_module(&m, &fault));
        assert_string_equal(print_module(f, &m), everything);
    }
}

static void instructions_print_alone(void **state)
{
    Fixture *f = *state;
    PulleyModule m =
        assemble(f, "func type0, window 8 {\nret\n}\n"
                    "func type0, window 8 {\njump .-4\nbr_if32 s1, .+8\ncall s2, func0\n}\n");
    PulleyInst inst;
    TextBuf text;
    dv_text_init(&text, &f->arena);
    for (u32 offset = 0; offset < 12; offset += 4) {
        assert_true(dv_pulley_decode(m.code + 4 + offset, 4, false, &inst));
        dv_pulley_print_inst(&text, &m, &m.funcs.data[1], &inst, offset);
        dv_text_str(&text, "; ");
    }
    assert_string_equal(text.data, "jump .-4; br_if32 s1, L12; call s2, func0; ");
}

#define IN_FUNC(line) "func type0, window 8 {\n" line "\n}\n"

static void errors_have_places(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *text;
        u32 line;
        const char *message;
    } cases[] = {
        {IN_FUNC("xfoo s1"), 2, "unknown operation"},
        {IN_FUNC("xmov s1"), 2, "expected ','"},
        {IN_FUNC("xmov s1, 5"), 2, "expected s and a number"},
        {IN_FUNC("xmov s1, s256"), 2, "the number does not fit its field"},
        {IN_FUNC("xconst16 s1, 32768"), 2, "the number does not fit its field"},
        {IN_FUNC("xconst16 s1, x"), 2, "expected a number"},
        {IN_FUNC("xmov s1, s2 s3"), 2, "the line goes on where it should end"},
        {IN_FUNC("jump nowhere"), 2, "label nowhere is not defined"},
        {IN_FUNC("jump .+2"), 2, "the number does not fit its field"},
        {IN_FUNC("jump .8"), 2, "expected '+'"},
        {IN_FUNC("jump ,"), 2, "expected a label"},
        {IN_FUNC("call s2, func1"), 2, "func1 is not defined"},
        {IN_FUNC("return_call func4294967295"), 2, "func4294967295 is not defined"},
        {IN_FUNC("call s2, func4294967296"), 2, "number out of range"},
        {IN_FUNC("call s2, fun1"), 2, "expected func and a number"},
        {IN_FUNC("call s2, .+6"), 2, "the number does not fit its field"},
        {IN_FUNC("call s2, .+131072"), 2, "the number does not fit its field"},
        {IN_FUNC("a:\n\na:"), 4, "this label is already defined"},
        {IN_FUNC("br_table s1, [a"), 2, "expected ']'"},
        {IN_FUNC("br_table s1, a"), 2, "expected '['"},
        {IN_FUNC("br_table s1, [.+3]"), 2, "no distance of this size"},
        {IN_FUNC("trap heap_oops"), 2, "expected a trap code"},
        {IN_FUNC("call_helper s2, f129_add"), 2, "unknown name"},
        {IN_FUNC("catch all, .+0"), 2, "no instruction stands before"},
        {IN_FUNC(".byte 0"), 2, "expected .word"},
        {IN_FUNC(".word 0x100000000"), 2, "number out of range"},
        {"func type0, window 8 {\n", 2, "the function is not closed"},
        {"func type0 window 8 {\n", 1, "expected ','"},
        {"func type0, windows 8 {\n", 1, "expected window"},
        {"func type0, window 65536 {\n", 1, "number out of range"},
        {"func type0, window 8, trame 8 {\n", 1, "expected frame"},
        {"funk type0\n", 1, "unknown declaration"},
        {"memory i33\n", 1, "expected i32 or i64"},
        {"global 256\n", 1, "number out of range"},
        {"table i32 256\n", 1, "number out of range"},
        {"elem 256\n", 1, "number out of range"},
        {"profile 256\n", 1, "number out of range"},
        {"\n\ngroups base nothing\n", 3, "unknown name"},
        {"groups 77\n", 1, "unknown group"},
        {"type 2 - 1\n", 1, "expected '>'"},
        {"import type99999999999\n", 1, "number out of range"},
    };
    for (usize i = 0; i < ARRAY_LEN(cases); i++) {
        PulleyModule m;
        Diag diag;
        dv_diag_init(&diag, &f->arena);
        assert_false(dv_pulley_assemble(&f->arena, str_of(cases[i].text), false, &m, &diag));
        assert_string_equal(dv_diag_first(&diag)->text, cases[i].message);
        assert_int_equal(dv_diag_first(&diag)->line, cases[i].line);
    }
}

static void far_labels_are_refused(void **state)
{
    Fixture *f = *state;
    TextBuf text;
    PulleyModule m;
    Diag diag;
    dv_text_init(&text, &f->arena);
    dv_text_str(&text, "func type0, window 8 {\nbr_if32 s1, end\n");
    for (u32 i = 0; i < 32767; i++) {
        dv_text_str(&text, "nop\n");
    }
    dv_text_str(&text, "end:\n}\n");
    dv_diag_init(&diag, &f->arena);
    assert_false(
        dv_pulley_assemble(&f->arena, (Str){text.data, (u32)text.length}, false, &m, &diag));
    assert_string_equal(dv_diag_first(&diag)->text, "label end is too far away");
    /* One word less is reached. */
    memcpy(text.data + 23, "br_if32 s1, end\n   \n", 20);
    dv_diag_init(&diag, &f->arena);
    assert_true(
        dv_pulley_assemble(&f->arena, (Str){text.data, (u32)text.length}, false, &m, &diag));
}

static void far_functions_are_refused(void **state)
{
    Fixture *f = *state;
    TextBuf text;
    PulleyModule m;
    Diag diag;
    dv_text_init(&text, &f->arena);
    dv_text_str(&text, "func type0, window 8 {\ncall s2, func1\n");
    for (u32 i = 0; i < 32767; i++) {
        dv_text_str(&text, "nop\n");
    }
    dv_text_str(&text, "}\nfunc type0, window 8 {\nret\n}\n");
    dv_diag_init(&diag, &f->arena);
    assert_false(
        dv_pulley_assemble(&f->arena, (Str){text.data, (u32)text.length}, false, &m, &diag));
    assert_string_equal(dv_diag_first(&diag)->text, "func1 is too far away");
    assert_int_equal(dv_diag_first(&diag)->line, 2);
    /* One word less is reached. */
    memcpy(strstr(text.data, "nop"), "   ", 3);
    dv_diag_init(&diag, &f->arena);
    assert_true(
        dv_pulley_assemble(&f->arena, (Str){text.data, (u32)text.length}, false, &m, &diag));
}

static void modules_swap(void **state)
{
    Fixture *f = *state;
    const char *text =
        "type 2 -> 1\nmemory i32\nfunc type0, window 8 {\na:\nheap_load32 s1, s2, 260\n"
        "xconst64 s3, 0x0102030405060708\nbr_table s1, [a, b]\nb:\njump a\n}\n"
        "func type0, window 8 {\ncall s2, func0\ncall_far s2, func0\nreturn_call func1\n}\n";
    PulleyModule little = assemble_in(f, text, false);
    PulleyModule big = assemble_in(f, text, true);
    u8 *copy = dv_arena_alloc(&f->arena, little.code_size_bytes, 4);
    assert_int_equal(little.code_size_bytes, big.code_size_bytes);
    memcpy(copy, little.code, little.code_size_bytes);
    assert_memory_not_equal(copy, big.code, big.code_size_bytes);
    dv_pulley_swap(copy, little.code_size_bytes, false);
    assert_memory_equal(copy, big.code, big.code_size_bytes);
    dv_pulley_swap(copy, little.code_size_bytes, true);
    assert_memory_equal(copy, little.code, little.code_size_bytes);
}

static void manual_is_current(void **state)
{
    Fixture *f = *state;
    IoBytes file;
    const char *error;
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_pulley_docs_write(&text);
    assert_int_equal(dv_io_read(&f->arena, "docs/pulley.md", 0, &file, &error), DAVIT_OK);
    assert_string_equal((const char *)file.data, text.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selftest_passes),
        cmocka_unit_test(names_are_those_of_the_ir),
        UNIT_TEST(encoding_is_as_documented),
        UNIT_TEST(text_round_trips),
        UNIT_TEST(instructions_print_alone),
        UNIT_TEST(errors_have_places),
        UNIT_TEST(far_labels_are_refused),
        UNIT_TEST(far_functions_are_refused),
        UNIT_TEST(modules_swap),
        UNIT_TEST(manual_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
