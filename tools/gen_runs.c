/* gen_runs.c - the calls in a generated file: arguments at the corners, the instance they start from, and what the evaluator
 * makes of them, written as directives (docs/filetests.md).
 *
 * The functions are parsed back and verified before they run, so that a defect of the generator is reported
 * where it is made. Expectations do not depend on byte order, so one is evaluated.
 */
#include <stdio.h>

#include "base/bytes.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verify.h"
#include "tools/gen_internal.h"

enum { SHOWN = 64 /* bytes of a memory's start and end that are compared after a call */ };

typedef struct Runs {
    Gen *g;
    TextBuf *out;
    TextBuf setup; /* directives of the instance, the same above the calls of each function */
    ClifFile file;
    Evaluator *e;
    const char *error;
    u8 memory[SHOWN], data[GEN_SEGMENTS][GEN_SEGMENT_SIZE];
    u8 globals[GEN_GLOBALS][16];
    u32 refs[GEN_TABLE_SIZE]; /* function numbers, or GEN_FUNCS_MAX: null */
} Runs;

/* ---- The instance ---- */

static void choose_instance(Runs *r)
{
    Gen *g = r->g;
    for (u32 i = 0; i < SHOWN; i++) {
        r->memory[i] = (u8)dv_gen_choose(g, 256);
    }
    for (u32 i = 0; i < GEN_SEGMENT_SIZE * GEN_SEGMENTS; i++) {
        r->data[i / GEN_SEGMENT_SIZE][i % GEN_SEGMENT_SIZE] = (u8)dv_gen_choose(g, 256);
    }
    for (u32 i = 0; i < dv_gen_num_globals(r->g); i++) {
        Type type = dv_gen_global_type(i);
        dv_gen_bytes_of(type_is_float(type) ? dv_gen_corner_float(g, type)
                                            : dv_gen_corner_int(g, type_bits(type)),
                        r->globals[i]);
    }
    for (u32 i = 0; i < GEN_TABLE_SIZE; i++) {
        r->refs[i] = i < g->num_funcs && g->funcs[i].sig.is_wasm ? i : GEN_FUNCS_MAX;
    }
}

static void write_bytes(TextBuf *out, const u8 *bytes, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(out, "%s0x%02x", i == 0 ? "" : " ", (unsigned)bytes[i]);
    }
    dv_text_str(out, "]\n");
}

static void write_refs(TextBuf *out, const u32 *refs)
{
    for (u32 i = 0; i < GEN_TABLE_SIZE; i++) {
        if (refs[i] == GEN_FUNCS_MAX) {
            dv_text_str(out, " null");
        } else {
            dv_text_printf(out, " %%f%u", (unsigned)refs[i]);
        }
    }
    dv_text_str(out, "]\n");
}

static void write_setup(Runs *r)
{
    TextBuf *out = &r->setup;
    for (u32 i = 0; i < GEN_HEAPS; i++) {
        dv_text_printf(out, "; memory: heap%u = %u [@0: ", (unsigned)i,
                       (unsigned)dv_gen_heap_bytes(i));
        write_bytes(out, r->memory, SHOWN);
    }
    for (u32 i = 0; i < GEN_TABLES; i++) {
        dv_text_printf(out, "; table: table%u = %u [@0:", (unsigned)i, (unsigned)GEN_TABLE_SIZE);
        write_refs(out, r->refs);
    }
    for (u32 i = 0; i < GEN_SEGMENTS; i++) {
        dv_text_printf(out, "; data: data%u = [", (unsigned)i);
        write_bytes(out, r->data[i], GEN_SEGMENT_SIZE);
        dv_text_printf(out, "; elem: elem%u = [", (unsigned)i);
        write_refs(out, r->refs);
    }
    for (u32 i = 0; i < dv_gen_num_globals(r->g); i++) {
        dv_text_printf(out, "; global: global%u = ", (unsigned)i);
        dv_print_literal(out, dv_gen_global_type(i), r->globals[i]);
        dv_text_char(out, '\n');
    }
}

/* The same for the evaluator. */
static bool set_up(Runs *r)
{
    bool ok = true;
    u32 refs[GEN_TABLE_SIZE];
    u64 size;
    dv_eval_reset(r->e);
    for (u32 i = 0; i < GEN_TABLE_SIZE; i++) {
        refs[i] = r->refs[i] == GEN_FUNCS_MAX
                      ? 0
                      : dv_eval_func_ref(r->e, &r->file.funcs.data[r->refs[i]]->func);
    }
    for (u32 i = 0; ok && i < GEN_HEAPS; i++) {
        ok = dv_eval_set_memory(r->e, i, dv_gen_heap_bytes(i));
        if (ok) {
            memcpy(dv_eval_memory(r->e, i, &size), r->memory, SHOWN);
        }
    }
    for (u32 i = 0; ok && i < GEN_TABLES; i++) {
        ok = dv_eval_set_table(r->e, i, GEN_TABLE_SIZE);
        if (ok) {
            memcpy(dv_eval_table(r->e, i, &size), refs, sizeof refs);
        }
    }
    for (u32 i = 0; ok && i < GEN_SEGMENTS; i++) {
        ok = dv_eval_set_data(r->e, i, r->data[i], GEN_SEGMENT_SIZE) &&
             dv_eval_set_elem(r->e, i, refs, GEN_TABLE_SIZE);
    }
    for (u32 i = 0; ok && i < dv_gen_num_globals(r->g); i++) {
        EvalValue value = {dv_gen_global_type(i), r->globals[i]};
        ok = dv_eval_set_global(r->e, i, value);
    }
    return ok;
}

/* ---- Calls ---- */

static EvalValue choose_arg(Runs *r, Type type)
{
    u8 *bytes = ARENA_ARRAY(r->g->arena, u8, type_bytes(type) < 16 ? 16 : type_bytes(type));
    u32 bits = type_bits(type) < 128 ? type_bits(type) : 128;
    dv_gen_bytes_of(type_is_float(type) ? dv_gen_corner_float(r->g, type)
                                        : dv_gen_corner_int(r->g, bits),
                    bytes);
    return (EvalValue){type, bytes};
}

static void write_values(TextBuf *out, const EvalValue *values, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_text_str(out, i == 0 ? "" : ", ");
        dv_print_literal(out, values[i].type, values[i].bytes);
    }
}

static void write_hex(TextBuf *out, u32 heap, u64 from, u64 to, const u8 *bytes)
{
    dv_text_printf(out, "; after: heap%u[%" PRIu64 "..%" PRIu64 "] == 0x", (unsigned)heap, from,
                   to);
    for (u64 i = from; i < to; i++) {
        dv_text_printf(out, "%02x", (unsigned)bytes[i]);
    }
    dv_text_char(out, '\n');
}

static bool any_text_has(const Gen *g, const char *word)
{
    bool has = false;
    for (u32 i = 0; i < g->num_funcs; i++) {
        has = has || strstr(g->funcs[i].text, word) != NULL;
    }
    return has;
}

/* The references in the part of a table that was there before the call. */
static void write_table_after(Runs *r, u32 table)
{
    u64 size;
    const u32 *refs = dv_eval_table(r->e, table, &size);
    for (u32 i = 0; i < GEN_TABLE_SIZE; i++) {
        dv_text_printf(r->out, "; after: table%u[%u] == ", (unsigned)table, (unsigned)i);
        u32 n = 0;
        while (n < r->g->num_funcs &&
               (refs[i] == 0 || refs[i] != dv_eval_func_ref(r->e, &r->file.funcs.data[n]->func))) {
            n++;
        }
        if (n == r->g->num_funcs) {
            dv_text_str(r->out, "null\n");
        } else {
            dv_text_printf(r->out, "%%f%u\n", (unsigned)n);
        }
    }
}

/* What the call left in memories, globals and the tables that may change. */
static void write_after(Runs *r)
{
    static const char *const changes[] = {"table_set", "table_fill", "table_copy", "table_init"};
    bool changed = false;
    for (u32 i = 0; i < ARRAY_LEN(changes); i++) {
        changed = changed || any_text_has(r->g, changes[i]);
    }
    for (u32 i = 1; changed && i < GEN_TABLES; i++) {
        write_table_after(r, i);
    }
    for (u32 i = 0; i < GEN_HEAPS; i++) {
        u64 size, top = dv_gen_heap_bytes(i) - SHOWN / 2;
        const u8 *bytes = dv_eval_memory(r->e, i, &size);
        write_hex(r->out, i, 0, SHOWN, bytes);
        write_hex(r->out, i, top, top + SHOWN / 2, bytes);
    }
    for (u32 i = 0; i < dv_gen_num_globals(r->g); i++) {
        EvalValue value;
        if (dv_eval_global(r->e, i, &value)) {
            dv_text_printf(r->out, "; after: global%u == ", (unsigned)i);
            dv_print_literal(r->out, value.type, value.bytes);
            dv_text_char(r->out, '\n');
        }
    }
}

static bool write_outcome(Runs *r, const EvalResult *result)
{
    char name[16];
    bool list = result->num_values != 1;
    switch (result->outcome) {
    case EVAL_RETURNED:
        dv_text_str(r->out, list ? " == [" : " == ");
        write_values(r->out, result->values, result->num_values);
        dv_text_str(r->out, list ? "]\n" : "\n");
        return true;
    case EVAL_TRAPPED:
        dv_text_printf(r->out, " traps %s\n", dv_trap_name(result->trap, name));
        return true;
    case EVAL_OUT_OF_STEPS:
        r->error = "a call takes too many steps";
        return false;
    default:
        r->error = dv_arena_strdup(r->g->arena, result->reason, strlen(result->reason));
        return false;
    }
}

/* One call, and in a file with entities, what it left. */
static bool write_run(Runs *r, u32 number)
{
    const GenSig *sig = &r->g->funcs[number].sig;
    EvalValue args[GEN_PARAMS_MAX];
    EvalResult result;
    for (u32 i = 0; i < sig->num_params; i++) {
        args[i] = choose_arg(r, sig->params[i]);
    }
    if (!set_up(r)) {
        r->error = "the instance does not fit";
        return false;
    }
    dv_eval_call(r->e, &r->file.funcs.data[number]->func, args, sig->num_params, r->g->arena,
                 &result);
    dv_text_printf(r->out, "; run: %%f%u(", (unsigned)number);
    write_values(r->out, args, sig->num_params);
    dv_text_char(r->out, ')');
    if (!write_outcome(r, &result)) {
        return false;
    }
    if ((r->g->parts & GEN_ENTITIES) != 0) {
        write_after(r);
    }
    return true;
}

/* ---- The file ---- */

static bool prepare(Runs *r)
{
    Gen *g = r->g;
    TextBuf text;
    Diag diag;
    Work work = {0};
    VerifyOptions verify = {g->options->address_bits};
    dv_text_init(&text, g->arena);
    for (u32 i = 0; i < g->num_funcs; i++) {
        dv_text_str(&text, g->funcs[i].text);
    }
    dv_diag_init(&diag, g->arena);
    if (!dv_clif_parse(&r->file, g->arena, (Str){text.data, (u32)text.length}, &diag)) {
        r->error = dv_arena_printf(g->arena, "line %u: %s", (unsigned)dv_diag_first(&diag)->line,
                                   dv_diag_first(&diag)->text);
        return false;
    }
    for (u32 i = 0; i < g->num_funcs; i++) {
        VerifyErrors errors = {0};
        if (!dv_verify(&r->file.funcs.data[i]->func, g->arena, &verify, &errors, &work)) {
            r->error = errors.list.data[0].text;
            return false;
        }
        if (!dv_eval_add(r->e, &r->file.funcs.data[i]->func)) {
            dv_escape(g->arena->pool, DAVIT_ERROR_MEMORY);
        }
    }
    return true;
}

static bool write_all(Runs *r, const char *header)
{
    Gen *g = r->g;
    if (!prepare(r)) {
        return false;
    }
    dv_text_str(r->out, any_text_has(g, "pinned_reg") ? "set enable_pinned_reg\n" : "");
    dv_text_str(r->out, header);
    choose_instance(r);
    if ((g->parts & GEN_ENTITIES) != 0) {
        write_setup(r);
    }
    for (u32 i = 0; i < g->num_funcs; i++) {
        dv_text_printf(r->out, "\n%s%s", g->funcs[i].text, r->setup.data);
        /* Nobody outside has pointers to give. */
        u32 runs = g->funcs[i].sig.has_pointers ? 0 : g->options->runs;
        for (u32 n = 0; n < runs; n++) {
            if (!write_run(r, i)) {
                return false;
            }
        }
    }
    return true;
}

typedef struct Job {
    Runs runs;
    const char *header;
    bool ok;
} Job;

static void work_on(void *context)
{
    Job *job = context;
    job->ok = write_all(&job->runs, job->header);
}

/* The evaluator is freed on every way out. */
bool dv_gen_runs(Gen *g, TextBuf *out, const char *header, const char **error)
{
    EvalOptions options = {.address_bits = (u8)g->options->address_bits,
                           .max_steps = GEN_MAX_STEPS,
                           .mutate_op = OP_COUNT};
    Job *job = ARENA_NEW(g->arena, Job);
    job->header = header;
    job->runs = (Runs){.g = g, .out = out, .error = ""};
    dv_text_init(&job->runs.setup, g->arena);
    job->runs.e = dv_eval_new(g->arena->pool, &options);
    if (job->runs.e == NULL) {
        dv_escape(g->arena->pool, DAVIT_ERROR_MEMORY);
    }
    davit_status_t status = dv_pool_protect(g->arena->pool, work_on, job);
    dv_eval_free(job->runs.e);
    if (status != DAVIT_OK) {
        dv_escape(g->arena->pool, status);
    }
    *error = job->runs.error;
    return job->ok;
}
