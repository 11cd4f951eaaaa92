/* scoped_map.h - ScopedMap, a Map u64 -> u32 whose changes are undone when a scope ends.
 *
 * For walks over the dominator tree: push on entering a block, pop on leaving it. Zeroed memory is
 * an empty map with no scope open. Every operation is amortised constant time.
 */
#ifndef DV_SCOPED_MAP_H
#define DV_SCOPED_MAP_H

#include "map.h"

typedef struct ScopedMapUndo {
    u64 key;
    u32 value; /* before the change */
    bool was_present;
} ScopedMapUndo;

typedef struct ScopedMap {
    Map map;
    VEC(ScopedMapUndo) undo;
    VEC(u32) scopes; /* length of undo when each open scope began */
} ScopedMap;

void dv_scoped_map_push(Arena *arena, ScopedMap *map);
/* Restores what every key had at the matching push. A scope must be open. */
void dv_scoped_map_pop(ScopedMap *map);
/* Sets the value of key until the innermost scope ends; for good if none is open. */
void dv_scoped_map_put(Arena *arena, ScopedMap *map, u64 key, u32 value);
static inline bool dv_scoped_map_get(const ScopedMap *map, u64 key, u32 *value)
{
    return dv_map_get(&map->map, key, value);
}
static inline u32 dv_scoped_map_depth(const ScopedMap *map)
{
    return map->scopes.len;
}

#endif
