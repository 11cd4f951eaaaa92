/* threads.h - running a function on several threads, locks, and waiting, where the host has
 * threads.
 *
 * Hosts without POSIX threads, and -DDAVIT_NO_THREADS, run it on the caller's thread alone: whoever
 * uses this hands out work by dv_mutex and must be right with any number of workers. Nobody can
 * signal a condition there, so waiting for one is over at once. Such a build is for one thread
 * only.
 */
#ifndef DV_THREADS_H
#define DV_THREADS_H

#include "base.h"

#if !defined(DAVIT_NO_THREADS) && (defined(__unix__) || defined(__APPLE__))
#define DV_THREADS 1
#include <pthread.h>
typedef pthread_mutex_t Mutex;
typedef pthread_cond_t Cond;
#define MUTEX_INIT PTHREAD_MUTEX_INITIALIZER
#else
#define DV_THREADS 0
typedef struct Mutex {
    bool locked;
} Mutex;
typedef struct Cond {
    u8 unused;
} Cond;
#define MUTEX_INIT \
    { \
        false \
    }
#endif

enum { THREADS_MAX = 256 };

/* A thread that has been started; stays where it is until it is joined. */
typedef struct Thread {
    void (*work)(void *context);
    void *context;
#if DV_THREADS
    pthread_t id;
    long process; /* whose it is */
#endif
} Thread;

/* A pointer that each thread has its own of, NULL at first. */
typedef struct ThreadSlot {
#if DV_THREADS
    pthread_key_t key;
#else
    void *value;
#endif
} ThreadSlot;

/* ---- threads.c ---- */

/* Calls work(context, worker) with worker 0 .. count - 1, each on a thread of its own, and returns
 * when all have; fewer workers if the host gives fewer. count is clamped to 1 .. THREADS_MAX. */
void dv_threads_run(u32 count, void (*work)(void *context, u32 worker), void *context);
/* How many processors the host has for threads; 1 if it does not tell. */
u32 dv_threads_processors(void);
/* Starts a thread that calls work(context). False if the host gives none. */
bool dv_thread_start(Thread *thread, void (*work)(void *context), void *context);
/* False in a process that was forked off since: threads stay behind, and locks as they were just then. */
bool dv_thread_is_here(const Thread *thread);
/* Waits until it has returned. */
void dv_thread_join(Thread *thread);
void dv_mutex_init(Mutex *mutex);
void dv_mutex_destroy(Mutex *mutex);
void dv_mutex_lock(Mutex *mutex);
void dv_mutex_unlock(Mutex *mutex);

void dv_cond_init(Cond *cond);
void dv_cond_destroy(Cond *cond);
/* Wakes one that waits, if there is one. */
void dv_cond_signal(Cond *cond);
/* Releases the mutex, waits until signalled or for limit_ns nanoseconds, and takes the mutex again.
 * It may return earlier than that, too. Gives the nanoseconds it took, by a clock that nobody sets;
 * without threads, limit_ns. */
u64 dv_cond_wait(Cond *cond, Mutex *mutex, u64 limit_ns);

/* When a thread ends whose pointer is not NULL, end(pointer) is called there; never without threads. False if the host has
 * no more slots. */
bool dv_thread_slot_init(ThreadSlot *slot, void (*end)(void *value));
void *dv_thread_slot_get(const ThreadSlot *slot);
/* False if memory runs out. */
bool dv_thread_slot_set(ThreadSlot *slot, void *value);

#endif
