/* compile_wasm.c - Wasm to an artifact, to bytecode as text, or to CLIF. */
#include "tools/compile_wasm.h"

#include <stdio.h>

#include "codegen/ir/print.h"

static int write_text(Command *command, const WasmInput *input, const WasmCompileRequest *request,
                      const TextBuf *text)
{
    IoBytes bytes = {(const u8 *)text->data, text->length};
    return dv_wasm_output_write(command, "compile", input->path,
                                request->out == NULL ? "-" : request->out, bytes);
}

static int emit_clif(Command *command, const WasmInput *input, const WasmCompileRequest *request)
{
    WasmModule module;
    WasmError error = {.missing = FEATURE_COUNT};
    Diag diag;
    TextBuf text;
    Arena work;
    DecodeOptions decode = {.features = request->options.features};
    if (!dv_wasm_input_decode(command, "compile", input, &decode, &module)) {
        return EXIT_FAILED;
    }
    dv_text_init(&text, command->arena);
    dv_diag_init(&diag, command->arena);
    dv_arena_init(&work, command->arena->pool);
    Validator v = {.module = &module, .arena = command->arena, .diag = &diag};
    bool ok = true;
    for (u32 i = 0; i < module.codes.len && ok; i++) {
        Func *f = ARENA_NEW(&work, Func);
        ok = dv_wasm_translate(&v, i, &request->options, &work, f);
        if (ok) {
            dv_text_str(&text, i == 0 ? "" : "\n");
            dv_print_func(&text, f);
        }
        dv_arena_release(&work);
    }
    if (!ok) {
        dv_wasm_input_refuse("compile", input, &diag, &error);
        return EXIT_FAILED;
    }
    return write_text(command, input, request, &text);
}

static int emit_asm(Command *command, const WasmInput *input, const ByteBuf *artifact,
                    const WasmCompileRequest *request)
{
    RtModule *module;
    RtError error;
    TextBuf text;
    if (dv_rt_module_load(NULL, artifact->data, artifact->len, RT_LOAD_IN_PLACE, &module, &error) !=
        DAVIT_OK) {
        fprintf(stderr, "davit compile: %s\n", error.message);
        return EXIT_FAILED;
    }
    dv_text_init(&text, command->arena);
    dv_pulley_print_module(&text, dv_rt_module_code(module));
    dv_rt_module_release(module);
    return write_text(command, input, request, &text);
}

int dv_compile_wasm(Command *command, const WasmInput *input, const WasmCompileRequest *request)
{
    WasmCompileStats stats = {0};
    ByteBuf artifact;
    if (input->kind == FILE_ARTIFACT) {
        fprintf(stderr, "davit compile: %s is compiled already\n", input->path);
        return EXIT_FAILED;
    }
    if (strcmp(request->emit, "clif") == 0) {
        return emit_clif(command, input, request);
    }
    dv_bytebuf_init(&artifact, command->arena);
    if (!dv_wasm_input_compile(command, "compile", input, &request->options, &artifact, &stats)) {
        return EXIT_FAILED;
    }
    if (request->stats) {
        fprintf(stderr,
                "%" PRIu64 " functions, %" PRIu64 " bytes of Wasm, %" PRIu64
                " CLIF instructions, %" PRIu64 " bytes of code",
                stats.funcs, stats.wasm_bytes, stats.clif_insts, stats.code_bytes);
        dv_wasm_print_fallbacks(&stats);
    }
    if (strcmp(request->emit, "asm") == 0) {
        return emit_asm(command, input, &artifact, request);
    }
    const char *out = request->out != NULL
                          ? request->out
                          : dv_wasm_output_path(command->arena, input->path, ".dvt");
    return dv_wasm_output_write(command, "compile", input->path, out,
                                (IoBytes){artifact.data, artifact.len});
}
