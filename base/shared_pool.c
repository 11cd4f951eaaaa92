/* shared_pool.c - members of a pool, whose allocator is the pool behind a lock. */
#include "shared_pool.h"

#include <stdlib.h>

static void *ask_pool(SharedPool *shared, usize size)
{
    Pool *pool = shared->pool;
    if (pool->limit_bytes != 0 &&
        (pool->used_bytes > pool->limit_bytes || size > pool->limit_bytes - pool->used_bytes)) {
        shared->over_limit = true;
        return NULL;
    }
    pool->chunk_count++;
    if (pool->fail_after != 0 && pool->chunk_count >= pool->fail_after) {
        return NULL;
    }
    void *memory = pool->allocator.alloc != NULL
                       ? pool->allocator.alloc(pool->allocator.context, size)
                       : malloc(size);
    pool->used_bytes += memory != NULL ? size : 0;
    return memory;
}

static void *alloc_shared(void *context, size_t size)
{
    SharedPool *shared = context;
    dv_mutex_lock(&shared->lock);
    void *memory = ask_pool(shared, size);
    dv_mutex_unlock(&shared->lock);
    return memory;
}

static void free_shared(void *context, void *memory, size_t size)
{
    SharedPool *shared = context;
    Pool *pool = shared->pool;
    dv_mutex_lock(&shared->lock);
    pool->used_bytes -= size;
    if (pool->allocator.alloc == NULL) {
        free(memory);
    } else if (pool->allocator.free != NULL) {
        pool->allocator.free(pool->allocator.context, memory, size);
    }
    dv_mutex_unlock(&shared->lock);
}

void dv_shared_pool_init(SharedPool *shared, Pool *pool)
{
    *shared = (SharedPool){.pool = pool};
    dv_mutex_init(&shared->lock);
}

void dv_shared_pool_destroy(SharedPool *shared)
{
    dv_mutex_destroy(&shared->lock);
}

void dv_shared_pool_member(SharedPool *shared, Pool *member)
{
    const davit_allocator_t allocator = {
        .alloc = alloc_shared, .free = free_shared, .context = shared};
    dv_pool_init(member, &allocator);
}
