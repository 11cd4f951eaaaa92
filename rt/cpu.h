/* cpu.h - what the processor of this machine has: the one place that asks it. */
#ifndef DV_RT_CPU_H
#define DV_RT_CPU_H

#include "base/base.h"

/* Features of x86-64, as CompileOptions has them; 0 on other processors. What the system does not keep for a thread does not
 * count. */
u32 dv_cpu_x64_features(void);

#endif
