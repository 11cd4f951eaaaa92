/* laws.h - types the rules of laws.isle expect. */
#ifndef DV_TESTS_ISLE_LAWS_H
#define DV_TESTS_ISLE_LAWS_H

#include "clif.h"

typedef u64 Reg;
typedef u32 Address;
typedef i32 Offset32;

#endif
