/* command.c - the command islec: rules to C. docs/isle.md, "The command", is its manual.
 *
 * Everything is compiled before anything is written: after an error no output changes. */
#include "command.h"

#include "back.h"
#include "base/io.h"

enum { FILES_BYTES_MAX = 64 << 20 };

typedef enum Mode {
    MODE_COMPILE,
    MODE_CHECK,
    MODE_RULES,
    MODE_OVERLAPS,
    MODE_COVERAGE,
    MODE_DOT
} Mode;

typedef struct Command {
    Arena *arena;
    FILE *out;
    FILE *err;
    int argc;
    char **argv;
    Mode mode;
    bool is_strict;
    bool has_lines;
    const char *term;     /* of --coverage, --dot */
    const char *complete; /* of --complete */
    const char *output;
    const char *header;
    IsleOptions options;
    VEC(const char *) files;
    int status;
} Command;

static const char usage[] =
    "usage: islec [options] FILE.isle...\n"
    "  -o FILE.c            the C file; -H FILE.h its header\n"
    "  --prefix NAME        begins the names of generated functions (isle)\n"
    "  --context TYPE       C type of the context handed through (IsleContext)\n"
    "  --include FILE.h     the header that declares the types and OP_ names\n"
    "  --lines              #line directives back to the rules\n"
    "  --strict             the language without extensions\n"
    "  --check              errors only\n"
    "  --complete TERM      an error for each operation and type without rule, expand or none\n"
    "  --list-rules         the rules of each term in the order they are tried\n"
    "  --overlaps           pairs of rules that overlap, and what decides\n"
    "  --coverage TERM      the matrix of operations and types\n"
    "  --dot TERM           the decision tree as a graph\n";

static void fail(Command *command, const char *what, const char *which)
{
    fprintf(command->err, "islec: %s%s\n", what, which);
    command->status = 2;
}

/* The option's argument, or NULL after a report. */
static const char *take_argument(Command *command, int *at)
{
    if (*at + 1 >= command->argc) {
        fail(command, "an argument is missing after ", command->argv[*at]);
        return NULL;
    }
    return command->argv[++*at];
}

typedef struct TextOption {
    const char *name;
    const char **to;
    Mode mode;
} TextOption;

static bool take_text_option(Command *command, int *at)
{
    const TextOption known[] = {{"-o", &command->output, MODE_COMPILE},
                                {"-H", &command->header, MODE_COMPILE},
                                {"--prefix", &command->options.prefix, MODE_COMPILE},
                                {"--context", &command->options.context, MODE_COMPILE},
                                {"--include", &command->options.include, MODE_COMPILE},
                                {"--complete", &command->complete, MODE_COMPILE},
                                {"--coverage", &command->term, MODE_COVERAGE},
                                {"--dot", &command->term, MODE_DOT}};
    for (u32 i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(command->argv[*at], known[i].name) == 0) {
            *known[i].to = take_argument(command, at);
            if (known[i].mode != MODE_COMPILE) {
                command->mode = known[i].mode;
            }
            return true;
        }
    }
    return false;
}

static bool is_c_name(const char *text)
{
    static const char letters[] = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    return strspn(text, letters) == strlen(text) && text[0] != '\0' &&
           !(text[0] >= '0' && text[0] <= '9');
}

static void read_arguments(Command *command)
{
    for (int i = 1; i < command->argc && command->status == 0; i++) {
        const char *argument = command->argv[i];
        if (take_text_option(command, &i)) {
            continue;
        }
        if (strcmp(argument, "--strict") == 0) {
            command->is_strict = true;
        } else if (strcmp(argument, "--lines") == 0) {
            command->has_lines = true;
        } else if (strcmp(argument, "--check") == 0) {
            command->mode = MODE_CHECK;
        } else if (strcmp(argument, "--list-rules") == 0) {
            command->mode = MODE_RULES;
        } else if (strcmp(argument, "--overlaps") == 0) {
            command->mode = MODE_OVERLAPS;
        } else if (strcmp(argument, "--help") == 0) {
            fputs(usage, command->out);
            command->status = -1;
        } else if (argument[0] == '-') {
            fail(command, "there is no option ", argument);
        } else {
            vec_push(command->arena, &command->files, argument);
        }
    }
    if (command->status == 0 && command->files.len == 0) {
        fail(command, "no file to compile", "; islec --help lists the options");
    }
    if (command->status == 0 && !is_c_name(command->options.prefix)) {
        fail(command, "no name in C: ", command->options.prefix);
    }
    if (command->status == 0 && command->mode == MODE_COMPILE &&
        (command->output == NULL || command->header == NULL)) {
        fail(command, "where to? -o and -H name the files", "");
    }
}

static bool read_files(Command *command, Isle *isle)
{
    for (u32 i = 0; i < command->files.len; i++) {
        const char *path = vec_at(&command->files, i);
        IoBytes bytes;
        const char *error;
        if (dv_io_read(command->arena, path, FILES_BYTES_MAX, &bytes, &error) != DAVIT_OK) {
            fail(command, error, "");
            return false;
        }
        if (!dv_isle_add_text(isle, path, (const char *)bytes.data, bytes.size)) {
            return false;
        }
    }
    return true;
}

static bool write_file(Command *command, const char *path, const TextBuf *text)
{
    const char *error;
    IoBytes bytes = {(const u8 *)text->data, text->length};
    if (dv_io_write(command->arena, path, bytes, &error) != DAVIT_OK) {
        fail(command, error, "");
        return false;
    }
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static void compile(Command *command, Back *back)
{
    TextBuf header;
    TextBuf source;
    dv_text_init(&header, command->arena);
    dv_text_init(&source, command->arena);
    command->options.header = base_name(command->header);
    command->options.source = command->has_lines ? command->output : NULL;
    if (!dv_isle_emit_header(back, &command->options, &header)) {
        return;
    }
    dv_isle_emit(back, &command->options, &source);
    if (write_file(command, command->header, &header)) {
        write_file(command, command->output, &source);
    }
}

static void show(Command *command, const Back *back)
{
    TextBuf text;
    dv_text_init(&text, command->arena);
    bool is_found = true;
    if (command->mode == MODE_RULES) {
        dv_isle_list_rules(back, &text);
    } else if (command->mode == MODE_OVERLAPS) {
        dv_isle_list_overlaps(back, &text);
    } else if (command->mode == MODE_COVERAGE) {
        is_found = dv_isle_print_coverage(back, command->term, &text);
    } else if (command->mode == MODE_DOT) {
        is_found = dv_isle_dot(back, command->term, &text);
    }
    if (!is_found) {
        fail(command, "there are no such rules for the term ", command->term);
    }
    fwrite(text.data, 1, text.length, command->out);
}

static void run(void *context)
{
    Command *command = context;
    read_arguments(command);
    if (command->status != 0) {
        return;
    }
    Isle *isle = ARENA_NEW(command->arena, Isle);
    Back back = {0};
    dv_isle_init(isle, command->arena, command->is_strict);
    bool is_good = read_files(command, isle) && dv_isle_check(isle) && dv_isle_back(isle, &back);
    if (is_good && command->complete != NULL &&
        !dv_isle_require_coverage(&back, command->complete)) {
        fail(command, "there are no such rules for the term ", command->complete);
    }
    if (is_good && isle_ok(isle) && command->mode == MODE_COMPILE) {
        compile(command, &back);
    } else if (is_good || (command->mode == MODE_OVERLAPS && back.sets.len > 0)) {
        show(command, &back);
    }
    TextBuf reports;
    dv_text_init(&reports, command->arena);
    dv_isle_format(isle, &reports);
    fwrite(reports.data, 1, reports.length, command->err);
    if (!isle_ok(isle)) {
        command->status = 1;
    }
}

int dv_isle_command(int argc, char **argv, FILE *out, FILE *err)
{
    Pool pool;
    Arena arena;
    dv_pool_init(&pool, NULL);
    dv_arena_init(&arena, &pool);
    Command command = {.arena = &arena,
                       .out = out,
                       .err = err,
                       .argc = argc,
                       .argv = argv,
                       .options = {.prefix = "isle", .context = "IsleContext"}};
    davit_status_t status = dv_pool_protect(&pool, run, &command);
    if (status != DAVIT_OK) {
        fail(&command, davit_status_name(status), "");
    }
    if (fflush(out) != 0) {
        fail(&command, "cannot write", " to standard output");
    }
    dv_arena_release(&arena);
    dv_pool_destroy(&pool);
    return command.status < 0 ? 0 : command.status;
}
