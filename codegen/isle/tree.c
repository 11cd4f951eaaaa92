/* tree.c - the decision tree of a term.
 *
 * A block is a list of rules in the order they are to be tried. The first decides what is asked: of the questions it
 * has still open and that can be asked now, the one most rules of the block ask too. Rules that ask it
 * go below the node, sorted by answer; the rest waits in the block that follows, tried when the node finds nothing.
 * A rule may go below although rules before it wait only if it overlaps none of them: what must be
 * tried later stays later. So every rule occurs in the tree once, the tree is as large as the rules, and the
 * rules of an operation are reached by one switch.
 *
 * When the first rule has nothing left to ask, it is a leaf; what follows in the block could never be reached, except
 * in a multi-term, where all rules that match count.
 *
 * Depth is bounded by MATCH_TESTS_MAX, since each level down answers one more test of each rule: so this recurses.
 */
#include "back.h"

typedef struct Builder {
    MatchSet *set;
    bool *is_answered; /* by test: true on the way to the present block */
    u32 *counts;       /* by column, while choosing */
} Builder;

typedef struct Block {
    u32 *rules;
    u32 count;
} Block;

static bool value_exists(const Builder *builder, u32 value_index)
{
    const MatchSet *set = builder->set;
    const MatchValue *value = &vec_at(&set->values, value_index);
    for (u32 i = 0; i < value->need_count; i++) {
        if (!builder->is_answered[vec_at(&set->needs, value->first_need + i)]) {
            return false;
        }
    }
    return true;
}

static bool can_ask(const Builder *builder, const MatchColumn *column)
{
    const MatchSet *set = builder->set;
    if (column->kind == COLUMN_SAME) {
        return value_exists(builder, column->a) && value_exists(builder, column->b);
    }
    if (column->kind <= COLUMN_OP) {
        return value_exists(builder, column->a);
    }
    const MatchSite *site = &vec_at(&set->sites, column->a);
    for (u32 i = 0; i < site->arg_count; i++) {
        if (!value_exists(builder, vec_at(&set->args, site->first_arg + i))) {
            return false;
        }
    }
    return true;
}

/* The rule's answer to the column, ISLE_NONE if it does not ask or has been answered. */
static u32 open_test(const Builder *builder, u32 rule_index, u32 column)
{
    const MatchSet *set = builder->set;
    const MatchRule *rule = &vec_at(&set->rules, rule_index);
    for (u32 i = 0; i < rule->test_count; i++) {
        u32 test = vec_at(&set->rule_tests, rule->first_test + i);
        if (vec_at(&set->tests, test).column == column && !builder->is_answered[test]) {
            return test;
        }
    }
    return ISLE_NONE;
}

static void count_columns(Builder *builder, Block block, u32 step)
{
    const MatchSet *set = builder->set;
    for (u32 i = 0; i < block.count; i++) {
        const MatchRule *rule = &vec_at(&set->rules, block.rules[i]);
        for (u32 j = 0; j < rule->test_count; j++) {
            u32 test = vec_at(&set->rule_tests, rule->first_test + j);
            u32 *count = &builder->counts[vec_at(&set->tests, test).column];
            *count = step == 0 ? 0 : *count + !builder->is_answered[test];
        }
    }
}

/* The column to ask; ISLE_NONE if the first rule has no test left. Loops come last. */
static u32 choose_column(Builder *builder, Block block)
{
    const MatchSet *set = builder->set;
    const MatchRule *first = &vec_at(&set->rules, block.rules[0]);
    count_columns(builder, block, 1);
    u32 best = ISLE_NONE;
    u64 best_score = 0;
    for (u32 i = 0; i < first->test_count; i++) {
        u32 test = vec_at(&set->rule_tests, first->first_test + i);
        u32 column_index = vec_at(&set->tests, test).column;
        const MatchColumn *column = &vec_at(&set->columns, column_index);
        if (builder->is_answered[test] || !can_ask(builder, column)) {
            continue;
        }
        bool is_switch = column->kind <= COLUMN_OP;
        u64 score = (u64)builder->counts[column_index] << 1 | is_switch;
        score = column->kind == COLUMN_EACH ? 1 : score + 2;
        if (score > best_score) {
            best_score = score;
            best = column_index;
        }
    }
    count_columns(builder, block, 0);
    return best;
}

/* Moves the rules that may go below a node on the column to `below`; the others stay in the block. */
static Block take_below(Builder *builder, Block *block, u32 column)
{
    Arena *arena = builder->set->isle->arena;
    Block below = {ARENA_ARRAY(arena, u32, block->count), 0};
    u32 kept = 0;
    for (u32 i = 0; i < block->count; i++) {
        u32 rule = block->rules[i];
        bool goes = open_test(builder, rule, column) != ISLE_NONE;
        for (u32 j = 0; goes && j < kept; j++) {
            goes = builder->set->is_multi ||
                   !dv_isle_rules_overlap(builder->set, rule, block->rules[j]);
        }
        if (goes) {
            below.rules[below.count++] = rule;
        } else {
            block->rules[kept++] = rule;
        }
    }
    block->count = kept;
    return below;
}

static u32 add_node(MatchSet *set, u32 column, u32 rule)
{
    vec_push(set->isle->arena, &set->nodes, ((TreeNode){column, rule, ISLE_NONE, ISLE_NONE}));
    return set->nodes.len - 1;
}

static u32 build_block(Builder *builder, Block block);

/* One case for each answer, in the order they first appear. */
static void build_cases(Builder *builder, u32 node, Block below)
{
    MatchSet *set = builder->set;
    Arena *arena = set->isle->arena;
    u32 column = vec_at(&set->nodes, node).column;
    u32 last = ISLE_NONE;
    while (below.count > 0) {
        u32 test = open_test(builder, below.rules[0], column);
        Block same = {ARENA_ARRAY(arena, u32, below.count), 0};
        u32 kept = 0;
        for (u32 i = 0; i < below.count; i++) {
            if (open_test(builder, below.rules[i], column) == test) {
                same.rules[same.count++] = below.rules[i];
            } else {
                below.rules[kept++] = below.rules[i];
            }
        }
        below.count = kept;
        builder->is_answered[test] = true;
        u32 child = build_block(builder, same);
        builder->is_answered[test] = false;
        vec_push(arena, &set->cases, ((TreeCase){test, child, ISLE_NONE, false}));
        u32 made = set->cases.len - 1;
        if (last == ISLE_NONE) {
            vec_at(&set->nodes, node).first_case = made;
        } else {
            vec_at(&set->cases, last).next = made;
        }
        last = made;
    }
}

static u32 build_block(Builder *builder, Block block)
{
    MatchSet *set = builder->set;
    u32 first = ISLE_NONE;
    u32 last = ISLE_NONE;
    while (block.count > 0) {
        u32 column = choose_column(builder, block);
        u32 node = add_node(set, column, column == ISLE_NONE ? block.rules[0] : ISLE_NONE);
        if (last == ISLE_NONE) {
            first = node;
        } else {
            vec_at(&set->nodes, last).next = node;
        }
        last = node;
        if (column != ISLE_NONE) {
            build_cases(builder, node, take_below(builder, &block, column));
        } else if (set->is_multi) {
            block.rules++;
            block.count--;
        } else {
            break;
        }
    }
    return first;
}

void dv_isle_tree(MatchSet *set)
{
    Arena *arena = set->isle->arena;
    Builder builder = {set, ARENA_ARRAY(arena, bool, set->tests.len + 1),
                       ARENA_ARRAY(arena, u32, set->columns.len + 1)};
    Block block = {ARENA_ARRAY(arena, u32, set->order.len), set->order.len};
    for (u32 i = 0; i < block.count; i++) {
        block.rules[i] = vec_at(&set->order, i);
    }
    set->root = build_block(&builder, block);
}
