/* emit_def.c - expression-bodied helpers as C functions, and evaluated on constants.
 *
 * In C a value of at most 64 bits is a u64 whose bits above its width are zero, a wider one a U128. Most operators are
 * a row of a table with an expression for each of the two; those that change width are written out. Letters of the
 * expressions: A B C operands, M mask of the result's width, W the width of the first operand, Q what it lacks to 128,
 * S its sign bit, L the width as a U128, Z zero as a U128. */
#include "back.h"

typedef struct DefTemplate {
    IsleSpecOp op;
    const char *narrow;
    const char *wide;
} DefTemplate;

#define WIDE_MOD "(u32)dv_u128_sub(B, dv_u128_mul(dv_u128_udivrem(B, L, NULL), L)).lo"

static const DefTemplate templates[] = {
    {SPECOP_and, "A & B", NULL},
    {SPECOP_or, "A | B", NULL},
    {SPECOP_not, "A ^ 1", NULL},
    {SPECOP_eq, "A == B", "dv_u128_eq(A, B)"},
    {SPECOP_bvnot, "~A & M", "dv_u128_and(dv_u128_not(A), M)"},
    {SPECOP_bvneg, "(0 - A) & M", "dv_u128_and(dv_u128_neg(A), M)"},
    {SPECOP_bvand, "A & B", "dv_u128_and(A, B)"},
    {SPECOP_bvor, "A | B", "dv_u128_or(A, B)"},
    {SPECOP_bvxor, "A ^ B", "dv_u128_xor(A, B)"},
    {SPECOP_bvadd, "(A + B) & M", "dv_u128_and(dv_u128_add(A, B), M)"},
    {SPECOP_add, "(A + B) & M", "dv_u128_and(dv_u128_add(A, B), M)"},
    {SPECOP_bvsub, "(A - B) & M", "dv_u128_and(dv_u128_sub(A, B), M)"},
    {SPECOP_sub, "(A - B) & M", "dv_u128_and(dv_u128_sub(A, B), M)"},
    {SPECOP_bvmul, "(A * B) & M", "dv_u128_and(dv_u128_mul(A, B), M)"},
    {SPECOP_mul, "(A * B) & M", "dv_u128_and(dv_u128_mul(A, B), M)"},
    {SPECOP_bvudiv, "B == 0 ? M : A / B", "dv_u128_is_zero(B) ? M : dv_u128_udivrem(A, B, NULL)"},
    {SPECOP_bvurem, "B == 0 ? A : A % B",
     "dv_u128_is_zero(B) ? A : dv_u128_sub(A, dv_u128_mul(dv_u128_udivrem(A, B, NULL), B))"},
    {SPECOP_bvshl, "B < W ? (A << B) & M : 0",
     "dv_u128_ult(B, L) ? dv_u128_and(dv_u128_shl(A, (u32)B.lo), M) : Z"},
    {SPECOP_bvlshr, "B < W ? A >> B : 0", "dv_u128_ult(B, L) ? dv_u128_lshr(A, (u32)B.lo) : Z"},
    {SPECOP_bvashr, "(B < W ? A >> B : 0) | ((A & S) == 0 ? 0 : B < W ? M & ~(M >> B) : M)",
     "dv_u128_and(dv_u128_ashr(dv_u128_ashr(dv_u128_shl(A, Q), Q), "
     "dv_u128_ult(B, L) ? (u32)B.lo : 127), M)"},
    {SPECOP_bvule, "A <= B", "!dv_u128_ult(B, A)"},
    {SPECOP_bvult, "A < B", "dv_u128_ult(A, B)"},
    {SPECOP_bvugt, "A > B", "dv_u128_ult(B, A)"},
    {SPECOP_bvuge, "A >= B", "!dv_u128_ult(A, B)"},
    {SPECOP_bvsle, "(A ^ S) <= (B ^ S)", "!dv_u128_slt(dv_u128_shl(B, Q), dv_u128_shl(A, Q))"},
    {SPECOP_bvslt, "(A ^ S) < (B ^ S)", "dv_u128_slt(dv_u128_shl(A, Q), dv_u128_shl(B, Q))"},
    {SPECOP_bvsgt, "(A ^ S) > (B ^ S)", "dv_u128_slt(dv_u128_shl(B, Q), dv_u128_shl(A, Q))"},
    {SPECOP_bvsge, "(A ^ S) >= (B ^ S)", "!dv_u128_slt(dv_u128_shl(A, Q), dv_u128_shl(B, Q))"},
    {SPECOP_rotl, "(A << (B % W) | A >> ((W - B % W) % W)) & M",
     "dv_u128_and(dv_u128_or(dv_u128_shl(A, " WIDE_MOD "), dv_u128_lshr(A, (W - " WIDE_MOD
     ") % W)), M)"},
    {SPECOP_rotr, "(A >> (B % W) | A << ((W - B % W) % W)) & M",
     "dv_u128_and(dv_u128_or(dv_u128_lshr(A, " WIDE_MOD "), dv_u128_shl(A, (W - " WIDE_MOD
     ") % W)), M)"},
    {SPECOP_popcnt, "dv_popcount64(A)", "dv_u128_from_u64(dv_u128_popcount(A))"},
    {SPECOP_clz, "dv_clz64(A) - (64 - W)", "dv_u128_from_u64(dv_u128_clz(A) - (128 - W))"},
};

static U128 mask_of(u32 bits)
{
    return dv_u128_lshr(dv_u128_not((U128){0, 0}), 128 - bits);
}

static bool is_wide(u32 bits)
{
    return bits > 64;
}

/* A number as C text, u64 or U128 by width. */
static const char *number_text(Isle *isle, U128 x, u32 bits)
{
    if (is_wide(bits)) {
        return dv_arena_printf(
            isle->arena, "((U128){UINT64_C(0x%" PRIx64 "), UINT64_C(0x%" PRIx64 ")})", x.lo, x.hi);
    }
    return dv_arena_printf(isle->arena, "UINT64_C(%s%" PRIx64 ")", x.lo < 10 ? "" : "0x", x.lo);
}

bool dv_isle_defs_use_bits(const Isle *isle)
{
    for (u32 i = 0; i < isle->defs.len; i++) {
        const IsleDef *def = &vec_at(&isle->defs, i);
        for (u32 j = 0; j < def->steps.len; j++) {
            const IsleDefStep *step = &vec_at(&def->steps, j);
            if (step->kind == DEFSTEP_OP && step->op == SPECOP_bits) {
                return true;
            }
        }
    }
    return false;
}

typedef struct DefEmitter {
    Isle *isle;
    const IsleOptions *options;
    const IsleDef *def;
    const char **texts; /* by step */
} DefEmitter;

static const char *fill_template(DefEmitter *emitter, const char *template, const IsleDefStep *step)
{
    Isle *isle = emitter->isle;
    u32 width = vec_at(&emitter->def->steps, step->args[0]).bits;
    TextBuf text;
    dv_text_init(&text, isle->arena);
    bool is_in_name = false;
    for (const char *p = template; *p != '\0'; p++) {
        bool is_letter = *p >= 'A' && *p <= 'Z' && !is_in_name;
        is_in_name = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9' && is_in_name) ||
                     *p == '_' || (is_in_name && *p >= 'A' && *p <= 'Z');
        if (is_letter && strncmp(p, "NULL", 4) == 0) {
            dv_text_str(&text, "NULL");
            p += 3;
        } else if (!is_letter) {
            dv_text_char(&text, *p);
        } else if (*p <= 'C') {
            dv_text_str(&text, emitter->texts[step->args[*p - 'A']]);
        } else if (*p == 'M') {
            dv_text_str(&text, number_text(isle, mask_of(step->bits), step->bits));
        } else if (*p == 'W') {
            dv_text_printf(&text, "%uu", width);
        } else if (*p == 'Q') {
            dv_text_printf(&text, "%uu", 128 - width);
        } else if (*p == 'S') {
            dv_text_str(&text, number_text(isle, dv_u128_shl((U128){1, 0}, width - 1), width));
        } else {
            dv_text_printf(&text, "((U128){%u, 0})", *p == 'L' ? width : 0);
        }
    }
    return text.data;
}

/* An operand as a U128. */
static const char *wide_text(DefEmitter *emitter, u32 arg)
{
    const char *text = emitter->texts[arg];
    bool is_already = is_wide(vec_at(&emitter->def->steps, arg).bits);
    return is_already ? text : dv_arena_printf(emitter->isle->arena, "dv_u128_from_u64(%s)", text);
}

/* An expression of type U128 cut to the step's width. */
static const char *cut_text(DefEmitter *emitter, const char *wide, u32 bits)
{
    Arena *arena = emitter->isle->arena;
    const char *mask = number_text(emitter->isle, mask_of(bits), bits);
    if (is_wide(bits)) {
        return dv_arena_printf(arena, "dv_u128_and(%s, %s)", wide, mask);
    }
    return dv_arena_printf(arena, "%s.lo & %s", wide, mask);
}

/* Operators that change the width, through U128 where one side is wide. */
static const char *resize_text(DefEmitter *emitter, const IsleDefStep *step)
{
    Arena *arena = emitter->isle->arena;
    const char *a = emitter->texts[step->args[0]];
    u32 from = vec_at(&emitter->def->steps, step->args[0]).bits;
    bool is_any_wide = is_wide(from) || is_wide(step->bits);
    const char *wide = wide_text(emitter, step->args[0]);
    switch (step->op) {
    case SPECOP_extract:
        return is_any_wide
                   ? cut_text(emitter,
                              dv_arena_printf(arena, "dv_u128_lshr(%s, %u)", wide, step->extra[1]),
                              step->bits)
                   : dv_arena_printf(arena, "%s >> %u & %s", a, step->extra[1],
                                     number_text(emitter->isle, mask_of(step->bits), step->bits));
    case SPECOP_concat: {
        const char *b = emitter->texts[step->args[1]];
        u32 low = vec_at(&emitter->def->steps, step->args[1]).bits;
        if (!is_wide(step->bits)) {
            return dv_arena_printf(arena, "%s << %u | %s", a, low, b);
        }
        return dv_arena_printf(arena, "dv_u128_or(dv_u128_shl(%s, %u), %s)", wide, low,
                               wide_text(emitter, step->args[1]));
    }
    case SPECOP_sign_ext:
        if (!is_any_wide) {
            return fill_template(emitter, "((A ^ S) - S) & M", step);
        }
        wide = dv_arena_printf(arena, "dv_u128_ashr(dv_u128_shl(%s, %u), %u)", wide, 128 - from,
                               128 - from);
        return cut_text(emitter, wide, step->bits);
    default: /* zero_ext, trunc */
        return is_any_wide ? cut_text(emitter, wide, step->bits)
                           : fill_template(emitter, "A & M", step);
    }
}

static const char *op_text(DefEmitter *emitter, const IsleDefStep *step)
{
    if (step->op == SPECOP_bits) {
        return dv_arena_printf(emitter->isle->arena, "%s_type_bits(ctx, a%u)",
                               emitter->options->prefix, step->param);
    }
    if (step->op == SPECOP_if) {
        return fill_template(emitter, "A != 0 ? B : C", step);
    }
    for (u32 i = 0; i < ARRAY_LEN(templates); i++) {
        if (templates[i].op == step->op) {
            bool wide = is_wide(vec_at(&emitter->def->steps, step->args[0]).bits);
            return fill_template(emitter, wide ? templates[i].wide : templates[i].narrow, step);
        }
    }
    return resize_text(emitter, step);
}

static const char *param_text(DefEmitter *emitter, const IsleDefStep *step)
{
    Arena *arena = emitter->isle->arena;
    if (step->bits == 64 || step->bits > 64) {
        return dv_arena_printf(arena, step->bits == 64 ? "(u64)a%u" : "a%u", step->param);
    }
    return dv_arena_printf(arena, "(u64)a%u & %s", step->param,
                           number_text(emitter->isle, mask_of(step->bits), step->bits));
}

void dv_isle_emit_def(Isle *isle, const IsleOptions *options, const IsleDef *def, TextBuf *out)
{
    const IsleTermInfo *term = isle_term(isle, def->term);
    DefEmitter emitter = {isle, options, def,
                          ARENA_ARRAY(isle->arena, const char *, def->steps.len + 1)};
    bool *is_used = ARENA_ARRAY(isle->arena, bool, term->args.len + 1);
    bool uses_context = false;
    for (u32 i = 0; i < def->steps.len; i++) {
        const IsleDefStep *step = &vec_at(&def->steps, i);
        bool is_bits = step->kind == DEFSTEP_OP && step->op == SPECOP_bits;
        uses_context = uses_context || is_bits;
        if (is_bits || step->kind == DEFSTEP_PARAM) {
            is_used[step->param] = true;
        }
    }
    dv_isle_c_constructor_prototype(isle, options, def->term, out);
    dv_text_printf(out, "\n{\n%s", uses_context ? "" : "    (void)ctx;\n");
    for (u32 i = 0; i < term->args.len; i++) {
        if (!is_used[i]) {
            dv_text_printf(out, "    (void)a%u;\n", i);
        }
    }
    for (u32 i = 0; i < def->steps.len; i++) {
        const IsleDefStep *step = &vec_at(&def->steps, i);
        if (step->kind == DEFSTEP_INT) {
            emitter.texts[i] = number_text(isle, step->literal, step->bits);
            continue;
        }
        const char *text =
            step->kind == DEFSTEP_PARAM ? param_text(&emitter, step) : op_text(&emitter, step);
        emitter.texts[i] = dv_arena_printf(isle->arena, "t%u", i);
        bool needs_wide =
            step->kind == DEFSTEP_OP && step->op == SPECOP_bits && is_wide(step->bits);
        dv_text_printf(out,
                       needs_wide ? "    const %s t%u = dv_u128_from_u64(%s);\n"
                                  : "    const %s t%u = %s;\n",
                       is_wide(step->bits) ? "U128" : "u64", i, text);
    }
    const char *result = emitter.texts[def->steps.len - 1];
    if (isle_is_bool(isle, term->ret)) {
        dv_text_printf(out, "    return %s != 0;\n}\n\n", result);
    } else if (isle_type(isle, term->ret)->int_bits > 64) {
        dv_text_printf(out, "    return %s;\n}\n\n", result);
    } else {
        dv_text_printf(out, "    return (%s)%s;\n}\n\n", dv_isle_c_type(isle, term->ret), result);
    }
}

/* ---- evaluation ------------------------------------------------------------------------------------------------ */

static U128 sign_extend(U128 x, u32 bits)
{
    return dv_u128_ashr(dv_u128_shl(x, 128 - bits), 128 - bits);
}

static U128 truth(bool x)
{
    return (U128){x, 0};
}

static bool compare(IsleSpecOp op, U128 a, U128 b, u32 bits)
{
    U128 x = sign_extend(a, bits);
    U128 y = sign_extend(b, bits);
    switch (op) {
    case SPECOP_eq:
        return dv_u128_eq(a, b);
    case SPECOP_bvule:
        return !dv_u128_ult(b, a);
    case SPECOP_bvult:
        return dv_u128_ult(a, b);
    case SPECOP_bvugt:
        return dv_u128_ult(b, a);
    case SPECOP_bvuge:
        return !dv_u128_ult(a, b);
    case SPECOP_bvsle:
        return !dv_u128_slt(y, x);
    case SPECOP_bvslt:
        return dv_u128_slt(x, y);
    case SPECOP_bvsgt:
        return dv_u128_slt(y, x);
    default:
        return !dv_u128_slt(x, y);
    }
}

/* Shifts and rotations of a value of `bits` bits. */
static U128 eval_shift(IsleSpecOp op, U128 a, U128 b, u32 bits)
{
    U128 width = {bits, 0};
    U128 rest;
    bool is_small = dv_u128_ult(b, width);
    dv_u128_udivrem(b, width, &rest);
    u32 turn = (u32)rest.lo;
    u32 back = (bits - turn) % bits;
    switch (op) {
    case SPECOP_bvshl:
        return is_small ? dv_u128_shl(a, turn) : (U128){0, 0};
    case SPECOP_bvlshr:
        return is_small ? dv_u128_lshr(a, turn) : (U128){0, 0};
    case SPECOP_bvashr:
        return dv_u128_ashr(sign_extend(a, bits), is_small ? turn : 127);
    case SPECOP_rotl:
        return dv_u128_or(dv_u128_shl(a, turn), dv_u128_lshr(a, back));
    default:
        return dv_u128_or(dv_u128_lshr(a, turn), dv_u128_shl(a, back));
    }
}

static U128 eval_arithmetic(const IsleDefStep *step, U128 a, U128 b, u32 bits)
{
    U128 rest;
    switch (step->op) {
    case SPECOP_bvnot:
    case SPECOP_not:
        return dv_u128_not(a);
    case SPECOP_bvneg:
        return dv_u128_neg(a);
    case SPECOP_bvand:
    case SPECOP_and:
        return dv_u128_and(a, b);
    case SPECOP_bvor:
    case SPECOP_or:
        return dv_u128_or(a, b);
    case SPECOP_bvxor:
        return dv_u128_xor(a, b);
    case SPECOP_bvadd:
    case SPECOP_add:
        return dv_u128_add(a, b);
    case SPECOP_bvsub:
    case SPECOP_sub:
        return dv_u128_sub(a, b);
    case SPECOP_bvmul:
    case SPECOP_mul:
        return dv_u128_mul(a, b);
    case SPECOP_bvudiv:
        return dv_u128_is_zero(b) ? dv_u128_not(b) : dv_u128_udivrem(a, b, NULL);
    case SPECOP_bvurem:
        if (dv_u128_is_zero(b)) {
            return a;
        }
        dv_u128_udivrem(a, b, &rest);
        return rest;
    case SPECOP_popcnt:
        return (U128){dv_u128_popcount(a), 0};
    case SPECOP_clz:
        return (U128){dv_u128_clz(a) - (128 - bits), 0};
    default:
        return eval_shift(step->op, a, b, bits);
    }
}

static U128 eval_op(const IsleDef *def, const IsleDefStep *step, const U128 *values)
{
    U128 a = values[step->args[0]];
    U128 b = step->arg_count > 1 ? values[step->args[1]] : (U128){0, 0};
    u32 bits = vec_at(&def->steps, step->args[0]).bits;
    switch (step->op) {
    case SPECOP_if:
        return dv_u128_is_zero(a) ? values[step->args[2]] : b;
    case SPECOP_extract:
        return dv_u128_lshr(a, step->extra[1]);
    case SPECOP_concat:
        return dv_u128_or(dv_u128_shl(a, vec_at(&def->steps, step->args[1]).bits), b);
    case SPECOP_sign_ext:
        return sign_extend(a, bits);
    case SPECOP_zero_ext:
    case SPECOP_trunc:
        return a;
    default:
        break;
    }
    bool is_comparison =
        step->op == SPECOP_eq || (step->op >= SPECOP_bvule && step->op <= SPECOP_bvsge);
    return is_comparison ? truth(compare(step->op, a, b, bits)) : eval_arithmetic(step, a, b, bits);
}

U128 dv_isle_eval_def(const Isle *isle, const IsleDef *def, const U128 *args)
{
    U128 *values = ARENA_ARRAY(isle->arena, U128, def->steps.len);
    for (u32 i = 0; i < def->steps.len; i++) {
        const IsleDefStep *step = &vec_at(&def->steps, i);
        if (step->kind == DEFSTEP_INT) {
            values[i] = step->literal;
        } else if (step->kind == DEFSTEP_PARAM || step->op == SPECOP_bits) {
            values[i] = args[step->param];
        } else {
            values[i] = eval_op(def, step, values);
        }
        values[i] = dv_u128_and(values[i], mask_of(step->bits));
    }
    return values[def->steps.len - 1];
}
