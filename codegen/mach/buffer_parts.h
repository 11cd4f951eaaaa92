/* buffer_parts.h - what the files of MachBuffer share among themselves. */
#ifndef DV_MACH_BUFFER_PARTS_H
#define DV_MACH_BUFFER_PARTS_H

#include "codegen/mach/buffer.h"

#define MACH_NONE UINT32_MAX
enum { MACH_REST = MACH_KINDS_MAX /* in the place of a queue's number */ };

/* ---- buffer.c ---- */

/* The root of the label's tree. */
u32 dv_mach_root(MachBuffer *buf, MachLabel label);
/* Labels and uses below this offset do not change any more. */
u32 dv_mach_settled(const MachBuffer *buf);
/* Escapes if the code is too long. */
void dv_mach_check_size(const MachBuffer *buf);

static inline const MachKind *mach_kind(const MachBuffer *buf, u32 kind)
{
    ASSERT(kind < buf->target->num_kinds);
    return &buf->target->kinds[kind];
}

/* True if no function is so long that this kind does not reach. */
static inline bool mach_unlimited(const MachBuffer *buf, u32 kind)
{
    const MachKind *k = mach_kind(buf, kind);
    return k->min <= -(i64)buf->code_max && k->max >= (i64)buf->code_max;
}

static inline bool mach_in_range(const MachBuffer *buf, u32 kind, u32 origin, u32 to)
{
    const MachKind *k = mach_kind(buf, kind);
    i64 distance = (i64)to - (i64)origin;
    return distance >= k->min && distance <= k->max;
}

/* A use whose distance is measured from where its kind says. */
static inline MachUse mach_use(const MachBuffer *buf, u32 at, MachLabel label, u32 kind)
{
    i64 origin = (i64)at + mach_kind(buf, kind)->bias;
    ASSERT(origin >= 0);
    return (MachUse){at, (u32)origin, label, (u8)kind};
}

/* ---- buffer_island.c ---- */

/* Records a use and tells in which queue (or MACH_REST). Labels of constants and traps are replaced by one in
 * reach, if there is any, or to come. */
u32 dv_mach_push_use(MachBuffer *buf, MachUse use);
/* Forgets the last use recorded in this queue, which is at or after `offset`. */
void dv_mach_pop_use(MachBuffer *buf, u32 queue, u32 offset);

/* ---- buffer_short.c ---- */

/* Makes branches short that reach, for a target that has such. All labels but those of constants are bound. */
void dv_mach_shorten(MachBuffer *buf);

/* ---- buffer_tables.c ---- */

/* Forgets what is recorded about bytes that were cut off the end. */
void dv_mach_cut_tables(MachBuffer *buf);
/* The srcloc that bytes appended now have. */
u32 dv_mach_srcloc(const MachBuffer *buf);
void dv_mach_finish_tables(MachBuffer *buf, MachCode *code);

#endif
