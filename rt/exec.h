/* exec.h - memory for code that is made at run time. It is writable or executable, never both. */
#ifndef DV_RT_EXEC_H
#define DV_RT_EXEC_H

#include "base/base.h"

typedef struct ExecMemory {
    u8 *bytes;
    usize size_bytes; /* whole pages */
} ExecMemory;

/* Zeroed, writable memory of at least that size. False if there is none to be had, or no way here to make memory
 * executable. */
bool dv_exec_alloc(ExecMemory *memory, usize size_bytes);
/* From now on it may be executed, and no longer be written. False if the system refuses. */
bool dv_exec_seal(ExecMemory *memory);
/* The same of the first bytes only, which are whole pages: what is behind them stays writable, and is never executed. */
bool dv_exec_seal_first(ExecMemory *memory, usize size_bytes);
/* What memory is sealed in multiples of. */
usize dv_exec_page_bytes(void);
void dv_exec_free(ExecMemory *memory);

#endif
