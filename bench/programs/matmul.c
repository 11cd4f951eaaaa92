/* matmul.c - floating point in loops: products of square matrices of doubles, row by column.
 *
 * usage: matmul [N]. N units of work, 50 without it. A unit multiplies once and lets the product, scaled down,
 * replace the first factor. Every element is a sum in one fixed order, so results are the same everywhere. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 300 };

typedef double Matrix[SIDE][SIDE];

static Matrix a, b, c;

static void fill(Matrix m, uint32_t seed)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            seed = seed * 1103515245 + 12345;
            m[i][j] = (double)(seed >> 16 & 1023) / 1024 - 0.5;
        }
    }
}

static void multiply(Matrix product, Matrix left, Matrix right)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            double sum = 0;
            for (int k = 0; k < SIDE; k++) {
                sum += left[i][k] * right[k][j];
            }
            product[i][j] = sum;
        }
    }
}

/* Brings the product back to the size of its factors. */
static void scale(Matrix to, Matrix from)
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            to[i][j] = from[i][j] / 4;
        }
    }
}

static uint64_t checksum(Matrix m)
{
    uint64_t sum = 0, bits;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            memcpy(&bits, &m[i][j], sizeof bits);
            sum = (sum << 5 | sum >> 59) ^ bits;
        }
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50;
    fill(a, 1);
    fill(b, 2);
    for (uint32_t i = 0; i < units; i++) {
        multiply(c, a, b);
        scale(a, c);
    }
    printf("matmul: %016" PRIx64 ", corner %.9f\n", checksum(a), c[SIDE - 1][SIDE - 1]);
    return 0;
}
