/* registry.c - ranges of addresses, sorted, in tables that are replaced and never changed while they may be read.
 *
 * A writer, one at a time by a lock, fills another table, puts it in the place of the old one and waits until nobody reads that
 * any more. To take a range out needs no memory: whoever added one has made a second table as large. A reader counts itself in, and then out. Should a signal come to a writer in between, its
 * handler reads one of the two tables and is done before the writer goes on: nobody waits for itself.
 *
 * A reader that counts itself in while the writer waits is seen late at worst: it found the new table. So the order of
 * counting, loading and storing matters, and is sequential.
 */
#include "rt/registry.h"

#include <stdatomic.h>
#include <stdlib.h>

typedef struct Range {
    uintptr_t start;
    usize size_bytes;
    const void *owner;
} Range;

typedef struct RangeTable {
    u32 count;
    Range ranges[]; /* starts rise */
} RangeTable;

typedef struct Registry {
    _Atomic(RangeTable *) table; /* NULL: empty */
    RangeTable *spare;           /* the writer's; has room for as many ranges */
    atomic_uint readers;
    atomic_flag is_locked;
} Registry;

static Registry code_registry = {.is_locked = ATOMIC_FLAG_INIT};
static Registry reserved_registry = {.is_locked = ATOMIC_FLAG_INIT};

/* ---- reading ---- */

/* How many ranges begin at or before the address. */
static u32 count_before(const RangeTable *table, uintptr_t address)
{
    u32 low = 0;
    u32 high = table == NULL ? 0 : table->count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (table->ranges[middle].start <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The range that the address is in; all zero if there is none. */
static Range find(Registry *registry, const void *address)
{
    uintptr_t at = (uintptr_t)address;
    Range found = {0, 0, NULL};
    atomic_fetch_add(&registry->readers, 1);
    const RangeTable *table = atomic_load(&registry->table);
    u32 place = count_before(table, at);
    if (place != 0 && at - table->ranges[place - 1].start < table->ranges[place - 1].size_bytes) {
        found = table->ranges[place - 1];
    }
    atomic_fetch_sub(&registry->readers, 1);
    return found;
}

/* ---- writing ---- */

static void lock(Registry *registry)
{
    while (atomic_flag_test_and_set_explicit(&registry->is_locked, memory_order_acquire)) {
        /* another thread is about to be done */
    }
}

static void unlock(Registry *registry)
{
    atomic_flag_clear_explicit(&registry->is_locked, memory_order_release);
}

/* Locked. Gives the old table, which nobody reads any more. */
static RangeTable *replace(Registry *registry, RangeTable *table)
{
    RangeTable *old = atomic_load(&registry->table);
    atomic_store(&registry->table, table);
    while (atomic_load(&registry->readers) != 0) {
        /* a reader may have the old one */
    }
    return old;
}

static RangeTable *new_table(u32 room)
{
    return malloc(sizeof(RangeTable) + room * sizeof(Range));
}

static bool add(Registry *registry, Range range)
{
    lock(registry);
    const RangeTable *old = atomic_load(&registry->table);
    u32 count = old == NULL ? 0 : old->count;
    RangeTable *table = new_table(count + 1), *spare = new_table(count + 1);
    bool ok = table != NULL && spare != NULL;
    if (ok) {
        u32 place = count_before(old, range.start);
        if (count != 0) {
            memcpy(table->ranges, old->ranges, place * sizeof range);
            memcpy(table->ranges + place + 1, old->ranges + place, (count - place) * sizeof range);
        }
        table->ranges[place] = range;
        table->count = count + 1;
        table = replace(registry, table);
        RangeTable *old_spare = registry->spare;
        registry->spare = spare;
        spare = old_spare;
    }
    free(table);
    free(spare);
    unlock(registry);
    return ok;
}

static void take_out(Registry *registry, const void *start)
{
    lock(registry);
    const RangeTable *old = atomic_load(&registry->table);
    u32 place = count_before(old, (uintptr_t)start);
    CHECK(place != 0 && old->ranges[place - 1].start == (uintptr_t)start);
    RangeTable *table = registry->spare;
    table->count = old->count - 1;
    memcpy(table->ranges, old->ranges, (place - 1) * sizeof old->ranges[0]);
    memcpy(table->ranges + place - 1, old->ranges + place,
           (old->count - place) * sizeof old->ranges[0]);
    registry->spare = replace(registry, table->count == 0 ? NULL : table);
    if (table->count == 0) {
        free(table);
        free(registry->spare);
        registry->spare = NULL;
    }
    unlock(registry);
}

/* ---- code ---- */

bool dv_registry_add_code(const CodeRange *range)
{
    return add(&code_registry, (Range){(uintptr_t)range->start, range->size_bytes, range});
}

void dv_registry_remove_code(const CodeRange *range)
{
    take_out(&code_registry, range->start);
}

const CodeRange *dv_registry_find_code(const void *address)
{
    return find(&code_registry, address).owner;
}

u32 dv_registry_find_trap(const CodeRange *range, const void *address)
{
    u32 offset = (u32)((uintptr_t)address - (uintptr_t)range->start);
    u32 low = 0;
    u32 high = range->num_traps;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (range->traps[middle].offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < range->num_traps && range->traps[low].offset == offset ? range->traps[low].code
                                                                        : 0;
}

/* ---- reserved memory ---- */

bool dv_registry_add_reserved(const void *start, usize size_bytes)
{
    return add(&reserved_registry, (Range){(uintptr_t)start, size_bytes, NULL});
}

void dv_registry_remove_reserved(const void *start)
{
    take_out(&reserved_registry, start);
}

bool dv_registry_is_reserved(const void *address)
{
    return find(&reserved_registry, address).size_bytes != 0;
}
