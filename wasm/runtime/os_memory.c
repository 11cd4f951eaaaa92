/* os_memory.c - address space from the operating system, for memories that grow without moving.
 *
 * With POSIX mmap and 64-bit addresses, space is reserved without access and without a claim on memory, and made accessible
 * piece by piece; pages cost nothing until they are touched, and are zero then. Other hosts have no space to
 * waste: there nothing can be reserved, and memories are allocated.
 */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */
#endif
#if defined(__APPLE__) && !defined(_DARWIN_C_SOURCE)
#define _DARWIN_C_SOURCE 1
#endif
#include "wasm/runtime/internal.h"

#if (defined(__unix__) || defined(__APPLE__)) && UINTPTR_MAX > UINT32_MAX
#include <sys/mman.h>
#include <unistd.h>

#if !defined(MAP_NORESERVE)
#define MAP_NORESERVE 0
#endif

bool dv_os_can_reserve(void)
{
    return true;
}

void *dv_os_reserve(usize size_bytes)
{
    void *base =
        mmap(NULL, size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

bool dv_os_commit(void *base, usize old_bytes, usize new_bytes)
{
    usize page = (usize)sysconf(_SC_PAGESIZE);
    usize from = (old_bytes + page - 1) / page * page;
    usize to = (new_bytes + page - 1) / page * page;
    return from >= to || mprotect((u8 *)base + from, to - from, PROT_READ | PROT_WRITE) == 0;
}

void dv_os_release(void *base, usize size_bytes)
{
    CHECK(munmap(base, size_bytes) == 0);
}

#else

bool dv_os_can_reserve(void)
{
    return false;
}

void *dv_os_reserve(usize size_bytes)
{
    (void)size_bytes;
    return NULL;
}

bool dv_os_commit(void *base, usize old_bytes, usize new_bytes)
{
    (void)base;
    (void)old_bytes;
    (void)new_bytes;
    return false;
}

void dv_os_release(void *base, usize size_bytes)
{
    (void)base;
    (void)size_bytes;
}

#endif
