/* help.c - what the `expand` rules ask and build beyond the operations themselves: see types.isle for
 * each. */
#include "base/bytes.h"
#include "codegen/opt/graph.h"

#include <expand_rules.h>

/* ---- types ---- */

Type dv_legal_type_of(Legal *l, Value x)
{
    return dv_value_type(l->f, x);
}

Type dv_legal_as_int(Legal *l, Type type)
{
    (void)l;
    return type_int(type_bits(type));
}

Type dv_legal_half(Legal *l, Type type)
{
    (void)l;
    return type_int(type_bits(type) / 2);
}

Type dv_legal_double(Legal *l, Type type)
{
    (void)l;
    return type_int(type_bits(type) * 2);
}

u64 dv_legal_width(Legal *l, Type type)
{
    (void)l;
    return type_bits(type);
}

/* ---- what the target covers ---- */

/* The smallest integer type above this many bits, of those up to i64, that the target covers the operation
 * on. */
static bool find_wider(const Legal *l, u32 op, u32 bits, Type open, Type *out)
{
    for (bits *= 2; bits <= 64; bits *= 2) {
        if (dv_legal_covers(l, op, type_int(bits), open)) {
            *out = type_int(bits);
            return true;
        }
    }
    return false;
}

bool dv_legal_wider(Legal *l, Type *out)
{
    const InstData *d = dv_inst_const(l->f, l->at);
    u32 open = dv_legal_open_operand((Op)d->op);
    u32 bits = type_bits(d->type);
    Type type =
        open == OP_MAX_OPERANDS ? TYPE_NONE : dv_value_type(l->f, dv_term_value(l->f, l->at, open));
    return find_wider(l, d->op, bits, type, out) ||
           (!dv_legal_covers(l, OP_iadd, type_int(bits), TYPE_NONE) &&
            find_wider(l, OP_iadd, bits, TYPE_NONE, out));
}

Type dv_legal_word(Legal *l, Type type)
{
    Type out;
    return find_wider(l, OP_iadd, type_bits(type), TYPE_NONE, &out) ? out
                                                                    : type_int(type_bits(type) * 2);
}

Type dv_legal_wide(Legal *l)
{
    Type out;
    return dv_legal_wider(l, &out) ? out : dv_legal_word(l, dv_inst_const(l->f, l->at)->type);
}

/* True if the target covers the instruction at work with this type of its open operand. */
static bool covers_open(const Legal *l, u32 open, Type type)
{
    const InstData *d = dv_inst_const(l->f, l->at);
    TypeSpec spec = (TypeSpec)dv_ops[d->op].operands[open];
    return dv_typespec_matches(spec, d->type, type) && dv_legal_covers(l, d->op, d->type, type);
}

/* Another type for the open operand of the instruction at work, of up to 64 bits: the next one above, else
 * below. */
static bool find_open(const Legal *l, bool is_wider, Type *out)
{
    u32 open = dv_legal_open_operand((Op)dv_inst_const(l->f, l->at)->op);
    u32 lane = type_lane(dv_value_type(l->f, dv_term_value(l->f, l->at, open)));
    u32 first = lane <= LANE_I128 ? LANE_I8 : LANE_F16;
    u32 last = lane <= LANE_I128 ? LANE_I64 : LANE_F64;
    for (u32 k = lane + 1; k <= last; k++) {
        if (covers_open(l, open, (Type)k)) {
            *out = (Type)k;
            return true;
        }
    }
    for (u32 k = lane; k-- > first && !is_wider;) {
        if (covers_open(l, open, (Type)k)) {
            *out = (Type)k;
            return true;
        }
    }
    return false;
}

bool dv_legal_open_type(Legal *l, Type *out)
{
    return find_open(l, false, out);
}

bool dv_legal_open_wider(Legal *l, Type *out)
{
    return find_open(l, true, out);
}

static bool loads_from(const Legal *l, Type address)
{
    return l->target->covers(OP_load, TYPE_I32, address) ||
           l->target->covers(OP_load, TYPE_I64, address);
}

bool dv_legal_other_address(Legal *l, Type *out)
{
    u32 open = dv_legal_open_operand((Op)dv_inst_const(l->f, l->at)->op);
    Type type = dv_value_type(l->f, dv_term_value(l->f, l->at, open));
    *out = type == TYPE_I32 ? TYPE_I64 : TYPE_I32;
    return !loads_from(l, type) && loads_from(l, *out);
}

#define HAS(op) \
    bool dv_legal_has_##op(Legal *l, Type type) \
    { \
        return dv_legal_covers(l, OP_##op, type, TYPE_NONE); \
    }
HAS(udiv)
HAS(sdiv)

/* The smallest type of at least 16 bits that the target covers an extending access on; the address is that
 * of the access at work. */
static bool find_access(const Legal *l, u32 op, u32 bits, Type *out)
{
    const InstData *d = dv_inst_const(l->f, l->at);
    u32 open = dv_legal_open_operand((Op)d->op);
    return find_wider(l, op, bits, dv_value_type(l->f, dv_term_value(l->f, l->at, open)), out);
}

#define ACCESS(op, bits) \
    bool dv_legal_type_for_##op(Legal *l, Type *out) \
    { \
        return find_access(l, OP_##op, bits, out); \
    }
ACCESS(uload8, 8)
ACCESS(uload16, 16)
ACCESS(uload32, 32)
ACCESS(istore8, 8)
ACCESS(istore16, 16)
ACCESS(istore32, 32)
ACCESS(heap_uload8, 8)
ACCESS(heap_uload16, 16)
ACCESS(heap_uload32, 32)
ACCESS(heap_istore8, 8)
ACCESS(heap_istore16, 16)
ACCESS(heap_istore32, 32)

/* ---- results ---- */

Results dv_legal_one(Legal *l, Value x)
{
    (void)l;
    return (Results){.count = 1, .values = {x}};
}

Results dv_legal_two(Legal *l, Value x, Value y)
{
    (void)l;
    return (Results){.count = 2, .values = {x, y}};
}

Results dv_legal_results_of(Legal *l, Inst i)
{
    Results results = {.count = dv_inst_const(l->f, i)->num_results};
    for (u32 n = 0; n < results.count; n++) {
        results.values[n] = dv_inst_result(l->f, i, n);
    }
    return results;
}

Results dv_legal_replace(Legal *l, u32 n, Value x)
{
    InstData *d = dv_inst(l->f, l->at);
    dv_inst_args_mut(l->f, l->at)[n] = x.id;
    if (dv_ops[d->op].operands[n] == TS_T) {
        d->type = dv_value_type(l->f, x);
    }
    return (Results){.is_kept = true};
}

/* ---- integers ---- */

Value dv_legal_k(Legal *l, Type type, u64 x)
{
    if (type == TYPE_I128) {
        Value lo = dv_legal_k(l, TYPE_I64, x);
        return dv_legal_make_iconcat(l, TYPE_I64, lo, dv_legal_k(l, TYPE_I64, 0));
    }
    u32 bits = type_bits(type);
    return dv_legal_make_iconst(l, type, bits == 64 ? x : x & (((u64)1 << bits) - 1));
}

Value dv_legal_bytes(Legal *l, Type type, u64 byte)
{
    u64 word = byte * UINT64_C(0x0101010101010101);
    if (type == TYPE_I128) {
        Value half = dv_legal_k(l, TYPE_I64, word);
        return dv_legal_make_iconcat(l, TYPE_I64, half, half);
    }
    return dv_legal_k(l, type, word);
}

static const Halves *halves_of(Legal *l, Value x)
{
    Func *f = l->f;
    Block block = dv_inst_block(f, l->at);
    x = dv_value_resolve(f, x);
    if (x.id >= l->halves.len) {
        vec_extend(l->scratch, &l->halves, (usize)f->values.len - l->halves.len);
    }
    Halves *found = &vec_at(&l->halves, x.id);
    const ValueData *def = &vec_at(&f->values, x.id);
    if (found->present && found->block.id == block.id) {
        return found;
    }
    *found = (Halves){true, block, {0}, {0}};
    if (def->kind == VALUE_RESULT && dv_inst_const(f, (Inst){def->def})->op == OP_iconcat) {
        found->lo = dv_term_value(f, (Inst){def->def}, 0);
        found->hi = dv_term_value(f, (Inst){def->def}, 1);
    } else {
        Inst split = dv_legal_make_isplit(l, TYPE_I128, x);
        found->lo = dv_inst_result(f, split, 0);
        found->hi = dv_inst_result(f, split, 1);
    }
    return found;
}

Value dv_legal_lo(Legal *l, Value x)
{
    return halves_of(l, x)->lo;
}

Value dv_legal_hi(Legal *l, Value x)
{
    return halves_of(l, x)->hi;
}

static Value resize(Legal *l, Type type, Value x, bool is_signed)
{
    Type from = dv_value_type(l->f, x);
    if (from == TYPE_I128 && type != TYPE_I128) {
        x = dv_legal_lo(l, x);
        from = TYPE_I64;
    }
    if (from == type) {
        return x;
    }
    if (type_bits(type) < type_bits(from)) {
        return dv_legal_make_ireduce(l, type, x);
    }
    return is_signed ? dv_legal_make_sextend(l, type, x) : dv_legal_make_uextend(l, type, x);
}

Value dv_legal_uext(Legal *l, Type type, Value x)
{
    return resize(l, type, x, false);
}

Value dv_legal_sext(Legal *l, Type type, Value x)
{
    return resize(l, type, x, true);
}

bool dv_legal_is_signed(Legal *l, IntCC cc)
{
    (void)l;
    return cc == INTCC_slt || cc == INTCC_sle || cc == INTCC_sgt || cc == INTCC_sge;
}

IntCC dv_legal_unsigned_cc(Legal *l, IntCC cc)
{
    (void)l;
    switch (cc) {
    case INTCC_slt:
        return INTCC_ult;
    case INTCC_sle:
        return INTCC_ule;
    case INTCC_sgt:
        return INTCC_ugt;
    case INTCC_sge:
        return INTCC_uge;
    default:
        return cc;
    }
}

/* ---- numbers in operands ---- */

#define NUMBER(name, T) \
    u64 dv_legal_##name(Legal *l, T x) \
    { \
        (void)l; \
        return x; \
    }
NUMBER(number, Imm64)
NUMBER(ieee16, Ieee16)
NUMBER(ieee32, Ieee32)
NUMBER(ieee64, Ieee64)

/* ---- floats ---- */

Value dv_legal_bits_of(Legal *l, Value x)
{
    Type type = type_int(type_bits(dv_value_type(l->f, x)));
    return dv_legal_make_bitcast(l, type, 0, x);
}

Value dv_legal_float_of(Legal *l, Type type, Value x)
{
    return dv_legal_make_bitcast(l, type, 0, x);
}

Value dv_legal_sign_bit(Legal *l, Type type)
{
    Type bits = type_int(type_bits(type));
    u64 top = (u64)1 << ((type_bits(type) - 1) % 64);
    if (bits == TYPE_I128) {
        Value lo = dv_legal_k(l, TYPE_I64, 0);
        return dv_legal_make_iconcat(l, TYPE_I64, lo, dv_legal_k(l, TYPE_I64, top));
    }
    return dv_legal_k(l, bits, top);
}

Value dv_legal_power(Legal *l, Type type, i32 n)
{
    if (type == TYPE_F32) {
        return dv_legal_make_f32const(l, type, (u32)(n + 127) << 23);
    }
    ASSERT(type == TYPE_F64);
    return dv_legal_make_f64const(l, type, (u64)(n + 1023) << 52);
}

Imm64 dv_legal_constant_half(Legal *l, Constant constant, u32 which)
{
    u8 bytes[16];
    dv_constant_read(l->f, constant.id, bytes, sizeof bytes);
    return load_le64(bytes + 8 * which);
}

/* ---- memory ---- */

static bool is_big(const Legal *l, MemFlags flags)
{
    return (flags & FLAG_BIG) != 0 || (l->target->big_endian && (flags & FLAG_LITTLE) == 0);
}

bool dv_legal_low_first(Legal *l, MemFlags flags)
{
    return !is_big(l, flags);
}

bool dv_legal_is_foreign(Legal *l, MemFlags flags)
{
    return is_big(l, flags) != l->target->big_endian;
}

MemFlags dv_legal_native(Legal *l, MemFlags flags)
{
    (void)l;
    return (MemFlags)(flags & ~(FLAG_LITTLE | FLAG_BIG));
}

static bool fits_after(Offset32 offset)
{
    return offset <= INT32_MAX - 8;
}

Value dv_legal_address_after(Legal *l, Value address, Offset32 offset)
{
    if (fits_after(offset)) {
        return address;
    }
    Type type = dv_value_type(l->f, address);
    return dv_legal_make_iadd(l, type, address, dv_legal_k(l, type, (u64)offset + 8));
}

Offset32 dv_legal_offset_after(Legal *l, Offset32 offset)
{
    (void)l;
    return fits_after(offset) ? offset + 8 : 0;
}

/* An offset that would pass 2^64 is out of bounds as it is. */
u64 dv_legal_heap_after(Legal *l, u64 offset)
{
    (void)l;
    return offset > UINT64_MAX - 8 ? UINT64_MAX : offset + 8;
}

Results dv_legal_move_address(Legal *l, u32 n, Type type)
{
    Value address = dv_term_value(l->f, l->at, n);
    Type from = dv_value_type(l->f, address);
    i32 offset = (i32)dv_inst_const(l->f, l->at)->imm[0]; /* 0 where the format has none */
    if (offset != 0) {
        address = dv_legal_make_iadd(l, from, address, dv_legal_k(l, from, (u64)(i64)offset));
        dv_inst(l->f, l->at)->imm[0] = 0;
    }
    return dv_legal_replace(l, n, dv_legal_uext(l, type, address));
}

bool dv_legal_is_bitwise(Legal *l, RmwOp op)
{
    (void)l;
    return op == RMW_and || op == RMW_nand || op == RMW_or || op == RMW_xor || op == RMW_xchg;
}
