/* state.h - the inside of a Wasi, shared by the files that implement its functions.
 *
 * Every function of funcs.def is dv_wasi_<name>(wasi, memory, args) here and returns an errno, or
 * WASI_LEAVE_EXIT or WASI_LEAVE_STOP; wasi.c turns that into what the engine sees. Each checks in
 * this order: the descriptor is open (EBADF), it is of a kind the function works on, it has the right
 * (ENOTCAPABLE), pointers lie in memory (EFAULT), flags are known (EINVAL); only then it acts.
 */
#ifndef DV_WASI_STATE_H
#define DV_WASI_STATE_H

#include "base/bytes.h"
#include "resolve.h"
#include "wasi.h"

/* What is in a directory, as it was when a program began to read it (list.c). */
typedef struct Listing Listing;

typedef enum FdKind { FD_FREE, FD_HOST, FD_CALLBACK, FD_NULL } FdKind;

typedef struct Fd {
    FdKind kind;
    u8 type; /* KIND_ of rights.def */
    u8 filetype;
    bool owned;     /* the host's descriptor is closed with this one */
    bool read_only; /* below a read-only preopen */
    bool seekable;
    u16 flags; /* fdflags as the program sees them; NONBLOCK is ours, not the host's */
    i32 host;
    u64 base; /* rights */
    u64 inheriting;
    char *preopen; /* the guest's name of it, or NULL */
    Listing *listing;
    WasiStdio callback;
} Fd;

/* Strings of arguments or of the environment, each with its NUL, one after the other. */
typedef struct WasiStrings {
    char *bytes;
    u32 count;
    u32 size;
} WasiStrings;

struct Wasi {
    davit_allocator_t allocator;
    WasiStrings args;
    WasiStrings env;
    Fd *fds;
    u32 fd_count; /* allocated; free ones among them */
    u32 fds_max;
    usize listing_bytes; /* in use */
    usize listing_bytes_max;
    u32 exit_code;
    bool (*should_stop)(void *context);
    void *stop_context;
};

/* ---- wasi.c ---- */

#define WASI_FUNC(name, params, has_result) \
    u32 dv_wasi_##name(Wasi *wasi, WasiMemory memory, const u64 *args);
#include "funcs.def"
#undef WASI_FUNC

/* By the embedder's allocator; NULL if it has none. Freeing NULL is allowed. */
void *dv_wasi_alloc(Wasi *wasi, usize size_bytes);
void dv_wasi_release(Wasi *wasi, void *memory, usize size_bytes);

/* The open descriptor, or NULL. Good until the next descriptor is opened. */
Fd *dv_wasi_fd(Wasi *wasi, u64 number);
/* The open descriptor in *out if it is of one of these kinds and has all these rights. EBADF, ENOTDIR
 * (a directory is needed), ENOTSOCK, or ENOTCAPABLE. */
u32 dv_wasi_need(Wasi *wasi, u64 number, u32 kinds, u64 rights, Fd **out);
/* Puts a copy of *fd at the lowest free number. EMFILE, ENOMEM; then the caller still owns the host's. */
u32 dv_wasi_add(Wasi *wasi, const Fd *fd, u32 *number);
/* Closes it and frees its number. */
void dv_wasi_drop(Wasi *wasi, Fd *fd);
/* The rights that mean something to this kind of descriptor. */
u64 dv_wasi_rights_of(u32 kind, bool seekable);
/* What a file of this type is to rights.def. */
u32 dv_wasi_kind_of(u8 filetype);

/* Waits until the host's descriptor is ready, asking should_stop meanwhile: WASI_LEAVE_STOP. */
u32 dv_wasi_wait(Wasi *wasi, i32 host, bool to_write);
bool dv_wasi_stopping(Wasi *wasi);

/* ---- guest memory, inline ---- */

static inline bool guest_has(WasiMemory memory, u64 address, u64 size)
{
    return size <= memory.length_bytes && address <= memory.length_bytes - size;
}

/* The address as the program gave it: a u32, whatever the engine put above. */
static inline u64 guest_u32(u64 arg)
{
    return (u32)arg;
}

/* ---- vectors.c ---- */

typedef struct Spans {
    HostSpan list[HOST_SPANS_MAX];
    u32 count;
    usize bytes;
} Spans;

enum { TRANSFER_BYTES_MAX = 0x7ffff000 }; /* of one call, so that the count fits everywhere */

/* Copies a vector of buffers in and checks it all. What is beyond HOST_SPANS_MAX buffers or
 * TRANSFER_BYTES_MAX bytes is left for the next call, as POSIX allows. */
u32 dv_wasi_spans(WasiMemory memory, u64 address, u64 count, Spans *out);
/* Without the first `bytes`. */
void dv_wasi_spans_skip(Spans *spans, usize bytes);
/* Of the first `bytes` alone. */
void dv_wasi_spans_cut(Spans *spans, usize bytes);

/* ---- list.c ---- */

void dv_wasi_listing_free(Wasi *wasi, Fd *fd);

/* ---- call_path.c ---- */

/* Checks fstflags and makes what the host takes. */
u32 dv_wasi_times(u64 atim, u64 mtim, u64 fstflags, HostTimes *out);
/* Writes a filestat; the address has been checked. */
void dv_wasi_put_stat(WasiMemory memory, u64 address, const HostStat *stat);

#endif
