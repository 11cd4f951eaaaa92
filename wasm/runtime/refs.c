/* refs.c - references to objects of the host: handles, and which of them guests can still name.
 *
 * A table by handle holds the objects; a hash table beside it finds the handle of an object by its address, with linear
 * probing at most half full, so the same object always has the same handle. Free entries form a list.
 *
 * When the table is full, entries are looked for that nothing names. Handles are numbers which nothing tells from others,
 * so the search is conservative: every 32 bits in a slot, a global, a table, a segment or an exception that could be a
 * handle keeps its object. So do holds, and having been given to the host since guest code last began or went on to
 * run (the epoch): what a host function has just made or been given is safe until it calls or returns. If more
 * than half is in use afterwards, the table is doubled, so that searching costs little per reference made.
 *
 * Objects are taken out before any finalizer is called; a finalizer finds the table in order.
 */
#include "wasm/runtime/internal.h"

enum { REFS_MIN = 64, REFS_MAX = 1 << 26 };

static u32 hash_of(const void *object, u32 cap)
{
    return (u32)dv_hash_u64((u64)(uintptr_t)object) & (2 * cap - 1);
}

/* Where the object is in the hash table, or the empty place where it would be. */
static u32 find_slot(const RtRefs *table, const void *object)
{
    u32 at = hash_of(object, table->cap);
    while (table->slots[at] != 0 && table->refs[table->slots[at]].object != object) {
        at = (at + 1) & (2 * table->cap - 1);
    }
    return at;
}

static void fill_slots(RtRefs *table)
{
    memset(table->slots, 0, (usize)table->cap * 2 * sizeof *table->slots);
    for (u32 i = 1; i < table->cap; i++) {
        if (table->refs[i].object != NULL && !table->refs[i].is_dying) {
            table->slots[find_slot(table, table->refs[i].object)] = i;
        }
    }
}

static void free_table(RtStore *store, RtRefs *table)
{
    dv_rt_free(&store->config.allocator, table->refs, table->cap * sizeof *table->refs);
    dv_rt_free(&store->config.allocator, table->slots, (usize)table->cap * 2 * sizeof(u32));
}

/* Twice the size. False if there is no memory, and then nothing has changed. */
static bool enlarge(RtStore *store)
{
    RtRefs *table = &store->refs_table;
    const davit_allocator_t *allocator = &store->config.allocator;
    RtRefs larger = *table;
    if (table->cap >= REFS_MAX) {
        return false;
    }
    larger.cap = table->cap == 0 ? REFS_MIN : table->cap * 2;
    larger.refs = dv_rt_alloc(allocator, larger.cap * sizeof *larger.refs);
    larger.slots = dv_rt_alloc(allocator, (usize)larger.cap * 2 * sizeof *larger.slots);
    if (larger.refs == NULL || larger.slots == NULL) {
        free_table(store, &larger);
        return false;
    }
    if (table->cap != 0) {
        memcpy(larger.refs, table->refs, table->cap * sizeof *table->refs);
    }
    u32 first = table->cap == 0 ? 1 : table->cap; /* 0 is null */
    for (u32 i = larger.cap; i-- > first;) {
        larger.refs[i].next_free = larger.free;
        larger.free = i;
    }
    fill_slots(&larger);
    free_table(store, table);
    *table = larger;
    return true;
}

/* ---- what guests can name ---- */

static void mark(RtRefs *table, u32 handle)
{
    if (handle < table->cap) {
        table->refs[handle].is_found = true;
    }
}

static void mark_slots(void *context, const u64 *slots, usize count)
{
    for (usize i = 0; i < count; i++) {
        mark(context, (u32)slots[i]);
        mark(context, (u32)(slots[i] >> 32));
    }
}

static void mark_handles(RtRefs *table, const u32 *handles, u64 count)
{
    for (u64 i = 0; i < count; i++) {
        mark(table, handles[i]);
    }
}

static void mark_all(RtStore *store)
{
    RtRefs *table = &store->refs_table;
    for (u32 i = 0; i < table->cap; i++) {
        RtRef *ref = &table->refs[i];
        ref->is_found = ref->holds != 0 || ref->epoch == store->epoch;
    }
    dv_interp_visit_slots(store->vm, mark_slots, table);
    for (const RtActivation *at = store->activations; at != NULL; at = at->outer) {
        mark_slots(table, at->slots, at->count);
    }
    for (const RtGlobal *global = store->globals; global != NULL; global = global->next) {
        mark_slots(table, global->slots, ARRAY_LEN(global->slots));
    }
    for (const RtTable *at = store->tables; at != NULL; at = at->next) {
        mark_handles(table, at->interp.elems, at->interp.count);
    }
    for (const RtInstance *at = store->instances; at != NULL; at = at->next) {
        for (u32 i = 0; i < at->module->code.elems.len; i++) {
            mark_handles(table, at->vm->elems[i].data, at->vm->elems[i].count);
        }
    }
}

static void collect(RtStore *store)
{
    RtRefs *table = &store->refs_table;
    mark_all(store);
    for (u32 i = 1; i < table->cap; i++) {
        table->refs[i].is_dying = !table->refs[i].is_found;
    }
    fill_slots(table);
    for (u32 i = 1; i < table->cap; i++) {
        RtRef ref = table->refs[i];
        if (ref.object == NULL || !ref.is_dying) {
            continue;
        }
        table->refs[i] = (RtRef){.next_free = table->free};
        table->free = i;
        table->live--;
        if (ref.finalize != NULL) {
            ref.finalize(ref.object);
        }
    }
}

/* ---- handles ---- */

static u32 find_free(RtStore *store)
{
    RtRefs *table = &store->refs_table;
    bool is_crowded = false;
    if (table->free == 0 && table->cap != 0) {
        collect(store);
        is_crowded = table->free == 0 || table->live >= table->cap / 2;
    }
    if (table->free == 0 || is_crowded) {
        (void)enlarge(store);
    }
    return table->free;
}

u32 dv_rt_ref_new(RtStore *store, void *object, void (*finalize)(void *object))
{
    RtRefs *table = &store->refs_table;
    if (object == NULL) {
        return 0;
    }
    if (table->cap != 0) {
        u32 known = table->slots[find_slot(table, object)];
        if (known != 0) {
            dv_rt_ref_touch(store, known);
            return known;
        }
    }
    u32 handle = find_free(store);
    if (handle == 0) {
        return 0;
    }
    RtRef *ref = &table->refs[handle];
    table->free = ref->next_free;
    *ref = (RtRef){.object = object, .finalize = finalize, .epoch = store->epoch};
    table->slots[find_slot(table, object)] = handle;
    table->live++;
    return handle;
}

static RtRef *ref_of(const RtStore *store, u32 handle)
{
    const RtRefs *table = &store->refs_table;
    bool is_one =
        handle < table->cap && table->refs[handle].object != NULL && !table->refs[handle].is_dying;
    return is_one ? &table->refs[handle] : NULL;
}

void *dv_rt_ref_object(const RtStore *store, u32 handle)
{
    const RtRef *ref = ref_of(store, handle);
    return ref == NULL ? NULL : ref->object;
}

void dv_rt_ref_touch(RtStore *store, u32 handle)
{
    RtRef *ref = ref_of(store, handle);
    if (ref != NULL) {
        ref->epoch = store->epoch;
    }
}

void dv_rt_ref_hold(RtStore *store, u32 handle)
{
    RtRef *ref = ref_of(store, handle);
    if (ref != NULL) {
        CHECK(ref->holds != UINT32_MAX);
        ref->holds++;
    }
}

void dv_rt_ref_drop(RtStore *store, u32 handle)
{
    RtRef *ref = ref_of(store, handle);
    if (ref != NULL && ref->holds != 0) {
        ref->holds--;
    }
}

void dv_rt_refs_free(RtStore *store)
{
    RtRefs *table = &store->refs_table;
    for (u32 i = 1; i < table->cap; i++) {
        RtRef ref = table->refs[i];
        table->refs[i] = (RtRef){0};
        if (ref.object != NULL && ref.finalize != NULL) {
            ref.finalize(ref.object);
        }
    }
    free_table(store, table);
    *table = (RtRefs){0};
}

RtFunc *dv_rt_ref_func(const RtStore *store, u32 handle)
{
    return dv_interp_func(store->vm, handle);
}

/* ---- values that hosts hand in ---- */

static bool is_ref_of(const RtStore *store, u32 handle, ValType type)
{
    u32 heap = type & VT_INDEX;
    if (vt_is_indexed(type) || heap == HEAP_FUNC) {
        const RtFunc *func = dv_interp_func(store->vm, handle);
        return func != NULL && (!vt_is_indexed(type) || func->type_id == heap);
    }
    switch (heap) {
    case HEAP_EXTERN:
        return ref_of(store, handle) != NULL;
    case HEAP_EXN:
        return dv_interp_exception_of(store->vm, handle) != NULL;
    default:
        return false; /* nothing but null */
    }
}

bool dv_rt_val_fits(const RtStore *store, RtVal value, ValType type)
{
    if (!vt_is_ref(type)) {
        return true;
    }
    u32 handle = (u32)value.lo;
    return handle == 0 ? (type & VT_NULL) != 0 : is_ref_of(store, handle, type);
}
