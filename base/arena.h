/* arena.h - memory for compile-time code, and the one way out when it is exhausted.
 *
 * An Arena hands out memory by moving a pointer through chunks; nothing is freed one by one. Chunks
 * come from a Pool, which keeps released ones for reuse, so a warmed context compiles without
 * calling the embedder's allocator. When memory or a limit runs out, dv_escape longjmps to the
 * innermost API entry: compile-time code therefore owns nothing but arena memory, and no arena
 * function returns NULL.
 *
 * Torture builds (-DDAVIT_TORTURE): chunks are tiny, every growth moves, released memory is filled
 * with 0xdb, and memory is handed out full of it. `fail_after` works in every build.
 */
#ifndef DV_ARENA_H
#define DV_ARENA_H

#include <setjmp.h>

#include "base.h"

/* arena.c: where an API entry catches what cannot go on.
 *
 *     Escape escape;
 *     dv_escape_enter(&escape, &pool);         // makes it the pool's innermost
 *     if (setjmp(escape.env) == 0) { ... work ... }
 *     dv_escape_leave(&escape, &pool);         // on both ways; then read escape.status
 */
typedef struct Escape {
    jmp_buf env;
    volatile davit_status_t status; /* DAVIT_OK until something escapes; read after the longjmp */
    struct Escape *outer;
} Escape;

typedef struct Chunk Chunk;

enum { POOL_CLASSES = 64 };

typedef struct Pool {
    davit_allocator_t allocator;      /* all zero: malloc and free */
    Chunk *free_chunks[POOL_CLASSES]; /* by the binary logarithm of their capacity, rounded down */
    u64 free_classes;                 /* a bit per class that has free chunks */
    Escape *escape;    /* innermost; allocating without one panics when memory runs out */
    usize used_bytes;  /* in chunks obtained from the allocator, free ones included */
    usize limit_bytes; /* 0: none; asking for more escapes with DAVIT_ERROR_LIMIT */
    u64 chunk_count;   /* chunks ever asked of the allocator, for tests of reuse */
    u64 fail_after;    /* tests: the Nth chunk asked and all later ones fail; 0: never */
} Pool;

typedef struct Arena {
    Pool *pool;
    Chunk *chunks; /* newest first */
    u8 *cursor;    /* the free rest of one of the chunks, not always of the newest */
    u8 *end;
    usize next_size; /* capacity of the next ordinary chunk; 0: the smallest */
} Arena;

typedef struct ArenaMark {
    Chunk *chunk;
    u8 *cursor;
    u8 *end;
    usize next_size;
} ArenaMark;

/* A Pool with this allocator (NULL: malloc). The allocator is copied. */
void dv_pool_init(Pool *pool, const davit_allocator_t *allocator);
/* Gives every chunk back to the allocator. All its arenas must have been released. */
void dv_pool_destroy(Pool *pool);
/* Gives the chunks no arena uses back to the allocator. */
void dv_pool_trim(Pool *pool);

void dv_escape_enter(Escape *escape, Pool *pool);
void dv_escape_leave(Escape *escape, Pool *pool);
/* Calls work(context) inside an Escape of its own and gives DAVIT_OK, or the status it escaped
 * with: the form to prefer, since no local variable of the caller is at risk from the longjmp. */
davit_status_t dv_pool_protect(Pool *pool, void (*work)(void *context), void *context);
/* Leaves for the innermost Escape with this status. */
DV_NORETURN void dv_escape(Pool *pool, davit_status_t status);

void dv_arena_init(Arena *arena, Pool *pool);
/* Gives the arena's chunks back to the pool; the arena is empty and usable again. */
void dv_arena_release(Arena *arena);
/* Memory is uninitialised for alloc, zeroed for zalloc. align is a power of two, at most 16. Size 0
 * gives a valid pointer. */
void *dv_arena_alloc(Arena *arena, usize size, usize align);
void *dv_arena_zalloc(Arena *arena, usize size, usize align);
/* Grows a block from old_size to new_size: in place if it is the arena's last and fits (never in
 * torture builds), else copied. `old` may be NULL when old_size is 0. */
void *dv_arena_grow(Arena *arena, void *old, usize old_size, usize new_size, usize align);
char *dv_arena_strdup(Arena *arena, const char *text, usize length); /* adds the NUL */
DV_PRINTF(2, 3) char *dv_arena_printf(Arena *arena, const char *format, ...);
/* Everything allocated after mark is released by release_to; marks nest. Growing counts as
 * allocating: a block from before the mark that grew after it is gone too. */
ArenaMark dv_arena_mark(const Arena *arena);
void dv_arena_release_to(Arena *arena, ArenaMark mark);

#define ARENA_NEW(arena, T) ((T *)dv_arena_zalloc((arena), sizeof(T), _Alignof(T)))
/* count elements of T, zeroed; a size that overflows escapes with DAVIT_ERROR_LIMIT. */
#define ARENA_ARRAY(arena, T, count) ((T *)dv_arena_array((arena), (count), sizeof(T), _Alignof(T)))
void *dv_arena_array(Arena *arena, usize count, usize elem_size, usize align);

#endif
