/* atomic.c - a parking lot: where threads wait for addresses.
 *
 * Memory holds no trace of who waits for it. Each waiting thread has a Waiter on its own stack,
 * with a condition of its own, in the queue of a bucket chosen by the address. Everything about a
 * bucket happens under its mutex. One that waits reads memory after taking it; one that notifies
 * takes it after writing memory: so either the first sees the new number, or the second finds it in
 * the queue, and no wake-up is lost. A waiter leaves the queue when it is woken, by the hand of who
 * wakes it, or when it gives up by its own.
 *
 * A sleeping thread asks every 10 ms whether it is to stop. An interrupt only sets a word, perhaps
 * in a signal handler, where no mutex may be taken and no condition signalled; so it cannot wake
 * anybody, and somebody has to look. That costs 100 wake-ups a second for each thread that waits.
 *
 * The lot is the one mutable object of the interpreter that is global. It has to be: threads that
 * share a memory share nothing else, their interpreters, instances and even copies of the module
 * being their own. It is empty whenever nobody waits. A bucket's mutex may be held while
 * base/atomic.c takes one of its locks, never the other way round.
 */
#include "interp/atomic.h"

#include "base/threads.h"

#define X(name) \
    _Static_assert((int)ATOMIC_##name == (int)PULLEY_RMW_##name, "an rmw field is an AtomicRmw");
ATOMIC_RMWS(X)
#undef X
_Static_assert((int)ATOMIC_RMW_COUNT == (int)PULLEY_RMW_COUNT, "an rmw field is an AtomicRmw");

enum { SLICE_NS = 10 * 1000 * 1000 };

typedef struct Waiter {
    const u8 *address;
    bool woken; /* and no longer in the queue */
    Cond cond;
    struct Waiter *previous;
    struct Waiter *next;
} Waiter;

typedef struct Bucket {
    Mutex mutex;
    Waiter *first; /* has waited longest */
    Waiter *last;
} Bucket;

#define EMPTY \
    { \
        MUTEX_INIT, NULL, NULL \
    }
#define FOUR(x) x, x, x, x
static Bucket lot[] = {FOUR(EMPTY), FOUR(EMPTY), FOUR(EMPTY), FOUR(EMPTY)};

static Bucket *bucket_of(const u8 *p)
{
    uintptr_t unit = (uintptr_t)p / 4;
    return &lot[(unit ^ unit >> 8 ^ unit >> 16) % ARRAY_LEN(lot)];
}

static void enqueue(Bucket *bucket, Waiter *waiter)
{
    waiter->previous = bucket->last;
    waiter->next = NULL;
    if (bucket->last != NULL) {
        bucket->last->next = waiter;
    } else {
        bucket->first = waiter;
    }
    bucket->last = waiter;
}

static void dequeue(Bucket *bucket, Waiter *waiter)
{
    if (waiter->previous != NULL) {
        waiter->previous->next = waiter->next;
    } else {
        bucket->first = waiter->next;
    }
    if (waiter->next != NULL) {
        waiter->next->previous = waiter->previous;
    } else {
        bucket->last = waiter->previous;
    }
}

/* Sleeps once, at most for a slice; gives the time left. UINT64_MAX stays what it is. */
static u64 sleep_once(Bucket *bucket, Waiter *waiter, u64 left_ns)
{
    u64 slept =
        dv_cond_wait(&waiter->cond, &bucket->mutex, left_ns < SLICE_NS ? left_ns : SLICE_NS);
    if (left_ns == UINT64_MAX) {
        return left_ns;
    }
    return slept < left_ns ? left_ns - slept : 0;
}

/* The mutex is held at both ends. */
static u32 sleep_in_queue(Bucket *bucket, Waiter *waiter, u64 left_ns, InterpStopFn *stop,
                          void *context)
{
    for (;;) {
        dv_mutex_unlock(&bucket->mutex);
        bool stopped = stop(context);
        dv_mutex_lock(&bucket->mutex);
        if (!waiter->woken && !stopped && left_ns != 0) {
            left_ns = sleep_once(bucket, waiter, left_ns);
        }
        if (waiter->woken) {
            return INTERP_WAIT_WOKEN;
        }
        if (stopped) {
            return INTERP_WAIT_STOPPED;
        }
        if (left_ns == 0) {
            return INTERP_WAIT_TIMED_OUT;
        }
    }
}

u32 dv_interp_wait_at(const u8 *p, u32 size, u64 expected, i64 timeout_ns, InterpStopFn *stop,
                      void *context)
{
    ASSERT(size == 4 || size == 8);
    u64 wanted = size == 4 ? (u32)expected : expected;
    Bucket *bucket = bucket_of(p);
    Waiter waiter = {.address = p};
    dv_mutex_lock(&bucket->mutex);
    if (dv_atomic_load(p, size, false) != wanted) {
        dv_mutex_unlock(&bucket->mutex);
        return INTERP_WAIT_NOT_EQUAL;
    }
    if (!DV_THREADS) {
        dv_mutex_unlock(&bucket->mutex);
        return timeout_ns < 0 ? INTERP_WAIT_STOPPED : INTERP_WAIT_TIMED_OUT;
    }
    u64 left_ns = timeout_ns < 0 ? UINT64_MAX : (u64)timeout_ns;
    dv_cond_init(&waiter.cond);
    enqueue(bucket, &waiter);
    u32 outcome = sleep_in_queue(bucket, &waiter, left_ns, stop, context);
    if (outcome != INTERP_WAIT_WOKEN) {
        dequeue(bucket, &waiter);
    }
    dv_mutex_unlock(&bucket->mutex);
    dv_cond_destroy(&waiter.cond);
    return outcome;
}

u32 dv_interp_notify_at(const u8 *p, u32 count)
{
    Bucket *bucket = bucket_of(p);
    Waiter *next = NULL;
    u32 woken = 0;
    dv_mutex_lock(&bucket->mutex);
    for (Waiter *waiter = bucket->first; waiter != NULL && woken < count; waiter = next) {
        next = waiter->next;
        if (waiter->address == p) {
            dequeue(bucket, waiter);
            waiter->woken = true;
            dv_cond_signal(&waiter->cond); /* it cannot go before the mutex is free */
            woken++;
        }
    }
    dv_mutex_unlock(&bucket->mutex);
    return woken;
}
