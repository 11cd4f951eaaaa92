/* test_diag.c - Diag: order, cap, positions, and that no input can soil a message. */
#include "unit.h"

#include "base/diag.h"

static void first_error_wins(void **state)
{
    Fixture *f = *state;
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    assert_true(dv_diag_ok(&diag));
    assert_null(dv_diag_first(&diag));
    dv_diag_add(&diag, DIAG_WARNING, 1, 1, "odd");
    assert_true(dv_diag_ok(&diag));
    dv_diag_error(&diag, 2, 0, "expected %s", "a type");
    dv_diag_error(&diag, 0, 0, "then this");
    dv_diag_add(&diag, DIAG_NOTE, 9, 9, "defined here");
    assert_false(dv_diag_ok(&diag));
    assert_int_equal(diag.error_count, 2);
    assert_string_equal(dv_diag_first(&diag)->text, "expected a type");
    TextBuf out;
    dv_text_init(&out, &f->arena);
    dv_diag_format(&diag, "a\nb", &out);
    assert_string_equal(out.data, "a\\x0ab:1:1: warning: odd\n"
                                  "a\\x0ab:2: error: expected a type\n"
                                  "a\\x0ab: error: then this\n"
                                  "a\\x0ab:9:9: note: defined here\n");
}

static void messages_are_capped(void **state)
{
    Fixture *f = *state;
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    for (u32 i = 0; i < 100000; i++) {
        dv_diag_error(&diag, i + 1, 1, "message %u", (unsigned)i);
    }
    assert_int_equal(diag.error_count, 100000);
    assert_int_equal(diag.messages.len, DIAG_MESSAGES_MAX);
    TextBuf out;
    dv_text_init(&out, &f->arena);
    dv_diag_format(&diag, "f", &out);
    const char *last = "f:1000:1: error: message 999\nf: note: 99000 more messages\n";
    assert_string_equal(out.data + out.length - strlen(last), last);
}

static void quoting(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"", ""},
        {"plain 'text' \\ ", "plain 'text' \\ "},
        {"\t\n\x7f\x1b[0m", "\\x09\\x0a\\x7f\\x1b[0m"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xc2\x9b\xc2\xa0", "\\xc2\\x9b\xc2\xa0"},                  /* a C1 control; a space */
        {"\xc0\x80\xc1\xbf", "\\xc0\\x80\\xc1\\xbf"},                /* overlong */
        {"\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},                         /* overlong */
        {"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},                /* overlong */
        {"\xed\xa0\x80\xed\x9f\xbf", "\\xed\\xa0\\x80\xed\x9f\xbf"}, /* surrogate; U+D7FF */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},                /* above U+10FFFF */
        {"\xf5\x80\x80\x80\xff", "\\xf5\\x80\\x80\\x80\\xff"},
        {"a\xe2\x82", "a\\xe2\\x82"}, /* cut short */
        {"\xe2(\xa1", "\\xe2(\\xa1"},
        {"\x80", "\\x80"},
    };
    Fixture *f = *state;
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        const char *quoted = dv_diag_quote(&f->arena, rows[i].in, strlen(rows[i].in));
        assert_string_equal(quoted, rows[i].out);
        assert_string_equal(dv_diag_quote(&f->arena, quoted, strlen(quoted)), quoted);
    }
    assert_string_equal(dv_diag_quote(&f->arena, "a\0b", 3), "a\\x00b");
}

static void quotes_are_cut(void **state)
{
    Fixture *f = *state;
    char *text = dv_arena_alloc(&f->arena, 1000000, 1);
    memset(text, 'x', 1000000);
    assert_int_equal(strlen(dv_diag_quote(&f->arena, text, 1000000)), DIAG_QUOTE_MAX + 3);
    assert_int_equal(strlen(dv_diag_quote(&f->arena, text, DIAG_QUOTE_MAX)), DIAG_QUOTE_MAX);
}

static void messages_are_cleaned(void **state)
{
    Fixture *f = *state;
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    dv_diag_error(&diag, 1, 1, "bad name \"%s\"", "x\n\xff");
    assert_string_equal(dv_diag_first(&diag)->text, "bad name \"x\\x0a\\xff\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(first_error_wins), UNIT_TEST(messages_are_capped),  UNIT_TEST(quoting),
        UNIT_TEST(quotes_are_cut),   UNIT_TEST(messages_are_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
