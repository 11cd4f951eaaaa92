/* emit.c - the C file: a function per term that has rules.
 *
 * A block of the tree becomes statements in a row: each node is an if, a switch or a loop, and what finds nothing falls
 * out of it to the next node. So backtracking is the flow of control of C, no state is kept, and a failed match costs
 * nothing but its tests. Values are declared where first wanted; those of a node stay visible for what follows in its
 * block, because what they are computed by has no effects.
 *
 * The recursion over blocks is as deep as the tree: at most MATCH_TESTS_MAX. */
#include <stdlib.h>

#include "back.h"

static void emit_block(Emitter *emitter, u32 node);

void dv_isle_put(Emitter *emitter, const char *format, ...)
{
    dv_text_repeat(emitter->out, ' ', (usize)emitter->indent * 4);
    va_list args;
    va_start(args, format);
    dv_text_vprintf(emitter->out, format, args);
    va_end(args);
    dv_text_char(emitter->out, '\n');
}

/* ---- values ------------------------------------------------------------------------------------------------ */

/* True if the value is written where it is used: arguments and constants. */
static bool is_inline(const MatchSet *set, u32 value)
{
    return vec_at(&set->sites, vec_at(&set->values, value).site).kind <= SITE_CONST;
}

const char *dv_isle_value_text(Emitter *emitter, u32 value_index)
{
    const MatchSet *set = emitter->set;
    Isle *isle = emitter->isle;
    const MatchValue *value = &vec_at(&set->values, value_index);
    const MatchSite *site = &vec_at(&set->sites, value->site);
    switch (site->kind) {
    case SITE_ARGS:
        emitter->uses_arg[value->index] = true;
        return dv_arena_printf(isle->arena, "a%u", value->index);
    case SITE_INT:
        return dv_isle_c_literal(isle, site->type, site->literal);
    case SITE_CONST:
        return dv_isle_c_const(isle, site->constant);
    default:
        ASSERT(emitter->is_declared[value_index]);
        break;
    }
    Str name = value->name.id == ISLE_NONE ? (Str){"v", 1} : isle_str(isle, value->name);
    return dv_arena_printf(isle->arena, "%s_%u", dv_isle_c_name(isle, name), value_index);
}

static void mark_declared(Emitter *emitter, u32 value)
{
    if (!emitter->is_declared[value]) {
        emitter->is_declared[value] = true;
        vec_push(emitter->isle->arena, &emitter->declared, value);
    }
}

static void end_scope(Emitter *emitter, u32 declared_count)
{
    while (emitter->declared.len > declared_count) {
        emitter->is_declared[vec_pop(&emitter->declared)] = false;
    }
}

static void want_site_args(Emitter *emitter, const MatchSite *site)
{
    for (u32 i = 0; i < site->arg_count; i++) {
        isle_want(emitter, vec_at(&emitter->set->args, site->first_arg + i));
    }
}

static const char **site_arg_texts(Emitter *emitter, const MatchSite *site)
{
    const char **texts = ARENA_ARRAY(emitter->isle->arena, const char *, site->arg_count);
    for (u32 i = 0; i < site->arg_count; i++) {
        texts[i] = dv_isle_value_text(emitter, vec_at(&emitter->set->args, site->first_arg + i));
    }
    return texts;
}

/* Declarations "T x;" of the values a call will write, where they are not yet there. */
static void declare_results(Emitter *emitter, const MatchSite *site)
{
    for (u32 i = 0; i < site->value_count; i++) {
        u32 value = site->first_value + i;
        if (!emitter->is_declared[value]) {
            mark_declared(emitter, value);
            dv_isle_put(emitter, "%s %s;",
                        dv_isle_c_type(emitter->isle, vec_at(&emitter->set->values, value).type),
                        dv_isle_value_text(emitter, value));
        }
    }
}

/* A call that writes its results through pointers: f(ctx, [iterator,] args, &x, &y). */
static const char *call_text(Emitter *emitter, const MatchSite *site, const char *iterator)
{
    Isle *isle = emitter->isle;
    TextBuf text;
    dv_text_init(&text, isle->arena);
    emitter->uses_context = true;
    const char *function = site->kind == SITE_CONSTRUCT
                               ? dv_isle_c_constructor(isle, emitter->options, site->term)
                               : dv_isle_c_extractor(isle, emitter->options, site->term);
    dv_text_printf(&text, "%s(ctx%s", function, iterator);
    const char **args = site_arg_texts(emitter, site);
    for (u32 i = 0; i < site->arg_count; i++) {
        dv_text_printf(&text, ", %s", args[i]);
    }
    for (u32 i = 0; i < site->value_count; i++) {
        dv_text_printf(&text, ", &%s", dv_isle_value_text(emitter, site->first_value + i));
    }
    dv_text_char(&text, ')');
    return text.data;
}

static void declare_as(Emitter *emitter, u32 value, const char *text)
{
    mark_declared(emitter, value);
    dv_isle_put(emitter, "const %s %s = %s;",
                dv_isle_c_type(emitter->isle, vec_at(&emitter->set->values, value).type),
                dv_isle_value_text(emitter, value), text);
}

static void declare_field(Emitter *emitter, const MatchSite *site, u32 value)
{
    Isle *isle = emitter->isle;
    const char *from = site_arg_texts(emitter, site)[0];
    const char *field = dv_isle_c_field(isle, site->term, value - site->first_value);
    if (isle_type(isle, isle_term(isle, site->term)->ret)->kind == TYPE_STRUCT) {
        declare_as(emitter, value, dv_arena_printf(isle->arena, "%s.%s", from, field));
        return;
    }
    const char *member = dv_isle_c_member(isle, site->term);
    declare_as(emitter, value, dv_arena_printf(isle->arena, "%s.as.%s.%s", from, member, field));
}

/* The value and, where one call gives several, its neighbours. */
static void declare_value(Emitter *emitter, u32 value)
{
    Isle *isle = emitter->isle;
    const MatchSite *site =
        &vec_at(&emitter->set->sites, vec_at(&emitter->set->values, value).site);
    if (site->kind == SITE_FIELDS) {
        declare_field(emitter, site, value);
        return;
    }
    if (site->kind == SITE_CONSTRUCT) {
        declare_as(emitter, value,
                   dv_isle_construct_text(emitter, site->term, site_arg_texts(emitter, site)));
        return;
    }
    if (site->kind == SITE_EXTRACT && isle_extracts_directly(isle_term(isle, site->term))) {
        emitter->uses_context = true;
        declare_as(emitter, value,
                   dv_arena_printf(isle->arena, "%s(ctx, %s)",
                                   dv_isle_c_extractor(isle, emitter->options, site->term),
                                   site_arg_texts(emitter, site)[0]));
        return;
    }
    declare_results(emitter, site);
    dv_isle_put(emitter, "%s;", call_text(emitter, site, ""));
}

static int compare_values(const void *a, const void *b)
{
    u32 x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* What a site reads has smaller numbers, so declaring in ascending order is declaring before use. */
void dv_isle_declare_wanted(Emitter *emitter)
{
    const MatchSet *set = emitter->set;
    u32 kept = 0;
    for (u32 i = 0; i < emitter->wanted.len; i++) {
        u32 value = emitter->wanted.data[i];
        if (is_inline(set, value) || emitter->is_declared[value]) {
            continue;
        }
        mark_declared(emitter, value);
        want_site_args(emitter, &vec_at(&set->sites, vec_at(&set->values, value).site));
        emitter->wanted.data[kept++] = value;
    }
    for (u32 i = 0; i < kept; i++) {
        emitter->is_declared[emitter->wanted.data[i]] = false;
    }
    emitter->declared.len -= kept;
    if (kept > 0) {
        qsort(emitter->wanted.data, kept, sizeof(u32), compare_values);
    }
    for (u32 i = 0; i < kept; i++) {
        if (!emitter->is_declared[emitter->wanted.data[i]]) {
            declare_value(emitter, emitter->wanted.data[i]);
        }
    }
    vec_clear(&emitter->wanted);
}

/* ---- nodes ----------------------------------------------------------------------------------------------------- */

/* True if control never comes past the block. */
static bool block_ends(const MatchSet *set, u32 node)
{
    while (vec_at(&set->nodes, node).next != ISLE_NONE) {
        node = vec_at(&set->nodes, node).next;
    }
    return vec_at(&set->nodes, node).column == ISLE_NONE && !set->is_multi;
}

static void emit_body(Emitter *emitter, u32 node)
{
    u32 scope = emitter->declared.len;
    emitter->indent++;
    emit_block(emitter, node);
    emitter->indent--;
    end_scope(emitter, scope);
}

/* The condition that the test holds. */
static const char *condition_text(Emitter *emitter, u32 test_index)
{
    Isle *isle = emitter->isle;
    const MatchTest *test = &vec_at(&emitter->set->tests, test_index);
    const MatchColumn *column = match_column(emitter->set, test_index);
    if (column->kind == COLUMN_CALL) {
        return call_text(emitter, &vec_at(&emitter->set->sites, column->a), "");
    }
    IsleType type = vec_at(&emitter->set->values, column->a).type;
    const char *a = dv_isle_value_text(emitter, column->a);
    switch (column->kind) {
    case COLUMN_INT:
        if (isle_is_bool(isle, type)) {
            return test->literal.lo != 0 ? a : dv_arena_printf(isle->arena, "!%s", a);
        }
        if (dv_isle_has_key(isle, type)) {
            return dv_arena_printf(isle->arena, "%s == %s", dv_isle_c_key(isle, type, a),
                                   dv_isle_c_literal(isle, type, test->literal));
        }
        return dv_isle_c_equal(isle, emitter->options, type, a,
                               dv_isle_c_literal(isle, type, test->literal));
    case COLUMN_CONST:
        return dv_isle_c_equal(isle, emitter->options, type, a,
                               dv_isle_c_const(isle, (IsleConst){test->id}));
    case COLUMN_VARIANT:
        return dv_arena_printf(isle->arena, "%s%s == %s", a,
                               dv_isle_is_tagged(isle, type) ? ".kind" : "",
                               dv_isle_c_variant(isle, (IsleTerm){test->id}));
    case COLUMN_OP:
        emitter->uses_context = true;
        return dv_arena_printf(isle->arena, "%s_inst_op(ctx, %s) == OP_%s",
                               emitter->options->prefix, a,
                               isle_text(isle, isle_term(isle, (IsleTerm){test->id})->name));
    default:
        return dv_isle_c_equal(isle, emitter->options, type, a,
                               dv_isle_value_text(emitter, column->b));
    }
}

static const char *label_text(Emitter *emitter, u32 test_index)
{
    Isle *isle = emitter->isle;
    const MatchTest *test = &vec_at(&emitter->set->tests, test_index);
    const MatchColumn *column = match_column(emitter->set, test_index);
    IsleType type = vec_at(&emitter->set->values, column->a).type;
    switch (column->kind) {
    case COLUMN_INT:
        return dv_isle_c_literal(isle, type, test->literal);
    case COLUMN_CONST:
        return dv_isle_c_label(isle, (IsleConst){test->id});
    case COLUMN_OP:
        return dv_arena_printf(isle->arena, "OP_%s",
                               isle_text(isle, isle_term(isle, (IsleTerm){test->id})->name));
    default:
        return dv_isle_c_variant(isle, (IsleTerm){test->id});
    }
}

static const char *subject_text(Emitter *emitter, const MatchColumn *column)
{
    Isle *isle = emitter->isle;
    IsleType type = vec_at(&emitter->set->values, column->a).type;
    const char *a = dv_isle_value_text(emitter, column->a);
    if (column->kind == COLUMN_OP) {
        emitter->uses_context = true;
        return dv_arena_printf(isle->arena, "%s_inst_op(ctx, %s)", emitter->options->prefix, a);
    }
    if (column->kind == COLUMN_VARIANT && dv_isle_is_tagged(isle, type)) {
        return dv_arena_printf(isle->arena, "%s.kind", a);
    }
    return dv_isle_c_key(isle, type, a);
}

static void emit_switch(Emitter *emitter, const TreeNode *node)
{
    const MatchSet *set = emitter->set;
    dv_isle_put(emitter, "switch (%s) {",
                subject_text(emitter, &vec_at(&set->columns, node->column)));
    for (u32 i = node->first_case; i != ISLE_NONE; i = vec_at(&set->cases, i).next) {
        const TreeCase *item = &vec_at(&set->cases, i);
        dv_isle_put(emitter, "case %s: {", label_text(emitter, item->test));
        emit_body(emitter, item->node);
        if (!block_ends(set, item->node)) {
            dv_isle_put(emitter, "    break;");
        }
        dv_isle_put(emitter, "}");
    }
    dv_isle_put(emitter, "default:");
    dv_isle_put(emitter, "    break;");
    dv_isle_put(emitter, "}");
}

static void emit_ifs(Emitter *emitter, const TreeNode *node)
{
    const MatchSet *set = emitter->set;
    const char *lead = "";
    for (u32 i = node->first_case; i != ISLE_NONE; i = vec_at(&set->cases, i).next) {
        const TreeCase *item = &vec_at(&set->cases, i);
        dv_isle_put(emitter, "%sif (%s) {", lead, condition_text(emitter, item->test));
        emit_body(emitter, item->node);
        lead = "} else ";
    }
    dv_isle_put(emitter, "}");
}

/* For each result of a multi step. */
static void emit_each(Emitter *emitter, const TreeNode *node)
{
    const MatchSet *set = emitter->set;
    Isle *isle = emitter->isle;
    u32 n = node->column;
    const TreeCase *item = &vec_at(&set->cases, node->first_case);
    const MatchSite *site = &vec_at(&set->sites, vec_at(&set->columns, n).a);
    u32 scope = emitter->declared.len;
    if (site->kind == SITE_CONSTRUCT && isle_term(isle, site->term)->ctor == CTOR_RULES) {
        u32 value = site->first_value;
        MatchSite call = *site;
        call.value_count = 0;
        TextBuf text;
        dv_text_init(&text, isle->arena);
        dv_text_str(&text, call_text(emitter, &call, ""));
        dv_text_truncate(&text, text.length - 1);
        dv_isle_put(emitter, "%s each_%u[ISLE_RESULTS_MAX];",
                    dv_isle_c_type(isle, vec_at(&set->values, value).type), n);
        dv_isle_put(emitter, "const u32 count_%u = %s, each_%u, ISLE_RESULTS_MAX);", n, text.data,
                    n);
        dv_isle_put(emitter, "for (u32 n_%u = 0; n_%u < count_%u; n_%u++) {", n, n, n, n);
        emitter->indent++;
        declare_as(emitter, value, dv_arena_printf(isle->arena, "each_%u[n_%u]", n, n));
        dv_isle_put(emitter, "(void)%s;", dv_isle_value_text(emitter, value));
        emitter->indent--;
    } else {
        declare_results(emitter, site);
        dv_isle_put(emitter, "IsleIter iter_%u = {0};", n);
        const char *iterator = dv_arena_printf(isle->arena, ", &iter_%u", n);
        dv_isle_put(emitter, "for (u32 n_%u = 0; n_%u < ISLE_EACH_MAX && %s; n_%u++) {", n, n,
                    call_text(emitter, site, iterator), n);
    }
    emit_body(emitter, item->node);
    dv_isle_put(emitter, "}");
    end_scope(emitter, scope);
}

static void want_column(Emitter *emitter, const MatchColumn *column)
{
    const MatchSet *set = emitter->set;
    if (column->kind == COLUMN_CALL || column->kind == COLUMN_EACH) {
        want_site_args(emitter, &vec_at(&set->sites, column->a));
        return;
    }
    isle_want(emitter, column->a);
    if (column->kind == COLUMN_SAME) {
        isle_want(emitter, column->b);
    }
}

static void emit_node(Emitter *emitter, const TreeNode *node)
{
    const MatchSet *set = emitter->set;
    const MatchColumn *column = &vec_at(&set->columns, node->column);
    want_column(emitter, column);
    dv_isle_declare_wanted(emitter);
    if (column->kind == COLUMN_EACH) {
        emit_each(emitter, node);
        return;
    }
    bool is_switch =
        column->kind <= COLUMN_OP && vec_at(&set->cases, node->first_case).next != ISLE_NONE;
    if (is_switch && column->kind != COLUMN_OP) {
        IsleType type = vec_at(&set->values, column->a).type;
        is_switch = !isle_is_bool(emitter->isle, type) &&
                    (column->kind == COLUMN_VARIANT || dv_isle_has_key(emitter->isle, type));
    }
    if (is_switch) {
        emit_switch(emitter, node);
        return;
    }
    if (column->kind == COLUMN_CALL) {
        declare_results(emitter, &vec_at(&set->sites, column->a));
    }
    emit_ifs(emitter, node);
}

static void emit_block(Emitter *emitter, u32 index)
{
    for (; index != ISLE_NONE; index = vec_at(&emitter->set->nodes, index).next) {
        const TreeNode *node = &vec_at(&emitter->set->nodes, index);
        if (node->column != ISLE_NONE) {
            emit_node(emitter, node);
            continue;
        }
        u32 scope = emitter->declared.len;
        if (emitter->set->is_multi) {
            dv_isle_put(emitter, "{");
            emitter->indent++;
        }
        dv_isle_emit_rule(emitter, node->rule);
        if (emitter->set->is_multi) {
            emitter->indent--;
            dv_isle_put(emitter, "}");
        }
        end_scope(emitter, scope);
    }
}

/* ---- functions ------------------------------------------------------------------------------------------------- */

static void emit_tail(Emitter *emitter)
{
    const MatchSet *set = emitter->set;
    Isle *isle = emitter->isle;
    const IsleTermInfo *term = isle_term(isle, set->term);
    if (set->is_multi) {
        dv_isle_put(emitter, "return count;");
    } else if (block_ends(set, set->root)) {
        return;
    } else if (term->is_partial) {
        dv_isle_put(emitter, "return false;");
    } else {
        emitter->uses_context = true;
        dv_isle_put(emitter, "%s_no_match(ctx, \"%s\");", emitter->options->prefix,
                    dv_isle_c_name(isle, isle_str(isle, term->name)));
    }
}

static void emit_function_body(Emitter *emitter)
{
    emit_block(emitter, emitter->set->root);
    emit_tail(emitter);
    end_scope(emitter, 0);
}

static void emit_function(const Back *back, const IsleOptions *options, const MatchSet *set,
                          TextBuf *out)
{
    Isle *isle = back->isle;
    Arena *arena = isle->arena;
    u32 arity = isle_term(isle, set->term)->args.len;
    TextBuf scratch;
    dv_text_init(&scratch, arena);
    Emitter emitter = {.isle = isle, .options = options, .set = set, .out = &scratch, .indent = 1};
    emitter.is_declared = ARENA_ARRAY(arena, bool, set->values.len + 1);
    emitter.uses_arg = ARENA_ARRAY(arena, bool, arity + 1);
    emit_function_body(&emitter); /* to see which parameters it uses */

    dv_text_printf(out, "/* %s: %u rules */\n", isle_text(isle, isle_term(isle, set->term)->name),
                   set->rules.len);
    dv_isle_c_constructor_prototype(isle, options, set->term, out);
    dv_text_str(out, "\n{\n");
    emitter.out = out;
    if (!emitter.uses_context) {
        dv_isle_put(&emitter, "(void)ctx;");
    }
    for (u32 i = 0; i < arity; i++) {
        if (!emitter.uses_arg[i]) {
            dv_isle_put(&emitter, "(void)a%u;", i);
        }
    }
    if (set->is_multi) {
        dv_isle_put(&emitter, "u32 count = 0;");
        dv_isle_put(&emitter, "if (max == 0) {");
        dv_isle_put(&emitter, "    return 0;");
        dv_isle_put(&emitter, "}");
    }
    emit_function_body(&emitter);
    dv_text_str(out, "}\n\n");
}

/* ---- equality of structures -------------------------------------------------------------------------------------- */

/* Marks the types whose values some rule compares whole, and those of their fields. */
static bool *find_compared_types(const Back *back)
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

static void emit_equals(const Back *back, const IsleOptions *options, TextBuf *out)
{
    Isle *isle = back->isle;
    const bool *is_compared = find_compared_types(back);
    for (u32 pass = 0; pass < 2; pass++) {
        bool has_any = false;
        for (u32 i = 0; i < isle->types.len; i++) {
            if (is_compared[i] && pass == 0) {
                dv_text_printf(out, "%s;\n", equal_prototype(isle, options, (IsleType){i}));
                has_any = true;
            } else if (is_compared[i]) {
                emit_equal(isle, options, (IsleType){i}, out);
            }
        }
        dv_text_str(out, has_any ? "\n" : "");
    }
}

/* ---- the file ------------------------------------------------------------------------------------------------------ */

static void emit_hits(const Back *back, const IsleOptions *options, TextBuf *out)
{
    Isle *isle = back->isle;
    dv_text_printf(out,
                   "#ifdef DAVIT_RULE_HITS\n"
                   "#define RULE_HIT(rule) %s_rule_hit(ctx, rule)\n\n"
                   "const char *const %s_rule_names[] = {\n",
                   options->prefix, options->prefix);
    for (u32 i = 0; i < isle->rules.len; i++) {
        const IsleRuleInfo *rule = &vec_at(&isle->rules, i);
        dv_text_str(out, "    \"");
        dv_isle_put_place(isle, rule->pos, out);
        if (rule->name.id != ISLE_NONE) {
            dv_text_printf(out, " %s", isle_text(isle, rule->name));
        }
        dv_text_str(out, "\",\n");
    }
    dv_text_printf(out,
                   "    \"\"};\nconst u32 %s_rule_count = %u;\n"
                   "#else\n#define RULE_HIT(rule) ((void)0)\n#endif\n\n",
                   options->prefix, isle->rules.len);
}

/* Copies the text, replacing the marks by #line with the numbers of this file. */
static void resolve_lines(const IsleOptions *options, const TextBuf *from, TextBuf *out)
{
    u64 line = 1;
    for (usize i = 0; i < from->length; i++) {
        char c = from->data[i];
        if (c == ISLE_LINE_MARK[0]) {
            dv_text_str(out, "#line ");
        } else if (c == ISLE_OWN_MARK[0]) {
            dv_text_printf(out, "#line %" PRIu64 " \"%s\"", line + 1, options->source);
        } else {
            dv_text_char(out, c);
            line += c == '\n';
        }
    }
}

void dv_isle_emit(const Back *back, const IsleOptions *options, TextBuf *out)
{
    Isle *isle = back->isle;
    TextBuf text;
    dv_text_init(&text, isle->arena);
    dv_text_str(
        &text,
        "/* Made by islec. Functions are documented in docs/isle.md, \"C conventions\". */\n");
    dv_text_printf(&text, "#include \"%s\"\n\n", options->header);
    emit_hits(back, options, &text);
    emit_equals(back, options, &text);
    for (u32 i = 0; i < isle->defs.len; i++) {
        dv_isle_emit_def(isle, options, &vec_at(&isle->defs, i), &text);
    }
    for (u32 i = 0; i < back->sets.len; i++) {
        emit_function(back, options, &vec_at(&back->sets, i), &text);
    }
    for (u32 i = 0; i < back->sets.len; i++) {
        if (dv_isle_has_coverage(&vec_at(&back->sets, i))) {
            dv_isle_emit_coverage(&vec_at(&back->sets, i), options, &text);
        }
    }
    while (text.length > 1 && text.data[text.length - 2] == '\n') {
        dv_text_truncate(&text, text.length - 1);
    }
    resolve_lines(options, &text, out);
}
