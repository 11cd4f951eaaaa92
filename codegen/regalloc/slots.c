/* slots.c - spill slots.
 *
 * A spill set that has something in memory, or an operand that must be, gets one slot for all of its life, from its
 * first point to its last. Sets are met in the order of their first points; a slot whose set is over is free
 * for the next set of the same size. So no more slots are used than lives overlap.
 */
#include "main.h"

typedef VEC(u64) Heap; /* smallest first */

static void heap_push(Ra *ra, Heap *heap, u64 key)
{
    u32 at = heap->len;
    vec_push(ra->arena, heap, key);
    for (; at > 0 && heap->data[(at - 1) / 2] > key; at = (at - 1) / 2) {
        heap->data[at] = heap->data[(at - 1) / 2];
    }
    heap->data[at] = key;
    ra->stats.steps++;
}

static u64 heap_pop(Ra *ra, Heap *heap)
{
    u64 *keys = heap->data;
    u64 top = keys[0];
    u64 moving = vec_pop(heap);
    u32 at = 0;
    while (2 * at + 1 < heap->len) {
        u32 child = 2 * at + 1;
        child += child + 1 < heap->len && keys[child + 1] < keys[child];
        if (keys[child] >= moving) {
            break;
        }
        keys[at] = keys[child];
        at = child;
    }
    if (heap->len > 0) {
        keys[at] = moving;
    }
    ra->stats.steps++;
    return top;
}

static void find_needs(Ra *ra)
{
    const RaFunc *f = ra->f;
    for (u32 i = 0; i < ra->bundles.len; i++) {
        const Bundle *b = &ra->bundles.data[i];
        SpillSet *set = &ra->spill_sets.data[b->spill_set];
        if (b->state != BUNDLE_SPILLED) {
            continue;
        }
        for (u32 r = 0; r < b->num_ranges && !set->needs_slot; r++) {
            set->needs_slot = ra->vregs[b->ranges[r].vreg].remat == RA_NONE;
        }
    }
    for (u32 k = 0; k < f->num_operands; k++) {
        if (f->operands[k].constraint == RA_STACK) {
            u32 bundle = ra->vregs[f->operands[k].vreg.id].bundle;
            ra->spill_sets.data[ra->bundles.data[bundle].spill_set].needs_slot = true;
        }
    }
}

u32 dv_ra_slots(Ra *ra)
{
    Heap waiting = {0};             /* first point << 32 | set */
    Heap living = {0};              /* last point << 32 | set */
    VEC(u32) free_slots[8] = {{0}}; /* by the logarithm of their size */
    u32 num_units = 0;
    find_needs(ra);
    for (u32 i = 0; i < ra->spill_sets.len; i++) {
        if (ra->spill_sets.data[i].needs_slot) {
            heap_push(ra, &waiting, (u64)ra->spill_sets.data[i].from << 32 | i);
        }
    }
    while (waiting.len > 0) {
        SpillSet *set = &ra->spill_sets.data[(u32)heap_pop(ra, &waiting)];
        u32 units = ra->f->machine->classes[set->class].slot_units;
        while (living.len > 0 && living.data[0] >> 32 <= set->from) {
            const SpillSet *over = &ra->spill_sets.data[(u32)heap_pop(ra, &living)];
            u32 size = ra->f->machine->classes[over->class].slot_units;
            vec_push(ra->arena, &free_slots[dv_ctz32(size)], over->slot);
        }
        if (free_slots[dv_ctz32(units)].len > 0) {
            set->slot = vec_pop(&free_slots[dv_ctz32(units)]);
        } else {
            set->slot = (num_units + units - 1) & ~(units - 1);
            num_units = set->slot + units;
        }
        heap_push(ra, &living, (u64)set->to << 32 | (u32)(set - ra->spill_sets.data));
    }
    return num_units;
}
