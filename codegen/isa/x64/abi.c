/* abi.c - parameters, results and calls, as the System V ABI for x86-64 has them: integers in rdi rsi rdx rcx r8 r9, floats
 * in xmm0 to xmm7, others in memory above the return address; results in rax and rdx, xmm0 and xmm1. An i128 is in two
 * registers, or in memory; an f128 in one. The convention whose signature names another one is not there yet and is
 * reported.
 *
 * Source: System V Application Binary Interface, AMD64 Architecture Processor Supplement, 3.2. */
#include "codegen/isa/x64/target.h"

static const u8 arg_regs[X64_ARG_GENERAL] = {X64_RDI, X64_RSI, X64_RDX, X64_RCX, 8, 9};
static const u8 result_regs[] = {X64_RAX, X64_RDX};
enum { XMM_RESULTS = 2 };
static const u8 saved_regs[] = {X64_RBX, X64_R12, X64_R13, 14, 15};
static const u8 lost_regs[] = {X64_RAX, X64_RCX, X64_RDX, X64_RSI, X64_RDI, 8, 9, 10};

typedef VEC(RaOperand) Operands;

u32 dv_x64_arg_places(const Signature *sig, u32 *numbers)
{
    u32 regs = 0, xmms = 0, words = 0;
    for (u32 i = 0; i < sig->num_params; i++) {
        Type type = sig->params[i].type;
        u32 count = type_bits(type) > 64 ? 2 : 1;
        if (type_is_int(type) && regs + count <= X64_ARG_GENERAL) {
            numbers[i] = regs;
            regs += count;
            continue;
        }
        if (!type_is_int(type) && xmms < X64_ARG_XMM) {
            numbers[i] = X64_ARG_GENERAL + xmms++;
            continue;
        }
        words += count == 2 ? words & 1 : 0; /* 16 bytes are aligned */
        numbers[i] = X64_ARG_REGS + words;
        words += count;
    }
    return X64_ARG_REGS + words;
}

/* Of an argument, by its place. */
static PReg arg_reg(u32 place)
{
    return place < X64_ARG_GENERAL ? preg_make(X64_GENERAL, arg_regs[place])
                                   : preg_make(X64_XMM, place - X64_ARG_GENERAL);
}

/* Which results have come, and so the register of the next one. */
typedef struct ResultPlaces {
    u32 general, xmm;
} ResultPlaces;

static PReg result_reg(ResultPlaces *places, Type type)
{
    return type_is_int(type) ? preg_make(X64_GENERAL, result_regs[places->general++])
                             : preg_make(X64_XMM, places->xmm++);
}

u32 dv_x64_saved_registers(void)
{
    u32 set = 0;
    for (u32 i = 0; i < ARRAY_LEN(saved_regs); i++) {
        set |= 1u << saved_regs[i];
    }
    return set;
}

static bool is_supported(const Param *param)
{
    return (param->purpose == PURPOSE_NORMAL || param->purpose == PURPOSE_VMCTX) &&
           type_is_scalar(param->type);
}

/* False if the signature asks for what is not there. */
static bool check_signature(Diag *diag, const Signature *sig)
{
    u32 results = 0, xmms = 0;
    bool ok = true;
    for (u32 i = 0; i < sig->num_params; i++) {
        ok = ok && is_supported(&sig->params[i]);
    }
    for (u32 i = 0; i < sig->num_results; i++) {
        ok = ok && is_supported(&sig->results[i]);
        if (type_is_int(sig->results[i].type)) {
            results += type_bits(sig->results[i].type) > 64 ? 2 : 1;
        } else {
            xmms++;
        }
    }
    if (!ok) {
        dv_diag_error(diag, 0, 0, "a type of the signature is not supported");
        return false;
    }
    if (results > ARRAY_LEN(result_regs) || xmms > XMM_RESULTS) {
        dv_diag_error(diag, 0, 0, "more than two registers of results of a kind are not supported");
        return false;
    }
    return true;
}

/* ---- parameters and results of this function ------------------------------------------------------------- */

/* An argument in memory: offset and bytes. */
static void memory_place(Type type, u32 place, u64 numbers[2])
{
    numbers[0] = 8 * (u64)(place - X64_ARG_REGS);
    numbers[1] = !type_is_int(type) && type_bits(type) > 64 ? 16 : 8;
}

bool dv_x64_lower_params(Lower *l, const ValueRegs *values, u32 count)
{
    X64Context *ctx = l->context;
    ctx->lower = l;
    Operands defs = {0};
    u32 *places = ARENA_ARRAY(l->arena, u32, count + 1);
    if (!check_signature(l->diag, &l->func->sig)) {
        return false;
    }
    dv_x64_arg_places(&l->func->sig, places);
    for (u32 i = 0; i < count; i++) {
        for (u32 j = 0; j < value_regs_count(values[i]) && places[i] < X64_ARG_REGS; j++) {
            PReg reg = arg_reg(places[i] + j);
            vec_push(l->arena, &defs, ra_def_fixed(values[i].regs[j], reg));
        }
    }
    VInstDraft draft = {X64_PARAMS, 0, 0, defs.data, defs.len, NULL, 0};
    dv_vcode_emit(l->vcode, &draft);
    for (u32 i = 0; i < count; i++) {
        for (u32 j = 0; j < value_regs_count(values[i]) && places[i] >= X64_ARG_REGS; j++) {
            RaOperand def = ra_def(values[i].regs[j]);
            u64 numbers[2];
            memory_place(l->func->sig.params[i].type, places[i] + j, numbers);
            VInstDraft load = {X64_LOAD_PARAM, 0, 0, &def, 1, numbers, 2};
            dv_vcode_emit(l->vcode, &load);
        }
    }
    return true;
}

/* The register, extended if the parameter says so. */
static VReg extended(X64Context *ctx, const Param *param, VReg reg)
{
    if (param->extension == EXT_NONE || !type_is_int(param->type) || type_bits(param->type) > 32) {
        return reg;
    }
    bool is_signed = param->extension == EXT_SEXT;
    X64Op op = param->type == TYPE_I8    ? (is_signed ? X64_movsx64_8 : X64_movzx32_8)
               : param->type == TYPE_I16 ? (is_signed ? X64_movsx64_16 : X64_movzx32_16)
                                         : (is_signed ? X64_movsxd : X64_mov32);
    VReg defs[2];
    dv_x64_emit_inst(ctx, op, (const u64[]){reg.id}, defs);
    return defs[0];
}

void dv_x64_lower_return(X64Context *ctx, Inst inst)
{
    Lower *l = ctx->lower;
    const Signature *sig = &l->func->sig;
    Operands uses = {0};
    ResultPlaces places = {0, 0};
    if (!check_signature(l->diag, sig)) {
        return;
    }
    for (u32 i = 0; i < sig->num_results; i++) {
        ValueRegs regs = dv_lower_use(l, dv_inst_arg(l->func, inst, i));
        for (u32 j = 0; j < value_regs_count(regs); j++) {
            VReg reg = extended(ctx, &sig->results[i], regs.regs[j]);
            PReg to = result_reg(&places, sig->results[i].type);
            vec_push(l->arena, &uses, ra_use_fixed(reg, to));
        }
    }
    VInstDraft draft = {X64_RETURN, RA_INST_RETURN, 0, uses.data, uses.len, NULL, 0};
    dv_vcode_emit(l->vcode, &draft);
}

/* ---- calls --------------------------------------------------------------------------------------------------- */

static void add_args(X64Context *ctx, Inst inst, const Signature *sig, Operands *operands)
{
    Lower *l = ctx->lower;
    u32 *places = ARENA_ARRAY(l->arena, u32, sig->num_params + 1);
    u32 bytes = 8 * (dv_x64_arg_places(sig, places) - X64_ARG_REGS);
    u32 skip = operands->len; /* the address */
    for (u32 i = 0; i < sig->num_params; i++) {
        ValueRegs regs = dv_lower_use(l, dv_inst_arg(l->func, inst, i + skip));
        for (u32 j = 0; j < value_regs_count(regs); j++) {
            VReg reg = extended(ctx, &sig->params[i], regs.regs[j]);
            if (places[i] < X64_ARG_REGS) {
                vec_push(l->arena, operands, ra_use_fixed(reg, arg_reg(places[i] + j)));
                continue;
            }
            RaOperand use = ra_use(reg);
            u64 numbers[2];
            memory_place(sig->params[i].type, places[i] + j, numbers);
            VInstDraft store = {X64_STORE_ARG, 0, 0, &use, 1, numbers, 2};
            dv_vcode_emit(l->vcode, &store);
        }
    }
    ctx->outgoing_bytes = bytes > ctx->outgoing_bytes ? bytes : ctx->outgoing_bytes;
}

static void add_results(Lower *l, const Signature *sig, Operands *operands)
{
    ResultPlaces places = {0, 0};
    for (u32 i = 0; i < sig->num_results; i++) {
        ValueRegs regs = dv_lower_result_regs(l, i);
        for (u32 j = 0; j < value_regs_count(regs); j++) {
            PReg from = result_reg(&places, sig->results[i].type);
            vec_push(l->arena, operands, ra_def_fixed(regs.regs[j], from));
        }
    }
}

static void add_clobbers(RaClobbers *clobbers)
{
    for (u32 i = 0; i < ARRAY_LEN(lost_regs); i++) {
        clobbers->bits[X64_GENERAL][0] |= (u64)1 << lost_regs[i];
    }
    clobbers->bits[X64_XMM][0] = ((u64)1 << X64_REGS) - 1;
}

void dv_x64_call_library(X64Context *ctx, u32 libcall, const VReg *words, u32 count, Regs2 *result)
{
    Lower *l = ctx->lower;
    Operands operands = {0};
    RaClobbers clobbers = {{{0}}};
    u64 number = libcall;
    *result = (Regs2){dv_vcode_vreg(l->vcode, X64_GENERAL), dv_vcode_vreg(l->vcode, X64_GENERAL)};
    for (u32 i = 0; i < count; i++) {
        vec_push(l->arena, &operands, ra_use_fixed(words[i], preg_make(X64_GENERAL, arg_regs[i])));
    }
    vec_push(l->arena, &operands, ra_def_fixed(result->lo, preg_make(X64_GENERAL, result_regs[0])));
    vec_push(l->arena, &operands, ra_def_fixed(result->hi, preg_make(X64_GENERAL, result_regs[1])));
    add_clobbers(&clobbers);
    VInstDraft draft = {
        X64_CALL_LIBRARY, 0, dv_vcode_clobbers(l->vcode, &clobbers), operands.data, operands.len,
        &number,          1};
    dv_vcode_emit(l->vcode, &draft);
}

void dv_x64_lower_call(X64Context *ctx, Inst inst)
{
    Lower *l = ctx->lower;
    const InstData *d = dv_inst_const(l->func, inst);
    u64 callee = d->ent;
    bool is_direct = d->op == OP_call;
    SigRef sig_ref = is_direct ? vec_at(&l->func->funcs, d->ent).sig : (SigRef){d->ent};
    const Signature *sig = &vec_at(&l->func->sigs, sig_ref.id);
    Operands operands = {0};
    RaClobbers clobbers = {{{0}}};
    if (!check_signature(l->diag, sig)) {
        return;
    }
    if (!is_direct) {
        VReg address = dv_lower_use(l, dv_inst_arg(l->func, inst, 0)).regs[0];
        vec_push(l->arena, &operands, ra_use(address));
    }
    add_args(ctx, inst, sig, &operands);
    add_results(l, sig, &operands);
    add_clobbers(&clobbers);
    VInstDraft draft = {is_direct ? X64_CALL : X64_CALL_INDIRECT,
                        0,
                        dv_vcode_clobbers(l->vcode, &clobbers),
                        operands.data,
                        operands.len,
                        &callee,
                        is_direct ? 1 : 0};
    dv_vcode_emit(l->vcode, &draft);
}
