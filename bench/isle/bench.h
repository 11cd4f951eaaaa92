/* bench.h - types the generated rules expect. */
#ifndef DV_BENCH_ISLE_BENCH_H
#define DV_BENCH_ISLE_BENCH_H

#include "base/base.h"

typedef u32 Node;

typedef struct Row {
    u32 op, type;
    Node args[2];
    u32 constant; /* UINT32_MAX: the row is no constant */
} Row;

typedef struct Bench {
    Row *rows;
} Bench;

#endif
