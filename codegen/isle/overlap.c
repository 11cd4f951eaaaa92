/* overlap.c - which rules overlap, which is stricter, in which order rules are tried.
 *
 * Two rules overlap unless they ask one question and expect different answers. A rule is stricter than another
 * if its tests include the other's and more. Rules that ~ made from one form count as one: a form is stricter than
 * another if each of its rules includes some rule of the other, and not the other way round.
 *
 * The order: higher priority first; among equals the form with more tests, then the one written first. A
 * stricter form has more tests, so it comes first; that is checked, not assumed. Errors are
 * pairs of equal priority that overlap without one being stricter (with --strict: every overlapping pair of
 * equal priority), and rules all of whose inputs are taken by a rule of higher priority. In a multi-term
 * every rule that matches gives a result, so nothing of this is an error there.
 *
 * Pairs are found by splitting: among many rules, take the question most of them ask; rules with different answers
 * need no comparison. 5,000 rules over 200 operations make some ten thousand pairs, not twelve million.
 */
#include <stdlib.h>

#include "back.h"

typedef struct Ranked {
    i64 priority;
    u32 key_count;  /* of the group */
    u32 rule_count; /* of the group */
    u32 rule;
} Ranked;

typedef struct RuleList {
    u32 *rules;
    u32 count;
} RuleList;

typedef struct Finder {
    MatchSet *set;
    VEC(RuleList) todo;
    u32 *rank;        /* by rule: place in the order */
    u32 *shadowed_by; /* by rule: a rule that takes all its inputs, or ISLE_NONE */
    Map reported;     /* pairs of groups */
    u64 *counts;      /* by exclusion class, while splitting */
    u32 *first_seen;  /* the test seen first there */
    u32 class_count;
    u32 undecided_count; /* enough of them end the search */
} Finder;

static int compare_ranked(const void *a, const void *b)
{
    const Ranked *x = a;
    const Ranked *y = b;
    if (x->priority != y->priority) {
        return x->priority > y->priority ? -1 : 1;
    }
    if (x->key_count != y->key_count) {
        return x->key_count > y->key_count ? -1 : 1;
    }
    if (x->rule_count != y->rule_count) {
        return x->rule_count < y->rule_count ? -1 : 1;
    }
    return x->rule < y->rule ? -1 : 1;
}

static void rank_rules(MatchSet *set, u32 *rank)
{
    Arena *arena = set->isle->arena;
    Ranked *ranked = ARENA_ARRAY(arena, Ranked, set->rules.len);
    for (u32 i = 0; i < set->rules.len; i++) {
        const MatchGroup *group = &vec_at(&set->groups, vec_at(&set->rules, i).group);
        ranked[i] = (Ranked){match_info(set, i)->priority, group->key_count, group->count, i};
        if (set->is_multi) {
            ranked[i].key_count = ranked[i].rule_count = 0;
        }
    }
    qsort(ranked, set->rules.len, sizeof *ranked, compare_ranked);
    for (u32 i = 0; i < set->rules.len; i++) {
        vec_push(arena, &set->order, ranked[i].rule);
        rank[ranked[i].rule] = i;
    }
}

/* ---- comparing two rules ------------------------------------------------------------------------------- */

bool dv_isle_rules_overlap(const MatchSet *set, u32 a, u32 b)
{
    const MatchRule *x = &vec_at(&set->rules, a);
    const MatchRule *y = &vec_at(&set->rules, b);
    u32 i = 0, j = 0;
    while (i < x->key_count && j < y->key_count) {
        u64 p = set->keys.data[x->first_key + i];
        u64 q = set->keys.data[y->first_key + j];
        if (p >> 32 == q >> 32 && p != q) {
            return false;
        }
        i += p <= q;
        j += q <= p;
    }
    return true;
}

/* True if every test of b is one of a's. */
static bool includes(const MatchSet *set, u32 a, u32 b)
{
    const MatchRule *x = &vec_at(&set->rules, a);
    const MatchRule *y = &vec_at(&set->rules, b);
    u32 i = 0;
    for (u32 j = 0; j < y->key_count; j++) {
        u64 wanted = set->keys.data[y->first_key + j];
        while (i < x->key_count && set->keys.data[x->first_key + i] < wanted) {
            i++;
        }
        if (i == x->key_count || set->keys.data[x->first_key + i] != wanted) {
            return false;
        }
    }
    return true;
}

/* True if each rule of group a includes some rule of group b. */
static bool group_includes(const MatchSet *set, u32 a, u32 b)
{
    const MatchGroup *x = &vec_at(&set->groups, a);
    const MatchGroup *y = &vec_at(&set->groups, b);
    for (u32 i = 0; i < x->count; i++) {
        bool is_found = false;
        for (u32 j = 0; j < y->count && !is_found; j++) {
            is_found = includes(set, x->first + i, y->first + j);
        }
        if (!is_found) {
            return false;
        }
    }
    return true;
}

/* ---- verdicts ---------------------------------------------------------------------------------------------- */

static void note_overlap(Finder *finder, u32 a, u32 b, OverlapVerdict verdict)
{
    MatchSet *set = finder->set;
    u64 pair = (u64)vec_at(&set->rules, a).group << 32 | vec_at(&set->rules, b).group;
    if (!dv_map_put(set->isle->arena, &finder->reported, pair, 0)) {
        return;
    }
    vec_push(set->isle->arena, &set->overlaps, ((MatchOverlap){a, b, verdict}));
}

/* A pair that overlaps; a comes first in the order. */
static void judge_pair(Finder *finder, u32 a, u32 b)
{
    MatchSet *set = finder->set;
    u32 group_a = vec_at(&set->rules, a).group;
    u32 group_b = vec_at(&set->rules, b).group;
    if (group_a == group_b) {
        return;
    }
    if (match_info(set, a)->priority != match_info(set, b)->priority) {
        if (includes(set, b, a) && finder->shadowed_by[b] == ISLE_NONE) {
            finder->shadowed_by[b] = a;
        }
        note_overlap(finder, a, b, OVERLAP_PRIORITY);
        return;
    }
    bool is_decided = !set->isle->is_strict && group_includes(set, group_a, group_b) &&
                      !group_includes(set, group_b, group_a);
    finder->undecided_count += !is_decided;
    note_overlap(finder, a, b, is_decided ? OVERLAP_STRICTER : OVERLAP_UNDECIDED);
}

static void compare_pair(Finder *finder, u32 a, u32 b)
{
    if (!dv_isle_rules_overlap(finder->set, a, b)) {
        return;
    }
    if (finder->rank[a] < finder->rank[b]) {
        judge_pair(finder, a, b);
    } else {
        judge_pair(finder, b, a);
    }
}

/* ---- finding pairs -------------------------------------------------------------------------------------------- */

/* More errors than are shown: a million equal rules need not be compared pair by pair. */
static bool has_enough(const Finder *finder)
{
    return finder->undecided_count > ISLE_REPORTS_MAX;
}

enum { SPLIT_MIN = 8 }; /* fewer rules are compared pair by pair */

/* The exclusion class with different answers that most rules of the list ask about; ISLE_NONE if there is none. */
static u32 choose_class(Finder *finder, RuleList list)
{
    const MatchSet *set = finder->set;
    u32 best = ISLE_NONE;
    u64 best_count = 0;
    for (u32 i = 0; i < list.count; i++) {
        const MatchRule *rule = &vec_at(&set->rules, list.rules[i]);
        for (u32 j = 0; j < rule->key_count; j++) {
            u64 key = set->keys.data[rule->first_key + j];
            u32 class = (u32)(key >> 32);
            if (finder->counts[class] == 0) {
                finder->first_seen[class] = (u32)key;
            }
            /* the top bit: answers differ */
            bool differs = finder->first_seen[class] != (u32)key;
            finder->counts[class] = (finder->counts[class] + 1) | (differs ? 1ull << 63 : 0);
            if (finder->counts[class] >> 63 != 0 && finder->counts[class] > best_count) {
                best_count = finder->counts[class];
                best = class;
            }
        }
    }
    for (u32 i = 0; i < list.count; i++) {
        const MatchRule *rule = &vec_at(&set->rules, list.rules[i]);
        for (u32 j = 0; j < rule->key_count; j++) {
            finder->counts[set->keys.data[rule->first_key + j] >> 32] = 0;
        }
    }
    return best;
}

/* The rule's test of the class, or ISLE_NONE. */
static u32 answer_in(const MatchSet *set, u32 rule_index, u32 class)
{
    const MatchRule *rule = &vec_at(&set->rules, rule_index);
    for (u32 j = 0; j < rule->key_count; j++) {
        u64 key = set->keys.data[rule->first_key + j];
        if (key >> 32 == class) {
            return (u32)key;
        }
    }
    return ISLE_NONE;
}

static int compare_u64(const void *a, const void *b)
{
    u64 x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* Splits the list by the answers in the class; rules without an answer are compared with all others now. */
static void split_list(Finder *finder, RuleList list, u32 class)
{
    MatchSet *set = finder->set;
    Arena *arena = set->isle->arena;
    u64 *sorted = ARENA_ARRAY(arena, u64, list.count);
    for (u32 i = 0; i < list.count; i++) {
        sorted[i] = (u64)answer_in(set, list.rules[i], class) << 32 | list.rules[i];
    }
    qsort(sorted, list.count, sizeof *sorted, compare_u64);
    for (u32 i = 0; i < list.count; i++) {
        list.rules[i] = (u32)sorted[i];
    }
    u32 start = 0;
    for (u32 i = 1; i <= list.count; i++) {
        if (i == list.count || sorted[i] >> 32 != sorted[start] >> 32) {
            vec_push(arena, &finder->todo, ((RuleList){list.rules + start, i - start}));
            start = i == list.count ? start : i;
        }
    }
    if (sorted[start] >> 32 != ISLE_NONE) {
        return;
    }
    for (u32 i = start; i < list.count && !has_enough(finder); i++) {
        for (u32 j = 0; j < start; j++) {
            compare_pair(finder, list.rules[i], list.rules[j]);
        }
    }
}

static void find_overlaps(Finder *finder)
{
    MatchSet *set = finder->set;
    Arena *arena = set->isle->arena;
    RuleList all = {ARENA_ARRAY(arena, u32, set->rules.len), set->rules.len};
    for (u32 i = 0; i < all.count; i++) {
        all.rules[i] = i;
    }
    vec_push(arena, &finder->todo, all);
    while (finder->todo.len > 0 && !has_enough(finder)) {
        RuleList list = vec_pop(&finder->todo);
        u32 class = list.count < SPLIT_MIN ? ISLE_NONE : choose_class(finder, list);
        if (class != ISLE_NONE) {
            split_list(finder, list, class);
            continue;
        }
        for (u32 i = 0; i < list.count && !has_enough(finder); i++) {
            for (u32 j = i + 1; j < list.count && !has_enough(finder); j++) {
                compare_pair(finder, list.rules[i], list.rules[j]);
            }
        }
    }
}

/* ---- reports ------------------------------------------------------------------------------------------------------ */

static int compare_overlaps(const void *a, const void *b)
{
    const MatchOverlap *x = a;
    const MatchOverlap *y = b;
    if (x->a != y->a) {
        return x->a < y->a ? -1 : 1;
    }
    return x->b < y->b ? -1 : x->b > y->b;
}

static void report_undecided(MatchSet *set)
{
    for (u32 i = 0; i < set->overlaps.len; i++) {
        const MatchOverlap *overlap = &vec_at(&set->overlaps, i);
        if (overlap->verdict == OVERLAP_UNDECIDED) {
            IsleMessage message =
                set->isle->is_strict ? ISLE_MSG_OVERLAP_STRICT : ISLE_MSG_OVERLAP_UNDECIDED;
            dv_isle_error(set->isle, match_info(set, overlap->a)->pos, message, NULL, NULL);
            dv_isle_note(set->isle, match_info(set, overlap->b)->pos, ISLE_MSG_OVERLAP_OTHER, NULL,
                         NULL);
        }
    }
}

/* A form is shadowed if each of its rules is. */
static void report_shadowed(Finder *finder)
{
    MatchSet *set = finder->set;
    for (u32 i = 0; i < set->groups.len; i++) {
        const MatchGroup *group = &vec_at(&set->groups, i);
        u32 by = finder->shadowed_by[group->first];
        for (u32 j = 0; j < group->count && by != ISLE_NONE; j++) {
            if (finder->shadowed_by[group->first + j] == ISLE_NONE) {
                by = ISLE_NONE;
            }
        }
        if (by != ISLE_NONE) {
            vec_push(set->isle->arena, &set->overlaps,
                     ((MatchOverlap){by, group->first, OVERLAP_SHADOWED}));
            dv_isle_error(set->isle, match_info(set, group->first)->pos, ISLE_MSG_SHADOWED_RULE,
                          NULL, NULL);
            dv_isle_note(set->isle, match_info(set, by)->pos, ISLE_MSG_SHADOWED_BY, NULL, NULL);
        }
    }
}

void dv_isle_order(MatchSet *set)
{
    Arena *arena = set->isle->arena;
    Finder finder = {.set = set, .rank = ARENA_ARRAY(arena, u32, set->rules.len)};
    rank_rules(set, finder.rank);
    if (set->is_multi || set->rules.len == 0) {
        return;
    }
    finder.class_count =
        2 * (set->values.len > set->columns.len ? set->values.len : set->columns.len);
    finder.counts = ARENA_ARRAY(arena, u64, finder.class_count + 1);
    finder.first_seen = ARENA_ARRAY(arena, u32, finder.class_count + 1);
    finder.shadowed_by = ARENA_ARRAY(arena, u32, set->rules.len);
    memset(finder.shadowed_by, 0xff, set->rules.len * sizeof(u32));
    find_overlaps(&finder);
    if (set->overlaps.len > 1) {
        qsort(set->overlaps.data, set->overlaps.len, sizeof *set->overlaps.data, compare_overlaps);
    }
    report_undecided(set);
    report_shadowed(&finder);
}
