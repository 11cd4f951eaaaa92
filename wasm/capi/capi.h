/* capi.h - what the files of the C API share: engines, stores, and the handles that wasm.h's objects are.
 *
 * Every reference of wasm.h (function, memory, instance, trap, ...) is a Handle: a small block that names a thing and holds the
 * store. Functions, globals, tables, memories, tags and instances are the runtime's own objects, which live as long as
 * their store; modules are counted by the runtime. Foreign objects and traps are Objects of ours, which
 * count their handles.
 *
 * A thing gets an Object, too, when it is given host info or passed as an externref, since neither fits into the runtime's
 * own: the store finds it by the thing's address and keeps it until it goes itself. (Of a module it then holds a reference,
 * so that no other can come to lie at its address.)
 *
 * As an externref an Object has a reference of the runtime, which holds it as long as there are handles; without handles
 * it is the runtime that tells when no guest can name it any more.
 *
 * A store goes when its last handle does, in this order: the runtime's store, which runs finalizers of functions and
 * gives externrefs back; Objects with their finalizers; WASI; the engine.
 */
#ifndef DV_CAPI_CAPI_H
#define DV_CAPI_CAPI_H

#include <stdatomic.h>

#include "base/map.h"
#include "wasm/capi/compiler.h"
#include "wasm/runtime/runtime.h"

#include <davit/wasm.h>
#include <wasm.h>

/* ---- engines and stores ---- */

/* What a wasm_config_t sets. */
typedef struct Settings {
    davit_allocator_t allocator; /* all zero: malloc */
    davit_wasm_limits_t limits;
    CompileSettings compile;
    bool perf_map;
} Settings;

struct wasm_config_t {
    Settings settings;
};

struct wasm_engine_t {
    Settings settings;
    atomic_uint refs;
};

/* The numbers of the first five are those of wasm_externkind_t. */
typedef enum HandleKind {
    HANDLE_FUNC,
    HANDLE_GLOBAL,
    HANDLE_TABLE,
    HANDLE_MEMORY,
    HANDLE_TAG,
    HANDLE_INSTANCE,
    HANDLE_MODULE,
    HANDLE_FOREIGN,
    HANDLE_TRAP
} HandleKind;

typedef struct Object {
    u8 kind; /* HandleKind */
    wasm_store_t *store;
    void *thing;   /* what a handle of it names; of FOREIGN and TRAP, the Object itself */
    RtTrap *trap;  /* of TRAP; NULL: memory ran out */
    usize handles; /* of FOREIGN and TRAP */
    u32 ref;       /* the runtime's reference; 0: none */
    void *info;
    void (*finalizer)(void *info);
} Object;

/* Each of wasm.h's reference types is one of these, so that seeing a handle as another type costs nothing. */
struct wasm_ref_t {
    u8 kind; /* HandleKind */
    wasm_store_t *store;
    void *thing; /* RtFunc, RtGlobal, RtTable, RtMemory, RtTag, RtInstance, RtModule; Object */
};

#define CAPI_REFS(X) \
    X(func) \
    X(global) \
    X(table) \
    X(memory) \
    X(extern) \
    X(instance) \
    X(module) \
    X(foreign) \
    X(trap)

#define X(name) \
    struct wasm_##name##_t { \
        wasm_ref_t ref; \
    };
CAPI_REFS(X)
#undef X

/* What runs in a store asks the embedder. */
typedef struct Asked {
    davit_wasm_ask_t ask;
    void *context;
} Asked;

typedef struct StoreWasi StoreWasi;

struct wasm_store_t {
    usize refs; /* the program's own, handles, linkers */
    wasm_engine_t *engine;
    RtStore *rt;
    RtError error;
    Asked on_fuel, on_notify;
    const RtTrap *suspend_mark;  /* what the runtime takes for suspending; not to be freed */
    const RtFuncType *suspended; /* of the call that is suspended */
    u32 suspended_values;        /* results of the host function that suspended it */
    Pool pool;                   /* of what follows */
    Arena arena;
    Map by_address;        /* thing -> number of its Object */
    VEC(Object *) objects; /* of things that are the runtime's */
    StoreWasi *wasi;
    Object no_memory; /* the trap that needs none */
    wasm_trap_t no_memory_trap;
};

/* ---- engine.c ---- */

/* Memory of an engine's allocator, zeroed; NULL if there is none. */
void *dv_capi_alloc(const wasm_engine_t *engine, usize size_bytes);
void dv_capi_free(const wasm_engine_t *engine, void *memory, usize size_bytes);
wasm_engine_t *dv_capi_engine_retain(wasm_engine_t *engine);
wasm_store_t *dv_capi_store_retain(wasm_store_t *store);
/* Leaves a message for davit_wasm_error. Gives the status. */
DV_PRINTF(3, 4)
davit_status_t dv_capi_error(wasm_store_t *store, davit_status_t status, const char *format, ...);

/* ---- refs.c ---- */

/* A new handle of a thing; NULL, with an error, if memory runs out. Takes over nothing. */
wasm_ref_t *dv_capi_handle(wasm_store_t *store, HandleKind kind, void *thing);
void dv_capi_object_free(Object *object);
/* A handle of what the runtime calls an extern, and back. */
wasm_extern_t *dv_capi_extern(wasm_store_t *store, RtExtern what);
RtExtern dv_capi_extern_of(const wasm_ref_t *ref);
/* A handle as a reference of a type of this kind (WASM_FUNCREF, WASM_EXTERNREF). False, with an error, if it cannot
 * be. */
bool dv_capi_ref_in(wasm_store_t *store, const wasm_ref_t *ref, wasm_valkind_t kind, u32 *out);
/* And a new handle of a reference: NULL for null. False if memory runs out. */
bool dv_capi_ref_out(wasm_store_t *store, u32 ref, wasm_valkind_t kind, wasm_ref_t **out);

/* ---- values.c ---- */

/* A value as one of a type of the store. False, with an error, if it is none. */
bool dv_capi_val_in(wasm_store_t *store, const wasm_val_t *value, ValType type, RtVal *out);
/* False, with an error and *out a null reference, if memory runs out or wasm.h lacks the type. */
bool dv_capi_val_out(wasm_store_t *store, RtVal value, ValType type, wasm_val_t *out);

/* ---- types.c ---- */

/* The kind of a type of `module`, or, if that is NULL, of a store. *exact says whether the kind tells all. */
wasm_valkind_t dv_capi_kind(const WasmModule *module, ValType type, bool *exact);
/* The type of a kind; VT_BOTTOM for those that wasm.h has no name for. */
ValType dv_capi_kind_type(wasm_valkind_t kind);
/* Types of wasm.h; own, NULL if memory runs out. `module` as above. */
wasm_functype_t *dv_capi_functype(const WasmModule *module, const ValType *params, usize num_params,
                                  const ValType *results, usize num_results);
wasm_tagtype_t *dv_capi_tagtype(const WasmModule *module, const ValType *params, usize num_params);
wasm_globaltype_t *dv_capi_globaltype(const WasmModule *module, ValType type, bool is_mutable);
wasm_tabletype_t *dv_capi_tabletype(const WasmModule *module, ValType type, const Limits *limits);
wasm_memorytype_t *dv_capi_memorytype(const Limits *limits, u32 page_log2);
/* The runtime's type of one of wasm.h; VT_BOTTOM if that is less exact than it was where it comes from. */
ValType dv_capi_valtype_of(const wasm_valtype_t *type);
Limits dv_capi_limits(const wasm_limits_t *limits);
davit_wasm_size_t dv_capi_size(const Limits *limits, u32 page_bytes, u64 now);

/* ---- trap.c ---- */

/* A handle of a trap, which is taken over. NULL only for NULL. */
wasm_trap_t *dv_capi_trap(wasm_store_t *store, RtTrap *trap);
/* The other way round: what the runtime is given for a trap that is given away. */
RtTrap *dv_capi_trap_give(wasm_store_t *store, wasm_trap_t *trap);
/* A trap that says why a call failed: davit_wasm_error. */
wasm_trap_t *dv_capi_error_trap(wasm_store_t *store);
/* The outcome of linking: an instance, or NULL and *trap, unless trap is NULL. */
wasm_instance_t *dv_capi_instance(wasm_store_t *store, davit_status_t status, RtInstance *made,
                                  RtTrap *rt_trap, wasm_trap_t **trap);

/* ---- module.c ---- */

wasm_module_t *dv_capi_module(wasm_store_t *store, RtModule *rt);

/* ---- linker.c ---- */

void dv_capi_wasi_free(wasm_store_t *store);

#endif
