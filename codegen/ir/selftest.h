/* selftest.h - the proof that the tables, the parser and the printer agree on this host, for hosts
 * where cmocka does not exist. */
#ifndef DV_IR_SELFTEST_H
#define DV_IR_SELFTEST_H

#include <stdio.h>

#include "base/base.h"

/* Walks every row of every table of codegen/ir, and prints and reads back every operation at every
 * type it is defined for. Tells each failure on out; returns how many there were. */
u32 dv_selftest_ir(FILE *out);

#endif
