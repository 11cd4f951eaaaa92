/* test_legalize.c - legalising keeps what functions do, and leaves nothing that the target does not cover.
 *
 * For each scalar operation, controlling type and type of the open operand there is a function that
 * applies the operation to its parameters. It is legalised for targets invented here, verified, and
 * evaluated beside its original on corner and random operands: results, traps and memory must agree, NaNs
 * by class. So is it for the targets that there are. In the end every expand rule must have been used. */
#include "unit.h"

#include "base/bytes.h"
#include "base/rng.h"
#include "codegen/ir/eval.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verify.h"
#include "codegen/isa/isa.h"
#include "codegen/opt/legalize_rules.h"

#include <expand_rules.h>

enum { MAX_RULES = 4096, SYMBOL_BYTES = 48, SRCLOC = 0x77, MAX_PARAMS = 5, ROUNDS = 100 };

static u64 rule_hits[MAX_RULES];
static Rng rng;

void dv_legal_rule_hit(Legal *l, u32 rule)
{
    (void)l;
    assert_true(rule < MAX_RULES);
    rule_hits[rule]++;
}

/* ---- the targets ---- */

static bool is_between(u32 least, Type type, u32 most)
{
    return type_bits(type) >= least && type_bits(type) <= most;
}

/* Integers of `least` to 64 bits, f32 and f64, and of the rest what has no expansion. */
static bool covers_from(u32 least, Op op, Type type, Type open)
{
    const OpInfo *info = &dv_ops[op];
    bool is_int_word = type_is_int(type) && is_between(least, type, 64);
    bool is_float_word = type == TYPE_F32 || type == TYPE_F64;
    if (type == TYPE_NONE || type_is_vector(type)) {
        return true;
    }
    switch (op) {
    case OP_bitcast:
        return true;
    case OP_isplit:
        return type == TYPE_I128;
    case OP_iconcat:
        return type == TYPE_I64;
    case OP_ireduce:
        return is_between(least, open, 64);
    case OP_fpromote:
        return open != TYPE_F16;
    case OP_fdemote:
        return type != TYPE_F16;
    case OP_fcvt_to_uint:
    case OP_fcvt_to_sint:
    case OP_fcvt_to_uint_sat:
    case OP_fcvt_to_sint_sat:
        return open == TYPE_F128 || (is_int_word && open != TYPE_F16);
    case OP_fcvt_from_uint:
    case OP_fcvt_from_sint:
        return type == TYPE_F128 || (is_float_word && is_between(least, open, 64));
    case OP_fma:
        return true;
    case OP_f128const:
    case OP_fneg:
    case OP_fabs:
    case OP_fcopysign:
        return is_float_word;
    case OP_band:
    case OP_bor:
    case OP_bxor:
    case OP_bnot:
    case OP_bitselect:
    case OP_blendv:
        return is_int_word && op != OP_blendv;
    case OP_udiv:
    case OP_sdiv:
    case OP_urem:
    case OP_srem:
        return is_int_word || type == TYPE_I128;
    case OP_global_get:
    case OP_global_set:
    case OP_atomic_rmw:
    case OP_atomic_cas:
    case OP_atomic_load:
    case OP_atomic_store:
        return true;
    default:
        break;
    }
    bool is_f128_math = type == TYPE_F128 && (op == OP_fcmp || (op >= OP_fadd && op <= OP_nearest));
    return is_int_word || is_float_word || is_f128_math || (info->effects & FX_CALL) != 0;
}

/* Operands that the table leaves open come in any type up to 64 bits. */
static bool covers_words(u32 op, u32 type, u32 open)
{
    bool is_select = op == OP_select || op == OP_select_spectre_guard || op == OP_bmask;
    bool is_shift = op >= OP_rotl && op <= OP_sshr;
    return covers_from(32, (Op)op, (Type)type, (Type)open) &&
           ((!is_select && !is_shift) || open != TYPE_I128);
}

static bool is_plain_access(u32 op)
{
    return (op >= OP_load && op <= OP_istore32) || (op >= OP_atomic_rmw && op <= OP_atomic_store);
}

/* They must be i64. */
static bool covers_i64(u32 op, u32 type, u32 open)
{
    bool is_select = op == OP_select || op == OP_select_spectre_guard || op == OP_bmask;
    bool is_shift = op >= OP_rotl && op <= OP_sshr;
    return covers_from(64, (Op)op, (Type)type, (Type)open) &&
           ((!is_select && !is_shift && !is_plain_access(op)) || open == TYPE_I64);
}

/* Integers of 32 and 64 bits with next to nothing; shift amounts of the type shifted. */
static bool covers_poor(u32 op, u32 type, u32 open)
{
    static const u16 missing[] = {
        OP_ineg,          OP_iabs,         OP_umulhi,       OP_smulhi,       OP_urem,
        OP_srem,          OP_smin,         OP_umin,         OP_smax,         OP_umax,
        OP_bnot,          OP_rotl,         OP_rotr,         OP_bitrev,       OP_clz,
        OP_cls,           OP_ctz,          OP_bswap,        OP_popcnt,       OP_bitselect,
        OP_bmask,         OP_uload8,       OP_sload8,       OP_istore8,      OP_uload16,
        OP_sload16,       OP_istore16,     OP_uload32,      OP_sload32,      OP_istore32,
        OP_fneg,          OP_fabs,         OP_fcopysign,    OP_f32const,     OP_f64const,
        OP_heap_uload8,   OP_heap_sload8,  OP_heap_istore8, OP_heap_uload16, OP_heap_sload16,
        OP_heap_istore16, OP_heap_uload32, OP_heap_sload32, OP_heap_istore32};
    for (u32 i = 0; i < ARRAY_LEN(missing); i++) {
        if (op == missing[i]) {
            return false;
        }
    }
    bool is_memory = op == OP_load || op == OP_store || op == OP_heap_load || op == OP_heap_store;
    bool is_shift = op >= OP_ishl && op <= OP_sshr;
    bool is_overflow = op >= OP_uadd_overflow && op <= OP_ssub_overflow_bin;
    if (is_plain_access(op) && open != TYPE_I32) {
        return false;
    }
    if (is_memory && type_is_int((Type)type) && type != TYPE_I128) {
        return true;
    }
    return covers_words(op, type, open) && !is_overflow && (!is_shift || open == type) &&
           ((op != OP_select && op != OP_select_spectre_guard) || open == TYPE_I8);
}

/* Everything but one operation; and everything but that on types of less than 32 bits. */
static u32 operation_missing, bits_missing;

static bool covers_all_but_one(u32 op, u32 type, u32 open)
{
    (void)open;
    return op != operation_missing || type_bits((Type)type) > bits_missing;
}

/* ---- functions that apply one operation ---- */

typedef struct Cell {
    Op op;
    Type type, open;
    u8 aux;
    MemFlags flags;
    u64 imm;
    u32 num_params;
    Type params[MAX_PARAMS];
} Cell;

static bool is_access(Op op)
{
    return (dv_ops[op].effects & (FX_LOAD | FX_STORE)) != 0;
}

static Type operand_type(const Cell *c, u32 n)
{
    return n == dv_legal_open_operand(c->op)
               ? c->open
               : dv_typespec_type((TypeSpec)dv_ops[c->op].operands[n], c->type);
}

/* The parameters of the function: the operands, and for plain memory the address of what is looked at
 * afterwards. */
static void list_params(Cell *c, Type address)
{
    c->num_params = dv_ops[c->op].num_operands;
    for (u32 n = 0; n < c->num_params; n++) {
        c->params[n] = operand_type(c, n);
    }
    if (is_access(c->op) && c->op < OP_heap_load) { /* of the target's width */
        c->params[c->num_params++] = address;
    }
}

static u32 load_word(Func *f, Block b, u32 address, u32 offset)
{
    Inst i = dv_inst_make(f, OP_load, TYPE_I64, &address, 1);
    dv_inst(f, i)->imm[0] = offset;
    dv_inst(f, i)->flags = MEMFLAGS_DEFAULT;
    dv_inst_make_results(f, i);
    dv_inst_append(f, i, b);
    return dv_inst_result(f, i, 0).id;
}

/* The function, the same each time. */
static void build(const Cell *c, Arena *arena, Func *f)
{
    const OpInfo *info = &dv_ops[c->op];
    u32 args[MAX_PARAMS], results[OP_MAX_RESULTS + SYMBOL_BYTES / 8], count = 0;
    dv_func_init(f, arena);
    f->sig.present = true;
    f->sig.params = ARENA_ARRAY(arena, Param, MAX_PARAMS);
    f->sig.results = ARENA_ARRAY(arena, Param, ARRAY_LEN(results));
    if (c->op >= OP_heap_load) {
        WasmMemoryData memory = {
            .present = true, .index_type = c->open, .page_bytes = 0x10000, .min_pages = 1};
        vec_push(arena, &f->memories, memory);
    }
    Block b = dv_block_make(f);
    dv_block_append(f, b);
    for (u32 n = 0; n < c->num_params; n++) {
        args[n] = dv_block_add_param(f, b, c->params[n]).id;
        f->sig.params[n].type = c->params[n];
    }
    Inst i = dv_inst_make(f, c->op, c->type, args, info->num_operands);
    InstData *d = dv_inst(f, i);
    d->aux = c->aux;
    d->flags = c->flags;
    dv_set_imm64(d, c->imm);
    if (c->op == OP_f128const) {
        u8 bytes[16];
        store_le64(bytes, c->imm);
        store_le64(bytes + 8, c->imm * 3);
        u32 id = dv_constant_make(f, bytes, sizeof bytes).id;
        dv_inst(f, i)->ent = id;
    }
    if (c->op >= OP_heap_load) {
        dv_inst(f, i)->ent = 0;
    }
    dv_inst_make_results(f, i);
    dv_inst_append(f, i, b);
    dv_srcloc_set(f, i, SRCLOC);
    for (; count < dv_inst(f, i)->num_results; count++) {
        results[count] = dv_inst_result(f, i, count).id;
    }
    for (u32 n = 0; c->num_params > info->num_operands && n < SYMBOL_BYTES / 8; n++) {
        results[count++] = load_word(f, b, args[c->num_params - 1], 8 * n);
    }
    Inst end = dv_inst_make(f, OP_return, TYPE_NONE, results, count);
    dv_inst_append(f, end, b);
    f->sig.num_params = c->num_params;
    f->sig.num_results = count;
    for (u32 n = 0; n < count; n++) {
        f->sig.results[n].type = dv_value_type(f, (Value){results[n]});
    }
}

static void fail_cell(const Cell *c, const LegalTarget *t, const Func *f, const char *what)
{
    Pool pool;
    Arena arena;
    TextBuf out;
    char type[16], open[16];
    dv_pool_init(&pool, NULL);
    dv_arena_init(&arena, &pool);
    dv_text_init(&out, &arena);
    dv_print_func(&out, f);
    print_error("%s.%s, open operand %s, aux %u, flags %x, for target %s: %s\n%s",
                dv_ops[c->op].name, dv_type_name(c->type, type),
                c->open == TYPE_NONE ? "none" : dv_type_name(c->open, open), c->aux, c->flags,
                t->name, what, out.data);
    dv_arena_release(&arena);
    dv_pool_destroy(&pool);
    fail();
}

/* ---- operands ---- */

static U128 random_integer(u32 bits)
{
    U128 power = dv_u128_shl((U128){1, 0}, (u32)dv_rng_below(&rng, bits));
    switch (dv_rng_below(&rng, 9)) {
    case 0:
        return (U128){dv_rng_below(&rng, 3), 0};
    case 1:
        return dv_u128_neg((U128){1 + dv_rng_below(&rng, 2), 0});
    case 2:
        return dv_u128_shl((U128){1, 0}, bits - 1);
    case 3:
        return dv_u128_sub(dv_u128_shl((U128){1, 0}, bits - 1), (U128){1, 0});
    case 4:
        return power;
    case 5:
        return dv_u128_sub(power, (U128){1, 0});
    case 6:
        return dv_u128_neg(power);
    default:
        return (U128){dv_rng_spread(&rng), dv_rng_next(&rng)};
    }
}

static U128 random_float(u32 bits)
{
    u32 frac = bits == 16 ? 10 : bits == 32 ? 23 : bits == 64 ? 52 : 112;
    u32 max_exp = (1u << (bits - 1 - frac)) - 1;
    U128 unit = dv_u128_shl((U128){1, 0}, frac);
    U128 mask = dv_u128_sub(unit, (U128){1, 0});
    U128 part = dv_u128_and((U128){dv_rng_next(&rng), dv_rng_next(&rng)}, mask);
    u32 near = bits == 16 ? 17 : 134; /* about as large as integers are */
    u32 exp = max_exp / 2;
    switch (dv_rng_below(&rng, 8)) {
    case 0:
        exp = dv_rng_chance(&rng, 2) ? 0 : max_exp;
        break;
    case 1:
        exp = (u32)dv_rng_below(&rng, max_exp + 1);
        break;
    case 2: /* where f16 begins to be subnormal, or ends */
        exp = exp + (dv_rng_chance(&rng, 2) ? 15 : 0) -
              (bits == 16 ? 0 : (u32)dv_rng_below(&rng, 30));
        break;
    case 3: /* where integers of 8, 16 to 128 bits end */
        exp += (8u << dv_rng_below(&rng, bits == 16 ? 2 : 5)) - (u32)dv_rng_below(&rng, 3);
        exp = exp < max_exp ? exp : max_exp;
        break;
    default:
        exp += (u32)dv_rng_below(&rng, near < max_exp / 2 ? near : max_exp / 2) - 3;
    }
    switch (dv_rng_below(&rng, 8)) {
    case 0:
        part = (U128){0, 0};
        break;
    case 1:
        part = mask;
        break;
    case 2: /* ties and their neighbours when it is cut to fewer bits */
        part = dv_u128_shl((U128){1, 0}, (u32)dv_rng_below(&rng, frac));
        break;
    case 3:
        part = dv_u128_sub(dv_u128_shl((U128){1, 0}, (u32)dv_rng_below(&rng, frac)), (U128){1, 0});
        break;
    case 4:
        part = dv_u128_and(part, dv_u128_not(dv_u128_lshr(mask, frac > 12 ? 12 : 5)));
        part = dv_u128_or(part, (U128){dv_rng_below(&rng, 2), 0});
        break;
    default:
        break;
    }
    U128 sign = dv_u128_shl((U128){dv_rng_below(&rng, 2), 0}, bits - 1);
    return dv_u128_or(sign, dv_u128_or(dv_u128_shl((U128){exp, 0}, frac), part));
}

/* ---- running ---- */

typedef struct Run {
    Evaluator *before, *after;
    u64 memory; /* address of the symbol */
    Cell *c;
    const LegalTarget *t;
    Func *f, *g; /* original, legalised */
} Run;

static bool is_nan(const EvalValue *v)
{
    u32 bits = type_bits(v->type);
    u32 frac = bits == 16 ? 10 : bits == 32 ? 23 : bits == 64 ? 52 : 112;
    U128 x = {0, 0};
    for (u32 i = bits / 8; i-- > 0;) {
        x = dv_u128_or(dv_u128_shl(x, 8), (U128){v->bytes[i], 0});
    }
    U128 size = dv_u128_and(x, dv_u128_sub(dv_u128_shl((U128){1, 0}, bits - 1), (U128){1, 0}));
    U128 infinity = dv_u128_shl((U128){(1u << (bits - 1 - frac)) - 1, 0}, frac);
    return dv_u128_ult(infinity, size);
}

static bool same_value(const EvalValue *a, const EvalValue *b, bool is_exact)
{
    if (!is_exact && type_is_float(a->type) && is_nan(a) && is_nan(b)) {
        return true;
    }
    return a->type == b->type && memcmp(a->bytes, b->bytes, type_bytes(a->type)) == 0;
}

/* Operations on the bits of floats keep those of NaNs. */
static bool is_exact_op(Op op)
{
    return dv_ops[op].effects != FX_PURE || op == OP_fneg || op == OP_fabs || op == OP_fcopysign ||
           (op >= OP_band && op <= OP_bnot) || (op >= OP_select && op <= OP_blendv) ||
           op == OP_bitcast;
}

static void fill_args(const Run *run, u8 (*bytes)[16], EvalValue *args)
{
    const Cell *c = run->c;
    u32 num_operands = dv_ops[c->op].num_operands;
    bool is_store = (dv_ops[c->op].effects & FX_STORE) != 0 && dv_ops[c->op].operands[0] == TS_T;
    for (u32 n = 0; n < c->num_params; n++) {
        u32 bits = type_bits(c->params[n]);
        U128 x = type_is_float(c->params[n]) ? random_float(bits) : random_integer(bits);
        bool is_address = is_access(c->op) && (n == (is_store ? 1u : 0u) || n == num_operands);
        if (n > 0 && !is_address && c->params[n] == c->params[n - 1] && dv_rng_chance(&rng, 6)) {
            memcpy(bytes[n], bytes[n - 1], 16);
            bytes[n][dv_rng_below(&rng, bits / 8)] ^=
                (u8)(dv_rng_chance(&rng, 2) ? 0 : 1u << dv_rng_below(&rng, 8));
            args[n] = (EvalValue){c->params[n], bytes[n]};
            continue;
        }
        if (is_access(c->op) && n == (is_store ? 1u : 0u)) { /* inside, across the end, far away */
            u64 end = c->op >= OP_heap_load ? 0x10000 : run->memory + SYMBOL_BYTES;
            u64 step = dv_rng_chance(&rng, 4) ? 1 : 16;
            x = (U128){end - step * dv_rng_below(&rng, SYMBOL_BYTES / step), 0};
            x.lo -= c->op >= OP_heap_load ? 0 : (u64)(i64)(i32)c->imm;
        }
        if (n == num_operands) {
            x = (U128){run->memory, 0};
        }
        store_u128(bytes[n], x, false);
        args[n] = (EvalValue){c->params[n], bytes[n]};
    }
}

static u64 reset_memory(const Run *run, Evaluator *e, u64 seed)
{
    u8 data[SYMBOL_BYTES];
    u64 address = 0, size;
    ExtName name = {.kind = NAME_TEST, .text = {"memory", 6}};
    for (u32 i = 0; i < SYMBOL_BYTES; i++) {
        data[i] = (u8)dv_hash_u64(seed + i);
    }
    dv_eval_reset(e);
    if (run->c->op >= OP_heap_load) {
        assert_true(dv_eval_set_memory(e, 0, 0x10000));
        memcpy(dv_eval_memory(e, 0, &size) + 0x10000 - SYMBOL_BYTES, data, SYMBOL_BYTES);
    } else if (is_access(run->c->op)) {
        assert_true(dv_eval_set_symbol(e, &name, data, SYMBOL_BYTES, &address));
    }
    return address;
}

static void compare(const Run *run, const EvalResult *a, const EvalResult *b)
{
    u64 size;
    if (a->outcome == EVAL_ERROR || a->outcome != b->outcome || a->trap != b->trap ||
        a->num_values != b->num_values) {
        print_error("outcome %u, trap %u (%s); then %u, trap %u (%s)\n", a->outcome, a->trap,
                    a->outcome == EVAL_ERROR ? a->reason : "", b->outcome, b->trap,
                    b->outcome == EVAL_ERROR ? b->reason : "");
        fail_cell(run->c, run->t, run->g, "outcomes differ");
    }
    for (u32 n = 0; n < a->num_values && a->outcome == EVAL_RETURNED; n++) {
        if (!same_value(&a->values[n], &b->values[n], is_exact_op(run->c->op))) {
            for (u32 k = 0; k < 2; k++) {
                const EvalValue *v = k == 0 ? &a->values[n] : &b->values[n];
                for (u32 i = type_bytes(v->type); i-- > 0;) {
                    print_error("%02x%s", v->bytes[i], i == 0 ? "\n" : "");
                }
            }
            fail_cell(run->c, run->t, run->g,
                      "results differ: first the right one, then what came");
        }
    }
    if (run->c->op >= OP_heap_load && memcmp(dv_eval_memory(run->before, 0, &size),
                                             dv_eval_memory(run->after, 0, &size), 0x10000) != 0) {
        fail_cell(run->c, run->t, run->g, "memories differ");
    }
}

static void run_cell(Run *run, Arena *arena)
{
    for (u32 round = 0; round < ROUNDS; round++) {
        u8 bytes[MAX_PARAMS][16];
        EvalValue args[MAX_PARAMS];
        EvalResult a, b;
        ArenaMark mark = dv_arena_mark(arena);
        run->memory = reset_memory(run, run->before, round);
        assert_int_equal(reset_memory(run, run->after, round), run->memory);
        fill_args(run, bytes, args);
        dv_eval_call(run->before, run->f, args, run->c->num_params, arena, &a);
        dv_eval_call(run->after, run->g, args, run->c->num_params, arena, &b);
        if (a.outcome != b.outcome) {
            for (u32 n = 0; n < run->c->num_params; n++) {
                print_error("argument %u: %016llx%016llx\n", n,
                            (unsigned long long)load_le64(bytes[n] + 8),
                            (unsigned long long)load_le64(bytes[n]));
            }
        }
        compare(run, &a, &b);
        dv_arena_release_to(arena, mark);
    }
}

/* ---- one cell ---- */

static void check_legal(const Cell *c, const LegalTarget *t, const Func *g, Arena *arena)
{
    VerifyOptions options = {0}; /* addresses of both widths */
    VerifyErrors errors = {0};
    if (!dv_verify(g, arena, &options, &errors, NULL)) {
        fail_cell(c, t, g, errors.list.data[0].text);
    }
    Diag diag;
    dv_diag_init(&diag, arena);
    if (!dv_legal_verify(g, t, &diag)) {
        fail_cell(c, t, g, dv_diag_first(&diag)->text);
    }
    for (Block b = g->first_block; b.id != ENTITY_NONE; b = dv_block(g, b)->next) {
        for (Inst i = dv_block(g, b)->first; i.id != ENTITY_NONE; i = dv_inst_next(g, i)) {
            for (u32 n = 0; n < dv_inst_const(g, i)->num_args; n++) {
                assert_true(g->values.data[dv_inst_args(g, i)[n]].kind != VALUE_ALIAS);
            }
        }
    }
}

/* Legalises and, if `must`, demands success; then runs both. */
static void check_cell(Fixture *fix, Cell *c, const LegalTarget *t, u32 address_bits, bool must)
{
    Escape escape;
    dv_escape_enter(&escape, &fix->pool);
    Func f, g;
    Diag diag;
    ArenaMark mark = dv_arena_mark(&fix->arena);
    list_params(c, address_bits == 32 ? TYPE_I32 : TYPE_I64);
    build(c, &fix->arena, &f);
    build(c, &fix->arena, &g);
    dv_diag_init(&diag, &fix->arena);
    Arena scratch;
    dv_arena_init(&scratch, &fix->pool);
    bool ok = dv_legalize(&g, t, &scratch, &diag);
    dv_arena_release(&scratch);
    dv_escape_leave(&escape, &fix->pool);
    if (!ok && must) {
        fail_cell(c, t, &g, dv_diag_first(&diag)->text);
    }
    assert_int_equal(ok, dv_diag_ok(&diag));
    if (ok) {
        EvalOptions options = {.big_endian = t->big_endian, .address_bits = (u8)address_bits};
        Run run = {
            dv_eval_new(&fix->pool, &options), dv_eval_new(&fix->pool, &options), 0, c, t, &f, &g};
        assert_true(run.before != NULL && run.after != NULL);
        check_legal(c, t, &g, &fix->arena);
        run_cell(&run, &fix->arena);
        dv_eval_free(run.before);
        dv_eval_free(run.after);
    }
    dv_arena_release_to(&fix->arena, mark);
}

/* Conditions, constants, flags: what a cell has besides types. */
static void check_variants(Fixture *fix, Cell *c, const LegalTarget *t, u32 address_bits, bool must)
{
    static const MemFlags orders[] = {0, FLAG_LITTLE, FLAG_BIG};
    Format format = dv_ops[c->op].format;
    u32 conditions = format == FORMAT_INT_COMPARE     ? INTCC_COUNT
                     : format == FORMAT_FLOAT_COMPARE ? FLOATCC_COUNT
                     : format == FORMAT_ATOMIC_RMW    ? RMW_COUNT
                                                      : 1;
    bool has_flags = is_access(c->op) && c->op < OP_heap_load;
    for (u32 aux = 0; aux < conditions; aux++) {
        for (u32 k = 0; k < (has_flags ? 3u : 1u); k++) {
            c->aux = (u8)(dv_ops[c->op].format == FORMAT_COND_TRAP || format == FORMAT_INT_ADD_TRAP
                              ? TRAP_int_ovf
                              : aux);
            c->flags = has_flags ? (MemFlags)(orders[k] | TRAP_heap_oob) : 0;
            c->imm = dv_rng_next(&rng);
            if (c->type != TYPE_NONE && type_bits(c->type) < 64) {
                c->imm &= ((u64)1 << type_bits(c->type)) - 1;
            }
            if (is_access(c->op)) {
                c->imm = dv_rng_chance(&rng, 4) ? INT32_MAX - dv_rng_below(&rng, 10)
                                                : dv_rng_below(&rng, 9);
                c->imm = format == FORMAT_LOAD || format == FORMAT_STORE || c->op >= OP_heap_load
                             ? c->imm
                             : 0;
            }
            bool is_hopeless = format == FORMAT_ATOMIC_RMW && k != 0 && !t->swaps_atomics;
            check_cell(fix, c, t, address_bits, must && !is_hopeless);
        }
    }
}

static bool is_tested(Op op)
{
    switch (dv_ops[op].format) {
    case FORMAT_LOAD: /* those of vectors have the address's type */
        return op < OP_uload8x8;
    case FORMAT_COND_TRAP:
    case FORMAT_STORE:
    case FORMAT_LOAD_NO_OFFSET:
    case FORMAT_STORE_NO_OFFSET:
    case FORMAT_ATOMIC_RMW:
    case FORMAT_ATOMIC_CAS:
        return true;
    case FORMAT_HEAP_LOAD:
    case FORMAT_HEAP_STORE:
        return op <= OP_heap_istore32;
    default:
        return dv_ops[op].num_results != 0 && dv_eval_op_is_pure(op);
    }
}

static void check_op(Fixture *fix, Op op, const LegalTarget *t, u32 address_bits, bool must)
{
    const OpInfo *info = &dv_ops[op];
    for (u32 type = LANE_I8; type < LANE_COUNT && is_tested(op); type++) {
        u32 open = dv_legal_open_operand(op);
        if (!dv_typeset_has(info->set, (Type)type)) {
            continue;
        }
        for (u32 other = LANE_NONE; other < LANE_COUNT; other++) {
            bool fits =
                open == OP_MAX_OPERANDS
                    ? other == LANE_NONE
                    : other != LANE_NONE && dv_typespec_matches((TypeSpec)info->operands[open],
                                                                (Type)type, (Type)other);
            if (fits) {
                Cell c = {.op = op, .type = (Type)type, .open = (Type)other};
                check_variants(fix, &c, t, address_bits, must);
            }
        }
    }
}

static void check_ops(Fixture *fix, const LegalTarget *t, u32 address_bits, bool must)
{
    for (u32 op = 0; op < OP_COUNT; op++) {
        check_op(fix, (Op)op, t, address_bits, must);
    }
}

static void check_target(Fixture *fix, const LegalTarget *t, u32 address_bits, bool memory_only)
{
    for (u32 op = 0; op < OP_COUNT; op++) {
        if (!memory_only || is_access((Op)op)) {
            check_op(fix, (Op)op, t, address_bits, true);
        }
    }
}

static void test_words(void **state)
{
    check_target(*state, &(LegalTarget){"words", covers_words, false, false, false, NULL, 0}, 64,
                 false);
}

static void test_i64(void **state)
{
    check_target(*state, &(LegalTarget){"i64", covers_i64, false, false, false, NULL, 0}, 64,
                 false);
}

static void test_poor(void **state)
{
    check_target(*state, &(LegalTarget){"poor", covers_poor, false, false, false, NULL, 0}, 32,
                 false);
}

static void test_big_endian(void **state)
{
    check_target(*state,
                 &(LegalTarget){"words, big-endian", covers_words, true, false, false, NULL, 0}, 64,
                 true);
    check_target(*state, &(LegalTarget){"poor, big-endian", covers_poor, true, true, true, NULL, 0},
                 32, true);
    check_target(*state, &(LegalTarget){"i64, swapping", covers_i64, false, true, true, NULL, 0},
                 64, true);
}

/* The targets there are. Those of bytecode take everything; x86_64 does not take floats of every width, so there what can
 * be made legal must mean the same. */
static void test_isas(void **state)
{
    const Isa *isa;
    for (u32 i = 0; (isa = dv_isa_at(i)) != NULL; i++) {
        check_ops(*state, &isa->legal, isa->address_bits, isa->any_addresses);
        if (isa->legal.covers_by != NULL) {
            LegalTarget with_all = isa->legal;
            with_all.features = UINT32_MAX;
            check_ops(*state, &with_all, isa->address_bits, isa->any_addresses);
        }
    }
}

static void test_all_but_one(void **state)
{
    for (u32 bits = 16; bits <= 128; bits *= 8) {
        for (u32 op = 0; op < OP_COUNT; op++) {
            operation_missing = op;
            bits_missing = bits;
            check_op(
                *state, (Op)op,
                &(LegalTarget){"all but one", covers_all_but_one, false, false, false, NULL, 0}, 64,
                false);
        }
    }
}

/* ---- functions as text: branches, blocks, aliases ---- */

static void parse_text(Fixture *fix, const char *text, ClifFile *file)
{
    Diag diag;
    dv_diag_init(&diag, &fix->arena);
    Escape escape;
    dv_escape_enter(&escape, &fix->pool);
    bool ok = setjmp(escape.env) == 0 &&
              dv_clif_parse(file, &fix->arena, (Str){text, (u32)strlen(text)}, &diag);
    dv_escape_leave(&escape, &fix->pool);
    if (!ok) {
        fail_msg("line %u: %s", dv_diag_first(&diag)->line, dv_diag_first(&diag)->text);
    }
}

static bool legalize(Fixture *fix, Func *f, const LegalTarget *t, Diag *diag)
{
    Arena scratch;
    Escape escape;
    dv_arena_init(&scratch, &fix->pool);
    dv_diag_init(diag, &fix->arena);
    dv_escape_enter(&escape, &fix->pool);
    bool ok = setjmp(escape.env) == 0 && dv_legalize(f, t, &scratch, diag);
    dv_escape_leave(&escape, &fix->pool);
    dv_arena_release(&scratch);
    return ok;
}

/* The function of the text and its legal form agree on arguments of i128 made of small numbers. */
static void check_text(Fixture *fix, const char *text, const LegalTarget *t)
{
    ClifFile before = {0}, after = {0};
    Diag diag;
    parse_text(fix, text, &before);
    parse_text(fix, text, &after);
    Func *f = &before.funcs.data[0]->func, *g = &after.funcs.data[0]->func;
    assert_true(legalize(fix, g, t, &diag));
    Cell c = {.op = OP_nop};
    Escape escape;
    dv_escape_enter(&escape, &fix->pool);
    check_legal(&c, t, g, &fix->arena);
    dv_escape_leave(&escape, &fix->pool);
    EvalOptions options = {.address_bits = 64, .max_steps = 100000};
    Run run = {
        dv_eval_new(&fix->pool, &options), dv_eval_new(&fix->pool, &options), 0, &c, t, f, g};
    for (u32 i = 0; i < 81; i++) {
        static const u64 corners[3] = {0, 1, UINT64_C(0x100000000)};
        u8 bytes[2][16];
        EvalValue args[2];
        EvalResult a, b;
        for (u32 n = 0, digits = i; n < 2; n++, digits /= 9) {
            store_u128(bytes[n], (U128){corners[digits % 3], corners[digits / 3 % 3]}, false);
            args[n] = (EvalValue){TYPE_I128, bytes[n]};
        }
        dv_eval_call(run.before, f, args, f->sig.num_params, &fix->arena, &a);
        dv_eval_call(run.after, g, args, f->sig.num_params, &fix->arena, &b);
        compare(&run, &a, &b);
    }
    dv_eval_free(run.before);
    dv_eval_free(run.after);
}

static const LegalTarget text_targets[] = {{"words", covers_words, false, false, false, NULL, 0},
                                           {"i64", covers_i64, false, false, false, NULL, 0},
                                           {"poor", covers_poor, false, false, false, NULL, 0}};

/* Conditions of every width; both sides of a branch take the same i128 apart; values come in through
 * parameters. */
static void test_branches(void **state)
{
    static const char text[] = "function %f(i128, i128) -> i128, i8, i64 {\n"
                               "block0(v0: i128, v1: i128):\n"
                               "    v2 -> v0\n"
                               "    v3 = iadd v2, v1\n"
                               "    brif v1, block1, block2(v3, v0)\n"
                               "block1:\n"
                               "    v4 = ishl v3, v1\n"
                               "    v5 = ireduce.i8 v1\n"
                               "    brif v5, block2(v4, v3), block3(v3)\n"
                               "block2(v6: i128, v7: i128):\n"
                               "    v8 = isub v6, v7\n"
                               "    v9 = bxor v8, v3\n"
                               "    v10 = ireduce.i16 v9\n"
                               "    brif v10, block3(v9), block4(v8)\n"
                               "block3(v11: i128):\n"
                               "    v12 = iadd v11, v3\n"
                               "    v13 = ireduce.i32 v12\n"
                               "    brif v13, block4(v12), block5\n"
                               "block4(v14: i128):\n"
                               "    v15 = ireduce.i64 v14\n"
                               "    trapz v15, user1\n"
                               "    trapz v14, user2\n"
                               "    v16 = icmp ult v14, v3\n"
                               "    v17 = ireduce.i64 v3\n"
                               "    return v14, v16, v17\n"
                               "block5:\n"
                               "    v18 = iconst.i8 3\n"
                               "    v19 = iconst.i64 4\n"
                               "    trapnz v3, user3\n"
                               "    return v3, v18, v19\n"
                               "}\n";
    for (u32 i = 0; i < ARRAY_LEN(text_targets); i++) {
        check_text(*state, text, &text_targets[i]);
    }
}

/* A loop whose i128 goes round as a parameter; the block that defines v9 lies after the one that uses it. */
static void test_loop(void **state)
{
    static const char text[] = "function %f(i128, i128) -> i128 {\n"
                               "block0(v0: i128, v1: i128):\n"
                               "    v20 = iconst.i64 20\n"
                               "    v2 = uextend.i128 v20\n"
                               "    jump block1(v2, v0)\n"
                               "block1(v3: i128, v4: i128):\n"
                               "    v5 = iconst.i64 1\n"
                               "    v6 = uextend.i128 v5\n"
                               "    v7 = isub v3, v6\n"
                               "    jump block3\n"
                               "block2:\n"
                               "    v8 = rotl v9, v3\n"
                               "    brif v7, block1(v7, v8), block4(v8)\n"
                               "block3:\n"
                               "    v9 = imul v4, v1\n"
                               "    jump block2\n"
                               "block4(v10: i128):\n"
                               "    return v10\n"
                               "}\n";
    for (u32 i = 0; i < ARRAY_LEN(text_targets); i++) {
        check_text(*state, text, &text_targets[i]);
    }
}

/* Block calls of tables, arguments of calls, contexts of handlers are renamed too. */
static void test_renaming(void **state)
{
    static const char text[] =
        "function %f(i128, i32) -> i128 {\n"
        "    sig0 = (i128) -> i128\n"
        "    fn0 = %g(i128) -> i128\n"
        "block0(v0: i128, v1: i32):\n"
        "    v2 = bnot v0\n"
        "    v3 = uextend.i64 v1\n"
        "    v9 = ineg v3\n"
        "    br_table v1, block1(v2), [block1(v0), block2(v2)]\n"
        "block1(v4: i128):\n"
        "    v5 = call fn0(v2)\n"
        "    return v5\n"
        "block2(v6: i128):\n"
        "    try_call fn0(v2), sig0, block1(ret0), [ context v9, default: block1(v2) ]\n"
        "}\n";
    ClifFile file = {0};
    Diag diag;
    parse_text(*state, text, &file);
    Func *f = &file.funcs.data[0]->func;
    Cell c = {.op = OP_nop};
    const LegalTarget *t = &text_targets[2];
    assert_true(legalize(*state, f, t, &diag));
    Fixture *fix = *state;
    Escape escape;
    dv_escape_enter(&escape, &fix->pool);
    check_legal(&c, t, f, &fix->arena);
    u32 found = 0;
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = dv_block(f, b)->next) {
        u32 count;
        Inst end = dv_block_terminator(f, b);
        const BlockCall *dests = dv_inst_dests_const(f, end, &count);
        for (u32 n = 0; n < count; n++) {
            for (u32 k = 0; k < dests[n].num_args; k++) {
                BlockArg arg = dv_call_arg(f, &dests[n], k);
                found += block_arg_kind(arg) == ARG_VALUE;
                assert_true(block_arg_kind(arg) != ARG_VALUE ||
                            f->values.data[arg.bits].kind != VALUE_ALIAS);
            }
        }
        const ExceptionTable *table = dv_inst_exceptions(f, end);
        if (table != NULL) {
            assert_int_equal(f->values.data[table->handlers[0].context.id].kind, VALUE_RESULT);
        }
    }
    dv_escape_leave(&escape, &fix->pool);
    assert_int_equal(found, 4);
}

/* What cannot be done is said, with the instruction, the operation and its types. */
static void test_unsupported(void **state)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"v4 = sdiv v1, v1", "v4: operation sdiv on type i64 is not supported by target narrow"},
        {"v4 = fcvt_to_sint.i64 v2",
         "v4: operation fcvt_to_sint on type i64 with an operand of type f64 is not supported by target narrow"},
        {"debugtrap", "inst0: operation debugtrap is not supported by target narrow"},
        {"v4 = atomic_rmw.i64 big add v1, v1",
         "v4: operation atomic_rmw on type i64 with an operand of type i64 in the other byte order is not supported "
         "by target narrow"},
    };
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        Fixture *fix = *state;
        ClifFile file = {0};
        Diag diag;
        LegalTarget t = {"narrow", covers_all_but_one, false, false, false, NULL, 0};
        const char *text = dv_arena_printf(
            &fix->arena,
            "function %%f(i128, i64, f64) {\nblock0(v0: i128, v1: i64, v2: f64):\n%s\nreturn\n}\n",
            cases[i].line);
        parse_text(fix, text, &file);
        Func *f = &file.funcs.data[0]->func;
        operation_missing = i == 3 ? (u32)OP_COUNT : dv_inst_const(f, (Inst){0})->op;
        bits_missing = 128;
        dv_diag_init(&diag, &fix->arena);
        assert_false(dv_legal_verify(f, &t, &diag));
        assert_string_equal(dv_diag_first(&diag)->text, cases[i].message);
        assert_false(legalize(fix, f, &t, &diag));
        assert_string_equal(dv_diag_first(&diag)->text, cases[i].message);
    }
}

/* Each instruction becomes the same, however many there are. */
static void test_linear(void **state)
{
    u32 lengths[3];
    for (u32 k = 0; k < 3; k++) {
        Fixture *fix = *state;
        TextBuf text;
        ClifFile file = {0};
        Diag diag;
        dv_text_init(&text, &fix->arena);
        dv_text_str(&text, "function %f(i128) -> i128 {\nblock0(v0: i128):\n");
        for (u32 i = 0; i < 5000 * (k + 1); i++) {
            dv_text_printf(&text, "v%u = iadd v%u, v0\n", i + 1, i);
        }
        dv_text_printf(&text, "return v%u\n}\n", 5000 * (k + 1));
        parse_text(fix, text.data, &file);
        assert_true(legalize(fix, &file.funcs.data[0]->func, &text_targets[0], &diag));
        lengths[k] = file.funcs.data[0]->func.insts.len;
    }
    assert_int_equal(lengths[2] - lengths[1], lengths[1] - lengths[0]);
    assert_true(lengths[0] < 5000 * 12);
}

/* New instructions come from where the old one did. */
static void test_srclocs(void **state)
{
    static const char text[] = "function %f(i128, i128) -> i128 {\nblock0(v0: i128, v1: i128):\n"
                               "@0012 v2 = iadd v0, v1\n@0034 v3 = umin v2, v1\nreturn v3\n}\n";
    ClifFile file = {0};
    Diag diag;
    parse_text(*state, text, &file);
    Func *f = &file.funcs.data[0]->func;
    assert_true(legalize(*state, f, &text_targets[2], &diag));
    u32 last = 0x12, count = 0;
    for (Inst i = dv_block(f, f->first_block)->first; dv_inst_next(f, i).id != ENTITY_NONE;
         i = dv_inst_next(f, i)) {
        assert_true(dv_srcloc(f, i) == 0x12 || dv_srcloc(f, i) == 0x34);
        assert_true(dv_srcloc(f, i) >= last);
        last = dv_srcloc(f, i);
        count++;
    }
    assert_true(count > 8 && last == 0x34);
}

static void test_every_rule(void **state)
{
    (void)state;
    u32 missed = 0;
    for (u32 i = 0; i < dv_legal_rule_count; i++) {
        if (rule_hits[i] == 0) {
            print_error("%s was never used\n", dv_legal_rule_names[i]);
            missed++;
        }
    }
    assert_int_equal(missed, 0);
}

int main(void)
{
    dv_rng_seed(&rng, 1);
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_words),       UNIT_TEST(test_i64),    UNIT_TEST(test_poor),
        UNIT_TEST(test_big_endian),  UNIT_TEST(test_isas),   UNIT_TEST(test_all_but_one),
        UNIT_TEST(test_branches),    UNIT_TEST(test_loop),   UNIT_TEST(test_renaming),
        UNIT_TEST(test_unsupported), UNIT_TEST(test_linear), UNIT_TEST(test_srclocs),
        UNIT_TEST(test_every_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
