/* fuzz_isle.c - any text compiles to C, or is refused with a reason and a place; the same text gives the same C. */
#include "codegen/isle/back.h"
#include "fuzz/fuzz.h"

static bool compile(Arena *arena, const u8 *data, usize size, TextBuf *out)
{
    static const IsleOptions options = {"t", "T", "t.h", "rules.h", "rules.c"};
    Isle *isle = ARENA_NEW(arena, Isle);
    Back back;
    TextBuf reports;
    dv_text_init(out, arena);
    dv_text_init(&reports, arena);
    dv_isle_init(isle, arena, false);
    const char *text =
        dv_arena_strdup(arena, (const char *)data, size); /* with the NUL a file has */
    bool ok = dv_isle_add_text(isle, "fuzz", text, size) && dv_isle_check(isle) &&
              dv_isle_back(isle, &back) && dv_isle_emit_header(&back, &options, out);
    fuzz_expect(ok == isle_ok(isle), "the verdict and the reports differ", ok ? "good" : "bad");
    dv_isle_format(isle, &reports);
    fuzz_expect(ok == (reports.length == 0), "an error without a report", reports.data);
    if (!ok) {
        dv_text_str(out, reports.data);
        return false;
    }
    dv_isle_emit(&back, &options, out);
    dv_isle_list_rules(&back, out);
    dv_isle_list_overlaps(&back, out);
    for (u32 i = 0; i < back.sets.len; i++) {
        const char *term = isle_text(isle, isle_term(isle, back.sets.data[i].term)->name);
        dv_isle_dot(&back, term, out);
        dv_isle_print_coverage(&back, term, out);
    }
    return true;
}

static void check_text(Arena *arena, const u8 *data, usize size)
{
    TextBuf first;
    TextBuf second;
    bool ok = compile(arena, data, size, &first);
    fuzz_expect(compile(arena, data, size, &second) == ok, "two verdicts differ", first.data);
    fuzz_expect(first.length == second.length && memcmp(first.data, second.data, first.length) == 0,
                "two compilations differ, the first", first.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= 1 << 16) {
        fuzz_run(check_text, data, size);
    }
    return 0;
}
