/* options.c - reads command lines by a table, and explains them. */
#include "tools/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- nearest names ---- */

enum { NEAREST_LENGTH_MAX = 40 };

/* Edits (insert, delete, replace) between two short words: Wagner and Fischer, a row at a time. */
static u32 distance(const char *a, const char *b)
{
    u32 row[NEAREST_LENGTH_MAX + 1];
    u32 length = (u32)strlen(b);
    for (u32 j = 0; j <= length; j++) {
        row[j] = j;
    }
    for (u32 i = 1; a[i - 1] != '\0'; i++) {
        u32 diagonal = row[0];
        row[0] = i;
        for (u32 j = 1; j <= length; j++) {
            u32 replaced = diagonal + (a[i - 1] != b[j - 1]);
            u32 least = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal = row[j];
            row[j] = least + 1 < replaced ? least + 1 : replaced;
        }
    }
    return row[length];
}

const char *dv_nearest(const char *word, const char *const *names, usize count)
{
    const char *best = NULL;
    usize length = strlen(word);
    u32 least = (u32)length / 3 + 2; /* of edits: more is another word */
    for (usize i = 0; i < count && length <= NEAREST_LENGTH_MAX; i++) {
        if (strlen(names[i]) <= NEAREST_LENGTH_MAX && distance(word, names[i]) < least) {
            least = distance(word, names[i]);
            best = names[i];
        }
    }
    return best;
}

/* ---- values ---- */

static bool read_scaled(const char *text, const char *const *units, const u64 *scales, u64 *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 20) {
        return false;
    }
    errno = 0;
    u64 number = strtoull(text, &end, 10);
    if (errno == ERANGE) {
        return false;
    }
    for (u32 i = 0; units[i] != NULL; i++) {
        if (strcmp(end, units[i]) == 0) {
            *out = number * scales[i];
            return number <= UINT64_MAX / scales[i];
        }
    }
    return false;
}

static bool read_number(u8 kind, const char *text, u64 *out)
{
    static const char *const none[] = {"", NULL};
    static const char *const sizes[] = {"", "k", "K", "m", "M", "g", "G", NULL};
    static const char *const times[] = {"", "s", "ms", "us", "ns", "m", "h", NULL};
    static const u64 one[] = {1};
    static const u64 bytes[] = {1, 1 << 10, 1 << 10, 1 << 20, 1 << 20, 1 << 30, 1 << 30};
    static const u64 nanoseconds[] = {1000000000, 1000000000,  1000000,      1000,
                                      1,          60000000000, 3600000000000};
    switch (kind) {
    case OPTION_SIZE:
        return read_scaled(text, sizes, bytes, out) && *out != 0;
    case OPTION_TIME:
        return read_scaled(text, times, nanoseconds, out) && *out != 0;
    default:
        return read_scaled(text, none, one, out);
    }
}

bool dv_options_number(const char *text, u64 *out)
{
    return read_number(OPTION_NUMBER, text, out);
}

static bool is_choice(const char *choices, const char *text)
{
    usize length = strlen(text);
    for (const char *at = choices;; at++) {
        usize n = strcspn(at, "|");
        if (n == length && memcmp(at, text, n) == 0) {
            return true;
        }
        at += n;
        if (*at == '\0') {
            return false;
        }
    }
}

static bool store_value(Arena *arena, const Option *option, const char *text)
{
    switch (option->kind) {
    case OPTION_TEXT:
        *(const char **)option->value = text;
        return true;
    case OPTION_LIST:
        vec_push(arena, (WordList *)option->value, text);
        return true;
    case OPTION_CHOICE:
        *(const char **)option->value = text;
        return is_choice(option->argument, text);
    default:
        return read_number(option->kind, text, option->value);
    }
}

static const char *wanted(const Option *option)
{
    return option->kind == OPTION_NUMBER ? "a number"
           : option->kind == OPTION_SIZE ? "a size above 0, such as 64k, 16m or 2g"
           : option->kind == OPTION_TIME ? "a time above 0, such as 500ms, 10s or 2m"
                                         : option->argument;
}

/* ---- the command line ---- */

bool dv_options_ask_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static void print_help(const OptionTable *table)
{
    bool is_plain = table->synopsis[0] == '\0';
    printf("usage: davit %s%s%s\n%s", table->command, is_plain ? "" : " ", table->synopsis,
           table->about);
    for (u32 i = 0; i < table->count; i++) {
        const Option *o = &table->options[i];
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", o->name, o->kind == OPTION_FLAG ? "" : " ",
                 o->kind == OPTION_FLAG ? "" : o->argument);
        if (strlen(left) > 24) {
            printf("  %s\n  %-24s  %s\n", left, "", o->help);
        } else {
            printf("  %-24s  %s\n", left, o->help);
        }
    }
    if (table->examples != NULL) {
        printf("Examples:\n%s", table->examples);
    }
}

static OptionsOutcome refuse(const OptionTable *table, const char *what, const char *why)
{
    fprintf(stderr, "davit %s: cannot use \"%s\": %s (davit %s --help tells more)\n",
            table->command, what, why, table->command);
    return OPTIONS_WRONG;
}

static OptionsOutcome refuse_unknown(Command *command, const OptionTable *table, const char *word)
{
    const char **names = ARENA_ARRAY(command->arena, const char *, table->count);
    for (u32 i = 0; i < table->count; i++) {
        names[i] = table->options[i].name;
    }
    const char *nearest = dv_nearest(word, names, table->count);
    return refuse(table, word,
                  nearest == NULL ? "there is no such option"
                                  : dv_arena_printf(command->arena, "is %s meant?", nearest));
}

static const Option *find_option(const OptionTable *table, const char *word, usize length)
{
    for (u32 i = 0; i < table->count; i++) {
        const char *name = table->options[i].name;
        if (strlen(name) == length && memcmp(name, word, length) == 0) {
            return &table->options[i];
        }
    }
    return NULL;
}

/* "-j4": the value behind a letter. */
static const char *attached_value(const OptionTable *table, const char *word, const Option **option)
{
    if (word[1] == '-' || strlen(word) < 3) {
        return NULL;
    }
    *option = find_option(table, word, 2);
    return *option == NULL || (*option)->kind == OPTION_FLAG ? NULL : word + 2;
}

/* Reads the option at argv[*i], and its value. */
static OptionsOutcome read_option(Command *command, const OptionTable *table, int *i)
{
    const char *word = command->argv[*i];
    const char *equals = strchr(word, '=');
    usize length = equals == NULL ? strlen(word) : (usize)(equals - word);
    const Option *option = find_option(table, word, length);
    if (dv_options_ask_help(word)) {
        print_help(table);
        return OPTIONS_HELPED;
    }
    const char *value = option == NULL ? attached_value(table, word, &option) : NULL;
    if (value == NULL && equals != NULL) {
        value = equals + 1;
    }
    if (option == NULL) {
        return refuse_unknown(command, table, word);
    }
    if (option->kind == OPTION_FLAG) {
        *(bool *)option->value = true;
        return value == NULL ? OPTIONS_OK : refuse(table, word, "it takes no value");
    }
    if (value == NULL && *i + 1 == command->argc) {
        return refuse(table, word, dv_arena_printf(command->arena, "it needs %s", wanted(option)));
    }
    if (value == NULL) {
        value = command->argv[++*i];
    }
    if (!store_value(command->arena, option, value)) {
        return refuse(table, value,
                      dv_arena_printf(command->arena, "%s takes %s", option->name, wanted(option)));
    }
    return OPTIONS_OK;
}

OptionsOutcome dv_options_read(Command *command, const OptionTable *table, WordList *words)
{
    bool ended = false;
    for (int i = 0; i < command->argc; i++) {
        const char *word = command->argv[i];
        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
        } else if (ended || word[0] != '-' || word[1] == '\0') {
            vec_push(command->arena, words, word);
            ended = ended || table->stop_at_word;
        } else {
            OptionsOutcome outcome = read_option(command, table, &i);
            if (outcome != OPTIONS_OK) {
                return outcome;
            }
        }
    }
    if (words->len < table->min_words) {
        fprintf(stderr, "davit %s: %s is missing (davit %s --help tells more)\n", table->command,
                words->len == 0 ? "a file" : "a word", table->command);
        return OPTIONS_WRONG;
    }
    if (words->len > table->max_words) {
        return refuse(table, words->data[table->max_words],
                      table->max_words == 0 ? "it takes no file" : "it takes one file");
    }
    return OPTIONS_OK;
}

bool dv_options_refuse(const char *subcommand, const OptionUse *uses, usize count, const char *what)
{
    for (usize i = 0; i < count; i++) {
        if (uses[i].given) {
            fprintf(stderr, "davit %s: cannot use \"%s\" for %s (davit %s --help tells more)\n",
                    subcommand, uses[i].name, what, subcommand);
            return false;
        }
    }
    return true;
}

OptionsOutcome dv_options_read_plain(Command *command, const char *name, const char *about)
{
    WordList words = {0};
    const OptionTable table = {.command = name, .synopsis = "", .about = about};
    return dv_options_read(command, &table, &words);
}
