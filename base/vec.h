/* vec.h - Vec, an array that grows in an arena.
 *
 *     VEC(u32) list = {0};
 *     vec_push(arena, &list, 7);
 *     for (u32 i = 0; i < list.len; i++) { use(list.data[i]); }
 *
 * Zeroed memory is an empty Vec. Growth doubles and moves: never keep a pointer into one across a
 * push. Lengths are u32; growing past 2^32-1 elements escapes with DAVIT_ERROR_LIMIT.
 */
#ifndef DV_VEC_H
#define DV_VEC_H

#include "arena.h"

#define VEC(T) \
    struct { \
        T *data; \
        u32 len; \
        u32 cap; \
    }

/* vec.c: makes room for `extra` more elements. `vec` points to any VEC. */
void dv_vec_reserve(Arena *arena, void *vec, usize elem_size, usize extra);
/* vec.c: appends `count` zeroed elements. */
void dv_vec_extend(Arena *arena, void *vec, usize elem_size, usize count);

#define vec_reserve(arena, v, extra) dv_vec_reserve((arena), (v), sizeof(*(v)->data), (extra))
#define vec_extend(arena, v, count) dv_vec_extend((arena), (v), sizeof(*(v)->data), (count))
#define vec_push(arena, v, x) \
    ((v)->len == (v)->cap ? vec_reserve((arena), (v), 1) : (void)0, \
     (void)((v)->data[(v)->len] = (x)), (void)(v)->len++)
/* The element at i, checked in debug builds. */
#define vec_at(v, i) (*(ASSERT((i) < (v)->len), &(v)->data[(i)]))
#define vec_pop(v) (ASSERT((v)->len > 0), (v)->data[--(v)->len])
#define vec_last(v) (ASSERT((v)->len > 0), (v)->data[(v)->len - 1])
#define vec_clear(v) ((void)((v)->len = 0))

#endif
