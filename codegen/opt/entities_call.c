/* entities_call.c - tables, references to functions, calls, and throwing.
 *
 * A call to a function entity that the module defines is a direct call with the caller's vmctx; any other has code and
 * vmctx loaded: from the vmctx for imports, from the function's record for references. References are indices into the
 * store's array of pointers to records, modulo its size: null's record and that of the room behind the last function have a
 * type that is nobody's. So one comparison finds null and a wrong type, and forged references lead nowhere else. Which it
 * was the record's handle tells.
 *
 * Against speculation past the bounds of a table: with table_guard the index is 0 where the check fails, by data, not by
 * branch. */
#include "codegen/opt/entities_parts.h"

/* ---- tables ------------------------------------------------------------------------------------------------ */

static u32 table_index(const Entities *e, u32 table)
{
    return vec_at(&e->f->tables, table).index;
}

static Value table_object(Entities *e, u32 table)
{
    return dv_ent_load_fixed(e, &e->tables[table].object, e->vmctx,
                             e->layout.tables + (u64)table_index(e, table) * VM_PTR);
}

/* Where the element is; traps if there is no such. What cannot grow does not move either. */
static Value element_address(Entities *e, u32 table, Value index, TrapCode trap)
{
    const WasmTableData *t = &vec_at(&e->f->tables, table);
    bool is_fixed = t->has_max && t->max == t->min;
    u64 fixed_count = t->min;
    EntCached *cached = &e->tables[table].base;
    Value object = table_object(e, table), wide = dv_ent_wide(e, index);
    Value count = is_fixed ? dv_ent_const(e, TYPE_I64, fixed_count)
                           : dv_ent_load(e, OP_uload32, TYPE_I64, object, VM_table_count);
    Value base = is_fixed ? dv_ent_load_fixed(e, cached, object, VM_table_elems)
                          : dv_ent_load_content(e, cached, object, VM_table_elems);
    Value oob = dv_ent_compare(e, INTCC_uge, wide, count);
    wide = dv_ent_bounded(e, e->options->table_guard, oob, trap, wide);
    Value offset = dv_ent_binary(e, OP_ishl, wide, dv_ent_const(e, TYPE_I64, 2));
    return dv_ent_binary(e, OP_iadd, base, offset);
}

static void expand_access(Entities *e, u32 table, bool is_set)
{
    Value address = element_address(e, table, dv_ent_arg(e, 0), TRAP_table_oob);
    u32 args[] = {is_set ? dv_ent_arg(e, 1).id : address.id, address.id};
    dv_ent_become(e, is_set ? OP_store : OP_load, TYPE_I32, args, is_set ? 2 : 1)->flags =
        FLAG_ALIGNED;
}

static void expand_size(Entities *e, u32 table)
{
    bool is_wide = vec_at(&e->f->tables, table).index_type == TYPE_I64;
    Value object = table_object(e, table);
    InstData *d = dv_ent_become(e, is_wide ? OP_uload32 : OP_load, is_wide ? TYPE_I64 : TYPE_I32,
                                &object.id, 1);
    d->flags = FLAG_ALIGNED;
    d->imm[0] = VM_table_count;
}

bool dv_ent_table(Entities *e)
{
    const Func *f = e->f;
    const InstData *d = dv_inst_const(f, e->at);
    switch (d->op) {
    case OP_table_get:
    case OP_table_set:
        expand_access(e, d->ent, d->op == OP_table_set);
        return true;
    case OP_table_size:
        expand_size(e, d->ent);
        return true;
    case OP_table_grow:
        dv_ent_become_bulk(e, VM_HELPER_table_grow, table_index(e, d->ent), ENTITY_NONE);
        return true;
    case OP_table_fill:
        dv_ent_become_bulk(e, VM_HELPER_table_fill, table_index(e, d->ent), ENTITY_NONE);
        return true;
    case OP_table_copy:
        dv_ent_become_bulk(e, VM_HELPER_table_copy, table_index(e, d->ent),
                           table_index(e, d->imm[0]));
        return true;
    case OP_table_init:
        dv_ent_become_bulk(e, VM_HELPER_table_init, table_index(e, d->ent),
                           vec_at(&f->elems, d->imm[0]).index);
        return true;
    case OP_elem_drop:
        dv_ent_become_bulk(e, VM_HELPER_elem_drop, vec_at(&f->elems, d->ent).index, ENTITY_NONE);
        return true;
    case OP_ref_func:
        dv_ent_become_bulk(e, VM_HELPER_ref_func, vec_at(&f->wasm_funcs, d->ent).name.index,
                           ENTITY_NONE);
        return true;
    default:
        return false;
    }
}

/* ---- calls ------------------------------------------------------------------------------------------------- */

/* The call at work becomes one of this operation by this signature; `lead` goes before its arguments behind the first
 * `skip`. */
static void become_call(Entities *e, Op op, u32 ent, const u32 *lead, u32 num_lead, u32 skip)
{
    const InstData *d = dv_inst_const(e->f, e->at);
    u32 count = d->num_args - skip + num_lead, table = d->imm[1];
    bool is_try = dv_inst_exceptions(e->f, e->at) != NULL;
    u32 *args = ARENA_ARRAY(e->scratch, u32, count + 1);
    memcpy(args, lead, num_lead * sizeof *args);
    for (u32 n = num_lead; n < count; n++) {
        args[n] = dv_inst_arg(e->f, e->at, n - num_lead + skip).id;
    }
    Type type = op == OP_call || op == OP_return_call || op == OP_try_call ? TYPE_NONE : TYPE_I64;
    InstData *new = dv_ent_become(e, op, type, args, count);
    new->ent = ent;
    new->imm[1] = is_try ? table : 0;
}

typedef enum CallForm { FORM_CALL, FORM_RETURN, FORM_TRY } CallForm;

static CallForm form_of(const Entities *e)
{
    u32 effects = dv_inst_info(e->f, e->at)->effects;
    return (effects & FX_BRANCH) != 0 ? FORM_TRY
           : (effects & FX_TERM) != 0 ? FORM_RETURN
                                      : FORM_CALL;
}

/* Of a Wasm type: a vmctx written out in front is the pass's to give. */
static u32 written_vmctx(const Entities *e, u32 type)
{
    return e->takes_vmctx[vec_at(&e->f->wasm_types, type).sig.id] ? 0 : 1;
}

/* By a pointer to code, with its context, for a call by a Wasm type whose own operands are `skip`. */
static void become_indirect(Entities *e, Value record, u64 code_offset, u64 ctx_offset, u32 type)
{
    static const Op ops[] = {[FORM_CALL] = OP_call_indirect,
                             [FORM_RETURN] = OP_return_call_indirect,
                             [FORM_TRY] = OP_try_call_indirect};
    u32 format = dv_inst_info(e->f, e->at)->format;
    u32 own = format == FORMAT_CALL_IMPORT || format == FORMAT_TRY_CALL_IMPORT ? 0 : 1;
    CallForm form = form_of(e);
    u32 sig = vec_at(&e->f->wasm_types, type).sig.id;
    u32 lead[] = {dv_ent_load(e, OP_load, TYPE_I64, record, code_offset).id,
                  dv_ent_load(e, OP_load, TYPE_I64, record, ctx_offset).id};
    become_call(e, ops[form], form == FORM_TRY ? ENTITY_NONE : sig, lead, 2,
                own + written_vmctx(e, type));
}

static void expand_import(Entities *e, u32 func)
{
    static const Op ops[] = {
        [FORM_CALL] = OP_call, [FORM_RETURN] = OP_return_call, [FORM_TRY] = OP_try_call};
    Func *f = e->f;
    const WasmFuncData *callee = &vec_at(&f->wasm_funcs, func);
    if (callee->import) {
        u64 import = e->layout.imports + (u64)callee->name.index * VM_IMPORT_BYTES;
        become_indirect(e, e->vmctx, import + VM_import_code, import + VM_import_ctx,
                        callee->type.id);
        return;
    }
    ExtFunc ext = {.present = true,
                   .colocated = true,
                   .name = callee->name,
                   .sig = vec_at(&f->wasm_types, callee->type.id).sig};
    u32 skip = written_vmctx(e, callee->type.id);
    vec_push(f->arena, &f->funcs, ext);
    become_call(e, ops[form_of(e)], f->funcs.len - 1, &e->vmctx.id, 1, skip);
}

/* The record of the function at the index of a table, or of a reference (`index` is VALUE_NONE), which has the type. */
static Value typed_record(Entities *e, Value handle, u32 type, Value index)
{
    Value state = dv_ent_state(e);
    Value mask = dv_ent_load(e, OP_load, TYPE_I32, state, VM_state_func_mask);
    Value wide = dv_ent_wide(e, dv_ent_binary(e, OP_band, handle, mask));
    Value funcs = dv_ent_load(e, OP_load, TYPE_I64, state, VM_state_funcs);
    Value offset = dv_ent_binary(e, OP_ishl, wide, dv_ent_const(e, TYPE_I64, 3));
    Value record = dv_ent_load(e, OP_load, TYPE_I64, dv_ent_binary(e, OP_iadd, funcs, offset), 0);
    u64 types = e->layout.types + 4 * (u64)dv_ent_type_index(e->f, type);
    Value want = dv_ent_load(e, OP_load, TYPE_I32, e->vmctx, types);
    Value have = dv_ent_load(e, OP_load, TYPE_I32, record, VM_func_type_id);
    Block next = dv_ent_begin_cold(e, dv_ent_compare(e, INTCC_ne, have, want));
    Value found = dv_ent_load(e, OP_load, TYPE_I32, record, VM_func_handle);
    dv_ent_trap_if(e, OP_trapnz, found, TRAP_bad_sig);
    if (index.id != ENTITY_NONE) {
        dv_ent_helper(e, VM_HELPER_trap_null_elem, &index.id, 1);
    }
    dv_ent_end_cold(e, next, index.id != ENTITY_NONE ? TRAP_null_elem : TRAP_null_func);
    return record;
}

static void expand_table_call(Entities *e, u32 table, u32 type)
{
    Value index = dv_ent_arg(e, 0);
    Value at = element_address(e, table, index, TRAP_undef_elem);
    Value handle = dv_ent_load(e, OP_load, TYPE_I32, at, 0);
    Value record = typed_record(e, handle, type, index);
    become_indirect(e, record, VM_func_code, VM_func_ctx, type);
}

static void expand_ref_call(Entities *e, u32 type)
{
    Value record = typed_record(e, dv_ent_arg(e, 0), type, VALUE_NONE);
    become_indirect(e, record, VM_func_code, VM_func_ctx, type);
}

/* A call in plain CLIF; gets a vmctx if its signature did. */
static bool expand_plain_call(Entities *e)
{
    const Func *f = e->f;
    const InstData *d = dv_inst_const(f, e->at);
    u32 sig, ent = d->ent, callee = 0;
    switch (dv_inst_info(f, e->at)->format) {
    case FORMAT_CALL:
    case FORMAT_TRY_CALL:
        sig = vec_at(&f->funcs, ent).sig.id;
        break;
    case FORMAT_CALL_INDIRECT:
        sig = ent;
        callee = 1;
        break;
    case FORMAT_TRY_CALL_INDIRECT:
        sig = dv_inst_exceptions(f, e->at)->sig.id;
        callee = 1;
        break;
    default:
        return false;
    }
    if (!e->takes_vmctx[sig]) {
        return false;
    }
    u32 lead[2] = {e->vmctx.id};
    if (callee != 0) {
        lead[0] = dv_ent_arg(e, 0).id;
        lead[1] = e->vmctx.id;
    }
    become_call(e, (Op)d->op, ent, lead, 1 + callee, callee);
    return true;
}

/* ---- throwing ---------------------------------------------------------------------------------------------- */

/* The payload goes to slots, in a stack slot. */
static void expand_throw(Entities *e)
{
    Func *f = e->f;
    const InstData *d = dv_inst_const(f, e->at);
    u32 tag = vec_at(&f->tags, d->ent).index, count = d->num_args;
    StackSlotData slots = {.present = true, .size_bytes = 16 * (count + 1), .align_bytes = 16};
    Inst address = dv_ent_add(e, OP_stack_addr, TYPE_I64, NULL, 0);
    dv_inst(f, address)->ent = f->slots.len;
    vec_push(f->arena, &f->slots, slots);
    Value at = dv_inst_result(f, address, 0);
    u32 offset = 0;
    for (u32 n = 0; n < count; n++) {
        Value x = dv_ent_arg(e, n);
        Inst store = dv_ent_add(e, OP_store, dv_value_type(f, x), (const u32[]){x.id, at.id}, 2);
        dv_inst(f, store)->imm[0] = offset;
        offset += type_bytes(dv_value_type(f, x)) > 8 ? 16 : 8;
    }
    u32 args[] = {dv_ent_const(e, TYPE_I32, tag).id, at.id};
    dv_ent_helper(e, VM_HELPER_throw, args, 2);
    dv_ent_become(e, OP_trap, TYPE_NONE, NULL, 0)->aux = TRAP_exception;
}

static void expand_throw_ref(Entities *e)
{
    u32 reference = dv_ent_arg(e, 0).id;
    dv_ent_trap_if(e, OP_trapz, (Value){reference}, TRAP_null_exn);
    dv_ent_helper(e, VM_HELPER_throw_ref, &reference, 1);
    dv_ent_become(e, OP_trap, TYPE_NONE, NULL, 0)->aux = TRAP_exception;
}

bool dv_ent_call(Entities *e)
{
    const InstData *d = dv_inst_const(e->f, e->at);
    switch (dv_inst_info(e->f, e->at)->format) {
    case FORMAT_CALL_IMPORT:
    case FORMAT_TRY_CALL_IMPORT:
        expand_import(e, d->ent);
        return true;
    case FORMAT_CALL_TABLE:
    case FORMAT_TRY_CALL_TABLE:
        expand_table_call(e, d->ent, d->imm[0]);
        return true;
    case FORMAT_CALL_REF:
    case FORMAT_TRY_CALL_REF:
        expand_ref_call(e, d->ent);
        return true;
    case FORMAT_THROW:
        expand_throw(e);
        return true;
    default:
        break;
    }
    if (d->op == OP_throw_ref) {
        expand_throw_ref(e);
        return true;
    }
    return expand_plain_call(e);
}
