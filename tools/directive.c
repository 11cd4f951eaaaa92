/* directive.c - what comments of a filetest ask for: calls with expectations, and the state before
 * and after.
 *
 *     run: %f(1, 2) == 3     run: %f(1) != 2     run: %f(0) traps int_divz     run
 *     print: %f(1)           fuel: %f(3) == 17
 *     memory: heap0 = 65536 [@8: 0x01 0x02]      after: heap0[8..10] == 0x0102
 *     table: table0 = 10 [@0: %f null]           after: table0[0] == %f
 *     global: global0 = 5                        after: global0 == 6
 *     data: data0 = [0x01 0x02]                  elem: elem0 = [%f null]
 *
 * Entities are those of the function that the comment belongs to. Literals have the types of
 * signatures and globals.
 */
#include "base/bytes.h"
#include "codegen/ir/lex.h"
#include "tools/filetest_internal.h"

typedef struct Cursor {
    const char *at, *end;
} Cursor;

static void skip_blanks(Cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r')) {
        c->at++;
    }
}

static bool take(Cursor *c, const char *text)
{
    usize n = strlen(text);
    skip_blanks(c);
    if ((usize)(c->end - c->at) < n || memcmp(c->at, text, n) != 0) {
        return false;
    }
    c->at += n;
    return true;
}

static bool at_end(Cursor *c)
{
    skip_blanks(c);
    return c->at == c->end;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static Str take_word(Cursor *c)
{
    skip_blanks(c);
    const char *start = c->at;
    while (c->at < c->end && is_name_char(*c->at)) {
        c->at++;
    }
    return (Str){start, (u32)(c->at - start)};
}

/* A name behind its '%': as the lexer takes it, bare or in quotes; empty if there is none. */
static Str take_name(Filetest *t, Cursor *c)
{
    const char *start = c->at;
    if (c->at == c->end || *c->at != '"') {
        while (c->at < c->end && lex_is_name_char(*c->at)) {
            c->at++;
        }
        return (Str){start, (u32)(c->at - start)};
    }
    const char *at = start + 1;
    while (at < c->end && *at != '"') {
        at += *at == '\\' && at + 1 < c->end ? 2 : 1;
    }
    Str name = {NULL, 0};
    if (at < c->end) {
        char *text = ARENA_ARRAY(t->results, char, (usize)(at - start));
        Str quoted = {start + 1, (u32)(at - start - 1)};
        name.data = dv_lex_unescape(quoted, text, &name.len) ? text : NULL;
        c->at = at + 1;
    }
    return name;
}

Directive dv_directive_find(const ClifComment *comment)
{
    static const struct {
        const char *name;
        u8 kind;
    } names[] = {
        {"run:", DIRECTIVE_RUN},     {"print:", DIRECTIVE_PRINT},   {"fuel:", DIRECTIVE_FUEL},
        {"after:", DIRECTIVE_AFTER}, {"memory:", DIRECTIVE_MEMORY}, {"data:", DIRECTIVE_DATA},
        {"table:", DIRECTIVE_TABLE}, {"elem:", DIRECTIVE_ELEM},     {"global:", DIRECTIVE_GLOBAL},
    };
    Cursor c = {comment->text.data, comment->text.data + comment->text.len};
    for (usize i = 0; i < ARRAY_LEN(names); i++) {
        if (take(&c, names[i].name)) {
            skip_blanks(&c);
            return (Directive){names[i].kind, {c.at, (u32)(c.end - c.at)}};
        }
    }
    if (take(&c, "run") && at_end(&c)) {
        return (Directive){DIRECTIVE_RUN, {c.at, 0}};
    }
    return (Directive){DIRECTIVE_NONE, {NULL, 0}};
}

/* ---- calls ---- */

const ClifFunc *dv_filetest_find(const Filetest *t, const ClifFunc *first, Str name)
{
    const ExtName *own = &first->func.name;
    if (own->kind == NAME_TEST && own->text.len == name.len &&
        memcmp(own->text.data, name.data, name.len) == 0) {
        return first;
    }
    for (u32 i = 0; i < t->file.funcs.len; i++) {
        const ExtName *n = &t->file.funcs.data[i]->func.name;
        if (n->kind == NAME_TEST && n->text.len == name.len &&
            memcmp(n->text.data, name.data, name.len) == 0) {
            return t->file.funcs.data[i];
        }
    }
    return NULL;
}

static bool read_literal(Filetest *t, Cursor *c, Type type, EvalValue *out, const char **error)
{
    u8 *bytes = ARENA_ARRAY(t->scratch, u8, type_bytes(type));
    char name[16];
    const char *expected;
    skip_blanks(c);
    if (!dv_type_is_valid(type)) {
        *error = "the signature has no valid type here";
        return false;
    }
    const char *start = c->at;
    if (!dv_literal_parse(t->scratch, &c->at, c->end, type, bytes, &expected)) {
        *error =
            dv_arena_printf(t->scratch, "%s as %s, got \"%s\"", expected, dv_type_name(type, name),
                            dv_diag_quote(t->scratch, start, (usize)(c->end - start)));
        return false;
    }
    *out = (EvalValue){type, bytes};
    return true;
}

static bool read_literals(Filetest *t, Cursor *c, const Param *params, u32 count, EvalValue **out,
                          const char **error)
{
    *out = ARENA_ARRAY(t->scratch, EvalValue, count);
    for (u32 i = 0; i < count; i++) {
        if (i != 0 && !take(c, ",")) {
            *error = dv_arena_printf(t->scratch, "expected %u values, got %u", (unsigned)count,
                                     (unsigned)i);
            return false;
        }
        if (!read_literal(t, c, params[i].type, &(*out)[i], error)) {
            return false;
        }
    }
    return true;
}

static bool read_results(Filetest *t, Cursor *c, Invocation *out, const char **error)
{
    const Signature *sig = &out->func->func.sig;
    bool list = sig->num_results != 1;
    if (list && !take(c, "[")) {
        *error = "expected \"[\" before a list of results";
        return false;
    }
    if (!read_literals(t, c, sig->results, sig->num_results, &out->results, error)) {
        return false;
    }
    if (list && !take(c, "]")) {
        *error = dv_arena_printf(t->scratch, "expected \"]\" after %u results",
                                 (unsigned)sig->num_results);
        return false;
    }
    return true;
}

static bool read_expectation(Filetest *t, Cursor *c, Invocation *out, const char **error)
{
    if (take(c, "traps")) {
        Str name = take_word(c);
        out->expect = EXPECT_TRAP;
        if (!dv_trap_find(name.data, name.len, &out->trap)) {
            *error = "expected the name of a trap code";
            return false;
        }
        return true;
    }
    if (at_end(c)) {
        out->expect = out->func->func.sig.num_results == 0 ? EXPECT_NOTHING : EXPECT_TRUTHY;
        return true;
    }
    bool equal = take(c, "==");
    if (!equal && !take(c, "!=")) {
        *error = "expected \"==\", \"!=\" or \"traps\" after the call";
        return false;
    }
    out->expect = equal ? EXPECT_EQUAL : EXPECT_DIFFERENT;
    return read_results(t, c, out, error);
}

bool dv_directive_invocation(Filetest *t, const ClifFunc *owner, Str rest, Invocation *out,
                             const char **error)
{
    Cursor c = {rest.data, rest.data + rest.len};
    *out = (Invocation){
        .func = owner,
        .expect = owner->func.sig.num_results == 0 ? EXPECT_NOTHING : EXPECT_TRUTHY,
    };
    if (rest.len == 0) {
        if (owner->func.sig.num_params != 0) {
            *error = "a bare run needs a function without parameters";
            return false;
        }
        return true;
    }
    if (!take(&c, "%")) {
        *error = "expected the name of a function, %name";
        return false;
    }
    out->func = dv_filetest_find(t, owner, take_name(t, &c));
    if (out->func == NULL) {
        *error = "the file has no function of this name";
        return false;
    }
    const Signature *sig = &out->func->func.sig;
    if (!take(&c, "(")) {
        *error = "expected \"(\" after the name";
        return false;
    }
    if (!read_literals(t, &c, sig->params, sig->num_params, &out->args, error)) {
        return false;
    }
    if (!take(&c, ")")) {
        *error = dv_arena_printf(t->scratch, "expected \")\" after %u arguments",
                                 (unsigned)sig->num_params);
        return false;
    }
    out->call = (Str){rest.data, (u32)(c.at - rest.data)};
    if (!read_expectation(t, &c, out, error)) {
        return false;
    }
    if (!at_end(&c)) {
        *error = dv_arena_printf(t->scratch, "unexpected \"%s\" at the end",
                                 dv_diag_quote(t->scratch, c.at, (usize)(c.end - c.at)));
        return false;
    }
    return true;
}

/* ---- the instance before and after ---- */

static u32 hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? (u32)(c - '0')
           : c >= 'a' && c <= 'f' ? (u32)(c - 'a') + 10
           : c >= 'A' && c <= 'F' ? (u32)(c - 'A') + 10
                                  : 16;
}

/* An unsigned number in decimal or hex, ended by whatever is no digit: "8..10" holds two. */
static bool read_u64(Cursor *c, u64 *out, const char **error)
{
    u32 base = take(c, "0x") ? 16 : 10;
    const char *start = c->at;
    *out = 0;
    for (; c->at < c->end && hex_digit(*c->at) < base; c->at++) {
        u32 digit = hex_digit(*c->at);
        if (*out > (UINT64_MAX - digit) / base) {
            *error = "the number has more than 64 bits";
            return false;
        }
        *out = *out * base + digit;
    }
    *error = "expected a number";
    return c->at != start;
}

/* Reads "heap7" of the directive's kind and gives the entity's index in its function. */
static bool read_entity(Cursor *c, EntityKind kind, u32 limit, u32 *id, const char **error)
{
    Str word = take_word(c);
    usize n = strlen(dv_entity_prefixes[kind]);
    u64 number = 0;
    bool good =
        word.len > n && word.len < n + 9 && memcmp(word.data, dv_entity_prefixes[kind], n) == 0;
    for (usize i = n; good && i < word.len; i++) {
        good = word.data[i] >= '0' && word.data[i] <= '9';
        number = number * 10 + (u64)(word.data[i] - '0');
    }
    if (!good || number >= limit) {
        *error = "expected an entity that the function declares";
        return false;
    }
    *id = (u32)number;
    return true;
}

static bool set_memory_bytes(Filetest *t, Cursor *c, u8 *bytes, u64 size, const char **error)
{
    u64 at;
    if (!take(c, "@") || !read_u64(c, &at, error) || !take(c, ":")) {
        *error = "expected \"[@offset: bytes]\"";
        return false;
    }
    while (!take(c, "]")) {
        EvalValue byte;
        if (!read_literal(t, c, TYPE_I8, &byte, error)) {
            return false;
        }
        if (at >= size) {
            *error = "the bytes do not fit into the memory";
            return false;
        }
        bytes[at++] = byte.bytes[0];
    }
    return true;
}

static bool setup_memory(Filetest *t, const ClifFunc *owner, Engine *e, Cursor *c,
                         const char **error)
{
    u32 id;
    u64 size, have;
    if (!read_entity(c, ENTITY_MEMORY, owner->func.memories.len, &id, error)) {
        return false;
    }
    u32 index = owner->func.memories.data[id].index;
    if (!take(c, "=") || !read_u64(c, &size, error)) {
        *error = "expected \"= bytes\"";
        return false;
    }
    if (!e->ops->set_memory(e, index, size)) {
        *error = "the memory is too large";
        return false;
    }
    u8 *bytes = e->ops->memory(e, index, &have);
    while (take(c, "[")) {
        if (!set_memory_bytes(t, c, bytes, have, error)) {
            return false;
        }
    }
    return true;
}

/* "%f" or "null". */
static bool read_ref(Filetest *t, const ClifFunc *owner, Engine *e, Cursor *c, u32 *ref,
                     const char **error)
{
    *ref = 0;
    if (take(c, "null")) {
        return true;
    }
    const ClifFunc *f = take(c, "%") ? dv_filetest_find(t, owner, take_name(t, c)) : NULL;
    if (f == NULL) {
        *error = "expected null or a function of the file";
        return false;
    }
    *ref = e->ops->func_ref(e, f);
    return true;
}

static bool setup_table(Filetest *t, const ClifFunc *owner, Engine *e, Cursor *c,
                        const char **error)
{
    u32 id;
    u64 size, at;
    if (!read_entity(c, ENTITY_TABLE, owner->func.tables.len, &id, error)) {
        return false;
    }
    u32 index = owner->func.tables.data[id].index;
    if (!take(c, "=") || !read_u64(c, &size, error) || !e->ops->set_table(e, index, size)) {
        *error = "expected \"= elements\", not too many";
        return false;
    }
    while (take(c, "[")) {
        if (!take(c, "@") || !read_u64(c, &at, error) || !take(c, ":")) {
            *error = "expected \"[@index: references]\"";
            return false;
        }
        for (; !take(c, "]"); at++) {
            u32 ref;
            if (!read_ref(t, owner, e, c, &ref, error)) {
                return false;
            }
            u32 *elems = e->ops->table(e, index, &size);
            if (at >= size) {
                *error = "the references do not fit into the table";
                return false;
            }
            elems[at] = ref;
        }
    }
    return true;
}

static bool setup_data(Filetest *t, const ClifFunc *owner, Engine *e, Cursor *c, const char **error)
{
    u32 id;
    VEC(u8) bytes = {0};
    if (!read_entity(c, ENTITY_DATA, owner->func.datas.len, &id, error)) {
        return false;
    }
    if (!take(c, "=") || !take(c, "[")) {
        *error = "expected \"= [bytes]\"";
        return false;
    }
    while (!take(c, "]")) {
        EvalValue byte;
        if (!read_literal(t, c, TYPE_I8, &byte, error)) {
            return false;
        }
        vec_push(t->scratch, &bytes, byte.bytes[0]);
    }
    return e->ops->set_data(e, owner->func.datas.data[id].index, bytes.data, bytes.len);
}

static bool setup_elem(Filetest *t, const ClifFunc *owner, Engine *e, Cursor *c, const char **error)
{
    u32 id;
    VEC(u32) refs = {0};
    if (!read_entity(c, ENTITY_ELEM, owner->func.elems.len, &id, error)) {
        return false;
    }
    if (!take(c, "=") || !take(c, "[")) {
        *error = "expected \"= [references]\"";
        return false;
    }
    while (!take(c, "]")) {
        u32 ref;
        if (!read_ref(t, owner, e, c, &ref, error)) {
            return false;
        }
        vec_push(t->scratch, &refs, ref);
    }
    return e->ops->set_elem(e, owner->func.elems.data[id].index, refs.data, refs.len);
}

static bool setup_global(Filetest *t, const ClifFunc *owner, Engine *e, Cursor *c,
                         const char **error)
{
    u32 id;
    EvalValue value;
    if (!read_entity(c, ENTITY_GLOBAL, owner->func.globals.len, &id, error)) {
        return false;
    }
    const WasmGlobalData *global = &owner->func.globals.data[id];
    if (!take(c, "=")) {
        *error = "expected \"= value\"";
        return false;
    }
    return read_literal(t, c, global->type, &value, error) &&
           e->ops->set_global(e, global->index, value);
}

bool dv_directive_setup(Filetest *t, const ClifFunc *owner, Engine *e, Directive d,
                        const char **error)
{
    Cursor c = {d.rest.data, d.rest.data + d.rest.len};
    bool ok = false;
    *error = "a limit of the engine is exceeded";
    switch (d.kind) {
    case DIRECTIVE_MEMORY:
        ok = setup_memory(t, owner, e, &c, error);
        break;
    case DIRECTIVE_TABLE:
        ok = setup_table(t, owner, e, &c, error);
        break;
    case DIRECTIVE_DATA:
        ok = setup_data(t, owner, e, &c, error);
        break;
    case DIRECTIVE_ELEM:
        ok = setup_elem(t, owner, e, &c, error);
        break;
    case DIRECTIVE_GLOBAL:
        ok = setup_global(t, owner, e, &c, error);
        break;
    default:
        UNREACHABLE();
    }
    if (ok && !at_end(&c)) {
        *error = "unexpected text at the end of the line";
        return false;
    }
    return ok;
}

/* "[8..10] == 0x0102": bytes in the order of their addresses. */
static bool after_memory(Filetest *t, Engine *e, u32 index, Cursor *c, const char **error)
{
    u64 from, to, size;
    *error = "expected \"heap0[from..to] == 0x...\"";
    if (!take(c, "[") || !read_u64(c, &from, error) || !take(c, "..") || !read_u64(c, &to, error) ||
        !take(c, "]") || !take(c, "==") || !take(c, "0x")) {
        return false;
    }
    const u8 *bytes = e->ops->memory(e, index, &size);
    if (bytes == NULL || from > to || to > size) {
        *error = dv_arena_printf(t->scratch, "the memory has %" PRIu64 " bytes",
                                 bytes == NULL ? 0 : size);
        return false;
    }
    TextBuf got;
    dv_text_init(&got, t->results);
    for (u64 i = from; i < to; i++) {
        dv_text_printf(&got, "%02x", (unsigned)bytes[i]);
    }
    Str want = take_word(c);
    bool same = want.len == got.length;
    for (u32 i = 0; same && i < want.len; i++) {
        same = hex_digit(want.data[i]) == hex_digit(got.data[i]);
    }
    if (!same) {
        *error = dv_arena_printf(t->results, "got 0x%s", got.data);
    }
    return same;
}

static bool after_global(Filetest *t, Engine *e, const WasmGlobalData *global, Cursor *c,
                         const char **error)
{
    EvalValue want, got;
    *error = "expected \"global0 == value\"";
    if (!take(c, "==") || !read_literal(t, c, global->type, &want, error)) {
        return false;
    }
    bool same = e->ops->global(e, global->index, &got) && dv_engine_value_fits(e, &want, &got);
    *error = "the global has another value";
    return same;
}

static bool after_table(Filetest *t, const ClifFunc *owner, Engine *e, u32 index, Cursor *c,
                        const char **error)
{
    u64 at, size;
    u32 want;
    *error = "expected \"table0[index] == reference\"";
    if (!take(c, "[") || !read_u64(c, &at, error) || !take(c, "]") || !take(c, "==") ||
        !read_ref(t, owner, e, c, &want, error)) {
        return false;
    }
    const u32 *elems = e->ops->table(e, index, &size);
    *error = "the element is another reference, or there is none";
    return elems != NULL && at < size && elems[at] == want;
}

bool dv_directive_after(Filetest *t, const ClifFunc *owner, Engine *e, Str rest, const char **error)
{
    Cursor c = {rest.data, rest.data + rest.len};
    const Func *f = &owner->func;
    u32 id;
    bool ok;
    skip_blanks(&c);
    switch (c.at < c.end ? *c.at : ' ') {
    case 'h':
        ok = read_entity(&c, ENTITY_MEMORY, f->memories.len, &id, error) &&
             after_memory(t, e, f->memories.data[id].index, &c, error);
        break;
    case 'g':
        ok = read_entity(&c, ENTITY_GLOBAL, f->globals.len, &id, error) &&
             after_global(t, e, &f->globals.data[id], &c, error);
        break;
    case 't':
        ok = read_entity(&c, ENTITY_TABLE, f->tables.len, &id, error) &&
             after_table(t, owner, e, f->tables.data[id].index, &c, error);
        break;
    default:
        *error = "expected a memory, global or table";
        return false;
    }
    if (ok && !at_end(&c)) {
        *error = "unexpected text at the end of the line";
        return false;
    }
    return ok;
}
