/* parse_body.c - reads blocks and instructions.
 *
 * One walk serves all instructions: the letters of the format's spelling say what comes next
 * (formats.def explains them), and each letter has its rule here. Operands are collected in a draft
 * and lists of the parser, then the instruction is made at once, so that its arguments, block calls
 * and tables lie together. Values and blocks that are only mentioned are made absent; whether they
 * are ever defined is for the verifier.
 */
#include "base/bytes.h"
#include "base/softfloat.h"
#include "codegen/ir/parser.h"

typedef struct Draft {
    Op op;
    const OpInfo *info;
    u32 line, column;
    Type type; /* what is known of it before the operands */
    u8 aux;
    MemFlags flags;
    u32 ent;
    u32 imm[2];
    u32 num_entities; /* references so far: the first is ent, the second imm[0] */
    SigRef sig;       /* of an exception table */
    bool has_table;
    bool has_stack_map;
    u32 srcloc;
} Draft;

/* ---- values and blocks ---- */

static u32 parse_value(Parser *p)
{
    u32 id = p->token.index;
    if (!dv_parser_at_entity(p, "v") || !dv_parser_pay(p, p->f->values.len, id)) {
        dv_parser_expected(p, "a value");
        return 0;
    }
    if (id >= p->f->values.len) {
        dv_value_reserve(p->f, (Value){id});
    }
    dv_parser_advance(p);
    return id;
}

static Block parse_block(Parser *p)
{
    u32 id = p->token.index;
    if (!dv_parser_at_entity(p, "block") || !dv_parser_pay(p, p->f->blocks.len, id)) {
        dv_parser_expected(p, "a block");
        return (Block){0};
    }
    dv_block_make_at(p->f, (Block){id});
    dv_parser_advance(p);
    return (Block){id};
}

/* Checks that this value is not defined yet. */
static void claim_value(Parser *p, const Token *at, u32 id)
{
    if (!p->failed && p->f->values.data[id].kind != VALUE_ABSENT) {
        dv_parser_fail_at(p, at->line, at->column, "v%" PRIu32 " is already defined", id);
    }
}

static void parse_values(Parser *p)
{
    do {
        u32 id = parse_value(p);
        vec_push(p->arena, &p->args, id);
    } while (dv_parser_take_punct(p, ','));
}

/* "(v1, v2)" */
static void parse_arguments(Parser *p)
{
    dv_parser_expect_punct(p, '(');
    if (!p->failed && !dv_parser_at_punct(p, ')')) {
        parse_values(p);
    }
    dv_parser_expect_punct(p, ')');
}

static BlockArg parse_block_arg(Parser *p, bool in_table)
{
    if (in_table && dv_parser_at_entity(p, "ret")) {
        return block_arg(ARG_RET, dv_parser_entity(p, "ret", "a result"));
    }
    if (in_table && dv_parser_at_entity(p, "exn")) {
        return block_arg(ARG_EXN, dv_parser_entity(p, "exn", "a payload"));
    }
    return block_arg(ARG_VALUE, parse_value(p));
}

/* "block1(v2)"; in exception tables arguments may be retN and exnN too. */
static void parse_dest(Parser *p, bool in_table)
{
    DestDraft dest = {.block = parse_block(p), .first_arg = p->dest_args.len};
    if (dv_parser_take_punct(p, '(')) {
        while (!p->failed && !dv_parser_at_punct(p, ')')) {
            BlockArg arg = parse_block_arg(p, in_table);
            vec_push(p->arena, &p->dest_args, arg);
            if (!dv_parser_take_punct(p, ',')) {
                break;
            }
        }
        dv_parser_expect_punct(p, ')');
    }
    dest.num_args = p->dest_args.len - dest.first_arg;
    vec_push(p->arena, &p->dests, dest);
}

/* "block4, [block1, block2(v1)]" */
static void parse_jump_table(Parser *p)
{
    parse_dest(p, false);
    dv_parser_expect_punct(p, ',');
    dv_parser_expect_punct(p, '[');
    if (!p->failed && !dv_parser_at_punct(p, ']')) {
        do {
            parse_dest(p, false);
        } while (dv_parser_take_punct(p, ','));
    }
    dv_parser_expect_punct(p, ']');
}

static void parse_handler(Parser *p)
{
    Handler handler = {.context = VALUE_NONE};
    if (dv_parser_take_word(p, "context")) {
        handler.kind = HANDLER_CONTEXT;
        handler.context.id = parse_value(p);
    } else {
        handler.kind = HANDLER_DEFAULT;
        if (!dv_parser_take_word(p, "default")) {
            handler.kind = HANDLER_TAG;
            handler.tag = dv_parser_entity(p, "tag", "'tagN:', 'default:' or 'context'");
        }
        dv_parser_expect_punct(p, ':');
        handler.dest = p->dests.len;
        parse_dest(p, true);
    }
    vec_push(p->arena, &p->handlers, handler);
}

/* "sig0, block1(ret0), [ tag1: block2(exn0), context v5, default: block3 ]" */
static void parse_exceptions(Parser *p, Draft *d)
{
    d->has_table = true;
    d->sig.id = dv_parser_ref(p, ENTITY_SIG);
    dv_parser_expect_punct(p, ',');
    parse_dest(p, true);
    dv_parser_expect_punct(p, ',');
    dv_parser_expect_punct(p, '[');
    if (!p->failed && !dv_parser_at_punct(p, ']')) {
        do {
            parse_handler(p);
        } while (dv_parser_take_punct(p, ','));
    }
    dv_parser_expect_punct(p, ']');
}

/* ---- immediates ---- */

/* A literal of this type from the current token on. */
static bool parse_literal(Parser *p, Type type, u8 *bytes)
{
    const char *at = p->token.start;
    const char *expected;
    if (!dv_literal_parse(p->arena, &at, p->lexer.end, type, bytes, &expected)) {
        dv_parser_fail_at(p, p->token.line, p->token.column, "%s", expected);
        return false;
    }
    dv_parser_resume(p, at);
    return true;
}

/* True if the type is known here; an error if not: nothing else can tell it. */
static bool require_type(Parser *p, const Draft *d)
{
    if (d->type == TYPE_NONE) {
        bool is_int = d->info->format == FORMAT_UNARY_IMM;
        dv_parser_fail_at(p, d->line, d->column, "%s needs a type, as in %s.%s", d->info->name,
                          d->info->name, is_int ? "i32" : "i32x4");
    }
    return d->type != TYPE_NONE;
}

/* Kept zero-extended from its type; what does not fit stays as it is, for the verifier. */
static void parse_integer(Parser *p, Draft *d)
{
    const Token *t = &p->token;
    bool negative;
    U128 magnitude;
    if (!require_type(p, d)) {
        return;
    }
    bool found =
        t->kind == TOK_NUMBER && dv_lex_integer(t->text.data, t->text.len, &negative, &magnitude);
    if (!found) {
        dv_parser_expected(p, "an integer");
        return;
    }
    if (magnitude.hi != 0 || (negative && magnitude.lo > (u64)1 << 63)) {
        dv_parser_fail_at(p, t->line, t->column, "the integer needs more than 64 bits");
        return;
    }
    u32 bits = type_bits(d->type);
    u64 value = negative ? 0 - magnitude.lo : magnitude.lo;
    if (negative && bits < 64 && magnitude.lo <= (u64)1 << (bits - 1)) {
        value &= ((u64)1 << bits) - 1;
    }
    d->imm[0] = (u32)value;
    d->imm[1] = (u32)(value >> 32);
    dv_parser_advance(p);
}

static void parse_float(Parser *p, Draft *d, Type type)
{
    u8 bytes[16] = {0};
    if (parse_literal(p, type, bytes)) {
        d->imm[0] = load_le32(bytes);
        d->imm[1] = load_le32(bytes + 4);
    }
}

/* A number named before there is such a constant stays absent: constants written inside of instructions
 * must not take it, or printing, which declares those first, would change what the name means. */
static void reserve_constant(Parser *p, u32 id)
{
    u32 len = p->f->constants.len;
    if (id != ENTITY_NONE && id >= len && dv_parser_pay(p, len, id)) {
        vec_extend(p->arena, &p->f->constants, (usize)id + 1 - len);
    }
}

static void parse_constant(Parser *p, Draft *d, Type type)
{
    u8 bytes[TYPE_MAX_BYTES];
    if (dv_parser_at_entity(p, "const")) {
        d->ent = dv_parser_ref(p, ENTITY_CONSTANT);
        reserve_constant(p, d->ent);
    } else if (parse_literal(p, type, bytes)) {
        d->ent = dv_constant_make(p->f, bytes, type_bytes(type)).id;
    }
}

static void parse_mask(Parser *p, Draft *d)
{
    u8 bytes[16];
    if (parse_literal(p, TYPE_I8X16, bytes)) {
        d->ent = dv_mask_make(p->f, bytes);
    }
}

/* A word of one of the closed sets; `find` gives `count` if it is none. */
static u8 parse_name(Parser *p, u32 (*find)(const char *, usize), u32 count, const char *what)
{
    u32 found = p->token.kind == TOK_WORD ? find(p->token.text.data, p->token.text.len) : count;
    if (found == count) {
        dv_parser_expected(p, what);
        return 0;
    }
    dv_parser_advance(p);
    return (u8)found;
}

static u32 find_intcc(const char *name, usize length)
{
    return (u32)dv_intcc_find(name, length);
}

static u32 find_floatcc(const char *name, usize length)
{
    return (u32)dv_floatcc_find(name, length);
}

static u32 find_rmw(const char *name, usize length)
{
    return (u32)dv_rmw_find(name, length);
}

/* 0, no trap, if it is none. */
static u32 find_trap(const char *name, usize length)
{
    TrapCode code;
    return dv_trap_find(name, length, &code) ? code : TRAP_none;
}

/* ", offset=16", or nothing: a comma may also lead to the next operand. */
static void parse_index_offset(Parser *p, Draft *d)
{
    static const char word[] = "offset";
    const char *at = p->lexer.at;
    while (at < p->lexer.end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    usize length = sizeof word - 1;
    bool follows = dv_parser_at_punct(p, ',') && (usize)(p->lexer.end - at) > length &&
                   memcmp(at, word, length) == 0 && !lex_is_word_char(at[length]);
    if (follows) {
        dv_parser_advance(p);
        dv_parser_advance(p);
        dv_parser_expect_punct(p, '=');
        u64 offset = dv_parser_uint(p, UINT64_MAX, "an offset");
        d->imm[0] = (u32)offset;
        d->imm[1] = (u32)(offset >> 32);
    }
}

/* A reference to an entity of the kind that the letter names. */
static void parse_ref(Parser *p, Draft *d, char letter)
{
    EntityKind kind;
    bool found = dv_format_entity(letter, &kind);
    CHECK(found);
    u32 id = kind == ENTITY_BLOCK ? parse_block(p).id : dv_parser_ref(p, kind);
    *(d->num_entities++ == 0 ? &d->ent : &d->imm[0]) = id;
    if (letter == 'L') {
        d->imm[0] = (u32)dv_parser_offset(p);
    }
}

/* ---- instructions ---- */

static void parse_letter(Parser *p, Draft *d, char letter)
{
    switch (letter) {
    case ' ':
        return;
    case ',':
        dv_parser_expect_punct(p, ',');
        return;
    case 'v': {
        u32 id = parse_value(p);
        vec_push(p->arena, &p->args, id);
        return;
    }
    case '*':
        if (dv_parser_at_entity(p, "v") && p->token.line == d->line) {
            parse_values(p);
        }
        return;
    case 'A':
        parse_arguments(p);
        return;
    case 'i':
        parse_integer(p, d);
        return;
    case 'U': {
        u64 value = dv_parser_uint(p, UINT64_MAX, "a number");
        d->imm[0] = (u32)value;
        d->imm[1] = (u32)(value >> 32);
        return;
    }
    case 'H':
        parse_float(p, d, TYPE_F16);
        return;
    case 'S':
        parse_float(p, d, TYPE_F32);
        return;
    case 'D':
        parse_float(p, d, TYPE_F64);
        return;
    case 'K':
        if (require_type(p, d)) {
            parse_constant(p, d, d->type);
        }
        return;
    case 'M':
        parse_mask(p, d);
        return;
    case 'c':
        d->aux = parse_name(p, find_intcc, INTCC_COUNT, "an integer condition");
        return;
    case 'C':
        d->aux = parse_name(p, find_floatcc, FLOATCC_COUNT, "a float condition");
        return;
    case 'r':
        d->aux = parse_name(p, find_rmw, RMW_COUNT, "an atomic operation");
        return;
    case 't':
        d->aux = parse_name(p, find_trap, TRAP_none, "a trap code");
        return;
    case 'l':
        d->aux = (u8)dv_parser_uint(p, UINT8_MAX, "a lane");
        return;
    case 'F':
        d->flags = dv_parser_memflags(p, &d->ent);
        return;
    case '+':
        d->imm[0] = (u32)dv_parser_offset(p);
        return;
    case '@':
        parse_index_offset(p, d);
        return;
    case 'B':
        parse_dest(p, false);
        return;
    case 'J':
        parse_jump_table(p);
        return;
    case 'u':
        d->imm[0] = (u32)dv_parser_uint(p, UINT32_MAX, "an index");
        return;
    case 'E':
        parse_exceptions(p, d);
        return;
    default:
        parse_ref(p, d, letter);
        return;
    }
}

/* ", stack_map=[i32 @ ss0+0]" after a call. */
static void parse_stack_map(Parser *p, Draft *d)
{
    if ((d->info->effects & FX_CALL) == 0 || !dv_parser_take_punct(p, ',')) {
        return;
    }
    if (!dv_parser_take_word(p, "stack_map")) {
        dv_parser_expected(p, "'stack_map'");
    }
    dv_parser_expect_punct(p, '=');
    dv_parser_expect_punct(p, '[');
    d->has_stack_map = true;
    while (!p->failed && !dv_parser_at_punct(p, ']')) {
        StackMapEntry entry = {.type = dv_parser_type(p)};
        dv_parser_expect_punct(p, '@');
        entry.slot.id = dv_parser_ref(p, ENTITY_SLOT);
        i32 offset = dv_parser_offset(p);
        entry.offset = (u32)offset;
        if (offset < 0) {
            dv_parser_expected(p, "an offset inside the slot");
        }
        vec_push(p->arena, &p->stack_map, entry);
        if (!dv_parser_take_punct(p, ',')) {
            break;
        }
    }
    dv_parser_expect_punct(p, ']');
}

static void fill_dests(Parser *p, u32 first)
{
    for (u32 i = 0; i < p->dests.len; i++) {
        const DestDraft *draft = &p->dests.data[i];
        BlockCall *call = &p->f->calls.data[first + i];
        call->block = draft->block;
        if (draft->num_args > 0) {
            dv_call_set_args(p->f, call, p->dest_args.data + draft->first_arg, draft->num_args);
        }
    }
}

static void make_exception_table(Parser *p, Draft *d, u32 first_dest)
{
    Handler *handlers = ARENA_ARRAY(p->arena, Handler, p->handlers.len);
    for (u32 i = 0; i < p->handlers.len; i++) {
        handlers[i] = p->handlers.data[i];
    }
    ExceptionTable table = {d->sig, first_dest, p->dests.len, p->handlers.len, handlers};
    d->imm[1] = p->f->exception_tables.len;
    vec_push(p->arena, &p->f->exception_tables, table);
}

/* Calls whose signature cannot be found may have any results; they get no type, and the verifier
 * reports why. */
static bool has_unknown_results(const Parser *p, const OpInfo *info, Inst inst)
{
    bool is_call =
        strchr(dv_formats[info->format].spelling, 'A') != NULL && (info->effects & FX_TERM) == 0;
    return is_call && dv_inst_signature(p->f, inst) == NULL;
}

static void give_results(Parser *p, const Draft *d, Inst inst)
{
    u32 count = dv_inst_num_results(p->f, inst);
    if (p->results.len != count && !has_unknown_results(p, d->info, inst)) {
        dv_parser_fail_at(p, d->line, d->column, "%s gives %" PRIu32 " result%s, not %" PRIu32,
                          d->info->name, count, count == 1 ? "" : "s", p->results.len);
        return;
    }
    dv_inst_set_results(p->f, inst, p->results.data, p->results.len);
}

/* Makes the instruction that the draft and the lists describe, at the end of the block. */
static void make_inst(Parser *p, Draft *d)
{
    Func *f = p->f;
    bool waits = false;
    if (d->type == TYPE_NONE && d->info->set != SET_None) {
        d->type = dv_parser_infer(p, d->info, p->args.data);
        waits = d->type == TYPE_NONE;
    }
    if ((d->info->effects & FX_BRANCH) != 0) {
        u32 first = dv_calls_make(f, p->dests.len);
        fill_dests(p, first);
        if (d->has_table) {
            make_exception_table(p, d, first);
        } else {
            d->imm[0] = first;
            d->imm[1] = p->dests.len;
        }
    }
    Inst inst = dv_inst_make(f, d->op, d->type, p->args.data, p->args.len);
    InstData *data = dv_inst(f, inst);
    data->aux = d->aux;
    data->flags = d->flags;
    data->ent = d->ent;
    data->imm[0] = d->imm[0];
    data->imm[1] = d->imm[1];
    dv_inst_append(f, inst, p->block);
    if (d->srcloc != SRCLOC_NONE) {
        dv_srcloc_set(f, inst, d->srcloc);
    }
    if (d->has_stack_map) {
        dv_stack_map_set(f, inst, p->stack_map.data, p->stack_map.len);
    }
    if (p->debug_tags.len > 0) {
        dv_debug_tags_set(f, inst, p->debug_tags.data, p->debug_tags.len);
    }
    if (waits) {
        PendingInst pending = {inst, d->line, d->column, false};
        vec_push(p->arena, &p->pending, pending);
    }
    give_results(p, d, inst);
}

/* The suffix after the dot, or the type that needs none. */
static void parse_suffix(Parser *p, Draft *d)
{
    const OpInfo *info = d->info;
    Type single = dv_typeset_single(info->set);
    d->type = single;
    if (!dv_parser_take_punct(p, '.')) {
        return;
    }
    u32 line = p->token.line, column = p->token.column;
    Type type = dv_parser_type(p);
    bool fits = info->set != SET_None && single == TYPE_NONE;
    /* The reference names the address type where the value's can be but one. */
    fits =
        fits || type == single || (single != TYPE_NONE && (type == TYPE_I32 || type == TYPE_I64));
    for (u32 n = 0; n < info->num_operands + info->num_results && !fits; n++) {
        u8 spec =
            n < info->num_operands ? info->operands[n] : info->results[n - info->num_operands];
        fits = dv_typespec_matches((TypeSpec)spec, single, type);
    }
    if (!fits) {
        dv_parser_fail_at(p, line, column, "%s is not of that type", info->name);
    }
    d->type = single != TYPE_NONE || info->set == SET_None ? single : type;
}

static Op find_op(const Parser *p, Str name)
{
    u64 slot = dv_hash_name(name.data, name.len);
    for (;; slot++) {
        u32 entry = p->op_table[slot % OP_TABLE_SIZE];
        if (entry == 0) {
            return OP_COUNT;
        }
        const char *candidate = dv_ops[entry - 1].name;
        if (strncmp(candidate, name.data, name.len) == 0 && candidate[name.len] == '\0') {
            return (Op)(entry - 1);
        }
    }
}

/* From the name of the operation on; results, source location and tags have been read. */
static void parse_operation(Parser *p, u32 srcloc)
{
    Draft d = {
        .line = p->token.line, .column = p->token.column, .ent = ENTITY_NONE, .srcloc = srcloc};
    d.op = p->token.kind == TOK_WORD ? find_op(p, p->token.text) : OP_COUNT;
    if (d.op == OP_COUNT) {
        dv_parser_expected(p, "an instruction");
        return;
    }
    d.info = &dv_ops[d.op];
    dv_parser_advance(p);
    parse_suffix(p, &d);
    vec_clear(&p->args);
    vec_clear(&p->dests);
    vec_clear(&p->dest_args);
    vec_clear(&p->handlers);
    vec_clear(&p->stack_map);
    for (const char *letter = dv_formats[d.info->format].spelling; *letter != '\0' && !p->failed;
         letter++) {
        parse_letter(p, &d, *letter);
    }
    parse_stack_map(p, &d);
    if (!p->failed && d.info->set != SET_None && d.type == TYPE_NONE) {
        bool told = false;
        for (u32 n = 0; n < d.info->num_operands; n++) {
            told = told || d.info->operands[n] == TS_T;
        }
        if (!told) {
            dv_parser_fail_at(p, d.line, d.column, "%s needs a type, as in %s.i32", d.info->name,
                              d.info->name);
        }
    }
    if (!p->failed) {
        make_inst(p, &d);
    }
}

/* "<ss0, 1, 0>" */
static void parse_debug_tags(Parser *p)
{
    vec_clear(&p->debug_tags);
    if (!dv_parser_take_punct(p, '<')) {
        return;
    }
    do {
        DebugTag tag = {.kind = DEBUG_TAG_NUMBER};
        if (dv_parser_at_entity(p, "ss")) {
            tag.kind = DEBUG_TAG_SLOT;
            tag.value = dv_parser_ref(p, ENTITY_SLOT);
        } else {
            tag.value = (u32)dv_parser_uint(p, UINT32_MAX, "a number or stack slot");
        }
        vec_push(p->arena, &p->debug_tags, tag);
    } while (dv_parser_take_punct(p, ','));
    dv_parser_expect_punct(p, '>');
}

static u32 parse_srcloc(Parser *p)
{
    U128 location;
    const Token *t = &p->token;
    if (t->kind != TOK_SRCLOC) {
        return SRCLOC_NONE;
    }
    if (!dv_u128_parse(t->text.data, t->text.len, 16, &location) || location.hi != 0 ||
        location.lo > UINT32_MAX) {
        dv_parser_expected(p, "a source location of at most 8 digits");
        return SRCLOC_NONE;
    }
    dv_parser_advance(p);
    return (u32)location.lo;
}

/* Behind "v3 ->": makes it an alias. The same one again is no error. */
static void parse_alias(Parser *p, const Token *at, u32 id)
{
    p->owner = (EntityRef){ENTITY_VALUE, id};
    dv_parser_advance(p);
    u32 target = parse_value(p);
    if (p->failed) {
        return;
    }
    ValueData *value = &p->f->values.data[id];
    if (value->kind == VALUE_ALIAS && value->def == target) {
        return;
    }
    if (value->kind == VALUE_ALIAS) {
        dv_parser_fail_at(p, at->line, at->column, "v%" PRIu32 " is already an alias of v%" PRIu32,
                          id, value->def);
        return;
    }
    claim_value(p, at, id);
    *value = (ValueData){target, 0, p->f->values.data[target].type, VALUE_ALIAS};
    p->has_aliases = true;
    dv_map_put(p->arena, &p->clif_func->entity_lines, (u64)ENTITY_VALUE << 32 | id, at->line);
}

/* An instruction or an alias. */
static void parse_line(Parser *p)
{
    dv_parser_own(p, ENTITY_INST, p->f->insts.len);
    u32 line = p->token.line;
    u32 srcloc = parse_srcloc(p);
    parse_debug_tags(p);
    vec_clear(&p->results);
    while (dv_parser_at_entity(p, "v")) {
        Token at = p->token;
        u32 id = parse_value(p);
        if (p->token.kind == TOK_ARROW && p->results.len == 0) {
            parse_alias(p, &at, id);
            return;
        }
        claim_value(p, &at, id);
        if (p->failed) {
            return;
        }
        p->f->values.data[id] =
            (ValueData){p->f->insts.len, p->results.len, TYPE_NONE, VALUE_RESULT};
        vec_push(p->arena, &p->results, id);
        if (!dv_parser_take_punct(p, ',')) {
            dv_parser_expect_punct(p, '=');
            break;
        }
        if (!dv_parser_at_entity(p, "v")) {
            dv_parser_expected(p, "a value");
        }
    }
    parse_operation(p, srcloc);
    if (!p->failed) {
        vec_push(p->arena, &p->clif_func->inst_lines, line);
    }
}

static void parse_block_params(Parser *p, Block block)
{
    if (!dv_parser_take_punct(p, '(') || dv_parser_take_punct(p, ')')) {
        return;
    }
    do {
        Token at = p->token;
        u32 id = parse_value(p);
        claim_value(p, &at, id);
        dv_parser_expect_punct(p, ':');
        Type type = dv_parser_type(p);
        if (!p->failed) {
            dv_block_add_param_at(p->f, block, (Value){id}, type);
        }
    } while (dv_parser_take_punct(p, ','));
    dv_parser_expect_punct(p, ')');
}

/* "block1(v0: i32) cold:" */
static void parse_block_header(Parser *p)
{
    Token at = p->token;
    if (at.index != LEX_INDEX_TOO_LARGE) {
        dv_parser_own(p, ENTITY_BLOCK, at.index);
    }
    Block block = parse_block(p);
    if (p->failed) {
        return;
    }
    if (p->f->blocks.data[block.id].inserted) {
        dv_parser_fail_at(p, at.line, at.column,
                          "block%" PRIu32 " is already defined in line %" PRIu32, block.id,
                          p->clif_func->block_lines.data[block.id]);
        return;
    }
    dv_block_append(p->f, block);
    p->block = block;
    if (block.id >= p->clif_func->block_lines.len) {
        vec_extend(p->arena, &p->clif_func->block_lines,
                   block.id + 1 - p->clif_func->block_lines.len);
    }
    p->clif_func->block_lines.data[block.id] = at.line;
    parse_block_params(p, block);
    p->f->blocks.data[block.id].cold = dv_parser_take_word(p, "cold");
    dv_parser_expect_punct(p, ':');
}

void dv_parser_body(Parser *p)
{
    while (!p->failed && !dv_parser_at_punct(p, '}')) {
        if (dv_parser_at_entity(p, "block")) {
            parse_block_header(p);
        } else if (p->block.id == ENTITY_NONE) {
            dv_parser_expected(p, "a declaration, a block or '}'");
        } else {
            parse_line(p);
        }
    }
}
