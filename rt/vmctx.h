/* vmctx.h - the contract between native WebAssembly code and the runtime: offsets in a vmctx and what it leads to, the
 * modes of memories, the helpers. Compiler and runtime include this, and nothing of each other.
 *
 * A vmctx is an instance as its code sees it: parameter 0 of every function of convention wasm. Its header has fixed
 * offsets; where the arrays behind it are depends on how many entities the module has, its VmShape. */
#ifndef DV_RT_VMCTX_H
#define DV_RT_VMCTX_H

#include "base/base.h"

typedef struct VmCtx VmCtx;

enum {
    VM_VERSION = 5, /* of all this: to be raised with every change */
    VM_PTR = 8,
    VM_HEADER_BYTES = 24,
    VM_MEMORY_REF_BYTES = 16,
    VM_IMPORT_BYTES = 16,
    VM_GLOBAL_BYTES = 64,
    VM_ALIGN = 64, /* of a vmctx */
    /* Frames are chained by frame pointers. So far from its own a function of convention wasm that calls anything keeps the
     * vmctx which it was called with. */
    VM_FRAME_CONTEXT = -8
};

/* Offsets: VM_state_fuel, VM_func_code and so on. */
enum {
#define VM_FIELD(structure, field, offset, bytes) VM_##structure##_##field = (offset),
#include "rt/vmctx.def"
    VM_FIELD_END
};

/* How many of each a module has. Functions and globals imported come before its own; memories and tables are counted
 * together. */
typedef struct VmShape {
    u32 num_imports, num_memories, num_tables, num_imported_globals, num_globals, num_types;
} VmShape;

typedef struct VmLayout {
    /* Offsets of the arrays. */
#define VM_ARRAY(array, count, stride, align) u64 array;
#include "rt/vmctx.def"
    u64 size_bytes; /* a multiple of VM_ALIGN */
} VmLayout;

/* ---- memories ---- */

/* How code is compiled to access a memory, a property of the memory's declaration and of what the host can do. */
typedef enum VmMemoryMode {
    /* Bounds are compared with length_bytes; length and base are loaded each time. */
    VM_MEMORY_DYNAMIC,
    /* The base never moves, VM_STATIC_RESERVE_BYTES from there are reserved and VM_STATIC_GUARD_BYTES behind them;
     * what is beyond the length faults. Only for 32-bit indices, and pages of 4 KiB or more. */
    VM_MEMORY_STATIC
} VmMemoryMode;

enum { VM_STATIC_PAGE_MIN = 4096 };
#define VM_STATIC_RESERVE_BYTES ((u64)4 << 30)
#define VM_STATIC_GUARD_BYTES ((u64)2 << 30)

/* What the compiler is told about a module. */
typedef struct VmOptions {
    VmShape shape;
    const u8 *memory_modes; /* VmMemoryMode by memory index; NULL: all are dynamic */
    bool polls;             /* loops look at state.poll */
    bool stack_checks;      /* functions look at state.stack_limit */
} VmOptions;

/* ---- exceptions ---- */

typedef enum VmHandlerKind {
    VM_HANDLER_TAG, /* takes exceptions of the instance's tag `value` */
    VM_HANDLER_ALL, /* takes every one */
    VM_HANDLER_CONTEXT /* takes none: 8 bytes, `value` above the stack pointer, have the context of those that the tags
                          behind it take */
} VmHandlerKind;

/* What happens to an exception that a call ends in: its handlers are tried in order. The one that takes it is gone on at with
 * the frame pointer of the function, and as nothing else lasts, the handle in the first register of exceptions and 0 in
 * the second (x86-64: rax, rdx). */
typedef struct VmHandler {
    u32 call;        /* where it returns to; rises */
    u32 frame_bytes; /* from the stack pointer there to the frame pointer */
    u32 kind;        /* VmHandlerKind */
    u32 value;
    u32 target; /* where to go on; 0 of VM_HANDLER_CONTEXT */
} VmHandler;

enum { VM_FRAME_BYTES_MAX = 1 << 30 };

/* ---- frames ---- */

/* How code begins, a function or an adapter, as unwinders are told of it. Nothing ends a frame but the function's end. */
typedef struct VmPrologue {
    u32 offset; /* where the function begins: it ends where the next one does; rises */
    u32 framed; /* bytes from there to behind the push of the frame pointer, which is set by the next instruction */
    u32 kept;  /* and to behind the last push of other registers */
    u16 regs;  /* those: a set by number; the lowest is highest on the stack, */
    u16 words; /* below so many words under the frame pointer */
} VmPrologue;

enum { VM_SET_FRAME_BYTES = 3, VM_PROLOGUE_WORDS_MAX = 1 };

/* ---- helpers ---- */

typedef enum VmHelper {
#define HELPER(name, result, params) VM_HELPER_##name,
#include "rt/vm_helpers.def"
    VM_HELPER_COUNT
} VmHelper;

enum { VM_HELPER_PARAMS_MAX = 6 };

typedef struct VmHelperInfo {
    const char *name;
    u8 result_bits; /* 0, 32, 64 */
    u8 num_params;  /* the vmctx included */
    u8 param_bits[VM_HELPER_PARAMS_MAX];
} VmHelperInfo;

/* ---- vmctx.c ---- */

void dv_vmctx_layout(const VmShape *shape, VmLayout *out);
/* Of a helper: C types u32, u64 and pointers as bits. */
VmHelperInfo dv_vm_helper_info(VmHelper helper);

#endif
