/* translate.c - one function from Wasm to CLIF, validated and translated in one pass over its body.
 *
 * The validator reads an instruction and checks it; then it is translated, with a stack of values beside the
 * validator's stack of types. Code that cannot be reached is validated only. Blocks and locals are control.c's, the preamble
 * is entities.c's; what is one instruction of CLIF is a row of operators.def. References are i32 handles, 0 is null.
 *
 * A comparison gives an i8, extended to the i32 that Wasm wants; what only asks whether that is zero (br_if, if, select, eqz)
 * takes the comparison itself.
 *
 * A constant that an operation of a loop wants in a slot (stored, an address, a float, selected, a divisor) is put before the
 * loop: the outermost, or the innermost when that one has enough of them. What allocation cannot keep it makes again.
 *
 * Work is linear in the body but for two things, which have limits: values passed to labels and calls, which may be
 * many for each short instruction that passes them, and the SSA construction of locals. Functions beyond are refused.
 *
 * Source: WebAssembly core specification 3.0, "Execution", and the proposal wide-arithmetic. To add an operation: its row, or its case
 * here; a feature that is not executed yet is refused in one place, check_features.
 */
#include "wasm/compile/translate.h"

enum {
    PASSED_MIN = 1 << 22, /* values passed in any function */
    PASSED_PER_BYTE = 32, /* and by byte of its body */
    STEPS_MIN = 1 << 22,  /* of the SSA construction */
    STEPS_PER_BYTE = 64,
    ENTITIES_MAX = 1 << 24, /* values, instructions */
    LOOP_CONSTANTS_MAX = 12 /* put before one loop */
};

typedef struct Operator {
    u8 form; /* FORM_; 0: none of the table */
    u8 aux;  /* condition */
    u16 op;  /* of CLIF */
    Type type, narrow;
} Operator;
enum { FORM_NONE, FORM_UNARY, FORM_BINARY, FORM_COMPARE, FORM_EXTEND, FORM_LOAD, FORM_STORE };

static const Operator operators[W_COUNT] = {
#define UNARY(wasm, clif, type) [W_##wasm] = {FORM_UNARY, 0, OP_##clif, TYPE_##type, TYPE_NONE},
#define BINARY(wasm, clif, type) [W_##wasm] = {FORM_BINARY, 0, OP_##clif, TYPE_##type, TYPE_NONE},
#define ICMP(wasm, cc, type) \
    [W_##wasm] = {FORM_COMPARE, INTCC_##cc, OP_icmp, TYPE_##type, TYPE_NONE},
#define FCMP(wasm, cc, type) \
    [W_##wasm] = {FORM_COMPARE, FLOATCC_##cc, OP_fcmp, TYPE_##type, TYPE_NONE},
#define EXTEND(wasm, narrow, type) \
    [W_##wasm] = {FORM_EXTEND, 0, OP_sextend, TYPE_##type, TYPE_##narrow},
#define LOAD(wasm, clif, type) [W_##wasm] = {FORM_LOAD, 0, OP_##clif, TYPE_##type, TYPE_NONE},
#define STORE(wasm, clif, type) [W_##wasm] = {FORM_STORE, 0, OP_##clif, TYPE_##type, TYPE_NONE},
#include "wasm/compile/operators.def"
};

/* ---- errors ---- */

void dv_translate_fail(Translator *t, const char *what)
{
    if (t->failed) {
        return;
    }
    t->failed = true;
    t->v->reader.error = (WasmError){.missing = FEATURE_COUNT, .offset = t->at, .func = t->v->func};
    Str name = dv_wasm_func_name(t->module, t->v->func);
    const char *quoted = dv_diag_quote(t->arena, name.data, name.len);
    dv_diag_error(t->v->diag, 0, 0, "%s (function %u%s%s%s, at offset 0x%x)", what,
                  (unsigned)t->v->func, name.len != 0 ? " \"" : "", name.len != 0 ? quoted : "",
                  name.len != 0 ? "\"" : "", (unsigned)t->at);
}

void dv_translate_pass(Translator *t, u64 values)
{
    t->passed += values;
    if (t->passed > t->passed_max) {
        dv_translate_fail(t, "too many values are passed to labels and functions");
    }
}

/* ---- instructions of CLIF ---- */

Inst dv_translate_inst(Translator *t, Op op, Type type, const u32 *args, u32 num_args)
{
    Inst i = dv_inst_make(t->f, op, type, args, num_args);
    dv_inst_append(t->f, i, t->current);
    dv_srcloc_set(t->f, i, t->at);
    return i;
}

void dv_translate_finish(Translator *t, Inst i)
{
    dv_inst_make_results(t->f, i);
}

Value dv_translate_value(Translator *t, Op op, Type type, const u32 *args, u32 num_args)
{
    Inst i = dv_translate_inst(t, op, type, args, num_args);
    dv_translate_finish(t, i);
    return dv_inst_result(t->f, i, 0);
}

Value dv_translate_const(Translator *t, Type type, u64 x)
{
    Op op = type == TYPE_F32 ? OP_f32const : type == TYPE_F64 ? OP_f64const : OP_iconst;
    Inst i = dv_translate_inst(t, op, type, NULL, 0);
    dv_set_imm64(dv_inst(t->f, i), type == TYPE_I64 || type == TYPE_F64 ? x : (u32)x);
    dv_translate_finish(t, i);
    return dv_inst_result(t->f, i, 0);
}

/* The instruction that defines a value; NULL: it is a parameter. */
static const InstData *definition(const Translator *t, Value v)
{
    const ValueData *data = &vec_at(&t->f->values, v.id);
    return data->kind == VALUE_RESULT ? &vec_at(&t->f->insts, data->def) : NULL;
}

Value dv_translate_condition(const Translator *t, Value v)
{
    const InstData *d = definition(t, v);
    bool is_truth =
        d != NULL && d->op == OP_uextend && dv_value_type(t->f, (Value){d->args[0]}) == TYPE_I8;
    return is_truth ? (Value){d->args[0]} : v;
}

static bool is_const(const Translator *t, Value v)
{
    const InstData *d = definition(t, v);
    return d != NULL && d->op == OP_iconst;
}

/* ---- constants before loops ---- */

static LoopConstant *find_constant(Translator *t, u64 hash, Type type, u64 bits)
{
    u32 number;
    if (!dv_map_get(&t->constant_of, hash, &number)) {
        return NULL;
    }
    LoopConstant *c = &vec_at(&t->constants, number);
    bool is_open = c->frame < t->frames.len && t->frames.data[c->frame].label.id == c->label;
    return is_open && c->type == type && c->bits == bits ? c : NULL;
}

/* The outermost loop that may have one more constant, or the innermost; NULL if neither may. */
static Frame *roomy_loop(Translator *t, u32 *number)
{
    if (t->loops.len == 0) {
        return NULL;
    }
    *number = t->loops.data[0];
    if (t->frames.data[*number].constants >= LOOP_CONSTANTS_MAX) {
        *number = vec_last(&t->loops);
    }
    Frame *frame = &vec_at(&t->frames, *number);
    return frame->constants < LOOP_CONSTANTS_MAX ? frame : NULL;
}

Value dv_translate_operand(Translator *t, Value v)
{
    const InstData *d = definition(t, v);
    u32 number;
    if (d == NULL || (d->op != OP_iconst && d->op != OP_f32const && d->op != OP_f64const)) {
        return v;
    }
    Type type = d->type;
    u64 bits = dv_imm64(d), hash = dv_hash_combine(type, bits);
    const LoopConstant *known = find_constant(t, hash, type, bits);
    if (known != NULL) {
        return known->value;
    }
    Frame *loop = roomy_loop(t, &number);
    if (loop == NULL) {
        return v;
    }
    Inst i = dv_inst_make(t->f, (Op)d->op, type, NULL, 0);
    dv_set_imm64(dv_inst(t->f, i), bits);
    dv_translate_finish(t, i);
    dv_inst_insert_before(t->f, i, dv_block(t->f, loop->head)->last);
    LoopConstant made = {type, bits, dv_inst_result(t->f, i, 0), number, loop->label.id};
    vec_push(t->arena, &t->constants, made);
    dv_map_put(t->arena, &t->constant_of, hash, t->constants.len - 1);
    loop->constants++;
    return made.value;
}

/* True of constants that operations do not have in themselves. */
static bool is_long(const Translator *t, Value v)
{
    const InstData *d = definition(t, v);
    if (d == NULL || d->op != OP_iconst) {
        return d != NULL;
    }
    return d->type == TYPE_I64 && dv_imm64(d) + 0x80000000u > UINT32_MAX;
}

/* ---- operators ---- */

static void push_truth(Translator *t, Op op, u8 cc, u32 x, u32 y)
{
    u32 args[2] = {x, y};
    Inst i = dv_translate_inst(t, op, dv_value_type(t->f, (Value){x}), args, 2);
    dv_inst(t->f, i)->aux = cc;
    dv_translate_finish(t, i);
    Value truth = dv_inst_result(t->f, i, 0);
    push_value(t, dv_translate_value(t, OP_uextend, TYPE_I32, &truth.id, 1));
}

/* Of an operator of two operands. */
static Value pop_operand(Translator *t, const Operator *o)
{
    Value v = pop_value(t);
    bool divides = o->op == OP_sdiv || o->op == OP_udiv || o->op == OP_srem || o->op == OP_urem;
    return divides || is_long(t, v) ? dv_translate_operand(t, v) : v;
}

static void compare(Translator *t, const Operator *o)
{
    Value y = pop_operand(t, o), x = pop_operand(t, o);
    bool swaps = o->op == OP_icmp && is_const(t, x) && !is_const(t, y);
    u8 cc = swaps ? (u8)dv_intcc_swap((IntCC)o->aux) : o->aux;
    push_truth(t, (Op)o->op, cc, swaps ? y.id : x.id, swaps ? x.id : y.id);
}

/* Of a comparison, the opposite one. */
static void equals_zero(Translator *t)
{
    Value x = pop_value(t);
    Value truth = dv_translate_condition(t, x);
    const InstData *d = truth.id == x.id ? NULL : definition(t, truth);
    if (d != NULL && (d->op == OP_icmp || d->op == OP_fcmp)) {
        u8 cc = d->op == OP_icmp ? (u8)dv_intcc_negate((IntCC)d->aux)
                                 : (u8)dv_floatcc_negate((FloatCC)d->aux);
        push_truth(t, (Op)d->op, cc, d->args[0], d->args[1]);
        return;
    }
    Value zero = dv_translate_const(t, dv_value_type(t->f, x), 0);
    push_truth(t, OP_icmp, INTCC_eq, x.id, zero.id);
}

static void extend(Translator *t, const Operator *o)
{
    Value x = pop_value(t);
    Value low = dv_translate_value(t, OP_ireduce, o->narrow, &x.id, 1);
    push_value(t, dv_translate_value(t, OP_sextend, o->type, &low.id, 1));
}

static void load(Translator *t, const Operator *o, const WasmInst *inst)
{
    Value address = dv_translate_operand(t, pop_value(t));
    u32 memory = dv_entity_memory(t, inst->index);
    Inst i = dv_translate_inst(t, (Op)o->op, o->type, &address.id, 1);
    dv_inst(t->f, i)->ent = memory;
    dv_set_imm64(dv_inst(t->f, i), inst->offset);
    dv_translate_finish(t, i);
    push_value(t, dv_inst_result(t->f, i, 0));
}

static void store(Translator *t, const Operator *o, const WasmInst *inst)
{
    Value x = dv_translate_operand(t, pop_value(t));
    Value address = dv_translate_operand(t, pop_value(t));
    u32 memory = dv_entity_memory(t, inst->index);
    Inst i = dv_translate_inst(t, (Op)o->op, o->type, (const u32[]){x.id, address.id}, 2);
    dv_inst(t->f, i)->ent = memory;
    dv_set_imm64(dv_inst(t->f, i), inst->offset);
}

static void translate_operator(Translator *t, const Operator *o, const WasmInst *inst)
{
    u32 args[2];
    switch (o->form) {
    case FORM_UNARY:
        args[0] = pop_value(t).id;
        push_value(t, dv_translate_value(t, (Op)o->op, o->type, args, 1));
        break;
    case FORM_BINARY:
        args[1] = pop_operand(t, o).id;
        args[0] = pop_operand(t, o).id;
        push_value(t, dv_translate_value(t, (Op)o->op, o->type, args, 2));
        break;
    case FORM_COMPARE:
        compare(t, o);
        break;
    case FORM_EXTEND:
        extend(t, o);
        break;
    case FORM_LOAD:
        load(t, o, inst);
        break;
    default:
        store(t, o, inst);
        break;
    }
}

/* ---- operations on entities ---- */

/* Takes the operands of the operation, names its entities, gives its results. */
static void entity_inst(Translator *t, Op op, Type type, u32 entity, u32 second)
{
    u32 count = dv_ops[op].num_operands;
    Inst i = dv_translate_inst(t, op, type, top_values(t, count), count);
    t->stack.len -= count;
    dv_inst(t->f, i)->ent = entity;
    dv_inst(t->f, i)->imm[0] = second;
    dv_translate_finish(t, i);
    if (dv_inst_const(t->f, i)->num_results != 0) {
        push_value(t, dv_inst_result(t->f, i, 0));
    }
}

static bool translate_memory(Translator *t, const WasmInst *inst)
{
    switch (inst->op) {
    case W_memory_size:
        entity_inst(t, OP_memory_size, TYPE_NONE, dv_entity_memory(t, inst->index), 0);
        return true;
    case W_memory_grow:
        entity_inst(t, OP_memory_grow, TYPE_NONE, dv_entity_memory(t, inst->index), 0);
        return true;
    case W_memory_fill:
        entity_inst(t, OP_memory_fill, TYPE_NONE, dv_entity_memory(t, inst->index), 0);
        return true;
    case W_memory_copy: {
        u32 to = dv_entity_memory(t, inst->index);
        entity_inst(t, OP_memory_copy, TYPE_NONE, to, dv_entity_memory(t, inst->index2));
        return true;
    }
    case W_memory_init: {
        u32 data = dv_entity_data(t, inst->index);
        entity_inst(t, OP_memory_init, TYPE_NONE, dv_entity_memory(t, inst->index2), data);
        return true;
    }
    case W_data_drop:
        entity_inst(t, OP_data_drop, TYPE_NONE, dv_entity_data(t, inst->index), 0);
        return true;
    default:
        return false;
    }
}

static bool translate_table(Translator *t, const WasmInst *inst)
{
    static const struct {
        u16 wasm, clif;
    } plain[] = {{W_table_get, OP_table_get},
                 {W_table_set, OP_table_set},
                 {W_table_size, OP_table_size},
                 {W_table_grow, OP_table_grow},
                 {W_table_fill, OP_table_fill}};
    for (u32 i = 0; i < ARRAY_LEN(plain); i++) {
        if (plain[i].wasm == inst->op) {
            entity_inst(t, (Op)plain[i].clif, TYPE_NONE, dv_entity_table(t, inst->index), 0);
            return true;
        }
    }
    switch (inst->op) {
    case W_table_copy: {
        u32 to = dv_entity_table(t, inst->index);
        entity_inst(t, OP_table_copy, TYPE_NONE, to, dv_entity_table(t, inst->index2));
        return true;
    }
    case W_table_init: {
        u32 elem = dv_entity_elem(t, inst->index);
        entity_inst(t, OP_table_init, TYPE_NONE, dv_entity_table(t, inst->index2), elem);
        return true;
    }
    case W_elem_drop:
        entity_inst(t, OP_elem_drop, TYPE_NONE, dv_entity_elem(t, inst->index), 0);
        return true;
    default:
        return false;
    }
}

static bool translate_variable(Translator *t, const WasmInst *inst)
{
    Type type;
    switch (inst->op) {
    case W_local_get:
        push_value(t, dv_local_get(t, inst->index));
        return true;
    case W_local_set:
        dv_local_set(t, inst->index, pop_value(t));
        return true;
    case W_local_tee:
        dv_local_set(t, inst->index, (Value){vec_last(&t->stack)});
        return true;
    case W_global_get:
    case W_global_set:
        type = dv_entity_value_type(vec_at(&t->module->globals, inst->index).type);
        entity_inst(t, inst->op == W_global_get ? OP_global_get : OP_global_set, type,
                    dv_entity_global(t, inst->index), 0);
        return true;
    default:
        return false;
    }
}

static bool translate_reference(Translator *t, const WasmInst *inst)
{
    u32 x, zero;
    Inst i;
    switch (inst->op) {
    case W_ref_null:
        push_value(t, dv_translate_const(t, TYPE_I32, 0));
        return true;
    case W_ref_is_null:
        x = pop_value(t).id;
        zero = dv_translate_const(t, TYPE_I32, 0).id;
        push_truth(t, OP_icmp, INTCC_eq, x, zero);
        return true;
    case W_ref_func:
        entity_inst(t, OP_ref_func, TYPE_NONE, dv_entity_func(t, inst->index), 0);
        return true;
    case W_ref_as_non_null:
        x = vec_last(&t->stack);
        i = dv_translate_inst(t, OP_trapz, TYPE_I32, &x, 1);
        dv_inst(t->f, i)->aux = TRAP_null_ref;
        return true;
    default:
        return false;
    }
}

/* ---- calls ---- */

/* A call of what has this type; `fixed` values, the callee's place, are on top of the arguments. */
static void call(Translator *t, Op op, u32 type, u32 fixed, const u32 entities[2])
{
    const SubType *callee = &vec_at(&t->module->types, type);
    u32 count = callee->num_params + fixed;
    u32 *args = top_values(t, count);
    dv_translate_pass(t, (u64)callee->num_params + callee->num_results);
    if (fixed == 1) { /* CLIF has it first */
        u32 place = args[count - 1];
        memmove(args + 1, args, callee->num_params * sizeof *args);
        args[0] = place;
    }
    Inst i = dv_translate_inst(t, op, TYPE_NONE, args, count);
    t->stack.len -= count;
    dv_inst(t->f, i)->ent = entities[0];
    dv_inst(t->f, i)->imm[0] = entities[1];
    if ((dv_ops[op].effects & FX_TERM) != 0) {
        dv_control_end_block(t);
        return;
    }
    dv_translate_finish(t, i);
    vec_reserve(t->arena, &t->stack, callee->num_results);
    for (u32 n = 0; n < callee->num_results; n++) {
        push_value(t, dv_inst_result(t->f, i, n));
    }
}

static void call_func(Translator *t, const WasmInst *inst, bool is_tail)
{
    u32 type = vec_at(&t->module->funcs, inst->index).type;
    if (inst->index < t->module->imported_funcs) {
        u32 func = dv_entity_func(t, inst->index);
        call(t, is_tail ? OP_return_call_import : OP_call_import, type, 0, (const u32[]){func, 0});
    } else {
        u32 callee = dv_entity_callee(t, inst->index);
        call(t, is_tail ? OP_return_call : OP_call, type, 0, (const u32[]){callee, 0});
    }
}

static bool translate_call(Translator *t, const WasmInst *inst)
{
    u32 table, type;
    switch (inst->op) {
    case W_call:
    case W_return_call:
        call_func(t, inst, inst->op == W_return_call);
        return true;
    case W_call_indirect:
    case W_return_call_indirect:
        table = dv_entity_table(t, inst->index2);
        type = dv_entity_type(t, inst->index);
        call(t, inst->op == W_call_indirect ? OP_call_table : OP_return_call_table, inst->index, 1,
             (const u32[]){table, type});
        return true;
    case W_call_ref:
    case W_return_call_ref:
        type = dv_entity_type(t, inst->index);
        call(t, inst->op == W_call_ref ? OP_call_ref : OP_return_call_ref, inst->index, 1,
             (const u32[]){type, 0});
        return true;
    default:
        return false;
    }
}

/* ---- the rest ---- */

static void select_value(Translator *t)
{
    Value condition = dv_translate_condition(t, pop_value(t));
    u32 args[3] = {condition.id, 0, 0};
    args[2] = dv_translate_operand(t, pop_value(t)).id;
    args[1] = dv_translate_operand(t, pop_value(t)).id;
    Type type = dv_value_type(t->f, (Value){args[1]});
    push_value(t, dv_translate_value(t, OP_select, type, args, 3));
}

/* Two 128-bit operands of two halves each, low first. */
static void wide_sum(Translator *t, Op op)
{
    u32 *halves = top_values(t, 4);
    u32 args[2];
    args[0] = dv_translate_value(t, OP_iconcat, TYPE_I64, halves, 2).id;
    args[1] = dv_translate_value(t, OP_iconcat, TYPE_I64, halves + 2, 2).id;
    t->stack.len -= 4;
    Value sum = dv_translate_value(t, op, TYPE_I128, args, 2);
    Inst i = dv_translate_inst(t, OP_isplit, TYPE_I128, &sum.id, 1);
    dv_translate_finish(t, i);
    push_value(t, dv_inst_result(t->f, i, 0));
    push_value(t, dv_inst_result(t->f, i, 1));
}

static void wide_product(Translator *t, Op high)
{
    u32 args[2];
    memcpy(args, top_values(t, 2), sizeof args);
    t->stack.len -= 2;
    push_value(t, dv_translate_value(t, OP_imul, TYPE_I64, args, 2));
    push_value(t, dv_translate_value(t, high, TYPE_I64, args, 2));
}

static bool translate_other(Translator *t, const WasmInst *inst)
{
    switch (inst->op) {
    case W_i32_const:
        push_value(t, dv_translate_const(t, TYPE_I32, inst->value));
        return true;
    case W_i64_const:
        push_value(t, dv_translate_const(t, TYPE_I64, inst->value));
        return true;
    case W_f32_const:
        push_value(t, dv_translate_const(t, TYPE_F32, inst->value));
        return true;
    case W_f64_const:
        push_value(t, dv_translate_const(t, TYPE_F64, inst->value));
        return true;
    case W_i32_eqz:
    case W_i64_eqz:
        equals_zero(t);
        return true;
    case W_drop:
        pop_value(t);
        return true;
    case W_select:
    case W_select_t:
        select_value(t);
        return true;
    case W_i64_add128:
        wide_sum(t, OP_iadd);
        return true;
    case W_i64_sub128:
        wide_sum(t, OP_isub);
        return true;
    case W_i64_mul_wide_s:
        wide_product(t, OP_smulhi);
        return true;
    case W_i64_mul_wide_u:
        wide_product(t, OP_umulhi);
        return true;
    default:
        return false;
    }
}

static bool is_free(u32 op)
{
    return op == W_block || op == W_loop || op == W_else || op == W_end;
}

static void translate(Translator *t, const WasmInst *inst)
{
    t->at = inst->at;
    if (!t->is_reachable) {
        dv_control_dead(t, inst);
        return;
    }
    t->fuel += !is_free(inst->op);
    const Operator *o = &operators[inst->op];
    if (o->form != FORM_NONE) {
        translate_operator(t, o, inst);
        return;
    }
    bool is_known = translate_variable(t, inst) || translate_other(t, inst) ||
                    dv_control_inst(t, inst) || translate_call(t, inst) ||
                    translate_memory(t, inst) || translate_table(t, inst) ||
                    translate_reference(t, inst);
    CHECK(is_known); /* check_features lets nothing else pass */
}

/* ---- functions ---- */

/* What the module has used so far must be executed by this version. */
static bool check_features(Translator *t)
{
    Features missing = (t->module->used | t->v->reader.used) & ~t->executed;
    if (missing == 0) {
        return true;
    }
    u32 feature = dv_ctz64(missing);
    TextBuf text;
    dv_text_init(&text, t->arena);
    dv_text_printf(&text, "%s is not executed by this version", dv_wasm_features[feature].text);
    dv_translate_fail(t, text.data);
    t->v->reader.error.missing = feature;
    return false;
}

static void begin(Translator *t, Validator *v, const WasmCompileOptions *options, Arena *arena,
                  Func *out)
{
    const WasmModule *module = v->module;
    u32 body = vec_at(&module->codes, v->func - module->imported_funcs).body.size;
    u32 type = vec_at(&module->funcs, v->func).type;
    *t = (Translator){
        .v = v, .module = module, .options = options, .arena = arena, .f = out, .current = {0}};
    t->executed = dv_wasm_features_run();
    vec_reserve(arena, &t->stack, 1); /* places from which no values may be taken */
    vec_reserve(arena, &t->saved, 1);
    t->passed_max = PASSED_MIN + (u64)body * PASSED_PER_BYTE;
    dv_func_init(out, arena);
    out->name = dv_entity_name(v->func);
    out->sig = dv_entity_signature(t, type);
    dv_ssa_init(&t->ssa, out, arena);
    t->ssa.max_steps = STEPS_MIN + (u64)body * STEPS_PER_BYTE;
    t->locals = ARENA_ARRAY(arena, LocalState, v->locals.len);
    vec_reserve(arena, &t->ssa.vars, v->locals.len);
    for (u32 i = 0; i < v->locals.len; i++) {
        dv_ssa_declare(&t->ssa, dv_entity_value_type(v->locals.data[i]));
    }
    t->at = v->module->codes.data[v->func - module->imported_funcs].body.offset;
    dv_entity_func(t, v->func); /* who is this: tells the linker the function's type */
    dv_control_begin(t);
}

static bool check_size(Translator *t)
{
    if (t->f->values.len > ENTITIES_MAX || t->f->insts.len > ENTITIES_MAX) {
        dv_translate_fail(t, "the function makes more than 2^24 values or instructions");
    }
    return !t->failed;
}

bool dv_wasm_translate(Validator *v, u32 func, const WasmCompileOptions *options, Arena *arena,
                       Func *out)
{
    Translator t;
    WasmInst inst;
    if (!dv_validator_begin(v, v->module->imported_funcs + func)) {
        return false;
    }
    begin(&t, v, options, arena, out);
    bool ok = check_features(&t);
    while (ok && v->frames.len != 0) {
        ok = dv_validator_next(v, &inst) && check_features(&t);
        if (ok) {
            translate(&t, &inst);
            ok = check_size(&t);
        }
    }
    if (ok) {
        dv_ssa_finish(&t.ssa);
    }
    return ok;
}
