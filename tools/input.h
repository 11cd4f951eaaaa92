/* input.h - the CLIF file and the target that several subcommands take. What is wrong with them goes to standard error. */
#ifndef DV_TOOLS_INPUT_H
#define DV_TOOLS_INPUT_H

#include "codegen/ir/parse.h"
#include "codegen/isa/isa.h"
#include "tools/options.h"
#include "tools/settings.h"

typedef struct Input {
    const char *path;
    ClifFile file;
} Input;

/* input.c: True if the word after --target names one that code is made for or, with `evaluators`, an evaluator. Otherwise
 * says so for this subcommand; `target` may be NULL. */
bool dv_input_check_target(Command *command, const char *subcommand, const char *target,
                           bool evaluators);
/* input.c: reads and parses a file. */
bool dv_input_read(Command *command, const char *subcommand, const char *path, Input *input);
/* input.c: verifies every function; gives the number of errors. */
u64 dv_input_verify(Command *command, const Input *input);

/* input.c: the features that the file's target lines name for this target. */
u32 dv_input_features(const Input *input, const Isa *isa);

/* input.c: what the file's `set` lines say for this target; false after saying what is wrong with one. */
bool dv_input_settings(Command *command, const Input *input, const char *target, Settings *out);

#endif
