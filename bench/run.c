/* run.c - how many times as long as natively programs take on engines, in CPU time; or how fast files are read.
 *
 * usage: run [--runs N] [--units N] --engine NAME=COMMAND ... PROGRAM ...
 *        run [--runs N] --rates yes --engine NAME=COMMAND ... FILE ...
 *
 * A COMMAND is a shell's, in which {} stands for the program's name; the first engine is what the others are
 * measured by. Each program runs on each engine at least once, then until
 * it ran N times (3) or took ENOUGH_SECONDS in all; the least user and system time counts, which includes
 * start and compilation. What it prints must be what the first engine prints, and its status 0: otherwise the
 * cell says so, the engine has no mean, and the status of this program is 1. A run that takes more than
 * LIMIT_SECONDS is killed. `./dev bench run` builds the programs and calls this.
 *
 * With --rates the engines are compilers and the programs what they compile: nothing need be printed, and a cell says how
 * many megabytes of the file went through in a second. `./dev bench compile` calls it so. */
#define _XOPEN_SOURCE 700
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MAX_ENGINES = 16,
    MAX_COMMAND = 1024,
    MAX_OUTPUT = 65536,
    LIMIT_SECONDS = 200,
    NAME_WIDTH = 12,
    CELL_WIDTH = 12
};

static const double ENOUGH_SECONDS = 3;

typedef struct {
    const char *name, *command;
    double log_sum; /* of the slowdowns, or rates */
    unsigned count; /* of programs that ran as they should */
} Engine;

typedef struct {
    Engine engines[MAX_ENGINES];
    unsigned engine_count, runs;
    const char *units; /* the programs' argument, or NULL */
    bool rates;        /* the programs are files that are compiled */
    int failures;
} Bench;

typedef enum { RAN, FAILED, TOO_LONG, DIFFERS } Verdict;

typedef struct {
    char bytes[MAX_OUTPUT];
    size_t count;
} Output;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "run: %s\n", what);
    exit(2);
}

/* "exec COMMAND UNITS", {} replaced. */
static void make_command(char to[MAX_COMMAND], const Bench *bench, const Engine *engine,
                         const char *program)
{
    const char *units = bench->units ? bench->units : "";
    size_t at = (size_t)snprintf(to, MAX_COMMAND, "exec "), name_bytes = strlen(program);
    for (const char *from = engine->command; *from;) {
        bool hole = from[0] == '{' && from[1] == '}';
        size_t bytes = hole ? name_bytes : 1;
        if (at + bytes + strlen(units) + 2 > MAX_COMMAND) {
            die("a command is too long");
        }
        memcpy(to + at, hole ? program : from, bytes);
        at += bytes;
        from += hole ? 2 : 1;
    }
    snprintf(to + at, MAX_COMMAND - at, " %s", units);
}

static _Noreturn void be_child(const char *command, FILE *output)
{
    struct rlimit limit = {LIMIT_SECONDS, LIMIT_SECONDS};
    if (setrlimit(RLIMIT_CPU, &limit) == 0 && dup2(fileno(output), 1) == 1) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    }
    _exit(127);
}

static double child_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* One run: its CPU seconds, what it printed to standard output, and how it ended. */
static Verdict run_once(const char *command, double *seconds, Output *output)
{
    FILE *file = tmpfile();
    double before = child_seconds();
    int status;
    pid_t child;
    if (!file) {
        die("cannot make a temporary file");
    }
    fflush(NULL);
    child = fork();
    if (child == 0) {
        be_child(command, file);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        die("cannot start a process");
    }
    *seconds = child_seconds() - before;
    rewind(file);
    output->count = fread(output->bytes, 1, sizeof output->bytes, file);
    fclose(file);
    if (WIFSIGNALED(status) && *seconds >= LIMIT_SECONDS - 1) {
        return TOO_LONG;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? RAN : FAILED;
}

/* The least time of several runs. `expected` is what must be printed, or NULL; `output` takes what was. */
static Verdict measure(const Bench *bench, const char *command, const Output *expected,
                       Output *output, double *least)
{
    double total = 0;
    for (unsigned i = 0; i < bench->runs && (i == 0 || total < ENOUGH_SECONDS); i++) {
        double seconds;
        Verdict verdict = run_once(command, &seconds, output);
        if (verdict != RAN) {
            return verdict;
        }
        if (!bench->rates && output->count == 0) {
            return FAILED;
        }
        if (expected && (expected->count != output->count ||
                         memcmp(expected->bytes, output->bytes, output->count) != 0)) {
            return DIFFERS;
        }
        *least = i == 0 || seconds < *least ? seconds : *least;
        total += seconds;
    }
    return RAN;
}

static double megabytes_of(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        die("cannot read one of the files");
    }
    return (double)info.st_size / 1e6;
}

/* How fast each engine compiles the file. */
static void run_file(Bench *bench, const char *path)
{
    static Output output;
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    printf("%-*.*s", NAME_WIDTH, (int)strcspn(name, "."), name);
    for (unsigned i = 0; i < bench->engine_count; i++) {
        Engine *engine = &bench->engines[i];
        char command[MAX_COMMAND];
        double seconds = 0;
        make_command(command, bench, engine, path);
        if (measure(bench, command, NULL, &output, &seconds) == RAN) {
            double rate = megabytes_of(path) / (seconds > 1e-6 ? seconds : 1e-6);
            printf("%*.2f", CELL_WIDTH, rate);
            engine->log_sum += log(rate);
            engine->count++;
        } else {
            printf("%*s", CELL_WIDTH, "failed");
            bench->failures++;
        }
        fflush(stdout);
    }
    printf("\n");
}

static void run_program(Bench *bench, const char *program)
{
    static const char *const words[] = {"", "failed", "too long", "differs"};
    static Output native, output;
    double native_seconds = 0;
    printf("%-*s", NAME_WIDTH, program);
    for (unsigned i = 0; i < bench->engine_count; i++) {
        Engine *engine = &bench->engines[i];
        char command[MAX_COMMAND];
        double seconds = 0;
        Verdict verdict;
        make_command(command, bench, engine, program);
        verdict =
            measure(bench, command, i == 0 ? NULL : &native, i == 0 ? &native : &output, &seconds);
        if (verdict != RAN) {
            printf("%*s", CELL_WIDTH, words[verdict]);
            bench->failures++;
            if (i == 0) {
                break;
            }
        } else if (i == 0) {
            native_seconds = seconds > 1e-6 ? seconds : 1e-6;
            printf("%*.3f", CELL_WIDTH, seconds);
            engine->count++;
        } else {
            double slowdown = seconds / native_seconds;
            printf("%*.2f", CELL_WIDTH, slowdown);
            engine->log_sum += log(slowdown > 1e-6 ? slowdown : 1e-6);
            engine->count++;
        }
        fflush(stdout);
    }
    printf("\n");
}

static void print_head(const Bench *bench)
{
    printf("%-*s", NAME_WIDTH, "program");
    for (unsigned i = 0; i < bench->engine_count; i++) {
        bool is_time = i == 0 && !bench->rates;
        printf("%*s%s", CELL_WIDTH - (is_time ? 2 : 0), bench->engines[i].name,
               is_time ? " s" : "");
    }
    printf("\n");
}

static void print_means(const Bench *bench, unsigned programs)
{
    printf("%-*s%*s", NAME_WIDTH, "geomean", bench->rates ? 0 : CELL_WIDTH, "");
    for (unsigned i = bench->rates ? 0 : 1; i < bench->engine_count; i++) {
        const Engine *engine = &bench->engines[i];
        if (engine->count == programs) {
            printf("%*.2f", CELL_WIDTH, exp(engine->log_sum / engine->count));
        } else {
            printf("%*s", CELL_WIDTH, "-");
        }
    }
    printf("\n");
}

static void add_engine(Bench *bench, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || bench->engine_count == MAX_ENGINES) {
        die("an engine is NAME=COMMAND, and there are at most 16");
    }
    *equals = 0;
    bench->engines[bench->engine_count].name = text;
    bench->engines[bench->engine_count++].command = equals + 1;
}

int main(int argc, char **argv)
{
    static Bench bench = {.runs = 3};
    int at = 1;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        if (strcmp(argv[at], "--engine") == 0) {
            add_engine(&bench, argv[at + 1]);
        } else if (strcmp(argv[at], "--runs") == 0) {
            bench.runs = (unsigned)strtoul(argv[at + 1], NULL, 10);
        } else if (strcmp(argv[at], "--units") == 0) {
            bench.units = argv[at + 1];
        } else if (strcmp(argv[at], "--rates") == 0) {
            bench.rates = strcmp(argv[at + 1], "yes") == 0;
        } else {
            die("unknown option");
        }
    }
    if (bench.engine_count == 0 || bench.runs == 0 || at >= argc) {
        die("usage: run [--runs N] [--units N] --engine NAME=COMMAND ... PROGRAM ...");
    }
    print_head(&bench);
    for (int i = at; i < argc; i++) {
        (bench.rates ? run_file : run_program)(&bench, argv[i]);
    }
    print_means(&bench, (unsigned)(argc - at));
    return bench.failures > 0;
}
