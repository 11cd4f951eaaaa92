/* wasm_compile.h - WebAssembly to artifacts: each function is validated and translated to CLIF in one pass over its body, then compiled
 * by codegen's pipeline; all together are linked and written as a .dvt file (wasm/runtime/artifact.h).
 */
#ifndef DV_WASM_COMPILE_H
#define DV_WASM_COMPILE_H

#include "codegen/compile.h"
#include "wasm/format/wasm.h"

typedef struct WasmCompileOptions {
    Features features;
    bool metered;       /* fuel is counted */
    bool fast;          /* -O0: the fast allocator */
    bool strip;         /* no source map, no custom sections */
    bool verify;        /* IR verifier and allocation checker (always in debug builds) */
    const char *target; /* "pulley"; "x86_64" */
    u32 cpu;            /* of x86_64: features beyond the baseline that the code may use */
    bool
        checked; /* of x86_64: accesses of memory are compared with its size; guard pages are not relied upon */
    bool
        no_spectre_guards; /* of x86_64: nothing stands against speculation past comparisons of bounds */
    bool or_bytecode;      /* what cannot be compiled for the target becomes bytecode */
    u32 jobs;              /* threads that compile functions; 0: one. The artifact is the same */
    /* Called after each function, of which so many are done, by the thread that did it, but by one at a time; or NULL. */
    void (*on_progress)(void *context, u32 done, u32 all);
    void *progress_context;
} WasmCompileOptions;

/* What compiling did, for --stats. */
typedef struct WasmCompileStats {
    u64 funcs, wasm_bytes, clif_insts, code_bytes, fast_fallbacks;
} WasmCompileStats;

/* Compiles a module that dv_wasm_decode has read. The artifact is appended to `out`. Work memory is of `scratch`, which is given back.
 * False after an error in *diag and *error. Escapes when memory runs out. */
bool dv_wasm_compile(WasmModule *module, const WasmCompileOptions *options, Arena *scratch,
                     ByteBuf *out, WasmCompileStats *stats, Diag *diag, WasmError *error);
/* The CLIF of one function (imports not counted), validated; for --emit clif and tests. */
bool dv_wasm_translate(Validator *v, u32 func, const WasmCompileOptions *options, Arena *arena,
                       Func *out);

#endif
