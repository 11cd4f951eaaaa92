/* native_testing.h - what tests of native modules share: a context with a module of CLIF and a native one. */
#ifndef DV_NATIVE_TESTING_H
#define DV_NATIVE_TESTING_H

#include "unit.h"

#include <davit/codegen.h>

#if defined(__x86_64__) && defined(__LP64__) && defined(__linux__)
#define IS_HOST 1
#else
#define IS_HOST 0
#endif

typedef struct Native {
    davit_context_t *context;
    davit_module_t *module;
    davit_native_t *native;
} Native;

static inline void native_new(Native *x, const davit_native_options_t *options)
{
    assert_int_equal(davit_context_new(NULL, &x->context), DAVIT_OK);
    assert_int_equal(davit_module_new(x->context, &x->module), DAVIT_OK);
    assert_int_equal(davit_native_new(x->context, options, &x->native), DAVIT_OK);
}

static inline void native_free(Native *x)
{
    davit_native_free(x->native);
    davit_module_free(x->module);
    davit_context_free(x->context);
}

/* Reads functions and compiles them. */
static inline void native_define(Native *x, const char *text, int linkage)
{
    size_t count = davit_module_count(x->module);
    assert_int_equal(davit_module_parse(x->module, text, strlen(text)), DAVIT_OK);
    for (; count < davit_module_count(x->module); count++) {
        davit_func_t *f = davit_module_get(x->module, count);
        assert_int_equal(davit_native_define_func(x->native, f, linkage), DAVIT_OK);
    }
}

static inline void assert_refused(const Native *x, davit_status_t status, const char *why)
{
    assert_int_equal(status, DAVIT_ERROR_INVALID);
    assert_non_null(strstr(davit_error_get(x->context, 0)->message, why));
}

/* A function of a linked module. */
typedef int64_t NativeFunc(int64_t);
static inline NativeFunc *native_func(const Native *x, const char *name)
{
    void *address = davit_native_address(x->native, name);
    assert_non_null(address);
    return (NativeFunc *)(uintptr_t)address;
}

#endif
