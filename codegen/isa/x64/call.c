/* call.c - parameters, results and calls as instructions: what abi.c says of a signature, done.
 *
 * Sending: a value that goes to a register becomes an operand fixed to it, one that goes to memory is stored right
 * before the call or return. Receiving: registers are definitions fixed where they come, and what came in memory is loaded
 * behind. So nothing of another instruction lies between, and calls never mix. A tail call stores over the
 * function's own arguments: all that came in memory has been loaded at its start.
 *
 * A try_ loses every register, since whoever brings the exception restores none but the frame's. */
#include "codegen/isa/x64/target.h"

typedef VEC(RaOperand) Operands;

static u32 align_up(u32 x, u32 align)
{
    return (x + align - 1) & ~(align - 1);
}

/* ---- the stack ----------------------------------------------------------------------------------------------- */

static VReg define(X64Context *ctx, u32 op, u32 class, const u64 *numbers, u32 count)
{
    VReg reg = dv_vcode_vreg(ctx->lower->vcode, class);
    RaOperand def = ra_def(reg);
    VInstDraft draft = {(u16)op, 0, 0, &def, 1, numbers, count};
    dv_vcode_emit(ctx->lower->vcode, &draft);
    return reg;
}

static VReg load_part(X64Context *ctx, u32 area, i64 offset, const X64Spot *spot)
{
    const u64 numbers[] = {area, (u64)offset, spot->part_bytes};
    return define(ctx, X64_LOAD_STACK, spot->class, numbers, ARRAY_LEN(numbers));
}

VReg dv_x64_load_stack(X64Context *ctx, u32 area, i64 offset)
{
    return load_part(ctx, area, offset, &(X64Spot){.class = X64_GENERAL, .part_bytes = 8});
}

static void store_part(X64Context *ctx, VReg reg, u32 area, i64 offset, u32 bytes)
{
    const u64 numbers[] = {area, (u64)offset, bytes};
    RaOperand use = ra_use(reg);
    VInstDraft draft = {X64_STORE_STACK, 0, 0, &use, 1, numbers, ARRAY_LEN(numbers)};
    dv_vcode_emit(ctx->lower->vcode, &draft);
}

static VReg stack_address(X64Context *ctx, u32 area, i64 offset)
{
    const u64 numbers[] = {area, (u64)offset};
    return define(ctx, X64_STACK_ADDR, X64_GENERAL, numbers, ARRAY_LEN(numbers));
}

/* ---- instructions -------------------------------------------------------------------------------------------- */

static VReg emit(X64Context *ctx, X64Op op, const u64 *fields)
{
    VReg defs[2];
    dv_x64_emit_inst(ctx, op, fields, defs);
    return defs[0];
}

static u64 memory(X64Context *ctx, VReg base, u32 offset)
{
    u32 kind = X64_ADDRESS_IS_MEMORY | X64_ADDRESS_HAS_BASE;
    X64Address address = {base, VREG_NONE, x64_address_pack(kind, 0, 0, (i32)offset), {0, 0}, 0};
    u32 index = ctx->addresses.len;
    vec_push(ctx->arena, &ctx->addresses, address);
    return X64_FIELD_ADDRESS | index;
}

static void copy_bytes(X64Context *ctx, VReg to, VReg from, u32 bytes)
{
    static const struct {
        u32 bytes;
        X64Op load, store;
    } units[] = {{16, X64_movups, X64_movups_mr},
                 {8, X64_mov64, X64_mov64_mr},
                 {4, X64_mov32, X64_mov32_mr},
                 {2, X64_movzx32_16, X64_mov16_mr},
                 {1, X64_movzx32_8, X64_mov8_mr}};
    u32 at = 0;
    for (u32 i = 0; i < ARRAY_LEN(units); i++) {
        for (; bytes - at >= units[i].bytes; at += units[i].bytes) {
            VReg x = emit(ctx, units[i].load, (const u64[]){memory(ctx, from, at)});
            emit(ctx, units[i].store, (const u64[]){memory(ctx, to, at), x.id});
        }
    }
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
    return emit(ctx, op, (const u64[]){reg.id});
}

static VReg packed(X64Context *ctx, ValueRegs pair)
{
    VReg lo = emit(ctx, X64_movq, (const u64[]){pair.regs[0].id});
    VReg hi = emit(ctx, X64_movq, (const u64[]){pair.regs[1].id});
    return emit(ctx, X64_punpcklqdq, (const u64[]){lo.id, hi.id});
}

static ValueRegs unpacked(X64Context *ctx, VReg both)
{
    enum { HIGH_TWICE = 0xee };
    VReg high = emit(ctx, X64_pshufd, (const u64[]){both.id, HIGH_TWICE});
    VReg lo = emit(ctx, X64_movq_r, (const u64[]){both.id});
    return (ValueRegs){{lo, emit(ctx, X64_movq_r, (const u64[]){high.id})}};
}

/* ---- sending --------------------------------------------------------------------------------------------------- */

/* Values on their way: parts in memory go to offsets from `base` in the area. */
typedef struct Sending {
    X64Context *ctx;
    Operands operands;
    u32 area;
    i64 base;
    u32 copies; /* where the next thing goes that is handed over by reference */
} Sending;

/* The address of a copy. */
static VReg copy(Sending *s, const Param *param, const X64Spot *spot, ValueRegs regs)
{
    u32 bytes = spot->is_struct ? param->sarg_bytes : 16;
    VReg to = stack_address(s->ctx, X64_AREA_OUT, s->copies);
    if (spot->is_struct) {
        copy_bytes(s->ctx, to, regs.regs[0], bytes);
    } else {
        u32 count = value_regs_count(regs);
        for (u32 i = 0; i < count; i++) {
            store_part(s->ctx, regs.regs[i], X64_AREA_OUT, s->copies + 8 * i, 16 / count);
        }
    }
    s->copies += align_up(bytes == 0 ? 1 : bytes, 16); /* has an address in any case */
    return to;
}

static void send(Sending *s, const Param *param, const X64Spot *spot, ValueRegs regs)
{
    X64Context *ctx = s->ctx;
    if (spot->is_struct && !spot->by_reference) {
        VReg to = stack_address(ctx, s->area, s->base + spot->offsets[0]);
        copy_bytes(ctx, to, regs.regs[0], param->sarg_bytes);
        return;
    }
    if (spot->by_reference) {
        regs = value_reg(copy(s, param, spot, regs));
    } else if (spot->is_packed) {
        regs = value_reg(packed(ctx, regs));
    }
    for (u32 i = 0; i < spot->num_parts; i++) {
        VReg reg = spot->by_reference ? regs.regs[i] : extended(ctx, param, regs.regs[i]);
        if (spot->in_memory) {
            store_part(ctx, reg, s->area, s->base + spot->offsets[i], spot->part_bytes);
        } else {
            vec_push(ctx->arena, &s->operands, ra_use_fixed(reg, spot->regs[i]));
        }
    }
}

/* ---- receiving ------------------------------------------------------------------------------------------------- */

/* Registers of a value that comes: definitions, of the value's own registers where nothing has to be done with it. */
static ValueRegs arrive(X64Context *ctx, const X64Spot *spot, ValueRegs wanted, Operands *operands)
{
    ValueRegs got = wanted;
    if (spot->by_reference || spot->is_packed) {
        got = value_reg(dv_vcode_vreg(ctx->lower->vcode, spot->class));
    }
    for (u32 i = 0; !spot->in_memory && i < spot->num_parts; i++) {
        vec_push(ctx->arena, operands, ra_def_fixed(got.regs[i], spot->regs[i]));
    }
    return got;
}

static void set_alias(X64Context *ctx, ValueRegs names, u32 n, VReg reg)
{
    dv_vcode_set_alias(ctx->lower->vcode, names.regs[n], reg);
}

/* What remains to be done when it has come. */
static void receive(X64Context *ctx, const X64Spot *spot, ValueRegs wanted, ValueRegs got, u32 area,
                    i64 base)
{
    u32 count = value_regs_count(wanted);
    if (spot->in_memory && spot->is_struct && !spot->by_reference) {
        set_alias(ctx, wanted, 0, stack_address(ctx, area, base + spot->offsets[0]));
        return;
    }
    for (u32 i = 0; spot->in_memory && i < spot->num_parts; i++) {
        VReg loaded = load_part(ctx, area, base + spot->offsets[i], spot);
        if (spot->by_reference || spot->is_packed) {
            got.regs[i] = loaded;
        } else {
            set_alias(ctx, wanted, i, loaded);
        }
    }
    if (spot->is_packed) {
        ValueRegs pair = unpacked(ctx, got.regs[0]);
        set_alias(ctx, wanted, 0, pair.regs[0]);
        set_alias(ctx, wanted, 1, pair.regs[1]);
    } else if (spot->by_reference && spot->is_struct) {
        set_alias(ctx, wanted, 0, got.regs[0]);
    }
    for (u32 i = 0; spot->by_reference && !spot->is_struct && i < count; i++) {
        X64Op op = count == 2 ? X64_mov64 : X64_movups;
        set_alias(ctx, wanted, i, emit(ctx, op, (const u64[]){memory(ctx, got.regs[0], 8 * i)}));
    }
}

/* ---- this function ----------------------------------------------------------------------------------------------- */

bool dv_x64_lower_params(Lower *l, const ValueRegs *values, u32 count)
{
    X64Context *ctx = l->context;
    const X64Layout *layout = ctx->layout;
    ctx->lower = l;
    ctx->addresses.len = 0;
    if (ctx->missing != NULL) {
        dv_diag_error(l->diag, 0, 0, "%s", ctx->missing);
        return false;
    }
    Operands defs = {0};
    ValueRegs *got = ARENA_ARRAY(l->arena, ValueRegs, count + 1);
    for (u32 i = 0; i < count; i++) {
        got[i] = arrive(ctx, &layout->params[i], values[i], &defs);
    }
    VInstDraft draft = {X64_PARAMS, 0, 0, defs.data, defs.len, NULL, 0};
    dv_vcode_emit(l->vcode, &draft);
    for (u32 i = 0; i < count; i++) {
        receive(ctx, &layout->params[i], values[i], got[i], X64_AREA_IN, -(i64)layout->arg_bytes);
    }
    return true;
}

/* C functions that write a structure through a pointer give the pointer back. */
static void send_sret(X64Context *ctx, Operands *operands)
{
    const Lower *l = ctx->lower;
    const Signature *sig = &l->func->sig;
    for (u32 i = 0; sig->num_results == 0 && i < sig->num_params; i++) {
        if (sig->params[i].purpose == PURPOSE_SRET) {
            Value pointer = {dv_block_params(l->func, l->func->first_block)[i]};
            VReg reg = dv_lower_use(ctx->lower, pointer).regs[0];
            vec_push(ctx->arena, operands, ra_use_fixed(reg, preg_make(X64_GENERAL, X64_RAX)));
            return;
        }
    }
}

void dv_x64_lower_return(X64Context *ctx, Inst inst)
{
    Lower *l = ctx->lower;
    const Signature *sig = &l->func->sig;
    Sending s = {.ctx = ctx, .area = X64_AREA_IN};
    if (ctx->missing != NULL) {
        dv_diag_error(l->diag, 0, 0, "%s", ctx->missing);
        return;
    }
    for (u32 i = 0; i < sig->num_results; i++) {
        ValueRegs regs = dv_lower_use(l, dv_inst_arg(l->func, inst, i));
        send(&s, &sig->results[i], &ctx->layout->results[i], regs);
    }
    send_sret(ctx, &s.operands);
    VInstDraft draft = {X64_RETURN, RA_INST_RETURN, 0, s.operands.data, s.operands.len, NULL, 0};
    dv_vcode_emit(l->vcode, &draft);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

typedef struct Call {
    Inst inst;
    const Signature *sig;
    X64Layout layout;
    bool is_direct, is_tail, is_try;
    Sending args;
    VEC(u64) numbers;
    ValueRegs *wanted, *got; /* by result */
} Call;

/* Scratch registers too: the allocator has nothing in them, but a caller may want them back. */
static u8 lost_registers(X64Context *ctx, const Call *call)
{
    const RaMachine *machine = ctx->lower->target->machine;
    RaClobbers clobbers = {{{0}}};
    for (u32 class = 0; class < machine->num_classes; class ++) {
        u64 kept = call->is_try ? 0 : call->layout.saved[class];
        u64 all = (u64)1 << preg_number(machine->classes[class].scratch);
        for (u32 i = 0; i < machine->classes[class].num_order; i++) {
            all |= (u64)1 << machine->classes[class].order[i];
        }
        clobbers.bits[class][0] = all & ~kept;
    }
    return dv_vcode_clobbers(ctx->lower->vcode, &clobbers);
}

static bool check_tail(X64Context *ctx, const Call *call)
{
    const X64Layout *own = ctx->layout;
    bool keeps_all = (own->saved[X64_GENERAL] & ~call->layout.saved[X64_GENERAL]) == 0 &&
                     (own->saved[X64_XMM] & ~call->layout.saved[X64_XMM]) == 0;
    if (!own->callee_pops || !call->layout.callee_pops || !keeps_all) {
        return dv_lower_error(ctx->lower, call->inst, "a tail call between these conventions");
    }
    for (u32 i = 0; i < call->sig->num_params; i++) {
        if (call->layout.params[i].is_struct) {
            return dv_lower_error(ctx->lower, call->inst, "a struct argument of a tail call");
        }
    }
    return true;
}

static bool check_try(X64Context *ctx, const Call *call)
{
    const ExceptionTable *table = dv_inst_exceptions(ctx->func, call->inst);
    u64 operands =
        X64_REGS * X64_CLASSES; /* no more are in registers; others are each an operand */
    for (u32 i = 0; i < table->num_handlers; i++) {
        operands += table->handlers[i].kind == HANDLER_CONTEXT;
    }
    for (u32 i = 0; i < call->sig->num_results; i++) {
        operands += call->layout.results[i].num_parts;
        if (call->layout.results[i].is_packed) {
            return dv_lower_error(ctx->lower, call->inst,
                                  "an i128 as the result of a try_ in this convention");
        }
    }
    return operands <= VCODE_OPERANDS_MAX ||
           dv_lower_error(ctx->lower, call->inst, "a try_ of so many results and contexts");
}

static bool check_call(X64Context *ctx, Call *call)
{
    const char *missing = dv_x64_lay_out(call->sig, ctx->arena, &call->layout);
    if (missing != NULL) {
        return dv_lower_error(ctx->lower, call->inst, "%s", missing);
    }
    return call->is_tail ? check_tail(ctx, call) : !call->is_try || check_try(ctx, call);
}

static void send_args(X64Context *ctx, Call *call)
{
    Lower *l = ctx->lower;
    Sending *s = &call->args;
    const X64Layout *layout = &call->layout;
    u32 skip = call->is_direct ? 0 : 1;
    s->ctx = ctx;
    s->area = call->is_tail ? X64_AREA_IN : X64_AREA_OUT;
    s->base = call->is_tail ? -(i64)layout->arg_bytes : 0;
    s->copies = layout->arg_bytes + layout->result_bytes;
    for (u32 i = 0; i < call->sig->num_params; i++) {
        ValueRegs regs = dv_lower_use(l, dv_inst_arg(l->func, call->inst, i + skip));
        send(s, &call->sig->params[i], &layout->params[i], regs);
    }
    u32 *most = call->is_tail ? &ctx->incoming_bytes : &ctx->outgoing_bytes;
    u32 bytes = call->is_tail ? layout->arg_bytes : s->copies;
    *most = bytes > *most ? bytes : *most;
}

/* Definitions of what comes back. Results in memory of a try_ are loaded by the call itself. */
static void arrive_results(X64Context *ctx, Call *call)
{
    Lower *l = ctx->lower;
    u32 count = call->sig->num_results;
    call->wanted = ARENA_ARRAY(ctx->arena, ValueRegs, count + 1);
    call->got = ARENA_ARRAY(ctx->arena, ValueRegs, count + 1);
    for (u32 i = 0; i < count; i++) {
        const X64Spot *spot = &call->layout.results[i];
        call->wanted[i] =
            call->is_try ? dv_lower_try_regs(l, call->inst, false, i) : dv_lower_result_regs(l, i);
        call->got[i] = arrive(ctx, spot, call->wanted[i], &call->args.operands);
        for (u32 j = 0; call->is_try && spot->in_memory && j < spot->num_parts; j++) {
            vec_push(ctx->arena, &call->args.operands, ra_def_any(call->wanted[i].regs[j]));
            vec_push(ctx->arena, &call->numbers, (u64)call->layout.arg_bytes + spot->offsets[j]);
            vec_push(ctx->arena, &call->numbers, spot->part_bytes);
        }
    }
}

/* What an exception brings is in registers that results may be in too. */
static void arrive_exception(X64Context *ctx, Call *call)
{
    static const u8 regs[X64_EXCEPTION_VALUES] = {X64_RAX, X64_RDX};
    Operands *operands = &call->args.operands;
    u32 count = operands->len;
    for (u32 n = 0; n < X64_EXCEPTION_VALUES; n++) {
        VReg exn = dv_lower_try_regs(ctx->lower, call->inst, true, n).regs[0];
        RaOperand def = ra_def_fixed(exn, preg_make(X64_GENERAL, regs[n]));
        u32 i = 0;
        while (i < count &&
               (vec_at(operands, i).flags != def.flags ||
                vec_at(operands, i).constraint != RA_FIXED || vec_at(operands, i).arg != def.arg)) {
            i++;
        }
        if (i < count) {
            dv_vcode_set_alias(ctx->lower->vcode, exn, vec_at(operands, i).vreg);
        } else {
            vec_push(ctx->arena, operands, def);
        }
    }
}

/* Contexts of handlers are in spill slots: no register lasts until the exception comes. */
static void add_contexts(X64Context *ctx, Call *call)
{
    const ExceptionTable *table = dv_inst_exceptions(ctx->func, call->inst);
    for (u32 i = 0; i < table->num_handlers; i++) {
        if (table->handlers[i].kind == HANDLER_CONTEXT) {
            VReg reg = dv_lower_use(ctx->lower, table->handlers[i].context).regs[0];
            bool is_narrow = dv_value_type(ctx->func, table->handlers[i].context) == TYPE_I32;
            RaOperand use = ra_use(is_narrow ? emit(ctx, X64_mov32, (const u64[]){reg.id}) : reg);
            use.constraint = RA_STACK;
            use.flags = RA_USE | RA_LATE;
            vec_push(ctx->arena, &call->args.operands, use);
        }
    }
}

static void emit_tail(X64Context *ctx, Call *call, u64 callee)
{
    const u64 numbers[] = {callee, call->layout.arg_bytes};
    const Operands *operands = &call->args.operands;
    VInstDraft draft = {X64_TAIL_CALL, RA_INST_RETURN,    0, operands->data, operands->len,
                        numbers,       ARRAY_LEN(numbers)};
    dv_vcode_emit(ctx->lower->vcode, &draft);
}

static void emit_call(X64Context *ctx, Call *call, u64 callee)
{
    vec_push(ctx->arena, &call->numbers, callee);
    vec_push(ctx->arena, &call->numbers, call->layout.callee_pops ? call->layout.arg_bytes : 0);
    for (u32 i = 0; call->is_try && i < ctx->num_targets; i++) {
        vec_push(ctx->arena, &call->numbers, ctx->targets[i]);
    }
    arrive_results(ctx, call);
    if (call->is_try) {
        arrive_exception(ctx, call);
        add_contexts(ctx, call);
    }
    const Operands *operands = &call->args.operands;
    VInstDraft draft = {X64_CALL,
                        call->is_try ? RA_INST_BRANCH : 0,
                        lost_registers(ctx, call),
                        operands->data,
                        operands->len,
                        call->numbers.data,
                        call->numbers.len};
    dv_vcode_emit(ctx->lower->vcode, &draft);
    for (u32 i = 0; !call->is_try && i < call->sig->num_results; i++) {
        receive(ctx, &call->layout.results[i], call->wanted[i], call->got[i], X64_AREA_OUT,
                call->layout.arg_bytes);
    }
}

/* One result of this class, of this number among those of its kind. */
static VReg library_result(VCode *vcode, Arena *arena, Operands *operands, PReg from)
{
    VReg reg = dv_vcode_vreg(vcode, preg_class(from));
    vec_push(arena, operands, ra_def_fixed(reg, from));
    return reg;
}

void dv_x64_call_library(X64Context *ctx, u32 libcall, const VReg *args, u32 count, Regs2 *result)
{
    static const u8 registers[] = {X64_RDI, X64_RSI, X64_RDX, X64_RCX, 8, 9};
    const Signature sig = {.conv = CC_system_v};
    VCode *vcode = ctx->lower->vcode;
    Operands operands = {0};
    Call call = {.sig = &sig};
    u64 number = libcall;
    u32 general = 0, xmm = 0;
    CHECK(count <= ARRAY_LEN(registers) && dv_x64_lay_out(&sig, ctx->arena, &call.layout) == NULL);
    for (u32 i = 0; i < count; i++) {
        bool is_xmm = vec_at(&vcode->vreg_classes, args[i].id) == X64_XMM;
        PReg to = is_xmm ? preg_make(X64_XMM, xmm++) : preg_make(X64_GENERAL, registers[general++]);
        vec_push(ctx->arena, &operands, ra_use_fixed(args[i], to));
    }
    if (result->hi.id == UINT32_MAX) {
        result->lo = library_result(vcode, ctx->arena, &operands, preg_make(X64_XMM, 0));
    } else {
        PReg lo = preg_make(X64_GENERAL, X64_RAX), hi = preg_make(X64_GENERAL, X64_RDX);
        result->lo = library_result(vcode, ctx->arena, &operands, lo);
        result->hi = library_result(vcode, ctx->arena, &operands, hi);
    }
    ctx->makes_calls = true;
    VInstDraft draft = {
        X64_CALL_LIBRARY, 0, lost_registers(ctx, &call), operands.data, operands.len, &number, 1};
    dv_vcode_emit(vcode, &draft);
}

VReg dv_x64_call_tls(X64Context *ctx, GlobalValue gv)
{
    const Signature sig = {.conv = CC_system_v};
    VCode *vcode = ctx->lower->vcode;
    Operands operands = {0};
    Call call = {.sig = &sig};
    u64 number = gv.id;
    CHECK(dv_x64_lay_out(&sig, ctx->arena, &call.layout) == NULL);
    VReg address = library_result(vcode, ctx->arena, &operands, preg_make(X64_GENERAL, X64_RAX));
    ctx->makes_calls = true;
    VInstDraft draft = {X64_TLS_ADDRESS, 0, lost_registers(ctx, &call), operands.data, operands.len,
                        &number,         1};
    dv_vcode_emit(vcode, &draft);
    return address;
}

/* Whoever goes on has lost all registers: nobody has saved any. The payload is where functions have their first argument, one
 * way and the other, so that what begins there may be a function. */
VReg dv_x64_switch_stack(X64Context *ctx, VReg to, VReg from, VReg payload)
{
    Call call = {.is_try = true};
    VReg back = dv_vcode_vreg(ctx->lower->vcode, X64_GENERAL);
    PReg at = preg_make(X64_GENERAL, X64_RDI);
    const RaOperand operands[] = {ra_use(to), ra_use(from), ra_use_fixed(payload, at),
                                  ra_def_fixed(back, at)};
    ctx->makes_calls = true;
    VInstDraft draft = {
        X64_STACK_SWITCH, 0, lost_registers(ctx, &call), operands, ARRAY_LEN(operands), NULL, 0};
    dv_vcode_emit(ctx->lower->vcode, &draft);
    return back;
}

/* A register that is no argument and that is not given back: the target of a tail call is there. */
enum { TAIL_TARGET = 10 };

void dv_x64_lower_call(X64Context *ctx, Inst inst)
{
    Lower *l = ctx->lower;
    const InstData *d = dv_inst_const(l->func, inst);
    Call call = {.inst = inst,
                 .sig = dv_inst_signature(l->func, inst),
                 .is_direct = d->op == OP_call || d->op == OP_return_call || d->op == OP_try_call,
                 .is_tail = d->op == OP_return_call || d->op == OP_return_call_indirect,
                 .is_try = d->op == OP_try_call || d->op == OP_try_call_indirect};
    u64 callee = call.is_direct ? d->ent : X64_INDIRECT;
    if (!check_call(ctx, &call)) {
        return;
    }
    ctx->makes_calls = true;
    ctx->has_try = ctx->has_try || call.is_try;
    if (!call.is_direct) {
        VReg address = dv_lower_use(l, dv_inst_arg(l->func, inst, 0)).regs[0];
        PReg to = preg_make(X64_GENERAL, TAIL_TARGET);
        vec_push(l->arena, &call.args.operands,
                 call.is_tail ? ra_use_fixed(address, to) : ra_use(address));
    }
    send_args(ctx, &call);
    if (call.is_tail) {
        emit_tail(ctx, &call, callee);
    } else {
        emit_call(ctx, &call, callee);
    }
}
