/* entities_memory.c - accesses of memories, what is done with memories as a whole, segments, globals.
 *
 * An access is at index + offset, of so many bytes, and the exact sum of the three must not be more than the length.
 * A static memory needs no check if offset and bytes are within its guard: what is beyond the length faults, and the
 * access has the trap. All else is compared with the length, and then traps no more. Where 64 bits do not hold the
 * sum, or offset and bytes alone are more than any memory has, it is out of bounds.
 *
 * Against speculation past the check: with heap_guard the address is 0 where the check fails, by data, not by branch. An
 * offset so small that 0 with it is still nobody's memory is added by the access itself.
 *
 * Accesses that machines do in parts have to be checked before the first, so that nothing is written by one that
 * traps; those above PART_BYTES are. */
#include "codegen/opt/entities_parts.h"

enum {
    PART_BYTES = 16,
    NOBODYS_BYTES = 4096 /* from address 0 on: no system lets a program have the first page */
};
/* More than any memory has. */
#define LENGTH_LIMIT ((u64)1 << 62)

/* Operations that are the same on plain memory, and the bytes that they access: 0 if their type tells. */
#define ACCESSES(X) \
    X(load, 0) \
    X(store, 0) \
    X(uload8, 1) \
    X(sload8, 1) \
    X(istore8, 1) \
    X(uload16, 2) \
    X(sload16, 2) \
    X(istore16, 2) \
    X(uload32, 4) \
    X(sload32, 4) \
    X(istore32, 4) \
    X(uload8x8, 8) \
    X(sload8x8, 8) \
    X(uload16x4, 8) \
    X(sload16x4, 8) \
    X(uload32x2, 8) \
    X(sload32x2, 8) \
    X(atomic_load, 0) \
    X(atomic_store, 0) \
    X(atomic_rmw, 0) \
    X(atomic_cas, 0)

static Op plain_op(u32 op)
{
    switch (op) {
#define ACCESS(name, bytes) \
    case OP_heap_##name: \
        return OP_##name;
        ACCESSES(ACCESS)
#undef ACCESS
    default:
        return OP_COUNT;
    }
}

static u32 access_bytes(u32 op, Type type)
{
    switch (op) {
#define ACCESS(name, bytes) \
    case OP_heap_##name: \
        return (bytes) != 0 ? (bytes) : type_bytes(type);
        ACCESSES(ACCESS)
#undef ACCESS
    case OP_heap_wait:
        return type_bytes(type);
    case OP_heap_notify:
        return 4;
    default: /* of one lane */
        return type_lane_bits(type) / 8;
    }
}

static bool is_atomic(u32 op)
{
    switch (op) {
    case OP_heap_atomic_load:
    case OP_heap_atomic_store:
    case OP_heap_atomic_rmw:
    case OP_heap_atomic_cas:
    case OP_heap_wait:
    case OP_heap_notify:
        return true;
    default:
        return false;
    }
}

/* ---- memories ---------------------------------------------------------------------------------------------- */

static const WasmMemoryData *memory_data(const Entities *e, u32 memory)
{
    return &vec_at(&e->f->memories, memory);
}

static bool is_static(const Entities *e, u32 memory)
{
    const WasmMemoryData *m = memory_data(e, memory);
    return e->vm->memory_modes != NULL && e->vm->memory_modes[m->index] == VM_MEMORY_STATIC &&
           m->index_type == TYPE_I32;
}

static u64 memory_ref(const Entities *e, u32 memory)
{
    return e->layout.memories + (u64)memory_data(e, memory)->index * VM_MEMORY_REF_BYTES;
}

static Value memory_object(Entities *e, u32 memory)
{
    return dv_ent_load_fixed(e, &e->memories[memory].object, e->vmctx,
                             memory_ref(e, memory) + VM_memory_ref_memory);
}

static Value memory_length(Entities *e, u32 memory)
{
    EntCached none = {0, 0};
    EntCached *cached = memory_data(e, memory)->shared ? &none : &e->memories[memory].length;
    return dv_ent_load_content(e, cached, memory_object(e, memory), VM_memory_length_bytes);
}

static Value memory_base(Entities *e, u32 memory)
{
    EntObject *m = &e->memories[memory];
    return is_static(e, memory)
               ? dv_ent_load_fixed(e, &m->base, e->vmctx,
                                   memory_ref(e, memory) + VM_memory_ref_base)
               : dv_ent_load_content(e, &m->base, memory_object(e, memory), VM_memory_base);
}

/* ---- addresses --------------------------------------------------------------------------------------------- */

typedef struct Access {
    Value address;
    i32 offset;
    MemFlags flags;
} Access;

/* Traps if index + offset is no multiple of the bytes. */
static void check_alignment(Entities *e, Value index, u64 offset, u32 bytes)
{
    Type type = dv_value_type(e->f, index);
    u32 low = (u32)offset & (bytes - 1);
    if (bytes == 1) {
        return;
    }
    Value sum = low == 0 ? index : dv_ent_binary(e, OP_iadd, index, dv_ent_const(e, type, low));
    Value rest = dv_ent_binary(e, OP_band, sum, dv_ent_const(e, type, bytes - 1));
    dv_ent_trap_if(e, OP_trapnz, rest, TRAP_unaligned);
}

/* Whether index + offset + bytes is more than the length: an i8. */
static Value out_of_bounds(Entities *e, u32 memory, Value wide, u64 offset, u32 bytes)
{
    bool is_wide = memory_data(e, memory)->index_type == TYPE_I64;
    if (offset >= LENGTH_LIMIT) {
        return dv_ent_const(e, TYPE_I8, 1);
    }
    Value end = dv_ent_offset(e, wide, offset + bytes);
    Value beyond = dv_ent_compare(e, INTCC_ugt, end, memory_length(e, memory));
    if (!is_wide) {
        return beyond;
    }
    return dv_ent_binary(e, OP_bor, dv_ent_compare(e, INTCC_ult, end, wide), beyond);
}

/* The trap and the choice stand together, so that one comparison can do for both. */
Value dv_ent_bounded(Entities *e, bool guard, Value oob, TrapCode trap, Value address)
{
    if (!guard) {
        dv_ent_trap_if(e, OP_trapnz, oob, trap);
        return address;
    }
    Value zero = dv_ent_const(e, TYPE_I64, 0);
    dv_ent_trap_if(e, OP_trapnz, oob, trap);
    u32 args[] = {oob.id, zero.id, address.id};
    Inst i = dv_ent_add(e, OP_select_spectre_guard, TYPE_I64, args, 3);
    return dv_inst_result(e->f, i, 0);
}

/* Checks an access, unless a fault does. */
static Access access_memory(Entities *e, u32 memory, Value index, u64 offset, u32 bytes)
{
    Value wide = dv_ent_wide(e, index);
    MemFlags order = e->options->big_endian ? FLAG_LITTLE : 0;
    if (is_static(e, memory) && bytes <= PART_BYTES && offset <= VM_STATIC_GUARD_BYTES - bytes) {
        Value address = dv_ent_binary(e, OP_iadd, memory_base(e, memory), wide);
        return (Access){address, (i32)offset, (MemFlags)(order | TRAP_heap_oob)};
    }
    bool guard = e->options->heap_guard;
    bool is_folded = offset <= (guard ? NOBODYS_BYTES - PART_BYTES : INT32_MAX);
    Value address = dv_ent_binary(e, OP_iadd, memory_base(e, memory), wide);
    address = is_folded ? address : dv_ent_offset(e, address, offset);
    Value oob = out_of_bounds(e, memory, wide, offset, bytes);
    address = dv_ent_bounded(e, guard, oob, TRAP_heap_oob, address);
    return (Access){address, is_folded ? (i32)offset : 0, order};
}

/* ---- accesses ---------------------------------------------------------------------------------------------- */

static bool has_offset(Op op)
{
    u32 format = dv_ops[op].format;
    return format == FORMAT_LOAD || format == FORMAT_STORE;
}

/* Which argument is the index. */
static u32 index_arg(u32 op)
{
    u32 format = dv_ops[op].format;
    return format == FORMAT_HEAP_STORE || format == FORMAT_HEAP_LANE ? 1 : 0;
}

static void set_place(InstData *d, const Access *access)
{
    d->flags = access->flags;
    d->imm[0] = has_offset((Op)d->op) ? (u32)access->offset : 0;
}

static void expand_plain(Entities *e, Op op, const Access *access)
{
    const InstData *d = dv_inst_const(e->f, e->at);
    u32 args[OP_MAX_OPERANDS] = {0}, count = d->num_args, at = index_arg(d->op);
    u8 rmw = d->aux;
    Type type =
        d->type == TYPE_NONE ? TYPE_I64 : d->type; /* those of half vectors have the address's */
    Value address =
        has_offset(op) ? access->address : dv_ent_offset(e, access->address, (u64)access->offset);
    for (u32 n = 0; n < count; n++) {
        args[n] = n == at ? address.id : dv_ent_arg(e, n).id;
    }
    InstData *new = dv_ent_become(e, op, type, args, count);
    set_place(new, access);
    new->aux = op == OP_atomic_rmw ? rmw : 0;
}

/* One lane, loaded. */
static Value load_lane(Entities *e, Type lane, const Access *access)
{
    Inst i = dv_ent_add(e, OP_load, lane, &access->address.id, 1);
    set_place(dv_inst(e->f, i), access);
    return dv_inst_result(e->f, i, 0);
}

static void expand_lane(Entities *e, const Access *access)
{
    const InstData *d = dv_inst_const(e->f, e->at);
    Type type = d->type, lane = type_lane_type(type);
    u8 number = d->aux;
    if (d->op == OP_heap_store_lane) {
        Value vector = dv_ent_arg(e, 0);
        Inst i = dv_ent_add(e, OP_extractlane, type, &vector.id, 1);
        dv_inst(e->f, i)->aux = number;
        u32 args[] = {dv_inst_result(e->f, i, 0).id, access->address.id};
        set_place(dv_ent_become(e, OP_store, lane, args, 2), access);
        return;
    }
    u32 op = d->op;
    Value x = load_lane(e, lane, access);
    if (op == OP_heap_load_lane) {
        u32 args[] = {dv_ent_arg(e, 0).id, x.id};
        dv_ent_become(e, OP_insertlane, type, args, 2)->aux = number;
    } else {
        dv_ent_become(e, op == OP_heap_load_splat ? OP_splat : OP_scalar_to_vector, type, &x.id, 1);
    }
}

static void expand_access(Entities *e)
{
    const InstData *d = dv_inst_const(e->f, e->at);
    Op op = plain_op(d->op);
    u32 bytes = access_bytes(d->op, d->type);
    Value index = dv_ent_arg(e, index_arg(d->op));
    if (is_atomic(d->op)) {
        check_alignment(e, index, dv_imm64(d), bytes);
        d = dv_inst_const(e->f, e->at);
    }
    Access access = access_memory(e, d->ent, index, dv_imm64(d), bytes);
    if (op != OP_COUNT) {
        expand_plain(e, op, &access);
    } else {
        expand_lane(e, &access);
    }
}

/* Waiting and waking are the runtime's, which is given addresses that are there. */
static void expand_wait(Entities *e)
{
    const InstData d = *dv_inst_const(e->f, e->at);
    u32 bytes = access_bytes(d.op, d.type), memory = d.ent;
    u64 offset = dv_imm64(&d);
    Value index = dv_ent_arg(e, 0);
    check_alignment(e, index, offset, bytes);
    Value wide = dv_ent_wide(e, index);
    dv_ent_trap_if(e, OP_trapnz, out_of_bounds(e, memory, wide, offset, bytes), TRAP_heap_oob);
    Value number = dv_ent_const(e, TYPE_I32, memory_data(e, memory)->index);
    if (d.op == OP_heap_wait && !memory_data(e, memory)->shared) {
        dv_ent_trap_if(e, OP_trapz, dv_ent_const(e, TYPE_I8, 0), TRAP_not_shared);
    }
    u32 args[4] = {number.id, dv_ent_offset(e, wide, offset).id, dv_ent_arg(e, 1).id};
    if (d.op == OP_heap_notify) {
        dv_ent_become_helper(e, VM_HELPER_notify, args, 3);
        return;
    }
    args[3] = dv_ent_arg(e, 2).id;
    dv_ent_become_helper(e, d.type == TYPE_I32 ? VM_HELPER_wait32 : VM_HELPER_wait64, args, 4);
}

/* ---- memories as a whole, segments ------------------------------------------------------------------------- */

static void expand_size(Entities *e)
{
    u32 memory = dv_inst_const(e->f, e->at)->ent;
    u32 log2 = dv_ctz32(memory_data(e, memory)->page_bytes);
    Value length = memory_length(e, memory), shift = dv_ent_const(e, TYPE_I64, log2);
    if (memory_data(e, memory)->index_type == TYPE_I64) {
        dv_ent_become(e, OP_ushr, TYPE_I64, (const u32[]){length.id, shift.id}, 2);
        return;
    }
    Value pages = dv_ent_binary(e, OP_ushr, length, shift);
    dv_ent_become(e, OP_ireduce, TYPE_I32, &pages.id, 1);
}

void dv_ent_become_bulk(Entities *e, VmHelper helper, u32 first, u32 second)
{
    u32 args[VM_HELPER_PARAMS_MAX], count = 0, given = dv_inst_const(e->f, e->at)->num_args;
    args[count++] = dv_ent_const(e, TYPE_I32, first).id;
    if (second != ENTITY_NONE) {
        args[count++] = dv_ent_const(e, TYPE_I32, second).id;
    }
    for (u32 n = 0; n < given; n++) {
        args[count++] = dv_ent_arg(e, n).id;
    }
    dv_ent_become_helper(e, helper, args, count);
}

/* ---- globals ----------------------------------------------------------------------------------------------- */

/* The slots of a value hold it as a 64-bit integer would, or two. */
static void expand_global(Entities *e, bool is_set)
{
    u32 global = dv_inst_const(e->f, e->at)->ent;
    const WasmGlobalData *g = &vec_at(&e->f->globals, global);
    Type type = g->type;
    u64 offset = e->options->big_endian && type_bytes(type) < 8 ? 8 - type_bytes(type) : 0;
    Value base = e->vmctx;
    if (g->import) {
        base = dv_ent_load_fixed(e, &e->imported_globals[global], e->vmctx,
                                 e->layout.imported_globals + (u64)g->index * VM_PTR);
    } else {
        u64 own = g->index - e->vm->shape.num_imported_globals;
        offset += e->layout.globals + own * VM_GLOBAL_BYTES;
    }
    if (offset > INT32_MAX) {
        base = dv_ent_offset(e, base, offset);
        offset = 0;
    }
    u32 args[] = {is_set ? dv_ent_arg(e, 0).id : base.id, base.id};
    InstData *d = dv_ent_become(e, is_set ? OP_store : OP_load, type, args, is_set ? 2 : 1);
    d->flags = type_bytes(type) <= 8 ? FLAG_ALIGNED : 0;
    d->imm[0] = (u32)offset;
}

bool dv_ent_memory(Entities *e)
{
    const Func *f = e->f;
    const InstData *d = dv_inst_const(f, e->at);
    switch (d->op) {
    case OP_memory_size:
        expand_size(e);
        return true;
    case OP_memory_grow:
        dv_ent_become_bulk(e, VM_HELPER_memory_grow, memory_data(e, d->ent)->index, ENTITY_NONE);
        return true;
    case OP_memory_fill:
        dv_ent_become_bulk(e, VM_HELPER_memory_fill, memory_data(e, d->ent)->index, ENTITY_NONE);
        return true;
    case OP_memory_copy:
        dv_ent_become_bulk(e, VM_HELPER_memory_copy, memory_data(e, d->ent)->index,
                           memory_data(e, d->imm[0])->index);
        return true;
    case OP_memory_init:
        dv_ent_become_bulk(e, VM_HELPER_memory_init, memory_data(e, d->ent)->index,
                           vec_at(&f->datas, d->imm[0]).index);
        return true;
    case OP_data_drop:
        dv_ent_become_bulk(e, VM_HELPER_data_drop, vec_at(&f->datas, d->ent).index, ENTITY_NONE);
        return true;
    case OP_global_get:
    case OP_global_set:
        expand_global(e, d->op == OP_global_set);
        return true;
    case OP_heap_wait:
    case OP_heap_notify:
        expand_wait(e);
        return true;
    default:
        break;
    }
    bool is_access = d->op >= OP_heap_load && d->op <= OP_heap_atomic_cas;
    if (is_access) {
        expand_access(e);
    }
    return is_access;
}
