/* ttf.c - runs a module of `wasm-opt -ttf` through the C API and prints what happens; ttf.mjs prints the same on node.
 *
 * usage: ttf MODULE.wasm. Uses wasm.h only, so that it can be linked with any engine that offers it.
 *
 * Such a module imports functions "fuzzing-support" "log-…", which print their arguments, and exports functions,
 * called here in order. What the generator puts against endless loops and recursion is wound up again before each
 * call by its export hangLimitInitializer. Argument number i of a call is i + 1, for floats i + 1.5. Lines:
 *
 *     NAME(i32:00000001)          a call
 *     log-i64 i64:0000000000000007
 *     = f64:3ff0000000000000 f32:nan
 *     trap                        the call's end; why is not compared, nor are the bits of a NaN */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasm.h>

enum { MAX_VALUES = 64 };

static void die(const char *what)
{
    fprintf(stderr, "ttf: %s\n", what);
    exit(1);
}

static void print_value(const wasm_val_t *value)
{
    uint32_t bits32;
    uint64_t bits64;
    switch (value->kind) {
    case WASM_I32:
        printf("i32:%08" PRIx32, (uint32_t)value->of.i32);
        break;
    case WASM_I64:
        printf("i64:%016" PRIx64, (uint64_t)value->of.i64);
        break;
    case WASM_F32:
        memcpy(&bits32, &value->of.f32, sizeof bits32);
        isnan(value->of.f32) ? printf("f32:nan") : printf("f32:%08" PRIx32, bits32);
        break;
    case WASM_F64:
        memcpy(&bits64, &value->of.f64, sizeof bits64);
        isnan(value->of.f64) ? printf("f64:nan") : printf("f64:%016" PRIx64, bits64);
        break;
    default:
        die("a value of a type that the generator does not make");
    }
}

static void print_values(const char *before, const wasm_val_vec_t *values)
{
    for (size_t i = 0; i < values->size; i++) {
        printf("%s", i == 0 ? before : " ");
        print_value(&values->data[i]);
    }
}

/* env is the import's name, "log-i32" and the like. */
static wasm_trap_t *log_values(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    const wasm_name_t *name = env;
    (void)results;
    printf("%.*s", (int)name->size, name->data);
    print_values(" ", args);
    printf("\n");
    return NULL;
}

static wasm_val_t argument(wasm_valkind_t kind, size_t index)
{
    wasm_val_t value = {.kind = kind};
    switch (kind) {
    case WASM_I32:
        value.of.i32 = (int32_t)index + 1;
        break;
    case WASM_I64:
        value.of.i64 = (int64_t)index + 1;
        break;
    case WASM_F32:
        value.of.f32 = (float)index + 1.5f;
        break;
    case WASM_F64:
        value.of.f64 = (double)index + 1.5;
        break;
    default:
        die("a parameter of a type that the generator does not make");
    }
    return value;
}

static void call(const wasm_func_t *func)
{
    wasm_functype_t *type = wasm_func_type(func);
    const wasm_valtype_vec_t *params = wasm_functype_params(type);
    wasm_val_t values[MAX_VALUES], space[MAX_VALUES] = {{.kind = WASM_I32}};
    wasm_val_vec_t args = {params->size, values},
                   results = {wasm_functype_results(type)->size, space};
    wasm_trap_t *trap;
    if (args.size > MAX_VALUES || results.size > MAX_VALUES) {
        die("a function has too many parameters or results");
    }
    for (size_t i = 0; i < args.size; i++) {
        values[i] = argument(wasm_valtype_kind(params->data[i]), i);
    }
    print_values("", &args);
    printf(")\n");
    fflush(stdout);
    trap = wasm_func_call(func, &args, &results);
    if (trap) {
        printf("trap\n");
        wasm_trap_delete(trap);
    } else {
        printf("=");
        print_values(" ", &results);
        printf("\n");
    }
    wasm_functype_delete(type);
}

static bool is_named(const wasm_exporttype_t *export, const char *name)
{
    const wasm_name_t *own_name = wasm_exporttype_name(export);
    return own_name->size == strlen(name) && memcmp(own_name->data, name, own_name->size) == 0;
}

/* Calls every exported function in order, each after the hang limit was wound up. */
static void call_exports(const wasm_module_t *module, const wasm_instance_t *instance)
{
    wasm_exporttype_vec_t types;
    wasm_extern_vec_t exports;
    const wasm_func_t *wind_up = NULL;
    wasm_module_exports(module, &types);
    wasm_instance_exports(instance, &exports);
    for (size_t i = 0; i < exports.size; i++) {
        if (is_named(types.data[i], "hangLimitInitializer")) {
            wind_up = wasm_extern_as_func_const(exports.data[i]);
        }
    }
    for (size_t i = 0; i < exports.size; i++) {
        const wasm_func_t *func = wasm_extern_as_func_const(exports.data[i]);
        const wasm_name_t *name = wasm_exporttype_name(types.data[i]);
        if (!func || func == wind_up) {
            continue;
        }
        if (wind_up) {
            wasm_val_vec_t none = WASM_EMPTY_VEC, nothing = WASM_EMPTY_VEC;
            wasm_trap_t *trap = wasm_func_call(wind_up, &none, &nothing);
            if (trap) {
                die("hangLimitInitializer traps");
            }
        }
        printf("%.*s(", (int)name->size, name->data);
        call(func);
    }
    wasm_extern_vec_delete(&exports);
    wasm_exporttype_vec_delete(&types);
}

/* A logging function for every import. */
static void make_imports(wasm_store_t *store, wasm_importtype_vec_t *types,
                         wasm_extern_vec_t *imports)
{
    wasm_extern_vec_new_uninitialized(imports, types->size);
    for (size_t i = 0; i < types->size; i++) {
        const wasm_functype_t *type =
            wasm_externtype_as_functype_const(wasm_importtype_type(types->data[i]));
        wasm_func_t *func;
        if (!type) {
            die("an import is no function");
        }
        func = wasm_func_new_with_env(store, type, log_values,
                                      (void *)wasm_importtype_name(types->data[i]), NULL);
        imports->data[i] = wasm_func_as_extern(func);
    }
}

static void run(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    wasm_module_t *module = wasm_module_new(store, binary);
    wasm_importtype_vec_t types;
    wasm_extern_vec_t imports;
    wasm_instance_t *instance;
    wasm_trap_t *trap = NULL;
    if (!module) {
        die("the module is not valid");
    }
    wasm_module_imports(module, &types);
    make_imports(store, &types, &imports);
    instance = wasm_instance_new(store, module, &imports, &trap);
    if (instance) {
        call_exports(module, instance);
        wasm_instance_delete(instance);
    } else {
        printf("no instance\n");
    }
    if (trap) {
        wasm_trap_delete(trap);
    }
    wasm_extern_vec_delete(&imports);
    wasm_importtype_vec_delete(&types);
    wasm_module_delete(module);
}

static void read_file(const char *path, wasm_byte_vec_t *bytes)
{
    FILE *file = fopen(path, "rb");
    long size = -1;
    if (file && fseek(file, 0, SEEK_END) == 0) {
        size = ftell(file);
    }
    if (size < 0) {
        die("cannot read the module");
    }
    rewind(file);
    wasm_byte_vec_new_uninitialized(bytes, (size_t)size);
    if (fread(bytes->data, 1, (size_t)size, file) != (size_t)size) {
        die("cannot read the module");
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_byte_vec_t binary;
    if (argc != 2) {
        die("usage: ttf MODULE.wasm");
    }
    read_file(argv[1], &binary);
    run(store, &binary);
    wasm_byte_vec_delete(&binary);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
