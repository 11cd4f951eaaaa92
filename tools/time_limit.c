/* time_limit.c - by a timer of the thread's CPU time, which Linux has: its signals come to the thread that has used the time up.
 *
 * A timer lives from start to stop. A signal that is late finds the thread outside of generated code, where it only makes a note;
 * so it does in a C function, and comes again after a millisecond, or as often as the system looks at such clocks.
 */
#if defined(__linux__) && defined(__x86_64__) && defined(__LP64__)
#define HAS_TIMERS 1
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* SIGEV_THREAD_ID, syscall */
#endif
#else
#define HAS_TIMERS 0
#endif

#include "tools/time_limit.h"

#if HAS_TIMERS
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "rt/signals.h"

#ifndef sigev_notify_thread_id /* older glibc has no name for it */
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { AGAIN_NS = 1000000, SECOND_NS = 1000000000 };

static void on_time(int number, siginfo_t *info, void *context)
{
    (void)number;
    if (info->si_code == SI_TIMER) {
        TimeLimit *limit = info->si_value.sival_ptr;
        atomic_store(&limit->is_over, 1);
        if (!dv_signals_interrupt(context, PULLEY_TRAP_interrupt)) {
            dv_interp_notify(limit->vm);
        }
    }
}

/* A program's signals may be blocked by what started it. */
static bool catch_signal(void)
{
    struct sigaction action;
    sigset_t own;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_time;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigemptyset(&own);
    sigaddset(&own, SIGVTALRM);
    return sigaction(SIGVTALRM, &action, NULL) == 0 &&
           pthread_sigmask(SIG_UNBLOCK, &own, NULL) == 0;
}

static bool make_timer(TimeLimit *limit, timer_t *timer)
{
    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGVTALRM;
    event.sigev_value.sival_ptr = limit;
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    return timer_create(CLOCK_THREAD_CPUTIME_ID, &event, timer) == 0;
}

void dv_time_limit_start(TimeLimit *limit, Interp *vm, u64 nanoseconds)
{
    timer_t timer;
    _Static_assert(sizeof timer == sizeof limit->timer, "it is a pointer");
    const struct itimerspec time = {.it_value = {.tv_sec = (time_t)(nanoseconds / SECOND_NS),
                                                 .tv_nsec = (long)(nanoseconds % SECOND_NS)},
                                    .it_interval = {.tv_nsec = AGAIN_NS}};
    atomic_store(&limit->is_over, 0);
    limit->vm = vm;
    limit->is_set = nanoseconds != 0 && catch_signal() && make_timer(limit, &timer);
    if (limit->is_set) {
        memcpy(&limit->timer, &timer, sizeof timer);
        timer_settime(timer, 0, &time, NULL);
    }
}

bool dv_time_limit_stop(TimeLimit *limit)
{
    if (limit->is_set) {
        timer_t timer;
        memcpy(&timer, &limit->timer, sizeof timer);
        timer_delete(timer);
        limit->is_set = false;
    }
    return dv_time_limit_is_over(limit);
}

#else

void dv_time_limit_start(TimeLimit *limit, Interp *vm, u64 nanoseconds)
{
    (void)vm;
    (void)nanoseconds;
    atomic_store(&limit->is_over, 0);
}

bool dv_time_limit_stop(TimeLimit *limit)
{
    return dv_time_limit_is_over(limit);
}

#endif
