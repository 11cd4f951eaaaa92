/* io.h - whole files in and out, with nothing but the C library. */
#ifndef DV_IO_H
#define DV_IO_H

#include "arena.h"

typedef struct IoBytes {
    const u8 *data; /* with a NUL after it that `size` does not count */
    usize size;
} IoBytes;

/* Reads a file, a pipe, or standard input if path is "-". More than limit_bytes (0: none) is
 * DAVIT_ERROR_LIMIT, any other failure DAVIT_ERROR_IO; *error then says what failed, with the path,
 * in the arena. Escapes when memory runs out, with the file closed. */
davit_status_t dv_io_read(Arena *arena, const char *path, usize limit_bytes, IoBytes *out,
                          const char **error);
/* Writes a file, or standard output if path is "-". A file that did not exist appears under its
 * name only when it is complete; one that exists is overwritten where it is, so that devices, links
 * and permissions stay. */
davit_status_t dv_io_write(Arena *arena, const char *path, IoBytes bytes, const char **error);

#endif
