/* atomic.c - atomic accesses: which instructions, and the loops where there is none.
 *
 * Plain loads are as ordered as sequential consistency asks for if stores are exchanges, which lock the bus. Of what reads and writes
 * back, sums have an instruction that gives the old value, and bitwise operations one that does not; everything else tries
 * until the compare-and-exchange finds what was read, a loop that is one instruction up to emission, so that the allocator
 * sees nothing of it. In the byte order that is not the processor's a loop swaps what it has read, and what it writes.
 * 128 bits take cmpxchg16b for everything, loads too: memory must be writable and aligned.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3, 9.2.
 */
#include <x64_lowering.h> /* made of rules/ */

enum { WIDTHS = 4 }; /* 8 to 64 bits */
#define BY_WIDTH(op, suffix) \
    { \
        X64_##op##8##suffix, X64_##op##16##suffix, X64_##op##32##suffix, X64_##op##64##suffix \
    }
/* What a register holds is counted in 32 bits at least. */
#define BY_WORD(op) \
    { \
        X64_##op##32, X64_##op##32, X64_##op##32, X64_##op##64 \
    }
typedef u16 OpTable[WIDTHS];
static const OpTable loads = {X64_movzx32_8, X64_movzx32_16, X64_mov32, X64_mov64};
static const OpTable exchanges = BY_WIDTH(xchg, _mr);
static const OpTable adds = BY_WIDTH(lock_xadd, );
static const OpTable compares = BY_WIDTH(lock_cmpxchg, );
static const OpTable negations = BY_WORD(neg);
static const OpTable swaps = {X64_nop, X64_rol16_i, X64_bswap32, X64_bswap64};

static const OpTable in_memory[RMW_COUNT] = {
    [RMW_add] = BY_WIDTH(lock_add, _mr), [RMW_sub] = BY_WIDTH(lock_sub, _mr),
    [RMW_and] = BY_WIDTH(lock_and, _mr), [RMW_or] = BY_WIDTH(lock_or, _mr),
    [RMW_xor] = BY_WIDTH(lock_xor, _mr),
};

static u32 width_index(Type type)
{
    return dv_ctz32(type_bits(type)) - 3;
}

static bool is_swapped(Type type, MemFlags flags)
{
    return (flags & FLAG_BIG) != 0 && type_bits(type) > 8;
}

/* ---- instructions ---------------------------------------------------------------------------------------- */

static VReg build(X64Context *ctx, u32 op, const u64 *fields)
{
    VReg defs[2] = {VREG_NONE, VREG_NONE};
    dv_x64_emit_inst(ctx, (X64Op)op, fields, defs);
    return defs[0];
}

static VReg swap(X64Context *ctx, VReg reg, u32 width)
{
    enum { BYTE_BITS = 8 };
    return build(ctx, swaps[width], (const u64[]){reg.id, BYTE_BITS});
}

static VReg swap_if(X64Context *ctx, bool is_big, VReg reg, u32 width)
{
    return is_big ? swap(ctx, reg, width) : reg;
}

static ValueRegs swap_both_if(X64Context *ctx, bool is_big, ValueRegs x)
{
    enum { WORD = 3 };
    return is_big ? (ValueRegs){{swap(ctx, x.regs[1], WORD), swap(ctx, x.regs[0], WORD)}} : x;
}

static InstOutput out_one(ValueRegs regs)
{
    return (InstOutput){{regs}, 1};
}

static VReg new_reg(X64Context *ctx)
{
    return dv_vcode_vreg(ctx->lower->vcode, X64_GENERAL);
}

/* Written while operands are still wanted. */
static RaOperand early(RaOperand def)
{
    def.flags = RA_DEF | RA_EARLY;
    return def;
}

static RaOperand early_fixed(X64Context *ctx, u32 reg)
{
    return early(ra_def_fixed(new_reg(ctx), preg_make(X64_GENERAL, reg)));
}

/* What a loop is made of, packed. */
enum { LOOP_WIDTH_SHIFT = 8, LOOP_SWAPPED_SHIFT = 16, LOOP_WIDE = WIDTHS };

static u64 pack_loop(u32 op, u32 width, bool is_big)
{
    return op | width << LOOP_WIDTH_SHIFT | (u64)is_big << LOOP_SWAPPED_SHIFT;
}

static void emit_loop(X64Context *ctx, const RaOperand *operands, u32 count, u64 loop)
{
    u32 trap = dv_inst_const(ctx->func, ctx->lower->current)->flags & FLAG_TRAP_MASK;
    const u64 numbers[] = {
        x64_address_pack(X64_ADDRESS_IS_MEMORY | X64_ADDRESS_HAS_BASE, 0, trap, 0), loop};
    VInstDraft draft = {X64_ATOMIC_LOOP, 0, 0, operands, count, numbers, ARRAY_LEN(numbers)};
    dv_vcode_emit(ctx->lower->vcode, &draft);
}

/* ---- 128 bits -------------------------------------------------------------------------------------------- */

static bool has_wide(X64Context *ctx)
{
    bool ok = x64_has(ctx, X64_FEATURE_CX16);
    if (!ok) {
        dv_lower_error(ctx->lower, ctx->lower->current,
                       "128 bits at once need the feature has_cmpxchg16b");
    }
    return ok;
}

static ValueRegs wide_loop(X64Context *ctx, u32 op, bool is_big, Value address, ValueRegs x)
{
    const RaOperand operands[] = {
        ra_use(x64_r64(ctx, address)), ra_use(x.regs[0]),          ra_use(x.regs[1]),
        early_fixed(ctx, X64_RAX),     early_fixed(ctx, X64_RDX),  early_fixed(ctx, X64_RBX),
        early_fixed(ctx, X64_RCX),     early(ra_def(new_reg(ctx)))};
    emit_loop(ctx, operands, ARRAY_LEN(operands), pack_loop(op, LOOP_WIDE, is_big));
    return swap_both_if(ctx, is_big, (ValueRegs){{operands[3].vreg, operands[4].vreg}});
}

static ValueRegs wide_compare(X64Context *ctx, Value address, ValueRegs x, ValueRegs y)
{
    VReg defs[2];
    const u64 fields[] = {x.regs[0].id, x.regs[1].id, y.regs[0].id, y.regs[1].id,
                          x64_mem64(ctx, x64_address(ctx, address, 0)).bits};
    dv_x64_emit_inst(ctx, X64_lock_cmpxchg16b, fields, defs);
    return (ValueRegs){{defs[0], defs[1]}};
}

/* ---- what the rules call ----------------------------------------------------------------------------------- */

InstOutput x64_atomic_load(X64Context *ctx, Type type, MemFlags flags, Value address)
{
    bool is_big = is_swapped(type, flags);
    if (type == TYPE_I128) {
        VReg zero = x64_imm_reg(ctx, 0);
        ValueRegs zeros = {{zero, zero}};
        has_wide(ctx);
        return out_one(swap_both_if(ctx, is_big, wide_compare(ctx, address, zeros, zeros)));
    }
    u32 width = width_index(type);
    VReg loaded = build(ctx, loads[width], (const u64[]){x64_address(ctx, address, 0).bits});
    return out_one(value_reg(swap_if(ctx, is_big, loaded, width)));
}

Done x64_atomic_store(X64Context *ctx, Type type, MemFlags flags, Value x, Value address)
{
    bool is_big = is_swapped(type, flags);
    ValueRegs regs = dv_lower_use(ctx->lower, x);
    if (type == TYPE_I128) {
        has_wide(ctx);
        wide_loop(ctx, RMW_xchg, false, address, swap_both_if(ctx, is_big, regs));
        return 0;
    }
    u32 width = width_index(type);
    VReg stored = swap_if(ctx, is_big, regs.regs[0], width);
    build(ctx, exchanges[width], (const u64[]){x64_address(ctx, address, 0).bits, stored.id});
    return 0;
}

/* Those that one instruction does; false: a loop it is. */
static bool rmw_by_one(X64Context *ctx, u32 width, RmwOp op, Value address, VReg x, VReg *old)
{
    Lower *l = ctx->lower;
    bool is_wanted = l->value_wanted[dv_inst_result(l->func, l->current, 0).id];
    Address at = x64_address(ctx, address, 0);
    if (!is_wanted && in_memory[op][width] != 0) {
        build(ctx, in_memory[op][width], (const u64[]){at.bits, x.id});
        *old = x; /* which nobody reads */
    } else if (op == RMW_add) {
        *old = build(ctx, adds[width], (const u64[]){at.bits, x.id});
    } else if (op == RMW_sub) {
        VReg negated = build(ctx, negations[width], (const u64[]){x.id});
        *old = build(ctx, adds[width], (const u64[]){at.bits, negated.id});
    } else if (op == RMW_xchg) {
        *old = build(ctx, exchanges[width], (const u64[]){at.bits, x.id});
    } else {
        return false;
    }
    return true;
}

InstOutput x64_atomic_rmw(X64Context *ctx, Type type, MemFlags flags, RmwOp op, Value address,
                          Value x)
{
    bool is_big = is_swapped(type, flags);
    ValueRegs regs = dv_lower_use(ctx->lower, x);
    if (type == TYPE_I128) {
        has_wide(ctx);
        return out_one(wide_loop(ctx, op, is_big, address, regs));
    }
    u32 width = width_index(type);
    VReg old;
    if (!is_big && rmw_by_one(ctx, width, op, address, regs.regs[0], &old)) {
        return out_one(value_reg(old));
    }
    const RaOperand operands[] = {ra_use(x64_r64(ctx, address)), ra_use(regs.regs[0]),
                                  early_fixed(ctx, X64_RAX), early(ra_def(new_reg(ctx)))};
    emit_loop(ctx, operands, ARRAY_LEN(operands), pack_loop(op, width, is_big));
    return out_one(value_reg(swap_if(ctx, is_big, operands[2].vreg, width)));
}

InstOutput x64_atomic_cas(X64Context *ctx, Type type, MemFlags flags, Value address, Value x,
                          Value y)
{
    bool is_big = is_swapped(type, flags);
    ValueRegs expected = dv_lower_use(ctx->lower, x), wanted = dv_lower_use(ctx->lower, y);
    if (type == TYPE_I128) {
        has_wide(ctx);
        expected = swap_both_if(ctx, is_big, expected);
        wanted = swap_both_if(ctx, is_big, wanted);
        ValueRegs found = wide_compare(ctx, address, expected, wanted);
        return out_one(swap_both_if(ctx, is_big, found));
    }
    u32 width = width_index(type);
    VReg old = swap_if(ctx, is_big, expected.regs[0], width);
    VReg new = swap_if(ctx, is_big, wanted.regs[0], width);
    const u64 fields[] = {old.id, x64_address(ctx, address, 0).bits, new.id};
    return out_one(value_reg(swap_if(ctx, is_big, build(ctx, compares[width], fields), width)));
}

/* ---- emission -------------------------------------------------------------------------------------------- */

static void code(MachBuffer *buf, u32 op, X64Operand a, X64Operand b)
{
    X64Operand operands[] = {a, b, b};
    X64Code bytes;
    dv_x64_encode((X64Op)op, operands, &bytes);
    dv_mach_bytes(buf, bytes.bytes, bytes.size_bytes);
}

/* On condition cond, b is moved to a. */
static void code_cmov(MachBuffer *buf, u32 op, X64Cond cond, X64Operand a, X64Operand b)
{
    const X64Operand operands[] = {x64_number(cond), a, b};
    X64Code bytes;
    dv_x64_encode((X64Op)op, operands, &bytes);
    dv_mach_bytes(buf, bytes.bytes, bytes.size_bytes);
}

static void code_again(MachBuffer *buf, u32 start)
{
    enum { BRANCH_BYTES = 2 };
    i64 distance = (i64)start - (i64)dv_mach_offset(buf) - BRANCH_BYTES;
    code(buf, X64_jcc_rel8, x64_number(X64_CC_NE), x64_number(distance));
}

/* When, after old - x, what is to be written is x. */
static X64Cond replaced_if(u32 op)
{
    return op == RMW_umin   ? X64_CC_AE
           : op == RMW_umax ? X64_CC_B
           : op == RMW_smin ? X64_CC_GE
                            : X64_CC_L;
}

static void code_swap(MachBuffer *buf, u32 width, X64Operand reg)
{
    code(buf, swaps[width], reg, x64_number(8));
}

static void code_combine(MachBuffer *buf, u32 op, u32 width, X64Operand to, X64Operand x)
{
    static const OpTable plain[RMW_COUNT] = {
        [RMW_add] = BY_WORD(add), [RMW_sub] = BY_WORD(sub), [RMW_and] = BY_WORD(and),
        [RMW_or] = BY_WORD(or),   [RMW_xor] = BY_WORD(xor), [RMW_nand] = BY_WORD(and),
        [RMW_xchg] = BY_WORD(mov)};
    static const OpTable comparisons = BY_WIDTH(cmp, );
    static const OpTable moves = BY_WORD(cmov);
    static const OpTable inversions = BY_WORD(not );
    if (plain[op][width] != 0) {
        code(buf, plain[op][width], to, x);
    } else {
        code(buf, comparisons[width], to, x);
        code_cmov(buf, moves[width], replaced_if(op), to, x);
    }
    if (op == RMW_nand) {
        code(buf, inversions[width], to, to);
    }
}

static void code_narrow_loop(MachBuffer *buf, X64Operand memory, u64 loop, const X64Operand *regs)
{
    u32 op = loop & 0xff, width = loop >> LOOP_WIDTH_SHIFT & 0xff;
    bool is_big = (loop >> LOOP_SWAPPED_SHIFT & 1) != 0;
    X64Operand x = regs[0], old = regs[1], new = regs[2];
    code(buf, loads[width], old, memory);
    u32 start = dv_mach_offset(buf);
    code(buf, X64_mov64, new, old);
    if (is_big) {
        code_swap(buf, width, new);
    }
    code_combine(buf, op, width, new, x);
    if (is_big) {
        code_swap(buf, width, new);
    }
    const X64Operand operands[] = {old, memory, new};
    X64Code bytes;
    dv_x64_encode((X64Op)compares[width], operands, &bytes);
    dv_mach_bytes(buf, bytes.bytes, bytes.size_bytes);
    code_again(buf, start);
}

/* A pair of registers, its bytes reversed. */
static void code_wide_swap(MachBuffer *buf, X64Operand lo, X64Operand hi)
{
    code(buf, X64_bswap64, lo, lo);
    code(buf, X64_bswap64, hi, hi);
    code(buf, X64_xor64, lo, hi);
    code(buf, X64_xor64, hi, lo);
    code(buf, X64_xor64, lo, hi);
}

static void code_wide_combine(MachBuffer *buf, u32 op, const X64Operand *to, const X64Operand *x,
                              X64Operand spare)
{
    enum { WORD = 3 };
    if (op == RMW_add || op == RMW_sub) {
        code(buf, op == RMW_add ? X64_add64 : X64_sub64, to[0], x[0]);
        code(buf, op == RMW_add ? X64_adc64 : X64_sbb64, to[1], x[1]);
    } else if (op == RMW_umin || op == RMW_umax || op == RMW_smin || op == RMW_smax) {
        code(buf, X64_mov64, spare, to[1]);
        code(buf, X64_cmp64, to[0], x[0]);
        code(buf, X64_sbb64, spare, x[1]);
        code_cmov(buf, X64_cmov64, replaced_if(op), to[0], x[0]);
        code_cmov(buf, X64_cmov64, replaced_if(op), to[1], x[1]);
    } else {
        code_combine(buf, op, WORD, to[0], x[0]);
        code_combine(buf, op, WORD, to[1], x[1]);
    }
}

static void code_wide_loop(MachBuffer *buf, X64Operand memory, u64 loop, const X64Operand *regs)
{
    bool is_big = (loop >> LOOP_SWAPPED_SHIFT & 1) != 0;
    const X64Operand *x = regs, *old = regs + 2, *new = regs + 4;
    X64Operand second = memory;
    second.memory.disp += 8;
    code(buf, X64_mov64, old[0], memory);
    code(buf, X64_mov64, old[1], second);
    u32 start = dv_mach_offset(buf);
    code(buf, X64_mov64, new[0], old[0]);
    code(buf, X64_mov64, new[1], old[1]);
    if (is_big) {
        code_wide_swap(buf, new[0], new[1]);
    }
    code_wide_combine(buf, loop & 0xff, new, x, regs[6]);
    if (is_big) {
        code_wide_swap(buf, new[0], new[1]);
    }
    const X64Operand operands[] = {old[0], old[1], new[0], new[1], memory};
    X64Code bytes;
    dv_x64_encode(X64_lock_cmpxchg16b, operands, &bytes);
    dv_mach_bytes(buf, bytes.bytes, bytes.size_bytes);
    code_again(buf, start);
}

void dv_x64_atomic_loop(MachBuffer *buf, X64Operand memory, u64 loop, const X64Operand *regs)
{
    if ((loop >> LOOP_WIDTH_SHIFT & 0xff) == LOOP_WIDE) {
        code_wide_loop(buf, memory, loop, regs);
    } else {
        code_narrow_loop(buf, memory, loop, regs);
    }
}
