/* filetest_internal.h - what the files of the filetest runner share. */
#ifndef DV_TOOLS_FILETEST_INTERNAL_H
#define DV_TOOLS_FILETEST_INTERNAL_H

#include "tools/engine.h"
#include "tools/filetest.h"

typedef struct Blessing {
    u32 line; /* the comment to replace; 0 with `after_line`: insert */
    u32 after_line;
    Str text; /* without the leading "; " */
} Blessing;

typedef struct Filetest {
    const char *path;
    Str text;
    const FiletestOptions *options;
    Arena *results;
    Arena *scratch;
    Pool *pool;
    ClifFile file;
    FiletestOutput *out;
    VEC(Blessing) blessings;
    Settings settings;            /* for the target whose turn it is */
    Engine *engines[ENGINES_MAX]; /* freed when all is done, or memory ran out */
    Engine *oracle;               /* an evaluator that says whether raw code may run; NULL */
} Filetest;

/* ---- filetest.c ---- */
DV_PRINTF(6, 7)
void dv_filetest_report(Filetest *t, u32 line, Verdict verdict, const char *command,
                        const char *target, const char *reason, ...);

/* ---- filetest_run.c: run, print, fuel, after and the setups before them ---- */
/* All expectations of the file on every engine of the target. */
void dv_filetest_execute(Filetest *t, const char *command, const char *target);
/* Frees the engines. */
void dv_filetest_free_engines(Filetest *t);
/* One skip for each of them, for a target that this build cannot execute. */
void dv_filetest_skip_runs(Filetest *t, const char *target, const char *reason);

/* ---- directive.c ---- */
enum {
    DIRECTIVE_RUN,
    DIRECTIVE_PRINT,
    DIRECTIVE_FUEL,
    DIRECTIVE_AFTER, /* expectations */
    DIRECTIVE_MEMORY,
    DIRECTIVE_DATA,
    DIRECTIVE_TABLE,
    DIRECTIVE_ELEM,
    DIRECTIVE_GLOBAL, /* setups */
    DIRECTIVE_NONE
};
typedef struct Directive {
    u8 kind;
    Str rest; /* after the colon, blanks dropped */
} Directive;
Directive dv_directive_find(const ClifComment *comment);

enum { EXPECT_EQUAL, EXPECT_DIFFERENT, EXPECT_TRAP, EXPECT_TRUTHY, EXPECT_NOTHING };
typedef struct Invocation {
    const ClifFunc *func; /* the function called */
    u8 expect;
    TrapCode trap;
    EvalValue *args;    /* as many as its signature has parameters */
    EvalValue *results; /* of equal, different: as many as it has results */
    Str call;           /* "%f(1, 2)", for blessing */
} Invocation;
/* Reads "%f(1, 2) == 3" for a comment of `owner`; false with *error if it is none. rest "" is a
 * bare run. */
bool dv_directive_invocation(Filetest *t, const ClifFunc *owner, Str rest, Invocation *out,
                             const char **error);
/* Brings the instance into the state that a setup directive describes; false with *error. */
bool dv_directive_setup(Filetest *t, const ClifFunc *owner, Engine *e, Directive d,
                        const char **error);
/* Checks "heap0[8..10] == 0x0102", "global0 == 5" or "table0[3] == %f"; false with *error. */
bool dv_directive_after(Filetest *t, const ClifFunc *owner, Engine *e, Str rest,
                        const char **error);
const ClifFunc *dv_filetest_find(const Filetest *t, const ClifFunc *first, Str name);

/* ---- filetest_text.c: cat, verifier, round trips ---- */
void dv_filetest_round_trip(Filetest *t);
void dv_filetest_cat(Filetest *t, const ClifCommand *command);
void dv_filetest_verifier(Filetest *t);
/* True if every function verifies; reports a failure for each that does not. */
bool dv_filetest_all_verify(Filetest *t, const char *command, const char *target);
/* Names every unit of the commands that this build knows but cannot do yet. */
void dv_filetest_unavailable(Filetest *t, const ClifCommand *command, const char *target);

#endif
