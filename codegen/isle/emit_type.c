/* emit_type.c - functions that compare structures: C has no == for them.
 *
 * A type needs one if some rule compares its values whole, or those of a type that has it as a field. */
#include "back.h"

const bool *dv_isle_compared_types(const Back *back)
{
    Isle *isle = back->isle;
    bool *is_compared = ARENA_ARRAY(isle->arena, bool, isle->types.len + 1);
    VEC(u32) todo = {0};
    for (u32 i = 0; i < back->sets.len; i++) {
        const MatchSet *set = &vec_at(&back->sets, i);
        for (u32 j = 0; j < set->columns.len; j++) {
            const MatchColumn *column = &vec_at(&set->columns, j);
            if (column->kind == COLUMN_SAME || column->kind == COLUMN_CONST) {
                vec_push(isle->arena, &todo, vec_at(&set->values, column->a).type.id);
            }
        }
    }
    while (todo.len > 0) {
        IsleType type = {vec_pop(&todo)};
        const IsleTypeInfo *info = isle_type(isle, type);
        if (is_compared[type.id] || dv_isle_has_key(isle, type) || info->kind == TYPE_BUILTIN) {
            continue;
        }
        is_compared[type.id] = true;
        for (u32 i = 0; i < info->variants.len; i++) {
            const IsleTermInfo *variant = isle_term(isle, vec_at(&info->variants, i));
            for (u32 j = 0; j < variant->args.len; j++) {
                vec_push(isle->arena, &todo, vec_at(&variant->args, j).id);
            }
        }
    }
    return is_compared;
}

static void emit_fields_equal(Isle *isle, const IsleOptions *options, IsleTerm variant,
                              const char *path, TextBuf *out)
{
    const IsleTermInfo *info = isle_term(isle, variant);
    dv_text_str(out, "return ");
    for (u32 i = 0; i < info->args.len; i++) {
        const char *field = dv_isle_c_field(isle, variant, i);
        const char *a = dv_arena_printf(isle->arena, "a%s.%s", path, field);
        const char *b = dv_arena_printf(isle->arena, "b%s.%s", path, field);
        dv_text_str(out, i == 0 ? "" : " && ");
        dv_text_str(out, dv_isle_c_equal(isle, options, vec_at(&info->args, i), a, b));
    }
    dv_text_str(out, info->args.len == 0 ? "true;\n" : ";\n");
}

static const char *equal_prototype(Isle *isle, const IsleOptions *options, IsleType type)
{
    const char *name = dv_isle_c_type(isle, type);
    return dv_arena_printf(isle->arena, "static bool %s_equal_%s(%s a, %s b)", options->prefix,
                           name, name, name);
}

static void emit_equal(Isle *isle, const IsleOptions *options, IsleType type, TextBuf *out)
{
    const IsleTypeInfo *info = isle_type(isle, type);
    dv_text_printf(out, "%s\n{\n", equal_prototype(isle, options, type));
    if (info->kind == TYPE_STRUCT) {
        bool is_empty = isle_term(isle, vec_at(&info->variants, 0))->args.len == 0;
        dv_text_str(out, is_empty ? "    (void)a;\n    (void)b;\n    " : "    ");
        emit_fields_equal(isle, options, vec_at(&info->variants, 0), "", out);
        dv_text_str(out, "}\n\n");
        return;
    }
    dv_text_str(
        out, "    if (a.kind != b.kind) {\n        return false;\n    }\n    switch (a.kind) {\n");
    for (u32 i = 0; i < info->variants.len; i++) {
        IsleTerm variant = vec_at(&info->variants, i);
        dv_text_printf(out, "    case %s:\n        ", dv_isle_c_variant(isle, variant));
        const char *path = dv_arena_printf(isle->arena, ".as.%s", dv_isle_c_member(isle, variant));
        emit_fields_equal(isle, options, variant, path, out);
    }
    dv_text_str(out, "    }\n    return false;\n}\n\n");
}

void dv_isle_emit_equals(const Back *back, const IsleOptions *options, TextBuf *out)
{
    Isle *isle = back->isle;
    const bool *is_compared = dv_isle_compared_types(back);
    u32 count = 0;
    for (u32 i = 0; i < isle->types.len; i++) {
        count += is_compared[i];
    }
    for (u32 i = 0; i < isle->types.len && count > 1; i++) {
        if (is_compared[i]) {
            dv_text_printf(out, "%s;\n", equal_prototype(isle, options, (IsleType){i}));
        }
    }
    dv_text_str(out, count > 1 ? "\n" : "");
    for (u32 i = 0; i < isle->types.len; i++) {
        if (is_compared[i]) {
            emit_equal(isle, options, (IsleType){i}, out);
        }
    }
}
