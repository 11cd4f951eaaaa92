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
    X64_RELOC_TLSGD,        /* of the words for __tls_get_addr */
    X64_RELOC_ABS64,        /* the address, 8 bytes */
    X64_RELOC_TLS_WORD,     /* of the word that has the distance from fs's base */
    X64_RELOC_TLS_DISTANCE, /* the distance from fs's base */
    X64_RELOC_GOT_CALL      /* as GOT, of a call or jump through the word */
};
extern const NativeTarget dv_x64_native;

#endif
