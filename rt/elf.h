/* elf.h - files of the format ELF, 64 bits, little-endian: sections and symbols in, bytes out. */
#ifndef DV_RT_ELF_H
#define DV_RT_ELF_H

#include "base/bytes.h"
#include "base/vec.h"

enum {
    ELF_PROGBITS = 1,
    ELF_SYMTAB = 2,
    ELF_STRTAB = 3,
    ELF_RELA = 4,
    ELF_NOTE = 7,
    ELF_NOBITS = 8,
    ELF_WRITE = 1,
    ELF_ALLOC = 2,
    ELF_EXEC = 4,
    ELF_INFO_LINK = 0x40,
    ELF_TLS = 0x400,
    ELF_ABS = 0xfff1 /* for the section of a symbol */
};
enum { ELF_HEADER_BYTES = 64 };
enum { ELF_LOCAL, ELF_GLOBAL, ELF_WEAK }; /* bindings */
enum {
    ELF_NOTYPE,
    ELF_OBJECT,
    ELF_FUNC,
    ELF_SECTION,
    ELF_FILE,
    ELF_STT_TLS = 6
}; /* types of symbols */

typedef struct ElfSection {
    const char *name;
    u32 type, align_bytes;
    u64 flags, address;
    const u8 *bytes; /* none of NOBITS */
    u64 size_bytes;
    u32 info; /* of RELA: the section it is about */
} ElfSection;

typedef struct ElfSymbol {
    Str name;
    u8 binding, type;
    u16 section; /* 0: undefined */
    u64 value, size_bytes;
} ElfSymbol;

typedef struct ElfFile {
    Arena *arena;
    u8 machine;
    VEC(ElfSection) sections; /* number 1 is the first */
    VEC(ElfSymbol) symbols;   /* number 1 is the first; local ones come first */
} ElfFile;

void dv_elf_init(ElfFile *file, u8 machine, Arena *arena);
/* These give its number. */
u32 dv_elf_section(ElfFile *file, const ElfSection *section);
u32 dv_elf_symbol(ElfFile *file, const ElfSymbol *symbol);
void dv_elf_rela(ByteBuf *buf, u64 offset, u32 symbol, u32 type, i64 addend);
/* A relocatable file. The first section that has bytes is right behind the header. */
void dv_elf_write(ElfFile *file, ByteBuf *out);
/* Adds to the addresses of those sections of a written file that programs have in memory. */
void dv_elf_move(u8 *file, u64 by);

#endif
