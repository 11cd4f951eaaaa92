/* engine_native.c - this machine as an engine: the functions of a file compiled, linked in executable memory, and called.
 *
 * All functions that compile lie in one block of memory, each aligned, with a stub behind them that calls of anything
 * else go to. Arguments and results travel as words, placed as the convention says: a piece of code, the gate, puts words into
 * all registers of arguments and as many into memory as there may be, calls, and stores all registers of results; what a
 * function does not expect does no harm. No C function could be called for all of that.
 *
 * Traps are signals: ud2, whose place tells the code; an access of memory that is not there. The handler leaves the call by
 * siglongjmp: generated code owns nothing. Plain memory is this process's. There is no limit on steps. Memories, tables and
 * globals are those of native_vm.h: one variant has dynamic memories, the other static ones. Where a file has them, its
 * functions of convention fast, which is nobody's in particular, get the one that passes a vmctx. What does not
 * compile is a hole.
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
#include "codegen/isa/x64/encode.h"
#include "codegen/isa/x64/x64_isa.h"
#include "rt/cpu.h"
#include "rt/exec.h"
#include "rt/libcalls.h"
#include "tools/native_vm.h"

enum {
    FUNC_ALIGN = 16,
    BRIDGE_BYTES = 16,
    MEMORY_WORDS_MAX = 18, /* of arguments; even, for the stack's alignment */
    /* words of arguments: general registers, two for each xmm register, memory */
    XMM_WORD = X64_ARG_GENERAL,
    MEMORY_WORD = XMM_WORD + 2 * X64_ARG_XMM,
    WORDS = MEMORY_WORD + MEMORY_WORDS_MAX,
    GATE_BYTES_MAX = 512,
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
    u32 gate;                /* offset of what calls functions */
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

static void pass_vmctx(Func *f)
{
    f->sig.conv = f->sig.conv == CC_fast ? CC_wasm : f->sig.conv;
    for (u32 n = 0; n < f->sigs.len; n++) {
        f->sigs.data[n].conv = f->sigs.data[n].conv == CC_fast ? CC_wasm : f->sigs.data[n].conv;
    }
}

static void compile_all(NativeEngine *e, const ClifFile *file, const EngineOptions *options)
{
    Arena *arena = e->base.arena;
    CompileOptions compile = {.allocator = options->allocator,
                              .check = true,
                              .features =
                                  variants[options->variant].uses_all ? dv_cpu_x64_features() : 0};
    compile.no_heap_guard = compile.no_table_guard = !variants[options->variant].uses_all;
    Arena scratch;
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
            e->compiled[i] = result;
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

/* ---- the gate ------------------------------------------------------------------------------------------------ */

/* What a function leaves in the registers of results. */
typedef struct Results {
    u64 general[2];
    u64 xmm[2][2];
} Results;
typedef void Gate(const u8 *code, const u64 *words, Results *results);

static void write_2(u8 **at, X64Op op, X64Operand a, X64Operand b)
{
    X64Operand operands[] = {a, b};
    X64Code code;
    dv_x64_encode(op, operands, &code);
    memcpy(*at, code.bytes, code.size_bytes);
    *at += code.size_bytes;
}

static X64Operand word_at(u32 base, u32 index)
{
    return x64_memory(x64_base(base, (i32)(8 * index)));
}

/* As Gate says. rbx holds the results' place meanwhile, rax the code, r10 the words. */
static void write_gate(u8 *to)
{
    static const u8 args[X64_ARG_GENERAL] = {X64_RDI, X64_RSI, X64_RDX, X64_RCX, 8, 9};
    enum { R10 = 10 };
    u8 *at = to;
    X64Operand none = {0}, stack = x64_register(X64_RSP), saved = x64_register(X64_RBX);
    write_2(&at, X64_push, x64_register(X64_RBP), none);
    write_2(&at, X64_mov64, x64_register(X64_RBP), stack);
    write_2(&at, X64_push, saved, none);
    write_2(&at, X64_mov64, saved, x64_register(X64_RDX));
    write_2(&at, X64_mov64, x64_register(X64_RAX), x64_register(X64_RDI));
    write_2(&at, X64_mov64, x64_register(R10), x64_register(X64_RSI));
    write_2(&at, X64_sub64_i, stack, x64_number(8 * MEMORY_WORDS_MAX + 8));
    for (u32 i = 0; i < MEMORY_WORDS_MAX; i++) {
        write_2(&at, X64_mov64, x64_register(X64_RCX), word_at(R10, MEMORY_WORD + i));
        write_2(&at, X64_mov64_mr, word_at(X64_RSP, i), x64_register(X64_RCX));
    }
    for (u32 i = 0; i < X64_ARG_XMM; i++) {
        write_2(&at, X64_movups, x64_register(i), word_at(R10, XMM_WORD + 2 * i));
    }
    for (u32 i = 0; i < X64_ARG_GENERAL; i++) {
        write_2(&at, X64_mov64, x64_register(args[i]), word_at(R10, i));
    }
    write_2(&at, X64_call_rm, x64_register(X64_RAX), none);
    write_2(&at, X64_mov64_mr, word_at(X64_RBX, 0), x64_register(X64_RAX));
    write_2(&at, X64_mov64_mr, word_at(X64_RBX, 1), x64_register(X64_RDX));
    write_2(&at, X64_movups_mr, word_at(X64_RBX, 2), x64_register(0));
    write_2(&at, X64_movups_mr, word_at(X64_RBX, 4), x64_register(1));
    write_2(&at, X64_mov64, saved, x64_memory(x64_base(X64_RBP, -8)));
    write_2(&at, X64_leave, none, none);
    write_2(&at, X64_ret, none, none);
    ASSERT(at - to <= GATE_BYTES_MAX);
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
    e->gate = e->bridges + RT_LIBCALLS * BRIDGE_BYTES;
    e->code_bytes = e->gate + GATE_BYTES_MAX;
    if (!dv_exec_alloc(&e->memory, e->code_bytes)) {
        e->error = "no executable memory";
        return;
    }
    memcpy(e->memory.bytes + at, stub, sizeof stub);
    write_bridges(e);
    write_gate(e->memory.bytes + e->gate);
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

static DV_NOINLINE void enter(const NativeEngine *e, u32 func, const u64 *words, Results *results)
{
    const u8 *code = e->memory.bytes + e->gate;
    Gate *gate;
    memcpy(&gate, &code, sizeof gate);
    gate(e->memory.bytes + e->offsets[func], words, results);
}

/* The word of a place that dv_x64_arg_places tells. */
static u32 word_of_place(u32 place)
{
    return place < X64_ARG_GENERAL ? place
           : place < X64_ARG_REGS  ? XMM_WORD + 2 * (place - X64_ARG_GENERAL)
                                   : MEMORY_WORD + place - X64_ARG_REGS;
}

/* High bits that a parameter does not define are garbage. */
static void put_value(u64 *words, const Param *param, const u8 *bytes)
{
    u8 wide[16] = {0};
    u32 bits = type_bits(param->type);
    memcpy(wide, bytes, type_bytes(param->type));
    words[0] = load_le64(wide);
    if (bits > 64) {
        words[1] = load_le64(wide + 8);
    } else if (bits < 64) {
        u64 high = UINT64_MAX << bits;
        bool is_negative = (words[0] >> (bits - 1) & 1) != 0;
        words[0] |= param->extension == EXT_NONE                  ? GARBAGE & high
                    : param->extension == EXT_SEXT && is_negative ? high
                                                                  : 0;
    }
}

static void take_results(const Signature *sig, const Results *results, Arena *arena,
                         EvalResult *out)
{
    u8 general[16], xmm[32];
    for (u32 i = 0; i < 2; i++) {
        store_le64(general + 8 * i, results->general[i]);
        store_le64(xmm + 16 * i, results->xmm[i][0]);
        store_le64(xmm + 16 * i + 8, results->xmm[i][1]);
    }
    out->outcome = EVAL_RETURNED;
    out->num_values = sig->num_results;
    out->values = ARENA_ARRAY(arena, EvalValue, sig->num_results + 1);
    u32 at = 0, xmm_at = 0;
    for (u32 i = 0; i < sig->num_results; i++) {
        bool is_int = type_is_int(sig->results[i].type);
        u32 size = type_bytes(sig->results[i].type);
        u8 *bytes = ARENA_ARRAY(arena, u8, size);
        memcpy(bytes, is_int ? general + at : xmm + xmm_at, size);
        out->values[i] = (EvalValue){sig->results[i].type, bytes};
        at += is_int ? 8 : 0;
        xmm_at += is_int ? 0 : 16;
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
static void run(const NativeEngine *e, u32 func, const u64 *words, Results *results, Activation *a)
{
    stack_t old;
    a->number = 0;
    catch_signals(a->stack, &old);
    activation = a;
    if (sigsetjmp(a->env, 1) == 0) {
        enter(e, func, words, results);
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
    u64 words[WORDS] = {0};
    u32 *places = ARENA_ARRAY(arena, u32, sig->num_params + 2);
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
    if (dv_x64_arg_places(own, places) > X64_ARG_REGS + MEMORY_WORDS_MAX) {
        fail(out, "too many arguments for a call from C", true);
        return;
    }
    if (lead != 0) {
        words[word_of_place(places[0])] = (u64)(uintptr_t)dv_native_vm_ctx(e->vm);
    }
    for (u32 i = 0; i < sig->num_params; i++) {
        put_value(words + word_of_place(places[i + lead]), &sig->params[i], args[i].bytes);
    }
    Activation a;
    Results results = {{0, 0}, {{0, 0}, {0, 0}}};
    a.stack = ARENA_ARRAY(arena, u64, SIGNAL_STACK_BYTES / sizeof(u64));
    run(e, number, words, &results, &a);
    if (a.number != 0) {
        explain(e, &a, out);
    } else {
        take_results(sig, &results, arena, &out->eval);
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
    dv_exec_free(&((NativeEngine *)engine)->memory);
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
