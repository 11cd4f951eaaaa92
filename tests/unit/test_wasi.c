/* WASI: the table, arguments, streams, descriptors, files, directories, paths, and that no pointer leads
 * out of memory. */
#include "wasi_testing.h"

#include <signal.h>
#include <sys/resource.h>

/* ---- The table ---- */

static void test_table(void **state)
{
    (void)state;
    u32 count;
    const WasiFunc *funcs = dv_wasi_funcs(&count);
    assert_int_equal(count, 46);
    for (u32 i = 0; i < count; i++) {
        assert_int_equal(strspn(funcs[i].params, "iI"), strlen(funcs[i].params));
        assert_true(strlen(funcs[i].params) <= 9);
        assert_non_null(funcs[i].fn);
        assert_int_equal(funcs[i].has_result, strcmp(funcs[i].name, "proc_exit") != 0);
        if (i > 0) {
            assert_true(strcmp(funcs[i - 1].name, funcs[i].name) < 0);
        }
    }
    assert_int_equal(WASI_E2BIG, 1);
    assert_int_equal(WASI_ENOTCAPABLE, 76);
    assert_int_equal(WASI_ERRNO_COUNT, 77);
    assert_int_equal(RIGHT_SOCK_ACCEPT, 1 << 29);
    assert_int_equal(RIGHT_FD_READDIR, 1 << 14);
}

static void test_args(void **state)
{
    (void)state;
    static const char *const args[] = {"prog", "", "two words"};
    static const char *const env[] = {"A=1"};
    WasiConfig config = {.args = args, .arg_count = 3, .env = env, .env_count = 1};
    World w;
    world_open(&w, &config);
    assert_int_equal(CALL(&w, "args_sizes_get", OUT_AT, OUT_AT + 4), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 3);
    assert_int_equal(get_u32(&w, OUT_AT + 4), 5 + 1 + 10);
    assert_int_equal(CALL(&w, "args_get", OUT_AT, DATA_AT), WASI_ESUCCESS);
    assert_string_equal((char *)w.memory + get_u32(&w, OUT_AT), "prog");
    assert_string_equal((char *)w.memory + get_u32(&w, OUT_AT + 4), "");
    assert_string_equal((char *)w.memory + get_u32(&w, OUT_AT + 8), "two words");
    assert_int_equal(CALL(&w, "environ_sizes_get", OUT_AT, OUT_AT + 4), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 1);
    assert_int_equal(get_u32(&w, OUT_AT + 4), 4);
    assert_int_equal(CALL(&w, "environ_get", OUT_AT, DATA_AT), WASI_ESUCCESS);
    assert_string_equal((char *)w.memory + get_u32(&w, OUT_AT), "A=1");
    /* Exactly at the end of memory, and one byte further. */
    assert_int_equal(CALL(&w, "args_get", OUT_AT, MEMORY_BYTES - 16), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "args_get", OUT_AT, MEMORY_BYTES - 15), WASI_EFAULT);
    assert_int_equal(CALL(&w, "args_get", MEMORY_BYTES - 11, DATA_AT), WASI_EFAULT);
    world_close(&w);
}

static void test_process(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    assert_int_equal(call_func(&w, "sched_yield", NULL, 0), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "random_get", DATA_AT, 32), WASI_ESUCCESS);
    u64 sum = 0;
    for (u32 i = 0; i < 4; i++) {
        sum |= get_u64(&w, DATA_AT + i * 8);
    }
    assert_true(sum != 0);
    assert_int_equal(CALL(&w, "random_get", MEMORY_BYTES, 0), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "random_get", MEMORY_BYTES - 1, 2), WASI_EFAULT);
    assert_int_equal(CALL(&w, "random_get", 0, MEMORY_BYTES), WASI_ESUCCESS);
    memset(w.memory, 0, MEMORY_BYTES);

    assert_int_equal(CALL(&w, "proc_raise", 0), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "proc_raise", 31), WASI_EINVAL);
    assert_int_equal(CALL(&w, "proc_raise", 18), WASI_ENOTSUP);
    assert_int_equal(CALL(&w, "proc_raise", 22), WASI_ESUCCESS);
    assert_int_equal(w.outcome, WASI_GO_ON);
    assert_int_equal(CALL(&w, "proc_raise", 6), 0xffff);
    assert_int_equal(w.outcome, WASI_EXIT);
    assert_int_equal(dv_wasi_exit_code(w.wasi), 134);
    assert_int_equal(CALL(&w, "proc_exit", 0xfffffffeu), 0xffff);
    assert_int_equal(w.outcome, WASI_EXIT);
    assert_int_equal(dv_wasi_exit_code(w.wasi), 0xfffffffeu);
    world_close(&w);
}

/* ---- Streams ---- */

typedef struct Tape {
    char text[64];
    usize used;
    usize piece; /* at most so much at once; 0 fails */
} Tape;

static i64 read_tape(void *context, void *to, usize size)
{
    Tape *tape = context;
    usize left = strlen(tape->text) - tape->used;
    usize part = size < tape->piece ? size : tape->piece;
    part = part < left ? part : left;
    memcpy(to, tape->text + tape->used, part);
    tape->used += part;
    return (i64)part;
}

static i64 write_tape(void *context, const void *from, usize size)
{
    Tape *tape = context;
    usize part = size < tape->piece ? size : tape->piece;
    memcpy(tape->text + tape->used, from, part);
    tape->used += part;
    return (i64)part;
}

static i64 fail_tape(void *context, void *to, usize size)
{
    (void)context;
    (void)to;
    (void)size;
    return -1;
}

static void test_callbacks(void **state)
{
    (void)state;
    Tape in = {.text = "hello world", .piece = 64};
    Tape out = {.piece = 64};
    WasiConfig config = {
        .stdio = {{.kind = WASI_STDIO_CALLBACK, .read = read_tape, .context = &in},
                  {.kind = WASI_STDIO_CALLBACK, .write = write_tape, .context = &out},
                  {.kind = WASI_STDIO_NULL}}};
    World w;
    world_open(&w, &config);
    put_vector(&w, 0, DATA_AT, 3);
    put_vector(&w, 1, DATA_AT + 100, 0);
    put_vector(&w, 2, DATA_AT + 3, 20);
    assert_int_equal(CALL(&w, "fd_read", 0, VECTOR_AT, 3, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 11);
    assert_string_equal(data_text(&w), "hello world");
    assert_int_equal(CALL(&w, "fd_read", 0, VECTOR_AT, 3, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 0);
    assert_int_equal(CALL(&w, "fd_write", 0, VECTOR_AT, 1, OUT_AT), WASI_ENOTCAPABLE);

    assert_int_equal(write_text(&w, 1, "abc"), WASI_ESUCCESS);
    put_vector(&w, 0, DATA_AT, 2);
    put_vector(&w, 1, DATA_AT + 1, 2); /* overlapping */
    assert_int_equal(CALL(&w, "fd_write", 1, VECTOR_AT, 2, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 4);
    assert_string_equal(out.text, "abcabbc");
    out.piece = 1;
    assert_int_equal(write_text(&w, 1, "xyz"), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 1);
    out.piece = 0;
    assert_int_equal(write_text(&w, 1, "xyz"), WASI_EIO);
    assert_int_equal(CALL(&w, "fd_read", 1, VECTOR_AT, 1, OUT_AT), WASI_ENOTCAPABLE);

    assert_int_equal(write_text(&w, 2, "gone"), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 4);
    assert_int_equal(read_text(&w, 2), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 0);
    assert_int_equal(CALL(&w, "fd_filestat_get", 1, DATA_AT), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_seek", 1, 0, WHENCE_CUR, OUT_AT), WASI_ESPIPE);
    assert_int_equal(CALL(&w, "fd_pread", 0, VECTOR_AT, 1, 0, OUT_AT), WASI_ESPIPE);
    assert_int_equal(CALL(&w, "fd_fdstat_get", 1, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u64(&w, OUT_AT + FDSTAT_BASE) &
                         (RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_FD_SEEK),
                     RIGHT_FD_WRITE);
    world_close(&w);
    config.stdio[0].read = fail_tape;
    world_open(&w, &config);
    assert_int_equal(read_text(&w, 0), WASI_EIO);
    world_close(&w);
}

static void test_closed_streams(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    assert_int_equal(write_text(&w, 1, "x"), WASI_EBADF);
    assert_int_equal(read_text(&w, 0), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_fdstat_get", 2, OUT_AT), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_close", 1), WASI_EBADF);
    /* The lowest free number is the next. */
    assert_int_equal(make_file(&w, "f"), 0);
    world_close(&w);
}

/* A pipe whose reader is gone: EPIPE, SIGPIPE at its default, and the mask as it was. */
static void test_broken_pipe(void **state)
{
    (void)state;
    int ends[2];
    sigset_t before;
    sigset_t after;
    World w;
    assert_int_equal(pipe(ends), 0);
    WasiConfig config = {
        .stdio = {{.kind = WASI_STDIO_CLOSED}, {.kind = WASI_STDIO_HOST_FD, .host_fd = ends[1]}}};
    world_open(&w, &config);
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    assert_int_equal(write_text(&w, 1, "heard"), WASI_ESUCCESS);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &before), 0);
    assert_int_equal(write_text(&w, 1, "unheard"), WASI_EPIPE);
    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &after), 0);
    assert_int_equal(sigismember(&after, SIGPIPE), sigismember(&before, SIGPIPE));
    assert_int_equal(sigpending(&after), 0);
    assert_int_equal(sigismember(&after, SIGPIPE), 0);
    /* Closing the program's descriptor leaves the embedder's. */
    assert_int_equal(CALL(&w, "fd_close", 1), WASI_ESUCCESS);
    assert_int_equal(close(ends[1]), 0);
    world_close(&w);
}

/* ---- Files ---- */

static void test_read_write_seek(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    u32 fd = make_file(&w, "file");
    assert_int_equal(write_text(&w, fd, "0123456789"), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_tell", fd, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u64(&w, OUT_AT), 10);
    assert_int_equal(CALL(&w, "fd_seek", fd, (u64)-4, WHENCE_END, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u64(&w, OUT_AT), 6);
    assert_int_equal(read_text(&w, fd), WASI_ESUCCESS);
    assert_string_equal(data_text(&w), "6789");
    assert_int_equal(CALL(&w, "fd_seek", fd, (u64)-11, WHENCE_CUR, OUT_AT), WASI_EINVAL);
    assert_int_equal(CALL(&w, "fd_seek", fd, 0, 3, OUT_AT), WASI_EINVAL);
    assert_int_equal(CALL(&w, "fd_seek", fd, (u64)1 << 40, WHENCE_SET, OUT_AT), WASI_ESUCCESS);
    assert_true(get_u64(&w, OUT_AT) == (u64)1 << 40);

    put_vector(&w, 0, DATA_AT, 2);
    put_vector(&w, 1, DATA_AT + 10, 3);
    assert_int_equal(CALL(&w, "fd_pread", fd, VECTOR_AT, 2, 4, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 5);
    assert_memory_equal(w.memory + DATA_AT, "45", 2);
    assert_memory_equal(w.memory + DATA_AT + 10, "678", 3);
    assert_int_equal(CALL(&w, "fd_pread", fd, VECTOR_AT, 1, 100, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 0);
    assert_int_equal(CALL(&w, "fd_pread", fd, VECTOR_AT, 1, UINT64_MAX, OUT_AT), WASI_EINVAL);
    assert_int_equal(CALL(&w, "fd_pwrite", fd, VECTOR_AT, 2, 0, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_pwrite", fd, VECTOR_AT, 1, UINT64_MAX, OUT_AT), WASI_EINVAL);
    assert_int_equal(CALL(&w, "fd_seek", fd, 0, WHENCE_SET, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(read_text(&w, fd), WASI_ESUCCESS);
    assert_string_equal(data_text(&w), "4567856789");
    /* Many buffers: what is beyond the limit is left for the next call. */
    for (u32 i = 0; i < 300; i++) {
        put_vector(&w, i, DATA_AT, 1);
    }
    assert_int_equal(CALL(&w, "fd_write", fd, VECTOR_AT, 300, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 256);
    assert_int_equal(CALL(&w, "fd_write", fd, VECTOR_AT, 0, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 0);
    world_close(&w);
}

static void test_append(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    u32 fd = make_file(&w, "file");
    assert_int_equal(write_text(&w, fd, "abc"), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_fdstat_set_flags", fd, FDFLAGS_APPEND), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_fdstat_get", fd, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(load_le16(w.memory + OUT_AT + FDSTAT_FLAGS), FDFLAGS_APPEND);
    assert_int_equal(CALL(&w, "fd_seek", fd, 1, WHENCE_SET, OUT_AT), WASI_ESUCCESS);
    /* A position means nothing where everything is appended, and is left as it was. */
    put_vector(&w, 0, DATA_AT, (u32)put_text(&w, DATA_AT, "d"));
    assert_int_equal(CALL(&w, "fd_pwrite", fd, VECTOR_AT, 1, 0, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_tell", fd, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u64(&w, OUT_AT), 1);
    assert_int_equal(write_text(&w, fd, "e"), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_fdstat_set_flags", fd, 0), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_seek", fd, 0, WHENCE_SET, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(write_text(&w, fd, "A"), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_seek", fd, 0, WHENCE_SET, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(read_text(&w, fd), WASI_ESUCCESS);
    assert_string_equal(data_text(&w), "Abcde");
    assert_int_equal(CALL(&w, "fd_fdstat_set_flags", fd, FDFLAGS_NONBLOCK), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_fdstat_set_flags", fd, FDFLAGS_SYNC), WASI_EINVAL);
    assert_int_equal(CALL(&w, "fd_fdstat_set_flags", fd, 32), WASI_EINVAL);
    world_close(&w);
}

static u64 size_of(World *w, u32 fd)
{
    assert_int_equal(CALL(w, "fd_filestat_get", fd, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(w->memory[OUT_AT + FILESTAT_FILETYPE], FILETYPE_REGULAR_FILE);
    assert_true(get_u64(w, OUT_AT + FILESTAT_INO) != 0);
    assert_int_equal(get_u64(w, OUT_AT + FILESTAT_NLINK), 1);
    return get_u64(w, OUT_AT + FILESTAT_BYTES);
}

static void test_sizes_times(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    u32 fd = make_file(&w, "file");
    assert_int_equal(CALL(&w, "fd_filestat_set_size", fd, 100), WASI_ESUCCESS);
    assert_int_equal(size_of(&w, fd), 100);
    assert_int_equal(CALL(&w, "fd_filestat_set_size", fd, UINT64_MAX), WASI_EINVAL);
    u32 error = CALL(&w, "fd_allocate", fd, 90, 20);
    assert_true(error == WASI_ESUCCESS || error == WASI_ENOTSUP);
    assert_int_equal(size_of(&w, fd), error == WASI_ESUCCESS ? 110 : 100);
    assert_int_equal(CALL(&w, "fd_allocate", fd, 0, 0), WASI_EINVAL);
    assert_int_equal(CALL(&w, "fd_allocate", fd, UINT64_MAX, 1), WASI_EINVAL);
    assert_int_equal(CALL(&w, "fd_allocate", fd, INT64_MAX, 1), WASI_EFBIG);
    for (u32 advice = 0; advice < ADVICE_COUNT; advice++) {
        assert_int_equal(CALL(&w, "fd_advise", fd, 0, 200, advice), WASI_ESUCCESS);
    }
    assert_int_equal(CALL(&w, "fd_advise", fd, 0, 200, ADVICE_COUNT), WASI_EINVAL);
    assert_int_equal(CALL(&w, "fd_advise", fd, UINT64_MAX, 200, 0), WASI_EINVAL);
    assert_int_equal(CALL(&w, "fd_sync", fd), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_datasync", fd), WASI_ESUCCESS);

    u64 then = 1234567890123456789u;
    assert_int_equal(
        CALL(&w, "fd_filestat_set_times", fd, then, then + 5, FSTFLAGS_ATIM | FSTFLAGS_MTIM),
        WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_filestat_get", fd, OUT_AT), WASI_ESUCCESS);
    assert_true(get_u64(&w, OUT_AT + FILESTAT_ATIM) == then);
    assert_true(get_u64(&w, OUT_AT + FILESTAT_MTIM) == then + 5);
    assert_int_equal(CALL(&w, "fd_filestat_set_times", fd, 0, 0, FSTFLAGS_MTIM_NOW), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_filestat_get", fd, OUT_AT), WASI_ESUCCESS);
    assert_true(get_u64(&w, OUT_AT + FILESTAT_ATIM) == then);
    assert_true(get_u64(&w, OUT_AT + FILESTAT_MTIM) > then + 5);
    assert_int_equal(CALL(&w, "fd_filestat_set_times", fd, 0, 0, FSTFLAGS_MTIM_NOW | FSTFLAGS_MTIM),
                     WASI_EINVAL);
    assert_int_equal(CALL(&w, "fd_filestat_set_times", fd, 0, 0, FSTFLAGS_ATIM_NOW | FSTFLAGS_ATIM),
                     WASI_EINVAL);
    assert_int_equal(CALL(&w, "fd_filestat_set_times", fd, 0, 0, 16), WASI_EINVAL);
    assert_int_equal(
        CALL(&w, "path_filestat_set_times", ROOT, 0, PATH(&w, "file"), 0, then, FSTFLAGS_MTIM),
        WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_filestat_set_times", ROOT, 0, PATH(&w, "file"), 0, then,
                          FSTFLAGS_MTIM | FSTFLAGS_MTIM_NOW),
                     WASI_EINVAL);
    assert_int_equal(CALL(&w, "path_filestat_get", ROOT, 0, PATH(&w, "file"), OUT_AT),
                     WASI_ESUCCESS);
    assert_true(get_u64(&w, OUT_AT + FILESTAT_MTIM) == then);
    world_close(&w);
}

/* A file that may not grow further: EFBIG, and no signal. */
static void test_file_limit(void **state)
{
    (void)state;
    struct rlimit before;
    World w;
    world_open(&w, NULL);
    u32 fd = make_file(&w, "file");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {4096, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    put_vector(&w, 0, DATA_AT, 100);
    u32 at_limit = CALL(&w, "fd_pwrite", fd, VECTOR_AT, 1, 4096, OUT_AT);
    u32 sized = CALL(&w, "fd_filestat_set_size", fd, 8192);
    u32 allocated = CALL(&w, "fd_allocate", fd, 0, 8192);
    u32 below = CALL(&w, "fd_pwrite", fd, VECTOR_AT, 1, 0, OUT_AT);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(at_limit, WASI_EFBIG);
    assert_int_equal(sized, WASI_EFBIG);
    assert_true(allocated == WASI_EFBIG || allocated == WASI_ENOTSUP);
    assert_int_equal(below, WASI_ESUCCESS);
    world_close(&w);
}

/* ---- Rights ---- */

static void test_rights(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    u32 fd;
    (void)make_file(&w, "file");
    assert_int_equal(open_path(&w, ROOT, "file", 0, RIGHT_FD_READ, &fd), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_fdstat_get", fd, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(w.memory[OUT_AT], FILETYPE_REGULAR_FILE);
    assert_int_equal(get_u64(&w, OUT_AT + FDSTAT_BASE), RIGHT_FD_READ);
    assert_int_equal(get_u64(&w, OUT_AT + FDSTAT_INHERITING), 0);
    assert_int_equal(write_text(&w, fd, "x"), WASI_ENOTCAPABLE);
    assert_int_equal(CALL(&w, "fd_seek", fd, 0, WHENCE_SET, OUT_AT), WASI_ENOTCAPABLE);
    assert_int_equal(CALL(&w, "fd_tell", fd, OUT_AT), WASI_ENOTCAPABLE);
    assert_int_equal(CALL(&w, "fd_sync", fd), WASI_ENOTCAPABLE);
    assert_int_equal(CALL(&w, "fd_fdstat_set_rights", fd, RIGHT_FD_READ | RIGHT_FD_WRITE, 0),
                     WASI_ENOTCAPABLE);
    assert_int_equal(read_text(&w, fd), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_fdstat_set_rights", fd, 0, 0), WASI_ESUCCESS);
    assert_int_equal(read_text(&w, fd), WASI_ENOTCAPABLE);

    /* Directories: no right that means nothing to them, and truncation by a right of its own. */
    assert_int_equal(CALL(&w, "fd_fdstat_get", ROOT, OUT_AT), WASI_ESUCCESS);
    u64 base = get_u64(&w, OUT_AT + FDSTAT_BASE);
    u64 inheriting = get_u64(&w, OUT_AT + FDSTAT_INHERITING);
    assert_int_equal(base & (RIGHT_FD_SEEK | RIGHT_FD_WRITE | RIGHT_FD_FILESTAT_SET_SIZE), 0);
    assert_int_equal(inheriting, RIGHTS_ALL);
    assert_int_equal(open_path(&w, ROOT, "file", OFLAGS_TRUNC, 0, &fd), WASI_ESUCCESS);
    base &= ~(u64)RIGHT_PATH_FILESTAT_SET_SIZE;
    inheriting &= ~(u64)RIGHT_FD_WRITE;
    assert_int_equal(CALL(&w, "fd_fdstat_set_rights", ROOT, base, inheriting), WASI_ESUCCESS);
    assert_int_equal(
        CALL(&w, "path_open", ROOT, 0, PATH(&w, "file"), OFLAGS_TRUNC, 0, 0, 0, OUT_AT),
        WASI_ENOTCAPABLE);
    assert_int_equal(
        CALL(&w, "path_open", ROOT, 0, PATH(&w, "file"), 0, RIGHT_FD_WRITE, 0, 0, OUT_AT),
        WASI_ENOTCAPABLE);
    /* Unknown rights are ignored. */
    assert_int_equal(CALL(&w, "path_open", ROOT, 0, PATH(&w, "file"), 0,
                          (u64)1 << 60 | RIGHT_FD_READ, (u64)1 << 61, 0, OUT_AT),
                     WASI_ESUCCESS);
    base &= ~(u64)(RIGHT_PATH_CREATE_DIRECTORY | RIGHT_FD_READDIR);
    assert_int_equal(CALL(&w, "fd_fdstat_set_rights", ROOT, base, inheriting), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_create_directory", ROOT, PATH(&w, "d")), WASI_ENOTCAPABLE);
    assert_int_equal(CALL(&w, "fd_readdir", ROOT, DATA_AT, 100, 0, OUT_AT), WASI_ENOTCAPABLE);
    world_close(&w);
}

/* What files do and directories do not, and the other way round. */
static void test_kinds(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    u32 fd = make_file(&w, "file");
    u32 other;
    put_vector(&w, 0, DATA_AT, 8);
    assert_int_equal(CALL(&w, "fd_read", ROOT, VECTOR_AT, 1, OUT_AT), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_write", ROOT, VECTOR_AT, 1, OUT_AT), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_pread", ROOT, VECTOR_AT, 1, 0, OUT_AT), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_pwrite", ROOT, VECTOR_AT, 1, 0, OUT_AT), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_seek", ROOT, 0, WHENCE_CUR, OUT_AT), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_tell", ROOT, OUT_AT), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_allocate", ROOT, 0, 1), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_advise", ROOT, 0, 1, 0), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_filestat_set_size", ROOT, 0), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_sync", ROOT), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_filestat_set_times", ROOT, 0, 0, FSTFLAGS_MTIM_NOW),
                     WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_filestat_get", ROOT, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(w.memory[OUT_AT + FILESTAT_FILETYPE], FILETYPE_DIRECTORY);
    assert_int_equal(open_path(&w, fd, "x", OFLAGS_CREAT, 0, &other), WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "fd_readdir", fd, DATA_AT, 100, 0, OUT_AT), WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_unlink_file", fd, PATH(&w, "x")), WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_unlink_file", 77, PATH(&w, "x")), WASI_EBADF);
    assert_int_equal(CALL(&w, "sock_shutdown", fd, SDFLAGS_RD), WASI_ENOTSOCK);
    assert_int_equal(CALL(&w, "sock_shutdown", 77, SDFLAGS_RD), WASI_EBADF);
    assert_int_equal(CALL(&w, "sock_accept", fd, 0, OUT_AT), WASI_ENOTSOCK);
    assert_int_equal(CALL(&w, "sock_recv", ROOT, VECTOR_AT, 1, 0, OUT_AT, OUT_AT), WASI_ENOTSOCK);
    assert_int_equal(CALL(&w, "sock_send", fd, VECTOR_AT, 1, 0, OUT_AT), WASI_ENOTSOCK);
    assert_int_equal(CALL(&w, "fd_prestat_get", fd, OUT_AT), WASI_EBADF);
    world_close(&w);
}

/* ---- Descriptors ---- */

static void test_descriptors(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    assert_int_equal(CALL(&w, "fd_prestat_get", ROOT, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(w.memory[OUT_AT], PREOPENTYPE_DIR);
    assert_int_equal(get_u32(&w, OUT_AT + PRESTAT_NAME_LEN), 1);
    assert_int_equal(CALL(&w, "fd_prestat_get", 4, OUT_AT), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_prestat_dir_name", ROOT, OUT_AT, 0), WASI_ENAMETOOLONG);
    assert_int_equal(CALL(&w, "fd_prestat_dir_name", ROOT, OUT_AT, 1), WASI_ESUCCESS);
    assert_int_equal(w.memory[OUT_AT], '/');

    u32 first = make_file(&w, "one");
    u32 second = make_file(&w, "two");
    assert_int_equal(write_text(&w, first, "one"), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_renumber", first, 100), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_renumber", 100, first), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_renumber", first, first), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_renumber", first, second), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_tell", first, OUT_AT), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_tell", second, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u64(&w, OUT_AT), 3);
    /* Over the preopened directory, and with its name. */
    assert_int_equal(CALL(&w, "fd_renumber", ROOT, second), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_prestat_get", second, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_prestat_get", ROOT, OUT_AT), WASI_EBADF);
    assert_int_equal(CALL(&w, "fd_close", second), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_close", second), WASI_EBADF);
    world_close(&w);
}

static void test_limits(void **state)
{
    (void)state;
    WasiConfig config = {.fds_max = 6, .listing_bytes_max = 4096};
    World w;
    u32 fd;
    char name[200];
    world_open(&w, &config);
    for (u32 i = 0; i < 40; i++) {
        memset(name, 'a' + (int)(i % 26), sizeof name);
        (void)snprintf(name + 150, 50, "%u", (unsigned)i);
        assert_int_equal(open_path(&w, ROOT, name, OFLAGS_CREAT, 0, &fd), WASI_ESUCCESS);
        assert_int_equal(CALL(&w, "fd_close", fd), WASI_ESUCCESS);
    }
    assert_int_equal(CALL(&w, "fd_readdir", ROOT, DATA_AT, 1000, 0, OUT_AT), WASI_ENOMEM);
    for (u32 i = 0; i < 5; i++) {
        assert_int_equal(open_path(&w, ROOT, ".", 0, 0, &fd), WASI_ESUCCESS);
    }
    assert_int_equal(open_path(&w, ROOT, ".", 0, 0, &fd), WASI_EMFILE);
    world_close(&w);
}

static void test_bad_config(void **state)
{
    (void)state;
    Wasi *wasi;
    char error[256];
    Fixture counts = {0};
    WasiPreopen preopens[2] = {{"/tmp", "/tmp", false}, {"/nowhere/at/all", "/x", false}};
    WasiConfig config = {
        .allocator = {count_alloc, count_free, &counts}, .preopens = preopens, .preopen_count = 2};
    assert_int_equal(dv_wasi_new(&config, &wasi, error, sizeof error), DAVIT_ERROR_IO);
    assert_null(wasi);
    assert_string_equal(
        error, "cannot open directory '/nowhere/at/all' for '/x': no such file or directory");
    assert_int_equal(dv_wasi_new(&config, &wasi, error, 8), DAVIT_ERROR_IO);
    assert_string_equal(error, "cannot ");
    preopens[1].host_path = "/dev/null";
    assert_int_equal(dv_wasi_new(&config, &wasi, error, sizeof error), DAVIT_ERROR_IO);
    assert_non_null(strstr(error, "'/dev/null' for '/x': not a directory"));
    config.fds_max = 4;
    assert_int_equal(dv_wasi_new(&config, &wasi, NULL, 0), DAVIT_ERROR_LIMIT);
    config = (WasiConfig){.stdio = {{.kind = WASI_STDIO_HOST_FD, .host_fd = 1000}}};
    assert_int_equal(dv_wasi_new(&config, &wasi, error, sizeof error), DAVIT_ERROR_IO);
    assert_string_equal(error, "standard stream 0: not an open descriptor");
    assert_int_equal(counts.live_blocks, 0);
    dv_wasi_free(NULL);
}

static void *no_alloc(void *context, size_t size)
{
    u32 *left = context;
    if (*left == 0) {
        return NULL;
    }
    (*left)--;
    return malloc(size);
}

static void no_free(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

/* Every allocation fails once. */
static void test_no_memory(void **state)
{
    (void)state;
    static const char *const args[] = {"a"};
    u32 failures = 0;
    for (u32 given = 0;; given++) {
        u32 left = given;
        Wasi *wasi;
        WasiPreopen preopen = {"/tmp", "/tmp", false};
        WasiConfig config = {.allocator = {no_alloc, no_free, &left},
                             .args = args,
                             .arg_count = 1,
                             .preopens = &preopen,
                             .preopen_count = 1};
        davit_status_t status = dv_wasi_new(&config, &wasi, NULL, 0);
        if (status == DAVIT_OK) {
            dv_wasi_free(wasi);
            break;
        }
        assert_int_equal(status, DAVIT_ERROR_MEMORY);
        failures++;
    }
    assert_int_equal(failures, 5);
}

/* ---- Directories ---- */

typedef struct Seen {
    char names[4096];
    u32 count;
    u64 next;
    bool end;
} Seen;

/* One call with a buffer of this size; whole entries only. */
static void list(World *w, u32 fd, u32 room, u64 cookie, Seen *seen)
{
    *seen = (Seen){.next = cookie};
    assert_int_equal(CALL(w, "fd_readdir", fd, DATA_AT, room, cookie, OUT_AT), WASI_ESUCCESS);
    u32 used = get_u32(w, OUT_AT);
    assert_true(used <= room);
    seen->end = used < room;
    u32 at = 0;
    while (used - at >= DIRENT_SIZE) {
        u32 length = get_u32(w, DATA_AT + at + DIRENT_NAMLEN);
        if (used - at - DIRENT_SIZE < length) {
            break;
        }
        strncat(seen->names, (char *)w->memory + DATA_AT + at + DIRENT_SIZE, length);
        strcat(seen->names, " ");
        seen->next = get_u64(w, DATA_AT + at + DIRENT_NEXT);
        seen->count++;
        at += DIRENT_SIZE + length;
    }
}

static void test_readdir(void **state)
{
    (void)state;
    World w;
    Seen seen;
    u32 fd;
    world_open(&w, NULL);
    list(&w, ROOT, 1024, 0, &seen);
    assert_string_equal(seen.names, ". .. ");
    assert_true(seen.end);
    assert_int_equal(w.memory[DATA_AT + DIRENT_TYPE], FILETYPE_DIRECTORY);
    u64 ino = get_u64(&w, DATA_AT + DIRENT_INO);
    assert_int_equal(CALL(&w, "fd_filestat_get", ROOT, OUT_AT), WASI_ESUCCESS);
    assert_true(get_u64(&w, OUT_AT + FILESTAT_INO) == ino);
    for (u32 i = 0; i < 500; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "file%03u", (unsigned)i);
        assert_int_equal(open_path(&w, ROOT, name, OFLAGS_CREAT, 0, &fd), WASI_ESUCCESS);
        assert_int_equal(CALL(&w, "fd_close", fd), WASI_ESUCCESS);
    }
    /* A beginning that is kept does not change, whatever happens to the directory. */
    list(&w, ROOT, 1024, 2, &seen);
    assert_int_equal(seen.count, 0);
    u32 total = 0;
    u64 cookie = 0;
    do {
        list(&w, ROOT, 300, cookie, &seen);
        total += seen.count;
        cookie = seen.next;
        assert_int_equal(cookie, total);
        assert_int_equal(CALL(&w, "path_unlink_file", ROOT, PATH(&w, "file001")),
                         total == seen.count ? WASI_ESUCCESS : WASI_ENOENT);
    } while (!seen.end);
    assert_int_equal(total, 502);
    /* Back, and the same again. */
    list(&w, ROOT, 300, 7, &seen);
    char names[4096];
    strcpy(names, seen.names);
    list(&w, ROOT, 300, 400, &seen);
    list(&w, ROOT, 300, 7, &seen);
    assert_string_equal(seen.names, names);
    list(&w, ROOT, 300, UINT64_MAX, &seen);
    assert_int_equal(seen.count, 0);
    list(&w, ROOT, 10, 0, &seen);
    assert_int_equal(get_u32(&w, OUT_AT), 10); /* the head itself is cut */
    list(&w, ROOT, 0, 0, &seen);
    assert_int_equal(get_u32(&w, OUT_AT), 0);
    /* A new beginning sees the change. */
    list(&w, ROOT, 30000, 0, &seen);
    assert_int_equal(seen.count, 501);
    world_close(&w);
}

/* ---- Paths ---- */

static void test_open_flags(void **state)
{
    (void)state;
    World w;
    u32 fd;
    world_open(&w, NULL);
    assert_int_equal(open_path(&w, ROOT, "file", 0, 0, &fd), WASI_ENOENT);
    (void)make_file(&w, "file");
    assert_int_equal(open_path(&w, ROOT, "file", OFLAGS_CREAT | OFLAGS_EXCL, 0, &fd), WASI_EEXIST);
    assert_int_equal(open_path(&w, ROOT, "file", OFLAGS_DIRECTORY, 0, &fd), WASI_ENOTDIR);
    assert_int_equal(open_path(&w, ROOT, "file/", 0, 0, &fd), WASI_ENOTDIR);
    assert_int_equal(open_path(&w, ROOT, "file///", 0, 0, &fd), WASI_ENOTDIR);
    assert_int_equal(open_path(&w, ROOT, "file/x", 0, 0, &fd), WASI_ENOTDIR);
    assert_int_equal(open_path(&w, ROOT, "new/", OFLAGS_CREAT, 0, &fd), WASI_EISDIR);
    assert_int_equal(open_path(&w, ROOT, "", 0, 0, &fd), WASI_ENOENT);
    assert_int_equal(open_path(&w, ROOT, ".", OFLAGS_DIRECTORY, RIGHT_FD_READ, &fd), WASI_ESUCCESS);
    assert_int_equal(open_path(&w, ROOT, ".", 0, RIGHT_FD_WRITE, &fd), WASI_EISDIR);
    assert_int_equal(open_path(&w, ROOT, ".", OFLAGS_DIRECTORY, RIGHT_FD_WRITE, &fd), WASI_EISDIR);
    assert_int_equal(open_path(&w, ROOT, ".", 0, RIGHTS_ALL & ~RIGHT_FD_WRITE, &fd), WASI_ESUCCESS);
    assert_int_equal(open_path(&w, ROOT, ".", OFLAGS_TRUNC, 0, &fd), WASI_EISDIR);
    assert_int_equal(open_path(&w, ROOT, "d", OFLAGS_DIRECTORY | OFLAGS_CREAT, 0, &fd),
                     WASI_EINVAL);
    assert_int_equal(open_path(&w, ROOT, "file", 16, 0, &fd), WASI_EINVAL);
    assert_int_equal(CALL(&w, "path_open", ROOT, 2, PATH(&w, "file"), 0, 0, 0, 0, OUT_AT),
                     WASI_EINVAL);
    assert_int_equal(CALL(&w, "path_open", ROOT, 0, PATH(&w, "file"), 0, 0, 0, 32, OUT_AT),
                     WASI_EINVAL);
    assert_int_equal(
        CALL(&w, "path_open", ROOT, 0, PATH(&w, "."), 0, 0, 0, FDFLAGS_NONBLOCK, OUT_AT),
        WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_open", ROOT, 0, PATH(&w, "file"), 0, RIGHT_FD_WRITE, 0,
                          FDFLAGS_SYNC | FDFLAGS_DSYNC | FDFLAGS_RSYNC, OUT_AT),
                     WASI_ESUCCESS);
    /* Text that is no path. */
    assert_int_equal(CALL(&w, "path_open", ROOT, 0, PATH_AT, (put_text(&w, PATH_AT, "file"), 5), 0,
                          0, 0, 0, OUT_AT),
                     WASI_EINVAL);
    assert_int_equal(open_path(&w, ROOT, "\xc0\x80", OFLAGS_CREAT, 0, &fd), WASI_EILSEQ);
    assert_int_equal(open_path(&w, ROOT, "\xed\xa0\x80", OFLAGS_CREAT, 0, &fd), WASI_EILSEQ);
    assert_int_equal(open_path(&w, ROOT, "a\xe2\x82", OFLAGS_CREAT, 0, &fd), WASI_EILSEQ);
    assert_int_equal(open_path(&w, ROOT, "\xf5\x80\x80\x80", OFLAGS_CREAT, 0, &fd), WASI_EILSEQ);
    assert_int_equal(
        open_path(&w, ROOT, "\xf4\x8f\xbf\xbf\xe2\x82\xac\xc3\xa9", OFLAGS_CREAT, 0, &fd),
        WASI_ESUCCESS);
    memset(w.memory + PATH_AT, 'x', 5000);
    assert_int_equal(CALL(&w, "path_open", ROOT, 0, PATH_AT, 5000, 0, 0, 0, 0, OUT_AT),
                     WASI_ENAMETOOLONG);
    assert_int_equal(CALL(&w, "path_open", ROOT, 0, PATH_AT, 300, 0, 0, 0, 0, OUT_AT),
                     WASI_ENAMETOOLONG);
    world_close(&w);
}

static void test_directories(void **state)
{
    (void)state;
    World w;
    u32 fd;
    world_open(&w, NULL);
    (void)make_file(&w, "file");
    assert_int_equal(CALL(&w, "path_create_directory", ROOT, PATH(&w, "dir")), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_create_directory", ROOT, PATH(&w, "dir")), WASI_EEXIST);
    assert_int_equal(CALL(&w, "path_create_directory", ROOT, PATH(&w, "dir/in/")), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_create_directory", ROOT, PATH(&w, ".")), WASI_EEXIST);
    assert_int_equal(CALL(&w, "path_create_directory", ROOT, PATH(&w, "no/in")), WASI_ENOENT);
    assert_int_equal(
        open_path(&w, ROOT, "dir/.//in/../../dir/in/../in///./", OFLAGS_DIRECTORY, 0, &fd),
        WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_remove_directory", ROOT, PATH(&w, "dir")), WASI_ENOTEMPTY);
    assert_int_equal(CALL(&w, "path_remove_directory", ROOT, PATH(&w, "dir/in/.")), WASI_EINVAL);
    assert_int_equal(CALL(&w, "path_remove_directory", ROOT, PATH(&w, "dir/in//")), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_remove_directory", ROOT, PATH(&w, "file")), WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_remove_directory", ROOT, PATH(&w, "file/")), WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_remove_directory", ROOT, PATH(&w, "none")), WASI_ENOENT);
    assert_int_equal(CALL(&w, "path_unlink_file", ROOT, PATH(&w, "dir")), WASI_EISDIR);
    assert_int_equal(CALL(&w, "path_unlink_file", ROOT, PATH(&w, "dir/")), WASI_EISDIR);
    assert_int_equal(CALL(&w, "path_unlink_file", ROOT, PATH(&w, ".")), WASI_EISDIR);
    assert_int_equal(CALL(&w, "path_unlink_file", ROOT, PATH(&w, "file/")), WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_unlink_file", ROOT, PATH(&w, "none/")), WASI_ENOENT);
    assert_int_equal(CALL(&w, "path_unlink_file", ROOT, PATH(&w, "file")), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_filestat_get", ROOT, 0, PATH(&w, "file"), OUT_AT), WASI_ENOENT);
    assert_int_equal(CALL(&w, "path_filestat_get", ROOT, 0, PATH(&w, "dir/"), OUT_AT),
                     WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_filestat_get", ROOT, 4, PATH(&w, "dir"), OUT_AT), WASI_EINVAL);
    /* Open, and then gone. */
    assert_int_equal(open_path(&w, ROOT, "dir", OFLAGS_DIRECTORY, RIGHTS_ALL, &fd), WASI_EISDIR);
    assert_int_equal(
        open_path(&w, ROOT, "dir", OFLAGS_DIRECTORY, RIGHTS_ALL & ~RIGHT_FD_WRITE, &fd),
        WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_remove_directory", ROOT, PATH(&w, "dir")), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_create_directory", fd, PATH(&w, "x")), WASI_ENOENT);
    world_close(&w);
}

static void test_rename_link(void **state)
{
    (void)state;
    World w;
    world_open(&w, NULL);
    u32 fd = make_file(&w, "file");
    assert_int_equal(CALL(&w, "path_link", ROOT, 0, PATH(&w, "file"), ROOT, PATH2(&w, "link")),
                     WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "fd_filestat_get", fd, OUT_AT), WASI_ESUCCESS);
    assert_int_equal(get_u64(&w, OUT_AT + FILESTAT_NLINK), 2);
    assert_int_equal(CALL(&w, "path_link", ROOT, 0, PATH(&w, "file"), ROOT, PATH2(&w, "link")),
                     WASI_EEXIST);
    assert_int_equal(CALL(&w, "path_link", ROOT, 0, PATH(&w, "file"), ROOT, PATH2(&w, "new/")),
                     WASI_ENOENT);
    assert_int_equal(CALL(&w, "path_link", ROOT, 0, PATH(&w, "file/"), ROOT, PATH2(&w, "new")),
                     WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_link", ROOT, 1, PATH(&w, "file"), ROOT, PATH2(&w, "new")),
                     WASI_EINVAL);
    assert_int_equal(CALL(&w, "path_create_directory", ROOT, PATH(&w, "dir")), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_link", ROOT, 0, PATH(&w, "dir"), ROOT, PATH2(&w, "new")),
                     WASI_EPERM);
    assert_int_equal(CALL(&w, "path_link", ROOT, 0, PATH(&w, "."), ROOT, PATH2(&w, "new")),
                     WASI_EPERM);
    assert_int_equal(CALL(&w, "path_link", ROOT, 0, PATH(&w, "file"), ROOT, PATH2(&w, "dir")),
                     WASI_EEXIST);
    assert_int_equal(CALL(&w, "path_link", ROOT, 0, PATH(&w, "none"), ROOT, PATH2(&w, "new")),
                     WASI_ENOENT);

    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "file"), ROOT, PATH2(&w, "dir/moved")),
                     WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "file"), ROOT, PATH2(&w, "x")),
                     WASI_ENOENT);
    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "link/"), ROOT, PATH2(&w, "x")),
                     WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "link"), ROOT, PATH2(&w, "x/")),
                     WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "link"), ROOT, PATH2(&w, "dir")),
                     WASI_EISDIR);
    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "dir"), ROOT, PATH2(&w, "link")),
                     WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_create_directory", ROOT, PATH(&w, "empty")), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "empty"), ROOT, PATH2(&w, "dir")),
                     WASI_ENOTEMPTY);
    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "dir/"), ROOT, PATH2(&w, "empty/")),
                     WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "empty/"), ROOT, PATH2(&w, "fresh/")),
                     WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "fresh"), ROOT, PATH2(&w, "fresh/sub")),
                     WASI_EINVAL);
    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "."), ROOT, PATH2(&w, "x")),
                     WASI_EBUSY);
    assert_int_equal(CALL(&w, "path_filestat_get", ROOT, 0, PATH(&w, "fresh/moved"), OUT_AT),
                     WASI_ESUCCESS);
    world_close(&w);
}

static void test_symlinks(void **state)
{
    (void)state;
    World w;
    u32 fd;
    world_open(&w, NULL);
    assert_int_equal(CALL(&w, "path_symlink", PATH(&w, "target"), ROOT, PATH2(&w, "link")),
                     WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_symlink", PATH(&w, "target"), ROOT, PATH2(&w, "link")),
                     WASI_EEXIST);
    assert_int_equal(CALL(&w, "path_symlink", PATH(&w, "target"), ROOT, PATH2(&w, "link/")),
                     WASI_EEXIST);
    assert_int_equal(CALL(&w, "path_symlink", PATH(&w, "target"), ROOT, PATH2(&w, "new/")),
                     WASI_ENOENT);
    assert_int_equal(CALL(&w, "path_symlink", PATH(&w, "/target"), ROOT, PATH2(&w, "new")),
                     WASI_EPERM);
    assert_int_equal(CALL(&w, "path_symlink", PATH(&w, ""), ROOT, PATH2(&w, "new")), WASI_ENOENT);
    assert_int_equal(CALL(&w, "path_readlink", ROOT, PATH(&w, "link"), DATA_AT, 100, OUT_AT),
                     WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 6);
    assert_memory_equal(w.memory + DATA_AT, "target", 7);
    memset(w.memory + DATA_AT, 0, 8);
    assert_int_equal(CALL(&w, "path_readlink", ROOT, PATH(&w, "link"), DATA_AT, 3, OUT_AT),
                     WASI_ESUCCESS);
    assert_int_equal(get_u32(&w, OUT_AT), 3);
    assert_memory_equal(w.memory + DATA_AT, "tar", 4);
    assert_int_equal(CALL(&w, "path_readlink", ROOT, PATH(&w, "none"), DATA_AT, 3, OUT_AT),
                     WASI_ENOENT);
    assert_int_equal(CALL(&w, "path_readlink", ROOT, PATH(&w, "."), DATA_AT, 3, OUT_AT),
                     WASI_EINVAL);

    /* Dangling: found without following, nothing with; created through. */
    assert_int_equal(open_path(&w, ROOT, "link", 0, 0, &fd), WASI_ELOOP);
    assert_int_equal(open_path(&w, ROOT, "link", OFLAGS_DIRECTORY, 0, &fd), WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_filestat_get", ROOT, 0, PATH(&w, "link"), OUT_AT),
                     WASI_ESUCCESS);
    assert_int_equal(w.memory[OUT_AT + FILESTAT_FILETYPE], FILETYPE_SYMBOLIC_LINK);
    assert_int_equal(get_u64(&w, OUT_AT + FILESTAT_BYTES), 6);
    assert_int_equal(CALL(&w, "path_filestat_get", ROOT, 1, PATH(&w, "link"), OUT_AT), WASI_ENOENT);
    assert_int_equal(CALL(&w, "path_open", ROOT, 1, PATH(&w, "link"), 0, 0, 0, 0, OUT_AT),
                     WASI_ENOENT);
    assert_int_equal(CALL(&w, "path_open", ROOT, 1, PATH(&w, "link"), OFLAGS_CREAT | OFLAGS_EXCL, 0,
                          0, 0, OUT_AT),
                     WASI_EEXIST);
    assert_int_equal(
        CALL(&w, "path_open", ROOT, 1, PATH(&w, "link"), OFLAGS_CREAT, 0, 0, 0, OUT_AT),
        WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_filestat_get", ROOT, 0, PATH(&w, "target"), OUT_AT),
                     WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_open", ROOT, 1, PATH(&w, "link/"), 0, 0, 0, 0, OUT_AT),
                     WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_unlink_file", ROOT, PATH(&w, "target")), WASI_ESUCCESS);

    world_close(&w);
}

static void test_symlinks_followed(void **state)
{
    (void)state;
    World w;
    u32 fd;
    world_open(&w, NULL);
    assert_int_equal(symlink("target", path_in(w.root, "link")), 0);
    /* To a directory: followed in the middle, and for a slash. */
    assert_int_equal(CALL(&w, "path_create_directory", ROOT, PATH(&w, "target")), WASI_ESUCCESS);
    assert_int_equal(open_path(&w, ROOT, "link/file", OFLAGS_CREAT, 0, &fd), WASI_ESUCCESS);
    assert_int_equal(open_path(&w, ROOT, "link/", 0, 0, &fd), WASI_ESUCCESS);
    assert_int_equal(open_path(&w, ROOT, "link/.", 0, 0, &fd), WASI_ESUCCESS);
    assert_int_equal(open_path(&w, ROOT, "link/../target/file", 0, 0, &fd), WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_filestat_get", ROOT, 0, PATH(&w, "link/"), OUT_AT),
                     WASI_ESUCCESS);
    assert_int_equal(w.memory[OUT_AT + FILESTAT_FILETYPE], FILETYPE_DIRECTORY);
    assert_int_equal(CALL(&w, "path_readlink", ROOT, PATH(&w, "link/"), DATA_AT, 3, OUT_AT),
                     WASI_EINVAL);
    assert_int_equal(CALL(&w, "path_remove_directory", ROOT, PATH(&w, "link/")), WASI_ENOTDIR);
    assert_int_equal(CALL(&w, "path_link", ROOT, 0, PATH(&w, "link"), ROOT, PATH2(&w, "hard")),
                     WASI_ESUCCESS);
    assert_int_equal(open_path(&w, ROOT, "hard", 0, 0, &fd), WASI_ELOOP);

    /* Loops. */
    assert_int_equal(CALL(&w, "path_symlink", PATH(&w, "self"), ROOT, PATH2(&w, "self")),
                     WASI_ESUCCESS);
    assert_int_equal(open_path(&w, ROOT, "self", 0, 0, &fd), WASI_ELOOP);
    assert_int_equal(open_path(&w, ROOT, "self/x", 0, 0, &fd), WASI_ELOOP);
    assert_int_equal(CALL(&w, "path_open", ROOT, 1, PATH(&w, "self"), 0, 0, 0, 0, OUT_AT),
                     WASI_ELOOP);
    assert_int_equal(CALL(&w, "path_filestat_get", ROOT, 1, PATH(&w, "self"), OUT_AT), WASI_ELOOP);
    assert_int_equal(CALL(&w, "path_symlink", PATH(&w, "grow/x"), ROOT, PATH2(&w, "grow")),
                     WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_filestat_get", ROOT, 1, PATH(&w, "grow"), OUT_AT), WASI_ELOOP);
    assert_int_equal(CALL(&w, "path_unlink_file", ROOT, PATH(&w, "self")), WASI_ESUCCESS);
    world_close(&w);
}

static void test_read_only(void **state)
{
    (void)state;
    WasiPreopen preopen = {.read_only = true};
    WasiConfig config = {.preopens = &preopen, .preopen_count = 1};
    World w;
    u32 fd;
    world_open(&w, &config);
    write_file(path_in(w.root, "file"), "text");
    assert_int_equal(mkdir(path_in(w.root, "dir"), 0777), 0);
    assert_int_equal(open_path(&w, ROOT, "file", OFLAGS_CREAT, RIGHTS_FILE & ~RIGHT_FD_WRITE, &fd),
                     WASI_ESUCCESS);
    assert_int_equal(read_text(&w, fd), WASI_ESUCCESS);
    assert_string_equal(data_text(&w), "text");
    assert_int_equal(CALL(&w, "fd_filestat_set_times", fd, 0, 0, FSTFLAGS_MTIM_NOW), WASI_EROFS);
    assert_int_equal(CALL(&w, "fd_filestat_set_size", fd, 0), WASI_ENOTCAPABLE);
    assert_int_equal(open_path(&w, ROOT, "file", 0, RIGHT_FD_WRITE, &fd), WASI_EROFS);
    assert_int_equal(open_path(&w, ROOT, "file", OFLAGS_TRUNC, 0, &fd), WASI_EROFS);
    assert_int_equal(open_path(&w, ROOT, "new", OFLAGS_CREAT, 0, &fd), WASI_EROFS);
    assert_int_equal(open_path(&w, ROOT, "new", OFLAGS_CREAT | OFLAGS_EXCL, 0, &fd), WASI_EROFS);
    assert_int_equal(CALL(&w, "path_create_directory", ROOT, PATH(&w, "d")), WASI_EROFS);
    assert_int_equal(CALL(&w, "path_remove_directory", ROOT, PATH(&w, "dir")), WASI_EROFS);
    assert_int_equal(CALL(&w, "path_unlink_file", ROOT, PATH(&w, "file")), WASI_EROFS);
    assert_int_equal(CALL(&w, "path_symlink", PATH(&w, "x"), ROOT, PATH2(&w, "y")), WASI_EROFS);
    assert_int_equal(CALL(&w, "path_link", ROOT, 0, PATH(&w, "file"), ROOT, PATH2(&w, "y")),
                     WASI_EROFS);
    assert_int_equal(CALL(&w, "path_rename", ROOT, PATH(&w, "file"), ROOT, PATH2(&w, "y")),
                     WASI_EROFS);
    assert_int_equal(
        CALL(&w, "path_filestat_set_times", ROOT, 0, PATH(&w, "file"), 0, 0, FSTFLAGS_ATIM_NOW),
        WASI_EROFS);
    /* The same below it. */
    assert_int_equal(
        open_path(&w, ROOT, "dir", OFLAGS_DIRECTORY, RIGHTS_ALL & ~RIGHT_FD_WRITE, &fd),
        WASI_ESUCCESS);
    assert_int_equal(CALL(&w, "path_create_directory", fd, PATH(&w, "d")), WASI_EROFS);
    world_close(&w);
}

/* ---- Pointers ---- */

typedef struct Bound {
    const char *name;
    u64 args[9];
    u32 pointer; /* index of the argument that is moved to the end of memory */
    u32 size;    /* of what it points to */
} Bound;

enum { F = 4 }; /* the file that is open */
static const Bound bounds[] = {
    {"args_get", {0, 0}, 0, 4},
    {"args_get", {0, 0}, 1, 2},
    {"args_sizes_get", {0, 0}, 0, 4},
    {"args_sizes_get", {0, 0}, 1, 4},
    {"environ_get", {0, 0}, 0, 4},
    {"environ_get", {0, 0}, 1, 2},
    {"environ_sizes_get", {0, 0}, 0, 4},
    {"environ_sizes_get", {0, 0}, 1, 4},
    {"clock_res_get", {0, 0}, 1, 8},
    {"clock_time_get", {0, 0, 0}, 2, 8},
    {"fd_fdstat_get", {F, 0}, 1, FDSTAT_SIZE},
    {"fd_filestat_get", {F, 0}, 1, FILESTAT_SIZE},
    {"fd_pread", {F, 0, 1, 0, OUT_AT}, 1, 8},
    {"fd_pread", {F, VECTOR_AT, 1, 0, 0}, 4, 4},
    {"fd_prestat_get", {ROOT, 0}, 1, 8},
    {"fd_prestat_dir_name", {ROOT, 0, 1}, 1, 1},
    {"fd_pwrite", {F, 0, 1, 0, OUT_AT}, 1, 8},
    {"fd_pwrite", {F, VECTOR_AT, 1, 0, 0}, 4, 4},
    {"fd_read", {F, 0, 1, OUT_AT}, 1, 8},
    {"fd_read", {F, VECTOR_AT, 1, 0}, 3, 4},
    {"fd_write", {F, 0, 1, OUT_AT}, 1, 8},
    {"fd_write", {F, VECTOR_AT, 1, 0}, 3, 4},
    {"fd_readdir", {ROOT, 0, 64, 0, OUT_AT}, 1, 64},
    {"fd_readdir", {ROOT, DATA_AT, 64, 0, 0}, 4, 4},
    {"fd_seek", {F, 0, 0, 0}, 3, 8},
    {"fd_tell", {F, 0}, 1, 8},
    {"path_create_directory", {ROOT, 0, 3}, 1, 3},
    {"path_filestat_get", {ROOT, 0, 0, 3, OUT_AT}, 2, 3},
    {"path_filestat_get", {ROOT, 0, PATH_AT, 1, 0}, 4, FILESTAT_SIZE},
    {"path_filestat_set_times", {ROOT, 0, 0, 3, 0, 0, 0}, 2, 3},
    {"path_link", {ROOT, 0, 0, 3, ROOT, PATH_AT, 1}, 2, 3},
    {"path_link", {ROOT, 0, PATH_AT, 1, ROOT, 0, 3}, 5, 3},
    {"path_open", {ROOT, 0, 0, 3, 0, 0, 0, 0, OUT_AT}, 2, 3},
    {"path_open", {ROOT, 0, PATH_AT, 1, 0, 0, 0, 0, 0}, 8, 4},
    {"path_readlink", {ROOT, 0, 3, DATA_AT, 9, OUT_AT}, 1, 3},
    {"path_readlink", {ROOT, PATH_AT, 1, 0, 9, OUT_AT}, 3, 9},
    {"path_readlink", {ROOT, PATH_AT, 1, DATA_AT, 9, 0}, 5, 4},
    {"path_remove_directory", {ROOT, 0, 3}, 1, 3},
    {"path_rename", {ROOT, 0, 3, ROOT, PATH_AT, 1}, 1, 3},
    {"path_rename", {ROOT, PATH_AT, 1, ROOT, 0, 3}, 4, 3},
    {"path_symlink", {0, 3, ROOT, PATH_AT, 1}, 0, 3},
    {"path_symlink", {PATH_AT, 1, ROOT, 0, 3}, 3, 3},
    {"path_unlink_file", {ROOT, 0, 3}, 1, 3},
    {"poll_oneoff", {0, DATA_AT, 1, OUT_AT}, 0, SUBSCRIPTION_SIZE},
    {"poll_oneoff", {VECTOR_AT, 0, 1, OUT_AT}, 1, EVENT_SIZE},
    {"poll_oneoff", {VECTOR_AT, DATA_AT, 1, 0}, 3, 4},
    {"random_get", {0, 5}, 0, 5},
};

/* Each pointer of each function, with one byte too few behind it, at the end, and far beyond; and
 * with exactly enough, which is never EFAULT. */
static void test_bounds(void **state)
{
    (void)state;
    static const char *const args[] = {"a"};
    WasiConfig config = {
        .args = args,
        .arg_count = 1,
        .env = args,
        .env_count = 1,
        .stdio = {{.kind = WASI_STDIO_NULL}, {.kind = WASI_STDIO_NULL}, {.kind = WASI_STDIO_NULL}}};
    World w;
    world_open(&w, &config);
    for (usize i = 0; i < ARRAY_LEN(bounds); i++) {
        const Bound *bound = &bounds[i];
        usize count = strlen(find_func(bound->name)->params);
        u64 all[9];
        memcpy(all, bound->args, sizeof all);
        memset(w.memory, 0, MEMORY_BYTES);
        w.memory[PATH_AT] = 'n';
        if (i == 0) {
            assert_int_equal(make_file(&w, "f"), F);
        }
        static const u32 beyond[] = {MEMORY_BYTES, 0x7fffffff, 0x80000000u, 0xfffffff8u,
                                     0xffffffffu};
        all[bound->pointer] = MEMORY_BYTES - bound->size + 1;
        assert_int_equal(call_func(&w, bound->name, all, count), WASI_EFAULT);
        for (usize b = 0; b < ARRAY_LEN(beyond); b++) {
            all[bound->pointer] = beyond[b];
            assert_int_equal(call_func(&w, bound->name, all, count), WASI_EFAULT);
        }
        all[bound->pointer] = MEMORY_BYTES - bound->size;
        assert_int_not_equal(call_func(&w, bound->name, all, count), WASI_EFAULT);
    }
    /* Buffers in a vector, a vector that is too long, sums that overflow 32 bits. */
    put_vector(&w, 0, MEMORY_BYTES - 4, 5);
    assert_int_equal(CALL(&w, "fd_write", F, VECTOR_AT, 1, OUT_AT), WASI_EFAULT);
    assert_int_equal(CALL(&w, "fd_read", F, VECTOR_AT, 1, OUT_AT), WASI_EFAULT);
    put_vector(&w, 0, 16, 0xffffffffu);
    assert_int_equal(CALL(&w, "fd_pwrite", F, VECTOR_AT, 1, 0, OUT_AT), WASI_EFAULT);
    assert_int_equal(CALL(&w, "fd_pread", F, VECTOR_AT, 0x20000001u, 0, OUT_AT), WASI_EFAULT);
    assert_int_equal(CALL(&w, "fd_read", F, VECTOR_AT, 0xffffffffu, OUT_AT), WASI_EFAULT);
    assert_int_equal(CALL(&w, "fd_readdir", ROOT, DATA_AT, 0xffffffffu, 0, OUT_AT), WASI_EFAULT);
    assert_int_equal(CALL(&w, "random_get", 1, 0xffffffffu), WASI_EFAULT);
    /* Bits above 32 of an address are not the program's. */
    assert_int_equal(CALL(&w, "fd_tell", F, (u64)1 << 32 | OUT_AT), WASI_ESUCCESS);
    /* No memory at all. */
    u64 result = 0;
    const u64 none[2] = {0, 0};
    assert_int_equal(find_func("args_get")->fn(w.wasi, (WasiMemory){NULL, 0}, none, &result),
                     WASI_GO_ON);
    assert_int_equal(result, WASI_EFAULT);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),           cmocka_unit_test(test_args),
        cmocka_unit_test(test_process),         cmocka_unit_test(test_callbacks),
        cmocka_unit_test(test_closed_streams),  cmocka_unit_test(test_broken_pipe),
        cmocka_unit_test(test_read_write_seek), cmocka_unit_test(test_append),
        cmocka_unit_test(test_sizes_times),     cmocka_unit_test(test_file_limit),
        cmocka_unit_test(test_rights),          cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_descriptors),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_bad_config),      cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_readdir),         cmocka_unit_test(test_open_flags),
        cmocka_unit_test(test_directories),     cmocka_unit_test(test_rename_link),
        cmocka_unit_test(test_symlinks),        cmocka_unit_test(test_symlinks_followed),
        cmocka_unit_test(test_read_only),       cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
