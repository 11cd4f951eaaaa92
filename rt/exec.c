/* exec.c - memory for code, from the system's pages; where there are none, there is no such memory. */
#if defined(__unix__) || defined(__APPLE__)
#define HAS_PAGES 1
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#endif
#define _DARWIN_C_SOURCE
#else
#define HAS_PAGES 0
#endif

#include "rt/exec.h"

#if HAS_PAGES
#include <sys/mman.h>
#include <unistd.h>

usize dv_exec_page_bytes(void)
{
    long page = sysconf(_SC_PAGESIZE);
    return page > 0 ? (usize)page : 4096;
}

bool dv_exec_alloc(ExecMemory *memory, usize size_bytes)
{
    usize mask = dv_exec_page_bytes() - 1;
    *memory = (ExecMemory){NULL, 0};
    if (size_bytes == 0 || size_bytes > SIZE_MAX - mask) {
        return false;
    }
    size_bytes = (size_bytes + mask) & ~mask;
    void *pages =
        mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return false;
    }
    *memory = (ExecMemory){pages, size_bytes};
    return true;
}

bool dv_exec_seal(ExecMemory *memory)
{
    return dv_exec_seal_first(memory, memory->size_bytes);
}

bool dv_exec_seal_first(ExecMemory *memory, usize size_bytes)
{
    return mprotect(memory->bytes, size_bytes, PROT_READ | PROT_EXEC) == 0;
}

void dv_exec_free(ExecMemory *memory)
{
    if (memory->bytes != NULL) {
        munmap(memory->bytes, memory->size_bytes);
    }
    *memory = (ExecMemory){NULL, 0};
}

#else

usize dv_exec_page_bytes(void)
{
    return 4096;
}

bool dv_exec_seal_first(ExecMemory *memory, usize size_bytes)
{
    (void)memory;
    (void)size_bytes;
    return false;
}

bool dv_exec_alloc(ExecMemory *memory, usize size_bytes)
{
    (void)size_bytes;
    *memory = (ExecMemory){NULL, 0};
    return false;
}

bool dv_exec_seal(ExecMemory *memory)
{
    (void)memory;
    return false;
}

void dv_exec_free(ExecMemory *memory)
{
    *memory = (ExecMemory){NULL, 0};
}

#endif
