/* vcode.h - a function as machine instructions on virtual registers: what lowering makes and the allocator and
 * the emitter read.
 *
 * An instruction is an operation of its target, a run of operands (registers, with the roles the allocator
 * knows) and a run of numbers (constants, labels, entities), whose meaning the target's tables tell. The arrays are those
 * of an RaFunc, so that allocation needs no translation. Blocks are in the order of the code; block numbers serve as labels.
 *
 * Lowering works from the end to the beginning. It emits the instructions of one CLIF instruction in their
 * order, and dv_vcode_flush puts them before what is there; dv_vcode_finish turns everything around.
 */
#ifndef DV_MACH_VCODE_H
#define DV_MACH_VCODE_H

#include "codegen/ir/ir.h"
#include "codegen/regalloc/regalloc.h"

enum { VCODE_OPERANDS_MAX = UINT16_MAX };

typedef struct VInst {
    u16 op;   /* of the target */
    u32 imms; /* the first, in VCode.imms */
    u32 num_imms;
    u32 srcloc;  /* SRCLOC_NONE */
    u32 ir_inst; /* whose tags and stack map it carries; ENTITY_NONE */
} VInst;

/* What an instruction will be, before it is emitted. */
typedef struct VInstDraft {
    u16 op;
    u8 flags;    /* RA_INST_* */
    u8 clobbers; /* index into VCode.clobbers */
    const RaOperand *operands;
    u32 num_operands;
    const u64 *imms;
    u32 num_imms;
} VInstDraft;

typedef VEC(VReg) VRegList;

typedef struct VCode {
    Arena *arena;
    const RaMachine *machine;
    VEC(RaInst) ra_insts;
    VEC(VInst) insts; /* parallel to ra_insts */
    VEC(RaOperand) operands;
    VEC(u64) imms;
    VEC(u8) vreg_classes;
    VEC(u32) vreg_alias; /* what it is another name of; itself */
    VEC(RaClobbers) clobbers;
    VEC(RaBlock) blocks;
    VRegList params, args;
    VEC(u32) preds, succs, edge_args;
    u32 unflushed;       /* instructions after this one are those of the CLIF instruction at hand */
    u32 srcloc, ir_inst; /* for what is emitted next */
} VCode;

/* vcode.c */
void dv_vcode_init(VCode *v, Arena *arena, const RaMachine *machine);
VReg dv_vcode_vreg(VCode *v, u32 class);
/* `name` becomes another name of what `vreg` will be. */
void dv_vcode_set_alias(VCode *v, VReg name, VReg vreg);
VReg dv_vcode_resolve(VCode *v, VReg vreg);
void dv_vcode_emit(VCode *v, const VInstDraft *draft);
/* A set of clobbered registers, shared with an equal one. */
u8 dv_vcode_clobbers(VCode *v, const RaClobbers *clobbers);
void dv_vcode_flush(VCode *v);
/* Puts instructions into their order, resolves aliases, fills the predecessors, and gives the allocator's view. Blocks were
 * begun from the last to the first: `begins[i]` is how many instructions there were before block i was lowered, which is the
 * number lowered after it. */
void dv_vcode_finish(VCode *v, const u32 *begins, RaFunc *out);
/* As text, for people: the operation's name by `name`. */
void dv_vcode_print(TextBuf *out, const VCode *v, const char *(*name)(u32 op));

static inline RaOperand ra_use(VReg vreg)
{
    return (RaOperand){vreg, 0, RA_REG, RA_USE | RA_EARLY};
}
static inline RaOperand ra_use_any(VReg vreg)
{
    return (RaOperand){vreg, 0, RA_ANY, RA_USE | RA_EARLY};
}
static inline RaOperand ra_use_fixed(VReg vreg, PReg reg)
{
    return (RaOperand){vreg, reg.id, RA_FIXED, RA_USE | RA_EARLY};
}
static inline RaOperand ra_def(VReg vreg)
{
    return (RaOperand){vreg, 0, RA_REG, RA_DEF | RA_LATE};
}
static inline RaOperand ra_def_any(VReg vreg)
{
    return (RaOperand){vreg, 0, RA_ANY, RA_DEF | RA_LATE};
}
static inline RaOperand ra_def_fixed(VReg vreg, PReg reg)
{
    return (RaOperand){vreg, reg.id, RA_FIXED, RA_DEF | RA_LATE};
}
/* In the register of use operand `of`. */
static inline RaOperand ra_def_reuse(VReg vreg, u32 of)
{
    return (RaOperand){vreg, (u16)of, RA_REUSE, RA_DEF | RA_LATE};
}

#endif
