/* check.h - what the programs of this folder share: a line for each check, and the exit status.
 *
 * Each is compiled for wasm32-wasi and run with one preopened directory, which is empty (descriptor 3, "/"),
 * unless it says otherwise. It prints "ok: ..." or "FAILED: ..." for each check, and ends with status 0 if
 * none failed.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

enum { ROOT = 3 };

static int failures;

static inline void check(bool ok, const char *what, int line)
{
    printf("%s: %s (line %d)\n", ok ? "ok" : "FAILED", what, line);
    failures += !ok;
}

static inline void check_error(unsigned got, unsigned want, const char *what, int line)
{
    if (got == want) {
        printf("ok: %s (line %d)\n", what, line);
    } else {
        printf("FAILED: %s: errno %u instead of %u (line %d)\n", what, got, want, line);
        failures++;
    }
}

#define CHECK(condition) check((condition), #condition, __LINE__)
/* The call gives this error; SUCCESS for none. */
#define GIVES(call, error) \
    check_error((call), __WASI_ERRNO_##error, #call " gives " #error, __LINE__)

static inline int finish(void)
{
    return failures == 0 ? 0 : 1;
}

/* ---- Short forms of calls ---- */

static const __wasi_rights_t ALL_OF_FILES =
    __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL |
    __WASI_RIGHTS_FD_SYNC | __WASI_RIGHTS_FD_DATASYNC | __WASI_RIGHTS_FD_ADVISE |
    __WASI_RIGHTS_FD_ALLOCATE | __WASI_RIGHTS_FD_FILESTAT_GET | __WASI_RIGHTS_FD_FILESTAT_SET_SIZE |
    __WASI_RIGHTS_FD_FILESTAT_SET_TIMES | __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS |
    __WASI_RIGHTS_POLL_FD_READWRITE;

static inline __wasi_errno_t open_at(__wasi_fd_t dir, const char *path, __wasi_lookupflags_t lookup,
                                     __wasi_oflags_t oflags, __wasi_rights_t rights,
                                     __wasi_fd_t *fd)
{
    return __wasi_path_open(dir, lookup, path, oflags, rights, 0, 0, fd);
}

/* Makes an empty file. */
static inline __wasi_errno_t touch(const char *path)
{
    __wasi_fd_t fd;
    __wasi_errno_t error = open_at(ROOT, path, 0, __WASI_OFLAGS_CREAT, 0, &fd);
    return error != 0 ? error : __wasi_fd_close(fd);
}

static inline __wasi_errno_t write_text(__wasi_fd_t fd, const char *text, size_t *written)
{
    __wasi_ciovec_t vector = {(const uint8_t *)text, strlen(text)};
    return __wasi_fd_write(fd, &vector, 1, written);
}

/* At most 255 bytes, with a NUL. */
static inline __wasi_errno_t read_text(__wasi_fd_t fd, char text[256])
{
    size_t got = 0;
    __wasi_iovec_t vector = {(uint8_t *)text, 255};
    __wasi_errno_t error = __wasi_fd_read(fd, &vector, 1, &got);
    text[got] = '\0';
    return error;
}

#endif
