/* budget_testing.h - an allocator of the C API that fails after so many allocations, and counts what is not given back. */
#ifndef DV_TESTS_BUDGET_TESTING_H
#define DV_TESTS_BUDGET_TESTING_H

#include <stdlib.h>

#include "base/base.h"

typedef struct Budget {
    u64 left; /* allocations */
    i64 live;
} Budget;

static inline void *budget_alloc(void *context, size_t size)
{
    Budget *budget = context;
    if (budget->left == 0) {
        return NULL;
    }
    budget->left--;
    budget->live++;
    return malloc(size);
}

static inline void budget_free(void *context, void *memory, size_t size)
{
    Budget *budget = context;
    (void)size;
    budget->live--;
    free(memory);
}

#endif
