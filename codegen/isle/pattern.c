/* pattern.c - typing patterns: a stack of patterns still to be matched against values, left to
 * right, outer before inner.
 *
 * A type flows down from the root term's declaration. A pattern that is a term of another type
 * than the value's goes through the converter between the two, if there is one. An extractor
 * macro is expanded by looking at its body in an environment that says what its parameters stand
 * for; names in the body that are no parameters are variables of the rule. */
#include "front.h"

typedef struct Work {
    IsleNodeRef node;
    IsleValue value;
    u32 env;
} Work;

typedef struct Matcher {
    IsleBuilder *builder;
    VEC(Work) work;
} Matcher;

static void push(Matcher *matcher, IsleNodeRef node, IsleValue value, u32 env)
{
    vec_push(matcher->builder->isle->arena, &matcher->work, ((Work){node, value, env}));
}

static IsleType type_of(const Matcher *matcher, IsleValue value)
{
    return vec_at(&matcher->builder->rule.values, value.id).type;
}

static IslePos pos_of(const Matcher *matcher, IsleNodeRef node)
{
    return isle_node(matcher->builder->isle, node)->pos;
}

static void mismatch(Matcher *matcher, IslePos pos, IsleType wanted, IsleType found)
{
    const Isle *isle = matcher->builder->isle;
    dv_isle_rule_error(matcher->builder, pos, ISLE_MSG_TYPE_PATTERN, isle_type_text(isle, found),
                       isle_type_text(isle, wanted));
}

/* ---- atoms ----------------------------------------------------------------------------------- */

static void bind(Matcher *matcher, IsleSym sym, IsleValue value)
{
    IsleBuilder *builder = matcher->builder;
    IsleValueInfo *info = &builder->rule.values.data[value.id];
    dv_map_put(builder->isle->arena, &builder->vars, sym.id, value.id);
    if (info->name.id == ISLE_NONE) {
        info->name = sym;
    }
}

static void match_variable(Matcher *matcher, const Work *work)
{
    IsleBuilder *builder = matcher->builder;
    IsleSym sym = isle_node(builder->isle, work->node)->sym;
    IslePos pos = pos_of(matcher, work->node);
    IsleValue args[2] = {work->value, {0}};
    if (!dv_map_get(&builder->vars, sym.id, &args[1].id)) {
        bind(matcher, sym, work->value);
        return;
    }
    IsleType old = type_of(matcher, args[1]);
    if (old.id != type_of(matcher, work->value).id) {
        dv_isle_rule_error(builder, pos, ISLE_MSG_VAR_TYPE, isle_text(builder->isle, sym),
                           isle_type_text(builder->isle, old));
        return;
    }
    if (args[0].id != args[1].id) {
        IsleStep step = {
            .kind = STEP_SAME, .pos = pos, .term = {ISLE_NONE}, .constant = {ISLE_NONE}};
        dv_isle_new_step(builder, step, args, 2);
    }
}

static void match_name(Matcher *matcher, const Work *work)
{
    const Isle *isle = matcher->builder->isle;
    IsleSym sym = isle_node(isle, work->node)->sym;
    if (work->env != ISLE_NONE) {
        const IsleMacroEnv *env = &matcher->builder->envs.data[work->env];
        const IsleMacro *macro = &isle->macros.data[env->macro];
        IsleNodeRef arg = env->arg;
        for (u32 i = 0; i < macro->params.len; i++) {
            if (macro->params.data[i].id == sym.id) {
                push(matcher, arg, work->value, env->outer);
                return;
            }
            arg = env->is_single ? arg : isle_next(isle, arg);
        }
    }
    if (strcmp(isle_text(isle, sym), "_") != 0) {
        match_variable(matcher, work);
    }
}

static void match_binding(Matcher *matcher, const Work *work)
{
    IsleBuilder *builder = matcher->builder;
    IsleSym sym = isle_node(builder->isle, work->node)->sym;
    if (dv_map_get(&builder->vars, sym.id, NULL)) {
        dv_isle_rule_error(builder, pos_of(matcher, work->node), ISLE_MSG_VAR_AGAIN,
                           isle_text(builder->isle, sym), NULL);
        return;
    }
    bind(matcher, sym, work->value);
    push(matcher, isle_first(builder->isle, work->node), work->value, work->env);
}

static void match_literal(Matcher *matcher, const Work *work)
{
    IsleStep step = {.kind = STEP_INT,
                     .pos = pos_of(matcher, work->node),
                     .term = {ISLE_NONE},
                     .constant = {ISLE_NONE}};
    if (dv_isle_check_literal(matcher->builder, work->node, type_of(matcher, work->value),
                              &step.literal)) {
        dv_isle_new_step(matcher->builder, step, &work->value, 1);
    }
}

static bool take_apart(Matcher *matcher, IsleTerm term, const Work *work, bool is_convert,
                       IsleValue *results);

/* A value of the inner type that the outer value converts to; false, with a report, if there is
 * none. A converter whose extractor is a macro is pushed as work for `node`, and false given
 * without a report. */
static bool convert(Matcher *matcher, const Work *work, IsleType inner, IsleValue *out)
{
    IsleBuilder *builder = matcher->builder;
    IsleType outer = type_of(matcher, work->value);
    const IsleConvert *found = dv_isle_find_convert(builder->isle, inner, outer);
    if (inner.id == outer.id) {
        *out = work->value;
        return true;
    }
    if (found == NULL) {
        mismatch(matcher, pos_of(matcher, work->node), outer, inner);
        return false;
    }
    const IsleTermInfo *term = isle_term(builder->isle, found->term);
    if (term->etor == ETOR_MACRO) {
        IsleMacroEnv env = {term->macro, work->node, work->env, true};
        vec_push(builder->isle->arena, &builder->envs, env);
        push(matcher, builder->isle->macros.data[term->macro].body, work->value,
             builder->envs.len - 1);
        return false;
    }
    return take_apart(matcher, found->term, work, true, out);
}

static void match_const(Matcher *matcher, const Work *work)
{
    IsleBuilder *builder = matcher->builder;
    IsleSym sym = isle_node(builder->isle, work->node)->sym;
    IslePos pos = pos_of(matcher, work->node);
    IsleConst constant;
    IsleValue value;
    if (!dv_map_get(&builder->isle->const_of_name, sym.id, &constant.id)) {
        dv_isle_rule_error(builder, pos, ISLE_MSG_UNKNOWN_CONST, isle_text(builder->isle, sym),
                           NULL);
        return;
    }
    if (convert(matcher, work, isle_const(builder->isle, constant)->type, &value)) {
        IsleStep step = {.kind = STEP_CONST, .pos = pos, .term = {ISLE_NONE}, .constant = constant};
        dv_isle_new_step(builder, step, &value, 1);
    }
}

/* ---- terms ----------------------------------------------------------------------------------- */

/* Applies the term's extractor, which is no macro: its step and the first of its results. */
static bool take_apart(Matcher *matcher, IsleTerm term, const Work *work, bool is_convert,
                       IsleValue *results)
{
    static const IsleStepKind kinds[] = {
        [ETOR_EXTERN] = STEP_EXTRACT, [ETOR_VARIANT] = STEP_VARIANT, [ETOR_OP] = STEP_OP};
    IsleBuilder *builder = matcher->builder;
    const IsleTermInfo *info = isle_term(builder->isle, term);
    IslePos pos = pos_of(matcher, work->node);
    if (info->etor == ETOR_NONE) {
        dv_isle_rule_error(builder, pos, ISLE_MSG_NO_EXTRACTOR,
                           isle_text(builder->isle, info->name), NULL);
        dv_isle_note(builder->isle, info->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return false;
    }
    if (info->is_multi && info->etor == ETOR_EXTERN && !builder->may_multi) {
        dv_isle_rule_error(builder, pos, ISLE_MSG_MULTI_PATTERN,
                           isle_text(builder->isle, info->name),
                           isle_term_text(builder->isle, builder->rule.root));
        return false;
    }
    IsleStep step = {.kind = kinds[info->etor],
                     .pos = pos,
                     .term = term,
                     .constant = {ISLE_NONE},
                     .result_count = info->args.len,
                     .is_convert = is_convert};
    u32 number = dv_isle_new_step(builder, step, &work->value, 1);
    results->id = builder->rule.values.len;
    for (u32 i = 0; i < info->args.len; i++) {
        dv_isle_new_value(builder, info->args.data[i], number, i);
    }
    return true;
}

/* The subpatterns of a term pattern, one per argument of the term: id ISLE_NONE where a wildcard
 * stands in for a type left out. */
typedef struct Subpatterns {
    VEC(IsleNodeRef) nodes;
} Subpatterns;

/* The ~ among the arguments of an operation; ISLE_NODE_NONE if there is none. To other terms it
 * is a name. */
static IsleNodeRef find_tilde(const Isle *isle, const IsleTermInfo *info, IsleNodeRef arg)
{
    while (isle_is_node(arg) && !dv_isle_is_name(isle, arg, "~")) {
        arg = isle_next(isle, arg);
    }
    return info->op != ISLE_NONE ? arg : ISLE_NODE_NONE;
}

/* Swaps the operands after ~, which stand at `at`, if this mirror does; false after a report. */
static bool swap_operands(Matcher *matcher, const IsleTermInfo *info, IslePos pos, u32 at,
                          Subpatterns *subs)
{
    IsleBuilder *builder = matcher->builder;
    if (!dv_isle_op(info->op).is_commutative) {
        dv_isle_rule_error(builder, pos, ISLE_MSG_NOT_COMMUTATIVE,
                           isle_text(builder->isle, info->name), NULL);
        return false;
    }
    if (at + 2 != subs->nodes.len) {
        dv_isle_rule_error(builder, pos, ISLE_MSG_TILDE_PLACE, NULL, NULL);
        return false;
    }
    u32 bit = builder->swap_count++;
    if (bit < ISLE_MIRRORS_MAX && (builder->swap_bits >> bit & 1) != 0) {
        IsleNodeRef held = subs->nodes.data[at];
        subs->nodes.data[at] = subs->nodes.data[at + 1];
        subs->nodes.data[at + 1] = held;
    }
    return true;
}

/* Gives the subpatterns in the order of the arguments, ~ obeyed. */
static bool collect(Matcher *matcher, const IsleTermInfo *info, IsleNodeRef node, Subpatterns *out)
{
    IsleBuilder *builder = matcher->builder;
    Isle *isle = builder->isle;
    IsleNodeRef first = isle_next(isle, isle_first(isle, node));
    IsleNodeRef tilde = find_tilde(isle, info, first);
    u32 count = isle_node(isle, node)->count - 1 - isle_is_node(tilde);
    u32 swap_at = ISLE_NONE;
    if (count + 1 == info->args.len && info->op != ISLE_NONE && dv_isle_op(info->op).has_type) {
        if (builder->root_arg.id != node.id) {
            dv_isle_rule_error(builder, pos_of(matcher, node), ISLE_MSG_TYPE_OMITTED,
                               isle_text(isle, info->name), NULL);
            return false;
        }
        vec_push(isle->arena, &out->nodes, ISLE_NODE_NONE);
    }
    for (IsleNodeRef at = first; isle_is_node(at); at = isle_next(isle, at)) {
        if (at.id == tilde.id) {
            swap_at = out->nodes.len;
        } else {
            vec_push(isle->arena, &out->nodes, at);
        }
    }
    if (out->nodes.len != info->args.len) {
        dv_isle_rule_error(builder, pos_of(matcher, node), ISLE_MSG_ARITY,
                           isle_text(isle, info->name), dv_isle_number(isle, info->args.len));
        dv_isle_note(isle, info->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return false;
    }
    return swap_at == ISLE_NONE ||
           swap_operands(matcher, info, pos_of(matcher, tilde), swap_at, out);
}

static void push_all(Matcher *matcher, const Subpatterns *subs, IsleValue first, u32 env)
{
    for (u32 i = subs->nodes.len; i-- > 0;) {
        if (isle_is_node(subs->nodes.data[i])) {
            push(matcher, subs->nodes.data[i], (IsleValue){first.id + i}, env);
        }
    }
}

static void match_term(Matcher *matcher, const Work *work)
{
    IsleBuilder *builder = matcher->builder;
    Isle *isle = builder->isle;
    IsleNodeRef head = isle_first(isle, work->node);
    IsleTerm term;
    Work inner = *work;
    Subpatterns subs = {0};
    if (!isle_is(isle, head, NODE_NAME)) {
        dv_isle_rule_error(builder, pos_of(matcher, work->node), ISLE_MSG_PATTERN_HEAD, NULL, NULL);
        return;
    }
    if (!dv_isle_find_term(isle, head, &term)) {
        builder->has_failed = true;
        return;
    }
    const IsleTermInfo *info = isle_term(isle, term);
    if (!convert(matcher, work, info->match, &inner.value) ||
        !collect(matcher, info, work->node, &subs)) {
        return;
    }
    if (info->etor == ETOR_MACRO) {
        IsleNodeRef first = subs.nodes.len > 0 ? subs.nodes.data[0] : ISLE_NODE_NONE;
        vec_push(isle->arena, &builder->envs,
                 ((IsleMacroEnv){info->macro, first, work->env, false}));
        push(matcher, isle->macros.data[info->macro].body, inner.value, builder->envs.len - 1);
        return;
    }
    IsleValue first;
    if (take_apart(matcher, term, &inner, false, &first)) {
        push_all(matcher, &subs, first, work->env);
    }
}

/* (one_of patterns...): the one that this copy of the rule takes. */
static void match_choice(Matcher *matcher, const Work *work)
{
    IsleBuilder *builder = matcher->builder;
    const Isle *isle = builder->isle;
    u32 count = isle_node(isle, work->node)->count - 1;
    if (count == 0 || (builder->choice_count != 0 && builder->choice_count != count)) {
        dv_isle_rule_error(builder, pos_of(matcher, work->node), ISLE_MSG_ONE_OF_COUNT, NULL, NULL);
        return;
    }
    builder->choice_count = count;
    IsleNodeRef at = isle_next(isle, isle_first(isle, work->node));
    for (u32 i = 0; i < builder->choice; i++) {
        at = isle_next(isle, at);
    }
    push(matcher, at, work->value, work->env);
}

static void match_list(Matcher *matcher, const Work *work)
{
    Isle *isle = matcher->builder->isle;
    if (!isle->is_strict && dv_isle_is_form(isle, work->node, "one_of")) {
        match_choice(matcher, work);
        return;
    }
    if (!dv_isle_is_form(isle, work->node, "and")) {
        match_term(matcher, work);
        return;
    }
    Subpatterns subs = {0};
    IsleNodeRef at = isle_next(isle, isle_first(isle, work->node));
    for (; isle_is_node(at); at = isle_next(isle, at)) {
        vec_push(isle->arena, &subs.nodes, at);
    }
    for (u32 i = subs.nodes.len; i-- > 0;) {
        push(matcher, subs.nodes.data[i], work->value, work->env);
    }
}

static void match_one(Matcher *matcher, const Work *work)
{
    IsleNodeKind kind = isle_node(matcher->builder->isle, work->node)->kind;
    switch (kind) {
    case NODE_NAME:
        match_name(matcher, work);
        break;
    case NODE_BIND:
        match_binding(matcher, work);
        break;
    case NODE_INT:
    case NODE_BOOL:
        match_literal(matcher, work);
        break;
    case NODE_CONST:
        match_const(matcher, work);
        break;
    case NODE_LIST:
        match_list(matcher, work);
        break;
    case NODE_BITS:
    case NODE_STRING:
        dv_isle_rule_error(matcher->builder, pos_of(matcher, work->node), ISLE_MSG_BAD_PATTERN,
                           NULL, NULL);
        break;
    }
}

static void run(Matcher *matcher)
{
    while (matcher->work.len > 0) {
        Work work = vec_pop(&matcher->work);
        if (!dv_isle_count_work(matcher->builder)) {
            return;
        }
        match_one(matcher, &work);
    }
}

void dv_isle_type_pattern(IsleBuilder *builder, IsleNodeRef pattern, IsleValue value)
{
    Matcher matcher = {.builder = builder};
    push(&matcher, pattern, value, ISLE_NONE);
    run(&matcher);
}

void dv_isle_type_root(IsleBuilder *builder, IsleNodeRef pattern)
{
    Matcher matcher = {.builder = builder};
    Subpatterns subs = {0};
    const IsleTermInfo *info = isle_term(builder->isle, builder->rule.root);
    if (!collect(&matcher, info, pattern, &subs)) {
        return;
    }
    builder->root_arg = subs.nodes.len == 1 ? subs.nodes.data[0] : ISLE_NODE_NONE;
    push_all(&matcher, &subs, (IsleValue){0}, ISLE_NONE);
    run(&matcher);
}
