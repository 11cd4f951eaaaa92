/* module.c - a module, function by function, to an artifact.
 *
 * Each function is validated, translated and compiled in an arena that is given back when the next one begins. What stays is
 * what the linker wants of it: the bytes, relocations, its preamble, and its part of the source map. So memory is that of
 * the result and of the largest function; of one per thread, if several threads compile.
 *
 * Threads take functions one by one in the module's order. Each has its own arenas, of a pool of its own that draws on the
 * scratch arena's (base/shared_pool.h), and its own copy of the module's head, in which validation notes features; what
 * they share is read only, but for the places in the arrays by function. How far the limit on all locals together is used
 * before a function is counted beforehand. So nothing that becomes of a function depends on who compiled it, and the bytes
 * are the same for any number of threads. The same holds for errors: after one, only functions before it are still
 * compiled, and of the threads that failed the one with the first function speaks.
 *
 * When memory runs out all arenas are given back before the escape goes on.
 */
#include "base/shared_pool.h"
#include "base/threads.h"
#include "codegen/isa/x64/x64_isa.h"
#include "wasm/compile/artifact.h"

/* Functions beyond cannot all be named by short calls. */
enum { SHORT_CALLS_MAX = 65536, BYTECODE_UNIT = 4 /* bytes */ };

#define FUNC_NONE UINT32_MAX

typedef struct ModuleCompiler ModuleCompiler;

/* What one thread compiles with. */
typedef struct Worker {
    ModuleCompiler *c;
    Pool own_pool; /* if there are several workers */
    Arena kept;    /* what the linker wants */
    Arena work;    /* one function */
    Arena temp;    /* one step */
    Arena check;   /* the validator's */
    WasmModule module;
    Validator validator;
    Diag diag;
    WasmError error;
    davit_status_t status;
    u32 func;   /* at hand */
    u32 failed; /* the function with the error, or at which memory ran out; FUNC_NONE */
    u64 clif_insts, fast_fallbacks;
} Worker;

struct ModuleCompiler {
    WasmModule *module;
    const WasmCompileOptions *options;
    const Isa *isa;
    bool is_native; /* machine code, not bytecode */
    NativeTypes adapters;
    CompileOptions compile;
    Pool *pool;
    Arena kept; /* arrays by function, the linked module */
    Arena work;
    u64 *locals_before; /* by function, of all those before it */
    const CompiledFunc *
        *funcs;   /* behind those of the module: enter and leave of each type with adapters */
    Str *sources; /* by function: its part of the source map */
    SharedPool shared;
    Mutex lock; /* on what follows up to `end`, while there are several threads */
    u32 next;   /* function to take, */
    u32 done;   /* how many are compiled, */
    u32 end;    /* and which is not to be compiled */
    u32 num_workers;
    Worker *workers;
    ByteBuf *out;
    WasmCompileStats *stats;
    Diag *diag;
    WasmError *error;
    bool ok;
};

/* Sandboxed code has no addresses: that of both widths is the same. */
static const Isa *find_isa(const char *target)
{
    if (target == NULL || strcmp(target, "pulley") == 0) {
        return dv_isa_find("pulley64", 8);
    }
    return strcmp(target, dv_x64_isa.name) == 0 ? &dv_x64_isa : NULL;
}

static bool fail_func(Worker *w, u32 func, const char *why)
{
    const WasmModule *module = &w->module;
    u32 number = module->imported_funcs + func;
    Str name = dv_wasm_func_name(module, number);
    const char *quoted = dv_diag_quote(&w->work, name.data, name.len);
    bool has_name = name.len != 0;
    w->error.func = number;
    w->error.offset = module->codes.data[func].body.offset;
    dv_diag_error(&w->diag, 0, 0, "%s (function %u%s%s%s)", why, (unsigned)number,
                  has_name ? " \"" : "", has_name ? quoted : "", has_name ? "\"" : "");
    return false;
}

/* Only its preamble, in memory that stays. */
static const Func *keep_preamble(Worker *w, const Func *f)
{
    Func head = *f;
    Func *kept = ARENA_NEW(&w->kept, Func);
    memset(&head.insts, 0, sizeof head.insts);
    memset(&head.nodes, 0, sizeof head.nodes);
    memset(&head.values, 0, sizeof head.values);
    memset(&head.blocks, 0, sizeof head.blocks);
    memset(&head.pool, 0, sizeof head.pool);
    memset(&head.calls, 0, sizeof head.calls);
    memset(&head.exception_tables, 0, sizeof head.exception_tables);
    memset(&head.masks, 0, sizeof head.masks);
    memset(&head.srclocs, 0, sizeof head.srclocs);
    head.first_block = head.last_block = BLOCK_NONE;
    dv_func_copy(kept, &head, &w->kept);
    return kept;
}

/* The linker wants to know of calls that have handlers. */
static void drop_plain_calls(MachCode *code)
{
    u32 count = 0;
    for (u32 i = 0; i < code->calls.len; i++) {
        if (code->calls.data[i].num_handlers != 0) {
            code->calls.data[count++] = code->calls.data[i];
        }
    }
    code->calls.len = count;
}

static Str keep_sources(Worker *w, u32 func, const MachCode *code)
{
    ByteBuf bytes;
    u32 body = w->c->module->codes.data[func].body.offset;
    dv_bytebuf_init(&bytes, &w->work);
    dv_artifact_add_sources(&bytes, code, body, w->c->is_native ? 1 : BYTECODE_UNIT);
    return (Str){dv_arena_strdup(&w->kept, (const char *)bytes.data, bytes.len), (u32)bytes.len};
}

static void keep(Worker *w, u32 func, CompiledFunc *from)
{
    MachCode *code = &from->code;
    CompiledFunc *kept = ARENA_NEW(&w->kept, CompiledFunc);
    if (!w->c->options->strip && func < w->c->module->codes.len) {
        w->c->sources[func] = keep_sources(w, func, code);
    }
    code->srclocs.len = code->tags.len = 0;
    code->traps.len = w->c->is_native ? code->traps.len : 0;
    code->stack_maps.len = 0;
    code->unwind.len = w->c->is_native ? code->unwind.len : 0;
    code->frame.num_slots = 0;
    drop_plain_calls(code);
    if (w->c->is_native) {
        dv_native_resolve_tags(code, from->func);
    }
    *kept = *from;
    dv_mach_code_copy(&kept->code, &w->kept);
    kept->func = w->c->is_native ? NULL : keep_preamble(w, from->func);
    w->c->funcs[func] = kept;
}

/* A function being compiled: dv_compile's part. */
typedef struct FuncJob {
    Worker *w;
    Func *func;
    const CompileOptions *options;
    Diag why;
    CompiledFunc result;
    bool ok;
} FuncJob;

static void run_compile(void *context)
{
    FuncJob *job = context;
    Worker *w = job->w;
    dv_diag_init(&job->why, &w->work);
    job->ok =
        dv_compile(w->c->isa, job->options, job->func, &w->work, &w->temp, &job->why, &job->result);
}

/* The backend escapes from functions beyond its limits; who they are is known here. */
static bool compile_func(Worker *w, u32 func)
{
    Func *f = ARENA_NEW(&w->work, Func);
    FuncJob job = {.w = w, .func = f, .options = &w->c->compile};
    w->validator.num_locals = w->c->locals_before[func];
    if (!dv_wasm_translate(&w->validator, func, w->c->options, &w->work, f)) {
        w->error = w->validator.reader.error;
        return false;
    }
    w->clif_insts += f->insts.len;
    davit_status_t status = dv_pool_protect(w->work.pool, run_compile, &job);
    if (status == DAVIT_ERROR_LIMIT) {
        return fail_func(w, func,
                         "the function is too large: its code would have more than 16 MiB");
    }
    if (status != DAVIT_OK) {
        dv_escape(w->work.pool, status);
    }
    if (!job.ok) {
        return fail_func(w, func, dv_diag_first(&job.why)->text);
    }
    w->fast_fallbacks += job.result.fell_back;
    keep(w, func, &job.result);
    return true;
}

/* Number n behind the functions: enter and leave of one type after the other. They know nothing of a vmctx. */
static bool compile_adapter(Worker *w, u32 n)
{
    Func *f = ARENA_NEW(&w->work, Func);
    CompileOptions options = w->c->compile;
    FuncJob job = {.w = w, .func = f, .options = &options};
    u32 type = w->c->adapters.data[n / 2];
    options.vm = NULL;
    if (n % 2 == 0) {
        dv_adapter_enter(&w->module, type, &w->work, f);
    } else {
        dv_adapter_leave(&w->module, type, &w->work, f);
    }
    run_compile(&job);
    if (!job.ok) {
        dv_diag_error(&w->diag, 0, 0, "%s (adapter of type %u)", dv_diag_first(&job.why)->text,
                      (unsigned)type);
        return false;
    }
    keep(w, w->c->module->codes.len + n, &job.result);
    return true;
}

/* ---- the threads ---- */

/* The next function that nobody has taken yet; FUNC_NONE. */
static u32 take_func(ModuleCompiler *c)
{
    dv_mutex_lock(&c->lock);
    u32 func = c->next < c->end ? c->next++ : FUNC_NONE;
    dv_mutex_unlock(&c->lock);
    return func;
}

static void note_done(ModuleCompiler *c, u32 func)
{
    dv_mutex_lock(&c->lock);
    if (c->options->on_progress != NULL && func < c->module->codes.len) {
        c->done++;
        c->options->on_progress(c->options->progress_context, c->done, c->module->codes.len);
    }
    dv_mutex_unlock(&c->lock);
}

/* Those behind the function need not be compiled any more. */
static void note_failure(Worker *w)
{
    ModuleCompiler *c = w->c;
    w->failed = w->func;
    dv_mutex_lock(&c->lock);
    c->end = w->func < c->end ? w->func : c->end;
    dv_mutex_unlock(&c->lock);
}

static void compile_some(void *context)
{
    Worker *w = context;
    while ((w->func = take_func(w->c)) != FUNC_NONE) {
        u32 funcs = w->c->module->codes.len;
        bool ok = w->func < funcs ? compile_func(w, w->func) : compile_adapter(w, w->func - funcs);
        dv_arena_release(&w->work);
        if (!ok) {
            note_failure(w);
            return;
        }
        note_done(w->c, w->func);
    }
}

static void run_worker(void *context, u32 number)
{
    ModuleCompiler *c = context;
    Worker *w = &c->workers[number];
    w->status = dv_pool_protect(w->work.pool, compile_some, w);
    if (w->status != DAVIT_OK) {
        note_failure(w);
    }
}

static void init_worker(ModuleCompiler *c, Worker *w)
{
    Pool *pool = c->pool;
    if (c->num_workers > 1) {
        dv_shared_pool_member(&c->shared, &w->own_pool);
        pool = &w->own_pool;
    }
    w->c = c;
    w->failed = FUNC_NONE;
    w->error = *c->error;
    w->module = *c->module;
    dv_arena_init(&w->kept, pool);
    dv_arena_init(&w->work, pool);
    dv_arena_init(&w->temp, pool);
    dv_arena_init(&w->check, pool);
    dv_diag_init(&w->diag, &w->kept);
    w->validator = (Validator){.module = &w->module, .arena = &w->check, .diag = &w->diag};
}

static void release_worker(ModuleCompiler *c, Worker *w)
{
    dv_arena_release(&w->kept);
    dv_arena_release(&w->work);
    dv_arena_release(&w->temp);
    dv_arena_release(&w->check);
    if (c->num_workers > 1) {
        dv_pool_destroy(&w->own_pool);
    }
}

/* Functions behind one whose locals are wrong, or too many with those before, need not be compiled. */
static void count_locals(ModuleCompiler *c)
{
    Diag ignored;
    dv_diag_init(&ignored, &c->work);
    Validator v = {.module = c->module, .arena = &c->work, .diag = &ignored};
    bool ok = true;
    for (c->end = 0; ok && c->end < c->module->codes.len; c->end++) {
        c->locals_before[c->end] = v.num_locals;
        ok = dv_validator_begin(&v, c->module->imported_funcs + c->end);
    }
    c->end += ok ? 2 * c->adapters.len : 0;
    dv_arena_release(&c->work);
}

static u32 choose_workers(const ModuleCompiler *c)
{
    u32 count = c->options->jobs < c->end ? c->options->jobs : c->end;
    count = count < THREADS_MAX ? count : THREADS_MAX;
    return count == 0 || !DV_THREADS ? 1 : count;
}

/* What the thread with the first error has to say. */
static bool report_failure(ModuleCompiler *c)
{
    const Worker *first = &c->workers[0];
    for (u32 i = 1; i < c->num_workers; i++) {
        first = c->workers[i].failed < first->failed ? &c->workers[i] : first;
    }
    if (first->failed == FUNC_NONE) {
        return false;
    }
    if (first->status != DAVIT_OK) {
        dv_escape(c->pool, c->shared.over_limit ? DAVIT_ERROR_LIMIT : first->status);
    }
    *c->error = first->error;
    dv_diag_error(c->diag, 0, 0, "%s", dv_diag_first(&first->diag)->text);
    return true;
}

static void prepare_native(ModuleCompiler *c)
{
    for (u32 i = 0; i < c->module->types.len; i++) {
        if (dv_adapter_is_for(c->module, i)) {
            vec_push(&c->kept, &c->adapters, i);
        }
    }
    c->compile.vm = dv_native_vm_options(c->module, c->options->checked, &c->kept);
}

static bool compile_funcs(ModuleCompiler *c)
{
    u32 count = c->module->codes.len;
    if (c->is_native) {
        prepare_native(c);
    }
    c->funcs =
        ARENA_ARRAY(&c->kept, const CompiledFunc *, (usize)count + 2 * (usize)c->adapters.len);
    c->sources = ARENA_ARRAY(&c->kept, Str, count);
    c->locals_before = ARENA_ARRAY(&c->kept, u64, count);
    count_locals(c);
    u32 workers = choose_workers(c);
    c->workers = ARENA_ARRAY(&c->kept, Worker, workers);
    c->num_workers = workers;
    for (u32 i = 0; i < workers; i++) {
        init_worker(c, &c->workers[i]);
    }
    dv_threads_run(workers, run_worker, c);
    if (report_failure(c)) {
        return false;
    }
    for (u32 i = 0; i < workers; i++) {
        const Worker *w = &c->workers[i];
        c->module->used |= w->module.used;
        c->stats->clif_insts += w->clif_insts;
        c->stats->fast_fallbacks += w->fast_fallbacks;
    }
    return true;
}

static bool link_bytecode(ModuleCompiler *c, PulModule *linked)
{
    Diag why;
    dv_diag_init(&why, &c->work);
    if (!dv_pul_link(c->isa, c->funcs, c->module->codes.len, &c->kept, &why, linked)) {
        dv_diag_error(c->diag, 0, 0, "%s", dv_diag_first(&why)->text);
        return false;
    }
    c->stats->code_bytes = linked->module.code_size_bytes;
    return true;
}

static bool link_native(ModuleCompiler *c, NativeParts *parts, NativeLinked *linked)
{
    *parts = (NativeParts){.module = c->module,
                           .vm = c->compile.vm,
                           .features = c->compile.features,
                           .funcs = c->funcs,
                           .types = c->adapters};
    if (!dv_native_link(parts, &c->kept, c->diag, linked)) {
        return false;
    }
    c->stats->code_bytes = linked->code.len;
    return true;
}

static void run(void *context)
{
    ModuleCompiler *c = context;
    PulModule linked;
    NativeParts native;
    NativeLinked native_linked;
    c->ok = false;
    if (!compile_funcs(c) ||
        !(c->is_native ? link_native(c, &native, &native_linked) : link_bytecode(c, &linked))) {
        return;
    }
    ArtifactParts parts = {.module = c->module,
                           .linked = c->is_native ? NULL : &linked,
                           .native = &native,
                           .native_linked = &native_linked,
                           .metered = c->options->metered,
                           .strip = c->options->strip,
                           .sources = c->sources};
    c->stats->funcs = c->module->codes.len;
    c->stats->wasm_bytes = c->module->sections[10].size;
    c->ok = dv_artifact_write(c->out, &parts, c->diag);
}

static bool compile_for(const char *target, WasmModule *module, const WasmCompileOptions *options,
                        Arena *scratch, ByteBuf *out, WasmCompileStats *stats, Diag *diag,
                        WasmError *error)
{
    WasmCompileStats no_stats;
    WasmError no_error;
    ModuleCompiler c = {.module = module,
                        .options = options,
                        .isa = find_isa(target),
                        .pool = scratch->pool,
                        .out = out,
                        .stats = stats == NULL ? &no_stats : stats,
                        .diag = diag,
                        .error = error == NULL ? &no_error : error};
    *c.stats = (WasmCompileStats){0};
    *c.error = (WasmError){.missing = FEATURE_COUNT, .func = UINT32_MAX};
    if (c.isa == NULL) {
        dv_diag_error(diag, 0, 0,
                      "modules cannot be compiled for target '%s', only for 'pulley' and '%s'",
                      target, dv_x64_isa.name);
        return false;
    }
    c.compile = (CompileOptions){.allocator = options->fast ? ALLOCATOR_FAST : ALLOCATOR_MAIN,
                                 .check = options->verify,
                                 .features = options->cpu,
                                 .no_heap_guard = options->no_spectre_guards,
                                 .no_table_guard = options->no_spectre_guards,
                                 .far_calls = module->codes.len > SHORT_CALLS_MAX};
    c.is_native = c.isa == &dv_x64_isa;
    dv_arena_init(&c.kept, scratch->pool);
    dv_arena_init(&c.work, scratch->pool);
    dv_mutex_init(&c.lock);
    dv_shared_pool_init(&c.shared, scratch->pool);
    davit_status_t status = dv_pool_protect(scratch->pool, run, &c);
    for (u32 i = 0; i < c.num_workers; i++) {
        release_worker(&c, &c.workers[i]);
    }
    dv_shared_pool_destroy(&c.shared);
    dv_mutex_destroy(&c.lock);
    dv_arena_release(&c.work);
    dv_arena_release(&c.kept);
    if (status != DAVIT_OK) {
        dv_escape(scratch->pool, status);
    }
    return c.ok;
}

bool dv_wasm_compile(WasmModule *module, const WasmCompileOptions *options, Arena *scratch,
                     ByteBuf *out, WasmCompileStats *stats, Diag *diag, WasmError *error)
{
    Arena spare;
    Diag ignored;
    if (!options->or_bytecode) {
        return compile_for(options->target, module, options, scratch, out, stats, diag, error);
    }
    dv_arena_init(&spare, scratch->pool);
    dv_diag_init(&ignored, &spare);
    bool ok = compile_for(options->target, module, options, scratch, out, stats, &ignored, error);
    dv_arena_release(&spare);
    return ok || compile_for("pulley", module, options, scratch, out, stats, diag, error);
}
