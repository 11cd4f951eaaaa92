/* test_wasm_compile.c - Wasm to CLIF and to artifacts: what becomes of constructs, fuel, source positions, types that differ only
 * in references, the artifact's sections, and functions at the limits. */
#include "wasm_compile_testing.h"

/* ---- CLIF ---- */

/* The text holds these parts in this order; parts are separated by '|'. */
static void expect_parts(const char *text, const char *parts)
{
    const char *at = text;
    while (*parts != '\0') {
        char part[256];
        usize length = strcspn(parts, "|");
        assert_true(length < sizeof part);
        memcpy(part, parts, length);
        part[length] = '\0';
        const char *found = strstr(at, part);
        if (found == NULL) {
            fail_msg("'%s' is missing behind what was found before, in:\n%s", part, text);
        }
        at = found + length;
        parts += length + (parts[length] == '|');
    }
}

typedef struct Expected {
    const char *module, *parts;
} Expected;

static const Expected expected[] = {
    /* the preamble says what is named, and who the function is */
    {"(module (import \"m\" \"f\" (func (param i32))) (memory i64 1 9) (global $g (mut f32) (f32.const 0)) "
     "(func (param i64) (result f32) (drop (i32.load offset=4 (local.get 0))) (global.get $g)))",
     "function u0:1(i64) -> f32 wasm {|type0 = func (i64) -> f32, sig0, index 1|heap0 = memory 0, "
     "index i64, min 1, max 9, page 0x10000|global0 = global 0, f32, mutable|func0 = define u0:1 "
     "type0|heap_load.i32 heap0, v0, offset=4|global_get.f32 global0|return"},
    /* comparisons are asked by branches and select directly */
    {"(module (func (param i32 i32) (result i32) (if (i32.lt_s (local.get 0) (local.get 1)) (then "
     "(return (i32.const 1)))) (select (i32.const 2) (i32.const 3) (i32.eqz (i32.lt_u (local.get "
     "0) (local.get 1))))))",
     "v2 = icmp slt v0, v1|brif v2, block1|icmp.i32 uge v0, v1|select v"},
    /* a constant stands on the right */
    {"(module (func (param i32) (result i32) (i32.gt_s (i32.const 5) (local.get 0))))",
     "icmp slt v0, v1"},
    /* a float comparison negated: unordered goes the other way */
    {"(module (func (param f64 f64) (result i32) (i32.eqz (f64.lt (local.get 0) (local.get 1)))))",
     "fcmp uge v0, v1"},
    /* a block that nobody branches to is none */
    {"(module (func (param i32) (result i32) (block (result i32) (local.get 0))))",
     "block0(v0: i32):|return v0"},
    /* values of labels are parameters */
    {"(module (func (param i32) (result i32 i64) (block (result i32 i64) (br_if 0 (i32.const 1) "
     "(i64.const 2) (local.get 0)))))",
     "brif v0, block1(v1, v2), block2|block2:|jump block1(v1, v2)|block1(v3: i32, v4: i64):|return v3, v4"},
    /* if without else passes its parameters on */
    {"(module (type $t (func (param i32) (result i32))) (func (param i32) (result i32) (local.get "
     "0) (local.get 0) (if (type $t) (then (i32.const 1) (i32.add)))))",
     "brif v0, block1, block2(v0)|block1:|jump block2(v2)|block2(v3: i32):|return v3"},
    /* a loop's locals become parameters of its block only where they change */
    {"(module (func (param i32 i32) (result i32) (loop (local.set 0 (i32.sub (local.get 0) (local.get "
     "1))) (br_if 0 (local.get 0))) (local.get 0)))",
     "jump block1(v0)|block1(v2: i32):|v4 = isub v2, v1|brif v4, block1(v4), block2|return v4"},
    /* a constant that is stored in a loop is made before it, once; behind the loop again */
    {"(module (memory 1) (func (param i32) (loop (loop (i32.store (local.get 0) (i32.const 5)) "
     "(i32.store8 (local.get 0) (i32.const 5)) (br_if 0 (local.get 0))) (br_if 0 (local.get 0))) "
     "(i32.store (local.get 0) (i32.const 5))))",
     "block0(v0: i32):|v3 = iconst.i32 5|jump block1|block2:|heap_store.i32 heap0, v3, "
     "v0|heap_istore8.i32 heap0, v3, v0|block4:| = iconst.i32 5|heap_store"},
    /* locals begin as zero */
    {"(module (func (result f64) (local f64) (local.get 0)))", "f64const 0.0|return"},
    /* each label of a table is reached once */
    {"(module (func (param i32) (result i32) (block $a (block $b (br_table $a $b $a $b $b (local.get "
     "0))) (return (i32.const 1))) (i32.const 2)))",
     "br_table v0, block2, [block1, block2, block1, block2]|block1:|jump block3|block2:|jump block4"},
    /* code that is not reached is left out; the rest of the function is not */
    {"(module (func (param i32) (result i32) (block (br 0) (drop (i32.const 77)) (block (br_if 1 "
     "(i32.const 78)))) (i32.const 79)))",
     "jump block1|block1:|iconst.i32 79"},
    {"(module (func (unreachable)))", "trap unreachable"},
    {"(module (func (param i32) (if (local.get 0) (then (unreachable)))))",
     "block1 cold:|trap unreachable"},
    /* calls */
    {"(module (import \"m\" \"f\" (func $i (param i32) (result i64))) (func $own (param i32) (result "
     "i64) (call $i (local.get 0))) (func (result i64) (return_call $own (i32.const 1))) (func "
     "(result i64) (call $own (i32.const 1))))",
     "func1 = import u0:0 type0|call_import func1(v0)|function u0:2|fn0 = colocated u0:1 "
     "sig1|return_call fn0(v0)|function u0:3|call fn0(v0)"},
    {"(module (type $f (func (param i32 i64) (result f32))) (table 3 funcref) (func (param i32) "
     "(result f32) (call_indirect (type $f) (i32.const 1) (i64.const 2) (local.get 0))))",
     "call_table table0, type1, v0(v1, v2)"},
    /* bulk memory: the segment, which memory, and operands in order */
    {"(module (memory 1) (memory $b i64 1) (data \"\") (data $d \"x\") (func (memory.init $b $d (i64.const 1) "
     "(i32.const 2) (i32.const 3)) (memory.copy $b 0 (i64.const 4) (i32.const 5) (i32.const 6)) (data.drop $d)))",
     "heap0 = memory 1|heap1 = memory 0|data0 = data 1|memory_init heap0, data0, v0, v1, "
     "v2|memory_copy heap0, heap1, v3, v4, v5|data_drop data0"},
    {"(module (table 1 funcref) (table $b 1 funcref) (elem funcref) (elem $e func 0) (func (table.init "
     "$b $e (i32.const 1) (i32.const 2) (i32.const 3)) (table.copy $b 0 (i32.const 4) (i32.const 5) "
     "(i32.const 6)) (elem.drop $e)))",
     "table0 = table 1|table1 = table 0|elem0 = elem 1|table_init table0, elem0, v0, v1, "
     "v2|table_copy table0, table1, v3, v4, v5|elem_drop elem0"},
    /* stores: value, then address */
    {"(module (memory 1) (func (i64.store32 offset=9 (i32.const 1) (i64.const 2))))",
     "v0 = iconst.i32 1|v1 = iconst.i64 2|heap_istore32 heap0, v1, v0, offset=9"},
    {"(module (memory 1 1 (pagesize 1)) (func (drop (memory.size))))", "page 0x1"},
    /* references */
    {"(module (func (param (ref null func)) (result (ref func)) (ref.as_non_null (local.get 0))))",
     "trapz v0, null_ref"},
    {"(module (func $f (export \"f\")) (func (result funcref) (ref.func $f)))",
     "func1 = define u0:0 type1|ref_func func1"},
    /* wide arithmetic */
    {"(module (func (param i64 i64 i64 i64) (result i64 i64) (i64.sub128 (local.get 0) (local.get 1) "
     "(local.get 2) (local.get 3))))",
     "v4 = iconcat v0, v1|v5 = iconcat v2, v3|v6 = isub v4, v5|v7, v8 = isplit v6|return v7, v8"},
    {"(module (func (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1))))",
     "v2 = imul v0, v1|v3 = smulhi v0, v1|return v2, v3"},
    /* conversions */
    {"(module (func (param i32 f32) (result i32 i32) (i32.extend8_s (local.get 0)) (i32.trunc_f32_u "
     "(local.get 1))))",
     "ireduce.i8 v0|sextend.i32|fcvt_to_uint.i32 v1"},
};

static void test_clif(void **state)
{
    Fixture *x = *state;
    for (u32 i = 0; i < ARRAY_LEN(expected); i++) {
        WasmModule *m = decode_text(x, expected[i].module, dv_wasm_features_run());
        expect_parts(clif_of(x, m, &plain_options), expected[i].parts);
        compile_all_ways(x, m);
    }
}

/* An instruction costs 1, but block, loop, else, end; each basic block tells the sum of its own. */
static const Expected metered[] = {
    {"(module (func (nop) (nop) (nop)))", "fuel 3|return"},
    {"(module (func))", "block0:\n|return"},
    {"(module (func (param i32) (block (loop (nop) (br_if 0 (local.get 0)) (br_if 1 (local.get 0)) (nop)))))",
     /* nothing before the loop */
     "block0(v0: i32):\n|jump block1|block1:|fuel 3|brif|block2:|fuel 2|brif|block4:|fuel 1|jump block3|return"},
    {"(module (func (param i32) (result i32) (if (result i32) (local.get 0) (then (i32.const 1) (nop)) "
     "(else (i32.const 2)))))",
     "fuel 2|brif|fuel 2|jump|fuel 1|jump"},
    /* behind a call the block goes on */
    {"(module (func $f) (func (call $f) (call $f)))", "function u0:1|fuel 2|call|call|return"},
    {"(module (func (param i32) (block (br_table 0 0 (local.get 0))) (nop)))",
     "fuel 2|br_table|block1:\n|jump block2|block2:|fuel 1"},
};

static void test_fuel(void **state)
{
    Fixture *x = *state;
    WasmCompileOptions options = plain_options;
    options.metered = true;
    for (u32 i = 0; i < ARRAY_LEN(metered); i++) {
        WasmModule *m = decode_text(x, metered[i].module, dv_wasm_features_run());
        const char *text = clif_of(x, m, &options);
        expect_parts(text, metered[i].parts);
        assert_null(strstr(text, "fuel 0"));
        ByteBuf out = compile_good(x, m, &options);
        assert_int_equal(load_le32(out.data + 12), ARTIFACT_METERED);
    }
}

static void test_source_positions(void **state)
{
    Fixture *x = *state;
    WasmModule *m =
        decode_text(x, "(module (func (result i32) (i32.const 1) (i32.const 2) (i32.div_s)))",
                    dv_wasm_features_run());
    Func f;
    translate_into(x, m, 0, &plain_options, &f);
    u32 body = m->codes.data[0].body.offset + 1; /* behind the number of locals */
    u32 found = 0;
    for (u32 i = 0; i < f.insts.len; i++) {
        if (f.insts.data[i].op == OP_sdiv) {
            assert_int_equal(dv_srcloc(&f, (Inst){i}), body + 4);
            found++;
        }
    }
    assert_int_equal(found, 1);
}

/* ---- artifacts ---- */

static u64 read_leb(const u8 **at)
{
    u64 x = 0;
    u32 shift = 0;
    do {
        x |= (u64)(**at & 0x7f) << shift;
        shift += 7;
    } while ((*(*at)++ & 0x80) != 0);
    return x;
}

static i64 read_signed_leb(const u8 **at)
{
    u64 x = 0;
    u32 shift = 0;
    u8 byte;
    do {
        byte = *(*at)++;
        x |= (u64)(byte & 0x7f) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0);
    return (i64)((byte & 0x40) != 0 && shift < 64 ? x | UINT64_MAX << shift : x);
}

#define TWO_TYPES \
    "(module $name (type $f (func (param i32) (result i32))) (type $a (func (param (ref null $f)))) (type $b (func (param " \
    "funcref))) (type $same (func (param i32) (result i32))) (import \"m\" \"i\" (func $i (type $same))) (table 2 " \
    "funcref) (memory 1) (data \"hello\") (func $x (type $a) (local.get 0) (i32.const 0) (call_indirect (type $b))) (func $y " \
    "(type $b) (drop (call $i (i32.const 3))) (call $x (ref.null $f))) (export \"y\" (func $y)))"

static void check_header(const ByteBuf *artifact, const WasmModule *m)
{
    assert_memory_equal(artifact->data, ARTIFACT_MAGIC, 4);
    assert_int_equal(load_le32(artifact->data + 4), ARTIFACT_VERSION);
    assert_int_equal(load_le64(artifact->data + 16), m->used);
    u64 hash = artifact_hash(artifact->data + ARTIFACT_HEADER_BYTES,
                             artifact->len - ARTIFACT_HEADER_BYTES);
    assert_true(load_le64(artifact->data + 24) == hash);
    u32 rows = load_le32(artifact->data + 8);
    u32 end = ARTIFACT_HEADER_BYTES + rows * ARTIFACT_ROW_BYTES;
    for (u32 i = 0; i < rows; i++) {
        const u8 *row = artifact->data + ARTIFACT_HEADER_BYTES + (usize)i * ARTIFACT_ROW_BYTES;
        assert_int_equal(load_le32(row + 4) % ARTIFACT_ALIGN, 0);
        assert_in_range(load_le32(row + 4), end, end + ARTIFACT_ALIGN - 1);
        end = load_le32(row + 4) + load_le32(row + 8);
    }
    assert_int_equal(end, artifact->len);
}

/* The metadata is the module without its code. */
static void check_meta(Fixture *x, const ByteBuf *artifact, const WasmModule *m, bool stripped)
{
    Section meta = section_of(artifact, ARTIFACT_META);
    WasmModule again;
    DecodeOptions options = {.features = m->features, .without_code = true};
    WasmError error;
    Diag diag;
    dv_diag_init(&diag, &x->arena);
    if (!dv_wasm_decode(&x->arena, meta.data, meta.size, &options, &again, &diag, &error)) {
        fail_msg("%s", dv_diag_first(&diag)->text);
    }
    assert_int_equal(again.funcs.len, m->funcs.len);
    assert_int_equal(again.types.len, m->types.len);
    assert_int_equal(again.datas.len, m->datas.len);
    assert_int_equal(again.customs.len, stripped ? 0 : m->customs.len);
    assert_int_equal(again.func_names.len, stripped ? 0 : m->func_names.len);
    assert_int_equal(again.exports.len, m->exports.len);
}

static void test_artifact(void **state)
{
    Fixture *x = *state;
    WasmModule *m = decode_text(x, TWO_TYPES, dv_wasm_features_run());
    ByteBuf out = compile_good(x, m, &plain_options);
    ByteBuf again = compile_good(x, m, &plain_options);
    assert_int_equal(out.len, again.len);
    assert_memory_equal(out.data, again.data, out.len);
    check_header(&out, m);
    check_meta(x, &out, m, false);

    /* $a and $b are one type to CLIF and two to Wasm; $same is $f */
    Section types = section_of(&out, ARTIFACT_TYPES);
    Section funcs = section_of(&out, ARTIFACT_FUNCS);
    Section imports = section_of(&out, ARTIFACT_IMPORTS);
    assert_int_equal(types.count, 3);
    assert_int_equal(types.size, 3 * ARTIFACT_TYPE_BYTES);
    assert_int_equal(funcs.count, 2);
    assert_int_equal(imports.count, 1);
    u32 type_x = load_le32(funcs.data + 8),
        type_y = load_le32(funcs.data + ARTIFACT_FUNC_BYTES + 8);
    assert_int_equal(load_le32(types.data + type_x * ARTIFACT_TYPE_BYTES + 8), 1);
    assert_int_equal(load_le32(types.data + type_y * ARTIFACT_TYPE_BYTES + 8), 2);
    u32 type_i = load_le32(imports.data);
    assert_int_equal(load_le32(types.data + type_i * ARTIFACT_TYPE_BYTES + 8), 0);
    assert_int_equal(load_le32(imports.data + 4), 0);
    assert_int_equal(section_of(&out, ARTIFACT_CODE).size,
                     load_le32(funcs.data + 4) + load_le32(funcs.data + ARTIFACT_FUNC_BYTES + 4));
}

static void test_stripped(void **state)
{
    Fixture *x = *state;
    WasmCompileOptions options = plain_options;
    options.strip = true;
    WasmModule *m = decode_text(x, TWO_TYPES, dv_wasm_features_run());
    assert_true(m->func_names.len != 0);
    ByteBuf out = compile_good(x, m, &options);
    check_header(&out, m);
    check_meta(x, &out, m, true);
    assert_null(section_of(&out, ARTIFACT_SOURCES).data);
}

/* Custom sections stay where they are. */
static void test_customs(void **state)
{
    static const u8 bytes[] = {0,  'a', 's', 'm',  1, 0,    0, 0, /* */
                               0,  3,   1,   'a',  7,             /* custom */
                               1,  4,   1,   0x60, 0, 0,          /* type */
                               0,  2,   1,   'b',                 /* custom */
                               3,  2,   1,   0,                   /* function */
                               10, 4,   1,   2,    0, 0x0b,       /* code */
                               0,  3,   1,   'c',  9};            /* custom */
    static const u8 meta[] = {0,    'a', 's', 'm', 1, 0, 0,   0, 0, 3, 1, 'a', 7, 1, 4,   1,
                              0x60, 0,   0,   0,   2, 1, 'b', 3, 2, 1, 0, 0,   3, 1, 'c', 9};
    Fixture *x = *state;
    WasmModule *m = decode_bytes(x, bytes, sizeof bytes, FEATURES_NONE);
    ByteBuf out = compile_good(x, m, &plain_options);
    Section section = section_of(&out, ARTIFACT_META);
    assert_int_equal(section.size, sizeof meta);
    assert_memory_equal(section.data, meta, sizeof meta);
}

/* Code offsets go up, within the function; Wasm offsets lie in its body. */
static void test_source_map(void **state)
{
    Fixture *x = *state;
    WasmModule *m = decode_text(
        x,
        "(module (memory 1) (func (param i32) (result i32) (loop (i32.store (local.get 0) (i32.const 5)) (br_if "
        "0 (i32.load (local.get 0)))) (i32.const 1)) (func (result i32) (i32.div_u (i32.const 1) (i32.const 0))))",
        dv_wasm_features_run());
    ByteBuf out = compile_good(x, m, &plain_options);
    Section sources = section_of(&out, ARTIFACT_SOURCES);
    Section funcs = section_of(&out, ARTIFACT_FUNCS);
    const u8 *rest = sources.data + 4 * 3;
    assert_int_equal(sources.count, 2);
    assert_int_equal(load_le32(sources.data), 0);
    for (u32 i = 0; i < 2; i++) {
        const u8 *at = rest + load_le32(sources.data + 4 * i);
        const u8 *end = rest + load_le32(sources.data + 4 * (i + 1));
        u64 code = 0, pairs = 0;
        i64 wasm = 0;
        Span body = m->codes.data[i].body;
        for (; at < end; pairs++) {
            code += read_leb(&at) * 4;
            wasm += read_signed_leb(&at);
            assert_in_range(wasm, body.offset, body.offset + body.size);
            assert_in_range(code, 0, load_le32(funcs.data + i * ARTIFACT_FUNC_BYTES + 4) - 1);
        }
        assert_ptr_equal(at, end);
        assert_in_range(pairs, 2, 12);
    }
    assert_ptr_equal(rest + load_le32(sources.data + 8), sources.data + sources.size);
}

static void test_bad_target(void **state)
{
    Fixture *x = *state;
    WasmCompileOptions options = {.target = "riscv64"};
    WasmModule *m = decode_text(x, "(module)", FEATURES_NONE);
    ByteBuf out;
    assert_string_equal(
        compile_error(x, m, &options, &out, NULL),
        "modules cannot be compiled for target 'riscv64', only for 'pulley' and 'x86_64'");
}

/* A module that is not valid: the validator's message, and where. */
static void test_invalid(void **state)
{
    Fixture *x = *state;
    WasmModule *m =
        decode_text(x, "(module (func) (func $bad (result i32) (i64.const 1)))", FEATURES_NONE);
    ByteBuf out;
    WasmError error;
    const char *message = compile_error(x, m, &plain_options, &out, &error);
    assert_non_null(message);
    assert_non_null(strstr(message, "type mismatch"));
    assert_int_equal(error.func, 1);
    assert_int_equal(error.missing, FEATURE_COUNT);
}

/* Out of memory half way: everything is given back, and the escape goes on. */
static void compile_for_escape(void *context)
{
    Fixture *x = context;
    WasmModule *m = decode_text(x, TWO_TYPES, dv_wasm_features_run());
    compile_good(x, m, &plain_options);
}

static void test_no_memory(void **state)
{
    (void)state;
    u64 nth = 1;
    davit_status_t status = DAVIT_ERROR_MEMORY;
    for (; nth < 100 && status != DAVIT_OK; nth++) {
        Fixture *tight;
        unit_setup((void **)&tight);
        tight->pool.fail_after = nth;
        status = dv_pool_protect(&tight->pool, compile_for_escape, tight);
        assert_true(status == DAVIT_OK || status == DAVIT_ERROR_MEMORY);
        unit_teardown((void **)&tight);
    }
    assert_in_range(nth, 4, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_clif),       UNIT_TEST(test_fuel),       UNIT_TEST(test_source_positions),
        UNIT_TEST(test_artifact),   UNIT_TEST(test_stripped),   UNIT_TEST(test_customs),
        UNIT_TEST(test_source_map), UNIT_TEST(test_bad_target), UNIT_TEST(test_invalid),
        UNIT_TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
