/* debugger.h - telling unwinders, gdb and perf of code that was made at run time.
 *
 * Each is optional: where the host has no such thing, nothing happens. The lists are the process's, and locked. */
#ifndef DV_RT_DEBUGGER_H
#define DV_RT_DEBUGGER_H

#include <stdio.h>

#include "base/base.h"

/* .eh_frame, which ends with a length of 0 and stays until it is forgotten: from then on the unwinder that the
 * program is linked with walks through that code. */
void dv_frames_register(const u8 *eh_frame);
void dv_frames_forget(const u8 *eh_frame);

/* gdb's interface (Debugging with GDB, 30): an object file in memory, at the addresses its sections say. */
typedef struct GdbEntry {
    struct GdbEntry *next, *prev;
    const char *bytes;
    u64 size_bytes;
} GdbEntry;
/* The entry and its bytes stay where they are until it is forgotten. */
void dv_gdb_register(GdbEntry *entry);
void dv_gdb_forget(GdbEntry *entry);

/* /tmp/perf-PID.map, where perf looks for names, to add lines to, and be closed; NULL if it cannot be written. */
FILE *dv_perf_map_open(void);
/* A line of code with that name, which has no line breaks. */
void dv_perf_map_add(FILE *map, Str name, const void *start, usize size_bytes);

#endif
