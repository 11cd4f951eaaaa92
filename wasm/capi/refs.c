/* refs.c - handles: what all reference types of wasm.h have in common, and references as the runtime knows them.
 *
 * capi.h tells what handles, things and Objects are. The functions of each type are made from those of wasm_ref_t by the
 * lists at the end.
 */
#include "wasm/capi/capi.h"

/* ---- objects ---- */

/* Whether things of the kind are Objects themselves. */
static bool is_object(u8 kind)
{
    return kind == HANDLE_FOREIGN || kind == HANDLE_TRAP;
}

static Object *find_object(const wasm_store_t *store, const void *thing)
{
    u32 number;
    bool found = dv_map_get(&store->by_address, (u64)(uintptr_t)thing, &number);
    return found ? store->objects.data[number] : NULL;
}

typedef struct NewObject {
    wasm_store_t *store;
    u8 kind;
    void *thing;
    Object *made;
} NewObject;

static void add_object(void *context)
{
    NewObject *new = context;
    wasm_store_t *store = new->store;
    Object *object = ARENA_NEW(&store->arena, Object);
    object->kind = new->kind;
    object->store = store;
    object->thing = new->thing;
    vec_reserve(&store->arena, &store->objects, 1);
    dv_map_put(&store->arena, &store->by_address, (u64)(uintptr_t) new->thing, store->objects.len);
    vec_push(&store->arena, &store->objects, object);
    new->made = object;
}

/* The Object of a handle's thing; makes it. NULL if memory runs out. */
static Object *object_of(const wasm_ref_t *ref)
{
    Object *object = is_object(ref->kind) ? ref->thing : find_object(ref->store, ref->thing);
    if (object != NULL) {
        return object;
    }
    NewObject new = {ref->store, ref->kind, ref->thing, NULL};
    if (dv_pool_protect(&ref->store->pool, add_object, &new) != DAVIT_OK) {
        dv_capi_error(ref->store, DAVIT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    if (ref->kind == HANDLE_MODULE) {
        dv_rt_module_retain(ref->thing);
    }
    return new.made;
}

void dv_capi_object_free(Object *object)
{
    wasm_engine_t *engine = object->store->engine;
    if (object->finalizer != NULL) {
        object->finalizer(object->info);
    }
    if (object->trap != object->store->suspend_mark) {
        dv_rt_trap_free(object->trap);
    }
    dv_capi_free(engine, object, sizeof *object);
}

/* No guest can name the object any more. */
static void finalize_ref(void *context)
{
    Object *object = context;
    object->ref = 0;
    if (is_object(object->kind) && object->handles == 0) {
        dv_capi_object_free(object);
    }
}

/* ---- handles ---- */

wasm_ref_t *dv_capi_handle(wasm_store_t *store, HandleKind kind, void *thing)
{
    wasm_ref_t *ref = dv_capi_alloc(store->engine, sizeof *ref);
    if (ref == NULL) {
        dv_capi_error(store, DAVIT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    *ref = (wasm_ref_t){(u8)kind, dv_capi_store_retain(store), thing};
    if (is_object((u8)kind)) {
        Object *object = thing;
        if (object->handles++ == 0 && object->ref != 0) {
            dv_rt_ref_hold(store->rt, object->ref);
        }
    } else if (kind == HANDLE_MODULE) {
        dv_rt_module_retain(thing);
    }
    return ref;
}

void wasm_ref_delete(wasm_ref_t *ref)
{
    if (ref == NULL) {
        return;
    }
    wasm_store_t *store = ref->store;
    if (ref != &store->no_memory_trap.ref) {
        if (is_object(ref->kind)) {
            Object *object = ref->thing;
            if (--object->handles == 0 && object->ref != 0) {
                dv_rt_ref_drop(store->rt, object->ref);
            } else if (object->handles == 0) {
                dv_capi_object_free(object);
            }
        } else if (ref->kind == HANDLE_MODULE) {
            dv_rt_module_release(ref->thing);
        }
        dv_capi_free(store->engine, ref, sizeof *ref);
    }
    wasm_store_delete(store);
}

wasm_ref_t *wasm_ref_copy(const wasm_ref_t *ref)
{
    return ref == NULL ? NULL : dv_capi_handle(ref->store, ref->kind, ref->thing);
}

bool wasm_ref_same(const wasm_ref_t *a, const wasm_ref_t *b)
{
    return a == b || (a != NULL && b != NULL && a->kind == b->kind && a->thing == b->thing &&
                      a->store == b->store);
}

void *wasm_ref_get_host_info(const wasm_ref_t *ref)
{
    const Object *object = is_object(ref->kind) ? ref->thing : find_object(ref->store, ref->thing);
    return object == NULL ? NULL : object->info;
}

void wasm_ref_set_host_info(wasm_ref_t *ref, void *info)
{
    wasm_ref_set_host_info_with_finalizer(ref, info, NULL);
}

void wasm_ref_set_host_info_with_finalizer(wasm_ref_t *ref, void *info, void (*finalizer)(void *))
{
    Object *object = object_of(ref);
    if (object != NULL) {
        object->info = info;
        object->finalizer = finalizer;
    } else if (finalizer != NULL) {
        finalizer(info); /* nobody else would */
    }
}

wasm_foreign_t *wasm_foreign_new(wasm_store_t *store)
{
    Object *object = dv_capi_alloc(store->engine, sizeof *object);
    if (object == NULL) {
        dv_capi_error(store, DAVIT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    *object = (Object){.kind = HANDLE_FOREIGN, .store = store, .thing = object};
    wasm_ref_t *ref = dv_capi_handle(store, HANDLE_FOREIGN, object);
    if (ref == NULL) {
        dv_capi_object_free(object);
    }
    return (wasm_foreign_t *)ref;
}

/* ---- externs ---- */

static const u8 handle_kinds[] = {
    [EXTERN_FUNC] = HANDLE_FUNC,     [EXTERN_TABLE] = HANDLE_TABLE, [EXTERN_MEMORY] = HANDLE_MEMORY,
    [EXTERN_GLOBAL] = HANDLE_GLOBAL, [EXTERN_TAG] = HANDLE_TAG,
};

wasm_extern_t *dv_capi_extern(wasm_store_t *store, RtExtern what)
{
    HandleKind kind = (HandleKind)handle_kinds[what.kind];
    void *thing = what.of.func;
    switch (kind) {
    case HANDLE_GLOBAL:
        thing = what.of.global;
        break;
    case HANDLE_TABLE:
        thing = what.of.table;
        break;
    case HANDLE_MEMORY:
        thing = what.of.memory;
        break;
    case HANDLE_TAG:
        thing = what.of.tag;
        break;
    default:
        break;
    }
    return (wasm_extern_t *)dv_capi_handle(store, kind, thing);
}

RtExtern dv_capi_extern_of(const wasm_ref_t *ref)
{
    switch (ref->kind) {
    case HANDLE_GLOBAL:
        return (RtExtern){EXTERN_GLOBAL, {.global = ref->thing}};
    case HANDLE_TABLE:
        return (RtExtern){EXTERN_TABLE, {.table = ref->thing}};
    case HANDLE_MEMORY:
        return (RtExtern){EXTERN_MEMORY, {.memory = ref->thing}};
    case HANDLE_TAG:
        return (RtExtern){EXTERN_TAG, {.tag = ref->thing}};
    default:
        CHECK(ref->kind == HANDLE_FUNC);
        return (RtExtern){EXTERN_FUNC, {.func = ref->thing}};
    }
}

/* ---- references of the runtime ---- */

static bool extern_ref_in(const wasm_ref_t *ref, u32 *out)
{
    Object *object = object_of(ref);
    if (object == NULL) {
        return false;
    }
    if (object->ref == 0) {
        object->ref = dv_rt_ref_new(ref->store->rt, object, finalize_ref);
        if (object->ref == 0) {
            dv_capi_error(ref->store, DAVIT_ERROR_MEMORY, "out of memory");
            return false;
        }
        dv_rt_ref_hold(ref->store->rt, object->ref);
    }
    *out = object->ref;
    return true;
}

bool dv_capi_ref_in(wasm_store_t *store, const wasm_ref_t *ref, wasm_valkind_t kind, u32 *out)
{
    *out = 0;
    if (ref == NULL) {
        return true;
    }
    if (ref->store != store) {
        dv_capi_error(store, DAVIT_ERROR_INVALID, "the reference is of another store");
        return false;
    }
    if (kind == WASM_EXTERNREF) {
        return extern_ref_in(ref, out);
    }
    if (kind != WASM_FUNCREF || ref->kind != HANDLE_FUNC) {
        dv_capi_error(store, DAVIT_ERROR_INVALID, "the reference is no function");
        return false;
    }
    const RtFunc *func = ref->thing;
    *out = func->handle;
    return true;
}

bool dv_capi_ref_out(wasm_store_t *store, u32 ref, wasm_valkind_t kind, wasm_ref_t **out)
{
    *out = NULL;
    if (kind == WASM_FUNCREF) {
        RtFunc *func = dv_rt_ref_func(store->rt, ref);
        *out = func == NULL ? NULL : dv_capi_handle(store, HANDLE_FUNC, func);
        return func == NULL || *out != NULL;
    }
    const Object *object = kind == WASM_EXTERNREF ? dv_rt_ref_object(store->rt, ref) : NULL;
    *out = object == NULL ? NULL : dv_capi_handle(store, (HandleKind)object->kind, object->thing);
    return object == NULL || *out != NULL;
}

/* ---- the same for each type ---- */

/* A handle and its wasm_ref_t are at one address. */
#define REF_BASE(name) \
    void wasm_##name##_delete(wasm_##name##_t *handle) \
    { \
        wasm_ref_delete((wasm_ref_t *)handle); \
    } \
    wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *handle) \
    { \
        return (wasm_##name##_t *)wasm_ref_copy((const wasm_ref_t *)handle); \
    } \
    bool wasm_##name##_same(const wasm_##name##_t *a, const wasm_##name##_t *b) \
    { \
        return wasm_ref_same((const wasm_ref_t *)a, (const wasm_ref_t *)b); \
    } \
    void *wasm_##name##_get_host_info(const wasm_##name##_t *handle) \
    { \
        return wasm_ref_get_host_info(&handle->ref); \
    } \
    void wasm_##name##_set_host_info(wasm_##name##_t *handle, void *info) \
    { \
        wasm_ref_set_host_info(&handle->ref, info); \
    } \
    void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t *handle, void *info, \
                                                    void (*finalizer)(void *)) \
    { \
        wasm_ref_set_host_info_with_finalizer(&handle->ref, info, finalizer); \
    }

#define REF(name, first, last) \
    REF_BASE(name) \
    wasm_ref_t *wasm_##name##_as_ref(wasm_##name##_t *handle) \
    { \
        return (wasm_ref_t *)handle; \
    } \
    const wasm_ref_t *wasm_##name##_as_ref_const(const wasm_##name##_t *handle) \
    { \
        return (const wasm_ref_t *)handle; \
    } \
    wasm_##name##_t *wasm_ref_as_##name(wasm_ref_t *ref) \
    { \
        bool fits = ref != NULL && ref->kind - (u32)(first) <= (u32)(last) - (first); \
        return fits ? (wasm_##name##_t *)ref : NULL; \
    } \
    const wasm_##name##_t *wasm_ref_as_##name##_const(const wasm_ref_t *ref) \
    { \
        bool fits = ref != NULL && ref->kind - (u32)(first) <= (u32)(last) - (first); \
        return fits ? (const wasm_##name##_t *)ref : NULL; \
    }

#define EXTERN_REF(name, kind) \
    REF(name, kind, kind) \
    wasm_extern_t *wasm_##name##_as_extern(wasm_##name##_t *handle) \
    { \
        return (wasm_extern_t *)handle; \
    } \
    const wasm_extern_t *wasm_##name##_as_extern_const(const wasm_##name##_t *handle) \
    { \
        return (const wasm_extern_t *)handle; \
    } \
    wasm_##name##_t *wasm_extern_as_##name(wasm_extern_t *what) \
    { \
        return wasm_ref_as_##name((wasm_ref_t *)what); \
    } \
    const wasm_##name##_t *wasm_extern_as_##name##_const(const wasm_extern_t *what) \
    { \
        return wasm_ref_as_##name##_const((const wasm_ref_t *)what); \
    }

EXTERN_REF(func, HANDLE_FUNC)
EXTERN_REF(global, HANDLE_GLOBAL)
EXTERN_REF(table, HANDLE_TABLE)
EXTERN_REF(memory, HANDLE_MEMORY)
REF(extern, HANDLE_FUNC, HANDLE_TAG)
REF(instance, HANDLE_INSTANCE, HANDLE_INSTANCE)
REF(module, HANDLE_MODULE, HANDLE_MODULE)
REF(foreign, HANDLE_FOREIGN, HANDLE_FOREIGN)
REF(trap, HANDLE_TRAP, HANDLE_TRAP)
