/* filetest.h - runs the tests that one CLIF file describes. docs/filetests.md is the manual.
 *
 * A unit is one expectation (run, print, error, fuel, after) or one function (cat, optimize ...)
 * for one target.
 */
#ifndef DV_TOOLS_FILETEST_H
#define DV_TOOLS_FILETEST_H

#include "base/text.h"
#include "codegen/ir/parse.h"

typedef enum Verdict {
    VERDICT_PASS,
    VERDICT_FAIL,
    VERDICT_SKIP,
    VERDICT_DIFFERS,
    VERDICT_COUNT
} Verdict;

typedef struct Unit {
    u32 line;
    Verdict verdict;
    const char *command; /* "run", "cat" ... */
    const char *target;  /* as its target line spells it; "" where none applies */
    const char *reason;  /* of anything but a pass; "" */
} Unit;

typedef VEC(Unit) Units;

typedef struct FiletestOptions {
    const char *target; /* run everything that runs on this one; NULL: what the file names */
    bool exact;         /* our own file: precise output and checks must hold */
    bool bless;         /* rewrite expectations that do not hold */
    bool list;          /* name the units without running them: every verdict is VERDICT_SKIP */
    u64 max_steps;      /* of each run */
    u16 mutate_op;      /* see EvalOptions */
    u8 mutation;
} FiletestOptions;

typedef struct FiletestOutput {
    Units units;
    davit_status_t status; /* not DAVIT_OK: memory ran out, units may be missing */
    Str blessed; /* the file's new text when blessing changed something; NULL data otherwise */
} FiletestOutput;

/* ---- filetest.c ---- */

/* Never escapes. `results` keeps what `out` points to; `pool` is for scratch memory. */
void dv_filetest_run(const char *path, Str text, const FiletestOptions *options, Arena *results,
                     Pool *pool, FiletestOutput *out);
/* True if this build can execute functions on the target (a target line without flags). */
bool dv_target_is_executable(const char *name);

#endif
