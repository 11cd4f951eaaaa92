/* run.h - the parts of `davit run`. */
#ifndef DV_TOOLS_RUN_H
#define DV_TOOLS_RUN_H

#include "tools/options.h"
#include "wasm/runtime/runtime.h"

/* ---- cmd_clif.c ---- */

/* Calls functions of a CLIF file, words[0], as the further words say. max_steps 0: no limit. */
int dv_run_clif(Command *command, const char *target, u64 max_steps, const WordList *words);

/* ---- run_watch.c: what is seen while a program runs ---- */

/* Whether this build has the form of dispatch of this name, "best" among them; and which it is. */
bool dv_run_find_form(const char *name, u32 *form);

typedef struct RunWatch RunWatch;

/* Counts instructions into a profile (NULL: none), or prints each (trace), or both. NULL if neither is wanted. */
RunWatch *dv_run_watch_new(Command *command, const char *profile, bool trace);
/* Sets what the store needs for it. `watch` may be NULL, here and below. */
void dv_run_watch_config(RunWatch *watch, RtStoreConfig *config);
/* Writes the profile. False after saying what failed. */
bool dv_run_watch_report(RunWatch *watch, RtStore *store);

#endif
