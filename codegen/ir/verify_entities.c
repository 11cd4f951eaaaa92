/* verify_entities.c - checks the preamble: every declared entity on its own terms, and what it
 * refers to.
 *
 * Absent numbers are skipped: whoever refers to them is told. A global value is computed from its
 * base, so bases must not go in circles; each circle is reported once, from its least member.
 */
#include "base/text.h"
#include "codegen/ir/verify_parts.h"

static EntityRef at(EntityKind kind, u32 id)
{
    return (EntityRef){kind, id};
}

/* ---- references ---- */

#define HAS(list) (id < f->list.len && f->list.data[id].present)

bool dv_verify_exists(const Func *f, EntityKind kind, u32 id)
{
    switch (kind) {
    case ENTITY_BLOCK:
        return id < f->blocks.len && f->blocks.data[id].inserted;
    case ENTITY_SLOT:
        return HAS(slots);
    case ENTITY_DYN_SLOT:
        return HAS(dyn_slots);
    case ENTITY_DYN_TYPE:
        return HAS(dyn_types);
    case ENTITY_GLOBAL_VALUE:
        return id < f->global_values.len && f->global_values.data[id].kind != GV_ABSENT;
    case ENTITY_SIG:
        return HAS(sigs);
    case ENTITY_FUNC:
        return HAS(funcs);
    case ENTITY_CONSTANT:
        return HAS(constants);
    case ENTITY_REGION:
        return HAS(regions);
    case ENTITY_TYPE:
        return HAS(wasm_types);
    case ENTITY_MEMORY:
        return HAS(memories);
    case ENTITY_TABLE:
        return HAS(tables);
    case ENTITY_GLOBAL:
        return HAS(globals);
    case ENTITY_WASM_FUNC:
        return HAS(wasm_funcs);
    case ENTITY_DATA:
        return HAS(datas);
    case ENTITY_ELEM:
        return HAS(elems);
    case ENTITY_TAG:
        return HAS(tags);
    default:
        return false;
    }
}

static const char *noun_of(EntityKind kind)
{
    switch (kind) {
    case ENTITY_BLOCK:
        return "block reference";
    case ENTITY_SLOT:
        return "stack slot";
    case ENTITY_DYN_SLOT:
        return "dynamic stack slot";
    case ENTITY_DYN_TYPE:
        return "dynamic type";
    case ENTITY_GLOBAL_VALUE:
        return "global value";
    case ENTITY_SIG:
        return "signature reference";
    case ENTITY_FUNC:
        return "function reference";
    case ENTITY_CONSTANT:
        return "constant reference";
    default:
        return "runtime entity";
    }
}

bool dv_verify_reference(Verifier *v, EntityRef place, EntityKind kind, u32 id)
{
    if (dv_verify_exists(v->f, kind, id)) {
        return true;
    }
    if (kind == ENTITY_REGION) {
        dv_verify_say(v, place, SAY_REGION, dv_verify_name(v, kind, id), NULL, NULL);
    } else {
        dv_verify_say(v, place, SAY_REFERENCE, noun_of(kind), dv_verify_name(v, kind, id), NULL);
    }
    return false;
}

void dv_verify_flags(Verifier *v, EntityRef place, MemFlags flags, u32 region)
{
    if ((flags & FLAG_LITTLE) != 0 && (flags & FLAG_BIG) != 0) {
        dv_verify_say(v, place, SAY_FLAGS_ENDIAN, NULL, NULL, NULL);
    }
    if (region != ENTITY_NONE) {
        dv_verify_reference(v, place, ENTITY_REGION, region);
    }
}

/* ---- signatures ---- */

/* "Parameter at position 2" */
static const char *param_name(Verifier *v, bool is_result, u32 n)
{
    return v->errors->total >= VERIFY_MAX_ERRORS
               ? ""
               : dv_arena_printf(&v->scratch, "%s at position %" PRIu32,
                                 is_result ? "Return value" : "Parameter", n);
}

static void check_param(Verifier *v, EntityRef place, const Param *p, bool is_result, u32 n)
{
    bool is_pointer = p->purpose == PURPOSE_SRET || p->purpose == PURPOSE_VMCTX;
    if (!dv_type_is_valid(p->type)) {
        dv_verify_say(v, place, SAY_SIG_TYPE, param_name(v, is_result, n), NULL, NULL);
    } else if (is_pointer && !dv_verify_is_address(v, p->type)) {
        dv_verify_say(v, place, SAY_SIG_PURPOSE, param_name(v, is_result, n),
                      dv_verify_type_name(v, p->type), NULL);
    } else if (p->extension != EXT_NONE && !type_is_int(p->type)) {
        dv_verify_say(v, place, SAY_SIG_EXTENSION, param_name(v, is_result, n),
                      p->extension == EXT_UEXT ? "Uext" : "Sext", NULL);
    }
    if (is_result && p->purpose == PURPOSE_SARG) {
        dv_verify_say(v, place, SAY_SIG_SARG, param_name(v, is_result, n), NULL, NULL);
    }
}

static void check_signature(Verifier *v, EntityRef place, const Signature *sig)
{
    if ((u32)sig->conv >= CC_COUNT) {
        dv_verify_say(v, place, SAY_CALLEE_CONV, dv_verify_number(v, (u32)sig->conv), NULL, NULL);
    }
    for (u32 n = 0; n < sig->num_params; n++) {
        check_param(v, place, &sig->params[n], false, n);
    }
    for (u32 n = 0; n < sig->num_results; n++) {
        check_param(v, place, &sig->results[n], true, n);
    }
    v->work->steps += (u64)sig->num_params + sig->num_results;
}

/* ---- global values ---- */

static bool has_base(const GlobalValueData *gv)
{
    return gv->kind == GV_LOAD || gv->kind == GV_IADD_IMM;
}

static void report_cycle(Verifier *v, u32 least)
{
    const Func *f = v->f;
    if (v->errors->total >= VERIFY_MAX_ERRORS) {
        dv_verify_say(v, at(ENTITY_GLOBAL_VALUE, least), SAY_GV_CYCLE, "", NULL, NULL);
        return;
    }
    TextBuf text;
    dv_text_init(&text, &v->scratch);
    u32 id = least;
    do {
        dv_text_str(&text, id == least ? "gv" : ", gv");
        dv_text_u64(&text, id);
        id = f->global_values.data[id].base.id;
    } while (id != least);
    dv_verify_say(v, at(ENTITY_GLOBAL_VALUE, least), SAY_GV_CYCLE, text.data, NULL, NULL);
}

/* Follows bases from each global value not seen; meeting one seen in the same round closes a
 * circle. Rounds are the starting number plus one, so that zero means not seen. */
static void check_cycles(Verifier *v)
{
    const Func *f = v->f;
    u32 *round = ARENA_ARRAY(&v->scratch, u32, f->global_values.len);
    for (u32 start = 0; start < f->global_values.len; start++) {
        u32 id = start;
        while (id < f->global_values.len && round[id] == 0 &&
               has_base(&f->global_values.data[id])) {
            round[id] = start + 1;
            id = f->global_values.data[id].base.id;
            v->work->steps++;
        }
        if (id >= f->global_values.len || round[id] != start + 1) {
            continue;
        }
        u32 least = id;
        for (u32 x = f->global_values.data[id].base.id; x != id;
             x = f->global_values.data[x].base.id) {
            least = x < least ? x : least;
        }
        report_cycle(v, least);
    }
}

static void check_base(Verifier *v, u32 id, const GlobalValueData *gv)
{
    EntityRef place = at(ENTITY_GLOBAL_VALUE, id);
    if (!dv_verify_reference(v, place, ENTITY_GLOBAL_VALUE, gv->base.id)) {
        return;
    }
    const GlobalValueData *base = &v->f->global_values.data[gv->base.id];
    bool typed = has_base(base) || base->kind == GV_DYN_SCALE;
    if (!typed && v->address_bits == 0) {
        return; /* an address, of a width that nobody told */
    }
    Type type = typed ? base->type : v->address_bits == 32 ? TYPE_I32 : TYPE_I64;
    if (gv->kind == GV_LOAD && !dv_verify_is_address(v, type)) {
        dv_verify_say(v, place, SAY_GV_BASE, dv_verify_name(v, ENTITY_GLOBAL_VALUE, gv->base.id),
                      dv_verify_type_name(v, type), NULL);
    } else if (gv->kind == GV_IADD_IMM && type != gv->type) {
        dv_verify_say(v, place, SAY_GV_BASE_TYPE, dv_verify_type_name(v, gv->type),
                      dv_verify_type_name(v, type), NULL);
    }
}

static bool has_vmctx(const Func *f)
{
    for (u32 n = 0; n < f->sig.num_params; n++) {
        if (f->sig.params[n].purpose == PURPOSE_VMCTX) {
            return true;
        }
    }
    return false;
}

static void check_global_value(Verifier *v, u32 id)
{
    const GlobalValueData *gv = &v->f->global_values.data[id];
    EntityRef place = at(ENTITY_GLOBAL_VALUE, id);
    bool valid = true;
    switch (gv->kind) {
    case GV_VMCTX:
        if (!v->has_vmctx) {
            dv_verify_say(v, place, SAY_GV_VMCTX, dv_verify_name(v, ENTITY_GLOBAL_VALUE, id), NULL,
                          NULL);
        }
        break;
    case GV_LOAD:
        valid = dv_type_is_valid(gv->type);
        dv_verify_flags(v, place, gv->flags, gv->region.id);
        if (gv->offset < INT32_MIN || gv->offset > INT32_MAX) {
            dv_verify_say(v, place, SAY_GV_OFFSET, NULL, NULL, NULL);
        }
        check_base(v, id, gv);
        break;
    case GV_IADD_IMM:
        if (!type_is_int(gv->type)) {
            dv_verify_say(v, place, SAY_GV_NON_INT, dv_verify_type_name(v, gv->type), NULL, NULL);
        } else {
            check_base(v, id, gv);
        }
        break;
    case GV_DYN_SCALE:
        valid =
            dv_type_is_valid(gv->type) && type_is_vector(gv->type) && !type_is_dynamic(gv->type);
        break;
    default:
        break;
    }
    if (!valid) {
        dv_verify_say(v, place, SAY_GV_TYPE, dv_verify_type_name(v, gv->type), NULL, NULL);
    }
}

/* ---- slots, dynamic types, functions ---- */

static void check_slot(Verifier *v, u32 id)
{
    u32 align = v->f->slots.data[id].align_bytes;
    if (align == 0 || (align & (align - 1)) != 0) {
        dv_verify_say(v, at(ENTITY_SLOT, id), SAY_SLOT_ALIGN, dv_verify_number(v, align), NULL,
                      NULL);
    }
}

static void check_dyn_type(Verifier *v, u32 id)
{
    const DynTypeData *d = &v->f->dyn_types.data[id];
    EntityRef place = at(ENTITY_DYN_TYPE, id);
    if (!dv_type_is_valid(d->base) || !type_is_vector(d->base) || type_is_dynamic(d->base)) {
        dv_verify_say(v, place, SAY_DYN_TYPE, dv_verify_type_name(v, d->base), NULL, NULL);
    }
    if (dv_verify_reference(v, place, ENTITY_GLOBAL_VALUE, d->scale.id) &&
        v->f->global_values.data[d->scale.id].kind != GV_DYN_SCALE) {
        dv_verify_say(v, place, SAY_DYN_SCALE, dv_verify_name(v, ENTITY_GLOBAL_VALUE, d->scale.id),
                      NULL, NULL);
    }
}

static void check_func(Verifier *v, u32 id)
{
    const ExtFunc *func = &v->f->funcs.data[id];
    dv_verify_reference(v, at(ENTITY_FUNC, id), ENTITY_SIG, func->sig.id);
    if (func->patchable && !func->colocated) {
        dv_verify_say(v, at(ENTITY_FUNC, id), SAY_PATCHABLE, dv_verify_name(v, ENTITY_FUNC, id),
                      NULL, NULL);
    }
}

/* ---- runtime entities ---- */

static bool check_index_type(Verifier *v, EntityRef place, Type type)
{
    if (type == TYPE_I32 || type == TYPE_I64) {
        return true;
    }
    dv_verify_say(v, place, SAY_INDEX_TYPE, dv_verify_type_name(v, type), NULL, NULL);
    return false;
}

/* Sizes count from zero, so one of exactly 2^32 or 2^64 units is in range; `largest` says it in
 * units. */
static void check_limits(Verifier *v, EntityRef place, Type index, const u64 *min_max, u64 largest)
{
    if (min_max[0] > min_max[1]) {
        dv_verify_say(v, place, SAY_LIMITS, dv_verify_number(v, min_max[0]),
                      dv_verify_number(v, min_max[1]), NULL);
    }
    u64 size = min_max[0] > min_max[1] ? min_max[0] : min_max[1];
    if (size > largest) {
        dv_verify_say(v, place, SAY_LIMIT_RANGE, dv_verify_number(v, size),
                      dv_verify_type_name(v, index), NULL);
    }
}

static void check_memory(Verifier *v, u32 id)
{
    const WasmMemoryData *m = &v->f->memories.data[id];
    EntityRef place = at(ENTITY_MEMORY, id);
    bool index_ok = check_index_type(v, place, m->index_type);
    bool page_ok =
        m->page_bytes != 0 && m->page_bytes <= 65536 && (m->page_bytes & (m->page_bytes - 1)) == 0;
    if (!page_ok) {
        dv_verify_say(v, place, SAY_PAGE_SIZE, dv_verify_number(v, m->page_bytes), NULL, NULL);
    }
    if (index_ok && page_ok) {
        u32 page_log2 = dv_ctz32(m->page_bytes);
        u32 bits = m->index_type == TYPE_I32 ? 32 : 64;
        u64 largest = bits - page_log2 == 64 ? UINT64_MAX : (u64)1 << (bits - page_log2);
        u64 limits[2] = {m->min_pages, m->has_max ? m->max_pages : m->min_pages};
        check_limits(v, place, m->index_type, limits, largest);
    }
    if (m->shared && !m->has_max) {
        dv_verify_say(v, place, SAY_SHARED_MAX, NULL, NULL, NULL);
    }
}

static void check_table(Verifier *v, u32 id)
{
    const WasmTableData *t = &v->f->tables.data[id];
    EntityRef place = at(ENTITY_TABLE, id);
    if (t->elem > WASM_EXNREF) {
        dv_verify_say(v, place, SAY_WASM_VALTYPE, dv_verify_number(v, t->elem), NULL, NULL);
    } else if (t->elem < WASM_FUNCREF) {
        dv_verify_say(v, place, SAY_TABLE_ELEM, dv_wasm_valtype_names[t->elem], NULL, NULL);
    }
    if (check_index_type(v, place, t->index_type)) {
        u64 limits[2] = {t->min, t->has_max ? t->max : t->min};
        check_limits(v, place, t->index_type, limits,
                     t->index_type == TYPE_I32 ? UINT32_MAX : UINT64_MAX);
    }
}

/* All value types are such. */
static bool check_valtypes(Verifier *v, EntityRef place, const u8 *types, u32 count)
{
    for (u32 n = 0; n < count; n++) {
        if (types[n] > WASM_EXNREF) {
            dv_verify_say(v, place, SAY_WASM_VALTYPE, dv_verify_number(v, types[n]), NULL, NULL);
            return false;
        }
    }
    v->work->steps += count;
    return true;
}

/* Does the signature pass these types? A vmctx in front is not part of the type. */
static bool valtypes_match(const u8 *types, u32 num_types, const Param *params, u32 num_params)
{
    u32 skip = num_params > 0 && params[0].purpose == PURPOSE_VMCTX ? 1 : 0;
    if (num_types != num_params - skip) {
        return false;
    }
    for (u32 n = 0; n < num_types; n++) {
        if (params[n + skip].type != dv_wasm_valtype_type((WasmValType)types[n])) {
            return false;
        }
    }
    return true;
}

static void check_wasm_type(Verifier *v, u32 id)
{
    const WasmTypeData *t = &v->f->wasm_types.data[id];
    EntityRef place = at(ENTITY_TYPE, id);
    bool params_ok = check_valtypes(v, place, t->params, t->num_params);
    bool results_ok = check_valtypes(v, place, t->results, t->num_results);
    if (!dv_verify_reference(v, place, ENTITY_SIG, t->sig.id) || !params_ok || !results_ok) {
        return;
    }
    const Signature *sig = &v->f->sigs.data[t->sig.id];
    if (!valtypes_match(t->params, t->num_params, sig->params, sig->num_params) ||
        !valtypes_match(t->results, t->num_results, sig->results, sig->num_results)) {
        dv_verify_say(v, place, SAY_WASM_SIG, dv_verify_name(v, ENTITY_SIG, t->sig.id), NULL, NULL);
    }
}

static void check_runtime_entities(Verifier *v)
{
    const Func *f = v->f;
    for (u32 id = 0; id < f->wasm_types.len; id++) {
        if (f->wasm_types.data[id].present) {
            check_wasm_type(v, id);
        }
    }
    for (u32 id = 0; id < f->memories.len; id++) {
        if (f->memories.data[id].present) {
            check_memory(v, id);
        }
    }
    for (u32 id = 0; id < f->tables.len; id++) {
        if (f->tables.data[id].present) {
            check_table(v, id);
        }
    }
    for (u32 id = 0; id < f->globals.len; id++) {
        if (f->globals.data[id].present && !dv_type_is_valid(f->globals.data[id].type)) {
            dv_verify_say(v, at(ENTITY_GLOBAL, id), SAY_GLOBAL_TYPE, NULL, NULL, NULL);
        }
    }
    for (u32 id = 0; id < f->wasm_funcs.len; id++) {
        if (f->wasm_funcs.data[id].present) {
            dv_verify_reference(v, at(ENTITY_WASM_FUNC, id), ENTITY_TYPE,
                                f->wasm_funcs.data[id].type.id);
        }
    }
    for (u32 id = 0; id < f->tags.len; id++) {
        if (f->tags.data[id].present) {
            dv_verify_reference(v, at(ENTITY_TAG, id), ENTITY_TYPE, f->tags.data[id].type.id);
        }
    }
}

void dv_verify_entities(Verifier *v)
{
    const Func *f = v->f;
    check_signature(v, at(ENTITY_FUNCTION, 0), &f->sig);
    for (u32 id = 0; id < f->sigs.len; id++) {
        if (f->sigs.data[id].present) {
            check_signature(v, at(ENTITY_SIG, id), &f->sigs.data[id]);
        }
    }
    for (u32 id = 0; id < f->slots.len; id++) {
        if (f->slots.data[id].present) {
            check_slot(v, id);
        }
    }
    for (u32 id = 0; id < f->dyn_types.len; id++) {
        if (f->dyn_types.data[id].present) {
            check_dyn_type(v, id);
        }
    }
    for (u32 id = 0; id < f->dyn_slots.len; id++) {
        if (f->dyn_slots.data[id].present) {
            dv_verify_reference(v, at(ENTITY_DYN_SLOT, id), ENTITY_DYN_TYPE,
                                f->dyn_slots.data[id].type.id);
        }
    }
    check_cycles(v);
    v->has_vmctx = has_vmctx(f);
    for (u32 id = 0; id < f->global_values.len; id++) {
        check_global_value(v, id);
    }
    for (u32 id = 0; id < f->funcs.len; id++) {
        if (f->funcs.data[id].present) {
            check_func(v, id);
        }
    }
    check_runtime_entities(v);
    if (f->has_stack_limit) {
        dv_verify_reference(v, at(ENTITY_STACK_LIMIT, 0), ENTITY_GLOBAL_VALUE, f->stack_limit.id);
    }
    v->work->steps += (u64)f->sigs.len + f->slots.len + f->dyn_types.len + f->dyn_slots.len +
                      f->global_values.len + f->funcs.len;
}
