/* module.h - a native module: functions and data with names, on their way to an object file or to memory.
 *
 * A symbol is declared with a linkage, and defined at most once, by code or by data. What is defined nowhere comes from
 * elsewhere: linkers and lookups have to find it, unless it is weak. Relocations name symbols by number.
 * Everything lies in the module's arena; names are copied, code and data are not.
 */
#ifndef DV_OBJECT_MODULE_H
#define DV_OBJECT_MODULE_H

#include "base/bytes.h"
#include "base/diag.h"
#include "base/map.h"
#include "codegen/mach/buffer.h"
#include "codegen/mach/native.h"

typedef enum ObjLinkage {
    OBJ_IMPORT, /* defined elsewhere */
    OBJ_LOCAL,  /* seen in the module alone */
    OBJ_EXPORT, /* seen by all */
    OBJ_WEAK    /* defined: gives way to another of the name; else: 0 if there is none */
} ObjLinkage;

/* What a symbol is; OBJ_ANY of names that only relocations speak of. */
typedef enum ObjKind { OBJ_ANY, OBJ_FUNC, OBJ_READONLY, OBJ_WRITABLE, OBJ_TLS } ObjKind;

typedef struct ObjReloc {
    u64 offset;
    u32 kind; /* the target's */
    u32 symbol;
    i64 addend;
} ObjReloc;

typedef struct ObjSymbol {
    Str name;
    u8 linkage; /* ObjLinkage */
    u8 kind;    /* ObjKind */
    bool defined;
    /* of what is defined */
    const MachCode *code; /* of functions */
    const u8 *bytes;      /* of data; NULL: zeros */
    u64 size_bytes;
    u32 align_bytes;
    MACH_TABLE(ObjReloc) relocs; /* in order of offset */
} ObjSymbol;

typedef struct ObjModule {
    Arena *arena;
    const NativeTarget *target;
    bool landing_pads; /* all code was compiled so */
    StrMap names;      /* numbers are those of symbols */
    VEC(ObjSymbol) symbols;
    VEC(u32) defined; /* symbols, in the order they were defined */
} ObjModule;

typedef struct ObjData {
    const u8 *bytes; /* NULL: zeros */
    u64 size_bytes;
    u32 align_bytes;
    u8 kind; /* OBJ_READONLY, OBJ_WRITABLE, OBJ_TLS */
    const ObjReloc *relocs;
    u32 num_relocs;
} ObjData;

enum { OBJ_ALIGN_MAX = 4096 };

void dv_obj_init(ObjModule *module, const NativeTarget *target, Arena *arena);
/* The number of the symbol of that name, made if there is none. */
u32 dv_obj_symbol(ObjModule *module, Str name);
/* A name of CLIF as linkers know it: %name as it is, u1:2 as u1_2, a library function by its name in C. */
Str dv_obj_name(Arena *arena, const ExtName *name);
/* Says what a name is. Declared again it keeps the linkage that is not OBJ_IMPORT. False, with the reason, if it was
 * declared as something else. */
bool dv_obj_declare(ObjModule *module, Str name, ObjKind kind, ObjLinkage linkage, Diag *diag,
                    u32 *symbol);
/* Defines what was declared, with what is written for it: code, whose relocations name functions and data as CLIF does; or
 * data. False, with the reason, if it is defined already, or does not hold its relocations. */
bool dv_obj_define_code(ObjModule *module, u32 symbol, const MachCode *code, Diag *diag);
bool dv_obj_define_data(ObjModule *module, u32 symbol, const ObjData *data, Diag *diag);
/* False, with the reason, if a symbol is declared local or exported and defined nowhere, or has no name that can be. */
bool dv_obj_check(const ObjModule *module, Diag *diag);

#endif
