/* adapter.c - functions between calling conventions, one pair for each function type: native code takes arguments in
 * registers, C code that knows no types takes them in slots of 8 bytes. Narrow values are zero-extended in their
 * slot, so that it does not matter how much of it is read. */
#include "wasm/compile/native.h"
#include "wasm/compile/translate.h"

enum { SLOT_BYTES = 8 };

typedef struct Adapter {
    Func *f;
    Arena *arena;
    const SubType *type;
    Block block;
} Adapter;

bool dv_adapter_is_for(const WasmModule *module, u32 type)
{
    const SubType *t = &module->types.data[type];
    bool is_for = t->kind == COMP_FUNC && t->canonical == type;
    for (u32 i = 0; is_for && i < t->num_params; i++) {
        is_for = t->params[i] != VT_V128;
    }
    for (u32 i = 0; is_for && i < t->num_results; i++) {
        is_for = t->results[i] != VT_V128;
    }
    return is_for;
}

/* ---- instructions ---- */

static Inst add(Adapter *a, Op op, Type type, const u32 *args, u32 count)
{
    Inst i = dv_inst_make(a->f, op, type, args, count);
    dv_inst(a->f, i)->ent = ENTITY_NONE;
    return i;
}

static void finish(Adapter *a, Inst i)
{
    dv_inst_make_results(a->f, i);
    dv_inst_append(a->f, i, a->block);
}

static Value add_value(Adapter *a, Op op, Type type, Value x)
{
    Inst i = add(a, op, type, &x.id, 1);
    finish(a, i);
    return dv_inst_result(a->f, i, 0);
}

static Value load(Adapter *a, Type type, Value base, u32 offset)
{
    Inst i = add(a, OP_load, type, &base.id, 1);
    dv_inst(a->f, i)->flags = FLAG_ALIGNED;
    dv_inst(a->f, i)->imm[0] = offset;
    finish(a, i);
    return dv_inst_result(a->f, i, 0);
}

static void store_slot(Adapter *a, Value v, Value slots, u32 slot)
{
    Type type = dv_value_type(a->f, v);
    if (type == TYPE_F32) {
        v = add_value(a, OP_bitcast, TYPE_I32, v);
    }
    if (type_bits(type) < 64) {
        v = add_value(a, OP_uextend, TYPE_I64, v);
    }
    Inst i = add(a, OP_store, dv_value_type(a->f, v), (const u32[]){v.id, slots.id}, 2);
    dv_inst(a->f, i)->flags = FLAG_ALIGNED;
    dv_inst(a->f, i)->imm[0] = slot * SLOT_BYTES;
    finish(a, i);
}

/* ---- signatures ---- */

static Param *make_params(Arena *arena, const ValType *types, u32 count, bool with_ctx)
{
    Param *params = ARENA_ARRAY(arena, Param, (usize)count + with_ctx);
    if (with_ctx) {
        params[0] = (Param){.type = TYPE_I64, .purpose = PURPOSE_VMCTX};
    }
    for (u32 i = 0; i < count; i++) {
        params[i + with_ctx].type = dv_entity_value_type(types[i]);
    }
    return params;
}

static Signature wasm_signature(const Adapter *a)
{
    return (Signature){.params = make_params(a->arena, a->type->params, a->type->num_params, true),
                       .results =
                           make_params(a->arena, a->type->results, a->type->num_results, false),
                       .num_params = a->type->num_params + 1,
                       .num_results = a->type->num_results,
                       .conv = CC_wasm,
                       .present = true};
}

/* So many addresses. */
static Signature c_signature(const Adapter *a, u32 count)
{
    Param *params = ARENA_ARRAY(a->arena, Param, count);
    for (u32 i = 0; i < count; i++) {
        params[i].type = TYPE_I64;
    }
    return (Signature){.params = params, .num_params = count, .conv = CC_system_v, .present = true};
}

static Inst call(Adapter *a, Signature sig, const u32 *args, u32 count)
{
    u32 number = a->f->sigs.len;
    vec_push(a->arena, &a->f->sigs, sig);
    Inst i = add(a, OP_call_indirect, TYPE_I64, args, count);
    dv_inst(a->f, i)->ent = number;
    finish(a, i);
    return i;
}

static void begin(Adapter *a, const WasmModule *module, u32 type, Arena *arena, Func *out)
{
    dv_func_init(out, arena);
    *a = (Adapter){.f = out, .arena = arena, .type = &module->types.data[type]};
    out->name = (ExtName){.kind = NAME_USER, .space = 1, .index = type};
}

static void begin_block(Adapter *a)
{
    a->block = dv_block_make(a->f);
    dv_block_append(a->f, a->block);
    for (u32 i = 0; i < a->f->sig.num_params; i++) {
        dv_block_add_param(a->f, a->block, a->f->sig.params[i].type);
    }
}

static Value param(const Adapter *a, u32 n)
{
    return (Value){dv_block_params(a->f, a->block)[n]};
}

/* ---- the two ---- */

void dv_adapter_enter(const WasmModule *module, u32 type, Arena *arena, Func *out)
{
    enum { CODE, CTX, SLOTS, COUNT };
    Adapter a;
    begin(&a, module, type, arena, out);
    out->sig = c_signature(&a, COUNT);
    begin_block(&a);
    Value slots = param(&a, SLOTS);
    u32 count = a.type->num_params;
    u32 *args = ARENA_ARRAY(arena, u32, (usize)count + 2);
    args[0] = param(&a, CODE).id;
    args[1] = param(&a, CTX).id;
    for (u32 i = 0; i < count; i++) {
        args[i + 2] = load(&a, dv_entity_value_type(a.type->params[i]), slots, i * SLOT_BYTES).id;
    }
    Inst i = call(&a, wasm_signature(&a), args, count + 2);
    for (u32 n = 0; n < a.type->num_results; n++) {
        store_slot(&a, dv_inst_result(out, i, n), slots, n);
    }
    finish(&a, add(&a, OP_return, TYPE_NONE, NULL, 0));
}

void dv_adapter_leave(const WasmModule *module, u32 type, Arena *arena, Func *out)
{
    Adapter a;
    begin(&a, module, type, arena, out);
    out->sig = wasm_signature(&a);
    begin_block(&a);
    u32 params = a.type->num_params, results = a.type->num_results;
    u32 count = params > results ? params : results;
    StackSlotData data = {
        .present = true, .size_bytes = (count + 1) * SLOT_BYTES, .align_bytes = SLOT_BYTES};
    vec_push(arena, &out->slots, data);
    Inst address = add(&a, OP_stack_addr, TYPE_I64, NULL, 0);
    dv_inst(out, address)->ent = 0;
    finish(&a, address);
    Value slots = dv_inst_result(out, address, 0), func = param(&a, 0);
    for (u32 i = 0; i < params; i++) {
        store_slot(&a, param(&a, i + 1), slots, i);
    }
    u32 args[] = {load(&a, TYPE_I64, func, VM_func_array_call).id, func.id, slots.id};
    call(&a, c_signature(&a, 2), args, ARRAY_LEN(args));
    u32 *values = ARENA_ARRAY(arena, u32, results);
    for (u32 n = 0; n < results; n++) {
        values[n] = load(&a, dv_entity_value_type(a.type->results[n]), slots, n * SLOT_BYTES).id;
    }
    finish(&a, add(&a, OP_return, TYPE_NONE, values, results));
}
