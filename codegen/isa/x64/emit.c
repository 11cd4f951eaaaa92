/* emit.c - frames and code.
 *
 * rbp holds the frame, so that anyone can walk it; registers saved and what was handed over in memory are addressed from
 * it, everything else from rsp, which moves only at both ends of the function (target.h has the layout), and in a call
 * whose callee takes its arguments off the stack: right behind it they are put back. Where a tail call's arguments take
 * more than the function's own, the function begins by moving its return address down, as if it had been called with as
 * many; then those of any tail call fit above the return address, and end where its own end.
 *
 * The shortest form of each instruction is taken here, when registers and frame are known: of branches by the code buffer, at
 * the end. Which flags are still wanted is asked of the instructions that follow in the block: so 0 is made by xor where
 * none are, and a register is not tested right after the instruction that has made it and set the flags asked for. Nothing
 * but moves and constants ever comes between flags and who reads them. */
#include "base/bytes.h"
#include "codegen/isa/x64/target.h"

#include "rt/libcalls.h"
#include "rt/vmctx.h"

enum { KIND_REL32, KIND_BRANCH, KIND_SHORT };

static void patch_rel32(u8 *at, bool big, i64 distance)
{
    store_u32(at, (u32)(i32)distance, big);
}

static void patch_rel8(u8 *at, bool big, i64 distance)
{
    (void)big;
    *at = (u8)(i8)distance;
}

/* jmp is e9, jcc 0f 80 to 0f 8f; with 8 bits they are eb, 70 to 7f. */
static void short_branch(const u8 *at, MachShort *out)
{
    enum { JMP = 0xe9, JMP_SHORT = 0xeb, JCC_TO_SHORT = 0x10 };
    bool is_jmp = at[-1] == JMP;
    out->before = is_jmp ? 1 : 2;
    out->size_bytes = 2;
    out->bytes[0] = is_jmp ? JMP_SHORT : (u8)(at[-1] - JCC_TO_SHORT);
    out->bytes[1] = 0;
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
    [KIND_BRANCH] = {"branch", 4, 1, 4, 0, INT32_MIN, INT32_MAX, patch_rel32},
    [KIND_SHORT] = {"short", 1, 1, 1, 0, INT8_MIN, INT8_MAX, patch_rel8},
};

static const MachShortening shortening = {KIND_BRANCH, KIND_SHORT, short_branch};

static const MachTarget mach_target = {.name = "x86_64",
                                       .inst_align = 1,
                                       .num_kinds = ARRAY_LEN(kinds),
                                       .trap_bytes = 2,
                                       .kinds = kinds,
                                       .write_trap = write_trap,
                                       .shortening = &shortening};

typedef struct Emitter {
    X64Context *ctx;
    Func *func;
    const VCode *vcode;
    const RaFunc *ra;
    const RaResult *allocation;
    Arena *arena;
    MachBuffer buf;
    Diag *diag;
    const CompileOptions *options;
    /* frame: in bytes above rsp */
    u32 spills, size_bytes, align_bytes;
    u32 *slots;
    u32 saved[X64_CLASSES]; /* registers, sets by number */
    u32 block_end;          /* the instruction after the block at hand */
    /* what the last instruction has left: flags that tell of this register, whose width X64Width says */
    struct {
        u32 end; /* of the code then; something else may have come since */
        u32 reg;
        u8 width, flags;
    } left;
    /* the last comparison of a register with a register or number, unless anything but trap_ifs came since */
    struct {
        u32 end; /* of the code then, or behind the trap_if */
        X64Op op;
        X64Operand operands[2];
    } compared;
} Emitter;

/* ---- instructions ---------------------------------------------------------------------------------------- */

/* Flags that an instruction leaves as a test of its result would: those of a bitwise operation all are, others may have
 * carried. */
static u8 result_flags(X64Op op, const X64Operand *operands)
{
    switch (dv_x64_insts[op].flags) {
    case X64_FLAGS_LOGIC:
        return X64_FLAG_O | X64_FLAG_S | X64_FLAG_Z | X64_FLAG_P | X64_FLAG_C;
    case X64_FLAGS_ARITH:
    case X64_FLAGS_CARRY:
    case X64_FLAGS_SHIFT_1:
        return X64_FLAG_S | X64_FLAG_Z | X64_FLAG_P;
    case X64_FLAGS_SHIFT: {
        const X64Operand *count = &operands[dv_x64_operand_count(op) - 1];
        u32 mask = dv_x64_insts[op].operands[0].width == X64_W_64 ? 63 : 31;
        return (count->number & mask) == 0 ? 0 : X64_FLAG_S | X64_FLAG_Z | X64_FLAG_P;
    }
    default:
        return 0;
    }
}

static X64Code emit(Emitter *e, X64Op op, X64Operand *operands)
{
    X64Code code;
    op = dv_x64_shortest(op, operands);
    dv_x64_encode(op, operands, &code);
    dv_mach_bytes(&e->buf, code.bytes, code.size_bytes);
    const X64Spec *result = &dv_x64_insts[op].operands[0];
    if (result->role == X64_MOD && operands[0].kind == X64_REGISTER) {
        e->left.end = dv_mach_offset(&e->buf);
        e->left.reg = operands[0].reg;
        e->left.width = result->width;
        e->left.flags = result_flags(op, operands);
    }
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

/* An address that counts from the end of its instruction, to be filled in. */
static X64Memory from_end(void)
{
    X64Memory memory = x64_base(X64_NO_REG, 0);
    memory.from_end = true;
    return memory;
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
    u32 trap;            /* code of the memory operand read last; TRAP_none */
    const u64 *constant; /* what that operand is, packed, if it lies behind the code; NULL */
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
    if ((packed & X64_ADDRESS_IS_CONST) != 0) {
        c->constant = c->numbers - 1;
        c->numbers += 2;
        return x64_memory(from_end());
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

static Cursor take_operands(const Emitter *e, u32 inst, X64Operand out[X64_OPERANDS_MAX])
{
    const VInst *v = &e->vcode->insts.data[inst];
    Cursor c = {e, v->num_imms == 0 ? NULL : e->vcode->imms.data + v->imms,
                e->ra->insts[inst].operands, TRAP_none, NULL};
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
    return c;
}

/* A memory access that starts here fails with this code. */
static void note_access(Emitter *e, u32 trap)
{
    if (trap != TRAP_none) {
        dv_mach_add_trap(&e->buf, dv_mach_offset(&e->buf), (TrapCode)trap);
    }
}

/* A sum that one register begins with is added to it: a byte less than lea, and on more of the processor's ports. */
static void emit_sum(Emitter *e, u32 inst)
{
    Cursor c = {e, e->vcode->imms.data + e->vcode->insts.data[inst].imms,
                e->ra->insts[inst].operands, TRAP_none, NULL};
    X64Operand sum = next_memory(&c);
    bool is_wide = *c.numbers == 64;
    X64Operand to = x64_register(reg_of(next_loc(&c)));
    const X64Memory *m = &sum.memory;
    bool is_plain = m->index != X64_NO_REG && m->scale == 0 && m->disp == 0;
    if (m->index == X64_NO_REG && m->base == to.reg) {
        emit_2(e, is_wide ? X64_add64_i : X64_add32_i, to, x64_number(m->disp));
    } else if (is_plain && (m->base == to.reg || m->index == to.reg)) {
        u32 other = m->base == to.reg ? m->index : m->base;
        emit_2(e, is_wide ? X64_add64 : X64_add32, to, x64_register(other));
    } else {
        emit_2(e, is_wide ? X64_lea64 : X64_lea32, to, sum);
    }
}

/* ---- flags ----------------------------------------------------------------------------------------------- */

enum { ALL_FLAGS = X64_FLAG_O | X64_FLAG_S | X64_FLAG_Z | X64_FLAG_P | X64_FLAG_C };

static u8 cond_flags(u64 cond)
{
    static const u8 flags[] = {X64_FLAG_O,
                               X64_FLAG_C,
                               X64_FLAG_Z,
                               X64_FLAG_C | X64_FLAG_Z,
                               X64_FLAG_S,
                               X64_FLAG_P,
                               X64_FLAG_S | X64_FLAG_O,
                               X64_FLAG_Z | X64_FLAG_S | X64_FLAG_O};
    return flags[cond / 2];
}

/* What an instruction does: flags that it reads, and flags that have nothing to do with those before after it. */
static void flag_effects(const Emitter *e, u32 inst, u8 *reads, u8 *ends)
{
    const VInst *v = &e->vcode->insts.data[inst];
    const u64 *numbers = v->num_imms == 0 ? NULL : e->vcode->imms.data + v->imms;
    *reads = *ends = 0;
    switch (v->op) {
    case X64_BRANCH:
        *reads = cond_flags(numbers[0]);
        *ends = ALL_FLAGS;
        return;
    case X64_BRANCH_EITHER:
        *reads = cond_flags(numbers[0]) | cond_flags(numbers[1]);
        *ends = ALL_FLAGS;
        return;
    case X64_TRAP_IF:
    case X64_XMM_SELECT:
        *reads = cond_flags(numbers[0]);
        return;
    case X64_FLOAT_CONST:
    case X64_LOAD_STACK:
    case X64_STORE_STACK:
    case X64_STACK_ADDR:
    case X64_READ_REG:
    case X64_WRITE_REG:
        return;
    default:
        break;
    }
    if (v->op >= X64_OP_COUNT) {
        *ends = ALL_FLAGS; /* nobody keeps flags over these */
        return;
    }
    u32 kind = dv_x64_insts[v->op].flags;
    const X64FlagsInfo *info = &dv_x64_flags[kind];
    *reads = kind == X64_FLAGS_COND ? cond_flags(numbers[0]) : info->read;
    *ends = info->defined | info->undefined;
}

/* The flags that this instruction and those after it read before they are written. */
static u8 wanted_flags(const Emitter *e, u32 inst)
{
    enum { STEPS_MAX = 16 };
    u8 wanted = 0, written = 0;
    for (u32 i = 0; i < STEPS_MAX; i++, inst++) {
        u8 reads, ends;
        if (inst >= e->block_end || (written & ALL_FLAGS) == ALL_FLAGS) {
            return wanted;
        }
        flag_effects(e, inst, &reads, &ends);
        wanted |= (u8)(reads & ~written);
        written |= ends;
    }
    return ALL_FLAGS;
}

/* True if the instruction tests a register that the last one has left, and all that is asked about is known from that. */
static bool is_tested_already(const Emitter *e, u32 inst, X64Op op, const X64Operand *operands)
{
    bool is_test = op == X64_test8 || op == X64_test16 || op == X64_test32 || op == X64_test64;
    return is_test && operands[0].reg == operands[1].reg && operands[0].reg == e->left.reg &&
           dv_x64_insts[op].operands[0].width == e->left.width &&
           e->left.end == dv_mach_offset(&e->buf) && !dv_mach_label_bound_at_end(&e->buf) &&
           (wanted_flags(e, inst + 1) & ~e->left.flags) == 0;
}

static bool is_same_operand(const X64Operand *a, const X64Operand *b)
{
    return a->kind == b->kind &&
           (a->kind == X64_REGISTER ? a->reg == b->reg : a->number == b->number);
}

/* True if the flags are those of this very comparison. */
static bool is_compared_already(const Emitter *e, X64Op op, const X64Operand *operands)
{
    return op == e->compared.op && e->compared.end == dv_mach_offset(&e->buf) &&
           !dv_mach_label_bound_at_end(&e->buf) &&
           is_same_operand(&operands[0], &e->compared.operands[0]) &&
           is_same_operand(&operands[1], &e->compared.operands[1]);
}

static void note_comparison(Emitter *e, X64Op op, const X64Operand *operands)
{
    if (op >= X64_cmp8 && op <= X64_cmp64_i && operands[1].kind != X64_MEMORY) {
        e->compared.op = op;
        e->compared.operands[0] = operands[0];
        e->compared.operands[1] = operands[1];
        e->compared.end = dv_mach_offset(&e->buf);
    }
}

/* True if the instruction keeps part of its result register, which nobody wants, or on some processors waits for it. */
static bool waits_for_result(X64Op op)
{
    switch (op) {
    case X64_cvtsi2ss32:
    case X64_cvtsi2ss64:
    case X64_cvtsi2sd32:
    case X64_cvtsi2sd64:
    case X64_cvtss2sd:
    case X64_cvtsd2ss:
    case X64_sqrtss:
    case X64_sqrtsd:
    case X64_roundss:
    case X64_roundsd:
    case X64_popcnt32:
    case X64_popcnt64:
        return true;
    default:
        return false;
    }
}

static bool mentions(const X64Operand *operand, bool is_xmm, u32 reg)
{
    bool is_memory = operand->kind == X64_MEMORY;
    return is_memory ? !is_xmm && (operand->memory.base == reg || operand->memory.index == reg)
                     : operand->reg == reg;
}

/* The result register is made new first, so that the instruction waits for its operand alone. */
static void free_result(Emitter *e, X64Op op, const X64Operand *operands)
{
    if (!waits_for_result(op)) {
        return;
    }
    const X64Spec *specs = dv_x64_insts[op].operands;
    bool is_xmm = x64_width_is_xmm(specs[0].width);
    bool same_class = operands[1].kind == X64_MEMORY || x64_width_is_xmm(specs[1].width) == is_xmm;
    if (same_class && mentions(&operands[1], is_xmm, operands[0].reg)) {
        return;
    }
    emit_2(e, is_xmm ? X64_xorps : X64_xor32, operands[0], operands[0]);
}

/* 0 is made in 2 bytes, if nobody reads flags before this instruction, or by it, that were set before. */
static void emit_number(Emitter *e, X64Op op, u32 to, u64 number, u32 before)
{
    if (number == 0 && wanted_flags(e, before) == 0) {
        emit_2(e, X64_xor32, x64_register(to), x64_register(to));
    } else {
        emit_2(e, op, x64_register(to), x64_number((i64)number));
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
                   &(MachBranch){start, start + 1, label(target), KIND_BRANCH, false, NULL});
}

static void emit_branch(Emitter *e, const u64 *numbers)
{
    X64Operand inverse[] = {x64_number(x64_cond_invert((X64Cond)numbers[0])), x64_number(0)};
    X64Code inverted;
    u32 start = dv_mach_offset(&e->buf);
    dv_x64_encode(X64_jcc, inverse, &inverted);
    emit_2(e, X64_jcc, x64_number((i64)numbers[0]), x64_number(0));
    dv_mach_branch(&e->buf, &(MachBranch){start, start + inverted.number_at, label(numbers[1]),
                                          KIND_BRANCH, true, inverted.bytes});
    emit_jump(e, numbers[2]);
}

static void emit_branch_either(Emitter *e, const u64 *numbers)
{
    emit_2(e, X64_jcc, x64_number((i64)numbers[0]), x64_number(0));
    dv_mach_use(&e->buf, dv_mach_offset(&e->buf) - 4, label(numbers[2]), KIND_BRANCH);
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
    bool is_next = e->compared.end == dv_mach_offset(&e->buf);
    MachLabel trap = dv_mach_trap_label(&e->buf, (TrapCode)numbers[1], v->srcloc);
    emit_2(e, X64_jcc, x64_number((i64)numbers[0]), x64_number(0));
    end = dv_mach_offset(&e->buf);
    dv_mach_use(&e->buf, end - 4, trap, KIND_BRANCH);
    e->compared.end = is_next ? end : e->compared.end;
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
    X64Memory entry = {(u8)table, (u8)index, 2, X64_SEGMENT_NONE, false, false, 0};
    emit_2(e, X64_lea64, x64_register(table), x64_memory(from_end()));
    dv_mach_use(&e->buf, dv_mach_offset(&e->buf) - 4, at, KIND_REL32);
    emit_2(e, X64_movsxd, x64_register(target), x64_memory(entry));
    emit_2(e, X64_add64, x64_register(target), x64_register(table));
    if (e->options->landing_pads) {
        static const u8 notrack = 0x3e; /* tables are read-only: their targets need no pads */
        dv_mach_bytes(&e->buf, &notrack, 1);
    }
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

/* The address of a symbol: computed if it is colocated, else loaded, since it may be anywhere. */
static void emit_address(Emitter *e, u32 to, const ExtName *name, bool colocated, i64 addend)
{
    emit_2(e, colocated ? X64_lea64 : X64_mov64, x64_register(to), x64_memory(from_end()));
    add_reloc(e, colocated ? X64_RELOC_PC32 : X64_RELOC_GOT, name, addend);
}

static void emit_func_addr(Emitter *e, u32 to, u64 func)
{
    const ExtFunc *f = &vec_at(&e->func->funcs, func);
    emit_address(e, to, &f->name, f->colocated, 0);
}

static void emit_add(Emitter *e, u32 to, i64 offset)
{
    if (offset != 0) {
        emit_2(e, X64_movabs, x64_register(X64_SCRATCH), x64_number(offset));
        emit_2(e, X64_add64, x64_register(to), x64_register(X64_SCRATCH));
    }
}

static void emit_symbol(Emitter *e, u32 to, u64 number)
{
    const GlobalValueData *gv = &vec_at(&e->func->global_values, number);
    bool is_near = gv->colocated && (i64)(i32)gv->offset == gv->offset;
    emit_address(e, to, &gv->name, gv->colocated, is_near ? gv->offset : 0);
    emit_add(e, to, is_near ? 0 : gv->offset);
}

/* The general dynamic model, in the 16 bytes that the ABI prescribes down to their prefixes, which do nothing: linkers make
 * them another model's where the program allows it. */
static void emit_tls_address(Emitter *e, u64 number)
{
    static const ExtName get_address = {.kind = NAME_LIBCALL, .libcall = LIBCALL_ElfTlsGetAddr};
    static const u8 data16[] = {0x66, 0x66}, rex_w = 0x48;
    const GlobalValueData *gv = &vec_at(&e->func->global_values, number);
    dv_mach_bytes(&e->buf, data16, 1);
    emit_2(e, X64_lea64, x64_register(X64_RDI), x64_memory(from_end()));
    add_reloc(e, X64_RELOC_TLSGD, &gv->name, 0);
    dv_mach_bytes(&e->buf, data16, 2);
    dv_mach_bytes(&e->buf, &rex_w, 1);
    emit_1(e, X64_call, x64_number(0));
    add_reloc(e, X64_RELOC_CALL, &get_address, 0);
    dv_mach_add_call(&e->buf, e->size_bytes, NULL, 0);
    emit_add(e, X64_RAX, gv->offset);
}

/* Those of other models count from the thread's own pointer, which lies where it points to. */
static void emit_tls_near(Emitter *e, u32 to, u64 number)
{
    enum { ANY_DISTANCE = INT32_MAX }; /* in 4 bytes: it is the linker's */
    const GlobalValueData *gv = &vec_at(&e->func->global_values, number);
    X64Memory own = x64_base(X64_NO_REG, 0);
    own.segment = X64_SEGMENT_FS;
    emit_2(e, X64_mov64, x64_register(to), x64_memory(own));
    if (e->options->tls_model == TLS_INITIAL_EXEC) {
        emit_2(e, X64_add64, x64_register(to), x64_memory(from_end()));
        add_reloc(e, X64_RELOC_TLS_WORD, &gv->name, 0);
    } else {
        emit_2(e, X64_lea64, x64_register(to), x64_memory(x64_base(to, ANY_DISTANCE)));
        add_reloc(e, X64_RELOC_TLS_DISTANCE, &gv->name, 0);
    }
    emit_add(e, to, gv->offset);
}

static void emit_label_addr(Emitter *e, u32 to, u64 block)
{
    emit_2(e, X64_lea64, x64_register(to), x64_memory(from_end()));
    dv_mach_use(&e->buf, dv_mach_offset(&e->buf) - 4, label(block), KIND_REL32);
}

static void emit_atomic(Emitter *e, u32 inst, const u64 *numbers)
{
    enum { REGS_MAX = 7 };
    u32 end = e->ra->insts[inst].operands + e->ra->insts[inst].num_operands;
    X64Operand regs[REGS_MAX] = {{0}};
    Cursor c = {e, numbers, e->ra->insts[inst].operands, TRAP_none, NULL};
    X64Operand memory = next_memory(&c);
    for (u32 i = 0; c.operand < end; i++) {
        regs[i] = x64_register(reg_of(next_loc(&c)));
    }
    note_access(e, c.trap);
    dv_x64_atomic_loop(&e->buf, memory, *c.numbers, regs);
}

/* Where a constant lies. */
static MachLabel constant_label(Emitter *e, u32 size, const u64 bits[2])
{
    u8 bytes[16];
    store_le64(bytes, bits[0]);
    store_le64(bytes + 8, bits[1]);
    return dv_mach_constant(&e->buf, bytes, size, size);
}

/* An instruction of insts.def. */
static void emit_row(Emitter *e, u32 inst, X64Op op)
{
    X64Operand operands[X64_OPERANDS_MAX] = {{0}};
    Cursor c = take_operands(e, inst, operands);
    free_result(e, op, operands);
    note_access(e, c.trap);
    if (is_tested_already(e, inst, op, operands) || is_compared_already(e, op, operands)) {
        return;
    }
    u32 start = dv_mach_offset(&e->buf);
    X64Code code = emit(e, op, operands);
    note_comparison(e, op, operands);
    if (c.constant != NULL) {
        MachLabel label = constant_label(e, c.constant[0] >> 8 & 0xff, c.constant + 1);
        dv_mach_use_from(&e->buf, start + code.disp_at, start + code.size_bytes, label, KIND_REL32);
    }
}

/* 0 is made without memory; other constants lie behind the code. */
static void emit_float_const(Emitter *e, u32 to, const u64 *numbers)
{
    u32 size = (u32)numbers[0];
    if (numbers[1] == 0 && numbers[2] == 0) {
        emit_2(e, X64_xorps, x64_register(to), x64_register(to));
        return;
    }
    MachLabel constant = constant_label(e, size, numbers + 1);
    emit_2(e,
           size == 4   ? X64_movss
           : size == 8 ? X64_movsd
                       : X64_movaps,
           x64_register(to), x64_memory(from_end()));
    dv_mach_use(&e->buf, dv_mach_offset(&e->buf) - 4, constant, KIND_REL32);
}

/* ---- the frame ------------------------------------------------------------------------------------------- */

enum { PAGE_BYTES = 4096 };

static u64 align_up(u64 x, u64 align)
{
    return (x + align - 1) & ~(align - 1);
}

/* Takes memory page by page, touching each, so that the page behind a stack that is too small is not missed; down to where
 * the scratch register points. */
static void emit_probes(Emitter *e)
{
    X64Memory top = x64_base(X64_RSP, 0);
    X64Operand end = x64_register(X64_SCRATCH), stack = x64_register(X64_RSP);
    u32 start = dv_mach_offset(&e->buf);
    emit_2(e, X64_sub64_i, stack, x64_number(PAGE_BYTES));
    emit_2(e, X64_test64_mr, x64_memory(top), stack);
    emit_2(e, X64_cmp64, stack, end);
    enum { BRANCH_BYTES = 2 };
    i64 distance = (i64)start - (i64)dv_mach_offset(&e->buf) - BRANCH_BYTES;
    emit_2(e, X64_jcc_rel8, x64_number(X64_CC_A), x64_number(distance));
    emit_2(e, X64_mov64, stack, end);
}

static void emit_take(Emitter *e, u32 bytes)
{
    if (bytes >= PAGE_BYTES) {
        emit_2(e, X64_lea64, x64_register(X64_SCRATCH), x64_memory(x64_base(X64_RSP, -(i32)bytes)));
        emit_probes(e);
    } else if (bytes != 0) {
        emit_2(e, X64_sub64_i, x64_register(X64_RSP), x64_number((i64)bytes));
    }
    if (bytes != 0) {
        dv_mach_add_unwind(&e->buf, UNWIND_ALLOC_STACK, 0, (i32)bytes);
    }
}

/* Aligns the stack pointer, after so many bytes were taken: what is left out counts as taken, too. */
static void emit_align(Emitter *e, u32 taken)
{
    X64Operand stack = x64_register(X64_RSP), end = x64_register(X64_SCRATCH);
    X64Operand mask = x64_number(-(i64)e->align_bytes);
    u32 untouched = taken < PAGE_BYTES ? taken : 0;
    if (e->align_bytes == 0) {
        return;
    }
    if (untouched + e->align_bytes <= PAGE_BYTES) {
        emit_2(e, X64_and64_i, stack, mask);
        return;
    }
    emit_2(e, X64_mov64, end, stack);
    emit_2(e, X64_and64_i, end, mask);
    emit_probes(e);
}

static u32 more_incoming(const Emitter *e)
{
    return e->ctx->incoming_bytes - e->ctx->layout->arg_bytes;
}

/* What the arguments of tail calls take more. */
static void emit_room_for_tails(Emitter *e)
{
    u32 bytes = more_incoming(e);
    emit_take(e, bytes);
    if (bytes != 0) {
        emit_2(e, X64_mov64, x64_register(X64_SCRATCH), at_stack(bytes));
        emit_2(e, X64_mov64_mr, at_stack(0), x64_register(X64_SCRATCH));
    }
}

/* ---- the stack's limit ---- */

/* Where the function's context has come. */
static X64Operand context_place(const Emitter *e, u32 param)
{
    const X64Spot *spot = &e->ctx->layout->params[param];
    enum { ABOVE_FRAME = 16 };
    i64 offset = (i64)ABOVE_FRAME + more_incoming(e) + spot->offsets[0];
    return spot->in_memory ? x64_memory(x64_base(X64_RBP, (i32)offset))
                           : x64_register(preg_number(spot->regs[0]));
}

/* In a register: its own, or the scratch register. */
static X64Operand in_register(Emitter *e, X64Operand place)
{
    X64Operand scratch = x64_register(X64_SCRATCH);
    if (place.kind == X64_REGISTER) {
        return place;
    }
    emit_2(e, X64_mov64, scratch, place);
    return scratch;
}

/* Computes a global value in the scratch register, but for a load at the end: *place is where it is then. False if it
 * is none that can be. */
static bool emit_global_value(Emitter *e, GlobalValue value, X64Operand *place)
{
    const Func *f = e->func;
    u32 *chain = ARENA_ARRAY(e->arena, u32, f->global_values.len + 1);
    u32 count, param;
    X64Operand to = x64_register(X64_SCRATCH);
    bool fits = dv_global_value_chain(f, value, chain, &count, &param);
    for (u32 i = 0; i < count; i++) {
        const GlobalValueData *gv = &vec_at(&f->global_values, chain[i]);
        fits = fits && gv->offset >= INT32_MIN && gv->offset <= INT32_MAX && gv->type == TYPE_I64;
    }
    if (!fits) {
        return false;
    }
    *place = context_place(e, param);
    while (count-- > 0) {
        const GlobalValueData *gv = &vec_at(&f->global_values, chain[count]);
        X64Memory at = x64_base(in_register(e, *place).reg, (i32)gv->offset);
        *place = x64_memory(at);
        if (gv->kind != GV_LOAD) {
            emit_2(e, X64_lea64, to, *place);
            *place = to;
        }
    }
    return true;
}

static void emit_overflow_if_below(Emitter *e)
{
    MachLabel trap = dv_mach_trap_label(&e->buf, TRAP_stk_ovf, SRCLOC_NONE);
    emit_2(e, X64_jcc, x64_number(X64_CC_B), x64_number(0));
    dv_mach_use(&e->buf, dv_mach_offset(&e->buf) - 4, trap, KIND_BRANCH);
}

/* The stack may not get below the limit, but what takes little may end below it: if it calls nothing it is let pass, else
 * it must begin above. */
static bool emit_limit(Emitter *e)
{
    enum { LITTLE = 256 };
    X64Operand limit, scratch = x64_register(X64_SCRATCH);
    u32 bytes = e->size_bytes + e->align_bytes;
    if (!e->func->has_stack_limit || (!e->ctx->makes_calls && bytes <= LITTLE)) {
        return true;
    }
    if (!emit_global_value(e, e->func->stack_limit, &limit)) {
        dv_diag_error(e->diag, 0, 0, "a stack limit that is no load or sum from the context");
        return false;
    }
    if (bytes > LITTLE) {
        emit_2(e, X64_mov64, scratch, limit);
        emit_2(e, X64_add64_i, scratch, x64_number((i64)bytes));
        emit_overflow_if_below(e);
        limit = scratch;
    }
    emit_2(e, X64_cmp64, x64_register(X64_RSP), limit);
    emit_overflow_if_below(e);
    return true;
}

/* ---- saved registers ---- */

/* Below rbp: where rt/vmctx.h wants it the context, then general registers, 8 bytes each, then xmm registers, aligned. */
static u32 saved_context_bytes(const Emitter *e)
{
    const Signature *sig = &e->func->sig;
    bool has_context = sig->num_params != 0 && sig->params[0].purpose == PURPOSE_VMCTX;
    return sig->conv == CC_wasm && has_context && e->ctx->makes_calls ? 8 : 0;
}

static u32 saved_general_bytes(const Emitter *e)
{
    return saved_context_bytes(e) + 8 * dv_popcount32(e->saved[X64_GENERAL]);
}

static u32 saved_xmm_start(const Emitter *e)
{
    return (u32)align_up(saved_general_bytes(e), 16);
}

static void emit_save_xmms(Emitter *e)
{
    u32 below = saved_xmm_start(e);
    for (u32 reg = 0; reg < X64_REGS; reg++) {
        if ((e->saved[X64_XMM] >> reg & 1) != 0) {
            below += 16;
            u32 at = e->size_bytes - below;
            emit_2(e, X64_movups_mr, at_stack(at), x64_register(reg));
            dv_mach_add_unwind(&e->buf, UNWIND_SAVE_REG, X64_XMM << 8 | reg, (i32)at);
        }
    }
}

static bool emit_enter(Emitter *e)
{
    if (e->options->landing_pads) {
        emit_0(e, X64_endbr64);
    }
    emit_room_for_tails(e);
    emit_1(e, X64_push, x64_register(X64_RBP));
    dv_mach_add_unwind(&e->buf, UNWIND_PUSH_REG, X64_RBP, 8);
    emit_2(e, X64_mov64, x64_register(X64_RBP), x64_register(X64_RSP));
    dv_mach_add_unwind(&e->buf, UNWIND_SET_FRAME_REG, X64_RBP, 0);
    if (!emit_limit(e)) {
        return false;
    }
    if (saved_context_bytes(e) != 0) {
        _Static_assert(VM_FRAME_CONTEXT == -8, "right below rbp");
        emit_1(e, X64_push, context_place(e, 0));
        dv_mach_add_unwind(&e->buf, UNWIND_ALLOC_STACK, 0, 8);
    }
    for (u32 reg = 0; reg < X64_REGS; reg++) {
        if ((e->saved[X64_GENERAL] >> reg & 1) != 0) {
            emit_1(e, X64_push, x64_register(reg));
            dv_mach_add_unwind(&e->buf, UNWIND_PUSH_REG, reg, 8);
        }
    }
    u32 taken = e->size_bytes - saved_general_bytes(e);
    emit_take(e, taken);
    emit_save_xmms(e);
    emit_align(e, taken);
    return true;
}

/* Pops what the stack pointer is at, and loads the rest: to move it there first takes more time than it saves bytes. Gives
 * whether it then is where rbp is kept. */
static bool emit_restore(Emitter *e)
{
    i32 below = (i32)saved_general_bytes(e);
    bool is_popped = below == (i32)e->size_bytes && e->align_bytes == 0;
    for (u32 reg = X64_REGS; reg-- > 0;) {
        bool is_saved = (e->saved[X64_GENERAL] >> reg & 1) != 0;
        if (is_saved && is_popped) {
            emit_1(e, X64_pop, x64_register(reg));
        } else if (is_saved) {
            emit_2(e, X64_mov64, x64_register(reg), x64_memory(x64_base(X64_RBP, -below)));
        }
        below -= is_saved ? 8 : 0;
    }
    return is_popped && below == 0;
}

/* Everything as it was at the function's start, but for the room for tail calls. */
static void emit_leave(Emitter *e)
{
    i32 below = (i32)saved_xmm_start(e);
    for (u32 reg = 0; reg < X64_REGS; reg++) {
        if ((e->saved[X64_XMM] >> reg & 1) != 0) {
            below += 16;
            emit_2(e, X64_movups, x64_register(reg), x64_memory(x64_base(X64_RBP, -below)));
        }
    }
    if (emit_restore(e)) {
        emit_1(e, X64_pop, x64_register(X64_RBP));
    } else {
        emit_0(e, X64_leave);
    }
}

static void emit_give(Emitter *e, u32 bytes)
{
    X64Memory above = x64_base(X64_RSP, (i32)bytes);
    emit_2(e, X64_lea64, x64_register(X64_RSP), x64_memory(above));
}

static void emit_return(Emitter *e)
{
    enum { RET_MAX = 0xffff };
    u32 bytes = e->ctx->layout->callee_pops ? e->ctx->incoming_bytes : 0;
    emit_leave(e);
    if (bytes == 0) {
        emit_0(e, X64_ret);
    } else if (bytes <= RET_MAX) {
        emit_1(e, X64_ret_i, x64_number((i64)bytes));
    } else {
        emit_1(e, X64_pop, x64_register(X64_SCRATCH));
        emit_give(e, bytes);
        emit_1(e, X64_push, x64_register(X64_SCRATCH));
        emit_0(e, X64_ret);
    }
    dv_mach_end_flow(&e->buf);
}

static void note_saved(Emitter *e, RaLoc loc)
{
    if (ra_loc_kind(loc) == RA_LOC_REG) {
        u32 class = preg_class(ra_loc_preg(loc));
        e->saved[class] |= 1u << reg_of(loc) & e->ctx->layout->saved[class];
    }
}

/* What the allocator took, and the emitter itself. */
static void note_all_saved(Emitter *e)
{
    for (u32 i = 0; i < e->ra->num_operands; i++) {
        note_saved(e, e->allocation->locs[i]);
    }
    for (u32 i = 0; i < e->allocation->moves.len; i++) {
        note_saved(e, e->allocation->moves.data[i].to);
    }
    for (u32 i = 0; i < e->ra->num_insts; i++) {
        const RaClobbers *lost = &e->ra->clobbers[e->ra->insts[i].clobbers];
        for (u32 class = 0; class < X64_CLASSES; class ++) {
            e->saved[class] |= (u32)lost->bits[class][0] & e->ctx->layout->saved[class];
        }
    }
}

static u64 lay_out_slots(Emitter *e, u64 bytes, u64 max)
{
    enum { ALIGNED = 16 };
    e->slots = ARENA_ARRAY(e->arena, u32, e->func->slots.len + 1);
    for (u32 i = 0; i < e->func->slots.len && bytes <= max; i++) {
        const StackSlotData *slot = &e->func->slots.data[i];
        if (slot->present) {
            u32 align = slot->align_bytes < 8 ? 8 : slot->align_bytes;
            e->align_bytes = align > ALIGNED && align > e->align_bytes ? align : e->align_bytes;
            bytes = align_up(bytes, align);
            e->slots[i] = (u32)bytes;
            bytes += slot->size_bytes;
        }
    }
    return bytes;
}

static bool lay_out_frame(Emitter *e)
{
    note_all_saved(e);
    u64 bytes = align_up(e->ctx->outgoing_bytes, 16);
    e->spills = (u32)bytes;
    bytes += (u64)e->allocation->num_slot_units * 8;
    bytes = lay_out_slots(e, bytes, X64_FRAME_MAX);
    bytes = align_up(bytes, 16) + saved_xmm_start(e);
    bytes += 16 * (u64)dv_popcount32(e->saved[X64_XMM]);
    e->size_bytes = (u32)bytes;
    if (bytes + e->align_bytes > X64_FRAME_MAX) {
        dv_diag_error(e->diag, 0, 0, "the frame needs more than %u bytes", (unsigned)X64_FRAME_MAX);
        return false;
    }
    if (e->align_bytes != 0 && e->ctx->has_try) {
        dv_diag_error(e->diag, 0, 0,
                      "stack slots aligned to more than 16 in a function that has a try_");
        return false;
    }
    return true;
}

/* ---- calls ----------------------------------------------------------------------------------------------- */

/* Of an area; target.h has them. */
static X64Operand stack_place(const Emitter *e, const u64 *numbers)
{
    enum { ABOVE_FRAME = 16 };
    i64 offset = (i64)numbers[1];
    bool is_in = numbers[0] == X64_AREA_IN;
    return numbers[0] == X64_AREA_OUT
               ? at_stack((u32)offset)
               : x64_memory(x64_base(
                     X64_RBP,
                     (i32)(offset + (is_in ? ABOVE_FRAME + (i64)e->ctx->incoming_bytes : 0))));
}

static void emit_load(Emitter *e, PReg to, X64Operand from, u64 bytes)
{
    X64Op op = preg_class(to) == X64_GENERAL ? X64_mov64 : bytes == 16 ? X64_movups : X64_movsd;
    emit_2(e, op, x64_register(preg_number(to)), from);
}

static void emit_store(Emitter *e, PReg from, X64Operand to, u64 bytes)
{
    X64Op op = preg_class(from) == X64_GENERAL ? X64_mov64_mr
               : bytes == 16                   ? X64_movups_mr
                                               : X64_movsd_mr;
    emit_2(e, op, to, x64_register(preg_number(from)));
}

/* The handlers of a try_. Contexts are its last operands. */
static void add_handlers(Emitter *e, u32 inst, const ExceptionTable *table, const u64 *labels)
{
    const RaInst *ra = &e->ra->insts[inst];
    MachHandler *handlers = ARENA_ARRAY(e->arena, MachHandler, table->num_handlers + 1);
    u32 contexts = 0;
    for (u32 i = table->num_handlers; i-- > 0;) {
        const Handler *from = &table->handlers[i];
        handlers[i] = (MachHandler){.kind = from->kind, .tag = from->tag};
        if (from->kind == HANDLER_CONTEXT) {
            RaLoc loc = e->allocation->locs[ra->operands + ra->num_operands - 1 - contexts++];
            ASSERT(ra_loc_kind(loc) == RA_LOC_SLOT);
            handlers[i].context = (i32)(e->spills + 8 * ra_loc_index(loc));
        } else {
            handlers[i].label = label(labels[from->dest]);
        }
    }
    dv_mach_add_call(&e->buf, e->size_bytes, handlers, table->num_handlers);
}

/* After a try_: loads its results in memory, the only definitions that may be anywhere; numbers: of the first. */
static void load_results(Emitter *e, u32 inst, const u64 *numbers)
{
    const RaInst *ra = &e->ra->insts[inst];
    for (u32 i = ra->operands; i < ra->operands + ra->num_operands; i++) {
        const RaOperand *operand = &e->ra->operands[i];
        if ((operand->flags & RA_DEF) == 0 || operand->constraint != RA_ANY) {
            continue;
        }
        RaLoc to = e->allocation->locs[i];
        bool is_spilled = ra_loc_kind(to) == RA_LOC_SLOT;
        bool is_xmm = e->ra->vreg_classes[operand->vreg.id] == X64_XMM;
        PReg scratch =
            is_xmm ? preg_make(X64_XMM, X64_XMM_SCRATCH) : preg_make(X64_GENERAL, X64_SCRATCH);
        PReg reg = is_spilled ? scratch : ra_loc_preg(to);
        emit_load(e, reg, at_stack((u32)numbers[0]), numbers[1]);
        if (is_spilled) {
            emit_store(e, reg, spill(e, ra_loc_index(to)), is_xmm ? 16 : 8);
        }
        numbers += 2;
    }
}

/* What may be far is called through the word that holds its address, unless it is colocated. */
static void emit_callee(Emitter *e, u64 callee, bool is_tail, u32 address)
{
    X64Op indirect = is_tail ? X64_jmp_rm : X64_call_rm;
    if (callee == X64_INDIRECT) {
        emit_1(e, indirect, x64_register(address));
        return;
    }
    const ExtFunc *f = &vec_at(&e->func->funcs, callee);
    bool is_far = e->options->far_calls && !f->colocated;
    if (is_far) {
        emit_1(e, indirect, x64_memory(from_end()));
    } else {
        emit_1(e, is_tail ? X64_jmp : X64_call, x64_number(0));
    }
    add_reloc(e, is_far ? X64_RELOC_GOT_CALL : X64_RELOC_CALL, &f->name, 0);
}

static void emit_call_library(Emitter *e, u64 libcall)
{
    const char *text = dv_rt_libcall_symbols[libcall];
    ExtName name = {.kind = NAME_TEST, .text = {text, (u32)strlen(text)}};
    emit_1(e, X64_call, x64_number(0));
    add_reloc(e, X64_RELOC_CALL, &name, 0);
    dv_mach_add_call(&e->buf, e->size_bytes, NULL, 0);
}

static void emit_call(Emitter *e, u32 inst, const u64 *numbers, u32 address)
{
    const VInst *v = &e->vcode->insts.data[inst];
    const ExceptionTable *table = dv_inst_exceptions(e->func, (Inst){v->ir_inst});
    const StackMap *map = dv_stack_map(e->func, (Inst){v->ir_inst});
    emit_callee(e, numbers[0], false, address);
    if (table != NULL) {
        add_handlers(e, inst, table, numbers + 2);
    } else {
        dv_mach_add_call(&e->buf, e->size_bytes, NULL, 0);
    }
    if (map != NULL) {
        dv_mach_add_stack_map(&e->buf, map);
    }
    dv_mach_add_tags(&e->buf, dv_debug_tags(e->func, (Inst){v->ir_inst}), true);
    if (numbers[1] != 0) {
        emit_2(e, X64_sub64_i, x64_register(X64_RSP), x64_number((i64)numbers[1]));
    }
    if (table != NULL) {
        load_results(e, inst, numbers + 2 + table->num_dests);
        emit_jump(e, numbers[2]);
    }
}

static void emit_tail_call(Emitter *e, const VInst *v, const u64 *numbers, u32 address)
{
    u32 less = e->ctx->incoming_bytes - (u32)numbers[1];
    dv_mach_add_tags(&e->buf, dv_debug_tags(e->func, (Inst){v->ir_inst}), false);
    emit_leave(e);
    if (less != 0) {
        emit_1(e, X64_pop, x64_register(X64_SCRATCH));
        emit_give(e, less);
        emit_1(e, X64_push, x64_register(X64_SCRATCH));
    }
    emit_callee(e, numbers[0], true, address);
    dv_mach_end_flow(&e->buf);
}

/* A context is three words: stack pointer, frame pointer, where to go on. All is read before anything is written, so that
 * both may be one; and all is written before the stack is left, so that a fault finds the frame in place.
 *
 * What is gone to finds a return address of 0 on the stack, which a function that begins there wants, since it was not called,
 * and which ends the walks of unwinders. What goes on behind a switch takes it off: no one has had anything below a
 * stack pointer that was stored. */
static void emit_stack_switch(Emitter *e, u32 inst)
{
    enum { STACK = 0, FRAME = 8, GO_ON = 16, TEMPORARIES = 3 };
    static const u8 candidates[] = {X64_RAX, X64_RCX, X64_RDX, X64_RSI, 8};
    const RaLoc *locs = &e->allocation->locs[e->ra->insts[inst].operands];
    const StackMap *map = dv_stack_map(e->func, (Inst){e->vcode->insts.data[inst].ir_inst});
    u32 to = reg_of(locs[0]), from = reg_of(locs[1]), count = 0;
    X64Operand regs[TEMPORARIES] = {{0}};
    for (u32 i = 0; count < TEMPORARIES; i++) {
        if (candidates[i] != to && candidates[i] != from) { /* all are lost */
            regs[count++] = x64_register(candidates[i]);
        }
    }
    X64Operand own = regs[0], stack = regs[1], frame = regs[2], go_on = x64_register(X64_SCRATCH);
    MachLabel behind = dv_mach_labels_new(&e->buf, 1);
    emit_2(e, X64_mov64, stack, x64_memory(x64_base(from, STACK)));
    emit_2(e, X64_mov64, frame, x64_memory(x64_base(from, FRAME)));
    emit_2(e, X64_mov64, go_on, x64_memory(x64_base(from, GO_ON)));
    emit_label_addr(e, own.reg, behind.id);
    emit_2(e, X64_mov64_mr, x64_memory(x64_base(to, STACK)), x64_register(X64_RSP));
    emit_2(e, X64_mov64_mr, x64_memory(x64_base(to, FRAME)), x64_register(X64_RBP));
    emit_2(e, X64_mov64_mr, x64_memory(x64_base(to, GO_ON)), own);
    emit_2(e, X64_xor32, own, own);
    emit_2(e, X64_mov64, x64_register(X64_RSP), stack);
    emit_1(e, X64_push, own);
    emit_2(e, X64_mov64, x64_register(X64_RBP), frame);
    emit_1(e, X64_jmp_rm, go_on);
    dv_mach_end_flow(&e->buf);
    dv_mach_bind(&e->buf, behind);
    dv_mach_add_call(&e->buf, e->size_bytes, NULL, 0);
    if (map != NULL) {
        dv_mach_add_stack_map(&e->buf, map);
    }
    dv_mach_add_tags(&e->buf, dv_debug_tags(e->func, (Inst){e->vcode->insts.data[inst].ir_inst}),
                     true);
    if (e->options->landing_pads) {
        emit_0(e, X64_endbr64);
    }
    emit_1(e, X64_pop, own);
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
        emit_number(e, (X64Op)source->op, reg_of(move->to), numbers[0], move->before);
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

/* Operations of target.h that are about the stack and registers; false: it is none of them. */
static bool emit_plain(Emitter *e, u32 inst, const u64 *numbers, RaLoc first)
{
    const VInst *v = &e->vcode->insts.data[inst];
    switch (v->op) {
    case X64_CALL:
        emit_call(e, inst, numbers, numbers[0] == X64_INDIRECT ? reg_of(first) : 0);
        return true;
    case X64_TAIL_CALL:
        emit_tail_call(e, v, numbers, numbers[0] == X64_INDIRECT ? reg_of(first) : 0);
        return true;
    case X64_FUNC_ADDR:
        emit_func_addr(e, reg_of(first), numbers[0]);
        return true;
    case X64_SYMBOL:
        emit_symbol(e, reg_of(first), numbers[0]);
        return true;
    case X64_TLS_ADDRESS:
        emit_tls_address(e, numbers[0]);
        return true;
    case X64_TLS_NEAR:
        emit_tls_near(e, reg_of(first), numbers[0]);
        return true;
    case X64_LABEL_ADDR:
        emit_label_addr(e, reg_of(first), numbers[0]);
        return true;
    case X64_LOAD_STACK:
        emit_load(e, ra_loc_preg(first), stack_place(e, numbers), numbers[2]);
        return true;
    case X64_STORE_STACK:
        emit_store(e, ra_loc_preg(first), stack_place(e, numbers), numbers[2]);
        return true;
    case X64_STACK_ADDR:
        emit_2(e, X64_lea64, x64_register(reg_of(first)), stack_place(e, numbers));
        return true;
    case X64_READ_REG:
        emit_2(e, X64_mov64, x64_register(reg_of(first)), x64_register((u32)numbers[0]));
        return true;
    case X64_WRITE_REG:
        emit_2(e, X64_mov64, x64_register((u32)numbers[0]), x64_register(reg_of(first)));
        return true;
    case X64_CALL_LIBRARY:
        emit_call_library(e, numbers[0]);
        return true;
    case X64_STACK_SWITCH:
        emit_stack_switch(e, inst);
        return true;
    case X64_ATOMIC_LOOP:
        emit_atomic(e, inst, numbers);
        return true;
    case X64_FLOAT_CONST:
        emit_float_const(e, reg_of(first), numbers);
        return true;
    case X64_SUM:
        emit_sum(e, inst);
        return true;
    case X64_mov32_i:
        emit_number(e, X64_mov32_i, reg_of(first), numbers[0], inst + 1);
        return true;
    default:
        return false;
    }
}

static bool emit_inst(Emitter *e, u32 inst)
{
    const VInst *v = &e->vcode->insts.data[inst];
    const u64 *numbers = v->num_imms == 0 ? NULL : e->vcode->imms.data + v->imms;
    RaLoc first = e->ra->insts[inst].num_operands == 0
                      ? (RaLoc){0}
                      : e->allocation->locs[e->ra->insts[inst].operands];
    switch (v->op) {
    case X64_PARAMS:
        return emit_enter(e);
    case X64_RETURN:
        emit_return(e);
        return true;
    case X64_BRANCH:
        emit_branch(e, numbers);
        return true;
    case X64_BRANCH_EITHER:
        emit_branch_either(e, numbers);
        return true;
    case X64_XMM_SELECT:
        emit_xmm_select(e, &e->allocation->locs[e->ra->insts[inst].operands], numbers[0]);
        return true;
    case X64_JUMP:
        emit_jump(e, numbers[0]);
        return true;
    case X64_BR_TABLE:
        emit_table(e, inst);
        return true;
    case X64_TRAP_IF:
        emit_trap_if(e, v, numbers);
        return true;
    case X64_TRAP:
        emit_trap(e, (TrapCode)numbers[0]);
        return true;
    default:
        if (!emit_plain(e, inst, numbers, first)) {
            if (v->op == X64_nop) {
                dv_mach_add_tags(&e->buf, dv_debug_tags(e->func, (Inst){v->ir_inst}), false);
            }
            emit_row(e, inst, (X64Op)v->op);
        }
        return true;
    }
}

/* Whoever brings exceptions jumps to where they are handled; and so may those who are told the address. */
static void find_pads(const Emitter *e, bool *pads)
{
    for (u32 i = 0; i < e->ra->num_insts; i++) {
        const VInst *v = &e->vcode->insts.data[i];
        const u64 *numbers = e->vcode->imms.data + v->imms;
        const ExceptionTable *table =
            v->op == X64_CALL ? dv_inst_exceptions(e->func, (Inst){v->ir_inst}) : NULL;
        for (u32 n = 0; table != NULL && n < table->num_handlers; n++) {
            if (table->handlers[n].kind != HANDLER_CONTEXT) {
                pads[numbers[2 + table->handlers[n].dest]] = true;
            }
        }
        if (v->op == X64_LABEL_ADDR) {
            pads[numbers[0]] = true;
        }
    }
}

static bool emit_blocks(Emitter *e)
{
    u32 next = 0;
    bool *pads = ARENA_ARRAY(e->arena, bool, e->ra->num_blocks);
    if (e->options->landing_pads) {
        find_pads(e, pads);
    }
    for (u32 b = 0; b < e->ra->num_blocks; b++) {
        dv_mach_bind(&e->buf, (MachLabel){b});
        if (pads[b]) {
            emit_0(e, X64_endbr64);
        }
        e->block_end = e->ra->blocks[b].end;
        for (u32 i = e->ra->blocks[b].first; i < e->ra->blocks[b].end; i++) {
            for (; next < e->allocation->moves.len && e->allocation->moves.data[next].before == i;
                 next++) {
                emit_move(e, &e->allocation->moves.data[next]);
            }
            dv_mach_set_srcloc(&e->buf, e->vcode->insts.data[i].srcloc);
            if (!emit_inst(e, i)) {
                return false;
            }
        }
    }
    return true;
}

bool dv_x64_emit_func(const Isa *isa, const CompileOptions *options, void *context,
                      const EmitInput *input, Arena *arena, Diag *diag, CompiledFunc *out)
{
    Emitter e = {.ctx = context,
                 .func = input->func,
                 .vcode = input->vcode,
                 .ra = input->ra,
                 .allocation = input->allocation,
                 .arena = arena,
                 .diag = diag,
                 .options = options};
    (void)isa;
    if (!lay_out_frame(&e)) {
        return false;
    }
    dv_mach_init(&e.buf, arena, &mach_target);
    dv_mach_labels_new(&e.buf, input->ra->num_blocks);
    if (!emit_blocks(&e)) {
        return false;
    }
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
        "params",       "return",      "branch",      "branch_either", "xmm_select",  "jump",
        "br_table",     "trap_if",     "trap",        "call",          "tail_call",   "func_addr",
        "load_stack",   "store_stack", "stack_addr",  "label_addr",    "read_reg",    "write_reg",
        "call_library", "atomic_loop", "float_const", "symbol",        "tls_address", "tls_near",
        "stack_switch", "sum"};
    return op < X64_OP_COUNT ? dv_x64_insts[op].name : names[op - X64_OP_COUNT];
}
