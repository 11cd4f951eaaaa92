/* test_map.c - Map and StrMap: order, collisions, hostile keys, size. base/selftest.c has the model
 * test. */
#include "unit.h"

#include "base/map.h"
#include "base/rng.h"

static void iteration_is_in_order_of_insertion(void **state)
{
    Fixture *f = *state;
    Map map = {0};
    for (u32 i = 0; i < 1000; i++) {
        dv_map_put(&f->arena, &map, (u64)(999 - i) << 33, i);
    }
    for (u32 i = 0; i < 1000; i += 2) {
        assert_true(dv_map_remove(&map, (u64)(999 - i) << 33));
    }
    for (u32 i = 1000; i < 3000; i++) { /* compacts and grows on the way */
        dv_map_put(&f->arena, &map, (u64)i << 33, i);
    }
    u32 at = 0;
    u32 previous = 0;
    u32 count = 0;
    for (const MapEntry *e; (e = dv_map_next(&map, &at)) != NULL; count++) {
        assert_true(e->value > previous || count == 0);
        previous = e->value;
    }
    assert_int_equal(count, 2500);
}

static void removal_during_iteration(void **state)
{
    Fixture *f = *state;
    Map map = {0};
    for (u32 i = 0; i < 1000; i++) {
        dv_map_put(&f->arena, &map, i, i);
    }
    u32 at = 0;
    u32 seen = 0;
    for (const MapEntry *e; (e = dv_map_next(&map, &at)) != NULL; seen++) {
        assert_true(dv_map_remove(&map, e->key));
    }
    assert_int_equal(seen, 1000);
    assert_int_equal(dv_map_len(&map), 0);
}

static void keys_that_share_a_slot(void **state)
{
    /* Keys found by trial whose slots coincide in a table of 512: one long chain. */
    Fixture *f = *state;
    u64 keys[100];
    u32 found = 0;
    for (u64 key = 0; found < ARRAY_LEN(keys); key++) {
        if (((dv_hash_u64(key) >> 32) & 511) >= 508) {
            keys[found++] = key;
        }
    }
    for (u32 victim = 0; victim < ARRAY_LEN(keys); victim++) {
        Map map = {0};
        for (u32 i = 0; i < found; i++) {
            dv_map_put(&f->arena, &map, keys[i], i);
        }
        assert_true(dv_map_remove(&map, keys[victim]));
        assert_true(dv_map_remove(&map, keys[(victim + 50) % 100]));
        for (u32 i = 0; i < found; i++) {
            u32 value = 0;
            bool gone = i == victim || i == (victim + 50) % 100;
            assert_int_equal(dv_map_get(&map, keys[i], &value), !gone);
            assert_true(gone || value == i);
        }
    }
}

/* The inverse of dv_hash_u64, to make keys with chosen hashes. */
static u64 invert_hash(u64 x)
{
    x = (x ^ (x >> 31) ^ (x >> 62)) * 0x319642b2d24d8ec3u;
    x = (x ^ (x >> 27) ^ (x >> 54)) * 0x96de1b173f119089u;
    return x ^ (x >> 30) ^ (x >> 60);
}

static void hostile_keys_do_not_make_it_slow(void **state)
{
    Fixture *f = *state;
    Map map = {0};
    assert_int_equal(dv_hash_u64(invert_hash(12345)), 12345);
    for (u32 i = 0; i < 200000; i++) { /* without reseeding: 20 thousand million steps */
        dv_map_put(&f->arena, &map, invert_hash(i), i);
    }
    assert_int_equal(dv_map_len(&map), 200000);
    assert_true(map.seed > 0);
    u32 value = 0;
    assert_true(dv_map_get(&map, invert_hash(777), &value));
    assert_int_equal(value, 777);
}

static void million_keys(void **state)
{
    Fixture *f = *state;
    Map map = {0};
    for (u32 i = 0; i < 1000000; i++) {
        assert_true(dv_map_put(&f->arena, &map, (u64)i * 8, i));
    }
    for (u32 i = 0; i < 1000000; i++) {
        u32 value = 0;
        assert_true(dv_map_get(&map, (u64)i * 8, &value) && value == i);
    }
    assert_false(dv_map_get(&map, 4, NULL));
    assert_int_equal(map.seed, 0);
}

static void churn_keeps_its_size(void **state)
{
    Fixture *f = *state;
    Map map = {0};
    for (u32 i = 0; i < 1000000; i++) {
        dv_map_put(&f->arena, &map, i, i);
        assert_true(i < 10 || dv_map_remove(&map, i - 10));
    }
    assert_int_equal(dv_map_len(&map), 10);
    assert_true(map.cap <= 64);
}

static bool is_even(const void *context, u32 value)
{
    *(u32 *)context += 1;
    return value % 2 == 0;
}

static void entries_that_share_a_hash(void **state)
{
    Fixture *f = *state;
    Map map = {0};
    u32 calls = 0;
    u32 value = 0;
    dv_map_add(&f->arena, &map, 5, 1);
    dv_map_add(&f->arena, &map, 5, 3);
    dv_map_add(&f->arena, &map, 6, 8);
    assert_false(dv_map_find(&map, 5, is_even, &calls, &value));
    assert_int_equal(calls, 2);
    dv_map_add(&f->arena, &map, 5, 4);
    assert_true(dv_map_find(&map, 5, is_even, &calls, &value));
    assert_int_equal(value, 4);
    assert_false(dv_map_remove_value(&map, 5, 8));
    assert_true(dv_map_remove_value(&map, 5, 4));
    assert_false(dv_map_find(&map, 5, is_even, &calls, &value));
    assert_int_equal(dv_map_len(&map), 3);
}

static void put_for_ever(Fixture *f)
{
    Map map = {0};
    for (u32 i = 0; i < 100000000; i++) {
        dv_map_put(&f->arena, &map, i, i);
    }
}

static void growing_out_of_memory_escapes(void **state)
{
    Fixture *f = *state;
    f->pool.limit_bytes = 2000000;
    assert_int_equal(escape_of(f, put_for_ever), DAVIT_ERROR_LIMIT);
}

static void names_of_every_length(void **state)
{
    Fixture *f = *state;
    StrMap map = {0};
    char text[64];
    memset(text, 'x', sizeof text);
    for (u32 round = 0; round < 2; round++) {
        for (u32 i = 0; i < sizeof text; i++) {
            assert_int_equal(dv_strmap_intern(&f->arena, &map, text, i), i);
        }
    }
    text[0] = 'y'; /* the map has copies */
    assert_int_equal(dv_strmap_str(&map, 1).data[0], 'x');
    assert_int_equal(dv_strmap_str(&map, 63).len, 63);
    assert_false(dv_strmap_find(&map, text, 1, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(iteration_is_in_order_of_insertion),
        UNIT_TEST(removal_during_iteration),
        UNIT_TEST(keys_that_share_a_slot),
        UNIT_TEST(hostile_keys_do_not_make_it_slow),
        UNIT_TEST(million_keys),
        UNIT_TEST(churn_keeps_its_size),
        UNIT_TEST(entries_that_share_a_hash),
        UNIT_TEST(growing_out_of_memory_escapes),
        UNIT_TEST(names_of_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
