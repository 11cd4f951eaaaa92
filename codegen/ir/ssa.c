/* ssa.c - variables into values: SSA construction while the control-flow graph is still being made.
 *
 * After Braun, Buchwald, Hack, Leißa, Mallon, Zwinkau: "Simple and Efficient Construction of
 * Static Single Assignment Form" (CC 2013). To read a variable at the end of a block, walk
 * backwards over single predecessors to a block that assigns it. At a block with several
 * predecessors, or with predecessors yet unknown (not sealed), a phi is made and is the answer;
 * its operands, one per predecessor, are read in the same way, now or when the block is sealed. A
 * phi whose operands are all one value (or itself) is redundant: it becomes an alias of that
 * value.
 *
 * What differs from the paper is there for size. Nothing recurses: phis whose operands are to be
 * found wait in a list. A walk leaves its answer in every block it passed. Phis are not written as
 * block parameters until the end, so removing one costs nothing. Redundancy is followed by
 * watching: a phi that is not redundant has two operands that differ, and only when one of those
 * two becomes an alias need it be looked at again. When a phi becomes an alias of another, the
 * shorter list of watchers is looked through and appended to the longer one. Thus the work is n
 * log n in operands plus the lengths of the walks.
 *
 * Invariants: `defs` and operands hold values as they were found; dv_ssa_resolve tells what they
 * are now. Until dv_ssa_finish, the ValueData of a phi is a parameter of its block whose number is
 * PHI_BASE + its index. The entry block has no predecessors. In a block that cannot be reached a
 * variable is zero.
 */
#include "codegen/ir/builder.h"

#define NO_PHI UINT32_MAX
#define PHI_BASE 0x80000000u

void dv_ssa_init(Ssa *ssa, Func *f, Arena *arena)
{
    *ssa = (Ssa){.f = f, .arena = arena};
}

u32 dv_ssa_declare(Ssa *ssa, Type type)
{
    vec_push(ssa->arena, &ssa->vars, type);
    return ssa->vars.len - 1;
}

void dv_ssa_reserve_blocks(Ssa *ssa)
{
    if (ssa->blocks.len < ssa->f->blocks.len) {
        vec_extend(ssa->arena, &ssa->blocks, ssa->f->blocks.len - ssa->blocks.len);
    }
}

void dv_ssa_add_pred(Ssa *ssa, Block to, Block from, u32 call)
{
    SsaBlock *block = &vec_at(&ssa->blocks, to.id);
    Pred pred = {from, call, 0};
    ASSERT(!block->sealed);
    vec_push(ssa->arena, &ssa->preds, pred);
    if (block->last_pred == 0) {
        block->first_pred = ssa->preds.len;
    } else {
        ssa->preds.data[block->last_pred - 1].next = ssa->preds.len;
    }
    block->last_pred = ssa->preds.len;
    block->num_preds++;
}

static u64 def_key(Block b, u32 var)
{
    return (u64)b.id << 32 | var;
}

void dv_ssa_def(Ssa *ssa, Block b, u32 var, Value v)
{
    dv_map_put(ssa->arena, &ssa->defs, def_key(b, var), v.id);
}

Value dv_ssa_resolve(Ssa *ssa, Value v)
{
    ValueData *values = ssa->f->values.data;
    Value end = v;
    while (values[end.id].kind == VALUE_ALIAS) {
        end.id = values[end.id].def;
    }
    while (values[v.id].kind == VALUE_ALIAS) {
        u32 next = values[v.id].def;
        values[v.id].def = end.id;
        v.id = next;
        ssa->work.steps++;
    }
    return end;
}

/* ---- zero ---- */

static Value make_value(Func *f, Block b, Inst before, Inst i)
{
    dv_inst_make_results(f, i);
    if (before.id == ENTITY_NONE) {
        dv_inst_append(f, i, b);
    } else {
        dv_inst_insert_before(f, i, before);
    }
    return dv_inst_result(f, i, 0);
}

static Value zero_from_pool(Func *f, Block b, Inst before, Type type)
{
    static const u8 zeros[TYPE_MAX_BYTES];
    Inst i = dv_inst_make(f, type == TYPE_F128 ? OP_f128const : OP_vconst, type, NULL, 0);
    u32 constant = dv_constant_make(f, zeros, type_bytes(type)).id;
    dv_inst(f, i)->ent = constant;
    return make_value(f, b, before, i);
}

static Op scalar_const_op(Type type)
{
    switch (type) {
    case TYPE_F16:
        return OP_f16const;
    case TYPE_F32:
        return OP_f32const;
    case TYPE_F64:
        return OP_f64const;
    default:
        return OP_iconst;
    }
}

Value dv_ssa_zero(Func *f, Block b, Inst before, Type type)
{
    if (type == TYPE_F128 || (type_is_vector(type) && !type_is_dynamic(type))) {
        return zero_from_pool(f, b, before, type);
    }
    if (type_is_vector(type)) {
        Value lane = dv_ssa_zero(f, b, before, type_lane_type(type));
        return make_value(f, b, before, dv_inst_make(f, OP_splat, type, &lane.id, 1));
    }
    if (type == TYPE_I128) {
        Value low = dv_ssa_zero(f, b, before, TYPE_I64);
        return make_value(f, b, before, dv_inst_make(f, OP_uextend, type, &low.id, 1));
    }
    return make_value(f, b, before, dv_inst_make(f, scalar_const_op(type), type, NULL, 0));
}

static Value zero_at_start(Ssa *ssa, Block b, u32 var)
{
    return dv_ssa_zero(ssa->f, b, dv_block(ssa->f, b)->first, vec_at(&ssa->vars, var));
}

/* ---- finding values ---- */

/* A phi without operands. */
static Value make_phi(Ssa *ssa, Block b, u32 var)
{
    SsaBlock *block = &vec_at(&ssa->blocks, b.id);
    Value v = dv_value_make(ssa->f, vec_at(&ssa->vars, var));
    ValueData *data = &ssa->f->values.data[v.id];
    data->kind = VALUE_PARAM;
    data->def = b.id;
    data->num = PHI_BASE + ssa->phis.len;
    Phi phi = {.block = b, .var = var, .value = v.id};
    vec_push(ssa->arena, &ssa->phis, phi);
    if (block->last_phi == 0) {
        block->first_phi = ssa->phis.len;
    } else {
        ssa->phis.data[block->last_phi - 1].next = ssa->phis.len;
    }
    block->last_phi = ssa->phis.len;
    if (block->sealed) {
        vec_push(ssa->arena, &ssa->pending, ssa->phis.len - 1);
    }
    return v;
}

/* The value at the end of b as far as known; may make phis that are pending afterwards. */
static Value find_at_end(Ssa *ssa, Block b, u32 var)
{
    Value v;
    ssa->walk++;
    vec_clear(&ssa->trail);
    for (;;) {
        ssa->work.steps++;
        if (dv_map_get(&ssa->defs, def_key(b, var), &v.id)) {
            v = dv_ssa_resolve(ssa, v);
            break;
        }
        SsaBlock *block = &vec_at(&ssa->blocks, b.id);
        bool is_entry = b.id == ssa->f->first_block.id;
        bool is_circle = block->walk == ssa->walk; /* no way in from the entry */
        block->walk = ssa->walk;
        vec_push(ssa->arena, &ssa->trail, b.id);
        if (is_entry || is_circle || (block->sealed && block->num_preds == 0)) {
            ssa->undefined = is_entry ? var + 1 : ssa->undefined;
            v = zero_at_start(ssa, b, var);
            break;
        }
        if (!block->sealed || block->num_preds > 1) {
            v = make_phi(ssa, b, var);
            break;
        }
        b = ssa->preds.data[block->first_pred - 1].block;
    }
    for (u32 i = 0; i < ssa->trail.len; i++) {
        dv_ssa_def(ssa, (Block){ssa->trail.data[i]}, var, v);
    }
    return v;
}

static void fill_operands(Ssa *ssa, u32 index)
{
    Phi phi = vec_at(&ssa->phis, index);
    const SsaBlock *block = &vec_at(&ssa->blocks, phi.block.id);
    u32 at = ssa->operands.len;
    u32 pred = block->first_pred;
    phi.operands = at;
    phi.num_operands = block->num_preds;
    phi.filled = true;
    vec_extend(ssa->arena, &ssa->operands, phi.num_operands);
    ssa->phis.data[index] = phi;
    for (; pred != 0; pred = ssa->preds.data[pred - 1].next, at++) {
        Value v = find_at_end(ssa, ssa->preds.data[pred - 1].block, phi.var);
        ssa->operands.data[at] = v.id;
    }
}

/* ---- redundant phis ---- */

static u32 phi_of(const Ssa *ssa, Value v)
{
    const ValueData *data = &ssa->f->values.data[v.id];
    return data->kind == VALUE_PARAM && data->num >= PHI_BASE ? data->num - PHI_BASE : NO_PHI;
}

static Value operand_of(Ssa *ssa, const Phi *phi, u32 n)
{
    return dv_ssa_resolve(ssa, (Value){vec_at(&ssa->operands, phi->operands + n)});
}

/* Whether all operands are one value (given in *same) or the phi itself; *same is VALUE_NONE if
 * all are. Operands before `right` are the phi or equal to operand `left`; that stays true when
 * values become equal, so `right` only grows. */
static bool is_redundant(Ssa *ssa, u32 index, Value *same)
{
    Phi *phi = &vec_at(&ssa->phis, index);
    *same = VALUE_NONE;
    for (; phi->right < phi->num_operands; phi->right++) {
        Value right = operand_of(ssa, phi, phi->right);
        Value left = {phi->value};
        if (phi->left < phi->right) {
            left = operand_of(ssa, phi, phi->left);
        }
        ssa->work.steps++;
        if (left.id == phi->value) {
            phi->left = phi->right;
        } else if (right.id != phi->value && right.id != left.id) {
            return false;
        }
    }
    if (phi->left < phi->num_operands) {
        Value left = operand_of(ssa, phi, phi->left);
        *same = left.id == phi->value ? VALUE_NONE : left;
    }
    return true;
}

/* Registers phi `index` with the phi that its operand `n` is, unless that was done. */
static void watch_operand(Ssa *ssa, u32 index, u32 n)
{
    Phi *phi = &ssa->phis.data[index];
    if (phi->watched[0] == n + 1 || phi->watched[1] == n + 1) {
        return;
    }
    phi->watched[phi->watched[1] == phi->left + 1 ? 0 : 1] = n + 1;
    u32 target = phi_of(ssa, operand_of(ssa, phi, n));
    if (target == NO_PHI) {
        return;
    }
    Watch watch = {index, 0};
    Phi *watched = &ssa->phis.data[target];
    vec_push(ssa->arena, &ssa->watches, watch);
    if (watched->last_watcher == 0) {
        watched->watchers = ssa->watches.len;
    } else {
        ssa->watches.data[watched->last_watcher - 1].next = ssa->watches.len;
    }
    watched->last_watcher = ssa->watches.len;
    watched->num_watchers++;
}

static void suspect_watchers(Ssa *ssa, u32 first)
{
    for (u32 at = first; at != 0; at = ssa->watches.data[at - 1].next) {
        ssa->work.steps++;
        vec_push(ssa->arena, &ssa->suspects, ssa->watches.data[at - 1].phi);
    }
}

/* Phi `from` is nothing but `to`. */
static void replace_phi(Ssa *ssa, u32 from, Value to)
{
    Phi *dead = &ssa->phis.data[from];
    ValueData *data = &ssa->f->values.data[dead->value];
    u32 target = phi_of(ssa, to);
    dead->dead = true;
    data->kind = VALUE_ALIAS;
    data->def = to.id;
    data->num = 0;
    if (target == NO_PHI) {
        suspect_watchers(ssa, dead->watchers);
        return;
    }
    Phi *live = &ssa->phis.data[target];
    vec_push(ssa->arena, &ssa->suspects, target); /* an operand of it may be itself now */
    suspect_watchers(ssa,
                     dead->num_watchers < live->num_watchers ? dead->watchers : live->watchers);
    if (dead->num_watchers == 0) {
        return;
    }
    if (live->num_watchers == 0) {
        live->watchers = dead->watchers;
    } else {
        ssa->watches.data[live->last_watcher - 1].next = dead->watchers;
    }
    live->last_watcher = dead->last_watcher;
    live->num_watchers += dead->num_watchers;
}

static void remove_redundant(Ssa *ssa)
{
    while (ssa->suspects.len != 0) {
        u32 index = vec_pop(&ssa->suspects);
        const Phi *phi = &ssa->phis.data[index];
        Value same;
        if (phi->dead || !phi->filled) {
            continue;
        }
        if (!is_redundant(ssa, index, &same)) {
            watch_operand(ssa, index, phi->left);
            watch_operand(ssa, index, phi->right);
            continue;
        }
        if (same.id == ENTITY_NONE) { /* a loop without a way in */
            same = zero_at_start(ssa, phi->block, phi->var);
        }
        replace_phi(ssa, index, same);
    }
}

/* Finds the operands of all pending phis, and removes what is redundant of them, those found last
 * first. */
static void complete_phis(Ssa *ssa)
{
    while (ssa->pending.len != 0) {
        u32 index = vec_pop(&ssa->pending);
        if (ssa->max_steps != 0 && ssa->work.steps > ssa->max_steps) {
            ssa->exhausted = true;
            continue;
        }
        fill_operands(ssa, index);
        vec_push(ssa->arena, &ssa->fresh, index);
    }
    while (ssa->fresh.len != 0) {
        vec_push(ssa->arena, &ssa->suspects, vec_pop(&ssa->fresh));
        remove_redundant(ssa);
    }
}

Value dv_ssa_use(Ssa *ssa, Block b, u32 var)
{
    Value v = find_at_end(ssa, b, var);
    complete_phis(ssa);
    return dv_ssa_resolve(ssa, v);
}

void dv_ssa_seal(Ssa *ssa, Block b)
{
    SsaBlock *block = &vec_at(&ssa->blocks, b.id);
    block->sealed = true;
    for (u32 phi = block->first_phi; phi != 0; phi = ssa->phis.data[phi - 1].next) {
        vec_push(ssa->arena, &ssa->pending, phi - 1);
    }
    complete_phis(ssa);
}

/* ---- writing the result ---- */

static void write_phi(Ssa *ssa, const Phi *phi)
{
    Func *f = ssa->f;
    Value v = {phi->value};
    u32 at = phi->operands;
    dv_block_add_param_at(f, phi->block, v, f->values.data[v.id].type);
    u32 pred = ssa->blocks.data[phi->block.id].first_pred;
    for (; pred != 0; pred = ssa->preds.data[pred - 1].next, at++) {
        Value arg = dv_ssa_resolve(ssa, (Value){ssa->operands.data[at]});
        dv_call_push_arg(f, ssa->preds.data[pred - 1].call, block_arg(ARG_VALUE, arg.id));
    }
}

/* Writes phis, block by block, each block's in the order in which they were made. */
static bool write_phis(Ssa *ssa)
{
    bool has_aliases = false;
    for (u32 b = 0; b < ssa->blocks.len; b++) {
        for (u32 i = ssa->blocks.data[b].first_phi; i != 0; i = ssa->phis.data[i - 1].next) {
            const Phi *phi = &ssa->phis.data[i - 1];
            has_aliases |= phi->dead;
            if (!phi->dead) {
                write_phi(ssa, phi);
            }
        }
    }
    return has_aliases;
}

static void resolve_id(Ssa *ssa, u32 *id)
{
    *id = dv_ssa_resolve(ssa, (Value){*id}).id;
}

/* In code that cannot be reached, a phi of a loop may be nothing but a value that its own block
 * computes later; there, and only there, does an alias used in a block stand for a result of that
 * block. Such a use gets zero. */
static u32 resolve_arg(Ssa *ssa, Inst i, u32 id)
{
    Func *f = ssa->f;
    Block b = dv_inst_block(f, i);
    u32 end = dv_ssa_resolve(ssa, (Value){id}).id;
    const ValueData *data = &f->values.data[end];
    bool is_later = end != id && data->kind == VALUE_RESULT && b.id != ENTITY_NONE &&
                    dv_inst_block(f, (Inst){data->def}).id == b.id;
    return is_later ? dv_ssa_zero(f, b, dv_block(f, b)->first, data->type).id : end;
}

static void resolve_args(Ssa *ssa, Inst i)
{
    u32 count = dv_inst_const(ssa->f, i)->num_args;
    for (u32 n = 0; n < count; n++) {
        u32 id = resolve_arg(ssa, i, dv_inst_args(ssa->f, i)[n]);
        dv_inst_args_mut(ssa->f, i)[n] = id;
    }
}

static void resolve_call(Ssa *ssa, const BlockCall *call)
{
    for (u32 n = 0; n < call->num_args; n++) {
        u32 *bits = &ssa->f->pool.data[call->args + n];
        if (block_arg_kind((BlockArg){*bits}) == ARG_VALUE) {
            resolve_id(ssa, bits);
        }
    }
}

void dv_ssa_finish(Ssa *ssa)
{
    Func *f = ssa->f;
    if (!write_phis(ssa)) {
        return;
    }
    for (u32 i = 0; i < f->insts.len; i++) {
        resolve_args(ssa, (Inst){i});
    }
    for (u32 i = 0; i < f->calls.len; i++) {
        resolve_call(ssa, &f->calls.data[i]);
    }
    for (u32 i = 0; i < f->exception_tables.len; i++) {
        const ExceptionTable *table = &f->exception_tables.data[i];
        for (u32 n = 0; n < table->num_handlers; n++) {
            if (table->handlers[n].kind == HANDLER_CONTEXT) {
                resolve_id(ssa, &table->handlers[n].context.id);
            }
        }
    }
    for (u32 v = 0; v < f->values.len; v++) {
        if (f->values.data[v].kind == VALUE_ALIAS) {
            f->values.data[v] = (ValueData){0};
        }
    }
}
