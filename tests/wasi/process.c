/* args_*, environ_*, clock_*, random_get, sched_yield. Run with the arguments "one", "two words", "" and the
 * environment A=1, B=x=y. */
#include <stdlib.h>

#include "check.h"

static void check_arguments(int argc, char **argv)
{
    size_t count;
    size_t bytes;
    char *list[8];
    char text[512];
    CHECK(argc == 4);
    CHECK(argc == 4 && strcmp(argv[1], "one") == 0);
    CHECK(argc == 4 && strcmp(argv[2], "two words") == 0);
    CHECK(argc == 4 && strcmp(argv[3], "") == 0);
    GIVES(__wasi_args_sizes_get(&count, &bytes), SUCCESS);
    CHECK(count == 4 && bytes <= sizeof text);
    GIVES(__wasi_args_get((uint8_t **)list, (uint8_t *)text), SUCCESS);
    CHECK(strcmp(list[2], "two words") == 0);
    CHECK(list[3] + 1 == text + bytes);
    GIVES(__wasi_args_get((uint8_t **)0xfffffff0u, (uint8_t *)text), FAULT);
    GIVES(__wasi_args_sizes_get(&count, (size_t *)0xfffffffeu), FAULT);
}

static void check_environment(void)
{
    size_t count;
    size_t bytes;
    char *list[8];
    char text[512];
    CHECK(getenv("A") != NULL && strcmp(getenv("A"), "1") == 0);
    CHECK(getenv("B") != NULL && strcmp(getenv("B"), "x=y") == 0);
    CHECK(getenv("PATH") == NULL); /* the host's is not ours */
    GIVES(__wasi_environ_sizes_get(&count, &bytes), SUCCESS);
    CHECK(count == 2 && bytes == 10);
    GIVES(__wasi_environ_get((uint8_t **)list, (uint8_t *)text), SUCCESS);
    CHECK(strcmp(list[0], "A=1") == 0 && strcmp(list[1], "B=x=y") == 0);
}

static void check_clocks(void)
{
    __wasi_timestamp_t first;
    __wasi_timestamp_t second;
    for (__wasi_clockid_t clock = 0; clock < 4; clock++) {
        GIVES(__wasi_clock_res_get(clock, &first), SUCCESS);
        CHECK(first > 0 && first <= 1000000000);
        GIVES(__wasi_clock_time_get(clock, 0, &first), SUCCESS);
        GIVES(__wasi_clock_time_get(clock, 0, &second), SUCCESS);
        CHECK(clock == __WASI_CLOCKID_REALTIME || second >= first);
    }
    GIVES(__wasi_clock_time_get(__WASI_CLOCKID_REALTIME, 0, &first), SUCCESS);
    CHECK(first > 1600000000ull * 1000000000);
    GIVES(__wasi_clock_time_get(4, 0, &first), INVAL);
    GIVES(__wasi_clock_res_get(4, &first), INVAL);
    GIVES(__wasi_clock_time_get(0, 0, (__wasi_timestamp_t *)0xfffffff9u), FAULT);
}

int main(int argc, char **argv)
{
    check_arguments(argc, argv);
    check_environment();
    check_clocks();
    static uint8_t random[100000];
    unsigned zeros = 0;
    GIVES(__wasi_random_get(random, sizeof random), SUCCESS);
    for (size_t i = 0; i < sizeof random; i++) {
        zeros += random[i] == 0;
    }
    CHECK(zeros > 100 && zeros < 1000); /* 391 are to be expected */
    GIVES(__wasi_random_get(random, 0), SUCCESS);
    GIVES(__wasi_random_get((uint8_t *)16, 0xffffffffu), FAULT);
    GIVES(__wasi_sched_yield(), SUCCESS);
    return finish();
}
