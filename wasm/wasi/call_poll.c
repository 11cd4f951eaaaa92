/* call_poll.c - poll_oneoff: waiting for the first of several clocks and descriptors.
 *
 * Subscriptions are copied in and become Waits. Those that cannot be waited for are events at once,
 * with an error. Otherwise rounds follow: which clocks have run out, which descriptors are ready; if
 * none, sleep until the next could be, in slices short enough for should_stop and for a real-time clock
 * that somebody sets. Events come in the order of their subscriptions; a descriptor that is ready does
 * not keep an expired clock out, or the other way round.
 *
 * Regular files, streams of callbacks and of nobody are always ready. CPU-time clocks cannot be waited
 * for (ENOTSUP): while the program waits they stand still.
 */
#include "state.h"

enum {
    SUBSCRIPTIONS_MAX = HOST_POLLS_MAX, /* more are EINVAL */
    SLICE_MAX_MS = 1000,
    MS_NS = 1000000
};

typedef struct Wait {
    u64 userdata;
    u64 deadline; /* of a clock, in its own time */
    u64 nbytes;
    u32 error;
    u32 clock;
    i32 host; /* of a descriptor that must be asked; -1: none */
    u8 type;
    bool done; /* it is an event */
    bool hangup;
} Wait;

typedef struct PollSet {
    Wasi *wasi;
    Wait *waits;
    HostPoll *polls; /* those that must be asked, in order */
    u32 count;
    u32 poll_count;
} PollSet;

static u32 fail_wait(Wait *wait, u32 error)
{
    wait->error = error;
    wait->done = true;
    return WASI_ESUCCESS;
}

static u32 take_clock(Wait *wait, const u8 *subscription)
{
    u64 now;
    u64 timeout = load_le64(subscription + SUBSCRIPTION_TIMEOUT);
    u32 flags = load_le16(subscription + SUBSCRIPTION_FLAGS);
    wait->clock = load_le32(subscription + SUBSCRIPTION_CLOCK);
    if (wait->clock >= CLOCK_WASI_COUNT || (flags & ~(u32)SUBCLOCKFLAGS_ABSTIME) != 0) {
        return fail_wait(wait, WASI_EINVAL);
    }
    if (wait->clock != CLOCK_WASI_REALTIME && wait->clock != CLOCK_WASI_MONOTONIC) {
        return fail_wait(wait, WASI_ENOTSUP);
    }
    u32 error = dv_host_clock_time(wait->clock, &now);
    if (error != WASI_ESUCCESS) {
        return fail_wait(wait, error);
    }
    wait->deadline = timeout;
    if ((flags & SUBCLOCKFLAGS_ABSTIME) == 0) {
        wait->deadline = timeout > UINT64_MAX - now ? UINT64_MAX : now + timeout;
    }
    return WASI_ESUCCESS;
}

/* Of a file: what is between its place and its end. */
static u64 file_rest(const Fd *fd)
{
    HostStat stat;
    u64 position;
    if (dv_host_stat(fd->host, &stat) != WASI_ESUCCESS ||
        dv_host_seek(fd->host, 0, WHENCE_CUR, &position) != WASI_ESUCCESS) {
        return 0;
    }
    return stat.size > position ? stat.size - position : 0;
}

static u32 take_fd(Wasi *wasi, Wait *wait, const u8 *subscription)
{
    Fd *fd;
    bool to_read = wait->type == EVENTTYPE_FD_READ;
    u64 rights = RIGHT_POLL_FD_READWRITE | (to_read ? RIGHT_FD_READ : RIGHT_FD_WRITE);
    u32 error = dv_wasi_need(wasi, load_le32(subscription + SUBSCRIPTION_FD),
                             KIND_FILE | KIND_STREAM | KIND_SOCKET, rights, &fd);
    if (error != WASI_ESUCCESS) {
        return fail_wait(wait, error);
    }
    if (fd->kind == FD_HOST && fd->type != KIND_FILE) {
        wait->host = fd->host;
        return WASI_ESUCCESS;
    }
    wait->done = true;
    wait->nbytes = to_read && fd->kind == FD_HOST ? file_rest(fd) : 0;
    return WASI_ESUCCESS;
}

static u32 take_subscription(Wasi *wasi, Wait *wait, const u8 *subscription)
{
    *wait = (Wait){.userdata = load_le64(subscription + SUBSCRIPTION_USERDATA),
                   .type = subscription[SUBSCRIPTION_TAG],
                   .host = -1};
    if (wait->type >= EVENTTYPE_COUNT) {
        return WASI_EINVAL;
    }
    return wait->type == EVENTTYPE_CLOCK ? take_clock(wait, subscription)
                                         : take_fd(wasi, wait, subscription);
}

static u32 take_all(PollSet *set, WasiMemory memory, u64 address)
{
    for (u32 i = 0; i < set->count; i++) {
        u8 subscription[SUBSCRIPTION_SIZE];
        Wait *wait = &set->waits[i];
        memcpy(subscription, memory.base + (usize)address + (usize)i * SUBSCRIPTION_SIZE,
               sizeof subscription);
        u32 error = take_subscription(set->wasi, wait, subscription);
        if (error != WASI_ESUCCESS) {
            return error;
        }
        if (wait->host >= 0) {
            set->polls[set->poll_count++] =
                (HostPoll){.fd = wait->host,
                           .want_read = wait->type == EVENTTYPE_FD_READ,
                           .want_write = wait->type == EVENTTYPE_FD_WRITE};
        }
    }
    return WASI_ESUCCESS;
}

/* ---- Rounds ---- */

/* Which clocks have run out, and how long it is to the next. */
static u32 check_clocks(PollSet *set, bool *any, u64 *left_ns)
{
    *left_ns = UINT64_MAX;
    for (u32 i = 0; i < set->count; i++) {
        Wait *wait = &set->waits[i];
        u64 now;
        if (wait->type != EVENTTYPE_CLOCK || wait->done) {
            *any = *any || wait->done;
            continue;
        }
        u32 error = dv_host_clock_time(wait->clock, &now);
        if (error != WASI_ESUCCESS) {
            return error;
        }
        wait->done = now >= wait->deadline;
        *any = *any || wait->done;
        if (!wait->done && wait->deadline - now < *left_ns) {
            *left_ns = wait->deadline - now;
        }
    }
    return WASI_ESUCCESS;
}

/* What the last dv_host_poll found. */
static void collect_fds(PollSet *set)
{
    u32 next = 0;
    for (u32 i = 0; i < set->count; i++) {
        Wait *wait = &set->waits[i];
        if (wait->host < 0) {
            continue;
        }
        const HostPoll *poll = &set->polls[next++];
        wait->done = poll->ready || poll->hangup || poll->invalid;
        wait->hangup = poll->hangup;
        if (poll->invalid) {
            wait->error = WASI_EBADF;
        } else if (wait->done && wait->type == EVENTTYPE_FD_READ) {
            wait->nbytes = dv_host_pending(wait->host);
        }
    }
}

static u32 wait_for_any(PollSet *set)
{
    u64 slice_ms = set->wasi->should_stop != NULL ? WASI_STOP_LATENCY_MS : SLICE_MAX_MS;
    u64 sleep_ns = 0;
    for (;;) {
        bool any = false;
        u64 left_ns;
        if (dv_wasi_stopping(set->wasi)) {
            return WASI_LEAVE_STOP;
        }
        if (set->poll_count > 0 || sleep_ns > 0) {
            u32 error = dv_host_poll(set->polls, set->poll_count, sleep_ns);
            if (error != WASI_ESUCCESS) {
                return error;
            }
            collect_fds(set);
        }
        u32 error = check_clocks(set, &any, &left_ns);
        if (error != WASI_ESUCCESS || any) {
            return error;
        }
        sleep_ns = left_ns < slice_ms * MS_NS ? left_ns : slice_ms * MS_NS;
    }
}

static u32 put_events(const PollSet *set, WasiMemory memory, u64 address)
{
    u32 count = 0;
    for (u32 i = 0; i < set->count; i++) {
        const Wait *wait = &set->waits[i];
        if (!wait->done) {
            continue;
        }
        u8 *at = memory.base + (usize)address + (usize)count * EVENT_SIZE;
        memset(at, 0, EVENT_SIZE);
        store_le64(at + EVENT_USERDATA, wait->userdata);
        store_le16(at + EVENT_ERROR, (u16)wait->error);
        at[EVENT_TYPE] = wait->type;
        store_le64(at + EVENT_NBYTES, wait->nbytes);
        store_le16(at + EVENT_FLAGS, wait->hangup ? EVENTRWFLAGS_HANGUP : 0);
        count++;
    }
    return count;
}

u32 dv_wasi_poll_oneoff(Wasi *wasi, WasiMemory memory, const u64 *args)
{
    u64 in = guest_u32(args[0]);
    u64 out = guest_u32(args[1]);
    u64 count = guest_u32(args[2]);
    u64 count_at = guest_u32(args[3]);
    if (count == 0 || count > SUBSCRIPTIONS_MAX) {
        return WASI_EINVAL;
    }
    if (!guest_has(memory, in, count * SUBSCRIPTION_SIZE) ||
        !guest_has(memory, out, count * EVENT_SIZE) || !guest_has(memory, count_at, 4)) {
        return WASI_EFAULT;
    }
    usize waits_size = (usize)count * sizeof(Wait);
    usize polls_size = (usize)count * sizeof(HostPoll);
    PollSet set = {.wasi = wasi, .count = (u32)count};
    set.waits = dv_wasi_alloc(wasi, waits_size);
    set.polls = dv_wasi_alloc(wasi, polls_size);
    u32 error = WASI_ENOMEM;
    if (set.waits != NULL && set.polls != NULL) {
        error = take_all(&set, memory, in);
        if (error == WASI_ESUCCESS) {
            error = wait_for_any(&set);
        }
        if (error == WASI_ESUCCESS) {
            store_le32(memory.base + (usize)count_at, put_events(&set, memory, out));
        }
    }
    dv_wasi_release(wasi, set.waits, waits_size);
    dv_wasi_release(wasi, set.polls, polls_size);
    return error;
}
