/* insts.h - the instructions of x86-64 as data: what the columns of insts.def
 * mean.
 *
 * An instruction has operands, in the order of Intel's text, each with a role,
 * a place and a width, and one encoding. All that is derived from this table:
 * the enumeration, the encoder (encode.c), text (print.c), the terms that rules
 * build instructions with, and the operands that the allocator sees.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual,
 * volume 2.
 */
#ifndef DV_ISA_X64_INSTS_H
#define DV_ISA_X64_INSTS_H

#include "rt/cpu.h"

/* Registers by number, of either class. */
enum {
    X64_RAX,
    X64_RCX,
    X64_RDX,
    X64_RBX,
    X64_RSP,
    X64_RBP,
    X64_RSI,
    X64_RDI,
    X64_R12 = 12,
    X64_R13,
    X64_REGS = 16,
    X64_NO_REG = 255
};

typedef enum X64Role {
    X64_NO_ROLE, /* ends the list */
    X64_USE,
    X64_DEF,
    X64_MOD,   /* read and written: two-address */
    X64_NUMBER /* no register or memory: a constant, condition or distance */
} X64Role;

/* Where an operand is encoded. */
typedef enum X64Place {
    X64_AT_REG,     /* a register in ModRM.reg */
    X64_AT_R,       /* a register in ModRM.rm */
    X64_AT_RM,      /* a register or memory in ModRM.rm */
    X64_AT_RMA,     /* the same; memory must be aligned to its size */
    X64_AT_MEM,     /* memory in ModRM.rm */
    X64_AT_ADDRESS, /* an address in ModRM.rm: nothing is read or written there */
    X64_AT_OPCODE,  /* a register in the opcode's low bits */
    X64_AT_V,       /* a register in VEX.vvvv */
    X64_AT_IS4,     /* a register in the high half of a last byte */
    X64_AT_RAX,     /* this register, and no bits for it */
    X64_AT_RCX,
    X64_AT_RDX,
    X64_AT_RBX,
    X64_AT_XMM0,
    /* numbers */
    X64_AT_COND,  /* X64Cond, added to the opcode */
    X64_AT_I8S,   /* 8 bits, sign-extended to the width of the instruction */
    X64_AT_I8,    /* 8 bits, signed or not */
    X64_AT_I16,   /* 16 bits, signed or not */
    X64_AT_I32S,  /* 32 bits, sign-extended to 64 */
    X64_AT_I32,   /* 32 bits, signed or not */
    X64_AT_I64,   /* 64 bits */
    X64_AT_REL8,  /* a signed distance from the end of the instruction */
    X64_AT_REL32, /* the same */
    X64_PLACES
} X64Place;

/* Bits of an operand that count, and where they are: a general register, or an
 * xmm register (F and V). */
typedef enum X64Width {
    X64_W_0, /* numbers and addresses */
    X64_W_8,
    X64_W_16,
    X64_W_32,
    X64_W_64,
    X64_W_128, /* two registers, or memory */
    X64_W_F16,
    X64_W_F32,
    X64_W_F64,
    X64_W_V128,
    X64_WIDTHS
} X64Width;

/* In the order of their encoding. */
typedef enum X64Cond {
    X64_CC_O,
    X64_CC_NO,
    X64_CC_B,
    X64_CC_AE,
    X64_CC_E,
    X64_CC_NE,
    X64_CC_BE,
    X64_CC_A,
    X64_CC_S,
    X64_CC_NS,
    X64_CC_P,
    X64_CC_NP,
    X64_CC_L,
    X64_CC_GE,
    X64_CC_LE,
    X64_CC_G,
    X64_CONDS
} X64Cond;

static inline X64Cond x64_cond_invert(X64Cond cond)
{
    return (X64Cond)(cond ^ 1);
}

enum {
    X64_FLAG_O = 1,
    X64_FLAG_S = 2,
    X64_FLAG_Z = 4,
    X64_FLAG_A = 8,
    X64_FLAG_P = 16,
    X64_FLAG_C = 32
};

typedef enum X64Flags {
#define FLAGS(name, read, defined, undefined) X64_FLAGS_##name,
#include "codegen/isa/x64/flags.def"
#undef FLAGS
    X64_FLAGS_KINDS
} X64Flags;

typedef struct X64FlagsInfo {
    u8 read, defined, undefined; /* sets of X64_FLAG_ */
} X64FlagsInfo;

/* Kinds of encodings. EVEX, when there is need of it, is one more. */
typedef enum X64Kind { X64_LEGACY, X64_LOCKED, X64_VEX } X64Kind;

/* Prefixes that are part of an encoding, in the order of VEX.pp. */
typedef enum X64Prefix { X64_PP_NP, X64_PP_66, X64_PP_F3, X64_PP_F2 } X64Prefix;

/* Opcode maps, in the order of VEX.mmmmm. */
typedef enum X64Map { X64_MAP_1, X64_MAP_0F, X64_MAP_0F38, X64_MAP_0F3A } X64Map;

/* What follows the opcode. */
enum {
    X64_MODRM_0, /* ModRM with this digit in reg */
    X64_MODRM_1,
    X64_MODRM_2,
    X64_MODRM_3,
    X64_MODRM_4,
    X64_MODRM_5,
    X64_MODRM_6,
    X64_MODRM_7,
    X64_MODRM_r,            /* ModRM with a register in reg */
    X64_MODRM_none,         /* no ModRM */
    X64_MODRM_BYTE = 0x100, /* and up: this byte */
    X64_MODRM_F0 = X64_MODRM_BYTE | 0xf0,
    X64_MODRM_FA = X64_MODRM_BYTE | 0xfa
};

typedef struct X64Encoding {
    u8 kind;   /* X64Kind */
    u8 prefix; /* X64Prefix */
    u8 map;    /* X64Map */
    u8 opcode;
    u16 modrm; /* X64_MODRM_ */
    bool w;    /* REX.W or VEX.W */
} X64Encoding;

typedef struct X64Spec {
    u8 role, place, width; /* X64Role, X64Place, X64Width */
    bool hidden;           /* not in the text */
} X64Spec;

enum { X64_OPERANDS_MAX = 5 };

typedef struct X64Inst {
    const char *name, *text;
    X64Spec operands[X64_OPERANDS_MAX + 1];
    X64Encoding encoding;
    u8 feature; /* X64Feature */
    u8 flags;   /* X64Flags */
} X64Inst;

typedef enum X64Op {
#define INST(name, text, operands, encoding, feature, flags) X64_##name,
#include "codegen/isa/x64/insts.def"
#undef INST
    X64_OP_COUNT
} X64Op;

/* insts.c */
extern const X64Inst dv_x64_insts[X64_OP_COUNT];
extern const X64FlagsInfo dv_x64_flags[X64_FLAGS_KINDS];
extern const char *const dv_x64_cond_names[X64_CONDS];
u32 dv_x64_operand_count(X64Op op);

static inline bool x64_width_is_xmm(u32 width)
{
    return width >= X64_W_F16;
}
/* What memory of this width takes. */
u32 dv_x64_width_bytes(u32 width);

#endif
