/* gen_inst.c - one instruction by its row of the operation tables.
 *
 * The row's format says how it is spelled, each letter an operand; the row tells the types. So a new row is generated
 * as soon as it is in the table. What cannot be just any value is planned before: addresses and ranges, mostly
 * inside of what they reach into and often at its end; operands of what traps, mostly such that it does not;
 * shift amounts around the width. Only functions that dare leave a guard out now and then.
 *
 * Plain memory is two stack slots. In slot 0 each width has cells of its own, so that accesses that do not
 * name a byte order mean the same in both. Accesses to slot 1 name theirs and overlap freely.
 */
#include <stdio.h>

#include "base/bytes.h"
#include "codegen/ir/eval_internal.h"
#include "codegen/ir/print.h"
#include "tools/gen_internal.h"

enum { KIND_VALUE, KIND_BITS, KIND_ENGINE, KIND_REF };
enum { WEIGHT = 8, CELL = 16, CELL_COPY = 80, LARGE_CELL = 160, WINDOW = 192 };

typedef struct GenOp {
    u16 op;
    u8 weight, kind;
    const char *reason;
} GenOp;

static const GenOp special_ops[] = {
#define GEN_OP(op, weight, kind, reason) {OP_##op, weight, KIND_##kind, reason},
#include "tools/gen.def"
};

static const GenOp *find_special(Op op)
{
    for (u32 i = 0; i < ARRAY_LEN(special_ops); i++) {
        if (special_ops[i].op == op) {
            return &special_ops[i];
        }
    }
    return NULL;
}

u32 dv_gen_weight(Op op)
{
    const GenOp *special = find_special(op);
    return special == NULL ? WEIGHT : special->weight;
}

const char *dv_gen_reason(Op op)
{
    const GenOp *special = find_special(op);
    return special == NULL ? "" : special->reason;
}

static u32 kind_of(Op op)
{
    const GenOp *special = find_special(op);
    return special == NULL ? KIND_VALUE : special->kind;
}

/* ---- Types ---- */

static Type min_index(Type a, Type b)
{
    return a == TYPE_I32 || b == TYPE_I32 ? TYPE_I32 : TYPE_I64;
}

/* The only type that the spec allows here; TYPE_NONE if there are several. */
static Type spec_type(const Gen *g, TypeSpec spec)
{
    const u32 *e = g->plan.entities;
    switch (spec) {
    case TS_heap:
        return dv_gen_heap_index(e[0]);
    case TS_heap2:
        return dv_gen_heap_index(e[1]);
    case TS_heapmin:
        return min_index(dv_gen_heap_index(e[0]), dv_gen_heap_index(e[1]));
    case TS_table:
        return dv_gen_table_index(e[0]);
    case TS_table2:
        return dv_gen_table_index(e[1]);
    case TS_tablemin:
        return min_index(dv_gen_table_index(e[0]), dv_gen_table_index(e[1]));
    case TS_addr:
        return dv_gen_address(g);
    default:
        return dv_typespec_type(spec, g->type);
    }
}

/* One that the spec allows; TYPE_NONE if none does. */
static Type choose_type(Gen *g, TypeSpec spec)
{
    Type type, fit[64];
    u32 count = 0;
    for (u32 n = 0; (type = dv_gen_type(g, n)) != TYPE_NONE; n++) {
        if (dv_typespec_matches(spec, g->type, type)) {
            fit[count++] = type;
        }
    }
    return count == 0 ? TYPE_NONE : fit[dv_gen_choose(g, count)];
}

static bool can_fit(const Gen *g, TypeSpec spec)
{
    Type type = spec_type(g, spec);
    if (type != TYPE_NONE) {
        return g->options->vectors || !type_is_vector(type);
    }
    for (u32 n = 0; (type = dv_gen_type(g, n)) != TYPE_NONE; n++) {
        if (dv_typespec_matches(spec, g->type, type)) {
            return true;
        }
    }
    return false;
}

/* Whether every operand and result has a type under this controlling type. */
static bool type_is_usable(Gen *g, Op op, Type type)
{
    const OpInfo *info = &dv_ops[op];
    g->type = type;
    for (u32 i = 0; i < info->num_operands; i++) {
        if (!can_fit(g, (TypeSpec)info->operands[i])) {
            return false;
        }
    }
    for (u32 i = 0; i < info->num_results; i++) {
        if (!can_fit(g, (TypeSpec)info->results[i])) {
            return false;
        }
    }
    return true;
}

static bool is_global_format(Format format)
{
    return format == FORMAT_GLOBAL_GET || format == FORMAT_GLOBAL_SET;
}

static bool has_global(const Gen *g, Type type)
{
    for (u32 i = 0; i < dv_gen_num_globals(g); i++) {
        if (dv_gen_global_type(i) == type) {
            return true;
        }
    }
    return false;
}

/* Sets the controlling type; false if there is none. */
static bool choose_controlling_type(Gen *g, Op op)
{
    const OpInfo *info = &dv_ops[op];
    Type type, fit[64];
    u32 count = 0;
    if (info->set == SET_None) {
        return type_is_usable(g, op, TYPE_NONE);
    }
    for (u32 n = 0; (type = dv_gen_type(g, n)) != TYPE_NONE; n++) {
        bool good = dv_typeset_has(info->set, type) && type_is_usable(g, op, type) &&
                    (info->set != SET_addr || type == dv_gen_address(g)) &&
                    (!is_global_format(info->format) || has_global(g, type));
        if (good) {
            fit[count++] = type;
        }
    }
    g->type = count == 0 ? TYPE_NONE : fit[dv_gen_choose(g, count)];
    return count != 0;
}

/* ---- Guards ---- */

static bool dares(Gen *g)
{
    return g->daring && dv_gen_chance(g, 12);
}

static u32 emit2(Gen *g, const char *op, Type type, u32 x, u32 y)
{
    char name[16];
    return dv_gen_emit(g, "%s.%s v%u, v%u", op, dv_type_name(type, name), (unsigned)x, (unsigned)y);
}

/* A value with all but these bits cleared. */
static u32 masked(Gen *g, Type type, u64 mask)
{
    u32 x = dv_gen_value(g, type, false);
    return emit2(g, "band", type, x, dv_gen_int(g, type, mask));
}

static u32 odd(Gen *g, Type type)
{
    u32 x = dv_gen_value(g, type, false);
    return emit2(g, "bor", type, x, dv_gen_int(g, type, 1));
}

static u32 halved(Gen *g, Type type)
{
    u32 x = dv_gen_value(g, type, false);
    return emit2(g, "ushr", type, x, dv_gen_int(g, TYPE_I8, 1));
}

static u32 divisor(Gen *g, Type type)
{
    U128 x = dv_gen_corner_int(g, type_bits(type));
    if (dv_gen_choose(g, 2) == 0) {
        return dv_gen_const(g, type, dv_u128_is_zero(x) ? (U128){7, 0} : x);
    }
    u32 y = halved(g, type); /* odd and positive: neither 0 nor -1 */
    return emit2(g, "bor", type, y, dv_gen_int(g, type, 1));
}

static u32 with_sign(Gen *g, Type type, U128 x)
{
    u32 sign = type_bits(type) - 1;
    U128 minus = sign < 64 ? (U128){(u64)1 << sign, 0} : (U128){0, (u64)1 << (sign - 64)};
    return dv_gen_const(g, type, dv_u128_or(x, minus));
}

/* A float whose integral part fits into the integer type. */
static u32 convertible(Gen *g, Type from)
{
    char name[16];
    bool is_signed = g->op == OP_fcvt_to_sint;
    i32 bits = (i32)type_bits(g->type) - (is_signed ? 1 : 0);
    dv_type_name(from, name);
    switch (dv_gen_choose(g, 5)) {
    case 0:
        return dv_gen_const(g, from, dv_gen_power_of_two(from, bits, -1));
    case 1: /* the least, or just above -1 */
        return with_sign(g, from,
                         is_signed ? dv_gen_power_of_two(from, bits, from == TYPE_F16 ? -1 : 0)
                                   : dv_gen_power_of_two(from, 0, -1));
    case 2:
        return dv_gen_const(g, from, dv_gen_power_of_two(from, -(i32)dv_gen_choose(g, 12), 1));
    default:
        break;
    }
    u32 x = dv_gen_emit(g, "fcvt_from_uint.%s v%u", name, (unsigned)halved(g, TYPE_I8));
    if (is_signed && dv_gen_choose(g, 2) == 0) {
        x = dv_gen_emit(g, "fneg.%s v%u", name, (unsigned)x);
    }
    if (dv_gen_choose(g, 2) == 0) {
        x = emit2(g, "fmul", from, x, dv_gen_const(g, from, dv_gen_power_of_two(from, -1, 1)));
    }
    return x;
}

/* Operands of an operation on values alone that let it go through. */
static void plan_tame(Gen *g)
{
    const OpInfo *info = &dv_ops[g->op];
    u32 *fixed = g->plan.fixed;
    switch (g->op) {
    case OP_udiv:
    case OP_sdiv:
    case OP_urem:
    case OP_srem:
        fixed[1] = divisor(g, g->type);
        break;
    case OP_fcvt_to_uint:
    case OP_fcvt_to_sint:
        fixed[0] = convertible(g, choose_type(g, (TypeSpec)info->operands[0]));
        break;
    case OP_uadd_overflow_trap:
        fixed[0] = halved(g, g->type);
        fixed[1] = halved(g, g->type);
        break;
    case OP_trapz:
        fixed[0] = odd(g, g->type);
        break;
    case OP_trapnz: {
        u32 x = dv_gen_value(g, g->type, false);
        fixed[0] = emit2(g, "bxor", g->type, x, x);
        break;
    }
    default: /* a new one: 1 is harmless mostly */
        for (u32 i = 0; i < info->num_operands; i++) {
            Type type = spec_type(g, (TypeSpec)info->operands[i]);
            fixed[i] = type == TYPE_NONE ? ENTITY_NONE : dv_gen_int(g, type, 1);
        }
        break;
    }
}

/* All ones or zeros. */
static u32 make_mask(Gen *g, Type type)
{
    char name[16];
    Type from, bits = type_int(type_bits(type));
    u32 x = dv_gen_int_value(g, &from);
    if (type_is_vector(type)) {
        return dv_gen_value(g, type, true);
    }
    u32 mask = dv_gen_emit(g, "bmask.%s v%u", dv_type_name(bits, name), (unsigned)x);
    return type == bits
               ? mask
               : dv_gen_emit(g, "bitcast.%s v%u", dv_type_name(type, name), (unsigned)mask);
}

static u32 shift_amount(Gen *g)
{
    Type type = dv_gen_int_type(g);
    u32 bits = type_lane_bits(g->type);
    const u32 corners[] = {0, 1, bits - 1, bits, bits + 1, 2 * bits, bits / 2, 255};
    if (dv_gen_choose(g, 2) == 0) {
        return dv_gen_int(g, type, corners[dv_gen_choose(g, ARRAY_LEN(corners))]);
    }
    return dv_gen_value(g, type, false);
}

/* ---- Plain memory ---- */

static bool is_heap_format(Format format)
{
    const char *s = dv_formats[format].spelling;
    return s[0] == 'm' && strchr(s, '@') != NULL;
}

static u32 access_bytes(const Gen *g)
{
    const OpInfo *info = &dv_ops[g->op];
    InstData d = {.op = (u16)g->op, .type = g->type};
    Type result =
        info->num_results == 0 ? g->type : dv_typespec_type((TypeSpec)info->results[0], g->type);
    switch (info->format) {
    case FORMAT_LOAD:
    case FORMAT_STORE:
    case FORMAT_HEAP_LOAD:
    case FORMAT_HEAP_STORE:
        return dv_eval_access_size(&d, result);
    case FORMAT_HEAP_LANE:
        return type_lane_bits(g->type) / 8;
    case FORMAT_HEAP_NOTIFY:
        return 4;
    default:
        return type_bytes(g->type);
    }
}

/* Where an access in a slot goes: the address is that of the slot, plus what is computed, plus `at`. */
typedef struct SlotPlace {
    u32 slot, at, computed;
    const char *order;
    bool is_aligned;
} SlotPlace;

static SlotPlace choose_place(Gen *g, u32 size, bool aligned)
{
    SlotPlace p = {0, LARGE_CELL, ENTITY_NONE, "", true};
    Type address = dv_gen_address(g);
    bool computes = dv_gen_choose(g, 3) == 0;
    if (size <= 16 && dv_gen_choose(g, 2) == 0) {
        u32 mask = computes ? (aligned ? 16 : 31) : 0;
        p.slot = 1;
        p.order = dv_gen_choose(g, 2) == 0 ? "little " : "big ";
        p.at = dv_gen_choose(g, 4) == 3 ? GEN_SLOT_BYTES - mask - size
                                        : dv_gen_choose(g, GEN_SLOT_BYTES - mask - size + 1);
        p.at -= aligned ? p.at % size : 0;
        p.is_aligned = aligned;
        p.computed = computes ? masked(g, address, mask) : ENTITY_NONE;
    } else if (size <= 16) {
        p.at = CELL * dv_ctz32(size);
        if (computes) {
            u32 which = masked(g, address, 1);
            p.computed = emit2(g, "imul", address, which, dv_gen_int(g, address, CELL_COPY));
        } else {
            p.at += dv_gen_choose(g, 2) * CELL_COPY;
        }
    }
    return p;
}

static void plan_flags(Gen *g, const SlotPlace *p)
{
    static const char *const some[] = {"", "", "notrap ", "user7 ", "can_move "};
    static const char *const regions[] = {"", "region0 ", "", "region1 "};
    bool says_aligned = p->is_aligned && dv_gen_choose(g, 2) == 1;
    const char *region = regions[p->slot * 2 + dv_gen_choose(g, 2)];
    snprintf(g->plan.flags, sizeof g->plan.flags, "%s%s%s%s",
             some[dv_gen_choose(g, ARRAY_LEN(some))], says_aligned ? "aligned " : "", p->order,
             region);
}

/* `n` is the operand that is the address. */
static void plan_plain(Gen *g, u32 n)
{
    char name[16];
    const OpInfo *info = &dv_ops[g->op];
    SlotPlace p = choose_place(g, access_bytes(g), (info->effects & FX_OTHER) != 0);
    u32 base = p.at;
    if (strchr(dv_formats[info->format].spelling, '+') != NULL) {
        u32 end = p.slot == 0 ? GEN_SLOT_CELLS : GEN_SLOT_BYTES;
        base = dv_gen_choose(g, 3) == 0 ? p.at : dv_gen_choose(g, end);
    }
    g->plan.offset = (i64)p.at - (i64)base;
    dv_type_name(dv_gen_address(g), name);
    u32 address = dv_gen_emit(g, "stack_addr.%s ss%u+%u", name, (unsigned)p.slot, (unsigned)base);
    if (p.computed != ENTITY_NONE) {
        address = emit2(g, "iadd", dv_gen_address(g), address, p.computed);
    }
    g->plan.fixed[n] = address;
    plan_flags(g, &p);
}

/* ---- Memories ---- */

/* Past the end, by one or by far; or, of atomics, not aligned. */
static void plan_out_of_bounds(Gen *g, u32 n, u32 size)
{
    Type index = dv_gen_heap_index(g->plan.entities[0]);
    u64 bytes = dv_gen_heap_bytes(g->plan.entities[0]);
    u64 most = index == TYPE_I32 ? UINT32_MAX : UINT64_MAX;
    switch (dv_gen_choose(g, 5)) {
    case 0:
        g->plan.fixed[n] = dv_gen_int(g, index, bytes - size + 1);
        break;
    case 1:
        g->plan.fixed[n] = dv_gen_int(g, index, most - dv_gen_choose(g, 20));
        g->plan.offset = (i64)dv_gen_choose(g, 32);
        break;
    case 2:
        g->plan.fixed[n] = dv_gen_int(g, index, dv_gen_choose(g, 32));
        g->plan.offset = (i64)(most - dv_gen_choose(g, 20));
        break;
    case 3:
        g->plan.fixed[n] = dv_gen_value(g, index, false);
        g->plan.offset = (i64)(most / 2 + dv_gen_choose(g, 3));
        break;
    default:
        g->plan.fixed[n] = dv_gen_int(g, index, 1);
        break;
    }
}

static void plan_heap(Gen *g, u32 n)
{
    bool aligned = (dv_ops[g->op].effects & FX_OTHER) != 0;
    u32 size = access_bytes(g), heap = dv_gen_choose(g, GEN_HEAPS);
    if (g->op == OP_heap_wait) {
        g->plan.fixed[2] = dv_gen_int(g, TYPE_I64, dv_gen_choose(g, 3)); /* nanoseconds */
        heap = dares(g) ? heap : 1;                                      /* the shared one */
    }
    g->plan.entities[0] = heap;
    Type index = dv_gen_heap_index(heap);
    u32 bytes = dv_gen_heap_bytes(heap), window = bytes < WINDOW ? bytes : WINDOW;
    if (dares(g)) {
        plan_out_of_bounds(g, n, size);
        return;
    }
    u32 how = dv_gen_choose(g, 4), mask = how == 3 ? (aligned ? 16 : 31) : 0;
    u32 at = how == 2 ? bytes - size - (dv_gen_choose(g, 2) == 0 ? 0 : dv_gen_choose(g, 16))
                      : dv_gen_choose(g, window - size - mask + 1);
    at -= aligned ? at % size : 0;
    u32 offset = dv_gen_choose(g, 3) == 0 ? 0 : dv_gen_choose(g, at + 1);
    if (how == 3) {
        offset = at;
        g->plan.fixed[n] = masked(g, index, mask);
    } else {
        g->plan.fixed[n] = dv_gen_int(g, index, at - offset);
    }
    g->plan.offset = offset;
}

/* A range in something of `total` units: small at the start, small at the end, or empty behind it. Total 0 is
 * a segment that may have been dropped. */
static void choose_range(Gen *g, u32 total, u32 *at, u32 *length)
{
    u32 small = total < 32 ? total / 2 : 16;
    if (total == 0) {
        *at = 0;
        *length = dares(g) ? 1 + dv_gen_choose(g, 4) : 0;
        return;
    }
    *length = dv_gen_choose(g, small + 1);
    switch (dv_gen_choose(g, 4)) {
    case 0:
        *at = total - *length;
        break;
    case 1:
        *at = total;
        *length = 0;
        break;
    default:
        *at = dv_gen_choose(g, small);
        break;
    }
    *at += dares(g) ? total : 0;
}

static u32 make_ref(Gen *g)
{
    u32 n = g->func + dv_gen_choose(g, g->num_funcs - g->func);
    if (!g->funcs[n].sig.is_wasm) {
        return dv_gen_int(g, TYPE_I32, 0);
    }
    return dv_gen_emit(g, "ref_func func%u", (unsigned)n);
}

static void plan_grow(Gen *g, u32 n, Type index)
{
    static const u64 counts[] = {0, 1, 2, 100, UINT32_MAX};
    g->plan.fixed[n] = dv_gen_choose(g, 2) == 0
                           ? masked(g, index, 1)
                           : dv_gen_int(g, index, counts[dv_gen_choose(g, ARRAY_LEN(counts))]);
}

static void fix_number(Gen *g, u32 n, u32 x)
{
    TypeSpec spec = (TypeSpec)dv_ops[g->op].operands[n];
    g->plan.fixed[n] = dv_gen_int(g, spec_type(g, spec), x);
}

/* (to, from, length): the length is the lesser of both ranges'. */
static void plan_copy(Gen *g, u32 to_total, u32 from_total)
{
    u32 to, from, length, other;
    choose_range(g, to_total, &to, &length);
    choose_range(g, from_total, &from, &other);
    fix_number(g, 0, to);
    fix_number(g, 1, from);
    fix_number(g, 2, length < other ? length : other);
}

static void plan_memory(Gen *g)
{
    u32 at, length, *e = g->plan.entities;
    e[0] = dv_gen_choose(g, GEN_HEAPS);
    switch (dv_ops[g->op].format) {
    case FORMAT_MEMORY_UNARY:
        plan_grow(g, 0, dv_gen_heap_index(e[0]));
        break;
    case FORMAT_MEMORY_FILL:
        choose_range(g, dv_gen_heap_bytes(e[0]), &at, &length);
        fix_number(g, 0, at);
        fix_number(g, 2, length);
        break;
    case FORMAT_MEMORY_COPY:
        e[1] = dv_gen_choose(g, GEN_HEAPS);
        plan_copy(g, dv_gen_heap_bytes(e[0]), dv_gen_heap_bytes(e[1]));
        break;
    case FORMAT_MEMORY_INIT:
        e[1] = dv_gen_choose(g, GEN_SEGMENTS);
        plan_copy(g, dv_gen_heap_bytes(e[0]), e[1] == 0 ? GEN_SEGMENT_SIZE : 0);
        break;
    default:
        break;
    }
}

/* Table 0 is for calls and stays as it is. */
static void plan_table(Gen *g)
{
    u32 at, length, *e = g->plan.entities;
    Format format = dv_ops[g->op].format;
    bool reads = format == FORMAT_TABLE || format == FORMAT_TABLE_UNARY;
    e[0] = reads ? dv_gen_choose(g, GEN_TABLES) : 1 + dv_gen_choose(g, GEN_TABLES - 1);
    choose_range(g, GEN_TABLE_SIZE - 1, &at, &length);
    switch (format) {
    case FORMAT_TABLE_UNARY:
        fix_number(g, 0, at);
        break;
    case FORMAT_TABLE_BINARY:
        if (g->op == OP_table_grow) {
            plan_grow(g, 1, dv_gen_table_index(e[0]));
            g->plan.fixed[0] = make_ref(g);
        } else {
            fix_number(g, 0, at);
            g->plan.fixed[1] = make_ref(g);
        }
        break;
    case FORMAT_TABLE_FILL:
        fix_number(g, 0, at);
        g->plan.fixed[1] = make_ref(g);
        fix_number(g, 2, length);
        break;
    case FORMAT_TABLE_COPY:
        e[1] = dv_gen_choose(g, GEN_TABLES);
        plan_copy(g, GEN_TABLE_SIZE, GEN_TABLE_SIZE);
        break;
    case FORMAT_TABLE_INIT:
        e[1] = dv_gen_choose(g, GEN_SEGMENTS);
        plan_copy(g, GEN_TABLE_SIZE, e[1] == 0 ? GEN_SEGMENT_SIZE : 0);
        break;
    default:
        break;
    }
}

/* ---- Planning ---- */

static u32 address_operand(Op op)
{
    const OpInfo *info = &dv_ops[op];
    for (u32 i = 0; i < info->num_operands; i++) {
        TypeSpec spec = (TypeSpec)info->operands[i];
        if (spec == TS_addr || spec == TS_heap || (info->set == SET_addr && spec == TS_T)) {
            return i;
        }
    }
    return 0;
}

static void plan_global(Gen *g)
{
    for (u32 i = 0; i < GEN_GLOBALS; i++) {
        if (dv_gen_global_type(i) == g->type) {
            g->plan.entities[0] = i;
        }
    }
}

/* Function entities and references, and what else the preamble has. */
static bool plan_function(Gen *g)
{
    u32 n = g->func + dv_gen_choose(g, g->num_funcs - g->func);
    g->plan.entities[0] = n;
    return dv_ops[g->op].format != FORMAT_REF_FUNC || g->funcs[n].sig.is_wasm;
}

static bool plan_segment(Gen *g)
{
    g->plan.entities[0] = 1;
    return true;
}

static void plan_values(Gen *g)
{
    const OpInfo *info = &dv_ops[g->op];
    bool traps = (info->effects & (FX_TRAP | FX_LOAD | FX_STORE | FX_OTHER)) == FX_TRAP;
    if (traps && !dares(g)) {
        plan_tame(g);
    } else if (g->op == OP_blendv) {
        g->plan.fixed[0] = make_mask(g, g->type);
    } else if (info->num_operands == 2 && info->operands[1] == TS_iB) {
        g->plan.fixed[1] = shift_amount(g);
    } else if (g->op == OP_get_pinned_reg) {
        dv_gen_effect(g, "set_pinned_reg v%u", (unsigned)dv_gen_value(g, g->type, false));
    } else if (g->op == OP_bitcast && g->options->vectors) {
        snprintf(g->plan.flags, sizeof g->plan.flags, "little ");
    }
}

/* False if it cannot be written here. */
static bool plan(Gen *g)
{
    Format format = dv_ops[g->op].format;
    g->plan = (GenPlan){.fixed = {ENTITY_NONE, ENTITY_NONE, ENTITY_NONE}};
    const char *spelling = dv_formats[format].spelling;
    if (spelling[0] == 'F' && g->op != OP_bitcast) {
        plan_plain(g, address_operand(g->op));
    } else if (is_heap_format(format)) {
        plan_heap(g, address_operand(g->op));
    } else if (spelling[0] == 'm') {
        plan_memory(g);
    } else if (spelling[0] == 'q') {
        plan_table(g);
    } else if (is_global_format(format)) {
        plan_global(g);
    } else if (spelling[0] == 'N' || spelling[0] == 'z') {
        return plan_function(g);
    } else if (spelling[0] == 'd' || spelling[0] == 'e') {
        return plan_segment(g);
    } else {
        plan_values(g);
    }
    return true;
}

/* ---- Operands ---- */

/* Whether the bits of a NaN that operand n may be do not matter. */
static bool takes_loose(const Gen *g, TypeSpec spec)
{
    const OpInfo *info = &dv_ops[g->op];
    bool arithmetic =
        (info->set == SET_Float || info->set == SET_fB) && kind_of(g->op) != KIND_BITS;
    return arithmetic || spec == TS_FloatLike;
}

static u32 get_operand(Gen *g, u32 n)
{
    TypeSpec spec = (TypeSpec)dv_ops[g->op].operands[n];
    if (g->plan.fixed[n] != ENTITY_NONE) {
        return g->plan.fixed[n];
    }
    Type type = spec_type(g, spec);
    return dv_gen_value(g, type != TYPE_NONE ? type : choose_type(g, spec), takes_loose(g, spec));
}

static void write_literal(Gen *g)
{
    u8 bytes[16];
    if (type_is_float(g->type)) {
        dv_gen_bytes_of(dv_gen_corner_float(g, g->type), bytes);
        dv_print_literal(&g->line, g->type, bytes);
    } else if (g->type == TYPE_NONE || !type_is_vector(g->type)) {
        dv_text_printf(&g->line, "0x%" PRIx64, dv_gen_corner_int(g, type_bits(g->type)).lo);
    } else {
        dv_text_printf(&g->line, "0x%x", (unsigned)dv_gen_choose(g, 256));
    }
}

static void write_trap_code(Gen *g)
{
    static const TrapCode codes[] = {1, TRAP_int_ovf, TRAP_unreachable, 199, TRAP_heap_oob};
    char name[16];
    dv_text_str(&g->line, dv_trap_name(codes[dv_gen_choose(g, ARRAY_LEN(codes))], name));
}

static void write_mask(Gen *g)
{
    dv_text_str(&g->line, "0x");
    for (u32 i = 0; i < 16; i++) {
        dv_text_printf(&g->line, "%02x", (unsigned)dv_gen_choose(g, 32));
    }
}

/* Letters that name an entity; false for others. */
static bool write_entity(Gen *g, char letter)
{
    static const struct {
        char letter;
        const char *prefix;
    } entities[] = {{'m', "heap"}, {'q', "table"}, {'g', "global"}, {'d', "data"},
                    {'e', "elem"}, {'z', "func"},  {'N', "fn"}};
    for (u32 i = 0; i < ARRAY_LEN(entities); i++) {
        if (entities[i].letter == letter) {
            u32 id = g->plan.entities[g->num_entities++];
            dv_text_printf(&g->line, "%s%u", entities[i].prefix, (unsigned)id);
            return true;
        }
    }
    return false;
}

static void write_offset(Gen *g, char letter)
{
    i64 offset = g->plan.offset;
    if (offset == 0) {
        return;
    }
    if (letter == '@') {
        dv_text_printf(&g->line, ", offset=%" PRIu64, (u64)offset);
    } else {
        dv_text_printf(&g->line, "%s%" PRId64, offset < 0 ? "" : "+", offset);
    }
}

static void write_operand(Gen *g, char letter)
{
    switch (letter) {
    case 'v':
        dv_text_printf(&g->line, "v%u", (unsigned)get_operand(g, g->num_operands++));
        break;
    case 'c':
        dv_text_str(&g->line, dv_intcc_names[dv_gen_choose(g, INTCC_COUNT)]);
        break;
    case 'C':
        dv_text_str(&g->line, dv_floatcc_names[dv_gen_choose(g, FLOATCC_COUNT)]);
        break;
    case 'r':
        dv_text_str(&g->line, dv_rmw_names[dv_gen_choose(g, RMW_COUNT)]);
        break;
    case 't':
        write_trap_code(g);
        break;
    case 'F':
        dv_text_str(&g->line, g->plan.flags);
        break;
    case '+':
    case '@':
        write_offset(g, letter);
        break;
    case 'G':
        dv_text_str(&g->line, g->op == OP_tls_value ? "gv1" : "gv0");
        break;
    case 'Y':
        dv_text_str(&g->line, "dss0");
        break;
    case 'L':
        dv_text_printf(&g->line, "ss1+%u", (unsigned)dv_gen_choose(g, GEN_SLOT_BYTES));
        break;
    case 'U':
        dv_text_u64(&g->line, dv_gen_choose(g, 100));
        break;
    case 'l':
        dv_text_u64(&g->line,
                    g->op == OP_extract_vector ? 0 : dv_gen_choose(g, type_lanes(g->type)));
        break;
    case 'M':
        write_mask(g);
        break;
    case ' ':
        if (g->line.length > 0 && g->line.data[g->line.length - 1] != ' ') {
            dv_text_char(&g->line, ' ');
        }
        break;
    case ',':
        dv_text_char(&g->line, ',');
        break;
    default:
        if (!write_entity(g, letter)) {
            write_literal(g); /* i H S D K */
        }
        break;
    }
}

/* ---- Results ---- */

/* What engines may differ in counts by what is the same of it. */
static void add_result(Gen *g, u32 id, Type type)
{
    const OpInfo *info = &dv_ops[g->op];
    char name[16];
    dv_type_name(type, name);
    switch (kind_of(g->op)) {
    case KIND_ENGINE:
        id = dv_gen_emit(g, "icmp.%s eq v%u, v%u", name, (unsigned)id, (unsigned)id);
        dv_gen_add(g, id, TYPE_I8, false);
        break;
    case KIND_REF: {
        u32 null = dv_gen_int(g, type, 0);
        id = dv_gen_emit(g, "icmp.%s eq v%u, v%u", name, (unsigned)id, (unsigned)null);
        dv_gen_add(g, id, TYPE_I8, false);
        break;
    }
    case KIND_BITS:
        dv_gen_add(g, id, type, false);
        break;
    default:
        dv_gen_add(g, id, type,
                   type_is_float_lane(type) && (info->set == SET_Float || info->set == SET_fB));
        break;
    }
}

static void finish(Gen *g)
{
    const OpInfo *info = &dv_ops[g->op];
    u32 ids[OP_MAX_RESULTS];
    dv_text_str(&g->out, "    ");
    if (g->options->vectors && dv_gen_chance(g, 16)) {
        dv_text_printf(&g->out, "@%04x ", (unsigned)dv_gen_choose(g, 0x10000));
    }
    for (u32 i = 0; i < info->num_results; i++) {
        ids[i] = g->next_value++;
        dv_text_printf(&g->out, "%sv%u", i == 0 ? "" : ", ", (unsigned)ids[i]);
    }
    dv_text_printf(&g->out, "%s%s", info->num_results == 0 ? "" : " = ", info->name);
    if (g->type != TYPE_NONE) {
        dv_text_char(&g->out, '.');
        dv_gen_write_type(&g->out, g->type);
    }
    dv_text_printf(&g->out, "%s%s\n", g->line.length == 0 ? "" : " ", g->line.data);
    g->num_insts++;
    g->cost += g->mult;
    for (u32 i = 0; i < info->num_results; i++) {
        Type type = spec_type(g, (TypeSpec)info->results[i]);
        add_result(g, ids[i], type);
    }
}

/* ---- Choosing ---- */

/* The part of the language that an operation belongs to; 0: either. */
static u32 part_of(Op op)
{
    const OpInfo *info = &dv_ops[op];
    if (strpbrk(dv_formats[info->format].spelling, "mqgdezU") != NULL) {
        return GEN_ENTITIES;
    }
    bool plain = info->set == SET_addr;
    for (u32 i = 0; i < info->num_operands; i++) {
        plain = plain || info->operands[i] == TS_addr;
    }
    return plain ? GEN_PLAIN : 0;
}

static u32 weight_here(const Gen *g, Op op)
{
    const OpInfo *info = &dv_ops[op];
    bool is_call = strchr(dv_formats[info->format].spelling, 'A') != NULL;
    bool left_out = dv_gen_left_out(op) != NULL && !g->options->vectors;
    if ((info->effects & FX_TERM) != 0 || is_call || left_out || (part_of(op) & ~g->parts) != 0) {
        return 0;
    }
    return dv_gen_weight(op);
}

void dv_gen_weigh(Gen *g)
{
    g->total_weight = 0;
    for (u32 op = 0; op < OP_COUNT; op++) {
        g->weights[op] = weight_here(g, (Op)op);
        g->total_weight += g->weights[op];
    }
}

void dv_gen_instruction(Gen *g)
{
    u32 op = 0, at = dv_gen_choose(g, g->total_weight);
    while (at >= g->weights[op]) {
        at -= g->weights[op++];
    }
    g->op = (Op)op;
    g->num_operands = g->num_entities = 0;
    dv_text_truncate(&g->line, 0);
    if (!choose_controlling_type(g, g->op) || !plan(g)) {
        return;
    }
    for (const char *p = dv_formats[dv_ops[op].format].spelling; *p != '\0'; p++) {
        write_operand(g, *p);
    }
    finish(g);
}
