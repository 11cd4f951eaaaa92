/* terms.c - declarations about terms: decl, extern, extractor, convert.
 *
 * A term has at most one way to be built (its rules, a C function, ...) and at most one way to
 * be taken apart. Rules are announced by rules.c after all externs are known. */
#include "front.h"

IsleTerm dv_isle_add_term(Isle *isle, IsleSym name, IslePos pos)
{
    IsleTermInfo info = {.name = name, .pos = pos};
    info.ret.id = ISLE_NONE;
    info.match.id = ISLE_NONE;
    info.macro = ISLE_NONE;
    info.variant = ISLE_NONE;
    info.op = ISLE_NONE;
    info.def = ISLE_NONE;
    IsleTerm term = {isle->terms.len};
    vec_push(isle->arena, &isle->terms, info);
    dv_map_put(isle->arena, &isle->term_of_name, name.id, term.id);
    return term;
}

bool dv_isle_find_term(Isle *isle, IsleNodeRef name, IsleTerm *out)
{
    IsleSym sym = isle_node(isle, name)->sym;
    if (!dv_map_get(&isle->term_of_name, sym.id, &out->id)) {
        dv_isle_error(isle, isle_node(isle, name)->pos, ISLE_MSG_UNKNOWN_TERM, isle_text(isle, sym),
                      NULL);
        return false;
    }
    return true;
}

bool dv_isle_check_arg_count(Isle *isle, IslePos pos, u32 count)
{
    if (count >= ISLE_ARGS_MAX) {
        dv_isle_error(isle, pos, ISLE_MSG_TOO_MANY_ARGS, dv_isle_number(isle, ISLE_ARGS_MAX), NULL);
    }
    return count < ISLE_ARGS_MAX;
}

static void take_flags(IsleWalk *walk, IsleTermInfo *info)
{
    struct {
        const char *word;
        bool *flag;
    } flags[] = {
        {"pure", &info->is_pure},
        {"multi", &info->is_multi},
        {"partial", &info->is_partial},
        {"rec", &info->is_rec},
    };
    for (bool more = true; more;) {
        more = false;
        for (u32 i = 0; i < ARRAY_LEN(flags); i++) {
            /* `(decl rec (T) T)` declares a term named rec: a flag is followed by another word. */
            IsleNodeRef after = isle_is_node(walk->at) ? isle_next(walk->isle, walk->at) : walk->at;
            if (isle_is(walk->isle, after, NODE_NAME) && dv_isle_skip_name(walk, flags[i].word)) {
                *flags[i].flag = more = true;
            }
        }
    }
}

void dv_isle_declare_term(Isle *isle, IsleNodeRef form)
{
    IsleWalk walk = dv_isle_walk(isle, form, "decl");
    IsleTermInfo info = {0};
    IsleNodeRef name;
    IsleNodeRef args;
    IsleNodeRef ret;
    take_flags(&walk, &info);
    if (!dv_isle_take_name(&walk, "a name", &name) ||
        !dv_isle_take_list(&walk, "the types of the arguments", &args) ||
        !dv_isle_take_name(&walk, "the type of the result", &ret) || !dv_isle_take_end(&walk)) {
        return;
    }
    IsleNode node = *isle_node(isle, name);
    bool ok = dv_isle_find_type(isle, ret, &info.ret);
    for (IsleNodeRef arg = isle_first(isle, args); isle_is_node(arg); arg = isle_next(isle, arg)) {
        IsleType type;
        if (!isle_is(isle, arg, NODE_NAME)) {
            dv_isle_error(isle, isle_node(isle, arg)->pos, ISLE_MSG_EXPECTED, "decl", "a type");
            ok = false;
        } else if (!dv_isle_check_arg_count(isle, isle_node(isle, arg)->pos, info.args.len)) {
            return;
        } else if (dv_isle_find_type(isle, arg, &type)) {
            vec_push(isle->arena, &info.args, type);
        } else {
            ok = false;
        }
    }
    IsleTerm old;
    if (dv_map_get(&isle->term_of_name, node.sym.id, &old.id)) {
        dv_isle_error(isle, node.pos, ISLE_MSG_TERM_AGAIN, isle_text(isle, node.sym), NULL);
        dv_isle_note(isle, isle_term(isle, old)->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return;
    }
    if (info.is_multi && info.is_partial) {
        dv_isle_error(isle, node.pos, ISLE_MSG_MULTI_PARTIAL, isle_text(isle, node.sym), NULL);
    }
    if (!ok) {
        return;
    }
    IsleTermInfo *made = isle_term(isle, dv_isle_add_term(isle, node.sym, node.pos));
    made->args.data = info.args.data;
    made->args.len = info.args.len;
    made->args.cap = info.args.cap;
    made->ret = info.ret;
    made->match = info.ret;
    made->is_pure = info.is_pure;
    made->is_multi = info.is_multi;
    made->is_partial = info.is_partial;
    made->is_rec = info.is_rec;
}

static void declare_extern_ctor(Isle *isle, IsleTerm term, IsleSym func, IslePos pos)
{
    IsleTermInfo *info = isle_term(isle, term);
    if (info->ctor != CTOR_NONE) {
        dv_isle_error(isle, pos, ISLE_MSG_CTOR_AGAIN, isle_term_text(isle, term), NULL);
        dv_isle_note(isle, info->ctor_pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return;
    }
    info->ctor = CTOR_EXTERN;
    info->ctor_func = func;
    info->ctor_pos = pos;
}

/* True if the term may get an extractor; reports if it has one. */
static bool may_extract(Isle *isle, IsleTerm term, IslePos pos)
{
    IsleTermInfo *info = isle_term(isle, term);
    if (info->etor != ETOR_NONE) {
        dv_isle_error(isle, pos, ISLE_MSG_ETOR_AGAIN, isle_term_text(isle, term), NULL);
        dv_isle_note(isle, info->etor_pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return false;
    }
    info->etor_pos = pos;
    return true;
}

static void declare_extern_etor(Isle *isle, IsleTerm term, IsleSym func, IslePos pos,
                                bool is_infallible)
{
    IsleTermInfo *info = isle_term(isle, term);
    if (!may_extract(isle, term, pos)) {
        return;
    }
    if (info->is_multi && is_infallible) {
        dv_isle_error(isle, pos, ISLE_MSG_MULTI_INFALLIBLE, isle_term_text(isle, term), NULL);
        return;
    }
    info->etor = ETOR_EXTERN;
    info->etor_func = func;
    info->is_infallible = is_infallible;
}

/* Everything that is extern but constants, which need only types and come earlier. */
void dv_isle_declare_extern(Isle *isle, IsleNodeRef form)
{
    IsleWalk walk = dv_isle_walk(isle, form, "extern");
    IsleNodeRef name;
    IsleNodeRef func;
    bool is_infallible = false;
    if (dv_isle_is_name(isle, walk.at, "const")) {
        return;
    }
    bool is_ctor = dv_isle_skip_name(&walk, "constructor");
    if (!is_ctor) {
        if (!dv_isle_skip_name(&walk, "extractor")) {
            IsleNodeRef at = isle_is_node(walk.at) ? walk.at : form;
            dv_isle_error(isle, isle_node(isle, at)->pos, ISLE_MSG_EXPECTED, "extern",
                          "constructor, extractor or const");
            return;
        }
        is_infallible = dv_isle_skip_name(&walk, "infallible");
    }
    if (!dv_isle_take_name(&walk, "a term", &name) ||
        !dv_isle_take_name(&walk, "a C function", &func) || !dv_isle_take_end(&walk)) {
        return;
    }
    IslePos pos = isle_node(isle, form)->pos;
    IsleSym func_sym = isle_node(isle, func)->sym;
    IsleTerm term;
    if (!dv_isle_find_term(isle, name, &term)) {
        return;
    }
    if (is_ctor) {
        declare_extern_ctor(isle, term, func_sym, pos);
    } else {
        declare_extern_etor(isle, term, func_sym, pos, is_infallible);
    }
}

void dv_isle_declare_const(Isle *isle, IsleNodeRef form)
{
    IsleWalk walk = dv_isle_walk(isle, form, "extern const");
    IsleNodeRef name;
    IsleNodeRef type_name;
    IsleType type;
    u32 old;
    if (!dv_isle_skip_name(&walk, "const")) {
        return;
    }
    if (!dv_isle_take_const(&walk, "a name with $", &name) ||
        !dv_isle_take_name(&walk, "a type", &type_name) || !dv_isle_take_end(&walk) ||
        !dv_isle_find_type(isle, type_name, &type)) {
        return;
    }
    IsleNode node = *isle_node(isle, name);
    if (dv_map_get(&isle->const_of_name, node.sym.id, &old)) {
        dv_isle_error(isle, node.pos, ISLE_MSG_CONST_AGAIN, isle_text(isle, node.sym), NULL);
        dv_isle_note(isle, isle->consts.data[old].pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return;
    }
    IsleConstInfo info = {.name = node.sym, .type = type, .pos = node.pos};
    Str text = isle_str(isle, node.sym);
    dv_isle_clif_type((Str){text.data + 1, text.len - 1}, &info.lane_bits, &info.lane_count);
    dv_map_put(isle->arena, &isle->const_of_name, node.sym.id, isle->consts.len);
    vec_push(isle->arena, &isle->consts, info);
}

static bool take_params(Isle *isle, IsleNodeRef head, IsleMacro *macro)
{
    IsleWalk walk = {isle, head, isle_next(isle, isle_first(isle, head)), "extractor"};
    while (isle_is_node(walk.at)) {
        IsleNodeRef param;
        if (!dv_isle_take_name(&walk, "a parameter", &param) ||
            !dv_isle_check_arg_count(isle, isle_node(isle, param)->pos, macro->params.len)) {
            return false;
        }
        IsleSym sym = isle_node(isle, param)->sym;
        for (u32 i = 0; i < macro->params.len; i++) {
            if (macro->params.data[i].id == sym.id) {
                dv_isle_error(isle, isle_node(isle, param)->pos, ISLE_MSG_PARAM_AGAIN,
                              isle_text(isle, sym), NULL);
                return false;
            }
        }
        vec_push(isle->arena, &macro->params, sym);
    }
    return true;
}

void dv_isle_declare_extractor(Isle *isle, IsleNodeRef form)
{
    IsleWalk walk = dv_isle_walk(isle, form, "extractor");
    IsleMacro macro = {.pos = isle_node(isle, form)->pos};
    IsleNodeRef head;
    if (!dv_isle_take_list(&walk, "(term parameters...)", &head) ||
        !dv_isle_take_any(&walk, "a pattern", &macro.body) || !dv_isle_take_end(&walk)) {
        return;
    }
    IsleNodeRef name = isle_first(isle, head);
    if (!isle_is(isle, name, NODE_NAME)) {
        dv_isle_error(isle, isle_node(isle, head)->pos, ISLE_MSG_EXPECTED, "extractor", "a term");
        return;
    }
    if (!dv_isle_find_term(isle, name, &macro.term) || !take_params(isle, head, &macro) ||
        !may_extract(isle, macro.term, macro.pos)) {
        return;
    }
    IsleTermInfo *info = isle_term(isle, macro.term);
    if (info->is_multi) {
        dv_isle_error(isle, macro.pos, ISLE_MSG_MULTI_MACRO, isle_text(isle, info->name), NULL);
        return;
    }
    if (macro.params.len != info->args.len) {
        dv_isle_error(isle, isle_node(isle, head)->pos, ISLE_MSG_ARITY, isle_text(isle, info->name),
                      dv_isle_number(isle, info->args.len));
        dv_isle_note(isle, info->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return;
    }
    info->etor = ETOR_MACRO;
    info->macro = isle->macros.len;
    vec_push(isle->arena, &isle->macros, macro);
}

void dv_isle_declare_convert(Isle *isle, IsleNodeRef form)
{
    IsleWalk walk = dv_isle_walk(isle, form, "convert");
    IsleConvert convert = {.pos = isle_node(isle, form)->pos};
    IsleNodeRef inner;
    IsleNodeRef outer;
    IsleNodeRef name;
    if (!dv_isle_take_name(&walk, "the inner type", &inner) ||
        !dv_isle_take_name(&walk, "the outer type", &outer) ||
        !dv_isle_take_name(&walk, "a term", &name) || !dv_isle_take_end(&walk)) {
        return;
    }
    bool has_inner = dv_isle_find_type(isle, inner, &convert.inner);
    bool has_outer = dv_isle_find_type(isle, outer, &convert.outer);
    if (!dv_isle_find_term(isle, name, &convert.term) || !has_inner || !has_outer) {
        return;
    }
    const IsleTermInfo *term = isle_term(isle, convert.term);
    if (convert.inner.id == convert.outer.id) {
        dv_isle_error(isle, convert.pos, ISLE_MSG_CONVERT_SELF, isle_type_text(isle, convert.inner),
                      NULL);
        return;
    }
    if (term->args.len != 1 || term->args.data[0].id != convert.inner.id ||
        term->ret.id != convert.outer.id) {
        dv_isle_error(isle, convert.pos, ISLE_MSG_CONVERT_TYPES, isle_text(isle, term->name), NULL);
        dv_isle_note(isle, term->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return;
    }
    u64 key = (u64)convert.inner.id << 32 | convert.outer.id;
    u32 old;
    if (dv_map_get(&isle->convert_of_types, key, &old)) {
        dv_isle_error(isle, convert.pos, ISLE_MSG_CONVERT_AGAIN,
                      isle_type_text(isle, convert.inner), isle_type_text(isle, convert.outer));
        dv_isle_note(isle, isle->converts.data[old].pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return;
    }
    dv_map_put(isle->arena, &isle->convert_of_types, key, isle->converts.len);
    vec_push(isle->arena, &isle->converts, convert);
}

const IsleConvert *dv_isle_find_convert(const Isle *isle, IsleType inner, IsleType outer)
{
    u32 found;
    if (!dv_map_get(&isle->convert_of_types, (u64)inner.id << 32 | outer.id, &found)) {
        return NULL;
    }
    return &isle->converts.data[found];
}
