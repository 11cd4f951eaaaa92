/* poll_oneoff. Standard input has nothing to read for a second, then ends. */
#include <poll.h>
#include <time.h>

#include "check.h"

static __wasi_subscription_t clock_of(uint64_t userdata, __wasi_clockid_t id, uint64_t timeout,
                                      uint16_t flags)
{
    __wasi_subscription_t subscription;
    memset(&subscription, 0, sizeof subscription);
    subscription.userdata = userdata;
    subscription.u.tag = __WASI_EVENTTYPE_CLOCK;
    subscription.u.u.clock.id = id;
    subscription.u.u.clock.timeout = timeout;
    subscription.u.u.clock.flags = flags;
    return subscription;
}

static __wasi_subscription_t fd_of(uint64_t userdata, __wasi_eventtype_t type, __wasi_fd_t fd)
{
    __wasi_subscription_t subscription;
    memset(&subscription, 0, sizeof subscription);
    subscription.userdata = userdata;
    subscription.u.tag = type;
    subscription.u.u.fd_read.file_descriptor = fd;
    return subscription;
}

static uint64_t now(__wasi_clockid_t clock)
{
    __wasi_timestamp_t time = 0;
    (void)!__wasi_clock_time_get(clock, 0, &time);
    return time;
}

int main(void)
{
    enum { MS = 1000000 };
    __wasi_subscription_t in[4];
    __wasi_event_t out[4];
    size_t count = 0;
    GIVES(__wasi_poll_oneoff(in, out, 0, &count), INVAL);
    uint64_t start = now(__WASI_CLOCKID_MONOTONIC);
    in[0] = clock_of(1, __WASI_CLOCKID_MONOTONIC, 30 * MS, 0);
    in[1] = clock_of(2, __WASI_CLOCKID_REALTIME, 3600000ull * MS, 0);
    GIVES(__wasi_poll_oneoff(in, out, 2, &count), SUCCESS);
    CHECK(count == 1 && out[0].userdata == 1 && out[0].error == 0);
    CHECK(now(__WASI_CLOCKID_MONOTONIC) - start >= 30 * MS);
    in[0] = clock_of(3, __WASI_CLOCKID_REALTIME, now(__WASI_CLOCKID_REALTIME) + 10 * MS,
                     __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME);
    GIVES(__wasi_poll_oneoff(in, out, 1, &count), SUCCESS);
    CHECK(count == 1 && out[0].userdata == 3);
    in[0] = clock_of(4, 17, 1, 0);
    GIVES(__wasi_poll_oneoff(in, out, 1, &count), SUCCESS);
    CHECK(count == 1 && out[0].userdata == 4 && out[0].error == __WASI_ERRNO_INVAL);
    /* Output is ready, input is not, what is not open is an event. */
    in[0] = fd_of(5, __WASI_EVENTTYPE_FD_READ, 0);
    in[1] = fd_of(6, __WASI_EVENTTYPE_FD_WRITE, 1);
    in[2] = fd_of(7, __WASI_EVENTTYPE_FD_READ, 1000);
    GIVES(__wasi_poll_oneoff(in, out, 3, &count), SUCCESS);
    CHECK(count == 2 && out[0].userdata == 6 && out[1].userdata == 7);
    CHECK(out[0].type == __WASI_EVENTTYPE_FD_WRITE && out[0].error == 0);
    CHECK(out[1].error == __WASI_ERRNO_BADF);
    in[1] = clock_of(8, __WASI_CLOCKID_MONOTONIC, 20 * MS, 0);
    GIVES(__wasi_poll_oneoff(in, out, 2, &count), SUCCESS);
    CHECK(count == 1 && out[0].userdata == 8);
    in[0].u.tag = 9;
    GIVES(__wasi_poll_oneoff(in, out, 1, &count), INVAL);
    GIVES(__wasi_poll_oneoff((void *)0xfffffff0u, out, 1, &count), FAULT);
    GIVES(__wasi_poll_oneoff(in, (void *)0xfffffff0u, 1, &count), FAULT);
    /* Through the C library. */
    struct timespec span = {0, 20 * MS};
    start = now(__WASI_CLOCKID_MONOTONIC);
    CHECK(nanosleep(&span, NULL) == 0);
    CHECK(now(__WASI_CLOCKID_MONOTONIC) - start >= 20 * MS);
    struct pollfd list = {.fd = 0, .events = POLLIN};
    CHECK(poll(&list, 1, 5000) == 1);
    CHECK(getchar() == EOF);
    return finish();
}
