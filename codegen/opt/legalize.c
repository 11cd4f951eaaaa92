/* legalize.c - the pass of legalize.h.
 *
 * One walk over the layout. An instruction that is not legal is given to `expand`, whose rules add new
 * instructions before it and give the values that stand for its results. It goes, its results become
 * aliases, and the walk continues at the first of the new instructions, which may have to be expanded in
 * turn.
 *
 * Why this ends. Each rule replaces an operation by operations that are lower in this order: floats before
 * integers, i128 before the rest, fewer bits before more (up to i64), and at one type the operation before
 * those its rule is written with, which rules order without a cycle (division, products, comparisons,
 * selections, counts, shifts, sums, bits). Rules that go the other way (a load widened by uload8, which is
 * a load extended) ask the target first. So depth and number of what one instruction becomes are bounded
 * by the rules, not by the function. A predicate that is no target at all (no iadd on any type) could send
 * rules round; MAX_DEPTH turns that into an error.
 *
 * Uses are renamed at the end, in one more walk; rules meanwhile look through aliases, whose chains are as
 * short as expansions are deep. The halves of an i128 are remembered with the block they were made in,
 * where all that comes after may use them. */
#include <stdio.h>

#include "codegen/opt/legalize_rules.h"

#include <expand_rules.h>

enum { MAX_DEPTH = 60 };

/* ---- what is legal ---- */

/* True if the controlling type does not say what this operand is; entities may, but rules do not see them. */
static bool is_open(TypeSpec spec)
{
    switch (spec) {
#define TYPESPEC(name, meaning)
#define OPENSPEC(name, meaning) case TS_##name:
#include "codegen/ir/typespecs.def"
#undef TYPESPEC
        return true;
    default:
        return false;
    }
}

u32 dv_legal_open_operand(Op op)
{
    const OpInfo *info = &dv_ops[op];
    u32 n = 0;
    while (n < info->num_operands && !is_open((TypeSpec)info->operands[n])) {
        n++;
    }
    return n < info->num_operands ? n : OP_MAX_OPERANDS;
}

/* Bytes of what is swapped when memory is read in the other order. */
static u32 swapped_bytes(const InstData *d)
{
    switch (d->op) {
    case OP_uload8:
    case OP_sload8:
    case OP_istore8:
    case OP_uload8x8:
    case OP_sload8x8:
        return 1;
    default:
        return type_lane_bits(d->type) / 8;
    }
}

static bool takes_order(const InstData *d, const LegalTarget *t)
{
    const OpInfo *info = &dv_ops[d->op];
    bool is_access = (info->effects & (FX_LOAD | FX_STORE)) != 0;
    u32 other = t->big_endian ? FLAG_LITTLE : FLAG_BIG;
    if (!is_access || (d->flags & other) == 0 || swapped_bytes(d) == 1) {
        return true;
    }
    return (info->effects & FX_OTHER) != 0 ? t->swaps_atomics : t->swaps_memory;
}

static Type open_type(const Func *f, Inst i)
{
    u32 open = dv_legal_open_operand((Op)dv_inst_const(f, i)->op);
    return open == OP_MAX_OPERANDS ? TYPE_NONE : dv_value_type(f, dv_inst_arg(f, i, open));
}

static bool covers(const LegalTarget *t, u32 op, Type type, Type open)
{
    return t->covers(op, type, open) ||
           (t->covers_by != NULL && t->covers_by(t->features, op, type, open));
}

bool dv_legal_is(const Func *f, Inst i, const LegalTarget *t)
{
    const InstData *d = dv_inst_const(f, i);
    return covers(t, d->op, d->type, open_type(f, i)) && takes_order(d, t);
}

static bool unsupported(const Func *f, Inst i, const LegalTarget *t, Diag *diag)
{
    const InstData *d = dv_inst_const(f, i);
    char type[16], other[16], name[24];
    Type open = open_type(f, i);
    if (d->num_results != 0) {
        snprintf(name, sizeof name, "v%u", (unsigned)dv_inst_result(f, i, 0).id);
    } else {
        snprintf(name, sizeof name, "inst%u", (unsigned)i.id);
    }
    dv_diag_error(diag, 0, 0, "%s: operation %s%s%s%s%s%s is not supported by target %s", name,
                  dv_ops[d->op].name, d->type == TYPE_NONE ? "" : " on type ",
                  d->type == TYPE_NONE ? "" : dv_type_name(d->type, type),
                  open == TYPE_NONE ? "" : " with an operand of type ",
                  open == TYPE_NONE ? "" : dv_type_name(open, other),
                  takes_order(d, t) ? "" : " in the other byte order", t->name);
    return false;
}

bool dv_legal_verify(const Func *f, const LegalTarget *t, Diag *diag)
{
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = dv_block(f, b)->next) {
        for (Inst i = dv_block(f, b)->first; i.id != ENTITY_NONE; i = dv_inst_next(f, i)) {
            if (!dv_legal_is(f, i, t)) {
                return unsupported(f, i, t, diag);
            }
        }
    }
    return true;
}

bool dv_legal_covers(const Legal *l, u32 op, Type type, Type open)
{
    const InstData *d = dv_inst_const(l->f, l->at);
    return covers(l->target, op, type, open) && (d->op != op || takes_order(d, l->target));
}

/* ---- building ---- */

static u32 depth_of(const Legal *l, Inst i)
{
    return i.id < l->first_new ? 0 : vec_at(&l->depths, i.id - l->first_new);
}

Inst dv_legal_add(Legal *l, const LegalInst *new)
{
    Func *f = l->f;
    const InstData *origin = dv_inst_const(f, l->at);
    bool is_access = (dv_ops[new->op].effects & (FX_LOAD | FX_STORE)) != 0;
    /* An access is only made for an access, and is to the same region. */
    u32 ent = is_access && new->ent == ENTITY_NONE ? origin->ent : new->ent;
    Inst i = dv_inst_make(f, new->op, new->type, new->args, new->num_args);
    InstData *d = dv_inst(f, i);
    d->aux = new->aux;
    d->flags = new->flags;
    d->ent = ent;
    dv_set_imm64(d, new->imm);
    dv_inst_make_results(f, i);
    dv_inst_insert_before(f, i, l->at);
    if (dv_srcloc(f, l->at) != SRCLOC_NONE) {
        dv_srcloc_set(f, i, dv_srcloc(f, l->at));
    }
    vec_push(l->scratch, &l->depths, (u8)(depth_of(l, l->at) + 1));
    return i;
}

/* ---- the walk ---- */

/* The results of the instruction at work become aliases. */
static void replace(Legal *l, const Results *results)
{
    Func *f = l->f;
    u32 count = dv_inst_const(f, l->at)->num_results;
    CHECK(results->count == count);
    for (u32 n = 0; n < count; n++) {
        Value old = dv_inst_result(f, l->at, n);
        Value new = dv_value_resolve(f, results->values[n]);
        CHECK(dv_value_type(f, old) == dv_value_type(f, new));
        vec_at(&f->values, old.id) = (ValueData){new.id, 0, dv_value_type(f, new), VALUE_ALIAS};
    }
    dv_inst_remove(f, l->at);
}

/* Expands the instruction at work; gives where to go on. */
static bool expand_inst(Legal *l, Inst *next)
{
    Func *f = l->f;
    Block block = dv_inst_block(f, l->at);
    Inst before = dv_inst_prev(f, l->at);
    Results results;
    if (depth_of(l, l->at) >= MAX_DEPTH || !dv_legal_expand(l, l->at, &results)) {
        return false;
    }
    if (!results.is_kept) {
        replace(l, &results);
    }
    *next = before.id == ENTITY_NONE ? dv_block(f, block)->first : dv_inst_next(f, before);
    return true;
}

static bool expand_block(Legal *l, Block b, Diag *diag)
{
    for (Inst i = dv_block(l->f, b)->first; i.id != ENTITY_NONE;) {
        l->at = i;
        if (dv_legal_is(l->f, i, l->target)) {
            i = dv_inst_next(l->f, i);
        } else if (!expand_inst(l, &i)) {
            return unsupported(l->f, i, l->target, diag);
        }
    }
    return true;
}

/* ---- renaming ---- */

static void rename_inst(Func *f, Inst i, const u32 *roots)
{
    u32 *args = dv_inst_args_mut(f, i);
    for (u32 n = 0; n < dv_inst(f, i)->num_args; n++) {
        args[n] = roots[args[n]];
    }
    u32 count;
    const BlockCall *dests = dv_inst_dests_const(f, i, &count);
    for (u32 n = 0; n < count; n++) {
        for (u32 k = 0; k < dests[n].num_args; k++) {
            BlockArg arg = dv_call_arg(f, &dests[n], k);
            if (block_arg_kind(arg) == ARG_VALUE) {
                vec_at(&f->pool, dests[n].args + k) = roots[arg.bits];
            }
        }
    }
    const ExceptionTable *table = dv_inst_exceptions(f, i);
    for (u32 n = 0; table != NULL && n < table->num_handlers; n++) {
        if (table->handlers[n].kind == HANDLER_CONTEXT) {
            table->handlers[n].context.id = roots[table->handlers[n].context.id];
        }
    }
}

static void rename_uses(Func *f, Arena *scratch)
{
    const u32 *roots = dv_value_roots(f, scratch);
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = dv_block(f, b)->next) {
        for (Inst i = dv_block(f, b)->first; i.id != ENTITY_NONE; i = dv_inst_next(f, i)) {
            rename_inst(f, i, roots);
        }
    }
    dv_values_resolve_aliases(f);
}

bool dv_legalize(Func *f, const LegalTarget *t, Arena *scratch, Diag *diag)
{
    ASSERT(scratch != f->arena);
    ArenaMark mark = dv_arena_mark(scratch);
    Legal l = {.f = f, .target = t, .scratch = scratch, .first_new = f->insts.len};
    bool ok = true;
    for (Block b = f->first_block; ok && b.id != ENTITY_NONE; b = dv_block(f, b)->next) {
        ok = expand_block(&l, b, diag);
    }
    if (ok) {
        rename_uses(f, scratch);
    }
    dv_arena_release_to(scratch, mark);
    return ok;
}

/* ---- what the generated code asks for ---- */

u32 dv_legal_type_bits(Legal *l, Type type)
{
    (void)l;
    return type_lane_bits(type);
}

DV_NORETURN void dv_legal_no_match(Legal *l, const char *term)
{
    (void)l;
    dv_panic(__FILE__, __LINE__, term);
}
