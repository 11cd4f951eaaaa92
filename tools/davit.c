/* davit.c - the `davit` command: finds the subcommand in a table and hands it the rest of the line.
 *
 * Exit status: 0 if all went well, 1 if something failed, 2 if the command line was wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/selftest.h"
#include "base/softfloat.h"
#include "codegen/ir/selftest.h"
#include "pulley/selftest.h"
#include "tools/options.h"

/* Runs the checks that the library carries inside, on whatever host this is. */
static int run_selftest(Command *command)
{
    static const struct {
        const char *name;
        u32 (*run)(FILE *out);
    } parts[] = {
        {"base", dv_selftest_base},
        {"softfloat", dv_selftest_softfloat},
        {"ir", dv_selftest_ir},
        {"pulley", dv_selftest_pulley},
    };
    OptionsOutcome outcome = dv_options_read_plain(
        command, "selftest", "Runs the checks that the library carries inside, on this host.\n");
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    unsigned failed = 0;
    for (usize i = 0; i < ARRAY_LEN(parts); i++) {
        u32 failures = parts[i].run(stdout);
        printf("%s: %s\n", parts[i].name, failures == 0 ? "ok" : "FAILED");
        failed += failures != 0;
    }
    printf("%u passed, %u failed, 0 skipped\n", (unsigned)ARRAY_LEN(parts) - failed, failed);
    return failed == 0 ? EXIT_OK : EXIT_FAILED;
}

static int print_help(Command *command);

static const struct {
    const char *name;
    const char *help;
    int (*run)(Command *command);
} commands[] = {
    {"run", "run a Wasm program, or functions of a CLIF file", dv_cmd_run},
    {"compile", "compile Wasm to an artifact; print the code of CLIF", dv_cmd_compile},
    {"validate", "check Wasm modules, binary or text", dv_cmd_validate},
    {"wat2wasm", "convert Wasm text to the binary format", dv_cmd_wat2wasm},
    {"wasm2wat", "convert binary Wasm to text", dv_cmd_wasm2wat},
    {"inspect", "show sections, sizes and features of a module or artifact", dv_cmd_inspect},
    {"disas", "print the bytecode of a module or artifact", dv_cmd_disas},
    {"wast", "run scripts of the WebAssembly test suite", dv_cmd_wast},
    {"cat", "print CLIF in the standard form", dv_cmd_cat},
    {"verify", "check CLIF and report all that is wrong", dv_cmd_verify},
    {"test", "run the tests that CLIF files describe", dv_cmd_test},
    {"diff", "compare targets with the evaluator", dv_cmd_diff},
    {"gen", "write random files that test engines", dv_cmd_gen},
    {"targets", "list what code can be made for", dv_cmd_targets},
    {"features", "list the features of WebAssembly", dv_cmd_features},
    {"docs", "write or check the files printed from tables", dv_cmd_docs},
    {"selftest", "check the library from inside", run_selftest},
    {"version", "print the version", dv_cmd_version},
    {"help", "print this, or help COMMAND: what a command takes", print_help},
};

static int print_help(Command *command)
{
    (void)command;
    printf("usage: davit COMMAND ...\n");
    for (usize i = 0; i < ARRAY_LEN(commands); i++) {
        printf("  %-10s %s\n", commands[i].name, commands[i].help);
    }
    printf(
        "davit COMMAND --help tells the options of one, with examples.\n"
        "Exit status: 0; 1 if something failed or the input was wrong; 2 if the command line was;\n"
        "of davit run, the program's, and 134 after a trap.\n");
    return EXIT_OK;
}

typedef struct Invoked {
    Command *command;
    int (*run)(Command *command);
} Invoked;

static void run_command(void *context)
{
    Invoked *invoked = context;
    invoked->command->status = invoked->run(invoked->command);
}

static int protect(Invoked *invoked, const char *name)
{
    Pool pool;
    Arena arena;
    dv_pool_init(&pool, NULL);
    dv_arena_init(&arena, &pool);
    invoked->command->arena = &arena;
    davit_status_t status = dv_pool_protect(&pool, run_command, invoked);
    if (status != DAVIT_OK) {
        fprintf(stderr, "davit %s: %s\n", name, davit_status_name(status));
        return EXIT_FAILED;
    }
    dv_arena_release(&arena);
    dv_pool_destroy(&pool);
    return invoked->command->status;
}

/* What was printed has to get out: a full disk is an error of every command. */
static int finish(const char *name, int status)
{
    errno = 0;
    bool ok = fflush(stdout) == 0 && ferror(stdout) == 0;
    if (!ok && status == EXIT_OK) {
        fprintf(stderr, "davit %s: standard output: %s\n", name,
                errno == 0 ? "not all could be written" : strerror(errno));
        return EXIT_FAILED;
    }
    return status;
}

static int refuse(const char *word)
{
    const char *names[ARRAY_LEN(commands)];
    for (usize i = 0; i < ARRAY_LEN(commands); i++) {
        names[i] = commands[i].name;
    }
    const char *nearest = word == NULL ? NULL : dv_nearest(word, names, ARRAY_LEN(names));
    if (word == NULL) {
        fputs("davit: a command is missing; davit --help lists them\n", stderr);
    } else if (nearest != NULL) {
        fprintf(stderr, "davit: there is no command \"%s\"; is %s meant?\n", word, nearest);
    } else {
        fprintf(stderr, "davit: there is no command \"%s\"; davit --help lists them\n", word);
    }
    return EXIT_USAGE;
}

/* "--version" is "version", "--help" and "-h" are "help". */
static const char *plain_name(const char *word)
{
    return strcmp(word, "--version") == 0 ? "version" : dv_options_ask_help(word) ? "help" : word;
}

int main(int argc, char **argv)
{
    static char ask[] = "--help";
    char *asked[] = {ask, NULL};
    if (argc < 2) {
        return refuse(NULL);
    }
    const char *name = plain_name(argv[1]);
    Command command = {.argc = argc - 2, .argv = argv + 2};
    if (strcmp(name, "help") == 0 && argc > 2) { /* "help run": "run --help" */
        name = plain_name(argv[2]);
        command = (Command){.argc = 1, .argv = asked};
    }
    for (usize i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(name, commands[i].name) == 0) {
            Invoked invoked = {&command, commands[i].run};
            return finish(name, protect(&invoked, name));
        }
    }
    return refuse(name);
}
