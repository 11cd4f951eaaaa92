/* wast_run.c - executes scripts of the specification's test suite.
 *
 * A module goes the whole way: text to binary, decoded, validated, compiled to an artifact, loaded, instantiated. One that needs a
 * feature which this version does not execute is skipped, with everything that speaks of it: what imports from it, calls of it,
 * assertions on these. The decoder has to name the feature, at the module; the caller holds that against a list. Modules
 * asserted to be invalid or malformed are held against the features of the folder, executed or not.
 *
 * Host references are numbers of the script: reference n is the address n + 1.
 */
#include "tools/wast_run.h"

#include <stdio.h>
#include <sys/stat.h>

#include "wasm/compile/wasm_compile.h"

typedef struct Named {
    Str id;
    RtModule *module;     /* of definitions; NULL: skipped */
    RtInstance *instance; /* of instances; NULL: skipped */
} Named;

typedef struct Script {
    Arena *arena; /* of what is reported */
    Arena work;   /* of the whole script */
    Arena scratch;
    const WastOptions *options;
    WastOutput *out;
    RtStore *store;
    RtLinker *linker;
    VEC(Named) definitions, instances;
    VEC(Str) skipped_names; /* registered by skipped modules */
    VEC(RtModule *) loaded;
    Str text;
    u32 line;
} Script;

/* ---- features of folders ---- */

static bool has_folder(const char *path, const char *folder)
{
    const char *at = strstr(path, folder);
    return at != NULL && (at == path || at[-1] == '/');
}

/* Whether a folder `proposals` lies beside the file: then the folder is the suite's core. */
static bool is_core(const char *path)
{
    char beside[4096];
    struct stat info;
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 0 : (int)(slash - path + 1);
    int n = snprintf(beside, sizeof beside, "%.*sproposals", length, path);
    return has_folder(path, "core/") ||
           (n > 0 && n < (int)sizeof beside && stat(beside, &info) == 0 && S_ISDIR(info.st_mode));
}

Features dv_wast_features(const char *path)
{
    static const struct {
        const char *folder;
        Features more;
    } proposals[] = {
        {"proposals/custom-page-sizes/", FEATURE_BIT(custom_page_sizes)},
        {"proposals/wide-arithmetic/", FEATURE_BIT(wide_arithmetic)},
        {"proposals/custom-descriptors/", FEATURE_BIT(custom_descriptors)},
        {"legacy/", FEATURE_BIT(legacy_exceptions)},
        {"custom/", FEATURES_NONE},
    };
    if (has_folder(path,
                   "proposals/threads/")) { /* older than 2.0: several memories are invalid there */
        return FEATURE_BIT(sign_extension) | FEATURE_BIT(saturating) |
               FEATURE_BIT(mutable_globals) | FEATURE_BIT(threads);
    }
    for (usize i = 0; i < ARRAY_LEN(proposals); i++) {
        if (has_folder(path, proposals[i].folder)) {
            return dv_wasm_features_3_0() | proposals[i].more;
        }
    }
    return is_core(path) ? dv_wasm_features_3_0() : FEATURES_ALL;
}

/* ---- reports ---- */

DV_PRINTF(2, 3) static void fail(Script *s, const char *format, ...)
{
    va_list args;
    TextBuf text;
    dv_text_init(&text, s->arena);
    va_start(args, format);
    dv_text_vprintf(&text, format, args);
    va_end(args);
    WastNote note = {s->line, FEATURE_COUNT, text.data};
    vec_push(s->arena, &s->out->notes, note);
    s->out->failed++;
}

static void count(Script *s, bool passed)
{
    if (passed) {
        s->out->passed++;
    }
}

static void note_skip(Script *s, u32 feature)
{
    WastNote note = {s->line, feature, NULL};
    vec_push(s->arena, &s->out->notes, note);
}

static bool starts_with(const char *text, Str start)
{
    return strlen(text) >= start.len && memcmp(text, start.data, start.len) == 0;
}

static bool same(Str a, Str b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* ---- modules ---- */

typedef struct Built {
    RtModule *module;
    const char *error; /* NULL */
    u32 missing;       /* Feature */
} Built;

static void built_error(Script *s, const Diag *diag, const WasmError *error, Built *out)
{
    const char *text = dv_diag_first(diag)->text;
    out->error = dv_arena_strdup(&s->work, text, strlen(text));
    out->missing = error->missing;
}

/* Decodes and validates by the features of the folder. */
static bool check(Script *s, const WastModule *m, Built *out)
{
    WasmModule *module = ARENA_NEW(&s->scratch, WasmModule);
    DecodeOptions options = {.features = s->options->features};
    Arena spare;
    Diag diag;
    WasmError error;
    *out = (Built){NULL, m->error, FEATURE_COUNT};
    if (m->bytes == NULL) {
        return false;
    }
    dv_arena_init(&spare, s->work.pool);
    dv_diag_init(&diag, &s->work);
    bool ok = dv_wasm_decode(&s->scratch, m->bytes, m->size, &options, module, &diag, &error) &&
              dv_wasm_validate(&spare, module, &diag, &error);
    if (!ok) {
        built_error(s, &diag, &error, out);
        /* Text whose number fits the format, but not what the features leave of it: there it would not have been read. */
        if (m->form != WAST_FORM_BINARY && strncmp(out->error, "integer too large", 17) == 0) {
            out->error = "i32 constant out of range";
        }
    }
    dv_arena_release(&spare);
    dv_arena_release(&s->scratch);
    return ok;
}

static bool compile(Script *s, const WastModule *m, ByteBuf *artifact, Built *out)
{
    WasmModule *module = ARENA_NEW(&s->scratch, WasmModule);
    DecodeOptions decode = {.features = s->options->features & dv_wasm_features_run()};
    WasmCompileOptions options = s->options->compile;
    options.features = decode.features;
    WasmCompileStats stats;
    Arena spare;
    Diag diag;
    WasmError error;
    dv_arena_init(&spare, s->work.pool);
    dv_diag_init(&diag, &s->work);
    bool ok = dv_wasm_decode(&s->scratch, m->bytes, m->size, &decode, module, &diag, &error) &&
              dv_wasm_compile(module, &options, &spare, artifact, &stats, &diag, &error);
    if (!ok) {
        built_error(s, &diag, &error, out);
    }
    dv_arena_release(&spare);
    dv_arena_release(&s->scratch);
    return ok;
}

static void build(Script *s, const WastModule *m, Built *out)
{
    ByteBuf artifact;
    RtError error;
    *out = (Built){NULL, m->error, FEATURE_COUNT};
    if (m->bytes == NULL) {
        return;
    }
    dv_bytebuf_init(&artifact, &s->work);
    if (!compile(s, m, &artifact, out)) {
        return;
    }
    if (dv_rt_module_load(NULL, artifact.data, artifact.len, RT_LOAD_IN_PLACE | RT_LOAD_NATIVE,
                          &out->module, &error) != DAVIT_OK) {
        out->error = dv_arena_strdup(&s->work, error.message, strlen(error.message));
        return;
    }
    vec_push(&s->work, &s->loaded, out->module);
}

static bool imports_skipped(const Script *s, const RtModule *module)
{
    const WasmModule *info = dv_rt_module_info(module);
    for (u32 i = 0; i < info->imports.len; i++) {
        for (u32 n = 0; n < s->skipped_names.len; n++) {
            if (same(s->skipped_names.data[n], info->imports.data[i].module)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- instances ---- */

static Named *find(Named *list, u32 count_, Str id)
{
    for (u32 i = count_; i-- > 0;) {
        if (id.len == 0 || same(list[i].id, id)) {
            return &list[i];
        }
    }
    return NULL;
}

typedef enum Start { STARTED, START_SKIPPED, START_FAILED } Start;

/* Instantiates; after START_FAILED *why says why: "unknown import ...", a trap's message. */
static Start instantiate(Script *s, RtModule *module, RtInstance **out, const char **why)
{
    RtTrap *trap = NULL;
    RtError error;
    if (imports_skipped(s, module)) {
        return START_SKIPPED;
    }
    if (dv_rt_linker_instantiate(s->linker, module, out, &trap, &error) == DAVIT_OK) {
        return STARTED;
    }
    const char *text = trap != NULL ? trap->message : error.message;
    *why = dv_arena_strdup(&s->work, text, strlen(text));
    dv_rt_trap_free(trap);
    return START_FAILED;
}

static void add_instance(Script *s, Str id, RtModule *module)
{
    Named named = {id, NULL, NULL};
    const char *why;
    if (module != NULL && instantiate(s, module, &named.instance, &why) == START_FAILED) {
        fail(s, "cannot instantiate: %s", why);
    }
    vec_push(&s->work, &s->instances, named);
}

static bool is_executed(u32 feature)
{
    return feature >= FEATURE_COUNT || dv_wasm_features[feature].runs;
}

/* The module of a command, NULL if it is skipped or failed. */
static RtModule *define(Script *s, const WastModule *m)
{
    Built built;
    build(s, m, &built);
    if (built.module == NULL) {
        if (is_executed(built.missing)) {
            fail(s, "module: %s", built.error);
        } else {
            note_skip(s, built.missing);
        }
    }
    return built.module;
}

static void run_module(Script *s, const WastCommand *c)
{
    RtModule *module;
    if (c->kind == WAST_MODULE_INSTANCE) {
        Named *definition = find(s->definitions.data, s->definitions.len, c->of);
        if (definition == NULL) {
            fail(s, "there is no such module definition");
            return;
        }
        add_instance(s, c->id, definition->module);
        return;
    }
    module = define(s, &c->module);
    Named named = {c->module.id, module, NULL};
    vec_push(&s->work, &s->definitions, named);
    if (c->kind == WAST_MODULE) {
        add_instance(s, c->module.id, module);
    }
}

static void run_register(Script *s, const WastCommand *c)
{
    Named *named = find(s->instances.data, s->instances.len, c->id);
    if (named == NULL) {
        fail(s, "there is no such instance");
    } else if (named->instance == NULL) {
        vec_push(&s->work, &s->skipped_names, c->name);
    } else {
        dv_rt_linker_instance(s->linker, c->name, named->instance);
    }
}

/* ---- values ---- */

static void *host_object(u64 number)
{
    return (void *)(uintptr_t)(number + 1);
}

static bool read_arg(Script *s, const WastValue *value, RtVal *out)
{
    *out = (RtVal){value->bits[0], value->bits[1]};
    switch (value->kind) {
    case WAST_I32:
    case WAST_I64:
    case WAST_F32:
    case WAST_F64:
    case WAST_V128:
        return true;
    case WAST_REF_NULL:
        *out = (RtVal){0, 0};
        return true;
    case WAST_REF_EXTERN:
    case WAST_REF_HOST:
        *out = (RtVal){dv_rt_ref_new(s->store, host_object(value->bits[0]), NULL), 0};
        return out->lo != 0;
    default:
        return false;
    }
}

static bool nan_fits(u8 pattern, u64 bits, bool is_double)
{
    u64 quiet = is_double ? (u64)1 << 51 : (u64)1 << 22;
    u64 exponent = is_double ? (u64)0x7ff << 52 : (u64)0xff << 23;
    u64 fraction = (is_double ? (u64)1 << 52 : (u64)1 << 23) - 1;
    if ((bits & exponent) != exponent || (bits & quiet) == 0) {
        return false;
    }
    return pattern == WAST_NAN_ARITHMETIC || (bits & fraction) == quiet;
}

static bool float_fits(const WastValue *want, u32 lane, u64 want_bits, u64 bits, bool is_double)
{
    return want->nan[lane] == WAST_EXACT ? bits == want_bits
                                         : nan_fits(want->nan[lane], bits, is_double);
}

static bool vector_fits(const WastValue *want, RtVal got)
{
    if (!want->is_float) {
        return got.lo == want->bits[0] && got.hi == want->bits[1];
    }
    for (u32 half = 0; half < 2; half++) {
        u64 bits = half == 0 ? got.lo : got.hi;
        if (want->shape == 3 && !float_fits(want, half, want->bits[half], bits, true)) {
            return false;
        }
        for (u32 i = 0; i < 2 && want->shape == 2; i++) {
            u64 expected = want->bits[half] >> (32 * i) & UINT32_MAX;
            if (!float_fits(want, half * 2 + i, expected, bits >> (32 * i) & UINT32_MAX, false)) {
                return false;
            }
        }
    }
    return true;
}

static bool one_value_fits(Script *s, const WastValue *want, ValType type, RtVal got)
{
    bool is_host = vt_is_ref(type) && dv_rt_ref_object(s->store, (u32)got.lo) != NULL;
    switch (want->kind) {
    case WAST_I32:
        return type == VT_I32 && (u32)got.lo == (u32)want->bits[0];
    case WAST_I64:
        return type == VT_I64 && got.lo == want->bits[0];
    case WAST_F32:
        return type == VT_F32 && float_fits(want, 0, want->bits[0], (u32)got.lo, false);
    case WAST_F64:
        return type == VT_F64 && float_fits(want, 0, want->bits[0], got.lo, true);
    case WAST_V128:
        return type == VT_V128 && vector_fits(want, got);
    case WAST_REF_NULL:
        return vt_is_ref(type) && (u32)got.lo == 0;
    case WAST_REF_EXTERN:
    case WAST_REF_HOST:
        return is_host && (!want->has_number ||
                           dv_rt_ref_object(s->store, (u32)got.lo) == host_object(want->bits[0]));
    case WAST_REF_FUNC:
        return vt_is_ref(type) && dv_rt_ref_func(s->store, (u32)got.lo) != NULL && !is_host;
    default:
        return false; /* of features that are not executed */
    }
}

static bool value_fits(Script *s, const WastValue *want, ValType type, RtVal got)
{
    if (want->kind != WAST_EITHER) {
        return one_value_fits(s, want, type, got);
    }
    for (u32 i = 0; i < want->num_options; i++) {
        if (one_value_fits(s, &want->options[i], type, got)) {
            return true;
        }
    }
    return false;
}

/* ---- actions ---- */

typedef enum Done { DONE, DONE_TRAP, DONE_SKIPPED, DONE_FAILED } Done;

typedef struct Result {
    const RtFuncType *type; /* of a global: one result */
    RtFuncType global;
    ValType global_type;
    RtVal *values;
    u32 code; /* of a trap */
    const char *message;
} Result;

static Done call(Script *s, const WastAction *a, RtFunc *func, Result *out)
{
    out->type = dv_rt_type_of(s->store, func->type_id);
    if (out->type->num_params != a->num_args) {
        fail(s, "the function takes %u arguments", (unsigned)out->type->num_params);
        return DONE_FAILED;
    }
    RtVal *args = ARENA_ARRAY(&s->work, RtVal, a->num_args + 1);
    out->values = ARENA_ARRAY(&s->work, RtVal, out->type->num_results + 1);
    for (u32 i = 0; i < a->num_args; i++) {
        if (!read_arg(s, &a->args[i], &args[i]) ||
            !dv_rt_val_fits(s->store, args[i], out->type->params[i])) {
            fail(s, "argument %u is none of the function's", (unsigned)i);
            return DONE_FAILED;
        }
    }
    RtTrap *trap = dv_rt_call(s->store, func, args, out->values);
    if (trap == NULL) {
        return DONE;
    }
    out->code = trap->code;
    out->message = dv_arena_strdup(&s->work, trap->message, strlen(trap->message));
    dv_rt_trap_free(trap);
    return DONE_TRAP;
}

static Done act(Script *s, const WastAction *a, Result *out)
{
    RtExtern found;
    Named *named = find(s->instances.data, s->instances.len, a->instance);
    if (named == NULL) {
        fail(s, "there is no such instance");
        return DONE_FAILED;
    }
    if (named->instance == NULL) {
        return DONE_SKIPPED;
    }
    if (!dv_rt_instance_find(named->instance, a->name, &found) ||
        found.kind != (a->is_get ? EXTERN_GLOBAL : EXTERN_FUNC)) {
        fail(s, "there is no such export: %s", dv_diag_quote(&s->work, a->name.data, a->name.len));
        return DONE_FAILED;
    }
    if (!a->is_get) {
        return call(s, a, found.of.func, out);
    }
    out->global_type = found.of.global->type;
    out->global = (RtFuncType){0, 1, NULL, &out->global_type};
    out->type = &out->global;
    out->values = ARENA_NEW(&s->work, RtVal);
    *out->values = dv_rt_global_get(found.of.global);
    return DONE;
}

static void print_result(TextBuf *text, const Result *r)
{
    for (u32 i = 0; i < r->type->num_results; i++) {
        dv_text_str(text, i == 0 ? "" : ", ");
        dv_wasm_print_type(text, r->type->results[i]);
        dv_text_printf(text, " 0x%" PRIx64, r->values[i].lo);
        if (r->type->results[i] == VT_V128) {
            dv_text_printf(text, ":0x%" PRIx64, r->values[i].hi);
        }
    }
}

static void assert_return(Script *s, const WastCommand *c)
{
    Result r;
    TextBuf text;
    switch (act(s, &c->action, &r)) {
    case DONE_SKIPPED:
        s->out->skipped++;
        return;
    case DONE_TRAP:
        fail(s, "trapped: %s", r.message);
        return;
    case DONE_FAILED:
        return;
    default:
        break;
    }
    bool fits = r.type->num_results == c->num_results;
    for (u32 i = 0; i < c->num_results && fits; i++) {
        fits = value_fits(s, &c->results[i], r.type->results[i], r.values[i]);
    }
    if (!fits) {
        dv_text_init(&text, &s->work);
        print_result(&text, &r);
        fail(s, "returned another value: %s", text.data);
    }
    count(s, fits);
}

static void expect_message(Script *s, const char *what, const char *got, Str want)
{
    if (!starts_with(got, want)) {
        fail(s, "%s by \"%s\", expected \"%.*s\"", what, got, (int)want.len, want.data);
        return;
    }
    count(s, true);
}

/* A module whose instantiation fails: by a trap, or for want of what it imports. */
static void assert_not_started(Script *s, const WastCommand *c, const char *what)
{
    Built built;
    RtInstance *instance;
    const char *why;
    build(s, &c->module, &built);
    if (built.module == NULL && !is_executed(built.missing)) {
        note_skip(s, built.missing);
        s->out->skipped++;
    } else if (built.module == NULL) {
        fail(s, "module: %s", built.error);
    } else {
        Start start = instantiate(s, built.module, &instance, &why);
        s->out->skipped += start == START_SKIPPED;
        if (start == STARTED) {
            fail(s, "instantiated, expected \"%.*s\"", (int)c->text.len, c->text.data);
        } else if (start == START_FAILED) {
            expect_message(s, what, why, c->text);
        }
    }
}

static void assert_trap(Script *s, const WastCommand *c)
{
    Result r;
    if (c->has_module) {
        assert_not_started(s, c, "trapped");
        return;
    }
    Done done = act(s, &c->action, &r);
    s->out->skipped += done == DONE_SKIPPED;
    if (done == DONE) {
        fail(s, "returned, expected \"%.*s\"", (int)c->text.len, c->text.data);
    } else if (done == DONE_TRAP) {
        expect_message(s, "trapped", r.message, c->text);
    }
}

static void assert_exception(Script *s, const WastCommand *c)
{
    Result r;
    Done done = act(s, &c->action, &r);
    s->out->skipped += done == DONE_SKIPPED;
    if (done == DONE) {
        fail(s, "returned, expected an exception");
    } else if (done == DONE_TRAP && r.code != PULLEY_TRAP_exception) {
        fail(s, "trapped, expected an exception: %s", r.message);
    } else {
        count(s, done == DONE_TRAP);
    }
}

/* A module that must not be accepted, by features that this version need not execute. */
static void assert_refused(Script *s, const WastCommand *c)
{
    Built built;
    if (check(s, &c->module, &built)) {
        fail(s, "accepted, expected \"%.*s\"", (int)c->text.len, c->text.data);
    } else {
        expect_message(s, "refused", built.error, c->text);
    }
}

static void run_command(Script *s, const WastCommand *c)
{
    Result r;
    s->line = c->line;
    switch ((WastKind)c->kind) {
    case WAST_MODULE:
    case WAST_MODULE_DEFINITION:
    case WAST_MODULE_INSTANCE:
        run_module(s, c);
        break;
    case WAST_REGISTER:
        run_register(s, c);
        break;
    case WAST_ACTION:
        if (act(s, &c->action, &r) == DONE_TRAP) {
            fail(s, "trapped: %s", r.message);
        }
        break;
    case WAST_ASSERT_RETURN:
        assert_return(s, c);
        break;
    case WAST_ASSERT_TRAP:
    case WAST_ASSERT_EXHAUSTION:
        assert_trap(s, c);
        break;
    case WAST_ASSERT_EXCEPTION:
        assert_exception(s, c);
        break;
    case WAST_ASSERT_INVALID:
    case WAST_ASSERT_MALFORMED:
    case WAST_ASSERT_INVALID_CUSTOM:
    case WAST_ASSERT_MALFORMED_CUSTOM:
        assert_refused(s, c);
        break;
    case WAST_ASSERT_UNLINKABLE:
        assert_not_started(s, c, "refused");
        break;
    default: /* threads and waiting for them */
        note_skip(s, FEATURE_threads);
        break;
    }
}

/* ---- the host module ---- */

static RtTrap *print_nothing(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    (void)context;
    (void)store;
    (void)args;
    (void)results;
    return NULL;
}

static void define_one(Script *s, const char *name, u8 kind, void *object)
{
    RtExtern what = {.kind = kind};
    Str module = {"spectest", 8}, text = {name, (u32)strlen(name)};
    switch (kind) {
    case EXTERN_FUNC:
        what.of.func = object;
        break;
    case EXTERN_TABLE:
        what.of.table = object;
        break;
    case EXTERN_MEMORY:
        what.of.memory = object;
        break;
    default:
        what.of.global = object;
        break;
    }
    if (object == NULL || !dv_rt_linker_define(s->linker, module, text, what)) {
        dv_escape(s->work.pool, DAVIT_ERROR_MEMORY);
    }
}

/* The module that scripts import from, as the reference interpreter has it. */
static void define_spectest(Script *s)
{
    static const struct {
        const char *name;
        u32 count;
        ValType params[2];
    } prints[] = {
        {"print", 0, {0}},
        {"print_i32", 1, {VT_I32}},
        {"print_i64", 1, {VT_I64}},
        {"print_f32", 1, {VT_F32}},
        {"print_f64", 1, {VT_F64}},
        {"print_i32_f32", 2, {VT_I32, VT_F32}},
        {"print_f64_f64", 2, {VT_F64, VT_F64}},
    };
    static const struct {
        const char *name;
        ValType type;
        u64 bits;
    } globals[] = {
        {"global_i32", VT_I32, 666},
        {"global_i64", VT_I64, 666},
        {"global_f32", VT_F32, 0x4426a666},          /* 666.6 */
        {"global_f64", VT_F64, 0x4084d4cccccccccdu}, /* 666.6 */
    };
    static const RtHostFunc host = {print_nothing, NULL, NULL};
    RtError error;
    for (usize i = 0; i < ARRAY_LEN(prints); i++) {
        RtFuncType type = {prints[i].count, 0, prints[i].params, NULL};
        u32 id = dv_rt_type(s->store, &type);
        define_one(s, prints[i].name, EXTERN_FUNC, dv_rt_func_new(s->store, id, &host, &error));
    }
    for (usize i = 0; i < ARRAY_LEN(globals); i++) {
        RtVal value = {globals[i].bits, 0};
        define_one(s, globals[i].name, EXTERN_GLOBAL,
                   dv_rt_global_new(s->store, globals[i].type, false, value, &error));
    }
    for (u32 i = 0; i < 2; i++) {
        TableDecl decl = {VT_FUNCREF, {10, 20, true, i == 1, false}, {0, 0}};
        define_one(s, i == 0 ? "table" : "table64", EXTERN_TABLE,
                   dv_rt_table_new(s->store, &decl, 0, &error));
    }
    MemoryDecl memory = {{1, 2, true, false, false}, 16};
    define_one(s, "memory", EXTERN_MEMORY, dv_rt_memory_new(s->store, &memory, &error));
    if ((s->options->features & FEATURE_BIT(threads)) != 0) {
        memory.limits.shared = true;
        define_one(s, "shared_memory", EXTERN_MEMORY, dv_rt_memory_new(s->store, &memory, &error));
    }
}

/* ---- the script ---- */

static void run_script(void *context)
{
    Script *s = context;
    WastCommand *commands;
    u32 num_commands;
    Diag diag;
    RtStoreConfig config = {.form = s->options->form, .guarded = s->options->guarded};
    dv_diag_init(&diag, s->arena);
    if (!dv_wast_parse(&s->work, s->text, &commands, &num_commands, &diag)) {
        const DiagMessage *first = dv_diag_first(&diag);
        s->line = first->line;
        fail(s, "%s", first->text);
        return;
    }
    if (dv_rt_store_new(&config, &s->store) != DAVIT_OK ||
        (s->linker = dv_rt_linker_new(s->store)) == NULL) {
        dv_escape(s->work.pool, DAVIT_ERROR_MEMORY);
    }
    define_spectest(s);
    for (u32 i = 0; i < num_commands; i++) {
        run_command(s, &commands[i]);
    }
}

void dv_wast_run(Str text, const WastOptions *options, Arena *arena, Pool *pool, WastOutput *out)
{
    Script s = {.arena = arena, .options = options, .out = out, .text = text};
    dv_arena_init(&s.work, pool);
    dv_arena_init(&s.scratch, pool);
    *out = (WastOutput){.status = DAVIT_OK};
    out->status = dv_pool_protect(pool, run_script, &s);
    if (s.linker != NULL) {
        dv_rt_linker_free(s.linker);
    }
    if (s.store != NULL) {
        dv_rt_store_release(s.store);
    }
    for (u32 i = 0; i < s.loaded.len; i++) {
        dv_rt_module_release(s.loaded.data[i]);
    }
    dv_arena_release(&s.scratch);
    dv_arena_release(&s.work);
}
