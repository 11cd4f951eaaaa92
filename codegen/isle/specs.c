/* specs.c - specification forms: their shape, names and arity; the proof tool to come reads
 * their nodes.
 *
 *     (spec (term args...) parts...)
 *         parts: (provide e...) (require e...) (match e...) (modifies state [e])
 *     (model Type (type M))  (model Type (enum (Variant [e])...))
 *     (form name signature...)  with signatures ((args M...) (ret M) [(canon M...)])
 *     (instantiate term signature...)  (instantiate term form)
 *     (attr [rule] name (tag t)...)
 *     (state name (type M) (default e))
 *     (macro (name params...) e)
 *     M: Bool Int Unit (bv [n]) (named Type) (struct (field M)...)
 *
 * Expressions: numbers, truth values, names, (operator e...) of specops.def, (Variant), and
 *     (switch e (e e)...)  (match e ((Variant names...) e)...)  (let ((name e)...) e)
 *     (with (names...) e)  (as e M)  (struct (field e)...)  (:field e)  (macro! e...)
 * Names are parameters, `result`, what let, with and match bind, and states. */
#include "front.h"

enum { USE_SPEC = 1, USE_DEF = 2 };

static const struct {
    const char *spelling;
    u8 least, most, use;
} ops[] = {
#define S USE_SPEC
#define D USE_DEF
#define B (USE_SPEC | USE_DEF)
#define SPECOP(name, spelling, least, most, use, meaning) {spelling, least, most, use},
#include "specops.def"
#undef SPECOP
#undef S
#undef D
#undef B
};

bool dv_isle_find_spec_op(Str spelling, IsleSpecOp *out)
{
    for (u32 i = 0; i < ARRAY_LEN(ops); i++) {
        if (strlen(ops[i].spelling) == spelling.len &&
            memcmp(ops[i].spelling, spelling.data, spelling.len) == 0) {
            *out = (IsleSpecOp)i;
            return true;
        }
    }
    return false;
}

bool dv_isle_spec_op_arity(IsleSpecOp op, u32 count)
{
    return count >= ops[op].least && (ops[op].most == 255 || count <= ops[op].most);
}

bool dv_isle_spec_op_in_def(IsleSpecOp op)
{
    return (ops[op].use & USE_DEF) != 0;
}

bool dv_isle_spec_op_in_spec(IsleSpecOp op)
{
    return (ops[op].use & USE_SPEC) != 0;
}

/* ---- the first pass: what each form is about ------------------------------------------------- */

static const char *const kind_names[] = {
    [SPEC_SPEC] = "spec",   [SPEC_MODEL] = "model",
    [SPEC_FORM] = "form",   [SPEC_INSTANTIATE] = "instantiate",
    [SPEC_ATTR] = "attr",   [SPEC_STATE] = "state",
    [SPEC_MACRO] = "macro",
};

static const IsleSpec *find_spec(const Isle *isle, IsleSpecKind kind, IsleSym name)
{
    u32 found;
    if (!dv_map_get(&isle->spec_of_name, (u64)kind << 32 | name.id, &found)) {
        return NULL;
    }
    return &isle->specs.data[found];
}

void dv_isle_declare_spec(Isle *isle, IsleNodeRef form)
{
    IsleSpec spec = {.node = form};
    for (u32 i = 0; i < ARRAY_LEN(kind_names); i++) {
        if (dv_isle_is_form(isle, form, kind_names[i])) {
            spec.kind = (IsleSpecKind)i;
        }
    }
    IsleWalk walk = dv_isle_walk(isle, form, kind_names[spec.kind]);
    IsleNodeRef name;
    bool has_head = spec.kind == SPEC_SPEC || spec.kind == SPEC_MACRO;
    if (has_head) {
        IsleNodeRef head;
        if (!dv_isle_take_list(&walk, "(name parameters...)", &head)) {
            return;
        }
        walk.at = isle_first(isle, head);
    } else if (spec.kind == SPEC_ATTR) {
        dv_isle_skip_name(&walk, "rule");
    }
    if (!dv_isle_take_name(&walk, "a name", &name)) {
        return;
    }
    spec.name = isle_node(isle, name)->sym;
    bool is_unique = spec.kind != SPEC_ATTR && spec.kind != SPEC_INSTANTIATE;
    const IsleSpec *old = is_unique ? find_spec(isle, spec.kind, spec.name) : NULL;
    if (old != NULL) {
        dv_isle_error(isle, isle_node(isle, name)->pos, ISLE_MSG_SPEC_AGAIN, kind_names[spec.kind],
                      isle_text(isle, spec.name));
        dv_isle_note(isle, isle_node(isle, old->node)->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return;
    }
    if (is_unique) {
        dv_map_put(isle->arena, &isle->spec_of_name, (u64)spec.kind << 32 | spec.name.id,
                   isle->specs.len);
    }
    vec_push(isle->arena, &isle->specs, spec);
}

/* ---- expressions ----------------------------------------------------------------------------- */

typedef struct SpecTask {
    IsleNodeRef node; /* expression to check; ISLE_NODE_NONE: leave a scope */
    IsleNodeRef bind; /* else a name to bind */
    u32 scope;        /* to leave: length of the names before it */
} SpecTask;

typedef struct SpecChecker {
    Isle *isle;
    Map states; /* symbols that are states */
    Map macros; /* symbol -> parameters */
    Map known;  /* symbol -> how many open scopes bind it */
    VEC(IsleSym) bound;
    VEC(SpecTask) tasks;
} SpecChecker;

static void shape_error(SpecChecker *checker, IsleNodeRef node, const char *expected)
{
    dv_isle_error(checker->isle, isle_node(checker->isle, node)->pos, ISLE_MSG_SPEC_SHAPE, expected,
                  NULL);
}

static void bind_name(SpecChecker *checker, IsleSym sym)
{
    u32 count = 0;
    dv_map_get(&checker->known, sym.id, &count);
    dv_map_put(checker->isle->arena, &checker->known, sym.id, count + 1);
    vec_push(checker->isle->arena, &checker->bound, sym);
}

static void unbind_to(SpecChecker *checker, u32 length)
{
    while (checker->bound.len > length) {
        IsleSym sym = vec_pop(&checker->bound);
        (*dv_map_value(&checker->known, sym.id))--;
    }
}

static void push_expr(SpecChecker *checker, IsleNodeRef node)
{
    vec_push(checker->isle->arena, &checker->tasks, ((SpecTask){node, ISLE_NODE_NONE, 0}));
}

static void push_bind(SpecChecker *checker, IsleNodeRef name)
{
    vec_push(checker->isle->arena, &checker->tasks, ((SpecTask){ISLE_NODE_NONE, name, 0}));
}

static void push_leave(SpecChecker *checker)
{
    SpecTask task = {ISLE_NODE_NONE, ISLE_NODE_NONE, checker->bound.len};
    vec_push(checker->isle->arena, &checker->tasks, task);
}

/* The order of checking is of no matter where nothing is bound. */
static void push_exprs(SpecChecker *checker, IsleNodeRef at)
{
    for (; isle_is_node(at); at = isle_next(checker->isle, at)) {
        push_expr(checker, at);
    }
}

static IsleNodeRef child(const Isle *isle, IsleNodeRef node, u32 index)
{
    IsleNodeRef at = isle_first(isle, node);
    while (index-- > 0) {
        at = isle_next(isle, at);
    }
    return at;
}

static bool is_list_of(const Isle *isle, IsleNodeRef node, u32 count)
{
    return isle_is(isle, node, NODE_LIST) && isle_node(isle, node)->count == count;
}

static bool all_names(const Isle *isle, IsleNodeRef at)
{
    for (; isle_is_node(at); at = isle_next(isle, at)) {
        if (!isle_is(isle, at, NODE_NAME)) {
            return false;
        }
    }
    return true;
}

/* (switch e (e e)...) and (struct (field e)...): pairs after the first `skip` children. */
static void check_pairs(SpecChecker *checker, IsleNodeRef node, bool is_struct)
{
    const Isle *isle = checker->isle;
    IsleNodeRef at = child(isle, node, 1);
    if (!is_struct && isle_is_node(at)) {
        push_expr(checker, at);
        at = isle_next(isle, at);
    } else if (!is_struct) {
        shape_error(checker, node, "(switch e (e e)...)");
    }
    for (; isle_is_node(at); at = isle_next(isle, at)) {
        if (!is_list_of(isle, at, 2) ||
            (is_struct && !isle_is(isle, isle_first(isle, at), NODE_NAME))) {
            shape_error(checker, at, is_struct ? "(field e)" : "(e e)");
            return;
        }
        push_exprs(checker, is_struct ? child(isle, at, 1) : isle_first(isle, at));
    }
}

static void check_match(SpecChecker *checker, IsleNodeRef node)
{
    const Isle *isle = checker->isle;
    IsleNodeRef at = child(isle, node, 1);
    if (!isle_is_node(at)) {
        shape_error(checker, node, "(match e ((Variant names...) e)...)");
        return;
    }
    push_expr(checker, at);
    for (at = isle_next(isle, at); isle_is_node(at); at = isle_next(isle, at)) {
        IsleNodeRef head = isle_is(isle, at, NODE_LIST) ? isle_first(isle, at) : ISLE_NODE_NONE;
        if (!is_list_of(isle, at, 2) || !isle_is(isle, head, NODE_LIST) ||
            isle_node(isle, head)->count == 0 || !all_names(isle, isle_first(isle, head))) {
            shape_error(checker, at, "((Variant names...) e)");
            return;
        }
        push_leave(checker);
        push_expr(checker, child(isle, at, 1));
        for (IsleNodeRef name = child(isle, head, 1); isle_is_node(name);
             name = isle_next(isle, name)) {
            push_bind(checker, name);
        }
    }
}

static void check_with(SpecChecker *checker, IsleNodeRef node)
{
    const Isle *isle = checker->isle;
    IsleNodeRef names = child(isle, node, 1);
    if (isle_node(isle, node)->count != 3 || !isle_is(isle, names, NODE_LIST) ||
        !all_names(isle, isle_first(isle, names))) {
        shape_error(checker, node, "(with (names...) e)");
        return;
    }
    push_leave(checker);
    push_expr(checker, child(isle, node, 2));
    for (IsleNodeRef at = isle_first(isle, names); isle_is_node(at); at = isle_next(isle, at)) {
        push_bind(checker, at);
    }
}

static void check_let(SpecChecker *checker, IsleNodeRef node)
{
    Isle *isle = checker->isle;
    IsleNodeRef list = child(isle, node, 1);
    VEC(IsleNodeRef) bindings = {0};
    bool ok = isle_node(isle, node)->count == 3 && isle_is(isle, list, NODE_LIST);
    IsleNodeRef at = ok ? isle_first(isle, list) : ISLE_NODE_NONE;
    for (; ok && isle_is_node(at); at = isle_next(isle, at)) {
        ok = is_list_of(isle, at, 2) && isle_is(isle, isle_first(isle, at), NODE_NAME);
        vec_push(isle->arena, &bindings, at);
    }
    if (!ok) {
        shape_error(checker, node, "(let ((name e)...) e)");
        return;
    }
    push_leave(checker);
    push_expr(checker, child(isle, node, 2));
    for (u32 i = bindings.len; i-- > 0;) {
        push_bind(checker, isle_first(isle, bindings.data[i]));
        push_expr(checker, child(isle, bindings.data[i], 1));
    }
}

static void check_model_type(SpecChecker *checker, IsleNodeRef type);

/* An operator, (:field e), (macro! e...) or (Variant). */
static void check_application(SpecChecker *checker, IsleNodeRef node)
{
    Isle *isle = checker->isle;
    IsleNodeRef head = isle_first(isle, node);
    IsleSym sym = isle_node(isle, head)->sym;
    Str text = isle_str(isle, sym);
    u32 count = isle_node(isle, node)->count - 1;
    IslePos pos = isle_node(isle, head)->pos;
    IsleSpecOp op;
    u32 params;
    bool arity_ok = true;
    if (text.len > 1 && text.data[text.len - 1] == '!') {
        IsleSym name = dv_isle_sym_bytes(isle, text.data, text.len - 1);
        if (!dv_map_get(&checker->macros, name.id, &params)) {
            dv_isle_error(isle, pos, ISLE_MSG_UNKNOWN_SPEC_NAME, "macro", isle_text(isle, name));
            return;
        }
        arity_ok = params == count;
    } else if (text.len > 1 && text.data[0] == ':') {
        arity_ok = count == 1;
    } else if (dv_isle_find_spec_op(text, &op) && dv_isle_spec_op_in_spec(op)) {
        arity_ok = dv_isle_spec_op_arity(op, count);
    } else if (!dv_map_get(&isle->term_of_name, sym.id, NULL)) {
        dv_isle_error(isle, pos, ISLE_MSG_UNKNOWN_SPEC_OP, text.data, NULL);
        return;
    }
    if (!arity_ok) {
        dv_isle_error(isle, pos, ISLE_MSG_SPEC_OP_ARITY, text.data, dv_isle_number(isle, count));
        return;
    }
    push_exprs(checker, isle_next(isle, head));
}

static void check_list(SpecChecker *checker, IsleNodeRef node)
{
    const Isle *isle = checker->isle;
    if (isle_node(isle, node)->count == 0) {
        return; /* () is the unit */
    }
    if (!isle_is(isle, isle_first(isle, node), NODE_NAME)) {
        shape_error(checker, node, "an operator");
    } else if (dv_isle_is_form(isle, node, "switch")) {
        check_pairs(checker, node, false);
    } else if (dv_isle_is_form(isle, node, "struct")) {
        check_pairs(checker, node, true);
    } else if (dv_isle_is_form(isle, node, "match")) {
        check_match(checker, node);
    } else if (dv_isle_is_form(isle, node, "with")) {
        check_with(checker, node);
    } else if (dv_isle_is_form(isle, node, "let")) {
        check_let(checker, node);
    } else if (dv_isle_is_form(isle, node, "as") && isle_node(isle, node)->count == 3) {
        push_expr(checker, child(isle, node, 1));
        check_model_type(checker, child(isle, node, 2));
    } else {
        check_application(checker, node);
    }
}

static void check_expr(SpecChecker *checker, IsleNodeRef node)
{
    const Isle *isle = checker->isle;
    u32 count = 0;
    switch (isle_node(isle, node)->kind) {
    case NODE_LIST:
        check_list(checker, node);
        break;
    case NODE_NAME: {
        IsleSym sym = isle_node(isle, node)->sym;
        dv_map_get(&checker->known, sym.id, &count);
        if (count == 0 && !dv_map_get(&checker->states, sym.id, NULL)) {
            dv_isle_error(checker->isle, isle_node(isle, node)->pos, ISLE_MSG_UNKNOWN_SPEC_VAR,
                          isle_text(isle, sym), NULL);
        }
        break;
    }
    case NODE_INT:
    case NODE_BOOL:
    case NODE_BITS:
        break;
    case NODE_CONST:
    case NODE_STRING:
    case NODE_BIND:
        shape_error(checker, node, "an expression");
        break;
    }
}

static void run_tasks(SpecChecker *checker)
{
    while (checker->tasks.len > 0) {
        SpecTask task = vec_pop(&checker->tasks);
        if (isle_is_node(task.node)) {
            check_expr(checker, task.node);
        } else if (isle_is_node(task.bind)) {
            bind_name(checker, isle_node(checker->isle, task.bind)->sym);
        } else {
            unbind_to(checker, task.scope);
        }
    }
}

/* ---- models and signatures ------------------------------------------------------------------- */

static bool is_model_name(const Isle *isle, IsleNodeRef node)
{
    static const char *const names[] = {"Bool", "Int", "Unit", "!", "auto", "unspecified"};
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        if (dv_isle_is_name(isle, node, names[i])) {
            return true;
        }
    }
    return false;
}

/* Structures nest, so their fields wait in a list of their own. */
static void check_model_type(SpecChecker *checker, IsleNodeRef type)
{
    Isle *isle = checker->isle;
    VEC(IsleNodeRef) work = {0};
    vec_push(isle->arena, &work, type);
    while (work.len > 0) {
        IsleNodeRef node = vec_pop(&work);
        u32 count = isle_node(isle, node)->count;
        IsleNodeRef arg =
            isle_is(isle, node, NODE_LIST) && count > 1 ? child(isle, node, 1) : ISLE_NODE_NONE;
        IsleType named;
        if (dv_isle_is_form(isle, node, "struct")) {
            for (; isle_is_node(arg); arg = isle_next(isle, arg)) {
                if (!is_list_of(isle, arg, 2) || !isle_is(isle, isle_first(isle, arg), NODE_NAME)) {
                    shape_error(checker, arg, "(field M)");
                    return;
                }
                vec_push(isle->arena, &work, child(isle, arg, 1));
            }
        } else if (dv_isle_is_form(isle, node, "named") && isle_is(isle, arg, NODE_NAME) &&
                   count == 2) {
            dv_isle_find_type(isle, arg, &named);
        } else if (!is_model_name(isle, node) &&
                   !(dv_isle_is_form(isle, node, "bv") &&
                     (count == 1 || (count == 2 && isle_is(isle, arg, NODE_INT))))) {
            shape_error(checker, node,
                        "Bool, Int, Unit, (bv n), (named Type) or (struct (field M)...)");
        }
    }
}

/* Children from `at`: signatures. The term, unless NULL, says how many args there are. */
static void check_signatures(SpecChecker *checker, IsleNodeRef at, const IsleTermInfo *term)
{
    static const char *const parts[] = {"args", "ret", "canon"};
    Isle *isle = checker->isle;
    for (; isle_is_node(at); at = isle_next(isle, at)) {
        u32 count = isle_is(isle, at, NODE_LIST) ? isle_node(isle, at)->count : 0;
        if (count < 2 || count > ARRAY_LEN(parts)) {
            shape_error(checker, at, "((args M...) (ret M) [(canon M...)])");
            return;
        }
        IsleNodeRef part = isle_first(isle, at);
        for (u32 i = 0; i < count; i++, part = isle_next(isle, part)) {
            if (!dv_isle_is_form(isle, part, parts[i])) {
                shape_error(checker, part, "((args M...) (ret M) [(canon M...)])");
                return;
            }
            for (IsleNodeRef m = child(isle, part, 1); isle_is_node(m); m = isle_next(isle, m)) {
                check_model_type(checker, m);
            }
        }
        if (term != NULL && isle_node(isle, isle_first(isle, at))->count - 1 != term->args.len) {
            dv_isle_error(isle, isle_node(isle, at)->pos, ISLE_MSG_SPEC_SIG_ARITY,
                          isle_text(isle, term->name), NULL);
        }
    }
}

/* ---- forms ----------------------------------------------------------------------------------- */

static void check_state_use(SpecChecker *checker, IsleNodeRef part)
{
    Isle *isle = checker->isle;
    IsleNodeRef name = child(isle, part, 1);
    if (!isle_is(isle, name, NODE_NAME) || isle_node(isle, part)->count > 3) {
        shape_error(checker, part, "(modifies state [e])");
        return;
    }
    IsleSym sym = isle_node(isle, name)->sym;
    if (!dv_map_get(&checker->states, sym.id, NULL)) {
        dv_isle_error(isle, isle_node(isle, name)->pos, ISLE_MSG_UNKNOWN_SPEC_NAME, "state",
                      isle_text(isle, sym));
    }
    push_exprs(checker, isle_next(isle, name));
}

static void check_spec(SpecChecker *checker, const IsleSpec *spec)
{
    Isle *isle = checker->isle;
    IsleNodeRef head = child(isle, spec->node, 1);
    IsleNodeRef name = isle_first(isle, head);
    IsleTerm term;
    if (!dv_isle_find_term(isle, name, &term)) {
        return;
    }
    const IsleTermInfo *info = isle_term(isle, term);
    if (isle_node(isle, head)->count - 1 != info->args.len || !all_names(isle, name)) {
        dv_isle_error(isle, isle_node(isle, head)->pos, ISLE_MSG_ARITY, isle_text(isle, info->name),
                      dv_isle_number(isle, info->args.len));
        return;
    }
    bind_name(checker, dv_isle_sym(isle, "result"));
    for (IsleNodeRef arg = isle_next(isle, name); isle_is_node(arg); arg = isle_next(isle, arg)) {
        bind_name(checker, isle_node(isle, arg)->sym);
    }
    for (IsleNodeRef part = isle_next(isle, head); isle_is_node(part);
         part = isle_next(isle, part)) {
        if (dv_isle_is_form(isle, part, "modifies")) {
            check_state_use(checker, part);
        } else if (dv_isle_is_form(isle, part, "provide") ||
                   dv_isle_is_form(isle, part, "require") || dv_isle_is_form(isle, part, "match")) {
            push_exprs(checker, child(isle, part, 1));
        } else {
            shape_error(checker, part, "provide, require, match or modifies");
        }
    }
}

static void check_model(SpecChecker *checker, const IsleSpec *spec)
{
    Isle *isle = checker->isle;
    IsleNodeRef name = child(isle, spec->node, 1);
    IsleNodeRef body = isle_next(isle, name);
    IsleType type;
    dv_isle_find_type(isle, name, &type);
    if (isle_node(isle, spec->node)->count == 3 && dv_isle_is_form(isle, body, "type") &&
        is_list_of(isle, body, 2)) {
        check_model_type(checker, child(isle, body, 1));
        return;
    }
    if (isle_node(isle, spec->node)->count != 3 || !dv_isle_is_form(isle, body, "enum")) {
        shape_error(checker, spec->node,
                    "(model Type (type M)) or (model Type (enum (Variant [e])...))");
        return;
    }
    for (IsleNodeRef at = child(isle, body, 1); isle_is_node(at); at = isle_next(isle, at)) {
        u32 count = isle_is(isle, at, NODE_LIST) ? isle_node(isle, at)->count : 0;
        if (count < 1 || count > 2 || !isle_is(isle, isle_first(isle, at), NODE_NAME)) {
            shape_error(checker, at, "(Variant [e])");
            return;
        }
        push_exprs(checker, child(isle, at, 1));
    }
}

static void check_instantiate(SpecChecker *checker, const IsleSpec *spec)
{
    Isle *isle = checker->isle;
    IsleNodeRef name = child(isle, spec->node, 1);
    IsleNodeRef first = isle_next(isle, name);
    IsleTerm term;
    if (!dv_isle_find_term(isle, name, &term)) {
        return;
    }
    if (!isle_is(isle, first, NODE_NAME)) {
        check_signatures(checker, first, isle_term(isle, term));
        return;
    }
    IsleSym sym = isle_node(isle, first)->sym;
    const IsleSpec *form = find_spec(isle, SPEC_FORM, sym);
    if (form == NULL || isle_node(isle, spec->node)->count != 3) {
        dv_isle_error(isle, isle_node(isle, first)->pos, ISLE_MSG_UNKNOWN_SPEC_NAME, "form",
                      isle_text(isle, sym));
        return;
    }
    IsleNodeRef signature = child(isle, form->node, 2);
    IsleNodeRef args =
        isle_is(isle, signature, NODE_LIST) ? isle_first(isle, signature) : signature;
    if (isle_is(isle, args, NODE_LIST) &&
        isle_node(isle, args)->count - 1 != isle_term(isle, term)->args.len) {
        dv_isle_error(isle, isle_node(isle, first)->pos, ISLE_MSG_SPEC_SIG_ARITY,
                      isle_term_text(isle, term), NULL);
    }
}

static void check_attr(SpecChecker *checker, const IsleSpec *spec)
{
    const Isle *isle = checker->isle;
    IsleNodeRef at = child(isle, spec->node, 1);
    at = isle_next(isle, dv_isle_is_name(isle, at, "rule") ? isle_next(isle, at) : at);
    for (; isle_is_node(at); at = isle_next(isle, at)) {
        if (!is_list_of(isle, at, 2) || !all_names(isle, isle_first(isle, at))) {
            shape_error(checker, at, "(tag name)");
        }
    }
}

static void check_state(SpecChecker *checker, const IsleSpec *spec)
{
    const Isle *isle = checker->isle;
    IsleNodeRef type = child(isle, spec->node, 2);
    if (isle_node(isle, spec->node)->count != 4 || !dv_isle_is_form(isle, type, "type") ||
        !is_list_of(isle, type, 2) || !dv_isle_is_form(isle, isle_next(isle, type), "default") ||
        !is_list_of(isle, isle_next(isle, type), 2)) {
        shape_error(checker, spec->node, "(state name (type M) (default e))");
        return;
    }
    check_model_type(checker, child(isle, type, 1));
    push_expr(checker, child(isle, isle_next(isle, type), 1));
}

static void check_macro(SpecChecker *checker, const IsleSpec *spec)
{
    const Isle *isle = checker->isle;
    IsleNodeRef head = child(isle, spec->node, 1);
    if (isle_node(isle, spec->node)->count != 3 || !all_names(isle, isle_first(isle, head))) {
        shape_error(checker, spec->node, "(macro (name parameters...) e)");
        return;
    }
    for (IsleNodeRef at = child(isle, head, 1); isle_is_node(at); at = isle_next(isle, at)) {
        bind_name(checker, isle_node(isle, at)->sym);
    }
    push_expr(checker, isle_next(isle, head));
}

static void check_form(SpecChecker *checker, const IsleSpec *spec)
{
    check_signatures(checker, child(checker->isle, spec->node, 2), NULL);
}

void dv_isle_check_specs(Isle *isle)
{
    static void (*const checks[])(SpecChecker *, const IsleSpec *) = {
        [SPEC_SPEC] = check_spec,   [SPEC_MODEL] = check_model,
        [SPEC_FORM] = check_form,   [SPEC_INSTANTIATE] = check_instantiate,
        [SPEC_ATTR] = check_attr,   [SPEC_STATE] = check_state,
        [SPEC_MACRO] = check_macro,
    };
    SpecChecker checker = {.isle = isle};
    for (u32 i = 0; i < isle->specs.len; i++) {
        const IsleSpec *spec = &isle->specs.data[i];
        if (spec->kind == SPEC_STATE) {
            dv_map_put(isle->arena, &checker.states, spec->name.id, i);
        } else if (spec->kind == SPEC_MACRO) {
            u32 params = isle_node(isle, child(isle, spec->node, 1))->count - 1;
            dv_map_put(isle->arena, &checker.macros, spec->name.id, params);
        }
    }
    for (u32 i = 0; i < isle->specs.len; i++) {
        checks[isle->specs.data[i].kind](&checker, &isle->specs.data[i]);
        run_tasks(&checker);
        unbind_to(&checker, 0);
    }
}
