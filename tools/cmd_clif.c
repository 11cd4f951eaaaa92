/* cmd_clif.c - `davit cat`, `davit verify` and `davit run`: one CLIF file printed, checked,
 * executed. */
#include <stdio.h>

#include "codegen/ir/print.h"
#include "tools/filetest_internal.h"
#include "tools/input.h"

int dv_cmd_cat(Command *command)
{
    int status = command->argc == 0 ? EXIT_USAGE : EXIT_OK;
    if (command->argc == 0) {
        fputs("usage: davit cat FILE...\nReads CLIF and prints it in the standard form.\n", stderr);
    }
    for (int i = 0; i < command->argc; i++) {
        Input input;
        if (!dv_input_read(command, command->argv[i], &input)) {
            status = EXIT_FAILED;
            continue;
        }
        for (u32 n = 0; n < input.file.funcs.len; n++) {
            TextBuf out;
            dv_text_init(&out, command->arena);
            if (n != 0) {
                dv_text_char(&out, '\n');
            }
            dv_print_func(&out, &input.file.funcs.data[n]->func);
            fwrite(out.data, 1, out.length, stdout);
        }
    }
    return status;
}

int dv_cmd_verify(Command *command)
{
    int status = command->argc == 0 ? EXIT_USAGE : EXIT_OK;
    if (command->argc == 0) {
        fputs("usage: davit verify FILE...\nChecks every function and reports all that is wrong.\n",
              stderr);
    }
    for (int i = 0; i < command->argc; i++) {
        Input input;
        if (!dv_input_read(command, command->argv[i], &input) ||
            dv_input_verify(command, &input) != 0) {
            status = EXIT_FAILED;
        }
    }
    return status;
}

static void print_result(Filetest *t, const Engine *e, Str call, const EvalResult *result)
{
    char name[16];
    TextBuf out;
    dv_text_init(&out, t->scratch);
    dv_text_bytes(&out, call.data, call.len);
    switch (result->outcome) {
    case EVAL_RETURNED:
        for (u32 i = 0; i < result->num_values; i++) {
            dv_text_str(&out, i == 0 ? " = " : ", ");
            dv_print_literal(&out, result->values[i].type, result->values[i].bytes);
        }
        break;
    case EVAL_TRAPPED:
        dv_text_printf(&out, " traps %s (%s)", dv_trap_name(result->trap, name),
                       dv_trap_message(result->trap));
        break;
    case EVAL_OUT_OF_STEPS:
        dv_text_str(&out, " does not end within the step limit");
        break;
    default:
        dv_text_printf(&out, " cannot be evaluated: %s", result->reason);
        break;
    }
    if (e->label[0] == '\0') {
        printf("%s    [evaluator, %" PRIu64 " steps]\n", out.data, result->steps);
    } else {
        printf("%s    [%s, %s dispatch]\n", out.data, e->options.target, e->label);
    }
}

static bool run_call(Filetest *t, Engine *e, const char *text)
{
    Invocation call;
    EngineResult result;
    const char *error;
    Str rest = {text, (u32)strlen(text)};
    if (!dv_directive_invocation(t, t->file.funcs.data[0], rest, &call, &error)) {
        fprintf(stderr, "davit run: %s: %s\n", text, error);
        return false;
    }
    dv_engine_call(e, call.func, call.args, t->scratch, &result);
    print_result(t, e, rest, &result.eval);
    return result.eval.outcome == EVAL_RETURNED;
}

static int run_calls(Command *command, Filetest *t, const char *target)
{
    EngineOptions options = {.target = target, .variant = dv_engine_count(target) - 1};
    Engine *e = dv_engine_new(&t->file, t->scratch, &options);
    bool ok = true;
    for (int i = 1; i < command->argc; i++) {
        ok = run_call(t, e, command->argv[i]) && ok;
    }
    dv_engine_free(e);
    return ok ? EXIT_OK : EXIT_FAILED;
}

int dv_cmd_run(Command *command)
{
    Input input;
    const char *target = "eval";
    if (command->argc >= 2 && strcmp(command->argv[0], "--target") == 0) {
        target = command->argv[1];
        command->argc -= 2;
        command->argv += 2;
    }
    if (command->argc < 2 || dv_engine_count(target) == 0) {
        fputs(
            "usage: davit run [--target T] FILE CALL...\n"
            "Calls functions of a CLIF file on the evaluator, or as code for a target, one after\n"
            "the other: davit run --target pulley64 fib.clif '%fib(20)'\n",
            stderr);
        return EXIT_USAGE;
    }
    if (!dv_input_read(command, command->argv[0], &input) ||
        dv_input_verify(command, &input) != 0) {
        return EXIT_FAILED;
    }
    if (input.file.funcs.len == 0) {
        fprintf(stderr, "davit run: %s has no function\n", input.path);
        return EXIT_FAILED;
    }
    Filetest t = {.path = input.path,
                  .scratch = command->arena,
                  .results = command->arena,
                  .pool = command->arena->pool,
                  .file = input.file};
    return run_calls(command, &t, target);
}
