/* davit.c - the `davit` command: finds the subcommand in a table and hands it the rest of the line.
 *
 * Exit status: 0 if all went well, 1 if something failed, 2 if the command line was wrong.
 */
#include <stdio.h>
#include <string.h>

#include "base/selftest.h"
#include "base/softfloat.h"
#include "codegen/ir/selftest.h"
#include "pulley/selftest.h"
#include "tools/commands.h"

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
    (void)command;
    unsigned failed = 0;
    for (usize i = 0; i < ARRAY_LEN(parts); i++) {
        u32 failures = parts[i].run(stdout);
        printf("%s: %s\n", parts[i].name, failures == 0 ? "ok" : "FAILED");
        failed += failures != 0;
    }
    printf("%u passed, %u failed, 0 skipped\n", (unsigned)ARRAY_LEN(parts) - failed, failed);
    return failed == 0 ? EXIT_OK : EXIT_FAILED;
}

static int print_version(Command *command)
{
    (void)command;
    printf("davit %s\n", davit_version());
    return EXIT_OK;
}

static int print_help(Command *command);

static const struct {
    const char *name;
    const char *help;
    int (*run)(Command *command);
} commands[] = {
    {"run", "call functions of a CLIF file on the evaluator or a target", dv_cmd_run},
    {"compile", "print the code that a target makes of CLIF", dv_cmd_compile},
    {"cat", "print CLIF in the standard form", dv_cmd_cat},
    {"verify", "check CLIF and report all that is wrong", dv_cmd_verify},
    {"test", "run the tests that CLIF files describe", dv_cmd_test},
    {"diff", "compare targets with the evaluator", dv_cmd_diff},
    {"gen", "write random files that test engines", dv_cmd_gen},
    {"docs", "write or check the files printed from tables", dv_cmd_docs},
    {"selftest", "check the library from inside", run_selftest},
    {"--version", "print the version", print_version},
    {"--help", "print this", print_help},
};

static int print_help(Command *command)
{
    (void)command;
    printf("usage: davit COMMAND ...\n");
    for (usize i = 0; i < ARRAY_LEN(commands); i++) {
        printf("  %-10s %s\n", commands[i].name, commands[i].help);
    }
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

int main(int argc, char **argv)
{
    for (usize i = 0; argc >= 2 && i < ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            Command command = {.argc = argc - 2, .argv = argv + 2};
            Invoked invoked = {&command, commands[i].run};
            return protect(&invoked, argv[1]);
        }
    }
    fprintf(stderr, "davit: no such command; davit --help lists them\n");
    return EXIT_USAGE;
}
