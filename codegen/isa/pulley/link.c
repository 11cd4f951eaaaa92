/* link.c - functions to a module of Pulley.
 *
 *   1. All functions get their numbers and names; function entities tell the types of those they name.
 *   2. Entities of all preambles are collected by their index in the module. What nobody declares below the highest
 *      index is there all the same, in the plainest shape.
 *   3. Relocations are looked at once to number imports and symbols, since functions are counted behind the
 *      imports, and to hold what a call expects against what is called.
 *   4. The code is copied together and patched. A call of a name that turned out to be a function of
 *      this module becomes a direct one of the same size, and so does a short call that would not reach its callee.
 *   5. The code is read once more for what the module's head says of it: raw or not, groups, kinds of element
 *      segments; and to find where calls begin, as handlers want it: what is recorded is where they end.
 *
 * Work is linear in code, relocations and preambles.
 */
#include "codegen/isa/pulley/link.h"

#include "codegen/ir/print.h"
#include "codegen/isa/pulley/target.h"

enum { INDEX_MAX = 1 << 20, NONE = -1 };

/* What is known of a name. Numbers are NONE if it has none. */
typedef struct LinkName {
    const ExtName *name;
    i64 func, import, symbol;
    bool has_type; /* the type that the first function entity with this name says */
    PulTypeKey type;
    u32 declared_in; /* the last function that declares it, plus 1, and as what */
    PulTypeKey declared;
} LinkName;

typedef VEC(const void *) Declared; /* by index in the module; NULL: by nobody */

typedef struct Linker {
    const Isa *isa;
    const CompiledFunc *const *funcs;
    u32 count;
    Arena *arena;
    Diag *diag;
    PulModule *out;
    VEC(LinkName) names;
    Map name_of;
    Map type_of;
    Declared memories, globals, tables, tags;
    u8 *code;
    u32 groups;
    ByteBuf rewritten; /* one instruction */
} Linker;

static bool fail_name(Linker *l, const ExtName *name, const char *what)
{
    TextBuf text;
    dv_text_init(&text, l->arena);
    dv_print_extname(&text, name);
    dv_diag_error(l->diag, 0, 0, "%s %s", text.data, what);
    return false;
}

/* ---- names --------------------------------------------------------------------------------------------- */

typedef struct NameQuery {
    const Linker *l;
    const ExtName *name;
} NameQuery;

static bool is_name(const void *context, u32 value)
{
    const NameQuery *query = context;
    return dv_extname_equal(query->l->names.data[value].name, query->name);
}

/* Valid until the next name is made. */
static LinkName *find_name(Linker *l, const ExtName *name)
{
    NameQuery query = {l, name};
    u64 hash = dv_extname_hash(name);
    u32 number;
    if (!dv_map_find(&l->name_of, hash, is_name, &query, &number)) {
        LinkName fresh = {.name = name, .func = NONE, .import = NONE, .symbol = NONE};
        number = l->names.len;
        vec_push(l->arena, &l->names, fresh);
        dv_map_add(l->arena, &l->name_of, hash, number);
    }
    return &l->names.data[number];
}

static void name_funcs(Linker *l)
{
    for (u32 i = 0; i < l->count; i++) {
        const Func *f = l->funcs[i]->func;
        find_name(l, &f->name)->func = i;
        vec_push(l->arena, &l->out->funcs, f->name);
        for (u32 k = 0; k < f->wasm_funcs.len; k++) {
            const WasmFuncData *entity = &f->wasm_funcs.data[k];
            if (!entity->present || !entity->has_name) {
                continue;
            }
            LinkName *name = find_name(l, &entity->name);
            if (!name->has_type) {
                name->has_type = true;
                name->type = (PulTypeKey){PUL_ENTITY_TYPE, f, entity->type.id};
            }
        }
    }
}

/* ---- types ------------------------------------------------------------------------------------------------ */

static const WasmTypeData *wasm_type_of(const PulTypeKey *key)
{
    return &vec_at(&key->func->wasm_types, key->index);
}

const Signature *dv_pul_type_signature(const PulTypeKey *key)
{
    static const Signature nothing = {.present = true};
    if (key->func == NULL) {
        return &nothing;
    }
    if (key->kind == PUL_ENTITY_TYPE) {
        return &vec_at(&key->func->sigs, wasm_type_of(key)->sig.id);
    }
    return key->index == UINT32_MAX ? &key->func->sig : &vec_at(&key->func->sigs, key->index);
}

static bool same_types(const Param *a, const Param *b, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        if (a[i].type != b[i].type) {
            return false;
        }
    }
    return true;
}

static bool same_signature(const Signature *a, const Signature *b)
{
    return a->num_params == b->num_params && a->num_results == b->num_results &&
           same_types(a->params, b->params, a->num_params) &&
           same_types(a->results, b->results, a->num_results);
}

static bool same_bytes(const u8 *a, const u8 *b, u32 count)
{
    return count == 0 || memcmp(a, b, count) == 0;
}

static bool same_type(const PulTypeKey *a, const PulTypeKey *b)
{
    if (a->kind != b->kind || !same_signature(dv_pul_type_signature(a), dv_pul_type_signature(b))) {
        return false;
    }
    if (a->kind == PUL_ENTITY_SIG) {
        return true;
    }
    const WasmTypeData *x = wasm_type_of(a), *y = wasm_type_of(b);
    return x->has_index == y->has_index && x->index == y->index && x->num_params == y->num_params &&
           x->num_results == y->num_results && same_bytes(x->params, y->params, x->num_params) &&
           same_bytes(x->results, y->results, x->num_results);
}

static u64 hash_type(const PulTypeKey *key)
{
    const Signature *sig = dv_pul_type_signature(key);
    u64 hash = dv_hash_combine(key->kind, sig->num_params);
    if (key->kind == PUL_ENTITY_TYPE) {
        hash = dv_hash_combine(hash, wasm_type_of(key)->index);
    }
    for (u32 i = 0; i < sig->num_params; i++) {
        hash = dv_hash_combine(hash, sig->params[i].type);
    }
    for (u32 i = 0; i < sig->num_results; i++) {
        hash = dv_hash_combine(hash, sig->results[i].type);
    }
    return hash;
}

/* False, after an error, if a type cannot be passed. */
static bool count_slots(Linker *l, const PulTypeKey *key, PulleyType *out)
{
    const Signature *sig = dv_pul_type_signature(key);
    bool ok = true;
    out->args = dv_pul_slots(sig->params, sig->num_params, &ok);
    out->results = dv_pul_slots(sig->results, sig->num_results, &ok);
    if (!ok) {
        dv_diag_error(l->diag, 0, 0, "a signature has a type that is not supported by %s",
                      l->isa->name);
    }
    return ok;
}

typedef struct TypeQuery {
    const PulModule *module;
    const PulTypeKey *key;
} TypeQuery;

static bool is_type(const void *context, u32 value)
{
    const TypeQuery *query = context;
    return same_type(&query->module->types.data[value], query->key);
}

/* The type's number in the module. */
static bool number_type(Linker *l, PulTypeKey key, u32 *number)
{
    TypeQuery query = {l->out, &key};
    u64 hash = hash_type(&key);
    PulleyType slots;
    if (dv_map_find(&l->type_of, hash, is_type, &query, number)) {
        return true;
    }
    if (!count_slots(l, &key, &slots)) {
        return false;
    }
    *number = l->out->types.len;
    vec_push(l->arena, &l->out->types, key);
    vec_push(l->arena, &l->out->module.types, slots);
    dv_map_add(l->arena, &l->type_of, hash, *number);
    return true;
}

/* ---- entities ------------------------------------------------------------------------------------------------ */

static bool check_index(Linker *l, u32 index)
{
    if (index >= INDEX_MAX) {
        dv_diag_error(l->diag, 0, 0, "the index %u of an entity is too large", (unsigned)index);
        return false;
    }
    return true;
}

/* Notes a declaration of this index. *before is the one that was noted first, this one if it is. */
static bool note(Linker *l, Declared *list, u32 index, const void *declaration, const void **before)
{
    if (!check_index(l, index)) {
        return false;
    }
    if (index >= list->len) {
        vec_extend(l->arena, list, index + 1 - list->len);
    }
    if (list->data[index] == NULL) {
        list->data[index] = declaration;
    }
    *before = list->data[index];
    return true;
}

static bool fail_conflict(Linker *l, const char *kind, u32 index)
{
    dv_diag_error(l->diag, 0, 0, "two functions declare %s %u differently", kind, (unsigned)index);
    return false;
}

static bool collect_memories(Linker *l, const Func *f)
{
    for (u32 i = 0; i < f->memories.len; i++) {
        const WasmMemoryData *m = &f->memories.data[i];
        const void *before = m;
        if (m->present && !note(l, &l->memories, m->index, m, &before)) {
            return false;
        }
        const WasmMemoryData *other = before;
        if (other->index_type != m->index_type || other->shared != m->shared ||
            other->page_bytes != m->page_bytes || other->min_pages != m->min_pages ||
            other->has_max != m->has_max || (m->has_max && other->max_pages != m->max_pages)) {
            return fail_conflict(l, "memory", m->index);
        }
    }
    return true;
}

static bool collect_tables(Linker *l, const Func *f)
{
    for (u32 i = 0; i < f->tables.len; i++) {
        const WasmTableData *t = &f->tables.data[i];
        const void *before = t;
        if (t->present && !note(l, &l->tables, t->index, t, &before)) {
            return false;
        }
        const WasmTableData *other = before;
        if (other->index_type != t->index_type || other->elem != t->elem || other->min != t->min ||
            other->has_max != t->has_max || (t->has_max && other->max != t->max)) {
            return fail_conflict(l, "table", t->index);
        }
    }
    return true;
}

static bool collect_globals(Linker *l, const Func *f)
{
    for (u32 i = 0; i < f->globals.len; i++) {
        const WasmGlobalData *g = &f->globals.data[i];
        const void *before = g;
        if (g->present && !note(l, &l->globals, g->index, g, &before)) {
            return false;
        }
        const WasmGlobalData *other = before;
        if (other->type != g->type || other->is_mutable != g->is_mutable) {
            return fail_conflict(l, "global", g->index);
        }
    }
    return true;
}

static bool collect_tags(Linker *l, const Func *f)
{
    for (u32 i = 0; i < f->tags.len; i++) {
        const WasmTagData *t = &f->tags.data[i];
        PulTypeKey *key = ARENA_NEW(l->arena, PulTypeKey);
        const void *before = key;
        *key = (PulTypeKey){PUL_ENTITY_TYPE, f, t->type.id};
        if (t->present && !note(l, &l->tags, t->index, key, &before)) {
            return false;
        }
        if (t->present && !same_type(before, key)) {
            return fail_conflict(l, "tag", t->index);
        }
    }
    return true;
}

static bool collect_segments(Linker *l, const Func *f)
{
    PulleyModule *m = &l->out->module;
    for (u32 i = 0; i < f->datas.len; i++) {
        const WasmSegmentData *data = &f->datas.data[i];
        if (data->present && !check_index(l, data->index)) {
            return false;
        }
        if (data->present && data->index >= m->data_count) {
            m->data_count = data->index + 1;
        }
    }
    for (u32 i = 0; i < f->elems.len; i++) {
        const WasmSegmentData *elem = &f->elems.data[i];
        if (elem->present && !check_index(l, elem->index)) {
            return false;
        }
        if (elem->present && elem->index >= m->elems.len) {
            vec_extend(l->arena, &m->elems, elem->index + 1 - m->elems.len);
        }
    }
    return true;
}

static bool is_wide(Type index_type)
{
    return index_type == TYPE_I64;
}

static PulleyRef ref_of(u8 type)
{
    return type == WASM_FUNCREF  ? PULLEY_REF_FUNC
           : type == WASM_EXNREF ? PULLEY_REF_EXN
                                 : PULLEY_REF_EXTERN;
}

/* Globals of fewer than 4 bytes take 4. */
static PulleyGlobal global_of(const WasmGlobalData *g)
{
    u32 bytes = type_bytes(g->type);
    return (PulleyGlobal){(u8)(bytes < 4 ? 4 : bytes), g->is_mutable};
}

/* What was collected becomes the module's; what nobody declares is there in the plainest shape. */
static bool list_entities(Linker *l)
{
    PulleyModule *m = &l->out->module;
    for (u32 i = 0; i < l->memories.len; i++) {
        const WasmMemoryData *from = l->memories.data[i];
        PulleyMemory memory = {0};
        if (from != NULL) {
            memory = (PulleyMemory){is_wide(from->index_type), from->shared};
        }
        vec_push(l->arena, &m->memories, memory);
    }
    for (u32 i = 0; i < l->tables.len; i++) {
        const WasmTableData *from = l->tables.data[i];
        PulleyTable table = {0};
        if (from != NULL) {
            table = (PulleyTable){is_wide(from->index_type), (u8)ref_of(from->elem)};
        }
        vec_push(l->arena, &m->tables, table);
    }
    for (u32 i = 0; i < l->globals.len; i++) {
        const WasmGlobalData *from = l->globals.data[i];
        PulleyGlobal global = from == NULL ? (PulleyGlobal){4, false} : global_of(from);
        vec_push(l->arena, &m->globals, global);
    }
    for (u32 i = 0; i < l->tags.len; i++) {
        const PulTypeKey *from = l->tags.data[i];
        u32 type;
        if (!number_type(l, from == NULL ? (PulTypeKey){.kind = PUL_ENTITY_SIG} : *from, &type)) {
            return false;
        }
        vec_push(l->arena, &m->tags, type);
    }
    return true;
}

/* Tags that only handlers name. */
static bool collect_handler_tags(Linker *l, const CompiledFunc *func)
{
    for (u32 i = 0; i < func->code.calls.len; i++) {
        const MachCall *call = &func->code.calls.data[i];
        for (u32 k = 0; k < call->num_handlers; k++) {
            u32 index = dv_func_tag(func->func, call->handlers[k].tag);
            bool is_tag = call->handlers[k].kind == HANDLER_TAG;
            if (is_tag && !check_index(l, index)) {
                return false;
            }
            if (is_tag && index >= l->tags.len) {
                vec_extend(l->arena, &l->tags, index + 1 - l->tags.len);
            }
        }
    }
    return true;
}

static bool collect_entities(Linker *l)
{
    for (u32 i = 0; i < l->count; i++) {
        const Func *f = l->funcs[i]->func;
        if (!collect_memories(l, f) || !collect_tables(l, f) || !collect_globals(l, f) ||
            !collect_tags(l, f) || !collect_segments(l, f) ||
            !collect_handler_tags(l, l->funcs[i])) {
            return false;
        }
    }
    return list_entities(l);
}

/* ---- imports, symbols, and whether calls fit ------------------------------------------------------------------- */

static bool fail_signature(Linker *l, const ExtName *name)
{
    return fail_name(l, name, "is declared with a signature that is not its own");
}

static bool declare_one(Linker *l, u32 func, const ExtName *name, PulTypeKey key)
{
    LinkName *n = find_name(l, name);
    PulleyType a, b;
    if (n->declared_in != func + 1) {
        n->declared_in = func + 1;
        n->declared = key;
        return true;
    }
    if (same_signature(dv_pul_type_signature(&n->declared), dv_pul_type_signature(&key))) {
        return true;
    }
    return count_slots(l, &n->declared, &a) && count_slots(l, &key, &b) &&
           ((a.args == b.args && a.results == b.results) || fail_signature(l, name));
}

/* As what this function declares the functions it names. */
static bool declare_names(Linker *l, u32 func)
{
    const Func *f = l->funcs[func]->func;
    for (u32 i = 0; i < f->funcs.len; i++) {
        const ExtFunc *callee = &f->funcs.data[i];
        PulTypeKey key = {PUL_ENTITY_SIG, f, callee->sig.id};
        if (callee->present && !declare_one(l, func, &callee->name, key)) {
            return false;
        }
    }
    for (u32 i = 0; i < f->wasm_funcs.len; i++) {
        const WasmFuncData *callee = &f->wasm_funcs.data[i];
        PulTypeKey key = {PUL_ENTITY_TYPE, f, callee->type.id};
        if (callee->present && callee->has_name && !declare_one(l, func, &callee->name, key)) {
            return false;
        }
    }
    return true;
}

static bool make_import(Linker *l, const ExtName *name)
{
    LinkName *n = find_name(l, name);
    u32 type;
    if (!number_type(l, n->has_type ? n->type : n->declared, &type)) {
        return false;
    }
    n->import = l->out->imports.len;
    vec_push(l->arena, &l->out->imports, *name);
    vec_push(l->arena, &l->out->module.imports, type);
    return true;
}

/* A function that a relocation names: makes it an import if it is none of the module's. */
static bool resolve_func(Linker *l, const ExtName *name)
{
    LinkName *n = find_name(l, name);
    PulleyType wanted, got;
    if (!count_slots(l, &n->declared, &wanted)) {
        return false;
    }
    if (n->func == NONE && n->import == NONE && !make_import(l, name)) {
        return false;
    }
    if (n->func != NONE) {
        const CompiledFunc *callee = l->funcs[n->func];
        got = (PulleyType){callee->arg_slots, callee->result_slots};
    } else {
        const PulleyModule *m = &l->out->module;
        got = m->types.data[m->imports.data[n->import]];
    }
    return (got.args == wanted.args && got.results == wanted.results) || fail_signature(l, name);
}

static bool resolve_relocs(Linker *l, u32 func)
{
    const MachCode *code = &l->funcs[func]->code;
    for (u32 i = 0; i < code->relocs.len; i++) {
        const MachReloc *reloc = &code->relocs.data[i];
        if (reloc->kind == PUL_RELOC_SYMBOL) {
            LinkName *n = find_name(l, &reloc->symbol.name);
            if (n->symbol == NONE) {
                n->symbol = l->out->symbols.len;
                vec_push(l->arena, &l->out->symbols, reloc->symbol.name);
            }
        } else if (reloc->kind != PUL_RELOC_TYPE && !resolve_func(l, &reloc->symbol.name)) {
            return false;
        }
    }
    return true;
}

static bool resolve_all(Linker *l)
{
    for (u32 i = 0; i < l->count; i++) {
        if (!declare_names(l, i) || !resolve_relocs(l, i)) {
            return false;
        }
    }
    l->out->module.symbol_count = l->out->symbols.len;
    return true;
}

/* ---- code ----------------------------------------------------------------------------------------------------------- */

static bool add_func(Linker *l, u32 number)
{
    const CompiledFunc *func = l->funcs[number];
    PulleyModule *m = &l->out->module;
    const LinkName *name = find_name(l, &func->func->name);
    PulTypeKey own = {PUL_ENTITY_SIG, func->func, UINT32_MAX};
    PulleyFunc f = {.code = m->code_size_bytes,
                    .size_bytes = func->code.size_bytes,
                    .frame = func->code.frame.size_bytes / 8,
                    .window = (u16)func->code.frame.window_slots};
    if (!number_type(l, name->has_type ? name->type : own, &f.type)) {
        return false;
    }
    const PulleyType *type = &m->types.data[f.type];
    if (type->args != func->arg_slots || type->results != func->result_slots) {
        return fail_signature(l, &func->func->name);
    }
    if (f.size_bytes > UINT32_MAX - m->code_size_bytes) {
        dv_diag_error(l->diag, 0, 0, "the module has more than 4 GiB of code");
        return false;
    }
    m->code_size_bytes += f.size_bytes;
    m->metered = m->metered || func->metered;
    vec_push(l->arena, &m->funcs, f);
    return true;
}

static bool lay_out_code(Linker *l)
{
    for (u32 i = 0; i < l->count; i++) {
        if (!add_func(l, i)) {
            return false;
        }
    }
    PulleyModule *m = &l->out->module;
    l->code = (u8 *)ARENA_ARRAY(l->arena, u32, m->code_size_bytes / 4);
    m->code = l->code;
    for (u32 i = 0; i < l->count; i++) {
        const MachCode *code = &l->funcs[i]->code;
        memcpy(l->code + m->funcs.data[i].code, code->bytes, code->size_bytes);
    }
    return true;
}

/* ---- relocations ------------------------------------------------------------------------------------------------------ */

static void patch_role(Linker *l, u8 *at, PulleyOp op, u32 role, u64 value)
{
    dv_pulley_patch(at, l->isa->big_endian, op, dv_pulley_find_field(op, role), value);
}

/* Writes another instruction of at most `size` bytes; a trap fills the word that is left. */
static void rewrite(Linker *l, u8 *at, u32 size, PulleyOp op, const u64 *fields)
{
    bool big = l->isa->big_endian;
    l->rewritten.len = 0;
    dv_pulley_encode(&l->rewritten, big, op, fields);
    if (l->rewritten.len < size) {
        dv_pulley_encode(&l->rewritten, big, PULLEY_trap, (const u64[]){PULLEY_TRAP_unreachable});
    }
    CHECK(l->rewritten.len == size);
    memcpy(at, l->rewritten.data, size);
}

/* The short call of a function that is out of its reach becomes one by number, which has the same shape. */
static bool patch_short_call(Linker *l, u8 *at, u32 size, u32 callee, const u64 fields[2])
{
    const PulleyField *distance = &dv_pulley_shape(PULLEY_call)->fields[1];
    if (dv_pulley_field_fits(distance, fields[1])) {
        rewrite(l, at, size, PULLEY_call, fields);
        return true;
    }
    if (callee > UINT16_MAX) {
        dv_diag_error(l->diag, 0, 0, "the module has more functions than short calls can name");
        return false;
    }
    rewrite(l, at, size, PULLEY_call_number, (const u64[]){fields[0], callee});
    return true;
}

/* A call of a function of this module. */
static bool patch_call(Linker *l, u8 *at, const PulleyInst *inst, u32 callee)
{
    const u64 *x = inst->fields;
    u64 distance = (u64)((i64)l->out->module.funcs.data[callee].code - (at - l->code));
    switch (inst->op) {
    case PULLEY_call:
        return patch_short_call(l, at, inst->size, callee, (const u64[]){x[0], distance});
    case PULLEY_call_import:
        rewrite(l, at, inst->size, PULLEY_call_far, (const u64[]){x[0], distance});
        return true;
    case PULLEY_return_call_import:
        if (x[2] == 0) {
            rewrite(l, at, inst->size, PULLEY_return_call, (const u64[]){distance});
        } else {
            rewrite(l, at, inst->size, PULLEY_return_call_big, (const u64[]){x[0], distance, x[2]});
        }
        return true;
    default:
        patch_role(l, at, (PulleyOp)inst->op, PROLE_FUNC, distance);
        return true;
    }
}

static bool apply_call(Linker *l, u8 *at, const PulleyInst *inst, const ExtName *name)
{
    const LinkName *n = find_name(l, name);
    if (n->func != NONE) {
        return patch_call(l, at, inst, (u32)n->func);
    }
    if (inst->op != PULLEY_call_import && inst->op != PULLEY_return_call_import) {
        return fail_name(l, name, "is declared colocated, but the module has no such function");
    }
    patch_role(l, at, (PulleyOp)inst->op, PROLE_IMPORT, (u64)n->import);
    return true;
}

static bool apply_reloc(Linker *l, u32 func, const MachReloc *reloc)
{
    const PulleyFunc *f = &l->out->module.funcs.data[func];
    const MachSymbol *symbol = &reloc->symbol;
    u8 *at = l->code + f->code + reloc->offset;
    PulleyInst inst;
    bool is_known = dv_pulley_decode(at, f->size_bytes - reloc->offset, l->isa->big_endian, &inst);
    CHECK(is_known);
    switch ((PulReloc)reloc->kind) {
    case PUL_RELOC_ENTITY: {
        const LinkName *n = find_name(l, &symbol->name);
        i64 entity = n->func != NONE ? n->func + l->out->imports.len : n->import;
        patch_role(l, at, (PulleyOp)inst.op, PROLE_ENTITY, (u64)entity);
        return true;
    }
    case PUL_RELOC_SYMBOL:
        patch_role(l, at, (PulleyOp)inst.op, PROLE_SYMBOL,
                   (u64)find_name(l, &symbol->name)->symbol);
        return true;
    case PUL_RELOC_TYPE: {
        u32 type;
        PulTypeKey key = {symbol->entity_kind, l->funcs[func]->func, symbol->index};
        if (!number_type(l, key, &type)) {
            return false;
        }
        patch_role(l, at, (PulleyOp)inst.op, PROLE_TYPE, type);
        return true;
    }
    default:
        return apply_call(l, at, &inst, &symbol->name);
    }
}

static bool apply_relocs(Linker *l)
{
    for (u32 i = 0; i < l->count; i++) {
        const MachCode *code = &l->funcs[i]->code;
        for (u32 k = 0; k < code->relocs.len; k++) {
            if (!apply_reloc(l, i, &code->relocs.data[k])) {
                return false;
            }
        }
    }
    return true;
}

/* ---- reading the code -------------------------------------------------------------------------------------------------- */

static void add_handlers(Linker *l, const Func *f, const MachCall *call, u32 offset)
{
    for (u32 i = 0; i < call->num_handlers; i++) {
        const MachHandler *from = &call->handlers[i];
        PulleyHandler handler = {.call = offset, .kind = PULLEY_HANDLER_ALL};
        if (from->kind == HANDLER_CONTEXT) {
            handler.kind = PULLEY_HANDLER_CONTEXT;
            handler.value = (u32)from->context;
        } else {
            handler.target = from->offset;
        }
        if (from->kind == HANDLER_TAG) {
            handler.kind = PULLEY_HANDLER_TAG;
            handler.value = dv_func_tag(f, from->tag);
        }
        vec_push(l->arena, &l->out->module.handlers, handler);
    }
}

static void read_code(Linker *l, u32 number)
{
    const CompiledFunc *from = l->funcs[number];
    PulleyModule *m = &l->out->module;
    PulleyFunc *f = &m->funcs.data[number];
    u32 next_call = 0;
    PulleyInst inst;
    f->first_handler = m->handlers.len;
    for (u32 offset = 0; offset < f->size_bytes; offset += inst.size) {
        bool is_known = dv_pulley_decode(l->code + f->code + offset, f->size_bytes - offset,
                                         l->isa->big_endian, &inst);
        CHECK(is_known);
        l->groups |= 1u << dv_pulley_ops[inst.op].group;
        if (inst.op == PULLEY_table_init) {
            m->elems.data[inst.fields[4]] = m->tables.data[inst.fields[3]].ref;
        }
        if (next_call < from->code.calls.len &&
            from->code.calls.data[next_call].offset == offset + inst.size) {
            add_handlers(l, from->func, &from->code.calls.data[next_call++], offset);
        }
    }
    CHECK(next_call == from->code.calls.len);
    f->handler_count = m->handlers.len - f->first_handler;
}

static void describe(Linker *l)
{
    PulleyModule *m = &l->out->module;
    for (u32 i = 0; i < l->count; i++) {
        read_code(l, i);
    }
    bool is_raw = (l->groups & (1u << PGROUP_RAW | 1u << PGROUP_RAW_ATOMIC)) != 0;
    m->groups = l->groups;
    m->profile = (u8)(!is_raw                      ? PULLEY_SANDBOXED
                      : l->isa->address_bits == 32 ? PULLEY_RAW32
                                                   : PULLEY_RAW64);
}

#ifndef NDEBUG
static bool verify(Linker *l)
{
    PulleyFault fault;
    TextBuf text;
    if (dv_pulley_verify(&l->out->module, l->arena, &fault)) {
        return true;
    }
    dv_text_init(&text, l->arena);
    dv_pulley_fault_print(&text, &fault);
    dv_diag_error(l->diag, 0, 0, "the bytecode made does not verify: %s", text.data);
    return false;
}
#else
static bool verify(Linker *l)
{
    (void)l;
    return true;
}
#endif

bool dv_pul_link(const Isa *isa, const CompiledFunc *const *funcs, u32 count, Arena *arena,
                 Diag *diag, PulModule *out)
{
    Linker l = {
        .isa = isa, .funcs = funcs, .count = count, .arena = arena, .diag = diag, .out = out};
    memset(out, 0, sizeof *out);
    out->module.big = isa->big_endian;
    dv_bytebuf_init(&l.rewritten, arena);
    name_funcs(&l);
    if (!collect_entities(&l) || !resolve_all(&l) || !lay_out_code(&l) || !apply_relocs(&l)) {
        return false;
    }
    describe(&l);
    return verify(&l);
}
