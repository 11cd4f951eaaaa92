/* interp.c - the life of an Interp, calls from the host, and what happens when a dispatch loop leaves.
 *
 * A call from the host pushes a special that gives back to it and runs the loop; so does a call from within a
 * host function, on top of what the stacks hold then. What the outer run needs is kept in the C frame of the
 * inner call and put back after it. A suspended call has no C frame: its state stays in the Interp, and other
 * calls run on top of it as they do for a host function.
 */
#include "interp/engine.h"

#include <stdlib.h>

/* ---- memory ---- */

void *dv_interp_alloc(Interp *vm, usize size_bytes)
{
    const davit_allocator_t *allocator = &vm->config.allocator;
    if (allocator->alloc == NULL) {
        return calloc(1, size_bytes);
    }
    void *memory = allocator->alloc(allocator->context, size_bytes);
    if (memory != NULL) {
        memset(memory, 0, size_bytes);
    }
    return memory;
}

void dv_interp_release(Interp *vm, void *memory, usize size_bytes)
{
    const davit_allocator_t *allocator = &vm->config.allocator;
    if (memory == NULL) {
        return;
    }
    if (allocator->alloc == NULL) {
        free(memory);
    } else {
        allocator->free(allocator->context, memory, size_bytes);
    }
}

void *dv_interp_grow(Interp *vm, void *old, usize old_bytes, usize new_bytes)
{
    void *new = dv_interp_alloc(vm, new_bytes);
    if (new != NULL && old != NULL) {
        memcpy(new, old, old_bytes);
        dv_interp_release(vm, old, old_bytes);
    }
    return new;
}

/* ---- life ---- */

enum {
    STACK_BYTES = 1 << 20,
    STACK_BYTES_MIN = 3 * RED_ZONE_BYTES,
    NESTING_MAX = 100,
    EXCEPTIONS_MAX = 100000,
    FUNCS_MAX = 10000000,
    HANDLES_MAX = 1 << 30 /* of a kind, whatever the configuration says */
};

bool dv_interp_has_form(InterpForm form)
{
    switch (form) {
    case INTERP_BEST:
    case INTERP_SWITCH:
    case INTERP_PROFILE:
        return true;
    case INTERP_GOTO:
        return DV_HAS_COMPUTED_GOTO != 0;
    case INTERP_TAIL:
        return DV_HAS_MUSTTAIL != 0;
    }
    return false;
}

InterpForm dv_interp_form(const Interp *vm)
{
    return (InterpForm)vm->config.form;
}

static u32 or_default(u32 x, u32 standard)
{
    return x == 0 ? standard : x;
}

static u32 at_most(u32 x, u32 limit)
{
    return x < limit ? x : limit;
}

static void complete_config(InterpConfig *config)
{
    config->stack_bytes = or_default(config->stack_bytes, STACK_BYTES);
    config->native_stack_bytes = or_default(config->native_stack_bytes, STACK_BYTES);
    if (config->stack_bytes < STACK_BYTES_MIN) {
        config->stack_bytes = STACK_BYTES_MIN;
    }
    config->stack_bytes &= ~(u32)15;
    config->max_nesting = or_default(config->max_nesting, NESTING_MAX);
    config->max_exceptions = or_default(config->max_exceptions, EXCEPTIONS_MAX);
    config->max_funcs = or_default(config->max_funcs, FUNCS_MAX);
    config->max_exceptions = at_most(config->max_exceptions, HANDLES_MAX);
    config->max_funcs = at_most(config->max_funcs, HANDLES_MAX);
    if (config->form == INTERP_BEST || config->form > INTERP_PROFILE ||
        !dv_interp_has_form((InterpForm)config->form)) {
        config->form = DV_HAS_MUSTTAIL        ? INTERP_TAIL
                       : DV_HAS_COMPUTED_GOTO ? INTERP_GOTO
                                              : INTERP_SWITCH;
    }
}

/* One word each: the opcode, and zeros. */
_Static_assert(PULLEY_exit == PULLEY_PAGE0 && PULLEY_ret < PULLEY_ESCAPE, "both are on page 0");
_Alignas(4) const u8 dv_interp_exit_code[4] = {PULLEY_exit, 0, 0, 0};
_Alignas(4) const u8 dv_interp_ret_code[4] = {PULLEY_ret, 0, 0, 0};

Interp *dv_interp_new(const InterpConfig *config)
{
    Interp boot = {.config = *config}; /* has the allocator, until there is the real one */
    Interp *vm = dv_interp_alloc(&boot, sizeof *vm);
    if (vm == NULL) {
        return NULL;
    }
    vm->config = *config;
    complete_config(&vm->config);
    atomic_init(&vm->poll, 0);
    vm->fuel = UINT64_MAX;
    vm->null_func.type_id = vm->no_func.type_id = vm->no_func.handle = NO_TYPE;
    vm->no_funcs[0] = &vm->null_func;
    vm->funcs = vm->no_funcs;
    vm->num_funcs = 1;
    vm->exception_hint = 1; /* 0 is null */
    vm->stack_bytes = (usize)vm->config.stack_bytes + 16;
    vm->stack = dv_interp_alloc(vm, vm->stack_bytes);
    bool ok = vm->stack != NULL;
    if (ok && vm->config.form == INTERP_PROFILE) {
        vm->profile = dv_interp_alloc(vm, sizeof *vm->profile);
        ok = vm->profile != NULL;
    }
    if (!ok) {
        dv_interp_free(vm);
        return NULL;
    }
    vm->stack_start = vm->stack + (16 - ((uintptr_t)vm->stack & 15)) / 8 % 2;
    vm->stack_end = (InterpRecord *)(void *)(vm->stack_start + vm->config.stack_bytes / 8);
    vm->control = vm->stack_end;
    vm->fp = vm->stack_start;
    vm->touched = vm->stack_start;
    vm->free_slots = vm->stack_start;
    vm->pc = dv_interp_exit_code;
    return vm;
}

void dv_interp_free(Interp *vm)
{
    if (vm == NULL) {
        return;
    }
    while (vm->instances != NULL) {
        InterpInstance *instance = vm->instances;
        vm->instances = instance->next;
        dv_interp_release(vm, instance, instance->size_bytes);
    }
    while (vm->chunks != NULL) {
        InterpFuncChunk *chunk = vm->chunks;
        vm->chunks = chunk->next;
        dv_interp_release(vm, chunk, sizeof *chunk);
    }
    if (vm->funcs != vm->no_funcs) {
        dv_interp_release(vm, vm->funcs, ((usize)vm->func_mask + 1) * sizeof vm->funcs[0]);
    }
    for (u32 i = 1; i < vm->exception_cap; i++) {
        if (vm->exceptions[i] != NULL) {
            dv_interp_drop_exception(vm, i);
        }
    }
    dv_interp_release(vm, vm->exceptions, vm->exception_cap * sizeof vm->exceptions[0]);
    dv_interp_release(vm, vm->adapters, vm->adapter_cap * sizeof vm->adapters[0]);
    dv_interp_release(vm, vm->profile, sizeof *vm->profile);
    dv_interp_release(vm, vm->stack, vm->stack_bytes);
    dv_interp_release(vm, vm, sizeof *vm);
}

void *dv_interp_context(const Interp *vm)
{
    return vm->config.context;
}

/* ---- simple access ---- */

const InterpProfile *dv_interp_profile(const Interp *vm)
{
    return vm->profile;
}

void dv_interp_interrupt(Interp *vm)
{
    atomic_fetch_or(&vm->poll, INTERP_POLL_INTERRUPT);
}

bool dv_interp_is_interrupted(const Interp *vm)
{
    return (atomic_load(&vm->poll) & INTERP_POLL_INTERRUPT) != 0;
}

void dv_interp_request_suspend(Interp *vm)
{
    atomic_fetch_or(&vm->poll, INTERP_POLL_SUSPEND);
}

void dv_interp_notify(Interp *vm)
{
    atomic_fetch_or(&vm->poll, INTERP_POLL_NOTIFY);
}

void dv_interp_clear_interrupt(Interp *vm)
{
    atomic_fetch_and(&vm->poll, ~(unsigned)INTERP_POLL_INTERRUPT);
}

void dv_interp_set_fuel(Interp *vm, u64 fuel)
{
    vm->fuel = fuel;
}

u64 dv_interp_fuel(const Interp *vm)
{
    return vm->fuel;
}

void dv_interp_set_adapt(Interp *vm, void (*adapt)(Interp *vm, InterpFunc *func))
{
    vm->adapt = adapt;
}

bool dv_interp_has_native(const Interp *vm)
{
    return vm->natives != NULL;
}

void dv_interp_begin_native(Interp *vm, InterpNative *native)
{
    native->outer = vm->natives;
    native->control = vm->control;
    native->is_resumable = vm->is_resumable;
    vm->natives = native;
    vm->is_resumable = false;
}

void dv_interp_end_native(Interp *vm, InterpNative *native)
{
    vm->natives = native->outer;
    vm->is_resumable = native->is_resumable;
}

void dv_interp_set_pinned(Interp *vm, u64 value)
{
    vm->pinned = value;
}

u64 dv_interp_pinned(const Interp *vm)
{
    return vm->pinned;
}

InterpInstance *dv_interp_instance(const Interp *vm)
{
    return vm->instance;
}

bool dv_interp_is_suspended(const Interp *vm)
{
    return vm->suspended != NULL;
}

bool dv_interp_can_suspend(const Interp *vm)
{
    return vm->is_resumable && vm->nesting == 1;
}

u64 *dv_interp_host_slots(const Interp *vm)
{
    return vm->host_slots;
}

const u64 *dv_interp_extra_args(const Interp *vm)
{
    return vm->host_args;
}

u64 *dv_interp_extra_results(const Interp *vm)
{
    return vm->host_results;
}

/* ---- the pinned context ---- */

void dv_interp_refresh(Interp *vm)
{
    const InterpInstance *instance = vm->instance;
    vm->mem = NULL;
    vm->len = 0;
    if (instance != NULL && instance->module->memories.len != 0) {
        InterpMemory *memory = instance->memories[0];
        vm->len = atomic_load_explicit(&memory->length_bytes, memory_order_acquire);
        vm->mem = memory->base;
    }
}

void dv_interp_switch(Interp *vm, InterpInstance *instance)
{
    vm->instance = instance;
    if (instance != NULL) {
        vm->entries = instance->entries;
        vm->globals = instance->globals;
    }
    dv_interp_refresh(vm);
}

/* ---- slots that may be seen ---- */

enum { SPARE_BYTES = 4096 }; /* by which `touched` goes further than it has to */

bool dv_interp_make_room(Interp *vm, u64 *fp, usize slots, usize record_bytes)
{
    usize room = room_above(vm, fp);
    usize needed = slots * sizeof *fp + RED_ZONE_BYTES;
    if (room < needed || room - needed < record_bytes) {
        return false;
    }
    u64 *least = fp + needed / sizeof *fp;
    usize free_bytes = room - needed - record_bytes;
    usize spare_slots = (free_bytes < SPARE_BYTES ? free_bytes : SPARE_BYTES) / sizeof *fp;
    u64 *most = least + free_bytes / sizeof *fp;
    if (vm->touched < least) {
        u64 *end = least + spare_slots;
        memset(vm->touched, 0, (usize)(end - vm->touched) * sizeof *end);
        vm->touched = end;
    } else if (vm->touched > most) {
        vm->touched = most - spare_slots;
    }
    return true;
}

void dv_interp_clean_window(Interp *vm, u64 *fp, u32 used, u32 window)
{
    memset(fp + used, 0, (usize)(window - used) * sizeof *fp);
    vm->touched = fp + window;
}

void dv_interp_scrub_host(const InterpFunc *callee, u64 *slots)
{
    for (u32 i = callee->results; i < callee->args && i < PULLEY_ARGS_MAX; i++) {
        slots[i] = 0;
    }
}

/* Does what the call or enter at vm->pc found that it needs. */
static u32 deepen(Interp *vm)
{
    const PulleyModule *module = vm->instance->module;
    usize offset = (usize)(vm->pc - module->code);
    usize slots = 0;
    usize record_bytes = 0;
    PulleyInst inst;
    bool is_known = dv_pulley_decode(vm->pc, module->code_size_bytes - offset, module->big, &inst);
    CHECK(is_known);
    switch (inst.op) {
    case PULLEY_call:
    case PULLEY_call_number:
    case PULLEY_call_far:
    case PULLEY_call_table:
    case PULLEY_call_ref:
        slots = (usize)inst.fields[0];
        record_bytes = sizeof(InterpRecord);
        break;
    case PULLEY_enter:
    case PULLEY_enter_block:
        slots = (usize)inst.fields[1];
        break;
    default:
        ASSERT(inst.op == PULLEY_return_call);
        break;
    }
    bool ok = dv_interp_make_room(vm, vm->fp, slots, record_bytes);
    return ok ? (u32)INTERP_GO_ON : (u32)PULLEY_TRAP_stk_ovf;
}

/* ---- leaving the loop ---- */

static bool stop(Interp *vm, InterpOutcome outcome, u32 code)
{
    vm->outcome = outcome;
    if (outcome != INTERP_RETURNED && outcome != INTERP_SUSPENDED) {
        dv_interp_note_stop(vm, code);
    }
    return true;
}

/* Takes the special that the return went through off the stack. True if it gives back to the host. */
static bool pop_special(Interp *vm)
{
    InterpSpecial special;
    void *top = vm->control - 1; /* its link has been popped */
    memcpy(&special, top, sizeof special);
    vm->control = (InterpRecord *)(void *)((InterpSpecial *)top + 1);
    if (special.is_host != 0) {
        vm->result_slots = special.link.fp;
        vm->result_block = special.results;
        return true;
    }
    if (special.restore != NULL) {
        u64 *from = special.link.fp + special.scrub_from;
        memset(from, 0, (usize)(special.touched - from) * sizeof *from);
        vm->touched = special.touched;
        dv_interp_switch(vm, special.restore);
    }
    vm->pc = vm->control->pc;
    vm->fp = vm->control->fp;
    vm->control++;
    return false;
}

u32 dv_interp_answer_poll(Interp *vm)
{
    u32 bits = atomic_exchange(&vm->poll, 0);
    u32 status = INTERP_GO_ON;
    if (bits == 0) {
        return status;
    }
    vm->host_slots = NULL;
    vm->free_slots = vm->fp + PULLEY_WINDOW_SLOTS;
    if (vm->config.on_poll != NULL) {
        status = vm->config.on_poll(vm->config.context, vm, bits);
    } else if ((bits & INTERP_POLL_INTERRUPT) != 0) {
        status = PULLEY_TRAP_interrupt;
    } else if ((bits & INTERP_POLL_SUSPEND) != 0) {
        status = INTERP_SUSPEND;
    }
    dv_interp_refresh(vm);
    return status;
}

/* True if an access may only have failed because a shared memory has grown since. */
static bool has_grown(Interp *vm)
{
    usize before = vm->len;
    const InterpInstance *instance = vm->instance;
    if (instance->module->memories.len == 0 || !instance->memories[0]->shared) {
        return false;
    }
    dv_interp_refresh(vm);
    return vm->len > before;
}

u32 dv_interp_answer_fuel(Interp *vm)
{
    u32 status = PULLEY_TRAP_out_of_fuel;
    if (vm->config.on_fuel != NULL) {
        vm->host_slots = NULL;
        vm->free_slots = vm->fp + PULLEY_WINDOW_SLOTS;
        status = vm->config.on_fuel(vm->config.context, vm);
        dv_interp_refresh(vm);
    }
    return status;
}

bool dv_interp_leave(Interp *vm)
{
    u32 status = vm->status;
    if (status == INTERP_POLL) {
        status = dv_interp_answer_poll(vm);
    } else if (status == INTERP_OUT_OF_FUEL) {
        vm->again = vm->pc;
        status = dv_interp_answer_fuel(vm);
    } else if (status == INTERP_DEEPER) {
        vm->again = vm->pc;
        status = deepen(vm);
    } else if (status == INTERP_EXIT) {
        return pop_special(vm) && stop(vm, INTERP_RETURNED, 0);
    }
    switch (status) {
    case INTERP_GO_ON:
        return false;
    case INTERP_SUSPEND:
        return dv_interp_can_suspend(vm) && stop(vm, INTERP_SUSPENDED, 0);
    case INTERP_THROW:
        return !dv_interp_unwind(vm) && stop(vm, INTERP_THREW, PULLEY_TRAP_exception);
    case INTERP_NO_MEMORY:
        return stop(vm, INTERP_FAILED, 0);
    case PULLEY_TRAP_heap_oob:
        return !has_grown(vm) && stop(vm, INTERP_TRAPPED, status);
    default:
        return stop(vm, INTERP_TRAPPED, status);
    }
}

/* ---- calls from the host ---- */

/* What a call made on top of another one puts back. */
typedef struct Outer {
    const u8 *pc;
    u64 *fp;
    InterpRecord *control;
    InterpInstance *instance;
    u64 acc;
    u64 facc;
    u64 *touched;
    u64 *args_block;
    u64 *free_slots;
    u64 *host_slots;
    const InterpFunc *host_func;
    const u64 *host_args;
    u64 *host_results;
    bool is_resumable;
} Outer;

static Outer save_outer(const Interp *vm)
{
    return (Outer){
        .pc = vm->pc,
        .fp = vm->fp,
        .control = vm->control,
        .instance = vm->instance,
        .acc = vm->acc,
        .facc = vm->facc,
        .touched = vm->touched,
        .args_block = vm->args_block,
        .free_slots = vm->free_slots,
        .host_slots = vm->host_slots,
        .host_func = vm->host_func,
        .host_args = vm->host_args,
        .host_results = vm->host_results,
        .is_resumable = vm->is_resumable,
    };
}

static void put_outer_back(Interp *vm, const Outer *outer)
{
    vm->pc = outer->pc;
    vm->fp = outer->fp;
    vm->control = outer->control;
    vm->acc = outer->acc;
    vm->facc = outer->facc;
    /* What ran in between has used the slots that are free to it. */
    vm->touched = outer->touched < outer->free_slots ? outer->touched : outer->free_slots;
    vm->args_block = outer->args_block;
    vm->free_slots = outer->free_slots;
    vm->host_slots = outer->host_slots;
    vm->host_func = outer->host_func;
    vm->host_args = outer->host_args;
    vm->host_results = outer->host_results;
    vm->is_resumable = outer->is_resumable;
    dv_interp_switch(vm, outer->instance);
}

static u32 beyond_window(u32 slots)
{
    return slots > PULLEY_ARGS_MAX ? slots - PULLEY_ARGS_MAX : 0;
}

static u32 in_window(u32 slots)
{
    return at_most(slots, PULLEY_ARGS_MAX);
}

static void run(Interp *vm)
{
    switch (vm->config.form) {
#if DV_HAS_MUSTTAIL
    case INTERP_TAIL:
        dv_interp_run_tail(vm);
        break;
#endif
#if DV_HAS_COMPUTED_GOTO
    case INTERP_GOTO:
        dv_interp_run_goto(vm);
        break;
#endif
    case INTERP_PROFILE:
        dv_interp_run_profile(vm);
        break;
    default:
        dv_interp_run_switch(vm);
        break;
    }
}

/* Makes the state that of a function about to start, called from the host. False if there is no room. */
static bool enter_func(Interp *vm, const InterpFunc *func, const u64 *slots)
{
    const PulleyFunc *callee = &func->instance->module->funcs.data[func->func];
    u32 args = in_window(func->args);
    u32 most = func->args > func->results ? func->args : func->results;
    usize block_slots = ((usize)beyond_window(most) + 1) / 2 * 2;
    u64 *block = vm->free_slots;
    if (room_above(vm, block) < block_slots * 8 + sizeof(InterpSpecial) + RED_ZONE_BYTES) {
        return false;
    }
    u64 *fp = block + block_slots;
    if (block_slots != 0) {
        memcpy(block, slots + PULLEY_ARGS_MAX, beyond_window(func->args) * sizeof *block);
    }
    if (args != 0) {
        memcpy(fp, slots, args * sizeof *fp);
    }
    dv_interp_clean_window(vm, fp, args, callee->window);
    InterpSpecial special = {.link = {dv_interp_exit_code, fp},
                             .restore = vm->instance,
                             .results = block,
                             .is_host = 1,
                             .caller = vm->pc};
    dv_interp_push_special(vm, &special);
    dv_interp_switch(vm, func->instance);
    vm->args_block = block;
    vm->fp = fp;
    vm->pc = vm->entries[func->func];
    return true;
}

static void take_results(const Interp *vm, const InterpFunc *func, u64 *slots)
{
    u32 count = in_window(func->results);
    if (count != 0) {
        memcpy(slots, vm->result_slots, count * sizeof *slots);
    }
    if (func->results > count) {
        memcpy(slots + count, vm->result_block, (func->results - count) * sizeof *slots);
    }
}

static InterpOutcome outcome_of_host(Interp *vm, u32 status)
{
    switch (status) {
    case INTERP_GO_ON:
    case INTERP_SUSPEND: /* cannot, so it goes on */
        return INTERP_RETURNED;
    case INTERP_THROW:
        (void)stop(vm, INTERP_THREW, PULLEY_TRAP_exception);
        return INTERP_THREW;
    case INTERP_NO_MEMORY:
        (void)stop(vm, INTERP_FAILED, 0);
        return INTERP_FAILED;
    default:
        (void)stop(vm, INTERP_TRAPPED, status);
        return INTERP_TRAPPED;
    }
}

/* Calls a function of the host as if from bytecode. */
static InterpOutcome call_host(Interp *vm, const InterpFunc *func, u64 *slots)
{
    vm->is_resumable = false;
    vm->host_slots = slots;
    vm->host_args = slots + in_window(func->args);
    vm->host_results = slots + in_window(func->results);
    return outcome_of_host(vm, func->host(func->context, vm, slots));
}

static InterpOutcome call(Interp *vm, InterpFunc *func, u64 *slots, bool is_resumable)
{
    Outer outer = save_outer(vm);
    if (vm->nesting == 0) {
        dv_interp_drop_frames(vm);
    }
    if (vm->nesting >= vm->config.max_nesting) {
        (void)stop(vm, INTERP_TRAPPED, PULLEY_TRAP_stk_ovf);
        return INTERP_TRAPPED;
    }
    InterpOutcome outcome;
    if (func->instance == NULL) {
        vm->nesting++;
        outcome = call_host(vm, func, slots);
    } else if (!enter_func(vm, func, slots)) {
        (void)stop(vm, INTERP_TRAPPED, PULLEY_TRAP_stk_ovf);
        return INTERP_TRAPPED;
    } else {
        vm->nesting++;
        vm->is_resumable = is_resumable && vm->nesting == 1;
        run(vm);
        outcome = (InterpOutcome)vm->outcome;
        if (outcome == INTERP_SUSPENDED) {
            vm->suspended = func;
            return outcome; /* the state stays */
        }
        if (outcome == INTERP_RETURNED) {
            take_results(vm, func, slots);
        }
    }
    vm->nesting--;
    put_outer_back(vm, &outer);
    return outcome;
}

InterpOutcome dv_interp_call(Interp *vm, InterpFunc *func, u64 *slots)
{
    return call(vm, func, slots, false);
}

InterpOutcome dv_interp_call_resumable(Interp *vm, InterpFunc *func, u64 *slots)
{
    return call(vm, func, slots, true);
}

static void forget_run(Interp *vm)
{
    vm->suspended = NULL;
    vm->is_resumable = false;
    vm->nesting = 0;
    vm->control = vm->stack_end;
    vm->fp = vm->stack_start;
    vm->touched = vm->stack_start;
    vm->free_slots = vm->stack_start;
    vm->pc = dv_interp_exit_code;
    vm->host_slots = NULL;
    dv_interp_switch(vm, NULL);
}

InterpOutcome dv_interp_resume(Interp *vm, u32 status, u64 *slots)
{
    InterpFunc *func = vm->suspended;
    CHECK(func != NULL && vm->nesting == 1);
    vm->suspended = NULL;
    vm->is_resumable = true;
    if (vm->host_slots != NULL && status == INTERP_GO_ON) {
        dv_interp_scrub_host(vm->host_func, vm->host_slots);
    }
    if (status != INTERP_SUSPEND) {
        vm->host_slots = NULL;
    }
    dv_interp_refresh(vm);
    vm->status = status;
    if (status == INTERP_GO_ON || !dv_interp_leave(vm)) {
        run(vm);
    }
    InterpOutcome outcome = (InterpOutcome)vm->outcome;
    if (outcome == INTERP_SUSPENDED) {
        vm->suspended = func;
        return outcome;
    }
    if (outcome == INTERP_RETURNED) {
        take_results(vm, func, slots);
    }
    forget_run(vm);
    return outcome;
}

void dv_interp_abandon(Interp *vm)
{
    CHECK(vm->suspended != NULL && vm->nesting == 1);
    forget_run(vm);
}
