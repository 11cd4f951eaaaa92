/* text.h - TextBuf, text that grows in an arena.
 *
 * `data` always ends with a NUL once initialised. Appending is amortised linear, for texts of any
 * size.
 */
#ifndef DV_TEXT_H
#define DV_TEXT_H

#include "arena.h"

typedef struct TextBuf {
    Arena *arena;
    char *data; /* length bytes and a NUL; moves when text is added */
    usize length;
    usize capacity; /* with the NUL */
} TextBuf;

void dv_text_init(TextBuf *text, Arena *arena);
/* Numbers and names; for single characters and whole strings the other forms are faster. */
DV_PRINTF(2, 3) void dv_text_printf(TextBuf *text, const char *format, ...);
DV_PRINTF(2, 0) void dv_text_vprintf(TextBuf *text, const char *format, va_list args);
void dv_text_bytes(TextBuf *text, const void *bytes, usize size);
void dv_text_str(TextBuf *text, const char *string);
void dv_text_char(TextBuf *text, char c);
/* In decimal, without printf: entity numbers are most of what a printer prints. */
void dv_text_u64(TextBuf *text, u64 x);
/* Appends `count` times the same character. */
void dv_text_repeat(TextBuf *text, char c, usize count);
/* Drops all but the first `length` bytes. */
void dv_text_truncate(TextBuf *text, usize length);

#endif
