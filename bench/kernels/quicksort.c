/* quicksort.c - kernels/quicksort.clif in C. */
#include "bench/kernels/kernels.h"

static DV_NOINLINE void sort(i32 *first, i32 *last)
{
    do {
        i32 pivot = first[(last - first) / 2];
        i32 *low = first, *high = last;
        do {
            while (*low < pivot) {
                low++;
            }
            while (*high > pivot) {
                high--;
            }
            if (low <= high) {
                i32 number = *low;
                *low++ = *high;
                *high-- = number;
            }
        } while (low <= high);
        if (first < high) {
            sort(first, high);
        }
        first = low;
    } while (first < last);
}

u64 kernel_quicksort(void *memory, u32 n)
{
    i32 *numbers = memory;
    u32 random = 1, sum = 0;
    if (n < 2) {
        return n;
    }
    for (u32 i = 0; i < n; i++) {
        random = random * 1664525 + 1013904223;
        numbers[i] = (i32)random >> 1;
    }
    sort(numbers, numbers + n - 1);
    for (u32 i = 0; i < n; i++) {
        sum = sum * 31 + (u32)numbers[i];
    }
    return sum;
}
