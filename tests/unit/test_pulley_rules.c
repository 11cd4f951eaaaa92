/* test_pulley_rules.c - every rule of codegen/isa/pulley/rules is taken by a function of tests/clif/run, of bench/kernels, or by
 * a random one: what those tests check of the results, they check of every rule. */
#include "compile_testing.h"

#include <pulley_lowering.h>

#include "base/io.h"
#include "tools/files.h"
#include "tools/gen.h"

enum { MAX_RULES = 4096, SEEDS = 60 };
static u64 hits[MAX_RULES];

void pul_rule_hit(PulContext *ctx, u32 rule)
{
    (void)ctx;
    assert_true(rule < MAX_RULES);
    hits[rule]++;
}

/* Compiles what can be compiled; functions with vectors are refused. */
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

static void compile_random(Fixture *x, const Isa *isa)
{
    for (u64 seed = 1; seed <= SEEDS; seed++) {
        GenSource source;
        GenOptions options = {.address_bits = isa->address_bits, .max_insts = 200};
        TextBuf text;
        ArenaMark mark = dv_arena_mark(&x->arena);
        dv_text_init(&text, &x->arena);
        dv_gen_seed(&source, seed);
        dv_gen_clif(&text, &source, &options);
        compile_all(x, isa, (Str){text.data, (u32)text.length});
        dv_arena_release_to(&x->arena, mark);
    }
}

static void every_rule_is_taken(void **state)
{
    Fixture *x = *state;
    u32 missing = 0;
    for (u32 i = 0; dv_isa_at(i) != NULL; i++) {
        compile_files(x, "tests/clif/run", dv_isa_at(i));
        compile_files(x, "bench/kernels", dv_isa_at(i));
        compile_random(x, dv_isa_at(i));
    }
    for (u32 i = 0; i < pul_rule_count; i++) {
        if (hits[i] == 0) {
            print_error("%s was never used\n", pul_rule_names[i]);
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
