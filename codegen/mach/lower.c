/* lower.c - the backward walk; lower.h tells the idea. */
#include "codegen/mach/lower.h"

static bool has_effect(const Func *f, Inst inst)
{
    const InstData *d = dv_inst_const(f, inst);
    u32 effects = dv_ops[d->op].effects;
    return (effects & (FX_TRAP | FX_LOAD | FX_STORE | FX_CALL | FX_OTHER | FX_TERM)) != 0;
}

/* ---- uses ------------------------------------------------------------------------------------- */

typedef VEC(u32) Worklist;

static void count_use(Lower *l, Worklist *work, u32 value)
{
    value = l->roots[value];
    l->steps++;
    if (l->value_users[value] < USES_MANY) {
        l->value_users[value]++;
    }
    if (l->value_uses[value] < USES_MANY && ++l->value_uses[value] == USES_MANY) {
        vec_push(l->arena, work, value);
    }
}

/* What is used by a value with several users may be done again for each of them: it has several users itself. */
static void spread_uses(Lower *l, Worklist *work)
{
    while (work->len > 0) {
        u32 user = vec_pop(work);
        const ValueData *data = &vec_at(&l->func->values, user);
        if (data->kind != VALUE_RESULT || has_effect(l->func, (Inst){data->def})) {
            continue;
        }
        const InstData *d = dv_inst_const(l->func, (Inst){data->def});
        const u32 *args = dv_inst_args(l->func, (Inst){data->def});
        for (u32 i = 0; i < d->num_args; i++) {
            u32 value = l->roots[args[i]];
            l->steps++;
            if (l->value_uses[value] != USES_MANY) {
                l->value_uses[value] = USES_MANY;
                vec_push(l->arena, work, value);
            }
        }
    }
}

/* What edges and handlers of an instruction pass on. */
static void for_passed(Lower *l, Worklist *work, Inst inst, void (*use)(Lower *, Worklist *, u32))
{
    u32 count;
    const BlockCall *dests = dv_inst_dests_const(l->func, inst, &count);
    for (u32 i = 0; i < count; i++) {
        for (u32 j = 0; j < dests[i].num_args; j++) {
            BlockArg arg = dv_call_arg(l->func, &dests[i], j);
            if (block_arg_kind(arg) == ARG_VALUE) {
                use(l, work, block_arg_index(arg));
            }
        }
    }
    const ExceptionTable *table = dv_inst_exceptions(l->func, inst);
    for (u32 i = 0; table != NULL && i < table->num_handlers; i++) {
        if (table->handlers[i].kind == HANDLER_CONTEXT) {
            use(l, work, table->handlers[i].context.id);
        }
    }
}

static void count_inst_uses(Lower *l, Worklist *work, Inst inst)
{
    const InstData *d = dv_inst_const(l->func, inst);
    const u32 *args = dv_inst_args(l->func, inst);
    if (l->inst_sunk[inst.id] != 0) {
        return; /* nothing wants it */
    }
    for (u32 i = 0; i < d->num_args; i++) {
        count_use(l, work, args[i]);
    }
    for_passed(l, work, inst, count_use);
}

/* ---- what nothing wants: instructions without effects whose results only such instructions read ---- */

static void want(Lower *l, Worklist *work, u32 value)
{
    const ValueData *data = &vec_at(&l->func->values, l->roots[value]);
    l->steps++;
    if (data->kind == VALUE_RESULT && l->inst_sunk[data->def] != 0) {
        l->inst_sunk[data->def] = 0;
        vec_push(l->arena, work, data->def);
    }
}

/* Notes it as sunk: so it has no part in counting uses, and is not lowered. */
static void sink_unwanted(Lower *l, const LoweredOrder *order)
{
    Worklist work = {0};
    for (u32 i = 0; i < order->blocks.len; i++) {
        Block block = order->blocks.data[i].block;
        if (order->blocks.data[i].dest != LOWERED_BLOCK) {
            continue;
        }
        Inst inst = dv_block(l->func, block)->first;
        for (; inst.id != ENTITY_NONE; inst = dv_inst_next(l->func, inst)) {
            l->inst_sunk[inst.id] = 1;
            if (has_effect(l->func, inst) || dv_inst_const(l->func, inst)->num_results == 0) {
                l->inst_sunk[inst.id] = 0;
                vec_push(l->arena, &work, inst.id);
            }
        }
    }
    while (work.len > 0) {
        Inst inst = {vec_pop(&work)};
        const u32 *args = dv_inst_args(l->func, inst);
        for (u32 i = 0; i < dv_inst_const(l->func, inst)->num_args; i++) {
            want(l, &work, args[i]);
        }
        for_passed(l, &work, inst, want);
    }
}

static void count_uses(Lower *l, const LoweredOrder *order)
{
    Worklist work = {0};
    u32 color = 0;
    for (u32 i = 0; i < order->blocks.len; i++) {
        if (order->blocks.data[i].dest != LOWERED_BLOCK) {
            continue;
        }
        color++;
        Inst inst = dv_block(l->func, order->blocks.data[i].block)->first;
        for (; inst.id != ENTITY_NONE; inst = dv_inst_next(l->func, inst)) {
            l->inst_colors[inst.id] = color;
            color += has_effect(l->func, inst);
            count_inst_uses(l, &work, inst);
        }
    }
    spread_uses(l, &work);
}

/* ---- values ------------------------------------------------------------------------------------ */

ValueRegs dv_lower_temp(Lower *l, Type type)
{
    u8 classes[VALUE_REGS_MAX];
    u32 count = l->target->type_classes(type, classes);
    ASSERT(count <= VALUE_REGS_MAX);
    ValueRegs out = {{VREG_NONE, VREG_NONE}};
    for (u32 i = 0; i < count; i++) {
        out.regs[i] = dv_vcode_vreg(l->vcode, classes[i]);
    }
    return out;
}

static ValueRegs regs_of(Lower *l, u32 value)
{
    if (l->value_regs[value].regs[0].id == UINT32_MAX) {
        l->value_regs[value] = dv_lower_temp(l, dv_value_type(l->func, (Value){value}));
    }
    return l->value_regs[value];
}

ValueRegs dv_lower_use(Lower *l, Value value)
{
    u32 root = l->roots[value.id];
    l->value_wanted[root] = true;
    l->value_computed[root] = l->value_computed[root] || !l->is_passing;
    return regs_of(l, root);
}

ValueRegs dv_lower_result_regs(Lower *l, u32 n)
{
    return regs_of(l, dv_inst_result(l->func, l->current, n).id);
}

static void set_regs(Lower *l, ValueRegs wanted, ValueRegs regs)
{
    u32 count = value_regs_count(wanted);
    ASSERT(count == value_regs_count(regs));
    for (u32 i = 0; i < count; i++) {
        if (dv_vcode_resolve(l->vcode, regs.regs[i]).id != wanted.regs[i].id) {
            dv_vcode_set_alias(l->vcode, wanted.regs[i], regs.regs[i]);
        }
    }
}

void dv_lower_set_result(Lower *l, u32 n, ValueRegs regs)
{
    set_regs(l, dv_lower_result_regs(l, n), regs);
}

Inst dv_lower_def(const Lower *l, Value value)
{
    const ValueData *data = &vec_at(&l->func->values, l->roots[value.id]);
    bool is_pure = data->kind == VALUE_RESULT && !has_effect(l->func, (Inst){data->def});
    return is_pure ? (Inst){data->def} : INST_NONE;
}

Inst dv_lower_result_of(const Lower *l, Value value)
{
    const ValueData *data = &vec_at(&l->func->values, l->roots[value.id]);
    return data->kind == VALUE_RESULT ? (Inst){data->def} : INST_NONE;
}

bool dv_lower_is_same(const Lower *l, Value a, Value b)
{
    return l->roots[a.id] == l->roots[b.id];
}

bool dv_lower_has_many_users(const Lower *l, Value value)
{
    return l->value_users[l->roots[value.id]] == USES_MANY;
}

Inst dv_lower_sinkable_load(const Lower *l, Value value)
{
    u32 root = l->roots[value.id];
    const ValueData *data = &vec_at(&l->func->values, root);
    Inst inst = {data->def};
    if (data->kind != VALUE_RESULT || l->value_uses[root] != USES_ONCE || l->value_wanted[root] ||
        (dv_inst_info(l->func, inst)->effects & FX_LOAD) == 0 ||
        (dv_inst_info(l->func, inst)->effects & (FX_STORE | FX_CALL | FX_OTHER)) != 0 ||
        l->inst_sunk[inst.id] != 0 || l->inst_colors[inst.id] + 1 != l->current_color ||
        dv_inst_block(l->func, inst).id != dv_inst_block(l->func, l->current).id) {
        return INST_NONE;
    }
    return inst;
}

void dv_lower_sink(Lower *l, Inst load)
{
    ASSERT(l->inst_sunk[load.id] == 0);
    l->inst_sunk[load.id] = 1;
    l->current_color = l->inst_colors[load.id];
}

static bool reads(const Lower *l, Inst inst, u32 value)
{
    const u32 *args = dv_inst_args(l->func, inst);
    bool found = false;
    for (u32 i = 0; i < dv_inst_const(l->func, inst)->num_args; i++) {
        found = found || l->roots[args[i]] == value;
    }
    return found;
}

bool dv_lower_can_absorb(const Lower *l, Inst inst, Inst user)
{
    enum { FAR = 32 };
    u32 value = dv_inst_result(l->func, inst, 0).id;
    Inst at = dv_inst_prev(l->func, l->current);
    for (u32 i = 0; i < FAR && at.id != inst.id && at.id != ENTITY_NONE; i++) {
        if (at.id != user.id && reads(l, at, value)) {
            return false;
        }
        at = dv_inst_prev(l->func, at);
    }
    return at.id == inst.id && l->inst_sunk[inst.id] == 0;
}

void dv_lower_absorb(Lower *l, Inst inst, ValueRegs result)
{
    l->inst_sunk[inst.id] = 1;
    set_regs(l, regs_of(l, dv_inst_result(l->func, inst, 0).id), result);
}

ValueRegs dv_lower_try_regs(Lower *l, Inst try_inst, bool is_exn, u32 n)
{
    const Signature *sig = dv_inst_signature(l->func, try_inst);
    u32 first;
    if (!dv_map_get(&l->try_regs, try_inst.id, &first)) {
        first = l->try_lists.len;
        for (u32 i = 0; i < sig->num_results; i++) {
            vec_push(l->arena, &l->try_lists, dv_lower_temp(l, sig->results[i].type));
        }
        for (u32 i = 0; i < l->target->num_exception_values; i++) {
            vec_push(l->arena, &l->try_lists, dv_lower_temp(l, l->target->exception_type));
        }
        dv_map_put(l->arena, &l->try_regs, try_inst.id, first);
    }
    return vec_at(&l->try_lists, first + (is_exn ? sig->num_results : 0) + n);
}

bool dv_lower_error(Lower *l, Inst inst, const char *format, ...)
{
    TextBuf text;
    va_list args;
    dv_text_init(&text, l->arena);
    va_start(args, format);
    dv_text_vprintf(&text, format, args);
    va_end(args);
    dv_diag_error(l->diag, 0, 0, "inst%u (%s): %s", (unsigned)inst.id,
                  dv_inst_info(l->func, inst)->name, text.data);
    return false;
}

/* ---- blocks -------------------------------------------------------------------------------------- */

static void push_regs(Lower *l, VRegList *out, ValueRegs regs)
{
    for (u32 i = 0; i < value_regs_count(regs); i++) {
        vec_push(l->arena, out, regs.regs[i]);
    }
}

/* Notes an edge of the block at hand: its label, and what is handed over. */
static void begin_edge(Lower *l, RaBlock *block, u32 label)
{
    vec_push(l->arena, &l->vcode->succs, label);
    vec_push(l->arena, &l->vcode->edge_args, l->vcode->args.len);
    block->num_succs++;
}

static void push_edge_args(Lower *l, Inst branch, const BlockCall *call)
{
    l->is_passing = true;
    for (u32 i = 0; i < call->num_args; i++) {
        BlockArg arg = dv_call_arg(l->func, call, i);
        u32 index = block_arg_index(arg);
        ValueRegs regs = block_arg_kind(arg) == ARG_VALUE
                             ? dv_lower_use(l, (Value){index})
                             : dv_lower_try_regs(l, branch, block_arg_kind(arg) == ARG_EXN, index);
        push_regs(l, &l->vcode->args, regs);
    }
}

static void lower_edge(Lower *l, const LoweredOrder *order, const LoweredBlock *edge,
                       RaBlock *block)
{
    Inst branch = dv_block_terminator(l->func, edge->block);
    u32 count;
    const BlockCall *dest = &dv_inst_dests_const(l->func, branch, &count)[edge->dest];
    u32 label = order->label_of_block[dest->block.id];
    l->current = branch;
    l->vcode->srcloc = dv_srcloc(l->func, branch);
    l->vcode->ir_inst = ENTITY_NONE;
    l->target->lower_jump(l, label);
    begin_edge(l, block, label);
    push_edge_args(l, branch, dest);
}

/* The edges of a block's branch; edges to blocks of their own hand nothing over, and several dests may share one, which
 * is noted once, for the dest it was made for. */
static void note_edges(Lower *l, const LoweredOrder *order, Block from, Inst branch, RaBlock *block)
{
    u32 count;
    const BlockCall *dests = dv_inst_dests_const(l->func, branch, &count);
    const u32 *labels = order->edge_labels + order->edge_start[from.id];
    for (u32 i = 0; i < count; i++) {
        u32 made_for = order->blocks.data[labels[i]].dest;
        if (made_for != LOWERED_BLOCK && made_for != i) {
            continue;
        }
        begin_edge(l, block, labels[i]);
        if (made_for == LOWERED_BLOCK) {
            push_edge_args(l, branch, &dests[i]);
        }
    }
}

static bool is_wanted(const Lower *l, Inst inst)
{
    const InstData *d = dv_inst_const(l->func, inst);
    const u32 *results = dv_inst_results(l->func, inst);
    bool wanted = has_effect(l->func, inst) || d->num_results == 0;
    for (u32 i = 0; i < d->num_results && !wanted; i++) {
        wanted = l->value_wanted[results[i]];
    }
    return wanted;
}

static void begin_inst(Lower *l, Inst inst)
{
    u32 effects = dv_inst_info(l->func, inst)->effects;
    l->current = inst;
    l->is_passing = (effects & FX_CALL) != 0 || dv_inst_const(l->func, inst)->op == OP_return;
    l->current_color = l->inst_colors[inst.id];
    l->vcode->srcloc = dv_srcloc(l->func, inst);
    l->vcode->ir_inst = inst.id;
}

/* True if the instruction is a constant that is made elsewhere. */
static bool hoist(Lower *l, const LoweredOrder *order, Block b, Inst inst)
{
    enum { HOISTED_MAX = 64 }; /* of a block: what follows has other needs for registers, too */
    const InstData *d = dv_inst_const(l->func, inst);
    bool is_const = d->op == OP_iconst || d->op == OP_f32const || d->op == OP_f64const;
    Block to = order->outside[b.id];
    if (!is_const || to.id == b.id || l->num_hoisted[to.id] == HOISTED_MAX ||
        !l->value_computed[dv_inst_result(l->func, inst, 0).id] ||
        order->is_cold[order->label_of_block[b.id]] !=
            order->is_cold[order->label_of_block[to.id]]) {
        return false;
    }
    l->num_hoisted[to.id]++;
    l->next_hoisted[inst.id] = l->hoisted[to.id];
    l->hoisted[to.id] = inst.id;
    return true;
}

static bool lower_hoisted(Lower *l, Block b)
{
    for (u32 id = l->hoisted[b.id]; id != ENTITY_NONE; id = l->next_hoisted[id]) {
        begin_inst(l, (Inst){id});
        if (!l->target->lower_inst(l, (Inst){id})) {
            return false;
        }
        dv_vcode_flush(l->vcode);
    }
    return true;
}

static bool lower_params(Lower *l, const u32 *params, u32 count)
{
    ValueRegs *regs = ARENA_ARRAY(l->arena, ValueRegs, count + 1);
    for (u32 i = 0; i < count; i++) {
        regs[i] = regs_of(l, params[i]);
    }
    l->vcode->srcloc = SRCLOC_NONE;
    l->vcode->ir_inst = ENTITY_NONE;
    return l->target->lower_params(l, regs, count);
}

static bool lower_block(Lower *l, const LoweredOrder *order, Block b, bool is_entry, RaBlock *block)
{
    Inst inst = dv_block(l->func, b)->last;
    u32 num_targets;
    dv_inst_dests_const(l->func, inst, &num_targets);
    begin_inst(l, inst);
    if (!l->target->lower_branch(l, inst, order->edge_labels + order->edge_start[b.id],
                                 num_targets)) {
        return false;
    }
    dv_vcode_flush(l->vcode);
    note_edges(l, order, b, inst, block);
    for (inst = dv_inst_prev(l->func, inst); inst.id != ENTITY_NONE;
         inst = dv_inst_prev(l->func, inst)) {
        l->steps++;
        if (l->inst_sunk[inst.id] != 0 || !is_wanted(l, inst) || hoist(l, order, b, inst)) {
            continue;
        }
        begin_inst(l, inst);
        if (!l->target->lower_inst(l, inst)) {
            return false;
        }
        dv_vcode_flush(l->vcode);
    }
    if (!lower_hoisted(l, b)) {
        return false;
    }
    const BlockData *data = dv_block(l->func, b);
    if (is_entry) {
        return lower_params(l, dv_block_params(l->func, b), data->num_params);
    }
    block->params = l->vcode->params.len;
    for (u32 i = 0; i < data->num_params; i++) {
        push_regs(l, &l->vcode->params, regs_of(l, dv_block_params(l->func, b)[i]));
    }
    block->num_params = l->vcode->params.len - block->params;
    return true;
}

static bool lower_blocks(Lower *l, const LoweredOrder *order, u32 *begins)
{
    VCode *v = l->vcode;
    u32 count = order->blocks.len;
    vec_extend(l->arena, &v->blocks, count);
    bool ok = true;
    for (u32 i = count; i-- > 0 && ok;) {
        const LoweredBlock *lowered = &order->blocks.data[i];
        RaBlock *block = &v->blocks.data[i];
        bool is_edge = lowered->dest != LOWERED_BLOCK;
        block->loop_depth = order->loop_depths[i];
        block->is_cold = order->is_cold[i];
        block->succs = v->succs.len;
        begins[i] = v->insts.len;
        if (is_edge) {
            lower_edge(l, order, lowered, block);
        } else {
            ok = lower_block(l, order, lowered->block, i == 0, block);
        }
        dv_vcode_flush(v);
    }
    return ok;
}

/* Types of values that the target has no registers for. */
static bool check_types(Lower *l)
{
    u8 classes[VALUE_REGS_MAX];
    char name[32];
    for (u32 i = 0; i < l->func->values.len; i++) {
        const ValueData *data = &l->func->values.data[i];
        if ((data->kind == VALUE_RESULT || data->kind == VALUE_PARAM) &&
            l->target->type_classes(data->type, classes) == 0) {
            dv_type_name(data->type, name);
            dv_diag_error(l->diag, 0, 0, "v%u: type %s is not supported by this target",
                          (unsigned)i, name);
            return false;
        }
    }
    return true;
}

bool dv_lower(const LowerTarget *target, void *context, Func *f, Arena *arena, Diag *diag,
              VCode *vcode, RaFunc *out)
{
    LoweredOrder order;
    Work work = {0};
    dv_lowered_order(&order, arena, f, &work);
    dv_vcode_init(vcode, arena, target->machine);
    Lower l = {.target = target,
               .context = context,
               .func = f,
               .arena = arena,
               .vcode = vcode,
               .diag = diag,
               .order = &order,
               .roots = dv_value_roots(f, arena),
               .value_regs = ARENA_ARRAY(arena, ValueRegs, f->values.len + 1),
               .value_uses = ARENA_ARRAY(arena, u8, f->values.len + 1),
               .value_users = ARENA_ARRAY(arena, u8, f->values.len + 1),
               .value_wanted = ARENA_ARRAY(arena, bool, f->values.len + 1),
               .value_computed = ARENA_ARRAY(arena, bool, f->values.len + 1),
               .inst_colors = ARENA_ARRAY(arena, u32, f->insts.len + 1),
               .inst_sunk = ARENA_ARRAY(arena, u8, f->insts.len + 1),
               .hoisted = ARENA_ARRAY(arena, u32, f->blocks.len + 1),
               .next_hoisted = ARENA_ARRAY(arena, u32, f->insts.len + 1),
               .num_hoisted = ARENA_ARRAY(arena, u8, f->blocks.len + 1)};
    memset(l.value_regs, 0xff, (f->values.len + 1) * sizeof(ValueRegs));
    memset(l.hoisted, 0xff, (f->blocks.len + 1) * sizeof(u32));
    if (!check_types(&l)) {
        return false;
    }
    sink_unwanted(&l, &order);
    count_uses(&l, &order);
    u32 *begins = ARENA_ARRAY(arena, u32, order.blocks.len + 1);
    if (!lower_blocks(&l, &order, begins)) {
        return false;
    }
    dv_vcode_finish(vcode, begins, out);
    return true;
}
