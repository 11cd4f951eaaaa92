/* dispatch.h - what the files of the dispatch benchmark hand to each other. */
#ifndef DV_BENCH_DISPATCH_H
#define DV_BENCH_DISPATCH_H

#include "interp/interp.h"

/* How often each word of a module's code was the start of an instruction that ran. An Interp of the
 * switch form whose context is one of these counts into it. */
typedef struct DispatchCounts {
    const u8 *code;
    usize size_bytes;
    u64 *words;
} DispatchCounts;

/* switch.c, count.c: interp/run_switch.c as it is, and with counting. */
void bench_run_switch(Interp *vm);
void bench_run_count(Interp *vm);

#endif
