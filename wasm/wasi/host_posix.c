/* host_posix.c - host.h on POSIX 2008, with what Linux and its C libraries add where that is better:
 * descriptors for walking alone (O_PATH), getrandom, fallocate, types of directory entries.
 *
 * Offsets and times are 64 bits wide on 32-bit hosts, too. Signals: EPIPE and EFBIG come with a signal
 * that by default ends the process. A library may not change what signals do, so while it writes, the
 * thread blocks them, takes what has become pending, and restores the mask (HostShield).
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* glibc and musl: everything */
#endif
#if !defined(_DARWIN_C_SOURCE)
#define _DARWIN_C_SOURCE
#endif
#if !defined(_FILE_OFFSET_BITS)
#define _FILE_OFFSET_BITS 64
#endif
#if !defined(_TIME_BITS)
#define _TIME_BITS 64
#endif
#include "host.h"

#if WASI_POSIX
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h> /* renameat */
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/random.h>
#endif

/* ---- What hosts have ---- */

#if defined(O_PATH)
enum { WALK_ACCESS = O_PATH };
#elif defined(O_SEARCH)
enum { WALK_ACCESS = O_SEARCH };
#else
enum { WALK_ACCESS = O_RDONLY };
#endif

#if defined(MSG_NOSIGNAL)
enum { SEND_QUIETLY = MSG_NOSIGNAL };
#else
enum { SEND_QUIETLY = 0 };
#endif
#if defined(MSG_DONTWAIT)
enum { DO_NOT_WAIT = MSG_DONTWAIT };
#else
enum { DO_NOT_WAIT = 0 };
#endif

#if defined(PIPE_BUF)
enum { PIPE_BYTES = PIPE_BUF };
#else
enum { PIPE_BYTES = _POSIX_PIPE_BUF };
#endif

#if defined(IOV_MAX) && IOV_MAX < 256
enum { VECTORS_MAX = IOV_MAX };
#else
enum { VECTORS_MAX = HOST_SPANS_MAX };
#endif

#if defined(__APPLE__)
#define STAT_ATIM st_atimespec
#define STAT_MTIM st_mtimespec
#define STAT_CTIM st_ctimespec
#else
#define STAT_ATIM st_atim
#define STAT_MTIM st_mtim
#define STAT_CTIM st_ctim
#endif

enum { SECOND_NS = 1000000000, MILLISECOND_NS = 1000000 };

/* ---- Errors ---- */

static u32 errno_of(int code)
{
    static const struct {
        int host;
        u32 wasi;
    } table[] = {
#define ERRNO(name) {E##name, WASI_E##name},
#define ERRNO_OURS(name)
#include "errno.def"
#undef ERRNO
#undef ERRNO_OURS
        {EWOULDBLOCK, WASI_EAGAIN},
        {EOPNOTSUPP, WASI_ENOTSUP},
#if defined(EFTYPE)
        {EFTYPE, WASI_ELOOP}, /* NetBSD: a link, and O_NOFOLLOW */
#endif
    };
    for (usize i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].host == code) {
            return table[i].wasi;
        }
    }
    return WASI_EIO;
}

static u32 last_error(void)
{
    return errno_of(errno);
}

static u32 error_if(bool failed)
{
    return failed ? last_error() : WASI_ESUCCESS;
}

/* ---- Files by name ---- */

u32 dv_host_open_root(const char *path, i32 *fd)
{
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return error_if(*fd < 0);
}

u32 dv_host_open_dir(i32 dir, const char *name, i32 *fd)
{
    *fd = openat(dir, name, WALK_ACCESS | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    u32 error = error_if(*fd < 0);
    return error == WASI_EMLINK ? WASI_ELOOP : error; /* FreeBSD's word for a link */
}

static int open_flags(HostOpen how)
{
    int flags = O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    bool write = how.write || how.truncate; /* truncating is writing, by POSIX */
    if (write) {
        flags |= how.read ? O_RDWR : O_WRONLY;
    } else {
        flags |= O_RDONLY;
    }
    flags |= how.create ? O_CREAT : 0;
    flags |= how.exclusive ? O_EXCL : 0;
    flags |= how.truncate ? O_TRUNC : 0;
    flags |= how.directory ? O_DIRECTORY : 0;
    flags |= how.append ? O_APPEND : 0;
    if ((how.syncs & (FDFLAGS_SYNC | FDFLAGS_RSYNC)) != 0) {
        flags |= O_SYNC;
    } else if ((how.syncs & FDFLAGS_DSYNC) != 0) {
#if defined(O_DSYNC)
        flags |= O_DSYNC;
#else
        flags |= O_SYNC;
#endif
    }
#if defined(O_RSYNC)
    flags |= (how.syncs & FDFLAGS_RSYNC) != 0 ? O_RSYNC : 0;
#endif
    return flags;
}

u32 dv_host_open(i32 dir, const char *name, HostOpen how, i32 *fd)
{
    do {
        *fd = openat(dir, name, open_flags(how), 0666);
    } while (*fd < 0 && errno == EINTR);
    u32 error = error_if(*fd < 0);
    return error == WASI_EMLINK ? WASI_ELOOP : error;
}

/* Not again after EINTR: the descriptor is gone, or nobody knows. */
void dv_host_close(i32 fd)
{
    (void)close(fd);
}

u32 dv_host_readlink(i32 dir, const char *name, char *to, usize size, usize *len)
{
    ssize_t got = readlinkat(dir, name, to, size);
    if (got < 0) {
        return last_error();
    }
    if ((usize)got >= size) {
        return WASI_ENAMETOOLONG;
    }
    *len = (usize)got;
    return WASI_ESUCCESS;
}

static u64 ns_of(struct timespec time)
{
    return time.tv_sec < 0 ? 0 : (u64)time.tv_sec * SECOND_NS + (u64)time.tv_nsec;
}

static u8 filetype_of(mode_t mode)
{
    if (S_ISREG(mode)) {
        return FILETYPE_REGULAR_FILE;
    }
    if (S_ISDIR(mode)) {
        return FILETYPE_DIRECTORY;
    }
    if (S_ISLNK(mode)) {
        return FILETYPE_SYMBOLIC_LINK;
    }
    if (S_ISCHR(mode)) {
        return FILETYPE_CHARACTER_DEVICE;
    }
    if (S_ISBLK(mode)) {
        return FILETYPE_BLOCK_DEVICE;
    }
    return S_ISSOCK(mode) ? FILETYPE_SOCKET_STREAM : FILETYPE_UNKNOWN;
}

static void fill_stat(const struct stat *from, HostStat *out)
{
    *out = (HostStat){.dev = (u64)from->st_dev,
                      .ino = (u64)from->st_ino,
                      .nlink = (u64)from->st_nlink,
                      .size = from->st_size < 0 ? 0 : (u64)from->st_size,
                      .atim = ns_of(from->STAT_ATIM),
                      .mtim = ns_of(from->STAT_MTIM),
                      .ctim = ns_of(from->STAT_CTIM),
                      .filetype = filetype_of(from->st_mode)};
}

u32 dv_host_stat_at(i32 dir, const char *name, HostStat *out)
{
    struct stat stat;
    if (fstatat(dir, name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
        return last_error();
    }
    fill_stat(&stat, out);
    return WASI_ESUCCESS;
}

/* Datagram sockets are told from streams. */
static u8 socket_type(i32 fd)
{
    int type = SOCK_STREAM;
    socklen_t size = sizeof type;
    (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
    return type == SOCK_DGRAM ? FILETYPE_SOCKET_DGRAM : FILETYPE_SOCKET_STREAM;
}

u32 dv_host_stat(i32 fd, HostStat *out)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0) {
        return last_error();
    }
    fill_stat(&stat, out);
    if (S_ISSOCK(stat.st_mode)) {
        out->filetype = socket_type(fd);
    }
    return WASI_ESUCCESS;
}

static bool make_timespec(u64 ns, u32 set, u32 now, struct timespec *out)
{
    out->tv_sec = 0;
    out->tv_nsec = UTIME_OMIT;
    if (now != 0) {
        out->tv_nsec = UTIME_NOW;
    } else if (set != 0) {
        out->tv_sec = (time_t)(ns / SECOND_NS);
        out->tv_nsec = (long)(ns % SECOND_NS);
        return out->tv_sec >= 0 && (u64)out->tv_sec == ns / SECOND_NS;
    }
    return true;
}

static bool make_times(HostTimes from, struct timespec to[2])
{
    return make_timespec(from.atim, from.flags & FSTFLAGS_ATIM, from.flags & FSTFLAGS_ATIM_NOW,
                         &to[0]) &&
           make_timespec(from.mtim, from.flags & FSTFLAGS_MTIM, from.flags & FSTFLAGS_MTIM_NOW,
                         &to[1]);
}

u32 dv_host_set_times_at(i32 dir, const char *name, HostTimes times)
{
    struct timespec both[2];
    if (!make_times(times, both)) {
        return WASI_EOVERFLOW;
    }
    return error_if(utimensat(dir, name, both, AT_SYMLINK_NOFOLLOW) != 0);
}

u32 dv_host_set_times(i32 fd, HostTimes times)
{
    struct timespec both[2];
    if (!make_times(times, both)) {
        return WASI_EOVERFLOW;
    }
    return error_if(futimens(fd, both) != 0);
}

u32 dv_host_make_dir(i32 dir, const char *name)
{
    return error_if(mkdirat(dir, name, 0777) != 0);
}

u32 dv_host_remove_dir(i32 dir, const char *name)
{
    u32 error = error_if(unlinkat(dir, name, AT_REMOVEDIR) != 0);
    return error == WASI_EEXIST ? WASI_ENOTEMPTY : error;
}

/* POSIX lets unlink say EPERM for directories, or even remove them. */
u32 dv_host_unlink(i32 dir, const char *name)
{
    struct stat stat;
    if (fstatat(dir, name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
        return last_error();
    }
    return S_ISDIR(stat.st_mode) ? WASI_EISDIR : error_if(unlinkat(dir, name, 0) != 0);
}

u32 dv_host_rename(i32 from_dir, const char *from, i32 to_dir, const char *to)
{
    u32 error = error_if(renameat(from_dir, from, to_dir, to) != 0);
    return error == WASI_EEXIST ? WASI_ENOTEMPTY : error;
}

u32 dv_host_link(i32 from_dir, const char *from, i32 to_dir, const char *to)
{
    return error_if(linkat(from_dir, from, to_dir, to, 0) != 0);
}

u32 dv_host_symlink(const char *text, i32 dir, const char *name)
{
    return error_if(symlinkat(text, dir, name) != 0);
}

/* ---- Directories ---- */

static u8 entry_type(i32 dir, const struct dirent *entry)
{
    struct stat stat;
#if defined(DT_UNKNOWN)
    switch (entry->d_type) {
    case DT_REG:
        return FILETYPE_REGULAR_FILE;
    case DT_DIR:
        return FILETYPE_DIRECTORY;
    case DT_LNK:
        return FILETYPE_SYMBOLIC_LINK;
    case DT_CHR:
        return FILETYPE_CHARACTER_DEVICE;
    case DT_BLK:
        return FILETYPE_BLOCK_DEVICE;
    default:
        break;
    }
#endif
    if (fstatat(dir, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
        return FILETYPE_UNKNOWN;
    }
    return filetype_of(stat.st_mode);
}

static u32 visit_entries(DIR *stream, i32 fd,
                         u32 (*visit)(void *context, const char *name, u64 ino, u8 filetype),
                         void *context)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            return error_if(errno != 0);
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        u32 error = visit(context, entry->d_name, (u64)entry->d_ino, entry_type(fd, entry));
        if (error != WASI_ESUCCESS) {
            return error;
        }
    }
}

/* By a descriptor of its own, whose place nobody else moves. */
u32 dv_host_list(i32 fd, u32 (*visit)(void *context, const char *name, u64 ino, u8 filetype),
                 void *context)
{
    i32 own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) {
        return last_error();
    }
    DIR *stream = fdopendir(own);
    if (stream == NULL) {
        u32 error = last_error();
        dv_host_close(own);
        return error;
    }
    u32 error = visit_entries(stream, fd, visit, context);
    (void)closedir(stream);
    return error;
}

/* ---- Open files ---- */

static bool can_seek(i32 fd, mode_t mode)
{
    if (S_ISCHR(mode) || S_ISBLK(mode)) {
        return isatty(fd) == 0 && lseek(fd, 0, SEEK_CUR) >= 0;
    }
    return S_ISREG(mode);
}

u32 dv_host_describe(i32 fd, HostInfo *out)
{
    struct stat stat;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &stat) != 0) {
        return last_error();
    }
    int access = flags & O_ACCMODE;
    *out =
        (HostInfo){.filetype = S_ISSOCK(stat.st_mode) ? socket_type(fd) : filetype_of(stat.st_mode),
                   .readable = access == O_RDONLY || access == O_RDWR,
                   .writable = access == O_WRONLY || access == O_RDWR,
                   .seekable = can_seek(fd, stat.st_mode),
                   .append = (flags & O_APPEND) != 0,
                   .nonblocking = (flags & O_NONBLOCK) != 0};
    return WASI_ESUCCESS;
}

static u32 change_flags(i32 fd, int set, int clear)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) {
        return last_error();
    }
    return error_if(fcntl(fd, F_SETFL, (flags | set) & ~clear) < 0);
}

u32 dv_host_set_nonblocking(i32 fd)
{
    return change_flags(fd, O_NONBLOCK, 0);
}

u32 dv_host_set_append(i32 fd, bool append)
{
    return append ? change_flags(fd, O_APPEND, 0) : change_flags(fd, 0, O_APPEND);
}

static int make_vectors(const HostSpan *spans, u32 count, struct iovec vectors[VECTORS_MAX])
{
    u32 taken = count < VECTORS_MAX ? count : VECTORS_MAX;
    for (u32 i = 0; i < taken; i++) {
        vectors[i] = (struct iovec){spans[i].data, spans[i].size};
    }
    return (int)taken;
}

static u32 take_moved(ssize_t result, usize *moved)
{
    if (result < 0) {
        return last_error();
    }
    *moved = (usize)result;
    return WASI_ESUCCESS;
}

u32 dv_host_read(i32 fd, const HostSpan *spans, u32 count, usize *moved)
{
    struct iovec vectors[VECTORS_MAX];
    int taken = make_vectors(spans, count, vectors);
    ssize_t got;
    do {
        got = readv(fd, vectors, taken);
    } while (got < 0 && errno == EINTR);
    return take_moved(got, moved);
}

u32 dv_host_write(i32 fd, const HostSpan *spans, u32 count, usize *moved)
{
    struct iovec vectors[VECTORS_MAX];
    int taken = make_vectors(spans, count, vectors);
    ssize_t put;
    do {
        put = writev(fd, vectors, taken);
    } while (put < 0 && errno == EINTR);
    return take_moved(put, moved);
}

/* One buffer after the other, since POSIX has no vectors at a position; until one is not done whole. */
static u32 move_at(i32 fd, const HostSpan *spans, u32 count, u64 offset, bool write, usize *moved)
{
    *moved = 0;
    for (u32 i = 0; i < count; i++) {
        u64 at = offset + *moved;
        ssize_t part;
        if (at > INT64_MAX || at < offset) {
            return *moved > 0 ? WASI_ESUCCESS : WASI_EINVAL;
        }
        do {
            part = write ? pwrite(fd, spans[i].data, spans[i].size, (off_t)at)
                         : pread(fd, spans[i].data, spans[i].size, (off_t)at);
        } while (part < 0 && errno == EINTR);
        if (part < 0) {
            return *moved > 0 ? WASI_ESUCCESS : last_error();
        }
        *moved += (usize)part;
        if ((usize)part < spans[i].size) {
            break;
        }
    }
    return WASI_ESUCCESS;
}

u32 dv_host_read_at(i32 fd, const HostSpan *spans, u32 count, u64 offset, usize *moved)
{
    return move_at(fd, spans, count, offset, false, moved);
}

u32 dv_host_write_at(i32 fd, const HostSpan *spans, u32 count, u64 offset, usize *moved)
{
    return move_at(fd, spans, count, offset, true, moved);
}

u32 dv_host_seek(i32 fd, i64 offset, u32 whence, u64 *position)
{
    static const int host_whence[WHENCE_COUNT] = {SEEK_SET, SEEK_CUR, SEEK_END};
    off_t at = lseek(fd, (off_t)offset, host_whence[whence]);
    if (at < 0) {
        return last_error();
    }
    *position = (u64)at;
    return WASI_ESUCCESS;
}

u32 dv_host_truncate(i32 fd, u64 size)
{
    if (size > INT64_MAX) {
        return WASI_EINVAL;
    }
    int result;
    do {
        result = ftruncate(fd, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return error_if(result != 0);
}

/* Linux's own call: posix_fallocate of C libraries writes to every block where the file system cannot
 * do better, for as long as that takes. */
u32 dv_host_allocate(i32 fd, u64 offset, u64 size)
{
#if defined(__linux__)
    int result;
    do {
        result = fallocate(fd, 0, (off_t)offset, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return error_if(result != 0);
#elif defined(_POSIX_ADVISORY_INFO) && _POSIX_ADVISORY_INFO > 0
    int code;
    do {
        code = posix_fallocate(fd, (off_t)offset, (off_t)size);
    } while (code == EINTR);
    return code == 0 ? WASI_ESUCCESS : errno_of(code);
#else
    (void)fd;
    (void)offset;
    (void)size;
    return WASI_ENOTSUP;
#endif
}

u32 dv_host_advise(i32 fd, u64 offset, u64 size, u32 advice)
{
#if defined(_POSIX_ADVISORY_INFO) && _POSIX_ADVISORY_INFO > 0
    static const int host_advice[ADVICE_COUNT] = {
        POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
        POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE,
    };
    int code = posix_fadvise(fd, (off_t)offset, (off_t)size, host_advice[advice]);
    return code == 0 ? WASI_ESUCCESS : errno_of(code);
#else
    (void)fd;
    (void)offset;
    (void)size;
    (void)advice;
    return WASI_ENOTSUP;
#endif
}

u32 dv_host_sync(i32 fd)
{
    return error_if(fsync(fd) != 0);
}

u32 dv_host_datasync(i32 fd)
{
#if defined(_POSIX_SYNCHRONIZED_IO) && _POSIX_SYNCHRONIZED_IO > 0
    return error_if(fdatasync(fd) != 0);
#else
    return dv_host_sync(fd); /* which does more */
#endif
}

u64 dv_host_pending(i32 fd)
{
#if defined(FIONREAD)
    int bytes = 0;
    if (ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0) {
        return (u64)bytes;
    }
#else
    (void)fd;
#endif
    return 0;
}

usize dv_host_pipe_bytes(void)
{
    return PIPE_BYTES;
}

/* ---- Signals that come with errors ---- */

static const int shielded[] = {
    SIGPIPE,
#if defined(SIGXFSZ)
    SIGXFSZ,
#endif
};

static bool files_are_limited(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

static bool is_pending(int number)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, number) == 1;
}

/* One that was not blocked before cannot have been pending. */
void dv_host_shield_enter(HostShield *shield, bool pipe)
{
    sigset_t block;
    sigset_t old;
    _Static_assert(sizeof old <= sizeof shield->saved, "a signal mask fits");
    _Static_assert(ARRAY_LEN(shielded) <= ARRAY_LEN(shield->pending), "a flag for each");
    memset(&old, 0, sizeof old);
    shield->active = pipe || files_are_limited();
    if (!shield->active) {
        return;
    }
    (void)sigemptyset(&block);
    for (usize i = 0; i < ARRAY_LEN(shielded); i++) {
        (void)sigaddset(&block, shielded[i]);
    }
    shield->active = pthread_sigmask(SIG_BLOCK, &block, &old) == 0;
    for (usize i = 0; i < ARRAY_LEN(shielded) && shield->active; i++) {
        shield->pending[i] = sigismember(&old, shielded[i]) == 1 && is_pending(shielded[i]);
    }
    memcpy(shield->saved, &old, sizeof old);
}

void dv_host_shield_leave(HostShield *shield)
{
    sigset_t pending;
    sigset_t one;
    sigset_t old;
    int number;
    if (!shield->active) {
        return;
    }
    (void)sigemptyset(&pending);
    (void)sigpending(&pending);
    for (usize i = 0; i < ARRAY_LEN(shielded); i++) {
        if (!shield->pending[i] && sigismember(&pending, shielded[i]) == 1) {
            (void)sigemptyset(&one);
            (void)sigaddset(&one, shielded[i]);
            (void)sigwait(&one, &number);
        }
    }
    memcpy(&old, shield->saved, sizeof old);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* ---- Sockets ---- */

u32 dv_host_accept(i32 fd, i32 *accepted)
{
    do {
        *accepted = accept(fd, NULL, NULL);
    } while (*accepted < 0 && errno == EINTR);
    if (*accepted < 0) {
        return last_error();
    }
    u32 error = error_if(fcntl(*accepted, F_SETFD, FD_CLOEXEC) < 0);
    if (error == WASI_ESUCCESS) {
        error = dv_host_set_nonblocking(*accepted);
    }
    if (error != WASI_ESUCCESS) {
        dv_host_close(*accepted);
    }
    return error;
}

u32 dv_host_receive(i32 fd, const HostSpan *spans, u32 count, bool peek, usize *moved,
                    bool *truncated)
{
    struct iovec vectors[VECTORS_MAX];
    struct msghdr message;
    ssize_t got;
    memset(&message, 0, sizeof message);
    message.msg_iov = vectors;
    message.msg_iovlen = (u32)make_vectors(spans, count, vectors);
    do {
        got = recvmsg(fd, &message, DO_NOT_WAIT | (peek ? MSG_PEEK : 0));
    } while (got < 0 && errno == EINTR);
    *truncated = got >= 0 && (message.msg_flags & MSG_TRUNC) != 0;
    return take_moved(got, moved);
}

u32 dv_host_send(i32 fd, const HostSpan *spans, u32 count, usize *moved)
{
    struct iovec vectors[VECTORS_MAX];
    struct msghdr message;
    ssize_t put;
    memset(&message, 0, sizeof message);
    message.msg_iov = vectors;
    message.msg_iovlen = (u32)make_vectors(spans, count, vectors);
    do {
        put = sendmsg(fd, &message, DO_NOT_WAIT | SEND_QUIETLY);
    } while (put < 0 && errno == EINTR);
    return take_moved(put, moved);
}

u32 dv_host_shutdown(i32 fd, u32 sdflags)
{
    static const int how[SDFLAGS_ALL + 1] = {SHUT_RDWR, SHUT_RD, SHUT_WR, SHUT_RDWR};
    return error_if(shutdown(fd, how[sdflags]) != 0);
}

/* ---- Waiting, clocks, random numbers ---- */

static u32 sleep_for(u64 ns)
{
    enum { HOUR_S = 3600 };
    struct timespec span = {HOUR_S, 0};
    if (ns < (u64)HOUR_S * SECOND_NS) {
        span.tv_sec = (i32)(ns / SECOND_NS);
        span.tv_nsec = (i32)(ns % SECOND_NS);
    }
    return nanosleep(&span, NULL) != 0 && errno != EINTR ? last_error() : WASI_ESUCCESS;
}

u32 dv_host_poll(HostPoll *polls, u32 count, u64 ns)
{
    struct pollfd list[HOST_POLLS_MAX];
    CHECK(count <= HOST_POLLS_MAX);
    if (count == 0) {
        return sleep_for(ns);
    }
    for (u32 i = 0; i < count; i++) {
        short events = 0;
        events = polls[i].want_read ? POLLIN : events;
        events = polls[i].want_write ? POLLOUT : events;
        list[i] = (struct pollfd){.fd = polls[i].fd, .events = events};
        polls[i].ready = polls[i].hangup = polls[i].invalid = false;
    }
    u64 ms = ns / MILLISECOND_NS + (ns % MILLISECOND_NS != 0 ? 1 : 0);
    int found = poll(list, count, ms > INT_MAX ? INT_MAX : (int)ms);
    if (found < 0) {
        return errno == EINTR ? WASI_ESUCCESS : last_error();
    }
    for (u32 i = 0; i < count; i++) {
        int seen = list[i].revents;
        polls[i].ready = (seen & (POLLIN | POLLOUT | POLLERR)) != 0;
        polls[i].hangup = (seen & (POLLHUP | POLLERR)) != 0;
        polls[i].invalid = (seen & POLLNVAL) != 0;
    }
    return WASI_ESUCCESS;
}

static bool host_clock(u32 clock, clockid_t *out)
{
    switch (clock) {
    case CLOCK_WASI_REALTIME:
        *out = CLOCK_REALTIME;
        return true;
    case CLOCK_WASI_MONOTONIC:
        *out = CLOCK_MONOTONIC;
        return true;
#if defined(CLOCK_PROCESS_CPUTIME_ID)
    case CLOCK_WASI_PROCESS:
        *out = CLOCK_PROCESS_CPUTIME_ID;
        return true;
#endif
#if defined(CLOCK_THREAD_CPUTIME_ID)
    case CLOCK_WASI_THREAD:
        *out = CLOCK_THREAD_CPUTIME_ID;
        return true;
#endif
    default:
        return false;
    }
}

static u32 ask_clock(u32 clock, int (*ask)(clockid_t id, struct timespec *out), u64 *ns)
{
    clockid_t id;
    struct timespec time;
    if (!host_clock(clock, &id)) {
        return WASI_ENOTSUP;
    }
    if (ask(id, &time) != 0) {
        return last_error();
    }
    *ns = ns_of(time);
    return WASI_ESUCCESS;
}

u32 dv_host_clock_resolution(u32 clock, u64 *ns)
{
    return ask_clock(clock, clock_getres, ns);
}

u32 dv_host_clock_time(u32 clock, u64 *ns)
{
    return ask_clock(clock, clock_gettime, ns);
}

/* The device that every other POSIX system has. */
static u32 read_random_device(u8 *to, usize size)
{
    i32 fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return last_error();
    }
    usize done = 0;
    u32 error = WASI_ESUCCESS;
    while (done < size && error == WASI_ESUCCESS) {
        usize got = 0;
        HostSpan rest = {to + done, size - done};
        error = dv_host_read(fd, &rest, 1, &got);
        if (error == WASI_ESUCCESS && got == 0) {
            error = WASI_EIO;
        }
        done += got;
    }
    dv_host_close(fd);
    return error;
}

u32 dv_host_random(u8 *to, usize size)
{
    usize done = 0;
#if defined(__linux__)
    while (done < size) {
        ssize_t got = getrandom(to + done, size - done, 0);
        if (got < 0 && errno != EINTR) {
            break; /* a kernel older than the call */
        }
        done += got > 0 ? (usize)got : 0;
    }
#endif
    return done == size ? WASI_ESUCCESS : read_random_device(to + done, size - done);
}

u32 dv_host_yield(void)
{
    return error_if(sched_yield() != 0);
}

#endif
