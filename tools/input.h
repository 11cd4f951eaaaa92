/* input.h - one CLIF file as several subcommands take it. What is wrong with it goes to standard error. */
#ifndef DV_TOOLS_INPUT_H
#define DV_TOOLS_INPUT_H

#include "codegen/ir/parse.h"
#include "tools/commands.h"

typedef struct Input {
    const char *path;
    ClifFile file;
} Input;

/* input.c: reads and parses a file. */
bool dv_input_read(Command *command, const char *path, Input *input);
/* input.c: verifies every function; gives the number of errors. */
u64 dv_input_verify(Command *command, const Input *input);

#endif
