/* fuzz_pulley_asm.c - any text assembles or is refused with a reason and a place; what it assembles to, if its
 * declarations hold, prints as a text that assembles to the same code and prints the same. */
#include "fuzz/fuzz.h"
#include "pulley/pulley.h"

static Str print_text(Arena *arena, const PulleyModule *m)
{
    TextBuf text;
    dv_text_init(&text, arena);
    dv_pulley_print_module(&text, m);
    return (Str){text.data, (u32)text.length};
}

static void check_text(Arena *arena, const u8 *data, usize size)
{
    PulleyModule m;
    PulleyModule again;
    PulleyFault fault;
    Diag diag;
    bool big = size % 2 != 0;
    dv_diag_init(&diag, arena);
    bool ok = dv_pulley_assemble(arena, (Str){(const char *)data, (u32)size}, big, &m, &diag);
    fuzz_expect(ok == dv_diag_ok(&diag), "the verdict and the messages differ",
                ok ? "good" : "bad");
    if (!ok) {
        fuzz_expect(dv_diag_first(&diag)->line != 0, "an error without a place",
                    dv_diag_first(&diag)->text);
        return;
    }
    if (!dv_pulley_verify_module(&m, &fault)) {
        return;
    }
    Str text = print_text(arena, &m);
    fuzz_expect(dv_pulley_assemble(arena, text, big, &again, &diag),
                "the printed text does not assemble", text.data);
    fuzz_expect(again.code_size_bytes == m.code_size_bytes &&
                    (m.code_size_bytes == 0 || memcmp(again.code, m.code, m.code_size_bytes) == 0),
                "the text assembles to other bytes", text.data);
    Str second = print_text(arena, &again);
    fuzz_expect(text.len == second.len && memcmp(text.data, second.data, text.len) == 0,
                "two prints differ, the first", text.data);
    dv_pulley_verify(&m, arena, &fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= UINT32_MAX) {
        fuzz_run(check_text, data, size);
    }
    return 0;
}
