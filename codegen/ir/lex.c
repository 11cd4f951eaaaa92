/* lex.c - cuts CLIF text into tokens.
 *
 * A token is a view of the text; nothing is copied or allocated. Words that end in a number carry
 * it, since most words of CLIF are entities (v12, block3). Literals of floats and vectors are no
 * tokens: the parser knows where one must stand and reads it from the first character of the token
 * there (literal.c). A sign belongs to the number behind it, so that v0+8 is a word and a number.
 */
#include "codegen/ir/lex.h"

void dv_lex_init(Lexer *lexer, Str text)
{
    *lexer = (Lexer){text.data, text.data + text.len, text.data, 1};
}

static void skip_blanks(Lexer *lexer)
{
    while (lexer->at < lexer->end) {
        char c = *lexer->at;
        if (c == '\n') {
            lexer->line++;
            lexer->line_start = lexer->at + 1;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
        lexer->at++;
    }
}

static int hex_digit(char c)
{
    return lex_is_digit(c)        ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The character n places on; NUL past the end, which no token contains. */
static char peek(const Lexer *lexer, usize n)
{
    return n < (usize)(lexer->end - lexer->at) ? lexer->at[n] : '\0';
}

static void take_comment(Lexer *lexer, Token *token)
{
    const char *end = memchr(lexer->at, '\n', (usize)(lexer->end - lexer->at));
    end = end == NULL ? lexer->end : end;
    const char *from = lexer->at;
    lexer->at = end;
    while (from < end && *from == ';') {
        from++;
    }
    while (from < end && (*from == ' ' || *from == '\t' || *from == '\r')) {
        from++;
    }
    while (end > from && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }
    token->kind = TOK_COMMENT;
    token->text = (Str){from, (u32)(end - from)};
}

static void take_word(Lexer *lexer, Token *token)
{
    const char *start = lexer->at;
    const char *at = start;
    while (at < lexer->end && lex_is_letter(*at)) {
        at++;
    }
    token->prefix_len = (u32)(at - start);
    const char *digits = at;
    u64 index = 0;
    while (at < lexer->end && lex_is_digit(*at)) {
        index = index > LEX_INDEX_MAX ? index : index * 10 + (u64)(*at - '0');
        at++;
    }
    bool is_index = at > digits && (*digits != '0' || at == digits + 1);
    if (at < lexer->end && lex_is_letter(*at)) {
        is_index = false;
        while (at < lexer->end && lex_is_word_char(*at)) {
            at++;
        }
    }
    token->kind = TOK_WORD;
    token->has_index = is_index;
    token->index = index > LEX_INDEX_MAX ? LEX_INDEX_TOO_LARGE : (u32)index;
    token->text = (Str){start, (u32)(at - start)};
    lexer->at = at;
}

/* Takes characters for which `is` holds; from skips what comes before them. */
static void take_run(Lexer *lexer, Token *token, TokenKind kind, usize from, bool (*is)(char))
{
    const char *start = lexer->at + from;
    const char *at = start;
    while (at < lexer->end && is(*at)) {
        at++;
    }
    token->kind = kind;
    token->text = (Str){start, (u32)(at - start)};
    lexer->at = at;
}

/* A string whose opening quote lies `from` characters on. */
static void take_string(Lexer *lexer, Token *token, TokenKind kind, usize from)
{
    const char *start = lexer->at + from + 1;
    const char *at = start;
#ifdef DAVIT_PLANT_BUG /* tests/checks/planted_bug.sh: does the fuzzer notice a read past the end? */
    while (at <= lexer->end && *at != '"' && *at != '\n') {
#else
    while (at < lexer->end && *at != '"' && *at != '\n') {
#endif
        at += *at == '\\' && at + 1 < lexer->end && at[1] != '\n' ? 2 : 1;
    }
    bool closed = at < lexer->end && *at == '"';
    token->kind = closed ? kind : TOK_BAD;
    token->punct = '"';
    token->text = closed ? (Str){start, (u32)(at - start)} : (Str){lexer->at, 1};
    lexer->at = closed ? at + 1 : lexer->at + 1;
}

static bool is_hex(char c)
{
    return hex_digit(c) >= 0;
}

static bool is_number_char(char c)
{
    return lex_is_word_char(c);
}

static bool is_name(char c)
{
    return lex_is_name_char(c);
}

static void take_punct(Lexer *lexer, Token *token)
{
    char c = *lexer->at;
    token->text = (Str){lexer->at, 1};
    if (c == '-' && peek(lexer, 1) == '>') {
        token->kind = TOK_ARROW;
        token->text.len = 2;
    } else if (c != '\0' && strchr("(){}[],:=.*<>@+-/!", c) != NULL) {
        token->kind = TOK_PUNCT;
        token->punct = c;
    } else {
        token->kind = TOK_BAD;
    }
    lexer->at += token->text.len;
}

void dv_lex_next(Lexer *lexer, Token *token)
{
    skip_blanks(lexer);
    *token = (Token){.line = lexer->line,
                     .column = (u32)(lexer->at - lexer->line_start) + 1,
                     .start = lexer->at};
    if (lexer->at == lexer->end) {
        token->kind = TOK_END;
        token->text = (Str){lexer->at, 0};
        return;
    }
    char c = *lexer->at;
    char next = peek(lexer, 1);
    if (lex_is_letter(c)) {
        take_word(lexer, token);
    } else if (lex_is_digit(c)) {
        take_run(lexer, token, TOK_NUMBER, 0, is_number_char);
    } else if ((c == '+' || c == '-') && lex_is_digit(next)) {
        take_run(lexer, token, TOK_NUMBER, 1, is_number_char);
        token->text = (Str){token->start, token->text.len + 1};
    } else if (c == ';') {
        take_comment(lexer, token);
    } else if (c == '%' && next == '"') {
        take_string(lexer, token, TOK_NAME, 1);
    } else if (c == '%') {
        take_run(lexer, token, TOK_NAME, 1, is_name);
    } else if (c == '"') {
        take_string(lexer, token, TOK_STRING, 0);
    } else if (c == '@' && is_hex(next)) {
        take_run(lexer, token, TOK_SRCLOC, 1, is_hex);
    } else {
        take_punct(lexer, token);
    }
}

/* Length of the UTF-8 sequence at `at`, or 0 if it is malformed (Unicode 15, table 3-7). */
static u32 utf8_length(const u8 *at, const u8 *end)
{
    u8 c = at[0];
    u32 length = c < 0x80                ? 1
                 : c >= 0xc2 && c < 0xe0 ? 2
                 : (c & 0xf0u) == 0xe0   ? 3
                 : c >= 0xf0 && c < 0xf5 ? 4
                                         : 0;
    if (length == 0 || length > (usize)(end - at)) {
        return 0;
    }
    for (u32 i = 1; i < length; i++) {
        if ((at[i] & 0xc0u) != 0x80) {
            return 0;
        }
    }
    bool overlong = (c == 0xe0 && at[1] < 0xa0) || (c == 0xf0 && at[1] < 0x90);
    bool outside = (c == 0xed && at[1] >= 0xa0) || (c == 0xf4 && at[1] >= 0x90);
    return overlong || outside ? 0 : length;
}

const char *dv_lex_find_bad_byte(Str text, u32 *line, u32 *column, u32 *length)
{
    const u8 *at = (const u8 *)text.data;
    const u8 *end = at + text.len;
    const u8 *line_start = at;
    *line = 1;
    while (at < end) {
        if (*at == '\n') {
            *line += 1;
            line_start = at + 1;
        }
        u32 step = *at == '\0' ? 0 : *at < 0x80 ? 1 : utf8_length(at, end);
        if (step == 0) {
            *column = (u32)(at - line_start) + 1;
            *length = 1;
            return (const char *)at;
        }
        at += step;
    }
    return NULL;
}

bool dv_lex_integer(const char *text, usize length, bool *negative, U128 *magnitude)
{
    usize at = length > 0 && (text[0] == '-' || text[0] == '+');
    *negative = length > 0 && text[0] == '-';
    bool is_hexadecimal =
        length - at > 2 && text[at] == '0' && (text[at + 1] == 'x' || text[at + 1] == 'X');
    at += is_hexadecimal ? 2 : 0;
    return dv_u128_parse(text + at, length - at, is_hexadecimal ? 16 : 10, magnitude);
}

bool dv_lex_unescape(Str text, char *out, u32 *length)
{
    static const char names[] = "\"\\ntr";
    static const char meanings[] = "\"\\\n\t\r";
    u32 n = 0;
    for (u32 i = 0; i < text.len; i++) {
        if (text.data[i] != '\\') {
            out[n++] = text.data[i];
            continue;
        }
        char c = i + 1 < text.len ? text.data[i + 1] : '\0';
        const char *name = c == '\0' ? NULL : strchr(names, c);
        if (name != NULL) {
            out[n++] = meanings[name - names];
            i += 1;
        } else if (c == 'x' && i + 3 < text.len && is_hex(text.data[i + 2]) &&
                   is_hex(text.data[i + 3])) {
            out[n++] = (char)(hex_digit(text.data[i + 2]) * 16 + hex_digit(text.data[i + 3]));
            i += 3;
        } else {
            return false;
        }
    }
    *length = n;
    return true;
}
