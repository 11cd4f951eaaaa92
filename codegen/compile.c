/* compile.c - the pipeline of one function: verify, expand entities, legalise, lower, allocate, emit. */
#include "codegen/compile.h"

#include "codegen/ir/verify.h"
#include "codegen/opt/entities.h"

#ifndef NDEBUG
enum { ALWAYS_CHECKED = 1 };
#else
enum { ALWAYS_CHECKED = 0 };
#endif

typedef struct Compile {
    const Isa *isa;
    const CompileOptions *options;
    Func *func;
    Arena *scratch; /* for what is needed up to emission */
    Arena *spare;   /* for what one step needs: not scratch, where results of the step are */
    Diag *diag;
    void *context;
    VCode vcode;
    RaFunc ra;
    RaResult allocation;
    bool fell_back;
} Compile;

static bool is_checked(const Compile *c)
{
    return ALWAYS_CHECKED || c->options->check;
}

static bool verify(Compile *c)
{
    VerifyErrors errors = {0};
    VerifyOptions options = {c->isa->any_addresses ? 0 : c->isa->address_bits};
    Work work = {0};
    if (is_checked(c) && !dv_verify(c->func, c->scratch, &options, &errors, &work)) {
        dv_diag_error(c->diag, 0, 0, "%s", errors.list.data[0].text);
        return false;
    }
    return true;
}

/* Steps that an ordinary function of this size stays far below. */
static u64 allocator_budget(const Compile *c)
{
    u64 given = c->options->allocator_steps;
    return given != 0 ? given : 1000000 + 400 * (u64)c->ra.num_insts;
}

static bool allocate(Compile *c)
{
    TextBuf why;
    dv_text_init(&why, c->scratch);
    if (is_checked(c) && !dv_regalloc_validate(&c->ra, c->spare, &why)) {
        dv_diag_error(c->diag, 0, 0, "lowering broke a rule of the allocator: %s", why.data);
        return false;
    }
    u32 status = RA_OVER_BUDGET;
    if (c->options->allocator == ALLOCATOR_MAIN) {
        status =
            dv_regalloc_main(&c->ra, allocator_budget(c), c->scratch, c->spare, &c->allocation);
        c->fell_back = status == RA_OVER_BUDGET;
    }
    if (status == RA_OVER_BUDGET) {
        status = dv_regalloc_fast(&c->ra, c->scratch, c->spare, &c->allocation);
    }
    if (status != RA_OK) {
        dv_diag_error(c->diag, 0, 0, "an instruction needs more registers than there are");
        return false;
    }
    if (is_checked(c) && !dv_regalloc_check(&c->ra, &c->allocation, c->spare, &why)) {
        dv_diag_error(c->diag, 0, 0, "the register allocation is wrong: %s", why.data);
        return false;
    }
    return true;
}

static bool expand_entities(Compile *c)
{
    EntityOptions options = {.vm = c->options->vm,
                             .heap_guard = !c->options->no_heap_guard,
                             .table_guard = !c->options->no_table_guard,
                             .big_endian = c->isa->big_endian};
    return !c->isa->expands_entities ||
           (dv_entities_expand(c->func, &options, c->scratch, c->diag) && verify(c));
}

/* ---- stack limits ---- */

/* An instruction in front of the function's first one; its result, if it has one. */
static Value put(Func *f, Inst at, const InstData *data, const u32 *args, u32 num_args)
{
    Inst i = dv_inst_make(f, (Op)data->op, data->type, args, num_args);
    InstData *d = dv_inst(f, i);
    d->flags = data->flags;
    d->aux = data->aux;
    memcpy(d->imm, data->imm, sizeof d->imm);
    dv_inst_insert_before(f, i, at);
    dv_inst_make_results(f, i);
    return d->op == OP_trapnz ? VALUE_NONE : dv_inst_result(f, i, 0);
}

/* The value as instructions in front of `at`: loads and sums from the context. VALUE_NONE: it is not of that kind. */
static Value put_global_value(Compile *c, Inst at, GlobalValue value)
{
    Func *f = c->func;
    u32 *chain = ARENA_ARRAY(c->scratch, u32, f->global_values.len + 1);
    u32 count, param;
    if (!dv_global_value_chain(f, value, chain, &count, &param)) {
        return VALUE_NONE;
    }
    Value v = {dv_block_params(f, f->first_block)[param]};
    while (count-- > 0) {
        const GlobalValueData gv = vec_at(&f->global_values, chain[count]);
        Type type = dv_value_type(f, v);
        InstData offset = {.op = OP_iconst, .type = type};
        InstData sum = {.op = OP_iadd, .type = type};
        InstData load = {.op = OP_load, .type = gv.type, .flags = gv.flags};
        dv_set_imm64(&offset, (u64)gv.offset);
        u32 args[] = {v.id, put(f, at, &offset, NULL, 0).id};
        v = put(f, at, &sum, args, 2);
        v = gv.kind == GV_LOAD ? put(f, at, &load, &v.id, 1) : v;
    }
    return v;
}

/* Compares the stack pointer with the limit, for targets that do not do that with the frame. */
static bool expand_stack_limit(Compile *c)
{
    Func *f = c->func;
    if (!f->has_stack_limit || c->isa->checks_stack_limit) {
        return true;
    }
    Inst first = dv_block(f, f->first_block)->first;
    Value limit = put_global_value(c, first, f->stack_limit);
    if (limit.id == ENTITY_NONE) {
        dv_diag_error(c->diag, 0, 0, "a stack limit that is no load or sum from the context");
        return false;
    }
    Type address = dv_value_type(f, limit);
    const InstData sp = {.op = OP_get_stack_pointer, .type = address};
    const InstData compare = {.op = OP_icmp, .type = address, .aux = INTCC_ult};
    const InstData trap = {.op = OP_trapnz, .type = TYPE_I8, .aux = TRAP_stk_ovf};
    u32 args[] = {put(f, first, &sp, NULL, 0).id, limit.id};
    u32 below = put(f, first, &compare, args, 2).id;
    put(f, first, &trap, &below, 1);
    return true;
}

/* ---- the steps ---- */

static bool run(Compile *c)
{
    if (!verify(c) || !expand_entities(c) || !expand_stack_limit(c)) {
        return false;
    }
    LegalTarget legal = c->isa->legal;
    legal.features = c->options->features;
    if (!dv_legalize(c->func, &legal, c->scratch, c->diag) || !verify(c)) {
        return false;
    }
    const LowerTarget *target = c->isa->begin(c->isa, c->options, c->func, c->scratch, &c->context);
    return dv_lower(target, c->context, c->func, c->scratch, c->diag, &c->vcode, &c->ra) &&
           allocate(c);
}

bool dv_compile(const Isa *isa, const CompileOptions *options, Func *f, Arena *arena,
                Arena *scratch, Diag *diag, CompiledFunc *out)
{
    ArenaMark mark = dv_arena_mark(scratch);
    Compile c = {.isa = isa,
                 .options = options,
                 .func = f,
                 .scratch = scratch,
                 .spare = arena,
                 .diag = diag};
    ASSERT(arena != scratch);
    memset(out, 0, sizeof *out);
    bool ok = run(&c);
    if (ok) {
        EmitInput input = {f, &c.vcode, &c.ra, &c.allocation};
        ok = isa->emit(isa, options, c.context, &input, scratch, diag, out);
        dv_mach_code_copy(&out->code, arena);
        out->func = f;
        out->allocation = c.allocation.stats;
        out->num_insts = c.ra.num_insts;
        out->fell_back = c.fell_back;
    }
    dv_arena_release_to(scratch, mark);
    return ok;
}

bool dv_compile_print(const Isa *isa, const CompileOptions *options, Func *f, Arena *scratch,
                      Arena *spare, Diag *diag, TextBuf *text)
{
    ArenaMark mark = dv_arena_mark(scratch);
    Compile c = {.isa = isa,
                 .options = options,
                 .func = f,
                 .scratch = scratch,
                 .spare = spare,
                 .diag = diag};
    bool ok = run(&c);
    if (c.ra.num_insts != 0) {
        dv_vcode_print(text, &c.vcode, isa->inst_name);
        dv_regalloc_print(text, &c.ra, ok ? &c.allocation : NULL);
    }
    dv_arena_release_to(scratch, mark);
    return ok;
}
