/* sieve.c - bytes of memory: the primes below five million by the sieve of Eratosthenes.
 *
 * usage: sieve [N]. N units of work, 50 without it. A unit sieves once; the limit shrinks a little each time. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIMIT = 5000000 };

static uint8_t composite[LIMIT];

/* Marks the composite numbers below `limit`; returns how many primes there are. */
static uint32_t sieve(uint32_t limit)
{
    uint32_t primes = 0;
    for (uint32_t i = 0; i < limit; i++) {
        composite[i] = i < 2;
    }
    for (uint32_t i = 2; i * i < limit; i++) {
        if (composite[i]) {
            continue;
        }
        for (uint32_t j = i * i; j < limit; j += i) {
            composite[j] = 1;
        }
    }
    for (uint32_t i = 0; i < limit; i++) {
        primes += !composite[i];
    }
    return primes;
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50, sum = 0, last = 0;
    for (uint32_t i = 0; i < units; i++) {
        sum = sum * 31 + sieve(LIMIT - i % 1000 * 997);
    }
    for (uint32_t i = 0; units > 0 && i < LIMIT - (units - 1) % 1000 * 997; i++) {
        last = composite[i] ? last : i;
    }
    printf("sieve: %08" PRIx32 ", largest prime %" PRIu32 "\n", sum, last);
    return 0;
}
