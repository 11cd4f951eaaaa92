/* test_registry.c - ranges of addresses: what was added is found until it is taken out, whatever lies beside it. */
#include "unit.h"

#include "rt/registry.h"

enum { COUNT = 300, STEP = 64 };

static const u8 space[COUNT * STEP];

static const u8 *start_of(u32 i)
{
    return space + (usize)i * STEP;
}

static void ranges_come_and_go(void **state)
{
    (void)state;
    bool has[COUNT] = {false};
    for (u32 i = 0; i < 20 * COUNT; i++) {
        u32 n = (u32)((i * (u64)7919 + i / COUNT * (u64)31) % COUNT);
        if (has[n]) {
            dv_registry_remove_reserved(start_of(n));
        } else { /* of different sizes, with room between them */
            assert_true(dv_registry_add_reserved(start_of(n), 1 + n % (STEP - 1)));
        }
        has[n] = !has[n];
        for (u32 k = 0; i % 37 == 0 && k < COUNT; k++) {
            assert_int_equal(dv_registry_is_reserved(start_of(k)), has[k]);
            assert_int_equal(dv_registry_is_reserved(start_of(k) + k % (STEP - 1)), has[k]);
            assert_false(dv_registry_is_reserved(start_of(k) + 1 + k % (STEP - 1)));
        }
    }
    for (u32 n = 0; n < COUNT; n++) {
        if (has[n]) {
            dv_registry_remove_reserved(start_of(n));
        }
        assert_false(dv_registry_is_reserved(start_of(n)));
    }
    assert_true(dv_registry_add_reserved(space, sizeof space));
    assert_true(dv_registry_is_reserved(start_of(COUNT - 1) + STEP - 1));
    assert_false(dv_registry_is_reserved(space + sizeof space));
    dv_registry_remove_reserved(space);
    assert_false(dv_registry_is_reserved(space));
}

int main(void)
{
    const struct CMUnitTest tests[] = {UNIT_TEST(ranges_come_and_go)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
