/* bitset.h - BitSet, a set of u32 numbers as words of bits in an arena.
 *
 * Zeroed memory is the empty set. It grows to the largest number inserted; numbers beyond are not
 * in it.
 */
#ifndef DV_BITSET_H
#define DV_BITSET_H

#include "arena.h"

typedef struct BitSet {
    u64 *words;
    u32 word_count;
} BitSet;

/* Makes room for the numbers below bound, so that inserting them does not grow the set. */
void dv_bitset_reserve(Arena *arena, BitSet *set, u32 bound);
/* True if it is new. */
bool dv_bitset_insert(Arena *arena, BitSet *set, u32 number);
/* True if it was there. */
bool dv_bitset_remove(BitSet *set, u32 number);
static inline bool dv_bitset_contains(const BitSet *set, u32 number)
{
    u32 word = number / 64;
    return word < set->word_count && ((set->words[word] >> (number % 64)) & 1) != 0;
}
/* Adds the members of other; true if set changed. */
bool dv_bitset_union_with(Arena *arena, BitSet *set, const BitSet *other);
/* Removes what is not in other; true if set changed. */
bool dv_bitset_intersect_with(BitSet *set, const BitSet *other);
/* Removes what is in other; true if set changed. */
bool dv_bitset_subtract(BitSet *set, const BitSet *other);
/* Empties it and keeps its memory. */
void dv_bitset_clear(BitSet *set);
u64 dv_bitset_count(const BitSet *set);
bool dv_bitset_any(const BitSet *set);
/* The smallest member not below from; false if there is none.
 *     for (u64 i = 0; dv_bitset_next(&set, i, &number); i = (u64)number + 1) { ... } */
bool dv_bitset_next(const BitSet *set, u64 from, u32 *number);

#endif
