/* bytes.h - numbers in bytes of either order, and ByteBuf, a growing sequence of bytes.
 *
 * Guest memory, code and files are read and written only through these; compilers turn the inlines
 * into one access and a swap where the host allows. Pointers need no alignment. The forms without
 * le and be take the order at run time.
 */
#ifndef DV_BYTES_H
#define DV_BYTES_H

#include "arena.h"
#include "u128.h"

static inline u16 load_le16(const void *from)
{
    const u8 *p = from;
    return (u16)(p[0] | (u32)p[1] << 8);
}

static inline u32 load_le32(const void *from)
{
    const u8 *p = from;
    return load_le16(p) | (u32)load_le16(p + 2) << 16;
}

static inline u64 load_le64(const void *from)
{
    const u8 *p = from;
    return load_le32(p) | (u64)load_le32(p + 4) << 32;
}

static inline U128 load_le128(const void *from)
{
    const u8 *p = from;
    return (U128){load_le64(p), load_le64(p + 8)};
}

static inline void store_le16(void *to, u16 x)
{
    u8 *p = to;
    p[0] = (u8)x;
    p[1] = (u8)(x >> 8);
}

static inline void store_le32(void *to, u32 x)
{
    u8 *p = to;
    store_le16(p, (u16)x);
    store_le16(p + 2, (u16)(x >> 16));
}

static inline void store_le64(void *to, u64 x)
{
    u8 *p = to;
    store_le32(p, (u32)x);
    store_le32(p + 4, (u32)(x >> 32));
}

static inline void store_le128(void *to, U128 x)
{
    u8 *p = to;
    store_le64(p, x.lo);
    store_le64(p + 8, x.hi);
}

static inline u16 load_be16(const void *from)
{
    const u8 *p = from;
    return (u16)(p[1] | (u32)p[0] << 8);
}

static inline u32 load_be32(const void *from)
{
    const u8 *p = from;
    return load_be16(p + 2) | (u32)load_be16(p) << 16;
}

static inline u64 load_be64(const void *from)
{
    const u8 *p = from;
    return load_be32(p + 4) | (u64)load_be32(p) << 32;
}

static inline U128 load_be128(const void *from)
{
    const u8 *p = from;
    return (U128){load_be64(p + 8), load_be64(p)};
}

static inline void store_be16(void *to, u16 x)
{
    u8 *p = to;
    p[1] = (u8)x;
    p[0] = (u8)(x >> 8);
}

static inline void store_be32(void *to, u32 x)
{
    u8 *p = to;
    store_be16(p + 2, (u16)x);
    store_be16(p, (u16)(x >> 16));
}

static inline void store_be64(void *to, u64 x)
{
    u8 *p = to;
    store_be32(p + 4, (u32)x);
    store_be32(p, (u32)(x >> 32));
}

static inline void store_be128(void *to, U128 x)
{
    u8 *p = to;
    store_be64(p + 8, x.lo);
    store_be64(p, x.hi);
}

/* In the order told at run time. */
static inline u16 load_u16(const void *from, bool big)
{
    return big ? load_be16(from) : load_le16(from);
}

static inline u32 load_u32(const void *from, bool big)
{
    return big ? load_be32(from) : load_le32(from);
}

static inline u64 load_u64(const void *from, bool big)
{
    return big ? load_be64(from) : load_le64(from);
}

static inline U128 load_u128(const void *from, bool big)
{
    return big ? load_be128(from) : load_le128(from);
}

static inline void store_u16(void *to, u16 x, bool big)
{
    if (big) {
        store_be16(to, x);
    } else {
        store_le16(to, x);
    }
}

static inline void store_u32(void *to, u32 x, bool big)
{
    if (big) {
        store_be32(to, x);
    } else {
        store_le32(to, x);
    }
}

static inline void store_u64(void *to, u64 x, bool big)
{
    if (big) {
        store_be64(to, x);
    } else {
        store_le64(to, x);
    }
}

static inline void store_u128(void *to, U128 x, bool big)
{
    if (big) {
        store_be128(to, x);
    } else {
        store_le128(to, x);
    }
}

/* True if this host stores the most significant byte first. */
static inline bool dv_host_is_big(void)
{
    u16 probe = 1;
    u8 first;
    memcpy(&first, &probe, 1);
    return first == 0;
}

/* A growing sequence of bytes in the arena it was initialised with. */
typedef struct ByteBuf {
    Arena *arena;
    u8 *data;
    usize len;
    usize cap;
} ByteBuf;

void dv_bytebuf_init(ByteBuf *buf, Arena *arena);
/* Appends size uninitialised bytes and returns where they are until the next append. */
u8 *dv_bytebuf_extend(ByteBuf *buf, usize size);
/* Makes room for so many, which are not appended: what is known to become long does not grow in steps. */
void dv_bytebuf_reserve(ByteBuf *buf, usize size);
void dv_bytebuf_bytes(ByteBuf *buf, const void *bytes, usize size);
void dv_bytebuf_zeros(ByteBuf *buf, usize count);
/* Appends `fill` until the length is a multiple of align, a power of two. */
void dv_bytebuf_align(ByteBuf *buf, usize align, u8 fill);
/* The size bytes at offset, for patching; they must exist. */
u8 *dv_bytebuf_at(ByteBuf *buf, usize offset, usize size);

static inline void dv_bytebuf_u8(ByteBuf *buf, u8 x)
{
    *dv_bytebuf_extend(buf, 1) = x;
}

static inline void dv_bytebuf_u16(ByteBuf *buf, u16 x, bool big)
{
    store_u16(dv_bytebuf_extend(buf, 2), x, big);
}

/* LEB128 (DWARF 4, 7.6; WebAssembly, 5.2.2), in as few bytes as there can be. */
static inline void dv_bytebuf_uleb(ByteBuf *buf, u64 x)
{
    for (; x >= 0x80; x >>= 7) {
        dv_bytebuf_u8(buf, (u8)(x | 0x80));
    }
    dv_bytebuf_u8(buf, (u8)x);
}

static inline void dv_bytebuf_sleb(ByteBuf *buf, i64 x)
{
    u64 sign = x < 0 ? UINT64_MAX : 0;
    u64 bits = (u64)x;
    for (; (bits ^ sign) >= 0x40; bits = bits >> 7 | sign << 57) {
        dv_bytebuf_u8(buf, (u8)(bits | 0x80));
    }
    dv_bytebuf_u8(buf, bits & 0x7f);
}

static inline void dv_bytebuf_u32(ByteBuf *buf, u32 x, bool big)
{
    store_u32(dv_bytebuf_extend(buf, 4), x, big);
}

static inline void dv_bytebuf_u64(ByteBuf *buf, u64 x, bool big)
{
    store_u64(dv_bytebuf_extend(buf, 8), x, big);
}

#endif
