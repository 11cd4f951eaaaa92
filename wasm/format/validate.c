/* validate.c - the validator of instructions: operands, blocks, control, and what tables of rows
 * say.
 *
 * Source: specification 3.0, appendix "Validation Algorithm". Types of operands are on one stack,
 * open blocks on another; a block sees the operands above its `height`. Behind a branch the stack
 * of the block is emptied and the block is unreachable: popping from nothing then gives the bottom
 * type, which is below all others. Most instructions are checked by the letters of their row; what
 * rows cannot say is here (control, variables) or in validate_refs.c.
 *
 * Locals whose type has no default value start unset; setting one is noted in a set and on a trail,
 * and the end of the block in which it was set takes the trail back to where it was.
 *
 * Constant expressions are bodies of one block with fewer instructions.
 */
#include "wasm/format/validate.h"

/* ---- messages ---- */

const char *dv_validator_type_text(Validator *v, ValType type)
{
    TextBuf text;
    dv_text_init(&text, v->diag->arena);
    dv_wasm_print_type(&text, type);
    return text.data;
}

enum { TYPES_SHOWN = 16 };

static void put_types(TextBuf *out, const ValType *types, u32 count)
{
    dv_text_char(out, '[');
    for (u32 i = 0; i < count; i++) {
        if (i == TYPES_SHOWN) {
            dv_text_str(out, " ...");
            break;
        }
        dv_text_str(out, i == 0 ? "" : " ");
        dv_wasm_print_type(out, types[i]);
    }
    dv_text_char(out, ']');
}

/* "type mismatch: instruction requires [i32] but stack has [f32]": as many operands as there
 * are, at most those required. */
static void report_stack(Validator *v, const char *what, const ValType *types, u32 count, u32 shown)
{
    TextBuf text;
    dv_text_init(&text, v->diag->arena);
    put_types(&text, types, count);
    dv_text_str(&text, " but stack has ");
    u32 have = v->stack.len - vec_last(&v->frames).height;
    u32 show = have < shown ? have : shown;
    put_types(&text, show == 0 ? NULL : v->stack.data + (v->stack.len - show), show);
    (void)dv_validator_fail(v, "type mismatch: %s requires %s", what, text.data);
}
/* The same as an expression that is false. */
#define fail_stack(...) (report_stack(__VA_ARGS__), false)

/* ---- operands ---- */

bool dv_validator_reserve(Validator *v, u32 count)
{
    u64 wanted = (u64)v->stack.len + count;
    if (wanted > dv_wasm_limits.operands) {
        return dv_validator_fail(v, "too many operands: more than %u",
                                 (unsigned)dv_wasm_limits.operands);
    }
    if (wanted > v->stack.cap) {
        vec_reserve(v->arena, &v->stack, count);
    }
    return true;
}

bool dv_validator_push_list(Validator *v, const ValType *types, u32 count)
{
    if (!dv_validator_reserve(v, count)) {
        return false;
    }
    for (u32 i = 0; i < count; i++) {
        v->stack.data[v->stack.len + i] = types[i];
    }
    v->stack.len += count;
    return true;
}

/* Whether the operands on top have these types; they stay. */
static bool stack_fits(const Validator *v, const ValType *types, u32 count)
{
    const ControlFrame *frame = dv_validator_frame(v);
    u32 have = v->stack.len - frame->height;
    if (have < count && !frame->is_unreachable) {
        return false;
    }
    u32 compared = have < count ? have : count;
    for (u32 i = 1; i <= compared; i++) {
        ValType operand = v->stack.data[v->stack.len - i];
        if (operand != types[count - i] &&
            !dv_wasm_is_subtype(v->module, operand, types[count - i])) {
            return false;
        }
    }
    return true;
}

bool dv_validator_pop_list(Validator *v, const ValType *types, u32 count)
{
    if (!stack_fits(v, types, count)) {
        return fail_stack(v, "instruction", types, count, count);
    }
    u32 have = v->stack.len - vec_last(&v->frames).height;
    v->stack.len -= have < count ? have : count;
    return true;
}

bool dv_validator_pop_any(Validator *v, ValType *out)
{
    const ControlFrame *frame = dv_validator_frame(v);
    *out = VT_BOTTOM;
    if (v->stack.len > frame->height) {
        *out = vec_pop(&v->stack);
        return true;
    }
    return frame->is_unreachable ||
           dv_validator_fail(v, "type mismatch: instruction requires a value but stack has []");
}

bool dv_validator_pop_ref(Validator *v, ValType *out)
{
    if (!dv_validator_pop_any(v, out)) {
        return false;
    }
    if (*out == VT_BOTTOM) {
        *out = VT_REF | VT_ABSTRACT | HEAP_BOTTOM;
    }
    return vt_is_ref(*out) ||
           dv_validator_fail(v,
                             "type mismatch: instruction requires a reference but stack has [%s]",
                             dv_validator_type_text(v, *out));
}

/* ---- types and indices ---- */

bool dv_validator_check_type(Validator *v, ValType type)
{
    return dv_wasm_type_exists(type, v->module->types.len) ||
           dv_validator_fail(v, "unknown type %u", (unsigned)(type & VT_INDEX));
}

bool dv_validator_find_type(Validator *v, u32 index, CompKind kind, const SubType **out)
{
    static const char *const names[] = {"a function", "a structure", "an array"};
    if (index >= v->module->types.len) {
        return dv_validator_fail(v, "unknown type %u", (unsigned)index);
    }
    *out = &v->module->types.data[index];
    return (*out)->kind == kind || dv_validator_fail(v, "unknown type: type %u is not %s type",
                                                     (unsigned)index, names[kind]);
}

static bool check_memory(Validator *v, u32 index)
{
    return index < v->module->memories.len ||
           dv_validator_fail(v, "unknown memory %u", (unsigned)index);
}

static bool check_data(Validator *v, u32 index)
{
    if (!v->module->has_data_count) {
        return dv_wasm_fail(&v->reader, v->reader.start, true, "data count section required");
    }
    return index < v->module->datas.len ||
           dv_validator_fail(v, "unknown data segment %u", (unsigned)index);
}

/* ---- frames ---- */

/* Types of blocks that are a single number. */
static const ValType numbers[] = {VT_I32, VT_I64, VT_F32, VT_F64, VT_V128};

static const ValType *keep_type(Validator *v, ValType type)
{
    for (u32 i = 0; i < ARRAY_LEN(numbers); i++) {
        if (numbers[i] == type) {
            return &numbers[i];
        }
    }
    ValType *kept = ARENA_NEW(v->arena, ValType);
    *kept = type;
    return kept;
}

void dv_wasm_block_type(const WasmModule *module, const WasmInst *inst, u32 *num_params,
                        const ValType **params, u32 *num_results, const ValType **results)
{
    *num_params = 0;
    *params = NULL;
    *num_results = inst->type == VT_EMPTY ? 0 : 1;
    *results = &inst->type;
    if (inst->type == VT_BOTTOM) {
        const SubType *type = &vec_at(&module->types, inst->index);
        *num_params = type->num_params;
        *params = type->params;
        *num_results = type->num_results;
        *results = type->results;
    }
}

const ControlFrame *dv_validator_label(const Validator *v, u32 label)
{
    return &vec_at(&v->frames, v->frames.len - 1 - label);
}

bool dv_validator_find_label(Validator *v, u32 label, ControlFrame **out)
{
    if (label >= v->frames.len) {
        return dv_validator_fail(v, "unknown label %u", (unsigned)label);
    }
    *out = &v->frames.data[v->frames.len - 1 - label];
    return true;
}

void dv_validator_set_unreachable(Validator *v)
{
    ControlFrame *frame = dv_validator_frame(v);
    frame->is_unreachable = true;
    v->stack.len = frame->height;
}

static bool open_block(Validator *v, const WasmInst *inst)
{
    const SubType *type;
    if (inst->type == VT_BOTTOM ? !dv_validator_find_type(v, inst->index, COMP_FUNC, &type)
                                : !dv_validator_check_type(v, inst->type)) {
        return false;
    }
    ControlFrame frame = {.op = inst->op, .at = inst->at, .set_mark = v->set_trail.len};
    dv_wasm_block_type(v->module, inst, &frame.num_params, &frame.params, &frame.num_results,
                       &frame.results);
    if (inst->type != VT_BOTTOM && inst->type != VT_EMPTY) {
        frame.results = keep_type(v, inst->type);
    }
    if ((inst->op == W_if && !dv_validator_pop(v, VT_I32)) ||
        !dv_validator_pop_list(v, frame.params, frame.num_params)) {
        return false;
    }
    frame.height = v->stack.len;
    vec_push(v->arena, &v->frames, frame);
    return dv_validator_push_list(v, frame.params, frame.num_params);
}

/* The results are there and nothing else; locals set in the block are unset again. */
static bool leave_block(Validator *v)
{
    ControlFrame *frame = dv_validator_frame(v);
    if (!dv_validator_pop_list(v, frame->results, frame->num_results)) {
        return false;
    }
    if (v->stack.len != frame->height) {
        return fail_stack(v, "block", NULL, 0, UINT32_MAX);
    }
    while (v->set_trail.len > frame->set_mark) {
        dv_bitset_remove(&v->is_set, vec_pop(&v->set_trail));
    }
    return true;
}

/* The next part of a block: else, catch, catch_all. */
static bool begin_part(Validator *v, u16 op, const ValType *types, u32 count)
{
    ControlFrame *frame = dv_validator_frame(v);
    frame->op = op;
    frame->is_unreachable = false;
    return dv_validator_push_list(v, types, count);
}

static bool fail_nesting(Validator *v, const WasmInst *inst)
{
    return dv_wasm_fail(&v->reader, v->reader.start, true,
                        "END opcode expected: %s does not belong here", dv_wasm_ops[inst->op].text);
}

static bool check_else(Validator *v, const WasmInst *inst)
{
    const ControlFrame *frame = dv_validator_frame(v);
    if (frame->op != W_if) {
        return fail_nesting(v, inst);
    }
    return leave_block(v) && begin_part(v, W_else, frame->params, frame->num_params);
}

/* Behind the last end there is nothing. */
static bool check_body_end(Validator *v)
{
    if (v->frames.len != 0 || v->is_constant || v->reader.at == v->reader.end) {
        return true;
    }
    return dv_wasm_fail(&v->reader, v->reader.at, true,
                        "section size mismatch: %u bytes behind the end of the body",
                        (unsigned)(v->reader.end - v->reader.at));
}

static bool check_end(Validator *v)
{
    ControlFrame frame = vec_last(&v->frames);
    if (!leave_block(v)) {
        return false;
    }
    if (frame.op == W_if) {
        /* The else that is not there hands on the parameters. */
        bool same = frame.num_params == frame.num_results;
        for (u32 i = 0; same && i < frame.num_params; i++) {
            same = dv_wasm_is_subtype(v->module, frame.params[i], frame.results[i]);
        }
        if (!same) {
            return dv_validator_fail(
                v, "type mismatch: if without else has results that are not its parameters");
        }
    }
    v->frames.len--;
    return dv_validator_push_list(v, frame.results, frame.num_results) && check_body_end(v);
}

/* ---- branches ---- */

static bool check_br(Validator *v, u32 label)
{
    ControlFrame *frame;
    const ValType *types;
    if (!dv_validator_find_label(v, label, &frame)) {
        return false;
    }
    u32 count = dv_label_types(frame, &types);
    if (!dv_validator_pop_list(v, types, count)) {
        return false;
    }
    dv_validator_set_unreachable(v);
    return true;
}

static bool check_br_if(Validator *v, u32 label)
{
    ControlFrame *frame;
    const ValType *types;
    if (!dv_validator_find_label(v, label, &frame) || !dv_validator_pop(v, VT_I32)) {
        return false;
    }
    u32 count = dv_label_types(frame, &types);
    return dv_validator_pop_list(v, types, count) && dv_validator_push_list(v, types, count);
}

/* Every label must fit the operands; each is looked at once, however often it is named. */
static bool check_br_table(Validator *v, const WasmInst *inst)
{
    if (!dv_validator_pop(v, VT_I32)) {
        return false;
    }
    v->stamp++;
    const u8 *entries = inst->entries;
    u32 arity = 0;
    for (u32 i = 0; i <= inst->count; i++) {
        ControlFrame *frame;
        const ValType *types;
        if (!dv_validator_find_label(v, dv_wasm_entry(&entries), &frame)) {
            return false;
        }
        if (frame->stamp == v->stamp) {
            continue;
        }
        frame->stamp = v->stamp;
        u32 count = dv_label_types(frame, &types);
        arity = i == 0 ? count : arity;
        if (count != arity) {
            return dv_validator_fail(v, "type mismatch: labels of br_table take %u and %u values",
                                     (unsigned)arity, (unsigned)count);
        }
        if (!stack_fits(v, types, count)) {
            return fail_stack(v, "instruction", types, count, count);
        }
    }
    dv_validator_set_unreachable(v);
    return true;
}

static bool check_return(Validator *v)
{
    const ControlFrame *body = &v->frames.data[0];
    if (!dv_validator_pop_list(v, body->results, body->num_results)) {
        return false;
    }
    dv_validator_set_unreachable(v);
    return true;
}

/* ---- calls ---- */

/* The callee's results must be the caller's. */
static bool check_tail(Validator *v, const SubType *type)
{
    const ControlFrame *body = &v->frames.data[0];
    bool fits = type->num_results == body->num_results;
    for (u32 i = 0; fits && i < type->num_results; i++) {
        fits = dv_wasm_is_subtype(v->module, type->results[i], body->results[i]);
    }
    if (!fits) {
        return dv_validator_fail(
            v, "type mismatch: the function called returns other results than its caller");
    }
    dv_validator_set_unreachable(v);
    return true;
}

static bool check_call_type(Validator *v, const SubType *type, bool is_tail)
{
    if (!dv_validator_pop_list(v, type->params, type->num_params)) {
        return false;
    }
    return is_tail ? check_tail(v, type)
                   : dv_validator_push_list(v, type->results, type->num_results);
}

static bool check_call(Validator *v, const WasmInst *inst)
{
    const WasmModule *m = v->module;
    if (inst->index >= m->funcs.len) {
        return dv_validator_fail(v, "unknown function %u", (unsigned)inst->index);
    }
    return check_call_type(v, &m->types.data[m->funcs.data[inst->index].type],
                           inst->op == W_return_call);
}

static bool check_call_indirect(Validator *v, const WasmInst *inst)
{
    const WasmModule *m = v->module;
    const SubType *type;
    if (inst->index2 >= m->tables.len) {
        return dv_validator_fail(v, "unknown table %u", (unsigned)inst->index2);
    }
    const TableDecl *table = &m->tables.data[inst->index2];
    if (!dv_validator_find_type(v, inst->index, COMP_FUNC, &type)) {
        return false;
    }
    if (!dv_wasm_is_subtype(m, table->type, VT_FUNCREF)) {
        return dv_validator_fail(v, "type mismatch: table %u holds %s, not functions",
                                 (unsigned)inst->index2, dv_validator_type_text(v, table->type));
    }
    return dv_validator_pop(v, dv_index_type(&table->limits)) &&
           check_call_type(v, type, inst->op == W_return_call_indirect);
}

static bool check_call_ref(Validator *v, const WasmInst *inst)
{
    const SubType *type;
    return dv_validator_find_type(v, inst->index, COMP_FUNC, &type) &&
           dv_validator_pop(v, VT_REF | VT_NULL | inst->index) &&
           check_call_type(v, type, inst->op == W_return_call_ref);
}

/* ---- exceptions ---- */

static bool find_tag(Validator *v, u32 index, const SubType **out)
{
    const WasmModule *m = v->module;
    if (index >= m->tags.len) {
        return dv_validator_fail(v, "unknown tag %u", (unsigned)index);
    }
    *out = &m->types.data[m->tags.data[index].type];
    return true;
}

static bool check_throw(Validator *v, const WasmInst *inst)
{
    const SubType *type;
    if (!find_tag(v, inst->index, &type) ||
        !dv_validator_pop_list(v, type->params, type->num_params)) {
        return false;
    }
    dv_validator_set_unreachable(v);
    return true;
}

/* The label takes what the clause hands over. */
static bool check_catch_clause(Validator *v, const WasmCatch *clause)
{
    ControlFrame *frame;
    const ValType *types;
    const SubType *tag = NULL;
    if (!dv_validator_find_label(v, clause->label, &frame) ||
        (clause->kind < CATCH_ALL && !find_tag(v, clause->tag, &tag))) {
        return false;
    }
    u32 wanted = dv_label_types(frame, &types);
    u32 params = tag != NULL ? tag->num_params : 0;
    bool has_ref = clause->kind == CATCH_REF || clause->kind == CATCH_ALL_REF;
    bool fits = wanted == params + has_ref;
    for (u32 i = 0; fits && i < params; i++) {
        fits = dv_wasm_is_subtype(v->module, tag->params[i], types[i]);
    }
    if (fits && has_ref) {
        fits = dv_wasm_is_subtype(v->module, VT_EXNREF & ~VT_NULL, types[params]);
    }
    return fits ||
           dv_validator_fail(v, "type mismatch: label %u does not take what its catch clause gives",
                             (unsigned)clause->label);
}

static bool check_try_table(Validator *v, const WasmInst *inst)
{
    const u8 *entries = inst->entries;
    for (u32 i = 0; i < inst->count; i++) {
        WasmCatch clause = dv_wasm_catch(&entries);
        if (!check_catch_clause(v, &clause)) {
            return false;
        }
    }
    return open_block(v, inst);
}

static bool check_catch(Validator *v, const WasmInst *inst)
{
    const ControlFrame *frame = dv_validator_frame(v);
    if (frame->op != W_try && frame->op != W_catch) {
        return fail_nesting(v, inst);
    }
    const SubType *tag = NULL;
    if ((inst->op == W_catch && !find_tag(v, inst->index, &tag)) || !leave_block(v)) {
        return false;
    }
    return begin_part(v, inst->op, tag != NULL ? tag->params : NULL,
                      tag != NULL ? tag->num_params : 0);
}

/* Ends its block; the label counts from outside of it. */
static bool check_delegate(Validator *v, const WasmInst *inst)
{
    if (vec_last(&v->frames).op != W_try) {
        return fail_nesting(v, inst);
    }
    if (inst->index >= v->frames.len - 1) {
        return dv_validator_fail(v, "unknown label %u", (unsigned)inst->index);
    }
    return check_end(v);
}

static bool check_rethrow(Validator *v, const WasmInst *inst)
{
    ControlFrame *frame;
    if (!dv_validator_find_label(v, inst->index, &frame)) {
        return false;
    }
    if (frame->op != W_catch && frame->op != W_catch_all) {
        return dv_validator_fail(v, "invalid rethrow label %u: it is no catch",
                                 (unsigned)inst->index);
    }
    dv_validator_set_unreachable(v);
    return true;
}

/* ---- variables and parametric instructions ---- */

static bool is_unset(const Validator *v, u32 local)
{
    ValType type = v->locals.data[local];
    return vt_is_ref(type) && (type & VT_NULL) == 0 && !dv_bitset_contains(&v->is_set, local);
}

static void set_local(Validator *v, u32 local)
{
    if (is_unset(v, local)) {
        dv_bitset_insert(v->arena, &v->is_set, local);
        vec_push(v->arena, &v->set_trail, local);
    }
}

static bool check_local(Validator *v, const WasmInst *inst)
{
    if (DV_UNLIKELY(inst->index >= v->locals.len)) {
        return dv_validator_fail(v, "unknown local %u", (unsigned)inst->index);
    }
    ValType type = v->locals.data[inst->index];
    if (inst->op == W_local_get) {
        if (DV_UNLIKELY(is_unset(v, inst->index))) {
            return dv_validator_fail(v, "uninitialized local %u", (unsigned)inst->index);
        }
        return dv_validator_push(v, type);
    }
    if (!dv_validator_pop(v, type)) {
        return false;
    }
    set_local(v, inst->index);
    return inst->op == W_local_set || dv_validator_push(v, type);
}

static bool check_global(Validator *v, const WasmInst *inst)
{
    u32 count = v->is_constant ? v->constant_globals : v->module->globals.len;
    if (inst->index >= count) {
        return dv_validator_fail(v, "unknown global %u", (unsigned)inst->index);
    }
    const GlobalDecl *global = &v->module->globals.data[inst->index];
    if (inst->op == W_global_get) {
        if (v->is_constant && global->is_mutable) {
            return dv_validator_fail(v, "constant expression required: global %u is mutable",
                                     (unsigned)inst->index);
        }
        return dv_validator_push(v, global->type);
    }
    if (!global->is_mutable) {
        return dv_validator_fail(v, "immutable global %u", (unsigned)inst->index);
    }
    return dv_validator_pop(v, global->type);
}

/* Without types: of two numbers or vectors. */
static bool check_select(Validator *v)
{
    ValType a, b;
    if (!dv_validator_pop(v, VT_I32) || !dv_validator_pop_any(v, &b) ||
        !dv_validator_pop_any(v, &a)) {
        return false;
    }
    if (vt_is_ref(a) || vt_is_ref(b) || (a != b && a != VT_BOTTOM && b != VT_BOTTOM)) {
        return dv_validator_fail(v, "type mismatch: select of %s and %s",
                                 dv_validator_type_text(v, a), dv_validator_type_text(v, b));
    }
    return dv_validator_push(v, a != VT_BOTTOM ? a : b);
}

static bool check_typed_select(Validator *v, const WasmInst *inst)
{
    if (inst->count != 1) {
        return dv_validator_fail(v, "invalid result arity: select of %u types",
                                 (unsigned)inst->count);
    }
    ValType operands[3] = {inst->type, inst->type, VT_I32};
    return dv_validator_check_type(v, inst->type) && dv_validator_pop_list(v, operands, 3) &&
           dv_validator_push(v, inst->type);
}

/* ---- instructions whose rows have types ---- */

static bool check_memarg(Validator *v, const WasmInst *inst, const WasmOpInfo *info)
{
    if (!check_memory(v, inst->index)) {
        return false;
    }
    if (inst->align_log2 > info->arg) {
        return dv_validator_fail(v, "alignment must not be larger than natural: 2^%u, natural 2^%u",
                                 (unsigned)inst->align_log2, (unsigned)info->arg);
    }
    if (info->prefix == 0xfe && inst->align_log2 != info->arg) {
        return dv_validator_fail(v, "atomic alignment must be natural: 2^%u, natural 2^%u",
                                 (unsigned)inst->align_log2, (unsigned)info->arg);
    }
    if (inst->offset > UINT32_MAX && !v->module->memories.data[inst->index].limits.index64) {
        return dv_validator_fail(v, "offset out of range: 0x%llx",
                                 (unsigned long long)inst->offset);
    }
    return true;
}

static bool check_lane(Validator *v, u32 lane, u32 lanes)
{
    return lane < lanes ||
           dv_validator_fail(v, "invalid lane index %u of %u", (unsigned)lane, (unsigned)lanes);
}

static bool check_shuffle(Validator *v, const WasmInst *inst, u32 lanes)
{
    for (u32 i = 0; i < sizeof inst->bytes; i++) {
        if (!check_lane(v, inst->bytes[i], lanes)) {
            return false;
        }
    }
    return true;
}

/* What the immediates name exists. *memory: the one that `m` is about. */
static bool check_immediates(Validator *v, const WasmInst *inst, const WasmOpInfo *info,
                             u32 *memory)
{
    *memory = inst->index;
    switch (info->imm) {
    case WIMM_MEMARG:
        return check_memarg(v, inst, info);
    case WIMM_MEMARG_LANE:
        return check_memarg(v, inst, info) && check_lane(v, inst->lane, 16u >> info->arg);
    case WIMM_MEMORY:
        return check_memory(v, inst->index);
    case WIMM_DATA_MEMORY:
        *memory = inst->index2;
        return check_memory(v, inst->index2) && check_data(v, inst->index);
    case WIMM_DATA:
        return check_data(v, inst->index);
    case WIMM_ELEM:
        return inst->index < v->module->elems.len ||
               dv_validator_fail(v, "unknown elem segment %u", (unsigned)inst->index);
    case WIMM_LANE:
        return check_lane(v, inst->lane, info->arg);
    case WIMM_LANES:
        return check_shuffle(v, inst, info->arg);
    default:
        return true;
    }
}

enum { OPERANDS_MAX = 4 };

/* Types by the letters of rows. */
static const u8 letter_types[128] = {
    ['i'] = VT_I32, ['I'] = VT_I64, ['f'] = VT_F32, ['F'] = VT_F64, ['v'] = VT_V128};

static bool check_row(Validator *v, const WasmInst *inst, const WasmOpInfo *info)
{
    u32 memory = 0;
    if (info->imm != WIMM_NONE && !check_immediates(v, inst, info, &memory)) {
        return false;
    }
    ValType types[OPERANDS_MAX];
    u32 count = 0;
    for (const char *p = info->params; *p != 0; p++) {
        types[count++] = *p == 'm' ? dv_index_type(&v->module->memories.data[memory].limits)
                                   : letter_types[(u8)*p];
    }
    u32 len = v->stack.len;
    if (DV_LIKELY(len - v->frames.data[v->frames.len - 1].height >= count)) {
        u32 i = count;
        while (i != 0 && v->stack.data[len - count + i - 1] == types[i - 1]) {
            i--;
        }
        if (DV_LIKELY(i == 0)) {
            v->stack.len = len - count;
            count = 0;
        }
    }
    if (count != 0 && !dv_validator_pop_list(v, types, count)) {
        return false;
    }
    for (const char *p = info->results; *p != 0; p++) {
        if (!dv_validator_push(v, *p == 'm'
                                      ? dv_index_type(&v->module->memories.data[memory].limits)
                                      : letter_types[(u8)*p])) {
            return false;
        }
    }
    return true;
}

/* The length has the smaller of both index types. */
static bool check_memory_copy(Validator *v, const WasmInst *inst)
{
    if (!check_memory(v, inst->index) || !check_memory(v, inst->index2)) {
        return false;
    }
    const MemoryDecl *memories = v->module->memories.data;
    ValType to = dv_index_type(&memories[inst->index].limits);
    ValType from = dv_index_type(&memories[inst->index2].limits);
    ValType operands[3] = {to, from, to == VT_I64 && from == VT_I64 ? VT_I64 : VT_I32};
    return dv_validator_pop_list(v, operands, 3);
}

/* ---- one instruction ---- */

static bool check_rare_control(Validator *v, const WasmInst *inst)
{
    switch (inst->op) {
    case W_try:
        return open_block(v, inst);
    case W_try_table:
        return check_try_table(v, inst);
    case W_catch:
    case W_catch_all:
        return check_catch(v, inst);
    case W_delegate:
        return check_delegate(v, inst);
    case W_throw:
        return check_throw(v, inst);
    case W_rethrow:
        return check_rethrow(v, inst);
    case W_throw_ref:
        if (!dv_validator_pop(v, VT_EXNREF)) {
            return false;
        }
        dv_validator_set_unreachable(v);
        return true;
    case W_select_t:
        return check_typed_select(v, inst);
    case W_memory_copy:
        return check_memory_copy(v, inst);
    default:
        return dv_validate_ref_inst(v, inst);
    }
}

/* Instructions that rows do not say. */
static bool check_special(Validator *v, const WasmInst *inst)
{
    ValType any;
    switch (inst->op) {
    case W_local_get:
    case W_local_set:
    case W_local_tee:
        return check_local(v, inst);
    case W_global_get:
    case W_global_set:
        return check_global(v, inst);
    case W_block:
    case W_loop:
    case W_if:
        return open_block(v, inst);
    case W_else:
        return check_else(v, inst);
    case W_end:
        return check_end(v);
    case W_br:
        return check_br(v, inst->index);
    case W_br_if:
        return check_br_if(v, inst->index);
    case W_br_table:
        return check_br_table(v, inst);
    case W_return:
        return check_return(v);
    case W_unreachable:
        dv_validator_set_unreachable(v);
        return true;
    case W_call:
    case W_return_call:
        return check_call(v, inst);
    case W_call_indirect:
    case W_return_call_indirect:
        return check_call_indirect(v, inst);
    case W_call_ref:
    case W_return_call_ref:
        return check_call_ref(v, inst);
    case W_drop:
        return dv_validator_pop_any(v, &any);
    case W_select:
        return check_select(v);
    default:
        return check_rare_control(v, inst);
    }
}

/* ---- constant expressions ---- */

static bool is_constant(const Validator *v, u16 op)
{
    switch (op) {
    case W_end:
    case W_i32_const:
    case W_i64_const:
    case W_f32_const:
    case W_f64_const:
    case W_v128_const:
    case W_ref_null:
    case W_ref_func:
    case W_global_get:
        return true;
    case W_i32_add:
    case W_i32_sub:
    case W_i32_mul:
    case W_i64_add:
    case W_i64_sub:
    case W_i64_mul:
        return dv_wasm_has(&v->reader, FEATURE_extended_const);
    case W_struct_new:
    case W_struct_new_default:
    case W_struct_new_desc:
    case W_struct_new_default_desc:
    case W_array_new:
    case W_array_new_default:
    case W_array_new_fixed:
    case W_ref_i31:
    case W_any_convert_extern:
    case W_extern_convert_any:
        return true;
    default:
        return false;
    }
}

static bool check_constant(Validator *v, const WasmInst *inst)
{
    if (!is_constant(v, inst->op)) {
        return dv_validator_fail(v, "constant expression required: %s is not constant",
                                 dv_wasm_ops[inst->op].text);
    }
    if (inst->op >= W_i32_add && inst->op <= W_i64_mul) {
        v->reader.used |= FEATURE_BIT(extended_const);
    }
    return true;
}

bool dv_validator_constant(Validator *v, Span span, ValType expected, u32 num_globals)
{
    Features used = v->reader.used;
    dv_wasm_reader_init(&v->reader, v->module, span, v->diag);
    v->reader.used = used;
    v->is_constant = true;
    v->constant_globals = num_globals;
    vec_clear(&v->frames);
    vec_clear(&v->stack);
    vec_clear(&v->locals);
    ControlFrame frame = {.op = W_block, .num_results = 1, .results = &expected, .at = span.offset};
    vec_push(v->arena, &v->frames, frame);
    WasmInst inst;
    while (v->frames.len != 0) {
        if (!dv_validator_next(v, &inst)) {
            return false;
        }
    }
    return true;
}

/* ---- bodies ---- */

/* How many locals are declared; the reader ends behind their declarations. */
static bool count_locals(Validator *v, u32 groups, u64 *out)
{
    *out = 0;
    for (u32 i = 0; i < groups; i++) {
        u32 count;
        ValType type;
        if (!dv_wasm_read_u32(&v->reader, &count) ||
            !dv_wasm_read_type(&v->reader, "value type", &type) ||
            !dv_validator_check_type(v, type)) {
            return false;
        }
        *out += count;
    }
    return true;
}

static bool read_locals(Validator *v, const SubType *type)
{
    WasmReader *r = &v->reader;
    u32 groups;
    u64 total;
    if (!dv_wasm_read_u32(r, &groups)) {
        return false;
    }
    const u8 *declarations = r->at;
    if (!count_locals(v, groups, &total)) {
        return false;
    }
    if (total > UINT32_MAX || total + type->num_params > dv_wasm_limits.locals) {
        return dv_wasm_fail(
            r, declarations, total > UINT32_MAX, "too many locals: %llu, more than %u",
            (unsigned long long)(total + type->num_params), (unsigned)dv_wasm_limits.locals);
    }
    v->num_locals += total + type->num_params;
    if (!dv_wasm_locals_fit(v->module, v->num_locals)) {
        return dv_wasm_fail(r, declarations, false, "too many locals in all functions");
    }
    vec_reserve(v->arena, &v->locals, (usize)total + type->num_params);
    for (u32 i = 0; i < type->num_params; i++) {
        v->locals.data[v->locals.len++] = type->params[i];
        set_local(v, i);
    }
    r->at = declarations;
    for (u32 i = 0; i < groups; i++) {
        u32 count;
        ValType local;
        if (!dv_wasm_read_u32(r, &count) || !dv_wasm_read_type(r, "value type", &local)) {
            return false;
        }
        for (u32 j = 0; j < count; j++) {
            v->locals.data[v->locals.len++] = local;
        }
    }
    return true;
}

bool dv_validator_begin(Validator *v, u32 func)
{
    const WasmModule *m = v->module;
    CHECK(func >= m->imported_funcs && func - m->imported_funcs < m->codes.len);
    const SubType *type = &m->types.data[m->funcs.data[func].type];
    dv_wasm_reader_init(&v->reader, m, m->codes.data[func - m->imported_funcs].body, v->diag);
    v->func = func;
    v->reader.func = func;
    v->is_constant = false;
    vec_clear(&v->frames);
    vec_clear(&v->stack);
    vec_clear(&v->locals);
    while (v->set_trail.len != 0) {
        dv_bitset_remove(&v->is_set, vec_pop(&v->set_trail));
    }
    if (!read_locals(v, type)) {
        return false;
    }
    ControlFrame frame = {.op = W_block,
                          .num_results = type->num_results,
                          .results = type->results,
                          .at = dv_wasm_offset(&v->reader, v->reader.at),
                          .set_mark = v->set_trail.len};
    vec_push(v->arena, &v->frames, frame);
    return true;
}

/* The body stops short of its end instruction. Decoders that look on would find the next body or
 * section there. */
static bool fail_body_end(Validator *v)
{
    const WasmModule *m = v->module;
    WasmReader *r = &v->reader;
    if (r->end == m->bytes + m->size) {
        return dv_wasm_fail_end(r);
    }
    return dv_wasm_fail(r, r->end, true, "%s: the body of the function has no end",
                        v->func + 1 == m->funcs.len ? "section size mismatch"
                                                    : "END opcode expected");
}

bool dv_validator_next(Validator *v, WasmInst *inst)
{
    if (DV_UNLIKELY(v->reader.at == v->reader.end) && !v->is_constant) {
        return fail_body_end(v);
    }
    if (!dv_wasm_next(&v->reader, inst) || (v->is_constant && !check_constant(v, inst))) {
        return false;
    }
    const WasmOpInfo *info = &dv_wasm_ops[inst->op];
    bool ok = info->params[0] == '*' ? check_special(v, inst) : check_row(v, inst, info);
    if (ok && v->frames.len == 0) {
        v->module->used |= v->reader.used;
    }
    return ok;
}

bool dv_wasm_validate(Arena *scratch, WasmModule *module, Diag *diag, WasmError *error)
{
    Validator v = {.module = module, .arena = scratch, .diag = diag};
    for (u32 i = 0; i < module->codes.len; i++) {
        bool ok = dv_validator_begin(&v, module->imported_funcs + i);
        WasmInst inst;
        while (ok && v.frames.len != 0) {
            ok = dv_validator_next(&v, &inst);
        }
        if (!ok) {
            if (error != NULL) {
                *error = v.reader.error;
            }
            return false;
        }
    }
    return true;
}
