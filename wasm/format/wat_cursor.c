/* wat_cursor.c - reading tokens one after the other.
 *
 * After an error the cursor stands on the last token for good; whatever is taken then is empty or
 * zero.
 *
 * The reference interpreter knows all keywords in its lexer and calls a word it does not know an
 * "unknown operator", one that it knows, in the wrong place, an "unexpected token"; the
 * specification's tests expect just this. Here a word is only judged when it is unexpected: it is
 * known if it is an operation, a number, or in the list below.
 */
#include "wat_internal.h"

const WatHeapWord dv_wat_heap_words[WAT_HEAP_WORDS] = {
    {"func", "funcref", HEAP_FUNC},
    {"extern", "externref", HEAP_EXTERN},
    {"any", "anyref", HEAP_ANY},
    {"eq", "eqref", HEAP_EQ},
    {"i31", "i31ref", HEAP_I31},
    {"struct", "structref", HEAP_STRUCT},
    {"array", "arrayref", HEAP_ARRAY},
    {"exn", "exnref", HEAP_EXN},
    {"none", "nullref", HEAP_NONE},
    {"nofunc", "nullfuncref", HEAP_NOFUNC},
    {"noextern", "nullexternref", HEAP_NOEXTERN},
    {"noexn", "nullexnref", HEAP_NOEXN},
};

/* Keywords that are no operations and no heap types. */
static const char *const keywords[] = {
    "i8",
    "i16",
    "i32",
    "i64",
    "f32",
    "f64",
    "v128",
    "i8x16",
    "i16x8",
    "i32x4",
    "i64x2",
    "f32x4",
    "f64x2",
    "mut",
    "field",
    "sub",
    "final",
    "rec",
    "type",
    "param",
    "result",
    "local",
    "exact",
    "descriptor",
    "describes",
    "ref",
    "null",
    "shared",
    "pagesize",
    "module",
    "binary",
    "quote",
    "definition",
    "instance",
    "import",
    "export",
    "table",
    "memory",
    "global",
    "tag",
    "start",
    "elem",
    "data",
    "declare",
    "offset",
    "item",
    "then",
    "do",
    "catch",
    "catch_ref",
    "catch_all",
    "catch_all_ref",
    "script",
    "register",
    "invoke",
    "get",
    "assert_malformed",
    "assert_invalid",
    "assert_malformed_custom",
    "assert_invalid_custom",
    "assert_unlinkable",
    "assert_return",
    "assert_trap",
    "assert_exception",
    "assert_exhaustion",
    "nan:canonical",
    "nan:arithmetic",
    "either",
    "thread",
    "wait",
    "input",
    "output",
    "ref.extern",
    "ref.host",
    "ref.struct",
    "ref.array",
    "ref.exn",
};

void dv_wat_cursor_init(WatCursor *c, Arena *arena, WatText *text, Diag *diag)
{
    *c = (WatCursor){arena, text, text->tokens.data, 0, text->tokens.len - 1, false, diag};
}

DV_PRINTF(3, 0)
static void fail_with(WatCursor *c, u32 offset, const char *format, va_list args)
{
    u32 line;
    u32 column;
    TextBuf message;
    dv_text_init(&message, c->arena);
    dv_text_vprintf(&message, format, args);
    dv_wat_position(c->text, offset, &line, &column);
    dv_diag_error(c->diag, line, column, "%s", message.data);
    c->failed = true;
    c->at = c->last;
}

void dv_wat_fail(WatCursor *c, u32 token, const char *format, ...)
{
    va_list args;
    if (!c->failed) {
        va_start(args, format);
        fail_with(c, c->tokens[token].at, format, args);
        va_end(args);
    }
}

void dv_wat_fail_at(WatCursor *c, u32 offset, const char *format, ...)
{
    va_list args;
    if (!c->failed) {
        va_start(args, format);
        fail_with(c, offset, format, args);
        va_end(args);
    }
}

static bool is_number(Str word)
{
    u64 value;
    return dv_wat_parse_int(word, 64, &value) != NUM_SYNTAX ||
           dv_wat_parse_float(word, FLOAT_64, &value) != NUM_SYNTAX;
}

static bool is_known(Str word)
{
    bool is_memarg = word.len > 7 && memcmp(word.data, "offset=", 7) == 0;
    bool is_align = word.len > 6 && memcmp(word.data, "align=", 6) == 0;
    if (is_memarg || is_align) {
        u64 value;
        u32 skip = is_memarg ? 7 : 6;
        return dv_wat_parse_nat((Str){word.data + skip, word.len - skip}, &value) != NUM_SYNTAX;
    }
    for (u32 i = 0; i < ARRAY_LEN(keywords); i++) {
        if (dv_str_is(word, keywords[i])) {
            return true;
        }
    }
    for (u32 i = 0; i < WAT_HEAP_WORDS; i++) {
        if (dv_str_is(word, dv_wat_heap_words[i].word) ||
            dv_str_is(word, dv_wat_heap_words[i].shorthand)) {
            return true;
        }
    }
    return dv_wasm_op_find(word.data, word.len) != W_COUNT || is_number(word);
}

void dv_wat_unexpected(WatCursor *c, const char *expected)
{
    Str word = dv_wat_token_text(c, c->at);
    if (c->failed) {
        return;
    }
    if (dv_wat_kind(c) == WAT_END || c->at == c->last) {
        dv_wat_fail(c, c->at, "unexpected token at the end of the text, expected %s", expected);
    } else if (dv_wat_kind(c) == WAT_WORD && !is_known(word)) {
        dv_wat_fail(c, c->at, "unknown operator %s", dv_diag_quote(c->arena, word.data, word.len));
    } else {
        dv_wat_fail(c, c->at, "unexpected token %s, expected %s",
                    dv_diag_quote(c->arena, word.data, word.len), expected);
    }
}

static bool token_is(const WatCursor *c, u32 token, const char *word)
{
    return c->tokens[token].kind == WAT_WORD && dv_str_is(dv_wat_token_text(c, token), word);
}

bool dv_wat_is_word(const WatCursor *c, const char *word)
{
    return token_is(c, c->at, word);
}

bool dv_wat_take_word(WatCursor *c, const char *word)
{
    if (!dv_wat_is_word(c, word)) {
        return false;
    }
    dv_wat_skip(c);
    return true;
}

bool dv_wat_is_form(const WatCursor *c, const char *word)
{
    return dv_wat_kind(c) == WAT_LPAR && token_is(c, c->at + 1, word);
}

bool dv_wat_take_form(WatCursor *c, const char *word)
{
    if (!dv_wat_is_form(c, word)) {
        return false;
    }
    dv_wat_skip(c);
    dv_wat_skip(c);
    return true;
}

Str dv_wat_form(const WatCursor *c)
{
    bool is_form = dv_wat_kind(c) == WAT_LPAR && c->tokens[c->at + 1].kind == WAT_WORD;
    return is_form ? dv_wat_token_text(c, c->at + 1) : (Str){"", 0};
}

void dv_wat_close(WatCursor *c)
{
    if (dv_wat_kind(c) != WAT_RPAR) {
        dv_wat_unexpected(c, "\")\"");
    }
    dv_wat_skip(c);
}

u32 dv_wat_take_id(WatCursor *c)
{
    u32 id = 0;
    if (dv_wat_kind(c) == WAT_ID) {
        id = dv_wat_peek(c)->link;
        dv_wat_skip(c);
    }
    return id;
}

Str dv_wat_id_text(const WatCursor *c, u32 id)
{
    return dv_strmap_str(&c->text->ids, id - 1);
}

void dv_wat_take_string(WatCursor *c, ByteBuf *out)
{
    Str s = dv_wat_token_text(c, c->at);
    if (dv_wat_kind(c) != WAT_STRING) {
        dv_wat_unexpected(c, "a string");
        return;
    }
    dv_wat_unescape(s.data + 1, s.len - 2, out);
    dv_wat_skip(c);
}

Str dv_wat_take_name(WatCursor *c)
{
    ByteBuf bytes;
    usize bad;
    u32 token = c->at;
    dv_bytebuf_init(&bytes, c->arena);
    dv_wat_take_string(c, &bytes);
    if (!c->failed && !dv_wat_is_utf8((const char *)bytes.data, bytes.len, &bad)) {
        dv_wat_fail(c, token, "malformed UTF-8 encoding");
    }
    return c->failed ? (Str){"", 0} : (Str){(const char *)bytes.data, (u32)bytes.len};
}

/* ---- numbers ---- */

bool dv_wat_is_number(const WatCursor *c)
{
    return dv_wat_kind(c) == WAT_WORD && is_number(dv_wat_token_text(c, c->at));
}

bool dv_wat_is_nat(const WatCursor *c)
{
    u64 value;
    return dv_wat_kind(c) == WAT_WORD &&
           dv_wat_parse_nat(dv_wat_token_text(c, c->at), &value) != NUM_SYNTAX;
}

bool dv_wat_is_index(const WatCursor *c)
{
    return dv_wat_kind(c) == WAT_ID || dv_wat_is_nat(c);
}

u64 dv_wat_take_nat(WatCursor *c, u32 bits, const char *range)
{
    u64 value = 0;
    WatNum status = dv_wat_kind(c) != WAT_WORD
                        ? NUM_SYNTAX
                        : dv_wat_parse_nat(dv_wat_token_text(c, c->at), &value);
    if (status == NUM_SYNTAX) {
        dv_wat_unexpected(c, "a number");
        return 0;
    }
    if (status == NUM_RANGE || (bits < 64 && value >> bits != 0)) {
        dv_wat_fail(c, c->at, "%s", range);
        return 0;
    }
    dv_wat_skip(c);
    return value;
}

static void fail_literal(WatCursor *c, WatNum status, const char *expected)
{
    if (status == NUM_SYNTAX) {
        dv_wat_unexpected(c, expected);
    } else {
        dv_wat_fail(c, c->at, "constant out of range");
    }
}

u64 dv_wat_take_int(WatCursor *c, u32 bits)
{
    u64 value = 0;
    WatNum status = dv_wat_kind(c) != WAT_WORD
                        ? NUM_SYNTAX
                        : dv_wat_parse_int(dv_wat_token_text(c, c->at), bits, &value);
    if (status != NUM_OK) {
        fail_literal(c, status, "an integer");
        return 0;
    }
    dv_wat_skip(c);
    return value;
}

u64 dv_wat_take_float(WatCursor *c, FloatKind kind)
{
    u64 value = 0;
    WatNum status = dv_wat_kind(c) != WAT_WORD
                        ? NUM_SYNTAX
                        : dv_wat_parse_float(dv_wat_token_text(c, c->at), kind, &value);
    if (status != NUM_OK) {
        fail_literal(c, status, "a floating-point number");
        return 0;
    }
    dv_wat_skip(c);
    return value;
}

bool dv_wat_take_nan(WatCursor *c, u8 *nan)
{
    if (dv_wat_take_word(c, "nan:canonical")) {
        *nan = WAST_NAN_CANONICAL;
        return true;
    }
    if (dv_wat_take_word(c, "nan:arithmetic")) {
        *nan = WAST_NAN_ARITHMETIC;
        return true;
    }
    return false;
}

typedef struct Shape {
    const char *word;
    u8 log2_bytes;
    bool is_float;
} Shape;

static const Shape shapes[] = {
    {"i8x16", 0, false}, {"i16x8", 1, false}, {"i32x4", 2, false},
    {"i64x2", 3, false}, {"f32x4", 2, true},  {"f64x2", 3, true},
};

static const Shape *take_shape(WatCursor *c)
{
    for (u32 i = 0; i < ARRAY_LEN(shapes); i++) {
        if (dv_wat_take_word(c, shapes[i].word)) {
            return &shapes[i];
        }
    }
    dv_wat_unexpected(c, "the shape of a vector");
    return &shapes[0];
}

void dv_wat_take_vector(WatCursor *c, bool nan, WatVector *out)
{
    const Shape *shape = take_shape(c);
    u32 lane_bytes = 1u << shape->log2_bytes;
    u32 lanes = 16 / lane_bytes;
    u32 found = 0;
    memset(out, 0, sizeof *out);
    out->shape = shape->log2_bytes;
    out->is_float = shape->is_float;
    while (!c->failed && c->tokens[c->at + found].kind == WAT_WORD && found < lanes &&
           dv_wasm_op_find(dv_wat_token_text(c, c->at + found).data,
                           c->tokens[c->at + found].size) == W_COUNT) {
        found++;
    }
    if (!c->failed && found < lanes) {
        c->at += found;
        dv_wat_fail(c, c->at, "wrong number of lane literals: %" PRIu32 " of %" PRIu32, found,
                    lanes);
    }
    for (u32 lane = 0; lane < lanes && !c->failed; lane++) {
        u64 value = 0;
        if (!shape->is_float) {
            value = dv_wat_take_int(c, lane_bytes * 8);
        } else if (!nan || !dv_wat_take_nan(c, &out->nan[lane])) {
            value = dv_wat_take_float(c, lane_bytes == 4 ? FLOAT_32 : FLOAT_64);
        }
        for (u32 i = 0; i < lane_bytes; i++) {
            out->bytes[lane * lane_bytes + i] = (u8)(value >> (8 * i));
        }
    }
    if (!c->failed && dv_wat_is_number(c)) {
        dv_wat_fail(c, c->at, "wrong number of lane literals: more than %" PRIu32, lanes);
    }
}

u32 dv_wat_first_annot(const WatText *text, u32 token)
{
    u32 low = 0;
    u32 high = text->annots.len;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (text->annots.data[middle].before < token) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static WatAnnot *find_annot(const WatCursor *c, u32 token, WatAnnotKind kind)
{
    for (u32 i = dv_wat_first_annot(c->text, token);
         i < c->text->annots.len && c->text->annots.data[i].before == token; i++) {
        WatAnnot *annot = &c->text->annots.data[i];
        if (annot->kind == (u8)kind && !annot->used) {
            return annot;
        }
    }
    return NULL;
}

bool dv_wat_has_annot(const WatCursor *c, u32 token, WatAnnotKind kind)
{
    return find_annot(c, token, kind) != NULL;
}

WatAnnot *dv_wat_take_annot(WatCursor *c, u32 token, WatAnnotKind kind)
{
    WatAnnot *annot = find_annot(c, token, kind);
    if (annot != NULL) {
        annot->used = true;
    }
    return annot;
}
