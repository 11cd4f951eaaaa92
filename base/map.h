/* map.h - Map, a hash table u64 -> u32 in an arena; StrMap, byte strings to dense numbers; the
 * hashes.
 *
 * Zeroed memory is an empty Map. Iteration is in order of insertion, so what a compilation does
 * never depends on hash values. The table is probed linearly at most half full.
 *
 * Keys of other types: let the key be a hash of them, the value an index of yours, and use
 * dv_map_find with a callback that compares, then dv_map_add. Several entries may then share a key.
 */
#ifndef DV_MAP_H
#define DV_MAP_H

#include "arena.h"
#include "vec.h"

/* Deterministic, the same on every host. Not secret: see map.c about hostile keys. */
static inline u64 dv_hash_u64(u64 x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Extends a hash by one more word; order matters. Start from any constant. Fast; whoever chooses
 * two of the words can make it collide. */
static inline u64 dv_hash_combine(u64 hash, u64 word)
{
    return dv_hash_u64((hash ^ word) + 0x9e3779b97f4a7c15u);
}

/* SipHash-2-4: slower, and hard to make collide. */
u64 dv_hash_bytes(const void *bytes, usize size);

typedef struct MapEntry {
    u64 key;
    u32 value;
    bool live; /* removed entries stay until the next rehash */
} MapEntry;

typedef struct Map {
    MapEntry *entries; /* in order of insertion */
    u32 *slots;        /* 2 * cap of them: index of an entry plus one, or zero */
    u32 len;           /* live entries */
    u32 used;          /* entries, dead ones included */
    u32 cap;           /* power of two, or zero */
    u32 seed;          /* changes when probes get long */
    u32 reseeds;       /* how often it did at this capacity */
} Map;

/* Sets the value of key; true if the key is new. */
bool dv_map_put(Arena *arena, Map *map, u64 key, u32 value);
/* True if there; *value is written only then, and may be NULL. */
bool dv_map_get(const Map *map, u64 key, u32 *value);
/* Where the value of key is kept until the next insertion; NULL if the key is not there. */
u32 *dv_map_value(Map *map, u64 key);
/* True if it was there. Allowed during iteration. */
bool dv_map_remove(Map *map, u64 key);
/* Empties it and keeps its memory. */
void dv_map_clear(Map *map);
static inline u32 dv_map_len(const Map *map)
{
    return map->len;
}
/* Walks the live entries in order of insertion. Start with *position = 0:
 *     u32 at = 0;
 *     for (const MapEntry *e; (e = dv_map_next(&map, &at)) != NULL;) { ... }
 * Entries must not be added meanwhile. */
const MapEntry *dv_map_next(const Map *map, u32 *position);

/* True if the entry with this value is the one sought. */
typedef bool MapEqual(const void *context, u32 value);
/* The value of an entry whose key is hash and for which equal holds. */
bool dv_map_find(const Map *map, u64 hash, MapEqual *equal, const void *context, u32 *value);
/* Adds an entry without looking for others with the same key. */
void dv_map_add(Arena *arena, Map *map, u64 hash, u32 value);
/* Removes the entry with this key and this value; true if it was there. */
bool dv_map_remove_value(Map *map, u64 hash, u32 value);

/* Zeroed memory is an empty StrMap. Numbers are given from zero, in order. */
typedef struct StrMap {
    Map map;
    VEC(Str) strings;
} StrMap;

/* The number of these bytes, which are copied, with a NUL added, when they are new. */
u32 dv_strmap_intern(Arena *arena, StrMap *map, const char *text, usize length);
bool dv_strmap_find(const StrMap *map, const char *text, usize length, u32 *id);
static inline Str dv_strmap_str(const StrMap *map, u32 id)
{
    return vec_at(&map->strings, id);
}

#endif
