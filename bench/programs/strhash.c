/* strhash.c - strings in a hash table: words are counted, looked up and removed; the table grows by itself.
 *
 * Open addressing, linear probes, FNV-1a; removal moves later entries back (Knuth 6.4, algorithm R), so that there
 * are no marks of removed ones. Keys are copies from malloc.
 *
 * usage: strhash [N]. N units of work, 50 without it. A unit counts 60,000 words of about 9,000 different ones,
 * looks up as many, and removes a third. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_PER_UNIT = 60000, WORD_BYTES = 32, FIRST_SLOTS = 16 };

typedef struct {
    char *key; /* NULL if the slot is free */
    uint32_t hash, count;
} Entry;

typedef struct {
    Entry *slots;
    uint32_t slot_count,
        used; /* slot_count is a power of two; used is at most three quarters of it */
} Table;

static uint32_t seed = 1;

static uint32_t random_below(uint32_t limit)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

static void *must(void *memory)
{
    if (!memory) {
        puts("strhash: out of memory");
        exit(1);
    }
    return memory;
}

static uint32_t hash_of(const char *key)
{
    uint32_t hash = 2166136261u;
    for (; *key; key++) {
        hash = (hash ^ (uint8_t)*key) * 16777619u;
    }
    return hash;
}

/* The slot that holds the key, or the free one where it would be put. */
static uint32_t find_slot(const Table *table, const char *key, uint32_t hash)
{
    uint32_t mask = table->slot_count - 1, at = hash & mask;
    while (table->slots[at].key &&
           (table->slots[at].hash != hash || strcmp(table->slots[at].key, key) != 0)) {
        at = (at + 1) & mask;
    }
    return at;
}

static void grow(Table *table)
{
    Table larger = {NULL, table->slot_count * 2, table->used};
    larger.slots = must(calloc(larger.slot_count, sizeof(Entry)));
    for (uint32_t i = 0; i < table->slot_count; i++) {
        const Entry *entry = &table->slots[i];
        if (entry->key) {
            larger.slots[find_slot(&larger, entry->key, entry->hash)] = *entry;
        }
    }
    free(table->slots);
    *table = larger;
}

static void count_word(Table *table, const char *key)
{
    uint32_t hash = hash_of(key), at = find_slot(table, key, hash);
    if (!table->slots[at].key) {
        size_t bytes = strlen(key) + 1;
        if ((table->used + 1) * 4 > table->slot_count * 3) {
            grow(table);
            at = find_slot(table, key, hash);
        }
        table->slots[at].key = must(malloc(bytes));
        memcpy(table->slots[at].key, key, bytes);
        table->slots[at].hash = hash;
        table->slots[at].count = 0;
        table->used++;
    }
    table->slots[at].count++;
}

static int remove_word(Table *table, const char *key)
{
    uint32_t mask = table->slot_count - 1, hole = find_slot(table, key, hash_of(key)), at = hole;
    if (!table->slots[hole].key) {
        return 0;
    }
    free(table->slots[hole].key);
    for (;;) {
        at = (at + 1) & mask;
        if (!table->slots[at].key) {
            break;
        }
        /* What began its search at or before the hole is moved into it. */
        if (((at - table->slots[at].hash) & mask) >= ((at - hole) & mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole].key = NULL;
    table->used--;
    return 1;
}

/* Word number n, always the same one. */
static const char *spell(uint32_t n, char word[WORD_BYTES])
{
    static const char *const parts[] = {"under", "over",  "sea",  "light",
                                        "wind",  "stone", "fire", "s"};
    size_t at = 0;
    for (n = n * 7 + 1; n > 0; n >>= 3) {
        const char *part = parts[n & 7];
        size_t bytes = strlen(part);
        memcpy(word + at, part, bytes);
        at += bytes;
    }
    word[at] = 0;
    return word;
}

static uint32_t run_unit(void)
{
    Table table = {must(calloc(FIRST_SLOTS, sizeof(Entry))), FIRST_SLOTS, 0};
    char word[WORD_BYTES];
    uint32_t sum = 0, found = 0, removed = 0;
    for (int i = 0; i < WORDS_PER_UNIT; i++) {
        count_word(&table, spell(random_below(1 + random_below(10000)), word));
    }
    for (int i = 0; i < WORDS_PER_UNIT; i++) {
        uint32_t at;
        spell(random_below(20000), word);
        at = find_slot(&table, word, hash_of(word));
        found += table.slots[at].key ? table.slots[at].count : 0;
    }
    for (uint32_t n = 0; n < 10000; n += 3) {
        removed += (uint32_t)remove_word(&table, spell(n, word));
    }
    for (uint32_t i = 0; i < table.slot_count; i++) {
        if (table.slots[i].key) {
            sum += table.slots[i].hash * table.slots[i].count;
            free(table.slots[i].key);
        }
    }
    free(table.slots);
    return sum ^ found ^ removed << 16;
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50, sum = 0;
    for (uint32_t i = 0; i < units; i++) {
        sum = sum * 31 + run_unit();
    }
    printf("strhash: %08" PRIx32 "\n", sum);
    return 0;
}
