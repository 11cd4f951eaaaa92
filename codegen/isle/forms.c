/* forms.c - what may stand at the top of a file, and in which order the forms are taken in.
 *
 * Forms may come in any order and from several files; a pass over all of them declares what the
 * next pass needs: type names, type bodies and constants, terms, externs and macros, converters,
 * roots of rules. `map` turns into rule forms on the way, which join the others. */
#include "front.h"

typedef void FormHandler(Isle *isle, IsleNodeRef form);

enum { PASS_COUNT = 6 };

typedef struct FormKind {
    const char *head;
    bool is_extension;
    FormHandler *passes[PASS_COUNT];
} FormKind;

static void declare_pragma(Isle *isle, IsleNodeRef form)
{
    IsleWalk walk = dv_isle_walk(isle, form, "pragma");
    IsleNodeRef name;
    if (!dv_isle_take_name(&walk, "a name", &name) || !dv_isle_take_end(&walk)) {
        return;
    }
    /* overlap_errors asked for what is always on now. */
    if (!dv_isle_is_name(isle, name, "overlap_errors")) {
        IsleSym sym = isle_node(isle, name)->sym;
        dv_isle_error(isle, isle_node(isle, name)->pos, ISLE_MSG_UNKNOWN_PRAGMA,
                      isle_text(isle, sym), NULL);
    }
}

static const FormKind kinds[] = {
    {"pragma", false, {declare_pragma}},
    {"tables", true, {NULL, dv_isle_declare_table_types, dv_isle_declare_table_terms}},
    {"type", false, {dv_isle_declare_type_name, NULL, dv_isle_declare_type_body}},
    {"decl", false, {NULL, NULL, NULL, dv_isle_declare_term}},
    {"def", true, {NULL, NULL, NULL, dv_isle_declare_def}},
    {"extern", false, {NULL, NULL, dv_isle_declare_const, NULL, dv_isle_declare_extern}},
    {"extractor", false, {NULL, NULL, NULL, NULL, dv_isle_declare_extractor}},
    {"convert", false, {NULL, NULL, NULL, NULL, dv_isle_declare_convert}},
    {"map", true, {NULL, NULL, NULL, NULL, dv_isle_declare_map}},
    {"rule", false, {NULL, NULL, NULL, NULL, NULL, dv_isle_declare_rule_root}},
    {"expand", true, {NULL, NULL, NULL, NULL, NULL, dv_isle_declare_rule_root}},
    {"none", true, {NULL, NULL, NULL, NULL, NULL, dv_isle_declare_hole}},
    {"spec", false, {NULL, NULL, NULL, NULL, NULL, dv_isle_declare_spec}},
    {"model", false, {NULL, NULL, NULL, NULL, NULL, dv_isle_declare_spec}},
    {"form", false, {NULL, NULL, NULL, NULL, NULL, dv_isle_declare_spec}},
    {"instantiate", false, {NULL, NULL, NULL, NULL, NULL, dv_isle_declare_spec}},
    {"attr", false, {NULL, NULL, NULL, NULL, NULL, dv_isle_declare_spec}},
    {"state", false, {NULL, NULL, NULL, NULL, NULL, dv_isle_declare_spec}},
    {"macro", false, {NULL, NULL, NULL, NULL, NULL, dv_isle_declare_spec}},
};

bool dv_isle_allow(Isle *isle, IslePos pos, const char *extension)
{
    if (isle->is_strict) {
        dv_isle_error(isle, pos, ISLE_MSG_STRICT, extension, NULL);
    }
    return !isle->is_strict;
}

/* The kind of a form; NULL after reporting that there is none. */
static const FormKind *find_kind(Isle *isle, IsleNodeRef form)
{
    IsleNodeRef head = isle_first(isle, form);
    IslePos pos = isle_node(isle, form)->pos;
    if (!isle_is(isle, head, NODE_NAME)) {
        dv_isle_error(isle, pos, ISLE_MSG_FORM_HEAD, NULL, NULL);
        return NULL;
    }
    const char *text = isle_text(isle, isle_node(isle, head)->sym);
    for (u32 i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(text, kinds[i].head) == 0) {
            return !kinds[i].is_extension || dv_isle_allow(isle, pos, text) ? &kinds[i] : NULL;
        }
    }
    dv_isle_error(isle, isle_node(isle, head)->pos, ISLE_MSG_UNKNOWN_FORM, text, NULL);
    return NULL;
}

void dv_isle_declare(Isle *isle)
{
    VEC(const FormKind *) kind_of_form = {0};
    for (u32 pass = 0; pass < PASS_COUNT; pass++) {
        for (u32 i = 0; i < isle->forms.len; i++) {
            if (i == kind_of_form.len) { /* the first pass, or a form that `map` made */
                vec_push(isle->arena, &kind_of_form, find_kind(isle, isle->forms.data[i]));
            }
            const FormKind *kind = kind_of_form.data[i];
            if (kind != NULL && kind->passes[pass] != NULL) {
                kind->passes[pass](isle, isle->forms.data[i]);
            }
        }
    }
}
