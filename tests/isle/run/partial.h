/* partial.h - trees by number, as the rules of partial.isle expect. */
#ifndef DV_TESTS_ISLE_PARTIAL_H
#define DV_TESTS_ISLE_PARTIAL_H

#include "run.h"

typedef struct Tree {
    u32 id;
} Tree;
#define ISLE_KEY_Tree(x) ((x).id)

#endif
