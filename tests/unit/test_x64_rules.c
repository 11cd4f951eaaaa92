/* test_x64_rules.c - every rule of codegen/isa/x64/rules is taken by a function of tests/clif/run: what those tests check of
 * the results, they check of every rule. */
#include "compile_testing.h"

#include <x64_lowering.h>

#include "base/io.h"
#include "codegen/isa/x64/x64_isa.h"
#include "tools/files.h"

enum { MAX_RULES = 4096 };
static u64 hits[MAX_RULES];

void x64_rule_hit(X64Context *ctx, u32 rule)
{
    (void)ctx;
    assert_true(rule < MAX_RULES);
    hits[rule]++;
}

/* Compiles what can be compiled; what the target does not do yet is refused. */
static void compile_all(Fixture *x, const Isa *isa, Str text)
{
    ClifFile file;
    Diag diag;
    Arena scratch;
    CompiledFunc compiled;
    CompileOptions options = {.allocator = ALLOCATOR_FAST};
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

static void compile_files(Fixture *x, const char *folder, const Isa *isa)
{
    FileList files = {0};
    const char *error;
    assert_true(dv_files_collect(&x->arena, folder, ".clif", &files, &error));
    assert_true(files.len > 0);
    for (u32 i = 0; i < files.len; i++) {
        IoBytes bytes;
        assert_int_equal(dv_io_read(&x->arena, files.data[i], 0, &bytes, &error), DAVIT_OK);
        compile_all(x, isa, (Str){(const char *)bytes.data, (u32)bytes.size});
    }
}

static void every_rule_is_taken(void **state)
{
    Fixture *x = *state;
    u32 missing = 0;
    compile_files(x, "tests/clif/run", &dv_x64_isa);
    for (u32 i = 0; i < x64_rule_count; i++) {
        if (hits[i] == 0) {
            print_error("%s was never used\n", x64_rule_names[i]);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(every_rule_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
