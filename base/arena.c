/* arena.c - chunks, the pool that keeps them, and the escape when there are no more.
 *
 * A chunk is a header and `capacity` bytes after it, aligned to 16. The pool keeps free chunks in
 * lists by the binary logarithm of their capacity, so finding one looks at a few chunks of the
 * request's own class and then takes the first of the next class above: constant time. A chunk more
 * than 8 times too large is left for a larger request. When the allocator or the limit refuses a
 * new one, the pool hands everything it keeps back to the allocator and asks once more.
 *
 * An arena's ordinary chunks double from CHUNK_MIN to CHUNK_MAX; a block larger than a quarter of
 * the next one gets a chunk of its own size. The arena goes on in whichever chunk has more room
 * left, so a large block does not waste the rest of the chunk before it. That is why the chunk of
 * `cursor` need not be the newest, and why a mark keeps the newest chunk and the cursor with its
 * end.
 */
#include "arena.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef DAVIT_TORTURE
enum { TORTURE = 1, CHUNK_MIN = 256, CHUNK_MAX = 256 };
#else
enum { TORTURE = 0, CHUNK_MIN = 64 * 1024, CHUNK_MAX = 1024 * 1024 };
#endif

enum {
    CHUNK_ALIGN = 16,
    POISON = 0xdb,
    TRIES_IN_CLASS = 4, /* chunks of the request's own class looked at: they may be too small */
    CLASSES_ABOVE = 3 /* how much larger than the request a reused chunk may be, in powers of two */
};

struct Chunk {
    Chunk *next;
    u8 *data;
    usize capacity;   /* bytes at data */
    usize total_size; /* bytes obtained from the allocator */
};

static void poison(void *memory, usize size)
{
    if (TORTURE && size != 0) {
        memset(memory, POISON, size);
    }
}

static u32 class_of(usize capacity)
{
    return 63 - dv_clz64(capacity);
}

static void keep_chunk(Pool *pool, Chunk *chunk)
{
    u32 class = class_of(chunk->capacity);
    poison(chunk->data, chunk->capacity);
    chunk->next = pool->free_chunks[class];
    pool->free_chunks[class] = chunk;
    pool->free_classes |= (u64)1 << class;
}

static Chunk *unlink_chunk(Pool *pool, Chunk **link, u32 class)
{
    Chunk *chunk = *link;
    *link = chunk->next;
    if (pool->free_chunks[class] == NULL) {
        pool->free_classes &= ~((u64)1 << class);
    }
    return chunk;
}

/* A free chunk of at least this capacity, or NULL. */
static Chunk *reuse_chunk(Pool *pool, usize capacity)
{
    u32 class = class_of(capacity);
    Chunk **link = &pool->free_chunks[class];
    for (u32 i = 0; i < TRIES_IN_CLASS && *link != NULL; i++, link = &(*link)->next) {
        if ((*link)->capacity >= capacity) {
            return unlink_chunk(pool, link, class);
        }
    }
    u64 above = pool->free_classes & ~(((u64)2 << class) - 1);
    u32 found = dv_ctz64(above);
    if (above == 0 || found - class > CLASSES_ABOVE) {
        return NULL;
    }
    return unlink_chunk(pool, &pool->free_chunks[found], found);
}

/* A new chunk from the allocator; NULL, with *status saying why, if it or the limit refuses. */
static Chunk *obtain_chunk(Pool *pool, usize capacity, davit_status_t *status)
{
    *status = DAVIT_ERROR_LIMIT;
    usize total;
    if (dv_add_overflows(capacity, sizeof(Chunk) + CHUNK_ALIGN - 1, &total) ||
        total > PTRDIFF_MAX) {
        return NULL;
    }
    if (pool->limit_bytes != 0 &&
        (pool->used_bytes > pool->limit_bytes || total > pool->limit_bytes - pool->used_bytes)) {
        return NULL;
    }
    *status = DAVIT_ERROR_MEMORY;
    pool->chunk_count++;
    if (pool->fail_after != 0 && pool->chunk_count >= pool->fail_after) {
        return NULL;
    }
    u8 *memory = pool->allocator.alloc != NULL
                     ? pool->allocator.alloc(pool->allocator.context, total)
                     : malloc(total);
    if (memory == NULL) {
        return NULL;
    }
    pool->used_bytes += total;
    Chunk *chunk = (Chunk *)(void *)memory;
    uintptr_t start = (uintptr_t)(memory + sizeof(Chunk));
    chunk->next = NULL;
    chunk->data = memory + sizeof(Chunk) + (-start & (CHUNK_ALIGN - 1));
    chunk->capacity = capacity;
    chunk->total_size = total;
    poison(chunk->data, capacity);
    return chunk;
}

static Chunk *acquire_chunk(Pool *pool, usize capacity)
{
    davit_status_t status = DAVIT_OK;
    Chunk *chunk = reuse_chunk(pool, capacity);
    if (chunk == NULL) {
        chunk = obtain_chunk(pool, capacity, &status);
    }
    if (chunk == NULL && pool->free_classes != 0) {
        dv_pool_trim(pool);
        chunk = obtain_chunk(pool, capacity, &status);
    }
    if (chunk == NULL) {
        dv_escape(pool, status);
    }
    return chunk;
}

void dv_pool_init(Pool *pool, const davit_allocator_t *allocator)
{
    memset(pool, 0, sizeof *pool);
    if (allocator != NULL) {
        pool->allocator = *allocator;
    }
}

void dv_pool_trim(Pool *pool)
{
    while (pool->free_classes != 0) {
        u32 class = dv_ctz64(pool->free_classes);
        Chunk *chunk = unlink_chunk(pool, &pool->free_chunks[class], class);
        pool->used_bytes -= chunk->total_size;
        if (pool->allocator.alloc == NULL) {
            free(chunk);
        } else if (pool->allocator.free != NULL) {
            pool->allocator.free(pool->allocator.context, chunk, chunk->total_size);
        }
    }
}

void dv_pool_destroy(Pool *pool)
{
    dv_pool_trim(pool);
    ASSERT(pool->used_bytes == 0);
}

void dv_escape_enter(Escape *escape, Pool *pool)
{
    escape->status = DAVIT_OK;
    escape->outer = pool->escape;
    pool->escape = escape;
}

void dv_escape_leave(Escape *escape, Pool *pool)
{
    CHECK(pool->escape == escape);
    pool->escape = escape->outer;
}

davit_status_t dv_pool_protect(Pool *pool, void (*work)(void *context), void *context)
{
    Escape escape;
    dv_escape_enter(&escape, pool);
    if (setjmp(escape.env) == 0) {
        work(context);
    }
    dv_escape_leave(&escape, pool);
    return escape.status;
}

DV_NORETURN void dv_escape(Pool *pool, davit_status_t status)
{
    CHECK(pool->escape != NULL);
    pool->escape->status = status;
    longjmp(pool->escape->env, 1);
}

void dv_arena_init(Arena *arena, Pool *pool)
{
    memset(arena, 0, sizeof *arena);
    arena->pool = pool;
}

void dv_arena_release(Arena *arena)
{
    dv_arena_release_to(arena, (ArenaMark){NULL, NULL, NULL, 0});
}

/* Adds a chunk that has room for size bytes and takes them from it. */
static void *alloc_from_new_chunk(Arena *arena, usize size)
{
    usize ordinary = arena->next_size != 0 ? arena->next_size : CHUNK_MIN;
    usize capacity = ordinary;
    if (size > ordinary / 4) {
        capacity = size > CHUNK_MIN ? size : CHUNK_MIN;
    } else if (ordinary < CHUNK_MAX) {
        arena->next_size = ordinary * 2;
    }
    Chunk *chunk = acquire_chunk(arena->pool, capacity);
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    if (chunk->capacity - size >= (usize)(arena->end - arena->cursor)) {
        arena->cursor = chunk->data + size;
        arena->end = chunk->data + chunk->capacity;
    }
    return chunk->data;
}

void *dv_arena_alloc(Arena *arena, usize size, usize align)
{
    ASSERT(align != 0 && align <= CHUNK_ALIGN && (align & (align - 1)) == 0);
    size += size == 0;
    usize room = (usize)(arena->end - arena->cursor);
    usize pad = (usize)(-(uintptr_t)arena->cursor & (align - 1));
    if (DV_UNLIKELY(pad > room || size > room - pad)) {
        return alloc_from_new_chunk(arena, size);
    }
    u8 *memory = arena->cursor + pad;
    arena->cursor = memory + size;
    return memory;
}

void *dv_arena_zalloc(Arena *arena, usize size, usize align)
{
    return memset(dv_arena_alloc(arena, size, align), 0, size);
}

void *dv_arena_array(Arena *arena, usize count, usize elem_size, usize align)
{
    usize size;
    if (dv_mul_overflows(count, elem_size, &size)) {
        dv_escape(arena->pool, DAVIT_ERROR_LIMIT);
    }
    return dv_arena_zalloc(arena, size, align);
}

void *dv_arena_grow(Arena *arena, void *old, usize old_size, usize new_size, usize align)
{
    ASSERT(new_size >= old_size);
    bool is_last = old != NULL && (u8 *)old + old_size == arena->cursor;
    if (!TORTURE && is_last && new_size - old_size <= (usize)(arena->end - arena->cursor)) {
        arena->cursor += new_size - old_size;
        return old;
    }
    void *grown = dv_arena_alloc(arena, new_size, align);
    if (old_size != 0) {
        memcpy(grown, old, old_size);
        poison(old, old_size);
    }
    return grown;
}

char *dv_arena_strdup(Arena *arena, const char *text, usize length)
{
    usize size;
    if (dv_add_overflows(length, 1, &size)) {
        dv_escape(arena->pool, DAVIT_ERROR_LIMIT);
    }
    char *copy = dv_arena_alloc(arena, size, 1);
    if (length != 0) {
        memcpy(copy, text, length);
    }
    copy[length] = '\0';
    return copy;
}

char *dv_arena_printf(Arena *arena, const char *format, ...)
{
    va_list args;
    CHECK(format != NULL);
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(length >= 0);
    char *text = dv_arena_alloc(arena, (usize)length + 1, 1);
    va_start(args, format);
    vsnprintf(text, (usize)length + 1, format, args);
    va_end(args);
    return text;
}

ArenaMark dv_arena_mark(const Arena *arena)
{
    return (ArenaMark){arena->chunks, arena->cursor, arena->end, arena->next_size};
}

void dv_arena_release_to(Arena *arena, ArenaMark mark)
{
    while (arena->chunks != mark.chunk) {
        Chunk *chunk = arena->chunks;
        CHECK(chunk != NULL);
        arena->chunks = chunk->next;
        keep_chunk(arena->pool, chunk);
    }
    arena->cursor = mark.cursor;
    arena->end = mark.end;
    arena->next_size = mark.next_size;
    poison(mark.cursor, (usize)(mark.end - mark.cursor));
}
