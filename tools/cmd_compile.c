/* cmd_compile.c - `davit compile`: the code of a file's functions for a target, as text. */
#include <stdio.h>

#include "codegen/compile.h"
#include "codegen/ir/print.h"
#include "codegen/isa/pulley/link.h"
#include "tools/commands.h"
#include "tools/input.h"

static const char usage[] =
    "usage: davit compile FILE --target T [options]\n"
    "Compiles every function of a CLIF file and prints the code: for pulley32, pulley64, pulley32be and pulley64be\n"
    "a module that the assembler reads.\n"
    "  --vcode       machine instructions and what was allocated to them instead\n"
    "  --fast        the fast register allocator\n";

typedef struct Compile {
    Command *command;
    Input input;
    const Isa *isa;
    CompileOptions options;
    bool vcode;
} Compile;

static bool read_command_line(Compile *c, const char **path)
{
    Command *command = c->command;
    for (int i = 0; i < command->argc; i++) {
        const char *word = command->argv[i];
        if (strcmp(word, "--vcode") == 0) {
            c->vcode = true;
        } else if (strcmp(word, "--fast") == 0) {
            c->options.allocator = ALLOCATOR_FAST;
        } else if (strcmp(word, "--target") == 0 && i + 1 < command->argc) {
            word = command->argv[++i];
            c->isa = dv_isa_find(word, strlen(word));
        } else if (word[0] != '-' && *path == NULL) {
            *path = word;
        } else {
            return false;
        }
    }
    return c->isa != NULL && *path != NULL;
}

static void print_error(const Compile *c, const Func *f, const Diag *diag)
{
    TextBuf text;
    dv_text_init(&text, c->command->arena);
    dv_text_printf(&text, "%s: ", c->input.path);
    if (f != NULL) {
        dv_text_str(&text, "function ");
        dv_print_extname(&text, &f->name);
        dv_text_str(&text, ": ");
    }
    fprintf(stderr, "%s%s\n", text.data, dv_diag_first(diag)->text);
}

/* Compiles a copy of the function, or prints how far that got. */
static bool compile_one(Compile *c, const Func *f, Arena *scratch, CompiledFunc *out)
{
    Diag diag;
    Arena *arena = c->command->arena;
    Func *copy = ARENA_NEW(arena, Func);
    TextBuf text;
    bool ok;
    dv_diag_init(&diag, arena);
    dv_text_init(&text, arena);
    dv_func_copy(copy, f, arena);
    if (c->vcode) {
        ok = dv_compile_print(c->isa, &c->options, copy, scratch, arena, &diag, &text);
        TextBuf name;
        dv_text_init(&name, arena);
        dv_print_extname(&name, &f->name);
        printf("; %s\n%s\n", name.data, text.data);
    } else {
        ok = dv_compile(c->isa, &c->options, copy, arena, scratch, &diag, out);
    }
    if (!ok) {
        print_error(c, f, &diag);
    }
    return ok;
}

static bool print_module(Compile *c, const CompiledFunc *const *funcs, u32 count)
{
    Diag diag;
    PulModule linked;
    TextBuf text;
    dv_diag_init(&diag, c->command->arena);
    if (!dv_pul_link(c->isa, funcs, count, c->command->arena, &diag, &linked)) {
        print_error(c, NULL, &diag);
        return false;
    }
    dv_text_init(&text, c->command->arena);
    for (u32 i = 0; i < linked.imports.len; i++) {
        dv_text_printf(&text, "; import%u = ", (unsigned)i);
        dv_print_extname(&text, &linked.imports.data[i]);
        dv_text_char(&text, '\n');
    }
    for (u32 i = 0; i < linked.symbols.len; i++) {
        dv_text_printf(&text, "; symbol%u = ", (unsigned)i);
        dv_print_extname(&text, &linked.symbols.data[i]);
        dv_text_char(&text, '\n');
    }
    for (u32 i = 0; i < linked.funcs.len; i++) {
        dv_text_printf(&text, "; func%u = ", (unsigned)i);
        dv_print_extname(&text, &linked.funcs.data[i]);
        dv_text_char(&text, '\n');
    }
    dv_pulley_print_module(&text, &linked.module);
    fwrite(text.data, 1, text.length, stdout);
    return true;
}

static bool compile_all(Compile *c)
{
    const ClifFile *file = &c->input.file;
    Arena *arena = c->command->arena;
    Arena scratch;
    CompiledFunc **funcs = ARENA_ARRAY(arena, CompiledFunc *, file->funcs.len);
    bool ok = true;
    dv_arena_init(&scratch, arena->pool);
    for (u32 i = 0; i < file->funcs.len; i++) {
        funcs[i] = ARENA_NEW(arena, CompiledFunc);
        ok = compile_one(c, &file->funcs.data[i]->func, &scratch, funcs[i]) && ok;
    }
    dv_arena_release(&scratch);
    return ok && (c->vcode || print_module(c, (const CompiledFunc *const *)funcs, file->funcs.len));
}

int dv_cmd_compile(Command *command)
{
    Compile c = {.command = command};
    const char *path = NULL;
    if (!read_command_line(&c, &path)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (!dv_input_read(command, path, &c.input) || dv_input_verify(command, &c.input) != 0) {
        return EXIT_FAILED;
    }
    return compile_all(&c) ? EXIT_OK : EXIT_FAILED;
}
