/* memory.c - memories: the general access, and operations on ranges.
 *
 * Lengths are read once per operation, and with acquire order, since another thread may grow a shared memory
 * in between; bytes of shared memories are not protected from other threads, as the guest's own accesses
 * are not.
 */
#include "interp/engine.h"
#include "interp/fields.h"

#include <stdlib.h>

static usize length_of(InterpMemory *memory)
{
    return atomic_load_explicit(&memory->length_bytes, memory_order_acquire);
}

u8 *dv_interp_heap(Interp *vm, i64 m, u64 index, u64 offset, u32 size)
{
    InterpMemory *memory = vm->instance->memories[m];
    u64 at = as_index(memory->index64, index);
    u64 first = at + offset;
    u64 end = first + size;
    if (first < at || end < first || end > length_of(memory)) {
        return NULL;
    }
    return memory->base + first;
}

/* ---- growing ---- */

u64 dv_memory_grow(InterpMemory *memory, u64 delta_pages)
{
    if (memory->shared) {
        while (atomic_exchange_explicit(&memory->is_growing, 1, memory_order_acquire) != 0) {
            /* another thread grows it: wait */
        }
    }
    usize length = length_of(memory);
    u64 pages = length / memory->page_bytes;
    bool ok = delta_pages <= memory->max_pages && pages <= memory->max_pages - delta_pages;
    if (ok && delta_pages != 0) {
        u64 wanted = pages + delta_pages;
        ok = memory->grow != NULL && wanted <= SIZE_MAX / memory->page_bytes &&
             memory->grow(memory, (usize)wanted * memory->page_bytes);
    }
    if (memory->shared) {
        atomic_store_explicit(&memory->is_growing, 0, memory_order_release);
    }
    return ok ? pages : UINT64_MAX;
}

static bool grow_malloc(InterpMemory *memory, usize new_length_bytes)
{
    usize length = length_of(memory);
    if (!memory->shared) {
        u8 *base = realloc(memory->base, new_length_bytes);
        if (base == NULL) {
            return false;
        }
        memset(base + length, 0, new_length_bytes - length);
        memory->base = base;
    }
    atomic_store_explicit(&memory->length_bytes, new_length_bytes, memory_order_release);
    return true;
}

bool dv_memory_init_malloc(InterpMemory *memory, const PulleyMemory *type, u32 page_bytes,
                           u64 min_pages, u64 max_pages)
{
    u64 pages = type->shared ? max_pages : min_pages;
    memset(memory, 0, sizeof *memory);
    if (pages > SIZE_MAX / page_bytes) {
        return false;
    }
    if (pages != 0) {
        memory->base = calloc((usize)pages, page_bytes);
        if (memory->base == NULL) {
            return false;
        }
    }
    memory->max_pages = max_pages;
    memory->page_bytes = page_bytes;
    memory->index64 = type->index64;
    memory->shared = type->shared;
    memory->grow = grow_malloc;
    atomic_init(&memory->length_bytes, (usize)min_pages * page_bytes);
    atomic_init(&memory->is_growing, 0);
    return true;
}

void dv_memory_free_malloc(InterpMemory *memory)
{
    free(memory->base);
    memset(memory, 0, sizeof *memory);
}

/* ---- ranges ---- */

u32 dv_instance_memory_fill(InterpInstance *instance, u32 number, u64 to, u32 byte, u64 count)
{
    InterpMemory *memory = instance->memories[number];
    if (!has_range(length_of(memory), to, count)) {
        return PULLEY_TRAP_heap_oob;
    }
    if (count != 0) {
        memset(memory->base + to, (int)(byte & 0xff), (usize)count);
    }
    return INTERP_GO_ON;
}

u32 dv_instance_memory_copy(InterpInstance *instance, const u32 *numbers, u64 to, u64 from,
                            u64 count)
{
    InterpMemory *target = instance->memories[numbers[0]];
    InterpMemory *source = instance->memories[numbers[1]];
    if (!has_range(length_of(target), to, count) || !has_range(length_of(source), from, count)) {
        return PULLEY_TRAP_heap_oob;
    }
    if (count != 0) {
        memmove(target->base + to, source->base + from, (usize)count);
    }
    return INTERP_GO_ON;
}

u32 dv_instance_memory_init(InterpInstance *instance, const u32 *numbers, u64 to, u32 from,
                            u32 count)
{
    InterpMemory *memory = instance->memories[numbers[0]];
    const InterpSegment *data = &instance->datas[numbers[1]];
    if (!has_range(length_of(memory), to, count) || !has_range(data->count, from, count)) {
        return PULLEY_TRAP_heap_oob;
    }
    if (count != 0) {
        memcpy(memory->base + to, (const u8 *)data->data + from, count);
    }
    return INTERP_GO_ON;
}

/* ---- operations ---- */

SLOW_OP(memory_size)
{
    READ_FIELDS(D_M, 1)
    (void)size;
    InterpMemory *memory = vm->instance->memories[m];
    fp[d] = as_index(memory->index64, length_of(memory) / memory->page_bytes);
    return INTERP_GO_ON;
}

SLOW_OP(memory_grow)
{
    READ_FIELDS(D_A_M, 1)
    (void)size;
    InterpMemory *memory = vm->instance->memories[m];
    u64 pages = dv_memory_grow(memory, as_index(memory->index64, fp[a]));
    fp[d] = as_index(memory->index64, pages); /* or -1, as wide */
    dv_interp_refresh(vm);
    return INTERP_GO_ON;
}

SLOW_OP(memory_fill)
{
    READ_FIELDS(A_B_C_M, 1)
    (void)size;
    const InterpMemory *memory = vm->instance->memories[m];
    return dv_instance_memory_fill(vm->instance, (u32)m, as_index(memory->index64, fp[a]),
                                   (u32)fp[b], as_index(memory->index64, fp[c]));
}

SLOW_OP(memory_copy)
{
    READ_FIELDS(A_B_C_M_M, 1)
    (void)size;
    bool to64 = vm->instance->memories[m]->index64;
    bool from64 = vm->instance->memories[m2]->index64;
    const u32 both[] = {(u32)m, (u32)m2};
    return dv_instance_memory_copy(vm->instance, both, as_index(to64, fp[a]),
                                   as_index(from64, fp[b]), as_index(to64 && from64, fp[c]));
}

SLOW_OP(memory_init)
{
    READ_FIELDS(A_B_C_M_DATA, 1)
    (void)size;
    u64 to = as_index(vm->instance->memories[m]->index64, fp[a]);
    const u32 both[] = {(u32)m, (u32)s};
    return dv_instance_memory_init(vm->instance, both, to, (u32)fp[b], (u32)fp[c]);
}

SLOW_OP(data_drop)
{
    READ_FIELDS(DATA, 1)
    (void)fp;
    (void)size;
    vm->instance->datas[s].count = 0;
    return INTERP_GO_ON;
}
