/* builder.c - functions made by calls: state and errors, blocks, and one function per operation.
 *
 * The 219 functions of davit/ops.h are one macro over ops.def. Each fills a BuildRequest;
 * dv_builder_emit reads the operation's row and its format's spelling, letter by letter as parser
 * and printer do, checks what the request names and what types it has, and appends the
 * instruction. Checked here is what a caller is best told at once, and all that keeps memory safe:
 * entities exist, values have the types of the row or signature, the block is open. The rest is
 * the verifier's, which davit_builder_finish runs.
 */
#include "codegen/ir/builder.h"

#include <stdio.h>

#include "base/bytes.h"
#include "codegen/ir/build_ops.h"
#include "codegen/ir/docs.h"

/* ---- state and errors ---- */

void dv_builder_init(Builder *b, Func *f, Arena *arena)
{
    *b = (Builder){.pool = arena->pool, .f = f, .arena = arena, .call = ""};
    b->entry = b->current = BLOCK_NONE;
    b->srcloc = SRCLOC_NONE;
    b->result = DAVIT_NONE;
    dv_ssa_init(&b->ssa, f, arena);
}

bool dv_builder_enter(Builder *b, const char *call, Escape *escape)
{
    b->result = DAVIT_NONE;
    if (b->status != DAVIT_OK) {
        return false;
    }
    b->call = call;
    dv_escape_enter(escape, b->pool);
    return true;
}

void dv_builder_leave(Builder *b, Escape *escape)
{
    dv_escape_leave(escape, b->pool);
    if (escape->status != DAVIT_OK) {
        b->status = escape->status;
        snprintf(b->message, sizeof b->message, "%s: %s", b->call, davit_status_name(b->status));
    }
    if (b->status != DAVIT_OK) {
        b->result = DAVIT_NONE;
    }
}

void dv_builder_fail(Builder *b, const char *format, ...)
{
    if (b->status != DAVIT_OK) {
        return;
    }
    va_list args;
    int length = snprintf(b->message, sizeof b->message, "%s: ", b->call);
    CHECK(length >= 0 && (usize)length < sizeof b->message);
    va_start(args, format);
    vsnprintf(b->message + length, sizeof b->message - (usize)length, format, args);
    va_end(args);
    b->status = DAVIT_ERROR_INVALID;
}

davit_status_t davit_builder_status(const davit_builder_t *b)
{
    return b->status;
}

const char *davit_builder_message(const davit_builder_t *b)
{
    return b->message;
}

bool dv_builder_check_block(Builder *b, u32 id)
{
    if (id >= b->f->blocks.len) {
        dv_builder_fail(b, id == DAVIT_NONE ? "no block was given" : "there is no block%u",
                        (unsigned)id);
        return false;
    }
    return true;
}

bool dv_builder_check_value(Builder *b, u32 id)
{
    if (id == DAVIT_NONE) {
        dv_builder_fail(b, "no value was given");
    } else if (id >= 0x80000000u) {
        dv_builder_fail(b, "davit_ret and davit_exn belong to destinations of try_ operations");
    } else if (!dv_value_exists(b->f, (Value){id})) {
        dv_builder_fail(b, "there is no value v%u", (unsigned)id);
    }
    return dv_builder_ok(b);
}

static bool check_type(Builder *b, davit_type_t type)
{
    char name[16];
    if (!dv_type_is_valid(type)) {
        snprintf(name, sizeof name, "0x%x", (unsigned)type);
        dv_builder_fail(b, "%s is no type", name);
    }
    return dv_builder_ok(b);
}

/* ---- blocks ---- */

u32 dv_builder_block(Builder *b)
{
    Block block = dv_block_make(b->f);
    dv_ssa_reserve_blocks(&b->ssa);
    return block.id;
}

davit_block_t davit_block_create(davit_builder_t *b)
{
    BUILDER_CALL(b, "davit_block_create", b->result = dv_builder_block(b));
    return (davit_block_t){b->result};
}

static u32 add_param(Builder *b, davit_block_t block, davit_type_t type)
{
    if (!dv_builder_check_block(b, block.id) || !check_type(b, type)) {
        return DAVIT_NONE;
    }
    return dv_block_add_param(b->f, (Block){block.id}, type).id;
}

davit_value_t davit_block_add_param(davit_builder_t *b, davit_block_t block, davit_type_t type)
{
    BUILDER_CALL(b, "davit_block_add_param", b->result = add_param(b, block, type));
    return (davit_value_t){b->result};
}

static u32 find_param(Builder *b, davit_block_t block, u32 index)
{
    if (!dv_builder_check_block(b, block.id)) {
        return DAVIT_NONE;
    }
    if (index >= dv_block(b->f, (Block){block.id})->num_params) {
        dv_builder_fail(b, "block%u has no parameter %u", (unsigned)block.id, (unsigned)index);
        return DAVIT_NONE;
    }
    return dv_block_params(b->f, (Block){block.id})[index];
}

davit_value_t davit_block_param(davit_builder_t *b, davit_block_t block, uint32_t index)
{
    BUILDER_CALL(b, "davit_block_param", b->result = find_param(b, block, index));
    return (davit_value_t){b->result};
}

void dv_builder_switch_to(Builder *b, Block block)
{
    if (!dv_builder_check_block(b, block.id)) {
        return;
    }
    if (!dv_block(b->f, block)->inserted) {
        dv_block_append(b->f, block);
    }
    b->current = block;
}

void davit_block_switch(davit_builder_t *b, davit_block_t block)
{
    BUILDER_CALL(b, "davit_block_switch", dv_builder_switch_to(b, (Block){block.id}));
}

davit_block_t davit_block_current(const davit_builder_t *b)
{
    return (davit_block_t){b->current.id};
}

bool dv_builder_is_filled(const Builder *b)
{
    return b->current.id == ENTITY_NONE || dv_block_terminator(b->f, b->current).id != ENTITY_NONE;
}

bool davit_block_is_filled(const davit_builder_t *b)
{
    return dv_builder_is_filled(b);
}

static void set_cold(Builder *b, davit_block_t block)
{
    if (dv_builder_check_block(b, block.id)) {
        vec_at(&b->f->blocks, block.id).cold = true;
    }
}

void davit_block_set_cold(davit_builder_t *b, davit_block_t block)
{
    BUILDER_CALL(b, "davit_block_set_cold", set_cold(b, block));
}

static u32 entry_block(Builder *b)
{
    Func *f = b->f;
    if (b->entry.id != ENTITY_NONE) {
        return b->entry.id;
    }
    if (f->first_block.id != ENTITY_NONE) {
        dv_builder_fail(b, "block%u was switched to before and is the entry",
                        (unsigned)f->first_block.id);
        return DAVIT_NONE;
    }
    b->entry.id = dv_builder_block(b);
    for (u32 i = 0; i < f->sig.num_params; i++) {
        dv_block_add_param(f, b->entry, f->sig.params[i].type);
    }
    dv_builder_switch_to(b, b->entry);
    dv_ssa_seal(&b->ssa, b->entry);
    return b->entry.id;
}

davit_block_t davit_entry_block(davit_builder_t *b)
{
    BUILDER_CALL(b, "davit_entry_block", b->result = entry_block(b));
    return (davit_block_t){b->result};
}

/* ---- instructions: what a request names ---- */

/* True if instructions can be appended. */
static bool check_open(Builder *b)
{
    if (b->current.id == ENTITY_NONE) {
        dv_builder_fail(b, "no block is being filled: davit_block_switch comes first");
        return false;
    }
    Inst end = dv_block_terminator(b->f, b->current);
    if (end.id != ENTITY_NONE) {
        dv_builder_fail(b, "block%u has ended in %s, nothing can follow", (unsigned)b->current.id,
                        dv_inst_info(b->f, end)->name);
        return false;
    }
    return true;
}

/* The one type of a set of one. */
static Type only_type(TypeSetId id)
{
    const TypeSet *set = &dv_typesets[id];
    if (dv_popcount32(set->lanes) != 1) {
        return TYPE_NONE;
    }
    u32 log2_lanes = set->shapes == SHAPE_VECTOR ? set->log2_lanes_min : 0;
    return TYPE_MAKE(dv_ctz32(set->lanes), log2_lanes);
}

/* Finds the controlling type; the values of the request exist. */
static bool find_type(Builder *b, const BuildRequest *r, Type *type)
{
    const OpInfo *info = &dv_ops[r->op];
    char name[16];
    *type = r->type;
    if (info->set == SET_None) {
        return true;
    }
    if (*type == TYPE_NONE) {
        *type = only_type(info->set);
    }
    for (u32 i = 0; i < info->num_operands && *type == TYPE_NONE; i++) {
        if (info->operands[i] == TS_T) {
            *type = dv_value_type(b->f, (Value){r->args[i]});
        }
    }
    if (!check_type(b, *type)) {
        return false;
    }
    if (!dv_typeset_has(info->set, *type)) {
        dv_builder_fail(b, "the type is %s, it must be one of: %s", dv_type_name(*type, name),
                        dv_typeset_docs[info->set]);
        return false;
    }
    return true;
}

/* Collects the arguments in b->args, variables resolved. */
static bool collect_args(Builder *b, const BuildRequest *r)
{
    vec_clear(&b->args);
    for (u32 i = 0; i < r->num_args; i++) {
        if (!dv_builder_check_value(b, r->args[i])) {
            return false;
        }
        vec_push(b->arena, &b->args, dv_ssa_resolve(&b->ssa, (Value){r->args[i]}).id);
    }
    if (r->num_list > UINT32_MAX / 2) {
        dv_builder_fail(b, "there are too many arguments");
        return false;
    }
    for (usize i = 0; i < r->num_list; i++) {
        if (!dv_builder_check_value(b, r->list[i].id)) {
            return false;
        }
        vec_push(b->arena, &b->args, dv_ssa_resolve(&b->ssa, (Value){r->list[i].id}).id);
    }
    return true;
}

/* How many entities there are of the kind that a letter of formats.def names; *what is their
 * prefix. */
static u32 count_entities(const Func *f, char letter, const char **what)
{
    switch (letter) {
    case 'K':
        return *what = "const", f->constants.len;
    case 'G':
        return *what = "gv", f->global_values.len;
    case 'N':
        return *what = "fn", f->funcs.len;
    case 'X':
        return *what = "sig", f->sigs.len;
    case 'Y':
        return *what = "dss", f->dyn_slots.len;
    case 'L':
        return *what = "ss", f->slots.len;
    case 'b':
        return *what = "block", f->blocks.len;
    case 'm':
        return *what = "heap", f->memories.len;
    case 'q':
        return *what = "table", f->tables.len;
    case 'g':
        return *what = "global", f->globals.len;
    case 'd':
        return *what = "data", f->datas.len;
    case 'e':
        return *what = "elem", f->elems.len;
    case 'k':
        return *what = "tag", f->tags.len;
    case 'w':
        return *what = "type", f->wasm_types.len;
    case 'z':
        return *what = "func", f->wasm_funcs.len;
    default:
        UNREACHABLE();
    }
}

static void set_entity(Builder *b, const BuildRequest *r, char letter, InstData *d)
{
    const char *what;
    bool is_second = d->ent != ENTITY_NONE;
    u32 id = is_second ? r->second : r->ent;
    if (id >= count_entities(b->f, letter, &what)) {
        if (id == DAVIT_NONE) {
            dv_builder_fail(b, "no %s was given", what);
        } else {
            dv_builder_fail(b, "there is no %s%u", what, (unsigned)id);
        }
    } else if (is_second) {
        d->imm[0] = id;
    } else {
        d->ent = id;
    }
}

static void set_integer(Builder *b, InstData *d, u64 imm)
{
    u32 bits = type_bits(d->type);
    u64 high = bits >= 64 ? 0 : imm >> (bits - 1);
    if (bits < 64 && high > 1 && high != UINT64_MAX >> (bits - 1)) {
        dv_builder_fail(b, "%" PRId64 " does not fit %u bits", (i64)imm, (unsigned)bits);
        return;
    }
    dv_set_imm64(d, bits >= 64 ? imm : imm & (((u64)1 << bits) - 1));
}

static void set_aux(Builder *b, InstData *d, u8 aux, u32 count)
{
    d->aux = aux;
    if (aux >= count) {
        dv_builder_fail(b, "there is no condition or operation number %u", (unsigned)aux);
    }
}

static void set_mask(Builder *b, Inst i, const u8 *mask)
{
    if (mask == NULL) {
        dv_builder_fail(b, "no mask was given");
        return;
    }
    u32 number = dv_mask_make(b->f, mask);
    dv_inst(b->f, i)->ent = number;
}

/* Puts into the instruction what one letter of its format's spelling stands for. */
static void set_operand(Builder *b, const BuildRequest *r, char letter, Inst i)
{
    InstData *d = dv_inst(b->f, i);
    switch (letter) {
    case 'i':
        set_integer(b, d, r->imm);
        break;
    case 'H':
    case 'S':
    case 'D':
    case 'U':
    case '@':
        dv_set_imm64(d, r->imm);
        break;
    case '+':
        d->imm[0] = (u32)r->imm;
        break;
    case 'u':
        d->imm[0] = (u32)r->imm;
        break;
    case 'L':
        set_entity(b, r, letter, d);
        d->imm[0] = (u32)r->imm;
        break;
    case 'M':
        set_mask(b, i, r->mask);
        break;
    case 'c':
        set_aux(b, d, r->aux, INTCC_COUNT);
        break;
    case 'C':
        set_aux(b, d, r->aux, FLOATCC_COUNT);
        break;
    case 'r':
        set_aux(b, d, r->aux, RMW_COUNT);
        break;
    case 'l':
    case 't':
        set_aux(b, d, r->aux, 256);
        break;
    case 'F':
        dv_builder_flags(b, r->flags, &d->flags, &d->ent);
        break;
    case 'v':
    case '*':
    case 'A':
    case 'B':
    case 'J':
    case 'E':
    case ' ':
    case ',':
        break; /* values and destinations are not set here */
    default:
        set_entity(b, r, letter, d);
        break;
    }
}

/* ---- instructions: types ---- */

static void check_operands(Builder *b, const BuildRequest *r, Inst i)
{
    const OpInfo *info = &dv_ops[r->op];
    Type type = dv_inst_const(b->f, i)->type;
    for (u32 n = 0; n < info->num_operands && dv_builder_ok(b); n++) {
        TypeSpec spec = (TypeSpec)info->operands[n];
        Type want = dv_inst_spec_type(b->f, i, spec);
        Type got = dv_value_type(b->f, dv_inst_arg(b->f, i, n));
        char got_name[16];
        char want_name[16];
        if (want != TYPE_NONE ? got == want : dv_typespec_matches(spec, type, got)) {
            continue;
        }
        dv_builder_fail(b, "operand %u, v%u, has type %s, it must be %s", (unsigned)n,
                        (unsigned)dv_inst_arg(b->f, i, n).id, dv_type_name(got, got_name),
                        want != TYPE_NONE ? dv_type_name(want, want_name) : dv_typespec_docs[spec]);
    }
}

/* Checks the arguments after `fixed` ones against these parameters. */
static void check_list(Builder *b, Inst i, u32 fixed, const Param *params, u32 num_params)
{
    u32 count = dv_inst_const(b->f, i)->num_args - fixed;
    char got_name[16];
    char want_name[16];
    if (count != num_params) {
        dv_builder_fail(b, "%u values are given, the signature has %u", (unsigned)count,
                        (unsigned)num_params);
        return;
    }
    for (u32 n = 0; n < count; n++) {
        Type got = dv_value_type(b->f, dv_inst_arg(b->f, i, fixed + n));
        if (got != params[n].type) {
            dv_builder_fail(b, "value %u has type %s, the signature has %s", (unsigned)n,
                            dv_type_name(got, got_name), dv_type_name(params[n].type, want_name));
            return;
        }
    }
}

static void check_signature(Builder *b, const BuildRequest *r, Inst i)
{
    if (r->op == OP_return) {
        check_list(b, i, 0, b->f->sig.results, b->f->sig.num_results);
        return;
    }
    const Signature *sig = dv_inst_signature(b->f, i);
    if (sig != NULL) {
        check_list(b, i, dv_ops[r->op].num_operands, sig->params, sig->num_params);
    }
}

/* ---- instructions: destinations ---- */

static void set_dest(Builder *b, u32 call, const davit_dest_t *dest, bool is_try)
{
    if (!dv_builder_check_block(b, dest->block.id)) {
        return;
    }
    bool is_entry = dest->block.id == b->f->first_block.id;
    if (is_entry || vec_at(&b->ssa.blocks, dest->block.id).sealed) {
        dv_builder_fail(b,
                        is_entry ? "block%u is the entry, no branch can go there"
                                 : "block%u is sealed, no branch can be added",
                        (unsigned)dest->block.id);
        return;
    }
    vec_at(&b->f->calls, call).block.id = dest->block.id;
    for (usize n = 0; n < dest->num_args; n++) {
        BlockArg arg = {dest->args[n].id};
        if (!is_try || arg.bits == DAVIT_NONE || block_arg_kind(arg) == ARG_VALUE) {
            if (!dv_builder_check_value(b, arg.bits)) {
                return;
            }
            arg.bits = dv_ssa_resolve(&b->ssa, (Value){arg.bits}).id;
        }
        dv_call_push_arg(b->f, call, arg);
    }
    dv_ssa_add_pred(&b->ssa, (Block){dest->block.id}, b->current, call);
}

static void set_dests(Builder *b, const BuildRequest *r, Inst i)
{
    if (r->num_table > UINT32_MAX / 2) {
        dv_builder_fail(b, "there are too many destinations");
        return;
    }
    u32 count = r->num_dests + (u32)r->num_table;
    u32 call = dv_calls_make(b->f, count);
    dv_inst(b->f, i)->imm[0] = call;
    dv_inst(b->f, i)->imm[1] = count;
    for (u32 n = 0; n < count && dv_builder_ok(b); n++) {
        set_dest(b, call + n, n < r->num_dests ? &r->dests[n] : &r->table[n - r->num_dests], false);
    }
}

/* Fills one handler; *dest is the next free destination of the table. */
static void set_handler(Builder *b, const davit_handler_t *from, ExceptionTable *table, Handler *to,
                        u32 *dest)
{
    to->kind = from->kind;
    switch (from->kind) {
    case HANDLER_CONTEXT:
        if (dv_builder_check_value(b, from->context.id)) {
            to->context = dv_ssa_resolve(&b->ssa, (Value){from->context.id});
        }
        break;
    case HANDLER_TAG:
    case HANDLER_DEFAULT:
        to->tag = from->kind == HANDLER_TAG ? from->tag : 0;
        to->dest = *dest;
        set_dest(b, table->dests + *dest, &from->dest, true);
        *dest += 1;
        break;
    default:
        dv_builder_fail(b, "there is no kind of handler number %u", (unsigned)from->kind);
        break;
    }
}

static void set_exceptions(Builder *b, const davit_exceptions_t *from, Inst i)
{
    ExceptionTable table = {.num_dests = 1};
    u32 dest = 1;
    if (from == NULL || from->num_handlers > UINT32_MAX / 2) {
        dv_builder_fail(b, "no exception table was given");
        return;
    }
    if (from->sig.id >= b->f->sigs.len) {
        dv_builder_fail(b, "the exception table names no signature");
        return;
    }
    for (usize n = 0; n < from->num_handlers; n++) {
        table.num_dests += from->handlers[n].kind != HANDLER_CONTEXT;
    }
    table.sig.id = from->sig.id;
    table.dests = dv_calls_make(b->f, table.num_dests);
    table.num_handlers = (u32)from->num_handlers;
    table.handlers = ARENA_ARRAY(b->f->arena, Handler, table.num_handlers);
    set_dest(b, table.dests, &from->normal, true);
    for (u32 n = 0; n < table.num_handlers && dv_builder_ok(b); n++) {
        set_handler(b, &from->handlers[n], &table, &table.handlers[n], &dest);
    }
    dv_inst(b->f, i)->imm[1] = b->f->exception_tables.len;
    vec_push(b->f->arena, &b->f->exception_tables, table);
}

/* ---- instructions ---- */

u32 dv_builder_emit(Builder *b, const BuildRequest *r)
{
    Func *f = b->f;
    const OpInfo *info = &dv_ops[r->op];
    Type type;
    if (!check_open(b) || !collect_args(b, r) || !find_type(b, r, &type)) {
        return DAVIT_NONE;
    }
    Inst i = dv_inst_make(f, r->op, type, b->args.data, b->args.len);
    bool is_try = strchr(dv_formats[info->format].spelling, 'E') != NULL;
    for (const char *s = dv_formats[info->format].spelling; *s != '\0' && dv_builder_ok(b); s++) {
        set_operand(b, r, *s, i);
    }
    if (dv_builder_ok(b)) {
        check_operands(b, r, i);
    }
    if (dv_builder_ok(b) && is_try) {
        set_exceptions(b, r->exceptions, i);
    } else if (dv_builder_ok(b) && (info->effects & FX_BRANCH) != 0) {
        set_dests(b, r, i);
    }
    if (dv_builder_ok(b)) {
        check_signature(b, r, i);
    }
    if (!dv_builder_ok(b)) {
        return DAVIT_NONE;
    }
    dv_inst_make_results(f, i);
    for (u32 n = 0; n < dv_inst_const(f, i)->num_results; n++) {
        if (dv_value_type(f, dv_inst_result(f, i, n)) == TYPE_NONE) {
            dv_builder_fail(b, "no type is %s where T is that of the operands",
                            dv_typespec_docs[info->results[n]]);
            return DAVIT_NONE;
        }
    }
    dv_inst_append(f, i, b->current);
    if (b->srcloc != SRCLOC_NONE) {
        dv_srcloc_set(f, i, b->srcloc);
    }
    return i.id;
}

u32 dv_builder_emit_value(Builder *b, const BuildRequest *request)
{
    u32 id = dv_builder_emit(b, request);
    return id == DAVIT_NONE ? DAVIT_NONE : dv_inst_result(b->f, (Inst){id}, 0).id;
}

/* Runs an operation's function; b->result is the instruction. */
static u32 run_request(Builder *b, const char *name, const BuildRequest *request)
{
    BUILDER_CALL(b, name, b->result = dv_builder_emit(b, request));
    return b->result;
}

static davit_inst_t give_0(const Builder *b, u32 inst)
{
    (void)b;
    return (davit_inst_t){inst};
}

static davit_value_t give_1(const Builder *b, u32 inst)
{
    u32 id = inst == DAVIT_NONE ? DAVIT_NONE : dv_inst_result(b->f, (Inst){inst}, 0).id;
    return (davit_value_t){id};
}

static davit_pair_t give_2(const Builder *b, u32 inst)
{
    u32 second = inst == DAVIT_NONE ? DAVIT_NONE : dv_inst_result(b->f, (Inst){inst}, 1).id;
    return (davit_pair_t){give_1(b, inst), {second}};
}

#define OP(name, format, set, operands, results, effects, doc) \
    BUILD_PROTOTYPE(name, format, set, operands, results) \
    { \
        BuildRequest request = {.op = \
                                    OP_##name BUILD_TYPE_FILL(set, operands) BUILD_FILL_##format}; \
        return BUILD_CAT(give_, \
                         BUILD_COUNT results)(b, run_request(b, "davit_ins_" #name, &request)); \
    }
#include "codegen/ir/ops.def"
#undef OP

static u32 find_result(Builder *b, davit_inst_t inst, u32 index)
{
    if (inst.id >= b->f->insts.len) {
        dv_builder_fail(b, "no instruction was given");
        return DAVIT_NONE;
    }
    if (index >= b->f->insts.data[inst.id].num_results) {
        dv_builder_fail(b, "%s has no result %u", dv_inst_info(b->f, (Inst){inst.id})->name,
                        (unsigned)index);
        return DAVIT_NONE;
    }
    return dv_inst_result(b->f, (Inst){inst.id}, index).id;
}

davit_value_t davit_inst_result(davit_builder_t *b, davit_inst_t inst, uint32_t index)
{
    BUILDER_CALL(b, "davit_inst_result", b->result = find_result(b, inst, index));
    return (davit_value_t){b->result};
}

uint32_t davit_inst_num_results(davit_builder_t *b, davit_inst_t inst)
{
    return inst.id < b->f->insts.len ? b->f->insts.data[inst.id].num_results : 0;
}

davit_type_t davit_value_type(const davit_builder_t *b, davit_value_t value)
{
    return dv_value_exists(b->f, (Value){value.id}) ? dv_value_type(b->f, (Value){value.id})
                                                    : TYPE_NONE;
}

void davit_set_srcloc(davit_builder_t *b, uint32_t srcloc)
{
    b->srcloc = srcloc;
}

static bool check_inst(Builder *b, davit_inst_t inst, usize count)
{
    if (inst.id >= b->f->insts.len) {
        dv_builder_fail(b, "no instruction was given");
    } else if (count > UINT32_MAX / 2) {
        dv_builder_fail(b, "there are too many entries");
    }
    return dv_builder_ok(b);
}

static void set_stack_map(Builder *b, davit_inst_t inst, const davit_stack_map_entry_t *from,
                          usize count)
{
    if (!check_inst(b, inst, count)) {
        return;
    }
    StackMapEntry *entries = ARENA_ARRAY(b->arena, StackMapEntry, count);
    for (usize n = 0; n < count; n++) {
        if (!check_type(b, from[n].type)) {
            return;
        }
        if (from[n].slot.id >= b->f->slots.len) {
            dv_builder_fail(b, "entry %u names no stack slot", (unsigned)n);
            return;
        }
        entries[n] = (StackMapEntry){from[n].type, {from[n].slot.id}, from[n].offset};
    }
    dv_stack_map_set(b->f, (Inst){inst.id}, entries, (u32)count);
}

void davit_inst_set_stack_map(davit_builder_t *b, davit_inst_t inst,
                              const davit_stack_map_entry_t *entries, size_t count)
{
    BUILDER_CALL(b, "davit_inst_set_stack_map", set_stack_map(b, inst, entries, count));
}

static void set_debug_tags(Builder *b, davit_inst_t inst, const davit_debug_tag_t *from,
                           usize count)
{
    if (!check_inst(b, inst, count)) {
        return;
    }
    DebugTag *tags = ARENA_ARRAY(b->arena, DebugTag, count);
    for (usize n = 0; n < count; n++) {
        if (from[n].is_slot && from[n].value >= b->f->slots.len) {
            dv_builder_fail(b, "tag %u names no stack slot", (unsigned)n);
            return;
        }
        tags[n] = (DebugTag){from[n].is_slot ? DEBUG_TAG_SLOT : DEBUG_TAG_NUMBER, from[n].value};
    }
    dv_debug_tags_set(b->f, (Inst){inst.id}, tags, (u32)count);
}

void davit_inst_set_debug_tags(davit_builder_t *b, davit_inst_t inst, const davit_debug_tag_t *tags,
                               size_t count)
{
    BUILDER_CALL(b, "davit_inst_set_debug_tags", set_debug_tags(b, inst, tags, count));
}

/* ---- constants ---- */

u32 dv_builder_int(Builder *b, Type type, i64 x)
{
    Type lane = type_lane_type(type);
    if (!check_type(b, type) || !type_is_int_lane(type)) {
        dv_builder_fail(b, "the type must be an integer or a vector of integers");
        return DAVIT_NONE;
    }
    BuildRequest number = {
        .op = OP_iconst, .type = lane == TYPE_I128 ? TYPE_I64 : lane, .imm = (u64)x};
    u32 id = dv_builder_emit_value(b, &number);
    if (lane == TYPE_I128) {
        BuildRequest wide = {.op = OP_sextend, .type = lane, .num_args = 1, .args = {id}};
        id = dv_builder_emit_value(b, &wide);
    }
    if (type_is_vector(type)) {
        BuildRequest splat = {.op = OP_splat, .type = type, .num_args = 1, .args = {id}};
        id = dv_builder_emit_value(b, &splat);
    }
    return id;
}

davit_value_t davit_ins_int(davit_builder_t *b, davit_type_t type, int64_t x)
{
    BUILDER_CALL(b, "davit_ins_int", b->result = dv_builder_int(b, type, x));
    return (davit_value_t){b->result};
}

static u32 make_i128(Builder *b, u64 low, u64 high)
{
    BuildRequest halves[2] = {{.op = OP_iconst, .type = TYPE_I64, .imm = low},
                              {.op = OP_iconst, .type = TYPE_I64, .imm = high}};
    BuildRequest whole = {.op = OP_iconcat, .num_args = 2};
    whole.args[0] = dv_builder_emit_value(b, &halves[0]);
    whole.args[1] = dv_builder_emit_value(b, &halves[1]);
    return dv_builder_emit_value(b, &whole);
}

davit_value_t davit_ins_i128(davit_builder_t *b, uint64_t low, uint64_t high)
{
    BUILDER_CALL(b, "davit_ins_i128", b->result = make_i128(b, low, high));
    return (davit_value_t){b->result};
}

davit_value_t davit_ins_f32(davit_builder_t *b, float x)
{
    u32 bits;
    memcpy(&bits, &x, sizeof bits);
    return davit_ins_f32const(b, bits);
}

davit_value_t davit_ins_f64(davit_builder_t *b, double x)
{
    u64 bits;
    memcpy(&bits, &x, sizeof bits);
    return davit_ins_f64const(b, bits);
}

static u32 make_zero(Builder *b, davit_type_t type)
{
    if (!check_open(b) || !check_type(b, type)) {
        return DAVIT_NONE;
    }
    return dv_ssa_zero(b->f, b->current, INST_NONE, type).id;
}

davit_value_t davit_ins_zero(davit_builder_t *b, davit_type_t type)
{
    BUILDER_CALL(b, "davit_ins_zero", b->result = make_zero(b, type));
    return (davit_value_t){b->result};
}

static u32 emit_imm(Builder *b, Op op, u8 cc, davit_value_t x, i64 imm)
{
    if (!check_open(b) || !dv_builder_check_value(b, x.id)) {
        return DAVIT_NONE;
    }
    bool is_shift = dv_ops[op].operands[1] != TS_T;
    u32 y = dv_builder_int(b, is_shift ? TYPE_I32 : dv_value_type(b->f, (Value){x.id}), imm);
    BuildRequest request = {.op = op, .aux = cc, .num_args = 2, .args = {x.id, y}};
    return dv_builder_ok(b) ? dv_builder_emit_value(b, &request) : DAVIT_NONE;
}

#define DEFINE_IMM(name) \
    davit_value_t davit_ins_##name##_imm(davit_builder_t *b, davit_value_t x, int64_t imm) \
    { \
        BUILDER_CALL(b, "davit_ins_" #name "_imm", b->result = emit_imm(b, OP_##name, 0, x, imm)); \
        return (davit_value_t){b->result}; \
    }
BUILD_IMM_OPS(DEFINE_IMM)
#undef DEFINE_IMM

davit_value_t davit_ins_icmp_imm(davit_builder_t *b, davit_intcc_t cc, davit_value_t x, int64_t imm)
{
    BUILDER_CALL(b, "davit_ins_icmp_imm", b->result = emit_imm(b, OP_icmp, cc, x, imm));
    return (davit_value_t){b->result};
}

/* ---- variables ---- */

static u32 declare_var(Builder *b, davit_type_t type)
{
    return check_type(b, type) ? dv_ssa_declare(&b->ssa, type) : DAVIT_NONE;
}

davit_var_t davit_declare_var(davit_builder_t *b, davit_type_t type)
{
    BUILDER_CALL(b, "davit_declare_var", b->result = declare_var(b, type));
    return (davit_var_t){b->result};
}

static bool check_var(Builder *b, davit_var_t var)
{
    if (var.id >= b->ssa.vars.len) {
        dv_builder_fail(b,
                        var.id == DAVIT_NONE ? "no variable was given" : "there is no variable %u",
                        (unsigned)var.id);
    } else if (b->current.id == ENTITY_NONE) {
        dv_builder_fail(b, "no block is being filled: davit_block_switch comes first");
    }
    return dv_builder_ok(b);
}

/* Fails if a variable was found to be undefined. */
static void check_defined(Builder *b)
{
    if (b->ssa.undefined != 0) {
        dv_builder_fail(b, "variable %u is not assigned on every path that leads here",
                        (unsigned)(b->ssa.undefined - 1));
    }
}

static void def_var(Builder *b, davit_var_t var, davit_value_t value)
{
    char got[16];
    char want[16];
    if (!check_var(b, var) || !dv_builder_check_value(b, value.id)) {
        return;
    }
    Type type = dv_value_type(b->f, (Value){value.id});
    if (type != b->ssa.vars.data[var.id]) {
        dv_builder_fail(b, "v%u has type %s, variable %u has %s", (unsigned)value.id,
                        dv_type_name(type, got), (unsigned)var.id,
                        dv_type_name(b->ssa.vars.data[var.id], want));
        return;
    }
    dv_ssa_def(&b->ssa, b->current, var.id, (Value){value.id});
}

void davit_def_var(davit_builder_t *b, davit_var_t var, davit_value_t value)
{
    BUILDER_CALL(b, "davit_def_var", def_var(b, var, value));
}

static u32 use_var(Builder *b, davit_var_t var)
{
    if (!check_var(b, var)) {
        return DAVIT_NONE;
    }
    Value v = dv_ssa_use(&b->ssa, b->current, var.id);
    check_defined(b);
    return v.id;
}

davit_value_t davit_use_var(davit_builder_t *b, davit_var_t var)
{
    BUILDER_CALL(b, "davit_use_var", b->result = use_var(b, var));
    return (davit_value_t){b->result};
}

static void seal_block(Builder *b, davit_block_t block)
{
    if (!dv_builder_check_block(b, block.id)) {
        return;
    }
    if (b->ssa.blocks.data[block.id].sealed) {
        dv_builder_fail(b, "block%u is sealed already", (unsigned)block.id);
        return;
    }
    dv_ssa_seal(&b->ssa, (Block){block.id});
    check_defined(b);
}

void davit_block_seal(davit_builder_t *b, davit_block_t block)
{
    BUILDER_CALL(b, "davit_block_seal", seal_block(b, block));
}

static void seal_all(Builder *b)
{
    for (u32 id = 0; id < b->f->blocks.len; id++) {
        if (!b->ssa.blocks.data[id].sealed) {
            dv_ssa_seal(&b->ssa, (Block){id});
        }
    }
    check_defined(b);
}

void davit_seal_all_blocks(davit_builder_t *b)
{
    BUILDER_CALL(b, "davit_seal_all_blocks", seal_all(b));
}

/* ---- the end ---- */

static void complete_block(Builder *b, Block block)
{
    Func *f = b->f;
    const SsaBlock *ssa = &b->ssa.blocks.data[block.id];
    bool is_entry = block.id == f->first_block.id;
    bool is_inserted = dv_block(f, block)->inserted;
    if (ssa->num_preds == 0 && !is_entry) {
        if (is_inserted && dv_block(f, block)->first.id == ENTITY_NONE) {
            dv_block_remove(f, block);
            is_inserted = false;
        }
        if (!is_inserted) {
            return;
        }
    }
    if (!is_inserted) {
        dv_builder_fail(b, "block%u is branched to, but was never switched to", (unsigned)block.id);
    } else if (dv_block_terminator(f, block).id == ENTITY_NONE) {
        dv_builder_fail(b, "block%u does not end in a terminator", (unsigned)block.id);
    } else if (b->ssa.vars.len != 0 && !ssa->sealed && !is_entry) {
        dv_builder_fail(b, "block%u was never sealed", (unsigned)block.id);
    }
}

void dv_builder_complete(Builder *b)
{
    for (u32 id = 0; id < b->f->blocks.len && dv_builder_ok(b); id++) {
        complete_block(b, (Block){id});
    }
    if (dv_builder_ok(b)) {
        dv_ssa_finish(&b->ssa);
    }
}
