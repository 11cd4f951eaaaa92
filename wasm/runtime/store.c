/* store.c - stores: their life, their memory, and how guests are stopped.
 *
 * Everything made in a store is in one of its lists, from the moment it is whole enough to be freed, and is freed when
 * the store goes: first the finalizers run, while all is still there, then what guests had, then the interpreter.
 *
 * The interpreter's questions (polls, fuel) are passed on to the embedder here. An interrupt comes before everything else.
 */
#include "wasm/runtime/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- memory and errors ---- */

void *dv_rt_alloc(const davit_allocator_t *allocator, usize size_bytes)
{
    if (allocator->alloc == NULL) {
        return calloc(1, size_bytes);
    }
    void *memory = allocator->alloc(allocator->context, size_bytes);
    if (memory != NULL) {
        memset(memory, 0, size_bytes);
    }
    return memory;
}

void dv_rt_free(const davit_allocator_t *allocator, void *memory, usize size_bytes)
{
    if (memory == NULL) {
        return;
    }
    if (allocator->alloc == NULL) {
        free(memory);
    } else {
        allocator->free(allocator->context, memory, size_bytes);
    }
}

typedef struct MadeBlock {
    struct MadeBlock *next;
    usize size_bytes;
} MadeBlock;

enum { MADE_ALIGN = 16 };

void *dv_rt_make(RtStore *store, usize size_bytes)
{
    usize total;
    if (dv_add_overflows(size_bytes, sizeof(MadeBlock) + MADE_ALIGN, &total)) {
        return NULL;
    }
    MadeBlock *block = dv_rt_alloc(&store->config.allocator, total);
    if (block == NULL) {
        return NULL;
    }
    *block = (MadeBlock){store->made, total};
    store->made = block;
    u8 *start = (u8 *)(block + 1);
    return start + (0 - (uintptr_t)start) % MADE_ALIGN;
}

davit_status_t dv_rt_error(RtError *error, davit_status_t status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error->status = status;
    (void)vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    return status;
}

davit_status_t dv_rt_no_memory(RtError *error)
{
    return dv_rt_error(error, DAVIT_ERROR_MEMORY, "out of memory");
}

CleanName dv_rt_clean(Str name)
{
    static const char digits[] = "0123456789abcdef";
    CleanName clean = {{0}};
    u32 at = 0;
    for (u32 i = 0; i < name.len; i++) {
        u8 c = (u8)name.data[i];
        bool is_plain = c >= 0x20 && c != 0x7f;
        if (at + 8 > RT_CLEAN_MAX) { /* room for \xNN, "..." and the NUL; not within a character */
            while (at > 0 && ((u8)clean.text[at - 1] & 0xc0) == 0x80) {
                at--;
            }
            at -= at > 0 && ((u8)clean.text[at - 1] & 0x80) != 0;
            memcpy(clean.text + at, "...", 4);
            return clean;
        }
        if (is_plain) {
            clean.text[at++] = (char)c;
        } else {
            const char escape[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
            memcpy(clean.text + at, escape, 4);
            at += 4;
        }
    }
    return clean;
}

/* ---- the interpreter's questions ---- */

static u32 status_of(RtAnswer answer, u32 trap)
{
    switch (answer) {
    case RT_GO_ON:
        return INTERP_GO_ON;
    case RT_SUSPEND:
        return INTERP_SUSPEND;
    default:
        return trap;
    }
}

static u32 ask_poll(void *context, Interp *vm, u32 bits)
{
    RtStore *store = context;
    (void)vm;
    if ((bits & INTERP_POLL_INTERRUPT) != 0) {
        return PULLEY_TRAP_interrupt;
    }
    if ((bits & INTERP_POLL_NOTIFY) != 0 && store->config.on_notify != NULL) {
        store->epoch++;
        return status_of(store->config.on_notify(store->config.context, store),
                         PULLEY_TRAP_interrupt);
    }
    return (bits & INTERP_POLL_SUSPEND) != 0 ? INTERP_SUSPEND : INTERP_GO_ON;
}

static u32 ask_fuel(void *context, Interp *vm)
{
    RtStore *store = context;
    (void)vm;
    store->epoch++;
    return status_of(store->config.on_fuel(store->config.context, store), PULLEY_TRAP_out_of_fuel);
}

/* ---- life ---- */

enum { TABLE_ELEMS_MAX = 10000000, INSTANCES_MAX = 100000 };

static void complete_config(RtStoreConfig *config)
{
    if (config->max_table_elems == 0) {
        config->max_table_elems = TABLE_ELEMS_MAX;
    }
    if (config->max_instances == 0) {
        config->max_instances = INSTANCES_MAX;
    }
}

static void free_store(RtStore *store)
{
    davit_allocator_t allocator = store->config.allocator;
    dv_interp_free(store->vm);
    for (RtMemory *memory = store->memories; memory != NULL; memory = memory->next) {
        dv_rt_memory_free(memory);
    }
    for (RtTable *table = store->tables; table != NULL; table = table->next) {
        dv_rt_table_free(table);
    }
    while (store->made != NULL) {
        MadeBlock *block = store->made;
        store->made = block->next;
        dv_rt_free(&allocator, block, block->size_bytes);
    }
    while (store->types_of != NULL) {
        RtTypesOf *types = store->types_of;
        store->types_of = types->next;
        dv_rt_module_release(types->module);
        dv_rt_free(&allocator, types, types->size_bytes);
    }
    dv_arena_release(&store->arena);
    dv_pool_destroy(&store->pool);
    dv_rt_free(&allocator, store, sizeof *store);
}

static void tell_step(void *context, Interp *vm, const u8 *pc, const u64 *slots)
{
    const RtStore *store = context;
    store->config.on_step(store->config.step_context, vm, pc, slots);
}

davit_status_t dv_rt_store_new(const RtStoreConfig *config, RtStore **out)
{
    RtStore *store = dv_rt_alloc(&config->allocator, sizeof *store);
    if (store == NULL) {
        return DAVIT_ERROR_MEMORY;
    }
    store->refs = 1;
    store->epoch = 1;
    store->config = *config;
    complete_config(&store->config);
    const InterpConfig interp = {
        .allocator = config->allocator,
        .form = config->form,
        .stack_bytes = config->stack_bytes,
        .native_stack_bytes = config->native_stack_bytes,
        .max_nesting = config->max_nesting,
        .metered = config->metered,
        .on_poll = ask_poll,
        .on_fuel = config->on_fuel == NULL ? NULL : ask_fuel,
        .on_step = config->on_step == NULL ? NULL : tell_step,
        .context = store,
    };
    store->vm = dv_interp_new(&interp);
    if (store->vm == NULL) {
        dv_rt_free(&config->allocator, store, sizeof *store);
        return DAVIT_ERROR_MEMORY;
    }
    dv_pool_init(&store->pool, &config->allocator);
    dv_arena_init(&store->arena, &store->pool);
    *out = store;
    return DAVIT_OK;
}

RtStore *dv_rt_store_retain(RtStore *store)
{
    CHECK(store->refs != UINT32_MAX);
    store->refs++;
    return store;
}

void dv_rt_store_release(RtStore *store)
{
    if (store == NULL || --store->refs != 0) {
        return;
    }
    dv_watchdog_end(&store->watchdog);
    for (RtHostRecord *func = store->host_funcs; func != NULL; func = func->next) {
        if (func->host.finalize != NULL) {
            func->host.finalize(func->host.context);
        }
    }
    dv_rt_refs_free(store);
    free_store(store);
}

Interp *dv_rt_store_vm(RtStore *store)
{
    return store->vm;
}

bool dv_rt_func_is_native(const RtFunc *func)
{
    return dv_native_instance_of(func) != NULL;
}

RtStore *dv_rt_func_store(const RtFunc *func)
{
    const InterpInstance *native = dv_native_instance_of(func);
    const InterpInstance *instance = native == NULL ? func->instance : native;
    if (instance != NULL) {
        return ((const RtInstance *)instance->host)->store;
    }
    return ((const RtHostRecord *)func->context)->store;
}

RtInstance *dv_rt_store_next_instance(const RtStore *store, const RtInstance *after)
{
    return after == NULL ? store->instances : after->next;
}

/* ---- stopping ---- */

void dv_rt_interrupt(RtStore *store)
{
    dv_interp_interrupt(store->vm);
}

void dv_rt_notify(RtStore *store)
{
    dv_interp_notify(store->vm);
}

bool dv_rt_is_interrupted(const RtStore *store)
{
    return dv_interp_is_interrupted(store->vm);
}

void dv_rt_clear_interrupt(RtStore *store)
{
    dv_interp_clear_interrupt(store->vm);
}

void dv_rt_set_fuel(RtStore *store, u64 fuel)
{
    dv_interp_set_fuel(store->vm, fuel);
}

u64 dv_rt_fuel(const RtStore *store)
{
    return dv_interp_fuel(store->vm);
}
