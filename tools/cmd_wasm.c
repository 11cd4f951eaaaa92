/* cmd_wasm.c - `davit validate`, `davit wat2wasm`, `davit wasm2wat`, `davit inspect` and `davit disas`: Wasm files checked,
 * converted, shown. */
#include <stdio.h>

#include "tools/wasm_input.h"
#include "wasm/runtime/artifact.h"

/* ---- validate ---- */

/* Says what is wrong with a module that was read. */
static bool check_module(Command *command, const char *name, const WasmInput *input,
                         Features features)
{
    WasmModule module;
    WasmError error;
    Diag diag;
    Arena scratch;
    DecodeOptions options = {.features = features};
    if (!dv_wasm_input_decode(command, name, input, &options, &module)) {
        return false;
    }
    dv_diag_init(&diag, command->arena);
    dv_arena_init(&scratch, command->arena->pool);
    bool ok = dv_wasm_validate(&scratch, &module, &diag, &error);
    dv_arena_release(&scratch);
    if (!ok) {
        dv_wasm_input_refuse(name, input, &diag, &error);
    }
    return ok;
}

static bool validate_one(Command *command, const char *path, Features features, bool quiet)
{
    WasmInput input;
    if (!dv_wasm_input_read(command, "validate", path, &input)) {
        return false;
    }
    if (input.kind == FILE_CLIF || input.kind == FILE_ARTIFACT) {
        fprintf(stderr, "davit validate: %s is no Wasm module: davit %s\n", path,
                input.kind == FILE_CLIF ? "verify checks CLIF" : "inspect checks artifacts");
        return false;
    }
    bool ok = check_module(command, "validate", &input, features);
    if (ok && !quiet) {
        printf("%s: valid\n", path);
    }
    return ok;
}

int dv_cmd_validate(Command *command)
{
    WordList words = {0}, features = {0};
    Features enabled = dv_wasm_features_3_0();
    bool quiet = false;
    const Option options[] = {
        {"--features", OPTION_LIST, &features, "LIST",
         "instead of WebAssembly 3.0: all, 1.0, +threads, -gc, with commas"},
        {"--quiet", OPTION_FLAG, &quiet, NULL, "print only what is wrong"},
    };
    const OptionTable table = {
        "validate",
        "[options] FILE...",
        "Checks modules, binary or text, and says what is wrong and where.\n",
        "  davit validate --features 1.0,+sign-extension app.wasm\n",
        options,
        ARRAY_LEN(options),
        false,
        1,
        ANY_WORDS};
    OptionsOutcome outcome = dv_options_read(command, &table, &words);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    if (!dv_wasm_read_features(command, "validate", &features, &enabled)) {
        return EXIT_USAGE;
    }
    bool ok = true;
    for (u32 i = 0; i < words.len; i++) {
        ok = validate_one(command, words.data[i], enabled, quiet) && ok;
    }
    return ok ? EXIT_OK : EXIT_FAILED;
}

/* ---- conversions ---- */

int dv_cmd_wat2wasm(Command *command)
{
    WordList words = {0};
    const char *out = NULL;
    bool no_check = false;
    WasmInput input;
    const Option options[] = {
        {"-o", OPTION_TEXT, &out, "FILE", "write here; -: to standard output (FILE.wasm)"},
        {"--no-check", OPTION_FLAG, &no_check, NULL, "do not validate the module"},
    };
    const OptionTable table = {"wat2wasm",
                               "[options] FILE",
                               "Converts a module from text to the binary format.\n",
                               "  davit wat2wasm sum.wat -o sum.wasm\n",
                               options,
                               ARRAY_LEN(options),
                               false,
                               1,
                               1};
    OptionsOutcome outcome = dv_options_read(command, &table, &words);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    if (!dv_wasm_input_read(command, "wat2wasm", words.data[0], &input)) {
        return EXIT_FAILED;
    }
    if (input.kind != FILE_TEXT) {
        fprintf(stderr, "davit wat2wasm: %s is no module in text\n", input.path);
        return EXIT_FAILED;
    }
    if (!no_check && !check_module(command, "wat2wasm", &input, FEATURES_ALL)) {
        return EXIT_FAILED;
    }
    if (out == NULL) {
        out = dv_wasm_output_path(command->arena, input.path, ".wasm");
    }
    return dv_wasm_output_write(command, "wat2wasm", input.path, out,
                                (IoBytes){input.bytes, input.size});
}

int dv_cmd_wasm2wat(Command *command)
{
    WordList words = {0};
    const char *out = "-";
    WatPrintOptions print = {.folded = false};
    WasmInput input;
    TextBuf text;
    Diag diag;
    const Option options[] = {
        {"-o", OPTION_TEXT, &out, "FILE", "write here instead of to standard output"},
        {"--folded", OPTION_FLAG, &print.folded, NULL, "instructions as nested expressions"},
        {"--no-names", OPTION_FLAG, &print.no_names, NULL, "indices instead of names"},
    };
    const OptionTable table = {"wasm2wat",
                               "[options] FILE",
                               "Converts a module from the binary format to text.\n",
                               "  davit wasm2wat --folded sum.wasm\n",
                               options,
                               ARRAY_LEN(options),
                               false,
                               1,
                               1};
    OptionsOutcome outcome = dv_options_read(command, &table, &words);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    if (!dv_wasm_input_read(command, "wasm2wat", words.data[0], &input)) {
        return EXIT_FAILED;
    }
    if (input.kind != FILE_BINARY && input.kind != FILE_TEXT) {
        fprintf(stderr, "davit wasm2wat: %s is no module\n", input.path);
        return EXIT_FAILED;
    }
    dv_text_init(&text, command->arena);
    dv_diag_init(&diag, command->arena);
    if (!dv_wat_print(command->arena, input.bytes, input.size, &print, &text, &diag)) {
        fprintf(stderr, "davit wasm2wat: %s: error: %s\n", input.path, dv_diag_first(&diag)->text);
        return EXIT_FAILED;
    }
    return dv_wasm_output_write(command, "wasm2wat", input.path, out,
                                (IoBytes){(const u8 *)text.data, text.length});
}

/* ---- inspect ---- */

static void print_features(const char *label, Features features)
{
    printf("%-22s", label);
    for (u32 i = 0; i < FEATURE_COUNT; i++) {
        if ((features >> i & 1) != 0) {
            printf(" %s", dv_wasm_features[i].text);
        }
    }
    printf(features == 0 ? " none\n" : "\n");
}

static void print_counts(const WasmModule *m)
{
    static const char *const names[] = {"custom", "type",   "import",     "function", "table",
                                        "memory", "global", "export",     "start",    "element",
                                        "code",   "data",   "data count", "tag"};
    const u32 counts[] = {m->customs.len,
                          m->types.len,
                          m->imports.len,
                          m->funcs.len - m->imported_funcs,
                          m->tables.len - m->imported_tables,
                          m->memories.len - m->imported_memories,
                          m->globals.len - m->imported_globals,
                          m->exports.len,
                          m->has_start,
                          m->elems.len,
                          m->codes.len,
                          m->datas.len,
                          m->has_data_count,
                          m->tags.len - m->imported_tags};
    printf("%-12s %10s %12s\n", "section", "items", "bytes");
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        u64 bytes = m->sections[i].size;
        for (u32 n = 0; n < m->customs.len && i == 0; n++) {
            bytes += m->customs.data[n].bytes.size;
        }
        if (counts[i] != 0 || bytes != 0) {
            printf("%-12s %10u %12" PRIu64 "\n", names[i], (unsigned)counts[i], bytes);
        }
    }
}

static void print_func_type(TextBuf *out, const WasmModule *m, u32 type)
{
    const SubType *t = &m->types.data[type];
    for (u32 i = 0; i < t->num_params; i++) {
        dv_text_str(out, i == 0 ? " (param " : " ");
        dv_wasm_print_type(out, t->params[i]);
    }
    dv_text_str(out, t->num_params == 0 ? "" : ")");
    for (u32 i = 0; i < t->num_results; i++) {
        dv_text_str(out, i == 0 ? " (result " : " ");
        dv_wasm_print_type(out, t->results[i]);
    }
    dv_text_str(out, t->num_results == 0 ? "" : ")");
}

static void print_limits(TextBuf *out, const Limits *limits)
{
    dv_text_printf(out, "%s %" PRIu64, limits->index64 ? " i64" : "", limits->min);
    if (limits->has_max) {
        dv_text_printf(out, " %" PRIu64, limits->max);
    }
}

/* As the text format has it. */
static void print_extern_type(TextBuf *out, const WasmModule *m, u8 kind, u32 index)
{
    switch ((ExternKind)kind) {
    case EXTERN_FUNC:
        print_func_type(out, m, m->funcs.data[index].type);
        break;
    case EXTERN_TABLE:
        print_limits(out, &m->tables.data[index].limits);
        dv_text_char(out, ' ');
        dv_wasm_print_type(out, m->tables.data[index].type);
        break;
    case EXTERN_MEMORY:
        print_limits(out, &m->memories.data[index].limits);
        break;
    case EXTERN_GLOBAL:
        dv_text_str(out, m->globals.data[index].is_mutable ? " (mut " : " ");
        dv_wasm_print_type(out, m->globals.data[index].type);
        dv_text_str(out, m->globals.data[index].is_mutable ? ")" : "");
        break;
    default:
        print_func_type(out, m, m->tags.data[index].type);
        break;
    }
}

static void print_extern(Command *command, const WasmModule *m, const char *which, u8 kind,
                         u32 index)
{
    static const char *const kinds[] = {"function", "table", "memory", "global", "tag"};
    TextBuf type;
    dv_text_init(&type, command->arena);
    print_extern_type(&type, m, kind, index);
    printf("%s %s%s\n", which, kinds[kind], type.data);
}

static void print_externs(Command *command, const WasmModule *m)
{
    Arena *arena = command->arena;
    for (u32 i = 0; i < m->imports.len; i++) {
        const ImportDecl *import = &m->imports.data[i];
        const char *which = dv_arena_printf(
            arena, "import %s.%s:", dv_diag_quote(arena, import->module.data, import->module.len),
            dv_diag_quote(arena, import->name.data, import->name.len));
        print_extern(command, m, which, import->kind, import->index);
    }
    for (u32 i = 0; i < m->exports.len; i++) {
        const ExportDecl *export = &m->exports.data[i];
        const char *which = dv_arena_printf(
            arena, "export %s:", dv_diag_quote(arena, export->name.data, export->name.len));
        print_extern(command, m, which, export->kind, export->index);
    }
}

static int inspect_artifact(Command *command, const WasmInput *input, bool externs)
{
    static const char *const names[] = {
        "",        "metadata", "types",    "functions",   "handlers",
        "imports", "code",     "sources",  "native head", "native funcs",
        "traps",   "handlers", "adapters", "native code", "prologues"};
    const u32 flags = RT_LOAD_IN_PLACE | RT_LOAD_NATIVE; /* nothing of it is run */
    RtModule *module;
    RtError error;
    if (dv_rt_module_load(NULL, input->bytes, input->size, flags, &module, &error) != DAVIT_OK) {
        fprintf(stderr, "davit inspect: %s: error: %s\n", input->path, error.message);
        return EXIT_FAILED;
    }
    const WasmModule *info = dv_rt_module_info(module);
    printf("%s: artifact of version %u.%u, %" PRIu64 " bytes, %s%s\n", input->path, ARTIFACT_FORMAT,
           PULLEY_VERSION, (u64)input->size,
           dv_rt_module_is_native(module) ? "native code" : "verified",
           dv_rt_module_code(module)->metered ? ", metered" : "");
    u32 sections = load_le32(input->bytes + 8);
    for (u32 i = 0; i < sections; i++) {
        const u8 *row = input->bytes + ARTIFACT_HEADER_BYTES + (usize)i * ARTIFACT_ROW_BYTES;
        u32 kind = load_le32(row);
        printf("%-12s %10u %12u\n", kind < ARRAY_LEN(names) ? names[kind] : "?",
               (unsigned)load_le32(row + 12), (unsigned)load_le32(row + 8));
    }
    print_counts(info);
    print_features("features beyond 1.0", info->used);
    if (externs) {
        print_externs(command, info);
    }
    dv_rt_module_release(module);
    return EXIT_OK;
}

/* What the bytecode of a module comes to, next to what it was made from. */
static int inspect_compiled(Command *command, const WasmInput *input, const WasmModule *module)
{
    WasmCompileOptions options = {.features = dv_wasm_features_run(), .target = "pulley"};
    WasmCompileStats stats = {0};
    ByteBuf artifact;
    dv_bytebuf_init(&artifact, command->arena);
    if (!dv_wasm_input_compile(command, "inspect", input, &options, &artifact, &stats)) {
        return EXIT_FAILED;
    }
    u64 payload = module->sections[10].size;
    printf("bytecode %" PRIu64 " bytes, with tables and constants: %.3f times the code section\n",
           stats.code_bytes, payload == 0 ? 0.0 : (double)stats.code_bytes / (double)payload);
    return EXIT_OK;
}

int dv_cmd_inspect(Command *command)
{
    WordList words = {0};
    bool externs = false, compiled = false;
    WasmInput input;
    WasmModule module;
    Diag diag;
    WasmError error;
    Arena scratch;
    const Option options[] = {
        {"--externs", OPTION_FLAG, &externs, NULL, "list imports and exports with their types"},
        {"--compiled", OPTION_FLAG, &compiled, NULL, "compile, and compare sizes"},
    };
    const OptionTable table = {
        "inspect",
        "[options] FILE",
        "Shows the sections of a module or artifact, their sizes, and features used.\n",
        "  davit inspect --externs app.wasm\n",
        options,
        ARRAY_LEN(options),
        false,
        1,
        1};
    OptionsOutcome outcome = dv_options_read(command, &table, &words);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    if (!dv_wasm_input_read(command, "inspect", words.data[0], &input)) {
        return EXIT_FAILED;
    }
    if (input.kind == FILE_CLIF) {
        fprintf(stderr, "davit inspect: %s is CLIF: davit cat prints it\n", input.path);
        return EXIT_FAILED;
    }
    if (input.kind == FILE_ARTIFACT) {
        return inspect_artifact(command, &input, externs);
    }
    DecodeOptions decode = {.features = FEATURES_ALL};
    if (!dv_wasm_input_decode(command, "inspect", &input, &decode, &module)) {
        return EXIT_FAILED;
    }
    printf("%s: module of %" PRIu64 " bytes\n", input.path, (u64)input.size);
    print_counts(&module);
    dv_diag_init(&diag, command->arena);
    dv_arena_init(&scratch, command->arena->pool);
    bool valid =
        dv_wasm_validate(&scratch, &module, &diag, &error); /* bodies add to what is used */
    dv_arena_release(&scratch);
    if (!valid) {
        dv_wasm_input_refuse("inspect", &input, &diag, &error);
        return EXIT_FAILED;
    }
    print_features("features beyond 1.0", module.used);
    print_features("of these not executed", module.used & ~dv_wasm_features_run());
    if (externs) {
        print_externs(command, &module);
    }
    return compiled ? inspect_compiled(command, &input, &module) : EXIT_OK;
}

/* ---- disas ---- */

static void print_func(Command *command, const RtModule *module, u32 number)
{
    const PulleyModule *code = dv_rt_module_code(module);
    const WasmModule *info = dv_rt_module_info(module);
    const PulleyFunc *f = &code->funcs.data[number];
    Str name = dv_wasm_func_name(info, info->imported_funcs + number);
    u32 last = UINT32_MAX;
    printf("func%u: function %u%s%s, window %u, frame %u, %u bytes\n", (unsigned)number,
           (unsigned)(info->imported_funcs + number), name.len == 0 ? "" : " ",
           dv_diag_quote(command->arena, name.data, name.len), (unsigned)f->window,
           (unsigned)f->frame, (unsigned)f->size_bytes);
    for (u32 at = 0; at < f->size_bytes;) {
        PulleyInst inst;
        TextBuf text;
        ArenaMark mark = dv_arena_mark(command->arena);
        if (!dv_pulley_decode(code->code + f->code + at, f->size_bytes - at, code->big, &inst)) {
            return; /* verified code has none */
        }
        u32 source = dv_rt_module_source(module, number, at);
        dv_text_init(&text, command->arena);
        dv_pulley_print_inst(&text, code, f, &inst, at);
        if (source != last && source != UINT32_MAX) {
            printf("%8u  %-48s ; 0x%x\n", (unsigned)at, text.data, (unsigned)source);
        } else {
            printf("%8u  %s\n", (unsigned)at, text.data);
        }
        last = source;
        at += inst.size;
        dv_arena_release_to(command->arena, mark);
    }
}

int dv_cmd_disas(Command *command)
{
    WordList words = {0}, features = {0};
    u64 only = UINT64_MAX;
    WasmInput input;
    WasmCompileStats stats;
    WasmCompileOptions compile = {.features = dv_wasm_features_run(), .target = "pulley"};
    const Option options[] = {
        {"--func", OPTION_NUMBER, &only, "N",
         "only this function, by its index in the Wasm module"},
        {"--fast", OPTION_FLAG, &compile.fast, NULL, "compile fast: the fast register allocator"},
        {"--features", OPTION_LIST, &features, "LIST", "all, 3.0, 1.0, +NAME, -NAME, with commas"},
    };
    const OptionTable table = {
        "disas",
        "[options] FILE",
        "Prints the bytecode of an artifact, or of a module compiled for it; behind\n"
        "instructions, where in the Wasm binary they come from. Bytecode numbers functions\n"
        "without imports.\n",
        "  davit disas --func 3 app.dvt\n",
        options,
        ARRAY_LEN(options),
        false,
        1,
        1};
    OptionsOutcome outcome = dv_options_read(command, &table, &words);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    if (!dv_wasm_read_features(command, "disas", &features, &compile.features)) {
        return EXIT_USAGE;
    }
    if (!dv_wasm_input_read(command, "disas", words.data[0], &input)) {
        return EXIT_FAILED;
    }
    if (input.kind == FILE_CLIF) {
        fprintf(stderr, "davit disas: %s is CLIF: davit compile prints its code\n", input.path);
        return EXIT_FAILED;
    }
    RtModule *module =
        dv_wasm_input_load(command, "disas", &input, RT_LOAD_NATIVE, &compile, &stats);
    if (module == NULL) {
        return EXIT_FAILED;
    }
    if (dv_rt_module_is_native(module)) {
        fprintf(stderr, "davit disas: %s is of native code, and has no bytecode\n", input.path);
        dv_rt_module_release(module);
        return EXIT_FAILED;
    }
    u32 imported = dv_rt_module_info(module)->imported_funcs;
    u32 shown = 0;
    for (u32 i = 0; i < dv_rt_module_code(module)->funcs.len; i++) {
        if (only == UINT64_MAX || only == imported + i) {
            print_func(command, module, i);
            shown++;
        }
    }
    dv_rt_module_release(module);
    if (shown == 0 && only != UINT64_MAX) {
        fprintf(stderr, "davit disas: %s has no function %" PRIu64 " with code%s\n", input.path,
                only, only < imported ? ": it is imported" : "");
        return EXIT_FAILED;
    }
    return EXIT_OK;
}
