/* test_regex.c - the regular expressions of filecheck: what matches where, what is refused, and
 * that no pattern makes the search slow. */
#include "unit.h"

#include "base/rng.h"
#include "base/text.h"
#include "tools/regex.h"

static Str str(const char *text)
{
    return (Str){text, (u32)strlen(text)};
}

/* The match as "start-end", or "none"; "error OFFSET" if the pattern is refused. */
static const char *match(Fixture *f, const char *pattern, const char *text)
{
    Regex regex;
    RegexError error;
    RegexSpan spans[REGEX_GROUPS_MAX];
    if (!dv_regex_compile(&regex, &f->arena, str(pattern), &error)) {
        assert_non_null(error.text);
        return dv_arena_printf(&f->arena, "error %u", (unsigned)error.offset);
    }
    if (!dv_regex_search(&regex, &f->arena, str(text), spans)) {
        return "none";
    }
    return dv_arena_printf(&f->arena, "%u-%u", (unsigned)spans[0].start, (unsigned)spans[0].end);
}

typedef struct Case {
    const char *pattern, *text, *expected;
} Case;

static void run_cases(Fixture *f, const Case *cases, usize count)
{
    for (usize i = 0; i < count; i++) {
        const char *got = match(f, cases[i].pattern, cases[i].text);
        if (strcmp(got, cases[i].expected) != 0) {
            fail_msg("/%s/ on \"%s\": %s, expected %s", cases[i].pattern, cases[i].text, got,
                     cases[i].expected);
        }
    }
}

static void atoms(void **state)
{
    static const Case cases[] = {
        {"", "abc", "0-0"},
        {"b", "abc", "1-2"},
        {"bc", "abbc", "2-4"},
        {"x", "abc", "none"},
        {"a.c", "abc", "0-3"},
        {"a.c", "a\nc", "none"},
        {"\\.", "a.c", "1-2"},
        {"\\$\\(\\)\\[\\]\\{\\}\\*\\+\\?\\|\\^\\\\", "$()[]{}*+?|^\\", "0-13"},
        {"\\n\\t", "a\n\tb", "1-3"},
        {"\\x41\\x7e", "..A~", "2-4"},
        {"\\d+", "abc123x", "3-6"},
        {"\\D+", "12ab34", "2-4"},
        {"\\w+", "--ab_9--", "2-6"},
        {"\\W", "ab-", "2-3"},
        {"\\s", "ab c", "2-3"},
        {"\\S+", "  ab ", "2-4"},
        {"\xc3\xa4", "x\xc3\xa4", "1-3"},
    };
    run_cases(*state, cases, ARRAY_LEN(cases));
}

static void classes(void **state)
{
    static const Case cases[] = {
        {"[abc]+", "xxcabx", "2-5"},  {"[^abc]+", "abxyc", "2-4"},  {"[a-cx-z]+", "dbxzd", "1-4"},
        {"[]a]+", "x]a", "1-3"},      {"[^]a]+", "]xa", "1-2"},     {"[a-]+", "x-a-", "1-4"},
        {"[-a]+", "x-a-", "1-4"},     {"[\\d_]+", "ab1_2c", "2-5"}, {"[\\]\\-]+", "a]-", "1-3"},
        {"[^\\s,]+", ", ab,", "2-4"}, {"[$.*]+", "a.*$", "1-4"},
    };
    run_cases(*state, cases, ARRAY_LEN(cases));
}

static void groups_and_alternatives(void **state)
{
    static const Case cases[] = {
        {"a|b|c", "xxb", "2-3"},
        {"(a|ab)c", "abc", "0-3"},
        {"a|ab", "ab", "0-1"}, /* the first alternative, not the longest */
        {"ab|a", "ab", "0-2"},
        {"(?:ab)+", "xababa", "1-5"},
        {"(ab|cd)+e", "abcde", "0-5"},
        {"a(|b)c", "abcac", "0-3"},
        {"(|a)b", "ab", "0-2"},
        {"((((a))))", "ba", "1-2"},
        {"(a|b|(c|d)+)x", "cdcx", "0-4"},
        {"|a", "a", "0-0"},
        {"a|", "a", "0-1"},
        {"()", "a", "0-0"},
    };
    run_cases(*state, cases, ARRAY_LEN(cases));
}

static void repetitions(void **state)
{
    static const Case cases[] = {
        {"a*", "aaa", "0-3"},
        {"a*?", "aaa", "0-0"},
        {"a+", "baaa", "1-4"},
        {"a+?", "baaa", "1-2"},
        {"a?b", "aab", "1-3"},
        {"a??b", "b", "0-1"},
        {"ba??", "ba", "0-1"},
        {"<.*>", "<a><b>", "0-6"},
        {"<.*?>", "<a><b>", "0-3"},
        {"a{3}", "aaaa", "0-3"},
        {"a{2,}", "baaaa", "1-5"},
        {"a{2,3}", "aaaa", "0-3"},
        {"a{2,3}?", "aaaa", "0-2"},
        {"a{0,2}b", "aaab", "1-4"},
        {"a{0}b", "ab", "1-2"},
        {"a{0,}b", "aab", "0-3"},
        {"(ab|c){3}", "abcab", "0-5"},
        {"(ab|c){2,4}$", "cabcabc", "1-7"},
        {"(a|b){2}{2}", "abab", "0-4"},
        {"(a*)*b", "aaab", "0-4"},
        {"(a*)+", "b", "0-0"},
        {"(a|b*)*c", "abbac", "0-5"},
        {"(a{1,2}){1,2}", "aaaaa", "0-4"},
        {"x*", "", "0-0"},
    };
    run_cases(*state, cases, ARRAY_LEN(cases));
}

static void conditions(void **state)
{
    static const Case cases[] = {
        {"^b", "ab\nb", "3-4"},
        {"a$", "ab\naa\nb", "4-5"},
        {"^$", "a\n\nb", "2-2"},
        {"\\bv1\\b", "v12 v1", "4-6"},
        {"\\bv\\d+\\b", "xv1 v23,", "4-7"},
        {"\\Bb", "b ab", "3-4"},
        {"\\b", "  a", "2-2"},
        {"\\b", "   ", "none"},
        {"^\\w+$", "a b\nab\n", "4-6"},
    };
    run_cases(*state, cases, ARRAY_LEN(cases));
}

static void refused(void **state)
{
    static const Case cases[] = {
        {"a)", "", "error 1"},
        {"x(a", "", "error 1"},
        {"*", "", "error 0"},
        {"a|+", "", "error 2"},
        {"(?", "", "error 1"},
        {"(?i)a", "", "error 1"},
        {"(?P<>a)", "", "error 4"},
        {"(?P<n", "", "error 4"},
        {"(?<n>a)(?<n>b)", "", "error 10"},
        {"[a", "", "error 0"},
        {"a[b-a]", "", "error 2"},
        {"[[:alpha:]]", "", "error 1"},
        {"[a-\\d]", "", "error 1"},
        {"[\xc3\xa4]", "", "error 1"},
        {"a\\", "", "error 1"},
        {"[\\", "", "error 1"},
        {"\\y", "", "error 0"},
        {"\\x4", "", "error 1"},
        {"a{", "", "error 2"},
        {"a{,2}", "", "error 2"},
        {"a{2", "", "error 3"},
        {"a{3,2}", "", "error 5"},
        {"a{1001}", "", "error 2"},
        {"a{99999999999}", "", "error 2"},
    };
    run_cases(*state, cases, ARRAY_LEN(cases));
}

static void limits(void **state)
{
    Fixture *f = *state;
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_text_repeat(&text, '(', 100000);
    assert_int_equal(strncmp(match(f, text.data, ""), "error", 5), 0);
    dv_text_truncate(&text, 0);
    dv_text_repeat(&text, 'a', REGEX_CODE_MAX);
    assert_int_equal(strncmp(match(f, text.data, ""), "error", 5), 0);
    text.data[REGEX_CODE_MAX - 1] = '\0'; /* the match itself is one more instruction */
    assert_string_equal(match(f, text.data, text.data), "0-9999");
    assert_string_equal(match(f, "((a{100}){100}){100}", "a"), "error 20");
    dv_text_truncate(&text, 0);
    for (u32 i = 1; i < REGEX_GROUPS_MAX; i++) {
        dv_text_printf(&text, "(?<g%u>a)", (unsigned)i);
    }
    assert_string_equal(match(f, text.data, "aaaaaaaaaaaaaaa"), "0-15");
    dv_text_str(&text, "(?<g>a)");
    assert_int_equal(strncmp(match(f, text.data, ""), "error", 5), 0);
}

static void named_groups(void **state)
{
    Fixture *f = *state;
    Regex regex;
    RegexError error;
    RegexSpan spans[REGEX_GROUPS_MAX];
    const char *pattern = "(?P<to>v\\d+) = (\\w+) (?<a>v\\d+)(?:, (?<b>v\\d+))?";
    assert_true(dv_regex_compile(&regex, &f->arena, str(pattern), &error));
    assert_int_equal(regex.num_groups, 4);
    assert_true(dv_regex_search(&regex, &f->arena, str("  v10 = iadd v7, v8"), spans));
    u32 to = dv_regex_group(&regex, str("to")), a = dv_regex_group(&regex, str("a"));
    u32 b = dv_regex_group(&regex, str("b"));
    assert_int_equal(dv_regex_group(&regex, str("c")), 0);
    assert_int_equal(spans[to].start, 2);
    assert_int_equal(spans[to].end, 5);
    assert_int_equal(spans[a].start, 13);
    assert_int_equal(spans[b].end, 19);
    assert_true(dv_regex_search(&regex, &f->arena, str("v1 = ineg v7"), spans));
    assert_int_equal(spans[b].start, REGEX_NO_MATCH);
    assert_int_equal(spans[b].end, REGEX_NO_MATCH);
}

/* A group in a loop holds its last round; a thread's slots are its own. */
static void groups_in_loops(void **state)
{
    Fixture *f = *state;
    Regex regex;
    RegexError error;
    RegexSpan spans[REGEX_GROUPS_MAX];
    assert_true(dv_regex_compile(&regex, &f->arena, str("(?:(?<x>a)|(?<y>b))+c"), &error));
    assert_true(dv_regex_search(&regex, &f->arena, str("abac"), spans));
    assert_int_equal(spans[1].start, 2);
    assert_int_equal(spans[2].start, 1);
    assert_true(dv_regex_compile(&regex, &f->arena, str("(?<x>a+?)(?<y>a*)"), &error));
    assert_true(dv_regex_search(&regex, &f->arena, str("aaa"), spans));
    assert_int_equal(spans[1].end, 1);
    assert_int_equal(spans[2].end, 3);
}

/* A backtracking search would need 2^64 steps. */
static void nested_loops_take_no_time(void **state)
{
    Fixture *f = *state;
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_text_repeat(&text, 'a', 20000);
    assert_string_equal(match(f, "((a+)+)+b", text.data), "none");
    assert_string_equal(match(f, "(a|a|aa)*$", text.data), "0-20000");
    assert_string_equal(match(f, "(x+x+)+y|a{1000}$", text.data), "19000-20000");
}

/* Any bytes compile or are refused, and what compiles can be searched for. */
static void random_patterns(void **state)
{
    static const char alphabet[] = "ab()[]{}|*+?^$.\\dwb-,01<P:>";
    Fixture *f = *state;
    Rng rng;
    u32 compiled = 0;
    dv_rng_seed(&rng, 1);
    for (u32 round = 0; round < 20000; round++) {
        ArenaMark mark = dv_arena_mark(&f->arena);
        char pattern[13];
        usize length = dv_rng_below(&rng, sizeof pattern);
        for (usize i = 0; i < length; i++) {
            pattern[i] = alphabet[dv_rng_below(&rng, sizeof alphabet - 1)];
        }
        pattern[length] = '\0';
        const char *got = match(f, pattern, "aab ab\nb01-a,(a)");
        compiled += strncmp(got, "error", 5) != 0;
        dv_arena_release_to(&f->arena, mark);
    }
    assert_in_range(compiled, 2000, 19000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(atoms),
        UNIT_TEST(classes),
        UNIT_TEST(groups_and_alternatives),
        UNIT_TEST(repetitions),
        UNIT_TEST(conditions),
        UNIT_TEST(refused),
        UNIT_TEST(limits),
        UNIT_TEST(named_groups),
        UNIT_TEST(groups_in_loops),
        UNIT_TEST(nested_loops_take_no_time),
        UNIT_TEST(random_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
