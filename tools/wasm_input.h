/* wasm_input.h - Wasm files as subcommands take them: binary, text or artifact, read, compiled, loaded. What is wrong with
 * one is said on standard error with its place: line and column of text, offset and function of a binary. */
#ifndef DV_TOOLS_WASM_INPUT_H
#define DV_TOOLS_WASM_INPUT_H

#include "base/io.h"
#include "tools/options.h"
#include "wasm/compile/wasm_compile.h"
#include "wasm/format/text.h"
#include "wasm/runtime/runtime.h"

typedef enum WasmFileKind { FILE_BINARY, FILE_TEXT, FILE_ARTIFACT, FILE_CLIF } WasmFileKind;

typedef struct WasmInput {
    const char *path;
    u8 kind;         /* WasmFileKind */
    const u8 *bytes; /* of FILE_TEXT: the binary made of it */
    usize size;
    WatPlaces places; /* of FILE_TEXT */
} WasmInput;

/* Features that the words of --features ("all", "1.0", "3.0", "+simd", "-tail-call", several with commas) choose, on top of `from`. False
 * after saying which word is none. */
bool dv_wasm_read_features(Command *command, const char *name, const WordList *words,
                           Features *features);

/* Reads the file and tells by its content what it is; text becomes binary. CLIF stays unread. */
bool dv_wasm_input_read(Command *command, const char *name, const char *path, WasmInput *input);
/* Whether the content is CLIF, by the name of the file or its first bytes. */
bool dv_wasm_input_is_clif(const char *path, const u8 *bytes, usize size);
/* Decodes a binary, and says what is wrong with it. */
bool dv_wasm_input_decode(Command *command, const char *name, const WasmInput *input,
                          const DecodeOptions *options, WasmModule *module);
/* Says an error of decoding, validation or compilation, in one line. */
void dv_wasm_input_refuse(const char *name, const WasmInput *input, const Diag *diag,
                          const WasmError *error);
/* Compiles a binary to an artifact; without a number of threads in the options, large modules by all processors. When that takes long, a terminal shows how far it is. */
bool dv_wasm_input_compile(Command *command, const char *name, const WasmInput *input,
                           const WasmCompileOptions *options, ByteBuf *artifact,
                           WasmCompileStats *stats);
/* Loads the module, compiled if it is no artifact; flags: RT_LOAD_PERF_MAP or 0. NULL after saying why. */
RtModule *dv_wasm_input_load(Command *command, const char *name, const WasmInput *input, u32 flags,
                             const WasmCompileOptions *options, WasmCompileStats *stats);

/* How --engine and --memory are read: what to compile for, and whether stores are to be guarded. False after saying why it cannot be
 * had; `only_bytecode` names what only the interpreter does, or is NULL. */
bool dv_wasm_choose_engine(const char *name, const char *engine, const char *memory,
                           const char *only_bytecode, WasmCompileOptions *options, bool *guarded);

/* Ends the line of --stats with the functions that the main allocator had to give up; on standard error. */
void dv_wasm_print_fallbacks(const WasmCompileStats *stats);

/* The name that an output beside the input has: with this ending instead of its own; "-" for "-". */
const char *dv_wasm_output_path(Arena *arena, const char *path, const char *ending);
/* Writes a file; never over the input it was made of. Gives the exit status, after saying what failed. */
int dv_wasm_output_write(Command *command, const char *name, const char *input_path,
                         const char *path, IoBytes bytes);

#endif
