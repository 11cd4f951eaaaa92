/* fuzz_clif_parse.c - any text parses or is refused with a reason and a place; what parses prints, and the
 * print parses to the same print. */
#include "fuzz/fuzz.h"

static void check_text(Arena *arena, const u8 *data, usize size)
{
    ClifFile file = {0};
    Diag diag;
    dv_diag_init(&diag, arena);
    bool ok = dv_clif_parse(&file, arena, (Str){(const char *)data, (u32)size}, &diag);
    fuzz_expect(ok == dv_diag_ok(&diag), "the verdict and the messages differ",
                ok ? "good" : "bad");
    if (!ok) {
        const DiagMessage *first = dv_diag_first(&diag);
        fuzz_expect(first != NULL && first->line != 0 && first->text[0] != '\0',
                    "an error without a place", first == NULL ? "" : first->text);
        return;
    }
    for (u32 i = 0; i < file.funcs.len; i++) {
        ArenaMark mark = dv_arena_mark(arena);
        fuzz_round_trip(arena, &file.funcs.data[i]->func);
        dv_arena_release_to(arena, mark);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= UINT32_MAX) {
        fuzz_run(check_text, data, size);
    }
    return 0;
}
