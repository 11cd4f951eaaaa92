/* instantiate.c - instances: imports are matched, objects made and initialised, the start function run.
 *
 * Source: WebAssembly core specification 3.0, "Instantiation": after imports have matched, globals get their values in
 * order, then tables, element segments; then active element segments are copied into tables and active data segments
 * into memories, in order, each trapping before it writes anything if it does not fit; what earlier ones wrote stays. Then
 * the start function is called. An instance that failed halfway stays in the store, since tables may refer to it.
 *
 * An instance is two blocks of memory: the interpreter's, with an array per kind of entity, and one with everything
 * that the module defines itself. References to functions are made where they are needed: for exports, and for
 * what elements name.
 */
#include "wasm/runtime/internal.h"

/* What is being made. */
typedef struct Maker {
    RtStore *store;
    RtModule *module;
    const WasmModule *info;
    RtInstance *instance;
    const RtExtern *imports;
    const u32 *type_ids;
    RtMemory *memories;
    RtTable *tables;
    RtGlobal *globals;
    RtTag *tags;
    u32 *elems; /* handles of all passive segments */
    RtError *error;
} Maker;

RtFunc *dv_rt_instance_func(RtInstance *instance, u32 func)
{
    u32 imported = instance->module->info.imported_funcs;
    if (func < imported) {
        return instance->imports[func];
    }
    return dv_instance_func(instance->vm, instance->module->code.imports.len + func - imported);
}

/* ---- room ---- */

/* Gives out the parts of one block in turn; with no block it only adds up. */
typedef struct Carver {
    u8 *block;
    usize used;
} Carver;

static void *carve(Carver *carver, usize count, usize element_bytes)
{
    void *part = carver->block == NULL ? NULL : carver->block + carver->used;
    carver->used += (count * element_bytes + 15) & ~(usize)15;
    return part;
}

static usize count_passive(const WasmModule *info)
{
    usize count = 0;
    for (u32 i = 0; i < info->elems.len; i++) {
        count += info->elems.data[i].mode == SEGMENT_PASSIVE ? info->elems.data[i].count : 0;
    }
    return count;
}

/* Counts are bounded by the module, which lies in memory. */
static void lay_out(Maker *m, Carver *carver, RtInstance *instance)
{
    const WasmModule *info = m->info;
    (void)carve(carver, 1, sizeof *instance);
    instance->imports = carve(carver, info->imported_funcs, sizeof instance->imports[0]);
    instance->exports = carve(carver, info->exports.len, sizeof instance->exports[0]);
    m->memories = carve(carver, info->memories.len - info->imported_memories, sizeof *m->memories);
    m->tables = carve(carver, info->tables.len - info->imported_tables, sizeof *m->tables);
    if (m->module->native == NULL) {
        m->globals = carve(carver, info->globals.len - info->imported_globals, sizeof *m->globals);
    } else { /* code has them in its vmctx */
        instance->native_block = carve(carver, dv_native_block_bytes(m->module->native), 1);
    }
    m->tags = carve(carver, info->tags.len - info->imported_tags, sizeof *m->tags);
    m->elems = carve(carver, count_passive(info), sizeof *m->elems);
}

static davit_status_t make_room(Maker *m)
{
    RtInstance layout;
    Carver carver = {0};
    lay_out(m, &carver, &layout);
    RtInstance *instance = dv_rt_make(m->store, carver.used);
    if (instance == NULL) {
        return dv_rt_no_memory(m->error);
    }
    carver = (Carver){.block = (u8 *)instance};
    lay_out(m, &carver, instance);
    davit_status_t status = dv_instance_new(m->store->vm, &m->module->code, &instance->vm);
    if (status != DAVIT_OK) {
        return dv_rt_error(m->error, status, "%s", davit_status_name(status));
    }
    instance->vm->host = instance;
    instance->store = m->store;
    instance->module = m->module; /* which the types of the store hold */
    instance->type_ids = m->type_ids;
    instance->next = m->store->instances;
    m->store->instances = instance;
    m->store->num_instances++;
    m->instance = instance;
    return DAVIT_OK;
}

static davit_status_t check(Maker *m, u32 num_imports)
{
    RtStore *store = m->store;
    if (store->config.metered && !m->module->code.metered) {
        return dv_rt_error(m->error, DAVIT_ERROR_UNSUPPORTED,
                           "the module was not compiled for fuel to be counted");
    }
    if (!dv_interp_can_run(store->vm, &m->module->code, NULL)) {
        return dv_rt_error(m->error, DAVIT_ERROR_UNSUPPORTED,
                           "this build cannot run the module's code");
    }
    if (store->num_instances >= store->config.max_instances) {
        return dv_rt_error(m->error, DAVIT_ERROR_LIMIT, "the limit of %u instances is reached",
                           (unsigned)store->config.max_instances);
    }
    if (num_imports != m->info->imports.len) {
        return dv_rt_error(m->error, DAVIT_ERROR_INVALID,
                           "the module has %u imports, but %u were given",
                           (unsigned)m->info->imports.len, (unsigned)num_imports);
    }
    m->type_ids = dv_rt_module_types(store, m->module);
    if (m->type_ids == NULL) {
        return dv_rt_no_memory(m->error);
    }
    for (u32 i = 0; i < num_imports; i++) {
        davit_status_t status =
            dv_rt_check_import(store, m->module, m->type_ids, i, m->imports[i], m->error);
        if (status != DAVIT_OK) {
            return status;
        }
    }
    return DAVIT_OK;
}

/* ---- what the instance names ---- */

static void put_imports(Maker *m)
{
    InterpInstance *vm = m->instance->vm;
    const PulleyModule *code = &m->module->code;
    for (u32 i = 0; i < m->info->imports.len; i++) {
        u32 index = m->info->imports.data[i].index;
        RtExtern what = m->imports[i];
        switch ((ExternKind)what.kind) {
        case EXTERN_FUNC:
            m->instance->imports[index] = what.of.func;
            break;
        case EXTERN_TABLE:
            vm->tables[index] = &what.of.table->interp;
            break;
        case EXTERN_MEMORY:
            vm->memories[index] = &what.of.memory->interp;
            break;
        case EXTERN_GLOBAL:
            vm->globals[index] = what.of.global->slots;
            break;
        case EXTERN_TAG:
            vm->tags[index] = &what.of.tag->interp;
            break;
        }
    }
    for (u32 i = 0; i < code->imports.len; i++) {
        vm->imports[i] = m->instance->imports[m->module->import_funcs[i]];
    }
    for (u32 i = 0; i < code->types.len; i++) {
        u32 wasm = m->module->wasm_types[i];
        vm->type_ids[i] = wasm == UINT32_MAX ? UINT32_MAX : m->type_ids[wasm];
    }
}

/* Named before they are made: a function of an instance that failed halfway, should anything call it, finds empty tables.
 * (No function is made before all memories are.) */
static void put_own(Maker *m)
{
    InterpInstance *vm = m->instance->vm;
    const WasmModule *info = m->info;
    for (u32 i = info->imported_memories; i < info->memories.len; i++) {
        vm->memories[i] = &m->memories[i - info->imported_memories].interp;
    }
    for (u32 i = info->imported_globals; i < info->globals.len; i++) {
        u32 own = i - info->imported_globals;
        const NativeCode *native = m->module->native;
        vm->globals[i] = native == NULL ? m->globals[own].slots
                                        : dv_native_global(native, m->instance->native_block, own);
    }
    for (u32 i = info->imported_tables; i < info->tables.len; i++) {
        vm->tables[i] = &m->tables[i - info->imported_tables].interp;
    }
}

static davit_status_t make_memories(Maker *m)
{
    u32 first = m->info->imported_memories;
    for (u32 i = first; i < m->info->memories.len; i++) {
        RtMemory *memory = &m->memories[i - first];
        davit_status_t status =
            dv_rt_memory_init(memory, m->store, &m->info->memories.data[i], m->error);
        if (status != DAVIT_OK) {
            return status;
        }
    }
    return DAVIT_OK;
}

/* Before anything refers to a function. */
static davit_status_t make_native(Maker *m)
{
    const RtInstance *instance = m->instance;
    if (m->module->native == NULL) {
        return DAVIT_OK;
    }
    davit_status_t status =
        dv_native_bind(instance->vm, m->module->native, m->type_ids, instance->native_block);
    switch (status) {
    case DAVIT_OK:
        return status;
    case DAVIT_ERROR_MEMORY:
        return dv_rt_no_memory(m->error);
    default:
        return dv_rt_error(m->error, status,
                           "the module's native code cannot be used: a memory is not guarded, or a "
                           "function type has no adapter");
    }
}

_Static_assert(sizeof(RtGlobal) <= VM_GLOBAL_BYTES, "a global fits where native code has it");

static davit_status_t make_globals(Maker *m)
{
    u32 first = m->info->imported_globals;
    for (u32 i = first; i < m->info->globals.len; i++) {
        const GlobalDecl *decl = &m->info->globals.data[i];
        RtGlobal *global = instance_global(m->instance, i);
        RtVal value;
        if (dv_const_eval(m->instance, m->module->globals[i - first], &value) != DAVIT_OK) {
            return dv_rt_no_memory(m->error);
        }
        dv_rt_global_init(global, m->store, dv_rt_map_type(m->type_ids, decl->type),
                          decl->is_mutable, value);
    }
    return DAVIT_OK;
}

static davit_status_t make_tables(Maker *m)
{
    u32 first = m->info->imported_tables;
    for (u32 i = first; i < m->info->tables.len; i++) {
        TableDecl decl = m->info->tables.data[i];
        ConstExpr init = m->module->tables[i - first];
        RtTable *table = &m->tables[i - first];
        RtVal value = {0, 0};
        if (init.depth != 0 && dv_const_eval(m->instance, init, &value) != DAVIT_OK) {
            return dv_rt_no_memory(m->error);
        }
        decl.type = dv_rt_map_type(m->type_ids, decl.type);
        davit_status_t status = dv_rt_table_init(table, m->store, &decl, (u32)value.lo, m->error);
        if (status != DAVIT_OK) {
            return status;
        }
    }
    return DAVIT_OK;
}

static void make_tags(Maker *m)
{
    u32 first = m->info->imported_tags;
    for (u32 i = first; i < m->info->tags.len; i++) {
        RtTag *tag = &m->tags[i - first];
        tag->store = m->store;
        tag->type_id = m->type_ids[m->info->tags.data[i].type];
        tag->interp.args = type_row(m->store, tag->type_id)->arg_slots;
        m->instance->vm->tags[i] = &tag->interp;
    }
}

/* ---- segments ---- */

/* Item i of a segment as a handle. False: no memory. */
static bool eval_item(RtInstance *instance, const ModuleElem *elem, u32 i, u32 *handle)
{
    if (elem->exprs != NULL) {
        RtVal value;
        bool ok = dv_const_eval(instance, elem->exprs[i], &value) == DAVIT_OK;
        *handle = ok ? (u32)value.lo : 0;
        return ok;
    }
    const RtFunc *func = dv_rt_instance_func(instance, elem->funcs[i]);
    *handle = func == NULL ? 0 : func->handle;
    return func != NULL;
}

/* Passive segments get their handles; others are as good as dropped. */
static davit_status_t make_segments(Maker *m)
{
    InterpInstance *vm = m->instance->vm;
    u32 *handles = m->elems;
    for (u32 i = 0; i < m->info->elems.len; i++) {
        const ElemDecl *decl = &m->info->elems.data[i];
        if (decl->mode != SEGMENT_PASSIVE) {
            continue;
        }
        for (u32 k = 0; k < decl->count; k++) {
            if (!eval_item(m->instance, &m->module->elems[i], k, &handles[k])) {
                return dv_rt_no_memory(m->error);
            }
        }
        vm->elems[i] = (InterpSegment){handles, decl->count};
        handles += decl->count;
    }
    for (u32 i = 0; i < m->info->datas.len; i++) {
        const DataDecl *decl = &m->info->datas.data[i];
        bool is_passive = decl->mode == SEGMENT_PASSIVE;
        vm->datas[i] =
            (InterpSegment){m->info->bytes + decl->bytes.offset, is_passive ? decl->bytes.size : 0};
    }
    return DAVIT_OK;
}

static davit_status_t make_exports(Maker *m)
{
    for (u32 i = 0; i < m->info->exports.len; i++) {
        const ExportDecl *export = &m->info->exports.data[i];
        if (export->kind != EXTERN_FUNC) {
            continue;
        }
        m->instance->exports[i] = dv_rt_instance_func(m->instance, export->index);
        if (m->instance->exports[i] == NULL) {
            return dv_rt_no_memory(m->error);
        }
    }
    return DAVIT_OK;
}

static bool has_range(u64 length, u64 at, u64 count)
{
    return at <= length && count <= length - at;
}

/* DAVIT_OK, and *trap if it does not fit. */
static davit_status_t copy_elems(Maker *m, u32 number, u32 *trap)
{
    const ElemDecl *decl = &m->info->elems.data[number];
    RtTable *table = instance_table(m->instance, decl->table);
    RtVal offset;
    if (dv_const_eval(m->instance, m->module->elem_offsets[number], &offset) != DAVIT_OK) {
        return dv_rt_no_memory(m->error);
    }
    if (!has_range(table->interp.count, offset.lo, decl->count)) {
        *trap = PULLEY_TRAP_table_oob;
        return DAVIT_OK;
    }
    for (u32 i = 0; i < decl->count; i++) {
        u32 *elem = &table->interp.elems[offset.lo + i];
        if (!eval_item(m->instance, &m->module->elems[number], i, elem)) {
            return dv_rt_no_memory(m->error);
        }
    }
    return DAVIT_OK;
}

static davit_status_t copy_data(Maker *m, u32 number, u32 *trap)
{
    const DataDecl *decl = &m->info->datas.data[number];
    RtMemory *memory = instance_memory(m->instance, decl->memory);
    RtVal offset;
    if (dv_const_eval(m->instance, m->module->data_offsets[number], &offset) != DAVIT_OK) {
        return dv_rt_no_memory(m->error);
    }
    if (!has_range(dv_rt_memory_bytes(memory), offset.lo, decl->bytes.size)) {
        *trap = PULLEY_TRAP_heap_oob;
    } else if (decl->bytes.size != 0) {
        memcpy(memory->interp.base + offset.lo, m->info->bytes + decl->bytes.offset,
               decl->bytes.size);
    }
    return DAVIT_OK;
}

static davit_status_t copy_segments(Maker *m, u32 *trap)
{
    davit_status_t status = DAVIT_OK;
    for (u32 i = 0; i < m->info->elems.len && status == DAVIT_OK && *trap == 0; i++) {
        if (m->info->elems.data[i].mode == SEGMENT_ACTIVE) {
            status = copy_elems(m, i, trap);
        }
    }
    for (u32 i = 0; i < m->info->datas.len && status == DAVIT_OK && *trap == 0; i++) {
        if (m->info->datas.data[i].mode == SEGMENT_ACTIVE) {
            status = copy_data(m, i, trap);
        }
    }
    return status;
}

/* ---- all of it ---- */

static davit_status_t make(Maker *m, u32 num_imports)
{
    davit_status_t (*const steps[])(Maker *) = {make_room,    make_memories, make_native,
                                                make_globals, make_tables,   make_segments,
                                                make_exports};
    davit_status_t status = check(m, num_imports);
    for (usize i = 0; i < ARRAY_LEN(steps) && status == DAVIT_OK; i++) {
        status = steps[i](m);
        if (i == 0 && status == DAVIT_OK) {
            put_imports(m);
            put_own(m);
            make_tags(m);
        }
    }
    return status;
}

static RtTrap *run_start(Maker *m)
{
    RtFunc *start = dv_rt_instance_func(m->instance, m->info->start);
    if (start == NULL) {
        return dv_rt_trap_memory();
    }
    return dv_rt_call(m->store, start, NULL, NULL);
}

davit_status_t dv_rt_instantiate(RtStore *store, RtModule *module, const RtExtern *imports,
                                 u32 num_imports, RtInstance **out, RtTrap **trap, RtError *error)
{
    Maker m = {.store = store,
               .module = module,
               .info = &module->info,
               .imports = imports,
               .error = error};
    u32 code = 0;
    *trap = NULL;
    davit_status_t status = make(&m, num_imports);
    if (status == DAVIT_OK) {
        status = copy_segments(&m, &code);
    }
    if (status != DAVIT_OK) {
        return status;
    }
    if (code != 0) {
        *trap = dv_rt_trap_code(store, code);
    } else if (module->info.has_start) {
        *trap = run_start(&m);
    }
    if (*trap != NULL) {
        return dv_rt_error(error, DAVIT_ERROR_INVALID, "%s", (*trap)->message);
    }
    *out = m.instance;
    return DAVIT_OK;
}

/* ---- looking at instances ---- */

RtModule *dv_rt_instance_module(const RtInstance *instance)
{
    return instance->module;
}

RtStore *dv_rt_instance_store(const RtInstance *instance)
{
    return instance->store;
}

const InterpInstance *dv_rt_instance_interp(const RtInstance *instance)
{
    return instance->vm;
}

RtExtern dv_rt_instance_export(RtInstance *instance, u32 index)
{
    const ExportDecl *export = &instance->module->info.exports.data[index];
    RtExtern out = {.kind = export->kind};
    switch ((ExternKind) export->kind) {
    case EXTERN_FUNC:
        out.of.func = instance->exports[index];
        break;
    case EXTERN_TABLE:
        out.of.table = instance_table(instance, export->index);
        break;
    case EXTERN_MEMORY:
        out.of.memory = instance_memory(instance, export->index);
        break;
    case EXTERN_GLOBAL:
        out.of.global = instance_global(instance, export->index);
        break;
    case EXTERN_TAG:
        out.of.tag = (RtTag *)(uintptr_t)instance->vm->tags[export->index];
        break;
    }
    return out;
}

bool dv_rt_instance_find(RtInstance *instance, Str name, RtExtern *out)
{
    u32 index;
    if (!dv_strmap_find(&instance->module->exports, name.data, name.len, &index)) {
        return false;
    }
    *out = dv_rt_instance_export(instance, index);
    return true;
}
