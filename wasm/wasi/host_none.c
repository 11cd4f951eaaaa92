/* host_none.c - host.h with nothing but the C library: for platforms without POSIX, and for
 * -DDAVIT_NO_POSIX, which CI builds.
 *
 * The three standard streams work, blocking; the real-time clock and the time of the processor work;
 * files, sockets, random numbers and waiting say ENOSYS. Monotonic time is ENOTSUP: C has no clock that
 * nobody sets.
 */
#include "host.h"

#if !WASI_POSIX
#include <stdio.h>
#include <time.h>

enum { SECOND_NS = 1000000000 };

/* A stream of the C library by its number, or NULL. */
static FILE *stream_of(i32 fd)
{
    return fd == 0 ? stdin : fd == 1 ? stdout : fd == 2 ? stderr : NULL;
}

/* ---- Streams ---- */

u32 dv_host_describe(i32 fd, HostInfo *out)
{
    if (stream_of(fd) == NULL) {
        return WASI_EBADF;
    }
    *out = (HostInfo){.filetype = FILETYPE_UNKNOWN, .readable = fd == 0, .writable = fd != 0};
    return WASI_ESUCCESS;
}

u32 dv_host_read(i32 fd, const HostSpan *spans, u32 count, usize *moved)
{
    FILE *stream = stream_of(fd);
    *moved = 0;
    if (stream == NULL) {
        return WASI_EBADF;
    }
    for (u32 i = 0; i < count; i++) {
        usize got = fread(spans[i].data, 1, spans[i].size, stream);
        *moved += got;
        if (got < spans[i].size) {
            return *moved == 0 && ferror(stream) ? WASI_EIO : WASI_ESUCCESS;
        }
    }
    return WASI_ESUCCESS;
}

u32 dv_host_write(i32 fd, const HostSpan *spans, u32 count, usize *moved)
{
    FILE *stream = stream_of(fd);
    *moved = 0;
    if (stream == NULL) {
        return WASI_EBADF;
    }
    for (u32 i = 0; i < count; i++) {
        usize put = fwrite(spans[i].data, 1, spans[i].size, stream);
        *moved += put;
        if (put < spans[i].size) {
            return *moved == 0 ? WASI_EIO : WASI_ESUCCESS;
        }
    }
    return fflush(stream) == 0 ? WASI_ESUCCESS : WASI_EIO;
}

u32 dv_host_stat(i32 fd, HostStat *out)
{
    *out = (HostStat){.nlink = 1, .filetype = FILETYPE_UNKNOWN};
    return stream_of(fd) != NULL ? WASI_ESUCCESS : WASI_EBADF;
}

u32 dv_host_sync(i32 fd)
{
    FILE *stream = stream_of(fd);
    return stream != NULL && fflush(stream) == 0 ? WASI_ESUCCESS : WASI_EIO;
}

u32 dv_host_datasync(i32 fd)
{
    return dv_host_sync(fd);
}

/* Streams are taken to be ready: using them may block. */
u32 dv_host_poll(HostPoll *polls, u32 count, u64 ns)
{
    (void)ns;
    if (count == 0) {
        return WASI_ENOSYS;
    }
    for (u32 i = 0; i < count; i++) {
        polls[i].invalid = stream_of(polls[i].fd) == NULL;
        polls[i].ready = !polls[i].invalid;
        polls[i].hangup = false;
    }
    return WASI_ESUCCESS;
}

u64 dv_host_pending(i32 fd)
{
    (void)fd;
    return 0;
}

usize dv_host_pipe_bytes(void)
{
    return BUFSIZ;
}

void dv_host_shield_enter(HostShield *shield, bool pipe)
{
    (void)pipe;
    shield->active = false;
}

void dv_host_shield_leave(HostShield *shield)
{
    CHECK(!shield->active);
}

/* ---- Clocks ---- */

u32 dv_host_clock_time(u32 clock_id, u64 *ns)
{
    struct timespec now;
    if (clock_id == CLOCK_WASI_REALTIME && timespec_get(&now, TIME_UTC) == TIME_UTC) {
        *ns = (u64)now.tv_sec * SECOND_NS + (u64)now.tv_nsec;
        return WASI_ESUCCESS;
    }
    clock_t used = clock();
    if (clock_id == CLOCK_WASI_PROCESS && used != (clock_t)-1) {
        *ns = (u64)used * (SECOND_NS / (u64)CLOCKS_PER_SEC);
        return WASI_ESUCCESS;
    }
    return WASI_ENOTSUP;
}

/* C tells no resolution of TIME_UTC: the least that the clock is known to give is a second's. */
u32 dv_host_clock_resolution(u32 clock_id, u64 *ns)
{
    if (clock_id != CLOCK_WASI_PROCESS) {
        return WASI_ENOTSUP;
    }
    *ns = SECOND_NS / (u64)CLOCKS_PER_SEC;
    return WASI_ESUCCESS;
}

/* ---- What there is not ---- */

void dv_host_close(i32 fd)
{
    (void)fd;
}

/* Functions that only say so. */
#define MISSING(name, parameters) \
    u32 name parameters \
    { \
        return WASI_ENOSYS; \
    }

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif
MISSING(dv_host_open_root, (const char *path, i32 *fd))
MISSING(dv_host_open_dir, (i32 dir, const char *name, i32 *fd))
MISSING(dv_host_open, (i32 dir, const char *name, HostOpen how, i32 *fd))
MISSING(dv_host_readlink, (i32 dir, const char *name, char *to, usize size, usize *len))
MISSING(dv_host_stat_at, (i32 dir, const char *name, HostStat *out))
MISSING(dv_host_set_times_at, (i32 dir, const char *name, HostTimes times))
MISSING(dv_host_set_times, (i32 fd, HostTimes times))
MISSING(dv_host_make_dir, (i32 dir, const char *name))
MISSING(dv_host_remove_dir, (i32 dir, const char *name))
MISSING(dv_host_unlink, (i32 dir, const char *name))
MISSING(dv_host_rename, (i32 from_dir, const char *from, i32 to_dir, const char *to))
MISSING(dv_host_link, (i32 from_dir, const char *from, i32 to_dir, const char *to))
MISSING(dv_host_symlink, (const char *text, i32 dir, const char *name))
MISSING(dv_host_list, (i32 fd, u32 (*visit)(void *context, const char *name, u64 ino, u8 filetype),
                       void *context))
MISSING(dv_host_set_nonblocking, (i32 fd))
MISSING(dv_host_set_append, (i32 fd, bool append))
MISSING(dv_host_read_at, (i32 fd, const HostSpan *spans, u32 count, u64 offset, usize *moved))
MISSING(dv_host_write_at, (i32 fd, const HostSpan *spans, u32 count, u64 offset, usize *moved))
MISSING(dv_host_seek, (i32 fd, i64 offset, u32 whence, u64 *position))
MISSING(dv_host_truncate, (i32 fd, u64 size))
MISSING(dv_host_allocate, (i32 fd, u64 offset, u64 size))
MISSING(dv_host_advise, (i32 fd, u64 offset, u64 size, u32 advice))
MISSING(dv_host_accept, (i32 fd, i32 *accepted))
MISSING(dv_host_receive,
        (i32 fd, const HostSpan *spans, u32 count, bool peek, usize *moved, bool *truncated))
MISSING(dv_host_send, (i32 fd, const HostSpan *spans, u32 count, usize *moved))
MISSING(dv_host_shutdown, (i32 fd, u32 sdflags))
MISSING(dv_host_random, (u8 * to, usize size))
MISSING(dv_host_yield, (void))

#endif
