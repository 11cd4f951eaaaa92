/* match.c - the rules of one term as tests on shared values.
 *
 * Walks the left side of each rule once and numbers what it finds: a site for each thing applied to values, a
 * column for each question about them, a test for each answer. All three are found again by content, so that
 * what two rules do alike is one thing; pure means that applying it twice is applying it once.
 *
 * Comparing rules needs more than the tests a rule runs: `(t x @ 2 x)` implies that both arguments are 2. keys hold
 * the tests with what equalities imply added, sorted by what excludes each other: two rules with different answers to
 * one question have no input in common. An integer and a constant asked of the same value are taken to differ, as are
 * two constants of different names.
 */
#include <stdlib.h>

#include "back.h"

typedef struct Matcher {
    MatchSet *set;
    const IsleRuleInfo *info;
    u32 first_value; /* of the rule, in rule_values */
    bool has_failed;
} Matcher;

bool dv_isle_may_fail(const Isle *isle, const IsleStep *step)
{
    const IsleTermInfo *term;
    switch (step->kind) {
    case STEP_EXTRACT:
        term = isle_term(isle, step->term);
        return term->is_multi || !term->is_infallible;
    case STEP_CONSTRUCT:
        term = isle_term(isle, step->term);
        return term->is_multi || term->is_partial;
    default:
        return false;
    }
}

/* ---- finding things again -------------------------------------------------------------------------- */

typedef struct SiteQuery {
    const MatchSet *set;
    const MatchSite *site;
    const u32 *args;
} SiteQuery;

static bool equal_site(const void *context, u32 index)
{
    const SiteQuery *query = context;
    const MatchSite *a = query->site;
    const MatchSite *b = &vec_at(&query->set->sites, index);
    return a->kind == b->kind && a->term.id == b->term.id && a->constant.id == b->constant.id &&
           a->type.id == b->type.id && dv_u128_eq(a->literal, b->literal) &&
           a->arg_count == b->arg_count &&
           (a->arg_count == 0 || memcmp(query->args, &vec_at(&query->set->args, b->first_arg),
                                        a->arg_count * sizeof(u32)) == 0);
}

/* The site like this one, made if it is new; *is_new tells. */
static u32 find_site(MatchSet *set, MatchSite site, const u32 *args, bool *is_new)
{
    Arena *arena = set->isle->arena;
    u64 hash = dv_hash_combine((u64)site.kind, site.term.id);
    hash = dv_hash_combine(hash, (u64)site.constant.id << 32 | site.type.id);
    hash = dv_hash_combine(dv_hash_combine(hash, site.literal.lo), site.literal.hi);
    for (u32 i = 0; i < site.arg_count; i++) {
        hash = dv_hash_combine(hash, args[i]);
    }
    u32 index;
    SiteQuery query = {set, &site, args};
    *is_new = !dv_map_find(&set->site_map, hash, equal_site, &query, &index);
    if (!*is_new) {
        return index;
    }
    index = set->sites.len;
    site.first_arg = set->args.len;
    site.first_value = set->values.len;
    site.enabler = ISLE_NONE;
    for (u32 i = 0; i < site.arg_count; i++) {
        vec_push(arena, &set->args, args[i]);
    }
    vec_push(arena, &set->sites, site);
    dv_map_add(arena, &set->site_map, hash, index);
    return index;
}

static bool equal_column(const void *context, u32 index)
{
    const MatchSet *set = ((const SiteQuery *)context)->set;
    const MatchColumn *last = &vec_at(&set->columns, set->columns.len - 1);
    const MatchColumn *found = &vec_at(&set->columns, index);
    return found->kind == last->kind && found->a == last->a && found->b == last->b;
}

static u32 find_column(MatchSet *set, ColumnKind kind, u32 a, u32 b)
{
    Arena *arena = set->isle->arena;
    vec_push(arena, &set->columns, ((MatchColumn){kind, a, b}));
    u64 hash = dv_hash_combine((u64)kind, (u64)a << 32 | b);
    u32 index;
    SiteQuery query = {set, NULL, NULL};
    if (dv_map_find(&set->column_map, hash, equal_column, &query, &index)) {
        (void)vec_pop(&set->columns);
        return index;
    }
    index = set->columns.len - 1;
    dv_map_add(arena, &set->column_map, hash, index);
    return index;
}

static bool equal_test(const void *context, u32 index)
{
    const MatchSet *set = ((const SiteQuery *)context)->set;
    const MatchTest *last = &vec_at(&set->tests, set->tests.len - 1);
    const MatchTest *found = &vec_at(&set->tests, index);
    return found->column == last->column && found->id == last->id &&
           dv_u128_eq(found->literal, last->literal);
}

static u32 find_test(MatchSet *set, u32 column, U128 literal, u32 id)
{
    Arena *arena = set->isle->arena;
    vec_push(arena, &set->tests, ((MatchTest){column, literal, id}));
    u64 hash = dv_hash_combine(dv_hash_combine((u64)column << 32 | id, literal.lo), literal.hi);
    u32 index;
    SiteQuery query = {set, NULL, NULL};
    if (dv_map_find(&set->test_map, hash, equal_test, &query, &index)) {
        (void)vec_pop(&set->tests);
        return index;
    }
    index = set->tests.len - 1;
    dv_map_add(arena, &set->test_map, hash, index);
    return index;
}

/* ---- walking a left side --------------------------------------------------------------------------- */

static u32 value_of(const Matcher *matcher, IsleValue value)
{
    return vec_at(&matcher->set->rule_values, matcher->first_value + value.id);
}

static void push_need(MatchSet *set, u32 first, u32 test)
{
    for (u32 i = first; i < set->needs.len; i++) {
        if (set->needs.data[i] == test) {
            return;
        }
    }
    vec_push(set->isle->arena, &set->needs, test);
}

/* Gives the site its values: they exist once its enabler holds or, if it has none, once its arguments do. */
static void make_values(MatchSet *set, u32 site_index, const IsleRuleInfo *info,
                        const IsleStep *step)
{
    MatchSite *site = &vec_at(&set->sites, site_index);
    u32 first_need = set->needs.len;
    if (site->enabler != ISLE_NONE) {
        push_need(set, first_need, site->enabler);
    } else {
        for (u32 i = 0; i < site->arg_count; i++) {
            const MatchValue arg = vec_at(&set->values, vec_at(&set->args, site->first_arg + i));
            for (u32 j = 0; j < arg.need_count; j++) {
                push_need(set, first_need, vec_at(&set->needs, arg.first_need + j));
            }
        }
    }
    site->first_value = set->values.len;
    site->value_count = step->result_count;
    for (u32 i = 0; i < step->result_count; i++) {
        const IsleValueInfo *value = &vec_at(&info->values, step->first_result + i);
        MatchValue made = {value->type, value->name, site_index,
                           i,           first_need,  set->needs.len - first_need};
        vec_push(set->isle->arena, &set->values, made);
    }
}

static void add_test(Matcher *matcher, u32 rule_start, u32 test)
{
    MatchSet *set = matcher->set;
    for (u32 i = rule_start; i < set->rule_tests.len; i++) {
        if (set->rule_tests.data[i] == test) {
            return;
        }
    }
    vec_push(set->isle->arena, &set->rule_tests, test);
}

static SiteKind site_kind(IsleStepKind kind)
{
    switch (kind) {
    case STEP_MAKE_INT:
        return SITE_INT;
    case STEP_MAKE_CONST:
        return SITE_CONST;
    case STEP_VARIANT:
        return SITE_FIELDS;
    case STEP_OP:
        return SITE_OPERANDS;
    case STEP_EXTRACT:
        return SITE_EXTRACT;
    default:
        return SITE_CONSTRUCT;
    }
}

/* The test a step makes besides giving values; ISLE_NONE if it cannot fail. */
static u32 step_test(Matcher *matcher, const IsleStep *step, u32 site)
{
    MatchSet *set = matcher->set;
    const Isle *isle = set->isle;
    U128 zero = {0, 0};
    u32 a = step->arg_count == 0 ? 0 : vec_at(&set->args, vec_at(&set->sites, site).first_arg);
    if (step->kind == STEP_VARIANT || step->kind == STEP_OP) {
        ColumnKind kind = step->kind == STEP_OP ? COLUMN_OP : COLUMN_VARIANT;
        if (isle_type(isle, vec_at(&set->values, a).type)->kind == TYPE_STRUCT) {
            return ISLE_NONE;
        }
        return find_test(set, find_column(set, kind, a, 0), zero, step->term.id);
    }
    if (!dv_isle_may_fail(isle, step)) {
        return ISLE_NONE;
    }
    ColumnKind kind = isle_term(isle, step->term)->is_multi ? COLUMN_EACH : COLUMN_CALL;
    return find_test(set, find_column(set, kind, site, 0), zero, 0);
}

static void match_values_step(Matcher *matcher, u32 rule_start, const IsleStep *step)
{
    MatchSet *set = matcher->set;
    const IsleRuleInfo *info = matcher->info;
    Arena *arena = set->isle->arena;
    VEC(u32) args = {0};
    for (u32 i = 0; i < step->arg_count; i++) {
        vec_push(arena, &args, value_of(matcher, vec_at(&info->args, step->first_arg + i)));
    }
    MatchSite site = {.kind = site_kind(step->kind),
                      .term = step->term,
                      .constant = step->constant,
                      .literal = step->kind == STEP_MAKE_INT ? step->literal : (U128){0, 0},
                      .type = {ISLE_NONE},
                      .arg_count = args.len};
    if (site.kind == SITE_INT || site.kind == SITE_CONST) {
        site.type = vec_at(&info->values, step->first_result).type;
    }
    bool is_new;
    u32 index = find_site(set, site, args.data, &is_new);
    u32 test = step_test(matcher, step, index);
    if (test != ISLE_NONE) {
        add_test(matcher, rule_start, test);
    }
    if (is_new) {
        set->sites.data[index].enabler = test;
        make_values(set, index, info, step);
    }
    for (u32 i = 0; i < step->result_count; i++) {
        u32 value = vec_at(&set->sites, index).first_value + i;
        vec_at(&set->rule_values, matcher->first_value + step->first_result + i) = value;
        if (vec_at(&set->values, value).name.id == ISLE_NONE) {
            vec_at(&set->values, value).name = vec_at(&info->values, step->first_result + i).name;
        }
    }
}

static void match_step(Matcher *matcher, u32 rule_start, const IsleStep *step)
{
    MatchSet *set = matcher->set;
    const IsleRuleInfo *info = matcher->info;
    U128 zero = {0, 0};
    if (step->kind != STEP_INT && step->kind != STEP_CONST && step->kind != STEP_SAME) {
        match_values_step(matcher, rule_start, step);
        return;
    }
    u32 a = value_of(matcher, vec_at(&info->args, step->first_arg));
    if (step->kind == STEP_INT) {
        u32 column = find_column(set, COLUMN_INT, a, 0);
        add_test(matcher, rule_start, find_test(set, column, step->literal, 0));
        return;
    }
    if (step->kind == STEP_CONST) {
        u32 column = find_column(set, COLUMN_CONST, a, 0);
        add_test(matcher, rule_start, find_test(set, column, zero, step->constant.id));
        return;
    }
    u32 b = value_of(matcher, vec_at(&info->args, step->first_arg + 1));
    if (a != b) {
        u32 column = find_column(set, COLUMN_SAME, a < b ? a : b, a < b ? b : a);
        add_test(matcher, rule_start, find_test(set, column, zero, 0));
    }
}

/* ---- keys -------------------------------------------------------------------------------------------- */

/* Tests of one exclusion class, the upper half of a key, exclude each other. */
static u64 key_of(const MatchSet *set, u32 test)
{
    u32 column_index = vec_at(&set->tests, test).column;
    const MatchColumn *column = &vec_at(&set->columns, column_index);
    bool is_about_value = column->kind <= COLUMN_OP;
    u32 class = is_about_value ? 2 * column->a : 2 * column_index + 1;
    return (u64) class << 32 | test;
}

static int compare_keys(const void *a, const void *b)
{
    u64 x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* Copies tests about one of two equal values to the other, until nothing is new. */
static void imply_tests(MatchSet *set, u32 first, u32 *count_out)
{
    Arena *arena = set->isle->arena;
    bool is_changing = true;
    while (is_changing) {
        is_changing = false;
        u32 count = set->keys.len;
        for (u32 i = first; i < count; i++) {
            MatchColumn same = *match_column(set, (u32)set->keys.data[i]);
            for (u32 j = first; same.kind == COLUMN_SAME && j < count; j++) {
                MatchTest test = vec_at(&set->tests, (u32)set->keys.data[j]);
                MatchColumn column = vec_at(&set->columns, test.column);
                if (column.kind > COLUMN_OP || (column.a != same.a && column.a != same.b)) {
                    continue;
                }
                u32 other = column.a == same.a ? same.b : same.a;
                u32 copied = find_column(set, column.kind, other, 0);
                u64 key = key_of(set, find_test(set, copied, test.literal, test.id));
                bool is_known = false;
                for (u32 k = first; k < set->keys.len && !is_known; k++) {
                    is_known = set->keys.data[k] == key;
                }
                if (!is_known) {
                    vec_push(arena, &set->keys, key);
                    is_changing = true;
                }
            }
        }
    }
    *count_out = set->keys.len - first;
}

/* False, with a report, if two tests of the rule exclude each other. */
static bool make_keys(Matcher *matcher, MatchRule *rule)
{
    MatchSet *set = matcher->set;
    rule->first_key = set->keys.len;
    for (u32 i = 0; i < rule->test_count; i++) {
        u64 key = key_of(set, vec_at(&set->rule_tests, rule->first_test + i));
        vec_push(set->isle->arena, &set->keys, key);
    }
    imply_tests(set, rule->first_key, &rule->key_count);
    if (rule->key_count == 0) {
        return true;
    }
    u64 *keys = &vec_at(&set->keys, rule->first_key);
    qsort(keys, rule->key_count, sizeof *keys, compare_keys);
    for (u32 i = 1; i < rule->key_count; i++) {
        if (keys[i] >> 32 == keys[i - 1] >> 32) {
            dv_isle_error(set->isle, matcher->info->pos, ISLE_MSG_UNREACHABLE_RULE, NULL, NULL);
            return false;
        }
    }
    return true;
}

/* ---- the set -------------------------------------------------------------------------------------------- */

static void count_blocks(Matcher *matcher, u32 test_count)
{
    const IsleRuleInfo *info = matcher->info;
    u32 count = test_count;
    for (u32 i = info->lhs_count; i < info->steps.len; i++) {
        count += dv_isle_may_fail(matcher->set->isle, &vec_at(&info->steps, i));
    }
    if (count > MATCH_TESTS_MAX) {
        Isle *isle = matcher->set->isle;
        const char *limit = dv_arena_printf(isle->arena, "%u", (unsigned)MATCH_TESTS_MAX);
        dv_isle_error(isle, info->pos, ISLE_MSG_TOO_MANY_TESTS, limit, NULL);
        matcher->has_failed = true;
    }
}

/* True if a rule of the group before it has exactly its tests: a mirror that changes nothing. */
static bool repeats_mirror(const MatchSet *set, const MatchRule *rule, const MatchGroup *group)
{
    for (u32 i = group->first; i < set->rules.len; i++) {
        const MatchRule *other = &vec_at(&set->rules, i);
        if (other->key_count == rule->key_count &&
            (rule->key_count == 0 ||
             memcmp(&vec_at(&set->keys, other->first_key), &vec_at(&set->keys, rule->first_key),
                    rule->key_count * sizeof(u64)) == 0)) {
            return true;
        }
    }
    return false;
}

static void add_rule(MatchSet *set, IsleRule id)
{
    Arena *arena = set->isle->arena;
    const IsleRuleInfo *info = isle_rule(set->isle, id);
    Matcher matcher = {set, info, set->rule_values.len, false};
    MatchRule rule = {
        .rule = id, .first_test = set->rule_tests.len, .first_value = matcher.first_value};
    u32 arity = isle_term(set->isle, set->term)->args.len;
    for (u32 i = 0; i < info->values.len; i++) {
        vec_push(arena, &set->rule_values, i < arity ? i : ISLE_NONE);
    }
    for (u32 i = 0; i < arity; i++) {
        if (vec_at(&set->values, i).name.id == ISLE_NONE) {
            vec_at(&set->values, i).name = vec_at(&info->values, i).name;
        }
    }
    for (u32 i = 0; i < info->lhs_count && !matcher.has_failed; i++) {
        match_step(&matcher, rule.first_test, &vec_at(&info->steps, i));
        if (set->rule_tests.len - rule.first_test > MATCH_TESTS_MAX) {
            count_blocks(&matcher, set->rule_tests.len - rule.first_test);
        }
    }
    if (matcher.has_failed) {
        return;
    }
    rule.test_count = set->rule_tests.len - rule.first_test;
    count_blocks(&matcher, rule.test_count);
    if (matcher.has_failed || !make_keys(&matcher, &rule)) {
        return;
    }
    if (info->mirror == 0 || set->groups.len == 0) {
        vec_push(arena, &set->groups, ((MatchGroup){set->rules.len, 0, rule.key_count}));
    } else if (repeats_mirror(set, &rule, &vec_at(&set->groups, set->groups.len - 1))) {
        return;
    }
    MatchGroup *group = &vec_at(&set->groups, set->groups.len - 1);
    group->count++;
    group->key_count = rule.key_count < group->key_count ? rule.key_count : group->key_count;
    rule.group = set->groups.len - 1;
    vec_push(arena, &set->rules, rule);
}

void dv_isle_match(Isle *isle, IsleTerm term, MatchSet *set)
{
    const IsleTermInfo *info = isle_term(isle, term);
    *set = (MatchSet){.isle = isle, .term = term, .is_multi = info->is_multi, .root = ISLE_NONE};
    bool is_new;
    MatchSite args = {
        .kind = SITE_ARGS, .term = {ISLE_NONE}, .constant = {ISLE_NONE}, .type = {ISLE_NONE}};
    u32 site = find_site(set, args, NULL, &is_new);
    for (u32 i = 0; i < info->args.len; i++) {
        MatchValue value = {vec_at(&info->args, i), {ISLE_NONE}, site, i, 0, 0};
        vec_push(isle->arena, &set->values, value);
    }
    set->sites.data[site].value_count = info->args.len;
    for (u32 i = 0; i < info->rules.len; i++) {
        add_rule(set, vec_at(&info->rules, i));
    }
}
