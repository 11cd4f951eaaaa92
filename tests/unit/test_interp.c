/* test_interp.c - the interpreter by small programs: arithmetic, control, memories, tables, globals, frames, calls
 * within a module; each in every dispatch form. */
#include "interp_testing.h"

typedef struct Program {
    const char *text;
    u64 slots[4]; /* arguments of function 0 */
    u32 outcome;
    u64 result; /* the first, or the trap code */
} Program;

static void check_program(Fixture *f, const Program *p, InterpForm form)
{
    InterpConfig config = world_config(f, form);
    World *world = world_open(f, &config);
    Room *room = world_add(world, p->text);
    u64 slots[4];
    memcpy(slots, p->slots, sizeof slots);
    InterpOutcome outcome = call_own(world, room, 0, slots);
    u64 result = outcome == INTERP_RETURNED ? slots[0] : dv_interp_trap(world->vm)->code;
    if (outcome != p->outcome || result != p->result) {
        fail_msg("form %u: outcome %u, %llu instead of %u, %llu in:\n%s", (unsigned)form,
                 (unsigned)outcome, (unsigned long long)result, (unsigned)p->outcome,
                 (unsigned long long)p->result, p->text);
    }
    assert_int_equal(dv_interp_is_suspended(world->vm), false);
    world_close(world);
}

static void check_programs(Fixture *f, const Program *programs, usize count)
{
    for (usize i = 0; i < count; i++) {
        FOR_FORMS(form)
        {
            check_program(f, &programs[i], (InterpForm)form);
        }
    }
}

#define RETURNS(x) .outcome = INTERP_RETURNED, .result = (x)
#define TRAPS(name) .outcome = INTERP_TRAPPED, .result = PULLEY_TRAP_##name

static const char fib[] = "type 1 -> 1\n"
                          "func type0, window 8 {\n"
                          "    br_if_xult32_i16 s0, 2, end\n"
                          "    xadd32_i8 s2, s0, -1\n"
                          "    call s2, func0\n"
                          "    xadd32_i8 s4, s0, -2\n"
                          "    call s4, func0\n"
                          "    xadd32 s0, s2, s4\n"
                          "end:\n"
                          "    ret\n"
                          "}\n";

static void control(void **state)
{
    static const Program programs[] = {
        {fib, {10}, RETURNS(55)},
        {"type 1 -> 1\nfunc type0, window 2 {\nxconst16 s1, 0\nagain:\nxadd64 s1, s1, s0\n"
         "loop64 s0, -1, again\nxmov s0, s1\nret\n}\n",
         {1000},
         RETURNS(500500)},
        {"type 1 -> 1\nfunc type0, window 2 {\nxadd64_i8 s1, s0, 5\nxmul64_acc s1, s1, s0\n"
         "xsub64 s0, s0, s1\nret\n}\n",
         {7},
         RETURNS((u64)7 - 84)},
        {"type 1 -> 1\nfunc type0, window 2 {\nbr_table s0, [a, b, c]\na:\nxconst16 s0, 10\nret\n"
         "b:\nxconst16 s0, 20\nret\nc:\nxconst16 s0, -30\nret\n}\n",
         {1},
         RETURNS(20)},
        {"type 1 -> 1\nfunc type0, window 2 {\nbr_table s0, [a, b, c]\na:\nxconst16 s0, 10\nret\n"
         "b:\nxconst16 s0, 20\nret\nc:\nxconst16 s0, -30\nret\n}\n",
         {0xffffffff},
         RETURNS((u64)0 - 30)},
        {"type 0 -> 1\nfunc type0, window 2 {\njump b\na:\nxconst64 s0, 0x123456789abcdef0\nret\n"
         "b:\njump a\n}\n",
         {0},
         RETURNS(0x123456789abcdef0)},
        {"type 2 -> 1\nfunc type0, window 2 {\nxdiv32_s s0, s0, s1\nret\n}\n",
         {1, 0},
         TRAPS(int_divz)},
        {"type 2 -> 1\nfunc type0, window 2 {\nxdiv32_s s0, s0, s1\nret\n}\n",
         {0x80000000, 0xffffffff},
         TRAPS(int_ovf)},
        {"type 1 -> 1\nfunc type0, window 2 {\ntrap_if32 s0, user7\nret\n}\n",
         {1},
         .outcome = INTERP_TRAPPED,
         .result = 7},
        {"type 0 -> 0\nfunc type0, window 2 {\ntrap unreachable\n}\n", {0}, TRAPS(unreachable)},
        {"type 0 -> 0\nfunc type0, window 2 {\nagain:\ncall s0, func0\njump again\n}\n",
         {0},
         TRAPS(stk_ovf)},
        {"type 0 -> 0\nfunc type0, window 256 {\ncall s254, func0\nret\n}\n", {0}, TRAPS(stk_ovf)},
    };
    check_programs(*state, programs, ARRAY_LEN(programs));
}

#define FUNC_2_1(body) "type 2 -> 1\nfunc type0, window 8 {\n" body "ret\n}\n"
#define MEM32 "memory i32\n"
#define MEM64 "memory i64\n"

/* A memory is 256 bytes long. */
static void accesses(void **state)
{
    static const Program programs[] = {
        {MEM32 FUNC_2_1("heap_store64 s0, s1, 208\nheap_load32 s0, s0, 206\n"),
         {48, 0x8877665544332211},
         RETURNS(0x66554433)},
        {MEM32 FUNC_2_1("heap_store64_o8 s0, s1, 8\nheap_load16_s32_o8 s0, s0, 8\n"),
         {248, 0x8877665544332211},
         RETURNS(0xffff8877)},
        {MEM32 FUNC_2_1("heap_store64_o8 s0, s1, 8\n"), {249, 0}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_store8_o8 s0, s1, 1\n"), {256, 0}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_store8_o8 s0, s1, 1\nheap_load8_s64 s0, s0, 1\n"),
         {0xabcdef00000000ff, 0x80},
         RETURNS(0xffffffffffffff80)},
        /* index + end carries out of 32 bits */
        {MEM32 FUNC_2_1("heap_load32 s0, s0, 8\n"), {0xfffffff8, 0}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_load32 s0, s0, 0xffffffff\n"), {0xffffffff, 0}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_load32 s0, s0, 0xffffffff\n"), {5, 0}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_load8_u32 s0, s0, 0x80000000\n"), {0x80000000, 0}, TRAPS(heap_oob)},
        /* in the accumulator too */
        {MEM32 FUNC_2_1("xadd32_i8 s2, s0, 4\nheap_store32_o8 s2, s1, 4\nxadd32_i8 s2, s0, 4\n"
                        "heap_load32_o8_acc s0, s2, 4\n"),
         {100, 0x12345678},
         RETURNS(0x12345678)},
        {MEM32 FUNC_2_1("fcopysign64 s1, s1, s1\nheap_store64_o8_facc s0, s1, 8\n"
                        "heap_load64_o8 s0, s0, 8\n"),
         {100, 0x7ff4000000000001},
         RETURNS(0x7ff4000000000001)},
        {MEM32 FUNC_2_1("heap_store64_o8 s0, s1, 8\nfheap_load64_o8 s2, s0, 8\n"
                        "fmul64_acc s0, s2, s2\n"),
         {100, 0x4008000000000000},
         RETURNS(0x4022000000000000)},
        /* at a sum, which wraps before the offset is added */
        {MEM32 FUNC_2_1("heap_store64_at_i32 s0, s1, 18, -100\nheap_load64 s0, s0, 18\n"),
         {90, 0x8877665544332211},
         TRAPS(heap_oob)},
        {MEM32 FUNC_2_1(
             "heap_store64_at_i32 s0, s1, 18, -100\nheap_load64_at_i32 s0, s0, 8, -90\n"),
         {190, 0x8877665544332211},
         RETURNS(0x8877665544332211)},
        {MEM32 FUNC_2_1("heap_store32_at_i32 s0, s1, 4, 2147483647\nheap_load64 s0, s2, 9\n"),
         {0xdeadbeef80000002, 0x8877665544332211},
         RETURNS(0x44332211)},
        {MEM32 FUNC_2_1("heap_store16_at_i32 s0, s1, 2, 10\nheap_load64 s0, s2, 8\n"),
         {0xfffffff8, 0x8877665544332211},
         RETURNS(0x22110000)},
        {MEM32 FUNC_2_1("heap_store8_at_i32 s0, s1, 255, 1\nheap_load16_u32 s0, s2, 256\n"),
         {0, 0x8877665544332211},
         RETURNS(0x1100)},
        {MEM32 FUNC_2_1("heap_store8_at_i32 s0, s1, 255, 1\n"), {1, 0}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_store16_at_i32 s0, s1, 2, -1\n"), {0, 0}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_store32_at_i32 s0, s1, 4, 253\n"), {0, 0}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_load64_at_i32 s0, s0, 8, -1\n"), {0, 0}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_store64_at_sum s0, s1, s1, 18\nheap_load64 s0, s2, 118\n"),
         {50, 50},
         RETURNS(50)},
        {MEM32 FUNC_2_1("heap_store32_at_sum s0, s1, s1, 7\nheap_load64 s0, s2, 9\n"),
         {0xdeadbeef00000006, 0x12345678fffffffc},
         RETURNS(0xfffffffc00000000)},
        {MEM32 FUNC_2_1("heap_store8_at_sum s0, s1, s1, 0x100\nheap_load8_u32 s0, s2, 256\n"),
         {6, 0x12345678fffffffa},
         RETURNS(0xfa)},
        {MEM32 FUNC_2_1("heap_store8_at_sum s0, s1, s1, 1\n"), {128, 128}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_store32_at_sum s0, s1, s1, 0xffffffff\n"), {1, 4}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_store64_at_sum s0, s1, s1, 8\n"), {0, 249}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_load32_at_sum s0, s0, s1, 4\n"),
         {0x80000000, 0x7ffffffd},
         TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_load32_scaled s0, s0, 2, 1\n"), {63, 0}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_store32 s2, s1, 256\nheap_load32_scaled s0, s0, 34, -4\n"),
         {0xdeadbeef80000040, 0x12345678},
         RETURNS(0x12345678)},
        {MEM32 FUNC_2_1("heap_store32_fixed s1, 256\nheap_load32_fixed s0, 255\n"),
         {0, 0x12345678},
         RETURNS(0x34567800)},
        {MEM32 FUNC_2_1("heap_store32_fixed s1, 257\n"), {0, 0}, TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("heap_load32_fixed s1, 0xffffffff\n"), {0, 0}, TRAPS(heap_oob)},
        /* 64-bit index */
        {MEM64 FUNC_2_1("heap_store32_x64 s0, s1, 12\nheap_load32_s64_x64 s0, s0, 12\n"),
         {244, 0xfedcba98},
         RETURNS(0xfffffffffedcba98)},
        {MEM64 FUNC_2_1("heap_store32_x64 s0, s1, 12\n"), {245, 0}, TRAPS(heap_oob)},
        {MEM64 FUNC_2_1("heap_load8_u64_x64 s0, s0, 0xffffffff\n"), {0, 0}, TRAPS(heap_oob)},
        {MEM64 FUNC_2_1("heap_load8_u64_x64 s0, s0, 8\n"),
         {0xfffffffffffffff8, 0},
         TRAPS(heap_oob)},
        {MEM64 FUNC_2_1("heap_load8_u64_x64 s0, s0, 1\n"), {0x100000000, 0}, TRAPS(heap_oob)},
        /* any memory: a carry at either addition */
        {MEM32 MEM64 FUNC_2_1("xconst16 s2, 7\nheap_store32_g s0, s2, s1, memory1\n"
                              "heap_load8_s32_g s0, s0, s1, memory1\n"),
         {200, 52},
         RETURNS(7)},
        {MEM32 MEM64 FUNC_2_1("heap_load32_g s0, s0, s1, memory1\n"), {200, 53}, TRAPS(heap_oob)},
        {MEM32 MEM64 FUNC_2_1("heap_load32_g s0, s0, s1, memory1\n"),
         {0xfffffffffffffff0, 0x10},
         TRAPS(heap_oob)},
        {MEM32 MEM64 FUNC_2_1("heap_load64_g s0, s0, s1, memory1\n"),
         {0xfffffffffffffff0, 0xc},
         TRAPS(heap_oob)},
        {MEM32 MEM64 FUNC_2_1("heap_load64_g s0, s0, s1, memory0\n"),
         {0xabc00000010, 0xe8},
         RETURNS(0)},
        {MEM32 MEM64 FUNC_2_1("heap_load64_g s0, s0, s1, memory0\n"),
         {16, 0xfffffffffffffff8},
         TRAPS(heap_oob)},
    };
    check_programs(*state, programs, ARRAY_LEN(programs));
}

static void memories(void **state)
{
    static const Program programs[] = {
        {MEM32 FUNC_2_1("memory_grow s2, s0, memory0\nxmul32_i8 s2, s2, 100\n"
                        "memory_size s3, memory0\nxadd32 s0, s2, s3\n"),
         {2, 0},
         RETURNS(103)},
        {MEM32 FUNC_2_1("memory_grow s0, s0, memory0\n"), {4, 0}, RETURNS(0xffffffff)},
        {MEM64 FUNC_2_1("memory_grow s0, s0, memory0\n"),
         {0xffffffffffffffff, 0},
         RETURNS(0xffffffffffffffff)},
        /* what grew is there at once, and is zero */
        {MEM32 FUNC_2_1(
             "memory_grow s2, s0, memory0\nheap_load32 s3, s1, 4\nheap_store32 s1, s1, 4\n"
             "heap_load32 s0, s1, 4\nxadd32 s0, s0, s3\n"),
         {1, 500},
         RETURNS(500)},
        {MEM32 FUNC_2_1("xconst16 s2, 1000\nmemory_fill s0, s1, s2, memory0\n"),
         {0, 0},
         TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("xconst16 s2, 4\nmemory_fill s0, s1, s2, memory0\n"),
         {253, 0xabc},
         TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("xconst16 s2, 3\nmemory_fill s0, s1, s2, memory0\nheap_load32 s0, s0, 4\n"),
         {252, 0xabc},
         RETURNS(0xbcbcbc)},
        {MEM32 FUNC_2_1("xconst16 s2, 0\nmemory_fill s0, s1, s2, memory0\n"),
         {257, 0},
         TRAPS(heap_oob)},
        {MEM32 FUNC_2_1("xconst16 s2, 0\nmemory_fill s0, s1, s2, memory0\nxmov s0, s1\n"),
         {256, 5},
         RETURNS(5)},
        {MEM32 FUNC_2_1("heap_store32_o8 s0, s1, 4\nxconst16 s2, 1\nxconst16 s3, 4\n"
                        "memory_copy s2, s0, s3, memory0, memory0\nheap_load32_o8 s0, s2, 4\n"),
         {0, 0x44332211},
         RETURNS(0x44332211)},
        {MEM32 MEM64 FUNC_2_1("memory_copy s0, s1, s1, memory1, memory0\n"),
         {0xffffffffffffffff, 0},
         TRAPS(heap_oob)},
        {MEM32 "data 1\n" FUNC_2_1("memory_init s0, s0, s1, memory0, data0\n"),
         {0, 1},
         TRAPS(heap_oob)},
        {MEM32 "data 1\n" FUNC_2_1("memory_init s0, s0, s1, memory0, data0\ndata_drop data0\n"),
         {0, 0},
         RETURNS(0)},
    };
    check_programs(*state, programs, ARRAY_LEN(programs));
}

#define TABLE "table i32 func\ntable i64 extern\nelem func\n"

static void tables_and_globals(void **state)
{
    static const Program programs[] = {
        {TABLE FUNC_2_1("table_set s0, s1, table1\ntable_get s0, s0, table1\n"),
         {9, 77},
         RETURNS(77)},
        {TABLE FUNC_2_1("table_get s0, s0, table0\n"), {10, 0}, TRAPS(table_oob)},
        {TABLE FUNC_2_1("table_get s0, s0, table1\n"), {0x100000000, 0}, TRAPS(table_oob)},
        {TABLE FUNC_2_1("table_get s0, s0, table0\n"), {0x100000000, 0}, RETURNS(0)},
        {TABLE FUNC_2_1("table_set s0, s1, table0\n"), {0xffffffff, 0}, TRAPS(table_oob)},
        {TABLE FUNC_2_1("table_grow s2, s1, s0, table0\ntable_size s3, table0\n"
                        "xmul32_i8 s3, s3, 100\nxadd32 s2, s2, s3\nxconst16 s4, 12\n"
                        "table_get s4, s4, table0\nxadd32 s0, s4, s2\n"),
         {3, 50000},
         RETURNS(51310)},
        {TABLE FUNC_2_1("table_grow s0, s1, s0, table0\n"), {11, 0}, RETURNS(0xffffffff)},
        {TABLE FUNC_2_1("table_grow s0, s1, s0, table1\n"), {0x100000001, 0}, RETURNS(UINT64_MAX)},
        {TABLE FUNC_2_1("xconst16 s2, 3\ntable_fill s2, s1, s0, table0\nxconst16 s2, 9\n"
                        "table_get s0, s2, table0\n"),
         {7, 5},
         RETURNS(5)},
        {TABLE FUNC_2_1("xconst16 s2, 3\ntable_fill s2, s1, s0, table0\n"),
         {8, 5},
         TRAPS(table_oob)},
        {TABLE FUNC_2_1("xconst16 s2, 1\ntable_set s0, s1, table0\nxconst16 s3, 9\n"
                        "table_copy s2, s0, s3, table0, table0\ntable_get s0, s2, table0\n"),
         {0, 5},
         RETURNS(5)},
        {TABLE FUNC_2_1("table_copy s0, s0, s1, table0, table0\n"), {10, 1}, TRAPS(table_oob)},
        {TABLE FUNC_2_1("table_init s0, s0, s1, table0, elem0\n"), {0, 1}, TRAPS(table_oob)},
        {TABLE FUNC_2_1("table_init s0, s0, s1, table0, elem0\nelem_drop elem0\n"),
         {0, 0},
         RETURNS(0)},
        {"global 4 mutable\nglobal 8 mutable\n" FUNC_2_1(
             "global_set32 s0, global0\nglobal_set64_far s1, global1\nglobal_get32 s2, global0\n"
             "global_get64_far s3, global1\nxadd64 s0, s2, s3\n"),
         {0xaaaaaaaa00000001, 0x5500000000},
         RETURNS(0x5500000001)},
        {"global 4 mutable\nglobal 8 mutable\n" FUNC_2_1(
             "global_set32_far s0, global0\nglobal_set64_far s1, global1\n"
             "global_get32_far s2, global0\nglobal_get64_far s3, global1\nxadd64 s0, s2, s3\n"),
         {0xaaaaaaaa00000001, 0x5500000000},
         RETURNS(0x5500000001)},
    };
    check_programs(*state, programs, ARRAY_LEN(programs));
}

#define ATOMIC "memory i32 shared\n"

static void atomics(void **state)
{
    static const Program programs[] = {
        {ATOMIC FUNC_2_1("xconst16 s2, 8\nheap_atomic_store32 s0, s1, s2, memory0\n"
                         "heap_atomic_rmw16 s3, s0, s2, s1, add, memory0\n"
                         "heap_atomic_cas8 s4, s0, s2, s3, s3, memory0\n"
                         "heap_atomic_load64 s5, s0, s2, memory0\nxadd64 s0, s5, s3\n"),
         {16, 0x11112222},
         RETURNS(0x11114444 + 0x2222)},
        {ATOMIC FUNC_2_1("heap_atomic_load32 s0, s0, s1, memory0\n"), {1, 4}, TRAPS(unaligned)},
        {ATOMIC FUNC_2_1("heap_atomic_load32 s0, s0, s1, memory0\n"), {252, 4}, TRAPS(heap_oob)},
        {ATOMIC FUNC_2_1("heap_atomic_load8 s0, s0, s1, memory0\n"),
         {8, 0xfffffffffffffff8},
         TRAPS(heap_oob)},
        {ATOMIC FUNC_2_1("heap_wait32 s0, s0, s0, s1, s1, memory0\n"), {0, 1}, RETURNS(1)},
        {ATOMIC FUNC_2_1("heap_wait64 s0, s0, s0, s0, s1, memory0\n"), {0, 1000}, RETURNS(2)},
        {MEM32 FUNC_2_1("heap_wait32 s0, s0, s0, s1, s1, memory0\n"), {0, 1}, TRAPS(not_shared)},
        {MEM32 FUNC_2_1("fence\nheap_notify s0, s0, s0, s1, memory0\n"), {0, 1}, RETURNS(0)},
    };
    check_programs(*state, programs, ARRAY_LEN(programs));
}

/* Segments that the host gave, until they are dropped. */
static void segments(void **state)
{
    static const u8 bytes[] = {1, 2, 3, 4};
    static const u32 handles[] = {7, 8, 9};
    FOR_FORMS(form)
    {
        InterpConfig config = world_config(*state, (InterpForm)form);
        World *world = world_open(*state, &config);
        Room *room = world_add(world, MEM32 TABLE
                               "data 1\ntype 3 -> 1\nfunc type0, window 4 {\n"
                               "memory_init s0, s1, s2, memory0, data0\nheap_load32_o8 s0, s0, 4\n"
                               "data_drop data0\nret\n}\nfunc type0, window 4 {\n"
                               "table_init s0, s1, s2, table0, elem0\ntable_get s0, s0, table0\n"
                               "elem_drop elem0\nret\n}\n");
        room->instance->datas[0] = (InterpSegment){bytes, 4};
        room->instance->elems[0] = (InterpSegment){handles, 3};
        for (u32 func = 0; func < 2; func++) {
            u64 past[] = {0, 2, 3};
            u64 slots[] = {0, 1, 2};
            u64 again[] = {0, 0, 1};
            assert_int_equal(call_own(world, room, func, past), INTERP_TRAPPED);
            assert_int_equal(call_own(world, room, func, slots), INTERP_RETURNED);
            assert_int_equal(slots[0], func == 0 ? 0x0302 : 8);
            assert_int_equal(call_own(world, room, func, again), INTERP_TRAPPED);
        }
        world_close(world);
    }
}

/* Every width of access, sign and byte order, in memory 0 and any memory. */
/* The text with END replaced; the end itself for NULL. */
static const char *replace_end(Arena *arena, const char *text, const char *end)
{
    const char *at = text == NULL ? NULL : strstr(text, "END");
    if (at == NULL) {
        return text == NULL ? end : text;
    }
    return dv_arena_printf(arena, "%.*s%s%s", (int)(at - text), text, end, at + 3);
}

static void widths(void **state)
{
    static const struct {
        const char *op;
        u32 end;
        u64 result;
    } loads[] = {
        {"heap_load8_u32", 1, 0xf1},
        {"heap_load8_s32", 1, 0xfffffff1},
        {"heap_load16_u32", 2, 0xf2f1},
        {"heap_load16_s32", 2, 0xfffff2f1},
        {"heap_load32", 4, 0xf4f3f2f1},
        {"heap_load8_u64", 1, 0xf1},
        {"heap_load8_s64", 1, (u64)0 - 15},
        {"heap_load16_u64", 2, 0xf2f1},
        {"heap_load16_s64", 2, 0xfffffffffffff2f1},
        {"heap_load32_u64", 4, 0xf4f3f2f1},
        {"heap_load32_s64", 4, 0xfffffffff4f3f2f1},
        {"heap_load64", 8, 0xf8f7f6f5f4f3f2f1},
        {"fheap_load32", 4, 0xf4f3f2f1},
        {"fheap_load64", 8, 0xf8f7f6f5f4f3f2f1},
    };
    Fixture *f = *state;
    for (usize i = 0; i < ARRAY_LEN(loads); i++) {
        static const struct {
            const char *suffix, *before, *last; /* NULL: the end */
        } forms[] = {
            {"", "nop", NULL},
            {"_o8", "nop", NULL},
            {"_acc", "xbor32_i8 s0, s0, 0", NULL},
            {"_o8_acc", "xbor32_i8 s0, s0, 0", NULL},
            {"_x64", "nop", NULL},
            {"_g", "nop", "s2, memory0"},
            {"_at_i32", "xadd32_i8 s0, s0, 7", "END, -7"},
            {"_at_sum", "xadd32_i8 s0, s0, -10", "s2, END"},
            {"_scaled", "xconst16 s0, 5", "2, 10"},
        };
        for (u32 k = 0; k < ARRAY_LEN(forms); k++) {
            bool is_long = strcmp(forms[k].suffix, "_x64") == 0;
            bool is_any = strcmp(forms[k].suffix, "_g") == 0;
            char name[64];
            snprintf(name, sizeof name, "%s%s", loads[i].op, forms[k].suffix);
            if (dv_pulley_op_find(name, strlen(name)) == PULLEY_OP_COUNT) {
                continue;
            }
            const char *end = dv_arena_printf(&f->arena, "%u", (unsigned)loads[i].end + 10);
            const char *last = replace_end(&f->arena, forms[k].last, end);
            const char *text = dv_arena_printf(
                &f->arena,
                "%stype 2 -> 1\nfunc type0, window 8 {\nxconst16 s2, 10\n%s\n%s\n%s s0, s0, %s\n"
                "ret\n}\n",
                is_long ? MEM64 : MEM32,
                is_any    ? "heap_store64_g s0, s1, s2, memory0"
                : is_long ? "heap_store64_x64 s0, s1, 18"
                          : "heap_store64 s0, s1, 18",
                forms[k].before, name, last);
            Program p = {text, {20, 0xf8f7f6f5f4f3f2f1}, RETURNS(loads[i].result)};
            check_programs(f, &p, 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(control),  UNIT_TEST(accesses),           UNIT_TEST(widths),
        UNIT_TEST(memories), UNIT_TEST(tables_and_globals), UNIT_TEST(atomics),
        UNIT_TEST(segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
