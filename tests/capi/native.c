/* native.c - the engine of machine code: guard pages and comparisons, traps, artifacts, what is refused. Where there is none, that it is
 * refused. */
#include <davit/codegen.h> /* DAVIT_TRAP_ codes */

#include "capi_testing.h"

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>
#endif

static const char source[] =
    "(module (import \"\" \"f\" (func $f (param i64) (result i64))) (memory 1)\n"
    " (func (export \"sum\") (param i32) (result i64) (local i64)\n"
    "  (loop (local.set 1 (call $f (local.get 1)))\n"
    "   (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))\n"
    "  (local.get 1))\n"
    " (func (export \"load\") (param i32) (result i32) (i32.load (local.get 0)))\n"
    " (func $deep (export \"deep\") (param i32) (result i32) (call $deep (local.get 0))))";

static wasm_engine_t *native_engine(bool guard_pages)
{
    wasm_config_t *config = wasm_config_new();
    if (davit_wasm_config_engine(config, DAVIT_ENGINE_NATIVE) != DAVIT_OK) {
        wasm_config_delete(config);
        return NULL;
    }
    davit_wasm_config_guard_pages(config, guard_pages);
    return wasm_engine_new_with_config(config);
}

static wasm_trap_t *add_seven(void *env, wasm_store_t *store, const davit_wasm_slot_t *args,
                              davit_wasm_slot_t *results)
{
    (void)env;
    (void)store;
    results[0] = davit_slot_i64(davit_slot_to_i64(args[0]) + 7);
    return NULL;
}

static wasm_instance_t *link_module(wasm_store_t *store, wasm_module_t *module)
{
    wasm_func_t *func = davit_wasm_func_new(store, "I", "I", add_seven, NULL, NULL);
    NEED(store, func);
    wasm_extern_t *imports[] = {wasm_func_as_extern(func)};
    wasm_extern_vec_t vec = {1, imports};
    wasm_instance_t *instance = wasm_instance_new(store, module, &vec, NULL);
    NEED(store, instance);
    wasm_func_delete(func);
    return instance;
}

static uint32_t trap_of(wasm_store_t *store, const wasm_instance_t *instance, const char *name,
                        int32_t x)
{
    wasm_func_t *func = func_of(store, instance, name);
    davit_wasm_slot_t arg = davit_slot_i32(x), result = {0, 0};
    wasm_trap_t *trap = davit_wasm_call(func, &arg, &result);
    uint32_t code = 0;
    if (trap != NULL) {
        wasm_frame_t *origin = wasm_trap_origin(trap);
        CHECK(origin != NULL && wasm_frame_module_offset(origin) != 0);
        code = davit_wasm_trap_code(trap);
        wasm_frame_delete(origin);
        wasm_trap_delete(trap);
    }
    wasm_func_delete(func);
    return code;
}

static void check_calls(wasm_store_t *store, const wasm_instance_t *instance)
{
    wasm_func_t *sum = func_of(store, instance, "sum");
    davit_wasm_slot_t arg = davit_slot_i32(1000), result = {0, 0};
    wasm_trap_t *trap = NULL;
    CHECK(davit_wasm_call(sum, &arg, &result) == NULL && davit_slot_to_i64(result) == 7000);
    CHECK(davit_wasm_call_resumable(sum, &arg, &result, &trap) == DAVIT_CALL_TRAPPED);
    CHECK(trap != NULL && davit_wasm_status(store) == DAVIT_ERROR_UNSUPPORTED);
    wasm_trap_delete(trap);
    wasm_func_delete(sum);
    CHECK(trap_of(store, instance, "load", 65532) == 0);
    CHECK(trap_of(store, instance, "load", 65533) == DAVIT_TRAP_HEAP_OOB);
    CHECK(trap_of(store, instance, "load", -1) == DAVIT_TRAP_HEAP_OOB);
    CHECK(trap_of(store, instance, "deep", 0) == DAVIT_TRAP_STK_OVF);
}

static void check_engine(bool guard_pages)
{
    wasm_engine_t *engine = native_engine(guard_pages);
    if (engine == NULL) {
        return;
    }
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = module_of(store, source);
    wasm_instance_t *instance = link_module(store, module);
    check_calls(store, instance);
    wasm_instance_delete(instance);

    wasm_byte_vec_t bytes;
    wasm_module_serialize(module, &bytes);
    wasm_module_delete(module);
    CHECK(wasm_module_deserialize(store, &bytes) == NULL);
    CHECK(davit_wasm_status(store) == DAVIT_ERROR_UNSUPPORTED);
    module = davit_wasm_module_load(store, bytes.data, bytes.size, DAVIT_LOAD_NATIVE);
    NEED(store, module);
    instance = link_module(store, module);
    check_calls(store, instance);
    wasm_instance_delete(instance);
    wasm_module_delete(module);
    wasm_byte_vec_delete(&bytes);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

/* Bytecode and native code of the same store call each other. */
static void check_mixed(void)
{
    wasm_engine_t *bytecode = bytecode_engine(), *engine = native_engine(true);
    if (engine != NULL) {
        wasm_store_t *store = wasm_store_new(bytecode);
        wasm_module_t *module = module_of(store, source);
        wasm_byte_vec_t bytes;
        wasm_module_serialize(module, &bytes);
        wasm_module_delete(module);
        wasm_store_delete(store);
        store = wasm_store_new(engine);
        module = wasm_module_deserialize(store, &bytes);
        NEED(store, module);
        wasm_instance_t *inner = link_module(store, module);
        wasm_module_delete(module);
        wasm_func_t *load = func_of(store, inner, "load");
        wasm_extern_t *imports[] = {wasm_func_as_extern(load)};
        wasm_instance_t *outer =
            instance_of(store,
                        "(module (import \"\" \"load\" (func $load (param i32) (result i32)))\n"
                        " (func (export \"twice\") (param i32) (result i32)\n"
                        "  (i32.add (call $load (local.get 0)) (call $load (local.get 0)))))",
                        imports, 1);
        CHECK(trap_of(store, outer, "twice", 0) == 0);
        CHECK(trap_of(store, outer, "twice", 70000) == DAVIT_TRAP_HEAP_OOB);
        wasm_func_delete(load);
        wasm_instance_delete(outer);
        wasm_instance_delete(inner);
        wasm_byte_vec_delete(&bytes);
        wasm_store_delete(store);
        wasm_engine_delete(engine);
    }
    wasm_engine_delete(bytecode);
}

/* How deep calls may go is what the limit of the stack says, more than the standard or less. */
static void check_stack(uint32_t stack_bytes, int32_t depth, uint32_t code)
{
    static const char down[] = "(module (func $down (export \"down\") (param i32) (result i32)\n"
                               " (if (result i32) (local.get 0)\n"
                               "  (then (i32.add (local.get 0)\n"
                               "   (call $down (i32.sub (local.get 0) (i32.const 1)))))\n"
                               "  (else (i32.const 0)))))";
    wasm_config_t *config = wasm_config_new();
    davit_wasm_limits_t limits = {0};
    limits.stack_bytes = stack_bytes;
    davit_wasm_config_limits(config, &limits);
    wasm_engine_t *engine = wasm_engine_new_with_config(config);
    wasm_store_t *store = wasm_store_new(engine);
    wasm_instance_t *instance = instance_of(store, down, NULL, 0);
    CHECK(trap_of(store, instance, "down", depth) == code);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

#if defined(__linux__)
/* Reads the file, and removes it. */
static void read_map(char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    FILE *map = fopen(path, "r");
    size_t length = map == NULL ? 0 : fread(text, 1, size - 1, map);
    text[length] = 0;
    if (map != NULL) {
        fclose(map);
        remove(path);
    }
}

/* perf is told of functions when it is asked for: by their names in the module, or their numbers. */
static void check_perf_map(void)
{
    static const char named[] = "(module (func $square (export \"f\") (param i32) (result i32)\n"
                                " (i32.mul (local.get 0) (local.get 0)))\n"
                                " (func (param i32) (result i32) (local.get 0))\n"
                                " (func $\"a\\nb\"))";
    for (int on = 0; on < 2; on++) {
        wasm_config_t *config = wasm_config_new();
        char text[1024], lines[3][32];
        unsigned long long start, size, end = 0;
        if (davit_wasm_config_engine(config, DAVIT_ENGINE_NATIVE) != DAVIT_OK) {
            wasm_config_delete(config);
            return;
        }
        davit_wasm_config_perf_map(config, on);
        wasm_engine_t *engine = wasm_engine_new_with_config(config);
        wasm_store_t *store = wasm_store_new(engine);
        read_map(text, sizeof text);
        wasm_module_t *module = module_of(store, named);
        NEED(store, module);
        read_map(text, sizeof text);
        CHECK((text[0] != 0) == on);
        const char *line = text;
        for (int i = 0; on && i < 3; i++) {
            CHECK(sscanf(line, "%llx %llx %31[^\n]", &start, &size, lines[i]) == 3);
            CHECK(start >= end && size > 0);
            end = start + size;
            line = strchr(line, '\n') + 1;
        }
        CHECK(!on || (*line == 0 && strcmp(lines[0], "square") == 0 &&
                      strcmp(lines[1], "wasm[1]") == 0 && strcmp(lines[2], "a\\x0ab") == 0));
        wasm_module_delete(module);
        wasm_store_delete(store);
        wasm_engine_delete(engine);
    }
}

/* A process may be given few addresses: then code compares. */
static void check_few_addresses(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    unsigned long long pages = 0;
    struct rlimit before;
    if (statm == NULL || fscanf(statm, "%llu", &pages) != 1 || getrlimit(RLIMIT_AS, &before) != 0) {
        return;
    }
    fclose(statm);
    struct rlimit few = before;
    few.rlim_cur = (rlim_t)(pages * (unsigned long long)sysconf(_SC_PAGESIZE) + (3ull << 30));
    if (before.rlim_cur != RLIM_INFINITY || setrlimit(RLIMIT_AS, &few) != 0) {
        return;
    }
    check_engine(true);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
}
#else
static void check_perf_map(void)
{
}

static void check_few_addresses(void)
{
}
#endif

int main(void)
{
    check_engine(true);
    check_engine(false);
    check_mixed();
    check_stack(0, 5000, 0);
    check_stack(64 << 10, 5000, DAVIT_TRAP_STK_OVF);
    check_stack(5 << 20, 50000, 0);
    check_perf_map();
    check_few_addresses();
    return 0;
}
