/* wasm_compile_testing.h - what the tests of wasm/compile share: modules from text or bytes, their CLIF, their artifacts. */
#ifndef DV_WASM_COMPILE_TESTING_H
#define DV_WASM_COMPILE_TESTING_H

#include "clif_testing.h"

#include "codegen/ir/verify.h"
#include "wasm/compile/wasm_compile.h"
#include "wasm/format/text.h"
#include "wasm/runtime/artifact.h"

static const WasmCompileOptions plain_options = {.target = "pulley", .verify = true};

/* The module of this binary, which must be well formed. */
static inline WasmModule *decode_bytes(Fixture *x, const u8 *bytes, usize size, Features features)
{
    WasmModule *m = ARENA_NEW(&x->arena, WasmModule);
    DecodeOptions options = {.features = features};
    Diag diag;
    WasmError error;
    dv_diag_init(&diag, &x->arena);
    if (!dv_wasm_decode(&x->arena, bytes, size, &options, m, &diag, &error)) {
        fail_msg("%s", dv_diag_first(&diag)->text);
    }
    return m;
}

static inline WasmModule *decode_text(Fixture *x, const char *text, Features features)
{
    ByteBuf binary;
    Diag diag;
    dv_diag_init(&diag, &x->arena);
    dv_bytebuf_init(&binary, &x->arena);
    if (!dv_wat_to_binary(&x->arena, str_of(text), &binary, NULL, &diag)) {
        const DiagMessage *m = dv_diag_first(&diag);
        fail_msg("%u:%u: %s in:\n%.2000s", (unsigned)m->line, (unsigned)m->column, m->text, text);
    }
    return decode_bytes(x, binary.data, binary.len, features);
}

/* A function as CLIF, which must verify. */
static inline void translate_into(Fixture *x, WasmModule *m, u32 func,
                                  const WasmCompileOptions *options, Func *f)
{
    Diag diag;
    dv_diag_init(&diag, &x->arena);
    Validator v = {.module = m, .arena = &x->arena, .diag = &diag};
    if (!dv_wasm_translate(&v, func, options, &x->arena, f)) {
        fail_msg("%s", dv_diag_first(&diag)->text);
    }
    VerifyErrors errors = {0};
    VerifyOptions verify = {0};
    Work work = {0};
    if (!dv_verify(f, &x->arena, &verify, &errors, &work)) {
        TextBuf text;
        dv_text_init(&text, &x->arena);
        dv_print_func(&text, f);
        fail_msg("%s in:\n%.4000s", errors.list.data[0].text, text.data);
    }
}

/* All functions of the module as a file of CLIF that reads back the same. */
static inline const char *clif_of(Fixture *x, WasmModule *m, const WasmCompileOptions *options)
{
    TextBuf text;
    ClifFile file;
    dv_text_init(&text, &x->arena);
    for (u32 i = 0; i < m->codes.len; i++) {
        Func f;
        translate_into(x, m, i, options, &f);
        dv_print_func(&text, &f);
    }
    parse_good(&x->arena, (Str){text.data, (u32)text.length}, &file);
    Str again = print_all(&x->arena, &file);
    assert_true(str_equal(again, (Str){text.data, (u32)text.length}));
    return text.data;
}

/* The message why it cannot be compiled; NULL, and the artifact, if it can. */
static inline const char *compile_error(Fixture *x, WasmModule *m,
                                        const WasmCompileOptions *options, ByteBuf *out,
                                        WasmError *error)
{
    Arena scratch;
    WasmCompileStats stats;
    Diag diag;
    dv_diag_init(&diag, &x->arena);
    dv_bytebuf_init(out, &x->arena);
    dv_arena_init(&scratch, &x->pool);
    bool ok = dv_wasm_compile(m, options, &scratch, out, &stats, &diag, error);
    dv_arena_release(&scratch);
    assert_true(ok == dv_diag_ok(&diag));
    if (ok) {
        assert_int_equal(stats.funcs, m->codes.len);
    }
    return ok ? NULL : dv_diag_first(&diag)->text;
}

static inline ByteBuf compile_good(Fixture *x, WasmModule *m, const WasmCompileOptions *options)
{
    ByteBuf out;
    WasmError error;
    const char *why = compile_error(x, m, options, &out, &error);
    if (why != NULL) {
        fail_msg("%s", why);
    }
    return out;
}

/* With either allocator, metered or not. */
static inline void compile_all_ways(Fixture *x, WasmModule *m)
{
    for (u32 i = 0; i < 4; i++) {
        WasmCompileOptions options = plain_options;
        options.fast = (i & 1) != 0;
        options.metered = (i & 2) != 0;
        compile_good(x, m, &options);
    }
}

/* A section of an artifact. */
typedef struct Section {
    const u8 *data;
    u32 size, count;
} Section;

static inline Section section_of(const ByteBuf *artifact, ArtifactSection kind)
{
    u32 rows = load_le32(artifact->data + 8);
    for (u32 i = 0; i < rows; i++) {
        const u8 *row = artifact->data + ARTIFACT_HEADER_BYTES + (usize)i * ARTIFACT_ROW_BYTES;
        if (load_le32(row) == kind) {
            return (Section){artifact->data + load_le32(row + 4), load_le32(row + 8),
                             load_le32(row + 12)};
        }
    }
    return (Section){0};
}

#endif
