/* count.c - the switch form, counting every instruction it dispatches. */
#include "bench/dispatch/dispatch.h"

/* The interpreter's own instructions lie outside of the module's code. */
static inline void count(const DispatchCounts *counts, const u8 *pc)
{
    usize offset = (usize)((uintptr_t)pc - (uintptr_t)counts->code);
    if (offset < counts->size_bytes) {
        counts->words[offset / 4]++;
    }
}

#define LOOP_STEP() count(dv_interp_context(vm), pc)
#define dv_interp_run_switch bench_run_count
#include "interp/run_switch.c"
