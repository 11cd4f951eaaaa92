/* wat_imm.c - immediates of instructions in the text.
 *
 * The operations' table says of what kind an instruction's immediates are; here is a function for
 * each kind. Those of blocks are not complete without the label that wat_expr.c puts in scope.
 *
 * Source: WebAssembly core specification 3.0, "Instructions" of the text format and of the binary
 * format.
 */
#include "wat_internal.h"

enum { MEMARG_HAS_MEMORY = 0x40 };

void dv_wat_put_op(ByteBuf *out, WasmOp op)
{
    const WasmOpInfo *info = &dv_wasm_ops[op];
    if (info->prefix != 0) {
        dv_bytebuf_u8(out, info->prefix);
        dv_bytebuf_uleb(out, info->code);
    } else {
        dv_bytebuf_u8(out, (u8)info->code);
    }
}

u32 dv_wat_take_label(WatBuilder *b)
{
    WatCursor *c = &b->c;
    u32 place = 0;
    if (dv_wat_kind(c) != WAT_ID) {
        if (!dv_wat_is_nat(c)) {
            dv_wat_unexpected(c, "a label");
            return 0;
        }
        return (u32)dv_wat_take_nat(c, 32, "i32 constant out of range");
    }
    u32 id = dv_wat_peek(c)->link;
    if (!dv_map_get(&b->label_ids, id, &place) || place == 0) {
        Str text = dv_wat_id_text(c, id);
        dv_wat_fail(c, c->at, "unknown label $%s", dv_diag_quote(b->arena, text.data, text.len));
        return 0;
    }
    dv_wat_skip(c);
    return b->labels.len - place;
}

static void put_index(WatBuilder *b, WatSpace space)
{
    dv_bytebuf_uleb(&b->inst, dv_wat_take_index(b, space));
}

/* An index that may be left out. */
static u32 optional_index(WatBuilder *b, WatSpace space)
{
    return dv_wat_is_index(&b->c) ? dv_wat_take_index(b, space) : 0;
}

static void take_block_type(WatBuilder *b)
{
    WatTypeUse use = dv_wat_take_type_use(b, USE_BLOCK);
    if (use.type == UINT32_MAX) {
        dv_bytebuf_bytes(&b->inst, use.value, use.value_size);
    } else {
        dv_bytebuf_sleb(&b->inst, use.type);
    }
}

static void take_br_table(WatBuilder *b)
{
    ByteBuf labels;
    u32 count = 0;
    dv_bytebuf_init(&labels, b->arena);
    do {
        dv_bytebuf_uleb(&labels, dv_wat_take_label(b));
        count++;
    } while (dv_wat_is_index(&b->c));
    dv_bytebuf_uleb(&b->inst, count - 1);
    dv_bytebuf_bytes(&b->inst, labels.data, labels.len);
}

static void take_call_indirect(WatBuilder *b)
{
    u32 table = optional_index(b, SPACE_TABLE);
    WatTypeUse use = dv_wat_take_type_use(b, USE_NAMELESS);
    dv_bytebuf_uleb(&b->inst, use.type);
    dv_bytebuf_uleb(&b->inst, table);
}

/* select has two encodings: with types and without. */
static void take_select(WatBuilder *b, WasmOp op)
{
    WatCursor *c = &b->c;
    u32 count = 0;
    bool is_typed = dv_wat_is_form(c, "result");
    b->results.len = 0;
    while (dv_wat_take_form(c, "result")) {
        while (!c->failed && dv_wat_kind(c) != WAT_RPAR) {
            dv_wat_take_valtype(b, &b->results);
            count++;
        }
        dv_wat_close(c);
    }
    if (is_typed) {
        b->inst.len = 0;
        dv_wat_put_op(&b->inst, (WasmOp)(op + 1));
        dv_bytebuf_uleb(&b->inst, count);
        dv_bytebuf_bytes(&b->inst, b->results.data, b->results.len);
    }
}

/* Two indices or neither. */
static void take_pair(WatBuilder *b, WatSpace space)
{
    u32 first = 0;
    u32 second = 0;
    if (dv_wat_is_index(&b->c)) {
        first = dv_wat_take_index(b, space);
        second = dv_wat_take_index(b, space);
    }
    dv_bytebuf_uleb(&b->inst, first);
    dv_bytebuf_uleb(&b->inst, second);
}

/* A segment, and in front of it perhaps a memory or table, which the bytes have behind it. */
static void take_init(WatBuilder *b, WatSpace space, WatSpace segments)
{
    WatCursor *c = &b->c;
    u32 next = c->at + (c->at < c->last);
    WatCursor ahead = *c;
    ahead.at = next;
    u32 object = dv_wat_is_index(c) && dv_wat_is_index(&ahead) ? dv_wat_take_index(b, space) : 0;
    dv_bytebuf_uleb(&b->inst, dv_wat_take_index(b, segments));
    dv_bytebuf_uleb(&b->inst, object);
}

/* The number behind "offset=" or "align="; false: the next word is none of it. */
static bool take_assigned(WatCursor *c, const char *name, u64 *value)
{
    Str word = dv_wat_token_text(c, c->at);
    u32 length = (u32)strlen(name);
    if (dv_wat_kind(c) != WAT_WORD || word.len <= length || memcmp(word.data, name, length) != 0) {
        return false;
    }
    WatNum status = dv_wat_parse_nat((Str){word.data + length, word.len - length}, value);
    if (status == NUM_SYNTAX) {
        dv_wat_unexpected(c, "a number");
    } else if (status == NUM_RANGE) {
        dv_wat_fail(c, c->at, "i64 constant out of range");
    }
    dv_wat_skip(c);
    return true;
}

static void take_memarg(WatBuilder *b, const WasmOpInfo *info, u32 memory)
{
    WatCursor *c = &b->c;
    u64 offset = 0;
    u64 align = (u64)1 << info->arg;
    (void)take_assigned(c, "offset=", &offset);
    u32 token = c->at;
    if (take_assigned(c, "align=", &align) && !c->failed &&
        (align == 0 || (align & (align - 1)) != 0)) {
        dv_wat_fail(c, token, "alignment must be a power of two");
    }
    dv_bytebuf_uleb(&b->inst, dv_ctz64(align) | (memory != 0 ? MEMARG_HAS_MEMORY : 0));
    if (memory != 0) {
        dv_bytebuf_uleb(&b->inst, memory);
    }
    dv_bytebuf_uleb(&b->inst, offset);
}

static void take_lane(WatBuilder *b)
{
    dv_bytebuf_u8(&b->inst, (u8)dv_wat_take_nat(&b->c, 8, "i8 constant out of range"));
}

/* A number alone is the lane; in front of a memory's arguments or another number it is the
 * memory. */
static void take_memarg_lane(WatBuilder *b, const WasmOpInfo *info)
{
    WatCursor *c = &b->c;
    u32 memory = 0;
    if (dv_wat_is_index(c)) {
        Str next = dv_wat_token_text(c, c->at + 1);
        WatCursor ahead = *c;
        ahead.at++;
        bool is_memory = dv_wat_kind(c) == WAT_ID || dv_wat_is_nat(&ahead) ||
                         (next.len > 7 && memcmp(next.data, "offset=", 7) == 0) ||
                         (next.len > 6 && memcmp(next.data, "align=", 6) == 0);
        memory = is_memory ? dv_wat_take_index(b, SPACE_MEMORY) : 0;
    }
    take_memarg(b, info, memory);
    take_lane(b);
}

static void take_lanes(WatBuilder *b)
{
    WatCursor *c = &b->c;
    WatCursor ahead = *c;
    while (dv_wat_is_number(&ahead)) {
        dv_wat_skip(&ahead);
    }
    u32 count = ahead.at - c->at;
    if (count != 16) {
        dv_wat_fail(c, c->at, "invalid lane length: %" PRIu32 " lanes of 16 are named", count);
    }
    for (u32 i = 0; i < count && !c->failed; i++) {
        if (dv_wat_is_nat(c)) {
            take_lane(b);
        } else {
            dv_wat_fail(c, c->at, "i8 constant out of range");
        }
    }
}

/* ref.test and its like have two encodings: for targets that are not null, and then for those
 * that may be. */
static void take_heap(WatBuilder *b, WasmOp op)
{
    bool names_reference =
        op + 1 < W_COUNT && strcmp(dv_wasm_ops[op].text, dv_wasm_ops[op + 1].text) == 0;
    if (!names_reference) {
        dv_wat_put_heap(&b->inst, dv_wat_take_heap(b));
        return;
    }
    WatRef ref = dv_wat_take_ref(b);
    b->inst.len = 0;
    dv_wat_put_op(&b->inst, (WasmOp)(op + ref.is_null));
    dv_wat_put_heap(&b->inst, ref.heap);
}

static void take_br_cast(WatBuilder *b)
{
    u32 label = dv_wat_take_label(b);
    WatRef from = dv_wat_take_ref(b);
    WatRef to = dv_wat_take_ref(b);
    dv_bytebuf_u8(&b->inst, (u8)(from.is_null | to.is_null << 1));
    dv_bytebuf_uleb(&b->inst, label);
    dv_wat_put_heap(&b->inst, from.heap);
    dv_wat_put_heap(&b->inst, to.heap);
}

static void take_catches(WatBuilder *b)
{
    WatCursor *c = &b->c;
    static const char *const words[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
    ByteBuf catches;
    u32 count = 0;
    dv_bytebuf_init(&catches, b->arena);
    for (u32 kind = 0; kind < ARRAY_LEN(words) && !c->failed;) {
        if (!dv_wat_take_form(c, words[kind])) {
            kind++;
            continue;
        }
        dv_bytebuf_u8(&catches, (u8)kind);
        if (kind == CATCH || kind == CATCH_REF) {
            dv_bytebuf_uleb(&catches, dv_wat_take_index(b, SPACE_TAG));
        }
        dv_bytebuf_uleb(&catches, dv_wat_take_label(b));
        dv_wat_close(c);
        count++;
        kind = 0;
    }
    dv_bytebuf_uleb(&b->inst, count);
    dv_bytebuf_bytes(&b->inst, catches.data, catches.len);
}

static void take_float(WatBuilder *b, FloatKind kind)
{
    u64 bits = dv_wat_take_float(&b->c, kind);
    if (kind == FLOAT_32) {
        dv_bytebuf_u32(&b->inst, (u32)bits, false);
    } else {
        dv_bytebuf_u64(&b->inst, bits, false);
    }
}

static void take_vector(WatBuilder *b)
{
    WatVector vector;
    dv_wat_take_vector(&b->c, false, &vector);
    dv_bytebuf_bytes(&b->inst, vector.bytes, sizeof vector.bytes);
}

/* Kinds that are one or two indices. */
static bool take_indices(WatBuilder *b, u8 imm)
{
    u32 type;
    switch (imm) {
    case WIMM_FUNC:
        put_index(b, SPACE_FUNC);
        return true;
    case WIMM_TYPE:
        put_index(b, SPACE_TYPE);
        return true;
    case WIMM_LOCAL:
        dv_bytebuf_uleb(&b->inst, dv_wat_take_local(b));
        return true;
    case WIMM_GLOBAL:
        put_index(b, SPACE_GLOBAL);
        return true;
    case WIMM_ELEM:
        put_index(b, SPACE_ELEM);
        return true;
    case WIMM_DATA:
        put_index(b, SPACE_DATA);
        return true;
    case WIMM_TAG:
        put_index(b, SPACE_TAG);
        return true;
    case WIMM_TABLE:
        dv_bytebuf_uleb(&b->inst, optional_index(b, SPACE_TABLE));
        return true;
    case WIMM_MEMORY:
        dv_bytebuf_uleb(&b->inst, optional_index(b, SPACE_MEMORY));
        return true;
    case WIMM_FIELD:
        type = dv_wat_take_index(b, SPACE_TYPE);
        dv_bytebuf_uleb(&b->inst, type);
        dv_bytebuf_uleb(&b->inst, dv_wat_take_field(b, type));
        return true;
    case WIMM_TYPE_COUNT:
        put_index(b, SPACE_TYPE);
        dv_bytebuf_uleb(&b->inst, dv_wat_take_nat(&b->c, 32, "i32 constant out of range"));
        return true;
    case WIMM_TYPE_DATA:
        put_index(b, SPACE_TYPE);
        put_index(b, SPACE_DATA);
        return true;
    case WIMM_TYPE_ELEM:
        put_index(b, SPACE_TYPE);
        put_index(b, SPACE_ELEM);
        return true;
    case WIMM_TYPE_TYPE:
        put_index(b, SPACE_TYPE);
        put_index(b, SPACE_TYPE);
        return true;
    default:
        return false;
    }
}

static void take_other(WatBuilder *b, WasmOp op)
{
    const WasmOpInfo *info = &dv_wasm_ops[op];
    switch (info->imm) {
    case WIMM_BLOCK:
        take_block_type(b);
        break;
    case WIMM_TRY_TABLE:
        take_block_type(b);
        take_catches(b);
        break;
    case WIMM_LABEL:
        dv_bytebuf_uleb(&b->inst, dv_wat_take_label(b));
        break;
    case WIMM_BR_TABLE:
        take_br_table(b);
        break;
    case WIMM_CALL_INDIRECT:
        take_call_indirect(b);
        break;
    case WIMM_TABLE_TABLE:
        take_pair(b, SPACE_TABLE);
        break;
    case WIMM_MEMORY_MEMORY:
        take_pair(b, SPACE_MEMORY);
        break;
    case WIMM_ELEM_TABLE:
        take_init(b, SPACE_TABLE, SPACE_ELEM);
        break;
    case WIMM_DATA_MEMORY:
        take_init(b, SPACE_MEMORY, SPACE_DATA);
        break;
    case WIMM_MEMARG:
        take_memarg(b, info, optional_index(b, SPACE_MEMORY));
        break;
    case WIMM_MEMARG_LANE:
        take_memarg_lane(b, info);
        break;
    case WIMM_I32:
        dv_bytebuf_sleb(&b->inst, (i64)(i32)(u32)dv_wat_take_int(&b->c, 32));
        break;
    case WIMM_I64:
        dv_bytebuf_sleb(&b->inst, (i64)dv_wat_take_int(&b->c, 64));
        break;
    case WIMM_F32:
        take_float(b, FLOAT_32);
        break;
    case WIMM_F64:
        take_float(b, FLOAT_64);
        break;
    case WIMM_V128:
        take_vector(b);
        break;
    case WIMM_LANES:
        take_lanes(b);
        break;
    case WIMM_LANE:
        take_lane(b);
        break;
    case WIMM_HEAP:
        take_heap(b, op);
        break;
    case WIMM_BR_CAST:
        take_br_cast(b);
        break;
    case WIMM_FENCE:
        dv_bytebuf_u8(&b->inst, 0);
        break;
    default:
        ASSERT(info->imm == WIMM_NONE);
        break;
    }
}

void dv_wat_take_inst(WatBuilder *b, WasmOp op)
{
    const WasmOpInfo *info = &dv_wasm_ops[op];
    b->inst.len = 0;
    dv_wat_put_op(&b->inst, op);
    if (op == W_select) {
        take_select(b, op);
    } else if (!take_indices(b, info->imm)) {
        take_other(b, op);
    }
    b->needs_data_count = b->needs_data_count || info->imm == WIMM_DATA ||
                          info->imm == WIMM_DATA_MEMORY || info->imm == WIMM_TYPE_DATA;
}
