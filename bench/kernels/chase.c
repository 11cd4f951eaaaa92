/* chase.c - kernels/chase.clif in C. */
#include "bench/kernels/kernels.h"

/* Links are offsets, as in the CLIF: what is measured is the wait for one load after the other. */
typedef struct Node {
    u32 next;
    u32 unused;
    u32 number;
    u32 padding;
} Node;

u64 kernel_chase(void *memory, u32 n)
{
    u32 sum = 0, at = 0;
    for (u32 left = n; left > 0; left--) {
        Node *node = (Node *)memory + at / sizeof(Node);
        at = (at * 1664525 + 16) & (n - 1) * 16;
        node->next = at;
        node->number = left;
    }
    for (u32 round = 0; round < 8; round++) {
        u32 next = 0;
        do {
            const Node *node = (const void *)((const u8 *)memory + next);
            next = node->next;
            sum = (sum ^ node->number) + next;
        } while (next != 0);
    }
    return sum;
}
