/* atomic.c - atomic.h on the compiler's atomic operations, and on locks where there are none.
 *
 * FREE_SIZES lists the sizes that the compiler promises to access without a lock; for the others it
 * would call libatomic, which this library does not link. A load, a store and a compare-and-swap
 * are made for each of those sizes; every other operation is a loop around the last, which serves
 * all combinations in both byte orders, and costs little more than the host's own add where nobody
 * contends.
 *
 * The rest takes a lock, found by the address: all numbers within 16 aligned bytes share one, so
 * that locked accesses of different sizes exclude each other as well. A lock orders the accesses it
 * guards, but not a store without a lock before it and a load after it; so both ends of a locked
 * access are fences, which puts it into the one order of all sequentially consistent ones.
 *
 * The locks are the file's only state, and hold no meaning between two calls. They must be one set
 * for the whole program, because two users of the same memory may have nothing else in common.
 */
#include "base/atomic.h"

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/threads.h"

/* ---- accesses without locks ---- */

#if DV_GNU
/* Guest memory is accessed by many types. i386 aligns a u64 to 4 bytes only, unless told. */
typedef u8 Memory1;
typedef u16 __attribute__((may_alias, aligned(2))) Memory2;
typedef u32 __attribute__((may_alias, aligned(4))) Memory4;
typedef u64 __attribute__((may_alias, aligned(8))) Memory8;

/* A number of the host to one in memory, or back. */
static u64 swap_unless_host(u64 x, u32 size, bool big)
{
    u8 bytes[8];
    if (big == dv_host_is_big()) {
        return x;
    }
    store_le64(bytes, x);
    return load_be64(bytes) >> (64 - 8 * size);
}
#endif

#if DV_GNU && __GCC_ATOMIC_CHAR_LOCK_FREE == 2
#define FREE_1(X) X(1, Memory1)
#else
#define FREE_1(X)
#endif
#if DV_GNU && __GCC_ATOMIC_SHORT_LOCK_FREE == 2
#define FREE_2(X) X(2, Memory2)
#else
#define FREE_2(X)
#endif
#if DV_GNU && __GCC_ATOMIC_INT_LOCK_FREE == 2
#define FREE_4(X) X(4, Memory4)
#else
#define FREE_4(X)
#endif
#if DV_GNU && __GCC_ATOMIC_LLONG_LOCK_FREE == 2
#define FREE_8(X) X(8, Memory8)
#else
#define FREE_8(X)
#endif
#define FREE_SIZES(X) FREE_1(X) FREE_2(X) FREE_4(X) FREE_8(X)

bool dv_atomic_is_lock_free(u32 size)
{
    switch (size) {
#define X(bytes, type) case bytes:
        FREE_SIZES(X)
#undef X
        return true;
    default:
        return false;
    }
}

static U128 low_bits(U128 x, u32 size)
{
    return dv_u128_lshr(dv_u128_shl(x, 128 - 8 * size), 128 - 8 * size);
}

/* Works on the numbers moved to the top of 128 bits, where signs and carries fall into place for
 * every size. */
static U128 combine(AtomicRmw how, u32 size, U128 old_low, U128 x_low)
{
    u32 shift = 128 - 8 * size;
    U128 old = dv_u128_shl(old_low, shift);
    U128 x = dv_u128_shl(x_low, shift);
    switch (how) {
    case ATOMIC_add:
        x = dv_u128_add(old, x);
        break;
    case ATOMIC_sub:
        x = dv_u128_sub(old, x);
        break;
    case ATOMIC_and:
        x = dv_u128_and(old, x);
        break;
    case ATOMIC_nand:
        x = dv_u128_not(dv_u128_and(old, x));
        break;
    case ATOMIC_or:
        x = dv_u128_or(old, x);
        break;
    case ATOMIC_xor:
        x = dv_u128_xor(old, x);
        break;
    case ATOMIC_xchg:
        break;
    case ATOMIC_umin:
        x = dv_u128_ult(old, x) ? old : x;
        break;
    case ATOMIC_umax:
        x = dv_u128_ult(old, x) ? x : old;
        break;
    case ATOMIC_smin:
        x = dv_u128_slt(old, x) ? old : x;
        break;
    case ATOMIC_smax:
        x = dv_u128_slt(old, x) ? x : old;
        break;
    case ATOMIC_RMW_COUNT:
        UNREACHABLE();
    }
    return dv_u128_lshr(x, shift);
}

/* ---- accesses under locks ---- */

#define FOUR(x) x, x, x, x
static Mutex locks[] = {FOUR(MUTEX_INIT), FOUR(MUTEX_INIT), FOUR(MUTEX_INIT), FOUR(MUTEX_INIT)};

static Mutex *lock_of(const u8 *p)
{
    uintptr_t unit = (uintptr_t)p / 16;
    return &locks[(unit ^ unit >> 8) % ARRAY_LEN(locks)];
}

static U128 read_number(const u8 *p, u32 size, bool big)
{
    switch (size) {
    case 1:
        return dv_u128_from_u64(p[0]);
    case 2:
        return dv_u128_from_u64(load_u16(p, big));
    case 4:
        return dv_u128_from_u64(load_u32(p, big));
    case 8:
        return dv_u128_from_u64(load_u64(p, big));
    case 16:
        return load_u128(p, big);
    default:
        UNREACHABLE();
    }
}

static void write_number(u8 *p, u32 size, bool big, U128 x)
{
    switch (size) {
    case 1:
        p[0] = (u8)x.lo;
        break;
    case 2:
        store_u16(p, (u16)x.lo, big);
        break;
    case 4:
        store_u32(p, (u32)x.lo, big);
        break;
    case 8:
        store_u64(p, x.lo, big);
        break;
    case 16:
        store_u128(p, x, big);
        break;
    default:
        UNREACHABLE();
    }
}

static Mutex *enter(const u8 *p, u32 size)
{
    ASSERT(((uintptr_t)p & (size - 1)) == 0);
    Mutex *lock = lock_of(p);
    dv_atomic_fence();
    dv_mutex_lock(lock);
    return lock;
}

static void leave(Mutex *lock)
{
    dv_mutex_unlock(lock);
    dv_atomic_fence();
}

/* Writes nothing: the memory may be read-only. */
static U128 load_locked(const u8 *p, u32 size, bool big)
{
    Mutex *lock = enter(p, size);
    U128 x = read_number(p, size, big);
    leave(lock);
    return x;
}

static U128 rmw_locked(u8 *p, u32 size, bool big, AtomicRmw how, U128 x)
{
    Mutex *lock = enter(p, size);
    U128 old = read_number(p, size, big);
    write_number(p, size, big, combine(how, size, old, x));
    leave(lock);
    return old;
}

static U128 cas_locked(u8 *p, u32 size, bool big, U128 expected, U128 desired)
{
    Mutex *lock = enter(p, size);
    U128 old = read_number(p, size, big);
    if (dv_u128_eq(old, low_bits(expected, size))) {
        write_number(p, size, big, desired);
    }
    leave(lock);
    return old;
}

/* ---- what others call ---- */

u64 dv_atomic_load(const u8 *p, u32 size, bool big)
{
    ASSERT(((uintptr_t)p & (size - 1)) == 0);
    switch (size) {
#define X(bytes, type) \
    case bytes: \
        return swap_unless_host(__atomic_load_n((const type *)p, __ATOMIC_SEQ_CST), bytes, big);
        FREE_SIZES(X)
#undef X
    default:
        return load_locked(p, size, big).lo;
    }
}

void dv_atomic_store(u8 *p, u32 size, bool big, u64 x)
{
    ASSERT(((uintptr_t)p & (size - 1)) == 0);
    switch (size) {
#define X(bytes, type) \
    case bytes: \
        __atomic_store_n((type *)p, (type)swap_unless_host(x, bytes, big), __ATOMIC_SEQ_CST); \
        break;
        FREE_SIZES(X)
#undef X
    default:
        rmw_locked(p, size, big, ATOMIC_xchg, dv_u128_from_u64(x));
    }
}

u64 dv_atomic_cas(u8 *p, u32 size, bool big, u64 expected, u64 desired)
{
    ASSERT(((uintptr_t)p & (size - 1)) == 0);
    switch (size) {
#define X(bytes, type) \
    case bytes: { \
        type seen = (type)swap_unless_host(expected, bytes, big); \
        type wanted = (type)swap_unless_host(desired, bytes, big); \
        __atomic_compare_exchange_n((type *)p, &seen, wanted, false, __ATOMIC_SEQ_CST, \
                                    __ATOMIC_SEQ_CST); \
        return swap_unless_host(seen, bytes, big); \
    }
        FREE_SIZES(X)
#undef X
    default:
        return cas_locked(p, size, big, dv_u128_from_u64(expected), dv_u128_from_u64(desired)).lo;
    }
}

u64 dv_atomic_rmw(u8 *p, u32 size, bool big, AtomicRmw how, u64 x)
{
    U128 operand = dv_u128_from_u64(x);
    if (!dv_atomic_is_lock_free(size)) {
        return rmw_locked(p, size, big, how, operand).lo;
    }
    u64 seen = dv_atomic_load(p, size, big);
    for (;;) {
        u64 old = seen;
        u64 desired = combine(how, size, dv_u128_from_u64(old), operand).lo;
        seen = dv_atomic_cas(p, size, big, old, desired);
        if (seen == old) {
            return old;
        }
    }
}

U128 dv_atomic_load128(const u8 *p, bool big)
{
    return load_locked(p, 16, big);
}

void dv_atomic_store128(u8 *p, bool big, U128 x)
{
    rmw_locked(p, 16, big, ATOMIC_xchg, x);
}

U128 dv_atomic_rmw128(u8 *p, bool big, AtomicRmw how, U128 x)
{
    return rmw_locked(p, 16, big, how, x);
}

U128 dv_atomic_cas128(u8 *p, bool big, U128 expected, U128 desired)
{
    return cas_locked(p, 16, big, expected, desired);
}

/* gcc warns that its thread sanitizer does not see fences. It need not: what the locks and atomic
 * accesses order is enough for it. */
#if DV_GNU && !defined(__clang__) && defined(__SANITIZE_THREAD__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

void dv_atomic_fence(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}
