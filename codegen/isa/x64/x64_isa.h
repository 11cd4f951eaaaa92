/* x64_isa.h - x86-64 as the front door sees it. */
#ifndef DV_ISA_X64_X64_ISA_H
#define DV_ISA_X64_X64_ISA_H

#include "codegen/isa/isa.h"

extern const Isa dv_x64_isa;

/* Relocations of its code and data; native.c says what each is. Those of 4 bytes are counted from their end. */
enum {
    X64_RELOC_PC32, /* the distance */
    X64_RELOC_CALL, /* the same of a call or jump */
    X64_RELOC_GOT, /* of a word with the address; the displacement of a mov with REX that loads it */
    X64_RELOC_TLSGD, /* of the words for __tls_get_addr */
    X64_RELOC_ABS64  /* the address, 8 bytes */
};
extern const NativeTarget dv_x64_native;

/* Where parameters of a signature are that the convention passes in registers or memory: numbers[i] is the first of
 * parameter i's, one for each 64 bits of an integer or of memory, and one for a float in a register: those below
 * X64_ARG_GENERAL are general registers, those below X64_ARG_REGS xmm registers, others words of memory in order. Gives
 * the number of all. */
enum { X64_ARG_GENERAL = 6, X64_ARG_XMM = 8, X64_ARG_REGS = X64_ARG_GENERAL + X64_ARG_XMM };
u32 dv_x64_arg_places(const Signature *sig, u32 *numbers);

#endif
