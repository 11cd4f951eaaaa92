/* artifact.h - writing compiled modules as wasm/runtime/artifact.h describes them. */
#ifndef DV_WASM_COMPILE_ARTIFACT_H
#define DV_WASM_COMPILE_ARTIFACT_H

#include "codegen/isa/pulley/link.h"
#include "wasm/compile/native.h"
#include "wasm/compile/wasm_compile.h"

/* Appends a function's part of the source map: what SOURCES has for it, with code offsets in this unit. Its body's offset in the Wasm
 * binary comes first; the first instruction stands for what none made. */
void dv_artifact_add_sources(ByteBuf *out, const MachCode *code, u32 body, u32 unit_bytes);

typedef struct ArtifactParts {
    const WasmModule *module;
    const PulModule *linked; /* little-endian code; NULL: machine code, as the next two tell */
    const NativeParts *native;
    const NativeLinked *native_linked;
    bool metered, strip;
    const Str *sources; /* by function: its part of the source map */
} ArtifactParts;

/* Appends the artifact. False after an error in *diag: it would have 4 GiB or more. */
bool dv_artifact_write(ByteBuf *out, const ArtifactParts *parts, Diag *diag);

#endif
