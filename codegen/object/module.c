/* module.c - symbols of a native module: declared, defined, checked. */
#include "codegen/object/module.h"

void dv_obj_init(ObjModule *module, const NativeTarget *target, Arena *arena)
{
    memset(module, 0, sizeof *module);
    module->arena = arena;
    module->target = target;
}

u32 dv_obj_symbol(ObjModule *module, Str name)
{
    u32 symbol = dv_strmap_intern(module->arena, &module->names, name.data, name.len);
    if (symbol == module->symbols.len) {
        ObjSymbol made = {.name = dv_strmap_str(&module->names, symbol)};
        vec_push(module->arena, &module->symbols, made);
    }
    return symbol;
}

/* What the C library calls those that it has. */
static const char *libcall_symbol(LibCall libcall)
{
    static const struct {
        u8 libcall;
        const char *name;
    } rows[] = {{LIBCALL_CeilF32, "ceilf"},
                {LIBCALL_CeilF64, "ceil"},
                {LIBCALL_FloorF32, "floorf"},
                {LIBCALL_FloorF64, "floor"},
                {LIBCALL_TruncF32, "truncf"},
                {LIBCALL_TruncF64, "trunc"},
                {LIBCALL_NearestF32, "nearbyintf"},
                {LIBCALL_NearestF64, "nearbyint"},
                {LIBCALL_FmaF32, "fmaf"},
                {LIBCALL_FmaF64, "fma"},
                {LIBCALL_Memcpy, "memcpy"},
                {LIBCALL_Memset, "memset"},
                {LIBCALL_Memmove, "memmove"},
                {LIBCALL_Memcmp, "memcmp"},
                {LIBCALL_ElfTlsGetAddr, "__tls_get_addr"}};
    for (usize i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].libcall == libcall) {
            return rows[i].name;
        }
    }
    return dv_libcall_names[libcall];
}

Str dv_obj_name(Arena *arena, const ExtName *name)
{
    const char *text;
    switch (name->kind) {
    case NAME_TEST:
        return name->text;
    case NAME_LIBCALL:
        text = libcall_symbol(name->libcall);
        break;
    default:
        text = dv_arena_printf(arena, "u%" PRIu32 "_%" PRIu32, name->space, name->index);
        break;
    }
    return (Str){text, (u32)strlen(text)};
}

static bool refuse(const ObjModule *module, Diag *diag, Str name, const char *why)
{
    dv_diag_error(diag, 0, 0, "%s %s",
                  name.len == 0 ? "\"\"" : dv_diag_quote(module->arena, name.data, name.len), why);
    return false;
}

static const char no_name[] = "is no name of a symbol";

static bool is_name(Str name)
{
    return name.len != 0 && memchr(name.data, 0, name.len) == NULL;
}

bool dv_obj_declare(ObjModule *module, Str name, ObjKind kind, ObjLinkage linkage, Diag *diag,
                    u32 *symbol)
{
    if (!is_name(name)) {
        return refuse(module, diag, name, no_name);
    }
    *symbol = dv_obj_symbol(module, name);
    ObjSymbol *s = &module->symbols.data[*symbol];
    if (s->kind != OBJ_ANY && kind != OBJ_ANY && s->kind != kind) {
        return refuse(module, diag, name, "is declared as something else");
    }
    if (s->linkage != OBJ_IMPORT && linkage != OBJ_IMPORT && s->linkage != linkage) {
        return refuse(module, diag, name, "is declared with another linkage");
    }
    s->kind = s->kind == OBJ_ANY ? (u8)kind : s->kind;
    s->linkage = s->linkage == OBJ_IMPORT ? (u8)linkage : s->linkage;
    return true;
}

static bool may_define(ObjModule *module, u32 symbol, Diag *diag)
{
    const ObjSymbol *s = &vec_at(&module->symbols, symbol);
    if (s->defined) {
        return refuse(module, diag, s->name, "is defined twice");
    }
    if (s->linkage == OBJ_IMPORT) {
        return refuse(module, diag, s->name, "is defined here, but declared as an import");
    }
    return true;
}

/* What is referred to as thread-local is. False if it was declared as something else. */
static bool note_use(ObjModule *module, u32 symbol, u32 kind, Diag *diag)
{
    ObjSymbol *s = &module->symbols.data[symbol];
    u8 how = module->target->relocs[kind].use;
    bool is_tls = how == RELOC_TLS || how == RELOC_TLS_NEAR;
    if (is_tls && s->kind == OBJ_ANY) {
        s->kind = OBJ_TLS;
    }
    if (s->kind != OBJ_ANY && is_tls != (s->kind == OBJ_TLS)) {
        return refuse(module, diag, s->name,
                      is_tls ? "is not thread-local" : "is thread-local, and has no one address");
    }
    return true;
}

bool dv_obj_define_code(ObjModule *module, u32 symbol, const MachCode *code, Diag *diag)
{
    ObjReloc *relocs = ARENA_ARRAY(module->arena, ObjReloc, code->relocs.len);
    if (!may_define(module, symbol, diag)) {
        return false;
    }
    for (u32 i = 0; i < code->relocs.len; i++) {
        const MachReloc *from = &code->relocs.data[i];
        CHECK(from->symbol.kind == MACH_SYMBOL_NAME && from->kind < module->target->num_relocs);
        Str name = dv_obj_name(module->arena, &from->symbol.name);
        relocs[i] = (ObjReloc){from->offset, from->kind, dv_obj_symbol(module, name), from->addend};
        if (!note_use(module, relocs[i].symbol, from->kind, diag)) {
            return false;
        }
    }
    ObjSymbol *s = &module->symbols.data[symbol];
    s->kind = OBJ_FUNC;
    s->defined = true;
    s->code = code;
    s->bytes = code->bytes;
    s->size_bytes = code->size_bytes;
    s->align_bytes = code->align_bytes;
    s->relocs.data = relocs;
    s->relocs.len = code->relocs.len;
    vec_push(module->arena, &module->defined, symbol);
    return true;
}

bool dv_obj_define_data(ObjModule *module, u32 symbol, const ObjData *data, Diag *diag)
{
    ObjReloc *relocs = ARENA_ARRAY(module->arena, ObjReloc, data->num_relocs);
    Str name = vec_at(&module->symbols, symbol).name;
    u32 align = data->align_bytes;
    u64 end = 0;
    if (!may_define(module, symbol, diag)) {
        return false;
    }
    if (align == 0 || align > OBJ_ALIGN_MAX || (align & (align - 1)) != 0) {
        dv_diag_error(diag, 0, 0, "%s has the alignment %u, which is no power of two up to %u",
                      dv_diag_quote(module->arena, name.data, name.len), (unsigned)align,
                      (unsigned)OBJ_ALIGN_MAX);
        return false;
    }
    for (u32 i = 0; i < data->num_relocs; i++) {
        const ObjReloc *reloc = &data->relocs[i];
        CHECK(reloc->kind < module->target->num_relocs && reloc->symbol < module->symbols.len);
        u32 size = module->target->relocs[reloc->kind].size_bytes;
        if (reloc->offset < end || reloc->offset > data->size_bytes ||
            data->size_bytes - reloc->offset < size) {
            return refuse(module, diag, name, "has relocations out of order or out of bounds");
        }
        if (!note_use(module, reloc->symbol, reloc->kind, diag)) {
            return false;
        }
        end = reloc->offset + size;
        relocs[i] = *reloc;
    }
    ObjSymbol *s = &module->symbols.data[symbol];
    s->kind = data->kind;
    s->defined = true;
    s->bytes = data->bytes;
    s->size_bytes = data->size_bytes;
    s->align_bytes = align;
    s->relocs.data = relocs;
    s->relocs.len = data->num_relocs;
    vec_push(module->arena, &module->defined, symbol);
    return true;
}

bool dv_obj_check(const ObjModule *module, Diag *diag)
{
    bool ok = true;
    for (u32 i = 0; i < module->symbols.len; i++) {
        const ObjSymbol *s = &module->symbols.data[i];
        if (!is_name(s->name)) { /* of what is referred to, and was not declared */
            ok = refuse(module, diag, s->name, no_name);
        }
        if (!s->defined && (s->linkage == OBJ_LOCAL || s->linkage == OBJ_EXPORT)) {
            ok = refuse(module, diag, s->name, "is declared here, and defined nowhere");
        }
    }
    return ok;
}
