/* run.c - a program that links libdavit-vm alone: loads the artifact of sum.wat and calls it; and asks for the compiler
 * that is not there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wasm.h"

static void require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "failed: %s\n", what);
        exit(1);
    }
}

static void read_file(const char *path, wasm_byte_vec_t *out)
{
    FILE *file = fopen(path, "rb");
    require(file != NULL, "the artifact can be opened");
    require(fseek(file, 0, SEEK_END) == 0, "the artifact can be read");
    long size = ftell(file);
    rewind(file);
    wasm_byte_vec_new_uninitialized(out, (size_t)size);
    require(fread(out->data, 1, out->size, file) == out->size, "the artifact can be read");
    fclose(file);
}

static wasm_trap_t *call(const wasm_extern_vec_t *exports, size_t index, int32_t argument,
                         int32_t *result)
{
    wasm_val_t args[1] = {WASM_I32_VAL(argument)}, results[1] = {WASM_INIT_VAL};
    wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args), result_vec = WASM_ARRAY_VEC(results);
    wasm_trap_t *trap =
        wasm_func_call(wasm_extern_as_func(exports->data[index]), &arg_vec, &result_vec);
    *result = results[0].of.i32;
    return trap;
}

int main(int argc, char **argv)
{
    static const char module_bytes[] = "\0asm\1\0\0";
    require(argc == 2, "one artifact is named");
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_byte_vec_t artifact, binary;
    read_file(argv[1], &artifact);
    wasm_module_t *module = wasm_module_deserialize(store, &artifact);
    require(module != NULL, "the artifact is accepted");
    wasm_extern_vec_t imports = WASM_EMPTY_VEC, exports;
    wasm_instance_t *instance = wasm_instance_new(store, module, &imports, NULL);
    require(instance != NULL, "it can be instantiated");
    wasm_instance_exports(instance, &exports);
    require(exports.size == 3, "it has three exports");
    int32_t sum;
    require(call(&exports, 1, 20, &sum) == NULL && sum == 210, "sum(20) is 210");
    wasm_trap_t *trap = call(&exports, 2, 0, &sum);
    require(trap != NULL, "fail(0) traps");
    wasm_trap_delete(trap);
    wasm_byte_vec_new(&binary, sizeof module_bytes, module_bytes);
    require(wasm_module_new(store, &binary) == NULL, "nothing can be compiled here");
    wasm_byte_vec_delete(&binary);
    wasm_byte_vec_delete(&artifact);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    printf("libdavit-vm by itself: ok\n");
    return 0;
}
