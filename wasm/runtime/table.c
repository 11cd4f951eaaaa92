/* table.c - tables, globals and tags: what else guests and hosts share.
 *
 * A table has room for more elements than it has, so that growing by one costs little; elements beyond the length are
 * null. */
#include "wasm/runtime/internal.h"

/* ---- tables ---- */

static bool move(RtTable *table, u32 capacity)
{
    const davit_allocator_t *allocator = &table->store->config.allocator;
    usize size;
    if (dv_mul_overflows(capacity, sizeof(u32), &size)) {
        return false;
    }
    u32 *elems = dv_rt_alloc(allocator, size);
    if (elems == NULL) {
        return false;
    }
    if (table->interp.count != 0) {
        memcpy(elems, table->interp.elems, table->interp.count * sizeof *elems);
    }
    dv_rt_free(allocator, table->interp.elems, table->capacity * sizeof *elems);
    table->interp.elems = elems;
    table->capacity = capacity;
    return true;
}

static bool grow(InterpTable *interp, u32 new_count)
{
    RtTable *table = (RtTable *)interp;
    if (new_count > table->capacity) {
        u32 more =
            new_count / 2 < interp->max - new_count ? new_count / 2 : interp->max - new_count;
        if (!move(table, new_count + more) && !move(table, new_count)) {
            return false;
        }
    }
    interp->count = new_count;
    return true;
}

static void fill(RtTable *table, u32 from, u32 handle)
{
    for (u32 i = from; handle != 0 && i < table->interp.count; i++) {
        table->interp.elems[i] = handle;
    }
}

davit_status_t dv_rt_table_init(RtTable *table, RtStore *store, const TableDecl *decl, u32 init,
                                RtError *error)
{
    const Limits *limits = &decl->limits;
    u64 most =
        store->config.max_table_elems < UINT32_MAX ? store->config.max_table_elems : UINT32_MAX;
    if (limits->min > most) {
        return dv_rt_error(error, DAVIT_ERROR_LIMIT,
                           "a table of %" PRIu64 " elements is larger than the limit of %" PRIu64,
                           limits->min, most);
    }
    table->store = store;
    table->limits = *limits;
    table->type = decl->type;
    table->interp.max = (u32)(limits->has_max && limits->max < most ? limits->max : most);
    table->interp.index64 = limits->index64;
    table->interp.grow = grow;
    if (limits->min != 0 && !move(table, (u32)limits->min)) {
        table->interp = (InterpTable){0}; /* which cannot grow: it is in no list */
        return dv_rt_no_memory(error);
    }
    table->interp.count = (u32)limits->min;
    fill(table, 0, init);
    table->next = store->tables;
    store->tables = table;
    return DAVIT_OK;
}

void dv_rt_table_free(RtTable *table)
{
    dv_rt_free(&table->store->config.allocator, table->interp.elems, table->capacity * sizeof(u32));
}

RtTable *dv_rt_table_new(RtStore *store, const TableDecl *decl, u32 init, RtError *error)
{
    RtTable *table = dv_rt_make(store, sizeof *table);
    if (table == NULL) {
        dv_rt_no_memory(error);
        return NULL;
    }
    return dv_rt_table_init(table, store, decl, init, error) == DAVIT_OK ? table : NULL;
}

u64 dv_rt_table_size(const RtTable *table)
{
    return table->interp.count;
}

bool dv_rt_table_get(const RtTable *table, u64 index, u32 *handle)
{
    if (index >= table->interp.count) {
        return false;
    }
    *handle = table->interp.elems[index];
    return true;
}

bool dv_rt_table_set(RtTable *table, u64 index, u32 handle)
{
    if (index >= table->interp.count) {
        return false;
    }
    table->interp.elems[index] = handle;
    return true;
}

bool dv_rt_table_grow(RtTable *table, u64 delta, u32 init, u64 *old)
{
    u32 before = table->interp.count;
    if (before > table->interp.max || delta > table->interp.max - before ||
        (delta != 0 && !grow(&table->interp, before + (u32)delta))) {
        return false;
    }
    fill(table, before, init);
    *old = before;
    return true;
}

/* ---- globals ---- */

void dv_rt_global_init(RtGlobal *global, RtStore *store, ValType type, bool is_mutable, RtVal value)
{
    global->store = store;
    global->type = type;
    global->is_mutable = is_mutable;
    dv_rt_global_set(global, value);
    global->next = store->globals;
    store->globals = global;
}

RtGlobal *dv_rt_global_new(RtStore *store, ValType type, bool is_mutable, RtVal value,
                           RtError *error)
{
    RtGlobal *global = dv_rt_make(store, sizeof *global);
    if (global == NULL) {
        dv_rt_no_memory(error);
        return NULL;
    }
    dv_rt_global_init(global, store, type, is_mutable, value);
    return global;
}

RtVal dv_rt_global_get(const RtGlobal *global)
{
    switch (vt_kind(global->type)) {
    case VAL_32:
        return (RtVal){.lo = (u32)global->slots[0]};
    case VAL_64:
        return (RtVal){.lo = global->slots[0]};
    default:
        return (RtVal){global->slots[0], global->slots[1]};
    }
}

void dv_rt_global_set(RtGlobal *global, RtVal value)
{
    global->slots[0] = value.lo;
    global->slots[1] = vt_kind(global->type) == VAL_128 ? value.hi : 0;
}

/* ---- tags ---- */

RtTag *dv_rt_tag_new(RtStore *store, u32 type_id, RtError *error)
{
    RtTag *tag = dv_rt_make(store, sizeof *tag);
    if (tag == NULL) {
        dv_rt_no_memory(error);
        return NULL;
    }
    tag->interp.args = type_row(store, type_id)->arg_slots;
    tag->store = store;
    tag->type_id = type_id;
    return tag;
}
