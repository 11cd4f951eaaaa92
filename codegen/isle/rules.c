/* rules.c - rules from nodes to typed steps.
 *
 *     (rule [name] [priority] (root patterns...) clauses... expression)
 *     (expand [name] [priority] pattern clauses... expression)
 *     clauses: (if-let pattern expression) (if expression)
 *
 * An expand is a rule of another tier. If its pattern is an operation itself, it is a rule of
 * the term `expand`, whose one argument the pattern matches. A rule that holds ~ is typed once
 * for each order of operands: bit i of the mirror number says whether the i-th ~ met swaps. A rule that holds
 * (one_of patterns...) is a rule for each of the patterns, as if it had been written so many times.
 *
 *     (map operation (types... term)...)
 *
 * makes, for each type i32, the form (rule (lower (operation $I32 a b)) (term a b)): only nodes,
 * typed like any other. */
#include "front.h"

IsleValue dv_isle_new_value(IsleBuilder *builder, IsleType type, u32 step, u32 index)
{
    IsleValueInfo info = {type, {ISLE_NONE}, step, index, false};
    vec_push(builder->isle->arena, &builder->rule.values, info);
    return (IsleValue){builder->rule.values.len - 1};
}

u32 dv_isle_new_step(IsleBuilder *builder, IsleStep step, const IsleValue *args, u32 arg_count)
{
    Isle *isle = builder->isle;
    IsleRuleInfo *rule = &builder->rule;
    step.first_arg = rule->args.len;
    step.arg_count = arg_count;
    step.first_result = rule->values.len;
    for (u32 i = 0; i < arg_count; i++) {
        rule->values.data[args[i].id].is_used = true;
        vec_push(isle->arena, &rule->args, args[i]);
    }
    vec_push(isle->arena, &rule->steps, step);
    return rule->steps.len - 1;
}

void dv_isle_rule_error(IsleBuilder *builder, IslePos pos, IsleMessage message, const char *a,
                        const char *b)
{
    builder->has_failed = true;
    dv_isle_error(builder->isle, pos, message, a, b);
}

bool dv_isle_count_work(IsleBuilder *builder)
{
    if (++builder->work_count <= ISLE_WORK_MAX && builder->rule.steps.len <= ISLE_STEPS_MAX) {
        return true;
    }
    if (!builder->is_too_large) {
        dv_isle_rule_error(builder, builder->rule.pos, ISLE_MSG_RULE_TOO_LARGE, NULL, NULL);
    }
    builder->is_too_large = true;
    return false;
}

/* The parts of a rule form before its clauses. */
typedef struct RuleParts {
    IsleSym name;
    bool has_priority;
    i64 priority;
    IsleNodeRef pattern;
    IsleNodeRef rest; /* clauses, then the expression */
    IsleTier tier;
} RuleParts;

static bool take_parts(Isle *isle, IsleNodeRef form, RuleParts *out)
{
    IsleWalk walk =
        dv_isle_walk(isle, form, isle_text(isle, isle_node(isle, isle_first(isle, form))->sym));
    IsleNodeRef node;
    *out = (RuleParts){.name = {ISLE_NONE}};
    out->tier = dv_isle_is_form(isle, form, "expand") ? TIER_EXPAND : TIER_RULE;
    if (isle_is(isle, walk.at, NODE_NAME)) {
        dv_isle_take_name(&walk, "a name", &node);
        out->name = isle_node(isle, node)->sym;
    }
    if (isle_is(isle, walk.at, NODE_INT)) {
        dv_isle_take_any(&walk, "a priority", &node);
        U128 bits = isle_literal(isle, node)->bits;
        U128 wide = dv_u128_from_i64((i64)bits.lo);
        if (!dv_u128_eq(bits, wide) ||
            isle_literal(isle, node)->is_negative != dv_u128_is_negative(bits)) {
            dv_isle_error(isle, isle_node(isle, node)->pos, ISLE_MSG_PRIORITY_RANGE, NULL, NULL);
            return false;
        }
        out->has_priority = true;
        out->priority = (i64)bits.lo;
    }
    if (!dv_isle_take_list(&walk, "a pattern that is a term", &out->pattern)) {
        return false;
    }
    out->rest = walk.at;
    if (!isle_is_node(out->rest)) {
        dv_isle_error(isle, isle_node(isle, form)->pos, ISLE_MSG_EXPECTED, walk.what,
                      "an expression");
        return false;
    }
    return true;
}

/* True if the pattern is an operation itself, so that the root is the term `expand`. */
static bool is_bare(Isle *isle, const RuleParts *parts)
{
    IsleNodeRef head = isle_first(isle, parts->pattern);
    u32 term;
    return parts->tier == TIER_EXPAND && isle_is(isle, head, NODE_NAME) &&
           dv_map_get(&isle->term_of_name, isle_node(isle, head)->sym.id, &term) &&
           isle->terms.data[term].etor == ETOR_OP;
}

/* The root term of a rule form; false after a report. */
static bool find_root(Isle *isle, const RuleParts *parts, IslePos pos, IsleTerm *out)
{
    if (is_bare(isle, parts)) {
        if (!dv_map_get(&isle->term_of_name, dv_isle_sym(isle, "expand").id, &out->id)) {
            dv_isle_error(isle, pos, ISLE_MSG_NO_EXPAND, NULL, NULL);
            return false;
        }
        if (isle_term(isle, *out)->args.len != 1) {
            dv_isle_error(isle, isle_term(isle, *out)->pos, ISLE_MSG_ARITY, "expand", "1");
            return false;
        }
        return true;
    }
    IsleNodeRef head = isle_first(isle, parts->pattern);
    if (!isle_is(isle, head, NODE_NAME)) {
        dv_isle_error(isle, isle_node(isle, parts->pattern)->pos, ISLE_MSG_RULE_ROOT, NULL, NULL);
        return false;
    }
    return dv_isle_find_term(isle, head, out);
}

void dv_isle_declare_rule_root(Isle *isle, IsleNodeRef form)
{
    RuleParts parts;
    IsleTerm root;
    IslePos pos = isle_node(isle, form)->pos;
    if (!take_parts(isle, form, &parts) || !find_root(isle, &parts, pos, &root)) {
        return;
    }
    IsleTermInfo *info = isle_term(isle, root);
    if (info->ctor != CTOR_NONE && info->ctor != CTOR_RULES) {
        dv_isle_error(isle, pos, ISLE_MSG_RULE_ON_BUILT, isle_term_text(isle, root), NULL);
        dv_isle_note(isle, info->ctor_pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return;
    }
    if (info->ctor == CTOR_NONE) {
        info->ctor = CTOR_RULES;
        info->ctor_pos = pos;
    }
    if (info->is_multi && parts.has_priority) {
        dv_isle_error(isle, pos, ISLE_MSG_MULTI_PRIORITY, isle_term_text(isle, root), NULL);
        dv_isle_note(isle, info->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
    }
}

static IsleNodeRef clause_part(Isle *isle, IsleNodeRef clause, u32 index)
{
    IsleNodeRef at = isle_first(isle, clause);
    while (index-- > 0) {
        at = isle_next(isle, at);
    }
    return at;
}

/* The last child is the expression; what stands before it must be clauses. */
static void type_clauses(IsleBuilder *builder, IsleNodeRef at)
{
    Isle *isle = builder->isle;
    IsleType any = {ISLE_NONE};
    for (; isle_is_node(isle_next(isle, at)); at = isle_next(isle, at)) {
        IsleValue value;
        IslePos pos = isle_node(isle, at)->pos;
        u32 count = isle_node(isle, at)->count;
        if (dv_isle_is_form(isle, at, "if-let") && count == 3) {
            if (dv_isle_type_expr(builder, clause_part(isle, at, 2), any, &value)) {
                dv_isle_type_pattern(builder, clause_part(isle, at, 1), value);
            }
        } else if (dv_isle_is_form(isle, at, "if") && count == 2) {
            dv_isle_type_expr(builder, clause_part(isle, at, 1), any, &value);
        } else {
            dv_isle_rule_error(builder, pos, ISLE_MSG_RULE_CLAUSE, NULL, NULL);
        }
    }
    builder->rule.lhs_count = builder->rule.steps.len;
    builder->in_lhs = false;
    IsleValue result;
    if (dv_isle_type_expr(builder, at, isle_term(isle, builder->rule.root)->ret, &result)) {
        builder->rule.result = result;
        builder->rule.values.data[result.id].is_used = true;
    }
}

static void start_builder(IsleBuilder *builder, IsleTerm root, const RuleParts *parts, IslePos pos)
{
    const IsleTermInfo *term = isle_term(builder->isle, root);
    builder->rule.root = root;
    builder->rule.pos = pos;
    builder->rule.name = parts->name;
    builder->rule.priority = parts->priority;
    builder->rule.has_priority = parts->has_priority;
    builder->rule.tier = parts->tier;
    builder->may_multi = term->is_multi;
    builder->in_lhs = true;
    for (u32 i = 0; i < term->args.len; i++) {
        dv_isle_new_value(builder, term->args.data[i], ISLE_NONE, i);
    }
}

/* Which of the rules that a form stands for, and how many there are. */
typedef struct RuleCopy {
    u32 form;
    u32 mirror, mirror_count;
    u32 choice, choice_count;
} RuleCopy;

/* Types one of them, and tells the counts; false after an error. */
static bool type_copy(Isle *isle, IsleNodeRef form, RuleCopy *copy)
{
    RuleParts parts;
    IsleBuilder builder = {.isle = isle,
                           .swap_bits = copy->mirror,
                           .choice = copy->choice,
                           .root_arg = ISLE_NODE_NONE};
    IslePos pos = isle_node(isle, form)->pos;
    IsleTerm root;
    if (!take_parts(isle, form, &parts) || !find_root(isle, &parts, pos, &root)) {
        return false;
    }
    start_builder(&builder, root, &parts, pos);
    builder.rule.mirror = copy->mirror;
    builder.rule.form = copy->form;
    if (is_bare(isle, &parts)) {
        builder.root_arg = parts.pattern;
        dv_isle_type_pattern(&builder, parts.pattern, (IsleValue){0});
    } else {
        dv_isle_type_root(&builder, parts.pattern);
    }
    builder.rule.root_count = builder.rule.steps.len;
    type_clauses(&builder, parts.rest);
    if (builder.has_failed) {
        return false;
    }
    if (builder.swap_count > ISLE_MIRRORS_MAX) {
        dv_isle_error(isle, pos, ISLE_MSG_TOO_MANY_MIRRORS, dv_isle_number(isle, ISLE_MIRRORS_MAX),
                      NULL);
        return false;
    }
    vec_push(isle->arena, &isle_term(isle, root)->rules, ((IsleRule){isle->rules.len}));
    vec_push(isle->arena, &isle->rules, builder.rule);
    copy->mirror_count = 1u << builder.swap_count;
    copy->choice_count = builder.choice_count;
    return true;
}

static void type_rule(Isle *isle, IsleNodeRef form, u32 form_number)
{
    RuleCopy copy = {.form = form_number};
    do {
        copy.mirror = 0;
        do {
            if (!type_copy(isle, form, &copy)) {
                return;
            }
        } while (++copy.mirror < copy.mirror_count);
    } while (++copy.choice < copy.choice_count);
}

void dv_isle_type_rules(Isle *isle)
{
    for (u32 i = 0; i < isle->forms.len; i++) {
        IsleNodeRef form = isle->forms.data[i];
        if (dv_isle_is_form(isle, form, "rule") || dv_isle_is_form(isle, form, "expand")) {
            type_rule(isle, form, i);
        }
    }
}

/* ---- map ------------------------------------------------------------------------------------- */

/* A list node under construction. */
typedef struct ListMaker {
    Isle *isle;
    IslePos pos;
    IsleNodeRef list, last;
} ListMaker;

static ListMaker make_list(Isle *isle, IslePos pos)
{
    IsleNodeRef list = dv_isle_make(isle, NODE_LIST, pos, (IsleSym){ISLE_NONE});
    return (ListMaker){isle, pos, list, ISLE_NODE_NONE};
}

static void add_atom(ListMaker *maker, IsleNodeKind kind, IsleSym sym)
{
    IsleNodeRef atom = dv_isle_make(maker->isle, kind, maker->pos, sym);
    dv_isle_append(maker->isle, maker->list, &maker->last, atom);
}

static void add_list(ListMaker *maker, const ListMaker *child)
{
    dv_isle_append(maker->isle, maker->list, &maker->last, child->list);
}

static IsleSym type_const(Isle *isle, IsleSym type)
{
    char *text = dv_arena_printf(isle->arena, "$%s", isle_text(isle, type));
    for (char *p = text; *p != '\0'; p++) {
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    }
    return dv_isle_sym(isle, text);
}

static void make_rule(Isle *isle, IsleTerm op, IsleNodeRef type, IsleSym target)
{
    IslePos pos = isle_node(isle, type)->pos;
    ListMaker rule = make_list(isle, pos);
    ListMaker root = make_list(isle, pos);
    ListMaker pattern = make_list(isle, pos);
    ListMaker result = make_list(isle, pos);
    const IsleTermInfo *info = isle_term(isle, op);
    add_atom(&pattern, NODE_NAME, info->name);
    add_atom(&pattern, NODE_CONST, type_const(isle, isle_node(isle, type)->sym));
    add_atom(&result, NODE_NAME, target);
    for (u32 i = 1; i < info->args.len; i++) {
        IsleSym var = dv_isle_sym(isle, dv_arena_printf(isle->arena, "a%" PRIu32, i));
        add_atom(&pattern, NODE_NAME, var);
        add_atom(&result, NODE_NAME, var);
    }
    add_atom(&root, NODE_NAME, dv_isle_sym(isle, "lower"));
    add_list(&root, &pattern);
    add_atom(&rule, NODE_NAME, dv_isle_sym(isle, "rule"));
    add_list(&rule, &root);
    add_list(&rule, &result);
    vec_push(isle->arena, &isle->forms, rule.list);
}

/* (types... term) */
static void declare_group(Isle *isle, IsleTerm op, IsleNodeRef group)
{
    IslePos pos = isle_node(isle, group)->pos;
    IsleNodeRef last = ISLE_NODE_NONE;
    u32 lane_bits;
    u32 lane_count;
    bool ok = isle_is(isle, group, NODE_LIST) && isle_node(isle, group)->count >= 2;
    IsleNodeRef at = ok ? isle_first(isle, group) : ISLE_NODE_NONE;
    for (; isle_is_node(at); at = isle_next(isle, at)) {
        ok = ok && isle_is(isle, at, NODE_NAME);
        last = at;
    }
    for (at = ok ? isle_first(isle, group) : last; ok && at.id != last.id;
         at = isle_next(isle, at)) {
        ok = dv_isle_clif_type(isle_str(isle, isle_node(isle, at)->sym), &lane_bits, &lane_count);
    }
    if (!ok) {
        dv_isle_error(isle, pos, ISLE_MSG_MAP_GROUP, NULL, NULL);
        return;
    }
    for (at = isle_first(isle, group); at.id != last.id; at = isle_next(isle, at)) {
        make_rule(isle, op, at, isle_node(isle, last)->sym);
    }
}

void dv_isle_declare_map(Isle *isle, IsleNodeRef form)
{
    IsleWalk walk = dv_isle_walk(isle, form, "map");
    IsleNodeRef name;
    IsleTerm op;
    if (!dv_isle_take_name(&walk, "an operation", &name) || !dv_isle_find_term(isle, name, &op)) {
        return;
    }
    if (isle_term(isle, op)->op == ISLE_NONE || !dv_isle_op(isle_term(isle, op)->op).has_type) {
        dv_isle_error(isle, isle_node(isle, name)->pos, ISLE_MSG_NOT_OP, isle_term_text(isle, op),
                      NULL);
        return;
    }
    for (; isle_is_node(walk.at); walk.at = isle_next(isle, walk.at)) {
        declare_group(isle, op, walk.at);
    }
}
