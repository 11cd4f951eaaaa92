/* wasm.h - the standard WebAssembly C API, as Davit offers it.
 *
 * The names, types and signatures are those of the interface that WebAssembly engines share, so that a program written
 * for another of them compiles and links with Davit unchanged. What the standard does not have (configuration,
 * WASI, fuel, interrupts, 64-bit memories, vectors) is in davit/wasm.h and works on the same objects.
 *
 *     wasm_engine_t *engine = wasm_engine_new();
 *     wasm_store_t *store = wasm_store_new(engine);
 *     wasm_module_t *module = wasm_module_new(store, &binary);
 *     wasm_instance_t *instance = wasm_instance_new(store, module, &imports, &trap);
 *     wasm_extern_vec_t exports;
 *     wasm_instance_exports(instance, &exports);
 *     trap = wasm_func_call(wasm_extern_as_func(exports.data[0]), &args, &results);
 *
 * Ownership. Where a type is marked `own`, owning it passes along: a result so marked is the caller's to delete, a
 * parameter so marked is taken over by the callee, also when the call fails. Parameters named `out` are written by the
 * callee, and what they then hold belongs to the caller. Everything else is borrowed: it stays its owner's, and is valid
 * as long as that one keeps it. Each wasm_X_delete ignores NULL. Owning a vector is owning its elements.
 *
 * Lifetime. An object that is seen through this interface is a handle: deleting it gives up this handle, not the thing
 * it stands for. Handles keep their store alive, and stores their engine, so that everything may be deleted in any
 * order. The things of a store (functions, memories, instances) go all at once with its last handle, which is when their
 * finalizers run. For that to come, what a finalizer deletes must not be a handle of the same store.
 *
 * Threads. Engines and shared modules may be used by several threads at once. A store and all its handles
 * belong to one thread at a time.
 *
 * Errors. A function that gives a pointer gives NULL if it fails; davit_wasm_error of davit/wasm.h tells why. Values
 * of types that the standard has no kind for (v128, exnref and its like), memories and tables with 64-bit
 * indices, shared ones or such with other pages: their types have a kind that says so or no limits (see
 * wasm_memorytype_limits), objects of such types are not made through this interface, and calls that would have to carry
 * such values end in a trap that says so.
 */
#ifndef WASM_H
#define WASM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef WASM_API_EXTERN
#if defined(DAVIT_SHARED) && (defined(__GNUC__) || defined(__clang__))
#define WASM_API_EXTERN __attribute__((visibility("default")))
#else
#define WASM_API_EXTERN
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define own /* only for the reader */

typedef char byte_t;
typedef float float32_t;
typedef double float64_t;

/* What declares an object that has an owner. */
#define WASM_OWNED(name) \
    typedef struct wasm_##name##_t wasm_##name##_t; \
    WASM_API_EXTERN void wasm_##name##_delete(own wasm_##name##_t *);

/* ---- Vectors
 * -------------------------------------------------------------------------------------- */

/* A vector is a size and an array from the C library's heap, which the functions here manage; data is NULL
 * when it is empty. `new` takes over the elements of the array, not the array; `new_uninitialized` makes
 * elements that are zero; `copy` copies the elements too. When memory runs out the vector is empty, and
 * elements that were handed over are deleted. `star` is * for vectors of pointers. */
#define WASM_VECTOR(name, star) \
    typedef struct wasm_##name##_vec_t { \
        size_t size; \
        wasm_##name##_t star *data; \
    } wasm_##name##_vec_t; \
    WASM_API_EXTERN void wasm_##name##_vec_new_empty(own wasm_##name##_vec_t *out); \
    WASM_API_EXTERN void wasm_##name##_vec_new_uninitialized(own wasm_##name##_vec_t *out, \
                                                             size_t); \
    WASM_API_EXTERN void wasm_##name##_vec_new(own wasm_##name##_vec_t *out, size_t, \
                                               own wasm_##name##_t star const[]); \
    WASM_API_EXTERN void wasm_##name##_vec_copy(own wasm_##name##_vec_t *out, \
                                                const wasm_##name##_vec_t *); \
    WASM_API_EXTERN void wasm_##name##_vec_delete(own wasm_##name##_vec_t *);

#define WASM_EMPTY_VEC \
    { \
        0, NULL \
    }
/* A vector that borrows the elements of a C array. */
#define WASM_ARRAY_VEC(array) \
    { \
        sizeof(array) / sizeof(*(array)), array \
    }

typedef byte_t wasm_byte_t;
WASM_VECTOR(byte, )

/* Names are UTF-8, without a NUL unless a function says so. */
typedef wasm_byte_vec_t wasm_name_t;

#define wasm_name wasm_byte_vec
#define wasm_name_new wasm_byte_vec_new
#define wasm_name_new_empty wasm_byte_vec_new_empty
#define wasm_name_new_uninitialized wasm_byte_vec_new_uninitialized
#define wasm_name_copy wasm_byte_vec_copy
#define wasm_name_delete wasm_byte_vec_delete

static inline void wasm_name_new_from_string(own wasm_name_t *out, const char *s)
{
    wasm_name_new(out, strlen(s), s);
}

/* With the NUL. */
static inline void wasm_name_new_from_string_nt(own wasm_name_t *out, const char *s)
{
    wasm_name_new(out, strlen(s) + 1, s);
}

/* ---- Configuration, engines, stores
 * --------------------------------------------------------------- */

/* davit/wasm.h has what can be set in one. */
WASM_OWNED(config)
WASM_API_EXTERN own wasm_config_t *wasm_config_new(void);

/* What stores and modules are made with. */
WASM_OWNED(engine)
WASM_API_EXTERN own wasm_engine_t *wasm_engine_new(void);
WASM_API_EXTERN own wasm_engine_t *wasm_engine_new_with_config(own wasm_config_t *);

/* What guests of one trust domain share. */
WASM_OWNED(store)
WASM_API_EXTERN own wasm_store_t *wasm_store_new(wasm_engine_t *);

/* ---- Types
 * ---------------------------------------------------------------------------------------- */

typedef uint8_t wasm_mutability_t;
enum wasm_mutability_enum { WASM_CONST, WASM_VAR };

typedef struct wasm_limits_t {
    uint32_t min;
    uint32_t max; /* wasm_limits_max_default: none */
} wasm_limits_t;

static const uint32_t wasm_limits_max_default = 0xffffffff;

/* What declares a type: an object of its own, which belongs to no engine. */
#define WASM_TYPE(name) \
    WASM_OWNED(name) \
    WASM_VECTOR(name, *) \
    WASM_API_EXTERN own wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *);

/* Value types. */
WASM_TYPE(valtype)

typedef uint8_t wasm_valkind_t;
enum wasm_valkind_enum {
    WASM_I32,
    WASM_I64,
    WASM_F32,
    WASM_F64,
    WASM_EXTERNREF = 128,
    WASM_ANYREF = WASM_EXTERNREF, /* its name in older copies */
    WASM_FUNCREF
};

/* NULL if the kind is none of these. */
WASM_API_EXTERN own wasm_valtype_t *wasm_valtype_new(wasm_valkind_t);
/* The kind; a DAVIT_KIND_ kind of davit/wasm.h if the standard has none. A typed reference has the kind of its
 * top: funcref or externref. */
WASM_API_EXTERN wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t *);

static inline bool wasm_valkind_is_num(wasm_valkind_t k)
{
    return k < WASM_EXTERNREF;
}
static inline bool wasm_valkind_is_ref(wasm_valkind_t k)
{
    return k >= WASM_EXTERNREF;
}
static inline bool wasm_valtype_is_num(const wasm_valtype_t *t)
{
    return wasm_valkind_is_num(wasm_valtype_kind(t));
}
static inline bool wasm_valtype_is_ref(const wasm_valtype_t *t)
{
    return wasm_valkind_is_ref(wasm_valtype_kind(t));
}

/* Function types. */
WASM_TYPE(functype)
/* Both vectors are taken over and left empty. */
WASM_API_EXTERN own wasm_functype_t *wasm_functype_new(own wasm_valtype_vec_t *params,
                                                       own wasm_valtype_vec_t *results);
WASM_API_EXTERN const wasm_valtype_vec_t *wasm_functype_params(const wasm_functype_t *);
WASM_API_EXTERN const wasm_valtype_vec_t *wasm_functype_results(const wasm_functype_t *);

/* Global types. */
WASM_TYPE(globaltype)
WASM_API_EXTERN own wasm_globaltype_t *wasm_globaltype_new(own wasm_valtype_t *, wasm_mutability_t);
WASM_API_EXTERN const wasm_valtype_t *wasm_globaltype_content(const wasm_globaltype_t *);
WASM_API_EXTERN wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t *);

/* Table types. */
WASM_TYPE(tabletype)
WASM_API_EXTERN own wasm_tabletype_t *wasm_tabletype_new(own wasm_valtype_t *,
                                                         const wasm_limits_t *);
WASM_API_EXTERN const wasm_valtype_t *wasm_tabletype_element(const wasm_tabletype_t *);
/* NULL: not 32-bit limits, see davit_wasm_table_type. */
WASM_API_EXTERN const wasm_limits_t *wasm_tabletype_limits(const wasm_tabletype_t *);

/* Memory types; limits in pages of 64 KiB. */
WASM_TYPE(memorytype)
WASM_API_EXTERN own wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *);
/* NULL: a memory with 64-bit limits, a shared one, or one with other pages; see davit_wasm_memory_type. */
WASM_API_EXTERN const wasm_limits_t *wasm_memorytype_limits(const wasm_memorytype_t *);

/* Tag types, of exceptions. */
WASM_TYPE(tagtype)
WASM_API_EXTERN own wasm_tagtype_t *wasm_tagtype_new(own wasm_functype_t *);
WASM_API_EXTERN const wasm_functype_t *wasm_tagtype_functype(const wasm_tagtype_t *);

/* Any of the types from functype on. */
WASM_TYPE(externtype)

typedef uint8_t wasm_externkind_t;
enum wasm_externkind_enum {
    WASM_EXTERN_FUNC,
    WASM_EXTERN_GLOBAL,
    WASM_EXTERN_TABLE,
    WASM_EXTERN_MEMORY,
    WASM_EXTERN_TAG
};

WASM_API_EXTERN wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t *);

/* The same object seen as the one or the other; NULL if it is of another kind. */
#define WASM_EXTERN_TYPE(name) \
    WASM_API_EXTERN wasm_externtype_t *wasm_##name##_as_externtype(wasm_##name##_t *); \
    WASM_API_EXTERN wasm_##name##_t *wasm_externtype_as_##name(wasm_externtype_t *); \
    WASM_API_EXTERN const wasm_externtype_t *wasm_##name##_as_externtype_const( \
        const wasm_##name##_t *); \
    WASM_API_EXTERN const wasm_##name##_t *wasm_externtype_as_##name##_const( \
        const wasm_externtype_t *);

WASM_EXTERN_TYPE(functype)
WASM_EXTERN_TYPE(globaltype)
WASM_EXTERN_TYPE(tabletype)
WASM_EXTERN_TYPE(memorytype)
WASM_EXTERN_TYPE(tagtype)

/* What a module wants. */
WASM_TYPE(importtype)
WASM_API_EXTERN own wasm_importtype_t *
wasm_importtype_new(own wasm_name_t *module, own wasm_name_t *name, own wasm_externtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_importtype_module(const wasm_importtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_importtype_name(const wasm_importtype_t *);
WASM_API_EXTERN const wasm_externtype_t *wasm_importtype_type(const wasm_importtype_t *);

/* What a module gives. */
WASM_TYPE(exporttype)
WASM_API_EXTERN own wasm_exporttype_t *wasm_exporttype_new(own wasm_name_t *,
                                                           own wasm_externtype_t *);
WASM_API_EXTERN const wasm_name_t *wasm_exporttype_name(const wasm_exporttype_t *);
WASM_API_EXTERN const wasm_externtype_t *wasm_exporttype_type(const wasm_exporttype_t *);

/* ---- Values
 * --------------------------------------------------------------------------------------- */

struct wasm_ref_t;

typedef struct wasm_val_t {
    wasm_valkind_t kind;
    union {
        int32_t i32;
        int64_t i64;
        float32_t f32;
        float64_t f64;
        struct wasm_ref_t *ref; /* NULL: the null reference */
    } of;
} wasm_val_t;

WASM_API_EXTERN void wasm_val_delete(own wasm_val_t *v);
WASM_API_EXTERN void wasm_val_copy(own wasm_val_t *out, const wasm_val_t *);

WASM_VECTOR(val, )

/* ---- References
 * ----------------------------------------------------------------------------------- */

/* What all references have. `copy` makes another handle of the same thing; `same` tells whether two handles are of
 * the same thing. Host info is a pointer of the program's own at the thing, the same through all its handles;
 * a finalizer runs when the thing goes. Setting it anew does not run the finalizer set before. */
#define WASM_REF_BASE(name) \
    WASM_OWNED(name) \
    WASM_API_EXTERN own wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *); \
    WASM_API_EXTERN bool wasm_##name##_same(const wasm_##name##_t *, const wasm_##name##_t *); \
    WASM_API_EXTERN void *wasm_##name##_get_host_info(const wasm_##name##_t *); \
    WASM_API_EXTERN void wasm_##name##_set_host_info(wasm_##name##_t *, void *); \
    WASM_API_EXTERN void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t *, void *, \
                                                                    void (*)(void *));

/* And being seen as a wasm_ref_t: the same handle, not another; NULL if it is of another kind. */
#define WASM_REF(name) \
    WASM_REF_BASE(name) \
    WASM_API_EXTERN wasm_ref_t *wasm_##name##_as_ref(wasm_##name##_t *); \
    WASM_API_EXTERN wasm_##name##_t *wasm_ref_as_##name(wasm_ref_t *); \
    WASM_API_EXTERN const wasm_ref_t *wasm_##name##_as_ref_const(const wasm_##name##_t *); \
    WASM_API_EXTERN const wasm_##name##_t *wasm_ref_as_##name##_const(const wasm_ref_t *);

/* Any reference: what externref values are. A function as an externref is not the same as that function as a
 * funcref for a guest, but gives the same wasm_func_t back. */
WASM_REF_BASE(ref)

/* ---- Frames, traps
 * -------------------------------------------------------------------------------- */

WASM_OWNED(frame)
WASM_VECTOR(frame, *)
WASM_API_EXTERN own wasm_frame_t *wasm_frame_copy(const wasm_frame_t *);
/* The frame's own handle; valid as long as the frame. */
WASM_API_EXTERN struct wasm_instance_t *wasm_frame_instance(const wasm_frame_t *);
/* In the module's index space, imports first. */
WASM_API_EXTERN uint32_t wasm_frame_func_index(const wasm_frame_t *);
/* In bytes, from the start of the function's body, and of the binary; 0 if that is not known. */
WASM_API_EXTERN size_t wasm_frame_func_offset(const wasm_frame_t *);
WASM_API_EXTERN size_t wasm_frame_module_offset(const wasm_frame_t *);

typedef wasm_name_t wasm_message_t; /* ends with a NUL, which its size counts */

WASM_REF(trap)
WASM_API_EXTERN own wasm_trap_t *wasm_trap_new(wasm_store_t *, const wasm_message_t *);
WASM_API_EXTERN void wasm_trap_message(const wasm_trap_t *, own wasm_message_t *out);
/* The innermost frame; NULL if no guest ran. */
WASM_API_EXTERN own wasm_frame_t *wasm_trap_origin(const wasm_trap_t *);
/* All frames, innermost first. */
WASM_API_EXTERN void wasm_trap_trace(const wasm_trap_t *, own wasm_frame_vec_t *out);

/* ---- Foreign objects
 * ------------------------------------------------------------------------------ */

/* A thing of the host, to be told apart and to carry host info. It goes when no handle is left and no guest can name it
 * any more. */
WASM_REF(foreign)
WASM_API_EXTERN own wasm_foreign_t *wasm_foreign_new(wasm_store_t *);

/* ---- Modules
 * -------------------------------------------------------------------------------------- */

WASM_REF(module)

/* Compiles a binary module. */
WASM_API_EXTERN own wasm_module_t *wasm_module_new(wasm_store_t *, const wasm_byte_vec_t *binary);
WASM_API_EXTERN bool wasm_module_validate(wasm_store_t *, const wasm_byte_vec_t *binary);
WASM_API_EXTERN void wasm_module_imports(const wasm_module_t *, own wasm_importtype_vec_t *out);
WASM_API_EXTERN void wasm_module_exports(const wasm_module_t *, own wasm_exporttype_vec_t *out);
/* The compiled module: a .dvt file. deserialize verifies what it is given; davit_wasm_module_load can do without. */
WASM_API_EXTERN void wasm_module_serialize(const wasm_module_t *, own wasm_byte_vec_t *out);
WASM_API_EXTERN own wasm_module_t *wasm_module_deserialize(wasm_store_t *, const wasm_byte_vec_t *);

/* A module apart from any store: to be handed to other threads, and obtained for their stores. */
WASM_OWNED(shared_module)
WASM_API_EXTERN own wasm_shared_module_t *wasm_module_share(const wasm_module_t *);
WASM_API_EXTERN own wasm_module_t *wasm_module_obtain(wasm_store_t *, const wasm_shared_module_t *);

/* ---- Functions
 * ------------------------------------------------------------------------------------ */

WASM_REF(func)

/* A function of the host. `results` has as many values as the type has results, to be written. A trap that is returned is
 * given away, and the guest that called ends with it. */
typedef own wasm_trap_t *(*wasm_func_callback_t)(const wasm_val_vec_t *args,
                                                 own wasm_val_vec_t *results);
typedef own wasm_trap_t *(*wasm_func_callback_with_env_t)(void *env, const wasm_val_vec_t *args,
                                                          wasm_val_vec_t *results);

WASM_API_EXTERN own wasm_func_t *wasm_func_new(wasm_store_t *, const wasm_functype_t *,
                                               wasm_func_callback_t);
/* finalizer, which may be NULL, gets env when the function goes; not if NULL is given. */
WASM_API_EXTERN own wasm_func_t *wasm_func_new_with_env(wasm_store_t *, const wasm_functype_t *,
                                                        wasm_func_callback_with_env_t, void *env,
                                                        void (*finalizer)(void *));
WASM_API_EXTERN own wasm_functype_t *wasm_func_type(const wasm_func_t *);
WASM_API_EXTERN size_t wasm_func_param_arity(const wasm_func_t *);
WASM_API_EXTERN size_t wasm_func_result_arity(const wasm_func_t *);
/* Arguments of the wrong number or types, or too few results, are a trap. Results are written, without
 * deleting what was there, only if there is none. */
WASM_API_EXTERN own wasm_trap_t *wasm_func_call(const wasm_func_t *, const wasm_val_vec_t *args,
                                                wasm_val_vec_t *results);

/* ---- Globals
 * -------------------------------------------------------------------------------------- */

WASM_REF(global)
WASM_API_EXTERN own wasm_global_t *wasm_global_new(wasm_store_t *, const wasm_globaltype_t *,
                                                   const wasm_val_t *);
WASM_API_EXTERN own wasm_globaltype_t *wasm_global_type(const wasm_global_t *);
/* A null reference if wasm.h has no kind for its type. */
WASM_API_EXTERN void wasm_global_get(const wasm_global_t *, own wasm_val_t *out);
/* Does nothing if the global is constant, or of another type than the value. */
WASM_API_EXTERN void wasm_global_set(wasm_global_t *, const wasm_val_t *);

/* ---- Tables
 * --------------------------------------------------------------------------------------- */

WASM_REF(table)
typedef uint32_t wasm_table_size_t;
WASM_API_EXTERN own wasm_table_t *wasm_table_new(wasm_store_t *, const wasm_tabletype_t *,
                                                 wasm_ref_t *init);
/* Its minimum is the present size. */
WASM_API_EXTERN own wasm_tabletype_t *wasm_table_type(const wasm_table_t *);
/* NULL: null, or out of bounds. */
WASM_API_EXTERN own wasm_ref_t *wasm_table_get(const wasm_table_t *, wasm_table_size_t index);
WASM_API_EXTERN bool wasm_table_set(wasm_table_t *, wasm_table_size_t index, wasm_ref_t *);
WASM_API_EXTERN wasm_table_size_t wasm_table_size(const wasm_table_t *);
WASM_API_EXTERN bool wasm_table_grow(wasm_table_t *, wasm_table_size_t delta, wasm_ref_t *init);

/* ---- Memories
 * ------------------------------------------------------------------------------------- */

WASM_REF(memory)
typedef uint32_t wasm_memory_pages_t;
static const size_t MEMORY_PAGE_SIZE = 0x10000;
WASM_API_EXTERN own wasm_memory_t *wasm_memory_new(wasm_store_t *, const wasm_memorytype_t *);
/* Its minimum is the present size. */
WASM_API_EXTERN own wasm_memorytype_t *wasm_memory_type(const wasm_memory_t *);
/* Valid until the memory grows. Numbers in it are little-endian. */
WASM_API_EXTERN byte_t *wasm_memory_data(wasm_memory_t *);
WASM_API_EXTERN size_t wasm_memory_data_size(const wasm_memory_t *);
WASM_API_EXTERN wasm_memory_pages_t wasm_memory_size(const wasm_memory_t *);
WASM_API_EXTERN bool wasm_memory_grow(wasm_memory_t *, wasm_memory_pages_t delta);

/* ---- Externals
 * ------------------------------------------------------------------------------------ */

/* A function, global, table or memory (or tag: only davit/wasm.h looks into those). */
WASM_REF(extern)
WASM_VECTOR(extern, *)
WASM_API_EXTERN wasm_externkind_t wasm_extern_kind(const wasm_extern_t *);
WASM_API_EXTERN own wasm_externtype_t *wasm_extern_type(const wasm_extern_t *);

/* The same handle seen as the one or the other; NULL if it is of another kind. */
#define WASM_EXTERN(name) \
    WASM_API_EXTERN wasm_extern_t *wasm_##name##_as_extern(wasm_##name##_t *); \
    WASM_API_EXTERN wasm_##name##_t *wasm_extern_as_##name(wasm_extern_t *); \
    WASM_API_EXTERN const wasm_extern_t *wasm_##name##_as_extern_const(const wasm_##name##_t *); \
    WASM_API_EXTERN const wasm_##name##_t *wasm_extern_as_##name##_const(const wasm_extern_t *);

WASM_EXTERN(func)
WASM_EXTERN(global)
WASM_EXTERN(table)
WASM_EXTERN(memory)

/* ---- Instances
 * ------------------------------------------------------------------------------------ */

WASM_REF(instance)
/* Instantiates a module with these imports, in the order of wasm_module_imports. NULL if the start function or a segment
 * traps, or an import does not fit: then *trap, unless `trap` is NULL, is a trap that says why. */
WASM_API_EXTERN own wasm_instance_t *wasm_instance_new(wasm_store_t *, const wasm_module_t *,
                                                       const wasm_extern_vec_t *imports,
                                                       own wasm_trap_t **trap);
/* In the order of wasm_module_exports. */
WASM_API_EXTERN void wasm_instance_exports(const wasm_instance_t *, own wasm_extern_vec_t *out);

/* ---- Short forms
 * ---------------------------------------------------------------------------------- */

static inline own wasm_valtype_t *wasm_valtype_new_i32(void)
{
    return wasm_valtype_new(WASM_I32);
}
static inline own wasm_valtype_t *wasm_valtype_new_i64(void)
{
    return wasm_valtype_new(WASM_I64);
}
static inline own wasm_valtype_t *wasm_valtype_new_f32(void)
{
    return wasm_valtype_new(WASM_F32);
}
static inline own wasm_valtype_t *wasm_valtype_new_f64(void)
{
    return wasm_valtype_new(WASM_F64);
}
static inline own wasm_valtype_t *wasm_valtype_new_externref(void)
{
    return wasm_valtype_new(WASM_EXTERNREF);
}
static inline own wasm_valtype_t *wasm_valtype_new_funcref(void)
{
    return wasm_valtype_new(WASM_FUNCREF);
}
#define wasm_valtype_new_anyref wasm_valtype_new_externref

/* wasm_functype_new_P_R: the type of so many parameters and results, which are taken over. */
#define WASM_FUNCTYPE_NEW(params_array, num_params, results_array, num_results) \
    wasm_valtype_vec_t params, results; \
    wasm_valtype_vec_new(&params, num_params, params_array); \
    wasm_valtype_vec_new(&results, num_results, results_array); \
    return wasm_functype_new(&params, &results)

static inline own wasm_functype_t *wasm_functype_new_0_0(void)
{
    WASM_FUNCTYPE_NEW(NULL, 0, NULL, 0);
}
static inline own wasm_functype_t *wasm_functype_new_1_0(own wasm_valtype_t *p)
{
    WASM_FUNCTYPE_NEW(&p, 1, NULL, 0);
}
static inline own wasm_functype_t *wasm_functype_new_2_0(own wasm_valtype_t *p1,
                                                         own wasm_valtype_t *p2)
{
    wasm_valtype_t *ps[2] = {p1, p2};
    WASM_FUNCTYPE_NEW(ps, 2, NULL, 0);
}
static inline own wasm_functype_t *
wasm_functype_new_3_0(own wasm_valtype_t *p1, own wasm_valtype_t *p2, own wasm_valtype_t *p3)
{
    wasm_valtype_t *ps[3] = {p1, p2, p3};
    WASM_FUNCTYPE_NEW(ps, 3, NULL, 0);
}
static inline own wasm_functype_t *wasm_functype_new_0_1(own wasm_valtype_t *r)
{
    WASM_FUNCTYPE_NEW(NULL, 0, &r, 1);
}
static inline own wasm_functype_t *wasm_functype_new_1_1(own wasm_valtype_t *p,
                                                         own wasm_valtype_t *r)
{
    WASM_FUNCTYPE_NEW(&p, 1, &r, 1);
}
static inline own wasm_functype_t *
wasm_functype_new_2_1(own wasm_valtype_t *p1, own wasm_valtype_t *p2, own wasm_valtype_t *r)
{
    wasm_valtype_t *ps[2] = {p1, p2};
    WASM_FUNCTYPE_NEW(ps, 2, &r, 1);
}
static inline own wasm_functype_t *wasm_functype_new_3_1(own wasm_valtype_t *p1,
                                                         own wasm_valtype_t *p2,
                                                         own wasm_valtype_t *p3,
                                                         own wasm_valtype_t *r)
{
    wasm_valtype_t *ps[3] = {p1, p2, p3};
    WASM_FUNCTYPE_NEW(ps, 3, &r, 1);
}
static inline own wasm_functype_t *wasm_functype_new_0_2(own wasm_valtype_t *r1,
                                                         own wasm_valtype_t *r2)
{
    wasm_valtype_t *rs[2] = {r1, r2};
    WASM_FUNCTYPE_NEW(NULL, 0, rs, 2);
}
static inline own wasm_functype_t *
wasm_functype_new_1_2(own wasm_valtype_t *p, own wasm_valtype_t *r1, own wasm_valtype_t *r2)
{
    wasm_valtype_t *rs[2] = {r1, r2};
    WASM_FUNCTYPE_NEW(&p, 1, rs, 2);
}
static inline own wasm_functype_t *wasm_functype_new_2_2(own wasm_valtype_t *p1,
                                                         own wasm_valtype_t *p2,
                                                         own wasm_valtype_t *r1,
                                                         own wasm_valtype_t *r2)
{
    wasm_valtype_t *ps[2] = {p1, p2};
    wasm_valtype_t *rs[2] = {r1, r2};
    WASM_FUNCTYPE_NEW(ps, 2, rs, 2);
}
static inline own wasm_functype_t *
wasm_functype_new_3_2(own wasm_valtype_t *p1, own wasm_valtype_t *p2, own wasm_valtype_t *p3,
                      own wasm_valtype_t *r1, own wasm_valtype_t *r2)
{
    wasm_valtype_t *ps[3] = {p1, p2, p3};
    wasm_valtype_t *rs[2] = {r1, r2};
    WASM_FUNCTYPE_NEW(ps, 3, rs, 2);
}
#undef WASM_FUNCTYPE_NEW

/* A host pointer as a number, for guests that carry it about. */
static inline void wasm_val_init_ptr(own wasm_val_t *out, void *p)
{
#if UINTPTR_MAX == UINT32_MAX
    out->kind = WASM_I32;
    out->of.i32 = (int32_t)(intptr_t)p;
#else
    out->kind = WASM_I64;
    out->of.i64 = (int64_t)(intptr_t)p;
#endif
}
static inline void *wasm_val_ptr(const wasm_val_t *val)
{
#if UINTPTR_MAX == UINT32_MAX
    return (void *)(intptr_t)val->of.i32;
#else
    return (void *)(intptr_t)val->of.i64;
#endif
}

/* Initialisers of a wasm_val_t. */
#define WASM_I32_VAL(i) \
    { \
        .kind = WASM_I32, .of = {.i32 = i } \
    }
#define WASM_I64_VAL(i) \
    { \
        .kind = WASM_I64, .of = {.i64 = i } \
    }
#define WASM_F32_VAL(z) \
    { \
        .kind = WASM_F32, .of = {.f32 = z } \
    }
#define WASM_F64_VAL(z) \
    { \
        .kind = WASM_F64, .of = {.f64 = z } \
    }
#define WASM_REF_VAL(r) \
    { \
        .kind = WASM_EXTERNREF, .of = {.ref = r } \
    }
#define WASM_INIT_VAL \
    { \
        .kind = WASM_EXTERNREF, .of = {.ref = NULL } \
    }

#undef WASM_OWNED
#undef WASM_VECTOR
#undef WASM_TYPE
#undef WASM_EXTERN_TYPE
#undef WASM_REF_BASE
#undef WASM_REF
#undef WASM_EXTERN
#undef own

#ifdef __cplusplus
}
#endif
#endif
