/* lex.c - ISLE's tokens: parentheses, @, identifiers, $constants, numbers, truth values, #b and
 * #x bits.
 *
 * Blanks are space, tab, line feed and carriage return. Comments run from ; to the end of the
 * line, or from (; to ;) and nest. An identifier starts with anything but a digit, - ( ) ; # $
 * and @, and goes on to the next blank or ( ) ; @. Control characters are no part of the
 * language, so a binary file is refused at its first one. Extension: "text". */
#include "front.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A NUL ends the text, so it is none. */
static bool is_name_char(char c)
{
    u8 byte = (u8)c;
    return byte > ' ' && byte != 0x7f && c != '(' && c != ')' && c != ';' && c != '@';
}

static void fail(IsleLexer *lexer, IsleToken *token, IsleMessage message, const char *a)
{
    token->kind = ISLE_TOK_BAD;
    dv_isle_error(lexer->isle, token->pos, message, a, NULL);
}

/* Skips blanks and comments; false at a block comment without end, which lexer->at is left at. */
static bool skip_blanks(IsleLexer *lexer, const IsleFile *file)
{
    const char *data = file->data;
    u32 at = lexer->at;
    u32 open_at = 0;
    u32 depth = 0;
    while (at < file->size) {
        bool opens = data[at] == '(' && data[at + 1] == ';';
        bool closes = depth > 0 && data[at] == ';' && data[at + 1] == ')';
        if (opens || closes) {
            open_at = opens && depth == 0 ? at : open_at;
            depth = opens ? depth + 1 : depth - 1;
            at += 2;
        } else if (depth == 0 && data[at] == ';') {
            while (at < file->size && data[at] != '\n' && data[at] != '\r') {
                at++;
            }
        } else if (depth > 0 || is_blank(data[at])) {
            at++;
        } else {
            break;
        }
    }
    lexer->at = depth > 0 ? open_at : at;
    return depth == 0;
}

static u32 base_of(const char *digits, u32 length)
{
    if (length < 2 || digits[0] != '0') {
        return 10;
    }
    char c = (char)(digits[1] | 0x20);
    return c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 10;
}

/* Underscores may stand anywhere among the digits. */
static bool read_digits(const char *text, u32 length, u32 base, U128 *out)
{
    char digits[ISLE_NUMBER_MAX];
    u32 count = 0;
    for (u32 i = 0; i < length; i++) {
        if (text[i] != '_') {
            if (count == ISLE_NUMBER_MAX) {
                return false;
            }
            digits[count++] = text[i];
        }
    }
    return dv_u128_parse(digits, count, base, out);
}

static void lex_int(IsleLexer *lexer, IsleToken *token, Str text)
{
    bool negative = text.data[0] == '-';
    const char *digits = text.data + negative;
    u32 length = text.len - negative;
    u32 base = base_of(digits, length);
    u32 prefix = base == 10 ? 0 : 2;
    U128 magnitude;
    token->kind = ISLE_TOK_INT;
    if (!read_digits(digits + prefix, length - prefix, base, &magnitude)) {
        fail(lexer, token, ISLE_MSG_BAD_NUMBER,
             dv_arena_strdup(lexer->isle->arena, text.data, text.len));
        return;
    }
    token->literal.bits = negative ? dv_u128_neg(magnitude) : magnitude;
    token->literal.is_negative = negative && !dv_u128_is_zero(magnitude);
}

/* What begins with #: #t #f #true #false, #b0101, #xff; a sign may follow b and x. */
static void lex_hash(IsleLexer *lexer, IsleToken *token, Str text)
{
    char kind = text.len > 1 ? text.data[1] : '\0';
    if (text.len == 2 && (kind == 't' || kind == 'f')) {
        token->kind = ISLE_TOK_BOOL;
        token->literal.bits.lo = kind == 't';
        return;
    }
    u32 prefix = text.len > 2 && (text.data[2] == '-' || text.data[2] == '+') ? 3 : 2;
    u32 digit_bits = kind == 'b' ? 1 : 4;
    token->kind = ISLE_TOK_BITS;
    if ((kind != 'b' && kind != 'x') || text.len <= prefix ||
        !dv_u128_parse(text.data + prefix, text.len - prefix, kind == 'b' ? 2 : 16,
                       &token->literal.bits)) {
        fail(lexer, token, ISLE_MSG_BAD_HASH,
             dv_arena_strdup(lexer->isle->arena, text.data, text.len));
        return;
    }
    u32 underscores = 0;
    for (u32 i = prefix; i < text.len; i++) {
        underscores += text.data[i] == '_';
    }
    token->literal.width = (text.len - prefix - underscores) * digit_bits;
    if (text.data[2] == '-') {
        token->literal.is_negative = true;
        token->literal.bits = dv_u128_neg(token->literal.bits);
    }
}

static void lex_string(IsleLexer *lexer, IsleToken *token, const IsleFile *file)
{
    u32 at = lexer->at + 1;
    while (at < file->size && file->data[at] != '"' && (u8)file->data[at] >= ' ') {
        at++;
    }
    if (at >= file->size || file->data[at] != '"') {
        fail(lexer, token, ISLE_MSG_STRING_END, NULL);
        return;
    }
    token->kind = ISLE_TOK_STRING;
    token->text = (Str){file->data + lexer->at + 1, at - lexer->at - 1};
    lexer->at = at + 1;
}

static void lex_word(IsleLexer *lexer, IsleToken *token, const IsleFile *file)
{
    u32 start = lexer->at;
    u32 at = start;
    while (at < file->size && is_name_char(file->data[at])) {
        at++;
    }
    lexer->at = at;
    Str text = {file->data + start, at - start};
    token->text = text;
    if (text.len == 0) {
        fail(lexer, token, ISLE_MSG_BAD_BYTE,
             dv_arena_strdup(lexer->isle->arena, file->data + start, 1));
    } else if (text.data[0] == '$') {
        token->kind = ISLE_TOK_CONST;
    } else if (text.data[0] == '#') {
        lex_hash(lexer, token, text);
    } else if (is_digit(text.data[0]) || (text.data[0] == '-' && text.len > 1)) {
        lex_int(lexer, token, text);
    } else if (text.len == 4 && memcmp(text.data, "true", 4) == 0) {
        token->kind = ISLE_TOK_BOOL;
        token->literal.bits.lo = 1;
    } else if (text.len == 5 && memcmp(text.data, "false", 5) == 0) {
        token->kind = ISLE_TOK_BOOL;
    } else {
        token->kind = ISLE_TOK_NAME;
    }
}

void dv_isle_lex_next(IsleLexer *lexer, IsleToken *token)
{
    const IsleFile *file = &vec_at(&lexer->isle->files, lexer->file);
    memset(token, 0, sizeof *token);
    bool is_closed = skip_blanks(lexer, file);
    token->pos = (IslePos){lexer->file, lexer->at};
    if (!is_closed) {
        fail(lexer, token, ISLE_MSG_COMMENT_END, NULL);
        return;
    }
    if (lexer->at >= file->size) {
        token->kind = ISLE_TOK_END;
        token->end = lexer->at;
        return;
    }
    char c = file->data[lexer->at];
    if (c == '(' || c == ')' || c == '@') {
        token->kind = c == '(' ? ISLE_TOK_OPEN : c == ')' ? ISLE_TOK_CLOSE : ISLE_TOK_AT;
        lexer->at++;
    } else if (c == '"' && !lexer->isle->is_strict) {
        lex_string(lexer, token, file);
    } else {
        lex_word(lexer, token, file);
    }
    token->end = lexer->at;
}
