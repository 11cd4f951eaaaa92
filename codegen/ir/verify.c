/* verify.c - runs the verifier: first that the function can be walked at all, then values,
 * preamble, instructions, and that every use is dominated by its definition.
 *
 * The order matters. Layout lists and operand runs are checked before anything follows them, and a
 * fault there ends the verification; all later checks take any contents: missing entities, cyclic
 * aliases, types that are none. Nothing recurses, each part is linear in the function but for the
 * dominator tree.
 *
 * What is wrong once is said once: an operand that does not exist has no type to complain about,
 * and a use in a block that cannot be reached needs no dominating definition, only one that is not
 * later in the same block.
 *
 * Errors stay in the caller's arena while scratch memory has one of its own, given back on every
 * way out: when memory runs out, the escape is caught here and sent on.
 */
#include <setjmp.h>

#include "codegen/ir/print.h"
#include "codegen/ir/verify_parts.h"

static const char *const messages[SAY_COUNT] = {
#define MESSAGE(name, text) text,
#include "codegen/ir/verify_messages.def"
#undef MESSAGE
};

enum { INST_TEXT_MAX = 400 }; /* a br_table may name a million blocks */

static EntityRef at_block(Block b)
{
    return (EntityRef){ENTITY_BLOCK, b.id};
}

/* ---- reporting ---- */

static bool is_full(const Verifier *v)
{
    return v->errors->total >= VERIFY_MAX_ERRORS;
}

/* An instruction that uses one bad value twice is wrong once. */
static bool is_last_said(const Verifier *v, const VerifyError *error)
{
    u32 count = v->errors->list.len;
    const VerifyError *last = count == 0 ? NULL : &v->errors->list.data[count - 1];
    return last != NULL && last->place.kind == error->place.kind &&
           last->place.id == error->place.id && strcmp(last->text, error->text) == 0;
}

void dv_verify_say(Verifier *v, EntityRef place, VerifyMessage message, const char *a,
                   const char *b, const char *c)
{
    if (!is_full(v)) {
        VerifyError error = {place, dv_arena_printf(v->arena, messages[message], a, b, c)};
        if (is_last_said(v, &error)) {
            return;
        }
        vec_push(v->arena, &v->errors->list, error);
    }
    v->errors->total++;
}

const char *dv_verify_name(Verifier *v, EntityKind kind, u32 id)
{
    bool numbered = kind != ENTITY_FUNCTION && kind != ENTITY_STACK_LIMIT;
    return is_full(v) ? ""
           : numbered ? dv_arena_printf(&v->scratch, "%s%" PRIu32, dv_entity_prefixes[kind], id)
                      : dv_entity_prefixes[kind];
}

const char *dv_verify_number(Verifier *v, u64 number)
{
    return is_full(v) ? "" : dv_arena_printf(&v->scratch, "%" PRIu64, number);
}

const char *dv_verify_type_name(Verifier *v, Type type)
{
    return is_full(v) ? "" : dv_type_name(type, dv_arena_alloc(&v->scratch, 16, 1));
}

const char *dv_verify_inst_text(Verifier *v, Inst i)
{
    if (is_full(v)) {
        return "";
    }
    if (v->inst_text == NULL || v->inst_of_text.id != i.id) {
        TextBuf text;
        dv_text_init(&text, &v->scratch);
        dv_print_inst(&text, v->f, i);
        if (text.length > INST_TEXT_MAX) {
            dv_text_truncate(&text, INST_TEXT_MAX);
            dv_text_str(&text, "...");
        }
        v->inst_text = text.data;
        v->inst_of_text = i;
    }
    return v->inst_text;
}

const char *dv_verify_arg_name(Verifier *v, u32 position, u32 value)
{
    return is_full(v) ? ""
                      : dv_arena_printf(&v->scratch, "%" PRIu32 " (v%" PRIu32 ")", position, value);
}

/* ---- can it be walked? ---- */

static bool is_run(u32 start, u32 count, u32 length)
{
    return start <= length && count <= length - start;
}

static bool calls_are_stored(const Func *f, u32 start, u32 count)
{
    if (!is_run(start, count, f->calls.len)) {
        return false;
    }
    for (u32 n = 0; n < count; n++) {
        const BlockCall *call = &f->calls.data[start + n];
        if (call->num_args != 0 && !is_run(call->args, call->num_args, f->pool.len)) {
            return false;
        }
    }
    return true;
}

static bool inst_is_stored(const Func *f, Inst i)
{
    const InstData *d = dv_inst_const(f, i);
    const char *spelling = dv_formats[dv_ops[d->op].format].spelling;
    if (d->num_args > INST_INLINE_ARGS && !is_run(d->args[0], d->num_args, f->pool.len)) {
        return false;
    }
    if (d->num_results > 1 && !is_run(d->results, d->num_results, f->pool.len)) {
        return false;
    }
    if (strchr(spelling, 'E') != NULL) {
        if (d->imm[1] >= f->exception_tables.len) {
            return false;
        }
        const ExceptionTable *table = &f->exception_tables.data[d->imm[1]];
        return calls_are_stored(f, table->dests, table->num_dests);
    }
    return (dv_ops[d->op].effects & FX_BRANCH) == 0 || calls_are_stored(f, d->imm[0], d->imm[1]);
}

/* Of all instructions and values, those in no block too: whoever shows an operand looks at its
 * definition. */
static bool check_definitions(Verifier *v)
{
    const Func *f = v->f;
    for (u32 id = 0; id < f->insts.len; id++) {
        if (f->insts.data[id].op >= OP_COUNT) {
            dv_verify_say(v, (EntityRef){ENTITY_INST, id}, SAY_OPERATION,
                          dv_verify_number(v, f->insts.data[id].op), NULL, NULL);
            return false;
        }
    }
    for (u32 id = 0; id < f->values.len; id++) {
        if (f->values.data[id].kind == VALUE_RESULT && f->values.data[id].def >= f->insts.len) {
            dv_verify_say(v, (EntityRef){ENTITY_VALUE, id}, SAY_STORAGE,
                          dv_verify_name(v, ENTITY_VALUE, id), NULL, NULL);
            return false;
        }
    }
    v->work->steps += (u64)f->insts.len + f->values.len;
    return true;
}

/* Walks the instructions of a block; a link that is not answered by the link back ends it, so it
 * ends. */
static bool check_block_layout(Verifier *v, Block b, u64 *num_insts)
{
    const Func *f = v->f;
    const BlockData *block = &f->blocks.data[b.id];
    Inst prev = INST_NONE;
    for (Inst i = block->first; i.id != ENTITY_NONE; i = f->nodes.data[i.id].next) {
        if (i.id >= f->insts.len || f->nodes.data[i.id].prev.id != prev.id ||
            f->nodes.data[i.id].block.id != b.id) {
            dv_verify_say(v, at_inst(i), SAY_LAYOUT_INST, dv_verify_name(v, ENTITY_INST, i.id),
                          dv_verify_name(v, ENTITY_BLOCK, b.id), NULL);
            return false;
        }
        if (!inst_is_stored(f, i)) {
            dv_verify_say(v, at_inst(i), SAY_STORAGE, dv_verify_name(v, ENTITY_INST, i.id), NULL,
                          NULL);
            return false;
        }
        *num_insts += 1;
        prev = i;
    }
    if (block->last.id != prev.id) {
        dv_verify_say(v, at_block(b), SAY_LAYOUT_INST,
                      dv_verify_name(v, ENTITY_INST, block->last.id),
                      dv_verify_name(v, ENTITY_BLOCK, b.id), NULL);
        return false;
    }
    if (block->num_params != 0 && !is_run(block->params, block->num_params, f->pool.len)) {
        dv_verify_say(v, at_block(b), SAY_STORAGE, dv_verify_name(v, ENTITY_BLOCK, b.id), NULL,
                      NULL);
        return false;
    }
    return true;
}

/* Blocks and instructions that claim a place were not met on the walk. */
static bool check_nothing_lost(Verifier *v, u64 num_blocks, u64 num_insts)
{
    const Func *f = v->f;
    for (u32 id = 0; id < f->blocks.len; id++) {
        num_blocks -= f->blocks.data[id].inserted;
    }
    for (u32 id = 0; id < f->nodes.len; id++) {
        num_insts -= f->nodes.data[id].block.id != ENTITY_NONE;
    }
    if (num_blocks == 0 && num_insts == 0) {
        return true;
    }
    const char *what = num_blocks != 0 ? "a block" : "an instruction";
    dv_verify_say(v, (EntityRef){ENTITY_FUNCTION, 0}, SAY_LAYOUT_LOST, what, NULL, NULL);
    return false;
}

static bool check_layout(Verifier *v)
{
    const Func *f = v->f;
    u64 num_blocks = 0, num_insts = 0;
    Block prev = BLOCK_NONE;
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = f->blocks.data[b.id].next) {
        bool stands = b.id < f->blocks.len && f->blocks.data[b.id].present &&
                      f->blocks.data[b.id].inserted && f->blocks.data[b.id].prev.id == prev.id;
        if (!stands) {
            dv_verify_say(v, at_block(b), SAY_LAYOUT_BLOCK, dv_verify_name(v, ENTITY_BLOCK, b.id),
                          NULL, NULL);
            return false;
        }
        if (!check_block_layout(v, b, &num_insts)) {
            return false;
        }
        num_blocks++;
        prev = b;
    }
    if (f->last_block.id != prev.id) {
        dv_verify_say(v, at_block(f->last_block), SAY_LAYOUT_BLOCK,
                      dv_verify_name(v, ENTITY_BLOCK, f->last_block.id), NULL, NULL);
        return false;
    }
    v->work->steps += num_blocks + num_insts;
    return check_nothing_lost(v, num_blocks, num_insts);
}

/* ---- aliases ---- */

/* Says once of each alias of a missing value, and of each circle, that it leads nowhere. Walks are
 * told apart by the alias they start from, plus one: meeting one's own trace closes a circle. */
static void report_broken_aliases(Verifier *v)
{
    const Func *f = v->f;
    const ValueData *values = f->values.data;
    u32 *trace = NULL;
    for (u32 id = 0; id < f->values.len; id++) {
        if (values[id].kind != VALUE_ALIAS || v->resolved[id] != ENTITY_NONE) {
            continue;
        }
        trace = trace != NULL ? trace : ARENA_ARRAY(&v->scratch, u32, f->values.len);
        u32 at = id, last = id;
        while (dv_value_exists(f, (Value){at}) && trace[at] == 0) {
            trace[at] = id + 1;
            last = at;
            at = values[at].def;
            v->work->steps++;
        }
        if (!dv_value_exists(f, (Value){at})) {
            dv_verify_say(v, (EntityRef){ENTITY_VALUE, last}, SAY_ALIAS_END,
                          dv_verify_name(v, ENTITY_VALUE, at), NULL, NULL);
        } else if (trace[at] == id + 1) {
            dv_verify_say(v, (EntityRef){ENTITY_VALUE, at}, SAY_ALIAS_CYCLE,
                          dv_verify_name(v, ENTITY_VALUE, at), NULL, NULL);
        }
    }
    v->work->steps += f->values.len;
}

bool dv_verify_value_type(const Verifier *v, u32 value, Type *type)
{
    if (value >= v->f->values.len || v->resolved[value] == ENTITY_NONE) {
        return false;
    }
    *type = v->f->values.data[v->resolved[value]].type;
    return true;
}

bool dv_verify_is_address(const Verifier *v, Type t)
{
    return (t == TYPE_I32 && v->address_bits != 64) || (t == TYPE_I64 && v->address_bits != 32);
}

/* ---- definitions and uses ---- */

static void check_use_of_result(Verifier *v, Inst use, u32 id, bool reachable)
{
    const Func *f = v->f;
    const ValueData *value = &f->values.data[id];
    Inst def = {value->def};
    bool defined = f->nodes.data[def.id].block.id != ENTITY_NONE &&
                   value->num < f->insts.data[def.id].num_results &&
                   dv_inst_results(f, def)[value->num] == id;
    if (!defined) {
        dv_verify_say(v, at_inst(use), SAY_VALUE_OF_INST, dv_verify_name(v, ENTITY_VALUE, id),
                      dv_verify_name(v, ENTITY_INST, def.id), NULL);
        return;
    }
    bool same_block = f->nodes.data[def.id].block.id == f->nodes.data[use.id].block.id;
    if ((reachable || same_block) && !dv_inst_dominates(&v->tree, f, def, use)) {
        dv_verify_say(v, at_inst(use), def.id == use.id ? SAY_DOMINANCE_SELF : SAY_DOMINANCE_INST,
                      dv_verify_name(v, ENTITY_VALUE, id), dv_verify_name(v, ENTITY_INST, def.id),
                      NULL);
    }
}

static void check_use_of_param(Verifier *v, Inst use, u32 id, bool reachable)
{
    const Func *f = v->f;
    const ValueData *value = &f->values.data[id];
    Block def = {value->def};
    bool defined = def.id < f->blocks.len && f->blocks.data[def.id].inserted &&
                   value->num < f->blocks.data[def.id].num_params &&
                   dv_block_params(f, def)[value->num] == id;
    if (!defined) {
        dv_verify_say(v, at_inst(use), SAY_VALUE_OF_BLOCK, dv_verify_name(v, ENTITY_VALUE, id),
                      dv_verify_name(v, ENTITY_BLOCK, def.id), NULL);
    } else if (reachable && !dv_dominates(&v->tree, def, dv_inst_block(f, use))) {
        dv_verify_say(v, at_inst(use), SAY_DOMINANCE_BLOCK, dv_verify_name(v, ENTITY_BLOCK, def.id),
                      NULL, NULL);
    }
}

static void check_use(Verifier *v, Inst use, u32 id, bool reachable)
{
    const Func *f = v->f;
    v->work->steps++;
    if (id >= f->values.len || f->values.data[id].kind == VALUE_ABSENT) {
        dv_verify_say(v, at_inst(use), SAY_VALUE_REFERENCE, dv_verify_name(v, ENTITY_VALUE, id),
                      NULL, NULL);
        return;
    }
    u32 end = v->resolved[id];
    if (end == ENTITY_NONE) {
        return; /* a broken alias was reported where it is declared */
    }
    if (f->values.data[end].kind == VALUE_RESULT) {
        check_use_of_result(v, use, end, reachable);
    } else {
        check_use_of_param(v, use, end, reachable);
    }
}

/* Operands, arguments of block calls, and contexts of exception tables. */
static void check_uses(Verifier *v, Inst i, bool reachable)
{
    const Func *f = v->f;
    const u32 *args = dv_inst_args(f, i);
    u32 num_args = dv_inst_const(f, i)->num_args;
    for (u32 n = 0; n < num_args; n++) {
        check_use(v, i, args[n], reachable);
    }
    u32 num_dests;
    const BlockCall *dests = dv_inst_dests_const(f, i, &num_dests);
    for (u32 d = 0; d < num_dests; d++) {
        for (u32 n = 0; n < dests[d].num_args; n++) {
            BlockArg arg = dv_call_arg(f, &dests[d], n);
            if (block_arg_kind(arg) == ARG_VALUE) {
                check_use(v, i, block_arg_index(arg), reachable);
            }
        }
    }
    const ExceptionTable *table = dv_inst_exceptions(f, i);
    for (u32 n = 0; table != NULL && n < table->num_handlers; n++) {
        if (table->handlers[n].kind == HANDLER_CONTEXT) {
            check_use(v, i, table->handlers[n].context.id, reachable);
        }
    }
}

static void check_results_defined(Verifier *v, Inst i)
{
    const Func *f = v->f;
    const u32 *results = dv_inst_results(f, i);
    u32 count = dv_inst_const(f, i)->num_results;
    for (u32 n = 0; n < count; n++) {
        u32 id = results[n];
        const ValueData *value = id < f->values.len ? &f->values.data[id] : NULL;
        if (value == NULL || value->kind != VALUE_RESULT || value->def != i.id || value->num != n) {
            dv_verify_say(v, at_inst(i), SAY_RESULT_DEF, dv_verify_name(v, ENTITY_VALUE, id), NULL,
                          NULL);
        }
    }
}

static void check_params(Verifier *v, Block b)
{
    const Func *f = v->f;
    u32 count = f->blocks.data[b.id].num_params;
    const u32 *params = count == 0 ? NULL : dv_block_params(f, b);
    for (u32 n = 0; n < count; n++) {
        u32 id = params[n];
        const ValueData *value = id < f->values.len ? &f->values.data[id] : NULL;
        if (value == NULL || value->kind != VALUE_PARAM || value->def != b.id || value->num != n) {
            dv_verify_say(v, at_block(b), SAY_PARAM_DEF, dv_verify_name(v, ENTITY_VALUE, id),
                          dv_verify_name(v, ENTITY_BLOCK, b.id), NULL);
        } else if (!dv_type_is_valid(value->type)) {
            dv_verify_say(v, at_block(b), SAY_PARAM_TYPE, dv_verify_name(v, ENTITY_VALUE, id), NULL,
                          NULL);
        }
    }
    v->work->steps += count;
}

static void check_entry_block(Verifier *v)
{
    const Func *f = v->f;
    Block b = f->first_block;
    if (b.id == ENTITY_NONE) {
        dv_verify_say(v, (EntityRef){ENTITY_FUNCTION, 0}, SAY_NO_ENTRY, NULL, NULL, NULL);
        return;
    }
    const BlockData *block = &f->blocks.data[b.id];
    if (block->cold) {
        dv_verify_say(v, at_block(b), SAY_ENTRY_COLD, NULL, NULL, NULL);
    }
    if (block->num_params != f->sig.num_params) {
        dv_verify_say(v, at_block(b), SAY_ENTRY_PARAM_COUNT, dv_verify_number(v, block->num_params),
                      dv_verify_number(v, f->sig.num_params), NULL);
        return;
    }
    for (u32 n = 0; n < block->num_params; n++) {
        Type type;
        if (dv_verify_value_type(v, dv_block_params(f, b)[n], &type) &&
            type != f->sig.params[n].type) {
            dv_verify_say(v, at_block(b), SAY_ENTRY_PARAM_TYPE, dv_verify_number(v, n),
                          dv_verify_type_name(v, f->sig.params[n].type),
                          dv_verify_type_name(v, type));
        }
    }
}

static void check_block(Verifier *v, Block b)
{
    const Func *f = v->f;
    bool reachable = dv_order_is_reachable(&v->order, b);
    check_params(v, b);
    if (f->blocks.data[b.id].first.id == ENTITY_NONE) {
        dv_verify_say(v, at_block(b), SAY_EMPTY_BLOCK, dv_verify_name(v, ENTITY_BLOCK, b.id), NULL,
                      NULL);
    } else if (dv_block_terminator(f, b).id == ENTITY_NONE) {
        dv_verify_say(v, at_block(b), SAY_NO_TERMINATOR, NULL, NULL, NULL);
    }
    for (Inst i = f->blocks.data[b.id].first; i.id != ENTITY_NONE; i = dv_inst_next(f, i)) {
        bool is_last = dv_inst_next(f, i).id == ENTITY_NONE;
        if (!is_last && (dv_inst_info(f, i)->effects & FX_TERM) != 0) {
            dv_verify_say(v, at_inst(i), SAY_EARLY_TERMINATOR,
                          dv_verify_name(v, ENTITY_BLOCK, b.id), NULL, NULL);
        }
        check_results_defined(v, i);
        check_uses(v, i, reachable);
        dv_verify_inst(v, i);
        v->work->steps++;
    }
}

static void verify(Verifier *v)
{
    const Func *f = v->f;
    if (!check_definitions(v) || !check_layout(v)) {
        return;
    }
    v->resolved = dv_value_roots(f, &v->scratch);
    report_broken_aliases(v);
    dv_verify_entities(v);
    dv_cfg_build(&v->cfg, &v->scratch, f, v->work);
    dv_order_build(&v->order, &v->scratch, &v->cfg, v->work);
    dv_domtree_build(&v->tree, &v->scratch, f, &v->cfg, &v->order, v->work);
    check_entry_block(v);
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = f->blocks.data[b.id].next) {
        check_block(v, b);
    }
}

/* Comes back even when memory runs out, and says so. */
static davit_status_t verify_guarded(Verifier *v)
{
    Escape escape;
    dv_escape_enter(&escape, v->arena->pool);
    if (setjmp(escape.env) == 0) {
        verify(v);
    }
    dv_escape_leave(&escape, v->arena->pool);
    return escape.status;
}

bool dv_verify(const Func *f, Arena *arena, const VerifyOptions *options, VerifyErrors *errors,
               Work *work)
{
    ArenaMark mark = dv_arena_mark(arena);
    Verifier *v = ARENA_NEW(arena, Verifier); /* not on the stack: it outlives a longjmp */
    Work unwanted = {0};
    memset(errors, 0, sizeof *errors);
    v->f = f;
    v->arena = arena;
    v->errors = errors;
    v->work = work != NULL ? work : &unwanted;
    v->address_bits = options != NULL ? options->address_bits : 0;
    dv_arena_init(&v->scratch, arena->pool);
    davit_status_t status = verify_guarded(v);
    dv_arena_release(&v->scratch);
    if (status != DAVIT_OK) {
        dv_escape(arena->pool, status);
    }
    if (errors->total == 0) {
        dv_arena_release_to(arena, mark);
    }
    return errors->total == 0;
}
