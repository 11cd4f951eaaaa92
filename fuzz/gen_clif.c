/* gen_clif.c - writes functions by walking the operation tables, each choice being a byte of the input.
 *
 * Every operation that dv_ops has is written the way its format's spelling says: each letter of the
 * spelling stands for an operand, and its row tells the types. So a new row is generated as soon as it is
 * in the table. Special cases are few: operands that would trap or fail nearly always if they were just
 * any value (addresses, divisors, handles) are mostly made fresh.
 *
 * Dominance holds by construction: an instruction uses values of its own block and of the entry block,
 * and the entry block is never a target. A value of any type can be made from nothing, so there is
 * always an operand. All functions declare the same entities, and have one of four signatures.
 */
#include "fuzz/gen_clif.h"

#include <stdio.h>

#include "codegen/ir/ir.h"

enum {
    SHAPE_COUNT = 4,
    BLOCKS_MAX = 6, /* the entry and the handler included */
    BLOCK_PARAMS_MAX = 3,
    SLOT_BYTES = 4096,
    POINTER_STEP = 16 /* all fresh addresses are multiples */
};

/* The signatures: what functions and runtime types have. */
typedef struct Shape {
    u32 num_params, num_results;
    Type params[2], results[2];
    const char *sig, *wasm;
} Shape;

static const Shape shapes[SHAPE_COUNT] = {
    {0, 0, {0}, {0}, "() tail", "()"},
    {2, 1, {TYPE_I32, TYPE_I64}, {TYPE_I32}, "(i32, i64) -> i32 tail", "(i32, i64) -> i32"},
    {2,
     2,
     {TYPE_F64, TYPE_I8X16},
     {TYPE_I64, TYPE_F32},
     "(f64, i8x16) -> i64, f32 tail",
     "(f64, v128) -> i64, f32"},
    {1, 1, {TYPE_I64}, {TYPE_I64}, "(i64) -> i64 tail", "(i64) -> i64"},
};

typedef struct GenValue {
    u32 id;
    Type type;
} GenValue;

typedef struct GenBlock {
    u32 num_params;
    Type params[BLOCK_PARAMS_MAX];
} GenBlock;

typedef struct Gen {
    const u8 *at, *end;
    const GenOptions *options;
    Arena *arena;
    TextBuf *out;
    TextBuf
        line; /* the instruction being written; those that make its operands come before it in `out` */
    u32 num_funcs;
    u8 shape_of[GEN_FUNCS_MAX];
    u32 func;
    u32 num_blocks;
    GenBlock blocks[BLOCKS_MAX]; /* the last is the handler: one address */
    u32 num_insts;
    u32 next_value;
    VEC(GenValue) values; /* of the entry block, then of the current one */
    u32 num_entry_values;
    /* of the instruction being written */
    const OpInfo *op;
    Type type;
    u32 num_values; /* written so far */
    const Shape *callee;
    u32 callee_func;
    u32 entity; /* the first memory or table named, then the second */
    u32 entity2;
    bool has_entity;
} Gen;

/* ---- Choices -------------------------------------------------------------------------------------------- */

static u32 next_byte(Gen *g)
{
    return g->at < g->end ? *g->at++ : 0;
}

/* A number below n; 0 when the bytes are used up. */
static u32 choose(Gen *g, u32 n)
{
    u32 x = next_byte(g);
    if (n > 256) {
        x |= next_byte(g) << 8;
    }
    return x % n;
}

static bool is_done(const Gen *g)
{
    return g->at == g->end;
}

/* Seldom true, and false when the bytes are used up. */
static bool dares(Gen *g)
{
    return choose(g, 16) == 15;
}

static Type address_type(const Gen *g)
{
    return g->options->address_bits == 32 ? TYPE_I32 : TYPE_I64;
}

typedef bool (*TypeTest)(const Gen *g, Type t, TypeSpec spec, Type ctrl);

/* One of the types that satisfy the test, mostly a small one. TYPE_NONE if there is none. */
static Type choose_type(Gen *g, TypeTest test, TypeSpec spec, Type ctrl)
{
    Type small[64], large[256];
    u32 num_small = 0, num_large = 0;
    for (u32 t = 1; t < 0x200; t++) {
        Type type = (Type)t;
        if (!dv_type_is_valid(type) || !test(g, type, spec, ctrl)) {
            continue;
        }
        if (type_bytes(type) <= 16 && !type_is_dynamic(type) && num_small < ARRAY_LEN(small)) {
            small[num_small++] = type;
        } else if (num_large < ARRAY_LEN(large)) {
            large[num_large++] = type;
        }
    }
    if (num_small + num_large == 0) {
        return TYPE_NONE;
    }
    if (num_small != 0 && (num_large == 0 || choose(g, 8) != 7)) {
        return small[choose(g, num_small)];
    }
    return large[choose(g, num_large)];
}

static bool in_set(const Gen *g, Type t, TypeSpec set, Type ctrl)
{
    (void)ctrl;
    return dv_typeset_has((TypeSetId)set, t) &&
           ((TypeSetId)set != SET_addr || t == address_type(g));
}

static bool fits_spec(const Gen *g, Type t, TypeSpec spec, Type ctrl)
{
    (void)g;
    return dv_typespec_matches(spec, ctrl, t);
}

static bool any_type(const Gen *g, Type t, TypeSpec spec, Type ctrl)
{
    (void)g;
    (void)spec;
    (void)ctrl;
    return t != TYPE_NONE;
}

/* ---- Values --------------------------------------------------------------------------------------------- */

static void write_type(TextBuf *out, Type type)
{
    char name[16];
    dv_text_str(out, dv_type_name(type, name));
}

static u32 add_value(Gen *g, Type type)
{
    GenValue v = {g->next_value++, type};
    vec_push(g->arena, &g->values, v);
    return v.id;
}

/* Begins "    v7 = name.type " in `out`, for an instruction that makes an operand. */
static u32 begin_fresh(Gen *g, const char *name, Type result, Type suffix)
{
    u32 id = add_value(g, result);
    dv_text_printf(g->out, "    v%u = %s.", (unsigned)id, name);
    write_type(g->out, suffix);
    dv_text_char(g->out, ' ');
    g->num_insts++;
    return id;
}

static u64 choose_int(Gen *g, u32 bits)
{
    static const u64 corners[] = {0,
                                  1,
                                  2,
                                  7,
                                  8,
                                  31,
                                  63,
                                  127,
                                  128,
                                  255,
                                  0x7fff,
                                  0x8000,
                                  0xffff,
                                  0x7fffffff,
                                  0x80000000,
                                  0xffffffff,
                                  0x7fffffffffffffff,
                                  0x8000000000000000,
                                  0xfffffffffffffffe,
                                  0xffffffffffffffff};
    u64 x = 0;
    u32 kind = choose(g, ARRAY_LEN(corners) + 4);
    if (kind < ARRAY_LEN(corners)) {
        x = corners[kind];
    } else {
        for (u32 i = 0; i < bits / 8; i++) {
            x = x << 8 | next_byte(g);
        }
    }
    return bits == 64 ? x : x & ((UINT64_C(1) << bits) - 1);
}

static u32 make_int(Gen *g, Type type, u64 x)
{
    u32 bits = type_lane_bits(type);
    if (bits == 128) {
        u32 low = make_int(g, TYPE_I64, x);
        u32 high = make_int(g, TYPE_I64, choose(g, 4) == 3 ? choose_int(g, 64) : 0);
        u32 id = begin_fresh(g, "iconcat", TYPE_I128, TYPE_I64);
        dv_text_printf(g->out, "v%u, v%u\n", (unsigned)low, (unsigned)high);
        return id;
    }
    u32 id = begin_fresh(g, "iconst", type, type);
    dv_text_printf(g->out, "0x%" PRIx64 "\n", x);
    return id;
}

static void write_hex(Gen *g, TextBuf *out, u32 bytes)
{
    dv_text_str(out, "0x");
    for (u32 i = 0; i < bytes; i++) {
        dv_text_printf(out, "%02x", (unsigned)next_byte(g));
    }
}

static const char *choose_float(Gen *g)
{
    static const char *const floats[] = {
        "0x1.8p0", "0.0", "-0.0", "0x1.0p0",   "-0x1.0p0",  "0x1.8p5",  "-0x1.4p3", "Inf",
        "-Inf",    "NaN", "-NaN", "0x1.0p-14", "-0x1.8p-1", "0x1.0p15", "sNaN:0x1", "0x1.0p-15"};
    return floats[choose(g, ARRAY_LEN(floats))];
}

static u32 make_float(Gen *g, Type type, const char *text)
{
    static const char *const names[] = {[LANE_F16] = "f16const",
                                        [LANE_F32] = "f32const",
                                        [LANE_F64] = "f64const",
                                        [LANE_F128] = "f128const"};
    u32 id = begin_fresh(g, names[type_lane(type)], type, type);
    dv_text_printf(g->out, "%s\n", text);
    return id;
}

/* Dynamic vectors are splats of a lane, so this calls itself once. */
static u32 make_value(Gen *g, Type type)
{
    if (type_is_dynamic(type)) {
        u32 lane = make_value(g, type_lane_type(type));
        u32 id = begin_fresh(g, "splat", type, type);
        dv_text_printf(g->out, "v%u\n", (unsigned)lane);
        return id;
    }
    if (type_is_vector(type)) {
        u32 id = begin_fresh(g, "vconst", type, type);
        write_hex(g, g->out, type_bytes(type) < 16 ? type_bytes(type) : 16);
        dv_text_char(g->out, '\n');
        return id;
    }
    if (type_is_float(type)) {
        return make_float(g, type, choose_float(g));
    }
    u32 bits = type_bits(type) < 64 ? type_bits(type) : 64;
    return make_int(g, type, choose_int(g, bits));
}

/* A value in sight of this type, or a fresh one. */
static u32 get_value(Gen *g, Type type)
{
    u32 count = g->values.len;
    u32 start = count == 0 ? 0 : choose(g, count > 256 ? 256 : count);
    for (u32 i = 0; i < count && i < 256; i++) {
        const GenValue *v = &g->values.data[count - 1 - (start + i) % count];
        if (v->type == type) {
            return v->id;
        }
    }
    return make_value(g, type);
}

/* An address inside of the stack slot. */
static u32 make_pointer(Gen *g)
{
    u32 offset = choose(g, 8) * POINTER_STEP;
    u32 id = begin_fresh(g, "stack_addr", address_type(g), address_type(g));
    dv_text_printf(g->out, "ss0+%u\n", (unsigned)offset);
    return id;
}

static u32 make_ref(Gen *g)
{
    u32 id = begin_fresh(g, "ref_func", TYPE_I32, TYPE_I32);
    dv_text_truncate(g->out, g->out->length - strlen(".i32 "));
    dv_text_printf(g->out, " func%u\n", (unsigned)choose(g, g->num_funcs));
    return id;
}

/* ---- Operands ------------------------------------------------------------------------------------------- */

/* Index types of the entities that every function declares. */
static Type index_type(u32 entity)
{
    return entity == 0 ? TYPE_I32 : TYPE_I64;
}

static bool is_index_spec(TypeSpec spec)
{
    return spec == TS_heap || spec == TS_heap2 || spec == TS_heapmin || spec == TS_table ||
           spec == TS_table2 || spec == TS_tablemin;
}

static Type spec_type(Gen *g, TypeSpec spec)
{
    Type first = index_type(g->entity), second = index_type(g->entity2);
    switch (spec) {
    case TS_heap:
    case TS_table:
        return first;
    case TS_heap2:
    case TS_table2:
        return second;
    case TS_heapmin:
    case TS_tablemin:
        return first == TYPE_I32 || second == TYPE_I32 ? TYPE_I32 : TYPE_I64;
    case TS_addr:
        return address_type(g);
    default:
        break;
    }
    Type type = dv_typespec_type(spec, g->type);
    return type != TYPE_NONE ? type : choose_type(g, fits_spec, spec, g->type);
}

static bool is_memory_format(Format format)
{
    return format == FORMAT_LOAD || format == FORMAT_STORE || format == FORMAT_LOAD_NO_OFFSET ||
           format == FORMAT_STORE_NO_OFFSET || format == FORMAT_ATOMIC_RMW ||
           format == FORMAT_ATOMIC_CAS;
}

/* True for i32 operands that are references. */
static bool is_ref_operand(const Gen *g, u32 n)
{
    Op op = (Op)(g->op - dv_ops);
    return (op == OP_table_set && n == 1) || (op == OP_table_grow && n == 0) ||
           (op == OP_table_fill && n == 1) || (g->op->format == FORMAT_CALL_REF && n == 0) ||
           (g->op->format == FORMAT_TRY_CALL_REF && n == 0);
}

static bool is_address_operand(const Gen *g, TypeSpec spec)
{
    if (!is_memory_format(g->op->format) || (g->op->effects & (FX_LOAD | FX_STORE)) == 0) {
        return false;
    }
    return spec == TS_addr || (g->op->set == SET_addr && spec == TS_T);
}

/* A small index; into a memory a multiple, as atomic accesses are aligned. */
static u32 make_index(Gen *g, TypeSpec spec)
{
    u64 step = g->op->set != SET_None || g->op->format == FORMAT_HEAP_NOTIFY ? POINTER_STEP : 1;
    return make_int(g, spec_type(g, spec), choose(g, 8) * step);
}

/* An operand that lets an operation that may trap go through. */
static u32 make_tame(Gen *g, Type type, u32 n)
{
    Op op = (Op)(g->op - dv_ops);
    if (op == OP_trapnz) {
        return make_int(g, type, 0);
    }
    if (type_is_float(type)) {
        return make_float(g, type, "0x1.8p0");
    }
    return n == 0 && op != OP_trapz ? get_value(g, type) : make_int(g, type, 1 + choose(g, 7));
}

static u32 get_operand(Gen *g, u32 n)
{
    TypeSpec spec = n < g->op->num_operands ? (TypeSpec)g->op->operands[n] : TS_none;
    CHECK(spec != TS_none);
    if (g->op->format == FORMAT_CALL_INDIRECT || g->op->format == FORMAT_TRY_CALL_INDIRECT) {
        u32 id = begin_fresh(g, "func_addr", address_type(g), address_type(g));
        dv_text_printf(g->out, "fn%u\n", (unsigned)g->callee_func);
        return id;
    }
    if (dares(g) && !is_address_operand(g, spec)) {
        return get_value(g, spec_type(g, spec));
    }
    if (is_address_operand(g, spec)) {
        return make_pointer(g);
    }
    if (is_index_spec(spec)) {
        return make_index(g, spec);
    }
    if (is_ref_operand(g, n)) {
        return make_ref(g);
    }
    if (g->op->format == FORMAT_MEMORY_INIT || g->op->format == FORMAT_TABLE_INIT ||
        (g->op->format == FORMAT_HEAP_ATOMIC_CAS && spec == TS_i64)) {
        return make_int(g, spec_type(g, spec), choose(g, 4));
    }
    if ((g->op->effects & FX_TRAP) != 0 && (g->op->effects & (FX_LOAD | FX_STORE)) == 0 &&
        (g->op->set != SET_None)) {
        return make_tame(g, spec_type(g, spec), n);
    }
    return get_value(g, spec_type(g, spec));
}

static void write_flags(Gen *g)
{
    static const char *const some[] = {"", "little ", "big ", "user7 ", "region0 ", "can_move "};
    if ((Op)(g->op - dv_ops) == OP_bitcast) {
        dv_text_str(&g->line, choose(g, 2) ? "little " : "big ");
        return;
    }
    dv_text_str(&g->line, some[choose(g, ARRAY_LEN(some))]);
}

static void write_trap_code(Gen *g)
{
    static const TrapCode codes[] = {1, TRAP_int_ovf, TRAP_unreachable, 199, TRAP_heap_oob};
    char name[16];
    dv_text_str(&g->line, dv_trap_name(codes[choose(g, ARRAY_LEN(codes))], name));
}

static void write_constant(Gen *g)
{
    u32 bytes = type_bytes(g->type);
    if (bytes == 16 && choose(g, 2) == 1) {
        dv_text_str(&g->line, "const0");
    } else if (type_is_float(g->type)) {
        dv_text_str(&g->line, choose_float(g));
    } else {
        write_hex(g, &g->line, bytes < 16 ? bytes : 16);
    }
}

/* The values of a call, or of a return. */
static void write_values(Gen *g, const Type *types, u32 count)
{
    u32 ids[2];
    for (u32 i = 0; i < count; i++) {
        ids[i] = get_value(g, types[i]);
    }
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(&g->line, "%sv%u", i == 0 ? "" : ", ", (unsigned)ids[i]);
    }
}

/* A block other than the entry and the handler, with an argument for each parameter. `ret` is the shape
 * whose results may be passed, or NULL. */
static void write_block_call(Gen *g, const Shape *ret)
{
    u32 number = 1 + choose(g, g->num_blocks - 2);
    const GenBlock *b = &g->blocks[number];
    char args[BLOCK_PARAMS_MAX][16];
    for (u32 i = 0; i < b->num_params; i++) {
        bool use_ret = false;
        for (u32 n = 0; ret != NULL && n < ret->num_results && !use_ret; n++) {
            use_ret = ret->results[n] == b->params[i];
            snprintf(args[i], sizeof args[i], "ret%u", (unsigned)n);
        }
        if (!use_ret) {
            snprintf(args[i], sizeof args[i], "v%u", (unsigned)get_value(g, b->params[i]));
        }
    }
    dv_text_printf(&g->line, "block%u", (unsigned)number);
    for (u32 i = 0; i < b->num_params; i++) {
        dv_text_printf(&g->line, "%s%s", i == 0 ? "(" : ", ", args[i]);
    }
    dv_text_str(&g->line, b->num_params == 0 ? "" : ")");
}

static void write_jump_table(Gen *g)
{
    u32 count = choose(g, 4);
    write_block_call(g, NULL);
    dv_text_str(&g->line, ", [");
    for (u32 i = 0; i < count; i++) {
        dv_text_str(&g->line, i == 0 ? "" : ", ");
        write_block_call(g, NULL);
    }
    dv_text_char(&g->line, ']');
}

static void write_exceptions(Gen *g)
{
    static const char *const tables[] = {"", " tag0: block%u(exn0) ", " default: block%u(exn1) ",
                                         " tag1: block%u(exn0), default: block%u(exn0) "};
    u32 handler = g->num_blocks - 1, table = choose(g, ARRAY_LEN(tables));
    dv_text_printf(&g->line, "sig%u, ", (unsigned)(g->callee - shapes));
    write_block_call(g, g->callee);
    dv_text_str(&g->line, ", [");
    for (const char *p = tables[table]; *p != '\0'; p++) {
        if (*p == '%') {
            dv_text_u64(&g->line, handler);
            p++;
        } else {
            dv_text_char(&g->line, *p);
        }
    }
    dv_text_char(&g->line, ']');
}

/* A function to call; in a tail call one with the caller's results, which it has itself. */
static void choose_callee(Gen *g)
{
    bool tail = (g->op->effects & (FX_TERM | FX_BRANCH)) == FX_TERM;
    u32 number = choose(g, g->num_funcs);
    const Shape *own = &shapes[g->shape_of[g->func]];
    for (u32 i = 0; i < g->num_funcs; i++) {
        const Shape *s = &shapes[g->shape_of[number]];
        if (!tail || (s->num_results == own->num_results &&
                      memcmp(s->results, own->results, sizeof s->results) == 0)) {
            break;
        }
        number = (number + 1) % g->num_funcs;
    }
    g->callee_func = number;
    g->callee = &shapes[g->shape_of[number]];
}

/* A memory or table: of those with the same letter in a spelling, the first and the second. */
static void write_entity(Gen *g, const char *prefix)
{
    u32 number = choose(g, 2);
    if (!g->has_entity) {
        g->entity = number;
    }
    g->entity2 = number;
    g->has_entity = true;
    dv_text_printf(&g->line, "%s%u", prefix, (unsigned)number);
}

static void write_global(Gen *g)
{
    static const Type types[] = {TYPE_I32, TYPE_F64, TYPE_I8X16, TYPE_I64};
    u32 number = 0;
    for (u32 i = 0; i < ARRAY_LEN(types); i++) {
        number = types[i] == g->type ? i : number;
    }
    dv_text_printf(&g->line, "global%u", (unsigned)number);
}

/* Letters whose operand is a word from a closed set. */
static bool write_word(Gen *g, char letter)
{
    Op op = (Op)(g->op - dv_ops);
    switch (letter) {
    case 'c':
        dv_text_str(&g->line, dv_intcc_names[choose(g, INTCC_COUNT)]);
        return true;
    case 'C':
        dv_text_str(&g->line, dv_floatcc_names[choose(g, FLOATCC_COUNT)]);
        return true;
    case 'r':
        dv_text_str(&g->line, dv_rmw_names[choose(g, RMW_COUNT)]);
        return true;
    case 't':
        write_trap_code(g);
        return true;
    case 'G':
        dv_text_str(&g->line, op == OP_tls_value ? "gv4" : "gv3");
        return true;
    case 'Y':
        dv_text_str(&g->line, "dss0");
        return true;
    case 'N':
        dv_text_printf(&g->line, "fn%u", (unsigned)g->callee_func);
        return true;
    case 'X':
        dv_text_printf(&g->line, "sig%u", (unsigned)(g->callee - shapes));
        return true;
    case 'w':
        dv_text_printf(&g->line, "type%u", (unsigned)(g->callee - shapes));
        return true;
    case 'z':
        dv_text_printf(&g->line, "func%u", (unsigned)g->callee_func);
        return true;
    case 'd':
        dv_text_str(&g->line, "data0");
        return true;
    case 'e':
        dv_text_str(&g->line, "elem0");
        return true;
    case 'm':
        write_entity(g, "heap");
        return true;
    case 'q':
        write_entity(g, "table");
        return true;
    case 'g':
        write_global(g);
        return true;
    default:
        return false;
    }
}

static void write_number(Gen *g, char letter)
{
    u32 lanes = type_is_vector(g->type) ? type_lanes(g->type) : 1;
    Op op = (Op)(g->op - dv_ops);
    switch (letter) {
    case 'i':
        dv_text_printf(&g->line, "0x%" PRIx64, choose_int(g, type_bits(g->type)));
        break;
    case 'l':
        dv_text_u64(&g->line, op == OP_extract_vector ? 0 : choose(g, lanes));
        break;
    case 'U':
        dv_text_u64(&g->line, choose(g, 100));
        break;
    case '+':
        if (choose(g, 2) == 1) {
            dv_text_printf(&g->line, "+%u", (unsigned)(choose(g, 8) * POINTER_STEP));
        }
        break;
    case '@':
        if (choose(g, 2) == 1) {
            dv_text_printf(&g->line, ", offset=%u", (unsigned)(choose(g, 8) * POINTER_STEP));
        }
        break;
    case 'L':
        dv_text_printf(&g->line, "ss0+%u", (unsigned)choose(g, SLOT_BYTES / 2));
        break;
    default:
        dv_text_str(&g->line, choose_float(g));
        break; /* H S D */
    }
}

static void write_mask(Gen *g)
{
    dv_text_str(&g->line, "0x");
    for (u32 i = 0; i < 16; i++) {
        dv_text_printf(&g->line, "%02x", (unsigned)choose(g, 32));
    }
}

static void write_throw(Gen *g)
{
    u32 tag = choose(g, 2); /* tagN has the parameters of shape N */
    dv_text_printf(&g->line, "tag%u", (unsigned)tag);
    g->callee = &shapes[tag];
}

static void write_operand(Gen *g, char letter)
{
    const Shape *own = &shapes[g->shape_of[g->func]];
    if (write_word(g, letter)) {
        return;
    }
    switch (letter) {
    case 'v': {
        u32 id = get_operand(g, g->num_values++);
        dv_text_printf(&g->line, "v%u", (unsigned)id);
        break;
    }
    case '*':
        write_values(g, own->results, own->num_results);
        break;
    case 'A':
        dv_text_char(&g->line, '(');
        write_values(g, g->callee->params, g->callee->num_params);
        dv_text_char(&g->line, ')');
        break;
    case 'F':
        write_flags(g);
        break;
    case 'K':
        write_constant(g);
        break;
    case 'M':
        write_mask(g);
        break;
    case 'k':
        write_throw(g);
        break;
    case 'B':
        write_block_call(g, NULL);
        break;
    case 'J':
        write_jump_table(g);
        break;
    case 'E':
        write_exceptions(g);
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
        write_number(g, letter);
        break;
    }
}

/* ---- Instructions --------------------------------------------------------------------------------------- */

/* Operations that the evaluator gives a meaning only under conditions which are not made here. */
static bool is_left_out(Op op)
{
    return op == OP_stack_switch || op == OP_get_exception_handler_address || op == OP_throw_ref;
}

static bool has_global_of(Type type)
{
    return type == TYPE_I32 || type == TYPE_F64 || type == TYPE_I8X16 || type == TYPE_I64;
}

static void write_results(Gen *g, const Type *types, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(g->out, "%sv%u", i == 0 ? "" : ", ", (unsigned)add_value(g, types[i]));
    }
    dv_text_str(g->out, count == 0 ? "" : " = ");
}

/* Source locations, debug tags and stack maps, where they may be. */
static void write_before(Gen *g)
{
    bool call = (g->op->effects & FX_CALL) != 0 || (Op)(g->op - dv_ops) == OP_sequence_point;
    if (choose(g, 16) == 15) {
        dv_text_printf(g->out, "@%04x ", (unsigned)choose(g, 0x10000));
    }
    if (call && choose(g, 8) == 7) {
        dv_text_str(g->out, "<ss0, 1, 0> ");
    }
}

static void finish_inst(Gen *g)
{
    Type results[2] = {TYPE_NONE, TYPE_NONE};
    u32 count = g->op->num_results;
    for (u32 i = 0; i < count; i++) {
        results[i] = spec_type(g, (TypeSpec)g->op->results[i]);
    }
    bool is_call =
        (g->op->effects & FX_CALL) != 0 && (g->op->effects & FX_TERM) == 0 && g->callee != NULL;
    if (is_call) {
        count = g->callee->num_results;
        memcpy(results, g->callee->results, sizeof results);
    }
    dv_text_str(g->out, "    ");
    write_before(g);
    write_results(g, results, count);
    dv_text_str(g->out, g->op->name);
    if (g->type != TYPE_NONE) {
        dv_text_char(g->out, '.');
        write_type(g->out, g->type);
    }
    dv_text_str(g->out, g->line.length == 0 ? "" : " ");
    dv_text_bytes(g->out, g->line.data, g->line.length);
    if (is_call && choose(g, 8) == 7) {
        dv_text_str(g->out, ", stack_map=[i32 @ ss0+0, i64 @ ss0+8]");
    }
    dv_text_char(g->out, '\n');
    g->num_insts++;
}

static bool some_type_fits(const Gen *g, TypeSpec spec)
{
    for (u32 t = 1; t < 0x200; t++) {
        if (dv_type_is_valid((Type)t) && fits_spec(g, (Type)t, spec, g->type)) {
            return true;
        }
    }
    return false;
}

/* False if the controlling type leaves an operand or result without any type: no integer is narrower than
 * i8, and no vector is the wider one of two dynamic lanes. */
static bool type_is_usable(const Gen *g)
{
    u32 num_operands = g->op->num_operands;
    for (u32 i = 0; i < num_operands + g->op->num_results; i++) {
        bool is_operand = i < num_operands;
        TypeSpec spec =
            (TypeSpec)(is_operand ? g->op->operands[i] : g->op->results[i - num_operands]);
        if (!is_index_spec(spec) && dv_typespec_type(spec, g->type) == TYPE_NONE &&
            !(is_operand && some_type_fits(g, spec))) {
            return false;
        }
    }
    return true;
}

static bool calls_a_function(Format format)
{
    for (const char *p = dv_formats[format].spelling; *p != '\0'; p++) {
        if (strchr("NXwzE", *p) != NULL) {
            return true;
        }
    }
    return false;
}

/* Writes it, unless no type does for it. */
static bool write_inst(Gen *g, Op op)
{
    g->op = &dv_ops[op];
    g->callee = NULL;
    g->num_values = 0;
    g->entity = g->entity2 = 0;
    g->has_entity = false;
    dv_text_truncate(&g->line, 0);
    g->type = g->op->set == SET_None ? TYPE_NONE
                                     : choose_type(g, in_set, (TypeSpec)g->op->set, TYPE_NONE);
    if ((op == OP_global_get || op == OP_global_set) && !has_global_of(g->type)) {
        g->type = TYPE_I64;
    }
    if (!type_is_usable(g)) {
        return false;
    }
    if (calls_a_function(g->op->format)) {
        choose_callee(g);
    }
    for (const char *p = dv_formats[g->op->format].spelling; *p != '\0'; p++) {
        write_operand(g, *p);
    }
    finish_inst(g);
    return true;
}

static void write_body_inst(Gen *g)
{
    Op op = (Op)choose(g, OP_COUNT);
    if ((dv_ops[op].effects & FX_TERM) == 0 && !is_left_out(op)) {
        (void)write_inst(g, op);
    }
}

static void write_terminator(Gen *g)
{
    Op terms[32];
    u32 count = 0;
    for (u32 op = 0; op < OP_COUNT; op++) {
        if ((dv_ops[op].effects & FX_TERM) != 0 && !is_left_out((Op)op) &&
            count < ARRAY_LEN(terms)) {
            terms[count++] = (Op)op;
        }
    }
    Op op = is_done(g) ? OP_return : terms[choose(g, count)];
    if ((op == OP_trap || op == OP_throw) && !dares(g)) {
        op = OP_jump;
    }
    (void)write_inst(g, op);
}

/* ---- Functions ------------------------------------------------------------------------------------------- */

static void write_preamble(Gen *g)
{
    const char *address = g->options->address_bits == 32 ? "i32" : "i64";
    dv_text_printf(g->out, "    ss0 = explicit_slot %u, align = 64\n", (unsigned)SLOT_BYTES);
    dv_text_str(
        g->out,
        "    dss0 = explicit_dynamic_slot dt0\n    region0 = 0 \"heap\"\n    gv0 = symbol colocated %data\n");
    dv_text_printf(
        g->out, "    gv1 = iadd_imm.%s gv0, 16\n    gv2 = dyn_scale_target_const.i32x4\n", address);
    dv_text_str(g->out, "    gv3 = symbol colocated %data+8\n    gv4 = symbol tls %local\n"
                        "    dt0 = i32x4*gv2\n");
    for (u32 i = 0; i < SHAPE_COUNT; i++) {
        dv_text_printf(g->out, "    sig%u = %s\n    type%u = func %s, sig%u\n", (unsigned)i,
                       shapes[i].sig, (unsigned)i, shapes[i].wasm, (unsigned)i);
    }
    dv_text_printf(g->out,
                   "    heap0 = memory 0, index i32, min 1, max 3, page 0x10000\n"
                   "    heap1 = memory 1, index i64, min 1, max 2, page 0x10000, shared\n"
                   "    table0 = table 0, index i32, min %u, max 20, funcref\n"
                   "    table1 = table 1, index i64, min %u, funcref\n",
                   (unsigned)GEN_TABLE_ELEMS, (unsigned)GEN_TABLE_ELEMS);
    dv_text_str(g->out,
                "    global0 = global 0, i32, mutable\n    global1 = global 1, f64, mutable\n"
                "    global2 = global 2, i8x16, mutable\n    global3 = global 3, i64, mutable\n"
                "    data0 = data 0\n    elem0 = elem 0\n"
                "    tag0 = tag 0, type4\n    tag1 = tag 1, type5\n"
                "    type4 = func (), sig4\n    sig4 = () tail\n"
                "    type5 = func (i32, i64), sig5\n    sig5 = (i32, i64) tail\n"
                "    const0 = 0x0123456789abcdef00112233445566ff\n");
    for (u32 i = 0; i < g->num_funcs; i++) {
        dv_text_printf(g->out,
                       "    fn%u = colocated %%f%u sig%u\n    func%u = define %%f%u type%u\n",
                       (unsigned)i, (unsigned)i, (unsigned)g->shape_of[i], (unsigned)i, (unsigned)i,
                       (unsigned)g->shape_of[i]);
    }
}

static void write_block_head(Gen *g, u32 number)
{
    const GenBlock *b = &g->blocks[number];
    dv_text_printf(g->out, "\nblock%u", (unsigned)number);
    for (u32 i = 0; i < b->num_params; i++) {
        dv_text_printf(g->out, "%sv%u: ", i == 0 ? "(" : ", ",
                       (unsigned)add_value(g, b->params[i]));
        write_type(g->out, b->params[i]);
    }
    dv_text_str(g->out, b->num_params == 0 ? "" : ")");
    dv_text_str(g->out, number > 0 && choose(g, 8) == 7 ? " cold:\n" : ":\n");
}

static void choose_blocks(Gen *g)
{
    const Shape *own = &shapes[g->shape_of[g->func]];
    g->num_blocks = 3 + choose(g, BLOCKS_MAX - 2);
    g->blocks[0].num_params = own->num_params;
    memcpy(g->blocks[0].params, own->params, sizeof own->params);
    for (u32 i = 1; i < g->num_blocks; i++) {
        GenBlock *b = &g->blocks[i];
        b->num_params = choose(g, BLOCK_PARAMS_MAX + 1);
        for (u32 n = 0; n < b->num_params; n++) {
            b->params[n] = choose_type(g, any_type, TS_none, TYPE_NONE);
        }
    }
    g->blocks[g->num_blocks - 1] = (GenBlock){1, {address_type(g)}};
}

static void write_function(Gen *g)
{
    const Shape *own = &shapes[g->shape_of[g->func]];
    dv_text_printf(g->out, "function %%f%u%s {\n", (unsigned)g->func, own->sig);
    write_preamble(g);
    choose_blocks(g);
    g->next_value = 0;
    g->num_insts = 0;
    g->num_entry_values = 0;
    vec_clear(&g->values);
    for (u32 i = 0; i < g->num_blocks; i++) {
        g->values.len = g->num_entry_values;
        write_block_head(g, i);
        u32 count = choose(g, 24);
        for (u32 n = 0; n < count && !is_done(g) && g->num_insts < g->options->max_insts; n++) {
            write_body_inst(g);
        }
        write_terminator(g);
        g->num_entry_values = i == 0 ? g->values.len : g->num_entry_values;
    }
    dv_text_str(g->out, "}\n\n");
}

void dv_gen_clif(TextBuf *out, const u8 *bytes, usize size, const GenOptions *options)
{
    Gen g = {.at = bytes,
             .end = size == 0 ? bytes : bytes + size,
             .options = options,
             .arena = out->arena,
             .out = out};
    dv_text_init(&g.line, out->arena);
    g.num_funcs = 1 + choose(&g, GEN_FUNCS_MAX);
    for (u32 i = 0; i < g.num_funcs; i++) {
        g.shape_of[i] = (u8)choose(&g, SHAPE_COUNT);
    }
    for (g.func = 0; g.func < g.num_funcs; g.func++) {
        write_function(&g);
    }
}
