/* bitset.c - BitSet. Words grow at least twofold, so inserting rising numbers is amortised
 * constant. */
#include "bitset.h"

static void grow_to_words(Arena *arena, BitSet *set, u32 needed)
{
    if (needed <= set->word_count) {
        return;
    }
    u32 count = set->word_count * 2 < needed ? needed : set->word_count * 2;
    usize old_size = set->word_count * sizeof(u64);
    usize size;
    if (dv_mul_overflows(count, sizeof(u64), &size)) {
        dv_escape(arena->pool, DAVIT_ERROR_LIMIT);
    }
    set->words = dv_arena_grow(arena, set->words, old_size, size, _Alignof(u64));
    memset(set->words + set->word_count, 0, size - old_size);
    set->word_count = count;
}

void dv_bitset_reserve(Arena *arena, BitSet *set, u32 bound)
{
    grow_to_words(arena, set, bound / 64 + (bound % 64 != 0));
}

bool dv_bitset_insert(Arena *arena, BitSet *set, u32 number)
{
    grow_to_words(arena, set, number / 64 + 1);
    u64 bit = (u64)1 << (number % 64);
    bool is_new = (set->words[number / 64] & bit) == 0;
    set->words[number / 64] |= bit;
    return is_new;
}

bool dv_bitset_remove(BitSet *set, u32 number)
{
    if (!dv_bitset_contains(set, number)) {
        return false;
    }
    set->words[number / 64] &= ~((u64)1 << (number % 64));
    return true;
}

bool dv_bitset_union_with(Arena *arena, BitSet *set, const BitSet *other)
{
    u32 last = other->word_count;
    while (last > 0 && other->words[last - 1] == 0) {
        last--;
    }
    grow_to_words(arena, set, last);
    u64 added = 0;
    for (u32 i = 0; i < last; i++) {
        added |= other->words[i] & ~set->words[i];
        set->words[i] |= other->words[i];
    }
    return added != 0;
}

bool dv_bitset_intersect_with(BitSet *set, const BitSet *other)
{
    u64 removed = 0;
    for (u32 i = 0; i < set->word_count; i++) {
        u64 keep = i < other->word_count ? other->words[i] : 0;
        removed |= set->words[i] & ~keep;
        set->words[i] &= keep;
    }
    return removed != 0;
}

bool dv_bitset_subtract(BitSet *set, const BitSet *other)
{
    u64 removed = 0;
    for (u32 i = 0; i < set->word_count && i < other->word_count; i++) {
        removed |= set->words[i] & other->words[i];
        set->words[i] &= ~other->words[i];
    }
    return removed != 0;
}

void dv_bitset_clear(BitSet *set)
{
    if (set->word_count != 0) {
        memset(set->words, 0, set->word_count * sizeof(u64));
    }
}

u64 dv_bitset_count(const BitSet *set)
{
    u64 count = 0;
    for (u32 i = 0; i < set->word_count; i++) {
        count += dv_popcount64(set->words[i]);
    }
    return count;
}

bool dv_bitset_any(const BitSet *set)
{
    u32 number;
    return dv_bitset_next(set, 0, &number);
}

bool dv_bitset_next(const BitSet *set, u64 from, u32 *number)
{
    u64 skip = from % 64;
    for (u64 i = from / 64; i < set->word_count; i++) {
        u64 word = set->words[i] >> skip << skip;
        if (word != 0) {
            *number = (u32)(i * 64 + dv_ctz64(word));
            return true;
        }
        skip = 0;
    }
    return false;
}
