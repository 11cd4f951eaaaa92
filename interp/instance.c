/* instance.c - instances, and the functions that references and raw addresses name. */
#include "interp/engine.h"
#include "interp/groups.h"

u32 dv_interp_type_id(PulleyType type)
{
    return type.args << 16 | type.results;
}

/* ---- functions ---- */

/* Room for twice as many. */
static bool grow_funcs(Interp *vm)
{
    bool is_first = vm->funcs == vm->no_funcs;
    u32 old = vm->func_mask + 1;
    u32 new = is_first ? FUNC_CHUNK : old * 2;
    InterpFunc **grown = dv_interp_alloc(vm, new * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    memcpy(grown, vm->funcs, old * sizeof *grown);
    for (u32 i = old; i < new; i++) {
        grown[i] = &vm->no_func;
    }
    if (!is_first) {
        dv_interp_release(vm, vm->funcs, old * sizeof *grown);
    }
    vm->funcs = grown;
    vm->func_mask = new - 1;
    return true;
}

/* A new function with a handle; NULL if there is no memory. */
static InterpFunc *new_func(Interp *vm)
{
    u32 handle = vm->num_funcs;
    u32 place = (handle - 1) % FUNC_CHUNK;
    if (handle > vm->config.max_funcs) {
        return NULL;
    }
    if (handle > vm->func_mask && !grow_funcs(vm)) {
        return NULL;
    }
    if (place == 0) {
        InterpFuncChunk *chunk = dv_interp_alloc(vm, sizeof *chunk);
        if (chunk == NULL) {
            return NULL;
        }
        chunk->next = vm->chunks;
        vm->chunks = chunk;
    }
    InterpFunc *func = &vm->chunks->funcs[place];
    func->handle = handle;
    vm->funcs[handle] = func;
    vm->num_funcs++;
    return func;
}

InterpFunc *dv_interp_func(const Interp *vm, u32 handle)
{
    return (InterpFunc *)(uintptr_t)func_of_handle(vm, handle);
}

InterpFunc *dv_interp_host_func(Interp *vm, InterpHostFn *host, void *context, PulleyType type,
                                u32 type_id)
{
    InterpFunc *func = new_func(vm);
    if (func != NULL) {
        func->type_id = type_id;
        func->args = type.args;
        func->results = type.results;
        func->host = host;
        func->context = context;
        if (vm->adapt != NULL) {
            vm->adapt(vm, func);
        }
    }
    return func;
}

InterpFunc *dv_instance_func(InterpInstance *instance, u32 entity)
{
    const PulleyModule *module = instance->module;
    u32 imports = module->imports.len;
    if (entity < imports) {
        return instance->imports[entity];
    }
    u32 number = entity - imports;
    CHECK(number < module->funcs.len);
    if (instance->funcs[number] == NULL) {
        InterpFunc *func = new_func(instance->vm);
        if (func == NULL) {
            return NULL;
        }
        u32 type = module->funcs.data[number].type;
        func->func = number;
        func->type_id = instance->type_ids[type];
        func->args = module->types.data[type].args;
        func->results = module->types.data[type].results;
        if (instance->bind != NULL) {
            instance->bind(instance, number, func);
        } else {
            func->instance = instance;
        }
        if (instance->bind == NULL && instance->vm->adapt != NULL) {
            instance->vm->adapt(instance->vm, func);
        }
        instance->funcs[number] = func;
    }
    return instance->funcs[number];
}

/* ---- instances ---- */

static bool refuse(TextBuf *why, const char *reason)
{
    if (why != NULL) {
        dv_text_str(why, reason);
    }
    return false;
}

/* A module that does not say what it uses may use all that its profile allows. */
static u32 groups_of(const PulleyModule *module)
{
    const u32 raw = 1u << PGROUP_RAW | 1u << PGROUP_RAW_ATOMIC;
    const u32 all = (1u << PULLEY_GROUP_COUNT) - 1;
    u32 groups = module->groups != 0 ? module->groups : all;
    return module->profile == PULLEY_SANDBOXED ? groups & ~raw : groups;
}

bool dv_interp_can_run(const Interp *vm, const PulleyModule *module, TextBuf *why)
{
    const u8 width = sizeof(void *) == 8 ? PULLEY_RAW64 : PULLEY_RAW32;
    u32 missing = groups_of(module) & ~(u32)INTERP_GROUPS;
    if (module->profile != PULLEY_SANDBOXED && module->profile != width) {
        return refuse(why, "the code is for hosts with addresses of another width");
    }
    if (module->big != dv_host_is_big()) {
        return refuse(why, "the code is in the other byte order");
    }
    if (vm->config.metered && !module->metered) {
        return refuse(why, "the code is not metered");
    }
    if (missing != 0) {
        refuse(why, "the code may use operations of group ");
        refuse(why, dv_pulley_group_names[dv_ctz32(missing)]);
        return refuse(why, ", which this build does not have");
    }
    return true;
}

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

/* Lays the instance and its arrays out. Counts are bounded by the module that lies in memory. */
static void lay_out(Carver *carver, const PulleyModule *module, u32 counted_words,
                    InterpInstance *to)
{
    (void)carve(carver, 1, sizeof *to);
    to->memories = carve(carver, module->memories.len, sizeof to->memories[0]);
    to->tables = carve(carver, module->tables.len, sizeof to->tables[0]);
    to->globals = carve(carver, module->globals.len, sizeof to->globals[0]);
    to->imports = carve(carver, module->imports.len, sizeof to->imports[0]);
    to->tags = carve(carver, module->tags.len, sizeof to->tags[0]);
    to->datas = carve(carver, module->data_count, sizeof to->datas[0]);
    to->elems = carve(carver, module->elems.len, sizeof to->elems[0]);
    to->symbols = carve(carver, module->symbol_count, sizeof to->symbols[0]);
    to->type_ids = carve(carver, module->types.len, sizeof to->type_ids[0]);
    to->funcs = carve(carver, module->funcs.len, sizeof to->funcs[0]);
    to->entries = carve(carver, module->funcs.len, sizeof to->entries[0]);
    to->word_counts = carve(carver, counted_words, sizeof to->word_counts[0]);
}

davit_status_t dv_instance_new(Interp *vm, const PulleyModule *module, InterpInstance **out)
{
    InterpInstance layout = {0};
    Carver carver = {0};
    if (!dv_interp_can_run(vm, module, NULL)) {
        return DAVIT_ERROR_UNSUPPORTED;
    }
    u32 counted_words = vm->config.form == INTERP_PROFILE ? module->code_size_bytes / 4 : 0;
    lay_out(&carver, module, counted_words, &layout);
    usize size = carver.used;
    InterpInstance *instance = dv_interp_alloc(vm, size);
    if (instance == NULL) {
        return DAVIT_ERROR_MEMORY;
    }
    carver = (Carver){.block = (u8 *)instance};
    lay_out(&carver, module, counted_words, instance);
    instance->vm = vm;
    instance->module = module;
    instance->size_bytes = size;
    instance->next = vm->instances;
    vm->instances = instance;
    for (u32 i = 0; i < module->types.len; i++) {
        instance->type_ids[i] = dv_interp_type_id(module->types.data[i]);
    }
    for (u32 i = 0; i < module->funcs.len; i++) {
        instance->entries[i] = module->code + module->funcs.data[i].code;
    }
    *out = instance;
    return DAVIT_OK;
}
