/* test_interp_calls.c - frames, arguments beyond the window, calls between instances and to the host, tail calls in
 * constant space, exceptions, raw addresses; each in every dispatch form. */
#include "interp_testing.h"

/* Runs the test for each form, in a world of its own. */
static void in_worlds(void **state, void (*test)(World *))
{
    FOR_FORMS(form)
    {
        InterpConfig config = world_config(*state, (InterpForm)form);
        World *world = world_open(*state, &config);
        test(world);
        world_close(world);
    }
}

#define IN_WORLDS(name) \
    static void name(void **state) \
    { \
        in_worlds(state, name##_in); \
    }

static void check_call(World *world, const Room *room, u32 func, u64 *slots, u64 result)
{
    assert_int_equal(call_own(world, room, func, slots), INTERP_RETURNED);
    assert_int_equal(slots[0], result);
}

static void check_trap(World *world, const Room *room, u32 func, u64 *slots, u32 code)
{
    assert_int_equal(call_own(world, room, func, slots), INTERP_TRAPPED);
    assert_int_equal(dv_interp_trap(world->vm)->code, code);
}

/* ---- frames ---- */

static void frames_in(World *world)
{
    /* Spills survive a recursion; the loop runs it often enough to notice a frame that is not given back. */
    Room *room = world_add(world, "type 2 -> 1\n"
                                  "func type0, window 8, frame 4 {\n"
                                  "    enter 2, 4\n"
                                  "    spill_store s0, spill1\n"
                                  "    spill_store_far s1, spill4\n"
                                  "    br_if_not32 s0, end\n"
                                  "    xadd64_i8 s4, s0, -1\n"
                                  "    xmul64_i8 s5, s1, 3\n"
                                  "    call s4, func0\n"
                                  "    spill_load s2, spill1\n"
                                  "    spill_load_far s3, spill4\n"
                                  "    xadd64 s0, s4, s2\n"
                                  "    xadd64 s0, s0, s3\n"
                                  "    ret_big 1, 4\n"
                                  "end:\n"
                                  "    xmov s0, s1\n"
                                  "    ret_big 1, 4\n"
                                  "}\n"
                                  "func type0, window 8 {\n"
                                  "again:\n"
                                  "    xmov s2, s0\n"
                                  "    xmov s3, s1\n"
                                  "    call s2, func0\n"
                                  "    loop32 s1, -1, again\n"
                                  "    xmov s0, s2\n"
                                  "    ret\n"
                                  "}\n");
    u64 slots[] = {3, 1};
    check_call(world, room, 0, slots, 3 + 2 + 1 + 1 + 3 + 9 + 27);
    u64 often[] = {3, 100000};
    check_call(world, room, 1, often, 3 + 2 + 1 + 1 + 3 + 9 + 27);
    u64 deep[] = {100000, 0};
    check_trap(world, room, 0, deep, PULLEY_TRAP_stk_ovf);
    u64 after[] = {0, 7};
    check_call(world, room, 0, after, 7);
}

static void frames_end_in(World *world)
{
    /* The largest frame there is does not fit; one that fits exactly does. */
    static const char text[] = "type 1 -> 1\nfunc type0, window 1, frame 268435456 {\n"
                               "enter 1, 268435456\nret_big 1, 268435456\n}\n"
                               "func type0, window 1, frame 7600 {\nenter 1, 7600\n"
                               "spill_store_far s0, spill7600\nspill_load_far s0, spill7600\n"
                               "ret_big 1, 7600\n}\n"
                               "func type0, window 1, frame 8192 {\n"
                               "enter 1, 8192\nret_big 1, 8192\n}\n";
    Room *room = world_add(world, text);
    u64 slots[] = {5};
    check_trap(world, room, 0, slots, PULLEY_TRAP_stk_ovf);
    check_call(world, room, 1, slots, 5);
    check_trap(world, room, 2, slots, PULLEY_TRAP_stk_ovf);
    const InterpTrap *trap = dv_interp_trap(world->vm);
    assert_int_equal(trap->func, 2);
    assert_int_equal(trap->offset, 0);
}

IN_WORLDS(frames)
IN_WORLDS(frames_end)

/* ---- blocks ---- */

/* Takes 60 arguments, gives 55 results: result i is the argument i, times 2, and sum in the last. */
static const char *block_text(Fixture *f, const char *imports)
{
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_text_str(&text, "type 60 -> 55\ntype 1 -> 1\ntable i32 func\n");
    dv_text_str(&text, imports);
    /* The callee: doubles; extra argument 48 + j is spill slot n - j. */
    dv_text_str(&text, "func type0, window 52, frame 14 {\nenter_block 48, 14, 12\n");
    for (u32 i = 0; i < 48; i++) {
        dv_text_printf(&text, "xadd64 s%u, s%u, s%u\n", (unsigned)i, (unsigned)i, (unsigned)i);
    }
    for (u32 i = 0; i < 7; i++) {
        dv_text_printf(&text,
                       "spill_load s50, spill%u\nxadd64 s50, s50, s50\nresult_store s50, %u\n",
                       (unsigned)(14 - i), (unsigned)i);
    }
    dv_text_str(&text, "ret_big 48, 14\n}\n");
    /* Callers, whose argument is the first of 60 numbers, and who sum the results up. */
    static const char *const calls[] = {"call s4, func0",
                                        "call_far s4, func0",
                                        "call_number s4, func0",
                                        "call_ref s4, s1, type0",
                                        "call_table s4, s2, table0, type0",
                                        "call_table_far s4, s2, table0, type0"};
    for (u32 k = 0; k < ARRAY_LEN(calls) + (imports[0] != '\0'); k++) {
        dv_text_str(&text, "func type1, window 64, frame 32 {\nenter 1, 32\n");
        for (u32 i = 0; i < 60; i++) {
            if (i < 48) {
                dv_text_printf(&text, "xadd64_i8 s%u, s0, %u\n", (unsigned)(4 + i), (unsigned)i);
            } else {
                dv_text_printf(&text, "xadd64_i8 s60, s0, %u\nspill_store s60, spill%u\n",
                               (unsigned)i, (unsigned)(20 - (i - 48)));
            }
        }
        dv_text_printf(&text, "ref_func s1, entity%u\nxconst16 s2, 3\ntable_set s2, s1, table0\n",
                       imports[0] != '\0' ? 1 : 0);
        dv_text_printf(&text, "args_block spill20, 12\n%s\n",
                       k < ARRAY_LEN(calls) ? calls[k] : "call_import s4, import0");
        dv_text_str(&text, "xconst16 s0, 0\n");
        for (u32 i = 0; i < 48; i++) {
            dv_text_printf(&text, "xadd64 s0, s0, s%u\n", (unsigned)(4 + i));
        }
        for (u32 i = 0; i < 7; i++) {
            dv_text_printf(&text, "spill_load s60, spill%u\nxadd64 s0, s0, s60\n",
                           (unsigned)(20 - i));
        }
        dv_text_str(&text, "ret_big 1, 32\n}\n");
    }
    /* Tail calls with a block: from functions with as many arguments, and a frame of another size. */
    static const char *const tails[] = {
        "return_call_big 48, func0, 40", "return_call_ref s50, 48, type0, 40",
        ("xconst16 s51, 3\ntable_set s51, s50, table0\nargs_block spill40, 12\n"
         "return_call_table s51, 48, table0, type0, 40")};
    for (u32 k = 0; k < ARRAY_LEN(tails); k++) {
        dv_text_printf(&text,
                       "func type0, window 52, frame 40 {\nenter_block 48, 40, 12\n"
                       "ref_func s50, entity%u\n%s%s\n}\n",
                       imports[0] != '\0' ? 1 : 0, k == 2 ? "" : "args_block spill40, 12\n",
                       tails[k]);
    }
    return text.data;
}

static u64 block_sum(u64 first)
{
    u64 sum = 0;
    for (u32 i = 0; i < 55; i++) {
        sum += 2 * (first + i);
    }
    return sum;
}

static u32 double_all(void *context, Interp *vm, u64 *slots)
{
    u32 *calls = context;
    ++*calls;
    for (u32 i = 0; i < 48; i++) {
        slots[i] *= 2;
    }
    for (u32 i = 0; i < 7; i++) {
        dv_interp_extra_results(vm)[i] = 2 * dv_interp_extra_args(vm)[i];
    }
    return INTERP_GO_ON;
}

static void check_block_funcs(World *world, const Room *room, u32 callers)
{
    for (u32 k = 1; k <= callers; k++) {
        u64 slots[] = {1000};
        check_call(world, room, k, slots, block_sum(1000));
    }
    for (u32 k = 0; k < 4; k++) {
        u32 func = k == 0 ? 0 : callers + k;
        u64 slots[60];
        for (u32 i = 0; i < 60; i++) {
            slots[i] = 7 + i;
        }
        assert_int_equal(call_own(world, room, func, slots), INTERP_RETURNED);
        for (u32 i = 0; i < 55; i++) {
            assert_int_equal(slots[i], 2 * (7 + i));
        }
    }
}

static void blocks_in(World *world)
{
    Room *room = world_add(world, block_text(world->f, ""));
    check_block_funcs(world, room, 6);
}

static void blocks_of_imports_in(World *world)
{
    u32 calls = 0;
    PulleyType type = {60, 55};
    InterpFunc *host =
        dv_interp_host_func(world->vm, double_all, &calls, type, dv_interp_type_id(type));
    const char *text = block_text(world->f, "import type0\n");
    Room *room = world_add(world, text);
    room->instance->imports[0] = host;
    check_block_funcs(world, room, 7);
    assert_int_equal(calls, 1);
    /* The import is a function of another instance. */
    Room *other = world_add(world, text);
    other->instance->imports[0] = own_func(room, 0);
    check_block_funcs(world, other, 7);
    other->instance->imports[0] = own_func(room, 8); /* which makes a tail call */
    check_block_funcs(world, other, 7);
    /* The host is called directly. */
    u64 slots[60] = {[0] = 5, [47] = 6, [48] = 7, [54] = 8};
    assert_int_equal(dv_interp_call(world->vm, host, slots), INTERP_RETURNED);
    assert_int_equal(slots[0], 10);
    assert_int_equal(slots[48], 14);
    assert_int_equal(slots[54], 16);
}

IN_WORLDS(blocks)
IN_WORLDS(blocks_of_imports)

/* ---- references and tables ---- */

static void references_in(World *world)
{
    Room *room = world_add(world, "type 1 -> 1\ntype 2 -> 1\ntype 0 -> 1\ntable i32 func\n"
                                  "func type0, window 4 {\nxadd64_i8 s0, s0, 1\nret\n}\n"
                                  "func type1, window 4 {\nxmov s2, s0\n"
                                  "call_table s2, s1, table0, type0\nxmov s0, s2\nret\n}\n"
                                  "func type1, window 4 {\nxmov s2, s0\n"
                                  "call_ref s2, s1, type0\nxmov s0, s2\nret\n}\n"
                                  "func type2, window 4 {\nref_func s0, entity0\nret\n}\n"
                                  "func type1, window 4 {\n"
                                  "return_call_table s1, 1, table0, type0, 0\n}\n"
                                  "func type1, window 4, frame 8 {\nenter 2, 8\n"
                                  "return_call_ref s1, 1, type0, 8\n}\n");
    u32 *elems = room->tables[0].elems;
    u32 handle = own_func(room, 0)->handle;
    elems[2] = handle;
    elems[3] = own_func(room, 1)->handle; /* of another type */
    elems[4] = 0x12345678;                /* of nothing */
    for (u32 func = 1; func <= 4; func += 3) {
        u64 slots[][2] = {{5, 0xffff00000002}, {5, 0}, {5, 3}, {5, 4}, {5, 10}, {5, 0xffffffff}};
        check_call(world, room, func, slots[0], 6);
        check_trap(world, room, func, slots[1], PULLEY_TRAP_null_elem);
        check_trap(world, room, func, slots[2], PULLEY_TRAP_bad_sig);
        check_trap(world, room, func, slots[3], PULLEY_TRAP_bad_sig);
        check_trap(world, room, func, slots[4], PULLEY_TRAP_undef_elem);
        check_trap(world, room, func, slots[5], PULLEY_TRAP_undef_elem);
    }
    for (u32 func = 2; func <= 5; func += 3) {
        u64 slots[][2] = {{5, handle}, {5, 0}, {5, own_func(room, 1)->handle}, {5, 0xffffffff}};
        check_call(world, room, func, slots[0], 6);
        check_trap(world, room, func, slots[1], PULLEY_TRAP_null_func);
        check_trap(world, room, func, slots[2], PULLEY_TRAP_bad_sig);
        check_trap(world, room, func, slots[3], PULLEY_TRAP_bad_sig);
    }
    u64 slots[1];
    check_call(world, room, 3, slots, handle);
    assert_ptr_equal(dv_interp_func(world->vm, handle), own_func(room, 0));
    /* The same slots, but not the same type, says the host. */
    u64 call[] = {5, 2};
    room->instance->type_ids[0] = 12345;
    check_trap(world, room, 1, call, PULLEY_TRAP_bad_sig);
}

IN_WORLDS(references)

/* ---- instances ---- */

/* Counts its calls in its own memory, then calls import 0 (tail-calls it if s1 says so). */
static const char pinger[] = "type 2 -> 1\nimport type0\nmemory i32\nglobal 8 mutable\n"
                             "func type0, window 8 {\n"
                             "    xconst16 s2, 0\n"
                             "    heap_load32 s3, s2, 4\n"
                             "    xadd32_i8 s3, s3, 1\n"
                             "    heap_store32 s2, s3, 4\n"
                             "    br_if_not64 s0, end\n"
                             "    xadd64_i8 s0, s0, -1\n"
                             "    br_if32 s1, tail\n"
                             "    xmov s4, s0\n"
                             "    xmov s5, s1\n"
                             "    call_import s4, import0\n"
                             "    heap_load32 s3, s2, 4\n"
                             "    global_set64_far s3, global0\n"
                             "    xadd64_i8 s0, s4, 1\n"
                             "    ret\n"
                             "tail:\n"
                             "    return_call_import 2, import0, 0\n"
                             "end:\n"
                             "    xconst16 s0, 100\n"
                             "    ret\n"
                             "}\n"
                             "func type0, window 8, frame 6 {\n"
                             "    enter 2, 6\n"
                             "    xconst16 s2, 0\n"
                             "    xmov s4, s0\n"
                             "    xmov s5, s1\n"
                             "    call_import s4, import0\n"
                             "    heap_load32 s3, s2, 4\n"
                             "    xmul64_i8 s3, s3, 10\n"
                             "    xmul64_i8 s3, s3, 100\n"
                             "    xadd64 s0, s3, s4\n"
                             "    ret_big 1, 6\n"
                             "}\n";

static void instances_in(World *world)
{
    Room *a = world_add(world, pinger);
    Room *b = world_add(world, pinger);
    Room *c = world_add(world, pinger);
    a->instance->imports[0] = own_func(b, 0);
    b->instance->imports[0] = own_func(c, 0);
    c->instance->imports[0] = own_func(a, 0);
    u64 slots[] = {30, 0};
    check_call(world, a, 0, slots, 130);
    assert_int_equal(load_le32(a->memories[0].base), 11);
    assert_int_equal(load_le32(b->memories[0].base), 10);
    assert_int_equal(a->globals[0][0], 11);
    assert_int_equal(c->globals[0][0], 10);
    u64 deep[] = {1000000, 0};
    check_trap(world, a, 0, deep, PULLEY_TRAP_stk_ovf);
    assert_null(dv_interp_instance(world->vm));
    /* Chains of tail calls through instances need no space, and come back to the right one. */
    store_le32(b->memories[0].base, 0);
    store_le32(a->memories[0].base, 7);
    u64 chain[] = {1000000, 1};
    check_call(world, a, 1, chain, 100 + 1000 * (7 + 333333));
    u64 direct[] = {1000000, 1};
    check_call(world, a, 0, direct, 100);
}

IN_WORLDS(instances)

/* Slots of the callee's window are zero on entry, and scrubbed when it returns. */
static void windows_are_clean_in(World *world)
{
    Room *a = world_add(world, "type 1 -> 1\nimport type0\nfunc type0, window 12 {\n"
                               "xconst16 s5, 55\nxconst16 s6, 66\nxmov s4, s0\n"
                               "call_import s4, import0\nxadd64 s0, s4, s6\nret\n}\n");
    Room *b = world_add(world, "type 1 -> 1\nfunc type0, window 6 {\nxadd64 s0, s1, s2\n"
                               "xconst16 s2, 77\nxconst16 s1, 7\nret\n}\n");
    a->instance->imports[0] = own_func(b, 0);
    u64 slots[] = {3};
    check_call(world, a, 0, slots, 0);
}

IN_WORLDS(windows_are_clean)

/* ---- the host ---- */

static u32 add_host(void *context, Interp *vm, u64 *slots)
{
    const Room *caller = context;
    if (caller != NULL) {
        assert_ptr_equal(dv_interp_instance(vm), caller->instance);
        assert_int_equal(dv_memory_grow(caller->instance->memories[0], 1), 1);
        caller->instance->memories[0]->base[300] = 9;
    }
    slots[0] += slots[1];
    return slots[0] == 99 ? 42 : INTERP_GO_ON;
}

static const char host_caller[] =
    "type 2 -> 1\nimport type0\nmemory i32\nfunc type0, window 8 {\nxmov s4, s0\nxmov s5, s1\n"
    "call_import s4, import0\nxmov s0, s4\nxconst16 s2, 299\nbr_if_xult32_i16 s4, 50, end\n"
    "heap_load8_u32 s0, s2, 2\nend:\nret\n}\n"
    "func type0, window 8, frame 2 {\nenter 2, 2\nreturn_call_import 2, import0, 2\n}\n";

static void host_calls_in(World *world)
{
    PulleyType type = {2, 1};
    Room *room = world_add(world, host_caller);
    room->instance->imports[0] = dv_interp_host_func(world->vm, add_host, NULL, type, 0);
    u64 slots[] = {3, 4};
    check_call(world, room, 0, slots, 7);
    u64 again[] = {3, 4};
    check_call(world, room, 1, again, 7);
    u64 bad[] = {98, 1};
    check_trap(world, room, 0, bad, 42);
    assert_int_equal(dv_interp_trap(world->vm)->func, 0);
    assert_int_equal(dv_interp_trap(world->vm)->offset, 8);
    u64 bad_tail[] = {98, 1};
    check_trap(world, room, 1, bad_tail, 42);
    /* The host grows the memory: the guest sees it at once. */
    room->instance->imports[0] = dv_interp_host_func(world->vm, add_host, room, type, 0);
    u64 grown[] = {60, 4};
    check_call(world, room, 0, grown, 9);
}

IN_WORLDS(host_calls)

/* Calls the guest back, with one less. */
static u32 recur(void *context, Interp *vm, u64 *slots)
{
    InterpFunc *func = *(InterpFunc **)context;
    if (slots[0] == 0) {
        return INTERP_GO_ON;
    }
    u64 inner[2] = {slots[0] - 1, slots[1]};
    InterpOutcome outcome = dv_interp_call(vm, func, inner);
    if (outcome != INTERP_RETURNED) {
        assert_int_equal(outcome, INTERP_TRAPPED);
        return dv_interp_trap(vm)->code;
    }
    slots[0] = inner[0] + slots[1];
    return INTERP_GO_ON;
}

static void nested_calls_in(World *world)
{
    PulleyType type = {2, 1};
    Room *room = world_add(world, "type 2 -> 1\nimport type0\nfunc type0, window 8 {\n"
                                  "xmov s4, s0\nxmov s5, s1\nxconst16 s6, 1\n"
                                  "call_import s4, import0\nxadd64 s0, s4, s6\nret\n}\n");
    InterpFunc *func = own_func(room, 0);
    room->instance->imports[0] = dv_interp_host_func(world->vm, recur, &func, type, 0);
    u64 slots[] = {10, 1000};
    check_call(world, room, 0, slots, 10 * 1000 + 11);
    u64 deep[] = {1000000, 1};
    check_trap(world, room, 0, deep, PULLEY_TRAP_stk_ovf);
    u64 after[] = {5, 1000};
    check_call(world, room, 0, after, 5 * 1000 + 6);
}

IN_WORLDS(nested_calls)

/* ---- exceptions ---- */

static const char thrower[] =
    "type 1 -> 1\ntype 1 -> 0\ntype 2 -> 1\nimport type0\ntag type1\ntag type1\n"
    /* 0: throws tag s0 with payload 5, or nothing */
    "func type0, window 8, frame 4 {\nenter 1, 4\nxconst16 s2, 5\nbr_table s0, [a, b, end]\n"
    "a:\nthrow s2, tag0\nb:\nthrow s2, tag1\nend:\nxconst16 s0, 50\nret_big 1, 4\n}\n"
    /* 1: calls 0, catches tag 0 only; gives the exception */
    "func type0, window 8 {\nxmov s4, s0\ncall s4, func0\ncatch tag0, caught\nxmov s0, s4\nret\n"
    "caught:\nxmov s0, s4\nret\n}\n"
    /* 2: calls 1, catches all, rethrows to itself, with two handlers */
    "func type0, window 8, frame 2 {\nenter 1, 2\nspill_store s0, spill1\nxmov s4, s0\n"
    "call s4, func1\ncatch tag0, never\ncatch all, caught\nxconst16 s0, 1\nret_big 1, 2\n"
    "never:\ntrap unreachable\n"
    "caught:\nthrow_ref s2, s4\ncatch tag1, again\ncatch all, never\n"
    "again:\nspill_load s0, spill1\nxmul64_i8 s0, s0, 100\nret_big 1, 2\n}\n"
    /* 3: throws what it is given */
    "func type0, window 8 {\nthrow_ref s2, s0\n}\n"
    /* 4: calls the import, catching tag 1 if the context is that in s1 */
    "func type2, window 8 {\nxmov s4, s0\ncall_import s4, import0\ncatch context s1\n"
    "catch tag1, caught\nxmov s0, s4\nret\ncaught:\nxconst16 s0, 77\nret\n}\n";

static void exceptions_in(World *world)
{
    Room *room = world_add(world, thrower);
    u64 none[] = {9};
    check_call(world, room, 1, none, 50);
    u64 caught[] = {0};
    assert_int_equal(call_own(world, room, 1, caught), INTERP_RETURNED);
    InterpException *exception = dv_interp_exception_of(world->vm, (u32)caught[0]);
    assert_non_null(exception);
    assert_ptr_equal(exception->tag, &room->tags[0]);
    assert_int_equal(exception->payload[0], 5);
    u64 uncaught[] = {1};
    assert_int_equal(call_own(world, room, 1, uncaught), INTERP_THREW);
    assert_ptr_equal(dv_interp_exception_of(world->vm, dv_interp_exception(world->vm))->tag,
                     &room->tags[1]);
    InterpFrame frames[4];
    assert_int_equal(dv_interp_backtrace(world->vm, frames, 4), 2);
    assert_int_equal(frames[0].func, 0);
    assert_int_equal(frames[1].func, 1);
    assert_true(frames[1].is_return);
    u64 again[] = {1};
    check_call(world, room, 2, again, 100);
    u64 thrown[] = {caught[0]};
    assert_int_equal(call_own(world, room, 3, thrown), INTERP_THREW);
    assert_int_equal(dv_interp_exception(world->vm), caught[0]);
    u64 nothing[] = {0};
    check_trap(world, room, 3, nothing, PULLEY_TRAP_null_exn);
    u64 forged[] = {0xfffff};
    check_trap(world, room, 3, forged, PULLEY_TRAP_null_exn);
    dv_interp_drop_exception(world->vm, (u32)caught[0]);
    assert_null(dv_interp_exception_of(world->vm, (u32)caught[0]));
}

IN_WORLDS(exceptions)

static u32 throw_it(void *context, Interp *vm, u64 *slots)
{
    (void)slots;
    u32 handle = dv_interp_new_exception(vm, context, 1234);
    assert_int_not_equal(handle, 0);
    dv_interp_set_exception(vm, handle);
    return INTERP_THROW;
}

/* Exceptions cross instances and come from the host; contexts are compared. */
static void exceptions_travel_in(World *world)
{
    Room *a = world_add(world, thrower);
    Room *b = world_add(world, thrower);
    PulleyType type = {1, 1};
    InterpFunc *host = dv_interp_host_func(world->vm, throw_it, &a->tags[1], type, 0);
    a->instance->imports[0] = host;
    u64 slots[] = {0, 1234};
    check_call(world, a, 4, slots, 77);
    u64 other[] = {0, 1235};
    assert_int_equal(call_own(world, a, 4, other), INTERP_THREW);
    /* thrown in a, whose tags b does not share but for one */
    b->instance->imports[0] = own_func(a, 0);
    u64 foreign[] = {1, 0};
    assert_int_equal(call_own(world, b, 4, foreign), INTERP_THREW);
    b->instance->tags[1] = &a->tags[1];
    u64 shared[] = {1, 0};
    check_call(world, b, 4, shared, 77);
    u64 direct[] = {1, 0};
    assert_int_equal(dv_interp_call(world->vm, host, direct), INTERP_THREW);
}

IN_WORLDS(exceptions_travel)

/* ---- raw ---- */

static const char raw_text[] =
    "type 2 -> 1\nsymbols 2\nfunc type0, window 8 {\nxsub64 s0, s0, s1\nret\n}\n"
    "func type0, window 8, frame 4 {\nenter 2, 4\nfunc_addr s2, entity0\nxmov s4, s0\nxmov s5, s1\n"
    "call_indirect s4, s2, type0\nstack_addr s3, 32\nraw_store64 s3, s4, 8\n"
    "spill_load s0, spill3\nret_big 1, 4\n}\n"
    "func type0, window 8 {\nsymbol_addr s2, symbol1\nreturn_call_indirect s2, 2, type0, 0\n}\n"
    "func type0, window 8 {\nsymbol_addr s2, symbol0\nraw_atomic_rmw32 s3, s2, s0, add\n"
    "raw_load32 s0, s2, 0\npinned_set s3\npinned_get s4\nxadd32 s0, s0, s4\n"
    "tls_addr s5, symbol0\nxsub64 s5, s5, s2\nxadd32 s0, s0, s5\nret\n}\n"
    "func type0, window 8 {\nxadd64_i8 s2, s0, 1\nraw_atomic_load32 s0, s2\nret\n}\n"
    "func type0, window 8 {\ncall_indirect s2, s0, type0\nret\n}\n"
    "func type0, window 8 {\ncode_addr s2, here\nhere:\nframe_addr s3\nraw_store32 s3, s1, 0\n"
    "return_addr s4\nxneq64 s0, s4, s2\nret\n}\n"
    "func type0, window 8 {\nsymbol_addr s6, symbol0\nxconst16 s2, 5\nxconst16 s3, 6\n"
    "raw_atomic_store128 s6, s2, s3\nraw_atomic_rmw128 s4, s5, s6, s0, s1, add\n"
    "raw_atomic_cas128 s4, s5, s6, s4, s5, s2, s3\nraw_atomic_load128 s2, s3, s6\n"
    "xmul64_i8 s3, s3, 100\nxadd64 s0, s2, s3\nret\n}\n";

static void raw_in(World *world)
{
    _Alignas(16) static u64 data[2];
    const char *text = dv_arena_printf(&world->f->arena, "%s%s", raw_profile(), raw_text);
    Room *room = world_add(world, text);
    u32 word = 5;
    memset(data, 0, sizeof data);
    memcpy(data, &word, 4);
    room->instance->symbols[0] = data;
    room->instance->symbols[1] = own_func(room, 0);
    u64 slots[] = {50, 8};
    check_call(world, room, 1, slots, 42);
    u64 tail[] = {50, 8};
    check_call(world, room, 2, tail, 42);
    u64 add[] = {10, 0};
    check_call(world, room, 3, add, 15 + 5);
    assert_int_equal(dv_interp_pinned(world->vm), 5);
    u64 odd[] = {(u64)(uintptr_t)data, 0};
    check_trap(world, room, 4, odd, PULLEY_TRAP_unaligned);
    u64 null[] = {0, 0};
    check_trap(world, room, 5, null, PULLEY_TRAP_null_func);
    u64 here[] = {0, 0};
    check_call(world, room, 6, here, 1);
    u64 wide[] = {7, 8};
    check_call(world, room, 7, wide, 12 + 1400);
}

IN_WORLDS(raw)

static u32 no_op(void *context, Interp *vm, u64 *slots)
{
    (void)context;
    (void)vm;
    (void)slots;
    return INTERP_GO_ON;
}

static void helpers_in(World *world)
{
    Room *room = world_add(world, "type 4 -> 2\nfunc type0, window 8 {\n"
                                  "xmov s4, s2\nxmov s5, s3\nxmov s2, s0\nxmov s3, s1\n"
                                  "call_helper s2, xdiv128_u\nxmov s0, s2\nxmov s1, s3\nret\n}\n");
    u64 slots[] = {0, 1, 16, 0};
    check_call(world, room, 0, slots, (u64)1 << 60);
    assert_int_equal(slots[1], 0);
    u64 zero[] = {1, 1, 0, 0};
    check_trap(world, room, 0, zero, PULLEY_TRAP_int_divz);
    /* Handles go on beyond a chunk. */
    for (u32 i = 0; i < 1000; i++) {
        InterpFunc *func = dv_interp_host_func(world->vm, no_op, NULL, (PulleyType){1, 0}, 0);
        assert_ptr_equal(dv_interp_func(world->vm, func->handle), func);
    }
}

IN_WORLDS(helpers)

/* Modules that cannot run here are refused. */
static void refusals_in(World *world)
{
    const char *width = sizeof(void *) == 8 ? "profile raw32\n" : "profile raw64\n";
    PulleyModule other = assemble_in(world->f, width, dv_host_is_big());
    PulleyModule swapped = assemble_in(world->f, "type 0 -> 0\n", !dv_host_is_big());
    InterpInstance *instance;
    assert_int_equal(dv_instance_new(world->vm, &other, &instance), DAVIT_ERROR_UNSUPPORTED);
    assert_int_equal(dv_instance_new(world->vm, &swapped, &instance), DAVIT_ERROR_UNSUPPORTED);
}

IN_WORLDS(refusals)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(frames),
        UNIT_TEST(frames_end),
        UNIT_TEST(blocks),
        UNIT_TEST(blocks_of_imports),
        UNIT_TEST(references),
        UNIT_TEST(instances),
        UNIT_TEST(windows_are_clean),
        UNIT_TEST(host_calls),
        UNIT_TEST(nested_calls),
        UNIT_TEST(exceptions),
        UNIT_TEST(exceptions_travel),
        UNIT_TEST(raw),
        UNIT_TEST(helpers),
        UNIT_TEST(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
