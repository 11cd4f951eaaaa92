/* header.c - the generated header: types, and prototypes of what the rules define and of what they call.
 *
 * C needs a type complete before another contains it, so types come in the order of containment; one that contains itself has
 * no size and is an error. Every function is declared once. */
#include "back.h"

typedef struct Header {
    Back *back;
    Isle *isle;
    const IsleOptions *options;
    TextBuf *out;
} Header;

/* ---- types ----------------------------------------------------------------------------------------------------- */

static void put_fields(Header *header, IsleTerm variant, const char *indent)
{
    Isle *isle = header->isle;
    const IsleTermInfo *info = isle_term(isle, variant);
    for (u32 i = 0; i < info->args.len; i++) {
        dv_text_printf(header->out, "%s%s %s;\n", indent,
                       dv_isle_c_type(isle, vec_at(&info->args, i)),
                       dv_isle_c_field(isle, variant, i));
    }
}

static void put_enumerators(Header *header, const IsleTypeInfo *info, const char *name)
{
    for (u32 i = 0; i < info->variants.len; i++) {
        dv_text_printf(header->out, "%s    %s", i == 0 ? "\n" : ",\n",
                       dv_isle_c_variant(header->isle, vec_at(&info->variants, i)));
    }
    if (info->variants.len == 0) {
        dv_text_printf(header->out, "\n    %s_has_no_variant", name);
    }
}

static void put_type(Header *header, IsleType type)
{
    Isle *isle = header->isle;
    const IsleTypeInfo *info = isle_type(isle, type);
    const char *name = dv_isle_c_type(isle, type);
    TextBuf *out = header->out;
    if (info->kind == TYPE_STRUCT) {
        IsleTerm only = vec_at(&info->variants, 0);
        dv_text_printf(out, "typedef struct %s {\n", name);
        put_fields(header, only, "    ");
        dv_text_str(out, isle_term(isle, only)->args.len == 0 ? "    u8 has_no_field;\n" : "");
        dv_text_printf(out, "} %s;\n\n", name);
        return;
    }
    if (!dv_isle_is_tagged(isle, type)) {
        dv_text_printf(out, "typedef enum %s {", name);
        put_enumerators(header, info, name);
        dv_text_printf(out, "\n} %s;\n\n", name);
        return;
    }
    dv_text_printf(out, "typedef enum %s_Kind {", name);
    put_enumerators(header, info, name);
    dv_text_printf(out, "\n} %s_Kind;\n\ntypedef struct %s {\n    %s_Kind kind;\n    union {\n",
                   name, name, name);
    for (u32 i = 0; i < info->variants.len; i++) {
        IsleTerm variant = vec_at(&info->variants, i);
        if (isle_term(isle, variant)->args.len > 0) {
            dv_text_str(out, "        struct {\n");
            put_fields(header, variant, "            ");
            dv_text_printf(out, "        } %s;\n", dv_isle_c_member(isle, variant));
        }
    }
    dv_text_printf(out, "    } as;\n} %s;\n\n", name);
}

bool dv_isle_type_is_generated(const Isle *isle, IsleType type)
{
    const IsleTypeInfo *info = isle_type(isle, type);
    return (info->kind == TYPE_ENUM || info->kind == TYPE_STRUCT) && !info->is_extern;
}

/* The number-th field of all variants of a type; false if there are fewer. */
static bool field_type(const Isle *isle, IsleType type, u32 number, IsleType *out)
{
    const IsleTypeInfo *info = isle_type(isle, type);
    for (u32 i = 0; i < info->variants.len; i++) {
        const IsleTermInfo *variant = isle_term(isle, vec_at(&info->variants, i));
        if (number < variant->args.len) {
            *out = vec_at(&variant->args, number);
            return true;
        }
        number -= variant->args.len;
    }
    return false;
}

typedef struct Visit {
    IsleType type;
    u32 field;
} Visit;

/* Writes the types, contained ones first: a walk in depth with a stack of its own. */
static void put_types(Header *header)
{
    Isle *isle = header->isle;
    enum { UNSEEN, OPEN, DONE };
    u8 *state = ARENA_ARRAY(isle->arena, u8, isle->types.len + 1);
    VEC(Visit) stack = {0};
    for (u32 i = 0; i < isle->types.len; i++) {
        if (state[i] == UNSEEN && dv_isle_type_is_generated(isle, (IsleType){i})) {
            vec_push(isle->arena, &stack, ((Visit){{i}, 0}));
            state[i] = OPEN;
        }
        while (stack.len > 0) {
            Visit *visit = &vec_at(&stack, stack.len - 1);
            IsleType field;
            if (!field_type(isle, visit->type, visit->field++, &field)) {
                state[visit->type.id] = DONE;
                put_type(header, visit->type);
                (void)vec_pop(&stack);
            } else if (dv_isle_type_is_generated(isle, field) && state[field.id] == OPEN) {
                dv_isle_error(isle, isle_type(isle, field)->pos, ISLE_MSG_TYPE_CONTAINS_ITSELF,
                              isle_text(isle, isle_type(isle, field)->name), NULL);
                return;
            } else if (dv_isle_type_is_generated(isle, field) && state[field.id] == UNSEEN) {
                state[field.id] = OPEN;
                vec_push(isle->arena, &stack, ((Visit){field, 0}));
            }
        }
    }
}

static void put_keys(Header *header)
{
    Isle *isle = header->isle;
    bool has_any = false;
    for (u32 i = 0; i < isle->types.len; i++) {
        if (vec_at(&isle->types, i).kind != TYPE_PRIMITIVE) {
            continue;
        }
        const char *name = dv_isle_c_type(isle, (IsleType){i});
        dv_text_printf(
            header->out,
            "%s#ifndef ISLE_KEY_%s\n#define ISLE_KEY_%s(x) (x)\n#endif\n"
            "#ifndef ISLE_CASE_%s\n#define ISLE_CASE_%s(x) ISLE_KEY_%s(x)\n#endif\n",
            has_any ? ""
                    : "/* The integer a value is compared by; that of a constant, as a label. */\n",
            name, name, name, name, name);
        has_any = true;
    }
    dv_text_str(header->out, has_any ? "\n" : "");
}

/* ---- functions --------------------------------------------------------------------------------------------------- */

static void put_prototype(Header *header, const char *name, CName claim)
{
    if (dv_isle_claim(header->back, name, claim)) {
        dv_text_printf(header->out, "%s;\n", claim.declaration);
    }
}

static void put_constructor(Header *header, IsleTerm term)
{
    const IsleTermInfo *info = isle_term(header->isle, term);
    TextBuf text;
    dv_text_init(&text, header->isle->arena);
    dv_isle_c_constructor_prototype(header->isle, header->options, term, &text);
    bool is_defined = info->ctor == CTOR_RULES || info->ctor == CTOR_DEF;
    IslePos pos = info->ctor == CTOR_EXTERN ? info->ctor_pos : info->pos;
    put_prototype(header, dv_isle_c_constructor(header->isle, header->options, term),
                  (CName){text.data, pos, is_defined, 0});
}

static void put_extractor(Header *header, IsleTerm term)
{
    const IsleTermInfo *info = isle_term(header->isle, term);
    IslePos pos = info->etor == ETOR_EXTERN ? info->etor_pos : info->pos;
    TextBuf text;
    dv_text_init(&text, header->isle->arena);
    dv_isle_c_extractor_prototype(header->isle, header->options, term, &text);
    put_prototype(header, dv_isle_c_extractor(header->isle, header->options, term),
                  (CName){text.data, pos, false, 0});
}

/* Operations that rules take apart, and those they build. */
static void find_ops(const Header *header, bool *is_matched, bool *is_made)
{
    const Isle *isle = header->isle;
    for (u32 i = 0; i < isle->rules.len; i++) {
        const IsleRuleInfo *rule = &vec_at(&isle->rules, i);
        for (u32 j = 0; j < rule->steps.len; j++) {
            const IsleStep *step = &vec_at(&rule->steps, j);
            if (step->kind == STEP_OP) {
                is_matched[step->term.id] = true;
            } else if (step->kind == STEP_CONSTRUCT) {
                is_made[step->term.id] = true;
            }
        }
    }
}

static void put_supplied(Header *header)
{
    Isle *isle = header->isle;
    bool *is_matched = ARENA_ARRAY(isle->arena, bool, isle->terms.len + 1);
    bool *is_made = ARENA_ARRAY(isle->arena, bool, isle->terms.len + 1);
    find_ops(header, is_matched, is_made);
    for (u32 i = 0; i < isle->terms.len; i++) {
        IsleTerm term = {i};
        const IsleTermInfo *info = isle_term(isle, term);
        if (info->ctor == CTOR_EXTERN || (info->ctor == CTOR_OP && is_made[i])) {
            put_constructor(header, term);
        }
        if (info->etor == ETOR_EXTERN || (info->etor == ETOR_OP && is_matched[i])) {
            put_extractor(header, term);
        }
    }
    const char *prefix = header->options->prefix;
    const char *context = header->options->context;
    if (isle->has_ops) {
        dv_text_printf(header->out, "u32 %s_inst_op(%s *ctx, Inst a0);\n", prefix, context);
    }
    if (isle->defs.len > 0 && dv_isle_defs_use_bits(isle)) {
        dv_text_printf(header->out, "u32 %s_type_bits(%s *ctx, Type a0);\n", prefix, context);
    }
    dv_text_printf(header->out,
                   "DV_NORETURN void %s_no_match(%s *ctx, const char *term);\n"
                   "#ifdef DAVIT_RULE_HITS\nvoid %s_rule_hit(%s *ctx, u32 rule);\n#endif\n",
                   prefix, context, prefix, context);
}

static void put_defined(Header *header)
{
    Isle *isle = header->isle;
    for (u32 i = 0; i < isle->defs.len; i++) {
        put_constructor(header, vec_at(&isle->defs, i).term);
    }
    for (u32 i = 0; i < header->back->sets.len; i++) {
        put_constructor(header, vec_at(&header->back->sets, i).term);
    }
    for (u32 i = 0; i < header->back->sets.len; i++) {
        const MatchSet *set = &vec_at(&header->back->sets, i);
        if (dv_isle_has_coverage(set)) {
            dv_text_printf(header->out, "%s;\n", dv_isle_coverage_prototype(set, header->options));
        }
    }
    const char *prefix = header->options->prefix;
    dv_text_printf(header->out,
                   "#ifdef DAVIT_RULE_HITS\n"
                   "extern const char *const %s_rule_names[]; /* \"file:line name\" */\n"
                   "extern const u32 %s_rule_count;\n#endif\n",
                   prefix, prefix);
}

bool dv_isle_emit_header(Back *back, const IsleOptions *options, TextBuf *out)
{
    Isle *isle = back->isle;
    Header header = {.back = back, .isle = isle, .options = options, .out = out};
    dv_text_printf(out, "/* Made by islec. */\n#ifndef %s_ISLE_H\n#define %s_ISLE_H\n\n",
                   options->prefix, options->prefix);
    dv_text_str(out, "#include \"base/u128.h\"\n");
    if (options->include != NULL) {
        dv_text_printf(out, "#include \"%s\"\n", options->include);
    }
    dv_text_str(
        out,
        "\n/* Results of a multi-term that are kept, and of a multi step that are looked at. */\n"
        "#ifndef ISLE_RESULTS_MAX\n#define ISLE_RESULTS_MAX 16u\n#endif\n"
        "#ifndef ISLE_EACH_MAX\n#define ISLE_EACH_MAX 64u\n#endif\n\n"
        "/* Where an external multi function stands: all zero at first, then its own. */\n"
        "#ifndef ISLE_ITER_DEFINED\n#define ISLE_ITER_DEFINED\n"
        "typedef struct IsleIter {\n    u64 at;\n    u64 end;\n    const void *data;\n} IsleIter;\n#endif\n\n");
    dv_isle_claim_names(back, options);
    put_types(&header);
    put_keys(&header);
    dv_text_str(out, "/* Supplied by the program. */\n");
    put_supplied(&header);
    dv_text_str(out, "\n/* Defined by the rules. */\n");
    put_defined(&header);
    dv_text_str(out, "\n#endif\n");
    return isle_ok(isle);
}
