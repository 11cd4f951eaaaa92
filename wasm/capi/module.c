/* module.c - modules: from binaries, text and artifacts, and what they import and export.
 *
 * A binary is decoded, compiled to an artifact by compile.c, and that is loaded, trusted: there is no other way into the
 * runtime. All memory of compiling is in a pool of its own and gone afterwards.
 */
#include "wasm/capi/capi.h"
#include "wasm/format/text.h"

struct wasm_shared_module_t {
    wasm_engine_t *engine;
    RtModule *rt;
};

/* ---- work in a pool of its own ---- */

typedef struct Work Work;
/* False after an error in work->diag. */
typedef bool WorkFn(Work *work);

struct Work {
    wasm_store_t *store;
    WorkFn *fn;
    const u8 *bytes;
    usize size;
    Arena arena, scratch;
    Diag diag;
    bool ok;
    RtModule *module; /* results */
    wasm_byte_vec_t *text_out;
};

static void run_work(void *context)
{
    Work *work = context;
    dv_diag_init(&work->diag, &work->arena);
    work->ok = work->fn(work);
    const DiagMessage *first = dv_diag_first(&work->diag);
    if (work->ok || first == NULL) {
        return;
    }
    if (first->line != 0) {
        dv_capi_error(work->store, DAVIT_ERROR_INVALID, "%" PRIu32 ":%" PRIu32 ": %s", first->line,
                      first->column, first->text);
    } else {
        dv_capi_error(work->store, DAVIT_ERROR_INVALID, "%s", first->text);
    }
}

static davit_status_t do_work(wasm_store_t *store, Work *work)
{
    const Settings *settings = &store->engine->settings;
    Pool pool;
    u64 limit = settings->limits.compile_bytes;
    dv_pool_init(&pool, &settings->allocator);
    pool.limit_bytes = limit > SIZE_MAX ? SIZE_MAX : (usize)limit;
    dv_arena_init(&work->arena, &pool);
    dv_arena_init(&work->scratch, &pool);
    work->store = store;
    davit_status_t status = dv_pool_protect(&pool, run_work, work);
    dv_arena_release(&work->scratch);
    dv_arena_release(&work->arena);
    dv_pool_destroy(&pool);
    if (status != DAVIT_OK) {
        dv_capi_error(store, status, "%s", davit_status_name(status));
        return status;
    }
    return work->ok ? DAVIT_OK : store->error.status;
}

static bool decode(Work *work, WasmModule *module)
{
    DecodeOptions options = {.features = work->store->engine->settings.compile.features};
    return dv_wasm_decode(&work->arena, work->bytes, work->size, &options, module, &work->diag,
                          NULL);
}

static bool validate(Work *work)
{
    WasmModule module;
    WasmError error;
    return decode(work, &module) && dv_wasm_validate(&work->scratch, &module, &work->diag, &error);
}

static u32 perf_map(const Settings *settings)
{
    return settings->perf_map ? RT_LOAD_PERF_MAP : 0;
}

static bool compile(Work *work)
{
    WasmModule module;
    ByteBuf artifact;
    const Settings *settings = &work->store->engine->settings;
    dv_bytebuf_init(&artifact, &work->arena);
    if (!decode(work, &module) ||
        !dv_capi_compile(&module, &settings->compile, &work->scratch, &artifact, &work->diag)) {
        return false;
    }
    return dv_rt_module_load(&settings->allocator, artifact.data, artifact.len,
                             RT_LOAD_TRUSTED | RT_LOAD_NATIVE | perf_map(settings), &work->module,
                             &work->store->error) == DAVIT_OK;
}

static bool read_text(Work *work)
{
    ByteBuf binary;
    Str text = {(const char *)work->bytes, (u32)work->size};
    dv_bytebuf_init(&binary, &work->arena);
    if (!dv_wat_to_binary(&work->arena, text, &binary, NULL, &work->diag)) {
        return false;
    }
    wasm_byte_vec_new(work->text_out, binary.len, (const wasm_byte_t *)binary.data);
    if (work->text_out->size != binary.len) {
        dv_capi_error(work->store, DAVIT_ERROR_MEMORY, "out of memory");
        return false;
    }
    return true;
}

davit_status_t davit_wasm_text_to_binary(wasm_store_t *store, const char *text, size_t size,
                                         wasm_byte_vec_t *out)
{
    Work work = {.fn = read_text, .bytes = (const u8 *)text, .size = size, .text_out = out};
    wasm_byte_vec_new_empty(out);
    if (size > UINT32_MAX - 1) {
        return dv_capi_error(store, DAVIT_ERROR_LIMIT, "the text is larger than 4 GiB");
    }
    return do_work(store, &work);
}

/* ---- modules ---- */

wasm_module_t *dv_capi_module(wasm_store_t *store, RtModule *rt)
{
    return (wasm_module_t *)dv_capi_handle(store, HANDLE_MODULE, rt);
}

/* A handle of a module of which the caller's reference is given up. */
static wasm_module_t *take_module(wasm_store_t *store, RtModule *rt)
{
    wasm_module_t *module = dv_capi_module(store, rt);
    dv_rt_module_release(rt);
    return module;
}

wasm_module_t *wasm_module_new(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    Work work = {.fn = compile, .bytes = (const u8 *)binary->data, .size = binary->size};
    return do_work(store, &work) == DAVIT_OK ? take_module(store, work.module) : NULL;
}

bool wasm_module_validate(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    Work work = {.fn = validate, .bytes = (const u8 *)binary->data, .size = binary->size};
    return do_work(store, &work) == DAVIT_OK;
}

wasm_module_t *davit_wasm_module_load(wasm_store_t *store, const void *bytes, size_t size,
                                      uint32_t flags)
{
    RtModule *rt;
    u32 rt_flags = ((flags & DAVIT_LOAD_TRUSTED) != 0 ? RT_LOAD_TRUSTED : 0) |
                   ((flags & DAVIT_LOAD_IN_PLACE) != 0 ? RT_LOAD_IN_PLACE : 0) |
                   ((flags & DAVIT_LOAD_NATIVE) != 0 ? RT_LOAD_NATIVE : 0) |
                   perf_map(&store->engine->settings);
    davit_status_t status = dv_rt_module_load(&store->engine->settings.allocator, bytes, size,
                                              rt_flags, &rt, &store->error);
    return status == DAVIT_OK ? take_module(store, rt) : NULL;
}

wasm_module_t *wasm_module_deserialize(wasm_store_t *store, const wasm_byte_vec_t *bytes)
{
    return davit_wasm_module_load(store, bytes->data, bytes->size, 0);
}

void wasm_module_serialize(const wasm_module_t *module, wasm_byte_vec_t *out)
{
    usize size;
    const u8 *bytes = dv_rt_module_bytes(module->ref.thing, &size);
    wasm_byte_vec_new(out, size, (const wasm_byte_t *)bytes);
}

wasm_shared_module_t *wasm_module_share(const wasm_module_t *module)
{
    wasm_engine_t *engine = module->ref.store->engine;
    wasm_shared_module_t *shared = dv_capi_alloc(engine, sizeof *shared);
    if (shared == NULL) {
        dv_capi_error(module->ref.store, DAVIT_ERROR_MEMORY, "out of memory");
        return NULL;
    }
    shared->engine = dv_capi_engine_retain(engine);
    shared->rt = dv_rt_module_retain(module->ref.thing);
    return shared;
}

void wasm_shared_module_delete(wasm_shared_module_t *shared)
{
    if (shared != NULL) {
        wasm_engine_t *engine = shared->engine;
        dv_rt_module_release(shared->rt);
        dv_capi_free(engine, shared, sizeof *shared);
        wasm_engine_delete(engine);
    }
}

wasm_module_t *wasm_module_obtain(wasm_store_t *store, const wasm_shared_module_t *shared)
{
    return dv_capi_module(store, shared->rt);
}

/* ---- what modules declare ---- */

static const u8 extern_kinds[] = {
    [EXTERN_FUNC] = WASM_EXTERN_FUNC,     [EXTERN_TABLE] = WASM_EXTERN_TABLE,
    [EXTERN_MEMORY] = WASM_EXTERN_MEMORY, [EXTERN_GLOBAL] = WASM_EXTERN_GLOBAL,
    [EXTERN_TAG] = WASM_EXTERN_TAG,
};

static const WasmModule *info_of(const wasm_module_t *module)
{
    return dv_rt_module_info(module->ref.thing);
}

/* The type of an entity of the module; own. NULL if memory runs out. */
static wasm_externtype_t *declared_type(const WasmModule *m, u8 kind, u32 index)
{
    const SubType *type;
    switch (kind) {
    case EXTERN_FUNC:
        type = &m->types.data[m->funcs.data[index].type];
        return wasm_functype_as_externtype(
            dv_capi_functype(m, type->params, type->num_params, type->results, type->num_results));
    case EXTERN_TABLE:
        return wasm_tabletype_as_externtype(
            dv_capi_tabletype(m, m->tables.data[index].type, &m->tables.data[index].limits));
    case EXTERN_MEMORY:
        return wasm_memorytype_as_externtype(
            dv_capi_memorytype(&m->memories.data[index].limits, m->memories.data[index].page_log2));
    case EXTERN_GLOBAL:
        return wasm_globaltype_as_externtype(
            dv_capi_globaltype(m, m->globals.data[index].type, m->globals.data[index].is_mutable));
    default:
        type = &m->types.data[m->tags.data[index].type];
        return wasm_tagtype_as_externtype(dv_capi_tagtype(m, type->params, type->num_params));
    }
}

/* False if memory runs out. */
static bool copy_str(wasm_name_t *out, Str name)
{
    wasm_name_new(out, name.len, name.data);
    return out->size == name.len;
}

static wasm_importtype_t *import_type(const WasmModule *m, const ImportDecl *import)
{
    wasm_name_t module, name;
    bool whole = copy_str(&module, import->module);
    whole = copy_str(&name, import->name) && whole;
    wasm_externtype_t *type = whole ? declared_type(m, import->kind, import->index) : NULL;
    return wasm_importtype_new(&module, &name, type);
}

void wasm_module_imports(const wasm_module_t *module, wasm_importtype_vec_t *out)
{
    const WasmModule *m = info_of(module);
    wasm_importtype_vec_new_uninitialized(out, m->imports.len);
    for (usize i = 0; i < out->size; i++) {
        out->data[i] = import_type(m, &m->imports.data[i]);
        if (out->data[i] == NULL) {
            wasm_importtype_vec_delete(out);
        }
    }
}

static wasm_exporttype_t *export_type(const WasmModule *m, const ExportDecl *export)
{
    wasm_name_t name;
    bool whole = copy_str(&name, export->name);
    return wasm_exporttype_new(&name, whole ? declared_type(m, export->kind, export->index) : NULL);
}

void wasm_module_exports(const wasm_module_t *module, wasm_exporttype_vec_t *out)
{
    const WasmModule *m = info_of(module);
    wasm_exporttype_vec_new_uninitialized(out, m->exports.len);
    for (usize i = 0; i < out->size; i++) {
        out->data[i] = export_type(m, &m->exports.data[i]);
        if (out->data[i] == NULL) {
            wasm_exporttype_vec_delete(out);
        }
    }
}

static void fill_item(const WasmModule *m, u8 kind, u32 index, davit_wasm_item_t *out)
{
    const SubType *type = NULL;
    out->kind = extern_kinds[kind];
    switch (kind) {
    case EXTERN_FUNC:
        type = &m->types.data[m->funcs.data[index].type];
        break;
    case EXTERN_TABLE:
        out->type = m->tables.data[index].type;
        out->size =
            dv_capi_size(&m->tables.data[index].limits, 0, m->tables.data[index].limits.min);
        break;
    case EXTERN_MEMORY:
        out->size = dv_capi_size(&m->memories.data[index].limits,
                                 (u32)1 << m->memories.data[index].page_log2,
                                 m->memories.data[index].limits.min);
        break;
    case EXTERN_GLOBAL:
        out->type = m->globals.data[index].type;
        out->is_mutable = m->globals.data[index].is_mutable;
        break;
    default:
        type = &m->types.data[m->tags.data[index].type];
        break;
    }
    if (type != NULL) {
        out->params = type->params;
        out->num_params = type->num_params;
        out->results = type->results;
        out->num_results = type->num_results;
    }
}

bool davit_wasm_module_import(const wasm_module_t *module, size_t index, davit_wasm_item_t *out)
{
    const WasmModule *m = info_of(module);
    if (index >= m->imports.len) {
        return false;
    }
    const ImportDecl *import = &m->imports.data[index];
    *out = (davit_wasm_item_t){.module = import->module.data,
                               .module_size = import->module.len,
                               .name = import->name.data,
                               .name_size = import->name.len};
    fill_item(m, import->kind, import->index, out);
    return true;
}

bool davit_wasm_module_export(const wasm_module_t *module, size_t index, davit_wasm_item_t *out)
{
    const WasmModule *m = info_of(module);
    if (index >= m->exports.len) {
        return false;
    }
    const ExportDecl *export = &m->exports.data[index];
    *out = (davit_wasm_item_t){.name = export->name.data, .name_size = export->name.len};
    fill_item(m, export->kind, export->index, out);
    return true;
}

/* ---- names of value types ---- */

enum { TYPE_NAME_MAX = 48 };

typedef struct TypeName {
    Arena arena;
    ValType type;
    char *buffer;
} TypeName;

static void print_type(void *context)
{
    TypeName *name = context;
    TextBuf text;
    dv_text_init(&text, &name->arena);
    dv_wasm_print_type(&text, name->type);
    if (text.length < TYPE_NAME_MAX) {
        memcpy(name->buffer, text.data, text.length + 1);
    }
}

const char *davit_val_type_name(davit_val_type_t type, char *buffer)
{
    Pool pool;
    TypeName name = {.type = type, .buffer = buffer};
    memcpy(buffer, "?", 2); /* if memory runs out */
    dv_pool_init(&pool, NULL);
    dv_arena_init(&name.arena, &pool);
    (void)dv_pool_protect(&pool, print_type, &name);
    dv_arena_release(&name.arena);
    dv_pool_destroy(&pool);
    return buffer;
}
