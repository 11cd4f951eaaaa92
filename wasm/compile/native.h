/* native.h - what compiling a module to machine code needs besides its functions: what its functions are told of it, adapters
 * between calling conventions, and one block of code that runs wherever it lies. rt/vmctx.h has the contract with the runtime. */
#ifndef DV_WASM_COMPILE_NATIVE_H
#define DV_WASM_COMPILE_NATIVE_H

#include "codegen/isa/isa.h"
#include "rt/vmctx.h"
#include "wasm/format/wasm.h"

/* ---- adapter.c ---- */

/* Whether a type of the module has adapters: function types of scalars, of types that are the same only the first. */
bool dv_adapter_is_for(const WasmModule *module, u32 type);
/* Into native code, of convention system_v, for C: enter(code, ctx, slots) calls the code with ctx in front of the
 * arguments, which lie in slots of 8 bytes; results are put there. */
void dv_adapter_enter(const WasmModule *module, u32 type, Arena *arena, Func *out);
/* Out of it, of convention wasm: its ctx is a func of rt/vmctx.def, whose array_call(func, slots) is called in the
 * same way. */
void dv_adapter_leave(const WasmModule *module, u32 type, Arena *arena, Func *out);

/* ---- native.c ---- */

/* What functions of the module are compiled with; lies in the arena. */
const VmOptions *dv_native_vm_options(const WasmModule *module, bool checked, Arena *arena);

/* Types with adapters, in order. */
typedef VEC(u32) NativeTypes;

typedef struct NativeParts {
    const WasmModule *module;
    const VmOptions *vm;
    u64 features;                     /* of the processor */
    const CompiledFunc *const *funcs; /* the module's own, then enter and leave of each type */
    NativeTypes types;
} NativeParts;

typedef struct NativeTrap {
    u32 offset, code;
} NativeTrap;

typedef VEC(VmHandler) NativeHandlers;

/* Functions and adapters laid out, calls among them resolved. */
typedef struct NativeLinked {
    ByteBuf code;
    u32 *offsets; /* by function of NativeParts */
    VEC(NativeTrap) traps;
    NativeHandlers handlers;
    VmPrologue *prologues; /* by function of NativeParts */
} NativeLinked;

/* Adds the handlers of a function whose code begins at the offset; their tags are the module's. */
void dv_native_add_handlers(const MachCode *code, u32 offset, Arena *arena, NativeHandlers *out);
/* Makes tags of handlers, which are the function's, those of the module. */
void dv_native_resolve_tags(MachCode *code, const Func *f);

/* Everything lies in the arena. False after an error in *diag. */
bool dv_native_link(const NativeParts *parts, Arena *arena, Diag *diag, NativeLinked *out);

#endif
