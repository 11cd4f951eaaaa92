/* test_interp_stop.c - whatever stops a run: interrupts, fuel, suspension, traps with their backtraces, memory that
 * runs out, and what the guest may see of the world afterwards; in every dispatch form. */
#include "interp_testing.h"

#include "base/threads.h"

#define FOR_WORLDS(world, state, ...) \
    for (u32 form = INTERP_SWITCH; form <= INTERP_PROFILE; form++) \
        for (World *world = \
                 !dv_interp_has_form((InterpForm)form) \
                     ? NULL \
                     : open_with(*(state), (InterpForm)form, (InterpConfig)__VA_ARGS__); \
             world != NULL; world_close(world), world = NULL)

static World *open_with(Fixture *f, InterpForm form, InterpConfig config)
{
    InterpConfig base = world_config(f, form);
    config.allocator = base.allocator;
    config.form = form;
    config.stack_bytes = base.stack_bytes;
    return world_open(f, &config);
}

static void check_trap(World *world, const Room *room, u32 func, u64 *slots, u32 code)
{
    assert_int_equal(call_own(world, room, func, slots), INTERP_TRAPPED);
    assert_int_equal(dv_interp_trap(world->vm)->code, code);
}

/* ---- interrupts ---- */

static const char forever[] =
    "type 1 -> 1\ntype 0 -> 0\nfunc type0, window 4 {\nagain:\njump again\n}\n"
    "func type0, window 4 {\nagain:\nbr_if_not32 s0, again\nret\n}\n"
    "func type0, window 4 {\nagain:\nxconst16 s1, 1\nloop32 s1, 1, again\nret\n}\n"
    "func type0, window 4 {\nreturn_call func3\n}\n"
    "func type0, window 4, frame 2 {\nenter 1, 2\nreturn_call_big 1, func4, 2\n}\n"
    "func type0, window 4 {\nagain:\nbr_table s0, [again]\n}\n"
    "func type0, window 4 {\nagain:\ncall s2, func7\njump again\n}\n"
    "func type1, window 4 {\nret\n}\n"
    "func type0, window 4 {\nref_func s1, entity8\n"
    "return_call_ref s1, 1, type0, 0\n}\n";

static void interrupts_stop_loops(void **state)
{
    FOR_WORLDS(world, state, {0})
    {
        Room *room = world_add(world, forever);
        for (u32 func = 0; func < room->module.funcs.len; func++) {
            u64 slots[] = {0};
            if (func == 7) {
                continue;
            }
            dv_interp_interrupt(world->vm);
            check_trap(world, room, func, slots, PULLEY_TRAP_interrupt);
        }
    }
}

#if DV_THREADS

static void interrupt_from_thread(void *context, u32 worker)
{
    World *world = context;
    u64 slots[] = {0};
    if (worker == 0) {
        dv_interp_interrupt(world->vm);
    } else {
        assert_int_equal(call_own(world, &world->rooms[0], 0, slots), INTERP_TRAPPED);
    }
}

/* A guest that waits for memory to change answers polls. */
static const char waiter[] =
    "type 2 -> 1\nmemory i32 shared\nfunc type0, window 8 {\n"
    "xconst16 s2, 0\nxconst16 s3, -1\nheap_wait32 s0, s2, s2, s2, s3, memory0\nret\n}\n";

static void interrupt_waiter(void *context, u32 worker)
{
    World *world = context;
    u64 slots[2] = {0};
    if (worker == 0) {
        dv_interp_interrupt(world->vm);
    } else {
        check_trap(world, &world->rooms[0], 0, slots, PULLEY_TRAP_interrupt);
    }
}

static void threads_work(void **state)
{
    FOR_WORLDS(world, state, {0})
    {
        world_add(world, forever);
        dv_threads_run(2, interrupt_from_thread, world);
    }
    FOR_WORLDS(world, state, {0})
    {
        world_add(world, waiter);
        dv_threads_run(2, interrupt_waiter, world);
    }
}

#endif

/* ---- memory that another thread grows ---- */

/* Stands for the other thread: the guest grows a table, and is not told that a memory has grown as well. */
static bool grow_behind(InterpTable *table, u32 new_count)
{
    InterpMemory *memory = table->host;
    (void)new_count;
    assert_int_equal(dv_memory_grow(memory, 2), 1);
    memory->base[300] = 40;
    memory->base[600] = 2;
    return false;
}

/* The first access past the old end reads the length again, with the accumulator as it was; the end that is
 * reached then holds. */
static void shared_memories_grow(void **state)
{
    FOR_WORLDS(world, state, {0})
    {
        Room *room = world_add(
            world, "type 2 -> 1\nmemory i32 shared\ntable i32 func\nfunc type0, window 8 {\n"
                   "xconst16 s2, 1\ntable_grow s3, s2, s2, table0\nxadd32_i8 s4, s1, 0\n"
                   "heap_load32_acc s5, s4, 4\nheap_load8_u32 s0, s0, 1\nxadd32 s0, s0, s5\n"
                   "ret\n}\n"
                   "func type0, window 8 {\nheap_load8_u32 s0, s0, 1\nret\n}\n");
        u64 slots[] = {300, 600};
        u64 early[] = {300, 600};
        check_trap(world, room, 1, early, PULLEY_TRAP_heap_oob);
        room->tables[0].grow = grow_behind;
        room->tables[0].host = &room->memories[0];
        assert_int_equal(call_own(world, room, 0, slots), INTERP_RETURNED);
        assert_int_equal(slots[0], 42);
        u64 past[] = {768, 0};
        check_trap(world, room, 1, past, PULLEY_TRAP_heap_oob);
    }
}

/* ---- polls ---- */

typedef struct Poller {
    u32 calls;
    u32 status;
    u32 bits;
    Room *room;
} Poller;

/* Moves the memory, too. */
static u32 on_poll(void *context, Interp *vm, u32 bits)
{
    Poller *poller = context;
    poller->calls++;
    poller->bits |= bits;
    if (poller->room != NULL) {
        assert_int_not_equal(dv_memory_grow(&poller->room->memories[0], 1), UINT64_MAX);
        assert_ptr_equal(dv_interp_context(vm), context);
    }
    return poller->status;
}

static const char counter[] =
    "type 2 -> 1\nmemory i32\nfunc type0, window 8 {\nxconst16 s2, 0\nagain:\n"
    "heap_load32 s3, s2, 4\nxadd32_i8 s3, s3, 1\nheap_store32 s2, s3, 4\n"
    "loop32 s0, -1, again\nheap_load8_u32 s4, s1, 1\nxadd32 s0, s3, s4\nret\n}\n";

static void polls_ask(void **state)
{
    Poller poller = {0};
    FOR_WORLDS(world, state, {.on_poll = on_poll, .context = &poller})
    {
        Room *room = world_add(world, counter);
        poller = (Poller){.room = room};
        u64 slots[] = {10, 300};
        dv_interp_notify(world->vm);
        assert_int_equal(call_own(world, room, 0, slots), INTERP_RETURNED);
        assert_int_equal(slots[0], 10);
        assert_int_equal(poller.calls, 1);
        assert_int_equal(poller.bits, INTERP_POLL_NOTIFY);
        poller.status = 33;
        u64 again[] = {10, 300};
        dv_interp_notify(world->vm);
        dv_interp_interrupt(world->vm);
        check_trap(world, room, 0, again, 33);
        assert_int_equal(poller.bits, INTERP_POLL_NOTIFY | INTERP_POLL_INTERRUPT);
        poller.status = INTERP_SUSPEND; /* cannot: goes on */
        u64 third[] = {10, 300};
        dv_interp_notify(world->vm);
        assert_int_equal(call_own(world, room, 0, third), INTERP_RETURNED);
    }
}

/* ---- fuel ---- */

static u32 refuel(void *context, Interp *vm)
{
    u32 *tanks = context;
    if (*tanks == 0) {
        return PULLEY_TRAP_out_of_fuel;
    }
    --*tanks;
    dv_interp_set_fuel(vm, 30);
    return INTERP_GO_ON;
}

static const char metered[] = "metered\ntype 1 -> 1\nfunc type0, window 4 {\nagain:\nfuel 7\n"
                              "loop32 s0, -1, again\nfuel 2\nret\n}\n";

static void fuel_runs_out(void **state)
{
    u32 tanks = 0;
    FOR_WORLDS(world, state, {.metered = true})
    {
        PulleyModule module = assemble_in(world->f, "type 1 -> 1\n", dv_host_is_big());
        InterpInstance *instance;
        assert_int_equal(dv_instance_new(world->vm, &module, &instance), DAVIT_ERROR_UNSUPPORTED);
        Room *room = world_add(world, metered);
        u64 slots[] = {3};
        assert_int_equal(dv_interp_fuel(world->vm), UINT64_MAX);
        assert_int_equal(call_own(world, room, 0, slots), INTERP_RETURNED);
        assert_int_equal(dv_interp_fuel(world->vm), UINT64_MAX);
        dv_interp_set_fuel(world->vm, 23);
        u64 exact[] = {3};
        assert_int_equal(call_own(world, room, 0, exact), INTERP_RETURNED);
        assert_int_equal(dv_interp_fuel(world->vm), 0);
        dv_interp_set_fuel(world->vm, 22);
        u64 less[] = {3};
        check_trap(world, room, 0, less, PULLEY_TRAP_out_of_fuel);
        assert_int_equal(dv_interp_fuel(world->vm), 1);
    }
    FOR_WORLDS(world, state, {.on_fuel = refuel, .context = &tanks})
    {
        Room *room = world_add(world, metered);
        tanks = 2;
        dv_interp_set_fuel(world->vm, 0);
        u64 slots[] = {8};
        assert_int_equal(call_own(world, room, 0, slots), INTERP_RETURNED);
        assert_int_equal(tanks, 0);
        u64 more[] = {8};
        check_trap(world, room, 0, more, PULLEY_TRAP_out_of_fuel);
    }
}

/* ---- suspending ---- */

static u32 ask_later(void *context, Interp *vm, u64 *slots)
{
    u32 *asked = context;
    ++*asked;
    slots[0] = dv_interp_can_suspend(vm) ? 1 : 5;
    return INTERP_SUSPEND;
}

static const char asker[] =
    "type 2 -> 1\nimport type0\nmemory i32\nfunc type0, window 8, frame 4 {\nenter 2, 4\n"
    "spill_store s1, spill2\nxmov s4, s0\nxmov s5, s1\ncall_import s4, import0\n"
    "spill_load s2, spill2\nxconst16 s6, 400\nbr_if_xult32_i16 s4, 100, end\n"
    "heap_load8_u32 s6, s6, 1\nxadd64 s4, s4, s6\nend:\nxadd64 s0, s4, s2\nret_big 1, 4\n}\n"
    "func type0, window 8 {\nxmov s4, s0\nxmov s5, s1\ncall s4, func0\ncatch all, caught\n"
    "xadd64_i8 s0, s4, 1\nret\ncaught:\nxconst16 s0, -1\nret\n}\n"
    "func type0, window 8 {\nreturn_call_import 2, import0, 0\n}\n";

static u32 call_nested(void *context, Interp *vm, u64 *slots)
{
    u64 inner[] = {slots[0], slots[1]};
    assert_int_equal(dv_interp_call_resumable(vm, context, inner), INTERP_RETURNED);
    slots[0] = inner[0];
    return INTERP_GO_ON;
}

static void suspended_calls_go_on(void **state)
{
    static const PulleyType type = {2, 1};
    static const InterpTag tag;
    FOR_WORLDS(world, state, {0})
    {
        Interp *vm = world->vm;
        u32 asked = 0;
        Room *room = world_add(world, asker);
        Room *outer = world_add(world, asker);
        room->instance->imports[0] = dv_interp_host_func(vm, ask_later, &asked, type, 0);
        outer->instance->imports[0] =
            dv_interp_host_func(vm, call_nested, own_func(room, 1), type, 0);
        /* With the result; memory has grown and moved meanwhile, and another call has been made. */
        u64 slots[] = {10, 1000};
        assert_int_equal(dv_interp_call_resumable(vm, own_func(room, 1), slots), INTERP_SUSPENDED);
        assert_true(dv_interp_is_suspended(vm));
        assert_int_equal(slots[0], 10);
        assert_int_equal(dv_memory_grow(&room->memories[0], 2), 1);
        room->memories[0].base[400] = 3;
        u64 other[] = {10, 1000};
        assert_int_equal(dv_interp_call_resumable(vm, own_func(room, 1), other), INTERP_RETURNED);
        assert_int_equal(other[0], 5 + 1000 + 1);
        dv_interp_host_slots(vm)[0] = 500;
        assert_int_equal(dv_interp_resume(vm, INTERP_GO_ON, slots), INTERP_RETURNED);
        assert_int_equal(slots[0], 500 + 3 + 1000 + 1);
        assert_false(dv_interp_is_suspended(vm));
        /* Suspended again by the resume, then with a trap, then with an exception. */
        assert_int_equal(dv_interp_call_resumable(vm, own_func(room, 1), slots), INTERP_SUSPENDED);
        assert_int_equal(dv_interp_resume(vm, INTERP_SUSPEND, slots), INTERP_SUSPENDED);
        assert_int_equal(dv_interp_resume(vm, 17, slots), INTERP_TRAPPED);
        assert_int_equal(dv_interp_trap(vm)->code, 17);
        InterpFrame frames[4];
        assert_int_equal(dv_interp_backtrace(vm, frames, 1), 2);
        assert_int_equal(frames[0].func, 0);
        assert_int_equal(dv_interp_call_resumable(vm, own_func(room, 1), slots), INTERP_SUSPENDED);
        dv_interp_set_exception(vm, dv_interp_new_exception(vm, &tag, 0));
        assert_int_equal(dv_interp_resume(vm, INTERP_THROW, slots), INTERP_RETURNED);
        assert_int_equal(slots[0], UINT64_MAX);
        /* From a tail call, given up, and where it cannot: with host frames between. */
        assert_int_equal(dv_interp_call_resumable(vm, own_func(room, 2), slots), INTERP_SUSPENDED);
        dv_interp_host_slots(vm)[0] = 88;
        assert_int_equal(dv_interp_resume(vm, INTERP_GO_ON, slots), INTERP_RETURNED);
        assert_int_equal(slots[0], 88);
        assert_int_equal(dv_interp_call_resumable(vm, own_func(room, 2), slots), INTERP_SUSPENDED);
        dv_interp_abandon(vm);
        assert_false(dv_interp_is_suspended(vm));
        u64 nested[] = {10, 1000};
        assert_int_equal(dv_interp_call_resumable(vm, own_func(outer, 2), nested), INTERP_RETURNED);
        assert_int_equal(nested[0], 5 + 1000 + 1);
    }
}

static void polls_suspend(void **state)
{
    FOR_WORLDS(world, state, {0})
    {
        Room *room = world_add(world, counter);
        u64 slots[] = {10, 300};
        dv_interp_request_suspend(world->vm);
        assert_int_equal(dv_interp_call_resumable(world->vm, own_func(room, 0), slots),
                         INTERP_SUSPENDED);
        assert_null(dv_interp_host_slots(world->vm));
        assert_int_equal(load_le32(room->memories[0].base), 1);
        assert_int_equal(dv_memory_grow(&room->memories[0], 1), 1);
        room->memories[0].base[300] = 100;
        assert_int_equal(dv_interp_resume(world->vm, INTERP_GO_ON, slots), INTERP_RETURNED);
        assert_int_equal(slots[0], 110);
        dv_interp_request_suspend(world->vm);
        u64 again[] = {10, 300};
        assert_int_equal(call_own(world, room, 0, again), INTERP_RETURNED);
    }
}

static u32 on_debugtrap(void *context, Interp *vm)
{
    u32 *stops = context;
    ++*stops;
    assert_non_null(dv_interp_instance(vm));
    return *stops == 3 ? PULLEY_TRAP_interrupt : INTERP_GO_ON;
}

static void debugtraps_ask(void **state)
{
    u32 stops = 0;
    static const char text[] =
        "type 1 -> 1\nfunc type0, window 2 {\ndebugtrap\nnop\ndebugtrap\nret\n}\n";
    FOR_WORLDS(world, state, {.on_debugtrap = on_debugtrap, .context = &stops})
    {
        Room *room = world_add(world, text);
        u64 slots[] = {4};
        stops = 0;
        assert_int_equal(call_own(world, room, 0, slots), INTERP_RETURNED);
        check_trap(world, room, 0, slots, PULLEY_TRAP_interrupt);
    }
    FOR_WORLDS(world, state, {0})
    {
        u64 slots[] = {4};
        assert_int_equal(call_own(world, world_add(world, text), 0, slots), INTERP_RETURNED);
    }
}

/* ---- hostile programs ---- */

static void backtraces_tell(void **state)
{
    FOR_WORLDS(world, state, {0})
    {
        Room *room =
            world_add(world, "type 1 -> 1\nfunc type0, window 4 {\nnop\ntrap_if32 s0, user3\n"
                             "ret\n}\nfunc type0, window 4, frame 2 {\nenter 1, 2\n"
                             "xmov s2, s0\ncall s2, func0\nret_big 1, 2\n}\n"
                             "func type0, window 4 {\nxmov s2, s0\ncall s2, func1\nret\n}\n");
        u64 slots[] = {1};
        InterpFrame frames[5];
        assert_int_equal(dv_interp_backtrace(world->vm, frames, 5), 0);
        check_trap(world, room, 2, slots, 3);
        assert_int_equal(dv_interp_trap(world->vm)->offset, 4);
        assert_int_equal(dv_interp_backtrace(world->vm, frames, 5), 3);
        assert_int_equal(frames[0].func, 0);
        assert_int_equal(frames[0].offset, 4);
        assert_false(frames[0].is_return);
        assert_int_equal(frames[1].func, 1);
        assert_int_equal(frames[1].offset, 16);
        assert_int_equal(frames[2].func, 2);
        assert_int_equal(frames[2].offset, 8);
    }
}

/* Recursion of every kind ends, whatever each level costs, and the next call works. */
static void recursion_ends(void **state)
{
    static const char text[] =
        "type 1 -> 1\ntype 60 -> 60\ntable i32 func\nimport type0\n"
        "func type0, window 2 {\ncall s0, func0\nret\n}\n"
        "func type0, window 256, frame 2 {\nenter 1, 2\ncall_far s254, func1\nret_big 1, 2\n}\n"
        "func type0, window 4, frame 1000 {\nenter 1, 1000\ncall s2, func2\nret_big 1, 1000\n}\n"
        "func type0, window 4 {\nref_func s1, entity4\ncall_ref s2, s1, type0\nret\n}\n"
        "func type0, window 2 {\ncall_import s0, import0\nret\n}\n"
        "func type1, window 50, frame 14 {\nenter_block 48, 14, 12\nargs_block spill12, 12\n"
        "call s0, func5\nret_big 48, 14\n}\n"
        "func type0, window 2 {\nxadd64_i8 s0, s0, 1\nret\n}\n";
    FOR_WORLDS(world, state, {0})
    {
        Room *a = world_add(world, text);
        Room *b = world_add(world, text);
        a->instance->imports[0] = own_func(b, 4);
        b->instance->imports[0] = own_func(a, 4);
        for (u32 func = 0; func < 6; func++) {
            u64 slots[60] = {0};
            check_trap(world, a, func, slots, PULLEY_TRAP_stk_ovf);
            assert_int_equal(call_own(world, a, 6, slots), INTERP_RETURNED);
            assert_int_equal(slots[0], 1);
        }
    }
}

/* Throwing over and over does not use memory up; what is still named survives. */
static void exceptions_are_reused(void **state)
{
    static const char text[] =
        "type 1 -> 1\ntype 1 -> 0\ntag type1\nglobal 4 mutable\ntable i32 exn\n"
        "func type0, window 4 {\nthrow s0, tag0\n}\n"
        "func type0, window 8, frame 2 {\nenter 1, 2\nxconst16 s6, 0\nxconst16 s1, 4\n"
        "again:\nxmov s4, s0\ncall s4, func0\ncatch all, caught\ntrap unreachable\n"
        "caught:\nbr_if_xneq32_i16 s0, 1000, skip\nglobal_set32 s4, global0\n"
        "skip:\nbr_if_xneq32_i16 s0, 900, skip2\ntable_set s1, s4, table0\n"
        "skip2:\nbr_if_xneq32_i16 s0, 800, skip3\nspill_store s4, spill2\n"
        "skip3:\nloop32 s0, -1, again\nspill_load s0, spill2\nret_big 1, 2\n}\n";
    FOR_WORLDS(world, state, {.max_exceptions = 20})
    {
        Room *room = world_add(world, text);
        u32 held = dv_interp_new_exception(world->vm, &room->tags[0], 5);
        dv_interp_hold_exception(world->vm, held);
        u64 slots[] = {1000};
        assert_int_equal(call_own(world, room, 1, slots), INTERP_RETURNED);
        assert_int_equal(dv_interp_exception_of(world->vm, (u32)slots[0])->payload[0], 800);
        u32 handle = (u32)room->globals[0][0];
        assert_int_equal(dv_interp_exception_of(world->vm, handle)->payload[0], 1000);
        handle = room->tables[0].elems[4];
        assert_int_equal(dv_interp_exception_of(world->vm, handle)->payload[0], 900);
        assert_int_equal(dv_interp_exception_of(world->vm, held)->context, 5);
    }
}

/* ---- memory that runs out ---- */

typedef struct Scarce {
    Fixture *f;
    u32 left;
} Scarce;

static void *scarce_alloc(void *context, size_t size_bytes)
{
    Scarce *scarce = context;
    if (scarce->left == 0) {
        return NULL;
    }
    scarce->left--;
    return count_alloc(scarce->f, size_bytes);
}

static void scarce_free(void *context, void *memory, size_t size_bytes)
{
    Scarce *scarce = context;
    count_free(scarce->f, memory, size_bytes);
}

/* Gives whether it got to the end. */
static bool run_scarcely(Fixture *f, const PulleyModule *module, Scarce *scarce)
{
    InterpConfig config = {.allocator = {scarce_alloc, scarce_free, scarce}};
    Interp *vm = dv_interp_new(&config);
    InterpTag tag = {.args = 1};
    InterpInstance *instance;
    if (vm == NULL) {
        return false;
    }
    davit_status_t status = dv_instance_new(vm, module, &instance);
    bool is_done = false;
    if (status == DAVIT_OK) {
        instance->tags[0] = &tag;
        InterpFunc *func = dv_instance_func(instance, 0);
        u64 slots[1] = {0};
        InterpOutcome outcome = func == NULL ? INTERP_FAILED : dv_interp_call(vm, func, slots);
        is_done = outcome == INTERP_THREW;
        assert_true(is_done || outcome == INTERP_FAILED);
    } else {
        assert_int_equal(status, DAVIT_ERROR_MEMORY);
    }
    dv_interp_free(vm);
    (void)f;
    return is_done;
}

static void memory_runs_out(void **state)
{
    Fixture *f = *state;
    PulleyModule module =
        assemble_in(f,
                    "type 1 -> 1\ntype 1 -> 0\ntag type1\nfunc type0, window 4 {\n"
                    "ref_func s1, entity1\nthrow s0, tag0\n}\nfunc type0, window 4 {\nret\n}\n",
                    dv_host_is_big());
    u64 blocks = f->live_blocks;
    u32 limit = 0;
    Scarce scarce;
    do {
        scarce = (Scarce){f, limit};
        limit++;
        assert_in_range(limit, 0, 50);
    } while (!run_scarcely(f, &module, &scarce));
    assert_in_range(limit, 5, 50);
    assert_int_equal(f->live_blocks, blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(interrupts_stop_loops),
#if DV_THREADS
        UNIT_TEST(threads_work),
#endif
        UNIT_TEST(shared_memories_grow),
        UNIT_TEST(polls_ask),
        UNIT_TEST(fuel_runs_out),
        UNIT_TEST(suspended_calls_go_on),
        UNIT_TEST(polls_suspend),
        UNIT_TEST(debugtraps_ask),
        UNIT_TEST(backtraces_tell),
        UNIT_TEST(recursion_ends),
        UNIT_TEST(exceptions_are_reused),
        UNIT_TEST(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
