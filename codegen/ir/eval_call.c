/* eval_call.c - frames, calls and returns, exceptions, and switching between stacks.
 *
 * A call finds its target (a symbol), checks that the target's signature is the one called by, puts
 * the arguments into `staging` and pushes a frame; a tail call pops its own first. A return puts
 * its values there and pops; whoever is then on top takes them: as results of the call, or through
 * the normal target of a try_.
 *
 * An exception looks for a handler in the frames below, innermost first, without popping any, so
 * that one nobody catches traps in the frame that threw it. Items are tried in order. tagN means
 * the module's tag that the function declares as tagN, or number N if it declares none; default
 * catches all; after `context v`, tags catch only exceptions whose context, the vmctx of the
 * function that threw, is v. Handlers get exn0 = the exnref handle, exn1 = 0.
 *
 * stack_switch as eval.h says: a fiber owns its frames; guest memory only holds its number.
 */
#include "codegen/ir/eval_internal.h"

typedef struct Target {
    u32 symbol;
    const Signature *sig; /* called by */
    const u32 *args;
    u32 num_args;
} Target;

/* ---- Frames ---- */

Code *dv_eval_code(Evaluator *e, u32 symbol)
{
    const EvalSymbol *s = &vec_at(&e->symbols, symbol);
    if (s->func == NULL) {
        (void)dv_eval_error_name(e, "no such function", &s->name);
        return NULL;
    }
    if (s->code == NULL) {
        Code *code = dv_eval_prepare(e, s->func, &e->arena); /* may move symbols */
        vec_at(&e->symbols, symbol).code = code;
        return code;
    }
    return s->code;
}

/* Finds room for the frame's slots below the stack pointer, and clears it. */
static bool take_stack(Evaluator *e, const Code *code, Frame *frame)
{
    u64 top = dv_eval_fiber(e)->sp;
    u64 need = EVAL_FRAME_RECORD + 16 + code->stack_bytes + code->stack_align;
    u64 floor = e->current == 0 ? EVAL_STACK_BASE : 0;
    if (top < floor || top - floor < need) {
        (void)dv_eval_trap(e, TRAP_stk_ovf);
        return false;
    }
    frame->entry_sp = top;
    frame->fp = (top - EVAL_FRAME_RECORD) & ~(u64)15;
    frame->sp = (frame->fp - code->stack_bytes) & ~(code->stack_align - 1);
    if (!dv_eval_count_bytes(e, code->stack_bytes)) {
        return false;
    }
    if (e->current == 0 && !dv_eval_grow_stack(e, frame->sp)) {
        (void)dv_eval_error(e, "memory limit");
        return false;
    }
    if (e->current == 0) {
        e->main.sp = frame->sp;
    }
    u8 *memory = dv_eval_at(e, frame->sp, top - frame->sp);
    if (memory == NULL) {
        (void)dv_eval_trap(e, TRAP_stk_ovf);
        return false;
    }
    memset(memory, e->stack_fill, (usize)(top - frame->sp));
    return true;
}

/* The callee's copies of what sarg(N) arguments point at. */
static Flow copy_sargs(Evaluator *e, const Code *code)
{
    const Func *f = code->func;
    const u32 *params = dv_block_params(f, f->first_block);
    u64 to = dv_eval_frame(e)->sp + code->sarg_offset;
    for (u32 i = 0; i < f->sig.num_params; i++) {
        if (f->sig.params[i].purpose != PURPOSE_SARG) {
            continue;
        }
        u64 size = f->sig.params[i].sarg_bytes;
        const u8 *from = dv_eval_at(e, dv_eval_int(e, params[i]), size);
        u8 *copy = dv_eval_at(e, to, size);
        if (from == NULL || copy == NULL) {
            return dv_eval_trap(e, TRAP_heap_oob);
        }
        memmove(copy, from, (usize)size);
        dv_eval_set_int(e, params[i], to);
        to += (size + 15) & ~(u64)15;
    }
    return FLOW_MOVED;
}

static Flow check_stack_limit(Evaluator *e)
{
    const Func *f = dv_eval_func(e);
    u64 limit;
    if (!f->has_stack_limit) {
        return FLOW_MOVED;
    }
    if (!dv_eval_global_value(e, f->stack_limit, &limit)) {
        return FLOW_STOP;
    }
    return dv_eval_frame(e)->sp < limit ? dv_eval_trap(e, TRAP_stk_ovf) : FLOW_MOVED;
}

Flow dv_eval_push(Evaluator *e, Code *code)
{
    if (e->depth >= e->max_depth) {
        return dv_eval_trap(e, TRAP_stk_ovf);
    }
    if (code->generation != e->generation && !dv_eval_bind(e, code)) {
        return FLOW_STOP;
    }
    Fiber *fiber = dv_eval_fiber(e);
    if (!dv_eval_reserve(e, &fiber->values, fiber->values.len + code->frame_bytes) ||
        !dv_eval_reserve(e, &fiber->frames, fiber->frames.len + sizeof(Frame))) {
        return dv_eval_error(e, "memory limit");
    }
    const Func *f = code->func;
    Frame frame = {.code = code, .values = fiber->values.len};
    frame.inst = dv_block(f, f->first_block)->first;
    if (!take_stack(e, code, &frame)) {
        return FLOW_STOP;
    }
    fiber->sp = frame.sp;
    fiber->values.len += code->frame_bytes;
    memcpy(fiber->frames.data + fiber->frames.len, &frame, sizeof frame);
    fiber->frames.len += sizeof frame;
    e->depth++;
    const u32 *params = dv_block_params(f, f->first_block);
    const u8 *from = e->staging.data;
    for (u32 i = 0; i < f->sig.num_params; i++) {
        u32 size = type_bytes(code->types[params[i]]);
        memcpy(dv_eval_value(e, params[i]), from, size);
        from += size;
    }
    if (code->vmctx_param != ENTITY_NONE) {
        dv_eval_frame(e)->vmctx = dv_eval_int(e, params[code->vmctx_param]);
    }
    Flow flow = copy_sargs(e, code);
    return flow == FLOW_STOP ? flow : check_stack_limit(e);
}

void dv_eval_pop(Evaluator *e)
{
    Fiber *fiber = dv_eval_fiber(e);
    const Frame *frame = dv_eval_frame(e);
    fiber->sp = frame->entry_sp;
    fiber->values.len = frame->values;
    fiber->frames.len -= sizeof(Frame);
    e->depth--;
}

void dv_eval_unwind_all(Evaluator *e)
{
    for (u32 i = 0; i < e->fibers.len; i++) {
        Fiber *fiber = e->fibers.data[i];
        if (fiber != &e->main) {
            dv_eval_release(e, &fiber->frames);
            dv_eval_release(e, &fiber->values);
        }
    }
    e->fibers.data = NULL;
    e->fibers.len = e->fibers.cap = 0;
    e->current = 0;
    e->main.frames.len = e->main.values.len = 0;
    e->main.sp = e->stack_top;
    e->main.suspended = false;
    e->depth = 0;
    dv_arena_release(&e->call);
}

/* ---- Arguments and results ---- */

static bool stage_values(Evaluator *e, const u32 *values, u32 count)
{
    u64 total = 0;
    for (u32 i = 0; i < count; i++) {
        total += type_bytes(dv_eval_type(e, values[i]));
    }
    if (!dv_eval_reserve(e, &e->staging, total)) {
        (void)dv_eval_error(e, "memory limit");
        return false;
    }
    e->staging.len = total;
    u8 *to = e->staging.data;
    for (u32 i = 0; i < count; i++) {
        u32 size = type_bytes(dv_eval_type(e, values[i]));
        memcpy(to, dv_eval_value(e, values[i]), size);
        to += size;
    }
    return true;
}

/* What is staged becomes the outcome of the try_ that the top frame waits at. */
static Flow deliver_to_try(Evaluator *e, const ExceptionTable *table)
{
    const Func *f = dv_eval_func(e);
    const Signature *sig = dv_inst_signature(f, dv_eval_frame(e)->inst);
    if (!dv_eval_reserve(e, &e->ret_offsets, (u64)sig->num_results * 4)) {
        return dv_eval_error(e, "memory limit");
    }
    u32 offset = 0;
    for (u32 i = 0; i < sig->num_results; i++) {
        store_le32(e->ret_offsets.data + (usize)i * 4, offset);
        offset += type_bytes(sig->results[i].type);
    }
    return dv_eval_jump(e, &vec_at(&f->calls, table->dests));
}

/* Gives what is staged to whoever is on top: the caller of what has just returned. */
static Flow deliver(Evaluator *e)
{
    if (dv_eval_frame_count(dv_eval_fiber(e)) == 0) {
        if (e->current != 0) {
            return dv_eval_error(e, "the first function of a fiber returned");
        }
        e->outcome = EVAL_RETURNED;
        return FLOW_STOP;
    }
    Frame *frame = dv_eval_frame(e);
    const Func *f = frame->code->func;
    const ExceptionTable *table = dv_inst_exceptions(f, frame->inst);
    if (table != NULL) {
        return deliver_to_try(e, table);
    }
    const u32 *results = dv_inst_results(f, frame->inst);
    const u8 *from = e->staging.data;
    for (u32 i = 0; i < dv_inst_const(f, frame->inst)->num_results; i++) {
        u32 size = type_bytes(dv_eval_type(e, results[i]));
        memcpy(dv_eval_value(e, results[i]), from, size);
        from += size;
    }
    frame->inst = dv_inst_next(f, frame->inst);
    return FLOW_MOVED;
}

Flow dv_eval_step_return(Evaluator *e)
{
    Inst inst = dv_eval_frame(e)->inst;
    const Func *f = dv_eval_func(e);
    if (!stage_values(e, dv_inst_args(f, inst), dv_inst_const(f, inst)->num_args)) {
        return FLOW_STOP;
    }
    dv_eval_pop(e);
    return deliver(e);
}

/* ---- Library calls ---- */

typedef struct FloatCall {
    u8 call;
    u16 op;
    Type type;
    u8 num_args;
} FloatCall;

/* Those that are an operation. */
static const FloatCall value_calls[] = {
    {LIBCALL_CeilF32, OP_ceil, TYPE_F32, 1},
    {LIBCALL_CeilF64, OP_ceil, TYPE_F64, 1},
    {LIBCALL_FloorF32, OP_floor, TYPE_F32, 1},
    {LIBCALL_FloorF64, OP_floor, TYPE_F64, 1},
    {LIBCALL_TruncF32, OP_trunc, TYPE_F32, 1},
    {LIBCALL_TruncF64, OP_trunc, TYPE_F64, 1},
    {LIBCALL_NearestF32, OP_nearest, TYPE_F32, 1},
    {LIBCALL_NearestF64, OP_nearest, TYPE_F64, 1},
    {LIBCALL_FmaF32, OP_fma, TYPE_F32, 3},
    {LIBCALL_FmaF64, OP_fma, TYPE_F64, 3},
    {LIBCALL_X86Pshufb, OP_x86_pshufb, TYPE_I8X16, 2},
};

/* Arguments and result lie at `staged`. */
static void apply_value_call(const FloatCall *call, u8 *staged)
{
    u8 result[16];
    u32 size = type_bytes(call->type);
    EvalOp op = {.op = (Op)call->op, .type = call->type, .num_args = call->num_args};
    for (u32 i = 0; i < call->num_args; i++) {
        op.arg_types[i] = call->type;
        op.args[i] = staged + (usize)i * size;
    }
    op.result_types[0] = call->type;
    op.results[0] = result;
    (void)dv_eval_op(&op); /* none of them traps */
    memcpy(staged, result, size);
}

/* memcpy and memmove, memset, memcmp. A length of zero touches nothing. */
static Flow apply_memory_call(Evaluator *e, LibCall call, u8 *staged)
{
    u32 p = e->options.address_bits / 8u;
    u64 a = dv_eval_read(staged, p);
    u32 second = call == LIBCALL_Memset ? 4 : p;
    u64 b = dv_eval_read(staged + p, second);
    u64 length = dv_eval_read(staged + p + second, p);
    u8 *to = dv_eval_at(e, a, length);
    const u8 *from = call == LIBCALL_Memset ? to : dv_eval_at(e, b, length);
    if (length == 0) {
        dv_eval_write(staged, call == LIBCALL_Memcmp ? 4 : p, call == LIBCALL_Memcmp ? 0 : a);
        return FLOW_NEXT;
    }
    if (to == NULL || from == NULL) {
        return dv_eval_trap(e, TRAP_heap_oob);
    }
    if (!dv_eval_count_bytes(e, length)) {
        return FLOW_STOP;
    }
    if (call == LIBCALL_Memcmp) {
        int order = memcmp(to, from, (usize)length);
        dv_eval_write(staged, 4, order == 0 ? 0 : order < 0 ? UINT32_MAX : 1);
    } else if (call == LIBCALL_Memset) {
        memset(to, (u8)b, (usize)length);
    } else {
        memmove(to, from, (usize)length);
    }
    return FLOW_NEXT;
}

/* From arguments to results in staging. There is one thread, and thread-local symbols lie where
 * they are declared: both ElfTls calls give what they get. */
static Flow apply_libcall(Evaluator *e, LibCall call)
{
    if (!dv_eval_reserve(e, &e->staging, 16)) {
        return dv_eval_error(e, "memory limit");
    }
    for (u32 i = 0; i < ARRAY_LEN(value_calls); i++) {
        if (value_calls[i].call == call) {
            apply_value_call(&value_calls[i], e->staging.data);
            return FLOW_NEXT;
        }
    }
    switch (call) {
    case LIBCALL_Memcpy:
    case LIBCALL_Memmove:
    case LIBCALL_Memset:
    case LIBCALL_Memcmp:
        return apply_memory_call(e, call, e->staging.data);
    default:
        return FLOW_NEXT; /* Probestack, ElfTlsGetAddr, ElfTlsGetOffset */
    }
}

/* ---- Calls ---- */

static bool same_types(const Param *a, u32 num_a, const Param *b, u32 num_b)
{
    if (num_a != num_b) {
        return false;
    }
    for (u32 i = 0; i < num_a; i++) {
        if (a[i].type != b[i].type) {
            return false;
        }
    }
    return true;
}

static bool sigs_agree(const Signature *a, const Signature *b)
{
    return same_types(a->params, a->num_params, b->params, b->num_params) &&
           same_types(a->results, a->num_results, b->results, b->num_results);
}

static bool is_libcall(const Evaluator *e, u32 symbol)
{
    const EvalSymbol *s = &vec_at(&e->symbols, symbol);
    return s->func == NULL && s->name.kind == NAME_LIBCALL;
}

static Flow call_target(Evaluator *e, const Target *t, bool tail)
{
    const EvalSymbol *s = &vec_at(&e->symbols, t->symbol);
    bool library = is_libcall(e, t->symbol);
    Code *code = library ? NULL : dv_eval_code(e, t->symbol);
    if (!library && code == NULL) {
        return FLOW_STOP;
    }
    const Signature *sig = library ? &e->libcall_sigs[s->name.libcall] : &code->func->sig;
    if (!sigs_agree(t->sig, sig) || (!library && t->sig->conv != sig->conv)) {
        return dv_eval_error_name(e, "called by a signature that is not its own",
                                  &vec_at(&e->symbols, t->symbol).name);
    }
    if (!stage_values(e, t->args, t->num_args)) {
        return FLOW_STOP;
    }
    if (library && apply_libcall(e, s->name.libcall) == FLOW_STOP) {
        return FLOW_STOP;
    }
    if (tail) {
        dv_eval_pop(e);
    }
    return library ? deliver(e) : dv_eval_push(e, code);
}

/* ---- Finding who is called ---- */

static bool find_by_address(Evaluator *e, u64 address, u32 *symbol)
{
    u64 offset = address - EVAL_CODE_BASE;
    u64 index = offset / EVAL_ADDRESS_STEP;
    if (address < EVAL_CODE_BASE || offset % EVAL_ADDRESS_STEP != 0 || index >= e->symbols.len) {
        (void)dv_eval_error(e, "the address called is no function's");
        return false;
    }
    *symbol = (u32)index;
    return true;
}

static bool types_equal(const WasmTypeData *a, const WasmTypeData *b)
{
    return a->has_index == b->has_index && a->index == b->index && a->num_params == b->num_params &&
           a->num_results == b->num_results &&
           (a->num_params == 0 || memcmp(a->params, b->params, a->num_params) == 0) &&
           (a->num_results == 0 || memcmp(a->results, b->results, a->num_results) == 0);
}

static bool lists_match(const Param *params, u32 count, const u8 *types, u32 num_types)
{
    if (count != num_types) {
        return false;
    }
    for (u32 i = 0; i < count; i++) {
        WasmValType t = (WasmValType)types[i];
        bool reference = t == WASM_FUNCREF || t == WASM_EXTERNREF || t == WASM_EXNREF;
        if (reference || params[i].type != dv_wasm_valtype_type(t)) {
            return false;
        }
    }
    return true;
}

/* Is the function of this type? One that no entity gave a type has that of its signature, without
 * references. */
static bool has_wasm_type(const EvalSymbol *s, const WasmTypeData *type)
{
    if (s->has_type) {
        return types_equal(&s->type, type);
    }
    if (s->func == NULL) {
        return true; /* "no such function" is said later */
    }
    const Signature *sig = &s->func->sig;
    return !type->has_index &&
           lists_match(sig->params, sig->num_params, type->params, type->num_params) &&
           lists_match(sig->results, sig->num_results, type->results, type->num_results);
}

static bool find_by_handle(Evaluator *e, u32 handle, WasmType type, u32 *symbol)
{
    if (handle > e->symbols.len) {
        (void)dv_eval_error(e, "the handle called is no function's");
        return false;
    }
    *symbol = handle - 1;
    if (!has_wasm_type(&vec_at(&e->symbols, *symbol),
                       &vec_at(&dv_eval_func(e)->wasm_types, type.id))) {
        (void)dv_eval_trap(e, TRAP_bad_sig);
        return false;
    }
    return true;
}

static bool find_by_table(Evaluator *e, const InstData *d, u64 index, u32 *symbol)
{
    const EvalEntity *table = dv_eval_entity(e, ENT_TABLE, d->ent);
    if (index >= table->bytes.len / 4) {
        (void)dv_eval_trap(e, TRAP_undef_elem);
        return false;
    }
    u32 handle;
    memcpy(&handle, table->bytes.data + (usize)index * 4, 4);
    if (handle == 0) {
        (void)dv_eval_trap(e, TRAP_null_elem);
        return false;
    }
    return find_by_handle(e, handle, (WasmType){d->imm[0]}, symbol);
}

static bool find_target(Evaluator *e, const InstData *d, Target *t)
{
    const Code *code = dv_eval_frame(e)->code;
    switch (dv_ops[d->op].format) {
    case FORMAT_CALL:
    case FORMAT_TRY_CALL:
        t->symbol = code->callees[d->ent];
        return true;
    case FORMAT_CALL_IMPORT:
    case FORMAT_TRY_CALL_IMPORT:
        t->symbol = code->wasm_callees[d->ent];
        if (t->symbol == ENTITY_NONE) {
            (void)dv_eval_error(e, "a function entity without a name was called");
            return false;
        }
        return true;
    default:
        break;
    }
    u64 callee = dv_eval_int(e, t->args[0]);
    t->args++;
    t->num_args--;
    switch (dv_ops[d->op].format) {
    case FORMAT_CALL_INDIRECT:
    case FORMAT_TRY_CALL_INDIRECT:
        return find_by_address(e, callee, &t->symbol);
    case FORMAT_CALL_TABLE:
    case FORMAT_TRY_CALL_TABLE:
        return find_by_table(e, d, callee, &t->symbol);
    default:
        if (callee == 0) {
            (void)dv_eval_trap(e, TRAP_null_func);
            return false;
        }
        return find_by_handle(e, (u32)callee, (WasmType){d->ent}, &t->symbol);
    }
}

Flow dv_eval_step_call(Evaluator *e, const InstData *d)
{
    const Func *f = dv_eval_func(e);
    Inst inst = dv_eval_frame(e)->inst;
    Target t = {0, dv_inst_signature(f, inst), dv_inst_args(f, inst), d->num_args};
    if (!find_target(e, d, &t)) {
        return FLOW_STOP;
    }
    bool tail = (dv_ops[d->op].effects & (FX_TERM | FX_BRANCH)) == FX_TERM;
    return call_target(e, &t, tail);
}

/* ---- Exceptions ---- */

/* The target, among the table's, that catches x in a frame that waits at a try_; 0 if none does. */
static u32 find_handler(const Fiber *fiber, const Frame *frame, const Exception *x)
{
    const Func *f = frame->code->func;
    const ExceptionTable *table = dv_inst_exceptions(f, frame->inst);
    bool right_context = true;
    for (u32 i = 0; table != NULL && i < table->num_handlers; i++) {
        const Handler *h = &table->handlers[i];
        if (h->kind == HANDLER_DEFAULT) {
            return h->dest;
        }
        if (h->kind == HANDLER_CONTEXT) {
            const u8 *bytes =
                fiber->values.data + frame->values + frame->code->offsets[h->context.id];
            u32 size = type_bytes(frame->code->types[h->context.id]);
            right_context = dv_eval_read(bytes, size < 8 ? size : 8) == x->context;
            continue;
        }
        if (right_context && dv_func_tag(f, h->tag) == x->tag) {
            return h->dest;
        }
    }
    return 0;
}

Flow dv_eval_raise(Evaluator *e, u32 handle)
{
    if (handle == 0) {
        return dv_eval_trap(e, TRAP_null_exn);
    }
    if (handle > e->exceptions.len) {
        return dv_eval_error(e, "the handle thrown is no exception's");
    }
    const Exception *x = &vec_at(&e->exceptions, handle - 1);
    const Fiber *fiber = dv_eval_fiber(e);
    for (u64 i = dv_eval_frame_count(fiber) - 1; i-- > 0;) {
        const Frame *frame = dv_eval_frame_at(fiber, i);
        u32 dest = find_handler(fiber, frame, x);
        if (dest == 0) {
            continue;
        }
        u32 first = dv_inst_exceptions(frame->code->func, frame->inst)->dests;
        while (dv_eval_frame_count(fiber) > i + 1) {
            dv_eval_pop(e);
        }
        store_le64(e->exn[0], handle);
        store_le64(e->exn[1], 0);
        return dv_eval_jump(e, &vec_at(&dv_eval_func(e)->calls, first + dest));
    }
    return dv_eval_trap(e, TRAP_exception);
}

Flow dv_eval_throw(Evaluator *e, u32 tag)
{
    if (e->max_memory - e->held_bytes < sizeof(Exception)) {
        return dv_eval_error(e, "memory limit");
    }
    Exception x = {tag, dv_eval_frame(e)->vmctx};
    vec_push(&e->instance, &e->exceptions, x);
    e->held_bytes += sizeof x;
    return dv_eval_raise(e, e->exceptions.len);
}

/* ---- Stack switching ---- */

static u64 load_word(const u8 *p, u32 size, bool big)
{
    return size == 4 ? load_u32(p, big) : load_u64(p, big);
}

static void store_word(u8 *p, u32 size, u64 x, bool big)
{
    if (size == 4) {
        store_u32(p, (u32)x, big);
    } else {
        store_u64(p, x, big);
    }
}

/* Context words: stack pointer, frame pointer, where to go on. */
static void suspend(Evaluator *e, u8 *context, u32 word)
{
    Fiber *fiber = dv_eval_fiber(e);
    bool big = e->options.big_endian;
    fiber->suspended = true;
    fiber->saved_fp = dv_eval_frame(e)->fp;
    store_word(context, word, fiber->sp, big);
    store_word(context + word, word, fiber->saved_fp, big);
    store_word(context + 2 * word, word, EVAL_FIBER_BASE + (u64)e->current * EVAL_ADDRESS_STEP,
               big);
}

static Flow resume(Evaluator *e, u32 fiber, u64 payload)
{
    e->current = fiber;
    e->fibers.data[fiber]->suspended = false;
    Frame *frame = dv_eval_frame(e);
    const Func *f = frame->code->func;
    dv_eval_set_int(e, dv_inst_results(f, frame->inst)[0], payload);
    frame->inst = dv_inst_next(f, frame->inst);
    return FLOW_MOVED;
}

static Flow start_fiber(Evaluator *e, Code *code, u64 sp, u64 payload, u32 word)
{
    if (!dv_eval_reserve(e, &e->staging, word)) {
        return dv_eval_error(e, "memory limit");
    }
    dv_eval_write(e->staging.data, word, payload);
    e->staging.len = word;
    Fiber *fiber = ARENA_NEW(&e->call, Fiber);
    fiber->frames.home = fiber->values.home = &e->call;
    fiber->sp = sp;
    vec_push(&e->call, &e->fibers, fiber);
    e->current = e->fibers.len - 1;
    return dv_eval_push(e, code);
}

Flow dv_eval_step_switch(Evaluator *e, const InstData *d)
{
    u32 word = type_bytes(d->type);
    bool big = e->options.big_endian;
    u8 *to = dv_eval_at(e, dv_eval_int(e, d->args[0]), 3u * word);
    const u8 *from = dv_eval_at(e, dv_eval_int(e, d->args[1]), 3u * word);
    u64 payload = dv_eval_int(e, d->args[2]);
    if (to == NULL || from == NULL) {
        return dv_eval_trap(e, TRAP_heap_oob);
    }
    u64 sp = load_word(from, word, big);
    u64 fp = load_word(from + word, word, big);
    u64 pc = load_word(from + 2 * word, word, big);
    u64 index = (pc - EVAL_FIBER_BASE) / EVAL_ADDRESS_STEP;
    if (pc >= EVAL_FIBER_BASE && index < e->fibers.len) {
        const Fiber *fiber = e->fibers.data[index];
        if (!fiber->suspended || fiber->sp != sp || fiber->saved_fp != fp) {
            return dv_eval_error(e, "stack_switch to a context that is not suspended");
        }
        suspend(e, to, word);
        return resume(e, (u32)index, payload);
    }
    u32 symbol;
    if (pc < EVAL_CODE_BASE || !find_by_address(e, pc, &symbol)) {
        return dv_eval_error(e, "stack_switch to what is no context");
    }
    if (e->fibers.len >= EVAL_MAX_FIBERS) {
        return dv_eval_error(e, "too many fibers");
    }
    Code *code = dv_eval_code(e, symbol);
    if (code == NULL) {
        return FLOW_STOP;
    }
    const Signature *sig = &code->func->sig;
    if (sig->num_params != 1 || sig->params[0].type != d->type) {
        return dv_eval_error(e, "stack_switch to a function that does not take just a payload");
    }
    suspend(e, to, word);
    return start_fiber(e, code, sp, payload, word);
}
