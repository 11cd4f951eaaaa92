/* engine_pulley.c - Pulley as an engine: the functions of a file compiled, linked, verified and interpreted.
 *
 * A Program is what all dispatch forms share: every function compiled from a copy, and modules made of those that
 * compile, in the host's byte order. There is a module for the directives of each function: with that function, those
 * that its comments name, and what these name in turn; so functions that never meet may declare entities as they
 * like. A function that does not compile is an import that says why when it is called; so is a name that nobody
 * defines. Library calls are imports that compute what the evaluator does.
 *
 * A reset makes an instance of one module. Its objects are those of all declarations of the module's functions, by
 * index, whether or not code names them. A symbol of the host is a function's descriptor if it names one, else a few zero
 * bytes.
 *
 * Runs with a step limit are polled for ever: each poll is counted and asks for the next.
 */
#include "base/bytes.h"
#include "codegen/compile.h"
#include "codegen/ir/lex.h"
#include "codegen/ir/print.h"
#include "codegen/isa/pulley/link.h"
#include "interp/interp.h"
#include "tools/engine.h"

enum {
    STACK_BYTES = 8 << 20,
    SYMBOL_BYTES = 64,
    GLOBAL_BYTES_MAX = 16,
    MEMORY_BYTES_MAX = 1 << 30, /* of one memory */
    TABLE_ELEMS_MAX = 10000000,
    RESETS_MAX = 200 /* of one Interp, which keeps what instances leave */
};

/* What undefined high bits of arguments are. */
#define GARBAGE 0xa5a5a5a55a5a5a5au

/* Declarations by index in the instance; those that nobody makes are not present. */
typedef struct Entities {
    VEC(WasmMemoryData) memories;
    VEC(WasmTableData) tables;
    VEC(WasmGlobalData) globals;
} Entities;

/* The module of one function's directives. */
typedef struct Unity {
    VEC(u32) members; /* functions of the file */
    u32 *numbers;     /* by function of the file: its number in the module; UINT32_MAX */
    PulModule linked;
    u32 *type_ids;
    const char *error; /* why nothing runs; NULL */
    bool is_hole;      /* the error is none of the compiler's */
    Entities entities;
} Unity;

typedef struct Program {
    const Isa *isa;
    const ClifFile *file;
    Arena memory;            /* holds all of it */
    CompiledFunc **compiled; /* by function of the file; NULL */
    const char **errors;     /* why it is not there */
    Unity **unities;         /* by owner; made when first wanted */
    Map name_of;             /* hash -> function of the file */
} Program;

typedef struct PulleyEngine PulleyEngine;

/* The context of an import. */
typedef struct Import {
    PulleyEngine *engine;
    const ExtName *name;
    u32 func; /* of the file; UINT32_MAX */
} Import;

struct PulleyEngine {
    Engine base;
    Program *program;
    Program own;        /* unless it is another engine's */
    const Unity *unity; /* that the instance is of */
    Interp *vm;
    u32 resets;
    u32 form;
    const char *reason; /* why an import could not do it; NULL */
    bool is_hole;
    Arena objects; /* of the instance */
    InterpInstance *instance;
    InterpMemory *memories;
    InterpTable *tables;
    u64 (*globals)[2];
    bool *has_memory, *has_table;
    InterpFunc **stubs; /* by function of the file */
};

/* ---- what the target is known not to do ------------------------------------------------------------------ */

const char *dv_engine_pulley_hole(const Func *f)
{
    for (u32 i = 0; i < f->values.len; i++) {
        Type type = f->values.data[i].type;
        if (f->values.data[i].kind != VALUE_ABSENT && type != TYPE_NONE && !type_is_scalar(type)) {
            return "vectors";
        }
    }
    for (u32 i = 0; i < f->insts.len; i++) {
        u32 op = f->insts.data[i].op;
        if (op == OP_stack_switch || op == OP_dynamic_stack_addr) {
            return dv_ops[op].name;
        }
    }
    return NULL;
}

/* ---- the program ------------------------------------------------------------------------------------------- */

typedef struct NameQuery {
    const ClifFile *file;
    const ExtName *name;
} NameQuery;

static bool is_name(const void *context, u32 value)
{
    const NameQuery *query = context;
    return dv_extname_equal(&query->file->funcs.data[value]->func.name, query->name);
}

/* Of functions of one name the last one is meant. */
static bool find_func(const Program *p, const ExtName *name, u32 *func)
{
    NameQuery query = {p->file, name};
    return dv_map_find(&p->name_of, dv_extname_hash(name), is_name, &query, func);
}

static const char *first_error(Program *p, const Diag *diag)
{
    const DiagMessage *first = dv_diag_first(diag);
    return first == NULL ? "no reason given"
                         : dv_arena_strdup(&p->memory, first->text, strlen(first->text));
}

static void compile_all(Program *p, const CompileOptions *options)
{
    Arena scratch;
    dv_arena_init(&scratch, p->memory.pool);
    for (u32 i = 0; i < p->file->funcs.len; i++) {
        CompiledFunc *result = ARENA_NEW(&p->memory, CompiledFunc);
        Func *copy = ARENA_NEW(&p->memory, Func);
        Diag diag;
        dv_diag_init(&diag, &p->memory); /* not scratch: dv_compile gives that back */
        dv_func_copy(copy, &p->file->funcs.data[i]->func, &p->memory);
        if (dv_compile(p->isa, options, copy, &p->memory, &scratch, &diag, result)) {
            p->compiled[i] = result;
        } else {
            p->errors[i] = first_error(p, &diag);
        }
    }
    dv_arena_release(&scratch);
}

/* ---- who may meet whom ---------------------------------------------------------------------------------------- */

/* Makes the function of this name, if there is one, a member. */
static void add_member(const Program *p, Unity *u, const ExtName *name, Arena *arena)
{
    u32 func;
    if (find_func(p, name, &func) && u->numbers[func] == UINT32_MAX) {
        u->numbers[func] = 0;
        vec_push(arena, &u->members, func);
    }
}

/* The functions that a comment names. */
static void add_named_by_comment(Program *p, Unity *u, Str text)
{
    const char *end = text.data + text.len;
    for (const char *at = text.data; at < end; at++) {
        ExtName name = {.kind = NAME_TEST};
        const char *start = at + 1;
        const char *stop = start;
        bool ok = *at == '%';
        if (ok && start < end && *start == '"') {
            for (stop = ++start; stop < end && *stop != '"'; stop++) {
                stop += *stop == '\\' && stop + 1 < end;
            }
            char *plain = ARENA_ARRAY(&p->memory, char, (usize)(stop - start) + 1);
            Str quoted = {start, (u32)(stop - start)};
            name.text.data = plain;
            ok = dv_lex_unescape(quoted, plain, &name.text.len);
        } else {
            while (stop < end && lex_is_name_char(*stop)) {
                stop++;
            }
            name.text = (Str){start, (u32)(stop - start)};
        }
        if (ok) {
            add_member(p, u, &name, &p->memory);
        }
    }
}

static void add_named_by_func(Program *p, Unity *u, const Func *f)
{
    for (u32 i = 0; i < f->funcs.len; i++) {
        add_member(p, u, &f->funcs.data[i].name, &p->memory);
    }
    for (u32 i = 0; i < f->wasm_funcs.len; i++) {
        add_member(p, u, &f->wasm_funcs.data[i].name, &p->memory);
    }
    for (u32 i = 0; i < f->global_values.len; i++) {
        if (f->global_values.data[i].kind == GV_SYMBOL) {
            add_member(p, u, &f->global_values.data[i].name, &p->memory);
        }
    }
}

static void find_members(Program *p, Unity *u, u32 owner)
{
    const ClifFunc *func = p->file->funcs.data[owner];
    u32 count = p->file->funcs.len;
    u->numbers = ARENA_ARRAY(&p->memory, u32, count);
    memset(u->numbers, 0xff, count * sizeof *u->numbers);
    u->numbers[owner] = 0;
    vec_push(&p->memory, &u->members, owner);
    for (u32 i = 0; i < func->comments.len; i++) {
        add_named_by_comment(p, u, func->comments.data[i].text);
    }
    for (u32 i = 0; i < u->members.len; i++) {
        add_named_by_func(p, u, &p->file->funcs.data[u->members.data[i]]->func);
    }
}

/* ---- modules ------------------------------------------------------------------------------------------------------ */

static bool lists_match(const Param *params, u32 count, const u8 *types, u32 num_types)
{
    if (count != num_types) {
        return false;
    }
    for (u32 i = 0; i < count; i++) {
        bool is_ref = types[i] >= WASM_FUNCREF;
        if (is_ref || params[i].type != dv_wasm_valtype_type((WasmValType)types[i])) {
            return false;
        }
    }
    return true;
}

/* A Wasm type without references is the same as a signature of the same types. */
static void unify_types(Program *p, Unity *u)
{
    const PulTypeKey *keys = u->linked.types.data;
    u32 count = u->linked.types.len;
    u->type_ids = ARENA_ARRAY(&p->memory, u32, count + 1);
    for (u32 i = 0; i < count; i++) {
        u->type_ids[i] = i;
        for (u32 k = 0; keys[i].kind == PUL_ENTITY_TYPE && k < count; k++) {
            const WasmTypeData *type = &vec_at(&keys[i].func->wasm_types, keys[i].index);
            const Signature *sig = dv_pul_type_signature(&keys[k]);
            if (keys[k].kind == PUL_ENTITY_SIG && !type->has_index &&
                lists_match(sig->params, sig->num_params, type->params, type->num_params) &&
                lists_match(sig->results, sig->num_results, type->results, type->num_results)) {
                u->type_ids[i] = k;
            }
        }
    }
}

/* Notes a declaration unless there is one. */
#define NOTE(p, list, entity) \
    do { \
        if ((entity)->present && (entity)->index >= (list)->len) { \
            vec_extend(&(p)->memory, (list), (entity)->index + 1 - (list)->len); \
        } \
        if ((entity)->present && !(list)->data[(entity)->index].present) { \
            (list)->data[(entity)->index] = *(entity); \
        } \
    } while (0)

static void collect_entities(Program *p, Entities *e, const Func *f)
{
    for (u32 i = 0; i < f->memories.len; i++) {
        NOTE(p, &e->memories, &f->memories.data[i]);
    }
    for (u32 i = 0; i < f->tables.len; i++) {
        NOTE(p, &e->tables, &f->tables.data[i]);
    }
    for (u32 i = 0; i < f->globals.len; i++) {
        NOTE(p, &e->globals, &f->globals.data[i]);
    }
}

/* By itself, or by library calls that get addresses. */
static bool uses_plain_memory(const Unity *u)
{
    for (u32 i = 0; i < u->linked.imports.len; i++) {
        const ExtName *name = &u->linked.imports.data[i];
        if (name->kind == NAME_LIBCALL && name->libcall >= LIBCALL_Memcpy &&
            name->libcall <= LIBCALL_Memcmp) {
            return true;
        }
    }
    return u->linked.module.profile != PULLEY_SANDBOXED;
}

static bool check_profile(const Program *p, Unity *u)
{
    if (uses_plain_memory(u) &&
        (p->isa->address_bits != sizeof(void *) * 8 || p->isa->big_endian != dv_host_is_big())) {
        u->error = "raw code for addresses of another width or byte order than this host's";
        u->is_hole = true;
    }
    return u->error == NULL;
}

/* If a function is missing that does not compile, that is the reason to tell. */
static void blame_member(const Program *p, Unity *u)
{
    for (u32 i = 0; i < u->members.len; i++) {
        u32 func = u->members.data[i];
        if (p->errors[func] != NULL) {
            u->error = p->errors[func];
            u->is_hole = dv_engine_pulley_hole(&p->file->funcs.data[func]->func) != NULL;
            return;
        }
    }
}

static void link_funcs(Program *p, Unity *u, const CompiledFunc *const *funcs, u32 count)
{
    Diag diag;
    PulleyFault fault;
    PulleyModule *m = &u->linked.module;
    dv_diag_init(&diag, &p->memory);
    if (!dv_pul_link(p->isa, funcs, count, &p->memory, &diag, &u->linked)) {
        u->error = first_error(p, &diag);
        blame_member(p, u);
        return;
    }
    if (!dv_pulley_verify(m, &p->memory, &fault)) {
        TextBuf text;
        dv_text_init(&text, &p->memory);
        dv_text_str(&text, "the bytecode does not verify: ");
        dv_pulley_fault_print(&text, &fault);
        u->error = text.data;
        return;
    }
    if (check_profile(p, u) && m->big != dv_host_is_big()) {
        u8 *code = (u8 *)ARENA_ARRAY(&p->memory, u32, m->code_size_bytes / 4);
        memcpy(code, m->code, m->code_size_bytes);
        dv_pulley_swap(code, m->code_size_bytes, m->big);
        m->code = code;
        m->big = dv_host_is_big();
    }
}

static const Unity *unity_of(Program *p, u32 owner)
{
    if (p->unities[owner] != NULL) {
        return p->unities[owner];
    }
    Unity *u = ARENA_NEW(&p->memory, Unity);
    find_members(p, u, owner);
    VEC(const CompiledFunc *) funcs = {0};
    for (u32 i = 0; i < u->members.len; i++) {
        u32 func = u->members.data[i];
        collect_entities(p, &u->entities, &p->file->funcs.data[func]->func);
        u->numbers[func] = p->compiled[func] == NULL ? UINT32_MAX : funcs.len;
        if (p->compiled[func] != NULL) {
            vec_push(&p->memory, &funcs, (const CompiledFunc *)p->compiled[func]);
        }
    }
    link_funcs(p, u, funcs.data, funcs.len);
    unify_types(p, u);
    p->unities[owner] = u;
    return u;
}

static void make_program(Program *p, const ClifFile *file, const EngineOptions *options)
{
    u32 count = file->funcs.len;
    CompileOptions compile = {.allocator = options->allocator, .check = true};
    dv_settings_apply(&options->settings, &compile);
    p->isa = dv_isa_find(options->target, strlen(options->target));
    p->file = file;
    p->compiled = ARENA_ARRAY(&p->memory, CompiledFunc *, count + 1);
    p->errors = ARENA_ARRAY(&p->memory, const char *, count + 1);
    p->unities = ARENA_ARRAY(&p->memory, Unity *, count + 1);
    for (u32 i = count; i-- > 0;) {
        u32 there;
        const ExtName *name = &file->funcs.data[i]->func.name;
        if (!find_func(p, name, &there)) {
            dv_map_add(&p->memory, &p->name_of, dv_extname_hash(name), i);
        }
    }
    compile_all(p, &compile);
}

/* ---- imports -------------------------------------------------------------------------------------------------- */

static const char *format_name(Arena *arena, const char *what, const ExtName *name)
{
    TextBuf text;
    dv_text_init(&text, arena);
    dv_text_printf(&text, "%s ", what);
    dv_print_extname(&text, name);
    return text.data;
}

/* Stops the run with a reason. */
static u32 run_missing(void *context, Interp *vm, u64 *slots)
{
    const Import *import = context;
    PulleyEngine *e = import->engine;
    (void)vm;
    (void)slots;
    if (import->func == UINT32_MAX) {
        e->reason = format_name(&e->objects, "no such function:", import->name);
        e->is_hole = false;
    } else {
        const Func *f = &e->program->file->funcs.data[import->func]->func;
        const char *error = e->program->errors[import->func];
        e->reason = error == NULL ? "called by what does not name it" : error;
        e->is_hole = dv_engine_pulley_hole(f) != NULL;
    }
    return PULLEY_TRAP_interrupt;
}

typedef struct LibCallInfo {
    const char *params, *result, *meaning;
} LibCallInfo;
static const LibCallInfo libcalls[LIBCALL_COUNT] = {
#define LIBCALL(name, params, result, meaning) {params, result, meaning},
#include "codegen/ir/names.def"
};

/* A library call that is an operation, which its meaning names: "ceil.f32". */
static Op libcall_op(LibCall call)
{
    const char *dot = strchr(libcalls[call].meaning, '.');
    return dot == NULL ? OP_COUNT
                       : dv_op_find(libcalls[call].meaning, (usize)(dot - libcalls[call].meaning));
}

static void apply_float_call(LibCall call, Op op, u64 *slots)
{
    Type type = libcalls[call].result[0] == 'f' ? TYPE_F32 : TYPE_F64;
    u8 bytes[OP_MAX_OPERANDS + 1][8];
    EvalOp e = {.op = op, .type = type, .num_args = (u32)strlen(libcalls[call].params)};
    for (u32 i = 0; i < e.num_args; i++) {
        store_le64(bytes[i], slots[i]);
        e.arg_types[i] = type;
        e.args[i] = bytes[i];
    }
    e.result_types[0] = type;
    e.results[0] = bytes[OP_MAX_OPERANDS];
    memset(bytes[OP_MAX_OPERANDS], 0, 8);
    (void)dv_eval_op(&e); /* none of them traps */
    slots[0] = load_le64(bytes[OP_MAX_OPERANDS]);
}

/* In raw code addresses are this process's. */
static void *pointer(u64 slot)
{
    return (void *)(uintptr_t)slot;
}

static u32 run_libcall(void *context, Interp *vm, u64 *slots)
{
    const Import *import = context;
    LibCall call = import->name->libcall;
    Op op = libcall_op(call);
    usize length = (usize)slots[2];
    (void)vm;
    if (op != OP_COUNT) {
        apply_float_call(call, op, slots);
        return INTERP_GO_ON;
    }
    bool is_empty = length == 0;
    switch (call) {
    case LIBCALL_Memcpy:
    case LIBCALL_Memmove:
        if (!is_empty) {
            memmove(pointer(slots[0]), pointer(slots[1]), length);
        }
        break;
    case LIBCALL_Memset:
        if (!is_empty) {
            memset(pointer(slots[0]), (u8)slots[1], length);
        }
        break;
    case LIBCALL_Memcmp:
        slots[0] = is_empty ? 0 : (u32)memcmp(pointer(slots[0]), pointer(slots[1]), length);
        break;
    default: /* Probestack, ElfTlsGetAddr, ElfTlsGetOffset */
        break;
    }
    return INTERP_GO_ON;
}

/* A function of the host that stands for what is not in the module. */
static InterpFunc *make_import(PulleyEngine *e, const ExtName *name, u32 func, PulleyType type,
                               u32 type_id)
{
    Import *import = ARENA_NEW(&e->objects, Import);
    *import = (Import){e, name, func};
    bool is_libcall = func == UINT32_MAX && name->kind == NAME_LIBCALL;
    InterpFunc *made =
        dv_interp_host_func(e->vm, is_libcall ? run_libcall : run_missing, import, type, type_id);
    if (made == NULL) {
        dv_escape(e->objects.pool, DAVIT_ERROR_MEMORY);
    }
    return made;
}

/* The id of a type of the module that is called as this signature is; a function that is missing shall be found
 * missing, not of the wrong type. */
static u32 type_id_of(const Unity *u, const Signature *sig)
{
    for (u32 i = 0; i < u->linked.types.len; i++) {
        Signature other = *dv_pul_type_signature(&u->linked.types.data[i]);
        other.conv = sig->conv;
        if (dv_signature_equal(&other, sig)) {
            return u->type_ids[i];
        }
    }
    return UINT32_MAX;
}

/* A function of the file, for references: its own, or one that says why there is none. */
static InterpFunc *func_of_file(PulleyEngine *e, u32 func)
{
    const Program *p = e->program;
    if (e->instance == NULL || e->unity->numbers[func] == UINT32_MAX) {
        if (e->stubs[func] == NULL) {
            const Func *f = &p->file->funcs.data[func]->func;
            u32 id = type_id_of(e->unity, &f->sig);
            e->stubs[func] = make_import(e, &f->name, func, (PulleyType){0, 0}, id);
        }
        return e->stubs[func];
    }
    InterpFunc *own =
        dv_instance_func(e->instance, e->unity->linked.imports.len + e->unity->numbers[func]);
    if (own == NULL) {
        dv_escape(e->objects.pool, DAVIT_ERROR_MEMORY);
    }
    return own;
}

static void *find_symbol(PulleyEngine *e, const ExtName *name)
{
    u32 func;
    if (find_func(e->program, name, &func)) {
        return func_of_file(e, func);
    }
    if (name->kind == NAME_LIBCALL) {
        return make_import(e, name, UINT32_MAX, (PulleyType){0, 0}, UINT32_MAX);
    }
    return dv_arena_zalloc(&e->objects, SYMBOL_BYTES, 16);
}

/* ---- the instance --------------------------------------------------------------------------------------------------- */

static void free_objects(PulleyEngine *e)
{
    for (u32 i = 0; e->memories != NULL && i < e->unity->entities.memories.len; i++) {
        dv_memory_free_malloc(&e->memories[i]);
    }
    for (u32 i = 0; e->tables != NULL && i < e->unity->entities.tables.len; i++) {
        dv_table_free_malloc(&e->tables[i]);
    }
    e->memories = NULL;
    e->tables = NULL;
    e->instance = NULL;
    dv_arena_release(&e->objects);
}

static void fill_instance(PulleyEngine *e)
{
    const Unity *u = e->unity;
    const PulleyModule *m = &u->linked.module;
    InterpInstance *instance = e->instance;
    memcpy(instance->type_ids, u->type_ids, m->types.len * sizeof *u->type_ids);
    for (u32 i = 0; i < m->memories.len; i++) {
        instance->memories[i] = &e->memories[i];
    }
    for (u32 i = 0; i < m->tables.len; i++) {
        instance->tables[i] = &e->tables[i];
    }
    for (u32 i = 0; i < m->globals.len; i++) {
        instance->globals[i] = e->globals[i];
    }
    for (u32 i = 0; i < m->tags.len; i++) {
        InterpTag *tag = ARENA_NEW(&e->objects, InterpTag);
        tag->args = m->types.data[m->tags.data[i]].args;
        instance->tags[i] = tag;
    }
    for (u32 i = 0; i < m->imports.len; i++) {
        const ExtName *name = &u->linked.imports.data[i];
        u32 type = m->imports.data[i], func;
        func = find_func(e->program, name, &func) ? func : UINT32_MAX;
        instance->imports[i] = make_import(e, name, func, m->types.data[type], u->type_ids[type]);
    }
    for (u32 i = 0; i < m->symbol_count; i++) {
        instance->symbols[i] = find_symbol(e, &u->linked.symbols.data[i]);
    }
}

static void new_interp(PulleyEngine *e)
{
    InterpConfig config = {.form = e->form,
                           .stack_bytes = STACK_BYTES,
                           .on_poll = dv_engine_answer_poll,
                           .context = &e->base};
    dv_interp_free(e->vm);
    e->vm = dv_interp_new(&config);
    e->resets = 0;
    if (e->vm == NULL) {
        dv_escape(e->objects.pool, DAVIT_ERROR_MEMORY);
    }
}

static u32 number_of(const PulleyEngine *e, const ClifFunc *f)
{
    u32 i = 0;
    while (e->base.file->funcs.data[i] != f) {
        i++;
    }
    return i;
}

static void reset(Engine *engine, const ClifFunc *owner)
{
    PulleyEngine *e = (PulleyEngine *)engine;
    free_objects(e);
    e->unity = unity_of(e->program, number_of(e, owner));
    e->base.is_raw = uses_plain_memory(e->unity);
    const Entities *entities = &e->unity->entities;
    if (e->vm == NULL || e->resets++ >= RESETS_MAX) {
        new_interp(e);
    }
    e->memories = ARENA_ARRAY(&e->objects, InterpMemory, entities->memories.len + 1);
    e->tables = ARENA_ARRAY(&e->objects, InterpTable, entities->tables.len + 1);
    e->globals =
        dv_arena_array(&e->objects, (usize)entities->globals.len + 1, sizeof *e->globals, 16);
    e->has_memory = ARENA_ARRAY(&e->objects, bool, entities->memories.len + 1);
    e->has_table = ARENA_ARRAY(&e->objects, bool, entities->tables.len + 1);
    e->stubs = ARENA_ARRAY(&e->objects, InterpFunc *, e->base.file->funcs.len + 1);
    if (e->unity->error == NULL) {
        davit_status_t status = dv_instance_new(e->vm, &e->unity->linked.module, &e->instance);
        if (status != DAVIT_OK) {
            dv_escape(e->objects.pool, status);
        }
        fill_instance(e);
    }
}

/* ---- memories, tables, globals, segments -------------------------------------------------------------------------------- */

/* A memory grows to 1 GiB in all, whatever its declaration allows: the evaluator has that limit too. */
static u64 most_pages(const WasmMemoryData *m)
{
    u64 limit = MEMORY_BYTES_MAX / m->page_bytes;
    return m->has_max && m->max_pages < limit ? m->max_pages : limit;
}

static bool make_memory(PulleyEngine *e, u32 index, u64 bytes)
{
    const WasmMemoryData *m = &e->unity->entities.memories.data[index];
    PulleyMemory type = {m->index_type == TYPE_I64, m->shared};
    InterpMemory *memory = &e->memories[index];
    u64 pages = (bytes + m->page_bytes - 1) / m->page_bytes;
    u64 most = most_pages(m);
    dv_memory_free_malloc(memory);
    if (bytes > MEMORY_BYTES_MAX ||
        !dv_memory_init_malloc(memory, &type, m->page_bytes, pages, most < pages ? pages : most)) {
        return false;
    }
    atomic_store(&memory->length_bytes, (usize)bytes);
    memory->max_pages = most;
    e->has_memory[index] = true;
    return true;
}

static bool make_table(PulleyEngine *e, u32 index, u64 elems)
{
    const WasmTableData *t = &e->unity->entities.tables.data[index];
    PulleyTable type = {.index64 = t->index_type == TYPE_I64};
    u64 most = t->has_max && t->max < TABLE_ELEMS_MAX ? t->max : TABLE_ELEMS_MAX;
    dv_table_free_malloc(&e->tables[index]);
    if (elems > TABLE_ELEMS_MAX ||
        !dv_table_init_malloc(&e->tables[index], &type, (u32)elems, (u32)most)) {
        return false;
    }
    e->has_table[index] = true;
    return true;
}

/* Makes what no setup has made; false if it is too large. */
static bool make_rest(PulleyEngine *e)
{
    const Entities *entities = &e->unity->entities;
    for (u32 i = 0; i < entities->memories.len; i++) {
        const WasmMemoryData *m = &entities->memories.data[i];
        bool fits = !m->present || m->min_pages <= MEMORY_BYTES_MAX / m->page_bytes;
        if (m->present && !e->has_memory[i] &&
            (!fits || !make_memory(e, i, m->min_pages * m->page_bytes))) {
            return false;
        }
    }
    for (u32 i = 0; i < entities->tables.len; i++) {
        const WasmTableData *t = &entities->tables.data[i];
        if (t->present && !e->has_table[i] && !make_table(e, i, t->min)) {
            return false;
        }
    }
    return true;
}

static bool set_memory(Engine *engine, u32 index, u64 bytes)
{
    return make_memory((PulleyEngine *)engine, index, bytes);
}

static u8 *memory(Engine *engine, u32 index, u64 *bytes)
{
    PulleyEngine *e = (PulleyEngine *)engine;
    if (index >= e->unity->entities.memories.len || !e->has_memory[index]) {
        return NULL;
    }
    *bytes = atomic_load(&e->memories[index].length_bytes);
    return e->memories[index].base;
}

static bool set_table(Engine *engine, u32 index, u64 elems)
{
    return make_table((PulleyEngine *)engine, index, elems);
}

static u32 *table(Engine *engine, u32 index, u64 *elems)
{
    PulleyEngine *e = (PulleyEngine *)engine;
    if (index >= e->unity->entities.tables.len || !e->has_table[index]) {
        return NULL;
    }
    *elems = e->tables[index].count;
    return e->tables[index].elems;
}

/* Values and slots. High bits that a parameter does not define are garbage. */
static u32 put_value(u64 *slots, Type type, const u8 *bytes, u8 extension)
{
    u8 wide[16] = {0};
    u32 bits = type_bits(type);
    memcpy(wide, bytes, type_bytes(type));
    slots[0] = load_le64(wide);
    if (bits > 64) {
        slots[1] = load_le64(wide + 8);
        return 2;
    }
    if (bits < 64) {
        u64 high = UINT64_MAX << bits;
        bool is_negative = (slots[0] >> (bits - 1) & 1) != 0;
        slots[0] |= extension == EXT_NONE                  ? GARBAGE & high
                    : extension == EXT_SEXT && is_negative ? high
                                                           : 0;
    }
    return 1;
}

static u32 take_value(const u64 *slots, Type type, Arena *arena, EvalValue *out)
{
    u8 wide[16];
    u32 count = type_bits(type) > 64 ? 2 : 1;
    u8 *bytes = ARENA_ARRAY(arena, u8, type_bytes(type));
    store_le64(wide, slots[0]);
    store_le64(wide + 8, count == 2 ? slots[1] : 0);
    memcpy(bytes, wide, type_bytes(type));
    *out = (EvalValue){type, bytes};
    return count;
}

static bool set_global(Engine *engine, u32 index, EvalValue value)
{
    PulleyEngine *e = (PulleyEngine *)engine;
    if (type_bytes(value.type) <= GLOBAL_BYTES_MAX) { /* else nothing that uses it compiles */
        put_value(e->globals[index], value.type, value.bytes, EXT_UEXT);
    }
    return true;
}

static bool global(Engine *engine, u32 index, EvalValue *value)
{
    PulleyEngine *e = (PulleyEngine *)engine;
    if (index >= e->unity->entities.globals.len ||
        !e->unity->entities.globals.data[index].present) {
        return false;
    }
    Type type = e->unity->entities.globals.data[index].type;
    if (type_bytes(type) > GLOBAL_BYTES_MAX) {
        return false;
    }
    take_value(e->globals[index], type, &e->objects, value);
    return true;
}

/* Segments that no code names are let go. */
static bool set_data(Engine *engine, u32 index, const u8 *bytes, u64 len)
{
    PulleyEngine *e = (PulleyEngine *)engine;
    if (e->instance != NULL && index < e->unity->linked.module.data_count) {
        dv_engine_set_segment(&e->objects, &e->instance->datas[index], bytes, len, 1);
    }
    return true;
}

static bool set_elem(Engine *engine, u32 index, const u32 *refs, u64 len)
{
    PulleyEngine *e = (PulleyEngine *)engine;
    if (e->instance != NULL && index < e->unity->linked.module.elems.len) {
        dv_engine_set_segment(&e->objects, &e->instance->elems[index], refs, len, sizeof *refs);
    }
    return true;
}

static u32 func_ref(Engine *engine, const ClifFunc *f)
{
    PulleyEngine *e = (PulleyEngine *)engine;
    return func_of_file(e, number_of(e, f))->handle;
}

/* ---- calls --------------------------------------------------------------------------------------------------------------- */

static void fail(EngineResult *out, const char *reason, bool is_hole)
{
    out->eval.outcome = EVAL_ERROR;
    out->eval.reason = reason;
    out->is_hole = is_hole;
}

static u64 *put_args(const InterpFunc *func, const Signature *sig, const EvalValue *args,
                     Arena *arena)
{
    u64 *slots =
        ARENA_ARRAY(arena, u64, (func->args > func->results ? func->args : func->results) + 1);
    u32 at = 0;
    for (u32 i = 0; i < sig->num_params; i++) {
        at += put_value(slots + at, args[i].type, args[i].bytes, sig->params[i].extension);
    }
    return slots;
}

static void take_results(const Signature *sig, const u64 *slots, Arena *arena, EvalResult *out)
{
    u32 at = 0;
    out->outcome = EVAL_RETURNED;
    out->num_values = sig->num_results;
    out->values = ARENA_ARRAY(arena, EvalValue, sig->num_results);
    for (u32 i = 0; i < sig->num_results; i++) {
        at += take_value(slots + at, sig->results[i].type, arena, &out->values[i]);
    }
}

static void run(PulleyEngine *e, InterpFunc *func, const Signature *sig, u64 *slots, Arena *arena,
                EngineResult *out)
{
    u64 fuel = UINT64_MAX - 1;
    dv_interp_set_fuel(e->vm, fuel);
    e->base.polls = 0;
    e->base.is_over_budget = false;
    e->reason = NULL;
    if (e->base.options.max_steps != 0) {
        dv_interp_notify(e->vm);
    }
    InterpOutcome outcome = dv_interp_call(e->vm, func, slots);
    out->eval.fuel_used = fuel - dv_interp_fuel(e->vm);
    if (e->base.is_over_budget) {
        out->eval.outcome = EVAL_OUT_OF_STEPS;
    } else if (e->reason != NULL) {
        fail(out, dv_arena_strdup(arena, e->reason, strlen(e->reason)), e->is_hole);
    } else if (outcome == INTERP_RETURNED) {
        take_results(sig, slots, arena, &out->eval);
    } else if (outcome == INTERP_TRAPPED || outcome == INTERP_THREW) {
        out->eval.outcome = EVAL_TRAPPED;
        out->eval.trap =
            outcome == INTERP_THREW ? TRAP_exception : (TrapCode)dv_interp_trap(e->vm)->code;
    } else {
        fail(out, "memory ran out", false);
    }
}

static void call(Engine *engine, const ClifFunc *f, const EvalValue *args, Arena *arena,
                 EngineResult *out)
{
    PulleyEngine *e = (PulleyEngine *)engine;
    const Program *p = e->program;
    u32 number = number_of(e, f);
    *out = (EngineResult){.is_hole = false};
    if (p->errors[number] != NULL) {
        fail(out, p->errors[number], dv_engine_pulley_hole(&f->func) != NULL);
        return;
    }
    if (e->unity == NULL || e->unity->numbers[number] == UINT32_MAX) {
        reset(engine, f);
    }
    if (e->unity->error != NULL) {
        fail(out, e->unity->error, e->unity->is_hole);
        return;
    }
    if (!make_rest(e)) {
        fail(out, "memory limit", false);
        return;
    }
    InterpFunc *func = func_of_file(e, number);
    run(e, func, &f->func.sig, put_args(func, &f->func.sig, args, arena), arena, out);
}

/* ---- engines --------------------------------------------------------------------------------------------------------------- */

static const InterpForm forms[] = {INTERP_SWITCH, INTERP_GOTO, INTERP_TAIL};
static const char *const form_names[] = {"switch dispatch", "goto dispatch", "tail dispatch"};

u32 dv_engine_pulley_count(void)
{
    u32 count = 0;
    for (usize i = 0; i < ARRAY_LEN(forms); i++) {
        count += dv_interp_has_form(forms[i]);
    }
    return count;
}

static void free_engine(Engine *engine)
{
    PulleyEngine *e = (PulleyEngine *)engine;
    free_objects(e);
    dv_interp_free(e->vm);
    if (e->program == &e->own) {
        dv_arena_release(&e->own.memory);
    }
}

Engine *dv_engine_pulley_new(const ClifFile *file, Arena *arena, const EngineOptions *options)
{
    static const EngineOps ops = {free_engine, reset,  set_memory, memory,   set_table, table,
                                  set_global,  global, set_data,   set_elem, func_ref,  call};
    PulleyEngine *e = ARENA_NEW(arena, PulleyEngine);
    u32 at = 0;
    for (u32 left = options->variant; !dv_interp_has_form(forms[at]) || left-- != 0; at++) {
    }
    e->base = (Engine){
        .ops = &ops, .label = form_names[at], .file = file, .arena = arena, .options = *options};
    e->form = forms[at];
    dv_arena_init(&e->objects, arena->pool);
    dv_arena_init(&e->own.memory, arena->pool);
    if (options->like != NULL) {
        e->program = ((const PulleyEngine *)options->like)->program;
    } else {
        e->program = &e->own;
        make_program(&e->own, file, options);
    }
    return &e->base;
}
