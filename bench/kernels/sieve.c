/* sieve.c - kernels/sieve.clif in C. */
#include "bench/kernels/kernels.h"

u64 kernel_sieve(void *memory, u32 n)
{
    u8 *is_composite = memory;
    u32 count = 0;
    memset(is_composite, 0, n);
    for (u32 i = 2; i < n; i++) {
        if (is_composite[i] == 0) {
            count++;
            for (u32 multiple = i * i; multiple < n; multiple += i) {
                is_composite[multiple] = 1;
            }
        }
    }
    return count;
}
