/* run_tail.c - the dispatch loop as functions that tail-call each other. */
#include "base/base.h"

#if DV_HAS_MUSTTAIL
#define LOOP_TAIL 1
#include "interp/run_switch.c"
#endif
