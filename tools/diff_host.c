/* diff_host.c - what modules that are compared on several engines are linked with, so that nothing but the engines can make them differ.
 *
 * WASI is the real one without arguments, variables or files: standard input is empty, what is written is kept. Its
 * clocks count calls, its random numbers count bytes. Other imports are made up: functions log how they were called and give
 * small numbers, another one each time; memories, tables and globals are those of the declarations, empty.
 */
#include "tools/diff.h"

#include "base/bytes.h"

enum { CLOCK_STEP_NS = 1000000, CLOCK_RESOLUTION_NS = 1000 };

/* A function made up. */
typedef struct Stub {
    DiffHost *host;
    u32 import, type_id;
} Stub;

static const RtFuncType *type_of(const Stub *stub)
{
    return dv_rt_type_of(stub->host->store, stub->type_id);
}

static u64 mix(u64 digest, u64 x)
{
    digest = (digest ^ x) * 0x100000001b3u;
    return digest ^ digest >> 29;
}

/* ---- functions ---- */

static u64 digest_of(RtVal value, ValType type)
{
    if (vt_is_ref(type)) {
        return (u32)value.lo != 0; /* handles are each store's own */
    }
    u64 bits = type == VT_I32 || type == VT_F32 ? (u32)value.lo : value.lo;
    bool is_nan = (type == VT_F32 && (bits & 0x7fffffff) > 0x7f800000) ||
                  (type == VT_F64 && (bits & INT64_MAX) > (u64)0x7ff << 52);
    return is_nan ? 0x7fc00000 : mix(bits, value.hi);
}

static u64 small_value(ValType type, u64 number)
{
    number %= 4;
    return type == VT_F32    ? number == 0 ? 0 : 0x3f800000u + (number << 22)
              : type == VT_F64 ? number == 0 ? 0 : ((u64)0x3ff0 << 48) + (number << 51)
              : vt_is_ref(type) ? 0
                             : number;
}

static RtTrap *call_stub(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    const Stub *stub = context;
    const RtFuncType *type = type_of(stub);
    DiffHost *host = stub->host;
    u64 digest = mix(1, stub->import);
    (void)store;
    for (u32 i = 0; i < type->num_params; i++) {
        digest = mix(digest, digest_of(args[i], type->params[i]));
    }
    if (host->num_calls < DIFF_LOG_MAX) {
        host->log[host->num_calls] = digest;
    }
    host->log_digest = mix(host->log_digest, digest);
    host->num_calls++;
    for (u32 i = 0; i < type->num_results; i++) {
        results[i].lo = small_value(type->results[i], host->num_calls + i);
    }
    return NULL;
}

static bool can_give(const RtFuncType *type)
{
    for (u32 i = 0; i < type->num_params + type->num_results; i++) {
        bool is_result = i >= type->num_params;
        ValType t = is_result ? type->results[i - type->num_params] : type->params[i];
        if (vt_is_indexed(t) || (is_result && vt_is_ref(t) && (t & VT_NULL) == 0)) {
            return false;
        }
    }
    return true;
}

/* NULL: a type that only the module knows, or that nothing can be given of. */
static RtFunc *make_func(DiffHost *host, const SubType *type, u32 import, Arena *arena)
{
    RtFuncType plain = {type->num_params, type->num_results, type->params, type->results};
    RtError error;
    if (!can_give(&plain)) {
        return NULL;
    }
    u32 id = dv_rt_type(host->store, &plain);
    if (id == 0) {
        return NULL;
    }
    Stub *stub = ARENA_NEW(arena, Stub);
    *stub = (Stub){host, import, id};
    RtHostFunc func = {call_stub, stub, NULL};
    return dv_rt_func_new(host->store, id, &func, &error);
}

/* ---- WASI ---- */

static i64 write_output(void *context, const void *from, usize size)
{
    DiffHost *host = context;
    const u8 *bytes = from;
    for (usize i = 0; i < size; i++) {
        if (host->output_bytes < DIFF_OUTPUT_MAX) {
            host->output[host->output_bytes] = bytes[i];
        }
        host->output_bytes++;
        host->output_digest = mix(host->output_digest, bytes[i]);
    }
    return (i64)size;
}

/* `size` bytes of the caller's memory from an address on; NULL: they are not there. */
static u8 *guest_bytes(RtStore *store, u64 at, u64 size)
{
    RtInstance *caller = dv_rt_caller(store);
    RtExtern found;
    if (caller == NULL || !dv_rt_instance_find(caller, (Str){"memory", 6}, &found) ||
        found.kind != EXTERN_MEMORY) {
        return NULL;
    }
    u64 length = dv_rt_memory_bytes(found.of.memory);
    return at > length || length - at < size ? NULL : dv_rt_memory_data(found.of.memory) + at;
}

enum { WASI_SUCCESS = 0, WASI_EFAULT = 21 };

/* clock_res_get(id, to), clock_time_get(id, precision, to) */
static RtTrap *get_clock(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    const Stub *stub = context;
    bool is_time = type_of(stub)->num_params == 3;
    u8 *to = guest_bytes(store, (u32)args[is_time ? 2 : 1].lo, 8);
    stub->host->num_calls += is_time;
    if (to != NULL) {
        store_le64(to, is_time ? stub->host->num_calls * CLOCK_STEP_NS : CLOCK_RESOLUTION_NS);
    }
    results[0].lo = to == NULL ? WASI_EFAULT : WASI_SUCCESS;
    return NULL;
}

/* random_get(to, size) */
static RtTrap *get_random(void *context, RtStore *store, const RtVal *args, RtVal *results)
{
    const Stub *stub = context;
    u32 size = (u32)args[1].lo;
    u8 *to = guest_bytes(store, (u32)args[0].lo, size);
    for (u32 i = 0; to != NULL && i < size; i++) {
        to[i] = (u8)(i * 167 + stub->host->num_calls);
    }
    stub->host->num_calls++;
    results[0].lo = to == NULL ? WASI_EFAULT : WASI_SUCCESS;
    return NULL;
}

static RtHostFn *replacement(Str name)
{
    static const struct {
        const char *name;
        RtHostFn *fn;
    } rows[] = {
        {"clock_res_get", get_clock}, {"clock_time_get", get_clock}, {"random_get", get_random}};
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        if (str_is(name, rows[i].name)) {
            return rows[i].fn;
        }
    }
    return NULL;
}

static bool find_wasi(DiffHost *host, const ImportDecl *import, Arena *arena, RtExtern *out)
{
    RtError error;
    if (!str_is(import->module, WASI_MODULE) ||
        !dv_rt_linker_find(host->linker, import->module, import->name, out)) {
        return false;
    }
    RtHostFn *fn = replacement(import->name);
    if (fn != NULL) {
        u32 id = out->of.func->type_id;
        Stub *stub = ARENA_NEW(arena, Stub);
        *stub = (Stub){host, 0, id};
        RtHostFunc func = {fn, stub, NULL};
        out->of.func = dv_rt_func_new(host->store, id, &func, &error);
    }
    return out->of.func != NULL;
}

bool dv_diff_host_open(DiffHost *host, RtStore *store)
{
    char message[256];
    RtError error;
    WasiConfig config = {.should_stop = dv_wasi_stops_with_store, .stop_context = store};
    memset(host, 0, sizeof *host);
    host->store = store;
    config.stdio[0].kind = WASI_STDIO_NULL;
    for (u32 i = 1; i < 3; i++) {
        config.stdio[i] =
            (WasiStdio){.kind = WASI_STDIO_CALLBACK, .write = write_output, .context = host};
    }
    host->linker = dv_rt_linker_new(store);
    return host->linker != NULL &&
           dv_wasi_new(&config, &host->wasi, message, sizeof message) == DAVIT_OK &&
           dv_wasi_link(host->linker, store, host->wasi, &error);
}

void dv_diff_host_close(DiffHost *host)
{
    dv_wasi_free(host->wasi);
    host->wasi = NULL;
}

/* ---- imports ---- */

static bool is_made_up(ValType type)
{
    return !vt_is_indexed(type) && (!vt_is_ref(type) || (type & VT_NULL) != 0);
}

bool dv_diff_host_import(DiffHost *host, const WasmModule *info, u32 number, Arena *arena,
                         RtExtern *out)
{
    const ImportDecl *import = &info->imports.data[number];
    const GlobalDecl *global;
    const TableDecl *table;
    RtVal zero = {0, 0};
    RtError error;
    if (import->kind == EXTERN_FUNC && find_wasi(host, import, arena, out)) {
        return true;
    }
    out->kind = import->kind;
    switch (import->kind) {
    case EXTERN_FUNC:
        out->of.func =
            make_func(host, &info->types.data[info->funcs.data[import->index].type], number, arena);
        return out->of.func != NULL;
    case EXTERN_TABLE:
        table = &info->tables.data[import->index];
        out->of.table =
            is_made_up(table->type) ? dv_rt_table_new(host->store, table, 0, &error) : NULL;
        return out->of.table != NULL;
    case EXTERN_MEMORY:
        out->of.memory = dv_rt_memory_new(host->store, &info->memories.data[import->index], &error);
        return out->of.memory != NULL;
    case EXTERN_GLOBAL:
        global = &info->globals.data[import->index];
        out->of.global =
            is_made_up(global->type)
                ? dv_rt_global_new(host->store, global->type, global->is_mutable, zero, &error)
                : NULL;
        return out->of.global != NULL;
    default:
        return false;
    }
}

/* ---- comparing ---- */

const char *dv_diff_host_compare(const DiffHost *want, const DiffHost *got, Arena *arena)
{
    for (u64 i = 0; i < want->num_calls && i < got->num_calls && i < DIFF_LOG_MAX; i++) {
        if (want->log[i] != got->log[i]) {
            return dv_arena_printf(
                arena, "call %" PRIu64 " of an imported function names another, or other arguments",
                i + 1);
        }
    }
    if (want->num_calls != got->num_calls || want->log_digest != got->log_digest) {
        return dv_arena_printf(arena,
                               "%" PRIu64 " calls of imported functions, not the same %" PRIu64,
                               got->num_calls, want->num_calls);
    }
    for (u64 i = 0; i < want->output_bytes && i < got->output_bytes && i < DIFF_OUTPUT_MAX; i++) {
        if (want->output[i] != got->output[i]) {
            return dv_arena_printf(arena, "byte %" PRIu64 " of the output is 0x%02x, not 0x%02x", i,
                                   (unsigned)got->output[i], (unsigned)want->output[i]);
        }
    }
    if (want->output_bytes != got->output_bytes || want->output_digest != got->output_digest) {
        return dv_arena_printf(arena, "%" PRIu64 " bytes of output, not the same %" PRIu64,
                               got->output_bytes, want->output_bytes);
    }
    return NULL;
}
