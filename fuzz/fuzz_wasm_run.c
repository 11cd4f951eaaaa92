/* fuzz_wasm_run.c - the whole pipeline on modules: what the decoder accepts is compiled by the main allocator and by the fast one,
 * to bytecode and, where the host has it, to machine code; all must do the same: results, traps, fuel left, memory and globals of the
 * instance.
 *
 * Imports are made up from their declarations, and found by name if their number is odd. Calls of exports are metered, so that every run ends; each is called twice,
 * and in between the host changes what tables, memories and globals are exported. In the end what the instance exports is linked
 * with another one of the module, under the name of its first import.
 */
#include "fuzz/fuzz.h"
#include "wasm/compile/wasm_compile.h"
#include "wasm/runtime/runtime.h"

enum {
    FUEL = 20000,
    MEMORY_BYTES_MAX = 16 << 20,
    TABLE_ELEMS_MAX = 10000,
    ITEMS_MAX = 64, /* imports, exports called */
    MODULE_BYTES_MAX = 1 << 16
};

/* What a run left behind. */
typedef struct Trace {
    u64 hash;
    RtStore *store;
    RtModule *module;
    Arena *arena;
    u32 object;      /* whose address is one of the host's */
    u32 next_number; /* that host functions give */
} Trace;

static void mix(Trace *t, u64 x)
{
    t->hash = (t->hash ^ x) * 0x100000001b3u;
    t->hash ^= t->hash >> 29;
}

/* NaNs are mixed by their kind: which of two operands' NaN comes out is not settled. */
static void mix_value(Trace *t, RtVal value, ValType type)
{
    u64 bits = type == VT_I32 || type == VT_F32 || vt_is_ref(type) ? (u32)value.lo : value.lo;
    if (type == VT_F32 && (bits & 0x7fffffff) > 0x7f800000) {
        bits = 0x7fc00000;
    }
    if (type == VT_F64 && (bits & INT64_MAX) > (u64)0x7ff << 52) {
        bits = (u64)0x7ff8 << 48;
    }
    mix(t, vt_is_ref(type) ? bits != 0 : bits);
}

static RtTrap *host(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    Trace *t = context;
    (void)store;
    (void)args;
    (void)results; /* zero: the runtime clears them */
    mix(t, ++t->next_number);
    return NULL;
}

/* ---- imports ---- */

static RtFunc *make_func(Trace *t, const WasmModule *m, u32 index)
{
    const SubType *type = &m->types.data[m->funcs.data[index].type];
    for (u32 i = 0; i < type->num_params; i++) {
        if (vt_is_indexed(type->params[i])) {
            return NULL;
        }
    }
    for (u32 i = 0; i < type->num_results; i++) {
        ValType result = type->results[i];
        if (vt_is_ref(result) && (vt_is_indexed(result) || (result & VT_NULL) == 0)) {
            return NULL;
        }
    }
    RtFuncType plain = {type->num_params, type->num_results, type->params, type->results};
    RtHostFunc func = {host, t, NULL};
    RtError error;
    u32 id = dv_rt_type(t->store, &plain);
    return id == 0 ? NULL : dv_rt_func_new(t->store, id, &func, &error);
}

static bool make_import(Trace *t, const WasmModule *m, const ImportDecl *import, RtExtern *out)
{
    RtError error;
    RtVal zero = {0, 0};
    const GlobalDecl *global;
    const TableDecl *table;
    out->kind = import->kind;
    switch (import->kind) {
    case EXTERN_FUNC:
        out->of.func = make_func(t, m, import->index);
        return out->of.func != NULL;
    case EXTERN_TABLE:
        table = &m->tables.data[import->index];
        out->of.table = vt_is_indexed(table->type) || (table->type & VT_NULL) == 0
                            ? NULL
                            : dv_rt_table_new(t->store, table, 0, &error);
        return out->of.table != NULL;
    case EXTERN_MEMORY:
        out->of.memory = dv_rt_memory_new(t->store, &m->memories.data[import->index], &error);
        return out->of.memory != NULL;
    case EXTERN_GLOBAL:
        global = &m->globals.data[import->index];
        out->of.global =
            vt_is_ref(global->type) &&
                    (vt_is_indexed(global->type) || (global->type & VT_NULL) == 0)
                ? NULL
                : dv_rt_global_new(t->store, global->type, global->is_mutable, zero, &error);
        return out->of.global != NULL;
    default:
        return false;
    }
}

/* ---- a run ---- */

static void mix_trap(Trace *t, RtTrap *trap)
{
    if (trap != NULL) {
        TextBuf text;
        dv_text_init(&text, t->arena);
        dv_rt_trap_print(&text, trap, NULL, NULL);
        mix(t, dv_hash_bytes(text.data, text.length));
        mix(t, trap->code);
        dv_rt_trap_free(trap);
    }
}

/* How deep calls may go depends on what each allocator keeps on the stack. */
static bool is_exhaustion(const RtTrap *trap)
{
    return trap != NULL && (trap->code == PULLEY_TRAP_stk_ovf || trap->code == RT_CODE_MEMORY);
}

/* Small numbers in the first round of calls, any in the second. */
static u64 argument(Trace *t, ValType type, u32 number, u32 round)
{
    if (type == VT_EXTERNREF && round != 0) {
        return dv_rt_ref_new(t->store, &t->object, NULL);
    }
    if (vt_is_ref(type)) {
        return 0;
    }
    if (round != 0) {
        return (number + 1) * 0x9e3779b97f4a7c15u;
    }
    return type == VT_F32   ? 0x3fc00000u + (number << 22)
           : type == VT_F64 ? ((u64)0x3ff8 << 48) + ((u64)number << 51)
                            : number + 1;
}

/* False if the stack ran out, after which nothing can be compared. */
static bool call_export(Trace *t, RtFunc *func, u32 round)
{
    const RtFuncType *type = dv_rt_type_of(t->store, func->type_id);
    RtVal args[16] = {{0, 0}}, results[16] = {{0, 0}};
    if (type->num_params > 16 || type->num_results > 16) {
        return true;
    }
    for (u32 i = 0; i < type->num_params; i++) {
        if (vt_is_ref(type->params[i]) && (type->params[i] & VT_NULL) == 0) {
            return true;
        }
        args[i].lo = argument(t, type->params[i], i, round);
    }
    dv_rt_set_fuel(t->store, FUEL);
    RtTrap *trap = dv_rt_call(t->store, func, args, results);
    if (is_exhaustion(trap)) {
        dv_rt_trap_free(trap);
        return false;
    }
    if (trap == NULL) {
        for (u32 i = 0; i < type->num_results; i++) {
            mix_value(t, results[i], type->results[i]);
        }
    }
    mix_trap(t, trap);
    mix(t, dv_rt_fuel(t->store));
    return true;
}

static void mix_state(Trace *t, RtInstance *instance)
{
    const WasmModule *m = dv_rt_module_info(t->module);
    for (u32 i = 0; i < m->exports.len && i < ITEMS_MAX; i++) {
        RtExtern e = dv_rt_instance_export(instance, i);
        if (e.kind == EXTERN_GLOBAL) {
            mix_value(t, dv_rt_global_get(e.of.global), e.of.global->type);
        } else if (e.kind == EXTERN_MEMORY) {
            const u8 *data = dv_rt_memory_data(e.of.memory);
            u64 bytes = dv_rt_memory_bytes(e.of.memory);
            mix(t, bytes);
            for (u64 at = 0; at + 8 <= bytes && at < 1 << 16; at += 8) {
                mix(t, load_le64(data + at));
            }
        } else if (e.kind == EXTERN_TABLE) {
            mix(t, dv_rt_table_size(e.of.table));
        }
    }
}

static void change_table(Trace *t, RtTable *table)
{
    u64 old;
    u32 handle = 0;
    mix(t, dv_rt_table_get(table, 0, &handle));
    mix(t, handle != 0);
    dv_rt_ref_hold(t->store, handle);
    mix(t, dv_rt_table_grow(table, 2, handle, &old));
    mix(t, dv_rt_table_set(table, dv_rt_table_size(table) / 2, handle));
    dv_rt_ref_drop(t->store, handle);
}

/* What the host does between two rounds of calls. */
static void change(Trace *t, RtInstance *instance)
{
    const WasmModule *m = dv_rt_module_info(t->module);
    for (u32 i = 0; i < m->exports.len && i < ITEMS_MAX; i++) {
        RtExtern e = dv_rt_instance_export(instance, i);
        u64 old;
        if (e.kind == EXTERN_TABLE) {
            change_table(t, e.of.table);
        } else if (e.kind == EXTERN_MEMORY) {
            mix(t, dv_rt_memory_grow(e.of.memory, i % 2, &old));
        } else if (e.kind == EXTERN_GLOBAL && e.of.global->is_mutable &&
                   !vt_is_ref(e.of.global->type)) {
            RtVal value = dv_rt_global_get(e.of.global);
            value.lo = (u32)value.lo + 1u;
            dv_rt_global_set(e.of.global, value);
        }
    }
}

static davit_status_t instantiate(Trace *t, const RtExtern *imports, RtInstance **out,
                                  RtTrap **trap)
{
    const WasmModule *m = dv_rt_module_info(t->module);
    RtError error;
    if (m->imports.len % 2 == 0) {
        return dv_rt_instantiate(t->store, t->module, imports, m->imports.len, out, trap, &error);
    }
    RtLinker *linker = dv_rt_linker_new(t->store);
    bool ok = linker != NULL;
    for (u32 i = 0; ok && i < m->imports.len; i++) {
        const ImportDecl *import = &m->imports.data[i];
        ok = dv_rt_linker_define(linker, import->module, import->name, imports[i]);
    }
    davit_status_t status =
        ok ? dv_rt_linker_instantiate(linker, t->module, out, trap, &error) : DAVIT_ERROR_MEMORY;
    dv_rt_linker_free(linker);
    return status;
}

/* Another instance, of what this one exports. */
static void link_again(Trace *t, RtInstance *instance)
{
    const WasmModule *m = dv_rt_module_info(t->module);
    RtLinker *linker = m->imports.len == 0 ? NULL : dv_rt_linker_new(t->store);
    if (linker == NULL) {
        return;
    }
    RtInstance *second;
    RtTrap *trap = NULL;
    RtError error;
    if (dv_rt_linker_instance(linker, m->imports.data[0].module, instance)) {
        mix(t, (u64)dv_rt_linker_instantiate(linker, t->module, &second, &trap, &error));
    }
    dv_rt_trap_free(trap);
    dv_rt_linker_free(linker);
}

/* False if nothing can be compared. */
static bool run(Trace *t)
{
    const WasmModule *m = dv_rt_module_info(t->module);
    RtExtern imports[ITEMS_MAX];
    RtInstance *instance;
    RtTrap *trap = NULL;
    for (u32 i = 0; i < m->imports.len; i++) {
        if (!make_import(t, m, &m->imports.data[i], &imports[i])) {
            return false;
        }
    }
    dv_rt_set_fuel(t->store, FUEL);
    davit_status_t status = instantiate(t, imports, &instance, &trap);
    mix(t, (u64)status);
    if (status != DAVIT_OK) {
        bool comparable = trap != NULL && !is_exhaustion(trap);
        mix(t, trap == NULL ? 0 : trap->code);
        dv_rt_trap_free(trap);
        return comparable;
    }
    u32 count = m->exports.len < ITEMS_MAX ? m->exports.len : ITEMS_MAX;
    for (u32 i = 0; i < 2 * count; i++) {
        RtExtern e = dv_rt_instance_export(instance, i % count);
        if (i == count) {
            change(t, instance);
        }
        if (e.kind == EXTERN_FUNC && !call_export(t, e.of.func, i / count)) {
            return false;
        }
    }
    mix_state(t, instance);
    link_again(t, instance);
    return true;
}

/* ---- all ways ---- */

/* A way to run a module. */
typedef struct Way {
    const char *name;
    bool is_native, is_fast, is_checked;
} Way;

static const Way ways[] = {
    {"bytecode of the main allocator", false, false, false},
    {"bytecode of the fast allocator", false, true, false},
    {"machine code of the main allocator with guard pages", true, false, false},
    {"machine code of the fast allocator with comparisons", true, true, true},
};

typedef struct Case {
    Arena arena;
    Arena scratch;
    const u8 *data;
    usize size;
} Case;

static bool compile(Case *c, const Way *way, RtModule **module)
{
    WasmModule wasm;
    WasmError error;
    Diag diag;
    ByteBuf artifact;
    RtError rt_error;
    WasmCompileStats stats;
    DecodeOptions decode = {.features = dv_wasm_features_run()};
    WasmCompileOptions options = {.features = decode.features,
                                  .metered = true,
                                  .fast = way->is_fast,
                                  .verify = true,
                                  .checked = way->is_checked,
                                  .target = "pulley"};
    if (way->is_native) {
        options.target = dv_rt_native_target(&options.cpu);
    }
    dv_diag_init(&diag, &c->arena);
    dv_bytebuf_init(&artifact, &c->arena);
    if (!dv_wasm_decode(&c->arena, c->data, c->size, &decode, &wasm, &diag, &error) ||
        wasm.imports.len > ITEMS_MAX ||
        !dv_wasm_compile(&wasm, &options, &c->scratch, &artifact, &stats, &diag, &error)) {
        return false;
    }
    if (dv_rt_module_load(NULL, artifact.data, artifact.len, RT_LOAD_NATIVE, module, &rt_error) !=
        DAVIT_OK) {
        fuzz_report("an artifact is refused", rt_error.message);
    }
    return true;
}

static bool trace(Case *c, const Way *way, u64 *hash)
{
    Trace t = {.hash = 1, .arena = &c->arena};
    RtStoreConfig config = {.metered = true,
                            .guarded = way->is_native && !way->is_checked,
                            .max_memory_bytes = MEMORY_BYTES_MAX,
                            .max_table_elems = TABLE_ELEMS_MAX};
    bool comparable = false;
    if (!compile(c, way, &t.module)) {
        return false;
    }
    if (dv_rt_store_new(&config, &t.store) == DAVIT_OK) {
        comparable = run(&t);
        dv_rt_store_release(t.store);
    }
    dv_rt_module_release(t.module);
    *hash = t.hash;
    return comparable;
}

static void compare(Arena *arena, const u8 *data, usize size)
{
    Case c = {.data = data, .size = size};
    u64 first, other;
    u32 features;
    bool has_native = dv_rt_native_target(&features) != NULL;
    if (size > MODULE_BYTES_MAX) {
        return;
    }
    dv_arena_init(&c.arena, arena->pool);
    dv_arena_init(&c.scratch, arena->pool);
    bool comparable = trace(&c, &ways[0], &first);
    for (usize i = 1; i < ARRAY_LEN(ways) && comparable; i++) {
        if (ways[i].is_native && !has_native) {
            continue;
        }
        if (trace(&c, &ways[i], &other) && first != other) {
            fuzz_report("it does other things than bytecode of the main allocator", ways[i].name);
        }
    }
    dv_arena_release(&c.scratch);
    dv_arena_release(&c.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_run(compare, data, size);
    return 0;
}
