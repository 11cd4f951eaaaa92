/* diff_state.c - what two instances of one module, that should have done the same, differ in.
 *
 * Memories are compared byte by byte, but for words at their natural alignment that are NaNs in both: what NaN an
 * operation gives is not settled, and stored it is no more. Handles of references are each store's own numbers.
 */
#include "base/bytes.h"
#include "tools/diff.h"

enum { NEIGHBOURS = 8 }; /* bytes shown on either side of one that differs */

/* ---- values ---- */

static bool is_nan32(u32 bits)
{
    return (bits & 0x7fffffff) > 0x7f800000;
}

static bool is_nan64(u64 bits)
{
    return (bits & INT64_MAX) > (u64)0x7ff << 52;
}

static bool same_ref(const RtStore *want_store, u32 want, const RtStore *got_store, u32 got)
{
    const RtFunc *want_func = dv_rt_ref_func(want_store, want);
    const RtFunc *got_func = dv_rt_ref_func(got_store, got);
    if (want_func == NULL || got_func == NULL) {
        return (want == 0) == (got == 0) && (want_func == NULL) == (got_func == NULL);
    }
    return want_func->func == got_func->func;
}

bool dv_diff_same_value(const RtStore *want_store, RtVal want, const RtStore *got_store, RtVal got,
                        ValType type)
{
    if (vt_is_ref(type)) {
        return same_ref(want_store, (u32)want.lo, got_store, (u32)got.lo);
    }
    switch (type) {
    case VT_I32:
        return (u32)want.lo == (u32)got.lo;
    case VT_F32:
        return (u32)want.lo == (u32)got.lo || (is_nan32((u32)want.lo) && is_nan32((u32)got.lo));
    case VT_F64:
        return want.lo == got.lo || (is_nan64(want.lo) && is_nan64(got.lo));
    case VT_V128:
        return want.lo == got.lo && want.hi == got.hi;
    default:
        return want.lo == got.lo;
    }
}

/* ---- memories ---- */

static bool is_wide(u64 bits)
{
    const u64 exponent = (u64)0x7ff << 52;
    return (bits & exponent) == exponent;
}

/* Of 64 bits if one of both is a NaN or an infinity of so many, else of 32. */
static bool are_nans(const u8 *want, const u8 *got, u64 size, u64 at)
{
    u64 at4 = at & ~(u64)3, at8 = at & ~(u64)7;
    if (at8 + 8 <= size) {
        u64 x = load_le64(want + at8), y = load_le64(got + at8);
        if (is_wide(x) || is_wide(y)) {
            return is_nan64(x) && is_nan64(y);
        }
    }
    return at4 + 4 <= size && is_nan32(load_le32(want + at4)) && is_nan32(load_le32(got + at4));
}

static void append_bytes(TextBuf *text, const u8 *bytes, u64 size, u64 at)
{
    u64 from = at < NEIGHBOURS ? 0 : at - NEIGHBOURS;
    for (u64 i = from; i < size && i <= at + NEIGHBOURS; i++) {
        dv_text_printf(text, i == at ? " [%02x]" : " %02x", (unsigned)bytes[i]);
    }
}

static const char *compare_bytes(const u8 *want, const u8 *got, u64 size, u32 index, Arena *arena)
{
    TextBuf text;
    u64 at = 0;
    while (at < size && (want[at] == got[at] || are_nans(want, got, size, at))) {
        at++;
    }
    if (at == size) {
        return NULL;
    }
    dv_text_init(&text, arena);
    dv_text_printf(&text, "memory %u at 0x%" PRIx64 " holds", (unsigned)index, at);
    append_bytes(&text, got, size, at);
    dv_text_str(&text, ", not");
    append_bytes(&text, want, size, at);
    return text.data;
}

static const char *compare_memory(const InterpMemory *want, const InterpMemory *got, u32 index,
                                  Arena *arena)
{
    u64 want_size = want->length_bytes, got_size = got->length_bytes;
    if (want_size != got_size) {
        return dv_arena_printf(arena, "memory %u has %" PRIu64 " bytes, not %" PRIu64,
                               (unsigned)index, got_size, want_size);
    }
    return want_size == 0 || memcmp(want->base, got->base, (usize)want_size) == 0
               ? NULL
               : compare_bytes(want->base, got->base, want_size, index, arena);
}

/* ---- tables and globals ---- */

typedef struct Both {
    const InterpInstance *want, *got;
    const RtStore *want_store, *got_store;
    Arena *arena;
} Both;

static const char *compare_table(const Both *b, u32 index)
{
    const InterpTable *want = b->want->tables[index], *got = b->got->tables[index];
    if (want->count != got->count) {
        return dv_arena_printf(b->arena, "table %u has %u elements, not %u", (unsigned)index,
                               (unsigned)got->count, (unsigned)want->count);
    }
    for (u32 i = 0; i < want->count; i++) {
        if (!same_ref(b->want_store, want->elems[i], b->got_store, got->elems[i])) {
            return dv_arena_printf(b->arena, "table %u holds another reference at %u",
                                   (unsigned)index, (unsigned)i);
        }
    }
    return NULL;
}

static RtVal global_value(const u64 *slots, ValType type)
{
    return (RtVal){slots[0], type == VT_V128 ? slots[1] : 0};
}

static const char *compare_global(const Both *b, u32 index, ValType type)
{
    RtVal want = global_value(b->want->globals[index], type);
    RtVal got = global_value(b->got->globals[index], type);
    if (dv_diff_same_value(b->want_store, want, b->got_store, got, type)) {
        return NULL;
    }
    TextBuf text;
    dv_text_init(&text, b->arena);
    dv_text_printf(&text, "global %u is ", (unsigned)index);
    dv_wasm_value_print(&text, got, type);
    dv_text_str(&text, ", not ");
    dv_wasm_value_print(&text, want, type);
    return text.data;
}

/* The name of the first export of something; empty. */
static Str export_name(const WasmModule *info, u32 kind, u32 index)
{
    for (u32 i = 0; i < info->exports.len; i++) {
        const ExportDecl *e = &info->exports.data[i];
        if (e->kind == kind && e->index == index) {
            return e->name;
        }
    }
    return (Str){"", 0};
}

static const char *with_name(const Both *b, const WasmModule *info, u32 kind, u32 index,
                             const char *what)
{
    Str name = export_name(info, kind, index);
    return what == NULL || name.len == 0
               ? what
               : dv_arena_printf(b->arena, "%s (exported as \"%s\")", what,
                                 dv_diag_quote(b->arena, name.data, name.len));
}

const char *dv_diff_instances(const RtInstance *want, const RtInstance *got, Arena *arena)
{
    const WasmModule *info = dv_rt_module_info(dv_rt_instance_module(want));
    const Both b = {dv_rt_instance_interp(want), dv_rt_instance_interp(got),
                    dv_rt_instance_store(want), dv_rt_instance_store(got), arena};
    for (u32 i = 0; i < info->memories.len; i++) {
        const char *what = compare_memory(b.want->memories[i], b.got->memories[i], i, arena);
        if (what != NULL) {
            return with_name(&b, info, EXTERN_MEMORY, i, what);
        }
    }
    for (u32 i = 0; i < info->globals.len; i++) {
        const char *what = compare_global(&b, i, info->globals.data[i].type);
        if (what != NULL) {
            return with_name(&b, info, EXTERN_GLOBAL, i, what);
        }
    }
    for (u32 i = 0; i < info->tables.len; i++) {
        const char *what = compare_table(&b, i);
        if (what != NULL) {
            return with_name(&b, info, EXTERN_TABLE, i, what);
        }
    }
    return NULL;
}

/* ---- traps ---- */

static bool same_frame(const RtFrame *want, const RtFrame *got)
{
    return want->func == got->func && want->func_offset == got->func_offset &&
           want->module_offset == got->module_offset;
}

const char *dv_diff_traps(const RtTrap *want, const RtTrap *got, Arena *arena)
{
    if (want == NULL || got == NULL) {
        return want == got ? NULL : want == NULL ? "it should return" : "it should trap";
    }
    if (want->code != got->code || want->exit_status != got->exit_status ||
        strcmp(want->message, got->message) != 0) {
        return "the traps differ";
    }
    if (want->num_frames != got->num_frames || want->frames_dropped != got->frames_dropped) {
        return dv_arena_printf(arena, "the backtrace has %u frames, not %u",
                               (unsigned)(got->num_frames + got->frames_dropped),
                               (unsigned)(want->num_frames + want->frames_dropped));
    }
    for (u32 i = 0; i < want->num_frames; i++) {
        if (!same_frame(&want->frames[i], &got->frames[i])) {
            return dv_arena_printf(
                arena, "frame %u is function %u at offset 0x%x, not function %u at 0x%x",
                (unsigned)i, (unsigned)got->frames[i].func, (unsigned)got->frames[i].module_offset,
                (unsigned)want->frames[i].func, (unsigned)want->frames[i].module_offset);
        }
    }
    return NULL;
}
