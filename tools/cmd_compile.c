/* cmd_compile.c - `davit compile`: Wasm to artifacts (compile_wasm.c); the code of a CLIF file's functions for a target, as
 * text. */
#include <stdio.h>

#include "base/threads.h"
#include "codegen/compile.h"
#include "codegen/ir/print.h"
#include "codegen/isa/pulley/link.h"
#include "codegen/isa/x64/x64_isa.h"
#include "codegen/object/object.h"
#include "tools/compile_wasm.h"
#include "tools/input.h"

typedef struct Compile {
    Command *command;
    Input input;
    const Isa *isa;
    CompileOptions options;
    TextBuf out; /* all that is to be written */
    bool vcode, object;
} Compile;

/* What the command line says, for CLIF and Wasm alike. */
typedef struct CompileWords {
    const char *path, *out, *target, *emit, *cpu, *tls_model;
    WordList features;
    u64 jobs;
    bool fast, level0, level1, level2, metered, strip, stats, landing_pads, far_calls, no_guards;
} CompileWords;

static OptionsOutcome read_command_line(Command *command, CompileWords *w)
{
    WordList words = {0};
    const Option options[] = {
        {"-o", OPTION_TEXT, &w->out, "FILE",
         "write here; -: to standard output (artifacts: FILE.dvt; else -)"},
        {"--target", OPTION_TEXT, &w->target, "T",
         "what for: davit targets lists them (Wasm: pulley, x86_64)"},
        {"--cpu", OPTION_TEXT, &w->cpu, "NAME",
         "Wasm for x86_64: use what such processors have, as x86-64-v2, has_avx2"},
        {"--emit", OPTION_CHOICE, &w->emit, "artifact|object|asm|clif|vcode",
         "what to write (Wasm: artifact; CLIF: asm, or object for x86_64)"},
        {"-O0", OPTION_FLAG, &w->level0, NULL, "compile fast: the fast register allocator"},
        {"-O1", OPTION_FLAG, &w->level1, NULL, "not there yet"},
        {"-O2", OPTION_FLAG, &w->level2, NULL, "the best code (as without)"},
        {"--fast", OPTION_FLAG, &w->fast, NULL, "the same as -O0"},
        {"--landing-pads", OPTION_FLAG, &w->landing_pads, NULL,
         "CLIF for x86_64: what is called or jumped to indirectly begins with endbr64"},
        {"--tls-model", OPTION_CHOICE, &w->tls_model, "general|initial-exec|local-exec",
         "CLIF for x86_64: thread-local data is in any module, in those loaded at the start, in the program"},
        {"--far-calls", OPTION_FLAG, &w->far_calls, NULL,
         "CLIF for x86_64: call functions by their addresses, unless colocated"},
        {"--no-spectre-guards", OPTION_FLAG, &w->no_guards, NULL,
         "for x86_64: faster, but code may speculate past comparisons of bounds"},
        {"--features", OPTION_LIST, &w->features, "LIST",
         "Wasm: all, 3.0, 1.0, +NAME, -NAME, with commas"},
        {"--metered", OPTION_FLAG, &w->metered, NULL,
         "Wasm: for davit run --fuel: fuel is counted"},
        {"--strip", OPTION_FLAG, &w->strip, NULL,
         "Wasm: leave out custom sections and where code comes from"},
        {"-j", OPTION_NUMBER, &w->jobs, "N",
         "Wasm: compile with N threads (large modules: one per processor); the result is the same"},
        {"--stats", OPTION_FLAG, &w->stats, NULL, "Wasm: print figures to standard error"},
    };
    const OptionTable table = {
        .command = "compile",
        .synopsis = "[options] FILE",
        .about =
            "Compiles a Wasm module (.wasm, .wat) to an artifact that davit run takes, or prints what it is\n"
            "compiled to on the way; or compiles the functions of a CLIF file and prints the code, as a\n"
            "module that the assembler reads.\n",
        .examples = "  davit compile app.wasm -o app.dvt\n"
                    "  davit compile app.wasm --emit clif\n"
                    "  davit compile examples/fib.clif --target pulley64\n",
        .options = options,
        .count = ARRAY_LEN(options),
        .min_words = 1,
        .max_words = 1};
    OptionsOutcome outcome = dv_options_read(command, &table, &words);
    if (outcome != OPTIONS_OK) {
        return outcome;
    }
    if (w->level1) {
        fputs("davit compile: cannot use \"-O1\": it is not there yet\n", stderr);
        return OPTIONS_WRONG;
    }
    if (w->level2 && (w->fast || w->level0)) {
        fprintf(stderr, "davit compile: cannot use \"-O2\" with \"%s\"\n",
                w->fast ? "--fast" : "-O0");
        return OPTIONS_WRONG;
    }
    w->path = words.data[0];
    w->fast = w->fast || w->level0;
    return OPTIONS_OK;
}

static void print_error(const Compile *c, const Func *f, const Diag *diag)
{
    TextBuf text;
    dv_text_init(&text, c->command->arena);
    dv_text_printf(&text, "davit compile: %s: error: ", c->input.path);
    if (f != NULL) {
        dv_text_str(&text, "function ");
        dv_print_extname(&text, &f->name);
        dv_text_str(&text, ": ");
    }
    fprintf(stderr, "%s%s\n", text.data, dv_diag_first(diag)->text);
}

/* Instructions of a function that names no srclocs are from their lines of the file. */
static void set_lines(const ClifFunc *from, Func *f)
{
    for (u32 i = 0; i < f->insts.len; i++) {
        if (dv_srcloc(f, (Inst){i}) != SRCLOC_NONE) {
            return;
        }
    }
    for (u32 i = 0; i < f->insts.len; i++) {
        u32 line = dv_clif_entity_line(from, (EntityRef){ENTITY_INST, i});
        if (line != 0) {
            dv_srcloc_set(f, (Inst){i}, line);
        }
    }
}

/* Compiles a copy of the function, or prints how far that got. */
static bool compile_one(Compile *c, const ClifFunc *from, Arena *scratch, CompiledFunc *out)
{
    const Func *f = &from->func;
    Diag diag;
    Arena *arena = c->command->arena;
    Func *copy = ARENA_NEW(arena, Func);
    TextBuf text;
    bool ok;
    dv_diag_init(&diag, arena);
    dv_text_init(&text, arena);
    dv_func_copy(copy, f, arena);
    if (c->object) {
        set_lines(from, copy);
    }
    if (c->vcode) {
        ok = dv_compile_print(c->isa, &c->options, copy, scratch, arena, &diag, &text);
        dv_text_str(&c->out, "; ");
        dv_print_extname(&c->out, &f->name);
        dv_text_printf(&c->out, "\n%s\n", text.data);
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
    TextBuf *out = &c->out;
    dv_diag_init(&diag, c->command->arena);
    if (!dv_pul_link(c->isa, funcs, count, c->command->arena, &diag, &linked)) {
        print_error(c, NULL, &diag);
        return false;
    }
    for (u32 i = 0; i < linked.imports.len; i++) {
        dv_text_printf(out, "; import%u = ", (unsigned)i);
        dv_print_extname(out, &linked.imports.data[i]);
        dv_text_char(out, '\n');
    }
    for (u32 i = 0; i < linked.symbols.len; i++) {
        dv_text_printf(out, "; symbol%u = ", (unsigned)i);
        dv_print_extname(out, &linked.symbols.data[i]);
        dv_text_char(out, '\n');
    }
    for (u32 i = 0; i < linked.funcs.len; i++) {
        dv_text_printf(out, "; func%u = ", (unsigned)i);
        dv_print_extname(out, &linked.funcs.data[i]);
        dv_text_char(out, '\n');
    }
    dv_pulley_print_module(out, &linked.module);
    return true;
}

/* Machine code as an assembler reads it; what is filled in by a linker is told before. */
static void print_machine_code(Compile *c, const CompiledFunc *const *funcs, u32 count)
{
    enum { ROW_BYTES = 16 };
    TextBuf *out = &c->out;
    for (u32 i = 0; i < count; i++) {
        const MachCode *code = &funcs[i]->code;
        dv_text_str(out, "# ");
        dv_print_extname(out, &funcs[i]->func->name);
        dv_text_char(out, '\n');
        for (u32 r = 0; r < code->relocs.len; r++) {
            dv_text_printf(out, "# at %u: ", (unsigned)code->relocs.data[r].offset);
            dv_print_extname(out, &code->relocs.data[r].symbol.name);
            dv_text_char(out, '\n');
        }
        for (u32 at = 0; at < code->size_bytes; at++) {
            dv_text_printf(
                out, "%s0x%02x%s", at % ROW_BYTES == 0 ? "    .byte " : ", ", code->bytes[at],
                at % ROW_BYTES == ROW_BYTES - 1 || at + 1 == code->size_bytes ? "\n" : "");
        }
    }
}

/* All functions are exported. */
static bool write_object(Compile *c, const CompiledFunc *const *funcs, u32 count)
{
    Arena *arena = c->command->arena;
    ObjModule module;
    ByteBuf bytes;
    Diag diag;
    bool ok = true;
    dv_diag_init(&diag, arena);
    dv_bytebuf_init(&bytes, arena);
    dv_obj_init(&module, c->isa->native, arena);
    module.landing_pads = c->options.landing_pads;
    for (u32 i = 0; i < count && ok; i++) {
        u32 symbol;
        Str name = dv_obj_name(arena, &funcs[i]->func->name);
        ok = dv_obj_declare(&module, name, OBJ_FUNC, OBJ_EXPORT, &diag, &symbol) &&
             dv_obj_define_code(&module, symbol, &funcs[i]->code, &diag);
    }
    ok = ok && dv_obj_write(&module, c->input.path, &diag, &bytes);
    if (!ok) {
        print_error(c, NULL, &diag);
    } else {
        dv_text_bytes(&c->out, bytes.data, bytes.len);
    }
    return ok;
}

static bool compile_all(Compile *c)
{
    const ClifFile *file = &c->input.file;
    Arena *arena = c->command->arena;
    Arena scratch;
    CompiledFunc **funcs = ARENA_ARRAY(arena, CompiledFunc *, file->funcs.len);
    bool ok = true;
    dv_arena_init(&scratch, arena->pool);
    c->options.features = dv_input_features(&c->input, c->isa);
    for (u32 i = 0; i < file->funcs.len; i++) {
        funcs[i] = ARENA_NEW(arena, CompiledFunc);
        ok = compile_one(c, file->funcs.data[i], &scratch, funcs[i]) && ok;
    }
    dv_arena_release(&scratch);
    const CompiledFunc *const *made = (const CompiledFunc *const *)funcs;
    if (!ok || c->vcode) {
        return ok;
    }
    if (c->object) {
        return write_object(c, made, file->funcs.len);
    }
    if (c->isa->find_features != NULL) {
        print_machine_code(c, made, file->funcs.len);
        return true;
    }
    return print_module(c, made, file->funcs.len);
}

/* The text is one of the choices. */
static u8 find_tls_model(const char *text)
{
    static const char *const names[TLS_MODELS] = {"general", "initial-exec", "local-exec"};
    u8 model = TLS_GENERAL;
    while (strcmp(text, names[model]) != 0) {
        model++;
    }
    return model;
}

/* What the command line says goes before what the file says. */
static void apply_words(const CompileWords *w, CompileOptions *options)
{
    if (w->fast || w->level2) {
        options->allocator = w->fast ? ALLOCATOR_FAST : ALLOCATOR_MAIN;
    }
    if (w->tls_model != NULL) {
        options->tls_model = find_tls_model(w->tls_model);
    }
    options->landing_pads = w->landing_pads;
    options->far_calls = w->far_calls;
    options->no_heap_guard = options->no_heap_guard || w->no_guards;
    options->no_table_guard = options->no_table_guard || w->no_guards;
}

/* Of the options that CLIF, Wasm and bytecode have not in common, those of others are refused. */
static bool refuse_wasm_options(const CompileWords *w)
{
    const OptionUse uses[] = {{"--cpu", w->cpu != NULL}, {"--features", w->features.len != 0},
                              {"--metered", w->metered}, {"--strip", w->strip},
                              {"-j", w->jobs != 0},      {"--stats", w->stats}};
    return dv_options_refuse("compile", uses, ARRAY_LEN(uses), "CLIF");
}

static bool refuse_clif_options(const CompileWords *w, const char *what)
{
    const OptionUse uses[] = {{"--landing-pads", w->landing_pads},
                              {"--tls-model", w->tls_model != NULL},
                              {"--far-calls", w->far_calls}};
    return dv_options_refuse("compile", uses, ARRAY_LEN(uses), what);
}

static bool refuse_guards(const CompileWords *w, const char *target)
{
    const OptionUse use = {"--no-spectre-guards", w->no_guards};
    return dv_options_refuse("compile", &use, 1, target);
}

static int compile_clif(Command *command, const CompileWords *w)
{
    Compile c = {.command = command};
    Settings settings;
    c.object = w->emit != NULL && strcmp(w->emit, "object") == 0;
    if (!dv_input_check_target(command, "compile", w->target, false) || !refuse_wasm_options(w)) {
        return EXIT_USAGE;
    }
    c.isa = dv_isa_find(w->target, strlen(w->target));
    if (c.isa->native == NULL &&
        (!refuse_clif_options(w, w->target) || !refuse_guards(w, w->target))) {
        return EXIT_USAGE;
    }
    if (c.object && c.isa->native == NULL) {
        fprintf(stderr, "davit compile: cannot use \"object\" for %s: it has no object files\n",
                w->target);
        return EXIT_USAGE;
    }
    c.vcode = w->emit != NULL && strcmp(w->emit, "vcode") == 0;
    if (w->emit != NULL && !c.vcode && !c.object && strcmp(w->emit, "asm") != 0) {
        fprintf(stderr, "davit compile: cannot use \"%s\" for CLIF: asm, object or vcode\n",
                w->emit);
        return EXIT_USAGE;
    }
    if (strcmp(w->path, "-") == 0) {
        fputs("davit compile: -: error: CLIF is read from files\n", stderr);
        return EXIT_FAILED;
    }
    if (!dv_input_read(command, "compile", w->path, &c.input) ||
        dv_input_verify(command, &c.input) != 0 ||
        !dv_input_settings(command, &c.input, w->target, &settings)) {
        return EXIT_FAILED;
    }
    dv_settings_apply(&settings, &c.options);
    apply_words(w, &c.options);
    dv_text_init(&c.out, command->arena);
    bool ok = compile_all(&c);
    if (!ok && !c.vcode) { /* how far it got is of use */
        return EXIT_FAILED;
    }
    int status = dv_wasm_output_write(command, "compile", w->path, w->out == NULL ? "-" : w->out,
                                      (IoBytes){(const u8 *)c.out.data, c.out.length});
    return ok ? status : EXIT_FAILED;
}

/* Whether Wasm can be compiled for the target, and for that processor. */
static bool check_wasm_target(WasmCompileRequest *request, const char *cpu)
{
    const char *target = request->options.target;
    bool is_native = strcmp(target, dv_x64_isa.name) == 0;
    if (!is_native && strcmp(target, "pulley") != 0) {
        fprintf(stderr,
                "davit compile: cannot use \"%s\" for Wasm: its targets are pulley and %s\n",
                target, dv_x64_isa.name);
        return false;
    }
    if (is_native && strcmp(request->emit, "asm") == 0) {
        fprintf(
            stderr,
            "davit compile: cannot use \"asm\" for Wasm and %s: --emit clif, and compile that\n",
            target);
        return false;
    }
    if (cpu == NULL) {
        return true;
    }
    request->options.cpu = is_native ? dv_x64_isa.find_features(cpu, strlen(cpu)) : 0;
    if (request->options.cpu == 0) {
        fprintf(stderr, "davit compile: cannot use \"%s\": it is no feature of target %s\n", cpu,
                target);
        return false;
    }
    return true;
}

static int compile_wasm(Command *command, const CompileWords *w)
{
    WasmInput input;
    WasmCompileRequest request = {
        .out = w->out,
        .emit = w->emit == NULL ? "artifact" : w->emit,
        .stats = w->stats,
        .options = {.features = dv_wasm_features_run(),
                    .metered = w->metered,
                    .fast = w->fast,
                    .strip = w->strip,
                    .no_spectre_guards = w->no_guards,
                    .jobs = w->jobs > THREADS_MAX ? THREADS_MAX : (u32)w->jobs,
                    .target = w->target == NULL ? "pulley" : w->target}};
    if (!dv_wasm_input_read(command, "compile", w->path, &input)) {
        return EXIT_FAILED;
    }
    if (input.kind == FILE_CLIF) {
        return compile_clif(command, w);
    }
    if (!check_wasm_target(&request, w->cpu) || !refuse_clif_options(w, "Wasm")) {
        return EXIT_USAGE;
    }
    if (strcmp(request.options.target, dv_x64_isa.name) != 0 &&
        !refuse_guards(w, request.options.target)) {
        return EXIT_USAGE;
    }
    if (strcmp(request.emit, "vcode") == 0 || strcmp(request.emit, "object") == 0) {
        fprintf(stderr,
                "davit compile: cannot use \"%s\" for Wasm: --emit clif, and compile that\n",
                request.emit);
        return EXIT_USAGE;
    }
    if (!dv_wasm_read_features(command, "compile", &w->features, &request.options.features)) {
        return EXIT_USAGE;
    }
    return dv_compile_wasm(command, &input, &request);
}

int dv_cmd_compile(Command *command)
{
    CompileWords w = {.path = NULL};
    OptionsOutcome outcome = read_command_line(command, &w);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    return dv_wasm_input_is_clif(w.path, NULL, 0) ? compile_clif(command, &w)
                                                  : compile_wasm(command, &w);
}
