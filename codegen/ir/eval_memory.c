/* eval_memory.c - plain memory, what loads and stores make of bytes, atomics, addresses, the
 * machine's registers.
 *
 * Memory is the symbols' data and the live part of the stack: slots of frames that have returned
 * are gone, those of a new frame are zero. An access is checked whole before anything is written;
 * one that fails traps with the code in its flags, or is an error if they say notrap, since such an
 * access means nothing. So does an access that says aligned and is not. An atomic access must be
 * aligned to its size and fails like one out of bounds if it is not.
 *
 * Byte order is that of the flags, else the data layout's. Lane i of a vector lies at i times the
 * lane's bytes in both orders; the order is that of the bytes within each lane. i32 addresses wrap
 * at 2^32.
 */
#include "codegen/ir/eval_internal.h"

/* ---- Where things lie ---- */

u8 *dv_eval_at(const Evaluator *e, u64 address, u64 size)
{
    if (address >= e->main.sp && address <= EVAL_STACK_TOP && size <= EVAL_STACK_TOP - address) {
        return e->stack.data + (e->stack.cap - (EVAL_STACK_TOP - address));
    }
    if (address >= EVAL_DATA_BASE && address - EVAL_DATA_BASE <= e->data.len &&
        size <= e->data.len - (address - EVAL_DATA_BASE)) {
        return e->data.data + (address - EVAL_DATA_BASE);
    }
    return NULL;
}

bool dv_eval_grow_stack(Evaluator *e, u64 low)
{
    u64 old = e->stack.cap;
    e->stack.len = old; /* all of it is kept */
    if (!dv_eval_reserve(e, &e->stack, EVAL_STACK_TOP - low)) {
        return false;
    }
    if (e->stack.cap != old && old != 0) {
        memmove(e->stack.data + (e->stack.cap - old), e->stack.data, (usize)old);
    }
    return true;
}

/* ---- Bytes and values ---- */

typedef enum AccessKind {
    ACCESS_WHOLE, /* the value as it is */
    ACCESS_SIGN,  /* fewer bytes, sign-extended */
    ACCESS_ZERO,  /* fewer bytes, zero-extended; stores of fewer bytes */
    ACCESS_WIDEN_SIGN,
    ACCESS_WIDEN_ZERO,
    ACCESS_SPLAT,
    ACCESS_LOW_LANE,
    ACCESS_LANE
} AccessKind;

typedef struct Access {
    AccessKind kind;
    u32 bytes; /* of the integer or lane in memory; 0: told by the type */
} Access;

static Access access_of(u32 op)
{
    switch (op) {
    case OP_uload8:
    case OP_heap_uload8:
    case OP_istore8:
    case OP_heap_istore8:
        return (Access){ACCESS_ZERO, 1};
    case OP_uload16:
    case OP_heap_uload16:
    case OP_istore16:
    case OP_heap_istore16:
        return (Access){ACCESS_ZERO, 2};
    case OP_uload32:
    case OP_heap_uload32:
    case OP_istore32:
    case OP_heap_istore32:
        return (Access){ACCESS_ZERO, 4};
    case OP_sload8:
    case OP_heap_sload8:
        return (Access){ACCESS_SIGN, 1};
    case OP_sload16:
    case OP_heap_sload16:
        return (Access){ACCESS_SIGN, 2};
    case OP_sload32:
    case OP_heap_sload32:
        return (Access){ACCESS_SIGN, 4};
    case OP_uload8x8:
    case OP_heap_uload8x8:
        return (Access){ACCESS_WIDEN_ZERO, 1};
    case OP_uload16x4:
    case OP_heap_uload16x4:
        return (Access){ACCESS_WIDEN_ZERO, 2};
    case OP_uload32x2:
    case OP_heap_uload32x2:
        return (Access){ACCESS_WIDEN_ZERO, 4};
    case OP_sload8x8:
    case OP_heap_sload8x8:
        return (Access){ACCESS_WIDEN_SIGN, 1};
    case OP_sload16x4:
    case OP_heap_sload16x4:
        return (Access){ACCESS_WIDEN_SIGN, 2};
    case OP_sload32x2:
    case OP_heap_sload32x2:
        return (Access){ACCESS_WIDEN_SIGN, 4};
    case OP_heap_load_splat:
        return (Access){ACCESS_SPLAT, 0};
    case OP_heap_load_zero:
        return (Access){ACCESS_LOW_LANE, 0};
    case OP_heap_load_lane:
    case OP_heap_store_lane:
        return (Access){ACCESS_LANE, 0};
    default:
        return (Access){ACCESS_WHOLE, 0};
    }
}

u32 dv_eval_access_size(const InstData *d, Type type)
{
    Access access = access_of(d->op);
    switch (access.kind) {
    case ACCESS_WHOLE:
        return type_bytes(type);
    case ACCESS_SIGN:
    case ACCESS_ZERO:
        return access.bytes;
    case ACCESS_WIDEN_SIGN:
    case ACCESS_WIDEN_ZERO:
        return 8;
    default:
        return type_lane_bits(type) / 8;
    }
}

static void copy_ordered(u8 *to, const u8 *from, u32 size, bool big)
{
    for (u32 i = 0; i < size; i++) {
        to[i] = from[big ? size - 1 - i : i];
    }
}

void dv_eval_copy_lanes(u8 *to, const u8 *from, Type type, bool big)
{
    u32 size = type_lane_bits(type) / 8;
    for (u32 i = 0; i < type_lanes(type); i++) {
        copy_ordered(to + (usize)i * size, from + (usize)i * size, size, big);
    }
}

static void extend(u8 *to, u32 to_size, const u8 *from, u32 size, bool big, bool is_signed)
{
    copy_ordered(to, from, size, big);
    u8 fill = is_signed && (to[size - 1] & 0x80) != 0 ? 0xff : 0;
    memset(to + size, fill, to_size - size);
}

void dv_eval_load_bytes(const InstData *d, Type result, const u8 *p, bool big, u8 *out)
{
    Access access = access_of(d->op);
    u32 lane = type_lane_bits(result) / 8;
    switch (access.kind) {
    case ACCESS_WHOLE:
        dv_eval_copy_lanes(out, p, result, big);
        break;
    case ACCESS_SIGN:
    case ACCESS_ZERO:
        extend(out, type_bytes(result), p, access.bytes, big, access.kind == ACCESS_SIGN);
        break;
    case ACCESS_WIDEN_SIGN:
    case ACCESS_WIDEN_ZERO:
        for (u32 i = 0; i < type_lanes(result); i++) {
            extend(out + (usize)i * lane, lane, p + (usize)i * access.bytes, access.bytes, big,
                   access.kind == ACCESS_WIDEN_SIGN);
        }
        break;
    case ACCESS_SPLAT:
        for (u32 i = 0; i < type_lanes(result); i++) {
            copy_ordered(out + (usize)i * lane, p, lane, big);
        }
        break;
    case ACCESS_LOW_LANE:
        memset(out, 0, type_bytes(result));
        copy_ordered(out, p, lane, big);
        break;
    case ACCESS_LANE:
        copy_ordered(out + (usize)d->aux * lane, p, lane, big);
        break;
    }
}

void dv_eval_store_bytes(const InstData *d, Type type, const u8 *value, bool big, u8 *p)
{
    Access access = access_of(d->op);
    u32 lane = type_lane_bits(type) / 8;
    if (access.kind == ACCESS_WHOLE) {
        dv_eval_copy_lanes(p, value, type, big);
    } else if (access.kind == ACCESS_LANE) {
        copy_ordered(p, value + (usize)d->aux * lane, lane, big);
    } else {
        copy_ordered(p, value, access.bytes, big);
    }
}

void dv_eval_atomic(Evaluator *e, const InstData *d, u8 *memory, bool big)
{
    u8 old[16];
    u8 fresh[16];
    u32 size = type_bytes(d->type);
    copy_ordered(old, memory, size, big);
    if (dv_ops[d->op].format == FORMAT_ATOMIC_RMW ||
        dv_ops[d->op].format == FORMAT_HEAP_ATOMIC_RMW) {
        dv_eval_rmw((RmwOp)d->aux, d->type, old, dv_eval_value(e, d->args[1]), fresh);
    } else {
        bool equal = memcmp(old, dv_eval_value(e, d->args[1]), size) == 0;
        memcpy(fresh, equal ? dv_eval_value(e, d->args[2]) : old, size);
    }
    copy_ordered(memory, fresh, size, big);
    memcpy(dv_eval_value(e, d->results), old, size);
}

/* ---- Loads and stores ---- */

static bool is_big(const Evaluator *e, MemFlags flags)
{
    return (flags & FLAG_BIG) != 0 || ((flags & FLAG_LITTLE) == 0 && e->options.big_endian);
}

static Flow fail_access(Evaluator *e, MemFlags flags)
{
    TrapCode code = (TrapCode)(flags & FLAG_TRAP_MASK);
    return code == TRAP_none ? dv_eval_error(e, "a notrap access failed") : dv_eval_trap(e, code);
}

static u64 effective_address(const Evaluator *e, u32 value, i32 offset)
{
    u64 address = dv_eval_int(e, value) + (u64)(i64)offset;
    return dv_eval_type(e, value) == TYPE_I32 ? (u32)address : address;
}

static Flow access_plain(Evaluator *e, const InstData *d, u32 address_arg, bool is_store)
{
    u32 value = is_store ? d->args[0] : d->results;
    Type type = dv_eval_type(e, value);
    u32 size = dv_eval_access_size(d, type);
    bool has_offset = dv_ops[d->op].format == FORMAT_LOAD || dv_ops[d->op].format == FORMAT_STORE;
    u64 address = effective_address(e, d->args[address_arg], has_offset ? (i32)d->imm[0] : 0);
    u32 natural = size < 16 ? size : 16;
    if ((d->flags & FLAG_ALIGNED) != 0 && address % natural != 0) {
        return dv_eval_error(e, "an access that says aligned is not");
    }
    u8 *memory = dv_eval_at(e, address, size);
    bool atomic = d->op == OP_atomic_load || d->op == OP_atomic_store;
    if (memory == NULL || (atomic && address % size != 0)) {
        return fail_access(e, d->flags);
    }
    if (is_store) {
        dv_eval_store_bytes(d, type, dv_eval_value(e, value), is_big(e, d->flags), memory);
    } else {
        dv_eval_load_bytes(d, type, memory, is_big(e, d->flags), dv_eval_value(e, value));
    }
    return FLOW_NEXT;
}

Flow dv_eval_step_memory(Evaluator *e, const InstData *d)
{
    switch (dv_ops[d->op].format) {
    case FORMAT_LOAD:
    case FORMAT_LOAD_NO_OFFSET:
        return access_plain(e, d, 0, false);
    case FORMAT_STORE:
    case FORMAT_STORE_NO_OFFSET:
        return access_plain(e, d, 1, true);
    default:
        break;
    }
    u32 size = type_bytes(d->type);
    u64 address = dv_eval_int(e, d->args[0]);
    u8 *memory = dv_eval_at(e, address, size);
    if (memory == NULL || address % size != 0) {
        return fail_access(e, d->flags);
    }
    dv_eval_atomic(e, d, memory, is_big(e, d->flags));
    return FLOW_NEXT;
}

/* ---- Addresses and the machine's registers ---- */

/* From the root of a chain of global values to its end; `chain` holds them the other way round. */
static bool walk_global_values(Evaluator *e, const u8 *chain, u32 count, u64 *out)
{
    const Func *f = dv_eval_func(e);
    u64 x = 0;
    for (u32 i = count; i-- > 0;) {
        const GlobalValueData *gv = &vec_at(&f->global_values, load_le32(chain + (usize)i * 4));
        switch (gv->kind) {
        case GV_VMCTX:
            x = dv_eval_frame(e)->vmctx;
            break;
        case GV_IADD_IMM:
            x += (u64)gv->offset;
            break;
        case GV_SYMBOL:
            x = dv_eval_symbol_address(e, dv_eval_symbol(e, &gv->name)) + (u64)gv->offset;
            break;
        case GV_LOAD: {
            u64 address = x + (u64)gv->offset;
            u32 size = type_bytes(gv->type);
            const u8 *memory =
                dv_eval_at(e, e->options.address_bits == 32 ? (u32)address : address, size);
            if (memory == NULL) {
                (void)fail_access(e, gv->flags);
                return false;
            }
            u8 bytes[16];
            copy_ordered(bytes, memory, size < 16 ? size : 16, is_big(e, gv->flags));
            x = dv_eval_read(bytes, size < 8 ? size : 8);
            break;
        }
        default:
            x = 1;
            break; /* dyn_scale_target_const */
        }
        if (gv->kind == GV_IADD_IMM && gv->type == TYPE_I32) {
            x = (u32)x;
        }
    }
    *out = x;
    return true;
}

bool dv_eval_global_value(Evaluator *e, GlobalValue gv, u64 *out)
{
    const Func *f = dv_eval_func(e);
    u32 count = 0;
    for (u32 at = gv.id;; count++) {
        bool there = at < f->global_values.len && f->global_values.data[at].kind != GV_ABSENT;
        if (!there || count >= f->global_values.len) {
            (void)dv_eval_error(e, "a global value that has no value");
            return false;
        }
        u64 bytes = ((u64)count + 1) * 4;
        e->scratch.len = bytes - 4;
        if (!dv_eval_reserve(e, &e->scratch, bytes)) {
            (void)dv_eval_error(e, "memory limit");
            return false;
        }
        store_le32(e->scratch.data + (usize)count * 4, at);
        const GlobalValueData *data = &f->global_values.data[at];
        if (data->kind != GV_LOAD && data->kind != GV_IADD_IMM) {
            return walk_global_values(e, e->scratch.data, count + 1, out);
        }
        at = data->base.id;
    }
}

/* The address the top frame returns to. */
static u64 return_address(Evaluator *e)
{
    const Fiber *fiber = dv_eval_fiber(e);
    u64 count = dv_eval_frame_count(fiber);
    if (count < 2) {
        return EVAL_OUTSIDE + (EVAL_STACK_TOP - e->stack_top);
    }
    const Frame *caller = dv_eval_frame_at(fiber, count - 2);
    return dv_eval_place(e, (Place){caller->code->func, PLACE_RETURN, caller->inst.id, 0});
}

Flow dv_eval_step_address(Evaluator *e, const InstData *d)
{
    const Frame *frame = dv_eval_frame(e);
    const Code *code = frame->code;
    u64 x = 0;
    switch (d->op) {
    case OP_stack_addr:
        x = frame->sp + code->slot_offsets[d->ent] + (u64)(i64)(i32)d->imm[0];
        break;
    case OP_dynamic_stack_addr:
        x = frame->sp + code->dyn_slot_offsets[d->ent];
        break;
    case OP_func_addr:
        x = dv_eval_symbol_address(e, code->callees[d->ent]);
        break;
    case OP_symbol_value:
    case OP_tls_value:
        if (!dv_eval_global_value(e, (GlobalValue){d->ent}, &x)) {
            return FLOW_STOP;
        }
        break;
    case OP_get_exception_handler_address:
        x = dv_eval_place(e, (Place){code->func, PLACE_HANDLER, d->ent, d->imm[0]});
        break;
    case OP_get_pinned_reg:
        x = e->pinned;
        break;
    case OP_set_pinned_reg:
        e->pinned = dv_eval_int(e, d->args[0]);
        return FLOW_NEXT;
    case OP_get_frame_pointer:
        x = frame->fp;
        break;
    case OP_get_stack_pointer:
        x = frame->sp;
        break;
    case OP_get_return_address:
        x = return_address(e);
        break;
    default:
        UNREACHABLE();
    }
    dv_eval_set_int(e, d->results, x);
    return FLOW_NEXT;
}
