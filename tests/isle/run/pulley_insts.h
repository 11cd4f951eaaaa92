/* pulley_insts.h - types the rules of pulley_insts.isle expect: registers are numbers, and instructions go to a list. */
#ifndef DV_TESTS_ISLE_PULLEY_INSTS_H
#define DV_TESTS_ISLE_PULLEY_INSTS_H

#include "run.h"

#include "pulley/pulley.h"

typedef struct TestReg {
    u32 number;
} TestReg;
typedef TestReg R32, R64, Slot, Value;
typedef struct R128 {
    TestReg lo, hi;
} R128;
typedef u32 Label;
typedef bool Done;
typedef u8 TrapCode;
typedef struct WasmMemory {
    u32 id;
} WasmMemory;

#define ISLE_KEY_R32(x) ((x).number)
#define ISLE_KEY_R64(x) ((x).number)
#define ISLE_KEY_Slot(x) ((x).number)
#define ISLE_KEY_Value(x) ((x).number)
#define ISLE_KEY_R128(x) ((x).lo.number)
#define ISLE_KEY_WasmMemory(x) ((x).id)

R32 t_inst_R32(Run *run, u32 op, const u64 *fields, u32 count);
R64 t_inst_R64(Run *run, u32 op, const u64 *fields, u32 count);
Slot t_inst_Slot(Run *run, u32 op, const u64 *fields, u32 count);
R128 t_inst_R128(Run *run, u32 op, const u64 *fields, u32 count);
Done t_inst_Done(Run *run, u32 op, const u64 *fields, u32 count);

#endif
