/* mandel.c - floating point in registers: how soon points of the plane leave Mandelbrot's set.
 *
 * usage: mandel [N]. N units of work, 50 without it. A unit is a row of 600 points, 30,000 iterations at most each,
 * of a picture of N rows. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 600, LIMIT = 30000 };

static uint32_t iterations(double x, double y)
{
    double zx = 0, zy = 0, zx2 = 0, zy2 = 0;
    uint32_t count = 0;
    while (count < LIMIT && zx2 + zy2 <= 4) {
        zy = 2 * zx * zy + y;
        zx = zx2 - zy2 + x;
        zx2 = zx * zx;
        zy2 = zy * zy;
        count++;
    }
    return count;
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50, sum = 0, inside = 0;
    for (uint32_t row = 0; row < units; row++) {
        double y = 2.4 * (row + 0.5) / units - 1.2;
        for (uint32_t column = 0; column < WIDTH; column++) {
            uint32_t count = iterations(column * 3.0 / (double)WIDTH - 2.2, y);
            inside += count == LIMIT;
            sum = sum * 31 + count;
        }
    }
    printf("mandel: %08" PRIx32 ", %" PRIu32 " points inside\n", sum, inside);
    return 0;
}
