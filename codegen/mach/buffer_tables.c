/* buffer_tables.c - what is recorded beside the bytes: relocations, traps, calls, source locations and the like.
 *
 * Recording keeps what was emitted, so offsets need no correction later. Source locations are the
 * exception, since they change before every instruction: where bytes are cut off, ranges are cut with them.
 */
#include "codegen/mach/buffer_parts.h"

/* ---- source locations ---- */

u32 dv_mach_srcloc(const MachBuffer *buf)
{
    return buf->srclocs.len == 0 ? SRCLOC_NONE : buf->srclocs.data[buf->srclocs.len - 1].srcloc;
}

void dv_mach_set_srcloc(MachBuffer *buf, u32 srcloc)
{
    u32 end = dv_mach_offset(buf);
    if (buf->srclocs.len > 0 && vec_last(&buf->srclocs).start >= end) {
        buf->srclocs.len--;
    }
    if (dv_mach_srcloc(buf) != srcloc) {
        MachSrcRange range = {end, MACH_NONE, srcloc};
        vec_push(buf->arena, &buf->srclocs, range);
    }
}

void dv_mach_cut_tables(MachBuffer *buf)
{
    u32 end = dv_mach_offset(buf);
    u32 srcloc = dv_mach_srcloc(buf);
    while (buf->srclocs.len > 0 && vec_last(&buf->srclocs).start >= end) {
        buf->srclocs.len--;
    }
    dv_mach_set_srcloc(buf, srcloc);
}

/* Gives ranges their ends and removes those that say nothing. */
static void close_srclocs(MachBuffer *buf)
{
    u32 kept = 0;
    for (u32 i = 0; i < buf->srclocs.len; i++) {
        MachSrcRange range = buf->srclocs.data[i];
        range.end = i + 1 < buf->srclocs.len ? buf->srclocs.data[i + 1].start : dv_mach_offset(buf);
        if (range.srcloc != SRCLOC_NONE && range.start < range.end) {
            buf->srclocs.data[kept++] = range;
        }
    }
    buf->srclocs.len = kept;
}

/* ---- the others ---- */

void dv_mach_add_reloc(MachBuffer *buf, u32 offset, u32 kind, const MachSymbol *symbol, i64 addend)
{
    ASSERT(offset <= dv_mach_offset(buf) && kind <= UINT16_MAX);
    ASSERT(buf->relocs.len == 0 || vec_last(&buf->relocs).offset <= offset);
    dv_mach_keep(buf);
    MachReloc reloc = {offset, (u16)kind, *symbol, addend};
    vec_push(buf->arena, &buf->relocs, reloc);
}

void dv_mach_add_trap(MachBuffer *buf, u32 offset, TrapCode code)
{
    ASSERT(offset <= dv_mach_offset(buf) && code != TRAP_none);
    ASSERT(buf->traps.len == 0 || vec_last(&buf->traps).offset <= offset);
    dv_mach_keep(buf);
    MachTrap trap = {offset, code};
    vec_push(buf->arena, &buf->traps, trap);
}

void dv_mach_add_call(MachBuffer *buf, u32 frame_offset, const MachHandler *handlers, u32 count)
{
    dv_mach_keep(buf);
    MachCall call = {dv_mach_offset(buf), frame_offset, count, NULL};
    call.handlers = ARENA_ARRAY(buf->arena, MachHandler, count);
    if (count != 0) {
        memcpy(call.handlers, handlers, count * sizeof *handlers);
    }
    vec_push(buf->arena, &buf->calls, call);
}

void dv_mach_add_tags(MachBuffer *buf, const DebugTags *tags, bool after)
{
    if (tags == NULL) {
        return;
    }
    dv_mach_keep(buf);
    MachTags record = {dv_mach_offset(buf), after, *tags};
    record.tags.tags = ARENA_ARRAY(buf->arena, DebugTag, tags->num_tags);
    if (tags->num_tags != 0) {
        memcpy(record.tags.tags, tags->tags, tags->num_tags * sizeof *tags->tags);
    }
    vec_push(buf->arena, &buf->tags, record);
}

void dv_mach_add_stack_map(MachBuffer *buf, const StackMap *map)
{
    dv_mach_keep(buf);
    MachStackMap record = {dv_mach_offset(buf), *map};
    record.map.entries = ARENA_ARRAY(buf->arena, StackMapEntry, map->num_entries);
    if (map->num_entries != 0) {
        memcpy(record.map.entries, map->entries, map->num_entries * sizeof *map->entries);
    }
    vec_push(buf->arena, &buf->stack_maps, record);
}

void dv_mach_add_unwind(MachBuffer *buf, UnwindOp op, u32 reg, i32 value)
{
    ASSERT(op < UNWIND_OP_COUNT && reg <= UINT16_MAX);
    dv_mach_keep(buf);
    UnwindInst inst = {dv_mach_offset(buf), (u16)reg, (u8)op, value};
    vec_push(buf->arena, &buf->unwind, inst);
}

void dv_mach_set_frame(MachBuffer *buf, const MachFrame *frame)
{
    buf->frame = *frame;
    buf->frame.slot_offsets = ARENA_ARRAY(buf->arena, i32, frame->num_slots);
    if (frame->num_slots != 0) {
        memcpy(buf->frame.slot_offsets, frame->slot_offsets, frame->num_slots * sizeof(i32));
    }
}

MachSymbol dv_mach_symbol_name(const ExtName *name)
{
    return (MachSymbol){.kind = MACH_SYMBOL_NAME, .name = *name};
}

MachSymbol dv_mach_symbol_entity(u32 entity_kind, u32 index)
{
    ASSERT(entity_kind <= UINT8_MAX);
    return (MachSymbol){.kind = MACH_SYMBOL_ENTITY, .entity_kind = (u8)entity_kind, .index = index};
}

/* ---- the result ---- */

static void resolve_handlers(MachBuffer *buf)
{
    for (u32 i = 0; i < buf->calls.len; i++) {
        MachCall *call = &buf->calls.data[i];
        for (u32 h = 0; h < call->num_handlers; h++) {
            MachHandler *handler = &call->handlers[h];
            if (handler->kind != HANDLER_CONTEXT) {
                handler->offset = dv_mach_label_offset(buf, handler->label);
                CHECK(handler->offset != MACH_UNBOUND);
            }
        }
    }
}

#define HAND_OVER(table) \
    (code->table.data = buf->table.data, (void)(code->table.len = buf->table.len))

void dv_mach_finish_tables(MachBuffer *buf, MachCode *code)
{
    close_srclocs(buf);
    resolve_handlers(buf);
    HAND_OVER(relocs);
    HAND_OVER(traps);
    HAND_OVER(calls);
    HAND_OVER(srclocs);
    HAND_OVER(tags);
    HAND_OVER(stack_maps);
    HAND_OVER(unwind);
    code->frame = buf->frame;
}

/* ---- the result in another arena ---- */

static void *copy_array(Arena *arena, const void *from, usize count, usize size)
{
    void *to = dv_arena_array(arena, count, size, 16);
    if (count != 0) {
        memcpy(to, from, count * size);
    }
    return to;
}

void dv_mach_code_copy(MachCode *code, Arena *arena)
{
#define COPY(data, len) ((data) = copy_array(arena, (data), (len), sizeof *(data)))
    COPY(code->bytes, code->size_bytes);
    COPY(code->relocs.data, code->relocs.len);
    COPY(code->traps.data, code->traps.len);
    COPY(code->calls.data, code->calls.len);
    COPY(code->srclocs.data, code->srclocs.len);
    COPY(code->tags.data, code->tags.len);
    COPY(code->stack_maps.data, code->stack_maps.len);
    COPY(code->unwind.data, code->unwind.len);
    COPY(code->frame.slot_offsets, code->frame.num_slots);
    for (u32 i = 0; i < code->calls.len; i++) {
        MachCall *call = &code->calls.data[i];
        COPY(call->handlers, call->num_handlers);
    }
#undef COPY
}
