/* rules.h - what the C that islec makes of rules/ includes: the types of its terms. */
#ifndef DV_ISA_PULLEY_RULES_H
#define DV_ISA_PULLEY_RULES_H

#include "codegen/isa/pulley/target.h"

typedef VReg
    R32; /* a slot whose low 32 bits count; of an i8 or i16 the low bits, of an f32 its bits */
typedef VReg R64;  /* a slot of which all counts */
typedef VReg Slot; /* a slot used as wide as the value it holds */
typedef Regs2 R128;
typedef u32 Label;
typedef u8 Done;    /* no result */
typedef u32 Helper; /* PulleyHelper */
typedef struct ImmCond {
    IntCC cc;
    i32 imm;
} ImmCond;

typedef struct HeapScaled { /* (x << n) + i */
    Value x;
    u32 n;
    i32 i;
} HeapScaled;

typedef struct LoopCond { /* goes to target `back` if d cc b, else to target `leave` */
    IntCC cc;
    u8 back, leave;
} LoopCond;

#define ISLE_KEY_R32(x) ((x).id)
#define ISLE_KEY_R64(x) ((x).id)
#define ISLE_KEY_Slot(x) ((x).id)
#define ISLE_KEY_R128(x) ((x).lo.id)
#define ISLE_KEY_WasmData(x) ((x).id)
#define ISLE_KEY_WasmElem(x) ((x).id)
#define ISLE_KEY_WasmFunc(x) ((x).id)
#define ISLE_KEY_WasmTag(x) ((x).id)
#define ISLE_KEY_WasmType(x) ((x).id)

#define TERMS_PREFIX(name) pul_##name
#define TERMS_CONTEXT PulContext
#define TERMS_FUNC(ctx) ((ctx)->func)
#include "codegen/ir/terms.h"

R32 pul_inst_R32(PulContext *ctx, u32 op, const u64 *fields, u32 count);
R64 pul_inst_R64(PulContext *ctx, u32 op, const u64 *fields, u32 count);
Slot pul_inst_Slot(PulContext *ctx, u32 op, const u64 *fields, u32 count);
R128 pul_inst_R128(PulContext *ctx, u32 op, const u64 *fields, u32 count);
Done pul_inst_Done(PulContext *ctx, u32 op, const u64 *fields, u32 count);

#endif
