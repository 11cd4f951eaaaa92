/* test_capi.c - what programs cannot reach through the C API yet: types of features that do not run, tags. */
#include "unit.h"
#include "wasm/capi/capi.h"

static void test_kinds(void **state)
{
    static const struct {
        ValType type;
        wasm_valkind_t kind;
        bool exact;
    } rows[] = {
        {VT_I32, WASM_I32, true},
        {VT_I64, WASM_I64, true},
        {VT_F32, WASM_F32, true},
        {VT_F64, WASM_F64, true},
        {VT_V128, DAVIT_KIND_V128, false},
        {VT_FUNCREF, WASM_FUNCREF, true},
        {VT_EXTERNREF, WASM_EXTERNREF, true},
        {VT_EXNREF, DAVIT_KIND_OTHER_REF, false},
        {VT_FUNCREF & ~VT_NULL, WASM_FUNCREF, false},
        {VT_EXTERNREF & ~VT_NULL, WASM_EXTERNREF, false},
        {VT_REF | VT_NULL | VT_ABSTRACT | HEAP_NOFUNC, WASM_FUNCREF, false},
        {VT_REF | VT_NULL | VT_ABSTRACT | HEAP_NOEXTERN, WASM_EXTERNREF, false},
        {VT_REF | VT_NULL | VT_ABSTRACT | HEAP_ANY, DAVIT_KIND_OTHER_REF, false},
        {VT_REF | VT_NULL | VT_ABSTRACT | HEAP_I31, DAVIT_KIND_OTHER_REF, false},
        {VT_REF | VT_NULL | 1, WASM_FUNCREF, false}, /* an id of the store */
    };
    (void)state;
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        bool exact;
        assert_int_equal(dv_capi_kind(NULL, rows[i].type, &exact), rows[i].kind);
        assert_int_equal(exact, rows[i].exact);
        assert_int_equal(dv_capi_kind_type(rows[i].kind) == rows[i].type, rows[i].exact);
    }
}

/* A type index of a module means what the module says there. */
static void test_module_kinds(void **state)
{
    SubType types[2] = {{.kind = COMP_STRUCT}, {.kind = COMP_FUNC}};
    WasmModule module = {0};
    bool exact;
    (void)state;
    module.types.data = types;
    module.types.len = 2;
    assert_int_equal(dv_capi_kind(&module, VT_REF | 0, &exact), DAVIT_KIND_OTHER_REF);
    assert_false(exact);
    assert_int_equal(dv_capi_kind(&module, VT_REF | VT_NULL | 1, &exact), WASM_FUNCREF);
    assert_false(exact);
}

static void test_limits(void **state)
{
    static const struct {
        Limits limits;
        u32 page_log2;
        bool fits;
    } rows[] = {
        {{.min = 1}, 16, true},
        {{.min = 1, .max = 65536, .has_max = true}, 16, true},
        {{.min = 1, .index64 = true}, 16, false},
        {{.min = 1, .max = 2, .has_max = true, .shared = true}, 16, false},
        {{.min = 1}, 0, false},
        {{.min = (u64)1 << 32}, 16, false},
        {{.min = 1, .max = (u64)1 << 32, .has_max = true}, 16, false},
    };
    (void)state;
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        wasm_memorytype_t *type = dv_capi_memorytype(&rows[i].limits, rows[i].page_log2);
        const wasm_limits_t *limits = wasm_memorytype_limits(type);
        assert_int_equal(limits != NULL, rows[i].fits);
        if (limits != NULL) {
            u64 max = rows[i].limits.has_max ? rows[i].limits.max : wasm_limits_max_default;
            assert_int_equal(limits->min, rows[i].limits.min);
            assert_int_equal(limits->max, max);
        }
        wasm_memorytype_delete(type);
    }
}

static void test_tags(void **state)
{
    static const ValType params[] = {VT_I32, VT_F64};
    wasm_engine_t *engine = wasm_engine_new();
    wasm_store_t *store = wasm_store_new(engine);
    RtFuncType type = {2, 0, params, NULL};
    (void)state;
    u32 id = dv_rt_type(store->rt, &type);
    assert_int_not_equal(id, 0);
    RtTag *tag = dv_rt_tag_new(store->rt, id, &store->error);
    assert_non_null(tag);
    RtExtern what = {EXTERN_TAG, {.tag = tag}};
    wasm_extern_t *handle = dv_capi_extern(store, what);
    assert_non_null(handle);
    assert_int_equal(wasm_extern_kind(handle), WASM_EXTERN_TAG);
    assert_null(wasm_extern_as_func(handle));
    assert_ptr_equal(dv_capi_extern_of(wasm_extern_as_ref(handle)).of.tag, tag);
    wasm_externtype_t *extern_type = wasm_extern_type(handle);
    const wasm_tagtype_t *tag_type = wasm_externtype_as_tagtype_const(extern_type);
    assert_non_null(tag_type);
    assert_int_equal(wasm_functype_params(wasm_tagtype_functype(tag_type))->size, 2);
    assert_int_equal(wasm_functype_results(wasm_tagtype_functype(tag_type))->size, 0);
    wasm_externtype_delete(extern_type);
    wasm_extern_delete(handle);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_module_kinds),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
