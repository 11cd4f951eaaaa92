/* wat_lex.c - the text format's tokens.
 *
 * One pass over the bytes, nothing recursive: open parentheses and annotations are kept on a stack,
 * which also links each parenthesis with the one that closes it. A token that is not a parenthesis
 * reaches as far as letters, digits, symbols and strings follow each other without a space, so
 * "0drop" or "a"x" are one token each and wrong as a whole; which of the words mean something is
 * left to whoever asks for them.
 *
 * Annotations are dropped but for those this implementation knows, whose tokens are kept apart: the
 * parser never meets one and asks for them where they may stand.
 *
 * Source: WebAssembly core specification 3.0, "Lexical Format"; the order in which errors are
 * looked for follows what the specification's tests expect.
 */
#include "wat_internal.h"

typedef struct Open {
    u32 token;     /* of the parenthesis, in its list */
    u32 at;        /* its offset */
    bool is_annot; /* an annotation begins here */
} Open;

typedef struct Lexer {
    Arena *arena;
    WatText *out;
    Diag *diag;
    const char *text;
    u32 size;
    u32 at;
    bool failed;
    VEC(Open) open;
    bool in_annot; /* inside an annotation, where all that counts are parentheses */
    bool keeps;    /* it has a meaning */
} Lexer;

void dv_wat_position(const WatText *text, u32 offset, u32 *line, u32 *column)
{
    u32 low = 0;
    u32 high = text->lines.len;
    while (high - low > 1) {
        u32 middle = low + (high - low) / 2;
        if (text->lines.data[middle] <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *line = low + 1;
    *column = offset - text->lines.data[low] + 1;
}

DV_PRINTF(3, 4) static void fail(Lexer *x, u32 offset, const char *format, ...)
{
    if (x->failed) {
        return;
    }
    u32 line;
    u32 column;
    TextBuf message;
    va_list args;
    dv_text_init(&message, x->arena);
    va_start(args, format);
    dv_text_vprintf(&message, format, args);
    va_end(args);
    dv_wat_position(x->out, offset, &line, &column);
    dv_diag_error(x->diag, line, column, "%s", message.data);
    x->failed = true;
    x->at = x->size;
}

/* Letters, digits and the symbols of names. */
static bool is_idchar(u8 c)
{
    static const char symbols[] = "!#$%&'*+-./:<=>?@\\^_`|~";
    bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_alnum || (c != 0 && memchr(symbols, c, sizeof symbols - 1) != NULL);
}

bool dv_wat_is_utf8(const char *bytes, usize size, usize *bad)
{
    const u8 *p = (const u8 *)bytes;
    usize at = 0;
    while (at < size) {
        u8 first = p[at];
        usize length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        bool ok = first < 0x80 || (first >= 0xc2 && first <= 0xf4 && length <= size - at);
        for (usize i = 1; ok && i < length; i++) {
            ok = (p[at + i] & 0xc0) == 0x80;
        }
        /* overlong forms, surrogates, what is above U+10FFFF */
        if (!ok || (first == 0xe0 && p[at + 1] < 0xa0) || (first == 0xed && p[at + 1] >= 0xa0) ||
            (first == 0xf0 && p[at + 1] < 0x90) || (first == 0xf4 && p[at + 1] >= 0x90)) {
            *bad = at;
            return false;
        }
        at += length;
    }
    return true;
}

static bool is_hex(u8 c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static u32 hex_value(u8 c)
{
    return c <= '9' ? (u32)(c - '0') : (u32)((c | 0x20) - 'a' + 10);
}

/* The length of "{hex}" at p, a number that is a Unicode scalar value, or 0. */
static u32 unicode_length(const char *p, u32 size, u32 *value)
{
    u32 i = 1;
    u32 number = 0;
    bool digit_before = false;
    if (size < 3 || p[0] != '{') {
        return 0;
    }
    for (; i < size && p[i] != '}'; i++) {
        bool is_digit = is_hex((u8)p[i]);
        if (!is_digit && (p[i] != '_' || !digit_before)) {
            return 0;
        }
        digit_before = is_digit;
        number = is_digit ? number * 16 + hex_value((u8)p[i]) : number;
        if (number > 0x10ffff) {
            return 0;
        }
    }
    if (i == size || !digit_before || (number >= 0xd800 && number < 0xe000)) {
        return 0;
    }
    *value = number;
    return i + 1;
}

/* The length of the escape behind a backslash, or 0. */
static u32 escape_length(const char *p, u32 size)
{
    u32 value;
    if (size == 0) {
        return 0;
    }
    if (p[0] != '\0' && strchr("tnr\"'\\", p[0]) != NULL) {
        return 1;
    }
    if (p[0] == 'u') {
        u32 length = unicode_length(p + 1, size - 1, &value);
        return length == 0 ? 0 : length + 1;
    }
    return size >= 2 && is_hex((u8)p[0]) && is_hex((u8)p[1]) ? 2 : 0;
}

/* The offset behind the string that begins at `at`; 0 with a reason if it is none. */
static u32 string_end(const Lexer *x, u32 at, const char **error, u32 *error_at)
{
    for (u32 i = at + 1; i < x->size;) {
        u8 c = (u8)x->text[i];
        *error_at = i;
        if (c == '"') {
            return i + 1;
        }
        if (c == '\n' || c == '\r') {
            *error_at = at;
            *error = "unclosed string";
            return 0;
        }
        if (c < 0x20 || c == 0x7f) {
            *error = "illegal control character in a string";
            return 0;
        }
        u32 length = 0;
        if (c == '\\') {
            length = escape_length(x->text + i + 1, x->size - i - 1);
            if (length == 0) {
                *error = "illegal escape in a string";
                return 0;
            }
        }
        i += length + 1;
    }
    *error_at = at;
    *error = "unclosed string";
    return 0;
}

static void put_utf8(ByteBuf *out, u32 c)
{
    u32 more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const u8 lead[] = {0, 0xc0, 0xe0, 0xf0};
    dv_bytebuf_u8(out, (u8)(lead[more] | c >> (6 * more)));
    while (more > 0) {
        more--;
        dv_bytebuf_u8(out, (u8)(0x80 | (c >> (6 * more) & 0x3f)));
    }
}

void dv_wat_unescape(const char *inside, usize size, ByteBuf *out)
{
    usize at = 0;
    while (at < size) {
        const char *slash = memchr(inside + at, '\\', size - at);
        usize plain = slash == NULL ? size - at : (usize)(slash - inside) - at;
        dv_bytebuf_bytes(out, inside + at, plain);
        at += plain;
        if (slash == NULL) {
            break;
        }
        const char *p = slash + 1;
        u32 length = escape_length(p, (u32)(size - at - 1));
        ASSERT(length != 0);
        u32 value = (u8)p[0];
        if (length == 2) {
            value = hex_value((u8)p[0]) * 16 + hex_value((u8)p[1]);
            dv_bytebuf_u8(out, (u8)value);
        } else {
            if (length > 2) {
                (void)unicode_length(p + 1, length - 1, &value);
            } else {
                value = value == 't' ? '\t' : value == 'n' ? '\n' : value == 'r' ? '\r' : value;
            }
            put_utf8(out, value);
        }
        at += length + 1;
    }
}

/* Behind a comment in parentheses, which may hold others. */
static void skip_comment(Lexer *x)
{
    u32 begin = x->at;
    u32 depth = 0;
    while (x->at + 1 < x->size) {
        char c = x->text[x->at];
        char d = x->text[x->at + 1];
        bool opens = c == '(' && d == ';';
        bool closes = c == ';' && d == ')';
        depth += opens;
        depth -= closes;
        x->at += opens || closes ? 2 : 1;
        if (depth == 0) {
            return;
        }
    }
    fail(x, begin, "unclosed comment");
}

static void skip_line(Lexer *x)
{
    while (x->at < x->size && x->text[x->at] != '\n' && x->text[x->at] != '\r') {
        x->at++;
    }
}

/* The number of a name written as $"...": what the string stands for. 0 after an error. */
static u32 quoted_id(Lexer *x, u32 at, u32 end, const char *what)
{
    ByteBuf bytes;
    usize bad;
    dv_bytebuf_init(&bytes, x->arena);
    dv_wat_unescape(x->text + at + 1, end - at - 2, &bytes);
    if (bytes.len == 0) {
        fail(x, at, "empty %s", what);
    } else if (!dv_wat_is_utf8((const char *)bytes.data, bytes.len, &bad)) {
        fail(x, at, "malformed UTF-8 encoding");
    } else {
        return dv_strmap_intern(x->arena, &x->out->ids, (const char *)bytes.data, bytes.len) + 1;
    }
    return 0;
}

static void add_token(Lexer *x, WatToken token)
{
    if (!x->in_annot) {
        vec_push(x->arena, &x->out->tokens, token);
    } else if (x->keeps) {
        vec_push(x->arena, &x->out->annot_tokens, token);
    }
}

/* How far letters, symbols and strings reach from `at`; *quotes is how many strings there were,
 * and *last where the last one begins. */
static u32 word_end(Lexer *x, u32 at, u32 *quotes, u32 *last)
{
    const char *error = NULL;
    u32 error_at = 0;
    *quotes = 0;
    while (at < x->size) {
        u8 c = (u8)x->text[at];
        if (c == '"') {
            u32 end = string_end(x, at, &error, &error_at);
            if (end == 0) {
                /* $" without an end is a name without letters */
                fail(x, error_at, "%s",
                     x->text[x->at] == '$' && at == x->at + 1 ? "empty identifier" : error);
                return x->size;
            }
            *last = at;
            ++*quotes;
            at = end;
        } else if (is_idchar(c)) {
            at++;
        } else {
            break;
        }
    }
    return at;
}

static void lex_word(Lexer *x)
{
    u32 begin = x->at;
    u32 quotes;
    u32 last = 0;
    u32 end = word_end(x, begin, &quotes, &last);
    WatToken token = {begin, end - begin, 0, WAT_WORD};
    if (x->failed) {
        return;
    }
    if (quotes == 1 && last == begin && x->text[end - 1] == '"') {
        token.kind = WAT_STRING;
    } else if (x->text[begin] == '$' && end == begin + 1) {
        fail(x, begin, "empty identifier");
        return;
    } else if (x->text[begin] == '$' && quotes == 0) {
        token.kind = WAT_ID;
        token.link =
            dv_strmap_intern(x->arena, &x->out->ids, x->text + begin + 1, end - begin - 1) + 1;
    } else if (x->text[begin] == '$' && quotes == 1 && last == begin + 1 &&
               x->text[end - 1] == '"') {
        token.kind = WAT_ID;
        token.link = quoted_id(x, last, end, "identifier");
    }
    x->at = x->failed ? x->size : end;
    add_token(x, token);
}

static const char *const annot_words[] = {
    [ANNOT_CUSTOM] = "custom",
    [ANNOT_NAME] = "name",
    [ANNOT_BRANCH_HINT] = "metadata.code.branch_hint",
};

/* Opens an annotation, behind "(@". */
static void open_annot(Lexer *x)
{
    u32 begin = x->at;
    u32 id_at = begin + 2;
    u32 end = id_at;
    Open open = {0, begin, true};
    Str name = {x->text + id_at, 0};
    if (id_at < x->size && x->text[id_at] == '"') {
        const char *error = NULL;
        u32 error_at = 0;
        end = string_end(x, id_at, &error, &error_at);
        if (end == 0) {
            fail(x, id_at, "empty annotation id");
            return;
        }
        u32 id = quoted_id(x, id_at, end, "annotation id");
        name = id == 0 ? name : dv_strmap_str(&x->out->ids, id - 1);
    } else {
        while (end < x->size && is_idchar((u8)x->text[end])) {
            end++;
        }
        name.len = end - id_at;
        if (name.len == 0) {
            fail(x, begin, "empty annotation id");
            return;
        }
    }
    x->in_annot = true;
    x->keeps = false;
    for (u32 kind = 0; kind < ARRAY_LEN(annot_words); kind++) {
        if (dv_str_is(name, annot_words[kind])) {
            x->keeps = true;
            WatAnnot annot = {(u8)kind, false, begin, x->out->tokens.len, x->out->annot_tokens.len,
                              0};
            vec_push(x->arena, &x->out->annots, annot);
        }
    }
    vec_push(x->arena, &x->open, open);
    x->at = x->failed ? x->size : end;
}

static void open_paren(Lexer *x)
{
    u32 token = x->in_annot ? x->out->annot_tokens.len : x->out->tokens.len;
    Open open = {token, x->at, false};
    vec_push(x->arena, &x->open, open);
    add_token(x, (WatToken){x->at, 1, 0, WAT_LPAR});
    x->at++;
}

static void close_paren(Lexer *x)
{
    WatText *out = x->out;
    WatToken token = {x->at, 1, 0, WAT_RPAR};
    if (x->open.len == 0) {
        fail(x, x->at, "unexpected token \")\": there is nothing to close");
        return;
    }
    Open open = vec_pop(&x->open);
    if (open.is_annot) {
        x->in_annot = false;
        if (x->keeps) {
            out->annots.data[out->annots.len - 1].end = out->annot_tokens.len;
            token.kind = WAT_END;
            vec_push(x->arena, &out->annot_tokens, token);
        }
    } else {
        if (!x->in_annot) {
            out->tokens.data[open.token].link = out->tokens.len;
        } else if (x->keeps) {
            out->annot_tokens.data[open.token].link = out->annot_tokens.len;
        }
        add_token(x, token);
    }
    x->at++;
}

static void lex_one(Lexer *x)
{
    u8 c = (u8)x->text[x->at];
    char next = x->at + 1 < x->size ? x->text[x->at + 1] : '\0';
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        x->at++;
    } else if (c == '(' && next == ';') {
        skip_comment(x);
    } else if (c == ';' && next == ';') {
        skip_line(x);
    } else if (c == '(' && next == '@' && !x->in_annot) {
        open_annot(x);
    } else if (c == '(') {
        open_paren(x);
    } else if (c == ')') {
        close_paren(x);
    } else if (c == '"' || is_idchar(c)) {
        lex_word(x);
    } else if (c == ',' || c == ';' || c == '[' || c == ']' || c == '{' || c == '}') {
        add_token(x, (WatToken){x->at, 1, 0, WAT_WORD});
        x->at++;
    } else {
        fail(x, x->at, "illegal character %s",
             dv_diag_quote(x->arena, x->text + x->at,
                           c < 0x80   ? 1
                           : c < 0xe0 ? 2
                           : c < 0xf0 ? 3
                                      : 4));
    }
}

static void find_lines(Lexer *x)
{
    u32 at = 0;
    vec_push(x->arena, &x->out->lines, 0);
    while (at < x->size) {
        const char *newline = memchr(x->text + at, '\n', x->size - at);
        if (newline == NULL) {
            break;
        }
        at = (u32)(newline - x->text) + 1;
        vec_push(x->arena, &x->out->lines, at);
    }
}

bool dv_wat_lex(Arena *arena, Str text, WatText *out, Diag *diag)
{
    Lexer x = {0};
    usize bad;
    *out = (WatText){0};
    out->text = text;
    x.arena = arena;
    x.out = out;
    x.diag = diag;
    x.text = text.data;
    x.size = text.len;
    find_lines(&x);
    if (text.len > WAT_TEXT_MAX) {
        fail(&x, 0, "text too large: more than %u bytes", (unsigned)WAT_TEXT_MAX);
        return false;
    }
    if (!dv_wat_is_utf8(text.data, text.len, &bad)) {
        fail(&x, (u32)bad, "malformed UTF-8 encoding");
        return false;
    }
    while (x.at < x.size) {
        lex_one(&x);
    }
    if (!x.failed && x.open.len != 0) {
        u32 i = x.open.len - 1;
        while (x.in_annot && !x.open.data[i].is_annot) {
            i--;
        }
        fail(&x, x.open.data[i].at, "%s",
             x.in_annot
                 ? "unclosed annotation"
                 : "unexpected token at the end of the text: this parenthesis is not closed");
    }
    vec_push(arena, &out->tokens, ((WatToken){x.size, 0, 0, WAT_END}));
    return !x.failed;
}
