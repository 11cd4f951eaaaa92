/* bytes.c - ByteBuf. Capacity at least doubles: appending is amortised constant time. */
#include "bytes.h"

enum { FIRST_CAPACITY = 64 };

void dv_bytebuf_init(ByteBuf *buf, Arena *arena)
{
    *buf = (ByteBuf){arena, NULL, 0, 0};
}

u8 *dv_bytebuf_extend(ByteBuf *buf, usize size)
{
    if (size > buf->cap - buf->len) {
        usize needed;
        if (dv_add_overflows(buf->len, size, &needed) || needed > PTRDIFF_MAX) {
            dv_escape(buf->arena->pool, DAVIT_ERROR_LIMIT);
        }
        usize cap = buf->cap < FIRST_CAPACITY / 2 ? FIRST_CAPACITY : buf->cap * 2;
        cap = cap < needed ? needed : cap;
        buf->data = dv_arena_grow(buf->arena, buf->data, buf->cap, cap, 16);
        buf->cap = cap;
    }
    u8 *end = buf->data + buf->len;
    buf->len += size;
    return end;
}

void dv_bytebuf_reserve(ByteBuf *buf, usize size)
{
    (void)dv_bytebuf_extend(buf, size);
    buf->len -= size;
}

void dv_bytebuf_bytes(ByteBuf *buf, const void *bytes, usize size)
{
    if (size != 0) {
        memcpy(dv_bytebuf_extend(buf, size), bytes, size);
    }
}

static void fill_bytes(ByteBuf *buf, u8 fill, usize count)
{
    if (count != 0) {
        memset(dv_bytebuf_extend(buf, count), fill, count);
    }
}

void dv_bytebuf_zeros(ByteBuf *buf, usize count)
{
    fill_bytes(buf, 0, count);
}

void dv_bytebuf_align(ByteBuf *buf, usize align, u8 fill)
{
    ASSERT(align != 0 && (align & (align - 1)) == 0);
    fill_bytes(buf, fill, (0 - buf->len) & (align - 1));
}

u8 *dv_bytebuf_at(ByteBuf *buf, usize offset, usize size)
{
    CHECK(offset <= buf->len && size <= buf->len - offset);
    return buf->data + offset;
}
