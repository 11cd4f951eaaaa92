/* matmul.c - kernels/matmul.clif in C. */
#include "bench/kernels/kernels.h"

static DV_NOINLINE void fill(double *matrix, u32 count, u32 step)
{
    for (u32 i = 0, x = 0; i < count; i++, x += step) {
        matrix[i] = (i32)(x % 7) - 3;
    }
}

u64 kernel_matmul(void *memory, u32 n)
{
    usize side = n;
    double *a = memory, *b = a + side * side, *c = b + side * side, sum = 0;
    u64 bits;
    fill(a, n * n, 2);
    fill(b, n * n, 3);
    for (usize i = 0; i < side; i++) {
        for (usize j = 0; j < side; j++) {
            double element = 0;
            for (usize k = 0; k < side; k++) {
                element += a[i * side + k] * b[k * side + j];
            }
            c[i * side + j] = element;
        }
    }
    for (usize i = 0; i < side * side; i++) {
        sum = c[i] - sum;
    }
    memcpy(&bits, &sum, sizeof bits);
    return bits;
}
