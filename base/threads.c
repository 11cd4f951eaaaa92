/* threads.c - threads.h on POSIX threads, and its twin without. */
#include "threads.h"

#if DV_THREADS

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

#else

void dv_threads_run(u32 count, void (*work)(void *context, u32 worker), void *context)
{
    (void)count;
    work(context, 0);
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

#endif
