/* elf.c - ELF files: header, sections one after the other, symbols, names, section headers last.
 *
 * Source: System V Application Binary Interface, chapters 4 and 5; ELF-64 Object File Format 1.5. */
#include "rt/elf.h"

enum { SECTION_HEADER_BYTES = 64, SYMBOL_BYTES = 24, RELA_BYTES = 24 };
/* Places in the header, and in a section's. */
enum { SECTION_HEADERS_AT = 40, SECTION_COUNT_AT = 60, FLAGS_AT = 8, ADDRESS_AT = 16 };

void dv_elf_init(ElfFile *file, u8 machine, Arena *arena)
{
    memset(file, 0, sizeof *file);
    file->arena = arena;
    file->machine = machine;
}

u32 dv_elf_section(ElfFile *file, const ElfSection *section)
{
    vec_push(file->arena, &file->sections, *section);
    return file->sections.len;
}

u32 dv_elf_symbol(ElfFile *file, const ElfSymbol *symbol)
{
    ASSERT(file->symbols.len == 0 || symbol->binding != ELF_LOCAL ||
           vec_last(&file->symbols).binding == ELF_LOCAL);
    vec_push(file->arena, &file->symbols, *symbol);
    return file->symbols.len;
}

void dv_elf_rela(ByteBuf *buf, u64 offset, u32 symbol, u32 type, i64 addend)
{
    dv_bytebuf_u64(buf, offset, false);
    dv_bytebuf_u64(buf, (u64)symbol << 32 | type, false);
    dv_bytebuf_u64(buf, (u64)addend, false);
}

/* Appends a name and its NUL, and gives where it is. */
static u32 put_name(ByteBuf *names, const char *name, usize length)
{
    usize at = names->len;
    if (at > UINT32_MAX - length - 1) {
        dv_escape(names->arena->pool, DAVIT_ERROR_LIMIT);
    }
    dv_bytebuf_bytes(names, name, length);
    dv_bytebuf_u8(names, 0);
    return (u32)at;
}

static void put_symbol(ByteBuf *out, u32 name, const ElfSymbol *s)
{
    dv_bytebuf_u32(out, name, false);
    dv_bytebuf_u8(out, (u8)(s->binding << 4 | s->type));
    dv_bytebuf_u8(out, 0);
    dv_bytebuf_u16(out, s->section, false);
    dv_bytebuf_u64(out, s->value, false);
    dv_bytebuf_u64(out, s->size_bytes, false);
}

static void put_symbols(const ElfFile *file, ByteBuf *symbols, ByteBuf *names)
{
    static const ElfSymbol none;
    usize name_bytes = 1;
    for (u32 i = 0; i < file->symbols.len; i++) {
        name_bytes += (usize)file->symbols.data[i].name.len + 1;
    }
    dv_bytebuf_init(symbols, file->arena);
    dv_bytebuf_init(names, file->arena);
    dv_bytebuf_reserve(symbols, ((usize)file->symbols.len + 1) * SYMBOL_BYTES);
    dv_bytebuf_reserve(names, name_bytes);
    dv_bytebuf_u8(names, 0);
    put_symbol(symbols, 0, &none);
    for (u32 i = 0; i < file->symbols.len; i++) {
        const ElfSymbol *s = &file->symbols.data[i];
        u32 name = s->name.len == 0 ? 0 : put_name(names, s->name.data, s->name.len);
        put_symbol(symbols, name, s);
    }
}

typedef struct Header {
    u32 name, link;
    u64 offset, entry_bytes;
} Header;

static void put_section_header(ByteBuf *out, const ElfSection *s, const Header *h)
{
    dv_bytebuf_u32(out, h->name, false);
    dv_bytebuf_u32(out, s->type, false);
    dv_bytebuf_u64(out, s->flags, false);
    dv_bytebuf_u64(out, s->address, false);
    dv_bytebuf_u64(out, h->offset, false);
    dv_bytebuf_u64(out, s->size_bytes, false);
    dv_bytebuf_u32(out, h->link, false);
    dv_bytebuf_u32(out, s->info, false);
    dv_bytebuf_u64(out, s->align_bytes, false);
    dv_bytebuf_u64(out, h->entry_bytes, false);
}

static void put_file_header(const ElfFile *file, ByteBuf *out)
{
    static const u8 ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    dv_bytebuf_bytes(out, ident, sizeof ident);
    dv_bytebuf_u16(out, 1, false); /* relocatable */
    dv_bytebuf_u16(out, file->machine, false);
    dv_bytebuf_u32(out, 1, false);
    dv_bytebuf_u64(out, 0, false);
    dv_bytebuf_u64(out, 0, false);
    dv_bytebuf_u64(out, 0, false); /* of section headers: dv_elf_write */
    dv_bytebuf_u32(out, 0, false);
    dv_bytebuf_u16(out, ELF_HEADER_BYTES, false);
    dv_bytebuf_u16(out, 0, false);
    dv_bytebuf_u16(out, 0, false);
    dv_bytebuf_u16(out, SECTION_HEADER_BYTES, false);
    dv_bytebuf_u16(out, (u16)(file->sections.len + 1), false);
    dv_bytebuf_u16(out, (u16)file->sections.len, false); /* the last has the names of sections */
}

/* About. */
static usize file_bytes(const ElfFile *file)
{
    usize size = ELF_HEADER_BYTES + SECTION_HEADER_BYTES;
    for (u32 i = 0; i < file->sections.len; i++) {
        const ElfSection *s = &file->sections.data[i];
        size += SECTION_HEADER_BYTES + (s->type == ELF_NOBITS ? 0 : (usize)s->size_bytes + 16);
    }
    return size;
}

void dv_elf_write(ElfFile *file, ByteBuf *out)
{
    ByteBuf symbols, names, section_names;
    u32 symtab = file->sections.len + 1, locals = 1;
    put_symbols(file, &symbols, &names);
    while (locals <= file->symbols.len && file->symbols.data[locals - 1].binding == ELF_LOCAL) {
        locals++;
    }
    dv_elf_section(
        file, &(ElfSection){".symtab", ELF_SYMTAB, 8, 0, 0, symbols.data, symbols.len, locals});
    dv_elf_section(file, &(ElfSection){".strtab", ELF_STRTAB, 1, 0, 0, names.data, names.len, 0});
    dv_bytebuf_init(&section_names, file->arena);
    dv_bytebuf_u8(&section_names, 0);
    Header *headers = ARENA_ARRAY(file->arena, Header, file->sections.len + 1);
    for (u32 i = 0; i < file->sections.len; i++) {
        const char *name = file->sections.data[i].name;
        headers[i].name = put_name(&section_names, name, strlen(name));
    }
    headers[file->sections.len].name = put_name(&section_names, ".shstrtab", strlen(".shstrtab"));
    dv_elf_section(file, &(ElfSection){".shstrtab", ELF_STRTAB, 1, 0, 0, section_names.data,
                                       section_names.len, 0});
    dv_bytebuf_reserve(out, file_bytes(file));
    put_file_header(file, out);
    for (u32 i = 0; i < file->sections.len; i++) {
        const ElfSection *s = &file->sections.data[i];
        dv_bytebuf_align(out, s->align_bytes > 16 ? 16 : s->align_bytes, 0);
        headers[i].offset = out->len;
        headers[i].link = s->type == ELF_RELA ? symtab : s->type == ELF_SYMTAB ? symtab + 1 : 0;
        headers[i].entry_bytes = s->type == ELF_RELA     ? RELA_BYTES
                                 : s->type == ELF_SYMTAB ? SYMBOL_BYTES
                                                         : 0;
        if (s->type != ELF_NOBITS && s->size_bytes != 0) {
            dv_bytebuf_bytes(out, s->bytes, (usize)s->size_bytes);
        }
    }
    dv_bytebuf_align(out, 8, 0);
    store_le64(dv_bytebuf_at(out, SECTION_HEADERS_AT, 8), out->len);
    static const ElfSection none;
    put_section_header(out, &none, &(Header){0});
    for (u32 i = 0; i < file->sections.len; i++) {
        put_section_header(out, &file->sections.data[i], &headers[i]);
    }
}

void dv_elf_move(u8 *file, u64 by)
{
    u8 *section = file + load_le64(file + SECTION_HEADERS_AT);
    u32 count = load_le16(file + SECTION_COUNT_AT);
    for (; count-- > 0; section += SECTION_HEADER_BYTES) {
        if ((load_le64(section + FLAGS_AT) & ELF_ALLOC) != 0) {
            store_le64(section + ADDRESS_AT, load_le64(section + ADDRESS_AT) + by);
        }
    }
}
