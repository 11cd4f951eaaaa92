/* emit_rule.c - what happens when a rule has matched: its right side, a statement per step, in the order
 * written, because constructors may have effects.
 *
 * When a partial constructor fails here, no other rule is tried: the function gives no result. Multi steps, which only
 * multi-terms have, are loops around all that follows. */
#include "back.h"

/* A machine instruction: the program makes it, given its number and its fields as numbers. */
static const char *inst_text(Emitter *emitter, const IsleTermInfo *info, const char *const *args)
{
    Isle *isle = emitter->isle;
    TextBuf text;
    dv_text_init(&text, isle->arena);
    dv_text_printf(&text, "%s_inst_%s(ctx, %s, ", emitter->options->prefix,
                   dv_isle_c_type(isle, info->ret), info->inst);
    for (u32 i = 0; i < info->args.len; i++) {
        IsleType type = vec_at(&info->args, i);
        bool is_number = isle_type(isle, type)->kind == TYPE_BUILTIN;
        dv_text_str(&text, i == 0 ? "(const u64[]){" : ", ");
        if (is_number) {
            dv_text_printf(&text, "(u64)%s", args[i]);
        } else {
            dv_text_printf(&text, "(u64)ISLE_KEY_%s(%s)", dv_isle_c_type(isle, type), args[i]);
        }
    }
    dv_text_printf(&text, "%s, %u)", info->args.len == 0 ? "NULL" : "}", info->args.len);
    emitter->uses_context = true;
    return text.data;
}

const char *dv_isle_construct_text(Emitter *emitter, IsleTerm term, const char *const *args)
{
    Isle *isle = emitter->isle;
    const IsleTermInfo *info = isle_term(isle, term);
    TextBuf text;
    dv_text_init(&text, isle->arena);
    if (info->ctor == CTOR_INST) {
        return inst_text(emitter, info, args);
    }
    if (info->ctor != CTOR_VARIANT) {
        emitter->uses_context = true;
        dv_text_printf(&text, "%s(ctx", dv_isle_c_constructor(isle, emitter->options, term));
        for (u32 i = 0; i < info->args.len; i++) {
            dv_text_printf(&text, ", %s", args[i]);
        }
        dv_text_char(&text, ')');
        return text.data;
    }
    bool is_struct = isle_type(isle, info->ret)->kind == TYPE_STRUCT;
    if (!is_struct && !dv_isle_is_tagged(isle, info->ret)) {
        return dv_isle_c_variant(isle, term);
    }
    dv_text_printf(&text, "(%s){", dv_isle_c_type(isle, info->ret));
    if (is_struct && info->args.len == 0) {
        dv_text_str(&text, "0");
    }
    if (!is_struct) {
        dv_text_printf(&text, ".kind = %s", dv_isle_c_variant(isle, term));
    }
    for (u32 i = 0; i < info->args.len; i++) {
        dv_text_str(&text, is_struct && i == 0 ? "" : ", ");
        if (!is_struct) {
            dv_text_printf(&text, ".as.%s", dv_isle_c_member(isle, term));
        }
        dv_text_printf(&text, ".%s = %s", dv_isle_c_field(isle, term, i), args[i]);
    }
    dv_text_char(&text, '}');
    return text.data;
}

static const char *const *arg_texts(Emitter *emitter, const IsleRuleInfo *info,
                                    const IsleStep *step)
{
    const char **texts = ARENA_ARRAY(emitter->isle->arena, const char *, step->arg_count);
    for (u32 i = 0; i < step->arg_count; i++) {
        texts[i] = emitter->value_texts.data[vec_at(&info->args, step->first_arg + i).id];
    }
    return texts;
}

static void open_block(Emitter *emitter, const char *text)
{
    dv_isle_put(emitter, "%s {", text);
    emitter->indent++;
}

/* A constructor that may fail or gives several results; gives how many blocks it opened. */
static u32 emit_call_step(Emitter *emitter, const IsleStep *step, const char *type,
                          const char *const *args, const char *name)
{
    Isle *isle = emitter->isle;
    const IsleTermInfo *term = isle_term(isle, step->term);
    u32 n = step->first_result;
    TextBuf head;
    dv_text_init(&head, isle->arena);
    emitter->uses_context = true;
    dv_text_printf(&head, "%s(ctx", dv_isle_c_constructor(isle, emitter->options, step->term));
    if (term->is_multi && term->ctor != CTOR_RULES) {
        dv_text_printf(&head, ", &iter_er%u", n);
    }
    for (u32 i = 0; i < step->arg_count; i++) {
        dv_text_printf(&head, ", %s", args[i]);
    }
    if (term->is_multi && term->ctor == CTOR_RULES) {
        dv_isle_put(emitter, "%s each_er%u[ISLE_RESULTS_MAX];", type, n);
        dv_isle_put(emitter, "const u32 count_er%u = %s, each_er%u, ISLE_RESULTS_MAX);", n,
                    head.data, n);
        open_block(emitter, dv_arena_printf(isle->arena,
                                            "for (u32 n_er%u = 0; n_er%u < count_er%u; n_er%u++)",
                                            n, n, n, n));
        dv_isle_put(emitter, "const %s %s = each_er%u[n_er%u];", type, name, n, n);
        dv_isle_put(emitter, "(void)%s;", name);
        return 1;
    }
    dv_isle_put(emitter, "%s %s;", type, name);
    if (term->is_multi) {
        dv_isle_put(emitter, "IsleIter iter_er%u = {0};", n);
        open_block(
            emitter,
            dv_arena_printf(isle->arena,
                            "for (u32 n_er%u = 0; n_er%u < ISLE_EACH_MAX && %s, &%s); n_er%u++)", n,
                            n, head.data, name, n));
        return 1;
    }
    dv_isle_put(emitter, "if (!%s, &%s)) {", head.data, name);
    dv_isle_put(emitter,
                emitter->style == GIVE_TRY ? "    return ISLE_FAILED;" : "    return false;");
    dv_isle_put(emitter, "}");
    return 0;
}

/* Gives how many blocks it opened. What the last step makes is written where it is given. */
static u32 emit_step(Emitter *emitter, const IsleRuleInfo *info, u32 index)
{
    Isle *isle = emitter->isle;
    const IsleStep *step = &vec_at(&info->steps, index);
    bool is_last = index + 1 == info->steps.len;
    u32 result = step->first_result;
    const IsleValueInfo *value = &vec_at(&info->values, result);
    const char **text = &emitter->value_texts.data[result];
    if (step->kind == STEP_MAKE_INT) {
        *text = dv_isle_c_literal(isle, value->type, step->literal);
        return 0;
    }
    if (step->kind == STEP_MAKE_CONST) {
        *text = dv_isle_c_const(isle, step->constant);
        return 0;
    }
    const IsleTermInfo *term = isle_term(isle, step->term);
    const char *const *args = arg_texts(emitter, info, step);
    const char *type = dv_isle_c_type(isle, value->type);
    *text = dv_isle_c_local(emitter, value->name, "r", result);
    if (dv_isle_may_fail(isle, step)) {
        return emit_call_step(emitter, step, type, args, *text);
    }
    const char *made = dv_isle_construct_text(emitter, step->term, args);
    if (term->ctor == CTOR_VARIANT && term->args.len == 0) {
        *text = made[0] == '(' ? dv_arena_printf(isle->arena, "(%s)", made) : made;
    } else if (is_last && info->result.id == result) {
        *text = made;
    } else if (value->is_used) {
        dv_isle_put(emitter, "const %s %s = %s;", type, *text, made);
    } else if (!term->is_pure) {
        dv_isle_put(emitter, "(void)%s;", made);
    }
    return 0;
}

/* Finds what the right side reads of the left, and declares it. */
static void declare_read(Emitter *emitter, u32 rule_index)
{
    const MatchSet *set = emitter->set;
    const MatchRule *rule = &vec_at(&set->rules, rule_index);
    const IsleRuleInfo *info = match_info(set, rule_index);
    bool *is_read = ARENA_ARRAY(emitter->isle->arena, bool, info->values.len + 1);
    for (u32 i = info->lhs_count; i < info->steps.len; i++) {
        const IsleStep *step = &vec_at(&info->steps, i);
        for (u32 j = 0; j < step->arg_count; j++) {
            is_read[vec_at(&info->args, step->first_arg + j).id] = true;
        }
    }
    is_read[info->result.id] = true;
    for (u32 i = 0; i < info->values.len; i++) {
        u32 value = vec_at(&set->rule_values, rule->first_value + i);
        if (is_read[i] && value != ISLE_NONE) {
            isle_want(emitter, value);
        }
    }
    dv_isle_declare_wanted(emitter);
    vec_clear(&emitter->value_texts);
    for (u32 i = 0; i < info->values.len; i++) {
        u32 value = vec_at(&set->rule_values, rule->first_value + i);
        const char *text =
            is_read[i] && value != ISLE_NONE ? dv_isle_value_text(emitter, value) : NULL;
        vec_push(emitter->isle->arena, &emitter->value_texts, text);
    }
}

static void emit_head(Emitter *emitter, u32 rule_index)
{
    const IsleRuleInfo *info = match_info(emitter->set, rule_index);
    Isle *isle = emitter->isle;
    TextBuf place;
    dv_text_init(&place, isle->arena);
    dv_isle_put_place(isle, info->pos, &place);
    if (info->name.id != ISLE_NONE) {
        dv_text_printf(&place, " %s", isle_text(isle, info->name));
    }
    dv_isle_put(emitter, "/* %s%s */", dv_isle_c_comment(isle, place.data),
                info->mirror == 0 ? "" : ", operands swapped");
    dv_isle_put(emitter, "RULE_HIT(%u);", vec_at(&emitter->set->rules, rule_index).rule.id);
    if (emitter->options->source != NULL) {
        u32 line;
        u32 column;
        dv_isle_place(isle, info->pos, &line, &column);
        dv_text_printf(emitter->out, ISLE_LINE_MARK "%u \"%s\"\n", line,
                       dv_isle_c_string(isle, vec_at(&isle->files, info->pos.file).path));
    }
}

void dv_isle_emit_rule(Emitter *emitter, u32 rule_index)
{
    const MatchSet *set = emitter->set;
    const IsleRuleInfo *info = match_info(set, rule_index);
    bool is_partial = isle_term(emitter->isle, set->term)->is_partial;
    declare_read(emitter, rule_index);
    emit_head(emitter, rule_index);
    u32 blocks = 0;
    for (u32 i = info->lhs_count; i < info->steps.len; i++) {
        blocks += emit_step(emitter, info, i);
    }
    const char *result = emitter->value_texts.data[info->result.id];
    if (set->is_multi) {
        dv_isle_put(emitter, "out[count++] = %s;", result);
        dv_isle_put(emitter, "if (count == max) {");
        dv_isle_put(emitter, "    return count;");
        dv_isle_put(emitter, "}");
    } else if (is_partial || emitter->style == GIVE_TRY) {
        dv_isle_put(emitter, "*out = %s;", result);
        dv_isle_put(emitter, emitter->style == GIVE_TRY ? "return ISLE_DONE;" : "return true;");
    } else {
        dv_isle_put(emitter, "return %s;", result);
    }
    for (; blocks > 0; blocks--) {
        emitter->indent--;
        dv_isle_put(emitter, "}");
    }
    if (emitter->options->source != NULL) {
        dv_text_str(emitter->out, ISLE_OWN_MARK "\n");
    }
}
