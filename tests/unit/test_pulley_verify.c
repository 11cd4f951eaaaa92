/* test_pulley_verify.c - the verifier of bytecode: a hostile program for each rule, refused with its message at
 * its place; good programs; arbitrary bytes; and that time is linear. */
#include "pulley_testing.h"

#include "base/rng.h"

#define TYPES \
    "type 2 -> 1\n"  /* type0: the function's */ \
    "type 3 -> 0\n"  /* type1 */ \
    "type 60 -> 1\n" /* type2: 12 arguments beyond the window */ \
    "type 0 -> 53\n" /* type3: 5 results beyond it */ \
    "import type0\n" \
    "import type2\n" \
    "global 4\n" \
    "global 8 mutable\n" \
    "table i32 func\n" \
    "table i64 extern\n" \
    "tag type1\n" \
    "elem func\n" \
    "elem extern\n" \
    "data 1\n"
#define SMALL(body) TYPES "memory i32\nfunc type0, window 16 {\n" body "\n}\n"
#define SMALL64(body) TYPES "memory i64\nfunc type0, window 16 {\n" body "\n}\n"
#define BIG(body) TYPES "memory i32\nfunc type0, window 64, frame 16 {\n" body "\n}\n"
#define WIDE(body) TYPES "memory i32\nfunc type2, window 64, frame 16 {\n" body "\n}\n"
#define RESULTS(body) TYPES "memory i32\nfunc type3, window 64, frame 16 {\n" body "\n}\n"
#define NO_MEMORY(body) TYPES "func type0, window 16 {\n" body "\n}\n"

typedef struct Case {
    PulleyRule rule;
    const char *text;
    const char *message;
} Case;

static const Case cases[] = {
    /* declarations */
    {PRULE_PROFILE, "profile 3\n", "there is no profile 3"},
    {PRULE_SYMBOLS, "symbols 2\n", "a sandboxed module names 2 symbols of the host program"},
    {PRULE_TYPE_SLOTS, "type 1 -> 2049\n",
     "type0 has 2049 slots of arguments or results, more than allowed"},
    {PRULE_IMPORT_TYPE, "import type0\n", "import0 has type0, which does not exist"},
    {PRULE_TAG_TYPE, "tag type0\n", "tag0 has type0, which does not exist or has results"},
    {PRULE_TAG_TYPE, "type 0 -> 1\ntag type0\n",
     "tag0 has type0, which does not exist or has results"},
    {PRULE_GLOBAL_SIZE, "global 5\n", "global0 has a size of 5 bytes"},
    {PRULE_TABLE_REF, "table i32 4\n", "table0 holds references of the unknown kind 4"},
    {PRULE_ELEM_REF, "elem 4\n", "elem0 holds references of the unknown kind 4"},
    {PRULE_FUNC_CODE, "type 0 -> 0\nfunc type0, window 0 {\n}\n",
     "func0: its code is 0 bytes from 0 on, which is empty, too long, not in words or does not follow "
     "the function before"},
    {PRULE_FUNC_TYPE, "func type0, window 0 {\nret\n}\n", "func0: its type0 does not exist"},
    {PRULE_FUNC_WINDOW, "type 2 -> 3\nfunc type0, window 2 {\nret\n}\n",
     "func0: its window of 2 slots is larger than 256 or smaller than its 3 arguments or results there"},
    {PRULE_FUNC_WINDOW, "type 2 -> 3\nfunc type0, window 257 {\nret\n}\n",
     "func0: its window of 257 slots is larger than 256 or smaller than its 3 arguments or results "
     "there"},
    {PRULE_FUNC_FRAME, "type 2 -> 1\nfunc type0, window 8, frame 3 {\nret\n}\n",
     "func0: its frame memory of 3 slots is odd, too large or too small for the 0 arguments beyond 48"},
    {PRULE_FUNC_FRAME, "type 60 -> 1\nfunc type0, window 64, frame 10 {\nret\n}\n",
     "func0: its frame memory of 10 slots is odd, too large or too small for the 12 arguments beyond "
     "48"},
    {PRULE_FUNC_FRAME, "type 2 -> 1\nfunc type0, window 8, frame 268435458 {\nret\n}\n",
     "func0: its frame memory of 268435458 slots is odd, too large or too small for the 0 arguments "
     "beyond 48"},

    /* instructions */
    {PRULE_DECODE, SMALL(".word 0xfc000000"),
     "func0 at 0: no instruction is encoded so: 4227858432"},
    {PRULE_DECODE, SMALL("nop\n.word 0xffff0000"),
     "func0 at 4: no instruction is encoded so: 4294901760"},
    {PRULE_INTERNAL, SMALL("exit"), "func0 at 0: exit is for the interpreter alone"},
    {PRULE_RAW, SMALL("raw_load32 s1, s2, 0\nret"),
     "func0 at 0: raw_load32 is a raw operation, and the module is sandboxed"},
    {PRULE_RAW, SMALL("raw_atomic_load32 s1, s2\nret"),
     "func0 at 0: raw_atomic_load32 is a raw operation, and the module is sandboxed"},
    {PRULE_GROUP, "groups base\n" SMALL("fadd32 s1, s2, s3\nret"),
     "func0 at 0: fadd32 belongs to a group that the module does not use"},
    {PRULE_UNMETERED, SMALL("fuel 1\nret"),
     "func0 at 0: fuel is used up in a module that is not metered"},
    {PRULE_LAST, SMALL("ret\nxmov s1, s2"),
     "func0 at 4: the last instruction goes on to what is not there"},
    {PRULE_LAST, SMALL("a:\nbr_if32 s1, a"),
     "func0 at 0: the last instruction goes on to what is not there"},
    {PRULE_SLOT, SMALL("xmov s16, s2\nret"),
     "func0 at 0: slot 16 is outside of the window of 16 slots"},
    {PRULE_SLOT, SMALL("xmov s1, s255\nret"),
     "func0 at 0: slot 255 is outside of the window of 16 slots"},
    {PRULE_SLOT, SMALL("a:\nloop32 s16, 1, a\nret"),
     "func0 at 0: slot 16 is outside of the window of 16 slots"},
    {PRULE_SLOT, SMALL("br_table s16, [a]\na:\nret"),
     "func0 at 0: slot 16 is outside of the window of 16 slots"},
    {PRULE_SLOT, SMALL("xadd128 s1, s2, s3, s4, s5, s16\nret"),
     "func0 at 0: slot 16 is outside of the window of 16 slots"},
    {PRULE_ACC, SMALL("xadd32_acc s1, s2, s3\nret"),
     "func0 at 0: slot 2 is not the result of the instruction before, of the class that is wanted"},
    {PRULE_ACC, SMALL("xadd32 s3, s2, s3\nxadd32_acc s1, s2, s3\nret"),
     "func0 at 4: slot 2 is not the result of the instruction before, of the class that is wanted"},
    {PRULE_ACC, SMALL("xadd64 s2, s2, s3\nxadd32_acc s1, s2, s3\nret"),
     "func0 at 4: slot 2 is not the result of the instruction before, of the class that is wanted"},
    {PRULE_ACC, SMALL("xadd64 s2, s2, s3\nfadd64_acc s1, s2, s3\nret"),
     "func0 at 4: slot 2 is not the result of the instruction before, of the class that is wanted"},
    {PRULE_ACC, SMALL("xadd32 s2, s2, s3\nnop\nxadd32_acc s1, s2, s3\nret"),
     "func0 at 8: slot 2 is not the result of the instruction before, of the class that is wanted"},
    {PRULE_ACC, SMALL("call s2, func0\nxadd32_acc s1, s2, s3\nret"),
     "func0 at 4: slot 2 is not the result of the instruction before, of the class that is wanted"},
    {PRULE_ACC, SMALL("a:\nloop32 s2, 1, a\nxadd32_acc s1, s2, s3\nret"),
     "func0 at 8: slot 2 is not the result of the instruction before, of the class that is wanted"},
    {PRULE_ACC, SMALL("xadd64 s2, s2, s3\nheap_store64_o8_facc s1, s2, 8\nret"),
     "func0 at 4: slot 2 is not the result of the instruction before, of the class that is wanted"},
    {PRULE_ACC, SMALL("xwidemul64_u s2, s3, s4, s5\nxadd64_acc s1, s2, s3\nret"),
     "func0 at 8: slot 2 is not the result of the instruction before, of the class that is wanted"},
    {PRULE_TRAPCODE, SMALL("trap user0"), "func0 at 0: 0 is no trap code"},
    {PRULE_RMW, SMALL("heap_atomic_rmw32 s1, s2, s3, s4, 11, memory0\nret"),
     "func0 at 0: there is no way number 11 to combine"},
    {PRULE_HELPER, SMALL("call_helper s2, 200\nret"), "func0 at 0: there is no helper 200"},

    /* entities */
    {PRULE_ENTITY, NO_MEMORY("heap_load32 s1, s2, 4\nret"), "func0 at 0: there is no memory0"},
    {PRULE_ENTITY, SMALL("heap_load32_g s1, s2, s3, memory1\nret"),
     "func0 at 0: there is no memory1"},
    {PRULE_ENTITY, SMALL("memory_copy s1, s2, s3, memory0, memory1\nret"),
     "func0 at 0: there is no memory1"},
    {PRULE_ENTITY, SMALL("memory_init s1, s2, s3, memory0, data1\nret"),
     "func0 at 0: there is no data1"},
    {PRULE_ENTITY, SMALL("heap_wait32 s1, s2, s3, s4, s5, memory1\nret"),
     "func0 at 0: there is no memory1"},
    {PRULE_ENTITY, SMALL("global_get32 s1, global2\nret"), "func0 at 0: there is no global2"},
    {PRULE_ENTITY, SMALL("table_get s1, s2, table2\nret"), "func0 at 0: there is no table2"},
    {PRULE_ENTITY, SMALL("elem_drop elem2\nret"), "func0 at 0: there is no elem2"},
    {PRULE_ENTITY, SMALL("ref_func s1, entity3\nret"), "func0 at 0: there is no entity3"},
    {PRULE_ENTITY, SMALL("call_number s2, func1\nret"), "func0 at 0: there is no func1"},
    {PRULE_ENTITY, SMALL("call_import s2, import2\nret"), "func0 at 0: there is no import2"},
    {PRULE_ENTITY, SMALL("call_ref s2, s1, type4\nret"), "func0 at 0: there is no type4"},
    {PRULE_ENTITY, SMALL("throw s2, tag1"), "func0 at 0: there is no tag1"},
    {PRULE_ENTITY, "profile raw64\n" SMALL("symbol_addr s1, symbol0\nret"),
     "func0 at 0: there is no symbol0"},
    {PRULE_END, SMALL("heap_load32 s1, s2, 3\nret"),
     "func0 at 0: offset and size, 3, are less than the size of 4 bytes"},
    {PRULE_END, SMALL("heap_load8_u32_o8 s1, s2, 0\nret"),
     "func0 at 0: offset and size, 0, are less than the size of 1 bytes"},
    {PRULE_END, SMALL("heap_store64 s1, s2, 7\nret"),
     "func0 at 0: offset and size, 7, are less than the size of 8 bytes"},
    {PRULE_END, SMALL64("heap_store16_x64 s1, s2, 1\nret"),
     "func0 at 0: offset and size, 1, are less than the size of 2 bytes"},
    {PRULE_INDEX_WIDTH, SMALL("heap_load32_x64 s1, s2, 4\nret"),
     "func0 at 0: memory0 does not have an index of 64 bits"},
    {PRULE_INDEX_WIDTH, SMALL64("heap_load32 s1, s2, 4\nret"),
     "func0 at 0: memory0 does not have an index of 32 bits"},
    {PRULE_GLOBAL_WIDTH, SMALL("global_get64_far s1, global0\nret"),
     "func0 at 0: global0 does not have 8 bytes"},
    {PRULE_GLOBAL_WIDTH, SMALL("global_set32_far s1, global1\nret"),
     "func0 at 0: global1 does not have 4 bytes"},
    {PRULE_GLOBAL_CONST, SMALL("global_set32 s1, global0\nret"),
     "func0 at 0: global0 cannot be changed"},
    {PRULE_TABLE_FUNC, SMALL("call_table s2, s1, table1, type0\nret"),
     "func0 at 0: table1 does not hold functions"},
    {PRULE_TABLE_FUNC, SMALL("return_call_table s1, 2, table1, type0, 0"),
     "func0 at 0: table1 does not hold functions"},
    {PRULE_TABLE_KIND, SMALL("table_copy s1, s2, s3, table0, table1\nret"),
     "func0 at 0: table0 holds references of another kind than table or segment 1"},
    {PRULE_TABLE_KIND, SMALL("table_init s1, s2, s3, table1, elem0\nret"),
     "func0 at 0: table1 holds references of another kind than table or segment 0"},

    /* frames and calls */
    {PRULE_ENTER_MISSING, BIG("ret_big 1, 16"),
     "func0 at 0: a function with frame memory does not begin with enter"},
    {PRULE_ENTER_PLACE, BIG("enter 2, 16\nenter 2, 16\nret_big 1, 16"),
     "func0 at 8: enter is not the first instruction"},
    {PRULE_FRAME_NONE, SMALL("enter 2, 0\nret"),
     "func0 at 0: enter is for functions with frame memory"},
    {PRULE_FRAME_NONE, SMALL("ret_big 1, 0"),
     "func0 at 0: ret_big is for functions with frame memory"},
    {PRULE_FRAME_NONE, SMALL("return_call_big 2, func0, 0"),
     "func0 at 0: return_call_big is for functions with frame memory"},
    {PRULE_FRAME_LEFT, BIG("enter 2, 16\nret"),
     "func0 at 8: ret leaves a function that has frame memory"},
    {PRULE_FRAME_LEFT, BIG("enter 2, 16\nreturn_call func0"),
     "func0 at 8: return_call leaves a function that has frame memory"},
    {PRULE_FRAME_SIZE, BIG("enter 2, 18\nret_big 1, 16"),
     "func0 at 0: frame memory of 18 slots is 16 slots in the declaration"},
    {PRULE_FRAME_SIZE, BIG("enter 2, 16\nret_big 1, 14"),
     "func0 at 8: frame memory of 14 slots is 16 slots in the declaration"},
    {PRULE_FRAME_SIZE, SMALL("ret_big 1, 16"),
     "func0 at 0: frame memory of 16 slots is 0 slots in the declaration"},
    {PRULE_FRAME_SIZE, BIG("enter 2, 16\nreturn_call_import 2, import0, 0"),
     "func0 at 8: frame memory of 0 slots is 16 slots in the declaration"},
    {PRULE_FRAME_SIZE, SMALL("return_call_ref s1, 2, type0, 16"),
     "func0 at 0: frame memory of 16 slots is 0 slots in the declaration"},
    {PRULE_SLOT_COUNT, BIG("enter 3, 16\nret_big 1, 16"),
     "func0 at 0: 3 slots of arguments or results in the window are 2 by type"},
    {PRULE_SLOT_COUNT, BIG("enter 2, 16\nret_big 2, 16"),
     "func0 at 8: 2 slots of arguments or results in the window are 1 by type"},
    {PRULE_SLOT_COUNT, BIG("enter 2, 16\nreturn_call_big 1, func0, 16"),
     "func0 at 8: 1 slots of arguments or results in the window are 2 by type"},
    {PRULE_EXTRA, WIDE("enter_block 48, 16, 13\nret_big 1, 16"),
     "func0 at 0: 13 slots of arguments beyond 48 are 12 by type"},
    {PRULE_EXTRA, WIDE("enter 48, 16\nret_big 1, 16"),
     "func0 at 0: 0 slots of arguments beyond 48 are 12 by type"},
    {PRULE_SPILL, SMALL("spill_load s1, spill1\nret"),
     "func0 at 0: what lies 1 below fp is not in the frame memory of 0"},
    {PRULE_SPILL, BIG("enter 2, 16\nspill_store s1, spill0\nret_big 1, 16"),
     "func0 at 8: what lies 0 below fp is not in the frame memory of 16"},
    {PRULE_SPILL, BIG("enter 2, 16\nspill_load_far s1, spill17\nret_big 1, 16"),
     "func0 at 8: what lies 17 below fp is not in the frame memory of 16"},
    {PRULE_SPILL, "profile raw32\n" BIG("enter 2, 16\nstack_addr s1, 129\nret_big 1, 16"),
     "func0 at 8: what lies 129 below fp is not in the frame memory of 128"},
    {PRULE_BLOCK_RANGE,
     BIG("enter 2, 16\nargs_block spill12, 13\ncall_import s2, import1\nret_big 1, 16"),
     "func0 at 8: a block of 13 slots from 12 below fp on is empty or does not end below fp"},
    {PRULE_BLOCK_RANGE,
     BIG("enter 2, 16\nargs_block spill12, 0\ncall_import s2, import1\nret_big 1, 16"),
     "func0 at 8: a block of 0 slots from 12 below fp on is empty or does not end below fp"},
    {PRULE_BLOCK_CALL, BIG("enter 2, 16\nargs_block spill12, 12\nnop\nret_big 1, 16"),
     "func0 at 20: nop follows a block of arguments and is no call that can use it"},
    {PRULE_BLOCK_CALL,
     BIG("enter 2, 16\nargs_block spill12, 12\ncall_helper s2, f128_add\nret_big 1, 16"),
     "func0 at 20: call_helper follows a block of arguments and is no call that can use it"},
    {PRULE_BLOCK_SIZE, BIG("enter 2, 16\ncall_import s2, import1\nret_big 1, 16"),
     "func0 at 8: the block of arguments and results beyond 48 has 0 slots, 12 are needed"},
    {PRULE_BLOCK_SIZE,
     BIG("enter 2, 16\nargs_block spill12, 11\ncall_import s2, import1\nret_big 1, 16"),
     "func0 at 20: the block of arguments and results beyond 48 has 11 slots, 12 are needed"},
    {PRULE_BLOCK_SIZE,
     BIG("enter 2, 16\nargs_block spill4, 4\ncall_ref s2, s1, type3\nret_big 1, 16"),
     "func0 at 20: the block of arguments and results beyond 48 has 4 slots, 5 are needed"},
    {PRULE_RESULT, RESULTS("enter 0, 16\nresult_store s1, 5\nret_big 48, 16"),
     "func0 at 8: slot 5 of results beyond 48 is not among the 5 of the type"},
    {PRULE_RESULT, SMALL("result_store s1, 0\nret"),
     "func0 at 0: slot 0 of results beyond 48 is not among the 0 of the type"},
    {PRULE_CALLEE, SMALL("call s2, .+4\nret"),
     "func0 at 0: no function begins where the call goes"},
    {PRULE_CALLEE, SMALL("nop\ncall s2, .+0\nret"),
     "func0 at 4: no function begins where the call goes"},
    {PRULE_CALLEE, SMALL("call s2, .-4\nret"),
     "func0 at 0: no function begins where the call goes"},
    {PRULE_CALLEE, SMALL("call s2, .+8\nret"), /* the end of the code */
     "func0 at 0: no function begins where the call goes"},
    {PRULE_CALLEE, SMALL("call_far s2, .-8589934592\nret"),
     "func0 at 0: no function begins where the call goes"},
    {PRULE_CALLEE, SMALL("call_far s2, .+8589934588\nret"),
     "func0 at 0: no function begins where the call goes"},
    {PRULE_CALLEE,
     SMALL("ret") "func type0, window 16 {\nreturn_call .-8\n}\n"
                  "func type0, window 16 {\nret\n}\n",
     "func1 at 0: no function begins where the call goes"},
    {PRULE_CALLEE, BIG("enter 2, 16\nreturn_call_big 2, .+8, 16"),
     "func0 at 8: no function begins where the call goes"},
    {PRULE_OUT_WINDOW, /* the callee is the second of three */
     SMALL("nop\nret") "func type1, window 8 {\nret\n}\n"
                       "func type0, window 16 {\ncall s14, .-4\nret\n}\n",
     "func2 at 0: the callee's arguments and results end at slot 17, the window at 16"},
    {PRULE_OUT_ODD, SMALL("call s3, func0\nret"),
     "func0 at 0: the callee's slots begin at the odd slot 3"},
    {PRULE_OUT_WINDOW, SMALL("call_ref s14, s1, type1\nret"),
     "func0 at 0: the callee's arguments and results end at slot 17, the window at 16"},
    {PRULE_OUT_WINDOW, SMALL("call_helper s14, f128_add\nret"),
     "func0 at 0: the callee's arguments and results end at slot 18, the window at 16"},
    {PRULE_OUT_WINDOW, SMALL("throw s14, tag0"),
     "func0 at 0: the callee's arguments and results end at slot 17, the window at 16"},
    {PRULE_OUT_WINDOW, SMALL("throw_ref s18, s1"),
     "func0 at 0: the callee's arguments and results end at slot 18, the window at 16"},
    {PRULE_OUT_WINDOW,
     TYPES "func type0, window 2 {\nreturn_call func1\n}\n"
           "func type1, window 3 {\nret\n}\n",
     "func0 at 0: the callee's arguments and results end at slot 3, the window at 2"},
    {PRULE_TAIL_RESULTS, SMALL("return_call_ref s1, 3, type1, 0"),
     "func0 at 0: the callee returns 0 slots, this function 1"},

    /* control flow */
    {PRULE_TARGET_RANGE, SMALL("jump .+4"), "func0 at 0: the branch goes outside of the function"},
    {PRULE_TARGET_RANGE, SMALL("jump .-4"), "func0 at 0: the branch goes outside of the function"},
    {PRULE_TARGET_RANGE, SMALL("br_if_xeq32 s1, s2, .+2147483644\nret"),
     "func0 at 0: the branch goes outside of the function"},
    {PRULE_TARGET_RANGE, SMALL("br_table s1, [.+16, .+20]\nret"),
     "func0 at 0: the branch goes outside of the function"},
    {PRULE_TARGET_INSIDE, SMALL("xconst32 s1, 5\njump .-4"),
     "func0 at 4: a branch goes here, where no instruction begins"},
    {PRULE_TARGET_INSIDE, SMALL("br_table s1, [.+4]\nret"),
     "func0 at 4: a branch goes here, where no instruction begins"},
    {PRULE_TARGET_ENTER, BIG("top:\nenter 2, 16\njump top"),
     "func0 at 0: a branch goes to the enter of the function"},
    {PRULE_TARGET_ACC, SMALL("xadd32 s1, s2, s3\na:\nxadd32_acc s1, s1, s3\njump a"),
     "func0 at 4: a branch goes to an instruction that reads the accumulator"},
    {PRULE_TARGET_ACC,
     "profile raw64\n" SMALL("xadd32 s1, s2, s3\na:\nbr_if32_acc s1, b\ncode_addr s1, a\nb:\nret"),
     "func0 at 4: a branch goes to an instruction that reads the accumulator"},
    {PRULE_TARGET_BLOCK,
     BIG("enter 2, 16\nargs_block spill12, 12\na:\ncall_import s2, import1\nbr_if32 s1, a\nret_big 1, 16"),
     "func0 at 20: a branch goes between a block of arguments and its call"},
    {PRULE_HANDLER_CALL, SMALL("xmov s1, s2\ncatch all, a\na:\nret"),
     "func0: handler 0 is for offset 0, where no call is that could return here"},
    {PRULE_HANDLER_CALL, SMALL("return_call func0\ncatch all, a\na:\nret"),
     "func0: handler 0 is for offset 0, where no call is that could return here"},
    {PRULE_HANDLER_PAYLOAD,
     TYPES "func type1, window 5 {\ncall s4, func1\ncatch all, a\na:\nret\n}\n"
           "func type4, window 0 {\nret\n}\ntype 0 -> 0\n",
     "func0: handler 0 finds no room for its payload at slot 4"},
    {PRULE_HANDLER_TARGET, SMALL("call s4, func0\ncatch all, .+8\nret"),
     "func0: handler 0 goes to 8, outside of the function"},
    {PRULE_HANDLER_TARGET, SMALL("call s4, func0\ncatch all, .+3\nret"),
     "func0: handler 0 goes to 3, outside of the function"},
    {PRULE_TARGET_INSIDE, SMALL("call s4, func0\ncatch all, .+8\nxconst32 s1, 0\nret"),
     "func0 at 8: a branch goes here, where no instruction begins"},
    {PRULE_HANDLER_VALUE, SMALL("call s4, func0\ncatch tag1, a\na:\nret"),
     "func0: handler 0 names tag or slot 1, which does not exist"},
    {PRULE_HANDLER_VALUE, SMALL("call s4, func0\ncatch context s16\nret"),
     "func0: handler 0 names tag or slot 16, which does not exist"},
};

static void check_fault(Fixture *f, const PulleyModule *m, PulleyRule rule, const char *message)
{
    PulleyFault fault;
    assert_string_equal(verdict(f, m, &fault), message);
    assert_int_equal(fault.rule, rule);
}

/* What text cannot say is broken in the module itself. */
static void broken_declarations(Fixture *f, bool seen[PRULE_COUNT])
{
    static const char text[] = SMALL(
        "call s2, func0\ncatch all, a\ncall s2, func0\ncatch all, a\na:\nret") "func type0, window 4 {\nret\n}\n";
    PulleyModule m = assemble(f, text);
    m.code_size_bytes += 4;
    check_fault(f, &m, PRULE_CODE_BYTES,
                "the code's size of 20 bytes is no multiple of 4 or not what the functions cover");
    m = assemble(f, text);
    m.funcs.data[1].size_bytes = 8;
    check_fault(f, &m, PRULE_FUNC_CODE,
                "func1: its code is 8 bytes from 12 on, which is empty, too long, not in words or "
                "does not follow the function before");
    m = assemble(f, text);
    m.funcs.data[1].code = 8;
    check_fault(f, &m, PRULE_FUNC_CODE,
                "func1: its code is 4 bytes from 8 on, which is empty, too long, not in words or "
                "does not follow the function before");
    m = assemble(f, text);
    m.funcs.data[0].size_bytes = 11;
    check_fault(f, &m, PRULE_FUNC_CODE,
                "func0: its code is 11 bytes from 0 on, which is empty, too long, not in words or "
                "does not follow the function before");
    m = assemble(f, text);
    m.funcs.data[1].handler_count = 1;
    check_fault(f, &m, PRULE_FUNC_HANDLERS,
                "func1: its 1 handlers from number 2 on do not follow those of the function before "
                "or do not exist");
    m = assemble(f, text);
    m.funcs.data[1].first_handler = 0;
    check_fault(f, &m, PRULE_FUNC_HANDLERS,
                "func1: its 0 handlers from number 0 on do not follow those of the function before "
                "or do not exist");
    m = assemble(f, text);
    m.handlers.data[0].kind = 3;
    check_fault(f, &m, PRULE_HANDLER_KIND, "func0: handler 0 is of the unknown kind 3");
    m = assemble(f, text);
    m.handlers.data[0].call = 4;
    m.handlers.data[1].call = 0;
    check_fault(f, &m, PRULE_HANDLER_ORDER,
                "func0: handler 1 is for an earlier call than the one before");
    static const u32 bad_calls[] = {2, 8, 12, 0xfffffffc};
    for (u32 i = 0; i < ARRAY_LEN(bad_calls); i++) {
        PulleyFault fault;
        m = assemble(f, text);
        m.handlers.data[1].call = bad_calls[i];
        verdict(f, &m, &fault);
        assert_int_equal(fault.rule, PRULE_HANDLER_CALL);
    }
    static const PulleyRule rules[] = {PRULE_CODE_BYTES, PRULE_FUNC_HANDLERS, PRULE_HANDLER_KIND,
                                       PRULE_HANDLER_ORDER};
    for (u32 i = 0; i < ARRAY_LEN(rules); i++) {
        seen[rules[i]] = true;
    }
}

static void each_rule_is_enforced(void **state)
{
    Fixture *f = *state;
    bool seen[PRULE_COUNT] = {true};
    for (usize i = 0; i < ARRAY_LEN(cases); i++) {
        for (u32 big = 0; big < 2; big++) {
            PulleyModule m = assemble_in(f, cases[i].text, big != 0);
            check_fault(f, &m, cases[i].rule, cases[i].message);
        }
        seen[cases[i].rule] = true;
    }
    broken_declarations(f, seen);
    for (u32 rule = 0; rule < PRULE_COUNT; rule++) {
        if (!seen[rule]) {
            fail_msg("no test breaks rule %u", (unsigned)rule);
        }
    }
}

static void good_programs_pass(void **state)
{
    Fixture *f = *state;
    static const char *const texts[] = {
        "",
        SMALL("ret"),
        SMALL("xadd32 s2, s0, s1\nxadd32_acc s0, s2, s2\nbr_if32_acc s0, a\nfadd64 s1, s2, s3\n"
              "heap_store64_o8_facc s0, s1, 8\na:\nret"),
        SMALL("heap_load8_u32_o8 s15, s14, 1\nheap_load64 s1, s15, 4294967295\n"
              "call_table s2, s1, table0, type1\ncall_helper s12, f128_add\nret"),
        SMALL64("heap_load32_x64 s1, s2, 4\nheap_store8_g s1, s2, s3, memory0\nret"),
        SMALL("call s14, func0\ncatch context s15\ncatch tag0, a\ncatch all, a\na:\n"
              "return_call_import 2, import0, 0"),
        SMALL(
            "call s2, func1\ncall_far s2, func2\ncall_number s2, func1\nreturn_call func2") "func type0, window 16 {\ncall s14, func0\ncall_far s2, func2\nret\n}\n"
                                                                                            "func type0, window 64, frame 16 {\nenter 2, 16\ncall s2, func2\ncall s2, func1\n"
                                                                                            "return_call_big 2, func0, 16\n}\n",
        SMALL("throw s4, tag0\ncatch tag0, a\na:\nthrow_ref s14, s4\ncatch all, a"),
        BIG("enter 2, 16\na:\nspill_load s1, spill16\nspill_store_far s1, spill1\n"
            "args_block spill16, 12\ncall_import s16, import1\nbr_if32 s16, a\nret_big 1, 16"),
        BIG("enter 2, 16\nargs_block spill12, 12\nreturn_call_import 48, import1, 16"),
        BIG("enter 2, 16\nargs_block spill5, 5\ncall_ref s8, s1, type3\nreturn_call_big 2, func0, 16"),
        WIDE("enter_block 48, 16, 12\nspill_load s1, spill16\nret_big 1, 16"),
        RESULTS("enter 0, 16\nresult_store s1, 4\nret_big 48, 16"),
        "metered\n" SMALL("fuel 16777215\nret"),
        "groups base float\n" SMALL("fadd32 s1, s2, s3\nret"),
        "profile raw32\nsymbols 1\n" BIG("enter 2, 16\nstack_addr s1, 128\nraw_load32 s1, s1, -4\n"
                                         "symbol_addr s1, symbol0\ncode_addr s2, a\na:\n"
                                         "call_indirect s2, s1, type0\nret_big 1, 16"),
    };
    for (usize i = 0; i < ARRAY_LEN(texts); i++) {
        PulleyModule m = assemble_in(f, texts[i], i % 2 == 1);
        PulleyFault fault;
        assert_string_equal(verdict(f, &m, &fault), "");
    }
}

/* Nothing but refusal or a text that assembles to the same bytes may come of arbitrary code. */
static void arbitrary_bytes_do_no_harm(void **state)
{
    Fixture *f = *state;
    PulleyModule m = assemble(f, BIG("nop"));
    Rng rng;
    u32 accepted = 0;
    dv_rng_seed(&rng, 7);
    for (u32 trial = 0; trial < 20000; trial++) {
        ArenaMark mark = dv_arena_mark(&f->arena);
        u32 words = 1 + (u32)dv_rng_below(&rng, 6);
        u8 *code = dv_arena_alloc(&f->arena, words * 4, 4); /* a block of its own size for ASan */
        for (u32 i = 0; i < words * 4; i++) {
            code[i] = dv_rng_chance(&rng, 3) ? 0 : (u8)dv_rng_spread(&rng);
        }
        if (dv_rng_chance(&rng, 2)) { /* else next to nothing ends as it must */
            u8 *last = code + (words - 1) * 4;
            memset(last, 0, 4);
            dv_pulley_opcode(PULLEY_ret, last);
        }
        PulleyFault fault;
        m.code = code;
        m.code_size_bytes = words * 4;
        m.funcs.data[0].size_bytes = words * 4;
        m.funcs.data[0].frame = 0;
        accepted += dv_pulley_verify(&m, &f->arena, &fault);
        PulleyModule again = assemble(f, print_module(f, &m));
        assert_int_equal(again.code_size_bytes, words * 4);
        assert_memory_equal(again.code, code, words * 4);
        dv_arena_release_to(&f->arena, mark);
    }
    assert_true(accepted > 0);
}

/* A function of `copies` times the same 36 bytes: branches, calls, a table. */
static PulleyModule long_function(Fixture *f, u32 copies)
{
    PulleyModule m =
        assemble(f, TYPES "memory i32\nfunc type0, window 16 {\na:\nxadd32 s1, s2, s3\n"
                          "xadd32_acc s1, s1, s3\nbr_if_xeq32 s1, s2, a\n"
                          "heap_load32_o8 s1, s2, 4\ncall_number s4, func0\n"
                          "br_table s1, [a]\n}\n");
    u32 size = m.code_size_bytes;
    u8 *code = dv_arena_alloc(&f->arena, (usize)size * copies, 4);
    for (u32 i = 0; i < copies; i++) {
        memcpy(code + (usize)i * size, m.code, size);
    }
    m.code = code;
    m.code_size_bytes = size * copies;
    m.funcs.data[0].size_bytes = size * copies;
    return m;
}

/* The largest function is verified with three bits per word of memory, and everything is looked at. */
static void large_functions_pass(void **state)
{
    Fixture *f = *state;
    PulleyFault fault;
    PulleyModule m = long_function(f, PULLEY_CODE_MAX / 36);
    u64 before = f->pool.used_bytes;
    assert_string_equal(verdict(f, &m, &fault), "");
    assert_true(f->pool.used_bytes - before < PULLEY_CODE_MAX / 8);
    m = long_function(f, PULLEY_CODE_MAX / 36 + 1);
    verdict(f, &m, &fault);
    assert_int_equal(fault.rule, PRULE_FUNC_CODE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(each_rule_is_enforced),
        UNIT_TEST(good_programs_pass),
        UNIT_TEST(arbitrary_bytes_do_no_harm),
        UNIT_TEST(large_functions_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
