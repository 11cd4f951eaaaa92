/* run.h - what the programs of tests/isle/run share: a context that counts rules and notes effects.
 *
 * NAME.isle becomes NAME_rules.c and NAME_rules.h in the build tree (hence <NAME_rules.h>); NAME.c calls what they define and ends with run_finish, which also
 * demands that every rule was used (law 6 of the rules). */
#ifndef DV_TESTS_ISLE_RUN_H
#define DV_TESTS_ISLE_RUN_H

#include <setjmp.h>
#include <stdio.h>

#include "base/u128.h"

enum { RUN_RULES_MAX = 512, RUN_NOTES_MAX = 64 };

typedef struct Run {
    u32 failures;
    u32 checks;
    u32 hits[RUN_RULES_MAX];
    u32 notes[RUN_NOTES_MAX]; /* effects in order */
    u32 note_count;
    jmp_buf unmatched;
    const char *unmatched_term;
} Run;

static inline void run_expect(Run *run, bool holds, const char *what, int line)
{
    run->checks++;
    if (!holds) {
        run->failures++;
        printf("line %d: not true: %s\n", line, what);
    }
}
#define EXPECT(condition) run_expect(run, (condition), #condition, __LINE__)

static inline void run_note(Run *run, u32 note)
{
    CHECK(run->note_count < RUN_NOTES_MAX);
    run->notes[run->note_count++] = note;
}

/* What every program must supply to its rules. */
void t_rule_hit(Run *run, u32 rule);
DV_NORETURN void t_no_match(Run *run, const char *term);

#define RUN_SUPPLY \
    void t_rule_hit(Run *run, u32 rule) \
    { \
        CHECK(rule < RUN_RULES_MAX); \
        run->hits[rule]++; \
    } \
    DV_NORETURN void t_no_match(Run *run, const char *term) \
    { \
        run->unmatched_term = term; \
        longjmp(run->unmatched, 1); \
    }

static inline int run_finish(Run *run, const char *const *names, u32 rule_count)
{
    for (u32 i = 0; i < rule_count; i++) {
        if (run->hits[i] == 0) {
            run->failures++;
            printf("%s: the rule was never used\n", names[i]);
        }
    }
    printf("%u checks, %u rules, %u failures\n", (unsigned)run->checks, (unsigned)rule_count,
           (unsigned)run->failures);
    return run->failures != 0;
}

#endif
