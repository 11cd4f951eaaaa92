/* engine_native.c - this machine as an engine: the functions of a file compiled, linked in executable memory, and called.
 *
 * All functions that compile lie in one block of memory, each aligned, with a stub behind them that calls of anything
 * else go to, and jumps to C functions. A function of any signature and convention is called by way of another one,
 * written in CLIF and compiled when it is first wanted: `system_v` (code, arguments, results), which loads the arguments
 * from memory, calls, and stores the results, 16 bytes each.
 *
 * Traps are signals: ud2, whose place tells the code; an access of memory that is not there. The handler leaves the call by
 * siglongjmp: generated code owns nothing. Plain memory is this process's. There is no limit on steps. Memories, tables and
 * globals are those of native_vm.h: one variant has dynamic memories, the other static ones. Where a file has them, its
 * functions get the convention that passes a vmctx. What does not compile is a hole.
 */
#if defined(__x86_64__) && defined(__LP64__) && defined(__unix__)
#define HAS_NATIVE 1
#define _XOPEN_SOURCE 700 /* sigaltstack */
#else
#define HAS_NATIVE 0
#endif

#include "tools/engine.h"

#if HAS_NATIVE
#include <setjmp.h>
#include <signal.h>

#include "base/bytes.h"
#include "codegen/compile.h"
#include "codegen/ir/print.h"
#include "codegen/isa/x64/x64_isa.h"
#include "rt/cpu.h"
#include "rt/exec.h"
#include "rt/libcalls.h"
#include "tools/native_vm.h"

enum {
    FUNC_ALIGN = 16,
    BRIDGE_BYTES = 16,
    VALUE_BYTES = 16, /* of an argument or result in memory */
    SIGNAL_STACK_BYTES = 1 << 16,
    STACK_REACH_BYTES = 64 << 20 /* an access so far below the caller's frame is the stack's */
};

/* What undefined high bits of arguments are. */
#define GARBAGE 0xa5a5a5a55a5a5a5au

typedef struct NativeEngine {
    Engine base;
    CompiledFunc **compiled; /* by function of the file; NULL */
    const char **errors;     /* why it is not there */
    u32 *offsets;            /* in the memory */
    u32 stub;                /* offset of what stands for what is not there */
    u32 bridges;             /* offset of the jumps to functions of rt/libcalls.def */
    ExecMemory *enters;      /* by function of the file: what calls it; empty until it is wanted */
    bool pins;               /* some function uses the pinned register */
    u32 code_bytes;
    ExecMemory memory;
    const char *error; /* why nothing runs; NULL */
    NativeVm *vm;
    bool is_wasm; /* the functions of the file use runtime entities */
} NativeEngine;

/* Without extensions of the instruction set, and with all that this machine has; memories, bounds and globals in their
 * several ways. */
static const struct {
    const char *label;
    bool uses_all;
} variants[] = {{"baseline", false}, {"all features", true}};

/* ---- compiling and linking ------------------------------------------------------------------------------- */

/* Whether a function uses runtime entities, and all of the file may pass a vmctx: no C function is called by convention
 * fast. */
static bool is_wasm(const ClifFile *file)
{
    bool uses = false;
    for (u32 i = 0; i < file->funcs.len; i++) {
        const Func *f = &file->funcs.data[i]->func;
        for (u32 n = 0; n < f->insts.len; n++) {
            uses = uses || f->insts.data[n].op >= OP_heap_load;
        }
        for (u32 n = 0; n < f->funcs.len; n++) {
            if (f->funcs.data[n].name.kind == NAME_LIBCALL) {
                return false;
            }
        }
    }
    return uses;
}

static bool uses_pinned(const Func *f)
{
    bool uses = false;
    for (u32 i = 0; i < f->insts.len; i++) {
        Op op = (Op)f->insts.data[i].op;
        uses = uses || op == OP_get_pinned_reg || op == OP_set_pinned_reg;
    }
    return uses;
}

/* Of a signature without structures, which convention wasm does not pass. */
static void pass_vmctx_by(Signature *sig)
{
    bool is_plain = sig->conv == CC_fast || sig->conv == CC_tail || sig->conv == CC_system_v;
    for (u32 i = 0; i < sig->num_params; i++) {
        is_plain = is_plain && sig->params[i].purpose == PURPOSE_NORMAL;
    }
    sig->conv = is_plain ? CC_wasm : sig->conv;
}

static void pass_vmctx(Func *f)
{
    pass_vmctx_by(&f->sig);
    for (u32 n = 0; n < f->sigs.len; n++) {
        pass_vmctx_by(&f->sigs.data[n]);
    }
}

/* Why the function cannot be run; NULL. */
static const char *what_is_missing(const CompiledFunc *f)
{
    for (u32 i = 0; i < f->code.calls.len; i++) {
        if (f->code.calls.data[i].num_handlers != 0) {
            return "exceptions are not caught here";
        }
    }
    for (u32 i = 0; i < f->code.relocs.len; i++) {
        if (f->code.relocs.data[i].kind == X64_RELOC_TLSGD) {
            return "a file does not define thread-local data";
        }
    }
    return NULL;
}

static void compile_all(NativeEngine *e, const ClifFile *file, const EngineOptions *options)
{
    Arena *arena = e->base.arena;
    CompileOptions compile = {.allocator = options->allocator,
                              .check = true,
                              .features =
                                  variants[options->variant].uses_all ? dv_cpu_x64_features() : 0};
    compile.no_heap_guard = compile.no_table_guard = !variants[options->variant].uses_all;
    compile.landing_pads = variants[options->variant].uses_all;
    Arena scratch;
    for (u32 i = 0; i < file->funcs.len; i++) {
        e->pins = e->pins || uses_pinned(&file->funcs.data[i]->func);
    }
    compile.pinned_register = e->pins;
    dv_arena_init(&scratch, arena->pool);
    for (u32 i = 0; i < file->funcs.len; i++) {
        CompiledFunc *result = ARENA_NEW(arena, CompiledFunc);
        Func *copy = ARENA_NEW(arena, Func);
        Diag diag;
        dv_diag_init(&diag, arena);
        dv_func_copy(copy, &file->funcs.data[i]->func, arena);
        VmOptions vm;
        dv_native_vm_prepare(e->vm, copy, &vm);
        if (e->is_wasm) {
            pass_vmctx(copy);
        }
        compile.vm = &vm;
        if (dv_compile(&dv_x64_isa, &compile, copy, arena, &scratch, &diag, result)) {
            e->errors[i] = what_is_missing(result);
            e->compiled[i] = e->errors[i] == NULL ? result : NULL;
        } else {
            const DiagMessage *first = dv_diag_first(&diag);
            e->errors[i] = first == NULL ? "no reason given" : first->text;
        }
    }
    dv_arena_release(&scratch);
}

/* Where the function of that name is; of several the last one is meant. */
static u32 find_target(const NativeEngine *e, const ExtName *name)
{
    const ClifFile *file = e->base.file;
    if (name->kind == NAME_USER && name->space == NATIVE_VM_NAMES) {
        return e->compiled[name->index] != NULL ? e->offsets[name->index] : e->stub;
    }
    for (u32 i = file->funcs.len; i-- > 0;) {
        if (dv_extname_equal(&file->funcs.data[i]->func.name, name)) {
            return e->compiled[i] != NULL ? e->offsets[i] : e->stub;
        }
    }
    for (u32 i = 0; i < RT_LIBCALLS; i++) {
        const char *symbol = dv_rt_libcall_symbols[i];
        if (name->kind == NAME_TEST && name->text.len == strlen(symbol) &&
            memcmp(name->text.data, symbol, name->text.len) == 0) {
            return e->bridges + i * BRIDGE_BYTES;
        }
    }
    return e->stub;
}

/* Jumps to C functions, which may be farther away than calls reach. */
static void write_bridges(NativeEngine *e)
{
    static const u8 code[] = {0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0xff, 0xe3};
    enum { ADDRESS_AT = 2 }; /* movabs r11, address; jmp r11 */
    for (u32 i = 0; i < RT_LIBCALLS; i++) {
        u8 *at = e->memory.bytes + e->bridges + i * BRIDGE_BYTES;
        memcpy(at, code, sizeof code);
        store_le64(at + ADDRESS_AT, (u64)(uintptr_t)dv_rt_libcall_at((RtLibcall)i));
    }
}

static void copy_code(NativeEngine *e, u32 func)
{
    const MachCode *code = &e->compiled[func]->code;
    u8 *to = e->memory.bytes + e->offsets[func];
    memcpy(to, code->bytes, code->size_bytes);
    for (u32 i = 0; i < code->relocs.len; i++) {
        const MachReloc *reloc = &code->relocs.data[i];
        ASSERT(reloc->kind <= X64_RELOC_GOT && reloc->symbol.kind == MACH_SYMBOL_NAME);
        if (reloc->kind == X64_RELOC_GOT) {
            dv_x64_native.relax_got(to + reloc->offset);
        }
        u32 end = e->offsets[func] + reloc->offset + 4;
        store_le32(to + reloc->offset,
                   find_target(e, &reloc->symbol.name) - end + (u32)reloc->addend);
    }
}

static void link_all(NativeEngine *e)
{
    static const u8 stub[] = {0x0f, 0x0b}; /* ud2 */
    u32 count = e->base.file->funcs.len, at = 0;
    for (u32 i = 0; i < count; i++) {
        if (e->compiled[i] != NULL) {
            e->offsets[i] = at;
            at = (at + e->compiled[i]->code.size_bytes + FUNC_ALIGN - 1) & ~(FUNC_ALIGN - 1u);
        }
    }
    e->stub = at;
    e->bridges = at + BRIDGE_BYTES;
    e->code_bytes = e->bridges + RT_LIBCALLS * BRIDGE_BYTES;
    if (!dv_exec_alloc(&e->memory, e->code_bytes)) {
        e->error = "no executable memory";
        return;
    }
    memcpy(e->memory.bytes + at, stub, sizeof stub);
    write_bridges(e);
    for (u32 i = 0; i < count; i++) {
        if (e->compiled[i] != NULL) {
            copy_code(e, i);
        }
    }
    for (u32 i = 0; i <= count; i++) {
        bool is_there = i < count && e->compiled[i] != NULL;
        dv_native_vm_set_code(e->vm, i, e->memory.bytes + (is_there ? e->offsets[i] : e->stub));
    }
    e->error = dv_exec_seal(&e->memory) ? NULL : "memory cannot be made executable";
}

/* ---- signals --------------------------------------------------------------------------------------------- */

typedef struct Activation {
    sigjmp_buf env;
    volatile int number;
    void *volatile address; /* of the instruction, of the memory */
    void *stack;            /* for the handler */
    volatile TrapCode trap; /* of HELPER_STOPPED; TRAP_none: an error, for this reason */
    const char *volatile reason;
} Activation;

enum { HELPER_STOPPED = -1 }; /* as a signal's number */

/* The call of this thread that is under way. */
static _Thread_local Activation *activation;

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (number == SIGTRAP) { /* debugtrap: goes on behind it */
        return;
    }
    if (activation == NULL) { /* not ours: it happens again, and does what it does */
        signal(number, SIG_DFL);
        return;
    }
    activation->number = number;
    activation->address = info->si_addr;
    siglongjmp(activation->env, 1);
}

static DV_NORETURN void stop(TrapCode trap, const char *reason)
{
    CHECK(activation != NULL);
    activation->trap = trap;
    activation->reason = reason;
    activation->number = HELPER_STOPPED;
    siglongjmp(activation->env, 1);
}

static const int signals[] = {SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP};

/* From now on they are caught, on this stack in this thread. */
static void catch_signals(void *stack, stack_t *old)
{
    struct sigaction action;
    stack_t alternate = {.ss_sp = stack, .ss_size = SIGNAL_STACK_BYTES};
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaltstack(&alternate, old);
    for (usize i = 0; i < ARRAY_LEN(signals); i++) {
        sigaction(signals[i], &action, NULL);
    }
}

/* ---- calls ----------------------------------------------------------------------------------------------- */

typedef void Enter(const u8 *code, const u8 *args, u8 *results);

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
        dv_text_printf(text, "v%u = load.i64 v1+%u\nv%u = load.i64 v1+%u\nv%u = iconcat v%u, v%u\n",
                       v + 1, at, v + 2, at + 8, v, v + 1, v + 2);
    } else if (type_is_int(type) && type != TYPE_I64) {
        dv_text_printf(text, "v%u = load.i64 v1+%u\nv%u = ireduce.%s v%u\n", v + 1, at, v, name,
                       v + 1);
    } else {
        dv_text_printf(text, "v%u = load.%s v1+%u\n", v, name, at);
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

/* The function that calls one of this signature. The pinned register is C's too, so it is given back. */
static void write_enter(TextBuf *text, const Signature *sig, bool pins)
{
    u32 first = 10 + 4 * sig->num_params;
    dv_text_printf(text, "function %%enter(i64, i64, i64) system_v {\nsig0 = (");
    write_params(text, sig->params, sig->num_params);
    dv_text_printf(text, ")%s", sig->num_results == 0 ? "" : " -> ");
    write_params(text, sig->results, sig->num_results);
    dv_text_printf(text, " %s\nblock0(v0: i64, v1: i64, v2: i64):\n%s",
                   dv_callconv_names[sig->conv], pins ? "v3 = get_pinned_reg.i64\n" : "");
    for (u32 i = 0; i < sig->num_params; i++) {
        write_load(text, i, sig->params[i].type);
    }
    for (u32 i = 0; i < sig->num_results; i++) {
        dv_text_printf(text, "%sv%u", i == 0 ? "" : ", ", (unsigned)(first + i));
    }
    dv_text_printf(text, "%scall_indirect sig0, v0(", sig->num_results == 0 ? "" : " = ");
    for (u32 i = 0; i < sig->num_params; i++) {
        dv_text_printf(text, "%sv%u", i == 0 ? "" : ", ", (unsigned)(10 + 4 * i));
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
    const Signature *sig = &e->compiled[func]->func->sig;
    CompileOptions options = {.check = true, .pinned_register = e->pins};
    CompiledFunc compiled = {0};
    ClifFile file;
    TextBuf text;
    Diag diag;
    Arena scratch;
    ExecMemory *memory = &e->enters[func];
    dv_text_init(&text, arena);
    dv_diag_init(&diag, arena);
    write_enter(&text, sig, e->pins);
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

static DV_NOINLINE void enter(const NativeEngine *e, u32 func, const u8 *args, u8 *results)
{
    Enter *entry;
    memcpy(&entry, &e->enters[func].bytes, sizeof entry);
    entry(e->memory.bytes + e->offsets[func], args, results);
}

/* High bits that a parameter does not define are garbage. */
static void put_value(u8 *to, const Param *param, const u8 *bytes)
{
    store_le64(to, GARBAGE);
    store_le64(to + 8, GARBAGE);
    memcpy(to, bytes, type_bytes(param->type));
}

static void take_results(const Signature *sig, const u8 *results, Arena *arena, EvalResult *out)
{
    out->outcome = EVAL_RETURNED;
    out->num_values = sig->num_results;
    out->values = ARENA_ARRAY(arena, EvalValue, sig->num_results + 1);
    for (u32 i = 0; i < sig->num_results; i++) {
        u32 size = type_bytes(sig->results[i].type);
        u8 *bytes = ARENA_ARRAY(arena, u8, size);
        memcpy(bytes, results + i * VALUE_BYTES, size);
        out->values[i] = (EvalValue){sig->results[i].type, bytes};
    }
}

static void fail(EngineResult *out, const char *reason, bool is_hole)
{
    out->eval.outcome = EVAL_ERROR;
    out->eval.reason = reason;
    out->is_hole = is_hole;
}

/* The trap at that place of the code; TRAP_none if there is none. */
static TrapCode find_trap(const NativeEngine *e, u32 offset)
{
    for (u32 i = 0; i < e->base.file->funcs.len; i++) {
        u32 size = e->compiled[i] == NULL ? 0 : e->compiled[i]->code.size_bytes;
        for (u32 t = 0; offset - e->offsets[i] < size && t < e->compiled[i]->code.traps.len; t++) {
            if (e->compiled[i]->code.traps.data[t].offset == offset - e->offsets[i]) {
                return e->compiled[i]->code.traps.data[t].code;
            }
        }
    }
    return TRAP_none;
}

static void explain(const NativeEngine *e, const Activation *a, EngineResult *out)
{
    uintptr_t at = (uintptr_t)a->address;
    uintptr_t offset = at - (uintptr_t)e->memory.bytes;
    uintptr_t frame = (uintptr_t)a;
    out->eval.outcome = EVAL_TRAPPED;
    if (a->number == HELPER_STOPPED) {
        out->eval.trap = a->trap;
        if (a->trap == TRAP_none) {
            fail(out, a->reason, false);
        }
    } else if (a->number == SIGILL && offset == e->stub) {
        fail(out, "calls what is not there", true);
    } else if (a->number == SIGILL && offset < e->code_bytes) {
        out->eval.trap = find_trap(e, (u32)offset);
        if (out->eval.trap == TRAP_none) {
            fail(out, "an illegal instruction that is no trap", false);
        }
    } else if (a->number == SIGSEGV && at < frame && frame - at < STACK_REACH_BYTES) {
        out->eval.trap = TRAP_stk_ovf;
    } else if (a->number == SIGSEGV || a->number == SIGBUS) {
        out->eval.trap = TRAP_heap_oob;
    } else {
        fail(out, "a signal that no code of ours raises", false);
    }
}

static u32 number_of(const NativeEngine *e, const ClifFunc *f)
{
    u32 number = 0;
    while (e->base.file->funcs.data[number] != f) {
        number++;
    }
    return number;
}

/* Calls the code, and tells what came of it in *a. */
static void run(const NativeEngine *e, u32 func, const u8 *args, u8 *results, Activation *a)
{
    stack_t old;
    a->number = 0;
    catch_signals(a->stack, &old);
    activation = a;
    if (sigsetjmp(a->env, 1) == 0) {
        enter(e, func, args, results);
    }
    activation = NULL;
    sigaltstack(&old, NULL);
}

static void call(Engine *engine, const ClifFunc *f, const EvalValue *args, Arena *arena,
                 EngineResult *out)
{
    NativeEngine *e = (NativeEngine *)engine;
    const Signature *sig = &f->func.sig;
    u32 number = number_of(e, f);
    *out = (EngineResult){.is_hole = false};
    if (e->compiled[number] == NULL || e->error != NULL) {
        fail(out, e->error != NULL ? e->error : e->errors[number], true);
        return;
    }
    if (!dv_native_vm_enter(e->vm, f)) {
        fail(out, "a memory or table that cannot be had", true);
        return;
    }
    const Signature *own = &e->compiled[number]->func->sig; /* may have a vmctx in front */
    u32 lead = own->num_params - sig->num_params;
    for (u32 i = 0; i < sig->num_params + sig->num_results; i++) {
        bool is_result = i >= sig->num_params;
        Type type = is_result ? sig->results[i - sig->num_params].type : sig->params[i].type;
        if (type_bytes(type) > VALUE_BYTES) {
            fail(out, "a type of more than 128 bits", true);
            return;
        }
    }
    const char *error = e->enters[number].bytes == NULL ? make_enter(e, number, arena) : NULL;
    if (error != NULL) {
        fail(out, error, true);
        return;
    }
    u8 *words = ARENA_ARRAY(arena, u8, VALUE_BYTES * (own->num_params + 1));
    u8 *results = ARENA_ARRAY(arena, u8, VALUE_BYTES * (sig->num_results + 1));
    if (lead != 0) {
        store_le64(words, (u64)(uintptr_t)dv_native_vm_ctx(e->vm));
    }
    for (u32 i = 0; i < sig->num_params; i++) {
        put_value(words + (i + lead) * VALUE_BYTES, &sig->params[i], args[i].bytes);
    }
    Activation a;
    a.stack = ARENA_ARRAY(arena, u64, SIGNAL_STACK_BYTES / sizeof(u64));
    run(e, number, words, results, &a);
    if (a.number != 0) {
        explain(e, &a, out);
    } else {
        take_results(sig, results, arena, &out->eval);
    }
    out->eval.fuel_used = dv_native_vm_fuel_used(e->vm);
}

/* ---- memories, tables and globals ------------------------------------------------------------------------- */

static NativeVm *objects(Engine *e)
{
    return ((NativeEngine *)e)->vm;
}

static void reset(Engine *e, const ClifFunc *owner)
{
    e->is_raw = true;
    dv_native_vm_reset(objects(e), owner);
}

static bool set_memory(Engine *e, u32 index, u64 bytes)
{
    return dv_native_vm_set_memory(objects(e), index, bytes);
}

static u8 *memory(Engine *e, u32 index, u64 *bytes)
{
    return dv_native_vm_memory(objects(e), index, bytes);
}

static bool set_table(Engine *e, u32 index, u64 elems)
{
    return dv_native_vm_set_table(objects(e), index, elems);
}

static u32 *table(Engine *e, u32 index, u64 *elems)
{
    return dv_native_vm_table(objects(e), index, elems);
}

static bool set_global(Engine *e, u32 index, EvalValue value)
{
    return dv_native_vm_set_global(objects(e), index, value);
}

static bool global(Engine *e, u32 index, EvalValue *value)
{
    return dv_native_vm_global(objects(e), index, value);
}

static bool set_data(Engine *e, u32 index, const u8 *bytes, u64 len)
{
    return dv_native_vm_set_data(objects(e), index, bytes, len);
}

static bool set_elem(Engine *e, u32 index, const u32 *refs, u64 len)
{
    return dv_native_vm_set_elem(objects(e), index, refs, len);
}

static u32 func_ref(Engine *e, const ClifFunc *f)
{
    return dv_native_vm_func_ref(objects(e), f);
}

/* ---- engines --------------------------------------------------------------------------------------------- */

static void free_engine(Engine *engine)
{
    NativeEngine *e = (NativeEngine *)engine;
    dv_exec_free(&e->memory);
    for (u32 i = 0; i < e->base.file->funcs.len; i++) {
        dv_exec_free(&e->enters[i]);
    }
    dv_native_vm_free(objects(engine));
}

bool dv_engine_native_is(const char *target)
{
    return strcmp(target, dv_x64_isa.name) == 0;
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
    e->offsets = ARENA_ARRAY(arena, u32, count + 1);
    e->enters = ARENA_ARRAY(arena, ExecMemory, count + 1);
    NativeVmOptions vm = {.is_static = variants[options->variant].uses_all,
                          .own_globals = variants[options->variant].uses_all,
                          .stop = stop};
    e->vm = dv_native_vm_new(file, arena, &vm);
    e->is_wasm = is_wasm(file);
    compile_all(e, file, options);
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
