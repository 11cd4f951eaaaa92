/* values.c - values of wasm.h and of the fast calls, and the runtime's.
 *
 * Every value that comes in is checked against the type it is to have, so that nothing of a wrong type gets to a guest,
 * whatever the program says its kind is. References go by what they are: a function for a funcref, whatever for an
 * externref; their kind only has to be that of a reference.
 */
#include "wasm/capi/capi.h"

void wasm_val_delete(wasm_val_t *value)
{
    if (wasm_valkind_is_ref(value->kind)) {
        wasm_ref_delete(value->of.ref);
        value->of.ref = NULL;
    }
}

void wasm_val_copy(wasm_val_t *out, const wasm_val_t *value)
{
    *out = *value;
    if (wasm_valkind_is_ref(value->kind)) {
        out->of.ref = wasm_ref_copy(value->of.ref);
    }
}

static RtVal number_in(const wasm_val_t *value)
{
    u32 bits32 = 0;
    RtVal out = {0, 0};
    switch (value->kind) {
    case WASM_I32:
        out.lo = (u32)value->of.i32;
        break;
    case WASM_I64:
        out.lo = (u64)value->of.i64;
        break;
    case WASM_F32:
        memcpy(&bits32, &value->of.f32, sizeof bits32);
        out.lo = bits32;
        break;
    default:
        memcpy(&out.lo, &value->of.f64, sizeof out.lo);
        break;
    }
    return out;
}

bool dv_capi_val_in(wasm_store_t *store, const wasm_val_t *value, ValType type, RtVal *out)
{
    bool exact;
    wasm_valkind_t kind = dv_capi_kind(NULL, type, &exact);
    *out = (RtVal){0, 0};
    if (kind == DAVIT_KIND_V128 || kind == DAVIT_KIND_OTHER_REF) {
        dv_capi_error(store, DAVIT_ERROR_UNSUPPORTED,
                      "a wasm_val_t cannot hold a value of this type");
        return false;
    }
    if (vt_is_ref(type) && wasm_valkind_is_ref(value->kind)) {
        u32 ref;
        if (!dv_capi_ref_in(store, value->of.ref, kind, &ref)) {
            return false;
        }
        out->lo = ref;
        if (dv_rt_val_fits(store->rt, *out, type)) {
            return true;
        }
    } else if (value->kind == kind) {
        *out = number_in(value);
        return true;
    }
    dv_capi_error(store, DAVIT_ERROR_INVALID, "the value is of another type");
    return false;
}

bool dv_capi_val_out(wasm_store_t *store, RtVal value, ValType type, wasm_val_t *out)
{
    bool exact;
    u32 bits32 = (u32)value.lo;
    *out = (wasm_val_t){.kind = dv_capi_kind(NULL, type, &exact)};
    switch (out->kind) {
    case WASM_I32:
        out->of.i32 = (i32)bits32;
        return true;
    case WASM_I64:
        out->of.i64 = (i64)value.lo;
        return true;
    case WASM_F32:
        memcpy(&out->of.f32, &bits32, sizeof bits32);
        return true;
    case WASM_F64:
        memcpy(&out->of.f64, &value.lo, sizeof value.lo);
        return true;
    case WASM_FUNCREF:
    case WASM_EXTERNREF:
        return dv_capi_ref_out(store, bits32, out->kind, &out->of.ref);
    default:
        *out = (wasm_val_t)WASM_INIT_VAL;
        dv_capi_error(store, DAVIT_ERROR_UNSUPPORTED,
                      "a wasm_val_t cannot hold a value of this type");
        return false;
    }
}

bool davit_slot_from_ref(wasm_store_t *store, const wasm_ref_t *ref, wasm_valkind_t kind,
                         davit_wasm_slot_t *out)
{
    u32 handle;
    bool ok = dv_capi_ref_in(store, ref, kind, &handle);
    *out = (davit_wasm_slot_t){handle, 0};
    return ok;
}

wasm_ref_t *davit_slot_to_ref(wasm_store_t *store, davit_wasm_slot_t slot, wasm_valkind_t kind)
{
    wasm_ref_t *ref;
    dv_capi_ref_out(store, (u32)slot.lo, kind, &ref);
    return ref;
}
