/* test_func_copy.c - copies of functions: equal, and alive when the original and its text are gone; changing one leaves the
 * other as it is. */
#include "clif_testing.h"

/* Overwrites what the pool has to give again. */
static void poison(Pool *pool)
{
    Arena arena;
    dv_arena_init(&arena, pool);
    for (u32 i = 0; i < 200; i++) {
        memset(dv_arena_alloc(&arena, 4000, 16), 0xdb, 4000);
    }
    dv_arena_release(&arena);
}

static void copy_file(Arena *arena, const char *path, Str text)
{
    Arena original;
    Diag diag;
    ClifFile file = {0};
    dv_arena_init(&original, arena->pool);
    dv_diag_init(&diag, &original);
    char *own_text = dv_arena_strdup(&original, text.data, text.len);
    if (dv_clif_parse(&file, &original, (Str){own_text, text.len}, &diag)) {
        u32 count = file.funcs.len;
        Func *copies = ARENA_ARRAY(arena, Func, count);
        Str before = print_all(arena, &file);
        for (u32 i = 0; i < count; i++) {
            dv_func_copy(&copies[i], &file.funcs.data[i]->func, arena);
            const char *difference = func_difference(&copies[i], &file.funcs.data[i]->func);
            if (difference != NULL) {
                fail_msg("%s: %s", path, difference);
            }
        }
        memset(own_text, 0xdb, text.len);
        dv_arena_release(&original);
        poison(arena->pool);
        TextBuf after;
        dv_text_init(&after, arena);
        for (u32 i = 0; i < count; i++) {
            assert_ptr_equal(copies[i].arena, arena);
            dv_print_func(&after, &copies[i]);
        }
        assert_true(str_equal(before, (Str){after.data, (u32)after.length}));
    }
    dv_arena_release(&original);
}

static void files(void **state)
{
    assert_in_range(visit_files(*state, "tests/clif", 2, copy_file), 20, UINT32_MAX);
}

static void changes_stay_apart(void **state)
{
    Fixture *f = *state;
    ClifFile file = {0};
    Func copy;
    parse_good(&f->arena,
               str_of("function %f(i32) -> i32 {\n const0 = 0x01\n region0 = 3 \"heap\"\n"
                      "block0(v0: i32):\n @12 v1 = iadd v0, v0\n return v1\n}\n"),
               &file);
    Func *original = &file.funcs.data[0]->func;
    Str before = print_all(&f->arena, &file);
    u32 constants = original->constants.len;
    dv_func_copy(&copy, original, &f->arena);
    dv_constant_make(&copy, (const u8 *)"\x07\x08", 2);
    dv_inst(&copy, (Inst){0})->op = OP_imul;
    dv_inst_remove(&copy, (Inst){1});
    copy.sig.params[0].type = TYPE_I64;
    dv_srcloc_set(&copy, (Inst){0}, 99);
    dv_debug_tags_set(&copy, (Inst){0}, &(DebugTag){DEBUG_TAG_NUMBER, 5}, 1);
    assert_true(str_equal(before, print_all(&f->arena, &file)));
    assert_int_equal(original->constants.len, constants);
    assert_null(dv_debug_tags(original, (Inst){0}));
    assert_int_equal(dv_srcloc(original, (Inst){0}), 0x12);
    /* equal constants are found again in both */
    assert_int_equal(dv_constant_make(&copy, (const u8 *)"\x07\x08", 2).id, constants);
}

static void empty(void **state)
{
    Fixture *f = *state;
    Func func, copy;
    TextBuf a, b;
    dv_func_init(&func, &f->arena);
    dv_func_copy(&copy, &func, &f->arena);
    dv_text_init(&a, &f->arena);
    dv_text_init(&b, &f->arena);
    dv_print_func(&a, &func);
    dv_print_func(&b, &copy);
    assert_string_equal(a.data, b.data);
}

static void hashes_of_names(void **state)
{
    static const ExtName names[] = {
        {.kind = NAME_USER, .space = 1, .index = 2},
        {.kind = NAME_USER, .space = 2, .index = 1},
        {.kind = NAME_TEST, .text = {"a", 1}},
        {.kind = NAME_TEST, .text = {"", 0}},
        {.kind = NAME_LIBCALL, .libcall = LIBCALL_Memcpy},
    };
    char a[] = "a";
    ExtName same = {.kind = NAME_TEST, .text = {a, 1}};
    (void)state;
    assert_true(dv_extname_hash(&same) == dv_extname_hash(&names[2]));
    for (usize i = 0; i < ARRAY_LEN(names); i++) {
        for (usize k = 0; k < i; k++) {
            assert_true(dv_extname_hash(&names[i]) != dv_extname_hash(&names[k]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(files),
        UNIT_TEST(changes_stay_apart),
        UNIT_TEST(empty),
        UNIT_TEST(hashes_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
