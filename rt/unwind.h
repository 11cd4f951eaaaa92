/* unwind.h - what prologues do to the stack, told independently of target and unwind format.
 *
 * An emitter records one after each instruction of the prologue that changes where the caller's frame or
 * its registers are; writers of .eh_frame and Windows tables read them. Registers are hardware numbers of the
 * target, class << 8 | number.
 */
#ifndef DV_RT_UNWIND_H
#define DV_RT_UNWIND_H

#include "base/base.h"

typedef enum UnwindOp {
    UNWIND_ALLOC_STACK, /* the stack pointer went down by `value` bytes */
    UNWIND_PUSH_REG, /* `reg` was pushed: the stack pointer went down by `value` bytes and `reg` is there */
    UNWIND_SAVE_REG,      /* `reg` was stored `value` bytes above the stack pointer */
    UNWIND_SET_FRAME_REG, /* `reg` is now the stack pointer plus `value` bytes, and stays so */
    UNWIND_OP_COUNT
} UnwindOp;

typedef struct UnwindInst {
    u32 offset; /* in the code, after the instruction */
    u16 reg;
    u8 op; /* UnwindOp */
    i32 value;
} UnwindInst;

#endif
