/* threads.c - threads.h on POSIX threads, and its twin without. */
#if (defined(__unix__) || defined(__linux__)) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L /* the monotonic clock */
#endif
#include "threads.h"

#if DV_THREADS
#include <errno.h>
#include <time.h>
#include <unistd.h>

enum { SECOND_NS = 1000000000, HOUR_S = 3600 };

typedef struct Worker {
    void (*work)(void *context, u32 worker);
    void *context;
    u32 number;
    pthread_t thread;
} Worker;

static void *run_worker(void *argument)
{
    Worker *worker = argument;
    worker->work(worker->context, worker->number);
    return NULL;
}

void dv_threads_run(u32 count, void (*work)(void *context, u32 worker), void *context)
{
    Worker workers[THREADS_MAX];
    u32 started = 1; /* the caller is worker 0 */
    while (started < count && started < THREADS_MAX) {
        Worker *worker = &workers[started];
        *worker = (Worker){.work = work, .context = context, .number = started};
        if (pthread_create(&worker->thread, NULL, run_worker, worker) != 0) {
            break;
        }
        started++;
    }
    work(context, 0);
    for (u32 i = 1; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
    }
}

/* POSIX has no name for it; most systems have this one. */
u32 dv_threads_processors(void)
{
#ifdef _SC_NPROCESSORS_ONLN
    long count = sysconf(_SC_NPROCESSORS_ONLN);
#else
    long count = 1;
#endif
    return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (u32)count;
}

static void *run_thread(void *argument)
{
    Thread *thread = argument;
    thread->work(thread->context);
    return NULL;
}

bool dv_thread_start(Thread *thread, void (*work)(void *context), void *context)
{
    *thread = (Thread){.work = work, .context = context, .process = (long)getpid()};
    return pthread_create(&thread->id, NULL, run_thread, thread) == 0;
}

bool dv_thread_is_here(const Thread *thread)
{
    return thread->process == (long)getpid();
}

void dv_thread_join(Thread *thread)
{
    CHECK(pthread_join(thread->id, NULL) == 0);
}

void dv_mutex_init(Mutex *mutex)
{
    CHECK(pthread_mutex_init(mutex, NULL) == 0);
}

void dv_mutex_destroy(Mutex *mutex)
{
    CHECK(pthread_mutex_destroy(mutex) == 0);
}

void dv_mutex_lock(Mutex *mutex)
{
    CHECK(pthread_mutex_lock(mutex) == 0);
}

void dv_mutex_unlock(Mutex *mutex)
{
    CHECK(pthread_mutex_unlock(mutex) == 0);
}

/* Apple's conditions wait for a span, others' until a time of the clock they were made for. */
#if defined(__APPLE__)
static int wait_for(Cond *cond, Mutex *mutex, const struct timespec *start, struct timespec span)
{
    (void)start;
    return pthread_cond_timedwait_relative_np(cond, mutex, &span);
}

static void set_clock(pthread_condattr_t *attributes)
{
    (void)attributes;
}
#else
static int wait_for(Cond *cond, Mutex *mutex, const struct timespec *start, struct timespec span)
{
    span.tv_sec += start->tv_sec;
    span.tv_nsec += start->tv_nsec;
    if (span.tv_nsec >= SECOND_NS) {
        span.tv_nsec -= SECOND_NS;
        span.tv_sec++;
    }
    return pthread_cond_timedwait(cond, mutex, &span);
}

static void set_clock(pthread_condattr_t *attributes)
{
    CHECK(pthread_condattr_setclock(attributes, CLOCK_MONOTONIC) == 0);
}
#endif

void dv_cond_init(Cond *cond)
{
    pthread_condattr_t attributes;
    CHECK(pthread_condattr_init(&attributes) == 0);
    set_clock(&attributes);
    CHECK(pthread_cond_init(cond, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
}

void dv_cond_destroy(Cond *cond)
{
    CHECK(pthread_cond_destroy(cond) == 0);
}

void dv_cond_signal(Cond *cond)
{
    CHECK(pthread_cond_signal(cond) == 0);
}

/* An hour at most, so that no time_t overflows. */
u64 dv_cond_wait(Cond *cond, Mutex *mutex, u64 limit_ns)
{
    struct timespec start;
    struct timespec end;
    struct timespec span = {HOUR_S, 0};
    if (limit_ns < (u64)HOUR_S * SECOND_NS) {
        /* Both are small; their types differ between hosts. */
        span.tv_sec = (i32)(limit_ns / SECOND_NS);
        span.tv_nsec = (i32)(limit_ns % SECOND_NS);
    }
    CHECK(clock_gettime(CLOCK_MONOTONIC, &start) == 0);
    int error = wait_for(cond, mutex, &start, span);
    CHECK(error == 0 || error == ETIMEDOUT);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
    return (u64)(end.tv_sec - start.tv_sec) * SECOND_NS + (u64)end.tv_nsec - (u64)start.tv_nsec;
}

bool dv_thread_slot_init(ThreadSlot *slot, void (*end)(void *value))
{
    return pthread_key_create(&slot->key, end) == 0;
}

void *dv_thread_slot_get(const ThreadSlot *slot)
{
    return pthread_getspecific(slot->key);
}

bool dv_thread_slot_set(ThreadSlot *slot, void *value)
{
    return pthread_setspecific(slot->key, value) == 0;
}

#else

void dv_threads_run(u32 count, void (*work)(void *context, u32 worker), void *context)
{
    (void)count;
    work(context, 0);
}

u32 dv_threads_processors(void)
{
    return 1;
}

bool dv_thread_start(Thread *thread, void (*work)(void *context), void *context)
{
    (void)thread;
    (void)work;
    (void)context;
    return false;
}

bool dv_thread_is_here(const Thread *thread)
{
    (void)thread;
    return true;
}

void dv_thread_join(Thread *thread)
{
    (void)thread;
}

void dv_mutex_init(Mutex *mutex)
{
    mutex->locked = false;
}

void dv_mutex_destroy(Mutex *mutex)
{
    CHECK(!mutex->locked);
}

void dv_mutex_lock(Mutex *mutex)
{
    CHECK(!mutex->locked);
    mutex->locked = true;
}

void dv_mutex_unlock(Mutex *mutex)
{
    CHECK(mutex->locked);
    mutex->locked = false;
}

void dv_cond_init(Cond *cond)
{
    cond->unused = 0;
}

void dv_cond_destroy(Cond *cond)
{
    (void)cond;
}

void dv_cond_signal(Cond *cond)
{
    (void)cond;
}

u64 dv_cond_wait(Cond *cond, Mutex *mutex, u64 limit_ns)
{
    (void)cond;
    CHECK(mutex->locked);
    return limit_ns;
}

bool dv_thread_slot_init(ThreadSlot *slot, void (*end)(void *value))
{
    (void)end;
    slot->value = NULL;
    return true;
}

void *dv_thread_slot_get(const ThreadSlot *slot)
{
    return slot->value;
}

bool dv_thread_slot_set(ThreadSlot *slot, void *value)
{
    slot->value = value;
    return true;
}

#endif
