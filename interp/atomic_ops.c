/* atomic_ops.c - atomic operations: where they are allowed to go; base/atomic.h and atomic.c do the rest.
 *
 * In memories an address that is no multiple of the size traps before one out of bounds, and it is the sum of
 * index and offset, modulo 2^64, that counts. A waiting guest answers polls, so it can be interrupted;
 * suspended, it waits anew when it goes on.
 */
#include "interp/atomic.h"

#include "interp/engine.h"
#include "interp/fields.h"
#include "interp/groups.h"

_Static_assert((int)PULLEY_RMW_COUNT == (int)ATOMIC_RMW_COUNT &&
                   (int)PULLEY_RMW_smax == (int)ATOMIC_smax,
               "the bytecode numbers ways to combine as base does");

#if INTERP_HAS_ATOMIC

/* ---- memories ---- */

/* The place at index + offset, or NULL and the trap. */
static u8 *find_place(Interp *vm, i64 m, u64 index, u64 offset, u32 size, u32 *trap)
{
    const InterpMemory *memory = vm->instance->memories[m];
    u64 at = (memory->index64 ? index : (u32)index) + offset;
    *trap = PULLEY_TRAP_none;
    if (at % size != 0) {
        *trap = PULLEY_TRAP_unaligned;
        return NULL;
    }
    u8 *place = dv_interp_heap(vm, m, index, offset, size);
    if (place == NULL) {
        *trap = PULLEY_TRAP_heap_oob;
    }
    return place;
}

SLOW_OP(heap_atomic_load)
{
    READ_FIELDS(D_A_O_M, 2)
    u32 trap;
    const u8 *place = find_place(vm, m, fp[a], fp[o], size, &trap);
    if (place != NULL) {
        fp[d] = dv_atomic_load(place, size, false);
    }
    return trap;
}

SLOW_OP(heap_atomic_store)
{
    READ_FIELDS(A_B_O_M, 2)
    u32 trap;
    u8 *place = find_place(vm, m, fp[a], fp[o], size, &trap);
    if (place != NULL) {
        dv_atomic_store(place, size, false, fp[b]);
    }
    return trap;
}

SLOW_OP(heap_atomic_rmw)
{
    READ_FIELDS(D_A_O_B_RMW_M, 2)
    u32 trap;
    u8 *place = find_place(vm, m, fp[a], fp[o], size, &trap);
    if (place != NULL) {
        fp[d] = dv_atomic_rmw(place, size, false, (AtomicRmw)how, fp[b]);
    }
    return trap;
}

SLOW_OP(heap_atomic_cas)
{
    READ_FIELDS(D_A_O_B_C_M, 2)
    u32 trap;
    u8 *place = find_place(vm, m, fp[a], fp[o], size, &trap);
    if (place != NULL) {
        fp[d] = dv_atomic_cas(place, size, false, fp[b], fp[c]);
    }
    return trap;
}

/* ---- waiting ---- */

typedef struct Waiter {
    Interp *vm;
    u32 status;
} Waiter;

static bool should_stop(void *context)
{
    Waiter *waiter = context;
    waiter->status = dv_interp_answer_poll(waiter->vm);
    return waiter->status != INTERP_GO_ON;
}

SLOW_OP(heap_wait)
{
    READ_FIELDS(D_A_O_B_C_M, 2)
    u32 trap;
    Waiter waiter = {.vm = vm};
    const u8 *place = find_place(vm, m, fp[a], fp[o], size, &trap);
    if (place == NULL) {
        return trap;
    }
    if (!vm->instance->memories[m]->shared) {
        return PULLEY_TRAP_not_shared;
    }
    u64 expected = size == 4 ? (u32)fp[b] : fp[b];
    u32 result = dv_interp_wait_at(place, size, expected, (i64)fp[c], should_stop, &waiter);
    if (result == INTERP_WAIT_STOPPED) {
        /* Without a reason: nobody could notify. It waits by polling again and again. */
        return waiter.status == INTERP_GO_ON ? INTERP_POLL : waiter.status;
    }
    fp[d] = result;
    return INTERP_GO_ON;
}

SLOW_OP(heap_notify)
{
    READ_FIELDS(D_A_O_B_M, 2)
    u32 trap;
    const u8 *place = find_place(vm, m, fp[a], fp[o], size, &trap);
    if (place != NULL) {
        fp[d] = dv_interp_notify_at(place, (u32)fp[b]);
    }
    return trap;
}

SLOW_OP(fence)
{
    (void)vm;
    (void)pc;
    (void)fp;
    (void)size;
    dv_atomic_fence();
    return INTERP_GO_ON;
}

#endif
#if INTERP_HAS_RAW_ATOMIC

/* ---- host addresses ---- */

/* The address in the slot, NULL if it is no multiple of the size. */
static u8 *find_aligned(u64 slot, u32 size)
{
    uintptr_t address = (uintptr_t)slot;
    return address % size == 0 ? (u8 *)address : NULL;
}

#define FIND_ALIGNED() \
    u8 *place = find_aligned(fp[a], size); \
    (void)vm; \
    if (place == NULL) { \
        return PULLEY_TRAP_unaligned; \
    }

SLOW_OP(raw_atomic_load)
{
    READ_FIELDS(D_A, 2)
    FIND_ALIGNED()
    fp[d] = dv_atomic_load(place, size, dv_host_is_big());
    return INTERP_GO_ON;
}

SLOW_OP(raw_atomic_store)
{
    READ_FIELDS(A_B, 2)
    FIND_ALIGNED()
    dv_atomic_store(place, size, dv_host_is_big(), fp[b]);
    return INTERP_GO_ON;
}

SLOW_OP(raw_atomic_rmw)
{
    READ_FIELDS(D_A_B_RMW, 2)
    FIND_ALIGNED()
    fp[d] = dv_atomic_rmw(place, size, dv_host_is_big(), (AtomicRmw)how, fp[b]);
    return INTERP_GO_ON;
}

SLOW_OP(raw_atomic_rmw_swapped)
{
    READ_FIELDS(D_A_B_RMW, 2)
    FIND_ALIGNED()
    fp[d] = dv_atomic_rmw(place, size, !dv_host_is_big(), (AtomicRmw)how, fp[b]);
    return INTERP_GO_ON;
}

SLOW_OP(raw_atomic_cas)
{
    READ_FIELDS(D_A_B_C, 2)
    FIND_ALIGNED()
    fp[d] = dv_atomic_cas(place, size, dv_host_is_big(), fp[b], fp[c]);
    return INTERP_GO_ON;
}

SLOW_OP(raw_atomic_load128)
{
    READ_FIELDS(D_D_A, 2)
    FIND_ALIGNED()
    U128 x = dv_atomic_load128(place, dv_host_is_big());
    fp[d] = x.lo;
    fp[e] = x.hi;
    return INTERP_GO_ON;
}

SLOW_OP(raw_atomic_store128)
{
    READ_FIELDS(A_B_C, 2)
    FIND_ALIGNED()
    dv_atomic_store128(place, dv_host_is_big(), (U128){fp[b], fp[c]});
    return INTERP_GO_ON;
}

SLOW_OP(raw_atomic_rmw128)
{
    READ_FIELDS(D_D_A_X_Y_RMW, 2)
    FIND_ALIGNED()
    U128 before = dv_atomic_rmw128(place, dv_host_is_big(), (AtomicRmw)how, (U128){fp[x], fp[y]});
    fp[d] = before.lo;
    fp[e] = before.hi;
    return INTERP_GO_ON;
}

SLOW_OP(raw_atomic_rmw128_swapped)
{
    READ_FIELDS(D_D_A_X_Y_RMW, 2)
    FIND_ALIGNED()
    U128 before = dv_atomic_rmw128(place, !dv_host_is_big(), (AtomicRmw)how, (U128){fp[x], fp[y]});
    fp[d] = before.lo;
    fp[e] = before.hi;
    return INTERP_GO_ON;
}

SLOW_OP(raw_atomic_cas128)
{
    READ_FIELDS(D_D_A_B_C_X_Y, 2)
    FIND_ALIGNED()
    U128 before =
        dv_atomic_cas128(place, dv_host_is_big(), (U128){fp[b], fp[c]}, (U128){fp[x], fp[y]});
    fp[d] = before.lo;
    fp[e] = before.hi;
    return INTERP_GO_ON;
}

#endif
