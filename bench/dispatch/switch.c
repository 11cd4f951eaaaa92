/* switch.c - takes the place of the library's switch form, which then is not linked: it runs the very
 * same loop, or the counting one where the Interp has a context. */
#include "bench/dispatch/dispatch.h"

#define dv_interp_run_switch bench_run_switch
#include "interp/run_switch.c"
#undef dv_interp_run_switch

/* The header has declared it by the other name. */
void dv_interp_run_switch(Interp *vm);

void dv_interp_run_switch(Interp *vm)
{
    if (dv_interp_context(vm) != NULL) {
        bench_run_count(vm);
    } else {
        bench_run_switch(vm);
    }
}
