/* parse_types.c - the types that the text leaves out.
 *
 * An instruction without a type suffix has the type of any operand whose spec is T. If none of
 * those is known yet, because the text defines it later, the instruction waits. At the end of the
 * function waiting instructions hang on the values they need, aliases followed; each instruction
 * that is settled settles those that hang on its results. Each edge is walked once, so this is
 * linear. What is then left depends on itself or on values that do not exist, which is an error;
 * instructions behind a call whose signature is missing stay without a type, since the verifier
 * reports the call.
 */
#include "codegen/ir/parser.h"

/* The n-th operand to ask for the type: the format's own first, as the printer relies on it. */
static u32 nth_operand(const OpInfo *info, u32 n)
{
    i8 typed = dv_formats[info->format].typed_operand;
    if (typed <= 0) {
        return n;
    }
    return n == 0 ? (u32)typed : n <= (u32)typed ? n - 1 : n;
}

Type dv_parser_infer(const Parser *p, const OpInfo *info, const u32 *args)
{
    for (u32 i = 0; i < info->num_operands; i++) {
        u32 n = nth_operand(info, i);
        Type type = info->operands[n] == TS_T ? p->f->values.data[args[n]].type : TYPE_NONE;
        if (type != TYPE_NONE) {
            return type;
        }
    }
    return TYPE_NONE;
}

/* ---- aliases ---- */

static void type_aliases(Parser *p, const u32 *roots)
{
    ValueData *values = p->f->values.data;
    for (u32 id = 0; roots != NULL && id < p->f->values.len; id++) {
        if (values[id].kind == VALUE_ALIAS) {
            values[id].type = roots[id] == ENTITY_NONE ? TYPE_NONE : values[roots[id]].type;
        }
    }
}

/* ---- waiting instructions ---- */

typedef struct Waiter {
    u32 pending;
    u32 next; /* in the list of a value */
} Waiter;

typedef struct Settler {
    Parser *p;
    const u32 *roots;
    u32 *heads; /* value -> first of those that wait for it */
    VEC(Waiter) waiters;
    VEC(u32) ready; /* pending instructions settled, whose results are still to be told */
} Settler;

static u32 root_of(const Settler *s, u32 value)
{
    if (s->roots != NULL) {
        return s->roots[value];
    }
    return s->p->f->values.data[value].kind == VALUE_ABSENT ? ENTITY_NONE : value;
}

static void settle(Settler *s, u32 pending, Type type)
{
    PendingInst *item = &s->p->pending.data[pending];
    item->settled = true;
    dv_inst(s->p->f, item->inst)->type = type;
    vec_push(s->p->arena, &s->ready, pending);
}

static Type type_of_operands(const Settler *s, Inst inst)
{
    const Func *f = s->p->f;
    const OpInfo *info = dv_inst_info(f, inst);
    for (u32 i = 0; i < info->num_operands; i++) {
        u32 n = nth_operand(info, i);
        u32 root = info->operands[n] == TS_T ? root_of(s, dv_inst_arg(f, inst, n).id) : ENTITY_NONE;
        if (root != ENTITY_NONE && f->values.data[root].type != TYPE_NONE) {
            return f->values.data[root].type;
        }
    }
    return TYPE_NONE;
}

/* Gives the results of what is ready their types, and settles what waits for those, until nothing
 * is ready. */
static void spread(Settler *s)
{
    Func *f = s->p->f;
    while (s->ready.len > 0) {
        Inst inst = s->p->pending.data[vec_pop(&s->ready)].inst;
        for (u32 n = 0; n < dv_inst_const(f, inst)->num_results; n++) {
            u32 value = dv_inst_result(f, inst, n).id;
            f->values.data[value].type = dv_inst_result_type(f, inst, n);
            u32 at = f->values.data[value].type != TYPE_NONE ? s->heads[value] : ENTITY_NONE;
            for (; at != ENTITY_NONE; at = s->waiters.data[at].next) {
                u32 waiting = s->waiters.data[at].pending;
                if (!s->p->pending.data[waiting].settled) {
                    settle(s, waiting, f->values.data[value].type);
                }
            }
        }
    }
}

static void hang(Settler *s, u32 pending)
{
    const Func *f = s->p->f;
    Inst inst = s->p->pending.data[pending].inst;
    const OpInfo *info = dv_inst_info(f, inst);
    for (u32 n = 0; n < info->num_operands; n++) {
        u32 root = info->operands[n] == TS_T ? root_of(s, dv_inst_arg(f, inst, n).id) : ENTITY_NONE;
        if (root != ENTITY_NONE) {
            Waiter waiter = {pending, s->heads[root]};
            s->heads[root] = s->waiters.len;
            vec_push(s->p->arena, &s->waiters, waiter);
        }
    }
}

/* The pending entry of an instruction; pending.len if it never waited. They are in order. */
static u32 find_pending(const Parser *p, u32 inst)
{
    u32 low = 0, high = p->pending.len;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (p->pending.data[middle].inst.id < inst) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < p->pending.len && p->pending.data[low].inst.id == inst ? low : p->pending.len;
}

/* True if this value is there and will never have a type: nothing more can be told of what hangs on
 * it. */
static bool is_hopeless(const Settler *s, u32 root)
{
    const ValueData *v = &s->p->f->values.data[root];
    u32 pending = v->kind == VALUE_RESULT ? find_pending(s->p, v->def) : s->p->pending.len;
    return v->type == TYPE_NONE &&
           (pending == s->p->pending.len || s->p->pending.data[pending].settled);
}

static void report_unsettled(Settler *s, const PendingInst *item)
{
    const Func *f = s->p->f;
    const OpInfo *info = dv_inst_info(f, item->inst);
    u32 operand = 0;
    while (operand + 1 < info->num_operands && info->operands[operand] != TS_T) {
        operand++;
    }
    u32 value = dv_inst_arg(f, item->inst, operand).id;
    const char *why =
        root_of(s, value) == ENTITY_NONE ? "is not defined" : "has a type that depends on itself";
    dv_parser_fail_at(s->p, item->line, item->column,
                      "v%" PRIu32 " %s: write the type of %s, as in %s.i32", value, why, info->name,
                      info->name);
}

/* Gives up on what hangs on values without a type, in text order until nothing changes, each value
 * once. */
static void give_up(Settler *s)
{
    const Func *f = s->p->f;
    VEC(u32) values = {0};
    for (u32 i = 0; i < s->p->pending.len; i++) {
        Inst inst = s->p->pending.data[i].inst;
        const OpInfo *info = dv_inst_info(f, inst);
        for (u32 n = 0; n < info->num_operands && !s->p->pending.data[i].settled; n++) {
            u32 root =
                info->operands[n] == TS_T ? root_of(s, dv_inst_arg(f, inst, n).id) : ENTITY_NONE;
            if (root != ENTITY_NONE && is_hopeless(s, root)) {
                vec_push(s->p->arena, &values, root);
                s->p->pending.data[i].settled = true;
            }
        }
    }
    for (u32 i = 0; i < values.len; i++) {
        u32 at = s->heads[values.data[i]];
        s->heads[values.data[i]] = ENTITY_NONE;
        for (; at != ENTITY_NONE; at = s->waiters.data[at].next) {
            Inst inst = s->p->pending.data[s->waiters.data[at].pending].inst;
            s->p->pending.data[s->waiters.data[at].pending].settled = true;
            for (u32 n = 0; n < dv_inst_const(f, inst)->num_results; n++) {
                vec_push(s->p->arena, &values, dv_inst_result(f, inst, n).id);
            }
        }
    }
}

void dv_parser_settle_types(Parser *p)
{
    Settler s = {.p = p, .roots = p->has_aliases ? dv_value_roots(p->f, p->arena) : NULL};
    if (p->pending.len > 0) {
        s.heads =
            dv_arena_alloc(p->arena, (usize)p->f->values.len * sizeof *s.heads, sizeof *s.heads);
        memset(s.heads, 0xff, (usize)p->f->values.len * sizeof *s.heads);
    }
    for (u32 i = 0; i < p->pending.len; i++) {
        Type type = type_of_operands(&s, p->pending.data[i].inst);
        if (type != TYPE_NONE) {
            settle(&s, i, type);
        } else {
            hang(&s, i);
        }
    }
    spread(&s);
    give_up(&s);
    for (u32 i = 0; i < p->pending.len && !p->failed; i++) {
        if (!p->pending.data[i].settled) {
            report_unsettled(&s, &p->pending.data[i]);
        }
    }
    type_aliases(p, s.roots);
}
