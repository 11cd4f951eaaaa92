/* test_interp_profile.c - what the form that counts has counted, and what it tells of each step. */
#include "interp_testing.h"

static const char text[] = "type 1 -> 1\nimport type0\n"
                           "func type0, window 8 {\n"
                           "    xconst16 s1, 0\n"
                           "again:\n"
                           "    xmov s4, s0\n"
                           "    call s4, func1\n"
                           "    xadd64 s1, s1, s4\n"
                           "    loop32 s0, -1, again\n"
                           "    xmov s0, s1\n"
                           "    ret\n"
                           "}\n"
                           "func type0, window 2, frame 600 {\n"
                           "    enter 1, 600\n"
                           "    xclz32 s0, s0\n"
                           "    return_call_import 1, import0, 600\n"
                           "}\n";

static u32 double_it(void *context, Interp *vm, u64 *slots)
{
    (void)context;
    (void)vm;
    slots[0] *= 2;
    return INTERP_GO_ON;
}

typedef struct Steps {
    u32 count;
    u32 last_func;
    u32 last_offset;
    u64 sum; /* of slot 0 */
} Steps;

static void on_step(void *context, Interp *vm, const u8 *pc, const u64 *slots)
{
    Steps *steps = context;
    InterpFrame at;
    assert_true(dv_interp_locate(dv_interp_instance(vm), pc, &at));
    assert_ptr_equal(at.instance, dv_interp_instance(vm));
    steps->count++;
    steps->last_func = at.func;
    steps->last_offset = at.offset;
    steps->sum += slots[0];
}

static void steps_are_counted(void **state)
{
    static const PulleyType type = {1, 1};
    enum { ROUNDS = 5, STEPS = 1 + ROUNDS * (4 + 3) + 2 };
    Steps steps = {0};
    InterpConfig config = world_config(*state, INTERP_PROFILE);
    config.on_step = on_step;
    config.context = &steps;
    World *world = world_open(*state, &config);
    Room *room = world_add(world, text);
    room->instance->imports[0] = dv_interp_host_func(world->vm, double_it, NULL, type, 0);
    u64 slots[] = {ROUNDS};
    assert_int_equal(call_own(world, room, 0, slots), INTERP_RETURNED);
    assert_int_equal(slots[0], 2 * (29 + 30 + 30 + 31 + 29));
    const InterpProfile *profile = dv_interp_profile(world->vm);
    assert_int_equal(profile->steps, STEPS);
    assert_int_equal(profile->ops[PULLEY_enter], ROUNDS);
    assert_int_equal(profile->ops[PULLEY_xclz32], ROUNDS);
    assert_int_equal(profile->ops[PULLEY_xmov], ROUNDS + 1);
    assert_int_equal(profile->ops[PULLEY_ret], 1);
    assert_int_equal(profile->pairs[PULLEY_loop32][PULLEY_xmov], ROUNDS);
    assert_int_equal(profile->pairs[PULLEY_call][PULLEY_enter], ROUNDS);
    assert_int_equal(profile->pairs[PULLEY_xmov][PULLEY_loop32], 0);
    /* xconst16 4 bytes, xmov 4, call 4 */
    const u64 *words = room->instance->word_counts;
    assert_int_equal(words[0], 1);
    assert_int_equal(words[1], ROUNDS);
    u64 sum = 0;
    for (u32 i = 0; i < room->module.code_size_bytes / 4; i++) {
        sum += words[i];
    }
    assert_int_equal(sum, STEPS);
    assert_int_equal(steps.count, STEPS);
    assert_int_equal(steps.last_func, 0);
    assert_int_equal(steps.last_offset, room->module.funcs.data[0].size_bytes - 4);
    assert_true(steps.sum > slots[0]);
    world_close(world);
}

/* Other forms count nothing and tell nobody. */
static void others_do_not_count(void **state)
{
    Steps steps = {0};
    for (u32 form = INTERP_SWITCH; form < INTERP_FORM_COUNT; form++) {
        InterpConfig config = world_config(*state, (InterpForm)form);
        config.on_step = on_step;
        config.context = &steps;
        if (dv_interp_has_form((InterpForm)form)) {
            World *world = world_open(*state, &config);
            Room *room = world_add(world, "type 1 -> 1\nfunc type0, window 1 {\nret\n}\n");
            u64 slots[] = {7};
            assert_null(dv_interp_profile(world->vm));
            assert_int_equal(call_own(world, room, 0, slots), INTERP_RETURNED);
            world_close(world);
        }
    }
    assert_int_equal(steps.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(steps_are_counted),
        UNIT_TEST(others_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
