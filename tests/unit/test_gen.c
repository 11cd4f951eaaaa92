/* test_gen.c - the generator of functions: its files verify, print and parse, hold on evaluators of either byte order, leave no
 * result unused, reach every scalar operation at every type, and depend on nothing but the source of choices.
 */
#include "unit.h"

#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verify.h"
#include "tools/commands.h"
#include "tools/filetest.h"
#include "tools/gen.h"

enum { SEEDS = 2000, COVER_SEEDS = 300, BYTE_RUNS = 500 };

static GenOptions options_of(u64 seed)
{
    GenOptions options = {.address_bits = seed % 2 == 0 ? 64 : 32, .max_insts = 40, .runs = 1};
    return options;
}

static TextBuf make_file(Fixture *f, u64 seed, const GenOptions *options, const char *header)
{
    GenSource source;
    TextBuf out;
    const char *error;
    Escape escape;
    dv_text_init(&out, &f->arena);
    dv_gen_seed(&source, seed);
    dv_escape_enter(&escape, &f->pool);
    bool ok = setjmp(escape.env) == 0 && dv_gen_file(&out, &source, options, header, &error);
    dv_escape_leave(&escape, &f->pool);
    if (!ok) {
        fail_msg("seed %u: %s", (unsigned)seed, error);
    }
    return out;
}

static ClifFile *parse_text(Fixture *f, TextBuf text)
{
    ClifFile *file = ARENA_NEW(&f->arena, ClifFile);
    Diag diag;
    Escape escape;
    dv_diag_init(&diag, &f->arena);
    dv_escape_enter(&escape, &f->pool);
    bool ok = setjmp(escape.env) == 0 &&
              dv_clif_parse(file, &f->arena, (Str){text.data, (u32)text.length}, &diag);
    dv_escape_leave(&escape, &f->pool);
    if (!ok) {
        fail_msg("line %u: %s", (unsigned)dv_diag_first(&diag)->line, dv_diag_first(&diag)->text);
    }
    return file;
}

/* Every unit passes: expectations, what calls leave behind, and that printing and parsing change nothing. */
static u32 check_units(Fixture *f, u64 seed, TextBuf text, const char *target)
{
    FiletestOptions options = {
        .target = target, .exact = true, .max_steps = GEN_MAX_STEPS, .mutate_op = OP_COUNT};
    FiletestOutput out = {0};
    dv_filetest_run("generated", (Str){text.data, (u32)text.length}, &options, &f->arena, &f->pool,
                    &out);
    assert_int_equal(out.status, DAVIT_OK);
    for (u32 i = 0; i < out.units.len; i++) {
        const Unit *unit = &out.units.data[i];
        if (unit->verdict != VERDICT_PASS) {
            fail_msg("seed %u, %s, line %u: %s", (unsigned)seed, unit->command,
                     (unsigned)unit->line, unit->reason);
        }
    }
    return out.units.len;
}

/* Expectations come from a little-endian evaluator; half of the seeds' addresses have 32 bits. */
static void test_files_hold(void **state)
{
    Fixture *f = *state;
    u32 units = 0, trips = 0;
    for (u64 seed = 0; seed < SEEDS; seed++) {
        ArenaMark mark = dv_arena_mark(&f->arena);
        GenOptions options = options_of(seed);
        TextBuf text = make_file(f, seed, &options, "test run\ntarget eval64\n");
        units += check_units(f, seed, text, seed % 2 == 0 ? "eval64be" : "eval32be");
        if (seed % 2 == 0) {
            trips += check_units(f, seed, text, NULL);
        }
        dv_arena_release_to(&f->arena, mark);
    }
    assert_true(units >= SEEDS && trips >= SEEDS);
}

/* ---- Nothing is dead ---- */

static void note_uses(const Func *f, Inst i, u8 *used)
{
    u32 num_dests;
    const u32 *args = dv_inst_args(f, i);
    for (u32 n = 0; n < dv_inst_const(f, i)->num_args; n++) {
        used[args[n]] = 1;
    }
    const BlockCall *dests = dv_inst_dests_const(f, i, &num_dests);
    for (u32 n = 0; n < num_dests; n++) {
        for (u32 k = 0; k < dests[n].num_args; k++) {
            BlockArg arg = dv_call_arg(f, &dests[n], k);
            if (block_arg_kind(arg) == ARG_VALUE) {
                used[block_arg_index(arg)] = 1;
            }
        }
    }
}

static void check_consumed(Fixture *f, u64 seed, const Func *func)
{
    u8 *used = ARENA_ARRAY(&f->arena, u8, func->values.len + 1);
    for (Block b = func->first_block; b.id != ENTITY_NONE; b = dv_block(func, b)->next) {
        for (Inst i = dv_block(func, b)->first; i.id != ENTITY_NONE; i = dv_inst_next(func, i)) {
            note_uses(func, i, used);
        }
    }
    for (u32 v = 0; v < func->values.len; v++) {
        if (func->values.data[v].kind != VALUE_ABSENT && !used[v]) {
            fail_msg("seed %u: v%u of %.*s is not used", (unsigned)seed, (unsigned)v,
                     (int)func->name.text.len, func->name.text.data);
        }
    }
}

static void test_no_result_is_dead(void **state)
{
    Fixture *f = *state;
    u32 funcs = 0;
    for (u64 seed = 0; seed < 200; seed++) {
        ArenaMark mark = dv_arena_mark(&f->arena);
        GenOptions options = options_of(seed);
        options.max_insts = 300;
        const ClifFile *file = parse_text(f, make_file(f, seed, &options, ""));
        for (u32 i = 0; i < file->funcs.len; i++, funcs++) {
            check_consumed(f, seed, &file->funcs.data[i]->func);
        }
        dv_arena_release_to(&f->arena, mark);
    }
    assert_true(funcs > 200);
}

/* ---- Coverage ---- */

/* Scalar types are numbers below 16, TYPE_NONE among them. */
typedef u8 Coverage[OP_COUNT][16];

static bool is_vector_spec(TypeSpec spec, Type type)
{
    return spec == TS_Vec || type_is_vector(dv_typespec_type(spec, type));
}

/* Whether any scalar type satisfies the spec. */
static bool has_scalar(TypeSpec spec, Type type)
{
    bool entity = spec >= TS_heap && spec <= TS_tablemin;
    for (u32 t = TYPE_I8; t <= TYPE_F128; t++) {
        entity = entity || dv_typespec_matches(spec, type, (Type)t);
    }
    return entity;
}

static bool is_expected(Op op, Type type)
{
    const OpInfo *info = &dv_ops[op];
    bool expected = info->set == SET_None ? type == TYPE_NONE
                                          : type != TYPE_NONE && dv_typeset_has(info->set, type);
    for (u32 i = 0; i < info->num_operands && expected; i++) {
        TypeSpec spec = (TypeSpec)info->operands[i];
        expected = !is_vector_spec(spec, type) && has_scalar(spec, type);
    }
    for (u32 i = 0; i < info->num_results && expected; i++) {
        TypeSpec spec = (TypeSpec)info->results[i];
        expected = !is_vector_spec(spec, type) && has_scalar(spec, type);
    }
    return expected;
}

static void note_operations(const Func *f, Coverage seen)
{
    for (u32 i = 0; i < f->insts.len; i++) {
        const InstData *d = &f->insts.data[i];
        if (d->type < 16) {
            seen[d->op][d->type] = 1;
        }
    }
}

static void test_every_operation_at_every_type(void **state)
{
    Fixture *f = *state;
    u8(*seen)[16] = (u8(*)[16])calloc(OP_COUNT, 16);
    u32 cells = 0;
    assert_non_null(seen);
    for (u64 seed = 0; seed < COVER_SEEDS; seed++) {
        ArenaMark mark = dv_arena_mark(&f->arena);
        GenSource source;
        TextBuf text;
        GenOptions options = options_of(seed);
        options.max_insts = 300;
        dv_text_init(&text, &f->arena);
        dv_gen_seed(&source, seed);
        dv_gen_clif(&text, &source, &options);
        const ClifFile *file = parse_text(f, text);
        for (u32 i = 0; i < file->funcs.len; i++) {
            note_operations(&file->funcs.data[i]->func, seen);
        }
        dv_arena_release_to(&f->arena, mark);
    }
    for (u32 op = 0; op < OP_COUNT; op++) {
        for (u32 t = 0; t < 16; t++) {
            bool expected =
                t <= TYPE_F128 && is_expected((Op)op, (Type)t) && dv_gen_left_out((Op)op) == NULL;
            if (expected != (seen[op][t] != 0)) {
                print_message("%s, type %u: %s\n", dv_ops[op].name, (unsigned)t,
                              expected ? "is not generated" : "should not be generated");
            }
            assert_true(expected == (seen[op][t] != 0));
            cells += expected;
        }
    }
    free(seen);

    assert_true(cells > 500);
}

static void test_what_is_left_out_has_a_reason(void **state)
{
    (void)state;
    u32 count = 0;
    for (u32 op = 0; op < OP_COUNT; op++) {
        const char *reason = dv_gen_left_out((Op)op);
        assert_true(reason == NULL || reason[0] != '\0');
        count += reason != NULL;
    }
    assert_true(count != 0);
}

static void note_signature(const Signature *sig, u32 *convs, u32 *purposes)
{
    *convs |= 1u << sig->conv;
    for (u32 i = 0; i < sig->num_params; i++) {
        *purposes |= 1u << sig->params[i].purpose;
    }
}

/* Conventions that every machine has, and pointers of the caller's; tail calls of all that have them. */
static void test_conventions(void **state)
{
    Fixture *f = *state;
    u32 convs = 0, purposes = 0, tails = 0, entries = 0;
    for (u64 seed = 0; seed < COVER_SEEDS; seed++) {
        ArenaMark mark = dv_arena_mark(&f->arena);
        GenOptions options = options_of(seed);
        const ClifFile *file = parse_text(f, make_file(f, seed, &options, ""));
        for (u32 i = 0; i < file->funcs.len; i++) {
            const Func *func = &file->funcs.data[i]->func;
            note_signature(&func->sig, i == 0 ? &entries : &convs, &purposes);
            for (u32 n = 0; n < func->insts.len; n++) {
                tails |= (u32)(func->insts.data[n].op == OP_return_call) << func->sig.conv;
            }
        }
        dv_arena_release_to(&f->arena, mark);
    }
    const u32 tail_convs = 1u << CC_tail | 1u << CC_winch | 1u << CC_wasm;
    assert_int_equal(convs | entries, tail_convs | 1u << CC_fast | 1u << CC_system_v |
                                          1u << CC_windows_fastcall | 1u << CC_preserve_all);
    assert_int_equal(tails, tail_convs);
    assert_int_equal(purposes, 1u << PURPOSE_NORMAL | 1u << PURPOSE_SARG | 1u << PURPOSE_SRET);
}

/* ---- Sources ---- */

static void test_a_seed_says_all(void **state)
{
    Fixture *f = *state;
    GenOptions options = options_of(0);
    TextBuf a = make_file(f, 7, &options, "test run\n"),
            b = make_file(f, 7, &options, "test run\n");
    TextBuf c = make_file(f, 8, &options, "test run\n");
    assert_string_equal(a.data, b.data);
    assert_string_not_equal(a.data, c.data);
}

static void check_verified(Fixture *f, TextBuf text, u32 address_bits)
{
    const ClifFile *file = parse_text(f, text);
    VerifyOptions verify = {address_bits};
    Work work = {0};
    for (u32 i = 0; i < file->funcs.len; i++) {
        VerifyErrors errors = {0};
        if (!dv_verify(&file->funcs.data[i]->func, &f->arena, &verify, &errors, &work)) {
            fail_msg("%s\n%s", errors.list.data[0].text, text.data);
        }
    }
}

/* Bytes instead of random numbers, vectors and all. */
static void test_bytes_make_functions(void **state)
{
    Fixture *f = *state;
    Rng rng;
    u8 bytes[600];
    dv_rng_seed(&rng, 1);
    for (u32 run = 0; run < BYTE_RUNS; run++) {
        ArenaMark mark = dv_arena_mark(&f->arena);
        GenOptions options = {
            .address_bits = run % 2 == 0 ? 64 : 32, .max_insts = 200, .vectors = true};
        GenSource source;
        TextBuf text;
        usize size = dv_rng_below(&rng, sizeof bytes + 1);
        for (usize i = 0; i < size; i++) {
            bytes[i] = (u8)dv_rng_next(&rng);
        }
        dv_text_init(&text, &f->arena);
        dv_gen_bytes(&source, bytes, size);
        dv_gen_clif(&text, &source, &options);
        check_verified(f, text, options.address_bits);
        dv_arena_release_to(&f->arena, mark);
    }
}

/* ---- The command ---- */

static int run_command(Fixture *f, const char *line)
{
    char text[256];
    char *argv[16];
    Command command = {.argv = argv, .arena = &f->arena};
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[command.argc++] = word;
    }
    return dv_cmd_gen(&command);
}

static void test_bad_arguments_are_refused(void **state)
{
    static const char *const lines[] = {"",
                                        "wasm --seed 1",
                                        "clif",
                                        "clif --insts 5",
                                        "clif --seed",
                                        "clif --seed x",
                                        "clif --seed -1",
                                        "clif --seed 18446744073709551616",
                                        "clif --seed 1 --insts 0",
                                        "clif --seed 1 --insts 100001",
                                        "clif --seed 1 --funcs 0",
                                        "clif --seed 1 --funcs 17",
                                        "clif --seed 1 --runs 1001",
                                        "clif --seed 1 --frobs 1",
                                        "clif --seed 1 --target a;b",
                                        "clif --seed 1 --target pulley64 --target pulley32"};
    for (usize i = 0; i < ARRAY_LEN(lines); i++) {
        if (run_command(*state, lines[i]) != EXIT_USAGE) {
            fail_msg("accepted: %s", lines[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(test_files_hold),
        UNIT_TEST(test_no_result_is_dead),
        UNIT_TEST(test_every_operation_at_every_type),
        UNIT_TEST(test_conventions),
        UNIT_TEST(test_what_is_left_out_has_a_reason),
        UNIT_TEST(test_a_seed_says_all),
        UNIT_TEST(test_bytes_make_functions),
        UNIT_TEST(test_bad_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
