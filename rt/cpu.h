/* cpu.h - what the processor of this machine has: the one place that asks it. */
#ifndef DV_RT_CPU_H
#define DV_RT_CPU_H

#include "base/base.h"

typedef enum X64Feature {
    X64_FEATURE_BASE,
#define FEATURE(name, setting, level) X64_FEATURE_##name,
#include "rt/x64_features.def"
#undef FEATURE
    X64_FEATURES
} X64Feature;

/* Features of x86-64, as CompileOptions has them; 0 on other processors. What the system does not keep for a thread does not
 * count. */
u32 dv_cpu_x64_features(void);

#endif
