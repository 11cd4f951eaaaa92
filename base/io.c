/* io.c - reading and writing whole files. Sizes are found by reading, not asked for, so that pipes
 * work. */
#include "io.h"

#include <errno.h>
#include <stdio.h>

#include "bytes.h"
#include "diag.h"

enum { READ_SIZE = 64 * 1024 };

/* errno may be left zero by the C library, which need not set it for files. */
static davit_status_t report(Arena *arena, const char *path, const char *what, int code,
                             const char **error)
{
    const char *shown = dv_diag_quote(arena, path, strlen(path));
    *error = dv_arena_printf(arena, "%s: cannot %s: %s", shown, what,
                             code != 0 ? strerror(code) : "unknown reason");
    return DAVIT_ERROR_IO;
}

static bool is_standard(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* Reads to the end or to one byte beyond the limit. */
static void read_all(FILE *file, usize limit_bytes, ByteBuf *buf)
{
    usize got = 1;
    while (got != 0 && (limit_bytes == 0 || buf->len <= limit_bytes)) {
        u8 *at = dv_bytebuf_extend(buf, READ_SIZE);
        got = fread(at, 1, READ_SIZE, file);
        buf->len -= READ_SIZE - got;
    }
}

davit_status_t dv_io_read(Arena *arena, const char *path, usize limit_bytes, IoBytes *out,
                          const char **error)
{
    errno = 0;
    FILE *file = is_standard(path) ? stdin : fopen(path, "rb");
    if (file == NULL) {
        return report(arena, path, "open", errno, error);
    }
    ByteBuf buf;
    dv_bytebuf_init(&buf, arena);
    Escape escape;
    dv_escape_enter(&escape, arena->pool);
    if (setjmp(escape.env) == 0) {
        read_all(file, limit_bytes, &buf);
        dv_bytebuf_u8(&buf, 0);
    }
    dv_escape_leave(&escape, arena->pool);
    bool failed = ferror(file) != 0;
    int code = errno;
    if (file != stdin) {
        fclose(file);
    }
    if (escape.status != DAVIT_OK) {
        dv_escape(arena->pool, escape.status);
    }
    if (failed) {
        return report(arena, path, "read", code, error);
    }
    *out = (IoBytes){buf.data, buf.len - 1};
    if (limit_bytes != 0 && out->size > limit_bytes) {
        *error = dv_arena_printf(arena, "%s: larger than the limit of %zu bytes",
                                 dv_diag_quote(arena, path, strlen(path)), limit_bytes);
        return DAVIT_ERROR_LIMIT;
    }
    return DAVIT_OK;
}

static bool file_exists(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        fclose(file);
    }
    return file != NULL;
}

static bool write_all(FILE *file, IoBytes bytes)
{
    bool ok = bytes.size == 0 || fwrite(bytes.data, 1, bytes.size, file) == bytes.size;
    return fflush(file) == 0 && ok;
}

davit_status_t dv_io_write(Arena *arena, const char *path, IoBytes bytes, const char **error)
{
    errno = 0;
    if (is_standard(path)) {
        return write_all(stdout, bytes) ? DAVIT_OK : report(arena, path, "write", errno, error);
    }
    const char *target = file_exists(path) ? path : dv_arena_printf(arena, "%s.part", path);
    errno = 0;
    FILE *file = fopen(target, "wb");
    if (file == NULL) {
        return report(arena, path, "create", errno, error);
    }
    bool ok = write_all(file, bytes);
    int code = errno;
    ok = fclose(file) == 0 && ok;
    ok = ok && (target == path || rename(target, path) == 0);
    if (!ok && code == 0) {
        code = errno;
    }
    if (!ok && target != path) {
        remove(target);
    }
    return ok ? DAVIT_OK : report(arena, path, "write", code, error);
}
