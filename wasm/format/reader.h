/* reader.h - what decode.c, reader.c and validate.c share: bytes and LEB128 numbers, and errors.
 *
 * Every read ends at reader->end. The numbers' errors are those that the specification's tests
 * expect: more bytes than the width needs are "integer representation too long", bits beyond the
 * width "integer too large".
 */
#ifndef DV_WASM_FORMAT_READER_H
#define DV_WASM_FORMAT_READER_H

#include "wasm/format/wasm.h"

/* Reports an error at this byte; only the first one counts. */
DV_PRINTF(4, 5)
void dv_wasm_report(WasmReader *r, const u8 *at, bool is_malformed, const char *format, ...);
/* Reports that `what` is of a feature that is off. */
void dv_wasm_report_feature(WasmReader *r, const u8 *at, Feature feature, const char *what);

/* The same as expressions that are false: compilers see that what was to be read is not used. */
#define dv_wasm_fail(...) (dv_wasm_report(__VA_ARGS__), false)
#define dv_wasm_fail_feature(r, at, feature, what) \
    (dv_wasm_report_feature((r), (at), (feature), (what)), false)
#define dv_wasm_fail_end(r) \
    dv_wasm_fail((r), (r)->end, true, "unexpected end of section or function")

/* Notes that the feature is used; false, with an error that begins with `what`, if it is off. */
static inline bool dv_wasm_need(WasmReader *r, const u8 *at, Feature feature, const char *what)
{
    Features bit = (Features)1 << feature;
    r->used |= bit;
    return (r->module->features & bit) != 0 || dv_wasm_fail_feature(r, at, feature, what);
}
static inline bool dv_wasm_has(const WasmReader *r, Feature feature)
{
    return (r->module->features >> feature & 1) != 0;
}

bool dv_wasm_read_unsigned(WasmReader *r, u32 bits, u64 *out);
/* Sign-extended to 64 bits. */
bool dv_wasm_read_signed(WasmReader *r, u32 bits, u64 *out);

static inline bool dv_wasm_read_byte(WasmReader *r, u8 *out)
{
    if (DV_UNLIKELY(r->at == r->end)) {
        return dv_wasm_fail_end(r);
    }
    *out = *r->at++;
    return true;
}

static inline bool dv_wasm_read_u32(WasmReader *r, u32 *out)
{
    if (DV_LIKELY(r->at != r->end && *r->at < 0x80)) {
        *out = *r->at++;
        return true;
    }
    if (r->end - r->at >= 2 && r->at[1] < 0x80) {
        *out = (r->at[0] & 0x7fu) | (u32)r->at[1] << 7;
        r->at += 2;
        return true;
    }
    u64 wide;
    bool ok = dv_wasm_read_unsigned(r, 32, &wide);
    *out = ok ? (u32)wide : 0;
    return ok;
}

/* ops.c: operations plus one by their byte, then by prefix and number; 0: none. */
extern const u16 dv_wasm_by_code[];

/* A value type, or for `what` "storage type" a packed one, or for "reference type" only a
 * reference. */
bool dv_wasm_read_type(WasmReader *r, const char *what, ValType *out);
/* A heap type, as a reference that cannot be null. */
bool dv_wasm_read_heap_type(WasmReader *r, const char *what, ValType *out);
/* Moves behind a constant expression's end; blocks nest. */
bool dv_wasm_skip_expression(WasmReader *r, Span *out);
/* The same over locals and instructions of a body. */
bool dv_wasm_skip_body(WasmReader *r);

static inline u32 dv_wasm_offset(const WasmReader *r, const u8 *at)
{
    return (u32)(at - r->module->bytes);
}

/* Whether all functions together may have so many locals. */
static inline bool dv_wasm_locals_fit(const WasmModule *m, u64 locals)
{
    return locals <= dv_wasm_limits.all_locals + m->size * dv_wasm_limits.all_locals_per_byte;
}

/* types.c: fills in SubType.canonical. Scratch memory is given back. */
void dv_wasm_canonicalise(Arena *arena, WasmModule *module);
/* Whether a type index in `type` is below this. */
static inline bool dv_wasm_type_exists(ValType type, u32 num_types)
{
    return !vt_is_indexed(type) || (type & VT_INDEX) < num_types;
}

#endif
