/* test_settings.c - `set` lines of CLIF files: what they say, for which target line, and what compiling makes of it. */
#include "clif_testing.h"

#include "codegen/compile.h"
#include "codegen/isa/x64/x64_isa.h"
#include "tools/filetest.h"
#include "tools/settings.h"

static const char load_text[] =
    "function %load(i32) -> i32 wasm {\n heap0 = memory 0, index i32, min 1, page 0x10000\n"
    "block0(v0: i32):\n v1 = heap_load.i32 heap0, v0\n return v1\n}\n"
    "function %get(i32) -> i32 wasm {\n table0 = table 0, index i32, min 1, funcref\n"
    "block0(v0: i32):\n v1 = table_get.i32 table0, v0\n return v1\n}\n";

static ClifFile *parse(Fixture *f, const char *commands)
{
    ClifFile *file = ARENA_NEW(&f->arena, ClifFile);
    const char *text = dv_arena_printf(&f->arena, "%s%s", commands, load_text);
    parse_good(&f->arena, str_of(text), file);
    return file;
}

/* What the file says for the target. */
static Settings read(Fixture *f, const char *commands, const char *target)
{
    Settings settings;
    u32 line;
    const ClifFile *file = parse(f, commands);
    assert_null(dv_settings_read(file, dv_settings_end(file, target), &f->arena, &settings, &line));
    return settings;
}

static CompileOptions options_of(Fixture *f, const char *commands, CompileOptions options)
{
    const Settings settings = read(f, commands, "x86_64");
    dv_settings_apply(&settings, &options);
    return options;
}

static void what_they_change(void **state)
{
    Fixture *f = *state;
    const CompileOptions plain = {.allocator = ALLOCATOR_MAIN};
    const CompileOptions fast = {.allocator = ALLOCATOR_FAST};
    const CompileOptions bare = {.no_heap_guard = true, .no_table_guard = true};
    assert_int_equal(options_of(f, "set opt_level=none\n", plain).allocator, ALLOCATOR_FAST);
    assert_int_equal(options_of(f, "set opt_level=speed\n", fast).allocator, ALLOCATOR_FAST);
    assert_int_equal(options_of(f, "set opt_level=speed_and_size\n", plain).allocator,
                     ALLOCATOR_MAIN);
    assert_int_equal(options_of(f, "set regalloc_algorithm=single_pass\n", plain).allocator,
                     ALLOCATOR_FAST);
    assert_int_equal(options_of(f, "set regalloc_algorithm=backtracking\n", fast).allocator,
                     ALLOCATOR_MAIN);
    assert_true(options_of(f, "set enable_pinned_reg\n", plain).pinned_register);
    assert_false(options_of(f, "set enable_pinned_reg=false\n", plain).pinned_register);
    assert_int_equal(
        options_of(f, "set tls_model=elf_gd\n", (CompileOptions){.tls_model = TLS_LOCAL_EXEC})
            .tls_model,
        TLS_GENERAL);
    CompileOptions got = options_of(f, "set enable_heap_access_spectre_mitigation=false\n", plain);
    assert_true(got.no_heap_guard && !got.no_table_guard);
    got = options_of(f, "set enable_table_access_spectre_mitigation=false\n", plain);
    assert_true(!got.no_heap_guard && got.no_table_guard);
    got = options_of(f, "set enable_heap_access_spectre_mitigation\n", bare);
    assert_true(!got.no_heap_guard && got.no_table_guard);
    /* nothing is said, or of what nobody knows */
    got = options_of(f, "set enable_llvm_abi_extensions=true\nset is_pic=perhaps\n", bare);
    assert_int_equal(got.allocator, bare.allocator);
    assert_int_equal(got.tls_model, bare.tls_model);
    assert_true(got.no_heap_guard && got.no_table_guard && !got.pinned_register);
}

static void for_which_target(void **state)
{
    static const char text[] =
        "set opt_level=none\nset regalloc_algorithm=single_pass\ntarget x86_64 has_avx\n"
        "set opt_level=speed enable_pinned_reg\ntarget pulley64\n"
        "set tls_model=none\n";
    Settings s = read(*state, text, "x86_64");
    assert_int_equal(s.given[SETTING_opt_level], 1);
    assert_int_equal(s.given[SETTING_regalloc_algorithm], 2);
    assert_int_equal(s.given[SETTING_enable_pinned_reg], 0);
    s = read(*state, text, "pulley64");
    assert_int_equal(s.given[SETTING_opt_level], 2); /* the last one holds */
    assert_int_equal(s.given[SETTING_enable_pinned_reg], 2);
    assert_int_equal(s.given[SETTING_tls_model], 0);
    s = read(*state, text, "pulley32"); /* which it does not name */
    assert_int_equal(s.given[SETTING_tls_model], 1);
}

static void wrong_values(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"set is_pic\nset opt_level=fast\n",
         "opt_level cannot be \"fast\": its values are none speed speed_and_size"},
        {"set is_pic\nset opt_level\n",
         "opt_level cannot be \"true\": its values are none speed speed_and_size"},
        {"target x86_64\nset enable_pinned_reg=\n",
         "enable_pinned_reg cannot be \"\": its values are false true"},
        {"target x86_64\nset enable_pinned_reg=tru\n",
         "enable_pinned_reg cannot be \"tru\": its values are false true"},
        {"set a\nset b tls_model=coff\n",
         "tls_model cannot be \"coff\": its values are none elf_gd"},
    };
    Fixture *f = *state;
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        Settings settings;
        u32 line = 0;
        const ClifFile *file = parse(f, rows[i].text);
        const char *error = dv_settings_read(file, file->commands.len, &f->arena, &settings, &line);
        assert_non_null(error);
        assert_string_equal(error, rows[i].error);
        assert_int_equal(line, 2);
        FiletestOptions options = {.max_steps = 1000};
        FiletestOutput output = {.status = DAVIT_OK};
        dv_filetest_run("test.clif", str_of(rows[i].text), &options, &f->arena, &f->pool, &output);
        assert_int_equal(output.units.len, 1);
        assert_int_equal(output.units.data[0].verdict, VERDICT_FAIL);
        assert_string_equal(output.units.data[0].reason, rows[i].error);
    }
}

/* ---- what becomes of it ---- */

/* What function `n` of the file is compiled to, with these options but for what it says itself. */
static const char *compile(Fixture *f, const char *commands, u32 n, CompileOptions given)
{
    const CompileOptions options = options_of(f, commands, given);
    ClifFile *file = parse(f, commands);
    Arena scratch;
    Diag diag;
    TextBuf text;
    dv_diag_init(&diag, &f->arena);
    dv_text_init(&text, &f->arena);
    dv_arena_init(&scratch, &f->pool);
    bool ok = dv_compile_print(&dv_x64_isa, &options, &file->funcs.data[n]->func, &scratch,
                               &f->arena, &diag, &text);
    dv_arena_release(&scratch);
    assert_true(ok);
    return text.data;
}

/* Precisely what the options give, with a conditional move or without. */
static void spectre_guards(void **state)
{
    static const char no_heap[] = "set enable_heap_access_spectre_mitigation=false\n";
    static const char no_table[] = "set enable_table_access_spectre_mitigation=false\n";
    static const char all[] = "set enable_heap_access_spectre_mitigation\n"
                              "set enable_table_access_spectre_mitigation\n";
    const CompileOptions plain = {.check = true};
    const CompileOptions bare = {.check = true, .no_heap_guard = true, .no_table_guard = true};
    Fixture *f = *state;
    for (u32 n = 0; n < 2; n++) {
        const char *guarded = compile(f, "", n, plain), *unguarded = compile(f, "", n, bare);
        assert_non_null(strstr(guarded, "cmov64"));
        assert_null(strstr(unguarded, "cmov64"));
        assert_string_equal(compile(f, no_heap, n, plain), n == 0 ? unguarded : guarded);
        assert_string_equal(compile(f, no_table, n, plain), n == 1 ? unguarded : guarded);
        assert_string_equal(compile(f, all, n, bare), guarded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(what_they_change),
        UNIT_TEST(for_which_target),
        UNIT_TEST(wrong_values),
        UNIT_TEST(spectre_guards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
