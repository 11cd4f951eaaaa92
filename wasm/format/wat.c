/* wat.c - a text that is one module, to its bytes; and where those bytes came from.
 *
 * A module may be the whole text without "(module", and may hold its bytes or a text of its own as
 * strings. A quoted text may not quote another, so nothing nests.
 */
#include "wat_internal.h"

static bool convert(Arena *arena, Str text, ByteBuf *out, WatPlaces *places, Diag *diag,
                    bool may_quote);

static bool take_form(WatCursor *c, u32 end, ByteBuf *out, WatPlaces *places, u8 *form)
{
    u32 begin = c->at;
    *form = WAST_FORM_TEXT;
    (void)dv_wat_take_id(c);
    if (dv_wat_take_word(c, "binary")) {
        *form = WAST_FORM_BINARY;
        dv_wat_take_strings(c, out);
        if (c->at != end) {
            dv_wat_unexpected(c, "a string");
        }
        return !c->failed;
    }
    if (dv_wat_take_word(c, "quote")) {
        ByteBuf text;
        *form = WAST_FORM_QUOTE;
        dv_bytebuf_init(&text, c->arena);
        dv_wat_take_strings(c, &text);
        if (c->at != end) {
            dv_wat_unexpected(c, "a string");
        }
        if (!c->failed) {
            Str quoted = {text.len == 0 ? "" : (const char *)text.data, (u32)text.len};
            c->failed = !convert(c->arena, quoted, out, places, c->diag, false);
        }
        return !c->failed;
    }
    c->at = begin;
    return dv_wat_take_module(c, end, out, places);
}

bool dv_wat_take_form_of_module(WatCursor *c, u32 end, ByteBuf *out, WatPlaces *places, u8 *form)
{
    return take_form(c, end, out, places, form);
}

static bool convert(Arena *arena, Str text, ByteBuf *out, WatPlaces *places, Diag *diag,
                    bool may_quote)
{
    WatText *lexed = ARENA_NEW(arena, WatText);
    WatCursor c;
    u8 form;
    if (!dv_wat_lex(arena, text, lexed, diag)) {
        return false;
    }
    dv_wat_cursor_init(&c, arena, lexed, diag);
    if (!dv_wat_is_form(&c, "module")) {
        return dv_wat_take_module(&c, c.last, out, places);
    }
    u32 end = dv_wat_peek(&c)->link;
    (void)dv_wat_take_form(&c, "module");
    if (!(may_quote ? take_form(&c, end, out, places, &form)
                    : dv_wat_take_module(&c, end, out, places))) {
        return false;
    }
    dv_wat_close(&c);
    if (!c.failed && c.at != c.last) {
        dv_wat_unexpected(&c, "the end of the text");
    }
    return !c.failed;
}

bool dv_wat_to_binary(Arena *arena, Str text, ByteBuf *out, WatPlaces *places, Diag *diag)
{
    return convert(arena, text, out, places, diag, true);
}

const WatPlace *dv_wat_place(const WatPlaces *places, u32 offset)
{
    u32 low = 0;
    u32 high = places->rows.len;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (places->rows.data[middle].offset <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? NULL : &places->rows.data[low - 1];
}
