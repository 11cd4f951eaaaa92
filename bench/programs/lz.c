/* lz.c - bytes compared and copied: a compressor after Lempel and Ziv (1977), its decompressor, and a text that
 * is worth compressing.
 *
 * Compressed data are tokens. A byte below 128 announces that many literal bytes plus one; a byte of 128 or more a
 * copy of its low seven bits plus MIN_MATCH bytes from what was written before, at the distance that two more
 * bytes hold. Earlier places are found by a hash of three bytes and chains through a window of 32 KiB, of
 * which the first CHAIN are tried.
 *
 * usage: lz [N]. N units of work, 50 without it. A unit makes 300 KB of text, compresses it and puts it back. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_BYTES = 300000,
    PACKED_BYTES = TEXT_BYTES + TEXT_BYTES / 64 + 16,
    WINDOW = 32768,
    HASHES = 8192,
    CHAIN = 24,
    MIN_MATCH = 3,
    MAX_MATCH = MIN_MATCH + 127,
    MAX_LITERALS = 128
};

static uint8_t text[TEXT_BYTES], packed[PACKED_BYTES], unpacked[TEXT_BYTES];
/* Places plus one, so that zero is none: the last one of a hash, and the one before in a chain. */
static uint32_t heads[HASHES], previous[WINDOW];
static uint32_t seed = 1;

static uint32_t random_below(uint32_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

/* Words of syllables, of which frequent ones are drawn more often, in sentences. */
static void make_text(void)
{
    static const char *const syllables[] = {"ta", "ren", "lo", "mi",  "sel", "du",  "or", "an",
                                            "ke", "vis", "pa", "thu", "el",  "gon", "ri", "bes"};
    uint32_t at = 0, words = 0;
    while (at + 24 < TEXT_BYTES) {
        uint32_t word = random_below(1 + random_below(4000));
        for (uint32_t bits = word + 1; bits; bits >>= 4) {
            for (const char *s = syllables[bits & 15]; *s; s++) {
                text[at++] = (uint8_t)*s;
            }
        }
        text[at++] = ++words % 11 == 0 ? '.' : ' ';
    }
    while (at < TEXT_BYTES) {
        text[at++] = '\n';
    }
}

static uint32_t hash_at(uint32_t at)
{
    uint32_t three =
        (uint32_t)text[at] | (uint32_t)text[at + 1] << 8 | (uint32_t)text[at + 2] << 16;
    return three * 2654435761u >> 19;
}

static void remember(uint32_t at)
{
    if (at + MIN_MATCH <= TEXT_BYTES) {
        uint32_t hash = hash_at(at);
        previous[at % WINDOW] = heads[hash];
        heads[hash] = at + 1;
    }
}

static uint32_t match_length(uint32_t a, uint32_t b)
{
    uint32_t limit = TEXT_BYTES - b < MAX_MATCH ? TEXT_BYTES - b : MAX_MATCH, n = 0;
    while (n < limit && text[a + n] == text[b + n]) {
        n++;
    }
    return n;
}

/* The longest earlier match of what begins at `at`; below MIN_MATCH if there is none. */
static uint32_t find_match(uint32_t at, uint32_t *distance)
{
    uint32_t best = 0, place;
    if (at + MIN_MATCH > TEXT_BYTES) {
        return 0;
    }
    place = heads[hash_at(at)];
    for (int tries = 0; tries < CHAIN && place > 0 && at - (place - 1) < WINDOW; tries++) {
        uint32_t length = match_length(place - 1, at);
        if (length > best) {
            best = length;
            *distance = at - (place - 1);
        }
        place = previous[(place - 1) % WINDOW];
    }
    return best;
}

static uint32_t put_literals(uint32_t out, uint32_t from, uint32_t to)
{
    while (from < to) {
        uint32_t count = to - from < MAX_LITERALS ? to - from : MAX_LITERALS;
        packed[out++] = (uint8_t)(count - 1);
        memcpy(packed + out, text + from, count);
        out += count;
        from += count;
    }
    return out;
}

static uint32_t compress(void)
{
    uint32_t out = 0, literals = 0, at = 0, distance = 0;
    memset(heads, 0, sizeof heads);
    while (at < TEXT_BYTES) {
        uint32_t length = find_match(at, &distance);
        if (length < MIN_MATCH) {
            remember(at++);
            continue;
        }
        out = put_literals(out, literals, at);
        packed[out++] = (uint8_t)(128 | (length - MIN_MATCH));
        packed[out++] = (uint8_t)distance;
        packed[out++] = (uint8_t)(distance >> 8);
        while (length-- > 0) {
            remember(at++);
        }
        literals = at;
    }
    return put_literals(out, literals, at);
}

static uint32_t decompress(uint32_t count)
{
    uint32_t in = 0, out = 0;
    while (in < count) {
        uint32_t token = packed[in++], length = (token & 127) + (token < 128 ? 1 : MIN_MATCH);
        if (token < 128) {
            memcpy(unpacked + out, packed + in, length);
            in += length;
            out += length;
        } else {
            uint32_t distance = packed[in] | (uint32_t)packed[in + 1] << 8;
            in += 2;
            for (; length > 0; length--, out++) {
                unpacked[out] = unpacked[out - distance];
            }
        }
    }
    return out;
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50, sum = 0, total = 0;
    for (uint32_t i = 0; i < units; i++) {
        uint32_t count;
        make_text();
        count = compress();
        if (decompress(count) != TEXT_BYTES || memcmp(text, unpacked, TEXT_BYTES) != 0) {
            printf("lz: unit %" PRIu32 " did not come back\n", i);
            return 1;
        }
        for (uint32_t j = 0; j < count; j++) {
            sum = (sum << 3 | sum >> 29) ^ packed[j];
        }
        total += count;
    }
    printf("lz: %08" PRIx32 ", %" PRIu32 " bytes became %" PRIu32 "\n", sum, units * TEXT_BYTES,
           total);
    return 0;
}
