/* native_vm.c - the objects of native_vm.h: memories, tables, globals, segments, function records, and the helpers.
 *
 * A static memory is a reservation of which the first bytes can be accessed. What is not static is malloc'd to its length
 * exactly, so that a missing check is found. Functions that name one entity with declarations of different kinds may be in
 * one file, but not in one run: an object is as the function says that the run is of, or else the first that names it. */
#if defined(__x86_64__) && defined(__LP64__) && defined(__unix__)
#define HAS_NATIVE 1
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */
#else
#define HAS_NATIVE 0
#endif

#include "tools/native_vm.h"

#if HAS_NATIVE
#include <stdlib.h>
#include <sys/mman.h>

enum { INDEX_MAX = 1000, SLOT_ALIGN = 16, TABLE_MAX = 10000000, HOST_PAGE = 4096 };
#define MEMORY_MAX ((u64)1 << 30)
#define RESERVED_BYTES (VM_STATIC_RESERVE_BYTES + VM_STATIC_GUARD_BYTES)
#define FUEL ((u64)1 << 62)

/* These four begin as rt/vmctx.def says. */
typedef struct State {
    u64 stack_limit;
    struct Record **funcs;
    u64 fuel;
    u32 num_funcs;
    u32 poll;
} State;

typedef struct Record {
    const u8 *code;
    VmCtx *ctx;
    const u8 *array_call;
    u32 type_id;
} Record;

typedef struct Memory {
    u8 *base;
    u64 length_bytes;
    WasmMemoryData type;
    bool is_made, is_static;
} Memory;

typedef struct Table {
    u32 *elems;
    u32 count;
    WasmTableData type;
    bool is_made;
} Table;

#define VM_FIELD(structure, field, offset, bytes) FIELD_##structure(field, offset)
#define FIELD_state(field, offset) _Static_assert(offsetof(State, field) == (offset), #field);
#define FIELD_func(field, offset) _Static_assert(offsetof(Record, field) == (offset), #field);
#define FIELD_memory(field, offset) _Static_assert(offsetof(Memory, field) == (offset), #field);
#define FIELD_table(field, offset) _Static_assert(offsetof(Table, field) == (offset), #field);
#define FIELD_vmctx(field, offset)
#define FIELD_memory_ref(field, offset)
#define FIELD_import(field, offset)
#include "rt/vmctx.def"

typedef struct Bytes {
    u8 *data;
    u64 len;
} Bytes;

struct NativeVm {
    State state;
    const ClifFile *file;
    const ClifFunc *owner; /* of the run; NULL */
    Arena *arena;
    NativeVmOptions options;
    VmShape shape;
    VmLayout layout;
    u8 *ctx;
    u8 modes[INDEX_MAX]; /* of the function being prepared */
    const u8 *helpers[VM_HELPER_COUNT];
    Record *records; /* by function; one more for those that are not there */
    Memory *memories;
    Table *tables;
    u8 *global_slots;
    VEC(WasmTypeData) types; /* by canonical id */
    VEC(Bytes) datas;
    VEC(Bytes) elems;
};

static NativeVm *vm_of(VmCtx *ctx)
{
    NativeVm *vm;
    memcpy(&vm, (u8 *)(void *)ctx + VM_vmctx_instance, sizeof vm);
    return vm;
}

static void put_pointer(NativeVm *vm, u64 offset, const void *pointer)
{
    memcpy(vm->ctx + offset, &pointer, sizeof pointer);
}

/* ---- types ------------------------------------------------------------------------------------------------- */

static bool types_equal(const WasmTypeData *a, const WasmTypeData *b)
{
    return a->has_index == b->has_index && a->index == b->index && a->num_params == b->num_params &&
           a->num_results == b->num_results &&
           (a->num_params == 0 || memcmp(a->params, b->params, a->num_params) == 0) &&
           (a->num_results == 0 || memcmp(a->results, b->results, a->num_results) == 0);
}

static u32 canonical_type(NativeVm *vm, const WasmTypeData *type)
{
    for (u32 i = 0; i < vm->types.len; i++) {
        if (types_equal(&vm->types.data[i], type)) {
            return i;
        }
    }
    vec_push(vm->arena, &vm->types, *type);
    return vm->types.len - 1;
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

/* ---- functions --------------------------------------------------------------------------------------------- */

/* The last of that name; their number if there is none. */
static u32 find_func(const NativeVm *vm, const ExtName *name)
{
    u32 i = vm->file->funcs.len;
    while (i-- > 0) {
        if (dv_extname_equal(&vm->file->funcs.data[i]->func.name, name)) {
            return i;
        }
    }
    return vm->file->funcs.len;
}

/* Of the first entity that names it, else of its signature. */
static void find_types(NativeVm *vm)
{
    u32 count = vm->file->funcs.len;
    for (u32 i = 0; i < count; i++) {
        vm->records[i].type_id = UINT32_MAX;
    }
    for (u32 i = 0; i < count; i++) {
        const Func *f = &vm->file->funcs.data[i]->func;
        for (u32 n = 0; n < f->wasm_funcs.len; n++) {
            const WasmFuncData *entity = &f->wasm_funcs.data[n];
            u32 func = entity->present && entity->has_name ? find_func(vm, &entity->name) : count;
            if (func < count && vm->records[func].type_id == UINT32_MAX) {
                vm->records[func].type_id =
                    canonical_type(vm, &f->wasm_types.data[entity->type.id]);
            }
        }
    }
    for (u32 i = 0; i < count; i++) {
        const Signature *sig = &vm->file->funcs.data[i]->func.sig;
        WasmTypeData type = {.num_params = sig->num_params,
                             .num_results = sig->num_results,
                             .params = value_types(vm->arena, sig->params, sig->num_params),
                             .results = value_types(vm->arena, sig->results, sig->num_results)};
        bool is_wasm = type.params != NULL && type.results != NULL;
        if (vm->records[i].type_id == UINT32_MAX && is_wasm) {
            vm->records[i].type_id = canonical_type(vm, &type);
        }
    }
    for (u32 i = 0; i < count; i++) {
        const Func *f = &vm->file->funcs.data[i]->func;
        for (u32 n = 0; n < f->wasm_types.len; n++) {
            if (f->wasm_types.data[n].present) {
                canonical_type(vm, &f->wasm_types.data[n]);
            }
        }
    }
}

void dv_native_vm_set_code(NativeVm *vm, u32 func, const u8 *code)
{
    u64 import = vm->layout.imports + (u64)func * VM_IMPORT_BYTES;
    vm->records[func].code = code;
    vm->records[func].ctx = (VmCtx *)(void *)vm->ctx;
    put_pointer(vm, import + VM_import_code, code);
    put_pointer(vm, import + VM_import_ctx, vm->ctx);
}

VmCtx *dv_native_vm_ctx(NativeVm *vm)
{
    return (VmCtx *)(void *)vm->ctx;
}

u32 dv_native_vm_func_ref(NativeVm *vm, const ClifFunc *f)
{
    u32 func = find_func(vm, &f->func.name);
    return func == vm->file->funcs.len ? 0 : func + 1;
}

/* ---- memories ---------------------------------------------------------------------------------------------- */

static bool can_be_static(const NativeVm *vm, const WasmMemoryData *type)
{
    return vm->options.is_static && type->index_type == TYPE_I32 &&
           type->page_bytes >= VM_STATIC_PAGE_MIN;
}

static void free_memory(Memory *m)
{
    if (m->is_made && m->is_static) {
        munmap(m->base, (usize)RESERVED_BYTES);
    } else {
        free(m->base);
    }
    *m = (Memory){.is_made = false};
}

/* Opens the bytes up to length, all of which are zero. */
static bool resize_static(Memory *m, u64 length)
{
    u64 end = (length + HOST_PAGE - 1) & ~(u64)(HOST_PAGE - 1);
    return length == 0 || mprotect(m->base, (usize)end, PROT_READ | PROT_WRITE) == 0;
}

static bool resize_dynamic(Memory *m, u64 length)
{
    u8 *base = realloc(m->base, (usize)length + (length == 0));
    if (base == NULL) {
        return false;
    }
    memset(base + m->length_bytes, 0, (usize)(length - m->length_bytes));
    m->base = base;
    return true;
}

static bool resize(Memory *m, u64 length)
{
    bool ok = length <= MEMORY_MAX &&
              (m->is_static ? resize_static(m, length) : resize_dynamic(m, length));
    m->length_bytes = ok ? length : m->length_bytes;
    return ok;
}

static const WasmMemoryData *find_memory(const Func *f, u32 index)
{
    for (u32 i = 0; i < f->memories.len; i++) {
        if (f->memories.data[i].present && f->memories.data[i].index == index) {
            return &f->memories.data[i];
        }
    }
    return NULL;
}

static bool make_memory(NativeVm *vm, const WasmMemoryData *type, u64 bytes)
{
    Memory *m = &vm->memories[type->index];
    u64 ref = vm->layout.memories + (u64)type->index * VM_MEMORY_REF_BYTES;
    free_memory(m);
    *m = (Memory){.type = *type, .is_static = can_be_static(vm, type)};
    if (m->is_static) {
        void *base = mmap(NULL, (usize)RESERVED_BYTES, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED) {
            return false;
        }
        m->base = base;
    }
    m->is_made = true;
    put_pointer(vm, ref + VM_memory_ref_base, m->base);
    put_pointer(vm, ref + VM_memory_ref_memory, m);
    return resize(m, bytes);
}

/* As the run's function has it, else the first that names it. */
static const WasmMemoryData *memory_type(const NativeVm *vm, u32 index)
{
    const WasmMemoryData *type = vm->owner == NULL ? NULL : find_memory(&vm->owner->func, index);
    for (u32 i = 0; type == NULL && i < vm->file->funcs.len; i++) {
        type = find_memory(&vm->file->funcs.data[i]->func, index);
    }
    return type;
}

bool dv_native_vm_set_memory(NativeVm *vm, u32 index, u64 bytes)
{
    const WasmMemoryData *type = memory_type(vm, index);
    return type != NULL && make_memory(vm, type, bytes);
}

u8 *dv_native_vm_memory(NativeVm *vm, u32 index, u64 *bytes)
{
    if (index >= vm->shape.num_memories || !vm->memories[index].is_made) {
        return NULL;
    }
    *bytes = vm->memories[index].length_bytes;
    return vm->memories[index].base;
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

static bool grow_table(Table *t, u64 count)
{
    u32 *elems = count > TABLE_MAX ? NULL : realloc(t->elems, ((usize)count + 1) * sizeof *elems);
    if (elems == NULL) {
        return false;
    }
    memset(elems + t->count, 0, (usize)(count - t->count) * sizeof *elems);
    t->elems = elems;
    t->count = (u32)count;
    return true;
}

static void free_table(Table *t)
{
    free(t->elems);
    *t = (Table){.is_made = false};
}

static const WasmTableData *find_table(const Func *f, u32 index)
{
    for (u32 i = 0; i < f->tables.len; i++) {
        if (f->tables.data[i].present && f->tables.data[i].index == index) {
            return &f->tables.data[i];
        }
    }
    return NULL;
}

static bool make_table(NativeVm *vm, const WasmTableData *type, u64 count)
{
    Table *t = &vm->tables[type->index];
    free_table(t);
    t->type = *type;
    t->is_made = true;
    put_pointer(vm, vm->layout.tables + (u64)type->index * VM_PTR, t);
    return grow_table(t, count);
}

static const WasmTableData *table_type(const NativeVm *vm, u32 index)
{
    const WasmTableData *type = vm->owner == NULL ? NULL : find_table(&vm->owner->func, index);
    for (u32 i = 0; type == NULL && i < vm->file->funcs.len; i++) {
        type = find_table(&vm->file->funcs.data[i]->func, index);
    }
    return type;
}

bool dv_native_vm_set_table(NativeVm *vm, u32 index, u64 elems)
{
    const WasmTableData *type = table_type(vm, index);
    return type != NULL && make_table(vm, type, elems);
}

u32 *dv_native_vm_table(NativeVm *vm, u32 index, u64 *elems)
{
    if (index >= vm->shape.num_tables || !vm->tables[index].is_made) {
        return NULL;
    }
    *elems = vm->tables[index].count;
    return vm->tables[index].elems;
}

/* ---- globals, segments ------------------------------------------------------------------------------------- */

static u8 *global_slots(NativeVm *vm, u32 index)
{
    return vm->options.own_globals ? vm->ctx + vm->layout.globals + (usize)index * VM_GLOBAL_BYTES
                                   : vm->global_slots + (usize)index * VM_GLOBAL_BYTES;
}

static u32 num_globals(const NativeVm *vm)
{
    return vm->shape.num_globals + vm->shape.num_imported_globals;
}

static const WasmGlobalData *find_global(const Func *f, u32 index)
{
    for (u32 i = 0; i < f->globals.len; i++) {
        if (f->globals.data[i].present && f->globals.data[i].index == index) {
            return &f->globals.data[i];
        }
    }
    return NULL;
}

/* NULL if it is not declared, or no global could have the type. */
static const WasmGlobalData *global_type(const NativeVm *vm, u32 index)
{
    const WasmGlobalData *type = vm->owner == NULL ? NULL : find_global(&vm->owner->func, index);
    for (u32 i = 0; type == NULL && i < vm->file->funcs.len; i++) {
        type = find_global(&vm->file->funcs.data[i]->func, index);
    }
    bool fits =
        type != NULL && index < num_globals(vm) && type_bytes(type->type) <= VM_GLOBAL_BYTES;
    return fits ? type : NULL;
}

bool dv_native_vm_set_global(NativeVm *vm, u32 index, EvalValue value)
{
    const WasmGlobalData *type = global_type(vm, index);
    if (type == NULL || type->type != value.type) {
        return false;
    }
    memcpy(global_slots(vm, index), value.bytes, type_bytes(value.type));
    return true;
}

bool dv_native_vm_global(NativeVm *vm, u32 index, EvalValue *value)
{
    const WasmGlobalData *type = global_type(vm, index);
    if (type == NULL) {
        return false;
    }
    *value = (EvalValue){type->type, global_slots(vm, index)};
    return true;
}

static void set_segment(NativeVm *vm, Bytes *segment, const void *bytes, u64 len)
{
    segment->data = ARENA_ARRAY(vm->arena, u8, (usize)len + 1);
    segment->len = len;
    if (len != 0) {
        memcpy(segment->data, bytes, (usize)len);
    }
}

bool dv_native_vm_set_data(NativeVm *vm, u32 index, const u8 *bytes, u64 len)
{
    if (index >= INDEX_MAX) {
        return false;
    }
    set_segment(vm, &vm->datas.data[index], bytes, len);
    return true;
}

bool dv_native_vm_set_elem(NativeVm *vm, u32 index, const u32 *refs, u64 len)
{
    if (index >= INDEX_MAX || len > TABLE_MAX) {
        return false;
    }
    set_segment(vm, &vm->elems.data[index], refs, len * sizeof *refs);
    return true;
}

/* ---- helpers ----------------------------------------------------------------------------------------------- */

static void check_range(const NativeVm *vm, u64 start, u64 count, u64 len, TrapCode trap)
{
    if (start > len || count > len - start) {
        vm->options.stop(trap, NULL);
    }
}

static Bytes *segment_of(VmCtx *ctx, bool is_data, u32 index)
{
    NativeVm *vm = vm_of(ctx);
    if (index >= INDEX_MAX) {
        vm->options.stop(TRAP_none, "a segment with so great an index");
    }
    return is_data ? &vm->datas.data[index] : &vm->elems.data[index];
}

static u64 memory_grow(VmCtx *ctx, u32 memory, u64 pages)
{
    Memory *m = &vm_of(ctx)->memories[memory];
    u64 old = m->length_bytes / m->type.page_bytes;
    u64 limit = (m->type.index_type == TYPE_I32 ? (u64)1 << 32 : MEMORY_MAX) / m->type.page_bytes;
    limit = m->type.index_type == TYPE_I32 && limit > UINT32_MAX ? UINT32_MAX : limit;
    u64 max = m->type.has_max && m->type.max_pages < limit ? m->type.max_pages : limit;
    bool may = old <= max && pages <= max - old;
    return may && resize(m, (old + pages) * m->type.page_bytes) ? old : UINT64_MAX;
}

static void memory_fill(VmCtx *ctx, u32 memory, u64 address, u32 byte, u64 length)
{
    Memory *m = &vm_of(ctx)->memories[memory];
    check_range(vm_of(ctx), address, length, m->length_bytes, TRAP_heap_oob);
    memset(m->base + address, (u8)byte, (usize)length);
}

static void memory_copy(VmCtx *ctx, u32 to, u32 from, u64 to_address, u64 from_address, u64 length)
{
    Memory *t = &vm_of(ctx)->memories[to], *f = &vm_of(ctx)->memories[from];
    check_range(vm_of(ctx), to_address, length, t->length_bytes, TRAP_heap_oob);
    check_range(vm_of(ctx), from_address, length, f->length_bytes, TRAP_heap_oob);
    memmove(t->base + to_address, f->base + from_address, (usize)length);
}

static void memory_init(VmCtx *ctx, u32 memory, u32 data, u64 address, u32 start, u32 length)
{
    Memory *m = &vm_of(ctx)->memories[memory];
    const Bytes *from = segment_of(ctx, true, data);
    check_range(vm_of(ctx), address, length, m->length_bytes, TRAP_heap_oob);
    check_range(vm_of(ctx), start, length, from->len, TRAP_heap_oob);
    if (length != 0) {
        memcpy(m->base + address, from->data + start, length);
    }
}

static void data_drop(VmCtx *ctx, u32 data)
{
    segment_of(ctx, true, data)->len = 0;
}

static void set_elems(Table *t, u64 start, u64 count, u32 ref)
{
    for (u64 i = 0; i < count; i++) {
        t->elems[start + i] = ref;
    }
}

static u64 table_grow(VmCtx *ctx, u32 table, u32 ref, u64 count)
{
    Table *t = &vm_of(ctx)->tables[table];
    u64 old = t->count, max = t->type.has_max && t->type.max < TABLE_MAX ? t->type.max : TABLE_MAX;
    if (old > max || count > max - old || !grow_table(t, old + count)) {
        return UINT64_MAX;
    }
    set_elems(t, old, count, ref);
    return old;
}

static void table_fill(VmCtx *ctx, u32 table, u64 index, u32 ref, u64 length)
{
    Table *t = &vm_of(ctx)->tables[table];
    check_range(vm_of(ctx), index, length, t->count, TRAP_table_oob);
    set_elems(t, index, length, ref);
}

static void table_copy(VmCtx *ctx, u32 to, u32 from, u64 to_index, u64 from_index, u64 length)
{
    Table *t = &vm_of(ctx)->tables[to], *f = &vm_of(ctx)->tables[from];
    check_range(vm_of(ctx), to_index, length, t->count, TRAP_table_oob);
    check_range(vm_of(ctx), from_index, length, f->count, TRAP_table_oob);
    memmove(t->elems + to_index, f->elems + from_index, (usize)length * sizeof *t->elems);
}

static void table_init(VmCtx *ctx, u32 table, u32 elem, u64 index, u32 start, u32 length)
{
    Table *t = &vm_of(ctx)->tables[table];
    const Bytes *from = segment_of(ctx, false, elem);
    check_range(vm_of(ctx), index, length, t->count, TRAP_table_oob);
    check_range(vm_of(ctx), start, length, from->len / sizeof *t->elems, TRAP_table_oob);
    if (length != 0) {
        usize size = sizeof *t->elems;
        memcpy(t->elems + index, from->data + start * size, length * size);
    }
}

static void elem_drop(VmCtx *ctx, u32 elem)
{
    segment_of(ctx, false, elem)->len = 0;
}

static u32 ref_func(VmCtx *ctx, u32 func)
{
    (void)ctx;
    return func + 1;
}

static u32 wait(VmCtx *ctx, const void *expected, const u8 *at, usize size, u64 timeout)
{
    bool is_equal = memcmp(at, expected, size) == 0;
    if (is_equal && timeout >> 63 != 0) {
        vm_of(ctx)->options.stop(TRAP_none, "waits for ever");
    }
    return is_equal ? 2 : 1;
}

static u32 wait32(VmCtx *ctx, u32 memory, u64 address, u64 expected, u64 timeout)
{
    u32 x = (u32)expected;
    return wait(ctx, &x, vm_of(ctx)->memories[memory].base + address, sizeof x, timeout);
}

static u32 wait64(VmCtx *ctx, u32 memory, u64 address, u64 expected, u64 timeout)
{
    return wait(ctx, &expected, vm_of(ctx)->memories[memory].base + address, 8, timeout);
}

static u32 notify(VmCtx *ctx, u32 memory, u64 address, u32 count)
{
    (void)ctx, (void)memory, (void)address, (void)count;
    return 0;
}

static void fuel_out(VmCtx *ctx, u64 amount)
{
    (void)amount;
    vm_of(ctx)->options.stop(TRAP_out_of_fuel, NULL);
}

static void poll(VmCtx *ctx)
{
    vm_of(ctx)->options.stop(TRAP_interrupt, NULL);
}

static void trap_null_elem(VmCtx *ctx, u64 index)
{
    (void)index;
    vm_of(ctx)->options.stop(TRAP_null_elem, NULL);
}

static void throw(VmCtx * ctx, u32 tag, u64 payload)
{
    (void)tag, (void)payload;
    vm_of(ctx)->options.stop(TRAP_exception, NULL);
}

static void throw_ref(VmCtx *ctx, u32 ref)
{
    (void)ref;
    vm_of(ctx)->options.stop(TRAP_exception, NULL);
}

static void fill_helpers(NativeVm *vm)
{
#define HELPER(name, result, params) \
    { \
        result(*helper) params = name; \
        memcpy(&vm->helpers[VM_HELPER_##name], &helper, sizeof helper); \
    }
#include "rt/vm_helpers.def"
}

/* ---- life -------------------------------------------------------------------------------------------------- */

static void at_least(u32 *count, bool present, u32 index)
{
    *count = present && *count <= index && index < UINT32_MAX ? index + 1 : *count;
}

/* How many of each there are; none if there are too many. */
static void find_shape(NativeVm *vm)
{
    u32 memories = 0, tables = 0, globals = 0;
    for (u32 i = 0; i < vm->file->funcs.len; i++) {
        const Func *f = &vm->file->funcs.data[i]->func;
        for (u32 n = 0; n < f->memories.len; n++) {
            at_least(&memories, f->memories.data[n].present, f->memories.data[n].index);
        }
        for (u32 n = 0; n < f->tables.len; n++) {
            at_least(&tables, f->tables.data[n].present, f->tables.data[n].index);
        }
        for (u32 n = 0; n < f->globals.len; n++) {
            at_least(&globals, f->globals.data[n].present, f->globals.data[n].index);
        }
    }
    if (memories > INDEX_MAX || tables > INDEX_MAX || globals > INDEX_MAX) {
        memories = tables = globals = 0;
    }
    vm->shape = (VmShape){.num_imports = vm->file->funcs.len + 1,
                          .num_memories = memories,
                          .num_tables = tables,
                          .num_types = vm->types.len};
    *(vm->options.own_globals ? &vm->shape.num_globals : &vm->shape.num_imported_globals) = globals;
}

static void fill_ctx(NativeVm *vm)
{
    dv_vmctx_layout(&vm->shape, &vm->layout);
    vm->ctx = dv_arena_array(vm->arena, (usize)vm->layout.size_bytes, 1, SLOT_ALIGN);
    put_pointer(vm, VM_vmctx_state, &vm->state);
    put_pointer(vm, VM_vmctx_helpers, vm->helpers);
    put_pointer(vm, VM_vmctx_instance, vm);
    for (u32 i = 0; i < vm->shape.num_imported_globals; i++) {
        put_pointer(vm, vm->layout.imported_globals + (u64)i * VM_PTR, global_slots(vm, i));
    }
    for (u32 i = 0; i < vm->shape.num_types; i++) {
        memcpy(vm->ctx + vm->layout.types + (usize)i * 4, &i, sizeof i);
    }
}

NativeVm *dv_native_vm_new(const ClifFile *file, Arena *arena, const NativeVmOptions *options)
{
    NativeVm *vm = ARENA_NEW(arena, NativeVm);
    u32 count = file->funcs.len;
    vm->file = file;
    vm->arena = arena;
    vm->options = *options;
    vm->records = ARENA_ARRAY(arena, Record, count + 1);
    find_types(vm);
    find_shape(vm);
    vm->memories = ARENA_ARRAY(arena, Memory, vm->shape.num_memories + 1);
    vm->tables = ARENA_ARRAY(arena, Table, vm->shape.num_tables + 1);
    vm->global_slots =
        dv_arena_array(arena, (usize)num_globals(vm) + 1, VM_GLOBAL_BYTES, SLOT_ALIGN);
    vec_extend(arena, &vm->datas, INDEX_MAX);
    vec_extend(arena, &vm->elems, INDEX_MAX);
    fill_ctx(vm);
    fill_helpers(vm);
    vm->state.num_funcs = count + 1;
    vm->state.funcs = ARENA_ARRAY(arena, Record *, count + 1);
    for (u32 i = 0; i < count; i++) {
        vm->state.funcs[i + 1] = &vm->records[i];
    }
    return vm;
}

void dv_native_vm_reset(NativeVm *vm, const ClifFunc *owner)
{
    for (u32 i = 0; i < vm->shape.num_memories; i++) {
        free_memory(&vm->memories[i]);
    }
    for (u32 i = 0; i < vm->shape.num_tables; i++) {
        free_table(&vm->tables[i]);
    }
    for (u32 i = 0; i < num_globals(vm); i++) {
        memset(global_slots(vm, i), 0, VM_GLOBAL_BYTES);
    }
    memset(vm->datas.data, 0, vm->datas.len * sizeof *vm->datas.data);
    memset(vm->elems.data, 0, vm->elems.len * sizeof *vm->elems.data);
    vm->owner = owner;
}

void dv_native_vm_free(NativeVm *vm)
{
    dv_native_vm_reset(vm, NULL);
}

bool dv_native_vm_enter(NativeVm *vm, const ClifFunc *f)
{
    vm->state.fuel = FUEL;
    vm->owner = vm->owner == NULL ? f : vm->owner;
    for (u32 i = 0; i < vm->shape.num_memories; i++) {
        const WasmMemoryData *m = memory_type(vm, i);
        bool is_missing = !vm->memories[i].is_made && m != NULL;
        if (is_missing && (m->min_pages > MEMORY_MAX / m->page_bytes ||
                           !make_memory(vm, m, m->min_pages * m->page_bytes))) {
            return false;
        }
    }
    for (u32 i = 0; i < vm->shape.num_tables; i++) {
        const WasmTableData *t = table_type(vm, i);
        if (!vm->tables[i].is_made && t != NULL && !make_table(vm, t, t->min)) {
            return false;
        }
    }
    return true;
}

u64 dv_native_vm_fuel_used(const NativeVm *vm)
{
    return FUEL - vm->state.fuel;
}

void dv_native_vm_prepare(NativeVm *vm, Func *copy, VmOptions *out)
{
    for (u32 n = 0; n < copy->wasm_types.len; n++) {
        WasmTypeData *type = &copy->wasm_types.data[n];
        u32 id = type->present ? canonical_type(vm, type) : 0;
        type->has_index = true;
        type->index = id;
    }
    for (u32 n = 0; n < copy->wasm_funcs.len; n++) {
        WasmFuncData *func = &copy->wasm_funcs.data[n];
        u32 number = find_func(vm, &func->name);
        func->name = (ExtName){.kind = NAME_USER, .space = NATIVE_VM_NAMES, .index = number};
        func->import = func->import || number == vm->file->funcs.len;
    }
    for (u32 n = 0; n < copy->globals.len; n++) {
        copy->globals.data[n].import = !vm->options.own_globals;
    }
    memset(vm->modes, VM_MEMORY_DYNAMIC, sizeof vm->modes);
    for (u32 n = 0; n < copy->memories.len; n++) {
        const WasmMemoryData *m = &copy->memories.data[n];
        if (m->present && m->index < INDEX_MAX && can_be_static(vm, m)) {
            vm->modes[m->index] = VM_MEMORY_STATIC;
        }
    }
    *out = (VmOptions){.shape = vm->shape, .memory_modes = vm->modes, .polls = true};
}

#endif
