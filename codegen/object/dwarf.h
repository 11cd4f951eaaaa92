/* dwarf.h - what unwinders and debuggers read about code: .eh_frame, and line tables. */
#ifndef DV_OBJECT_DWARF_H
#define DV_OBJECT_DWARF_H

#include "codegen/object/module.h"

/* A function that lies at `offset` in the code. */
typedef struct DwarfFunc {
    Str name;
    const MachCode *code;
    u64 offset;
    bool external;
} DwarfFunc;

typedef VEC(DwarfFunc) DwarfFuncs;

/* Bytes that wait for an address. The code's is in 8 bytes, its offset being written there; a section's offset in 4; but in
 * .eh_frame it is the distance of the code from the place in 4, written as if code and section began at one place. */
enum { DWARF_CODE, DWARF_ABBREV, DWARF_LINE };
typedef struct DwarfPlace {
    u32 at;
    u8 what;
    u64 offset; /* in it */
} DwarfPlace;

typedef struct DwarfSection {
    ByteBuf bytes;
    VEC(DwarfPlace) places;
} DwarfSection;

typedef struct Dwarf {
    DwarfSection frames, abbrev, info, line;
} Dwarf;

/* .eh_frame alone, without an end. */
void dv_dwarf_frames(const NativeTarget *target, const DwarfFuncs *funcs, Arena *arena,
                     DwarfSection *out);
/* .debug_abbrev, .debug_info and .debug_line: the functions, and lines, which are what the srclocs of instructions say, in
 * a file of that name. code_bytes is the size of all code. */
void dv_dwarf_lines(const char *file, const DwarfFuncs *funcs, u64 code_bytes, Arena *arena,
                    Dwarf *out);

#endif
