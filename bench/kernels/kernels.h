/* kernels.h - the programs of this folder's .clif files in C: the same algorithms on the same bytes. */
#ifndef DV_BENCH_KERNELS_H
#define DV_BENCH_KERNELS_H

#include <string.h>

#include "base/base.h"

enum { KERNEL_MEMORY_BYTES = 16 << 16 };

/* Memory is aligned for every type; `n` is the size of the problem. The result is that of the CLIF
 * function, narrow ones zero-extended, floats as bits. */
typedef u64 Kernel(void *memory, u32 n);

Kernel kernel_fib, kernel_sieve, kernel_matmul, kernel_quicksort, kernel_chase, kernel_switch;

#endif
