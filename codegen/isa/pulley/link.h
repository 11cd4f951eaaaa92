/* link.h - compiled functions to a module of Pulley.
 *
 * Functions of the module are numbered in the order they are added. A name that no function has is an import (called) or a
 * symbol of the host program (its address taken). Entities keep the index that their declarations tell; two functions that
 * declare one entity differently cannot be linked. Of functions of one name the last one is called by it.
 *
 * A function has the type that the first function entity with its name says, or else that of its own signature. A
 * module is sandboxed if none of its operations is raw. Debug builds verify what was made.
 */
#ifndef DV_ISA_PULLEY_LINK_H
#define DV_ISA_PULLEY_LINK_H

#include "codegen/isa/isa.h"
#include "pulley/pulley.h"

/* Relocations. Each is about the instruction that starts at its offset. */
typedef enum PulReloc {
    PUL_RELOC_CALL, /* call, call_far: a function of this module; a call becomes call_number if it does not reach it */
    PUL_RELOC_CALL_ANY, /* call_import: becomes call_far, which has the same shape, if the name is a function of this
                           module */
    PUL_RELOC_TAIL, /* return_call, return_call_big: a function of this module */
    PUL_RELOC_TAIL_ANY, /* return_call_import: becomes return_call_big, which has the same shape; without frame memory,
                           return_call, and a trap in the word that is left */
    PUL_RELOC_ENTITY, /* func_addr, ref_func: a function, by its number among all, imports first */
    PUL_RELOC_TYPE,   /* a function type: of PUL_ENTITY_SIG or PUL_ENTITY_TYPE */
    PUL_RELOC_SYMBOL  /* symbol_addr, tls_addr: a symbol of the host program */
} PulReloc;

/* entity_kind of the symbols of PUL_RELOC_TYPE; index is the number in the preamble of the function. */
enum { PUL_ENTITY_SIG, PUL_ENTITY_TYPE };

/* A type of the module as a key: equal keys are one type. Signatures and wasm types never are. */
typedef struct PulTypeKey {
    u8 kind;          /* PUL_ENTITY_ */
    const Func *func; /* NULL: the signature without parameters and results */
    u32 index;        /* in the preamble of func; of a signature UINT32_MAX: func's own */
} PulTypeKey;

typedef struct PulModule {
    PulleyModule module;
    VEC(ExtName) funcs;   /* names of the functions */
    VEC(ExtName) imports; /* names, by import number */
    VEC(ExtName) symbols;
    VEC(PulTypeKey) types; /* by type of the module: where it was first met */
} PulModule;

/* The signature by which a function of this type is called: without parameters and results if the key's func is NULL. */
const Signature *dv_pul_type_signature(const PulTypeKey *key);

/* Everything lies in the arena; the functions must outlive the module, but for their code. False after an error in *diag. */
bool dv_pul_link(const Isa *isa, const CompiledFunc *const *funcs, u32 count, Arena *arena,
                 Diag *diag, PulModule *out);

#endif
