/* lower.c - instructions of x86-64 from the rules' results; what the rules do not say. */
#include <x64_lowering.h> /* made of rules/ */

/* What goes into an instruction, put together from its row. */
typedef struct Draft {
    RaOperand operands[2 * X64_OPERANDS_MAX];
    u64 numbers[X64_OPERANDS_MAX + 2]; /* a constant's bits are two more */
    u32 num_operands, num_numbers, num_defs;
    u32 srcloc; /* 0: that of the instruction at hand */
} Draft;

static PReg fixed_register(u32 place)
{
    static const u8 general[] = {X64_RAX, X64_RCX, X64_RDX, X64_RBX};
    return place == X64_AT_XMM0 ? preg_make(X64_XMM, 0)
                                : preg_make(X64_GENERAL, general[place - X64_AT_RAX]);
}

static bool is_fixed_place(u32 place)
{
    return place >= X64_AT_RAX && place <= X64_AT_XMM0;
}

static bool is_memory_place(u32 place)
{
    return place >= X64_AT_RM && place <= X64_AT_ADDRESS;
}

static void add_use(Draft *draft, VReg reg, const X64Spec *spec)
{
    draft->operands[draft->num_operands++] =
        is_fixed_place(spec->place) ? ra_use_fixed(reg, fixed_register(spec->place))
        : (spec->place == X64_AT_RM || spec->place == X64_AT_RMA) && spec->role == X64_USE
            ? ra_use_any(reg)
            : ra_use(reg);
}

static void add_def(X64Context *ctx, Draft *draft, const X64Spec *spec, VReg defs[2])
{
    VReg reg =
        dv_vcode_vreg(ctx->lower->vcode, x64_width_is_xmm(spec->width) ? X64_XMM : X64_GENERAL);
    defs[draft->num_defs++] = reg;
    u32 at = draft->num_operands++;
    draft->operands[at] = is_fixed_place(spec->place)
                              ? ra_def_fixed(reg, fixed_register(spec->place))
                          : spec->role == X64_MOD ? ra_def_reuse(reg, at - 1)
                                                  : ra_def(reg);
}

static void add_address(X64Context *ctx, Draft *draft, u32 index)
{
    const X64Address *address = &vec_at(&ctx->addresses, index);
    draft->srcloc = address->srcloc;
    draft->numbers[draft->num_numbers++] = address->packed;
    for (u32 i = 0; i < 2 && (address->packed & X64_ADDRESS_IS_CONST) != 0; i++) {
        draft->numbers[draft->num_numbers++] = address->bits[i];
    }
    if ((address->packed & X64_ADDRESS_HAS_BASE) != 0) {
        draft->operands[draft->num_operands++] = ra_use(address->base);
    }
    if ((address->packed & X64_ADDRESS_HAS_INDEX) != 0) {
        draft->operands[draft->num_operands++] = ra_use(address->index);
    }
}

void dv_x64_emit_inst(X64Context *ctx, X64Op op, const u64 *fields, VReg defs[2])
{
    Draft draft = {.num_operands = 0};
    const X64Spec *specs = dv_x64_insts[op].operands;
    u32 next = 0;
    for (u32 i = 0; specs[i].role != X64_NO_ROLE; i++) {
        const X64Spec *spec = &specs[i];
        if (spec->role == X64_NUMBER) {
            draft.numbers[draft.num_numbers++] = fields[next++];
            continue;
        }
        if (is_memory_place(spec->place)) {
            u32 field = (u32)fields[next++];
            if ((field & X64_FIELD_ADDRESS) != 0) {
                add_address(ctx, &draft, field & ~(u32)X64_FIELD_ADDRESS);
                continue;
            }
            ASSERT(spec->role == X64_USE);
            draft.numbers[draft.num_numbers++] = 0;
            add_use(&draft, (VReg){field}, spec);
            continue;
        }
        if (spec->role != X64_DEF) {
            add_use(&draft, (VReg){(u32)fields[next++]}, spec);
        }
        if (spec->role != X64_USE) {
            add_def(ctx, &draft, spec, defs);
        }
    }
    bool is_constant = op == X64_mov32_i || op == X64_mov64_i || op == X64_movabs;
    VInstDraft inst = {(u16)op,
                       is_constant ? RA_INST_REMAT : 0,
                       0,
                       draft.operands,
                       draft.num_operands,
                       draft.numbers,
                       draft.num_numbers};
    dv_vcode_emit(ctx->lower->vcode, &inst);
    if (draft.srcloc != 0 && draft.srcloc != SRCLOC_NONE) { /* it fails where the load was */
        VCode *v = ctx->lower->vcode;
        v->insts.data[v->insts.len - 1].srcloc = draft.srcloc;
    }
}

bool dv_x64_covers(u32 op, u32 type, u32 open)
{
    return x64_covers_lower(op, type, open);
}

/* What is an instruction if there is F16C, and expanded if not: any other conversion of an f16 goes by way of these. */
bool dv_x64_covers_by(u32 features, u32 op, u32 type, u32 open)
{
    bool is_promotion = op == OP_fpromote && type == TYPE_F32 && open == TYPE_F16;
    bool is_demotion = op == OP_fdemote && type == TYPE_F16 && open == TYPE_F32;
    return (features >> X64_FEATURE_F16C & 1) != 0 && (is_promotion || is_demotion);
}

static bool lower(X64Context *ctx, Inst inst)
{
    Lower *l = ctx->lower;
    const InstData *d = dv_inst_const(l->func, inst);
    InstOutput out;
    if (!x64_lower(ctx, inst, &out)) {
        char name[32];
        const char *type = d->type == TYPE_NONE ? "these operands" : dv_type_name(d->type, name);
        return dv_lower_error(l, inst, "not supported by %s on %s", ctx->isa->name, type);
    }
    ASSERT(out.count == X64_RESULTS_SET || out.count == d->num_results);
    for (u32 i = 0; out.count != X64_RESULTS_SET && i < out.count; i++) {
        dv_lower_set_result(l, i, out.values[i]);
    }
    return dv_diag_ok(l->diag);
}

bool dv_x64_lower_inst(Lower *l, Inst inst)
{
    return dv_x64_lower_branch(l, inst, NULL, 0);
}

bool dv_x64_lower_branch(Lower *l, Inst inst, const u32 *targets, u32 count)
{
    X64Context *ctx = l->context;
    ctx->lower = l;
    ctx->targets = targets;
    ctx->num_targets = count;
    ctx->addresses.len = 0;
    return lower(ctx, inst);
}

static void emit_numbers(X64Context *ctx, u32 op, u8 flags, const u64 *numbers, u32 count)
{
    VInstDraft draft = {(u16)op, flags, 0, NULL, 0, numbers, count};
    dv_vcode_emit(ctx->lower->vcode, &draft);
}

void dv_x64_lower_jump(Lower *l, u32 target)
{
    X64Context *ctx = l->context;
    ctx->lower = l;
    emit_numbers(ctx, X64_JUMP, RA_INST_BRANCH, (const u64[]){target}, 1);
}

/* ---- branches, calls, traps ------------------------------------------------------------------------------ */

Done x64_lower_jump(X64Context *ctx)
{
    dv_x64_lower_jump(ctx->lower, ctx->targets[0]);
    return 0;
}

Done x64_branch(X64Context *ctx, Flags flags, Cond cond)
{
    (void)flags;
    const u64 numbers[] = {cond, ctx->targets[0], ctx->targets[1]};
    emit_numbers(ctx, X64_BRANCH, RA_INST_BRANCH, numbers, ARRAY_LEN(numbers));
    return 0;
}

/* To target 0 if either holds, else to target 1. */
Done x64_branch_either(X64Context *ctx, Flags flags, Cond a, Cond b)
{
    (void)flags;
    const u64 numbers[] = {a, b, ctx->targets[0], ctx->targets[1]};
    emit_numbers(ctx, X64_BRANCH_EITHER, RA_INST_BRANCH, numbers, ARRAY_LEN(numbers));
    return 0;
}

/* Not both is either not. */
Done x64_branch_both(X64Context *ctx, Flags flags, Cond a, Cond b)
{
    (void)flags;
    const u64 numbers[] = {x64_cond_invert(a), x64_cond_invert(b), ctx->targets[1],
                           ctx->targets[0]};
    emit_numbers(ctx, X64_BRANCH_EITHER, RA_INST_BRANCH, numbers, ARRAY_LEN(numbers));
    return 0;
}

/* x if the condition holds, else y. */
V128 x64_xmm_select(X64Context *ctx, Flags flags, Cond cond, V128 x, V128 y)
{
    (void)flags;
    VReg result = dv_vcode_vreg(ctx->lower->vcode, X64_XMM);
    const RaOperand operands[] = {ra_use(x), ra_use(y), ra_def_reuse(result, 1)};
    u64 number = cond;
    VInstDraft draft = {X64_XMM_SELECT, 0, 0, operands, ARRAY_LEN(operands), &number, 1};
    dv_vcode_emit(ctx->lower->vcode, &draft);
    return result;
}

Done x64_trap_if(X64Context *ctx, Flags flags, Cond cond, TrapCode code)
{
    (void)flags;
    emit_numbers(ctx, X64_TRAP_IF, 0, (const u64[]){cond, code}, 2);
    return 0;
}

Done x64_trap_now(X64Context *ctx, TrapCode code)
{
    emit_numbers(ctx, X64_TRAP, RA_INST_RETURN, (const u64[]){code}, 1);
    return 0;
}

/* To the last entry, the default's: by a move that clears the high half in any case. */
static VReg clamp(X64Context *ctx, VReg index, u32 last)
{
    VReg limit[2], clamped[2];
    dv_x64_emit_inst(ctx, X64_mov32_i, (const u64[]){last}, limit);
    dv_x64_emit_inst(ctx, X64_cmp32, (const u64[]){index.id, limit[0].id}, clamped);
    dv_x64_emit_inst(ctx, X64_cmov32, (const u64[]){X64_CC_A, index.id, limit[0].id}, clamped);
    return clamped[0];
}

/* How many entries a table of so many targets gets. Where the index is known to be small there is one for each, if that makes
 * the table not much longer, and the index is not clamped: bytes are worth a table of their own if not too few of them
 * mean something. */
static u32 count_entries(X64Context *ctx, Value index, u32 count, bool *is_clamped)
{
    enum { BYTES = 256, MEANT_MIN = 16, TIMES = 2 };
    u64 enough = count >= MEANT_MIN && TIMES * count < BYTES ? BYTES : TIMES * (u64)count;
    u64 most = dv_x64_most_of(ctx, index);
    Value same;
    *is_clamped = most >= enough || !x64_clears_above(ctx, index, &same);
    return *is_clamped ? count : (u32)most + 1;
}

Done x64_lower_br_table(X64Context *ctx)
{
    Lower *l = ctx->lower;
    u32 count = ctx->num_targets;
    const u32 *targets = ctx->targets;
    if (count == 1) {
        dv_x64_lower_jump(l, targets[0]);
        return 0;
    }
    Value value = dv_inst_arg(l->func, l->current, 0);
    bool is_clamped;
    u32 entries = count_entries(ctx, value, count, &is_clamped);
    u64 *numbers = ARENA_ARRAY(ctx->arena, u64, entries);
    for (u32 i = 0; i < entries; i++) {
        numbers[i] = targets[i + 1 < count ? i + 1 : 0];
    }
    VReg index = dv_lower_use(l, value).regs[0];
    index = is_clamped ? clamp(ctx, index, count - 1) : index;
    /* The address of the table, and then of the target, in registers of the branch's own: they are no results. */
    RaOperand operands[] = {ra_use(index), ra_def(dv_vcode_vreg(l->vcode, X64_GENERAL)),
                            ra_def(dv_vcode_vreg(l->vcode, X64_GENERAL))};
    operands[1].flags = operands[2].flags = RA_DEF | RA_EARLY;
    VInstDraft draft = {X64_BR_TABLE, RA_INST_BRANCH, 0, operands, 3, numbers, entries};
    dv_vcode_emit(l->vcode, &draft);
    return 0;
}

Done x64_lower_return(X64Context *ctx)
{
    dv_x64_lower_return(ctx, ctx->lower->current);
    return 0;
}

InstOutput x64_lower_call(X64Context *ctx)
{
    dv_x64_lower_call(ctx, ctx->lower->current);
    return (InstOutput){.count = X64_RESULTS_SET};
}

R64 x64_switch_stack(X64Context *ctx, R64 to, R64 from, R64 payload)
{
    return dv_x64_switch_stack(ctx, to, from, payload);
}

static R64 address_of(X64Context *ctx, u16 op, u64 number)
{
    VReg reg = dv_vcode_vreg(ctx->lower->vcode, X64_GENERAL);
    RaOperand def = ra_def(reg);
    VInstDraft draft = {op, 0, 0, &def, 1, &number, 1};
    dv_vcode_emit(ctx->lower->vcode, &draft);
    return reg;
}

R64 x64_func_address(X64Context *ctx, FuncRef func)
{
    return address_of(ctx, X64_FUNC_ADDR, func.id);
}

R64 x64_tls_address(X64Context *ctx, GlobalValue gv)
{
    return ctx->options->tls_model == TLS_GENERAL ? dv_x64_call_tls(ctx, gv)
                                                  : address_of(ctx, X64_TLS_NEAR, gv.id);
}

R64 x64_symbol(X64Context *ctx, GlobalValue gv)
{
    bool is_tls = vec_at(&ctx->func->global_values, gv.id).tls;
    return is_tls ? x64_tls_address(ctx, gv) : address_of(ctx, X64_SYMBOL, gv.id);
}

/* ---- registers that are not allocated ------------------------------------------------------------------------ */

static R64 read_register(X64Context *ctx, u32 number)
{
    VReg reg = dv_vcode_vreg(ctx->lower->vcode, X64_GENERAL);
    RaOperand def = ra_def(reg);
    u64 numbers[] = {number};
    VInstDraft draft = {X64_READ_REG, 0, 0, &def, 1, numbers, 1};
    dv_vcode_emit(ctx->lower->vcode, &draft);
    return reg;
}

R64 x64_frame_register(X64Context *ctx)
{
    return read_register(ctx, X64_RBP);
}

R64 x64_stack_register(X64Context *ctx)
{
    return read_register(ctx, X64_RSP);
}

R64 x64_return_address(X64Context *ctx)
{
    return dv_x64_load_stack(ctx, X64_AREA_FRAME, 8);
}

static void check_pinned(X64Context *ctx)
{
    if (!ctx->options->pinned_register) {
        dv_lower_error(ctx->lower, ctx->lower->current, "no register is pinned");
    }
}

R64 x64_get_pinned(X64Context *ctx)
{
    check_pinned(ctx);
    return read_register(ctx, X64_PINNED);
}

Done x64_set_pinned(X64Context *ctx, R64 value)
{
    RaOperand use = ra_use(value);
    u64 number = X64_PINNED;
    VInstDraft draft = {X64_WRITE_REG, 0, 0, &use, 1, &number, 1};
    check_pinned(ctx);
    dv_vcode_emit(ctx->lower->vcode, &draft);
    return 0;
}

/* Where the item of the table sends its exception, of the try_ that ends the block. */
R64 x64_handler_address(X64Context *ctx, Block block, u32 item)
{
    const Lower *l = ctx->lower;
    const ExceptionTable *table = dv_inst_exceptions(l->func, dv_block_terminator(l->func, block));
    CHECK(table != NULL && item < table->num_handlers &&
          table->handlers[item].kind != HANDLER_CONTEXT);
    bool is_reached = l->order->label_of_block[block.id] != UINT32_MAX;
    u64 label =
        is_reached
            ? l->order->edge_labels[l->order->edge_start[block.id] + table->handlers[item].dest]
            : l->order->blocks.len - 1; /* of a call that is never made: any place will do */
    VReg reg = dv_vcode_vreg(l->vcode, X64_GENERAL);
    RaOperand def = ra_def(reg);
    VInstDraft draft = {X64_LABEL_ADDR, 0, 0, &def, 1, &label, 1};
    dv_vcode_emit(l->vcode, &draft);
    return reg;
}
