/* run_goto.c - the dispatch loop with a computed goto at the end of every handler. */
#include "base/base.h"

#if DV_HAS_COMPUTED_GOTO
#define LOOP_GOTO 1
#include "interp/run_switch.c"
#endif
