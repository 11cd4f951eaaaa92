/* test_bytes.c - ByteBuf's growth and alignment. base/selftest.c checks the loads and stores. */
#include "unit.h"

#include "base/bytes.h"

static void orders_agree_with_the_host(void **state)
{
    (void)state;
    u64 x = 0x0123456789abcdefu;
    u8 native[8];
    u8 ours[8];
    memcpy(native, &x, 8);
    store_u64(ours, x, dv_host_is_big());
    assert_memory_equal(ours, native, 8);
    assert_int_equal(load_u64(native, dv_host_is_big()), x);
}

static void million_appends(void **state)
{
    Fixture *f = *state;
    ByteBuf buf;
    dv_bytebuf_init(&buf, &f->arena);
    for (u32 i = 0; i < 1000000; i++) {
        dv_bytebuf_u8(&buf, (u8)i);
        dv_bytebuf_u32(&buf, i, i & 1);
    }
    assert_int_equal(buf.len, 5000000);
    for (u32 i = 0; i < 1000000; i++) {
        assert_int_equal(buf.data[i * 5], i & 0xff);
        assert_int_equal(load_u32(dv_bytebuf_at(&buf, i * 5 + 1, 4), i & 1), i);
    }
    assert_true(f->pool.used_bytes < 25000000);
}

static void alignment_fills(void **state)
{
    Fixture *f = *state;
    ByteBuf buf;
    dv_bytebuf_init(&buf, &f->arena);
    dv_bytebuf_align(&buf, 16, 0xcc);
    assert_int_equal(buf.len, 0);
    dv_bytebuf_bytes(&buf, "abc", 3);
    dv_bytebuf_bytes(&buf, NULL, 0);
    dv_bytebuf_align(&buf, 1, 0xcc);
    assert_int_equal(buf.len, 3);
    dv_bytebuf_align(&buf, 4, 0xcc);
    dv_bytebuf_align(&buf, 4, 0xcc);
    dv_bytebuf_zeros(&buf, 2);
    assert_int_equal(buf.len, 6);
    assert_memory_equal(buf.data, "abc\xcc\0\0", 6);
}

static void extend_for_ever(Fixture *f)
{
    ByteBuf buf;
    dv_bytebuf_init(&buf, &f->arena);
    dv_bytebuf_u8(&buf, 1);
    dv_bytebuf_extend(&buf, SIZE_MAX);
}

static void too_large_is_over_the_limit(void **state)
{
    assert_int_equal(escape_of(*state, extend_for_ever), DAVIT_ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(orders_agree_with_the_host),
        UNIT_TEST(million_appends),
        UNIT_TEST(alignment_fills),
        UNIT_TEST(too_large_is_over_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
