/* types.c - (type Name ...): primitives, enums and structs, and the types that are there from
 * the start.
 *
 * Names are declared before bodies, so types may name each other in any order; fields are flat
 * values in C, so that cycles are the C compiler's business. Variants are terms named
 * Type.Variant; a struct is an enum of one variant that is named as the type.
 *
 * Extension: (width N) and (mem N) after the name say what a register or memory operand holds. */
#include "front.h"

static const struct {
    const char *name;
    u32 bits;
    bool is_signed;
} builtins[] = {
    {"bool", 1, false},  {"u8", 8, false},     {"u16", 16, false},   {"u32", 32, false},
    {"u64", 64, false},  {"u128", 128, false}, {"usize", 64, false}, {"i8", 8, true},
    {"i16", 16, true},   {"i32", 32, true},    {"i64", 64, true},    {"i128", 128, true},
    {"isize", 64, true},
};

IsleType dv_isle_add_type(Isle *isle, IsleSym name, IslePos pos, IsleTypeKind kind)
{
    IsleTypeInfo info = {.name = name, .pos = pos, .kind = kind, .c_name = name};
    IsleType type = {isle->types.len};
    vec_push(isle->arena, &isle->types, info);
    dv_map_put(isle->arena, &isle->type_of_name, name.id, type.id);
    return type;
}

void dv_isle_builtin_types(Isle *isle)
{
    for (u32 i = 0; i < ARRAY_LEN(builtins); i++) {
        IsleSym name = dv_isle_sym(isle, builtins[i].name);
        IsleType type = dv_isle_add_type(isle, name, (IslePos){ISLE_NONE, 0}, TYPE_BUILTIN);
        isle_type(isle, type)->int_bits = builtins[i].bits;
        isle_type(isle, type)->is_signed = builtins[i].is_signed;
    }
}

bool dv_isle_find_type(Isle *isle, IsleNodeRef name, IsleType *out)
{
    IsleSym sym = isle_node(isle, name)->sym;
    if (!dv_map_get(&isle->type_of_name, sym.id, &out->id)) {
        dv_isle_error(isle, isle_node(isle, name)->pos, ISLE_MSG_UNKNOWN_TYPE, isle_text(isle, sym),
                      NULL);
        return false;
    }
    return true;
}

/* A file may declare a builtin type as the primitive of its own name, as older files do. */
static bool is_builtin_again(Isle *isle, IsleType old, IsleWalk walk)
{
    if (isle_type(isle, old)->kind != TYPE_BUILTIN ||
        !dv_isle_is_form(isle, walk.at, "primitive")) {
        return false;
    }
    IsleNodeRef spelled = isle_next(isle, isle_first(isle, walk.at));
    return dv_isle_is_name(isle, spelled, isle_type_text(isle, old));
}

void dv_isle_declare_type_name(Isle *isle, IsleNodeRef form)
{
    IsleWalk walk = dv_isle_walk(isle, form, "type");
    IsleNodeRef name;
    if (!dv_isle_take_name(&walk, "a name", &name)) {
        return;
    }
    IsleNode node = *isle_node(isle, name);
    IsleType old;
    if (!dv_map_get(&isle->type_of_name, node.sym.id, &old.id)) {
        dv_isle_add_type(isle, node.sym, node.pos, TYPE_PRIMITIVE);
    } else if (!is_builtin_again(isle, old, walk)) {
        dv_isle_error(isle, node.pos, ISLE_MSG_TYPE_AGAIN, isle_text(isle, node.sym), NULL);
        dv_isle_note(isle, isle_type(isle, old)->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
    }
}

/* Adds the fields of a variant to its term: all of them (name Type), or all of them types. */
static void declare_fields(Isle *isle, IsleWalk *walk, IsleTerm term)
{
    bool has_names = isle_is(isle, walk->at, NODE_LIST);
    while (isle_is_node(walk->at)) {
        IsleNodeRef type_name = walk->at;
        IsleSym name = {ISLE_NONE};
        IsleNodeRef field;
        if (has_names) {
            IsleNodeRef name_node;
            if (!dv_isle_take_list(walk, "(field Type)", &field)) {
                return;
            }
            IsleWalk inner = {isle, field, isle_first(isle, field), "a field"};
            if (!dv_isle_take_name(&inner, "a name", &name_node) ||
                !dv_isle_take_name(&inner, "a type", &type_name) || !dv_isle_take_end(&inner)) {
                return;
            }
            name = isle_node(isle, name_node)->sym;
        } else if (!dv_isle_take_name(walk, "a type", &field)) {
            return;
        }
        IsleType type;
        if (!dv_isle_find_type(isle, type_name, &type)) {
            continue;
        }
        IsleTermInfo *info = isle_term(isle, term);
        if (!has_names) {
            name = dv_isle_sym(isle, dv_arena_printf(isle->arena, "f%" PRIu32, info->args.len));
        }
        if (!dv_isle_check_arg_count(isle, isle_node(isle, field)->pos, info->args.len)) {
            return;
        }
        for (u32 i = 0; has_names && i < info->fields.len; i++) {
            if (info->fields.data[i].id == name.id) {
                dv_isle_error(isle, isle_node(isle, field)->pos, ISLE_MSG_FIELD_AGAIN,
                              isle_text(isle, name), NULL);
            }
        }
        vec_push(isle->arena, &info->args, type);
        vec_push(isle->arena, &info->fields, name);
    }
}

static bool add_variant(Isle *isle, IsleType type, IsleSym name, IslePos pos, IsleTerm *out)
{
    IsleTypeInfo *owner = isle_type(isle, type);
    IsleTerm old;
    if (dv_map_get(&isle->term_of_name, name.id, &old.id)) {
        dv_isle_error(isle, pos, ISLE_MSG_TERM_AGAIN, isle_text(isle, name), NULL);
        dv_isle_note(isle, isle_term(isle, old)->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
        return false;
    }
    *out = dv_isle_add_term(isle, name, pos);
    IsleTermInfo *info = isle_term(isle, *out);
    info->ret = type;
    info->match = type;
    info->is_pure = true;
    info->ctor = CTOR_VARIANT;
    info->etor = ETOR_VARIANT;
    info->ctor_pos = pos;
    info->etor_pos = pos;
    info->variant = owner->variants.len;
    vec_push(isle->arena, &owner->variants, *out);
    return true;
}

static void declare_variant(Isle *isle, IsleType type, IsleNodeRef node)
{
    IslePos pos = isle_node(isle, node)->pos;
    IsleNodeRef name = node;
    IsleWalk walk = {isle, node, ISLE_NODE_NONE, "a variant"};
    if (isle_is(isle, node, NODE_LIST)) {
        walk.at = isle_first(isle, node);
        if (!dv_isle_take_name(&walk, "a name", &name)) {
            return;
        }
    } else if (!isle_is(isle, node, NODE_NAME)) {
        dv_isle_error(isle, pos, ISLE_MSG_EXPECTED, "enum", "a variant");
        return;
    }
    char *full = dv_arena_printf(isle->arena, "%s.%s", isle_type_text(isle, type),
                                 isle_text(isle, isle_node(isle, name)->sym));
    IsleTerm term;
    if (add_variant(isle, type, dv_isle_sym(isle, full), pos, &term)) {
        declare_fields(isle, &walk, term);
    }
}

static bool take_width(Isle *isle, IsleWalk *walk, IsleTypeInfo *info)
{
    bool is_reg = dv_isle_is_form(isle, walk->at, "width");
    if (!is_reg && !dv_isle_is_form(isle, walk->at, "mem")) {
        return true;
    }
    IsleNodeRef form = walk->at;
    IsleNodeRef number = isle_next(isle, isle_first(isle, form));
    IslePos pos = isle_node(isle, form)->pos;
    walk->at = isle_next(isle, form);
    if (!dv_isle_allow(isle, pos, is_reg ? "(width N)" : "(mem N)")) {
        return false;
    }
    U128 bits = {0, 0};
    if (isle_is(isle, number, NODE_INT) && isle_node(isle, form)->count == 2) {
        bits = isle_literal(isle, number)->bits;
    }
    if (bits.hi != 0 || bits.lo == 0 || bits.lo > 1024) {
        dv_isle_error(isle, pos, ISLE_MSG_BAD_WIDTH, NULL, NULL);
        return false;
    }
    info->width_kind = is_reg ? WIDTH_REG : WIDTH_MEM;
    info->width_bits = (u32)bits.lo;
    return true;
}

static void declare_body(Isle *isle, IsleWalk *walk, IsleType type)
{
    IsleNodeRef body = walk->at;
    IsleWalk inner;
    if (dv_isle_is_form(isle, body, "primitive")) {
        IsleNodeRef spelled;
        inner = dv_isle_walk(isle, body, "primitive");
        if (dv_isle_take_name(&inner, "a C type", &spelled) && dv_isle_take_end(&inner)) {
            isle_type(isle, type)->c_name = isle_node(isle, spelled)->sym;
        }
    } else if (dv_isle_is_form(isle, body, "enum")) {
        isle_type(isle, type)->kind = TYPE_ENUM;
        inner = dv_isle_walk(isle, body, "enum");
        for (; isle_is_node(inner.at); inner.at = isle_next(isle, inner.at)) {
            declare_variant(isle, type, inner.at);
        }
    } else if (dv_isle_is_form(isle, body, "struct")) {
        IsleTerm term;
        isle_type(isle, type)->kind = TYPE_STRUCT;
        inner = dv_isle_walk(isle, body, "struct");
        if (add_variant(isle, type, isle_type(isle, type)->name, isle_node(isle, body)->pos,
                        &term)) {
            declare_fields(isle, &inner, term);
        }
    } else {
        IsleNodeRef at = isle_is_node(body) ? body : walk->form;
        dv_isle_error(isle, isle_node(isle, at)->pos, ISLE_MSG_EXPECTED, "type",
                      "(primitive ...), (enum ...) or (struct ...)");
        return;
    }
    walk->at = isle_next(isle, body);
}

void dv_isle_declare_type_body(Isle *isle, IsleNodeRef form)
{
    IsleWalk walk = dv_isle_walk(isle, form, "type");
    IsleNodeRef name;
    IsleType type;
    if (!isle_is(isle, walk.at, NODE_NAME)) {
        return; /* reported with the name */
    }
    dv_isle_take_name(&walk, "a name", &name);
    bool is_known = dv_map_get(&isle->type_of_name, isle_node(isle, name)->sym.id, &type.id);
    ASSERT(is_known);
    IsleTypeInfo *info = isle_type(isle, type);
    if (!is_known || info->pos.file != isle_node(isle, name)->pos.file ||
        info->pos.offset != isle_node(isle, name)->pos.offset) {
        return; /* another declaration of the name, reported unless harmless */
    }
    bool more = true;
    while (more) {
        more = false;
        if (dv_isle_skip_name(&walk, "extern")) {
            info->is_extern = more = true;
        } else if (dv_isle_skip_name(&walk, "nodebug")) {
            info->is_nodebug = more = true;
        }
    }
    if (!take_width(isle, &walk, info)) {
        return;
    }
    u64 errors = isle->error_count;
    declare_body(isle, &walk, type);
    if (errors == isle->error_count) {
        dv_isle_take_end(&walk);
    }
}
