/* declare.c - the preamble by calls: names, signatures, memory flags, slots, global values,
 * runtime entities.
 *
 * Each davit_declare_ function appends to one array of the function and gives the index. Checked
 * is what later code relies on without looking (types, indices, enumerations); what is merely
 * wrong is left to the verifier.
 */
#include "codegen/ir/builder.h"

#define SAME(a, b) _Static_assert((int)(a) == (int)(b), #a " and " #b " differ")
SAME(DAVIT_I8, TYPE_I8);
SAME(DAVIT_I128, TYPE_I128);
SAME(DAVIT_F128, TYPE_F128);
SAME(DAVIT_I8X16, TYPE_I8X16);
SAME(DAVIT_F16X8, TYPE_F16X8);
SAME(DAVIT_F64X2, TYPE_F64X2);
SAME(DAVIT_MEM_ALIGNED, FLAG_ALIGNED);
SAME(DAVIT_MEM_READONLY, FLAG_READONLY);
SAME(DAVIT_MEM_LITTLE, FLAG_LITTLE);
SAME(DAVIT_MEM_BIG, FLAG_BIG);
SAME(DAVIT_MEM_CAN_MOVE, FLAG_CAN_MOVE);
SAME(DAVIT_EXT_SEXT, EXT_SEXT);
SAME(DAVIT_PURPOSE_VMCTX, PURPOSE_VMCTX);
SAME(DAVIT_HANDLER_DEFAULT, HANDLER_DEFAULT);
SAME(DAVIT_HANDLER_CONTEXT, HANDLER_CONTEXT);

enum { FLAGS_KNOWN = 0x3fff };

/* ---- names ---- */

/* A decimal number of 32 bits up to `end`; false if that is not what stands there. */
static bool read_u32(const char *text, const char *end, u32 *out)
{
    u64 x = 0;
    if (text == end || end - text > 10) {
        return false;
    }
    for (; text != end; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        x = x * 10 + (u64)(*text - '0');
    }
    *out = (u32)x;
    return x <= UINT32_MAX;
}

bool dv_extname_read(Arena *arena, const char *text, ExtName *name)
{
    usize length = strlen(text);
    *name = (ExtName){0};
    if (text[0] == '%' && length > 1 && length <= UINT32_MAX) {
        name->libcall = dv_libcall_find(text + 1, length - 1);
        name->kind = name->libcall != LIBCALL_COUNT ? NAME_LIBCALL : NAME_TEST;
        if (name->kind == NAME_TEST) {
            name->libcall = (LibCall)0;
            name->text.data = dv_arena_strdup(arena, text + 1, length - 1);
            name->text.len = (u32)(length - 1);
        }
        return true;
    }
    const char *colon = strchr(text, ':');
    name->kind = NAME_USER;
    return text[0] == 'u' && colon != NULL && read_u32(text + 1, colon, &name->space) &&
           read_u32(colon + 1, text + length, &name->index);
}

static bool read_name(Builder *b, const char *text, ExtName *name)
{
    if (text == NULL || !dv_extname_read(b->f->arena, text, name)) {
        dv_builder_fail(b, "a name is spelled %%name or u0:1");
    }
    return dv_builder_ok(b);
}

/* ---- signatures ---- */

static Param *copy_params(Builder *b, const davit_param_t *from, usize count, const char *what)
{
    if (count > UINT32_MAX / 2) {
        dv_builder_fail(b, "the signature has too many %ss", what);
        return NULL;
    }
    Param *params = ARENA_ARRAY(b->f->arena, Param, count);
    for (usize i = 0; i < count; i++) {
        if (!dv_type_is_valid(from[i].type)) {
            dv_builder_fail(b, "%s %u of the signature has no valid type", what, (unsigned)i);
            return NULL;
        }
        if (from[i].extension > EXT_SEXT || from[i].purpose > PURPOSE_VMCTX) {
            dv_builder_fail(b, "%s %u of the signature has no valid extension or purpose", what,
                            (unsigned)i);
            return NULL;
        }
        params[i] = (Param){from[i].type, from[i].extension, from[i].purpose, from[i].sarg_bytes};
    }
    return params;
}

bool dv_builder_signature(Builder *b, const davit_signature_t *sig, Signature *out)
{
    *out = (Signature){.present = true};
    if (sig == NULL || sig->conv >= CC_COUNT) {
        dv_builder_fail(b, sig == NULL ? "no signature was given"
                                       : "there is no such calling convention");
        return false;
    }
    out->conv = (CallConv)sig->conv;
    out->num_params = (u32)sig->num_params;
    out->num_results = (u32)sig->num_results;
    out->params = copy_params(b, sig->params, sig->num_params, "parameter");
    if (dv_builder_ok(b)) {
        out->results = copy_params(b, sig->results, sig->num_results, "result");
    }
    return dv_builder_ok(b);
}

void dv_builder_start(Builder *b, const char *name, const davit_signature_t *sig)
{
    Signature signature;
    if (read_name(b, name, &b->f->name) && dv_builder_signature(b, sig, &signature)) {
        b->f->sig = signature;
    }
}

static u32 declare_signature(Builder *b, const davit_signature_t *sig)
{
    Signature signature;
    if (!dv_builder_signature(b, sig, &signature)) {
        return DAVIT_NONE;
    }
    vec_push(b->f->arena, &b->f->sigs, signature);
    return b->f->sigs.len - 1;
}

davit_sig_t davit_declare_signature(davit_builder_t *b, const davit_signature_t *sig)
{
    BUILDER_CALL(b, "davit_declare_signature", b->result = declare_signature(b, sig));
    return (davit_sig_t){b->result};
}

static bool check_sig(Builder *b, davit_sig_t sig)
{
    if (sig.id >= b->f->sigs.len) {
        dv_builder_fail(b, "no signature was given");
    }
    return dv_builder_ok(b);
}

static u32 declare_function(Builder *b, const char *name, davit_sig_t sig, u32 flags)
{
    ExtFunc func = {.present = true, .sig = {sig.id}};
    if (!check_sig(b, sig) || !read_name(b, name, &func.name)) {
        return DAVIT_NONE;
    }
    func.colocated = (flags & DAVIT_COLOCATED) != 0;
    func.patchable = (flags & DAVIT_PATCHABLE) != 0;
    vec_push(b->f->arena, &b->f->funcs, func);
    return b->f->funcs.len - 1;
}

davit_func_ref_t davit_declare_function(davit_builder_t *b, const char *name, davit_sig_t sig,
                                        uint32_t flags)
{
    BUILDER_CALL(b, "davit_declare_function", b->result = declare_function(b, name, sig, flags));
    return (davit_func_ref_t){b->result};
}

/* ---- memory flags, regions, constants ---- */

bool dv_builder_flags(Builder *b, davit_memflags_t flags, MemFlags *out, u32 *region)
{
    u32 bits = flags & 0xffff;
    u32 trap = flags & FLAG_TRAP_MASK;
    *region = (flags >> 16) - 1; /* ENTITY_NONE without one */
    if ((bits & ~(u32)FLAGS_KNOWN) != 0) {
        dv_builder_fail(b, "0x%x are no memory flags", (unsigned)bits);
    } else if (*region != ENTITY_NONE && *region >= b->f->regions.len) {
        dv_builder_fail(b, "there is no region%u", (unsigned)*region);
    }
    if ((bits & DAVIT_MEM_NOTRAP) != 0) {
        trap = TRAP_none;
    } else if (trap == 0) {
        trap = TRAP_heap_oob;
    }
    *out = (MemFlags)((bits & ~(u32)(FLAG_TRAP_MASK | DAVIT_MEM_NOTRAP)) | trap);
    return dv_builder_ok(b);
}

static u32 declare_constant(Builder *b, const void *bytes, usize size)
{
    if (size == 0 || size > TYPE_MAX_BYTES || bytes == NULL) {
        dv_builder_fail(b, "a constant has 1 to %d bytes", TYPE_MAX_BYTES);
        return DAVIT_NONE;
    }
    return dv_constant_make(b->f, bytes, (u32)size).id;
}

davit_constant_t davit_declare_constant(davit_builder_t *b, const void *bytes, size_t size)
{
    BUILDER_CALL(b, "davit_declare_constant", b->result = declare_constant(b, bytes, size));
    return (davit_constant_t){b->result};
}

static u32 declare_region(Builder *b, u32 index, const char *name)
{
    usize length = name == NULL ? 0 : strlen(name);
    RegionData region = {.present = true, .index = index};
    if (length > UINT32_MAX) {
        dv_builder_fail(b, "the name is too long");
        return DAVIT_NONE;
    }
    region.name.data = dv_arena_strdup(b->f->arena, name == NULL ? "" : name, length);
    region.name.len = (u32)length;
    vec_push(b->f->arena, &b->f->regions, region);
    return b->f->regions.len - 1;
}

davit_region_t davit_declare_region(davit_builder_t *b, uint32_t index, const char *name)
{
    BUILDER_CALL(b, "davit_declare_region", b->result = declare_region(b, index, name));
    return (davit_region_t){b->result};
}

/* ---- stack slots ---- */

static u32 declare_slot(Builder *b, u32 size_bytes, u32 align_bytes)
{
    StackSlotData slot = {.present = true, .size_bytes = size_bytes, .align_bytes = align_bytes};
    if (align_bytes == 0 || (align_bytes & (align_bytes - 1)) != 0) {
        dv_builder_fail(b, "alignment %u is no power of two", (unsigned)align_bytes);
        return DAVIT_NONE;
    }
    vec_push(b->f->arena, &b->f->slots, slot);
    return b->f->slots.len - 1;
}

davit_slot_t davit_declare_slot(davit_builder_t *b, uint32_t size_bytes, uint32_t align_bytes)
{
    BUILDER_CALL(b, "davit_declare_slot", b->result = declare_slot(b, size_bytes, align_bytes));
    return (davit_slot_t){b->result};
}

static void set_slot_key(Builder *b, davit_slot_t slot, u64 key)
{
    if (slot.id >= b->f->slots.len) {
        dv_builder_fail(b, "no slot was given");
        return;
    }
    b->f->slots.data[slot.id].has_key = true;
    b->f->slots.data[slot.id].key = key;
}

void davit_slot_set_key(davit_builder_t *b, davit_slot_t slot, uint64_t key)
{
    BUILDER_CALL(b, "davit_slot_set_key", set_slot_key(b, slot, key));
}

static bool check_global_value(Builder *b, davit_global_value_t value)
{
    if (value.id >= b->f->global_values.len) {
        dv_builder_fail(b, "no global value was given");
    }
    return dv_builder_ok(b);
}

static bool check_declared_type(Builder *b, davit_type_t type)
{
    if (!dv_type_is_valid(type)) {
        dv_builder_fail(b, "0x%x is no type", (unsigned)type);
    }
    return dv_builder_ok(b);
}

static u32 declare_dyn_type(Builder *b, davit_type_t base, davit_global_value_t scale)
{
    DynTypeData type = {true, base, {scale.id}};
    if (!check_global_value(b, scale) || !check_declared_type(b, base)) {
        return DAVIT_NONE;
    }
    vec_push(b->f->arena, &b->f->dyn_types, type);
    return b->f->dyn_types.len - 1;
}

davit_dyn_type_t davit_declare_dyn_type(davit_builder_t *b, davit_type_t base,
                                        davit_global_value_t scale)
{
    BUILDER_CALL(b, "davit_declare_dyn_type", b->result = declare_dyn_type(b, base, scale));
    return (davit_dyn_type_t){b->result};
}

static u32 declare_dyn_slot(Builder *b, davit_dyn_type_t type)
{
    DynSlotData slot = {true, {type.id}};
    if (type.id >= b->f->dyn_types.len) {
        dv_builder_fail(b, "no dynamic type was given");
        return DAVIT_NONE;
    }
    vec_push(b->f->arena, &b->f->dyn_slots, slot);
    return b->f->dyn_slots.len - 1;
}

davit_dyn_slot_t davit_declare_dyn_slot(davit_builder_t *b, davit_dyn_type_t type)
{
    BUILDER_CALL(b, "davit_declare_dyn_slot", b->result = declare_dyn_slot(b, type));
    return (davit_dyn_slot_t){b->result};
}

/* ---- global values ---- */

static u32 add_global_value(Builder *b, const GlobalValueData *data)
{
    vec_push(b->f->arena, &b->f->global_values, *data);
    return b->f->global_values.len - 1;
}

static GlobalValueData blank_global_value(u8 kind, Type type, davit_global_value_t base, i64 offset)
{
    return (GlobalValueData){
        .kind = kind, .type = type, .region = {ENTITY_NONE}, .base = {base.id}, .offset = offset};
}

static const davit_global_value_t no_global_value = {DAVIT_NONE};

static u32 declare_vmctx(Builder *b)
{
    GlobalValueData data = blank_global_value(GV_VMCTX, TYPE_NONE, no_global_value, 0);
    return add_global_value(b, &data);
}

davit_global_value_t davit_declare_vmctx(davit_builder_t *b)
{
    BUILDER_CALL(b, "davit_declare_vmctx", b->result = declare_vmctx(b));
    return (davit_global_value_t){b->result};
}

static u32 declare_global_load(Builder *b, davit_type_t type, davit_memflags_t flags,
                               davit_global_value_t base, i32 offset)
{
    GlobalValueData data = blank_global_value(GV_LOAD, type, base, offset);
    bool ok = check_global_value(b, base) && check_declared_type(b, type) &&
              dv_builder_flags(b, flags, &data.flags, &data.region.id);
    return ok ? add_global_value(b, &data) : DAVIT_NONE;
}

davit_global_value_t davit_declare_global_load(davit_builder_t *b, davit_type_t type,
                                               davit_memflags_t flags, davit_global_value_t base,
                                               int32_t offset)
{
    BUILDER_CALL(b, "davit_declare_global_load",
                 b->result = declare_global_load(b, type, flags, base, offset));
    return (davit_global_value_t){b->result};
}

static u32 declare_global_add(Builder *b, davit_type_t type, davit_global_value_t base, i64 offset)
{
    GlobalValueData data = blank_global_value(GV_IADD_IMM, type, base, offset);
    bool ok = check_global_value(b, base) && check_declared_type(b, type);
    return ok ? add_global_value(b, &data) : DAVIT_NONE;
}

davit_global_value_t davit_declare_global_add(davit_builder_t *b, davit_type_t type,
                                              davit_global_value_t base, int64_t offset)
{
    BUILDER_CALL(b, "davit_declare_global_add",
                 b->result = declare_global_add(b, type, base, offset));
    return (davit_global_value_t){b->result};
}

static u32 declare_dyn_scale(Builder *b, davit_type_t vector)
{
    GlobalValueData data = blank_global_value(GV_DYN_SCALE, vector, no_global_value, 0);
    return check_declared_type(b, vector) ? add_global_value(b, &data) : DAVIT_NONE;
}

davit_global_value_t davit_declare_dyn_scale(davit_builder_t *b, davit_type_t vector)
{
    BUILDER_CALL(b, "davit_declare_dyn_scale", b->result = declare_dyn_scale(b, vector));
    return (davit_global_value_t){b->result};
}

static u32 declare_symbol(Builder *b, const char *name, i64 offset, u32 flags)
{
    GlobalValueData data = blank_global_value(GV_SYMBOL, TYPE_NONE, no_global_value, offset);
    data.colocated = (flags & DAVIT_COLOCATED) != 0;
    data.tls = (flags & DAVIT_TLS) != 0;
    return read_name(b, name, &data.name) ? add_global_value(b, &data) : DAVIT_NONE;
}

davit_global_value_t davit_declare_symbol(davit_builder_t *b, const char *name, int64_t offset,
                                          uint32_t flags)
{
    BUILDER_CALL(b, "davit_declare_symbol", b->result = declare_symbol(b, name, offset, flags));
    return (davit_global_value_t){b->result};
}

static void set_stack_limit(Builder *b, davit_global_value_t limit)
{
    if (check_global_value(b, limit)) {
        b->f->has_stack_limit = true;
        b->f->stack_limit.id = limit.id;
    }
}

void davit_set_stack_limit(davit_builder_t *b, davit_global_value_t limit)
{
    BUILDER_CALL(b, "davit_set_stack_limit", set_stack_limit(b, limit));
}

/* ---- runtime entities ---- */

static bool check_index_type(Builder *b, davit_type_t type)
{
    if (type != DAVIT_I32 && type != DAVIT_I64) {
        dv_builder_fail(b, "the index type must be i32 or i64");
    }
    return dv_builder_ok(b);
}

static u32 declare_memory(Builder *b, const davit_memory_desc_t *from)
{
    if (!check_index_type(b, from->index_type)) {
        return DAVIT_NONE;
    }
    WasmMemoryData memory = {.present = true,
                             .import = from->is_import,
                             .shared = from->is_shared,
                             .has_max = from->has_max,
                             .index_type = from->index_type,
                             .index = from->index,
                             .page_bytes = from->page_bytes == 0 ? 0x10000 : from->page_bytes,
                             .min_pages = from->min_pages,
                             .max_pages = from->has_max ? from->max_pages : 0};
    vec_push(b->f->arena, &b->f->memories, memory);
    return b->f->memories.len - 1;
}

davit_memory_t davit_declare_memory(davit_builder_t *b, const davit_memory_desc_t *desc)
{
    BUILDER_CALL(b, "davit_declare_memory", b->result = declare_memory(b, desc));
    return (davit_memory_t){b->result};
}

static u32 declare_table(Builder *b, const davit_table_desc_t *from)
{
    if (from->elem > WASM_EXNREF) {
        dv_builder_fail(b, "there is no value type number %u", (unsigned)from->elem);
    }
    if (!dv_builder_ok(b) || !check_index_type(b, from->index_type)) {
        return DAVIT_NONE;
    }
    WasmTableData table = {.present = true,
                           .import = from->is_import,
                           .has_max = from->has_max,
                           .elem = from->elem,
                           .index_type = from->index_type,
                           .index = from->index,
                           .min = from->min,
                           .max = from->has_max ? from->max : 0};
    vec_push(b->f->arena, &b->f->tables, table);
    return b->f->tables.len - 1;
}

davit_table_t davit_declare_table(davit_builder_t *b, const davit_table_desc_t *desc)
{
    BUILDER_CALL(b, "davit_declare_table", b->result = declare_table(b, desc));
    return (davit_table_t){b->result};
}

static u32 declare_global(Builder *b, const davit_global_desc_t *from)
{
    WasmGlobalData global = {true, from->is_import, from->is_mutable, from->type, from->index};
    if (!check_declared_type(b, from->type)) {
        return DAVIT_NONE;
    }
    vec_push(b->f->arena, &b->f->globals, global);
    return b->f->globals.len - 1;
}

davit_global_t davit_declare_global(davit_builder_t *b, const davit_global_desc_t *desc)
{
    BUILDER_CALL(b, "davit_declare_global", b->result = declare_global(b, desc));
    return (davit_global_t){b->result};
}

static u8 *copy_valtypes(Builder *b, const davit_wasm_valtype_t *from, usize count)
{
    if (count > UINT32_MAX / 2) {
        dv_builder_fail(b, "there are too many value types");
        return NULL;
    }
    u8 *types = ARENA_ARRAY(b->f->arena, u8, count);
    for (usize i = 0; i < count; i++) {
        if (from[i] > WASM_EXNREF) {
            dv_builder_fail(b, "there is no value type number %u", (unsigned)from[i]);
        }
        types[i] = from[i];
    }
    return types;
}

static u32 declare_wasm_type(Builder *b, const davit_wasm_type_desc_t *from)
{
    WasmTypeData type = {.present = true,
                         .has_index = from->has_index,
                         .index = from->has_index ? from->index : 0,
                         .sig = {from->sig.id}};
    if (!check_sig(b, from->sig)) {
        return DAVIT_NONE;
    }
    type.num_params = (u32)from->num_params;
    type.num_results = (u32)from->num_results;
    type.params = copy_valtypes(b, from->params, from->num_params);
    type.results = copy_valtypes(b, from->results, from->num_results);
    vec_push(b->f->arena, &b->f->wasm_types, type);
    return b->f->wasm_types.len - 1;
}

davit_wasm_type_t davit_declare_wasm_type(davit_builder_t *b, const davit_wasm_type_desc_t *desc)
{
    BUILDER_CALL(b, "davit_declare_wasm_type", b->result = declare_wasm_type(b, desc));
    return (davit_wasm_type_t){b->result};
}

static bool check_wasm_type(Builder *b, davit_wasm_type_t type)
{
    if (type.id >= b->f->wasm_types.len) {
        dv_builder_fail(b, "no type was given");
    }
    return dv_builder_ok(b);
}

static u32 declare_wasm_func(Builder *b, davit_wasm_type_t type, const char *name, bool is_import)
{
    WasmFuncData func = {.present = true, .import = is_import, .type = {type.id}};
    func.has_name = name != NULL;
    if (!check_wasm_type(b, type) || (name != NULL && !read_name(b, name, &func.name))) {
        return DAVIT_NONE;
    }
    vec_push(b->f->arena, &b->f->wasm_funcs, func);
    return b->f->wasm_funcs.len - 1;
}

davit_wasm_func_t davit_declare_wasm_func(davit_builder_t *b, davit_wasm_type_t type,
                                          const char *name, bool is_import)
{
    BUILDER_CALL(b, "davit_declare_wasm_func",
                 b->result = declare_wasm_func(b, type, name, is_import));
    return (davit_wasm_func_t){b->result};
}

static u32 declare_data(Builder *b, u32 index)
{
    WasmSegmentData data = {true, index};
    vec_push(b->f->arena, &b->f->datas, data);
    return b->f->datas.len - 1;
}

davit_data_t davit_declare_data(davit_builder_t *b, uint32_t index)
{
    BUILDER_CALL(b, "davit_declare_data", b->result = declare_data(b, index));
    return (davit_data_t){b->result};
}

static u32 declare_elem(Builder *b, u32 index)
{
    WasmSegmentData elem = {true, index};
    vec_push(b->f->arena, &b->f->elems, elem);
    return b->f->elems.len - 1;
}

davit_elem_t davit_declare_elem(davit_builder_t *b, uint32_t index)
{
    BUILDER_CALL(b, "davit_declare_elem", b->result = declare_elem(b, index));
    return (davit_elem_t){b->result};
}

static u32 declare_tag(Builder *b, u32 index, davit_wasm_type_t type, bool is_import)
{
    WasmTagData tag = {true, is_import, index, {type.id}};
    if (!check_wasm_type(b, type)) {
        return DAVIT_NONE;
    }
    vec_push(b->f->arena, &b->f->tags, tag);
    return b->f->tags.len - 1;
}

davit_tag_t davit_declare_tag(davit_builder_t *b, uint32_t index, davit_wasm_type_t type,
                              bool is_import)
{
    BUILDER_CALL(b, "davit_declare_tag", b->result = declare_tag(b, index, type, is_import));
    return (davit_tag_t){b->result};
}
