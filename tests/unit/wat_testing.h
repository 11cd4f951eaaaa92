/* wat_testing.h - what the tests of the text format share: texts to bytes, errors with their
 * places, and the walk over the specification's tests, where they are at hand. */
#ifndef DV_WAT_TESTING_H
#define DV_WAT_TESTING_H

#include "unit.h"

#include <dirent.h>

#include "base/io.h"
#include "wasm/format/text.h"

static inline Str str_of(const char *text)
{
    return (Str){text, (u32)strlen(text)};
}

static inline bool starts_with(const char *text, Str prefix)
{
    return strlen(text) >= prefix.len && memcmp(text, prefix.data, prefix.len) == 0;
}

static inline void wat_compile_str(Arena *arena, Str text, ByteBuf *out, WatPlaces *places)
{
    Diag diag;
    dv_diag_init(&diag, arena);
    dv_bytebuf_init(out, arena);
    if (!dv_wat_to_binary(arena, text, out, places, &diag)) {
        const DiagMessage *first = dv_diag_first(&diag);
        fail_msg("%u:%u: %s\n%.*s", (unsigned)first->line, (unsigned)first->column, first->text,
                 (int)(text.len < 2000 ? text.len : 2000), text.data);
    }
}

/* The bytes of a text that must be good. */
static inline ByteBuf wat_compile(Arena *arena, const char *text)
{
    ByteBuf out;
    wat_compile_str(arena, str_of(text), &out, NULL);
    return out;
}

/* A text is refused with a message that begins like this, at this place (line 0: anywhere). */
static inline void wat_check_error(Arena *arena, const char *text, const char *message, u32 line,
                                   u32 column)
{
    Diag diag;
    ByteBuf out;
    dv_diag_init(&diag, arena);
    dv_bytebuf_init(&out, arena);
    bool ok = dv_wat_to_binary(arena, str_of(text), &out, NULL, &diag);
    if (ok) {
        fail_msg("accepted: %s", text);
    }
    const DiagMessage *first = dv_diag_first(&diag);
    assert_non_null(first);
    if (!starts_with(first->text, str_of(message))) {
        fail_msg("%s\nexpected \"%s\", got \"%s\"", text, message, first->text);
    }
    if (line != 0 && (first->line != line || first->column != column)) {
        fail_msg("%s\nexpected %u:%u, got %u:%u", text, (unsigned)line, (unsigned)column,
                 (unsigned)first->line, (unsigned)first->column);
    }
}

/* The bytes of a section's payload, in the module. */
static inline bool wat_find_section(const ByteBuf *module, u8 id, const u8 **bytes, usize *size)
{
    usize at = 8;
    while (at < module->len) {
        u8 section = module->data[at++];
        usize length = 0;
        for (u32 shift = 0;; shift += 7) {
            u8 byte = module->data[at++];
            length |= (usize)(byte & 0x7f) << shift;
            if (byte < 0x80) {
                break;
            }
        }
        if (section == id) {
            *bytes = module->data + at;
            *size = length;
            return true;
        }
        at += length;
    }
    return false;
}

static inline void wat_check_section(Arena *arena, const char *text, u8 id, const char *expected,
                                     usize size)
{
    ByteBuf module = wat_compile(arena, text);
    const u8 *bytes = NULL;
    usize length = 0;
    if (!wat_find_section(&module, id, &bytes, &length)) {
        fail_msg("no section %u: %s", (unsigned)id, text);
    }
    if (length != size || memcmp(bytes, expected, size) != 0) {
        print_message("%s\n", text);
        for (usize i = 0; i < length; i++) {
            print_message("%02x ", bytes[i]);
        }
        fail_msg("section %u differs", (unsigned)id);
    }
}
/* The payload of section `id` is these bytes, a string literal. */
#define CHECK_SECTION(arena, text, id, bytes) \
    wat_check_section((arena), (text), (id), (bytes), sizeof(bytes) - 1)

/* ---- the specification's tests ---- */

typedef void VisitScript(Arena *arena, const char *path, Str text, void *context);

/* Visits the .wast files of a directory and of those below it, as deep as told; gives how many
 * there were. */
static inline u32 visit_scripts(Fixture *f, const char *directory, u32 depth, VisitScript *visit,
                                void *context)
{
    u32 count = 0;
    DIR *dir = opendir(directory);
    if (dir == NULL) {
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        ArenaMark mark = dv_arena_mark(&f->arena);
        const char *path = dv_arena_printf(&f->arena, "%s/%s", directory, entry->d_name);
        usize length = strlen(path);
        if (length > 5 && strcmp(path + length - 5, ".wast") == 0) {
            IoBytes bytes;
            const char *error;
            assert_int_equal(dv_io_read(&f->arena, path, 0, &bytes, &error), DAVIT_OK);
            visit(&f->arena, path, (Str){(const char *)bytes.data, (u32)bytes.size}, context);
            count++;
        } else if (entry->d_name[0] != '.' && depth > 0) {
            count += visit_scripts(f, path, depth - 1, visit, context);
        }
        dv_arena_release_to(&f->arena, mark);
    }
    closedir(dir);
    return count;
}

/* Where the specification's tests are; the test is skipped where they are not. */
static inline const char *spec_tests(void)
{
    const char *dir = getenv("DAVIT_SPEC_TESTSUITE");
    dir = dir != NULL ? dir : "../shared/wasm-testsuite";
    DIR *open = opendir(dir);
    if (open == NULL) {
        print_message("no specification tests at %s\n", dir);
        skip();
    }
    closedir(open);
    return dir;
}

#endif
