/* time_limit.h - an end to calls of native code that do not end by themselves: CPU time of the thread, from start to stop.
 *
 * Code without polls cannot be asked to stop. A signal comes when the time is over, and leaves generated code from where it is, as a
 * trap does, with code interrupt (rt/signals.h). C functions that code has called are not left: then `is_over` says so to code that
 * calls one again, a poll is asked for, and the signal comes again, until it finds the code. Threads have limits of their own. Where
 * such timers are not to be had, there is no limit.
 */
#ifndef DV_TOOLS_TIME_LIMIT_H
#define DV_TOOLS_TIME_LIMIT_H

#include <stdatomic.h>

#include "interp/interp.h"

/* Zeroed: not started. */
typedef struct TimeLimit {
    atomic_uchar is_over; /* code that is generated reads it, too */
    bool is_set;
    void *timer;
    Interp *vm;
} TimeLimit;

/* By the thread that calls the code then, and stops. From now on SIGVTALRM is this file's in the process; 0: nothing happens. */
void dv_time_limit_start(TimeLimit *limit, Interp *vm, u64 nanoseconds);
/* Whether the time was over before. */
bool dv_time_limit_stop(TimeLimit *limit);

static inline bool dv_time_limit_is_over(TimeLimit *limit)
{
    return atomic_load(&limit->is_over) != 0;
}

#endif
