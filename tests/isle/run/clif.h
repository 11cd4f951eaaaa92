/* clif.h - a small graph of instructions, as the rules of clif.isle expect. */
#ifndef DV_TESTS_ISLE_CLIF_H
#define DV_TESTS_ISLE_CLIF_H

#include "codegen/ir/ir.h"
#include "run.h"

typedef u32 Code;
typedef u64 Imm64;
typedef u32 ValueList;
#define ISLE_KEY_Value(x) ((x).id)
#define ISLE_KEY_Inst(x) ((x).id)

#endif
