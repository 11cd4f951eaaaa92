/* test_pulley_rules.c - every rule of codegen/isa/pulley/rules is taken by a function of tests/clif/run, of bench/kernels, or by
 * a random one: what those tests check of the results, they check of every rule. */
#include "rules_testing.h"

#include <pulley_lowering.h>

#include "tools/gen.h"

enum { SEEDS = 60 };

void pul_rule_hit(PulContext *ctx, u32 rule)
{
    (void)ctx;
    count_hit(rule);
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
        compile_all(x, isa, 0, (Str){text.data, (u32)text.length});
        dv_arena_release_to(&x->arena, mark);
    }
}

static void every_rule_is_taken(void **state)
{
    Fixture *x = *state;
    for (u32 i = 0; dv_isa_at(i) != NULL; i++) {
        compile_files(x, "tests/clif/run", dv_isa_at(i));
        compile_files(x, "bench/kernels", dv_isa_at(i));
        compile_random(x, dv_isa_at(i));
    }
    expect_all_hit(pul_rule_names, pul_rule_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(every_rule_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
