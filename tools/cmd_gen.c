/* cmd_gen.c - `davit gen clif`: a random file that tests any engine, on standard output. */
#include <stdio.h>

#include "tools/gen.h"
#include "tools/options.h"

enum { TARGETS_MAX = 16 };

typedef struct GenCommand {
    u64 seed;
    GenOptions options;
    const char *targets[TARGETS_MAX];
    u32 num_targets;
} GenCommand;

static bool is_name(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        bool good = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_' || *p == '-';
        if (!good) {
            return false;
        }
    }
    return text[0] != '\0';
}

static bool refuse(const char *word, const char *why)
{
    fprintf(stderr, "davit gen: cannot use \"%s\": %s (davit gen --help tells more)\n", word, why);
    return false;
}

/* Targets of one file have addresses of one width. */
static bool add_target(GenCommand *gen, const char *name)
{
    u32 bits = strstr(name, "32") != NULL ? 32 : 64;
    bool sandboxed = strcmp(name, "pulley") == 0 || strcmp(name, "pulley-be") == 0;
    if (!is_name(name) || gen->num_targets == TARGETS_MAX) {
        return refuse(name, gen->num_targets == TARGETS_MAX
                                ? "a file has no more than 16 targets"
                                : "a target has a name of small letters, digits, _ and -");
    }
    if (gen->num_targets != 0 && bits != gen->options.address_bits) {
        return refuse(name, "its addresses are of another width than those of the targets before");
    }
    gen->options.address_bits = bits;
    gen->options.parts = sandboxed ? GEN_ENTITIES : gen->options.parts;
    gen->targets[gen->num_targets++] = name;
    return true;
}

/* A number with its range, and what it is if there is no text of it. */
typedef struct Ranged {
    const char *name, *text;
    u64 least, most, value;
} Ranged;

static bool check_options(GenCommand *gen, Arena *arena, const WordList *targets, Ranged *numbers,
                          usize count)
{
    for (usize i = 0; i < count; i++) {
        Ranged *n = &numbers[i];
        if (n->text != NULL &&
            (!dv_options_number(n->text, &n->value) || n->value < n->least || n->value > n->most)) {
            return refuse(
                dv_arena_printf(arena, "%s %s", n->name, n->text),
                dv_arena_printf(arena, "it takes %" PRIu64 " to %" PRIu64, n->least, n->most));
        }
    }
    for (u32 i = 0; i < targets->len; i++) {
        if (!add_target(gen, targets->data[i])) {
            return false;
        }
    }
    if (gen->num_targets == 0) {
        gen->targets[gen->num_targets++] = "pulley64";
    }
    return true;
}

static OptionsOutcome read_command_line(GenCommand *gen, Command *command)
{
    WordList words = {0}, targets = {0};
    Ranged numbers[] = {{"--seed", NULL, 0, UINT64_MAX, 0},
                        {"--insts", NULL, 1, GEN_INSTS_MAX, 120},
                        {"--funcs", NULL, 1, GEN_FUNCS_MAX, 0},
                        {"--runs", NULL, 0, GEN_RUNS_MAX, 3}};
    const Option options[] = {
        {"--seed", OPTION_TEXT, &numbers[0].text, "N", "what the choices come from"},
        {"--insts", OPTION_TEXT, &numbers[1].text, "N",
         "instructions of a function, about (1 to 100000; 120)"},
        {"--funcs", OPTION_TEXT, &numbers[2].text, "N", "functions (1 to 16; chosen, up to 5)"},
        {"--runs", OPTION_TEXT, &numbers[3].text, "N", "calls of each function (0 to 1000; 3)"},
        {"--target", OPTION_LIST, &targets, "T",
         "a target line, more than one if repeated (pulley64); a name with 32 in it has addresses\n"
         "                            of 32 bits, pulley and pulley-be have none: memories, tables and globals only"},
    };
    const OptionTable table = {
        .command = "gen",
        .synopsis = "clif --seed N [options]",
        .about =
            "Prints a random self-describing CLIF file: functions, calls of them, and what the evaluator makes of\n"
            "those calls (docs/filetests.md). The same options give the same file everywhere.\n",
        .examples = "  davit gen clif --seed 7 --target pulley32 > 7.clif && davit test 7.clif\n",
        .options = options,
        .count = ARRAY_LEN(options),
        .max_words = ANY_WORDS};
    OptionsOutcome outcome = dv_options_read(command, &table, &words);
    if (outcome != OPTIONS_OK) {
        return outcome;
    }
    if (words.len != 1 || strcmp(words.data[0], "clif") != 0) {
        fputs("davit gen: expected what to make: clif (davit gen --help tells more)\n", stderr);
        return OPTIONS_WRONG;
    }
    if (numbers[0].text == NULL) {
        fputs("davit gen: --seed is missing (davit gen --help tells more)\n", stderr);
        return OPTIONS_WRONG;
    }
    if (!check_options(gen, command->arena, &targets, numbers, ARRAY_LEN(numbers))) {
        return OPTIONS_WRONG;
    }
    gen->seed = numbers[0].value;
    gen->options.max_insts = (u32)numbers[1].value;
    gen->options.num_funcs = (u32)numbers[2].value;
    gen->options.runs = (u32)numbers[3].value;
    return OPTIONS_OK;
}

/* `test interpret` runs on an evaluator with addresses of 64 bits. */
static const char *make_header(const GenCommand *gen, Arena *arena)
{
    TextBuf text;
    dv_text_init(&text, arena);
    dv_text_str(&text, gen->options.address_bits == 64 ? "test interpret\n" : "");
    dv_text_str(&text, "test run\n");
    for (u32 i = 0; i < gen->num_targets; i++) {
        dv_text_printf(&text, "target %s\n", gen->targets[i]);
    }
    return text.data;
}

int dv_cmd_gen(Command *command)
{
    GenCommand gen = {.options = {.address_bits = 64}};
    GenSource source;
    TextBuf out;
    const char *error;
    OptionsOutcome outcome = read_command_line(&gen, command);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    dv_gen_seed(&source, gen.seed);
    dv_text_init(&out, command->arena);
    if (!dv_gen_file(&out, &source, &gen.options, make_header(&gen, command->arena), &error)) {
        fprintf(stderr, "davit gen: seed %" PRIu64 " cannot be evaluated: %s\n", gen.seed, error);
        return EXIT_FAILED;
    }
    printf("; davit gen clif --seed %" PRIu64 "\n", gen.seed);
    fwrite(out.data, 1, out.length, stdout); /* main() sees whether all got out */
    return EXIT_OK;
}
