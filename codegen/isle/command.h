/* command.h - the command islec as a function, so that unit tests reach it. */
#ifndef DV_ISLE_COMMAND_H
#define DV_ISLE_COMMAND_H

#include <stdio.h>

/* What `islec` does with these arguments; gives the status of the process: 0, 1 errors in the rules, 2 the command was not
 * understood or a file could not be read or written. Reports go to err, what is asked for to out. */
int dv_isle_command(int argc, char **argv, FILE *out, FILE *err);

#endif
