/* libcalls.c - what native code has no instructions for. */
#include "rt/libcalls.h"

#include "base/u128.h"

/* ---- integers of 128 bits: the divisor is not 0, which the caller has tested ----------------------------------- */

static U128 divide_unsigned(U128 a, U128 b)
{
    return dv_u128_udivrem(a, b, NULL);
}

static U128 remainder_unsigned(U128 a, U128 b)
{
    U128 rest;
    dv_u128_udivrem(a, b, &rest);
    return rest;
}

static U128 divide_signed(U128 a, U128 b)
{
    return dv_u128_sdivrem(a, b, NULL);
}

static U128 remainder_signed(U128 a, U128 b)
{
    U128 rest;
    dv_u128_sdivrem(a, b, &rest);
    return rest;
}

/* ---- the table ----------------------------------------------------------------------------------------------- */

const char *const dv_rt_libcall_symbols[RT_LIBCALLS] = {
#define LIBCALL_FUNC(name, symbol, function) symbol,
#include "rt/libcalls.def"
};

typedef void (*Function)(void);
static const Function functions[RT_LIBCALLS] = {
#define LIBCALL_FUNC(name, symbol, function) (Function) function,
#include "rt/libcalls.def"
};

const void *dv_rt_libcall_at(RtLibcall number)
{
    return (const void *)(uintptr_t)functions[number];
}

const void *dv_rt_libcall_find(const char *symbol)
{
    for (u32 i = 0; i < RT_LIBCALLS; i++) {
        if (strcmp(dv_rt_libcall_symbols[i], symbol) == 0) {
            return dv_rt_libcall_at((RtLibcall)i);
        }
    }
    return NULL;
}
