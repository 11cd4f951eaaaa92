/* cmd_gen.c - `davit gen clif`: a random file that tests any engine, on standard output. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/gen.h"
#include "tools/options.h"

static const char usage[] =
    "usage: davit gen clif --seed N [options]\n"
    "Prints a random self-describing CLIF file: functions, calls of them, and what the evaluator makes of\n"
    "those calls (docs/filetests.md). The same options give the same file everywhere.\n"
    "  --seed N      what the choices come from\n"
    "  --insts N     instructions of a function, about (1 to 100000; 120)\n"
    "  --funcs N     functions (1 to 16; chosen, up to 5)\n"
    "  --runs N      calls of each function (0 to 1000; 3)\n"
    "  --target T    a target line, more than one if repeated (pulley64); a name with 32 in it has addresses\n"
    "                of 32 bits, pulley and pulley-be have none: memories, tables and globals only\n"
    "Example:\n"
    "  davit gen clif --seed 7 --target pulley32 > 7.clif && davit test 7.clif\n";

enum { TARGETS_MAX = 16 };

typedef struct GenCommand {
    u64 seed;
    bool has_seed;
    GenOptions options;
    const char *targets[TARGETS_MAX];
    u32 num_targets;
} GenCommand;

static bool read_number(const char *text, u64 least, u64 most, u64 *out)
{
    u64 x = 0;
    for (const char *p = text; *p != '\0'; p++) {
        u64 digit = (u64)(*p - '0');
        if (*p < '0' || *p > '9' || x > (UINT64_MAX - digit) / 10) {
            return false;
        }
        x = x * 10 + digit;
    }
    *out = x;
    return text[0] != '\0' && x >= least && x <= most;
}

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

/* Targets of one file have addresses of one width. */
static bool add_target(GenCommand *gen, const char *name)
{
    u32 bits = strstr(name, "32") != NULL ? 32 : 64;
    bool sandboxed = strcmp(name, "pulley") == 0 || strcmp(name, "pulley-be") == 0;
    if (!is_name(name) || gen->num_targets == TARGETS_MAX) {
        return false;
    }
    if (gen->num_targets != 0 && bits != gen->options.address_bits) {
        fprintf(stderr, "davit gen: targets of different address widths\n");
        return false;
    }
    gen->options.address_bits = bits;
    gen->options.parts = sandboxed ? GEN_ENTITIES : gen->options.parts;
    gen->targets[gen->num_targets++] = name;
    return true;
}

static bool read_option(GenCommand *gen, const char *name, const char *value)
{
    static const struct {
        const char *name;
        u64 least, most;
    } numbers[] = {{"--seed", 0, UINT64_MAX},
                   {"--insts", 1, GEN_INSTS_MAX},
                   {"--funcs", 1, GEN_FUNCS_MAX},
                   {"--runs", 0, GEN_RUNS_MAX}};
    u32 *const fields[] = {NULL, &gen->options.max_insts, &gen->options.num_funcs,
                           &gen->options.runs};
    u64 x;
    if (strcmp(name, "--target") == 0) {
        return add_target(gen, value);
    }
    for (u32 i = 0; i < ARRAY_LEN(numbers); i++) {
        if (strcmp(name, numbers[i].name) != 0 ||
            !read_number(value, numbers[i].least, numbers[i].most, &x)) {
            continue;
        }
        if (fields[i] != NULL) {
            *fields[i] = (u32)x;
        } else {
            gen->seed = x;
            gen->has_seed = true;
        }
        return true;
    }
    return false;
}

static bool read_command_line(GenCommand *gen, int argc, char **argv)
{
    if (argc == 0 || strcmp(argv[0], "clif") != 0) {
        fprintf(stderr, "davit gen: expected what to make: clif\n%s", usage);
        return false;
    }
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) {
            fprintf(stderr, "davit gen: %s needs a value\n%s", argv[i], usage);
            return false;
        }
        if (!read_option(gen, argv[i], argv[i + 1])) {
            fprintf(stderr, "davit gen: cannot use \"%s %s\"\n%s", argv[i], argv[i + 1], usage);
            return false;
        }
    }
    if (!gen->has_seed) {
        fprintf(stderr, "davit gen: --seed is missing\n%s", usage);
        return false;
    }
    if (gen->num_targets == 0) {
        gen->targets[gen->num_targets++] = "pulley64";
    }
    return true;
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
    GenCommand gen = {.options = {.address_bits = 64, .max_insts = 120, .runs = 3}};
    GenSource source;
    TextBuf out;
    const char *error;
    if (command->argc >= 1 && dv_options_ask_help(command->argv[0])) {
        fputs(usage, stdout);
        return EXIT_OK;
    }
    if (!read_command_line(&gen, command->argc, command->argv)) {
        return EXIT_USAGE;
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
