/* rules_testing.h - what the tests share that count the rules of a target: which are taken, and by compiling what. */
#ifndef DV_RULES_TESTING_H
#define DV_RULES_TESTING_H

#include "compile_testing.h"

#include "base/io.h"
#include "tools/files.h"

enum { MAX_RULES = 4096 };
static u64 hits[MAX_RULES];

static inline void count_hit(u32 rule)
{
    assert_true(rule < MAX_RULES);
    hits[rule]++;
}

/* Compiles what can be compiled; what the target does not do is refused. */
static inline void compile_all(Fixture *x, const Isa *isa, u32 features, Str text)
{
    ClifFile file;
    Diag diag;
    Arena scratch;
    CompiledFunc compiled;
    CompileOptions options = {.allocator = ALLOCATOR_FAST, .features = features};
    ArenaMark mark = dv_arena_mark(&x->arena);
    dv_arena_init(&scratch, &x->pool);
    dv_diag_init(&diag, &x->arena);
    bool ok = dv_clif_parse(&file, &x->arena, text, &diag);
    for (u32 i = 0; ok && i < file.funcs.len; i++) {
        dv_diag_init(&diag, &x->arena); /* whatever was wrong with the one before */
        dv_compile(isa, &options, &file.funcs.data[i]->func, &x->arena, &scratch, &diag, &compiled);
    }
    dv_arena_release(&scratch);
    dv_arena_release_to(&x->arena, mark);
}

static inline void compile_files(Fixture *x, const char *folder, const Isa *isa)
{
    FileList files = {0};
    const char *error;
    assert_true(dv_files_collect(&x->arena, folder, ".clif", &files, &error));
    assert_true(files.len > 0);
    for (u32 i = 0; i < files.len; i++) {
        IoBytes bytes;
        assert_int_equal(dv_io_read(&x->arena, files.data[i], 0, &bytes, &error), DAVIT_OK);
        Str text = {(const char *)bytes.data, (u32)bytes.size};
        compile_all(x, isa, 0, text);
        if (isa->find_features != NULL) {
            compile_all(x, isa, isa->find_features("x86-64-v3", 9), text);
        }
    }
}

/* Fails, naming them, if rules were never taken. */
static inline void expect_all_hit(const char *const *names, u32 count)
{
    u32 unused = 0;
    for (u32 i = 0; i < count; i++) {
        if (hits[i] == 0) {
            print_error("%s was never used\n", names[i]);
            unused++;
        }
    }
    assert_int_equal(unused, 0);
}

#endif
