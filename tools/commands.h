/* commands.h - the subcommands of `davit`. Each gets the words after its name and gives the exit
 * status. Memory that runs out escapes to main. */
#ifndef DV_TOOLS_COMMANDS_H
#define DV_TOOLS_COMMANDS_H

#include "base/arena.h"

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1, /* something was wrong with the input, or a test failed */
    EXIT_USAGE = 2   /* the command line is wrong */
};

typedef struct Command {
    int argc;
    char **argv; /* without the program's and the subcommand's name */
    Arena *arena;
    int status; /* what the subcommand gave */
} Command;

/* The most bytes of one input file. */
#define TOOL_MAX_INPUT ((usize)1 << 30)

/* ---- cmd_test.c ---- */
int dv_cmd_test(Command *command);

/* ---- cmd_docs.c ---- */
int dv_cmd_docs(Command *command);

/* ---- cmd_gen.c ---- */
int dv_cmd_gen(Command *command);

/* ---- cmd_clif.c ---- */
int dv_cmd_cat(Command *command);
int dv_cmd_verify(Command *command);

/* ---- cmd_run.c ---- */
int dv_cmd_run(Command *command);

/* ---- cmd_wasm.c ---- */
int dv_cmd_validate(Command *command);
int dv_cmd_wat2wasm(Command *command);
int dv_cmd_wasm2wat(Command *command);
int dv_cmd_inspect(Command *command);
int dv_cmd_disas(Command *command);

/* ---- cmd_wast.c ---- */
int dv_cmd_wast(Command *command);

/* ---- cmd_info.c ---- */
int dv_cmd_targets(Command *command);
int dv_cmd_features(Command *command);
int dv_cmd_version(Command *command);

/* ---- cmd_compile.c ---- */
int dv_cmd_compile(Command *command);

/* ---- cmd_diff.c ---- */
int dv_cmd_diff(Command *command);

#endif
