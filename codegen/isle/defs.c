/* defs.c - expression-bodied helpers (extension):
 *
 *     (def shift_mask ((ty Type) (n u64)) u8 (bvand (trunc 8 n) (sub (bits ty) 1)))
 *
 * A helper is a pure, total term. Its body is an expression on bits (specops.def, rows D and B)
 * over parameters of number types, bool (one bit) and Type, of which only (bits ty) can be
 * taken.
 *
 * Every value has a width. Widths of numbers and of (bits ty) follow from what they meet: values
 * that must be equally wide are joined in classes (union-find), a class takes the width of
 * whichever member has one, and a class left without is an error. The body's class takes the
 * width of the result's type. */
#include "front.h"

/* (def name ((parameter Type)...) Type body): the parts, and the signature's term. */
typedef struct DefParts {
    IsleNodeRef name, params, ret, body;
} DefParts;

static bool take_parts(Isle *isle, IsleNodeRef form, DefParts *out)
{
    IsleWalk walk = dv_isle_walk(isle, form, "def");
    return dv_isle_take_name(&walk, "a name", &out->name) &&
           dv_isle_take_list(&walk, "((parameter Type)...)", &out->params) &&
           dv_isle_take_name(&walk, "the type of the result", &out->ret) &&
           dv_isle_take_any(&walk, "a body", &out->body) && dv_isle_take_end(&walk);
}

static bool is_type_type(const Isle *isle, IsleType type)
{
    return strcmp(isle_type_text(isle, type), "Type") == 0;
}

/* Reports unless values of the type are bits, or, for parameters, the type Type. */
static bool check_type(Isle *isle, IsleNodeRef node, bool is_param, IsleType *out)
{
    if (!dv_isle_find_type(isle, node, out)) {
        return false;
    }
    bool ok = isle_type(isle, *out)->kind == TYPE_BUILTIN || (is_param && is_type_type(isle, *out));
    if (!ok) {
        dv_isle_error(isle, isle_node(isle, node)->pos, ISLE_MSG_DEF_PARAM_TYPE,
                      isle_type_text(isle, *out), NULL);
    }
    return ok;
}

static bool take_params(Isle *isle, IsleNodeRef list, IsleTermInfo *info)
{
    for (IsleNodeRef at = isle_first(isle, list); isle_is_node(at); at = isle_next(isle, at)) {
        IsleNodeRef name;
        IsleNodeRef type_name;
        IsleType type;
        if (!isle_is(isle, at, NODE_LIST)) {
            dv_isle_error(isle, isle_node(isle, at)->pos, ISLE_MSG_EXPECTED, "def",
                          "(parameter Type)");
            return false;
        }
        IsleWalk walk = {isle, at, isle_first(isle, at), "def"};
        if (!dv_isle_take_name(&walk, "a parameter", &name) ||
            !dv_isle_take_name(&walk, "a type", &type_name) || !dv_isle_take_end(&walk) ||
            !check_type(isle, type_name, true, &type)) {
            return false;
        }
        IsleNode node = *isle_node(isle, name);
        for (u32 i = 0; i < info->fields.len; i++) {
            if (info->fields.data[i].id == node.sym.id) {
                dv_isle_error(isle, node.pos, ISLE_MSG_PARAM_AGAIN, isle_text(isle, node.sym),
                              NULL);
                return false;
            }
        }
        if (!dv_isle_check_arg_count(isle, node.pos, info->args.len)) {
            return false;
        }
        vec_push(isle->arena, &info->args, type);
        vec_push(isle->arena, &info->fields, node.sym);
    }
    return true;
}

void dv_isle_declare_def(Isle *isle, IsleNodeRef form)
{
    DefParts parts;
    IsleTermInfo info = {0};
    if (!take_parts(isle, form, &parts) || !take_params(isle, parts.params, &info) ||
        !check_type(isle, parts.ret, false, &info.ret)) {
        return;
    }
    IsleNode node = *isle_node(isle, parts.name);
    IsleTerm old;
    if (dv_map_get(&isle->term_of_name, node.sym.id, &old.id)) {
        dv_isle_error(isle, node.pos, ISLE_MSG_TERM_AGAIN, isle_text(isle, node.sym), NULL);
        dv_isle_note(isle, isle_term(isle, old)->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return;
    }
    IsleTerm term = dv_isle_add_term(isle, node.sym, node.pos);
    IsleTermInfo *made = isle_term(isle, term);
    made->args.data = info.args.data;
    made->args.len = info.args.len;
    made->args.cap = info.args.cap;
    made->fields.data = info.fields.data;
    made->fields.len = info.fields.len;
    made->fields.cap = info.fields.cap;
    made->ret = info.ret;
    made->match = info.ret;
    made->is_pure = true;
    made->ctor = CTOR_DEF;
    made->ctor_pos = node.pos;
    made->def = isle->defs.len;
    IsleDef def = {.term = term, .body = parts.body, .pos = node.pos};
    vec_push(isle->arena, &isle->defs, def);
}

/* ---- bodies ---------------------------------------------------------------------------------- */

typedef struct DefTask {
    IsleNodeRef node;
    bool is_done; /* its operands have been typed: they are the last values */
} DefTask;

typedef struct DefTyper {
    Isle *isle;
    IsleDef *def;
    const IsleTermInfo *term;
    VEC(u32) parent; /* union-find over steps; bits of a root: width of the class; 0: unknown */
    VEC(DefTask) tasks;
    VEC(u32) values; /* steps not yet used as operands */
    bool has_failed;
} DefTyper;

static void def_error(DefTyper *typer, IslePos pos, IsleMessage message, const char *a,
                      const char *b)
{
    typer->has_failed = true;
    dv_isle_error(typer->isle, pos, message, a, b);
}

static u32 find_class(DefTyper *typer, u32 step)
{
    while (typer->parent.data[step] != step) {
        typer->parent.data[step] = typer->parent.data[typer->parent.data[step]];
        step = typer->parent.data[step];
    }
    return step;
}

static u32 *width_of(DefTyper *typer, u32 step)
{
    return &typer->def->steps.data[find_class(typer, step)].bits;
}

static void join(DefTyper *typer, u32 a, u32 b, IslePos pos)
{
    u32 root_a = find_class(typer, a);
    u32 root_b = find_class(typer, b);
    u32 bits_a = typer->def->steps.data[root_a].bits;
    u32 bits_b = typer->def->steps.data[root_b].bits;
    if (bits_a != 0 && bits_b != 0 && bits_a != bits_b) {
        def_error(typer, pos, ISLE_MSG_DEF_WIDTH, dv_isle_number(typer->isle, bits_a),
                  dv_isle_number(typer->isle, bits_b));
        return;
    }
    typer->parent.data[root_b] = root_a;
    typer->def->steps.data[root_a].bits = bits_a != 0 ? bits_a : bits_b;
}

static void set_width(DefTyper *typer, u32 step, u32 bits, IslePos pos)
{
    u32 *width = width_of(typer, step);
    if (*width != 0 && *width != bits) {
        def_error(typer, pos, ISLE_MSG_DEF_RESULT, dv_isle_number(typer->isle, *width),
                  dv_isle_number(typer->isle, bits));
    }
    *width = bits;
}

static u32 add_step(DefTyper *typer, IsleDefStep step)
{
    u32 number = typer->def->steps.len;
    vec_push(typer->isle->arena, &typer->def->steps, step);
    vec_push(typer->isle->arena, &typer->parent, number);
    vec_push(typer->isle->arena, &typer->values, number);
    return number;
}

static void type_param(DefTyper *typer, IsleNodeRef node)
{
    Isle *isle = typer->isle;
    IsleSym sym = isle_node(isle, node)->sym;
    IslePos pos = isle_node(isle, node)->pos;
    for (u32 i = 0; i < typer->term->args.len; i++) {
        if (typer->term->fields.data[i].id == sym.id) {
            IsleDefStep step = {.kind = DEFSTEP_PARAM, .pos = pos, .param = i};
            step.bits = isle_type(isle, typer->term->args.data[i])->int_bits;
            if (step.bits == 0) { /* a Type elsewhere than in (bits ty) */
                def_error(typer, pos, ISLE_MSG_DEF_BITS_ARG, NULL, NULL);
                step.bits = 1;
            }
            add_step(typer, step);
            return;
        }
    }
    def_error(typer, pos, ISLE_MSG_UNBOUND, isle_text(isle, sym), NULL);
    add_step(typer, (IsleDefStep){.kind = DEFSTEP_INT, .pos = pos, .bits = 1});
}

/* How many operands of an operator are numbers written out, before the values. */
static u32 count_constants(IsleSpecOp op)
{
    if (op == SPECOP_extract) {
        return 2;
    }
    return op == SPECOP_trunc || op == SPECOP_zero_ext || op == SPECOP_sign_ext ? 1 : 0;
}

static bool is_truth_op(IsleSpecOp op)
{
    return op == SPECOP_and || op == SPECOP_or || op == SPECOP_not;
}

static bool is_comparison(IsleSpecOp op)
{
    return op == SPECOP_eq || (op >= SPECOP_bvule && op <= SPECOP_bvsge);
}

/* (bits ty): its operand is a parameter of type Type, without width. */
static void type_bits(DefTyper *typer, IsleNodeRef node)
{
    Isle *isle = typer->isle;
    IsleNodeRef arg = isle_next(isle, isle_first(isle, node));
    IslePos pos = isle_node(isle, arg)->pos;
    u32 param = ISLE_NONE;
    for (u32 i = 0; i < typer->term->args.len && isle_is(isle, arg, NODE_NAME); i++) {
        if (typer->term->fields.data[i].id == isle_node(isle, arg)->sym.id &&
            is_type_type(isle, typer->term->args.data[i])) {
            param = i;
        }
    }
    if (param == ISLE_NONE) {
        def_error(typer, pos, ISLE_MSG_DEF_BITS_ARG, NULL, NULL);
    }
    IsleDefStep step = {.kind = DEFSTEP_OP, .op = SPECOP_bits, .pos = pos, .param = param};
    add_step(typer, step);
}

/* First visit of a list: checks operator and arity, and queues the operands. */
static void open_list(DefTyper *typer, IsleNodeRef node)
{
    Isle *isle = typer->isle;
    IsleNodeRef head = isle_first(isle, node);
    IslePos pos = isle_node(isle, node)->pos;
    IsleSpecOp op = SPECOP_COUNT;
    u32 count = isle_node(isle, node)->count - 1;
    if (!isle_is(isle, head, NODE_NAME)) {
        def_error(typer, pos, ISLE_MSG_DEF_BODY, NULL, NULL);
    } else if (!dv_isle_find_spec_op(isle_str(isle, isle_node(isle, head)->sym), &op) ||
               !dv_isle_spec_op_in_def(op)) {
        def_error(typer, pos, ISLE_MSG_UNKNOWN_SPEC_OP, isle_text(isle, isle_node(isle, head)->sym),
                  NULL);
        op = SPECOP_COUNT;
    } else if (!dv_isle_spec_op_arity(op, count) ||
               (op != SPECOP_not && is_truth_op(op) && count != 2) ||
               (op == SPECOP_concat && count != 2)) {
        def_error(typer, pos, ISLE_MSG_SPEC_OP_ARITY, isle_text(isle, isle_node(isle, head)->sym),
                  dv_isle_number(isle, count));
        op = SPECOP_COUNT;
    }
    if (op == SPECOP_COUNT) {
        add_step(typer, (IsleDefStep){.kind = DEFSTEP_INT, .pos = pos, .bits = 1});
    } else if (op == SPECOP_bits) {
        type_bits(typer, node);
    } else {
        vec_push(isle->arena, &typer->tasks, ((DefTask){node, true}));
        u32 first = typer->tasks.len;
        IsleNodeRef arg = isle_next(isle, head);
        for (u32 i = 0; i < count; i++, arg = isle_next(isle, arg)) {
            if (i >= count_constants(op)) {
                vec_push(isle->arena, &typer->tasks, ((DefTask){arg, false}));
            }
        }
        for (u32 low = first, high = typer->tasks.len; low + 1 < high; low++) {
            DefTask held = typer->tasks.data[--high]; /* the first operand on top */
            typer->tasks.data[high] = typer->tasks.data[low];
            typer->tasks.data[low] = held;
        }
    }
}

static bool take_constant(DefTyper *typer, IsleNodeRef node, u32 *out)
{
    const IsleLiteral *literal = NULL;
    if (isle_is(typer->isle, node, NODE_INT)) {
        literal = isle_literal(typer->isle, node);
    }
    if (literal == NULL || literal->bits.hi != 0 || literal->bits.lo > 128) {
        def_error(typer, isle_node(typer->isle, node)->pos, ISLE_MSG_DEF_CONST_ARG, NULL, NULL);
        *out = 0;
        return false;
    }
    *out = (u32)literal->bits.lo;
    return true;
}

/* The widths that an operator demands of operands and result. */
static void relate(DefTyper *typer, const IsleDefStep *step, u32 number)
{
    const u32 *args = step->args;
    IslePos pos = step->pos;
    if (is_truth_op(step->op)) {
        for (u32 i = 0; i < step->arg_count; i++) {
            set_width(typer, args[i], 1, pos);
        }
    } else if (is_comparison(step->op)) {
        join(typer, args[0], args[1], pos);
    } else if (step->op == SPECOP_if) {
        set_width(typer, args[0], 1, pos);
        join(typer, args[1], args[2], pos);
        join(typer, number, args[1], pos);
    } else if (step->op == SPECOP_popcnt || step->op == SPECOP_clz ||
               count_constants(step->op) == 0) {
        for (u32 i = 0; i < step->arg_count && step->op != SPECOP_concat; i++) {
            join(typer, number, args[i], pos);
        }
    }
}

/* Second visit: the operands are the last values. */
static void close_list(DefTyper *typer, IsleNodeRef node)
{
    Isle *isle = typer->isle;
    IsleNodeRef head = isle_first(isle, node);
    IsleDefStep step = {.kind = DEFSTEP_OP, .pos = isle_node(isle, node)->pos};
    dv_isle_find_spec_op(isle_str(isle, isle_node(isle, head)->sym), &step.op);
    u32 constants = count_constants(step.op);
    IsleNodeRef constant = isle_next(isle, head);
    for (u32 i = 0; i < constants; i++, constant = isle_next(isle, constant)) {
        take_constant(typer, constant, &step.extra[i]);
    }
    step.arg_count = isle_node(isle, node)->count - 1 - constants;
    ASSERT(step.arg_count <= ISLE_DEF_ARGS_MAX);
    typer->values.len -= step.arg_count;
    memcpy(step.args, typer->values.data + typer->values.len, step.arg_count * sizeof(u32));
    if (is_truth_op(step.op) || is_comparison(step.op)) {
        step.bits = 1;
    } else if (step.op == SPECOP_extract) {
        step.bits = step.extra[0] >= step.extra[1] ? step.extra[0] - step.extra[1] + 1 : 1;
    } else if (constants == 1) {
        step.bits = step.extra[0];
    } else if (step.op == SPECOP_concat) {
        u32 high = *width_of(typer, step.args[0]);
        u32 low = *width_of(typer, step.args[1]);
        step.bits = high != 0 && low != 0 ? high + low : 0;
        if (step.bits == 0 || step.bits > 128) {
            def_error(typer, step.pos, ISLE_MSG_DEF_NO_WIDTH, NULL, NULL);
            step.bits = 1;
        }
    }
    relate(typer, &step, add_step(typer, step));
}

static void open_node(DefTyper *typer, IsleNodeRef node)
{
    Isle *isle = typer->isle;
    const IsleNode *info = isle_node(isle, node);
    if (info->kind == NODE_LIST) {
        open_list(typer, node);
    } else if (info->kind == NODE_NAME) {
        type_param(typer, node);
    } else if (info->kind == NODE_INT || info->kind == NODE_BOOL || info->kind == NODE_BITS) {
        const IsleLiteral *literal = isle_literal(isle, node);
        IsleDefStep step = {.kind = DEFSTEP_INT, .pos = info->pos, .literal = literal->bits};
        step.bits = info->kind == NODE_BOOL ? 1 : literal->width;
        add_step(typer, step);
    } else {
        def_error(typer, info->pos, ISLE_MSG_DEF_BODY, NULL, NULL);
        add_step(typer, (IsleDefStep){.kind = DEFSTEP_INT, .pos = info->pos, .bits = 1});
    }
}

/* A number fits if it is the low bits of itself, or negative and the sign extension of them. */
static bool fits_bits(U128 literal, u32 bits)
{
    if (bits == 128) {
        return true;
    }
    U128 high = dv_u128_ashr(literal, bits);
    bool is_low = dv_u128_is_zero(dv_u128_lshr(literal, bits));
    return is_low || (dv_u128_eq(high, dv_u128_not((U128){0, 0})) &&
                      dv_u128_is_negative(dv_u128_shl(literal, 128 - bits)));
}

/* True if the operand of an operator with numbers has the width they demand. */
static bool is_width_right(DefTyper *typer, const IsleDefStep *step)
{
    u32 from = *width_of(typer, step->args[0]);
    if (step->op == SPECOP_extract) {
        return step->extra[0] >= step->extra[1] && step->extra[0] < from;
    }
    return step->extra[0] != 0 &&
           (step->op == SPECOP_trunc ? from >= step->extra[0] : from <= step->extra[0]);
}

/* Widths are known: checks what depends on them, and cuts numbers to theirs. */
static void finish_step(DefTyper *typer, u32 number, u32 bits)
{
    IsleDefStep *step = &typer->def->steps.data[number];
    if (step->kind == DEFSTEP_INT && !fits_bits(step->literal, bits)) {
        def_error(typer, step->pos, ISLE_MSG_DEF_NUMBER_RANGE, dv_isle_number(typer->isle, bits),
                  NULL);
    } else if (step->kind == DEFSTEP_INT && bits < 128) {
        U128 mask = dv_u128_sub(dv_u128_shl((U128){1, 0}, bits), (U128){1, 0});
        step->literal = dv_u128_and(step->literal, mask);
    } else if (step->kind == DEFSTEP_OP && count_constants(step->op) > 0 &&
               !is_width_right(typer, step)) {
        def_error(typer, step->pos, ISLE_MSG_DEF_WIDTH_RANGE,
                  dv_isle_number(typer->isle, *width_of(typer, step->args[0])), NULL);
    }
}

static void finish_widths(DefTyper *typer)
{
    u32 count = typer->def->steps.len;
    u32 *widths = ARENA_ARRAY(typer->isle->arena, u32, count);
    for (u32 i = 0; i < count; i++) {
        widths[i] = *width_of(typer, i);
        if (widths[i] == 0 && !typer->has_failed) {
            def_error(typer, typer->def->steps.data[i].pos, ISLE_MSG_DEF_NO_WIDTH, NULL, NULL);
        }
    }
    for (u32 i = 0; i < count && !typer->has_failed; i++) {
        finish_step(typer, i, widths[i]);
    }
    for (u32 i = 0; i < count; i++) {
        typer->def->steps.data[i].bits = widths[i];
    }
}

static void type_body(Isle *isle, IsleDef *def)
{
    DefTyper typer = {.isle = isle, .def = def, .term = isle_term(isle, def->term)};
    vec_push(isle->arena, &typer.tasks, ((DefTask){def->body, false}));
    while (typer.tasks.len > 0) {
        DefTask task = vec_pop(&typer.tasks);
        if (task.is_done) {
            close_list(&typer, task.node);
        } else {
            open_node(&typer, task.node);
        }
    }
    ASSERT(typer.values.len == 1);
    if (!typer.has_failed) {
        u32 ret_bits = isle_type(isle, typer.term->ret)->int_bits;
        set_width(&typer, typer.values.data[0], ret_bits, isle_node(isle, def->body)->pos);
    }
    if (!typer.has_failed) {
        finish_widths(&typer);
    }
}

void dv_isle_type_def_bodies(Isle *isle)
{
    for (u32 i = 0; i < isle->defs.len; i++) {
        type_body(isle, &isle->defs.data[i]);
    }
}
