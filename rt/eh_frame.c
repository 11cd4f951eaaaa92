/* eh_frame.c - unwind tables from what prologues do.
 *
 * A function is one FDE. What its prologue did stays so to its end: epilogues are not described, nor need they be for
 * unwinding from calls and traps. The frame (CFA) is counted from the stack pointer until there is a frame pointer.
 *
 * Sources: DWARF 4, 6.4 and 7; Linux Standard Base 5.0, 10.6 (.eh_frame); System V Application Binary Interface, AMD64
 * Architecture Processor Supplement, table 3.36 (numbers of registers). */
#include "rt/eh_frame.h"

enum {
    CFA_NOP = 0,
    CFA_ADVANCE_4 = 4,
    CFA_DEF_CFA = 0x0c,
    CFA_DEF_CFA_OFFSET = 0x0e,
    CFA_OFFSET_EXTENDED = 5,
    CFA_ADVANCE = 0x40,
    CFA_OFFSET = 0x80,
    DATA_ALIGN = 8,         /* registers are saved at multiples of it below the frame */
    DATA_ALIGN_SLEB = 0x78, /* -8 */
    PE_PCREL_SDATA4 = 0x1b,
    ENTRY_ALIGN = 8
};

/* ---- machines -------------------------------------------------------------------------------------------- */

enum { X64_COLUMN_RSP = 7, X64_COLUMN_RETURN = 16 };

/* xmm registers are left out: no caller that is not ours needs them back, libgcc brings none, and LLVM's libunwind gives up on
 * frames that tell of them. */
static u8 x64_column(u16 reg)
{
    static const u8 general[] = {0, 2, 1, 3, X64_COLUMN_RSP, 6, 4, 5};
    u8 number = (u8)reg;
    if (reg >> 8 != 0) {
        return EH_NO_COLUMN;
    }
    return number < ARRAY_LEN(general) ? general[number] : number;
}

const EhTarget dv_eh_x64 = {X64_COLUMN_RETURN, X64_COLUMN_RSP, 8, x64_column};

/* ---- entries --------------------------------------------------------------------------------------------- */

static void put_u8(ByteBuf *buf, u32 x)
{
    dv_bytebuf_u8(buf, (u8)x);
}

static void put_u32(ByteBuf *buf, u32 x)
{
    dv_bytebuf_u32(buf, x, false);
}

/* Room for a length in 4 bytes, which end_entry fills in. */
static usize begin_entry(ByteBuf *buf)
{
    usize at = buf->len;
    put_u32(buf, 0);
    return at;
}

static void end_entry(ByteBuf *buf, usize at)
{
    while ((buf->len - at) % ENTRY_ALIGN != 0) {
        put_u8(buf, CFA_NOP);
    }
    store_le32(dv_bytebuf_at(buf, at, 4), (u32)(buf->len - at - 4));
}

void dv_eh_frame_begin(ByteBuf *section, const EhTarget *target)
{
    usize at = begin_entry(section);
    put_u32(section, 0); /* a CIE */
    put_u8(section, 1);
    dv_bytebuf_bytes(section, "zR", sizeof "zR");
    dv_bytebuf_uleb(section, 1);
    put_u8(section, DATA_ALIGN_SLEB);
    put_u8(section, target->return_column);
    dv_bytebuf_uleb(section, 1);
    put_u8(section, PE_PCREL_SDATA4);
    put_u8(section, CFA_DEF_CFA);
    dv_bytebuf_uleb(section, target->stack_column);
    dv_bytebuf_uleb(section, target->entry_bytes);
    if (target->entry_bytes != 0) {
        put_u8(section, CFA_OFFSET | target->return_column);
        dv_bytebuf_uleb(section, target->entry_bytes / DATA_ALIGN);
    }
    end_entry(section, at);
}

static void put_saved(ByteBuf *buf, u32 column, i64 below)
{
    if (column == EH_NO_COLUMN) {
        return;
    }
    if (column < 64) {
        put_u8(buf, CFA_OFFSET | column);
    } else {
        put_u8(buf, CFA_OFFSET_EXTENDED);
        dv_bytebuf_uleb(buf, column);
    }
    dv_bytebuf_uleb(buf, (u64)below / DATA_ALIGN);
}

static void put_advance(ByteBuf *buf, u32 advance)
{
    if (advance != 0 && advance < 64) {
        put_u8(buf, CFA_ADVANCE | advance);
    } else if (advance != 0) {
        put_u8(buf, CFA_ADVANCE_4);
        put_u32(buf, advance);
    }
}

static void put_prologue(ByteBuf *buf, const EhTarget *target, const EhFunc *func)
{
    i64 depth = target->entry_bytes; /* the stack pointer is so far below the frame */
    bool by_stack = true;
    u32 at = 0;
    for (u32 i = 0; i < func->num_insts; i++) {
        const UnwindInst *u = &func->insts[i];
        put_advance(buf, u->offset - at);
        at = u->offset;
        if (u->op == UNWIND_ALLOC_STACK || u->op == UNWIND_PUSH_REG) {
            depth += u->value;
            if (by_stack) {
                put_u8(buf, CFA_DEF_CFA_OFFSET);
                dv_bytebuf_uleb(buf, (u64)depth);
            }
        }
        if (u->op == UNWIND_PUSH_REG) {
            put_saved(buf, target->column(u->reg), depth);
        } else if (u->op == UNWIND_SAVE_REG) {
            put_saved(buf, target->column(u->reg), depth - u->value);
        } else if (u->op == UNWIND_SET_FRAME_REG) {
            by_stack = false;
            put_u8(buf, CFA_DEF_CFA);
            dv_bytebuf_uleb(buf, target->column(u->reg));
            dv_bytebuf_uleb(buf, (u64)(depth - u->value));
        }
    }
}

usize dv_eh_frame_add(ByteBuf *section, const EhTarget *target, const EhFunc *func)
{
    usize at = begin_entry(section);
    put_u32(section, (u32)section->len); /* back to the CIE, at the beginning */
    usize place = section->len;
    put_u32(section, (u32)func->offset - (u32)place);
    put_u32(section, func->size_bytes);
    dv_bytebuf_uleb(section, 0);
    put_prologue(section, target, func);
    end_entry(section, at);
    return place;
}

void dv_eh_frame_end(ByteBuf *section)
{
    put_u32(section, 0);
}
