/* oom.c - the allocator fails, at each allocation in turn: every function gives its error value, and nothing is lost. */
#include "capi_testing.h"

static const char source[] =
    "(module (func $f (import \"\" \"f\") (param externref)) (memory (export \"m\") 1)\n"
    " (global $g (export \"g\") (mut externref) (ref.null extern)) (table (export \"t\") 1 externref)\n"
    " (func (export \"run\") (param externref) (global.set $g (local.get 0)) (call $f (local.get 0)))\n"
    " (func (export \"trap\") (unreachable)))";

static wasm_trap_t *pass(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)env;
    (void)results;
    CHECK(args->data[0].kind == WASM_EXTERNREF);
    return NULL;
}

/* Each step gives whether the next can be tried. */
static bool call(wasm_store_t *store, const wasm_instance_t *instance)
{
    wasm_extern_t *run = davit_wasm_instance_export(instance, "run");
    wasm_extern_t *trapping = davit_wasm_instance_export(instance, "trap");
    wasm_foreign_t *foreign = wasm_foreign_new(store);
    bool ok = run != NULL && trapping != NULL && foreign != NULL;
    if (ok) {
        wasm_val_t arg = val_ref(wasm_foreign_as_ref(foreign));
        wasm_val_vec_t arg_vec = {1, &arg};
        wasm_trap_t *trap = wasm_func_call(wasm_extern_as_func(run), &arg_vec, NULL);
        ok = trap == NULL;
        wasm_trap_delete(trap);
        trap = wasm_func_call(wasm_extern_as_func(trapping), NULL, NULL);
        CHECK(trap != NULL);
        wasm_message_t message;
        wasm_trap_message(trap, &message);
        CHECK(message.size > 1); /* "unreachable", or that memory ran out */
        wasm_byte_vec_delete(&message);
        wasm_frame_t *origin = wasm_trap_origin(trap);
        wasm_frame_delete(origin);
        wasm_trap_t *copy = wasm_trap_copy(trap);
        ok = ok && copy != NULL;
        wasm_trap_delete(copy);
        wasm_byte_vec_t text;
        davit_wasm_trap_backtrace(trap, &text);
        wasm_byte_vec_delete(&text);
        wasm_trap_delete(trap);
    }
    wasm_foreign_delete(foreign);
    wasm_extern_delete(run);
    wasm_extern_delete(trapping);
    return ok;
}

static bool instantiate(wasm_store_t *store, const wasm_module_t *module)
{
    wasm_functype_t *type = wasm_functype_new_1_0(wasm_valtype_new_externref());
    wasm_func_t *func = wasm_func_new_with_env(store, type, pass, NULL, NULL);
    davit_wasm_linker_t *linker = davit_wasm_linker_new(store);
    wasm_instance_t *instance = NULL;
    wasm_trap_t *trap = NULL;
    wasm_functype_delete(type);
    if (func != NULL && linker != NULL &&
        davit_wasm_linker_define(linker, "", "f", wasm_func_as_extern(func)) == DAVIT_OK) {
        instance = davit_wasm_linker_instantiate(linker, module, &trap);
        CHECK((instance == NULL) == (trap != NULL));
    }
    wasm_trap_delete(trap);
    bool ok = instance != NULL && call(store, instance);
    if (instance != NULL) {
        wasm_extern_vec_t exports;
        wasm_instance_exports(instance, &exports);
        ok = ok && exports.size == 5;
        wasm_extern_vec_delete(&exports);
        wasm_instance_set_host_info(instance, &exports);
    }
    wasm_instance_delete(instance);
    davit_wasm_linker_delete(linker);
    wasm_func_delete(func);
    return ok;
}

static bool with_store(wasm_store_t *store, const wasm_byte_vec_t *artifact)
{
    wasm_module_t *module = wasm_module_deserialize(store, artifact);
    if (module == NULL) {
        CHECK(davit_wasm_status(store) == DAVIT_ERROR_MEMORY);
        return false;
    }
    wasm_shared_module_t *shared = wasm_module_share(module);
    wasm_module_t *obtained = shared == NULL ? NULL : wasm_module_obtain(store, shared);
    bool ok = obtained != NULL && instantiate(store, obtained);
    wasm_module_delete(obtained);
    wasm_shared_module_delete(shared);
    wasm_module_delete(module);
    return ok;
}

static bool compile(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    wasm_module_t *module = wasm_module_new(store, binary);
    CHECK(module != NULL || davit_wasm_status(store) == DAVIT_ERROR_MEMORY);
    wasm_module_delete(module);
    return module != NULL;
}

/* Runs `what` on a new store whose engine may make so many allocations; whether it succeeded. */
static bool attempt(size_t allowance, bool (*what)(wasm_store_t *, const wasm_byte_vec_t *),
                    const wasm_byte_vec_t *bytes)
{
    Counting counting = {0, 0, allowance};
    bool ok = false;
    wasm_engine_t *engine = counted_engine(&counting, DAVIT_ENGINE_AUTO);
    if (engine != NULL) {
        wasm_store_t *store = wasm_store_new(engine);
        ok = store != NULL && what(store, bytes);
        wasm_store_delete(store);
    }
    wasm_engine_delete(engine);
    CHECK(counting.live_blocks == 0 && counting.live_bytes == 0);
    return ok;
}

int main(void)
{
    wasm_engine_t *engine = bytecode_engine();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_byte_vec_t binary = binary_of(store, source);
    wasm_module_t *module = wasm_module_new(store, &binary);
    NEED(store, module);
    wasm_byte_vec_t artifact;
    wasm_module_serialize(module, &artifact);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);

    size_t allowance = 0;
    while (!attempt(allowance, with_store, &artifact)) {
        allowance++;
        CHECK(allowance < 10000);
    }
    CHECK(allowance > 20);
    allowance = 0;
    while (!attempt(allowance, compile, &binary)) {
        allowance++;
        CHECK(allowance < 10000);
    }
    wasm_byte_vec_delete(&artifact);
    wasm_byte_vec_delete(&binary);
    return 0;
}
