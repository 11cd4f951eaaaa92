/* WASI: clocks, waiting (poll_oneoff, pipes that are empty or full), being interrupted meanwhile, and
 * sockets. */
#include "wasi_testing.h"

#include <sys/socket.h>
#include <time.h>

enum { SUB_AT = 0x4000, EVENT_AT = 0x6000, MS = 1000000 };

/* ---- Clocks ---- */

static void test_clocks(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    for (u32 clock = 0; clock < CLOCK_WASI_COUNT; clock++) {
        assert_int_equal(CALL(&w, "clock_res_get", clock, OUT_AT), WASI_ESUCCESS);
        assert_true(get_u64(&w, OUT_AT) > 0 && get_u64(&w, OUT_AT) <= 1000000000);
        assert_int_equal(CALL(&w, "clock_time_get", clock, 0, OUT_AT), WASI_ESUCCESS);
        u64 first = get_u64(&w, OUT_AT);
        assert_int_equal(CALL(&w, "clock_time_get", clock, 1000, OUT_AT), WASI_ESUCCESS);
        assert_true(clock == CLOCK_WASI_REALTIME || get_u64(&w, OUT_AT) >= first);
    }
    assert_int_equal(CALL(&w, "clock_time_get", CLOCK_WASI_REALTIME, 0, OUT_AT), WASI_ESUCCESS);
    u64 seconds = get_u64(&w, OUT_AT) / 1000000000;
    u64 now = (u64)time(NULL);
    assert_true(seconds <= now && seconds + 5 > now);
    assert_int_equal(CALL(&w, "clock_time_get", CLOCK_WASI_COUNT, 0, OUT_AT), WASI_EINVAL);
    assert_int_equal(CALL(&w, "clock_res_get", 0xffffffffu, OUT_AT), WASI_EINVAL);
    world_close(&w);
}

static u64 time_now(World *w, u32 clock)
{
    assert_int_equal(CALL(w, "clock_time_get", clock, 0, OUT_AT), WASI_ESUCCESS);
    return get_u64(w, OUT_AT);
}

/* ---- poll_oneoff ---- */

static u8 *put_subscription(World *w, u32 index, u64 userdata, u8 type)
{
    u8 *at = w->memory + SUB_AT + index * SUBSCRIPTION_SIZE;
    memset(at, 0, SUBSCRIPTION_SIZE);
    store_le64(at + SUBSCRIPTION_USERDATA, userdata);
    at[SUBSCRIPTION_TAG] = type;
    return at;
}

static void put_clock(World *w, u32 index, u32 clock, u64 timeout, u16 flags)
{
    u8 *at = put_subscription(w, index, 100 + index, EVENTTYPE_CLOCK);
    store_le32(at + SUBSCRIPTION_CLOCK, clock);
    store_le64(at + SUBSCRIPTION_TIMEOUT, timeout);
    store_le16(at + SUBSCRIPTION_FLAGS, flags);
}

static void put_fd(World *w, u32 index, u8 type, u32 fd)
{
    store_le32(put_subscription(w, index, 100 + index, type) + SUBSCRIPTION_FD, fd);
}

static u32 poll_all(World *w, u32 count)
{
    memset(w->memory + EVENT_AT, 0xee, EVENT_SIZE * (count + 1));
    return CALL(w, "poll_oneoff", SUB_AT, EVENT_AT, count, OUT_AT);
}

static void check_event(const World *w, u32 index, u64 userdata, u32 error, u8 type)
{
    const u8 *at = w->memory + EVENT_AT + index * EVENT_SIZE;
    assert_int_equal(load_le64(at + EVENT_USERDATA), userdata);
    assert_int_equal(load_le16(at + EVENT_ERROR), error);
    assert_int_equal(at[EVENT_TYPE], type);
}

static u64 event_bytes(const World *w, u32 index)
{
    return load_le64(w->memory + EVENT_AT + index * EVENT_SIZE + EVENT_NBYTES);
}

static u32 event_flags(const World *w, u32 index)
{
    return load_le16(w->memory + EVENT_AT + index * EVENT_SIZE + EVENT_FLAGS);
}

static void test_poll_clocks(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    assert_int_equal(poll_all(&w, 0), WASI_EINVAL);
    assert_int_equal(CALL(&w, "poll_oneoff", SUB_AT, EVENT_AT, 0xffffffffu, OUT_AT), WASI_EINVAL);
    u64 before = time_now(&w, CLOCK_WASI_MONOTONIC);
    put_clock(&w, 0, CLOCK_WASI_MONOTONIC, 20 * MS, 0);
    put_clock(&w, 1, CLOCK_WASI_REALTIME, (u64)3600 * 1000 * MS, 0);
    assert_int_equal(poll_all(&w, 2), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 1);
    check_event(&w, 0, 100, WASI_ESUCCESS, EVENTTYPE_CLOCK);
    assert_true(time_now(&w, CLOCK_WASI_MONOTONIC) - before >= 20 * MS);
    /* Absolute times, past and soon; a timeout that overflows is never. */
    put_clock(&w, 0, CLOCK_WASI_REALTIME, UINT64_MAX, 0);
    put_clock(&w, 1, CLOCK_WASI_REALTIME, 1, SUBCLOCKFLAGS_ABSTIME);
    assert_int_equal(poll_all(&w, 2), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 1);
    check_event(&w, 0, 101, WASI_ESUCCESS, EVENTTYPE_CLOCK);
    u64 soon = time_now(&w, CLOCK_WASI_MONOTONIC) + 10 * MS;
    put_clock(&w, 1, CLOCK_WASI_MONOTONIC, soon, SUBCLOCKFLAGS_ABSTIME);
    assert_int_equal(poll_all(&w, 2), WASI_ESUCCESS);
    assert_true(time_now(&w, CLOCK_WASI_MONOTONIC) >= soon);
    /* What cannot be waited for is an event, and keeps nobody from the others. */
    put_clock(&w, 0, 9, 1, 0);
    put_clock(&w, 1, CLOCK_WASI_PROCESS, 1, 0);
    put_clock(&w, 2, CLOCK_WASI_MONOTONIC, 0, 0);
    put_clock(&w, 3, CLOCK_WASI_MONOTONIC, 0, 2);
    put_clock(&w, 4, CLOCK_WASI_MONOTONIC, UINT64_MAX, 0);
    assert_int_equal(poll_all(&w, 5), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 4);
    check_event(&w, 0, 100, WASI_EINVAL, EVENTTYPE_CLOCK);
    check_event(&w, 1, 101, WASI_ENOTSUP, EVENTTYPE_CLOCK);
    check_event(&w, 2, 102, WASI_ESUCCESS, EVENTTYPE_CLOCK);
    check_event(&w, 3, 103, WASI_EINVAL, EVENTTYPE_CLOCK);
    put_subscription(&w, 0, 1, EVENTTYPE_COUNT);
    assert_int_equal(poll_all(&w, 1), WASI_EINVAL);
    world_close(&w);
}

typedef struct Pipes {
    int in[2];  /* the program reads in[0] */
    int out[2]; /* and writes out[1] */
} Pipes;

static WasiConfig pipes_config(Pipes *pipes)
{
    assert_int_equal(pipe(pipes->in), 0);
    assert_int_equal(pipe(pipes->out), 0);
    return (WasiConfig){.stdio = {{.kind = WASI_STDIO_HOST_FD, .host_fd = pipes->in[0]},
                                  {.kind = WASI_STDIO_HOST_FD, .host_fd = pipes->out[1]},
                                  {.kind = WASI_STDIO_NULL}}};
}

static void close_pipes(Pipes *pipes)
{
    const int all[] = {pipes->in[0], pipes->in[1], pipes->out[0], pipes->out[1]};
    for (usize i = 0; i < ARRAY_LEN(all); i++) {
        if (all[i] >= 0) {
            assert_int_equal(close(all[i]), 0);
        }
    }
}

static void test_poll_fds(void **state)
{
    (void)state;
    Pipes pipes;
    WasiConfig config = pipes_config(&pipes);
    World w;
    world_open(&w, &config);
    put_fd(&w, 0, EVENTTYPE_FD_READ, 0);
    put_clock(&w, 1, CLOCK_WASI_MONOTONIC, 5 * MS, 0);
    assert_int_equal(poll_all(&w, 2), WASI_ESUCCESS); /* nothing to read */
    assert_int_equal(get_u32(&w, OUT_AT), 1);
    check_event(&w, 0, 101, WASI_ESUCCESS, EVENTTYPE_CLOCK);
    put_fd(&w, 1, EVENTTYPE_FD_WRITE, 1);
    assert_int_equal(poll_all(&w, 2), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 1);
    check_event(&w, 0, 101, WASI_ESUCCESS, EVENTTYPE_FD_WRITE);
    assert_int_equal(write(pipes.in[1], "abc", 3), 3);
    assert_int_equal(poll_all(&w, 2), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 2);
    check_event(&w, 0, 100, WASI_ESUCCESS, EVENTTYPE_FD_READ);
    assert_int_equal(event_bytes(&w, 0), 3);
    assert_int_equal(event_flags(&w, 0), 0);
    check_event(&w, 1, 101, WASI_ESUCCESS, EVENTTYPE_FD_WRITE);
    /* Both other ends are gone. */
    assert_int_equal(close(pipes.in[1]), 0);
    assert_int_equal(close(pipes.out[0]), 0);
    pipes.in[1] = pipes.out[0] = -1;
    assert_int_equal(read_text(&w, 0), WASI_ESUCCESS);
    assert_int_equal(poll_all(&w, 2), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 2);
    assert_int_equal(event_flags(&w, 0), EVENTRWFLAGS_HANGUP);
    assert_int_equal(event_flags(&w, 1), EVENTRWFLAGS_HANGUP);
    /* Files, streams of nobody, what is not open, what must not be polled. */
    u32 fd = make_file(&w, "file");
    assert_int_equal(write_text(&w, fd, "12345"), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_seek", fd, 1, WHENCE_SET, OUT_AT), WASI_ESUCCESS);
    put_fd(&w, 0, EVENTTYPE_FD_READ, fd);
    put_fd(&w, 1, EVENTTYPE_FD_WRITE, 2);
    put_fd(&w, 2, EVENTTYPE_FD_READ, 77);
    put_fd(&w, 3, EVENTTYPE_FD_READ, ROOT);
    put_fd(&w, 4, EVENTTYPE_FD_READ, 1);
    assert_int_equal(poll_all(&w, 5), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 5);
    check_event(&w, 0, 100, WASI_ESUCCESS, EVENTTYPE_FD_READ);
    assert_int_equal(event_bytes(&w, 0), 4);
    check_event(&w, 1, 101, WASI_ESUCCESS, EVENTTYPE_FD_WRITE);
    check_event(&w, 2, 102, WASI_EBADF, EVENTTYPE_FD_READ);
    check_event(&w, 3, 103, WASI_EBADF, EVENTTYPE_FD_READ);
    check_event(&w, 4, 104, WASI_ENOTCAPABLE, EVENTTYPE_FD_READ);
    world_close(&w);
    close_pipes(&pipes);
}

/* ---- Being interrupted ---- */

typedef struct Deadline {
    struct timespec end;
    u32 asked;
} Deadline;

static u64 ns_now(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

static bool is_over(void *context)
{
    Deadline *deadline = context;
    deadline->asked++;
    return ns_now() >= (u64)deadline->end.tv_sec * 1000000000 + (u64)deadline->end.tv_nsec;
}

static void set_deadline(Deadline *deadline, u64 ms)
{
    u64 end = ns_now() + ms * MS;
    deadline->end.tv_sec = (time_t)(end / 1000000000);
    deadline->end.tv_nsec = (long)(end % 1000000000);
    deadline->asked = 0;
}

/* The call that this follows was stopped, soon after the deadline. */
static void check_stopped(const World *w, const Deadline *deadline)
{
    u64 end = (u64)deadline->end.tv_sec * 1000000000 + (u64)deadline->end.tv_nsec;
    assert_int_equal(w->outcome, WASI_STOP);
    assert_true(ns_now() >= end);
    assert_true(ns_now() - end < (u64)2000 * MS); /* 50 ms but for a busy machine */
    assert_true(deadline->asked > 1);
}

static void test_interrupts(void **state)
{
    (void)state;
    Pipes pipes;
    Deadline deadline;
    WasiConfig config = pipes_config(&pipes);
    World w;
    config.should_stop = is_over;
    config.stop_context = &deadline;
    set_deadline(&deadline, 60000);
    world_open(&w, &config);
    assert_int_equal(mkfifo(path_in(w.root, "fifo"), 0666), 0);
    u32 fifo;
    assert_int_equal(open_path(&w, ROOT, "fifo", 0, RIGHT_FD_READ, &fifo), WASI_ESUCCESS);

    set_deadline(&deadline, 120);
    (void)read_text(&w, 0);
    check_stopped(&w, &deadline);
    set_deadline(&deadline, 120);
    put_clock(&w, 0, CLOCK_WASI_MONOTONIC, UINT64_MAX, 0);
    (void)poll_all(&w, 1);
    check_stopped(&w, &deadline);
    set_deadline(&deadline, 120);
    put_fd(&w, 1, EVENTTYPE_FD_READ, 0);
    (void)poll_all(&w, 2);
    check_stopped(&w, &deadline);
    /* A pipe that nobody empties. */
    set_deadline(&deadline, 300);
    put_vector(&w, 0, 0, MEMORY_BYTES);
    put_vector(&w, 1, 0, MEMORY_BYTES);
    put_vector(&w, 2, 0, MEMORY_BYTES);
    (void)CALL(&w, "fd_write", 1, VECTOR_AT, 3, OUT_AT);
    check_stopped(&w, &deadline);
    world_close(&w);
    close_pipes(&pipes);
}

/* More than the pipe holds arrives whole once somebody reads. */
static void test_large_write(void **state)
{
    (void)state;
    Pipes pipes;
    Deadline deadline;
    WasiConfig config = pipes_config(&pipes);
    World w;
    config.should_stop = is_over;
    config.stop_context = &deadline;
    set_deadline(&deadline, 60000);
    world_open(&w, &config);
    put_vector(&w, 0, DATA_AT, 10000);
    put_vector(&w, 1, DATA_AT, 20000);
    memset(w.memory + DATA_AT, 'x', 20000);
    assert_int_equal(CALL(&w, "fd_write", 1, VECTOR_AT, 2, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 30000);
    usize got = 0;
    static char buffer[30001];
    while (got < sizeof buffer - 1) {
        ssize_t part = read(pipes.out[0], buffer + got, sizeof buffer - 1 - got);
        assert_true(part > 0);
        got += (usize)part;
    }
    assert_int_equal(strspn(buffer, "x"), sizeof buffer - 1);
    world_close(&w);
    close_pipes(&pipes);
}

static void test_nonblocking(void **state)
{
    (void)state;
    Pipes pipes;
    WasiConfig config = pipes_config(&pipes);
    World w;
    world_open(&w, &config);
    assert_int_equal(CALL(&w, "fd_fdstat_set_flags", 0, FDFLAGS_NONBLOCK), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_fdstat_set_flags", 1, FDFLAGS_NONBLOCK), WASI_ESUCCESS);
    assert_int_equal(read_text(&w, 0), WASI_EAGAIN);
    assert_int_equal(fcntl(pipes.in[0], F_GETFL) & O_NONBLOCK, 0); /* others share it */
    assert_int_equal(CALL(&w, "fd_fdstat_set_flags", 0, FDFLAGS_APPEND), WASI_ENOTSUP);
    assert_int_equal(write(pipes.in[1], "hi", 2), 2);
    assert_int_equal(read_text(&w, 0), WASI_ESUCCESS);
    assert_string_equal(data_text(&w), "hi");
    u32 error;
    u32 written = 0;
    do {
        put_vector(&w, 0, 0, MEMORY_BYTES);
        error = CALL(&w, "fd_write", 1, VECTOR_AT, 1, OUT_AT);
        written += error == WASI_ESUCCESS ? get_u32(&w, OUT_AT) : 0;
    } while (error == WASI_ESUCCESS);
    assert_int_equal(error, WASI_EAGAIN);
    assert_true(written >= 4096);
    /* A pipe with a name, and nobody who writes to it: opening and reading do not block either. */
    assert_int_equal(mkfifo(path_in(w.root, "fifo"), 0666), 0);
    assert_int_equal(CALL(&w, "path_open", ROOT, 0, PATH(&w, "fifo"), 0, RIGHT_FD_READ, 0,
                          FDFLAGS_NONBLOCK, OUT_AT),
                     WASI_ESUCCESS);
    world_close(&w);
    close_pipes(&pipes);
}

/* ---- Sockets ---- */

static void test_sockets(void **state)
{
    (void)state;
    int pair[2];
    int datagrams[2];
    enum { S = 4, D = 5 };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams), 0);
    const i32 sockets[] = {pair[0], datagrams[0]};
    WasiConfig config = {.sockets = sockets, .socket_count = 2};
    World w;
    world_open(&w, &config);
    assert_int_equal(CALL(&w, "fd_fdstat_get", S, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(w.memory[OUT_AT], FILETYPE_SOCKET_STREAM);
    assert_int_equal(CALL(&w, "fd_filestat_get", D, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(w.memory[OUT_AT + FILESTAT_FILETYPE], FILETYPE_SOCKET_DGRAM);
    assert_int_equal(write(pair[1], "hello", 5), 5);
    put_vector(&w, 0, DATA_AT, 3);
    put_vector(&w, 1, DATA_AT + 3, 10);
    assert_int_equal(CALL(&w, "sock_recv", S, VECTOR_AT, 2, RIFLAGS_PEEK, OUT_AT, OUT_AT + 4),
                     WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 5);
    assert_int_equal(CALL(&w, "sock_recv", S, VECTOR_AT, 1, RIFLAGS_WAITALL, OUT_AT, OUT_AT + 4),
                     WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 3);
    assert_int_equal(load_le16(w.memory + OUT_AT + 4), 0);
    assert_int_equal(read_text(&w, S), WASI_ESUCCESS);
    assert_string_equal(data_text(&w), "lo");
    assert_int_equal(CALL(&w, "sock_recv", S, VECTOR_AT, 2, 4, OUT_AT, OUT_AT + 4), WASI_EINVAL);
    /* A datagram that is longer than the buffers. */
    assert_int_equal(write(datagrams[1], "too long", 8), 8);
    put_vector(&w, 0, DATA_AT, 3);
    assert_int_equal(CALL(&w, "sock_recv", D, VECTOR_AT, 1, 0, OUT_AT, OUT_AT + 4), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 3);
    assert_int_equal(load_le16(w.memory + OUT_AT + 4), ROFLAGS_DATA_TRUNCATED);

    put_vector(&w, 0, DATA_AT, (u32)put_text(&w, DATA_AT, "out"));
    assert_int_equal(CALL(&w, "sock_send", S, VECTOR_AT, 1, 0, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 3);
    assert_int_equal(CALL(&w, "sock_send", S, VECTOR_AT, 1, 1, OUT_AT), WASI_EINVAL);
    assert_int_equal(write_text(&w, S, "put"), WASI_ESUCCESS);
    char got[8] = "";
    assert_int_equal(read(pair[1], got, sizeof got), 6);
    assert_string_equal(got, "output");
    assert_int_equal(CALL(&w, "fd_fdstat_set_flags", S, FDFLAGS_NONBLOCK), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "sock_recv", S, VECTOR_AT, 1, 0, OUT_AT, OUT_AT + 4), WASI_EAGAIN);
    assert_int_equal(CALL(&w, "sock_shutdown", S, 0), WASI_EINVAL);
    assert_int_equal(CALL(&w, "sock_shutdown", S, 4), WASI_EINVAL);
    assert_int_equal(CALL(&w, "sock_shutdown", S, SDFLAGS_WR), WASI_ESUCCESS);
    assert_int_equal(read(pair[1], got, sizeof got), 0);
    /* After that sending is EPIPE, without a signal. */
    assert_int_equal(CALL(&w, "sock_send", S, VECTOR_AT, 1, 0, OUT_AT), WASI_EPIPE);
    assert_int_equal(write_text(&w, S, "x"), WASI_EPIPE);
    assert_int_equal(CALL(&w, "sock_shutdown", S, SDFLAGS_RD | SDFLAGS_WR), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "sock_accept", S, 0, OUT_AT), WASI_EINVAL);
    assert_int_equal(CALL(&w, "sock_accept", S, FDFLAGS_APPEND, OUT_AT), WASI_EINVAL);
    world_close(&w);
    assert_int_equal(close(pair[0]) | close(pair[1]) | close(datagrams[0]) | close(datagrams[1]),
                     0);
}

static void test_accept(void **state)
{
    (void)state;
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;
    struct sockaddr *address = (struct sockaddr *)&name;
    Deadline deadline;
    World w;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(listener >= 0);
    name.ss_family = AF_INET; /* any address, any port */
    assert_int_equal(bind(listener, address, 16), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, address, &size), 0);
    const i32 sockets[] = {listener};
    WasiConfig config = {
        .sockets = sockets, .socket_count = 1, .should_stop = is_over, .stop_context = &deadline};
    set_deadline(&deadline, 60000);
    world_open(&w, &config);
    assert_int_equal(CALL(&w, "fd_fdstat_set_flags", 4, FDFLAGS_NONBLOCK), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "sock_accept", 4, 0, OUT_AT), WASI_EAGAIN);
    assert_int_equal(CALL(&w, "fd_fdstat_set_flags", 4, 0), WASI_ESUCCESS);
    set_deadline(&deadline, 120);
    (void)CALL(&w, "sock_accept", 4, 0, OUT_AT);
    check_stopped(&w, &deadline);
    set_deadline(&deadline, 60000);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(client >= 0);
    assert_int_equal(connect(client, address, size), 0);
    assert_int_equal(CALL(&w, "sock_accept", 4, FDFLAGS_NONBLOCK, OUT_AT), WASI_ESUCCESS);
    u32 fd = get_u32(&w, OUT_AT);
    assert_int_equal(fd, 0);
    assert_int_equal(read_text(&w, fd), WASI_EAGAIN);
    assert_int_equal(write_text(&w, fd, "hi"), WASI_ESUCCESS);
    char got[4] = "";
    assert_int_equal(read(client, got, sizeof got), 2);
    assert_string_equal(got, "hi");
    world_close(&w);
    assert_int_equal(close(client) | close(listener), 0);

    WasiPreopen none = {"/tmp", "/", false};
    const i32 wrong[] = {open("/dev/null", O_RDONLY)};
    Wasi *wasi;
    char error[128];
    config =
        (WasiConfig){.preopens = &none, .preopen_count = 1, .sockets = wrong, .socket_count = 1};
    assert_int_equal(dv_wasi_new(&config, &wasi, error, sizeof error), DAVIT_ERROR_IO);
    assert_non_null(strstr(error, "not a socket"));
    assert_int_equal(close(wrong[0]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clocks),      cmocka_unit_test(test_poll_clocks),
        cmocka_unit_test(test_poll_fds),    cmocka_unit_test(test_interrupts),
        cmocka_unit_test(test_large_write), cmocka_unit_test(test_nonblocking),
        cmocka_unit_test(test_sockets),     cmocka_unit_test(test_accept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
