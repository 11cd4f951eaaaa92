/* test_io.c - files in and out, limits, and what fails. Works in the current directory. */
#define _XOPEN_SOURCE 700 /* setrlimit */
#include <sys/resource.h>

#include "unit.h"

#include "base/io.h"

static const char *const NAME = "test_io.tmp";

static IoBytes pattern(Fixture *f, usize size)
{
    u8 *data = dv_arena_alloc(&f->arena, size, 1);
    for (usize i = 0; i < size; i++) {
        data[i] = (u8)(i * 7 + i / 256);
    }
    return (IoBytes){data, size};
}

static void round_trip(void **state)
{
    static const usize sizes[] = {0, 1, 65535, 65536, 65537, 1000000};
    Fixture *f = *state;
    remove(NAME);
    for (u32 i = 0; i < ARRAY_LEN(sizes); i++) { /* the first creates it, the others overwrite */
        IoBytes bytes = pattern(f, sizes[i]);
        IoBytes back = {NULL, 1};
        const char *error = NULL;
        assert_int_equal(dv_io_write(&f->arena, NAME, bytes, &error), DAVIT_OK);
        assert_int_equal(dv_io_read(&f->arena, NAME, 0, &back, &error), DAVIT_OK);
        assert_null(error);
        assert_int_equal(back.size, sizes[i]);
        assert_memory_equal(back.data, bytes.data, sizes[i]);
        assert_int_equal(back.data[back.size], 0);
    }
    FILE *part = fopen("test_io.tmp.part", "rb");
    assert_null(part);
    remove(NAME);
}

static void limits(void **state)
{
    Fixture *f = *state;
    IoBytes back;
    const char *error = NULL;
    assert_int_equal(dv_io_write(&f->arena, NAME, pattern(f, 1000), &error), DAVIT_OK);
    assert_int_equal(dv_io_read(&f->arena, NAME, 1000, &back, &error), DAVIT_OK);
    assert_int_equal(dv_io_read(&f->arena, NAME, 999, &back, &error), DAVIT_ERROR_LIMIT);
    assert_string_equal(error, "test_io.tmp: larger than the limit of 999 bytes");
    remove(NAME);
}

static void failures_say_what_failed(void **state)
{
    Fixture *f = *state;
    IoBytes back;
    const char *error = NULL;
    assert_int_equal(dv_io_read(&f->arena, "no/such\nfile", 0, &back, &error), DAVIT_ERROR_IO);
    const char *start = "no/such\\x0afile: cannot open: ";
    assert_memory_equal(error, start, strlen(start));
    error = NULL;
    assert_int_equal(dv_io_write(&f->arena, "no/such/file", pattern(f, 1), &error), DAVIT_ERROR_IO);
    start = "no/such/file: cannot create: ";
    assert_memory_equal(error, start, strlen(start));
    assert_int_equal(dv_io_read(&f->arena, ".", 0, &back, &error), DAVIT_ERROR_IO);
}

static void full_device_is_reported(void **state)
{
    Fixture *f = *state;
    FILE *full = fopen("/dev/full", "rb");
    if (full == NULL) {
        skip();
    }
    fclose(full);
    const char *error = NULL;
    assert_int_equal(dv_io_write(&f->arena, "/dev/full", pattern(f, 10), &error), DAVIT_ERROR_IO);
    assert_non_null(error);
}

static void read_it(Fixture *f)
{
    IoBytes back;
    const char *error = NULL;
    dv_io_read(&f->arena, NAME, 0, &back, &error);
}

static void memory_running_out_closes_the_file(void **state)
{
    Fixture *f = *state;
    const char *error = NULL;
    assert_int_equal(dv_io_write(&f->arena, NAME, pattern(f, 3000000), &error), DAVIT_OK);
    dv_arena_release(&f->arena);
    dv_pool_trim(&f->pool);
    struct rlimit old_limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old_limit), 0);
    struct rlimit few_files = {32, old_limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few_files), 0);
    f->pool.limit_bytes = 1000000;
    for (u32 i = 0; i < 100; i++) {
        assert_int_equal(escape_of(f, read_it), DAVIT_ERROR_LIMIT);
        dv_arena_release(&f->arena);
    }
    f->pool.limit_bytes = 0;
    assert_int_equal(escape_of(f, read_it), DAVIT_OK);
    setrlimit(RLIMIT_NOFILE, &old_limit);
    remove(NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(round_trip),
        UNIT_TEST(limits),
        UNIT_TEST(failures_say_what_failed),
        UNIT_TEST(full_device_is_reported),
        UNIT_TEST(memory_running_out_closes_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
