/* test_interp_sandbox.c - hostile programs against each guard of the sandbox: what a guest may reach, see and use up.
 * Each fails if its guard is missing. Those that the verifier keeps out are at the end; the rest run, in every
 * dispatch form. */
#include "interp_testing.h"

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

static void check_call(World *world, const Room *room, u32 func, u64 first, u64 result)
{
    u64 slots[PULLEY_TYPE_SLOTS_MAX] = {first};
    assert_int_equal(call_own(world, room, func, slots), INTERP_RETURNED);
    assert_int_equal(slots[0], result);
}

static void check_trap(World *world, const Room *room, u32 func, u64 first, u32 code)
{
    u64 slots[PULLEY_TYPE_SLOTS_MAX] = {first};
    assert_int_equal(call_own(world, room, func, slots), INTERP_TRAPPED);
    assert_int_equal(dv_interp_trap(world->vm)->code, code);
}

/* ---- what a guest may see ----
 *
 * A spy's functions, each of type 1 -> 1 (slot 0 says how many calls deep to go):
 *   LOOK     or of everything in its window and frame memory, at every depth; 0 if all is clean
 *   SPILL    writes marks all over its window and frame memory, at every depth
 *   IMPORT   fills its window, calls the import, gives what is seen in the window then and by LOOK
 *   TAIL     fills its window and tail-calls the import
 *   CATCH    like IMPORT, where the import throws
 *   THROW    like SPILL, and throws
 *   SINK     recursion whose k is 0: nothing but control records
 *   DIVE     recursion that leaves zeros
 * and what a test adds.
 */
enum { LOOK, SPILL, IMPORT, TAIL, CATCH, THROW, SINK, DIVE, ADDED };
enum { SPY_WINDOW = 200, SPY_FRAME = 60, SPY_DEPTH = 12, SPY_OUT = 198 };

static void write_all(TextBuf *text, u32 from, u32 to)
{
    for (u32 i = from; i < to; i++) {
        dv_text_printf(text, "xconst32 s%u, 0x5a5a5a5a\n", (unsigned)i);
    }
}

/* Ors everything from slot `from` up into slot 1. */
static void look_at_window(TextBuf *text, u32 from, u32 to)
{
    for (u32 i = from; i < to; i++) {
        dv_text_printf(text, "xbor64 s1, s1, s%u\n", (unsigned)i);
    }
}

static void write_look(TextBuf *text)
{
    dv_text_printf(text, "func type0, window %u, frame %u {\nenter 1, %u\n", SPY_WINDOW + 1,
                   SPY_FRAME, SPY_FRAME);
    look_at_window(text, 2, SPY_WINDOW + 1);
    for (u32 i = 1; i < SPY_FRAME; i++) { /* the last holds the argument */
        dv_text_printf(text, "spill_load s2, spill%u\nxbor64 s1, s1, s2\n", (unsigned)i);
    }
    dv_text_printf(text, "br_if_not32 s0, end\nxadd64_i8 s%u, s0, -1\ncall s%u, func%u\n", SPY_OUT,
                   SPY_OUT, LOOK);
    dv_text_printf(text, "xbor64 s1, s1, s%u\nend:\nxmov s0, s1\nret_big 1, %u\n}\n", SPY_OUT,
                   SPY_FRAME);
}

static void write_spill(TextBuf *text, u32 self, bool throws)
{
    dv_text_printf(text, "func type0, window %u, frame %u {\nenter 1, %u\n", SPY_WINDOW, SPY_FRAME,
                   SPY_FRAME);
    write_all(text, 1, SPY_WINDOW);
    for (u32 i = 1; i <= SPY_FRAME; i++) {
        dv_text_printf(text, "spill_store s1, spill%u\n", (unsigned)i);
    }
    dv_text_printf(text, "br_if_not32 s0, end\nxadd64_i8 s%u, s0, -1\ncall s%u, func%u\nend:\n",
                   SPY_OUT, SPY_OUT, (unsigned)self);
    dv_text_printf(text, throws ? "throw s2, tag0\n}\n" : "ret_big 1, %u\n}\n", SPY_FRAME);
}

/* After the import, which gives 0, only what the spy has written in slots below k may be there. */
static void write_import(TextBuf *text, bool catches)
{
    dv_text_printf(text, "func type0, window %u {\n", SPY_WINDOW);
    write_all(text, 1, SPY_WINDOW);
    dv_text_printf(text, "xmov s4, s0\ncall_import s4, import0\n%s",
                   catches ? "catch all, caught\ntrap unreachable\ncaught:\nxconst16 s4, 0\n" : "");
    dv_text_str(text, "xconst16 s1, 0\n");
    look_at_window(text, 4, SPY_WINDOW);
    dv_text_printf(text, "xconst16 s%u, 8\ncall s%u, func%u\nxbor64 s0, s1, s%u\nret\n}\n", SPY_OUT,
                   SPY_OUT, LOOK, SPY_OUT);
}

static const char *spy(Fixture *f)
{
    TextBuf text;
    dv_text_init(&text, &f->arena);
    dv_text_str(&text, "type 1 -> 1\ntype 1 -> 0\nimport type0\ntag type1\n");
    write_look(&text);
    write_spill(&text, SPILL, false);
    write_import(&text, false);
    dv_text_printf(&text, "func type0, window %u {\n", SPY_WINDOW);
    write_all(&text, 1, SPY_WINDOW);
    dv_text_str(&text, "return_call_import 1, import0, 0\n}\n");
    write_import(&text, true);
    write_spill(&text, THROW, true);
    dv_text_printf(&text,
                   "func type0, window 2 {\nbr_if_not32 s0, end\nxadd64_i8 s0, s0, -1\n"
                   "call s0, func%u\nend:\nret\n}\n"
                   "func type0, window %u {\nbr_if_not32 s0, end\nxadd64_i8 s%u, s0, -1\n"
                   "call s%u, func%u\nend:\nxconst16 s0, 0\nret\n}\n",
                   SINK, SPY_WINDOW, SPY_OUT, SPY_OUT, DIVE);
    return text.data;
}

/* Calls of the host, one after the other. */
static void calls_leave_nothing_in(World *world)
{
    const char *text = spy(world->f);
    Room *a = world_add(world, text);
    Room *b = world_add(world, text);
    check_call(world, a, SPILL, SPY_DEPTH, SPY_DEPTH);
    check_call(world, b, LOOK, SPY_DEPTH, 0);
}

/* A callee of another instance sees nothing of what its caller has run before, nor the caller what the callee
 * has left. */
static void instances_leave_nothing_in(World *world)
{
    const char *text = spy(world->f);
    Room *a = world_add(world, text);
    Room *b = world_add(world, text);
    Room *c = world_add(world, text);
    a->instance->imports[0] = own_func(b, LOOK);
    for (u32 depth = 0; depth < SPY_DEPTH; depth += 5) {
        check_call(world, a, IMPORT, depth, 0);
        check_call(world, a, TAIL, depth, 0);
    }
    /* Deeper than what is looked at by the caller before the call. */
    b->instance->imports[0] = own_func(a, LOOK);
    a->instance->imports[0] = own_func(b, TAIL);
    check_call(world, a, IMPORT, SPY_DEPTH, 0);
    /* The callee leaves marks; what it returns is its argument, 0. */
    a->instance->imports[0] = own_func(b, SPILL);
    check_call(world, a, IMPORT, 0, 0);
    c->instance->imports[0] = own_func(a, TAIL);
    check_call(world, c, IMPORT, 0, 0);
}

/* Marks are made, an instance is entered that looks, all in one run. */
static void histories_are_hidden_in(World *world)
{
    const char *text = spy(world->f);
    Room *a = world_add(world, dv_arena_printf(&world->f->arena,
                                               "%sfunc type0, window 8 {\nxmov s2, s0\n"
                                               "call s2, func%u\nxmov s2, s0\n"
                                               "call_import s2, import0\nxmov s0, s2\nret\n}\n"
                                               "func type0, window 8 {\nxmov s2, s0\n"
                                               "call_import s2, import0\nxmov s2, s0\n"
                                               "call s2, func%u\nxmov s0, s2\nret\n}\n",
                                               text, SPILL, LOOK));
    Room *b = world_add(world, text);
    a->instance->imports[0] = own_func(b, LOOK);
    check_call(world, a, ADDED, SPY_DEPTH, 0);
    a->instance->imports[0] = own_func(b, SPILL);
    check_call(world, a, ADDED + 1, SPY_DEPTH, 0);
    /* Tail calls to a function with a larger window. */
    TextBuf more;
    dv_text_init(&more, &world->f->arena);
    dv_text_str(&more, text);
    dv_text_printf(&more, "func type0, window 1 {\nreturn_call func%u\n}\n", ADDED + 2);
    dv_text_printf(&more,
                   "func type0, window 1 {\nref_func s0, entity%u\n"
                   "return_call_ref s0, 1, type0, 0\n}\n",
                   1 + ADDED + 2);
    dv_text_printf(&more, "func type0, window %u {\n", SPY_WINDOW);
    look_at_window(&more, 2, SPY_WINDOW);
    dv_text_str(&more, "xmov s0, s1\nret\n}\n");
    /* Calls without frame memory, deeper than the window that was entered. */
    dv_text_printf(&more,
                   "func type0, window 8 {\nxconst16 s4, 0\ncall s4, func%u\n"
                   "xmov s0, s4\nret\n}\n",
                   ADDED + 2);
    Room *c = world_add(world, more.data);
    for (u32 i = 0; i < 4; i++) {
        a->instance->imports[0] = own_func(c, ADDED + i);
        check_call(world, a, ADDED, SPY_DEPTH, 0);
    }
}

/* The same when it ends in an exception. */
static void exceptions_leave_nothing_in(World *world)
{
    const char *text = spy(world->f);
    Room *a = world_add(world, text);
    Room *b = world_add(world, text);
    Room *c = world_add(world, text);
    a->instance->imports[0] = own_func(b, THROW);
    check_call(world, a, CATCH, SPY_DEPTH, 0);
    c->instance->imports[0] = own_func(b, THROW);
    a->instance->imports[0] = own_func(c, TAIL);
    check_call(world, a, CATCH, SPY_DEPTH, 0);
    a->instance->imports[0] = own_func(c, IMPORT);
    check_call(world, a, CATCH, SPY_DEPTH, 0);
}

static u32 call_other(void *context, Interp *vm, u64 *slots)
{
    u64 inner[1] = {SPY_DEPTH};
    assert_int_equal(dv_interp_call(vm, context, inner), INTERP_RETURNED);
    slots[0] = inner[0] == SPY_DEPTH ? 0 : inner[0];
    return INTERP_GO_ON;
}

/* The same with a host function between, which calls another instance. */
static void nested_calls_leave_nothing_in(World *world)
{
    static const PulleyType type = {1, 1};
    const char *text = spy(world->f);
    Room *a = world_add(world, text);
    Room *b = world_add(world, text);
    Room *c = world_add(world, dv_arena_printf(&world->f->arena,
                                               "%sfunc type0, window 4 {\nxmov s2, s0\n"
                                               "call s2, func%u\nxmov s2, s0\n"
                                               "call_import s2, import0\nxmov s3, s2\n"
                                               "xmov s2, s0\ncall s2, func%u\nxmov s0, s2\n"
                                               "ret\n}\n",
                                               text, DIVE, LOOK));
    static const u32 functions[] = {LOOK, SPILL};
    for (u32 i = 0; i < ARRAY_LEN(functions); i++) {
        InterpFunc *inner = own_func(b, functions[i]);
        a->instance->imports[0] = dv_interp_host_func(world->vm, call_other, inner, type, 0);
        c->instance->imports[0] = a->instance->imports[0];
        check_call(world, a, TAIL, SPY_DEPTH, 0);
        check_call(world, c, ADDED, SPY_DEPTH, 0);
    }
}

/* Control records, with addresses of the host, lie where slots come to lie later. */
static void records_are_hidden_in(World *world)
{
    const char *text = spy(world->f);
    Room *a = world_add(world, dv_arena_printf(&world->f->arena,
                                               "%sfunc type0, window 4 {\nxconst16 s2, 3500\n"
                                               "call s2, func%u\nxconst16 s2, 28\n"
                                               "call s2, func%u\nxmov s0, s2\nret\n}\n"
                                               "func type0, window 4 {\nxconst16 s2, 20\n"
                                               "call s2, func%u\nxconst16 s2, 3500\n"
                                               "call s2, func%u\nxconst16 s2, 28\n"
                                               "call s2, func%u\nxmov s0, s2\nret\n}\n",
                                               text, SINK, LOOK, LOOK, SINK, LOOK));
    check_call(world, a, ADDED, 0, 0);
    check_call(world, a, ADDED + 1, 0, 0);
    check_trap(world, a, SINK, 1000000, PULLEY_TRAP_stk_ovf);
    check_call(world, a, LOOK, 28, 0);
    check_trap(world, a, LOOK, 1000, PULLEY_TRAP_stk_ovf);
    check_trap(world, a, DIVE, 1000, PULLEY_TRAP_stk_ovf);
    check_call(world, a, DIVE, 28, 0);
}

IN_WORLDS(calls_leave_nothing)
IN_WORLDS(instances_leave_nothing)
IN_WORLDS(histories_are_hidden)
IN_WORLDS(exceptions_leave_nothing)
IN_WORLDS(nested_calls_leave_nothing)
IN_WORLDS(records_are_hidden)

/* ---- host functions ---- */

static u32 leave_marks(void *context, Interp *vm, u64 *slots)
{
    const bool *suspends = context;
    (void)vm;
    for (u32 i = 0; i < 3; i++) {
        slots[i] = 0x600 + i;
    }
    return *suspends ? INTERP_SUSPEND : INTERP_GO_ON;
}

/* What a host function leaves in slots of arguments that are none of results is not seen. */
static void hosts_leave_nothing_in(World *world)
{
    static const PulleyType type = {3, 1};
    bool suspends = false;
    Room *room = world_add(world, "type 3 -> 1\nimport type0\nfunc type0, window 8 {\n"
                                  "call_import s2, import0\nxadd64 s0, s2, s3\n"
                                  "xadd64 s0, s0, s4\nret\n}\n"
                                  "func type0, window 8 {\nreturn_call_import 3, import0, 0\n}\n"
                                  "func type0, window 8 {\ncall s2, func1\nxadd64 s0, s2, s3\n"
                                  "xadd64 s0, s0, s4\nret\n}\n");
    room->instance->imports[0] = dv_interp_host_func(world->vm, leave_marks, &suspends, type, 0);
    check_call(world, room, 0, 1, 0x600);
    check_call(world, room, 2, 1, 0x600);
    suspends = true;
    for (u32 func = 0; func <= 2; func += 2) {
        u64 slots[3] = {0};
        InterpFunc *entry = own_func(room, func);
        assert_int_equal(dv_interp_call_resumable(world->vm, entry, slots), INTERP_SUSPENDED);
        assert_int_equal(dv_interp_resume(world->vm, INTERP_SUSPEND, slots), INTERP_SUSPENDED);
        assert_int_equal(dv_interp_resume(world->vm, INTERP_GO_ON, slots), INTERP_RETURNED);
        assert_int_equal(slots[0], 0x600);
    }
}

IN_WORLDS(hosts_leave_nothing)

typedef struct Nest {
    InterpFunc *func;
    u32 calls;
} Nest;

static u32 call_back(void *context, Interp *vm, u64 *slots)
{
    Nest *nest = context;
    nest->calls++;
    return dv_interp_call(vm, nest->func, slots) == INTERP_TRAPPED ? dv_interp_trap(vm)->code : 0;
}

/* From host to guest to host is a way to use up the stack of C: it ends before slots do. */
static void nesting_ends(void **state)
{
    static const PulleyType type = {1, 1};
    FOR_FORMS(form)
    {
        InterpConfig config = world_config(*state, (InterpForm)form);
        Nest nest = {.calls = 0};
        config.max_nesting = 7;
        World *world = world_open(*state, &config);
        Room *room = world_add(world, "type 1 -> 1\nimport type0\nfunc type0, window 2 {\n"
                                      "call_import s0, import0\nret\n}\n");
        room->instance->imports[0] = dv_interp_host_func(world->vm, call_back, &nest, type, 0);
        nest.func = own_func(room, 0);
        check_trap(world, room, 0, 1, PULLEY_TRAP_stk_ovf);
        assert_int_equal(nest.calls, 7);
        nest.func = room->instance->imports[0]; /* the host itself */
        check_trap(world, room, 0, 1, PULLEY_TRAP_stk_ovf);
        assert_int_equal(nest.calls, 7 + 7);
        world_close(world);
    }
}

/* ---- memory that moves ----
 *
 * Memory 0 of instance a is that of b too, and not shared: every growth moves it. A stale base is a use after
 * free, which sanitizers tell of, and a stale length a trap. */

static const char mover[] =
    "metered\ntype 1 -> 1\ntype 1 -> 0\nimport type0\nmemory i32\ntag type1\n"
    /* 0: grows */
    "func type0, window 8 {\nxconst16 s1, 1\nmemory_grow s2, s1, memory0\nret\n}\n"
    /* 1: grows and throws */
    "func type0, window 8 {\nxconst16 s1, 1\nmemory_grow s2, s1, memory0\nthrow s0, tag0\n}\n"
    /* 2: calls the import, stores where there was nothing before */
    "func type0, window 8 {\nxmov s4, s0\ncall_import s4, import0\ncatch all, caught\ncaught:\n"
    "heap_store8_o8 s0, s0, 1\nheap_load8_u32 s0, s0, 1\nret\n}\n"
    /* 3: enters with a tail call */
    "func type0, window 8 {\nreturn_call_import 1, import0, 0\n}\n"
    /* 4: the host may grow it at each of these */
    "func type0, window 8 {\ndebugtrap\nheap_store8_o8 s0, s0, 1\nxmov s1, s0\n"
    "heap_load8_u32 s0, s0, 1\nret\n}\n"
    "func type0, window 8 {\nfuel 100\nheap_store8_o8 s0, s0, 1\nheap_load8_u32 s0, s0, 1\nret\n}\n"
    "func type0, window 8 {\njump next\nnext:\nheap_store8_o8 s0, s0, 1\n"
    "heap_load8_u32 s0, s0, 1\nret\n}\n";

static u32 grow_now(void *context, Interp *vm)
{
    Room *room = *(Room **)context;
    assert_int_not_equal(dv_memory_grow(&room->memories[0], 1), UINT64_MAX);
    dv_interp_set_fuel(vm, 1000);
    return INTERP_GO_ON;
}

static u32 grow_at_poll(void *context, Interp *vm, u32 bits)
{
    (void)bits;
    return grow_now(context, vm);
}

static u32 grow_in_host(void *context, Interp *vm, u64 *slots)
{
    (void)slots;
    return grow_now(context, vm);
}

static void memory_moves(void **state)
{
    static const PulleyType type = {1, 1};
    FOR_FORMS(form)
    {
        Room *room = NULL;
        InterpConfig config = world_config(*state, (InterpForm)form);
        config.on_poll = grow_at_poll;
        config.on_debugtrap = grow_now;
        config.on_fuel = grow_now;
        config.context = &room;
        World *world = world_open(*state, &config);
        Room *a = world_add(world, mover);
        Room *b = world_add(world, mover);
        Room *c = world_add(world, mover);
        InterpMemory *memory = &a->memories[0];
        room = a;
        memory->max_pages = 100;
        b->instance->memories[0] = memory;
        InterpFunc *imports[] = {
            own_func(b, 0),
            own_func(b, 1),
            own_func(a, 0),
            own_func(b, 3),
            dv_interp_host_func(world->vm, grow_in_host, &room, type, 0),
        };
        b->instance->imports[0] = imports[2];
        for (u32 i = 0; i < ARRAY_LEN(imports); i++) {
            usize length = memory->length_bytes;
            a->instance->imports[0] = imports[i];
            check_call(world, a, 2, length + 5, (length + 5) & 255);
        }
        /* thrown by who has another memory, which is shorter */
        a->instance->imports[0] = own_func(c, 1);
        check_call(world, a, 2, memory->length_bytes - 5, 251);
        for (u32 func = 4; func <= 6; func++) {
            usize length = memory->length_bytes;
            dv_interp_set_fuel(world->vm, 10);
            if (func == 6) {
                dv_interp_notify(world->vm);
            }
            check_call(world, a, func, length + 5, (length + 5) & 255);
        }
        world_close(world);
    }
}

/* ---- memory accesses at every carry ---- */

typedef struct Access {
    const char *op;
    u32 size;
    bool is_store;
} Access;

/* A number near a place where something may wrap. */
static u64 corner(u32 i)
{
    static const u64 bases[] = {0,         256, 0x7fffffff, 0xffffffff, 0x17fffffff, (u64)INT64_MAX,
                                UINT64_MAX};
    return bases[i / 20] - 9 + i % 20;
}

enum { CORNERS = 7 * 20 };

/* Whether bytes at x + offset to x + offset + size - 1 are below the length, without wrapping. */
static bool is_inside(u64 x, u64 offset, u64 size)
{
    U128 end = dv_u128_add(dv_u128_add((U128){x, 0}, (U128){offset, 0}), (U128){size, 0});
    return end.hi == 0 && end.lo <= WORLD_PAGE_BYTES;
}

static void check_access(World *world, const Room *room, u32 func, u64 x, u64 offset, bool inside)
{
    u64 slots[] = {x, offset, 0x1122334455667788};
    InterpOutcome outcome = call_own(world, room, func, slots);
    assert_int_equal(outcome, inside ? INTERP_RETURNED : INTERP_TRAPPED);
    if (!inside) {
        assert_int_equal(dv_interp_trap(world->vm)->code, PULLEY_TRAP_heap_oob);
    }
}

/* Slots 0 and 1 are the index and the offset, where that is not constant. */
static const char *access_text(Fixture *f, const Access *access, const char *suffix, u64 end,
                               bool is_general)
{
    const char *slots = access->is_store ? "s0, s2" : "s2, s0";
    return is_general ? dv_arena_printf(&f->arena,
                                        "memory i32\nmemory i64\ntype 3 -> 1\n"
                                        "func type0, window 4 {\n%s_g %s, s1, memory0\nret\n}\n"
                                        "func type0, window 4 {\n%s_g %s, s1, memory1\nret\n}\n",
                                        access->op, slots, access->op, slots)
                      : dv_arena_printf(&f->arena,
                                        "memory %s\ntype 3 -> 1\nfunc type0, window 4 {\n"
                                        "%s%s %s, %" PRIu64 "\nret\n}\n",
                                        strcmp(suffix, "_x64") == 0 ? "i64" : "i32", access->op,
                                        suffix, slots, end);
}

static const Access accesses[] = {
    {"heap_load8_u64", 1, false}, {"heap_load16_u64", 2, false}, {"heap_load32_u64", 4, false},
    {"heap_load64", 8, false},    {"heap_store8", 1, true},      {"heap_store16", 2, true},
    {"heap_store32", 4, true},    {"heap_store64", 8, true},
};

static void check_constant_ends(Fixture *f, InterpForm form, const Access *access)
{
    static const char *const suffixes[] = {"", "_x64"};
    static const u64 offsets[] = {0, 5, 200, 255, 256, 257, 0x7fffffff, 0x80000000, 0xfffffff7};
    for (usize k = 0; k < ARRAY_LEN(suffixes) * ARRAY_LEN(offsets); k++) {
        const char *suffix = suffixes[k % ARRAY_LEN(suffixes)];
        u64 offset = offsets[k / ARRAY_LEN(suffixes)];
        bool is_narrow = suffix[0] == '\0';
        InterpConfig config = world_config(f, form);
        World *world = world_open(f, &config);
        Room *room = world_add(world, access_text(f, access, suffix, offset + access->size, false));
        for (u32 i = 0; i < CORNERS; i++) {
            u64 x = corner(i);
            bool inside = is_inside(is_narrow ? (u32)x : x, offset, access->size);
            check_access(world, room, 0, x, 0, inside);
        }
        world_close(world);
    }
}

static void check_general(Fixture *f, InterpForm form, const Access *access)
{
    InterpConfig config = world_config(f, form);
    World *world = world_open(f, &config);
    Room *room = world_add(world, access_text(f, access, NULL, 0, true));
    for (u32 i = 0; i < CORNERS; i++) {
        for (u32 k = 0; k < CORNERS; k++) {
            u64 x = corner(i), offset = corner(k);
            check_access(world, room, 0, x, offset, is_inside((u32)x, offset, access->size));
            check_access(world, room, 1, x, offset, is_inside(x, offset, access->size));
        }
    }
    world_close(world);
}

static void accesses_are_bounded(void **state)
{
    FOR_FORMS(form)
    {
        for (u32 i = 0; i < ARRAY_LEN(accesses); i++) {
            check_constant_ends(*state, (InterpForm)form, &accesses[i]);
        }
        check_general(*state, (InterpForm)form, &accesses[0]);
        check_general(*state, (InterpForm)form, &accesses[7]);
    }
}

/* Atomics at every carry too; one that is inside is at a multiple of its size or traps. */
static void atomics_are_bounded(void **state)
{
    static const char text[] =
        "memory i32\nmemory i64\ntype 3 -> 1\n"
        "func type0, window 4 {\nheap_atomic_load64 s0, s0, s1, memory0\nret\n}\n"
        "func type0, window 4 {\nheap_atomic_store64 s0, s2, s1, memory1\nret\n}\n"
        "func type0, window 4 {\nheap_atomic_rmw64 s0, s0, s1, s2, add, memory1\nret\n}\n"
        "func type0, window 4 {\nheap_atomic_cas64 s0, s0, s1, s2, s2, memory1\nret\n}\n";
    InterpConfig config = world_config(*state, INTERP_SWITCH);
    World *world = world_open(*state, &config);
    Room *room = world_add(world, text);
    for (u32 i = 0; i < CORNERS * CORNERS; i++) {
        for (u32 func = 0; func < 4; func++) {
            u64 x = corner(i % CORNERS), offset = corner(i / CORNERS);
            u64 slots[] = {x, offset, 1};
            x = func == 0 ? (u32)x : x;
            u32 trap = (x + offset) % 8 != 0     ? PULLEY_TRAP_unaligned
                       : is_inside(x, offset, 8) ? PULLEY_TRAP_none
                                                 : PULLEY_TRAP_heap_oob;
            InterpOutcome outcome = call_own(world, room, func, slots);
            assert_int_equal(outcome, trap == 0 ? INTERP_RETURNED : INTERP_TRAPPED);
            u32 code = outcome == INTERP_TRAPPED ? dv_interp_trap(world->vm)->code : 0;
            assert_true(code == trap || (code == PULLEY_TRAP_heap_oob && !is_inside(x, offset, 8)));
        }
    }
    world_close(world);
}

/* ---- chains of tail calls ---- */

/* Each goes around in one way for slot 0 times; a frame of another size each, and blocks. */
static const char chain[] =
    "type 1 -> 1\ntype 60 -> 1\ntable i32 func\nimport type0\nimport type1\n"
    "func type0, window 4 {\nbr_if_not32 s0, end\nxadd64_i8 s0, s0, -1\nreturn_call func1\nend:\nret\n}\n"
    "func type0, window 4, frame 20 {\nenter 1, 20\nspill_store s0, spill20\n"
    "return_call_big 1, func0, 20\n}\n"
    "func type0, window 4 {\nbr_if_not32 s0, end\nxadd64_i8 s0, s0, -1\nref_func s1, entity5\n"
    "return_call_ref s1, 1, type0, 0\nend:\nret\n}\n"
    "func type0, window 4, frame 6 {\nenter 1, 6\nref_func s1, entity4\nxconst16 s2, 0\n"
    "table_set s2, s1, table0\nreturn_call_table s2, 1, table0, type0, 6\n}\n"
    "func type0, window 4, frame 8 {\nenter 1, 8\nbr_if_not32 s0, end\nxadd64_i8 s0, s0, -1\n"
    "return_call_import 1, import0, 8\nend:\nret_big 1, 8\n}\n"
    "func type1, window 50, frame 30 {\nenter_block 48, 30, 12\nspill_load s49, spill30\n"
    "xadd64_i8 s49, s49, 1\nspill_store s49, spill12\nbr_if_not32 s0, end\n"
    "xadd64_i8 s0, s0, -1\nargs_block spill12, 12\nreturn_call_import 48, import1, 30\n"
    "end:\nxmov s0, s49\nret_big 1, 30\n}\n";

static void chains_need_no_space_in(World *world)
{
    Room *a = world_add(world, chain);
    Room *b = world_add(world, chain);
    Room *rooms[] = {a, b};
    for (u32 i = 0; i < 2; i++) {
        rooms[i]->instance->imports[0] = own_func(rooms[1 - i], 4);
        rooms[i]->instance->imports[1] = own_func(rooms[1 - i], 5);
    }
    check_call(world, a, 0, 100000, 0);
    check_call(world, a, 2, 100000, 0);
    check_call(world, a, 4, 100000, 0);
    check_call(world, a, 5, 100000, 100001);
    a->instance->imports[1] = own_func(a, 5);
    check_call(world, a, 5, 100000, 100001);
}

IN_WORLDS(chains_need_no_space)

/* ---- what the verifier keeps out ---- */

typedef struct Refusal {
    const char *text;
    const char *reason; /* part of the message */
} Refusal;

#define BODY(declarations, ...) \
    "type 1 -> 1\n" declarations "func type0, window 8 {\n" __VA_ARGS__ "\nret\n}\n"
#define FRAMED(...) "type 1 -> 1\nfunc type0, window 8, frame 8 {\n" __VA_ARGS__ "\n}\n"

static void guards_refuse(void **state)
{
    static const Refusal refusals[] = {
        /* frames */
        {FRAMED("enter 1, 8\nret"), "frame"},
        {FRAMED("enter 1, 8\nret_big 1, 6"), "frame"},
        {FRAMED("enter 1, 8\nret_big 3, 8"), "slots"},
        {FRAMED("enter 1, 6\nret_big 1, 8"), "frame"},
        {FRAMED("enter 1, 8\nreturn_call func0"), "frame"},
        {FRAMED("enter 1, 8\nreturn_call_big 1, func0, 4"), "frame"},
        {FRAMED("here:\nenter 1, 8\njump here"), "enter"},
        {FRAMED("nop\nret_big 1, 8"), "enter"},
        {FRAMED("enter 1, 8\nenter 1, 8\nret_big 1, 8"), "enter"},
        {BODY("", "ret_big 1, 8"), "frame"},
        {FRAMED("enter 1, 8\nspill_load s0, spill9\nret_big 1, 8"), "frame"},
        {FRAMED("enter 1, 8\nspill_store s0, spill0\nret_big 1, 8"), "frame"},
        {FRAMED("enter 1, 8\nargs_block spill4, 5\ncall s2, func0\nret_big 1, 8"), "block"},
        {FRAMED("enter 1, 8\nargs_block spill4, 4\nnop\nret_big 1, 8"), "call"},
        /* the window */
        {BODY("", "xmov s0, s8"), "window"},
        {BODY("", "call s8, func0"), "window"},
        {BODY("", "call s3, func0"), "odd"},
        /* raw operations and addresses */
        {BODY("", "raw_load8_u32 s0, s0, 0"), "raw"},
        {BODY("", "frame_addr s0"), "raw"},
        {BODY("", "raw_atomic_load8 s0, s0"), "raw"},
        /* accesses */
        {BODY("memory i32\n", "heap_load32 s0, s0, 3"), "3"},
        {BODY("memory i32\n", "heap_store64_o8 s0, s0, 7"), "7"},
        {BODY("memory i64\n", "heap_load32 s0, s0, 4"), "of 32 bits"},
        {BODY("memory i32\n", "heap_load32_s64_x64 s0, s0, 4"), "of 64 bits"},
        {BODY("", "heap_load32 s0, s0, 4"), "memory"},
        {BODY("memory i32\n", "heap_load32_g s0, s0, s0, memory1"), "memory1"},
        /* entities */
        {BODY("global 4 mutable\n", "global_get64_far s0, global0"), "global0"},
        {BODY("global 8 mutable\n", "global_set32 s0, global0"), "global0"},
        {BODY("global 8\n", "global_set64_far s0, global0"), "global0"},
        {BODY("global 16 mutable\n", "global_set64_far s0, global0"), "global0"},
        {BODY("table i32 extern\n", "call_table s2, s0, table0, type0"), "table0"},
        {BODY("table i32 func\ntable i32 extern\n", "table_copy s0, s0, s0, table0, table1"),
         "table"},
        {BODY("table i32 func\nelem extern\n", "table_init s0, s0, s0, table0, elem0"), "table"},
        {BODY("memory i32\ndata 1\n", "memory_init s0, s0, s0, memory0, data1"), "data1"},
        {BODY("elem func\n", "elem_drop elem1"), "elem1"},
        {BODY("", "ref_func s0, entity1"), "entity1"},
        {BODY("", "call_import s0, import0"), "import0"},
        {BODY("", "call_ref s0, s0, type1"), "type1"},
        {BODY("", "throw s0, tag0"), "tag0"},
    };
    Fixture *f = *state;
    for (usize i = 0; i < ARRAY_LEN(refusals); i++) {
        PulleyFault fault;
        PulleyModule module = assemble_in(f, refusals[i].text, dv_host_is_big());
        const char *verdict_text = verdict(f, &module, &fault);
        if (strstr(verdict_text, refusals[i].reason) == NULL) {
            fail_msg("not refused for \"%s\" but \"%s\":\n%s", refusals[i].reason, verdict_text,
                     refusals[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(calls_leave_nothing),
        UNIT_TEST(instances_leave_nothing),
        UNIT_TEST(histories_are_hidden),
        UNIT_TEST(exceptions_leave_nothing),
        UNIT_TEST(nested_calls_leave_nothing),
        UNIT_TEST(records_are_hidden),
        UNIT_TEST(hosts_leave_nothing),
        UNIT_TEST(nesting_ends),
        UNIT_TEST(memory_moves),
        UNIT_TEST(accesses_are_bounded),
        UNIT_TEST(atomics_are_bounded),
        UNIT_TEST(chains_need_no_space),
        UNIT_TEST(guards_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
