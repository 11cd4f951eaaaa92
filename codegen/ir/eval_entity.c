/* eval_entity.c - the instance: memories, tables, globals, segments, and the instructions on them.
 *
 * Entities are kept by kind and module index, so that functions that name memory 0 mean the same
 * one. They are made, from the declared minimum, when the first function that declares them is
 * called, unless they were set before; a memory is as long as it was set, its declared minimum
 * notwithstanding. A table element is a u32 handle.
 *
 * WebAssembly core 3.0, "Memory Instructions" and "Table Instructions", and the threads proposal.
 * Memory is little-endian. Bulk instructions check both ranges before they write. An atomic access
 * checks alignment before bounds, and heap_wait looks whether the memory is shared last. With one
 * thread nobody is ever woken: heap_wait times out, or would wait for ever, which is an error.
 */
#include "codegen/ir/eval_internal.h"

enum { MAX_TABLE_ELEMS = 10000000 };

/* ---- Keeping ---- */

static EvalEntity *find_entity(const Evaluator *e, u32 kind, u32 index, u32 *number)
{
    u32 found;
    if (!dv_map_get(&e->entity_of[kind], index, &found)) {
        return NULL;
    }
    if (number != NULL) {
        *number = found;
    }
    return &e->entities.data[found];
}

static EvalEntity *make_entity(Evaluator *e, u32 kind, u32 index, u32 *number)
{
    EvalEntity *there = find_entity(e, kind, index, number);
    if (there != NULL) {
        return there;
    }
    EvalEntity fresh = {.bytes.home = &e->instance};
    *number = e->entities.len;
    vec_reserve(&e->instance, &e->entities, 1);
    (void)dv_map_put(&e->instance, &e->entity_of[kind], index, *number);
    vec_push(&e->instance, &e->entities, fresh);
    return &e->entities.data[*number];
}

/* Notes which entity is meant, making it with `len` zero bytes if it is new. */
static EvalEntity *declare(Evaluator *e, u32 kind, u32 index, u64 len, u32 *number)
{
    EvalEntity *entity = make_entity(e, kind, index, number);
    if (entity->ready) {
        return entity;
    }
    if (!dv_eval_count_bytes(e, len)) {
        return NULL;
    }
    if (!dv_eval_resize(e, &entity->bytes, len)) {
        (void)dv_eval_error(e, "memory limit");
        return NULL;
    }
    entity->ready = true;
    return entity;
}

static bool bind_memories(Evaluator *e, const Func *f, u32 *bound)
{
    for (u32 i = 0; i < f->memories.len; i++) {
        const WasmMemoryData *m = &f->memories.data[i];
        bool fits = m->page_bytes == 0 || m->min_pages <= UINT64_MAX / m->page_bytes;
        u64 len = fits ? m->min_pages * m->page_bytes : UINT64_MAX;
        if (m->present && declare(e, ENT_MEMORY, m->index, len, &bound[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static bool bind_tables(Evaluator *e, const Func *f, u32 *bound)
{
    for (u32 i = 0; i < f->tables.len; i++) {
        const WasmTableData *t = &f->tables.data[i];
        u64 len = t->min <= MAX_TABLE_ELEMS ? t->min * 4 : UINT64_MAX;
        if (t->present && declare(e, ENT_TABLE, t->index, len, &bound[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static bool bind_globals(Evaluator *e, const Func *f, u32 *bound)
{
    for (u32 i = 0; i < f->globals.len; i++) {
        const WasmGlobalData *g = &f->globals.data[i];
        if (!g->present) {
            continue;
        }
        EvalEntity *entity = declare(e, ENT_GLOBAL, g->index, type_bytes(g->type), &bound[i]);
        if (entity == NULL) {
            return false;
        }
        entity->type = entity->type == TYPE_NONE ? g->type : entity->type;
        if (entity->type != g->type) {
            (void)dv_eval_error(e, "a global has another type than is declared");
            return false;
        }
    }
    return true;
}

bool dv_eval_bind(Evaluator *e, Code *code)
{
    const Func *f = code->func;
    if (!bind_memories(e, f, code->bound[ENT_MEMORY]) ||
        !bind_tables(e, f, code->bound[ENT_TABLE]) ||
        !bind_globals(e, f, code->bound[ENT_GLOBAL])) {
        return false;
    }
    for (u32 i = 0; i < f->datas.len; i++) {
        if (f->datas.data[i].present) {
            (void)make_entity(e, ENT_DATA, f->datas.data[i].index, &code->bound[ENT_DATA][i]);
        }
    }
    for (u32 i = 0; i < f->elems.len; i++) {
        if (f->elems.data[i].present) {
            (void)make_entity(e, ENT_ELEM, f->elems.data[i].index, &code->bound[ENT_ELEM][i]);
        }
    }
    code->generation = e->generation;
    return true;
}

EvalEntity *dv_eval_entity(Evaluator *e, u32 kind, u32 entity)
{
    return &vec_at(&e->entities, dv_eval_frame(e)->code->bound[kind][entity]);
}

void dv_eval_release_instance(Evaluator *e)
{
    for (u32 i = 0; i < e->entities.len; i++) {
        dv_eval_release(e, &e->entities.data[i].bytes);
    }
    dv_eval_release(e, &e->data);
    e->held_bytes -= (u64)e->exceptions.len * sizeof(Exception);
    e->entities.data = NULL;
    e->entities.len = e->entities.cap = 0;
    e->exceptions.data = NULL;
    e->exceptions.len = e->exceptions.cap = 0;
    memset(e->entity_of, 0, sizeof e->entity_of);
    dv_arena_release(&e->instance);
}

/* ---- Memory accesses ---- */

/* Where an access of a memory lies; NULL, the run being stopped, if it is out of bounds or not
 * aligned as asked. */
static u8 *heap_at(Evaluator *e, const InstData *d, u32 index_value, u64 size, bool atomic)
{
    EvalEntity *memory = dv_eval_entity(e, ENT_MEMORY, d->ent);
    u64 index = dv_eval_int(e, index_value);
    u64 address = index + dv_imm64(d);
    if (atomic && address % size != 0) {
        (void)dv_eval_trap(e, TRAP_unaligned);
        return NULL;
    }
    if (address < index || size > memory->bytes.len || address > memory->bytes.len - size) {
        (void)dv_eval_trap(e, TRAP_heap_oob);
        return NULL;
    }
    return memory->bytes.data + address;
}

static Flow load_heap(Evaluator *e, const InstData *d, u32 index_arg)
{
    u32 result = d->results;
    Type type = dv_eval_type(e, result);
    u32 size = dv_eval_access_size(d, type);
    const u8 *memory = heap_at(e, d, d->args[index_arg], size, d->op == OP_heap_atomic_load);
    if (memory == NULL) {
        return FLOW_STOP;
    }
    if (d->op == OP_heap_load_lane) {
        memcpy(dv_eval_value(e, result), dv_eval_value(e, d->args[0]), type_bytes(type));
    }
    dv_eval_load_bytes(d, type, memory, false, dv_eval_value(e, result));
    return FLOW_NEXT;
}

static Flow store_heap(Evaluator *e, const InstData *d)
{
    Type type = dv_eval_type(e, d->args[0]);
    u32 size = dv_eval_access_size(d, type);
    u8 *memory = heap_at(e, d, d->args[1], size, d->op == OP_heap_atomic_store);
    if (memory == NULL) {
        return FLOW_STOP;
    }
    dv_eval_store_bytes(d, type, dv_eval_value(e, d->args[0]), false, memory);
    return FLOW_NEXT;
}

static Flow wait_heap(Evaluator *e, const InstData *d)
{
    u32 size = type_bytes(d->type);
    const u8 *memory = heap_at(e, d, d->args[0], size, true);
    if (memory == NULL) {
        return FLOW_STOP;
    }
    if (!vec_at(&dv_eval_func(e)->memories, d->ent).shared) {
        return dv_eval_trap(e, TRAP_not_shared);
    }
    bool equal = memcmp(memory, dv_eval_value(e, d->args[1]), size) == 0;
    bool for_ever = dv_eval_int(e, d->args[2]) >> 63 != 0;
    if (equal && for_ever) {
        return dv_eval_error(e, "waits for ever");
    }
    dv_eval_set_int(e, d->results, equal ? 2 : 1);
    return FLOW_NEXT;
}

static Flow step_access(Evaluator *e, const InstData *d)
{
    u8 *memory;
    switch (dv_ops[d->op].format) {
    case FORMAT_HEAP_LOAD:
        return load_heap(e, d, 0);
    case FORMAT_HEAP_STORE:
        return store_heap(e, d);
    case FORMAT_HEAP_LANE:
        return d->op == OP_heap_load_lane ? load_heap(e, d, 1) : store_heap(e, d);
    case FORMAT_HEAP_NOTIFY:
        if (heap_at(e, d, d->args[0], 4, true) == NULL) {
            return FLOW_STOP;
        }
        dv_eval_set_int(e, d->results, 0);
        return FLOW_NEXT;
    default:
        if (d->op == OP_heap_wait) {
            return wait_heap(e, d);
        }
        memory = heap_at(e, d, d->args[0], type_bytes(d->type), true);
        if (memory == NULL) {
            return FLOW_STOP;
        }
        dv_eval_atomic(e, d, memory, false);
        return FLOW_NEXT;
    }
}

/* ---- Ranges ---- */

static bool in_range(u64 start, u64 count, u64 len)
{
    return start <= len && count <= len - start;
}

/* copy and init of memories and tables: to, from, length, in units of `unit` bytes. */
static Flow copy_range(Evaluator *e, const InstData *d, EvalEntity *to, const EvalEntity *from,
                       u32 unit)
{
    u64 at = dv_eval_int(e, d->args[0]);
    u64 start = dv_eval_int(e, d->args[1]);
    u64 count = dv_eval_int(e, d->args[2]);
    if (!in_range(at, count, to->bytes.len / unit) ||
        !in_range(start, count, from->bytes.len / unit)) {
        return dv_eval_trap(e, unit == 1 ? TRAP_heap_oob : TRAP_table_oob);
    }
    if (!dv_eval_count_bytes(e, count * unit)) {
        return FLOW_STOP;
    }
    if (count != 0) {
        memmove(to->bytes.data + at * unit, from->bytes.data + start * unit, (usize)(count * unit));
    }
    return FLOW_NEXT;
}

static void set_elems(EvalEntity *table, u64 start, u64 count, u32 handle)
{
    for (u64 i = 0; i < count; i++) {
        memcpy(table->bytes.data + (start + i) * 4, &handle, 4);
    }
}

/* fill: start, value, count. */
static Flow fill_range(Evaluator *e, const InstData *d, EvalEntity *entity, u32 unit)
{
    u64 start = dv_eval_int(e, d->args[0]);
    u32 value = (u32)dv_eval_int(e, d->args[1]);
    u64 count = dv_eval_int(e, d->args[2]);
    if (!in_range(start, count, entity->bytes.len / unit)) {
        return dv_eval_trap(e, unit == 1 ? TRAP_heap_oob : TRAP_table_oob);
    }
    if (!dv_eval_count_bytes(e, count * unit)) {
        return FLOW_STOP;
    }
    if (unit == 4) {
        set_elems(entity, start, count, value);
    } else if (count != 0) {
        memset(entity->bytes.data + start, (u8)value, (usize)count);
    }
    return FLOW_NEXT;
}

/* Grows to `len` bytes if it may be as long as `max`, giving the old size in `result`, else -1. */
static Flow grow_entity(Evaluator *e, const InstData *d, EvalEntity *entity, u64 delta, u64 max,
                        u32 unit)
{
    u64 old = entity->bytes.len / unit;
    bool may = old <= max && delta <= max - old;
    if (may && !dv_eval_count_bytes(e, delta * unit)) {
        return FLOW_STOP;
    }
    bool done = may && dv_eval_resize(e, &entity->bytes, (old + delta) * unit);
    dv_eval_set_int(e, d->results, done ? old : UINT64_MAX);
    return FLOW_NEXT;
}

static Flow grow_memory(Evaluator *e, const InstData *d)
{
    const WasmMemoryData *m = &vec_at(&dv_eval_func(e)->memories, d->ent);
    u64 limit =
        m->index_type == TYPE_I32 ? ((u64)1 << 32) / m->page_bytes : e->max_memory / m->page_bytes;
    limit = m->index_type == TYPE_I32 && limit > UINT32_MAX ? UINT32_MAX : limit;
    u64 max = m->has_max && m->max_pages < limit ? m->max_pages : limit;
    return grow_entity(e, d, dv_eval_entity(e, ENT_MEMORY, d->ent), dv_eval_int(e, d->args[0]), max,
                       m->page_bytes);
}

static Flow grow_table(Evaluator *e, const InstData *d)
{
    const WasmTableData *t = &vec_at(&dv_eval_func(e)->tables, d->ent);
    EvalEntity *table = dv_eval_entity(e, ENT_TABLE, d->ent);
    u64 max = t->has_max && t->max < MAX_TABLE_ELEMS ? t->max : MAX_TABLE_ELEMS;
    u64 old = table->bytes.len / 4;
    Flow flow = grow_entity(e, d, table, dv_eval_int(e, d->args[1]), max, 4);
    set_elems(table, old, table->bytes.len / 4 - old, (u32)dv_eval_int(e, d->args[0]));
    return flow;
}

/* table_get and table_set. */
static Flow access_table(Evaluator *e, const InstData *d)
{
    const EvalEntity *table = dv_eval_entity(e, ENT_TABLE, d->ent);
    u64 index = dv_eval_int(e, d->args[0]);
    if (index >= table->bytes.len / 4) {
        return dv_eval_trap(e, TRAP_table_oob);
    }
    u8 *element = table->bytes.data + index * 4;
    u32 handle;
    if (d->op == OP_table_get) {
        memcpy(&handle, element, 4);
        dv_eval_set_int(e, d->results, handle);
    } else {
        handle = (u32)dv_eval_int(e, d->args[1]);
        memcpy(element, &handle, 4);
    }
    return FLOW_NEXT;
}

static Flow refer_to_func(Evaluator *e, const InstData *d)
{
    u32 symbol = dv_eval_frame(e)->code->wasm_callees[d->ent];
    if (symbol == ENTITY_NONE) {
        return dv_eval_error(e, "ref_func of a function entity without a name");
    }
    dv_eval_set_int(e, d->results, symbol + 1);
    return FLOW_NEXT;
}

Flow dv_eval_step_entity(Evaluator *e, const InstData *d)
{
    EvalEntity *entity;
    switch (d->op) {
    case OP_memory_size:
        entity = dv_eval_entity(e, ENT_MEMORY, d->ent);
        dv_eval_set_int(e, d->results,
                        entity->bytes.len / vec_at(&dv_eval_func(e)->memories, d->ent).page_bytes);
        return FLOW_NEXT;
    case OP_memory_grow:
        return grow_memory(e, d);
    case OP_memory_fill:
        return fill_range(e, d, dv_eval_entity(e, ENT_MEMORY, d->ent), 1);
    case OP_memory_copy:
        return copy_range(e, d, dv_eval_entity(e, ENT_MEMORY, d->ent),
                          dv_eval_entity(e, ENT_MEMORY, d->imm[0]), 1);
    case OP_memory_init:
        return copy_range(e, d, dv_eval_entity(e, ENT_MEMORY, d->ent),
                          dv_eval_entity(e, ENT_DATA, d->imm[0]), 1);
    case OP_data_drop:
        dv_eval_release(e, &dv_eval_entity(e, ENT_DATA, d->ent)->bytes);
        return FLOW_NEXT;
    case OP_elem_drop:
        dv_eval_release(e, &dv_eval_entity(e, ENT_ELEM, d->ent)->bytes);
        return FLOW_NEXT;
    case OP_global_get:
        entity = dv_eval_entity(e, ENT_GLOBAL, d->ent);
        memcpy(dv_eval_value(e, d->results), entity->bytes.data, type_bytes(entity->type));
        return FLOW_NEXT;
    case OP_global_set:
        entity = dv_eval_entity(e, ENT_GLOBAL, d->ent);
        memcpy(entity->bytes.data, dv_eval_value(e, d->args[0]), type_bytes(entity->type));
        return FLOW_NEXT;
    case OP_table_get:
    case OP_table_set:
        return access_table(e, d);
    case OP_table_size:
        dv_eval_set_int(e, d->results, dv_eval_entity(e, ENT_TABLE, d->ent)->bytes.len / 4);
        return FLOW_NEXT;
    case OP_table_grow:
        return grow_table(e, d);
    case OP_table_fill:
        return fill_range(e, d, dv_eval_entity(e, ENT_TABLE, d->ent), 4);
    case OP_table_copy:
        return copy_range(e, d, dv_eval_entity(e, ENT_TABLE, d->ent),
                          dv_eval_entity(e, ENT_TABLE, d->imm[0]), 4);
    case OP_table_init:
        return copy_range(e, d, dv_eval_entity(e, ENT_TABLE, d->ent),
                          dv_eval_entity(e, ENT_ELEM, d->imm[0]), 4);
    case OP_ref_func:
        return refer_to_func(e, d);
    default:
        return step_access(e, d);
    }
}

/* ---- From outside ---- */

typedef struct SetRequest {
    Evaluator *e;
    u32 kind, index;
    const void *bytes; /* NULL: zeros */
    u64 len;
    Type type;
    bool done;
} SetRequest;

static void set_entity(void *context)
{
    SetRequest *r = context;
    u32 number;
    EvalEntity *entity = make_entity(r->e, r->kind, r->index, &number);
    entity->bytes.len = 0;
    entity->ready = false;
    entity->type = r->type;
    r->done = dv_eval_resize(r->e, &entity->bytes, r->len);
    entity->ready = r->done;
    if (r->done && r->bytes != NULL && r->len != 0) {
        memcpy(entity->bytes.data, r->bytes, (usize)r->len);
    }
}

static bool protected_set(SetRequest r)
{
    return dv_pool_protect(r.e->pool, set_entity, &r) == DAVIT_OK && r.done;
}

bool dv_eval_set_memory(Evaluator *e, u32 index, u64 bytes)
{
    return protected_set((SetRequest){e, ENT_MEMORY, index, NULL, bytes, TYPE_NONE, false});
}

bool dv_eval_set_table(Evaluator *e, u32 index, u64 elems)
{
    return elems <= MAX_TABLE_ELEMS &&
           protected_set((SetRequest){e, ENT_TABLE, index, NULL, elems * 4, TYPE_NONE, false});
}

bool dv_eval_set_global(Evaluator *e, u32 index, EvalValue value)
{
    return protected_set(
        (SetRequest){e, ENT_GLOBAL, index, value.bytes, type_bytes(value.type), value.type, false});
}

bool dv_eval_set_data(Evaluator *e, u32 index, const u8 *bytes, u64 len)
{
    return protected_set((SetRequest){e, ENT_DATA, index, bytes, len, TYPE_NONE, false});
}

bool dv_eval_set_elem(Evaluator *e, u32 index, const u32 *refs, u64 len)
{
    return len <= MAX_TABLE_ELEMS &&
           protected_set((SetRequest){e, ENT_ELEM, index, refs, len * 4, TYPE_NONE, false});
}

u8 *dv_eval_memory(Evaluator *e, u32 index, u64 *bytes)
{
    const EvalEntity *memory = find_entity(e, ENT_MEMORY, index, NULL);
    if (memory == NULL) {
        return NULL;
    }
    *bytes = memory->bytes.len;
    return memory->bytes.data;
}

u32 *dv_eval_table(Evaluator *e, u32 index, u64 *elems)
{
    const EvalEntity *table = find_entity(e, ENT_TABLE, index, NULL);
    if (table == NULL) {
        return NULL;
    }
    *elems = table->bytes.len / 4;
    return (u32 *)(void *)table->bytes.data;
}

bool dv_eval_global(Evaluator *e, u32 index, EvalValue *value)
{
    const EvalEntity *global = find_entity(e, ENT_GLOBAL, index, NULL);
    if (global == NULL) {
        return false;
    }
    *value = (EvalValue){global->type, global->bytes.data};
    return true;
}
