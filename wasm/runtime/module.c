/* module.c - artifacts become modules.
 *
 * An artifact is hostile: its header and the places of its sections are checked against its size, its hash against its bytes,
 * and what its sections say against one another: the declarations are decoded as those of any Wasm module, each
 * type of the bytecode must have the slots of the Wasm type that it claims to be, and each function the type that
 * the declarations give it. Entities of the bytecode are made from the declarations, never from what the artifact
 * says of them. Then the code is verified, in the byte order that it is stored in, and turned if the host's is another.
 * Whoever made an artifact can give it a wrong meaning, but not reach outside of what its instances are given.
 *
 * Native code is another matter: nothing can be said of what it does, so it is loaded only if asked for. What its tables say is
 * checked for staying inside of it.
 *
 * Loading runs in one dv_pool_protect; everything made lies in the module's arena.
 */
#include "rt/cpu.h"
#include "rt/debugger.h"
#include "wasm/runtime/artifact.h"
#include "wasm/runtime/internal.h"

enum { TYPE_VALUES_MAX = 1000, PAGE_LOG2_MAX = 16 };

typedef struct SectionRow {
    const u8 *bytes;
    u32 size, count;
} SectionRow;

typedef struct Loader {
    RtModule *module;
    RtError *error;
    u32 flags;
    u32 artifact_flags;
    Features features;
    SectionRow sections[ARTIFACT_SECTION_COUNT];
    u32 *type_of; /* by Wasm type: the bytecode's; UINT32_MAX: none */
    bool ok;
} Loader;

static bool refuse(Loader *l, const char *what)
{
    dv_rt_error(l->error, DAVIT_ERROR_INVALID, "not a valid artifact: %s", what);
    return false;
}

static bool is_native(const Loader *l)
{
    return (l->artifact_flags & ARTIFACT_NATIVE) != 0;
}

/* ---- header and sections ---- */

/* Features that nobody knows have the lowest such bit's number told. */
static bool check_features(Loader *l, Features features)
{
    Features missing = features & ~dv_wasm_features_run();
    if (missing == 0) {
        return true;
    }
    u32 feature = dv_ctz64(missing);
    if (feature < FEATURE_COUNT) {
        dv_rt_error(l->error, DAVIT_ERROR_UNSUPPORTED,
                    "the module needs %s, which is not supported", dv_wasm_features[feature].text);
    } else {
        dv_rt_error(l->error, DAVIT_ERROR_UNSUPPORTED, "the module needs unknown feature %u",
                    (unsigned)feature);
    }
    return false;
}

static bool read_header(Loader *l, u32 *num_sections)
{
    const RtModule *m = l->module;
    if (m->size < ARTIFACT_HEADER_BYTES || memcmp(m->bytes, ARTIFACT_MAGIC, 4) != 0) {
        return refuse(l, "it does not begin as one");
    }
    u32 version = load_le32(m->bytes + 4);
    if (version != ARTIFACT_VERSION) {
        dv_rt_error(l->error, DAVIT_ERROR_UNSUPPORTED,
                    "the artifact has version %u.%u, but only version %u.%u can be loaded; compile "
                    "the module again",
                    (unsigned)(version >> 16), (unsigned)(version & 0xffff),
                    (unsigned)ARTIFACT_FORMAT, (unsigned)PULLEY_VERSION);
        return false;
    }
    *num_sections = load_le32(m->bytes + 8);
    l->artifact_flags = load_le32(m->bytes + 12);
    l->features = load_le64(m->bytes + 16);
    const u8 *rest = m->bytes + ARTIFACT_HEADER_BYTES;
    if (load_le64(m->bytes + 24) != artifact_hash(rest, m->size - ARTIFACT_HEADER_BYTES)) {
        return refuse(l, "its hash is wrong; it is damaged");
    }
    if ((l->artifact_flags & ~(u32)(ARTIFACT_METERED | ARTIFACT_NATIVE)) != 0) {
        return refuse(l, "unknown flags");
    }
    if (is_native(l) && (l->flags & RT_LOAD_NATIVE) == 0) {
        dv_rt_error(l->error, DAVIT_ERROR_UNSUPPORTED,
                    "the artifact has native code, which is only run if that is asked for");
        return false;
    }
    return check_features(l, l->features);
}

static bool read_sections(Loader *l)
{
    const RtModule *m = l->module;
    u32 count = 0;
    if (!read_header(l, &count)) {
        return false;
    }
    if (count > ARTIFACT_SECTION_COUNT ||
        m->size - ARTIFACT_HEADER_BYTES < (usize)count * ARTIFACT_ROW_BYTES) {
        return refuse(l, "too many sections");
    }
    for (u32 i = 0; i < count; i++) {
        const u8 *row = m->bytes + ARTIFACT_HEADER_BYTES + (usize)i * ARTIFACT_ROW_BYTES;
        u32 kind = load_le32(row);
        u32 offset = load_le32(row + 4);
        u32 size = load_le32(row + 8);
        if (kind == 0 || kind >= ARTIFACT_SECTION_COUNT || l->sections[kind].bytes != NULL) {
            return refuse(l, "an unknown section, or one twice");
        }
        bool is_both = kind == ARTIFACT_META || kind == ARTIFACT_SOURCES;
        if (!is_both && (kind > ARTIFACT_SOURCES) != is_native(l)) {
            return refuse(l, "a section of another kind of code");
        }
        if (offset % ARTIFACT_ALIGN != 0 || offset > m->size || size > m->size - offset) {
            return refuse(l, "a section that is not inside of it");
        }
        l->sections[kind] = (SectionRow){m->bytes + offset, size, load_le32(row + 12)};
    }
    return true;
}

/* A section of rows of this size; one that is not there has none. */
static bool read_rows(Loader *l, ArtifactSection kind, u32 row_bytes, SectionRow *out)
{
    *out = l->sections[kind];
    return (u64)out->count * row_bytes == out->size || refuse(l, "a section of the wrong size");
}

/* ---- declarations ---- */

/* What this version executes has function types of their own, or that name earlier ones or themselves. */
static bool check_type(Loader *l, u32 number)
{
    const WasmModule *info = &l->module->info;
    const SubType *type = &info->types.data[number];
    u32 lists[2] = {type->num_params, type->num_results};
    if (type->kind != COMP_FUNC || type->group_len > 1 || type->has_super) {
        return check_features(l, FEATURE_BIT(gc)) && refuse(l, "a type that is not supported");
    }
    if (type->num_params > TYPE_VALUES_MAX || type->num_results > TYPE_VALUES_MAX ||
        type->canonical > number) {
        return refuse(l, "a type that is too large");
    }
    for (u32 list = 0; list < 2; list++) {
        const ValType *values = list == 0 ? type->params : type->results;
        for (u32 i = 0; i < lists[list]; i++) {
            if (vt_is_indexed(values[i]) && (values[i] & VT_INDEX) > number) {
                return refuse(l, "a type that names a later one");
            }
        }
    }
    return true;
}

static bool decode(Loader *l)
{
    RtModule *m = l->module;
    const SectionRow *meta = &l->sections[ARTIFACT_META];
    const DecodeOptions options = {.features = dv_wasm_features_run(), .without_code = true};
    Diag diag;
    if (meta->bytes == NULL) {
        return refuse(l, "it has no declarations");
    }
    dv_diag_init(&diag, &m->arena);
    if (!dv_wasm_decode(&m->arena, meta->bytes, meta->size, &options, &m->info, &diag, NULL)) {
        const DiagMessage *first = dv_diag_first(&diag);
        dv_rt_error(l->error, DAVIT_ERROR_INVALID, "not a valid artifact: %s",
                    first == NULL ? "its declarations are malformed" : first->text);
        return false;
    }
    for (u32 i = 0; i < m->info.types.len; i++) {
        if (!check_type(l, i)) {
            return false;
        }
    }
    for (u32 i = 0; i < m->info.memories.len; i++) {
        if (m->info.memories.data[i].page_log2 > PAGE_LOG2_MAX) {
            return refuse(l, "a page that is too large");
        }
    }
    return check_features(l, m->info.used);
}

static bool read_expr(Loader *l, Span span, ConstExpr *out)
{
    Diag diag;
    if (span.size == 0) {
        return true; /* none: what is imported, null, or not active */
    }
    dv_diag_init(&diag, &l->module->arena);
    return dv_const_read(l->module, span, out, &diag, l->error);
}

static bool read_globals_and_tables(Loader *l)
{
    RtModule *m = l->module;
    const WasmModule *info = &m->info;
    u32 first = info->imported_globals;
    m->globals = ARENA_ARRAY(&m->arena, ConstExpr, info->globals.len - first);
    for (u32 i = first; i < info->globals.len; i++) {
        if (!read_expr(l, info->globals.data[i].init, &m->globals[i - first])) {
            return false;
        }
        if (m->globals[i - first].depth == 0) {
            return refuse(l, "a global without a value");
        }
    }
    first = info->imported_tables;
    m->tables = ARENA_ARRAY(&m->arena, ConstExpr, info->tables.len - first);
    for (u32 i = first; i < info->tables.len; i++) {
        if (!read_expr(l, info->tables.data[i].init, &m->tables[i - first])) {
            return false;
        }
    }
    return true;
}

/* Function indices one after the other. */
static bool read_indices(Loader *l, const ElemDecl *elem, ModuleElem *out)
{
    const u8 *at = l->module->info.bytes + elem->items.offset;
    const u8 *end = at + elem->items.size;
    u32 *funcs = ARENA_ARRAY(&l->module->arena, u32, elem->count);
    for (u32 i = 0; i < elem->count; i++) {
        u32 shift = 0;
        u64 index = 0;
        do {
            if (at == end || shift > 28) {
                return refuse(l, "an element segment is cut off");
            }
            index |= (u64)(*at & 0x7f) << shift;
            shift += 7;
        } while ((*at++ & 0x80) != 0);
        if (index >= l->module->info.funcs.len) {
            return refuse(l, "an element that is no function");
        }
        funcs[i] = (u32)index;
    }
    out->funcs = funcs;
    return true;
}

static bool read_items(Loader *l, const ElemDecl *elem, ModuleElem *out)
{
    RtModule *m = l->module;
    Diag diag;
    WasmReader reader;
    Span rest = elem->items;
    ConstExpr *exprs = ARENA_ARRAY(&m->arena, ConstExpr, elem->count);
    dv_diag_init(&diag, &m->arena);
    for (u32 i = 0; i < elem->count; i++) {
        WasmInst inst;
        Span one = rest;
        dv_wasm_reader_init(&reader, &m->info, rest, &diag);
        do {
            if (!dv_wasm_next(&reader, &inst)) {
                return refuse(l, "an element segment is cut off");
            }
        } while (inst.op != W_end);
        one.size = (u32)(reader.at - m->info.bytes) - rest.offset;
        rest.offset += one.size;
        rest.size -= one.size;
        if (!dv_const_read(m, one, &exprs[i], &diag, l->error)) {
            return false;
        }
    }
    out->exprs = exprs;
    return true;
}

static bool read_segments(Loader *l)
{
    RtModule *m = l->module;
    const WasmModule *info = &m->info;
    m->elems = ARENA_ARRAY(&m->arena, ModuleElem, info->elems.len);
    m->elem_offsets = ARENA_ARRAY(&m->arena, ConstExpr, info->elems.len);
    m->data_offsets = ARENA_ARRAY(&m->arena, ConstExpr, info->datas.len);
    for (u32 i = 0; i < info->elems.len; i++) {
        const ElemDecl *elem = &info->elems.data[i];
        bool is_active = elem->mode == SEGMENT_ACTIVE;
        if (elem->count > elem->items.size || (is_active && elem->offset.size == 0)) {
            return refuse(l, "an element segment that is none");
        }
        if ((is_active && !read_expr(l, elem->offset, &m->elem_offsets[i])) ||
            !(elem->is_exprs ? read_items(l, elem, &m->elems[i])
                             : read_indices(l, elem, &m->elems[i]))) {
            return false;
        }
    }
    for (u32 i = 0; i < info->datas.len; i++) {
        const DataDecl *data = &info->datas.data[i];
        if (data->mode == SEGMENT_ACTIVE &&
            (data->offset.size == 0 || !read_expr(l, data->offset, &m->data_offsets[i]))) {
            return data->offset.size != 0 || refuse(l, "a data segment without an offset");
        }
    }
    return true;
}

static bool read_exports(Loader *l)
{
    RtModule *m = l->module;
    for (u32 i = 0; i < m->info.exports.len; i++) {
        const ExportDecl *export = &m->info.exports.data[i];
        if (dv_strmap_intern(&m->arena, &m->exports, export->name.data, export->name.len) != i) {
            return refuse(l, "two exports of one name");
        }
    }
    return true;
}

/* ---- bytecode ---- */

static bool read_types(Loader *l)
{
    RtModule *m = l->module;
    const WasmModule *info = &m->info;
    SectionRow rows;
    if (!read_rows(l, ARTIFACT_TYPES, ARTIFACT_TYPE_BYTES, &rows)) {
        return false;
    }
    /* One may be added per tag. */
    m->wasm_types = ARENA_ARRAY(&m->arena, u32, (usize)rows.count + info->tags.len);
    l->type_of = ARENA_ARRAY(&m->arena, u32, info->types.len);
    memset(l->type_of, 0xff, info->types.len * sizeof *l->type_of);
    for (u32 i = 0; i < rows.count; i++) {
        const u8 *row = rows.bytes + (usize)i * ARTIFACT_TYPE_BYTES;
        PulleyType type = {load_le32(row), load_le32(row + 4)};
        u32 wasm = load_le32(row + 8);
        if (wasm != UINT32_MAX) {
            if (wasm >= info->types.len) {
                return refuse(l, "a type of the code that is none of the module");
            }
            const SubType *func = &info->types.data[wasm];
            if (type.args != dv_rt_slots(func->params, func->num_params) ||
                type.results != dv_rt_slots(func->results, func->num_results)) {
                return refuse(l, "a type of the code is not the module's");
            }
            l->type_of[func->canonical] = i;
        }
        m->wasm_types[i] = wasm;
        vec_push(&m->arena, &m->code.types, type);
    }
    return true;
}

/* Whether a type of the bytecode is this one of the module. */
static bool is_type(const RtModule *m, u32 code_type, u32 wasm_type)
{
    const SubType *types = m->info.types.data;
    u32 claimed = code_type < m->code.types.len ? m->wasm_types[code_type] : UINT32_MAX;
    return claimed != UINT32_MAX && types[claimed].canonical == types[wasm_type].canonical;
}

static bool read_funcs(Loader *l)
{
    RtModule *m = l->module;
    SectionRow rows;
    u32 first = m->info.imported_funcs;
    if (!read_rows(l, ARTIFACT_FUNCS, ARTIFACT_FUNC_BYTES, &rows)) {
        return false;
    }
    if (rows.count != m->info.funcs.len - first) {
        return refuse(l, "its functions are not those that it declares");
    }
    vec_reserve(&m->arena, &m->code.funcs, rows.count);
    for (u32 i = 0; i < rows.count; i++) {
        const u8 *row = rows.bytes + (usize)i * ARTIFACT_FUNC_BYTES;
        u32 window = load_le32(row + 16);
        PulleyFunc func = {.code = load_le32(row),
                           .size_bytes = load_le32(row + 4),
                           .type = load_le32(row + 8),
                           .frame = load_le32(row + 12),
                           .window = (u16)(window <= PULLEY_WINDOW_SLOTS ? window : UINT16_MAX),
                           .first_handler = load_le32(row + 20),
                           .handler_count = load_le32(row + 24)};
        if (!is_type(m, func.type, m->info.funcs.data[first + i].type)) {
            return refuse(l, "a function's code is of another type");
        }
        vec_push(&m->arena, &m->code.funcs, func);
    }
    return true;
}

static bool read_handlers(Loader *l)
{
    RtModule *m = l->module;
    SectionRow rows;
    if (!read_rows(l, ARTIFACT_HANDLERS, ARTIFACT_HANDLER_BYTES, &rows)) {
        return false;
    }
    for (u32 i = 0; i < rows.count; i++) {
        const u8 *row = rows.bytes + (usize)i * ARTIFACT_HANDLER_BYTES;
        u32 kind = load_le32(row + 12);
        PulleyHandler handler = {.call = load_le32(row),
                                 .target = load_le32(row + 4),
                                 .value = load_le32(row + 8),
                                 .kind = (u8)(kind <= PULLEY_HANDLER_CONTEXT ? kind : UINT8_MAX)};
        vec_push(&m->arena, &m->code.handlers, handler);
    }
    return true;
}

static bool read_imports(Loader *l)
{
    RtModule *m = l->module;
    SectionRow rows;
    if (!read_rows(l, ARTIFACT_IMPORTS, ARTIFACT_IMPORT_BYTES, &rows)) {
        return false;
    }
    m->import_funcs = ARENA_ARRAY(&m->arena, u32, rows.count);
    for (u32 i = 0; i < rows.count; i++) {
        const u8 *row = rows.bytes + (usize)i * ARTIFACT_IMPORT_BYTES;
        u32 type = load_le32(row);
        u32 func = load_le32(row + 4);
        if (func >= m->info.imported_funcs || !is_type(m, type, m->info.funcs.data[func].type)) {
            return refuse(l, "the code imports what the module does not");
        }
        m->import_funcs[i] = func;
        vec_push(&m->arena, &m->code.imports, type);
    }
    return true;
}

static u8 ref_kind(ValType type)
{
    switch (vt_is_indexed(type) ? HEAP_FUNC : type & VT_INDEX) {
    case HEAP_FUNC:
    case HEAP_NOFUNC:
        return PULLEY_REF_FUNC;
    case HEAP_EXTERN:
    case HEAP_NOEXTERN:
        return PULLEY_REF_EXTERN;
    case HEAP_EXN:
    case HEAP_NOEXN:
        return PULLEY_REF_EXN;
    default:
        return PULLEY_REF_ANY;
    }
}

/* Tags have types of the bytecode, whether or not code names them. */
static void add_tags(Loader *l)
{
    RtModule *m = l->module;
    for (u32 i = 0; i < m->info.tags.len; i++) {
        u32 wasm = m->info.types.data[m->info.tags.data[i].type].canonical;
        if (l->type_of[wasm] == UINT32_MAX) {
            const SubType *type = &m->info.types.data[wasm];
            PulleyType slots = {dv_rt_slots(type->params, type->num_params),
                                dv_rt_slots(type->results, type->num_results)};
            l->type_of[wasm] = m->code.types.len;
            m->wasm_types[m->code.types.len] = wasm;
            vec_push(&m->arena, &m->code.types, slots);
        }
        vec_push(&m->arena, &m->code.tags, l->type_of[wasm]);
    }
}

/* What the bytecode's indices name is what the module declares. */
static void add_entities(Loader *l)
{
    static const u8 sizes[] = {[VAL_32] = 4, [VAL_64] = 8, [VAL_128] = 16};
    RtModule *m = l->module;
    const WasmModule *info = &m->info;
    PulleyModule *code = &m->code;
    for (u32 i = 0; i < info->memories.len; i++) {
        const Limits *limits = &info->memories.data[i].limits;
        PulleyMemory memory = {limits->index64, limits->shared};
        vec_push(&m->arena, &code->memories, memory);
    }
    for (u32 i = 0; i < info->globals.len; i++) {
        const GlobalDecl *decl = &info->globals.data[i];
        PulleyGlobal global = {sizes[vt_kind(decl->type)], decl->is_mutable};
        vec_push(&m->arena, &code->globals, global);
    }
    for (u32 i = 0; i < info->tables.len; i++) {
        const TableDecl *decl = &info->tables.data[i];
        PulleyTable table = {decl->limits.index64, ref_kind(decl->type)};
        vec_push(&m->arena, &code->tables, table);
    }
    for (u32 i = 0; i < info->elems.len; i++) {
        vec_push(&m->arena, &code->elems, ref_kind(info->elems.data[i].type));
    }
    code->data_count = info->datas.len;
    add_tags(l);
}

/* A copy of the code, unless the artifact's own will do. */
static bool place_code(Loader *l, const SectionRow *code)
{
    RtModule *m = l->module;
    m->code.code = code->bytes;
    m->code.code_size_bytes = code->size;
    if (code->size == 0 || (!dv_host_is_big() && (uintptr_t)code->bytes % 4 == 0)) {
        return true;
    }
    m->own_code = dv_rt_alloc(&m->allocator, code->size);
    if (m->own_code == NULL) {
        dv_rt_no_memory(l->error);
        return false;
    }
    memcpy(m->own_code, code->bytes, code->size);
    m->code.code = m->own_code;
    return true;
}

static bool verify(Loader *l)
{
    RtModule *m = l->module;
    PulleyFault fault;
    Arena scratch;
    bool is_trusted = (l->flags & RT_LOAD_TRUSTED) != 0;
#ifndef NDEBUG
    is_trusted = false;
#endif
    dv_arena_init(&scratch, &m->pool);
    bool ok = is_trusted || dv_pulley_verify(&m->code, &scratch, &fault);
    if (!ok) {
        TextBuf text;
        dv_text_init(&text, &scratch);
        dv_pulley_fault_print(&text, &fault);
        dv_rt_error(l->error, DAVIT_ERROR_INVALID, "not a valid artifact: code is unsafe: %s",
                    text.data);
    }
    dv_arena_release(&scratch);
    return ok;
}

static bool read_code(Loader *l)
{
    RtModule *m = l->module;
    const SectionRow *code = &l->sections[ARTIFACT_CODE];
    m->code.profile = PULLEY_SANDBOXED;
    m->code.metered = (l->artifact_flags & ARTIFACT_METERED) != 0;
    if (!read_types(l) || !read_funcs(l) || !read_handlers(l) || !read_imports(l)) {
        return false;
    }
    add_entities(l);
    if (code->size % 4 != 0) {
        return refuse(l, "its code is cut off");
    }
    if (!place_code(l, code) || !verify(l)) {
        return false;
    }
    if (dv_host_is_big() && m->own_code != NULL) {
        dv_pulley_swap(m->own_code, code->size, false);
    }
    m->code.big = dv_host_is_big();
    return true;
}

/* ---- native code ---- */

/* What the interpreter knows of functions that are no bytecode: their types, those of the module. */
static void add_native_types(Loader *l)
{
    RtModule *m = l->module;
    const WasmModule *info = &m->info;
    m->wasm_types = ARENA_ARRAY(&m->arena, u32, info->types.len);
    l->type_of = ARENA_ARRAY(&m->arena, u32, info->types.len);
    for (u32 i = 0; i < info->types.len; i++) {
        const SubType *type = &info->types.data[i];
        PulleyType slots = {dv_rt_slots(type->params, type->num_params),
                            dv_rt_slots(type->results, type->num_results)};
        m->wasm_types[i] = i;
        l->type_of[i] = i;
        vec_push(&m->arena, &m->code.types, slots);
    }
    m->import_funcs = ARENA_ARRAY(&m->arena, u32, info->imported_funcs);
    for (u32 i = 0; i < info->funcs.len; i++) {
        u32 type = info->funcs.data[i].type;
        if (i < info->imported_funcs) {
            m->import_funcs[i] = i;
            vec_push(&m->arena, &m->code.imports, type);
        } else {
            PulleyFunc func = {.type = type};
            vec_push(&m->arena, &m->code.funcs, func);
        }
    }
}

/* The modes of memories; NULL if one of them cannot be. */
static const u8 *read_modes(Loader *l, const u8 *rows)
{
    const WasmModule *info = &l->module->info;
    u8 *modes = ARENA_ARRAY(&l->module->arena, u8, info->memories.len + 1);
    for (u32 i = 0; i < info->memories.len; i++) {
        u32 mode = load_le32(rows + (usize)i * ARTIFACT_MEMORY_MODE_BYTES);
        const MemoryDecl *decl = &info->memories.data[i];
        bool may_be_static =
            !decl->limits.index64 && (u32)1 << decl->page_log2 >= VM_STATIC_PAGE_MIN;
        if (mode > ARTIFACT_MEMORY_STATIC || (mode == ARTIFACT_MEMORY_STATIC && !may_be_static)) {
            return NULL;
        }
        modes[i] = mode == ARTIFACT_MEMORY_STATIC ? VM_MEMORY_STATIC : VM_MEMORY_DYNAMIC;
    }
    return modes;
}

static bool read_native_head(Loader *l, NativeCode *native)
{
    const SectionRow *head = &l->sections[ARTIFACT_NATIVE_HEAD];
    const WasmModule *info = &l->module->info;
    u64 size = ARTIFACT_NATIVE_HEAD_BYTES + (u64)info->memories.len * ARTIFACT_MEMORY_MODE_BYTES;
    if (head->bytes == NULL || head->size != size || head->count != info->memories.len) {
        return refuse(l, "it does not tell of its native code");
    }
    if (load_le32(head->bytes) != ARTIFACT_X64 || load_le32(head->bytes + 4) != VM_VERSION ||
        (load_le64(head->bytes + 8) & ~(u64)dv_cpu_x64_features()) != 0) {
        dv_rt_error(l->error, DAVIT_ERROR_UNSUPPORTED,
                    "the artifact's native code is for another machine or version");
        return false;
    }
    native->memory_modes = read_modes(l, head->bytes + ARTIFACT_NATIVE_HEAD_BYTES);
    if (native->memory_modes == NULL) {
        return refuse(l, "a memory that code cannot use so");
    }
    native->shape = (VmShape){.num_imports = info->imported_funcs,
                              .num_memories = info->memories.len,
                              .num_tables = info->tables.len,
                              .num_imported_globals = info->imported_globals,
                              .num_globals = info->globals.len - info->imported_globals,
                              .num_types = info->types.len};
    return true;
}

static bool read_native_funcs(Loader *l, NativeCode *native)
{
    u32 code_size = l->sections[ARTIFACT_NATIVE_CODE].size;
    u32 end = 0;
    SectionRow rows;
    if (!read_rows(l, ARTIFACT_NATIVE_FUNCS, ARTIFACT_NATIVE_FUNC_BYTES, &rows)) {
        return false;
    }
    if (rows.count != l->module->code.funcs.len) {
        return refuse(l, "its functions are not those that it declares");
    }
    NativeFunc *funcs = ARENA_ARRAY(&l->module->arena, NativeFunc, rows.count);
    for (u32 i = 0; i < rows.count; i++) {
        const u8 *row = rows.bytes + (usize)i * ARTIFACT_NATIVE_FUNC_BYTES;
        funcs[i] = (NativeFunc){load_le32(row), load_le32(row + 4)};
        if (funcs[i].offset < end || funcs[i].offset >= code_size ||
            funcs[i].size_bytes > code_size - funcs[i].offset) {
            return refuse(l, "a function that is not inside of its code");
        }
        end = funcs[i].offset + funcs[i].size_bytes;
    }
    native->funcs = funcs;
    native->num_funcs = rows.count;
    return true;
}

static bool read_native_traps(Loader *l, NativeCode *native)
{
    u32 code_size = l->sections[ARTIFACT_NATIVE_CODE].size;
    SectionRow rows;
    if (!read_rows(l, ARTIFACT_NATIVE_TRAPS, ARTIFACT_NATIVE_TRAP_BYTES, &rows)) {
        return false;
    }
    CodeTrap *traps = ARENA_ARRAY(&l->module->arena, CodeTrap, rows.count);
    for (u32 i = 0; i < rows.count; i++) {
        const u8 *row = rows.bytes + (usize)i * ARTIFACT_NATIVE_TRAP_BYTES;
        traps[i] = (CodeTrap){load_le32(row), load_le32(row + 4)};
        bool rises = i == 0 || traps[i].offset > traps[i - 1].offset;
        if (!rises || traps[i].offset >= code_size || traps[i].code == 0 || traps[i].code > 255) {
            return refuse(l, "a trap that is none, or not inside of its code");
        }
    }
    native->traps = traps;
    native->num_traps = rows.count;
    return true;
}

/* Offsets inside of the code, entities of the module, and of one call one frame. */
static bool is_handler(const Loader *l, const VmHandler *h, const VmHandler *before)
{
    u32 code_size = l->sections[ARTIFACT_NATIVE_CODE].size;
    bool is_context = h->kind == VM_HANDLER_CONTEXT;
    bool fits_before = before == NULL || h->call > before->call ||
                       (h->call == before->call && h->frame_bytes == before->frame_bytes);
    bool has_value =
        h->kind == VM_HANDLER_TAG ? h->value < l->module->info.tags.len
        : is_context ? h->frame_bytes >= 8 && h->value <= h->frame_bytes - 8 && h->value % 8 == 0
                     : h->kind == VM_HANDLER_ALL && h->value == 0;
    return fits_before && has_value && h->call != 0 && h->call <= code_size &&
           h->frame_bytes <= VM_FRAME_BYTES_MAX && h->frame_bytes % 8 == 0 &&
           (is_context ? h->target == 0 : h->target < code_size);
}

static bool read_native_handlers(Loader *l, NativeCode *native)
{
    SectionRow rows;
    if (!read_rows(l, ARTIFACT_NATIVE_HANDLERS, ARTIFACT_NATIVE_HANDLER_BYTES, &rows)) {
        return false;
    }
    VmHandler *handlers = ARENA_ARRAY(&l->module->arena, VmHandler, rows.count);
    for (u32 i = 0; i < rows.count; i++) {
        const u8 *row = rows.bytes + (usize)i * ARTIFACT_NATIVE_HANDLER_BYTES;
        handlers[i] = (VmHandler){load_le32(row), load_le32(row + 4), load_le32(row + 8),
                                  load_le32(row + 12), load_le32(row + 16)};
        if (!is_handler(l, &handlers[i], i == 0 ? NULL : &handlers[i - 1])) {
            return refuse(l, "a handler of exceptions that cannot be");
        }
    }
    native->handlers = handlers;
    native->num_handlers = rows.count;
    return true;
}

static bool is_adapter(u32 offset, u32 code_size)
{
    return offset < code_size || offset == NATIVE_NO_CODE;
}

static bool read_adapters(Loader *l, NativeCode *native)
{
    u32 code_size = l->sections[ARTIFACT_NATIVE_CODE].size;
    SectionRow rows;
    if (!read_rows(l, ARTIFACT_NATIVE_ADAPTERS, ARTIFACT_ADAPTER_BYTES, &rows)) {
        return false;
    }
    NativeAdapter *adapters = ARENA_ARRAY(&l->module->arena, NativeAdapter, rows.count);
    for (u32 i = 0; i < rows.count; i++) {
        const u8 *row = rows.bytes + (usize)i * ARTIFACT_ADAPTER_BYTES;
        adapters[i] = (NativeAdapter){load_le32(row), load_le32(row + 4), load_le32(row + 8)};
        bool rises = i == 0 || adapters[i].type > adapters[i - 1].type;
        if (!rises || adapters[i].type >= l->module->info.types.len ||
            !is_adapter(adapters[i].enter, code_size) ||
            !is_adapter(adapters[i].leave, code_size)) {
            return refuse(l, "an adapter of no type, or not inside of its code");
        }
    }
    native->adapters = adapters;
    native->num_adapters = rows.count;
    return true;
}

/* What is pushed, and when, is inside of the function, and neither of the registers that frames are told by. */
static bool is_prologue(const VmPrologue *p, u32 end)
{
    enum { RSP = 4, RBP = 5 };
    return p->offset < end && end - p->offset >= p->kept && p->framed != 0 &&
           p->kept >= p->framed && p->kept - p->framed >= VM_SET_FRAME_BYTES &&
           (p->regs & (1u << RSP | 1u << RBP)) == 0 && p->words <= VM_PROLOGUE_WORDS_MAX;
}

static bool read_prologues(Loader *l, NativeCode *native)
{
    u32 code_size = l->sections[ARTIFACT_NATIVE_CODE].size;
    SectionRow rows;
    if (!read_rows(l, ARTIFACT_NATIVE_PROLOGUES, ARTIFACT_PROLOGUE_BYTES, &rows)) {
        return false;
    }
    VmPrologue *prologues = ARENA_ARRAY(&l->module->arena, VmPrologue, rows.count);
    for (u32 i = rows.count; i-- > 0;) { /* each ends where the next one begins */
        const u8 *row = rows.bytes + (usize)i * ARTIFACT_PROLOGUE_BYTES;
        prologues[i] = (VmPrologue){load_le32(row), load_le32(row + 4), load_le32(row + 8),
                                    load_le16(row + 12), load_le16(row + 14)};
        u32 end = i + 1 < rows.count ? prologues[i + 1].offset : code_size;
        if (!is_prologue(&prologues[i], end)) {
            return refuse(l, "a function that cannot begin so");
        }
    }
    native->prologues = prologues;
    native->num_prologues = rows.count;
    return true;
}

/* Functions without names are called by their numbers; where few have names they should not bear their neighbours'. */
static Str *name_funcs(const Loader *l, const NativeCode *native)
{
    Arena *arena = &l->module->arena;
    const WasmModule *info = &l->module->info;
    Str *names = ARENA_ARRAY(arena, Str, native->num_funcs);
    for (u32 i = 0; i < native->num_funcs; i++) {
        u32 func = info->imported_funcs + i;
        CleanName name = dv_rt_clean(dv_wasm_func_name(info, func));
        if (name.text[0] == 0) {
            snprintf(name.text, sizeof name.text, "wasm[%u]", (unsigned)func);
        }
        u32 length = (u32)strlen(name.text);
        names[i] = (Str){dv_arena_strdup(arena, name.text, length), length};
    }
    return names;
}

static void tell_perf(const NativeCode *native, const Str *names)
{
    FILE *map = dv_perf_map_open();
    if (map == NULL) {
        return;
    }
    for (u32 i = 0; i < native->num_funcs; i++) {
        const NativeFunc *f = &native->funcs[i];
        dv_perf_map_add(map, names[i], native->memory.bytes + f->offset, f->size_bytes);
    }
    fclose(map);
}

static bool read_native(Loader *l)
{
    RtModule *m = l->module;
    const SectionRow *code = &l->sections[ARTIFACT_NATIVE_CODE];
    NativeCode *native = ARENA_NEW(&m->arena, NativeCode);
    m->code.profile = PULLEY_SANDBOXED;
    m->code.metered = (l->artifact_flags & ARTIFACT_METERED) != 0;
    m->code.big = dv_host_is_big();
    m->code.code = m->bytes; /* none of it */
    m->code.groups = 1;      /* what every build has */
    add_native_types(l);
    add_entities(l);
    if (!read_native_head(l, native) || !read_native_funcs(l, native) ||
        !read_native_traps(l, native) || !read_native_handlers(l, native) ||
        !read_adapters(l, native)) {
        return false;
    }
    ArenaMark mark = dv_arena_mark(&m->arena);
    if (!read_prologues(l, native)) {
        return false;
    }
    const Str *names = name_funcs(l, native);
    if (!dv_native_load(native, code->bytes, code->size, names, &m->arena)) {
        dv_rt_error(l->error, DAVIT_ERROR_UNSUPPORTED, "native code cannot be run here");
        return false;
    }
    m->native = native;
    if ((l->flags & RT_LOAD_PERF_MAP) != 0) {
        tell_perf(native, names);
    }
    native->prologues = NULL;
    native->num_prologues = 0;
    dv_arena_release_to(&m->arena, mark);
    dv_pool_trim(&m->pool);
    return true;
}

/* Only the table at its beginning is checked; what it points to is when it is looked at. */
static bool read_sources(Loader *l)
{
    RtModule *m = l->module;
    const SectionRow *sources = &l->sections[ARTIFACT_SOURCES];
    usize table = ((usize)m->code.funcs.len + 1) * 4;
    if (sources->bytes == NULL) {
        return true;
    }
    if (sources->size < table) {
        return refuse(l, "its source map is cut off");
    }
    m->sources = sources->bytes;
    m->sources_size = sources->size;
    return true;
}

static void load(void *context)
{
    Loader *l = context;
    l->ok = read_sections(l) && decode(l) && read_globals_and_tables(l) && read_segments(l) &&
            read_exports(l) && (is_native(l) ? read_native(l) : read_code(l)) && read_sources(l);
}

/* ---- life ---- */

static void free_module(RtModule *module)
{
    davit_allocator_t allocator = module->allocator;
    if (module->native != NULL) {
        dv_native_unload(module->native);
    }
    dv_rt_free(&allocator, module->own_bytes, module->size);
    dv_rt_free(&allocator, module->own_code, module->code.code_size_bytes);
    dv_arena_release(&module->arena);
    dv_pool_destroy(&module->pool);
    dv_rt_free(&allocator, module, sizeof *module);
}

static RtModule *new_module(const davit_allocator_t *allocator, const u8 *bytes, usize size,
                            u32 flags)
{
    static const davit_allocator_t standard = {0};
    RtModule *module = dv_rt_alloc(allocator == NULL ? &standard : allocator, sizeof *module);
    if (module == NULL) {
        return NULL;
    }
    module->allocator = allocator == NULL ? standard : *allocator;
    atomic_init(&module->refs, 1);
    dv_pool_init(&module->pool, &module->allocator);
    dv_arena_init(&module->arena, &module->pool);
    module->bytes = bytes;
    module->size = size;
    if ((flags & RT_LOAD_IN_PLACE) == 0 && size != 0) {
        module->own_bytes = dv_rt_alloc(&module->allocator, size);
        if (module->own_bytes == NULL) {
            free_module(module);
            return NULL;
        }
        memcpy(module->own_bytes, bytes, size);
        module->bytes = module->own_bytes;
    }
    return module;
}

davit_status_t dv_rt_module_load(const davit_allocator_t *allocator, const u8 *bytes, usize size,
                                 u32 flags, RtModule **out, RtError *error)
{
    RtModule *module = new_module(allocator, bytes, size, flags);
    if (module == NULL) {
        return dv_rt_no_memory(error);
    }
    Loader loader = {.module = module, .error = error, .flags = flags};
    davit_status_t status = dv_pool_protect(&module->pool, load, &loader);
    if (status != DAVIT_OK) {
        dv_rt_error(error, status, "%s", davit_status_name(status));
    } else if (!loader.ok) {
        status = error->status;
    }
    if (status != DAVIT_OK) {
        free_module(module);
        return status;
    }
    *out = module;
    return DAVIT_OK;
}

RtModule *dv_rt_module_retain(RtModule *module)
{
    u32 before = atomic_fetch_add_explicit(&module->refs, 1, memory_order_relaxed);
    CHECK(before != 0 && before != UINT32_MAX);
    return module;
}

void dv_rt_module_release(RtModule *module)
{
    if (module != NULL && atomic_fetch_sub_explicit(&module->refs, 1, memory_order_acq_rel) == 1) {
        free_module(module);
    }
}

const WasmModule *dv_rt_module_info(const RtModule *module)
{
    return &module->info;
}

const u8 *dv_rt_module_bytes(const RtModule *module, usize *size)
{
    *size = module->size;
    return module->bytes;
}

const PulleyModule *dv_rt_module_code(const RtModule *module)
{
    return &module->code;
}

const char *dv_rt_native_target(u32 *features)
{
    *features = dv_cpu_x64_features();
    return dv_native_is_supported() ? "x86_64" : NULL;
}

bool dv_rt_module_is_native(const RtModule *module)
{
    return module->native != NULL;
}

/* ---- the source map ---- */

/* A LEB128 number of at most 35 bits; false at the end. */
static bool read_leb(const u8 **at, const u8 *end, u64 *out, u32 *bits)
{
    *out = 0;
    *bits = 0;
    while (*at < end && *bits < 35) {
        u8 byte = *(*at)++;
        *out |= (u64)(byte & 0x7f) << *bits;
        *bits += 7;
        if ((byte & 0x80) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_sleb(const u8 **at, const u8 *end, u64 *out)
{
    u32 bits;
    if (!read_leb(at, end, out, &bits)) {
        return false;
    }
    if ((*out >> (bits - 1) & 1) != 0) {
        *out |= ~(u64)0 << bits;
    }
    return true;
}

/* The runs of a function; false: none. */
static bool find_runs(const RtModule *module, u32 func, const u8 **at, const u8 **end)
{
    u32 funcs = module->code.funcs.len;
    if (module->sources == NULL || func >= funcs) {
        return false;
    }
    const u8 *runs = module->sources + ((usize)funcs + 1) * 4;
    u32 runs_size = module->sources_size - (funcs + 1) * 4;
    u32 from = load_le32(module->sources + (usize)func * 4);
    u32 to = load_le32(module->sources + (usize)func * 4 + 4);
    if (from > to || to > runs_size) {
        return false;
    }
    *at = runs + from;
    *end = runs + to;
    return true;
}

u32 dv_rt_module_source(const RtModule *module, u32 func, u32 code_offset)
{
    const u8 *at;
    const u8 *end;
    if (!find_runs(module, func, &at, &end)) {
        return UINT32_MAX;
    }
    u32 unit = module->native == NULL ? 4 : 1; /* of steps, in bytes */
    u64 steps = 0;
    u64 source = 0;
    u32 found = UINT32_MAX;
    u64 step;
    u64 change;
    u32 bits;
    while (read_leb(&at, end, &step, &bits) && read_sleb(&at, end, &change)) {
        steps += step;
        if (steps * unit > code_offset) {
            break;
        }
        source += change;
        found = (u32)source;
    }
    return found;
}

u32 dv_rt_module_body(const RtModule *module, u32 func)
{
    const u8 *at;
    const u8 *end;
    u64 step;
    u64 source;
    u32 bits;
    bool is_there = find_runs(module, func, &at, &end) && read_leb(&at, end, &step, &bits) &&
                    read_sleb(&at, end, &source);
    return is_there ? (u32)source : UINT32_MAX;
}
