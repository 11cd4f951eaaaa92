/* types.c - the types of a store: numbers for function types, the same for types that are the same.
 *
 * Source: WebAssembly core specification 3.0, "Types" in the chapters "Structure" and "Validation": equality of recursive
 * types is by structure up to their own references. A type's key is its list of parameters and results, where a reference to
 * another type has that one's id and one to itself the index 0, which no id is. Two types are the same if their keys
 * are, so equal types of different modules find the same row, and comparing types is comparing ids.
 *
 * Recursion groups of more than one type belong to a feature that is not executed; modules that have one are refused when
 * they are loaded.
 */
#include "wasm/runtime/internal.h"

enum { TYPE_VALUES_MAX = 1000 };

u32 dv_rt_slots(const ValType *types, u32 count)
{
    u32 slots = 0;
    for (u32 i = 0; i < count; i++) {
        slots += vt_kind(types[i]) == VAL_128 ? 2 : 1;
    }
    return slots;
}

/* ---- the registry ---- */

typedef struct TypeQuery {
    const RtStore *store;
    u32 num_params, num_results;
    const ValType *key;
} TypeQuery;

static bool is_type(const void *context, u32 id)
{
    const TypeQuery *q = context;
    const RtType *row = type_row(q->store, id);
    usize count = (usize)q->num_params + q->num_results;
    return row->type.num_params == q->num_params && row->type.num_results == q->num_results &&
           (count == 0 || memcmp(row->key, q->key, count * sizeof *q->key) == 0);
}

static u64 hash_key(const TypeQuery *q)
{
    usize count = (usize)q->num_params + q->num_results;
    u64 hash = (u64)q->num_params << 32 | q->num_results;
    for (usize i = 0; i < count; i++) {
        hash = dv_hash_combine(hash, q->key[i]);
    }
    return hash;
}

typedef struct NewType {
    RtStore *store;
    const TypeQuery *query;
    u32 id; /* 0: there are too many */
} NewType;

/* The values with the type's own id where the key has none. */
static const ValType *resolve(Arena *arena, const TypeQuery *q, u32 id, const ValType *key)
{
    u32 count = q->num_params + q->num_results;
    for (u32 i = 0; i < count; i++) {
        if (vt_is_indexed(key[i]) && (key[i] & VT_INDEX) == 0) {
            ValType *values = ARENA_ARRAY(arena, ValType, count);
            for (u32 k = 0; k < count; k++) {
                bool is_self = vt_is_indexed(key[k]) && (key[k] & VT_INDEX) == 0;
                values[k] = is_self ? key[k] | id : key[k];
            }
            return values;
        }
    }
    return key;
}

static void add_type(void *context)
{
    NewType *new = context;
    RtStore *store = new->store;
    const TypeQuery *q = new->query;
    Arena *arena = &store->arena;
    u32 count = q->num_params + q->num_results;
    u32 id = store->types.len + 1;
    if (id > VT_INDEX) {
        return;
    }
    RtType *row = ARENA_NEW(arena, RtType);
    ValType *key = ARENA_ARRAY(arena, ValType, count + 1);
    u8 *kinds = ARENA_ARRAY(arena, u8, count + 1);
    if (count != 0) {
        memcpy(key, q->key, count * sizeof *key);
    }
    for (u32 i = 0; i < count; i++) {
        kinds[i] = (u8)vt_kind(key[i]);
        row->gives_refs |= i >= q->num_params && vt_is_ref(key[i]);
    }
    const ValType *values = resolve(arena, q, id, key);
    row->type = (RtFuncType){q->num_params, q->num_results, values, values + q->num_params};
    row->key = key;
    row->kinds = kinds;
    row->arg_slots = dv_rt_slots(key, q->num_params);
    row->result_slots = dv_rt_slots(key + q->num_params, q->num_results);
    row->is_plain = row->arg_slots + row->result_slots == count;
    vec_reserve(arena, &store->types, 1);
    dv_map_add(arena, &store->type_map, hash_key(q), id);
    vec_push(arena, &store->types, row);
    new->id = id;
}

static u32 intern(RtStore *store, const TypeQuery *q)
{
    u32 id;
    if (dv_map_find(&store->type_map, hash_key(q), is_type, q, &id)) {
        return id;
    }
    NewType new = {.store = store, .query = q};
    return dv_pool_protect(&store->pool, add_type, &new) == DAVIT_OK ? new.id : 0;
}

u32 dv_rt_type(RtStore *store, const RtFuncType *type)
{
    ValType key[2 * TYPE_VALUES_MAX];
    if (type->num_params > TYPE_VALUES_MAX || type->num_results > TYPE_VALUES_MAX) {
        return 0;
    }
    for (u32 i = 0; i < type->num_params; i++) {
        key[i] = type->params[i];
    }
    for (u32 i = 0; i < type->num_results; i++) {
        key[type->num_params + i] = type->results[i];
    }
    const TypeQuery q = {store, type->num_params, type->num_results, key};
    return intern(store, &q);
}

const RtFuncType *dv_rt_type_of(const RtStore *store, u32 type_id)
{
    return &type_row(store, type_id)->type;
}

/* ---- the types of a module ---- */

ValType dv_rt_map_type(const u32 *type_ids, ValType type)
{
    return vt_is_indexed(type) ? (type & ~VT_INDEX) | type_ids[type & VT_INDEX] : type;
}

ValType dv_rt_val_type(RtStore *store, const RtInstance *instance, ValType type)
{
    (void)store;
    return dv_rt_map_type(instance->type_ids, type);
}

/* The type as it stands in a key of type number `self`; earlier types have their ids. */
static ValType key_type(const WasmModule *info, const u32 *ids, u32 self, ValType type)
{
    if (vt_is_indexed(type) && info->types.data[type & VT_INDEX].canonical == self) {
        return type & ~VT_INDEX;
    }
    return dv_rt_map_type(ids, type);
}

static bool fill_ids(RtStore *store, const WasmModule *info, u32 *ids)
{
    ValType key[2 * TYPE_VALUES_MAX];
    for (u32 i = 0; i < info->types.len; i++) {
        const SubType *type = &info->types.data[i];
        if (type->canonical != i) {
            ids[i] = ids[type->canonical];
            continue;
        }
        for (u32 k = 0; k < type->num_params; k++) {
            key[k] = key_type(info, ids, i, type->params[k]);
        }
        for (u32 k = 0; k < type->num_results; k++) {
            key[type->num_params + k] = key_type(info, ids, i, type->results[k]);
        }
        const TypeQuery q = {store, type->num_params, type->num_results, key};
        ids[i] = intern(store, &q);
        if (ids[i] == 0) {
            return false;
        }
    }
    return true;
}

const u32 *dv_rt_module_types(RtStore *store, RtModule *module)
{
    for (RtTypesOf *at = store->types_of; at != NULL; at = at->next) {
        if (at->module == module) {
            return at->ids;
        }
    }
    u32 count = module->info.types.len;
    usize size = sizeof(RtTypesOf) + (usize)count * sizeof(u32);
    RtTypesOf *types = dv_rt_alloc(&store->config.allocator, size);
    if (types == NULL) {
        return NULL;
    }
    if (!fill_ids(store, &module->info, types->ids)) {
        dv_rt_free(&store->config.allocator, types, size);
        return NULL;
    }
    types->size_bytes = size;
    types->module = dv_rt_module_retain(module);
    types->next = store->types_of;
    store->types_of = types;
    return types->ids;
}

/* ---- subtypes ---- */

/* Whether every value of abstract heap type a is one of b. */
static bool is_heap_subtype(u32 a, u32 b)
{
    if (a == b) {
        return true;
    }
    switch (b) {
    case HEAP_FUNC:
        return a == HEAP_NOFUNC;
    case HEAP_EXTERN:
        return a == HEAP_NOEXTERN;
    case HEAP_EXN:
        return a == HEAP_NOEXN;
    case HEAP_ANY:
        return a == HEAP_NONE || a == HEAP_EQ || a == HEAP_I31 || a == HEAP_STRUCT ||
               a == HEAP_ARRAY;
    case HEAP_EQ:
        return a == HEAP_NONE || a == HEAP_I31 || a == HEAP_STRUCT || a == HEAP_ARRAY;
    case HEAP_I31:
    case HEAP_STRUCT:
    case HEAP_ARRAY:
        return a == HEAP_NONE;
    default:
        return false;
    }
}

bool dv_rt_is_subtype(const RtStore *store, ValType a, ValType b)
{
    (void)store; /* ids are types */
    if (a == b) {
        return true;
    }
    if (!vt_is_ref(a) || !vt_is_ref(b) || ((a & VT_NULL) != 0 && (b & VT_NULL) == 0)) {
        return false;
    }
    u32 heap_a = a & VT_INDEX;
    u32 heap_b = b & VT_INDEX;
    if (vt_is_indexed(a)) {
        return vt_is_indexed(b) ? heap_a == heap_b : heap_b == HEAP_FUNC;
    }
    return vt_is_indexed(b) ? heap_a == HEAP_NOFUNC : is_heap_subtype(heap_a, heap_b);
}
