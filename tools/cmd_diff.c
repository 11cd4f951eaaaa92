/* cmd_diff.c - `davit diff`: every target of this build against the evaluator.
 *
 * Each function of a file is called with the arguments of its run directives and with random ones, in the state that its
 * setup directives describe. The evaluator goes first. What it cannot finish, and what it stops for reasons that
 * only it knows (accesses of plain memory that is not there, its stack), is compared with nothing; nor is what
 * differs, but depends on where stacks lie and what is on them. For the others
 * every target that runs on this host must agree, in all dispatch forms, with both register allocators: outcome, results,
 * fuel, and what is left in memories, tables and globals.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codegen/ir/print.h"
#include "codegen/ir/verify.h"
#include "tools/diff.h"
#include "tools/files.h"
#include "tools/filetest_internal.h"
#include "tools/input.h"
#include "tools/wasm_input.h"

enum { DIFF_ENGINES = 2 * ENGINES_MAX };

typedef struct Diff {
    Command *command;
    FileList paths;
    const char *only_target;
    u64 runs, seed, steps;
    bool verbose, is_missing; /* a file */
    DiffTally tally;
    FileList modules; /* of Wasm */
    const char *invoke;
    WordList args, features;
    /* of the file and target at hand */
    Filetest t;
    const char *target;
    Engine *oracle;
    Engine *other;                 /* the same with another stack; NULL until it is wanted */
    Engine *engines[DIFF_ENGINES]; /* from the second half on with the fast allocator */
    u32 num_engines;
    Arena call; /* memory of one call */
} Diff;

/* A call in the state that the setups above comment `above` of `owner` describe. */
typedef struct Case {
    const ClifFunc *owner, *func;
    u32 above;
    const EvalValue *args;
} Case;

/* ---- what is said --------------------------------------------------------------------------------------- */

static void append_outcome(TextBuf *text, const EvalResult *result)
{
    if (result->outcome != EVAL_RETURNED) {
        dv_engine_print_failure(text, result);
        return;
    }
    dv_text_str(text, "returns [");
    dv_engine_print_values(text, result->values, result->num_values);
    dv_text_char(text, ']');
}

static void append_call(TextBuf *text, const Diff *d, const Case *c)
{
    dv_text_printf(text, "%s:%u: ", d->t.path, (unsigned)c->func->line);
    dv_print_extname(text, &c->func->func.name);
    dv_text_char(text, '(');
    dv_engine_print_values(text, c->args, c->func->func.sig.num_params);
    dv_text_str(text, ")");
}

static void report_skip(Diff *d, const Case *c, const char *why)
{
    TextBuf text;
    d->tally.skipped++;
    if (d->verbose) {
        dv_text_init(&text, &d->call);
        append_call(&text, d, c);
        printf("%s is not compared on %s: %s\n", text.data, d->target, why);
    }
}

static void report_difference(Diff *d, const Case *c, const Engine *e, const EvalResult *want,
                              const EvalResult *got, const char *what)
{
    TextBuf text;
    dv_text_init(&text, &d->call);
    append_call(&text, d, c);
    dv_text_printf(&text, "\n  %s, %s, %s allocator: ", d->target, e->label,
                   e->options.allocator == ALLOCATOR_FAST ? "fast" : "main");
    append_outcome(&text, got);
    dv_text_str(&text, "\n  evaluator: ");
    append_outcome(&text, want);
    printf("%s\n%s%s%s", text.data, *what ? "  " : "", what, *what ? "\n" : "");
    d->tally.differing++;
}

/* ---- comparing --------------------------------------------------------------------------------------------- */

static bool same_outcome(const Engine *e, const EvalResult *want, const EvalResult *got)
{
    if (want->outcome != got->outcome) {
        return false;
    }
    if (want->outcome == EVAL_TRAPPED) {
        return want->trap == got->trap;
    }
    bool same = want->num_values == got->num_values && want->fuel_used == got->fuel_used;
    for (u32 i = 0; same && i < want->num_values; i++) {
        same = dv_engine_value_fits(e, &want->values[i], &got->values[i]);
    }
    return same;
}

static const char *compare_memory(Diff *d, Engine *e, u32 index)
{
    u64 want_size, got_size;
    const u8 *want = d->oracle->ops->memory(d->oracle, index, &want_size);
    const u8 *got = e->ops->memory(e, index, &got_size);
    if (want == NULL || got == NULL) {
        return NULL;
    }
    if (want_size != got_size) {
        return dv_arena_printf(&d->call, "memory %u has %" PRIu64 " bytes, not %" PRIu64,
                               (unsigned)index, got_size, want_size);
    }
    for (u64 i = 0; i < want_size; i++) {
        if (want[i] != got[i]) {
            return dv_arena_printf(&d->call, "memory %u holds 0x%02x at %" PRIu64 ", not 0x%02x",
                                   (unsigned)index, (unsigned)got[i], i, (unsigned)want[i]);
        }
    }
    return NULL;
}

static const char *compare_global(Diff *d, Engine *e, u32 index)
{
    EvalValue want, got;
    if (!d->oracle->ops->global(d->oracle, index, &want) || !e->ops->global(e, index, &got) ||
        want.type == TYPE_NONE || dv_engine_value_fits(e, &want, &got)) {
        return NULL;
    }
    TextBuf text;
    dv_text_init(&text, &d->call);
    dv_text_printf(&text, "global %u is ", (unsigned)index);
    dv_engine_print_values(&text, &got, 1);
    dv_text_str(&text, ", not ");
    dv_engine_print_values(&text, &want, 1);
    return text.data;
}

/* References are numbers of the engine's own: the same if both are null, or both to one function. */
static bool same_ref(Diff *d, Engine *e, u32 want, u32 got)
{
    if (want == 0 || got == 0) {
        return want == got;
    }
    for (u32 i = 0; i < d->t.file.funcs.len; i++) {
        const ClifFunc *f = d->t.file.funcs.data[i];
        if (d->oracle->ops->func_ref(d->oracle, f) == want) {
            return e->ops->func_ref(e, f) == got;
        }
    }
    return true;
}

static const char *compare_table(Diff *d, Engine *e, u32 index)
{
    u64 want_size, got_size;
    const u32 *want = d->oracle->ops->table(d->oracle, index, &want_size);
    const u32 *got = e->ops->table(e, index, &got_size);
    if (want == NULL || got == NULL) {
        return NULL;
    }
    if (want_size != got_size) {
        return dv_arena_printf(&d->call, "table %u has %" PRIu64 " elements, not %" PRIu64,
                               (unsigned)index, got_size, want_size);
    }
    for (u64 i = 0; i < want_size; i++) {
        if (!same_ref(d, e, want[i], got[i])) {
            return dv_arena_printf(&d->call, "table %u holds another reference at %" PRIu64,
                                   (unsigned)index, i);
        }
    }
    return NULL;
}

/* What differs in the instances that a call left; NULL if nothing does. */
static const char *compare_instances(Diff *d, Engine *e, const ClifFunc *owner)
{
    const Func *f = &owner->func;
    const char *what = NULL;
    for (u32 i = 0; what == NULL && i < f->memories.len; i++) {
        what = f->memories.data[i].present ? compare_memory(d, e, f->memories.data[i].index) : NULL;
    }
    for (u32 i = 0; what == NULL && i < f->tables.len; i++) {
        what = f->tables.data[i].present ? compare_table(d, e, f->tables.data[i].index) : NULL;
    }
    for (u32 i = 0; what == NULL && i < f->globals.len; i++) {
        what = f->globals.data[i].present ? compare_global(d, e, f->globals.data[i].index) : NULL;
    }
    return what;
}

/* ---- calls -------------------------------------------------------------------------------------------------- */

/* False if a setup directive is wrong. */
static bool run_case(Diff *d, Engine *e, const Case *c, EngineResult *result)
{
    const char *error;
    dv_engine_reset(e, c->owner);
    for (u32 i = 0; i < c->above; i++) {
        Directive setup = dv_directive_find(&c->owner->comments.data[i]);
        bool is_setup = setup.kind >= DIRECTIVE_MEMORY && setup.kind != DIRECTIVE_NONE;
        if (is_setup && !dv_directive_setup(&d->t, c->owner, e, setup, &error)) {
            return false;
        }
    }
    dv_engine_call(e, c->func, c->args, &d->call, result);
    return true;
}

static bool overflows_stack(const EvalResult *result)
{
    return result->outcome == EVAL_TRAPPED && result->trap == TRAP_stk_ovf;
}

/* Why the evaluator's outcome is no measure for others; NULL if it is. */
static const char *why_incomparable(const EvalResult *result)
{
    return result->outcome == EVAL_ERROR          ? result->reason
           : result->outcome == EVAL_OUT_OF_STEPS ? "the step limit"
           : overflows_stack(result)              ? "the evaluator's stack overflows"
           : dv_engine_trapped_at_plain_memory(result)
               ? "the evaluator traps at an access of plain memory"
               : NULL;
}

/* Whether the evaluator itself does something else where its stack lies elsewhere and holds other bytes: then the call gives an
 * address away, or reads what nothing wrote. */
static bool depends_on_stack(Diff *d, const Case *c, const EngineResult *want)
{
    EngineResult got;
    if (d->other == NULL) {
        EngineOptions options = d->oracle->options;
        options.other_stack = true;
        d->other = dv_engine_new(&d->t.file, d->oracle->arena, &options);
    }
    return run_case(d, d->other, c, &got) && (!same_outcome(d->other, &want->eval, &got.eval) ||
                                              compare_instances(d, d->other, c->owner) != NULL);
}

/* One in whose code plain memory is this process's, and where such a call may do anything. */
static bool has_raw_engine(const Diff *d)
{
    bool is_raw = false;
    for (u32 i = 0; i < d->num_engines; i++) {
        is_raw = is_raw || d->engines[i]->is_raw;
    }
    return is_raw;
}

static const char on_stack[] = "it depends on addresses, or on memory that nothing wrote";

/* Compares one call on all engines; false after a difference. */
static bool compare_case(Diff *d, const Case *c)
{
    EngineResult want, got;
    const char *why = "a setup directive is wrong";
    if (run_case(d, d->oracle, c, &want)) {
        why = why_incomparable(&want.eval);
    }
    if (why != NULL) {
        report_skip(d, c, why);
        return true;
    }
    if (has_raw_engine(d) && depends_on_stack(d, c, &want)) {
        report_skip(d, c, on_stack);
        return true;
    }
    bool is_compared = false;
    for (u32 i = 0; i < d->num_engines; i++) {
        Engine *e = d->engines[i];
        (void)run_case(d, e, c, &got);
        if (got.is_hole || overflows_stack(&got.eval)) {
            why = got.is_hole ? got.eval.reason : "its stack overflows";
            continue; /* others of the target may do more */
        }
        is_compared = true;
        const char *what = "";
        if (same_outcome(e, &want.eval, &got.eval)) {
            what = compare_instances(d, e, c->owner);
        } else if (want.eval.fuel_used != got.eval.fuel_used &&
                   want.eval.outcome == got.eval.outcome) {
            what = dv_arena_printf(&d->call, "fuel used: %" PRIu64 ", not %" PRIu64,
                                   got.eval.fuel_used, want.eval.fuel_used);
        }
        if (what != NULL && depends_on_stack(d, c, &want)) {
            report_skip(d, c, on_stack);
            return true;
        }
        if (what != NULL) {
            report_difference(d, c, e, &want.eval, &got.eval, what);
            return false;
        }
    }
    if (is_compared) {
        d->tally.compared++;
    } else {
        report_skip(d, c, why);
    }
    return true;
}

/* ---- random arguments ------------------------------------------------------------------------------------------- */

void dv_diff_choose_float(Rng *rng, u8 *bytes, u32 size)
{
    u32 exponent_bits = size == 2 ? 5 : size == 4 ? 8 : size == 8 ? 11 : 15;
    u32 fraction_bits = size * 8 - 1 - exponent_bits;
    u32 exponent_max = (1u << exponent_bits) - 1;
    u32 near_one = exponent_max / 2 + (u32)dv_rng_below(rng, 9) - 4;
    u32 exponent = (const u32[]){0, exponent_max, near_one, near_one,
                                 (u32)dv_rng_next(rng) & exponent_max}[dv_rng_below(rng, 5)];
    if (dv_rng_chance(rng, 2)) {
        memset(bytes, 0, size);
        bytes[fraction_bits / 8 - 1] = (u8)dv_rng_next(rng);
    }
    for (u32 i = 0; i <= exponent_bits; i++) {
        u32 bit = fraction_bits + i;
        bool is_set = i == exponent_bits ? dv_rng_chance(rng, 2) : (exponent >> i & 1) != 0;
        bytes[bit / 8] = (u8)((bytes[bit / 8] & ~(1u << bit % 8)) | (u32)is_set << bit % 8);
    }
}

static EvalValue choose_value(Rng *rng, Type type, Arena *arena)
{
    u32 size = type_lane_bits(type) / 8;
    u8 *bytes = ARENA_ARRAY(arena, u8, type_bytes(type));
    for (u32 at = 0; at < type_bytes(type); at += size) {
        for (u32 i = 0; i < size; i += 8) {
            u64 x = dv_rng_spread(rng);
            for (u32 k = 0; k < 8 && i + k < size; k++) {
                bytes[at + i + k] = (u8)(x >> 8 * k);
            }
        }
        if (type_is_float_lane(type)) {
            dv_diff_choose_float(rng, bytes + at, size);
        }
    }
    return (EvalValue){type, bytes};
}

/* ---- files and targets -------------------------------------------------------------------------------------------- */

static bool compare_directives(Diff *d, const ClifFunc *owner)
{
    for (u32 i = 0; i < owner->comments.len; i++) {
        Directive directive = dv_directive_find(&owner->comments.data[i]);
        Invocation call;
        const char *error;
        Str rest = directive.rest;
        for (u32 k = 0; directive.kind == DIRECTIVE_FUEL && k + 1 < rest.len; k++) {
            rest.len = rest.data[k] == '=' && rest.data[k + 1] == '=' ? k : rest.len;
        }
        bool is_call = directive.kind == DIRECTIVE_RUN || directive.kind == DIRECTIVE_PRINT ||
                       directive.kind == DIRECTIVE_FUEL;
        if (!is_call || !dv_directive_invocation(&d->t, owner, rest, &call, &error)) {
            continue;
        }
        Case c = {owner, call.func, i, call.args};
        if (!compare_case(d, &c)) {
            return false;
        }
        dv_arena_release(&d->call);
    }
    return true;
}

static bool compare_random(Diff *d, const ClifFunc *owner, Rng *rng)
{
    const Signature *sig = &owner->func.sig;
    u64 runs = sig->num_params == 0 ? 1 : d->runs;
    for (u64 i = 0; i < runs; i++) {
        EvalValue *args = ARENA_ARRAY(&d->call, EvalValue, sig->num_params);
        for (u32 k = 0; k < sig->num_params; k++) {
            args[k] = choose_value(rng, sig->params[k].type, &d->call);
        }
        Case c = {owner, owner, owner->comments.len, args};
        if (!compare_case(d, &c)) {
            return false;
        }
        dv_arena_release(&d->call);
    }
    return true;
}

static void make_engines(Diff *d, Arena *arena)
{
    EngineOptions options = {.target = dv_engine_oracle(d->target), .max_steps = d->steps};
    d->oracle = dv_engine_new(&d->t.file, arena, &options);
    options = (EngineOptions){
        .target = d->target, .settings = d->t.settings, .max_ns = dv_engine_time(d->steps)};
    for (u32 fast = 0; fast < 2; fast++) {
        options.allocator = fast != 0 ? ALLOCATOR_FAST : ALLOCATOR_MAIN;
        options.like = NULL;
        for (u32 i = 0; i < dv_engine_count(d->target); i++) {
            options.variant = i;
            /* The first has a limit, generous since a step of Pulley is a branch: it shows a loop that does not end. */
            options.max_steps = i == 0 ? d->steps : 0;
            d->engines[d->num_engines] = dv_engine_new(&d->t.file, arena, &options);
            options.like = options.like == NULL ? d->engines[d->num_engines] : options.like;
            d->num_engines++;
        }
    }
}

static void free_engines(Diff *d)
{
    while (d->num_engines != 0) {
        dv_engine_free(d->engines[--d->num_engines]);
    }
    dv_engine_free(d->oracle);
    dv_engine_free(d->other);
    d->oracle = d->other = NULL;
}

/* True if every function can be compiled for addresses of this width. */
static bool has_width(Diff *d, u32 bits)
{
    bool ok = true;
    for (u32 i = 0; ok && i < d->t.file.funcs.len; i++) {
        VerifyErrors errors = {0};
        ok = dv_verify(&d->t.file.funcs.data[i]->func, &d->call, &(VerifyOptions){bits}, &errors,
                       NULL);
    }
    dv_arena_release(&d->call);
    return ok;
}

static void compare_file(Diff *d, const Isa *isa)
{
    Rng rng;
    d->target = isa->name;
    if (!has_width(d, isa->address_bits)) {
        return;
    }
    dv_rng_seed(&rng, d->seed);
    make_engines(d, d->command->arena);
    bool same = true;
    for (u32 i = 0; same && i < d->t.file.funcs.len; i++) {
        const ClifFunc *f = d->t.file.funcs.data[i];
        same = compare_directives(d, f) && compare_random(d, f, &rng);
    }
    free_engines(d);
    dv_arena_release(&d->call);
}

static bool compare_path(Diff *d, const char *path)
{
    Input input;
    Arena *arena = d->command->arena;
    ArenaMark mark = dv_arena_mark(arena);
    if (!dv_input_read(d->command, "diff", path, &input) ||
        dv_input_verify(d->command, &input) != 0) {
        return false;
    }
    d->t = (Filetest){.path = path,
                      .scratch = &d->call,
                      .results = &d->call,
                      .pool = arena->pool,
                      .file = input.file};
    u64 before = d->tally.differing;
    bool ok = true;
    for (u32 i = 0; ok && d->tally.differing == before && dv_isa_at(i) != NULL; i++) {
        const Isa *isa = dv_isa_at(i);
        if (d->only_target == NULL || strcmp(d->only_target, isa->name) == 0) {
            ok = dv_input_settings(d->command, &input, isa->name, &d->t.settings);
            if (ok) {
                compare_file(d, isa);
            }
        }
    }
    dv_arena_release_to(arena, mark);
    return ok && d->tally.differing == before;
}

/* ---- the command line ------------------------------------------------------------------------------------------------ */

/* A file is CLIF if it is no module by its name; of a folder, what has their names. */
static void collect(Diff *d, const char *path)
{
    static const char *const endings[] = {".wasm", ".wat", ".clif"};
    const char *error;
    usize length = strlen(path);
    u32 before = d->modules.len + d->paths.len;
    for (usize i = 0; i < ARRAY_LEN(endings); i++) {
        bool is_module = i < ARRAY_LEN(endings) - 1;
        FileList found = {0};
        if (!dv_files_collect(d->command->arena, path, endings[i], &found, &error)) {
            fprintf(stderr, "davit diff: %s\n", error);
            d->is_missing = true;
            return;
        }
        usize ending = strlen(endings[i]);
        bool is_file = found.len == 1 && strcmp(found.data[0], path) == 0;
        bool has_name = length >= ending && strcmp(path + length - ending, endings[i]) == 0;
        if (is_file && is_module && !has_name) {
            continue;
        }
        for (u32 n = 0; n < found.len; n++) {
            vec_push(d->command->arena, is_module ? &d->modules : &d->paths, found.data[n]);
        }
        if (is_file) {
            return;
        }
    }
    if (d->modules.len + d->paths.len == before) {
        fprintf(stderr, "davit diff: %s holds no .wasm, .wat or .clif file\n", path);
        d->is_missing = true;
    }
}

static OptionsOutcome read_command_line(Diff *d)
{
    Command *command = d->command;
    WordList words = {0};
    const Option options[] = {
        {"--target", OPTION_TEXT, &d->only_target, "T", "this target only"},
        {"--runs", OPTION_NUMBER, &d->runs, "N",
         "calls of each function with random arguments (10)"},
        {"--seed", OPTION_NUMBER, &d->seed, "N", "what these come from (1)"},
        {"--steps", OPTION_NUMBER, &d->steps, "N",
         "instructions of a call after which it is not compared; Wasm: fuel (1000000)"},
        {"--invoke", OPTION_TEXT, &d->invoke, "NAME", "Wasm: call this export only"},
        {"--arg", OPTION_LIST, &d->args, "VALUE", "Wasm: an argument of each call; again for more"},
        {"--features", OPTION_LIST, &d->features, "LIST",
         "Wasm: what modules may use: all, 3.0, 1.0, +NAME, -NAME, with commas"},
        {"--verbose", OPTION_FLAG, &d->verbose, NULL, "name what is not compared"},
    };
    const OptionTable table = {
        .command = "diff",
        .synopsis = "[options] FILE|FOLDER...",
        .about =
            "Compares what the functions of CLIF files do on every target with what they do on the "
            "evaluator,\n"
            "and what Wasm modules (.wasm, .wat) do as native code with what they do as bytecode.\n",
        .examples = "  davit diff --runs 100 examples/fib.clif\n"
                    "  davit diff --invoke add --arg 2 --arg 3 sum.wat\n",
        .options = options,
        .count = ARRAY_LEN(options),
        .min_words = 1,
        .max_words = ANY_WORDS};
    OptionsOutcome outcome = dv_options_read(command, &table, &words);
    if (outcome != OPTIONS_OK) {
        return outcome;
    }
    if (d->only_target != NULL &&
        !dv_input_check_target(command, table.command, d->only_target, false)) {
        return OPTIONS_WRONG;
    }
    if (d->steps == 0) { /* which engines take for no limit */
        fputs("davit diff: cannot use \"0\": --steps takes a number above 0\n", stderr);
        return OPTIONS_WRONG;
    }
    for (u32 i = 0; i < words.len; i++) {
        collect(d, words.data[i]);
    }
    return OPTIONS_OK;
}

static bool compare_modules(Diff *d)
{
    Arena *arena = d->command->arena;
    WasmDiffOptions options = {.runs = d->runs,
                               .seed = d->seed,
                               .fuel = d->steps,
                               .invoke = d->invoke,
                               .args = &d->args,
                               .features = dv_wasm_features_run(),
                               .verbose = d->verbose};
    bool ok = dv_wasm_read_features(d->command, "diff", &d->features, &options.features);
    for (u32 i = 0; i < d->modules.len; i++) {
        ArenaMark mark = dv_arena_mark(arena);
        ok = dv_diff_wasm(d->command, d->modules.data[i], &options, &d->tally) && ok;
        dv_arena_release_to(arena, mark);
    }
    return ok;
}

int dv_cmd_diff(Command *command)
{
    Diff d = {.command = command, .runs = 10, .seed = 1, .steps = 1000000};
    OptionsOutcome outcome = read_command_line(&d);
    if (outcome != OPTIONS_OK) {
        return dv_options_status(outcome);
    }
    bool ok = !d.is_missing;
    dv_arena_init(&d.call, command->arena->pool);
    for (u32 i = 0; i < d.paths.len; i++) {
        ok = compare_path(&d, d.paths.data[i]) && ok;
    }
    dv_arena_release(&d.call);
    ok = compare_modules(&d) && ok;
    printf("%" PRIu64 " calls compared, %" PRIu64 " differ, %" PRIu64 " not compared\n",
           d.tally.compared, d.tally.differing, d.tally.skipped);
    return ok ? EXIT_OK : EXIT_FAILED;
}
