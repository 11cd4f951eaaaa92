/* text.c - TextBuf. */
#include "text.h"

#include <stdio.h>

enum { FIRST_CAPACITY = 128 };

void dv_text_init(TextBuf *text, Arena *arena)
{
    char *data = dv_arena_alloc(arena, FIRST_CAPACITY, 1);
    data[0] = '\0';
    *text = (TextBuf){arena, data, 0, FIRST_CAPACITY};
}

/* Makes room for extra bytes and the NUL after them. */
static void reserve(TextBuf *text, usize extra)
{
    if (extra < text->capacity - text->length) {
        return;
    }
    usize needed;
    if (dv_add_overflows(text->length + 1, extra, &needed) || needed > PTRDIFF_MAX) {
        dv_escape(text->arena->pool, DAVIT_ERROR_LIMIT);
    }
    usize capacity = text->capacity * 2 < needed ? needed : text->capacity * 2;
    text->data = dv_arena_grow(text->arena, text->data, text->capacity, capacity, 1);
    text->capacity = capacity;
}

void dv_text_vprintf(TextBuf *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    usize room = text->capacity - text->length;
    int length = vsnprintf(text->data + text->length, room, format, args);
    CHECK(length >= 0);
    if ((usize)length >= room) {
        reserve(text, (usize)length);
        vsnprintf(text->data + text->length, (usize)length + 1, format, again);
    }
    va_end(again);
    text->length += (usize)length;
}

void dv_text_printf(TextBuf *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    dv_text_vprintf(text, format, args);
    va_end(args);
}

void dv_text_bytes(TextBuf *text, const void *bytes, usize size)
{
    if (size == 0) {
        return;
    }
    reserve(text, size);
    memcpy(text->data + text->length, bytes, size);
    text->length += size;
    text->data[text->length] = '\0';
}

void dv_text_str(TextBuf *text, const char *string)
{
    dv_text_bytes(text, string, strlen(string));
}

void dv_text_char(TextBuf *text, char c)
{
    reserve(text, 1);
    text->data[text->length++] = c;
    text->data[text->length] = '\0';
}

void dv_text_u64(TextBuf *text, u64 x)
{
    char digits[20];
    u32 at = sizeof digits;
    do {
        digits[--at] = (char)('0' + x % 10);
        x /= 10;
    } while (x != 0);
    dv_text_bytes(text, digits + at, sizeof digits - at);
}

void dv_text_repeat(TextBuf *text, char c, usize count)
{
    reserve(text, count);
    memset(text->data + text->length, c, count);
    text->length += count;
    text->data[text->length] = '\0';
}

void dv_text_truncate(TextBuf *text, usize length)
{
    ASSERT(length <= text->length);
    text->length = length;
    text->data[length] = '\0';
}
