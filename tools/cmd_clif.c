/* cmd_clif.c - `davit cat`, `davit verify` and, for CLIF, `davit run`: files printed, checked, executed. */
#include <stdio.h>

#include "codegen/ir/print.h"
#include "tools/filetest_internal.h"
#include "tools/input.h"
#include "tools/run.h"

/* For commands of files alone; the outcome is OPTIONS_OK, or how the command ends. */
static OptionsOutcome read_paths(Command *command, const char *subcommand, const char *about,
                                 WordList *paths)
{
    const OptionTable table = {
        .command = subcommand,
        .synopsis = "FILE...",
        .about = about,
        .examples = dv_arena_printf(command->arena, "  davit %s examples/fib.clif\n", subcommand),
        .min_words = 1,
        .max_words = ANY_WORDS};
    return dv_options_read(command, &table, paths);
}

int dv_cmd_cat(Command *command)
{
    WordList paths = {0};
    int status = EXIT_OK;
    OptionsOutcome outcome =
        read_paths(command, "cat", "Reads CLIF and prints it in the standard form.\n", &paths);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    for (u32 i = 0; i < paths.len; i++) {
        Input input;
        if (!dv_input_read(command, "cat", paths.data[i], &input)) {
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
    WordList paths = {0};
    int status = EXIT_OK;
    OptionsOutcome outcome = read_paths(
        command, "verify", "Checks every function and reports all that is wrong.\n", &paths);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    for (u32 i = 0; i < paths.len; i++) {
        Input input;
        if (!dv_input_read(command, "verify", paths.data[i], &input) ||
            dv_input_verify(command, &input) != 0) {
            status = EXIT_FAILED;
        }
    }
    return status;
}

static void print_result(Filetest *t, const Engine *e, Str call, const EvalResult *result)
{
    TextBuf out;
    dv_text_init(&out, t->scratch);
    dv_text_bytes(&out, call.data, call.len);
    if (result->outcome != EVAL_RETURNED) {
        dv_text_char(&out, ' ');
        dv_engine_print_failure(&out, result);
    } else if (result->num_values != 0) {
        dv_text_str(&out, " = ");
        dv_engine_print_values(&out, result->values, result->num_values);
    }
    if (result->outcome == EVAL_TRAPPED) {
        dv_text_printf(&out, " (%s)", dv_trap_message(result->trap));
    }
    if (e->label[0] == '\0') {
        printf("%s    [evaluator, %" PRIu64 " steps]\n", out.data, result->steps);
    } else {
        printf("%s    [%s, %s]\n", out.data, e->options.target, e->label);
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

static int run_calls(Filetest *t, const EngineOptions *options, const WordList *words)
{
    Engine *e = dv_engine_new(&t->file, t->scratch, options);
    bool ok = true;
    for (u32 i = 1; i < words->len; i++) {
        ok = run_call(t, e, words->data[i]) && ok;
    }
    dv_engine_free(e);
    return ok ? EXIT_OK : EXIT_FAILED;
}

int dv_run_clif(Command *command, const char *target, u64 max_steps, const WordList *words)
{
    Input input;
    if (!dv_input_check_target(command, "run", target, true)) {
        return EXIT_USAGE;
    }
    if (words->len < 2) {
        fputs("davit run: a call is missing, such as '%f(1)' (davit run --help tells more)\n",
              stderr);
        return EXIT_USAGE;
    }
    if (!dv_input_read(command, "run", words->data[0], &input) ||
        dv_input_verify(command, &input) != 0) {
        return EXIT_FAILED;
    }
    if (input.file.funcs.len == 0) {
        fprintf(stderr, "davit run: %s has no function\n", input.path);
        return EXIT_FAILED;
    }
    EngineOptions options = {.target = target,
                             .variant = dv_engine_count(target) - 1,
                             .max_steps = max_steps,
                             .max_ns = dv_engine_time(max_steps)};
    if (!dv_input_settings(command, &input, target, &options.settings)) {
        return EXIT_FAILED;
    }
    Filetest t = {.path = input.path,
                  .scratch = command->arena,
                  .results = command->arena,
                  .pool = command->arena->pool,
                  .file = input.file};
    return run_calls(&t, &options, words);
}
