/* notation.h - the short names that rows of insts.def are written with. For
 * files that make structures of the rows. */
#ifndef DV_ISA_X64_NOTATION_H
#define DV_ISA_X64_NOTATION_H

#include "codegen/isa/x64/insts.h"

/* Operands: used, defined, modified; the same, not in the text (H); numbers. */
#define U(place, width) \
    { \
        X64_USE, X64_AT_##place, X64_W_##width, false \
    }
#define D(place, width) \
    { \
        X64_DEF, X64_AT_##place, X64_W_##width, false \
    }
#define M(place, width) \
    { \
        X64_MOD, X64_AT_##place, X64_W_##width, false \
    }
#define HU(place, width) \
    { \
        X64_USE, X64_AT_##place, X64_W_##width, true \
    }
#define HD(place, width) \
    { \
        X64_DEF, X64_AT_##place, X64_W_##width, true \
    }
#define HM(place, width) \
    { \
        X64_MOD, X64_AT_##place, X64_W_##width, true \
    }
#define N(place) \
    { \
        X64_NUMBER, X64_AT_##place, X64_W_0, false \
    }
#define LIST(...) \
    { \
        __VA_ARGS__ \
    }
#define NOTHING \
    { \
        X64_NO_ROLE, 0, 0, false \
    }

/* Encodings, spelled as the manual does. */
#define LEG(pp, map, opcode, modrm, w) \
    { \
        X64_LEGACY, X64_PP_##pp, X64_MAP_##map, opcode, X64_MODRM_##modrm, X64_##w \
    }
#define LOCK(pp, map, opcode, modrm, w) \
    { \
        X64_LOCKED, X64_PP_##pp, X64_MAP_##map, opcode, X64_MODRM_##modrm, X64_##w \
    }
/* VEX.128, or where the length does not count: LIG. */
#define VEX(length, pp, map, opcode, modrm, w) \
    { \
        X64_VEX, X64_PP_##pp, X64_MAP_##map, opcode, X64_MODRM_##modrm, X64_##w \
    }

enum { X64_W0 = 0, X64_WIG = 0, X64_W1 = 1 };

#endif
