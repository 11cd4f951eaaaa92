/* internal.h - what the files of the runtime share: the inside of modules, stores and instances.
 *
 * Memory: everything that lives as long as a store or a module comes from its allocator and is in a list of it. Arrays that
 * grow by registration (types, names) are in arenas, whose escapes dv_pool_protect turns into statuses here and nowhere
 * above. Guest memory on hosts with virtual memory is reserved address space, unless the embedder has an allocator of its own.
 */
#ifndef DV_WASM_RUNTIME_INTERNAL_H
#define DV_WASM_RUNTIME_INTERNAL_H

#include <stdatomic.h>

#include "base/map.h"
#include "base/threads.h"
#include "wasm/runtime/native.h"
#include "wasm/runtime/runtime.h"

/* ---- memory of the embedder's allocator ---- */

/* Zeroed; NULL if there is none. */
void *dv_rt_alloc(const davit_allocator_t *allocator, usize size_bytes);
void dv_rt_free(const davit_allocator_t *allocator, void *memory, usize size_bytes);
/* Fills in an error; the message is cut if it is too long. Gives the status. */
DV_PRINTF(3, 4)
davit_status_t dv_rt_error(RtError *error, davit_status_t status, const char *format, ...);
davit_status_t dv_rt_no_memory(RtError *error);

enum { RT_CLEAN_MAX = 96 };
/* A name as messages show it: cut, control characters as \xNN. */
typedef struct CleanName {
    char text[RT_CLEAN_MAX];
} CleanName;
CleanName dv_rt_clean(Str name);

/* ---- os_memory.c: address space ---- */

/* Whether the host has address space to waste: then memories grow in place. */
bool dv_os_can_reserve(void);
/* Bytes that may not be touched yet. NULL if the host refuses. */
void *dv_os_reserve(usize size_bytes);
/* Makes the first bytes of a reservation usable; new ones are zero. */
bool dv_os_commit(void *base, usize old_bytes, usize new_bytes);
void dv_os_release(void *base, usize size_bytes);

/* ---- const.c: constant expressions ---- */

typedef enum ConstOp {
    CONST_VALUE,
    CONST_GLOBAL,
    CONST_FUNC,
    CONST_ADD32,
    CONST_SUB32,
    CONST_MUL32,
    CONST_ADD64,
    CONST_SUB64,
    CONST_MUL64
} ConstOp;

typedef struct ConstStep {
    u8 op;     /* ConstOp */
    u32 index; /* of the global or function */
    RtVal value;
} ConstStep;

/* Steps of a module, in the order of a stack machine. */
typedef struct ConstExpr {
    u32 first, count;
    u32 depth; /* values on the stack at most; 0: there is no expression */
} ConstExpr;

/* Reads the expression in the span. False with *error; escapes when memory runs out. */
bool dv_const_read(RtModule *module, Span span, ConstExpr *out, Diag *diag, RtError *error);
/* Its value in an instance whose imports and earlier globals are there. DAVIT_ERROR_MEMORY. */
davit_status_t dv_const_eval(RtInstance *instance, ConstExpr expr, RtVal *out);

/* ---- modules ---- */

/* An element segment: functions by index, or an expression per item. */
typedef struct ModuleElem {
    const u32 *funcs;
    const ConstExpr *exprs;
} ModuleElem;

struct RtModule {
    atomic_uint refs;
    davit_allocator_t allocator;
    Pool pool;
    Arena arena;
    const u8 *bytes;
    usize size;
    void *own_bytes; /* NULL: in place */
    void *own_code;  /* in the host's byte order; NULL: in `bytes` */
    WasmModule info;
    PulleyModule code;
    u32 *wasm_types;   /* by type of the bytecode; UINT32_MAX: none */
    u32 *import_funcs; /* by import of the bytecode: the function */
    VEC(ConstStep) steps;
    ConstExpr *globals; /* by own global, from the first that is not imported; the same below */
    ConstExpr *tables;
    ConstExpr *elem_offsets; /* by segment */
    ConstExpr *data_offsets;
    ModuleElem *elems;
    StrMap exports;     /* name -> number */
    NativeCode *native; /* NULL: bytecode */
    const u8 *sources;  /* NULL: stripped */
    u32 sources_size;
};

/* ---- types.c ---- */

typedef enum ValKind { VAL_32, VAL_64, VAL_128 } ValKind;

typedef struct RtType {
    RtFuncType type;
    const ValType *key; /* parameters, then results; a reference to the type itself is index 0 */
    const u8 *kinds;    /* ValKind, likewise */
    u32 arg_slots, result_slots;
    bool is_plain; /* a slot per value */
    bool gives_refs;
} RtType;

static inline ValKind vt_kind(ValType type)
{
    if (type == VT_V128) {
        return VAL_128;
    }
    return type == VT_I64 || type == VT_F64 ? VAL_64 : VAL_32;
}

/* Slots of a list of types. */
u32 dv_rt_slots(const ValType *types, u32 count);
/* The ids of a module's types, by type; they live as long as the store, which then holds the module. NULL: no memory. */
const u32 *dv_rt_module_types(RtStore *store, RtModule *module);
ValType dv_rt_map_type(const u32 *type_ids, ValType type);

/* ---- refs.c ---- */

typedef struct RtRef {
    void *object; /* NULL: free */
    void (*finalize)(void *object);
    u64 epoch; /* of the store when the host got hold of it last */
    u32 holds;
    u32 next_free;
    bool is_found;
    bool is_dying; /* its finalizer is about to be called */
} RtRef;

typedef struct RtRefs {
    RtRef *refs; /* by handle */
    u32 *slots;  /* hash table of handles, 2 * cap */
    u32 cap;     /* a power of two, or 0 */
    u32 live;
    u32 free; /* list of free handles; 0: none */
} RtRefs;

/* A reference that the host has got hold of. */
void dv_rt_ref_touch(RtStore *store, u32 handle);
void dv_rt_refs_free(RtStore *store);

/* ---- stores ---- */

/* A function of the host. */
typedef struct RtHostRecord {
    struct RtHostRecord *next;
    RtHostFunc host;
    RtStore *store;
    const RtType *type;
} RtHostRecord;

/* Slots outside of the interpreter's stack that a call is about to use. */
typedef struct RtActivation {
    struct RtActivation *outer;
    const u64 *slots;
    u32 count;
} RtActivation;

typedef struct RtTypesOf {
    struct RtTypesOf *next;
    RtModule *module;
    usize size_bytes;
    u32 ids[];
} RtTypesOf;

/* deadline.c */
typedef struct Watchdog {
    Thread thread;
    Mutex mutex;
    Cond changed;
    Interp *vm;
    u64 left_ns; /* 0: nothing to wait for */
    u32 round;   /* counts deadlines set */
    bool is_ended;
    bool is_running;
} Watchdog;

/* Ends the thread, if there is one. */
void dv_watchdog_end(Watchdog *watchdog);

struct RtStore {
    u32 refs;
    RtStoreConfig config;
    Interp *vm;
    u64 epoch;       /* counts entries to guests and returns to them */
    RtTrap *pending; /* what a host function gave, until the call ends */
    RtActivation *activations;
    const RtHostRecord *suspended_host;
    const RtFunc *suspended; /* what the suspended call called */
    VEC(RtType *) types;     /* by id, from 1 */
    Map type_map;
    Pool pool;
    Arena arena;
    RtTypesOf *types_of;
    RtHostRecord *host_funcs;
    RtMemory *memories;
    RtTable *tables;
    RtGlobal *globals;
    struct MadeBlock *made;
    RtInstance *instances;
    u32 num_instances;
    u64 memory_bytes;
    RtRefs refs_table;
    Watchdog watchdog;
};

static inline const RtType *type_row(const RtStore *store, u32 type_id)
{
    return store->types.data[type_id - 1];
}

/* Memory that lives as long as the store; zeroed, aligned to 16. NULL if there is none. */
void *dv_rt_make(RtStore *store, usize size_bytes);

/* ---- memory.c, table.c: objects in memory that the caller has zeroed; part of the store's lists if they could
 * be made ---- */

davit_status_t dv_rt_memory_init(RtMemory *memory, RtStore *store, const MemoryDecl *decl,
                                 RtError *error);
davit_status_t dv_rt_table_init(RtTable *table, RtStore *store, const TableDecl *decl, u32 init,
                                RtError *error);
void dv_rt_global_init(RtGlobal *global, RtStore *store, ValType type, bool is_mutable,
                       RtVal value);
void dv_rt_memory_free(RtMemory *memory);
void dv_rt_table_free(RtTable *table);

/* ---- instances ---- */

struct RtInstance {
    RtStore *store;
    RtModule *module;
    InterpInstance *vm;
    RtInstance *next;
    const u32 *type_ids; /* by type of the module */
    RtFunc **imports;    /* imported functions */
    RtFunc **exports;    /* functions, by export; NULL for other kinds */
    void *native_block;  /* of a native module: what dv_native_bind is given */
};

/* A function by its index; NULL: no memory. */
RtFunc *dv_rt_instance_func(RtInstance *instance, u32 func);

static inline RtTable *instance_table(const RtInstance *instance, u32 index)
{
    return (RtTable *)instance->vm->tables[index];
}
static inline RtMemory *instance_memory(const RtInstance *instance, u32 index)
{
    return (RtMemory *)instance->vm->memories[index];
}
static inline RtGlobal *instance_global(const RtInstance *instance, u32 index)
{
    return (RtGlobal *)(void *)instance->vm->globals[index];
}

/* ---- match.c ---- */

/* Checks one import; type_ids are the module's in the store. */
davit_status_t dv_rt_check_import(RtStore *store, const RtModule *module, const u32 *type_ids,
                                  u32 import, RtExtern what, RtError *error);

/* ---- call.c ---- */

/* The interpreter's view of functions of hosts: RtHostRecord is their context. */
InterpHostFn dv_rt_run_host;

/* ---- trap.c ---- */

enum {
    RT_FRAMES_INNER = 96, /* kept of a backtrace */
    RT_FRAMES_OUTER = 32,
    RT_HOST_TRAP = 1 /* what the interpreter is told: a code that no Wasm raises */
};
/* The trap of the call that just ended so; the pending one if there is one. */
RtTrap *dv_rt_trap_take(RtStore *store, InterpOutcome outcome);
/* Stands for a request to suspend. */
extern const RtTrap dv_rt_suspend_mark;

#endif
