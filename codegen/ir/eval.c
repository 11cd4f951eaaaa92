/* eval.c - the evaluator: functions, the loop, branches; and what a call from outside goes through.
 *
 * The loop takes the top frame's instruction, counts it, and hands it to the file of its family.
 * Operations on values alone are eval_op.c's. A function is made ready (Code) when it is first
 * called: one pass over its values gives each an offset in the frame, one over its slots their
 * places on the guest stack.
 *
 * The step budget is exact: max_steps instructions run, the next one does not. An instruction that
 * moves bytes in bulk, or a call that clears stack slots, counts one more for each
 * EVAL_BYTES_PER_STEP bytes, so that a budget bounds the time whatever the function.
 *
 * Memory. Escapes of the arenas are caught at every entry (dv_pool_protect). What a limit refuses
 * is EVAL_ERROR. Everything that grows is published only after its memory was obtained, so an
 * escape leaves the evaluator whole.
 */
#include "codegen/ir/eval_internal.h"

#define OFFSET_UNSET UINT32_MAX
#define OFFSET_VISITING (UINT32_MAX - 1)
#define MAX_FRAME_BYTES (UINT32_MAX - 2)

/* EvalOptions.other_stack: how far from the usual place it is, and what it holds. */
enum { OTHER_STACK_BYTES = 0x1230, OTHER_STACK_FILL = 0xa5 };
enum { FAMILY_PURE, FAMILY_CONTROL, FAMILY_CALL, FAMILY_MEMORY, FAMILY_ADDRESS, FAMILY_ENTITY };

/* ---- Ends ---- */

static void note_place(Evaluator *e)
{
    const Fiber *fiber = dv_eval_fiber(e);
    bool has_frame = dv_eval_frame_count(fiber) != 0;
    e->place_func = has_frame ? dv_eval_func(e) : NULL;
    e->place_inst = has_frame ? dv_eval_frame(e)->inst : INST_NONE;
}

static Flow stop(Evaluator *e, EvalOutcome outcome)
{
    note_place(e);
    e->outcome = outcome;
    return FLOW_STOP;
}

Flow dv_eval_trap(Evaluator *e, TrapCode code)
{
    e->trap = code;
    return stop(e, EVAL_TRAPPED);
}

Flow dv_eval_error(Evaluator *e, const char *reason)
{
    e->reason = reason;
    e->reason_name = NULL;
    return stop(e, EVAL_ERROR);
}

Flow dv_eval_error_name(Evaluator *e, const char *reason, const ExtName *name)
{
    (void)dv_eval_error(e, reason);
    e->reason_name = name;
    return FLOW_STOP;
}

bool dv_eval_count_bytes(Evaluator *e, u64 bytes)
{
    u64 steps = bytes / EVAL_BYTES_PER_STEP;
    u64 max = e->options.max_steps;
    if (max != 0 && steps > max - e->steps) {
        e->steps = max;
        (void)stop(e, EVAL_OUT_OF_STEPS);
        return false;
    }
    e->steps += steps;
    return true;
}

/* ---- Buffers ---- */

enum { OWN_ARENA_FROM = 32 * 1024 };

bool dv_eval_reserve(Evaluator *e, EvalBuffer *buffer, u64 cap)
{
    if (cap <= buffer->cap) {
        return true;
    }
    u64 wish = cap;
    u64 grown = buffer->cap + buffer->cap / 2;
    u64 room = e->max_memory - (e->held_bytes - buffer->cap);
    if (wish < grown && grown <= room) {
        wish = grown;
    }
    if (wish > room || wish > PTRDIFF_MAX) {
        return false;
    }
    Arena own = {0};
    u8 *data;
    if (wish >= OWN_ARENA_FROM) {
        dv_arena_init(&own, e->pool);
        data = dv_arena_alloc(&own, (usize)wish, 16);
    } else {
        data = dv_arena_alloc(buffer->home, (usize)wish, 16);
    }
    if (buffer->len != 0) {
        memcpy(data, buffer->data, (usize)buffer->len);
    }
    u64 len = buffer->len;
    dv_eval_release(e, buffer);
    e->held_bytes += wish;
    buffer->own = own;
    buffer->data = data;
    buffer->len = len;
    buffer->cap = wish;
    return true;
}

bool dv_eval_resize(Evaluator *e, EvalBuffer *buffer, u64 len)
{
    if (!dv_eval_reserve(e, buffer, len)) {
        return false;
    }
    if (len > buffer->len) {
        memset(buffer->data + buffer->len, 0, (usize)(len - buffer->len));
    }
    buffer->len = len;
    return true;
}

void dv_eval_release(Evaluator *e, EvalBuffer *buffer)
{
    if (buffer->own.pool != NULL) {
        dv_arena_release(&buffer->own);
    }
    e->held_bytes -= buffer->cap;
    *buffer = (EvalBuffer){.home = buffer->home};
}

/* ---- Names and places ---- */

typedef struct NameQuery {
    const Evaluator *e;
    const ExtName *name;
} NameQuery;

static bool name_is(const void *context, u32 value)
{
    const NameQuery *query = context;
    return dv_extname_equal(&query->e->symbols.data[value].name, query->name);
}

static bool find_symbol(const Evaluator *e, const ExtName *name, u32 *symbol)
{
    NameQuery query = {e, name};
    return dv_map_find(&e->symbol_of, dv_extname_hash(name), name_is, &query, symbol);
}

u32 dv_eval_symbol(Evaluator *e, const ExtName *name)
{
    u32 symbol;
    if (find_symbol(e, name, &symbol)) {
        return symbol;
    }
    symbol = e->symbols.len;
    if (symbol >= EVAL_MAX_SYMBOLS) {
        dv_escape(e->pool, DAVIT_ERROR_LIMIT);
    }
    EvalSymbol fresh = {.name = *name};
    if (name->kind == NAME_TEST) {
        fresh.name.text.data = dv_arena_strdup(&e->arena, name->text.data, name->text.len);
    }
    vec_reserve(&e->arena, &e->symbols, 1);
    dv_map_add(&e->arena, &e->symbol_of, dv_extname_hash(name), symbol);
    vec_push(&e->arena, &e->symbols, fresh);
    return symbol;
}

u64 dv_eval_symbol_address(const Evaluator *e, u32 symbol)
{
    const EvalSymbol *s = &vec_at(&e->symbols, symbol);
    return s->has_data ? s->data_address : EVAL_CODE_BASE + (u64)symbol * EVAL_ADDRESS_STEP;
}

typedef struct PlaceQuery {
    const Evaluator *e;
    Place place;
} PlaceQuery;

static bool place_is(const void *context, u32 value)
{
    const PlaceQuery *query = context;
    const Place *p = &query->e->places.data[value];
    const Place *q = &query->place;
    return p->func == q->func && p->kind == q->kind && p->a == q->a && p->b == q->b;
}

u64 dv_eval_place(Evaluator *e, Place place)
{
    u64 hash = dv_hash_combine((u64)(uintptr_t)place.func, place.kind);
    hash = dv_hash_combine(dv_hash_combine(hash, place.a), place.b);
    PlaceQuery query = {e, place};
    u32 id;
    if (!dv_map_find(&e->place_of, hash, place_is, &query, &id)) {
        id = e->places.len;
        if (id >= EVAL_MAX_PLACES) {
            dv_escape(e->pool, DAVIT_ERROR_LIMIT);
        }
        vec_reserve(&e->arena, &e->places, 1);
        dv_map_add(&e->arena, &e->place_of, hash, id);
        vec_push(&e->arena, &e->places, place);
    }
    return EVAL_PLACE_BASE + (u64)id * EVAL_ADDRESS_STEP;
}

/* ---- Making a function ready ---- */

/* Where the chain of aliases from v leads: every member gets the offset and type of its end. Linear
 * over a function. */
static void place_alias(const Func *f, u32 v, Code *code)
{
    u32 at = v;
    while (at < f->values.len && f->values.data[at].kind == VALUE_ALIAS &&
           code->offsets[at] == OFFSET_UNSET) {
        code->offsets[at] = OFFSET_VISITING;
        at = f->values.data[at].def;
    }
    bool found = at < f->values.len && code->offsets[at] < OFFSET_VISITING;
    u32 offset = found ? code->offsets[at] : 0;
    Type type = found ? code->types[at] : TYPE_NONE;
    at = v;
    while (at < f->values.len && code->offsets[at] == OFFSET_VISITING) {
        code->offsets[at] = offset;
        code->types[at] = type;
        at = f->values.data[at].def;
    }
}

static bool place_values(Evaluator *e, const Func *f, Code *code)
{
    u64 bytes = 0;
    for (u32 v = 0; v < f->values.len; v++) {
        const ValueData *value = &f->values.data[v];
        code->offsets[v] = OFFSET_UNSET;
        if (value->kind == VALUE_RESULT || value->kind == VALUE_PARAM) {
            code->offsets[v] = (u32)bytes;
            code->types[v] = value->type;
            bytes += type_bytes(value->type);
            if (bytes > MAX_FRAME_BYTES) {
                (void)dv_eval_error(e, "the values of a function take too much memory");
                return false;
            }
        }
    }
    for (u32 v = 0; v < f->values.len; v++) {
        if (code->offsets[v] == OFFSET_UNSET) {
            place_alias(f, v, code);
        }
    }
    code->frame_bytes = bytes;
    return true;
}

static u64 align_up(u64 x, u64 align)
{
    return (x + align - 1) & ~(align - 1);
}

static bool place_slots(Evaluator *e, const Func *f, Code *code)
{
    u64 at = 0;
    u64 limit = EVAL_STACK_TOP - EVAL_STACK_BASE;
    code->stack_align = 16;
    for (u32 i = 0; i < f->slots.len && at <= limit; i++) {
        const StackSlotData *slot = &f->slots.data[i];
        u64 align = slot->align_bytes == 0 ? 1 : slot->align_bytes;
        at = align_up(at, align);
        code->slot_offsets[i] = at;
        at += slot->size_bytes;
        code->stack_align = align > code->stack_align ? align : code->stack_align;
    }
    for (u32 i = 0; i < f->dyn_slots.len && at <= limit; i++) {
        u32 type = f->dyn_slots.data[i].type.id;
        at = align_up(at, 16);
        code->dyn_slot_offsets[i] = at;
        at += type < f->dyn_types.len ? type_bytes(f->dyn_types.data[type].base) : 0;
    }
    code->sarg_offset = align_up(at, 16);
    at = code->sarg_offset;
    for (u32 i = 0; i < f->sig.num_params; i++) {
        const Param *p = &f->sig.params[i];
        at += p->purpose == PURPOSE_SARG ? align_up(p->sarg_bytes, 16) : 0;
    }
    code->stack_bytes = at;
    if (at > limit || code->stack_align > limit) {
        (void)dv_eval_error(e, "the stack slots of a function take too much memory");
        return false;
    }
    return true;
}

Code *dv_eval_prepare(Evaluator *e, const Func *f, Arena *arena)
{
    Code *code = ARENA_NEW(arena, Code);
    code->func = f;
    code->offsets = ARENA_ARRAY(arena, u32, f->values.len);
    code->types = ARENA_ARRAY(arena, Type, f->values.len);
    code->slot_offsets = ARENA_ARRAY(arena, u64, f->slots.len);
    code->dyn_slot_offsets = ARENA_ARRAY(arena, u64, f->dyn_slots.len);
    if (!place_values(e, f, code) || !place_slots(e, f, code)) {
        return NULL;
    }
    code->vmctx_param = ENTITY_NONE;
    for (u32 i = f->sig.num_params; i-- > 0;) {
        code->vmctx_param = f->sig.params[i].purpose == PURPOSE_VMCTX ? i : code->vmctx_param;
    }
    code->callees = ARENA_ARRAY(arena, u32, f->funcs.len);
    for (u32 i = 0; i < f->funcs.len; i++) {
        bool there = f->funcs.data[i].present;
        code->callees[i] = there ? dv_eval_symbol(e, &f->funcs.data[i].name) : ENTITY_NONE;
    }
    code->wasm_callees = ARENA_ARRAY(arena, u32, f->wasm_funcs.len);
    for (u32 i = 0; i < f->wasm_funcs.len; i++) {
        const WasmFuncData *w = &f->wasm_funcs.data[i];
        bool there = w->present && w->has_name;
        code->wasm_callees[i] = there ? dv_eval_symbol(e, &w->name) : ENTITY_NONE;
    }
    u32 counts[ENT_KINDS] = {f->memories.len, f->tables.len, f->globals.len, f->datas.len,
                             f->elems.len};
    for (u32 kind = 0; kind < ENT_KINDS; kind++) {
        code->bound[kind] = ARENA_ARRAY(arena, u32, counts[kind]);
    }
    return code;
}

/* ---- Instructions ---- */

/* The bytes that a vconst, f128const or shuffle asks for. */
static const u8 *constant_bytes(Evaluator *e, const InstData *d, u32 size)
{
    if (d->op == OP_shuffle) {
        return vec_at(&dv_eval_func(e)->masks, d->ent).bytes;
    }
    dv_constant_read(dv_eval_func(e), d->ent, e->constant, size);
    return e->constant;
}

static Flow step_pure(Evaluator *e, const InstData *d)
{
    const Func *f = dv_eval_func(e);
    EvalOp op = {
        .op = (Op)d->op,
        .type = d->type,
        .aux = d->aux,
        .big_endian = e->options.big_endian,
        .flags = d->flags,
        .imm = dv_imm64(d),
        .trap = d->aux,
        .num_args = d->num_args,
    };
    ASSERT(d->num_args <= OP_MAX_OPERANDS && d->num_results <= OP_MAX_RESULTS);
    for (u32 i = 0; i < d->num_args; i++) {
        op.arg_types[i] = dv_eval_type(e, d->args[i]);
        op.args[i] = dv_eval_value(e, d->args[i]);
    }
    const u32 *results = dv_inst_results(f, dv_eval_frame(e)->inst);
    for (u32 i = 0; i < d->num_results; i++) {
        op.result_types[i] = dv_eval_type(e, results[i]);
        op.results[i] = dv_eval_value(e, results[i]);
    }
    Format format = dv_ops[d->op].format;
    if (format == FORMAT_UNARY_CONST) {
        op.mask = constant_bytes(e, d, type_bytes(op.result_types[0]));
    } else if (format == FORMAT_SHUFFLE) {
        op.mask = constant_bytes(e, d, 16);
    }
    TrapCode trap = dv_eval_op(&op);
    return trap == TRAP_none ? FLOW_NEXT : dv_eval_trap(e, trap);
}

/* Where the bytes of a block call's argument lie. exnN are in e->exn, retN in staging. */
static const u8 *arg_bytes(const Evaluator *e, BlockArg arg)
{
    u32 index = block_arg_index(arg);
    switch (block_arg_kind(arg)) {
    case ARG_VALUE:
        return dv_eval_value(e, index);
    case ARG_RET:
        return e->staging.data + load_le32(e->ret_offsets.data + (usize)index * 4);
    default:
        return e->exn[index & 1];
    }
}

static Flow enter_block(Evaluator *e, Block block)
{
    const Func *f = dv_eval_func(e);
    dv_eval_frame(e)->inst = dv_block(f, block)->first;
    return FLOW_MOVED;
}

Flow dv_eval_jump(Evaluator *e, const BlockCall *call)
{
    const Func *f = dv_eval_func(e);
    const u32 *params = dv_block_params(f, call->block);
    if (call->num_args == 1) {
        memmove(dv_eval_value(e, params[0]), arg_bytes(e, dv_call_arg(f, call, 0)),
                type_bytes(dv_eval_type(e, params[0])));
        return enter_block(e, call->block);
    }
    u64 total = 0;
    for (u32 i = 0; i < call->num_args; i++) {
        total += type_bytes(dv_eval_type(e, params[i]));
    }
    if (!dv_eval_reserve(e, &e->scratch, total)) {
        return dv_eval_error(e, "memory limit");
    }
    u8 *at = e->scratch.data;
    for (u32 i = 0; i < call->num_args; i++) {
        u32 size = type_bytes(dv_eval_type(e, params[i]));
        memcpy(at, arg_bytes(e, dv_call_arg(f, call, i)), size);
        at += size;
    }
    at = e->scratch.data;
    for (u32 i = 0; i < call->num_args; i++) {
        u32 size = type_bytes(dv_eval_type(e, params[i]));
        memcpy(dv_eval_value(e, params[i]), at, size);
        at += size;
    }
    return enter_block(e, call->block);
}

bool dv_eval_is_zero(const Evaluator *e, u32 value)
{
    const u8 *bytes = dv_eval_value(e, value);
    u32 size = type_bytes(dv_eval_type(e, value));
    for (u32 i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

u32 dv_eval_branch(Evaluator *e, const InstData *d, u32 num_dests)
{
    if (d->op == OP_brif) {
        return dv_eval_is_zero(e, d->args[0]) ? 1 : 0;
    }
    if (d->op == OP_br_table) {
        u64 index = dv_eval_int(e, d->args[0]);
        return index + 1 < num_dests ? (u32)index + 1 : 0;
    }
    return 0;
}

static Flow use_fuel(Evaluator *e, u64 amount)
{
    if (e->fuel != UINT64_MAX) {
        if (amount > e->fuel) {
            return dv_eval_trap(e, TRAP_out_of_fuel);
        }
        e->fuel -= amount;
    }
    e->fuel_used += amount;
    return FLOW_NEXT;
}

static Flow step_control(Evaluator *e, const InstData *d)
{
    switch (d->op) {
    case OP_jump:
    case OP_brif:
    case OP_br_table: {
        u32 count;
        const BlockCall *dests =
            dv_inst_dests_const(dv_eval_func(e), dv_eval_frame(e)->inst, &count);
        return dv_eval_jump(e, &dests[dv_eval_branch(e, d, count)]);
    }
    case OP_return:
        return dv_eval_step_return(e);
    case OP_trap:
        return dv_eval_trap(e, d->aux);
    case OP_fuel:
        return use_fuel(e, dv_imm64(d));
    case OP_throw:
        return dv_eval_throw(e, vec_at(&dv_eval_func(e)->tags, d->ent).index);
    case OP_throw_ref:
        return dv_eval_raise(e, (u32)dv_eval_int(e, d->args[0]));
    case OP_stack_switch:
        return dv_eval_step_switch(e, d);
    case OP_nop:
    case OP_debugtrap:
    case OP_sequence_point:
    case OP_fence:
        return FLOW_NEXT; /* one thread, in order, watched by nobody */
    default:
        UNREACHABLE();
    }
}

static u8 family_of(Op op)
{
    if (dv_eval_op_is_pure(op)) {
        return FAMILY_PURE;
    }
    switch (dv_ops[op].format) {
    case FORMAT_CALL:
    case FORMAT_CALL_INDIRECT:
    case FORMAT_TRY_CALL:
    case FORMAT_TRY_CALL_INDIRECT:
    case FORMAT_CALL_IMPORT:
    case FORMAT_CALL_TABLE:
    case FORMAT_CALL_REF:
    case FORMAT_TRY_CALL_IMPORT:
    case FORMAT_TRY_CALL_TABLE:
    case FORMAT_TRY_CALL_REF:
        return FAMILY_CALL;
    case FORMAT_ATOMIC_RMW:
    case FORMAT_ATOMIC_CAS:
    case FORMAT_LOAD:
    case FORMAT_LOAD_NO_OFFSET:
    case FORMAT_STORE:
    case FORMAT_STORE_NO_OFFSET:
        return FAMILY_MEMORY;
    case FORMAT_STACK_ADDR:
    case FORMAT_DYNAMIC_STACK_ADDR:
    case FORMAT_FUNC_ADDR:
    case FORMAT_UNARY_GLOBAL_VALUE:
    case FORMAT_EXCEPTION_HANDLER_ADDRESS:
        return FAMILY_ADDRESS;
    case FORMAT_NULLARY:
    case FORMAT_UNARY:
        return op == OP_get_pinned_reg || op == OP_set_pinned_reg || op == OP_get_frame_pointer ||
                       op == OP_get_stack_pointer || op == OP_get_return_address
                   ? FAMILY_ADDRESS
                   : FAMILY_CONTROL;
    case FORMAT_JUMP:
    case FORMAT_BRIF:
    case FORMAT_BRANCH_TABLE:
    case FORMAT_MULTI_ARY:
    case FORMAT_TERNARY:
    case FORMAT_TRAP:
    case FORMAT_FUEL:
    case FORMAT_THROW:
        return FAMILY_CONTROL;
    default:
        return FAMILY_ENTITY;
    }
}

Flow dv_eval_step(Evaluator *e, const InstData *d)
{
    switch (e->family[d->op]) {
    case FAMILY_PURE:
        return step_pure(e, d);
    case FAMILY_CONTROL:
        return step_control(e, d);
    case FAMILY_CALL:
        return dv_eval_step_call(e, d);
    case FAMILY_MEMORY:
        return dv_eval_step_memory(e, d);
    case FAMILY_ADDRESS:
        return dv_eval_step_address(e, d);
    default:
        return dv_eval_step_entity(e, d);
    }
}

static void run_loop(Evaluator *e)
{
    u64 max = e->options.max_steps == 0 ? UINT64_MAX : e->options.max_steps;
    for (;;) {
        if (e->steps >= max) {
            (void)stop(e, EVAL_OUT_OF_STEPS);
            return;
        }
        e->steps++;
        const Frame *frame = dv_eval_frame(e);
        const Func *f = frame->code->func;
        const InstData *d = dv_inst_const(f, frame->inst);
        Flow flow =
            DV_UNLIKELY(d->op == e->mutate_op) ? dv_eval_step_mutated(e, d) : dv_eval_step(e, d);
        if (flow == FLOW_STOP) {
            return;
        }
        if (flow == FLOW_NEXT) {
            Frame *top = dv_eval_frame(e);
            top->inst = dv_inst_next(f, top->inst);
        }
    }
}

/* ---- Calls from outside ---- */

typedef struct CallRequest {
    Evaluator *e;
    const Func *f;
    const EvalValue *args;
    u32 num_args;
    Arena *arena;
    EvalResult *out;
} CallRequest;

static bool stage_outside_args(const CallRequest *r)
{
    Evaluator *e = r->e;
    const Signature *sig = &r->f->sig;
    u64 total = 0;
    bool fits = r->num_args == sig->num_params;
    for (u32 i = 0; fits && i < r->num_args; i++) {
        fits = r->args[i].type == sig->params[i].type;
        total += type_bytes(sig->params[i].type);
    }
    if (!fits) {
        (void)dv_eval_error(e, "the arguments are not what the signature says");
        return false;
    }
    if (!dv_eval_resize(e, &e->staging, total)) {
        (void)dv_eval_error(e, "memory limit");
        return false;
    }
    u8 *at = e->staging.data;
    for (u32 i = 0; i < r->num_args; i++) {
        u32 size = type_bytes(r->args[i].type);
        memcpy(at, r->args[i].bytes, size);
        at += size;
    }
    return true;
}

static void run_call(void *context)
{
    const CallRequest *r = context;
    Evaluator *e = r->e;
    vec_push(&e->call, &e->fibers, &e->main);
    if (!stage_outside_args(r)) {
        return;
    }
    u32 symbol;
    bool is_added = find_symbol(e, &r->f->name, &symbol) && e->symbols.data[symbol].func == r->f;
    Code *code = is_added ? dv_eval_code(e, symbol) : dv_eval_prepare(e, r->f, &e->call);
    if (code != NULL && dv_eval_push(e, code) != FLOW_STOP) {
        run_loop(e);
    }
}

static const char *reason_text(const CallRequest *r)
{
    const Evaluator *e = r->e;
    const ExtName *name = e->reason_name;
    if (name == NULL) {
        return e->reason;
    }
    switch (name->kind) {
    case NAME_TEST:
        return dv_arena_printf(r->arena, "%s: %%%.*s", e->reason, (int)name->text.len,
                               name->text.data);
    case NAME_USER:
        return dv_arena_printf(r->arena, "%s: u%" PRIu32 ":%" PRIu32, e->reason, name->space,
                               name->index);
    default:
        return dv_arena_printf(r->arena, "%s: %%%s", e->reason, dv_libcall_names[name->libcall]);
    }
}

static void copy_out(void *context)
{
    const CallRequest *r = context;
    const Evaluator *e = r->e;
    EvalResult *out = r->out;
    if (out->outcome == EVAL_ERROR) {
        out->reason = reason_text(r);
    }
    if (out->outcome != EVAL_RETURNED) {
        return;
    }
    const Signature *sig = &r->f->sig;
    EvalValue *values = ARENA_ARRAY(r->arena, EvalValue, sig->num_results);
    const u8 *from = e->staging.data;
    for (u32 i = 0; i < sig->num_results; i++) {
        Type type = sig->results[i].type;
        u8 *bytes = dv_arena_alloc(r->arena, type_bytes(type), 1);
        memcpy(bytes, from, type_bytes(type));
        values[i] = (EvalValue){type, bytes};
        from += type_bytes(type);
    }
    out->values = values;
    out->num_values = sig->num_results;
}

static void run_and_copy(void *context)
{
    CallRequest *r = context;
    Evaluator *e = r->e;
    if (dv_pool_protect(e->pool, run_call, r) != DAVIT_OK) {
        e->outcome = EVAL_ERROR;
        e->reason = "out of memory";
        e->reason_name = NULL;
    }
    *r->out = (EvalResult){
        .outcome = e->outcome,
        .trap = e->outcome == EVAL_TRAPPED ? e->trap : TRAP_none,
        .steps = e->steps,
        .fuel_used = e->fuel_used,
        .trap_func = e->outcome == EVAL_TRAPPED ? e->place_func : NULL,
        .trap_inst = e->outcome == EVAL_TRAPPED ? e->place_inst : INST_NONE,
        .trap_on_other_stack = e->outcome == EVAL_TRAPPED && e->current != 0,
    };
    copy_out(r);
}

void dv_eval_call(Evaluator *e, const Func *f, const EvalValue *args, u32 num_args, Arena *arena,
                  EvalResult *out)
{
    e->steps = e->fuel_used = 0;
    e->outcome = EVAL_ERROR;
    e->trap = TRAP_none;
    e->reason = "memory limit";
    e->reason_name = NULL;
    CallRequest request = {e, f, args, num_args, arena, out};
    if (dv_pool_protect(arena->pool, run_and_copy, &request) != DAVIT_OK) {
        *out = (EvalResult){.outcome = EVAL_ERROR,
                            .reason = "out of memory",
                            .steps = e->steps,
                            .fuel_used = e->fuel_used,
                            .trap_inst = INST_NONE};
    }
    dv_eval_unwind_all(e);
}

/* ---- Lifetime and functions ---- */

typedef struct NewRequest {
    Arena arena;
    const EvalOptions *options;
    Evaluator *made;
} NewRequest;

static void make_evaluator(void *context)
{
    NewRequest *r = context;
    Evaluator *e = ARENA_NEW(&r->arena, Evaluator);
    e->pool = r->arena.pool;
    e->options = *r->options;
    e->max_memory = e->options.max_memory_bytes != 0 ? e->options.max_memory_bytes : (u64)1 << 30;
    e->max_depth = e->options.max_depth != 0 ? e->options.max_depth : 100000;
    e->mutate_op = e->options.mutation == MUTATE_NONE ? OP_COUNT : e->options.mutate_op;
    e->fuel = UINT64_MAX;
    e->generation = 1;
    Type address = e->options.address_bits == 32 ? TYPE_I32 : TYPE_I64;
    for (u32 i = 0; i < LIBCALL_COUNT; i++) {
        dv_libcall_signature(&r->arena, (LibCall)i, address, &e->libcall_sigs[i]);
    }
    for (u32 i = 0; i < OP_COUNT; i++) {
        e->family[i] = family_of((Op)i);
    }
    r->made = e;
}

Evaluator *dv_eval_new(Pool *pool, const EvalOptions *options)
{
    NewRequest request = {.options = options};
    dv_arena_init(&request.arena, pool);
    if (dv_pool_protect(pool, make_evaluator, &request) != DAVIT_OK) {
        dv_arena_release(&request.arena);
        return NULL;
    }
    Evaluator *e = request.made;
    e->arena = request.arena;
    dv_arena_init(&e->instance, pool);
    dv_arena_init(&e->call, pool);
    e->data.home = &e->instance;
    EvalBuffer *lasting[] = {&e->stack,   &e->main.frames, &e->main.values,
                             &e->staging, &e->ret_offsets, &e->scratch};
    for (u32 i = 0; i < ARRAY_LEN(lasting); i++) {
        lasting[i]->home = &e->arena;
    }
    e->stack_top = EVAL_STACK_TOP - (options->other_stack ? OTHER_STACK_BYTES : 0);
    e->stack_fill = options->other_stack ? OTHER_STACK_FILL : 0;
    e->main.sp = e->stack_top;
    return e;
}

void dv_eval_free(Evaluator *e)
{
    if (e == NULL) {
        return;
    }
    dv_eval_unwind_all(e);
    dv_eval_release_instance(e);
    EvalBuffer *lasting[] = {&e->stack,   &e->main.frames, &e->main.values,
                             &e->staging, &e->ret_offsets, &e->scratch};
    for (u32 i = 0; i < ARRAY_LEN(lasting); i++) {
        dv_eval_release(e, lasting[i]);
    }
    Arena arena = e->arena; /* holds the evaluator itself */
    dv_arena_release(&arena);
}

void dv_eval_reset(Evaluator *e)
{
    dv_eval_release_instance(e);
    for (u32 i = 0; i < e->symbols.len; i++) {
        e->symbols.data[i].has_data = false;
    }
    e->fuel = UINT64_MAX;
    e->pinned = EVAL_STACK_TOP - e->stack_top; /* 0, but with the other stack */
    e->generation++;
}

typedef struct AddRequest {
    Evaluator *e;
    const Func *f;
    u32 symbol;
} AddRequest;

static u8 *copy_types(Arena *arena, const u8 *types, u32 count)
{
    u8 *copy = ARENA_ARRAY(arena, u8, count);
    if (count != 0) {
        memcpy(copy, types, count);
    }
    return copy;
}

/* Function entities tell the Wasm types of the functions they name; the first word on a name holds.
 */
static void learn_types(Evaluator *e, const Func *f)
{
    for (u32 i = 0; i < f->wasm_funcs.len; i++) {
        const WasmFuncData *w = &f->wasm_funcs.data[i];
        if (!w->present || !w->has_name || w->type.id >= f->wasm_types.len) {
            continue;
        }
        u32 symbol = dv_eval_symbol(e, &w->name);
        if (e->symbols.data[symbol].has_type) {
            continue;
        }
        WasmTypeData type = f->wasm_types.data[w->type.id];
        type.params = copy_types(&e->arena, type.params, type.num_params);
        type.results = copy_types(&e->arena, type.results, type.num_results);
        e->symbols.data[symbol].type = type;
        e->symbols.data[symbol].has_type = true;
    }
}

static void add_function(void *context)
{
    AddRequest *r = context;
    learn_types(r->e, r->f);
    r->symbol = dv_eval_symbol(r->e, &r->f->name);
    r->e->symbols.data[r->symbol].func = r->f;
    r->e->symbols.data[r->symbol].code = NULL;
}

bool dv_eval_add(Evaluator *e, const Func *f)
{
    AddRequest request = {e, f, 0};
    return dv_pool_protect(e->pool, add_function, &request) == DAVIT_OK;
}

const Func *dv_eval_find(const Evaluator *e, const ExtName *name)
{
    u32 symbol;
    return find_symbol(e, name, &symbol) ? e->symbols.data[symbol].func : NULL;
}

u32 dv_eval_func_ref(Evaluator *e, const Func *f)
{
    u32 symbol;
    return find_symbol(e, &f->name, &symbol) ? symbol + 1 : 0;
}

void dv_eval_set_fuel(Evaluator *e, u64 fuel)
{
    e->fuel = fuel;
}

typedef struct SymbolRequest {
    Evaluator *e;
    const ExtName *name;
    const u8 *bytes;
    u64 len;
    u64 *address;
    bool done;
} SymbolRequest;

static void set_symbol(void *context)
{
    SymbolRequest *r = context;
    Evaluator *e = r->e;
    u32 symbol = dv_eval_symbol(e, r->name);
    u64 start = align_up(e->data.len, 16);
    u64 room = EVAL_STACK_BASE - EVAL_DATA_BASE - start;
    if (r->len > room || !dv_eval_resize(e, &e->data, start + r->len)) {
        return;
    }
    if (r->bytes != NULL && r->len != 0) {
        memcpy(e->data.data + start, r->bytes, (usize)r->len);
    }
    e->symbols.data[symbol].has_data = true;
    e->symbols.data[symbol].data_address = (u32)(EVAL_DATA_BASE + start);
    *r->address = EVAL_DATA_BASE + start;
    r->done = true;
}

bool dv_eval_set_symbol(Evaluator *e, const ExtName *name, const u8 *bytes, u64 len, u64 *address)
{
    SymbolRequest request = {e, name, bytes, len, address, false};
    return dv_pool_protect(e->pool, set_symbol, &request) == DAVIT_OK && request.done;
}
