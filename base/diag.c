/* diag.c - collecting, cleaning and formatting diagnostics. UTF-8 is checked as the Unicode
 * Standard, table 3-7, has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#include "diag.h"

void dv_diag_init(Diag *diag, Arena *arena)
{
    memset(diag, 0, sizeof *diag);
    diag->arena = arena;
}

static bool is_continuation(u8 byte)
{
    return (byte & 0xc0) == 0x80;
}

/* How many bytes the printable character at p takes; 0 if it must be escaped. */
static usize printable_length(const u8 *p, usize size)
{
    u8 first = p[0];
    if (first < 0x80) {
        return first >= 0x20 && first != 0x7f ? 1 : 0;
    }
    usize length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || length > size) {
        return 0;
    }
    for (usize i = 1; i < length; i++) {
        if (!is_continuation(p[i])) {
            return 0;
        }
    }
    bool is_control = first == 0xc2 && p[1] < 0xa0;
    bool is_overlong = (first == 0xe0 && p[1] < 0xa0) || (first == 0xf0 && p[1] < 0x90);
    bool is_surrogate = first == 0xed && p[1] >= 0xa0;
    bool is_beyond = first == 0xf4 && p[1] >= 0x90;
    return is_control || is_overlong || is_surrogate || is_beyond ? 0 : length;
}

/* Appends the bytes, those escaped that cannot be shown, as long as they begin before `limit`. */
static void append_clean(TextBuf *out, const char *bytes, usize size, usize limit)
{
    const u8 *p = (const u8 *)bytes;
    usize at = 0;
    while (at < size && at < limit) {
        usize length = printable_length(p + at, size - at);
        if (length != 0) {
            dv_text_bytes(out, p + at, length);
        } else {
            dv_text_printf(out, "\\x%02x", (unsigned)p[at]);
            length = 1;
        }
        at += length;
    }
    if (at < size) {
        dv_text_str(out, "...");
    }
}

const char *dv_diag_quote(Arena *arena, const char *bytes, usize size)
{
    TextBuf out;
    dv_text_init(&out, arena);
    append_clean(&out, bytes, size, DIAG_QUOTE_MAX);
    return out.data;
}

DV_PRINTF(3, 0)
static void add_message(Diag *diag, DiagMessage message, const char *format, va_list args)
{
    diag->error_count += message.severity == DIAG_ERROR;
    if (diag->messages.len >= DIAG_MESSAGES_MAX) {
        diag->dropped_count++;
        return;
    }
    TextBuf raw;
    TextBuf clean;
    dv_text_init(&raw, diag->arena);
    dv_text_vprintf(&raw, format, args);
    dv_text_init(&clean, diag->arena);
    append_clean(&clean, raw.data, raw.length, raw.length);
    message.text = clean.data;
    vec_push(diag->arena, &diag->messages, message);
}

void dv_diag_error(Diag *diag, u32 line, u32 column, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_message(diag, (DiagMessage){line, column, DIAG_ERROR, NULL}, format, args);
    va_end(args);
}

void dv_diag_add(Diag *diag, DiagSeverity severity, u32 line, u32 column, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_message(diag, (DiagMessage){line, column, severity, NULL}, format, args);
    va_end(args);
}

const DiagMessage *dv_diag_first(const Diag *diag)
{
    for (u32 i = 0; i < diag->messages.len; i++) {
        if (diag->messages.data[i].severity == DIAG_ERROR) {
            return &diag->messages.data[i];
        }
    }
    return NULL;
}

void dv_diag_format(const Diag *diag, const char *file, TextBuf *out)
{
    static const char *const severity_names[] = {"error", "warning", "note"};
    for (u32 i = 0; i < diag->messages.len; i++) {
        const DiagMessage *message = &diag->messages.data[i];
        append_clean(out, file, strlen(file), SIZE_MAX);
        if (message->line != 0) {
            dv_text_printf(out, ":%" PRIu32, message->line);
        }
        if (message->line != 0 && message->column != 0) {
            dv_text_printf(out, ":%" PRIu32, message->column);
        }
        dv_text_printf(out, ": %s: ", severity_names[message->severity]);
        dv_text_str(out, message->text);
        dv_text_char(out, '\n');
    }
    if (diag->dropped_count != 0) {
        append_clean(out, file, strlen(file), SIZE_MAX);
        dv_text_printf(out, ": note: %" PRIu64 " more messages\n", diag->dropped_count);
    }
}
