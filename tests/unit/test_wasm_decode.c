/* test_wasm_decode.c - the tables of instructions, and decoding: each rule of the binary format
 * with a module that breaks it, names, features, limits, and that no prefix of a module is read
 * beyond its end. */
#include "wasm_testing.h"

#include "base/rng.h"

/* ---- tables ---- */

static void texts_are_found(void **state)
{
    (void)state;
    for (u32 op = 0; op < W_COUNT; op++) {
        const char *text = dv_wasm_ops[op].text;
        WasmOp found = dv_wasm_op_find(text, strlen(text));
        assert_true(found <= op);
        assert_string_equal(dv_wasm_ops[found].text, text);
        for (u32 earlier = 0; earlier < found; earlier++) {
            assert_string_not_equal(dv_wasm_ops[earlier].text, text);
        }
    }
    assert_int_equal(dv_wasm_op_find("i32.ad", 6), W_COUNT);
    assert_int_equal(dv_wasm_op_find("i32.addx", 8), W_COUNT);
    assert_int_equal(dv_wasm_op_find("", 0), W_COUNT);
    assert_int_equal(dv_wasm_op_find("zzz", 3), W_COUNT);
    assert_int_equal(dv_wasm_op_find("select", 6), W_select);
}

static void codes_are_found(void **state)
{
    (void)state;
    u32 last_prefix = 0;
    u32 last_code = 0;
    for (u32 op = 0; op < W_COUNT; op++) {
        const WasmOpInfo *info = &dv_wasm_ops[op];
        assert_int_equal(dv_wasm_op_by_code(info->prefix, info->code), op);
        if (op != 0) {
            assert_true(info->prefix > last_prefix ||
                        (info->prefix == last_prefix && info->code > last_code));
        }
        last_prefix = info->prefix;
        last_code = info->code;
        assert_true(strlen(info->params) <= 4);
        assert_int_equal(info->params[0] == '*', info->results[0] == '*');
    }
    assert_int_equal(dv_wasm_op_by_code(0, 0xff), W_COUNT);
    assert_int_equal(dv_wasm_op_by_code(0, 0xfc), W_COUNT);
    assert_int_equal(dv_wasm_op_by_code(0xfc, 18), W_COUNT);
    assert_int_equal(dv_wasm_op_by_code(0xfd, 1u << 31), W_COUNT);
    assert_int_equal(dv_wasm_op_by_code(0xff, 0), W_COUNT);
}

static void features_are_found(void **state)
{
    (void)state;
    for (u32 i = 0; i < FEATURE_COUNT; i++) {
        const char *text = dv_wasm_features[i].text;
        assert_int_equal(dv_wasm_feature_find(text, strlen(text)), i);
    }
    assert_int_equal(dv_wasm_feature_find("sim", 3), FEATURE_COUNT);
    assert_true((dv_wasm_features_3_0() & FEATURE_BIT(gc)) != 0);
    assert_true((dv_wasm_features_3_0() & FEATURE_BIT(threads)) == 0);
    assert_true((dv_wasm_features_run() & FEATURE_BIT(multi_value)) != 0);
}

/* ---- malformed and invalid modules ---- */

typedef struct Case {
    bool is_malformed;
    const char *message;
    const char *bytes; /* behind the preamble */
    usize size;
} Case;

#define MALFORMED true
#define INVALID false
/* () -> () twice: type, function and code sections around others */
#define TYPE0 "\1\4\1\x60\0\0"
#define FUNC0 "\3\2\1\0"
#define CODE0 "\xa\4\1\2\0\xb"

static const Case cases[] = {
    /* sections */
    {MALFORMED, "malformed section id", BYTES("\xe\1\0")},
    {MALFORMED, "malformed section id", BYTES("\x80\1\0")},
    {MALFORMED, "unexpected end", BYTES("\1")},
    {MALFORMED, "length out of bounds", BYTES("\1\7\2\x60\0\0")},
    {MALFORMED, "unexpected end", BYTES("\1\5\1\x60\0\0")},
    {MALFORMED, "section size mismatch", BYTES("\1\7\1\x60\0\0\x60\0\0")},
    {MALFORMED, "unexpected content after last section", BYTES("\1\1\0\1\1\0")},
    {MALFORMED, "unexpected content after last section", BYTES("\2\1\0\1\1\0")},
    {MALFORMED, "unexpected content after last section", BYTES("\6\1\0\xd\1\0")},
    {MALFORMED, "unexpected content after last section", BYTES("\xa\1\0\xc\1\0")},
    {MALFORMED, "function and code section have inconsistent lengths", BYTES(TYPE0 FUNC0)},
    {MALFORMED, "function and code section have inconsistent lengths", BYTES(TYPE0 CODE0)},
    {MALFORMED, "data count and data section have inconsistent lengths", BYTES("\xc\1\1")},
    {MALFORMED, "integer representation too long", BYTES("\0\x83\x80\x80\x80\x80\0\1xy")},
    {MALFORMED, "integer too large", BYTES("\1\x83\x80\x80\x80\x10\0\0\0")},
    {MALFORMED, "unexpected end", BYTES("\0\0")},
    {MALFORMED, "malformed UTF-8 encoding", BYTES("\0\3\2\xc0\x80")},
    {MALFORMED, "malformed UTF-8 encoding", BYTES("\0\4\3\xe0\x80\x80")},
    {MALFORMED, "malformed UTF-8 encoding", BYTES("\0\4\3\xed\xa0\x80")},
    {MALFORMED, "malformed UTF-8 encoding", BYTES("\0\5\4\xf4\x90\x80\x80")},
    {MALFORMED, "malformed UTF-8 encoding", BYTES("\0\5\4\xf0\x8f\x80\x80")},
    {MALFORMED, "malformed UTF-8 encoding", BYTES("\0\3\2\xe2\x82")},
    {MALFORMED, "malformed UTF-8 encoding", BYTES("\0\2\1\x80")},
    {MALFORMED, "malformed UTF-8 encoding", BYTES("\0\3\2\xc2(")},
    {MALFORMED, "malformed UTF-8 encoding", BYTES("\0\2\1\xff")},
    /* types */
    {MALFORMED, "malformed definition type", BYTES("\1\4\1\x40\0\0")},
    {MALFORMED, "integer representation too long", BYTES("\1\5\1\xe0\x7f\0\0")},
    {MALFORMED, "malformed value type", BYTES("\1\5\1\x60\1\x60\0")},
    {MALFORMED, "malformed value type", BYTES("\1\5\1\x60\1\x78\0")},
    {MALFORMED, "malformed value type", BYTES("\1\6\1\x60\1\x63\x40\0")},
    {MALFORMED, "malformed storage type", BYTES("\1\4\1\x5e\x40\0")},
    {MALFORMED, "malformed mutability", BYTES("\1\4\1\x5e\x78\2")},
    {MALFORMED, "malformed definition type", BYTES("\1\7\1\x50\2\0\0\x5f\0")},
    {MALFORMED, "unexpected end", BYTES("\1\4\1\x4e\1\x60")},
    {INVALID, "unknown type 1", BYTES("\1\6\1\x60\1\x64\1\0")},
    {INVALID, "unknown type 0", BYTES("\1\6\1\x50\1\0\x5f\0")},
    {INVALID, "unknown type 1", BYTES("\1\xc\1\x4e\2\x50\1\1\x5f\0\x50\0\x5f\0")},
    {INVALID, "sub type 1 does not match super type 0",
     BYTES("\1\xb\2\x50\0\x5f\0\x50\1\0\x60\0\0")},
    {INVALID, "sub type 1 does not match super type 0", BYTES("\1\x8\2\x5f\0\x50\1\0\x5f\0")},
    {INVALID, "too many parameters: 1001, more than 1000", BYTES("\1\5\1\x60\xe9\7\0")},
    {INVALID, "too many results: 1001, more than 1000", BYTES("\1\6\1\x60\0\xe9\7\0")},
    {INVALID, "too many types: 1000001, more than 1000000", BYTES("\1\3\xc1\x84\x3d")},
    /* imports and exports */
    {MALFORMED, "malformed import kind", BYTES("\2\4\1\0\0\5")},
    {MALFORMED, "unexpected end of section or function", BYTES("\2\4\1\0\0\0")},
    {MALFORMED, "malformed mutability", BYTES("\2\6\1\0\0\3\x7f\2")},
    {MALFORMED, "malformed tag attribute", BYTES("\2\6\1\0\0\4\1\0")},
    {MALFORMED, "length out of bounds", BYTES("\2\4\1\7\0\0")},
    {MALFORMED, "malformed export kind", BYTES("\7\4\1\0\5\0")},
    {MALFORMED, "length out of bounds", BYTES("\7\4\2\0\0\0\xa\1\0")},
    {INVALID, "unknown type 3", BYTES("\2\5\1\0\0\0\3")},
    {INVALID, "unknown function 0", BYTES("\7\4\1\0\0\0")},
    {INVALID, "unknown table 0", BYTES("\7\4\1\0\1\0")},
    {INVALID, "unknown memory 0", BYTES("\7\4\1\0\2\0")},
    {INVALID, "unknown global 0", BYTES("\7\4\1\0\3\0")},
    {INVALID, "unknown tag 0", BYTES("\7\4\1\0\4\0")},
    {INVALID, "duplicate export name \"a\"",
     BYTES("\5\3\1\0\0\7\x9\2\1"
           "a\2\0\1"
           "a\2\0")},
    /* tables and memories */
    {MALFORMED, "malformed reference type", BYTES("\4\4\1\x7f\0\0")},
    {MALFORMED, "malformed limits flags", BYTES("\4\4\1\x70\x8\0")},
    {MALFORMED, "malformed limits flags", BYTES("\4\4\1\x70\2\0")},
    {MALFORMED, "malformed table", BYTES("\4\x9\1\x40\1\x70\0\0\xd0\x70\xb")},
    {MALFORMED, "malformed limits flags", BYTES("\5\3\1\x10\0")},
    {MALFORMED, "malformed limits flags", BYTES("\5\5\1\x81\0\0\0")},
    {MALFORMED, "invalid custom page size", BYTES("\5\4\1\x8\0\x41")},
    {INVALID, "invalid custom page size", BYTES("\5\4\1\x8\0\1")},
    {INVALID, "shared memory must have maximum", BYTES("\5\3\1\2\0")},
    {INVALID, "memory size must be at most 65536 pages (4GiB)", BYTES("\5\5\1\0\x81\x80\4")},
    {INVALID, "memory size must be at most 65536 pages (4GiB)", BYTES("\5\6\1\1\0\x81\x80\4")},
    {INVALID, "memory size must be at most 2^48", BYTES("\5\x9\1\4\x81\x80\x80\x80\x80\x80\x40")},
    {INVALID, "size minimum must not be greater than maximum", BYTES("\5\4\1\1\2\1")},
    {INVALID, "size minimum must not be greater than maximum", BYTES("\4\5\1\x70\1\2\1")},
    {INVALID, "table size must be at most 2^32-1", BYTES("\4\x8\1\x70\0\x80\x80\x80\x80\x10")},
    {INVALID, "type mismatch: table 0 needs an initial value", BYTES("\4\5\1\x64\x70\0\0")},
    {INVALID, "unknown type 0", BYTES("\4\5\1\x63\0\0\0")},
    {INVALID, "type mismatch", BYTES("\4\xa\1\x40\0\x64\x70\0\0\xd0\x70\xb")},
    /* globals and constant expressions */
    {MALFORMED, "malformed mutability", BYTES("\6\6\1\x7f\2\x41\0\xb")},
    {MALFORMED, "unexpected end of section or function", BYTES("\6\5\1\x7f\0\x41\0")},
    {MALFORMED, "illegal opcode ff", BYTES("\6\6\1\x7f\0\xff\0\xb")},
    {MALFORMED, "illegal opcode fc 7f", BYTES("\6\6\1\x7f\0\xfc\x7f\xb")},
    {INVALID, "constant expression required: nop", BYTES("\6\7\1\x7f\0\x41\0\1\xb")},
    {INVALID, "constant expression required: block", BYTES("\6\x9\1\x7f\0\2\x7f\x41\0\xb\xb")},
    {INVALID, "constant expression required: i32.div_s", BYTES("\6\x9\1\x7f\0\x41\0\x41\0\x6d\xb")},
    {INVALID, "constant expression required: global 0 is mutable",
     BYTES("\6\xb\2\x7f\1\x41\0\xb\x7f\0\x23\0\xb")},
    {INVALID, "unknown global 0", BYTES("\6\6\1\x7f\0\x23\0\xb")},
    {INVALID, "unknown function 0", BYTES("\6\6\1\x70\0\xd2\0\xb")},
    {INVALID, "type mismatch: instruction requires [i32] but stack has [i64]",
     BYTES("\6\6\1\x7f\0\x42\0\xb")},
    {INVALID, "type mismatch: block requires [] but stack has [i32]",
     BYTES("\6\x8\1\x7f\0\x41\0\x41\0\xb")},
    {INVALID, "type mismatch: instruction requires [i32] but stack has []",
     BYTES("\6\4\1\x7f\0\xb")},
    /* tags and start */
    {INVALID, "non-empty tag result type", BYTES("\1\5\1\x60\0\1\x7f\xd\3\1\0\0")},
    {INVALID, "unknown type 1", BYTES(TYPE0 "\xd\3\1\0\1")},
    {INVALID, "unknown function 0", BYTES("\x8\1\0")},
    {INVALID, "start function 0 has", BYTES("\1\5\1\x60\1\x7f\0\2\5\1\0\0\0\0\x8\1\0")},
    /* segments */
    {MALFORMED, "malformed elements segment kind", BYTES("\x9\2\1\x8")},
    {MALFORMED, "malformed element kind", BYTES("\x9\4\1\1\1\0")},
    {MALFORMED, "malformed reference type", BYTES("\x9\4\1\5\x7f\0")},
    {MALFORMED, "unexpected end", BYTES("\x9\5\1\1\0\2\0")},
    {INVALID, "unknown table 0", BYTES("\x9\6\1\0\x41\0\xb\0")},
    {INVALID, "unknown function 0", BYTES("\x9\5\1\1\0\1\0")},
    {INVALID, "unknown type 9", BYTES("\x9\5\1\5\x63\x9\0")},
    {INVALID, "type mismatch: segment of (ref func) for a table of externref",
     BYTES("\4\4\1\x6f\0\0\x9\6\1\0\x41\0\xb\0")},
    {INVALID, "type mismatch", BYTES("\4\4\1\x70\0\0\x9\6\1\0\x42\0\xb\0")},
    {INVALID, "type mismatch", BYTES("\x9\7\1\5\x70\1\xd0\x6f\xb")},
    {MALFORMED, "malformed data segment kind", BYTES("\xb\2\1\3")},
    {MALFORMED, "unexpected end of section or function", BYTES("\xb\4\1\1\2x")},
    {MALFORMED, "length out of bounds", BYTES("\xb\4\1\1\3x")},
    {INVALID, "unknown memory 0", BYTES("\xb\6\1\0\x41\0\xb\0")},
    {INVALID, "unknown memory 1", BYTES("\5\3\1\0\0\xb\7\1\2\1\x41\0\xb\0")},
    {INVALID, "type mismatch", BYTES("\5\3\1\0\0\xb\6\1\0\x42\0\xb\0")},
    /* bodies */
    {MALFORMED, "length out of bounds", BYTES(TYPE0 FUNC0 "\xa\4\1\5\0\xb")},
    {MALFORMED, "unexpected end of section or function", BYTES(TYPE0 FUNC0 "\xa\2\1\0")},
    {MALFORMED, "END opcode expected",
     BYTES(TYPE0 "\3\3\2\0\0\xa\xb\2\3\0\x41\1\x5\0\x41\1\x1a\xb")},
    {MALFORMED, "unexpected end of section or function", BYTES(TYPE0 FUNC0 "\xa\5\1\3\0\x41\1")},
    {MALFORMED, "section size mismatch", BYTES(TYPE0 FUNC0 "\xa\6\1\4\0\x41\1\x1a\xb\1\0")},
    {MALFORMED, "section size mismatch", BYTES(TYPE0 FUNC0 "\xa\5\1\3\0\xb\1")},
    {MALFORMED, "too many locals",
     BYTES(TYPE0 FUNC0 "\xa\xc\1\xa\2\xff\xff\xff\xff\xf\x7f\2\x7e\xb")},
    {INVALID, "too many locals: 50001, more than 50000",
     BYTES(TYPE0 FUNC0 "\xa\x8\1\6\1\xd1\x86\3\x7f\xb")},
    {INVALID, "unknown type 7", BYTES(TYPE0 FUNC0 "\xa\7\1\5\1\1\x63\7\xb")},
    {MALFORMED, "integer representation too long",
     BYTES(TYPE0 FUNC0 "\xa\xb\1\x9\0\x41\x80\x80\x80\x80\x80\0\xb\1\0")},
};

static void each_rule_has_its_message(void **state)
{
    Fixture *f = *state;
    for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
        ByteBuf module;
        dv_bytebuf_init(&module, &f->arena);
        dv_bytebuf_bytes(&module, BYTES(PREAMBLE));
        dv_bytebuf_bytes(&module, cases[i].bytes, cases[i].size);
        expect_error(f, module.data, module.len, FEATURES_ALL, cases[i].is_malformed,
                     cases[i].message);
    }
}

static void preambles(void **state)
{
    Fixture *f = *state;
    static const char good[] = PREAMBLE;
    for (u32 i = 0; i < 8; i++) {
        expect_error(f, good, i, FEATURES_ALL, true, "unexpected end of section or function");
    }
    expect_valid(f, good, 8, FEATURES_NONE);
    expect_error(f, BYTES("asm\0\1\0\0\0"), FEATURES_ALL, true, "magic header not detected");
    expect_error(f, BYTES("\0asm\2\0\0\0"), FEATURES_ALL, true, "unknown binary version: 2");
    expect_error(f, BYTES("\0asm\1\0\0\1"), FEATURES_ALL, true, "unknown binary version");
}

/* ---- features ---- */

typedef struct FeatureCase {
    Feature feature;
    bool is_malformed;
    const char *message;
    const char *bytes;
    usize size;
} FeatureCase;

static const FeatureCase feature_cases[] = {
    {FEATURE_mutable_globals, INVALID, "mutable globals cannot be imported",
     BYTES("\2\6\1\0\0\3\x7f\1")},
    {FEATURE_mutable_globals, INVALID, "mutable globals cannot be exported",
     BYTES("\6\6\1\x7f\1\x41\0\xb\7\4\1\0\3\0")},
    {FEATURE_sign_extension, MALFORMED, "illegal opcode: i32.extend8_s",
     BYTES(TYPE0 FUNC0 "\xa\x8\1\6\0\x41\0\xc0\x1a\xb")},
    {FEATURE_saturating, MALFORMED, "illegal opcode: i32.trunc_sat_f64_s",
     BYTES(TYPE0 FUNC0 "\xa\x10\1\xe\0\x44\0\0\0\0\0\0\0\0\xfc\2\x1a\xb")},
    {FEATURE_multi_value, INVALID, "invalid result arity", BYTES("\1\6\1\x60\0\2\x7f\x7f")},
    {FEATURE_multi_value, MALFORMED, "malformed block type",
     BYTES(TYPE0 FUNC0 "\xa\7\1\5\0\2\0\xb\xb")},
    {FEATURE_bulk_memory, MALFORMED, "malformed section id", BYTES("\xc\1\0")},
    {FEATURE_bulk_memory, MALFORMED, "malformed data segment kind", BYTES("\xb\3\1\1\0")},
    {FEATURE_bulk_memory, MALFORMED, "malformed elements segment kind", BYTES("\x9\4\1\1\0\0")},
    {FEATURE_reference_types, MALFORMED, "malformed value type", BYTES("\1\5\1\x60\1\x6f\0")},
    {FEATURE_reference_types, INVALID, "multiple tables", BYTES("\4\7\2\x70\0\0\x70\0\0")},
    {FEATURE_reference_types, MALFORMED, "zero byte expected",
     BYTES(TYPE0 FUNC0 "\4\4\1\x70\0\0\xa\x9\1\7\0\x41\0\x11\0\1\xb")},
    {FEATURE_tail_call, MALFORMED, "illegal opcode: return_call",
     BYTES(TYPE0 FUNC0 "\xa\6\1\4\0\x12\0\xb")},
    {FEATURE_multi_memory, INVALID, "multiple memories", BYTES("\5\5\2\0\0\0\0")},
    {FEATURE_multi_memory, MALFORMED, "zero byte expected",
     BYTES(TYPE0 FUNC0 "\5\3\1\0\0\xa\7\1\5\0\x3f\1\x1a\xb")},
    {FEATURE_multi_memory, MALFORMED, "malformed memop flags",
     BYTES(TYPE0 FUNC0 "\5\3\1\0\0\xa\xb\1\x9\0\x41\0\x28\x42\0\0\x1a\xb")},
    {FEATURE_memory64, MALFORMED, "malformed limits flags", BYTES("\5\3\1\4\0")},
    {FEATURE_function_references, MALFORMED, "malformed value type",
     BYTES("\1\6\1\x60\1\x63\x70\0")},
    {FEATURE_simd, MALFORMED, "malformed value type", BYTES("\1\5\1\x60\1\x7b\0")},
    {FEATURE_simd, MALFORMED, "illegal opcode: v128.not",
     BYTES(TYPE0 FUNC0 "\xa\x8\1\6\0\0\xfd\x4d\x1a\xb")},
    {FEATURE_relaxed_simd, MALFORMED, "illegal opcode: f32x4.relaxed_min",
     BYTES(TYPE0 FUNC0 "\xa\x9\1\7\0\0\xfd\x8d\2\x1a\xb")},
    {FEATURE_gc, MALFORMED, "malformed definition type", BYTES("\1\3\1\x5f\0")},
    {FEATURE_gc, MALFORMED, "malformed definition type", BYTES("\1\3\1\x4e\0")},
    {FEATURE_gc, MALFORMED, "malformed value type", BYTES("\1\5\1\x60\1\x6e\0")},
    {FEATURE_exceptions, MALFORMED, "malformed section id", BYTES("\xd\1\0")},
    {FEATURE_exceptions, MALFORMED, "malformed import kind", BYTES(TYPE0 "\2\6\1\0\0\4\0\0")},
    {FEATURE_exceptions, MALFORMED, "malformed value type", BYTES("\1\5\1\x60\1\x69\0")},
    {FEATURE_threads, MALFORMED, "malformed limits flags", BYTES("\5\4\1\3\0\1")},
    {FEATURE_custom_page_sizes, MALFORMED, "malformed limits flags", BYTES("\5\4\1\x8\0\0")},
    {FEATURE_wide_arithmetic, MALFORMED, "illegal opcode: i64.add128",
     BYTES(TYPE0 FUNC0 "\xa\x9\1\7\0\0\xfc\x13\x1a\x1a\xb")},
    {FEATURE_legacy_exceptions, MALFORMED, "illegal opcode: try",
     BYTES(TYPE0 FUNC0 "\xa\x8\1\6\0\6\x40\x19\xb\xb")},
    {FEATURE_custom_descriptors, MALFORMED, "malformed definition type",
     BYTES("\1\xb\1\x4e\2\x4d\1\x5f\0\x4c\0\x5f\0")},
};

static void features_are_refused_by_name(void **state)
{
    Fixture *f = *state;
    u32 seen = 0;
    for (u32 i = 0; i < ARRAY_LEN(feature_cases); i++) {
        const FeatureCase *c = &feature_cases[i];
        ByteBuf module;
        dv_bytebuf_init(&module, &f->arena);
        dv_bytebuf_bytes(&module, BYTES(PREAMBLE));
        dv_bytebuf_bytes(&module, c->bytes, c->size);
        Features bit = (Features)1 << c->feature;
        Outcome out = expect_error(f, module.data, module.len, FEATURES_ALL & ~bit, c->is_malformed,
                                   c->message);
        assert_int_equal(out.error.missing, c->feature);
        assert_non_null(strstr(out.message, dv_wasm_features[c->feature].text));
        assert_non_null(strstr(out.message, "is not enabled"));
        Outcome good = load_module(f, module.data, module.len, FEATURES_ALL);
        /* what is not about the feature may be wrong: never the feature itself */
        assert_int_equal(good.error.missing, FEATURE_COUNT);
        assert_true(!good.ok || (good.module.used & bit) != 0);
        seen |= 1u << c->feature;
    }
    /* extended constants have a message of their own */
    static const char extended[] = PREAMBLE "\6\x9\1\x7f\0\x41\0\x41\0\x6a\xb";
    expect_error(f, extended, sizeof extended - 1, FEATURES_ALL & ~FEATURE_BIT(extended_const),
                 false, "constant expression required: i32.add");
    expect_valid(f, extended, sizeof extended - 1, FEATURES_ALL);
    seen |= 1u << FEATURE_extended_const;
    assert_int_equal(seen, FEATURES_ALL);
}

/* A constant expression names a global of the module itself: 3.0 allows it, what came before
 * does not. */
static void constants_name_earlier_globals(void **state)
{
    Fixture *f = *state;
    static const char own[] = PREAMBLE "\6\xb\2\x7f\0\x41\0\xb\x7f\0\x23\0\xb";
    expect_valid(f, BYTES(own), FEATURES_ALL);
    expect_valid(f, BYTES(own), dv_wasm_features_run());
    expect_error(f, BYTES(own), FEATURES_NONE, false, "unknown global 0");
    static const char later[] = PREAMBLE "\6\xb\2\x7f\0\x23\1\xb\x7f\0\x41\0\xb";
    expect_error(f, BYTES(later), FEATURES_ALL, false, "unknown global 1");
}

/* ---- what a module says ---- */

/* One of everything. */
static const char whole[] =
    PREAMBLE "\0\5\3one\7"                                        /* custom section before all */
             "\1\xf\3\x60\0\0\x60\1\x7f\1\x7f\x50\0\x5f\1\x7f\1"  /* types */
             "\2\x17\3\1m\1f\0\1\1m\1t\1\x70\1\1\2\1m\1g\3\x7e\0" /* imports */
             "\3\3\2\0\1"                                         /* functions */
             "\4\xc\2\x6f\0\5\x40\0\x70\0\1\xd2\0\xb"             /* tables */
             "\5\6\2\0\1\5\2\3"                                   /* memories */
             "\xd\3\1\0\0"                                        /* tags */
             "\6\6\1\x7f\1\x41\x2a\xb"                            /* globals */
             "\7\xd\2\3run\0\1\3mem\2\1"                          /* exports */
             "\x8\1\1"                                            /* start */
             "\x9\xf\2\0\x41\0\xb\2\1\2\5\x63\0\1\xd0\0\xb"       /* elements */
             "\xc\1\2"                                            /* data count */
             "\xa\xa\2\2\0\xb\5\0\x20\0\xf\xb"                    /* code */
             "\xb\xb\2\0\x41\1\xb\2hi\1\1x"                       /* data */
             "\0\x19\4name\0\3\2my\1\xd\3\0\2ff\1\1g\2\3hhh";

static void everything_is_read(void **state)
{
    Fixture *f = *state;
    Outcome out = load_module(f, whole, sizeof whole - 1, FEATURES_ALL);
    if (!out.ok) {
        fail_msg("%s", out.message);
    }
    const WasmModule *m = &out.module;
    assert_int_equal(m->types.len, 3);
    assert_int_equal(m->types.data[1].num_params, 1);
    assert_int_equal(m->types.data[2].kind, COMP_STRUCT);
    assert_true(m->types.data[2].fields[0].is_mutable);
    assert_int_equal(m->imports.len, 3);
    assert_int_equal(m->imported_funcs, 1);
    assert_int_equal(m->imported_tables, 1);
    assert_int_equal(m->imported_globals, 1);
    assert_int_equal(m->funcs.len, 3);
    assert_true(m->funcs.data[0].is_declared && m->funcs.data[1].is_declared);
    assert_int_equal(m->tables.len, 3);
    assert_true(m->tables.data[0].limits.has_max && m->tables.data[0].limits.max == 2);
    assert_int_equal(m->tables.data[1].type, VT_EXTERNREF);
    assert_int_equal(m->tables.data[2].init.size, 3);
    assert_int_equal(m->memories.len, 2);
    assert_true(m->memories.data[1].limits.index64 && m->memories.data[1].limits.max == 3);
    assert_int_equal(m->tags.len, 1);
    assert_int_equal(m->globals.len, 2);
    assert_true(m->globals.data[1].is_mutable && m->globals.data[1].init.size == 3);
    assert_int_equal(m->exports.len, 2);
    assert_memory_equal(m->exports.data[1].name.data, "mem", 3);
    assert_true(m->has_start && m->start == 1 && m->has_data_count);
    assert_int_equal(m->elems.len, 2);
    assert_int_equal(m->elems.data[0].count, 2);
    assert_int_equal(m->elems.data[0].items.size, 2);
    assert_int_equal(m->elems.data[1].mode, SEGMENT_PASSIVE);
    assert_int_equal(m->elems.data[1].type, VT_REF | VT_NULL | 0);
    assert_true(m->elems.data[1].is_exprs);
    assert_int_equal(m->datas.len, 2);
    assert_memory_equal(m->bytes + m->datas.data[0].bytes.offset, "hi", 2);
    assert_int_equal(m->datas.data[1].mode, SEGMENT_PASSIVE);
    assert_int_equal(m->customs.len, 2);
    assert_int_equal(m->customs.data[0].after, 0);
    assert_int_equal(m->customs.data[1].after, 11);
    assert_int_equal(m->sections[10].size, 10);
    Features used = FEATURE_BIT(reference_types) | FEATURE_BIT(bulk_memory) |
                    FEATURE_BIT(multi_memory) | FEATURE_BIT(memory64) |
                    FEATURE_BIT(function_references) | FEATURE_BIT(gc) | FEATURE_BIT(exceptions);
    assert_int_equal(m->used, used);
}

static void names_are_found(void **state)
{
    Fixture *f = *state;
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    WasmModule m;
    DecodeOptions options = {.features = FEATURES_ALL};
    assert_true(
        dv_wasm_decode(&f->arena, (const u8 *)whole, sizeof whole - 1, &options, &m, &diag, NULL));
    assert_int_equal(m.name.len, 2);
    assert_memory_equal(m.name.data, "my", 2);
    assert_memory_equal(dv_wasm_func_name(&m, 0).data, "ff", 2);
    assert_memory_equal(dv_wasm_func_name(&m, 2).data, "hhh", 3);
    assert_int_equal(dv_wasm_func_name(&m, 3).len, 0);
    /* names out of order, cut short or not of UTF-8 are left out; the module is not refused */
    static const char odd[] = PREAMBLE "\0\x11\4name\1\xa\3\2\1"
                                       "a\1\1"
                                       "b\3\1"
                                       "c";
    assert_true(
        dv_wasm_decode(&f->arena, (const u8 *)odd, sizeof odd - 1, &options, &m, &diag, NULL));
    assert_int_equal(m.func_names.len, 1);
    static const char cut[] = PREAMBLE "\0\x9\4name\1\x9\2\0";
    assert_true(
        dv_wasm_decode(&f->arena, (const u8 *)cut, sizeof cut - 1, &options, &m, &diag, NULL));
    assert_int_equal(m.func_names.len, 0);
    static const char bad[] = PREAMBLE "\0\xb\4name\1\4\1\0\1\xff";
    assert_true(
        dv_wasm_decode(&f->arena, (const u8 *)bad, sizeof bad - 1, &options, &m, &diag, NULL));
    assert_int_equal(m.func_names.len, 0);
}

static void bodies_may_be_left_out(void **state)
{
    Fixture *f = *state;
    static const char bytes[] = PREAMBLE TYPE0 FUNC0;
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    WasmModule m;
    DecodeOptions options = {.features = FEATURES_NONE, .without_code = true};
    assert_true(
        dv_wasm_decode(&f->arena, (const u8 *)bytes, sizeof bytes - 1, &options, &m, &diag, NULL));
    assert_int_equal(m.funcs.len, 1);
    assert_int_equal(m.codes.len, 0);
}

/* ---- hostile bytes ---- */

/* Where a module may be cut: between sections that nothing else counts on. */
static void prefixes_are_refused(void **state)
{
    Fixture *f = *state;
    for (usize size = 0; size < sizeof whole - 1; size++) {
        ArenaMark mark = dv_arena_mark(&f->arena);
        Outcome out = load_module(f, whole, size, FEATURES_ALL);
        /* behind the preamble, the first custom section, types and imports; before the last
         * custom section */
        bool may_end = size == 8 || size == 15 || size == 32 || size == 57 || size == 160;
        if (out.ok != may_end) {
            fail_msg("%u bytes: %s", (unsigned)size, out.ok ? "accepted" : out.message);
        }
        dv_arena_release_to(&f->arena, mark);
    }
}

/* Any byte changed to anything: an answer, and no read outside (the copy is exact). */
static void changed_bytes_are_answered(void **state)
{
    Fixture *f = *state;
    Rng rng;
    dv_rng_seed(&rng, 7);
    char bytes[sizeof whole];
    u32 refused = 0;
    for (u32 i = 0; i < 4000; i++) {
        memcpy(bytes, whole, sizeof whole);
        for (u32 changes = 0; changes < 1 + i % 3; changes++) {
            bytes[8 + dv_rng_below(&rng, sizeof whole - 9)] = (char)dv_rng_below(&rng, 256);
        }
        ArenaMark mark = dv_arena_mark(&f->arena);
        refused += !load_module(f, bytes, sizeof whole - 1, FEATURES_ALL).ok;
        dv_arena_release_to(&f->arena, mark);
    }
    assert_true(refused > 2000 && refused < 4000);
}

/* A count of a thousand million items costs nothing. */
static void hostile_counts_are_cheap(void **state)
{
    Fixture *f = *state;
    f->pool.limit_bytes = 8 << 20;
    static const char *const modules[] = {
        "\2\3\xc0\x84\x3d", "\3\3\xc0\x84\x3d",  "\6\3\xc0\x84\x3d",
        "\7\3\xc0\x84\x3d", "\xa\3\xc0\x84\x3d",
    };
    for (u32 i = 0; i < ARRAY_LEN(modules); i++) {
        ByteBuf module;
        dv_bytebuf_init(&module, &f->arena);
        dv_bytebuf_bytes(&module, BYTES(PREAMBLE));
        dv_bytebuf_bytes(&module, modules[i], 5);
        expect_error(f, module.data, module.len, FEATURES_ALL, true, "unexpected end");
    }
}

/* ---- types ---- */

static void put_struct(ByteBuf *out, u32 field)
{
    dv_bytebuf_bytes(out, BYTES("\x5f\1\x63"));
    put_type_index(out, field);
    dv_bytebuf_u8(out, 0);
}

/* A hundred thousand groups, half of them the same, half different: linear, and equal ones are
 * found. */
static void many_types_are_compared(void **state)
{
    Fixture *f = *state;
    enum { COUNT = 100000 };
    ByteBuf types;
    dv_bytebuf_init(&types, &f->arena);
    put_u32(&types, COUNT);
    for (u32 i = 0; i < COUNT; i++) {
        put_struct(&types, i % 2 == 0 ? i : i - 1); /* itself; or the one before */
    }
    ByteBuf module;
    dv_bytebuf_init(&module, &f->arena);
    dv_bytebuf_bytes(&module, BYTES(PREAMBLE));
    put_section(&module, 1, types.data, types.len);
    Outcome out = load_module(f, module.data, module.len, FEATURES_ALL);
    assert_true(out.ok);
    const WasmModule *m = &out.module;
    for (u32 i = 0; i < COUNT; i++) {
        assert_int_equal(m->types.data[i].canonical, i % 2);
    }
    assert_true(dv_wasm_same_type(m, VT_REF | 2, VT_REF | 4));
    assert_false(dv_wasm_same_type(m, VT_REF | 2, VT_REF | 3));
    assert_true(dv_wasm_is_subtype(m, VT_REF | 2, VT_REF | VT_NULL | 4));
}

static void chains_of_supertypes_end(void **state)
{
    Fixture *f = *state;
    for (u32 depth = 63; depth <= 64; depth++) {
        ByteBuf types;
        dv_bytebuf_init(&types, &f->arena);
        put_u32(&types, depth + 1);
        dv_bytebuf_bytes(&types, BYTES("\x50\0\x5f\0"));
        for (u32 i = 0; i < depth; i++) {
            dv_bytebuf_bytes(&types, BYTES("\x50\1"));
            put_u32(&types, i);
            dv_bytebuf_bytes(&types, BYTES("\x5f\0"));
        }
        ByteBuf module;
        dv_bytebuf_init(&module, &f->arena);
        dv_bytebuf_bytes(&module, BYTES(PREAMBLE));
        put_section(&module, 1, types.data, types.len);
        if (depth == 63) {
            expect_valid(f, module.data, module.len, FEATURES_ALL);
        } else {
            expect_error(f, module.data, module.len, FEATURES_ALL, false,
                         "too many supertypes: type 64 has more than 63");
        }
    }
}

static void types_are_printed(void **state)
{
    Fixture *f = *state;
    static const struct {
        ValType type;
        const char *text;
    } rows[] = {
        {VT_I32, "i32"},
        {VT_V128, "v128"},
        {VT_I8, "i8"},
        {VT_FUNCREF, "funcref"},
        {VT_EXTERNREF & ~VT_NULL, "(ref extern)"},
        {VT_REF | VT_NULL | VT_ABSTRACT | HEAP_NONE, "nullref"},
        {VT_REF | VT_NULL | VT_ABSTRACT | HEAP_NOEXTERN, "nullexternref"},
        {VT_REF | VT_NULL | VT_ABSTRACT | HEAP_I31, "i31ref"},
        {VT_REF | 3, "(ref $3)"},
        {VT_REF | VT_NULL | VT_EXACT | 12, "(ref null (exact $12))"},
    };
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        TextBuf text;
        dv_text_init(&text, &f->arena);
        dv_wasm_print_type(&text, rows[i].type);
        assert_string_equal(text.data, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_found),
        cmocka_unit_test(codes_are_found),
        cmocka_unit_test(features_are_found),
        UNIT_TEST(each_rule_has_its_message),
        UNIT_TEST(preambles),
        UNIT_TEST(features_are_refused_by_name),
        UNIT_TEST(constants_name_earlier_globals),
        UNIT_TEST(everything_is_read),
        UNIT_TEST(names_are_found),
        UNIT_TEST(bodies_may_be_left_out),
        UNIT_TEST(prefixes_are_refused),
        UNIT_TEST(changed_bytes_are_answered),
        UNIT_TEST(hostile_counts_are_cheap),
        UNIT_TEST(many_types_are_compared),
        UNIT_TEST(chains_of_supertypes_end),
        UNIT_TEST(types_are_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
