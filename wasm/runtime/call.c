/* call.c - calls between host and guest, both ways.
 *
 * A value is a slot; one of 128 bits is two, the low half first. The interpreter takes arguments and leaves results in
 * a row of slots, so that a call from here turns values into slots, runs, and turns slots into values, all in C stack for
 * calls of a usual size. A function of the host is called with the guest's slots: its values are made of those, and its
 * results replace them; slots beyond the first 48 lie in blocks of their own there.
 *
 * What a host function gives to end its caller's run is kept as pending until the outermost call from the host in which it
 * happened has returned, which takes it.
 */
#include "wasm/runtime/internal.h"

enum { FEW_SLOTS = 16, FEW_VALUES = 16 };

/* ---- values and slots ---- */

static RtVal val_of(ValKind kind, const u64 *slot)
{
    return (RtVal){kind == VAL_32 ? (u32)*slot : *slot, 0};
}

/* A list of values from a row of slots, the first 48 at `near`, the others at `far`. */
static void read_slots(RtVal *values, const u8 *kinds, u32 count, const u64 *near, const u64 *far)
{
    u32 slot = 0;
    for (u32 i = 0; i < count; i++, slot++) {
        const u64 *at = slot < PULLEY_ARGS_MAX ? &near[slot] : &far[slot - PULLEY_ARGS_MAX];
        values[i] = val_of((ValKind)kinds[i], at);
        if (kinds[i] == VAL_128) {
            slot++;
            values[i].hi = slot < PULLEY_ARGS_MAX ? near[slot] : far[slot - PULLEY_ARGS_MAX];
        }
    }
}

static void write_slots(u64 *near, u64 *far, const RtVal *values, const u8 *kinds, u32 count)
{
    u32 slot = 0;
    for (u32 i = 0; i < count; i++) {
        u64 halves[2] = {values[i].lo, values[i].hi};
        u32 needed = kinds[i] == VAL_128 ? 2 : 1;
        for (u32 k = 0; k < needed; k++, slot++) {
            *(slot < PULLEY_ARGS_MAX ? &near[slot] : &far[slot - PULLEY_ARGS_MAX]) = halves[k];
        }
    }
}

static u32 most_slots(const RtType *type)
{
    return type->arg_slots > type->result_slots ? type->arg_slots : type->result_slots;
}

/* Of a row with room for all of the type's: the slots beyond the first 48. */
static u64 *far_of(const RtType *type, u64 *slots)
{
    return most_slots(type) > PULLEY_ARGS_MAX ? slots + PULLEY_ARGS_MAX : NULL;
}

static void take_results(RtStore *store, const RtType *type, u64 *slots, RtVal *results)
{
    u32 count = type->type.num_results;
    const u8 *kinds = type->kinds + type->type.num_params;
    read_slots(results, kinds, count, slots, far_of(type, slots));
    store->epoch++;
    for (u32 i = 0; type->gives_refs && i < count; i++) {
        if (vt_is_ref(type->type.results[i])) {
            dv_rt_ref_touch(store, (u32)results[i].lo);
        }
    }
}

/* ---- from the host ---- */

typedef InterpOutcome Caller(Interp *vm, RtFunc *func, u64 *slots);

/* The outcome, with the results if it returned. `slots` has room. */
static InterpOutcome call_with(RtStore *store, RtFunc *func, Caller *caller, const RtVal *args,
                               RtVal *results, u64 *slots)
{
    const RtType *type = type_row(store, func->type_id);
    RtActivation activation = {store->activations, slots, type->arg_slots};
    write_slots(slots, far_of(type, slots), args, type->kinds, type->type.num_params);
    store->activations = &activation;
    store->epoch++;
    InterpOutcome outcome = caller(store->vm, func, slots);
    store->activations = activation.outer;
    if (outcome == INTERP_RETURNED) {
        take_results(store, type, slots, results);
    }
    return outcome;
}

/* With memory for the slots if there are many. */
static InterpOutcome call_in_slots(RtStore *store, RtFunc *func, Caller *caller, const RtVal *args,
                                   RtVal *results)
{
    u64 few[FEW_SLOTS];
    const davit_allocator_t *allocator = &store->config.allocator;
    u32 count = most_slots(type_row(store, func->type_id));
    if (count <= FEW_SLOTS) {
        return call_with(store, func, caller, args, results, few);
    }
    u64 *slots = dv_rt_alloc(allocator, count * sizeof *slots);
    if (slots == NULL) {
        store->pending = dv_rt_trap_memory();
        return INTERP_FAILED;
    }
    InterpOutcome outcome = call_with(store, func, caller, args, results, slots);
    dv_rt_free(allocator, slots, count * sizeof *slots);
    return outcome;
}

RtTrap *dv_rt_call(RtStore *store, RtFunc *func, const RtVal *args, RtVal *results)
{
    InterpOutcome outcome = call_in_slots(store, func, dv_interp_call, args, results);
    return DV_LIKELY(outcome == INTERP_RETURNED) ? NULL : dv_rt_trap_take(store, outcome);
}

/* ---- calls that may be suspended ---- */

static RtOutcome outcome_of(RtStore *store, InterpOutcome outcome, RtTrap **trap)
{
    *trap = NULL;
    switch (outcome) {
    case INTERP_RETURNED:
        return RT_RETURNED;
    case INTERP_SUSPENDED:
        return RT_SUSPENDED;
    default:
        *trap = dv_rt_trap_take(store, outcome);
        return RT_TRAPPED;
    }
}

RtOutcome dv_rt_call_resumable(RtStore *store, RtFunc *func, const RtVal *args, RtVal *results,
                               RtTrap **trap)
{
    InterpOutcome outcome = call_in_slots(store, func, dv_interp_call_resumable, args, results);
    if (outcome == INTERP_SUSPENDED) {
        store->suspended = func;
        store->epoch++;
    }
    return outcome_of(store, outcome, trap);
}

RtOutcome dv_rt_resume(RtStore *store, const RtVal *values, RtVal *results, RtTrap **trap)
{
    Interp *vm = store->vm;
    const RtType *type = type_row(store, store->suspended->type_id);
    const davit_allocator_t *allocator = &store->config.allocator;
    const RtHostRecord *host = store->suspended_host;
    u64 few[FEW_SLOTS];
    u32 count = most_slots(type);
    u64 *slots = count <= FEW_SLOTS ? few : dv_rt_alloc(allocator, count * sizeof *slots);
    if (slots == NULL) {
        *trap = dv_rt_trap_memory();
        dv_rt_abandon(store);
        return RT_TRAPPED;
    }
    if (host != NULL && dv_interp_host_slots(vm) != NULL) {
        write_slots(dv_interp_host_slots(vm), dv_interp_extra_results(vm), values,
                    host->type->kinds + host->type->type.num_params, host->type->type.num_results);
    }
    store->suspended_host = NULL;
    store->epoch++;
    InterpOutcome outcome = dv_interp_resume(vm, INTERP_GO_ON, slots);
    if (outcome == INTERP_RETURNED) {
        take_results(store, type, slots, results);
    }
    if (slots != few) {
        dv_rt_free(allocator, slots, count * sizeof *slots);
    }
    return outcome_of(store, outcome, trap);
}

void dv_rt_abandon(RtStore *store)
{
    store->suspended_host = NULL;
    dv_interp_abandon(store->vm);
}

RtTrap *dv_rt_suspend(RtStore *store)
{
    return dv_interp_can_suspend(store->vm) ? (RtTrap *)(uintptr_t)&dv_rt_suspend_mark : NULL;
}

/* ---- to the host ---- */

/* Runs the function with its values, of which there is room for all. */
static u32 run_with(const RtHostRecord *record, Interp *vm, u64 *slots, RtVal *values)
{
    RtStore *store = record->store;
    const RtType *type = record->type;
    u32 num_params = type->type.num_params;
    u32 num_results = type->type.num_results;
    RtVal *results = values + num_params;
    read_slots(values, type->kinds, num_params, slots, dv_interp_extra_args(vm));
    memset(results, 0, num_results * sizeof *results);
    /* Read now: a call that it makes replaces them. */
    u64 *far = dv_interp_extra_results(vm);
    store->epoch++;
    RtTrap *trap = record->host.fn(record->host.context, store, values, results);
    store->epoch++;
    if (DV_LIKELY(trap == NULL)) {
        write_slots(slots, far, results, type->kinds + num_params, num_results);
        return INTERP_GO_ON;
    }
    if (trap == &dv_rt_suspend_mark) {
        store->suspended_host = record;
        return INTERP_SUSPEND;
    }
    store->pending = trap;
    return RT_HOST_TRAP;
}

u32 dv_rt_run_host(void *context, Interp *vm, u64 *slots)
{
    const RtHostRecord *record = context;
    RtVal few[FEW_VALUES];
    const davit_allocator_t *allocator = &record->store->config.allocator;
    usize count = (usize)record->type->type.num_params + record->type->type.num_results;
    if (count <= FEW_VALUES) {
        return run_with(record, vm, slots, few);
    }
    RtVal *values = dv_rt_alloc(allocator, count * sizeof *values);
    if (values == NULL) {
        return INTERP_NO_MEMORY;
    }
    u32 status = run_with(record, vm, slots, values);
    dv_rt_free(allocator, values, count * sizeof *values);
    return status;
}

RtFunc *dv_rt_func_new(RtStore *store, u32 type_id, const RtHostFunc *host, RtError *error)
{
    const RtType *type = type_row(store, type_id);
    const PulleyType slots = {type->arg_slots, type->result_slots};
    RtHostRecord *record = dv_rt_make(store, sizeof *record);
    RtFunc *func = record == NULL
                       ? NULL
                       : dv_interp_host_func(store->vm, dv_rt_run_host, record, slots, type_id);
    if (func == NULL) {
        dv_rt_no_memory(error);
        return NULL;
    }
    *record =
        (RtHostRecord){.next = store->host_funcs, .host = *host, .store = store, .type = type};
    store->host_funcs = record;
    return func;
}

RtInstance *dv_rt_caller(RtStore *store)
{
    const InterpInstance *instance = dv_interp_instance(store->vm);
    return instance == NULL ? NULL : instance->host;
}
