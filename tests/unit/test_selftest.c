/* test_selftest.c - the self test that foreign hosts run, here under the sanitizers too. */
#include "unit.h"

#include "base/selftest.h"

static void base_passes(void **state)
{
    (void)state;
    assert_int_equal(dv_selftest_base(stderr), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(base_passes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
