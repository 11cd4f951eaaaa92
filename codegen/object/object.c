/* object.c - a native module as an object file.
 *
 * A section of each kind: all code in .text; data by whether it is zero, may be written, and has addresses in it, which a
 * loader has to write (.data.rel.ro). The code is position-independent: whatever an address is needed for, its relocation
 * is relative, or goes through the linker's table. */
#include "codegen/object/object.h"

#include "codegen/object/dwarf.h"
#include "rt/elf.h"

enum { PART_TEXT, PART_RODATA, PART_RELRO, PART_DATA, PART_BSS, PART_TDATA, PART_TBSS, PARTS };

static const struct {
    const char *name, *rela;
    u32 type, flags;
} part_rows[PARTS] = {
    [PART_TEXT] = {".text", ".rela.text", ELF_PROGBITS, ELF_ALLOC | ELF_EXEC},
    [PART_RODATA] = {".rodata", NULL, ELF_PROGBITS, ELF_ALLOC},
    [PART_RELRO] = {".data.rel.ro", ".rela.data.rel.ro", ELF_PROGBITS, ELF_ALLOC | ELF_WRITE},
    [PART_DATA] = {".data", ".rela.data", ELF_PROGBITS, ELF_ALLOC | ELF_WRITE},
    [PART_BSS] = {".bss", NULL, ELF_NOBITS, ELF_ALLOC | ELF_WRITE},
    [PART_TDATA] = {".tdata", ".rela.tdata", ELF_PROGBITS, ELF_ALLOC | ELF_WRITE | ELF_TLS},
    [PART_TBSS] = {".tbss", NULL, ELF_NOBITS, ELF_ALLOC | ELF_WRITE | ELF_TLS},
};

typedef struct Part {
    ByteBuf bytes, relas;
    u64 size_bytes;
    u32 align_bytes;
    u32 section; /* 0: empty */
} Part;

typedef struct Place {
    u8 part;
    u64 offset;
} Place;

typedef struct Writer {
    ObjModule *module;
    ElfFile file;
    Part parts[PARTS];
    Place *places; /* by symbol */
    u32 *numbers;  /* in the file, by symbol */
    DwarfFuncs funcs;
} Writer;

static u32 part_of(const ObjSymbol *s)
{
    bool is_zero = s->bytes == NULL && s->relocs.len == 0;
    switch (s->kind) {
    case OBJ_FUNC:
        return PART_TEXT;
    case OBJ_READONLY:
        return s->relocs.len != 0 ? PART_RELRO : PART_RODATA;
    case OBJ_WRITABLE:
        return is_zero ? PART_BSS : PART_DATA;
    default:
        return is_zero ? PART_TBSS : PART_TDATA;
    }
}

/* Where each definition comes to lie, and its bytes there. */
static void place_all(Writer *w)
{
    enum { FUNC_ALIGN = 16 };
    ObjModule *m = w->module;
    for (u32 i = 0; i < PARTS; i++) {
        dv_bytebuf_init(&w->parts[i].bytes, m->arena);
        dv_bytebuf_init(&w->parts[i].relas, m->arena);
        w->parts[i].align_bytes = 1;
    }
    for (u32 i = 0; i < m->defined.len; i++) {
        const ObjSymbol *s = &m->symbols.data[m->defined.data[i]];
        u32 number = part_of(s);
        Part *part = &w->parts[number];
        u32 align = s->code != NULL && s->align_bytes < FUNC_ALIGN ? FUNC_ALIGN : s->align_bytes;
        u64 offset = (part->size_bytes + align - 1) & ~(u64)(align - 1);
        if (s->size_bytes > (u64)INT64_MAX - offset) {
            dv_escape(m->arena->pool, DAVIT_ERROR_LIMIT);
        }
        w->places[m->defined.data[i]] = (Place){(u8)number, offset};
        part->size_bytes = offset + s->size_bytes;
        part->align_bytes = align > part->align_bytes ? align : part->align_bytes;
        if (part_rows[number].type == ELF_NOBITS) {
            continue;
        }
        if (s->size_bytes > SIZE_MAX / 2) {
            dv_escape(m->arena->pool, DAVIT_ERROR_LIMIT);
        }
        dv_bytebuf_align(&part->bytes, align, number == PART_TEXT ? m->target->pad : 0);
        if (s->bytes == NULL) {
            dv_bytebuf_zeros(&part->bytes, (usize)s->size_bytes);
        } else {
            dv_bytebuf_bytes(&part->bytes, s->bytes, (usize)s->size_bytes);
        }
        if (s->code != NULL) {
            DwarfFunc f = {s->name, s->code, offset, s->linkage != OBJ_LOCAL};
            vec_push(m->arena, &w->funcs, f);
        }
    }
}

static void add_sections(Writer *w)
{
    for (u32 i = 0; i < PARTS; i++) {
        Part *part = &w->parts[i];
        if (part->size_bytes != 0 || i == PART_TEXT) {
            part->section =
                dv_elf_section(&w->file, &(ElfSection){part_rows[i].name, part_rows[i].type,
                                                       part->align_bytes, part_rows[i].flags, 0,
                                                       part->bytes.data, part->size_bytes, 0});
        }
    }
}

static u8 symbol_type(const ObjSymbol *s)
{
    return s->kind == OBJ_FUNC && s->defined ? ELF_FUNC
           : s->kind == OBJ_TLS              ? ELF_STT_TLS
           : s->defined                      ? ELF_OBJECT
                                             : ELF_NOTYPE;
}

static void add_symbols(Writer *w, bool locals)
{
    for (u32 i = 0; i < w->module->symbols.len; i++) {
        const ObjSymbol *s = &w->module->symbols.data[i];
        ElfSymbol out = {.name = s->name, .type = symbol_type(s)};
        if ((s->linkage == OBJ_LOCAL) != locals) {
            continue;
        }
        out.binding = locals ? ELF_LOCAL : s->linkage == OBJ_WEAK ? ELF_WEAK : ELF_GLOBAL;
        if (s->defined) {
            out.section = (u16)w->parts[w->places[i].part].section;
            out.value = w->places[i].offset;
            out.size_bytes = s->size_bytes;
        }
        w->numbers[i] = dv_elf_symbol(&w->file, &out);
    }
}

static void add_relocations(Writer *w)
{
    const ObjModule *m = w->module;
    for (u32 i = 0; i < m->defined.len; i++) {
        const ObjSymbol *s = &m->symbols.data[m->defined.data[i]];
        Place place = w->places[m->defined.data[i]];
        for (u32 r = 0; r < s->relocs.len; r++) {
            const ObjReloc *reloc = &s->relocs.data[r];
            const RelocKind *kind = &m->target->relocs[reloc->kind];
            dv_elf_rela(&w->parts[place.part].relas, place.offset + reloc->offset,
                        w->numbers[reloc->symbol], kind->elf, reloc->addend - kind->bias);
        }
    }
    for (u32 i = 0; i < PARTS; i++) {
        const Part *part = &w->parts[i];
        if (part->relas.len != 0) {
            dv_elf_section(&w->file,
                           &(ElfSection){part_rows[i].rela, ELF_RELA, 8, ELF_INFO_LINK, 0,
                                         part->relas.data, part->relas.len, part->section});
        }
    }
}

/* A section of dwarf.h's; `symbols` are those of the sections it refers to. */
static void add_dwarf(Writer *w, const char *name, const char *rela, const DwarfSection *from,
                      const u32 *symbols)
{
    const NativeTarget *target = w->module->target;
    bool is_frames = strcmp(name, ".eh_frame") == 0;
    ByteBuf relas;
    u32 section = dv_elf_section(&w->file, &(ElfSection){name, ELF_PROGBITS, is_frames ? 8 : 1,
                                                         is_frames ? ELF_ALLOC : 0, 0,
                                                         from->bytes.data, from->bytes.len, 0});
    dv_bytebuf_init(&relas, w->module->arena);
    for (u32 i = 0; i < from->places.len; i++) {
        const DwarfPlace *place = &from->places.data[i];
        u32 type = is_frames                   ? target->elf_distance
                   : place->what == DWARF_CODE ? target->elf_address
                                               : target->elf_offset;
        dv_elf_rela(&relas, place->at, symbols[place->what], type, (i64)place->offset);
    }
    if (relas.len != 0) {
        dv_elf_section(&w->file, &(ElfSection){rela, ELF_RELA, 8, ELF_INFO_LINK, 0, relas.data,
                                               relas.len, section});
    }
}

/* What holds for all code of the file, and of a program if it holds for all its files. */
static void add_property(Writer *w)
{
    enum { PROPERTY_TYPE_0 = 5, DESCRIPTION_BYTES = 16 };
    const NativeTarget *target = w->module->target;
    ByteBuf note;
    dv_bytebuf_init(&note, w->module->arena);
    dv_bytebuf_u32(&note, sizeof "GNU", false);
    dv_bytebuf_u32(&note, DESCRIPTION_BYTES, false);
    dv_bytebuf_u32(&note, PROPERTY_TYPE_0, false);
    dv_bytebuf_bytes(&note, "GNU", sizeof "GNU");
    dv_bytebuf_u32(&note, target->elf_property, false);
    dv_bytebuf_u32(&note, sizeof target->elf_landing_pads, false);
    dv_bytebuf_u32(&note, target->elf_landing_pads, false);
    dv_bytebuf_align(&note, 8, 0);
    dv_elf_section(&w->file, &(ElfSection){".note.gnu.property", ELF_NOTE, 8, ELF_ALLOC, 0,
                                           note.data, note.len, 0});
}

bool dv_obj_write(ObjModule *module, const char *source, Diag *diag, ByteBuf *out)
{
    Writer w = {.module = module};
    Dwarf dwarf;
    u32 symbols[3];
    if (!dv_obj_check(module, diag)) {
        return false;
    }
    w.places = ARENA_ARRAY(module->arena, Place, module->symbols.len);
    w.numbers = ARENA_ARRAY(module->arena, u32, module->symbols.len);
    dv_elf_init(&w.file, module->target->elf_machine, module->arena);
    place_all(&w);
    dv_dwarf_frames(module->target, &w.funcs, module->arena, &dwarf.frames);
    dv_dwarf_lines(source, &w.funcs, w.parts[PART_TEXT].size_bytes, module->arena, &dwarf);
    add_sections(&w);
    /* These two have their numbers before the section that refers to them. */
    u32 text = w.parts[PART_TEXT].section;
    u32 abbrev = w.file.sections.len + 1;
    static const u32 nothing[3];
    add_dwarf(&w, ".debug_abbrev", NULL, &dwarf.abbrev, nothing);
    u32 line = w.file.sections.len + 1;
    dv_elf_symbol(&w.file,
                  &(ElfSymbol){{source, (u32)strlen(source)}, ELF_LOCAL, ELF_FILE, ELF_ABS, 0, 0});
    const u32 sections[] = {[DWARF_CODE] = text, [DWARF_ABBREV] = abbrev, [DWARF_LINE] = line};
    for (u32 i = 0; i < ARRAY_LEN(sections); i++) {
        symbols[i] = dv_elf_symbol(
            &w.file, &(ElfSymbol){{NULL, 0}, ELF_LOCAL, ELF_SECTION, (u16)sections[i], 0, 0});
    }
    add_dwarf(&w, ".debug_line", ".rela.debug_line", &dwarf.line, symbols);
    add_dwarf(&w, ".debug_info", ".rela.debug_info", &dwarf.info, symbols);
    if (w.funcs.len != 0) {
        add_dwarf(&w, ".eh_frame", ".rela.eh_frame", &dwarf.frames, symbols);
    }
    add_symbols(&w, true);
    add_symbols(&w, false);
    add_relocations(&w);
    if (module->landing_pads) {
        add_property(&w);
    }
    dv_elf_section(&w.file, &(ElfSection){".note.GNU-stack", ELF_PROGBITS, 1, 0, 0, NULL, 0, 0});
    dv_elf_write(&w.file, out);
    return true;
}
