/* lex.h - the tokens of CLIF text. */
#ifndef DV_IR_LEX_H
#define DV_IR_LEX_H

#include "base/u128.h"

typedef enum TokenKind {
    TOK_END,
    TOK_WORD,    /* letters, digits and underscores, starting with no digit */
    TOK_NUMBER,  /* optional sign, a digit, then letters, digits, underscores */
    TOK_NAME,    /* %name; text is what follows the % */
    TOK_STRING,  /* "text"; text is what stands between the quotes, escapes as written */
    TOK_SRCLOC,  /* @0012; text is the digits */
    TOK_ARROW,   /* -> */
    TOK_COMMENT, /* ; to the end of the line; text without semicolons and surrounding blanks */
    TOK_PUNCT,   /* any other character that CLIF uses */
    TOK_BAD      /* a character it does not use, or a string without end */
} TokenKind;

typedef struct Token {
    TokenKind kind;
    char punct;        /* of TOK_PUNCT; of TOK_NAME '"' if it was written %"name" */
    bool has_index;    /* of TOK_WORD: letters then a number without leading zeros, as v12 */
    u32 prefix_len;    /* letters before the number */
    u32 index;         /* the number; LEX_INDEX_TOO_LARGE */
    u32 line, column;  /* of the first character, in bytes from 1 */
    const char *start; /* first character */
    Str text;
} Token;

enum { LEX_INDEX_MAX = 0x3fffffff };
#define LEX_INDEX_TOO_LARGE UINT32_MAX

typedef struct Lexer {
    const char *at, *end;
    const char *line_start;
    u32 line;
} Lexer;

/* lex.c */
void dv_lex_init(Lexer *lexer, Str text);
void dv_lex_next(Lexer *lexer, Token *token);
/* The first NUL or byte that is no UTF-8, with its position and, in *length, how many bytes to
 * show; NULL if there is none. */
const char *dv_lex_find_bad_byte(Str text, u32 *line, u32 *column, u32 *length);
/* Reads a whole integer: optional sign, decimal or 0x, underscores. False if it is none or needs
 * more than 128 bits. */
bool dv_lex_integer(const char *text, usize length, bool *negative, U128 *magnitude);
/* Decodes the escapes of a string token (\" \\ \n \t \r \xNN) to `out`, at least text.len bytes.
 * False if there is another one. */
bool dv_lex_unescape(Str text, char *out, u32 *length);

static inline bool lex_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool lex_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static inline bool lex_is_word_char(char c)
{
    return lex_is_letter(c) || lex_is_digit(c);
}

/* What a name after % may hold without quotes. */
static inline bool lex_is_name_char(char c)
{
    return lex_is_word_char(c) || c == '.' || c == '$';
}

#endif
