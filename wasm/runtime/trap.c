/* trap.c - traps as values: what happened, where, and how it got there.
 *
 * A trap is made when a call has ended in one: its frames are those that the interpreter still knows of then. Of very deep
 * stacks the innermost and the outermost are kept. A trap that a host function made by itself gets its frames when
 * the call that it ended gives it back; one that went through several calls keeps those of the first.
 *
 * A trap does not hold its store: it can be freed after it, but its frames' instances are gone then.
 */
#include "wasm/runtime/internal.h"

/* With its message behind it. */
typedef struct TrapBlock {
    RtTrap trap;
    davit_allocator_t allocator;
    usize size_bytes;
    usize frames_bytes;
    char message[];
} TrapBlock;

static const RtTrap memory_trap = {.code = RT_CODE_MEMORY, .message = "out of memory"};
const RtTrap dv_rt_suspend_mark = {.message = "suspended"};

RtTrap *dv_rt_trap_memory(void)
{
    return (RtTrap *)(uintptr_t)&memory_trap;
}

const char *dv_rt_trap_message(u32 code)
{
    switch (code) {
#define TRAP(name, number, text) \
    case number: \
        return text;
#include "base/traps.def"
#undef TRAP
    case RT_CODE_EXIT:
        return "exit";
    case RT_CODE_MEMORY:
        return "out of memory";
    default:
        return "trap";
    }
}

/* ---- making ---- */

RtTrap *dv_rt_trap_new(RtStore *store, const char *message, usize length)
{
    const davit_allocator_t *allocator = &store->config.allocator;
    usize size;
    if (dv_add_overflows(length, sizeof(TrapBlock) + 1, &size)) {
        return NULL;
    }
    TrapBlock *block = dv_rt_alloc(allocator, size);
    if (block == NULL) {
        return NULL;
    }
    block->allocator = *allocator;
    block->size_bytes = size;
    if (length != 0) {
        memcpy(block->message, message, length);
    }
    block->trap.store = store;
    block->trap.message = block->message;
    return &block->trap;
}

RtTrap *dv_rt_trap_code(RtStore *store, u32 code)
{
    const char *message = dv_rt_trap_message(code);
    RtTrap *trap = dv_rt_trap_new(store, message, strlen(message));
    if (trap == NULL) {
        return dv_rt_trap_memory();
    }
    trap->code = code;
    return trap;
}

RtTrap *dv_rt_trap_exit(RtStore *store, i32 status)
{
    const char *message = dv_rt_trap_message(RT_CODE_EXIT);
    RtTrap *trap = dv_rt_trap_new(store, message, strlen(message));
    if (trap != NULL) {
        trap->code = RT_CODE_EXIT;
        trap->exit_status = status;
    }
    return trap;
}

void dv_rt_trap_free(RtTrap *trap)
{
    if (trap == NULL || trap == &memory_trap || trap == &dv_rt_suspend_mark) {
        return;
    }
    TrapBlock *block = (TrapBlock *)trap;
    davit_allocator_t allocator = block->allocator;
    dv_rt_free(&allocator, trap->frames, block->frames_bytes);
    dv_rt_free(&allocator, block, block->size_bytes);
}

/* ---- frames ---- */

static RtFrame map_frame(const InterpFrame *at)
{
    RtInstance *instance = at->instance->host;
    const RtModule *module = instance->module;
    RtFrame frame = {.instance = instance, .func = module->info.imported_funcs + at->func};
    /* The instruction that called is the last one before the place. */
    u32 offset = at->is_return && at->offset != 0 ? at->offset - 1 : at->offset;
    u32 source = dv_rt_module_source(module, at->func, offset);
    u32 body = dv_rt_module_body(module, at->func);
    if (source != UINT32_MAX) {
        frame.module_offset = source;
        frame.func_offset = body < source ? source - body : 0;
    }
    return frame;
}

/* Without memory for them there are no frames. */
static void add_frames(RtStore *store, RtTrap *trap)
{
    InterpFrame found[RT_FRAMES_INNER + RT_FRAMES_OUTER];
    TrapBlock *block = (TrapBlock *)trap;
    u32 capacity = ARRAY_LEN(found);
    u32 count = dv_interp_backtrace(store->vm, found, capacity);
    u32 kept = count < capacity ? count : capacity;
    if (count > capacity) {
        (void)dv_interp_backtrace_from(store->vm, count - RT_FRAMES_OUTER, found + RT_FRAMES_INNER,
                                       RT_FRAMES_OUTER);
    }
    if (kept == 0) {
        return;
    }
    trap->frames = dv_rt_alloc(&block->allocator, kept * sizeof(RtFrame));
    if (trap->frames == NULL) {
        return;
    }
    block->frames_bytes = kept * sizeof(RtFrame);
    trap->num_frames = kept;
    trap->frames_dropped = count - kept;
    for (u32 i = 0; i < kept; i++) {
        trap->frames[i] = map_frame(&found[i]);
    }
}

/* A null element is told by its index. */
static RtTrap *trap_of_null_elem(RtStore *store, u64 index)
{
    char message[64];
    char digits[20];
    const char *text = dv_rt_trap_message(PULLEY_TRAP_null_elem);
    usize length = strlen(text);
    u32 count = 0;
    memcpy(message, text, length);
    message[length++] = ' ';
    do {
        digits[count++] = (char)('0' + index % 10);
        index /= 10;
    } while (index != 0);
    while (count != 0) {
        message[length++] = digits[--count];
    }
    RtTrap *trap = dv_rt_trap_new(store, message, length);
    if (trap != NULL) {
        trap->code = PULLEY_TRAP_null_elem;
    }
    return trap == NULL ? dv_rt_trap_memory() : trap;
}

static RtTrap *make_trap(RtStore *store, InterpOutcome outcome)
{
    const InterpTrap *stop = dv_interp_trap(store->vm);
    switch (outcome) {
    case INTERP_FAILED:
        return dv_rt_trap_code(store, RT_CODE_MEMORY);
    case INTERP_THREW:
        return dv_rt_trap_code(store, PULLEY_TRAP_exception);
    default:
        return stop->code == PULLEY_TRAP_null_elem ? trap_of_null_elem(store, stop->value)
                                                   : dv_rt_trap_code(store, stop->code);
    }
}

RtTrap *dv_rt_trap_take(RtStore *store, InterpOutcome outcome)
{
    RtTrap *trap = store->pending;
    store->pending = NULL;
    if (trap == NULL) {
        trap = make_trap(store, outcome);
    }
    if (trap != &memory_trap && trap->frames == NULL) {
        add_frames(store, trap);
    }
    dv_interp_drop_frames(store->vm);
    return trap;
}

/* ---- printing ---- */

Str dv_rt_func_name(const WasmModule *info, u32 func)
{
    Str name = dv_wasm_func_name(info, func);
    for (u32 i = 0; i < info->exports.len && name.len == 0; i++) {
        const ExportDecl *export = &info->exports.data[i];
        if (export->kind == EXTERN_FUNC && export->index == func) {
            name = export->name;
        }
    }
    return name;
}

static void print_frame(TextBuf *out, const RtFrame *frame, RtPrintPlace *place, void *context)
{
    const WasmModule *info = dv_rt_module_info(dv_rt_instance_module(frame->instance));
    Str name = dv_rt_func_name(info, frame->func);
    dv_text_str(out, "    at ");
    if (name.len != 0) {
        dv_text_printf(out, "%s (", dv_rt_clean(name).text);
    }
    dv_text_printf(out, "function %u", (unsigned)frame->func);
    if (frame->module_offset != 0) {
        dv_text_str(out, ", ");
        if (place == NULL || !place(context, frame, out)) {
            dv_text_printf(out, "offset 0x%x", (unsigned)frame->module_offset);
        }
    }
    dv_text_str(out, name.len != 0 ? ")\n" : "\n");
}

static bool is_same_frame(const RtFrame *a, const RtFrame *b)
{
    return a->instance == b->instance && a->func == b->func &&
           a->module_offset == b->module_offset && a->func_offset == b->func_offset;
}

static void print_more(TextBuf *out, u32 count, const char *of_what)
{
    if (count != 0) {
        dv_text_printf(out, "    ... %u more%s ...\n", (unsigned)count, of_what);
    }
}

void dv_rt_trap_print(TextBuf *out, const RtTrap *trap, RtPrintPlace *place, void *context)
{
    u32 same = 0; /* frames that are as the one printed last */
    for (u32 i = 0; i < trap->num_frames; i++) {
        bool is_gap = i == RT_FRAMES_INNER && trap->frames_dropped != 0;
        if (i != 0 && !is_gap && is_same_frame(&trap->frames[i], &trap->frames[i - 1])) {
            same++;
            continue;
        }
        print_more(out, same, " of this");
        print_more(out, is_gap ? trap->frames_dropped : 0, "");
        print_frame(out, &trap->frames[i], place, context);
        same = 0;
    }
    print_more(out, same, " of this");
}
