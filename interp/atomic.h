/* atomic.h - waiting for memory to change, and being told: heap_wait and heap_notify.
 *
 * The other atomic operations of the bytecode are those of base/atomic.h, called directly: heap_*
 * with big = false, since guest memory is little-endian; raw_* with big = dv_host_is_big(); `how`
 * of an rmw operation is an AtomicRmw as it stands. They wrap what they are given to the size,
 * leave zero-extended values, and need from the caller what these functions need too: an address in
 * bounds and a multiple of the size.
 */
#ifndef DV_INTERP_ATOMIC_H
#define DV_INTERP_ATOMIC_H

#include "base/atomic.h"
#include "pulley/pulley.h"

/* The numbers that heap_wait gives the guest, and the one that it does not. */
enum {
    INTERP_WAIT_WOKEN,
    INTERP_WAIT_NOT_EQUAL,
    INTERP_WAIT_TIMED_OUT,
    INTERP_WAIT_STOPPED /* stop said so */
};

/* Whether to give up waiting. It is asked before sleeping and at least every 10 ms of it, holding
 * no lock, so it may do what a poll does; the thread still counts as waiting meanwhile and can be
 * woken. */
typedef bool InterpStopFn(void *context);

/* ---- atomic.c ---- */

/* Waits while the number of `size` bytes, 4 or 8, at p is `expected`: until notified, or for
 * timeout_ns nanoseconds in all (time spent in `stop` not counted) unless that is negative.
 * Comparing and beginning to wait are one step to whoever changes the number first and notifies
 * then. In builds without threads nobody could notify: every timeout is over at once, and a wait
 * without one is stopped. */
u32 dv_interp_wait_at(const u8 *p, u32 size, u64 expected, i64 timeout_ns, InterpStopFn *stop,
                      void *context);
/* Wakes those that wait at p, at most `count`, the longest-waiting first; gives how many. Who waits
 * is known by the host address alone: whatever memories and instances share the bytes. */
u32 dv_interp_notify_at(const u8 *p, u32 count);

#endif
