/* module.c - a module, function by function, to an artifact.
 *
 * Each function is validated, translated and compiled in an arena that is given back when the next one begins. What stays is
 * what the linker wants of it: the bytes, relocations, and its preamble; its source map is written at once. So
 * memory is that of the result and of the largest function.
 *
 * All arenas are of the scratch arena's pool; when memory runs out they are given back before the escape goes on.
 */
#include "wasm/compile/artifact.h"

/* Functions beyond cannot all be named by short calls. */
enum { SHORT_CALLS_MAX = 65536 };

typedef struct ModuleCompiler {
    WasmModule *module;
    const WasmCompileOptions *options;
    const Isa *isa;
    CompileOptions compile;
    Arena kept;  /* what the linker wants, and the linked module */
    Arena work;  /* one function */
    Arena temp;  /* one step */
    Arena check; /* the validator's */
    Validator validator;
    const CompiledFunc **funcs;
    u32 *source_starts;
    ByteBuf sources;
    ByteBuf *out;
    WasmCompileStats *stats;
    Diag *diag;
    WasmError *error;
    bool ok;
} ModuleCompiler;

/* Sandboxed code has no addresses: that of both widths is the same. */
static const Isa *find_isa(const char *target)
{
    return target == NULL || strcmp(target, "pulley") == 0 ? dv_isa_find("pulley64", 8) : NULL;
}

static bool fail_func(ModuleCompiler *c, u32 func, const char *why)
{
    u32 number = c->module->imported_funcs + func;
    Str name = dv_wasm_func_name(c->module, number);
    const char *quoted = dv_diag_quote(&c->work, name.data, name.len);
    bool has_name = name.len != 0;
    c->error->func = number;
    c->error->offset = c->module->codes.data[func].body.offset;
    dv_diag_error(c->diag, 0, 0, "%s (function %u%s%s%s)", why, (unsigned)number,
                  has_name ? " \"" : "", has_name ? quoted : "", has_name ? "\"" : "");
    return false;
}

/* Only its preamble, in memory that stays. */
static const Func *keep_preamble(ModuleCompiler *c, const Func *f)
{
    Func head = *f;
    Func *kept = ARENA_NEW(&c->kept, Func);
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
    dv_func_copy(kept, &head, &c->kept);
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

static void keep(ModuleCompiler *c, u32 func, CompiledFunc *from)
{
    MachCode *code = &from->code;
    CompiledFunc *kept = ARENA_NEW(&c->kept, CompiledFunc);
    if (!c->options->strip) {
        dv_artifact_add_sources(&c->sources, code);
        c->source_starts[func + 1] = (u32)c->sources.len;
    }
    code->srclocs.len = code->traps.len = code->tags.len = 0;
    code->stack_maps.len = code->unwind.len = 0;
    code->frame.num_slots = 0;
    drop_plain_calls(code);
    *kept = *from;
    dv_mach_code_copy(&kept->code, &c->kept);
    kept->func = keep_preamble(c, from->func);
    c->funcs[func] = kept;
}

/* A function being compiled: dv_compile's part. */
typedef struct FuncJob {
    ModuleCompiler *c;
    Func *func;
    Diag why;
    CompiledFunc result;
    bool ok;
} FuncJob;

static void run_compile(void *context)
{
    FuncJob *job = context;
    ModuleCompiler *c = job->c;
    dv_diag_init(&job->why, &c->work);
    job->ok =
        dv_compile(c->isa, &c->compile, job->func, &c->work, &c->temp, &job->why, &job->result);
}

/* The backend escapes from functions beyond its limits; who they are is known here. */
static bool compile_func(ModuleCompiler *c, u32 func)
{
    Func *f = ARENA_NEW(&c->work, Func);
    FuncJob job = {.c = c, .func = f};
    if (!dv_wasm_translate(&c->validator, func, c->options, &c->work, f)) {
        *c->error = c->validator.reader.error;
        return false;
    }
    c->stats->clif_insts += f->insts.len;
    davit_status_t status = dv_pool_protect(c->work.pool, run_compile, &job);
    if (status == DAVIT_ERROR_LIMIT) {
        return fail_func(c, func,
                         "the function is too large: its code would have more than 16 MiB");
    }
    if (status != DAVIT_OK) {
        dv_escape(c->work.pool, status);
    }
    if (!job.ok) {
        return fail_func(c, func, dv_diag_first(&job.why)->text);
    }
    c->stats->fast_fallbacks += job.result.fell_back;
    if (c->sources.len > UINT32_MAX / 2) {
        return fail_func(c, func, "the source map would have 2 GiB or more");
    }
    keep(c, func, &job.result);
    return true;
}

static bool compile_funcs(ModuleCompiler *c)
{
    u32 count = c->module->codes.len;
    c->funcs = ARENA_ARRAY(&c->kept, const CompiledFunc *, count);
    c->source_starts = ARENA_ARRAY(&c->kept, u32, (usize)count + 1);
    for (u32 i = 0; i < count; i++) {
        bool ok = compile_func(c, i);
        dv_arena_release(&c->work);
        if (!ok) {
            return false;
        }
        if (c->options->on_progress != NULL) {
            c->options->on_progress(c->options->progress_context, i + 1, count);
        }
    }
    return true;
}

static bool link_funcs(ModuleCompiler *c, PulModule *linked)
{
    Diag why;
    dv_diag_init(&why, &c->work);
    if (!dv_pul_link(c->isa, c->funcs, c->module->codes.len, &c->kept, &why, linked)) {
        dv_diag_error(c->diag, 0, 0, "%s", dv_diag_first(&why)->text);
        return false;
    }
    return true;
}

static void run(void *context)
{
    ModuleCompiler *c = context;
    PulModule linked;
    c->ok = false;
    if (!compile_funcs(c) || !link_funcs(c, &linked)) {
        return;
    }
    ArtifactParts parts = {.module = c->module,
                           .linked = &linked,
                           .metered = c->options->metered,
                           .strip = c->options->strip,
                           .source_starts = c->source_starts,
                           .sources = &c->sources};
    c->stats->funcs = c->module->codes.len;
    c->stats->wasm_bytes = c->module->sections[10].size;
    c->stats->code_bytes = linked.module.code_size_bytes;
    c->ok = dv_artifact_write(c->out, &parts, c->diag);
}

bool dv_wasm_compile(WasmModule *module, const WasmCompileOptions *options, Arena *scratch,
                     ByteBuf *out, WasmCompileStats *stats, Diag *diag, WasmError *error)
{
    WasmCompileStats no_stats;
    WasmError no_error;
    ModuleCompiler c = {.module = module,
                        .options = options,
                        .isa = find_isa(options->target),
                        .out = out,
                        .stats = stats == NULL ? &no_stats : stats,
                        .diag = diag,
                        .error = error == NULL ? &no_error : error};
    *c.stats = (WasmCompileStats){0};
    *c.error = (WasmError){.missing = FEATURE_COUNT, .func = UINT32_MAX};
    if (c.isa == NULL) {
        dv_diag_error(diag, 0, 0, "modules cannot be compiled for target '%s', only for 'pulley'",
                      options->target);
        return false;
    }
    c.compile = (CompileOptions){.allocator = options->fast ? ALLOCATOR_FAST : ALLOCATOR_MAIN,
                                 .check = options->verify,
                                 .far_calls = module->codes.len > SHORT_CALLS_MAX};
    Arena *arenas[] = {&c.kept, &c.work, &c.temp, &c.check};
    for (u32 i = 0; i < ARRAY_LEN(arenas); i++) {
        dv_arena_init(arenas[i], scratch->pool);
    }
    c.validator = (Validator){.module = module, .arena = &c.check, .diag = diag};
    dv_bytebuf_init(&c.sources, &c.kept);
    davit_status_t status = dv_pool_protect(scratch->pool, run, &c);
    for (u32 i = 0; i < ARRAY_LEN(arenas); i++) {
        dv_arena_release(arenas[i]);
    }
    if (status != DAVIT_OK) {
        dv_escape(scratch->pool, status);
    }
    return c.ok;
}
