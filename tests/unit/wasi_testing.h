/* wasi_testing.h - what the tests of WASI share: a world with a directory of its own, a program's memory that
 * ends where the allocation ends, and calls through the table by name.
 *
 *     World w;
 *     world_open(&w, NULL);
 *     assert_int_equal(CALL(&w, "fd_close", 3), WASI_ESUCCESS);
 *     world_close(&w);
 *
 * The world: top/root is preopened as descriptor 3 under the name "/", top/outside holds "secret" and
 * must never be reached.
 */
#ifndef DV_WASI_TESTING_H
#define DV_WASI_TESTING_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "base/bytes.h"
#include "wasm/wasi/abi.h"
#include "wasm/wasi/wasi.h"

enum {
    MEMORY_BYTES = 65536,
    PATH_AT = 0x1000,  /* where helpers put a path */
    PATH2_AT = 0x3000, /* and a second one */
    OUT_AT = 0x100,    /* results */
    VECTOR_AT = 0x200, /* vectors of buffers */
    DATA_AT = 0x8000,
    ROOT = 3 /* the preopened directory */
};

typedef struct World {
    char top[64];
    char root[96];
    char outside[96];
    Fixture counts; /* of the allocator */
    Wasi *wasi;
    u8 *memory;
    u32 outcome; /* of the last call */
} World;

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* "top/root/name" and the like; valid until the next call. */
static inline const char *path_in(const char *dir, const char *name)
{
    static char path[512];
    assert_true(snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path);
    return path;
}

/* With the preopen, closed streams, and whatever else config (may be NULL) says. */
static inline void world_open(World *w, const WasiConfig *config)
{
    memset(w, 0, sizeof *w);
    strcpy(w->top, "/tmp/davit-wasi-XXXXXX");
    assert_non_null(mkdtemp(w->top));
    assert_true(snprintf(w->root, sizeof w->root, "%s/root", w->top) < (int)sizeof w->root);
    assert_true(snprintf(w->outside, sizeof w->outside, "%s/outside", w->top) <
                (int)sizeof w->outside);
    assert_int_equal(mkdir(w->root, 0777), 0);
    assert_int_equal(mkdir(w->outside, 0777), 0);
    write_file(path_in(w->outside, "secret"), "secret");
    WasiPreopen preopen = {.host_path = w->root, .guest_path = "/"};
    WasiConfig full = {0};
    if (config != NULL) {
        full = *config;
    }
    if (full.preopens == NULL) {
        full.preopens = &preopen;
        full.preopen_count = 1;
    } else if (full.preopen_count == 1) {
        preopen.read_only = full.preopens[0].read_only;
        full.preopens = &preopen;
    }
    full.allocator = (davit_allocator_t){count_alloc, count_free, &w->counts};
    char error[256] = "";
    davit_status_t status = dv_wasi_new(&full, &w->wasi, error, sizeof error);
    if (status != DAVIT_OK) {
        print_error("%s\n", error);
    }
    assert_int_equal(status, DAVIT_OK);
    w->memory = calloc(1, MEMORY_BYTES);
    assert_non_null(w->memory);
}

static inline void world_close(World *w)
{
    char command[256];
    dv_wasi_free(w->wasi);
    free(w->memory);
    assert_int_equal(w->counts.live_blocks, 0);
    assert_int_equal(w->counts.live_bytes, 0);
    assert_true(strncmp(w->top, "/tmp/davit-wasi-", 16) == 0);
    (void)snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", w->top, w->top);
    assert_int_equal(system(command), 0);
}

static inline const WasiFunc *find_func(const char *name)
{
    u32 count;
    const WasiFunc *funcs = dv_wasi_funcs(&count);
    for (u32 i = 0; i < count; i++) {
        if (strcmp(funcs[i].name, name) == 0) {
            return &funcs[i];
        }
    }
    fail_msg("no function %s", name);
    return NULL;
}

/* The errno; 0xffff if the call did not go on (outcome says). */
static inline u32 call_func(World *w, const char *name, const u64 *args, usize count)
{
    const WasiFunc *func = find_func(name);
    u64 result = 0xffff;
    assert_int_equal(strlen(func->params), count);
    w->outcome = func->fn(w->wasi, (WasiMemory){w->memory, MEMORY_BYTES}, args, &result);
    return (u32)result;
}

#define CALL(w, name, ...) \
    call_func((w), (name), (const u64[]){__VA_ARGS__}, sizeof((const u64[]){__VA_ARGS__}) / 8)

static inline u32 get_u32(const World *w, u32 at)
{
    return load_le32(w->memory + at);
}

static inline u64 get_u64(const World *w, u32 at)
{
    return load_le64(w->memory + at);
}

static inline u64 put_text(World *w, u32 at, const char *text)
{
    memcpy(w->memory + at, text, strlen(text) + 1);
    return strlen(text);
}

#define PATH(w, text) PATH_AT, put_text((w), PATH_AT, (text))
#define PATH2(w, text) PATH2_AT, put_text((w), PATH2_AT, (text))

/* A vector of one buffer at VECTOR_AT. */
static inline void put_vector(World *w, u32 index, u32 data, u32 size)
{
    store_le32(w->memory + VECTOR_AT + index * 8, data);
    store_le32(w->memory + VECTOR_AT + index * 8 + 4, size);
}

/* path_open; the descriptor in *fd. */
static inline u32 open_path(World *w, u32 dir, const char *path, u32 oflags, u64 rights, u32 *fd)
{
    u32 error = CALL(w, "path_open", dir, 0, PATH(w, path), oflags, rights, RIGHTS_ALL, 0, OUT_AT);
    *fd = error == WASI_ESUCCESS ? get_u32(w, OUT_AT) : UINT32_MAX;
    return error;
}

enum {
    RIGHTS_FILE = RIGHT_FD_READ | RIGHT_FD_WRITE | RIGHT_FD_SEEK | RIGHT_FD_TELL | RIGHT_FD_SYNC |
                  RIGHT_FD_DATASYNC | RIGHT_FD_ADVISE | RIGHT_FD_ALLOCATE | RIGHT_FD_FILESTAT_GET |
                  RIGHT_FD_FILESTAT_SET_SIZE | RIGHT_FD_FILESTAT_SET_TIMES |
                  RIGHT_FD_FDSTAT_SET_FLAGS | RIGHT_POLL_FD_READWRITE
};

/* A file of the program's, made and opened with all rights. */
static inline u32 make_file(World *w, const char *path)
{
    u32 fd;
    assert_int_equal(open_path(w, ROOT, path, OFLAGS_CREAT, RIGHTS_FILE, &fd), WASI_ESUCCESS);
    return fd;
}

static inline u32 write_text(World *w, u32 fd, const char *text)
{
    put_vector(w, 0, DATA_AT, (u32)put_text(w, DATA_AT, text));
    return CALL(w, "fd_write", fd, VECTOR_AT, 1, OUT_AT);
}

/* Reads at most 4096 bytes to DATA_AT, with a NUL after them. */
static inline u32 read_text(World *w, u32 fd)
{
    put_vector(w, 0, DATA_AT, 4096);
    u32 error = CALL(w, "fd_read", fd, VECTOR_AT, 1, OUT_AT);
    w->memory[DATA_AT + (error == WASI_ESUCCESS ? get_u32(w, OUT_AT) : 0)] = 0;
    return error;
}

static inline const char *data_text(const World *w)
{
    return (const char *)w->memory + DATA_AT;
}

#endif
