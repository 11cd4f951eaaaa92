/* native_vm.h - the store and the instance that the native engine runs WebAssembly's entities of a CLIF file in: what
 * rt/vmctx.h asks for, with helpers that do as the evaluator does.
 *
 * Functions are numbered as in the file; a reference is that number plus one. Objects are made by index, when they are
 * set up or first needed, after a declaration. */
#ifndef DV_TOOLS_NATIVE_VM_H
#define DV_TOOLS_NATIVE_VM_H

#include "codegen/ir/eval.h"
#include "codegen/ir/parse.h"
#include "rt/vmctx.h"

/* Calls by Wasm's function entities name functions so: this space, the number in the file. */
enum { NATIVE_VM_NAMES = 0x7fffffff };

typedef struct NativeVm NativeVm;

/* Stops the call that is under way: a trap, or, with TRAP_none, an error for that reason. Does not return. */
typedef void NativeVmStop(TrapCode trap, const char *reason);

typedef struct NativeVmOptions {
    bool is_static;   /* memories that can be */
    bool own_globals; /* globals are the instance's own, else imported */
    NativeVmStop *stop;
} NativeVmOptions;

/* A file whose indices are too large gets a module that has none of them. Escapes when memory runs out. */
NativeVm *dv_native_vm_new(const ClifFile *file, Arena *arena, const NativeVmOptions *options);
void dv_native_vm_free(NativeVm *vm);
/* Makes a copy of a function of the file ready to be compiled for it, and tells with what options: of shape and modes. */
void dv_native_vm_prepare(NativeVm *vm, Func *copy, VmOptions *out);
/* Where the code of a function is. */
void dv_native_vm_set_code(NativeVm *vm, u32 func, const u8 *code);
VmCtx *dv_native_vm_ctx(NativeVm *vm);

/* As those of engine.h that are called so. */
void dv_native_vm_reset(NativeVm *vm, const ClifFunc *owner);
bool dv_native_vm_set_memory(NativeVm *vm, u32 index, u64 bytes);
u8 *dv_native_vm_memory(NativeVm *vm, u32 index, u64 *bytes);
bool dv_native_vm_set_table(NativeVm *vm, u32 index, u64 elems);
u32 *dv_native_vm_table(NativeVm *vm, u32 index, u64 *elems);
bool dv_native_vm_set_global(NativeVm *vm, u32 index, EvalValue value);
bool dv_native_vm_global(NativeVm *vm, u32 index, EvalValue *value);
bool dv_native_vm_set_data(NativeVm *vm, u32 index, const u8 *bytes, u64 len);
bool dv_native_vm_set_elem(NativeVm *vm, u32 index, const u32 *refs, u64 len);
u32 dv_native_vm_func_ref(NativeVm *vm, const ClifFunc *f);
/* Before each call of the function: what it declares and nobody set up is there then. False if it cannot be. */
bool dv_native_vm_enter(NativeVm *vm, const ClifFunc *f);
u64 dv_native_vm_fuel_used(const NativeVm *vm);

#endif
