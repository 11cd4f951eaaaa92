/* switch.c - kernels/switch.clif in C. */
#include "bench/kernels/kernels.h"

u64 kernel_switch(void *memory, u32 n)
{
    u8 *program = memory;
    u32 random = 1, x = 0;
    for (u32 i = 0; i < n; i++) {
        random = random * 1664525 + 1013904223;
        program[i] = (u8)(random >> 29);
    }
    for (u32 round = 0; n > 0 && round < 8; round++) {
        for (u32 i = 0; i < n; i++) {
            switch (program[i]) {
            case 0:
                x += 7;
                break;
            case 1:
                x ^= 0x5a5a5a5a;
                break;
            case 2:
                x *= 3;
                break;
            case 3:
                x = x << 1 | x >> 31;
                break;
            case 4:
                x -= i;
                break;
            case 5:
                x = ~x;
                break;
            case 6:
                x += i;
                break;
            case 7:
                x ^= x >> 5;
                break;
            default:
                break;
            }
        }
    }
    return x;
}
