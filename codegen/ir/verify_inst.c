/* verify_inst.c - checks one instruction: controlling type, entities, operands, results and
 * immediates against its row in ops.def.
 *
 * The row says which types go together; the letters of the format's spelling say which fields it
 * uses, so one walk over the letters checks every reference and immediate of every format. What an
 * operation demands beyond its row (a symbol, a mutable global) follows at the end.
 */
#include "codegen/ir/verify_parts.h"

/* ---- entities and immediates, by letter ---- */

static void check_constant(Verifier *v, Inst i)
{
    const InstData *d = dv_inst_const(v->f, i);
    if (!dv_verify_reference(v, at_inst(i), ENTITY_CONSTANT, d->ent)) {
        return;
    }
    u32 len = v->f->constants.data[d->ent].len, expected = type_bytes(d->type);
    if (len > expected) { /* a shorter one is zero-extended */
        dv_verify_say(v, at_inst(i), SAY_CONSTANT_SIZE, dv_verify_name(v, ENTITY_CONSTANT, d->ent),
                      dv_verify_number(v, expected), dv_verify_number(v, len));
    }
}

static void check_shuffle_mask(Verifier *v, Inst i)
{
    const InstData *d = dv_inst_const(v->f, i);
    if (d->ent >= v->f->masks.len) {
        dv_verify_say(v, at_inst(i), SAY_SHUFFLE_MASK, NULL, NULL, NULL);
        return;
    }
    const u8 *mask = v->f->masks.data[d->ent].bytes;
    for (u32 n = 0; n < 16; n++) {
        if (mask[n] >= 32) {
            dv_verify_say(v, at_inst(i), SAY_SHUFFLE_INDEX, dv_verify_number(v, mask[n]), NULL,
                          NULL);
            return;
        }
    }
}

static void check_immediate_bits(Verifier *v, Inst i, u32 bits)
{
    if (bits < 64 && dv_imm64(dv_inst_const(v->f, i)) >> bits != 0) {
        dv_verify_say(v, at_inst(i), SAY_IMMEDIATE, NULL, NULL, NULL);
    }
}

static void check_lane(Verifier *v, Inst i)
{
    const InstData *d = dv_inst_const(v->f, i);
    if (d->op == OP_extract_vector) {
        if (d->aux != 0) {
            dv_verify_say(v, at_inst(i), SAY_VECTOR_INDEX, dv_verify_number(v, d->aux), NULL, NULL);
        }
    } else if (type_is_vector(d->type) && d->aux >= type_lanes(d->type)) {
        dv_verify_say(v, at_inst(i), SAY_LANE, dv_verify_number(v, d->aux),
                      dv_verify_type_name(v, d->type), NULL);
    }
}

static void check_aux_below(Verifier *v, Inst i, u32 bound)
{
    u32 aux = dv_inst_const(v->f, i)->aux;
    if (aux >= bound) {
        dv_verify_say(v, at_inst(i), SAY_CONDITION, dv_verify_number(v, aux), NULL, NULL);
    }
}

/* An access whose offset alone is past the end of any memory of this index type. */
static void check_heap_offset(Verifier *v, Inst i)
{
    const InstData *d = dv_inst_const(v->f, i);
    if (dv_verify_exists(v->f, ENTITY_MEMORY, d->ent) && dv_imm64(d) > UINT32_MAX &&
        v->f->memories.data[d->ent].index_type == TYPE_I32) {
        dv_verify_say(v, at_inst(i), SAY_HEAP_OFFSET, dv_verify_number(v, dv_imm64(d)),
                      dv_verify_name(v, ENTITY_MEMORY, d->ent), NULL);
    }
}

/* Which kind of entity a letter of a spelling names; ENTITY_KIND_COUNT if none. */
static EntityKind letter_kind(char letter)
{
    switch (letter) {
    case 'G':
        return ENTITY_GLOBAL_VALUE;
    case 'N':
        return ENTITY_FUNC;
    case 'X':
        return ENTITY_SIG;
    case 'Y':
        return ENTITY_DYN_SLOT;
    case 'L':
        return ENTITY_SLOT;
    case 'b':
        return ENTITY_BLOCK;
    case 'm':
        return ENTITY_MEMORY;
    case 'q':
        return ENTITY_TABLE;
    case 'g':
        return ENTITY_GLOBAL;
    case 'd':
        return ENTITY_DATA;
    case 'e':
        return ENTITY_ELEM;
    case 'k':
        return ENTITY_TAG;
    case 'w':
        return ENTITY_TYPE;
    case 'z':
        return ENTITY_WASM_FUNC;
    default:
        return ENTITY_KIND_COUNT;
    }
}

static void check_immediate(Verifier *v, Inst i, char letter)
{
    const InstData *d = dv_inst_const(v->f, i);
    switch (letter) {
    case 'i':
        check_immediate_bits(v, i, type_bits(d->type));
        break;
    case 'H':
        check_immediate_bits(v, i, 16);
        break;
    case 'S':
        check_immediate_bits(v, i, 32);
        break;
    case 'K':
        check_constant(v, i);
        break;
    case 'M':
        check_shuffle_mask(v, i);
        break;
    case 'c':
        check_aux_below(v, i, INTCC_COUNT);
        break;
    case 'C':
        check_aux_below(v, i, FLOATCC_COUNT);
        break;
    case 'r':
        check_aux_below(v, i, RMW_COUNT);
        break;
    case 'l':
        check_lane(v, i);
        break;
    case 'F':
        dv_verify_flags(v, at_inst(i), d->flags, d->ent);
        break;
    case '@':
        check_heap_offset(v, i);
        break;
    case 't':
        if (d->aux == TRAP_none) {
            dv_verify_say(v, at_inst(i), SAY_TRAP_CODE, NULL, NULL, NULL);
        }
        break;
    default:
        break;
    }
}

/* True if all entities named are there; the second of a spelling lies in imm[0]. */
static bool check_letters(Verifier *v, Inst i)
{
    const InstData *d = dv_inst_const(v->f, i);
    bool all_there = true;
    u32 named = 0;
    for (const char *s = dv_formats[dv_inst_info(v->f, i)->format].spelling; *s != '\0'; s++) {
        EntityKind kind = letter_kind(*s);
        if (kind != ENTITY_KIND_COUNT) {
            u32 id = named++ == 0 ? d->ent : d->imm[0];
            all_there &= dv_verify_reference(v, at_inst(i), kind, id);
        } else {
            check_immediate(v, i, *s);
        }
    }
    return all_there;
}

/* ---- operands and results ---- */

void dv_verify_arg_type(Verifier *v, Inst i, u32 position, u32 value, Type expected)
{
    Type got;
    if (dv_verify_value_type(v, value, &got) && got != expected) {
        dv_verify_say(v, at_inst(i), SAY_ARG_TYPE, dv_verify_arg_name(v, position, value),
                      dv_verify_type_name(v, got), dv_verify_type_name(v, expected));
    }
}

static bool depends_on_entity(TypeSpec spec)
{
    return spec >= TS_heap && spec <= TS_tablemin;
}

static void say_pointer_width(Verifier *v, Inst i, Type got, const char *what)
{
    dv_verify_say(v, at_inst(i), SAY_POINTER_WIDTH, dv_verify_number(v, type_bits(got)),
                  dv_verify_number(v, v->address_bits), what);
}

/* Sizes first: what the flags ask for only makes sense between types of one size. */
static void check_bitcast(Verifier *v, Inst i, u32 value, Type from)
{
    const InstData *d = dv_inst_const(v->f, i);
    u32 order = d->flags & (FLAG_LITTLE | FLAG_BIG);
    u32 rest = d->flags & ~(u32)(FLAG_LITTLE | FLAG_BIG);
    if (!dv_typespec_matches(TS_SameBits, d->type, from)) {
        dv_verify_say(v, at_inst(i), SAY_BITCAST_SIZE, dv_verify_name(v, ENTITY_VALUE, value),
                      dv_verify_number(v, type_bits(from)),
                      dv_verify_number(v, type_bits(d->type)));
    } else if ((rest != 0 && rest != MEMFLAGS_DEFAULT) || d->ent != ENTITY_NONE) {
        dv_verify_say(v, at_inst(i), SAY_FLAGS_BITCAST, NULL, NULL, NULL);
    } else if (order == 0 && type_log2_lanes(from) != type_log2_lanes(d->type)) {
        dv_verify_say(v, at_inst(i), SAY_BITCAST_ORDER, NULL, NULL, NULL);
    }
}

static void check_operand(Verifier *v, Inst i, u32 n, TypeSpec spec)
{
    u32 value = dv_inst_args(v->f, i)[n];
    Type expected = dv_inst_spec_type(v->f, i, spec);
    if (expected != TYPE_NONE) {
        dv_verify_arg_type(v, i, n, value, expected);
        return;
    }
    Type got;
    if (depends_on_entity(spec) || !dv_verify_value_type(v, value, &got)) {
        return;
    }
    if (spec == TS_SameBits) {
        check_bitcast(v, i, value, got);
    } else if (!dv_typespec_matches(spec, dv_inst_const(v->f, i)->type, got)) {
        dv_verify_say(v, at_inst(i), SAY_ARG_CONSTRAINT, dv_verify_arg_name(v, n, value),
                      dv_verify_type_name(v, got), dv_typespec_docs[spec]);
    } else if (spec == TS_addr && !dv_verify_is_address(v, got)) {
        say_pointer_width(v, i, got, dv_verify_name(v, ENTITY_VALUE, value));
    }
}

static bool takes_list(Format format)
{
    const char *spelling = dv_formats[format].spelling;
    return strchr(spelling, '*') != NULL || strchr(spelling, 'A') != NULL;
}

static bool check_arg_count(Verifier *v, Inst i)
{
    const OpInfo *info = dv_inst_info(v->f, i);
    u32 got = dv_inst_const(v->f, i)->num_args;
    if (takes_list(info->format) ? got >= info->num_operands : got == info->num_operands) {
        return true;
    }
    dv_verify_say(v, at_inst(i), SAY_OPERAND_COUNT, dv_verify_number(v, got),
                  dv_verify_number(v, info->num_operands), NULL);
    return false;
}

static void check_results(Verifier *v, Inst i)
{
    const Func *f = v->f;
    u32 got = dv_inst_const(f, i)->num_results;
    u32 expected = dv_inst_num_results(f, i);
    if (got != expected) {
        dv_verify_say(v, at_inst(i), got < expected ? SAY_RESULT_FEWER : SAY_RESULT_MORE,
                      dv_verify_number(v, got), dv_verify_number(v, expected), NULL);
        return;
    }
    for (u32 n = 0; n < got; n++) {
        Type type, wanted = dv_inst_result_type(f, i, n);
        u32 id = dv_inst_results(f, i)[n];
        if (dv_verify_value_type(v, id, &type) && (type != wanted || !dv_type_is_valid(type))) {
            dv_verify_say(v, at_inst(i), SAY_RESULT_TYPE, dv_verify_arg_name(v, n, id),
                          dv_verify_type_name(v, wanted), dv_verify_type_name(v, type));
        }
    }
}

/* Nothing is known of the operands that would have told the type: their definitions are in
 * error. */
static bool is_type_lost(const Verifier *v, Inst i)
{
    const OpInfo *info = dv_inst_info(v->f, i);
    bool was_sought = false;
    for (u32 n = 0; n < info->num_operands && n < dv_inst_const(v->f, i)->num_args; n++) {
        Type type;
        if (info->operands[n] != TS_T) {
            continue;
        }
        if (dv_verify_value_type(v, dv_inst_args(v->f, i)[n], &type) && type != TYPE_NONE) {
            return false;
        }
        was_sought = true;
    }
    return was_sought;
}

static bool check_controlling_type(Verifier *v, Inst i)
{
    const OpInfo *info = dv_inst_info(v->f, i);
    Type type = dv_inst_const(v->f, i)->type;
    bool valid = info->set == SET_None ? type == TYPE_NONE : dv_typeset_has(info->set, type);
    if (!valid && (type != TYPE_NONE || !is_type_lost(v, i))) {
        dv_verify_say(v, at_inst(i), SAY_CONTROLLING_TYPE, dv_verify_type_name(v, type), NULL,
                      NULL);
    } else if (valid && info->set == SET_addr && !dv_verify_is_address(v, type)) {
        say_pointer_width(v, i, type, info->name);
    }
    return valid;
}

/* ---- what single operations ask for ---- */

static void check_symbol(Verifier *v, Inst i)
{
    const InstData *d = dv_inst_const(v->f, i);
    const GlobalValueData *gv = &v->f->global_values.data[d->ent];
    const char *name = NULL;
    if (gv->kind != GV_SYMBOL) {
        name = dv_verify_name(v, ENTITY_GLOBAL_VALUE, d->ent);
        dv_verify_say(v, at_inst(i), SAY_GV_SYMBOL, name, NULL, NULL);
    } else if (d->op == OP_tls_value && !gv->tls) {
        name = dv_verify_name(v, ENTITY_GLOBAL_VALUE, d->ent);
        dv_verify_say(v, at_inst(i), SAY_GV_TLS, name, NULL, NULL);
    }
}

static void check_global_access(Verifier *v, Inst i)
{
    const InstData *d = dv_inst_const(v->f, i);
    const WasmGlobalData *global = &v->f->globals.data[d->ent];
    if (global->type != d->type) {
        dv_verify_say(v, at_inst(i), SAY_GLOBAL_ACCESS, dv_verify_name(v, ENTITY_GLOBAL, d->ent),
                      dv_verify_type_name(v, global->type), dv_verify_type_name(v, d->type));
    }
    if (d->op == OP_global_set && !global->is_mutable) {
        dv_verify_say(v, at_inst(i), SAY_GLOBAL_IMMUTABLE, dv_verify_name(v, ENTITY_GLOBAL, d->ent),
                      NULL, NULL);
    }
}

static void check_table_access(Verifier *v, Inst i)
{
    const InstData *d = dv_inst_const(v->f, i);
    u8 elem = v->f->tables.data[d->ent].elem;
    if (d->op != OP_table_copy) {
        if (elem != WASM_FUNCREF) {
            dv_verify_say(v, at_inst(i), SAY_TABLE_FUNCREF, dv_verify_name(v, ENTITY_TABLE, d->ent),
                          NULL, NULL);
        }
    } else if (elem != v->f->tables.data[d->imm[0]].elem) {
        dv_verify_say(v, at_inst(i), SAY_TABLE_TYPES, dv_verify_name(v, ENTITY_TABLE, d->ent),
                      dv_verify_name(v, ENTITY_TABLE, d->imm[0]), NULL);
    }
}

/* All entities named are there, and the operands of the row. */
static void check_op_rules(Verifier *v, Inst i)
{
    Op op = (Op)dv_inst_const(v->f, i)->op;
    MemFlags flags = dv_inst_const(v->f, i)->flags;
    if (dv_ops[op].format == FORMAT_STORE && (flags & FLAG_READONLY) != 0) {
        dv_verify_say(v, at_inst(i), SAY_FLAGS_STORE, NULL, NULL, NULL);
    } else if (op == OP_return) {
        dv_verify_return(v, i);
    }
    switch (dv_ops[op].format) {
    case FORMAT_UNARY_GLOBAL_VALUE:
        check_symbol(v, i);
        break;
    case FORMAT_GLOBAL_GET:
    case FORMAT_GLOBAL_SET:
        check_global_access(v, i);
        break;
    case FORMAT_TABLE_COPY:
    case FORMAT_CALL_TABLE:
    case FORMAT_TRY_CALL_TABLE:
        check_table_access(v, i);
        break;
    case FORMAT_THROW:
        dv_verify_throw(v, i);
        break;
    case FORMAT_EXCEPTION_HANDLER_ADDRESS:
        dv_verify_handler_address(v, i);
        break;
    default:
        break;
    }
}

void dv_verify_inst(Verifier *v, Inst i)
{
    const Func *f = v->f;
    const OpInfo *info = dv_inst_info(f, i);
    bool type_ok = check_controlling_type(v, i);
    bool entities_ok = check_letters(v, i);
    bool count_ok = check_arg_count(v, i);
    bool is_call = (info->effects & FX_CALL) != 0 && takes_list(info->format);
    if (type_ok && count_ok) {
        for (u32 n = 0; n < info->num_operands; n++) {
            if (entities_ok || !depends_on_entity((TypeSpec)info->operands[n])) {
                check_operand(v, i, n, (TypeSpec)info->operands[n]);
            }
        }
    }
    /* A call whose signature is missing has nothing to be held to. */
    bool results_known =
        !is_call || info->format == FORMAT_THROW || dv_inst_signature(f, i) != NULL;
    if (type_ok && entities_ok && results_known) {
        check_results(v, i);
    }
    if (entities_ok && count_ok) {
        check_op_rules(v, i);
    }
    if (is_call && count_ok) {
        dv_verify_call(v, i);
    }
    if ((info->effects & FX_BRANCH) != 0 && count_ok) {
        dv_verify_dests(v, i);
    }
    dv_verify_call_tables(v, i);
}
