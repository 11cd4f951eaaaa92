/* selftest.h - the proof that the tables, the encoding and the text agree on this host, for hosts where cmocka
 * does not exist. */
#ifndef DV_PULLEY_SELFTEST_H
#define DV_PULLEY_SELFTEST_H

#include <stdio.h>

#include "base/base.h"

/* Walks every row of every table of pulley/, and encodes, decodes, prints, reads back and swaps every
 * operation with fields at their limits. Tells each failure on out; returns how many there were. */
u32 dv_selftest_pulley(FILE *out);

#endif
