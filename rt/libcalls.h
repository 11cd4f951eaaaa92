/* libcalls.h - C functions that native code calls where there is no instruction. */
#ifndef DV_RT_LIBCALLS_H
#define DV_RT_LIBCALLS_H

#include "base/base.h"

typedef enum RtLibcall {
#define LIBCALL_FUNC(name, symbol, function) RT_LIBCALL_##name,
#include "rt/libcalls.def"
    RT_LIBCALLS
} RtLibcall;

/* The symbol of each. */
extern const char *const dv_rt_libcall_symbols[RT_LIBCALLS];
/* The function of that symbol, or NULL. */
const void *dv_rt_libcall_find(const char *symbol);
/* The same by number. */
const void *dv_rt_libcall_at(RtLibcall number);

#endif
