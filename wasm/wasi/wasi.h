/* wasi.h - WASI preview 1 (wasi_snapshot_preview1): all 46 functions, for whoever links a program.
 *
 * A Wasi is one program's view of the world: arguments, environment, open descriptors, preopened
 * directories, exit code. The engine looks imports of module WASI_MODULE up in dv_wasi_funcs and
 * calls them with the caller's memory. This part knows nothing of engine or modules; it needs base/
 * and the operating system (host.h), and where that is not POSIX everything about files says ENOSYS.
 *
 * What the program may reach: its three standard streams, and files below its preopened directories
 * (resolve.h tells why it cannot leave them). It never sees the host's environment, other
 * descriptors, or where a preopened directory lies.
 *
 *     WasiConfig config = {.args = args, .arg_count = 2};
 *     config.stdio[1].kind = WASI_STDIO_INHERIT;
 *     Wasi *wasi;
 *     char error[256];
 *     if (dv_wasi_new(&config, &wasi, error, sizeof error) == DAVIT_OK) { ... dv_wasi_free(wasi); }
 *
 * Threads: a Wasi belongs to one thread at a time. Another thread stops a call that waits by making
 * should_stop true.
 *
 * Source: the witx files and docs of WASI preview 1; where they are silent, the errors that wasi-libc
 * and the public test suite expect.
 */
#ifndef DV_WASI_WASI_H
#define DV_WASI_WASI_H

#include "base/base.h"

#define WASI_MODULE "wasi_snapshot_preview1"

enum {
    WASI_FDS_DEFAULT = 1024,                       /* open descriptors of a program */
    WASI_LISTING_BYTES_DEFAULT = 64 * 1024 * 1024, /* directories being listed, all together */
    WASI_STOP_LATENCY_MS = 50                      /* should_stop is asked at least so often */
};

typedef struct Wasi Wasi;

/* The memory of the caller, valid during one call. Other threads may be writing to it: what is
 * checked is copied first. Guest addresses are 32 bits wide. */
typedef struct WasiMemory {
    u8 *base;
    u64 length_bytes;
} WasiMemory;

typedef enum WasiStdioKind {
    WASI_STDIO_CLOSED,   /* the descriptor is not open */
    WASI_STDIO_INHERIT,  /* the process's own stream of the same number */
    WASI_STDIO_HOST_FD,  /* host_fd, which stays the embedder's and must stay open */
    WASI_STDIO_CALLBACK, /* read and write */
    WASI_STDIO_NULL      /* ends at once; takes everything */
} WasiStdioKind;

typedef struct WasiStdio {
    WasiStdioKind kind;
    i32 host_fd;
    /* Bytes moved, at most size; 0 from read is the end; less than zero, and 0 from write: EIO. A
     * stream without the callback for a direction cannot be used in it. */
    i64 (*read)(void *context, void *to, usize size);
    i64 (*write)(void *context, const void *from, usize size);
    void *context;
} WasiStdio;

typedef struct WasiPreopen {
    const char *host_path;  /* a directory */
    const char *guest_path; /* what the program calls it, such as "/data" or "." */
    bool read_only;         /* everything that would change something fails with EROFS */
} WasiPreopen;

/* Everything is copied or opened by dv_wasi_new; nothing needs to outlive it but what callbacks use. */
typedef struct WasiConfig {
    davit_allocator_t allocator; /* all zero: malloc */
    const char *const *args;     /* the program's name first */
    u32 arg_count;
    const char *const *env; /* "NAME=value" */
    u32 env_count;
    WasiStdio stdio[3];
    const WasiPreopen *preopens; /* descriptors 3, 4, ... */
    u32 preopen_count;
    const i32
        *sockets; /* descriptors after the preopens: sockets, listening or connected. They stay
                         * the embedder's; listening ones are made non-blocking. */
    u32 socket_count;
    u32 fds_max;             /* 0: WASI_FDS_DEFAULT */
    usize listing_bytes_max; /* 0: WASI_LISTING_BYTES_DEFAULT */
    /* True when the program is to be interrupted; NULL: never. Asked on the thread that calls. */
    bool (*should_stop)(void *context);
    void *stop_context;
} WasiConfig;

/* What a call gives: what the engine does next. */
enum {
    WASI_GO_ON, /* *result is the errno, 0 for success */
    WASI_EXIT,  /* the program has ended; dv_wasi_exit_code */
    WASI_TRAP,  /* no function of preview 1 gives this: bad pointers are EFAULT */
    WASI_STOP   /* should_stop was true while the call waited: raise the interrupt */
};

/* args: one u64 per parameter, i32 zero-extended. *result is written only for WASI_GO_ON and functions with a
 * result. */
typedef u32 WasiFn(Wasi *wasi, WasiMemory memory, const u64 *args, u64 *result);

typedef struct WasiFunc {
    const char *name;
    const char *params; /* a letter each: i is i32, I is i64 */
    bool has_result;    /* an i32 */
    WasiFn *fn;
} WasiFunc;

/* ---- wasi.c ---- */

/* DAVIT_ERROR_IO when a preopened directory cannot be opened or a descriptor is not usable,
 * DAVIT_ERROR_INVALID, _MEMORY, _LIMIT otherwise. Then *out is NULL and error holds a line that says what
 * (cut to error_size bytes with its NUL; error may be NULL). */
davit_status_t dv_wasi_new(const WasiConfig *config, Wasi **out, char *error, usize error_size);
/* Closes what the program left open. NULL is allowed. */
void dv_wasi_free(Wasi *wasi);
/* What the program gave to proc_exit; 0 before. A program that raised a signal that ends it: 128 and
 * the signal's WASI number. */
u32 dv_wasi_exit_code(const Wasi *wasi);
/* All functions of preview 1, in alphabetical order. The table is static. */
const WasiFunc *dv_wasi_funcs(u32 *count);

#endif
