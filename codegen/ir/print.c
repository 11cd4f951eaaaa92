/* print.c - writes functions and instructions as text.
 *
 * Instructions are walked by the same spellings as in the parser (formats.def). The type suffix is
 * written where a reader of this block alone could not tell it: when the operand that gives the
 * type is defined in another block, or no operand gives it. Operands that are constants are shown
 * again in a comment. An alias comes right after the definition of what it stands for; those that
 * stand for nothing come at the start of the first block. All of this is the reference compiler's
 * convention, except the last, which has no counterpart there.
 */
#include "base/bytes.h"
#include "base/softfloat.h"
#include "codegen/ir/printer.h"

typedef struct Printer {
    TextBuf *out;
    const Func *f;
    u32 indent;
    u32 *roots;    /* what each value stands for; NULL: ask for each */
    u32 *heads;    /* value -> its first alias; NULL if there is none at all */
    u32 *nexts;    /* alias -> the next alias of the same value */
    bool *defined; /* values whose definition has been printed; NULL: all of them */
    VEC(u32) stack;
} Printer;

static void print_value(TextBuf *out, u32 id)
{
    dv_text_char(out, 'v');
    dv_text_u64(out, id);
}

static void print_values(TextBuf *out, const u32 *ids, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        dv_text_str(out, i == 0 ? "" : ", ");
        print_value(out, ids[i]);
    }
}

/* The value this one stands for; ENTITY_NONE if it stands for nothing. */
static u32 root_of(const Printer *p, u32 value)
{
    return p->roots != NULL && value < p->f->values.len ? p->roots[value]
                                                        : dv_value_resolve(p->f, (Value){value}).id;
}

/* ---- type suffixes ---- */

static u32 defining_block(const Func *f, u32 root)
{
    const ValueData *v = &f->values.data[root];
    return v->kind == VALUE_RESULT ? dv_inst_block(f, (Inst){v->def}).id : v->def;
}

/* True if a reader of this block alone can tell the controlling type. An operand that is defined
 * further down tells it too, as a rule, but not if it depends on this one in turn. */
static bool is_type_told(const Printer *p, Inst inst)
{
    const Func *f = p->f;
    const OpInfo *info = dv_inst_info(f, inst);
    const InstData *d = dv_inst_const(f, inst);
    bool single = dv_typeset_single(info->set) != TYPE_NONE;
    i32 typed = dv_formats[info->format].typed_operand;
    if (typed < 0 && info->num_operands > 0 && (single || info->operands[0] == TS_T)) {
        typed = 0; /* uload32, uload8x8: the address tells, or nothing need */
    }
    if ((info->effects & FX_SUFFIX) != 0) {
        return false;
    }
    if (typed < 0 || (info->operands[typed] != TS_T && !single)) {
        return single && info->num_operands == 0;
    }
    u32 root =
        (u32)typed < d->num_args ? root_of(p, dv_inst_arg(f, inst, (u32)typed).id) : ENTITY_NONE;
    if (root == ENTITY_NONE || defining_block(f, root) != dv_inst_block(f, inst).id) {
        return false;
    }
    if (p->defined != NULL && !p->defined[root]) {
        return false;
    }
    return single || f->values.data[root].type == d->type;
}

/* ---- operands ---- */

static void print_block_call(TextBuf *out, const Func *f, const BlockCall *call)
{
    static const char *const prefixes[] = {"v", "ret", "exn"};
    dv_printer_ref(out, ENTITY_BLOCK, call->block.id);
    for (u32 n = 0; n < call->num_args; n++) {
        BlockArg arg = dv_call_arg(f, call, n);
        dv_text_str(out, n == 0 ? "(" : ", ");
        dv_text_str(out, prefixes[block_arg_kind(arg)]);
        dv_text_u64(out, block_arg_index(arg));
    }
    dv_text_str(out, call->num_args > 0 ? ")" : "");
}

static void print_jump_table(TextBuf *out, const Func *f, const BlockCall *dests, u32 count)
{
    print_block_call(out, f, &dests[0]);
    dv_text_str(out, ", [");
    for (u32 i = 1; i < count; i++) {
        dv_text_str(out, i == 1 ? "" : ", ");
        print_block_call(out, f, &dests[i]);
    }
    dv_text_char(out, ']');
}

static void print_exceptions(TextBuf *out, const Func *f, const ExceptionTable *table)
{
    const BlockCall *dests = f->calls.data + table->dests;
    dv_printer_ref(out, ENTITY_SIG, table->sig.id);
    dv_text_str(out, ", ");
    print_block_call(out, f, &dests[0]);
    dv_text_str(out, ", [");
    for (u32 i = 0; i < table->num_handlers; i++) {
        const Handler *h = &table->handlers[i];
        dv_text_str(out, i == 0 ? " " : ", ");
        if (h->kind == HANDLER_CONTEXT) {
            dv_text_str(out, "context ");
            print_value(out, h->context.id);
            continue;
        }
        if (h->kind == HANDLER_TAG) {
            dv_text_printf(out, "tag%" PRIu32 ": ", h->tag);
        } else {
            dv_text_str(out, "default: ");
        }
        print_block_call(out, f, &dests[h->dest]);
    }
    dv_text_str(out, table->num_handlers > 0 ? " ]" : "]");
}

static void print_float(TextBuf *out, FloatKind kind, U128 bits)
{
    char text[FLOAT_TEXT_MAX];
    dv_float_format(kind, bits, text);
    dv_text_str(out, text);
}

/* Signed as its type has it; what does not fit the type is shown whole. */
static void print_iconst(TextBuf *out, Type type, u64 imm)
{
    u32 bits = type_bits(type);
    if (bits > 0 && bits < 64 && imm >> bits == 0) {
        u64 sign = (u64)1 << (bits - 1);
        imm = (imm ^ sign) - sign;
    }
    dv_printer_int(out, (i64)imm);
}

/* A reference to the entity in ent or, for the second one of the instruction, in imm[0]. */
static void print_ref(TextBuf *out, const InstData *d, char letter, u32 *count)
{
    EntityKind kind;
    bool found = dv_format_entity(letter, &kind);
    CHECK(found);
    dv_printer_ref(out, kind, *count == 0 ? d->ent : d->imm[0]);
    *count += 1;
    if (letter == 'L') {
        dv_printer_offset(out, (i32)d->imm[0]);
    }
}

/* How far the walk over a spelling has come. */
typedef struct Walk {
    u32 arg, dest, entities;
} Walk;

static void print_letter(Printer *p, Inst inst, char letter, Walk *walk)
{
    TextBuf *out = p->out;
    const Func *f = p->f;
    const InstData *d = dv_inst_const(f, inst);
    const u32 *args = dv_inst_args(f, inst);
    u32 num_dests;
    const BlockCall *dests = dv_inst_dests_const(f, inst, &num_dests);
    char name[16];
    switch (letter) {
    case ' ':
    case ',':
        dv_text_char(out, letter);
        return;
    case 'v':
        CHECK(walk->arg < d->num_args);
        print_value(out, args[walk->arg++]);
        return;
    case '*':
        print_values(out, args + walk->arg, d->num_args - walk->arg);
        return;
    case 'A':
        dv_text_char(out, '(');
        print_values(out, args + walk->arg, d->num_args - walk->arg);
        dv_text_char(out, ')');
        return;
    case 'i':
        print_iconst(out, d->type, dv_imm64(d));
        return;
    case 'U':
        dv_printer_uint(out, dv_imm64(d));
        return;
    case 'H':
        print_float(out, FLOAT_16, dv_u128_from_u64(dv_imm64(d)));
        return;
    case 'S':
        print_float(out, FLOAT_32, dv_u128_from_u64(dv_imm64(d)));
        return;
    case 'D':
        print_float(out, FLOAT_64, dv_u128_from_u64(dv_imm64(d)));
        return;
    case 'K':
        dv_printer_ref(out, ENTITY_CONSTANT, d->ent);
        return;
    case 'M':
        if (d->ent < f->masks.len) {
            dv_printer_bytes(out, f->masks.data[d->ent].bytes, sizeof(ShuffleMask));
        }
        return;
    case 'c':
        dv_text_str(out, dv_intcc_names[d->aux]);
        return;
    case 'C':
        dv_text_str(out, dv_floatcc_names[d->aux]);
        return;
    case 'r':
        dv_text_str(out, dv_rmw_names[d->aux]);
        return;
    case 't':
        dv_text_str(out, dv_trap_name(d->aux, name));
        return;
    case 'l':
        dv_text_u64(out, d->aux);
        return;
    case '+':
        dv_printer_offset(out, (i32)d->imm[0]);
        return;
    case '@':
        if (dv_imm64(d) != 0) {
            dv_text_str(out, ", offset=");
            dv_printer_uint(out, dv_imm64(d));
        }
        return;
    case 'u':
        dv_text_u64(out, d->imm[0]);
        return;
    case 'B':
        CHECK(walk->dest < num_dests);
        print_block_call(out, f, &dests[walk->dest++]);
        return;
    case 'J':
        CHECK(num_dests > 0);
        print_jump_table(out, f, dests, num_dests);
        return;
    case 'E':
        print_exceptions(out, f, dv_inst_exceptions(f, inst));
        return;
    default:
        print_ref(out, d, letter, &walk->entities);
        return;
    }
}

static void print_operands(Printer *p, Inst inst)
{
    const InstData *d = dv_inst_const(p->f, inst);
    const char *spelling = dv_formats[dv_inst_info(p->f, inst)->format].spelling;
    Walk walk = {0};
    if (spelling[0] == '\0' || (spelling[0] == '*' && d->num_args == 0)) {
        return;
    }
    const char *letter = spelling;
    if (*letter == 'F') {
        dv_printer_memflags(p->out, d->flags, d->ent);
        letter++; /* at the blank behind it */
    } else {
        dv_text_char(p->out, ' ');
    }
    for (; *letter != '\0'; letter++) {
        print_letter(p, inst, *letter, &walk);
    }
}

static void print_stack_map(TextBuf *out, const Func *f, Inst inst)
{
    const StackMap *map = dv_stack_map(f, inst);
    if (map == NULL) {
        return;
    }
    dv_text_str(out, ", stack_map=[");
    for (u32 i = 0; i < map->num_entries; i++) {
        const StackMapEntry *entry = &map->entries[i];
        dv_text_str(out, i == 0 ? "" : ", ");
        dv_printer_type(out, entry->type);
        dv_text_printf(out, " @ ss%" PRIu32 "+%" PRIu32, entry->slot.id, entry->offset);
    }
    dv_text_char(out, ']');
}

/* ---- the comment that shows constants ---- */

/* "v8 = 5" if this value is a constant; *separator then becomes a comma. */
static void print_known(Printer *p, u32 value, const char **separator)
{
    const Func *f = p->f;
    u32 root = root_of(p, value);
    if (root == ENTITY_NONE || f->values.data[root].kind != VALUE_RESULT) {
        return;
    }
    Inst inst = {f->values.data[root].def};
    Format format = dv_inst_info(f, inst)->format;
    if (format < FORMAT_UNARY_IMM || format > FORMAT_UNARY_CONST) {
        return;
    }
    const InstData *d = dv_inst_const(f, inst);
    dv_text_str(p->out, *separator);
    print_value(p->out, value);
    dv_text_str(p->out, " = ");
    bool there = d->ent < f->constants.len && f->constants.data[d->ent].present;
    if (d->op == OP_f128const && there) {
        u8 bytes[16];
        dv_constant_read(f, d->ent, bytes, sizeof bytes);
        print_float(p->out, FLOAT_128, load_le128(bytes));
    } else {
        print_letter(p, inst, dv_formats[format].spelling[0], &(Walk){0});
    }
    *separator = ", ";
}

static void print_constant_comment(Printer *p, Inst inst)
{
    const Func *f = p->f;
    const char *separator = "  ; ";
    u32 num_args = dv_inst_const(f, inst)->num_args;
    for (u32 n = 0; n < num_args; n++) {
        print_known(p, dv_inst_args(f, inst)[n], &separator);
    }
    u32 num_dests;
    const BlockCall *dests = dv_inst_dests_const(f, inst, &num_dests);
    for (u32 i = 0; i < num_dests; i++) {
        for (u32 n = 0; n < dests[i].num_args; n++) {
            BlockArg arg = dv_call_arg(f, &dests[i], n);
            if (block_arg_kind(arg) == ARG_VALUE) {
                print_known(p, block_arg_index(arg), &separator);
            }
        }
    }
    const ExceptionTable *table = dv_inst_exceptions(f, inst);
    for (u32 i = 0; table != NULL && i < table->num_handlers; i++) {
        if (table->handlers[i].kind == HANDLER_CONTEXT) {
            print_known(p, table->handlers[i].context.id, &separator);
        }
    }
}

/* ---- instructions and blocks ---- */

static void print_inst(Printer *p, Inst inst)
{
    const InstData *d = dv_inst_const(p->f, inst);
    const OpInfo *info = dv_inst_info(p->f, inst);
    print_values(p->out, dv_inst_results(p->f, inst), d->num_results);
    dv_text_str(p->out, d->num_results > 0 ? " = " : "");
    dv_text_str(p->out, info->name);
    if (info->set != SET_None && d->type != TYPE_NONE && !is_type_told(p, inst)) {
        dv_text_char(p->out, '.');
        dv_printer_type(p->out, d->type);
    }
    print_operands(p, inst);
    print_stack_map(p->out, p->f, inst);
    print_constant_comment(p, inst);
}

void dv_print_inst(TextBuf *out, const Func *f, Inst i)
{
    Printer p = {.out = out, .f = f};
    print_inst(&p, i);
}

/* "@0012 <ss0, 1> " and blanks up to the indentation. */
static void print_prefix(Printer *p, Inst inst)
{
    TextBuf *out = p->out;
    usize start = out->length;
    u32 srcloc = dv_srcloc(p->f, inst);
    const DebugTags *tags = dv_debug_tags(p->f, inst);
    if (srcloc != SRCLOC_NONE) {
        dv_text_printf(out, "@%04" PRIx32 " ", srcloc);
    }
    for (u32 i = 0; tags != NULL && i < tags->num_tags; i++) {
        dv_text_str(out, i == 0 ? "<" : ", ");
        dv_text_str(out, tags->tags[i].kind == DEBUG_TAG_SLOT ? "ss" : "");
        dv_text_u64(out, tags->tags[i].value);
    }
    dv_text_str(out, tags != NULL && tags->num_tags > 0 ? "> " : "");
    usize length = out->length - start;
    if (length < p->indent) {
        dv_text_repeat(out, ' ', p->indent - length);
    }
}

static void print_alias(Printer *p, u32 alias)
{
    dv_text_repeat(p->out, ' ', p->indent);
    print_value(p->out, alias);
    dv_text_str(p->out, " -> ");
    print_value(p->out, p->f->values.data[alias].def);
    dv_text_char(p->out, '\n');
}

/* This value has been defined: all its aliases, those of aliases too. */
static void print_aliases(Printer *p, u32 value)
{
    p->defined[value] = true;
    if (p->heads == NULL) {
        return;
    }
    vec_push(p->out->arena, &p->stack, value);
    while (p->stack.len > 0) {
        u32 target = vec_pop(&p->stack);
        for (u32 alias = p->heads[target]; alias != ENTITY_NONE; alias = p->nexts[alias]) {
            print_alias(p, alias);
            vec_push(p->out->arena, &p->stack, alias);
        }
    }
}

/* Aliases in a circle, or of what is not there. */
static void print_lost_aliases(Printer *p)
{
    for (u32 id = 0; p->heads != NULL && id < p->f->values.len; id++) {
        if (p->f->values.data[id].kind == VALUE_ALIAS && p->roots[id] == ENTITY_NONE) {
            print_alias(p, id);
        }
    }
}

static void find_aliases(Printer *p)
{
    const Func *f = p->f;
    for (u32 id = 0; id < f->values.len && p->heads == NULL; id++) {
        if (f->values.data[id].kind == VALUE_ALIAS) {
            p->heads = ARENA_ARRAY(p->out->arena, u32, f->values.len);
            p->nexts = ARENA_ARRAY(p->out->arena, u32, f->values.len);
            p->roots = dv_value_roots(f, p->out->arena);
        }
    }
    if (p->heads == NULL) {
        return;
    }
    memset(p->heads, 0xff, f->values.len * sizeof *p->heads);
    for (u32 id = f->values.len; id > 0; id--) {
        const ValueData *v = &f->values.data[id - 1];
        if (v->kind == VALUE_ALIAS && v->def < f->values.len) {
            p->nexts[id - 1] = p->heads[v->def];
            p->heads[v->def] = id - 1;
        }
    }
}

static void print_block_header(Printer *p, Block block)
{
    const Func *f = p->f;
    const BlockData *b = dv_block(f, block);
    dv_text_repeat(p->out, ' ', p->indent - 4);
    dv_printer_ref(p->out, ENTITY_BLOCK, block.id);
    for (u32 n = 0; n < b->num_params; n++) {
        u32 id = dv_block_params(f, block)[n];
        dv_text_str(p->out, n == 0 ? "(" : ", ");
        print_value(p->out, id);
        dv_text_str(p->out, ": ");
        dv_printer_type(p->out, dv_value_type(f, (Value){id}));
    }
    dv_text_str(p->out, b->num_params > 0 ? ")" : "");
    dv_text_str(p->out, b->cold ? " cold:\n" : ":\n");
}

static void print_block(Printer *p, Block block)
{
    const Func *f = p->f;
    print_block_header(p, block);
    if (block.id == f->first_block.id) {
        print_lost_aliases(p);
    }
    for (u32 n = 0; n < dv_block(f, block)->num_params; n++) {
        print_aliases(p, dv_block_params(f, block)[n]);
    }
    for (Inst i = dv_block(f, block)->first; i.id != ENTITY_NONE; i = dv_inst_next(f, i)) {
        print_prefix(p, i);
        print_inst(p, i);
        dv_text_char(p->out, '\n');
        for (u32 n = 0; n < dv_inst_const(f, i)->num_results; n++) {
            print_aliases(p, dv_inst_result(f, i, n).id);
        }
    }
}

void dv_print_func(TextBuf *out, const Func *f)
{
    bool has_prefixes = f->srclocs.len > 0 || f->debug_tags.len > 0;
    Printer p = {.out = out, .f = f, .indent = has_prefixes ? 36 : 4};
    p.defined = ARENA_ARRAY(out->arena, bool, f->values.len);
    find_aliases(&p);
    dv_text_str(out, "function ");
    dv_printer_function_name(out, &f->name);
    dv_print_signature(out, f, &f->sig);
    dv_text_str(out, " {\n");
    bool any = dv_printer_preamble(out, f);
    for (Block b = f->first_block; b.id != ENTITY_NONE; b = dv_block(f, b)->next) {
        dv_text_str(out, any ? "\n" : "");
        print_block(&p, b);
        any = true;
    }
    dv_text_str(out, "}\n");
}

/* ---- literals ---- */

static void print_scalar(TextBuf *out, Type type, const u8 *bytes)
{
    u8 all[16] = {0};
    char text[U128_TEXT_SIZE];
    memcpy(all, bytes, type_bytes(type));
    U128 value = load_le128(all);
    if (type_is_float_lane(type)) {
        print_float(out, (FloatKind)(type_lane(type) - LANE_F16), value);
        return;
    }
    u32 above = 128 - type_bits(type);
    value = dv_u128_ashr(dv_u128_shl(value, above), above);
    dv_text_str(out, dv_u128_format_signed(value, text));
}

void dv_print_literal(TextBuf *out, Type type, const u8 *bytes)
{
    Type lane = type_lane_type(type);
    if (!type_is_vector(type)) {
        print_scalar(out, type, bytes);
        return;
    }
    for (u32 i = 0; i < type_lanes(type); i++) {
        dv_text_char(out, i == 0 ? '[' : ' ');
        print_scalar(out, lane, bytes + i * type_bytes(lane));
    }
    dv_text_char(out, ']');
}
