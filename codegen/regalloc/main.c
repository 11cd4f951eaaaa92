/* main.c - the main allocator.
 *
 * After the manner of regalloc2, which is after the manner of IonMonkey's and LLVM's: live ranges are packed into
 * registers like boxes into bins, backtracking where that pays.
 *
 *   liveness.c    where each vreg is live: ranges of points
 *   bundles.c     ranges that want to be in one register, merged as far as they do not overlap
 *   occupancy.c   what takes each register, and when
 *   busy.c        the same for all registers at once, roughly
 *   process.c     the largest bundle first: a free register, or one whose tenants weigh less; or else
 *   split.c       the bundle is cut, and what cannot have a register stays in memory or is computed again
 *   slots.c       spill slots, shared by what does not live at the same time
 *   resolve.c     from bundles to the locations of operands, and the moves between them
 *   cleanup.c     drops moves that turn out to change nothing
 *
 * docs/regalloc.md tells more. The result depends on nothing but the input.
 */
#include "main.h"

static u32 allocate(Ra *ra, Arena *arena, RaResult *out)
{
    if (!dv_ra_liveness(ra)) {
        return RA_OVER_BUDGET;
    }
    dv_ra_occupancy_init(ra);
    dv_ra_busy_init(ra);
    if (!dv_ra_bundles(ra)) {
        return RA_OVER_BUDGET;
    }
    u32 status = dv_ra_process(ra);
    if (status != RA_OK) {
        return status;
    }
    out->num_slot_units = dv_ra_slots(ra);
    dv_ra_resolve(ra, arena, out);
    dv_ra_cleanup(ra, out);
    return RA_OK;
}

u32 dv_regalloc_main(const RaFunc *f, u64 max_steps, Arena *arena, Arena *scratch, RaResult *out)
{
    ArenaMark mark = dv_arena_mark(scratch);
    Ra *ra = ARENA_NEW(scratch, Ra);
    memset(out, 0, sizeof *out);
    ra->f = f;
    ra->arena = scratch;
    ra->max_steps = max_steps;
    u32 status = allocate(ra, arena, out);
    for (u32 i = 0; i < ra->spill_sets.len; i++) {
        ra->stats.spilled_vregs += ra->spill_sets.data[i].slot != RA_NONE;
    }
    out->stats = ra->stats;
    dv_arena_release_to(scratch, mark);
    return status;
}
