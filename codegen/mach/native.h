/* native.h - what object files, memory for code and unwinders need to know of a target: its relocations, and how DWARF
 * numbers its registers.
 *
 * A relocation writes a distance or an address into bytes of code or data. The target's own kinds are rows of a
 * table that says what a linker has to do for each, so that linkers know no target.
 */
#ifndef DV_MACH_NATIVE_H
#define DV_MACH_NATIVE_H

#include "rt/eh_frame.h"

typedef enum RelocUse {
    RELOC_DISTANCE, /* to the symbol, which is in reach */
    RELOC_CALL,     /* the same of a call or jump, that may go to a stub instead */
    RELOC_GOT,      /* to a word that holds the symbol's address */
    RELOC_TLS,      /* to the two words that __tls_get_addr takes for a thread-local symbol */
    RELOC_TLS_NEAR, /* to thread-local data from the thread's own pointer, or a word that holds that: known to linkers of
                       programs alone */
    RELOC_ADDRESS   /* the address itself */
} RelocUse;

typedef struct RelocKind {
    const char *name;
    u8 use;        /* RelocUse */
    u8 size_bytes; /* written, 4 or 8 */
    i8 bias;       /* distances are measured from the place plus this */
    u8 elf;        /* the number of its ELF relocation, whose addend does not count the bias */
} RelocKind;

typedef struct NativeTarget {
    const RelocKind *relocs; /* by kind */
    u32 num_relocs;
    u32 address;              /* the kind that data has */
    const char *tls_function; /* what code calls with the address of RELOC_TLS's words */
    /* The code of a load of the symbol's address through a RELOC_GOT is made an instruction that computes the address from
     * the same distance, now to the symbol itself, of the same size and place; and a call or jump through it a direct one. */
    void (*relax_got)(u8 *at);
    /* A jump through a word at this distance from the stub's start. */
    u8 stub_bytes;
    void (*write_stub)(u8 *at, i32 distance);
    u8 pad; /* what is between functions */
    u8 elf_machine;
    u8 elf_distance, elf_address, elf_offset; /* relocations of 4, 8 and 4 bytes */
    /* The GNU property that ands, and its bit for: all code has landing pads. */
    u32 elf_property, elf_landing_pads;
    const EhTarget *frames; /* what unwinders are told of it */
} NativeTarget;

#endif
