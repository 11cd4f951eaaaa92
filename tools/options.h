/* options.h - command lines of subcommands that are described by a table: read, checked, explained.
 *
 * An option is "--name", "--name value" or "--name=value"; "--" ends them. What cannot be used is said once, with the
 * nearest name there is. --help prints the table.
 */
#ifndef DV_TOOLS_OPTIONS_H
#define DV_TOOLS_OPTIONS_H

#include "base/vec.h"
#include "tools/commands.h"

typedef VEC(const char *) WordList;

typedef enum OptionKind {
    OPTION_FLAG,   /* bool: becomes true */
    OPTION_TEXT,   /* const char * */
    OPTION_LIST,   /* WordList: each time one more */
    OPTION_NUMBER, /* u64, decimal */
    OPTION_SIZE,   /* u64 in bytes, not 0: 64k, 16m, 2g */
    OPTION_TIME,   /* u64 in nanoseconds, not 0: 500ms, 10s, 2m; a bare number is seconds */
    OPTION_CHOICE  /* const char *: one of `choices`, separated by | */
} OptionKind;

typedef struct Option {
    const char *name; /* with its dashes */
    u8 kind;          /* OptionKind */
    void *value;
    const char *argument; /* how help shows the value; choices: "a|b|c" */
    const char *help;
} Option;

typedef struct OptionTable {
    const char *command;  /* "run" */
    const char *synopsis; /* behind "usage: davit run " */
    const char *about;    /* lines that say what it does */
    const char *examples; /* lines */
    const Option *options;
    u32 count;
    bool stop_at_word; /* what follows the first word that is no option belongs to it */
    u32 min_words;     /* fewer are an error */
    u32 max_words;     /* more are an error */
} OptionTable;

#define ANY_WORDS UINT32_MAX

typedef enum OptionsOutcome { OPTIONS_OK, OPTIONS_HELPED, OPTIONS_WRONG } OptionsOutcome;

/* Reads the command line: options into their values, other words into *words. After OPTIONS_HELPED help was printed, after
 * OPTIONS_WRONG the error, to standard error. */
OptionsOutcome dv_options_read(Command *command, const OptionTable *table, WordList *words);
/* Whether the word is --help, or -h. */
bool dv_options_ask_help(const char *word);
/* An option that goes with one kind of input only, and whether it was given. */
typedef struct OptionUse {
    const char *name;
    bool given;
} OptionUse;

/* False, having said so, if one of them was given: `what` is the input that it does not go with. */
bool dv_options_refuse(const char *subcommand, const OptionUse *uses, usize count,
                       const char *what);
/* Whether the text is a decimal number, and which. */
bool dv_options_number(const char *text, u64 *out);
/* For commands that take neither options nor words. */
OptionsOutcome dv_options_read_plain(Command *command, const char *name, const char *about);
/* The exit status that goes with an outcome. */
static inline int dv_options_status(OptionsOutcome outcome)
{
    return outcome == OPTIONS_HELPED ? EXIT_OK : EXIT_USAGE;
}
/* The nearest of `count` names at a distance that makes a typing error likely; NULL. */
const char *dv_nearest(const char *word, const char *const *names, usize count);

#endif
