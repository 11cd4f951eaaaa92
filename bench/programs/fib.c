/* fib.c - calls: Fibonacci's numbers by the definition, two recursive calls each.
 *
 * gcc would otherwise inline the function into itself several levels deep and so make a tenth of the calls, clang
 * would not: `noinline` lets both measure calls.
 *
 * usage: fib [N]. N units of work, 50 without it. A unit computes fib(33) or fib(34) by turns, so that no
 * compiler finds the same call twice in a row and makes it once. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) static uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50, sum = 0;
    for (uint32_t i = 0; i < units; i++) {
        sum = sum * 3 + fib(33 + i % 2);
    }
    printf("fib: %08" PRIx32 "\n", sum);
    return 0;
}
