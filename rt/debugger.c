/* debugger.c - the lists of code made at run time that other programs read.
 *
 * Unwinders are those of the program, if it has one: libgcc takes a whole section by __register_frame, LLVM's
 * libunwind by a function of its own (its __register_frame takes single entries). They are named weakly, so that
 * programs without need not have them. gdb finds two symbols by their names and stops where the function is. */
#if defined(__unix__) || defined(__APPLE__)
#define HAS_PROCESSES 1
#else
#define HAS_PROCESSES 0
#endif

#include "rt/debugger.h"

#include "base/threads.h"

#if HAS_PROCESSES
#include <unistd.h>
#endif

#if DV_HAS_WEAK
void __register_frame(const void *) DV_WEAK;
void __deregister_frame(const void *) DV_WEAK;
void __unw_add_dynamic_eh_frame_section(uintptr_t) DV_WEAK;
void __unw_remove_dynamic_eh_frame_section(uintptr_t) DV_WEAK;

void dv_frames_register(const u8 *eh_frame)
{
    if (__unw_add_dynamic_eh_frame_section != NULL) {
        __unw_add_dynamic_eh_frame_section((uintptr_t)eh_frame);
    } else if (__register_frame != NULL) {
        __register_frame(eh_frame);
    }
}

void dv_frames_forget(const u8 *eh_frame)
{
    if (__unw_remove_dynamic_eh_frame_section != NULL) {
        __unw_remove_dynamic_eh_frame_section((uintptr_t)eh_frame);
    } else if (__deregister_frame != NULL) {
        __deregister_frame(eh_frame);
    }
}

/* gdb's names and layout. Other libraries in the process that make code may have the same, so these give way. */
struct jit_descriptor {
    u32 version, action;
    GdbEntry *relevant, *first;
};
enum { GDB_NOTHING, GDB_REGISTER, GDB_FORGET };
extern struct jit_descriptor __jit_debug_descriptor;
void __jit_debug_register_code(void);

DV_WEAK struct jit_descriptor __jit_debug_descriptor = {1, GDB_NOTHING, NULL, NULL};
/* gdb's breakpoint is here; calls of it are not left out, since it reads what may change. */
DV_WEAK DV_NOINLINE void __jit_debug_register_code(void)
{
    (void)*(volatile u32 *)&__jit_debug_descriptor.action;
}

static Mutex locks = MUTEX_INIT;

void dv_gdb_register(GdbEntry *entry)
{
    dv_mutex_lock(&locks);
    entry->prev = NULL;
    entry->next = __jit_debug_descriptor.first;
    if (entry->next != NULL) {
        entry->next->prev = entry;
    }
    __jit_debug_descriptor.first = __jit_debug_descriptor.relevant = entry;
    __jit_debug_descriptor.action = GDB_REGISTER;
    __jit_debug_register_code();
    dv_mutex_unlock(&locks);
}

void dv_gdb_forget(GdbEntry *entry)
{
    dv_mutex_lock(&locks);
    if (entry->prev != NULL) {
        entry->prev->next = entry->next;
    } else {
        __jit_debug_descriptor.first = entry->next;
    }
    if (entry->next != NULL) {
        entry->next->prev = entry->prev;
    }
    __jit_debug_descriptor.relevant = entry;
    __jit_debug_descriptor.action = GDB_FORGET;
    __jit_debug_register_code();
    dv_mutex_unlock(&locks);
}

#else

void dv_frames_register(const u8 *eh_frame)
{
    (void)eh_frame;
}

void dv_frames_forget(const u8 *eh_frame)
{
    (void)eh_frame;
}

void dv_gdb_register(GdbEntry *entry)
{
    (void)entry;
}

void dv_gdb_forget(GdbEntry *entry)
{
    (void)entry;
}

#endif

FILE *dv_perf_map_open(void)
{
#if HAS_PROCESSES
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    return fopen(path, "a");
#else
    return NULL;
#endif
}

void dv_perf_map_add(FILE *map, Str name, const void *start, usize size_bytes)
{
    fprintf(map, "%" PRIxPTR " %zx %.*s\n", (uintptr_t)start, size_bytes, (int)name.len, name.data);
}
