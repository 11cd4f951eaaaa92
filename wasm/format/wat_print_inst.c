/* wat_print_inst.c - one instruction as text, and how many values it takes and leaves.
 *
 * Immediates are printed by the kind that the operations' table gives. Counts of operands serve
 * folding only, where a wrong one would do no harm: a folded instruction means the same as its
 * operands in front of it, whatever they are.
 */
#include "wasm/format/wat_print.h"

static void put_ref(WatPrinter *p, TextBuf *out, WatSpace space, u32 index)
{
    dv_text_char(out, ' ');
    dv_print_ref(p, out, dv_wat_spaces[space].subsection, 0, index);
}

/* Of an index that is 0 if it is left out. */
static void put_optional(WatPrinter *p, TextBuf *out, WatSpace space, u32 index)
{
    if (index != 0) {
        put_ref(p, out, space, index);
    }
}

static void put_type_use(WatPrinter *p, TextBuf *out, u32 type)
{
    dv_text_str(out, " (type");
    put_ref(p, out, SPACE_TYPE, type);
    dv_text_char(out, ')');
}

static void put_result(WatPrinter *p, TextBuf *out, ValType type)
{
    dv_text_str(out, " (result ");
    dv_print_type(p, out, type);
    dv_text_char(out, ')');
}

static void put_label(WatPrinter *p, TextBuf *out, u32 label)
{
    dv_text_char(out, ' ');
    dv_print_label(p, out, label);
}

static void put_block_type(WatPrinter *p, TextBuf *out, const WasmInst *inst)
{
    if (inst->type == VT_BOTTOM) {
        put_type_use(p, out, inst->index);
    } else if (inst->type != VT_EMPTY) {
        put_result(p, out, inst->type);
    }
}

static void put_catches(WatPrinter *p, TextBuf *out, const WasmInst *inst)
{
    static const char *const words[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
    const u8 *entries = inst->entries;
    for (u32 i = 0; i < inst->count; i++) {
        WasmCatch handler = dv_wasm_catch(&entries);
        dv_text_printf(out, " (%s", words[handler.kind]);
        if (handler.kind == CATCH || handler.kind == CATCH_REF) {
            put_ref(p, out, SPACE_TAG, handler.tag);
        }
        put_label(p, out, handler.label);
        dv_text_char(out, ')');
    }
}

static void put_br_table(WatPrinter *p, TextBuf *out, const WasmInst *inst)
{
    const u8 *entries = inst->entries;
    for (u32 i = 0; i <= inst->count; i++) {
        put_label(p, out, dv_wasm_entry(&entries));
    }
}

static void put_memarg(WatPrinter *p, TextBuf *out, const WasmInst *inst)
{
    put_optional(p, out, SPACE_MEMORY, inst->index);
    if (inst->offset != 0) {
        dv_text_printf(out, " offset=%" PRIu64, inst->offset);
    }
    if (inst->align_log2 != dv_wasm_ops[inst->op].arg) {
        dv_text_printf(out, " align=%" PRIu64, (u64)1 << inst->align_log2);
    }
}

/* Two indices, left out if both are zero. */
static void put_pair(WatPrinter *p, TextBuf *out, WatSpace space, const WasmInst *inst)
{
    if (inst->index != 0 || inst->index2 != 0) {
        put_ref(p, out, space, inst->index);
        put_ref(p, out, space, inst->index2);
    }
}

static void put_float(TextBuf *out, FloatKind kind, u64 bits)
{
    dv_text_char(out, ' ');
    dv_wat_print_float(out, kind, bits);
}

static void put_vector(TextBuf *out, const u8 *bytes)
{
    dv_text_str(out, " i32x4");
    for (u32 i = 0; i < 4; i++) {
        dv_text_printf(out, " 0x%08" PRIx32, load_le32(bytes + 4 * i));
    }
}

static void put_lanes(TextBuf *out, const u8 *bytes)
{
    for (u32 i = 0; i < 16; i++) {
        dv_text_char(out, ' ');
        dv_text_u64(out, bytes[i]);
    }
}

/* ref.null names a heap type; ref.test and its like, which come in pairs, a reference. */
static void put_heap(WatPrinter *p, TextBuf *out, const WasmInst *inst)
{
    const char *text = dv_wasm_ops[inst->op].text;
    bool is_second = inst->op > 0 && strcmp(text, dv_wasm_ops[inst->op - 1].text) == 0;
    bool is_first = inst->op + 1 < W_COUNT && strcmp(text, dv_wasm_ops[inst->op + 1].text) == 0;
    dv_text_char(out, ' ');
    if (is_first || is_second) {
        dv_text_str(out, is_second ? "(ref null " : "(ref ");
    }
    dv_print_heap(p, out, inst->type);
    dv_text_str(out, is_first || is_second ? ")" : "");
}

static void put_br_cast(WatPrinter *p, TextBuf *out, const WasmInst *inst)
{
    put_label(p, out, inst->index);
    dv_text_char(out, ' ');
    dv_print_type(p, out, inst->type);
    dv_text_char(out, ' ');
    dv_print_type(p, out, inst->type2);
}

/* Kinds that are indices, and which spaces these are of. */
typedef struct ImmSpaces {
    u8 imm, first, second; /* SPACE_COUNT: none */
} ImmSpaces;

static const ImmSpaces imm_spaces[] = {
    {WIMM_FUNC, SPACE_FUNC, SPACE_COUNT},     {WIMM_TYPE, SPACE_TYPE, SPACE_COUNT},
    {WIMM_GLOBAL, SPACE_GLOBAL, SPACE_COUNT}, {WIMM_ELEM, SPACE_ELEM, SPACE_COUNT},
    {WIMM_DATA, SPACE_DATA, SPACE_COUNT},     {WIMM_TAG, SPACE_TAG, SPACE_COUNT},
    {WIMM_TYPE_DATA, SPACE_TYPE, SPACE_DATA}, {WIMM_TYPE_ELEM, SPACE_TYPE, SPACE_ELEM},
    {WIMM_TYPE_TYPE, SPACE_TYPE, SPACE_TYPE},
};

static bool put_indices(WatPrinter *p, TextBuf *out, const WasmInst *inst)
{
    for (u32 i = 0; i < ARRAY_LEN(imm_spaces); i++) {
        if (imm_spaces[i].imm == dv_wasm_ops[inst->op].imm) {
            put_ref(p, out, (WatSpace)imm_spaces[i].first, inst->index);
            if (imm_spaces[i].second != SPACE_COUNT) {
                put_ref(p, out, (WatSpace)imm_spaces[i].second, inst->index2);
            }
            return true;
        }
    }
    return false;
}

static void put_numbers(TextBuf *out, const WasmInst *inst)
{
    switch (dv_wasm_ops[inst->op].imm) {
    case WIMM_I32:
        dv_text_printf(out, " %" PRId32, (i32)(u32)inst->value);
        break;
    case WIMM_I64:
        dv_text_printf(out, " %" PRId64, (i64)inst->value);
        break;
    case WIMM_F32:
        put_float(out, FLOAT_32, inst->value);
        break;
    case WIMM_F64:
        put_float(out, FLOAT_64, inst->value);
        break;
    case WIMM_V128:
        put_vector(out, inst->bytes);
        break;
    case WIMM_LANES:
        put_lanes(out, inst->bytes);
        break;
    case WIMM_LANE:
        dv_text_printf(out, " %u", (unsigned)inst->lane);
        break;
    default:
        ASSERT(dv_wasm_ops[inst->op].imm == WIMM_NONE || dv_wasm_ops[inst->op].imm == WIMM_FENCE);
        break;
    }
}

void dv_wat_print_inst(WatPrinter *p, TextBuf *out, const WasmInst *inst)
{
    const WasmOpInfo *info = &dv_wasm_ops[inst->op];
    dv_text_str(out, info->text);
    switch (info->imm) {
    case WIMM_BLOCK:
        dv_print_binder(p, out, NAMES_LABELS, p->func, p->num_labels);
        put_block_type(p, out, inst);
        break;
    case WIMM_TRY_TABLE:
        dv_print_binder(p, out, NAMES_LABELS, p->func, p->num_labels);
        put_block_type(p, out, inst);
        put_catches(p, out, inst);
        break;
    case WIMM_LABEL:
        put_label(p, out, inst->index);
        break;
    case WIMM_BR_TABLE:
        put_br_table(p, out, inst);
        break;
    case WIMM_BR_CAST:
        put_br_cast(p, out, inst);
        break;
    case WIMM_CALL_INDIRECT:
        put_optional(p, out, SPACE_TABLE, inst->index2);
        put_type_use(p, out, inst->index);
        break;
    case WIMM_SELECT:
        put_result(p, out, inst->type);
        break;
    case WIMM_LOCAL:
        dv_text_char(out, ' ');
        dv_print_ref(p, out, NAMES_LOCALS, p->func, inst->index);
        break;
    case WIMM_TABLE:
        put_optional(p, out, SPACE_TABLE, inst->index);
        break;
    case WIMM_MEMORY:
        put_optional(p, out, SPACE_MEMORY, inst->index);
        break;
    case WIMM_TABLE_TABLE:
        put_pair(p, out, SPACE_TABLE, inst);
        break;
    case WIMM_MEMORY_MEMORY:
        put_pair(p, out, SPACE_MEMORY, inst);
        break;
    case WIMM_ELEM_TABLE:
        put_optional(p, out, SPACE_TABLE, inst->index2);
        put_ref(p, out, SPACE_ELEM, inst->index);
        break;
    case WIMM_DATA_MEMORY:
        put_optional(p, out, SPACE_MEMORY, inst->index2);
        put_ref(p, out, SPACE_DATA, inst->index);
        break;
    case WIMM_MEMARG:
        put_memarg(p, out, inst);
        break;
    case WIMM_MEMARG_LANE:
        put_memarg(p, out, inst);
        dv_text_printf(out, " %u", (unsigned)inst->lane);
        break;
    case WIMM_HEAP:
        put_heap(p, out, inst);
        break;
    case WIMM_FIELD:
        put_ref(p, out, SPACE_TYPE, inst->index);
        dv_text_char(out, ' ');
        dv_print_ref(p, out, NAMES_FIELDS, inst->index, inst->index2);
        break;
    case WIMM_TYPE_COUNT:
        put_ref(p, out, SPACE_TYPE, inst->index);
        dv_text_printf(out, " %" PRIu64, inst->value);
        break;
    default:
        if (!put_indices(p, out, inst)) {
            put_numbers(out, inst);
        }
        break;
    }
}

/* ---- arity ---- */

typedef struct Arity {
    bool is_known;
    u8 params, results;
} Arity;

/* Operations whose types the table leaves to the validator, but not their counts. */
static const Arity arities[W_COUNT] = {
    [W_drop] = {true, 1, 0},
    [W_select] = {true, 3, 1},
    [W_select_t] = {true, 3, 1},
    [W_local_get] = {true, 0, 1},
    [W_local_set] = {true, 1, 0},
    [W_local_tee] = {true, 1, 1},
    [W_global_get] = {true, 0, 1},
    [W_global_set] = {true, 1, 0},
    [W_table_get] = {true, 1, 1},
    [W_table_set] = {true, 2, 0},
    [W_ref_null] = {true, 0, 1},
    [W_ref_is_null] = {true, 1, 1},
    [W_ref_func] = {true, 0, 1},
    [W_ref_eq] = {true, 2, 1},
    [W_ref_as_non_null] = {true, 1, 1},
    [W_struct_new_default] = {true, 0, 1},
    [W_struct_get] = {true, 1, 1},
    [W_struct_get_s] = {true, 1, 1},
    [W_struct_get_u] = {true, 1, 1},
    [W_struct_set] = {true, 2, 0},
    [W_array_new] = {true, 2, 1},
    [W_array_new_default] = {true, 1, 1},
    [W_array_new_data] = {true, 2, 1},
    [W_array_new_elem] = {true, 2, 1},
    [W_array_get] = {true, 2, 1},
    [W_array_get_s] = {true, 2, 1},
    [W_array_get_u] = {true, 2, 1},
    [W_array_set] = {true, 3, 0},
    [W_array_len] = {true, 1, 1},
    [W_array_fill] = {true, 4, 0},
    [W_array_copy] = {true, 5, 0},
    [W_array_init_data] = {true, 4, 0},
    [W_array_init_elem] = {true, 4, 0},
    [W_ref_test] = {true, 1, 1},
    [W_ref_test_null] = {true, 1, 1},
    [W_ref_cast] = {true, 1, 1},
    [W_ref_cast_null] = {true, 1, 1},
    [W_br_on_cast] = {true, 1, 1},
    [W_br_on_cast_fail] = {true, 1, 1},
    [W_any_convert_extern] = {true, 1, 1},
    [W_extern_convert_any] = {true, 1, 1},
    [W_ref_i31] = {true, 1, 1},
    [W_i31_get_s] = {true, 1, 1},
    [W_i31_get_u] = {true, 1, 1},
    [W_struct_new_default_desc] = {true, 1, 1},
    [W_ref_get_desc] = {true, 1, 1},
    [W_ref_cast_desc_eq] = {true, 2, 1},
    [W_ref_cast_desc_eq_null] = {true, 2, 1},
    [W_br_on_cast_desc_eq] = {true, 2, 1},
    [W_br_on_cast_desc_eq_fail] = {true, 2, 1},
    [W_memory_copy] = {true, 3, 0},
    [W_table_init] = {true, 3, 0},
    [W_table_copy] = {true, 3, 0},
    [W_table_grow] = {true, 2, 1},
    [W_table_size] = {true, 0, 1},
    [W_table_fill] = {true, 3, 0},
    [W_throw_ref] = {true, 1, 0},
};

/* Adds the parameters and results of a type, if it is a function's. */
static void add_type(const WatPrinter *p, u32 type, u32 *params, u32 *results)
{
    if (type < p->module->types.len) {
        *params += p->module->types.data[type].num_params;
        *results += p->module->types.data[type].num_results;
    }
}

/* Branches and calls: what their targets say. */
static void target_arity(WatPrinter *p, const WasmInst *inst, u32 *params, u32 *results)
{
    const WasmModule *m = p->module;
    u32 ignored = 0;
    const u8 *entries = inst->entries;
    switch (inst->op) {
    case W_br:
        *params = dv_print_label_arity(p, inst->index);
        break;
    case W_br_if:
    case W_br_on_null:
        *results = dv_print_label_arity(p, inst->index);
        *params = *results + 1;
        *results += inst->op == W_br_on_null;
        break;
    case W_br_table:
        *params = dv_print_label_arity(p, dv_wasm_entry(&entries)) + 1;
        break;
    case W_return:
        if (p->func < m->funcs.len) {
            add_type(p, m->funcs.data[p->func].type, &ignored, params);
        }
        break;
    case W_call:
    case W_return_call:
        if (inst->index < m->funcs.len) {
            add_type(p, m->funcs.data[inst->index].type, params,
                     inst->op == W_call ? results : &ignored);
        }
        break;
    case W_call_indirect:
    case W_call_ref:
        *params = 1;
        add_type(p, inst->index, params, results);
        break;
    case W_return_call_indirect:
    case W_return_call_ref:
        *params = 1;
        add_type(p, inst->index, params, &ignored);
        break;
    case W_throw:
        if (inst->index < m->tags.len) {
            add_type(p, m->tags.data[inst->index].type, params, &ignored);
        }
        break;
    default:
        break;
    }
}

void dv_print_arity(WatPrinter *p, const WasmInst *inst, u32 *params, u32 *results)
{
    const WasmOpInfo *info = &dv_wasm_ops[inst->op];
    *params = 0;
    *results = 0;
    if (strcmp(info->params, "*") != 0) {
        *params = (u32)strlen(info->params);
        *results = (u32)strlen(info->results);
        return;
    }
    if (arities[inst->op].is_known) {
        *params = arities[inst->op].params;
        *results = arities[inst->op].results;
        return;
    }
    if (inst->op == W_struct_new || inst->op == W_struct_new_desc) {
        u32 fields =
            inst->index < p->module->types.len ? p->module->types.data[inst->index].num_fields : 0;
        *params = fields + (inst->op == W_struct_new_desc);
        *results = 1;
    } else if (inst->op == W_array_new_fixed) {
        *params = (u32)inst->value;
        *results = 1;
    } else {
        target_arity(p, inst, params, results);
    }
}
