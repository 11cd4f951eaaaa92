/* table.c - tables of handles. Indices and lengths are as wide as the table says, those into segments are
 * 32 bits. */
#include "interp/engine.h"
#include "interp/fields.h"

#include <stdlib.h>

/* ---- tables of malloc'd handles ---- */

static bool grow_malloc(InterpTable *table, u32 new_count)
{
    usize size;
    if (dv_mul_overflows(new_count, sizeof *table->elems, &size)) {
        return false;
    }
    u32 *elems = realloc(table->elems, size);
    if (elems == NULL) {
        return false;
    }
    memset(elems + table->count, 0, (new_count - table->count) * sizeof *elems);
    table->elems = elems;
    table->count = new_count;
    return true;
}

bool dv_table_init_malloc(InterpTable *table, const PulleyTable *type, u32 min, u32 max)
{
    *table = (InterpTable){.max = max, .index64 = type->index64, .grow = grow_malloc};
    return min == 0 || grow_malloc(table, min);
}

void dv_table_free_malloc(InterpTable *table)
{
    free(table->elems);
    *table = (InterpTable){0};
}

/* ---- operations ---- */

SLOW_OP(table_get)
{
    READ_FIELDS(D_A_T, 1)
    (void)size;
    const InterpTable *table = vm->instance->tables[t];
    u64 index = as_index(table->index64, fp[a]);
    if (index >= table->count) {
        return PULLEY_TRAP_table_oob;
    }
    fp[d] = table->elems[index];
    return INTERP_GO_ON;
}

SLOW_OP(table_set)
{
    READ_FIELDS(A_B_T, 1)
    (void)size;
    InterpTable *table = vm->instance->tables[t];
    u64 index = as_index(table->index64, fp[a]);
    if (index >= table->count) {
        return PULLEY_TRAP_table_oob;
    }
    table->elems[index] = (u32)fp[b];
    return INTERP_GO_ON;
}

SLOW_OP(table_size)
{
    READ_FIELDS(D_T, 1)
    (void)size;
    fp[d] = vm->instance->tables[t]->count;
    return INTERP_GO_ON;
}

static void fill(InterpTable *table, u32 at, u32 count, u32 handle)
{
    for (u32 i = 0; i < count; i++) {
        table->elems[at + i] = handle;
    }
}

u64 dv_instance_table_grow(InterpTable *table, u32 handle, u64 delta)
{
    u32 before = table->count;
    bool ok = before <= table->max && delta <= table->max - before;
    if (ok && delta != 0) {
        ok = table->grow != NULL && table->grow(table, before + (u32)delta);
    }
    if (!ok) {
        return UINT64_MAX;
    }
    fill(table, before, (u32)delta, handle);
    return before;
}

u32 dv_instance_table_fill(InterpInstance *instance, u32 number, u64 at, u32 handle, u64 count)
{
    InterpTable *table = instance->tables[number];
    if (!has_range(table->count, at, count)) {
        return PULLEY_TRAP_table_oob;
    }
    fill(table, (u32)at, (u32)count, handle);
    return INTERP_GO_ON;
}

u32 dv_instance_table_copy(InterpInstance *instance, const u32 *numbers, u64 to, u64 from,
                           u64 count)
{
    InterpTable *target = instance->tables[numbers[0]];
    const InterpTable *source = instance->tables[numbers[1]];
    if (!has_range(target->count, to, count) || !has_range(source->count, from, count)) {
        return PULLEY_TRAP_table_oob;
    }
    if (count != 0) {
        memmove(target->elems + to, source->elems + from, (usize)count * sizeof *target->elems);
    }
    return INTERP_GO_ON;
}

u32 dv_instance_table_init(InterpInstance *instance, const u32 *numbers, u64 to, u32 from,
                           u32 count)
{
    InterpTable *table = instance->tables[numbers[0]];
    const InterpSegment *elem = &instance->elems[numbers[1]];
    if (!has_range(table->count, to, count) || !has_range(elem->count, from, count)) {
        return PULLEY_TRAP_table_oob;
    }
    if (count != 0) {
        memcpy(table->elems + to, (const u32 *)elem->data + from, count * sizeof *table->elems);
    }
    return INTERP_GO_ON;
}

SLOW_OP(table_grow)
{
    READ_FIELDS(D_A_B_T, 1)
    (void)size;
    InterpTable *table = vm->instance->tables[t];
    u64 before = dv_instance_table_grow(table, (u32)fp[a], as_index(table->index64, fp[b]));
    fp[d] = as_index(table->index64, before);
    return INTERP_GO_ON;
}

SLOW_OP(table_fill)
{
    READ_FIELDS(A_B_C_T, 1)
    (void)size;
    const InterpTable *table = vm->instance->tables[t];
    return dv_instance_table_fill(vm->instance, (u32)t, as_index(table->index64, fp[a]), (u32)fp[b],
                                  as_index(table->index64, fp[c]));
}

SLOW_OP(table_copy)
{
    READ_FIELDS(A_B_C_T_T, 1)
    (void)size;
    bool to64 = vm->instance->tables[t]->index64;
    bool from64 = vm->instance->tables[t2]->index64;
    const u32 both[] = {(u32)t, (u32)t2};
    return dv_instance_table_copy(vm->instance, both, as_index(to64, fp[a]),
                                  as_index(from64, fp[b]), as_index(to64 && from64, fp[c]));
}

SLOW_OP(table_init)
{
    READ_FIELDS(A_B_C_T_ELEM, 1)
    (void)size;
    u64 to = as_index(vm->instance->tables[t]->index64, fp[a]);
    const u32 both[] = {(u32)t, (u32)s};
    return dv_instance_table_init(vm->instance, both, to, (u32)fp[b], (u32)fp[c]);
}

SLOW_OP(elem_drop)
{
    READ_FIELDS(ELEM, 1)
    (void)fp;
    (void)size;
    vm->instance->elems[s].count = 0;
    return INTERP_GO_ON;
}

SLOW_OP(ref_func)
{
    READ_FIELDS(D_REF, 1)
    (void)size;
    const InterpFunc *func = dv_instance_func(vm->instance, (u32)f);
    if (func == NULL) {
        return INTERP_NO_MEMORY;
    }
    fp[d] = func->handle;
    return INTERP_GO_ON;
}
