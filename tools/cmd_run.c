/* cmd_run.c - `davit run`: a Wasm program, or functions of a CLIF file.
 *
 * A program is compiled (unless it is an artifact), instantiated with WASI and with the modules that --link names, and its
 * _start is called, or the function that --invoke names. The exit status is the program's; 134 after a trap.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/files.h"
#include "tools/run.h"
#include "tools/wasm_input.h"
#include "tools/wasm_value.h"
#include "wasm/wasi/link.h"

enum { EXIT_TRAPPED = 134 };

/* A module that was text, and where its instructions were in it. */
typedef struct TextModule {
    const RtModule *module;
    WasmInput input;
} TextModule;

typedef struct Run {
    Command *command;
    const char *path;
    WordList args; /* of the program, its own name first */
    WordList dirs, env, links, features;
    const char *engine, *memory, *dispatch, *invoke, *target, *profile;
    u64 fuel, timeout_ns, max_memory, max_stack, steps;
    bool stats, trace, fast, guarded, perf_map;
    u32 form;
    WasmCompileOptions compile;
    WasmCompileStats compiled;
    WasmInput input;
    VEC(TextModule) texts;
    Wasi *wasi;
    RtStore *store;
    RtLinker *linker;
    RtInstance *instance;
    RunWatch *watch;
    u64 started_ns;
} Run;

static u64 now_ns(void)
{
    struct timespec now;
    return timespec_get(&now, TIME_UTC) == 0 ? 0 : (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

/* ---- what a program is given ---- */

/* "host::guest", or one name for both. */
static void read_dir(Run *r, const char *text, WasiPreopen *out)
{
    const char *colons = strstr(text, "::");
    *out = (WasiPreopen){.host_path = text, .guest_path = text};
    if (colons != NULL) {
        out->host_path = dv_arena_strdup(r->command->arena, text, (usize)(colons - text));
        out->guest_path = colons + 2;
    }
}

/* A variable replaces an earlier one of its name. A name alone: as it is here, or absent. */
static void add_env(Run *r, const char *text, WordList *env)
{
    usize length = strcspn(text, "=");
    const char *entry = text;
    if (text[length] == '\0') {
        const char *value = getenv(text);
        entry = value == NULL ? NULL : dv_arena_printf(r->command->arena, "%s=%s", text, value);
    }
    for (u32 i = 0; i < env->len; i++) {
        if (strncmp(env->data[i], text, length) == 0 && env->data[i][length] == '=') {
            env->data[i] = entry == NULL ? env->data[i] : entry;
            return;
        }
    }
    if (entry != NULL) {
        vec_push(r->command->arena, env, entry);
    }
}

static bool check_env(const Run *r)
{
    for (u32 i = 0; i < r->env.len; i++) {
        if (r->env.data[i][0] == '\0' || r->env.data[i][0] == '=') {
            fprintf(stderr, "davit run: cannot use \"%s\": --env takes NAME or NAME=VALUE\n",
                    r->env.data[i]);
            return false;
        }
    }
    return true;
}

static bool make_wasi(Run *r)
{
    Arena *arena = r->command->arena;
    WasiPreopen *preopens = ARENA_ARRAY(arena, WasiPreopen, r->dirs.len + 1);
    WordList env = {0};
    char error[256];
    for (u32 i = 0; i < r->dirs.len; i++) {
        read_dir(r, r->dirs.data[i], &preopens[i]);
    }
    for (u32 i = 0; i < r->env.len; i++) {
        add_env(r, r->env.data[i], &env);
    }
    WasiConfig config = {.args = r->args.data,
                         .arg_count = r->args.len,
                         .env = env.data,
                         .env_count = env.len,
                         .preopens = preopens,
                         .preopen_count = r->dirs.len,
                         .should_stop = dv_wasi_stops_with_store,
                         .stop_context = r->store};
    for (u32 i = 0; i < 3; i++) {
        config.stdio[i].kind = WASI_STDIO_INHERIT;
    }
    if (dv_wasi_new(&config, &r->wasi, error, sizeof error) != DAVIT_OK) {
        fprintf(stderr, "davit run: %s\n", error);
        return false;
    }
    return true;
}

static bool make_store(Run *r)
{
    RtError error;
    RtStoreConfig config = {.form = r->form,
                            .stack_bytes = (u32)r->max_stack,
                            .native_stack_bytes = (u32)r->max_stack,
                            .max_memory_bytes = r->max_memory,
                            .guarded = r->guarded,
                            .metered = r->fuel != UINT64_MAX};
    dv_run_watch_config(r->watch, &config);
    if (dv_rt_store_new(&config, &r->store) != DAVIT_OK ||
        (r->linker = dv_rt_linker_new(r->store)) == NULL) {
        fputs("davit run: memory ran out\n", stderr);
        return false;
    }
    if (!make_wasi(r)) {
        return false;
    }
    if (!dv_wasi_link(r->linker, r->store, r->wasi, &error)) {
        fprintf(stderr, "davit run: %s\n", error.message);
        return false;
    }
    if (r->fuel != UINT64_MAX) {
        dv_rt_set_fuel(r->store, r->fuel);
    }
    return true;
}

/* ---- traps ---- */

/* Of a module that was text: the line and the column, which are those of the file. */
static bool print_place(void *context, const RtFrame *frame, TextBuf *out)
{
    const Run *r = context;
    const RtModule *module = dv_rt_instance_module(frame->instance);
    for (u32 i = 0; i < r->texts.len && frame->module_offset != 0; i++) {
        const WasmInput *input = &r->texts.data[i].input;
        const WatPlace *place = dv_wat_place(&input->places, frame->module_offset);
        if (r->texts.data[i].module == module && place != NULL) {
            dv_text_printf(out, "%s:%u:%u", input->path, (unsigned)place->line,
                           (unsigned)place->column);
            return true;
        }
    }
    return false;
}

static int report_trap(Run *r, const char *path, RtTrap *trap)
{
    TextBuf text;
    int status = EXIT_TRAPPED;
    fflush(stdout);
    if (trap->code == RT_CODE_EXIT) {
        status = trap->exit_status;
    } else {
        bool is_timeout = trap->code == PULLEY_TRAP_interrupt && r->timeout_ns != 0;
        dv_text_init(&text, r->command->arena);
        dv_rt_trap_print(&text, trap, print_place, r);
        fprintf(stderr, "davit run: %s: %s%s\n%s", path, is_timeout ? "" : "trap: ",
                is_timeout ? "stopped, having run for longer than --timeout allows" : trap->message,
                text.data);
    }
    dv_rt_trap_free(trap);
    return status;
}

/* ---- instances ---- */

static int instantiate(Run *r, const WasmInput *input, RtInstance **out)
{
    RtTrap *trap = NULL;
    RtError error;
    RtModule *module = dv_wasm_input_load(
        r->command, "run", input, r->perf_map ? RT_LOAD_PERF_MAP : 0, &r->compile, &r->compiled);
    if (module == NULL) {
        return EXIT_FAILED;
    }
    if (r->compile.metered && !dv_rt_module_code(module)->metered) {
        fprintf(stderr,
                "davit run: %s: error: it was not compiled for fuel to be counted: davit compile "
                "--metered\n",
                input->path);
        dv_rt_module_release(module);
        return EXIT_FAILED;
    }
    if (input->kind == FILE_TEXT) {
        TextModule text = {module, *input};
        vec_push(r->command->arena, &r->texts, text);
    }
    davit_status_t status = dv_rt_linker_instantiate(r->linker, module, out, &trap, &error);
    dv_rt_module_release(module); /* the instance holds it */
    if (trap != NULL) {
        return report_trap(r, input->path, trap);
    }
    if (status != DAVIT_OK) {
        bool is_unknown = strncmp(error.message, "unknown import", 14) == 0;
        fprintf(stderr, "davit run: %s: error: %s%s\n", input->path, error.message,
                is_unknown ? "; --link NAME=FILE gives modules to import from" : "");
        return EXIT_FAILED;
    }
    return EXIT_OK;
}

static int link_modules(Run *r)
{
    for (u32 i = 0; i < r->links.len; i++) {
        const char *equals = strchr(r->links.data[i], '=');
        WasmInput input;
        RtInstance *instance;
        if (equals == NULL) {
            fprintf(stderr, "davit run: cannot use \"%s\": --link takes NAME=FILE\n",
                    r->links.data[i]);
            return EXIT_USAGE;
        }
        if (!dv_wasm_input_read(r->command, "run", equals + 1, &input)) {
            return EXIT_FAILED;
        }
        int status = instantiate(r, &input, &instance);
        if (status != EXIT_OK) {
            return status;
        }
        Str name = {r->links.data[i], (u32)(equals - r->links.data[i])};
        if (!dv_rt_linker_instance(r->linker, name, instance)) {
            fputs("davit run: memory ran out\n", stderr);
            return EXIT_FAILED;
        }
    }
    return EXIT_OK;
}

/* ---- calls ---- */

static void print_value(Run *r, RtVal value, ValType type)
{
    TextBuf text;
    dv_text_init(&text, r->command->arena);
    dv_wasm_value_print(&text, value, type);
    printf("%s\n", text.data);
}

static int call_export(Run *r, RtFunc *func, u32 first_arg)
{
    const RtFuncType *type = dv_rt_type_of(r->store, func->type_id);
    RtVal *args = ARENA_ARRAY(r->command->arena, RtVal, type->num_params + 1);
    RtVal *results = ARENA_ARRAY(r->command->arena, RtVal, type->num_results + 1);
    const char *name = dv_diag_quote(r->command->arena, r->invoke, strlen(r->invoke));
    u32 given = r->args.len - first_arg;
    if (given != type->num_params) {
        fprintf(stderr, "davit run: %s takes %u argument%s, not %u\n", name,
                (unsigned)type->num_params, type->num_params == 1 ? "" : "s", (unsigned)given);
        return EXIT_USAGE;
    }
    for (u32 i = 0; i < given; i++) {
        const char *word = r->args.data[first_arg + i];
        if (!dv_wasm_value_read(word, type->params[i], &args[i])) {
            TextBuf text;
            dv_text_init(&text, r->command->arena);
            dv_wasm_print_type(&text, type->params[i]);
            fprintf(stderr, "davit run: cannot use \"%s\": argument %u of %s is of type %s\n", word,
                    (unsigned)i + 1, name, text.data);
            return EXIT_USAGE;
        }
    }
    RtTrap *trap = dv_rt_call(r->store, func, args, results);
    if (trap != NULL) {
        return report_trap(r, r->path, trap);
    }
    for (u32 i = 0; i < type->num_results; i++) {
        print_value(r, results[i], type->results[i]);
    }
    return EXIT_OK;
}

static bool find_func(Run *r, const char *name, RtFunc **out)
{
    RtExtern found;
    Str text = {name, (u32)strlen(name)};
    if (!dv_rt_instance_find(r->instance, text, &found) || found.kind != EXTERN_FUNC) {
        return false;
    }
    *out = found.of.func;
    return true;
}

static int refuse_invoke(Run *r)
{
    const WasmModule *info = dv_rt_module_info(dv_rt_instance_module(r->instance));
    const char *name = r->invoke == NULL ? "_start" : r->invoke;
    u32 shown = 0;
    fprintf(stderr, "davit run: %s exports no function \"%s\"", r->path,
            dv_diag_quote(r->command->arena, name, strlen(name)));
    for (u32 i = 0; i < info->exports.len && shown < 20; i++) {
        const ExportDecl *e = &info->exports.data[i];
        if (e->kind == EXTERN_FUNC) {
            fprintf(stderr, "%s %s", shown++ == 0 ? "; --invoke can name" : ",",
                    dv_diag_quote(r->command->arena, e->name.data, e->name.len));
        }
    }
    fputs(shown < 20 ? "\n" : ", ...\n", stderr);
    return EXIT_FAILED;
}

/* Calls what WASI calls by its name. False, with the exit status, unless it returns. */
static bool call_plain(Run *r, const char *name, RtFunc *func, int *status)
{
    const RtFuncType *type = dv_rt_type_of(r->store, func->type_id);
    *status = EXIT_OK;
    if (type->num_params != 0 || type->num_results != 0) {
        fprintf(stderr, "davit run: %s: error: its \"%s\" has parameters or results\n", r->path,
                name);
        *status = EXIT_FAILED;
        return false;
    }
    RtTrap *trap = dv_rt_call(r->store, func, NULL, NULL);
    if (trap != NULL) {
        *status = report_trap(r, r->path, trap);
    }
    return trap == NULL;
}

static int run_program(Run *r)
{
    RtFunc *func;
    int status;
    bool has_start = dv_rt_module_info(dv_rt_instance_module(r->instance))->has_start;
    if (r->invoke == NULL) {
        r->invoke = find_func(r, "_start", &func) ? "_start" : NULL;
        if (r->invoke == NULL) {
            return has_start ? EXIT_OK : refuse_invoke(r);
        }
        (void)call_plain(r, "_start", func, &status);
        return status;
    }
    if (!find_func(r, r->invoke, &func)) {
        return refuse_invoke(r);
    }
    RtFunc *initialize;
    if (find_func(r, "_initialize", &initialize) &&
        !call_plain(r, "_initialize", initialize, &status)) {
        return status;
    }
    return call_export(r, func, 1);
}

/* ---- figures ---- */

static void print_stats(const Run *r, u64 ready_ns, u64 done_ns)
{
    if (r->compiled.funcs != 0) {
        fprintf(stderr,
                "compiled %" PRIu64 " functions, %" PRIu64 " bytes of Wasm to %" PRIu64
                " bytes of %s",
                r->compiled.funcs, r->compiled.wasm_bytes, r->compiled.code_bytes,
                dv_rt_module_is_native(dv_rt_instance_module(r->instance)) ? "native code"
                                                                           : "bytecode");
        dv_wasm_print_fallbacks(&r->compiled);
    }
    fprintf(stderr, "ready after %.3f ms, ran for %.3f ms\n",
            (double)(ready_ns - r->started_ns) / 1e6, (double)(done_ns - ready_ns) / 1e6);
    if (r->fuel != UINT64_MAX) {
        fprintf(stderr, "used %" PRIu64 " fuel\n", r->fuel - dv_rt_fuel(r->store));
    }
}

static int run_in_store(Run *r)
{
    if (r->timeout_ns != 0 && dv_rt_set_deadline(r->store, r->timeout_ns) != DAVIT_OK) {
        fputs("davit run: --timeout cannot be kept on this host\n", stderr);
        return EXIT_FAILED;
    }
    int status = link_modules(r);
    if (status != EXIT_OK) {
        return status;
    }
    status = instantiate(r, &r->input, &r->instance);
    u64 ready_ns = now_ns();
    if (r->instance != NULL && status == EXIT_OK) {
        status = run_program(r);
        if (r->stats) {
            print_stats(r, ready_ns, now_ns());
        }
    }
    return dv_run_watch_report(r->watch, r->store) ? status : EXIT_FAILED;
}

static int run_wasm(Run *r)
{
    r->started_ns = now_ns();
    if (!dv_wasm_input_read(r->command, "run", r->path, &r->input)) {
        return EXIT_FAILED;
    }
    if (r->input.kind == FILE_CLIF) {
        fprintf(stderr, "davit run: %s is CLIF, of which calls are run in files named .clif\n",
                r->path);
        return EXIT_FAILED;
    }
    r->compile.fast = r->fast;
    r->compile.metered = r->fuel != UINT64_MAX;
    int status = make_store(r) ? run_in_store(r) : EXIT_FAILED;
    if (r->linker != NULL) {
        dv_rt_linker_free(r->linker);
    }
    if (r->store != NULL) {
        dv_rt_store_release(r->store);
    }
    dv_wasi_free(r->wasi);
    return status;
}

/* ---- the command line ---- */

static OptionsOutcome read_command_line(Run *r, WordList *words)
{
    const Option options[] = {
        {"--dir", OPTION_LIST, &r->dirs, "HOST[::GUEST]",
         "let the program see this folder, as GUEST (the same name)"},
        {"--env", OPTION_LIST, &r->env, "NAME[=VALUE]",
         "a variable of its environment; a name alone: as it is here"},
        {"--invoke", OPTION_TEXT, &r->invoke, "NAME",
         "call this export, with the words behind the file as arguments"},
        {"--link", OPTION_LIST, &r->links, "NAME=FILE",
         "instantiate a module first, to import from by NAME"},
        {"--engine", OPTION_CHOICE, &r->engine, "pulley|native|auto", "what runs the code (auto)"},
        {"--memory", OPTION_CHOICE, &r->memory, "guard|checked",
         "native: how accesses out of bounds are found, by guard pages or comparisons (guard)"},
        {"--no-spectre-guards", OPTION_FLAG, &r->compile.no_spectre_guards, NULL,
         "native: faster, but code may speculate past comparisons of bounds"},
        {"--dispatch", OPTION_CHOICE, &r->dispatch, "best|switch|goto|tail",
         "the interpreter's form of dispatch"},
        {"--features", OPTION_LIST, &r->features, "LIST",
         "what modules may use: all, 3.0, 1.0, +NAME, -NAME, with commas"},
        {"--fuel", OPTION_NUMBER, &r->fuel, "N",
         "trap when N Wasm instructions have run; the same N on every host"},
        {"--timeout", OPTION_TIME, &r->timeout_ns, "TIME", "stop it after 500ms, 10s, 2m"},
        {"--max-memory", OPTION_SIZE, &r->max_memory, "SIZE", "of all memories together: 64m, 2g"},
        {"--max-stack", OPTION_SIZE, &r->max_stack, "SIZE", "of values and calls (1m)"},
        {"--profile", OPTION_TEXT, &r->profile, "FILE",
         "write what ran how often; FILE.html: as a page; -: to standard error"},
        {"--trace", OPTION_FLAG, &r->trace, NULL,
         "print every bytecode instruction to standard error"},
        {"--stats", OPTION_FLAG, &r->stats, NULL, "say how long things took, to standard error"},
        {"--perf-map", OPTION_FLAG, &r->perf_map, NULL,
         "native: write the names of functions to /tmp/perf-PID.map, for perf"},
        {"--fast", OPTION_FLAG, &r->fast, NULL, "compile fast: the fast register allocator"},
        {"--target", OPTION_TEXT, &r->target, "T",
         "CLIF: what runs the functions (eval): davit targets lists them"},
        {"--steps", OPTION_NUMBER, &r->steps, "N",
         "CLIF: give up after so many (no limit); native code may take 100 ns for each, a second at least"},
    };
    const OptionTable table = {
        "run",
        "[options] FILE [ARGUMENT...]",
        "Runs a Wasm program (.wasm, .wat, .dvt; -: from standard input) with WASI. The words behind the\n"
        "file are its arguments; its exit status is this command's, 134 after a trap. Or calls functions\n"
        "of a CLIF file.\n",
        "  davit run hello.wasm\n"
        "  davit run --dir .::/ --timeout 10s tool.wasm --verbose input.txt\n"
        "  davit run --invoke add sum.wat 2 3\n"
        "  davit run --target pulley64 fib.clif '%fib(20)'\n",
        options,
        ARRAY_LEN(options),
        true,
        1,
        ANY_WORDS};
    return dv_options_read(r->command, &table, words);
}

/* Functions of CLIF have nothing that these could hold in: who gives one must not believe that it does. */
static bool check_clif_options(const Run *r)
{
    const OptionUse uses[] = {{"--dir", r->dirs.len != 0},
                              {"--env", r->env.len != 0},
                              {"--invoke", r->invoke != NULL},
                              {"--link", r->links.len != 0},
                              {"--engine", r->engine != NULL},
                              {"--memory", r->memory != NULL},
                              {"--no-spectre-guards", r->compile.no_spectre_guards},
                              {"--dispatch", r->dispatch != NULL},
                              {"--features", r->features.len != 0},
                              {"--fuel", r->fuel != UINT64_MAX},
                              {"--timeout", r->timeout_ns != 0},
                              {"--max-memory", r->max_memory != 0},
                              {"--max-stack", r->max_stack != 0},
                              {"--profile", r->profile != NULL},
                              {"--trace", r->trace},
                              {"--stats", r->stats},
                              {"--perf-map", r->perf_map},
                              {"--fast", r->fast}};
    return dv_options_refuse("run", uses, ARRAY_LEN(uses), "CLIF");
}

/* What fits the table of options, but not this version, host or kind of file. */
static bool check_options(Run *r)
{
    const OptionUse native[] = {{"--memory", r->memory != NULL},
                                {"--no-spectre-guards", r->compile.no_spectre_guards},
                                {"--perf-map", r->perf_map}};
    if (r->engine != NULL && strcmp(r->engine, "pulley") == 0 &&
        !dv_options_refuse("run", native, ARRAY_LEN(native), "--engine pulley")) {
        return false;
    }
    r->engine = r->engine == NULL ? "auto" : r->engine;
    r->memory = r->memory == NULL ? "guard" : r->memory;
    r->dispatch = r->dispatch == NULL ? "best" : r->dispatch;
    if (r->target != NULL || r->steps != 0) {
        fprintf(stderr, "davit run: cannot use \"%s\" for Wasm: %s\n",
                r->target != NULL ? "--target" : "--steps",
                r->target != NULL ? "--engine chooses" : "--fuel counts instructions");
        return false;
    }
    const char *only_bytecode = r->trace                           ? "--trace"
                                : r->profile != NULL               ? "--profile"
                                : strcmp(r->dispatch, "best") != 0 ? "--dispatch"
                                                                   : NULL;
    if (!dv_wasm_choose_engine("run", r->engine, r->memory, only_bytecode, &r->compile,
                               &r->guarded)) {
        return false;
    }
    if (r->max_stack > UINT32_MAX) {
        fprintf(stderr, "davit run: cannot use \"%" PRIu64 "\": --max-stack takes less than 4g\n",
                r->max_stack);
        return false;
    }
    if (!dv_run_find_form(r->dispatch, &r->form)) {
        fprintf(stderr, "davit run: cannot use \"%s\": this build has no such dispatch\n",
                r->dispatch);
        return false;
    }
    return check_env(r);
}

int dv_cmd_run(Command *command)
{
    Run r = {
        .command = command, .fuel = UINT64_MAX, .compile = {.features = dv_wasm_features_run()}};
    WordList words = {0};
    OptionsOutcome outcome = read_command_line(&r, &words);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    r.path = words.data[0];
    if (dv_wasm_input_is_clif(r.path, NULL, 0)) {
        if (!check_clif_options(&r)) {
            return EXIT_USAGE;
        }
        return dv_run_clif(command, r.target == NULL ? "eval" : r.target, r.steps, &words);
    }
    if (!check_options(&r)) {
        return EXIT_USAGE;
    }
    if (words.len > 1 && strcmp(words.data[1], "--") == 0) { /* as other engines have it */
        memmove(words.data + 1, words.data + 2, (words.len - 2) * sizeof *words.data);
        words.len--;
    }
    r.args = words;
    if (!dv_wasm_read_features(command, "run", &r.features, &r.compile.features)) {
        return EXIT_USAGE;
    }
    if (r.profile != NULL && strcmp(r.path, "-") != 0 && dv_files_same(r.profile, r.path)) {
        fprintf(stderr, "davit run: cannot use \"%s\": --profile would replace the program\n",
                r.profile);
        return EXIT_USAGE;
    }
    r.watch = dv_run_watch_new(command, r.profile, r.trace);
    return run_wasm(&r);
}
