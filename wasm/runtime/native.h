/* native.h - machine code of modules: in memory that can be executed, bound to instances, entered, left, and stopped by traps.
 *
 * Works on the interpreter's objects (Interp, InterpInstance, InterpFunc), so that it serves whoever has those. A native
 * function is a function of the host to the interpreter; functions of the host and of bytecode are called by native code
 * through adapters of their type. rt/vmctx.h tells what code and runtime know of each other.
 */
#ifndef DV_WASM_RUNTIME_NATIVE_H
#define DV_WASM_RUNTIME_NATIVE_H

#include "interp/interp.h"
#include "rt/debugger.h"
#include "rt/exec.h"
#include "rt/registry.h"
#include "rt/vmctx.h"

/* A function's place in the code. With size 0 it is none of convention wasm, whose frames tell nothing of themselves. */
typedef struct NativeFunc {
    u32 offset, size_bytes;
} NativeFunc;

#define NATIVE_NO_CODE UINT32_MAX

/* Adapters of a function type: offsets in the code, NATIVE_NO_CODE if there is none. */
typedef struct NativeAdapter {
    u32 type; /* of the module */
    u32 enter, leave;
} NativeAdapter;

/* A module's machine code. Whoever makes one fills in the arrays, which stay where they are; offsets are in the code. */
typedef struct NativeCode {
    const NativeFunc *funcs; /* by function, imports not counted; offsets rise */
    u32 num_funcs;
    const NativeAdapter *adapters; /* types rise */
    u32 num_adapters;
    const CodeTrap *traps; /* offsets rise */
    u32 num_traps;
    const VmHandler *handlers; /* calls rise */
    u32 num_handlers;
    const VmPrologue *prologues; /* offsets rise; for loading only */
    u32 num_prologues;           /* 0: unwinders are told nothing */
    VmShape shape;
    const u8 *memory_modes; /* VmMemoryMode by memory; NULL: all dynamic */
    /* The rest is native.c's. */
    ExecMemory memory;
    CodeRange range;
    GdbEntry
        gdb; /* the file that dv_native_describe made, in the memory; bytes NULL: there is none */
} NativeCode;

/* Whether native code runs here: faults are caught, and the compiler that built this tells where frames are. */
bool dv_native_is_supported(void);
/* Copies the code to where it runs and registers it, with unwinders and debuggers, too, by the functions' names (NULL: they are
 * told none). False if there is no memory for that, or it cannot run here. What is allocated from the arena is needed
 * meanwhile only. */
bool dv_native_load(NativeCode *code, const u8 *bytes, u32 size_bytes, const Str *names,
                    Arena *arena);
void dv_native_unload(NativeCode *code);

/* The object file (describe.c) for that, of code that so many bytes in front of it begins. Its .eh_frame is right behind its header;
 * addresses count from the code. */
void dv_native_describe(const NativeCode *code, u32 size_bytes, u64 at, const Str *names,
                        ByteBuf *out);

/* Size of the block that dv_native_bind is given: for the vmctx, and whatever lies in front of it. */
usize dv_native_block_bytes(const NativeCode *code);
/* Where in that block the value of one of the instance's own globals lies, of VM_GLOBAL_BYTES. */
void *dv_native_global(const NativeCode *code, void *block, u32 own_global);
/* Makes the functions of the instance native. Its arrays of memories, tables, globals and imports are filled in, and no
 * function of it has been referred to; type_ids are those of the module's types. The zeroed block and the code live as
 * long as the Interp. DAVIT_ERROR_MEMORY; DAVIT_ERROR_UNSUPPORTED if a memory is not as the code wants it, or a function
 * of a type without adapters is imported. To be done again when memories are replaced by others. */
davit_status_t dv_native_bind(InterpInstance *instance, const NativeCode *code, const u32 *type_ids,
                              void *block);
/* Whether the function is one of a native instance; which instance that is. NULL: it is none. */
InterpInstance *dv_native_instance_of(const InterpFunc *func);

#endif
