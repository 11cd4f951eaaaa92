/* test_interp_ops.c - every operation on values alone, in every dispatch form, against the evaluator of the IR:
 * on corner operands and random ones.
 *
 * An operation's name tells what it means: a stem, of which the list below says what it is in the IR, behind
 * br_if_, xselect_ or loop_ if the comparison decides something, before _i8 _i16 _i32 if the second operand is a
 * constant, and _acc or _accb. An operation that is neither understood so nor among those that other tests are for
 * fails the test.
 */
#include "interp_testing.h"

#include "base/rng.h"
#include "base/softfloat.h"
#include "codegen/ir/eval.h"

/* ---- what stems mean ---- */

typedef struct Meaning {
    const char *stem;
    u16 op;      /* Op of the IR */
    u8 aux;      /* condition */
    bool flip;   /* the operands change places */
    bool negate; /* of a comparison */
    u8 type;     /* controlling */
    u8 result;   /* type; 0: the controlling one */
    u8 args[3];
} Meaning;

#define INT1(x, name) \
    {x "32", OP_##name, .type = TYPE_I32, .args = {TYPE_I32}}, \
    { \
        x "64", OP_##name, .type = TYPE_I64, .args = { TYPE_I64 } \
    }
#define INT2(x, name) \
    {x "32", OP_##name, .type = TYPE_I32, .args = {TYPE_I32, TYPE_I32}}, \
    { \
        x "64", OP_##name, .type = TYPE_I64, .args = { TYPE_I64, TYPE_I64 } \
    }
#define INT2_SIGNED(x, name) \
    {x "32_s", OP_s##name, .type = TYPE_I32, .args = {TYPE_I32, TYPE_I32}}, \
        {x "32_u", OP_u##name, .type = TYPE_I32, .args = {TYPE_I32, TYPE_I32}}, \
        {x "64_s", OP_s##name, .type = TYPE_I64, .args = {TYPE_I64, TYPE_I64}}, \
    { \
        x "64_u", OP_u##name, .type = TYPE_I64, .args = { TYPE_I64, TYPE_I64 } \
    }
#define SHIFT(x, name) \
    {x "32", OP_##name, .type = TYPE_I32, .args = {TYPE_I32, TYPE_I32}}, \
    { \
        x "64", OP_##name, .type = TYPE_I64, .args = { TYPE_I64, TYPE_I32 } \
    }
#define COMPARE(x, cc) \
    {"x" x "32",       OP_icmp,           INTCC_##cc, \
     .type = TYPE_I32, .result = TYPE_I8, .args = {TYPE_I32, TYPE_I32}}, \
    { \
        "x" x "64", OP_icmp, INTCC_##cc, .type = TYPE_I64, .result = TYPE_I8, .args = { \
            TYPE_I64, \
            TYPE_I64 \
        } \
    }
#define FLOAT(x, name, ...) \
    {x "32", OP_##name, .type = TYPE_F32, .args = {__VA_ARGS__}}, \
    { \
        x "64", OP_##name, .type = TYPE_F64, .args = { __VA_ARGS__ } \
    }
#define FLOAT_COMPARE(x, cc, not ) \
    {x "32", \
     OP_fcmp, \
     FLOATCC_##cc, \
     .negate = not, \
     .type = TYPE_F32, \
     .result = TYPE_I8, \
     .args = {TYPE_F32, TYPE_F32}}, \
    { \
        x "64", OP_fcmp, FLOATCC_##cc, .negate = not, .type = TYPE_F64, .result = TYPE_I8, \
                                       .args = { \
                                           TYPE_F64, \
                                           TYPE_F64 \
                                       } \
    }
#define CONVERT(x, name, to, from) \
    { \
        x, OP_##name, .type = TYPE_##to, .args = { TYPE_##from } \
    }
#define WIDE(x, name) \
    { \
        x, OP_##name, .type = TYPE_I128, .args = { TYPE_I128, TYPE_I128 } \
    }
#define FLOAT_INT(f) \
    CONVERT("f" #f "_from_x32_s", fcvt_from_sint, F##f, I32), \
        CONVERT("f" #f "_from_x64_s", fcvt_from_sint, F##f, I64), \
        CONVERT("f" #f "_from_x32_u", fcvt_from_uint, F##f, I32), \
        CONVERT("f" #f "_from_x64_u", fcvt_from_uint, F##f, I64), \
        CONVERT("x32_from_f" #f "_s", fcvt_to_sint, I32, F##f), \
        CONVERT("x32_from_f" #f "_u", fcvt_to_uint, I32, F##f), \
        CONVERT("x64_from_f" #f "_s", fcvt_to_sint, I64, F##f), \
        CONVERT("x64_from_f" #f "_u", fcvt_to_uint, I64, F##f), \
        CONVERT("x32_from_f" #f "_s_sat", fcvt_to_sint_sat, I32, F##f), \
        CONVERT("x32_from_f" #f "_u_sat", fcvt_to_uint_sat, I32, F##f), \
        CONVERT("x64_from_f" #f "_s_sat", fcvt_to_sint_sat, I64, F##f), \
        CONVERT("x64_from_f" #f "_u_sat", fcvt_to_uint_sat, I64, F##f)

/* In FLOAT: an operand of the controlling type. */
enum { SAME = 255 };

static const Meaning meanings[] = {
    INT2("xadd", iadd),
    INT2("xsub", isub),
    INT2("xmul", imul),
    INT2("xband", band),
    INT2("xbor", bor),
    INT2("xbxor", bxor),
    SHIFT("xshl", ishl),
    SHIFT("xshru", ushr),
    SHIFT("xshrs", sshr),
    SHIFT("xrotl", rotl),
    SHIFT("xrotr", rotr),
    {"xrsub32", OP_isub, .flip = true, .type = TYPE_I32, .args = {TYPE_I32, TYPE_I32}},
    {"xrsub64", OP_isub, .flip = true, .type = TYPE_I64, .args = {TYPE_I64, TYPE_I64}},
    COMPARE("eq", eq),
    COMPARE("neq", ne),
    COMPARE("slt", slt),
    COMPARE("slteq", sle),
    COMPARE("sgt", sgt),
    COMPARE("sgteq", sge),
    COMPARE("ult", ult),
    COMPARE("ulteq", ule),
    COMPARE("ugt", ugt),
    COMPARE("ugteq", uge),
    INT1("xneg", ineg),
    INT1("xabs", iabs),
    INT2_SIGNED("xdiv", div),
    INT2_SIGNED("xrem", rem),
    INT2_SIGNED("xmulhi", mulhi),
    INT2_SIGNED("xmin", min),
    INT2_SIGNED("xmax", max),
    INT1("xclz", clz),
    INT1("xctz", ctz),
    INT1("xcls", cls),
    INT1("xpopcnt", popcnt),
    INT1("bitrev", bitrev),
    INT1("bswap", bswap),
    CONVERT("bswap16", bswap, I16, I16),
    CONVERT("zext8_32", uextend, I32, I8),
    CONVERT("zext8_64", uextend, I64, I8),
    CONVERT("zext16_32", uextend, I32, I16),
    CONVERT("zext16_64", uextend, I64, I16),
    CONVERT("zext32", uextend, I64, I32),
    CONVERT("sext8_32", sextend, I32, I8),
    CONVERT("sext8_64", sextend, I64, I8),
    CONVERT("sext16_32", sextend, I32, I16),
    CONVERT("sext16_64", sextend, I64, I16),
    CONVERT("sext32", sextend, I64, I32),
    {"xselect", OP_select, .type = TYPE_I64, .args = {TYPE_I32, TYPE_I64, TYPE_I64}},
    {"xselect64", OP_select, .type = TYPE_I64, .args = {TYPE_I64, TYPE_I64, TYPE_I64}},
    INT2("xadd_trap_", uadd_overflow_trap),
    WIDE("xadd128", iadd),
    WIDE("xsub128", isub),
    WIDE("xmul128", imul),
    {"xshl128", OP_ishl, .type = TYPE_I128, .args = {TYPE_I128, TYPE_I32}},
    {"xshru128", OP_ushr, .type = TYPE_I128, .args = {TYPE_I128, TYPE_I32}},
    {"xshrs128", OP_sshr, .type = TYPE_I128, .args = {TYPE_I128, TYPE_I32}},
    FLOAT("fadd", fadd, SAME, SAME),
    FLOAT("fsub", fsub, SAME, SAME),
    FLOAT("fmul", fmul, SAME, SAME),
    FLOAT("fdiv", fdiv, SAME, SAME),
    FLOAT("fneg", fneg, SAME),
    FLOAT("fabs", fabs, SAME),
    FLOAT("fsqrt", sqrt, SAME),
    FLOAT("fceil", ceil, SAME),
    FLOAT("ffloor", floor, SAME),
    FLOAT("ftrunc", trunc, SAME),
    FLOAT("fnearest", nearest, SAME),
    FLOAT("fmin", fmin, SAME, SAME),
    FLOAT("fmax", fmax, SAME, SAME),
    FLOAT("fcopysign", fcopysign, SAME, SAME),
    FLOAT("fma", fma, SAME, SAME, SAME),
    FLOAT_COMPARE("feq", eq, false),
    FLOAT_COMPARE("fneq", ne, false),
    FLOAT_COMPARE("flt", lt, false),
    FLOAT_COMPARE("flteq", le, false),
    FLOAT_COMPARE("fnlt", lt, true),
    FLOAT_COMPARE("fnlteq", le, true),
    FLOAT_COMPARE("funo", uno, false),
    FLOAT_INT(32),
    FLOAT_INT(64),
    CONVERT("f64_from_f32", fpromote, F64, F32),
    CONVERT("f32_from_f64", fdemote, F32, F64),
    CONVERT("f32_from_f16", fpromote, F32, F16),
    CONVERT("f64_from_f16", fpromote, F64, F16),
    CONVERT("f16_from_f32", fdemote, F16, F32),
    CONVERT("f16_from_f64", fdemote, F16, F64),
};

static const Meaning *find_meaning(const char *stem)
{
    for (usize i = 0; i < ARRAY_LEN(meanings); i++) {
        if (strcmp(meanings[i].stem, stem) == 0) {
            return &meanings[i];
        }
    }
    return NULL;
}

static Type arg_type(const Meaning *m, u32 i)
{
    return m->args[i] == SAME ? m->type : m->args[i];
}

/* The meaning applied to operands of up to 128 bits. Gives the trap. */
static u32 apply(const Meaning *m, const U128 *args, U128 *result)
{
    u8 bytes[3][16];
    u8 out[16] = {0};
    u32 count = 0;
    while (count < 3 && m->args[count] != 0) {
        store_le128(bytes[count], args[count]);
        count++;
    }
    u32 first = m->flip ? 1 : 0;
    EvalOp e = {
        .op = (Op)m->op,
        .type = m->type,
        .aux = m->aux,
        .num_args = count,
        .trap = 9,
        .arg_types = {arg_type(m, 0), arg_type(m, 1), arg_type(m, 2)},
        .args = {bytes[first], bytes[1 - first], bytes[2]},
        .result_types = {m->result == 0 ? m->type : m->result},
        .results = {out},
    };
    u32 trap = (u32)dv_eval_op(&e);
    *result = load_le128(out);
    result->lo = m->negate ? result->lo ^ 1 : result->lo;
    return trap;
}

/* ---- what operations mean ---- */

typedef enum Kind {
    KIND_VALUE,
    KIND_WIDE,     /* operands and result in pairs of slots */
    KIND_WIDE_MUL, /* result in a pair */
    KIND_BRANCH,
    KIND_TEST, /* a branch on bits */
    KIND_SELECT,
    KIND_LOOP,
    KIND_TRAP_IF,
    KIND_COPY,   /* of the operand or constant */
    KIND_COPIES, /* of several operands */
    KIND_DOUBLE
} Kind;

/* Operations that are two, one after the other. `i` and `n` are their constants, `r` is what the first gave. */
typedef struct Double {
    const char *name, *first, *second;
    char first_args[2], second_args[2];
} Double;

static const Double doubles[] = {
    {"xadd3_32", "xadd32", "xadd32", {'a', 'b'}, {'r', 'c'}},
    {"xmuladd32", "xmul32", "xadd32", {'a', 'i'}, {'r', 'b'}},
    {"xshladd32", "xshl32", "xadd32", {'a', 'n'}, {'r', 'i'}},
    {"xrotlxor32", "xrotl32", "xbxor32", {'a', 'i'}, {'r', 'b'}},
    {"xshruxor32", "xshru32", "xbxor32", {'a', 'i'}, {'r', 'b'}},
    {"xshruband32", "xshru32", "xband32", {'a', 'n'}, {'r', 'i'}},
    {"fmuladd32", "fmul32", "fadd32", {'a', 'b'}, {'r', 'c'}},
    {"fmuladd64", "fmul64", "fadd64", {'a', 'b'}, {'r', 'c'}},
    {"fmulsub64", "fmul64", "fsub64", {'a', 'b'}, {'r', 'c'}},
    {"fmulrsub64", "fmul64", "fsub64", {'a', 'b'}, {'c', 'r'}},
};

typedef struct Subject {
    PulleyOp op;
    Kind kind;
    const Meaning *meaning;
    const Double *pair;
    bool has_zero; /* the second operand is 0 */
    bool has_step; /* of a loop: it is an operand */
    bool has_imm;
    i64 imm;
} Subject;

static bool strip_front(char *name, const char *front)
{
    usize length = strlen(front);
    if (strncmp(name, front, length) != 0) {
        return false;
    }
    memmove(name, name + length, strlen(name + length) + 1);
    return true;
}

static bool strip_back(char *name, const char *back)
{
    usize length = strlen(name);
    usize cut = strlen(back);
    if (length < cut || strcmp(name + length - cut, back) != 0) {
        return false;
    }
    name[length - cut] = '\0';
    return true;
}

/* False if the name means nothing here. */
static bool understand(PulleyOp op, Subject *s)
{
    static const char *const copies[] = {"xmov", "xconst16", "xconst32", "xconst64"};
    char name[64];
    strcpy(name, dv_pulley_ops[op].name);
    *s = (Subject){.op = op, .kind = KIND_VALUE};
    (void)(strip_back(name, "_acc") || strip_back(name, "_accb"));
    for (usize i = 0; i < ARRAY_LEN(copies); i++) {
        if (strcmp(name, copies[i]) == 0) {
            s->kind = KIND_COPY;
            s->has_imm = i > 0;
            return true;
        }
    }
    s->has_imm = strip_back(name, "_i8") || strip_back(name, "_i16") || strip_back(name, "_i32");
    for (usize i = 0; i < ARRAY_LEN(doubles); i++) {
        if (strcmp(name, doubles[i].name) == 0) {
            s->kind = KIND_DOUBLE;
            s->pair = &doubles[i];
            return true;
        }
    }
    if (strcmp(name, "xmov2") == 0 || strcmp(name, "xmov3") == 0) {
        s->kind = KIND_COPIES;
        return true;
    }
    if (strip_back(name, "_uoverflow_trap")) {
        const char *width = name + 4;
        strcpy(name, strcmp(width, "32") == 0 ? "xadd_trap_32" : "xadd_trap_64");
    } else if (strncmp(name, "xwidemul64", 10) == 0) {
        s->kind = KIND_WIDE_MUL;
        strcpy(name, "xmul128");
    } else if (strip_front(name, "xselect_")) {
        memmove(name + 1, name, strlen(name) + 1);
        name[0] = 'x';
        s->kind = KIND_SELECT;
    } else if (strip_front(name, "loop")) {
        s->kind = KIND_LOOP;
        s->has_step = strip_front(name, "_add");
        s->has_zero = !strip_front(name, "_");
    } else if (strcmp(name, "br_if_band32") == 0 || strcmp(name, "br_if_not_band32") == 0) {
        s->kind = KIND_TEST;
        strcpy(name, "xband32");
    } else if (strip_front(name, "br_if")) {
        s->kind = KIND_BRANCH;
        s->has_zero = !strip_front(name, "_x") && !strip_front(name, "_f");
        if (!s->has_zero) {
            memmove(name + 1, name, strlen(name) + 1);
            name[0] = strncmp(dv_pulley_ops[op].name, "br_if_f", 7) == 0 ? 'f' : 'x';
        }
    } else if (strip_front(name, "trap_if")) {
        s->kind = KIND_TRAP_IF;
        s->has_zero = true;
    }
    if (s->has_zero) {
        bool is_not = strip_front(name, "_not");
        char width[8];
        strcpy(width, name);
        snprintf(name, sizeof name, "%s%s", is_not ? "xeq" : "xneq", width);
        /* br_if_not32 begins with br_if_n. */
    }
    s->meaning = find_meaning(name);
    if (s->meaning != NULL && s->kind == KIND_VALUE && s->meaning->type == TYPE_I128) {
        s->kind = KIND_WIDE;
    }
    return s->meaning != NULL;
}

/* ---- running one ---- */

/* Slots: d 0, e 7, a 1, b 2, c 3, x 4, y 5. What went in and what came out. */
enum { SLOTS = 8, TAKEN = 6 };

typedef struct Outcome {
    u32 trap;
    u64 slots[SLOTS];
} Outcome;

static u64 slot_of(const char *field)
{
    static const char names[] = "dabcxy";
    return field[0] == 'e' ? 7 : (u64)(strchr(names, field[0]) - names);
}

/* The operands as the meaning wants them, and what it gives. */
static void predict_value(const Subject *s, const u64 *in, Outcome *out)
{
    U128 args[3] = {{in[1], 0}, {in[2], 0}, {in[3], 0}};
    U128 result;
    if (s->has_imm) {
        args[1].lo = (u64)s->imm;
    }
    if (s->kind == KIND_WIDE) {
        args[0].hi = in[2];
        args[1] = s->meaning->args[1] == TYPE_I32 ? (U128){in[3], 0} : (U128){in[4], in[5]};
    }
    if (s->kind == KIND_WIDE_MUL) {
        bool is_signed = s->op == PULLEY_xwidemul64_s;
        args[0] = is_signed ? dv_u128_from_i64((i64)in[1]) : args[0];
        args[1] = is_signed ? dv_u128_from_i64((i64)in[2]) : args[1];
    }
    out->trap = apply(s->meaning, args, &result);
    if (out->trap != 0) {
        return;
    }
    out->slots[0] = result.lo;
    if (s->kind != KIND_VALUE) {
        out->slots[7] = result.hi;
    }
}

static void predict_choice(const Subject *s, const u64 *in, Outcome *out)
{
    U128 args[3] = {{in[1], 0}, {in[2], 0}, {0, 0}};
    U128 truth;
    if (s->kind == KIND_LOOP) {
        bool is_wide = s->meaning->args[0] == TYPE_I64;
        u64 sum = in[0] + (s->has_step ? in[1] : (u64)s->imm);
        out->slots[0] = is_wide ? sum : (u32)sum;
        args[0].lo = out->slots[0];
    }
    if (s->has_zero) {
        args[1].lo = 0;
    } else if (s->has_imm) {
        args[1].lo = (u64)s->imm;
    }
    (void)apply(s->meaning, args, &truth);
    if (s->kind == KIND_TEST) {
        bool is_not = s->op == PULLEY_br_if_not_band32_i8;
        out->slots[TAKEN] = ((u32)truth.lo != 0) != is_not;
    } else if (s->kind == KIND_SELECT) {
        out->slots[0] = truth.lo != 0 ? in[4] : in[5];
    } else if (s->kind == KIND_TRAP_IF) {
        out->trap = truth.lo != 0 ? 9 : 0;
    } else {
        out->slots[TAKEN] = truth.lo;
    }
}

enum { SHIFTED_BY = 37 }; /* the constant n */

static u64 operand_of_double(const Subject *s, char name, const u64 *in, u64 first)
{
    const char text[] = {name, '\0'};
    return name == 'r'   ? first
           : name == 'i' ? (u64)s->imm
           : name == 'n' ? SHIFTED_BY
                         : in[slot_of(text)];
}

static u64 half_of_double(const Subject *s, const char *stem, const char *names, const u64 *in,
                          u64 first)
{
    U128 args[3] = {{0, 0}, {0, 0}, {0, 0}};
    U128 result;
    args[0].lo = operand_of_double(s, names[0], in, first);
    args[1].lo = operand_of_double(s, names[1], in, first);
    (void)apply(find_meaning(stem), args, &result);
    return result.lo;
}

static void predict(const Subject *s, const u64 *in, Outcome *out)
{
    u64 first;
    out->trap = 0;
    memcpy(out->slots, in, sizeof out->slots);
    switch (s->kind) {
    case KIND_VALUE:
    case KIND_WIDE:
    case KIND_WIDE_MUL:
        predict_value(s, in, out);
        break;
    case KIND_COPY:
        out->slots[0] = s->has_imm ? (u64)s->imm : in[1];
        break;
    case KIND_COPIES:
        out->slots[0] = in[1];
        out->slots[7] = in[2];
        out->slots[4] = s->op == PULLEY_xmov3 ? in[5] : in[4];
        break;
    case KIND_DOUBLE:
        first = half_of_double(s, s->pair->first, s->pair->first_args, in, 0);
        out->slots[0] = half_of_double(s, s->pair->second, s->pair->second_args, in, first);
        break;
    default:
        predict_choice(s, in, out);
        break;
    }
}

/* Whether the operation gives a float, and this one is a NaN. */
static bool is_nan_result(const Subject *s, u64 x)
{
    u32 result = dv_pulley_ops[s->op].result;
    FloatKind kind = result == PRESULT_F32 ? FLOAT_32 : FLOAT_64;
    return (result == PRESULT_F32 || result == PRESULT_F64) &&
           dv_float_is_nan(kind, dv_u128_from_u64(x));
}

/* Whether these are the same result: only the bits that count, and any quiet NaN for a NaN. */
static bool is_same(const Subject *s, u64 got, u64 expected)
{
    static const FloatKind kinds[] = {[PRESULT_F32] = FLOAT_32, [PRESULT_F64] = FLOAT_64};
    u32 result = dv_pulley_ops[s->op].result;
    bool is_f16 = s->meaning != NULL && s->meaning->type == TYPE_F16;
    if (is_f16) {
        return (u16)got == (u16)expected;
    }
    if (result == PRESULT_F32 || result == PRESULT_F64) {
        U128 x = dv_u128_from_u64(got);
        FloatKind kind = kinds[result];
        /* Bits of a NaN are kept by operations on bits only. */
        bool keeps =
            s->meaning != NULL && (s->meaning->op == OP_fneg || s->meaning->op == OP_fabs ||
                                   s->meaning->op == OP_fcopysign);
        if (!keeps && dv_float_is_nan(kind, dv_u128_from_u64(expected))) {
            return dv_float_is_nan(kind, x) && !dv_float_is_snan(kind, x);
        }
    }
    bool is_half = result == PRESULT_X32 || result == PRESULT_F32 ||
                   (s->kind == KIND_LOOP && s->meaning->args[0] == TYPE_I32);
    return is_half ? (u32)got == (u32)expected : got == expected;
}

/* ---- programs ---- */

/* Appends what leaves slot `slot` in the accumulator of this class. */
static void put_producer(ByteBuf *code, u32 class, u64 slot)
{
    u64 fields[3] = {slot, slot, 0};
    bool big = dv_host_is_big();
    switch (class) {
    case PRESULT_X32:
        dv_pulley_encode(code, big, PULLEY_xbor32_i8, fields);
        break;
    case PRESULT_X64:
        dv_pulley_encode(code, big, PULLEY_xmov, fields);
        break;
    default:
        fields[2] = slot;
        dv_pulley_encode(code, big, class == PRESULT_F32 ? PULLEY_fcopysign32 : PULLEY_fcopysign64,
                         fields);
        break;
    }
}

static void put_subject(ByteBuf *code, const Subject *s)
{
    const PulleyShapeInfo *shape = dv_pulley_shape(s->op);
    u64 fields[PULLEY_FIELDS_MAX] = {0};
    u32 size = dv_pulley_op_size(s->op);
    for (u32 i = 0; i < shape->count; i++) {
        const PulleyField *field = &shape->fields[i];
        switch (field->role) {
        case PROLE_ACC:
            put_producer(code, PX_ACC_OF(dv_pulley_ops[s->op].effects), slot_of(field->name));
            fields[i] = slot_of(field->name);
            break;
        case PROLE_SIMM:
            fields[i] = (u64)s->imm;
            break;
        case PROLE_UIMM:
            fields[i] = SHIFTED_BY;
            break;
        case PROLE_TRAPCODE:
            fields[i] = 9;
            break;
        case PROLE_TARGET:
            fields[i] = size + 4 + 4;
            break;
        default:
            fields[i] = slot_of(field->name);
            break;
        }
    }
    dv_pulley_encode(code, dv_host_is_big(), s->op, fields);
}

/* The operation; slot 6 tells whether it branched, which leaves it as it was if the operation is none. */
static PulleyModule make_module(Fixture *f, const Subject *s)
{
    ByteBuf code;
    PulleyModule m = {.big = dv_host_is_big()};
    u64 fields[2] = {TAKEN, 0};
    dv_bytebuf_init(&code, &f->arena);
    put_subject(&code, s);
    if (s->kind == KIND_BRANCH || s->kind == KIND_TEST || s->kind == KIND_LOOP) {
        dv_pulley_encode(&code, m.big, PULLEY_xconst16, fields);
        dv_pulley_encode(&code, m.big, PULLEY_ret, fields);
        fields[1] = 1;
        dv_pulley_encode(&code, m.big, PULLEY_xconst16, fields);
    }
    dv_pulley_encode(&code, m.big, PULLEY_ret, fields);
    m.code = code.data;
    m.code_size_bytes = (u32)code.len;
    PulleyType type = {SLOTS, SLOTS};
    PulleyFunc func = {.size_bytes = (u32)code.len, .window = SLOTS};
    vec_push(&f->arena, &m.types, type);
    vec_push(&f->arena, &m.funcs, func);
    PulleyFault fault;
    assert_string_equal(verdict(f, &m, &fault), "");
    return m;
}

/* ---- operands ---- */

static const u64 corners[] = {
    0,
    1,
    2,
    3,
    7,
    31,
    32,
    33,
    63,
    64,
    127,
    128,
    255,
    0x7fff,
    0x8000,
    0xffff,
    0x7fffffff,
    0x80000000,
    0x80000001,
    0xffffffff,
    0x100000000,
    0x7fffffffffffffff,
    0x8000000000000000,
    0x8000000000000001,
    0xffffffffffffffff,
    0xffffffff80000000,
    0x5555555555555555,
    /* f32, f16 */
    0x3f800000,
    0xbf800000,
    0x3f000000,
    0xbf000000,
    0x3fc00000,
    0x40200000,
    0x7f800000,
    0xff800000,
    0x7fc00000,
    0x7f800001,
    0xffa00000,
    0x00000001,
    0x007fffff,
    0x00800000,
    0x7f7fffff,
    0x4f000000,
    0xcf000000,
    0xcf000001,
    0x4effffff,
    0x4f800000,
    0x4f7fffff,
    0x5f000000,
    0xdf000000,
    0x5f800000,
    0x5f7fffff,
    0x4b000001,
    0x3c00,
    0x7c00,
    0x7e00,
    0x7c01,
    0x0001,
    0x03ff,
    /* f64 */
    0x3ff0000000000000,
    0xbff0000000000000,
    0x3fe0000000000000,
    0xbfe0000000000000,
    0x3ff8000000000000,
    0x4004000000000000,
    0x7ff0000000000000,
    0xfff0000000000000,
    0x7ff8000000000000,
    0x7ff0000000000001,
    0xfff4000000000000,
    0x0010000000000000,
    0x000fffffffffffff,
    0x7fefffffffffffff,
    0x41e0000000000000,
    0xc1e0000000000000,
    0xc1e0000000200000,
    0xc1e00000001fffff,
    0x41dfffffffffffff,
    0x41f0000000000000,
    0x41efffffffffffff,
    0x43e0000000000000,
    0xc3e0000000000000,
    0xc3e0000000000001,
    0x43f0000000000000,
    0x43efffffffffffff,
    0xbfefffffffffffff,
    0x4330000000000001,
    0x47efffffe0000000,
    0x47effffff0000000,
    0x3690000000000000,
    0x36a0000000000000,
};

static u64 draw(Rng *rng)
{
    u64 x = dv_rng_next(rng);
    switch (x >> 60) {
    case 0:
    case 1:
    case 2:
        return dv_rng_next(rng);
    case 3:
        return dv_rng_next(rng) % 300;
    case 4: /* a corner of 32 bits below junk */
        return (dv_rng_next(rng) << 32) | (u32)corners[x % ARRAY_LEN(corners)];
    case 5:
        return corners[x % ARRAY_LEN(corners)] + (dv_rng_next(rng) % 3) - 1;
    default:
        return corners[x % ARRAY_LEN(corners)];
    }
}

static void explain(const Subject *s, const u64 *in, const Outcome *got, const Outcome *expected,
                    u32 form)
{
    fprintf(stderr, "%s, form %u, constant %lld\n", dv_pulley_ops[s->op].name, (unsigned)form,
            (long long)s->imm);
    for (u32 i = 0; i < SLOTS; i++) {
        fprintf(stderr, "  s%u: %016llx -> %016llx, not %016llx\n", (unsigned)i,
                (unsigned long long)in[i], (unsigned long long)got->slots[i],
                (unsigned long long)expected->slots[i]);
    }
    fail_msg("trap %u, not %u", (unsigned)got->trap, (unsigned)expected->trap);
}

static void check_outcome(const Subject *s, const u64 *in, const Outcome *got, u32 form)
{
    Outcome expected;
    predict(s, in, &expected);
    bool ok = got->trap == expected.trap;
    if (ok && got->trap == 0) {
        ok = is_same(s, got->slots[0], expected.slots[0]) && got->slots[7] == expected.slots[7] &&
             got->slots[TAKEN] == expected.slots[TAKEN];
    }
    if (!ok) {
        explain(s, in, got, &expected, form);
    }
}

/* The forms must agree in all slots, undefined halves included. */
static void check_operands(World **worlds, const Subject *s, const u64 *in)
{
    Outcome first = {0};
    bool has_first = false;
    FOR_FORMS(form)
    {
        World *world = worlds[form];
        Outcome got = {0};
        memcpy(got.slots, in, sizeof got.slots);
        if (call_own(world, &world->rooms[0], 0, got.slots) == INTERP_TRAPPED) {
            got.trap = dv_interp_trap(world->vm)->code;
        }
        check_outcome(s, in, &got, form);
        if (has_first && is_nan_result(s, got.slots[0]) && is_nan_result(s, first.slots[0])) {
            got.slots[0] = first.slots[0]; /* of two NaN operands a compiler may pass on either */
        }
        if (has_first && memcmp(&got, &first, sizeof got) != 0) {
            explain(s, in, &got, &first, form);
        }
        first = got;
        has_first = true;
    }
}

static void check_subject(Fixture *f, const Subject *s, Rng *rng, u32 rounds)
{
    World *worlds[INTERP_PROFILE + 1];
    PulleyModule module = make_module(f, s);
    FOR_FORMS(form)
    {
        InterpConfig config = world_config(f, (InterpForm)form);
        worlds[form] = world_open(f, &config);
        Room *room = &worlds[form]->rooms[0];
        room->module = module;
        assert_int_equal(dv_instance_new(worlds[form]->vm, &room->module, &room->instance),
                         DAVIT_OK);
    }
    for (u32 i = 0; i < rounds; i++) {
        u64 in[SLOTS];
        for (u32 k = 0; k < SLOTS; k++) {
            in[k] = draw(rng);
        }
        if (i < ARRAY_LEN(corners)) {
            in[1] = corners[i];
        }
        /* Equal operands, and a sum of zero in loops, are seldom drawn. */
        if (i % 8 == 0) {
            in[2] = in[1];
        }
        if (i % 8 == 1) {
            in[0] = s->has_zero ? (u64)0 - (u64)s->imm : in[2] - (u64)s->imm;
        }
        check_operands(worlds, s, in);
    }
    FOR_FORMS(form)
    {
        world_close(worlds[form]);
    }
}

static void check_constants(Fixture *f, Subject *s, Rng *rng)
{
    static const i64 constants[] = {0,     1,      -1,        2,         31,        32,
                                    63,    127,    -128,      -2,        32767,     -32768,
                                    65537, -65538, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    const PulleyShapeInfo *shape = dv_pulley_shape(s->op);
    const PulleyField *imm = NULL;
    for (u32 i = 0; i < shape->count; i++) {
        imm = shape->fields[i].role == PROLE_SIMM ? &shape->fields[i] : imm;
    }
    assert_true(s->has_imm == (imm != NULL) || s->kind == KIND_LOOP);
    if (imm == NULL) {
        check_subject(f, s, rng, 600);
        return;
    }
    for (usize i = 0; i < ARRAY_LEN(constants); i++) {
        s->imm = constants[i];
        if (dv_pulley_field_fits(imm, (u64)s->imm)) {
            check_subject(f, s, rng, 120);
        }
    }
}

/* ---- all of them ---- */

/* Those that touch more than slots: other tests are for them. */
static bool is_elsewhere(PulleyOp op)
{
    static const u16 others[] = {
        PULLEY_exit,
        PULLEY_spill_load,
        PULLEY_spill_store,
        PULLEY_spill_load_far,
        PULLEY_spill_store_far,
        PULLEY_jump,
        PULLEY_br_table,
        PULLEY_enter,
        PULLEY_enter_block,
        PULLEY_ret,
        PULLEY_ret_big,
        PULLEY_fuel,
        PULLEY_args_block,
        PULLEY_result_store,
        PULLEY_trap,
        PULLEY_debugtrap,
        PULLEY_nop,
        PULLEY_memory_size,
        PULLEY_memory_grow,
        PULLEY_memory_fill,
        PULLEY_memory_copy,
        PULLEY_memory_init,
        PULLEY_data_drop,
        PULLEY_table_get,
        PULLEY_table_set,
        PULLEY_table_size,
        PULLEY_table_grow,
        PULLEY_table_fill,
        PULLEY_table_copy,
        PULLEY_table_init,
        PULLEY_elem_drop,
        PULLEY_ref_func,
    };
    const PulleyOpInfo *info = &dv_pulley_ops[op];
    for (usize i = 0; i < ARRAY_LEN(others); i++) {
        if (others[i] == op) {
            return true;
        }
    }
    return (info->effects & PX_CALL) != 0 || PX_SIZE_OF(info->effects) != 0 ||
           info->group == PGROUP_RAW || info->group == PGROUP_RAW_ATOMIC ||
           info->group == PGROUP_ATOMIC;
}

static void operations_agree_with_the_evaluator(void **state)
{
    Fixture *f = *state;
    Rng rng;
    dv_rng_seed(&rng, 5);
    for (u32 op = 0; op < PULLEY_OP_COUNT; op++) {
        Subject s;
        if (is_elsewhere((PulleyOp)op)) {
            continue;
        }
        if (!understand((PulleyOp)op, &s)) {
            fail_msg("nothing says what %s means", dv_pulley_ops[op].name);
        }
        ArenaMark mark = dv_arena_mark(&f->arena);
        check_constants(f, &s, &rng);
        dv_arena_release_to(&f->arena, mark);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(operations_agree_with_the_evaluator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
