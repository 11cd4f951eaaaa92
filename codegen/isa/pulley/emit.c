/* emit.c - frames, forms of instructions, bytes.
 *
 * The frame: slots of the window up to the last one used; then, from an even number on, those of callees. Below fp,
 * if there is need: spill slots, stack slots, copies of struct arguments, the block of a callee's further arguments
 * and results, and at the far end the further arguments of this function. `enter` makes that room.
 *
 * Rules use one general form of an operation. Here the shortest form that holds its numbers is chosen, and the accumulator form
 * where an operand is what the instruction directly before has written and no label lies between (forms.def). */
#include "codegen/isa/pulley/target.h"

enum { KIND_JUMP, KIND_BR16, KIND_BR32, KIND_TABLE };

/* ---- branches in bytes ----------------------------------------------------------------------------------------- */

static PulleyOp op_at(const u8 *at)
{
    return at[0] < PULLEY_ESCAPE ? (PulleyOp)at[0]
                                 : (PulleyOp)(dv_pulley_pages[256 - at[0]] + at[1]);
}

static void patch_branch(u8 *at, bool big, i64 distance)
{
    PulleyOp op = op_at(at);
    dv_pulley_patch(at, big, op, dv_pulley_find_field(op, PROLE_TARGET), (u64)distance);
}

static void patch_entry(u8 *at, bool big, i64 distance)
{
    store_u32(at, (u32)(i32)(distance / 4), big);
}

static void write_jump(u8 *at, bool big)
{
    u8 header[2] = {0};
    (void)big;
    dv_pulley_opcode(PULLEY_jump, header);
    memset(at, 0, 4);
    at[0] = header[0];
}

static const MachKind kinds[] = {
    [KIND_JUMP] = {"jump", 4, 4, 0, 0, -((i64)1 << 25), ((i64)1 << 25) - 4, patch_branch},
    [KIND_BR16] = {"branch", 4, 4, 0, 1, -131072, 131068, patch_branch},
    [KIND_BR32] = {"fused branch", 8, 4, 0, 0, -((i64)1 << 33), ((i64)1 << 33) - 4, patch_branch},
    [KIND_TABLE] = {"table entry", 4, 4, 0, 0, -((i64)1 << 33), ((i64)1 << 33) - 4, patch_entry},
};
static const MachVeneer veneers[] = {{"jump", 4, 0, KIND_JUMP, write_jump}};

static MachTarget mach_target(bool big)
{
    return (MachTarget){.name = "pulley",
                        .big = big,
                        .inst_align = 4,
                        .num_kinds = ARRAY_LEN(kinds),
                        .num_veneers = ARRAY_LEN(veneers),
                        .jump = 0,
                        .kinds = kinds,
                        .veneers = veneers,
                        .code_max = PULLEY_CODE_MAX};
}

/* ---- forms ---------------------------------------------------------------------------------------------------------- */

/* By operation; 0, which is `exit`, means none. */
static const u16 small_forms[PULLEY_OP_COUNT] = {
#define SMALL(general, small) [PULLEY_##general] = PULLEY_##small,
#include "codegen/isa/pulley/forms.def"
};
static const u16 acc_forms[PULLEY_OP_COUNT] = {
#define ACC(general, form) [PULLEY_##general] = PULLEY_##form,
#include "codegen/isa/pulley/forms.def"
};
static const u16 acc_b_forms[PULLEY_OP_COUNT] = {
#define ACC_B(general, form) [PULLEY_##general] = PULLEY_##form,
#include "codegen/isa/pulley/forms.def"
};
static const bool commutes[PULLEY_OP_COUNT] = {
#define COMMUTES(operation) [PULLEY_##operation] = true,
#include "codegen/isa/pulley/forms.def"
};
static const u16 inverses[PULLEY_OP_COUNT] = {
#define INVERSE(a, b) [PULLEY_##a] = PULLEY_##b, [PULLEY_##b] = PULLEY_##a,
#include "codegen/isa/pulley/forms.def"
};
static const u16 swapped_inverses[PULLEY_OP_COUNT] = {
#define INVERSE_SWAPPED(a, b) [PULLEY_##a] = PULLEY_##b, [PULLEY_##b] = PULLEY_##a,
#include "codegen/isa/pulley/forms.def"
};

/* ---- the function at hand ------------------------------------------------------------------------------------------------ */

typedef struct Emitter {
    PulContext *ctx;
    Func *func;
    const VCode *vcode;
    const RaFunc *ra;
    const RaResult *allocation;
    Arena *arena;
    Diag *diag;
    MachBuffer buf;
    bool big;
    /* frame */
    u32 used_slots; /* of the window */
    u32 scratch, k;
    u32 frame_slots;
    u32 *slot_distance; /* by stack slot, in bytes below fp */
    u32 call_area_distance;
    u32 outgoing_slot; /* the lowest of the block */
    /* what the instruction directly before has written */
    u32 last_offset; /* its end */
    u32 last_slot;
    u8 last_result;   /* PulleyResult */
    ByteBuf inverted; /* the branch at hand on the opposite condition */
    bool metered;
} Emitter;

static u32 physical(const Emitter *e, PReg reg)
{
    u32 number = preg_number(reg);
    return number >= PUL_OUT       ? e->k + number - PUL_OUT
           : number == PUL_SCRATCH ? e->scratch
                                   : number;
}

static u32 slot_of(const Emitter *e, RaLoc loc)
{
    ASSERT(ra_loc_kind(loc) == RA_LOC_REG);
    return physical(e, ra_loc_preg(loc));
}

static u64 place_value(const Emitter *e, u64 place)
{
    u32 entity = (u32)(place >> 32) & 0xfffffff;
    u32 offset = (u32)place;
    switch (place >> 60) {
    case PLACE_STACK_SLOT:
        return e->slot_distance[entity] - offset;
    case PLACE_CALL_AREA:
        return e->call_area_distance - offset;
    case PLACE_OUTGOING:
        return e->outgoing_slot - offset;
    default:
        return e->frame_slots - offset;
    }
}

/* ---- one instruction ---------------------------------------------------------------------------------------------------------- */

static bool can_use_acc(const Emitter *e, PulleyOp form, u64 slot)
{
    return form != 0 && e->last_result != PRESULT_NONE && slot == e->last_slot &&
           e->last_result == PX_ACC_OF(dv_pulley_ops[form].effects) &&
           e->last_offset == dv_mach_offset(&e->buf) && !dv_mach_label_bound_at_end(&e->buf);
}

static PulleyOp shorten(PulleyOp op, const u64 *fields)
{
    while (small_forms[op] != 0) {
        PulleyOp small = (PulleyOp)small_forms[op];
        const PulleyShapeInfo *shape = dv_pulley_shape(small);
        for (u32 i = 0; i < shape->count; i++) {
            if (!dv_pulley_field_fits(&shape->fields[i], fields[i])) {
                return op;
            }
        }
        op = small;
    }
    return op;
}

/* The accumulator form of an operation, if the instruction before leaves what it needs; operands may be
 * exchanged for that. */
static PulleyOp use_acc(const Emitter *e, PulleyOp op, u64 *fields)
{
    PulleyOp form = (PulleyOp)acc_forms[op];
    PulleyOp form_b = (PulleyOp)acc_b_forms[op];
    u32 at = form == 0 ? 0 : dv_pulley_find_field(form, PROLE_ACC);
    if (can_use_acc(e, form, fields[at])) {
        return form;
    }
    if (form_b != 0 && can_use_acc(e, form_b, fields[dv_pulley_find_field(form_b, PROLE_ACC)])) {
        return form_b;
    }
    if (commutes[op] && can_use_acc(e, form, fields[at + 1])) {
        u64 a = fields[at];
        fields[at] = fields[at + 1];
        fields[at + 1] = a;
        return form;
    }
    return op;
}

static void note_result(Emitter *e, PulleyOp op, const u64 *fields)
{
    e->last_result = dv_pulley_ops[op].result;
    e->last_slot = (u32)fields[0];
    e->last_offset = dv_mach_offset(&e->buf);
}

static void emit_op(Emitter *e, PulleyOp op, u64 *fields)
{
    op = use_acc(e, shorten(op, fields), fields);
    dv_pulley_encode(&e->buf.code, e->big, op, fields);
    note_result(e, op, fields);
}

static MachLabel label(u64 block)
{
    return (MachLabel){(u32)block};
}

static void emit_jump(Emitter *e, u64 target)
{
    u32 start = dv_mach_offset(&e->buf);
    dv_pulley_encode(&e->buf.code, e->big, PULLEY_jump, (const u64[]){0});
    dv_mach_branch(&e->buf, &(MachBranch){start, start, label(target), KIND_JUMP, false, NULL});
}

/* The branch on the opposite condition; 0 if there is none. */
static PulleyOp invert(PulleyOp op, const u64 *fields, u64 *out)
{
    memcpy(out, fields, PULLEY_FIELDS_MAX * sizeof *out);
    if (swapped_inverses[op] != 0) {
        out[0] = fields[1];
        out[1] = fields[0];
        return (PulleyOp)swapped_inverses[op];
    }
    return (PulleyOp)inverses[op];
}

static void emit_branch(Emitter *e, PulleyOp op, u64 *fields, u64 target, u64 otherwise)
{
    u64 inverse_fields[PULLEY_FIELDS_MAX];
    u32 at = dv_pulley_find_field(op, PROLE_TARGET);
    fields[at] = 0;
    PulleyOp inverse = invert(op, fields, inverse_fields);
    bool has_effects = dv_pulley_shape(op)->fields[0].role == PROLE_MOD;
    PulleyOp form = has_effects ? op : use_acc(e, op, fields);
    inverse = inverse == 0 ? inverse : use_acc(e, inverse, inverse_fields);
    u32 kind = dv_pulley_shape(op)->fields[at].size_bytes == 2 ? KIND_BR16 : KIND_BR32;
    u32 start = dv_mach_offset(&e->buf);
    dv_pulley_encode(&e->buf.code, e->big, form, fields);
    if (has_effects) {
        dv_mach_use(&e->buf, start, label(target), kind);
    } else {
        e->inverted.len = 0;
        if (inverse != 0) {
            dv_pulley_encode(&e->inverted, e->big, inverse, inverse_fields);
        }
        bool fits = e->inverted.len == dv_mach_offset(&e->buf) - start;
        dv_mach_branch(&e->buf, &(MachBranch){start, start, label(target), (u8)kind, true,
                                              fits ? e->inverted.data : NULL});
    }
    e->last_result = PRESULT_NONE;
    emit_jump(e, otherwise);
}

static void emit_table(Emitter *e, u64 *fields, const u64 *labels)
{
    u32 start = dv_mach_offset(&e->buf);
    dv_pulley_encode(&e->buf.code, e->big, PULLEY_br_table, fields);
    for (u64 i = 0; i <= fields[1]; i++) {
        u32 at = dv_mach_offset(&e->buf);
        dv_mach_u32(&e->buf, 0);
        dv_mach_use_from(&e->buf, at, start, label(labels[i]), KIND_TABLE);
    }
    dv_mach_end_flow(&e->buf);
    e->last_result = PRESULT_NONE;
}

/* ---- moves ------------------------------------------------------------------------------------------------------------------------ */

static void emit_remat(Emitter *e, u32 inst, u32 to)
{
    const VInst *source = &e->vcode->insts.data[inst];
    u64 fields[PULLEY_FIELDS_MAX] = {to, e->vcode->imms.data[source->imms]};
    emit_op(e, (PulleyOp)source->op, fields);
}

static bool is_slot_move(const RaMove *move)
{
    return ra_loc_kind(move->from) == RA_LOC_REG && ra_loc_kind(move->to) == RA_LOC_REG;
}

/* As many as go into one instruction; gives their number. */
static u32 emit_slot_moves(Emitter *e, const RaMove *moves, u32 count)
{
    static const u16 ops[] = {PULLEY_xmov, PULLEY_xmov2, PULLEY_xmov3};
    u64 fields[PULLEY_FIELDS_MAX] = {0};
    u32 n = 0;
    for (; n < count && n < ARRAY_LEN(ops) && is_slot_move(&moves[n]); n++) {
        fields[2 * n] = slot_of(e, moves[n].to);
        fields[2 * n + 1] = slot_of(e, moves[n].from);
    }
    emit_op(e, (PulleyOp)ops[n - 1], fields);
    return n;
}

static void emit_move(Emitter *e, const RaMove *move)
{
    u32 from_kind = ra_loc_kind(move->from);
    bool to_slot = ra_loc_kind(move->to) == RA_LOC_SLOT;
    u64 fields[PULLEY_FIELDS_MAX] = {0};
    if (from_kind == RA_LOC_REMAT) {
        emit_remat(e, ra_loc_index(move->from), slot_of(e, move->to));
        return;
    }
    RaLoc reg = to_slot ? move->from : move->to;
    fields[0] = slot_of(e, reg);
    fields[1] = ra_loc_index(to_slot ? move->to : move->from) + 1;
    emit_op(e, to_slot ? PULLEY_spill_store_far : PULLEY_spill_load_far, fields);
}

/* The moves before an instruction, from number `next` on; gives the number of the first after them. */
static u32 emit_moves(Emitter *e, u32 before, u32 next)
{
    const RaMove *moves = e->allocation->moves.data;
    u32 end = next;
    while (end < e->allocation->moves.len && moves[end].before == before) {
        end++;
    }
    while (next < end) {
        dv_mach_island(&e->buf, PULLEY_INST_MAX);
        if (is_slot_move(&moves[next])) {
            next += emit_slot_moves(e, &moves[next], end - next);
        } else {
            emit_move(e, &moves[next++]);
        }
    }
    return next;
}

/* ---- calls -------------------------------------------------------------------------------------------------------------------------- */

static void add_reloc(Emitter *e, u32 offset, PulReloc kind, MachSymbol symbol)
{
    dv_mach_add_reloc(&e->buf, offset, kind, &symbol, 0);
}

static bool add_callee_reloc(Emitter *e, u32 offset, PulleyOp op, u64 callee, u32 entity)
{
    bool is_tail =
        op == PULLEY_return_call_big || op == PULLEY_return_call_import || op == PULLEY_return_call;
    bool is_known = op != PULLEY_call_import && op != PULLEY_return_call_import;
    PulReloc kind = is_tail ? (is_known ? PUL_RELOC_TAIL : PUL_RELOC_TAIL_ANY)
                            : (is_known ? PUL_RELOC_CALL : PUL_RELOC_CALL_ANY);
    if (callee == PUL_CALLEE_FUNC_REF) {
        add_reloc(e, offset, kind, dv_mach_symbol_name(&vec_at(&e->func->funcs, entity).name));
    } else if (callee == PUL_CALLEE_WASM_FUNC) {
        const WasmFuncData *func = &vec_at(&e->func->wasm_funcs, entity);
        if (!func->has_name) {
            dv_diag_error(e->diag, 0, 0, "func%u has no name by which it could be called",
                          (unsigned)entity);
            return false;
        }
        add_reloc(e, offset, kind, dv_mach_symbol_name(&func->name));
    }
    return true;
}

static void add_type_reloc(Emitter *e, u32 offset, u64 callee, u32 type)
{
    if (callee == PUL_CALLEE_SIG || callee == PUL_CALLEE_TYPE) {
        u32 kind = callee == PUL_CALLEE_SIG ? PUL_ENTITY_SIG : PUL_ENTITY_TYPE;
        add_reloc(e, offset, PUL_RELOC_TYPE, dv_mach_symbol_entity(kind, type));
    }
}

/* The handlers of a try_, whose destinations follow the numbers of the call. Contexts are its last operands. */
static void add_handlers(Emitter *e, u32 inst, const ExceptionTable *table, const u64 *labels)
{
    const RaInst *ra = &e->ra->insts[inst];
    MachHandler *handlers = ARENA_ARRAY(e->arena, MachHandler, table->num_handlers + 1);
    u32 contexts = 0;
    for (u32 i = table->num_handlers; i-- > 0;) {
        const Handler *from = &table->handlers[i];
        handlers[i] = (MachHandler){.kind = from->kind, .tag = from->tag};
        if (from->kind == HANDLER_CONTEXT) {
            u32 operand = ra->operands + ra->num_operands - 1 - contexts++;
            handlers[i].context = (i32)slot_of(e, e->allocation->locs[operand]);
        } else {
            handlers[i].label = label(labels[from->dest]);
        }
    }
    dv_mach_add_call(&e->buf, 0, handlers, table->num_handlers);
}

static bool is_loaded_result(const RaOperand *operand)
{
    return (operand->flags & RA_DEF) != 0 && operand->constraint == RA_ANY;
}

/* After a try_: loads the results beyond those in the window, which are the only definitions that may be anywhere. */
static void load_results(Emitter *e, u32 inst)
{
    const RaInst *ra = &e->ra->insts[inst];
    u32 from = e->outgoing_slot;
    for (u32 i = ra->operands; i < ra->operands + ra->num_operands; i++) {
        if (!is_loaded_result(&e->ra->operands[i])) {
            continue;
        }
        RaLoc to = e->allocation->locs[i];
        bool to_slot = ra_loc_kind(to) == RA_LOC_SLOT;
        u64 load[PULLEY_FIELDS_MAX] = {to_slot ? e->scratch : slot_of(e, to), from--};
        emit_op(e, PULLEY_spill_load_far, load);
        if (to_slot) {
            u64 store[PULLEY_FIELDS_MAX] = {e->scratch, ra_loc_index(to) + 1};
            emit_op(e, PULLEY_spill_store_far, store);
        }
    }
}

/* What is known at the return address of a call, and how it goes on. */
static void end_call(Emitter *e, u32 inst, PulleyOp op, const u64 *labels)
{
    const VInst *v = &e->vcode->insts.data[inst];
    if (op == PULLEY_call_helper) {
        dv_mach_add_call(&e->buf, 0, NULL, 0);
        return;
    }
    const ExceptionTable *table = dv_inst_exceptions(e->func, (Inst){v->ir_inst});
    if (table != NULL) {
        add_handlers(e, inst, table, labels);
    } else {
        dv_mach_add_call(&e->buf, 0, NULL, 0);
    }
    const StackMap *map = dv_stack_map(e->func, (Inst){v->ir_inst});
    if (map != NULL) {
        dv_mach_add_stack_map(&e->buf, map);
    }
    dv_mach_add_tags(&e->buf, dv_debug_tags(e->func, (Inst){v->ir_inst}), true);
    if (table != NULL) {
        load_results(e, inst);
        emit_jump(e, labels[0]);
    }
}

static bool emit_call(Emitter *e, u32 inst, PulleyOp op, u64 *fields, const u64 *extras)
{
    const VInst *v = &e->vcode->insts.data[inst];
    u32 callee_field = op == PULLEY_call_table_far || op == PULLEY_return_call_table
                           ? dv_pulley_find_field(op, PROLE_TYPE)
                           : dv_pulley_shape(op)->count;
    static const u8 roles[] = {PROLE_FUNC, PROLE_IMPORT, PROLE_TYPE};
    for (u32 i = 0; i < ARRAY_LEN(roles) && callee_field == dv_pulley_shape(op)->count; i++) {
        callee_field = dv_pulley_find_field(op, roles[i]);
    }
    bool has_callee = callee_field < dv_pulley_shape(op)->count;
    u32 entity = has_callee ? (u32)fields[callee_field] : 0;
    if (has_callee) {
        fields[callee_field] = 0; /* the linker's */
    }
    if (op == PULLEY_return_call_big && e->frame_slots == 0) {
        op = PULLEY_return_call;
        fields[0] = 0;
    }
    bool ends = (dv_pulley_ops[op].effects & PX_TERM) != 0;
    if (ends) {
        dv_mach_add_tags(&e->buf, dv_debug_tags(e->func, (Inst){v->ir_inst}), false);
    }
    if (extras[PUL_CALL_BLOCK] != 0) {
        u64 block[] = {e->outgoing_slot, extras[PUL_CALL_BLOCK]};
        dv_pulley_encode(&e->buf.code, e->big, PULLEY_args_block, block);
    }
    u32 start = dv_mach_offset(&e->buf);
    dv_pulley_encode(&e->buf.code, e->big, op, fields);
    e->last_result = PRESULT_NONE;
    if (!add_callee_reloc(e, start, op, extras[PUL_CALL_CALLEE], entity)) {
        return false;
    }
    add_type_reloc(e, start, extras[PUL_CALL_CALLEE], entity);
    if (ends) {
        dv_mach_end_flow(&e->buf);
    } else {
        end_call(e, inst, op, extras + PUL_CALL_LABELS);
    }
    return true;
}

/* ---- fields of any instruction -------------------------------------------------------------------------------------------------------- */

/* Numbers that stand for something of the function's preamble or frame. */
static u64 number_value(const Emitter *e, const PulleyField *field, u64 number)
{
    switch (field->role) {
    case PROLE_OUT:
        return e->k + number;
    case PROLE_FRAME:
        return e->frame_slots;
    case PROLE_SPILL:
    case PROLE_BELOW:
        return place_value(e, number);
    case PROLE_MEMORY:
        return vec_at(&e->func->memories, number).index;
    case PROLE_GLOBAL:
        return vec_at(&e->func->globals, number).index;
    case PROLE_TABLE:
        return vec_at(&e->func->tables, number).index;
    case PROLE_DATA:
        return vec_at(&e->func->datas, number).index;
    case PROLE_ELEM:
        return vec_at(&e->func->elems, number).index;
    case PROLE_TAG:
        return vec_at(&e->func->tags, number).index;
    default:
        return number;
    }
}

/* Fills fields from slots and numbers; gives how many numbers there were. */
static u32 fill_fields(const Emitter *e, u32 inst, u64 *fields)
{
    const RaInst *ra = &e->ra->insts[inst];
    const VInst *v = &e->vcode->insts.data[inst];
    const PulleyShapeInfo *shape = dv_pulley_shape((PulleyOp)v->op);
    u32 operand = ra->operands, imm = 0;
    for (u32 i = 0; i < shape->count; i++) {
        u32 role = shape->fields[i].role;
        if (role == PROLE_DST || role == PROLE_SRC || role == PROLE_MOD) {
            fields[i] = slot_of(e, e->allocation->locs[operand]);
            operand += role == PROLE_MOD ? 2 : 1;
        } else {
            fields[i] = number_value(e, &shape->fields[i], e->vcode->imms.data[v->imms + imm++]);
        }
    }
    return imm;
}

static bool add_field_relocs(Emitter *e, PulleyOp op, u64 *fields, u32 offset)
{
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    for (u32 i = 0; i < shape->count; i++) {
        u32 role = shape->fields[i].role;
        if (role == PROLE_ENTITY) {
            const Func *f = e->func;
            bool is_ref = op == PULLEY_ref_func;
            const ExtName *name = is_ref ? &vec_at(&f->wasm_funcs, fields[i]).name
                                         : &vec_at(&f->funcs, fields[i]).name;
            if (is_ref && !vec_at(&f->wasm_funcs, fields[i]).has_name) {
                dv_diag_error(e->diag, 0, 0, "func%u has no name by which it could be referred to",
                              (unsigned)fields[i]);
                return false;
            }
            add_reloc(e, offset, PUL_RELOC_ENTITY, dv_mach_symbol_name(name));
            fields[i] = 0;
        } else if (role == PROLE_SYMBOL) {
            const GlobalValueData *gv = &vec_at(&e->func->global_values, fields[i]);
            add_reloc(e, offset, PUL_RELOC_SYMBOL, dv_mach_symbol_name(&gv->name));
            fields[i] = 0;
        }
    }
    return true;
}

/* ---- pseudo-instructions --------------------------------------------------------------------------------------------------------------- */

static u32 in_window(u32 slots)
{
    return slots < PULLEY_ARGS_MAX ? slots : PULLEY_ARGS_MAX;
}

static void emit_enter(Emitter *e)
{
    u32 incoming = e->ctx->incoming_slots;
    if (e->frame_slots == 0) {
        return;
    }
    u64 fields[PULLEY_FIELDS_MAX] = {in_window(e->ctx->arg_slots), e->frame_slots, incoming};
    dv_pulley_encode(&e->buf.code, e->big, incoming != 0 ? PULLEY_enter_block : PULLEY_enter,
                     fields);
    dv_mach_keep(&e->buf);
}

static void emit_return(Emitter *e)
{
    u64 fields[PULLEY_FIELDS_MAX] = {in_window(e->ctx->result_slots), e->frame_slots};
    dv_pulley_encode(&e->buf.code, e->big, e->frame_slots != 0 ? PULLEY_ret_big : PULLEY_ret,
                     fields);
    e->last_result = PRESULT_NONE;
    dv_mach_end_flow(&e->buf);
}

/* ---- everything -------------------------------------------------------------------------------------------------------------------------- */

static bool emit_inst(Emitter *e, u32 inst)
{
    const VInst *v = &e->vcode->insts.data[inst];
    u64 fields[PULLEY_FIELDS_MAX] = {0};
    if (v->op == PUL_PARAMS) {
        emit_enter(e);
        return true;
    }
    if (v->op == PUL_RETURN) {
        emit_return(e);
        return true;
    }
    PulleyOp op = (PulleyOp)v->op;
    u32 extra = v->imms + fill_fields(e, inst, fields);
    const u64 *extras = e->vcode->imms.len == 0 ? NULL : e->vcode->imms.data + extra;
    u32 effects = dv_pulley_ops[op].effects;
    if ((effects & PX_CALL) != 0) {
        return emit_call(e, inst, op, fields, extras);
    }
    if (op == PULLEY_jump) {
        emit_jump(e, fields[0]);
        return true;
    }
    e->metered = e->metered || op == PULLEY_fuel;
    if (op == PULLEY_br_table) {
        emit_table(e, fields, extras);
        return true;
    }
    if ((e->ra->insts[inst].flags & RA_INST_BRANCH) != 0) {
        emit_branch(e, op, fields, fields[dv_pulley_find_field(op, PROLE_TARGET)], extras[0]);
        return true;
    }
    u32 target = op == PULLEY_code_addr ? dv_pulley_find_field(op, PROLE_TARGET) : UINT32_MAX;
    u32 start = dv_mach_offset(&e->buf);
    if (target != UINT32_MAX) {
        MachLabel to = label(fields[target]);
        fields[target] = 0;
        dv_pulley_encode(&e->buf.code, e->big, op, fields);
        dv_mach_use(&e->buf, start, to, KIND_BR32);
        note_result(e, op, fields);
        return true;
    }
    if (!add_field_relocs(e, op, fields, start)) {
        return false;
    }
    if (op == PULLEY_nop) {
        dv_mach_add_tags(&e->buf, dv_debug_tags(e->func, (Inst){v->ir_inst}), false);
    }
    emit_op(e, op, fields);
    if ((effects & PX_TERM) != 0) {
        dv_mach_end_flow(&e->buf);
    }
    return true;
}

static bool emit_blocks(Emitter *e)
{
    u32 next_move = 0;
    for (u32 b = 0; b < e->ra->num_blocks; b++) {
        dv_mach_island(&e->buf, 3 * PULLEY_INST_MAX);
        dv_mach_bind(&e->buf, (MachLabel){b});
        for (u32 i = e->ra->blocks[b].first; i < e->ra->blocks[b].end; i++) {
            const VInst *v = &e->vcode->insts.data[i];
            next_move = emit_moves(e, i, next_move);
            /* entries of a table, loads of a try_'s results */
            u32 table_bytes = v->op == PULLEY_br_table ? 4 * v->num_imms : 0;
            table_bytes += PULLEY_INST_MAX * e->ra->insts[i].num_operands;
            dv_mach_island(&e->buf, 3 * PULLEY_INST_MAX + table_bytes);
            dv_mach_set_srcloc(&e->buf, v->srcloc);
            if (!emit_inst(e, i)) {
                return false;
            }
        }
    }
    return true;
}

/* ---- the frame --------------------------------------------------------------------------------------------------------------------------------- */

static void note_used(Emitter *e, RaLoc loc, bool *scratch)
{
    if (ra_loc_kind(loc) == RA_LOC_REG) {
        u32 number = preg_number(ra_loc_preg(loc));
        *scratch = *scratch || number == PUL_SCRATCH;
        if (number < PUL_WINDOW && number >= e->used_slots) {
            e->used_slots = number + 1;
        }
    }
}

static void lay_out_window(Emitter *e)
{
    bool scratch = false;
    for (u32 i = 0; i < e->ra->num_operands; i++) {
        RaLoc loc = e->allocation->locs[i];
        note_used(e, loc, &scratch);
        scratch =
            scratch || (is_loaded_result(&e->ra->operands[i]) && ra_loc_kind(loc) == RA_LOC_SLOT);
    }
    for (u32 i = 0; i < e->allocation->moves.len; i++) {
        note_used(e, e->allocation->moves.data[i].from, &scratch);
        note_used(e, e->allocation->moves.data[i].to, &scratch);
    }
    u32 args = in_window(e->ctx->arg_slots), results = in_window(e->ctx->result_slots);
    e->used_slots = e->used_slots < args ? args : e->used_slots;
    e->used_slots = e->used_slots < results ? results : e->used_slots;
    e->scratch = e->used_slots;
    e->used_slots += scratch;
    e->k = (e->used_slots + 1) & ~1u;
}

static u64 align_up(u64 x, u64 align)
{
    return (x + align - 1) & ~(align - 1);
}

static bool lay_out_frame(Emitter *e)
{
    u64 bytes = (u64)e->allocation->num_slot_units * 8;
    u32 count = e->func->slots.len;
    e->slot_distance = ARENA_ARRAY(e->arena, u32, count + 1);
    for (u32 i = 0; i < count; i++) {
        const StackSlotData *slot = &e->func->slots.data[i];
        if (slot->present) {
            u64 align = slot->align_bytes > 16 ? 16 : slot->align_bytes < 8 ? 8 : slot->align_bytes;
            u64 extra =
                slot->align_bytes > 16 ? slot->align_bytes - 16 : 0; /* the address is rounded up */
            u64 size =
                slot->size_bytes == 0 ? 1 : slot->size_bytes; /* an address below fp in any case */
            bytes = align_up(bytes + size + extra, align);
            e->slot_distance[i] = (u32)bytes;
        }
        if (bytes > (u64)PULLEY_FRAME_MAX * 8) {
            break;
        }
    }
    bytes = align_up(bytes + e->ctx->call_area_bytes, e->ctx->call_area_bytes != 0 ? 16 : 8);
    e->call_area_distance = (u32)bytes;
    u64 slots = bytes / 8 + e->ctx->outgoing_slots;
    e->outgoing_slot = (u32)slots;
    slots = align_up(slots + e->ctx->incoming_slots, 2);
    if (slots > PULLEY_FRAME_MAX) {
        dv_diag_error(e->diag, 0, 0, "the frame needs more than %llu bytes",
                      (unsigned long long)PULLEY_FRAME_MAX * 8);
        return false;
    }
    e->frame_slots = (u32)slots;
    return true;
}

static u32 at_least(u32 slots, const Emitter *e, RaLoc loc)
{
    u32 needed = ra_loc_kind(loc) == RA_LOC_REG ? slot_of(e, loc) + 1 : 0;
    return needed > slots ? needed : slots;
}

static u32 window_slots(const Emitter *e)
{
    u32 most = e->used_slots;
    for (u32 i = 0; i < e->ra->num_operands; i++) {
        most = at_least(most, e, e->allocation->locs[i]);
    }
    for (u32 i = 0; i < e->allocation->moves.len; i++) {
        most = at_least(most, e, e->allocation->moves.data[i].to);
    }
    for (u32 i = 0; i < e->ra->num_insts; i++) {
        const VInst *v = &e->vcode->insts.data[i];
        bool is_call = v->op < PULLEY_OP_COUNT && dv_pulley_shape((PulleyOp)v->op)->count != 0 &&
                       dv_pulley_shape((PulleyOp)v->op)->fields[0].role == PROLE_OUT;
        u32 end = is_call ? e->k + (u32)e->vcode->imms.data[v->imms] + 2
                          : 0; /* what an exception brings */
        most = end > most ? end : most;
    }
    return most;
}

bool dv_pul_emit_func(const Isa *isa, const CompileOptions *options, void *context,
                      const EmitInput *input, Arena *arena, Diag *diag, CompiledFunc *out)
{
    (void)options;
    Emitter e = {.ctx = context,
                 .func = input->func,
                 .vcode = input->vcode,
                 .ra = input->ra,
                 .allocation = input->allocation,
                 .arena = arena,
                 .diag = diag,
                 .big = isa->big_endian};
    MachTarget *target = ARENA_NEW(arena, MachTarget);
    *target = mach_target(isa->big_endian);
    lay_out_window(&e);
    if (!lay_out_frame(&e)) {
        return false;
    }
    dv_mach_init(&e.buf, arena, target);
    dv_bytebuf_init(&e.inverted, arena);
    dv_mach_labels_new(&e.buf, input->ra->num_blocks);
    if (!emit_blocks(&e)) {
        return false;
    }
    i32 *offsets = ARENA_ARRAY(arena, i32, input->func->slots.len + 1);
    for (u32 i = 0; i < input->func->slots.len; i++) {
        offsets[i] = (i32)(0 - e.slot_distance[i]);
    }
    MachFrame frame = {e.frame_slots * 8, window_slots(&e), input->func->slots.len, offsets};
    dv_mach_set_frame(&e.buf, &frame);
    dv_mach_finish(&e.buf, &out->code);
    out->arg_slots = e.ctx->arg_slots;
    out->result_slots = e.ctx->result_slots;
    out->metered = e.metered;
    if (out->code.status != MACH_OK) {
        dv_diag_error(diag, 0, 0, "a branch at offset %u does not reach",
                      (unsigned)out->code.error_offset);
        return false;
    }
    return true;
}

const char *dv_pul_inst_name(u32 op)
{
    return op < PULLEY_OP_COUNT ? dv_pulley_ops[op].name : op == PUL_PARAMS ? "params" : "return";
}
