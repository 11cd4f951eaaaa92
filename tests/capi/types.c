/* types.c - types and vectors: made, looked at, copied, deleted; each function of each kind. */
#include "capi_testing.h"

/* Every vector function, with elements that `make` gives. */
#define CHECK_VECTOR(name, make) \
    static void check_##name##_vec(void) \
    { \
        wasm_##name##_vec_t empty, zeroes, vec, copy; \
        wasm_##name##_vec_new_empty(&empty); \
        CHECK(empty.size == 0 && empty.data == NULL); \
        wasm_##name##_vec_copy(&copy, &empty); \
        CHECK(copy.size == 0 && copy.data == NULL); \
        wasm_##name##_vec_delete(&empty); \
        wasm_##name##_vec_new_uninitialized(&zeroes, 3); \
        CHECK(zeroes.size == 3 && zeroes.data != NULL); \
        wasm_##name##_vec_delete(&zeroes); \
        CHECK(zeroes.size == 0 && zeroes.data == NULL); \
        wasm_##name##_t *elems[] = {make, make}; \
        wasm_##name##_vec_new(&vec, 2, elems); \
        CHECK(vec.size == 2 && vec.data[0] == elems[0] && vec.data[1] == elems[1]); \
        wasm_##name##_vec_copy(&copy, &vec); \
        CHECK(copy.size == 2 && copy.data[0] != NULL && copy.data[0] != elems[0]); \
        wasm_##name##_vec_delete(&vec); \
        wasm_##name##_vec_delete(&copy); \
        CHECK(wasm_##name##_copy(NULL) == NULL); \
        wasm_##name##_delete(NULL); \
    }

static wasm_functype_t *make_functype(void)
{
    return wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i64());
}

static const wasm_limits_t limits = {1, 7};

static wasm_externtype_t *make_externtype(void)
{
    return wasm_memorytype_as_externtype(wasm_memorytype_new(&limits));
}

static wasm_importtype_t *make_importtype(void)
{
    wasm_name_t module, name;
    wasm_name_new_from_string(&module, "module");
    wasm_name_new_from_string_nt(&name, "name");
    wasm_importtype_t *type = wasm_importtype_new(&module, &name, make_externtype());
    CHECK(module.size == 0 && name.size == 0);
    return type;
}

static wasm_exporttype_t *make_exporttype(void)
{
    wasm_name_t name;
    wasm_name_new_from_string(&name, "name");
    return wasm_exporttype_new(&name, make_externtype());
}

CHECK_VECTOR(valtype, wasm_valtype_new_f32())
CHECK_VECTOR(functype, make_functype())
CHECK_VECTOR(globaltype, wasm_globaltype_new(wasm_valtype_new_i32(), WASM_VAR))
CHECK_VECTOR(tabletype, wasm_tabletype_new(wasm_valtype_new_funcref(), &limits))
CHECK_VECTOR(memorytype, wasm_memorytype_new(&limits))
CHECK_VECTOR(tagtype, wasm_tagtype_new(make_functype()))
CHECK_VECTOR(externtype, make_externtype())
CHECK_VECTOR(importtype, make_importtype())
CHECK_VECTOR(exporttype, make_exporttype())

static void check_bytes(void)
{
    wasm_byte_vec_t vec, copy;
    wasm_byte_vec_new_empty(&vec);
    CHECK(vec.size == 0 && vec.data == NULL);
    wasm_byte_vec_new_uninitialized(&vec, 5);
    CHECK(vec.size == 5);
    wasm_byte_vec_delete(&vec);
    wasm_byte_vec_new(&vec, 3, "abc");
    wasm_byte_vec_copy(&copy, &vec);
    CHECK(copy.size == 3 && copy.data != vec.data && memcmp(copy.data, "abc", 3) == 0);
    wasm_byte_vec_delete(&vec);
    wasm_byte_vec_delete(&copy);
    wasm_name_new_from_string_nt(&vec, "ab");
    CHECK(vec.size == 3 && vec.data[2] == '\0');
    wasm_name_delete(&vec);
    /* Impossible sizes give nothing. */
    wasm_valtype_vec_t huge;
    volatile size_t too_many = SIZE_MAX / 2;
    wasm_valtype_vec_new_uninitialized(&huge, too_many);
    CHECK(huge.size == 0 && huge.data == NULL);
}

static void check_kinds(void)
{
    static const wasm_valkind_t kinds[] = {WASM_I32, WASM_I64,       WASM_F32,
                                           WASM_F64, WASM_EXTERNREF, WASM_FUNCREF};
    wasm_valtype_t *short_forms[] = {wasm_valtype_new_i32(),       wasm_valtype_new_i64(),
                                     wasm_valtype_new_f32(),       wasm_valtype_new_f64(),
                                     wasm_valtype_new_externref(), wasm_valtype_new_funcref()};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        wasm_valtype_t *type = wasm_valtype_new(kinds[i]);
        wasm_valtype_t *copy = wasm_valtype_copy(type);
        CHECK(wasm_valtype_kind(type) == kinds[i] && wasm_valtype_kind(copy) == kinds[i]);
        CHECK(wasm_valtype_kind(short_forms[i]) == kinds[i]);
        CHECK(wasm_valtype_is_num(type) == (i < 4) && wasm_valtype_is_ref(type) == (i >= 4));
        CHECK(wasm_valkind_is_num(kinds[i]) == (i < 4) &&
              wasm_valkind_is_ref(kinds[i]) == (i >= 4));
        wasm_valtype_delete(type);
        wasm_valtype_delete(copy);
        wasm_valtype_delete(short_forms[i]);
    }
    CHECK(wasm_valtype_new(4) == NULL && wasm_valtype_new(200) == NULL);
}

/* That the short form has so many of each; deletes it. */
static void check_arity(wasm_functype_t *type, size_t params, size_t results)
{
    CHECK(wasm_functype_params(type)->size == params);
    CHECK(wasm_functype_results(type)->size == results);
    for (size_t i = 0; i < params; i++) {
        CHECK(wasm_valtype_kind(wasm_functype_params(type)->data[i]) == WASM_I32);
    }
    for (size_t i = 0; i < results; i++) {
        CHECK(wasm_valtype_kind(wasm_functype_results(type)->data[i]) == WASM_F64);
    }
    wasm_functype_delete(type);
}

#define P wasm_valtype_new_i32()
#define R wasm_valtype_new_f64()

static void check_functypes(void)
{
    check_arity(wasm_functype_new_0_0(), 0, 0);
    check_arity(wasm_functype_new_1_0(P), 1, 0);
    check_arity(wasm_functype_new_2_0(P, P), 2, 0);
    check_arity(wasm_functype_new_3_0(P, P, P), 3, 0);
    check_arity(wasm_functype_new_0_1(R), 0, 1);
    check_arity(wasm_functype_new_1_1(P, R), 1, 1);
    check_arity(wasm_functype_new_2_1(P, P, R), 2, 1);
    check_arity(wasm_functype_new_3_1(P, P, P, R), 3, 1);
    check_arity(wasm_functype_new_0_2(R, R), 0, 2);
    check_arity(wasm_functype_new_1_2(P, R, R), 1, 2);
    check_arity(wasm_functype_new_2_2(P, P, R, R), 2, 2);
    check_arity(wasm_functype_new_3_2(P, P, P, R, R), 3, 2);
    wasm_functype_t *type = wasm_functype_new_3_2(P, P, P, R, R);
    check_arity(wasm_functype_copy(type), 3, 2);
    wasm_valtype_vec_t params, results;
    wasm_valtype_vec_new_empty(&params);
    wasm_valtype_vec_copy(&results, wasm_functype_results(type));
    check_arity(wasm_functype_new(&params, &results), 0, 2);
    CHECK(results.size == 0);
    wasm_functype_delete(type);
}

/* The five conversions of one kind, and that the other kinds refuse. */
#define CHECK_EXTERN(name, make, extern_kind) \
    static void check_##name##_extern(void) \
    { \
        wasm_##name##_t *type = make; \
        const wasm_##name##_t *const_type = type; \
        wasm_externtype_t *as_extern = wasm_##name##_as_externtype(type); \
        const wasm_externtype_t *as_const = wasm_##name##_as_externtype_const(const_type); \
        CHECK(as_extern == as_const && wasm_externtype_kind(as_extern) == (extern_kind)); \
        CHECK(wasm_externtype_as_##name(as_extern) == type); \
        CHECK(wasm_externtype_as_##name##_const(as_const) == type); \
        CHECK((wasm_externtype_as_functype(as_extern) != NULL) == \
              ((extern_kind) == WASM_EXTERN_FUNC)); \
        CHECK((wasm_externtype_as_globaltype(as_extern) != NULL) == \
              ((extern_kind) == WASM_EXTERN_GLOBAL)); \
        CHECK((wasm_externtype_as_tabletype(as_extern) != NULL) == \
              ((extern_kind) == WASM_EXTERN_TABLE)); \
        CHECK((wasm_externtype_as_memorytype(as_extern) != NULL) == \
              ((extern_kind) == WASM_EXTERN_MEMORY)); \
        CHECK((wasm_externtype_as_tagtype(as_extern) != NULL) == \
              ((extern_kind) == WASM_EXTERN_TAG)); \
        CHECK(wasm_##name##_as_externtype(NULL) == NULL); \
        CHECK(wasm_externtype_as_##name(NULL) == NULL); \
        wasm_externtype_t *copy = wasm_externtype_copy(as_const); \
        CHECK(copy != as_extern && wasm_externtype_kind(copy) == (extern_kind)); \
        wasm_externtype_delete(copy); \
        wasm_externtype_delete(as_extern); \
    }

CHECK_EXTERN(functype, make_functype(), WASM_EXTERN_FUNC)
CHECK_EXTERN(globaltype, wasm_globaltype_new(P, WASM_CONST), WASM_EXTERN_GLOBAL)
CHECK_EXTERN(tabletype, wasm_tabletype_new(wasm_valtype_new_externref(), &limits),
             WASM_EXTERN_TABLE)
CHECK_EXTERN(memorytype, wasm_memorytype_new(&limits), WASM_EXTERN_MEMORY)
CHECK_EXTERN(tagtype, wasm_tagtype_new(make_functype()), WASM_EXTERN_TAG)

static void check_parts(void)
{
    wasm_globaltype_t *global = wasm_globaltype_new(R, WASM_VAR);
    wasm_globaltype_t *global_copy = wasm_globaltype_copy(global);
    CHECK(wasm_valtype_kind(wasm_globaltype_content(global_copy)) == WASM_F64);
    CHECK(wasm_globaltype_mutability(global_copy) == WASM_VAR);
    wasm_globaltype_delete(global);
    wasm_globaltype_delete(global_copy);

    wasm_tabletype_t *table = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
    CHECK(wasm_valtype_kind(wasm_tabletype_element(table)) == WASM_FUNCREF);
    CHECK(wasm_tabletype_limits(table)->min == 1 && wasm_tabletype_limits(table)->max == 7);
    wasm_tabletype_delete(table);

    wasm_limits_t open = {2, wasm_limits_max_default};
    wasm_memorytype_t *memory = wasm_memorytype_new(&open);
    CHECK(wasm_memorytype_limits(memory)->min == 2);
    CHECK(wasm_memorytype_limits(memory)->max == wasm_limits_max_default);
    wasm_memorytype_delete(memory);

    wasm_tagtype_t *tag = wasm_tagtype_new(make_functype());
    CHECK(wasm_functype_params(wasm_tagtype_functype(tag))->size == 1);
    wasm_tagtype_delete(tag);

    wasm_importtype_t *import = make_importtype();
    CHECK(name_is(wasm_importtype_module(import), "module"));
    CHECK(wasm_importtype_name(import)->size == 5);
    CHECK(wasm_externtype_kind(wasm_importtype_type(import)) == WASM_EXTERN_MEMORY);
    wasm_importtype_delete(import);

    wasm_exporttype_t *export = make_exporttype();
    CHECK(name_is(wasm_exporttype_name(export), "name"));
    CHECK(wasm_externtype_kind(wasm_exporttype_type(export)) == WASM_EXTERN_MEMORY);
    wasm_exporttype_delete(export);
}

int main(void)
{
    check_bytes();
    check_valtype_vec();
    check_functype_vec();
    check_globaltype_vec();
    check_tabletype_vec();
    check_memorytype_vec();
    check_tagtype_vec();
    check_externtype_vec();
    check_importtype_vec();
    check_exporttype_vec();
    check_kinds();
    check_functypes();
    check_functype_extern();
    check_globaltype_extern();
    check_tabletype_extern();
    check_memorytype_extern();
    check_tagtype_extern();
    check_parts();
    return 0;
}
