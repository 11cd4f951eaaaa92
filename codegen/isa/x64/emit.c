/* emit.c - frames and code.
 *
 * rbp holds the frame, so that anyone can walk it; everything else is addressed from rsp, which moves only at both ends of
 * the function (target.h has the layout). The shortest form of each instruction is taken here, when registers and
 * frame are known. */
#include "base/bytes.h"
#include "codegen/isa/x64/target.h"

#include "rt/libcalls.h"

enum { KIND_REL32 };

static void patch_rel32(u8 *at, bool big, i64 distance)
{
    store_u32(at, (u32)(i32)distance, big);
}

static void write_trap(u8 *at, bool big, TrapCode code)
{
    (void)big;
    (void)code;
    at[0] = 0x0f;
    at[1] = 0x0b; /* ud2 */
}

static const MachKind kinds[] = {
    [KIND_REL32] = {"rel32", 4, 1, 4, 0, INT32_MIN, INT32_MAX, patch_rel32},
};

static const MachTarget mach_target = {.name = "x86_64",
                                       .inst_align = 1,
                                       .num_kinds = ARRAY_LEN(kinds),
                                       .trap_bytes = 2,
                                       .kinds = kinds,
                                       .write_trap = write_trap};

typedef struct Emitter {
    X64Context *ctx;
    Func *func;
    const VCode *vcode;
    const RaFunc *ra;
    const RaResult *allocation;
    Arena *arena;
    MachBuffer buf;
    /* frame: in bytes above rsp */
    u32 spills, saves, size_bytes;
    u32 *slots;
    u32 saved; /* registers, a set by number */
} Emitter;

/* ---- instructions ---------------------------------------------------------------------------------------- */

static X64Code emit(Emitter *e, X64Op op, X64Operand *operands)
{
    X64Code code;
    op = dv_x64_shortest(op, operands);
    dv_x64_encode(op, operands, &code);
    dv_mach_bytes(&e->buf, code.bytes, code.size_bytes);
    return code;
}

static void emit_0(Emitter *e, X64Op op)
{
    X64Operand none = {0};
    emit(e, op, &none);
}

static void emit_1(Emitter *e, X64Op op, X64Operand a)
{
    emit(e, op, &a);
}

static void emit_2(Emitter *e, X64Op op, X64Operand a, X64Operand b)
{
    X64Operand operands[] = {a, b};
    emit(e, op, operands);
}

static X64Operand at_stack(u32 offset)
{
    return x64_memory(x64_base(X64_RSP, (i32)offset));
}

static X64Operand spill(const Emitter *e, u32 unit)
{
    return at_stack(e->spills + 8 * unit);
}

static u32 reg_of(RaLoc loc)
{
    ASSERT(ra_loc_kind(loc) == RA_LOC_REG);
    return preg_number(ra_loc_preg(loc));
}

/* ---- operands -------------------------------------------------------------------------------------------- */

/* Reads operands and numbers of an instruction in order. */
typedef struct Cursor {
    const Emitter *e;
    const u64 *numbers;
    u32 operand;
    u32 trap; /* code of the memory operand read last; TRAP_none */
} Cursor;

static RaLoc next_loc(Cursor *c)
{
    return c->e->allocation->locs[c->operand++];
}

static X64Operand next_memory(Cursor *c)
{
    u64 packed = *c->numbers++;
    if ((packed & X64_ADDRESS_IS_MEMORY) == 0) {
        RaLoc loc = next_loc(c);
        return ra_loc_kind(loc) == RA_LOC_SLOT ? spill(c->e, ra_loc_index(loc))
                                               : x64_register(reg_of(loc));
    }
    X64Memory memory = x64_base(X64_NO_REG, (i32)(u32)(packed >> 32));
    memory.scale = (u8)(packed >> 4 & 3);
    c->trap = (packed & X64_ADDRESS_IS_SLOT) == 0 ? packed >> 8 & 0xff : TRAP_none;
    if ((packed & X64_ADDRESS_HAS_BASE) != 0) {
        memory.base = (u8)reg_of(next_loc(c));
    }
    if ((packed & X64_ADDRESS_HAS_INDEX) != 0) {
        memory.index = (u8)reg_of(next_loc(c));
    }
    if ((packed & X64_ADDRESS_IS_SLOT) != 0) {
        memory.base = X64_RSP;
        memory.disp += (i32)c->e->slots[packed >> 8 & 0xffffff];
    }
    return x64_memory(memory);
}

static u32 take_operands(const Emitter *e, u32 inst, X64Operand out[X64_OPERANDS_MAX])
{
    const VInst *v = &e->vcode->insts.data[inst];
    Cursor c = {e, v->num_imms == 0 ? NULL : e->vcode->imms.data + v->imms,
                e->ra->insts[inst].operands, TRAP_none};
    const X64Spec *specs = dv_x64_insts[v->op].operands;
    for (u32 i = 0; specs[i].role != X64_NO_ROLE; i++) {
        if (specs[i].role == X64_NUMBER) {
            out[i] = x64_number((i64)*c.numbers++);
        } else if (specs[i].place >= X64_AT_RM && specs[i].place <= X64_AT_ADDRESS) {
            out[i] = next_memory(&c);
        } else {
            out[i] = x64_register(reg_of(next_loc(&c)));
            if (specs[i].role == X64_MOD) {
                out[i] = x64_register(reg_of(next_loc(&c)));
            }
        }
    }
    return c.trap;
}

/* A memory access that starts here fails with this code. */
static void note_access(Emitter *e, u32 trap)
{
    if (trap != TRAP_none) {
        dv_mach_add_trap(&e->buf, dv_mach_offset(&e->buf), (TrapCode)trap);
    }
}

/* ---- control --------------------------------------------------------------------------------------------- */

static MachLabel label(u64 block)
{
    return (MachLabel){(u32)block};
}

static void emit_jump(Emitter *e, u64 target)
{
    u32 start = dv_mach_offset(&e->buf);
    emit_1(e, X64_jmp, x64_number(0));
    dv_mach_branch(&e->buf,
                   &(MachBranch){start, start + 1, label(target), KIND_REL32, false, NULL});
}

static void emit_branch(Emitter *e, const u64 *numbers)
{
    X64Operand inverse[] = {x64_number(x64_cond_invert((X64Cond)numbers[0])), x64_number(0)};
    X64Code inverted;
    u32 start = dv_mach_offset(&e->buf);
    dv_x64_encode(X64_jcc, inverse, &inverted);
    emit_2(e, X64_jcc, x64_number((i64)numbers[0]), x64_number(0));
    dv_mach_branch(&e->buf, &(MachBranch){start, start + inverted.number_at, label(numbers[1]),
                                          KIND_REL32, true, inverted.bytes});
    emit_jump(e, numbers[2]);
}

static void emit_branch_either(Emitter *e, const u64 *numbers)
{
    emit_2(e, X64_jcc, x64_number((i64)numbers[0]), x64_number(0));
    dv_mach_use(&e->buf, dv_mach_offset(&e->buf) - 4, label(numbers[2]), KIND_REL32);
    emit_branch(e, numbers + 1);
}

/* A jump around a move. */
static void emit_xmm_select(Emitter *e, const RaLoc *locs, u64 cond)
{
    X64Operand move[] = {x64_register(reg_of(locs[1])), x64_register(reg_of(locs[0]))};
    X64Code code;
    dv_x64_encode(X64_movaps, move, &code);
    emit_2(e, X64_jcc_rel8, x64_number(x64_cond_invert((X64Cond)cond)),
           x64_number(code.size_bytes));
    dv_mach_bytes(&e->buf, code.bytes, code.size_bytes);
}

static void emit_trap_if(Emitter *e, const VInst *v, const u64 *numbers)
{
    u32 end;
    MachLabel trap = dv_mach_trap_label(&e->buf, (TrapCode)numbers[1], v->srcloc);
    emit_2(e, X64_jcc, x64_number((i64)numbers[0]), x64_number(0));
    end = dv_mach_offset(&e->buf);
    dv_mach_use(&e->buf, end - 4, trap, KIND_REL32);
}

static void emit_trap(Emitter *e, TrapCode code)
{
    dv_mach_add_trap(&e->buf, dv_mach_offset(&e->buf), code);
    emit_0(e, X64_ud2);
    dv_mach_end_flow(&e->buf);
}

/* Entries are distances from the table. */
static void emit_table(Emitter *e, u32 inst)
{
    const VInst *v = &e->vcode->insts.data[inst];
    const RaLoc *locs = &e->allocation->locs[e->ra->insts[inst].operands];
    u32 index = reg_of(locs[0]), table = reg_of(locs[1]), target = reg_of(locs[2]);
    MachLabel at = dv_mach_labels_new(&e->buf, 1);
    X64Memory from_end = x64_base(X64_NO_REG, 0);
    X64Memory entry = {(u8)table, (u8)index, 2, X64_SEGMENT_NONE, false, false, 0};
    from_end.from_end = true;
    emit_2(e, X64_lea64, x64_register(table), x64_memory(from_end));
    dv_mach_use(&e->buf, dv_mach_offset(&e->buf) - 4, at, KIND_REL32);
    emit_2(e, X64_movsxd, x64_register(target), x64_memory(entry));
    emit_2(e, X64_add64, x64_register(target), x64_register(table));
    emit_1(e, X64_jmp_rm, x64_register(target));
    dv_mach_end_flow(&e->buf);
    u32 start = dv_mach_offset(&e->buf);
    dv_mach_bind(&e->buf, at);
    for (u32 i = 0; i < v->num_imms; i++) {
        u32 word = dv_mach_offset(&e->buf);
        dv_mach_u32(&e->buf, 0);
        dv_mach_use_from(&e->buf, word, start, label(e->vcode->imms.data[v->imms + i]), KIND_REL32);
    }
    dv_mach_end_flow(&e->buf);
}

/* About the 4 bytes before this. */
static void add_reloc(Emitter *e, u32 kind, const ExtName *name, i64 addend)
{
    MachSymbol symbol = dv_mach_symbol_name(name);
    dv_mach_add_reloc(&e->buf, dv_mach_offset(&e->buf) - 4, kind, &symbol, addend);
}

static void emit_call(Emitter *e, u64 callee)
{
    emit_1(e, X64_call, x64_number(0));
    add_reloc(e, X64_RELOC_CALL, &vec_at(&e->func->funcs, callee).name, 0);
    dv_mach_add_call(&e->buf, 0, NULL, 0);
}

static void emit_call_library(Emitter *e, u64 libcall)
{
    const char *text = dv_rt_libcall_symbols[libcall];
    ExtName name = {.kind = NAME_TEST, .text = {text, (u32)strlen(text)}};
    emit_1(e, X64_call, x64_number(0));
    add_reloc(e, X64_RELOC_CALL, &name, 0);
    dv_mach_add_call(&e->buf, 0, NULL, 0);
}

/* The address of a symbol: computed if it is colocated, else loaded, since it may be anywhere. */
static void emit_address(Emitter *e, u32 to, const ExtName *name, bool colocated, i64 addend)
{
    X64Memory from_end = x64_base(X64_NO_REG, 0);
    from_end.from_end = true;
    emit_2(e, colocated ? X64_lea64 : X64_mov64, x64_register(to), x64_memory(from_end));
    add_reloc(e, colocated ? X64_RELOC_PC32 : X64_RELOC_GOT, name, addend);
}

static void emit_func_addr(Emitter *e, u32 to, u64 func)
{
    const ExtFunc *f = &vec_at(&e->func->funcs, func);
    emit_address(e, to, &f->name, f->colocated, 0);
}

static void emit_symbol(Emitter *e, u32 to, u64 number)
{
    const GlobalValueData *gv = &vec_at(&e->func->global_values, number);
    bool is_near = gv->colocated && (i64)(i32)gv->offset == gv->offset;
    emit_address(e, to, &gv->name, gv->colocated, is_near ? gv->offset : 0);
    if (!is_near && gv->offset != 0) {
        emit_2(e, X64_movabs, x64_register(X64_SCRATCH), x64_number(gv->offset));
        emit_2(e, X64_add64, x64_register(to), x64_register(X64_SCRATCH));
    }
}

static void emit_atomic(Emitter *e, u32 inst, const u64 *numbers)
{
    enum { REGS_MAX = 7 };
    u32 end = e->ra->insts[inst].operands + e->ra->insts[inst].num_operands;
    X64Operand regs[REGS_MAX] = {{0}};
    Cursor c = {e, numbers, e->ra->insts[inst].operands, TRAP_none};
    X64Operand memory = next_memory(&c);
    for (u32 i = 0; c.operand < end; i++) {
        regs[i] = x64_register(reg_of(next_loc(&c)));
    }
    note_access(e, c.trap);
    dv_x64_atomic_loop(&e->buf, memory, *c.numbers, regs);
}

/* A place of arguments, whose words are 8 bytes. */
static void emit_load_word(Emitter *e, RaLoc to, X64Operand from, u64 bytes)
{
    X64Op op = preg_class(ra_loc_preg(to)) == X64_GENERAL ? X64_mov64
               : bytes == 16                              ? X64_movups
                                                          : X64_movsd;
    emit_2(e, op, x64_register(reg_of(to)), from);
}

static void emit_store_word(Emitter *e, RaLoc from, X64Operand to, u64 bytes)
{
    X64Op op = preg_class(ra_loc_preg(from)) == X64_GENERAL ? X64_mov64_mr
               : bytes == 16                                ? X64_movups_mr
                                                            : X64_movsd_mr;
    emit_2(e, op, to, x64_register(reg_of(from)));
}

/* 0 is made without memory; other constants lie behind the code. */
static void emit_float_const(Emitter *e, u32 to, const u64 *numbers)
{
    u32 size = (u32)numbers[0];
    u8 bytes[16];
    X64Memory from_end = x64_base(X64_NO_REG, 0);
    if (numbers[1] == 0 && numbers[2] == 0) {
        emit_2(e, X64_xorps, x64_register(to), x64_register(to));
        return;
    }
    store_le64(bytes, numbers[1]);
    store_le64(bytes + 8, numbers[2]);
    MachLabel constant = dv_mach_constant(&e->buf, bytes, size, size);
    from_end.from_end = true;
    emit_2(e,
           size == 4   ? X64_movss
           : size == 8 ? X64_movsd
                       : X64_movaps,
           x64_register(to), x64_memory(from_end));
    dv_mach_use(&e->buf, dv_mach_offset(&e->buf) - 4, constant, KIND_REL32);
}

/* ---- the frame ------------------------------------------------------------------------------------------- */

enum { PAGE_BYTES = 4096 };

/* Takes the frame page by page, touching each, so that the page behind a stack that is too small is not missed. */
static void emit_probes(Emitter *e)
{
    X64Memory top = x64_base(X64_RSP, 0);
    X64Operand end = x64_register(X64_SCRATCH), stack = x64_register(X64_RSP);
    emit_2(e, X64_lea64, end, x64_memory(x64_base(X64_RSP, -(i32)e->size_bytes)));
    u32 start = dv_mach_offset(&e->buf);
    emit_2(e, X64_sub64_i, stack, x64_number(PAGE_BYTES));
    emit_2(e, X64_test64_mr, x64_memory(top), stack);
    emit_2(e, X64_cmp64, stack, end);
    enum { BRANCH_BYTES = 2 };
    i64 distance = (i64)start - (i64)dv_mach_offset(&e->buf) - BRANCH_BYTES;
    emit_2(e, X64_jcc_rel8, x64_number(X64_CC_A), x64_number(distance));
    emit_2(e, X64_mov64, stack, end);
}

static void emit_enter(Emitter *e)
{
    emit_1(e, X64_push, x64_register(X64_RBP));
    dv_mach_add_unwind(&e->buf, UNWIND_PUSH_REG, X64_RBP, 8);
    emit_2(e, X64_mov64, x64_register(X64_RBP), x64_register(X64_RSP));
    dv_mach_add_unwind(&e->buf, UNWIND_SET_FRAME_REG, X64_RBP, 0);
    if (e->size_bytes >= PAGE_BYTES) {
        emit_probes(e);
    } else if (e->size_bytes != 0) {
        emit_2(e, X64_sub64_i, x64_register(X64_RSP), x64_number((i64)e->size_bytes));
    }
    if (e->size_bytes != 0) {
        dv_mach_add_unwind(&e->buf, UNWIND_ALLOC_STACK, 0, (i32)e->size_bytes);
    }
    u32 at = e->saves;
    for (u32 reg = 0; reg < X64_REGS; reg++) {
        if ((e->saved >> reg & 1) != 0) {
            emit_2(e, X64_mov64_mr, at_stack(at), x64_register(reg));
            dv_mach_add_unwind(&e->buf, UNWIND_SAVE_REG, reg, (i32)at);
            at += 8;
        }
    }
}

static void emit_return(Emitter *e)
{
    u32 at = e->saves;
    for (u32 reg = 0; reg < X64_REGS; reg++) {
        if ((e->saved >> reg & 1) != 0) {
            emit_2(e, X64_mov64, x64_register(reg), at_stack(at));
            at += 8;
        }
    }
    emit_0(e, X64_leave);
    emit_0(e, X64_ret);
    dv_mach_end_flow(&e->buf);
}

static void note_saved(Emitter *e, RaLoc loc)
{
    if (ra_loc_kind(loc) == RA_LOC_REG && preg_class(ra_loc_preg(loc)) == X64_GENERAL) {
        e->saved |= 1u << reg_of(loc) & dv_x64_saved_registers();
    }
}

static u64 align_up(u64 x, u64 align)
{
    return (x + align - 1) & ~(align - 1);
}

static bool lay_out_frame(Emitter *e, Diag *diag)
{
    enum { FRAME_BYTES_MAX = 1 << 30, ALIGN_MAX = 16 };
    for (u32 i = 0; i < e->ra->num_operands; i++) {
        note_saved(e, e->allocation->locs[i]);
    }
    for (u32 i = 0; i < e->allocation->moves.len; i++) {
        note_saved(e, e->allocation->moves.data[i].to);
    }
    u64 bytes = e->ctx->outgoing_bytes;
    bytes = align_up(bytes, 16); /* as an xmm register's slot is */
    e->spills = (u32)bytes;
    bytes += (u64)e->allocation->num_slot_units * 8;
    e->slots = ARENA_ARRAY(e->arena, u32, e->func->slots.len + 1);
    for (u32 i = 0; i < e->func->slots.len && bytes <= FRAME_BYTES_MAX; i++) {
        const StackSlotData *slot = &e->func->slots.data[i];
        if (slot->present) {
            if (slot->align_bytes > ALIGN_MAX) {
                dv_diag_error(diag, 0, 0, "stack slots aligned to more than 16 are not supported");
                return false;
            }
            bytes = align_up(bytes, slot->align_bytes < 8 ? 8 : slot->align_bytes);
            e->slots[i] = (u32)bytes;
            bytes += slot->size_bytes;
        }
    }
    bytes = align_up(bytes, 8);
    e->saves = (u32)bytes;
    bytes = align_up(bytes + 8 * (u64)dv_popcount32(e->saved), 16);
    e->size_bytes = (u32)bytes;
    if (bytes > FRAME_BYTES_MAX) {
        dv_diag_error(diag, 0, 0, "the frame needs more than %u bytes", (unsigned)FRAME_BYTES_MAX);
        return false;
    }
    return true;
}

/* ---- everything ------------------------------------------------------------------------------------------ */

/* What a constant is made by again. */
static void emit_constant(Emitter *e, const RaMove *move)
{
    const VInst *source = &e->vcode->insts.data[ra_loc_index(move->from)];
    const u64 *numbers = e->vcode->imms.data + source->imms;
    if (source->op == X64_FLOAT_CONST) {
        emit_float_const(e, reg_of(move->to), numbers);
    } else {
        emit_2(e, (X64Op)source->op, x64_register(reg_of(move->to)), x64_number((i64)numbers[0]));
    }
}

/* All 16 bytes of an xmm register: nothing that came before is waited for. */
static void emit_xmm_move(Emitter *e, const RaMove *move)
{
    if (ra_loc_kind(move->to) == RA_LOC_SLOT) {
        emit_2(e, X64_movups_mr, spill(e, ra_loc_index(move->to)),
               x64_register(reg_of(move->from)));
    } else {
        emit_2(e, X64_movaps, x64_register(reg_of(move->to)),
               ra_loc_kind(move->from) == RA_LOC_SLOT ? spill(e, ra_loc_index(move->from))
                                                      : x64_register(reg_of(move->from)));
    }
}

static void emit_move(Emitter *e, const RaMove *move)
{
    u32 from = ra_loc_kind(move->from);
    if (from == RA_LOC_REMAT) {
        emit_constant(e, move);
    } else if (move->class == X64_XMM) {
        emit_xmm_move(e, move);
    } else if (ra_loc_kind(move->to) == RA_LOC_SLOT) {
        emit_2(e, X64_mov64_mr, spill(e, ra_loc_index(move->to)), x64_register(reg_of(move->from)));
    } else {
        emit_2(e, X64_mov64, x64_register(reg_of(move->to)),
               from == RA_LOC_SLOT ? spill(e, ra_loc_index(move->from))
                                   : x64_register(reg_of(move->from)));
    }
}

static void emit_inst(Emitter *e, u32 inst)
{
    const VInst *v = &e->vcode->insts.data[inst];
    const u64 *numbers = v->num_imms == 0 ? NULL : e->vcode->imms.data + v->imms;
    RaLoc first = e->ra->insts[inst].num_operands == 0
                      ? (RaLoc){0}
                      : e->allocation->locs[e->ra->insts[inst].operands];
    X64Operand operands[X64_OPERANDS_MAX] = {{0}};
    switch (v->op) {
    case X64_PARAMS:
        emit_enter(e);
        break;
    case X64_RETURN:
        emit_return(e);
        break;
    case X64_BRANCH:
        emit_branch(e, numbers);
        break;
    case X64_BRANCH_EITHER:
        emit_branch_either(e, numbers);
        break;
    case X64_XMM_SELECT:
        emit_xmm_select(e, &e->allocation->locs[e->ra->insts[inst].operands], numbers[0]);
        break;
    case X64_JUMP:
        emit_jump(e, numbers[0]);
        break;
    case X64_BR_TABLE:
        emit_table(e, inst);
        break;
    case X64_TRAP_IF:
        emit_trap_if(e, v, numbers);
        break;
    case X64_TRAP:
        emit_trap(e, (TrapCode)numbers[0]);
        break;
    case X64_CALL:
        emit_call(e, numbers[0]);
        break;
    case X64_CALL_INDIRECT:
        emit_1(e, X64_call_rm, x64_register(reg_of(first)));
        dv_mach_add_call(&e->buf, 0, NULL, 0);
        break;
    case X64_FUNC_ADDR:
        emit_func_addr(e, reg_of(first), numbers[0]);
        break;
    case X64_SYMBOL:
        emit_symbol(e, reg_of(first), numbers[0]);
        break;
    case X64_LOAD_PARAM:
        emit_load_word(e, first, x64_memory(x64_base(X64_RBP, 16 + (i32)numbers[0])), numbers[1]);
        break;
    case X64_STORE_ARG:
        emit_store_word(e, first, at_stack((u32)numbers[0]), numbers[1]);
        break;
    case X64_FLOAT_CONST:
        emit_float_const(e, reg_of(first), numbers);
        break;
    case X64_CALL_LIBRARY:
        emit_call_library(e, numbers[0]);
        break;
    case X64_ATOMIC_LOOP:
        emit_atomic(e, inst, numbers);
        break;
    default:
        note_access(e, take_operands(e, inst, operands));
        emit(e, (X64Op)v->op, operands);
        break;
    }
}

static void emit_blocks(Emitter *e)
{
    u32 next = 0;
    for (u32 b = 0; b < e->ra->num_blocks; b++) {
        dv_mach_bind(&e->buf, (MachLabel){b});
        for (u32 i = e->ra->blocks[b].first; i < e->ra->blocks[b].end; i++) {
            for (; next < e->allocation->moves.len && e->allocation->moves.data[next].before == i;
                 next++) {
                emit_move(e, &e->allocation->moves.data[next]);
            }
            dv_mach_set_srcloc(&e->buf, e->vcode->insts.data[i].srcloc);
            emit_inst(e, i);
        }
    }
}

bool dv_x64_emit_func(const Isa *isa, const CompileOptions *options, void *context,
                      const EmitInput *input, Arena *arena, Diag *diag, CompiledFunc *out)
{
    Emitter e = {.ctx = context,
                 .func = input->func,
                 .vcode = input->vcode,
                 .ra = input->ra,
                 .allocation = input->allocation,
                 .arena = arena};
    (void)isa;
    (void)options;
    if (!lay_out_frame(&e, diag)) {
        return false;
    }
    dv_mach_init(&e.buf, arena, &mach_target);
    dv_mach_labels_new(&e.buf, input->ra->num_blocks);
    emit_blocks(&e);
    i32 *offsets = ARENA_ARRAY(arena, i32, input->func->slots.len + 1);
    for (u32 i = 0; i < input->func->slots.len; i++) {
        offsets[i] = (i32)e.slots[i];
    }
    dv_mach_set_frame(&e.buf, &(MachFrame){e.size_bytes, 0, input->func->slots.len, offsets});
    dv_mach_finish(&e.buf, &out->code);
    CHECK(out->code.status == MACH_OK);
    return true;
}

const char *dv_x64_inst_name(u32 op)
{
    static const char *const names[] = {
        "params",     "return",    "branch",       "branch_either", "xmm_select",    "jump",
        "br_table",   "trap_if",   "trap",         "call",          "call_indirect", "func_addr",
        "load_param", "store_arg", "call_library", "atomic_loop",   "float_const",   "symbol"};
    return op < X64_OP_COUNT ? dv_x64_insts[op].name : names[op - X64_OP_COUNT];
}
