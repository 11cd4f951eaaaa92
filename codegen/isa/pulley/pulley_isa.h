/* pulley_isa.h - Pulley as the front door sees it. */
#ifndef DV_ISA_PULLEY_PULLEY_ISA_H
#define DV_ISA_PULLEY_PULLEY_ISA_H

#include "codegen/isa/isa.h"

/* pulley32, pulley64, pulley32be, pulley64be: code for the raw profile of that address width and byte order. A
 * function that uses no address makes code for the sandboxed profile of that order. */
enum { PULLEY_ISA_COUNT = 4 };
extern const Isa dv_pulley_isas[PULLEY_ISA_COUNT];

#endif
