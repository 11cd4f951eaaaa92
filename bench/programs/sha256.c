/* sha256.c - rotations and logic: SHA-256 (FIPS 180-4) of a text made by counting.
 *
 * The constants of the standard are computed, not listed: the first 32 bits of the fractional parts of the cube
 * roots of the first 64 primes, and of the square roots of the first eight, by integer arithmetic.
 *
 * usage: sha256 [N]. N units of work, 50 without it. A unit hashes two megabytes; the digest begins the next. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64, ROUNDS = 64, BLOCKS_PER_UNIT = 32768 };

typedef struct {
    uint32_t state[8];
    uint64_t length_bytes;
} Hash;

static uint32_t round_constants[ROUNDS], first_state[8];

/* The integer part of (x / 2^32)^power, by school multiplication in limbs of 32 bits, the lowest first. */
static uint32_t power_integer(uint64_t x, int power)
{
    uint32_t limbs[5] = {1}, factor[2] = {(uint32_t)x, (uint32_t)(x >> 32)};
    for (int n = 0; n < power; n++) {
        uint32_t product[5] = {0};
        for (int i = 0; i < 2; i++) {
            uint64_t carry = 0;
            for (int j = 0; i + j < 5; j++) {
                carry += product[i + j] + (uint64_t)limbs[j] * factor[i];
                product[i + j] = (uint32_t)carry;
                carry >>= 32;
            }
        }
        memcpy(limbs, product, sizeof limbs);
    }
    return limbs[power];
}

/* The first 32 bits of the fraction of p's root: the largest x with (x / 2^32)^power < p, by bisection. */
static uint32_t root_fraction(uint32_t p, int power)
{
    uint64_t root = 0;
    for (int bit = 36; bit >= 0; bit--) {
        uint64_t x = root | (uint64_t)1 << bit;
        if (power_integer(x, power) < p) {
            root = x;
        }
    }
    return (uint32_t)root;
}

static void compute_constants(void)
{
    int count = 0;
    for (uint32_t n = 2; count < ROUNDS; n++) {
        int prime = 1;
        for (uint32_t d = 2; d * d <= n; d++) {
            prime &= n % d != 0;
        }
        if (prime) {
            if (count < 8) {
                first_state[count] = root_fraction(n, 2);
            }
            round_constants[count++] = root_fraction(n, 3);
        }
    }
}

static uint32_t rotate(uint32_t x, int by)
{
    return x >> by | x << (32 - by);
}

static void add_block(Hash *hash, const uint8_t *block)
{
    uint32_t w[ROUNDS], a, b, c, d, e, f, g, h, *s = hash->state;
    for (int i = 0; i < 16; i++) {
        const uint8_t *p = block + 4 * i;
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
    for (int i = 16; i < ROUNDS; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (rotate(x, 7) ^ rotate(x, 18) ^ x >> 3) +
               (rotate(y, 17) ^ rotate(y, 19) ^ y >> 10);
    }
    a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) +
                      round_constants[i] + w[i];
        uint32_t t2 =
            (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    s[0] += a, s[1] += b, s[2] += c, s[3] += d;
    s[4] += e, s[5] += f, s[6] += g, s[7] += h;
}

static void store_be(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    }
}

/* The hash of `count` times `block`, whose end this pads as the standard says. */
static void hash_repeated(uint8_t *digest, const uint8_t *block, uint32_t count)
{
    Hash hash = {{0}, 0};
    uint8_t last[BLOCK_BYTES] = {0x80};
    memcpy(hash.state, first_state, sizeof first_state);
    for (uint32_t i = 0; i < count; i++) {
        add_block(&hash, block);
        hash.length_bytes += BLOCK_BYTES;
    }
    store_be(last + 56, hash.length_bytes * 8, 8);
    add_block(&hash, last);
    for (int i = 0; i < 8; i++) {
        store_be(digest + 4 * i, hash.state[i], 4);
    }
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50;
    uint8_t block[BLOCK_BYTES], digest[32] = {0};
    compute_constants();
    for (int i = 0; i < BLOCK_BYTES; i++) {
        block[i] = (uint8_t)i;
    }
    for (uint32_t i = 0; i < units; i++) {
        hash_repeated(digest, block, BLOCKS_PER_UNIT);
        memcpy(block, digest, sizeof digest);
    }
    printf("sha256: ");
    for (int i = 0; i < 32; i++) {
        printf("%02x", digest[i]);
    }
    printf("\n");
    return 0;
}
