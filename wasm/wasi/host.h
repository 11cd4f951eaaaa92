/* host.h - what WASI asks of the operating system: the only part that differs between hosts.
 *
 * host_posix.c is POSIX 2008 with a few extras for Linux; host_none.c, for everything else and for
 * -DDAVIT_NO_POSIX, has streams and clocks by the C library and says ENOSYS to the rest. Everything
 * fallible returns an errno of WASI (abi.h), 0 for success, and writes its results only then.
 *
 * Descriptors are the host's, as i32. Nothing here blocks but where it says so, and a broken pipe or
 * a file that grows too large is an error, never a signal. Calls that a signal interrupts start anew,
 * except dv_host_poll.
 *
 * Safe paths: every function that takes a directory and a name takes ONE component, without a slash
 * (or "."), and never follows a symbolic link at its end. resolve.c builds paths from these.
 */
#ifndef DV_WASI_HOST_H
#define DV_WASI_HOST_H

#include "abi.h"

#if (defined(__unix__) || defined(__APPLE__)) && !defined(DAVIT_NO_POSIX)
#define WASI_POSIX 1
#else
#define WASI_POSIX 0
#endif

enum {
    HOST_NAME_MAX = 1024, /* bytes of a component of a path, with its NUL */
    HOST_SPANS_MAX = 256, /* of one transfer */
    HOST_POLLS_MAX = 2048
};

typedef struct HostStat {
    u64 dev;
    u64 ino;
    u64 nlink;
    u64 size;
    u64 atim; /* nanoseconds since 1970 */
    u64 mtim;
    u64 ctim;
    u8 filetype;
} HostStat;

/* What a descriptor from outside is. */
typedef struct HostInfo {
    u8 filetype;
    bool readable;
    bool writable;
    bool seekable; /* never true for terminals */
    bool append;
    bool nonblocking;
} HostInfo;

typedef struct HostOpen {
    bool read;
    bool write;
    bool create;
    bool exclusive;
    bool truncate;
    bool directory;
    bool append;
    u16 syncs; /* of FDFLAGS_SYNCS */
} HostOpen;

/* Memory of the guest, to move bytes from or to. */
typedef struct HostSpan {
    u8 *data;
    usize size;
} HostSpan;

typedef struct HostTimes {
    u64 atim; /* nanoseconds */
    u64 mtim;
    u16 flags; /* fstflags; neither flag of a time: it stays */
} HostTimes;

typedef struct HostPoll {
    i32 fd;
    bool want_read;
    bool want_write;
    bool ready; /* results */
    bool hangup;
    bool invalid; /* not an open descriptor */
} HostPoll;

/* What the host must not be killed by while it writes. Cheap to enter where nothing can happen. */
typedef struct HostShield {
    bool active;
    bool pending[2]; /* signals that were pending before, in the order of the host's table */
    u64 saved[16];   /* the signal mask, by memcpy */
} HostShield;

/* ---- host_posix.c, host_none.c ---- */

/* Directories and files. */
u32 dv_host_open_root(const char *path, i32 *fd);
/* For walking on, not for listing. ENOTDIR or ELOOP if the name is something else. */
u32 dv_host_open_dir(i32 dir, const char *name, i32 *fd);
/* The descriptor does not block. A name that is a symbolic link is ELOOP, or ENOTDIR if a directory
 * is wanted. Without read and write the file can be neither read nor written. */
u32 dv_host_open(i32 dir, const char *name, HostOpen how, i32 *fd);
void dv_host_close(i32 fd);
/* EINVAL if it is no symbolic link; ENAMETOOLONG if the text has size bytes or more. *len bytes, no NUL. */
u32 dv_host_readlink(i32 dir, const char *name, char *to, usize size, usize *len);
u32 dv_host_stat_at(i32 dir, const char *name, HostStat *out);
u32 dv_host_stat(i32 fd, HostStat *out);
u32 dv_host_set_times_at(i32 dir, const char *name, HostTimes times);
u32 dv_host_set_times(i32 fd, HostTimes times);
u32 dv_host_make_dir(i32 dir, const char *name);
u32 dv_host_remove_dir(i32 dir, const char *name);
/* EISDIR for directories, on every host. */
u32 dv_host_unlink(i32 dir, const char *name);
u32 dv_host_rename(i32 from_dir, const char *from, i32 to_dir, const char *to);
u32 dv_host_link(i32 from_dir, const char *from, i32 to_dir, const char *to);
u32 dv_host_symlink(const char *text, i32 dir, const char *name);
/* Calls visit for each entry but "." and ".." until it returns an errno, which is given back. */
u32 dv_host_list(i32 fd, u32 (*visit)(void *context, const char *name, u64 ino, u8 filetype),
                 void *context);

/* Open files. Offsets and sizes above 2^63 - 1, or above what the host has, are EINVAL or EFBIG. */
u32 dv_host_describe(i32 fd, HostInfo *out);
u32 dv_host_set_nonblocking(i32 fd);
u32 dv_host_set_append(i32 fd, bool append);
/* EAGAIN if the descriptor does not block and would. */
u32 dv_host_read(i32 fd, const HostSpan *spans, u32 count, usize *moved);
u32 dv_host_write(i32 fd, const HostSpan *spans, u32 count, usize *moved);
u32 dv_host_read_at(i32 fd, const HostSpan *spans, u32 count, u64 offset, usize *moved);
u32 dv_host_write_at(i32 fd, const HostSpan *spans, u32 count, u64 offset, usize *moved);
u32 dv_host_seek(i32 fd, i64 offset, u32 whence, u64 *position);
u32 dv_host_truncate(i32 fd, u64 size);
u32 dv_host_allocate(i32 fd, u64 offset, u64 size);
u32 dv_host_advise(i32 fd, u64 offset, u64 size, u32 advice);
u32 dv_host_sync(i32 fd);
u32 dv_host_datasync(i32 fd);
/* Bytes that can be read at once from a pipe, terminal or socket; 0 if the host cannot tell. */
u64 dv_host_pending(i32 fd);
/* How much may be written to a blocking pipe that poll calls ready. */
usize dv_host_pipe_bytes(void);

/* For socket and pipe writes (pipe), and for whatever makes files larger. */
void dv_host_shield_enter(HostShield *shield, bool pipe);
void dv_host_shield_leave(HostShield *shield);

/* Sockets; none of them blocks on a descriptor that does not. */
u32 dv_host_accept(i32 fd, i32 *accepted);
u32 dv_host_receive(i32 fd, const HostSpan *spans, u32 count, bool peek, usize *moved,
                    bool *truncated);
u32 dv_host_send(i32 fd, const HostSpan *spans, u32 count, usize *moved);
u32 dv_host_shutdown(i32 fd, u32 sdflags);

/* Waits until something is ready, at most ns nanoseconds; may return early with nothing. With count
 * 0 it sleeps. */
u32 dv_host_poll(HostPoll *polls, u32 count, u64 ns);
/* Of the WASI clock; ENOTSUP if the host has no such clock. */
u32 dv_host_clock_resolution(u32 clock, u64 *ns);
u32 dv_host_clock_time(u32 clock, u64 *ns);
/* At most HOST_RANDOM_MAX bytes. */
enum { HOST_RANDOM_MAX = 65536 };
u32 dv_host_random(u8 *to, usize size);
u32 dv_host_yield(void);

#endif
