/* ctext.c - names, types, literals and prototypes in C.
 *
 * Every name of the rules keeps its spelling where C allows it: one search finds a term in rules, generated code and
 * the C beside it. docs/isle.md, "C conventions", is the manual of what is decided here. */
#include "back.h"

static const char *const keywords[] = {
    "alignas",  "alignof", "auto",  "bool",     "break",  "case",     "char",   "const",
    "continue", "default", "do",    "double",   "else",   "enum",     "extern", "false",
    "float",    "for",     "goto",  "if",       "inline", "int",      "long",   "register",
    "restrict", "return",  "short", "signed",   "sizeof", "static",   "struct", "switch",
    "true",     "typedef", "union", "unsigned", "void",   "volatile", "while",  "main",
    "NULL",     "ctx",     "out",   "max",      "count"};

static bool is_c_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

const char *dv_isle_c_part(Isle *isle, Str name)
{
    TextBuf text;
    dv_text_init(&text, isle->arena);
    for (u32 i = 0; i < name.len; i++) {
        dv_text_char(&text, is_c_letter(name.data[i]) ? name.data[i] : '_');
    }
    return text.data;
}

const char *dv_isle_c_name(Isle *isle, Str name)
{
    const char *part = dv_isle_c_part(isle, name);
    if (part[0] >= '0' && part[0] <= '9') {
        return dv_arena_printf(isle->arena, "_%s", part);
    }
    for (u32 i = 0; i < ARRAY_LEN(keywords); i++) {
        if (strcmp(part, keywords[i]) == 0) {
            return dv_arena_printf(isle->arena, "%s_", part);
        }
    }
    return part;
}

const char *dv_isle_c_type(Isle *isle, IsleType type)
{
    const IsleTypeInfo *info = isle_type(isle, type);
    if (info->kind != TYPE_BUILTIN) {
        return dv_isle_c_name(
            isle, isle_str(isle, info->kind == TYPE_PRIMITIVE ? info->c_name : info->name));
    }
    if (info->int_bits == 1) {
        return "bool";
    }
    if (info->int_bits == 128) {
        return "U128";
    }
    return dv_arena_printf(isle->arena, "%c%u", info->is_signed ? 'i' : 'u', info->int_bits);
}

const char *dv_isle_c_member(Isle *isle, IsleTerm variant)
{
    const IsleTermInfo *info = isle_term(isle, variant);
    Str name = isle_str(isle, info->name);
    Str type = isle_str(isle, isle_type(isle, info->ret)->name);
    if (name.len > type.len + 1) {
        name = (Str){name.data + type.len + 1, name.len - type.len - 1};
    }
    return dv_isle_c_name(isle, name);
}

const char *dv_isle_c_variant(Isle *isle, IsleTerm variant)
{
    return dv_isle_c_name(isle, isle_str(isle, isle_term(isle, variant)->name));
}

const char *dv_isle_c_field(Isle *isle, IsleTerm variant, u32 index)
{
    return dv_isle_c_name(isle, isle_str(isle, vec_at(&isle_term(isle, variant)->fields, index)));
}

const char *dv_isle_c_const(Isle *isle, IsleConst constant)
{
    const IsleConstInfo *info = isle_const(isle, constant);
    Str name = isle_str(isle, info->name);
    name = (Str){name.data + 1, name.len - 1};
    if (info->lane_bits == 0) {
        return dv_isle_c_name(isle, name);
    }
    char class = name.data[0] == 'f' || name.data[0] == 'F' ? 'F' : 'I';
    if (info->lane_count == 1) {
        return dv_arena_printf(isle->arena, "TYPE_%c%u", class, info->lane_bits);
    }
    return dv_arena_printf(isle->arena, "TYPE_MAKE(LANE_%c%u, %u)", class, info->lane_bits,
                           dv_ctz32(info->lane_count));
}

static const char *u64_text(Isle *isle, u64 x)
{
    return dv_arena_printf(isle->arena, x > INT32_MAX ? "UINT64_C(%" PRIu64 ")" : "%" PRIu64, x);
}

const char *dv_isle_c_literal(Isle *isle, IsleType type, U128 literal)
{
    const IsleTypeInfo *info = isle_type(isle, type);
    if (info->int_bits == 1) {
        return literal.lo != 0 ? "true" : "false";
    }
    if (info->int_bits == 128) {
        return dv_arena_printf(isle->arena, "((U128){%s, %s})", u64_text(isle, literal.lo),
                               u64_text(isle, literal.hi));
    }
    i64 x = (i64)literal.lo;
    if (!info->is_signed && info->int_bits != 0) {
        const char *format = info->int_bits == 64 ? "UINT64_C(%" PRIu64 ")" : "%" PRIu64 "u";
        return dv_arena_printf(isle->arena, format, literal.lo);
    }
    if (x == INT64_MIN) {
        return "INT64_MIN";
    }
    const char *format = info->int_bits == 64 || x > INT32_MAX || x < -INT32_MAX
                             ? "INT64_C(%" PRId64 ")"
                             : "%" PRId64;
    const char *text = dv_arena_printf(isle->arena, format, x < 0 ? -x : x);
    if (x >= 0) {
        return text;
    }
    return dv_arena_printf(isle->arena, info->int_bits == 32 ? "((i32)-%s)" : "(-%s)", text);
}

/* ---- text of the rules inside strings and comments -------------------------------------------------------- */

const char *dv_isle_c_string(Isle *isle, const char *from)
{
    TextBuf text;
    dv_text_init(&text, isle->arena);
    for (const char *p = from; *p != '\0'; p++) {
        u8 c = (u8)*p;
        if (c < 0x20 || c >= 0x7f) {
            dv_text_printf(&text, "\\%03o", (unsigned)c);
            continue;
        }
        /* two ? would begin a trigraph */
        dv_text_str(&text, c == '"' || c == '\\' || c == '?' ? "\\" : "");
        dv_text_char(&text, *p);
    }
    return text.data;
}

const char *dv_isle_c_comment(Isle *isle, const char *from)
{
    TextBuf text;
    dv_text_init(&text, isle->arena);
    for (const char *p = from; *p != '\0'; p++) {
        u8 c = (u8)*p;
        bool is_mark = (p[0] == '*' && p[1] == '/') || (p[0] == '/' && p[1] == '*');
        dv_text_char(&text, c < 0x20 || c >= 0x7f ? '?' : *p);
        dv_text_str(&text, is_mark ? " " : "");
    }
    return text.data;
}

/* ---- types C can compare ------------------------------------------------------------------------------- */

bool dv_isle_is_tagged(const Isle *isle, IsleType type)
{
    const IsleTypeInfo *info = isle_type(isle, type);
    for (u32 i = 0; info->kind == TYPE_ENUM && i < info->variants.len; i++) {
        if (isle_term(isle, vec_at(&info->variants, i))->args.len > 0) {
            return true;
        }
    }
    return false;
}

bool dv_isle_has_key(const Isle *isle, IsleType type)
{
    const IsleTypeInfo *info = isle_type(isle, type);
    return info->kind == TYPE_PRIMITIVE || (info->kind == TYPE_BUILTIN && info->int_bits != 128) ||
           (info->kind == TYPE_ENUM && !dv_isle_is_tagged(isle, type));
}

const char *dv_isle_c_key(Isle *isle, IsleType type, const char *value)
{
    if (isle_type(isle, type)->kind != TYPE_PRIMITIVE) {
        return value;
    }
    return dv_arena_printf(isle->arena, "ISLE_KEY_%s(%s)", dv_isle_c_type(isle, type), value);
}

const char *dv_isle_c_label(Isle *isle, IsleConst constant)
{
    IsleType type = isle_const(isle, constant)->type;
    const char *name = dv_isle_c_const(isle, constant);
    if (isle_type(isle, type)->kind != TYPE_PRIMITIVE) {
        return name;
    }
    return dv_arena_printf(isle->arena, "ISLE_CASE_%s(%s)", dv_isle_c_type(isle, type), name);
}

const char *dv_isle_c_equal(Isle *isle, const IsleOptions *options, IsleType type, const char *a,
                            const char *b)
{
    if (dv_isle_has_key(isle, type)) {
        return dv_arena_printf(isle->arena, "%s == %s", dv_isle_c_key(isle, type, a),
                               dv_isle_c_key(isle, type, b));
    }
    if (isle_type(isle, type)->int_bits == 128) {
        return dv_arena_printf(isle->arena, "dv_u128_eq(%s, %s)", a, b);
    }
    return dv_arena_printf(isle->arena, "%s_equal_%s(%s, %s)", options->prefix,
                           dv_isle_c_type(isle, type), a, b);
}

/* ---- functions --------------------------------------------------------------------------------------------- */

const char *dv_isle_c_constructor(Isle *isle, const IsleOptions *options, IsleTerm term)
{
    const IsleTermInfo *info = isle_term(isle, term);
    if (info->ctor == CTOR_EXTERN) {
        return dv_isle_c_name(isle, isle_str(isle, info->ctor_func));
    }
    const char *format = info->ctor == CTOR_OP ? "%s_make_%s" : "%s_%s";
    return dv_arena_printf(isle->arena, format, options->prefix,
                           dv_isle_c_part(isle, isle_str(isle, info->name)));
}

const char *dv_isle_c_extractor(Isle *isle, const IsleOptions *options, IsleTerm term)
{
    const IsleTermInfo *info = isle_term(isle, term);
    if (info->etor == ETOR_EXTERN) {
        return dv_isle_c_name(isle, isle_str(isle, info->etor_func));
    }
    return dv_arena_printf(isle->arena, "%s_match_%s", options->prefix,
                           dv_isle_c_part(isle, isle_str(isle, info->name)));
}

void dv_isle_c_constructor_prototype(Isle *isle, const IsleOptions *options, IsleTerm term,
                                     TextBuf *out)
{
    const IsleTermInfo *info = isle_term(isle, term);
    const char *ret = dv_isle_c_type(isle, info->ret);
    bool has_array = info->is_multi && info->ctor == CTOR_RULES;
    bool has_iterator = info->is_multi && !has_array;
    bool has_out = info->is_multi || info->is_partial;
    const char *gives = has_array ? "u32" : has_out ? "bool" : ret;
    dv_text_printf(out, "%s %s(%s *ctx", gives, dv_isle_c_constructor(isle, options, term),
                   options->context);
    dv_text_str(out, has_iterator ? ", IsleIter *iter" : "");
    for (u32 i = 0; i < info->args.len; i++) {
        dv_text_printf(out, ", %s a%u", dv_isle_c_type(isle, vec_at(&info->args, i)), i);
    }
    if (has_out) {
        dv_text_printf(out, ", %s *out", ret);
    }
    dv_text_str(out, has_array ? ", u32 max)" : ")");
}

void dv_isle_c_extractor_prototype(Isle *isle, const IsleOptions *options, IsleTerm term,
                                   TextBuf *out)
{
    const IsleTermInfo *info = isle_term(isle, term);
    bool is_direct = isle_extracts_directly(info);
    bool is_total = info->etor == ETOR_OP || (info->is_infallible && !info->is_multi);
    const char *gives = is_direct  ? dv_isle_c_type(isle, vec_at(&info->args, 0))
                        : is_total ? "void"
                                   : "bool";
    dv_text_printf(out, "%s %s(%s *ctx", gives, dv_isle_c_extractor(isle, options, term),
                   options->context);
    dv_text_str(out, info->is_multi ? ", IsleIter *iter" : "");
    dv_text_printf(out, ", %s a0", dv_isle_c_type(isle, info->match));
    if (info->args.len == 1 && !is_direct) {
        /* as a partial constructor: both may be one function */
        dv_text_printf(out, ", %s *out", dv_isle_c_type(isle, vec_at(&info->args, 0)));
    }
    for (u32 i = 0; i < info->args.len && info->args.len > 1; i++) {
        dv_text_printf(out, ", %s *r%u", dv_isle_c_type(isle, vec_at(&info->args, i)), i);
    }
    dv_text_char(out, ')');
}
