/* wasm_artifact.c - compile once, run many times: a module is compiled to an artifact, which stores of other engines load;
 * WASI with what the program writes captured.
 */
#include <davit/wasm.h>
#include <stdio.h>

static const char text[] =
    "(module\n"
    "  (import \"wasi_snapshot_preview1\" \"fd_write\"\n"
    "    (func $write (param i32 i32 i32 i32) (result i32)))\n"
    "  (memory (export \"memory\") 1)\n"
    "  (data (i32.const 0) \"\\10\\00\\00\\00\\06\\00\\00\\00\")\n" /* 6 bytes at 16 */
    "  (data (i32.const 16) \"hello\\0a\")\n"
    "  (func (export \"_start\")\n"
    "    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))\n";

typedef struct Captured {
    char text[64];
    size_t size;
} Captured;

static int64_t capture(void *context, const void *from, size_t size)
{
    Captured *captured = context;
    size_t room = sizeof captured->text - captured->size;
    size_t count = size < room ? size : room;
    memcpy(captured->text + captured->size, from, count);
    captured->size += count;
    return (int64_t)count;
}

/* The artifact of the text; empty after an error. */
static wasm_byte_vec_t compile(void)
{
    wasm_config_t *config = wasm_config_new();
    davit_wasm_config_engine(config, DAVIT_ENGINE_PULLEY); /* bytecode, for any host */
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    wasm_store_t *store = wasm_store_new(engine);
    wasm_byte_vec_t binary;
    wasm_byte_vec_t artifact = WASM_EMPTY_VEC;
    if (davit_wasm_text_to_binary(store, text, sizeof text - 1, &binary) == DAVIT_OK) {
        wasm_module_t *module = wasm_module_new(store, &binary);
        if (module != NULL) {
            wasm_module_serialize(module, &artifact);
        }
        wasm_module_delete(module);
    }
    wasm_byte_vec_delete(&binary);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return artifact;
}

/* Runs the program with its output captured; false after an error, which is printed. */
static bool run(const wasm_byte_vec_t *artifact, Captured *captured)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = wasm_module_deserialize(store, artifact);
    davit_wasm_linker_t *linker = davit_wasm_linker_new(store);
    wasm_instance_t *instance = NULL;
    wasm_trap_t *trap = NULL;
    davit_wasi_t wasi = {0};
    wasi.stdio[1].kind = DAVIT_WASI_CALLBACK;
    wasi.stdio[1].write = capture;
    wasi.stdio[1].context = captured;
    if (module != NULL && davit_wasm_linker_wasi(linker, &wasi) == DAVIT_OK) {
        instance = davit_wasm_linker_instantiate(linker, module, &trap);
    }
    bool ok = false;
    if (instance != NULL) {
        wasm_extern_t *start = davit_wasm_instance_export(instance, "_start");
        trap = davit_wasm_call(wasm_extern_as_func(start), NULL, NULL);
        wasm_extern_delete(start);
        /* Programs that end by proc_exit trap with DAVIT_TRAP_EXIT; this one just returns. */
        ok = trap == NULL;
    }
    if (!ok) {
        fprintf(stderr, "%s\n", davit_wasm_error(store));
    }
    wasm_trap_delete(trap);
    wasm_instance_delete(instance);
    davit_wasm_linker_delete(linker);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return ok;
}

int main(void)
{
    wasm_byte_vec_t artifact = compile();
    Captured captured = {"", 0};
    bool ok = artifact.size != 0;
    for (int i = 0; i < 3 && ok; i++) {
        ok = run(&artifact, &captured);
    }
    printf("%.*s", (int)captured.size, captured.text);
    wasm_byte_vec_delete(&artifact);
    return ok && captured.size == 18 ? 0 : 1;
}
