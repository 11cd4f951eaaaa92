/* fuzz.h - what the targets share: memory with a limit, and saying what went wrong before stopping. */
#ifndef DV_FUZZ_FUZZ_H
#define DV_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"

enum { FUZZ_LIMIT_BYTES = 256 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A defect was found: shows what it is about, and stops. */
static inline void fuzz_report(const char *what, const char *detail)
{
    fprintf(stderr, "fuzz: %s: %s\n", what, detail);
    abort();
}

static inline void fuzz_expect(bool holds, const char *what, const char *detail)
{
    if (!holds) {
        fuzz_report(what, detail);
    }
}

/* Runs the target's work on an input with an arena of limited memory; exhausting it is no defect. */
static inline void fuzz_run(void (*work)(Arena *arena, const u8 *data, usize size), const u8 *data,
                            usize size)
{
    Pool pool;
    Arena arena;
    Escape escape;
    dv_pool_init(&pool, NULL);
    pool.limit_bytes = FUZZ_LIMIT_BYTES;
    dv_arena_init(&arena, &pool);
    dv_escape_enter(&escape, &pool);
    if (setjmp(escape.env) == 0) {
        work(&arena, data, size);
    }
    dv_escape_leave(&escape, &pool);
    dv_arena_release(&arena);
    dv_pool_destroy(&pool);
}

static inline Str fuzz_print(Arena *arena, const Func *f)
{
    TextBuf text;
    dv_text_init(&text, arena);
    dv_print_func(&text, f);
    return (Str){text.data, (u32)text.length};
}

/* What is printed parses, and prints the same. Gives the function parsed. */
static inline const Func *fuzz_round_trip(Arena *arena, const Func *f)
{
    Str first = fuzz_print(arena, f);
    ClifFile *again = ARENA_NEW(arena, ClifFile);
    Diag diag;
    dv_diag_init(&diag, arena);
    if (!dv_clif_parse(again, arena, first, &diag)) {
        fprintf(stderr, "fuzz: line %u: %s\n", (unsigned)dv_diag_first(&diag)->line,
                dv_diag_first(&diag)->text);
        fuzz_report("the printed text does not parse", first.data);
    }
    fuzz_expect(again->funcs.len == 1, "one function is printed as several", first.data);
    Str second = fuzz_print(arena, &again->funcs.data[0]->func);
    if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0) {
        fprintf(stderr, "fuzz: second print:\n%s\n", second.data);
        fuzz_report("two prints differ, the first", first.data);
    }
    return &again->funcs.data[0]->func;
}

#endif
