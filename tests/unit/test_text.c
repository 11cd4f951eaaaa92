/* test_text.c - TextBuf: growth at every boundary. */
#include "unit.h"

#include "base/text.h"

static void printf_at_every_fill_level(void **state)
{
    Fixture *f = *state;
    for (usize fill = 0; fill < 300; fill++) {
        TextBuf text;
        dv_text_init(&text, &f->arena);
        dv_text_repeat(&text, '.', fill);
        dv_text_printf(&text, "%s=%d", "value", 123456);
        assert_int_equal(text.length, fill + 12);
        assert_string_equal(text.data + fill, "value=123456");
        dv_text_char(&text, '!');
        dv_text_bytes(&text, "", 0);
        assert_string_equal(text.data + fill, "value=123456!");
    }
}

static void one_large_printf(void **state)
{
    Fixture *f = *state;
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_text_printf(&text, "%*d", 500000, 7);
    assert_int_equal(text.length, 500000);
    assert_int_equal(text.data[499999], '7');
}

static void long_texts_are_linear(void **state)
{
    Fixture *f = *state;
    TextBuf text;
    dv_text_init(&text, &f->arena);
    for (u32 i = 0; i < 1000000; i++) {
        dv_text_str(&text, "    v");
        dv_text_u64(&text, 1000000 + i);
        dv_text_char(&text, '\n');
    }
    assert_int_equal(text.length, 13000000);
    assert_string_equal(text.data + text.length - 13, "    v1999999\n");
    assert_true(f->pool.used_bytes < 6 * text.length);
}

static void repeat_for_ever(Fixture *f)
{
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_text_repeat(&text, ' ', SIZE_MAX);
}

static void too_large_is_over_the_limit(void **state)
{
    assert_int_equal(escape_of(*state, repeat_for_ever), DAVIT_ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(printf_at_every_fill_level),
        UNIT_TEST(one_large_printf),
        UNIT_TEST(long_texts_are_linear),
        UNIT_TEST(too_large_is_over_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
