/* runtime.h - running WebAssembly: modules made ready, stores, instances and what they hold, calls and traps.
 *
 * Source: WebAssembly core specification 3.0, chapters "Execution" and "Embedding". docs/wasm.md explains the whole.
 *
 * A module is loaded from an artifact (artifact.h): bytes that the compiler wrote, on this machine or another, just
 * now or long ago; there is no other way in. It is immutable, counted, and may be shared by stores of several threads.
 *
 * A store is what guests of one trust domain share: functions, memories, tables, globals, instances, references. What is
 * made in a store lives until the store goes; nothing is freed one by one, so that nothing dangles. A store is counted
 * too and belongs to one thread at a time; dv_rt_interrupt and dv_rt_notify may be called from any thread.
 *
 * References are 32-bit handles everywhere inside (0 is null): of functions the interpreter's, of host objects the
 * store's. A handle made up by a guest is at worst another object of its store.
 *
 * Nothing here includes the compiler. Errors are statuses with a message in an RtError; traps are RtTrap objects.
 */
#ifndef DV_WASM_RUNTIME_RUNTIME_H
#define DV_WASM_RUNTIME_RUNTIME_H

#include "interp/interp.h"
#include "wasm/format/wasm.h"

/* ---- errors, values, types ---- */

typedef struct RtError {
    davit_status_t status;
    char message[512]; /* one line, clean */
} RtError;

typedef struct RtStore RtStore;
typedef struct RtModule RtModule;
typedef struct RtInstance RtInstance;
typedef InterpFunc RtFunc; /* lives as long as its store */

/* Numbers and vectors in their bits (32-bit ones in the low half), references as handles. */
typedef struct RtVal {
    u64 lo, hi; /* hi: v128 only */
} RtVal;

/* A function type whose references name types of the store: VT_INDEX is an id that dv_rt_type gives. */
typedef struct RtFuncType {
    u32 num_params, num_results;
    const ValType *params, *results;
} RtFuncType;

typedef struct RtMemory {
    InterpMemory interp; /* first: the interpreter's view */
    RtStore *store;
    Limits limits; /* as declared */
    u32 page_log2;
    void *host; /* the embedder's own */
    /* The rest is memory.c's. */
    u64 max_bytes;       /* it never gets longer */
    usize capacity;      /* bytes from base on that it can get without moving */
    bool is_guarded;     /* registered as a reservation */
    void *block;         /* where base lies, */
    usize block_bytes;   /* of this size */
    bool is_reservation; /* of address space, else allocated */
    struct RtMemory *next;
} RtMemory;

typedef struct RtTable {
    InterpTable interp;
    RtStore *store;
    Limits limits;
    ValType type; /* with the store's type ids */
    void *host;
    u32 capacity; /* table.c's, */
    struct RtTable *next;
} RtTable;

typedef struct RtGlobal {
    u64 slots[2]; /* first, 16-aligned: what the interpreter points to */
    RtStore *store;
    ValType type;
    bool is_mutable;
    void *host;
    struct RtGlobal *next; /* table.c's */
} RtGlobal;

typedef struct RtTag {
    InterpTag interp;
    RtStore *store;
    u32 type_id;
    void *host;
} RtTag;

typedef struct RtExtern {
    u8 kind; /* ExternKind */
    union {
        RtFunc *func;
        RtTable *table;
        RtMemory *memory;
        RtGlobal *global;
        RtTag *tag;
    } of;
} RtExtern;

/* ---- module.c: modules from artifacts ---- */

enum {
    RT_LOAD_TRUSTED =
        1, /* the bytes were made by this program: bytecode is not verified (debug builds do all the same) */
    RT_LOAD_IN_PLACE =
        2, /* the bytes stay as they are until the module goes; else they are copied */
    RT_LOAD_NATIVE =
        4, /* native code is loaded, which nothing verifies: whoever made the bytes can do what this program can */
    RT_LOAD_PERF_MAP = 8 /* perf is told of native functions */
};

/* Loads an artifact. Counted, with one reference for the caller. */
davit_status_t dv_rt_module_load(const davit_allocator_t *allocator, const u8 *bytes, usize size,
                                 u32 flags, RtModule **out, RtError *error);
RtModule *dv_rt_module_retain(RtModule *module);
void dv_rt_module_release(RtModule *module); /* NULL is ignored */
/* What the module declares; bodies are not there. */
const WasmModule *dv_rt_module_info(const RtModule *module);
/* The artifact's bytes, as they were handed in. */
const u8 *dv_rt_module_bytes(const RtModule *module, usize *size);
/* The compiler's target whose code runs on this host, and which of its features the processor has; NULL: none. */
const char *dv_rt_native_target(u32 *features);
/* Whether the process may have the addresses of a guarded memory now: with a limit (ulimit -v) it may not. */
bool dv_rt_can_guard(void);
/* Whether its functions are native code; then its bytecode has none. */
bool dv_rt_module_is_native(const RtModule *module);
/* The bytecode, for inspection. */
const PulleyModule *dv_rt_module_code(const RtModule *module);
/* Offset in the Wasm binary of what made the instruction at an offset of a function (imports not counted); UINT32_MAX. */
u32 dv_rt_module_source(const RtModule *module, u32 func, u32 code_offset);
/* The same of the function's body; UINT32_MAX. */
u32 dv_rt_module_body(const RtModule *module, u32 func);

/* ---- store.c ---- */

typedef enum RtAnswer { RT_TRAP, RT_GO_ON, RT_SUSPEND } RtAnswer;

typedef struct RtStoreConfig {
    davit_allocator_t allocator; /* all zero: malloc and free */
    u32 form;                    /* InterpForm */
    u32 stack_bytes;             /* value and control stack; 0: 1 MiB */
    u32 native_stack_bytes;      /* of the C stack, for native code; 0: 1 MiB */
    u32 max_nesting;             /* host -> guest entries at once; 0: 100 */
    u64 max_memory_bytes; /* of all memories together; 0: what a memory's declaration allows, at most 4 GiB (16 for memory64) */
    u64 max_table_elems;  /* of one table; 0: 10,000,000 */
    u32 max_instances;    /* 0: 100,000 */
    bool metered;         /* fuel counts; only metered modules run */
    bool
        guarded; /* memories of 32-bit indices are as native code with static memories wants them: 6 GiB of addresses each */
    /* Asked when fuel runs out, and at a poll after dv_rt_notify. NULL: trap; go on. */
    RtAnswer (*on_fuel)(void *context, RtStore *store);
    RtAnswer (*on_notify)(void *context, RtStore *store);
    void *context;
    /* Called before each instruction, with form INTERP_PROFILE only: see InterpConfig. */
    void (*on_step)(void *context, Interp *vm, const u8 *pc, const u64 *slots);
    void *step_context;
} RtStoreConfig;

davit_status_t dv_rt_store_new(const RtStoreConfig *config, RtStore **out);
RtStore *dv_rt_store_retain(RtStore *store);
/* The last release frees everything made in the store, and runs the finalizers of host functions and host objects, each once. */
void dv_rt_store_release(RtStore *store);
Interp *dv_rt_store_vm(RtStore *store);
/* The instances, the newest first: behind `after`, or behind none. NULL at the end. */
RtInstance *dv_rt_store_next_instance(const RtStore *store, const RtInstance *after);

/* The id in this store of a type of a module, the same for types that are the same; references in it become ids. */
u32 dv_rt_type(RtStore *store,
               const RtFuncType *type); /* 0: no memory. Params and results are copied */
const RtFuncType *dv_rt_type_of(const RtStore *store, u32 type_id);
/* A type as the module has it, with the store's ids for its indices. */
ValType dv_rt_val_type(RtStore *store, const RtInstance *instance, ValType type);
bool dv_rt_is_subtype(const RtStore *store, ValType a, ValType b);

/* Any thread, any time while the store exists: the guest traps, or asks on_notify, at its next poll. */
void dv_rt_interrupt(RtStore *store);
void dv_rt_notify(RtStore *store);
/* Whether an interrupt was asked for and not yet taken: for host functions that wait. Any thread. */
bool dv_rt_is_interrupted(const RtStore *store);
/* An interrupt that was asked for and not yet taken is forgotten. */
void dv_rt_clear_interrupt(RtStore *store);
/* Guests are interrupted when so many nanoseconds from now have passed; 0: no deadline. DAVIT_ERROR_UNSUPPORTED: no threads here. */
davit_status_t dv_rt_set_deadline(RtStore *store, u64 ns);
void dv_rt_set_fuel(RtStore *store, u64 fuel);
u64 dv_rt_fuel(const RtStore *store);

/* ---- references ---- */

/* The handle of a host object: the same object (by address) has the same one, and the first finalizer it was given. 0: no memory,
 * or the object is NULL. `finalize` may be NULL; it is called when no guest can name the object any more, or with the store,
 * which it must not use.
 *
 * A handle that a host has made, or got as an argument or result, is safe until guest code next begins or goes on to run; beyond
 * that it is if a guest can name it, in a table, global or slot, or if it is held. */
u32 dv_rt_ref_new(RtStore *store, void *object, void (*finalize)(void *object));
/* The object; NULL if the handle is null or none. */
void *dv_rt_ref_object(const RtStore *store, u32 handle);
/* Holds a handle on the host's behalf, counted: it is not freed meanwhile. */
void dv_rt_ref_hold(RtStore *store, u32 handle);
void dv_rt_ref_drop(RtStore *store, u32 handle);
RtFunc *dv_rt_ref_func(const RtStore *store, u32 handle); /* NULL: null or none */
/* Whether a value, as handed in by a host, is one of the type. */
bool dv_rt_val_fits(const RtStore *store, RtVal value, ValType type);

/* ---- traps ---- */

typedef struct RtFrame {
    RtInstance *instance;
    u32 func;          /* entity: imports counted */
    u32 func_offset;   /* Wasm bytes from the start of the function's body; 0 if unknown */
    u32 module_offset; /* in the Wasm binary; 0 if unknown */
} RtFrame;

typedef struct RtTrap {
    RtStore *store;  /* not held */
    u32 code;        /* traps.def's number; 0: a host's own, with only a message; RT_CODE_EXIT */
    i32 exit_status; /* of RT_CODE_EXIT: a host function asked to end the program */
    const char *message;
    u32 num_frames;     /* innermost first */
    u32 frames_dropped; /* more than were kept (the middle of very deep stacks) */
    RtFrame *frames;
} RtTrap;
enum { RT_CODE_EXIT = 1000, RT_CODE_MEMORY };

/* A trap made by a host. NULL: no memory (dv_rt_trap_memory stands for that). */
RtTrap *dv_rt_trap_new(RtStore *store, const char *message, usize length);
RtTrap *dv_rt_trap_exit(RtStore *store, i32 status);
/* A trap of a code of base/traps.def; never NULL. */
RtTrap *dv_rt_trap_code(RtStore *store, u32 code);
/* The one of RT_CODE_MEMORY, which needs no memory; freeing it does nothing. */
RtTrap *dv_rt_trap_memory(void);
void dv_rt_trap_free(RtTrap *trap);
/* What backtraces call a function: its name in the name section, else that of its first export; or empty. */
Str dv_rt_func_name(const WasmModule *info, u32 func);
/* Appends where a frame is, in words of its own; false: it knows none. */
typedef bool RtPrintPlace(void *context, const RtFrame *frame, TextBuf *out);
/* Appends the backtrace as the command shows it: a line a frame, frames that are the same told once. `place` may be NULL: offsets. */
void dv_rt_trap_print(TextBuf *out, const RtTrap *trap, RtPrintPlace *place, void *context);
/* The message of a trap code. */
const char *dv_rt_trap_message(u32 code);

/* ---- objects made by hosts: NULL and *error if they cannot be ---- */

/* Arguments and results by the type. Gives NULL, or a trap that the runtime then owns. */
typedef RtTrap *RtHostFn(void *context, RtStore *store, const RtVal *args, RtVal *results);

typedef struct RtHostFunc {
    RtHostFn *fn;
    void *context;
    void (*finalize)(void *context); /* or NULL */
} RtHostFunc;

RtFunc *dv_rt_func_new(RtStore *store, u32 type_id, const RtHostFunc *host, RtError *error);
RtMemory *dv_rt_memory_new(RtStore *store, const MemoryDecl *decl, RtError *error);
RtTable *dv_rt_table_new(RtStore *store, const TableDecl *decl, u32 init,
                         RtError *error); /* decl->type with the store's ids */
RtGlobal *dv_rt_global_new(RtStore *store, ValType type, bool is_mutable, RtVal value,
                           RtError *error);
RtTag *dv_rt_tag_new(RtStore *store, u32 type_id, RtError *error);

RtStore *dv_rt_func_store(const RtFunc *func);
bool dv_rt_func_is_native(const RtFunc *func);
/* Inside a host function: the instance whose code called it; NULL. */
RtInstance *dv_rt_caller(RtStore *store);

RtVal dv_rt_global_get(const RtGlobal *global);
void dv_rt_global_set(RtGlobal *global, RtVal value);
u64 dv_rt_memory_pages(const RtMemory *memory);
u64 dv_rt_memory_bytes(const RtMemory *memory);
u8 *dv_rt_memory_data(const RtMemory *memory); /* until it grows */
bool dv_rt_memory_grow(RtMemory *memory, u64 delta_pages, u64 *old_pages);
u64 dv_rt_table_size(const RtTable *table);
bool dv_rt_table_get(const RtTable *table, u64 index, u32 *handle);
bool dv_rt_table_set(RtTable *table, u64 index, u32 handle);
bool dv_rt_table_grow(RtTable *table, u64 delta, u32 init, u64 *old);

/* ---- instantiate.c ---- */

/* An instance of the module with these imports, in the order of its declarations: links, initialises, runs the start function.
 * DAVIT_OK; or DAVIT_ERROR_INVALID with an RtError (imports that do not match: "incompatible import type"; unknown ones are the linker's);
 * or DAVIT_ERROR_INVALID with *trap when a segment or the start function trapped (the caller's to free). What was made stays in the store. */
davit_status_t dv_rt_instantiate(RtStore *store, RtModule *module, const RtExtern *imports,
                                 u32 num_imports, RtInstance **out, RtTrap **trap, RtError *error);
RtModule *dv_rt_instance_module(const RtInstance *instance);
RtStore *dv_rt_instance_store(const RtInstance *instance);
const InterpInstance *dv_rt_instance_interp(const RtInstance *instance);
/* The export by its name; false if there is none. */
bool dv_rt_instance_find(RtInstance *instance, Str name, RtExtern *out);
/* The export by its place in the module. */
RtExtern dv_rt_instance_export(RtInstance *instance, u32 index);
/* An instance that a host made up of externs, for linking and wasm.h: not offered; the linker takes externs. */

/* ---- call.c ---- */

/* Calls a function with arguments of its type (checked by the caller: dv_rt_val_fits). NULL, and results; or a trap, the
 * caller's to free. May be called from host functions. */
RtTrap *dv_rt_call(RtStore *store, RtFunc *func, const RtVal *args, RtVal *results);

typedef enum RtOutcome { RT_RETURNED, RT_TRAPPED, RT_SUSPENDED } RtOutcome;
/* The same, but host functions (by dv_rt_suspend), polls and on_fuel may suspend it. */
RtOutcome dv_rt_call_resumable(RtStore *store, RtFunc *func, const RtVal *args, RtVal *results,
                               RtTrap **trap);
/* Goes on; `values` are the results of the host function that suspended (NULL for a poll). */
RtOutcome dv_rt_resume(RtStore *store, const RtVal *values, RtVal *results, RtTrap **trap);
void dv_rt_abandon(RtStore *store);
/* What a host function returns to suspend its caller; NULL: cannot suspend here, the guest goes on. */
RtTrap *dv_rt_suspend(RtStore *store);

/* ---- linker.c: imports by name ---- */

typedef struct RtLinker RtLinker;

RtLinker *dv_rt_linker_new(RtStore *store); /* NULL: no memory; holds the store */
void dv_rt_linker_free(RtLinker *linker);
/* A later definition of the same names replaces the earlier one. False: no memory. */
bool dv_rt_linker_define(RtLinker *linker, Str module, Str name, RtExtern what);
/* All exports of an instance under a module name. */
bool dv_rt_linker_instance(RtLinker *linker, Str module, RtInstance *instance);
bool dv_rt_linker_find(const RtLinker *linker, Str module, Str name, RtExtern *out);
/* dv_rt_instantiate with imports by name; "unknown import: ..." */
davit_status_t dv_rt_linker_instantiate(RtLinker *linker, RtModule *module, RtInstance **out,
                                        RtTrap **trap, RtError *error);

/* ---- the type of an extern, for matching and for wasm.h ---- */
/* Whether the import could be satisfied; else `error` says "incompatible import type: ..." */
bool dv_rt_matches(RtStore *store, const RtModule *module, u32 import, RtExtern what,
                   RtError *error);

#endif
