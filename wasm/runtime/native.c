/* native.c - machine code of modules, and the ways into it and out of it.
 *
 * In: the interpreter calls a native function as one of the host. That lays an activation on the C stack, sets the stack
 * limit if it is the first one, and calls the enter adapter of the type, which calls the function. A setjmp stands before
 * it: whatever ends the call otherwise comes back by longjmp. Generated code owns nothing, and the helpers that jump hold
 * nothing either, so no frame on the way has anything to do.
 *
 * Out: for other functions code calls the leave adapter of the type, which calls array_call with the slots; for what is no
 * plain code it calls helpers. Both note where the frames of the code end (frame pointers are chained) before they do
 * anything, so that a backtrace can be made meanwhile, and end the activation if what they did failed.
 *
 * Exceptions: whoever throws, or comes back with one, looks for a handler in the frames of its run, by where they go on;
 * it goes on there, over the heads of the C functions on the way, which hold nothing either. If there is none, the run ends
 * with the exception, and its caller looks on.
 *
 * Traps: a fault stops code where it is (rt/signals.h). Frames are looked at before the jump, since what runs after it
 * overwrites them; the interpreter keeps them for the backtrace (dv_interp_keep_frames).
 *
 * Which instance a frame belongs to is told by the context that it keeps. One that has called nothing keeps none: it belongs
 * to its caller's instance, or the one that was entered, if that has its code; else to one that has.
 *
 * References may be anywhere in frames and registers, so that of the C stack every word counts as one, or two.
 */
#include "wasm/runtime/native.h"

#include <setjmp.h>
#include <stddef.h>

#include "interp/atomic.h"
#include "interp/engine.h"
#include "rt/elf.h"
#include "rt/signals.h"

/* ---- what the code knows of our structures ---- */

typedef void Helper(void);

/* The beginning of a vmctx; the arrays follow. */
struct VmCtx {
    Interp *state;
    Helper *const *helpers;
    InterpInstance *instance;
};

typedef struct VmImport {
    const void *code;
    void *ctx;
} VmImport;

typedef struct VmMemoryRef {
    u8 *base;
    InterpMemory *memory;
} VmMemoryRef;

#if UINTPTR_MAX > UINT32_MAX
#define C_TYPE_state Interp
#define C_TYPE_func InterpFunc
#define C_TYPE_memory InterpMemory
#define C_TYPE_table InterpTable
#define C_TYPE_vmctx VmCtx
#define C_TYPE_import VmImport
#define C_TYPE_memory_ref VmMemoryRef
#define VM_FIELD(structure, field, offset, bytes) \
    _Static_assert(offsetof(C_TYPE_##structure, field) == (offset) && \
                       sizeof(((C_TYPE_##structure *)NULL)->field) == (bytes), \
                   #structure " is laid out as the code has it");
#include "rt/vmctx.def"
#endif

/* In front of the vmctx of an instance. */
typedef struct BlockHead {
    const NativeCode *code;
} BlockHead;

static u8 *vmctx_of_block(void *block)
{
    uintptr_t start = (uintptr_t)block + sizeof(BlockHead);
    return (u8 *)block + sizeof(BlockHead) + (0 - start) % VM_ALIGN;
}

static const NativeCode *code_of(const InterpInstance *instance)
{
    return ((const BlockHead *)instance->native)->code;
}

/* ---- loading ---- */

/* Follows the code: land(fp, sp, pc, exception). The only machine code here: C cannot do this. */
static const u8 landing[] = {
    0x48, 0x89, 0xfd, /* mov rbp, rdi */
    0x48, 0x89, 0xf4, /* mov rsp, rsi */
    0x48, 0x89, 0xc8, /* mov rax, rcx */
    0x48, 0x89, 0xd1, /* mov rcx, rdx */
    0x31, 0xd2,       /* xor edx, edx */
    0x3e, 0xff, 0xe1, /* notrack jmp rcx: handlers need no landing pads */
};

bool dv_native_is_supported(void)
{
    return DV_HAS_FRAME_ADDRESS && dv_signals_are_supported();
}

/* Lays the code down, and behind it the landing and what unwinders and debuggers read, unless that is out of reach. */
static bool place_code(NativeCode *code, const u8 *bytes, u32 size_bytes, const Str *names,
                       Arena *arena)
{
    enum { FILE_ALIGN = 16 };
    usize end = (usize)size_bytes + sizeof landing;
    usize at = (end + FILE_ALIGN - 1) & ~(usize)(FILE_ALIGN - 1);
    ByteBuf file;
    dv_bytebuf_init(&file, arena);
    if (code->num_prologues != 0 && at <= INT32_MAX) {
        dv_native_describe(code, size_bytes, at, names, &file);
    }
    bool has_file = file.len != 0 && file.len <= INT32_MAX - at;
    if (!dv_exec_alloc(&code->memory, has_file ? at + file.len : end)) {
        return false;
    }
    u8 *to = code->memory.bytes;
    if (size_bytes != 0) {
        memcpy(to, bytes, size_bytes);
    }
    memcpy(to + size_bytes, landing, sizeof landing);
    code->gdb = (GdbEntry){.bytes = NULL};
    if (has_file) {
        memcpy(to + at, file.data, file.len);
        dv_elf_move(to + at, (u64)(uintptr_t)to);
        code->gdb.bytes = (const char *)to + at;
        code->gdb.size_bytes = file.len;
    }
    return true;
}

static const u8 *frames_of(const NativeCode *code)
{
    return (const u8 *)code->gdb.bytes + ELF_HEADER_BYTES;
}

bool dv_native_load(NativeCode *code, const u8 *bytes, u32 size_bytes, const Str *names,
                    Arena *arena)
{
    if (!dv_native_is_supported() || !place_code(code, bytes, size_bytes, names, arena)) {
        return false;
    }
    code->range = (CodeRange){.start = code->memory.bytes,
                              .size_bytes = size_bytes,
                              .traps = code->traps,
                              .num_traps = code->num_traps,
                              .owner = code};
    if (!dv_exec_seal(&code->memory) || !dv_registry_add_code(&code->range)) {
        dv_exec_free(&code->memory);
        return false;
    }
    if (code->gdb.bytes != NULL) {
        dv_frames_register(frames_of(code));
        dv_gdb_register(&code->gdb);
    }
    return true;
}

void dv_native_unload(NativeCode *code)
{
    if (code->memory.bytes == NULL) {
        return;
    }
    if (code->gdb.bytes != NULL) {
        dv_gdb_forget(&code->gdb);
        dv_frames_forget(frames_of(code));
    }
    dv_registry_remove_code(&code->range);
    dv_exec_free(&code->memory);
}

static const void *code_at(const NativeCode *code, u32 offset)
{
    return offset == NATIVE_NO_CODE ? NULL : code->memory.bytes + offset;
}

/* The function that the place is in; UINT32_MAX if none: an adapter. */
static u32 find_func(const NativeCode *code, const u8 *pc)
{
    u32 offset = (u32)(pc - code->memory.bytes);
    u32 low = 0;
    u32 high = code->num_funcs;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (code->funcs[middle].offset <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_in = low != 0 && offset - code->funcs[low - 1].offset < code->funcs[low - 1].size_bytes;
    return is_in ? low - 1 : UINT32_MAX;
}

/* ---- activations ---- */

typedef void Enter(const void *code, void *ctx, u64 *slots);

typedef struct NativeRun {
    Activation fault; /* first: what the signal handler has */
    InterpNative frames;
    Interp *vm;
    InterpFunc *func;
    u64 *slots;
    const u8 *top; /* on the C stack, above all that it has there */
    /* Where its frames begin: at a fault; else what the frame of the C function that code has called began with, kept
     * here, since that function may be gone: compilers make its last call a jump. */
    const u8 *pc; /* NULL: of a call */
    const u8 *fp;
    const u8 *exit[2]; /* the caller's frame pointer, where it goes on */
    u32 status;        /* when it ended by a jump */
    jmp_buf env;
} NativeRun;

/* The run that called the C function with this frame. */
static NativeRun *note_exit(const u8 *frame)
{
    NativeRun *run = (NativeRun *)(void *)dv_activation();
    if (DV_HAS_FRAME_ADDRESS) {
        memcpy(run->exit, frame, sizeof run->exit);
    }
    run->pc = NULL;
    run->fp = (const u8 *)run->exit;
    return run;
}

static const u8 *load_pointer(const u8 *at)
{
    const u8 *pointer;
    memcpy(&pointer, at, sizeof pointer);
    return pointer;
}

/* The instance of a function that has called something, by its frame. */
static InterpInstance *instance_at(const u8 *fp)
{
    const VmCtx *vmctx = (const void *)load_pointer(fp + VM_FRAME_CONTEXT);
    return vmctx->instance;
}

/* One with that code, rather this one; NULL: there is none. */
static InterpInstance *find_instance(const NativeRun *run, const NativeCode *code,
                                     InterpInstance *first)
{
    InterpInstance *entered = ((const VmCtx *)run->func->ctx)->instance;
    if (first != NULL && code_of(first) == code) {
        return first;
    }
    if (code_of(entered) == code) {
        return entered;
    }
    for (InterpInstance *at = run->vm->instances; at != NULL; at = at->next) {
        if (at->native != NULL && code_of(at) == code) {
            return at;
        }
    }
    return NULL;
}

/* What function is at the place, but for its instance. False: an adapter, or no code at all. */
static bool locate(const u8 *pc, bool is_return, InterpFrame *out)
{
    const CodeRange *range = dv_registry_find_code(pc);
    u32 func = range == NULL ? UINT32_MAX : find_func(range->owner, pc - is_return);
    if (func == UINT32_MAX) {
        return false;
    }
    const NativeCode *code = range->owner;
    u32 offset = (u32)(pc - code->memory.bytes) - code->funcs[func].offset;
    *out = (InterpFrame){.func = func, .offset = offset, .is_return = is_return};
    return true;
}

/* The function that has called what has the frame. */
static bool locate_caller(const u8 *fp, InterpFrame *out)
{
    if (!locate(load_pointer(fp + sizeof fp), true, out)) {
        return false;
    }
    out->instance = instance_at(load_pointer(fp));
    return true;
}

/* The function that the run was stopped in. */
static bool locate_stop(const NativeRun *run, InterpFrame *out)
{
    InterpFrame caller;
    if (run->pc == NULL || !locate(run->pc, false, out)) {
        return false;
    }
    InterpInstance *first = locate_caller(run->fp, &caller) ? caller.instance : NULL;
    out->instance = find_instance(run, dv_registry_find_code(run->pc)->owner, first);
    return out->instance != NULL;
}

static void walk_run(const InterpNative *self, void (*see)(void *sink, const InterpFrame *frame),
                     void *sink)
{
    const NativeRun *run =
        (const NativeRun *)(const void *)((const u8 *)self - offsetof(NativeRun, frames));
    const u8 *fp = run->fp;
    InterpFrame frame;
    if (locate_stop(run, &frame)) {
        see(sink, &frame);
    }
    /* Up to the adapter that the run began with: it goes on in C. */
    while (dv_registry_find_code(load_pointer(fp + sizeof fp)) != NULL) {
        if (locate_caller(fp, &frame)) {
            see(sink, &frame);
        }
        fp = load_pointer(fp);
    }
}

/* ---- exceptions ---- */

typedef void Land(const u8 *fp, const u8 *sp, const u8 *pc, u64 exception);

/* Goes on at the place. A function that does not return, so that sanitizers know what becomes of the stack. */
DV_NORETURN static DV_NOINLINE void land(Land *code, const u8 *fp, const u8 *sp, const u8 *pc,
                                         u64 exception)
{
    code(fp, sp, pc, exception);
    CHECK(false); /* it does not return */
}

/* The first handler of the call that goes on there; num_handlers if it has none. */
static u32 find_handlers(const NativeCode *code, u32 offset)
{
    u32 low = 0;
    u32 high = code->num_handlers;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (code->handlers[middle].call < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The instance of the function that has made the call; one that keeps no context has the tags of what was entered. */
static InterpInstance *instance_of_call(const NativeRun *run, const NativeCode *code, u32 offset,
                                        const u8 *fp)
{
    bool is_known = find_func(code, code->memory.bytes + offset - 1) != UINT32_MAX;
    return is_known ? instance_at(fp) : ((const VmCtx *)run->func->ctx)->instance;
}

/* The handler of the call that goes on there which takes the exception, in the function with the frame; NULL. */
static const VmHandler *find_handler(const NativeRun *run, const NativeCode *code, u32 offset,
                                     const u8 *fp)
{
    const InterpException *exception =
        dv_interp_exception_of(run->vm, dv_interp_exception(run->vm));
    bool has_context = false;
    u64 context = 0;
    for (u32 i = find_handlers(code, offset);
         i < code->num_handlers && code->handlers[i].call == offset; i++) {
        const VmHandler *handler = &code->handlers[i];
        switch (handler->kind) {
        case VM_HANDLER_CONTEXT:
            has_context = true;
            memcpy(&context, fp - handler->frame_bytes + handler->value, sizeof context);
            break;
        case VM_HANDLER_TAG:
            if (instance_of_call(run, code, offset, fp)->tags[handler->value] == exception->tag &&
                (!has_context || context == exception->context)) {
                return handler;
            }
            break;
        default:
            return handler;
        }
    }
    return NULL;
}

/* Goes on at the handler for the exception on its way, in a frame of the run above the C function that was called last. Comes
 * back if there is none. */
static void unwind(const NativeRun *run)
{
    Interp *vm = run->vm;
    u32 thrown = dv_interp_exception(vm);
    const u8 *fp = run->fp;
    CHECK(dv_interp_exception_of(vm, thrown) != NULL);
    for (;;) {
        const u8 *pc = load_pointer(fp + sizeof fp);
        const CodeRange *range = dv_registry_find_code(pc);
        if (range == NULL) {
            return;
        }
        fp = load_pointer(fp);
        u32 offset = (u32)(pc - range->start);
        const VmHandler *handler = find_handler(run, range->owner, offset, fp);
        if (handler != NULL) {
            Land *code;
            const u8 *end = range->start + range->size_bytes;
            memcpy(&code, &end, sizeof code);
            dv_interp_drop_frames(vm);
            land(code, fp, fp - handler->frame_bytes, range->start + handler->target, thrown);
        }
    }
}

/* Ends the run, from above its frames, unless one of them catches what ends it. */
DV_NORETURN static void end_run(NativeRun *run, u32 status, bool has_call)
{
    if (status == INTERP_THROW) {
        unwind(run);
    }
    run->status = status;
    dv_interp_keep_frames(run->vm, has_call);
    longjmp(run->env, 1);
}

static void on_trap(Activation *fault)
{
    NativeRun *run = (NativeRun *)(void *)fault;
    run->pc = fault->pc;
    run->fp = fault->fp;
    end_run(run, fault->code, false);
}

/* Back from what may have run anything, on this stack or others. */
static void go_on(NativeRun *run)
{
    if (!dv_activation_resume(&run->fault)) {
        end_run(run, INTERP_NO_MEMORY, false);
    }
}

/* ---- references ---- */

/* Shows the stack from here to the address. */
static DV_READS_STACK void show_stack(const u8 *end, InterpVisit *visit, void *context)
{
    const u8 *here = DV_FRAME_ADDRESS();
    const volatile u64 *at = (const volatile void *)here;
    u64 words[64];
    while ((const volatile u8 *)at < end) {
        u32 count = 0;
        while (count < ARRAY_LEN(words) && (const volatile u8 *)at < end) {
            words[count++] = *at++;
        }
        visit(context, words, count);
    }
}

static void scan_run(const InterpNative *self, InterpVisit *visit, void *context)
{
    const NativeRun *run =
        (const NativeRun *)(const void *)((const u8 *)self - offsetof(NativeRun, frames));
    jmp_buf registers;
    u64 words[(sizeof registers + 7) / 8] = {0};
    /* What code has in registers is there still, or in the frames of C functions that have saved it since. */
    if (setjmp(registers) == 0) {
        memcpy(words, registers, sizeof registers);
        visit(context, words, ARRAY_LEN(words));
        show_stack(run->top, visit, context);
    }
}

/* ---- in ---- */

enum { C_STACK_BYTES = 128 << 10 }; /* what code leaves for C functions that it calls, at least */

/* Where the stack of code that is entered now may go down to. */
static const void *find_stack_limit(const Interp *vm, const u8 *here)
{
    const u8 *end = dv_stack_end(here);
    uintptr_t room = end == NULL ? UINTPTR_MAX : (uintptr_t)here - (uintptr_t)end;
    uintptr_t size = vm->config.native_stack_bytes;
    if (room < C_STACK_BYTES) {
        return here;
    }
    return here - (size < room - C_STACK_BYTES ? size : room - C_STACK_BYTES);
}

static DV_NOINLINE void call_code(NativeRun *run)
{
    Enter *enter;
    memcpy(&enter, &run->func->enter, sizeof enter);
    if (setjmp(run->env) == 0) {
        enter(run->func->code, run->func->ctx, run->slots);
    }
}

/* With all slots in one row. */
static u32 run_in_row(InterpFunc *func, Interp *vm, u64 *slots)
{
    NativeRun run = {.fault = {.trapped = on_trap},
                     .frames = {.walk = walk_run, .scan = scan_run},
                     .vm = vm,
                     .func = func,
                     .slots = slots,
                     .top = DV_FRAME_ADDRESS(),
                     .status = INTERP_GO_ON};
    const void *limit = vm->stack_limit;
    if (!dv_signals_prepare()) {
        return INTERP_NO_MEMORY;
    }
    if (!dv_interp_has_native(vm)) {
        vm->stack_limit = find_stack_limit(vm, DV_FRAME_ADDRESS());
    } else if ((uintptr_t)DV_FRAME_ADDRESS() < (uintptr_t)limit) {
        return PULLEY_TRAP_stk_ovf;
    }
    dv_interp_begin_native(vm, &run.frames);
    dv_activation_push(&run.fault);
    call_code(&run);
    dv_activation_pop(&run.fault);
    dv_interp_end_native(vm, &run.frames);
    vm->stack_limit = limit;
    return run.status;
}

static u32 in_window(u32 slots)
{
    return slots < PULLEY_ARGS_MAX ? slots : PULLEY_ARGS_MAX;
}

/* The slots beyond the window are somewhere else: they are brought together, and taken apart again. */
static u32 run_apart(InterpFunc *func, Interp *vm, u64 *slots)
{
    u32 args = in_window(func->args);
    u32 results = in_window(func->results);
    u32 most = func->args > func->results ? func->args : func->results;
    const u64 *more_args = dv_interp_extra_args(vm);
    u64 *more_results = dv_interp_extra_results(vm);
    u64 *row = dv_interp_alloc(vm, most * sizeof *row);
    if (row == NULL) {
        return INTERP_NO_MEMORY;
    }
    memcpy(row, slots, args * sizeof *row);
    if (func->args > args) {
        memcpy(row + args, more_args, (func->args - args) * sizeof *row);
    }
    u32 status = run_in_row(func, vm, row);
    if (status == INTERP_GO_ON) {
        memcpy(slots, row, results * sizeof *row);
        if (func->results > results) {
            memcpy(more_results, row + results, (func->results - results) * sizeof *row);
        }
    }
    dv_interp_release(vm, row, most * sizeof *row);
    return status;
}

/* The interpreter's view of a native function, which is its own context. */
static u32 run_native(void *context, Interp *vm, u64 *slots)
{
    InterpFunc *func = context;
    bool is_row = func->args <= PULLEY_ARGS_MAX && func->results <= PULLEY_ARGS_MAX;
    return is_row ? run_in_row(func, vm, slots) : run_apart(func, vm, slots);
}

/* ---- out, to functions ---- */

static u32 status_of(const Interp *vm, InterpOutcome outcome)
{
    switch (outcome) {
    case INTERP_THREW:
        return INTERP_THROW;
    case INTERP_FAILED:
        return INTERP_NO_MEMORY;
    default:
        return dv_interp_trap(vm)->code;
    }
}

/* Calls a function of the host or of bytecode; leave adapters do. */
static DV_NOINLINE void array_call(InterpFunc *func, u64 *slots)
{
    const u8 *frame = DV_FRAME_ADDRESS();
    NativeRun *run = note_exit(frame);
    Interp *vm = run->vm;
    InterpInstance *before = vm->instance;
    InterpFrame caller;
    /* The caller is whoever called the adapter. */
    const u8 *adapter = load_pointer(frame);
    if (func->instance == NULL && locate_caller(adapter, &caller)) {
        vm->instance = caller.instance;
    }
    InterpOutcome outcome = dv_interp_call(vm, func, slots);
    dv_interp_switch(vm, before);
    if (outcome != INTERP_RETURNED) {
        end_run(run, status_of(vm, outcome), true);
    }
    go_on(run);
}

/* ---- out, to helpers ---- */

#define HELPER_ENTRY(vmctx) \
    NativeRun *run = note_exit(DV_FRAME_ADDRESS()); \
    InterpInstance *instance = (vmctx)->instance; \
    (void)run; \
    (void)instance

static void check(NativeRun *run, u32 status)
{
    if (status != INTERP_GO_ON &&
        status != INTERP_SUSPEND) { /* it cannot suspend here: it goes on */
        end_run(run, status, false);
    }
    go_on(run);
}

static u64 help_memory_grow(VmCtx *vmctx, u32 memory, u64 delta)
{
    return dv_memory_grow(vmctx->instance->memories[memory], delta);
}

static void help_memory_fill(VmCtx *vmctx, u32 memory, u64 to, u32 byte, u64 count)
{
    HELPER_ENTRY(vmctx);
    check(run, dv_instance_memory_fill(instance, memory, to, byte, count));
}

static void help_memory_copy(VmCtx *vmctx, u32 to_memory, u32 from_memory, u64 to, u64 from,
                             u64 count)
{
    HELPER_ENTRY(vmctx);
    const u32 both[] = {to_memory, from_memory};
    check(run, dv_instance_memory_copy(instance, both, to, from, count));
}

static void help_memory_init(VmCtx *vmctx, u32 memory, u32 data, u64 to, u32 from, u32 count)
{
    HELPER_ENTRY(vmctx);
    const u32 both[] = {memory, data};
    check(run, dv_instance_memory_init(instance, both, to, from, count));
}

static void help_data_drop(VmCtx *vmctx, u32 data)
{
    vmctx->instance->datas[data].count = 0;
}

static u64 help_table_grow(VmCtx *vmctx, u32 table, u32 handle, u64 delta)
{
    return dv_instance_table_grow(vmctx->instance->tables[table], handle, delta);
}

static void help_table_fill(VmCtx *vmctx, u32 table, u64 at, u32 handle, u64 count)
{
    HELPER_ENTRY(vmctx);
    check(run, dv_instance_table_fill(instance, table, at, handle, count));
}

static void help_table_copy(VmCtx *vmctx, u32 to_table, u32 from_table, u64 to, u64 from, u64 count)
{
    HELPER_ENTRY(vmctx);
    const u32 both[] = {to_table, from_table};
    check(run, dv_instance_table_copy(instance, both, to, from, count));
}

static void help_table_init(VmCtx *vmctx, u32 table, u32 elem, u64 to, u32 from, u32 count)
{
    HELPER_ENTRY(vmctx);
    const u32 both[] = {table, elem};
    check(run, dv_instance_table_init(instance, both, to, from, count));
}

static void help_elem_drop(VmCtx *vmctx, u32 elem)
{
    vmctx->instance->elems[elem].count = 0;
}

static u32 help_ref_func(VmCtx *vmctx, u32 func)
{
    HELPER_ENTRY(vmctx);
    const InterpFunc *found = dv_instance_func(instance, func);
    if (found == NULL) {
        end_run(run, INTERP_NO_MEMORY, false);
    }
    return found->handle;
}

/* Where an atomic access of so many bytes is; ends the run if it may not be. */
static const u8 *find_place(NativeRun *run, InterpMemory *memory, u64 at, u32 size)
{
    u64 length = atomic_load_explicit(&memory->length_bytes, memory_order_acquire);
    if (at % size != 0) {
        end_run(run, PULLEY_TRAP_unaligned, false);
    }
    if (!has_range(length, at, size)) {
        end_run(run, PULLEY_TRAP_heap_oob, false);
    }
    return memory->base + at;
}

typedef struct Waiter {
    Interp *vm;
    u32 status;
} Waiter;

static bool should_stop(void *context)
{
    Waiter *waiter = context;
    waiter->status = dv_interp_answer_poll(waiter->vm);
    return waiter->status != INTERP_GO_ON && waiter->status != INTERP_SUSPEND;
}

typedef struct WaitFor {
    u32 memory, size;
    u64 at, expected, timeout;
} WaitFor;

static u32 wait_for(NativeRun *run, InterpInstance *instance, const WaitFor *what)
{
    InterpMemory *memory = instance->memories[what->memory];
    Waiter waiter = {.vm = run->vm};
    const u8 *place = find_place(run, memory, what->at, what->size);
    if (!memory->shared) {
        end_run(run, PULLEY_TRAP_not_shared, false);
    }
    u32 result;
    do { /* again if it was stopped without a reason: nobody could notify */
        result = dv_interp_wait_at(place, what->size, what->expected, (i64)what->timeout,
                                   should_stop, &waiter);
        check(run, waiter.status);
    } while (result == INTERP_WAIT_STOPPED);
    return result;
}

static u32 help_wait32(VmCtx *vmctx, u32 memory, u64 at, u64 expected, u64 timeout)
{
    HELPER_ENTRY(vmctx);
    const WaitFor what = {memory, 4, at, (u32)expected, timeout};
    return wait_for(run, instance, &what);
}

static u32 help_wait64(VmCtx *vmctx, u32 memory, u64 at, u64 expected, u64 timeout)
{
    HELPER_ENTRY(vmctx);
    const WaitFor what = {memory, 8, at, expected, timeout};
    return wait_for(run, instance, &what);
}

static u32 help_notify(VmCtx *vmctx, u32 memory, u64 at, u32 count)
{
    HELPER_ENTRY(vmctx);
    return dv_interp_notify_at(find_place(run, instance->memories[memory], at, 4), count);
}

static void help_fuel_out(VmCtx *vmctx, u64 amount)
{
    HELPER_ENTRY(vmctx);
    while (run->vm->fuel < amount) {
        check(run, dv_interp_answer_fuel(run->vm));
    }
}

static void help_poll(VmCtx *vmctx)
{
    HELPER_ENTRY(vmctx);
    check(run, dv_interp_answer_poll(run->vm));
}

static void help_trap_null_elem(VmCtx *vmctx, u64 index)
{
    HELPER_ENTRY(vmctx);
    run->vm->null_elem = index;
    end_run(run, PULLEY_TRAP_null_elem, false);
}

/* The payload's slots are at the address. */
static void help_throw(VmCtx *vmctx, u32 number, u64 address)
{
    HELPER_ENTRY(vmctx);
    const InterpTag *tag = instance->tags[number];
    u32 handle = dv_interp_new_exception(run->vm, tag, (u64)(uintptr_t)vmctx);
    if (handle == 0) {
        end_run(run, INTERP_NO_MEMORY, false);
    }
    InterpException *exception = dv_interp_exception_of(run->vm, handle);
    if (tag->args != 0) {
        memcpy(exception->payload, (const void *)(uintptr_t)address, tag->args * sizeof(u64));
    }
    dv_interp_set_exception(run->vm, handle);
    end_run(run, INTERP_THROW, false);
}

static void help_throw_ref(VmCtx *vmctx, u32 handle)
{
    HELPER_ENTRY(vmctx);
    if (dv_interp_exception_of(run->vm, handle) == NULL) {
        end_run(run, PULLEY_TRAP_null_exn, false);
    }
    dv_interp_set_exception(run->vm, handle);
    end_run(run, INTERP_THROW, false);
}

static Helper *const helpers[VM_HELPER_COUNT] = {
#define HELPER(name, result, params) (Helper *)help_##name,
#include "rt/vm_helpers.def"
};

/* ---- adapters of a store ---- */

/* How many have a lower type. */
static u32 adapters_below(const Interp *vm, u32 type_id)
{
    u32 low = 0;
    u32 high = vm->adapter_count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (vm->adapters[middle].type_id < type_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static InterpAdapter *find_adapter(const Interp *vm, u32 type_id)
{
    u32 place = adapters_below(vm, type_id);
    bool is_there = place < vm->adapter_count && vm->adapters[place].type_id == type_id;
    return is_there ? &vm->adapters[place] : NULL;
}

/* The one of the type, new ones empty. NULL: no memory. */
static InterpAdapter *add_adapter(Interp *vm, u32 type_id)
{
    u32 place = adapters_below(vm, type_id);
    u32 count = vm->adapter_count;
    if (place < count && vm->adapters[place].type_id == type_id) {
        return &vm->adapters[place];
    }
    if (count == vm->adapter_cap) {
        u32 cap = count == 0 ? 16 : count * 2;
        void *grown = dv_interp_grow(vm, vm->adapters, count * sizeof vm->adapters[0],
                                     cap * sizeof vm->adapters[0]);
        if (grown == NULL) {
            return NULL;
        }
        vm->adapters = grown;
        vm->adapter_cap = cap;
    }
    InterpAdapter *new = &vm->adapters[place];
    memmove(new + 1, new, (count - place) * sizeof *new);
    *new = (InterpAdapter){.type_id = type_id};
    vm->adapter_count++;
    return new;
}

/* Makes a function that is not native one that native code can call, if there is an adapter. */
static void adapt(Interp *vm, InterpFunc *func)
{
    const InterpAdapter *adapter = find_adapter(vm, func->type_id);
    if (func->code == NULL && adapter != NULL && adapter->leave != NULL) {
        func->code = adapter->leave;
        func->ctx = func;
        func->array_call = array_call;
    }
}

static bool take_adapters(Interp *vm, const NativeCode *code, const u32 *type_ids)
{
    for (u32 i = 0; i < code->num_adapters; i++) {
        const NativeAdapter *row = &code->adapters[i];
        InterpAdapter *adapter = add_adapter(vm, type_ids[row->type]);
        if (adapter == NULL) {
            return false;
        }
        adapter->enter = adapter->enter == NULL ? code_at(code, row->enter) : adapter->enter;
        adapter->leave = adapter->leave == NULL ? code_at(code, row->leave) : adapter->leave;
    }
    for (u32 handle = 1; handle < vm->num_funcs; handle++) {
        adapt(vm, vm->funcs[handle]);
    }
    dv_interp_set_adapt(vm, adapt);
    return true;
}

/* ---- instances ---- */

usize dv_native_block_bytes(const NativeCode *code)
{
    VmLayout layout;
    dv_vmctx_layout(&code->shape, &layout);
    return sizeof(BlockHead) + VM_ALIGN + (usize)layout.size_bytes;
}

void *dv_native_global(const NativeCode *code, void *block, u32 own_global)
{
    VmLayout layout;
    dv_vmctx_layout(&code->shape, &layout);
    return vmctx_of_block(block) + layout.globals + (usize)own_global * VM_GLOBAL_BYTES;
}

static void bind(InterpInstance *instance, u32 number, InterpFunc *func)
{
    const NativeCode *code = code_of(instance);
    const InterpAdapter *adapter = find_adapter(instance->vm, func->type_id);
    func->code = code_at(code, code->funcs[number].offset);
    func->ctx = vmctx_of_block(instance->native);
    func->enter = adapter->enter;
    func->host = run_native;
    func->context = func;
}

InterpInstance *dv_native_instance_of(const InterpFunc *func)
{
    return func->host == run_native ? ((const VmCtx *)func->ctx)->instance : NULL;
}

/* Whether the memory is as static code wants it. */
static bool is_static(const InterpMemory *memory)
{
    const u64 size = VM_STATIC_RESERVE_BYTES + VM_STATIC_GUARD_BYTES;
    return SIZE_MAX > UINT32_MAX && dv_registry_is_reserved(memory->base) &&
           dv_registry_is_reserved(memory->base + (usize)(size - 1));
}

static bool fill_memories(const InterpInstance *instance, const NativeCode *code, u8 *to)
{
    VmMemoryRef *refs = (VmMemoryRef *)(void *)to;
    for (u32 i = 0; i < code->shape.num_memories; i++) {
        InterpMemory *memory = instance->memories[i];
        bool wants_static = code->memory_modes != NULL && code->memory_modes[i] == VM_MEMORY_STATIC;
        if (wants_static && !is_static(memory)) {
            return false;
        }
        refs[i] = (VmMemoryRef){memory->base, memory};
    }
    return true;
}

static bool fill_imports(const InterpInstance *instance, const NativeCode *code, u8 *to)
{
    VmImport *imports = (VmImport *)(void *)to;
    for (u32 i = 0; i < code->shape.num_imports; i++) {
        const InterpFunc *func = instance->imports[i];
        if (func->code == NULL) {
            return false;
        }
        imports[i] = (VmImport){func->code, func->ctx};
    }
    return true;
}

/* Every own function needs the adapter by which it is entered. */
static bool has_enters(const InterpInstance *instance)
{
    const PulleyModule *module = instance->module;
    for (u32 i = 0; i < module->funcs.len; i++) {
        u32 type = module->funcs.data[i].type;
        const InterpAdapter *adapter = find_adapter(instance->vm, instance->type_ids[type]);
        if (adapter == NULL || adapter->enter == NULL) {
            return false;
        }
    }
    return true;
}

davit_status_t dv_native_bind(InterpInstance *instance, const NativeCode *code, const u32 *type_ids,
                              void *block)
{
    const VmShape *shape = &code->shape;
    VmLayout layout;
    u8 *bytes = vmctx_of_block(block);
    VmCtx *vmctx = (VmCtx *)(void *)bytes;
    dv_vmctx_layout(shape, &layout);
    if (!take_adapters(instance->vm, code, type_ids)) {
        return DAVIT_ERROR_MEMORY;
    }
    ((BlockHead *)block)->code = code;
    *vmctx = (VmCtx){instance->vm, helpers, instance};
    if (!fill_memories(instance, code, bytes + layout.memories) ||
        !fill_imports(instance, code, bytes + layout.imports) || !has_enters(instance)) {
        return DAVIT_ERROR_UNSUPPORTED;
    }
    if (shape->num_tables != 0) {
        memcpy(bytes + layout.tables, instance->tables, shape->num_tables * sizeof(InterpTable *));
    }
    if (shape->num_imported_globals != 0) {
        memcpy(bytes + layout.imported_globals, instance->globals,
               shape->num_imported_globals * sizeof(u64 *));
    }
    if (shape->num_types != 0) {
        memcpy(bytes + layout.types, type_ids, shape->num_types * sizeof *type_ids);
    }
    instance->native = block;
    instance->bind = bind;
    return DAVIT_OK;
}
