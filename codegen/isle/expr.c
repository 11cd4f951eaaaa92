/* expr.c - typing expressions: a stack of what is still to be done, and a stack of the values
 * made so far.
 *
 * A type flows down where one is known: from the rule's root, the parameters of a term, a let.
 * What gives another type goes through the converter between the two, if there is one. Arguments
 * are evaluated left to right, before their term; let binds one after another, hiding outer
 * names until its end.
 *
 * Purity: in a clause of the left side, and in all of a pure term's rules, only pure terms are
 * built. Terms that may fail are built in clauses, or where failing is the rule's own right: in
 * a partial term. Terms that give several results need a root term that does. */
#include "front.h"

typedef enum TaskKind { TASK_EVAL, TASK_BUILD, TASK_BIND, TASK_LEAVE, TASK_CONVERT } TaskKind;

typedef struct Task {
    TaskKind kind;
    IsleNodeRef node; /* of EVAL, BUILD, CONVERT: the expression; of BIND: the name */
    IsleType wanted;  /* of EVAL, CONVERT; id ISLE_NONE: any */
    IsleTerm term;    /* of BUILD */
    bool is_convert;  /* of BUILD: the term is a converter */
} Task;

/* A name hidden by let, and what it meant: ISLE_NONE for nothing. */
typedef struct Hidden {
    IsleSym sym;
    u32 value;
} Hidden;

typedef struct Evaluator {
    IsleBuilder *builder;
    VEC(Task) tasks;
    VEC(IsleValue) values; /* id ISLE_NONE after an error */
    VEC(Hidden) hidden;
    VEC(u32) scopes; /* length of hidden where each open let began */
} Evaluator;

static const IsleType any_type = {ISLE_NONE};
static const IsleValue no_value = {ISLE_NONE};

static void push_task(Evaluator *eval, TaskKind kind, IsleNodeRef node, IsleType wanted,
                      IsleTerm term)
{
    vec_push(eval->builder->isle->arena, &eval->tasks, ((Task){kind, node, wanted, term, false}));
}

static void push_value(Evaluator *eval, IsleValue value)
{
    vec_push(eval->builder->isle->arena, &eval->values, value);
}

static IslePos pos_of(const Evaluator *eval, IsleNodeRef node)
{
    return isle_node(eval->builder->isle, node)->pos;
}

static void fail(Evaluator *eval, IslePos pos, IsleMessage message, const char *a, const char *b)
{
    dv_isle_rule_error(eval->builder, pos, message, a, b);
    push_value(eval, no_value);
}

/* ---- literals, names ------------------------------------------------------------------------- */

/* Types of 128 bits take every number, modulo 2^128, as ISLE's own numbers are. */
static bool fits(const IsleLiteral *literal, const IsleTypeInfo *type)
{
    if (type->int_bits == 128) {
        return true;
    }
    if (literal->is_negative) {
        U128 high = dv_u128_ashr(literal->bits, type->int_bits - 1);
        return type->is_signed && dv_u128_eq(high, dv_u128_not((U128){0, 0}));
    }
    return dv_u128_is_zero(dv_u128_lshr(literal->bits, type->int_bits - type->is_signed));
}

bool dv_isle_check_literal(IsleBuilder *builder, IsleNodeRef node, IsleType type, U128 *out)
{
    Isle *isle = builder->isle;
    const IsleLiteral *literal = isle_literal(isle, node);
    const IsleTypeInfo *info = isle_type(isle, type);
    const char *type_name = isle_text(isle, info->name);
    IslePos pos = isle_node(isle, node)->pos;
    bool wants_bool = info->kind == TYPE_BUILTIN && info->int_bits == 1;
    *out = literal->bits;
    if (isle_node(isle, node)->kind == NODE_BOOL) {
        if (!wants_bool) {
            dv_isle_rule_error(builder, pos, ISLE_MSG_LITERAL_BOOL, type_name, NULL);
        }
        return wants_bool;
    }
    if (wants_bool || info->kind == TYPE_ENUM || info->kind == TYPE_STRUCT) {
        dv_isle_rule_error(builder, pos, ISLE_MSG_LITERAL_INT, type_name, NULL);
        return false;
    }
    if (info->kind == TYPE_BUILTIN && !fits(literal, info)) {
        dv_isle_rule_error(builder, pos, ISLE_MSG_LITERAL_RANGE, type_name, NULL);
        return false;
    }
    return true;
}

static IsleValue make_step(Evaluator *eval, IsleStep step, IsleType type, const IsleValue *args,
                           u32 arg_count)
{
    step.result_count = 1;
    u32 number = dv_isle_new_step(eval->builder, step, args, arg_count);
    return dv_isle_new_value(eval->builder, type, number, 0);
}

static void eval_literal(Evaluator *eval, const Task *task)
{
    IsleStep step = {.kind = STEP_MAKE_INT,
                     .pos = pos_of(eval, task->node),
                     .term = {ISLE_NONE},
                     .constant = {ISLE_NONE}};
    IsleType type = task->wanted;
    if (type.id == ISLE_NONE && isle_node(eval->builder->isle, task->node)->kind == NODE_BOOL) {
        dv_map_get(&eval->builder->isle->type_of_name, dv_isle_sym(eval->builder->isle, "bool").id,
                   &type.id);
    }
    if (type.id == ISLE_NONE) {
        fail(eval, step.pos, ISLE_MSG_LITERAL_NO_TYPE, NULL, NULL);
    } else if (dv_isle_check_literal(eval->builder, task->node, type, &step.literal)) {
        push_value(eval, make_step(eval, step, type, NULL, 0));
    } else {
        push_value(eval, no_value);
    }
}

/* Turns the value on top into the type wanted. */
static void convert_top(Evaluator *eval, const Task *task)
{
    IsleBuilder *builder = eval->builder;
    Isle *isle = builder->isle;
    IsleValue value = vec_last(&eval->values);
    if (value.id == ISLE_NONE || task->wanted.id == ISLE_NONE) {
        return;
    }
    IsleType found = vec_at(&builder->rule.values, value.id).type;
    if (found.id == task->wanted.id) {
        return;
    }
    const IsleConvert *converter = dv_isle_find_convert(isle, found, task->wanted);
    if (converter == NULL) {
        (void)vec_pop(&eval->values);
        fail(eval, pos_of(eval, task->node), ISLE_MSG_TYPE_EXPR, isle_type_text(isle, found),
             isle_type_text(isle, task->wanted));
        return;
    }
    push_task(eval, TASK_BUILD, task->node, any_type, converter->term);
    eval->tasks.data[eval->tasks.len - 1].is_convert = true;
}

static void eval_name(Evaluator *eval, const Task *task)
{
    IsleBuilder *builder = eval->builder;
    IsleSym sym = isle_node(builder->isle, task->node)->sym;
    IsleValue value;
    if (!dv_map_get(&builder->vars, sym.id, &value.id) || value.id == ISLE_NONE) {
        if (!builder->has_failed) { /* else what failed may have been to bind it */
            dv_isle_rule_error(builder, pos_of(eval, task->node), ISLE_MSG_UNBOUND,
                               isle_text(builder->isle, sym), NULL);
        }
        push_value(eval, no_value);
        return;
    }
    push_value(eval, value);
    convert_top(eval, task);
}

static void eval_const(Evaluator *eval, const Task *task)
{
    Isle *isle = eval->builder->isle;
    IsleSym sym = isle_node(isle, task->node)->sym;
    IsleConst constant;
    if (!dv_map_get(&isle->const_of_name, sym.id, &constant.id)) {
        fail(eval, pos_of(eval, task->node), ISLE_MSG_UNKNOWN_CONST, isle_text(isle, sym), NULL);
        return;
    }
    IsleStep step = {.kind = STEP_MAKE_CONST,
                     .pos = pos_of(eval, task->node),
                     .term = {ISLE_NONE},
                     .constant = constant};
    push_value(eval, make_step(eval, step, isle_const(isle, constant)->type, NULL, 0));
    convert_top(eval, task);
}

/* ---- let ------------------------------------------------------------------------------------- */

static void bind_top(Evaluator *eval, const Task *task)
{
    IsleBuilder *builder = eval->builder;
    Isle *isle = builder->isle;
    IsleSym sym = isle_node(isle, task->node)->sym;
    IsleValue value = vec_pop(&eval->values);
    Hidden hidden = {sym, ISLE_NONE};
    dv_map_get(&builder->vars, sym.id, &hidden.value);
    vec_push(isle->arena, &eval->hidden, hidden);
    dv_map_put(isle->arena, &builder->vars, sym.id, value.id);
    if (value.id != ISLE_NONE && builder->rule.values.data[value.id].name.id == ISLE_NONE) {
        builder->rule.values.data[value.id].name = sym;
    }
}

static void leave_let(Evaluator *eval)
{
    IsleBuilder *builder = eval->builder;
    u32 start = vec_pop(&eval->scopes);
    while (eval->hidden.len > start) {
        Hidden hidden = vec_pop(&eval->hidden);
        if (hidden.value == ISLE_NONE) {
            dv_map_remove(&builder->vars, hidden.sym.id);
        } else {
            dv_map_put(builder->isle->arena, &builder->vars, hidden.sym.id, hidden.value);
        }
    }
}

typedef struct Binding {
    IsleNodeRef name, value;
    IsleType type;
} Binding;

static bool take_binding(Isle *isle, IsleNodeRef node, Binding *out)
{
    IsleNodeRef type;
    if (!isle_is(isle, node, NODE_LIST)) {
        dv_isle_error(isle, isle_node(isle, node)->pos, ISLE_MSG_EXPECTED, "let",
                      "(name Type expression)");
        return false;
    }
    IsleWalk walk = {isle, node, isle_first(isle, node), "let"};
    return dv_isle_take_name(&walk, "a name", &out->name) &&
           dv_isle_take_name(&walk, "a type", &type) &&
           dv_isle_take_any(&walk, "an expression", &out->value) && dv_isle_take_end(&walk) &&
           dv_isle_find_type(isle, type, &out->type);
}

/* (let ((name Type expression)...) body) */
static void eval_let(Evaluator *eval, const Task *task)
{
    Isle *isle = eval->builder->isle;
    IsleWalk walk = dv_isle_walk(isle, task->node, "let");
    VEC(Binding) bindings = {0};
    IsleNodeRef list;
    IsleNodeRef body;
    bool ok = dv_isle_take_list(&walk, "bindings", &list) &&
              dv_isle_take_any(&walk, "a body", &body) && dv_isle_take_end(&walk);
    IsleNodeRef at = ok ? isle_first(isle, list) : ISLE_NODE_NONE;
    for (; ok && isle_is_node(at); at = isle_next(isle, at)) {
        Binding binding;
        ok = take_binding(isle, at, &binding);
        vec_push(isle->arena, &bindings, binding);
    }
    if (!ok) {
        eval->builder->has_failed = true;
        push_value(eval, no_value);
        return;
    }
    IsleTerm none = {ISLE_NONE};
    vec_push(isle->arena, &eval->scopes, eval->hidden.len);
    push_task(eval, TASK_LEAVE, task->node, any_type, none);
    push_task(eval, TASK_EVAL, body, task->wanted, none);
    for (u32 i = bindings.len; i-- > 0;) {
        push_task(eval, TASK_BIND, bindings.data[i].name, any_type, none);
        push_task(eval, TASK_EVAL, bindings.data[i].value, bindings.data[i].type, none);
    }
}

/* ---- terms ----------------------------------------------------------------------------------- */

/* Reports if the term may not be built here. */
static bool check_use(Evaluator *eval, IsleTerm term, IslePos pos)
{
    IsleBuilder *builder = eval->builder;
    const Isle *isle = builder->isle;
    const IsleTermInfo *info = isle_term(isle, term);
    const IsleTermInfo *root = isle_term(isle, builder->rule.root);
    const char *name = isle_text(isle, info->name);
    const char *root_name = isle_text(isle, root->name);
    IsleMessage message = ISLE_MSG_COUNT;
    if (info->ctor == CTOR_NONE) {
        message = ISLE_MSG_NO_CONSTRUCTOR;
    } else if (!info->is_pure && builder->in_lhs) {
        message = ISLE_MSG_IMPURE_CLAUSE;
    } else if (!info->is_pure && root->is_pure) {
        message = ISLE_MSG_IMPURE_RESULT;
    } else if (info->is_partial && !builder->in_lhs && !root->is_partial) {
        message = ISLE_MSG_PARTIAL_RESULT;
    } else if (info->is_multi && !root->is_multi) {
        message = ISLE_MSG_MULTI_RESULT;
    }
    if (message == ISLE_MSG_COUNT) {
        return true;
    }
    dv_isle_rule_error(builder, pos, message, name, root_name);
    dv_isle_note(builder->isle, info->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
    return false;
}

static void build(Evaluator *eval, const Task *task)
{
    const IsleTermInfo *info = isle_term(eval->builder->isle, task->term);
    u32 count = info->args.len;
    IslePos pos = pos_of(eval, task->node);
    ASSERT(eval->values.len >= count);
    eval->values.len -= count;
    const IsleValue *args = count > 0 ? eval->values.data + eval->values.len : NULL;
    for (u32 i = 0; i < count; i++) {
        if (args[i].id == ISLE_NONE) {
            push_value(eval, no_value);
            return;
        }
    }
    IsleStep step = {.kind = STEP_CONSTRUCT,
                     .pos = pos,
                     .term = task->term,
                     .constant = {ISLE_NONE},
                     .is_convert = task->is_convert};
    if (!check_use(eval, task->term, pos)) {
        push_value(eval, no_value);
        return;
    }
    IsleValue result = make_step(eval, step, info->ret, args, count);
    push_value(eval, result);
}

static void eval_term(Evaluator *eval, const Task *task)
{
    Isle *isle = eval->builder->isle;
    IsleNodeRef head = isle_first(isle, task->node);
    IslePos pos = pos_of(eval, task->node);
    IsleTerm term;
    if (!isle_is(isle, head, NODE_NAME)) {
        fail(eval, pos, ISLE_MSG_EXPR_HEAD, NULL, NULL);
        return;
    }
    if (!dv_isle_find_term(isle, head, &term)) {
        eval->builder->has_failed = true;
        push_value(eval, no_value);
        return;
    }
    const IsleTermInfo *info = isle_term(isle, term);
    if (isle_node(isle, task->node)->count - 1 != info->args.len) {
        fail(eval, pos, ISLE_MSG_ARITY, isle_text(isle, info->name),
             dv_isle_number(isle, info->args.len));
        dv_isle_note(isle, info->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return;
    }
    push_task(eval, TASK_CONVERT, task->node, task->wanted, term);
    push_task(eval, TASK_BUILD, task->node, any_type, term);
    u32 first = eval->tasks.len;
    IsleNodeRef arg = isle_next(isle, head);
    for (u32 i = 0; i < info->args.len; i++, arg = isle_next(isle, arg)) {
        push_task(eval, TASK_EVAL, arg, info->args.data[i], (IsleTerm){ISLE_NONE});
    }
    for (u32 low = first, high = eval->tasks.len; low + 1 < high;
         low++) { /* first argument on top */
        Task held = eval->tasks.data[--high];
        eval->tasks.data[high] = eval->tasks.data[low];
        eval->tasks.data[low] = held;
    }
}

static void eval_one(Evaluator *eval, const Task *task)
{
    const Isle *isle = eval->builder->isle;
    switch (isle_node(isle, task->node)->kind) {
    case NODE_INT:
    case NODE_BOOL:
        eval_literal(eval, task);
        break;
    case NODE_NAME:
        eval_name(eval, task);
        break;
    case NODE_CONST:
        eval_const(eval, task);
        break;
    case NODE_LIST:
        if (dv_isle_is_form(isle, task->node, "let")) {
            eval_let(eval, task);
        } else {
            eval_term(eval, task);
        }
        break;
    case NODE_BITS:
    case NODE_STRING:
    case NODE_BIND:
        fail(eval, pos_of(eval, task->node), ISLE_MSG_BAD_EXPR, NULL, NULL);
        break;
    }
}

bool dv_isle_type_expr(IsleBuilder *builder, IsleNodeRef expr, IsleType wanted, IsleValue *out)
{
    Evaluator eval = {.builder = builder};
    push_task(&eval, TASK_EVAL, expr, wanted, (IsleTerm){ISLE_NONE});
    while (eval.tasks.len > 0) {
        Task task = vec_pop(&eval.tasks);
        if (!dv_isle_count_work(builder)) {
            return false;
        }
        switch (task.kind) {
        case TASK_EVAL:
            eval_one(&eval, &task);
            break;
        case TASK_BUILD:
            build(&eval, &task);
            break;
        case TASK_BIND:
            bind_top(&eval, &task);
            break;
        case TASK_LEAVE:
            leave_let(&eval);
            break;
        case TASK_CONVERT:
            convert_top(&eval, &task);
            break;
        }
    }
    ASSERT(eval.values.len == 1);
    *out = eval.values.data[0];
    return out->id != ISLE_NONE;
}
