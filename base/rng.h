/* rng.h - random numbers for tests and generators: xoshiro256** by Blackman and Vigna, its state
 * filled by splitmix64. The same seed gives the same numbers on every host. */
#ifndef DV_RNG_H
#define DV_RNG_H

#include "map.h"

typedef struct Rng {
    u64 state[4];
} Rng;

static inline void dv_rng_seed(Rng *rng, u64 seed)
{
    for (u32 i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        rng->state[i] = dv_hash_u64(seed);
    }
}

static inline u64 dv_rng_rotate(u64 x, u32 amount)
{
    return (x << amount) | (x >> (64 - amount));
}

static inline u64 dv_rng_next(Rng *rng)
{
    u64 *s = rng->state;
    u64 result = dv_rng_rotate(s[1] * 5, 7) * 9;
    u64 t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = dv_rng_rotate(s[3], 45);
    return result;
}

/* A number below bound, which is not zero. The bias is that of 64 bits. */
static inline u64 dv_rng_below(Rng *rng, u64 bound)
{
    return dv_rng_next(rng) % bound;
}

/* True once in `odds` times on average. */
static inline bool dv_rng_chance(Rng *rng, u64 odds)
{
    return dv_rng_below(rng, odds) == 0;
}

/* A number of a random width, so that small, large and all-ones values are all frequent. */
static inline u64 dv_rng_spread(Rng *rng)
{
    u64 x = dv_rng_next(rng);
    x >>= dv_rng_below(rng, 64);
    return dv_rng_chance(rng, 4) ? 0 - x : x;
}

#endif
