/* lower.c - instructions of Pulley from the rules' results; what the rules do not say. */
#include <pulley_lowering.h> /* made of rules/ */

static bool is_branch(PulleyOp op)
{
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    bool has_target = false;
    for (u32 i = 0; i < shape->count; i++) {
        has_target = has_target || shape->fields[i].role == PROLE_TARGET;
    }
    return has_target && shape->fields[0].role != PROLE_DST;
}

static u8 inst_flags(PulleyOp op)
{
    if (op == PULLEY_xconst16 || op == PULLEY_xconst32 || op == PULLEY_xconst64) {
        return RA_INST_REMAT;
    }
    if (is_branch(op)) {
        return RA_INST_BRANCH;
    }
    return (dv_pulley_ops[op].effects & PX_TERM) != 0 ? RA_INST_RETURN : 0;
}

void dv_pul_emit(PulContext *ctx, PulleyOp op, const u64 *fields, u32 count, VReg defs[2])
{
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    RaOperand operands[PULLEY_FIELDS_MAX + 1];
    u64 imms[PULLEY_FIELDS_MAX + 1];
    u32 num_operands = 0, num_imms = 0, num_defs = 0, next = 0;
    bool is_modified = false;
    for (u32 i = 0; i < shape->count; i++) {
        u32 role = shape->fields[i].role;
        if (role == PROLE_DST) {
            defs[num_defs] = dv_vcode_vreg(ctx->lower->vcode, 0);
            operands[num_operands++] = ra_def(defs[num_defs++]);
        } else if (role == PROLE_SRC) {
            operands[num_operands] = ra_use((VReg){(u32)fields[next++]});
            operands[num_operands++].flags |=
                is_modified ? RA_LATE : 0; /* compared with what is written */
        } else if (role == PROLE_MOD) {
            is_modified = true;
            defs[0] = dv_vcode_vreg(ctx->lower->vcode, 0);
            operands[num_operands] = ra_use((VReg){(u32)fields[next++]});
            operands[num_operands + 1] = ra_def_reuse(defs[0], num_operands);
            num_operands += 2;
        } else {
            ASSERT(role != PROLE_ACC);
            imms[num_imms++] = fields[next++];
        }
    }
    while (next < count) {
        imms[num_imms++] = fields[next++];
    }
    VInstDraft draft = {(u16)op, inst_flags(op), 0, operands, num_operands, imms, num_imms};
    dv_vcode_emit(ctx->lower->vcode, &draft);
}

bool dv_pul_covers(u32 op, u32 type, u32 open)
{
    return pul_covers_lower(op, type, open);
}

static bool lower(PulContext *ctx, Inst inst)
{
    Lower *l = ctx->lower;
    const InstData *d = dv_inst_const(l->func, inst);
    InstOutput out;
    if (!pul_lower(ctx, inst, &out)) {
        char name[32];
        const char *type = d->type == TYPE_NONE ? "these operands" : dv_type_name(d->type, name);
        return dv_lower_error(l, inst, "not supported by %s on %s", ctx->isa->name, type);
    }
    ASSERT(out.count == PUL_RESULTS_SET || out.count == d->num_results);
    for (u32 i = 0; out.count != PUL_RESULTS_SET && i < out.count; i++) {
        dv_lower_set_result(l, i, out.values[i]);
    }
    return dv_diag_ok(l->diag);
}

bool dv_pul_lower_inst(Lower *l, Inst inst)
{
    return dv_pul_lower_branch(l, inst, NULL, 0);
}

bool dv_pul_lower_branch(Lower *l, Inst inst, const u32 *targets, u32 count)
{
    PulContext *ctx = l->context;
    ctx->lower = l;
    ctx->targets = targets;
    ctx->num_targets = count;
    return lower(ctx, inst);
}

void dv_pul_lower_jump(Lower *l, u32 target)
{
    PulContext *ctx = l->context;
    ctx->lower = l;
    VReg none[2];
    dv_pul_emit(ctx, PULLEY_jump, (const u64[]){target}, 1, none);
}

/* ---- what takes as many labels or slots as there are ------------------------------------------------- */

Done pul_lower_br_table(PulContext *ctx)
{
    Lower *l = ctx->lower;
    u32 count = ctx->num_targets;
    const u32 *targets = ctx->targets;
    if (count == 1) {
        dv_pul_lower_jump(l, targets[0]);
        return 0;
    }
    u64 *imms = ARENA_ARRAY(ctx->arena, u64, count + 1);
    imms[0] = count - 1;
    for (u32 i = 1; i < count; i++) {
        imms[i] = targets[i];
    }
    imms[count] = targets[0];
    RaOperand index = ra_use(dv_lower_use(l, dv_inst_arg(l->func, l->current, 0)).regs[0]);
    VInstDraft draft = {PULLEY_br_table, RA_INST_BRANCH, 0, &index, 1, imms, count + 1};
    dv_vcode_emit(l->vcode, &draft);
    return 0;
}

Done pul_lower_return(PulContext *ctx)
{
    dv_pul_lower_return(ctx, ctx->lower->current);
    return 0;
}

InstOutput pul_lower_call(PulContext *ctx)
{
    dv_pul_lower_call(ctx, ctx->lower->current, ctx->targets, ctx->num_targets);
    return (InstOutput){.count = PUL_RESULTS_SET};
}
