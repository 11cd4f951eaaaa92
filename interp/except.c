/* except.c - exceptions, and the walk over control records that unwinding and backtraces share.
 *
 * A walk goes from a place outwards: a record says where its function's caller goes on, a special which instance
 * that is in. What handles exceptions there stands in the module's list, sorted by the offset of the call;
 * the place is known as the one behind the call, so the call is the last one with handlers that begins
 * before, provided that it ends there. Unwinding looks first and changes the state only when it has found a
 * handler, so that an exception which nobody catches stops in the frame that threw it.
 */
#include "interp/engine.h"
#include "interp/fields.h"

u32 dv_interp_find_func(const PulleyModule *module, const u8 *pc)
{
    usize offset = (usize)((uintptr_t)pc - (uintptr_t)module->code);
    return offset < module->code_size_bytes ? dv_pulley_func_at(module, (i64)offset) : UINT32_MAX;
}

bool dv_interp_locate(const InterpInstance *instance, const u8 *pc, InterpFrame *at)
{
    u32 func = dv_interp_find_func(instance->module, pc);
    if (func == UINT32_MAX) {
        return false;
    }
    const PulleyModule *module = instance->module;
    u32 offset = (u32)(pc - module->code) - module->funcs.data[func].code;
    *at = (InterpFrame){
        .instance = (InterpInstance *)(uintptr_t)instance, .func = func, .offset = offset};
    return true;
}

/* ---- walking ---- */

typedef struct Walk {
    InterpInstance *instance;
    const u8 *pc; /* NULL: no function of a guest stands here */
    u64 *fp;
    const InterpRecord *control;
    const InterpRecord *end; /* of the stack */
    bool crosses;            /* an instance has been left */
} Walk;

/* Goes on to the caller. A special is a step of its own, with no place. False at the end; *is_host tells of a
 * special that gives back to the host. */
static bool walk_on(Walk *walk, bool *is_host)
{
    *is_host = false;
    if (walk->control == walk->end) {
        return false;
    }
    const InterpRecord *record = walk->control;
    if (record->pc != dv_interp_exit_code) {
        walk->pc = record->pc;
        walk->fp = record->fp;
        walk->control = record + 1;
        return true;
    }
    const InterpSpecial *special = (const void *)record;
    walk->control = (const void *)(special + 1);
    walk->pc = special->caller;
    *is_host = special->is_host != 0;
    if (special->restore != NULL) {
        walk->instance = special->restore;
        walk->crosses = true;
    }
    return true;
}

/* ---- backtraces ---- */

void dv_interp_note_stop(Interp *vm, u32 code)
{
    vm->stop_pc = vm->pc;
    vm->stop_control = vm->control;
    vm->stop_instance = vm->instance;
    vm->trap = (InterpTrap){.code = code, .instance = vm->instance, .func = UINT32_MAX};
    vm->trap.value = code == PULLEY_TRAP_null_elem ? vm->null_elem : 0;
    if (vm->instance != NULL) {
        const PulleyModule *module = vm->instance->module;
        u32 func = dv_interp_find_func(module, vm->pc);
        if (func != UINT32_MAX) {
            vm->trap.func = func;
            vm->trap.offset = (u32)(vm->pc - module->code) - module->funcs.data[func].code;
        }
    }
}

const InterpTrap *dv_interp_trap(const Interp *vm)
{
    return &vm->trap;
}

u32 dv_interp_backtrace(const Interp *vm, InterpFrame *frames, u32 capacity)
{
    return dv_interp_backtrace_from(vm, 0, frames, capacity);
}

/* Who sees frames, innermost first. */
typedef void See(void *sink, const InterpFrame *frame);

/* Shows native code that has records at `control` and beyond below it; gives what is left. */
static const InterpNative *see_natives(const InterpNative *native, const InterpRecord *control,
                                       See *see, void *sink)
{
    while (native != NULL && (const u8 *)native->control <= (const u8 *)control) {
        native->walk(native, see, sink);
        native = native->outer;
    }
    return native;
}

/* Shows the frames of the last stop that are there still, those of bytecode up to `end`. */
static void see_frames(const Interp *vm, const InterpRecord *end, See *see, void *sink)
{
    Walk walk = {.instance = vm->stop_instance,
                 .pc = vm->stop_pc,
                 .control = vm->stop_control,
                 .end = vm->stack_end};
    const InterpNative *native = vm->natives;
    bool is_host = false;
    bool is_return = false;
    do {
        if (end != NULL && (const u8 *)walk.control >= (const u8 *)end) {
            return;
        }
        native = end == NULL ? see_natives(native, walk.control, see, sink) : NULL;
        u32 func = walk.pc == NULL || walk.instance == NULL
                       ? UINT32_MAX
                       : dv_interp_find_func(walk.instance->module, walk.pc);
        if (func != UINT32_MAX) {
            const PulleyModule *module = walk.instance->module;
            u32 offset = (u32)(walk.pc - module->code) - module->funcs.data[func].code;
            const InterpFrame frame = {walk.instance, func, offset, is_return};
            see(sink, &frame);
        }
        is_return = true;
    } while (walk_on(&walk, &is_host));
}

typedef struct FrameSink {
    InterpFrame *frames;
    u32 skipped, capacity, count;
} FrameSink;

static void put_frame(void *context, const InterpFrame *frame)
{
    FrameSink *sink = context;
    u32 place = sink->count++ - sink->skipped;
    if (place < sink->capacity) { /* of those skipped it is huge */
        sink->frames[place] = *frame;
    }
}

static u32 trail_place(u32 number)
{
    return number < INTERP_TRAIL_INNER
               ? number
               : INTERP_TRAIL_INNER + (number - INTERP_TRAIL_INNER) % INTERP_TRAIL_OUTER;
}

u32 dv_interp_backtrace_from(const Interp *vm, u32 skipped, InterpFrame *frames, u32 capacity)
{
    FrameSink sink = {.frames = frames, .skipped = skipped, .capacity = capacity};
    if (vm->stop_control == NULL) {
        return 0;
    }
    for (u32 i = 0; i < vm->trail_count; i++) {
        put_frame(&sink, &vm->trail[trail_place(i)]); /* one of the middle is told as a later one */
    }
    see_frames(vm, NULL, put_frame, &sink);
    return sink.count < skipped ? 0 : sink.count - skipped;
}

static void keep_frame(void *context, const InterpFrame *frame)
{
    Interp *vm = context;
    vm->trail[trail_place(vm->trail_count)] = *frame;
    vm->trail_count++;
}

void dv_interp_keep_frames(Interp *vm, bool has_call)
{
    const InterpNative *native = vm->natives;
    if (has_call) {
        see_frames(vm, native->control, keep_frame, vm);
    }
    native->walk(native, keep_frame, vm);
}

void dv_interp_drop_frames(Interp *vm)
{
    vm->trail_count = 0;
}

/* ---- handlers ---- */

/* The index of the first handler of the call that ends at `behind` in the function; handler_count of none. */
static u32 find_handlers(const PulleyModule *module, const PulleyFunc *func, u32 behind)
{
    const PulleyHandler *handlers = module->handlers.data + func->first_handler;
    u32 low = 0;
    u32 high = func->handler_count;
    while (low < high) { /* the first that begins at or after the place */
        u32 middle = low + (high - low) / 2;
        if (handlers[middle].call < behind) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return func->handler_count;
    }
    u32 call = handlers[low - 1].call;
    PulleyInst inst;
    if (!dv_pulley_decode(module->code + func->code + call, func->size_bytes - call, module->big,
                          &inst) ||
        call + inst.size != behind) {
        return func->handler_count;
    }
    while (low > 0 && handlers[low - 1].call == call) {
        low--;
    }
    return low;
}

/* The handler of this frame that takes the exception, or NULL. */
static const PulleyHandler *find_handler(const Walk *walk, const InterpException *exception,
                                         const PulleyFunc **in)
{
    const PulleyModule *module = walk->instance->module;
    u32 number = walk->pc == NULL ? UINT32_MAX : dv_interp_find_func(module, walk->pc - 1);
    if (number == UINT32_MAX) {
        return NULL;
    }
    const PulleyFunc *func = &module->funcs.data[number];
    if (func->handler_count == 0) {
        return NULL;
    }
    u32 behind = (u32)(walk->pc - module->code) - func->code;
    u32 first = find_handlers(module, func, behind);
    const PulleyHandler *handler = module->handlers.data + func->first_handler + first;
    bool has_context = false;
    u64 context = 0;
    *in = func;
    for (u32 i = first; i < func->handler_count && handler->call < behind; i++, handler++) {
        switch (handler->kind) {
        case PULLEY_HANDLER_CONTEXT:
            has_context = true;
            context = walk->fp[handler->value];
            break;
        case PULLEY_HANDLER_TAG:
            if (walk->instance->tags[handler->value] == exception->tag &&
                (!has_context || context == exception->context)) {
                return handler;
            }
            break;
        default:
            return handler;
        }
        if (i + 1 < func->handler_count && handler[1].call != handler[0].call) {
            break;
        }
    }
    return NULL;
}

/* Goes on at the handler. `k`, where the payload arrives, is the first field of every call. */
static void enter_handler(Interp *vm, const Walk *walk, const PulleyFunc *func,
                          const PulleyHandler *handler)
{
    const PulleyModule *module = walk->instance->module;
    PulleyInst inst;
    bool is_known = dv_pulley_decode(module->code + func->code + handler->call,
                                     func->size_bytes - handler->call, module->big, &inst);
    CHECK(is_known);
    vm->control = (InterpRecord *)(uintptr_t)walk->control;
    vm->fp = walk->fp;
    u32 payload_end = (u32)inst.fields[0] + 2;
    vm->fp[payload_end - 2] = vm->thrown;
    vm->fp[payload_end - 1] = 0;
    if (walk->crosses) {
        dv_interp_clean_window(vm, vm->fp, payload_end, func->window);
    }
    dv_interp_switch(vm, walk->instance);
    vm->pc = module->code + func->code + handler->target;
}

bool dv_interp_unwind(Interp *vm)
{
    const InterpException *exception = dv_interp_exception_of(vm, vm->thrown);
    Walk walk = {.instance = vm->instance,
                 .pc = vm->pc,
                 .fp = vm->fp,
                 .control = vm->control,
                 .end = vm->stack_end};
    bool is_host = false;
    CHECK(exception != NULL);
    do {
        const PulleyFunc *func;
        const PulleyHandler *handler = find_handler(&walk, exception, &func);
        if (handler != NULL) {
            enter_handler(vm, &walk, func, handler);
            dv_interp_drop_frames(vm);
            return true;
        }
    } while (walk_on(&walk, &is_host) && !is_host);
    return false;
}

/* ---- exceptions ---- */

static usize exception_bytes(u32 count)
{
    return sizeof(InterpException) + (usize)count * 8;
}

/* ---- which exceptions can still be named ----
 *
 * Handles are numbers that nothing tells from others, so every 32 bits that could be a live handle keep its
 * exception: the slots in use, the C stack under native code, globals, tables, and what exceptions found so far carry. */

typedef struct Marker {
    Interp *vm;
    InterpException *found; /* whose payload has not been looked at, linked by next_found */
} Marker;

static void mark_handle(Marker *marker, u64 slot)
{
    InterpException *exception = dv_interp_exception_of(marker->vm, (u32)slot);
    if (exception != NULL && !exception->is_found) {
        exception->is_found = true;
        exception->next_found = marker->found;
        marker->found = exception;
    }
}

static void mark_slots(Marker *marker, const u64 *slots, usize count)
{
    for (usize i = 0; i < count; i++) {
        mark_handle(marker, slots[i]);
    }
}

/* Native code packs two into one. */
static void mark_words(void *context, const u64 *words, usize count)
{
    for (usize i = 0; i < count; i++) {
        mark_handle(context, words[i]);
        mark_handle(context, words[i] >> 32);
    }
}

/* An instance may still be being made: what is not filled in yet names nothing. */
static void mark_instance(Marker *marker, const InterpInstance *instance)
{
    const PulleyModule *module = instance->module;
    for (u32 i = 0; i < module->globals.len && instance->globals[i] != NULL; i++) {
        mark_slots(marker, instance->globals[i], module->globals.data[i].size_bytes == 16 ? 2 : 1);
    }
    for (u32 i = 0; i < module->tables.len && instance->tables[i] != NULL; i++) {
        const InterpTable *table = instance->tables[i];
        for (u32 k = 0; k < table->count; k++) {
            mark_handle(marker, table->elems[k]);
        }
    }
}

static const u64 *end_of_slots(const Interp *vm)
{
    const u64 *end = vm->fp + PULLEY_WINDOW_SLOTS;
    if (vm->nesting != 0 && vm->free_slots > end) {
        end = vm->free_slots; /* arguments of a host function lie above the window */
    }
    return end;
}

/* Native code lies all on one stack: the outermost knows where that begins. */
static void visit_natives(const Interp *vm, InterpVisit *visit, void *context)
{
    const InterpNative *native = vm->natives;
    while (native != NULL && native->outer != NULL) {
        native = native->outer;
    }
    if (native != NULL) {
        native->scan(native, visit, context);
    }
}

void dv_interp_visit_slots(const Interp *vm, InterpVisit *visit, void *context)
{
    visit(context, vm->stack_start, (usize)(end_of_slots(vm) - vm->stack_start));
    visit_natives(vm, visit, context);
    for (u32 i = 1; i < vm->exception_cap; i++) {
        if (vm->exceptions[i] != NULL) {
            visit(context, vm->exceptions[i]->payload, vm->exceptions[i]->count);
        }
    }
}

/* Drops the exceptions that nothing names. */
static void collect_exceptions(Interp *vm)
{
    Marker marker = {.vm = vm};
    mark_slots(&marker, vm->stack_start, (usize)(end_of_slots(vm) - vm->stack_start));
    visit_natives(vm, mark_words, &marker);
    mark_handle(&marker, vm->thrown);
    for (InterpInstance *instance = vm->instances; instance != NULL; instance = instance->next) {
        mark_instance(&marker, instance);
    }
    while (marker.found != NULL) {
        InterpException *exception = marker.found;
        marker.found = exception->next_found;
        mark_slots(&marker, exception->payload, exception->count);
    }
    for (u32 i = 1; i < vm->exception_cap; i++) {
        InterpException *exception = vm->exceptions[i];
        if (exception != NULL && !exception->is_found && !exception->is_held) {
            dv_interp_drop_exception(vm, i);
        } else if (exception != NULL) {
            exception->is_found = false;
        }
    }
}

/* ---- handles ---- */

static u32 find_empty(Interp *vm)
{
    u32 i = vm->exception_hint;
    while (i < vm->exception_cap && vm->exceptions[i] != NULL) {
        i++;
    }
    vm->exception_hint = i;
    return i;
}

/* A free handle; 0 if there is none and no memory for more. The table grows when more than half of it is
 * in use after a collection, so that collecting costs little per exception. */
static u32 find_free_handle(Interp *vm)
{
    u32 handle = find_empty(vm);
    u32 cap = vm->exception_cap;
    if (handle < cap) {
        return handle;
    }
    if (cap > 0) {
        u32 live = 0;
        collect_exceptions(vm);
        for (u32 i = 1; i < cap; i++) {
            live += vm->exceptions[i] != NULL;
        }
        handle = find_empty(vm);
        if (live < cap / 2) {
            return handle;
        }
    }
    u32 limit = vm->config.max_exceptions + 1;
    u32 new_cap = cap == 0 ? 64 : cap * 2;
    new_cap = new_cap < limit ? new_cap : limit;
    if (new_cap > cap) {
        void *grown = dv_interp_grow(vm, vm->exceptions, cap * sizeof vm->exceptions[0],
                                     new_cap * sizeof vm->exceptions[0]);
        if (grown != NULL) {
            vm->exceptions = grown;
            vm->exception_cap = new_cap;
        }
    }
    return handle < vm->exception_cap ? handle : 0;
}

u32 dv_interp_new_exception(Interp *vm, const InterpTag *tag, u64 context)
{
    u32 handle = find_free_handle(vm);
    InterpException *exception =
        handle == 0 ? NULL : dv_interp_alloc(vm, exception_bytes(tag->args));
    if (exception == NULL) {
        return 0;
    }
    exception->tag = tag;
    exception->context = context;
    exception->count = tag->args;
    vm->exceptions[handle] = exception;
    vm->exception_hint = handle + 1;
    return handle;
}

InterpException *dv_interp_exception_of(const Interp *vm, u32 handle)
{
    return handle < vm->exception_cap ? vm->exceptions[handle] : NULL;
}

void dv_interp_set_exception(Interp *vm, u32 handle)
{
    CHECK(dv_interp_exception_of(vm, handle) != NULL);
    vm->thrown = handle;
}

u32 dv_interp_exception(const Interp *vm)
{
    return vm->thrown;
}

void dv_interp_hold_exception(Interp *vm, u32 handle)
{
    InterpException *exception = dv_interp_exception_of(vm, handle);
    CHECK(exception != NULL);
    exception->is_held = true;
}

void dv_interp_drop_exception(Interp *vm, u32 handle)
{
    InterpException *exception = dv_interp_exception_of(vm, handle);
    if (exception == NULL) {
        return;
    }
    dv_interp_release(vm, exception, exception_bytes(exception->count));
    vm->exceptions[handle] = NULL;
    if (handle < vm->exception_hint) {
        vm->exception_hint = handle;
    }
}

/* A new exception with the arguments in slots k and up, on its way; pc is the one behind the throw. */
static u32 throw_new(Interp *vm, const u64 *args, const InterpTag *tag, u64 context, const u8 *pc)
{
    u32 handle = dv_interp_new_exception(vm, tag, context);
    if (handle == 0) {
        return INTERP_NO_MEMORY;
    }
    InterpException *exception = vm->exceptions[handle];
    u32 in_window = tag->args < PULLEY_ARGS_MAX ? tag->args : PULLEY_ARGS_MAX;
    if (in_window != 0) {
        memcpy(exception->payload, args, in_window * sizeof *args);
    }
    if (tag->args > in_window) {
        memcpy(exception->payload + in_window, vm->args_block, (tag->args - in_window) * 8);
    }
    vm->thrown = handle;
    vm->pc = pc;
    return INTERP_THROW;
}

SLOW_OP(throw)
{
    READ_FIELDS(K_TAG, 1)
    (void)size;
    return throw_new(vm, fp + k, vm->instance->tags[g], 0, pc + BYTES);
}

SLOW_OP(throw_in)
{
    READ_FIELDS(K_A_TAG, 1)
    (void)size;
    return throw_new(vm, fp + k, vm->instance->tags[g], fp[a], pc + BYTES);
}

SLOW_OP(throw_ref)
{
    READ_FIELDS(K_A, 1)
    (void)size;
    u32 handle = (u32)fp[a];
    if (dv_interp_exception_of(vm, handle) == NULL) {
        return PULLEY_TRAP_null_exn;
    }
    vm->thrown = handle;
    vm->pc = pc + BYTES;
    return INTERP_THROW;
}
