/* diff_wasm.c - a Wasm module on every engine of this build, in every way it can run there: bytecode and native code, of
 * the main and of the fast register allocator, with guard pages and with comparisons, with fuel counted and without.
 *
 * All ways go through the same calls side by side, each in a store of its own. After each call they are compared with the first
 * way, which is metered bytecode: results, traps with their backtraces, fuel used, what was asked of the host, and all
 * memories, globals and tables. Code that does not count fuel is called only when the first way ended within its own, with a
 * deadline.
 *
 * How deep calls may go depends on the frames that an engine makes. After an overflow, or when fuel ran out, which
 * some ways did not see, all ways begin again with new instances.
 */
#include <stdio.h>

#include "base/bytes.h"
#include "tools/diff.h"
#include "tools/wasm_input.h"

enum {
    WAYS_MAX = 12,
    VALUES_MAX = 64, /* arguments or results of an export */
    MEMORY_BYTES_MAX = 256 << 20,
    TABLE_ELEMS_MAX = 100000
};
#define DEADLINE_NS ((u64)60 * 1000000000)

/* A way to run the module, and what the last call gave. */
typedef struct Way {
    bool is_native, is_fast, is_checked, is_metered;
    RtModule *module;
    RtStore *store;
    RtInstance *instance;
    DiffHost *host;
    davit_status_t status; /* of the instantiation */
    RtTrap *trap;
    RtVal results[VALUES_MAX];
    u64 fuel_used;
} Way;

typedef struct WasmDiff {
    Command *command;
    const WasmDiffOptions *options;
    DiffTally *tally;
    WasmInput input;
    Way ways[WAYS_MAX]; /* the first one is what the others are held against */
    u32 num_ways;
    const WasmModule *info; /* of the first way's module */
    Arena stores;           /* memory that goes with the stores */
    Arena call;             /* memory of one call */
    bool is_wrong;          /* the module, or what is to be called; it was said why */
    Str name;               /* of the export called; of "" the instantiation */
    const RtFuncType *type; /* in the first way's store */
    RtVal args[VALUES_MAX];
} WasmDiff;

/* ---- what is said --------------------------------------------------------------------------------------- */

static bool print_place(void *context, const RtFrame *frame, TextBuf *out)
{
    const WasmInput *input = context;
    const WatPlace *place = input->kind != FILE_TEXT || frame->module_offset == 0
                                ? NULL
                                : dv_wat_place(&input->places, frame->module_offset);
    if (place != NULL) {
        dv_text_printf(out, "%s:%u:%u", input->path, (unsigned)place->line,
                       (unsigned)place->column);
    }
    return place != NULL;
}

static void append_values(TextBuf *text, const RtVal *values, const ValType *types, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_text_str(text, i == 0 ? "" : ", ");
        dv_wasm_value_print(text, values[i], types[i]);
    }
}

static bool is_callable(const RtFuncType *type)
{
    bool ok = type->num_params <= VALUES_MAX && type->num_results <= VALUES_MAX;
    for (u32 i = 0; ok && i < type->num_params; i++) {
        ok = !vt_is_ref(type->params[i]) || (type->params[i] & VT_NULL) != 0;
    }
    return ok;
}

static void append_call(TextBuf *text, WasmDiff *d)
{
    dv_text_printf(text, "%s: ", d->input.path);
    if (d->type == NULL) {
        dv_text_str(text, "instantiation");
        return;
    }
    dv_text_str(text, dv_diag_quote(&d->stores, d->name.data, d->name.len));
    if (is_callable(d->type)) {
        dv_text_char(text, '(');
        append_values(text, d->args, d->type->params, d->type->num_params);
        dv_text_char(text, ')');
    }
}

static void append_way(TextBuf *text, const Way *w)
{
    dv_text_printf(text, "%s, %s allocator%s", w->is_native ? "native" : "pulley",
                   w->is_fast ? "fast" : "main", w->is_metered ? "" : ", not metered");
    dv_text_str(text, !w->is_native ? "" : w->is_checked ? ", checked memory" : ", guarded memory");
}

static void append_outcome(TextBuf *text, WasmDiff *d, const Way *w)
{
    dv_text_str(text, "\n  ");
    append_way(text, w);
    if (w->trap != NULL) {
        dv_text_printf(text, ": traps: %s\n", w->trap->message);
        dv_rt_trap_print(text, w->trap, print_place, &d->input);
    } else if (d->type != NULL) {
        dv_text_str(text, ": returns [");
        append_values(text, w->results, d->type->results, d->type->num_results);
        dv_text_str(text, "]\n");
    } else {
        dv_text_printf(text, ": status %d\n", (int)w->status);
    }
}

static void report_difference(WasmDiff *d, const Way *w, const char *what)
{
    TextBuf text;
    dv_text_init(&text, &d->call);
    append_call(&text, d);
    append_outcome(&text, d, w);
    append_outcome(&text, d, &d->ways[0]);
    printf("%s  %s\n", text.data, what);
    d->tally->differing++;
}

static void report_skip(WasmDiff *d, const Way *w, const char *why)
{
    TextBuf text;
    if (w == NULL) {
        d->tally->skipped++;
    }
    if (d->options->verbose) {
        dv_text_init(&text, &d->call);
        append_call(&text, d);
        dv_text_str(&text, " is not compared");
        if (w != NULL) {
            dv_text_str(&text, ": ");
            append_way(&text, w);
        }
        printf("%s: %s\n", text.data, why);
    }
}

/* ---- comparing ------------------------------------------------------------------------------------------ */

static const char *compare_results(const WasmDiff *d, const Way *want, const Way *got)
{
    for (u32 i = 0; d->type != NULL && want->trap == NULL && i < d->type->num_results; i++) {
        if (!dv_diff_same_value(want->store, want->results[i], got->store, got->results[i],
                                d->type->results[i])) {
            return "the results differ";
        }
    }
    return NULL;
}

static const char *compare_way(WasmDiff *d, const Way *want, const Way *got)
{
    if (want->status != got->status) {
        return "the one can be instantiated";
    }
    const char *what = dv_diff_traps(want->trap, got->trap, &d->call);
    what = what != NULL ? what : compare_results(d, want, got);
    if (what == NULL && got->is_metered && want->fuel_used != got->fuel_used) {
        what = dv_arena_printf(&d->call, "fuel used: %" PRIu64 ", not %" PRIu64, got->fuel_used,
                               want->fuel_used);
    }
    what = what != NULL ? what : dv_diff_host_compare(want->host, got->host, &d->call);
    return what != NULL || want->instance == NULL || got->instance == NULL
               ? what
               : dv_diff_instances(want->instance, got->instance, &d->call);
}

typedef enum Verdict { SAME, BEGIN_AGAIN, DIFFERENT } Verdict;

static bool is_exhaustion(const RtTrap *trap)
{
    return trap != NULL && (trap->code == PULLEY_TRAP_stk_ovf || trap->code == RT_CODE_MEMORY);
}

/* Whether the first way ran out of fuel: then others than metered ones were not called. */
static bool is_out_of_fuel(const WasmDiff *d)
{
    const RtTrap *trap = d->ways[0].trap;
    return trap != NULL && trap->code == PULLEY_TRAP_out_of_fuel;
}

static void forget_traps(WasmDiff *d)
{
    for (u32 i = 0; i < d->num_ways; i++) {
        dv_rt_trap_free(d->ways[i].trap);
        d->ways[i].trap = NULL;
    }
}

static Verdict compare_ways(WasmDiff *d)
{
    Verdict verdict = SAME;
    for (u32 i = 0; i < d->num_ways && verdict == SAME; i++) {
        verdict = is_exhaustion(d->ways[i].trap) ? BEGIN_AGAIN : SAME;
    }
    if (verdict == BEGIN_AGAIN) {
        report_skip(d, NULL, "the stack, or memory, runs out");
    } else {
        bool is_cut = is_out_of_fuel(d);
        for (u32 i = 1; i < d->num_ways && verdict == SAME; i++) {
            Way *w = &d->ways[i];
            const char *what = is_cut && !w->is_metered ? NULL : compare_way(d, &d->ways[0], w);
            if (what != NULL) {
                report_difference(d, w, what);
                verdict = DIFFERENT;
            }
        }
        d->tally->compared += verdict == SAME;
        verdict = verdict == SAME && is_cut ? BEGIN_AGAIN : verdict;
    }
    forget_traps(d);
    dv_arena_release(&d->call);
    return verdict;
}

/* ---- instances ------------------------------------------------------------------------------------------ */

static void close_stores(WasmDiff *d)
{
    for (u32 i = 0; i < d->num_ways; i++) {
        Way *w = &d->ways[i];
        if (w->store != NULL) {
            dv_rt_trap_free(w->trap);
            if (w->host->linker != NULL) {
                dv_rt_linker_free(w->host->linker);
            }
            dv_rt_store_release(w->store);
            dv_diff_host_close(w->host);
        }
        w->store = NULL;
        w->instance = NULL;
        w->trap = NULL;
    }
    dv_arena_release(&d->stores);
}

/* NULL, or why the module cannot be linked. */
static const char *open_store(WasmDiff *d, Way *w)
{
    RtStoreConfig config = {.metered = w->is_metered,
                            .guarded = w->is_native && !w->is_checked,
                            .max_memory_bytes = MEMORY_BYTES_MAX,
                            .max_table_elems = TABLE_ELEMS_MAX};
    RtError error;
    w->host = ARENA_NEW(&d->stores, DiffHost);
    if (dv_rt_store_new(&config, &w->store) != DAVIT_OK || !dv_diff_host_open(w->host, w->store)) {
        return "memory ran out";
    }
    RtExtern *imports = ARENA_ARRAY(&d->stores, RtExtern, d->info->imports.len + 1);
    for (u32 i = 0; i < d->info->imports.len; i++) {
        if (!dv_diff_host_import(w->host, d->info, i, &d->stores, &imports[i])) {
            return "it imports what cannot be made up";
        }
    }
    dv_rt_set_fuel(w->store, d->options->fuel);
    w->status = dv_rt_instantiate(w->store, w->module, imports, d->info->imports.len, &w->instance,
                                  &w->trap, &error);
    if (w->status != DAVIT_OK) {
        w->instance = NULL;
    }
    w->fuel_used = d->options->fuel - dv_rt_fuel(w->store);
    return NULL;
}

/* A start function that does not end shows in the metered ways, which go first. */
static bool open_stores(WasmDiff *d)
{
    d->type = NULL;
    for (u32 i = 0; i < d->num_ways; i++) {
        if (is_out_of_fuel(d)) {
            break;
        }
        const char *why = open_store(d, &d->ways[i]);
        if (why != NULL) {
            report_skip(d, NULL, why);
            return false;
        }
    }
    return true;
}

/* ---- calls ---------------------------------------------------------------------------------------------- */

static RtVal choose_value(Rng *rng, ValType type)
{
    RtVal value = {dv_rng_spread(rng), 0};
    u8 bytes[8];
    if (type == VT_V128) {
        value.hi = dv_rng_spread(rng);
    } else if (type == VT_F32 || type == VT_F64) {
        store_le64(bytes, value.lo);
        dv_diff_choose_float(rng, bytes, type == VT_F32 ? 4 : 8);
        value.lo = type == VT_F32 ? load_le32(bytes) : load_le64(bytes);
    } else if (type == VT_I32) {
        value.lo = (u32)value.lo;
    } else if (vt_is_ref(type)) {
        value.lo = 0;
    }
    return value;
}

static void call_way(WasmDiff *d, Way *w, RtFunc *func)
{
    memset(w->results, 0, sizeof w->results);
    dv_rt_set_fuel(w->store, d->options->fuel);
    if (!w->is_metered) {
        (void)dv_rt_set_deadline(w->store, DEADLINE_NS);
    }
    w->trap = dv_rt_call(w->store, func, d->args, w->results);
    if (!w->is_metered) {
        (void)dv_rt_set_deadline(w->store, 0);
    }
    w->fuel_used = w->is_metered ? d->options->fuel - dv_rt_fuel(w->store) : 0;
}

/* Calls export `number` in all ways. */
static Verdict call_ways(WasmDiff *d, u32 number)
{
    for (u32 i = 0; i < d->num_ways; i++) {
        Way *w = &d->ways[i];
        if (w->is_metered || !is_out_of_fuel(d)) {
            call_way(d, w, dv_rt_instance_export(w->instance, number).of.func);
        }
    }
    return compare_ways(d);
}

/* Instances for the next calls; false if there are none. */
static bool begin(WasmDiff *d)
{
    close_stores(d);
    if (!open_stores(d)) {
        forget_traps(d);
        return false;
    }
    bool is_cut = is_out_of_fuel(d);
    if (is_cut) { /* in the middle of opening: nothing was compared */
        report_skip(d, NULL, "the start function takes too much fuel");
        forget_traps(d);
        return false;
    }
    return compare_ways(d) == SAME && d->ways[0].instance != NULL;
}

/* Those that are given, or made up. False after saying why those given are wrong. */
static bool choose_args(WasmDiff *d, Rng *rng)
{
    const WordList *words = d->options->args;
    const char *name = dv_diag_quote(&d->stores, d->name.data, d->name.len);
    u32 count = d->type->num_params;
    d->is_wrong = words->len != 0 && words->len != count;
    if (d->is_wrong) {
        fprintf(stderr, "davit diff: %s: %s takes %u arguments, not %u\n", d->input.path, name,
                (unsigned)count, (unsigned)words->len);
    }
    for (u32 i = 0; i < count && !d->is_wrong; i++) {
        ValType type = d->type->params[i];
        d->args[i] = choose_value(rng, type);
        d->is_wrong = words->len != 0 && !dv_wasm_value_read(words->data[i], type, &d->args[i]);
        if (d->is_wrong) {
            fprintf(stderr, "davit diff: cannot use \"%s\": argument %u of %s is of another type\n",
                    words->data[i], (unsigned)i + 1, name);
        }
    }
    return !d->is_wrong;
}

/* One call of an export; false when nothing more can be called. */
static bool call_once(WasmDiff *d, u32 number, Rng *rng)
{
    RtFunc *func = dv_rt_instance_export(d->ways[0].instance, number).of.func;
    d->name = d->info->exports.data[number].name;
    d->type = dv_rt_type_of(d->ways[0].store, func->type_id);
    if (!is_callable(d->type)) {
        report_skip(d, NULL, "its arguments cannot be made up");
        return true;
    }
    if (!choose_args(d, rng)) {
        return false;
    }
    Verdict verdict = call_ways(d, number);
    return verdict == SAME || (verdict == BEGIN_AGAIN && begin(d));
}

static void call_exports(WasmDiff *d)
{
    Rng rng;
    bool goes_on = begin(d);
    dv_rng_seed(&rng, d->options->seed);
    for (u32 i = 0; i < d->info->exports.len && goes_on; i++) {
        const ExportDecl *e = &d->info->exports.data[i];
        bool is_wanted = e->kind == EXTERN_FUNC &&
                         (d->options->invoke == NULL || str_is(e->name, d->options->invoke));
        u32 type = is_wanted ? d->info->funcs.data[e->index].type : 0;
        bool is_varied =
            is_wanted && d->info->types.data[type].num_params != 0 && d->options->args->len == 0;
        u64 runs = !is_wanted ? 0 : is_varied ? d->options->runs : 1;
        for (u64 n = 0; n < runs && goes_on; n++) {
            goes_on = call_once(d, i, &rng);
        }
    }
}

/* ---- modules -------------------------------------------------------------------------------------------- */

/* NULL, or why the module cannot run in this way. */
static const char *load_way(WasmDiff *d, Way *w)
{
    u32 features;
    const char *target = dv_rt_native_target(&features);
    WasmCompileOptions options = {.features = d->options->features,
                                  .metered = w->is_metered,
                                  .fast = w->is_fast,
                                  .verify = true,
                                  .checked = w->is_checked,
                                  .target = w->is_native ? target : "pulley",
                                  .cpu = w->is_native ? features : 0};
    WasmCompileStats stats;
    WasmModule module;
    WasmError error;
    RtError load_error;
    Diag diag;
    ByteBuf artifact;
    Arena scratch;
    Arena *arena = d->command->arena;
    DecodeOptions decode = {.features = options.features};
    dv_diag_init(&diag, arena);
    dv_bytebuf_init(&artifact, arena);
    dv_arena_init(&scratch, arena->pool);
    bool ok =
        dv_wasm_decode(arena, d->input.bytes, d->input.size, &decode, &module, &diag, &error) &&
        dv_wasm_compile(&module, &options, &scratch, &artifact, &stats, &diag, &error);
    dv_arena_release(&scratch);
    if (!ok) {
        if (w == &d->ways[0]) {
            dv_wasm_input_refuse("diff", &d->input, &diag, &error);
        }
        return dv_diag_first(&diag)->text;
    }
    davit_status_t status = dv_rt_module_load(NULL, artifact.data, artifact.len, RT_LOAD_NATIVE,
                                              &w->module, &load_error);
    return status == DAVIT_OK
               ? NULL
               : dv_arena_strdup(arena, load_error.message, strlen(load_error.message));
}

/* Metered ways first. False if the module cannot run at all. */
static bool load_ways(WasmDiff *d)
{
    u32 features;
    bool has_native = dv_rt_native_target(&features) != NULL;
    for (u32 n = 0; n < WAYS_MAX; n++) {
        u32 kind = n / 2 % 3; /* bytecode, native code with guard pages, with comparisons */
        Way way = {.is_native = kind != 0,
                   .is_checked = kind == 2,
                   .is_fast = n % 2 != 0,
                   .is_metered = n < WAYS_MAX / 2};
        if (way.is_native && !has_native) {
            continue;
        }
        d->ways[d->num_ways] = way;
        const char *why = load_way(d, &d->ways[d->num_ways]);
        if (why == NULL) {
            d->num_ways++;
        } else if (d->num_ways == 0) {
            return false;
        } else {
            report_skip(d, &way, why);
        }
    }
    d->info = dv_rt_module_info(d->ways[0].module);
    return true;
}

static void check_invoke(WasmDiff *d)
{
    const char *name = d->options->invoke;
    bool is_there = name == NULL;
    for (u32 i = 0; i < d->info->exports.len; i++) {
        const ExportDecl *e = &d->info->exports.data[i];
        is_there = is_there || (e->kind == EXTERN_FUNC && str_is(e->name, name));
    }
    if (!is_there) {
        fprintf(stderr, "davit diff: %s exports no function \"%s\"\n", d->input.path,
                dv_diag_quote(d->command->arena, name, strlen(name)));
        d->is_wrong = true;
    }
}

bool dv_diff_wasm(Command *command, const char *path, const WasmDiffOptions *options,
                  DiffTally *tally)
{
    WasmDiff *d = ARENA_NEW(command->arena, WasmDiff);
    u64 before = tally->differing;
    d->command = command;
    d->options = options;
    d->tally = tally;
    if (!dv_wasm_input_read(command, "diff", path, &d->input)) {
        return false;
    }
    if (d->input.kind != FILE_BINARY && d->input.kind != FILE_TEXT) {
        fprintf(stderr, "davit diff: %s: error: neither CLIF nor a module, binary or text\n", path);
        return false;
    }
    dv_arena_init(&d->stores, command->arena->pool);
    dv_arena_init(&d->call, command->arena->pool);
    if (load_ways(d)) {
        check_invoke(d);
    } else {
        d->is_wrong = true;
    }
    if (!d->is_wrong) {
        call_exports(d);
    }
    close_stores(d);
    for (u32 i = 0; i < d->num_ways; i++) {
        dv_rt_module_release(d->ways[i].module);
    }
    dv_arena_release(&d->call);
    return !d->is_wrong && tally->differing == before;
}
