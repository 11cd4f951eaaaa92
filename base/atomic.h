/* atomic.h - sequentially consistent access to memory that others access at the same time.
 *
 * Numbers of 1, 2, 4, 8 and 16 bytes lie at any host address that is a multiple of their size (the
 * caller checks that, and bounds); the caller says in which byte order, since guest memory has its
 * own. Values are zero-extended, and only the low `size` bytes of those given count. Numbers of up
 * to 8 bytes are u64, those of 16 bytes U128.
 *
 * Where the compiler accesses a size without locks, so does this. Other sizes (16 bytes everywhere,
 * 8 bytes on some 32-bit hosts, all with -DDAVIT_NO_EXTENSIONS) go through locks: loads and stores
 * too. Those accesses are atomic, and in one order with all the others here, among users of this
 * file. They are not against native code that accesses the same bytes by itself, nor against plain
 * accesses or atomic ones of another, lock-free, size: such a reader may see half of a write, and
 * such a write may vanish if it comes between the read and the write of a locked operation.
 * dv_atomic_is_lock_free tells.
 */
#ifndef DV_ATOMIC_H
#define DV_ATOMIC_H

#include "u128.h"

/* What becomes of `old` when it is combined with x. */
#define ATOMIC_RMWS(X) \
    X(add) \
    X(sub) \
    X(and) \
    X(nand) \
    X(or) \
    X(xor) \
    X(xchg) \
    X(umin) \
    X(umax) \
    X(smin) \
    X(smax)

typedef enum AtomicRmw {
#define X(name) ATOMIC_##name,
    ATOMIC_RMWS(X)
#undef X
        ATOMIC_RMW_COUNT
} AtomicRmw;

/* ---- atomic.c ---- */

/* Whether numbers of this size need no lock. */
bool dv_atomic_is_lock_free(u32 size);

u64 dv_atomic_load(const u8 *p, u32 size, bool big);
void dv_atomic_store(u8 *p, u32 size, bool big, u64 x);
/* These give what was there before. */
u64 dv_atomic_rmw(u8 *p, u32 size, bool big, AtomicRmw how, u64 x);
/* Writes only if it was `expected`. */
u64 dv_atomic_cas(u8 *p, u32 size, bool big, u64 expected, u64 desired);

U128 dv_atomic_load128(const u8 *p, bool big);
void dv_atomic_store128(u8 *p, bool big, U128 x);
U128 dv_atomic_rmw128(u8 *p, bool big, AtomicRmw how, U128 x);
U128 dv_atomic_cas128(u8 *p, bool big, U128 expected, U128 desired);

/* Orders all accesses to memory before it, plain ones too, before all after it. */
void dv_atomic_fence(void);

#endif
