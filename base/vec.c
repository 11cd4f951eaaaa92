/* vec.c - the growth of every Vec, whatever its elements.
 *
 * A VEC(T) is seen here through a copy of its three fields, which have the same representation for
 * every T. Capacity at least doubles, so pushing is amortised constant time.
 */
#include "vec.h"

enum { FIRST_CAPACITY = 8, VEC_ALIGN = 16 };

typedef VEC(u8) AnyVec;

void dv_vec_reserve(Arena *arena, void *vec, usize elem_size, usize extra)
{
    AnyVec v;
    memcpy(&v, vec, sizeof v);
    if (extra <= v.cap - v.len) {
        return;
    }
    if (extra > UINT32_MAX - v.len) {
        dv_escape(arena->pool, DAVIT_ERROR_LIMIT);
    }
    u32 needed = v.len + (u32)extra;
    u32 cap = v.cap > UINT32_MAX / 2 ? UINT32_MAX : v.cap * 2;
    cap = cap < FIRST_CAPACITY ? FIRST_CAPACITY : cap;
    cap = cap < needed ? needed : cap;
    usize size;
    if (dv_mul_overflows(cap, elem_size, &size)) {
        dv_escape(arena->pool, DAVIT_ERROR_LIMIT);
    }
    v.data = dv_arena_grow(arena, v.data, v.cap * elem_size, size, VEC_ALIGN);
    v.cap = cap;
    memcpy(vec, &v, sizeof v);
}

void dv_vec_extend(Arena *arena, void *vec, usize elem_size, usize count)
{
    dv_vec_reserve(arena, vec, elem_size, count);
    AnyVec v;
    memcpy(&v, vec, sizeof v);
    if (count != 0) {
        memset(v.data + v.len * elem_size, 0, count * elem_size);
    }
    v.len += (u32)count;
    memcpy(vec, &v, sizeof v);
}
