/* parse_and_run.c - reads CLIF text, verifies it, and runs a function of it.
 *
 *     parse_and_run                       runs the function below
 *     parse_and_run FILE %NAME ARG...     runs a function of a file on i32 numbers
 */
#include <davit/codegen.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 16 };

static const char gcd_text[] = "function %gcd(i64, i64) -> i64 {\n"
                               "block0(v0: i64, v1: i64):\n"
                               "    jump block1(v0, v1)\n"
                               "block1(v2: i64, v3: i64):\n"
                               "    brif v3, block2, block3\n"
                               "block2:\n"
                               "    v4 = urem v2, v3\n"
                               "    jump block1(v3, v4)\n"
                               "block3:\n"
                               "    return v2\n"
                               "}\n";

/* Prints what is wrong as FILE:LINE:COLUMN: text. */
static int report(davit_context_t *context, const char *file, davit_status_t status)
{
    size_t count = davit_error_count(context);
    for (size_t i = 0; i < count; i++) {
        const davit_error_t *e = davit_error_get(context, i);
        fprintf(stderr, "%s:%u:%u: %s%s%s\n", file, (unsigned)e->line, (unsigned)e->column,
                e->place, e->place[0] == '\0' ? "" : ": ", e->message);
    }
    if (count == 0) {
        fprintf(stderr, "%s: %s\n", file, davit_status_name(status));
    }
    return 1;
}

/* A file's bytes, to be freed; NULL if it cannot be read. */
static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    *size = 0;
    for (size_t room = 0, got = 1; file != NULL && got != 0; *size += got) {
        if (room - *size < 4096) {
            char *grown = realloc(text, room = 2 * room + 8192);
            if (grown == NULL) {
                free(text);
                text = NULL;
                break;
            }
            text = grown;
        }
        got = fread(text + *size, 1, room - *size, file);
    }
    if (file != NULL) {
        fclose(file);
    }
    return text;
}

/* Calls the function and prints its results, or the trap it ended in. */
static int run(davit_module_t *module, davit_context_t *context, const char *name,
               const davit_const_t *args, size_t num_args)
{
    davit_eval_t *eval;
    davit_result_t result;
    char trap[16];
    davit_func_t *func = davit_module_find(module, name);
    if (func == NULL) {
        fprintf(stderr, "there is no function %s\n", name);
        return 1;
    }
    davit_eval_options_t options = {.max_steps = 1000000000};
    davit_status_t status = davit_eval_new(module, &options, &eval);
    if (status != DAVIT_OK) {
        return report(context, name, status);
    }
    status = davit_eval_call(eval, func, args, num_args, &result);
    if (status != DAVIT_OK) {
        davit_eval_free(eval);
        return report(context, name, status);
    }
    if (result.outcome == DAVIT_TRAPPED) {
        printf("%s: trap %s: %s\n", name, davit_trap_name(result.trap, trap),
               davit_trap_message(result.trap));
    }
    for (size_t i = 0; i < result.num_values; i++) {
        printf("%" PRId64 "\n", davit_const_to_int(&result.values[i]));
    }
    davit_eval_free(eval);
    return result.outcome == DAVIT_RETURNED ? 0 : 2;
}

/* The example's own check, run when there are no arguments. */
static int run_gcd(davit_module_t *module)
{
    davit_eval_t *eval;
    davit_result_t result;
    davit_const_t args[2] = {davit_const_int(DAVIT_I64, 1071), davit_const_int(DAVIT_I64, 462)};
    if (davit_eval_new(module, NULL, &eval) != DAVIT_OK) {
        return 1;
    }
    int64_t gcd = 0;
    if (davit_eval_call(eval, davit_module_find(module, "%gcd"), args, 2, &result) == DAVIT_OK) {
        gcd = davit_const_to_int(&result.values[0]);
    }
    davit_eval_free(eval);
    printf("%%gcd(1071, 462) = %" PRId64 "\n", gcd);
    return gcd == 21 ? 0 : 1;
}

static int work(davit_context_t *context, davit_module_t *module, int argc, char **argv)
{
    davit_const_t args[MAX_ARGS];
    const char *path = argc > 2 ? argv[1] : "gcd";
    size_t size = sizeof gcd_text - 1;
    char *text = argc > 2 ? read_file(path, &size) : NULL;
    if (argc > 2 && text == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        return 1;
    }
    davit_status_t status = davit_module_parse(module, text != NULL ? text : gcd_text, size);
    free(text);
    if (status == DAVIT_OK) {
        status = davit_module_verify(module);
    }
    if (status != DAVIT_OK) {
        return report(context, path, status);
    }
    if (argc <= 2) {
        return run_gcd(module);
    }
    for (int i = 3; i < argc && i - 3 < MAX_ARGS; i++) {
        args[i - 3] = davit_const_int(DAVIT_I32, strtoll(argv[i], NULL, 0));
    }
    return run(module, context, argv[2], args, argc - 3 < MAX_ARGS ? (size_t)argc - 3 : MAX_ARGS);
}

int main(int argc, char **argv)
{
    davit_context_t *context;
    davit_module_t *module;
    if (davit_context_new(NULL, &context) != DAVIT_OK) {
        return 1;
    }
    int code = 1;
    if (davit_module_new(context, &module) == DAVIT_OK) {
        code = work(context, module, argc, argv);
        davit_module_free(module);
    }
    davit_context_free(context);
    return code;
}
