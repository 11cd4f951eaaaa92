/* entities.c - the pass of entities.h: signatures, the walk, and what expansions are made with.
 *
 * Blocks are rebuilt in layout order. The instructions of a block that has something to expand are taken out and come back
 * one by one, at the end of what is then the block at work: itself, or, after an expansion has split it, the block in
 * which it goes on. So each instruction moves at most once, and the pass is linear. Cold blocks go behind all others.
 *
 * Where things are is loaded, not known: the store's state, memories, tables, imported globals. Those pointers never
 * change, so one load serves the whole function if it has loops, where it pays to have them before, else the block.
 * Bases and lengths that growing changes are good up to the next call. Of a shared memory another thread may change
 * the length at any time, so it is loaded for each access.
 *
 * A vmctx in front of a signature, of the entry block's parameters and of calls are put there together: before the walk
 * for all signatures, with each call in it. */
#include "codegen/opt/entities_parts.h"

enum { POINTER_FLAGS = FLAG_ALIGNED | FLAG_READONLY | FLAG_CAN_MOVE };

/* ---- building ---------------------------------------------------------------------------------------------- */

static Inst add(Entities *e, const InstData *data, const u32 *args, u32 num_args)
{
    Func *f = e->f;
    Inst i = dv_inst_make(f, (Op)data->op, data->type, args, num_args);
    InstData *d = dv_inst(f, i);
    d->aux = data->aux;
    d->flags = data->flags;
    d->ent = data->ent;
    memcpy(d->imm, data->imm, sizeof d->imm);
    dv_inst_make_results(f, i);
    if (e->at.id != ENTITY_NONE && dv_srcloc(f, e->at) != SRCLOC_NONE) {
        dv_srcloc_set(f, i, dv_srcloc(f, e->at));
    }
    if (e->before.id != ENTITY_NONE) {
        dv_inst_insert_before(f, i, e->before);
    } else {
        dv_inst_append(f, i, e->block);
    }
    return i;
}

static Value add_value(Entities *e, const InstData *data, const u32 *args, u32 num_args)
{
    return dv_inst_result(e->f, add(e, data, args, num_args), 0);
}

static InstData plain(Op op, Type type)
{
    return (InstData){.op = (u16)op, .type = type, .ent = ENTITY_NONE};
}

Inst dv_ent_add(Entities *e, Op op, Type type, const u32 *args, u32 num_args)
{
    InstData data = plain(op, type);
    return add(e, &data, args, num_args);
}

Value dv_ent_const(Entities *e, Type type, u64 x)
{
    InstData data = plain(OP_iconst, type);
    dv_set_imm64(&data, x);
    return add_value(e, &data, NULL, 0);
}

Value dv_ent_unary(Entities *e, Op op, Type type, Value x)
{
    InstData data = plain(op, type);
    return add_value(e, &data, &x.id, 1);
}

Value dv_ent_binary(Entities *e, Op op, Value x, Value y)
{
    InstData data = plain(op, dv_value_type(e->f, x));
    return add_value(e, &data, (const u32[]){x.id, y.id}, 2);
}

Value dv_ent_compare(Entities *e, IntCC cc, Value x, Value y)
{
    InstData data = plain(OP_icmp, dv_value_type(e->f, x));
    data.aux = (u8)cc;
    return add_value(e, &data, (const u32[]){x.id, y.id}, 2);
}

Value dv_ent_offset(Entities *e, Value x, u64 offset)
{
    return offset == 0 ? x : dv_ent_binary(e, OP_iadd, x, dv_ent_const(e, TYPE_I64, offset));
}

Value dv_ent_wide(Entities *e, Value x)
{
    return dv_value_type(e->f, x) == TYPE_I32 ? dv_ent_unary(e, OP_uextend, TYPE_I64, x) : x;
}

void dv_ent_trap_if(Entities *e, Op op, Value x, TrapCode code)
{
    InstData data = plain(op, dv_value_type(e->f, x));
    data.aux = code;
    add(e, &data, &x.id, 1);
}

Value dv_ent_arg(const Entities *e, u32 n)
{
    return dv_value_resolve(e->f, dv_inst_arg(e->f, e->at, n));
}

InstData *dv_ent_become(Entities *e, Op op, Type type, const u32 *args, u32 num_args)
{
    InstData *d = dv_inst(e->f, e->at);
    d->op = (u16)op;
    d->type = type;
    d->aux = 0;
    d->flags = 0;
    d->ent = ENTITY_NONE;
    dv_set_imm64(d, 0);
    dv_inst_set_args(e->f, e->at, args, num_args);
    dv_inst_append(e->f, e->at, e->block);
    return dv_inst(e->f, e->at);
}

/* ---- the runtime's structures ------------------------------------------------------------------------------ */

static Value load(Entities *e, Op op, Type type, MemFlags flags, Value base, u64 offset)
{
    InstData data = plain(op, type);
    Value at = offset <= INT32_MAX ? base : dv_ent_offset(e, base, offset);
    data.flags = flags;
    data.imm[0] = offset <= INT32_MAX ? (u32)offset : 0;
    return add_value(e, &data, &at.id, 1);
}

Value dv_ent_load(Entities *e, Op op, Type type, Value base, u64 offset)
{
    return load(e, op, type, FLAG_ALIGNED, base, offset);
}

static bool is_good(const EntCached *cached, u32 epoch)
{
    return cached->value != 0 && cached->epoch == epoch;
}

static void keep(EntCached *cached, Value v, u32 epoch)
{
    *cached = (EntCached){v.id + 1, epoch};
}

Value dv_ent_load_fixed(Entities *e, EntCached *cached, Value base, u64 offset)
{
    u32 epoch = e->hoists ? 0 : e->block_epoch;
    if (!is_good(cached, epoch)) {
        e->before = e->hoists ? e->anchor : INST_NONE;
        keep(cached, load(e, OP_load, TYPE_I64, POINTER_FLAGS, base, offset), epoch);
        e->before = INST_NONE;
    }
    return (Value){cached->value - 1};
}

Value dv_ent_load_content(Entities *e, EntCached *cached, Value base, u64 offset)
{
    if (!is_good(cached, e->contents_epoch)) {
        keep(cached, dv_ent_load(e, OP_load, TYPE_I64, base, offset), e->contents_epoch);
    }
    return (Value){cached->value - 1};
}

Value dv_ent_state(Entities *e)
{
    return dv_ent_load_fixed(e, &e->state, e->vmctx, VM_vmctx_state);
}

/* ---- blocks ------------------------------------------------------------------------------------------------ */

static void set_dests(Func *f, Inst branch, const Block *to, u32 count)
{
    u32 calls = dv_calls_make(f, count);
    for (u32 n = 0; n < count; n++) {
        vec_at(&f->calls, calls + n).block = to[n];
    }
    dv_inst(f, branch)->imm[0] = calls;
    dv_inst(f, branch)->imm[1] = count;
}

static Block make_block(Entities *e, bool cold)
{
    Block b = dv_block_make(e->f);
    vec_at(&e->f->blocks, b.id).cold = cold;
    return b;
}

Block dv_ent_begin_cold(Entities *e, Value condition)
{
    Block next = make_block(e, dv_block(e->f, e->block)->cold), cold = make_block(e, true);
    Inst branch = dv_ent_add(e, OP_brif, dv_value_type(e->f, condition), &condition.id, 1);
    set_dests(e->f, branch, (const Block[]){cold, next}, 2);
    dv_block_insert_after(e->f, next, e->block);
    dv_block_append(e->f, cold);
    e->block = cold;
    return next;
}

void dv_ent_end_cold(Entities *e, Block next, TrapCode trap)
{
    if (trap != TRAP_none) {
        InstData data = plain(OP_trap, TYPE_NONE);
        data.aux = trap;
        add(e, &data, NULL, 0);
    } else {
        set_dests(e->f, dv_ent_add(e, OP_jump, TYPE_NONE, NULL, 0), &next, 1);
    }
    e->block = next;
}

/* ---- helpers ----------------------------------------------------------------------------------------------- */

static Type type_of_bits(u32 bits)
{
    return bits == 32 ? TYPE_I32 : TYPE_I64;
}

/* The signature by which a helper is called. */
static u32 helper_sig(Entities *e, const VmHelperInfo *info, VmHelper helper)
{
    if (e->helper_sigs[helper] == 0) {
        Func *f = e->f;
        Signature sig = {.params = ARENA_ARRAY(f->arena, Param, info->num_params),
                         .results = ARENA_ARRAY(f->arena, Param, 1),
                         .num_params = info->num_params,
                         .num_results = info->result_bits != 0,
                         .conv = CC_system_v,
                         .present = true};
        sig.results[0].type = type_of_bits(info->result_bits);
        for (u32 n = 0; n < info->num_params; n++) {
            sig.params[n].type = type_of_bits(info->param_bits[n]);
        }
        e->helper_sigs[helper] = f->sigs.len + 1;
        vec_push(f->arena, &f->sigs, sig);
    }
    return e->helper_sigs[helper] - 1;
}

/* What a helper is called with: its address, the vmctx, args. Gives how many. */
static u32 helper_args(Entities *e, VmHelper helper, const u32 *args, u32 num_args, u32 *out)
{
    VmHelperInfo info = dv_vm_helper_info(helper);
    Value table = load(e, OP_load, TYPE_I64, POINTER_FLAGS, e->vmctx, VM_vmctx_helpers);
    ASSERT(num_args + 1 == info.num_params);
    out[0] = load(e, OP_load, TYPE_I64, POINTER_FLAGS, table, VM_PTR * (u64)helper).id;
    out[1] = e->vmctx.id;
    for (u32 n = 0; n < num_args; n++) {
        Value arg = {args[n]};
        out[n + 2] = (info.param_bits[n + 1] == 64 ? dv_ent_wide(e, arg) : arg).id;
    }
    return num_args + 2;
}

Inst dv_ent_helper(Entities *e, VmHelper helper, const u32 *args, u32 num_args)
{
    u32 all[VM_HELPER_PARAMS_MAX + 1];
    u32 count = helper_args(e, helper, args, num_args, all);
    VmHelperInfo info = dv_vm_helper_info(helper);
    InstData data = plain(OP_call_indirect, TYPE_I64);
    data.ent = helper_sig(e, &info, helper);
    return add(e, &data, all, count);
}

void dv_ent_become_helper(Entities *e, VmHelper helper, const u32 *args, u32 num_args)
{
    u32 all[VM_HELPER_PARAMS_MAX + 1];
    VmHelperInfo info = dv_vm_helper_info(helper);
    const InstData *d = dv_inst_const(e->f, e->at);
    Type type =
        d->num_results == 0 ? TYPE_NONE : dv_value_type(e->f, dv_inst_result(e->f, e->at, 0));
    if (type == TYPE_I32 && info.result_bits == 64) {
        Value wide = dv_inst_result(e->f, dv_ent_helper(e, helper, args, num_args), 0);
        dv_ent_become(e, OP_ireduce, TYPE_I32, &wide.id, 1);
        return;
    }
    u32 count = helper_args(e, helper, args, num_args, all);
    u32 sig = helper_sig(e, &info, helper);
    dv_ent_become(e, OP_call_indirect, TYPE_I64, all, count)->ent = sig;
}

/* ---- counting and attention -------------------------------------------------------------------------------- */

/* Fuel that is UINT64_MAX is without end. */
static void expand_fuel(Entities *e)
{
    u64 amount = dv_imm64(dv_inst_const(e->f, e->at));
    if (amount == 0) {
        return;
    }
    Value state = dv_ent_state(e), n = dv_ent_const(e, TYPE_I64, amount);
    Value before = dv_ent_load(e, OP_load, TYPE_I64, state, VM_state_fuel);
    Block next = dv_ent_begin_cold(e, dv_ent_compare(e, INTCC_ult, before, n));
    dv_ent_helper(e, VM_HELPER_fuel_out, &n.id, 1);
    dv_ent_end_cold(e, next, TRAP_none);
    Value fuel = dv_ent_load(e, OP_load, TYPE_I64, state, VM_state_fuel);
    Value endless = dv_ent_const(e, TYPE_I64, UINT64_MAX);
    Value is_endless = dv_ent_compare(e, INTCC_eq, fuel, endless);
    Value left = dv_ent_binary(e, OP_isub, fuel, n);
    u32 choice[] = {is_endless.id, fuel.id, left.id};
    Inst select = dv_ent_add(e, OP_select, TYPE_I64, choice, 3);
    Value stored = dv_inst_result(e->f, select, 0);
    InstData *d = dv_ent_become(e, OP_store, TYPE_I64, (const u32[]){stored.id, state.id}, 2);
    d->flags = FLAG_ALIGNED;
    d->imm[0] = VM_state_fuel;
}

static void add_poll(Entities *e)
{
    Value poll = dv_ent_load(e, OP_load, TYPE_I32, dv_ent_state(e), VM_state_poll);
    Block next = dv_ent_begin_cold(e, poll);
    dv_ent_helper(e, VM_HELPER_poll, NULL, 0);
    dv_ent_end_cold(e, next, TRAP_none);
    e->contents_epoch++;
}

/* ---- the walk ---------------------------------------------------------------------------------------------- */

/* True if the instruction has to be looked at: it is about a runtime entity, or a call. */
static bool is_expanded(const Func *f, Inst i)
{
    u32 op = dv_inst_const(f, i)->op;
    return op >= OP_heap_load || (dv_ops[op].effects & FX_CALL) != 0;
}

static void expand_inst(Entities *e, Inst i)
{
    e->at = i;
    bool is_fuel = dv_inst_const(e->f, i)->op == OP_fuel;
    if (is_fuel) {
        expand_fuel(e);
    } else if (!dv_ent_memory(e) && !dv_ent_table(e) && !dv_ent_call(e)) {
        dv_inst_append(e->f, i, e->block);
    }
    e->at = INST_NONE;
}

static bool may_change_contents(const Func *f, Inst i)
{
    u32 op = dv_inst_const(f, i)->op;
    return (dv_ops[op].effects & FX_CALL) != 0 || op == OP_memory_grow || op == OP_table_grow;
}

static void rebuild_block(Entities *e, Block b, bool polls)
{
    Func *f = e->f;
    ArenaMark mark = dv_arena_mark(e->scratch);
    VEC(Inst) insts = {0};
    bool any = polls;
    for (Inst i = dv_block(f, b)->first; i.id != ENTITY_NONE; i = dv_inst_next(f, i)) {
        vec_push(e->scratch, &insts, i);
        any = any || is_expanded(f, i);
    }
    e->block = b;
    e->block_epoch++;
    e->contents_epoch++;
    for (u32 n = 0; any && n < insts.len; n++) {
        if (insts.data[n].id != e->anchor.id) {
            dv_inst_remove(f, insts.data[n]);
        }
    }
    if (polls) {
        for (u32 n = 0; n < insts.len && e->at.id == ENTITY_NONE; n++) {
            e->at = dv_srcloc(f, insts.data[n]) != SRCLOC_NONE ? insts.data[n] : INST_NONE;
        }
        add_poll(e); /* it is where what follows is */
        e->at = INST_NONE;
    }
    for (u32 n = 0; any && n < insts.len; n++) {
        Inst i = insts.data[n];
        bool changes = may_change_contents(f, i);
        if (is_expanded(f, i)) {
            expand_inst(e, i);
        } else if (i.id != e->anchor.id) {
            dv_inst_append(f, i, e->block);
        }
        e->contents_epoch += changes ? 1 : 0;
    }
    dv_arena_release_to(e->scratch, mark);
}

/* What is known of the blocks before the walk. */
typedef struct Shape {
    bool *is_header; /* a branch from here or from further down leads there */
    Block *ends;     /* by original block: where its end came to be */
    bool has_loops, has_calls, has_handler_addresses;
} Shape;

static void mark_headers(Shape *s, const Func *f, Inst i, const u32 *position, u32 here)
{
    u32 count;
    const BlockCall *dests = dv_inst_dests_const(f, i, &count);
    for (u32 n = 0; n < count; n++) {
        if (position[dests[n].block.id] <= here) {
            s->is_header[dests[n].block.id] = true;
            s->has_loops = true;
        }
    }
}

static void find_shape(Shape *s, const Func *f, Arena *scratch)
{
    u32 *position = ARENA_ARRAY(scratch, u32, f->blocks.len);
    u32 at = 0;
    *s = (Shape){.is_header = ARENA_ARRAY(scratch, bool, f->blocks.len),
                 .ends = ARENA_ARRAY(scratch, Block, f->blocks.len)};
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = dv_block(f, b)->next) {
        position[b.id] = at++;
    }
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = dv_block(f, b)->next) {
        for (Inst i = dv_block(f, b)->first; i.id != ENTITY_NONE; i = dv_inst_next(f, i)) {
            u32 op = dv_inst_const(f, i)->op;
            s->has_calls = s->has_calls || (dv_ops[op].effects & FX_CALL) != 0;
            s->has_handler_addresses =
                s->has_handler_addresses || op == OP_get_exception_handler_address;
            mark_headers(s, f, i, position, position[b.id]);
        }
    }
}

/* The blocks that end in a try_call are named by others. */
static void rename_ends(Func *f, const Shape *s)
{
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = dv_block(f, b)->next) {
        for (Inst i = dv_block(f, b)->first; i.id != ENTITY_NONE; i = dv_inst_next(f, i)) {
            InstData *d = dv_inst(f, i);
            if (d->op == OP_get_exception_handler_address) {
                d->ent = s->ends[d->ent].id;
            }
        }
    }
}

static void rebuild(Entities *e)
{
    Func *f = e->f;
    Shape shape;
    find_shape(&shape, f, e->scratch);
    bool polls = e->vm->polls && f->sig.conv == CC_wasm; /* another's vmctx may be anything */
    Block last = f->last_block, next;
    e->hoists = shape.has_loops;
    e->anchor = dv_inst_make(f, OP_nop, TYPE_NONE, NULL, 0);
    dv_inst_insert_before(f, e->anchor, dv_block(f, f->first_block)->first);
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = next) {
        next = b.id == last.id ? BLOCK_NONE : dv_block(f, b)->next;
        bool is_entry = b.id == f->first_block.id;
        rebuild_block(e, b, polls && (is_entry ? shape.has_calls : shape.is_header[b.id]));
        shape.ends[b.id] = e->block;
    }
    dv_inst_remove(f, e->anchor);
    if (shape.has_handler_addresses) {
        rename_ends(f, &shape);
    }
}

/* ---- signatures and parameters ----------------------------------------------------------------------------- */

static bool begins_with_vmctx(const Signature *sig)
{
    return sig->num_params != 0 && sig->params[0].purpose == PURPOSE_VMCTX;
}

/* True if a vmctx had to be put in front. */
static bool add_vmctx(Func *f, Signature *sig)
{
    if (sig->conv != CC_wasm || begins_with_vmctx(sig)) {
        return false;
    }
    Param *params = ARENA_ARRAY(f->arena, Param, sig->num_params + 1);
    params[0] = (Param){.type = TYPE_I64, .purpose = PURPOSE_VMCTX};
    if (sig->num_params != 0) {
        memcpy(params + 1, sig->params, sig->num_params * sizeof *params);
    }
    sig->params = params;
    sig->num_params++;
    return true;
}

/* A first parameter of the entry block. */
static void add_entry_param(Func *f)
{
    Block entry = f->first_block;
    u32 count = dv_block(f, entry)->num_params;
    Value v = dv_value_make(f, TYPE_I64);
    u32 start = f->pool.len;
    vec_extend(f->arena, &f->pool, count + 1);
    f->pool.data[start] = v.id;
    for (u32 n = 0; n < count; n++) {
        u32 param = dv_block_params(f, entry)[n];
        f->pool.data[start + n + 1] = param;
        vec_at(&f->values, param).num = n + 1;
    }
    f->values.data[v.id] = (ValueData){entry.id, 0, TYPE_I64, VALUE_PARAM};
    BlockData *block = &vec_at(&f->blocks, entry.id);
    block->params = start;
    block->num_params = block->cap_params = count + 1;
}

static Value find_vmctx(const Func *f)
{
    for (u32 n = 0; n < f->sig.num_params; n++) {
        if (f->sig.params[n].purpose == PURPOSE_VMCTX) {
            return (Value){dv_block_params(f, f->first_block)[n]};
        }
    }
    return VALUE_NONE;
}

static void expand_signatures(Entities *e)
{
    Func *f = e->f;
    e->takes_vmctx = ARENA_ARRAY(e->scratch, bool, f->sigs.len + 1);
    for (u32 n = 0; n < f->sigs.len; n++) {
        e->takes_vmctx[n] = f->sigs.data[n].present && add_vmctx(f, &f->sigs.data[n]);
    }
    if (add_vmctx(f, &f->sig)) {
        add_entry_param(f);
    }
    e->vmctx = find_vmctx(f);
}

static u32 add_global_value(Func *f, GlobalValueData gv)
{
    gv.region.id = ENTITY_NONE;
    gv.type = TYPE_I64;
    vec_push(f->arena, &f->global_values, gv);
    return f->global_values.len - 1;
}

static void add_stack_limit(Func *f)
{
    GlobalValueData vmctx = {.kind = GV_VMCTX};
    GlobalValueData state = {.kind = GV_LOAD,
                             .flags = POINTER_FLAGS,
                             .base = {add_global_value(f, vmctx)},
                             .offset = VM_vmctx_state};
    GlobalValueData limit = {.kind = GV_LOAD,
                             .flags = FLAG_ALIGNED,
                             .base = {add_global_value(f, state)},
                             .offset = VM_state_stack_limit};
    f->stack_limit.id = add_global_value(f, limit);
    f->has_stack_limit = true;
}

/* ---- the module -------------------------------------------------------------------------------------------- */

static void at_least(u32 *count, u32 index)
{
    *count = *count <= index ? index + 1 : *count;
}

u32 dv_ent_type_index(const Func *f, u32 type)
{
    const WasmTypeData *t = &vec_at(&f->wasm_types, type);
    return t->has_index ? t->index : type;
}

/* A module that has what the preamble names. */
static VmShape derive_shape(const Func *f)
{
    VmShape shape = {.num_types = f->wasm_types.len};
    for (u32 n = 0; n < f->wasm_types.len; n++) {
        at_least(&shape.num_types, dv_ent_type_index(f, n));
    }
    for (u32 n = 0; n < f->memories.len; n++) {
        at_least(&shape.num_memories, f->memories.data[n].index);
    }
    for (u32 n = 0; n < f->tables.len; n++) {
        at_least(&shape.num_tables, f->tables.data[n].index);
    }
    for (u32 n = 0; n < f->globals.len; n++) {
        const WasmGlobalData *g = &f->globals.data[n];
        at_least(g->import ? &shape.num_imported_globals : &shape.num_globals, g->index);
    }
    shape.num_globals -= shape.num_globals < shape.num_imported_globals
                             ? shape.num_globals
                             : shape.num_imported_globals;
    for (u32 n = 0; n < f->wasm_funcs.len; n++) {
        if (f->wasm_funcs.data[n].import) {
            at_least(&shape.num_imports, f->wasm_funcs.data[n].name.index);
        }
    }
    return shape;
}

static bool fail(Diag *diag, const char *kind, u32 number, const char *why)
{
    dv_diag_error(diag, 0, 0, "%s%u %s", kind, (unsigned)number, why);
    return false;
}

/* The preamble names only what the module has. */
static bool check_entities(const Entities *e, Diag *diag)
{
    static const char absent[] = "is not in the module";
    const Func *f = e->f;
    const VmShape *s = &e->vm->shape;
    for (u32 n = 0; n < f->memories.len; n++) {
        if (f->memories.data[n].index >= s->num_memories) {
            return fail(diag, "heap", n, absent);
        }
    }
    for (u32 n = 0; n < f->tables.len; n++) {
        if (f->tables.data[n].index >= s->num_tables) {
            return fail(diag, "table", n, absent);
        }
    }
    for (u32 n = 0; n < f->globals.len; n++) {
        const WasmGlobalData *g = &f->globals.data[n];
        u64 first = g->import ? 0 : s->num_imported_globals;
        u64 end = g->import ? s->num_imported_globals : first + s->num_globals;
        if (g->present && (g->index < first || g->index >= end)) {
            return fail(diag, "global", n, absent);
        }
        if (g->present && type_bytes(g->type) > VM_GLOBAL_BYTES) {
            return fail(diag, "global", n, "has a type of too many bits");
        }
    }
    for (u32 n = 0; n < f->wasm_types.len; n++) {
        const WasmTypeData *t = &f->wasm_types.data[n];
        if (t->present && dv_ent_type_index(f, n) >= s->num_types) {
            return fail(diag, "type", n, absent);
        }
    }
    for (u32 n = 0; n < f->elems.len; n++) { /* of segments no module has so many */
        if (f->elems.data[n].index == ENTITY_NONE) {
            return fail(diag, "elem", n, absent);
        }
    }
    for (u32 n = 0; n < f->datas.len; n++) {
        if (f->datas.data[n].index == ENTITY_NONE) {
            return fail(diag, "data", n, absent);
        }
    }
    return true;
}

static bool check_func(const Entities *e, Inst i, Diag *diag)
{
    const InstData *d = dv_inst_const(e->f, i);
    const WasmFuncData *func = &vec_at(&e->f->wasm_funcs, d->ent);
    bool is_numbered = func->has_name && func->name.kind == NAME_USER;
    if (!func->has_name) {
        return fail(diag, "func", d->ent, "has no name");
    }
    if ((func->import || d->op == OP_ref_func) && !is_numbered) {
        return fail(diag, "func", d->ent, "is not named by its index, as in u0:7");
    }
    if (func->import && func->name.index >= e->vm->shape.num_imports) {
        return fail(diag, "func", d->ent, "is not among the module's imports");
    }
    return true;
}

static bool check_inst(const Entities *e, Inst i, Diag *diag)
{
    const Func *f = e->f;
    const Signature *sig = dv_inst_signature(f, i);
    bool needs = dv_inst_const(f, i)->op >= OP_heap_load;
    if (sig != NULL && !needs) {
        u32 format = dv_inst_info(f, i)->format, ent = dv_inst_const(f, i)->ent;
        u32 number = format == FORMAT_CALL || format == FORMAT_TRY_CALL
                         ? vec_at(&f->funcs, ent).sig.id
                     : format == FORMAT_CALL_INDIRECT ? ent
                                                      : dv_inst_exceptions(f, i)->sig.id;
        needs = e->takes_vmctx[number];
    }
    if (needs && e->vmctx.id == ENTITY_NONE) {
        return fail(diag, "inst", i.id, "needs a vmctx, which the function does not have");
    }
    if (sig != NULL && dv_inst_const(f, i)->op >= OP_heap_load && !begins_with_vmctx(sig)) {
        return fail(diag, "inst", i.id, "calls by a Wasm type of another convention than wasm");
    }
    switch (dv_inst_info(f, i)->format) {
    case FORMAT_CALL_IMPORT:
    case FORMAT_TRY_CALL_IMPORT:
    case FORMAT_REF_FUNC:
        return check_func(e, i, diag);
    default:
        return true;
    }
}

static bool check(const Entities *e, Diag *diag)
{
    const Func *f = e->f;
    bool ok = check_entities(e, diag);
    for (Block b = f->first_block; ok && b.id != ENTITY_NONE; b = dv_block(f, b)->next) {
        for (Inst i = dv_block(f, b)->first; ok && i.id != ENTITY_NONE; i = dv_inst_next(f, i)) {
            ok = !is_expanded(f, i) || check_inst(e, i, diag);
        }
    }
    return ok;
}

bool dv_entities_expand(Func *f, const EntityOptions *options, Arena *scratch, Diag *diag)
{
    ASSERT(scratch != f->arena);
    ArenaMark mark = dv_arena_mark(scratch);
    VmOptions derived = {.shape = {0}};
    Entities e = {.f = f,
                  .options = options,
                  .vm = options->vm,
                  .scratch = scratch,
                  .at = INST_NONE,
                  .before = INST_NONE};
    if (e.vm == NULL) {
        derived.shape = derive_shape(f);
        e.vm = &derived;
    }
    dv_vmctx_layout(&e.vm->shape, &e.layout);
    e.memories = ARENA_ARRAY(scratch, EntObject, f->memories.len + 1);
    e.tables = ARENA_ARRAY(scratch, EntObject, f->tables.len + 1);
    e.imported_globals = ARENA_ARRAY(scratch, EntCached, f->globals.len + 1);
    expand_signatures(&e);
    bool ok = check(&e, diag);
    if (ok) {
        rebuild(&e);
    }
    if (ok && e.vm->stack_checks && f->sig.conv == CC_wasm && !f->has_stack_limit) {
        add_stack_limit(f);
    }
    dv_arena_release_to(scratch, mark);
    return ok;
}
