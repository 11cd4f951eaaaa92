/* verify.c - what makes bytecode from anywhere safe to run.
 *
 * One pass over each function, in order of addresses: an instruction is decoded by the table, its fields are
 * checked by their roles against the window, the frame and the module's index spaces, and what its operation
 * demands besides (calls, frames, accumulator forms) is checked on the spot. Control flow is checked without a
 * graph: three sets of bits, one bit per word of code, collect where instructions start, where branches go
 * and which instructions may not be branched to (`closed`: enter, accumulator forms, calls after args_block).
 * At the end targets must be a subset of starts less closed. There are no types to infer and no paths to
 * follow, because slots have no types: what a slot holds never decides what memory is touched.
 *
 * Time is linear in the module: functions cover the code, and their handlers the list of handlers, without
 * overlap. Nothing recurses, and nothing is allocated but the three sets.
 */
#include "pulley/pulley.h"

typedef struct Verifier {
    const PulleyModule *module;
    const PulleyFunc *func;
    const PulleyType *type; /* of func */
    const u8 *code;
    u64 *starts;
    u64 *targets;
    u64 *closed;
    PulleyFault *fault;
    PulleyInst inst;
    u32 offset;
    u32 frame_slots; /* of func */
    u32 callee;      /* of the instruction at hand, if its field says how far it is */
    u32 block_slots; /* what args_block gave to the instruction at hand; 0: nothing */
    u32 acc_slot;    /* what the instruction before has written, and its class */
    u32 acc_result;
} Verifier;

static bool fail_at(PulleyFault *fault, u32 rule, u32 func, u32 offset, const u64 values[2])
{
    fault->rule = rule;
    fault->func = func;
    fault->offset = offset;
    fault->values[0] = values[0];
    fault->values[1] = values[1];
    return false;
}

static bool fail(Verifier *v, PulleyRule rule, u64 a, u64 b)
{
    u64 values[2] = {a, b};
    return fail_at(v->fault, rule, (u32)(v->func - v->module->funcs.data), v->offset, values);
}

static u32 at_most(u32 x, u32 limit)
{
    return x < limit ? x : limit;
}

/* Slots beyond those in the window. */
static u32 beyond(u32 slots)
{
    return slots - at_most(slots, PULLEY_ARGS_MAX);
}

static u32 larger(u32 a, u32 b)
{
    return a > b ? a : b;
}

/* ---- declarations ---- */

static bool fail_module(PulleyFault *fault, PulleyRule rule, u64 a, u64 b)
{
    u64 values[2] = {a, b};
    return fail_at(fault, rule, UINT32_MAX, UINT32_MAX, values);
}

static bool check_types(const PulleyModule *m, PulleyFault *fault)
{
    for (u32 i = 0; i < m->types.len; i++) {
        u32 slots = larger(m->types.data[i].args, m->types.data[i].results);
        if (slots > PULLEY_TYPE_SLOTS_MAX) {
            return fail_module(fault, PRULE_TYPE_SLOTS, i, slots);
        }
    }
    for (u32 i = 0; i < m->imports.len; i++) {
        if (m->imports.data[i] >= m->types.len) {
            return fail_module(fault, PRULE_IMPORT_TYPE, i, m->imports.data[i]);
        }
    }
    for (u32 i = 0; i < m->tags.len; i++) {
        u32 type = m->tags.data[i];
        if (type >= m->types.len || m->types.data[type].results != 0) {
            return fail_module(fault, PRULE_TAG_TYPE, i, type);
        }
    }
    return true;
}

static bool check_entities(const PulleyModule *m, PulleyFault *fault)
{
    for (u32 i = 0; i < m->globals.len; i++) {
        u8 size = m->globals.data[i].size_bytes;
        if (size != 4 && size != 8 && size != 16) {
            return fail_module(fault, PRULE_GLOBAL_SIZE, i, size);
        }
    }
    for (u32 i = 0; i < m->tables.len; i++) {
        if (m->tables.data[i].ref >= PULLEY_REF_COUNT) {
            return fail_module(fault, PRULE_TABLE_REF, i, m->tables.data[i].ref);
        }
    }
    for (u32 i = 0; i < m->elems.len; i++) {
        if (m->elems.data[i] >= PULLEY_REF_COUNT) {
            return fail_module(fault, PRULE_ELEM_REF, i, m->elems.data[i]);
        }
    }
    return true;
}

static bool fail_func(PulleyFault *fault, PulleyRule rule, u32 func, u64 a, u64 b)
{
    u64 values[2] = {a, b};
    return fail_at(fault, rule, func, UINT32_MAX, values);
}

/* code and handler: where those of this function must begin. */
static bool check_func(const PulleyModule *m, u32 i, u32 code, u32 handler, PulleyFault *fault)
{
    const PulleyFunc *f = &m->funcs.data[i];
    if (f->code != code || f->size_bytes == 0 || f->size_bytes % 4 != 0 ||
        f->size_bytes > PULLEY_CODE_MAX || f->size_bytes > m->code_size_bytes - code) {
        return fail_func(fault, PRULE_FUNC_CODE, i, f->code, f->size_bytes);
    }
    if (f->type >= m->types.len) {
        return fail_func(fault, PRULE_FUNC_TYPE, i, f->type, 0);
    }
    const PulleyType *type = &m->types.data[f->type];
    u32 slots = at_most(larger(type->args, type->results), PULLEY_ARGS_MAX);
    if (f->window > PULLEY_WINDOW_SLOTS || f->window < slots) {
        return fail_func(fault, PRULE_FUNC_WINDOW, i, f->window, slots);
    }
    if (f->frame % 2 != 0 || f->frame > PULLEY_FRAME_MAX || f->frame < beyond(type->args)) {
        return fail_func(fault, PRULE_FUNC_FRAME, i, f->frame, beyond(type->args));
    }
    if (f->first_handler != handler || f->handler_count > m->handlers.len - handler) {
        return fail_func(fault, PRULE_FUNC_HANDLERS, i, f->first_handler, f->handler_count);
    }
    return true;
}

bool dv_pulley_verify_module(const PulleyModule *m, PulleyFault *fault)
{
    memset(fault, 0, sizeof *fault);
    if (m->profile > PULLEY_RAW64) {
        return fail_module(fault, PRULE_PROFILE, m->profile, 0);
    }
    if (m->profile == PULLEY_SANDBOXED && m->symbol_count != 0) {
        return fail_module(fault, PRULE_SYMBOLS, m->symbol_count, 0);
    }
    if (!check_types(m, fault) || !check_entities(m, fault)) {
        return false;
    }
    u32 code = 0;
    u32 handler = 0;
    for (u32 i = 0; i < m->funcs.len; i++) {
        if (!check_func(m, i, code, handler, fault)) {
            return false;
        }
        code += m->funcs.data[i].size_bytes;
        handler += m->funcs.data[i].handler_count;
    }
    if (code != m->code_size_bytes) {
        return fail_module(fault, PRULE_CODE_BYTES, m->code_size_bytes, 0);
    }
    return true;
}

/* ---- sets of words of code ---- */

static void set_word(u64 *set, u32 offset)
{
    set[offset / 256] |= (u64)1 << (offset / 4 % 64);
}

static bool has_word(const u64 *set, u32 offset)
{
    return (set[offset / 256] >> (offset / 4 % 64) & 1) != 0;
}

/* ---- fields ---- */

static bool check_target(Verifier *v, i64 distance)
{
    i64 target = (i64)v->offset + distance;
    if (target < 0 || target >= v->func->size_bytes) {
        return fail(v, PRULE_TARGET_RANGE, 0, 0);
    }
    set_word(v->targets, (u32)target);
    return true;
}

static bool check_entries(Verifier *v)
{
    u64 count = v->inst.fields[1];
    for (u64 i = 0; i <= count; i++) {
        i64 words = (i32)load_u32(v->inst.entries + i * 4, v->module->big);
        if (!check_target(v, words * 4)) {
            return false;
        }
    }
    return true;
}

/* How many there are of what the role names. */
static u64 count_entities(const PulleyModule *m, u32 role)
{
    switch (role) {
    case PROLE_FUNC_NUMBER:
        return m->funcs.len;
    case PROLE_IMPORT:
        return m->imports.len;
    case PROLE_ENTITY:
        return (u64)m->imports.len + m->funcs.len;
    case PROLE_TABLE:
        return m->tables.len;
    case PROLE_TYPE:
        return m->types.len;
    case PROLE_MEMORY:
        return m->memories.len;
    case PROLE_GLOBAL:
        return m->globals.len;
    case PROLE_DATA:
        return m->data_count;
    case PROLE_ELEM:
        return m->elems.len;
    case PROLE_TAG:
        return m->tags.len;
    case PROLE_SYMBOL:
        return m->symbol_count;
    default:
        UNREACHABLE();
    }
}

static bool check_end(Verifier *v, u32 role, u64 end)
{
    const PulleyModule *m = v->module;
    u32 size = PX_SIZE_OF(dv_pulley_ops[v->inst.op].effects);
    if (m->memories.len == 0) {
        return fail(v, PRULE_ENTITY, PROLE_MEMORY, 0);
    }
    if (m->memories.data[0].index64 != (role == PROLE_END64)) {
        return fail(v, PRULE_INDEX_WIDTH, role == PROLE_END64 ? 64 : 32, 0);
    }
    return end >= size || fail(v, PRULE_END, end, size);
}

static bool check_global(Verifier *v, u64 number)
{
    u32 effects = dv_pulley_ops[v->inst.op].effects;
    const PulleyGlobal *global = &v->module->globals.data[number];
    if (global->size_bytes != PX_SIZE_OF(effects)) {
        return fail(v, PRULE_GLOBAL_WIDTH, number, PX_SIZE_OF(effects));
    }
    return (effects & PX_WRITES) == 0 || global->mutable || fail(v, PRULE_GLOBAL_CONST, number, 0);
}

static bool check_slot(Verifier *v, u32 role, u64 slot)
{
    if (slot >= v->func->window) {
        return fail(v, PRULE_SLOT, slot, v->func->window);
    }
    if (role != PROLE_ACC) {
        return true;
    }
    u32 wanted = PX_ACC_OF(dv_pulley_ops[v->inst.op].effects);
    set_word(v->closed, v->offset);
    return (v->acc_slot == slot && v->acc_result == wanted) || fail(v, PRULE_ACC, slot, 0);
}

/* What concerns the frame: sizes that repeat what is declared, places in frame memory. */
static bool check_frame_field(Verifier *v, u32 role, u64 x)
{
    u32 frame = v->frame_slots;
    u32 args = v->type->args;
    u32 results = v->type->results;
    switch (role) {
    case PROLE_FRAME:
        return x == frame || fail(v, PRULE_FRAME_SIZE, x, frame);
    case PROLE_SPILL:
        return (x >= 1 && x <= frame) || fail(v, PRULE_SPILL, x, frame);
    case PROLE_BELOW:
        return (x >= 1 && x <= (u64)frame * 8) || fail(v, PRULE_SPILL, x, (u64)frame * 8);
    case PROLE_EXTRA:
        return x == beyond(args) || fail(v, PRULE_EXTRA, x, beyond(args));
    case PROLE_RESULT:
        return x < beyond(results) || fail(v, PRULE_RESULT, x, beyond(results));
    default:
        ASSERT(role == PROLE_BLOCK);
        return (x >= 1 && x <= v->inst.fields[0]) ||
               fail(v, PRULE_BLOCK_RANGE, x, v->inst.fields[0]);
    }
}

static bool check_field(Verifier *v, u32 role, u64 x)
{
    switch (role) {
    case PROLE_DST:
    case PROLE_SRC:
    case PROLE_MOD:
    case PROLE_ACC:
        return check_slot(v, role, x);
    case PROLE_OUT:
        return x % 2 == 0 || fail(v, PRULE_OUT_ODD, x, 0);
    case PROLE_SIMM:
    case PROLE_UIMM:
    case PROLE_COUNT: /* see check_call, check_frame */
        return true;
    case PROLE_END:
    case PROLE_END64:
        return check_end(v, role, x);
    case PROLE_TRAPCODE:
        return x != 0 || fail(v, PRULE_TRAPCODE, 0, 0);
    case PROLE_RMW:
        return x < PULLEY_RMW_COUNT || fail(v, PRULE_RMW, x, 0);
    case PROLE_HELPER:
        return x < PULLEY_HELPER_COUNT || fail(v, PRULE_HELPER, x, 0);
    case PROLE_TARGET:
        return check_target(v, (i64)x);
    case PROLE_FUNC:
        v->callee = dv_pulley_callee(v->module, (i64)v->func->code + v->offset + (i64)x);
        return v->callee != UINT32_MAX || fail(v, PRULE_CALLEE, 0, 0);
    case PROLE_ENTRIES:
        return check_entries(v);
    case PROLE_FRAME:
    case PROLE_SPILL:
    case PROLE_BELOW:
    case PROLE_EXTRA:
    case PROLE_RESULT:
    case PROLE_BLOCK:
        return check_frame_field(v, role, x);
    default:
        if (x >= count_entities(v->module, role)) {
            return fail(v, PRULE_ENTITY, role, x);
        }
        return role != PROLE_GLOBAL || check_global(v, x);
    }
}

/* ---- operations ---- */

static bool check_allowed(Verifier *v)
{
    const PulleyOpInfo *op = &dv_pulley_ops[v->inst.op];
    const PulleyModule *m = v->module;
    bool is_raw = op->group == PGROUP_RAW || op->group == PGROUP_RAW_ATOMIC;
    if ((op->effects & PX_INTERNAL) != 0) {
        return fail(v, PRULE_INTERNAL, v->inst.op, 0);
    }
    if (is_raw && m->profile == PULLEY_SANDBOXED) {
        return fail(v, PRULE_RAW, v->inst.op, 0);
    }
    if (m->groups != 0 && (m->groups >> op->group & 1) == 0) {
        return fail(v, PRULE_GROUP, v->inst.op, 0);
    }
    return v->inst.op != PULLEY_fuel || m->metered || fail(v, PRULE_UNMETERED, 0, 0);
}

/* The field of this role, of which the operation has one at most. False if it has none. */
static bool find_field(const PulleyInst *inst, u32 role, u64 *value)
{
    u32 field = dv_pulley_find_field((PulleyOp)inst->op, role);
    if (field == dv_pulley_shape((PulleyOp)inst->op)->count) {
        return false;
    }
    *value = inst->fields[field];
    return true;
}

/* The arguments and results of what is called. */
static PulleyType callee_type(const Verifier *v)
{
    const PulleyModule *m = v->module;
    const PulleyInst *inst = &v->inst;
    u64 x = 0;
    if (find_field(inst, PROLE_TYPE, &x)) {
        return m->types.data[x];
    }
    if (find_field(inst, PROLE_FUNC, &x)) {
        return m->types.data[m->funcs.data[v->callee].type];
    }
    if (find_field(inst, PROLE_FUNC_NUMBER, &x)) {
        return m->types.data[m->funcs.data[x].type];
    }
    if (find_field(inst, PROLE_IMPORT, &x)) {
        return m->types.data[m->imports.data[x]];
    }
    if (find_field(inst, PROLE_TAG, &x)) {
        return m->types.data[m->tags.data[x]];
    }
    if (find_field(inst, PROLE_HELPER, &x)) {
        return (PulleyType){dv_pulley_helpers[x].args, dv_pulley_helpers[x].results};
    }
    return (PulleyType){0, 0}; /* throw_ref */
}

static bool is_tail_call(const PulleyInst *inst)
{
    u32 effects = dv_pulley_ops[inst->op].effects;
    return (effects & PX_CALL) != 0 && (effects & PX_TERM) != 0 && inst->op != PULLEY_throw &&
           inst->op != PULLEY_throw_in && inst->op != PULLEY_throw_ref;
}

static bool check_call(Verifier *v)
{
    PulleyType callee = callee_type(v);
    u64 out = 0;
    u64 table = 0;
    bool is_tail = is_tail_call(&v->inst);
    find_field(&v->inst, PROLE_OUT, &out);
    u32 slots = larger(callee.args, is_tail ? 0 : callee.results);
    u64 end = out + at_most(slots, PULLEY_ARGS_MAX);
    if (end > v->func->window) {
        return fail(v, PRULE_OUT_WINDOW, end, v->func->window);
    }
    if (v->block_slots < beyond(slots)) {
        return fail(v, PRULE_BLOCK_SIZE, v->block_slots, beyond(slots));
    }
    if (is_tail && callee.results != v->type->results) {
        return fail(v, PRULE_TAIL_RESULTS, callee.results, v->type->results);
    }
    u64 args = 0;
    u32 expected = at_most(callee.args, PULLEY_ARGS_MAX);
    if (find_field(&v->inst, PROLE_COUNT, &args) && args != expected) {
        return fail(v, PRULE_SLOT_COUNT, args, expected);
    }
    if (find_field(&v->inst, PROLE_TABLE, &table) &&
        v->module->tables.data[table].ref != PULLEY_REF_FUNC) {
        return fail(v, PRULE_TABLE_FUNC, table, 0);
    }
    return true;
}

static bool check_enter(Verifier *v)
{
    u32 args = at_most(v->type->args, PULLEY_ARGS_MAX);
    if (v->offset != 0) {
        return fail(v, PRULE_ENTER_PLACE, 0, 0);
    }
    if (v->frame_slots == 0) {
        return fail(v, PRULE_FRAME_NONE, v->inst.op, 0);
    }
    if (v->inst.fields[0] != args) {
        return fail(v, PRULE_SLOT_COUNT, v->inst.fields[0], args);
    }
    if (v->inst.op == PULLEY_enter && beyond(v->type->args) != 0) {
        return fail(v, PRULE_EXTRA, 0, beyond(v->type->args));
    }
    set_word(v->closed, 0);
    return true;
}

/* Every way in and out of a frame fits the frame that is declared. */
static bool check_frame(Verifier *v)
{
    u32 op = v->inst.op;
    if (op == PULLEY_enter || op == PULLEY_enter_block) {
        return check_enter(v);
    }
    if (v->offset == 0 && v->frame_slots != 0) {
        return fail(v, PRULE_ENTER_MISSING, 0, 0);
    }
    if (op == PULLEY_ret_big) {
        u32 results = at_most(v->type->results, PULLEY_ARGS_MAX);
        if (v->inst.fields[0] != results) {
            return fail(v, PRULE_SLOT_COUNT, v->inst.fields[0], results);
        }
    }
    if ((op == PULLEY_ret_big || op == PULLEY_return_call_big) && v->frame_slots == 0) {
        return fail(v, PRULE_FRAME_NONE, op, 0);
    }
    if ((op == PULLEY_ret || op == PULLEY_return_call) && v->frame_slots != 0) {
        return fail(v, PRULE_FRAME_LEFT, op, 0);
    }
    return true;
}

/* table_copy, table_init: what is copied is of the kind that the table holds. */
static bool check_table_kinds(Verifier *v)
{
    const PulleyModule *m = v->module;
    const u64 *x = v->inst.fields;
    u8 to = m->tables.data[x[3]].ref;
    u8 from = v->inst.op == PULLEY_table_copy ? m->tables.data[x[4]].ref : m->elems.data[x[4]];
    return from == to || fail(v, PRULE_TABLE_KIND, x[3], x[4]);
}

/* Whether an args_block may stand before this. */
static bool can_use_block(const PulleyInst *inst)
{
    return (dv_pulley_ops[inst->op].effects & PX_CALL) != 0 && inst->op != PULLEY_call_helper &&
           inst->op != PULLEY_throw_ref;
}

static bool check_op(Verifier *v)
{
    u32 op = v->inst.op;
    if (v->block_slots != 0) {
        if (!can_use_block(&v->inst)) {
            return fail(v, PRULE_BLOCK_CALL, op, 0);
        }
        set_word(v->closed, v->offset);
    }
    if ((dv_pulley_ops[op].effects & PX_CALL) != 0 && !check_call(v)) {
        return false;
    }
    if (op == PULLEY_table_copy || op == PULLEY_table_init) {
        return check_table_kinds(v);
    }
    return true;
}

/* Checks the instruction in v->inst and remembers what the next one needs to know. */
static bool check_inst(Verifier *v)
{
    const PulleyOpInfo *op = &dv_pulley_ops[v->inst.op];
    const PulleyShapeInfo *shape = &dv_pulley_shapes[op->shape];
    set_word(v->starts, v->offset);
    if (!check_allowed(v)) {
        return false;
    }
    for (u32 i = 0; i < shape->count; i++) {
        if (!check_field(v, shape->fields[i].role, v->inst.fields[i])) {
            return false;
        }
    }
    if (!check_op(v) || !check_frame(v)) {
        return false;
    }
    v->block_slots = v->inst.op == PULLEY_args_block ? (u32)v->inst.fields[1] : 0;
    v->acc_result = op->result;
    v->acc_slot = op->result == PRESULT_NONE ? UINT32_MAX : (u32)v->inst.fields[0];
    return true;
}

/* ---- control flow ---- */

static bool check_handler(Verifier *v, u32 number, u32 *last_call)
{
    const PulleyModule *m = v->module;
    const PulleyHandler *h = &m->handlers.data[v->func->first_handler + number];
    u64 out = 0;
    v->offset = UINT32_MAX;
    if (h->kind > PULLEY_HANDLER_CONTEXT) {
        return fail(v, PRULE_HANDLER_KIND, number, h->kind);
    }
    if (h->call < *last_call) {
        return fail(v, PRULE_HANDLER_ORDER, number, 0);
    }
    *last_call = h->call;
    PulleyInst call;
    if (h->call % 4 != 0 || h->call >= v->func->size_bytes || !has_word(v->starts, h->call) ||
        !dv_pulley_decode(v->code + h->call, v->func->size_bytes - h->call, m->big, &call) ||
        (dv_pulley_ops[call.op].effects & PX_CALL) == 0 || !find_field(&call, PROLE_OUT, &out)) {
        return fail(v, PRULE_HANDLER_CALL, number, h->call);
    }
    if (h->kind == PULLEY_HANDLER_CONTEXT) {
        return h->value < v->func->window || fail(v, PRULE_HANDLER_VALUE, number, h->value);
    }
    if (out + 2 > v->func->window) {
        return fail(v, PRULE_HANDLER_PAYLOAD, number, out);
    }
    if (h->kind == PULLEY_HANDLER_TAG && h->value >= m->tags.len) {
        return fail(v, PRULE_HANDLER_VALUE, number, h->value);
    }
    if (h->target % 4 != 0 || h->target >= v->func->size_bytes) {
        return fail(v, PRULE_HANDLER_TARGET, number, h->target);
    }
    set_word(v->targets, h->target);
    return true;
}

/* Why the word at v->offset may not be branched to. */
static bool fail_target(Verifier *v)
{
    if (!has_word(v->starts, v->offset)) {
        return fail(v, PRULE_TARGET_INSIDE, 0, 0);
    }
    if (v->offset == 0) {
        return fail(v, PRULE_TARGET_ENTER, 0, 0);
    }
    bool is_known = dv_pulley_decode(v->code + v->offset, v->func->size_bytes - v->offset,
                                     v->module->big, &v->inst);
    CHECK(is_known);
    bool reads_acc = PX_ACC_OF(dv_pulley_ops[v->inst.op].effects) != PRESULT_NONE;
    return fail(v, reads_acc ? PRULE_TARGET_ACC : PRULE_TARGET_BLOCK, 0, 0);
}

static bool check_flow(Verifier *v)
{
    u32 last_call = 0;
    for (u32 i = 0; i < v->func->handler_count; i++) {
        if (!check_handler(v, i, &last_call)) {
            return false;
        }
    }
    for (u32 i = 0; i <= (v->func->size_bytes - 1) / 256; i++) {
        u64 bad = v->targets[i] & (~v->starts[i] | v->closed[i]);
        if (bad != 0) {
            v->offset = i * 256 + dv_ctz64(bad) * 4;
            return fail_target(v);
        }
    }
    return true;
}

static bool check_code(Verifier *v)
{
    u32 size = v->func->size_bytes;
    bool is_open = true;
    for (v->offset = 0; v->offset < size; v->offset += v->inst.size) {
        const u8 *at = v->code + v->offset;
        if (!dv_pulley_decode(at, size - v->offset, v->module->big, &v->inst)) {
            return fail(v, PRULE_DECODE, load_be32(at), 0);
        }
        if (!check_inst(v)) {
            return false;
        }
        is_open = (dv_pulley_ops[v->inst.op].effects & PX_TERM) == 0;
    }
    if (is_open) {
        v->offset -= v->inst.size;
        return fail(v, PRULE_LAST, 0, 0);
    }
    return check_flow(v);
}

bool dv_pulley_verify_func(const PulleyModule *m, u32 func, Arena *scratch, PulleyFault *fault)
{
    CHECK(func < m->funcs.len);
    const PulleyFunc *f = &m->funcs.data[func];
    memset(fault, 0, sizeof *fault);
    ArenaMark mark = dv_arena_mark(scratch);
    usize words = ((usize)f->size_bytes + 255) / 256;
    u64 *sets = ARENA_ARRAY(scratch, u64, 3 * words);
    Verifier v = {
        .module = m,
        .func = f,
        .type = &m->types.data[f->type],
        .code = m->code + f->code,
        .starts = sets,
        .targets = sets + words,
        .closed = sets + 2 * words,
        .fault = fault,
        .frame_slots = f->frame,
        .acc_slot = UINT32_MAX,
    };
    bool ok = check_code(&v);
    dv_arena_release_to(scratch, mark);
    return ok;
}

bool dv_pulley_verify(const PulleyModule *m, Arena *scratch, PulleyFault *fault)
{
    if (!dv_pulley_verify_module(m, fault)) {
        return false;
    }
    for (u32 i = 0; i < m->funcs.len; i++) {
        if (!dv_pulley_verify_func(m, i, scratch, fault)) {
            return false;
        }
    }
    return true;
}

/* ---- messages ---- */

static const char *const messages[PRULE_COUNT] = {
    "",
#define MESSAGE(name, text) text,
#include "pulley/verify_messages.def"
#undef MESSAGE
};

void dv_pulley_fault_print(TextBuf *out, const PulleyFault *fault)
{
    if (fault->rule == PRULE_OK) {
        return;
    }
    if (fault->func != UINT32_MAX) {
        dv_text_printf(out, "func%" PRIu32, fault->func);
        if (fault->offset != UINT32_MAX) {
            dv_text_printf(out, " at %" PRIu32, fault->offset);
        }
        dv_text_str(out, ": ");
    }
    for (const char *c = messages[fault->rule]; *c != '\0'; c++) {
        if (*c != '%') {
            dv_text_char(out, *c);
            continue;
        }
        c++;
        if (*c == 'a') {
            dv_text_u64(out, fault->values[0]);
        } else if (*c == 'b') {
            dv_text_u64(out, fault->values[1]);
        } else if (*c == 'r') {
            dv_text_str(out, dv_pulley_role_prefixes[fault->values[0]]);
        } else {
            dv_text_str(out, dv_pulley_ops[fault->values[0]].name);
        }
    }
}
