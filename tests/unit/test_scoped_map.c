/* test_scoped_map.c - ScopedMap: shadowing and cost. base/selftest.c has the model test. */
#include "unit.h"

#include "base/scoped_map.h"

static void inner_values_shadow(void **state)
{
    Fixture *f = *state;
    ScopedMap map = {0};
    u32 value = 0;
    dv_scoped_map_put(&f->arena, &map, 1, 10);
    dv_scoped_map_push(&f->arena, &map);
    dv_scoped_map_put(&f->arena, &map, 1, 11);
    dv_scoped_map_put(&f->arena, &map, 1, 12);
    dv_scoped_map_put(&f->arena, &map, 2, 20);
    dv_scoped_map_push(&f->arena, &map);
    dv_scoped_map_put(&f->arena, &map, 2, 21);
    dv_scoped_map_pop(&map);
    assert_true(dv_scoped_map_get(&map, 2, &value));
    assert_int_equal(value, 20);
    assert_true(dv_scoped_map_get(&map, 1, &value));
    assert_int_equal(value, 12);
    dv_scoped_map_pop(&map);
    assert_true(dv_scoped_map_get(&map, 1, &value));
    assert_int_equal(value, 10);
    assert_false(dv_scoped_map_get(&map, 2, &value));
    assert_int_equal(dv_scoped_map_depth(&map), 0);
}

static void million_scopes_stay_small(void **state)
{
    Fixture *f = *state;
    ScopedMap map = {0};
    for (u32 i = 0; i < 1000000; i++) {
        dv_scoped_map_push(&f->arena, &map);
        dv_scoped_map_put(&f->arena, &map, i, i);
        dv_scoped_map_pop(&map);
    }
    assert_true(map.map.cap <= 16 && map.undo.cap <= 16);
    assert_int_equal(map.map.used, 0);
}

static void deep_scopes(void **state)
{
    Fixture *f = *state;
    ScopedMap map = {0};
    u32 value = 0;
    for (u32 i = 0; i < 100000; i++) {
        dv_scoped_map_push(&f->arena, &map);
        dv_scoped_map_put(&f->arena, &map, i % 100, i);
    }
    for (u32 i = 100000; i-- > 0;) {
        assert_true(dv_scoped_map_get(&map, i % 100, &value) && value == i);
        dv_scoped_map_pop(&map);
    }
    assert_false(dv_scoped_map_get(&map, 0, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(inner_values_shadow),
        UNIT_TEST(million_scopes_stay_small),
        UNIT_TEST(deep_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
