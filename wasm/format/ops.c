/* ops.c - the tables of instructions and features, and looking them up.
 *
 * Rows come from ops.def and features.def. Finding by text is a binary search over ops_by_text.def,
 * whose order a test checks; finding by code is an index made of designated initialisers, one entry
 * for each code of each prefix.
 */
#include "wasm/format/reader.h"

const FeatureInfo dv_wasm_features[FEATURE_COUNT] = {
#define FEATURE(name, text, in_3_0, runs, doc) [FEATURE_##name] = {text, doc, in_3_0, runs},
#include "wasm/format/features.def"
#undef FEATURE
};

const WasmOpInfo dv_wasm_ops[W_COUNT] = {
#define OP(name, text, prefix, code, imm, arg, feature, params, results) \
    [W_##name] = {text, prefix, code, WIMM_##imm, arg, FEATURE_##feature, params, results},
#include "wasm/format/ops.def"
#undef OP
};

static const u16 by_text[] = {
#define BY_TEXT(name) W_##name,
#include "wasm/format/ops_by_text.def"
#undef BY_TEXT
};

enum { FIRST_PREFIX = 0xfb, LAST_PREFIX = 0xfe, CODES = 0x120 };

#define AT_CODE(prefix, code) ((prefix) == 0 ? 0 : (prefix)-FIRST_PREFIX + 1) * CODES + (code)
const u16 dv_wasm_by_code[(LAST_PREFIX - FIRST_PREFIX + 2) * CODES] = {
#define OP(name, text, prefix, code, imm, arg, feature, params, results) \
    [AT_CODE(prefix, code)] = W_##name + 1,
#include "wasm/format/ops.def"
#undef OP
};

#define OP(name, text, prefix, code, imm, arg, feature, params, results) \
    _Static_assert((code) < CODES && \
                       ((prefix) == 0 || ((prefix) >= FIRST_PREFIX && (prefix) <= LAST_PREFIX)), \
                   "the index by code is too small");
#include "wasm/format/ops.def"
#undef OP

WasmOp dv_wasm_op_by_code(u8 prefix, u32 code)
{
    if (code >= CODES || (prefix != 0 && (prefix < FIRST_PREFIX || prefix > LAST_PREFIX))) {
        return W_COUNT;
    }
    u32 op = dv_wasm_by_code[AT_CODE((u32)prefix, code)];
    return op == 0 ? W_COUNT : (WasmOp)(op - 1);
}

WasmOp dv_wasm_op_find(const char *text, usize length)
{
    usize low = 0, high = ARRAY_LEN(by_text);
    while (low < high) {
        usize middle = low + (high - low) / 2;
        const char *row = dv_wasm_ops[by_text[middle]].text;
        usize row_length = strlen(row);
        int order = memcmp(row, text, row_length < length ? row_length : length);
        if (order == 0 && row_length == length) {
            return (WasmOp)by_text[middle];
        }
        if (order < 0 || (order == 0 && row_length < length)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return W_COUNT;
}

Features dv_wasm_features_3_0(void)
{
    Features set = FEATURES_NONE;
    for (u32 i = 0; i < FEATURE_COUNT; i++) {
        set |= (Features)dv_wasm_features[i].in_3_0 << i;
    }
    return set;
}

Features dv_wasm_features_run(void)
{
    Features set = FEATURES_NONE;
    for (u32 i = 0; i < FEATURE_COUNT; i++) {
        set |= (Features)dv_wasm_features[i].runs << i;
    }
    return set;
}

Feature dv_wasm_feature_find(const char *text, usize length)
{
    for (u32 i = 0; i < FEATURE_COUNT; i++) {
        const char *row = dv_wasm_features[i].text;
        if (strlen(row) == length && memcmp(row, text, length) == 0) {
            return (Feature)i;
        }
    }
    return FEATURE_COUNT;
}
