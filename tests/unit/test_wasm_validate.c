/* test_wasm_validate.c - the validator of bodies: every row of ops.def in a body that fits and
 * in bodies that do not, and the rules of blocks, unreachable code, locals without default
 * values and immediates. */
#include "wasm/format/text.h"
#include "wasm_testing.h"

/* ---- a module of one body under test ---- */

static const char types[] = "\xa"
                            "\x60\0\0"                       /* 0: () -> () */
                            "\x60\1\x7f\1\x7f"               /* 1: (i32) -> (i32) */
                            "\x50\0\x5f\2\x7f\1\x78\0"       /* 2: struct, mutable i32, i8 */
                            "\x5e\x78\1"                     /* 3: array of mutable i8 */
                            "\x5e\x70\1"                     /* 4: array of mutable funcref */
                            "\x4e\2\x4d\6\x5f\0\x4c\5\x5f\0" /* 5, 6: struct and descriptor */
                            "\x60\0\2\x7f\x7e"               /* 7: () -> (i32, i64) */
                            "\x60\1\x7f\0"                   /* 8: (i32) -> () */
                            "\x50\1\2\x5f\2\x7f\1\x78\0"     /* 9: a subtype of 2 */
                            "\x5e\x7f\0";                    /* 10: array of i32 */
static const char funcs[] = "\3\0\1\0";                      /* the last one is under test */
static const char tables[] = "\3\x70\0\1\x70\4\1\x6f\0\0"; /* funcref, 64-bit funcref, externref */
static const char memories[] = "\2\0\1\4\1";               /* 32-bit, 64-bit */
static const char tags[] = "\1\0\x8";                      /* i32 */
static const char globals[] = "\2\x7f\1\x41\0\xb\x7e\0\x42\0\xb"; /* mutable i32, i64 */
static const char exports[] = "\1\1f\0\1";
static const char elems[] = "\2\5\x70\0\5\x6f\0"; /* funcref, externref */
static const char datas[] = "\1\1\0";
static const char locals[] = "\3\1\x7f\1\x7e\1\x64\2"; /* 0: i32, 1: i64, 2: (ref $2), not set */

static ByteBuf module_of(Fixture *f, const void *body, usize size)
{
    ByteBuf code;
    ByteBuf module;
    dv_bytebuf_init(&code, &f->arena);
    dv_bytebuf_bytes(&code, BYTES("\3\2\0\xb\4\0\x20\0\xb"));
    put_u32(&code, (u32)(sizeof locals - 1 + size));
    dv_bytebuf_bytes(&code, BYTES(locals));
    dv_bytebuf_bytes(&code, body, size);
    dv_bytebuf_init(&module, &f->arena);
    dv_bytebuf_bytes(&module, BYTES(PREAMBLE));
    put_section(&module, 1, BYTES(types));
    put_section(&module, 3, BYTES(funcs));
    put_section(&module, 4, BYTES(tables));
    put_section(&module, 5, BYTES(memories));
    put_section(&module, 13, BYTES(tags));
    put_section(&module, 6, BYTES(globals));
    put_section(&module, 7, BYTES(exports));
    put_section(&module, 9, BYTES(elems));
    put_section(&module, 12, BYTES("\1"));
    put_section(&module, 10, code.data, code.len);
    put_section(&module, 11, BYTES(datas));
    return module;
}

static void expect_body(Fixture *f, const void *body, usize size)
{
    ByteBuf module = module_of(f, body, size);
    expect_valid(f, module.data, module.len, FEATURES_ALL);
}

static void expect_body_error(Fixture *f, const void *body, usize size, bool is_malformed,
                              const char *message)
{
    ByteBuf module = module_of(f, body, size);
    Outcome out = expect_error(f, module.data, module.len, FEATURES_ALL, is_malformed, message);
    assert_int_equal(out.error.func, 2);
    assert_non_null(strstr(out.message, "(function 2, at offset 0x"));
}

/* ---- rows with types ---- */

/* An operand of the type of this letter; `memory64` says what m is. */
static void put_operand(ByteBuf *out, char letter, bool memory64)
{
    switch (letter == 'm' ? (memory64 ? 'I' : 'i') : letter) {
    case 'i':
        dv_bytebuf_bytes(out, BYTES("\x41\0"));
        break;
    case 'I':
        dv_bytebuf_bytes(out, BYTES("\x42\0"));
        break;
    case 'f':
        dv_bytebuf_bytes(out, BYTES("\x43\0\0\0\0"));
        break;
    case 'F':
        dv_bytebuf_bytes(out, BYTES("\x44\0\0\0\0\0\0\0\0"));
        break;
    default:
        dv_bytebuf_bytes(out, BYTES("\xfd\xc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
        break;
    }
}

static void put_inst(ByteBuf *out, const WasmOpInfo *info, bool memory64)
{
    if (info->prefix == 0) {
        dv_bytebuf_u8(out, (u8)info->code);
    } else {
        dv_bytebuf_u8(out, info->prefix);
        put_u32(out, info->code);
    }
    switch (info->imm) {
    case WIMM_NONE:
        break;
    case WIMM_MEMARG:
    case WIMM_MEMARG_LANE:
        dv_bytebuf_u8(out, (u8)(info->arg | (memory64 ? 0x40 : 0)));
        if (memory64) {
            dv_bytebuf_u8(out, 1);
        }
        dv_bytebuf_u8(out, 0);
        if (info->imm == WIMM_MEMARG_LANE) {
            dv_bytebuf_u8(out, (u8)((16u >> info->arg) - 1));
        }
        break;
    case WIMM_MEMORY:
        dv_bytebuf_u8(out, memory64);
        break;
    case WIMM_DATA_MEMORY:
        dv_bytebuf_u8(out, 0);
        dv_bytebuf_u8(out, memory64);
        break;
    case WIMM_LANE:
        dv_bytebuf_u8(out, (u8)(info->arg - 1));
        break;
    case WIMM_F32:
        dv_bytebuf_zeros(out, 4);
        break;
    case WIMM_F64:
        dv_bytebuf_zeros(out, 8);
        break;
    case WIMM_V128:
    case WIMM_LANES:
        dv_bytebuf_zeros(out, 16);
        break;
    default: /* one index or number */
        dv_bytebuf_u8(out, 0);
        break;
    }
}

/* The row's instruction, with operand `wrong` of another type (or, `missing`, not there), and
 * its results dropped. */
static ByteBuf body_of_row(Fixture *f, const WasmOpInfo *info, bool memory64, u32 wrong,
                           bool missing)
{
    ByteBuf body;
    dv_bytebuf_init(&body, &f->arena);
    for (u32 i = 0; info->params[i] != 0; i++) {
        if (i != wrong) {
            put_operand(&body, info->params[i], memory64);
        } else if (!missing) {
            put_operand(&body, info->params[i] == 'f' ? 'F' : 'f', memory64);
        }
    }
    put_inst(&body, info, memory64);
    for (u32 i = 0; info->results[i] != 0; i++) {
        dv_bytebuf_u8(&body, 0x1a);
    }
    dv_bytebuf_u8(&body, 0xb);
    return body;
}

static void each_row_checks_its_operands(void **state)
{
    Fixture *f = *state;
    for (u32 op = 0; op < W_COUNT; op++) {
        const WasmOpInfo *info = &dv_wasm_ops[op];
        if (info->params[0] == '*') {
            continue;
        }
        for (u32 memory64 = 0; memory64 < 2; memory64++) {
            ArenaMark mark = dv_arena_mark(&f->arena);
            ByteBuf body = body_of_row(f, info, memory64 != 0, UINT32_MAX, false);
            expect_body(f, body.data, body.len);
            for (u32 i = 0; info->params[i] != 0; i++) {
                body = body_of_row(f, info, memory64 != 0, i, false);
                expect_body_error(f, body.data, body.len, false,
                                  "type mismatch: instruction requires [");
                body = body_of_row(f, info, memory64 != 0, i, true);
                expect_body_error(f, body.data, body.len, false,
                                  "type mismatch: instruction requires [");
            }
            dv_arena_release_to(&f->arena, mark);
        }
    }
}

/* The results have the types of the row: a local or global of the type takes each. */
static void each_row_gives_its_results(void **state)
{
    Fixture *f = *state;
    for (u32 op = 0; op < W_COUNT; op++) {
        const WasmOpInfo *info = &dv_wasm_ops[op];
        if (info->params[0] == '*' || strchr(info->params, 'm') != NULL) {
            continue;
        }
        /* () -> results, told by a block's type: one result only */
        if (strlen(info->results) != 1 || info->results[0] == 'm') {
            continue;
        }
        static const char letters[] = "iIfFv";
        for (u32 i = 0; i < 5; i++) {
            ArenaMark mark = dv_arena_mark(&f->arena);
            ByteBuf body;
            dv_bytebuf_init(&body, &f->arena);
            dv_bytebuf_u8(&body, 2);
            dv_bytebuf_u8(&body, (u8)(0x7f - i));
            ByteBuf inner = body_of_row(f, info, false, UINT32_MAX, false);
            dv_bytebuf_bytes(&body, inner.data, inner.len - 2);
            dv_bytebuf_bytes(&body, BYTES("\xb\x1a\xb"));
            if (letters[i] == info->results[0]) {
                expect_body(f, body.data, body.len);
            } else {
                expect_body_error(f, body.data, body.len, false,
                                  "type mismatch: instruction requires [");
            }
            dv_arena_release_to(&f->arena, mark);
        }
    }
}

/* ---- rows that the validator knows ---- */

#define I32 "\x41\0"
#define I64 "\x42\0"
#define DROP "\x1a"
#define END "\xb"
#define NULL_FUNC "\xd0\x70"
#define NULL_EXTERN "\xd0\x6f"
#define NULL_ANY "\xd0\x6e"
#define NULL_2 "\xd0\2"
#define NULL_3 "\xd0\3"
#define NULL_4 "\xd0\4"
#define NULL_10 "\xd0\xa"

typedef struct Special {
    WasmOp op;
    const char *good;
    usize good_size;
    const char *bad;
    usize bad_size;
    const char *message;
} Special;

static const Special specials[] = {
    {W_unreachable, BYTES("\0"), BYTES("\0" I32),
     "type mismatch: block requires [] but stack has [i32]"},
    {W_block, BYTES("\2\x40" END), BYTES("\2\x7f" END DROP),
     "type mismatch: instruction requires [i32]"},
    {W_loop, BYTES("\3\x40\xc\0" END), BYTES("\3\x7f" END DROP),
     "type mismatch: instruction requires [i32]"},
    {W_if, BYTES(I32 "\4\x40" END), BYTES("\4\x40" END),
     "type mismatch: instruction requires [i32]"},
    {W_else, BYTES(I32 "\4\x7f" I32 "\5" I32 END DROP), BYTES("\5"), "END opcode expected: else"},
    {W_try, BYTES("\6\x40" END), BYTES("\6\x7f" END DROP),
     "type mismatch: instruction requires [i32]"},
    {W_catch, BYTES("\6\x40\7\0" DROP END), BYTES("\7\0"), "END opcode expected: catch"},
    {W_throw, BYTES(I32 "\x8\0"), BYTES("\x8\0"),
     "type mismatch: instruction requires [i32] but stack has []"},
    {W_rethrow, BYTES("\6\x40\x19\x9\0" END), BYTES("\x9\0"), "invalid rethrow label 0"},
    {W_throw_ref, BYTES("\xd0\x69\xa"), BYTES("\xa"),
     "type mismatch: instruction requires [exnref]"},
    {W_end, BYTES("\2\x40" END), BYTES("\2\x40"), "section size mismatch"},
    {W_br, BYTES("\xc\0"), BYTES("\xc\1"), "unknown label 1"},
    {W_br_if, BYTES(I32 "\xd\0"), BYTES(I64 "\xd\0"), "type mismatch"},
    {W_br_table, BYTES(I32 "\xe\1\0\0"), BYTES("\2\x7f" I32 I32 "\xe\1\0\1" END DROP),
     "type mismatch: labels of br_table take 1 and 0 values"},
    {W_return, BYTES("\xf"), BYTES("\xf" I32), "type mismatch: block requires []"},
    {W_call, BYTES(I32 "\x10\1" DROP), BYTES("\x10\x9"), "unknown function 9"},
    {W_call_indirect, BYTES(I32 I32 "\x11\1\0" DROP), BYTES(I32 I32 "\x11\1\2" DROP),
     "type mismatch: table 2 holds externref"},
    {W_return_call, BYTES("\x12\0"), BYTES(I32 "\x12\1"), "type mismatch: the function called"},
    {W_return_call_indirect, BYTES(I32 "\x13\0\0"), BYTES(I32 "\x13\0\x9"), "unknown table 9"},
    {W_call_ref, BYTES("\xd0\0\x14\0"), BYTES("\xd0\1\x14\0"), "type mismatch"},
    {W_return_call_ref, BYTES("\xd0\0\x15\0"), BYTES(I32 "\xd0\1\x15\1"),
     "type mismatch: the function called"},
    {W_delegate, BYTES("\6\x40\x18\0"), BYTES("\6\x40\x18\1"), "unknown label 1"},
    {W_catch_all, BYTES("\6\x40\x19" END), BYTES("\x19"), "END opcode expected: catch_all"},
    {W_drop, BYTES(I32 DROP), BYTES(DROP), "type mismatch: instruction requires a value"},
    {W_select, BYTES(I32 I32 I32 "\x1b" DROP), BYTES(I32 I64 I32 "\x1b" DROP),
     "type mismatch: select of i32 and i64"},
    {W_select_t, BYTES(NULL_FUNC NULL_FUNC I32 "\x1c\1\x70" DROP), BYTES(I32 "\x1c\2\x7f\x7f"),
     "invalid result arity"},
    {W_try_table, BYTES("\2\x7f\x1f\x40\1\0\0\0" END I32 END DROP), BYTES("\x1f\x40\1\0\0\0" END),
     "type mismatch: label 0 does not take"},
    {W_local_get, BYTES("\x20\0" DROP), BYTES("\x20\2" DROP), "uninitialized local 2"},
    {W_local_set, BYTES(I32 "\x21\0"), BYTES(I64 "\x21\0"), "type mismatch"},
    {W_local_tee, BYTES(I32 "\x22\0" DROP), BYTES(I32 "\x22\3"), "unknown local 3"},
    {W_global_get, BYTES("\x23\0" DROP), BYTES("\x23\2"), "unknown global 2"},
    {W_global_set, BYTES(I32 "\x24\0"), BYTES(I64 "\x24\1"), "immutable global 1"},
    {W_table_get, BYTES(I32 "\x25\0" DROP), BYTES(I64 "\x25\0"), "type mismatch"},
    {W_table_set, BYTES(I32 NULL_FUNC "\x26\0"), BYTES(I32 NULL_EXTERN "\x26\0"), "type mismatch"},
    {W_ref_null, BYTES(NULL_FUNC DROP), BYTES("\xd0\x1f" DROP), "unknown type 31"},
    {W_ref_is_null, BYTES(NULL_FUNC "\xd1" DROP), BYTES(I32 "\xd1" DROP),
     "type mismatch: instruction requires a reference but stack has [i32]"},
    {W_ref_func, BYTES("\xd2\1" DROP), BYTES("\xd2\2" DROP), "undeclared function reference 2"},
    {W_ref_eq, BYTES("\xd0\x6d\xd0\x6c\xd3" DROP), BYTES(NULL_ANY NULL_ANY "\xd3" DROP),
     "type mismatch"},
    {W_ref_as_non_null, BYTES(NULL_2 "\xd4\x21\2"), BYTES(I32 "\xd4" DROP), "type mismatch"},
    {W_br_on_null, BYTES(NULL_2 "\xd5\0" DROP), BYTES(I32 "\xd5\0" DROP), "type mismatch"},
    {W_br_on_non_null, BYTES("\2\x64\2" NULL_2 "\xd6\0\0" END DROP), BYTES(NULL_2 "\xd6\0"),
     "type mismatch: label 0 takes no reference"},
    {W_struct_new, BYTES(I32 I32 "\xfb\0\2" DROP), BYTES(I64 I32 "\xfb\0\2" DROP), "type mismatch"},
    {W_struct_new_default, BYTES("\xfb\1\2" DROP), BYTES("\xfb\1\5" DROP),
     "type with descriptor requires descriptor allocation"},
    {W_struct_get, BYTES(NULL_2 "\xfb\2\2\0" DROP), BYTES(NULL_2 "\xfb\2\2\1" DROP),
     "type mismatch: plain read of a field of type i8"},
    {W_struct_get_s, BYTES(NULL_2 "\xfb\3\2\1" DROP), BYTES(NULL_2 "\xfb\3\2\2" DROP),
     "unknown field 2"},
    {W_struct_get_u, BYTES(NULL_2 "\xfb\4\2\1" DROP), BYTES(NULL_2 "\xfb\4\2\0" DROP),
     "type mismatch: signed or unsigned read"},
    {W_struct_set, BYTES(NULL_2 I32 "\xfb\5\2\0"), BYTES(NULL_2 I32 "\xfb\5\2\1"),
     "immutable field 1"},
    {W_array_new, BYTES(I32 I32 "\xfb\6\3" DROP), BYTES(I32 I32 "\xfb\6\2"),
     "unknown type: type 2 is not an array type"},
    {W_array_new_default, BYTES(I32 "\xfb\7\3" DROP), BYTES("\xfb\7\3" DROP), "type mismatch"},
    {W_array_new_fixed, BYTES(I32 I32 "\xfb\x8\3\2" DROP), BYTES(I32 "\xfb\x8\3\2" DROP),
     "type mismatch"},
    {W_array_new_data, BYTES(I32 I32 "\xfb\x9\3\0" DROP), BYTES(I32 I32 "\xfb\x9\4\0" DROP),
     "array type is not numeric or vector"},
    {W_array_new_elem, BYTES(I32 I32 "\xfb\xa\4\0" DROP), BYTES(I32 I32 "\xfb\xa\4\1" DROP),
     "type mismatch: array and segment"},
    {W_array_get, BYTES(NULL_10 I32 "\xfb\xb\xa" DROP), BYTES(NULL_3 I32 "\xfb\xb\3" DROP),
     "type mismatch: plain read"},
    {W_array_get_s, BYTES(NULL_3 I32 "\xfb\xc\3" DROP), BYTES(NULL_3 I64 "\xfb\xc\3" DROP),
     "type mismatch"},
    {W_array_get_u, BYTES(NULL_3 I32 "\xfb\xd\3" DROP), BYTES(NULL_2 I32 "\xfb\xd\3" DROP),
     "type mismatch"},
    {W_array_set, BYTES(NULL_3 I32 I32 "\xfb\xe\3"), BYTES(NULL_10 I32 I32 "\xfb\xe\xa"),
     "immutable array"},
    {W_array_len, BYTES(NULL_3 "\xfb\xf" DROP), BYTES(NULL_2 "\xfb\xf" DROP), "type mismatch"},
    {W_array_fill, BYTES(NULL_3 I32 I32 I32 "\xfb\x10\3"), BYTES(NULL_10 I32 I32 I32 "\xfb\x10\xa"),
     "immutable array"},
    {W_array_copy, BYTES(NULL_3 I32 NULL_3 I32 I32 "\xfb\x11\3\3"),
     BYTES(NULL_3 I32 NULL_4 I32 I32 "\xfb\x11\3\4"), "array types do not match: i8 and funcref"},
    {W_array_init_data, BYTES(NULL_3 I32 I32 I32 "\xfb\x12\3\0"),
     BYTES(NULL_4 I32 I32 I32 "\xfb\x12\4\0"), "array type is not numeric or vector"},
    {W_array_init_elem, BYTES(NULL_4 I32 I32 I32 "\xfb\x13\4\0"),
     BYTES(NULL_4 I32 I32 I32 "\xfb\x13\4\x9"), "unknown elem segment 9"},
    {W_ref_test, BYTES(NULL_ANY "\xfb\x14\2" DROP), BYTES(NULL_FUNC "\xfb\x14\2" DROP),
     "type mismatch"},
    {W_ref_test_null, BYTES(NULL_FUNC "\xfb\x15\1" DROP), BYTES(NULL_FUNC "\xfb\x15\x1f" DROP),
     "unknown type 31"},
    {W_ref_cast, BYTES(NULL_ANY "\xfb\x16\2\x21\2"), BYTES(NULL_EXTERN "\xfb\x16\2" DROP),
     "type mismatch"},
    {W_ref_cast_null, BYTES(NULL_ANY "\xfb\x17\2" DROP), BYTES(NULL_ANY "\xfb\x17\2\x21\2"),
     "type mismatch: instruction requires [(ref $2)] but stack has [(ref null $2)]"},
    {W_br_on_cast, BYTES("\2\x64\2" NULL_ANY "\xfb\x18\1\0\x6e\2\0" END DROP),
     BYTES(NULL_ANY "\xfb\x18\1\0\x6e\2"), "type mismatch: label 0 takes no reference"},
    {W_br_on_cast_fail, BYTES("\2\x6e" NULL_ANY "\xfb\x19\1\0\x6e\2" END DROP),
     BYTES("\2\x64\2" NULL_ANY "\xfb\x19\1\0\x6e\2" END DROP),
     "type mismatch: the label takes another type"},
    {W_any_convert_extern, BYTES(NULL_EXTERN "\xfb\x1a" DROP), BYTES(NULL_ANY "\xfb\x1a" DROP),
     "type mismatch"},
    {W_extern_convert_any, BYTES(NULL_ANY "\xfb\x1b" DROP), BYTES(NULL_EXTERN "\xfb\x1b" DROP),
     "type mismatch"},
    {W_ref_i31, BYTES(I32 "\xfb\x1c" DROP), BYTES(I64 "\xfb\x1c" DROP), "type mismatch"},
    {W_i31_get_s, BYTES("\xd0\x6c\xfb\x1d" DROP), BYTES(NULL_ANY "\xfb\x1d" DROP), "type mismatch"},
    {W_i31_get_u, BYTES("\xd0\x6c\xfb\x1e" DROP), BYTES(NULL_ANY "\xfb\x1e" DROP), "type mismatch"},
    {W_struct_new_desc, BYTES("\xd0\x62\6\xfb\x20\5" DROP),
     BYTES(I32 I32 NULL_ANY "\xfb\x20\2" DROP),
     "type without descriptor requires non-descriptor allocation"},
    {W_struct_new_default_desc, BYTES("\xd0\x62\6\xfb\x21\5" DROP), BYTES("\xd0\6\xfb\x21\5" DROP),
     "type mismatch: instruction requires [(ref null (exact $6))] but stack has [(ref null $6)]"},
    {W_ref_get_desc, BYTES("\xd0\5\xfb\x22\5" DROP), BYTES(NULL_2 "\xfb\x22\2" DROP),
     "type without descriptor"},
    {W_ref_cast_desc_eq, BYTES(NULL_ANY "\xd0\6\xfb\x23\5" DROP),
     BYTES(NULL_ANY "\xd0\6\xfb\x23\2" DROP), "type 2 does not have a descriptor"},
    {W_ref_cast_desc_eq_null, BYTES(NULL_ANY "\xd0\6\xfb\x24\5" DROP),
     BYTES(NULL_ANY NULL_ANY "\xfb\x24\x6e" DROP), "type any does not have a descriptor"},
    {W_br_on_cast_desc_eq, BYTES("\2\x64\5" NULL_ANY "\xd0\6\xfb\x25\1\0\x6e\5\0" END DROP),
     BYTES("\2\x64\2" NULL_ANY "\xd0\6\xfb\x25\1\0\x6e\2\0" END DROP),
     "type 2 does not have a descriptor"},
    {W_br_on_cast_desc_eq_fail, BYTES("\2\x6e" NULL_ANY "\xd0\6\xfb\x26\1\0\x6e\5" END DROP),
     BYTES("\2\x6e" NULL_ANY "\xd0\6\xfb\x26\1\0\x6e\2" END DROP),
     "type 2 does not have a descriptor"},
    {W_memory_copy, BYTES(I32 I64 I32 "\xfc\xa\0\1"), BYTES(I32 I64 I64 "\xfc\xa\0\1"),
     "type mismatch"},
    {W_table_init, BYTES(I64 I32 I32 "\xfc\xc\0\1"), BYTES(I32 I32 I32 "\xfc\xc\1\0"),
     "type mismatch: table and segment"},
    {W_table_copy, BYTES(I32 I64 I32 "\xfc\xe\0\1"), BYTES(I32 I32 I32 "\xfc\xe\0\2"),
     "type mismatch: tables"},
    {W_table_grow, BYTES(NULL_FUNC I32 "\xfc\xf\0" DROP), BYTES(I32 I32 "\xfc\xf\0" DROP),
     "type mismatch"},
    {W_table_size, BYTES("\xfc\x10\0" DROP), BYTES("\xfc\x10\x9" DROP), "unknown table 9"},
    {W_table_fill, BYTES(I64 NULL_FUNC I64 "\xfc\x11\1"), BYTES(I32 NULL_FUNC I32 "\xfc\x11\1"),
     "type mismatch"},
};

static ByteBuf with_end(Fixture *f, const char *bytes, usize size)
{
    ByteBuf body;
    dv_bytebuf_init(&body, &f->arena);
    dv_bytebuf_bytes(&body, bytes, size);
    dv_bytebuf_u8(&body, 0xb);
    return body;
}

static bool tells_malformed(const char *message)
{
    return strncmp(message, "END", 3) == 0 || strncmp(message, "section", 7) == 0 ||
           strncmp(message, "malformed", 9) == 0 || strncmp(message, "illegal", 7) == 0 ||
           strncmp(message, "zero", 4) == 0 || strncmp(message, "integer", 7) == 0;
}

static void special_rows(void **state)
{
    Fixture *f = *state;
    for (u32 op = 0, next = 0; op < W_COUNT; op++) {
        if (dv_wasm_ops[op].params[0] != '*') {
            continue;
        }
        /* one for each, whatever the order */
        u32 found = 0;
        for (u32 i = 0; i < ARRAY_LEN(specials); i++) {
            found += specials[i].op == op;
        }
        if (found != 1) {
            fail_msg("%u tests of %s", (unsigned)found, dv_wasm_ops[op].text);
        }
        next++;
        assert_true(next <= ARRAY_LEN(specials));
    }
    for (u32 i = 0; i < ARRAY_LEN(specials); i++) {
        const Special *s = &specials[i];
        ByteBuf good = with_end(f, s->good, s->good_size);
        expect_body(f, good.data, good.len);
        ByteBuf bad = with_end(f, s->bad, s->bad_size);
        expect_body_error(f, bad.data, bad.len, tells_malformed(s->message), s->message);
    }
}

/* ---- rules ---- */

typedef struct Rule {
    const char *message; /* NULL: it is valid */
    const char *bytes;
    usize size;
} Rule;

static const Rule rules[] = {
    /* blocks */
    {NULL, BYTES("\2\7" I32 I64 END DROP DROP)},
    {NULL, BYTES(I32 "\2\x8" DROP END)},
    {NULL, BYTES(I32 I32 "\4\x8" DROP "\5" DROP END)},
    {NULL, BYTES(I32 I32 "\4\1" END DROP)},
    {NULL, BYTES(I32 "\3\1\xc\0" END DROP)},
    {"type mismatch: if without else", BYTES(I32 "\4\x7f" I32 END DROP)},
    {"type mismatch: if without else", BYTES(I32 I32 "\4\x8" DROP END)},
    {"type mismatch: block requires [] but stack has [i32]", BYTES("\2\x40" I32 END)},
    {"type mismatch: instruction requires [i32 i64] but stack has [i32]", BYTES("\2\7" I32 END)},
    {"type mismatch: instruction requires a value but stack has []",
     BYTES(I32 "\2\x40" DROP END DROP)},
    {"unknown type 40", BYTES("\2\x28" END)},
    {"unknown type: type 2 is not a function type", BYTES("\2\2" END)},
    {"malformed block type", BYTES("\2\x41" END)},
    {"END opcode expected: else", BYTES(I32 "\4\x40\5\5" END)},
    {"END opcode expected: catch", BYTES("\6\x40\x19\7\0" END)},
    {"END opcode expected: delegate", BYTES("\2\x40\x18\0")},
    {"section size mismatch: 1 bytes behind the end", BYTES(END)},
    /* unreachable code */
    {NULL, BYTES("\0\x6a" DROP)},
    {NULL, BYTES("\xc\0" I32 "\x6a" DROP)},
    {NULL, BYTES("\0\x1b" DROP)},
    {NULL, BYTES("\0\xd4\xd1" DROP)},
    {NULL, BYTES("\0\xfb\x8\3\xff\xff\xff\xff\xf" DROP)},
    {NULL, BYTES("\0\2\1" END "\x1b" DROP)},
    {"type mismatch: instruction requires [i32 i32] but stack has [i64]",
     BYTES("\0" I64 "\x6a" DROP)},
    {"type mismatch", BYTES("\0\xd4\x45" DROP)},
    {"type mismatch: block requires []", BYTES("\0\2\x40" I32 END)},
    {"type mismatch: select of i32 and i64", BYTES("\0" I32 I64 I32 "\x1b" DROP)},
    {"type mismatch", BYTES("\2\x40\0" END "\x6a" DROP)},
    /* branches */
    {NULL, BYTES("\2\x7f" I32 I32 I32 "\xe\2\0\0\0" END DROP)},
    {NULL, BYTES("\2\x7f" I32 I32 "\xd\0" END DROP)},
    {"unknown label 2", BYTES(I32 "\xe\1\0\2")},
    {"type mismatch: instruction requires [i32] but stack has [i64]",
     BYTES("\2\x7f" I64 I32 "\xe\0\0" END DROP)},
    {"type mismatch: labels of br_table take 0 and 1 values", BYTES("\2\x7f\0\xe\1\1\0" END DROP)},
    {"type mismatch: instruction requires [i32] but stack has []", BYTES("\2\x7f\xc\0" END DROP)},
    /* locals without default values */
    {NULL, BYTES("\xfb\1\2\x21\2\x20\2" DROP)},
    {NULL, BYTES("\xfb\1\2\x21\2\2\x40\x20\2" DROP END)},
    {NULL, BYTES("\xfb\1\2\x22\2" DROP "\x20\2" DROP)},
    {NULL, BYTES("\xfb\1\x9\x21\2")},
    {"uninitialized local 2", BYTES("\2\x40\xfb\1\2\x21\2" END "\x20\2" DROP)},
    {"uninitialized local 2", BYTES(I32 "\4\x40\xfb\1\2\x21\2\5\x20\2" DROP END)},
    {"uninitialized local 2", BYTES("\0\x20\2" DROP)},
    /* memory */
    {NULL, BYTES(I64 "\x28\x42\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1" DROP)},
    {NULL, BYTES(I32 "\x28\0\xff\xff\xff\xff\xf" DROP)},
    {"alignment must not be larger than natural: 2^3, natural 2^2", BYTES(I32 "\x28\3\0" DROP)},
    {"alignment must not be larger than natural", BYTES(I32 "\x28\x3f\0" DROP)},
    {"malformed memop flags", BYTES(I32 "\x28\x80\1\0" DROP)},
    {"atomic alignment must be natural: 2^1, natural 2^2", BYTES(I32 "\xfe\x10\1\0" DROP)},
    {"offset out of range: 0x100000000", BYTES(I32 "\x28\2\x80\x80\x80\x80\x10" DROP)},
    {"integer too large", BYTES(I32 "\x28\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\2" DROP)},
    {"unknown memory 2", BYTES(I32 "\x28\x42\2\0" DROP)},
    {"unknown memory 2", BYTES("\x3f\2" DROP)},
    {"unknown memory 2", BYTES(I32 I32 I32 "\xfc\xa\0\2")},
    {"unknown data segment 1", BYTES(I32 I32 I32 "\xfc\x8\1\0")},
    {"unknown data segment 1", BYTES("\xfc\x9\1")},
    {"unknown elem segment 2", BYTES("\xfc\xd\2")},
    {"unknown elem segment 2", BYTES(I32 I32 I32 "\xfc\xc\2\0")},
    {"zero byte expected", BYTES("\xfe\3\1")},
    /* vectors */
    {"invalid lane index 16 of 16", BYTES("\0\xfd\x15\x10" DROP)},
    {"invalid lane index 2 of 2", BYTES("\0\xfd\x22\2" DROP)},
    {"invalid lane index 32 of 32", BYTES("\0\xfd\xd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x20" DROP)},
    {"invalid lane index 4 of 4", BYTES("\0\xfd\x56\2\0\4" DROP)},
    /* numbers and references */
    {NULL, BYTES("\x41\xff\xff\xff\xff\x7" DROP)},
    {NULL, BYTES("\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f" DROP)},
    {"integer too large", BYTES("\x41\xff\xff\xff\xff\xf" DROP)},
    {"integer representation too long", BYTES("\x41\x80\x80\x80\x80\x80\0" DROP)},
    {"integer too large", BYTES("\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7e" DROP)},
    {"malformed heap type", BYTES("\xd0\x7f" DROP)},
    {"illegal opcode ff", BYTES("\xff")},
    {"illegal opcode fc 12", BYTES("\xfc\x12")},
    {"illegal opcode fd 9a", BYTES("\xfd\x9a\1")},
    {"illegal opcode 27", BYTES("\x27")},
    {"malformed catch clause: 0x04", BYTES("\x1f\x40\1\4\0" END)},
    {"malformed br_on_cast flags: 0x04", BYTES(NULL_ANY "\xfb\x18\4\0\x6e\2" DROP)},
    {"unknown tag 1", BYTES("\x1f\x40\1\0\1\0" END)},
    {"unknown label 1", BYTES("\x1f\x40\1\2\1" END)},
    {"unknown type 31", BYTES("\xd0\x70\xd0\x70" I32 "\x1c\1\x63\x1f" DROP)},
    {NULL, BYTES("\2\x69\x1f\x40\1\3\0" END "\0" END DROP)},
    {"type mismatch: label 0 does not take", BYTES("\2\x70\x1f\x40\1\3\0" END "\0" END DROP)},
};

static void rules_of_bodies(void **state)
{
    Fixture *f = *state;
    for (u32 i = 0; i < ARRAY_LEN(rules); i++) {
        const Rule *rule = &rules[i];
        ByteBuf body = with_end(f, rule->bytes, rule->size);
        if (rule->message == NULL) {
            expect_body(f, body.data, body.len);
        } else {
            expect_body_error(f, body.data, body.len, tells_malformed(rule->message),
                              rule->message);
        }
    }
}

/* memory.init and data.drop need the count of segments before the code. */
static void data_count_is_required(void **state)
{
    Fixture *f = *state;
    static const char drop[] = PREAMBLE "\1\4\1\x60\0\0\3\2\1\0\xa\7\1\5\0\xfc\x9\0\xb\xb\3\1\1\0";
    expect_error(f, BYTES(drop), FEATURES_ALL, true, "data count section required");
    static const char init[] = PREAMBLE
        "\1\4\1\x60\0\0\3\2\1\0\5\3\1\0\0\xa\xe\1\xc\0\x41\0\x41\0\x41\0\xfc\x8\0\0\xb\xb\3\1\1\0";
    expect_error(f, BYTES(init), FEATURES_ALL, true, "data count section required");
}

/* ---- limits and depth ---- */

/* A million open blocks: memory in proportion, no recursion. */
static void deep_nesting(void **state)
{
    Fixture *f = *state;
    enum { DEPTH = 1000000 };
    ByteBuf body;
    dv_bytebuf_init(&body, &f->arena);
    for (u32 i = 0; i < DEPTH; i++) {
        dv_bytebuf_bytes(&body, BYTES("\2\x40"));
    }
    for (u32 i = 0; i < DEPTH; i++) {
        dv_bytebuf_u8(&body, 0xb);
    }
    dv_bytebuf_u8(&body, 0xb);
    expect_body(f, body.data, body.len);
}

/* Results by the thousand from calls of two bytes would otherwise take gigabytes. */
static void operands_are_limited(void **state)
{
    Fixture *f = *state;
    ByteBuf type, code, module;
    dv_bytebuf_init(&type, &f->arena);
    dv_bytebuf_bytes(&type, BYTES("\1\x60\0\xe8\7"));
    for (u32 i = 0; i < 1000; i++) {
        dv_bytebuf_u8(&type, VT_I32);
    }
    u32 calls = (u32)(dv_wasm_limits.operands / 1000) + 1;
    dv_bytebuf_init(&code, &f->arena);
    dv_bytebuf_u8(&code, 1);
    put_u32(&code, 2 + calls * 2);
    dv_bytebuf_u8(&code, 0);
    for (u32 i = 0; i < calls; i++) {
        dv_bytebuf_bytes(&code, BYTES("\x10\0"));
    }
    dv_bytebuf_u8(&code, 0xb);
    dv_bytebuf_init(&module, &f->arena);
    dv_bytebuf_bytes(&module, BYTES(PREAMBLE));
    put_section(&module, 1, type.data, type.len);
    put_section(&module, 3, BYTES("\1\0"));
    put_section(&module, 10, code.data, code.len);
    expect_error(f, module.data, module.len, FEATURES_ALL, false,
                 "too many operands: more than 4194304");
}

/* Bodies of six bytes that declare 50,000 each would otherwise take milliseconds each. */
static void locals_are_limited(void **state)
{
    enum { FUNCS = 400 };
    Fixture *f = *state;
    ByteBuf decls, code, module;
    dv_bytebuf_init(&decls, &f->arena);
    dv_bytebuf_init(&code, &f->arena);
    dv_bytebuf_init(&module, &f->arena);
    put_u32(&decls, FUNCS);
    put_u32(&code, FUNCS);
    for (u32 i = 0; i < FUNCS; i++) {
        dv_bytebuf_u8(&decls, 0);
        put_sized(&code, BYTES("\1\xd0\x86\3\x7f\xb"));
    }
    dv_bytebuf_bytes(&module, BYTES(PREAMBLE));
    put_section(&module, 1, BYTES("\1\x60\0\0"));
    put_section(&module, 3, decls.data, decls.len);
    put_section(&module, 10, code.data, code.len);
    expect_error(f, module.data, module.len, FEATURES_ALL, false,
                 "too many locals in all functions");
    TextBuf text;
    Diag diag;
    WatPrintOptions options = {false, false};
    dv_text_init(&text, &f->arena);
    dv_diag_init(&diag, &f->arena);
    assert_false(dv_wat_print(&f->arena, module.data, module.len, &options, &text, &diag));
}

/* The validator is driven an instruction at a time; its state is what lies behind each. */
static void state_is_visible(void **state)
{
    Fixture *f = *state;
    static const char body[] = I32 "\4\x7f" I64 DROP I32 "\5\0" END DROP END;
    ByteBuf bytes = module_of(f, BYTES(body));
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    WasmModule m;
    DecodeOptions options = {.features = FEATURES_ALL};
    assert_true(dv_wasm_decode(&f->arena, bytes.data, bytes.len, &options, &m, &diag, NULL));
    Validator v = {.module = &m, .arena = &f->arena, .diag = &diag};
    assert_true(dv_validator_begin(&v, 2));
    assert_int_equal(v.locals.len, 3);
    assert_int_equal(v.locals.data[1], VT_I64);
    static const struct {
        WasmOp op;
        u32 operands, frames;
        bool is_unreachable;
    } steps[] = {
        {W_i32_const, 1, 1, false},  {W_if, 0, 2, false},        {W_i64_const, 1, 2, false},
        {W_drop, 0, 2, false},       {W_i32_const, 1, 2, false}, {W_else, 0, 2, false},
        {W_unreachable, 0, 2, true}, {W_end, 1, 1, false},       {W_drop, 0, 1, false},
    };
    WasmInst inst;
    for (u32 i = 0; i < ARRAY_LEN(steps); i++) {
        assert_true(dv_validator_next(&v, &inst));
        assert_int_equal(inst.op, steps[i].op);
        assert_int_equal(v.stack.len, steps[i].operands);
        assert_int_equal(v.frames.len, steps[i].frames);
        assert_int_equal(vec_last(&v.frames).is_unreachable, steps[i].is_unreachable);
        if (inst.op == W_if || inst.op == W_else) {
            assert_int_equal(dv_validator_label(&v, 0)->op, inst.op);
            assert_int_equal(dv_validator_label(&v, 0)->num_results, 1);
            assert_int_equal(dv_validator_label(&v, 0)->results[0], VT_I32);
        }
    }
    assert_true(dv_validator_next(&v, &inst));
    assert_int_equal(v.frames.len, 0);
}

/* Immediates arrive as they are written. */
static void immediates_are_read(void **state)
{
    Fixture *f = *state;
    static const char body[] =
        "\x41\x7f\x42\x80\x7f\x43\0\0\x80\x3f\x44\0\0\0\0\0\0\xf0\x3f" /* numbers */
        "\x28\x42\1\x90\1"                                             /* i32.load */
        "\xe\2\0\x81\0\0"                                              /* br_table */
        "\x1f\x40\2\0\0\0\3\0\xb";                                     /* try_table */
    WasmModule m = {.bytes = (const u8 *)body, .size = sizeof body - 1, .features = FEATURES_ALL};
    Diag diag;
    dv_diag_init(&diag, &f->arena);
    WasmReader r;
    dv_wasm_reader_init(&r, &m, (Span){0, m.size}, &diag);
    WasmInst inst;
    assert_true(dv_wasm_next(&r, &inst) && inst.value == UINT64_MAX);
    assert_true(dv_wasm_next(&r, &inst) && inst.value == (u64)0 - 128 && inst.at == 2);
    assert_true(dv_wasm_next(&r, &inst) && inst.value == 0x3f800000);
    assert_true(dv_wasm_next(&r, &inst) && inst.value == (u64)0x3ff << 52);
    assert_true(dv_wasm_next(&r, &inst) && inst.op == W_i32_load);
    assert_true(inst.align_log2 == 2 && inst.index == 1 && inst.offset == 144);
    assert_true(dv_wasm_next(&r, &inst) && inst.op == W_br_table && inst.count == 2);
    const u8 *entries = inst.entries;
    assert_int_equal(dv_wasm_entry(&entries), 0);
    assert_int_equal(dv_wasm_entry(&entries), 1);
    assert_int_equal(dv_wasm_entry(&entries), 0);
    assert_ptr_equal(entries, inst.entries_end);
    assert_true(dv_wasm_next(&r, &inst) && inst.op == W_try_table && inst.type == VT_EMPTY);
    entries = inst.entries;
    WasmCatch first = dv_wasm_catch(&entries);
    assert_true(first.kind == CATCH && first.tag == 0 && first.label == 0);
    assert_int_equal(dv_wasm_catch(&entries).kind, CATCH_ALL_REF);
    assert_ptr_equal(entries, inst.entries_end);
    assert_true(dv_wasm_next(&r, &inst) && inst.op == W_end);
    assert_false(dv_wasm_next(&r, &inst));
    assert_true(r.error.is_malformed && r.error.offset == m.size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(each_row_checks_its_operands),
        UNIT_TEST(each_row_gives_its_results),
        UNIT_TEST(special_rows),
        UNIT_TEST(rules_of_bodies),
        UNIT_TEST(data_count_is_required),
        UNIT_TEST(deep_nesting),
        UNIT_TEST(operands_are_limited),
        UNIT_TEST(locals_are_limited),
        UNIT_TEST(state_is_visible),
        UNIT_TEST(immediates_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
