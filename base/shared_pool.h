/* shared_pool.h - pools of several threads that draw on one.
 *
 * A pool is for one thread. Members of a shared pool, one per thread, ask its pool's allocator for
 * chunks under a lock, so the allocator need not know of threads, and the limit holds for all of
 * them together. While threads use members, nobody uses the pool itself. Chunks are not exchanged:
 * what a member keeps free goes back when the member is destroyed.
 */
#ifndef DV_SHARED_POOL_H
#define DV_SHARED_POOL_H

#include "arena.h"
#include "threads.h"

typedef struct SharedPool {
    Pool *pool;
    Mutex lock;
    bool over_limit; /* a member was refused memory because of the limit */
} SharedPool;

/* ---- shared_pool.c ---- */

void dv_shared_pool_init(SharedPool *shared, Pool *pool);
/* All members must have been destroyed. */
void dv_shared_pool_destroy(SharedPool *shared);
/* Makes a pool that dv_pool_destroy ends. Out of memory, it escapes with DAVIT_ERROR_MEMORY, even
 * if the limit was met: that `over_limit` tells. */
void dv_shared_pool_member(SharedPool *shared, Pool *member);

#endif
