/* interp.h - the interpreter: runs Pulley bytecode, and holds the objects that bytecode touches.
 *
 * An Interp is one thread of execution and the store that its functions, exceptions and instances live in. It
 * has one block of stack: slots grow up, control records (where to return to) grow down, and the two never
 * come closer than the largest window. All guest state is in that block, so a run can stop anywhere - trap,
 * suspend, be interrupted - without C frames to unwind.
 *
 * An InterpInstance is a module with what its indices name: memories, globals, tables, imports, segments, tags
 * and symbols. Whoever makes an instance fills these arrays before the first call; several instances may
 * share an object. The module must have passed dv_pulley_verify, its immediates must be in the host's byte
 * order, and it must outlive the instance.
 *
 * Nothing here escapes or aborts on what the guest does: running out of memory is an outcome like a trap.
 *
 * Threads: an Interp and what belongs to it is used by one thread at a time. dv_interp_interrupt and
 * dv_interp_request_suspend may be called from other threads and from signal handlers. A shared InterpMemory
 * may be used by several Interps at once.
 */
#ifndef DV_INTERP_INTERP_H
#define DV_INTERP_INTERP_H

#include <stdatomic.h>

#include "pulley/pulley.h"

typedef struct Interp Interp;
typedef struct InterpInstance InterpInstance;

/* What an operation, a host function or a callback says about how to go on: INTERP_GO_ON, a trap code (1 to
 * 255), or one of these. */
enum {
    INTERP_GO_ON = 0,
    INTERP_SUSPEND = 256, /* host functions, polls: stop here, to be resumed */
    INTERP_THROW,         /* host functions: the exception set by dv_interp_set_exception */
    INTERP_NO_MEMORY,     /* the allocator gave nothing */
    INTERP_POLL,          /* the interpreter's own: the poll word is not zero */
    INTERP_EXIT           /* the interpreter's own: the frame below is no frame of bytecode */
};

/* ---- functions ---- */

/* Arguments are in slots[0] and up, results go to the same slots. Those beyond 48 are in
 * dv_interp_extra_args and dv_interp_extra_results. Gives INTERP_GO_ON, a trap code, INTERP_SUSPEND,
 * INTERP_THROW or INTERP_NO_MEMORY. After INTERP_SUSPEND the results are written before the resume. */
typedef u32 InterpHostFn(void *context, Interp *vm, u64 *slots);

/* A function of an instance or of the host. Its address is what raw code calls the function by, its handle
 * what references to it are. It lives as long as its Interp. The first four are for native code, which knows their
 * places (rt/vmctx.def); a native function is one of the host to the interpreter. */
typedef struct InterpFunc {
    const void *code; /* NULL: native code cannot call it */
    void *ctx;
    void (*array_call)(struct InterpFunc *func, u64 *slots);
    u32 type_id;
    u32 handle;               /* not 0 */
    InterpInstance *instance; /* NULL: the host's */
    u32 func;                 /* of the instance's module */
    u32 args;
    u32 results; /* in slots */
    InterpHostFn *host;
    void *context;
    const void *enter; /* of a native function: the adapter by which C calls it */
} InterpFunc;

/* ---- memories, tables, globals, segments, tags ---- */

/* Bytes that a guest may access; `base` is a multiple of 16. Native code knows the first two. The length only grows, and when the memory is shared
 * `base` never moves. */
typedef struct InterpMemory {
    u8 *base;
    _Atomic(usize) length_bytes;
    _Atomic(u32) is_growing; /* 1 while a thread grows a shared one */
    u64 max_pages;
    u32 page_bytes; /* a power of two */
    bool index64;
    bool shared;
    /* Makes the memory new_length bytes long, the new ones being zero, and stores base and length_bytes. False
     * if it cannot. NULL: the memory cannot grow. dv_memory_grow_malloc is one. */
    bool (*grow)(struct InterpMemory *memory, usize new_length_bytes);
    void *host; /* the host's own */
} InterpMemory;

typedef struct InterpTable {
    u32 *elems; /* handles; 0 is null. Native code knows this and count */
    u32 count;
    u32 max;
    bool index64;
    bool (*grow)(struct InterpTable *table,
                 u32 new_count); /* as of memories; dv_table_grow_malloc */
    void *host;
} InterpTable;

/* A run of bytes, or of handles, that initialises; emptied when dropped. */
typedef struct InterpSegment {
    const void *data;
    u64 count;
} InterpSegment;

/* Tags are the same if they are at the same address. */
typedef struct InterpTag {
    u32 args; /* slots of its payload */
    void *host;
} InterpTag;

typedef struct InterpException {
    const InterpTag *tag;
    u64 context;                        /* what `catch context` compares with */
    struct InterpException *next_found; /* these three are the interpreter's */
    bool is_found;
    bool is_held;
    u32 count;
    u64 payload[]; /* as many slots */
} InterpException;

/* ---- instances ---- */

struct InterpInstance {
    Interp *vm;
    const PulleyModule *module;
    /* By index, to be filled in. Globals are slots (two for 16 bytes), 32-bit ones use the low half. */
    InterpMemory **memories;
    InterpTable **tables;
    u64 **globals;
    InterpFunc **imports;
    const InterpTag **tags;
    InterpSegment *datas;
    InterpSegment *elems;
    void **symbols; /* addresses; of functions, those of an InterpFunc */
    /* Canonical ids of the module's types, by which calls through references compare; the ids by structure
     * unless the host gives better ones. */
    u32 *type_ids;
    void *host; /* the host's own */
    /* Set before the first function is referred to, if the module's functions are not bytecode: makes one that of the host
     * by which it runs. NULL: bytecode. */
    void (*bind)(InterpInstance *instance, u32 func, InterpFunc *out);
    void *native; /* whoever sets bind has this */
    /* Read only: how often each word of the module's code was the start of an instruction that ran. Only with
     * INTERP_PROFILE. */
    u64 *word_counts;
    /* The rest is the interpreter's. */
    InterpFunc **funcs; /* of this module, made when first referred to */
    const u8 **entries; /* where they begin */
    InterpInstance *next;
    usize size_bytes;
};

/* ---- the interpreter ---- */

typedef enum InterpForm {
    INTERP_BEST,
    INTERP_SWITCH, /* every compiler has this one */
    INTERP_GOTO,
    INTERP_TAIL,
    INTERP_FORM_COUNT,
    INTERP_PROFILE =
        INTERP_FORM_COUNT /* the switch, which counts and traces; none of the above is slower for it */
} InterpForm;

typedef enum InterpOutcome {
    INTERP_RETURNED,
    INTERP_TRAPPED,   /* dv_interp_trap says why */
    INTERP_SUSPENDED, /* dv_interp_resume goes on */
    INTERP_THREW,     /* dv_interp_exception; nothing caught it */
    INTERP_FAILED     /* out of memory */
} InterpOutcome;

/* Bits of the poll word. */
enum {
    INTERP_POLL_INTERRUPT = 1, /* trap */
    INTERP_POLL_SUSPEND = 2,   /* suspend */
    INTERP_POLL_NOTIFY = 4     /* only ask on_poll: a deadline, a debugger */
};

typedef struct InterpConfig {
    davit_allocator_t allocator; /* all zero: malloc and free */
    u32 form;                    /* InterpForm; INTERP_BEST unless this build has it */
    u32 stack_bytes;             /* 0: 1 MiB */
    u32 native_stack_bytes; /* of the C stack, for native code from the first entry to it; 0: 1 MiB */
    u32 max_nesting;        /* entries from the host that may be active at once; 0: 100 */
    u32 max_exceptions;     /* that exist at once; 0: 100,000 */
    u32 max_funcs;          /* function references; 0: 10,000,000 */
    bool metered;           /* only metered modules are accepted */
    /* Called when the poll word is not zero, with its bits. What it gives is done: INTERP_GO_ON, a trap code or
     * INTERP_SUSPEND. NULL: an interrupt traps, a request to suspend suspends, a notification goes on. */
    u32 (*on_poll)(void *context, Interp *vm, u32 bits);
    /* Called by debugtrap. NULL: goes on. */
    u32 (*on_debugtrap)(void *context, Interp *vm);
    /* Called when the fuel does not suffice: may add some and give INTERP_GO_ON, which tries again. NULL:
     * traps. */
    u32 (*on_fuel)(void *context, Interp *vm);
    /* Called before each instruction, with its place and slot 0; only with INTERP_PROFILE. It may look at slots, and
     * at whatever the instance has, not call or change anything. NULL: nobody is told. */
    void (*on_step)(void *context, Interp *vm, const u8 *pc, const u64 *slots);
    void *context;
} InterpConfig;

/* What INTERP_PROFILE has counted since the Interp was made. */
typedef struct InterpProfile {
    u64 steps;                /* instructions */
    u64 ops[PULLEY_OP_COUNT]; /* by PulleyOp */
    /* How often the second ran directly after the first. */
    u64 pairs[PULLEY_OP_COUNT][PULLEY_OP_COUNT];
} InterpProfile;

/* Where a call stopped. */
typedef struct InterpTrap {
    u32 code;
    InterpInstance *instance;
    u32 func; /* UINT32_MAX: not in bytecode */
    u32 offset; /* in the function, of the instruction, or behind the call for a trap of a host function */
    u64 value; /* null_elem: the index of the element */
} InterpTrap;

typedef struct InterpFrame {
    InterpInstance *instance;
    u32 func;
    u32 offset;     /* of the instruction in the function */
    bool is_return; /* the instruction is the one behind the call */
} InterpFrame;

/* ---- native code in between ---- */

/* Who is shown slots. */
typedef void InterpVisit(void *context, const u64 *slots, usize count);

/* A run of native code on the C stack that is under way. Its frames come between those of bytecode: what runs on top of
 * it has its records below `control`. */
typedef struct InterpNative {
    struct InterpNative *outer;
    const void *control;
    bool is_resumable; /* what the interpreter was */
    /* Gives the frames to see(sink, frame), innermost first. */
    void (*walk)(const struct InterpNative *self, void (*see)(void *sink, const InterpFrame *frame),
                 void *sink);
    /* Shows all words of memory where it and what runs on top of it may have references, two to a word. */
    void (*scan)(const struct InterpNative *self, InterpVisit *visit, void *context);
} InterpNative;

/* Of frames that are gone when a trap is looked at, so many are kept at both ends. */
enum { INTERP_TRAIL_INNER = 96, INTERP_TRAIL_OUTER = 32 };

/* ---- interp.c: life ---- */

/* NULL if memory runs out. */
Interp *dv_interp_new(const InterpConfig *config);
/* Frees the Interp and its instances, functions and exceptions; not the objects that hosts supplied. */
void dv_interp_free(Interp *vm);
/* Whether this build has the form. */
bool dv_interp_has_form(InterpForm form);
InterpForm dv_interp_form(const Interp *vm);
void *dv_interp_context(const Interp *vm); /* the configuration's */
/* NULL with another form than INTERP_PROFILE. */
const InterpProfile *dv_interp_profile(const Interp *vm);
/* Which function of the instance's module a place in its code is in, and where there. False if it is in none: the
 * interpreter has instructions of its own. */
bool dv_interp_locate(const InterpInstance *instance, const u8 *pc, InterpFrame *at);

/* ---- instance.c ---- */

/* Whether this build and this Interp run such a module: not if it is for another width or byte order, is not
 * metered where it has to be, or may use a group of operations that the build lacks. Then `why`, unless it is
 * NULL, gets the reason. */
bool dv_interp_can_run(const Interp *vm, const PulleyModule *module, TextBuf *why);
/* An instance whose arrays are there and empty (NULL, 0; type_ids filled by structure). DAVIT_ERROR_MEMORY;
 * DAVIT_ERROR_UNSUPPORTED if it cannot be run. */
davit_status_t dv_instance_new(Interp *vm, const PulleyModule *module, InterpInstance **out);
/* An entity: imports first, then the module's own. NULL if memory runs out. */
InterpFunc *dv_instance_func(InterpInstance *instance, u32 entity);
/* A function of the host with this many slots. NULL if memory runs out. */
InterpFunc *dv_interp_host_func(Interp *vm, InterpHostFn *host, void *context, PulleyType type,
                                u32 type_id);
/* The function of a handle, NULL if it is null or none. */
InterpFunc *dv_interp_func(const Interp *vm, u32 handle);
/* The id of a type by its structure. */
u32 dv_interp_type_id(PulleyType type);

/* ---- interp.c: running ---- */

/* Calls a function. `slots` has room for its arguments and results, whichever are more; results take the place
 * of arguments. May be called from host functions. */
InterpOutcome dv_interp_call(Interp *vm, InterpFunc *func, u64 *slots);
/* The same, but may be suspended; then `slots` is not touched, and the results come from the resume. Only one
 * call of an Interp can be suspended, and none while a host function is active: there it is an ordinary call. */
InterpOutcome dv_interp_call_resumable(Interp *vm, InterpFunc *func, u64 *slots);
/* Goes on with the suspended call, as if the host function or poll had given `status` now. */
InterpOutcome dv_interp_resume(Interp *vm, u32 status, u64 *slots);
/* Gives the suspended call up. */
void dv_interp_abandon(Interp *vm);
bool dv_interp_is_suspended(const Interp *vm);
/* Whether a host function called now may give INTERP_SUSPEND. If it gives it all the same, the guest goes on. */
bool dv_interp_can_suspend(const Interp *vm);
/* The slots of the suspended host function, where its results go. NULL if it was a poll. */
u64 *dv_interp_host_slots(const Interp *vm);
/* For host functions: the block with arguments 48 and up, the one for results 48 and up. */
const u64 *dv_interp_extra_args(const Interp *vm);
u64 *dv_interp_extra_results(const Interp *vm);
/* The instance that runs or called the host function; NULL outside of calls. */
InterpInstance *dv_interp_instance(const Interp *vm);

/* Makes the guest trap, suspend, or ask on_poll at its next poll. Any thread, any signal handler. */
void dv_interp_interrupt(Interp *vm);
void dv_interp_request_suspend(Interp *vm);
/* Whether an interrupt was asked for and not yet taken. */
bool dv_interp_is_interrupted(const Interp *vm);
void dv_interp_notify(Interp *vm);
/* Forgets an interrupt that was not taken yet. */
void dv_interp_clear_interrupt(Interp *vm);

void dv_interp_set_fuel(Interp *vm, u64 fuel); /* UINT64_MAX, as at first: without end */
u64 dv_interp_fuel(const Interp *vm);
/* Native code begins, as a function of the host; until it has ended nothing is suspended. */
void dv_interp_begin_native(Interp *vm, InterpNative *native);
/* It has returned, or ended otherwise; all that began later has ended. */
void dv_interp_end_native(Interp *vm, InterpNative *native);
/* The innermost native code ends in what `status` says, and not by a return: keeps its frames for the next backtrace, and
 * those of the call that ended so on top of it if there was one. */
void dv_interp_keep_frames(Interp *vm, bool has_call);
/* Whether native code is under way. */
bool dv_interp_has_native(const Interp *vm);
/* Forgets frames kept. */
void dv_interp_drop_frames(Interp *vm);
/* Called for each function of the host or of bytecode that is made from now on: gives it code, ctx and array_call. */
void dv_interp_set_adapt(Interp *vm, void (*adapt)(Interp *vm, InterpFunc *func));

void dv_interp_set_pinned(Interp *vm, u64 value);
u64 dv_interp_pinned(const Interp *vm);

/* ---- except.c ---- */

/* Why and where the last call trapped (also: threw, failed); valid until the next one. */
const InterpTrap *dv_interp_trap(const Interp *vm);
/* The frames of the last trap, or of the present moment when called by a host function, innermost first; gives
 * how many there are, of which at most `capacity` are written. */
u32 dv_interp_backtrace(const Interp *vm, InterpFrame *frames, u32 capacity);
/* The same without the innermost `skipped` ones. */
u32 dv_interp_backtrace_from(const Interp *vm, u32 skipped, InterpFrame *frames, u32 capacity);
/* Shows `visit` every run of slots that may hold references of guests: of frames, suspended ones too, and what exceptions
 * carry. Globals and tables are the host's to look at. Either half of a slot may be one. */
void dv_interp_visit_slots(const Interp *vm, InterpVisit *visit, void *context);
/* A new exception of this tag, its payload zero. 0 if there is no memory for it. */
u32 dv_interp_new_exception(Interp *vm, const InterpTag *tag, u64 context);
/* NULL if the handle is null or none. */
InterpException *dv_interp_exception_of(const Interp *vm, u32 handle);
/* What INTERP_THROW throws. */
void dv_interp_set_exception(Interp *vm, u32 handle);
/* What the last call threw, and did not catch. */
u32 dv_interp_exception(const Interp *vm);
/* An exception that no slot, global or table of a guest names may go when a later one is made, and its handle
 * be given to that one; not while it is held, nor between being thrown and caught. */
void dv_interp_hold_exception(Interp *vm, u32 handle);
/* Forgets it now. */
void dv_interp_drop_exception(Interp *vm, u32 handle);

/* ---- memory.c ---- */

/* A memory of malloc'd bytes, zeroed. A shared one is allocated at its maximum. False if memory runs out. */
bool dv_memory_init_malloc(InterpMemory *memory, const PulleyMemory *type, u32 page_bytes,
                           u64 min_pages, u64 max_pages);
void dv_memory_free_malloc(InterpMemory *memory);
/* Pages before, or UINT64_MAX if it cannot grow so far. */
u64 dv_memory_grow(InterpMemory *memory, u64 delta_pages);

/* ---- table.c ---- */

bool dv_table_init_malloc(InterpTable *table, const PulleyTable *type, u32 min, u32 max);
void dv_table_free_malloc(InterpTable *table);

#endif
