/* call_fd.c - the functions of open descriptors: fd_* but fd_readdir (list.c).
 *
 * What blocks. Regular files never do. Of streams and sockets, those that a program opened or accepted
 * do not block on the host, so EAGAIN means to wait; those that come from outside may, and share
 * their mode with other processes, so they are asked first whether they are ready and then read once,
 * or written in pieces that a ready pipe takes at once. Waiting happens in dv_wasi_wait, where the
 * program can be interrupted. Whether the program itself wants to wait is its NONBLOCK flag, which the
 * host never sees.
 */
#include "state.h"

static bool can_block(const Fd *fd)
{
    return fd->kind == FD_HOST && (fd->type == KIND_STREAM || fd->type == KIND_SOCKET);
}

static u32 put_u32(WasiMemory memory, u64 address, u64 value)
{
    store_le32(memory.base + (usize)guest_u32(address), (u32)value);
    return WASI_ESUCCESS;
}

/* ---- Reading ---- */

static u32 read_callback(const Fd *fd, const Spans *spans, usize *moved)
{
    *moved = 0;
    for (u32 i = 0; i < spans->count && fd->kind == FD_CALLBACK; i++) {
        HostSpan span = spans->list[i];
        i64 got = fd->callback.read(fd->callback.context, span.data, span.size);
        if (got < 0 || (u64)got > span.size) {
            return *moved > 0 ? WASI_ESUCCESS : WASI_EIO;
        }
        *moved += (usize)got;
        if ((usize)got < span.size) {
            break;
        }
    }
    return WASI_ESUCCESS;
}

/* True if it is ready now, as poll tells. */
static bool is_ready(const Fd *fd, bool to_write)
{
    HostPoll poll = {.fd = fd->host, .want_read = !to_write, .want_write = to_write};
    return dv_host_poll(&poll, 1, 0) != WASI_ESUCCESS || poll.ready || poll.hangup || poll.invalid;
}

/* Before a stream is used: waits, or EAGAIN if the program does not want to. Where nobody interrupts, using
 * it may as well block. */
static u32 make_ready(Wasi *wasi, const Fd *fd, bool to_write)
{
    if ((fd->flags & FDFLAGS_NONBLOCK) != 0) {
        return is_ready(fd, to_write) ? WASI_ESUCCESS : WASI_EAGAIN;
    }
    return wasi->should_stop != NULL ? dv_wasi_wait(wasi, fd->host, to_write) : WASI_ESUCCESS;
}

/* What to do after it was used: with EAGAIN a program that wants to wait does. */
static u32 wait_again(Wasi *wasi, const Fd *fd, bool to_write)
{
    return (fd->flags & FDFLAGS_NONBLOCK) != 0 ? WASI_EAGAIN
                                               : dv_wasi_wait(wasi, fd->host, to_write);
}

static u32 read_stream(Wasi *wasi, const Fd *fd, const Spans *spans, usize *moved)
{
    u32 error = make_ready(wasi, fd, false);
    while (error == WASI_ESUCCESS) {
        error = dv_host_read(fd->host, spans->list, spans->count, moved);
        if (error != WASI_EAGAIN) {
            break;
        }
        error = wait_again(wasi, fd, false);
    }
    return error;
}

u32 dv_wasi_fd_read(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    Spans spans;
    usize moved = 0;
    u32 error =
        dv_wasi_need(wasi, args[0], KIND_FILE | KIND_STREAM | KIND_SOCKET, RIGHT_FD_READ, &fd);
    if (error == WASI_ESUCCESS && !guest_has(memory, guest_u32(args[3]), 4)) {
        error = WASI_EFAULT;
    }
    if (error == WASI_ESUCCESS) {
        error = dv_wasi_spans(memory, args[1], args[2], &spans);
    }
    if (error == WASI_ESUCCESS && spans.count > 0) {
        if (fd->kind != FD_HOST) {
            error = read_callback(fd, &spans, &moved);
        } else if (can_block(fd)) {
            error = read_stream(wasi, fd, &spans, &moved);
        } else {
            error = dv_host_read(fd->host, spans.list, spans.count, &moved);
        }
    }
    return error != WASI_ESUCCESS ? error : put_u32(memory, args[3], moved);
}

/* ---- Writing ---- */

static u32 write_callback(const Fd *fd, const Spans *spans, usize *moved)
{
    *moved = fd->kind == FD_NULL ? spans->bytes : 0;
    for (u32 i = 0; i < spans->count && fd->kind == FD_CALLBACK; i++) {
        HostSpan span = spans->list[i];
        i64 took = fd->callback.write(fd->callback.context, span.data, span.size);
        if (took <= 0 || (u64)took > span.size) {
            return *moved > 0 ? WASI_ESUCCESS : WASI_EIO;
        }
        *moved += (usize)took;
        if ((usize)took < span.size) {
            break;
        }
    }
    return WASI_ESUCCESS;
}

/* One piece of what is left, once there is room. A descriptor from outside may block: it gets no more
 * than a ready pipe takes, unless nobody wants to interrupt. */
static u32 write_piece(Wasi *wasi, const Fd *fd, const Spans *left, usize *moved)
{
    Spans piece = *left;
    u32 error = make_ready(wasi, fd, true);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (!fd->owned && (wasi->should_stop != NULL || (fd->flags & FDFLAGS_NONBLOCK) != 0)) {
        dv_wasi_spans_cut(&piece, dv_host_pipe_bytes());
    }
    if (fd->type == KIND_SOCKET) {
        return dv_host_send(fd->host, piece.list, piece.count, moved);
    }
    return dv_host_write(fd->host, piece.list, piece.count, moved);
}

static u32 write_stream(Wasi *wasi, const Fd *fd, Spans *left, usize *moved)
{
    while (left->bytes > 0) {
        usize piece = 0;
        u32 error = write_piece(wasi, fd, left, &piece);
        if (error == WASI_EAGAIN) {
            error = wait_again(wasi, fd, true);
        }
        if (error != WASI_ESUCCESS) {
            /* What was written before counts; the error will come again. */
            return *moved > 0 && error != WASI_LEAVE_STOP ? WASI_ESUCCESS : error;
        }
        *moved += piece;
        dv_wasi_spans_skip(left, piece);
    }
    return WASI_ESUCCESS;
}

/* Linux's meaning of a position where everything is appended: there is none. */
static u32 write_at(const Fd *fd, const Spans *spans, u64 offset, usize *moved)
{
    u64 before;
    u64 after;
    if ((fd->flags & FDFLAGS_APPEND) == 0) {
        return dv_host_write_at(fd->host, spans->list, spans->count, offset, moved);
    }
    u32 error = dv_host_seek(fd->host, 0, WHENCE_CUR, &before);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    error = dv_host_write(fd->host, spans->list, spans->count, moved);
    u32 back = dv_host_seek(fd->host, (i64)before, WHENCE_SET, &after);
    return error != WASI_ESUCCESS ? error : back;
}

/* position: where, or NULL for the descriptor's own place. */
static u32 write_spans(Wasi *wasi, const Fd *fd, Spans *spans, const u64 *position, usize *moved)
{
    HostShield shield;
    u32 error;
    if (spans->count == 0) {
        return WASI_ESUCCESS;
    }
    if (fd->kind != FD_HOST) {
        return write_callback(fd, spans, moved);
    }
    dv_host_shield_enter(&shield, can_block(fd));
    if (position != NULL) {
        error = write_at(fd, spans, *position, moved);
    } else if (can_block(fd)) {
        error = write_stream(wasi, fd, spans, moved);
    } else {
        error = dv_host_write(fd->host, spans->list, spans->count, moved);
    }
    dv_host_shield_leave(&shield);
    return error;
}

u32 dv_wasi_fd_write(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    Spans spans;
    usize moved = 0;
    u32 error =
        dv_wasi_need(wasi, args[0], KIND_FILE | KIND_STREAM | KIND_SOCKET, RIGHT_FD_WRITE, &fd);
    if (error == WASI_ESUCCESS && !guest_has(memory, guest_u32(args[3]), 4)) {
        error = WASI_EFAULT;
    }
    if (error == WASI_ESUCCESS) {
        error = dv_wasi_spans(memory, args[1], args[2], &spans);
    }
    if (error == WASI_ESUCCESS) {
        error = write_spans(wasi, fd, &spans, NULL, &moved);
    }
    return error != WASI_ESUCCESS ? error : put_u32(memory, args[3], moved);
}

/* ---- At a position ---- */

/* A descriptor that has positions: a file, or a device that can seek. */
static u32 need_seekable(Wasi *wasi, u64 number, u64 rights, Fd **out)
{
    Fd *fd = dv_wasi_fd(wasi, number);
    if (fd == NULL || fd->type == KIND_DIR) {
        return WASI_EBADF;
    }
    if (!fd->seekable) {
        return WASI_ESPIPE;
    }
    return dv_wasi_need(wasi, number, KIND_FILE | KIND_STREAM, rights, out);
}

u32 dv_wasi_fd_pread(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    Spans spans;
    usize moved = 0;
    u32 error = need_seekable(wasi, args[0], RIGHT_FD_READ | RIGHT_FD_SEEK, &fd);
    if (error == WASI_ESUCCESS && !guest_has(memory, guest_u32(args[4]), 4)) {
        error = WASI_EFAULT;
    }
    if (error == WASI_ESUCCESS) {
        error = dv_wasi_spans(memory, args[1], args[2], &spans);
    }
    if (error == WASI_ESUCCESS && spans.count > 0) {
        error = dv_host_read_at(fd->host, spans.list, spans.count, args[3], &moved);
    }
    return error != WASI_ESUCCESS ? error : put_u32(memory, args[4], moved);
}

u32 dv_wasi_fd_pwrite(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    Spans spans;
    usize moved = 0;
    u32 error = need_seekable(wasi, args[0], RIGHT_FD_WRITE | RIGHT_FD_SEEK, &fd);
    if (error == WASI_ESUCCESS && !guest_has(memory, guest_u32(args[4]), 4)) {
        error = WASI_EFAULT;
    }
    if (error == WASI_ESUCCESS) {
        error = dv_wasi_spans(memory, args[1], args[2], &spans);
    }
    if (error == WASI_ESUCCESS) {
        error = write_spans(wasi, fd, &spans, &args[3], &moved);
    }
    return error != WASI_ESUCCESS ? error : put_u32(memory, args[4], moved);
}

/* Asking where one is needs less than going elsewhere. */
static u32 seek(Wasi *wasi, WasiMemory memory, u64 number, i64 offset, u32 whence, u64 at)
{
    Fd *fd;
    u64 position;
    u64 address = guest_u32(at);
    bool asks = whence == WHENCE_CUR && offset == 0;
    u32 error = need_seekable(wasi, number, asks ? 0 : RIGHT_FD_SEEK, &fd);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if ((fd->base & (RIGHT_FD_SEEK | RIGHT_FD_TELL)) == 0) {
        return WASI_ENOTCAPABLE;
    }
    if (!guest_has(memory, address, 8)) {
        return WASI_EFAULT;
    }
    if (whence >= WHENCE_COUNT) {
        return WASI_EINVAL;
    }
    error = dv_host_seek(fd->host, offset, whence, &position);
    if (error == WASI_ESUCCESS) {
        store_le64(memory.base + (usize)address, position);
    }
    return error;
}

u32 dv_wasi_fd_seek(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    return seek(wasi, memory, args[0], (i64)args[1], (u32)args[2], args[3]);
}

u32 dv_wasi_fd_tell(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    return seek(wasi, memory, args[0], 0, WHENCE_CUR, args[1]);
}

/* ---- The file behind ---- */

/* A regular file; EBADF for directories, ESPIPE for streams. */
static u32 need_file(Wasi *wasi, u64 number, u64 rights, Fd **out)
{
    Fd *fd = dv_wasi_fd(wasi, number);
    if (fd != NULL && (fd->type == KIND_STREAM || fd->type == KIND_SOCKET)) {
        return WASI_ESPIPE;
    }
    return dv_wasi_need(wasi, number, KIND_FILE, rights, out);
}

u32 dv_wasi_fd_advise(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    (void)memory;
    u32 error = need_file(wasi, args[0], RIGHT_FD_ADVISE, &fd);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if ((u32)args[3] >= ADVICE_COUNT || args[1] > INT64_MAX || args[2] > INT64_MAX) {
        return WASI_EINVAL;
    }
    return dv_host_advise(fd->host, args[1], args[2], (u32)args[3]);
}

u32 dv_wasi_fd_allocate(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    HostShield shield;
    (void)memory;
    u32 error = need_file(wasi, args[0], RIGHT_FD_ALLOCATE, &fd);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (fd->read_only) {
        return WASI_EROFS;
    }
    if (args[2] == 0 || args[1] > INT64_MAX || args[2] > INT64_MAX) {
        return WASI_EINVAL;
    }
    if (args[1] > INT64_MAX - args[2]) {
        return WASI_EFBIG;
    }
    dv_host_shield_enter(&shield, false);
    error = dv_host_allocate(fd->host, args[1], args[2]);
    dv_host_shield_leave(&shield);
    return error;
}

u32 dv_wasi_fd_filestat_set_size(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    HostShield shield;
    (void)memory;
    u32 error = need_file(wasi, args[0], RIGHT_FD_FILESTAT_SET_SIZE, &fd);
    if (error != WASI_ESUCCESS) {
        return error == WASI_ESPIPE ? WASI_EINVAL : error;
    }
    if (fd->read_only) {
        return WASI_EROFS;
    }
    dv_host_shield_enter(&shield, false);
    error = dv_host_truncate(fd->host, args[1]);
    dv_host_shield_leave(&shield);
    return error;
}

static u32 sync_file(Wasi *wasi, u64 number, u64 right, u32 (*sync)(i32 host))
{
    Fd *fd;
    u32 error = dv_wasi_need(wasi, number, KIND_FILE | KIND_DIR | KIND_STREAM, right, &fd);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    return sync(fd->host);
}

u32 dv_wasi_fd_datasync(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    (void)memory;
    return sync_file(wasi, args[0], RIGHT_FD_DATASYNC, dv_host_datasync);
}

u32 dv_wasi_fd_sync(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    (void)memory;
    return sync_file(wasi, args[0], RIGHT_FD_SYNC, dv_host_sync);
}

enum { KIND_ANY = KIND_FILE | KIND_DIR | KIND_STREAM | KIND_SOCKET };

u32 dv_wasi_fd_filestat_get(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    HostStat stat = {.nlink = 1};
    u64 address = guest_u32(args[1]);
    u32 error = dv_wasi_need(wasi, args[0], KIND_ANY, RIGHT_FD_FILESTAT_GET, &fd);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (!guest_has(memory, address, FILESTAT_SIZE)) {
        return WASI_EFAULT;
    }
    if (fd->kind == FD_HOST) {
        error = dv_host_stat(fd->host, &stat);
    }
    if (error == WASI_ESUCCESS) {
        dv_wasi_put_stat(memory, address, &stat);
    }
    return error;
}

u32 dv_wasi_fd_filestat_set_times(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    HostTimes times;
    (void)memory;
    u32 error = dv_wasi_need(wasi, args[0], KIND_FILE | KIND_DIR | KIND_STREAM,
                             RIGHT_FD_FILESTAT_SET_TIMES, &fd);
    if (error == WASI_ESUCCESS) {
        error = dv_wasi_times(args[1], args[2], args[3], &times);
    }
    if (error != WASI_ESUCCESS) {
        return error;
    }
    return fd->read_only ? WASI_EROFS : dv_host_set_times(fd->host, times);
}

/* ---- The descriptor itself ---- */

u32 dv_wasi_fd_close(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd = dv_wasi_fd(wasi, args[0]);
    (void)memory;
    if (fd == NULL) {
        return WASI_EBADF;
    }
    dv_wasi_drop(wasi, fd);
    return WASI_ESUCCESS;
}

/* Both must be open; the old `to` is closed and `from` becomes free. */
u32 dv_wasi_fd_renumber(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *from = dv_wasi_fd(wasi, args[0]);
    Fd *to = dv_wasi_fd(wasi, args[1]);
    (void)memory;
    if (from == NULL || to == NULL) {
        return WASI_EBADF;
    }
    if (from != to) {
        dv_wasi_drop(wasi, to);
        *to = *from;
        *from = (Fd){.kind = FD_FREE};
    }
    return WASI_ESUCCESS;
}

u32 dv_wasi_fd_fdstat_get(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    const Fd *fd = dv_wasi_fd(wasi, args[0]);
    u64 address = guest_u32(args[1]);
    if (fd == NULL) {
        return WASI_EBADF;
    }
    if (!guest_has(memory, address, FDSTAT_SIZE)) {
        return WASI_EFAULT;
    }
    u8 *at = memory.base + (usize)address;
    memset(at, 0, FDSTAT_SIZE);
    at[FDSTAT_FILETYPE] = fd->filetype;
    store_le16(at + FDSTAT_FLAGS, fd->flags);
    store_le64(at + FDSTAT_BASE, fd->base);
    store_le64(at + FDSTAT_INHERITING, fd->inheriting);
    return WASI_ESUCCESS;
}

/* APPEND is the host's, so that it is atomic, but not on descriptors that others share. The flags of
 * synchronous writing are fixed when a file is opened, as on every host. */
u32 dv_wasi_fd_fdstat_set_flags(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    u32 flags = (u32)args[1];
    (void)memory;
    u32 error = dv_wasi_need(wasi, args[0], KIND_ANY, RIGHT_FD_FDSTAT_SET_FLAGS, &fd);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    u32 changed = flags ^ fd->flags;
    if ((flags & ~(u32)FDFLAGS_ALL) != 0 || (changed & FDFLAGS_SYNCS) != 0) {
        return WASI_EINVAL;
    }
    if ((changed & FDFLAGS_APPEND) != 0) {
        if (fd->type != KIND_FILE || !fd->owned) {
            return WASI_ENOTSUP;
        }
        error = dv_host_set_append(fd->host, (flags & FDFLAGS_APPEND) != 0);
    }
    if (error == WASI_ESUCCESS) {
        fd->flags = (u16)flags;
    }
    return error;
}

u32 dv_wasi_fd_fdstat_set_rights(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd = dv_wasi_fd(wasi, args[0]);
    (void)memory;
    if (fd == NULL) {
        return WASI_EBADF;
    }
    if ((args[1] & ~fd->base) != 0 || (args[2] & ~fd->inheriting) != 0) {
        return WASI_ENOTCAPABLE;
    }
    fd->base = args[1];
    fd->inheriting = args[2];
    return WASI_ESUCCESS;
}

/* ---- Preopened directories ---- */

/* EBADF for everything else: it ends wasi-libc's search. */
u32 dv_wasi_fd_prestat_get(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    const Fd *fd = dv_wasi_fd(wasi, args[0]);
    u64 address = guest_u32(args[1]);
    if (fd == NULL || fd->preopen == NULL) {
        return WASI_EBADF;
    }
    if (!guest_has(memory, address, PRESTAT_SIZE)) {
        return WASI_EFAULT;
    }
    u8 *at = memory.base + (usize)address;
    memset(at, 0, PRESTAT_SIZE);
    at[PRESTAT_TAG] = PREOPENTYPE_DIR;
    store_le32(at + PRESTAT_NAME_LEN, (u32)strlen(fd->preopen));
    return WASI_ESUCCESS;
}

u32 dv_wasi_fd_prestat_dir_name(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    const Fd *fd = dv_wasi_fd(wasi, args[0]);
    u64 address = guest_u32(args[1]);
    u64 room = guest_u32(args[2]);
    if (fd == NULL || fd->preopen == NULL) {
        return WASI_EBADF;
    }
    if (!guest_has(memory, address, room)) {
        return WASI_EFAULT;
    }
    usize length = strlen(fd->preopen);
    if (room < length) {
        return WASI_ENAMETOOLONG;
    }
    if (length > 0) {
        memcpy(memory.base + (usize)address, fd->preopen, length);
    }
    return WASI_ESUCCESS;
}
