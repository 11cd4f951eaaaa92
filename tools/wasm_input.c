/* wasm_input.c - reads, compiles and loads Wasm files for subcommands. */
#include "tools/wasm_input.h"

#include <stdio.h>
#include <time.h>

#include "base/threads.h"
#include "tools/files.h"
#include "wasm/runtime/artifact.h"

/* ---- features ---- */

static bool read_feature(const char *word, usize length, Features *features)
{
    static const struct {
        const char *name;
        Features features;
    } sets[] = {{"all", FEATURES_ALL}, {"1.0", FEATURES_NONE}};
    for (usize i = 0; i < ARRAY_LEN(sets); i++) {
        if (strlen(sets[i].name) == length && memcmp(sets[i].name, word, length) == 0) {
            *features = sets[i].features;
            return true;
        }
    }
    if (length == 3 && memcmp(word, "3.0", 3) == 0) {
        *features = dv_wasm_features_3_0();
        return true;
    }
    bool is_off = word[0] == '-';
    usize sign = is_off || word[0] == '+';
    Feature feature = dv_wasm_feature_find(word + sign, length - sign);
    if (feature == FEATURE_COUNT) {
        return false;
    }
    Features bit = (Features)1 << feature;
    *features = is_off ? *features & ~bit : *features | bit;
    return true;
}

bool dv_wasm_read_features(Command *command, const char *name, const WordList *words,
                           Features *features)
{
    for (u32 i = 0; i < words->len; i++) {
        for (const char *at = words->data[i];;) {
            usize length = strcspn(at, ",");
            if (length == 0 || !read_feature(at, length, features)) {
                fprintf(
                    stderr,
                    "davit %s: cannot use \"%s\" for --features: davit features lists what there "
                    "is\n",
                    name, dv_diag_quote(command->arena, at, length));
                return false;
            }
            at += length;
            if (*at++ == '\0') {
                break;
            }
        }
    }
    return true;
}

/* ---- reading ---- */

static bool ends_in(const char *text, const char *suffix)
{
    usize n = strlen(text), s = strlen(suffix);
    return n >= s && strcmp(text + n - s, suffix) == 0;
}

/* Behind blanks and the comments that CLIF has, to the end of their lines. */
static usize clif_start(const u8 *bytes, usize size)
{
    usize i = 0;
    bool in_comment = false;
    for (; i < size; i++) {
        bool is_end = bytes[i] == '\n' || bytes[i] == '\r';
        bool is_blank = bytes[i] == ' ' || bytes[i] == '\t' || is_end;
        in_comment = (in_comment && !is_end) || bytes[i] == ';';
        if (!in_comment && !is_blank) {
            break;
        }
    }
    return i;
}

bool dv_wasm_input_is_clif(const char *path, const u8 *bytes, usize size)
{
    static const char *const words[] = {"function ", "test ", "target ", "set ", "feature "};
    if (ends_in(path, ".clif")) {
        return true;
    }
    if (ends_in(path, ".wat") || ends_in(path, ".wasm") || ends_in(path, ".wast") ||
        ends_in(path, ".dvt") || (size != 0 && bytes[0] == 0)) {
        return false;
    }
    usize i = clif_start(bytes, size);
    for (usize n = 0; n < ARRAY_LEN(words); n++) {
        usize length = strlen(words[n]);
        if (size - i > length && memcmp(bytes + i, words[n], length) == 0) {
            return true;
        }
    }
    return false;
}

static bool convert_text(Command *command, const char *name, WasmInput *input)
{
    Diag diag;
    ByteBuf binary;
    Str text = {(const char *)input->bytes, (u32)input->size};
    dv_diag_init(&diag, command->arena);
    dv_bytebuf_init(&binary, command->arena);
    if (!dv_wat_to_binary(command->arena, text, &binary, &input->places, &diag)) {
        TextBuf out;
        dv_text_init(&out, command->arena);
        dv_diag_format(&diag, input->path, &out);
        fprintf(stderr, "davit %s: %s", name, out.data);
        return false;
    }
    input->bytes = binary.data;
    input->size = binary.len;
    return true;
}

bool dv_wasm_input_read(Command *command, const char *name, const char *path, WasmInput *input)
{
    IoBytes bytes;
    const char *error;
    *input = (WasmInput){.path = path};
    if (dv_io_read(command->arena, path, TOOL_MAX_INPUT, &bytes, &error) != DAVIT_OK) {
        fprintf(stderr, "davit %s: %s\n", name, error);
        return false;
    }
    input->bytes = bytes.data;
    input->size = bytes.size;
    if (dv_wasm_input_is_clif(path, bytes.data, bytes.size)) {
        input->kind = FILE_CLIF;
        return true;
    }
    if (bytes.size == 0) {
        fprintf(stderr, "davit %s: %s: error: the file is empty\n", name, path);
        return false;
    }
    if (bytes.size >= 4 && memcmp(bytes.data, ARTIFACT_MAGIC, 4) == 0) {
        input->kind = FILE_ARTIFACT;
        return true;
    }
    /* What is neither is taken for a binary, whose decoder says what is missing. */
    bool is_binary = ends_in(path, ".wasm") || ends_in(path, ".dvt") || bytes.data[0] == 0;
    input->kind = is_binary ? FILE_BINARY : FILE_TEXT;
    if (is_binary) {
        return true;
    }
    usize start = clif_start(bytes.data, bytes.size); /* they have the same blanks */
    if (!ends_in(path, ".wat") && start < bytes.size && bytes.data[start] != '(') {
        fprintf(stderr, "davit %s: %s: error: neither a module, binary or text, nor an artifact\n",
                name, path);
        return false;
    }
    return convert_text(command, name, input);
}

/* ---- errors ---- */

void dv_wasm_input_refuse(const char *name, const WasmInput *input, const Diag *diag,
                          const WasmError *error)
{
    const DiagMessage *first = dv_diag_first(diag);
    const WatPlace *place =
        input->kind == FILE_TEXT ? dv_wat_place(&input->places, error->offset) : NULL;
    const char *feature =
        error->missing < FEATURE_COUNT ? dv_wasm_features[error->missing].text : "";
    const char *hint = error->missing >= FEATURE_COUNT         ? ""
                       : dv_wasm_features[error->missing].runs ? "; --features switches it on: +"
                                                               : "; this version does not execute ";
    fprintf(stderr, "davit %s: %s:", name, input->path);
    if (place != NULL) {
        fprintf(stderr, "%u:%u:", (unsigned)place->line, (unsigned)place->column);
    }
    fprintf(stderr, " error: %s%s%s\n", first->text, hint, feature);
}

bool dv_wasm_input_decode(Command *command, const char *name, const WasmInput *input,
                          const DecodeOptions *options, WasmModule *module)
{
    Diag diag;
    WasmError error;
    dv_diag_init(&diag, command->arena);
    if (!dv_wasm_decode(command->arena, input->bytes, input->size, options, module, &diag,
                        &error)) {
        dv_wasm_input_refuse(name, input, &diag, &error);
        return false;
    }
    return true;
}

/* ---- compiling and loading ---- */

enum { QUIET_NS = 1000000000, REDRAW_NS = 100000000 };

/* What a terminal is shown of work that takes longer than a second. */
typedef struct Progress {
    const char *path;
    u64 next_ns; /* when something is shown again */
    bool is_shown;
} Progress;

static u64 now_ns(void)
{
    struct timespec now;
    return timespec_get(&now, TIME_UTC) == 0 ? 0 : (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

static void show_progress(void *context, u32 done, u32 all)
{
    Progress *p = context;
    u64 now = now_ns();
    if (now >= p->next_ns) {
        fprintf(stderr, "\r%s: %u of %u functions compiled", p->path, (unsigned)done,
                (unsigned)all);
        fflush(stderr);
        p->next_ns = now + REDRAW_NS;
        p->is_shown = true;
    }
}

/* Threads are worth their start where compiling takes some tenths of a second. */
enum { THREADED_BYTES = 256 * 1024, CODE_SECTION = 10 };

static u32 choose_jobs(const WasmModule *module)
{
    return module->sections[CODE_SECTION].size < THREADED_BYTES ? 1 : dv_threads_processors();
}

bool dv_wasm_input_compile(Command *command, const char *name, const WasmInput *input,
                           const WasmCompileOptions *options, ByteBuf *artifact,
                           WasmCompileStats *stats)
{
    Diag diag;
    WasmError error;
    WasmModule module;
    Arena scratch;
    DecodeOptions decode = {.features = options->features};
    if (!dv_wasm_input_decode(command, name, input, &decode, &module)) {
        return false;
    }
    dv_diag_init(&diag, command->arena);
    dv_arena_init(&scratch, command->arena->pool);
    WasmCompileOptions watched = *options;
    Progress progress = {.path = input->path, .next_ns = now_ns() + QUIET_NS};
    if (watched.jobs == 0) {
        watched.jobs = choose_jobs(&module);
    }
    if (dv_files_has_terminal()) {
        watched.on_progress = show_progress;
        watched.progress_context = &progress;
    }
    bool ok = dv_wasm_compile(&module, &watched, &scratch, artifact, stats, &diag, &error);
    dv_arena_release(&scratch);
    if (progress.is_shown) {
        fputs("\r\033[K", stderr); /* the line is empty again */
    }
    if (!ok) {
        dv_wasm_input_refuse(name, input, &diag, &error);
    }
    return ok;
}

RtModule *dv_wasm_input_load(Command *command, const char *name, const WasmInput *input, u32 flags,
                             const WasmCompileOptions *options, WasmCompileStats *stats)
{
    RtModule *module;
    RtError error;
    ByteBuf artifact;
    const u8 *bytes = input->bytes;
    usize size = input->size;
    flags |= RT_LOAD_IN_PLACE;
    if (input->kind != FILE_ARTIFACT) {
        dv_bytebuf_init(&artifact, command->arena);
        if (!dv_wasm_input_compile(command, name, input, options, &artifact, stats)) {
            return NULL;
        }
        bytes = artifact.data;
        size = artifact.len;
        flags |= RT_LOAD_TRUSTED | RT_LOAD_NATIVE;
    }
    bool wants_native = strcmp(options->target, "pulley") != 0 && !options->or_bytecode;
    flags |= wants_native ? RT_LOAD_NATIVE : 0; /* whoever says so trusts the file */
    davit_status_t status = dv_rt_module_load(NULL, bytes, size, flags, &module, &error);
    if (status != DAVIT_OK) {
        bool may_ask = strcmp(name, "run") == 0 && status == DAVIT_ERROR_UNSUPPORTED &&
                       (flags & RT_LOAD_NATIVE) == 0;
        fprintf(stderr, "davit %s: %s: error: %s%s\n", name, input->path, error.message,
                may_ask && strstr(error.message, "native") != NULL ? ": --engine native" : "");
        return NULL;
    }
    if (wants_native && !dv_rt_module_is_native(module)) {
        fprintf(stderr, "davit %s: %s: error: it is bytecode: --engine pulley\n", name,
                input->path);
        dv_rt_module_release(module);
        return NULL;
    }
    return module;
}

bool dv_wasm_choose_engine(const char *name, const char *engine, const char *memory,
                           const char *only_bytecode, WasmCompileOptions *options, bool *guarded)
{
    u32 features;
    const char *target = dv_rt_native_target(&features);
    bool is_demanded = strcmp(engine, "native") == 0;
    const char *missing = target == NULL ? "native code" : only_bytecode;
    if (is_demanded && missing != NULL) {
        fprintf(stderr, "davit %s: cannot use \"native\": %s %s\n", name, missing,
                target == NULL ? "is not there on this host, or in this build"
                               : "is the interpreter's: --engine pulley");
        return false;
    }
    bool is_native = missing == NULL && strcmp(engine, "pulley") != 0;
    options->target = is_native ? target : "pulley";
    options->cpu = is_native ? features : 0;
    options->or_bytecode = is_native && !is_demanded;
    options->checked = strcmp(memory, "checked") == 0 || (is_native && !dv_rt_can_guard());
    *guarded = is_native && !options->checked;
    return true;
}

void dv_wasm_print_fallbacks(const WasmCompileStats *stats)
{
    if (stats->fast_fallbacks != 0) {
        fprintf(stderr, "; %" PRIu64 " functions too large for the main register allocator",
                stats->fast_fallbacks);
    }
    fputc('\n', stderr);
}

/* ---- writing ---- */

const char *dv_wasm_output_path(Arena *arena, const char *path, const char *ending)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash == NULL ? path : slash, '.');
    usize length = dot == NULL ? strlen(path) : (usize)(dot - path);
    return strcmp(path, "-") == 0 ? "-"
                                  : dv_arena_printf(arena, "%.*s%s", (int)length, path, ending);
}

int dv_wasm_output_write(Command *command, const char *name, const char *input_path,
                         const char *path, IoBytes bytes)
{
    const char *error;
    if (strcmp(path, "-") != 0 && strcmp(input_path, "-") != 0 && dv_files_same(path, input_path)) {
        fprintf(stderr,
                "davit %s: %s: error: the output would replace the input: -o names another\n", name,
                path);
        return EXIT_FAILED;
    }
    if (dv_io_write(command->arena, path, bytes, &error) != DAVIT_OK) {
        fprintf(stderr, "davit %s: %s\n", name, error);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}
