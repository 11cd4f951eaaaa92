/* call_process.c - what a program knows of itself and of time: args_*, environ_*, clock_*, random_get,
 * sched_yield, proc_*. */
#include "state.h"

/* ---- Arguments and environment ---- */

static u32 put_sizes(WasiMemory memory, const WasiStrings *strings, const u64 *args)
{
    u64 count_at = guest_u32(args[0]);
    u64 size_at = guest_u32(args[1]);
    if (!guest_has(memory, count_at, 4) || !guest_has(memory, size_at, 4)) {
        return WASI_EFAULT;
    }
    store_le32(memory.base + (usize)count_at, strings->count);
    store_le32(memory.base + (usize)size_at, strings->size);
    return WASI_ESUCCESS;
}

/* The strings, and a vector of pointers to them. */
static u32 put_strings(WasiMemory memory, const WasiStrings *strings, const u64 *args)
{
    u64 list_at = guest_u32(args[0]);
    u64 bytes_at = guest_u32(args[1]);
    if (!guest_has(memory, list_at, (u64)strings->count * 4) ||
        !guest_has(memory, bytes_at, strings->size)) {
        return WASI_EFAULT;
    }
    usize offset = 0;
    for (u32 i = 0; i < strings->count; i++) {
        const char *string = strings->bytes + offset;
        usize size = strlen(string) + 1;
        store_le32(memory.base + (usize)list_at + (usize)i * 4, (u32)(bytes_at + offset));
        memcpy(memory.base + (usize)bytes_at + offset, string, size);
        offset += size;
    }
    return WASI_ESUCCESS;
}

u32 dv_wasi_args_sizes_get(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    return put_sizes(memory, &wasi->args, args);
}

u32 dv_wasi_args_get(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    return put_strings(memory, &wasi->args, args);
}

u32 dv_wasi_environ_sizes_get(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    return put_sizes(memory, &wasi->env, args);
}

u32 dv_wasi_environ_get(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    return put_strings(memory, &wasi->env, args);
}

/* ---- Clocks ---- */

static u32 put_clock(WasiMemory memory, u64 clock, u64 at, u32 (*get)(u32 clock, u64 *ns))
{
    u64 address = guest_u32(at);
    u64 ns;
    if (!guest_has(memory, address, 8)) {
        return WASI_EFAULT;
    }
    if (guest_u32(clock) >= CLOCK_WASI_COUNT) {
        return WASI_EINVAL;
    }
    u32 error = get((u32)clock, &ns);
    if (error == WASI_ESUCCESS) {
        store_le64(memory.base + (usize)address, ns);
    }
    return error;
}

u32 dv_wasi_clock_res_get(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    (void)wasi;
    return put_clock(memory, args[0], args[1], dv_host_clock_resolution);
}

/* args[1], how much the time may lag, allows a coarser clock; this one is exact. */
u32 dv_wasi_clock_time_get(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    (void)wasi;
    return put_clock(memory, args[0], args[2], dv_host_clock_time);
}

/* ---- Random numbers, scheduling ---- */

u32 dv_wasi_random_get(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    u64 address = guest_u32(args[0]);
    u64 left = guest_u32(args[1]);
    if (!guest_has(memory, address, left)) {
        return WASI_EFAULT;
    }
    while (left > 0) {
        if (dv_wasi_stopping(wasi)) {
            return WASI_LEAVE_STOP;
        }
        usize size = left < HOST_RANDOM_MAX ? (usize)left : HOST_RANDOM_MAX;
        u32 error = dv_host_random(memory.base + (usize)address, size);
        if (error != WASI_ESUCCESS) {
            return error;
        }
        address += size;
        left -= size;
    }
    return WASI_ESUCCESS;
}

u32 dv_wasi_sched_yield(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    (void)wasi;
    (void)memory;
    (void)args;
    return dv_host_yield();
}

/* ---- The end ---- */

u32 dv_wasi_proc_exit(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    (void)memory;
    wasi->exit_code = (u32)args[0];
    return WASI_LEAVE_EXIT;
}

/* A program has no handlers: a signal does what it does by default. The process that runs the program is
 * not the program and never gets one. What ends a program ends it with the status that shells show for
 * the signal; what stops one until somebody continues it cannot be had here. */
u32 dv_wasi_proc_raise(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    enum {
        SIGNAL_NONE = 0,
        SIGNAL_CHLD = 16,
        SIGNAL_CONT = 17,
        SIGNAL_STOP = 18,
        SIGNAL_TTOU = 21,
        SIGNAL_URG = 22,
        SIGNAL_WINCH = 27,
        SIGNAL_SYS = 30,
        STATUS_OF_SIGNALS = 128
    };
    u32 signal = (u32)args[0];
    (void)memory;
    if (signal > SIGNAL_SYS) {
        return WASI_EINVAL;
    }
    if (signal >= SIGNAL_STOP && signal <= SIGNAL_TTOU) {
        return WASI_ENOTSUP;
    }
    if (signal == SIGNAL_NONE || signal == SIGNAL_CHLD || signal == SIGNAL_CONT ||
        signal == SIGNAL_URG || signal == SIGNAL_WINCH) {
        return WASI_ESUCCESS;
    }
    wasi->exit_code = STATUS_OF_SIGNALS + signal;
    return WASI_LEAVE_EXIT;
}
