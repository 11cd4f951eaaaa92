/* rules.h - what the C that islec makes of rules/ includes: the types of its terms. */
#ifndef DV_ISA_X64_RULES_H
#define DV_ISA_X64_RULES_H

#include "codegen/isa/x64/target.h"
#include "rt/libcalls.h"

typedef VReg R8;
typedef VReg R16;
typedef VReg R32; /* of an i8 or i16, the low bits count */
typedef VReg R64;
typedef VReg F16; /* in an xmm register, whose other bits are undefined */
typedef VReg F32;
typedef VReg F64;
typedef VReg V128;
typedef u8 Done;  /* no result */
typedef u8 Flags; /* those that the last instruction has left */
typedef u32 Label;
typedef X64Cond Cond;
typedef X64Feature Feature;

/* What the last instruction's flags tell. */
typedef struct Test {
    u8 cond;
} Test;
#define ISLE_KEY_Test(x) ((x).cond)
#define ISLE_KEY_Feature(x) (x)

/* A register or memory, as a field of an instruction. */
typedef struct X64Field {
    u32 bits;
} X64Field;
typedef X64Field RM8;
typedef X64Field RM16;
typedef X64Field RM32;
typedef X64Field RM64;
typedef X64Field Mem8;
typedef X64Field Mem16;
typedef X64Field Mem32;
typedef X64Field Mem64;
typedef X64Field Mem128;
typedef X64Field XM32; /* an xmm register or memory of this size */
typedef X64Field XM64;
typedef X64Field XM128;
typedef X64Field XMA128; /* aligned to its size */
typedef X64Field Address;

#define ISLE_KEY_R8(x) ((x).id)
#define ISLE_KEY_R16(x) ((x).id)
#define ISLE_KEY_R32(x) ((x).id)
#define ISLE_KEY_R64(x) ((x).id)
#define ISLE_KEY_F16(x) ((x).id)
#define ISLE_KEY_F32(x) ((x).id)
#define ISLE_KEY_F64(x) ((x).id)
#define ISLE_KEY_V128(x) ((x).id)
#define ISLE_KEY_RM8(x) ((x).bits)
#define ISLE_KEY_RM16(x) ((x).bits)
#define ISLE_KEY_RM32(x) ((x).bits)
#define ISLE_KEY_RM64(x) ((x).bits)
#define ISLE_KEY_Mem8(x) ((x).bits)
#define ISLE_KEY_Mem16(x) ((x).bits)
#define ISLE_KEY_Mem32(x) ((x).bits)
#define ISLE_KEY_Mem64(x) ((x).bits)
#define ISLE_KEY_Mem128(x) ((x).bits)
#define ISLE_KEY_XM32(x) ((x).bits)
#define ISLE_KEY_XM64(x) ((x).bits)
#define ISLE_KEY_XM128(x) ((x).bits)
#define ISLE_KEY_XMA128(x) ((x).bits)
#define ISLE_KEY_Address(x) ((x).bits)
#define ISLE_KEY_Flags(x) (x)
#define ISLE_KEY_Cond(x) (x)

#define TERMS_PREFIX(name) x64_##name
#define TERMS_CONTEXT X64Context
#define TERMS_FUNC(ctx) ((ctx)->func)
#include "codegen/ir/terms.h"

R8 x64_inst_R8(X64Context *ctx, u32 op, const u64 *fields, u32 count);
R16 x64_inst_R16(X64Context *ctx, u32 op, const u64 *fields, u32 count);
R32 x64_inst_R32(X64Context *ctx, u32 op, const u64 *fields, u32 count);
R64 x64_inst_R64(X64Context *ctx, u32 op, const u64 *fields, u32 count);
F16 x64_inst_F16(X64Context *ctx, u32 op, const u64 *fields, u32 count);
F32 x64_inst_F32(X64Context *ctx, u32 op, const u64 *fields, u32 count);
F64 x64_inst_F64(X64Context *ctx, u32 op, const u64 *fields, u32 count);
V128 x64_inst_V128(X64Context *ctx, u32 op, const u64 *fields, u32 count);
Regs2 x64_inst_Regs2(X64Context *ctx, u32 op, const u64 *fields, u32 count);
Flags x64_inst_Flags(X64Context *ctx, u32 op, const u64 *fields, u32 count);
Done x64_inst_Done(X64Context *ctx, u32 op, const u64 *fields, u32 count);

#endif
