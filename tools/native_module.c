/* native_module.c - one module of all functions of a file.
 *
 * Functions that name one entity with declarations of different kinds may be in one file, but not in one run: an object is
 * as the function says that the run is of, or else the first that names it. Types are the same if they are written the same; a
 * function has the type that an entity names it with, or that its signature is, if it passes a vmctx as Wasm's do. */
#include "tools/native_module.h"

enum { INDEX_MAX = 1000, SLOTS_PER_VALUE = 2 };

/* ---- types ------------------------------------------------------------------------------------------------- */

static bool types_equal(const WasmTypeData *a, const WasmTypeData *b)
{
    return a->has_index == b->has_index && a->index == b->index && a->num_params == b->num_params &&
           a->num_results == b->num_results &&
           (a->num_params == 0 || memcmp(a->params, b->params, a->num_params) == 0) &&
           (a->num_results == 0 || memcmp(a->results, b->results, a->num_results) == 0);
}

static u32 canonical_type(NativeModule *m, const WasmTypeData *type)
{
    for (u32 i = 0; i < m->types.len; i++) {
        if (types_equal(&m->types.data[i], type)) {
            return i;
        }
    }
    vec_push(m->arena, &m->types, *type);
    return m->types.len - 1;
}

/* The value types of parameters, none of which is a reference; NULL if one has no value type. */
static u8 *value_types(Arena *arena, const Param *params, u32 count)
{
    u8 *types = ARENA_ARRAY(arena, u8, count + 1);
    for (u32 i = 0; i < count; i++) {
        u8 type = WASM_I32;
        while (type <= WASM_V128 && dv_wasm_valtype_type((WasmValType)type) != params[i].type) {
            type++;
        }
        if (type > WASM_V128) {
            return NULL;
        }
        types[i] = type;
    }
    return types;
}

static bool has_vmctx(const Signature *sig)
{
    for (u32 i = 0; i < sig->num_params; i++) {
        if (sig->params[i].purpose == PURPOSE_VMCTX) {
            return true;
        }
    }
    return false;
}

/* The convention that a signature of the file gets: in such files the one that passes a vmctx, unless there are structures,
 * which that does not pass. */
static u8 conv_of(const NativeModule *m, const Signature *sig)
{
    bool is_plain = sig->conv == CC_fast || sig->conv == CC_tail || sig->conv == CC_system_v;
    for (u32 i = 0; i < sig->num_params; i++) {
        is_plain = is_plain && sig->params[i].purpose == PURPOSE_NORMAL;
    }
    return (u8)(m->is_wasm && is_plain ? CC_wasm : sig->conv);
}

/* Whether compiling puts a vmctx in front. */
static bool takes_vmctx(const NativeModule *m, const Signature *sig)
{
    return conv_of(m, sig) == CC_wasm && !has_vmctx(sig);
}

/* Canonical ids of functions; UINT32_MAX: none. */
static void find_types(NativeModule *m, u32 *ids)
{
    u32 count = m->file->funcs.len;
    memset(ids, 0xff, ((usize)count + 1) * sizeof *ids);
    for (u32 i = 0; i < count; i++) {
        const Func *f = &m->file->funcs.data[i]->func;
        for (u32 n = 0; n < f->wasm_funcs.len; n++) {
            const WasmFuncData *entity = &f->wasm_funcs.data[n];
            u32 func = entity->present && entity->has_name ? dv_native_module_find(m, &entity->name)
                                                           : count;
            if (func < count && ids[func] == UINT32_MAX &&
                takes_vmctx(m, &m->file->funcs.data[func]->func.sig)) {
                ids[func] = canonical_type(m, &f->wasm_types.data[entity->type.id]);
            }
        }
    }
    for (u32 i = 0; i < count; i++) {
        const Signature *sig = &m->file->funcs.data[i]->func.sig;
        WasmTypeData type = {.num_params = sig->num_params,
                             .num_results = sig->num_results,
                             .params = value_types(m->arena, sig->params, sig->num_params),
                             .results = value_types(m->arena, sig->results, sig->num_results)};
        bool has_types = type.params != NULL && type.results != NULL;
        if (ids[i] == UINT32_MAX && has_types && takes_vmctx(m, sig)) {
            ids[i] = canonical_type(m, &type);
        }
    }
    for (u32 i = 0; i < count; i++) {
        const Func *f = &m->file->funcs.data[i]->func;
        for (u32 n = 0; n < f->wasm_types.len; n++) {
            if (f->wasm_types.data[n].present) {
                canonical_type(m, &f->wasm_types.data[n]);
            }
        }
    }
}

/* Values are two slots each. */
static void add_types(NativeModule *m)
{
    u32 count = m->file->funcs.len;
    u32 *ids = ARENA_ARRAY(m->arena, u32, count + 1);
    PulleyModule *to = &m->pulley;
    find_types(m, ids);
    u32 first = m->types.len;
    m->type_ids = ARENA_ARRAY(m->arena, u32, first + count + 1);
    for (u32 i = 0; i < first + count + 1; i++) {
        bool is_func = i >= first && i < first + count;
        const Signature *sig = is_func ? &m->file->funcs.data[i - first]->func.sig : NULL;
        PulleyType type = {0, 0};
        if (is_func) {
            type.args = sig->num_params * SLOTS_PER_VALUE;
            type.results = sig->num_results * SLOTS_PER_VALUE;
        }
        vec_push(m->arena, &to->types, type);
        m->type_ids[i] = i < first ? i : ids[i - first];
        if (i >= first) {
            PulleyFunc func = {.type = i};
            vec_push(m->arena, &to->funcs, func);
            vec_push(m->arena, &to->imports, i);
        }
    }
}

/* ---- functions --------------------------------------------------------------------------------------------- */

u32 dv_native_module_find(const NativeModule *m, const ExtName *name)
{
    for (u32 i = m->file->funcs.len; i-- > 0;) {
        if (dv_extname_equal(&m->file->funcs.data[i]->func.name, name)) {
            return i;
        }
    }
    return m->file->funcs.len;
}

u32 dv_native_module_own(const NativeModule *m, u32 index)
{
    return index - m->shape.num_imports;
}

static bool uses_entities(const Func *f)
{
    bool uses = false;
    for (u32 n = 0; n < f->insts.len; n++) {
        uses = uses || f->insts.data[n].op >= OP_heap_load;
    }
    return uses;
}

/* Whether it calls itself whatever happens. */
static bool recurses_for_ever(const Func *f)
{
    bool calls = false;
    if (f->first_block.id == BLOCK_NONE.id) {
        return false;
    }
    for (Inst i = dv_block(f, f->first_block)->first; i.id != ENTITY_NONE; i = dv_inst_next(f, i)) {
        const InstData *d = dv_inst_const(f, i);
        calls = calls ||
                (d->op == OP_call && dv_extname_equal(&vec_at(&f->funcs, d->ent).name, &f->name));
    }
    return calls;
}

/* Whether functions pass a vmctx whatever their convention: none of them calls a C function by it. They do if some function uses entities; or never ends calling itself, which only those with a vmctx notice before the stack is used up. */
static bool is_wasm(const ClifFile *file)
{
    bool wants = false;
    for (u32 i = 0; i < file->funcs.len; i++) {
        const Func *f = &file->funcs.data[i]->func;
        wants = wants || uses_entities(f) || recurses_for_ever(f);
        for (u32 n = 0; n < f->funcs.len; n++) {
            if (f->funcs.data[n].name.kind == NAME_LIBCALL) {
                return false;
            }
        }
    }
    return wants;
}

/* ---- entities ---------------------------------------------------------------------------------------------- */

bool dv_native_module_is_static(const NativeModule *m, const WasmMemoryData *type)
{
    return m->options.is_static && type->index_type == TYPE_I32 &&
           type->page_bytes >= VM_STATIC_PAGE_MIN;
}

/* The first declaration with the index in a list; NULL. */
#define FIND_IN(list, number) \
    for (u32 i = 0; i < (list).len; i++) { \
        if ((list).data[i].present && (list).data[i].index == (number)) { \
            return &(list).data[i]; \
        } \
    } \
    return NULL

static const WasmMemoryData *memory_in(const Func *f, u32 index)
{
    FIND_IN(f->memories, index);
}

static const WasmTableData *table_in(const Func *f, u32 index)
{
    FIND_IN(f->tables, index);
}

static const WasmGlobalData *global_in(const Func *f, u32 index)
{
    FIND_IN(f->globals, index);
}

/* As the owner has it, else the first. */
#define FIND_FOR(found, find_in) \
    (found) = owner == NULL ? NULL : find_in(&owner->func, index); \
    for (u32 i = 0; (found) == NULL && i < m->file->funcs.len; i++) { \
        (found) = find_in(&m->file->funcs.data[i]->func, index); \
    }

const WasmMemoryData *dv_native_module_memory(const NativeModule *m, const ClifFunc *owner,
                                              u32 index)
{
    const WasmMemoryData *found;
    FIND_FOR(found, memory_in)
    return found;
}

const WasmTableData *dv_native_module_table(const NativeModule *m, const ClifFunc *owner, u32 index)
{
    const WasmTableData *found;
    FIND_FOR(found, table_in)
    return found;
}

const WasmGlobalData *dv_native_module_global(const NativeModule *m, const ClifFunc *owner,
                                              u32 index)
{
    const WasmGlobalData *found;
    FIND_FOR(found, global_in)
    bool fits = found != NULL && index < m->pulley.globals.len &&
                type_bytes(found->type) <= VM_GLOBAL_BYTES;
    return fits ? found : NULL;
}

static void at_least(u32 *count, bool present, u32 index)
{
    *count = present && *count <= index && index < UINT32_MAX ? index + 1 : *count;
}

#define COUNT_ALL(count, list) \
    for (u32 n = 0; n < (list).len; n++) { \
        at_least(&(count), (list).data[n].present, (list).data[n].index); \
    }

typedef struct Counts {
    u32 memories, tables, globals, tags, datas, elems;
} Counts;

/* Handlers may name tags by number. */
static void count_handler_tags(const Func *f, u32 *tags)
{
    for (u32 i = 0; i < f->exception_tables.len; i++) {
        const ExceptionTable *table = &f->exception_tables.data[i];
        for (u32 k = 0; k < table->num_handlers; k++) {
            bool is_tag = table->handlers[k].kind == HANDLER_TAG;
            at_least(tags, is_tag, is_tag ? dv_func_tag(f, table->handlers[k].tag) : 0);
        }
    }
}

static Counts count_entities(const ClifFile *file)
{
    Counts c = {0};
    for (u32 i = 0; i < file->funcs.len; i++) {
        const Func *f = &file->funcs.data[i]->func;
        COUNT_ALL(c.memories, f->memories)
        COUNT_ALL(c.tables, f->tables)
        COUNT_ALL(c.globals, f->globals)
        COUNT_ALL(c.tags, f->tags)
        COUNT_ALL(c.datas, f->datas)
        COUNT_ALL(c.elems, f->elems)
        count_handler_tags(f, &c.tags);
    }
    bool fits = c.memories <= INDEX_MAX && c.tables <= INDEX_MAX && c.globals <= INDEX_MAX &&
                c.tags <= INDEX_MAX && c.datas <= INDEX_MAX && c.elems <= INDEX_MAX;
    return fits ? c : (Counts){0};
}

static void add_entities(NativeModule *m)
{
    Counts c = count_entities(m->file);
    PulleyModule *to = &m->pulley;
    vec_extend(m->arena, &to->memories, c.memories);
    vec_extend(m->arena, &to->tables, c.tables);
    vec_extend(m->arena, &to->globals, c.globals);
    vec_extend(m->arena, &to->tags, c.tags);
    vec_extend(m->arena, &to->elems, c.elems);
    to->data_count = c.datas;
    m->shape = (VmShape){.num_imports = to->imports.len,
                         .num_memories = c.memories,
                         .num_tables = c.tables,
                         .num_types = m->types.len};
    *(m->options.own_globals ? &m->shape.num_globals : &m->shape.num_imported_globals) = c.globals;
}

void dv_native_module_init(NativeModule *m, const ClifFile *file, Arena *arena,
                           const NativeModuleOptions *options)
{
    *m = (NativeModule){.file = file,
                        .arena = arena,
                        .options = *options,
                        .is_wasm = is_wasm(file),
                        .modes = ARENA_ARRAY(arena, u8, INDEX_MAX)};
    m->pulley.big = dv_host_is_big();
    m->pulley.metered = true;
    m->pulley.groups = 1; /* what every build has */
    add_types(m);
    add_entities(m);
}

/* ---- functions to be compiled ------------------------------------------------------------------------------ */

static void pass_vmctx(const NativeModule *m, Func *f)
{
    f->sig.conv = conv_of(m, &f->sig);
    for (u32 n = 0; n < f->sigs.len; n++) {
        f->sigs.data[n].conv = conv_of(m, &f->sigs.data[n]);
    }
}

/* Whether it relies on the vmctx that it is called with, and a test may call it with any number. */
static bool relies_on_number(const NativeModule *m, const Func *f)
{
    bool relies = uses_entities(f);
    for (u32 n = 0; n < f->sigs.len; n++) {
        relies = relies || (f->sigs.data[n].present && takes_vmctx(m, &f->sigs.data[n]));
    }
    return relies && has_vmctx(&f->sig);
}

static bool has_segments(const NativeModule *m, const Func *f)
{
    bool has = true;
    for (u32 n = 0; n < f->datas.len; n++) {
        has = has && (!f->datas.data[n].present || f->datas.data[n].index < m->pulley.data_count);
    }
    for (u32 n = 0; n < f->elems.len; n++) {
        has = has && (!f->elems.data[n].present || f->elems.data[n].index < m->pulley.elems.len);
    }
    for (u32 n = 0; n < f->tags.len; n++) {
        has = has && (!f->tags.data[n].present || f->tags.data[n].index < m->pulley.tags.len);
    }
    return has;
}

const char *dv_native_module_prepare(NativeModule *m, Func *copy, VmOptions *out)
{
    bool has_own = !has_vmctx(&copy->sig);
    if (relies_on_number(m, copy)) {
        return "a vmctx that the test makes";
    }
    if (!has_segments(m, copy)) {
        return "a segment or tag with so great an index";
    }
    for (u32 n = 0; n < copy->wasm_types.len; n++) {
        WasmTypeData *type = &copy->wasm_types.data[n];
        u32 id = type->present ? canonical_type(m, type) : 0;
        type->has_index = true;
        type->index = id;
    }
    for (u32 n = 0; n < copy->wasm_funcs.len; n++) {
        WasmFuncData *func = &copy->wasm_funcs.data[n];
        u32 number = dv_native_module_find(m, &func->name);
        func->import = func->import || number == m->file->funcs.len;
        number += func->import ? 0 : m->shape.num_imports;
        func->name = (ExtName){.kind = NAME_USER, .space = NATIVE_MODULE_NAMES, .index = number};
    }
    for (u32 n = 0; n < copy->globals.len; n++) {
        copy->globals.data[n].import = !m->options.own_globals;
    }
    memset(m->modes, VM_MEMORY_DYNAMIC, INDEX_MAX);
    for (u32 n = 0; n < copy->memories.len; n++) {
        const WasmMemoryData *type = &copy->memories.data[n];
        if (type->present && type->index < INDEX_MAX && dv_native_module_is_static(m, type)) {
            m->modes[type->index] = VM_MEMORY_STATIC;
        }
    }
    pass_vmctx(m, copy);
    *out = (VmOptions){
        .shape = m->shape, .memory_modes = m->modes, .polls = has_own, .stack_checks = has_own};
    return NULL;
}
