/* wasm3.c - runs a WASI command on wasm3, to compare Davit with it: wasm3 PROGRAM.wasm [ARGUMENT…].
 *
 * The package in the Python registry is wasm3's C source without its WASI, so this supplies what the programs in
 * bench/programs import: arguments, writing to the standard streams, and the exit. `./dev bench --peers`
 * compiles it together with that source. Built only there: <wasm3.h> is wasm3's. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasm3.h>

enum {
    STACK_BYTES = 1 << 20,
    WASI_OK = 0,
    WASI_BADF = 8,
    WASI_SPIPE = 70,
    WASI_CHARACTER_DEVICE = 2
};

static const char exit_trap[] = "the program ended";

typedef struct {
    int argc;
    char **argv;
    int status;
} Command;

static Command *command_of(IM3Runtime runtime)
{
    return m3_GetUserData(runtime);
}

m3ApiRawFunction(args_sizes_get)
{
    m3ApiReturnType(uint32_t) m3ApiGetArgMem(uint32_t *, count) m3ApiGetArgMem(uint32_t *, bytes)
        const Command *command = command_of(runtime);
    uint32_t total = 0;
    (void)_ctx;
    m3ApiCheckMem(count, 4);
    m3ApiCheckMem(bytes, 4);
    for (int i = 0; i < command->argc; i++) {
        total += (uint32_t)strlen(command->argv[i]) + 1;
    }
    m3ApiWriteMem32(count, (uint32_t)command->argc);
    m3ApiWriteMem32(bytes, total);
    m3ApiReturn(WASI_OK)
}

m3ApiRawFunction(args_get)
{
    m3ApiReturnType(uint32_t) m3ApiGetArgMem(uint32_t *, pointers) m3ApiGetArgMem(char *, text)
        const Command *command = command_of(runtime);
    (void)_ctx;
    for (int i = 0; i < command->argc; i++) {
        size_t bytes = strlen(command->argv[i]) + 1;
        m3ApiCheckMem(pointers + i, 4);
        m3ApiCheckMem(text, bytes);
        m3ApiWriteMem32(pointers + i, m3ApiPtrToOffset(text));
        memcpy(text, command->argv[i], bytes);
        text += bytes;
    }
    m3ApiReturn(WASI_OK)
}

m3ApiRawFunction(fd_write)
{
    m3ApiReturnType(uint32_t) m3ApiGetArg(uint32_t, fd) m3ApiGetArgMem(uint32_t *, vectors)
        m3ApiGetArg(uint32_t, count) m3ApiGetArgMem(uint32_t *, written) uint32_t total = 0;
    (void)_ctx;
    if (fd != 1 && fd != 2) {
        m3ApiReturn(WASI_BADF)
    }
    m3ApiCheckMem(vectors, (uint64_t)count * 8);
    m3ApiCheckMem(written, 4);
    for (uint32_t i = 0; i < count; i++) {
        void *from = m3ApiOffsetToPtr(m3ApiReadMem32(vectors + 2 * i));
        uint32_t bytes = m3ApiReadMem32(vectors + 2 * i + 1);
        m3ApiCheckMem(from, bytes);
        total += (uint32_t)fwrite(from, 1, bytes, fd == 1 ? stdout : stderr);
    }
    m3ApiWriteMem32(written, total);
    m3ApiReturn(WASI_OK)
}

m3ApiRawFunction(fd_close)
{
    m3ApiReturnType(uint32_t)(void) runtime;
    (void)_ctx;
    (void)_mem;
    m3ApiReturn(WASI_OK)
}

m3ApiRawFunction(fd_seek)
{
    m3ApiReturnType(uint32_t)(void) runtime;
    (void)_ctx;
    (void)_mem;
    m3ApiReturn(WASI_SPIPE)
}

m3ApiRawFunction(fd_fdstat_get)
{
    m3ApiReturnType(uint32_t) m3ApiGetArg(uint32_t, fd) m3ApiGetArgMem(uint8_t *, stat)(void) _ctx;
    if (fd > 2) {
        m3ApiReturn(WASI_BADF)
    }
    m3ApiCheckMem(stat, 24);
    memset(stat, 0, 24);
    stat[0] = WASI_CHARACTER_DEVICE;
    m3ApiReturn(WASI_OK)
}

m3ApiRawFunction(proc_exit)
{
    m3ApiGetArg(uint32_t, status)(void) _ctx;
    (void)_mem;
    command_of(runtime)->status = (int)status;
    m3ApiTrap(exit_trap)
}

static uint8_t *read_file(const char *path, uint32_t *bytes)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    long size = 0;
    if (file && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0) {
        rewind(file);
        data = malloc((size_t)size);
        if (data && fread(data, 1, (size_t)size, file) != (size_t)size) {
            free(data);
            data = NULL;
        }
    }
    if (file) {
        fclose(file);
    }
    *bytes = (uint32_t)size;
    return data;
}

/* Supplies what the module imports of these; it may import fewer. */
static M3Result link_wasi(IM3Module module)
{
    static const struct {
        const char *name, *signature;
        M3RawCall function;
    } functions[] = {
        {"args_sizes_get", "i(**)", args_sizes_get},
        {"args_get", "i(**)", args_get},
        {"fd_write", "i(i*i*)", fd_write},
        {"fd_close", "i(i)", fd_close},
        {"fd_seek", "i(iIi*)", fd_seek},
        {"fd_fdstat_get", "i(i*)", fd_fdstat_get},
        {"proc_exit", "v(i)", proc_exit},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        M3Result result = m3_LinkRawFunction(module, "wasi_snapshot_preview1", functions[i].name,
                                             functions[i].signature, functions[i].function);
        if (result && result != m3Err_functionLookupFailed) {
            return result;
        }
    }
    return m3Err_none;
}

static M3Result run(IM3Environment environment, Command *command, const uint8_t *wasm,
                    uint32_t bytes)
{
    IM3Runtime runtime = m3_NewRuntime(environment, STACK_BYTES, command);
    IM3Module module;
    IM3Function start;
    M3Result result = m3_ParseModule(environment, &module, wasm, bytes);
    if (!result) {
        result = m3_LoadModule(runtime, module);
    }
    if (!result) {
        result = link_wasi(module);
    }
    if (!result) {
        result = m3_FindFunction(&start, runtime, "_start");
    }
    if (!result) {
        result = m3_CallV(start);
    }
    m3_FreeRuntime(runtime);
    return result == exit_trap ? m3Err_none : result;
}

int main(int argc, char **argv)
{
    Command command = {argc - 1, argv + 1, 0};
    uint32_t bytes;
    uint8_t *wasm = argc < 2 ? NULL : read_file(argv[1], &bytes);
    IM3Environment environment = m3_NewEnvironment();
    M3Result result =
        !wasm ? "usage: wasm3 PROGRAM.wasm [ARGUMENT…]" : run(environment, &command, wasm, bytes);
    if (result) {
        fprintf(stderr, "wasm3: %s\n", result);
        command.status = 1;
    }
    m3_FreeEnvironment(environment);
    free(wasm);
    return command.status;
}
