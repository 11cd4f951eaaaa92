/* filecheck.c - directives against a text, in their order.
 *
 * Each pattern is turned into a regular expression just before it is looked for, when all variables
 * it may use are known; a variable that it defines is a named group. Two places in the text tell
 * where a directive may match: the end of the last ordered match, and the furthest end of any
 * match. A not: waits until the ordered match after it, or the end, closes the stretch in which it
 * must not be found.
 *
 * Words are cut at the ends of the stretch searched, so that text right behind a match starts a
 * word.
 */
#include "tools/filecheck.h"

#include "tools/regex.h"

enum { SHOWN_LINES_MAX = 40 };

typedef enum Kind {
    CHECK_NEXT,
    CHECK_SAMELN,
    CHECK_NEXTLN,
    CHECK_UNORDERED,
    CHECK_NOT,
    CHECK_REGEX,
    CHECK_NONE
} Kind;

static const char *const kind_words[CHECK_NONE] = {
    [CHECK_NEXT] = "check:",          [CHECK_SAMELN] = "sameln:", [CHECK_NEXTLN] = "nextln:",
    [CHECK_UNORDERED] = "unordered:", [CHECK_NOT] = "not:",       [CHECK_REGEX] = "regex:",
};

typedef struct Variable {
    Str name;
    Str value;
    bool is_regex;
    u32 offset; /* end of the match that defined it */
} Variable;

typedef struct Pattern {
    TextBuf source; /* as a regular expression */
    Regex regex;
    u32 after; /* no earlier than here, for the variables it uses */
    u32 num_defs;
    Str defs[REGEX_GROUPS_MAX];
} Pattern;

typedef struct Ban { /* a not: that waits */
    u32 directive;
    u32 from;
    Pattern *pattern;
} Ban;

typedef struct Checker {
    Arena *arena;
    const Str *directives;
    Str text;
    TextBuf *explain;
    VEC(Variable) variables;
    VEC(Ban) bans;
    u32 last_ordered; /* end of the last match that was not unordered */
    u32 furthest;     /* end of any match */
} Checker;

/* ---- Texts
 * ------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static Str trim(Str s)
{
    while (s.len > 0 && is_blank(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.data[s.len - 1])) {
        s.len--;
    }
    return s;
}

/* The start of the line after the one that holds `at`; the end of the text if there is none. */
static u32 next_line(Str text, u32 at)
{
    const char *newline = at < text.len ? memchr(text.data + at, '\n', text.len - at) : NULL;
    return newline == NULL ? text.len : (u32)(newline - text.data) + 1;
}

static u32 line_start(Str text, u32 at)
{
    while (at > 0 && text.data[at - 1] != '\n') {
        at--;
    }
    return at;
}

static u32 line_number(Str text, u32 at)
{
    u32 line = 1;
    for (u32 i = 0; i < at; i++) {
        line += text.data[i] == '\n';
    }
    return line;
}

/* What the directive is, and what stands behind its colon. */
static Kind classify(Str comment, Str *rest)
{
    comment = trim(comment);
    for (u32 kind = 0; kind < CHECK_NONE; kind++) {
        u32 n = (u32)strlen(kind_words[kind]);
        if (comment.len >= n && memcmp(comment.data, kind_words[kind], n) == 0) {
            *rest = trim((Str){comment.data + n, comment.len - n});
            return (Kind)kind;
        }
    }
    return CHECK_NONE;
}

u32 dv_filecheck_count(const Str *directives, u32 count)
{
    u32 found = 0;
    Str rest;
    for (u32 i = 0; i < count; i++) {
        found += classify(directives[i], &rest) != CHECK_NONE;
    }
    return found;
}

/* ---- What went wrong
 * ------------------------------------------------------------------------------------- */

static void explain_directive(Checker *c, u32 directive, const char *how)
{
    Str text = trim(c->directives[directive]);
    dv_text_printf(c->explain, "%s: ", how);
    dv_text_bytes(c->explain, text.data, text.len);
    dv_text_char(c->explain, '\n');
}

static void show_line(Checker *c, u32 start)
{
    u32 end = next_line(c->text, start);
    dv_text_printf(c->explain, "%5u | ", (unsigned)line_number(c->text, start));
    if (end > start && c->text.data[end - 1] == '\n') {
        end--;
    }
    dv_text_bytes(c->explain, c->text.data + start, end - start);
    dv_text_char(c->explain, '\n');
}

static void show_lines(Checker *c, u32 from, u32 to)
{
    u32 shown = 0;
    u32 at = line_start(c->text, from);
    do {
        if (shown++ == SHOWN_LINES_MAX) {
            dv_text_str(c->explain, "      | ...\n");
            return;
        }
        show_line(c, at);
        at = next_line(c->text, at);
    } while (at < to);
}

static bool explain_missing(Checker *c, u32 directive, const Pattern *p, RegexSpan range)
{
    explain_directive(c, directive, "not found");
    dv_text_printf(c->explain, "as a regular expression: %s\n", p->source.data);
    if (range.start == c->text.len) {
        dv_text_str(c->explain, "looked for behind the end of the text:\n");
        show_lines(c, 0, c->text.len);
    } else {
        dv_text_printf(c->explain, "looked for from line %u, column %u on:\n",
                       (unsigned)line_number(c->text, range.start),
                       (unsigned)(range.start - line_start(c->text, range.start) + 1));
        show_lines(c, range.start, range.end);
    }
    return false;
}

static bool explain_banned(Checker *c, u32 directive, RegexSpan place)
{
    u32 start = line_start(c->text, place.start);
    u32 end = next_line(c->text, place.start);
    explain_directive(c, directive, "found");
    show_line(c, start);
    dv_text_str(c->explain, "      | ");
    dv_text_repeat(c->explain, ' ', place.start - start);
    end = place.end < end ? place.end : end;
    dv_text_repeat(c->explain, '~', end > place.start ? end - place.start : 1);
    dv_text_char(c->explain, '\n');
    return false;
}

static bool explain_wrong(Checker *c, u32 directive, const char *reason)
{
    explain_directive(c, directive, "bad directive");
    dv_text_printf(c->explain, "%s\n", reason);
    return false;
}

/* ---- Patterns
 * ------------------------------------------------------------------------------------------ */

static u32 name_length(Str s, u32 at)
{
    u32 n = 0;
    while (at + n < s.len && (is_alphanumeric(s.data[at + n]) || s.data[at + n] == '_')) {
        n++;
    }
    return n;
}

/* The length of a regular expression that ends before a ) of its own level, or with the text. */
static u32 regex_length(Str s, u32 from)
{
    u32 depth = 0;
    bool in_class = false;
    for (u32 i = from; i < s.len; i++) {
        char ch = s.data[i];
        if (ch == '\\') {
            i++;
        } else if (in_class) {
            in_class = ch != ']';
        } else if (ch == '[') {
            in_class = true;
            i += i + 1 < s.len && s.data[i + 1] == '^';
            i += i + 1 < s.len && s.data[i + 1] == ']'; /* stands for itself there */
        } else if (ch == '(') {
            depth++;
        } else if (ch == ')' && depth-- == 0) {
            return i - from;
        }
    }
    return s.len - from;
}

static const Variable *find_variable(const Checker *c, Str name)
{
    for (u32 i = c->variables.len; i > 0; i--) { /* the newest of several */
        const Variable *v = &c->variables.data[i - 1];
        if (v->name.len == name.len && memcmp(v->name.data, name.data, name.len) == 0) {
            return v;
        }
    }
    return NULL;
}

static void add_quoted(TextBuf *out, Str text)
{
    for (u32 i = 0; i < text.len; i++) {
        char ch = text.data[i];
        if (ch >= '!' && ch <= '~' && !is_alphanumeric(ch) && ch != '_') {
            dv_text_char(out, '\\');
        }
        dv_text_char(out, ch);
    }
}

/* Gives NULL, or why the variable cannot stand here. */
static const char *add_variable(const Checker *c, Pattern *p, Str name)
{
    for (u32 i = 0; i < p->num_defs; i++) {
        if (p->defs[i].len == name.len && memcmp(p->defs[i].data, name.data, name.len) == 0) {
            return dv_arena_printf(c->arena, "$%.*s is used in the pattern that defines it",
                                   (int)name.len, name.data);
        }
    }
    const Variable *v = find_variable(c, name);
    if (v == NULL) {
        return dv_arena_printf(c->arena, "undefined variable $%.*s", (int)name.len, name.data);
    }
    p->after = v->offset > p->after ? v->offset : p->after;
    if (v->is_regex) {
        dv_text_str(&p->source, "(?:");
        dv_text_bytes(&p->source, v->value.data, v->value.len);
        dv_text_char(&p->source, ')');
    } else {
        add_quoted(&p->source, v->value);
    }
    return NULL;
}

/* The rest of $(NAME=...) from behind the equals sign; *at ends behind its parenthesis. */
static const char *add_definition(const Checker *c, Pattern *p, Str s, Str name, u32 *at)
{
    bool variable = *at < s.len && s.data[*at] == '$';
    u32 start = *at + variable;
    u32 length = variable ? name_length(s, start) : regex_length(s, start);
    if (start + length >= s.len || s.data[start + length] != ')') {
        return variable ? "expected $(NAME=$OTHER)" : "missing ) after a regular expression";
    }
    Str inner = {s.data + start, length};
    *at = start + length + 1;
    if (name.len == 0) {
        dv_text_str(&p->source, "(?:");
    } else {
        dv_text_printf(&p->source, "(?P<%.*s>", (int)name.len, name.data);
    }
    const char *error = NULL;
    if (variable) {
        error = add_variable(c, p, inner);
    } else {
        dv_text_bytes(&p->source, inner.data, inner.len);
    }
    dv_text_char(&p->source, ')');
    if (name.len != 0 && error == NULL) {
        if (p->num_defs == REGEX_GROUPS_MAX - 1) {
            return "too many variables are defined";
        }
        p->defs[p->num_defs++] = name;
    }
    return error;
}

/* What a dollar sign at *at starts; *at ends behind it. */
static const char *add_dollar(const Checker *c, Pattern *p, Str s, u32 *at)
{
    u32 i = *at + 1;
    if (i < s.len && s.data[i] == '$') {
        *at = i + 1;
        dv_text_str(&p->source, "\\$");
        return NULL;
    }
    bool bracket = i < s.len && s.data[i] == '(';
    i += bracket;
    Str name = {s.data + i, name_length(s, i)};
    i += name.len;
    if (!bracket) {
        *at = i;
        return name.len == 0 ? "expected a name after $ (a $ itself is $$)"
                             : add_variable(c, p, name);
    }
    if (i < s.len && s.data[i] == ')') {
        *at = i + 1;
        return name.len == 0 ? NULL : add_variable(c, p, name);
    }
    if (i < s.len && s.data[i] == '=') {
        *at = i + 1;
        return add_definition(c, p, s, name, at);
    }
    return "expected = or ) after $(NAME";
}

/* The pattern with the variables as they are now; false if it is explained why it cannot be. */
static bool resolve(Checker *c, u32 directive, Str s, Pattern *p)
{
    memset(p, 0, sizeof *p);
    dv_text_init(&p->source, c->arena);
    if (s.len == 0) {
        return explain_wrong(c, directive, "the pattern is empty");
    }
    if (is_alphanumeric(s.data[0])) {
        dv_text_str(&p->source, "\\b");
    }
    bool plain_end = false;
    for (u32 at = 0; at < s.len;) {
        if (s.data[at] == '$') {
            const char *error = add_dollar(c, p, s, &at);
            if (error != NULL) {
                return explain_wrong(c, directive, error);
            }
            plain_end = false;
            continue;
        }
        add_quoted(&p->source, (Str){s.data + at, 1});
        plain_end = is_alphanumeric(s.data[at]);
        at++;
    }
    if (plain_end) {
        dv_text_str(&p->source, "\\b");
    }
    RegexError error;
    if (p->source.length >= UINT32_MAX) {
        dv_escape(c->arena->pool, DAVIT_ERROR_LIMIT);
    }
    if (!dv_regex_compile(&p->regex, c->arena, (Str){p->source.data, (u32)p->source.length},
                          &error)) {
        return explain_wrong(c, directive,
                             dv_arena_printf(c->arena, "%s: %s", p->source.data, error.text));
    }
    return true;
}

/* ---- The directives
 * ------------------------------------------------------------------------------------ */

/* Groups of the first match in text[range], as places in the text. */
static bool find(const Checker *c, const Pattern *p, RegexSpan range, RegexSpan *spans)
{
    Str part = {c->text.data + range.start, range.end - range.start};
    if (!dv_regex_search(&p->regex, c->arena, part, spans)) {
        return false;
    }
    for (u32 i = 0; i < p->regex.num_groups; i++) {
        if (spans[i].start != REGEX_NO_MATCH && spans[i].end != REGEX_NO_MATCH) {
            spans[i].start += range.start;
            spans[i].end += range.start;
        } else {
            spans[i] = (RegexSpan){range.start, range.start};
        }
    }
    return true;
}

static void define_variables(Checker *c, const Pattern *p, const RegexSpan *spans)
{
    for (u32 i = 0; i < p->num_defs; i++) {
        RegexSpan span = spans[dv_regex_group(&p->regex, p->defs[i])];
        Variable v = {
            p->defs[i], {c->text.data + span.start, span.end - span.start}, false, spans[0].end};
        vec_push(c->arena, &c->variables, v);
    }
}

/* The waiting not: directives, now that the end of their stretch is known. */
static bool check_bans(Checker *c, u32 end)
{
    RegexSpan spans[REGEX_GROUPS_MAX];
    for (u32 i = 0; i < c->bans.len; i++) {
        const Ban *ban = &c->bans.data[i];
        RegexSpan range = {ban->from, end};
        if (range.start <= end && find(c, ban->pattern, range, spans)) {
            return explain_banned(c, ban->directive, spans[0]);
        }
    }
    vec_clear(&c->bans);
    return true;
}

static bool add_ban(Checker *c, u32 directive, Str rest)
{
    Ban ban = {directive, c->last_ordered, ARENA_NEW(c->arena, Pattern)};
    if (!resolve(c, directive, rest, ban.pattern)) {
        return false;
    }
    if (ban.pattern->num_defs != 0) {
        return explain_wrong(c, directive, "not: cannot define variables");
    }
    ban.from = ban.pattern->after > ban.from ? ban.pattern->after : ban.from;
    vec_push(c->arena, &c->bans, ban);
    return true;
}

static bool add_regex(Checker *c, u32 directive, Str rest)
{
    u32 n = name_length(rest, 0);
    Regex unused;
    RegexError error;
    if (n == 0 || n == rest.len || rest.data[n] != '=') {
        return explain_wrong(c, directive, "expected NAME=REGEX");
    }
    Variable v = {{rest.data, n}, {rest.data + n + 1, rest.len - n - 1}, true, 0};
    if (!dv_regex_compile(&unused, c->arena, v.value, &error)) {
        return explain_wrong(c, directive, error.text);
    }
    vec_push(c->arena, &c->variables, v);
    return true;
}

static RegexSpan range_of(const Checker *c, Kind kind, const Pattern *p)
{
    u32 from = c->furthest, line_end = next_line(c->text, from);
    switch (kind) {
    case CHECK_SAMELN:
        return (RegexSpan){from, line_end};
    case CHECK_NEXTLN:
        return (RegexSpan){line_end, next_line(c->text, line_end)};
    case CHECK_UNORDERED:
        from = p->after > c->last_ordered ? p->after : c->last_ordered;
        return (RegexSpan){from, c->text.len};
    default:
        return (RegexSpan){from, c->text.len};
    }
}

static bool check_directive(Checker *c, u32 directive)
{
    Str rest;
    Pattern pattern;
    RegexSpan spans[REGEX_GROUPS_MAX];
    Kind kind = classify(c->directives[directive], &rest);
    if (kind == CHECK_NONE) {
        return true;
    }
    if (kind == CHECK_NOT) {
        return add_ban(c, directive, rest);
    }
    if (kind == CHECK_REGEX) {
        return add_regex(c, directive, rest);
    }
    if (!resolve(c, directive, rest, &pattern)) {
        return false;
    }
    RegexSpan range = range_of(c, kind, &pattern);
    if (!find(c, &pattern, range, spans)) {
        return explain_missing(c, directive, &pattern, range);
    }
    define_variables(c, &pattern, spans);
    if (kind == CHECK_UNORDERED) {
        c->furthest = spans[0].end > c->furthest ? spans[0].end : c->furthest;
        return true;
    }
    c->last_ordered = c->furthest = spans[0].end;
    return check_bans(c, spans[0].start);
}

bool dv_filecheck(Arena *arena, const Str *directives, u32 count, Str text, TextBuf *explain)
{
    Checker c = {arena, directives, text, explain, {NULL, 0, 0}, {NULL, 0, 0}, 0, 0};
    for (u32 i = 0; i < count; i++) {
        if (!check_directive(&c, i)) {
            return false;
        }
    }
    return check_bans(&c, text.len);
}
