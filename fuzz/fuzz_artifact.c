/* fuzz_artifact.c - any bytes as an artifact: refused with a reason, or it can be instantiated and called, and touches nothing
 * but what it was given, as a sanitizer sees.
 *
 * Magic number, version and hash are put right, so that what lies behind them is reached. Imports are made up from their
 * declarations; functions of the host make references, call the first export again, and suspend if they can. Runs are
 * ended after some polls, as hostile code need not be metered.
 */
#include "fuzz/fuzz.h"

#include "wasm/runtime/artifact.h"
#include "wasm/runtime/internal.h"

enum {
    POLLS = 50, /* of a call */
    HOST_CALLS = 50,
    CALLS_MAX = 8, /* of exports */
    IMPORTS_MAX = 32,
    VALUES_MAX = 1000,
    MEMORY_BYTES_MAX = 4 << 20,
    TABLE_ELEMS_MAX = 10000,
    STACK_BYTES = 1 << 15
};

typedef struct Run {
    RtStore *store;
    RtModule *module;
    RtInstance *instance; /* once there is one */
    const u32 *type_ids;
    u32 polls_left;
    u32 host_calls_left;
    u32 objects[4]; /* whose addresses are objects of the host */
} Run;

static RtAnswer answer(void *context, RtStore *store)
{
    Run *run = context;
    if (run->polls_left == 0) {
        return RT_TRAP;
    }
    run->polls_left--;
    dv_rt_notify(store);
    return run->polls_left % 8 == 3 ? RT_SUSPEND : RT_GO_ON;
}

static void call_export(Run *run, u32 number);

static RtTrap *host(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    Run *run = context;
    u32 n = run->host_calls_left;
    (void)args;
    (void)results; /* zero: the runtime clears them */
    if (n == 0) {
        return dv_rt_trap_new(store, "enough", 6);
    }
    run->host_calls_left--;
    (void)dv_rt_ref_new(store, &run->objects[n % ARRAY_LEN(run->objects)], NULL);
    if (n % 4 == 1) {
        call_export(run, 0);
    }
    return n % 4 == 2 ? dv_rt_suspend(store) : NULL;
}

/* ---- imports ---- */

static RtVal default_value(Run *run, ValType type)
{
    if (type == VT_EXTERNREF) {
        return (RtVal){dv_rt_ref_new(run->store, &run->objects[0], NULL), 0};
    }
    return (RtVal){vt_is_ref(type) ? 0 : 3, 0};
}

static bool make_import(Run *run, const ImportDecl *import, RtExtern *out)
{
    const WasmModule *info = &run->module->info;
    const RtHostFunc func = {.fn = host, .context = run};
    RtError error;
    out->kind = import->kind;
    switch ((ExternKind)import->kind) {
    case EXTERN_FUNC:
        out->of.func = dv_rt_func_new(
            run->store, run->type_ids[info->funcs.data[import->index].type], &func, &error);
        return out->of.func != NULL;
    case EXTERN_TABLE: {
        TableDecl decl = info->tables.data[import->index];
        decl.type = dv_rt_map_type(run->type_ids, decl.type);
        out->of.table = dv_rt_table_new(run->store, &decl, 0, &error);
        return out->of.table != NULL;
    }
    case EXTERN_MEMORY:
        out->of.memory = dv_rt_memory_new(run->store, &info->memories.data[import->index], &error);
        return out->of.memory != NULL;
    case EXTERN_GLOBAL: {
        const GlobalDecl *decl = &info->globals.data[import->index];
        ValType type = dv_rt_map_type(run->type_ids, decl->type);
        out->of.global =
            dv_rt_global_new(run->store, type, decl->is_mutable, default_value(run, type), &error);
        return out->of.global != NULL;
    }
    default:
        out->of.tag =
            dv_rt_tag_new(run->store, run->type_ids[info->tags.data[import->index].type], &error);
        return out->of.tag != NULL;
    }
}

/* ---- running ---- */

static void call_export(Run *run, u32 number)
{
    RtVal args[VALUES_MAX];
    RtVal results[VALUES_MAX];
    RtTrap *trap = NULL;
    if (run->instance == NULL || number >= run->module->info.exports.len) {
        return;
    }
    RtExtern what = dv_rt_instance_export(run->instance, number);
    if (what.kind != EXTERN_FUNC || dv_interp_is_suspended(run->store->vm)) {
        return;
    }
    const RtFuncType *type = dv_rt_type_of(run->store, what.of.func->type_id);
    fuzz_expect(type->num_params <= VALUES_MAX && type->num_results <= VALUES_MAX, "a large type",
                "");
    for (u32 i = 0; i < type->num_params; i++) {
        args[i] = default_value(run, type->params[i]);
    }
    dv_rt_notify(run->store);
    RtOutcome outcome = dv_rt_call_resumable(run->store, what.of.func, args, results, &trap);
    while (outcome == RT_SUSPENDED) {
        memset(args, 0, sizeof args);
        outcome = dv_rt_resume(run->store, args, results, &trap);
    }
    fuzz_expect((outcome == RT_TRAPPED) == (trap != NULL), "a trap without an outcome", "");
    dv_rt_trap_free(trap);
}

static void run_module(Run *run)
{
    RtExtern imports[IMPORTS_MAX];
    const WasmModule *info = &run->module->info;
    RtTrap *trap = NULL;
    RtError error;
    run->type_ids = dv_rt_module_types(run->store, run->module);
    if (run->type_ids == NULL || info->imports.len > IMPORTS_MAX) {
        return;
    }
    for (u32 i = 0; i < info->imports.len; i++) {
        if (!make_import(run, &info->imports.data[i], &imports[i])) {
            return;
        }
    }
    dv_rt_notify(run->store);
    davit_status_t status = dv_rt_instantiate(run->store, run->module, imports, info->imports.len,
                                              &run->instance, &trap, &error);
    dv_rt_trap_free(trap);
    if (status != DAVIT_OK) {
        run->instance = NULL;
    }
    for (u32 i = 0; i < CALLS_MAX; i++) {
        run->polls_left = POLLS;
        run->host_calls_left = HOST_CALLS;
        call_export(run, i);
    }
}

static void put_right(u8 *bytes, usize size)
{
    memcpy(bytes, ARTIFACT_MAGIC, 4);
    store_le32(bytes + 4, ARTIFACT_VERSION);
    store_le64(bytes + 24,
               artifact_hash(bytes + ARTIFACT_HEADER_BYTES, size - ARTIFACT_HEADER_BYTES));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Run run = {.polls_left = POLLS, .host_calls_left = HOST_CALLS};
    const RtStoreConfig config = {.stack_bytes = STACK_BYTES,
                                  .max_nesting = 10,
                                  .max_memory_bytes = MEMORY_BYTES_MAX,
                                  .max_table_elems = TABLE_ELEMS_MAX,
                                  .on_notify = answer,
                                  .context = &run};
    RtError error = {.message = ""};
    u8 *copy = malloc(size + 1);
    if (copy == NULL) {
        return 0;
    }
    memcpy(copy, data, size);
    if (size >= ARTIFACT_HEADER_BYTES) {
        put_right(copy, size);
    }
    if (dv_rt_module_load(NULL, copy, size, RT_LOAD_IN_PLACE, &run.module, &error) != DAVIT_OK) {
        fuzz_expect(error.message[0] != '\0', "refused without a reason", "");
    } else if (dv_rt_store_new(&config, &run.store) == DAVIT_OK) {
        for (u32 i = 0; i < run.module->code.funcs.len && i < CALLS_MAX; i++) {
            (void)dv_rt_module_source(run.module, i, 64);
        }
        run_module(&run);
        dv_rt_store_release(run.store);
    }
    dv_rt_module_release(run.module);
    free(copy);
    return 0;
}
