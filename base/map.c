/* map.c - Map and StrMap.
 *
 * Two arrays: entries, dense and in order of insertion, and slots, a linearly probed table of entry
 * numbers. Removing marks the entry dead and closes the gap in the slots by moving later ones back,
 * so there are no tombstones. When the entries are full they are compacted, and doubled if more
 * than half are alive; hence constant amortised time for any mix of operations.
 *
 * The slot of a key depends on the map's seed. Somebody who knows the hash can choose keys that
 * collide; when an insertion walks more than LONG_PROBE slots, which other keys do practically
 * never, the seed changes and the table is rebuilt, at most RESEEDS times per capacity so that the
 * cost stays linear. Each seed is one more condition hostile keys must meet. Nobody can see the
 * seed from outside, because iteration does not follow the slots. What this cannot help against are
 * entries added under one and the same key; bytes are therefore hashed with SipHash-2-4 (Aumasson
 * and Bernstein, 2012; the key is that of the paper's test vectors), for which nobody knows how to
 * make many collisions.
 */
#include "map.h"

#include "bytes.h"

enum { FIRST_CAPACITY = 8, LONG_PROBE = 256, RESEEDS = 16 };

typedef struct SipState {
    u64 v[4];
} SipState;

static u64 rotate_left(u64 x, u32 amount)
{
    return (x << amount) | (x >> (64 - amount));
}

static void sip_rounds(SipState *s, u32 rounds)
{
    u64 *v = s->v;
    for (u32 i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate_left(v[1], 13) ^ v[0];
        v[3] = rotate_left(v[3], 16) ^ v[2];
        v[0] = rotate_left(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate_left(v[1], 17) ^ v[2];
        v[3] = rotate_left(v[3], 21) ^ v[0];
        v[2] = rotate_left(v[2], 32);
    }
}

static void sip_absorb(SipState *s, u64 word)
{
    s->v[3] ^= word;
    sip_rounds(s, 2);
    s->v[0] ^= word;
}

u64 dv_hash_bytes(const void *bytes, usize size)
{
    const u64 key0 = 0x0706050403020100u;
    const u64 key1 = 0x0f0e0d0c0b0a0908u;
    SipState s = {{key0 ^ 0x736f6d6570736575u, key1 ^ 0x646f72616e646f6du,
                   key0 ^ 0x6c7967656e657261u, key1 ^ 0x7465646279746573u}};
    const u8 *p = bytes;
    u64 last = (u64)size << 56;
    for (; size >= 8; size -= 8, p += 8) {
        sip_absorb(&s, load_le64(p));
    }
    for (usize i = 0; i < size; i++) {
        last |= (u64)p[i] << (8 * i);
    }
    sip_absorb(&s, last);
    s.v[2] ^= 0xff;
    sip_rounds(&s, 4);
    return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

static u32 slot_mask(const Map *map)
{
    return map->cap * 2 - 1;
}

static u32 home_slot(const Map *map, u64 key)
{
    return (u32)(dv_hash_u64(key + map->seed * 0x9e3779b97f4a7c15u) >> 32) & slot_mask(map);
}

/* Enters entry number `index` into the first free slot; returns how many were taken before it. */
static u32 place(Map *map, u32 index)
{
    u32 mask = slot_mask(map);
    u32 home = home_slot(map, map->entries[index].key);
    u32 probe = 0;
    while (map->slots[(home + probe) & mask] != 0) {
        probe++;
    }
    map->slots[(home + probe) & mask] = index + 1;
    return probe;
}

/* Drops the dead entries and fills the slots anew; they must have room. */
static void rebuild(Map *map)
{
    memset(map->slots, 0, (usize)map->cap * 2 * sizeof(u32));
    u32 kept = 0;
    for (u32 i = 0; i < map->used; i++) {
        if (map->entries[i].live) {
            map->entries[kept] = map->entries[i];
            place(map, kept);
            kept++;
        }
    }
    map->used = kept;
}

static void make_room(Arena *arena, Map *map)
{
    if (map->used < map->cap) {
        return;
    }
    if (map->cap == 0 || map->len > map->cap / 2) {
        u32 cap = map->cap == 0 ? FIRST_CAPACITY : map->cap * 2;
        usize size;
        if (cap > UINT32_MAX / 4 || dv_mul_overflows(cap, sizeof(MapEntry), &size)) {
            dv_escape(arena->pool, DAVIT_ERROR_LIMIT);
        }
        u32 *slots = dv_arena_alloc(arena, (usize)cap * 2 * sizeof(u32), _Alignof(u32));
        map->entries = dv_arena_grow(arena, map->entries, map->cap * sizeof(MapEntry), size,
                                     _Alignof(MapEntry));
        map->slots = slots;
        map->cap = cap;
        map->reseeds = 0;
    }
    rebuild(map);
}

/* The slot of the wanted entry, or -1. */
static i64 find_slot(const Map *map, u64 key, MapEqual *equal, const void *context)
{
    if (map->len == 0) {
        return -1;
    }
    u32 mask = slot_mask(map);
    for (u32 slot = home_slot(map, key); map->slots[slot] != 0; slot = (slot + 1) & mask) {
        const MapEntry *entry = &map->entries[map->slots[slot] - 1];
        if (entry->key == key && (equal == NULL || equal(context, entry->value))) {
            return slot;
        }
    }
    return -1;
}

/* Empties a slot; entries after it that could not be reached any more move back. */
static void close_slot(Map *map, u32 slot)
{
    u32 mask = slot_mask(map);
    u32 gap = slot;
    for (u32 at = (gap + 1) & mask; map->slots[at] != 0; at = (at + 1) & mask) {
        u32 home = home_slot(map, map->entries[map->slots[at] - 1].key);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            map->slots[gap] = map->slots[at];
            gap = at;
        }
    }
    map->slots[gap] = 0;
}

static bool remove_slot(Map *map, i64 slot)
{
    if (slot < 0) {
        return false;
    }
    map->entries[map->slots[slot] - 1].live = false;
    close_slot(map, (u32)slot);
    map->len--;
    while (map->used > 0 && !map->entries[map->used - 1].live) {
        map->used--;
    }
    return true;
}

void dv_map_add(Arena *arena, Map *map, u64 hash, u32 value)
{
    make_room(arena, map);
    map->entries[map->used] = (MapEntry){hash, value, true};
    map->used++;
    map->len++;
    u32 probe = place(map, map->used - 1);
    if (DV_UNLIKELY(probe > LONG_PROBE) && map->reseeds < RESEEDS) {
        map->reseeds++;
        map->seed++;
        rebuild(map);
    }
}

bool dv_map_put(Arena *arena, Map *map, u64 key, u32 value)
{
    u32 *old = dv_map_value(map, key);
    if (old != NULL) {
        *old = value;
        return false;
    }
    dv_map_add(arena, map, key, value);
    return true;
}

u32 *dv_map_value(Map *map, u64 key)
{
    i64 slot = find_slot(map, key, NULL, NULL);
    return slot < 0 ? NULL : &map->entries[map->slots[slot] - 1].value;
}

bool dv_map_find(const Map *map, u64 hash, MapEqual *equal, const void *context, u32 *value)
{
    i64 slot = find_slot(map, hash, equal, context);
    if (slot < 0) {
        return false;
    }
    if (value != NULL) {
        *value = map->entries[map->slots[slot] - 1].value;
    }
    return true;
}

bool dv_map_get(const Map *map, u64 key, u32 *value)
{
    return dv_map_find(map, key, NULL, NULL, value);
}

bool dv_map_remove(Map *map, u64 key)
{
    return remove_slot(map, find_slot(map, key, NULL, NULL));
}

static bool is_value(const void *context, u32 value)
{
    return *(const u32 *)context == value;
}

bool dv_map_remove_value(Map *map, u64 hash, u32 value)
{
    return remove_slot(map, find_slot(map, hash, is_value, &value));
}

void dv_map_clear(Map *map)
{
    map->used = 0;
    map->len = 0;
    if (map->cap != 0) {
        rebuild(map);
    }
}

const MapEntry *dv_map_next(const Map *map, u32 *position)
{
    while (*position < map->used) {
        const MapEntry *entry = &map->entries[(*position)++];
        if (entry->live) {
            return entry;
        }
    }
    return NULL;
}

typedef struct Sought {
    const StrMap *map;
    Str str;
} Sought;

static bool is_sought(const void *context, u32 id)
{
    const Sought *sought = context;
    Str str = dv_strmap_str(sought->map, id);
    return str.len == sought->str.len &&
           (str.len == 0 || memcmp(str.data, sought->str.data, str.len) == 0);
}

bool dv_strmap_find(const StrMap *map, const char *text, usize length, u32 *id)
{
    if (length > UINT32_MAX) {
        return false;
    }
    CHECK(length <= UINT32_MAX);
    Sought sought = {map, {text, (u32)length}};
    return dv_map_find(&map->map, dv_hash_bytes(text, length), is_sought, &sought, id);
}

u32 dv_strmap_intern(Arena *arena, StrMap *map, const char *text, usize length)
{
    u32 id;
    if (length > UINT32_MAX) {
        dv_escape(arena->pool, DAVIT_ERROR_LIMIT);
    }
    if (dv_strmap_find(map, text, length, &id)) {
        return id;
    }
    Str str = {dv_arena_strdup(arena, text, length), (u32)length};
    vec_push(arena, &map->strings, str);
    dv_map_add(arena, &map->map, dv_hash_bytes(text, length), map->strings.len - 1);
    return map->strings.len - 1;
}
