/* parts.c - which cases of a tree become C functions of their own.
 *
 * A function of five thousand rules would have as many scopes and several times as many variables. An optimising compiler
 * does not mind; without optimisation the frame has room for all of them, and with a sanitizer each call marks that
 * room as unreadable first: the cost of a match would grow with the rules. Nobody likes to read such a function either.
 * So if a block has more than PART_RULES_MAX rules, the cases of its switches become functions, named after what they
 * are the cases of. They are static and have a single caller, and so are free where functions are inlined. A question
 * with one answer is no good border: what lies below stays where it is, unless too much would stay. */
#include "back.h"

enum { PART_RULES_MAX = 32 };

/* The functions below are as deep as the tree: at most MATCH_TESTS_MAX. */

static u32 count_rules(const MatchSet *set, u32 block)
{
    u32 count = 0;
    for (u32 n = block; n != ISLE_NONE; n = vec_at(&set->nodes, n).next) {
        const TreeNode *node = &vec_at(&set->nodes, n);
        count += node->column == ISLE_NONE;
        for (u32 i = node->first_case; i != ISLE_NONE; i = vec_at(&set->cases, i).next) {
            count += count_rules(set, vec_at(&set->cases, i).node);
        }
    }
    return count;
}

/* True if the block is one rule whose right side is a value that is there already. */
static bool is_trivial(const MatchSet *set, u32 block)
{
    const TreeNode *node = &vec_at(&set->nodes, block);
    if (node->column != ISLE_NONE || node->next != ISLE_NONE) {
        return false;
    }
    const IsleRuleInfo *info = match_info(set, node->rule);
    for (u32 i = info->lhs_count; i < info->steps.len; i++) {
        if (vec_at(&info->steps, i).kind == STEP_CONSTRUCT) {
            return false;
        }
    }
    return true;
}

static void hand_out(MatchSet *set, const TreeNode *node)
{
    for (u32 i = node->first_case; i != ISLE_NONE; i = vec_at(&set->cases, i).next) {
        TreeCase *item = &vec_at(&set->cases, i);
        item->is_part = !is_trivial(set, item->node);
    }
}

/* Gives how many rules stay in the function, but for those of trivial cases. */
static u32 plan_block(MatchSet *set, u32 block)
{
    u32 held = count_rules(set, block);
    if (held <= PART_RULES_MAX) {
        return held;
    }
    u32 held_by_ifs = 0;
    for (u32 n = block; n != ISLE_NONE; n = vec_at(&set->nodes, n).next) {
        const TreeNode *node = &vec_at(&set->nodes, n);
        u32 answers = 0;
        u32 below = 0;
        for (u32 i = node->first_case; i != ISLE_NONE; i = vec_at(&set->cases, i).next) {
            below += plan_block(set, vec_at(&set->cases, i).node);
            answers++;
        }
        if (answers > 1) {
            hand_out(set, node);
        } else {
            held_by_ifs += below;
        }
    }
    if (held_by_ifs <= PART_RULES_MAX) {
        return held_by_ifs;
    }
    for (u32 n = block; n != ISLE_NONE; n = vec_at(&set->nodes, n).next) {
        hand_out(set, &vec_at(&set->nodes, n));
    }
    return 0;
}

void dv_isle_plan_parts(MatchSet *set)
{
    if (set->root != ISLE_NONE) {
        (void)plan_block(set, set->root);
    }
}
