/* engine.h - the inside of the interpreter: the state of a run, control records, and what handlers call.
 *
 * The stack block:
 *
 *     slots -> | slots of frames ... fp ... fp + window | ... touched | ... | control -> records ... | <- end
 *
 * Invariant at every instruction: the window of every function that is active lies below `touched`, and that is
 * not above `control`; so a function may use its window without a check, and whoever moves fp or control (calls,
 * enter, entries from the host) compares with `touched` first, which is moved by dv_interp_make_room.
 *
 * What `touched` is for: slots from there on hold anything, former control records with host addresses among it.
 * Where it is moved up, slots become zero. So to hide from an instance what ran before, it is moved down to the
 * window of the function that is entered, or returned to, and only that window is cleared. A function called
 * without that sees what its own instance has left there.
 *
 * A control record says where a return goes and what fp is there. A return that has more to do than that goes
 * through an InterpSpecial, which is a record whose pc is that of an `exit` instruction, followed by what
 * to do: give back to the host, switch to another instance, or only hold the block of results that the caller
 * gave. There are never two specials on top of one another but above one of the host: a tail call fills in the
 * one that it finds, so that chains of tail calls need no space.
 *
 * Everything rare leaves the dispatch loop with a status: the loop stores its state, dv_interp_leave decides
 * (polls, returns to the host, unwinds, traps), and the loop goes on from the state or returns.
 *
 * A function called through this header's prototypes as a slow operation gets the instruction's place, fp, and
 * what PX_SIZE says; vm->pc and vm->fp hold the same. It gives a status, with which the loop leaves unless it
 * is INTERP_GO_ON; then the loop goes on behind the instruction, a call at vm->pc.
 */
#ifndef DV_INTERP_ENGINE_H
#define DV_INTERP_ENGINE_H

#include "interp/interp.h"

typedef struct InterpRecord {
    const u8 *pc; /* where to go on */
    u64 *fp;      /* the frame's there; in a special: that of the function that returns */
} InterpRecord;

typedef struct InterpSpecial {
    InterpRecord link;       /* its pc is dv_interp_exit_code */
    InterpInstance *restore; /* the instance to go on in; NULL: the same; of the host: see caller */
    u64 *results;            /* the block for results 48 and up */
    usize is_host;           /* gives back to the host */
    /* With another instance: what the return makes of `touched`, and the first slot of the callee's window that
     * it clears. */
    u64 *touched;
    usize scrub_from;
    const u8 *caller; /* of the host: where the guest that called it goes on, in `restore`; NULL */
} InterpSpecial;

_Static_assert(sizeof(InterpSpecial) % sizeof(InterpRecord) == 0, "records stay aligned");

enum {
    RED_ZONE_BYTES = PULLEY_WINDOW_SLOTS * 8,
    INTERP_OUT_OF_FUEL = INTERP_EXIT + 1, /* status: fuel did not suffice */
    INTERP_DEEPER,                        /* status: the instruction needs `touched` elsewhere */
    FUNC_CHUNK = 256                      /* a power of two */
};

#define NO_TYPE UINT32_MAX /* no type_id: that of null_func and no_func */

typedef struct InterpFuncChunk {
    struct InterpFuncChunk *next;
    InterpFunc funcs[FUNC_CHUNK];
} InterpFuncChunk;

/* Code of convention system_v that calls native functions of a type, and code of convention wasm that calls others. */
typedef struct InterpAdapter {
    u32 type_id;
    const void *enter, *leave;
} InterpAdapter;

struct Interp {
    /* ---- what native code knows the places of: `state` of rt/vmctx.def ---- */
    const void *stack_limit; /* while native code runs */
    InterpFunc **funcs;      /* by handle; null_func, and no_func where there is none */
    u64 fuel;
    u32 func_mask; /* funcs has one more: a power of two */
    atomic_uint poll;

    /* ---- what the dispatch loop uses ----
     *
     * The state that the loop holds in registers alternates with what it does not store together with it: a
     * compiler that finds two of them side by side makes a vector register of them (gcc 12). */
    const u8 *pc;
    InterpRecord *control;
    u64 *fp;
    u64 *touched;       /* end of the slots that the running instance may see */
    u8 *mem;            /* memory 0 of the instance */
    const u8 **entries; /* where its functions begin */
    usize len;
    u64 **globals;
    u64 acc;
    InterpInstance *instance;
    u64 facc; /* bits */
    u32 status;
    u64 pinned;

    /* ---- of the run ---- */
    u64 *args_block; /* arguments 48 and up for the function being entered */
    u64 *free_slots; /* while the host is called: the first slot it may not touch */
    u64 *host_slots; /* of the host function that runs or is suspended */
    const InterpFunc *host_func;
    const u64 *host_args;
    u64 *host_results;
    u64 *result_slots; /* of the call that returned to the host */
    u64 *result_block;
    u32 nesting;           /* entries from the host that are active, the suspended one included */
    u32 outcome;           /* InterpOutcome, when dv_interp_leave says stop */
    u32 thrown;            /* handle of the exception on its way */
    bool is_resumable;     /* the innermost entry */
    InterpFunc *suspended; /* the function called by the suspended call; NULL: there is none */

    /* ---- of the last stop: where a backtrace starts ---- */
    InterpTrap trap;
    u64 null_elem; /* index of the null element that was called last */
    const u8 *stop_pc;
    const InterpRecord *stop_control;
    InterpInstance *stop_instance;

    /* ---- with INTERP_PROFILE ---- */
    InterpProfile *profile;
    u32 last_op;
    const u8 *again; /* an instruction that has been counted and runs again */

    /* ---- the store ---- */
    InterpConfig config;
    u64 *stack; /* the block as allocated */
    usize stack_bytes;
    u64 *stack_start; /* aligned to 16 */
    InterpRecord *stack_end;
    InterpInstance *instances;
    InterpFuncChunk *chunks;      /* the functions, the latest first */
    u32 num_funcs;                /* handles given, with 0 */
    InterpFunc null_func;         /* of handle 0 */
    InterpFunc no_func;           /* of handles that nobody has, its own is NO_TYPE too */
    InterpFunc *no_funcs[1];      /* what funcs is before there is one */
    InterpException **exceptions; /* by handle; 0 is unused */
    u32 exception_cap;
    u32 exception_hint; /* no handle below is free */

    /* ---- native code ---- */
    InterpNative *natives; /* the innermost run */
    void (*adapt)(Interp *vm, InterpFunc *func);
    InterpAdapter *adapters; /* types rise */
    u32 adapter_count, adapter_cap;
    u32 trail_count; /* frames kept: the first, and of the others the last ones in a ring */
    InterpFrame trail[INTERP_TRAIL_INNER + INTERP_TRAIL_OUTER];
};

/* The function of this handle, NULL if there is none. */
static inline const InterpFunc *func_of_handle(const Interp *vm, u32 handle)
{
    if (handle - 1 >= vm->num_funcs - 1) { /* 0 is none */
        return NULL;
    }
    return vm->funcs[handle];
}

/* ---- interp.c ---- */

void *dv_interp_alloc(Interp *vm, usize size_bytes); /* zeroed; NULL if there is no memory */
void dv_interp_release(Interp *vm, void *memory, usize size_bytes);
/* A larger array, the rest zeroed; NULL if there is no memory, and then the old one stays. */
void *dv_interp_grow(Interp *vm, void *old, usize old_bytes, usize new_bytes);
/* Acts on vm->status; vm->pc and vm->fp are set. True: the loop returns. */
bool dv_interp_leave(Interp *vm);
/* Does what the poll word asks for, and clears it; gives the status. vm->fp is set. */
u32 dv_interp_answer_poll(Interp *vm);
/* Asks for more fuel; gives the status. vm->fp is set. */
u32 dv_interp_answer_fuel(Interp *vm);
/* Makes the instance the running one. */
void dv_interp_switch(Interp *vm, InterpInstance *instance);
/* Reads base and length of memory 0 again. */
void dv_interp_refresh(Interp *vm);
/* Moves `touched` so that fp may move up by `slots` and control down by `record_bytes`. False if there is no room
 * for that. */
bool dv_interp_make_room(Interp *vm, u64 *fp, usize slots, usize record_bytes);
/* Shows a function of another instance, whose slot 0 is at fp, `used` slots and zeros for the rest of its window. */
void dv_interp_clean_window(Interp *vm, u64 *fp, u32 used, u32 window);
/* Clears what a function of the host has left behind its results. */
void dv_interp_scrub_host(const InterpFunc *callee, u64 *slots);
/* Words that hold `exit` and `ret`. */
extern const u8 dv_interp_exit_code[4];
extern const u8 dv_interp_ret_code[4];

/* The bytes between a slot and the control stack. */
static inline usize room_above(const Interp *vm, const u64 *slot)
{
    return (usize)((const u8 *)vm->control - (const u8 *)slot);
}

/* An index or a length, as wide as the memory or table says. */
static inline u64 as_index(bool index64, u64 slot)
{
    return index64 ? slot : (u32)slot;
}

/* True if the range is there; an empty one at the end is. */
static inline bool has_range(u64 length, u64 at, u64 count)
{
    return at <= length && count <= length - at;
}

/* ---- run_switch.c, run_goto.c, run_tail.c, run_profile.c: run from the state until dv_interp_leave stops them ---- */

void dv_interp_run_switch(Interp *vm);
void dv_interp_run_profile(Interp *vm);
void dv_interp_run_goto(Interp *vm);
void dv_interp_run_tail(Interp *vm);

/* ---- except.c ---- */

/* Finds the handler of vm->thrown, vm->pc being behind what threw it, and makes it the state. False if there
 * is none this side of the host; then the state stays. */
bool dv_interp_unwind(Interp *vm);
/* Notes where and why a run stopped. */
void dv_interp_note_stop(Interp *vm, u32 code);
/* The function of the module that holds this place; UINT32_MAX if none does. */
u32 dv_interp_find_func(const PulleyModule *module, const u8 *pc);

/* ---- memory.c ---- */

/* Operations on ranges, by the instance's numbers of memories, tables and segments (`numbers`: target and source); they give
 * INTERP_GO_ON or a trap. Indices and lengths are as wide as they have to be. */
u32 dv_instance_memory_fill(InterpInstance *instance, u32 number, u64 to, u32 byte, u64 count);
u32 dv_instance_memory_copy(InterpInstance *instance, const u32 *numbers, u64 to, u64 from,
                            u64 count);
u32 dv_instance_memory_init(InterpInstance *instance, const u32 *numbers, u64 to, u32 from,
                            u32 count);
/* As above; in table.c. */
u32 dv_instance_table_fill(InterpInstance *instance, u32 number, u64 at, u32 handle, u64 count);
u32 dv_instance_table_copy(InterpInstance *instance, const u32 *numbers, u64 to, u64 from,
                           u64 count);
u32 dv_instance_table_init(InterpInstance *instance, const u32 *numbers, u64 to, u32 from,
                           u32 count);
/* Elements before, or UINT64_MAX if it cannot grow so far. */
u64 dv_instance_table_grow(InterpTable *table, u32 handle, u64 delta);
/* Where `size` bytes at index + offset of memory m are; the index is read as wide as the memory says. NULL if
 * they are not all there. */
u8 *dv_interp_heap(Interp *vm, i64 m, u64 index, u64 offset, u32 size);

/* ---- calls.c ---- */

u32 dv_interp_call_helper(u32 helper, u64 *slots);
/* The address of a function's InterpFunc, 0 if there is no memory for it. */
u64 dv_interp_func_address(const Interp *vm, u32 entity);
/* There must be room. */
void dv_interp_push_special(Interp *vm, const InterpSpecial *special);

#define SLOW_OP(name) u32 dv_slow_##name(Interp *vm, const u8 *pc, u64 *fp, u32 size)

SLOW_OP(call_import);
SLOW_OP(call_table);
SLOW_OP(call_table_far);
SLOW_OP(call_ref);
SLOW_OP(call_indirect);
SLOW_OP(return_call_import);
SLOW_OP(return_call_table);
SLOW_OP(return_call_ref);
SLOW_OP(return_call_indirect);
SLOW_OP(args_block); /* with the call that follows */
SLOW_OP(enter_block);
SLOW_OP(debugtrap);

SLOW_OP(throw);
SLOW_OP(throw_in);
SLOW_OP(throw_ref);

SLOW_OP(memory_size);
SLOW_OP(memory_grow);
SLOW_OP(memory_fill);
SLOW_OP(memory_copy);
SLOW_OP(memory_init);
SLOW_OP(data_drop);

SLOW_OP(table_get);
SLOW_OP(table_set);
SLOW_OP(table_size);
SLOW_OP(table_grow);
SLOW_OP(table_fill);
SLOW_OP(table_copy);
SLOW_OP(table_init);
SLOW_OP(elem_drop);
SLOW_OP(ref_func);

SLOW_OP(heap_atomic_load);
SLOW_OP(heap_atomic_store);
SLOW_OP(heap_atomic_rmw);
SLOW_OP(heap_atomic_cas);
SLOW_OP(heap_wait);
SLOW_OP(heap_notify);
SLOW_OP(fence);
SLOW_OP(raw_atomic_load);
SLOW_OP(raw_atomic_store);
SLOW_OP(raw_atomic_rmw);
SLOW_OP(raw_atomic_rmw_swapped);
SLOW_OP(raw_atomic_cas);
SLOW_OP(raw_atomic_load128);
SLOW_OP(raw_atomic_store128);
SLOW_OP(raw_atomic_rmw128);
SLOW_OP(raw_atomic_rmw128_swapped);
SLOW_OP(raw_atomic_cas128);

#endif
