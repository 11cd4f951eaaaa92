/* help.c - the extern terms of rules/prelude.isle: slots of values, instructions, constants, labels. */
#include <pulley_lowering.h> /* made of rules/ */

#define TERMS_DEFINE
#include "codegen/ir/terms.h"

DV_NORETURN void pul_no_match(PulContext *ctx, const char *term)
{
    (void)ctx;
    dv_panic(__FILE__, __LINE__, term);
}

/* ---- types ------------------------------------------------------------------------------------------- */

static bool is_scalar_of(Type type, u32 least, u32 most)
{
    return type_lanes(type) == 1 && !type_is_dynamic(type) && type_lane_bits(type) >= least &&
           type_lane_bits(type) <= most;
}

bool pul_fits_slot(PulContext *ctx, Type type, Type *out)
{
    (void)ctx;
    *out = type;
    return is_scalar_of(type, 8, 64);
}

bool pul_fits_32(PulContext *ctx, Type type, Type *out)
{
    (void)ctx;
    *out = type;
    return is_scalar_of(type, 8, 32);
}

bool pul_two_slots(PulContext *ctx, Type type, Type *out)
{
    (void)ctx;
    *out = type;
    return is_scalar_of(type, 128, 128);
}

bool pul_int_type(PulContext *ctx, Type type, Type *out)
{
    (void)ctx;
    *out = type;
    return type_is_int(type);
}

Type pul_value_type_of(PulContext *ctx, Value value)
{
    return dv_value_type(ctx->func, value);
}

/* ---- slots --------------------------------------------------------------------------------------------- */

static VReg use_scalar(PulContext *ctx, Value value, u32 least, u32 most)
{
    ASSERT(is_scalar_of(dv_value_type(ctx->func, value), least, most));
    (void)least;
    (void)most;
    return dv_lower_use(ctx->lower, value).regs[0];
}

R32 pul_r32(PulContext *ctx, Value value)
{
    return use_scalar(ctx, value, 8, 32);
}

R64 pul_r64(PulContext *ctx, Value value)
{
    return use_scalar(ctx, value, 64, 64);
}

Slot pul_slot(PulContext *ctx, Value value)
{
    return use_scalar(ctx, value, 8, 64);
}

R64 pul_lo(PulContext *ctx, Value value)
{
    return use_scalar(ctx, value, 128, 128);
}

/* The low slot of a value of any width. */
Slot pul_low_slot(PulContext *ctx, Value value)
{
    return dv_lower_use(ctx->lower, value).regs[0];
}

R32 pul_amount(PulContext *ctx, Value value)
{
    return pul_low_slot(ctx, value);
}

R64 pul_hi(PulContext *ctx, Value value)
{
    return dv_lower_use(ctx->lower, value).regs[1];
}

R64 pul_whole(PulContext *ctx, Value value)
{
    return pul_slot(ctx, value);
}

/* The same slot under another type. */
#define SAME(name, From, To) \
    To name(PulContext *ctx, From reg) \
    { \
        (void)ctx; \
        return reg; \
    }
SAME(pul_low, R64, R32)
SAME(pul_any32, R32, Slot)
SAME(pul_any64, R64, Slot)
SAME(pul_known32, Slot, R32)
SAME(pul_known64, Slot, R64)
#undef SAME

R128 pul_pair(PulContext *ctx, R64 lo, R64 hi)
{
    (void)ctx;
    return (R128){lo, hi};
}

R64 pul_first(PulContext *ctx, R128 pair)
{
    (void)ctx;
    return pair.lo;
}

R64 pul_second(PulContext *ctx, R128 pair)
{
    (void)ctx;
    return pair.hi;
}

/* ---- results -------------------------------------------------------------------------------------------- */

#define OUT(name, From) \
    InstOutput name(PulContext *ctx, From reg) \
    { \
        (void)ctx; \
        return (InstOutput){{value_reg(reg)}, 1}; \
    }
OUT(pul_out32, R32)
OUT(pul_out64, R64)
OUT(pul_out_slot, Slot)
#undef OUT

InstOutput pul_out128(PulContext *ctx, R128 pair)
{
    (void)ctx;
    return (InstOutput){{{{pair.lo, pair.hi}}}, 1};
}

InstOutput pul_out_none(PulContext *ctx, Done done)
{
    (void)ctx;
    (void)done;
    return (InstOutput){.count = 0};
}

InstOutput pul_out_two(PulContext *ctx, Slot a, Slot b)
{
    (void)ctx;
    return (InstOutput){{value_reg(a), value_reg(b)}, 2};
}

InstOutput pul_out_128_and(PulContext *ctx, R128 pair, Slot b)
{
    (void)ctx;
    return (InstOutput){{{{pair.lo, pair.hi}}, value_reg(b)}, 2};
}

/* ---- instructions ------------------------------------------------------------------------------------------ */

static VReg inst_1(PulContext *ctx, u32 op, const u64 *fields, u32 count)
{
    VReg defs[2];
    dv_pul_emit(ctx, (PulleyOp)op, fields, count, defs);
    return defs[0];
}

R32 pul_inst_R32(PulContext *ctx, u32 op, const u64 *fields, u32 count)
{
    return inst_1(ctx, op, fields, count);
}

R64 pul_inst_R64(PulContext *ctx, u32 op, const u64 *fields, u32 count)
{
    return inst_1(ctx, op, fields, count);
}

Slot pul_inst_Slot(PulContext *ctx, u32 op, const u64 *fields, u32 count)
{
    return inst_1(ctx, op, fields, count);
}

R128 pul_inst_R128(PulContext *ctx, u32 op, const u64 *fields, u32 count)
{
    VReg defs[2];
    dv_pul_emit(ctx, (PulleyOp)op, fields, count, defs);
    return (R128){defs[0], defs[1]};
}

Done pul_inst_Done(PulContext *ctx, u32 op, const u64 *fields, u32 count)
{
    VReg defs[2];
    dv_pul_emit(ctx, (PulleyOp)op, fields, count, defs);
    return 0;
}

/* What a comparison gives is 0 or 1 in all of 32 bits. */
static bool is_truth(const PulContext *ctx, Value value)
{
    Inst inst = dv_lower_def(ctx->lower, value);
    u32 op = inst.id == ENTITY_NONE ? (u32)OP_nop : dv_inst_const(ctx->func, inst)->op;
    return op == OP_icmp || op == OP_fcmp;
}

static VReg extend(PulContext *ctx, Value value, bool is_signed, u32 bits)
{
    /* by the width of the value: 8, 16, 32 */
    static const u16 ops[2][2][3] = {
        {{PULLEY_zext8_32, PULLEY_zext16_32, 0}, {PULLEY_sext8_32, PULLEY_sext16_32, 0}},
        {{PULLEY_zext8_64, PULLEY_zext16_64, PULLEY_zext32},
         {PULLEY_sext8_64, PULLEY_sext16_64, PULLEY_sext32}}};
    u32 width = type_lane_bits(dv_value_type(ctx->func, value));
    VReg reg = pul_slot(ctx, value);
    if (width >= bits || (bits == 32 && is_truth(ctx, value))) {
        return reg;
    }
    u32 op = ops[bits == 64][is_signed][width == 8 ? 0 : width == 16 ? 1 : 2];
    return inst_1(ctx, op, (const u64[]){reg.id}, 1);
}

R32 pul_zext32(PulContext *ctx, Value value)
{
    return extend(ctx, value, false, 32);
}

R32 pul_sext32(PulContext *ctx, Value value)
{
    return extend(ctx, value, true, 32);
}

R64 pul_zext64(PulContext *ctx, Value value)
{
    return extend(ctx, value, false, 64);
}

R64 pul_sext64(PulContext *ctx, Value value)
{
    return extend(ctx, value, true, 64);
}

Done pul_nothing(PulContext *ctx)
{
    (void)ctx;
    return 0;
}

/* ---- operands ------------------------------------------------------------------------------------------------- */

bool pul_def_inst(PulContext *ctx, Value value, Inst *out)
{
    *out = dv_lower_def(ctx->lower, value);
    return out->id != ENTITY_NONE;
}

bool pul_only_use(PulContext *ctx, Value value, Value *out)
{
    *out = value;
    return ctx->lower->value_users[ctx->lower->roots[value.id]] == USES_ONCE;
}

static i64 sign_extend(u64 x, u32 bits)
{
    u64 sign = (u64)1 << (bits - 1);
    u64 low = bits == 64 ? x : x & ((sign << 1) - 1);
    return (i64)((low ^ sign) - sign);
}

i32 pul_offset_i32(PulContext *ctx, Offset32 offset)
{
    (void)ctx;
    return offset;
}

i64 pul_imm_ieee16(PulContext *ctx, Ieee16 bits)
{
    (void)ctx;
    return bits;
}

i64 pul_imm_ieee32(PulContext *ctx, Ieee32 bits)
{
    (void)ctx;
    return (i32)bits; /* the high half does not matter; so it is shorter */
}

i64 pul_imm_ieee64(PulContext *ctx, Ieee64 bits)
{
    (void)ctx;
    return (i64)bits;
}

i64 pul_constant_word(PulContext *ctx, Constant constant, u8 word)
{
    u8 bytes[16];
    dv_constant_read(ctx->func, constant.id, bytes, sizeof bytes);
    return (i64)load_le64(bytes + 8 * word);
}

i64 pul_imm_i64(PulContext *ctx, Type type, Imm64 imm)
{
    (void)ctx;
    return sign_extend(imm, type_lane_bits(type));
}

bool pul_const_i64(PulContext *ctx, Value value, i64 *out)
{
    Inst inst = dv_lower_def(ctx->lower, value);
    if (inst.id == ENTITY_NONE || dv_inst_const(ctx->func, inst)->op != OP_iconst) {
        return false;
    }
    const InstData *d = dv_inst_const(ctx->func, inst);
    *out = sign_extend(dv_imm64(d), type_lane_bits(d->type));
    return true;
}

bool pul_const_u64(PulContext *ctx, Value value, u64 *out)
{
    i64 i;
    if (!pul_const_i64(ctx, value, &i)) {
        return false;
    }
    u32 bits = type_lane_bits(dv_value_type(ctx->func, value));
    *out = bits == 64 ? (u64)i : (u64)i & (((u64)1 << bits) - 1);
    return true;
}

bool pul_in_slot(PulContext *ctx, Value value, Value *out)
{
    i64 i;
    *out = value;
    return !pul_const_i64(ctx, value, &i);
}

bool pul_factor(PulContext *ctx, Value value, i8 *out)
{
    i64 i;
    bool ok = pul_const_i64(ctx, value, &i) && i >= 0 && i < 7;
    *out = (i8)(ok ? 1 << i : 0);
    return ok;
}

bool pul_const_i32(PulContext *ctx, Value value, i32 *out)
{
    i64 i;
    bool ok = pul_const_i64(ctx, value, &i) && i >= INT32_MIN && i <= INT32_MAX;
    *out = ok ? (i32)i : 0;
    return ok;
}

bool pul_const_i16(PulContext *ctx, Value value, i16 *out)
{
    i64 i;
    bool ok = pul_const_i64(ctx, value, &i) && i >= INT16_MIN && i <= INT16_MAX;
    *out = ok ? (i16)i : 0;
    return ok;
}

bool pul_const_i8(PulContext *ctx, Value value, i8 *out)
{
    i64 i;
    bool ok = pul_const_i64(ctx, value, &i) && i >= INT8_MIN && i <= INT8_MAX;
    *out = ok ? (i8)i : 0;
    return ok;
}

bool pul_negated_i32(PulContext *ctx, i32 i, i32 *out)
{
    (void)ctx;
    *out = i == INT32_MIN ? 0 : -i;
    return i != INT32_MIN;
}

/* ---- comparisons with a constant -------------------------------------------------------------------------------- */

static bool is_signed(IntCC cc)
{
    return cc == INTCC_slt || cc == INTCC_sge || cc == INTCC_sgt || cc == INTCC_sle;
}

/* x cc i for a condition that there is: a strict one may take the place of one that is not, with the next number. */
static bool find_condition(IntCC cc, i64 i, u32 allowed, i64 limit, ImmCond *out)
{
    static const struct {
        IntCC cc;
        i8 step;
    } other[INTCC_COUNT] = {
        [INTCC_sle] = {INTCC_slt, 1},  [INTCC_sgt] = {INTCC_sge, 1}, [INTCC_sge] = {INTCC_sgt, -1},
        [INTCC_slt] = {INTCC_sle, -1}, [INTCC_ule] = {INTCC_ult, 1}, [INTCC_ugt] = {INTCC_uge, 1},
        [INTCC_uge] = {INTCC_ugt, -1}, [INTCC_ult] = {INTCC_ule, -1}};
    if ((allowed >> cc & 1) == 0) {
        /* Unsigned numbers wrap between -1 and 0. */
        bool wraps = !is_signed(cc) && i == (other[cc].step == 1 ? -1 : 0);
        if (wraps) {
            return false;
        }
        i += other[cc].step;
        cc = other[cc].cc;
    }
    *out = (ImmCond){cc, (i32)i};
    return i >= -limit - 1 && i <= limit;
}

static bool imm_condition(PulContext *ctx, IntCC cc, Value value, u32 allowed, i64 limit,
                          ImmCond *out)
{
    i64 i;
    if (!pul_const_i64(ctx, value, &i)) {
        return false;
    }
    u32 bits = type_lane_bits(dv_value_type(ctx->func, value));
    if (bits < 32 && !is_signed(cc)) {
        i &= ((i64)1 << bits) - 1; /* operands will be zero-extended */
    }
    return i >= INT32_MIN && i <= INT32_MAX && find_condition(cc, i, allowed, limit, out);
}

bool pul_branch_condition(PulContext *ctx, IntCC cc, Value value, ImmCond *out)
{
    u32 allowed = 1u << INTCC_eq | 1u << INTCC_ne | 1u << INTCC_slt | 1u << INTCC_sge |
                  1u << INTCC_ult | 1u << INTCC_uge;
    return imm_condition(ctx, cc, value, allowed, INT16_MAX, out);
}

bool pul_set_condition(PulContext *ctx, IntCC cc, Value value, ImmCond *out)
{
    u32 allowed = 1u << INTCC_eq | 1u << INTCC_ne | 1u << INTCC_slt | 1u << INTCC_sgt |
                  1u << INTCC_ult | 1u << INTCC_ugt;
    return imm_condition(ctx, cc, value, allowed, INT32_MAX, out);
}

R32 pul_compared32(PulContext *ctx, IntCC cc, Value value)
{
    return extend(ctx, value, is_signed(cc), 32);
}

i64 pul_floatcc_bits(PulContext *ctx, FloatCC cc)
{
    enum { LESS = 1, EQUAL = 2, GREATER = 4, UNORDERED = 8 };
    static const u8 bits[FLOATCC_COUNT] = {
        [FLOATCC_eq] = EQUAL,
        [FLOATCC_ne] = LESS | GREATER | UNORDERED,
        [FLOATCC_lt] = LESS,
        [FLOATCC_le] = LESS | EQUAL,
        [FLOATCC_gt] = GREATER,
        [FLOATCC_ge] = GREATER | EQUAL,
        [FLOATCC_uno] = UNORDERED,
        [FLOATCC_ord] = LESS | EQUAL | GREATER,
        [FLOATCC_ueq] = UNORDERED | EQUAL,
        [FLOATCC_one] = LESS | GREATER,
        [FLOATCC_ult] = UNORDERED | LESS,
        [FLOATCC_ule] = UNORDERED | LESS | EQUAL,
        [FLOATCC_ugt] = UNORDERED | GREATER,
        [FLOATCC_uge] = UNORDERED | GREATER | EQUAL,
    };
    (void)ctx;
    return bits[cc];
}

i16 pul_low16(PulContext *ctx, i32 i)
{
    (void)ctx;
    return (i16)i;
}

i64 pul_as_i64(PulContext *ctx, u64 x)
{
    (void)ctx;
    return (i64)x;
}

Label pul_target(PulContext *ctx, u8 n)
{
    CHECK(n < ctx->num_targets);
    return ctx->targets[n];
}

Label pul_handler_label(PulContext *ctx, Block block, u32 item)
{
    const Lower *l = ctx->lower;
    const ExceptionTable *table = dv_inst_exceptions(l->func, dv_block_terminator(l->func, block));
    CHECK(table != NULL && item < table->num_handlers &&
          table->handlers[item].kind != HANDLER_CONTEXT);
    if (l->order->label_of_block[block.id] == UINT32_MAX) {
        return l->order->blocks.len - 1; /* of a call that is never made: any place will do */
    }
    return l->order->edge_labels[l->order->edge_start[block.id] + table->handlers[item].dest];
}

/* ---- counters ------------------------------------------------------------------------------------------------------ */

/* A value that the branch at hand may count itself: x plus a small constant, read by the branch's comparison alone. */
bool pul_counter(PulContext *ctx, Value value, Value *x, i8 *step)
{
    const Lower *l = ctx->lower;
    Inst inst = dv_lower_def(l, value);
    if (inst.id == ENTITY_NONE) {
        return false;
    }
    Op op = (Op)dv_inst_const(l->func, inst)->op;
    Inst user = INST_NONE;
    Value condition = dv_term_value(l->func, l->current, 0);
    if (condition.id != value.id) {
        user = dv_lower_def(l, condition);
    }
    i64 i = 0;
    bool is_sum = op == OP_iadd || op == OP_isub;
    *x = is_sum ? dv_term_value(l->func, inst, 0) : value;
    if (!is_sum || !pul_const_i64(ctx, dv_term_value(l->func, inst, 1), &i)) {
        return false;
    }
    if (i < -INT8_MAX || i > INT8_MAX || i == 0) {
        return false;
    }
    *step = (i8)(op == OP_isub ? -i : i);
    return dv_lower_can_absorb(l, inst, user);
}

/* The same, but the step is a value; the other operand is the one that comes from the block's parameters. */
bool pul_counter_by(PulContext *ctx, Value value, Value *x, Value *step)
{
    const Lower *l = ctx->lower;
    Inst inst = dv_lower_def(l, value);
    if (inst.id == ENTITY_NONE || dv_inst_const(l->func, inst)->op != OP_iadd) {
        return false;
    }
    u32 block = dv_inst_block(l->func, l->current).id;
    Value a = dv_term_value(l->func, inst, 0), b = dv_term_value(l->func, inst, 1);
    const ValueData *second = &vec_at(&l->func->values, l->roots[b.id]);
    bool swaps = second->kind == VALUE_PARAM && second->def == block;
    *x = swaps ? b : a;
    *step = swaps ? a : b;
    i64 i;
    return !pul_const_i64(ctx, a, &i) && !pul_const_i64(ctx, b, &i) &&
           l->roots[a.id] != l->roots[b.id] &&
           dv_lower_can_absorb(l, inst, dv_lower_def(l, dv_term_value(l->func, l->current, 0)));
}

/* True if target n of the branch at hand goes back. */
static bool goes_back(const Lower *l, u32 n)
{
    u32 count;
    const BlockCall *dests = dv_inst_dests_const(l->func, l->current, &count);
    const u32 *labels = l->order->label_of_block;
    return labels[dests[n].block.id] <= labels[dv_inst_block(l->func, l->current).id];
}

/* The condition on which the branch at hand goes back, if there is a loop instruction for it. */
static bool loop_condition(const PulContext *ctx, IntCC cc, LoopCond *out)
{
    u8 back = goes_back(ctx->lower, 0) ? 0 : 1;
    cc = back == 0 ? cc : dv_intcc_negate(cc);
    *out = (LoopCond){cc, back, (u8)(1 - back)};
    return goes_back(ctx->lower, back) && (cc == INTCC_ne || cc == INTCC_slt || cc == INTCC_ult);
}

bool pul_loop_condition(PulContext *ctx, IntCC cc, LoopCond *out)
{
    return loop_condition(ctx, cc, out);
}

bool pul_loop_condition_swapped(PulContext *ctx, IntCC cc, LoopCond *out)
{
    return loop_condition(ctx, dv_intcc_swap(cc), out);
}

bool pul_other_value(PulContext *ctx, Value a, Value b, Value *out)
{
    *out = b;
    return ctx->lower->roots[a.id] != ctx->lower->roots[b.id];
}

static Done count(PulContext *ctx, Value value, VReg reg)
{
    dv_lower_absorb(ctx->lower, dv_lower_def(ctx->lower, value), value_reg(reg));
    return 0;
}

Done pul_counted32(PulContext *ctx, Value value, R32 reg)
{
    return count(ctx, value, reg);
}

Done pul_counted64(PulContext *ctx, Value value, R64 reg)
{
    return count(ctx, value, reg);
}

/* ---- helpers ---------------------------------------------------------------------------------------------------- */

enum { HELPER_SLOTS_MAX = 6 };

static Regs2 call_helper(PulContext *ctx, Helper helper, const Value *values, u32 count)
{
    VReg args[HELPER_SLOTS_MAX], results[2];
    u32 slots = 0;
    for (u32 i = 0; i < count; i++) {
        ValueRegs regs = dv_lower_use(ctx->lower, values[i]);
        for (u32 j = 0; j < value_regs_count(regs); j++) {
            CHECK(slots < HELPER_SLOTS_MAX);
            args[slots++] = regs.regs[j];
        }
    }
    ASSERT(slots == dv_pulley_helpers[helper].args);
    u32 num_results = dv_pulley_helpers[helper].results;
    dv_pul_call_helper(ctx, helper, args, slots, results, num_results);
    return (Regs2){results[0], num_results == 2 ? results[1] : VREG_NONE};
}

Slot pul_help(PulContext *ctx, Helper helper, Value x)
{
    return call_helper(ctx, helper, (const Value[]){x}, 1).lo;
}

R128 pul_help_two(PulContext *ctx, Helper helper, Value x)
{
    return call_helper(ctx, helper, (const Value[]){x}, 1);
}

Slot pul_help2(PulContext *ctx, Helper helper, Value x, Value y)
{
    return call_helper(ctx, helper, (const Value[]){x, y}, 2).lo;
}

R128 pul_help2_two(PulContext *ctx, Helper helper, Value x, Value y)
{
    return call_helper(ctx, helper, (const Value[]){x, y}, 2);
}

Slot pul_help3(PulContext *ctx, Helper helper, Value x, Value y, Value z)
{
    return call_helper(ctx, helper, (const Value[]){x, y, z}, 3).lo;
}

R128 pul_help3_two(PulContext *ctx, Helper helper, Value x, Value y, Value z)
{
    return call_helper(ctx, helper, (const Value[]){x, y, z}, 3);
}

R128 pul_help_slot_two(PulContext *ctx, Helper helper, Slot x)
{
    VReg results[2];
    ASSERT(dv_pulley_helpers[helper].args == 1 && dv_pulley_helpers[helper].results == 2);
    dv_pul_call_helper(ctx, helper, &x, 1, results, 2);
    return (R128){results[0], results[1]};
}

/* ---- memory, entities, addresses --------------------------------------------------------------------------------------- */

bool pul_foreign(PulContext *ctx, MemFlags flags, MemFlags *out)
{
    *out = flags;
    return (flags & (ctx->isa->big_endian ? FLAG_LITTLE : FLAG_BIG)) != 0;
}

HeapEnd pul_heap_end(PulContext *ctx, WasmMemory memory, u64 offset, u64 size)
{
    const WasmMemoryData *data = &vec_at(&ctx->func->memories, memory.id);
    if (data->index != 0 || offset > UINT32_MAX - size) {
        return (HeapEnd){.kind = HeapEnd_General};
    }
    u32 end = (u32)(offset + size);
    if (data->index_type == TYPE_I64) {
        return (HeapEnd){.kind = HeapEnd_Long, .as.Long = {end}};
    }
    return (HeapEnd){.kind = HeapEnd_Short, .as.Short = {end}};
}

/* The operands of an instruction that gives the value to one user only. */
static bool only_operands(PulContext *ctx, Value value, Op op, Value *x, Value *y)
{
    Inst inst = dv_lower_def(ctx->lower, value);
    Value same;
    if (inst.id == ENTITY_NONE || dv_inst_const(ctx->func, inst)->op != op ||
        !pul_only_use(ctx, value, &same)) {
        return false;
    }
    *x = dv_term_value(ctx->lower->func, inst, 0);
    *y = dv_term_value(ctx->lower->func, inst, 1);
    return true;
}

bool pul_heap_sum(PulContext *ctx, Value index, u32 end, HeapSum *out)
{
    Value x, y;
    i32 i;
    if (!only_operands(ctx, index, OP_iadd, &x, &y)) {
        return false;
    }
    if (pul_const_i32(ctx, y, &i)) {
        *out = (HeapSum){.kind = HeapSum_Constant, .as.Constant = {x, (u8)end, i}};
        return end <= UINT8_MAX;
    }
    *out = (HeapSum){.kind = HeapSum_Slots, .as.Slots = {x, y}};
    return !pul_const_i32(ctx, x, &i);
}

bool pul_heap_fixed(PulContext *ctx, Value index, u32 end, u32 *out)
{
    u64 i = 0;
    bool is_const = pul_const_u64(ctx, index, &i);
    *out = (u32)(i + end);
    return is_const && i + end <= UINT32_MAX;
}

bool pul_heap_scaled(PulContext *ctx, Value index, u32 end, u32 size, HeapScaled *out)
{
    Value x, y, shifted, amount;
    i64 n;
    i32 i;
    if (end != size || !only_operands(ctx, index, OP_iadd, &x, &y) || !pul_const_i32(ctx, y, &i) ||
        !only_operands(ctx, x, OP_ishl, &shifted, &amount) || !pul_const_i64(ctx, amount, &n)) {
        return false;
    }
    *out = (HeapScaled){shifted, (u32)n & 31, i};
    return true;
}

u64 pul_upper_offset(PulContext *ctx, WasmMemory memory, u64 offset)
{
    (void)ctx;
    (void)memory;
    return offset > UINT64_MAX - 8 ? UINT64_MAX : offset + 8;
}

u32 pul_wasm_func_number(PulContext *ctx, WasmFunc func)
{
    (void)ctx;
    return func.id;
}

u32 pul_func_ref_number(PulContext *ctx, FuncRef func)
{
    (void)ctx;
    return func.id;
}

u32 pul_symbol_number(PulContext *ctx, GlobalValue gv)
{
    CHECK(vec_at(&ctx->func->global_values, gv.id).kind == GV_SYMBOL);
    return gv.id;
}

i64 pul_symbol_offset(PulContext *ctx, GlobalValue gv)
{
    return vec_at(&ctx->func->global_values, gv.id).offset;
}

/* Alignments beyond that of a frame, 16, are made at the place of use, from a slot that has room for it. What is outside
 * of the slot may be outside of the frame, so that the offset is added. */
R64 pul_stack_address(PulContext *ctx, StackSlot slot, Offset32 offset)
{
    const StackSlotData *data = &vec_at(&ctx->func->slots, slot.id);
    u32 align = data->align_bytes;
    bool is_place = align <= 16 && offset >= 0 && (u32)offset < data->size_bytes;
    u64 place = pul_place(PLACE_STACK_SLOT, slot.id, is_place ? (u32)offset : 0);
    VReg address = inst_1(ctx, PULLEY_stack_addr, &place, 1);
    if (align > 16) {
        address = inst_1(ctx, PULLEY_xadd64_i32, (const u64[]){address.id, align - 16}, 2);
        address = inst_1(ctx, PULLEY_xband64_i32, (const u64[]){address.id, 0 - (u64)align}, 2);
    }
    if (is_place || offset == 0) {
        return address;
    }
    return inst_1(ctx, PULLEY_xadd64_i32, (const u64[]){address.id, (u64)(i64)offset}, 2);
}

/* An instruction uses up so much at once; so many of them are more than any code asks for. */
Done pul_use_fuel(PulContext *ctx, u64 n)
{
    enum { FUEL_MAX = (1 << 24) - 1, FUEL_INSTS = 512 };
    if (n / FUEL_MAX > FUEL_INSTS) {
        dv_lower_error(ctx->lower, ctx->lower->current, "more than %llu units of fuel at once",
                       (unsigned long long)FUEL_MAX * FUEL_INSTS);
        return 0;
    }
    do {
        u64 some = n < FUEL_MAX ? n : FUEL_MAX;
        pul_inst_Done(ctx, PULLEY_fuel, &some, 1);
        n -= some;
    } while (n > 0);
    return 0;
}
