/* show.c - what islec prints about rules for people: lists, overlaps, a tree as a graph. */
#include "back.h"

void dv_isle_put_place(const Isle *isle, IslePos pos, TextBuf *out)
{
    if (pos.file == ISLE_NONE) {
        dv_text_str(out, "(built in)");
        return;
    }
    u32 line;
    u32 column;
    dv_isle_place(isle, pos, &line, &column);
    dv_text_printf(out, "%s:%u", vec_at(&isle->files, pos.file).path, line);
}

static void put_rule(const MatchSet *set, u32 rule, TextBuf *out)
{
    const IsleRuleInfo *info = match_info(set, rule);
    dv_isle_put_place(set->isle, info->pos, out);
    if (info->name.id != ISLE_NONE) {
        dv_text_printf(out, " %s", isle_text(set->isle, info->name));
    }
    if (info->priority != 0) {
        dv_text_printf(out, " priority %" PRId64, info->priority);
    }
    if (info->mirror != 0) {
        dv_text_printf(out, " swapped %u", info->mirror);
    }
}

void dv_isle_list_rules(const Back *back, TextBuf *out)
{
    for (u32 i = 0; i < back->sets.len; i++) {
        const MatchSet *set = &vec_at(&back->sets, i);
        dv_text_printf(out, "%s: %u rules, in the order they are tried\n",
                       isle_text(back->isle, isle_term(back->isle, set->term)->name),
                       set->order.len);
        for (u32 j = 0; j < set->order.len; j++) {
            dv_text_str(out, "    ");
            put_rule(set, vec_at(&set->order, j), out);
            dv_text_char(out, '\n');
        }
    }
}

void dv_isle_list_overlaps(const Back *back, TextBuf *out)
{
    static const char *const verdicts[] = {
        " before, by priority: ", " before, being stricter: ", " against, undecided: ", " hides: "};
    for (u32 i = 0; i < back->sets.len; i++) {
        const MatchSet *set = &vec_at(&back->sets, i);
        for (u32 j = 0; j < set->overlaps.len; j++) {
            const MatchOverlap *overlap = &vec_at(&set->overlaps, j);
            dv_text_printf(out,
                           "%s: ", isle_text(back->isle, isle_term(back->isle, set->term)->name));
            put_rule(set, overlap->a, out);
            dv_text_str(out, verdicts[overlap->verdict]);
            put_rule(set, overlap->b, out);
            dv_text_char(out, '\n');
        }
    }
}

/* ---- the graph ----------------------------------------------------------------------------------------------- */

static void put_value(const MatchSet *set, u32 value_index, TextBuf *out)
{
    const MatchValue *value = &vec_at(&set->values, value_index);
    if (value->name.id != ISLE_NONE) {
        dv_text_printf(out, "%s_%u", isle_text(set->isle, value->name), value_index);
    } else {
        dv_text_printf(out, "v_%u", value_index);
    }
}

static void put_question(const MatchSet *set, const MatchColumn *column, TextBuf *out)
{
    static const char *const questions[] = {
        "number ",   "constant ",  "variant of ", "operation of ",
        "matches: ", "for each: ", "equal: "};
    dv_text_str(out, questions[column->kind]);
    if (column->kind != COLUMN_CALL && column->kind != COLUMN_EACH) {
        put_value(set, column->a, out);
        if (column->kind == COLUMN_SAME) {
            dv_text_str(out, ", ");
            put_value(set, column->b, out);
        }
        return;
    }
    const MatchSite *site = &vec_at(&set->sites, column->a);
    dv_text_str(out, isle_text(set->isle, isle_term(set->isle, site->term)->name));
    for (u32 i = 0; i < site->arg_count; i++) {
        dv_text_char(out, ' ');
        put_value(set, vec_at(&set->args, site->first_arg + i), out);
    }
}

static void put_answer(const MatchSet *set, u32 test_index, TextBuf *out)
{
    const MatchTest *test = &vec_at(&set->tests, test_index);
    char number[U128_TEXT_SIZE];
    switch (match_column(set, test_index)->kind) {
    case COLUMN_INT:
        dv_text_str(out, dv_u128_format_signed(test->literal, number));
        break;
    case COLUMN_CONST:
        dv_text_str(out, isle_text(set->isle, isle_const(set->isle, (IsleConst){test->id})->name));
        break;
    case COLUMN_VARIANT:
    case COLUMN_OP:
        dv_text_str(out, isle_text(set->isle, isle_term(set->isle, (IsleTerm){test->id})->name));
        break;
    default:
        dv_text_str(out, "yes");
        break;
    }
}

/* Graphviz ends and escapes strings as C does. */
static void put_label(const MatchSet *set, TextBuf *label, const char *shape, TextBuf *out)
{
    dv_text_printf(out, " [label=\"%s\"%s];\n", dv_isle_c_string(set->isle, label->data), shape);
    dv_text_truncate(label, 0);
}

static void put_node(const MatchSet *set, u32 index, TextBuf *out)
{
    const TreeNode *node = &vec_at(&set->nodes, index);
    TextBuf label;
    dv_text_init(&label, set->isle->arena);
    dv_text_printf(out, "    n%u", index);
    if (node->column == ISLE_NONE) {
        put_rule(set, node->rule, &label);
        put_label(set, &label, ", shape=box", out);
    } else {
        put_question(set, &vec_at(&set->columns, node->column), &label);
        put_label(set, &label, "", out);
        for (u32 i = node->first_case; i != ISLE_NONE; i = vec_at(&set->cases, i).next) {
            const TreeCase *item = &vec_at(&set->cases, i);
            dv_text_printf(out, "    n%u -> n%u", index, item->node);
            put_answer(set, item->test, &label);
            put_label(set, &label, "", out);
        }
    }
    if (node->next != ISLE_NONE) {
        dv_text_printf(out, "    n%u -> n%u [style=dashed];\n", index, node->next);
    }
}

bool dv_isle_dot(const Back *back, const char *term, TextBuf *out)
{
    for (u32 i = 0; i < back->sets.len; i++) {
        const MatchSet *set = &vec_at(&back->sets, i);
        const char *name = isle_text(back->isle, isle_term(back->isle, set->term)->name);
        if (strcmp(name, term) == 0) {
            dv_text_printf(out, "digraph \"%s\" {\n", dv_isle_c_string(back->isle, name));
            for (u32 j = 0; j < set->nodes.len; j++) {
                put_node(set, j, out);
            }
            dv_text_str(out, "}\n");
            return true;
        }
    }
    return false;
}
