/* laws.c - two laws of the rules, checked on each typed rule that takes operations apart.
 *
 * Law 2: a type bound by one operation may feed arithmetic about another only if the rule shows
 * their types equal. A value of the rule may carry types (it is, or was computed from, the type
 * of an operation) and may belong to operations (it is one of their operands, or was computed
 * from one; a constant belongs to the operation it is an operand of as well). A pure term that
 * gets a type of one operation, and a number of others, is refused unless one of the others has
 * that type: by a repeated variable, by the same constant, or by the IR's typing (the operand's
 * row of ops.def says T, and so does the result's of the operation below).
 *
 * Law 3: a memory operand that a load was folded into has the size of the load. Whatever is
 * computed from the operands of a load leads back to it; when that becomes a value of a type
 * with (mem N), N must be the size that the load's name or its constant type gives it.
 *
 * Sets of operations are masks: a rule's patterns may hold 64. */
#include "front.h"

typedef struct LawValue {
    u32 same;       /* union-find: types known to be equal */
    u32 constant;   /* of a class: the constant it was compared with, or ISLE_NONE */
    u64 types;      /* operations whose type this is or comes from */
    u64 owners;     /* operations this belongs to */
    u64 loads;      /* loads this is part of the address of */
    u32 from_op;    /* the operation whose value operand this is, or ISLE_NONE */
    u32 from_index; /* which of its value operands */
} LawValue;

typedef struct Laws {
    Isle *isle;
    const IsleRuleInfo *rule;
    LawValue *values;
    u32 op_steps[ISLE_OPS_MAX]; /* the step of each operation */
    u32 op_count;
} Laws;

static u32 find_same(Laws *laws, u32 value)
{
    while (laws->values[value].same != value) {
        laws->values[value].same = laws->values[laws->values[value].same].same;
        value = laws->values[value].same;
    }
    return value;
}

static void make_same(Laws *laws, u32 a, u32 b)
{
    u32 root_a = find_same(laws, a);
    u32 root_b = find_same(laws, b);
    laws->values[root_b].same = root_a;
    if (laws->values[root_a].constant == ISLE_NONE) {
        laws->values[root_a].constant = laws->values[root_b].constant;
    }
}

/* The value that is argument `index` of a step. */
static u32 arg_of(const Laws *laws, const IsleStep *step, u32 index)
{
    ASSERT(index < step->arg_count);
    return vec_at(&laws->rule->args, step->first_arg + index).id;
}

static IsleOp op_of(const Laws *laws, const IsleStep *step)
{
    return dv_isle_op(isle_term(laws->isle, step->term)->op);
}

/* The value that is an operation's type, or ISLE_NONE. */
static u32 type_value(const Laws *laws, u32 op)
{
    const IsleStep *step = &laws->rule->steps.data[laws->op_steps[op]];
    return op_of(laws, step).has_type ? step->first_result : ISLE_NONE;
}

static bool have_same_type(Laws *laws, u32 a, u32 b)
{
    u32 value_a = type_value(laws, a);
    u32 value_b = type_value(laws, b);
    if (a == b || value_a == ISLE_NONE || value_b == ISLE_NONE) {
        return a == b;
    }
    u32 root_a = find_same(laws, value_a);
    u32 root_b = find_same(laws, value_b);
    u32 constant = laws->values[root_a].constant;
    return root_a == root_b || (constant != ISLE_NONE && constant == laws->values[root_b].constant);
}

/* True if item `index` of a row's list "(T, addr)" is T. */
static bool is_item_t(const char *list, u32 index)
{
    const char *at = list + 1;
    while (index-- > 0) {
        at = strchr(at, ',');
        if (at == NULL) {
            return false;
        }
        at += 1 + strspn(at + 1, " ");
    }
    return at[0] == 'T' && (at[1] == ',' || at[1] == ')');
}

/* ---- the steps, in order --------------------------------------------------------------------- */

static void visit_op(Laws *laws, const IsleStep *step, u32 number)
{
    IsleOp op = op_of(laws, step);
    u32 index = laws->op_count++;
    u64 self = (u64)1 << index;
    const LawValue *arg = &laws->values[arg_of(laws, step, 0)];
    bool is_constant = strcmp(op.operands, "(none)") == 0;
    u64 owners = is_constant ? self | arg->owners : self;
    u64 loads = op.is_load ? self : arg->loads;
    u32 value_index = 0;
    laws->op_steps[index] = number;
    for (u32 i = 0; i < step->result_count; i++) {
        LawValue *value = &laws->values[step->first_result + i];
        if (i == 0 && op.has_type) {
            value->types = self;
            continue;
        }
        value->owners = owners;
        value->loads = loads;
        const IsleTermInfo *term = isle_term(laws->isle, step->term);
        if (strcmp(isle_type_text(laws->isle, term->args.data[i]), "Value") == 0) {
            value->from_op = index;
            value->from_index = value_index++;
        }
    }
    if (arg->from_op == ISLE_NONE || !op.has_type || type_value(laws, arg->from_op) == ISLE_NONE) {
        return;
    }
    IsleOp outer = op_of(laws, &laws->rule->steps.data[laws->op_steps[arg->from_op]]);
    if (is_item_t(outer.operands, arg->from_index) && is_item_t(op.results, 0)) {
        make_same(laws, type_value(laws, arg->from_op), step->first_result);
    }
}

/* A pure function of the args: results carry what the args do. */
static void pass_on(Laws *laws, const IsleStep *step)
{
    LawValue sum = {0};
    for (u32 i = 0; i < step->arg_count; i++) {
        const LawValue *arg = &laws->values[arg_of(laws, step, i)];
        sum.types |= arg->types;
        sum.owners |= arg->owners;
        sum.loads |= arg->loads;
    }
    for (u32 i = 0; i < step->result_count; i++) {
        LawValue *value = &laws->values[step->first_result + i];
        value->types = sum.types;
        value->owners = sum.owners;
        value->loads = sum.loads;
    }
}

static void visit_extract(Laws *laws, const IsleStep *step)
{
    const LawValue *arg = &laws->values[arg_of(laws, step, 0)];
    pass_on(laws, step);
    for (u32 i = 0; i < step->result_count && step->is_convert; i++) {
        laws->values[step->first_result + i].from_op = arg->from_op; /* def_inst */
        laws->values[step->first_result + i].from_index = arg->from_index;
    }
}

/* ---- law 2 ----------------------------------------------------------------------------------- */

/* Of the operations in a mask, one whose type is not that of any in the other; ISLE_NONE if
 * there is none. */
static u32 find_stranger(Laws *laws, u64 types, u64 owners)
{
    for (u64 left = types; left != 0; left &= left - 1) {
        u32 op = dv_ctz64(left);
        bool is_known = false;
        for (u64 others = owners; others != 0 && !is_known; others &= others - 1) {
            is_known = have_same_type(laws, op, dv_ctz64(others));
        }
        if (!is_known) {
            return op;
        }
    }
    return ISLE_NONE;
}

/* Values of the program are not arithmetic's business: numbers are. */
static bool is_number(const Laws *laws, u32 value)
{
    IsleType type = laws->rule->values.data[value].type;
    const char *name = isle_type_text(laws->isle, type);
    return isle_type(laws->isle, type)->kind == TYPE_BUILTIN || strcmp(name, "Imm64") == 0;
}

/* True after a report. */
static bool check_law2(Laws *laws, const IsleStep *step)
{
    const IsleTermInfo *term = isle_term(laws->isle, step->term);
    u64 types = 0;
    u64 owners = 0;
    for (u32 i = 0; i < step->arg_count; i++) {
        u32 arg = arg_of(laws, step, i);
        types |= laws->values[arg].types;
        owners |= is_number(laws, arg) ? laws->values[arg].owners : 0;
    }
    bool is_address = isle_type(laws->isle, term->ret)->width_kind == WIDTH_MEM;
    if (!term->is_pure || is_address || types == 0 || owners == 0) {
        return false;
    }
    u32 stranger = find_stranger(laws, types, owners);
    if (stranger == ISLE_NONE) {
        return false;
    }
    const IsleStep *steps = laws->rule->steps.data;
    dv_isle_error(laws->isle, step->pos, ISLE_MSG_LAW2, isle_text(laws->isle, term->name), NULL);
    dv_isle_note(laws->isle, steps[laws->op_steps[stranger]].pos, ISLE_MSG_LAW2_TYPE_HERE, NULL,
                 NULL);
    dv_isle_note(laws->isle, steps[laws->op_steps[dv_ctz64(owners)]].pos,
                 ISLE_MSG_LAW2_OPERAND_HERE, NULL, NULL);
    return true;
}

/* ---- law 3 ----------------------------------------------------------------------------------- */

/* Bits that a load reads; 0 if the rule does not say. */
static u32 load_bits(Laws *laws, u32 op)
{
    IsleOp info = op_of(laws, &laws->rule->steps.data[laws->op_steps[op]]);
    u32 type = type_value(laws, op);
    if (info.load_bits != 0 || type == ISLE_NONE) {
        return info.load_bits;
    }
    u32 constant = laws->values[find_same(laws, type)].constant;
    if (constant == ISLE_NONE) {
        return 0;
    }
    return laws->isle->consts.data[constant].lane_bits *
           laws->isle->consts.data[constant].lane_count;
}

static bool check_law3(Laws *laws, const IsleStep *step)
{
    const IsleTermInfo *term = isle_term(laws->isle, step->term);
    const IsleTypeInfo *type = isle_type(laws->isle, term->ret);
    u64 loads = laws->values[step->first_result].loads;
    if (type->width_kind != WIDTH_MEM) {
        return false;
    }
    for (; loads != 0; loads &= loads - 1) {
        u32 op = dv_ctz64(loads);
        u32 bits = load_bits(laws, op);
        if (bits == type->width_bits) {
            continue;
        }
        const char *wanted = dv_isle_number(laws->isle, type->width_bits);
        if (bits == 0) {
            dv_isle_error(laws->isle, step->pos, ISLE_MSG_LAW3_UNKNOWN, wanted, NULL);
        } else {
            dv_isle_error(laws->isle, step->pos, ISLE_MSG_LAW3, dv_isle_number(laws->isle, bits),
                          wanted);
        }
        IslePos load_pos = laws->rule->steps.data[laws->op_steps[op]].pos;
        dv_isle_note(laws->isle, load_pos, ISLE_MSG_LAW3_LOAD_HERE, NULL, NULL);
        return true;
    }
    return false;
}

/* ---- one rule -------------------------------------------------------------------------------- */

static bool visit_construct(Laws *laws, const IsleStep *step)
{
    pass_on(laws, step);
    if (check_law2(laws, step) || check_law3(laws, step)) {
        return true;
    }
    if (!isle_term(laws->isle, step->term)->is_pure) { /* a register: what made it is done */
        laws->values[step->first_result].types = 0;
        laws->values[step->first_result].owners = 0;
    }
    return false;
}

/* True after a report: one for each rule is enough. */
static bool visit_step(Laws *laws, const IsleStep *step, u32 number)
{
    switch (step->kind) {
    case STEP_CONST:
        laws->values[find_same(laws, arg_of(laws, step, 0))].constant = step->constant.id;
        return false;
    case STEP_SAME:
        make_same(laws, arg_of(laws, step, 0), arg_of(laws, step, 1));
        return false;
    case STEP_OP:
        if (laws->op_count == ISLE_OPS_MAX) {
            dv_isle_error(laws->isle, step->pos, ISLE_MSG_TOO_MANY_OPS,
                          dv_isle_number(laws->isle, ISLE_OPS_MAX), NULL);
            return true;
        }
        visit_op(laws, step, number);
        return false;
    case STEP_VARIANT:
    case STEP_EXTRACT:
        visit_extract(laws, step);
        return false;
    case STEP_CONSTRUCT:
        return visit_construct(laws, step);
    default: /* INT, MAKE_INT, MAKE_CONST: nothing of any operation */
        return false;
    }
}

static void check_rule(Isle *isle, const IsleRuleInfo *rule)
{
    Laws laws = {.isle = isle, .rule = rule};
    laws.values = ARENA_ARRAY(isle->arena, LawValue, rule->values.len);
    for (u32 i = 0; i < rule->values.len; i++) {
        laws.values[i].same = i;
        laws.values[i].constant = ISLE_NONE;
        laws.values[i].from_op = ISLE_NONE;
    }
    for (u32 i = 0; i < rule->steps.len; i++) {
        if (visit_step(&laws, &rule->steps.data[i], i)) {
            return;
        }
    }
}

void dv_isle_check_laws(Isle *isle)
{
    for (u32 i = 0; i < isle->rules.len && isle->has_ops; i++) {
        if (isle->rules.data[i].mirror == 0) {
            ArenaMark mark = dv_arena_mark(isle->arena);
            u64 errors = isle->error_count;
            check_rule(isle, &isle->rules.data[i]);
            if (errors == isle->error_count) {
                dv_arena_release_to(isle->arena, mark);
            }
        }
    }
}
