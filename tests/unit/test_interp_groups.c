/* test_interp_groups.c - builds that leave groups of operations out.
 *
 * The parts of the interpreter that depend on the groups are compiled here with the base group alone, and take the
 * place of the library's; only the switch form is without the others. */
#define INTERP_GROUPS 1
#include "interp/instance.c"
#include "interp/run_switch.c"

#include "interp_testing.h"

/* The rest of the machinery, on what is there. */
static void base_runs(void **state)
{
    InterpConfig config = world_config(*state, INTERP_SWITCH);
    World *world = world_open(*state, &config);
    Room *room = world_add(world, "groups base\ntype 1 -> 1\nmemory i32\n"
                                  "func type0, window 4 {\nxmov s2, s0\ncall s2, func1\n"
                                  "heap_store32 s0, s2, 4\nxrotl32 s2, s2, s0\n"
                                  "heap_load32 s0, s0, 4\nret\n}\n"
                                  "func type0, window 2 {\nxmul64_i8 s0, s0, 3\nret\n}\n");
    u64 slots[] = {14};
    assert_int_equal(call_own(world, room, 0, slots), INTERP_RETURNED);
    assert_int_equal(slots[0], 42);
    world_close(world);
}

static void missing_groups_are_refused(void **state)
{
    static const struct {
        const char *head;
        const char *missing; /* NULL: none */
    } modules[] = {
        {"groups base", NULL},
        {"groups float", "float"},
        {"groups base wide", "wide"},
        {"groups base atomic", "atomic"},
        {"profile raw64\ngroups base raw", "raw"},
        {"profile raw64\ngroups raw_atomic", "raw_atomic"},
        {"", "float"}, /* whatever it contains */
    };
    Fixture *f = *state;
    InterpConfig config = world_config(f, INTERP_SWITCH);
    World *world = world_open(f, &config);
    for (usize i = 0; i < ARRAY_LEN(modules); i++) {
        const char *text = dv_arena_printf(&f->arena, "%s\n", modules[i].head);
        PulleyModule module = assemble_in(f, text, dv_host_is_big());
        module.profile = module.profile != PULLEY_SANDBOXED && sizeof(void *) == 4 ? PULLEY_RAW32
                                                                                   : module.profile;
        const char *expected =
            modules[i].missing == NULL
                ? ""
                : dv_arena_printf(&f->arena,
                                  "the code may use operations of group %s, which this "
                                  "build does not have",
                                  modules[i].missing);
        InterpInstance *instance;
        TextBuf why;
        dv_text_init(&why, &f->arena);
        bool ok = dv_interp_can_run(world->vm, &module, &why);
        assert_int_equal(ok, modules[i].missing == NULL);
        assert_string_equal(why.length == 0 ? "" : why.data, expected);
        assert_int_equal(dv_instance_new(world->vm, &module, &instance),
                         ok ? DAVIT_OK : DAVIT_ERROR_UNSUPPORTED);
    }
    world_close(world);
}

/* The other reasons, with nothing missing. */
static void others_are_refused(void **state)
{
    Fixture *f = *state;
    InterpConfig config = world_config(f, INTERP_SWITCH);
    config.metered = true;
    World *world = world_open(f, &config);
    bool big = dv_host_is_big();
    const char *foreign = sizeof(void *) == 8 ? "metered\ngroups base\nprofile raw32\n"
                                              : "metered\ngroups base\nprofile raw64\n";
    const struct {
        PulleyModule module;
        const char *why;
    } modules[] = {
        {assemble_in(f, foreign, big), "the code is for hosts with addresses of another width"},
        {assemble_in(f, "metered\ngroups base\n", !big), "the code is in the other byte order"},
        {assemble_in(f, "groups base\n", big), "the code is not metered"},
    };
    for (usize i = 0; i < ARRAY_LEN(modules); i++) {
        TextBuf why;
        dv_text_init(&why, &f->arena);
        assert_false(dv_interp_can_run(world->vm, &modules[i].module, &why));
        assert_string_equal(why.data, modules[i].why);
    }
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(base_runs),
        UNIT_TEST(missing_groups_are_refused),
        UNIT_TEST(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
