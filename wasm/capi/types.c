/* types.c - vectors, and the types of wasm.h, which belong to no engine.
 *
 * Types are malloc'd trees with one owner. The five that an externtype can be begin with it, so that seeing one as the
 * other costs nothing. A value type remembers whether its kind tells all about it: one read from a module may be a
 * reference to functions of one type, which wasm.h calls a funcref. Such a type can be looked at, but nothing is made
 * from it.
 *
 * Vectors are all alike; those of pointers own what they point to.
 */
#include <stdlib.h>

#include "wasm/capi/capi.h"

struct wasm_valtype_t {
    wasm_valkind_t kind;
    bool exact;
};

struct wasm_externtype_t {
    wasm_externkind_t kind;
};

struct wasm_functype_t {
    wasm_externtype_t base;
    wasm_valtype_vec_t params, results;
};

struct wasm_globaltype_t {
    wasm_externtype_t base;
    wasm_valtype_t *content;
    wasm_mutability_t mutability;
};

struct wasm_tabletype_t {
    wasm_externtype_t base;
    wasm_valtype_t *element;
    wasm_limits_t limits;
    bool has_limits; /* they can be told */
};

struct wasm_memorytype_t {
    wasm_externtype_t base;
    wasm_limits_t limits;
    bool has_limits;
};

struct wasm_tagtype_t {
    wasm_externtype_t base;
    wasm_functype_t *functype;
};

struct wasm_importtype_t {
    wasm_name_t module, name;
    wasm_externtype_t *type;
};

struct wasm_exporttype_t {
    wasm_name_t name;
    wasm_externtype_t *type;
};

/* ---- vectors ---- */

#define VECTOR_BASE(name, Elem) \
    void wasm_##name##_vec_new_empty(wasm_##name##_vec_t *out) \
    { \
        out->size = 0; \
        out->data = NULL; \
    } \
    void wasm_##name##_vec_new_uninitialized(wasm_##name##_vec_t *out, size_t size) \
    { \
        size_t bytes; \
        bool too_large = dv_mul_overflows(size, sizeof(Elem), &bytes); \
        out->data = size == 0 || too_large ? NULL : calloc(1, bytes); \
        out->size = out->data == NULL ? 0 : size; \
    }

/* Elements are copied by their bytes, and nothing is done to delete them. */
VECTOR_BASE(byte, wasm_byte_t)

void wasm_byte_vec_new(wasm_byte_vec_t *out, size_t size, const wasm_byte_t data[])
{
    wasm_byte_vec_new_uninitialized(out, size);
    if (out->size != 0) {
        memcpy(out->data, data, size);
    }
}

void wasm_byte_vec_copy(wasm_byte_vec_t *out, const wasm_byte_vec_t *from)
{
    wasm_byte_vec_new(out, from->size, from->data);
}

void wasm_byte_vec_delete(wasm_byte_vec_t *vec)
{
    free(vec->data);
    wasm_byte_vec_new_empty(vec);
}

VECTOR_BASE(val, wasm_val_t)

void wasm_val_vec_delete(wasm_val_vec_t *vec)
{
    for (size_t i = 0; i < vec->size; i++) {
        wasm_val_delete(&vec->data[i]);
    }
    free(vec->data);
    wasm_val_vec_new_empty(vec);
}

void wasm_val_vec_new(wasm_val_vec_t *out, size_t size, const wasm_val_t data[])
{
    wasm_val_vec_new_uninitialized(out, size);
    for (size_t i = 0; i < size; i++) {
        wasm_val_t value = data[i];
        if (out->data != NULL) {
            out->data[i] = value;
        } else {
            wasm_val_delete(&value);
        }
    }
}

void wasm_val_vec_copy(wasm_val_vec_t *out, const wasm_val_vec_t *from)
{
    wasm_val_vec_new_uninitialized(out, from->size);
    for (size_t i = 0; i < out->size; i++) {
        wasm_val_copy(&out->data[i], &from->data[i]);
    }
}

#define POINTER_VECTOR(name) \
    VECTOR_BASE(name, wasm_##name##_t *) \
    void wasm_##name##_vec_delete(wasm_##name##_vec_t *vec) \
    { \
        for (size_t i = 0; i < vec->size; i++) { \
            wasm_##name##_delete(vec->data[i]); \
        } \
        free(vec->data); \
        wasm_##name##_vec_new_empty(vec); \
    } \
    void wasm_##name##_vec_new(wasm_##name##_vec_t *out, size_t size, \
                               wasm_##name##_t *const data[]) \
    { \
        wasm_##name##_vec_new_uninitialized(out, size); \
        for (size_t i = 0; i < size; i++) { \
            if (out->data != NULL) { \
                out->data[i] = data[i]; \
            } else { \
                wasm_##name##_delete(data[i]); \
            } \
        } \
    } \
    void wasm_##name##_vec_copy(wasm_##name##_vec_t *out, const wasm_##name##_vec_t *from) \
    { \
        wasm_##name##_vec_new_uninitialized(out, from->size); \
        for (size_t i = 0; i < out->size; i++) { \
            out->data[i] = wasm_##name##_copy(from->data[i]); \
            if (out->data[i] == NULL && from->data[i] != NULL) { \
                wasm_##name##_vec_delete(out); \
                return; \
            } \
        } \
    }

POINTER_VECTOR(valtype)
POINTER_VECTOR(functype)
POINTER_VECTOR(globaltype)
POINTER_VECTOR(tabletype)
POINTER_VECTOR(memorytype)
POINTER_VECTOR(tagtype)
POINTER_VECTOR(externtype)
POINTER_VECTOR(importtype)
POINTER_VECTOR(exporttype)
POINTER_VECTOR(frame)
POINTER_VECTOR(extern)

/* ---- value types ---- */

static wasm_valtype_t *make_valtype(wasm_valkind_t kind, bool exact)
{
    wasm_valtype_t *type = malloc(sizeof *type);
    if (type != NULL) {
        *type = (wasm_valtype_t){kind, exact};
    }
    return type;
}

wasm_valtype_t *wasm_valtype_new(wasm_valkind_t kind)
{
    bool known = kind <= WASM_F64 || kind == WASM_EXTERNREF || kind == WASM_FUNCREF;
    return known ? make_valtype(kind, true) : NULL;
}

void wasm_valtype_delete(wasm_valtype_t *type)
{
    free(type);
}

wasm_valtype_t *wasm_valtype_copy(const wasm_valtype_t *type)
{
    return type == NULL ? NULL : make_valtype(type->kind, type->exact);
}

wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t *type)
{
    return type->kind;
}

static wasm_valkind_t ref_kind(const WasmModule *module, ValType type)
{
    u32 heap = type & VT_INDEX;
    if (vt_is_indexed(type)) {
        bool is_func = module == NULL || module->types.data[heap].kind == COMP_FUNC;
        return is_func ? WASM_FUNCREF : DAVIT_KIND_OTHER_REF;
    }
    switch (heap) {
    case HEAP_FUNC:
    case HEAP_NOFUNC:
        return WASM_FUNCREF;
    case HEAP_EXTERN:
    case HEAP_NOEXTERN:
        return WASM_EXTERNREF;
    default:
        return DAVIT_KIND_OTHER_REF;
    }
}

wasm_valkind_t dv_capi_kind(const WasmModule *module, ValType type, bool *exact)
{
    wasm_valkind_t kind = DAVIT_KIND_V128;
    if (vt_is_ref(type)) {
        kind = ref_kind(module, type);
    } else if (type != VT_V128) {
        kind = (wasm_valkind_t)(VT_I32 - type); /* both number i32, i64, f32, f64 in a row */
    }
    *exact = dv_capi_kind_type(kind) == type;
    return kind;
}

ValType dv_capi_kind_type(wasm_valkind_t kind)
{
    switch (kind) {
    case WASM_I32:
        return VT_I32;
    case WASM_I64:
        return VT_I64;
    case WASM_F32:
        return VT_F32;
    case WASM_F64:
        return VT_F64;
    case WASM_FUNCREF:
        return VT_FUNCREF;
    case WASM_EXTERNREF:
        return VT_EXTERNREF;
    default:
        return VT_BOTTOM;
    }
}

ValType dv_capi_valtype_of(const wasm_valtype_t *type)
{
    return type != NULL && type->exact ? dv_capi_kind_type(type->kind) : VT_BOTTOM;
}

static wasm_valtype_t *valtype_of(const WasmModule *module, ValType type)
{
    bool exact;
    wasm_valkind_t kind = dv_capi_kind(module, type, &exact);
    return make_valtype(kind, exact);
}

/* ---- function types ---- */

wasm_functype_t *wasm_functype_new(wasm_valtype_vec_t *params, wasm_valtype_vec_t *results)
{
    wasm_functype_t *type = calloc(1, sizeof *type);
    if (type == NULL) {
        wasm_valtype_vec_delete(params);
        wasm_valtype_vec_delete(results);
        return NULL;
    }
    type->base.kind = WASM_EXTERN_FUNC;
    type->params = *params;
    type->results = *results;
    wasm_valtype_vec_new_empty(params);
    wasm_valtype_vec_new_empty(results);
    return type;
}

void wasm_functype_delete(wasm_functype_t *type)
{
    if (type != NULL) {
        wasm_valtype_vec_delete(&type->params);
        wasm_valtype_vec_delete(&type->results);
        free(type);
    }
}

/* The type of two vectors that have come out as long as they should be, or nothing. */
static wasm_functype_t *complete_functype(wasm_valtype_vec_t *params, usize num_params,
                                          wasm_valtype_vec_t *results, usize num_results)
{
    bool whole = params->size == num_params && results->size == num_results;
    wasm_functype_t *type = wasm_functype_new(params, results);
    if (type != NULL && !whole) {
        wasm_functype_delete(type);
        return NULL;
    }
    return type;
}

wasm_functype_t *wasm_functype_copy(const wasm_functype_t *type)
{
    wasm_valtype_vec_t params, results;
    if (type == NULL) {
        return NULL;
    }
    wasm_valtype_vec_copy(&params, &type->params);
    wasm_valtype_vec_copy(&results, &type->results);
    return complete_functype(&params, type->params.size, &results, type->results.size);
}

static void fill_valtypes(wasm_valtype_vec_t *out, const WasmModule *module, const ValType *types,
                          usize count)
{
    wasm_valtype_vec_new_uninitialized(out, count);
    for (usize i = 0; i < out->size; i++) {
        out->data[i] = valtype_of(module, types[i]);
        if (out->data[i] == NULL) {
            wasm_valtype_vec_delete(out);
        }
    }
}

wasm_functype_t *dv_capi_functype(const WasmModule *module, const ValType *params, usize num_params,
                                  const ValType *results, usize num_results)
{
    wasm_valtype_vec_t param_vec, result_vec;
    fill_valtypes(&param_vec, module, params, num_params);
    fill_valtypes(&result_vec, module, results, num_results);
    return complete_functype(&param_vec, num_params, &result_vec, num_results);
}

const wasm_valtype_vec_t *wasm_functype_params(const wasm_functype_t *type)
{
    return &type->params;
}

const wasm_valtype_vec_t *wasm_functype_results(const wasm_functype_t *type)
{
    return &type->results;
}

/* ---- global types ---- */

wasm_globaltype_t *wasm_globaltype_new(wasm_valtype_t *content, wasm_mutability_t mutability)
{
    wasm_globaltype_t *type = content == NULL ? NULL : calloc(1, sizeof *type);
    if (type == NULL) {
        wasm_valtype_delete(content);
        return NULL;
    }
    *type = (wasm_globaltype_t){{WASM_EXTERN_GLOBAL}, content, mutability};
    return type;
}

void wasm_globaltype_delete(wasm_globaltype_t *type)
{
    if (type != NULL) {
        wasm_valtype_delete(type->content);
        free(type);
    }
}

wasm_globaltype_t *wasm_globaltype_copy(const wasm_globaltype_t *type)
{
    return type == NULL ? NULL
                        : wasm_globaltype_new(wasm_valtype_copy(type->content), type->mutability);
}

wasm_globaltype_t *dv_capi_globaltype(const WasmModule *module, ValType type, bool is_mutable)
{
    return wasm_globaltype_new(valtype_of(module, type), is_mutable ? WASM_VAR : WASM_CONST);
}

const wasm_valtype_t *wasm_globaltype_content(const wasm_globaltype_t *type)
{
    return type->content;
}

wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t *type)
{
    return type->mutability;
}

/* ---- limits, table types, memory types ---- */

Limits dv_capi_limits(const wasm_limits_t *limits)
{
    bool has_max = limits->max != wasm_limits_max_default;
    return (Limits){.min = limits->min, .max = has_max ? limits->max : 0, .has_max = has_max};
}

/* False if wasm_limits_t cannot tell them. */
static bool limits_of(const Limits *limits, wasm_limits_t *out)
{
    bool fits = !limits->index64 && !limits->shared && limits->min < wasm_limits_max_default &&
                (!limits->has_max || limits->max <= wasm_limits_max_default);
    *out = (wasm_limits_t){0, wasm_limits_max_default};
    if (fits) {
        out->min = (u32)limits->min;
        out->max = limits->has_max ? (u32)limits->max : wasm_limits_max_default;
    }
    return fits;
}

davit_wasm_size_t dv_capi_size(const Limits *limits, u32 page_bytes, u64 now)
{
    return (davit_wasm_size_t){
        .min = now,
        .max = limits->has_max ? limits->max : 0,
        .has_max = limits->has_max,
        .index64 = limits->index64,
        .shared = limits->shared,
        .page_bytes = page_bytes,
    };
}

wasm_tabletype_t *wasm_tabletype_new(wasm_valtype_t *element, const wasm_limits_t *limits)
{
    wasm_tabletype_t *type = element == NULL ? NULL : calloc(1, sizeof *type);
    if (type == NULL) {
        wasm_valtype_delete(element);
        return NULL;
    }
    *type = (wasm_tabletype_t){{WASM_EXTERN_TABLE}, element, *limits, true};
    return type;
}

void wasm_tabletype_delete(wasm_tabletype_t *type)
{
    if (type != NULL) {
        wasm_valtype_delete(type->element);
        free(type);
    }
}

wasm_tabletype_t *wasm_tabletype_copy(const wasm_tabletype_t *type)
{
    if (type == NULL) {
        return NULL;
    }
    wasm_tabletype_t *copy = wasm_tabletype_new(wasm_valtype_copy(type->element), &type->limits);
    if (copy != NULL) {
        copy->has_limits = type->has_limits;
    }
    return copy;
}

wasm_tabletype_t *dv_capi_tabletype(const WasmModule *module, ValType elem, const Limits *limits)
{
    wasm_limits_t narrow;
    bool fits = limits_of(limits, &narrow);
    wasm_tabletype_t *type = wasm_tabletype_new(valtype_of(module, elem), &narrow);
    if (type != NULL) {
        type->has_limits = fits;
    }
    return type;
}

const wasm_valtype_t *wasm_tabletype_element(const wasm_tabletype_t *type)
{
    return type->element;
}

const wasm_limits_t *wasm_tabletype_limits(const wasm_tabletype_t *type)
{
    return type->has_limits ? &type->limits : NULL;
}

static wasm_memorytype_t *make_memorytype(wasm_limits_t limits, bool has_limits)
{
    wasm_memorytype_t *type = calloc(1, sizeof *type);
    if (type != NULL) {
        *type = (wasm_memorytype_t){{WASM_EXTERN_MEMORY}, limits, has_limits};
    }
    return type;
}

wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *limits)
{
    return make_memorytype(*limits, true);
}

void wasm_memorytype_delete(wasm_memorytype_t *type)
{
    free(type);
}

wasm_memorytype_t *wasm_memorytype_copy(const wasm_memorytype_t *type)
{
    return type == NULL ? NULL : make_memorytype(type->limits, type->has_limits);
}

wasm_memorytype_t *dv_capi_memorytype(const Limits *limits, u32 page_log2)
{
    wasm_limits_t narrow;
    bool fits = limits_of(limits, &narrow) && page_log2 == 16;
    return make_memorytype(narrow, fits);
}

const wasm_limits_t *wasm_memorytype_limits(const wasm_memorytype_t *type)
{
    return type->has_limits ? &type->limits : NULL;
}

/* ---- tag types ---- */

wasm_tagtype_t *wasm_tagtype_new(wasm_functype_t *functype)
{
    wasm_tagtype_t *type = functype == NULL ? NULL : calloc(1, sizeof *type);
    if (type == NULL) {
        wasm_functype_delete(functype);
        return NULL;
    }
    *type = (wasm_tagtype_t){{WASM_EXTERN_TAG}, functype};
    return type;
}

void wasm_tagtype_delete(wasm_tagtype_t *type)
{
    if (type != NULL) {
        wasm_functype_delete(type->functype);
        free(type);
    }
}

wasm_tagtype_t *wasm_tagtype_copy(const wasm_tagtype_t *type)
{
    return type == NULL ? NULL : wasm_tagtype_new(wasm_functype_copy(type->functype));
}

wasm_tagtype_t *dv_capi_tagtype(const WasmModule *module, const ValType *params, usize num_params)
{
    return wasm_tagtype_new(dv_capi_functype(module, params, num_params, NULL, 0));
}

const wasm_functype_t *wasm_tagtype_functype(const wasm_tagtype_t *type)
{
    return type->functype;
}

/* ---- extern types ---- */

wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t *type)
{
    return type->kind;
}

/* A type and the externtype it begins with are at one address. */
#define EXTERN_TYPE(name, extern_kind) \
    wasm_externtype_t *wasm_##name##_as_externtype(wasm_##name##_t *type) \
    { \
        return (wasm_externtype_t *)type; \
    } \
    const wasm_externtype_t *wasm_##name##_as_externtype_const(const wasm_##name##_t *type) \
    { \
        return (const wasm_externtype_t *)type; \
    } \
    wasm_##name##_t *wasm_externtype_as_##name(wasm_externtype_t *type) \
    { \
        return type != NULL && type->kind == (extern_kind) ? (wasm_##name##_t *)type : NULL; \
    } \
    const wasm_##name##_t *wasm_externtype_as_##name##_const(const wasm_externtype_t *type) \
    { \
        return type != NULL && type->kind == (extern_kind) ? (const wasm_##name##_t *)type : NULL; \
    }

EXTERN_TYPE(functype, WASM_EXTERN_FUNC)
EXTERN_TYPE(globaltype, WASM_EXTERN_GLOBAL)
EXTERN_TYPE(tabletype, WASM_EXTERN_TABLE)
EXTERN_TYPE(memorytype, WASM_EXTERN_MEMORY)
EXTERN_TYPE(tagtype, WASM_EXTERN_TAG)

void wasm_externtype_delete(wasm_externtype_t *type)
{
    if (type == NULL) {
        return;
    }
    switch (type->kind) {
    case WASM_EXTERN_FUNC:
        wasm_functype_delete(wasm_externtype_as_functype(type));
        break;
    case WASM_EXTERN_GLOBAL:
        wasm_globaltype_delete(wasm_externtype_as_globaltype(type));
        break;
    case WASM_EXTERN_TABLE:
        wasm_tabletype_delete(wasm_externtype_as_tabletype(type));
        break;
    case WASM_EXTERN_MEMORY:
        wasm_memorytype_delete(wasm_externtype_as_memorytype(type));
        break;
    default:
        wasm_tagtype_delete(wasm_externtype_as_tagtype(type));
        break;
    }
}

wasm_externtype_t *wasm_externtype_copy(const wasm_externtype_t *type)
{
    if (type == NULL) {
        return NULL;
    }
    switch (type->kind) {
    case WASM_EXTERN_FUNC:
        return wasm_functype_as_externtype(
            wasm_functype_copy(wasm_externtype_as_functype_const(type)));
    case WASM_EXTERN_GLOBAL:
        return wasm_globaltype_as_externtype(
            wasm_globaltype_copy(wasm_externtype_as_globaltype_const(type)));
    case WASM_EXTERN_TABLE:
        return wasm_tabletype_as_externtype(
            wasm_tabletype_copy(wasm_externtype_as_tabletype_const(type)));
    case WASM_EXTERN_MEMORY:
        return wasm_memorytype_as_externtype(
            wasm_memorytype_copy(wasm_externtype_as_memorytype_const(type)));
    default:
        return wasm_tagtype_as_externtype(
            wasm_tagtype_copy(wasm_externtype_as_tagtype_const(type)));
    }
}

/* ---- import and export types ---- */

/* A copy of a name for import and export types; false if memory runs out. */
static bool copy_name(wasm_name_t *out, const wasm_name_t *from)
{
    wasm_name_copy(out, from);
    return out->size == from->size;
}

wasm_importtype_t *wasm_importtype_new(wasm_name_t *module, wasm_name_t *name,
                                       wasm_externtype_t *type)
{
    wasm_importtype_t *import = type == NULL ? NULL : calloc(1, sizeof *import);
    if (import == NULL) {
        wasm_name_delete(module);
        wasm_name_delete(name);
        wasm_externtype_delete(type);
        return NULL;
    }
    *import = (wasm_importtype_t){*module, *name, type};
    wasm_name_new_empty(module);
    wasm_name_new_empty(name);
    return import;
}

void wasm_importtype_delete(wasm_importtype_t *import)
{
    if (import != NULL) {
        wasm_name_delete(&import->module);
        wasm_name_delete(&import->name);
        wasm_externtype_delete(import->type);
        free(import);
    }
}

wasm_importtype_t *wasm_importtype_copy(const wasm_importtype_t *import)
{
    wasm_name_t module, name;
    if (import == NULL) {
        return NULL;
    }
    bool whole = copy_name(&module, &import->module);
    whole = copy_name(&name, &import->name) && whole;
    wasm_externtype_t *type = whole ? wasm_externtype_copy(import->type) : NULL;
    return wasm_importtype_new(&module, &name, type);
}

const wasm_name_t *wasm_importtype_module(const wasm_importtype_t *import)
{
    return &import->module;
}

const wasm_name_t *wasm_importtype_name(const wasm_importtype_t *import)
{
    return &import->name;
}

const wasm_externtype_t *wasm_importtype_type(const wasm_importtype_t *import)
{
    return import->type;
}

wasm_exporttype_t *wasm_exporttype_new(wasm_name_t *name, wasm_externtype_t *type)
{
    wasm_exporttype_t *export = type == NULL ? NULL : calloc(1, sizeof *export);
    if (export == NULL) {
        wasm_name_delete(name);
        wasm_externtype_delete(type);
        return NULL;
    }
    *export = (wasm_exporttype_t){*name, type};
    wasm_name_new_empty(name);
    return export;
}

void wasm_exporttype_delete(wasm_exporttype_t *export)
{
    if (export != NULL) {
        wasm_name_delete(&export->name);
        wasm_externtype_delete(export->type);
        free(export);
    }
}

wasm_exporttype_t *wasm_exporttype_copy(const wasm_exporttype_t *export)
{
    wasm_name_t name;
    if (export == NULL) {
        return NULL;
    }
    bool whole = copy_name(&name, &export->name);
    return wasm_exporttype_new(&name, whole ? wasm_externtype_copy(export->type) : NULL);
}

const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *export)
{
    return &export->name;
}

const wasm_externtype_t *wasm_exporttype_type(const wasm_exporttype_t *export)
{
    return export->type;
}
