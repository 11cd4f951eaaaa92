/* compile_wasm.h - Wasm as `davit compile` takes it. */
#ifndef DV_TOOLS_COMPILE_WASM_H
#define DV_TOOLS_COMPILE_WASM_H

#include "tools/wasm_input.h"

typedef struct WasmCompileRequest {
    const char *out;  /* NULL: beside the input; "-": standard output */
    const char *emit; /* "artifact", "asm", "clif" */
    bool stats;
    WasmCompileOptions options;
} WasmCompileRequest;

/* compile_wasm.c: compiles what was read; gives the exit status. */
int dv_compile_wasm(Command *command, const WasmInput *input, const WasmCompileRequest *request);

#endif
