/* fib.c - kernels/fib.clif in C. */
#include "bench/kernels/kernels.h"

static DV_NOINLINE u32 fib(u32 n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

u64 kernel_fib(void *memory, u32 n)
{
    (void)memory;
    return fib(n);
}
