/* wat_write.c - a module's sections, once the text has been read, to its bytes; and the name
 * section.
 *
 * The encoding is the shortest one: numbers without padding, sections only where they hold
 * something, a data count only where code refers to data.
 *
 * Source: WebAssembly core specification 3.0, "Modules" of the binary format and appendix "Name
 * Section"; the extended name section proposal for the subsections of labels, types, tables and so
 * on; branch hinting.
 */
#include "wat_internal.h"

const WatSectionInfo dv_wat_sections[WAT_KNOWN_SECTIONS] = {
    {1, "type"},       {2, "import"}, {3, "func"},   {4, "table"}, {5, "memory"},
    {13, "tag"},       {6, "global"}, {7, "export"}, {8, "start"}, {9, "elem"},
    {12, "datacount"}, {10, "code"},  {11, "data"},
};

enum { SECTION_START = 8, SECTION_CODE = 10, SECTION_DATA = 11, SECTION_DATA_COUNT = 12 };

static void put_sized(ByteBuf *out, u8 id, const ByteBuf *payload)
{
    dv_bytebuf_u8(out, id);
    dv_bytebuf_uleb(out, payload->len);
    dv_bytebuf_bytes(out, payload->data, payload->len);
}

static void put_name(ByteBuf *out, Str name)
{
    dv_bytebuf_uleb(out, name.len);
    dv_bytebuf_bytes(out, name.data, name.len);
}

static void put_custom(Arena *arena, ByteBuf *out, Str name, const ByteBuf *bytes)
{
    ByteBuf payload;
    dv_bytebuf_init(&payload, arena);
    put_name(&payload, name);
    dv_bytebuf_bytes(&payload, bytes->data, bytes->len);
    put_sized(out, 0, &payload);
}

/* A subsection whose items were counted while they were appended. */
static void put_counted(Arena *arena, ByteBuf *out, u8 id, u32 count, const ByteBuf *items)
{
    ByteBuf payload;
    dv_bytebuf_init(&payload, arena);
    if (count != 0) {
        dv_bytebuf_uleb(&payload, count);
        dv_bytebuf_bytes(&payload, items->data, items->len);
        put_sized(out, id, &payload);
    }
}

static void put_space_names(WatBuilder *b, ByteBuf *out, u8 id, const WatNameRows *rows)
{
    ByteBuf payload;
    dv_bytebuf_init(&payload, b->arena);
    for (u32 i = 0; i < rows->len; i++) {
        dv_bytebuf_uleb(&payload, rows->data[i].index);
        put_name(&payload, rows->data[i].name);
    }
    put_counted(b->arena, out, id, rows->len, &payload);
}

enum { NAMES_MODULE = 0, NAMES_LOCALS = 2, NAMES_LABELS = 3, NAMES_FIELDS = 10, NAMES_COUNT = 12 };

static void put_names(WatBuilder *b, ByteBuf *out)
{
    ByteBuf names;
    dv_bytebuf_init(&names, b->arena);
    if (b->has_module_name) {
        ByteBuf payload;
        dv_bytebuf_init(&payload, b->arena);
        put_name(&payload, b->module_name);
        put_sized(&names, NAMES_MODULE, &payload);
    }
    for (u8 id = 1; id < NAMES_COUNT; id++) {
        if (id == NAMES_LOCALS) {
            put_counted(b->arena, &names, id, b->num_name_locals, &b->name_locals);
        } else if (id == NAMES_LABELS) {
            put_counted(b->arena, &names, id, b->num_name_labels, &b->name_labels);
        } else if (id == NAMES_FIELDS) {
            put_counted(b->arena, &names, id, b->num_name_fields, &b->name_fields);
        }
        for (u32 space = 0; space < SPACE_COUNT; space++) {
            if (dv_wat_spaces[space].subsection == id) {
                put_space_names(b, &names, id, &b->names[space].rows);
            }
        }
    }
    if (names.len != 0) {
        put_custom(b->arena, out, (Str){"name", 4}, &names);
    }
}

static void put_customs(WatBuilder *b, ByteBuf *out, u32 slot)
{
    for (u32 i = 0; i < b->customs.len; i++) {
        if (b->customs.data[i].slot == slot) {
            put_custom(b->arena, out, b->customs.data[i].name, &b->customs.data[i].bytes);
        }
    }
}

static void put_section(WatBuilder *b, ByteBuf *out, u8 id, usize base, WatPlaces *places)
{
    WatSection *section = &b->sections[id];
    ByteBuf payload;
    dv_bytebuf_init(&payload, b->arena);
    if (id == SECTION_DATA_COUNT) {
        if (b->needs_data_count) {
            dv_bytebuf_uleb(&payload, b->sections[SECTION_DATA].count);
            put_sized(out, id, &payload);
        }
        return;
    }
    if (id == SECTION_START ? !b->has_start : section->count == 0) {
        return;
    }
    if (id != SECTION_START) {
        dv_bytebuf_uleb(&payload, section->count);
    }
    usize count_size = payload.len;
    dv_bytebuf_bytes(&payload, section->bytes.data, section->bytes.len);
    put_sized(out, id, &payload);
    u32 shift = (u32)(out->len - payload.len + count_size - base);
    for (u32 i = 0; i < section->places.len && places != NULL; i++) {
        WatPlace place = section->places.data[i];
        place.offset += shift;
        vec_push(b->arena, &places->rows, place);
    }
}

static void put_hints(WatBuilder *b, ByteBuf *out)
{
    static const char name[] = "metadata.code.branch_hint";
    ByteBuf payload;
    dv_bytebuf_init(&payload, b->arena);
    if (b->num_hint_funcs != 0) {
        dv_bytebuf_uleb(&payload, b->num_hint_funcs);
        dv_bytebuf_bytes(&payload, b->hint_section.data, b->hint_section.len);
        put_custom(b->arena, out, (Str){name, sizeof name - 1}, &payload);
    }
}

void dv_wat_write(WatBuilder *b, ByteBuf *out, WatPlaces *places)
{
    static const u8 header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    usize base = out->len;
    dv_bytebuf_bytes(out, header, sizeof header);
    for (u32 i = 0; i < WAT_KNOWN_SECTIONS; i++) {
        put_customs(b, out, 2 * i);
        if (dv_wat_sections[i].id == SECTION_CODE) {
            put_hints(b, out);
        }
        put_section(b, out, dv_wat_sections[i].id, base, places);
        put_customs(b, out, 2 * i + 1);
    }
    put_customs(b, out, 2 * WAT_KNOWN_SECTIONS);
    put_names(b, out);
}
