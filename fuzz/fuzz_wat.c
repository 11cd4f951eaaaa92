/* fuzz_wat.c - any text is a module or is refused with a reason and a place, and so it is as a
 * script. What is a module and can be decoded prints, flat and folded, as text that is a module
 * again, encoded as we do; printing that one gives its bytes back exactly. */
#include "fuzz/fuzz.h"

#include "wasm/format/text.h"

static bool compile(Arena *arena, Str text, ByteBuf *out, WatPlaces *places)
{
    Diag diag;
    dv_diag_init(&diag, arena);
    dv_bytebuf_init(out, arena);
    bool ok = dv_wat_to_binary(arena, text, out, places, &diag);
    fuzz_expect(ok == dv_diag_ok(&diag), "the verdict and the messages differ",
                ok ? "good" : "bad");
    if (!ok) {
        const DiagMessage *first = dv_diag_first(&diag);
        fuzz_expect(first->line != 0 && first->column != 0 && first->text[0] != '\0',
                    "an error without a place", first->text);
    }
    return ok;
}

/* False if the module cannot be printed, as its bodies are not well formed. */
static bool print(Arena *arena, const ByteBuf *module, bool folded, Str *out)
{
    Diag diag;
    TextBuf text;
    WatPrintOptions options = {folded, false};
    dv_diag_init(&diag, arena);
    dv_text_init(&text, arena);
    bool ok = dv_wat_print(arena, module->data, module->len, &options, &text, &diag);
    *out = (Str){text.data, (u32)text.length};
    return ok;
}

static void check_print(Arena *arena, const ByteBuf *module, bool folded)
{
    Str first;
    Str second;
    ByteBuf canonical;
    ByteBuf again;
    if (!print(arena, module, folded, &first)) {
        return;
    }
    fuzz_expect(compile(arena, first, &canonical, NULL), "the printed text does not parse",
                first.data);
    fuzz_expect(print(arena, &canonical, folded, &second), "the second print fails", first.data);
    fuzz_expect(compile(arena, second, &again, NULL), "the second print does not parse",
                second.data);
    fuzz_expect(again.len == canonical.len && memcmp(again.data, canonical.data, again.len) == 0,
                "the bytes differ of", second.data);
}

static void check_places(const WatPlaces *places, usize size)
{
    for (u32 i = 0; i < places->rows.len; i++) {
        const WatPlace *row = &places->rows.data[i];
        fuzz_expect(row->offset < size && row->line != 0 && row->column != 0, "a wrong place", "");
        fuzz_expect(i == 0 || row[-1].offset <= row->offset, "places are not sorted", "");
    }
}

static void check_text(Arena *arena, const u8 *data, usize size)
{
    Str text = {(const char *)data, (u32)size};
    WastCommand *commands;
    u32 count;
    Diag diag;
    ByteBuf module;
    WatPlaces places = {0};
    dv_diag_init(&diag, arena);
    bool ok = dv_wast_parse(arena, text, &commands, &count, &diag);
    fuzz_expect(ok == dv_diag_ok(&diag), "a script's verdict and messages differ", "");
    if (!compile(arena, text, &module, &places)) {
        return;
    }
    WasmModule decoded;
    DecodeOptions options = {.features = FEATURES_ALL};
    check_places(&places, module.len);
    if (module.len == 0) {
        return; /* (module binary) */
    }
    if (dv_wasm_decode(arena, module.data, module.len, &options, &decoded, &diag, NULL)) {
        check_print(arena, &module, false);
        check_print(arena, &module, true);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= UINT32_MAX) {
        fuzz_run(check_text, data, size);
    }
    return 0;
}
