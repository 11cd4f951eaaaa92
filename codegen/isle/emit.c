/* emit.c - the C file: a function per term that has rules, or several where that would become too large (parts.c).
 *
 * A block of the tree becomes statements in a row: each node is an if, a switch or a loop, and what finds nothing falls
 * out of it to the next node. So backtracking is the flow of control of C, no state is kept, and a failed match costs
 * nothing but its tests. Values are declared where first wanted; those of a node stay visible for what follows in its
 * block, because what they are computed by has no effects.
 *
 * A part is a block as a function of its own. The values of its caller that it uses are its parameters. If control never
 * comes past the block, or finds nothing there, the part gives what the term gives; else an IsleTry says whether to go on.
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

const char *dv_isle_c_local(Emitter *emitter, IsleSym name, const char *mark, u32 number)
{
    Isle *isle = emitter->isle;
    const char *text = dv_arena_printf(
        isle->arena, "%s_%s%u",
        name.id == ISLE_NONE ? "v" : dv_isle_c_name(isle, isle_str(isle, name)), mark, number);
    bool is_claimed = dv_isle_is_claimed(emitter->back, text);
    return is_claimed ? dv_arena_printf(isle->arena, "%s_", text) : text;
}

/* The function being written needs the value from its caller. */
static void take_value(Emitter *emitter, u32 value)
{
    for (u32 i = 0; i < emitter->taken.len; i++) {
        if (vec_at(&emitter->taken, i) == value) {
            return;
        }
    }
    vec_push(emitter->isle->arena, &emitter->taken, value);
}

const char *dv_isle_value_text(Emitter *emitter, u32 value_index)
{
    const MatchSet *set = emitter->set;
    Isle *isle = emitter->isle;
    const MatchValue *value = &vec_at(&set->values, value_index);
    const MatchSite *site = &vec_at(&set->sites, value->site);
    switch (site->kind) {
    case SITE_ARGS:
        take_value(emitter, value_index);
        return dv_arena_printf(isle->arena, "a%u", value->index);
    case SITE_INT:
        return dv_isle_c_literal(isle, site->type, site->literal);
    case SITE_CONST:
        return dv_isle_c_const(isle, site->constant);
    default:
        ASSERT(emitter->declared_at[value_index] != 0);
        if (emitter->declared_at[value_index] <= emitter->outer_count) {
            take_value(emitter, value_index);
        }
        return dv_isle_c_local(emitter, value->name, "", value_index);
    }
}

static void mark_declared(Emitter *emitter, u32 value)
{
    if (emitter->declared_at[value] == 0) {
        vec_push(emitter->isle->arena, &emitter->declared, value);
        emitter->declared_at[value] = emitter->declared.len;
    }
}

static void end_scope(Emitter *emitter, u32 declared_count)
{
    while (emitter->declared.len > declared_count) {
        emitter->declared_at[vec_pop(&emitter->declared)] = 0;
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
        if (emitter->declared_at[value] == 0) {
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
        if (is_inline(set, value) || emitter->declared_at[value] != 0) {
            continue;
        }
        mark_declared(emitter, value);
        want_site_args(emitter, &vec_at(&set->sites, vec_at(&set->values, value).site));
        emitter->wanted.data[kept++] = value;
    }
    for (u32 i = 0; i < kept; i++) {
        emitter->declared_at[emitter->wanted.data[i]] = 0;
    }
    emitter->declared.len -= kept;
    if (kept > 0) {
        qsort(emitter->wanted.data, kept, sizeof(u32), compare_values);
    }
    for (u32 i = 0; i < kept; i++) {
        if (emitter->declared_at[emitter->wanted.data[i]] == 0) {
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

static void emit_part_call(Emitter *emitter, const TreeCase *item);

/* True if control never comes past what is written for the case. */
static bool case_ends(const Emitter *emitter, const TreeCase *item)
{
    return block_ends(emitter->set, item->node) ||
           (item->is_part && emitter->is_last && !emitter->set->is_multi);
}

static void emit_body(Emitter *emitter, const TreeCase *item)
{
    u32 scope = emitter->declared.len;
    emitter->indent++;
    if (item->is_part) {
        emit_part_call(emitter, item);
    } else {
        emit_block(emitter, item->node);
    }
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
        bool has_braces = !item->is_part || !case_ends(emitter, item);
        dv_isle_put(emitter, "case %s:%s", label_text(emitter, item->test), has_braces ? " {" : "");
        emit_body(emitter, item);
        if (!case_ends(emitter, item)) {
            dv_isle_put(emitter, "    break;");
        }
        if (has_braces) {
            dv_isle_put(emitter, "}");
        }
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
        emit_body(emitter, item);
        lead = "} else ";
    }
    dv_isle_put(emitter, "}");
}

/* For each result of a multi step. Variables of rules are called NAME_NUMBER, so that names with a letter there are free. */
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
        dv_isle_put(emitter, "%s each_e%u[ISLE_RESULTS_MAX];",
                    dv_isle_c_type(isle, vec_at(&set->values, value).type), n);
        dv_isle_put(emitter, "const u32 count_e%u = %s, each_e%u, ISLE_RESULTS_MAX);", n, text.data,
                    n);
        dv_isle_put(emitter, "for (u32 n_e%u = 0; n_e%u < count_e%u; n_e%u++) {", n, n, n, n);
        emitter->indent++;
        declare_as(emitter, value, dv_arena_printf(isle->arena, "each_e%u[n_e%u]", n, n));
        dv_isle_put(emitter, "(void)%s;", dv_isle_value_text(emitter, value));
        emitter->indent--;
    } else {
        declare_results(emitter, site);
        dv_isle_put(emitter, "IsleIter iter_e%u = {0};", n);
        const char *iterator = dv_arena_printf(isle->arena, ", &iter_e%u", n);
        dv_isle_put(emitter, "for (u32 n_e%u = 0; n_e%u < ISLE_EACH_MAX && %s; n_e%u++) {", n, n,
                    call_text(emitter, site, iterator), n);
    }
    emit_body(emitter, item);
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
    /* in a multi-term, several right sides follow each other */
    bool has_braces =
        emitter->set->is_multi && vec_at(&emitter->set->nodes, index).next != ISLE_NONE;
    bool was_last = emitter->is_last;
    for (; index != ISLE_NONE; index = vec_at(&emitter->set->nodes, index).next) {
        const TreeNode *node = &vec_at(&emitter->set->nodes, index);
        emitter->is_last = was_last && node->next == ISLE_NONE;
        if (node->column != ISLE_NONE) {
            emit_node(emitter, node);
            continue;
        }
        u32 scope = emitter->declared.len;
        if (has_braces) {
            dv_isle_put(emitter, "{");
            emitter->indent++;
        }
        dv_isle_emit_rule(emitter, node->rule);
        if (has_braces) {
            emitter->indent--;
            dv_isle_put(emitter, "}");
        }
        end_scope(emitter, scope);
    }
    emitter->is_last = was_last;
}

/* ---- functions ------------------------------------------------------------------------------------------------- */

static void emit_tail(Emitter *emitter, u32 block)
{
    const MatchSet *set = emitter->set;
    Isle *isle = emitter->isle;
    const IsleTermInfo *term = isle_term(isle, set->term);
    if (set->is_multi) {
        dv_isle_put(emitter, "return count;");
    } else if (block_ends(set, block)) {
        return;
    } else if (emitter->style == GIVE_TRY) {
        dv_isle_put(emitter, "return ISLE_NEXT;");
    } else if (term->is_partial) {
        dv_isle_put(emitter, "return false;");
    } else {
        emitter->uses_context = true;
        dv_isle_put(emitter, "%s_no_match(ctx, \"%s\");", emitter->options->prefix,
                    dv_isle_c_name(isle, isle_str(isle, term->name)));
    }
}

static bool takes_arg(const Emitter *emitter, u32 index)
{
    for (u32 i = 0; i < emitter->taken.len; i++) {
        const MatchValue *value = &vec_at(&emitter->set->values, vec_at(&emitter->taken, i));
        if (value->index == index && vec_at(&emitter->set->sites, value->site).kind == SITE_ARGS) {
            return true;
        }
    }
    return false;
}

/* Room for the result of a part, if there is need. */
static const char *result_text(const Emitter *emitter)
{
    Isle *isle = emitter->isle;
    const IsleTermInfo *term = isle_term(isle, emitter->set->term);
    return emitter->uses_result
               ? dv_arena_printf(isle->arena, "    %s result;\n", dv_isle_c_type(isle, term->ret))
               : "";
}

/* What a case's answer adds to the name of its part. */
static const char *case_name(Emitter *emitter, const TreeCase *item)
{
    Isle *isle = emitter->isle;
    const MatchTest *test = &vec_at(&emitter->set->tests, item->test);
    const MatchColumn *column = match_column(emitter->set, item->test);
    switch (column->kind) {
    case COLUMN_INT:
        return dv_arena_printf(isle->arena, "%" PRIu64, test->literal.lo);
    case COLUMN_CONST:
        return isle_text(isle, isle_const(isle, (IsleConst){test->id})->name) + 1;
    case COLUMN_VARIANT:
        return dv_isle_c_member(isle, (IsleTerm){test->id});
    case COLUMN_OP:
        return isle_text(isle, isle_term(isle, (IsleTerm){test->id})->name);
    case COLUMN_SAME:
        return "same";
    default:
        return isle_text(isle, isle_term(isle, vec_at(&emitter->set->sites, column->a).term)->name);
    }
}

/* The values a part takes, as parameters or as arguments, and what it gives its result to. */
static const char *part_list(Emitter *emitter, const u32 *values, u32 count, bool is_prototype)
{
    Isle *isle = emitter->isle;
    const IsleTermInfo *term = isle_term(isle, emitter->set->term);
    const char *type = is_prototype ? dv_isle_c_type(isle, term->ret) : "";
    TextBuf text;
    dv_text_init(&text, isle->arena);
    for (u32 i = 0; i < count; i++) {
        const char *name = dv_isle_value_text(emitter, values[i]);
        IsleType of = vec_at(&emitter->set->values, values[i]).type;
        dv_text_printf(&text, ", %s%s%s", is_prototype ? dv_isle_c_type(isle, of) : "",
                       is_prototype ? " " : "", name);
    }
    if (emitter->set->is_multi) {
        dv_text_printf(
            &text, is_prototype ? ", %s *out, u32 max, u32 count" : "%s, out, max, count", type);
    } else if (is_prototype && (term->is_partial || emitter->style == GIVE_TRY)) {
        dv_text_printf(&text, ", %s *out", type);
    }
    return text.data;
}

static const char *part_type(Emitter *emitter)
{
    const IsleTermInfo *term = isle_term(emitter->isle, emitter->set->term);
    return emitter->set->is_multi       ? "u32"
           : emitter->style == GIVE_TRY ? "IsleTry"
           : term->is_partial           ? "bool"
                                        : dv_isle_c_type(emitter->isle, term->ret);
}

/* Writes the part to emitter->parts; `made` is the emitter as it is inside. */
static void emit_part(Emitter *emitter, const TreeCase *item, Emitter *made)
{
    TextBuf body;
    dv_text_init(&body, emitter->isle->arena);
    made->out = &body;
    made->indent = 1;
    made->outer_count = emitter->declared.len;
    memset(&made->taken, 0, sizeof made->taken);
    made->uses_context = false;
    made->uses_result = false;
    made->is_last = true;
    emit_block(made, item->node);
    emit_tail(made, item->node);
    end_scope(made, emitter->declared.len);
    if (made->taken.len > 0) {
        qsort(made->taken.data, made->taken.len, sizeof(u32), compare_values);
    }
    dv_text_printf(&made->parts, "static %s %s(%s *ctx%s)\n{\n%s%s%s}\n\n", part_type(made),
                   made->name, emitter->options->context,
                   part_list(made, made->taken.data, made->taken.len, true),
                   made->uses_context ? "" : "    (void)ctx;\n", result_text(made), body.data);
}

static void emit_part_call(Emitter *emitter, const TreeCase *item)
{
    Isle *isle = emitter->isle;
    const MatchSet *set = emitter->set;
    bool is_partial = isle_term(isle, set->term)->is_partial;
    bool ends = case_ends(emitter, item);
    Emitter made = *emitter;
    const char *of = case_name(emitter, item);
    const char *part = dv_isle_c_part(isle, (Str){of, (u32)strlen(of)});
    made.name = dv_isle_fresh_name(emitter->back,
                                   dv_arena_printf(isle->arena, "%s_%s", emitter->name, part));
    made.style = ends ? emitter->style : GIVE_TRY;
    emit_part(emitter, item, &made);
    emitter->parts = made.parts;
    emitter->declared = made.declared;
    emitter->wanted = made.wanted;
    emitter->value_texts = made.value_texts;
    emitter->has_try = made.has_try || (made.style == GIVE_TRY && !set->is_multi);
    emitter->uses_context = true;
    const char *call = dv_arena_printf(isle->arena, "%s(ctx%s", made.name,
                                       part_list(emitter, made.taken.data, made.taken.len, false));
    if (set->is_multi) {
        dv_isle_put(emitter, "count = %s);", call);
        dv_isle_put(emitter, "if (count == max) {");
        dv_isle_put(emitter, "    return count;");
        dv_isle_put(emitter, "}");
    } else if (ends) {
        bool has_out = is_partial || emitter->style == GIVE_TRY;
        dv_isle_put(emitter, "return %s%s);", call, has_out ? ", out" : "");
    } else if (!is_partial && emitter->style == GIVE_TERM) {
        emitter->uses_result = true;
        dv_isle_put(emitter, "if (%s, &result) == ISLE_DONE) {", call);
        dv_isle_put(emitter, "    return result;");
        dv_isle_put(emitter, "}");
    } else {
        dv_isle_put(emitter, "const IsleTry tried = %s, out);", call);
        dv_isle_put(emitter, "if (tried != ISLE_NEXT) {");
        dv_isle_put(emitter, emitter->style == GIVE_TRY ? "    return tried;"
                                                        : "    return tried == ISLE_DONE;");
        dv_isle_put(emitter, "}");
    }
}

/* What stands before the body of a term's function: parameters it does not use, and what multi-terms need. */
static void emit_start(Emitter *emitter)
{
    if (!emitter->uses_context) {
        dv_isle_put(emitter, "(void)ctx;");
    }
    for (u32 i = 0; i < isle_term(emitter->isle, emitter->set->term)->args.len; i++) {
        if (!takes_arg(emitter, i)) {
            dv_isle_put(emitter, "(void)a%u;", i);
        }
    }
    if (emitter->set->is_multi) {
        dv_isle_put(emitter, "u32 count = 0;");
        dv_isle_put(emitter, "if (max == 0) {");
        dv_isle_put(emitter, "    return 0;");
        dv_isle_put(emitter, "}");
    }
    dv_text_str(emitter->out, result_text(emitter));
}

/* True if some part gave an IsleTry. */
static bool emit_function(Back *back, const IsleOptions *options, const MatchSet *set, TextBuf *out)
{
    Isle *isle = back->isle;
    TextBuf body;
    dv_text_init(&body, isle->arena);
    Emitter emitter = {
        .back = back, .isle = isle, .options = options, .set = set, .out = &body, .indent = 1};
    dv_text_init(&emitter.parts, isle->arena);
    emitter.name = dv_isle_c_constructor(isle, options, set->term);
    emitter.declared_at = ARENA_ARRAY(isle->arena, u32, set->values.len + 1);
    emitter.is_last = true;
    emit_block(&emitter, set->root);
    emit_tail(&emitter, set->root);
    end_scope(&emitter, 0);

    const char *name = isle_text(isle, isle_term(isle, set->term)->name);
    dv_text_printf(out, "/* %s: %u rule%s */\n%s", dv_isle_c_comment(isle, name), set->rules.len,
                   set->rules.len == 1 ? "" : "s", emitter.parts.data);
    dv_isle_c_constructor_prototype(isle, options, set->term, out);
    dv_text_str(out, "\n{\n");
    emitter.out = out;
    emit_start(&emitter);
    dv_text_printf(out, "%s}\n\n", body.data);
    return emitter.has_try;
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
        TextBuf place;
        dv_text_init(&place, isle->arena);
        dv_isle_put_place(isle, rule->pos, &place);
        if (rule->name.id != ISLE_NONE) {
            dv_text_printf(&place, " %s", isle_text(isle, rule->name));
        }
        dv_text_printf(out, "    \"%s\",\n", dv_isle_c_string(isle, place.data));
    }
    dv_text_printf(out,
                   "    \"\"};\nconst u32 %s_rule_count = %u;\n"
                   "#else\n#define RULE_HIT(rule) ((void)0)\n#endif\n\n",
                   options->prefix, isle->rules.len);
}

/* Copies the text, replacing the marks by #line with the numbers of this file. */
static void resolve_lines(Isle *isle, const IsleOptions *options, const TextBuf *from, TextBuf *out)
{
    u64 line = 1;
    const char *source = dv_isle_c_string(isle, options->source == NULL ? "" : options->source);
    for (usize i = 0; i < from->length; i++) {
        char c = from->data[i];
        if (c == ISLE_LINE_MARK[0]) {
            dv_text_str(out, "#line ");
        } else if (c == ISLE_OWN_MARK[0]) {
            dv_text_printf(out, "#line %" PRIu64 " \"%s\"", line + 1, source);
        } else {
            dv_text_char(out, c);
            line += c == '\n';
        }
    }
}

void dv_isle_emit(Back *back, const IsleOptions *options, TextBuf *out)
{
    Isle *isle = back->isle;
    TextBuf text;
    TextBuf functions;
    bool has_try = false;
    dv_text_init(&functions, isle->arena);
    for (u32 i = 0; i < back->sets.len; i++) {
        has_try |= emit_function(back, options, &vec_at(&back->sets, i), &functions);
    }
    dv_text_init(&text, isle->arena);
    dv_text_str(
        &text,
        "/* Made by islec. Functions are documented in docs/isle.md, \"C conventions\". */\n");
    dv_text_printf(&text, "#include \"%s\"\n\n", options->header);
    emit_hits(back, options, &text);
    if (has_try) {
        dv_text_str(
            &text,
            "/* Of a part of a function: no rule matches; one gave its result; one matched and failed. */\n"
            "typedef enum IsleTry { ISLE_NEXT, ISLE_DONE, ISLE_FAILED } IsleTry;\n\n");
    }
    dv_isle_emit_equals(back, options, &text);
    for (u32 i = 0; i < isle->defs.len; i++) {
        dv_isle_emit_def(isle, options, &vec_at(&isle->defs, i), &text);
    }
    dv_text_str(&text, functions.data);
    for (u32 i = 0; i < back->sets.len; i++) {
        if (dv_isle_has_coverage(&vec_at(&back->sets, i))) {
            dv_isle_emit_coverage(&vec_at(&back->sets, i), options, &text);
        }
    }
    while (text.length > 1 && text.data[text.length - 2] == '\n') {
        dv_text_truncate(&text, text.length - 1);
    }
    resolve_lines(isle, options, &text, out);
}
