/* test_rt_link.c - instances: imports that match and that do not, constant expressions, segments, what instances share,
 * types across modules, and what failed instantiations leave behind. */
#include "rt_testing.h"

static RtVal val(u64 x)
{
    return (RtVal){.lo = x};
}

static RtVal call(RtStore *store, RtFunc *func, RtVal a, RtVal b)
{
    const RtVal args[2] = {a, b};
    RtVal results[2] = {{0, 0}, {0, 0}};
    RtTrap *trap = dv_rt_call(store, func, args, results);
    if (trap != NULL) {
        fail_msg("%s", trap->message);
    }
    return results[0];
}

/* ---- matching ---- */

/* What there is to import. */
typedef struct Offer {
    RtExtern what;
    const char *name;
} Offer;

typedef struct Shop {
    RtStore *store;
    RtInstance *instance;
} Shop;

/* Exports: f (i32)->i32, g ()->(), t 10..20 funcref, te 10 externref, m 2..5, m1 2, m64, gi i32 const, gm i32 mutable, ga
 * funcref const. */
static Shop open_shop(Fixture *f)
{
    Meta *m = meta_new(f);
    meta_type(m, "i", "i");
    meta_type(m, "", "");
    meta_func(m, 0);
    meta_func(m, 1);
    meta_table(m, 'a', 10, 20);
    meta_table(m, 'e', 10, NO_MAX);
    meta_memory(m, 2, 5, false);
    meta_memory(m, 2, NO_MAX, false);
    meta_memory(m, 2, 5, true);
    meta_global(m, 'i', false, expr_i32(7));
    meta_global(m, 'i', true, expr_i32(-8));
    meta_global(m, 'a', false, expr_func(0));
    meta_global(m, '0', false, expr_func(0));
    static const struct {
        const char *name;
        ExternKind kind;
        u32 index;
    } exports[] = {{"f", EXTERN_FUNC, 0},     {"g", EXTERN_FUNC, 1},    {"t", EXTERN_TABLE, 0},
                   {"te", EXTERN_TABLE, 1},   {"m", EXTERN_MEMORY, 0},  {"m1", EXTERN_MEMORY, 1},
                   {"m64", EXTERN_MEMORY, 2}, {"gi", EXTERN_GLOBAL, 0}, {"gm", EXTERN_GLOBAL, 1},
                   {"ga", EXTERN_GLOBAL, 2},  {"g0", EXTERN_GLOBAL, 3}};
    for (u32 i = 0; i < ARRAY_LEN(exports); i++) {
        meta_export(m, exports[i].name, exports[i].kind, exports[i].index);
    }
    Shop shop = {.store = open_store(f, (RtStoreConfig){.form = 0})};
    shop.instance = add_instance(f, shop.store,
                                 artifact_of(m, "type 1 -> 1\ntype 0 -> 0\n"
                                                "func type0, window 1 {\nret\n}\n"
                                                "func type1, window 0 {\nret\n}\n"),
                                 NULL, 0);
    return shop;
}

/* Instantiates a module with one import and no code; the error's message, or "". */
static const char *try_import(Fixture *f, Shop *shop, Meta *m, const char *name)
{
    Draft draft = {.meta = meta_bytes(m), .code = assemble_in(f, "", false)};
    RtModule *module = load_module(f, make_artifact(f, &draft));
    RtExtern what = export_of(shop->instance, name);
    RtInstance *instance = NULL;
    RtTrap *trap = NULL;
    RtError *error = ARENA_NEW(&f->arena, RtError);
    davit_status_t status =
        dv_rt_instantiate(shop->store, module, &what, 1, &instance, &trap, error);
    assert_int_equal(dv_rt_matches(shop->store, module, 0, what, error), status == DAVIT_OK);
    dv_rt_module_release(module);
    assert_null(trap);
    if (status == DAVIT_OK) {
        assert_non_null(instance);
        return "";
    }
    assert_null(instance);
    assert_int_equal(status, DAVIT_ERROR_INVALID);
    assert_memory_equal(error->message, "incompatible import type: ", 26);
    return error->message + 26;
}

typedef struct FuncCase {
    const char *params, *results, *name, *says;
} FuncCase;

static void function_imports(void **state)
{
    Fixture *f = *state;
    Shop shop = open_shop(f);
    static const FuncCase cases[] = {
        {"i", "i", "f", ""},
        {"", "", "g", ""},
        {"I", "i", "f", "function \"x\" \"y\": it is of another type"},
        {"i", "", "f", "function \"x\" \"y\": it is of another type"},
        {"", "i", "g", "function \"x\" \"y\": it is of another type"},
        {"i", "i", "t", "function \"x\" \"y\": it is of another kind"},
        {"i", "i", "gi", "function \"x\" \"y\": it is of another kind"},
    };
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        Meta *m = meta_new(f);
        meta_type(m, cases[i].params, cases[i].results);
        meta_import_func(m, "x", "y", 0);
        assert_string_equal(try_import(f, &shop, m, cases[i].name), cases[i].says);
    }
    dv_rt_store_release(shop.store);
}

typedef struct LimitsCase {
    u64 min, max;
    const char *name, *says;
} LimitsCase;

static void memory_imports(void **state)
{
    Fixture *f = *state;
    Shop shop = open_shop(f);
    static const LimitsCase cases[] = {
        {2, 5, "m", ""},
        {0, 6, "m", ""},
        {0, NO_MAX, "m1", ""},
        {2, NO_MAX, "m", ""},
        {3, 5, "m", "memory \"x\" \"y\": it is smaller than wanted"},
        {2, 4, "m", "memory \"x\" \"y\": its maximum is larger than wanted"},
        {2, 5, "m1", "memory \"x\" \"y\": it has no maximum"},
        {2, 5, "m64", "memory \"x\" \"y\": 32-bit indices are wanted"},
        {2, 5, "f", "memory \"x\" \"y\": it is of another kind"},
    };
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        Meta *m = meta_new(f);
        meta_import_memory(m, "x", "y", cases[i].min, cases[i].max);
        assert_string_equal(try_import(f, &shop, m, cases[i].name), cases[i].says);
    }
    /* What counts is how long it is now. */
    u64 old;
    assert_true(dv_rt_memory_grow(export_of(shop.instance, "m").of.memory, 1, &old));
    assert_int_equal(old, 2);
    Meta *m = meta_new(f);
    meta_import_memory(m, "x", "y", 3, 5);
    assert_string_equal(try_import(f, &shop, m, "m"), "");
    dv_rt_store_release(shop.store);
}

static void table_imports(void **state)
{
    Fixture *f = *state;
    Shop shop = open_shop(f);
    static const LimitsCase cases[] = {
        {10, 20, "t", ""},
        {0, NO_MAX, "t", ""},
        {11, 20, "t", "table \"x\" \"y\": it is smaller than wanted"},
        {10, 19, "t", "table \"x\" \"y\": its maximum is larger than wanted"},
        {10, NO_MAX, "te", "table \"x\" \"y\": its elements are of another type"},
        {10, NO_MAX, "m", "table \"x\" \"y\": it is of another kind"},
    };
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        Meta *m = meta_new(f);
        meta_import_table(m, "x", "y", 'a', cases[i].min, cases[i].max);
        assert_string_equal(try_import(f, &shop, m, cases[i].name), cases[i].says);
    }
    dv_rt_store_release(shop.store);
}

static void global_imports(void **state)
{
    Fixture *f = *state;
    Shop shop = open_shop(f);
    static const struct {
        char type;
        bool is_mutable;
        const char *name, *says;
    } cases[] = {
        {'i', false, "gi", ""},
        {'i', true, "gm", ""},
        {'a', false, "ga", ""},
        {'a', false, "g0", ""}, /* a subtype */
        {'0', false, "g0", ""},
        {'0', false, "ga", "global \"x\" \"y\": it is of another type"},
        {'I', false, "gi", "global \"x\" \"y\": it is of another type"},
        {'e', false, "ga", "global \"x\" \"y\": it is of another type"},
        {'i', true, "gi", "global \"x\" \"y\": it is not mutable"},
        {'i', false, "gm", "global \"x\" \"y\": it is mutable"},
        {'i', false, "m", "global \"x\" \"y\": it is of another kind"},
    };
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        Meta *m = meta_new(f);
        meta_type(m, "i", "i");
        meta_import_global(m, "x", "y", cases[i].type, cases[i].is_mutable);
        assert_string_equal(try_import(f, &shop, m, cases[i].name), cases[i].says);
    }
    dv_rt_store_release(shop.store);
}

static void other_stores(void **state)
{
    Fixture *f = *state;
    Shop shop = open_shop(f);
    Shop other = open_shop(f);
    Meta *m = meta_new(f);
    meta_import_memory(m, "a\nb", "", 0, NO_MAX);
    Draft draft = {.meta = meta_bytes(m), .code = assemble_in(f, "", false)};
    RtModule *module = load_module(f, make_artifact(f, &draft));
    RtExtern what = export_of(other.instance, "m");
    RtInstance *instance;
    RtTrap *trap;
    RtError error;
    assert_int_equal(dv_rt_instantiate(shop.store, module, &what, 1, &instance, &trap, &error),
                     DAVIT_ERROR_INVALID);
    assert_string_equal(error.message, "incompatible import type: memory \"a\\x0ab\" \"\": it "
                                       "belongs to another store");
    assert_int_equal(dv_rt_instantiate(shop.store, module, NULL, 0, &instance, &trap, &error),
                     DAVIT_ERROR_INVALID);
    assert_string_equal(error.message, "the module has 1 imports, but 0 were given");
    dv_rt_module_release(module);
    dv_rt_store_release(shop.store);
    dv_rt_store_release(other.store);
}

static void linkers(void **state)
{
    Fixture *f = *state;
    Shop shop = open_shop(f);
    RtLinker *linker = dv_rt_linker_new(shop.store);
    Meta *m = meta_new(f);
    meta_type(m, "", "");
    meta_import_memory(m, "shop", "m", 2, 5);
    meta_import_func(m, "shop", "late", 0);
    meta_export(m, "again", EXTERN_FUNC, 0);
    meta_export(m, "memory", EXTERN_MEMORY, 0);
    Draft draft = {.meta = meta_bytes(m), .code = assemble_in(f, "", false)};
    RtModule *module = load_module(f, make_artifact(f, &draft));
    RtInstance *instance;
    RtTrap *trap;
    RtError error;
    assert_int_equal(dv_rt_linker_instantiate(linker, module, &instance, &trap, &error),
                     DAVIT_ERROR_INVALID);
    assert_string_equal(error.message, "unknown import: \"shop\" \"m\"");
    assert_true(dv_rt_linker_instance(linker, str_of("shop"), shop.instance));
    assert_int_equal(dv_rt_linker_instantiate(linker, module, &instance, &trap, &error),
                     DAVIT_ERROR_INVALID);
    assert_string_equal(error.message, "unknown import: \"shop\" \"late\"");
    assert_true(
        dv_rt_linker_define(linker, str_of("shop"), str_of("late"), export_of(shop.instance, "f")));
    assert_int_equal(dv_rt_linker_instantiate(linker, module, &instance, &trap, &error),
                     DAVIT_ERROR_INVALID);
    assert_string_equal(error.message, "incompatible import type: function \"shop\" \"late\": it "
                                       "is of another type");
    /* The later one counts. */
    assert_true(
        dv_rt_linker_define(linker, str_of("shop"), str_of("late"), export_of(shop.instance, "g")));
    assert_int_equal(dv_rt_linker_instantiate(linker, module, &instance, &trap, &error), DAVIT_OK);
    assert_ptr_equal(export_of(instance, "again").of.func, export_of(shop.instance, "g").of.func);
    assert_ptr_equal(export_of(instance, "memory").of.memory,
                     export_of(shop.instance, "m").of.memory);
    dv_rt_module_release(module);
    dv_rt_store_release(shop.store); /* which the linker still holds */
    dv_rt_linker_free(linker);
    dv_rt_linker_free(NULL);
}

/* ---- constant expressions, segments ---- */

static void constants(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    const MemoryDecl unused = {.page_log2 = 16};
    RtError error;
    assert_non_null(dv_rt_memory_new(store, &unused, &error));
    RtGlobal *given = dv_rt_global_new(store, VT_I64, false, val(1000), &error);
    Meta *m = meta_new(f);
    meta_type(m, "", "");
    meta_import_global(m, "h", "g", 'I', false);
    meta_func(m, 0);
    meta_global(m, 'i', false, expr_binary(0x6b, expr_i32(5), expr_i32(-7)));
    meta_global(m, 'i', false,
                expr_binary(0x6c, expr_i32(12), expr_binary(0x6a, expr_i32(3), expr_i32(4))));
    meta_global(m, 'I', true, expr_binary(0x7c, expr_global(0), expr_i64(-3)));
    meta_global(m, 'I', true,
                expr_binary(0x7e, expr_i64(1), expr_binary(0x7d, expr_i64(1), expr_i64(2))));
    meta_global(m, 'a', false, expr_null(HEAP_FUNC));
    meta_global(m, 'a', false, expr_func(0));
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        meta_export(m, names[i], EXTERN_GLOBAL, i + 1);
    }
    meta_export(m, "func", EXTERN_FUNC, 0);
    RtExtern import = {.kind = EXTERN_GLOBAL, .of.global = given};
    RtInstance *instance = add_instance(
        f, store, artifact_of(m, "type 0 -> 0\nfunc type0, window 0 {\nret\n}\n"), &import, 1);
    const u64 values[] = {12, 84, 997, UINT64_MAX, 0, export_of(instance, "func").of.func->handle};
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(dv_rt_global_get(export_of(instance, names[i]).of.global).lo, values[i]);
    }
    dv_rt_store_release(store);
}

/* Loads a byte of memory 0; calls element 0 of the table. */
static const char *const peek_code = "type 1 -> 1\nmemory i32\ntable i32 func\n"
                                     "func type0, window 4 {\nheap_load8_u32 s0, s0, 1\nret\n}\n"
                                     "func type0, window 6 {\nxmov s2, s0\n"
                                     "call_table s4, s2, table0, type0\nxmov s0, s4\nret\n}\n";

static RtInstance *make_owner(Fixture *f, RtStore *store)
{
    const u32 funcs[] = {0, 1, 0};
    Meta *m = meta_new(f);
    meta_type(m, "i", "i");
    meta_func(m, 0);
    meta_func(m, 0);
    meta_table(m, 'a', 10, NO_MAX);
    meta_memory(m, 1, 3, false);
    meta_export(m, "m", EXTERN_MEMORY, 0);
    meta_export(m, "t", EXTERN_TABLE, 0);
    meta_export(m, "peek", EXTERN_FUNC, 0);
    meta_elem(m, SEGMENT_ACTIVE, expr_i32(1), funcs, 3);
    meta_elem(m, SEGMENT_PASSIVE, expr_i32(0), funcs, 2);
    meta_elem(m, SEGMENT_DECLARED, expr_i32(0), funcs, 1);
    meta_data(m, SEGMENT_ACTIVE, expr_i32(65533), "abc");
    meta_data(m, SEGMENT_PASSIVE, expr_i32(0), "xyz");
    meta_data(m, SEGMENT_ACTIVE, expr_i32(65534), "B");
    return add_instance(f, store, artifact_of(m, peek_code), NULL, 0);
}

static void segments(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    RtInstance *owner = make_owner(f, store);
    RtFunc *peek = export_of(owner, "peek").of.func;
    assert_int_equal(call(store, peek, val(65533), val(0)).lo, 'a');
    assert_int_equal(call(store, peek, val(65534), val(0)).lo, 'B');
    assert_int_equal(call(store, peek, val(65535), val(0)).lo, 'c');
    assert_int_equal(call(store, peek, val(0), val(0)).lo, 0);
    RtTable *table = export_of(owner, "t").of.table;
    u32 handles[4];
    for (u32 i = 0; i < 4; i++) {
        assert_true(dv_rt_table_get(table, i + 1, &handles[i]));
    }
    assert_int_equal(handles[0], peek->handle);
    assert_int_equal(handles[2], handles[0]);
    assert_int_not_equal(handles[1], handles[0]);
    assert_int_equal(handles[3], 0);
    assert_false(dv_rt_table_get(table, 10, &handles[0]));
    assert_false(dv_rt_table_set(table, 10, 0));
    u64 old;
    assert_true(dv_rt_table_grow(table, 5, peek->handle, &old));
    assert_int_equal(old, 10);
    assert_int_equal(dv_rt_table_size(table), 15);
    assert_true(dv_rt_table_get(table, 14, &handles[0]));
    assert_int_equal(handles[0], peek->handle);
    assert_false(dv_rt_table_grow(table, UINT64_MAX, 0, &old));
    dv_rt_store_release(store);
}

typedef struct BadSegments {
    i32 elem, data; /* offsets: of 2 functions into a table of 10, of 2 bytes into 65,536 */
    const char *message;
} BadSegments;

/* Segments before the one that does not fit have written, and what they wrote lives. */
static void failed_instantiations(void **state)
{
    Fixture *f = *state;
    static const BadSegments cases[] = {
        {0, 65535, "out of bounds memory access"},
        {9, 0, "out of bounds table access"},
        {-1, 0, "out of bounds table access"},
        {0, -1, "out of bounds memory access"},
    };
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        const u32 funcs[] = {0, 0};
        RtStore *store = open_store(f, (RtStoreConfig){0});
        RtInstance *owner = make_owner(f, store);
        RtTable *table = export_of(owner, "t").of.table;
        Meta *m = meta_new(f);
        meta_type(m, "i", "i");
        meta_import_memory(m, "x", "m", 1, NO_MAX);
        meta_import_table(m, "x", "t", 'a', 4, NO_MAX);
        meta_func(m, 0);
        meta_elem(m, SEGMENT_ACTIVE, expr_i32(8), funcs, 2);
        meta_elem(m, SEGMENT_ACTIVE, expr_i32(cases[i].elem), funcs, 2);
        meta_data(m, SEGMENT_ACTIVE, expr_i32(10), "hello");
        meta_data(m, SEGMENT_ACTIVE, expr_i32(cases[i].data), "xy");
        RtModule *module = load_module(
            f,
            artifact_of(m, "type 1 -> 1\nfunc type0, window 1 {\nxadd32_i8 s0, s0, 5\nret\n}\n"));
        const RtExtern imports[] = {export_of(owner, "m"), export_of(owner, "t")};
        RtInstance *instance = NULL;
        RtTrap *trap = NULL;
        RtError error;
        assert_int_equal(dv_rt_instantiate(store, module, imports, 2, &instance, &trap, &error),
                         DAVIT_ERROR_INVALID);
        assert_null(instance);
        assert_string_equal(trap->message, cases[i].message);
        free_trap(&trap);
        dv_rt_module_release(module);
        u32 handle;
        assert_true(dv_rt_table_get(table, 8, &handle));
        RtFunc *left = dv_rt_ref_func(store, handle);
        assert_int_equal(call(store, left, val(4), val(0)).lo, 9);
        bool has_data = dv_rt_memory_data(export_of(owner, "m").of.memory)[10] == 'h';
        assert_int_equal(has_data, cases[i].elem == 0);
        dv_rt_store_release(store);
    }
}

/* A function that a global's value has made is there when the second table turns out to be too large: nothing but a made-up handle
 * names it, and that one finds tables without elements. */
static void functions_of_half_instances(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){.max_table_elems = 10});
    Meta *m = meta_new(f);
    meta_type(m, "", "i");
    meta_func(m, 0);
    meta_table(m, 'a', 10, NO_MAX);
    meta_table(m, 'a', 11, NO_MAX);
    meta_table(m, 'a', 1, NO_MAX);
    meta_global(m, '0', false, expr_func(0));
    RtModule *module = load_module(
        f, artifact_of(m, "type 0 -> 1\ntable i32 func\ntable i32 func\n"
                          "table i32 func\nglobal 4\nfunc type0, window 5 {\n"
                          "table_size s0, table0\ntable_size s1, table1\n"
                          "table_size s2, table2\nxadd32 s0, s0, s1\n"
                          "xadd32 s0, s0, s2\nxmov s3, s2\nxconst16 s4, 1\n"
                          "table_grow s3, s3, s4, table1\nxadd32 s0, s0, s3\nret\n}\n"));
    RtInstance *instance = NULL;
    RtTrap *trap = NULL;
    RtError error;
    assert_int_equal(dv_rt_instantiate(store, module, NULL, 0, &instance, &trap, &error),
                     DAVIT_ERROR_LIMIT);
    dv_rt_module_release(module);
    RtFunc *left = dv_rt_ref_func(store, 1);
    assert_non_null(left);
    assert_int_equal(call(store, left, val(0), val(0)).lo, 10 + 0 + 0 - 1);
    dv_rt_store_release(store);
}

/* ---- sharing ---- */

static void shared_objects(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    RtInstance *owner = make_owner(f, store);
    Meta *m = meta_new(f);
    meta_type(m, "i", "i");
    meta_import_memory(m, "x", "m", 1, NO_MAX);
    meta_import_table(m, "x", "t", 'a', 4, NO_MAX);
    meta_import_func(m, "x", "peek", 0);
    meta_func(m, 0);
    meta_func(m, 0);
    meta_export(m, "grow", EXTERN_FUNC, 1);
    meta_export(m, "via", EXTERN_FUNC, 2);
    meta_export(m, "peek", EXTERN_FUNC, 0);
    const char *code =
        "type 1 -> 1\nimport type0\nmemory i32\ntable i32 func\n"
        "func type0, window 4 {\nmemory_grow s0, s0, memory0\nret\n}\n"
        "func type0, window 6 {\nxmov s2, s0\ncall_import s2, import0\nxmov s0, s2\nret\n}\n";
    const RtExtern imports[] = {export_of(owner, "m"), export_of(owner, "t"),
                                export_of(owner, "peek")};
    RtInstance *instance = add_instance(f, store, artifact_of(m, code), imports, 3);
    RtFunc *peek = export_of(owner, "peek").of.func;
    RtVal at = val(100000);
    RtVal result;
    RtTrap *trap = dv_rt_call(store, peek, &at, &result);
    assert_string_equal(trap->message, "out of bounds memory access");
    free_trap(&trap);
    RtFunc *grow = export_of(instance, "grow").of.func;
    assert_int_equal(call(store, grow, val(1), val(0)).lo, 1);
    assert_int_equal(call(store, grow, val(2), val(0)).lo, UINT32_MAX);
    dv_rt_memory_data(export_of(owner, "m").of.memory)[100000] = 42;
    assert_int_equal(call(store, peek, at, val(0)).lo, 42);
    assert_int_equal(call(store, export_of(instance, "via").of.func, at, val(0)).lo, 42);
    assert_ptr_equal(export_of(instance, "peek").of.func, peek);
    /* A trap in the other instance tells both. */
    at = val(10000000);
    trap = dv_rt_call(store, export_of(instance, "via").of.func, &at, &result);
    assert_int_equal(trap->num_frames, 2);
    assert_ptr_equal(trap->frames[0].instance, owner);
    assert_int_equal(trap->frames[0].func, 0);
    assert_ptr_equal(trap->frames[1].instance, instance);
    assert_int_equal(trap->frames[1].func, 2);
    free_trap(&trap);
    dv_rt_store_release(store);
}

/* ---- types ---- */

static const u32 *types_of(Fixture *f, RtStore *store, Meta *m, ValType *out, u32 count)
{
    Draft draft = {.meta = meta_bytes(m), .code = assemble_in(f, "", false)};
    RtInstance *instance = add_instance(f, store, make_artifact(f, &draft), NULL, 0);
    for (u32 i = 0; i < count; i++) {
        out[i] = dv_rt_val_type(store, instance, VT_REF | i);
    }
    return out;
}

static void types_across_modules(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    ValType a[5];
    ValType b[5];
    Meta *m = meta_new(f);
    meta_type(m, "i", "");
    meta_type(m, "0", "i"); /* refers to the one before */
    meta_type(m, "2", "");  /* refers to itself */
    meta_type(m, "2", "");  /* to the other, not to itself */
    meta_type(m, "i", "");
    types_of(f, store, m, a, 5);
    m = meta_new(f);
    meta_type(m, "0", "");
    meta_type(m, "i", "");
    meta_type(m, "1", "i");
    meta_type(m, "0", "");
    meta_type(m, "", "i");
    types_of(f, store, m, b, 5);
    assert_int_equal(a[0], b[1]);
    assert_int_equal(a[0], a[4]);
    assert_int_equal(a[1], b[2]);
    assert_int_equal(a[2], b[0]);
    assert_int_equal(a[3], b[3]);
    assert_int_not_equal(a[2], a[3]);
    assert_int_not_equal(a[0], b[4]);
    const RtFuncType *self = dv_rt_type_of(store, a[2] & VT_INDEX);
    assert_int_equal(self->params[0], a[2] | VT_NULL);
    /* From a host, the same. */
    const ValType params[] = {VT_I32};
    const RtFuncType type = {1, 0, params, NULL};
    assert_int_equal(dv_rt_type(store, &type), a[0] & VT_INDEX);
    assert_true(dv_rt_is_subtype(store, a[0], a[0] | VT_NULL));
    assert_false(dv_rt_is_subtype(store, a[0] | VT_NULL, a[0]));
    assert_false(dv_rt_is_subtype(store, a[0], a[1]));
    assert_true(dv_rt_is_subtype(store, a[0], VT_FUNCREF));
    assert_false(dv_rt_is_subtype(store, VT_FUNCREF, a[0] | VT_NULL));
    assert_false(dv_rt_is_subtype(store, a[0], VT_EXTERNREF));
    assert_true(
        dv_rt_is_subtype(store, VT_REF | VT_NULL | VT_ABSTRACT | HEAP_NOFUNC, a[0] | VT_NULL));
    assert_true(dv_rt_is_subtype(store, VT_REF | VT_ABSTRACT | HEAP_NOEXTERN, VT_EXTERNREF));
    assert_false(dv_rt_is_subtype(store, VT_I32, VT_I64));
    dv_rt_store_release(store);
}

/* ---- limits ---- */

static void limits(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(
        f,
        (RtStoreConfig){.max_memory_bytes = 3 << 16, .max_table_elems = 100, .max_instances = 1});
    RtError error;
    MemoryDecl memory = {.limits = {.min = 2}, .page_log2 = 16};
    RtMemory *first = dv_rt_memory_new(store, &memory, &error);
    assert_non_null(first);
    assert_null(dv_rt_memory_new(store, &memory, &error));
    assert_int_equal(error.status, DAVIT_ERROR_LIMIT);
    assert_string_equal(error.message, "a memory of 2 pages of 65536 bytes is larger than the "
                                       "limit of 196608 bytes allows");
    u64 old = 7;
    assert_false(dv_rt_memory_grow(first, 2, &old));
    assert_int_equal(old, 7);
    assert_true(dv_rt_memory_grow(first, 1, &old));
    assert_int_equal(dv_rt_memory_bytes(first), 3 << 16);
    assert_int_equal(dv_rt_memory_pages(first), 3);
    const TableDecl table = {.type = VT_FUNCREF, .limits = {.min = 101}};
    assert_null(dv_rt_table_new(store, &table, 0, &error));
    assert_string_equal(error.message, "a table of 101 elements is larger than the limit of 100");
    Meta *m = meta_new(f);
    Draft draft = {.meta = meta_bytes(m), .code = assemble_in(f, "", false)};
    Bytes empty = make_artifact(f, &draft);
    add_instance(f, store, empty, NULL, 0);
    RtModule *module = load_module(f, empty);
    RtInstance *instance;
    RtTrap *trap;
    assert_int_equal(dv_rt_instantiate(store, module, NULL, 0, &instance, &trap, &error),
                     DAVIT_ERROR_LIMIT);
    assert_string_equal(error.message, "the limit of 1 instances is reached");
    dv_rt_module_release(module);
    dv_rt_store_release(store);
}

/* Four GiB are there without being touched, or the error is clear; a gigantic one always is an error. */
static void large_memories(void **state)
{
    (void)state;
    RtStoreConfig config = {0};
    RtStore *store;
    RtError error;
    assert_int_equal(dv_rt_store_new(&config, &store), DAVIT_OK);
    MemoryDecl decl = {.limits = {.min = 65536}, .page_log2 = 16};
    RtMemory *memory = dv_rt_memory_new(store, &decl, &error);
    if (memory != NULL) {
        assert_true(dv_rt_memory_bytes(memory) == (u64)1 << 32);
        u64 last = dv_rt_memory_bytes(memory) - 1;
        assert_int_equal(dv_rt_memory_data(memory)[last], 0);
        dv_rt_memory_data(memory)[last] = 1;
        u64 old;
        assert_false(dv_rt_memory_grow(memory, 1, &old));
    } else {
        assert_true(error.status == DAVIT_ERROR_LIMIT || error.status == DAVIT_ERROR_MEMORY);
    }
    decl.limits = (Limits){.min = (u64)1 << 47, .index64 = true};
    assert_null(dv_rt_memory_new(store, &decl, &error));
    assert_int_equal(error.status, DAVIT_ERROR_LIMIT);
    /* One that grows keeps its place where it can, and its bytes everywhere. */
    decl.limits = (Limits){.min = 1};
    memory = dv_rt_memory_new(store, &decl, &error);
    for (u32 i = 0; i < 100; i++) {
        u64 pages = dv_rt_memory_pages(memory);
        dv_rt_memory_data(memory)[pages * 65536 - 1] = (u8)(i + 1);
        assert_true(dv_rt_memory_grow(memory, i % 3 + 1, &pages));
        assert_int_equal(dv_rt_memory_data(memory)[dv_rt_memory_bytes(memory) - 1], 0);
        assert_int_equal(dv_rt_memory_data(memory)[65535], 1);
    }
    dv_rt_store_release(store);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, unit_setup, unit_teardown)
    const struct CMUnitTest tests[] = {
        TEST(function_imports),
        TEST(memory_imports),
        TEST(table_imports),
        TEST(global_imports),
        TEST(other_stores),
        TEST(linkers),
        TEST(constants),
        TEST(segments),
        TEST(failed_instantiations),
        TEST(functions_of_half_instances),
        TEST(shared_objects),
        TEST(types_across_modules),
        TEST(limits),
        TEST(large_memories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
