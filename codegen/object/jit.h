/* jit.h - a native module in this process's memory, ready to be called. */
#ifndef DV_OBJECT_JIT_H
#define DV_OBJECT_JIT_H

#include "codegen/object/module.h"
#include "rt/debugger.h"
#include "rt/exec.h"
#include "rt/tls.h"

/* The address of what the module does not define; NULL if there is none. The name ends with a NUL. */
typedef void *JitLookup(void *context, const char *name);

typedef struct JitOptions {
    JitLookup *lookup; /* NULL: there is nothing */
    void *context;
    const char *source; /* what debuggers call the file that the code comes from */
    bool perf_map;
} JitOptions;

/* Zeroed, nothing. */
typedef struct Jit {
    ExecMemory memory;
    const u8 *frames;
    GdbEntry gdb;
    TlsImage tls;
    bool has_tls; /* the image is entered */
    u64 *offsets; /* by symbol, of what is defined; thread-local data are in the image */
} Jit;

/* Whether code for the target runs here. */
bool dv_jit_is_host(const NativeTarget *target);
/* Places, links and seals. Otherwise, with the reason: DAVIT_ERROR_INVALID if a symbol is missing or out of reach, LIMIT if the
 * module is too large, MEMORY if there is none, UNSUPPORTED if this machine is not the target's. What the debugger reads
 * lies in the module's arena, which has to stay. */
davit_status_t dv_jit_link(Jit *jit, ObjModule *module, const JitOptions *options, Diag *diag);
/* Where a symbol that the module defines is; for thread-local data, in the calling thread. */
void *dv_jit_address(const Jit *jit, const ObjModule *module, u32 symbol);
/* The code must not be running. */
void dv_jit_free(Jit *jit);

#endif
