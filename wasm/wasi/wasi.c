/* wasi.c - making and freeing a Wasi, its table of descriptors, and the table of its functions.
 *
 * Descriptors are indices into an array that grows; a new one takes the lowest free number, as POSIX
 * has it. The first three are the standard streams, then come the preopened directories without a
 * gap, which is how wasi-libc finds them, then sockets.
 */
#include "wasi.h"

#include <stdio.h>
#include <stdlib.h>

#include "state.h"

enum { STDIO_COUNT = 3, FDS_FIRST = 16, SLEEP_MS = 1000000 };

/* ---- Memory ---- */

void *dv_wasi_alloc(Wasi *wasi, usize size_bytes)
{
    if (wasi->allocator.alloc != NULL) {
        return wasi->allocator.alloc(wasi->allocator.context, size_bytes);
    }
    return malloc(size_bytes);
}

void dv_wasi_release(Wasi *wasi, void *memory, usize size_bytes)
{
    if (memory == NULL) {
        return;
    }
    if (wasi->allocator.alloc != NULL) {
        wasi->allocator.free(wasi->allocator.context, memory, size_bytes);
    } else {
        free(memory);
    }
}

/* ---- Rights ---- */

u64 dv_wasi_rights_of(u32 kind, bool seekable)
{
    static const u8 kinds_of[RIGHT_COUNT] = {
#define RIGHT(name, kinds) kinds,
#include "rights.def"
#undef RIGHT
    };
    u64 rights = 0;
    for (u32 i = 0; i < RIGHT_COUNT; i++) {
        if ((kinds_of[i] & kind) != 0) {
            rights |= (u64)1 << i;
        }
    }
    return seekable ? rights : rights & ~(u64)(RIGHT_FD_SEEK | RIGHT_FD_TELL);
}

u32 dv_wasi_kind_of(u8 filetype)
{
    switch (filetype) {
    case FILETYPE_REGULAR_FILE:
        return KIND_FILE;
    case FILETYPE_DIRECTORY:
        return KIND_DIR;
    case FILETYPE_SOCKET_DGRAM:
    case FILETYPE_SOCKET_STREAM:
        return KIND_SOCKET;
    default:
        return KIND_STREAM;
    }
}

/* ---- Descriptors ---- */

Fd *dv_wasi_fd(Wasi *wasi, u64 number)
{
    u32 index = (u32)number;
    if (index >= wasi->fd_count || wasi->fds[index].kind == FD_FREE) {
        return NULL;
    }
    return &wasi->fds[index];
}

u32 dv_wasi_need(Wasi *wasi, u64 number, u32 kinds, u64 rights, Fd **out)
{
    Fd *fd = dv_wasi_fd(wasi, number);
    if (fd == NULL) {
        return WASI_EBADF;
    }
    if ((fd->type & kinds) == 0) {
        if (kinds == KIND_SOCKET) {
            return WASI_ENOTSOCK;
        }
        return kinds == KIND_DIR ? WASI_ENOTDIR : WASI_EBADF;
    }
    if ((fd->base & rights) != rights) {
        return WASI_ENOTCAPABLE;
    }
    *out = fd;
    return WASI_ESUCCESS;
}

static bool grow_fds(Wasi *wasi)
{
    u32 count = wasi->fd_count == 0 ? FDS_FIRST : wasi->fd_count * 2;
    if (count > wasi->fds_max) {
        count = wasi->fds_max;
    }
    Fd *fds = dv_wasi_alloc(wasi, count * sizeof *fds);
    if (fds == NULL) {
        return false;
    }
    memset(fds, 0, count * sizeof *fds);
    if (wasi->fd_count > 0) {
        memcpy(fds, wasi->fds, wasi->fd_count * sizeof *fds);
    }
    dv_wasi_release(wasi, wasi->fds, wasi->fd_count * sizeof *fds);
    wasi->fds = fds;
    wasi->fd_count = count;
    return true;
}

u32 dv_wasi_add(Wasi *wasi, const Fd *fd, u32 *number)
{
    u32 at = 0;
    while (at < wasi->fd_count && wasi->fds[at].kind != FD_FREE) {
        at++;
    }
    if (at == wasi->fds_max) {
        return WASI_EMFILE;
    }
    if (at == wasi->fd_count && !grow_fds(wasi)) {
        return WASI_ENOMEM;
    }
    wasi->fds[at] = *fd;
    *number = at;
    return WASI_ESUCCESS;
}

void dv_wasi_drop(Wasi *wasi, Fd *fd)
{
    dv_wasi_listing_free(wasi, fd);
    if (fd->preopen != NULL) {
        dv_wasi_release(wasi, fd->preopen, strlen(fd->preopen) + 1);
    }
    if (fd->owned) {
        dv_host_close(fd->host);
    }
    *fd = (Fd){.kind = FD_FREE};
}

/* ---- Waiting ---- */

bool dv_wasi_stopping(Wasi *wasi)
{
    return wasi->should_stop != NULL && wasi->should_stop(wasi->stop_context);
}

u32 dv_wasi_wait(Wasi *wasi, i32 host, bool to_write)
{
    u64 slice_ms = wasi->should_stop != NULL ? WASI_STOP_LATENCY_MS : SLEEP_MS;
    for (;;) {
        if (dv_wasi_stopping(wasi)) {
            return WASI_LEAVE_STOP;
        }
        HostPoll poll = {.fd = host, .want_read = !to_write, .want_write = to_write};
        u32 error = dv_host_poll(&poll, 1, slice_ms * 1000000);
        if (error != WASI_ESUCCESS) {
            return error;
        }
        if (poll.ready || poll.hangup || poll.invalid) {
            return WASI_ESUCCESS; /* what is invalid fails when it is used */
        }
    }
}

/* ---- Making one ---- */

typedef struct Setup {
    Wasi *wasi;
    const WasiConfig *config;
    char *error;
    usize error_size;
} Setup;

DV_PRINTF(3, 4)
static davit_status_t fail(const Setup *setup, davit_status_t status, const char *format, ...)
{
    if (setup->error != NULL && setup->error_size > 0) {
        va_list list;
        va_start(list, format);
        (void)vsnprintf(setup->error, setup->error_size, format, list);
        va_end(list);
    }
    return status;
}

static davit_status_t fail_memory(const Setup *setup)
{
    return fail(setup, DAVIT_ERROR_MEMORY, "out of memory");
}

static const char *error_text(u32 error)
{
    switch (error) {
    case WASI_ENOENT:
        return "no such file or directory";
    case WASI_ENOTDIR:
        return "not a directory";
    case WASI_EACCES:
    case WASI_EPERM:
        return "permission denied";
    case WASI_EMFILE:
    case WASI_ENFILE:
        return "too many open files";
    case WASI_ENOSYS:
        return "this platform has no files";
    case WASI_EBADF:
        return "not an open descriptor";
    default:
        return "the system refuses";
    }
}

static davit_status_t copy_strings(const Setup *setup, const char *const *strings, u32 count,
                                   WasiStrings *out)
{
    u64 size = 0;
    for (u32 i = 0; i < count; i++) {
        size += (u64)strlen(strings[i]) + 1;
    }
    if (size > UINT32_MAX) {
        return fail(setup, DAVIT_ERROR_LIMIT, "arguments or environment of more than 4 GiB");
    }
    out->bytes = dv_wasi_alloc(setup->wasi, (usize)size + 1);
    if (out->bytes == NULL) {
        return fail_memory(setup);
    }
    out->count = count;
    out->size = (u32)size;
    char *at = out->bytes;
    for (u32 i = 0; i < count; i++) {
        usize length = strlen(strings[i]) + 1;
        memcpy(at, strings[i], length);
        at += length;
    }
    return DAVIT_OK;
}

/* A descriptor of the host's that stays the embedder's. EBADF if it is not open. */
static u32 adopt(i32 host, Fd *out)
{
    HostInfo info;
    u32 error = dv_host_describe(host, &info);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    u32 type = dv_wasi_kind_of(info.filetype);
    u64 rights = dv_wasi_rights_of(type, info.seekable);
    if (!info.readable) {
        rights &= ~(u64)RIGHT_FD_READ;
    }
    if (!info.writable) {
        rights &= ~(u64)RIGHT_FD_WRITE;
    }
    *out = (Fd){.kind = FD_HOST,
                .type = (u8)type,
                .filetype = info.filetype,
                .seekable = info.seekable,
                .flags = (u16)((info.append ? FDFLAGS_APPEND : 0) |
                               (info.nonblocking ? FDFLAGS_NONBLOCK : 0)),
                .host = host,
                .base = rights};
    return WASI_ESUCCESS;
}

/* A stream of the embedder's, or none. */
static Fd make_stream(const WasiStdio *stdio)
{
    bool is_null = stdio->kind == WASI_STDIO_NULL;
    u64 rights = dv_wasi_rights_of(KIND_STREAM, false);
    rights &= ~(u64)(RIGHT_FD_SYNC | RIGHT_FD_DATASYNC | RIGHT_FD_FILESTAT_SET_TIMES);
    if (!is_null && stdio->read == NULL) {
        rights &= ~(u64)RIGHT_FD_READ;
    }
    if (!is_null && stdio->write == NULL) {
        rights &= ~(u64)RIGHT_FD_WRITE;
    }
    return (Fd){.kind = is_null ? FD_NULL : FD_CALLBACK,
                .type = KIND_STREAM,
                .filetype = FILETYPE_UNKNOWN,
                .host = -1,
                .base = rights,
                .callback = *stdio};
}

static davit_status_t open_stdio(const Setup *setup, u32 number)
{
    const WasiStdio *stdio = &setup->config->stdio[number];
    Fd *fd = &setup->wasi->fds[number];
    switch (stdio->kind) {
    case WASI_STDIO_CLOSED:
        return DAVIT_OK;
    case WASI_STDIO_INHERIT:
        if (adopt((i32)number, fd) != WASI_ESUCCESS) {
            *fd = (Fd){.kind = FD_FREE}; /* the process has none either */
        }
        return DAVIT_OK;
    case WASI_STDIO_HOST_FD:
        if (adopt(stdio->host_fd, fd) != WASI_ESUCCESS) {
            return fail(setup, DAVIT_ERROR_IO, "standard stream %" PRIu32 ": %s", number,
                        error_text(WASI_EBADF));
        }
        return DAVIT_OK;
    case WASI_STDIO_CALLBACK:
    case WASI_STDIO_NULL:
        *fd = make_stream(stdio);
        return DAVIT_OK;
    }
    return fail(setup, DAVIT_ERROR_INVALID, "standard stream %" PRIu32 ": unknown kind", number);
}

static davit_status_t open_preopen(const Setup *setup, const WasiPreopen *preopen, Fd *fd)
{
    usize size = strlen(preopen->guest_path) + 1;
    i32 host;
    u32 error = dv_host_open_root(preopen->host_path, &host);
    if (error != WASI_ESUCCESS) {
        return fail(setup, DAVIT_ERROR_IO, "cannot open directory '%s' for '%s': %s",
                    preopen->host_path, preopen->guest_path, error_text(error));
    }
    *fd = (Fd){.kind = FD_HOST,
               .type = KIND_DIR,
               .filetype = FILETYPE_DIRECTORY,
               .owned = true,
               .read_only = preopen->read_only,
               .host = host,
               .base = dv_wasi_rights_of(KIND_DIR, false),
               .inheriting = RIGHTS_ALL};
    fd->preopen = dv_wasi_alloc(setup->wasi, size);
    if (fd->preopen == NULL) {
        return fail_memory(setup); /* the descriptor is in the table: freed with it */
    }
    memcpy(fd->preopen, preopen->guest_path, size);
    return DAVIT_OK;
}

static davit_status_t open_socket(const Setup *setup, i32 host, Fd *fd)
{
    u32 error = adopt(host, fd);
    if (error == WASI_ESUCCESS && fd->type != KIND_SOCKET) {
        *fd = (Fd){.kind = FD_FREE};
        error = WASI_ENOTSOCK;
    }
    if (error == WASI_ESUCCESS) {
        error = dv_host_set_nonblocking(host);
    }
    if (error != WASI_ESUCCESS) {
        return fail(setup, DAVIT_ERROR_IO, "socket %" PRId32 ": %s", host,
                    error == WASI_ENOTSOCK ? "not a socket" : error_text(error));
    }
    fd->inheriting = dv_wasi_rights_of(KIND_SOCKET, false);
    return DAVIT_OK;
}

static davit_status_t open_all(const Setup *setup)
{
    const WasiConfig *config = setup->config;
    Wasi *wasi = setup->wasi;
    u64 needed = (u64)STDIO_COUNT + config->preopen_count + config->socket_count;
    if (needed > wasi->fds_max) {
        return fail(setup, DAVIT_ERROR_LIMIT, "more than %" PRIu32 " descriptors", wasi->fds_max);
    }
    while (wasi->fd_count < needed) {
        if (!grow_fds(wasi)) {
            return fail_memory(setup);
        }
    }
    Fd *next = wasi->fds + STDIO_COUNT;
    davit_status_t status = copy_strings(setup, config->args, config->arg_count, &wasi->args);
    if (status == DAVIT_OK) {
        status = copy_strings(setup, config->env, config->env_count, &wasi->env);
    }
    for (u32 i = 0; i < STDIO_COUNT && status == DAVIT_OK; i++) {
        status = open_stdio(setup, i);
    }
    for (u32 i = 0; i < config->preopen_count && status == DAVIT_OK; i++) {
        status = open_preopen(setup, &config->preopens[i], next++);
    }
    for (u32 i = 0; i < config->socket_count && status == DAVIT_OK; i++) {
        status = open_socket(setup, config->sockets[i], next++);
    }
    return status;
}

davit_status_t dv_wasi_new(const WasiConfig *config, Wasi **out, char *error, usize error_size)
{
    Wasi first = {.allocator = config->allocator,
                  .fds_max = config->fds_max != 0 ? config->fds_max : WASI_FDS_DEFAULT,
                  .listing_bytes_max = config->listing_bytes_max != 0 ? config->listing_bytes_max
                                                                      : WASI_LISTING_BYTES_DEFAULT,
                  .should_stop = config->should_stop,
                  .stop_context = config->stop_context};
    *out = NULL;
    Setup setup = {dv_wasi_alloc(&first, sizeof first), config, error, error_size};
    if (setup.wasi == NULL) {
        return fail_memory(&setup);
    }
    *setup.wasi = first;
    davit_status_t status = open_all(&setup);
    if (status != DAVIT_OK) {
        dv_wasi_free(setup.wasi);
        return status;
    }
    *out = setup.wasi;
    return DAVIT_OK;
}

static void free_strings(Wasi *wasi, const WasiStrings *strings)
{
    dv_wasi_release(wasi, strings->bytes, (usize)strings->size + 1);
}

void dv_wasi_free(Wasi *wasi)
{
    if (wasi == NULL) {
        return;
    }
    for (u32 i = 0; i < wasi->fd_count; i++) {
        if (wasi->fds[i].kind != FD_FREE) {
            dv_wasi_drop(wasi, &wasi->fds[i]);
        }
    }
    dv_wasi_release(wasi, wasi->fds, wasi->fd_count * sizeof *wasi->fds);
    free_strings(wasi, &wasi->args);
    free_strings(wasi, &wasi->env);
    Wasi last = *wasi; /* the allocator is in the memory that is freed */
    dv_wasi_release(&last, wasi, sizeof *wasi);
}

u32 dv_wasi_exit_code(const Wasi *wasi)
{
    return wasi->exit_code;
}

/* ---- The table ---- */

static u32 finish(u32 error, bool has_result, u64 *result)
{
    if (error == WASI_LEAVE_EXIT) {
        return WASI_EXIT;
    }
    if (error == WASI_LEAVE_STOP) {
        return WASI_STOP;
    }
    if (has_result) {
        *result = error;
    }
    return WASI_GO_ON;
}

#define WASI_FUNC(name, params, has_result) \
    static u32 call_##name(Wasi *wasi, WasiMemory memory, const u64 *args, u64 *result) \
    { \
        return finish(dv_wasi_##name(wasi, memory, args), has_result, result); \
    }
#include "funcs.def"
#undef WASI_FUNC

const WasiFunc *dv_wasi_funcs(u32 *count)
{
    static const WasiFunc funcs[] = {
#define WASI_FUNC(name, params, has_result) {#name, params, has_result, call_##name},
#include "funcs.def"
#undef WASI_FUNC
    };
    *count = ARRAY_LEN(funcs);
    return funcs;
}
