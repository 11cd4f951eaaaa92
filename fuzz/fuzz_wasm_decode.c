/* fuzz_wasm_decode.c - any bytes as a module are decoded and validated, or refused with a message,
 * a place in the module and, where a feature is off, its name; and what the declarations say lies
 * within the module.
 *
 * Byte 0: 0 all features, 1 none, 2 those of 3.0, else all but one. The rest is a module; its first
 * eight bytes are taken as right.
 */
#include "fuzz/fuzz.h"
#include "wasm/format/wasm.h"

static Features features_of(u8 byte)
{
    switch (byte) {
    case 0:
        return FEATURES_ALL;
    case 1:
        return FEATURES_NONE;
    case 2:
        return dv_wasm_features_3_0();
    default:
        return FEATURES_ALL & ~((Features)1 << byte % FEATURE_COUNT);
    }
}

static void expect_span(const WasmModule *m, Span span)
{
    fuzz_expect(span.offset <= m->size && span.size <= m->size - span.offset,
                "a span lies outside of the module", "");
}

static void check_module(const WasmModule *m)
{
    fuzz_expect((m->used & ~m->features) == 0, "a feature that is off is used", "");
    for (u32 i = 0; i < m->types.len; i++) {
        const SubType *type = &m->types.data[i];
        fuzz_expect(type->canonical <= i &&
                        m->types.data[type->canonical].canonical == type->canonical,
                    "a canonical type is not the first of its kind", "");
        fuzz_expect(
            dv_wasm_is_subtype(m, VT_REF | i, VT_REF | type->canonical) &&
                (!type->has_super || dv_wasm_is_subtype(m, VT_REF | i, VT_REF | type->super)),
            "a type is not below itself or its supertype", "");
    }
    for (u32 i = 0; i < m->codes.len; i++) {
        expect_span(m, m->codes.data[i].body);
    }
    for (u32 i = 0; i < m->datas.len; i++) {
        expect_span(m, m->datas.data[i].bytes);
        expect_span(m, m->datas.data[i].offset);
    }
    for (u32 i = 0; i < m->elems.len; i++) {
        expect_span(m, m->elems.data[i].items);
        expect_span(m, m->elems.data[i].offset);
    }
    for (u32 i = 0; i < m->customs.len; i++) {
        expect_span(m, m->customs.data[i].bytes);
    }
    for (u32 i = 1; i < m->func_names.len; i++) {
        fuzz_expect(m->func_names.data[i - 1].index < m->func_names.data[i].index,
                    "names are not in order", "");
    }
}

static void decode(Arena *arena, const u8 *data, usize size)
{
    u8 *bytes = dv_arena_alloc(arena, size + 7, 1);
    memcpy(bytes, "\0asm\1\0\0", 7);
    memcpy(bytes + 7, data, size);
    bytes[7] = 0;
    Diag diag;
    dv_diag_init(&diag, arena);
    WasmModule m;
    WasmError error = {.missing = FEATURE_COUNT};
    DecodeOptions options = {.features = features_of(data[0])};
    bool ok = dv_wasm_decode(arena, bytes, size + 7, &options, &m, &diag, &error);
    if (ok) {
        check_module(&m);
        ok = dv_wasm_validate(arena, &m, &diag, &error);
    }
    fuzz_expect(ok == dv_diag_ok(&diag), "the verdict and the message differ", "");
    if (ok) {
        check_module(&m);
        return;
    }
    const char *message = dv_diag_first(&diag)->text;
    fuzz_expect(error.offset <= size + 7, "an error lies outside of the module", message);
    fuzz_expect(error.missing == FEATURE_COUNT || (options.features >> error.missing & 1) == 0,
                "a feature that is on is said to be off", message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 1) {
        fuzz_run(decode, data, size);
    }
    return 0;
}
