/* wasi.c - WASI through the C API: arguments, environment, streams captured and fed, directories, exit. */
#include "capi_testing.h"

/* Copies standard input to standard output, then says how many arguments and variables it has by its exit status. */
static const char source[] =
    "(module\n"
    " (import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32) (result i32)))\n"
    " (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read (param i32 i32 i32 i32) (result i32)))\n"
    " (import \"wasi_snapshot_preview1\" \"fd_prestat_get\" (func $prestat (param i32 i32) (result i32)))\n"
    " (import \"wasi_snapshot_preview1\" \"args_sizes_get\" (func $args (param i32 i32) (result i32)))\n"
    " (import \"wasi_snapshot_preview1\" \"environ_sizes_get\" (func $env (param i32 i32) (result i32)))\n"
    " (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))\n"
    " (memory (export \"memory\") 1)\n"
    " (data (i32.const 0) \"\\00\\01\\00\\00\\40\\00\\00\\00\")\n" /* iovec: 64 bytes at 256 */
    " (func (export \"_start\")\n"
    "  (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)) (then (unreachable)))\n"
    "  (i32.store (i32.const 4) (i32.load (i32.const 16)))\n"
    "  (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)) (then (unreachable)))\n"
    "  (drop (call $args (i32.const 32) (i32.const 36)))\n"
    "  (drop (call $env (i32.const 40) (i32.const 44)))\n"
    "  (call $exit (i32.add (i32.mul (i32.const 16) (i32.load (i32.const 32)))"
    "   (i32.add (i32.load (i32.const 40)) (i32.mul (i32.const 64) (call $prestat (i32.const 3) (i32.const 48))))))))";

typedef struct Stream {
    char text[100];
    size_t size;
} Stream;

static int64_t read_some(void *context, void *to, size_t size)
{
    Stream *in = context;
    size_t count = in->size < size ? in->size : size;
    memcpy(to, in->text, count);
    in->size -= count;
    return (int64_t)count;
}

static int64_t write_some(void *context, const void *from, size_t size)
{
    Stream *out = context;
    CHECK(out->size + size <= sizeof out->text);
    memcpy(out->text + out->size, from, size);
    out->size += size;
    return (int64_t)size;
}

static int32_t run(wasm_store_t *store, const wasm_module_t *module, const davit_wasi_t *wasi)
{
    davit_wasm_linker_t *linker = davit_wasm_linker_new(store);
    if (davit_wasm_linker_wasi(linker, wasi) != DAVIT_OK) {
        fprintf(stderr, "%s\n", davit_wasm_error(store));
        exit(1);
    }
    wasm_trap_t *trap = NULL;
    wasm_instance_t *instance = davit_wasm_linker_instantiate(linker, module, &trap);
    NEED(store, instance);
    davit_wasm_linker_delete(linker);
    wasm_func_t *start = func_of(store, instance, "_start");
    trap = wasm_func_call(start, NULL, NULL);
    CHECK(trap != NULL && davit_wasm_trap_code(trap) == DAVIT_TRAP_EXIT);
    int32_t status = davit_wasm_trap_exit_status(trap);
    wasm_trap_delete(trap);
    wasm_func_delete(start);
    wasm_instance_delete(instance);
    return status;
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = module_of(store, source);
    static const char *const args[] = {"program", "one", "two"};
    static const char *const env[] = {"A=1", "B=2"};
    Stream in = {"captured", 8};
    Stream out = {"", 0};
    davit_wasi_t wasi = {.args = args, .num_args = 3, .env = env, .num_env = 2};
    wasi.stdio[0].kind = DAVIT_WASI_CALLBACK;
    wasi.stdio[0].read = read_some;
    wasi.stdio[0].context = &in;
    wasi.stdio[1].kind = DAVIT_WASI_CALLBACK;
    wasi.stdio[1].write = write_some;
    wasi.stdio[1].context = &out;
    int32_t none = run(store, module, &wasi); /* 8 is EBADF: no directory */
    CHECK(none == 16 * 3 + 2 + 64 * 8);
    CHECK(out.size == 8 && memcmp(out.text, "captured", 8) == 0);

#if defined(__unix__) || defined(__APPLE__)
    static const davit_wasi_dir_t dirs[] = {{".", "/here", true}};
    wasi.dirs = dirs;
    wasi.num_dirs = 1;
    wasi.stdio[1] = (davit_wasi_stdio_t){.kind = DAVIT_WASI_NULL};
    CHECK(run(store, module, &wasi) == 16 * 3 + 2);
    static const davit_wasi_dir_t absent[] = {{"no/such/directory", "/x", false}};
    wasi.dirs = absent;
    davit_wasm_linker_t *linker = davit_wasm_linker_new(store);
    CHECK(davit_wasm_linker_wasi(linker, &wasi) == DAVIT_ERROR_IO);
    CHECK(strstr(davit_wasm_error(store), "no/such/directory") != NULL);
    davit_wasm_linker_delete(linker);
#endif
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
