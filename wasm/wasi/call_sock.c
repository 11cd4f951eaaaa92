/* call_sock.c - sock_accept, sock_recv, sock_send, sock_shutdown, on sockets that the embedder gave and
 * on what they accept. Preview 1 can make no others. */
#include "state.h"

/* Until the host has it done, or the program does not want to wait. */
static u32 wait_again(Wasi *wasi, const Fd *fd, bool to_write)
{
    if ((fd->flags & FDFLAGS_NONBLOCK) != 0) {
        return WASI_EAGAIN;
    }
    return dv_wasi_wait(wasi, fd->host, to_write);
}

static u32 accept_one(Wasi *wasi, const Fd *listener, i32 *accepted)
{
    for (;;) {
        u32 error = dv_host_accept(listener->host, accepted);
        if (error != WASI_EAGAIN) {
            return error;
        }
        error = wait_again(wasi, listener, false);
        if (error != WASI_ESUCCESS) {
            return error;
        }
    }
}

u32 dv_wasi_sock_accept(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *listener;
    i32 host;
    u32 number;
    HostInfo info = {.filetype = FILETYPE_SOCKET_STREAM};
    u32 flags = (u32)args[1];
    u64 address = guest_u32(args[2]);
    u32 error = dv_wasi_need(wasi, args[0], KIND_SOCKET, RIGHT_SOCK_ACCEPT, &listener);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (!guest_has(memory, address, 4)) {
        return WASI_EFAULT;
    }
    if ((flags & ~(u32)FDFLAGS_NONBLOCK) != 0) {
        return WASI_EINVAL;
    }
    error = accept_one(wasi, listener, &host);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    error = dv_host_describe(host, &info);
    Fd fd = {.kind = FD_HOST,
             .type = KIND_SOCKET,
             .filetype = info.filetype,
             .owned = true,
             .flags = (u16)flags,
             .host = host,
             .base = listener->inheriting,
             .inheriting = listener->inheriting};
    if (error == WASI_ESUCCESS) {
        error = dv_wasi_add(wasi, &fd, &number);
    }
    if (error != WASI_ESUCCESS) {
        dv_host_close(host);
        return error;
    }
    store_le32(memory.base + (usize)address, number);
    return WASI_ESUCCESS;
}

/* Once, or with WAITALL until the buffers are full, the other side ends, or something is cut off. */
static u32 receive(Wasi *wasi, const Fd *fd, Spans *spans, u32 flags, usize *moved, bool *truncated)
{
    bool peek = (flags & RIFLAGS_PEEK) != 0;
    *truncated = false;
    for (;;) {
        usize got = 0;
        u32 error = (fd->flags & FDFLAGS_NONBLOCK) != 0 ? WASI_ESUCCESS
                                                        : dv_wasi_wait(wasi, fd->host, false);
        if (error == WASI_ESUCCESS) {
            error = dv_host_receive(fd->host, spans->list, spans->count, peek, &got, truncated);
        }
        if (error == WASI_EAGAIN && (fd->flags & FDFLAGS_NONBLOCK) == 0) {
            continue;
        }
        if (error != WASI_ESUCCESS) {
            return *moved > 0 && error != WASI_LEAVE_STOP ? WASI_ESUCCESS : error;
        }
        *moved += got;
        if (got == 0 || got == spans->bytes || *truncated || peek ||
            (flags & RIFLAGS_WAITALL) == 0 || fd->filetype != FILETYPE_SOCKET_STREAM) {
            return WASI_ESUCCESS;
        }
        dv_wasi_spans_skip(spans, got);
    }
}

u32 dv_wasi_sock_recv(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    Spans spans;
    usize moved = 0;
    bool truncated;
    u32 flags = (u32)args[3];
    u64 size_at = guest_u32(args[4]);
    u64 flags_at = guest_u32(args[5]);
    u32 error = dv_wasi_need(wasi, args[0], KIND_SOCKET, RIGHT_FD_READ, &fd);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (!guest_has(memory, size_at, 4) || !guest_has(memory, flags_at, 2)) {
        return WASI_EFAULT;
    }
    error = dv_wasi_spans(memory, args[1], args[2], &spans);
    if (error == WASI_ESUCCESS && (flags & ~(u32)RIFLAGS_ALL) != 0) {
        error = WASI_EINVAL;
    }
    if (error == WASI_ESUCCESS) {
        error = receive(wasi, fd, &spans, flags, &moved, &truncated);
    }
    if (error != WASI_ESUCCESS) {
        return error;
    }
    store_le32(memory.base + (usize)size_at, (u32)moved);
    store_le16(memory.base + (usize)flags_at, truncated ? ROFLAGS_DATA_TRUNCATED : 0);
    return WASI_ESUCCESS;
}

static u32 send_some(Wasi *wasi, const Fd *fd, const Spans *spans, usize *moved)
{
    for (;;) {
        u32 error = dv_host_send(fd->host, spans->list, spans->count, moved);
        if (error != WASI_EAGAIN) {
            return error;
        }
        error = wait_again(wasi, fd, true);
        if (error != WASI_ESUCCESS) {
            return error;
        }
    }
}

u32 dv_wasi_sock_send(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    Spans spans;
    HostShield shield;
    usize moved = 0;
    u64 size_at = guest_u32(args[4]);
    u32 error = dv_wasi_need(wasi, args[0], KIND_SOCKET, RIGHT_FD_WRITE, &fd);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (!guest_has(memory, size_at, 4)) {
        return WASI_EFAULT;
    }
    error = dv_wasi_spans(memory, args[1], args[2], &spans);
    if (error == WASI_ESUCCESS && (u32)args[3] != 0) {
        error = WASI_EINVAL; /* preview 1 defines no flag */
    }
    if (error != WASI_ESUCCESS) {
        return error;
    }
    dv_host_shield_enter(&shield, true);
    error = send_some(wasi, fd, &spans, &moved);
    dv_host_shield_leave(&shield);
    if (error == WASI_ESUCCESS) {
        store_le32(memory.base + (usize)size_at, (u32)moved);
    }
    return error;
}

u32 dv_wasi_sock_shutdown(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    Fd *fd;
    u32 flags = (u32)args[1];
    (void)memory;
    u32 error = dv_wasi_need(wasi, args[0], KIND_SOCKET, RIGHT_SOCK_SHUTDOWN, &fd);
    if (error != WASI_ESUCCESS) {
        return error;
    }
    if (flags == 0 || (flags & ~(u32)SDFLAGS_ALL) != 0) {
        return WASI_EINVAL;
    }
    return dv_host_shutdown(fd->host, flags);
}
