/* test_x64_rules.c - every rule of codegen/isa/x64/rules is taken by a function of tests/clif/run: what those tests check of
 * the results, they check of every rule. */
#include "rules_testing.h"

#include <x64_lowering.h>

#include "codegen/isa/x64/x64_isa.h"

void x64_rule_hit(X64Context *ctx, u32 rule)
{
    (void)ctx;
    count_hit(rule);
}

static void every_rule_is_taken(void **state)
{
    compile_files(*state, "tests/clif/run", &dv_x64_isa);
    expect_all_hit(x64_rule_names, x64_rule_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(every_rule_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
