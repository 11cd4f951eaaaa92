/* wasm_hello.c - the standard C API: a module in the text format, given a function of this program, and called.
 */
#include <davit/wasm.h>
#include <stdio.h>

static const char text[] = "(module\n"
                           "  (import \"host\" \"print\" (func $print (param i32)))\n"
                           "  (func (export \"countdown\") (param $n i32)\n"
                           "    (loop $again\n"
                           "      (call $print (local.get $n))\n"
                           "      (local.set $n (i32.sub (local.get $n) (i32.const 1)))\n"
                           "      (br_if $again (i32.ge_s (local.get $n) (i32.const 0))))))\n";

static wasm_trap_t *print(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)results;
    printf("%d\n", (int)args->data[0].of.i32);
    return NULL;
}

static int fail(const wasm_store_t *store, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, davit_wasm_error(store));
    return 1;
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);

    /* Text to binary, binary to a compiled module. */
    wasm_byte_vec_t binary;
    if (davit_wasm_text_to_binary(store, text, sizeof text - 1, &binary) != DAVIT_OK) {
        return fail(store, "text");
    }
    wasm_module_t *module = wasm_module_new(store, &binary);
    wasm_byte_vec_delete(&binary);
    if (module == NULL) {
        return fail(store, "module");
    }

    /* What it imports, in its order. */
    wasm_functype_t *type = wasm_functype_new_1_0(wasm_valtype_new_i32());
    wasm_func_t *func = wasm_func_new(store, type, print);
    wasm_extern_t *import_array[] = {wasm_func_as_extern(func)};
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(import_array);
    wasm_trap_t *trap = NULL;
    wasm_instance_t *instance = wasm_instance_new(store, module, &imports, &trap);
    if (instance == NULL) {
        return fail(store, "instance");
    }

    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    wasm_val_t arg_array[] = {WASM_I32_VAL(3)};
    wasm_val_vec_t args = WASM_ARRAY_VEC(arg_array);
    wasm_val_vec_t results = WASM_EMPTY_VEC;
    trap = wasm_func_call(wasm_extern_as_func(exports.data[0]), &args, &results);
    int status = trap == NULL ? 0 : fail(store, "call");

    /* In any order. */
    wasm_trap_delete(trap);
    wasm_extern_vec_delete(&exports);
    wasm_func_delete(func);
    wasm_functype_delete(type);
    wasm_module_delete(module);
    wasm_instance_delete(instance);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return status;
}
