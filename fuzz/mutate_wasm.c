/* mutate_wasm.c - mutations of Wasm modules that keep most of them valid, for targets that run them, in builds that link
 * libFuzzer.
 *
 * Blind changes of bytes hardly ever leave a valid module, so mutations know instructions and types: the validator is run to a
 * random instruction of a random body, and there, with its locals and operands at hand, code is made up that fits:
 * statements, operators on the topmost operand, another operator of the same row. Runs of instructions that leave the operands
 * as they were are repeated, left out, or put into a block, a loop or an `if`. Other sections, and sometimes bodies, are
 * changed blindly within themselves. What comes out is taken only if it is valid; after some attempts libFuzzer's own
 * mutation of the whole is. So is one in 32 anyway.
 */
#include "base/rng.h"
#include "fuzz/fuzz.h"
#include "wasm/format/wasm.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

enum {
    ATTEMPTS = 6,
    DEPTH_MAX = 4,     /* of made-up code */
    NODES_MAX = 24,    /* instructions of it, about */
    RUN_MAX = 60,      /* instructions of a run */
    OPERANDS_MAX = 16, /* compared */
    GROWTH_MAX = 300,  /* room for a changed section */
    SECTION_CODE = 10
};

typedef struct Mutation {
    Arena *arena;
    Rng *rng;
    const u8 *data;
    usize size, max_size;
    WasmModule m;
    Validator v; /* at the place */
    Diag diag;
    ByteBuf out;
    u32 nodes; /* that may still be made */
    bool ok;
} Mutation;

static u32 below(Mutation *u, u64 bound)
{
    return bound == 0 ? 0 : (u32)dv_rng_below(u->rng, bound);
}

/* ---- writing ---- */

static void put_op(Mutation *u, u32 op)
{
    const WasmOpInfo *info = &dv_wasm_ops[op];
    if (info->prefix != 0) {
        dv_bytebuf_u8(&u->out, info->prefix);
    }
    u32 code = info->code;
    for (; info->prefix != 0 && code >= 0x80; code >>= 7) {
        dv_bytebuf_u8(&u->out, (u8)(code | 0x80));
    }
    dv_bytebuf_u8(&u->out, (u8)code);
}

static void put_unsigned(ByteBuf *out, u64 x)
{
    for (; x >= 0x80; x >>= 7) {
        dv_bytebuf_u8(out, (u8)(x | 0x80));
    }
    dv_bytebuf_u8(out, (u8)x);
}

/* Of a number of `bits` bits, whatever stands above them. */
static void put_signed(ByteBuf *out, u64 x, u32 bits)
{
    u64 sign = (x >> (bits - 1) & 1) != 0 ? UINT64_MAX << (bits - 1) : 0;
    x = (x & (((u64)1 << (bits - 1)) - 1)) | sign;
    sign = sign == 0 ? 0 : UINT64_MAX;
    while ((x ^ sign) >= 0x40) {
        dv_bytebuf_u8(out, (u8)((x & 0x7f) | 0x80));
        x = x >> 7 | (sign & ~(UINT64_MAX >> 7));
    }
    dv_bytebuf_u8(out, (u8)(x & 0x7f));
}

static void put_indexed(Mutation *u, u32 op, u32 index)
{
    put_op(u, op);
    put_unsigned(&u->out, index);
}

static void put_i32(Mutation *u, u64 x)
{
    put_op(u, W_i32_const);
    put_signed(&u->out, x, 32);
}

/* Floats are often whole numbers, limits and what is not a number. */
static u64 random_bits(Mutation *u, bool is_float)
{
    static const u64 floats[] = {0,
                                 (u64)1 << 63,
                                 0x3ff0000000000000,
                                 0x7ff0000000000000,
                                 0x7ff8000000000000,
                                 0x41e0000000000000,
                                 1,
                                 0x43e0000000000000};
    return is_float && dv_rng_chance(u->rng, 2) ? floats[below(u, ARRAY_LEN(floats))]
                                                : dv_rng_spread(u->rng);
}

static void put_const(Mutation *u, ValType type)
{
    u64 bits = random_bits(u, type == VT_F32 || type == VT_F64);
    switch (type) {
    case VT_I32:
        put_i32(u, bits);
        break;
    case VT_I64:
        put_op(u, W_i64_const);
        put_signed(&u->out, bits, 64);
        break;
    case VT_F32:
        put_op(u, W_f32_const);
        dv_bytebuf_u32(&u->out, dv_rng_chance(u->rng, 2) ? (u32)bits : (u32)(bits >> 32), false);
        break;
    default:
        put_op(u, W_f64_const);
        dv_bytebuf_u64(&u->out, bits, false);
        break;
    }
}

/* ---- made-up code ---- */

static const ValType numbers[] = {VT_I32, VT_I64, VT_F32, VT_F64};

static bool is_number(ValType type)
{
    return type <= VT_I32 && type >= VT_F64;
}

static void make_value(Mutation *u, ValType type, u32 depth);
static void make_statement(Mutation *u, u32 depth);

static ValType type_of(char letter)
{
    return letter == 'i' ? VT_I32 : letter == 'I' ? VT_I64 : letter == 'f' ? VT_F32 : VT_F64;
}

/* An address that often lies in a memory, or an index in a table. */
static void make_index(Mutation *u, const Limits *limits, u32 depth)
{
    ValType type = limits->index64 ? VT_I64 : VT_I32;
    if (dv_rng_chance(u->rng, 3)) {
        make_value(u, type, depth);
        return;
    }
    u64 x = below(u, dv_rng_chance(u->rng, 2) ? 16 : 4096);
    put_op(u, type == VT_I64 ? W_i64_const : W_i32_const);
    put_signed(&u->out, x, 32);
    if (depth != 0 && dv_rng_chance(u->rng, 2)) {
        make_value(u, type, depth - 1);
        put_op(u, type == VT_I64 ? W_i64_and : W_i32_and);
    }
}

static bool is_offered(const Mutation *u, const WasmOpInfo *info)
{
    bool is_plain = info->imm == WIMM_NONE || info->imm == WIMM_MEMARG || info->imm == WIMM_MEMORY;
    bool has_memory = info->imm == WIMM_NONE || u->m.memories.len != 0;
    return is_plain && has_memory && info->params[0] != '*' && strchr(info->params, 'v') == NULL &&
           strchr(info->results, 'v') == NULL &&
           (info->feature == FEATURE_COUNT || (dv_wasm_features_run() >> info->feature & 1) != 0);
}

/* The operation and its immediates. */
static void put_row(Mutation *u, u32 op, u32 memory)
{
    put_op(u, op);
    if (dv_wasm_ops[op].imm == WIMM_MEMARG) {
        u32 align = below(u, dv_wasm_ops[op].arg + 1u);
        dv_bytebuf_u8(&u->out, (u8)(align | (memory != 0 ? 0x40 : 0)));
        if (memory != 0) {
            put_unsigned(&u->out, memory);
        }
        put_unsigned(&u->out, dv_rng_chance(u->rng, 8) ? (u32)dv_rng_spread(u->rng) : below(u, 64));
    } else if (dv_wasm_ops[op].imm == WIMM_MEMORY) {
        put_unsigned(&u->out, memory);
    }
}

/* An operation with its operands: of this result, 0 for none. */
static bool make_row(Mutation *u, char result, u32 depth)
{
    u32 memory = below(u, u->m.memories.len);
    for (u32 i = 0; i < 200; i++) {
        u32 op = below(u, W_COUNT);
        const WasmOpInfo *info = &dv_wasm_ops[op];
        if (!is_offered(u, info) || info->results[0] != result ||
            (result != 0 && info->results[1] != 0)) {
            continue;
        }
        for (const char *p = info->params; *p != 0; p++) {
            if (*p == 'm') {
                make_index(u, &u->m.memories.data[memory].limits, depth);
            } else {
                make_value(u, type_of(*p), depth);
            }
        }
        put_row(u, op, memory);
        return true;
    }
    return false;
}

static bool make_local(Mutation *u, ValType type, u32 op)
{
    for (u32 i = 0; i < 8 && u->v.locals.len != 0; i++) {
        u32 local = below(u, u->v.locals.len);
        if (u->v.locals.data[local] == type) {
            put_indexed(u, op, local);
            return true;
        }
    }
    return false;
}

static bool make_global(Mutation *u, ValType type, u32 op)
{
    for (u32 i = 0; i < 8 && u->m.globals.len != 0; i++) {
        u32 global = below(u, u->m.globals.len);
        const GlobalDecl *decl = &u->m.globals.data[global];
        if (decl->type == type && (op == W_global_get || decl->is_mutable)) {
            put_indexed(u, op, global);
            return true;
        }
    }
    return false;
}

/* A call; what it leaves but for one result of this type, or nothing, is dropped. */
static bool make_call(Mutation *u, ValType result, u32 depth)
{
    u32 func = below(u, u->m.funcs.len);
    if (u->m.funcs.len == 0) {
        return false;
    }
    const SubType *type = &u->m.types.data[u->m.funcs.data[func].type];
    bool fits = result == VT_EMPTY || (type->num_results == 1 && type->results[0] == result);
    for (u32 i = 0; i < type->num_params; i++) {
        fits = fits && i < 4 && is_number(type->params[i]);
    }
    if (!fits) {
        return false;
    }
    for (u32 i = 0; i < type->num_params; i++) {
        make_value(u, type->params[i], depth);
    }
    u32 table = below(u, u->m.tables.len);
    if (u->m.tables.len != 0 && u->m.tables.data[table].type == VT_FUNCREF &&
        dv_rng_chance(u->rng, 2)) {
        make_index(u, &u->m.tables.data[table].limits, 0);
        put_indexed(u, W_call_indirect, u->m.funcs.data[func].type);
        put_unsigned(&u->out, table);
    } else {
        put_indexed(u, W_call, func);
    }
    for (u32 i = 0; result == VT_EMPTY && i < type->num_results; i++) {
        put_op(u, W_drop);
    }
    return true;
}

/* A block of this result, or VT_EMPTY. Labels in it are as if it were not there, so branches from it may go astray. */
static void make_block(Mutation *u, ValType result, u32 depth)
{
    u32 kind = below(u, 3);
    if (kind == 0) {
        make_value(u, VT_I32, depth);
    }
    put_op(u, kind == 0 ? W_if : kind == 1 ? W_loop : W_block);
    dv_bytebuf_u8(&u->out, (u8)result);
    make_statement(u, depth);
    if (result != VT_EMPTY) {
        make_value(u, result, depth);
    }
    if (kind == 0 && (result != VT_EMPTY || dv_rng_chance(u->rng, 2))) {
        put_op(u, W_else);
        make_statement(u, depth);
        if (result != VT_EMPTY) {
            make_value(u, result, depth);
        }
    } else if (kind == 1 && result == VT_EMPTY) {
        make_value(u, VT_I32, depth);
        put_indexed(u, W_br_if, 0);
    } else if (kind == 2 && result != VT_EMPTY) {
        make_value(u, VT_I32, depth);
        put_indexed(u, W_br_if, 0);
    }
    put_op(u, W_end);
}

static void make_leaf(Mutation *u, ValType type)
{
    u32 kind = below(u, 4);
    if ((kind != 0 || !make_global(u, type, W_global_get)) &&
        (kind == 1 || !make_local(u, type, W_local_get))) {
        put_const(u, type);
    }
}

static char letter_of(ValType type)
{
    return type == VT_I32 ? 'i' : type == VT_I64 ? 'I' : type == VT_F32 ? 'f' : 'F';
}

static void make_value(Mutation *u, ValType type, u32 depth)
{
    if (depth == 0 || u->nodes == 0) {
        make_leaf(u, type);
        return;
    }
    u->nodes--;
    switch (below(u, 12)) {
    case 0:
        make_value(u, type, depth - 1);
        make_value(u, type, depth - 1);
        make_value(u, VT_I32, depth - 1);
        put_op(u, W_select);
        return;
    case 1:
        make_block(u, type, depth - 1);
        return;
    case 2:
        if (make_call(u, type, depth - 1)) {
            return;
        }
        break;
    case 3:
        make_value(u, type, depth - 1);
        (void)make_local(u, type, W_local_tee);
        return;
    case 4:
    case 5:
        make_leaf(u, type);
        return;
    default:
        break;
    }
    if (!make_row(u, letter_of(type), depth - 1)) {
        make_leaf(u, type);
    }
}

/* Bulk operations and those on tables. */
static bool make_bulk(Mutation *u)
{
    u32 table = below(u, u->m.tables.len), memory = below(u, u->m.memories.len);
    u32 kind = below(u, 8);
    const Limits *limits = NULL;
    bool is_table = kind < 3;
    if (is_table ? u->m.tables.len != 0 : u->m.memories.len != 0) {
        limits = is_table ? &u->m.tables.data[table].limits : &u->m.memories.data[memory].limits;
    }
    bool has_segment = kind == 1   ? u->m.elems.len != 0
                       : kind == 4 ? u->m.datas.len != 0 && u->m.has_data_count
                                   : true;
    if (limits == NULL || !has_segment) {
        return false;
    }
    make_index(u, limits, 0);
    switch (kind) {
    case 0:
        make_index(u, limits, 0);
        make_index(u, limits, 0);
        put_indexed(u, W_table_copy, table);
        put_unsigned(&u->out, table);
        return true;
    case 1:
        put_i32(u, below(u, 4));
        put_i32(u, below(u, 4));
        put_indexed(u, W_table_init, below(u, u->m.elems.len));
        put_unsigned(&u->out, table);
        return true;
    case 2:
        put_indexed(u, W_table_get, table);
        put_op(u, W_drop);
        return true;
    case 3:
        make_index(u, limits, 0);
        make_index(u, limits, 0);
        put_indexed(u, W_memory_copy, memory);
        put_unsigned(&u->out, memory);
        return true;
    case 4:
        put_i32(u, below(u, 4));
        put_i32(u, below(u, 4));
        put_indexed(u, W_memory_init, below(u, u->m.datas.len));
        put_unsigned(&u->out, memory);
        return true;
    case 5:
        put_indexed(u, W_memory_grow, memory);
        put_op(u, W_drop);
        return true;
    default:
        make_value(u, VT_I32, 1);
        make_index(u, limits, 0);
        put_indexed(u, W_memory_fill, memory);
        return true;
    }
}

/* Code that leaves the operands as they are. */
static void make_statement(Mutation *u, u32 depth)
{
    ValType type = numbers[below(u, ARRAY_LEN(numbers))];
    u32 next = depth == 0 ? 0 : depth - 1;
    u->nodes -= u->nodes != 0;
    switch (below(u, 10)) {
    case 0:
    case 1:
        if (make_row(u, 0, next)) {
            return;
        }
        break;
    case 2:
        if (make_call(u, VT_EMPTY, next)) {
            return;
        }
        break;
    case 3:
    case 4:
        if (depth != 0 && u->nodes != 0) {
            make_block(u, VT_EMPTY, next);
            return;
        }
        break;
    case 5:
        if (make_bulk(u)) {
            return;
        }
        break;
    case 6:
        make_value(u, VT_I32, next);
        put_indexed(u, W_br_if, below(u, u->v.frames.len));
        return;
    case 7:
        make_value(u, type, next);
        put_op(u, make_global(u, type, W_global_set) ? W_nop : W_drop);
        return;
    default:
        break;
    }
    make_value(u, type, next);
    put_op(u, make_local(u, type, W_local_set) ? W_nop : W_drop);
}

/* ---- places ---- */

static u32 place(const Mutation *u)
{
    return (u32)(u->v.reader.at - u->m.bytes);
}

/* Runs the validator over a body up to instruction `count`; false if it ends before. */
static bool go_to(Mutation *u, u32 func, u32 count)
{
    WasmInst inst;
    u->v = (Validator){.module = &u->m, .arena = u->arena, .diag = &u->diag};
    bool ok = dv_validator_begin(&u->v, u->m.imported_funcs + func);
    for (u32 i = 0; ok && i < count; i++) {
        ok = dv_validator_next(&u->v, &inst) && u->v.frames.len != 0;
    }
    return ok;
}

/* How many instructions a body has; what it declares is right. */
static u32 count_instructions(Mutation *u, u32 func)
{
    WasmInst inst;
    u32 count = 0;
    bool ok = go_to(u, func, 0);
    for (; ok && u->v.frames.len != 0; count++) {
        ok = dv_validator_next(&u->v, &inst);
    }
    return ok ? count : 0;
}

static void copy(Mutation *u, u32 from, u32 to)
{
    dv_bytebuf_bytes(&u->out, u->m.bytes + from, to - from);
}

/* ---- mutations of a body: they write what takes the place of the bytes between *from and *to ---- */

static void insert_statement(Mutation *u)
{
    make_statement(u, DEPTH_MAX);
}

/* Puts an operator on the topmost operand, which stays of its type. */
static void operate(Mutation *u)
{
    u32 height = vec_last(&u->v.frames).height;
    ValType type = u->v.stack.len > height ? vec_last(&u->v.stack) : VT_EMPTY;
    if (!is_number(type)) {
        make_statement(u, DEPTH_MAX);
        return;
    }
    char letter = letter_of(type);
    for (u32 i = 0; i < 200; i++) {
        u32 op = below(u, W_COUNT);
        const WasmOpInfo *info = &dv_wasm_ops[op];
        if (is_offered(u, info) && info->imm == WIMM_NONE && info->params[0] == letter &&
            info->results[0] == letter && info->results[1] == 0) {
            for (const char *p = info->params + 1; *p != 0; p++) {
                make_value(u, type_of(*p), 2);
            }
            put_op(u, op);
            return;
        }
    }
}

/* Another index of the same kind, or another operation of the same operands, or another constant. */
static void replace(Mutation *u, u32 *to)
{
    WasmInst inst;
    u32 from = place(u);
    if (!dv_validator_next(&u->v, &inst)) {
        return;
    }
    *to = place(u);
    const WasmOpInfo *info = &dv_wasm_ops[inst.op];
    if (inst.op >= W_i32_const && inst.op <= W_f64_const) {
        put_const(u, info->results[0] == 0 ? VT_I32 : type_of(info->results[0]));
        return;
    }
    switch (info->imm) {
    case WIMM_LOCAL:
        put_indexed(u, inst.op, below(u, u->v.locals.len));
        return;
    case WIMM_GLOBAL:
        put_indexed(u, inst.op, below(u, u->m.globals.len));
        return;
    case WIMM_FUNC:
        put_indexed(u, inst.op, below(u, u->m.funcs.len));
        return;
    case WIMM_LABEL:
        put_indexed(u, inst.op, below(u, u->v.frames.len + 1u));
        return;
    case WIMM_TABLE:
        put_indexed(u, inst.op, below(u, u->m.tables.len));
        return;
    case WIMM_CALL_INDIRECT:
        put_indexed(u, inst.op, below(u, u->m.types.len));
        put_unsigned(&u->out, below(u, u->m.tables.len));
        return;
    default:
        break;
    }
    for (u32 i = 0; i < 400 && is_offered(u, info); i++) {
        u32 op = below(u, W_COUNT);
        if (is_offered(u, &dv_wasm_ops[op]) && dv_wasm_ops[op].imm == info->imm &&
            strcmp(dv_wasm_ops[op].params, info->params) == 0 &&
            strcmp(dv_wasm_ops[op].results, info->results) == 0) {
            put_row(u, op, inst.index);
            return;
        }
    }
    copy(u, from, *to);
}

/* Ends of runs from here on that leave the operands as they are: one of them at random, 0 if there is none. */
static u32 find_run(Mutation *u)
{
    ValType before[OPERANDS_MAX];
    u32 frames = u->v.frames.len, height = u->v.stack.len, chosen = 0, found = 0;
    u32 base = vec_last(&u->v.frames).height;
    u32 compared = height - base;
    if (compared > OPERANDS_MAX || vec_last(&u->v.frames).is_unreachable) {
        return 0;
    }
    if (compared != 0) {
        memcpy(before, u->v.stack.data + base, compared * sizeof(ValType));
    }
    for (u32 i = 0; i < RUN_MAX; i++) {
        WasmInst inst;
        if (!dv_validator_next(&u->v, &inst) || u->v.frames.len < frames ||
            (inst.op == W_else && u->v.frames.len == frames)) {
            break;
        }
        bool same = u->v.frames.len == frames && u->v.stack.len == height &&
                    !vec_last(&u->v.frames).is_unreachable &&
                    (compared == 0 ||
                     memcmp(before, u->v.stack.data + base, compared * sizeof(ValType)) == 0);
        if (same && dv_rng_chance(u->rng, ++found)) {
            chosen = place(u);
        }
    }
    return chosen;
}

static void change_run(Mutation *u, u32 *to)
{
    u32 from = place(u);
    u32 end = find_run(u);
    if (end == 0) {
        return;
    }
    switch (below(u, 6)) {
    case 0: /* leaves it out */
        *to = end;
        break;
    case 1:
    case 2:
        copy(u, from, end);
        break;
    case 3:
        put_op(u, W_block);
        dv_bytebuf_u8(&u->out, VT_EMPTY);
        copy(u, from, end);
        put_op(u, W_end);
        *to = end;
        break;
    case 4:
        put_op(u, W_loop);
        dv_bytebuf_u8(&u->out, VT_EMPTY);
        copy(u, from, end);
        make_value(u, VT_I32, 2);
        put_indexed(u, W_br_if, 0);
        put_op(u, W_end);
        *to = end;
        break;
    default:
        make_value(u, VT_I32, 2);
        put_op(u, W_if);
        dv_bytebuf_u8(&u->out, VT_EMPTY);
        copy(u, from, end);
        put_op(u, W_end);
        *to = end;
        break;
    }
}

/* ---- sections ---- */

/* Copies what lies between, but mutated by libFuzzer. */
static void blind(Mutation *u, const u8 *from, usize size)
{
    u8 *bytes = dv_arena_alloc(u->arena, size + GROWTH_MAX, 1);
    memcpy(bytes, from, size);
    size = LLVMFuzzerMutate(bytes, size, size + GROWTH_MAX);
    dv_bytebuf_bytes(&u->out, bytes, size);
}

/* The body, changed: into u->out. False: nothing came of it. */
static bool change_body(Mutation *u, u32 func)
{
    Span body = u->m.codes.data[func].body;
    u32 count = count_instructions(u, func);
    if (count == 0) {
        return false;
    }
    if (dv_rng_chance(u->rng, 12)) {
        blind(u, u->m.bytes + body.offset, body.size);
        return true;
    }
    if (!go_to(u, func, below(u, count))) {
        return false;
    }
    u32 from = place(u), to = from;
    copy(u, body.offset, from);
    u->nodes = 1 + below(u, NODES_MAX);
    switch (below(u, 8)) {
    case 0:
    case 1:
        insert_statement(u);
        break;
    case 2:
    case 3:
        operate(u);
        break;
    case 4:
    case 5:
        change_run(u, &to);
        break;
    default:
        replace(u, &to);
        break;
    }
    copy(u, to, body.offset + body.size);
    return true;
}

/* The code section with one body changed, in u->out. */
static bool change_code(Mutation *u, const u8 *payload)
{
    u32 func = below(u, u->m.codes.len);
    if (u->m.codes.len == 0 || !change_body(u, func)) {
        return false;
    }
    Span section = u->m.sections[SECTION_CODE];
    ByteBuf body = u->out;
    WasmReader r;
    dv_wasm_reader_init(&r, &u->m, section, &u->diag);
    const u8 *head = payload; /* of the body: its size */
    while (func == 0 && (*head++ & 0x80) != 0) {
        continue; /* behind the number of bodies */
    }
    if (func != 0) {
        Span before = u->m.codes.data[func - 1].body;
        head = u->m.bytes + before.offset + before.size;
    }
    Span old = u->m.codes.data[func].body;
    dv_bytebuf_init(&u->out, u->arena);
    dv_bytebuf_bytes(&u->out, payload, (usize)(head - payload));
    put_unsigned(&u->out, body.len);
    dv_bytebuf_bytes(&u->out, body.data, body.len);
    copy(u, old.offset + old.size, section.offset + section.size);
    return true;
}

/* Makes the module anew with one section changed. */
static bool change(Mutation *u)
{
    u32 starts[64], ids[64], payloads[64], count = 0, chosen;
    usize at = 8;
    while (at < u->size && count < ARRAY_LEN(starts)) {
        u32 size = 0, shift = 0;
        starts[count] = (u32)at;
        ids[count] = u->data[at++];
        do {
            size |= (u->data[at] & 0x7fu) << shift;
            shift += 7;
        } while ((u->data[at++] & 0x80) != 0);
        payloads[count++] = (u32)at;
        at += size;
    }
    if (at != u->size || count == 0) {
        return false;
    }
    bool is_code = !dv_rng_chance(u->rng, 8);
    chosen = below(u, count);
    for (u32 i = 0; i < count && is_code; i++) {
        chosen = ids[i] == SECTION_CODE ? i : chosen;
    }
    u32 end = chosen + 1 == count ? (u32)u->size : starts[chosen + 1];
    dv_bytebuf_init(&u->out, u->arena);
    if (ids[chosen] != SECTION_CODE) {
        blind(u, u->data + payloads[chosen], end - payloads[chosen]);
    } else if (!change_code(u, u->data + payloads[chosen])) {
        return false;
    }
    ByteBuf payload = u->out;
    dv_bytebuf_init(&u->out, u->arena);
    copy(u, 0, starts[chosen]);
    dv_bytebuf_u8(&u->out, (u8)ids[chosen]);
    put_unsigned(&u->out, payload.len);
    dv_bytebuf_bytes(&u->out, payload.data, payload.len);
    copy(u, end, (u32)u->size);
    return true;
}

static bool is_valid(Mutation *u, const u8 *data, usize size, WasmModule *m)
{
    DecodeOptions options = {.features = dv_wasm_features_run()};
    dv_diag_init(&u->diag, u->arena);
    return dv_wasm_decode(u->arena, data, size, &options, m, &u->diag, NULL) &&
           dv_wasm_validate(u->arena, m, &u->diag, NULL);
}

/* Leaves in u->out a valid module that differs, or fails. */
static void mutate(Mutation *u)
{
    if (!is_valid(u, u->data, u->size, &u->m)) {
        return;
    }
    for (u32 i = 0; i < ATTEMPTS && !u->ok; i++) {
        WasmModule changed;
        dv_diag_init(&u->diag, u->arena);
        u->ok = change(u) && u->out.len <= u->max_size &&
                (u->out.len != u->size || memcmp(u->out.data, u->data, u->size) != 0) &&
                is_valid(u, u->out.data, u->out.len, &changed);
    }
}

static void protect(Mutation *u)
{
    Escape escape;
    dv_escape_enter(&escape, u->arena->pool);
    if (setjmp(escape.env) == 0) {
        mutate(u);
    } else {
        u->ok = false;
    }
    dv_escape_leave(&escape, u->arena->pool);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    Pool pool;
    Arena arena;
    Rng rng;
    dv_rng_seed(&rng, seed);
    if (dv_rng_chance(&rng, 32)) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    dv_pool_init(&pool, NULL);
    pool.limit_bytes = FUZZ_LIMIT_BYTES;
    dv_arena_init(&arena, &pool);
    Mutation u = {.arena = &arena, .rng = &rng, .data = data, .size = size, .max_size = max_size};
    protect(&u);
    if (u.ok) {
        memcpy(data, u.out.data, u.out.len);
        size = u.out.len;
    }
    dv_arena_release(&arena);
    dv_pool_destroy(&pool);
    return u.ok ? size : LLVMFuzzerMutate(data, size, max_size);
}
