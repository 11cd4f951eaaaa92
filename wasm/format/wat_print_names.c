/* wat_print_names.c - names, types and strings as text.
 *
 * A name of the name section becomes an identifier, quoted if it holds other characters than
 * identifiers may. What is empty or not the first of its kind cannot be one: it is printed as an
 * annotation, (@name "..."), and things are referred to by index, so that no name is lost or
 * changed on the way through the text. Names of labels need not differ.
 *
 * Source: WebAssembly core specification 3.0, appendix "Name Section"; the extended name section
 * proposal.
 */
#include "wasm/format/wat_print.h"

static u64 name_key(u32 subsection, u32 outer, u32 index)
{
    return (u64)subsection << 60 | (u64)outer << 32 | index;
}

enum { OUTER_MAX = 1 << 28 };

typedef struct NameReader {
    WatPrinter *p;
    WasmReader r;
    Map seen; /* key of subsection, outer index and number of the text */
    StrMap texts;
} NameReader;

static bool read_name(NameReader *n, Str *name)
{
    u32 size;
    usize bad;
    if (!dv_wasm_read_u32(&n->r, &size) || size > (usize)(n->r.end - n->r.at)) {
        return false;
    }
    *name = (Str){(const char *)n->r.at, size};
    n->r.at += size;
    return dv_wat_is_utf8(name->data, name->len, &bad);
}

static void add_name(NameReader *n, u32 subsection, u32 outer, u32 index, Str text)
{
    WatPrinter *p = n->p;
    PrintName row = {text, text.len != 0};
    if (subsection != NAMES_LABELS) {
        u32 number = dv_strmap_intern(p->arena, &n->texts, text.data, text.len);
        u64 key = name_key(subsection, outer, number);
        row.is_id = dv_map_put(p->arena, &n->seen, key, 0) && row.is_id;
    }
    if (dv_map_put(p->arena, &p->names, name_key(subsection, outer, index), p->rows.len)) {
        vec_push(p->arena, &p->rows, row);
    }
}

static bool read_map(NameReader *n, u32 subsection, u32 outer)
{
    u32 count;
    if (!dv_wasm_read_u32(&n->r, &count) || outer >= OUTER_MAX) {
        return false;
    }
    for (u32 i = 0; i < count; i++) {
        u32 index;
        Str name;
        if (!dv_wasm_read_u32(&n->r, &index) || !read_name(n, &name)) {
            return false;
        }
        add_name(n, subsection, outer, index, name);
    }
    return true;
}

static bool read_subsection(NameReader *n, u8 id)
{
    WatPrinter *p = n->p;
    if (id == NAMES_MODULE) {
        p->has_module_name = read_name(n, &p->module_name);
        return p->has_module_name;
    }
    if (id != NAMES_LOCALS && id != NAMES_LABELS && id != NAMES_FIELDS) {
        return read_map(n, id, 0);
    }
    u32 count;
    if (!dv_wasm_read_u32(&n->r, &count)) {
        return false;
    }
    for (u32 i = 0; i < count; i++) {
        u32 outer;
        if (!dv_wasm_read_u32(&n->r, &outer) || !read_map(n, id, outer)) {
            return false;
        }
    }
    return true;
}

static bool read_section(NameReader *n)
{
    const u8 *end = n->r.end;
    while (n->r.at < end) {
        u8 id = 0;
        u32 size;
        if (!dv_wasm_read_byte(&n->r, &id) || !dv_wasm_read_u32(&n->r, &size) ||
            size > (usize)(end - n->r.at)) {
            return false;
        }
        const u8 *behind = n->r.at + size;
        n->r.end = behind;
        if (id < NAMES_SUBSECTIONS && (!read_subsection(n, id) || n->r.at != behind)) {
            return false;
        }
        n->r.at = behind;
        n->r.end = end;
    }
    return true;
}

void dv_print_read_names(WatPrinter *p)
{
    const WasmModule *m = p->module;
    u32 i = 0;
    while (i < m->customs.len && !dv_str_is(m->customs.data[i].name, "name")) {
        i++;
    }
    if (i == m->customs.len) {
        return;
    }
    NameReader n;
    Diag diag;
    memset(&n, 0, sizeof n);
    n.p = p;
    dv_diag_init(&diag, p->arena);
    dv_wasm_reader_init(&n.r, m, m->customs.data[i].bytes, &diag);
    p->has_name_section = read_section(&n);
    if (!p->has_name_section || p->options->no_names) {
        p->names = (Map){0};
        p->has_module_name = false;
    }
}

const PrintName *dv_print_find_name(const WatPrinter *p, u32 subsection, u32 outer, u32 index)
{
    u32 row;
    bool found =
        outer < OUTER_MAX && dv_map_get(&p->names, name_key(subsection, outer, index), &row);
    return found ? &p->rows.data[row] : NULL;
}

void dv_print_ref(const WatPrinter *p, TextBuf *out, u32 subsection, u32 outer, u32 index)
{
    const PrintName *name = dv_print_find_name(p, subsection, outer, index);
    if (name != NULL && name->is_id) {
        dv_print_id(out, name->text);
    } else {
        dv_text_u64(out, index);
    }
}

void dv_print_binder(const WatPrinter *p, TextBuf *out, u32 subsection, u32 outer, u32 index)
{
    const PrintName *name = dv_print_find_name(p, subsection, outer, index);
    if (name == NULL) {
        return;
    }
    dv_text_char(out, ' ');
    if (name->is_id) {
        dv_print_id(out, name->text);
    } else {
        dv_text_str(out, "(@name ");
        dv_print_string(out, name->text.data, name->text.len, true);
        dv_text_char(out, ')');
    }
}

void dv_print_id(TextBuf *out, Str text)
{
    static const char symbols[] = "!#$%&'*+-./:<=>?@\\^_`|~";
    bool is_plain = text.len != 0;
    for (u32 i = 0; i < text.len && is_plain; i++) {
        char c = text.data[i];
        is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                   (c != '\0' && strchr(symbols, c) != NULL);
    }
    dv_text_char(out, '$');
    if (is_plain) {
        dv_text_bytes(out, text.data, text.len);
    } else {
        dv_print_string(out, text.data, text.len, true);
    }
}

void dv_print_string(TextBuf *out, const void *bytes, usize size, bool is_text)
{
    const u8 *p = bytes;
    dv_text_char(out, '"');
    for (usize i = 0; i < size; i++) {
        bool is_plain = p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\';
        if (is_plain || (p[i] >= 0x80 && is_text)) {
            dv_text_char(out, (char)p[i]);
        } else {
            dv_text_char(out, '\\');
            dv_text_char(out, "0123456789abcdef"[p[i] >> 4]);
            dv_text_char(out, "0123456789abcdef"[p[i] & 15]);
        }
    }
    dv_text_char(out, '"');
}

static const WatHeapWord *heap_word(ValType type)
{
    for (u32 i = 0; i < WAT_HEAP_WORDS; i++) {
        if (dv_wat_heap_words[i].byte == (type & VT_INDEX)) {
            return &dv_wat_heap_words[i];
        }
    }
    UNREACHABLE();
}

void dv_print_heap(const WatPrinter *p, TextBuf *out, ValType type)
{
    if (!vt_is_indexed(type)) {
        dv_text_str(out, heap_word(type)->word);
    } else {
        dv_text_str(out, (type & VT_EXACT) != 0 ? "(exact " : "");
        dv_print_ref(p, out, dv_wat_spaces[SPACE_TYPE].subsection, 0, type & VT_INDEX);
        dv_text_str(out, (type & VT_EXACT) != 0 ? ")" : "");
    }
}

void dv_print_type(const WatPrinter *p, TextBuf *out, ValType type)
{
    if (!vt_is_ref(type)) {
        dv_wasm_print_type(out, type);
    } else if ((type & VT_NULL) != 0 && !vt_is_indexed(type)) {
        dv_text_str(out, heap_word(type)->shorthand);
    } else {
        dv_text_str(out, (type & VT_NULL) != 0 ? "(ref null " : "(ref ");
        dv_print_heap(p, out, type);
        dv_text_char(out, ')');
    }
}

void dv_print_line(TextBuf *out, u32 depth)
{
    dv_text_char(out, '\n');
    dv_text_repeat(out, ' ', 2 * (usize)(depth < PRINT_INDENT_MAX ? depth : PRINT_INDENT_MAX));
}
