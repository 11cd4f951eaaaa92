/* func.c - making and reading functions: instructions and their lists, results, layout, values and
 * aliases, constants, and the seldom used side tables. See ir.h for the shape of it all.
 */
#include "codegen/ir/ir.h"

void dv_func_init(Func *f, Arena *arena)
{
    *f = (Func){.arena = arena};
    f->sig.present = true;
    f->first_block = f->last_block = BLOCK_NONE;
}

/* Appends ids to the pool and gives where they start. */
static u32 pool_append(Func *f, const u32 *ids, u32 count)
{
    u32 start = f->pool.len;
    if (count == 0) {
        return start;
    }
    vec_extend(f->arena, &f->pool, count);
    memcpy(f->pool.data + start, ids, count * sizeof *ids);
    return start;
}

/* Appends one id to a run of the pool, moving the run when it is full: amortised constant. */
static void pool_push(Func *f, u32 *start, u32 *count, u32 *cap, u32 id)
{
    if (*count == *cap) {
        u32 new_cap = *cap == 0 ? 2 : *cap * 2;
        u32 new_start = f->pool.len;
        CHECK(new_cap > *cap);
        vec_extend(f->arena, &f->pool, new_cap);
        if (*count != 0) {
            memcpy(f->pool.data + new_start, f->pool.data + *start, *count * sizeof id);
        }
        *start = new_start;
        *cap = new_cap;
    }
    f->pool.data[*start + *count] = id;
    *count += 1;
}

/* ---- instructions ---- */

const u32 *dv_inst_args(const Func *f, Inst i)
{
    const InstData *d = dv_inst_const(f, i);
    return d->num_args <= INST_INLINE_ARGS ? d->args : f->pool.data + d->args[0];
}

u32 *dv_inst_args_mut(Func *f, Inst i)
{
    InstData *d = dv_inst(f, i);
    return d->num_args <= INST_INLINE_ARGS ? d->args : f->pool.data + d->args[0];
}

const u32 *dv_inst_results(const Func *f, Inst i)
{
    const InstData *d = dv_inst_const(f, i);
    return d->num_results <= 1 ? &d->results : f->pool.data + d->results;
}

Value dv_inst_result(const Func *f, Inst i, u32 n)
{
    ASSERT(n < dv_inst_const(f, i)->num_results);
    return (Value){dv_inst_results(f, i)[n]};
}

Value dv_inst_arg(const Func *f, Inst i, u32 n)
{
    ASSERT(n < dv_inst_const(f, i)->num_args);
    return (Value){dv_inst_args(f, i)[n]};
}

static bool is_try(Format format)
{
    switch (format) {
    case FORMAT_TRY_CALL:
    case FORMAT_TRY_CALL_INDIRECT:
    case FORMAT_TRY_CALL_IMPORT:
    case FORMAT_TRY_CALL_TABLE:
    case FORMAT_TRY_CALL_REF:
        return true;
    default:
        return false;
    }
}

const ExceptionTable *dv_inst_exceptions(const Func *f, Inst i)
{
    if (!is_try(dv_inst_info(f, i)->format)) {
        return NULL;
    }
    return &vec_at(&f->exception_tables, dv_inst_const(f, i)->imm[1]);
}

const BlockCall *dv_inst_dests_const(const Func *f, Inst i, u32 *count)
{
    *count = 0;
    if ((dv_inst_info(f, i)->effects & FX_BRANCH) == 0) {
        return NULL;
    }
    const InstData *d = dv_inst_const(f, i);
    const ExceptionTable *table = dv_inst_exceptions(f, i);
    *count = table != NULL ? table->num_dests : d->imm[1];
    return f->calls.data + (table != NULL ? table->dests : d->imm[0]);
}

BlockCall *dv_inst_dests(Func *f, Inst i, u32 *count)
{
    const BlockCall *dests = dv_inst_dests_const(f, i, count);
    return dests == NULL ? NULL : f->calls.data + (dests - f->calls.data);
}

static const Signature *find_sig(const Func *f, u32 id)
{
    return id < f->sigs.len && f->sigs.data[id].present ? &f->sigs.data[id] : NULL;
}

static const Signature *wasm_type_sig(const Func *f, u32 id)
{
    bool there = id < f->wasm_types.len && f->wasm_types.data[id].present;
    return there ? find_sig(f, f->wasm_types.data[id].sig.id) : NULL;
}

const Signature *dv_inst_signature(const Func *f, Inst i)
{
    const InstData *d = dv_inst_const(f, i);
    switch (dv_inst_info(f, i)->format) {
    case FORMAT_CALL:
    case FORMAT_TRY_CALL: {
        bool there = d->ent < f->funcs.len && f->funcs.data[d->ent].present;
        return there ? find_sig(f, f->funcs.data[d->ent].sig.id) : NULL;
    }
    case FORMAT_CALL_INDIRECT:
        return find_sig(f, d->ent);
    case FORMAT_TRY_CALL_INDIRECT:
        return find_sig(f, dv_inst_exceptions(f, i)->sig.id);
    case FORMAT_CALL_IMPORT:
    case FORMAT_TRY_CALL_IMPORT: {
        bool there = d->ent < f->wasm_funcs.len && f->wasm_funcs.data[d->ent].present;
        return there ? wasm_type_sig(f, f->wasm_funcs.data[d->ent].type.id) : NULL;
    }
    case FORMAT_CALL_TABLE:
    case FORMAT_TRY_CALL_TABLE:
        return wasm_type_sig(f, d->imm[0]);
    case FORMAT_CALL_REF:
    case FORMAT_TRY_CALL_REF:
        return wasm_type_sig(f, d->ent);
    default:
        return NULL;
    }
}

Inst dv_inst_make(Func *f, Op op, Type type, const u32 *args, u32 num_args)
{
    Inst i = {f->insts.len};
    InstData d = {.op = (u16)op, .type = type, .ent = ENTITY_NONE};
    InstNode node = {INST_NONE, INST_NONE, BLOCK_NONE};
    vec_push(f->arena, &f->insts, d);
    vec_push(f->arena, &f->nodes, node);
    dv_inst_set_args(f, i, args, num_args);
    return i;
}

void dv_inst_set_args(Func *f, Inst i, const u32 *args, u32 num_args)
{
    if (num_args > INST_INLINE_ARGS) {
        u32 start = pool_append(f, args, num_args);
        dv_inst(f, i)->args[0] = start;
    } else if (num_args != 0) {
        memmove(dv_inst(f, i)->args, args, num_args * sizeof *args);
    }
    dv_inst(f, i)->num_args = num_args;
}

static Type memory_index_type(const Func *f, u32 id)
{
    return id < f->memories.len ? f->memories.data[id].index_type : TYPE_NONE;
}

static Type table_index_type(const Func *f, u32 id)
{
    return id < f->tables.len ? f->tables.data[id].index_type : TYPE_NONE;
}

/* i32 if either is, as the spec's min of address types. */
static Type narrower_index(Type a, Type b)
{
    return a == TYPE_I64 ? b : a;
}

Type dv_inst_spec_type(const Func *f, Inst i, TypeSpec spec)
{
    const InstData *d = dv_inst_const(f, i);
    switch (spec) {
    case TS_heap:
        return memory_index_type(f, d->ent);
    case TS_heap2:
        return memory_index_type(f, d->imm[0]);
    case TS_heapmin:
        return narrower_index(memory_index_type(f, d->ent), memory_index_type(f, d->imm[0]));
    case TS_table:
        return table_index_type(f, d->ent);
    case TS_table2:
        return table_index_type(f, d->imm[0]);
    case TS_tablemin:
        return narrower_index(table_index_type(f, d->ent), table_index_type(f, d->imm[0]));
    default:
        return dv_typespec_type(spec, d->type);
    }
}

/* Calls that go on in this block give what their signature does. */
static const Signature *result_signature(const Func *f, Inst i)
{
    bool goes_on = (dv_inst_info(f, i)->effects & FX_TERM) == 0;
    return goes_on ? dv_inst_signature(f, i) : NULL;
}

u32 dv_inst_num_results(const Func *f, Inst i)
{
    const Signature *sig = result_signature(f, i);
    return sig != NULL ? sig->num_results : dv_inst_info(f, i)->num_results;
}

Type dv_inst_result_type(const Func *f, Inst i, u32 n)
{
    const Signature *sig = result_signature(f, i);
    if (sig != NULL) {
        return n < sig->num_results ? sig->results[n].type : TYPE_NONE;
    }
    const OpInfo *info = dv_inst_info(f, i);
    return n < info->num_results ? dv_inst_spec_type(f, i, (TypeSpec)info->results[n]) : TYPE_NONE;
}

void dv_inst_set_results(Func *f, Inst i, const u32 *values, u32 count)
{
    u32 results = count == 1 ? values[0] : count == 0 ? 0 : pool_append(f, values, count);
    dv_inst(f, i)->results = results;
    dv_inst(f, i)->num_results = count;
    for (u32 n = 0; n < count; n++) {
        u32 id = dv_inst_results(f, i)[n];
        vec_at(&f->values, id) = (ValueData){i.id, n, dv_inst_result_type(f, i, n), VALUE_RESULT};
    }
}

void dv_inst_make_results(Func *f, Inst i)
{
    u32 count = dv_inst_num_results(f, i);
    u32 start = f->values.len;
    vec_extend(f->arena, &f->values, count);
    if (count > 1) {
        u32 list = f->pool.len;
        vec_extend(f->arena, &f->pool, count);
        for (u32 n = 0; n < count; n++) {
            f->pool.data[list + n] = start + n;
        }
        start = list;
    }
    dv_inst(f, i)->results = start;
    dv_inst(f, i)->num_results = count;
    for (u32 n = 0; n < count; n++) {
        u32 id = dv_inst_results(f, i)[n];
        f->values.data[id] = (ValueData){i.id, n, dv_inst_result_type(f, i, n), VALUE_RESULT};
    }
}

/* ---- layout ---- */

static BlockData *block_mut(Func *f, Block b)
{
    return &vec_at(&f->blocks, b.id);
}

void dv_inst_append(Func *f, Inst i, Block b)
{
    BlockData *block = block_mut(f, b);
    InstNode *node = &vec_at(&f->nodes, i.id);
    ASSERT(node->block.id == ENTITY_NONE);
    *node = (InstNode){block->last, INST_NONE, b};
    if (block->last.id == ENTITY_NONE) {
        block->first = i;
    } else {
        f->nodes.data[block->last.id].next = i;
    }
    block->last = i;
}

void dv_inst_insert_before(Func *f, Inst i, Inst at)
{
    InstNode *after = &vec_at(&f->nodes, at.id);
    InstNode *node = &vec_at(&f->nodes, i.id);
    ASSERT(node->block.id == ENTITY_NONE && after->block.id != ENTITY_NONE);
    *node = (InstNode){after->prev, at, after->block};
    if (after->prev.id == ENTITY_NONE) {
        block_mut(f, after->block)->first = i;
    } else {
        f->nodes.data[after->prev.id].next = i;
    }
    after->prev = i;
}

void dv_inst_remove(Func *f, Inst i)
{
    InstNode *node = &vec_at(&f->nodes, i.id);
    BlockData *block = block_mut(f, node->block);
    if (node->prev.id == ENTITY_NONE) {
        block->first = node->next;
    } else {
        f->nodes.data[node->prev.id].next = node->next;
    }
    if (node->next.id == ENTITY_NONE) {
        block->last = node->prev;
    } else {
        f->nodes.data[node->next.id].prev = node->prev;
    }
    *node = (InstNode){INST_NONE, INST_NONE, BLOCK_NONE};
}

Block dv_block_make(Func *f)
{
    Block b = {f->blocks.len};
    dv_block_make_at(f, b);
    return b;
}

void dv_block_make_at(Func *f, Block b)
{
    CHECK(b.id != ENTITY_NONE);
    if (b.id >= f->blocks.len) {
        vec_extend(f->arena, &f->blocks, b.id + 1 - f->blocks.len);
    }
    if (!f->blocks.data[b.id].present) {
        f->blocks.data[b.id] = (BlockData){.present = true,
                                           .prev = BLOCK_NONE,
                                           .next = BLOCK_NONE,
                                           .first = INST_NONE,
                                           .last = INST_NONE};
    }
}

void dv_block_append(Func *f, Block b)
{
    BlockData *block = block_mut(f, b);
    ASSERT(block->present && !block->inserted);
    block->inserted = true;
    block->prev = f->last_block;
    block->next = BLOCK_NONE;
    if (f->last_block.id == ENTITY_NONE) {
        f->first_block = b;
    } else {
        f->blocks.data[f->last_block.id].next = b;
    }
    f->last_block = b;
}

void dv_block_insert_after(Func *f, Block b, Block at)
{
    if (at.id == f->last_block.id) {
        dv_block_append(f, b);
        return;
    }
    BlockData *block = block_mut(f, b);
    ASSERT(block->present && !block->inserted);
    block->inserted = true;
    block->prev = at;
    block->next = block_mut(f, at)->next;
    f->blocks.data[at.id].next = b;
    f->blocks.data[block->next.id].prev = b;
}

void dv_block_remove(Func *f, Block b)
{
    BlockData *block = block_mut(f, b);
    ASSERT(block->inserted);
    if (block->prev.id == ENTITY_NONE) {
        f->first_block = block->next;
    } else {
        f->blocks.data[block->prev.id].next = block->next;
    }
    if (block->next.id == ENTITY_NONE) {
        f->last_block = block->prev;
    } else {
        f->blocks.data[block->next.id].prev = block->prev;
    }
    block->inserted = false;
    block->prev = block->next = BLOCK_NONE;
}

Value dv_block_add_param(Func *f, Block b, Type type)
{
    Value v = dv_value_make(f, type);
    dv_block_add_param_at(f, b, v, type);
    return v;
}

void dv_block_add_param_at(Func *f, Block b, Value v, Type type)
{
    dv_value_reserve(f, v);
    BlockData *block = block_mut(f, b);
    vec_at(&f->values, v.id) = (ValueData){b.id, block->num_params, type, VALUE_PARAM};
    pool_push(f, &block->params, &block->num_params, &block->cap_params, v.id);
}

const u32 *dv_block_params(const Func *f, Block b)
{
    const BlockData *block = dv_block(f, b);
    return block->num_params == 0 ? NULL : f->pool.data + block->params;
}

Inst dv_block_terminator(const Func *f, Block b)
{
    Inst last = dv_block(f, b)->last;
    bool is_term = last.id != ENTITY_NONE && (dv_inst_info(f, last)->effects & FX_TERM) != 0;
    return is_term ? last : INST_NONE;
}

u32 dv_calls_make(Func *f, u32 count)
{
    u32 start = f->calls.len;
    vec_extend(f->arena, &f->calls, count);
    return start;
}

void dv_call_set_args(Func *f, BlockCall *call, const BlockArg *args, u32 count)
{
    u32 start = f->pool.len;
    vec_extend(f->arena, &f->pool, count);
    for (u32 n = 0; n < count; n++) {
        f->pool.data[start + n] = args[n].bits;
    }
    call->args = start;
    call->num_args = call->cap_args = count;
}

void dv_call_push_arg(Func *f, u32 call_index, BlockArg arg)
{
    BlockCall *call = &vec_at(&f->calls, call_index);
    pool_push(f, &call->args, &call->num_args, &call->cap_args, arg.bits);
}

/* ---- values ---- */

Value dv_value_make(Func *f, Type type)
{
    Value v = {f->values.len};
    ValueData d = {.type = type};
    CHECK(v.id < 0x80000000u); /* block arguments keep two bits for themselves */
    vec_push(f->arena, &f->values, d);
    return v;
}

void dv_value_reserve(Func *f, Value v)
{
    CHECK(v.id < 0x80000000u);
    if (v.id >= f->values.len) {
        vec_extend(f->arena, &f->values, v.id + 1 - f->values.len);
    }
}

bool dv_global_value_chain(const Func *f, GlobalValue value, u32 *chain, u32 *count, u32 *param)
{
    *count = *param = 0;
    while (vec_at(&f->global_values, value.id).kind != GV_VMCTX) {
        const GlobalValueData *gv = &vec_at(&f->global_values, value.id);
        if ((gv->kind != GV_LOAD && gv->kind != GV_IADD_IMM) || *count == f->global_values.len) {
            return false;
        }
        chain[(*count)++] = value.id;
        value = gv->base;
    }
    while (*param < f->sig.num_params && f->sig.params[*param].purpose != PURPOSE_VMCTX) {
        ++*param;
    }
    return *param < f->sig.num_params;
}

Value dv_value_resolve(const Func *f, Value v)
{
    /* A chain longer than there are values is a cycle; halving the distance of a second, slower
     * walker finds it sooner. */
    Value slow = v;
    for (bool step = false; dv_value_exists(f, v); step = !step) {
        if (f->values.data[v.id].kind != VALUE_ALIAS) {
            return v;
        }
        v.id = f->values.data[v.id].def;
        if (step) {
            slow.id = f->values.data[slow.id].def;
            if (slow.id == v.id) {
                return VALUE_NONE;
            }
        }
    }
    return VALUE_NONE;
}

void dv_values_resolve_aliases(Func *f)
{
    for (u32 id = 0; id < f->values.len; id++) {
        if (f->values.data[id].kind != VALUE_ALIAS) {
            continue;
        }
        u32 end = dv_value_resolve(f, (Value){id}).id;
        /* Every alias on the way gets the end, so that none is walked twice; broken ones point at
         * themselves. */
        for (u32 at = id; at < f->values.len && f->values.data[at].kind == VALUE_ALIAS;) {
            ValueData *alias = &f->values.data[at];
            u32 next = alias->def;
            if (next == end || next == at) {
                break;
            }
            alias->def = end == ENTITY_NONE ? at : end;
            at = next;
        }
    }
}

/* ---- side tables ---- */

typedef struct SoughtConstant {
    const Func *f;
    const u8 *bytes;
    u32 len;
} SoughtConstant;

static bool is_same_constant(const void *context, u32 id)
{
    const SoughtConstant *sought = context;
    const ConstantData *c = &vec_at(&sought->f->constants, id);
    return c->len == sought->len && memcmp(c->bytes, sought->bytes, c->len) == 0;
}

Constant dv_constant_make(Func *f, const u8 *bytes, u32 len)
{
    SoughtConstant sought = {f, bytes, len};
    u64 hash = dv_hash_bytes(bytes, len);
    u32 id;
    if (dv_map_find(&f->constant_of, hash, is_same_constant, &sought, &id)) {
        return (Constant){id};
    }
    u8 *copy = ARENA_ARRAY(f->arena, u8, len);
    memcpy(copy, bytes, len);
    ConstantData data = {true, len, copy};
    id = f->constants.len;
    vec_push(f->arena, &f->constants, data);
    dv_map_add(f->arena, &f->constant_of, hash, id);
    return (Constant){id};
}

void dv_constant_read(const Func *f, u32 id, u8 *out, u32 len)
{
    const ConstantData *c = &vec_at(&f->constants, id);
    u32 have = c->len < len ? c->len : len;
    memset(out, 0, len);
    if (have != 0) {
        memcpy(out, c->bytes, have);
    }
}

u32 dv_mask_make(Func *f, const u8 *bytes)
{
    ShuffleMask mask;
    memcpy(mask.bytes, bytes, sizeof mask.bytes);
    vec_push(f->arena, &f->masks, mask);
    return f->masks.len - 1;
}

void dv_srcloc_set(Func *f, Inst i, u32 srcloc)
{
    while (f->srclocs.len <= i.id) {
        vec_push(f->arena, &f->srclocs, SRCLOC_NONE);
    }
    f->srclocs.data[i.id] = srcloc;
}

u32 dv_srcloc(const Func *f, Inst i)
{
    return i.id < f->srclocs.len ? f->srclocs.data[i.id] : SRCLOC_NONE;
}

const StackMap *dv_stack_map(const Func *f, Inst i)
{
    u32 at;
    return dv_map_get(&f->stack_map_of, i.id, &at) ? &vec_at(&f->stack_maps, at) : NULL;
}

const DebugTags *dv_debug_tags(const Func *f, Inst i)
{
    u32 at;
    return dv_map_get(&f->debug_tags_of, i.id, &at) ? &vec_at(&f->debug_tags, at) : NULL;
}

void dv_stack_map_set(Func *f, Inst i, const StackMapEntry *entries, u32 count)
{
    StackMap map = {count, ARENA_ARRAY(f->arena, StackMapEntry, count)};
    if (count != 0) {
        memcpy(map.entries, entries, count * sizeof *entries);
    }
    dv_map_put(f->arena, &f->stack_map_of, i.id, f->stack_maps.len);
    vec_push(f->arena, &f->stack_maps, map);
}

void dv_debug_tags_set(Func *f, Inst i, const DebugTag *tags, u32 count)
{
    DebugTags list = {count, ARENA_ARRAY(f->arena, DebugTag, count)};
    if (count != 0) {
        memcpy(list.tags, tags, count * sizeof *tags);
    }
    dv_map_put(f->arena, &f->debug_tags_of, i.id, f->debug_tags.len);
    vec_push(f->arena, &f->debug_tags, list);
}

static bool params_equal(const Param *a, const Param *b, u32 count)
{
    for (u32 n = 0; n < count; n++) {
        if (a[n].type != b[n].type || a[n].extension != b[n].extension ||
            a[n].purpose != b[n].purpose || a[n].sarg_bytes != b[n].sarg_bytes) {
            return false;
        }
    }
    return true;
}

bool dv_signature_equal(const Signature *a, const Signature *b)
{
    return a->conv == b->conv && a->num_params == b->num_params &&
           a->num_results == b->num_results && params_equal(a->params, b->params, a->num_params) &&
           params_equal(a->results, b->results, a->num_results);
}

bool dv_extname_equal(const ExtName *a, const ExtName *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case NAME_USER:
        return a->space == b->space && a->index == b->index;
    case NAME_LIBCALL:
        return a->libcall == b->libcall;
    default:
        return a->text.len == b->text.len &&
               (a->text.len == 0 || memcmp(a->text.data, b->text.data, a->text.len) == 0);
    }
}

u64 dv_extname_hash(const ExtName *name)
{
    switch (name->kind) {
    case NAME_USER:
        return dv_hash_combine(dv_hash_combine(name->kind, name->space), name->index);
    case NAME_LIBCALL:
        return dv_hash_combine(name->kind, (u64)name->libcall);
    default:
        return dv_hash_combine(name->kind, dv_hash_bytes(name->text.data, name->text.len));
    }
}

/* ---- copies ---- */

static void *copy_array(Arena *arena, const void *from, usize count, usize size)
{
    void *to = dv_arena_array(arena, count, size, 16);
    if (count != 0) {
        memcpy(to, from, count * size);
    }
    return to;
}

/* Makes a list, which was copied with its structure, one of its own. */
#define OWN_LIST(arena, list) \
    ((list)->data = copy_array((arena), (list)->data, (list)->len, sizeof *(list)->data), \
     (void)((list)->cap = (list)->len))

static void own_name(ExtName *name, Arena *arena)
{
    if (name->kind == NAME_TEST) {
        name->text.data = dv_arena_strdup(arena, name->text.data, name->text.len);
    }
}

static void own_signature(Signature *sig, Arena *arena)
{
    sig->params = copy_array(arena, sig->params, sig->num_params, sizeof *sig->params);
    sig->results = copy_array(arena, sig->results, sig->num_results, sizeof *sig->results);
}

static void own_map(Map *map, Arena *arena)
{
    const Map from = *map;
    u32 at = 0;
    *map = (Map){0};
    for (const MapEntry *e; (e = dv_map_next(&from, &at)) != NULL;) {
        dv_map_add(arena, map, e->key, e->value);
    }
}

static void own_preamble_lists(Func *f, Arena *arena)
{
    OWN_LIST(arena, &f->slots);
    OWN_LIST(arena, &f->dyn_slots);
    OWN_LIST(arena, &f->dyn_types);
    OWN_LIST(arena, &f->global_values);
    OWN_LIST(arena, &f->sigs);
    OWN_LIST(arena, &f->funcs);
    OWN_LIST(arena, &f->constants);
    OWN_LIST(arena, &f->regions);
    OWN_LIST(arena, &f->wasm_types);
    OWN_LIST(arena, &f->memories);
    OWN_LIST(arena, &f->tables);
    OWN_LIST(arena, &f->globals);
    OWN_LIST(arena, &f->wasm_funcs);
    OWN_LIST(arena, &f->datas);
    OWN_LIST(arena, &f->elems);
    OWN_LIST(arena, &f->tags);
}

/* What entries of the preamble point to. */
static void own_preamble(Func *f, Arena *arena)
{
    own_preamble_lists(f, arena);
    own_name(&f->name, arena);
    own_signature(&f->sig, arena);
    for (u32 i = 0; i < f->global_values.len; i++) {
        own_name(&f->global_values.data[i].name, arena);
    }
    for (u32 i = 0; i < f->sigs.len; i++) {
        own_signature(&f->sigs.data[i], arena);
    }
    for (u32 i = 0; i < f->funcs.len; i++) {
        own_name(&f->funcs.data[i].name, arena);
    }
    for (u32 i = 0; i < f->constants.len; i++) {
        ConstantData *c = &f->constants.data[i];
        c->bytes = copy_array(arena, c->bytes, c->len, 1);
    }
    for (u32 i = 0; i < f->regions.len; i++) {
        Str *name = &f->regions.data[i].name;
        name->data = dv_arena_strdup(arena, name->data, name->len);
    }
    for (u32 i = 0; i < f->wasm_types.len; i++) {
        WasmTypeData *type = &f->wasm_types.data[i];
        type->params = copy_array(arena, type->params, type->num_params, 1);
        type->results = copy_array(arena, type->results, type->num_results, 1);
    }
    for (u32 i = 0; i < f->wasm_funcs.len; i++) {
        own_name(&f->wasm_funcs.data[i].name, arena);
    }
}

static void own_body(Func *f, Arena *arena)
{
    OWN_LIST(arena, &f->insts);
    OWN_LIST(arena, &f->nodes);
    OWN_LIST(arena, &f->values);
    OWN_LIST(arena, &f->blocks);
    OWN_LIST(arena, &f->pool);
    OWN_LIST(arena, &f->calls);
    OWN_LIST(arena, &f->exception_tables);
    OWN_LIST(arena, &f->masks);
    OWN_LIST(arena, &f->srclocs);
    OWN_LIST(arena, &f->stack_maps);
    OWN_LIST(arena, &f->debug_tags);
    for (u32 i = 0; i < f->exception_tables.len; i++) {
        ExceptionTable *table = &f->exception_tables.data[i];
        table->handlers =
            copy_array(arena, table->handlers, table->num_handlers, sizeof *table->handlers);
    }
    for (u32 i = 0; i < f->stack_maps.len; i++) {
        StackMap *map = &f->stack_maps.data[i];
        map->entries = copy_array(arena, map->entries, map->num_entries, sizeof *map->entries);
    }
    for (u32 i = 0; i < f->debug_tags.len; i++) {
        DebugTags *list = &f->debug_tags.data[i];
        list->tags = copy_array(arena, list->tags, list->num_tags, sizeof *list->tags);
    }
}

void dv_func_copy(Func *copy, const Func *from, Arena *arena)
{
    *copy = *from;
    copy->arena = arena;
    own_preamble(copy, arena);
    own_body(copy, arena);
    own_map(&copy->stack_map_of, arena);
    own_map(&copy->debug_tags_of, arena);
    own_map(&copy->constant_of, arena);
}
