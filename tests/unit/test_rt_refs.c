/* test_rt_refs.c - references to objects of the host: one handle per object, which stays as long as a guest can name it. */
#include "rt_testing.h"

enum { OBJECTS = 2000 };

typedef struct Thing {
    u32 finalized;
} Thing;

static void finalize(void *object)
{
    ((Thing *)object)->finalized++;
}

static RtVal val(u64 x)
{
    return (RtVal){.lo = x};
}

/* Enough new objects for those that nothing names to go. */
static void fill(RtStore *store, Thing *things)
{
    for (u32 i = 0; i < OBJECTS; i++) {
        assert_int_not_equal(dv_rt_ref_new(store, &things[i], finalize), 0);
    }
}

/* f(externref) gives it back; keep puts it into the table, the global. */
static RtInstance *make_keeper(Fixture *f, RtStore *store)
{
    Meta *m = meta_new(f);
    meta_type(m, "e", "e");
    meta_type(m, "e", "");
    meta_func(m, 0);
    meta_func(m, 1);
    meta_func(m, 1);
    meta_table(m, 'e', 10, NO_MAX);
    meta_global(m, 'e', true, expr_null(HEAP_EXTERN));
    meta_export(m, "same", EXTERN_FUNC, 0);
    meta_export(m, "to_table", EXTERN_FUNC, 1);
    meta_export(m, "to_global", EXTERN_FUNC, 2);
    meta_export(m, "t", EXTERN_TABLE, 0);
    meta_export(m, "g", EXTERN_GLOBAL, 0);
    return add_instance(f, store,
                        artifact_of(m,
                                    "type 1 -> 1\ntype 1 -> 0\ntable i32 extern\nglobal 4 mutable\n"
                                    "func type0, window 1 {\nret\n}\n"
                                    "func type1, window 2 {\nxconst16 s1, 3\n"
                                    "table_set s1, s0, table0\nret\n}\n"
                                    "func type1, window 2 {\nglobal_set32 s0, global0\nret\n}\n"),
                        NULL, 0);
}

static void call(RtStore *store, RtInstance *instance, const char *name, u32 handle, RtVal *result)
{
    RtVal arg = val(handle);
    assert_null(dv_rt_call(store, func_of(instance, name), &arg, result));
}

static void handles(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    Thing things[200] = {{0}};
    u32 found[200];
    assert_int_equal(dv_rt_ref_new(store, NULL, finalize), 0);
    assert_null(dv_rt_ref_object(store, 0));
    assert_null(dv_rt_ref_object(store, 12345678));
    for (u32 i = 0; i < ARRAY_LEN(things); i++) {
        found[i] = dv_rt_ref_new(store, &things[i], finalize);
        assert_int_not_equal(found[i], 0);
        dv_rt_ref_hold(store, found[i]);
    }
    for (u32 i = 0; i < ARRAY_LEN(things); i++) {
        assert_int_equal(dv_rt_ref_new(store, &things[i], finalize), found[i]);
        assert_ptr_equal(dv_rt_ref_object(store, found[i]), &things[i]);
    }
    assert_true(dv_rt_val_fits(store, val(found[0]), VT_EXTERNREF));
    assert_true(dv_rt_val_fits(store, val(0), VT_EXTERNREF));
    assert_false(dv_rt_val_fits(store, val(0), VT_EXTERNREF & ~VT_NULL));
    assert_false(dv_rt_val_fits(store, val(99999), VT_EXTERNREF));
    assert_false(dv_rt_val_fits(store, val(99999), VT_FUNCREF));
    assert_true(dv_rt_val_fits(store, val(99999), VT_I32));
    dv_rt_ref_hold(store, 99999); /* nothing */
    dv_rt_ref_drop(store, 99999);
    dv_rt_store_release(store);
    for (u32 i = 0; i < ARRAY_LEN(things); i++) {
        assert_int_equal(things[i].finalized, 1);
    }
}

static void what_guests_name_stays(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    Thing *things = ARENA_ARRAY(&f->arena, Thing, OBJECTS);
    Thing *more = ARENA_ARRAY(&f->arena, Thing, OBJECTS);
    Thing kept[4] = {{0}};
    RtInstance *instance = make_keeper(f, store);
    RtVal result = val(0);
    call(store, instance, "to_table", dv_rt_ref_new(store, &kept[0], finalize), NULL);
    call(store, instance, "to_global", dv_rt_ref_new(store, &kept[1], finalize), NULL);
    u32 held = dv_rt_ref_new(store, &kept[2], finalize);
    dv_rt_ref_hold(store, held);
    dv_rt_ref_hold(store, held);
    call(store, instance, "same", dv_rt_ref_new(store, &kept[3], finalize), &result);
    assert_ptr_equal(dv_rt_ref_object(store, (u32)result.lo), &kept[3]);
    /* What is made without a guest running in between all stays. */
    fill(store, things);
    for (u32 i = 0; i < OBJECTS; i++) {
        assert_int_equal(things[i].finalized, 0);
    }
    assert_int_equal(kept[3].finalized, 0);
    call(store, instance, "same", 0, &result);
    dv_rt_ref_drop(store, held);
    fill(store, more);
    u32 gone = 0;
    for (u32 i = 0; i < OBJECTS; i++) {
        assert_int_equal(more[i].finalized, 0);
        gone += things[i].finalized;
        assert_in_range(things[i].finalized, 0, 1);
    }
    assert_true(gone > OBJECTS / 2); /* a few look as if slots named them */
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(kept[i].finalized, 0);
    }
    u32 handle;
    assert_true(dv_rt_table_get(export_of(instance, "t").of.table, 3, &handle));
    assert_ptr_equal(dv_rt_ref_object(store, handle), &kept[0]);
    handle = (u32)dv_rt_global_get(export_of(instance, "g").of.global).lo;
    assert_ptr_equal(dv_rt_ref_object(store, handle), &kept[1]);
    assert_ptr_equal(dv_rt_ref_object(store, held), &kept[2]);
    dv_rt_store_release(store);
    for (u32 i = 0; i < OBJECTS; i++) {
        assert_int_equal(things[i].finalized, 1);
        assert_int_equal(more[i].finalized, 1);
    }
    for (u32 i = 0; i < 4; i++) {
        assert_int_equal(kept[i].finalized, 1);
    }
}

typedef struct Scene {
    Thing *things;
    Thing own;
    RtInstance *instance;
} Scene;

/* Its argument is named by nothing but the slots that it was called with; it calls and makes a lot. */
static RtTrap *make_many(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    Scene *scene = context;
    RtVal other;
    for (u32 i = 0; i < OBJECTS; i++) {
        u32 handle = dv_rt_ref_new(store, &scene->things[i], finalize);
        call(store, scene->instance, "same", handle, &other);
        assert_ptr_equal(dv_rt_ref_object(store, (u32)other.lo), &scene->things[i]);
    }
    assert_ptr_equal(dv_rt_ref_object(store, (u32)args[0].lo), &scene->own);
    assert_int_equal(scene->own.finalized, 0);
    results[0] = args[0];
    return NULL;
}

static void arguments_stay(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    Scene scene = {.things = ARENA_ARRAY(&f->arena, Thing, OBJECTS)};
    scene.instance = make_keeper(f, store);
    const ValType types[] = {VT_EXTERNREF, VT_EXTERNREF};
    const RtFuncType type = {1, 1, types, types + 1};
    const RtHostFunc host = {.fn = make_many, .context = &scene};
    RtError error;
    RtFunc *func = dv_rt_func_new(store, dv_rt_type(store, &type), &host, &error);
    Meta *m = meta_new(f);
    meta_type(m, "e", "e");
    meta_import_func(m, "h", "f", 0);
    meta_func(m, 0);
    meta_export(m, "f", EXTERN_FUNC, 1);
    RtExtern import = {.kind = EXTERN_FUNC, .of.func = func};
    RtInstance *instance =
        add_instance(f, store,
                     artifact_of(m, "type 1 -> 1\nimport type0\nfunc type0, window 4 {\n"
                                    "xmov s2, s0\nxconst16 s0, 0\ncall_import s2, import0\n"
                                    "xmov s0, s2\nret\n}\n"),
                     &import, 1);
    RtVal result;
    call(store, instance, "f", dv_rt_ref_new(store, &scene.own, finalize), &result);
    assert_ptr_equal(dv_rt_ref_object(store, (u32)result.lo), &scene.own);
    u32 gone = 0;
    for (u32 i = 0; i < OBJECTS; i++) {
        gone += scene.things[i].finalized;
    }
    assert_true(gone > OBJECTS / 2);
    /* And without a guest in between. */
    RtVal arg = val(dv_rt_ref_new(store, &scene.own, finalize));
    memset(scene.things, 0, OBJECTS * sizeof *scene.things);
    assert_null(dv_rt_call(store, func, &arg, &result));
    dv_rt_store_release(store);
    assert_int_equal(scene.own.finalized, 1);
}

static void functions_finalize_once(void **state)
{
    Fixture *f = *state;
    RtStore *store = open_store(f, (RtStoreConfig){0});
    Thing thing = {0};
    const RtFuncType none = {0};
    const RtHostFunc host = {.fn = make_many, .context = &thing, .finalize = finalize};
    RtError error;
    RtFunc *func = dv_rt_func_new(store, dv_rt_type(store, &none), &host, &error);
    assert_ptr_equal(dv_rt_ref_func(store, func->handle), func);
    assert_null(dv_rt_ref_func(store, 0));
    assert_true(dv_rt_val_fits(store, val(func->handle), VT_FUNCREF));
    assert_true(dv_rt_val_fits(store, val(func->handle), VT_REF | func->type_id));
    assert_false(dv_rt_val_fits(store, val(func->handle), VT_REF | (func->type_id + 1)));
    assert_false(dv_rt_val_fits(store, val(func->handle + 1), VT_FUNCREF));
    assert_ptr_equal(dv_rt_store_retain(store), store);
    dv_rt_store_release(store);
    assert_int_equal(thing.finalized, 0);
    dv_rt_store_release(store);
    assert_int_equal(thing.finalized, 1);
    dv_rt_store_release(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, unit_setup, unit_teardown)
    const struct CMUnitTest tests[] = {
        TEST(handles),
        TEST(what_guests_name_stays),
        TEST(arguments_stay),
        TEST(functions_finalize_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
