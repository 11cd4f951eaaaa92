/* artifact.h - the file format of compiled modules (.dvt): what the compiler writes and the runtime reads.
 *
 * All numbers are little-endian. A header, then sections one after the other, each aligned to 16 bytes from the start of the file:
 *
 *   header    magic "\0dvt", u32 version (of this format and of the bytecode), u32 section count, u32 flags,
 *             u64 features used, u64 hash of everything behind the header; per section {u32 kind, u32 offset, u32 size, u32 count}
 *   META      the Wasm module without its code section, as dv_wasm_decode reads it with `without_code`
 *   TYPES     of the bytecode module: {u32 args, u32 results, u32 Wasm type}
 *   FUNCS     per function: {u32 code, size, type, frame, window, first_handler, handler_count}
 *   HANDLERS  {u32 call, target, value, kind}
 *   IMPORTS   functions that the bytecode imports: {u32 type, u32 Wasm function}
 *   CODE      bytecode with little-endian immediates
 *   SOURCES   optional: where instructions come from, see source map below; may be stripped
 *
 * An artifact of native code (flag ARTIFACT_NATIVE) has META and SOURCES as above, but TYPES to CODE are not there. Instead:
 *
 *   NATIVE          {u32 target, u32 version of rt/vmctx.h, u64 processor features that the code needs}, then per memory
 *                   of the module a u32 ArtifactMemoryMode; count: of memories
 *   NATIVE_FUNCS    per function (imports not counted): {u32 offset, u32 size} in NATIVE_CODE
 *   NATIVE_TRAPS    {u32 offset, u32 code}: what a fault of the instruction there means; offsets rise
 *   NATIVE_HANDLERS {u32 call, u32 frame, u32 kind, u32 value, u32 target}, a VmHandler of rt/vmctx.h with offsets in
 *                   NATIVE_CODE; calls rise, of one call they are in the order in which they are tried
 *   NATIVE_ADAPTERS per function type that adapters are there for: {u32 Wasm type, u32 enter, u32 leave}, offsets in
 *                   NATIVE_CODE (UINT32_MAX: none); types rise, of types that are the same only the first has a row
 *   NATIVE_CODE     machine code that runs wherever it lies
 *   NATIVE_PROLOGUES optional: per function and adapter {u32 offset, u32 framed, u32 kept, u16 regs, u16 words}, a VmPrologue
 *                   of rt/vmctx.h with offsets in NATIVE_CODE, which rise
 *
 * Adapters are told in docs/wasm.md. Native code cannot be verified: what it claims is checked for staying inside of the
 * tables, what it does is not. Such an artifact is loaded only by who says that it is trusted.
 *
 * Memories, tables, globals, tags and segments of the bytecode module are those of META. The whole is hostile input to the loader.
 */
#ifndef DV_WASM_RUNTIME_ARTIFACT_H
#define DV_WASM_RUNTIME_ARTIFACT_H

#include "base/bytes.h"
#include "pulley/pulley.h"

#define ARTIFACT_MAGIC "\0dvt"
enum {
    ARTIFACT_FORMAT = 1,
    ARTIFACT_VERSION = ARTIFACT_FORMAT << 16 | PULLEY_VERSION,
    ARTIFACT_HEADER_BYTES = 32, /* before the sections' rows */
    ARTIFACT_ROW_BYTES = 16,
    ARTIFACT_ALIGN = 16
};

typedef enum ArtifactSection {
    ARTIFACT_META = 1,
    ARTIFACT_TYPES,
    ARTIFACT_FUNCS,
    ARTIFACT_HANDLERS,
    ARTIFACT_IMPORTS,
    ARTIFACT_CODE,
    ARTIFACT_SOURCES,
    ARTIFACT_NATIVE_HEAD,
    ARTIFACT_NATIVE_FUNCS,
    ARTIFACT_NATIVE_TRAPS,
    ARTIFACT_NATIVE_HANDLERS,
    ARTIFACT_NATIVE_ADAPTERS,
    ARTIFACT_NATIVE_CODE,
    ARTIFACT_NATIVE_PROLOGUES,
    ARTIFACT_SECTION_COUNT
} ArtifactSection;

enum { ARTIFACT_METERED = 1, ARTIFACT_NATIVE = 2 }; /* flags */

/* Processor and conventions of native code. */
typedef enum ArtifactTarget { ARTIFACT_X64 = 1 } ArtifactTarget;

/* How native code gets at a memory: with a bound read at each access, or relying on what is not the memory's within
 * 6 GiB of its base being inaccessible. */
typedef enum ArtifactMemoryMode {
    ARTIFACT_MEMORY_DYNAMIC,
    ARTIFACT_MEMORY_STATIC
} ArtifactMemoryMode;

enum {
    ARTIFACT_TYPE_BYTES = 12,
    ARTIFACT_FUNC_BYTES = 28,
    ARTIFACT_HANDLER_BYTES = 16,
    ARTIFACT_IMPORT_BYTES = 8,
    ARTIFACT_NATIVE_HEAD_BYTES = 16, /* before the modes, */
    ARTIFACT_MEMORY_MODE_BYTES = 4,  /* each of which has these */
    ARTIFACT_NATIVE_FUNC_BYTES = 8,
    ARTIFACT_NATIVE_TRAP_BYTES = 8,
    ARTIFACT_NATIVE_HANDLER_BYTES = 20,
    ARTIFACT_ADAPTER_BYTES = 12,
    ARTIFACT_PROLOGUE_BYTES = 16
};

/* The hash in the header: FNV-1a of 64 bits over little-endian 8-byte words, the last padded with zeros. */
static inline u64 artifact_hash(const u8 *bytes, usize size)
{
    u64 h = 0xcbf29ce484222325u;
    while (size >= 8) {
        h = (h ^ load_le64(bytes)) * 0x100000001b3u;
        bytes += 8;
        size -= 8;
    }
    u8 last[8] = {0};
    memcpy(last, bytes, size);
    return (h ^ load_le64(last)) * 0x100000001b3u;
}

/* Source map: per function a u32 offset into the rest (function count + 1 of them), then runs of pairs of LEB128
 * numbers: how far the code offset went on, in words of bytecode or bytes of native code, and by how much the Wasm offset changed (signed), from the function's
 * first instruction and 0. The first run names the function's body. Offsets are in the Wasm binary that was compiled. */

#endif
