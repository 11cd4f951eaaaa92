/* engine_native.c - this machine as an engine: the functions of a file compiled, linked, and run by the runtime of native code
 * (wasm/runtime/native.h), as an instance of the interpreter's whose functions are native.
 *
 * The file is one module (native_module.h). Its functions lie in one block of code, behind them jumps to C functions. In place
 * of a function that does not compile, or is not in the file, is code that says so and traps. A function of any signature
 * and convention is entered by way of another one, written in CLIF and compiled when it is first wanted: `system_v` (code,
 * context, slots), which loads the arguments from the slots, calls, and stores the results there, 16 bytes each.
 *
 * Objects are made by index, when they are set up or first needed, after a declaration. One variant has dynamic memories, the
 * other static ones. Plain memory is this process's. Steps are polls, which functions have that get a vmctx;
 * for others there is a limit of time (time_limit.h). What does not compile is a hole.
 */
#if defined(__x86_64__) && defined(__LP64__) && defined(__unix__)
#define HAS_NATIVE 1
#define _XOPEN_SOURCE 700 /* sigaction */
#else
#define HAS_NATIVE 0
#endif

#include "tools/engine.h"

#if HAS_NATIVE
#include <signal.h>

#include "base/bytes.h"
#include "codegen/compile.h"
#include "codegen/isa/x64/x64_isa.h"
#include "rt/cpu.h"
#include "rt/libcalls.h"
#include "tools/native_module.h"
#include "tools/time_limit.h"
#include "wasm/compile/native.h"
#include "wasm/runtime/internal.h"

enum {
    FUNC_ALIGN = 16,
    BRIDGE_BYTES = 32,
    VALUE_BYTES = 16, /* of an argument or result in slots */
    VALUE_SLOTS = 2,
    GLOBAL_SLOTS = VM_GLOBAL_BYTES / 8,
    PADDING = 0xcc, /* int3 */
    STACK_BYTES = 64 << 20 /* if the thread has so many */,
    TABLE_ELEMS_MAX = 10000000
};
#define MEMORY_BYTES_MAX ((u64)1 << 30)
#define RESERVED_BYTES ((usize)(VM_STATIC_RESERVE_BYTES + VM_STATIC_GUARD_BYTES))

/* What undefined high bits of arguments are. */
#define GARBAGE 0xa5a5a5a55a5a5a5au

typedef struct NativeEngine {
    Engine base;
    NativeModule module;
    CompiledFunc **compiled; /* by function of the file; NULL */
    const char **errors;     /* why it is not there */
    u32 *offsets;            /* in the code, of functions of the module, that of missing ones too */
    u32 bridges;             /* offset of the jumps to functions of rt/libcalls.def */
    ByteBuf bytes;           /* of the code */
    ExecMemory *enters;      /* by function of the file: what calls it; empty until it is wanted */
    bool pins;               /* some function uses the pinned register */
    NativeCode code;
    const char *error; /* why nothing runs; NULL */
    bool is_missing;   /* code found that something is not there */
    Interp *vm;
    TimeLimit limit;
    InterpInstance *instance;
    void *block;           /* of the instance's vmctx */
    const ClifFunc *owner; /* of the run; NULL */
    InterpMemory *memories;
    InterpTable *tables;
    bool *has_memory, *has_table;
    u64 *globals;  /* if they are imported */
    Arena store;   /* what the instance has */
    Arena objects; /* segments of the run */
} NativeEngine;

/* Without extensions of the instruction set, with a level of them, and with all that this machine has; both allocators (but
 * where the options say fast); memories, bounds and globals in their several ways. */
static const struct {
    const char *label;
    const char *features; /* a setting; "": none; NULL: all */
    u8 allocator;
    bool
        is_static; /* memories have guard pages, globals are the module's own; nothing speculates or is jumped to unawares */
} variants[] = {{"baseline", "", ALLOCATOR_MAIN, false},
                {"baseline, fast allocator", "", ALLOCATOR_FAST, true},
                {"x86-64-v2", "x86-64-v2", ALLOCATOR_MAIN, false},
                {"all features", NULL, ALLOCATOR_MAIN, true}};
_Static_assert(ARRAY_LEN(variants) <= ENGINES_MAX, "there is room for all");

static u32 features_of(u32 variant)
{
    const char *setting = variants[variant].features;
    u32 named = setting == NULL ? UINT32_MAX : dv_x64_isa.find_features(setting, strlen(setting));
    return named & dv_cpu_x64_features();
}

/* ---- compiling ------------------------------------------------------------------------------------------- */

static bool uses(const Func *f, Op op)
{
    bool has = false;
    for (u32 i = 0; i < f->insts.len; i++) {
        has = has || f->insts.data[i].op == op;
    }
    return has;
}

/* Why the function cannot be run; NULL. */
static const char *what_is_missing(const NativeEngine *e, const CompiledFunc *f)
{
    for (u32 i = 0; e->pins && i < f->code.calls.len; i++) {
        if (f->code.calls.data[i].num_handlers != 0) {
            return "an exception does not bring the pinned register along";
        }
    }
    for (u32 i = 0; i < f->code.relocs.len; i++) {
        if (f->code.relocs.data[i].kind == X64_RELOC_TLSGD) {
            return "a file does not define thread-local data";
        }
    }
    return NULL;
}

/* NULL, or why the function is not there. */
static const char *compile(NativeEngine *e, u32 func, CompileOptions *options, Arena *scratch)
{
    Arena *arena = e->base.arena;
    CompiledFunc *result = ARENA_NEW(arena, CompiledFunc);
    Func *copy = ARENA_NEW(arena, Func);
    VmOptions vm;
    Diag diag;
    dv_diag_init(&diag, arena);
    dv_func_copy(copy, &e->base.file->funcs.data[func]->func, arena);
    const char *error = dv_native_module_prepare(&e->module, copy, &vm);
    options->vm = &vm;
    if (error != NULL) {
        return error;
    }
    if (!dv_compile(&dv_x64_isa, options, copy, arena, scratch, &diag, result)) {
        const DiagMessage *first = dv_diag_first(&diag);
        return first == NULL ? "no reason given" : first->text;
    }
    dv_native_resolve_tags(&result->code, result->func);
    error = what_is_missing(e, result);
    e->compiled[func] = error == NULL ? result : NULL;
    return error;
}

static void compile_all(NativeEngine *e)
{
    const ClifFile *file = e->base.file;
    const EngineOptions *options = &e->base.options;
    u32 variant = options->variant;
    bool is_static = variants[variant].is_static;
    CompileOptions compile_options = {.allocator = options->allocator == ALLOCATOR_MAIN
                                                       ? variants[variant].allocator
                                                       : options->allocator,
                                      .check = true,
                                      .features = features_of(variant),
                                      .landing_pads = is_static,
                                      .no_heap_guard = !is_static,
                                      .no_table_guard = !is_static};
    Arena scratch;
    for (u32 i = 0; i < file->funcs.len; i++) {
        const Func *f = &file->funcs.data[i]->func;
        e->pins = e->pins || uses(f, OP_get_pinned_reg) || uses(f, OP_set_pinned_reg);
    }
    dv_settings_apply(&options->settings, &compile_options);
    compile_options.pinned_register = compile_options.pinned_register || e->pins;
    dv_arena_init(&scratch, e->base.arena->pool);
    for (u32 i = 0; i < file->funcs.len; i++) {
        e->errors[i] = compile(e, i, &compile_options, &scratch);
    }
    dv_arena_release(&scratch);
}

/* ---- linking --------------------------------------------------------------------------------------------- */

/* How many functions the module has: those of the file, and what stands for all others. */
static u32 count_funcs(const NativeEngine *e)
{
    return e->module.pulley.funcs.len;
}

/* Where the function of that name is; of several the last one is meant. */
static u32 find_target(const NativeEngine *e, const ExtName *name)
{
    if (name->kind == NAME_USER && name->space == NATIVE_MODULE_NAMES) {
        return e->offsets[dv_native_module_own(&e->module, name->index)];
    }
    u32 func = dv_native_module_find(&e->module, name);
    for (u32 i = 0; func == e->base.file->funcs.len && i < RT_LIBCALLS; i++) {
        const char *symbol = dv_rt_libcall_symbols[i];
        if (name->kind == NAME_TEST && name->text.len == strlen(symbol) &&
            memcmp(name->text.data, symbol, name->text.len) == 0) {
            return e->bridges + i * BRIDGE_BYTES;
        }
    }
    return e->offsets[func];
}

typedef VEC(CodeTrap) Traps;

static const u8 ud2[] = {0x0f, 0x0b};

static void write_trap(NativeEngine *e, Traps *traps)
{
    const CodeTrap trap = {(u32)e->bytes.len, PULLEY_TRAP_interrupt};
    vec_push(e->base.arena, traps, trap);
    dv_bytebuf_bytes(&e->bytes, ud2, sizeof ud2);
}

static void write_address(NativeEngine *e, const void *address)
{
    static const u8 movabs_r11[] = {0x49, 0xbb};
    dv_bytebuf_bytes(&e->bytes, movabs_r11, sizeof movabs_r11);
    dv_bytebuf_u64(&e->bytes, (u64)(uintptr_t)address, false);
}

/* Jumps to C functions, which may be farther away than calls reach. When the time is over they trap instead. */
static void write_bridges(NativeEngine *e, Traps *traps)
{
    static const u8 test[] = {0x41, 0x80, 0x3b, 0x00}; /* cmp byte [r11], 0 */
    static const u8 jmp_r11[] = {0x41, 0xff, 0xe3};
    static const u8 je[] = {0x74, sizeof ud2};
    dv_bytebuf_align(&e->bytes, BRIDGE_BYTES, PADDING);
    e->bridges = (u32)e->bytes.len;
    for (u32 i = 0; i < RT_LIBCALLS; i++) {
        write_address(e, (const void *)&e->limit.is_over);
        dv_bytebuf_bytes(&e->bytes, test, sizeof test);
        dv_bytebuf_bytes(&e->bytes, je, sizeof je);
        write_trap(e, traps);
        write_address(e, dv_rt_libcall_at((RtLibcall)i));
        dv_bytebuf_bytes(&e->bytes, jmp_r11, sizeof jmp_r11);
        dv_bytebuf_align(&e->bytes, BRIDGE_BYTES, PADDING);
    }
}

/* What stands for a function that is not there. */
static void write_missing(NativeEngine *e, Traps *traps)
{
    static const u8 movabs_rax[] = {0x48, 0xb8};
    static const u8 store_1[] = {0xc6, 0x00, 0x01}; /* mov byte [rax], 1 */
    dv_bytebuf_bytes(&e->bytes, movabs_rax, sizeof movabs_rax);
    dv_bytebuf_u64(&e->bytes, (u64)(uintptr_t)&e->is_missing, false);
    dv_bytebuf_bytes(&e->bytes, store_1, sizeof store_1);
    write_trap(e, traps);
}

/* A function and what is told of it. */
static void write_func(NativeEngine *e, const MachCode *code, Traps *traps,
                       NativeHandlers *handlers)
{
    u32 start = (u32)e->bytes.len;
    dv_bytebuf_bytes(&e->bytes, code->bytes, code->size_bytes);
    for (u32 i = 0; i < code->traps.len; i++) {
        const CodeTrap trap = {start + code->traps.data[i].offset, code->traps.data[i].code};
        vec_push(e->base.arena, traps, trap);
    }
    dv_native_add_handlers(code, start, e->base.arena, handlers);
}

static void resolve(NativeEngine *e, u32 func)
{
    const MachCode *code = &e->compiled[func]->code;
    for (u32 i = 0; i < code->relocs.len; i++) {
        const MachReloc *reloc = &code->relocs.data[i];
        u32 at = e->offsets[func] + reloc->offset;
        ASSERT(reloc->kind <= X64_RELOC_GOT && reloc->symbol.kind == MACH_SYMBOL_NAME);
        if (reloc->kind == X64_RELOC_GOT) {
            dv_x64_native.relax_got(e->bytes.data + at);
        }
        store_le32(dv_bytebuf_at(&e->bytes, at, 4),
                   find_target(e, &reloc->symbol.name) - (at + 4) + (u32)reloc->addend);
    }
}

/* Whether its frames have the instance's context. */
static bool keeps_context(const NativeEngine *e, u32 func)
{
    const Signature *own = &e->compiled[func]->func->sig;
    bool is_longer = own->num_params != e->base.file->funcs.data[func]->func.sig.num_params;
    return is_longer && own->conv == CC_wasm && own->params[0].purpose == PURPOSE_VMCTX;
}

static void link_all(NativeEngine *e)
{
    Arena *arena = e->base.arena;
    u32 count = count_funcs(e), first_type = e->module.types.len;
    NativeFunc *funcs = ARENA_ARRAY(arena, NativeFunc, count);
    NativeAdapter *adapters = ARENA_ARRAY(arena, NativeAdapter, count);
    Traps traps = {0};
    NativeHandlers handlers = {0};
    dv_bytebuf_init(&e->bytes, arena);
    e->offsets = ARENA_ARRAY(arena, u32, count);
    for (u32 i = 0; i < count; i++) {
        dv_bytebuf_align(&e->bytes, FUNC_ALIGN, PADDING);
        e->offsets[i] = (u32)e->bytes.len;
        funcs[i].offset = e->offsets[i];
        adapters[i] =
            (NativeAdapter){first_type + i, 0, NATIVE_NO_CODE}; /* entered as `call` tells */
        if (i + 1 < count && e->compiled[i] != NULL) {
            write_func(e, &e->compiled[i]->code, &traps, &handlers);
            funcs[i].size_bytes = keeps_context(e, i) ? e->compiled[i]->code.size_bytes : 0;
        } else {
            write_missing(e, &traps);
        }
    }
    write_bridges(e, &traps);
    for (u32 i = 0; i + 1 < count; i++) {
        if (e->compiled[i] != NULL) {
            resolve(e, i);
        }
    }
    e->code = (NativeCode){.funcs = funcs,
                           .num_funcs = count,
                           .adapters = adapters,
                           .num_adapters = count,
                           .traps = traps.data,
                           .num_traps = traps.len,
                           .handlers = handlers.data,
                           .num_handlers = handlers.len,
                           .shape = e->module.shape};
    if (!dv_native_load(&e->code, e->bytes.data, (u32)e->bytes.len, NULL, e->base.arena)) {
        e->error = "native code cannot be run here";
    }
}

/* ---- the instance ---------------------------------------------------------------------------------------- */

static DV_NORETURN void give_up(NativeEngine *e)
{
    dv_escape(e->base.arena->pool, DAVIT_ERROR_MEMORY);
}

/* With memories as they are now. */
static void bind(NativeEngine *e)
{
    if (dv_native_bind(e->instance, &e->code, e->module.type_ids, e->block) != DAVIT_OK) {
        give_up(e);
    }
}

static u64 *global_slots(NativeEngine *e, u32 index)
{
    return e->module.options.own_globals ? dv_native_global(&e->code, e->block, index)
                                         : e->globals + (usize)index * GLOBAL_SLOTS;
}

/* Arrays of the instance; CLIF cannot look into exceptions, so tags have nothing to carry. */
static void fill_instance(NativeEngine *e)
{
    InterpInstance *to = e->instance;
    const PulleyModule *m = &e->module.pulley;
    memcpy(to->type_ids, e->module.type_ids, m->types.len * sizeof *to->type_ids);
    for (u32 i = 0; i < m->memories.len; i++) {
        to->memories[i] = &e->memories[i];
    }
    for (u32 i = 0; i < m->tables.len; i++) {
        to->tables[i] = &e->tables[i];
    }
    for (u32 i = 0; i < m->globals.len; i++) {
        to->globals[i] = global_slots(e, i);
    }
    for (u32 i = 0; i < m->tags.len; i++) {
        to->tags[i] = ARENA_NEW(&e->store, InterpTag);
    }
}

/* Imports are functions of the instance, which are there when it has been bound: until then something else is. */
static void bind_imports(NativeEngine *e)
{
    const PulleyModule *m = &e->module.pulley;
    InterpFunc *nobody = ARENA_NEW(&e->store, InterpFunc);
    nobody->code = e->code.memory.bytes;
    for (u32 i = 0; i < m->imports.len; i++) {
        e->instance->imports[i] = nobody;
    }
    bind(e);
    for (u32 i = 0; i < m->imports.len; i++) {
        InterpFunc *own = dv_instance_func(e->instance, m->imports.len + i);
        if (own == NULL) {
            give_up(e);
        }
        e->instance->imports[i] = own;
    }
    bind(e);
}

static u32 answer_poll(void *engine, Interp *vm, u32 bits)
{
    NativeEngine *e = engine;
    return dv_time_limit_is_over(&e->limit) ? PULLEY_TRAP_interrupt
                                            : dv_engine_answer_poll(&e->base, vm, bits);
}

/* Makes it if code runs and it is not there: whoever made the engine can free it by now, if memory runs out. */
static void need_instance(NativeEngine *e)
{
    const InterpConfig config = {.stack_bytes = 1 << 16,
                                 .native_stack_bytes = STACK_BYTES,
                                 .on_poll = answer_poll,
                                 .context = e};
    const PulleyModule *m = &e->module.pulley;
    Arena *arena = &e->store;
    if (e->error != NULL || e->instance != NULL) {
        return;
    }
    e->memories = ARENA_ARRAY(arena, InterpMemory, m->memories.len + 1);
    e->tables = ARENA_ARRAY(arena, InterpTable, m->tables.len + 1);
    e->has_memory = ARENA_ARRAY(arena, bool, m->memories.len + 1);
    e->has_table = ARENA_ARRAY(arena, bool, m->tables.len + 1);
    e->globals = dv_arena_array(arena, (usize)m->globals.len + 1, VM_GLOBAL_BYTES, 16);
    e->block = dv_arena_array(arena, dv_native_block_bytes(&e->code), 1, 16);
    e->vm = dv_interp_new(&config);
    if (e->vm == NULL || dv_instance_new(e->vm, m, &e->instance) != DAVIT_OK) {
        give_up(e);
    }
    fill_instance(e);
    bind_imports(e);
}

/* ---- memories, tables, globals, segments ----------------------------------------------------------------- */

static bool grow_static(InterpMemory *memory, usize length)
{
    usize old = atomic_load(&memory->length_bytes);
    bool ok = dv_os_commit(memory->base, old, length);
    if (ok) {
        atomic_store(&memory->length_bytes, length);
    }
    return ok;
}

static void free_memory(NativeEngine *e, u32 index)
{
    InterpMemory *memory = &e->memories[index];
    e->has_memory[index] = false;
    if (memory->grow != grow_static) {
        dv_memory_free_malloc(memory);
    } else {
        dv_registry_remove_reserved(memory->base);
        dv_os_release(memory->base, RESERVED_BYTES);
        memset(memory, 0, sizeof *memory);
    }
}

static bool reserve(InterpMemory *memory)
{
    memory->base = dv_os_reserve(RESERVED_BYTES);
    if (memory->base == NULL) {
        return false;
    }
    if (!dv_registry_add_reserved(memory->base, RESERVED_BYTES)) {
        dv_os_release(memory->base, RESERVED_BYTES);
        memory->base = NULL;
        return false;
    }
    memory->grow = grow_static;
    return true;
}

/* A memory grows to 1 GiB in all, whatever its declaration allows: the evaluator has that limit too. */
static u64 most_pages(const WasmMemoryData *type)
{
    u64 limit = MEMORY_BYTES_MAX / type->page_bytes;
    return type->has_max && type->max_pages < limit ? type->max_pages : limit;
}

static bool make_static(NativeEngine *e, InterpMemory *memory, const WasmMemoryData *type,
                        u64 bytes)
{
    if (!reserve(memory)) {
        return false;
    }
    memory->max_pages = most_pages(type);
    memory->page_bytes = type->page_bytes;
    memory->shared = type->shared;
    bool ok = grow_static(memory, (usize)bytes);
    bind(e); /* code has the base */
    return ok;
}

static bool make_dynamic(InterpMemory *memory, const WasmMemoryData *type, u64 bytes)
{
    const PulleyMemory interp_type = {type->index_type == TYPE_I64, type->shared};
    u64 pages = (bytes + type->page_bytes - 1) / type->page_bytes;
    u64 most = most_pages(type);
    if (!dv_memory_init_malloc(memory, &interp_type, type->page_bytes, pages,
                               most < pages ? pages : most)) {
        return false;
    }
    atomic_store(&memory->length_bytes, (usize)bytes);
    memory->max_pages = most;
    return true;
}

static bool make_memory(NativeEngine *e, const WasmMemoryData *type, u64 bytes)
{
    InterpMemory *memory = &e->memories[type->index];
    free_memory(e, type->index);
    e->has_memory[type->index] =
        bytes <= MEMORY_BYTES_MAX &&
        (dv_native_module_is_static(&e->module, type) ? make_static(e, memory, type, bytes)
                                                      : make_dynamic(memory, type, bytes));
    return e->has_memory[type->index];
}

static bool make_table(NativeEngine *e, const WasmTableData *type, u64 count)
{
    const PulleyTable interp_type = {.index64 = type->index_type == TYPE_I64};
    InterpTable *table = &e->tables[type->index];
    u64 most = type->has_max && type->max < TABLE_ELEMS_MAX ? type->max : TABLE_ELEMS_MAX;
    dv_table_free_malloc(table);
    e->has_table[type->index] = count <= TABLE_ELEMS_MAX &&
                                dv_table_init_malloc(table, &interp_type, (u32)count, (u32)most);
    return e->has_table[type->index];
}

/* Makes what no setup has made; false if it is too large. */
static bool make_rest(NativeEngine *e)
{
    for (u32 i = 0; i < e->module.pulley.memories.len; i++) {
        const WasmMemoryData *m = dv_native_module_memory(&e->module, e->owner, i);
        if (m != NULL && !e->has_memory[i] &&
            (m->min_pages > MEMORY_BYTES_MAX / m->page_bytes ||
             !make_memory(e, m, m->min_pages * m->page_bytes))) {
            return false;
        }
    }
    for (u32 i = 0; i < e->module.pulley.tables.len; i++) {
        const WasmTableData *t = dv_native_module_table(&e->module, e->owner, i);
        if (t != NULL && !e->has_table[i] && !make_table(e, t, t->min)) {
            return false;
        }
    }
    return true;
}

static void free_objects(NativeEngine *e)
{
    for (u32 i = 0; e->instance != NULL && i < e->module.pulley.memories.len; i++) {
        free_memory(e, i);
    }
    for (u32 i = 0; e->instance != NULL && i < e->module.pulley.tables.len; i++) {
        dv_table_free_malloc(&e->tables[i]);
        e->has_table[i] = false;
    }
}

static void reset(Engine *engine, const ClifFunc *owner)
{
    NativeEngine *e = (NativeEngine *)engine;
    const PulleyModule *m = &e->module.pulley;
    e->owner = owner;
    need_instance(e);
    if (e->instance == NULL) {
        return;
    }
    free_objects(e);
    for (u32 i = 0; i < m->globals.len; i++) {
        memset(global_slots(e, i), 0, VM_GLOBAL_BYTES);
    }
    for (u32 i = 0; i < m->data_count; i++) {
        e->instance->datas[i] = (InterpSegment){NULL, 0};
    }
    for (u32 i = 0; i < m->elems.len; i++) {
        e->instance->elems[i] = (InterpSegment){NULL, 0};
    }
    dv_arena_release(&e->objects);
}

static bool set_memory(Engine *engine, u32 index, u64 bytes)
{
    NativeEngine *e = (NativeEngine *)engine;
    const WasmMemoryData *type = dv_native_module_memory(&e->module, e->owner, index);
    return e->instance != NULL && type != NULL && index < e->module.pulley.memories.len &&
           make_memory(e, type, bytes);
}

static u8 *memory(Engine *engine, u32 index, u64 *bytes)
{
    NativeEngine *e = (NativeEngine *)engine;
    if (e->instance == NULL || index >= e->module.pulley.memories.len || !e->has_memory[index]) {
        return NULL;
    }
    *bytes = atomic_load(&e->memories[index].length_bytes);
    return e->memories[index].base;
}

static bool set_table(Engine *engine, u32 index, u64 elems)
{
    NativeEngine *e = (NativeEngine *)engine;
    const WasmTableData *type = dv_native_module_table(&e->module, e->owner, index);
    return e->instance != NULL && type != NULL && index < e->module.pulley.tables.len &&
           make_table(e, type, elems);
}

static u32 *table(Engine *engine, u32 index, u64 *elems)
{
    NativeEngine *e = (NativeEngine *)engine;
    if (e->instance == NULL || index >= e->module.pulley.tables.len || !e->has_table[index]) {
        return NULL;
    }
    *elems = e->tables[index].count;
    return e->tables[index].elems;
}

static bool set_global(Engine *engine, u32 index, EvalValue value)
{
    NativeEngine *e = (NativeEngine *)engine;
    const WasmGlobalData *type = dv_native_module_global(&e->module, e->owner, index);
    if (e->instance == NULL || type == NULL || type->type != value.type) {
        return false;
    }
    memcpy(global_slots(e, index), value.bytes, type_bytes(value.type));
    return true;
}

static bool global(Engine *engine, u32 index, EvalValue *value)
{
    NativeEngine *e = (NativeEngine *)engine;
    const WasmGlobalData *type = dv_native_module_global(&e->module, e->owner, index);
    if (e->instance == NULL || type == NULL) {
        return false;
    }
    *value = (EvalValue){type->type, (u8 *)global_slots(e, index)};
    return true;
}

/* Segments that no code names are let go. */
static bool set_data(Engine *engine, u32 index, const u8 *bytes, u64 len)
{
    NativeEngine *e = (NativeEngine *)engine;
    if (e->instance != NULL && index < e->module.pulley.data_count) {
        dv_engine_set_segment(&e->objects, &e->instance->datas[index], bytes, len, 1);
    }
    return true;
}

static bool set_elem(Engine *engine, u32 index, const u32 *refs, u64 len)
{
    NativeEngine *e = (NativeEngine *)engine;
    if (e->instance != NULL && index < e->module.pulley.elems.len) {
        dv_engine_set_segment(&e->objects, &e->instance->elems[index], refs, len, sizeof *refs);
    }
    return true;
}

static u32 func_ref(Engine *engine, const ClifFunc *f)
{
    NativeEngine *e = (NativeEngine *)engine;
    u32 func = dv_native_module_find(&e->module, &f->func.name);
    return e->instance == NULL ? 0 : e->instance->imports[func]->handle;
}

/* ---- entering -------------------------------------------------------------------------------------------- */

static void write_param(TextBuf *text, const Param *p)
{
    char name[32];
    static const char *const extensions[] = {"", " uext", " sext"};
    dv_text_printf(text, "%s%s", dv_type_name(p->type, name), extensions[p->extension]);
    if (p->purpose == PURPOSE_SARG) {
        dv_text_printf(text, " sarg(%u)", (unsigned)p->sarg_bytes);
    } else if (p->purpose != PURPOSE_NORMAL) {
        dv_text_printf(text, "%s", p->purpose == PURPOSE_SRET ? " sret" : " vmctx");
    }
}

static void write_params(TextBuf *text, const Param *params, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(text, i == 0 ? "" : ", ");
        write_param(text, &params[i]);
    }
}

/* Loads an argument: of a narrow integer all 64 bits, of which it does not define the high ones. */
static void write_load(TextBuf *text, u32 i, Type type)
{
    char name[32];
    unsigned at = (unsigned)(i * VALUE_BYTES), v = (unsigned)(10 + 4 * i);
    dv_type_name(type, name);
    if (type == TYPE_I128) {
        dv_text_printf(text, "v%u = load.i64 v2+%u\nv%u = load.i64 v2+%u\nv%u = iconcat v%u, v%u\n",
                       v + 1, at, v + 2, at + 8, v, v + 1, v + 2);
    } else if (type_is_int(type) && type != TYPE_I64) {
        dv_text_printf(text, "v%u = load.i64 v2+%u\nv%u = ireduce.%s v%u\n", v + 1, at, v, name,
                       v + 1);
    } else {
        dv_text_printf(text, "v%u = load.%s v2+%u\n", v, name, at);
    }
}

/* Stores result i of a call whose first one is `first`; two more numbers for it are at `halves`. */
static void write_store(TextBuf *text, u32 i, u32 first, u32 halves, Type type)
{
    unsigned at = (unsigned)(i * VALUE_BYTES), v = (unsigned)(first + i);
    if (type == TYPE_I128) {
        dv_text_printf(text, "v%u, v%u = isplit v%u\nstore v%u, v2+%u\nstore v%u, v2+%u\n", halves,
                       halves + 1, v, halves, at, halves + 1, at + 8);
    } else {
        dv_text_printf(text, "store v%u, v2+%u\n", v, at);
    }
}

/* The function that calls one of this signature, whose first `lead` parameters are the context. The pinned register is C's too,
 * so it is given back. */
static void write_enter(TextBuf *text, const Signature *sig, u32 lead, bool pins)
{
    u32 first = 10 + 4 * sig->num_params;
    dv_text_printf(text, "function %%enter(i64, i64, i64) system_v {\nsig0 = (");
    write_params(text, sig->params, sig->num_params);
    dv_text_printf(text, ")%s", sig->num_results == 0 ? "" : " -> ");
    write_params(text, sig->results, sig->num_results);
    dv_text_printf(text, " %s\nblock0(v0: i64, v1: i64, v2: i64):\n%s",
                   dv_callconv_names[sig->conv], pins ? "v3 = get_pinned_reg.i64\n" : "");
    for (u32 i = lead; i < sig->num_params; i++) {
        write_load(text, i - lead, sig->params[i].type);
    }
    for (u32 i = 0; i < sig->num_results; i++) {
        dv_text_printf(text, "%sv%u", i == 0 ? "" : ", ", (unsigned)(first + i));
    }
    dv_text_printf(text, "%scall_indirect sig0, v0(", sig->num_results == 0 ? "" : " = ");
    for (u32 i = 0; i < sig->num_params; i++) {
        unsigned v = i < lead ? 1 : (unsigned)(10 + 4 * (i - lead));
        dv_text_printf(text, "%sv%u", i == 0 ? "" : ", ", v);
    }
    dv_text_printf(text, ")\n%s", pins ? "set_pinned_reg v3\n" : "");
    for (u32 i = 0; i < sig->num_results; i++) {
        write_store(text, i, first, first + sig->num_results + 2 * i, sig->results[i].type);
    }
    dv_text_printf(text, "return\n}\n");
}

/* NULL, or why there is none: makes what calls that function. */
static const char *make_enter(NativeEngine *e, u32 func, Arena *arena)
{
    const Signature *sig = &e->compiled[func]->func->sig; /* may have a vmctx in front */
    u32 lead = sig->num_params - e->base.file->funcs.data[func]->func.sig.num_params;
    CompileOptions options = {.check = true, .pinned_register = e->pins};
    CompiledFunc compiled = {0};
    ClifFile file;
    TextBuf text;
    Diag diag;
    Arena scratch;
    ExecMemory *memory = &e->enters[func];
    dv_text_init(&text, arena);
    dv_diag_init(&diag, arena);
    write_enter(&text, sig, lead, e->pins);
    dv_arena_init(&scratch, arena->pool);
    bool ok = dv_clif_parse(&file, arena, (Str){text.data, (u32)text.length}, &diag) &&
              dv_compile(&dv_x64_isa, &options, &file.funcs.data[0]->func, arena, &scratch, &diag,
                         &compiled);
    dv_arena_release(&scratch);
    if (!ok) {
        return dv_diag_first(&diag) == NULL ? "no reason given" : dv_diag_first(&diag)->text;
    }
    ASSERT(compiled.code.relocs.len == 0);
    if (!dv_exec_alloc(memory, compiled.code.size_bytes)) {
        return "no executable memory";
    }
    memcpy(memory->bytes, compiled.code.bytes, compiled.code.size_bytes);
    return dv_exec_seal(memory) ? NULL : "memory cannot be made executable";
}

/* ---- calls ----------------------------------------------------------------------------------------------- */

/* High bits that a parameter does not define are garbage. */
static void put_value(u64 *to, const Param *param, const u8 *bytes)
{
    to[0] = to[1] = GARBAGE;
    memcpy(to, bytes, type_bytes(param->type));
}

static void take_results(const Signature *sig, const u64 *slots, Arena *arena, EvalResult *out)
{
    out->outcome = EVAL_RETURNED;
    out->num_values = sig->num_results;
    out->values = ARENA_ARRAY(arena, EvalValue, sig->num_results + 1);
    for (u32 i = 0; i < sig->num_results; i++) {
        u32 size = type_bytes(sig->results[i].type);
        u8 *bytes = ARENA_ARRAY(arena, u8, size);
        memcpy(bytes, slots + (usize)i * VALUE_SLOTS, size);
        out->values[i] = (EvalValue){sig->results[i].type, bytes};
    }
}

static void fail(EngineResult *out, const char *reason, bool is_hole)
{
    out->eval.outcome = EVAL_ERROR;
    out->eval.reason = reason;
    out->is_hole = is_hole;
}

static bool is_wide(const Param *params, u32 count)
{
    bool is_one = false;
    for (u32 i = 0; i < count; i++) {
        is_one = is_one || type_bytes(params[i].type) > VALUE_BYTES;
    }
    return is_one;
}

static u32 number_of(const NativeEngine *e, const ClifFunc *f)
{
    u32 number = 0;
    while (e->base.file->funcs.data[number] != f) {
        number++;
    }
    return number;
}

/* Why the function cannot be called; NULL. Then what it needs is there. */
static const char *prepare_call(NativeEngine *e, u32 number, Arena *arena)
{
    const Signature *sig = &e->base.file->funcs.data[number]->func.sig;
    if (e->error != NULL || e->compiled[number] == NULL) {
        return e->error != NULL ? e->error : e->errors[number];
    }
    need_instance(e);
    e->owner = e->owner == NULL ? e->base.file->funcs.data[number] : e->owner;
    if (!make_rest(e)) {
        return "a memory or table that cannot be had";
    }
    if (is_wide(sig->params, sig->num_params) || is_wide(sig->results, sig->num_results)) {
        return "a type of more than 128 bits";
    }
    return e->enters[number].bytes == NULL ? make_enter(e, number, arena) : NULL;
}

static void run(NativeEngine *e, InterpFunc *func, const Signature *sig, u64 *slots, Arena *arena,
                EngineResult *out)
{
    u64 fuel = UINT64_MAX - 1;
    dv_interp_set_fuel(e->vm, fuel);
    e->is_missing = e->base.is_over_budget = false;
    e->base.polls = 0;
    if (e->base.options.max_steps != 0) {
        dv_interp_notify(e->vm);
    }
    dv_time_limit_start(&e->limit, e->vm, e->base.options.max_ns);
    InterpOutcome outcome = dv_interp_call(e->vm, func, slots);
    bool took_too_long = dv_time_limit_stop(&e->limit) && outcome == INTERP_TRAPPED;
    out->eval.fuel_used = fuel - dv_interp_fuel(e->vm);
    out->eval.outcome = EVAL_TRAPPED;
    if (took_too_long || e->base.is_over_budget) {
        out->eval.outcome = EVAL_OUT_OF_STEPS;
    } else if (e->is_missing) {
        fail(out, "calls what is not there", true);
    } else if (outcome == INTERP_RETURNED) {
        take_results(sig, slots, arena, &out->eval);
    } else if (outcome == INTERP_TRAPPED) {
        out->eval.trap = (TrapCode)dv_interp_trap(e->vm)->code;
    } else if (outcome == INTERP_THREW) {
        out->eval.trap = TRAP_exception;
    } else {
        fail(out, "memory ran out", false);
    }
}

static void call(Engine *engine, const ClifFunc *f, const EvalValue *args, Arena *arena,
                 EngineResult *out)
{
    NativeEngine *e = (NativeEngine *)engine;
    const Signature *sig = &f->func.sig;
    u32 number = number_of(e, f);
    const char *error = prepare_call(e, number, arena);
    *out = (EngineResult){.is_hole = false};
    if (error != NULL) {
        fail(out, error, true);
        return;
    }
    u32 most = sig->num_params > sig->num_results ? sig->num_params : sig->num_results;
    u64 *slots = dv_arena_array(arena, (usize)most + 1, VALUE_BYTES, 16);
    for (u32 i = 0; i < sig->num_params; i++) {
        put_value(slots + (usize)i * VALUE_SLOTS, &sig->params[i], args[i].bytes);
    }
    /* Of those that share a type each has an adapter of its own, in place of the one of the type. */
    InterpFunc *func = e->instance->imports[number];
    func->enter = e->enters[number].bytes;
    run(e, func, sig, slots, arena, out);
}

/* ---- engines --------------------------------------------------------------------------------------------- */

/* Goes on behind debugtrap, which no runtime has a use for. */
static void on_debugtrap(int number)
{
    (void)number;
}

static void catch_debugtraps(const ClifFile *file)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_debugtrap;
    for (u32 i = 0; i < file->funcs.len; i++) {
        if (uses(&file->funcs.data[i]->func, OP_debugtrap)) {
            sigaction(SIGTRAP, &action, NULL);
        }
    }
}

static void free_engine(Engine *engine)
{
    NativeEngine *e = (NativeEngine *)engine;
    free_objects(e);
    dv_interp_free(e->vm);
    dv_native_unload(&e->code);
    for (u32 i = 0; i < e->base.file->funcs.len; i++) {
        dv_exec_free(&e->enters[i]);
    }
    dv_arena_release(&e->objects);
    dv_arena_release(&e->store);
}

bool dv_engine_native_is(const char *target)
{
    return strcmp(target, dv_x64_isa.name) == 0 && dv_native_is_supported();
}

u32 dv_engine_native_count(void)
{
    return ARRAY_LEN(variants);
}

Engine *dv_engine_native_new(const ClifFile *file, Arena *arena, const EngineOptions *options)
{
    static const EngineOps ops = {free_engine, reset,  set_memory, memory,   set_table, table,
                                  set_global,  global, set_data,   set_elem, func_ref,  call};
    NativeEngine *e = ARENA_NEW(arena, NativeEngine);
    u32 count = file->funcs.len;
    e->base = (Engine){.ops = &ops,
                       .label = variants[options->variant].label,
                       .is_raw = true,
                       .file = file,
                       .arena = arena,
                       .options = *options};
    e->compiled = ARENA_ARRAY(arena, CompiledFunc *, count + 1);
    e->errors = ARENA_ARRAY(arena, const char *, count + 1);
    e->enters = ARENA_ARRAY(arena, ExecMemory, count + 1);
    dv_arena_init(&e->objects, arena->pool);
    dv_arena_init(&e->store, arena->pool);
    const NativeModuleOptions module = {.is_static = variants[options->variant].is_static,
                                        .own_globals = variants[options->variant].is_static};
    dv_native_module_init(&e->module, file, arena, &module);
    catch_debugtraps(file);
    compile_all(e);
    link_all(e);
    return &e->base;
}

#else

bool dv_engine_native_is(const char *target)
{
    (void)target;
    return false;
}

u32 dv_engine_native_count(void)
{
    return 0;
}

Engine *dv_engine_native_new(const ClifFile *file, Arena *arena, const EngineOptions *options)
{
    (void)file;
    (void)arena;
    (void)options;
    return NULL;
}

#endif
