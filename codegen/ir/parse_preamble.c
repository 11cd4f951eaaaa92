/* parse_preamble.c - reads signatures, names and the declarations of a function's preamble.
 *
 * Each kind of entity has a row in `declarations`: its prefix and the rule for what stands right of
 * the equals sign. Numbers are indices into the arrays of Func; a number declared twice is an
 * error, one that is skipped stays absent. What a declaration refers to need not exist: that is for
 * the verifier.
 */
#include "codegen/ir/parser.h"

/* ---- names and signatures ---- */

static Str copy_str(Parser *p, Str text)
{
    return (Str){dv_arena_strdup(p->arena, text.data, text.len), text.len};
}

/* The text of the string token here, escapes decoded. */
static Str unescape(Parser *p)
{
    Str out = copy_str(p, p->token.text);
    char *bytes = dv_arena_strdup(p->arena, p->token.text.data, p->token.text.len);
    if (!dv_lex_unescape(p->token.text, bytes, &out.len)) {
        dv_parser_fail_at(p, p->token.line, p->token.column, "unknown escape in string");
        return out;
    }
    bytes[out.len] = '\0';
    out.data = bytes;
    return out;
}

ExtName dv_parser_extname(Parser *p, bool is_function_name)
{
    ExtName name = {0};
    const Token *t = &p->token;
    if (t->kind == TOK_NAME) {
        bool quoted = t->punct == '"';
        LibCall libcall =
            is_function_name || quoted ? LIBCALL_COUNT : dv_libcall_find(t->text.data, t->text.len);
        name.kind = libcall != LIBCALL_COUNT ? NAME_LIBCALL : NAME_TEST;
        name.libcall = libcall != LIBCALL_COUNT ? libcall : (LibCall)0;
        if (name.kind == NAME_TEST) {
            name.text = quoted ? unescape(p) : copy_str(p, t->text);
        }
        dv_parser_advance(p);
        return name;
    }
    if (!dv_parser_at_entity(p, "u")) {
        dv_parser_expected(p, "a name: %name or u0:0");
        return name;
    }
    name.kind = NAME_USER;
    name.space = dv_parser_entity(p, "u", "a name");
    dv_parser_expect_punct(p, ':');
    name.index = (u32)dv_parser_uint(p, UINT32_MAX, "a function number");
    return name;
}

static void parse_param(Parser *p)
{
    Param param = {.type = dv_parser_type(p)};
    for (;;) {
        if (dv_parser_take_word(p, "uext")) {
            param.extension = EXT_UEXT;
        } else if (dv_parser_take_word(p, "sext")) {
            param.extension = EXT_SEXT;
        } else if (dv_parser_take_word(p, "sret")) {
            param.purpose = PURPOSE_SRET;
        } else if (dv_parser_take_word(p, "vmctx")) {
            param.purpose = PURPOSE_VMCTX;
        } else if (dv_parser_take_word(p, "sarg")) {
            param.purpose = PURPOSE_SARG;
            dv_parser_expect_punct(p, '(');
            param.sarg_bytes = (u32)dv_parser_uint(p, UINT32_MAX, "a size in bytes");
            dv_parser_expect_punct(p, ')');
        } else {
            break;
        }
    }
    vec_push(p->arena, &p->params, param);
}

static Param *copy_params(Parser *p, u32 *count)
{
    *count = p->params.len;
    Param *copy = ARENA_ARRAY(p->arena, Param, p->params.len);
    for (u32 i = 0; i < p->params.len; i++) {
        copy[i] = p->params.data[i];
    }
    vec_clear(&p->params);
    return copy;
}

void dv_parser_signature(Parser *p, Signature *sig)
{
    *sig = (Signature){.present = true, .conv = CC_fast};
    vec_clear(&p->params);
    dv_parser_expect_punct(p, '(');
    if (!p->failed && !dv_parser_at_punct(p, ')')) {
        do {
            parse_param(p);
        } while (dv_parser_take_punct(p, ','));
    }
    dv_parser_expect_punct(p, ')');
    sig->params = copy_params(p, &sig->num_params);
    if (p->token.kind == TOK_ARROW) {
        dv_parser_advance(p);
        do {
            parse_param(p);
        } while (dv_parser_take_punct(p, ','));
    }
    sig->results = copy_params(p, &sig->num_results);
    if (p->token.kind != TOK_WORD) {
        return;
    }
    CallConv conv = dv_callconv_find(p->token.text.data, p->token.text.len);
    if (conv != CC_COUNT) {
        sig->conv = conv;
        dv_parser_advance(p);
    } else if (p->token.line == p->last_line && !p->token.has_index) {
        dv_parser_expected(p, "a calling convention"); /* no declaration starts like that */
    }
}

/* ---- flags and offsets ---- */

static void set_order(Parser *p, MemFlags *flags, MemFlags order)
{
    *flags |= order;
    if ((*flags & (FLAG_LITTLE | FLAG_BIG)) == (FLAG_LITTLE | FLAG_BIG)) {
        dv_parser_fail_at(p, p->token.line, p->token.column, "cannot be both little and big");
    }
}

MemFlags dv_parser_memflags(Parser *p, u32 *region)
{
    MemFlags flags = MEMFLAGS_DEFAULT;
    TrapCode code = TRAP_none;
    *region = ENTITY_NONE;
    while (p->token.kind == TOK_WORD) {
        const Token *t = &p->token;
        if (dv_parser_at_word(p, "notrap")) {
            flags &= (MemFlags)~FLAG_TRAP_MASK;
        } else if (dv_parser_at_word(p, "aligned")) {
            flags |= FLAG_ALIGNED;
        } else if (dv_parser_at_word(p, "readonly")) {
            flags |= FLAG_READONLY;
        } else if (dv_parser_at_word(p, "can_move")) {
            flags |= FLAG_CAN_MOVE;
        } else if (dv_parser_at_word(p, "little")) {
            set_order(p, &flags, FLAG_LITTLE);
        } else if (dv_parser_at_word(p, "big")) {
            set_order(p, &flags, FLAG_BIG);
        } else if (dv_parser_at_entity(p, "region") && *region == ENTITY_NONE) {
            *region = dv_parser_ref(p, ENTITY_REGION);
            continue;
        } else if (!dv_parser_at_entity(p, "v") && dv_trap_find(t->text.data, t->text.len, &code)) {
            flags = (MemFlags)((flags & ~FLAG_TRAP_MASK) | code);
        } else {
            break;
        }
        dv_parser_advance(p);
    }
    return flags;
}

static bool at_signed_number(const Parser *p)
{
    return p->token.kind == TOK_NUMBER && !lex_is_digit(p->token.text.data[0]);
}

i32 dv_parser_offset(Parser *p)
{
    return at_signed_number(p) ? (i32)dv_parser_int(p, INT32_MIN, INT32_MAX, "an offset") : 0;
}

/* ---- declarations ---- */

/* Makes room for entity id in a Vec of Func; false (an error) if the gap before it is too large. */
#define MAKE_ROOM(p, vec, id) \
    (dv_parser_pay((p), (vec)->len, (id)) && \
     ((id) < (vec)->len || (vec_extend((p)->arena, (vec), (id) + 1 - (vec)->len), true)))

static void expect_word(Parser *p, const char *word)
{
    if (!dv_parser_take_word(p, word)) {
        dv_parser_expected(p, dv_arena_printf(p->arena, "'%s'", word));
    }
}

static void declare_slot(Parser *p, u32 id)
{
    StackSlotData slot = {.present = true, .align_bytes = 1};
    expect_word(p, "explicit_slot");
    slot.size_bytes = (u32)dv_parser_uint(p, UINT32_MAX, "a size in bytes");
    while (dv_parser_take_punct(p, ',')) {
        if (dv_parser_take_word(p, "align")) {
            dv_parser_expect_punct(p, '=');
            u32 line = p->token.line, column = p->token.column;
            slot.align_bytes = (u32)dv_parser_uint(p, 0x80000000u, "an alignment");
            if (slot.align_bytes == 0 || (slot.align_bytes & (slot.align_bytes - 1)) != 0) {
                dv_parser_fail_at(p, line, column, "alignment must be a power of two");
            }
        } else if (dv_parser_take_word(p, "key")) {
            dv_parser_expect_punct(p, '=');
            slot.has_key = true;
            slot.key = dv_parser_uint(p, UINT64_MAX, "a key");
        } else {
            dv_parser_expected(p, "'align' or 'key'");
        }
    }
    if (MAKE_ROOM(p, &p->f->slots, id)) {
        p->f->slots.data[id] = slot;
    }
}

static void declare_dyn_slot(Parser *p, u32 id)
{
    expect_word(p, "explicit_dynamic_slot");
    DynSlotData slot = {true, {dv_parser_ref(p, ENTITY_DYN_TYPE)}};
    if (MAKE_ROOM(p, &p->f->dyn_slots, id)) {
        p->f->dyn_slots.data[id] = slot;
    }
}

static void declare_dyn_type(Parser *p, u32 id)
{
    DynTypeData type = {.present = true};
    u32 line = p->token.line, column = p->token.column;
    type.base = dv_parser_type(p);
    if (!type_is_vector(type.base) || type_is_dynamic(type.base)) {
        dv_parser_fail_at(p, line, column, "a dynamic type is a vector times a global value");
    }
    dv_parser_expect_punct(p, '*');
    type.scale.id = dv_parser_ref(p, ENTITY_GLOBAL_VALUE);
    if (MAKE_ROOM(p, &p->f->dyn_types, id)) {
        p->f->dyn_types.data[id] = type;
    }
}

static void parse_gv_load(Parser *p, GlobalValueData *gv)
{
    gv->kind = GV_LOAD;
    dv_parser_expect_punct(p, '.');
    gv->type = dv_parser_type(p);
    gv->flags = dv_parser_memflags(p, &gv->region.id);
    gv->base.id = dv_parser_ref(p, ENTITY_GLOBAL_VALUE);
    gv->offset = dv_parser_offset(p);
}

static void parse_gv_symbol(Parser *p, GlobalValueData *gv)
{
    gv->kind = GV_SYMBOL;
    gv->colocated = dv_parser_take_word(p, "colocated");
    gv->tls = dv_parser_take_word(p, "tls");
    gv->name = dv_parser_extname(p, false);
    gv->offset = at_signed_number(p) ? dv_parser_int(p, INT64_MIN, INT64_MAX, "an offset") : 0;
}

static void declare_global_value(Parser *p, u32 id)
{
    GlobalValueData gv = {.region = {ENTITY_NONE}, .base = {ENTITY_NONE}};
    if (dv_parser_take_word(p, "vmctx")) {
        gv.kind = GV_VMCTX;
    } else if (dv_parser_take_word(p, "load")) {
        parse_gv_load(p, &gv);
    } else if (dv_parser_take_word(p, "iadd_imm")) {
        gv.kind = GV_IADD_IMM;
        dv_parser_expect_punct(p, '.');
        gv.type = dv_parser_type(p);
        gv.base.id = dv_parser_ref(p, ENTITY_GLOBAL_VALUE);
        dv_parser_expect_punct(p, ',');
        gv.offset = dv_parser_int(p, INT64_MIN, INT64_MAX, "a number");
    } else if (dv_parser_take_word(p, "symbol")) {
        parse_gv_symbol(p, &gv);
    } else if (dv_parser_take_word(p, "dyn_scale_target_const")) {
        gv.kind = GV_DYN_SCALE;
        dv_parser_expect_punct(p, '.');
        gv.type = dv_parser_type(p);
    } else {
        dv_parser_expected(p, "'vmctx', 'load', 'iadd_imm', 'symbol' or 'dyn_scale_target_const'");
    }
    if (MAKE_ROOM(p, &p->f->global_values, id)) {
        p->f->global_values.data[id] = gv;
    }
}

static void declare_sig(Parser *p, u32 id)
{
    Signature sig;
    dv_parser_signature(p, &sig);
    if (MAKE_ROOM(p, &p->f->sigs, id)) {
        p->f->sigs.data[id] = sig;
    }
}

static void declare_func(Parser *p, u32 id)
{
    ExtFunc func = {.present = true};
    for (;;) {
        if (dv_parser_take_word(p, "colocated")) {
            func.colocated = true;
        } else if (dv_parser_take_word(p, "patchable")) {
            func.patchable = true;
        } else {
            break;
        }
    }
    func.name = dv_parser_extname(p, false);
    if (dv_parser_at_punct(p, '(')) {
        Signature sig;
        dv_parser_signature(p, &sig);
        func.sig.id = p->f->sigs.len;
        if (MAKE_ROOM(p, &p->f->sigs, func.sig.id)) {
            p->f->sigs.data[func.sig.id] = sig;
        }
    } else {
        func.sig.id = dv_parser_ref(p, ENTITY_SIG);
    }
    if (MAKE_ROOM(p, &p->f->funcs, id)) {
        p->f->funcs.data[id] = func;
    }
}

/* Hexadecimal digits are the little-endian integer of the bytes; there are as many bytes as digits
 * fill. */
static void declare_constant(Parser *p, u32 id)
{
    const Token *t = &p->token;
    bool is_hex = t->kind == TOK_NUMBER && t->text.len > 2 && t->text.data[0] == '0' &&
                  (t->text.data[1] | 32) == 'x';
    u8 *bytes = ARENA_ARRAY(p->arena, u8, is_hex ? t->text.len / 2 : 1);
    u32 digits = 0;
    for (u32 i = t->text.len; is_hex && i > 2; i--) {
        U128 digit;
        char c = t->text.data[i - 1];
        if (c != '_' && !dv_u128_parse(&c, 1, 16, &digit)) {
            is_hex = false;
        } else if (c != '_') {
            bytes[digits / 2] |= (u8)(digit.lo << (digits % 2 * 4));
            digits++;
        }
    }
    if (!is_hex || digits == 0) {
        dv_parser_expected(p, "a hexadecimal number");
        return;
    }
    dv_parser_advance(p);
    ConstantData constant = {true, (digits + 1) / 2, bytes};
    if (MAKE_ROOM(p, &p->f->constants, id)) {
        p->f->constants.data[id] = constant;
        dv_map_add(p->arena, &p->f->constant_of, dv_hash_bytes(bytes, constant.len), id);
    }
}

static void declare_region(Parser *p, u32 id)
{
    RegionData region = {.present = true};
    region.index = (u32)dv_parser_uint(p, UINT32_MAX, "a region's number");
    if (p->token.kind == TOK_STRING) {
        region.name = unescape(p);
        dv_parser_advance(p);
    } else {
        dv_parser_expected(p, "the region's name in quotes");
    }
    if (MAKE_ROOM(p, &p->f->regions, id)) {
        p->f->regions.data[id] = region;
    }
}

/* ---- runtime entities ---- */

static u8 *parse_val_types(Parser *p, u32 *count, bool parenthesised)
{
    vec_clear(&p->val_types);
    bool empty = parenthesised && dv_parser_take_punct(p, ')');
    while (!empty && !p->failed) {
        WasmValType type;
        if (p->token.kind != TOK_WORD ||
            !dv_wasm_valtype_find(p->token.text.data, p->token.text.len, &type)) {
            dv_parser_expected(p, parenthesised ? "a Wasm type" : "a Wasm type or a signature");
            break;
        }
        vec_push(p->arena, &p->val_types, (u8)type);
        dv_parser_advance(p);
        if (!parenthesised) {
            dv_parser_expect_punct(p, ',');
            empty = dv_parser_at_entity(p, "sig");
        } else if (!dv_parser_take_punct(p, ',')) {
            dv_parser_expect_punct(p, ')');
            empty = true;
        }
    }
    *count = p->val_types.len;
    u8 *copy = ARENA_ARRAY(p->arena, u8, p->val_types.len);
    for (u32 i = 0; i < p->val_types.len; i++) {
        copy[i] = p->val_types.data[i];
    }
    return copy;
}

/* "memory 0": the kind's name and the index in the module. */
static u32 parse_index(Parser *p, const char *kind)
{
    expect_word(p, kind);
    return (u32)dv_parser_uint(p, UINT32_MAX, "an index");
}

static void declare_wasm_type(Parser *p, u32 id)
{
    WasmTypeData type = {.present = true};
    expect_word(p, "func");
    dv_parser_expect_punct(p, '(');
    type.params = parse_val_types(p, &type.num_params, true);
    if (p->token.kind == TOK_ARROW) {
        dv_parser_advance(p);
        type.results = parse_val_types(p, &type.num_results, false);
    } else {
        dv_parser_expect_punct(p, ',');
    }
    type.sig.id = dv_parser_ref(p, ENTITY_SIG);
    type.has_index = dv_parser_take_punct(p, ',');
    if (type.has_index) {
        type.index = parse_index(p, "index");
    }
    if (MAKE_ROOM(p, &p->f->wasm_types, id)) {
        p->f->wasm_types.data[id] = type;
    }
}

/* ", index i32, min 1[, max 2]," */
static void parse_limits(Parser *p, Type *index_type, u64 *min, u64 *max, bool *has_max)
{
    dv_parser_expect_punct(p, ',');
    expect_word(p, "index");
    *index_type = dv_parser_type(p);
    dv_parser_expect_punct(p, ',');
    expect_word(p, "min");
    *min = dv_parser_uint(p, UINT64_MAX, "a minimum");
    dv_parser_expect_punct(p, ',');
    *has_max = dv_parser_take_word(p, "max");
    if (*has_max) {
        *max = dv_parser_uint(p, UINT64_MAX, "a maximum");
        dv_parser_expect_punct(p, ',');
    }
}

static void declare_memory(Parser *p, u32 id)
{
    WasmMemoryData memory = {.present = true};
    memory.import = dv_parser_take_word(p, "import");
    memory.index = parse_index(p, "memory");
    parse_limits(p, &memory.index_type, &memory.min_pages, &memory.max_pages, &memory.has_max);
    expect_word(p, "page");
    memory.page_bytes = (u32)dv_parser_uint(p, UINT32_MAX, "a page size in bytes");
    if (dv_parser_take_punct(p, ',')) {
        expect_word(p, "shared");
        memory.shared = true;
    }
    if (MAKE_ROOM(p, &p->f->memories, id)) {
        p->f->memories.data[id] = memory;
    }
}

static void declare_table(Parser *p, u32 id)
{
    WasmTableData table = {.present = true};
    WasmValType elem = WASM_I32;
    table.import = dv_parser_take_word(p, "import");
    table.index = parse_index(p, "table");
    parse_limits(p, &table.index_type, &table.min, &table.max, &table.has_max);
    bool found = p->token.kind == TOK_WORD &&
                 dv_wasm_valtype_find(p->token.text.data, p->token.text.len, &elem);
    if (!found || elem < WASM_FUNCREF) {
        dv_parser_expected(p, "a reference type");
        return;
    }
    dv_parser_advance(p);
    table.elem = (u8)elem;
    if (MAKE_ROOM(p, &p->f->tables, id)) {
        p->f->tables.data[id] = table;
    }
}

static void declare_wasm_global(Parser *p, u32 id)
{
    WasmGlobalData global = {.present = true};
    global.import = dv_parser_take_word(p, "import");
    global.index = parse_index(p, "global");
    dv_parser_expect_punct(p, ',');
    global.type = dv_parser_type(p);
    if (dv_parser_take_punct(p, ',')) {
        expect_word(p, "mutable");
        global.is_mutable = true;
    }
    if (MAKE_ROOM(p, &p->f->globals, id)) {
        p->f->globals.data[id] = global;
    }
}

static void declare_wasm_func(Parser *p, u32 id)
{
    WasmFuncData func = {.present = true};
    func.import = dv_parser_take_word(p, "import");
    if (!func.import && !dv_parser_take_word(p, "define")) {
        dv_parser_expected(p, "'import' or 'define'");
        return;
    }
    func.has_name = !dv_parser_at_entity(p, "type");
    if (func.has_name) {
        func.name = dv_parser_extname(p, true);
    }
    func.type.id = dv_parser_ref(p, ENTITY_TYPE);
    if (MAKE_ROOM(p, &p->f->wasm_funcs, id)) {
        p->f->wasm_funcs.data[id] = func;
    }
}

static void declare_data(Parser *p, u32 id)
{
    WasmSegmentData segment = {true, parse_index(p, "data")};
    if (MAKE_ROOM(p, &p->f->datas, id)) {
        p->f->datas.data[id] = segment;
    }
}

static void declare_elem(Parser *p, u32 id)
{
    WasmSegmentData segment = {true, parse_index(p, "elem")};
    if (MAKE_ROOM(p, &p->f->elems, id)) {
        p->f->elems.data[id] = segment;
    }
}

static void declare_tag(Parser *p, u32 id)
{
    WasmTagData tag = {.present = true};
    tag.import = dv_parser_take_word(p, "import");
    tag.index = parse_index(p, "tag");
    dv_parser_expect_punct(p, ',');
    tag.type.id = dv_parser_ref(p, ENTITY_TYPE);
    if (MAKE_ROOM(p, &p->f->tags, id)) {
        p->f->tags.data[id] = tag;
    }
}

/* ---- the preamble ---- */

typedef struct Declaration {
    EntityKind kind;
    void (*parse)(Parser *p, u32 id);
} Declaration;

static const Declaration declarations[] = {
    {ENTITY_SLOT, declare_slot},
    {ENTITY_DYN_SLOT, declare_dyn_slot},
    {ENTITY_DYN_TYPE, declare_dyn_type},
    {ENTITY_GLOBAL_VALUE, declare_global_value},
    {ENTITY_SIG, declare_sig},
    {ENTITY_FUNC, declare_func},
    {ENTITY_CONSTANT, declare_constant},
    {ENTITY_REGION, declare_region},
    {ENTITY_TYPE, declare_wasm_type},
    {ENTITY_MEMORY, declare_memory},
    {ENTITY_TABLE, declare_table},
    {ENTITY_GLOBAL, declare_wasm_global},
    {ENTITY_WASM_FUNC, declare_wasm_func},
    {ENTITY_DATA, declare_data},
    {ENTITY_ELEM, declare_elem},
    {ENTITY_TAG, declare_tag},
};

/* Remembers where an entity is declared; a second time is an error. */
static void place_entity(Parser *p, EntityKind kind, u32 id)
{
    u64 key = (u64)kind << 32 | id;
    u32 line;
    if (dv_map_get(&p->clif_func->entity_lines, key, &line)) {
        dv_parser_fail_at(p, p->token.line, p->token.column,
                          "%.*s is already declared in line %" PRIu32, (int)p->token.text.len,
                          p->token.text.data, line);
        return;
    }
    dv_map_put(p->arena, &p->clif_func->entity_lines, key, p->token.line);
    dv_parser_own(p, kind, id);
}

static void declare_stack_limit(Parser *p)
{
    place_entity(p, ENTITY_STACK_LIMIT, 0);
    dv_parser_advance(p);
    dv_parser_expect_punct(p, '=');
    p->f->has_stack_limit = true;
    p->f->stack_limit.id = dv_parser_ref(p, ENTITY_GLOBAL_VALUE);
}

static const Declaration *find_declaration(const Parser *p)
{
    for (usize i = 0; i < ARRAY_LEN(declarations); i++) {
        if (dv_parser_at_entity(p, dv_entity_prefixes[declarations[i].kind])) {
            return &declarations[i];
        }
    }
    return NULL;
}

void dv_parser_preamble(Parser *p)
{
    for (;;) {
        const Declaration *d = find_declaration(p);
        if (d != NULL) {
            const char *prefix = dv_entity_prefixes[d->kind];
            if (p->token.index != LEX_INDEX_TOO_LARGE) {
                place_entity(p, d->kind, p->token.index);
            }
            u32 id = dv_parser_entity(p, prefix, "a declaration");
            dv_parser_expect_punct(p, '=');
            d->parse(p, id);
        } else if (dv_parser_at_word(p, "stack_limit")) {
            declare_stack_limit(p);
        } else {
            return;
        }
    }
}
