/* errors.c - reports about the input: kept in order, printed with the source line and a caret.
 *
 *     rules.isle:12:18: error: there is no term `iaddd`
 *         (rule (lower (iaddd x y)) x)
 *                       ^
 *     rules.isle:3:7: note: ...
 *
 * A long line is cut to a window around the place; tabs count as one column and print as a
 * blank, and bytes that cannot be shown print as `?`, so the caret always stands below its byte. */
#include "base/diag.h"

#include "front.h"

enum { SOURCE_WINDOW = 100 };

static const char *const message_texts[] = {
#define MESSAGE(name, text) text,
#include "messages.def"
#undef MESSAGE
};

static const char *const message_names[] = {
#define MESSAGE(name, text) #name,
#include "messages.def"
#undef MESSAGE
};

const char *dv_isle_message_name(IsleMessage message)
{
    return message_names[message];
}

static const char *fill_in(Isle *isle, IsleMessage message, const char *a, const char *b)
{
    TextBuf out;
    dv_text_init(&out, isle->arena);
    for (const char *p = message_texts[message]; *p != '\0'; p++) {
        if (p[0] == '%' && (p[1] == '1' || p[1] == '2')) {
            const char *arg = p[1] == '1' ? a : b;
            ASSERT(arg != NULL);
            dv_text_str(&out, dv_diag_quote(isle->arena, arg, strlen(arg)));
            p++;
        } else {
            dv_text_char(&out, *p);
        }
    }
    return out.data;
}

static void add_report(Isle *isle, IsleReport report, const char *a, const char *b)
{
    isle->fired[report.message / 64] |= (u64)1 << (report.message % 64);
    if (isle->reports.len < ISLE_REPORTS_MAX) {
        report.text = fill_in(isle, report.message, a, b);
        vec_push(isle->arena, &isle->reports, report);
    }
}

void dv_isle_error(Isle *isle, IslePos pos, IsleMessage message, const char *a, const char *b)
{
    isle->error_count++;
    add_report(isle, (IsleReport){message, ISLE_ERROR, pos, NULL}, a, b);
}

void dv_isle_note(Isle *isle, IslePos pos, IsleMessage message, const char *a, const char *b)
{
    add_report(isle, (IsleReport){message, ISLE_NOTE, pos, NULL}, a, b);
}

static void format_line(const Isle *isle, IslePos pos, u32 column, TextBuf *out)
{
    const IsleFile *file = &vec_at(&isle->files, pos.file);
    u32 start = pos.offset - (column - 1);
    if (column > SOURCE_WINDOW) {
        start = pos.offset - SOURCE_WINDOW / 2;
    }
    dv_text_str(out, "    ");
    for (u32 i = start; i < file->size && i - start < SOURCE_WINDOW; i++) {
        u8 byte = (u8)file->data[i];
        if (byte == '\n' || byte == '\r') {
            break;
        }
        dv_text_char(out, byte == '\t' ? ' ' : byte >= 0x20 && byte < 0x7f ? (char)byte : '?');
    }
    dv_text_str(out, "\n    ");
    dv_text_repeat(out, ' ', pos.offset - start);
    dv_text_str(out, "^\n");
}

void dv_isle_format(const Isle *isle, TextBuf *out)
{
    for (u32 i = 0; i < isle->reports.len; i++) {
        const IsleReport *report = &isle->reports.data[i];
        bool has_place = report->pos.file != ISLE_NONE;
        u32 line = 0;
        u32 column = 0;
        if (has_place) {
            const char *path = vec_at(&isle->files, report->pos.file).path;
            dv_isle_place(isle, report->pos, &line, &column);
            dv_text_str(out, dv_diag_quote(out->arena, path, strlen(path)));
            dv_text_printf(out, ":%" PRIu32 ":%" PRIu32 ": ", line, column);
        }
        dv_text_str(out, report->severity == ISLE_ERROR ? "error: " : "note: ");
        dv_text_str(out, report->text);
        dv_text_char(out, '\n');
        if (has_place) {
            format_line(isle, report->pos, column, out);
        }
    }
    if (isle->reports.len == ISLE_REPORTS_MAX) {
        dv_text_printf(out, "%" PRIu64 " errors in all\n", isle->error_count);
    }
}
