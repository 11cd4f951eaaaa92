/* gen_flow.c - statements and blocks: branches, loops, switches, circles with two entries, calls of every kind, ways out.
 *
 * Control is nested, so that what dominates is a stack: a nested block folds its own results before it leaves, and
 * hands acc and a few values to the block where ways join. A join's parameters make every way into it carry
 * arguments, and ways that go straight there are critical edges. Recursion here is bounded by GEN_DEPTH_MAX.
 */
#include <stdio.h>

#include "tools/gen_internal.h"

enum { ARMS_MAX = 4, SRET_BYTES = 16 };

/* A block that several ways lead to. Its first parameter is acc. */
typedef struct Join {
    u32 block, count;
    Type types[GEN_JOIN_MAX];
} Join;

static void write_body(Gen *g, u32 insts);

/* ---- Blocks ---- */

static Join new_join(Gen *g)
{
    Join j = {g->next_block++, dv_gen_choose(g, GEN_JOIN_MAX + 1), {TYPE_NONE}};
    for (u32 i = 0; i < j.count; i++) {
        j.types[i] = dv_gen_some_type(g);
    }
    return j;
}

static void choose_args(Gen *g, const Join *j, u32 *ids)
{
    for (u32 i = 0; i < j->count; i++) {
        ids[i] = dv_gen_value(g, j->types[i], false);
    }
}

/* "block3(v7, v8)" in the line: acc, then the arguments; `first` comes before acc unless it is no value. */
static void add_dest(Gen *g, const Join *j, u32 first, const u32 *ids)
{
    dv_text_printf(&g->line, "block%u(", (unsigned)j->block);
    if (first != ENTITY_NONE) {
        dv_text_printf(&g->line, "v%u, ", (unsigned)first);
    }
    dv_text_printf(&g->line, "v%u", (unsigned)g->acc);
    for (u32 i = 0; i < j->count; i++) {
        dv_text_printf(&g->line, ", v%u", (unsigned)ids[i]);
    }
    dv_text_char(&g->line, ')');
}

static void jump(Gen *g, const Join *j, u32 first)
{
    u32 ids[GEN_JOIN_MAX];
    dv_gen_fold_all(g);
    choose_args(g, j, ids);
    dv_text_truncate(&g->line, 0);
    add_dest(g, j, first, ids);
    dv_gen_effect(g, "jump %s", g->line.data);
}

static void write_param(Gen *g, bool first, u32 id, Type type)
{
    char name[16];
    dv_text_printf(&g->out, "%sv%u: %s", first ? "(" : ", ", (unsigned)id,
                   dv_type_name(type, name));
}

static void start_block(Gen *g, u32 block, bool cold)
{
    dv_text_printf(&g->out, "\nblock%u%s:\n", (unsigned)block, cold ? " cold" : "");
}

/* `counter` of this type is a parameter before acc, unless it is none. */
static void start_join(Gen *g, const Join *j, Type counter_type, u32 *counter)
{
    dv_text_printf(&g->out, "\nblock%u", (unsigned)j->block);
    if (counter_type != TYPE_NONE) {
        *counter = g->next_value++;
        write_param(g, true, *counter, counter_type);
    }
    g->acc = g->next_value++;
    write_param(g, counter_type == TYPE_NONE, g->acc, TYPE_I64);
    for (u32 i = 0; i < j->count; i++) {
        u32 id = g->next_value++;
        write_param(g, false, id, j->types[i]);
        dv_gen_add(g, id, j->types[i], false);
    }
    dv_text_str(&g->out, dv_gen_chance(g, 12) ? ") cold:\n" : "):\n");
}

static u32 nested_size(Gen *g)
{
    return 8 + dv_gen_choose(g, 50);
}

/* A nested block that ends in a jump. */
static void write_arm(Gen *g, u32 block, const Join *j)
{
    GenScope s = dv_gen_enter(g);
    start_block(g, block, dv_gen_chance(g, 8));
    write_body(g, nested_size(g));
    jump(g, j, ENTITY_NONE);
    dv_gen_leave(g, &s);
}

/* ---- Calls ---- */

static bool can_afford(const Gen *g, u64 cost)
{
    return g->cost + g->mult * (cost + 20) <= GEN_COST_MAX + g->options->max_insts;
}

/* A function with a higher number; ENTITY_NONE if there is none that may be called here. */
static u32 choose_callee(Gen *g)
{
    if (g->func + 1 == g->num_funcs) {
        return ENTITY_NONE;
    }
    u32 n = g->func + 1 + dv_gen_choose(g, g->num_funcs - g->func - 1);
    bool fits = (g->funcs[n].sig.parts & ~g->parts) == 0;
    return fits && can_afford(g, g->funcs[n].cost) ? n : ENTITY_NONE;
}

/* Each kind of call, in what comes before the arguments. "%c": the callee; "%v": an address or reference. */
typedef struct CallForm {
    const char *text;
    u32 part;
    const char *target; /* what makes the address, reference or index; NULL: nothing does */
} CallForm;

enum { PLAIN_FORMS = 2, FORMS = 5 };

/* In tail and try_ forms the same with a prefix. */
static const CallForm call_forms[FORMS] = {
    {"call fn%c(", 0, NULL},
    {"call_indirect sig%c, v%v(", GEN_PLAIN, "func_addr.%a fn%c"},
    {"call_import func%c(", GEN_ENTITIES, NULL},
    {"call_table table0, type%c, v%v(", GEN_ENTITIES, "iconst.i32 %c"},
    {"call_ref type%c, v%v(", GEN_ENTITIES, "ref_func func%c"},
};

static void expand_form(Gen *g, TextBuf *text, const char *form, u32 callee, u32 target)
{
    for (const char *p = form; *p != '\0'; p++) {
        if (*p != '%') {
            dv_text_char(text, *p);
        } else if (*++p == 'a') {
            dv_gen_write_type(text, dv_gen_address(g));
        } else {
            dv_text_u64(text, *p == 'c' ? callee : target);
        }
    }
}

static const CallForm *choose_form(Gen *g, const GenSig *sig)
{
    u32 count = sig->is_wasm ? FORMS : PLAIN_FORMS;
    const CallForm *form = &call_forms[dv_gen_choose(g, count)];
    return (form->part & ~g->parts) == 0 ? form : &call_forms[0];
}

/* An address in slot 1, behind which there are so many bytes. */
static u32 slot_address(Gen *g, u32 bytes)
{
    char name[16];
    u32 at = 8 * dv_gen_choose(g, (GEN_SLOT_BYTES - bytes) / 8 + 1);
    return dv_gen_emit(g, "stack_addr.%s ss1+%u", dv_type_name(dv_gen_address(g), name),
                       (unsigned)at);
}

/* The arguments; the last i64, or else the last, carries acc on. `counter` is the first unless it is none. A tail call hands over
 * the function's own sret. */
static void choose_call_args(Gen *g, const GenSig *sig, u32 counter, bool is_tail, u32 *args)
{
    for (u32 i = 0; i < sig->num_params; i++) {
        bool last = i + 1 == sig->num_params;
        bool is_sret = sig->purposes[i] == PURPOSE_SRET;
        args[i] = i == 0 && counter != ENTITY_NONE     ? counter
                  : is_sret && is_tail                 ? 0
                  : is_sret                            ? slot_address(g, SRET_BYTES)
                  : sig->purposes[i] == PURPOSE_SARG   ? slot_address(g, sig->sarg_bytes[i])
                  : last || sig->params[i] == TYPE_I64 ? dv_gen_derive(g, sig->params[i])
                                                       : dv_gen_value(g, sig->params[i], false);
    }
}

/* Whether some parameter carries acc on. */
static bool takes_acc(const GenSig *sig)
{
    bool takes = false;
    for (u32 i = 0; i < sig->num_params; i++) {
        bool last = i + 1 == sig->num_params;
        takes =
            takes || (sig->purposes[i] == PURPOSE_NORMAL && (last || sig->params[i] == TYPE_I64));
    }
    return takes;
}

/* Leaves "call fn1(v2, v3)" in the line. */
static void make_call(Gen *g, const char *prefix, u32 callee, u32 counter)
{
    const GenSig *sig = &g->funcs[callee].sig;
    const CallForm *form = choose_form(g, sig);
    u32 target = ENTITY_NONE, args[GEN_PARAMS_MAX];
    bool is_try = prefix[0] == 't';
    choose_call_args(g, sig, counter, prefix[0] == 'r', args);
    if (form->target != NULL) {
        TextBuf text;
        dv_text_init(&text, g->arena);
        expand_form(g, &text, form->target, callee, 0);
        target = dv_gen_emit(g, "%s", text.data);
    }
    dv_text_truncate(&g->line, 0);
    dv_text_str(&g->line, prefix);
    /* try_call_indirect takes its signature behind. */
    const char *text = is_try && form->part == GEN_PLAIN ? "call_indirect v%v(" : form->text;
    expand_form(g, &g->line, text, callee, target);
    for (u32 i = 0; i < sig->num_params; i++) {
        dv_text_printf(&g->line, "%sv%u", i == 0 ? "" : ", ", (unsigned)args[i]);
    }
    dv_text_char(&g->line, ')');
    g->cost += g->mult * g->funcs[callee].cost;
}

static void call(Gen *g, u32 callee, u32 counter)
{
    const GenSig *sig = &g->funcs[callee].sig;
    make_call(g, "", callee, counter);
    bool decorates = g->options->vectors && (g->parts & GEN_PLAIN) != 0 && dv_gen_chance(g, 4);
    dv_text_str(&g->out, decorates ? "    <ss0, 1, 0> " : "    ");
    u32 first = g->next_value;
    for (u32 i = 0; i < sig->num_results; i++) {
        dv_text_printf(&g->out, "%sv%u", i == 0 ? "" : ", ", (unsigned)(first + i));
    }
    dv_text_printf(&g->out, "%s%s%s\n", sig->num_results == 0 ? "" : " = ", g->line.data,
                   decorates ? ", stack_map=[i32 @ ss0+0, i64 @ ss0+8]" : "");
    g->next_value += sig->num_results;
    g->num_insts++;
    g->cost += g->mult;
    for (u32 i = 0; i < sig->num_results; i++) {
        dv_gen_add(g, first + i, sig->results[i], false);
    }
}

static void write_call(Gen *g)
{
    u32 callee = choose_callee(g);
    if (callee != ENTITY_NONE) {
        call(g, callee, ENTITY_NONE);
    }
}

/* The handler of an exception, whose payload only its engine understands. */
static void write_handler(Gen *g, u32 block, const Join *j)
{
    char name[16];
    GenScope s = dv_gen_enter(g);
    u32 exn = g->next_value++;
    const char *address = dv_type_name(dv_gen_address(g), name);
    dv_text_printf(&g->out, "\nblock%u(v%u: %s) cold:\n", (unsigned)block, (unsigned)exn, address);
    u32 same = dv_gen_emit(g, "icmp.%s eq v%u, v%u", address, (unsigned)exn, (unsigned)exn);
    dv_gen_add(g, same, TYPE_I8, false);
    write_body(g, 8);
    if ((g->parts & GEN_ENTITIES) != 0 && dv_gen_chance(g, 6)) {
        u32 handle =
            dv_gen_address(g) == TYPE_I32 ? exn : dv_gen_emit(g, "ireduce.i32 v%u", (unsigned)exn);
        dv_gen_fold_all(g);
        dv_gen_effect(g, "global_set.i64 global3, v%u", (unsigned)g->acc);
        dv_gen_effect(g, "throw_ref v%u", (unsigned)handle);
    } else {
        jump(g, j, ENTITY_NONE);
    }
    dv_gen_leave(g, &s);
}

static void write_try_call(Gen *g)
{
    static const char *const tables[] = {"[]", "[ tag0: block%b(exn0) ]",
                                         "[ default: block%b(exn0) ]",
                                         "[ tag1: block%b(exn0), default: block%b(exn0) ]"};
    u32 callee = choose_callee(g);
    if (callee == ENTITY_NONE) {
        return;
    }
    const GenSig *sig = &g->funcs[callee].sig;
    u32 table = dv_gen_choose(g, (g->parts & GEN_ENTITIES) != 0 ? ARRAY_LEN(tables) : 1);
    table = (g->parts & GEN_ENTITIES) == 0 && dv_gen_choose(g, 2) == 0 ? 2 : table;
    dv_gen_fold_all(g);
    Join j = new_join(g);
    make_call(g, "try_", callee, ENTITY_NONE);
    u32 normal = g->next_block++, handler = g->next_block++;
    dv_text_printf(&g->line, ", sig%u, block%u(", (unsigned)callee, (unsigned)normal);
    for (u32 i = 0; i < sig->num_results; i++) {
        dv_text_printf(&g->line, "%sret%u", i == 0 ? "" : ", ", (unsigned)i);
    }
    dv_text_str(&g->line, "), ");
    for (const char *p = tables[table]; *p != '\0'; p++) {
        if (*p == '%') {
            dv_text_u64(&g->line, handler);
            p++;
        } else {
            dv_text_char(&g->line, *p);
        }
    }
    dv_gen_effect(g, "%s", g->line.data);
    GenScope s = dv_gen_enter(g);
    dv_text_printf(&g->out, "\nblock%u", (unsigned)normal);
    for (u32 i = 0; i < sig->num_results; i++) {
        u32 id = g->next_value++;
        write_param(g, i == 0, id, sig->results[i]);
        dv_gen_add(g, id, sig->results[i], false);
    }
    dv_text_str(&g->out, sig->num_results == 0 ? ":\n" : "):\n");
    jump(g, &j, ENTITY_NONE);
    dv_gen_leave(g, &s);
    if (table != 0) {
        write_handler(g, handler, &j);
    }
    start_join(g, &j, TYPE_NONE, NULL);
}

/* ---- Ways out ---- */

/* Bits of acc that depend on all of it, as this type. */
static u32 make_result(Gen *g, Type type, u32 n)
{
    u32 acc = g->acc, bits = type_bits(type);
    if (bits == 64 && n == 0) {
        return dv_gen_derive(g, type);
    }
    u32 factor = dv_gen_int(g, TYPE_I64, UINT64_C(0x9e3779b97f4a7c15) + 2 * n);
    u32 mixed = dv_gen_emit(g, "imul.i64 v%u, v%u", (unsigned)acc, (unsigned)factor);
    if (bits < 64) {
        u32 amount = dv_gen_int(g, TYPE_I8, 64 - bits);
        mixed = dv_gen_emit(g, "ushr.i64 v%u, v%u", (unsigned)mixed, (unsigned)amount);
    }
    g->acc = mixed;
    u32 result = dv_gen_derive(g, type);
    g->acc = acc;
    return result;
}

/* The frame that other pointers go to is gone when a tail call has been made. */
static bool can_pass_pointers(const GenSig *own, const GenSig *sig)
{
    bool has_sarg = false;
    for (u32 i = 0; i < sig->num_params; i++) {
        has_sarg = has_sarg || sig->purposes[i] == PURPOSE_SARG;
    }
    return !has_sarg && (!dv_gen_is_sret(sig) || dv_gen_is_sret(own));
}

/* Another function with the same results may return them instead. */
static bool write_tail_call(Gen *g)
{
    const GenSig *own = &g->funcs[g->func].sig;
    u32 callee = choose_callee(g);
    if (callee == ENTITY_NONE || dv_gen_choose(g, 2) == 0) {
        return false;
    }
    const GenSig *sig = &g->funcs[callee].sig;
    bool same = sig->conv == own->conv && dv_callconv_tail_calls(own->conv) && takes_acc(sig) &&
                can_pass_pointers(own, sig) && sig->num_results == own->num_results &&
                memcmp(sig->results, own->results, own->num_results * sizeof(Type)) == 0;
    if (!same) {
        return false;
    }
    make_call(g, "return_", callee, ENTITY_NONE);
    dv_gen_effect(g, "%s", g->line.data);
    return true;
}

static void write_return(Gen *g)
{
    const GenSig *own = &g->funcs[g->func].sig;
    u32 ids[GEN_PARAMS_MAX];
    dv_gen_fold_all(g);
    if (write_tail_call(g)) {
        return;
    }
    for (u32 i = 0; dv_gen_is_sret(own) && i < SRET_BYTES / 8; i++) {
        u32 result = make_result(g, TYPE_I64, i);
        dv_gen_effect(g, "store little v%u, v0+%u", (unsigned)result, (unsigned)(8 * i));
    }
    for (u32 i = 0; i < own->num_results; i++) {
        ids[i] = i == 0 || dv_gen_choose(g, 3) != 0 ? make_result(g, own->results[i], i)
                                                    : dv_gen_value(g, own->results[i], false);
    }
    dv_text_truncate(&g->line, 0);
    for (u32 i = 0; i < own->num_results; i++) {
        dv_text_printf(&g->line, "%sv%u", i == 0 ? "" : ", ", (unsigned)ids[i]);
    }
    dv_gen_effect(g, "return%s%s", own->num_results == 0 ? "" : " ", g->line.data);
}

/* Seldom true. */
static u32 rare_condition(Gen *g)
{
    char name[16];
    Type type;
    u32 x = dv_gen_int_value(g, &type);
    u32 y = dv_gen_corner(g, type);
    return dv_gen_emit(g, "icmp.%s eq v%u, v%u", dv_type_name(type, name), (unsigned)x,
                       (unsigned)y);
}

static void write_throw(Gen *g)
{
    if (dv_gen_choose(g, 2) == 0) {
        dv_gen_effect(g, "throw tag0()");
        return;
    }
    u32 x = dv_gen_derive(g, TYPE_I32);
    dv_gen_effect(g, "throw tag1(v%u, v%u)", (unsigned)x, (unsigned)g->acc);
}

/* Leaves the function under a condition. */
static void write_exit(Gen *g)
{
    u32 condition = rare_condition(g), block = g->next_block++;
    Join j = new_join(g);
    u32 ids[GEN_JOIN_MAX];
    choose_args(g, &j, ids);
    dv_text_truncate(&g->line, 0);
    add_dest(g, &j, ENTITY_NONE, ids);
    dv_gen_effect(g, "brif v%u, block%u, %s", (unsigned)condition, (unsigned)block, g->line.data);
    GenScope s = dv_gen_enter(g);
    start_block(g, block, dv_gen_choose(g, 2) == 0);
    u32 how = dv_gen_choose(g, 4);
    if (how == 0) {
        dv_gen_effect(g, "trap user%u", (unsigned)(1 + dv_gen_choose(g, 199)));
    } else if (how == 1 && (g->parts & GEN_ENTITIES) != 0) {
        write_throw(g);
    } else {
        write_return(g);
    }
    dv_gen_leave(g, &s);
    start_join(g, &j, TYPE_NONE, NULL);
}

/* ---- Statements ---- */

static void write_operation(Gen *g)
{
    dv_gen_instruction(g);
    if (g->pending.len > g->pending_base && dv_gen_choose(g, 3) == 0) {
        u32 count = g->pending.len - g->pending_base;
        u32 n = g->pending_base + dv_gen_choose(g, count);
        GenValue v = g->pending.data[n];
        g->pending.data[n] = vec_last(&g->pending);
        (void)vec_pop(&g->pending);
        dv_gen_fold(g, v);
    }
}

/* if, if-else, and a brif whose ways differ in arguments alone. */
static void write_branch(Gen *g)
{
    Type type;
    u32 ids[2][GEN_JOIN_MAX], blocks[2];
    u32 form = dv_gen_choose(g, 4); /* bit n: way n has a block */
    u32 condition = dv_gen_int_value(g, &type);
    Join j = new_join(g);
    TextBuf text;
    dv_text_init(&text, g->arena);
    for (u32 i = 0; i < 2; i++) {
        if ((form >> i & 1) == 0) {
            choose_args(g, &j, ids[i]);
        }
        dv_text_truncate(&g->line, 0);
        if ((form >> i & 1) != 0) {
            blocks[i] = g->next_block++;
            dv_text_printf(&g->line, "block%u", (unsigned)blocks[i]);
        } else {
            add_dest(g, &j, ENTITY_NONE, ids[i]);
        }
        dv_text_printf(&text, ", %s", g->line.data);
    }
    dv_gen_effect(g, "brif v%u%s", (unsigned)condition, text.data);
    for (u32 i = 0; i < 2; i++) {
        if ((form >> i & 1) != 0) {
            write_arm(g, blocks[i], &j);
        }
    }
    start_join(g, &j, TYPE_NONE, NULL);
}

/* A counter of this type, from 1 to 4. */
static u32 make_counter(Gen *g, Type type)
{
    char name[16];
    if (dv_gen_choose(g, 2) == 0) {
        return dv_gen_int(g, type, 1 + dv_gen_choose(g, 4));
    }
    dv_type_name(type, name);
    u32 x = dv_gen_value(g, type, false), mask = dv_gen_int(g, type, 3);
    u32 low = dv_gen_emit(g, "band.%s v%u, v%u", name, (unsigned)x, (unsigned)mask);
    u32 one = dv_gen_int(g, type, 1);
    return dv_gen_emit(g, "iadd.%s v%u, v%u", name, (unsigned)low, (unsigned)one);
}

static u32 count_down(Gen *g, Type type, u32 counter)
{
    char name[16];
    u32 one = dv_gen_int(g, type, 1);
    return dv_gen_emit(g, "isub.%s v%u, v%u", dv_type_name(type, name), (unsigned)counter,
                       (unsigned)one);
}

/* brif: counter not zero -> `again` with it, else -> `out`. */
static void loop_back(Gen *g, u32 counter, const Join *again, const Join *out)
{
    u32 ids[2][GEN_JOIN_MAX];
    dv_gen_fold_all(g);
    choose_args(g, again, ids[0]);
    choose_args(g, out, ids[1]);
    dv_text_truncate(&g->line, 0);
    add_dest(g, again, counter, ids[0]);
    dv_text_str(&g->line, ", ");
    add_dest(g, out, ENTITY_NONE, ids[1]);
    dv_gen_effect(g, "brif v%u, %s", (unsigned)counter, g->line.data);
}

/* Leaves the loop early. */
static void write_break(Gen *g, const Join *out)
{
    u32 condition = rare_condition(g), next = g->next_block++, ids[GEN_JOIN_MAX];
    dv_gen_fold_all(g);
    choose_args(g, out, ids);
    dv_text_truncate(&g->line, 0);
    add_dest(g, out, ENTITY_NONE, ids);
    dv_gen_effect(g, "brif v%u, %s, block%u", (unsigned)condition, g->line.data, (unsigned)next);
    start_block(g, next, false);
}

/* A loop that tests its counter at its end, or first at its head. */
static void write_loop(Gen *g)
{
    Type type = dv_gen_int_type(g);
    if (g->mult * 4 > GEN_MULT_MAX || !can_afford(g, 200)) {
        return;
    }
    dv_gen_fold_all(g);
    bool test_first = dv_gen_choose(g, 2) == 1;
    Join head = new_join(g), out = new_join(g);
    u32 counter = make_counter(g, type), ids[GEN_JOIN_MAX];
    jump(g, &head, counter);
    GenScope s = dv_gen_enter(g);
    g->mult *= 4;
    start_join(g, &head, type, &counter);
    if (test_first) {
        u32 body = g->next_block++;
        dv_gen_fold_all(g);
        choose_args(g, &out, ids);
        dv_text_truncate(&g->line, 0);
        add_dest(g, &out, ENTITY_NONE, ids);
        dv_gen_effect(g, "brif v%u, block%u, %s", (unsigned)counter, (unsigned)body, g->line.data);
        start_block(g, body, false);
    }
    write_body(g, nested_size(g));
    if (dv_gen_choose(g, 3) == 0) {
        write_break(g, &out);
    }
    u32 next = count_down(g, type, counter);
    if (test_first) {
        jump(g, &head, next);
    } else {
        loop_back(g, next, &head, &out);
    }
    g->mult /= 4;
    dv_gen_leave(g, &s);
    start_join(g, &out, TYPE_NONE, NULL);
}

/* A circle of two blocks that is entered at either. */
static void write_irreducible(Gen *g)
{
    Type type = dv_gen_int_type(g), condition_type;
    if (g->mult * 4 > GEN_MULT_MAX || !can_afford(g, 200)) {
        return;
    }
    dv_gen_fold_all(g);
    Join a = new_join(g), b = new_join(g), out = new_join(g);
    u32 condition = dv_gen_int_value(g, &condition_type), counter = make_counter(g, type);
    u32 ids[2][GEN_JOIN_MAX];
    choose_args(g, &a, ids[0]);
    choose_args(g, &b, ids[1]);
    dv_text_truncate(&g->line, 0);
    add_dest(g, &a, counter, ids[0]);
    dv_text_str(&g->line, ", ");
    add_dest(g, &b, counter, ids[1]);
    dv_gen_effect(g, "brif v%u, %s", (unsigned)condition, g->line.data);
    g->mult *= 4;
    GenScope s = dv_gen_enter(g);
    start_join(g, &a, type, &counter);
    write_body(g, 12);
    jump(g, &b, counter);
    dv_gen_leave(g, &s);
    s = dv_gen_enter(g);
    start_join(g, &b, type, &counter);
    write_body(g, 12);
    u32 next = count_down(g, type, counter);
    loop_back(g, next, &a, &out);
    dv_gen_leave(g, &s);
    g->mult /= 4;
    start_join(g, &out, TYPE_NONE, NULL);
}

/* The entries of a br_table, default first: a number of an arm, or `count` for the join. */
static void write_table(Gen *g, const Join *j, const u32 *arms, u32 count)
{
    u32 ids[GEN_JOIN_MAX], entries[2 * ARMS_MAX], num = 1 + count + dv_gen_choose(g, ARMS_MAX);
    bool joins = false;
    for (u32 i = 0; i < num; i++) {
        entries[i] = i != 0 && i <= count ? i - 1 : dv_gen_choose(g, count + 1);
        joins = joins || entries[i] == count;
    }
    if (joins) {
        choose_args(g, j, ids);
    }
    dv_text_truncate(&g->line, 0);
    for (u32 i = 0; i < num; i++) {
        dv_text_str(&g->line, i == 0 ? "" : i == 1 ? ", [" : ", ");
        if (entries[i] < count) {
            dv_text_printf(&g->line, "block%u", (unsigned)arms[entries[i]]);
        } else {
            add_dest(g, j, ENTITY_NONE, ids);
        }
    }
    dv_text_char(&g->line, ']');
}

static void write_switch(Gen *g)
{
    u32 arms[ARMS_MAX] = {0}, count = 1 + dv_gen_choose(g, ARMS_MAX);
    Join j = new_join(g);
    u32 index = dv_gen_value(g, TYPE_I32, false);
    if (dv_gen_choose(g, 4) != 3) {
        u32 mask = dv_gen_int(g, TYPE_I32, 7);
        index = dv_gen_emit(g, "band.i32 v%u, v%u", (unsigned)index, (unsigned)mask);
    }
    for (u32 i = 0; i < count; i++) {
        arms[i] = g->next_block++;
    }
    write_table(g, &j, arms, count);
    dv_gen_effect(g, "br_table v%u, %s", (unsigned)index, g->line.data);
    for (u32 i = 0; i < count; i++) {
        write_arm(g, arms[i], &j);
    }
    start_join(g, &j, TYPE_NONE, NULL);
}

/* Calls itself with the first parameter's low two bits less one, unless they are zero. */
static void write_recursion(Gen *g)
{
    const GenSig *own = &g->funcs[g->func].sig;
    bool can = !g->recursed && g->mult == 1 && own->num_params > 1 && own->params[0] == TYPE_I32 &&
               own->purposes[0] == PURPOSE_NORMAL;
    if (!can || !can_afford(g, 2000)) {
        return;
    }
    g->recursed = true;
    u32 three = dv_gen_int(g, TYPE_I32, 3), block = g->next_block++, ids[GEN_JOIN_MAX];
    u32 counter = dv_gen_emit(g, "band.i32 v0, v%u", (unsigned)three);
    Join j = new_join(g);
    choose_args(g, &j, ids);
    dv_text_truncate(&g->line, 0);
    add_dest(g, &j, ENTITY_NONE, ids);
    dv_gen_effect(g, "brif v%u, block%u, %s", (unsigned)counter, (unsigned)block, g->line.data);
    GenScope s = dv_gen_enter(g);
    start_block(g, block, false);
    g->funcs[g->func].cost = 0;
    call(g, g->func, count_down(g, TYPE_I32, counter));
    jump(g, &j, ENTITY_NONE);
    dv_gen_leave(g, &s);
    start_join(g, &j, TYPE_NONE, NULL);
}

static const struct {
    u32 weight;
    void (*write)(Gen *g);
} statements[] = {
#define GEN_STATEMENT(name, weight) {weight, write_##name},
#include "tools/gen.def"
};

static void write_statement(Gen *g)
{
    u32 total = 0, n = 0;
    for (u32 i = 0; i < ARRAY_LEN(statements); i++) {
        total += statements[i].weight;
    }
    u32 at = dv_gen_choose(g, total);
    while (at >= statements[n].weight) {
        at -= statements[n++].weight;
    }
    if (g->depth == GEN_DEPTH_MAX) {
        write_operation(g);
    } else {
        statements[n].write(g);
    }
}

/* About so many instructions. */
static void write_body(Gen *g, u32 insts)
{
    u32 start = g->num_insts;
    g->depth++;
    while (g->num_insts - start < insts && g->num_insts < g->options->max_insts &&
           (g->mult == 1 || can_afford(g, 0)) && !dv_gen_done(g)) {
        write_statement(g);
    }
    g->depth--;
}

/* What was stored in the slots is consumed too: about half of the cells of slot 0, each by its width, and of the words
 * of slot 1. */
static void fold_slots(Gen *g)
{
    static const Type cells[] = {TYPE_I8, TYPE_I16, TYPE_I32, TYPE_I64, TYPE_I128};
    char address[16], name[16];
    dv_type_name(dv_gen_address(g), address);
    for (u32 i = 0; i < 2 * ARRAY_LEN(cells) + GEN_SLOT_BYTES / 8; i++) {
        bool is_cell = i < 2 * ARRAY_LEN(cells);
        Type type = is_cell ? cells[i % ARRAY_LEN(cells)] : TYPE_I64;
        u32 at = is_cell ? i * 16 : (i - 2 * (u32)ARRAY_LEN(cells)) * 8;
        if ((g->parts & GEN_PLAIN) == 0 || dv_gen_choose(g, 2) == 0) {
            continue;
        }
        u32 base =
            dv_gen_emit(g, "stack_addr.%s ss%u+%u", address, is_cell ? 0u : 1u, (unsigned)at);
        u32 x = dv_gen_emit(g, "load.%s %sv%u", dv_type_name(type, name), is_cell ? "" : "little ",
                            (unsigned)base);
        dv_gen_add(g, x, type, false);
    }
}

/* Some of what the copies of structures hold, and other bytes for it: they are this function's own. */
static void use_structs(Gen *g)
{
    static const Type types[] = {TYPE_I8, TYPE_I16, TYPE_I32, TYPE_I64};
    const GenSig *own = &g->funcs[g->func].sig;
    char name[16];
    for (u32 i = 0; i < own->num_params; i++) {
        u32 most = own->sarg_bytes[i];
        if (own->purposes[i] != PURPOSE_SARG) {
            continue;
        }
        u32 n = dv_gen_choose(g, most < 8 ? 1 : ARRAY_LEN(types));
        u32 at = dv_gen_choose(g, most - (1u << n) + 1);
        dv_type_name(types[n], name);
        u32 x = dv_gen_emit(g, "load.%s little v%u+%u", name, (unsigned)i, (unsigned)at);
        dv_gen_add(g, x, types[n], false);
        if (dv_gen_choose(g, 2) == 0) {
            u32 y = dv_gen_derive(g, types[n]);
            dv_gen_effect(g, "store little v%u, v%u+%u", (unsigned)y, (unsigned)i, (unsigned)at);
        }
    }
}

/* Slots hold anything at first. */
static void clear_slots(Gen *g)
{
    char address[16];
    u32 sizes[2] = {GEN_SLOT_CELLS, GEN_SLOT_BYTES};
    dv_type_name(dv_gen_address(g), address);
    if ((g->parts & GEN_PLAIN) == 0) {
        return;
    }
    u32 zero = dv_gen_int(g, TYPE_I64, 0);
    for (u32 slot = 0; slot < ARRAY_LEN(sizes); slot++) {
        u32 base = dv_gen_emit(g, "stack_addr.%s ss%u", address, (unsigned)slot);
        for (u32 at = 0; at < sizes[slot]; at += 8) {
            dv_text_printf(&g->out, "    store v%u, v%u+%u\n", (unsigned)zero, (unsigned)base,
                           (unsigned)at);
        }
    }
}

void dv_gen_body(Gen *g)
{
    const GenSig *own = &g->funcs[g->func].sig;
    g->next_value = g->next_block = g->num_insts = g->depth = 0;
    g->cost = 0;
    g->mult = 1;
    g->recursed = false;
    g->daring = dv_gen_chance(g, 6);
    vec_clear(&g->values);
    vec_clear(&g->pending);
    g->pending_base = 0;
    dv_text_printf(&g->out, "\nblock%u", (unsigned)g->next_block++);
    for (u32 i = 0; i < own->num_params; i++) {
        u32 id = g->next_value++;
        write_param(g, i == 0, id, own->params[i]);
        if (own->purposes[i] == PURPOSE_NORMAL) {
            dv_gen_add(g, id, own->params[i], false);
        }
    }
    dv_text_str(&g->out, own->num_params == 0 ? ":\n" : "):\n");
    u32 num_params = g->values.len;
    clear_slots(g);
    g->acc = dv_gen_int(g, TYPE_I64, dv_gen_u64(g));
    for (u32 i = 0; i < num_params && i < 4; i++) {
        dv_gen_fold(g, g->values.data[i]); /* acc depends on the call at once */
    }
    use_structs(g);
    write_body(g, g->options->max_insts);
    use_structs(g);
    fold_slots(g);
    write_return(g);
    g->cost *= g->recursed ? 5 : 1;
}
