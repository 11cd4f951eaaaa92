/* memory.c - memories of guests.
 *
 * A memory that may get large is reserved address space where the host has that, as long as it may get, but not more than
 * RESERVE_MAX beyond its beginning: it grows in place. Otherwise, and when the embedder has an allocator of its own, it is
 * allocated: small ones at once as large as they may get, others with some room to grow, and then they move. A shared
 * memory never moves.
 *
 * In a store that is guarded, memories of 32-bit indices take 4 GiB of address space and 2 GiB behind them, registered as a
 * reservation: what native code accesses there beyond the length faults, and is a trap. If there is no such space the
 * memory is one of the others, and native code that relies on it is refused.
 *
 * All lengths are multiples of the page; the sum of them is bounded for the store.
 */
#include "wasm/runtime/internal.h"

#define GIB ((u64)1 << 30)
#define RESERVE_MAX (4 * GIB)
enum { SMALL_BYTES = 128 << 10, BASE_ALIGN = 16, STATIC_PAGE_LOG2 = 12 };
_Static_assert(1 << STATIC_PAGE_LOG2 == VM_STATIC_PAGE_MIN, "the smallest page of a static memory");

/* ---- where bytes come from ---- */

typedef struct Block {
    void *start;
    usize size_bytes;
    u8 *base;
    usize capacity;
    bool is_reservation;
} Block;

static usize smaller(u64 a, u64 b)
{
    return (usize)(a < b ? a : b);
}

/* Reserved, and `length` bytes of it usable. */
static bool reserve(Block *block, usize length, usize capacity)
{
    void *base = dv_os_reserve(capacity);
    if (base == NULL) {
        return false;
    }
    if (!dv_os_commit(base, 0, length)) {
        dv_os_release(base, capacity);
        return false;
    }
    *block = (Block){base, capacity, base, capacity, true};
    return true;
}

static bool allocate(Block *block, const davit_allocator_t *allocator, usize capacity)
{
    usize size;
    if (dv_add_overflows(capacity, BASE_ALIGN, &size)) {
        return false;
    }
    u8 *start = dv_rt_alloc(allocator, size);
    if (start == NULL) {
        return false;
    }
    *block = (Block){start, size, start + (0 - (uintptr_t)start) % BASE_ALIGN, capacity, false};
    return true;
}

static void take_block(RtMemory *memory, const Block *block)
{
    memory->block = block->start;
    memory->block_bytes = block->size_bytes;
    memory->capacity = block->capacity;
    memory->is_reservation = block->is_reservation;
    memory->interp.base = block->base;
}

/* What static native code relies on. */
#define GUARDED_BYTES (VM_STATIC_RESERVE_BYTES + VM_STATIC_GUARD_BYTES)

bool dv_rt_can_guard(void)
{
    void *base = dv_os_can_reserve() && GUARDED_BYTES <= SIZE_MAX
                     ? dv_os_reserve((usize)GUARDED_BYTES)
                     : NULL;
    if (base != NULL) {
        dv_os_release(base, (usize)GUARDED_BYTES);
    }
    return base != NULL;
}

/* False if this host has no such space. */
static bool reserve_guarded(RtMemory *memory, usize length)
{
    Block block = {0};
    if (!dv_os_can_reserve() || GUARDED_BYTES > SIZE_MAX ||
        !reserve(&block, length, (usize)GUARDED_BYTES)) {
        return false;
    }
    if (!dv_registry_add_reserved(block.start, block.size_bytes)) {
        dv_os_release(block.start, block.size_bytes);
        return false;
    }
    take_block(memory, &block);
    memory->capacity = (usize)VM_STATIC_RESERVE_BYTES;
    memory->is_guarded = true;
    return true;
}

/* A block with `length` bytes to use, of at most max_bytes; must_stay: it never moves. */
static bool find_block(Block *block, const davit_allocator_t *allocator, usize length,
                       u64 max_bytes, bool must_stay)
{
    u64 most = max_bytes < SIZE_MAX / 2 ? max_bytes : SIZE_MAX / 2;
    if (most == 0) {
        return true;
    }
    if (most <= SMALL_BYTES || must_stay) {
        bool reserves = must_stay && dv_os_can_reserve() && allocator->alloc == NULL;
        return reserves ? reserve(block, length, (usize)most)
                        : allocate(block, allocator, (usize)most);
    }
    if (dv_os_can_reserve() && allocator->alloc == NULL) {
        usize capacity = smaller(most, (u64)length + RESERVE_MAX);
        if (reserve(block, length, capacity) || (length != 0 && reserve(block, length, length))) {
            return true;
        }
    }
    return allocate(block, allocator, smaller(most, (u64)length + length / 4)) ||
           (length != 0 && allocate(block, allocator, length));
}

static void free_block(RtMemory *memory)
{
    if (memory->is_guarded) {
        dv_registry_remove_reserved(memory->block);
    }
    if (memory->is_reservation) {
        dv_os_release(memory->block, memory->block_bytes);
    } else {
        dv_rt_free(&memory->store->config.allocator, memory->block, memory->block_bytes);
    }
}

/* ---- life and growth ---- */

static usize length_of(const RtMemory *memory)
{
    return atomic_load_explicit(&memory->interp.length_bytes, memory_order_acquire);
}

/* Whether the store may have so many bytes more. */
static bool has_allowance(const RtStore *store, u64 more_bytes)
{
    u64 limit = store->config.max_memory_bytes;
    return limit == 0 ||
           (store->memory_bytes <= limit && more_bytes <= limit - store->memory_bytes);
}

static bool move(RtMemory *memory, usize new_length)
{
    Block block = {0};
    if (memory->interp.shared || !find_block(&block, &memory->store->config.allocator, new_length,
                                             memory->max_bytes, false)) {
        return false;
    }
    usize length = length_of(memory);
    if (length != 0) {
        memcpy(block.base, memory->interp.base, length);
    }
    free_block(memory);
    take_block(memory, &block);
    return true;
}

static bool grow(InterpMemory *interp, usize new_length)
{
    RtMemory *memory = (RtMemory *)interp;
    usize length = length_of(memory);
    bool ok = new_length <= memory->max_bytes && has_allowance(memory->store, new_length - length);
    if (ok && new_length > memory->capacity) {
        ok = move(memory, new_length);
    } else if (ok && memory->is_reservation) {
        ok = dv_os_commit(memory->block, length, new_length);
    }
    if (ok) {
        memory->store->memory_bytes += new_length - length;
        atomic_store_explicit(&interp->length_bytes, new_length, memory_order_release);
    }
    return ok;
}

/* The most bytes a memory so declared may have. */
static u64 limit_of(const RtStore *store, const MemoryDecl *decl)
{
    u64 limit = (decl->limits.index64 ? 16 : 4) * GIB;
    if (!decl->limits.index64 && decl->page_log2 == 0) {
        limit = UINT32_MAX; /* memory.size tells it in 32 bits */
    }
    if (store->config.max_memory_bytes != 0 && store->config.max_memory_bytes < limit) {
        limit = store->config.max_memory_bytes;
    }
    if (decl->limits.has_max && decl->limits.max <= limit >> decl->page_log2) {
        limit = decl->limits.max << decl->page_log2;
    }
    return limit;
}

davit_status_t dv_rt_memory_init(RtMemory *memory, RtStore *store, const MemoryDecl *decl,
                                 RtError *error)
{
    const Limits *limits = &decl->limits;
    u64 limit = limit_of(store, decl);
    u64 bytes = limits->min << decl->page_log2;
    bool fits = limits->min <= limit >> decl->page_log2 && bytes <= SIZE_MAX / 2;
    if (!fits || !has_allowance(store, bytes)) {
        u64 most = !fits ? limit : store->config.max_memory_bytes;
        return dv_rt_error(error, DAVIT_ERROR_LIMIT,
                           "a memory of %" PRIu64 " pages of %" PRIu64
                           " bytes is larger than the limit of %" PRIu64 " bytes allows",
                           limits->min, (u64)1 << decl->page_log2,
                           most < SIZE_MAX / 2 ? most : SIZE_MAX / 2);
    }
    bool wants_guard =
        store->config.guarded && !limits->index64 && decl->page_log2 >= STATIC_PAGE_LOG2;
    bool is_there = wants_guard && reserve_guarded(memory, (usize)bytes);
    Block block = {0};
    if (!is_there &&
        find_block(&block, &store->config.allocator, (usize)bytes, limit, limits->shared)) {
        take_block(memory, &block);
        is_there = true;
    }
    if (!is_there) {
        return dv_rt_error(error, DAVIT_ERROR_MEMORY,
                           "out of memory: a memory of %" PRIu64 " bytes is wanted", bytes);
    }
    InterpMemory *interp = &memory->interp;
    atomic_init(&interp->length_bytes, (usize)bytes);
    atomic_init(&interp->is_growing, 0);
    /* Pages that would go beyond what lengths can tell are refused by grow. */
    interp->max_pages = limits->has_max ? limits->max : UINT64_MAX >> decl->page_log2;
    interp->page_bytes = (u32)1 << decl->page_log2;
    interp->index64 = limits->index64;
    interp->shared = limits->shared;
    interp->grow = grow;
    memory->store = store;
    memory->limits = *limits;
    memory->page_log2 = decl->page_log2;
    memory->max_bytes = limit;
    memory->next = store->memories;
    store->memories = memory;
    store->memory_bytes += bytes;
    return DAVIT_OK;
}

void dv_rt_memory_free(RtMemory *memory)
{
    free_block(memory);
}

RtMemory *dv_rt_memory_new(RtStore *store, const MemoryDecl *decl, RtError *error)
{
    RtMemory *memory = dv_rt_make(store, sizeof *memory);
    if (memory == NULL) {
        dv_rt_no_memory(error);
        return NULL;
    }
    return dv_rt_memory_init(memory, store, decl, error) == DAVIT_OK ? memory : NULL;
}

/* ---- for hosts ---- */

u64 dv_rt_memory_pages(const RtMemory *memory)
{
    return length_of(memory) >> memory->page_log2;
}

u64 dv_rt_memory_bytes(const RtMemory *memory)
{
    return length_of(memory);
}

u8 *dv_rt_memory_data(const RtMemory *memory)
{
    return memory->interp.base;
}

bool dv_rt_memory_grow(RtMemory *memory, u64 delta_pages, u64 *old_pages)
{
    u64 pages = dv_memory_grow(&memory->interp, delta_pages);
    if (pages != UINT64_MAX) {
        *old_pages = pages;
    }
    return pages != UINT64_MAX;
}
