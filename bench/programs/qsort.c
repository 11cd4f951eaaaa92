/* qsort.c - branches that nobody can predict: quicksort of numbers in place, and of records through a function
 * that compares.
 *
 * Hoare's partition around the median of three, the smaller part first by recursion, the larger by the loop,
 * insertion sort for what is short.
 *
 * usage: qsort [N]. N units of work, 50 without it. A unit sorts 120,000 numbers and 30,000 records. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 120000, RECORDS = 30000, SHORT = 12 };

typedef struct {
    uint32_t key, serial;
    char name[8];
} Record;

typedef int Compare(const Record *a, const Record *b);

static uint32_t numbers[NUMBERS];
static Record records[RECORDS];
static uint32_t seed = 1;

static uint32_t random_bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static uint32_t median(uint32_t a, uint32_t b, uint32_t c)
{
    if (a < b) {
        return b < c ? b : a < c ? c : a;
    }
    return a < c ? a : b < c ? c : b;
}

static void sort_numbers(uint32_t *v, int count)
{
    while (count > SHORT) {
        uint32_t pivot = median(v[0], v[count / 2], v[count - 1]);
        int i = 0, j = count - 1;
        while (i <= j) {
            while (v[i] < pivot) {
                i++;
            }
            while (v[j] > pivot) {
                j--;
            }
            if (i <= j) {
                uint32_t swap = v[i];
                v[i++] = v[j];
                v[j--] = swap;
            }
        }
        if (j + 1 < count - i) {
            sort_numbers(v, j + 1);
            v += i;
            count -= i;
        } else {
            sort_numbers(v + i, count - i);
            count = j + 1;
        }
    }
    for (int i = 1; i < count; i++) {
        uint32_t moving = v[i];
        int j = i;
        for (; j > 0 && v[j - 1] > moving; j--) {
            v[j] = v[j - 1];
        }
        v[j] = moving;
    }
}

static void sort_records(Record *v, int count, Compare *compare)
{
    while (count > 1) {
        Record pivot = v[count / 2];
        int i = 0, j = count - 1;
        while (i <= j) {
            while (compare(&v[i], &pivot) < 0) {
                i++;
            }
            while (compare(&v[j], &pivot) > 0) {
                j--;
            }
            if (i <= j) {
                Record swap = v[i];
                v[i++] = v[j];
                v[j--] = swap;
            }
        }
        if (j + 1 < count - i) {
            sort_records(v, j + 1, compare);
            v += i;
            count -= i;
        } else {
            sort_records(v + i, count - i, compare);
            count = j + 1;
        }
    }
}

/* Orders are total (serials differ), so that there is one sorted sequence. */
static int by_serial(const Record *a, const Record *b)
{
    return (a->serial > b->serial) - (a->serial < b->serial);
}

static int by_key(const Record *a, const Record *b)
{
    return a->key != b->key ? (a->key > b->key ? 1 : -1) : by_serial(a, b);
}

static int by_name(const Record *a, const Record *b)
{
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : -by_serial(a, b);
}

static void fill(void)
{
    for (int i = 0; i < NUMBERS; i++) {
        numbers[i] = random_bits();
    }
    for (int i = 0; i < RECORDS; i++) {
        Record *record = &records[i];
        record->key = random_bits() % 1000;
        record->serial = (uint32_t)i;
        for (int j = 0; j < 7; j++) {
            record->name[j] = (char)('a' + random_bits() % 4);
        }
    }
}

static uint32_t checksum(uint32_t sum)
{
    for (int i = 0; i < NUMBERS; i++) {
        sum = (sum << 1 | sum >> 31) ^ numbers[i];
    }
    for (int i = 0; i < RECORDS; i++) {
        sum = (sum << 1 | sum >> 31) ^ records[i].serial;
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint32_t units = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50, sum = 0;
    Compare *orders[] = {by_key, by_name, by_serial};
    for (uint32_t i = 0; i < units; i++) {
        fill();
        sort_numbers(numbers, NUMBERS);
        sort_records(records, RECORDS, orders[i % 3]);
        sum = checksum(sum);
    }
    printf("qsort: %08" PRIx32 "\n", sum);
    return 0;
}
