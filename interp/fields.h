/* fields.h - reading the fields of an instruction in code of the host's byte order.
 *
 * READ_FIELDS(SHAPE, page) declares a constant i64 for every field of the shape, read at `pc`; distances are
 * in words. Places are constants (shapes.h), code is aligned to 4, so each field is one load. */
#ifndef DV_INTERP_FIELDS_H
#define DV_INTERP_FIELDS_H

#include "pulley/pulley.h"

/* Of an aligned place in code. */
static inline u16 load_code16(const u8 *at)
{
    u16 x;
    memcpy(&x, DV_ASSUME_ALIGNED(at, 2), 2);
    return x;
}

static inline u32 load_code32(const u8 *at)
{
    u32 x;
    memcpy(&x, DV_ASSUME_ALIGNED(at, 4), 4);
    return x;
}

static inline u64 load_code64(const u8 *at)
{
    u64 x;
    memcpy(&x, DV_ASSUME_ALIGNED(at, 4), 8);
    return x;
}

/* The 3 bytes behind the opcode at `pc`, as the high bits of a word. */
static inline u32 load_code24_high(const u8 *pc)
{
    u32 word = load_code32(pc);
    return dv_host_is_big() ? word << 8 : word & ~(u32)255;
}

enum {
    FIELD_HEADER0 = 1, /* bytes before the fields, by page */
    FIELD_HEADER1 = 2,
    FIELD_HEADER2 = 2
};
#define FIELD_SIGNED ((u64)1 << PROLE_SIMM | (u64)1 << PROLE_TARGET | (u64)1 << PROLE_FUNC)

#define READ_FIELD_1(at, is_signed) ((is_signed) ? (i64)(i8) * (at) : (i64) * (at))
#define READ_FIELD_2(at, is_signed) ((is_signed) ? (i64)(i16)load_code16(at) : (i64)load_code16(at))
#define READ_FIELD_3(at, is_signed) \
    ((is_signed) ? (i64)(i32)load_code24_high(pc) >> 8 : (i64)(load_code24_high(pc) >> 8))
#define READ_FIELD_4(at, is_signed) ((is_signed) ? (i64)(i32)load_code32(at) : (i64)load_code32(at))
#define READ_FIELD_8(at, is_signed) (i64) load_code64(at)

#define READ_FIELD(name, role, size, before) \
    const i64 name = READ_FIELD_##size(pc + FIELD_PLACE(size, before, HEADER), \
                                       (FIELD_SIGNED >> PROLE_##role & 1) != 0); \
    (void)name;

#define FIELD_END(name, role, size, before) char name[FIELD_PLACE(size, before, HEADER) + size];

/* BYTES is the size of the instruction, without the entries of br_table. */
#define READ_FIELDS(shape, page) \
    enum { HEADER = FIELD_HEADER##page }; \
    enum { \
        BYTES = (sizeof(union { \
                     char header[HEADER]; \
                     PSHAPE_##shape(FIELD_END) \
                 }) + \
                 3) / \
                4 * 4 \
    }; \
    PSHAPE_##shape(READ_FIELD)

#endif
