/* parse.c - reads a file of CLIF: filetest commands, then functions; and what all rules of the
 * parser use.
 *
 * Recursive descent without recursion: the grammar is two deep. parse_preamble.c reads declarations
 * and signatures, parse_body.c blocks and instructions, by the spellings in formats.def,
 * parse_types.c finds the types that the text leaves out, literal.c reads numbers. A comment
 * belongs to the entity that began last before it. Each token is looked at once; numbers of
 * entities are indices, and what they may cost is paid from a budget.
 */
#include "codegen/ir/parser.h"

/* ---- errors and tokens ---- */

void dv_parser_fail_at(Parser *p, u32 line, u32 column, const char *format, ...)
{
    if (!p->failed) {
        va_list args;
        va_start(args, format);
        TextBuf message;
        dv_text_init(&message, p->arena);
        dv_text_vprintf(&message, format, args);
        va_end(args);
        dv_diag_error(p->diag, line, column, "%s", message.data);
    }
    p->failed = true;
    p->token.kind = TOK_END;
    p->token.text = (Str){p->lexer.end, 0};
}

void dv_parser_expected(Parser *p, const char *what)
{
    const Token *t = &p->token;
    if (t->kind == TOK_END) {
        dv_parser_fail_at(p, t->line, t->column, "expected %s, found the end of the file", what);
        return;
    }
    usize length = (usize)(p->lexer.at - t->start);
    const char *found = dv_diag_quote(p->arena, t->start, length);
    dv_parser_fail_at(p, t->line, t->column, "expected %s, found '%s'", what, found);
}

void dv_parser_own(Parser *p, EntityKind kind, u32 id)
{
    p->owner = (EntityRef){kind, id};
    p->owner_line = p->token.line;
}

static void keep_comment(Parser *p, const Token *t)
{
    ClifComment comment = {p->owner, t->line, t->column, p->owner_line, t->text};
    if (p->clif_func == NULL) {
        vec_push(p->arena, &p->file->comments, comment);
    } else {
        vec_push(p->arena, &p->clif_func->comments, comment);
    }
}

void dv_parser_advance(Parser *p)
{
    if (p->failed) {
        return;
    }
    p->last_line = p->token.line;
    dv_lex_next(&p->lexer, &p->token);
    while (p->token.kind == TOK_COMMENT) {
        keep_comment(p, &p->token);
        dv_lex_next(&p->lexer, &p->token);
    }
}

void dv_parser_resume(Parser *p, const char *at)
{
    if (!p->failed) {
        p->lexer.at = at;
        p->lexer.line = p->token.line;
        dv_parser_advance(p);
    }
}

bool dv_parser_at_punct(const Parser *p, char c)
{
    return p->token.kind == TOK_PUNCT && p->token.punct == c;
}

bool dv_parser_at_word(const Parser *p, const char *word)
{
    const Token *t = &p->token;
    return t->kind == TOK_WORD && strlen(word) == t->text.len &&
           memcmp(word, t->text.data, t->text.len) == 0;
}

bool dv_parser_at_entity(const Parser *p, const char *prefix)
{
    const Token *t = &p->token;
    return t->kind == TOK_WORD && t->has_index &&
           strncmp(prefix, t->text.data, t->prefix_len) == 0 && prefix[t->prefix_len] == '\0';
}

bool dv_parser_take_punct(Parser *p, char c)
{
    bool there = dv_parser_at_punct(p, c);
    if (there) {
        dv_parser_advance(p);
    }
    return there;
}

bool dv_parser_take_word(Parser *p, const char *word)
{
    bool there = dv_parser_at_word(p, word);
    if (there) {
        dv_parser_advance(p);
    }
    return there;
}

void dv_parser_expect_punct(Parser *p, char c)
{
    const char what[] = {'\'', c, '\'', '\0'};
    if (!dv_parser_take_punct(p, c)) {
        dv_parser_expected(p, what);
    }
}

u32 dv_parser_entity(Parser *p, const char *prefix, const char *what)
{
    u32 id = p->token.index;
    if (!dv_parser_at_entity(p, prefix)) {
        dv_parser_expected(p, what);
        return 0;
    }
    if (id == LEX_INDEX_TOO_LARGE) {
        dv_parser_expected(p, "an entity number below 2^30");
        return 0;
    }
    dv_parser_advance(p);
    return id;
}

u32 dv_parser_ref(Parser *p, EntityKind kind)
{
    const char *prefix = dv_entity_prefixes[kind];
    if (!dv_parser_at_entity(p, prefix)) {
        dv_parser_expected(p, dv_arena_printf(p->arena, "%sN", prefix));
        return 0;
    }
    return dv_parser_entity(p, prefix, prefix);
}

/* Reads the number here; false (an error) if there is none of at most 128 bits. */
static bool take_integer(Parser *p, const char *what, bool *negative, U128 *magnitude)
{
    const Token *t = &p->token;
    if (t->kind != TOK_NUMBER || !dv_lex_integer(t->text.data, t->text.len, negative, magnitude)) {
        dv_parser_expected(p, what);
        return false;
    }
    return true;
}

u64 dv_parser_uint(Parser *p, u64 max, const char *what)
{
    bool negative;
    U128 magnitude;
    if (!take_integer(p, what, &negative, &magnitude)) {
        return 0;
    }
    if (negative || magnitude.hi != 0 || magnitude.lo > max) {
        dv_parser_fail_at(p, p->token.line, p->token.column, "%s must be 0 to %" PRIu64, what, max);
        return 0;
    }
    dv_parser_advance(p);
    return magnitude.lo;
}

i64 dv_parser_int(Parser *p, i64 min, i64 max, const char *what)
{
    bool negative;
    U128 magnitude;
    if (!take_integer(p, what, &negative, &magnitude)) {
        return 0;
    }
    u64 limit = negative ? 0 - (u64)min : (u64)max;
    if (magnitude.hi != 0 || magnitude.lo > limit) {
        dv_parser_fail_at(p, p->token.line, p->token.column, "%s must be %" PRId64 " to %" PRId64,
                          what, min, max);
        return 0;
    }
    dv_parser_advance(p);
    return (i64)(negative ? 0 - magnitude.lo : magnitude.lo);
}

Type dv_parser_dyn_type(Parser *p, u32 id)
{
    bool there = p->f != NULL && id < p->f->dyn_types.len && p->f->dyn_types.data[id].present;
    if (!there) {
        dv_parser_fail_at(p, p->token.line, p->token.column, "dt%" PRIu32 " is not declared", id);
        return TYPE_NONE;
    }
    return (Type)(p->f->dyn_types.data[id].base | TYPE_DYNAMIC_BIT);
}

Type dv_parser_type(Parser *p)
{
    const Token *t = &p->token;
    Type type = t->kind == TOK_WORD ? dv_type_parse(t->text.data, t->text.len) : TYPE_NONE;
    if (type == TYPE_NONE && dv_parser_at_entity(p, "dt")) {
        type = dv_parser_dyn_type(p, t->index);
    }
    if (type == TYPE_NONE) {
        dv_parser_expected(p, "a type");
        return TYPE_NONE;
    }
    dv_parser_advance(p);
    return type;
}

bool dv_parser_pay(Parser *p, u32 len, u32 id)
{
    if (p->failed) {
        return false;
    }
    u64 price = id < len ? 0 : (u64)id - len + 1;
    if (price > p->gap_budget) {
        dv_parser_fail_at(p, p->token.line, p->token.column,
                          "entity numbers leave too many gaps before %" PRIu32, id);
        return false;
    }
    p->gap_budget -= price;
    return true;
}

/* ---- the file ---- */

/* The words of a filetest command lie between blanks, whatever they are made of, up to a comment or
 * the line's end. */
static void parse_command(Parser *p, u8 kind)
{
    const char *at = p->lexer.at;
    const char *end = p->lexer.end;
    ClifCommand command = {.kind = kind, .line = p->token.line};
    vec_clear(&p->words);
    while (at < end && *at != '\n' && *at != ';') {
        const char *start = at;
        while (at < end && *at != '\n' && *at != ';' && *at != ' ' && *at != '\t' && *at != '\r') {
            at++;
        }
        if (at == start) {
            at++;
        } else {
            vec_push(p->arena, &p->words, ((Str){start, (u32)(at - start)}));
        }
    }
    command.num_words = p->words.len;
    command.words = ARENA_ARRAY(p->arena, Str, p->words.len);
    for (u32 i = 0; i < p->words.len; i++) {
        command.words[i] = p->words.data[i];
    }
    vec_push(p->arena, &p->file->commands, command);
    dv_parser_resume(p, at);
}

static void parse_commands(Parser *p)
{
    for (;;) {
        if (dv_parser_at_word(p, "test")) {
            parse_command(p, CLIF_TEST);
        } else if (dv_parser_at_word(p, "set")) {
            parse_command(p, CLIF_SET);
        } else if (dv_parser_at_word(p, "target")) {
            parse_command(p, CLIF_TARGET);
        } else {
            return;
        }
    }
}

static void parse_function(Parser *p)
{
    ClifFunc *cf = ARENA_NEW(p->arena, ClifFunc);
    cf->line = p->token.line;
    vec_push(p->arena, &p->file->funcs, cf);
    dv_func_init(&cf->func, p->arena);
    p->clif_func = cf;
    p->f = &cf->func;
    p->has_aliases = false;
    p->block = BLOCK_NONE;
    vec_clear(&p->pending);
    dv_parser_own(p, ENTITY_FUNCTION, 0);
    dv_parser_advance(p);
    p->f->name = dv_parser_extname(p, true);
    dv_parser_signature(p, &p->f->sig);
    dv_parser_expect_punct(p, '{');
    dv_parser_preamble(p);
    dv_parser_body(p);
    if (!p->failed) {
        dv_parser_own(p, ENTITY_FUNCTION, 0);
    }
    dv_parser_expect_punct(p, '}');
    if (!p->failed) {
        dv_parser_settle_types(p);
    }
}

static void fill_op_table(Parser *p)
{
    for (u32 op = 0; op < OP_COUNT; op++) {
        u64 slot = dv_hash_name(dv_ops[op].name, strlen(dv_ops[op].name));
        while (p->op_table[slot % OP_TABLE_SIZE] != 0) {
            slot++;
        }
        p->op_table[slot % OP_TABLE_SIZE] = (u16)(op + 1);
    }
}

bool dv_clif_parse(ClifFile *file, Arena *arena, Str text, Diag *diag)
{
    Parser *p = ARENA_NEW(arena, Parser);
    *file = (ClifFile){0};
    p->arena = arena;
    p->diag = diag;
    p->file = file;
    p->gap_budget = 1000000 + 16 * (u64)text.len;
    fill_op_table(p);
    dv_lex_init(&p->lexer, text);
    u32 line, column, length;
    const char *bad = dv_lex_find_bad_byte(text, &line, &column, &length);
    if (bad != NULL) {
        dv_parser_fail_at(p, line, column, "%s: '%s'",
                          *bad == '\0' ? "NUL byte" : "text is not UTF-8",
                          dv_diag_quote(arena, bad, length));
        return false;
    }
    dv_parser_advance(p);
    parse_commands(p);
    while (!p->failed && p->token.kind != TOK_END) {
        if (dv_parser_at_word(p, "function")) {
            parse_function(p);
        } else {
            dv_parser_expected(p, file->funcs.len == 0 ? "'function' or a test command"
                                                       : "'function'");
        }
    }
    return !p->failed;
}

u32 dv_clif_entity_line(const ClifFunc *f, EntityRef entity)
{
    u32 line = 0;
    switch (entity.kind) {
    case ENTITY_FUNCTION:
        return f->line;
    case ENTITY_INST:
        return entity.id < f->inst_lines.len ? f->inst_lines.data[entity.id] : 0;
    case ENTITY_BLOCK:
        return entity.id < f->block_lines.len ? f->block_lines.data[entity.id] : 0;
    case ENTITY_VALUE: {
        if (!dv_value_exists(&f->func, (Value){entity.id})) {
            return 0;
        }
        const ValueData *v = &f->func.values.data[entity.id];
        EntityKind kind = v->kind == VALUE_RESULT ? ENTITY_INST : ENTITY_BLOCK;
        if (v->kind == VALUE_ALIAS) {
            dv_map_get(&f->entity_lines, (u64)ENTITY_VALUE << 32 | entity.id, &line);
            return line;
        }
        return dv_clif_entity_line(f, (EntityRef){kind, v->def});
    }
    default:
        dv_map_get(&f->entity_lines, (u64)entity.kind << 32 | entity.id, &line);
        return line;
    }
}
