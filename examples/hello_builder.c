/* hello_builder.c - builds Fibonacci as CLIF with variables and a loop, prints it, verifies it,
 * runs it.
 *
 *     function %fib(n: i32) -> i64 {
 *         a = 0; b = 1;
 *         while (n != 0) { (a, b) = (b, a + b); n = n - 1; }
 *         return a;
 *     }
 */
#include <davit/codegen.h>
#include <inttypes.h>
#include <stdio.h>

/* Fills the function; nothing here needs an error check, davit_builder_finish tells. */
static void build_fib(davit_builder_t *b)
{
    davit_block_t entry = davit_entry_block(b);

    /* Variables may be assigned again and again; the builder turns them into values. */
    davit_var_t n = davit_declare_var(b, DAVIT_I32);
    davit_var_t x = davit_declare_var(b, DAVIT_I64);
    davit_var_t y = davit_declare_var(b, DAVIT_I64);
    davit_def_var(b, n, davit_block_param(b, entry, 0));
    davit_def_var(b, x, davit_ins_iconst(b, DAVIT_I64, 0));
    davit_def_var(b, y, davit_ins_iconst(b, DAVIT_I64, 1));

    davit_loop_t loop = davit_loop_begin(b);
    davit_loop_while(b, &loop, davit_use_var(b, n)); /* not zero */
    davit_value_t sum = davit_ins_iadd(b, davit_use_var(b, x), davit_use_var(b, y));
    davit_def_var(b, x, davit_use_var(b, y));
    davit_def_var(b, y, sum);
    davit_def_var(b, n, davit_ins_iadd_imm(b, davit_use_var(b, n), -1));
    davit_loop_end(b, &loop);

    davit_value_t result = davit_use_var(b, x);
    davit_ins_return(b, &result, 1);
}

static int fail(davit_context_t *context, const char *what, davit_status_t status)
{
    fprintf(stderr, "%s: %s\n", what, davit_status_name(status));
    for (size_t i = 0; i < davit_error_count(context); i++) {
        const davit_error_t *error = davit_error_get(context, i);
        fprintf(stderr, "  %s: %s\n", error->place, error->message);
    }
    return 1;
}

/* Runs %fib for 0 to 90 and compares with C. */
static int run_fib(davit_context_t *context, davit_eval_t *eval, davit_func_t *fib)
{
    uint64_t a = 0;
    uint64_t b = 1;
    for (int n = 0; n <= 90; n++) {
        davit_const_t arg = davit_const_int(DAVIT_I32, n);
        davit_result_t result;
        davit_status_t status = davit_eval_call(eval, fib, &arg, 1, &result);
        if (status != DAVIT_OK) {
            return fail(context, "evaluate", status);
        }
        if (result.outcome != DAVIT_RETURNED || (uint64_t)davit_const_to_int(result.values) != a) {
            fprintf(stderr, "%%fib(%d) is wrong\n", n);
            return 1;
        }
        if (n % 30 == 0) {
            printf("%%fib(%d) = %" PRIu64 ", in %" PRIu64 " instructions\n", n, a, result.steps);
        }
        uint64_t next = a + b;
        a = b;
        b = next;
    }
    return 0;
}

int main(void)
{
    davit_context_t *context;
    davit_module_t *module;
    davit_builder_t *b;
    davit_func_t *fib;
    davit_eval_t *eval;
    const char *text;
    int failed;

    davit_status_t status = davit_context_new(NULL, &context);
    if (status != DAVIT_OK) {
        return 1;
    }
    status = davit_module_new(context, &module);
    if (status != DAVIT_OK) {
        return fail(context, "module", status);
    }

    davit_param_t params[] = {{DAVIT_I32, DAVIT_EXT_NONE, DAVIT_PURPOSE_NORMAL, 0}};
    davit_param_t results[] = {{DAVIT_I64, DAVIT_EXT_NONE, DAVIT_PURPOSE_NORMAL, 0}};
    davit_signature_t signature = {DAVIT_CC_FAST, params, 1, results, 1};
    status = davit_builder_new(module, "%fib", &signature, &b);
    if (status != DAVIT_OK) {
        return fail(context, "builder", status);
    }
    build_fib(b);
    status = davit_builder_finish(b, &fib); /* verifies, too */
    if (status != DAVIT_OK) {
        return fail(context, "finish", status);
    }

    status = davit_func_print(fib, &text, NULL);
    if (status != DAVIT_OK) {
        return fail(context, "print", status);
    }
    fputs(text, stdout);

    status = davit_eval_new(module, NULL, &eval);
    if (status != DAVIT_OK) {
        return fail(context, "evaluator", status);
    }
    failed = run_fib(context, eval, fib);

    davit_eval_free(eval);
    davit_module_free(module);
    davit_context_free(context);
    return failed;
}
