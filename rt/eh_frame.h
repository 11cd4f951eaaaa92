/* eh_frame.h - what unwinders read about code: the entries of .eh_frame, from what prologues do. */
#ifndef DV_RT_EH_FRAME_H
#define DV_RT_EH_FRAME_H

#include "base/bytes.h"
#include "rt/unwind.h"

enum { EH_NO_COLUMN = 0xff };

/* A machine: how DWARF numbers its registers, and what it lays on the stack. */
typedef struct EhTarget {
    u8 return_column; /* DWARF's number of the return address */
    u8 stack_column;  /* and of the stack pointer */
    u8 entry_bytes; /* what the caller's frame is above the stack pointer at entry, the return address lowest */
    u8 (*column)(u16 reg); /* and of a register, class << 8 | number; EH_NO_COLUMN: none is told */
} EhTarget;

extern const EhTarget dv_eh_x64;

/* A function, so far behind where the section begins. */
typedef struct EhFunc {
    u64 offset;
    u32 size_bytes; /* not 0 */
    const UnwindInst *insts;
    u32 num_insts;
} EhFunc;

/* The section begins with this. */
void dv_eh_frame_begin(ByteBuf *section, const EhTarget *target);
/* Gives where the 4 bytes are that hold the distance from themselves to the function. */
usize dv_eh_frame_add(ByteBuf *section, const EhTarget *target, const EhFunc *func);
/* What unwinders at run time want it to end with. */
void dv_eh_frame_end(ByteBuf *section);

#endif
