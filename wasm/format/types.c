/* types.c - equality and subtyping of types, and their text.
 *
 * Types of a module are equal if their recursion groups are, reference by reference, a reference
 * inside of the group being its distance from the start and one outside being the type it was found
 * equal to (specification 3.0, "Matching" and "Type equivalence": iso-recursive). So each group is
 * written as a string of words in which every reference is already canonical, and equal strings are
 * found by hashing: linear in the size of the type section. From then on types are equal if
 * SubType.canonical is, and a type is below another if its chain of supertypes meets it; chains are
 * short (dv_wasm_limits.super_depth), whatever the module.
 */
#include "base/map.h"
#include "wasm/format/reader.h"

/* ---- canonical types ---- */

static void put_index(ByteBuf *out, const WasmModule *m, const SubType *group, u32 index)
{
    u32 first = group->group;
    bool inside = index >= first && index - first < group->group_len;
    dv_bytebuf_u8(out, inside);
    dv_bytebuf_u32(out, inside ? index - first : m->types.data[index].canonical, false);
}

static void put_type(ByteBuf *out, const WasmModule *m, const SubType *group, ValType type)
{
    bool indexed = vt_is_indexed(type);
    dv_bytebuf_u32(out, indexed ? type & ~VT_INDEX : type, false);
    if (indexed) {
        put_index(out, m, group, type & VT_INDEX);
    }
}

static void put_subtype(ByteBuf *out, const WasmModule *m, const SubType *t)
{
    dv_bytebuf_u8(out, (u8)(t->kind << 4 | t->is_final << 3 | t->has_super << 2 |
                            t->has_descriptor << 1 | t->has_describes));
    if (t->has_super) {
        put_index(out, m, t, t->super);
    }
    if (t->has_descriptor) {
        put_index(out, m, t, t->descriptor);
    }
    if (t->has_describes) {
        put_index(out, m, t, t->describes);
    }
    dv_bytebuf_u32(out, t->num_params, false);
    for (u32 i = 0; i < t->num_params; i++) {
        put_type(out, m, t, t->params[i]);
    }
    dv_bytebuf_u32(out, t->num_results, false);
    for (u32 i = 0; i < t->num_results; i++) {
        put_type(out, m, t, t->results[i]);
    }
    dv_bytebuf_u32(out, t->num_fields, false);
    for (u32 i = 0; i < t->num_fields; i++) {
        dv_bytebuf_u8(out, t->fields[i].is_mutable);
        put_type(out, m, t, t->fields[i].type);
    }
}

void dv_wasm_canonicalise(Arena *arena, WasmModule *module)
{
    ArenaMark mark = dv_arena_mark(arena);
    StrMap groups = {0};
    VEC(u32) firsts = {0}; /* of each number in `groups` */
    ByteBuf text;
    dv_bytebuf_init(&text, arena);
    for (u32 at = 0; at < module->types.len;) {
        u32 len = module->types.data[at].group_len;
        text.len = 0;
        for (u32 i = at; i < at + len; i++) {
            put_subtype(&text, module, &module->types.data[i]);
        }
        u32 number = dv_strmap_intern(arena, &groups, (const char *)text.data, text.len);
        if (number == firsts.len) {
            vec_push(arena, &firsts, at);
        }
        for (u32 i = 0; i < len; i++) {
            module->types.data[at + i].canonical = firsts.data[number] + i;
        }
        at += len;
    }
    dv_arena_release_to(arena, mark);
}

/* ---- matching ---- */

/* The type as it is compared: indices replaced by the canonical ones. */
static ValType canonical_type(const WasmModule *m, ValType t)
{
    return vt_is_indexed(t) ? (t & ~VT_INDEX) | m->types.data[t & VT_INDEX].canonical : t;
}

bool dv_wasm_same_type(const WasmModule *module, ValType a, ValType b)
{
    return a == b || canonical_type(module, a) == canonical_type(module, b);
}

/* Whether a heap type is below another, both abstract. */
static bool abstract_below(u32 a, u32 b)
{
    if (a == b || a == HEAP_BOTTOM) {
        return true;
    }
    switch (a) {
    case HEAP_NONE:
        return b == HEAP_I31 || b == HEAP_STRUCT || b == HEAP_ARRAY || b == HEAP_EQ ||
               b == HEAP_ANY;
    case HEAP_I31:
    case HEAP_STRUCT:
    case HEAP_ARRAY:
        return b == HEAP_EQ || b == HEAP_ANY;
    case HEAP_EQ:
        return b == HEAP_ANY;
    case HEAP_NOFUNC:
        return b == HEAP_FUNC;
    case HEAP_NOEXTERN:
        return b == HEAP_EXTERN;
    case HEAP_NOEXN:
        return b == HEAP_EXN;
    default:
        return false;
    }
}

static u32 heap_of_kind(u8 kind)
{
    return kind == COMP_FUNC ? HEAP_FUNC : kind == COMP_STRUCT ? HEAP_STRUCT : HEAP_ARRAY;
}

static bool index_below(const WasmModule *m, u32 a, u32 b)
{
    u32 target = m->types.data[b].canonical;
    for (u32 at = a;;) {
        const SubType *t = &m->types.data[at];
        if (t->canonical == target) {
            return true;
        }
        if (!t->has_super) {
            return false;
        }
        at = t->super;
    }
}

bool dv_wasm_is_subtype(const WasmModule *module, ValType a, ValType b)
{
    if (a == b || a == VT_BOTTOM) {
        return true;
    }
    if (!vt_is_ref(a) || !vt_is_ref(b) || ((a & VT_NULL) != 0 && (b & VT_NULL) == 0)) {
        return false;
    }
    u32 heap_a = a & VT_INDEX;
    u32 heap_b = b & VT_INDEX;
    if (!vt_is_indexed(a)) {
        if (!vt_is_indexed(b)) {
            return abstract_below(heap_a, heap_b);
        }
        u8 kind = module->types.data[heap_b].kind;
        return heap_a == HEAP_BOTTOM || heap_a == (kind == COMP_FUNC ? HEAP_NOFUNC : HEAP_NONE);
    }
    if (!vt_is_indexed(b)) {
        return abstract_below(heap_of_kind(module->types.data[heap_a].kind), heap_b);
    }
    if ((b & VT_EXACT) != 0) {
        return (a & VT_EXACT) != 0 &&
               module->types.data[heap_a].canonical == module->types.data[heap_b].canonical;
    }
    return index_below(module, heap_a, heap_b);
}

/* ---- text ---- */

static const char *const heap_names[] = {
    [HEAP_BOTTOM] = "bottom",     [HEAP_NOEXN] = "noexn",   [HEAP_NOFUNC] = "nofunc",
    [HEAP_NOEXTERN] = "noextern", [HEAP_NONE] = "none",     [HEAP_FUNC] = "func",
    [HEAP_EXTERN] = "extern",     [HEAP_ANY] = "any",       [HEAP_EQ] = "eq",
    [HEAP_I31] = "i31",           [HEAP_STRUCT] = "struct", [HEAP_ARRAY] = "array",
    [HEAP_EXN] = "exn",
};

static const char *const plain_names[] = {
    [VT_BOTTOM] = "bottom", [VT_EMPTY] = "",  [VT_I32] = "i32",
    [VT_I64] = "i64",       [VT_F32] = "f32", [VT_F64] = "f64",
    [VT_V128] = "v128",     [VT_I8] = "i8",   [VT_I16] = "i16",
};

/* Of the nullable references to abstract types that do not read as their name and "ref". */
static const char *short_name(u32 heap)
{
    switch (heap) {
    case HEAP_NONE:
        return "nullref";
    case HEAP_NOFUNC:
        return "nullfuncref";
    case HEAP_NOEXTERN:
        return "nullexternref";
    case HEAP_NOEXN:
        return "nullexnref";
    default:
        return NULL;
    }
}

void dv_wasm_print_type(TextBuf *out, ValType type)
{
    if (!vt_is_ref(type)) {
        ASSERT(type < ARRAY_LEN(plain_names) && plain_names[type] != NULL);
        dv_text_str(out, plain_names[type]);
        return;
    }
    u32 heap = type & VT_INDEX;
    bool null = (type & VT_NULL) != 0;
    if (!vt_is_indexed(type) && null && heap != HEAP_BOTTOM) {
        const char *name = short_name(heap);
        dv_text_printf(out, "%s%s", name != NULL ? name : heap_names[heap],
                       name != NULL ? "" : "ref");
        return;
    }
    bool exact = (type & VT_EXACT) != 0;
    dv_text_printf(out, "(ref %s%s", null ? "null " : "", exact ? "(exact " : "");
    if (vt_is_indexed(type)) {
        dv_text_printf(out, "$%u", (unsigned)heap);
    } else {
        dv_text_str(out, heap_names[heap]);
    }
    dv_text_str(out, exact ? "))" : ")");
}

/* ---- names ---- */

Str dv_wasm_func_name(const WasmModule *module, u32 func)
{
    u32 low = 0, high = module->func_names.len;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        const NameDecl *row = &module->func_names.data[middle];
        if (row->index == func) {
            return row->name;
        }
        if (row->index < func) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (Str){"", 0};
}
