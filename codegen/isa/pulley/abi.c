/* abi.c - parameters, results and calls. There is one convention, whatever a signature names.
 *
 * Values take slots in order, two for 128 bits. The first PULLEY_ARGS_MAX lie in the window, the rest in a
 * block in the caller's frame memory (docs/pulley.md). A parameter marked uext or sext is extended to the slot by
 * who hands it over. A struct argument is copied by the caller, who hands over the copy's address. */
#include "codegen/isa/pulley/target.h"

enum {
    PUL_STRUCT_MAX = 1 << 16,
    PUL_CONTEXTS_MAX = PUL_WINDOW / 2 /* each is in a slot during the call */
};

typedef VEC(RaOperand) Operands;

static u32 type_slots(Type type)
{
    bool is_scalar = type_is_scalar(type);
    return !is_scalar ? 0 : type_bits(type) > 64 ? 2 : 1;
}

u32 dv_pul_slots(const Param *params, u32 count, bool *ok)
{
    u32 slots = 0;
    for (u32 i = 0; i < count; i++) {
        u32 n = type_slots(params[i].type);
        *ok = *ok && n != 0;
        slots += n;
    }
    return slots;
}

static PReg out_reg(u32 slot)
{
    return preg_make(0, PUL_OUT + slot);
}

static PReg window_reg(u32 slot)
{
    return preg_make(0, slot);
}

static VReg emit_1(PulContext *ctx, PulleyOp op, const u64 *fields, u32 count)
{
    VReg defs[2];
    dv_pul_emit(ctx, op, fields, count, defs);
    return defs[0];
}

/* ---- parameters and results of this function ------------------------------------------------------------- */

bool dv_pul_lower_params(Lower *l, const ValueRegs *values, u32 count)
{
    PulContext *ctx = l->context;
    ctx->lower = l;
    if (ctx->arg_slots > PULLEY_TYPE_SLOTS_MAX || ctx->result_slots > PULLEY_TYPE_SLOTS_MAX) {
        dv_diag_error(l->diag, 0, 0, "more than %u slots of parameters or results",
                      (unsigned)PULLEY_TYPE_SLOTS_MAX);
        return false;
    }
    Operands defs = {0};
    VEC(VReg) rest = {0};
    for (u32 i = 0; i < count; i++) {
        for (u32 j = 0; j < value_regs_count(values[i]); j++) {
            VReg reg = values[i].regs[j];
            if (defs.len < PULLEY_ARGS_MAX) {
                vec_push(l->arena, &defs, ra_def_fixed(reg, window_reg(defs.len)));
            } else {
                vec_push(l->arena, &rest, reg);
            }
        }
    }
    VInstDraft draft = {PUL_PARAMS, 0, 0, defs.data, defs.len, NULL, 0};
    dv_vcode_emit(l->vcode, &draft);
    for (u32 i = 0; i < rest.len; i++) {
        VReg loaded =
            emit_1(ctx, PULLEY_spill_load_far, (const u64[]){pul_place(PLACE_INCOMING, 0, i)}, 1);
        dv_vcode_set_alias(l->vcode, rest.data[i], loaded);
    }
    return true;
}

/* The slot, extended if the parameter says so. */
static VReg extended(PulContext *ctx, const Param *param, VReg reg)
{
    if (param->extension == EXT_NONE || type_bits(param->type) > 32) {
        return reg;
    }
    bool is_signed = param->extension == EXT_SEXT;
    PulleyOp op = param->type == TYPE_I8    ? (is_signed ? PULLEY_sext8_64 : PULLEY_zext8_64)
                  : param->type == TYPE_I16 ? (is_signed ? PULLEY_sext16_64 : PULLEY_zext16_64)
                                            : (is_signed ? PULLEY_sext32 : PULLEY_zext32);
    return emit_1(ctx, op, (const u64[]){reg.id}, 1);
}

void dv_pul_lower_return(PulContext *ctx, Inst inst)
{
    Lower *l = ctx->lower;
    const Signature *sig = &l->func->sig;
    Operands uses = {0};
    u32 slot = 0;
    for (u32 i = 0; i < sig->num_results; i++) {
        ValueRegs regs = dv_lower_use(l, dv_inst_arg(l->func, inst, i));
        for (u32 j = 0; j < value_regs_count(regs); j++, slot++) {
            VReg reg = extended(ctx, &sig->results[i], regs.regs[j]);
            if (slot < PULLEY_ARGS_MAX) {
                vec_push(l->arena, &uses, ra_use_fixed(reg, window_reg(slot)));
            } else {
                emit_1(ctx, PULLEY_result_store, (const u64[]){reg.id, slot - PULLEY_ARGS_MAX}, 2);
            }
        }
    }
    VInstDraft draft = {PUL_RETURN, RA_INST_RETURN, 0, uses.data, uses.len, NULL, 0};
    dv_vcode_emit(l->vcode, &draft);
}

/* ---- calls --------------------------------------------------------------------------------------------------- */

/* A call being put together. */
typedef struct Call {
    Inst inst;
    const Signature *sig;
    const u32 *args;
    u32 num_args;
    bool is_tail, is_try;
    PulleyOp op;
    u8 callee; /* PUL_CALLEE_ */
    Operands operands;
    VEC(u64) imms;
    u32 window_slots, block_slots; /* of arguments */
    u32 base;                      /* the callee's slots begin so many behind PUL_OUT */
} Call;

/* Copies a structure to the area for it, at this offset; its address there. */
static VReg copy_struct(PulContext *ctx, VReg from, u32 offset, u32 bytes)
{
    static const struct {
        u32 bytes;
        PulleyOp load, store;
    } units[] = {{8, PULLEY_raw_load64, PULLEY_raw_store64},
                 {4, PULLEY_raw_load32, PULLEY_raw_store32},
                 {2, PULLEY_raw_load16_u32, PULLEY_raw_store16},
                 {1, PULLEY_raw_load8_u32, PULLEY_raw_store8}};
    u64 place = pul_place(PLACE_CALL_AREA, 0, offset);
    VReg to = emit_1(ctx, PULLEY_stack_addr, &place, 1);
    u32 at = 0;
    for (u32 i = 0; i < ARRAY_LEN(units); i++) {
        for (; bytes - at >= units[i].bytes; at += units[i].bytes) {
            VReg x = emit_1(ctx, units[i].load, (const u64[]){from.id, at}, 2);
            emit_1(ctx, units[i].store, (const u64[]){to.id, x.id, at}, 3);
        }
    }
    return to;
}

static void add_args(PulContext *ctx, Call *call)
{
    Lower *l = ctx->lower;
    u32 slot = 0, area = 0;
    for (u32 i = 0; i < call->num_args; i++) {
        const Param *param = &call->sig->params[i];
        ValueRegs regs = dv_lower_use(l, (Value){call->args[i]});
        if (param->purpose == PURPOSE_SARG) {
            regs = value_reg(copy_struct(ctx, regs.regs[0], area, param->sarg_bytes));
            u32 bytes =
                param->sarg_bytes == 0 ? 1 : param->sarg_bytes; /* has an address in any case */
            area += (bytes + 15) & ~15u;
        }
        for (u32 j = 0; j < value_regs_count(regs); j++, slot++) {
            VReg reg = extended(ctx, param, regs.regs[j]);
            if (slot >= PULLEY_ARGS_MAX) {
                u64 place = pul_place(PLACE_OUTGOING, 0, slot - PULLEY_ARGS_MAX);
                emit_1(ctx, PULLEY_spill_store_far, (const u64[]){reg.id, place}, 2);
            } else {
                PReg to = call->is_tail ? window_reg(slot) : out_reg(call->base + slot);
                vec_push(l->arena, &call->operands, ra_use_fixed(reg, to));
            }
        }
    }
    ctx->call_area_bytes = area > ctx->call_area_bytes ? area : ctx->call_area_bytes;
    call->window_slots = slot < PULLEY_ARGS_MAX ? slot : PULLEY_ARGS_MAX;
    call->block_slots = slot > PULLEY_ARGS_MAX ? slot - PULLEY_ARGS_MAX : 0;
}

static u8 call_clobbers(PulContext *ctx, u32 base)
{
    RaClobbers clobbers = {0};
    for (u32 i = base; i < PUL_OUT_COUNT; i++) {
        u32 number = PUL_OUT + i;
        clobbers.bits[0][number / 64] |= (u64)1 << number % 64;
    }
    return dv_vcode_clobbers(ctx->lower->vcode, &clobbers);
}

/* Registers of the results, one a slot. Those of a try_ are shared with what an exception brings, which
 * arrives in the same slots. */
static void add_results(PulContext *ctx, Call *call, VReg **rest, u32 *num_rest)
{
    Lower *l = ctx->lower;
    VEC(VReg) list = {0};
    u32 slot = 0;
    for (u32 i = 0; i < call->sig->num_results; i++) {
        ValueRegs regs =
            call->is_try ? dv_lower_try_regs(l, call->inst, false, i) : dv_lower_result_regs(l, i);
        for (u32 j = 0; j < value_regs_count(regs); j++, slot++) {
            if (slot < PULLEY_ARGS_MAX) {
                vec_push(l->arena, &call->operands,
                         ra_def_fixed(regs.regs[j], out_reg(call->base + slot)));
                if (call->is_try && slot < l->target->num_exception_values) {
                    VReg exn = dv_lower_try_regs(l, call->inst, true, slot).regs[0];
                    dv_vcode_set_alias(l->vcode, exn, regs.regs[j]);
                }
            } else if (call->is_try) {
                vec_push(l->arena, &call->operands,
                         ra_def_any(regs.regs[j])); /* loaded by the emitter */
            } else {
                vec_push(l->arena, &list, regs.regs[j]);
            }
        }
    }
    u32 beyond = slot > PULLEY_ARGS_MAX ? slot - PULLEY_ARGS_MAX : 0;
    call->block_slots = beyond > call->block_slots ? beyond : call->block_slots;
    for (; call->is_try && slot < l->target->num_exception_values; slot++) {
        VReg exn = dv_lower_try_regs(l, call->inst, true, slot).regs[0];
        vec_push(l->arena, &call->operands, ra_def_fixed(exn, out_reg(call->base + slot)));
    }
    *rest = list.data;
    *num_rest = list.len;
}

/* The slot of a context, all 64 bits of which are compared. */
static VReg context_slot(PulContext *ctx, Value context)
{
    VReg reg = dv_lower_use(ctx->lower, context).regs[0];
    bool is_narrow = dv_value_type(ctx->func, context) == TYPE_I32;
    return is_narrow ? emit_1(ctx, PULLEY_zext32, (const u64[]){reg.id}, 1) : reg;
}

static void add_try(PulContext *ctx, Call *call, const u32 *targets, u32 num_targets)
{
    Lower *l = ctx->lower;
    const ExceptionTable *table = dv_inst_exceptions(l->func, call->inst);
    for (u32 i = 0; i < num_targets; i++) {
        vec_push(l->arena, &call->imms, targets[i]);
    }
    for (u32 i = 0; i < table->num_handlers; i++) {
        if (table->handlers[i].kind == HANDLER_CONTEXT) {
            RaOperand use = ra_use(context_slot(ctx, table->handlers[i].context));
            use.flags = RA_USE | RA_LATE; /* it is read when the exception comes */
            vec_push(l->arena, &call->operands, use);
        }
    }
}

static void emit_call(PulContext *ctx, Call *call)
{
    Lower *l = ctx->lower;
    bool ends = (dv_pulley_ops[call->op].effects & PX_TERM) != 0;
    u8 flags = call->is_try ? RA_INST_BRANCH : ends ? RA_INST_RETURN : 0;
    u8 clobbers = ends && !call->is_try ? 0 : call_clobbers(ctx, call->base);
    VInstDraft draft = {(u16)call->op,      flags,           clobbers,      call->operands.data,
                        call->operands.len, call->imms.data, call->imms.len};
    dv_vcode_emit(l->vcode, &draft);
}

/* How each operation calls: the instruction, what its numbers are, and where the arguments begin. */
typedef struct CallKind {
    Op op;
    PulleyOp inst;
    u8 callee;
    u8 skip; /* arguments before those of the callee: the slot that the instruction reads */
    bool is_tail, is_try;
    const char *
        numbers; /* of the instruction: f t callee, tag, table or its type; y type; s signature; n slots of
                            arguments in the window; - left to the emitter */
} CallKind;

static const CallKind kinds[] = {
    {OP_call, PULLEY_call_import, PUL_CALLEE_FUNC_REF, 0, false, false, "-f"},
    {OP_try_call, PULLEY_call_import, PUL_CALLEE_FUNC_REF, 0, false, true, "-f"},
    {OP_return_call, PULLEY_return_call_import, PUL_CALLEE_FUNC_REF, 0, true, false, "nf-"},
    {OP_call_indirect, PULLEY_call_indirect, PUL_CALLEE_SIG, 1, false, false, "-f"},
    {OP_try_call_indirect, PULLEY_call_indirect, PUL_CALLEE_SIG, 1, false, true, "-s"},
    {OP_return_call_indirect, PULLEY_return_call_indirect, PUL_CALLEE_SIG, 1, true, false, "nf-"},
    {OP_call_import, PULLEY_call_import, PUL_CALLEE_WASM_FUNC, 0, false, false, "-f"},
    {OP_try_call_import, PULLEY_call_import, PUL_CALLEE_WASM_FUNC, 0, false, true, "-f"},
    {OP_return_call_import, PULLEY_return_call_import, PUL_CALLEE_WASM_FUNC, 0, true, false, "nf-"},
    {OP_call_table, PULLEY_call_table_far, PUL_CALLEE_TYPE, 1, false, false, "-ty"},
    {OP_try_call_table, PULLEY_call_table_far, PUL_CALLEE_TYPE, 1, false, true, "-ty"},
    {OP_return_call_table, PULLEY_return_call_table, PUL_CALLEE_TYPE, 1, true, false, "nty-"},
    {OP_call_ref, PULLEY_call_ref, PUL_CALLEE_TYPE, 1, false, false, "-f"},
    {OP_try_call_ref, PULLEY_call_ref, PUL_CALLEE_TYPE, 1, false, true, "-f"},
    {OP_return_call_ref, PULLEY_return_call_ref, PUL_CALLEE_TYPE, 1, true, false, "nf-"},
    {OP_throw, PULLEY_throw, PUL_CALLEE_NONE, 0, false, false, "-f"},
    {OP_throw_ref, PULLEY_throw_ref, PUL_CALLEE_NONE, 1, false, false, "-"},
};

/* Functions known to be in this module are called by the short form. */
static void choose_direct(const PulContext *ctx, Call *call, u32 entity)
{
    const Func *f = ctx->func;
    bool is_local = call->callee == PUL_CALLEE_FUNC_REF    ? vec_at(&f->funcs, entity).colocated
                    : call->callee == PUL_CALLEE_WASM_FUNC ? !vec_at(&f->wasm_funcs, entity).import
                                                           : false;
    if (is_local) {
        call->op = call->is_tail             ? PULLEY_return_call_big
                   : ctx->options->far_calls ? PULLEY_call_far
                                             : PULLEY_call;
    }
}

static void add_numbers(PulContext *ctx, Call *call, const char *numbers)
{
    const InstData *d = dv_inst_const(ctx->func, call->inst);
    const ExceptionTable *table = dv_inst_exceptions(ctx->func, call->inst);
    u32 sig = table != NULL ? table->sig.id : 0;
    for (const char *p = numbers; *p != '\0'; p++) {
        u64 number = *p == 'n'                ? call->window_slots
                     : *p == 'f' || *p == 't' ? d->ent
                     : *p == 'y'              ? d->imm[0]
                     : *p == 's'              ? sig
                     : call->is_tail          ? 0
                                              : call->base;
        vec_push(ctx->arena, &call->imms, number);
    }
    vec_push(ctx->arena, &call->imms, call->block_slots);
    vec_push(ctx->arena, &call->imms, call->callee);
}

/* What is thrown by a function that has a context can be told apart by it. */
static void add_context(PulContext *ctx, Call *call)
{
    Lower *l = ctx->lower;
    const Signature *sig = &l->func->sig;
    u32 i = 0;
    while (i < sig->num_params && sig->params[i].purpose != PURPOSE_VMCTX) {
        i++;
    }
    if (call->op == PULLEY_throw && i < sig->num_params) {
        Value context = {dv_block_params(l->func, l->func->first_block)[i]};
        call->op = PULLEY_throw_in;
        vec_push(l->arena, &call->operands, ra_use(context_slot(ctx, context)));
    }
}

/* The signature's slots, all of them supported and not too many. */
static bool check_signature(PulContext *ctx, Inst inst, const Signature *sig)
{
    bool ok = true;
    u32 args = dv_pul_slots(sig->params, sig->num_params, &ok);
    u32 results = dv_pul_slots(sig->results, sig->num_results, &ok);
    if (!ok) {
        return dv_lower_error(ctx->lower, inst, "a type of the signature is not supported");
    }
    if (args > PULLEY_TYPE_SLOTS_MAX || results > PULLEY_TYPE_SLOTS_MAX) {
        return dv_lower_error(ctx->lower, inst, "more than %u slots of arguments or results",
                              (unsigned)PULLEY_TYPE_SLOTS_MAX);
    }
    u32 rest = args > results ? args : results;
    rest = rest > PULLEY_ARGS_MAX ? rest - PULLEY_ARGS_MAX : 0;
    ctx->outgoing_slots = rest > ctx->outgoing_slots ? rest : ctx->outgoing_slots;
    return true;
}

/* Copies of structures are made by instructions for each eight bytes; and those of a tail call would go with the frame. */
static bool check_structs(PulContext *ctx, Inst inst, const Signature *sig, bool is_tail)
{
    for (u32 i = 0; i < sig->num_params; i++) {
        const Param *param = &sig->params[i];
        if (param->purpose == PURPOSE_SARG && is_tail) {
            return dv_lower_error(ctx->lower, inst, "a struct argument of a tail call");
        }
        if (param->purpose == PURPOSE_SARG && param->sarg_bytes > PUL_STRUCT_MAX) {
            return dv_lower_error(ctx->lower, inst, "a struct argument of more than %u bytes",
                                  (unsigned)PUL_STRUCT_MAX);
        }
    }
    return true;
}

static bool check_contexts(PulContext *ctx, Inst inst)
{
    const ExceptionTable *table = dv_inst_exceptions(ctx->func, inst);
    u32 contexts = 0;
    for (u32 i = 0; table != NULL && i < table->num_handlers; i++) {
        contexts += table->handlers[i].kind == HANDLER_CONTEXT;
    }
    if (contexts > PUL_CONTEXTS_MAX) {
        return dv_lower_error(ctx->lower, inst, "more than %u contexts of handlers",
                              (unsigned)PUL_CONTEXTS_MAX);
    }
    return true;
}

/* Of a throw: as if a function were called that takes what the tag's type says. */
static const Signature *callee_signature(PulContext *ctx, Inst inst)
{
    const InstData *d = dv_inst_const(ctx->func, inst);
    static const Signature none = {.present = true};
    if (d->op == OP_throw_ref) {
        return &none;
    }
    if (d->op == OP_throw) {
        WasmType type = vec_at(&ctx->func->tags, d->ent).type;
        return &vec_at(&ctx->func->sigs, vec_at(&ctx->func->wasm_types, type.id).sig.id);
    }
    return dv_inst_signature(ctx->func, inst);
}

/* Where the callee's slots begin: behind the results of the calls shortly before that are still wanted, so that these may
 * stay where they came. */
static u32 choose_base(PulContext *ctx, const Call *call)
{
    enum { FAR = 64, BASE_MAX = 8 };
    Lower *l = ctx->lower;
    bool ok = true;
    u32 args = dv_pul_slots(call->sig->params, call->sig->num_params, &ok);
    u32 results = dv_pul_slots(call->sig->results, call->sig->num_results, &ok);
    u32 base = 0;
    Inst at = dv_inst_prev(l->func, call->inst);
    for (u32 i = 0; i < FAR && at.id != ENTITY_NONE && base < BASE_MAX; i++) {
        const InstData *d = dv_inst_const(l->func, at);
        bool is_call = (dv_ops[d->op].effects & FX_CALL) != 0 && d->num_results == 1;
        base += is_call && l->value_wanted[dv_inst_result(l->func, at, 0).id] ? 2 : 0;
        at = dv_inst_prev(l->func, at);
    }
    bool fits = args + base <= PUL_OUT_COUNT && results + base + 2 <= PUL_OUT_COUNT;
    return fits && !call->is_tail ? base : 0;
}

void dv_pul_lower_call(PulContext *ctx, Inst inst, const u32 *targets, u32 num_targets)
{
    Lower *l = ctx->lower;
    const InstData *d = dv_inst_const(l->func, inst);
    u32 k = 0;
    while (k < ARRAY_LEN(kinds) && kinds[k].op != d->op) {
        k++;
    }
    CHECK(k < ARRAY_LEN(kinds));
    Call call = {.inst = inst,
                 .sig = callee_signature(ctx, inst),
                 .args = dv_inst_args(l->func, inst) + kinds[k].skip,
                 .num_args = d->num_args - kinds[k].skip,
                 .is_tail = kinds[k].is_tail,
                 .is_try = kinds[k].is_try,
                 .op = kinds[k].inst,
                 .callee = kinds[k].callee};
    if (!check_signature(ctx, inst, call.sig) ||
        !check_structs(ctx, inst, call.sig, call.is_tail) || !check_contexts(ctx, inst)) {
        return;
    }
    choose_direct(ctx, &call, d->ent);
    if (kinds[k].skip != 0) {
        RaOperand use = ra_use(dv_lower_use(l, dv_inst_arg(l->func, inst, 0)).regs[0]);
        vec_push(l->arena, &call.operands, use);
    }
    add_context(ctx, &call);
    call.base = choose_base(ctx, &call);
    add_args(ctx, &call);
    VReg *rest = NULL;
    u32 num_rest = 0;
    if (!call.is_tail) {
        add_results(ctx, &call, &rest, &num_rest);
    }
    add_numbers(ctx, &call, kinds[k].numbers);
    if (call.is_try) {
        add_try(ctx, &call, targets, num_targets);
    }
    emit_call(ctx, &call);
    for (u32 i = 0; i < num_rest; i++) {
        u64 place = pul_place(PLACE_OUTGOING, 0, i);
        dv_vcode_set_alias(l->vcode, rest[i], emit_1(ctx, PULLEY_spill_load_far, &place, 1));
    }
}

void dv_pul_call_helper(PulContext *ctx, PulleyHelper helper, const VReg *args, u32 count,
                        VReg *results, u32 num_results)
{
    Lower *l = ctx->lower;
    RaOperand operands[16];
    u64 imms[4] = {0, helper, 0, PUL_CALLEE_NONE};
    ASSERT(count + num_results <= ARRAY_LEN(operands));
    for (u32 i = 0; i < count; i++) {
        operands[i] = ra_use_fixed(args[i], out_reg(i));
    }
    for (u32 i = 0; i < num_results; i++) {
        results[i] = dv_vcode_vreg(l->vcode, 0);
        operands[count + i] = ra_def_fixed(results[i], out_reg(i));
    }
    VInstDraft draft = {PULLEY_call_helper,  0,    call_clobbers(ctx, 0), operands,
                        count + num_results, imms, ARRAY_LEN(imms)};
    dv_vcode_emit(l->vcode, &draft);
}
