/* wast_run.h - one script of the specification's test suite, executed. */
#ifndef DV_TOOLS_WAST_RUN_H
#define DV_TOOLS_WAST_RUN_H

#include "wasm/compile/wasm_compile.h"
#include "wasm/format/text.h"
#include "wasm/runtime/runtime.h"

typedef struct WastOptions {
    Features features;          /* of the folder */
    u32 form;                   /* InterpForm */
    bool guarded;               /* the store's memories have guard pages */
    WasmCompileOptions compile; /* its features are the folder's */
} WastOptions;

typedef struct WastNote {
    u32 line;
    u32 feature; /* Feature that a module needs and this version does not execute; FEATURE_COUNT: a failure */
    const char *text; /* what failed */
} WastNote;

/* Assertions are counted; other commands only when they fail. */
typedef struct WastOutput {
    u64 passed, failed, skipped;
    VEC(WastNote) notes;
    davit_status_t status; /* DAVIT_OK, or why the file was not run to its end */
} WastOutput;

/* The features that a file of the suite is to be run with, by the folder it lies in. */
Features dv_wast_features(const char *path);
/* Runs a script; what is reported lies in the arena. */
void dv_wast_run(Str text, const WastOptions *options, Arena *arena, Pool *pool, WastOutput *out);

#endif
