/* build_testing.h - what the tests of the builder share: a context with a module, functions of one
 * parameter and result, and finishing that must succeed. */
#ifndef DV_BUILD_TESTING_H
#define DV_BUILD_TESTING_H

#include "unit.h"

#include "codegen/ir/builder.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"

typedef struct Session {
    davit_context_t *context;
    davit_module_t *module;
} Session;

static inline Session open_session(void)
{
    Session x;
    assert_int_equal(davit_context_new(NULL, &x.context), DAVIT_OK);
    assert_int_equal(davit_module_new(x.context, &x.module), DAVIT_OK);
    return x;
}

static inline void close_session(const Session *x)
{
    davit_module_free(x->module);
    davit_context_free(x->context);
}

static inline davit_builder_t *open_builder(const Session *x, davit_type_t param,
                                            davit_type_t result)
{
    davit_param_t params[1] = {{.type = param}};
    davit_param_t results[1] = {{.type = result}};
    davit_signature_t sig = {DAVIT_CC_FAST, params, 1, results, 1};
    davit_builder_t *b;
    assert_int_equal(davit_builder_new(x->module, "%f", &sig, &b), DAVIT_OK);
    return b;
}

static inline davit_func_t *finish_func(const Session *x, davit_builder_t *b)
{
    davit_func_t *f;
    davit_status_t status = davit_builder_finish(b, &f);
    if (status != DAVIT_OK) {
        const davit_error_t *e = davit_error_get(x->context, 0);
        fail_msg("%s: %s: %s", davit_status_name(status), e == NULL ? "" : e->place,
                 e == NULL ? "" : e->message);
    }
    return f;
}

#endif
