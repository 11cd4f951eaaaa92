/* davit/wasm.h - what the standard C API (wasm.h) lacks: configuration, text, artifacts, linking by name, WASI, fast calls,
 * fuel, interrupts, deadlines, suspending, backtraces, 64-bit memories and vectors.
 *
 * There is no second set of objects: functions here take those of wasm.h, under the same rules of ownership, lifetime
 * and threads. `own` in a comment means what it means there. A command module with WASI:
 *
 *     wasm_store_t *store = wasm_store_new(engine);
 *     wasm_module_t *module = wasm_module_new(store, &binary);
 *     davit_wasm_linker_t *linker = davit_wasm_linker_new(store);
 *     davit_wasi_t wasi = {.args = argv, .num_args = argc};
 *     wasi.stdio[1].kind = DAVIT_WASI_INHERIT;
 *     davit_wasm_linker_wasi(linker, &wasi);
 *     wasm_instance_t *instance = davit_wasm_linker_instantiate(linker, module, &trap);
 *     wasm_extern_t *start = davit_wasm_instance_export(instance, "_start");
 *     if (davit_wasm_func_is(wasm_extern_as_func(start), "", "")) {
 *         trap = davit_wasm_call(wasm_extern_as_func(start), NULL, NULL);
 *     }
 *
 * Functions that give a davit_status_t and take a store, and all of wasm.h that do, leave the reason for a failure
 * in davit_wasm_error.
 */
#ifndef DAVIT_WASM_H
#define DAVIT_WASM_H

#include "davit/davit.h"
#include <wasm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Configuration
 * -------------------------------------------------------------------------------- */

typedef enum davit_engine {
    DAVIT_ENGINE_AUTO, /* native where there is such code for this host and the module; else Pulley */
    DAVIT_ENGINE_PULLEY, /* compiled to bytecode, interpreted: calls can be suspended, artifacts run on any host */
    DAVIT_ENGINE_NATIVE /* machine code: modules that it cannot be made of are refused */
} davit_engine_t;

/* DAVIT_ERROR_UNSUPPORTED if this build has no such engine for this host. */
DAVIT_API davit_status_t davit_wasm_config_engine(wasm_config_t *config, davit_engine_t engine);
/* Whether native code leaves it to guard pages to find accesses out of bounds (true, the default: each 32-bit memory takes 6 GiB of
 * addresses, and the process has handlers of SIGSEGV and its like, which pass on what is not theirs), or compares. It compares
 * in any case if the process may not have so many addresses when the engine is made. */
DAVIT_API void davit_wasm_config_guard_pages(wasm_config_t *config, bool on);
/* Native functions are added to /tmp/perf-PID.map as modules are loaded, for perf to show their names. */
DAVIT_API void davit_wasm_config_perf_map(wasm_config_t *config, bool on);
/* 0: compile fast; 1: the default. DAVIT_ERROR_UNSUPPORTED: higher levels. */
DAVIT_API davit_status_t davit_wasm_config_optimize(wasm_config_t *config, uint32_t level);
/* Switches a part of WebAssembly on or off, by its name: davit_wasm_feature lists them. At first all that this version
 * executes is on. DAVIT_ERROR_INVALID: there is no such name; DAVIT_ERROR_UNSUPPORTED: it cannot be on. */
DAVIT_API davit_status_t davit_wasm_config_feature(wasm_config_t *config, const char *name,
                                                   bool on);
/* Modules count fuel, and stores give it out: davit_wasm_store_set_fuel. */
DAVIT_API void davit_wasm_config_metered(wasm_config_t *config, bool on);
/* Compiled modules carry no table from code to offsets in the Wasm binary, and no custom sections (names). */
DAVIT_API void davit_wasm_config_strip(wasm_config_t *config, bool on);
/* Where engines, stores, modules and handles get memory; copied. Types, names and vectors, which belong to no engine, are
 * malloc'd. The allocator must be usable from all threads that use the engine. */
DAVIT_API void davit_wasm_config_allocator(wasm_config_t *config,
                                           const davit_allocator_t *allocator);

/* 0 in any field: the default. */
typedef struct davit_wasm_limits {
    uint64_t memory_bytes;  /* of all memories of a store together */
    uint64_t table_elems;   /* of one table; 10,000,000 */
    uint32_t instances;     /* of a store; 100,000 */
    uint32_t stack_bytes;   /* of a store's guests, of native ones on the thread's; 1 MiB */
    uint32_t nesting;       /* calls from the host inside calls from guests, and so on; 100 */
    uint64_t compile_bytes; /* memory for compiling one module; none */
} davit_wasm_limits_t;

DAVIT_API void davit_wasm_config_limits(wasm_config_t *config, const davit_wasm_limits_t *limits);

typedef struct davit_wasm_feature {
    const char *name; /* "tail-call" */
    const char *what; /* what it is, in a few words */
    bool in_3_0;      /* WebAssembly 3.0 has it; else it is a proposal, or gone */
    bool runs;        /* this version executes it */
} davit_wasm_feature_t;

/* Feature number index; false if there is none. The strings are static. */
DAVIT_API bool davit_wasm_feature(size_t index, davit_wasm_feature_t *out);

/* ---- Errors
 * --------------------------------------------------------------------------------------- */

/* Why the last call that failed on this store or its handles did, in one line; "" before. Valid until the next call. */
DAVIT_API const char *davit_wasm_error(const wasm_store_t *store);
/* The same as a status; DAVIT_OK before. */
DAVIT_API davit_status_t davit_wasm_status(const wasm_store_t *store);

/* ---- Modules
 * -------------------------------------------------------------------------------------- */

/* The binary of a module in the text format (.wat), for wasm_module_new. `out` is own, and empty after an error. */
DAVIT_API davit_status_t davit_wasm_text_to_binary(wasm_store_t *store, const char *text,
                                                   size_t size, wasm_byte_vec_t *out);

enum {
    DAVIT_LOAD_TRUSTED =
        1, /* this program, or one it trusts, made the artifact: it is not verified. A forged one can do
                             * anything */
    DAVIT_LOAD_IN_PLACE =
        2, /* the bytes are not copied, and stay as they are until the last use of the module is over */
    DAVIT_LOAD_NATIVE =
        4 /* the artifact may be of native code, which nothing verifies: trusted as DAVIT_LOAD_TRUSTED says */
};

/* A module from an artifact (.dvt, or what wasm_module_serialize gives); own. Without flags, wasm_module_deserialize. */
DAVIT_API wasm_module_t *davit_wasm_module_load(wasm_store_t *store, const void *bytes, size_t size,
                                                uint32_t flags);

/* A value type: of numbers the byte of the binary format, DAVIT_VAL_; of references a number for davit_val_type_name. */
typedef uint32_t davit_val_type_t;
enum {
    DAVIT_VAL_I32 = 0x7f,
    DAVIT_VAL_I64 = 0x7e,
    DAVIT_VAL_F32 = 0x7d,
    DAVIT_VAL_F64 = 0x7c,
    DAVIT_VAL_V128 = 0x7b
};
#define DAVIT_VAL_FUNCREF 0xe0000070u
#define DAVIT_VAL_EXTERNREF 0xe000006fu

/* Writes "i32" or "(ref null 3)" and a NUL into buffer, at least 48 bytes; gives buffer. */
DAVIT_API const char *davit_val_type_name(davit_val_type_t type, char *buffer);

/* Kinds of wasm_valtype_t that wasm.h has no name for. */
enum {
    DAVIT_KIND_V128 = 4,
    DAVIT_KIND_OTHER_REF = 255 /* neither funcref nor externref */
};

/* The type of a memory or table: in pages or elements. */
typedef struct davit_wasm_size {
    uint64_t min;
    uint64_t max; /* if has_max */
    bool has_max;
    bool index64;        /* indices are i64 */
    bool shared;         /* memories: between threads */
    uint32_t page_bytes; /* memories: 65536, which 0 stands for, too, when one is made */
} davit_wasm_size_t;

/* An import or export as the module declares it, also where wasm.h lacks words. Everything belongs to the module. Type
 * indices in it are the module's. */
typedef struct davit_wasm_item {
    wasm_externkind_t kind;
    const char *module; /* imports; not NUL-terminated */
    size_t module_size;
    const char *name; /* not NUL-terminated */
    size_t name_size;
    const davit_val_type_t *params; /* functions, tags */
    size_t num_params;
    const davit_val_type_t *results; /* functions */
    size_t num_results;
    davit_val_type_t type;  /* globals, tables */
    bool is_mutable;        /* globals */
    davit_wasm_size_t size; /* tables, memories */
} davit_wasm_item_t;

/* Import or export number index; false if there is none. */
DAVIT_API bool davit_wasm_module_import(const wasm_module_t *module, size_t index,
                                        davit_wasm_item_t *out);
DAVIT_API bool davit_wasm_module_export(const wasm_module_t *module, size_t index,
                                        davit_wasm_item_t *out);

/* ---- Stopping and measuring
 * ----------------------------------------------------------------------- */

/* Ends what runs in the store with a trap at its next loop or call, or the next thing that starts to run. Any thread, any
 * time while the store exists. */
DAVIT_API void davit_wasm_store_interrupt(wasm_store_t *store);
/* Forgets an interrupt that has not ended anything yet. */
DAVIT_API void davit_wasm_store_clear_interrupt(wasm_store_t *store);
/* Interrupts so many nanoseconds from now; 0: never, which is how it is at first, and in a process that is forked off.
 * DAVIT_ERROR_UNSUPPORTED: this build has no threads. */
DAVIT_API davit_status_t davit_wasm_store_deadline(wasm_store_t *store, uint64_t ns);

/* Fuel in a metered store: about one unit an instruction of Wasm, and the same on every host. UINT64_MAX, as at first: no
 * end. */
DAVIT_API void davit_wasm_store_set_fuel(wasm_store_t *store, uint64_t fuel);
DAVIT_API uint64_t davit_wasm_store_fuel(const wasm_store_t *store);

typedef enum davit_answer {
    DAVIT_ANSWER_TRAP,
    DAVIT_ANSWER_GO_ON,
    DAVIT_ANSWER_SUSPEND /* calls by davit_wasm_call_resumable; others go on */
} davit_answer_t;
typedef davit_answer_t (*davit_wasm_ask_t)(void *context, wasm_store_t *store);

/* Asked when fuel has run out; may set some. NULL, as at first: trap. Going on without any traps. */
DAVIT_API void davit_wasm_store_on_fuel(wasm_store_t *store, davit_wasm_ask_t ask, void *context);
/* Makes the guest ask `ask` at its next loop or call. Any thread, like davit_wasm_store_interrupt. */
DAVIT_API void davit_wasm_store_notify(wasm_store_t *store);
/* NULL, as at first: go on. */
DAVIT_API void davit_wasm_store_on_notify(wasm_store_t *store, davit_wasm_ask_t ask, void *context);

/* ---- Fast calls
 * ----------------------------------------------------------------------------------- */

/* A value without its type: numbers and vectors by their bits, 32-bit ones in the low half of lo; references as numbers
 * of the store. `hi` is the upper half of vectors. */
typedef struct davit_wasm_slot {
    uint64_t lo, hi;
} davit_wasm_slot_t;

static inline davit_wasm_slot_t davit_slot_i32(int32_t x)
{
    davit_wasm_slot_t slot = {(uint32_t)x, 0};
    return slot;
}
static inline davit_wasm_slot_t davit_slot_i64(int64_t x)
{
    davit_wasm_slot_t slot = {(uint64_t)x, 0};
    return slot;
}
static inline davit_wasm_slot_t davit_slot_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    davit_wasm_slot_t slot = {bits, 0};
    return slot;
}
static inline davit_wasm_slot_t davit_slot_f64(double x)
{
    davit_wasm_slot_t slot = {0, 0};
    memcpy(&slot.lo, &x, sizeof x);
    return slot;
}
static inline int32_t davit_slot_to_i32(davit_wasm_slot_t slot)
{
    return (int32_t)(uint32_t)slot.lo;
}
static inline int64_t davit_slot_to_i64(davit_wasm_slot_t slot)
{
    return (int64_t)slot.lo;
}
static inline float davit_slot_to_f32(davit_wasm_slot_t slot)
{
    uint32_t bits = (uint32_t)slot.lo;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline double davit_slot_to_f64(davit_wasm_slot_t slot)
{
    double x;
    memcpy(&x, &slot.lo, sizeof x);
    return x;
}

/* A reference of this store as a slot, as funcref or externref: valid as long as `ref`. NULL is the null reference. False:
 * it is of another store, no function, or memory ran out. */
DAVIT_API bool davit_slot_from_ref(wasm_store_t *store, const wasm_ref_t *ref, wasm_valkind_t kind,
                                   davit_wasm_slot_t *out);
/* And back; own. NULL: null, or not of that kind. */
DAVIT_API wasm_ref_t *davit_slot_to_ref(wasm_store_t *store, davit_wasm_slot_t slot,
                                        wasm_valkind_t kind);

/* Whether a function has these types, a letter each: i I f F v for i32 i64 f32 f64 v128, c for funcref, e for externref. To be
 * asked once, before fast calls. */
DAVIT_API bool davit_wasm_func_is(const wasm_func_t *func, const char *params, const char *results);
/* wasm_func_call without checks: `args` and `results` are as many as, and of the types that, the function has. The trap is
 * own. */
DAVIT_API wasm_trap_t *davit_wasm_call(const wasm_func_t *func, const davit_wasm_slot_t *args,
                                       davit_wasm_slot_t *results);

/* A function of the host that gets slots. The trap it returns is given away. */
typedef wasm_trap_t *(*davit_wasm_callback_t)(void *env, wasm_store_t *store,
                                              const davit_wasm_slot_t *args,
                                              davit_wasm_slot_t *results);
/* Types by letters as above, at most 16 of each; own. NULL: letters that are none, or memory ran out. See
 * wasm_func_new_with_env. */
DAVIT_API wasm_func_t *davit_wasm_func_new(wasm_store_t *store, const char *params,
                                           const char *results, davit_wasm_callback_t callback,
                                           void *env, void (*finalizer)(void *));
/* Inside a host function: the instance that called it; own. NULL if it was the host. */
DAVIT_API wasm_instance_t *davit_wasm_caller(wasm_store_t *store);

/* ---- Suspending
 * ----------------------------------------------------------------------------------- */

typedef enum davit_outcome_kind {
    DAVIT_CALL_RETURNED,
    DAVIT_CALL_TRAPPED,
    DAVIT_CALL_SUSPENDED
} davit_outcome_kind_t;

/* davit_wasm_call that can be suspended, unless the function is native code (DAVIT_ERROR_UNSUPPORTED): by a host function that returns davit_wasm_suspend, and by what davit_wasm_ask_t answers.
 * One call of a store can be suspended at a time. *trap (own) is set when it trapped, *results when it returned. */
DAVIT_API davit_outcome_kind_t davit_wasm_call_resumable(const wasm_func_t *func,
                                                         const davit_wasm_slot_t *args,
                                                         davit_wasm_slot_t *results,
                                                         wasm_trap_t **trap);
/* Goes on with the suspended call. `values` are the results of the host function that suspended it; NULL if that was none. Without
 * a suspended call it traps. */
DAVIT_API davit_outcome_kind_t davit_wasm_resume(wasm_store_t *store,
                                                 const davit_wasm_slot_t *values,
                                                 davit_wasm_slot_t *results, wasm_trap_t **trap);
/* Gives the suspended call up. */
DAVIT_API void davit_wasm_abandon(wasm_store_t *store);
/* What a host function returns to suspend its caller. NULL, after which it goes on: not inside davit_wasm_call_resumable. */
DAVIT_API wasm_trap_t *davit_wasm_suspend(wasm_store_t *store);

/* ---- Traps
 * ---------------------------------------------------------------------------------------- */

enum {
    DAVIT_TRAP_EXIT = 1000, /* the program ended itself: WASI's proc_exit, davit_wasm_exit */
    DAVIT_TRAP_NO_MEMORY    /* the host's memory ran out */
};

/* Why: a DAVIT_TRAP_ code of davit/ops.h, one of the above, or 0 for a trap made by wasm_trap_new or for a wrong call. */
DAVIT_API uint32_t davit_wasm_trap_code(const wasm_trap_t *trap);
/* Of DAVIT_TRAP_EXIT: the exit status; else -1. */
DAVIT_API int32_t davit_wasm_trap_exit_status(const wasm_trap_t *trap);
/* What a host function returns to end the program; own. */
DAVIT_API wasm_trap_t *davit_wasm_exit(wasm_store_t *store, int32_t status);
/* The message and the frames with functions' names and offsets, a line each, as text without a NUL; own. */
DAVIT_API void davit_wasm_trap_backtrace(const wasm_trap_t *trap, wasm_byte_vec_t *out);
/* The name of the function in the module's name section, else of its first export; own, and may be empty. */
DAVIT_API void davit_wasm_frame_func_name(const wasm_frame_t *frame, wasm_name_t *out);

/* ---- Memories, tables, globals beyond 32 bits
 * ----------------------------------------------------- */

/* Own; NULL: not a valid type, over a limit, or memory ran out. */
DAVIT_API wasm_memory_t *davit_wasm_memory_new(wasm_store_t *store, const davit_wasm_size_t *size);
/* Its minimum is the present size. */
DAVIT_API void davit_wasm_memory_type(const wasm_memory_t *memory, davit_wasm_size_t *out);
/* In pages of the memory. */
DAVIT_API uint64_t davit_wasm_memory_size(const wasm_memory_t *memory);
/* *old_pages may be NULL. */
DAVIT_API bool davit_wasm_memory_grow(wasm_memory_t *memory, uint64_t delta_pages,
                                      uint64_t *old_pages);

/* Own. The type is DAVIT_VAL_FUNCREF or DAVIT_VAL_EXTERNREF. */
DAVIT_API wasm_table_t *davit_wasm_table_new(wasm_store_t *store, davit_val_type_t type,
                                             const davit_wasm_size_t *size, const wasm_ref_t *init);
DAVIT_API davit_val_type_t davit_wasm_table_type(const wasm_table_t *table, davit_wasm_size_t *out);
DAVIT_API uint64_t davit_wasm_table_size(const wasm_table_t *table);
/* False: out of bounds. *out is own, NULL for null. */
DAVIT_API bool davit_wasm_table_get(const wasm_table_t *table, uint64_t index, wasm_ref_t **out);
DAVIT_API bool davit_wasm_table_set(wasm_table_t *table, uint64_t index, const wasm_ref_t *ref);
DAVIT_API bool davit_wasm_table_grow(wasm_table_t *table, uint64_t delta, const wasm_ref_t *init,
                                     uint64_t *old_size);

/* Own. The type is a DAVIT_VAL_. */
DAVIT_API wasm_global_t *davit_wasm_global_new(wasm_store_t *store, davit_val_type_t type,
                                               bool is_mutable, davit_wasm_slot_t value);
DAVIT_API davit_wasm_slot_t davit_wasm_global_get(const wasm_global_t *global);
/* False: the global is constant, or the reference is not of its type. */
DAVIT_API bool davit_wasm_global_set(wasm_global_t *global, davit_wasm_slot_t value);

/* ---- Linking by name
 * ------------------------------------------------------------------------------ */

typedef struct davit_wasm_linker davit_wasm_linker_t;

/* Own, by davit_wasm_linker_delete; keeps the store alive. */
DAVIT_API davit_wasm_linker_t *davit_wasm_linker_new(wasm_store_t *store);
DAVIT_API void davit_wasm_linker_delete(davit_wasm_linker_t *linker);
/* A later definition of the same names takes the place of the earlier one. */
DAVIT_API davit_status_t davit_wasm_linker_define(davit_wasm_linker_t *linker, const char *module,
                                                  const char *name, const wasm_extern_t *what);
/* All exports of the instance, under a module name. */
DAVIT_API davit_status_t davit_wasm_linker_define_instance(davit_wasm_linker_t *linker,
                                                           const char *module,
                                                           const wasm_instance_t *instance);
/* Own; NULL: not defined. */
DAVIT_API wasm_extern_t *davit_wasm_linker_get(const davit_wasm_linker_t *linker,
                                               const char *module, const char *name);
/* wasm_instance_new with imports found by their names; own, and so is *trap, which is set as there: also where an import is
 * missing or does not fit, and NULL if all went well. */
DAVIT_API wasm_instance_t *davit_wasm_linker_instantiate(davit_wasm_linker_t *linker,
                                                         const wasm_module_t *module,
                                                         wasm_trap_t **trap);
/* The export of this name; own. NULL: there is none. */
DAVIT_API wasm_extern_t *davit_wasm_instance_export(const wasm_instance_t *instance,
                                                    const char *name);

/* ---- WASI
 * ----------------------------------------------------------------------------------------- */

typedef enum davit_wasi_stdio_kind {
    DAVIT_WASI_CLOSED,
    DAVIT_WASI_INHERIT,  /* the process's own */
    DAVIT_WASI_FD,       /* a descriptor of the host, which stays open and the program's */
    DAVIT_WASI_CALLBACK, /* to capture or supply bytes */
    DAVIT_WASI_NULL      /* ends at once, takes everything */
} davit_wasi_stdio_kind_t;

typedef struct davit_wasi_stdio {
    davit_wasi_stdio_kind_t kind;
    int fd;
    /* Give the bytes moved, at most size; 0 from read is the end, less than 0 an error. NULL: not that way. */
    int64_t (*read)(void *context, void *to, size_t size);
    int64_t (*write)(void *context, const void *from, size_t size);
    void *context;
} davit_wasi_stdio_t;

typedef struct davit_wasi_dir {
    const char *host;  /* a directory */
    const char *guest; /* what the guest calls it */
    bool read_only;
} davit_wasi_dir_t;

/* What a program gets to see of the world: what is not named here it cannot reach. Only read during the call, but for the
 * callbacks. All zero: nothing. */
typedef struct davit_wasi {
    const char *const *args; /* the program's name first */
    size_t num_args;
    const char *const *env; /* "NAME=value" */
    size_t num_env;
    davit_wasi_stdio_t stdio[3];
    const davit_wasi_dir_t *dirs;
    size_t num_dirs;
} davit_wasi_t;

/* Defines wasi_snapshot_preview1. A program that ends by proc_exit traps with DAVIT_TRAP_EXIT. Each call makes a program's
 * view of its own. DAVIT_ERROR_IO: a directory cannot be opened. */
DAVIT_API davit_status_t davit_wasm_linker_wasi(davit_wasm_linker_t *linker,
                                                const davit_wasi_t *wasi);

#ifdef __cplusplus
}
#endif
#endif
