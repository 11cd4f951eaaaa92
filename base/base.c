/* base.c - what stops the program when Davit itself is wrong, and the names every part shares. */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>

DV_NORETURN void dv_panic(const char *file, int line, const char *what)
{
    fprintf(stderr, "davit: internal error at %s:%d: %s\n", file, line, what);
    fflush(stderr);
    abort();
}

const char *davit_version(void)
{
    return DAVIT_VERSION_STRING;
}

const char *davit_status_name(davit_status_t status)
{
    switch (status) {
    case DAVIT_OK:
        return "ok";
    case DAVIT_ERROR_INVALID:
        return "invalid input";
    case DAVIT_ERROR_MEMORY:
        return "out of memory";
    case DAVIT_ERROR_LIMIT:
        return "limit exceeded";
    case DAVIT_ERROR_UNSUPPORTED:
        return "unsupported";
    case DAVIT_ERROR_IO:
        return "input/output error";
    }
    return "unknown status";
}
