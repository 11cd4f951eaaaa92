/* reader.c - reading instructions: numbers, types, and the immediates of each form.
 *
 * Source: specification 3.0, "Binary Format", values, types and instructions. One function reads
 * any instruction: the byte (or prefix and number) leads to the row of ops.def, whose `imm` says
 * what follows. Immediates that repeat (labels of br_table, catches, types of select) are checked
 * and left where they are, between `entries` and `entries_end`. Whether indices exist is the
 * validator's to check.
 */
#include <stdio.h>

#include "wasm/format/reader.h"

/* ---- errors ---- */

void dv_wasm_report(WasmReader *r, const u8 *at, bool is_malformed, const char *format, ...)
{
    if (!dv_diag_ok(r->diag)) {
        return;
    }
    Arena *arena = r->diag->arena;
    TextBuf text;
    dv_text_init(&text, arena);
    va_list args;
    va_start(args, format);
    dv_text_vprintf(&text, format, args);
    va_end(args);
    u32 offset = dv_wasm_offset(r, at);
    dv_text_str(&text, " (");
    if (r->func != UINT32_MAX) {
        Str name = dv_wasm_func_name(r->module, r->func);
        dv_text_printf(&text, "function %u", (unsigned)r->func);
        if (name.len != 0) {
            dv_text_printf(&text, " \"%s\"", dv_diag_quote(arena, name.data, name.len));
        }
        dv_text_str(&text, ", ");
    }
    dv_text_printf(&text, "at offset 0x%x)", (unsigned)offset);
    dv_diag_error(r->diag, 0, 0, "%s", text.data);
    r->error = (WasmError){is_malformed, FEATURE_COUNT, offset, r->func};
}

void dv_wasm_report_feature(WasmReader *r, const u8 *at, Feature feature, const char *what)
{
    if (dv_diag_ok(r->diag)) {
        dv_wasm_report(r, at, true, "%s: %s is not enabled", what, dv_wasm_features[feature].text);
        r->error.missing = feature;
    }
}

/* ---- numbers ---- */

/* A number that runs over the end is still judged whole, as the specification's tests expect;
 * then it is refused. */
static bool read_number_byte(WasmReader *r, const u8 **at, u32 shift, u32 bits, u8 *out)
{
    if (shift >= bits) {
        return dv_wasm_fail(r, *at, true, "integer representation too long");
    }
    if (*at == r->module->bytes + r->module->size) {
        return dv_wasm_fail_end(r);
    }
    *out = *(*at)++;
    return true;
}

static bool end_number(WasmReader *r, const u8 *at)
{
    if (at > r->end) {
        return dv_wasm_fail_end(r);
    }
    r->at = at;
    return true;
}

bool dv_wasm_read_unsigned(WasmReader *r, u32 bits, u64 *out)
{
    const u8 *at = r->at;
    *out = 0;
    for (u32 shift = 0;; shift += 7) {
        u8 byte;
        if (!read_number_byte(r, &at, shift, bits, &byte)) {
            return false;
        }
        u32 left = bits - shift;
        if (left < 7 && (byte & 0x7f) >> left != 0) {
            return dv_wasm_fail(r, at - 1, true, "integer too large");
        }
        *out |= (u64)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return end_number(r, at);
        }
    }
}

bool dv_wasm_read_signed(WasmReader *r, u32 bits, u64 *out)
{
    const u8 *at = r->at;
    *out = 0;
    for (u32 shift = 0;; shift += 7) {
        u8 byte;
        if (!read_number_byte(r, &at, shift, bits, &byte)) {
            return false;
        }
        u32 left = bits - shift;
        if (left < 7) {
            u32 sign = 0x7fu & ~((1u << (left - 1)) - 1);
            if ((byte & sign) != 0 && (byte & sign) != sign) {
                return dv_wasm_fail(r, at - 1, true, "integer too large");
            }
        }
        *out |= (u64)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if ((byte & 0x40) != 0 && shift + 7 < 64) {
                *out |= ~(u64)0 << (shift + 7);
            }
            return end_number(r, at);
        }
    }
}

/* ---- types ---- */

/* The feature that a heap type needs, or FEATURE_COUNT if there is none of this byte. */
static Feature feature_of_heap(u8 byte)
{
    switch (byte) {
    case HEAP_FUNC:
    case HEAP_EXTERN:
        return FEATURE_reference_types;
    case HEAP_EXN:
    case HEAP_NOEXN:
        return FEATURE_exceptions;
    case HEAP_NOFUNC:
    case HEAP_NOEXTERN:
    case HEAP_NONE:
    case HEAP_ANY:
    case HEAP_EQ:
    case HEAP_I31:
    case HEAP_STRUCT:
    case HEAP_ARRAY:
        return FEATURE_gc;
    default:
        return FEATURE_COUNT;
    }
}

enum { TYPE_EXACT = 0x62, TYPE_REF_NULL = 0x63, TYPE_REF = 0x64 };

/* A type index where a negative number would be another type. */
static bool read_type_index(WasmReader *r, const char *what, u32 *out)
{
    const u8 *start = r->at;
    u64 value;
    if (!dv_wasm_read_signed(r, 33, &value)) {
        return false;
    }
    if ((value & (u64)1 << 63) != 0) {
        return dv_wasm_fail(r, start, true, "malformed %s", what);
    }
    *out = (u32)value;
    return true;
}

bool dv_wasm_read_heap_type(WasmReader *r, const char *what, ValType *out)
{
    const u8 *start = r->at;
    if (start == r->end) {
        return dv_wasm_fail_end(r);
    }
    ValType exact = 0;
    if (*start == TYPE_EXACT) {
        if (!dv_wasm_need(r, start, FEATURE_custom_descriptors, "malformed heap type")) {
            return false;
        }
        exact = VT_EXACT;
        r->at++;
        if (r->at == r->end) {
            return dv_wasm_fail_end(r);
        }
    } else if (*start >= 0x40 && *start < 0x80) {
        Feature feature = feature_of_heap(*start);
        if (feature == FEATURE_COUNT) {
            return dv_wasm_fail(r, start, true, "malformed %s", what);
        }
        r->at++;
        *out = VT_REF | VT_ABSTRACT | *start;
        return dv_wasm_need(r, start, feature, "malformed heap type");
    }
    u32 index;
    if (!read_type_index(r, what, &index)) {
        return false;
    }
    if (index > VT_INDEX) {
        return dv_wasm_fail(r, start, false, "unknown type %u", (unsigned)index);
    }
    *out = VT_REF | exact | index;
    return dv_wasm_need(r, start, FEATURE_function_references, "malformed heap type");
}

/* The types that are one byte; VT_BOTTOM: none. */
static bool read_short_type(WasmReader *r, u8 byte, const char *what, ValType *out)
{
    const u8 *start = r->at - 1;
    *out = byte;
    switch (byte) {
    case VT_I32:
    case VT_I64:
    case VT_F32:
    case VT_F64:
        return what[0] != 'r' || dv_wasm_fail(r, start, true, "malformed reference type");
    case VT_V128:
        if (what[0] == 'r') {
            return dv_wasm_fail(r, start, true, "malformed reference type");
        }
        return dv_wasm_need(r, start, FEATURE_simd, "malformed value type");
    case VT_I8:
    case VT_I16:
        if (what[0] == 's') {
            return true;
        }
        break;
    default: {
        Feature feature = feature_of_heap(byte);
        *out = VT_REF | VT_NULL | VT_ABSTRACT | byte;
        if (feature != FEATURE_COUNT) {
            /* 1.0 has the type of tables */
            return (byte == HEAP_FUNC && what[0] == 'r') ||
                   dv_wasm_need(r, start, feature, "malformed value type");
        }
    }
    }
    return dv_wasm_fail(r, start, true, "malformed %s", what);
}

bool dv_wasm_read_type(WasmReader *r, const char *what, ValType *out)
{
    u8 byte;
    if (!dv_wasm_read_byte(r, &byte)) {
        return false;
    }
    if (byte != TYPE_REF && byte != TYPE_REF_NULL) {
        return read_short_type(r, byte, what, out);
    }
    if (!dv_wasm_need(r, r->at - 1, FEATURE_function_references, "malformed value type") ||
        !dv_wasm_read_heap_type(r, what, out)) {
        return false;
    }
    *out |= byte == TYPE_REF_NULL ? VT_NULL : 0;
    return true;
}

/* ---- immediates ---- */

static bool read_index2(WasmReader *r, WasmInst *inst)
{
    return dv_wasm_read_u32(r, &inst->index) && dv_wasm_read_u32(r, &inst->index2);
}

/* An index that was a byte, always zero, before the feature came. */
static bool read_late_index(WasmReader *r, Feature feature, u32 *out)
{
    if (dv_wasm_has(r, feature)) {
        if (!dv_wasm_read_u32(r, out)) {
            return false;
        }
        r->used |= *out != 0 ? (Features)1 << feature : 0;
        return true;
    }
    u8 byte;
    if (!dv_wasm_read_byte(r, &byte)) {
        return false;
    }
    *out = 0;
    return byte == 0 || dv_wasm_fail_feature(r, r->at - 1, feature, "zero byte expected");
}

static bool read_block_type(WasmReader *r, WasmInst *inst)
{
    if (r->at == r->end) {
        return dv_wasm_fail_end(r);
    }
    u8 byte = *r->at;
    if (byte == VT_EMPTY) {
        r->at++;
        inst->type = VT_EMPTY;
        return true;
    }
    if (byte > VT_EMPTY && byte < 0x80) {
        return dv_wasm_read_type(r, "block type", &inst->type);
    }
    inst->type = VT_BOTTOM;
    const u8 *start = r->at;
    return read_type_index(r, "block type", &inst->index) &&
           dv_wasm_need(r, start, FEATURE_multi_value, "malformed block type");
}

static bool read_memarg(WasmReader *r, WasmInst *inst)
{
    const u8 *start = r->at;
    u32 flags;
    if (!dv_wasm_read_u32(r, &flags)) {
        return false;
    }
    inst->index = 0;
    if (flags >= 0x40) {
        if (flags >= 0x80) {
            return dv_wasm_fail(r, start, true, "malformed memop flags: 0x%x", (unsigned)flags);
        }
        if (!dv_wasm_need(r, start, FEATURE_multi_memory, "malformed memop flags") ||
            !dv_wasm_read_u32(r, &inst->index)) {
            return false;
        }
    }
    inst->align_log2 = (u8)(flags & 0x3f);
    if (DV_LIKELY(r->at != r->end && *r->at < 0x80)) {
        inst->offset = *r->at++;
        return true;
    }
    return dv_wasm_read_unsigned(r, dv_wasm_has(r, FEATURE_memory64) ? 64 : 32, &inst->offset);
}

static bool read_br_table(WasmReader *r, WasmInst *inst)
{
    const u8 *start = r->at;
    if (!dv_wasm_read_u32(r, &inst->count)) {
        return false;
    }
    if (inst->count > dv_wasm_limits.br_table) {
        return dv_wasm_fail(r, start, false, "too many labels: br_table has %u, more than %u",
                            (unsigned)inst->count, (unsigned)dv_wasm_limits.br_table);
    }
    inst->entries = r->at;
    for (u32 i = 0, label; i <= inst->count; i++) {
        if (!dv_wasm_read_u32(r, &label)) {
            return false;
        }
    }
    inst->entries_end = r->at;
    return true;
}

static bool read_select_types(WasmReader *r, WasmInst *inst)
{
    inst->type = VT_BOTTOM;
    if (!dv_wasm_read_u32(r, &inst->count)) {
        return false;
    }
    inst->entries = r->at;
    for (u32 i = 0; i < inst->count; i++) {
        ValType type;
        if (!dv_wasm_read_type(r, "value type", &type)) {
            return false;
        }
        inst->type = inst->count == 1 ? type : VT_BOTTOM;
    }
    inst->entries_end = r->at;
    return true;
}

static bool read_catch(WasmReader *r, WasmCatch *out)
{
    if (!dv_wasm_read_byte(r, &out->kind)) {
        return false;
    }
    if (out->kind > CATCH_ALL_REF) {
        return dv_wasm_fail(r, r->at - 1, true, "malformed catch clause: 0x%02x",
                            (unsigned)out->kind);
    }
    out->tag = UINT32_MAX;
    return (out->kind >= CATCH_ALL || dv_wasm_read_u32(r, &out->tag)) &&
           dv_wasm_read_u32(r, &out->label);
}

static bool read_catches(WasmReader *r, WasmInst *inst)
{
    WasmCatch clause;
    if (!read_block_type(r, inst) || !dv_wasm_read_u32(r, &inst->count)) {
        return false;
    }
    inst->entries = r->at;
    for (u32 i = 0; i < inst->count; i++) {
        if (!read_catch(r, &clause)) {
            return false;
        }
    }
    inst->entries_end = r->at;
    return true;
}

static bool read_bytes(WasmReader *r, void *to, u32 size)
{
    if ((usize)(r->end - r->at) < size) {
        return dv_wasm_fail_end(r);
    }
    memcpy(to, r->at, size);
    r->at += size;
    return true;
}

static bool read_float(WasmReader *r, WasmInst *inst, u32 size)
{
    u8 bytes[8] = {0};
    if (!read_bytes(r, bytes, size)) {
        return false;
    }
    inst->value = load_le64(bytes);
    return true;
}

/* Bits 0 and 1 say whether the types may be null. */
static bool read_cast(WasmReader *r, WasmInst *inst)
{
    u8 flags;
    if (!dv_wasm_read_byte(r, &flags)) {
        return false;
    }
    if (flags > 3) {
        return dv_wasm_fail(r, r->at - 1, true, "malformed br_on_cast flags: 0x%02x",
                            (unsigned)flags);
    }
    if (!dv_wasm_read_u32(r, &inst->index) ||
        !dv_wasm_read_heap_type(r, "heap type", &inst->type) ||
        !dv_wasm_read_heap_type(r, "heap type", &inst->type2)) {
        return false;
    }
    inst->type |= (flags & 1) != 0 ? VT_NULL : 0;
    inst->type2 |= (flags & 2) != 0 ? VT_NULL : 0;
    return true;
}

static bool read_heap(WasmReader *r, WasmInst *inst)
{
    if (!dv_wasm_read_heap_type(r, "heap type", &inst->type)) {
        return false;
    }
    bool null = inst->op == W_ref_null || inst->op == W_ref_test_null ||
                inst->op == W_ref_cast_null || inst->op == W_ref_cast_desc_eq_null;
    inst->type |= null ? VT_NULL : 0;
    return true;
}

/* The forms that are not read in read_immediates itself. */
static bool read_rare_immediates(WasmReader *r, WasmInst *inst, u8 form)
{
    u64 wide;
    switch (form) {
    case WIMM_BR_TABLE:
        return read_br_table(r, inst);
    case WIMM_SELECT:
        return read_select_types(r, inst);
    case WIMM_TRY_TABLE:
        return read_catches(r, inst);
    case WIMM_CALL_INDIRECT:
        return dv_wasm_read_u32(r, &inst->index) &&
               read_late_index(r, FEATURE_reference_types, &inst->index2);
    case WIMM_MEMORY:
        return read_late_index(r, FEATURE_multi_memory, &inst->index);
    case WIMM_MEMORY_MEMORY:
        return read_late_index(r, FEATURE_multi_memory, &inst->index) &&
               read_late_index(r, FEATURE_multi_memory, &inst->index2);
    case WIMM_DATA_MEMORY:
        return dv_wasm_read_u32(r, &inst->index) &&
               read_late_index(r, FEATURE_multi_memory, &inst->index2);
    case WIMM_MEMARG_LANE:
        return read_memarg(r, inst) && dv_wasm_read_byte(r, &inst->lane);
    case WIMM_F32:
        return read_float(r, inst, 4);
    case WIMM_F64:
        return read_float(r, inst, 8);
    case WIMM_V128:
    case WIMM_LANES:
        return read_bytes(r, inst->bytes, sizeof inst->bytes);
    case WIMM_LANE:
        return dv_wasm_read_byte(r, &inst->lane);
    case WIMM_HEAP:
        return read_heap(r, inst);
    case WIMM_BR_CAST:
        return read_cast(r, inst);
    case WIMM_TYPE_COUNT:
        if (!dv_wasm_read_u32(r, &inst->index) || !dv_wasm_read_unsigned(r, 32, &wide)) {
            return false;
        }
        inst->value = wide;
        return true;
    default:
        ASSERT(form == WIMM_FENCE);
        if (!dv_wasm_read_byte(r, &inst->lane)) {
            return false;
        }
        return inst->lane == 0 || dv_wasm_fail(r, r->at - 1, true, "zero byte expected");
    }
}

static bool read_immediates(WasmReader *r, WasmInst *inst, u8 form)
{
    switch (form) {
    case WIMM_NONE:
        return true;
    case WIMM_LABEL:
    case WIMM_FUNC:
    case WIMM_TYPE:
    case WIMM_LOCAL:
    case WIMM_GLOBAL:
    case WIMM_TABLE:
    case WIMM_ELEM:
    case WIMM_DATA:
    case WIMM_TAG:
        return dv_wasm_read_u32(r, &inst->index);
    case WIMM_TABLE_TABLE:
    case WIMM_ELEM_TABLE:
    case WIMM_FIELD:
    case WIMM_TYPE_DATA:
    case WIMM_TYPE_ELEM:
    case WIMM_TYPE_TYPE:
        return read_index2(r, inst);
    case WIMM_MEMARG:
        return read_memarg(r, inst);
    case WIMM_BLOCK:
        return read_block_type(r, inst);
    case WIMM_I32:
        if (r->at != r->end && *r->at < 0x80) {
            inst->value = ((u64)*r->at++ ^ 0x40) - 0x40;
            return true;
        }
        return dv_wasm_read_signed(r, 32, &inst->value);
    case WIMM_I64:
        return dv_wasm_read_signed(r, 64, &inst->value);
    default:
        return read_rare_immediates(r, inst, form);
    }
}

/* ---- instructions ---- */

void dv_wasm_reader_init(WasmReader *r, const WasmModule *module, Span span, Diag *diag)
{
    *r = (WasmReader){.module = module, .diag = diag, .func = UINT32_MAX};
    r->at = module->bytes + span.offset;
    r->start = r->at;
    r->end = r->at + span.size;
    r->error.missing = FEATURE_COUNT;
    r->error.func = UINT32_MAX;
}

/* An operation behind a prefix. */
static bool read_prefixed(WasmReader *r, u8 prefix, u32 *op)
{
    if (prefix < 0xfb || prefix > 0xfe) {
        return dv_wasm_fail(r, r->start, true, "illegal opcode %02x", (unsigned)prefix);
    }
    u32 code;
    if (!dv_wasm_read_u32(r, &code)) {
        return false;
    }
    *op = dv_wasm_op_by_code(prefix, code);
    return *op != W_COUNT || dv_wasm_fail(r, r->start, true, "illegal opcode %02x %02x",
                                          (unsigned)prefix, (unsigned)code);
}

bool dv_wasm_next(WasmReader *r, WasmInst *inst)
{
    const u8 *start = r->at;
    if (start == r->end) {
        return dv_wasm_fail_end(r);
    }
    r->start = start;
    u8 byte = *r->at++;
    u32 op = dv_wasm_by_code[byte] - 1u;
    if (DV_UNLIKELY(op >= W_COUNT) && !read_prefixed(r, byte, &op)) {
        return false;
    }
    const WasmOpInfo *info = &dv_wasm_ops[op];
    inst->op = (u16)op;
    inst->at = dv_wasm_offset(r, start);
    if (info->feature != FEATURE_COUNT) {
        Features bit = (Features)1 << info->feature;
        r->used |= bit;
        if (DV_UNLIKELY((r->module->features & bit) == 0)) {
            char what[80];
            snprintf(what, sizeof what, "illegal opcode: %s", info->text);
            return dv_wasm_fail_feature(r, start, (Feature)info->feature, what);
        }
    }
    return read_immediates(r, inst, info->imm);
}

bool dv_wasm_skip_expression(WasmReader *r, Span *out)
{
    const u8 *start = r->at;
    WasmInst inst;
    for (u64 depth = 1; depth != 0;) {
        if (!dv_wasm_next(r, &inst)) {
            return false;
        }
        u8 form = dv_wasm_ops[inst.op].imm;
        if (form == WIMM_BLOCK || form == WIMM_TRY_TABLE) {
            depth++;
        } else if (inst.op == W_end || inst.op == W_delegate) {
            depth--;
        }
    }
    *out = (Span){dv_wasm_offset(r, start), (u32)(r->at - start)};
    return true;
}

bool dv_wasm_skip_body(WasmReader *r)
{
    u32 groups;
    Span instructions;
    if (!dv_wasm_read_u32(r, &groups)) {
        return false;
    }
    for (u32 i = 0; i < groups; i++) {
        u32 count;
        ValType type;
        if (!dv_wasm_read_u32(r, &count) || !dv_wasm_read_type(r, "value type", &type)) {
            return false;
        }
    }
    return dv_wasm_skip_expression(r, &instructions);
}

/* ---- entries: already checked ---- */

u32 dv_wasm_entry(const u8 **entries)
{
    u32 value = 0;
    const u8 *at = *entries;
    for (u32 shift = 0; shift < 32; shift += 7) {
        value |= (u32)(*at & 0x7f) << shift;
        if (*at++ < 0x80) {
            break;
        }
    }
    *entries = at;
    return value;
}

WasmCatch dv_wasm_catch(const u8 **entries)
{
    WasmCatch clause = {.kind = *(*entries)++, .tag = UINT32_MAX};
    if (clause.kind < CATCH_ALL) {
        clause.tag = dv_wasm_entry(entries);
    }
    clause.label = dv_wasm_entry(entries);
    return clause;
}
