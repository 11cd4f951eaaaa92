/* deadline.c - the thread that interrupts guests when their time is over.
 *
 * A store gets one the first time it is given a deadline, and keeps it. The thread sleeps until the time left is over
 * or another deadline is set; the round tells it which of both, since conditions wake for no reason too.
 *
 * A process that is forked off has no such thread, and nobody who would give the lock back: there it begins anew.
 */
#include "wasm/runtime/internal.h"

static void watch(void *context)
{
    Watchdog *w = context;
    dv_mutex_lock(&w->mutex);
    while (!w->is_ended) {
        u32 round = w->round;
        u64 slept_ns =
            dv_cond_wait(&w->changed, &w->mutex, w->left_ns == 0 ? UINT64_MAX : w->left_ns);
        if (round != w->round || w->left_ns == 0) {
            continue;
        }
        w->left_ns -= slept_ns < w->left_ns ? slept_ns : w->left_ns;
        if (w->left_ns == 0 && !w->is_ended) {
            dv_interp_interrupt(w->vm);
        }
    }
    dv_mutex_unlock(&w->mutex);
}

static bool start(Watchdog *w, Interp *vm)
{
    *w = (Watchdog){.vm = vm};
    dv_mutex_init(&w->mutex);
    dv_cond_init(&w->changed);
    w->is_running = dv_thread_start(&w->thread, watch, w);
    if (!w->is_running) {
        dv_cond_destroy(&w->changed);
        dv_mutex_destroy(&w->mutex);
    }
    return w->is_running;
}

davit_status_t dv_rt_set_deadline(RtStore *store, u64 ns)
{
    Watchdog *w = &store->watchdog;
    w->is_running = w->is_running && dv_thread_is_here(&w->thread);
    if (!w->is_running && ns == 0) {
        return DAVIT_OK;
    }
    if (!w->is_running && !start(w, store->vm)) {
        return DAVIT_ERROR_UNSUPPORTED;
    }
    dv_mutex_lock(&w->mutex);
    w->left_ns = ns;
    w->round++;
    dv_cond_signal(&w->changed);
    dv_mutex_unlock(&w->mutex);
    return DAVIT_OK;
}

void dv_watchdog_end(Watchdog *w)
{
    if (!w->is_running || !dv_thread_is_here(&w->thread)) {
        return;
    }
    dv_mutex_lock(&w->mutex);
    w->is_ended = true;
    w->round++;
    dv_cond_signal(&w->changed);
    dv_mutex_unlock(&w->mutex);
    dv_thread_join(&w->thread);
    dv_cond_destroy(&w->changed);
    dv_mutex_destroy(&w->mutex);
    w->is_running = false;
}
