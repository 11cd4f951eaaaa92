/* reflect.c - what modules declare and instances export, as wasm.h tells it and, where it cannot, as davit/wasm.h does. */
#include "capi_testing.h"

static const char source[] =
    "(module\n"
    " (import \"a\" \"f\" (func (param i32 f64) (result externref)))\n"
    " (import \"a\" \"g\" (global (mut i64)))\n"
    " (import \"b\" \"t\" (table 3 9 funcref))\n"
    " (import \"b\" \"m\" (memory 1 2))\n"
    " (func (export \"func\") (param i32 f64 f32) (result i32) (i32.const 0))\n"
    " (global (export \"global\") f64 (f64.const 0))\n"
    " (table (export \"table\") 0 50 externref)\n"
    " (memory (export \"memory\") 4)\n"
    ")";

static wasm_trap_t *nothing(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    (void)args;
    (void)results;
    return NULL;
}

/* What wasm.h has no words for. */
static const char wide[] =
    "(module (type $f (func))\n"
    " (memory (export \"m64\") i64 1 3) (memory (export \"bytes\") 10 20 (pagesize 1))\n"
    " (table (export \"t64\") i64 2 funcref)\n"
    " (func (export \"typed\") (param (ref null $f)))\n"
    " (table (export \"typed_table\") 1 (ref null $f)))";

static void check_imports(const wasm_module_t *module)
{
    static const wasm_externkind_t kinds[] = {WASM_EXTERN_FUNC, WASM_EXTERN_GLOBAL,
                                              WASM_EXTERN_TABLE, WASM_EXTERN_MEMORY};
    static const char *const modules[] = {"a", "a", "b", "b"};
    static const char *const names[] = {"f", "g", "t", "m"};
    wasm_importtype_vec_t imports;
    wasm_module_imports(module, &imports);
    CHECK(imports.size == 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK(name_is(wasm_importtype_module(imports.data[i]), modules[i]));
        CHECK(name_is(wasm_importtype_name(imports.data[i]), names[i]));
        CHECK(wasm_externtype_kind(wasm_importtype_type(imports.data[i])) == kinds[i]);
    }
    const wasm_functype_t *func =
        wasm_externtype_as_functype_const(wasm_importtype_type(imports.data[0]));
    CHECK(wasm_functype_params(func)->size == 2 && wasm_functype_results(func)->size == 1);
    CHECK(wasm_valtype_kind(wasm_functype_params(func)->data[1]) == WASM_F64);
    CHECK(wasm_valtype_kind(wasm_functype_results(func)->data[0]) == WASM_EXTERNREF);
    const wasm_globaltype_t *global =
        wasm_externtype_as_globaltype_const(wasm_importtype_type(imports.data[1]));
    CHECK(wasm_valtype_kind(wasm_globaltype_content(global)) == WASM_I64);
    CHECK(wasm_globaltype_mutability(global) == WASM_VAR);
    const wasm_tabletype_t *table =
        wasm_externtype_as_tabletype_const(wasm_importtype_type(imports.data[2]));
    CHECK(wasm_tabletype_limits(table)->min == 3 && wasm_tabletype_limits(table)->max == 9);
    CHECK(wasm_valtype_kind(wasm_tabletype_element(table)) == WASM_FUNCREF);
    const wasm_memorytype_t *memory =
        wasm_externtype_as_memorytype_const(wasm_importtype_type(imports.data[3]));
    CHECK(wasm_memorytype_limits(memory)->min == 1 && wasm_memorytype_limits(memory)->max == 2);
    wasm_importtype_vec_delete(&imports);

    davit_wasm_item_t item;
    CHECK(davit_wasm_module_import(module, 0, &item));
    CHECK(item.kind == WASM_EXTERN_FUNC && item.module_size == 1 && item.module[0] == 'a');
    CHECK(item.num_params == 2 && item.params[1] == DAVIT_VAL_F64);
    CHECK(item.num_results == 1 && item.results[0] == DAVIT_VAL_EXTERNREF);
    CHECK(davit_wasm_module_import(module, 2, &item));
    CHECK(item.type == DAVIT_VAL_FUNCREF && item.size.min == 3 && item.size.max == 9);
    CHECK(!davit_wasm_module_import(module, 4, &item));
}

static void check_exports(wasm_store_t *store, const wasm_module_t *module)
{
    wasm_exporttype_vec_t types;
    wasm_module_exports(module, &types);
    CHECK(types.size == 4);
    CHECK(name_is(wasm_exporttype_name(types.data[3]), "memory"));
    const wasm_memorytype_t *memory =
        wasm_externtype_as_memorytype_const(wasm_exporttype_type(types.data[3]));
    CHECK(wasm_memorytype_limits(memory)->min == 4);
    CHECK(wasm_memorytype_limits(memory)->max == wasm_limits_max_default);
    wasm_exporttype_vec_delete(&types);

    davit_wasm_item_t item;
    CHECK(davit_wasm_module_export(module, 1, &item));
    CHECK(item.kind == WASM_EXTERN_GLOBAL && item.type == DAVIT_VAL_F64 && !item.is_mutable);
    CHECK(item.name_size == 6 && memcmp(item.name, "global", 6) == 0);
    CHECK(!davit_wasm_module_export(module, 4, &item));

    /* An instance's exports have the types of its module's. */
    wasm_instance_t *instance = instance_of(
        store,
        "(module (func (export \"f\") (param i32)) (global (export \"g\") (mut f32) (f32.const 1))"
        " (table (export \"t\") 2 funcref) (memory (export \"m\") 1 1))",
        NULL, 0);
    static const wasm_externkind_t kinds[] = {WASM_EXTERN_FUNC, WASM_EXTERN_GLOBAL,
                                              WASM_EXTERN_TABLE, WASM_EXTERN_MEMORY};
    wasm_extern_vec_t exports;
    wasm_instance_exports(instance, &exports);
    CHECK(exports.size == 4);
    for (size_t i = 0; i < 4; i++) {
        wasm_externtype_t *type = wasm_extern_type(exports.data[i]);
        CHECK(wasm_extern_kind(exports.data[i]) == kinds[i]);
        CHECK(wasm_externtype_kind(type) == kinds[i]);
        wasm_externtype_delete(type);
    }
    wasm_extern_vec_delete(&exports);
    CHECK(davit_wasm_instance_export(instance, "none") == NULL);
    wasm_instance_delete(instance);
}

static void check_wide(wasm_store_t *store)
{
    wasm_module_t *module = module_of(store, wide);
    wasm_exporttype_vec_t types;
    wasm_module_exports(module, &types);
    CHECK(types.size == 5);
    for (size_t i = 0; i < 2; i++) {
        const wasm_memorytype_t *memory =
            wasm_externtype_as_memorytype_const(wasm_exporttype_type(types.data[i]));
        CHECK(memory != NULL && wasm_memorytype_limits(memory) == NULL);
        wasm_memorytype_t *copy = wasm_memorytype_copy(memory);
        CHECK(wasm_memorytype_limits(copy) == NULL);
        CHECK(wasm_memory_new(store, copy) == NULL && davit_wasm_error(store)[0] != '\0');
        wasm_memorytype_delete(copy);
    }
    const wasm_tabletype_t *table =
        wasm_externtype_as_tabletype_const(wasm_exporttype_type(types.data[2]));
    CHECK(wasm_tabletype_limits(table) == NULL && wasm_table_new(store, table, NULL) == NULL);
    const wasm_functype_t *typed =
        wasm_externtype_as_functype_const(wasm_exporttype_type(types.data[3]));
    CHECK(wasm_valtype_kind(wasm_functype_params(typed)->data[0]) == WASM_FUNCREF);
    CHECK(wasm_func_new(store, typed, nothing) == NULL);
    CHECK(davit_wasm_status(store) == DAVIT_ERROR_UNSUPPORTED);
    table = wasm_externtype_as_tabletype_const(wasm_exporttype_type(types.data[4]));
    CHECK(wasm_tabletype_limits(table)->min == 1 && wasm_table_new(store, table, NULL) == NULL);
    wasm_exporttype_vec_delete(&types);

    davit_wasm_item_t item;
    CHECK(davit_wasm_module_export(module, 0, &item));
    CHECK(item.size.index64 && item.size.min == 1 && item.size.has_max && item.size.max == 3);
    CHECK(item.size.page_bytes == 65536);
    CHECK(davit_wasm_module_export(module, 1, &item) && item.size.page_bytes == 1);
    CHECK(davit_wasm_module_export(module, 2, &item) && item.size.index64 && !item.size.has_max);
    CHECK(davit_wasm_module_export(module, 3, &item));
    char name[48];
    CHECK(strstr(davit_val_type_name(item.params[0], name), "ref null") != NULL);
    CHECK(strcmp(davit_val_type_name(DAVIT_VAL_V128, name), "v128") == 0);
    CHECK(strcmp(davit_val_type_name(DAVIT_VAL_EXTERNREF, name), "externref") == 0);
    wasm_module_delete(module);
}

/* Modules are references like all others. */
static void check_module_ref(wasm_module_t *module)
{
    wasm_module_t *copy = wasm_module_copy(module);
    CHECK(wasm_module_same(module, copy) && !wasm_module_same(module, NULL));
    int info;
    wasm_module_set_host_info(copy, &info);
    CHECK(wasm_module_get_host_info(module) == &info);
    wasm_module_set_host_info_with_finalizer(module, NULL, NULL);
    CHECK(wasm_module_get_host_info(copy) == NULL);
    CHECK(wasm_ref_as_module(wasm_module_as_ref(module)) == module);
    CHECK(wasm_ref_as_module_const(wasm_module_as_ref_const(module)) == module);
    CHECK(wasm_ref_as_instance(wasm_module_as_ref(module)) == NULL);
    wasm_module_delete(copy);
}

int main(void)
{
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    wasm_module_t *module = module_of(store, source);
    check_imports(module);
    check_exports(store, module);
    check_wide(store);
    check_module_ref(module);
    wasm_module_delete(module);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    return 0;
}
