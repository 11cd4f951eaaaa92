/* vectors.c - vectors of buffers (iovec, ciovec): copied in, bounds checked, cut and moved on. */
#include "state.h"

u32 dv_wasi_spans(WasiMemory memory, u64 address, u64 count, Spans *out)
{
    u64 list = guest_u32(address);
    u64 length = guest_u32(count);
    out->count = 0;
    out->bytes = 0;
    if (!guest_has(memory, list, length * IOVEC_SIZE)) {
        return WASI_EFAULT;
    }
    for (u64 i = 0; i < length; i++) {
        const u8 *entry = memory.base + (usize)(list + i * IOVEC_SIZE);
        u64 data = load_le32(entry + IOVEC_BUF);
        u64 size = load_le32(entry + IOVEC_LEN);
        if (!guest_has(memory, data, size)) {
            return WASI_EFAULT;
        }
        u64 room = TRANSFER_BYTES_MAX - (u64)out->bytes;
        if (size > room) {
            size = room;
        }
        if (size > 0 && out->count < HOST_SPANS_MAX) {
            out->list[out->count++] = (HostSpan){memory.base + (usize)data, (usize)size};
            out->bytes += (usize)size;
        }
    }
    return WASI_ESUCCESS;
}

void dv_wasi_spans_skip(Spans *spans, usize bytes)
{
    u32 whole = 0;
    spans->bytes -= bytes;
    while (whole < spans->count && bytes >= spans->list[whole].size) {
        bytes -= spans->list[whole++].size;
    }
    spans->count -= whole;
    memmove(spans->list, spans->list + whole, spans->count * sizeof spans->list[0]);
    if (bytes > 0) {
        spans->list[0].data += bytes;
        spans->list[0].size -= bytes;
    }
}

void dv_wasi_spans_cut(Spans *spans, usize bytes)
{
    usize left = bytes;
    u32 kept = 0;
    while (kept < spans->count && left > 0) {
        HostSpan *span = &spans->list[kept++];
        if (span->size > left) {
            span->size = left;
        }
        left -= span->size;
    }
    spans->count = kept;
    spans->bytes = bytes - left;
}
