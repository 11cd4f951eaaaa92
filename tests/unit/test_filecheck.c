/* test_filecheck.c - every directive and escape, what fails and how it is explained. */
#include "unit.h"

#include "tools/filecheck.h"

/* Directives are the lines of `directives`. Gives "" if they hold, else the explanation. */
static const char *check(Fixture *f, const char *directives, const char *text)
{
    Str list[32];
    u32 count = 0;
    for (const char *at = directives; *at != '\0';) {
        const char *newline = strchr(at, '\n');
        usize n = newline == NULL ? strlen(at) : (usize)(newline - at);
        assert_true(count < ARRAY_LEN(list));
        list[count++] = (Str){at, (u32)n};
        at += n + (newline != NULL);
    }
    TextBuf explain;
    dv_text_init(&explain, &f->arena);
    bool ok = dv_filecheck(&f->arena, list, count, (Str){text, (u32)strlen(text)}, &explain);
    assert_int_equal(ok, explain.length == 0);
    return explain.data;
}

#define HOLDS(directives, text) assert_string_equal(check(f, directives, text), "")
#define FAILS(directives, text, part) assert_contains(check(f, directives, text), part)

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, text);
    }
}

static void no_directives(void **state)
{
    Fixture *f = *state;
    HOLDS("", "");
    HOLDS("", "text");
    HOLDS("a comment\nwe check: nothing\nrun: %f() == 1", "text");
    HOLDS("regex: X=y", "text");
}

static void check_in_order(void **state)
{
    Fixture *f = *state;
    HOLDS("check: one\ncheck: two", "zero\none\nand a half\ntwo\nthree");
    HOLDS("check: one\nsome words\n  check:two  ", "one two");
    FAILS("check: one\ncheck: two", "two\none\n", "not found: check: two");
    FAILS("check: one\ncheck: one", "one", "not found: check: one");
    FAILS("check: one", "", "not found: check: one");
}

static void sameln(void **state)
{
    Fixture *f = *state;
    HOLDS("check: one\nsameln: two", "zero\none two\nthree");
    FAILS("check: one\nsameln: two", "one\ntwo", "not found: sameln: two");
    FAILS("check: one\nsameln: two", "two one three", "line 1, column 8");
    HOLDS("sameln: one\nsameln: two", "zero one two three");
    FAILS("sameln: one", "zero\none", "not found");
}

static void nextln(void **state)
{
    Fixture *f = *state;
    HOLDS("check: one\nnextln: two", "zero\none\ntwo");
    FAILS("check: one\nnextln: two", "one two", "behind the end");
    FAILS("check: one\nnextln: two", "one\n\ntwo", "from line 2, column 1 on:\n    2 | \n");
    HOLDS("nextln: one\nnextln: two", "zero\none\ntwo\n");
    FAILS("nextln: one", "one\ntwo", "not found: nextln: one");
}

static void unordered(void **state)
{
    Fixture *f = *state;
    const char *between = "check: one\nunordered: two\nunordered: three\ncheck: four";
    HOLDS(between, "one two three four");
    HOLDS(between, "one three two four");
    HOLDS(between, "one two four three four");
    FAILS(between, "one two four three", "not found: check: four");
    FAILS(between, "two one three four", "not found: unordered: two");
    HOLDS("unordered: b\nunordered: a\ncheck: c", "a b c");
    HOLDS("unordered: a b\nunordered: b c", "a b c");
    const char *defining = "regex: V=\\bv\\d+\\b\nunordered: $(va=$V) = load\n"
                           "unordered: $(vb=$V) = iadd $va\nunordered: $(vc=$V) = store";
    HOLDS(defining, "v3 = store\nv1 = load\nv2 = iadd v1\n");
    FAILS(defining, "v2 = iadd v1\nv1 = load\nv3 = store\n", "not found: unordered: $(vb=$V)");
}

static void not(void **state)
{
    Fixture *f = *state;
    const char *eat = "check: one$()\nnot: $()eat$()\nnot: half\ncheck: $()two";
    HOLDS(eat, "onetwo");
    HOLDS(eat, "oneatwo");
    HOLDS(eat, "eat one two eat");
    FAILS(eat, "one eat two", "found: not: $()eat$()\n    1 | one eat two\n      |     ~~~\n");
    FAILS(eat, "oneeattwo", "found: not: $()eat$()");
    FAILS(eat, "onehalftwo", "found: not: half"); /* matches are the edges of words */
    HOLDS("check: one\nnot: two", "two one");
    FAILS("check: one\nnot: two", "one\ntwo", "    2 | two\n      | ~~~\n");
    FAILS("not: two\ncheck: one", "two\none", "found: not: two");
    HOLDS("check: $(v=\\w+) = a\nnot: $v\ncheck: end", "x = a y end x");
    FAILS("check: $(v=\\w+) = a\nnot: $v\ncheck: end", "x = a x end", "found: not: $v");
}

static void words(void **state)
{
    Fixture *f = *state;
    FAILS("check: v1", "v12", "\\bv1\\b");
    FAILS("check: v1", "xv1", "not found");
    HOLDS("check: v1", "v12, v1");
    HOLDS("check: v1$()", "v12");
    HOLDS("check: $()v1", "xv1");
    FAILS("check: one$()", "zeroone", "not found");
    HOLDS("check: (v1", "x(v1)");
    HOLDS("check: one, $()", "one, two");
    FAILS("check: one, $()", "one,two", "not found");
}

static void escapes(void **state)
{
    Fixture *f = *state;
    HOLDS("check: a$$b", "a$b");
    HOLDS("check: [a.*](b)|{c}^+?\\", "x [a.*](b)|{c}^+?\\ y");
    FAILS("check: a.c", "abc", "a\\.c");
    HOLDS("check: $(=[a-z]+)9", "abc9");
    HOLDS("check: $(=a(b|c))d", "acd");
    HOLDS("check: $(=[)]+)x", "))x");
    HOLDS("check: $(=[^])]+)x", "abx");
    HOLDS("check: $(=\\)+)x", "))x");
    HOLDS("check: x\t\xc3\xa4", "x\t\xc3\xa4");
}

static void variables(void **state)
{
    Fixture *f = *state;
    HOLDS("check: $(v=v\\d+) = a\ncheck: b $v,", "v12 = a\nb v1,\nb v12,");
    FAILS("check: $(v=v\\d+) = a\ncheck: b $v,", "v12 = a\nb v1,",
          "as a regular expression: \\bb v12\\,");
    HOLDS("check: $(a=\\w+) $(b=\\w+)\ncheck: $b $(a)x", "one two\ntwo onex");
    HOLDS("check: $(a=.)\ncheck: $(a=.)\ncheck: $a", "xyy"); /* the newest holds */
    HOLDS("check: $(a=.*);\ncheck: $(b=$a)!\ncheck: $b?", "1+1;1+1!1+1?");
    HOLDS("regex: N=a|b\ncheck: $N$(N)c", "bac");
    FAILS("regex: N=a|b\ncheck: $(x=$N)\nnextln: $x", "a\nb", "nextln: $x");
    HOLDS("regex: N=\\d+  \ncheck: <$N>", "<12>");
}

static void bad_directives(void **state)
{
    Fixture *f = *state;
    FAILS("check: $x", "a", "bad directive: check: $x\nundefined variable $x");
    FAILS("check: a$", "a", "a $ itself is $$");
    FAILS("check: $(v=a", "a", "missing )");
    FAILS("check: $(v", "a", "expected = or )");
    FAILS("check: $(v=$)", "a", "undefined variable $\n");
    FAILS("check: $(v=$w", "a", "expected $(NAME=$OTHER)");
    FAILS("check: $(v=a)$v", "a", "$v is used in the pattern that defines it");
    FAILS("check: $(v=a)$(v=b)", "ab", "another group of this name");
    FAILS("check: $(v=a**)$(=[b)", "ab", "missing )");
    FAILS("check: $(=*)", "a", "nothing stands before");
    FAILS("not: $(v=a)", "a", "not: cannot define variables");
    FAILS("regex: x", "a", "expected NAME=REGEX");
    FAILS("regex: =x", "a", "expected NAME=REGEX");
    FAILS("regex: x=(", "a", "a ( without its )");
    FAILS("check:", "a", "the pattern is empty");
}

static void long_texts_are_shown_in_part(void **state)
{
    Fixture *f = *state;
    TextBuf text;
    dv_text_init(&text, &f->arena);
    for (u32 i = 1; i <= 1000; i++) {
        dv_text_printf(&text, "line%u\n", (unsigned)i);
    }
    const char *explain = check(f, "check: line7\ncheck: missing", text.data);
    assert_contains(explain, "    7 | line7\n    8 | line8\n");
    assert_contains(explain, "   46 | line46\n      | ...\n");
    assert_null(strstr(explain, "line47"));
}

static void counting(void **state)
{
    (void)state;
    const Str list[] = {{"check: a", 8}, {"nextln:b", 8}, {"run: %f()", 9},
                        {"", 0},         {" not: c", 7},  {"checks: d", 9}};
    assert_int_equal(dv_filecheck_count(list, ARRAY_LEN(list)), 3);
    assert_int_equal(dv_filecheck_count(NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(no_directives),
        UNIT_TEST(check_in_order),
        UNIT_TEST(sameln),
        UNIT_TEST(nextln),
        UNIT_TEST(unordered),
        UNIT_TEST(not ),
        UNIT_TEST(words),
        UNIT_TEST(escapes),
        UNIT_TEST(variables),
        UNIT_TEST(bad_directives),
        UNIT_TEST(long_texts_are_shown_in_part),
        UNIT_TEST(counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
