/* print_preamble.c - writes names, signatures and the declarations of a function.
 *
 * The order is the reference compiler's: slots, regions, global values, dynamic types, signatures,
 * functions, constants, stack limit; runtime entities come last.
 */
#include "codegen/ir/printer.h"

/* ---- numbers ---- */

static void print_hex(TextBuf *out, u64 x)
{
    u32 shift = x == 0 ? 0 : (63 - dv_clz64(x)) & ~15u;
    dv_text_printf(out, "0x%04x", (unsigned)(x >> shift & 0xffff));
    while (shift > 0) {
        shift -= 16;
        dv_text_printf(out, "_%04x", (unsigned)(x >> shift & 0xffff));
    }
}

void dv_printer_uint(TextBuf *out, u64 x)
{
    if (x < 10000) {
        dv_text_u64(out, x);
    } else {
        print_hex(out, x);
    }
}

void dv_printer_int(TextBuf *out, i64 x)
{
    if (x >= 0) {
        dv_printer_uint(out, (u64)x);
    } else {
        dv_text_char(out, '-');
        dv_text_u64(out, 0 - (u64)x);
    }
}

void dv_printer_offset(TextBuf *out, i64 offset)
{
    if (offset != 0) {
        dv_text_char(out, offset < 0 ? '-' : '+');
        dv_printer_uint(out, offset < 0 ? 0 - (u64)offset : (u64)offset);
    }
}

void dv_printer_bytes(TextBuf *out, const u8 *bytes, u32 len)
{
    dv_text_str(out, len == 0 ? "0x00" : "0x");
    for (u32 i = len; i > 0; i--) {
        dv_text_char(out, "0123456789abcdef"[bytes[i - 1] >> 4]);
        dv_text_char(out, "0123456789abcdef"[bytes[i - 1] & 15]);
    }
}

/* ---- names, types, flags ---- */

void dv_printer_type(TextBuf *out, Type type)
{
    char name[16];
    dv_text_str(out, dv_type_name(type, name));
}

void dv_printer_ref(TextBuf *out, EntityKind kind, u32 id)
{
    dv_text_str(out, dv_entity_prefixes[kind]);
    dv_text_u64(out, id);
}

void dv_print_entity(TextBuf *out, EntityRef e)
{
    dv_text_str(out, dv_entity_prefixes[e.kind]);
    if (e.kind != ENTITY_FUNCTION && e.kind != ENTITY_STACK_LIMIT) {
        dv_text_u64(out, e.id);
    }
}

static void print_quoted(TextBuf *out, Str text)
{
    dv_text_char(out, '"');
    for (u32 i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '"' || c == '\\') {
            dv_text_char(out, '\\');
            dv_text_char(out, c);
        } else if (c >= ' ' && c <= '~') {
            dv_text_char(out, c);
        } else {
            dv_text_printf(out, "\\x%02x", (unsigned)(u8)c);
        }
    }
    dv_text_char(out, '"');
}

/* True if the lexer reads these characters behind a % as one name. */
static bool is_plain_name(Str text)
{
    for (u32 i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '.' || c == '$';
        if (!plain) {
            return false;
        }
    }
    return true;
}

static void print_name(TextBuf *out, const ExtName *name, bool libcalls_stand_here)
{
    switch (name->kind) {
    case NAME_USER:
        dv_text_printf(out, "u%" PRIu32 ":%" PRIu32, name->space, name->index);
        return;
    case NAME_LIBCALL:
        dv_text_char(out, '%');
        dv_text_str(out, dv_libcall_names[name->libcall]);
        return;
    default:
        break;
    }
    bool is_libcall =
        libcalls_stand_here && dv_libcall_find(name->text.data, name->text.len) != LIBCALL_COUNT;
    dv_text_char(out, '%');
    if (is_plain_name(name->text) && !is_libcall) {
        dv_text_bytes(out, name->text.data, name->text.len);
    } else {
        print_quoted(out, name->text);
    }
}

void dv_print_extname(TextBuf *out, const ExtName *name)
{
    print_name(out, name, true);
}

void dv_printer_function_name(TextBuf *out, const ExtName *name)
{
    print_name(out, name, false);
}

void dv_printer_memflags(TextBuf *out, MemFlags flags, u32 region)
{
    static const struct {
        MemFlags flag;
        const char *text;
    } names[] = {{FLAG_ALIGNED, " aligned"},
                 {FLAG_READONLY, " readonly"},
                 {FLAG_CAN_MOVE, " can_move"},
                 {FLAG_BIG, " big"},
                 {FLAG_LITTLE, " little"}};
    char code[16];
    if ((flags & FLAG_TRAP_MASK) != TRAP_heap_oob) {
        dv_text_char(out, ' ');
        dv_text_str(out, dv_trap_name((TrapCode)(flags & FLAG_TRAP_MASK), code));
    }
    for (usize i = 0; i < ARRAY_LEN(names); i++) {
        if ((flags & names[i].flag) != 0) {
            dv_text_str(out, names[i].text);
        }
    }
    if (region != ENTITY_NONE) {
        dv_text_char(out, ' ');
        dv_printer_ref(out, ENTITY_REGION, region);
    }
}

/* ---- signatures ---- */

static void print_params(TextBuf *out, const Param *params, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        const Param *p = &params[i];
        dv_text_str(out, i == 0 ? "" : ", ");
        dv_printer_type(out, p->type);
        dv_text_str(out, p->extension == EXT_UEXT   ? " uext"
                         : p->extension == EXT_SEXT ? " sext"
                                                    : "");
        if (p->purpose == PURPOSE_SARG) {
            dv_text_printf(out, " sarg(%" PRIu32 ")", p->sarg_bytes);
        }
        dv_text_str(out, p->purpose == PURPOSE_SRET    ? " sret"
                         : p->purpose == PURPOSE_VMCTX ? " vmctx"
                                                       : "");
    }
}

void dv_print_signature(TextBuf *out, const Func *f, const Signature *sig)
{
    (void)f;
    dv_text_char(out, '(');
    print_params(out, sig->params, sig->num_params);
    dv_text_char(out, ')');
    if (sig->num_results > 0) {
        dv_text_str(out, " -> ");
        print_params(out, sig->results, sig->num_results);
    }
    dv_text_char(out, ' ');
    dv_text_str(out, dv_callconv_names[sig->conv]);
}

/* ---- declarations ---- */

static void begin(TextBuf *out, EntityKind kind, u32 id)
{
    dv_text_str(out, "    ");
    dv_printer_ref(out, kind, id);
    dv_text_str(out, " = ");
}

static void print_slots(TextBuf *out, const Func *f)
{
    for (u32 id = 0; id < f->dyn_slots.len; id++) {
        if (f->dyn_slots.data[id].present) {
            begin(out, ENTITY_DYN_SLOT, id);
            dv_text_printf(out, "explicit_dynamic_slot dt%" PRIu32 "\n",
                           f->dyn_slots.data[id].type.id);
        }
    }
    for (u32 id = 0; id < f->slots.len; id++) {
        const StackSlotData *slot = &f->slots.data[id];
        if (!slot->present) {
            continue;
        }
        begin(out, ENTITY_SLOT, id);
        dv_text_printf(out, "explicit_slot %" PRIu32, slot->size_bytes);
        if (slot->align_bytes > 1) {
            dv_text_printf(out, ", align = %" PRIu32, slot->align_bytes);
        }
        if (slot->has_key) {
            dv_text_printf(out, ", key = %" PRIu64, slot->key);
        }
        dv_text_char(out, '\n');
    }
}

static void print_regions(TextBuf *out, const Func *f)
{
    for (u32 id = 0; id < f->regions.len; id++) {
        const RegionData *region = &f->regions.data[id];
        if (region->present) {
            begin(out, ENTITY_REGION, id);
            dv_text_printf(out, "%" PRIu32 " ", region->index);
            print_quoted(out, region->name);
            dv_text_char(out, '\n');
        }
    }
}

static void print_global_value(TextBuf *out, const GlobalValueData *gv)
{
    switch (gv->kind) {
    case GV_VMCTX:
        dv_text_str(out, "vmctx");
        return;
    case GV_LOAD:
        dv_text_str(out, "load.");
        dv_printer_type(out, gv->type);
        dv_printer_memflags(out, gv->flags, gv->region.id);
        dv_text_printf(out, " gv%" PRIu32, gv->base.id);
        dv_printer_offset(out, gv->offset);
        return;
    case GV_IADD_IMM:
        dv_text_str(out, "iadd_imm.");
        dv_printer_type(out, gv->type);
        dv_text_printf(out, " gv%" PRIu32 ", ", gv->base.id);
        dv_printer_int(out, gv->offset);
        return;
    case GV_SYMBOL:
        dv_text_str(out, gv->colocated ? "symbol colocated " : "symbol ");
        dv_text_str(out, gv->tls ? "tls " : "");
        dv_print_extname(out, &gv->name);
        dv_printer_offset(out, gv->offset);
        return;
    default:
        dv_text_str(out, "dyn_scale_target_const.");
        dv_printer_type(out, gv->type);
        return;
    }
}

static void print_global_values(TextBuf *out, const Func *f)
{
    for (u32 id = 0; id < f->global_values.len; id++) {
        if (f->global_values.data[id].kind != GV_ABSENT) {
            begin(out, ENTITY_GLOBAL_VALUE, id);
            print_global_value(out, &f->global_values.data[id]);
            dv_text_char(out, '\n');
        }
    }
    for (u32 id = 0; id < f->dyn_types.len; id++) {
        const DynTypeData *type = &f->dyn_types.data[id];
        if (type->present) {
            begin(out, ENTITY_DYN_TYPE, id);
            dv_printer_type(out, type->base);
            dv_text_printf(out, "*gv%" PRIu32 "\n", type->scale.id);
        }
    }
}

static void print_functions(TextBuf *out, const Func *f)
{
    for (u32 id = 0; id < f->sigs.len; id++) {
        if (f->sigs.data[id].present) {
            begin(out, ENTITY_SIG, id);
            dv_print_signature(out, f, &f->sigs.data[id]);
            dv_text_char(out, '\n');
        }
    }
    for (u32 id = 0; id < f->funcs.len; id++) {
        const ExtFunc *func = &f->funcs.data[id];
        if (func->present) {
            begin(out, ENTITY_FUNC, id);
            dv_text_str(out, func->colocated ? "colocated " : "");
            dv_text_str(out, func->patchable ? "patchable " : "");
            dv_print_extname(out, &func->name);
            dv_text_printf(out, " sig%" PRIu32 "\n", func->sig.id);
        }
    }
}

static void print_constants(TextBuf *out, const Func *f)
{
    for (u32 id = 0; id < f->constants.len; id++) {
        const ConstantData *constant = &f->constants.data[id];
        if (constant->present) {
            begin(out, ENTITY_CONSTANT, id);
            dv_printer_bytes(out, constant->bytes, constant->len);
            dv_text_char(out, '\n');
        }
    }
}

/* ---- runtime entities ---- */

static void print_val_types(TextBuf *out, const u8 *types, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_text_str(out, i == 0 ? "" : ", ");
        dv_text_str(out, dv_wasm_valtype_names[types[i]]);
    }
}

static void print_wasm_types(TextBuf *out, const Func *f)
{
    for (u32 id = 0; id < f->wasm_types.len; id++) {
        const WasmTypeData *type = &f->wasm_types.data[id];
        if (!type->present) {
            continue;
        }
        begin(out, ENTITY_TYPE, id);
        dv_text_str(out, "func (");
        print_val_types(out, type->params, type->num_params);
        dv_text_str(out, type->num_results > 0 ? ") -> " : ")");
        print_val_types(out, type->results, type->num_results);
        dv_text_printf(out, ", sig%" PRIu32, type->sig.id);
        if (type->has_index) {
            dv_text_printf(out, ", index %" PRIu32, type->index);
        }
        dv_text_char(out, '\n');
    }
}

/* "[import] memory 0, index i32, min 1[, max 2], " */
static void print_limits(TextBuf *out, const char *kind, u32 index, Type index_type, u64 min,
                         const u64 *max)
{
    dv_text_printf(out, "%s %" PRIu32 ", index ", kind, index);
    dv_printer_type(out, index_type);
    dv_text_printf(out, ", min %" PRIu64 ", ", min);
    if (max != NULL) {
        dv_text_printf(out, "max %" PRIu64 ", ", *max);
    }
}

static void print_storage(TextBuf *out, const Func *f)
{
    for (u32 id = 0; id < f->memories.len; id++) {
        const WasmMemoryData *m = &f->memories.data[id];
        if (m->present) {
            begin(out, ENTITY_MEMORY, id);
            dv_text_str(out, m->import ? "import " : "");
            print_limits(out, "memory", m->index, m->index_type, m->min_pages,
                         m->has_max ? &m->max_pages : NULL);
            dv_text_printf(out, "page 0x%" PRIx32 "%s\n", m->page_bytes,
                           m->shared ? ", shared" : "");
        }
    }
    for (u32 id = 0; id < f->tables.len; id++) {
        const WasmTableData *t = &f->tables.data[id];
        if (t->present) {
            begin(out, ENTITY_TABLE, id);
            dv_text_str(out, t->import ? "import " : "");
            print_limits(out, "table", t->index, t->index_type, t->min,
                         t->has_max ? &t->max : NULL);
            dv_text_printf(out, "%s\n", dv_wasm_valtype_names[t->elem]);
        }
    }
    for (u32 id = 0; id < f->globals.len; id++) {
        const WasmGlobalData *g = &f->globals.data[id];
        if (g->present) {
            begin(out, ENTITY_GLOBAL, id);
            dv_text_printf(out, "%sglobal %" PRIu32 ", ", g->import ? "import " : "", g->index);
            dv_printer_type(out, g->type);
            dv_text_str(out, g->is_mutable ? ", mutable\n" : "\n");
        }
    }
}

static void print_wasm_funcs(TextBuf *out, const Func *f)
{
    for (u32 id = 0; id < f->wasm_funcs.len; id++) {
        const WasmFuncData *func = &f->wasm_funcs.data[id];
        if (func->present) {
            begin(out, ENTITY_WASM_FUNC, id);
            dv_text_str(out, func->import ? "import " : "define ");
            if (func->has_name) {
                dv_printer_function_name(out, &func->name);
                dv_text_char(out, ' ');
            }
            dv_text_printf(out, "type%" PRIu32 "\n", func->type.id);
        }
    }
}

static void print_segments_and_tags(TextBuf *out, const Func *f)
{
    for (u32 id = 0; id < f->datas.len; id++) {
        if (f->datas.data[id].present) {
            begin(out, ENTITY_DATA, id);
            dv_text_printf(out, "data %" PRIu32 "\n", f->datas.data[id].index);
        }
    }
    for (u32 id = 0; id < f->elems.len; id++) {
        if (f->elems.data[id].present) {
            begin(out, ENTITY_ELEM, id);
            dv_text_printf(out, "elem %" PRIu32 "\n", f->elems.data[id].index);
        }
    }
    for (u32 id = 0; id < f->tags.len; id++) {
        const WasmTagData *tag = &f->tags.data[id];
        if (tag->present) {
            begin(out, ENTITY_TAG, id);
            dv_text_printf(out, "%stag %" PRIu32 ", type%" PRIu32 "\n",
                           tag->import ? "import " : "", tag->index, tag->type.id);
        }
    }
}

bool dv_printer_preamble(TextBuf *out, const Func *f)
{
    usize before = out->length;
    print_slots(out, f);
    print_regions(out, f);
    print_global_values(out, f);
    print_functions(out, f);
    print_constants(out, f);
    if (f->has_stack_limit) {
        dv_text_printf(out, "    stack_limit = gv%" PRIu32 "\n", f->stack_limit.id);
    }
    print_wasm_types(out, f);
    print_storage(out, f);
    print_wasm_funcs(out, f);
    print_segments_and_tags(out, f);
    return out->length != before;
}
