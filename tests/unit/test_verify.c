/* test_verify.c - the verifier: the files of tests/clif/verifier say what it finds in text, to the
 * last error; the tests here make what text cannot say; and in the end every message there is must
 * have been provoked. */
#include <dirent.h>

#include "flow_testing.h"

#include "base/io.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verify.h"

static const char *const templates[] = {
#define MESSAGE(name, text) text,
#include "codegen/ir/verify_messages.def"
#undef MESSAGE
};

static bool provoked[ARRAY_LEN(templates)];

/* Does text follow the template, each %s of it being anything? */
static bool is_made_from(const char *text, const char *template)
{
    const char *retry_text = NULL, *retry_template = NULL;
    while (*text != '\0') {
        if (template[0] == '%' && template[1] == 's') {
            retry_template = template += 2;
            retry_text = text;
        } else if (*template == *text) {
            template ++;
            text++;
        } else if (retry_text != NULL) {
            text = ++retry_text;
            template = retry_template;
        } else {
            return false;
        }
    }
    while (template[0] == '%' && template[1] == 's') {
        template += 2;
    }
    return *template == '\0';
}

static void note_provoked(const VerifyErrors *errors)
{
    for (u32 e = 0; e < errors->list.len; e++) {
        for (u32 m = 0; m < ARRAY_LEN(templates); m++) {
            provoked[m] |= is_made_from(errors->list.data[e].text, templates[m]);
        }
    }
}

static bool verify(Fixture *x, const Func *f, u32 address_bits, VerifyErrors *errors)
{
    VerifyOptions options = {address_bits};
    Work work = {0};
    bool ok = dv_verify(f, &x->arena, &options, errors, &work);
    assert_int_equal(ok, errors->total == 0);
    assert_true(errors->list.len ==
                (errors->total < VERIFY_MAX_ERRORS ? errors->total : VERIFY_MAX_ERRORS));
    note_provoked(errors);
    return ok;
}

/* There is one error, here, with this text. */
static void expect_error(Fixture *x, const Func *f, EntityRef place, const char *text)
{
    VerifyErrors errors;
    assert_false(verify(x, f, 0, &errors));
    for (u32 n = 1; n < errors.list.len; n++) {
        print_error("besides: %s\n", errors.list.data[n].text);
    }
    assert_string_equal(errors.list.data[0].text, text);
    assert_int_equal(errors.list.data[0].place.kind, place.kind);
    assert_int_equal(errors.list.data[0].place.id, place.id);
    assert_int_equal(errors.total, 1);
}

static void expect_valid(Fixture *x, const Func *f)
{
    VerifyErrors errors;
    if (!verify(x, f, 0, &errors)) {
        fail_msg("%s%u: %s", dv_entity_prefixes[errors.list.data[0].place.kind],
                 errors.list.data[0].place.id, errors.list.data[0].text);
    }
}

static EntityRef at(EntityKind kind, u32 id)
{
    return (EntityRef){kind, id};
}

static ClifFile *parse(Fixture *x, const char *text, usize length)
{
    ClifFile *file = ARENA_NEW(&x->arena, ClifFile);
    Diag diag;
    dv_diag_init(&diag, &x->arena);
    if (!dv_clif_parse(file, &x->arena, (Str){text, (u32)length}, &diag)) {
        TextBuf out;
        dv_text_init(&out, &x->arena);
        dv_diag_format(&diag, "text", &out);
        fail_msg("%s", out.data);
    }
    return file;
}

static Func *parse_one(Fixture *x, const char *text)
{
    ClifFile *file = parse(x, text, strlen(text));
    assert_int_equal(file->funcs.len, 1);
    return &file->funcs.data[0]->func;
}

/* ---- files ---- */

static bool is_expected(const ClifFunc *f, const VerifyError *error, bool *used)
{
    for (u32 c = 0; c < f->comments.len; c++) {
        const ClifComment *comment = &f->comments.data[c];
        static const char word[] = "error: ";
        usize skip = sizeof word - 1;
        if (!used[c] && comment->owner.kind == error->place.kind &&
            comment->owner.id == error->place.id && comment->text.len > skip &&
            memcmp(comment->text.data, word, skip) == 0) {
            char expected[200];
            assert_true(comment->text.len - skip < sizeof expected);
            memcpy(expected, comment->text.data + skip, comment->text.len - skip);
            expected[comment->text.len - skip] = '\0';
            used[c] = strstr(error->text, expected) != NULL;
            if (used[c]) {
                return true;
            }
        }
    }
    return false;
}

/* Prints what differs; gives how many things do. */
static u32 check_func(Fixture *x, const char *path, const ClifFunc *f)
{
    u32 wrong = 0;
    VerifyErrors errors;
    verify(x, &f->func, 0, &errors);
    bool *used = ARENA_ARRAY(&x->arena, bool, f->comments.len);
    for (u32 e = 0; e < errors.list.len; e++) {
        const VerifyError *error = &errors.list.data[e];
        if (!is_expected(f, error, used)) {
            print_error("%s: function of line %u: unexpected error at %s%u: %s\n", path, f->line,
                        dv_entity_prefixes[error->place.kind], error->place.id, error->text);
            wrong++;
        }
    }
    for (u32 c = 0; c < f->comments.len; c++) {
        const ClifComment *comment = &f->comments.data[c];
        if (!used[c] && comment->text.len > 6 && memcmp(comment->text.data, "error:", 6) == 0) {
            print_error("%s:%u: not found: %.*s\n", path, comment->line, (int)comment->text.len,
                        comment->text.data);
            wrong++;
        }
    }
    return wrong;
}

static u32 check_file(Fixture *x, const char *path)
{
    IoBytes bytes;
    const char *error;
    assert_int_equal(dv_io_read(&x->arena, path, 0, &bytes, &error), DAVIT_OK);
    ClifFile *file = parse(x, (const char *)bytes.data, bytes.size);
    u32 wrong = 0;
    for (u32 n = 0; n < file->funcs.len; n++) {
        wrong += check_func(x, path, file->funcs.data[n]);
    }
    return wrong;
}

static void files(void **state)
{
    static const char dir_name[] = "tests/clif/verifier";
    Fixture *x = *state;
    DIR *dir = opendir(dir_name);
    u32 count = 0, wrong = 0;
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strstr(entry->d_name, ".clif") != NULL) {
            wrong += check_file(x, dv_arena_printf(&x->arena, "%s/%s", dir_name, entry->d_name));
            count++;
        }
    }
    closedir(dir);
    assert_int_equal(wrong, 0);
    assert_true(count >= 9);
}

/* ---- what text cannot say ---- */

static const char simple[] = "function %f(i32) -> i32 {\n"
                             "ss0 = explicit_slot 8\n"
                             "block0(v0: i32):\n"
                             "    v1 = icmp eq v0, v0\n"         /* inst0 */
                             "    v2 = load.i32 v0\n"            /* inst1 */
                             "    trapz v1, user1\n"             /* inst2 */
                             "    brif v1, block1(v2), block2\n" /* inst3 */
                             "block1(v3: i32):\n"
                             "    return v3\n" /* inst4 */
                             "block2:\n"
                             "    return v2\n" /* inst5 */
                             "}\n";

static void broken_layout(void **state)
{
    Fixture *x = *state;
    Func *f = parse_one(x, simple);
    expect_valid(x, f);
    f->blocks.data[1].next.id = 1;
    expect_error(x, f, at(ENTITY_BLOCK, 1),
                 "block1 does not stand in the layout where its neighbours say");
    f->blocks.data[1].next.id = 99;
    expect_error(x, f, at(ENTITY_BLOCK, 99),
                 "block99 does not stand in the layout where its neighbours say");
    f->blocks.data[1].next.id = 3;
    expect_error(x, f, at(ENTITY_BLOCK, 3),
                 "block3 does not stand in the layout where its neighbours say");
    f->blocks.data[1].next.id = ENTITY_NONE;
    expect_error(x, f, at(ENTITY_BLOCK, 2),
                 "block2 does not stand in the layout where its neighbours say");
    f->last_block.id = 1;
    expect_error(x, f, at(ENTITY_FUNCTION, 0), "a block claims to be in the layout and is not");
    f = parse_one(x, simple);
    f->nodes.data[1].next.id = 0;
    expect_error(x, f, at(ENTITY_INST, 0), "inst0 does not stand where the layout of block0 says");
    f->nodes.data[1].next.id = 4;
    expect_error(x, f, at(ENTITY_INST, 4), "inst4 does not stand where the layout of block0 says");
    f->nodes.data[1].next.id = ENTITY_NONE;
    expect_error(x, f, at(ENTITY_BLOCK, 0), "inst3 does not stand where the layout of block0 says");
    f->blocks.data[0].last.id = 1;
    expect_error(x, f, at(ENTITY_FUNCTION, 0),
                 "an instruction claims to be in the layout and is not");
}

static void broken_storage(void **state)
{
    Fixture *x = *state;
    Func *f = parse_one(x, simple);
    f->insts.data[1].op = 60000;
    expect_error(x, f, at(ENTITY_INST, 1), "there is no operation number 60000");
    f = parse_one(x, simple);
    f->insts.data[4].num_args = 1000;
    expect_error(x, f, at(ENTITY_INST, 4),
                 "contents of inst4 lie outside of the function's storage");
    f = parse_one(x, simple);
    f->insts.data[0].num_results = UINT32_MAX;
    expect_error(x, f, at(ENTITY_INST, 0),
                 "contents of inst0 lie outside of the function's storage");
    f = parse_one(x, simple);
    f->insts.data[3].imm[0] = 1;
    expect_error(x, f, at(ENTITY_INST, 3),
                 "contents of inst3 lie outside of the function's storage");
    f = parse_one(x, simple);
    f->calls.data[0].args = UINT32_MAX;
    expect_error(x, f, at(ENTITY_INST, 3),
                 "contents of inst3 lie outside of the function's storage");
    f = parse_one(x, simple);
    f->blocks.data[1].params = UINT32_MAX;
    expect_error(x, f, at(ENTITY_BLOCK, 1),
                 "contents of block1 lie outside of the function's storage");
    f = parse_one(
        x, "function %f() { sig0 = ()\n fn0 = %g sig0\nblock0: try_call fn0(), sig0, block1, []\n"
           "block1: return }");
    f->insts.data[0].imm[1] = 1;
    expect_error(x, f, at(ENTITY_INST, 0),
                 "contents of inst0 lie outside of the function's storage");
}

static void broken_definitions(void **state)
{
    Fixture *x = *state;
    VerifyErrors errors;
    Func *f = parse_one(x, simple);
    f->values.data[2].num = 1;
    assert_false(verify(x, f, 0, &errors));
    assert_string_equal(errors.list.data[0].text,
                        "instruction result v2 is not defined by the instruction");
    assert_string_equal(errors.list.data[1].text,
                        "v2 is defined by inst1 which has no block or does not define it");
    assert_int_equal(errors.total, 3);
    f = parse_one(x, simple);
    f->values.data[3].def = 2;
    assert_false(verify(x, f, 0, &errors));
    assert_string_equal(errors.list.data[0].text, "block parameter v3 is not defined by block1");
    assert_string_equal(errors.list.data[1].text,
                        "v3 is defined by block2 which is not in the layout or does not have it");
    assert_int_equal(errors.total, 2);
    f = parse_one(x, simple);
    f->values.data[2].def = f->insts.len;
    expect_error(x, f, at(ENTITY_VALUE, 2), "contents of v2 lie outside of the function's storage");
    f = parse_one(x, simple);
    Value nowhere = dv_value_make(f, TYPE_I32);
    Inst outside = dv_inst_make(f, OP_get_pinned_reg, TYPE_I32, NULL, 0);
    dv_inst_set_results(f, outside, &nowhere.id, 1);
    f->insts.data[5].args[0] = nowhere.id;
    expect_error(x, f, at(ENTITY_INST, 5),
                 "v4 is defined by inst6 which has no block or does not define it");
    f = parse_one(x, simple);
    f->values.data[3].type = 0x7000;
    assert_false(verify(x, f, 0, &errors));
    assert_int_equal(errors.total, 3); /* nothing can be passed to it, nothing made of it */
    assert_string_equal(errors.list.data[1].text, "parameter v3 has no valid type");
}

static void broken_instructions(void **state)
{
    Fixture *x = *state;
    Func *f = parse_one(x, simple);
    f->insts.data[0].aux = 200;
    expect_error(x, f, at(ENTITY_INST, 0), "there is no condition or operation number 200");
    f = parse_one(x, simple);
    f->insts.data[2].aux = TRAP_none;
    expect_error(x, f, at(ENTITY_INST, 2), "a trap needs a trap code of 1 to 255");
    f = parse_one(x, simple);
    f->insts.data[1].flags |= FLAG_LITTLE | FLAG_BIG;
    expect_error(x, f, at(ENTITY_INST, 1), "memory flags say both little and big");
    f = parse_one(x, simple);
    f->insts.data[3].imm[1] = 1;
    expect_error(x, f, at(ENTITY_INST, 3), "branch has 1 targets, expected 2");
    f = parse_one(x, simple);
    f->insts.data[2].num_args = 0;
    expect_error(x, f, at(ENTITY_INST, 2), "has 0 operands, expected 1");
    f = parse_one(x, simple);
    f->insts.data[1].type = TYPE_NONE;
    expect_error(x, f, at(ENTITY_INST, 1), "has an invalid controlling type none");
    f = parse_one(x, simple);
    f->insts.data[5].type = TYPE_I32;
    expect_error(x, f, at(ENTITY_INST, 5), "has an invalid controlling type i32");
    f = parse_one(x, simple);
    f->values.data[1].type = TYPE_I16;
    VerifyErrors errors;
    assert_false(verify(x, f, 0, &errors));
    assert_string_equal(errors.list.data[0].text,
                        "expected result 0 (v1) to have type i8, found i16");
    assert_int_equal(errors.total, 3); /* and both uses */
    f = parse_one(x, "function %f(i8x16) {\nblock0(v0: i8x16):\n v1 = shuffle v0, v0, 0x1f\n"
                     " return\n}\n");
    f->insts.data[0].ent = f->masks.len;
    expect_error(x, f, at(ENTITY_INST, 0), "the shuffle has no mask");
    StackMapEntry entry = {TYPE_I32, {0}, 0};
    f = parse_one(x, simple);
    dv_stack_map_set(f, (Inst){1}, &entry, 1);
    expect_error(x, f, at(ENTITY_INST, 1), "stack map present on non-call instruction");
}

static void broken_results(void **state)
{
    Fixture *x = *state;
    VerifyErrors errors;
    Func *f = parse_one(x, simple);
    u32 extra[2] = {1, dv_value_make(f, TYPE_I8).id};
    dv_inst_set_results(f, (Inst){0}, extra, 2);
    expect_error(x, f, at(ENTITY_INST, 0), "has more result values than expected: 2 of 1");
    f = parse_one(x, simple);
    dv_inst_set_results(f, (Inst){1}, NULL, 0);
    assert_false(verify(x, f, 0, &errors));
    assert_string_equal(errors.list.data[0].text, "has fewer result values than expected: 0 of 1");
}

static void broken_preamble(void **state)
{
    Fixture *x = *state;
    static const char text[] =
        "function %f() {\n sig0 = (i32) -> i64\n ss0 = explicit_slot 8\n"
        " gv0 = symbol %s\n gv1 = load.i64 gv0\n"
        " gv2 = dyn_scale_target_const.i32x4\n dt0 = i32x4*gv2\n"
        " table0 = table 0, index i32, min 1, funcref\n"
        " global0 = global 0, i32\n sig1 = ()\n type0 = func (i64), sig2\n sig2 = (i64)\n"
        "block0:\n return\n}\n";
    Func *f = parse_one(x, text);
    expect_valid(x, f);
    f->sigs.data[0].params[0].type = 0x1234;
    expect_error(x, f, at(ENTITY_SIG, 0), "Parameter at position 0 has an invalid type");
    f = parse_one(x, text);
    f->sigs.data[0].results[0].type = TYPE_NONE;
    expect_error(x, f, at(ENTITY_SIG, 0), "Return value at position 0 has an invalid type");
    f = parse_one(x, text);
    f->sigs.data[1].conv = (CallConv)77;
    expect_error(x, f, at(ENTITY_SIG, 1), "there is no calling convention number 77");
    f = parse_one(x, text);
    f->slots.data[0].align_bytes = 12;
    expect_error(x, f, at(ENTITY_SLOT, 0), "stack slot alignment 12 is not a power of two");
    f = parse_one(x, text);
    f->global_values.data[1].offset = INT64_MAX;
    expect_error(x, f, at(ENTITY_GLOBAL_VALUE, 1), "offset of a global value does not fit 32 bits");
    f = parse_one(x, text);
    f->dyn_types.data[0].base = TYPE_I32;
    expect_error(x, f, at(ENTITY_DYN_TYPE, 0),
                 "a dynamic type is made from a vector of fixed size, not i32");
    f = parse_one(x, text);
    f->tables.data[0].elem = WASM_I64;
    expect_error(x, f, at(ENTITY_TABLE, 0), "elements of a table must be references, not i64");
    f = parse_one(x, text);
    f->tables.data[0].elem = 99;
    expect_error(x, f, at(ENTITY_TABLE, 0), "there is no value type number 99");
    f = parse_one(x, text);
    f->globals.data[0].type = TYPE_NONE;
    expect_error(x, f, at(ENTITY_GLOBAL, 0), "global has no valid type");
    f = parse_one(x, text);
    f->wasm_types.data[0].params[0] = 50;
    expect_error(x, f, at(ENTITY_TYPE, 0), "there is no value type number 50");
}

static void broken_handlers(void **state)
{
    Fixture *x = *state;
    Func *f =
        parse_one(x, "function %f() { sig0 = ()\n fn0 = %g sig0\n"
                     "block0: try_call fn0(), sig0, block1, [ default: block1 ]\nblock1: return }");
    f->exception_tables.data[0].handlers[0].dest = 0;
    expect_error(x, f, at(ENTITY_INST, 0), "handler 0 of the exception table has no target");
    f->exception_tables.data[0].handlers[0].dest = 2;
    expect_error(x, f, at(ENTITY_INST, 0), "handler 0 of the exception table has no target");
}

static void address_width(void **state)
{
    Fixture *x = *state;
    VerifyErrors errors;
    Func *f = parse_one(x, "function %f(i64, i32) {\n ss0 = explicit_slot 8\n"
                           " gv0 = symbol %s\n gv1 = iadd_imm.i64 gv0, 8\n"
                           "block0(v0: i64, v1: i32):\n v2 = load.i32 v0\n v3 = load.i32 v1\n"
                           " v4 = stack_addr.i64 ss0\n"
                           " v5 = stack_addr.i32 ss0\n v6 = uadd_overflow_trap v0, v0, user1\n"
                           " v7 = uadd_overflow_trap v1, v1, user1\n return\n}\n");
    assert_true(verify(x, f, 0, &errors));
    assert_false(verify(x, f, 64, &errors));
    assert_int_equal(errors.total, 2);
    assert_string_equal(errors.list.data[0].text,
                        "invalid pointer width (got 32, expected 64) encountered v1");
    assert_string_equal(errors.list.data[1].text,
                        "invalid pointer width (got 32, expected 64) encountered stack_addr");
    assert_false(verify(x, f, 32, &errors));
    assert_int_equal(errors.total, 3); /* and gv1 on top of an i32 */
    assert_string_equal(errors.list.data[0].text,
                        "iadd_imm type i64 differs from operand type i32");
}

static void make_alias(Func *f, u32 alias, u32 to)
{
    dv_value_reserve(f, (Value){alias});
    f->values.data[alias] = (ValueData){to, 0, TYPE_I32, VALUE_ALIAS};
}

static void aliases(void **state)
{
    Fixture *x = *state;
    VerifyErrors errors;
    Func *f = parse_one(x, simple);
    make_alias(f, 10, 11); /* 10 -> 11 -> 12 -> 11 */
    make_alias(f, 11, 12);
    make_alias(f, 12, 11);
    f->insts.data[5].args[0] = 10;
    expect_error(x, f, at(ENTITY_VALUE, 11), "value alias cycle through v11");
    f = parse_one(x, simple);
    make_alias(f, 10, 11);
    make_alias(f, 11, 99);
    f->insts.data[5].args[0] = 10;
    expect_error(x, f, at(ENTITY_VALUE, 11), "alias of v99, which is not defined");
    f = parse_one(x, simple);
    enum { COUNT = 100000 };
    for (u32 n = 0; n < COUNT; n++) { /* the longest chain first */
        make_alias(f, 10 + n, n + 1 < COUNT ? 11 + n : 2);
    }
    f->insts.data[5].args[0] = 10;
    assert_true(verify(x, f, 0, &errors));
}

/* ---- size ---- */

static void million_blocks(void **state)
{
    Fixture *x = *state;
    enum { COUNT = 1000000 };
    Graph g;
    Func f;
    VerifyErrors errors;
    Work work = {0};
    graph_init(&g, &x->arena, COUNT, 3 * COUNT);
    for (u32 b = 0; b + 1 < COUNT; b++) {
        graph_edge(&g, b, b + 1);
        if (b % 3 == 1) {
            graph_edge(&g, b, 1 + b / 2);
            graph_edge(&g, b, COUNT - 1);
        }
    }
    graph_func(&f, &x->arena, &g);
    usize used = x->pool.used_bytes;
    assert_true(dv_verify(&f, &x->arena, NULL, &errors, &work));
    assert_true(work.steps < 40 * (u64)COUNT);
    usize after = x->pool.used_bytes;
    assert_true(dv_verify(&f, &x->arena, NULL, &errors, &work)); /* scratch memory was given back */
    assert_int_equal(x->pool.used_bytes, after);
    assert_true(after > used);
}

/* Each instruction uses the two before it, and the result of the first stays in use to the end. */
static void million_instructions(void **state)
{
    Fixture *x = *state;
    enum { COUNT = 1000000 };
    Func f;
    VerifyErrors errors;
    Work work = {0};
    dv_func_init(&f, &x->arena);
    Block b = dv_block_make(&f);
    dv_block_append(&f, b);
    Inst i = dv_inst_make(&f, OP_iconst, TYPE_I64, NULL, 0);
    dv_inst_make_results(&f, i);
    dv_inst_append(&f, i, b);
    u32 first = dv_inst_result(&f, i, 0).id;
    u32 args[3] = {first, first, first};
    for (u32 n = 0; n < COUNT; n++) {
        i = dv_inst_make(&f, n % 2 == 0 ? OP_iadd : OP_bitselect, TYPE_I64, args, 2 + n % 2);
        dv_inst_make_results(&f, i);
        dv_inst_append(&f, i, b);
        args[0] = args[1];
        args[1] = dv_inst_result(&f, i, 0).id;
    }
    dv_inst_append(&f, dv_inst_make(&f, OP_return, TYPE_NONE, NULL, 0), b);
    ArenaMark mark = dv_arena_mark(&x->arena);
    assert_true(dv_verify(&f, &x->arena, NULL, &errors, &work));
    assert_true(work.steps < 10 * (u64)COUNT);
    assert_ptr_equal(dv_arena_mark(&x->arena).cursor, mark.cursor); /* nothing is left behind */
    assert_ptr_equal(dv_arena_mark(&x->arena).chunk, mark.chunk);
}

/* One function's tail calls and try_calls may all share long signatures, and every one may be
 * wrong. */
static void shared_long_lists(void **state)
{
    Fixture *x = *state;
    enum { RESULTS = 3000, CALLS = 3000 };
    TextBuf t;
    VerifyErrors errors;
    Work work = {0};
    dv_text_init(&t, &x->arena);
    for (u32 sig = 0; sig < 3; sig++) {
        dv_text_str(&t, sig == 0   ? "function %f(i32) -> i32"
                        : sig == 1 ? "sig1 = (i32) -> i32"
                                   : "sig2 = (i32) -> i32");
        for (u32 n = 1; n < RESULTS; n++) {
            dv_text_str(&t, n + 1 == RESULTS && sig == 1 ? ", i64" : ", i32");
        }
        dv_text_str(&t, sig == 0 ? " tail {\n" : " tail\n");
    }
    dv_text_str(&t, "fn1 = %g sig1\nfn2 = %h sig2\nblock0(v0: i32):\n jump block1\n");
    for (u32 n = 1; n < CALLS; n += 2) {
        dv_text_printf(&t, "block%u:\n try_call fn1(v0), sig2, block%u, []\n", n, n + 1);
        dv_text_printf(&t, "block%u:\n return_call fn1(v0)\n", n + 1);
    }
    dv_text_printf(&t, "block%u:\n return_call fn1(v0)\n}\n", CALLS + 1);
    ClifFile *file = parse(x, t.data, t.length);
    assert_false(dv_verify(&file->funcs.data[0]->func, &x->arena, NULL, &errors, &work));
    assert_int_equal(errors.total, CALLS + 1);
    assert_int_equal(errors.list.len, VERIFY_MAX_ERRORS);
    assert_true(work.steps < 50 * (u64)(CALLS + RESULTS));
}

/* A branch with very many wrong targets is not printed whole for each of them. */
static void errors_stay_short(void **state)
{
    Fixture *x = *state;
    TextBuf t;
    VerifyErrors errors;
    dv_text_init(&t, &x->arena);
    dv_text_str(&t, "function %f(i32) {\nblock0(v0: i32):\n"
                    " br_table v0, block1, [block1(v0, v0)");
    for (u32 n = 0; n < 10000; n++) {
        dv_text_str(&t, ", block1, block1(v0, v0)"); /* as one error in a row is said once */
    }
    dv_text_str(&t, "]\nblock1(v1: i32):\n return\n}\n");
    assert_false(verify(x, parse_one(x, t.data), 0, &errors));
    assert_int_equal(errors.total, 20002);
    assert_int_equal(errors.list.len, VERIFY_MAX_ERRORS);
    for (u32 n = 0; n < errors.list.len; n++) {
        assert_true(strlen(errors.list.data[n].text) < 600);
    }
}

static void run_out(Fixture *x)
{
    VerifyErrors errors;
    dv_verify(parse_one(x, simple), &x->arena, NULL, &errors, NULL);
}

/* Wherever memory runs out, the escape arrives and nothing is lost: the teardown counts what is
 * left. */
static void memory_runs_out(void **state)
{
    Fixture *x = *state;
    u32 failures = 0;
    for (u32 n = 1; n < 20; n++) {
        dv_arena_release(&x->arena);
        dv_pool_trim(&x->pool);
        x->pool.fail_after = x->pool.chunk_count + n;
        failures += escape_of(x, run_out) == DAVIT_ERROR_MEMORY;
    }
    x->pool.fail_after = 0;
    assert_true(failures > 0);
}

/* ---- garbage ---- */

static void spoil(Func *f, Rng *rng)
{
    u32 noise = dv_rng_chance(rng, 2) ? (u32)dv_rng_below(rng, 12) : (u32)dv_rng_spread(rng);
    InstData *d = &f->insts.data[dv_rng_below(rng, f->insts.len)];
    switch (dv_rng_below(rng, 16)) {
    case 0:
        d->op = (u16)dv_rng_below(rng, OP_COUNT + 1);
        break;
    case 1:
        d->type = (Type)noise;
        break;
    case 2:
        d->aux = (u8)noise;
        break;
    case 3:
        d->num_args = noise;
        break;
    case 4:
        d->args[dv_rng_below(rng, INST_INLINE_ARGS)] = noise;
        break;
    case 5:
        d->ent = noise;
        break;
    case 6:
        d->imm[dv_rng_below(rng, 2)] = noise;
        break;
    case 7:
        d->results = noise;
        break;
    case 8:
        d->num_results = noise;
        break;
    case 9:
        f->values.data[dv_rng_below(rng, f->values.len)].def = noise;
        break;
    case 10:
        f->values.data[dv_rng_below(rng, f->values.len)].kind = (u8)(noise & 3);
        break;
    case 11:
        f->values.data[dv_rng_below(rng, f->values.len)].num = noise;
        break;
    case 12:
        f->nodes.data[dv_rng_below(rng, f->nodes.len)].next.id = noise;
        break;
    case 13:
        f->blocks.data[dv_rng_below(rng, f->blocks.len)].num_params = noise;
        break;
    case 14:
        f->blocks.data[dv_rng_below(rng, f->blocks.len)].last.id = noise;
        break;
    default:
        f->pool.data[dv_rng_below(rng, f->pool.len)] = noise;
        break;
    }
}

/* Any contents of a function's arrays end in an answer: this is what sanitizers watch. */
static void garbage(void **state)
{
    static const char text[] =
        "function %f(i32, i64) -> i32 system_v {\n sig0 = (i64) -> i32 system_v\n fn0 = %g sig0\n"
        " heap0 = memory 0, index i32, min 1, page 65536\n"
        " table0 = table 0, index i32, min 1, funcref\n"
        " global0 = global 0, i32, mutable\n sig1 = (i32) wasm\n"
        " type0 = func (i32), sig1\n tag0 = tag 0, type0\n"
        " const0 = 0x000102030405060708090a0b0c0d0e0f\n gv0 = symbol %s\n ss0 = explicit_slot 8\n"
        "block0(v0: i32, v1: i64):\n v2 = iadd v0, v0\n"
        " v3 = call fn0(v1), stack_map=[i32 @ ss0+0]\n"
        " v4 = vconst.i8x16 const0\n v5 = shuffle v4, v4, 0x1f\n v6, v7 = uadd_overflow v0, v2\n"
        " v8 = symbol_value.i64 gv0\n v9 = get_exception_handler_address.i64 block1, 0\n"
        " br_table v0, block1(v0, v1, v0, v1), [block2, block1(v3, v1, v3, v8)]\n"
        "block1(v10: i32, v11: i64, v12: i32, v13: i64):\n"
        " try_call fn0(v1), sig0, block3(ret0),"
        " [ tag1: block4(exn0, exn1), context v1, default: block2 ]\n"
        "block2:\n v14 = heap_load.i32 heap0, v0, offset=4\n global_set global0, v14\n"
        " call_table table0, type0, v0(v14)\n v18 = global_get.i32 global0\n"
        " trapz v14, user1\n return v14\n"
        "block3(v15: i32):\n return v15\n"
        "block4(v16: i64, v17: i64):\n throw tag0(v0)\n}\n";
    Fixture *x = *state;
    Rng rng;
    VerifyErrors errors;
    dv_rng_seed(&rng, 4);
    expect_valid(x, parse_one(x, text));
    ArenaMark mark = dv_arena_mark(&x->arena);
    u32 found = 0;
    for (u32 round = 0; round < 20000; round++) {
        Func *f = parse_one(x, text);
        for (u64 n = 1 + dv_rng_below(&rng, 3); n > 0; n--) {
            spoil(f, &rng);
        }
        found += !verify(x, f, (u32)dv_rng_below(&rng, 3) * 32, &errors);
        dv_arena_release_to(&x->arena, mark);
    }
    assert_true(found > 10000);
}

static void every_message_was_provoked(void **state)
{
    (void)state;
    u32 missing = 0;
    for (u32 m = 0; m < ARRAY_LEN(templates); m++) {
        if (!provoked[m]) {
            print_error("never provoked: %s\n", templates[m]);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(files),
        UNIT_TEST(broken_layout),
        UNIT_TEST(broken_storage),
        UNIT_TEST(broken_definitions),
        UNIT_TEST(broken_instructions),
        UNIT_TEST(broken_results),
        UNIT_TEST(broken_preamble),
        UNIT_TEST(broken_handlers),
        UNIT_TEST(address_width),
        UNIT_TEST(aliases),
        UNIT_TEST(
            every_message_was_provoked), /* by the tests above, which look for texts and places */
        UNIT_TEST(million_blocks),
        UNIT_TEST(million_instructions),
        UNIT_TEST(shared_long_lists),
        UNIT_TEST(errors_stay_short),
        UNIT_TEST(memory_runs_out),
        UNIT_TEST(garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
