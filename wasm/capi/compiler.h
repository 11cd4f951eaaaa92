/* compiler.h - what the C API asks of the compiler. It stands apart because the compiler's headers and wasm.h have names in
 * common, and because a runtime without the compiler has another file behind it. */
#ifndef DV_CAPI_COMPILER_H
#define DV_CAPI_COMPILER_H

#include "base/bytes.h"
#include "wasm/format/wasm.h"

typedef enum CompileEngine { COMPILE_AUTO, COMPILE_PULLEY, COMPILE_NATIVE } CompileEngine;

typedef struct CompileSettings {
    Features features;
    u8 engine;      /* CompileEngine */
    bool no_guards; /* native code compares instead */
    bool metered;
    bool fast;
    bool strip;
} CompileSettings;

/* ---- compile.c; in libdavit-vm, no_compile.c ---- */

/* Compiles a module that dv_wasm_decode has read; appends the artifact to `out`. False after an error in *diag; escapes when
 * memory runs out. */
bool dv_capi_compile(WasmModule *module, const CompileSettings *settings, Arena *scratch,
                     ByteBuf *out, Diag *diag);

#endif
