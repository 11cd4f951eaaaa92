/* selftest.h - the proof that base/ works on this host, for hosts where cmocka does not exist. */
#ifndef DV_SELFTEST_H
#define DV_SELFTEST_H

#include <stdio.h>

#include "base.h"

/* Checks containers, byte access and 128-bit arithmetic; prints each failure to out and returns how
 * many there were. */
u32 dv_selftest_base(FILE *out);

#endif
