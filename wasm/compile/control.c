/* control.c - blocks, branches, and locals as values.
 *
 * A construct's label becomes a block of CLIF with the first branch to it (a loop's at once): what is only fallen out of
 * makes no block. Values that a label takes are parameters of its block; locals are variables of the SSA construction
 * (codegen/ir/ssa.c). What is known of locals in a block stays known in a block that only this one leads to, so most
 * reads look nothing up; assignments are told to the SSA construction when their block ends.
 *
 * Fuel: in a metered function each basic block begins with `fuel n`, n being the number of Wasm instructions translated
 * into it, of which block, loop, else and end cost nothing and every other one costs 1, the one that ends the block included.
 * Where a basic block begins is settled by the Wasm code alone: at the start of the function, at a loop, behind if, else, br_if,
 * br_on_null and br_on_non_null, and behind the end of a construct whose label something reachable branches to (an `if`
 * without else does). The cost is paid when the block is entered, that of instructions behind a call or a trap in it too.
 *
 * Every destination of a br_table is a block of its own, one per label, that jumps on: so a label is reached once by a table,
 * however often the table names it, and values are passed once.
 */
#include "wasm/compile/translate.h"

/* ---- blocks ---- */

static Block make_block(Translator *t)
{
    Block b = dv_block_make(t->f);
    dv_ssa_reserve_blocks(&t->ssa);
    return b;
}

/* What follows goes to this block. `follows`: only the current block leads there, so locals are what they were. */
static void begin_block(Translator *t, Block b, bool follows)
{
    dv_block_append(t->f, b);
    t->current = b;
    t->is_reachable = true;
    t->epoch += !follows;
    t->fuel = 0;
    if (t->options->metered) {
        t->fuel_inst = dv_translate_inst(t, OP_fuel, TYPE_NONE, NULL, 0);
        dv_translate_finish(t, t->fuel_inst);
    }
}

void dv_control_end_block(Translator *t)
{
    for (u32 i = 0; i < t->dirty.len; i++) {
        u32 local = t->dirty.data[i];
        dv_ssa_def(&t->ssa, t->current, local, (Value){t->locals[local].value});
    }
    vec_clear(&t->dirty);
    t->is_reachable = false;
    if (t->options->metered && t->fuel != 0) {
        dv_set_imm64(dv_inst(t->f, t->fuel_inst), t->fuel);
    } else if (t->options->metered) {
        dv_inst_remove(t->f, t->fuel_inst);
    }
}

/* ---- locals ---- */

Value dv_local_get(Translator *t, u32 local)
{
    LocalState *state = &t->locals[local];
    if (state->epoch != t->epoch) {
        state->value = dv_ssa_use(&t->ssa, t->current, local).id;
        state->epoch = t->epoch;
        if (t->ssa.exhausted) {
            dv_translate_fail(t, "too many locals live over too many branches");
        }
    }
    return (Value){state->value};
}

void dv_local_set(Translator *t, u32 local, Value v)
{
    LocalState *state = &t->locals[local];
    state->value = v.id;
    state->epoch = t->epoch;
    if (state->dirty_in != t->current.id + 1) {
        state->dirty_in = t->current.id + 1;
        vec_push(t->arena, &t->dirty, local);
    }
}

static void seal(Translator *t, Block b)
{
    dv_ssa_seal(&t->ssa, b);
    if (t->ssa.exhausted) {
        dv_translate_fail(t, "too many locals live over too many branches");
    }
}

/* ---- branches ---- */

/* Gives the branch its destinations; the first block call. */
static u32 make_dests(Translator *t, Inst i, u32 count)
{
    u32 call = dv_calls_make(t->f, count);
    dv_inst(t->f, i)->imm[0] = call;
    dv_inst(t->f, i)->imm[1] = count;
    return call;
}

/* Sets where a block call goes, and what it passes. */
static void set_call(Translator *t, u32 call, Block to, const u32 *args, u32 count)
{
    vec_at(&t->f->calls, call).block = to;
    dv_translate_pass(t, count);
    for (u32 i = 0; i < count && !t->failed; i++) {
        dv_call_push_arg(t->f, call, block_arg(ARG_VALUE, args[i]));
    }
}

/* The same, of a branch in this block. */
static void set_dest(Translator *t, u32 call, Block from, Block to, const u32 *args, u32 count)
{
    set_call(t, call, to, args, count);
    dv_ssa_add_pred(&t->ssa, to, from, call);
}

static void emit_jump(Translator *t, Block to, const u32 *args, u32 count)
{
    Inst i = dv_translate_inst(t, OP_jump, TYPE_NONE, NULL, 0);
    set_dest(t, make_dests(t, i, 1), t->current, to, args, count);
}

static Frame *frame_at(Translator *t, u32 label)
{
    return &vec_at(&t->frames, t->frames.len - 1 - label);
}

static void add_params(Translator *t, Block b, const ValType *types, u32 count)
{
    dv_translate_pass(t, count);
    for (u32 i = 0; i < count && !t->failed; i++) {
        dv_block_add_param(t->f, b, dv_entity_value_type(types[i]));
    }
}

static Block label_of(Translator *t, Frame *frame)
{
    if (frame->label.id == ENTITY_NONE) {
        frame->label = make_block(t);
        add_params(t, frame->label, frame->num_results == 1 ? &frame->result : frame->results,
                   frame->num_results);
    }
    return frame->label;
}

static u32 label_arity(const Frame *frame)
{
    return frame->kind == FRAME_LOOP ? frame->num_params : frame->num_results;
}

static void emit_return(Translator *t)
{
    u32 count = t->f->sig.num_results;
    dv_translate_pass(t, count);
    dv_translate_inst(t, OP_return, TYPE_NONE, top_values(t, count), count);
    dv_control_end_block(t);
}

static void branch(Translator *t, u32 label)
{
    Frame *frame = frame_at(t, label);
    u32 arity = label_arity(frame);
    if (frame->kind == FRAME_BODY) {
        emit_return(t);
        return;
    }
    emit_jump(t, label_of(t, frame), top_values(t, arity), arity);
    dv_control_end_block(t);
}

/* Goes on in a block that only the block call of the current one leads to. */
static void fall_through(Translator *t, u32 call)
{
    Block next = make_block(t);
    Block from = t->current;
    set_dest(t, call, from, next, NULL, 0);
    dv_control_end_block(t);
    seal(t, next);
    begin_block(t, next, true);
}

/* Branches to the label with the topmost values if the value is not zero, or (`if_zero`) if it is. */
static void branch_if(Translator *t, Value condition, u32 label, bool if_zero)
{
    Frame *frame = frame_at(t, label);
    u32 arity = label_arity(frame);
    Inst i = dv_translate_inst(t, OP_brif, dv_value_type(t->f, condition), &condition.id, 1);
    u32 call = make_dests(t, i, 2);
    Block to = label_of(t, frame);
    set_dest(t, call + if_zero, t->current, to, top_values(t, arity), arity);
    fall_through(t, call + !if_zero);
}

static void branch_on_null(Translator *t, u32 label)
{
    Value ref = pop_value(t);
    branch_if(t, ref, label, true);
    push_value(t, ref);
}

static void branch_on_non_null(Translator *t, u32 label)
{
    branch_if(t, (Value){vec_last(&t->stack)}, label, false);
    pop_value(t);
}

/* ---- br_table ---- */

static void branch_table(Translator *t, const WasmInst *inst)
{
    Value index = pop_value(t);
    Inst i = dv_translate_inst(t, OP_br_table, TYPE_NONE, &index.id, 1);
    u32 count = inst->count + 1;
    u32 call = make_dests(t, i, count);
    const u8 *entries = inst->entries;
    VEC(u32) labels = {0}; /* each once */
    t->tables++;
    for (u32 n = 0; n < count; n++) {
        u32 label = dv_wasm_entry(&entries);
        Frame *frame = frame_at(t, label);
        u32 dest = call + (n == count - 1 ? 0 : n + 1); /* in CLIF the default is first */
        if (frame->table != t->tables) {
            frame->table = t->tables;
            frame->table_edge = make_block(t);
            vec_push(t->arena, &labels, label);
            /* Once: all come from one block. */
            dv_ssa_add_pred(&t->ssa, frame->table_edge, t->current, dest);
        }
        vec_at(&t->f->calls, dest).block = frame->table_edge;
    }
    dv_control_end_block(t);
    for (u32 n = 0; n < labels.len && !t->failed; n++) {
        Frame *frame = frame_at(t, labels.data[n]);
        Block to = label_of(t, frame);
        Block edge = frame->table_edge;
        u32 arity = label_arity(frame);
        seal(t, edge);
        dv_block_append(t->f, edge);
        t->current = edge;
        emit_jump(t, to, top_values(t, arity), arity);
    }
}

/* ---- constructs ---- */

static Frame open_frame(const Translator *t, u8 kind, const WasmInst *inst)
{
    Frame frame = {.kind = kind, .label = BLOCK_NONE, .head = BLOCK_NONE, .saved = t->saved.len};
    dv_wasm_block_type(t->module, inst, &frame.num_params, &frame.params, &frame.num_results,
                       &frame.results);
    frame.result = frame.num_results == 1 ? frame.results[0] : VT_BOTTOM;
    frame.height = t->stack.len - frame.num_params;
    return frame;
}

static void open_block(Translator *t, const WasmInst *inst)
{
    Frame frame = open_frame(t, FRAME_BLOCK, inst);
    vec_push(t->arena, &t->frames, frame);
}

static void replace_top(Translator *t, u32 height, Block b)
{
    u32 count = dv_block(t->f, b)->num_params;
    t->stack.len = height;
    vec_reserve(t->arena, &t->stack, count);
    for (u32 i = 0; i < count; i++) {
        push_value(t, (Value){dv_block_params(t->f, b)[i]});
    }
}

static void open_loop(Translator *t, const WasmInst *inst)
{
    Frame frame = open_frame(t, FRAME_LOOP, inst);
    frame.label = make_block(t);
    frame.head = t->current;
    add_params(t, frame.label, frame.params, frame.num_params);
    emit_jump(t, frame.label, top_values(t, frame.num_params), frame.num_params);
    dv_control_end_block(t);
    begin_block(t, frame.label, false);
    replace_top(t, frame.height, frame.label);
    vec_push(t->arena, &t->loops, t->frames.len);
    vec_push(t->arena, &t->frames, frame);
}

static void open_if(Translator *t, const WasmInst *inst)
{
    Value condition = dv_translate_condition(t, pop_value(t));
    Frame frame = open_frame(t, FRAME_IF, inst);
    Inst i = dv_translate_inst(t, OP_brif, dv_value_type(t->f, condition), &condition.id, 1);
    u32 call = make_dests(t, i, 2);
    frame.head = t->current;
    frame.else_call = call + 1;
    dv_translate_pass(t, frame.num_params);
    for (u32 n = 0; n < frame.num_params; n++) {
        vec_push(t->arena, &t->saved, t->stack.data[frame.height + n]);
    }
    vec_push(t->arena, &t->frames, frame);
    fall_through(t, call);
}

static void open_dead(Translator *t)
{
    Frame frame = {.kind = FRAME_BLOCK, .is_dead = true, .label = BLOCK_NONE};
    vec_push(t->arena, &t->frames, frame);
}

/* Out of the open part of a construct, with its results on the stack, to its label. */
static void leave(Translator *t, Frame *frame)
{
    if (t->is_reachable) {
        u32 count = frame->num_results;
        emit_jump(t, label_of(t, frame), top_values(t, count), count);
        dv_control_end_block(t);
    }
}

static void open_else(Translator *t)
{
    Frame *frame = frame_at(t, 0);
    Block other = make_block(t);
    leave(t, frame);
    set_dest(t, frame->else_call, frame->head, other, NULL, 0);
    seal(t, other);
    begin_block(t, other, false);
    t->stack.len = frame->height;
    for (u32 n = 0; n < frame->num_params; n++) {
        push_value(t, (Value){t->saved.data[frame->saved + n]});
    }
    t->saved.len = frame->saved;
    frame->kind = FRAME_ELSE;
}

/* The end of a construct but a loop. */
static void close_block(Translator *t, Frame *frame)
{
    if (frame->kind == FRAME_IF) { /* without else its parameters are its results */
        set_dest(t, frame->else_call, frame->head, label_of(t, frame), t->saved.data + frame->saved,
                 frame->num_params);
        t->saved.len = frame->saved;
    }
    if (frame->label.id == ENTITY_NONE) {
        return;
    }
    leave(t, frame);
    seal(t, frame->label);
    begin_block(t, frame->label, false);
    replace_top(t, frame->height, frame->label);
}

static void close_body(Translator *t, Frame *frame)
{
    close_block(t, frame);
    if (t->is_reachable) {
        emit_return(t);
    }
}

static void close_frame(Translator *t)
{
    Frame frame = vec_last(&t->frames);
    if (frame.is_dead) {
        t->frames.len--;
        return;
    }
    if (!t->is_reachable) {
        t->stack.len = frame.height;
    }
    if (frame.kind == FRAME_LOOP) {
        seal(t, frame.label);
        t->loops.len--;
    } else if (frame.kind == FRAME_BODY) {
        close_body(t, &frame);
    } else {
        close_block(t, &frame);
    }
    t->frames.len--;
}

/* ---- calls that return from the function, traps ---- */

static void emit_trap(Translator *t)
{
    Inst i = dv_translate_inst(t, OP_trap, TYPE_NONE, NULL, 0);
    dv_inst(t->f, i)->aux = TRAP_unreachable;
    if (t->current.id != t->f->first_block.id) {
        vec_at(&t->f->blocks, t->current.id).cold = true;
    }
    dv_control_end_block(t);
}

bool dv_control_inst(Translator *t, const WasmInst *inst)
{
    switch (inst->op) {
    case W_nop:
        return true;
    case W_unreachable:
        emit_trap(t);
        return true;
    case W_block:
        open_block(t, inst);
        return true;
    case W_loop:
        open_loop(t, inst);
        return true;
    case W_if:
        open_if(t, inst);
        return true;
    case W_else:
        open_else(t);
        return true;
    case W_end:
        close_frame(t);
        return true;
    case W_br:
        branch(t, inst->index);
        return true;
    case W_br_if:
        branch_if(t, dv_translate_condition(t, pop_value(t)), inst->index, false);
        return true;
    case W_br_table:
        branch_table(t, inst);
        return true;
    case W_br_on_null:
        branch_on_null(t, inst->index);
        return true;
    case W_br_on_non_null:
        branch_on_non_null(t, inst->index);
        return true;
    case W_return:
        emit_return(t);
        return true;
    default:
        return false;
    }
}

void dv_control_dead(Translator *t, const WasmInst *inst)
{
    switch (inst->op) {
    case W_block:
    case W_loop:
    case W_if:
        open_dead(t);
        break;
    case W_else:
        if (!vec_last(&t->frames).is_dead) {
            open_else(t);
        }
        break;
    case W_end:
        close_frame(t);
        break;
    default:
        break;
    }
}

void dv_control_begin(Translator *t)
{
    Func *f = t->f;
    const SubType *type = &t->module->types.data[t->module->funcs.data[t->v->func].type];
    Frame body = {.kind = FRAME_BODY, .label = BLOCK_NONE, .head = BLOCK_NONE};
    body.num_results = type->num_results;
    body.results = type->results;
    body.result = type->num_results == 1 ? type->results[0] : VT_BOTTOM;
    vec_push(t->arena, &t->frames, body);
    Block entry = make_block(t);
    for (u32 i = 0; i < f->sig.num_params; i++) {
        dv_block_add_param(f, entry, f->sig.params[i].type);
    }
    begin_block(t, entry, false);
    dv_ssa_seal(&t->ssa, entry);
    for (u32 i = 0; i < f->sig.num_params; i++) {
        dv_local_set(t, i, (Value){dv_block_params(f, entry)[i]});
    }
}
