/* verify_flow.c - checks where control goes and what it takes along: targets of branches and their
 * arguments, exception tables, calls and tail calls against signatures, returns, and the tables
 * that calls carry.
 *
 * retN stands for a result of the callee and exists only on the way to the normal return; exnN
 * stands for a word of the exception and exists only on the way to a handler.
 */
#include "codegen/ir/verify_parts.h"

enum { EXN_PAYLOAD = 2 };

static void say_arg_count(Verifier *v, Inst i, u32 got, u32 expected)
{
    dv_verify_say(v, at_inst(i), SAY_ARG_COUNT, dv_verify_inst_text(v, i), dv_verify_number(v, got),
                  dv_verify_number(v, expected));
}

/* ---- block calls ---- */

static const char *block_arg_name(Verifier *v, BlockArg arg)
{
    if (v->errors->total >= VERIFY_MAX_ERRORS) {
        return "";
    }
    const char *kind = block_arg_kind(arg) == ARG_RET ? "ret" : "exn";
    return dv_arena_printf(&v->scratch, "%s%" PRIu32, kind, block_arg_index(arg));
}

static void check_value_arg(Verifier *v, Inst i, u32 value, Type expected)
{
    Type got;
    if (dv_verify_value_type(v, value, &got) && got != expected) {
        dv_verify_say(v, at_inst(i), SAY_ARG_TYPE, dv_verify_name(v, ENTITY_VALUE, value),
                      dv_verify_type_name(v, got), dv_verify_type_name(v, expected));
    }
}

/* sig: the callee's, if this is the normal return of a try_ and it is known. */
static void check_ret_arg(Verifier *v, Inst i, BlockArg arg, Type expected, const Signature *sig)
{
    if (sig == NULL) {
        return;
    }
    u32 index = block_arg_index(arg);
    const char *name = block_arg_name(v, arg);
    if (index >= sig->num_results) {
        dv_verify_say(v, at_inst(i), SAY_RET_INDEX, name, dv_verify_number(v, sig->num_results),
                      NULL);
    } else if (sig->results[index].type != expected) {
        dv_verify_say(v, at_inst(i), SAY_ARG_TYPE, name,
                      dv_verify_type_name(v, sig->results[index].type),
                      dv_verify_type_name(v, expected));
    }
}

static void check_exn_arg(Verifier *v, Inst i, BlockArg arg, Type expected)
{
    const char *name = block_arg_name(v, arg);
    if (block_arg_index(arg) >= EXN_PAYLOAD) {
        dv_verify_say(v, at_inst(i), SAY_EXN_INDEX, name, NULL, NULL);
    } else if (!dv_verify_is_address(v, expected)) {
        dv_verify_say(v, at_inst(i), SAY_EXN_TYPE, name, dv_verify_type_name(v, expected), NULL);
    }
}

static void check_block_arg(Verifier *v, Inst i, u32 dest, u32 n, Type expected)
{
    const Func *f = v->f;
    u32 num_dests;
    BlockArg arg = dv_call_arg(f, &dv_inst_dests_const(f, i, &num_dests)[dest], n);
    bool is_try = dv_inst_exceptions(f, i) != NULL;
    switch (block_arg_kind(arg)) {
    case ARG_VALUE:
        check_value_arg(v, i, block_arg_index(arg), expected);
        break;
    case ARG_RET:
        if (!is_try || dest != 0) {
            dv_verify_say(v, at_inst(i), SAY_RET_ARG, block_arg_name(v, arg), NULL, NULL);
        } else {
            check_ret_arg(v, i, arg, expected, dv_inst_signature(f, i));
        }
        break;
    default:
        if (!is_try || dest == 0) {
            dv_verify_say(v, at_inst(i), SAY_EXN_ARG, block_arg_name(v, arg), NULL, NULL);
        } else {
            check_exn_arg(v, i, arg, expected);
        }
        break;
    }
}

static void check_block_call(Verifier *v, Inst i, u32 dest, const BlockCall *call)
{
    const Func *f = v->f;
    if (!dv_verify_reference(v, at_inst(i), ENTITY_BLOCK, call->block.id)) {
        return;
    }
    if (call->block.id == f->first_block.id) {
        dv_verify_say(v, at_inst(i), SAY_ENTRY_REFERENCE,
                      dv_verify_name(v, ENTITY_BLOCK, call->block.id), NULL, NULL);
    }
    u32 num_params = f->blocks.data[call->block.id].num_params;
    if (call->num_args != num_params) {
        say_arg_count(v, i, call->num_args, num_params);
        return;
    }
    for (u32 n = 0; n < num_params; n++) {
        Type expected;
        if (dv_verify_value_type(v, dv_block_params(f, call->block)[n], &expected)) {
            check_block_arg(v, i, dest, n, expected);
        }
    }
    v->work->steps += num_params;
}

static void check_handlers(Verifier *v, Inst i, const ExceptionTable *table)
{
    bool has_default = false;
    for (u32 n = 0; n < table->num_handlers; n++) {
        const Handler *handler = &table->handlers[n];
        if (handler->kind == HANDLER_CONTEXT) {
            continue;
        }
        if (handler->dest == 0 || handler->dest >= table->num_dests) {
            dv_verify_say(v, at_inst(i), SAY_HANDLER_DEST, dv_verify_number(v, n), NULL, NULL);
        }
        if (handler->kind == HANDLER_DEFAULT && has_default) {
            dv_verify_say(v, at_inst(i), SAY_HANDLER_DEFAULT, NULL, NULL, NULL);
        }
        has_default |= handler->kind == HANDLER_DEFAULT;
    }
    v->work->steps += table->num_handlers;
}

/* Bytes are hashed as they lie there; a Param has no gaps. */
static u64 hash_signature(const Signature *sig)
{
    _Static_assert(sizeof(Param) == sizeof(Type) + 2 + sizeof(u32), "a Param has gaps");
    u64 parts[3] = {(u64)sig->conv, dv_hash_bytes(sig->params, sig->num_params * sizeof(Param)),
                    dv_hash_bytes(sig->results, sig->num_results * sizeof(Param))};
    return dv_hash_bytes(parts, sizeof parts);
}

typedef struct SoughtSig {
    const Verifier *v;
    u32 id;
} SoughtSig;

static bool is_same_sig(const void *context, u32 id)
{
    const SoughtSig *sought = context;
    const Signature *sigs = sought->v->f->sigs.data;
    return dv_signature_equal(&sigs[sought->id], &sigs[id]);
}

/* Gives equal signatures equal numbers, so that many calls may compare long ones. */
static void number_sigs(Verifier *v)
{
    const Func *f = v->f;
    Map known = {0};
    v->sig_numbers = ARENA_ARRAY(&v->scratch, u32, f->sigs.len);
    for (u32 id = 0; id < f->sigs.len; id++) {
        const Signature *sig = &f->sigs.data[id];
        SoughtSig sought = {v, id};
        u64 hash = hash_signature(sig);
        if (!dv_map_find(&known, hash, is_same_sig, &sought, &v->sig_numbers[id])) {
            v->sig_numbers[id] = id;
            dv_map_add(&v->scratch, &known, hash, id);
        }
        v->work->steps += 1 + (u64)sig->num_params + sig->num_results;
    }
}

static bool are_equal(Verifier *v, const Signature *a, const Signature *b)
{
    const Signature *sigs = v->f->sigs.data;
    if (v->sig_numbers == NULL) {
        number_sigs(v);
    }
    return v->sig_numbers[a - sigs] == v->sig_numbers[b - sigs];
}

static void check_exception_table(Verifier *v, Inst i, const ExceptionTable *table)
{
    const Func *f = v->f;
    check_handlers(v, i, table);
    if (!dv_verify_reference(v, at_inst(i), ENTITY_SIG, table->sig.id) ||
        dv_inst_info(f, i)->format == FORMAT_TRY_CALL_INDIRECT) {
        return; /* of an indirect call this is the only signature */
    }
    const Signature *callee = dv_inst_signature(f, i);
    if (callee == NULL || are_equal(v, callee, &f->sigs.data[table->sig.id])) {
        return;
    }
    const char *name = dv_verify_name(v, ENTITY_SIG, table->sig.id);
    if (dv_inst_info(f, i)->format == FORMAT_TRY_CALL) {
        u32 callee_id = (u32)(callee - f->sigs.data);
        dv_verify_say(v, at_inst(i), SAY_TRY_SIGNATURE, name,
                      dv_verify_name(v, ENTITY_FUNC, dv_inst_const(f, i)->ent),
                      dv_verify_name(v, ENTITY_SIG, callee_id));
    } else {
        dv_verify_say(v, at_inst(i), SAY_TRY_TYPE, name, NULL, NULL);
    }
}

void dv_verify_dests(Verifier *v, Inst i)
{
    u32 count;
    const BlockCall *dests = dv_inst_dests_const(v->f, i, &count);
    Format format = dv_inst_info(v->f, i)->format;
    u32 expected = format == FORMAT_JUMP ? 1 : format == FORMAT_BRIF ? 2 : count == 0 ? 1 : count;
    if (count != expected) {
        dv_verify_say(v, at_inst(i), SAY_DEST_COUNT, dv_verify_number(v, count),
                      dv_verify_number(v, expected), NULL);
        return;
    }
    for (u32 d = 0; d < count; d++) {
        check_block_call(v, i, d, &dests[d]);
    }
    const ExceptionTable *table = dv_inst_exceptions(v->f, i);
    if (table != NULL) {
        check_exception_table(v, i, table);
    }
    v->work->steps += count;
}

void dv_verify_handler_address(Verifier *v, Inst i)
{
    const Func *f = v->f;
    const InstData *d = dv_inst_const(f, i);
    Inst last = f->blocks.data[d->ent].last;
    const ExceptionTable *table = last.id == ENTITY_NONE ? NULL : dv_inst_exceptions(f, last);
    const char *block = NULL;
    if (table == NULL) {
        block = dv_verify_name(v, ENTITY_BLOCK, d->ent);
        dv_verify_say(v, at_inst(i), SAY_HANDLER_ADDRESS_BLOCK, block, NULL, NULL);
    } else if (d->imm[0] >= table->num_handlers ||
               table->handlers[d->imm[0]].kind == HANDLER_CONTEXT) {
        block = dv_verify_name(v, ENTITY_BLOCK, d->ent);
        dv_verify_say(v, at_inst(i), SAY_HANDLER_ADDRESS_ITEM, block,
                      dv_verify_number(v, d->imm[0]), NULL);
    }
}

/* ---- calls ---- */

/* The arguments after the row's own operands against the parameters of a signature. */
static void check_call_args(Verifier *v, Inst i, const Signature *sig)
{
    u32 first = dv_inst_info(v->f, i)->num_operands;
    u32 count = dv_inst_const(v->f, i)->num_args - first;
    if (count != sig->num_params) {
        say_arg_count(v, i, count, sig->num_params);
        return;
    }
    for (u32 n = 0; n < count; n++) {
        dv_verify_arg_type(v, i, n, dv_inst_args(v->f, i)[first + n], sig->params[n].type);
    }
    v->work->steps += count;
}

/* The first result whose type differs from the function's own; as many as there are if none. Looked
 * for once in each signature, as tail calls may share a long one. */
static u32 first_difference(Verifier *v, const Signature *callee)
{
    u32 n = 0;
    u64 key = (u64)(callee - v->f->sigs.data);
    if (!dv_map_get(&v->tail_results, key, &n)) {
        while (n < callee->num_results && callee->results[n].type == v->f->sig.results[n].type) {
            n++;
        }
        dv_map_put(&v->scratch, &v->tail_results, key, n);
        v->work->steps += n;
    }
    return n;
}

static void check_tail_call(Verifier *v, Inst i, const Signature *callee)
{
    const Signature *caller = &v->f->sig;
    if ((u32)callee->conv < CC_COUNT && !dv_callconv_tail_calls(callee->conv)) {
        dv_verify_say(v, at_inst(i), SAY_TAIL_SUPPORT, dv_callconv_names[callee->conv], NULL, NULL);
    }
    if (callee->conv != caller->conv) {
        dv_verify_say(v, at_inst(i), SAY_TAIL_CONV, NULL, NULL, NULL);
    }
    if (callee->num_results != caller->num_results) {
        dv_verify_say(v, at_inst(i), SAY_TAIL_RESULTS, NULL, NULL, NULL);
        return;
    }
    u32 n = first_difference(v, callee);
    if (n < callee->num_results) {
        dv_verify_say(v, at_inst(i), SAY_RETURN_TYPE, dv_verify_number(v, n),
                      dv_verify_type_name(v, callee->results[n].type),
                      dv_verify_type_name(v, caller->results[n].type));
    }
}

void dv_verify_call(Verifier *v, Inst i)
{
    const Signature *sig = dv_inst_signature(v->f, i);
    if (sig == NULL) {
        return; /* no call, or a reference is missing, which was reported */
    }
    check_call_args(v, i, sig);
    if ((dv_inst_info(v->f, i)->effects & (FX_TERM | FX_BRANCH)) == FX_TERM) {
        check_tail_call(v, i, sig);
    }
}

void dv_verify_throw(Verifier *v, Inst i)
{
    const Func *f = v->f;
    u32 type = f->tags.data[dv_inst_const(f, i)->ent].type.id;
    if (dv_verify_exists(f, ENTITY_TYPE, type) &&
        dv_verify_exists(f, ENTITY_SIG, f->wasm_types.data[type].sig.id)) {
        check_call_args(v, i, &f->sigs.data[f->wasm_types.data[type].sig.id]);
    }
}

void dv_verify_return(Verifier *v, Inst i)
{
    const Signature *sig = &v->f->sig;
    u32 count = dv_inst_const(v->f, i)->num_args;
    if (count != sig->num_results) {
        dv_verify_say(v, at_inst(i), SAY_RETURN_COUNT, dv_verify_number(v, count),
                      dv_verify_number(v, sig->num_results), NULL);
        return;
    }
    for (u32 n = 0; n < count; n++) {
        Type got;
        if (dv_verify_value_type(v, dv_inst_args(v->f, i)[n], &got) &&
            got != sig->results[n].type) {
            dv_verify_say(v, at_inst(i), SAY_RETURN_TYPE, dv_verify_number(v, n),
                          dv_verify_type_name(v, got),
                          dv_verify_type_name(v, sig->results[n].type));
        }
    }
}

/* ---- stack maps and debug tags ---- */

static void check_stack_map(Verifier *v, Inst i, const StackMap *map)
{
    const Func *f = v->f;
    for (u32 n = 0; n < map->num_entries; n++) {
        const StackMapEntry *e = &map->entries[n];
        if (!dv_verify_reference(v, at_inst(i), ENTITY_SLOT, e->slot.id)) {
            continue;
        }
        u64 end = (u64)e->offset + type_bytes(e->type);
        if (!dv_type_is_valid(e->type) || end > f->slots.data[e->slot.id].size_bytes) {
            dv_verify_say(v, at_inst(i), SAY_STACK_MAP_RANGE, dv_verify_type_name(v, e->type),
                          dv_verify_name(v, ENTITY_SLOT, e->slot.id), NULL);
        }
    }
    v->work->steps += map->num_entries;
}

void dv_verify_call_tables(Verifier *v, Inst i)
{
    const Func *f = v->f;
    bool is_call = (dv_inst_info(f, i)->effects & FX_CALL) != 0;
    const StackMap *map = f->stack_maps.len == 0 ? NULL : dv_stack_map(f, i);
    const DebugTags *tags = f->debug_tags.len == 0 ? NULL : dv_debug_tags(f, i);
    if (map != NULL && !is_call) {
        dv_verify_say(v, at_inst(i), SAY_STACK_MAP, NULL, NULL, NULL);
    }
    if (map != NULL) {
        check_stack_map(v, i, map);
    }
    if (tags == NULL) {
        return;
    }
    if (!is_call && dv_inst_const(f, i)->op != OP_sequence_point) {
        dv_verify_say(v, at_inst(i), SAY_DEBUG_TAGS, NULL, NULL, NULL);
    }
    for (u32 n = 0; n < tags->num_tags; n++) {
        if (tags->tags[n].kind == DEBUG_TAG_SLOT) {
            dv_verify_reference(v, at_inst(i), ENTITY_SLOT, tags->tags[n].value);
        }
    }
    v->work->steps += tags->num_tags;
}
