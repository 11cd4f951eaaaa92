/* encode.h - bytes and text of one instruction of x86-64. */
#ifndef DV_ISA_X64_ENCODE_H
#define DV_ISA_X64_ENCODE_H

#include "base/text.h"
#include "codegen/isa/x64/insts.h"

enum { X64_INST_MAX = 15 /* bytes */ };

typedef enum X64OperandKind { X64_REGISTER, X64_MEMORY, X64_CONSTANT } X64OperandKind;

typedef enum X64Segment { X64_SEGMENT_NONE, X64_SEGMENT_FS, X64_SEGMENT_GS } X64Segment;

/* base + (index << scale) + disp; X64_NO_REG where there is none. The index is
 * not rsp. */
typedef struct X64Memory {
    u8 base, index, scale; /* scale: 0 to 3 */
    u8 segment;            /* X64Segment */
    bool from_end;         /* disp counts from the end of the instruction; there is no
                    base and no index */
    bool wide;             /* disp takes 4 bytes, whatever it is: it is patched later */
    i32 disp;
} X64Memory;

typedef struct X64Operand {
    u8 kind; /* X64OperandKind */
    u8 reg;
    X64Memory memory;
    i64 number;
} X64Operand;

static inline X64Operand x64_register(u32 reg)
{
    return (X64Operand){.kind = X64_REGISTER, .reg = (u8)reg};
}
static inline X64Operand x64_memory(X64Memory memory)
{
    return (X64Operand){.kind = X64_MEMORY, .memory = memory};
}
static inline X64Operand x64_number(i64 number)
{
    return (X64Operand){.kind = X64_CONSTANT, .number = number};
}
static inline X64Memory x64_base(u32 base, i32 disp)
{
    return (X64Memory){.base = (u8)base, .index = X64_NO_REG, .disp = disp};
}

typedef struct X64Code {
    u8 bytes[X64_INST_MAX];
    u8 size_bytes;
    u8 disp_at;   /* where a displacement of 4 bytes is; 0: there is none */
    u8 number_at; /* where the constant or distance is; 0: there is none */
} X64Code;

/* encode.c */

/* The instruction as it stands. `operands` are those of its row, one for one;
 * fixed ones are not looked at. A number fits its place. */
void dv_x64_encode(X64Op op, const X64Operand *operands, X64Code *out);
/* The shortest instruction that does the same (forms.def), for the same
 * operands, but that its number may be written otherwise, as a signed one. */
X64Op dv_x64_shortest(X64Op op, X64Operand *operands);
/* True if the number can be encoded there: at a place of numbers. */
bool dv_x64_number_fits(u32 place, i64 number);

/* print.c */

/* The instruction in Intel's syntax, as GNU as and LLVM read it. Distances are printed as from `end`, the name of where the
 * instruction ends. */
void dv_x64_print(TextBuf *out, X64Op op, const X64Operand *operands, const char *end);
const char *dv_x64_reg_name(u32 reg, u32 width);

#endif
