/* names.c - names in C: who has which.
 *
 * Rules may use characters that C does not know, and C has one space for types, enumerators, constants and functions
 * where the rules have four. So every name that the generated header declares is claimed here once, and a second claim
 * is an error that shows both places. What the program supplies may serve several of the rules' names, if its declaration
 * is the same each time; what is generated has one name of its own. */
#include "back.h"

static void report(Isle *isle, const char *name, const CName *first, IslePos pos)
{
    dv_isle_error(isle, pos, ISLE_MSG_C_NAME, name, NULL);
    if (first->pos.file != ISLE_NONE) {
        dv_isle_note(isle, first->pos, ISLE_MSG_DECLARED_HERE, NULL, NULL);
    } else {
        dv_isle_note(isle, first->pos, ISLE_MSG_C_NAME_OWN, NULL, NULL);
    }
}

bool dv_isle_claim(Back *back, const char *name, CName claim)
{
    Arena *arena = back->isle->arena;
    u32 known = back->names.strings.len;
    u32 id = dv_strmap_intern(arena, &back->names, name, strlen(name));
    if (id == known) {
        vec_push(arena, &back->claims, claim);
        return true;
    }
    const CName *first = &vec_at(&back->claims, id);
    if ((first->is_generated && claim.is_generated) ||
        strcmp(first->declaration, claim.declaration) != 0) {
        report(back->isle, name, first, claim.pos);
    }
    return false;
}

bool dv_isle_is_claimed(const Back *back, const char *name)
{
    u32 id;
    return dv_strmap_find(&back->names, name, strlen(name), &id);
}

const char *dv_isle_fresh_name(Back *back, const char *wish)
{
    const char *name = wish;
    u32 first;
    if (dv_strmap_find(&back->names, wish, strlen(wish), &first)) {
        while (dv_isle_is_claimed(back, name)) {
            u32 copy = ++vec_at(&back->claims, first).copies;
            name = dv_arena_printf(back->isle->arena, "%s_%u", wish, copy + 1);
        }
    }
    dv_isle_claim(back, name, (CName){"part", {ISLE_NONE, 0}, true, 0});
    return name;
}

/* ---- what is there before any function -------------------------------------------------------------------- */

/* Names of the generated code itself. */
static void claim_own(Back *back, const IsleOptions *options)
{
    static const char *const names[] = {"no_match", "rule_hit",  "rule_names",
                                        "inst_op",  "type_bits", "rule_count"};
    Isle *isle = back->isle;
    const CName own = {"", {ISLE_NONE, 0}, true, 0};
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        dv_isle_claim(back, dv_arena_printf(isle->arena, "%s_%s", options->prefix, names[i]), own);
    }
    dv_isle_claim(back, "IsleIter", own);
    dv_isle_claim(back, "IsleTry", own);
    u32 args = 0;
    for (u32 i = 0; i < isle->terms.len; i++) {
        const IsleTermInfo *term = &vec_at(&isle->terms, i);
        bool has_body = term->ctor == CTOR_RULES || term->ctor == CTOR_DEF;
        args = has_body && term->args.len > args ? term->args.len : args;
    }
    for (u32 i = 0; i < args; i++) {
        dv_isle_claim(back, dv_arena_printf(isle->arena, "a%u", i), own);
    }
}

static void claim_fields(Back *back, IsleTerm variant)
{
    Isle *isle = back->isle;
    const IsleTermInfo *info = isle_term(isle, variant);
    StrMap seen = {0};
    for (u32 i = 0; i < info->fields.len; i++) {
        const char *field = dv_isle_c_field(isle, variant, i);
        u32 known = seen.strings.len;
        u32 id = dv_strmap_intern(isle->arena, &seen, field, strlen(field));
        if (id != known) {
            dv_isle_error(isle, info->pos, ISLE_MSG_C_FIELD,
                          isle_text(isle, vec_at(&info->fields, id)),
                          isle_text(isle, vec_at(&info->fields, i)));
            return;
        }
    }
}

static void claim_type(Back *back, IsleType type)
{
    Isle *isle = back->isle;
    const IsleTypeInfo *info = isle_type(isle, type);
    const char *name = dv_isle_c_type(isle, type);
    bool is_generated = dv_isle_type_is_generated(isle, type);
    const char *declaration = is_generated ? "generated type" : "type";
    dv_isle_claim(back, name, (CName){declaration, info->pos, is_generated, 0});
    if (is_generated && dv_isle_is_tagged(isle, type)) {
        dv_isle_claim(back, dv_arena_printf(isle->arena, "%s_Kind", name),
                      (CName){"generated type", info->pos, true, 0});
    }
    if (is_generated && info->kind == TYPE_ENUM && info->variants.len == 0) {
        dv_isle_claim(back, dv_arena_printf(isle->arena, "%s_has_no_variant", name),
                      (CName){"enumerator", info->pos, true, 0});
    }
    for (u32 i = 0; i < info->variants.len; i++) {
        IsleTerm variant = vec_at(&info->variants, i);
        claim_fields(back, variant);
        if (info->kind == TYPE_ENUM) {
            dv_isle_claim(back, dv_isle_c_variant(isle, variant),
                          (CName){"enumerator", isle_term(isle, variant)->pos, true, 0});
        }
    }
}

static const char *own_name(Isle *isle, const IsleOptions *options, const char *what,
                            const char *of)
{
    return dv_arena_printf(isle->arena, "%s_%s_%s", options->prefix, what, of);
}

void dv_isle_claim_names(Back *back, const IsleOptions *options)
{
    Isle *isle = back->isle;
    claim_own(back, options);
    for (u32 i = 0; i < isle->types.len; i++) {
        claim_type(back, (IsleType){i});
    }
    for (u32 i = 0; i < isle->consts.len; i++) {
        dv_isle_claim(back, dv_isle_c_const(isle, (IsleConst){i}),
                      (CName){"constant", vec_at(&isle->consts, i).pos, true, 0});
    }
    const bool *is_compared = dv_isle_compared_types(back);
    for (u32 i = 0; i < isle->types.len; i++) {
        IsleType type = {i};
        if (is_compared[i]) {
            dv_isle_claim(back, own_name(isle, options, "equal", dv_isle_c_type(isle, type)),
                          (CName){"comparison", isle_type(isle, type)->pos, true, 0});
        }
    }
    for (u32 i = 0; i < back->sets.len; i++) {
        const MatchSet *set = &vec_at(&back->sets, i);
        if (dv_isle_has_coverage(set)) {
            const IsleTermInfo *term = isle_term(isle, set->term);
            const char *name = dv_isle_c_part(isle, isle_str(isle, term->name));
            dv_isle_claim(back, own_name(isle, options, "covers", name),
                          (CName){"predicate", term->pos, true, 0});
        }
    }
}
