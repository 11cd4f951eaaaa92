/* scoped_map.c - a Map and a log of what it held before each change. Popping a scope plays the log
 * backwards; a key inserted last is removed last in the Map's entries, so that scopes leave no dead
 * entries behind. */
#include "scoped_map.h"

void dv_scoped_map_push(Arena *arena, ScopedMap *map)
{
    vec_push(arena, &map->scopes, map->undo.len);
}

void dv_scoped_map_pop(ScopedMap *map)
{
    u32 start = vec_pop(&map->scopes);
    while (map->undo.len > start) {
        ScopedMapUndo undo = vec_pop(&map->undo);
        if (undo.was_present) {
            u32 *value = dv_map_value(&map->map, undo.key);
            ASSERT(value != NULL);
            *value = undo.value;
        } else {
            dv_map_remove(&map->map, undo.key);
        }
    }
}

void dv_scoped_map_put(Arena *arena, ScopedMap *map, u64 key, u32 value)
{
    if (map->scopes.len != 0) {
        ScopedMapUndo undo = {key, 0, false};
        undo.was_present = dv_map_get(&map->map, key, &undo.value);
        vec_push(arena, &map->undo, undo);
    }
    dv_map_put(arena, &map->map, key, value);
}
