/* dwarf.c - unwind tables for code in an object or in memory (rt/eh_frame.h), line tables from srclocs.
 *
 * The line table is of version 4: of the operations, those that set an address, advance, and copy suffice. A srcloc is a
 * line. Where there is none, the line before goes on; before the first one of a function, that one holds.
 *
 * Source: DWARF 4, 6.2 and 7. */
#include "codegen/object/dwarf.h"

#include "rt/eh_frame.h"

static void put_u8(ByteBuf *buf, u32 x)
{
    dv_bytebuf_u8(buf, (u8)x);
}

static void put_u32(ByteBuf *buf, u32 x)
{
    dv_bytebuf_u32(buf, x, false);
}

static void put_text(ByteBuf *buf, const char *text, usize length)
{
    dv_bytebuf_bytes(buf, text, length);
    put_u8(buf, 0);
}

/* Room for a length in 4 bytes, which end_length fills in. */
static usize begin_length(ByteBuf *buf)
{
    usize at = buf->len;
    put_u32(buf, 0);
    return at;
}

static void end_length(ByteBuf *buf, usize at)
{
    store_le32(dv_bytebuf_at(buf, at, 4), (u32)(buf->len - at - 4));
}

static void put_place(DwarfSection *section, u8 what, u64 offset)
{
    DwarfPlace place = {(u32)section->bytes.len, what, offset};
    vec_push(section->bytes.arena, &section->places, place);
    if (what == DWARF_CODE) {
        dv_bytebuf_u64(&section->bytes, offset, false);
    } else {
        put_u32(&section->bytes, (u32)offset);
    }
}

/* ---- .eh_frame ------------------------------------------------------------------------------------------- */

void dv_dwarf_frames(const NativeTarget *target, const DwarfFuncs *funcs, Arena *arena,
                     DwarfSection *out)
{
    memset(out, 0, sizeof *out);
    dv_bytebuf_init(&out->bytes, arena);
    dv_eh_frame_begin(&out->bytes, target->frames);
    for (u32 i = 0; i < funcs->len; i++) {
        const DwarfFunc *f = &funcs->data[i];
        const EhFunc entry = {f->offset, f->code->size_bytes, f->code->unwind.data,
                              f->code->unwind.len};
        usize at = dv_eh_frame_add(&out->bytes, target->frames, &entry);
        DwarfPlace place = {(u32)at, DWARF_CODE, f->offset};
        vec_push(arena, &out->places, place);
    }
}

/* ---- .debug_info ----------------------------------------------------------------------------------------- */

enum {
    TAG_COMPILE_UNIT = 0x11,
    TAG_SUBPROGRAM = 0x2e,
    AT_NAME = 0x03,
    AT_STMT_LIST = 0x10,
    AT_LOW_PC = 0x11,
    AT_HIGH_PC = 0x12,
    AT_LANGUAGE = 0x13,
    AT_PRODUCER = 0x25,
    AT_EXTERNAL = 0x3f,
    FORM_ADDR = 0x01,
    FORM_DATA2 = 0x05,
    FORM_DATA8 = 0x07,
    FORM_STRING = 0x08,
    FORM_FLAG = 0x0c,
    FORM_SEC_OFFSET = 0x17,
    LANG_C99 = 0x0c, /* debuggers print numbers and calls as C does */
    ABBREV_UNIT = 1,
    ABBREV_FUNC = 2
};

static void put_abbrevs(ByteBuf *buf)
{
    static const u8 abbrevs[] = {ABBREV_UNIT,
                                 TAG_COMPILE_UNIT,
                                 1,
                                 AT_PRODUCER,
                                 FORM_STRING,
                                 AT_LANGUAGE,
                                 FORM_DATA2,
                                 AT_NAME,
                                 FORM_STRING,
                                 AT_STMT_LIST,
                                 FORM_SEC_OFFSET,
                                 AT_LOW_PC,
                                 FORM_ADDR,
                                 AT_HIGH_PC,
                                 FORM_DATA8,
                                 0,
                                 0,
                                 ABBREV_FUNC,
                                 TAG_SUBPROGRAM,
                                 0,
                                 AT_NAME,
                                 FORM_STRING,
                                 AT_EXTERNAL,
                                 FORM_FLAG,
                                 AT_LOW_PC,
                                 FORM_ADDR,
                                 AT_HIGH_PC,
                                 FORM_DATA8,
                                 0,
                                 0,
                                 0};
    dv_bytebuf_bytes(buf, abbrevs, sizeof abbrevs);
}

static void put_info(const char *file, const DwarfFuncs *funcs, u64 code_bytes, DwarfSection *out)
{
    static const char producer[] = "davit " DAVIT_VERSION_STRING;
    ByteBuf *buf = &out->bytes;
    usize at = begin_length(buf);
    dv_bytebuf_u16(buf, 4, false);
    put_place(out, DWARF_ABBREV, 0);
    put_u8(buf, 8);
    put_u8(buf, ABBREV_UNIT);
    put_text(buf, producer, sizeof producer - 1);
    dv_bytebuf_u16(buf, LANG_C99, false);
    put_text(buf, file, strlen(file));
    put_place(out, DWARF_LINE, 0);
    put_place(out, DWARF_CODE, 0);
    dv_bytebuf_u64(buf, code_bytes, false);
    for (u32 i = 0; i < funcs->len; i++) {
        const DwarfFunc *f = &funcs->data[i];
        put_u8(buf, ABBREV_FUNC);
        put_text(buf, f->name.data, f->name.len);
        put_u8(buf, f->external);
        put_place(out, DWARF_CODE, f->offset);
        dv_bytebuf_u64(buf, f->code->size_bytes, false);
    }
    put_u8(buf, 0);
    end_length(buf, at);
}

/* ---- .debug_line ----------------------------------------------------------------------------------------- */

enum {
    LNS_COPY = 1,
    LNS_ADVANCE_PC = 2,
    LNS_ADVANCE_LINE = 3,
    LNE_END_SEQUENCE = 1,
    LNE_SET_ADDRESS = 2
};

static void put_line_header(ByteBuf *buf, const char *file)
{
    static const u8 lengths[] = {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};
    enum { LINE_BASE = 0xfb, LINE_RANGE = 14 }; /* of special operations, which are not used */
    usize at = begin_length(buf);
    put_u8(buf, 1);
    put_u8(buf, 1);
    put_u8(buf, 1);
    put_u8(buf, LINE_BASE);
    put_u8(buf, LINE_RANGE);
    put_u8(buf, (u32)ARRAY_LEN(lengths) + 1);
    dv_bytebuf_bytes(buf, lengths, sizeof lengths);
    put_u8(buf, 0);
    put_text(buf, file, strlen(file));
    dv_bytebuf_uleb(buf, 0);
    dv_bytebuf_uleb(buf, 0);
    dv_bytebuf_uleb(buf, 0);
    put_u8(buf, 0);
    end_length(buf, at);
}

static void put_func_lines(DwarfSection *out, const DwarfFunc *f)
{
    ByteBuf *buf = &out->bytes;
    u32 pc = 0;
    i64 line = 1;
    put_u8(buf, 0);
    dv_bytebuf_uleb(buf, 9);
    put_u8(buf, LNE_SET_ADDRESS);
    put_place(out, DWARF_CODE, f->offset);
    for (u32 i = 0; i < f->code->srclocs.len; i++) {
        const MachSrcRange *range = &f->code->srclocs.data[i];
        u32 start = i == 0 ? 0 : range->start;
        if (i != 0 && (i64)range->srcloc == line) {
            continue;
        }
        put_u8(buf, LNS_ADVANCE_PC);
        dv_bytebuf_uleb(buf, start - pc);
        put_u8(buf, LNS_ADVANCE_LINE);
        dv_bytebuf_sleb(buf, (i64)range->srcloc - line);
        put_u8(buf, LNS_COPY);
        pc = start;
        line = range->srcloc;
    }
    put_u8(buf, LNS_ADVANCE_PC);
    dv_bytebuf_uleb(buf, f->code->size_bytes - pc);
    put_u8(buf, 0);
    dv_bytebuf_uleb(buf, 1);
    put_u8(buf, LNE_END_SEQUENCE);
}

void dv_dwarf_lines(const char *file, const DwarfFuncs *funcs, u64 code_bytes, Arena *arena,
                    Dwarf *out)
{
    DwarfSection *const sections[] = {&out->abbrev, &out->info, &out->line};
    for (usize i = 0; i < ARRAY_LEN(sections); i++) {
        memset(sections[i], 0, sizeof *sections[i]);
        dv_bytebuf_init(&sections[i]->bytes, arena);
    }
    put_abbrevs(&out->abbrev.bytes);
    put_info(file, funcs, code_bytes, &out->info);
    usize at = begin_length(&out->line.bytes);
    dv_bytebuf_u16(&out->line.bytes, 4, false);
    put_line_header(&out->line.bytes, file);
    for (u32 i = 0; i < funcs->len; i++) {
        if (funcs->data[i].code->srclocs.len != 0) {
            put_func_lines(&out->line, &funcs->data[i]);
        }
    }
    end_length(&out->line.bytes, at);
}
