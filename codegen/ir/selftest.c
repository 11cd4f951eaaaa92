/* selftest.c - walks every row of the tables of the IR.
 *
 * Names must be unique and found again, spellings must consist of known letters and fit the
 * operands of the rows that use them, specs must make sense for the set. Then each operation is
 * built at each type of its set, with operands chosen by its specs, once where the operands are
 * defined in its own block and once where they are not (so that the type must be written), printed,
 * parsed and compared. A row that no such test can reach is a failure too.
 */
#include "codegen/ir/selftest.h"

#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"

typedef struct Tester {
    FILE *out;
    u32 failures;
    Pool pool;
    Arena arena;
} Tester;

DV_PRINTF(2, 3)
static void fail(Tester *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    t->failures++;
    fputs("codegen/ir/selftest.c: ", t->out);
    vfprintf(t->out, format, args);
    fputc('\n', t->out);
    va_end(args);
}

/* ---- names ---- */

/* Each name is found at its place, and cut or extended not at all. */
static void check_names(Tester *t, const char *const *names, u32 count,
                        u32 (*find)(const char *, usize))
{
    char longer[64];
    for (u32 i = 0; i < count; i++) {
        usize length = strlen(names[i]);
        if (find(names[i], length) != i) {
            fail(t, "%s is not found at its place", names[i]);
        }
        snprintf(longer, sizeof longer, "%s_", names[i]);
        if (find(longer, length + 1) != count) {
            fail(t, "%s is found", longer);
        }
    }
    if (find("", 0) != count) {
        fail(t, "an empty name is found");
    }
}

static u32 find_op(const char *name, usize length)
{
    return (u32)dv_op_find(name, length);
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

static u32 find_callconv(const char *name, usize length)
{
    return (u32)dv_callconv_find(name, length);
}

static u32 find_libcall(const char *name, usize length)
{
    return (u32)dv_libcall_find(name, length);
}

static void check_all_names(Tester *t)
{
    const char *op_names[OP_COUNT];
    for (u32 op = 0; op < OP_COUNT; op++) {
        op_names[op] = dv_ops[op].name;
    }
    check_names(t, op_names, OP_COUNT, find_op);
    check_names(t, dv_intcc_names, INTCC_COUNT, find_intcc);
    check_names(t, dv_floatcc_names, FLOATCC_COUNT, find_floatcc);
    check_names(t, dv_rmw_names, RMW_COUNT, find_rmw);
    check_names(t, dv_callconv_names, CC_COUNT, find_callconv);
    check_names(t, dv_libcall_names, LIBCALL_COUNT, find_libcall);
}

static void check_trap_codes(Tester *t)
{
    for (u32 code = 1; code <= UINT8_MAX; code++) {
        char name[16];
        TrapCode found = TRAP_none;
        dv_trap_name((TrapCode)code, name);
        if (!dv_trap_find(name, strlen(name), &found) || found != code) {
            fail(t, "trap code %u, %s, is not found", (unsigned)code, name);
        }
        if (dv_trap_message((TrapCode)code)[0] == '\0') {
            fail(t, "trap code %u has no message", (unsigned)code);
        }
    }
}

static void check_conditions(Tester *t)
{
    for (u32 i = 0; i < INTCC_COUNT; i++) {
        IntCC cc = (IntCC)i;
        bool good =
            dv_intcc_negate(dv_intcc_negate(cc)) == cc && dv_intcc_swap(dv_intcc_swap(cc)) == cc;
        if (!good || dv_intcc_negate(cc) == cc) {
            fail(t, "negation or swap of %s", dv_intcc_names[i]);
        }
    }
    for (u32 i = 0; i < FLOATCC_COUNT; i++) {
        FloatCC cc = (FloatCC)i;
        bool good = dv_floatcc_negate(dv_floatcc_negate(cc)) == cc &&
                    dv_floatcc_swap(dv_floatcc_swap(cc)) == cc;
        if (!good || dv_floatcc_negate(cc) == cc) {
            fail(t, "negation or swap of %s", dv_floatcc_names[i]);
        }
    }
}

static void check_types(Tester *t)
{
    u32 valid = 0;
    for (u32 bits = 0; bits <= UINT16_MAX; bits++) {
        Type type = (Type)bits;
        char name[16];
        if (!dv_type_is_valid(type)) {
            continue;
        }
        valid++;
        dv_type_name(type, name);
        if (dv_type_parse(name, strlen(name)) != type) {
            fail(t, "type %s is not read back", name);
        }
    }
    if (valid != 9 + 9 * 8 * 2) {
        fail(t, "%u types are valid", (unsigned)valid);
    }
}

/* ---- formats and specs ---- */

static u32 count_letter(const char *spelling, char letter)
{
    u32 count = 0;
    for (; *spelling != '\0'; spelling++) {
        count += *spelling == letter;
    }
    return count;
}

static void check_formats(Tester *t)
{
    for (u32 i = 0; i < FORMAT_COUNT; i++) {
        const FormatInfo *format = &dv_formats[i];
        u32 users = 0;
        for (const char *c = format->spelling; *c != '\0'; c++) {
            if (strchr(" ,v*iUHSDKMcCrlAt F+@GNXYLBJbuEmqgdekwz", *c) == NULL) {
                fail(t, "%s: unknown letter %c", format->name, *c);
            }
        }
        for (u32 op = 0; op < OP_COUNT; op++) {
            bool uses = dv_ops[op].format == i;
            users += uses;
            if (uses && dv_ops[op].num_operands != count_letter(format->spelling, 'v')) {
                fail(t, "%s does not fit its format", dv_ops[op].name);
            }
        }
        if (users == 0 || format->typed_operand >= (i32)count_letter(format->spelling, 'v')) {
            fail(t, "%s: no operation uses it, or its typed operand is not there", format->name);
        }
    }
}

static bool depends_on_type(TypeSpec spec)
{
    switch (spec) {
    case TS_T:
    case TS_Lane:
    case TS_Truth:
    case TS_IntLike:
    case TS_iNarrower:
    case TS_iWider:
    case TS_fNarrower:
    case TS_fWider:
    case TS_SameBits:
    case TS_Half:
    case TS_Double:
    case TS_Narrow:
    case TS_Widen:
    case TS_Fixed:
        return true;
    default:
        return false;
    }
}

static void check_specs(Tester *t, Op op)
{
    const OpInfo *info = &dv_ops[op];
    for (u32 n = 0; n < info->num_operands + info->num_results; n++) {
        u8 spec =
            n < info->num_operands ? info->operands[n] : info->results[n - info->num_operands];
        if (spec == TS_none || spec >= TS_COUNT) {
            fail(t, "%s: operand or result %u is nothing", info->name, (unsigned)n);
        }
        if (info->set == SET_None && depends_on_type((TypeSpec)spec)) {
            fail(t, "%s has no controlling type, but operand or result %u depends on it",
                 info->name, (unsigned)n);
        }
    }
    u32 fx = info->effects;
    if (((fx & FX_BRANCH) != 0 && (fx & FX_TERM) == 0) ||
        ((fx & FX_IDEMP) != 0 && (fx & FX_TRAP) == 0)) {
        fail(t, "%s: effects contradict each other", info->name);
    }
    if ((fx & FX_COMM) != 0 && (info->num_operands < 2 || info->operands[0] != info->operands[1])) {
        fail(t, "%s commutes, but its operands differ", info->name);
    }
    if (info->doc[0] == '\0') {
        fail(t, "%s has no meaning", info->name);
    }
}

/* ---- every operation, printed and read back ---- */

static void declare_entities(Func *f)
{
    Arena *a = f->arena;
    Param *param = ARENA_NEW(a, Param);
    param->type = TYPE_I32;
    u8 *val_type = ARENA_NEW(a, u8);
    *val_type = WASM_I32;
    ExtName name = {.kind = NAME_TEST, .text = {"callee", 6}};
    vec_push(a, &f->slots, ((StackSlotData){.present = true, .size_bytes = 64, .align_bytes = 16}));
    vec_push(
        a, &f->global_values,
        ((GlobalValueData){.kind = GV_DYN_SCALE, .type = TYPE_I32X4, .region = {ENTITY_NONE}}));
    vec_push(a, &f->dyn_types, ((DynTypeData){true, TYPE_I32X4, {0}}));
    vec_push(a, &f->dyn_slots, ((DynSlotData){true, {0}}));
    vec_push(a, &f->sigs, ((Signature){param, param, 1, 1, CC_tail, true}));
    vec_push(a, &f->funcs, ((ExtFunc){.present = true, .colocated = true, .name = name}));
    vec_push(a, &f->regions, ((RegionData){true, 3, {"region", 6}}));
    vec_push(a, &f->wasm_types, ((WasmTypeData){true, true, 7, 1, 1, val_type, val_type, {0}}));
    for (u32 i = 0; i < 2; i++) {
        Type index = i == 0 ? TYPE_I32 : TYPE_I64;
        vec_push(
            a, &f->memories,
            ((WasmMemoryData){.present = true, .index_type = index, .index = i, .page_bytes = 1}));
        vec_push(a, &f->tables,
                 ((WasmTableData){
                     .present = true, .elem = WASM_FUNCREF, .index_type = index, .index = i}));
    }
    vec_push(a, &f->globals, ((WasmGlobalData){.present = true, .type = TYPE_I64}));
    vec_push(a, &f->wasm_funcs, ((WasmFuncData){.present = true, .import = true}));
    vec_push(a, &f->datas, ((WasmSegmentData){true, 0}));
    vec_push(a, &f->elems, ((WasmSegmentData){true, 0}));
    vec_push(a, &f->tags, ((WasmTagData){.present = true}));
}

/* Some type that the spec allows under T; TYPE_NONE if there is none. */
static Type pick_type(TypeSpec spec, Type ctrl)
{
    Type only = dv_typespec_type(spec, ctrl);
    if (only != TYPE_NONE) {
        return only;
    }
    for (u32 bits = 0; bits < 0x200; bits++) {
        if (dv_type_is_valid((Type)bits) && dv_typespec_matches(spec, ctrl, (Type)bits)) {
            return (Type)bits;
        }
    }
    return TYPE_NONE;
}

/* An operand's type: entities are heap0 and table0 first, heap1 and table1 second. */
static Type operand_type(TypeSpec spec, Type ctrl)
{
    switch (spec) {
    case TS_heap:
    case TS_heapmin:
    case TS_table:
    case TS_tablemin:
        return TYPE_I32;
    case TS_heap2:
    case TS_table2:
        return TYPE_I64;
    default:
        return pick_type(spec, ctrl);
    }
}

/* What a letter of the spelling keeps outside args and dests, made different from what is there by
 * default. */
static void fill_letter(Func *f, InstData *d, char letter, u32 *entities)
{
    u8 bytes[TYPE_MAX_BYTES];
    memset(bytes, 3, sizeof bytes);
    switch (letter) {
    case 'i':
        dv_set_imm64(d, type_bits(d->type) == 64 ? UINT64_MAX - 4
                                                 : ((u64)1 << type_bits(d->type)) - 5);
        return;
    case 'U':
        dv_set_imm64(d, 0x123456789abcdefu);
        return;
    case '@':
        dv_set_imm64(d, d->type == TYPE_I64 ? 0 : 0x123456789u);
        return;
    case 'H':
        dv_set_imm64(d, 0xbe00);
        return;
    case 'S':
        dv_set_imm64(d, 0xff800001u);
        return;
    case 'D':
        dv_set_imm64(d, 0x3ff8000000000001u);
        return;
    case 'K':
        d->ent = dv_constant_make(f, bytes, type_bytes(d->type)).id;
        return;
    case 'M':
        d->ent = dv_mask_make(f, bytes);
        return;
    case 'c':
        d->aux = (u8)(d->type % INTCC_COUNT);
        return;
    case 'C':
        d->aux = (u8)(d->type % FLOATCC_COUNT);
        return;
    case 'r':
        d->aux = (u8)(d->type % RMW_COUNT);
        return;
    case 't':
        d->aux = TRAP_int_ovf;
        return;
    case 'l':
        d->aux = 7;
        return;
    case 'F':
        d->flags = (MemFlags)(7 | FLAG_ALIGNED | FLAG_CAN_MOVE | FLAG_READONLY |
                              (d->type & 1 ? FLAG_BIG : FLAG_LITTLE));
        d->ent = 0;
        return;
    case '+':
        d->imm[0] = (u32)-12345;
        return;
    case 'L':
        d->imm[0] = 16;
        d->ent = 0;
        return;
    case 'u':
        d->imm[0] = 2;
        return;
    default:
        break;
    }
    EntityKind kind;
    if (dv_format_entity(letter, &kind)) {
        u32 second =
            kind == ENTITY_MEMORY || kind == ENTITY_TABLE; /* of the others there is but one */
        *(*entities == 0 ? &d->ent : &d->imm[0]) = *entities == 0 ? 0 : second;
        *entities += 1;
    }
}

/* Gives the branch block calls to block 1, with an argument each. */
static void fill_dests(Func *f, Inst inst, const char *spelling, Value arg)
{
    bool is_try = count_letter(spelling, 'E') != 0;
    u32 count = is_try || count_letter(spelling, 'J') != 0 ? 3 : count_letter(spelling, 'B');
    u32 first = dv_calls_make(f, count);
    for (u32 i = 0; i < count; i++) {
        f->calls.data[first + i].block = (Block){1};
        dv_call_push_arg(f, first + i,
                         is_try ? block_arg(i == 0 ? ARG_RET : ARG_EXN, 0)
                                : block_arg(ARG_VALUE, arg.id));
    }
    if (!is_try) {
        dv_inst(f, inst)->imm[0] = first;
        dv_inst(f, inst)->imm[1] = count;
        return;
    }
    Handler *handlers = ARENA_ARRAY(f->arena, Handler, 3);
    handlers[0] = (Handler){HANDLER_TAG, 5, 1, VALUE_NONE};
    handlers[1] = (Handler){HANDLER_CONTEXT, 0, 0, arg};
    handlers[2] = (Handler){HANDLER_DEFAULT, 0, 2, VALUE_NONE};
    dv_inst(f, inst)->imm[1] = f->exception_tables.len;
    vec_push(f->arena, &f->exception_tables, ((ExceptionTable){{0}, first, count, 3, handlers}));
}

/* A function with this operation at this type; false if no operands fit or a result has no type. */
static bool build(Func *f, Op op, Type type, bool apart, Inst *made)
{
    const OpInfo *info = &dv_ops[op];
    const char *spelling = dv_formats[info->format].spelling;
    declare_entities(f);
    Block entry = dv_block_make(f), other = dv_block_make(f);
    dv_block_append(f, entry);
    dv_block_append(f, other);
    u32 args[OP_MAX_OPERANDS + 2], num_args = 0;
    for (u32 n = 0; n < info->num_operands; n++) {
        Type operand = operand_type((TypeSpec)info->operands[n], type);
        if (operand == TYPE_NONE) {
            return false;
        }
        args[num_args++] = dv_block_add_param(f, entry, operand).id;
    }
    Value listed = dv_block_add_param(f, entry, TYPE_I32);
    if (count_letter(spelling, 'A') + count_letter(spelling, '*') != 0) {
        args[num_args++] = listed.id;
    }
    dv_block_add_param(f, other, TYPE_I32);
    Inst inst = dv_inst_make(f, op, type, args, num_args);
    u32 entities = 0;
    for (const char *c = spelling; *c != '\0'; c++) {
        fill_letter(f, dv_inst(f, inst), *c, &entities);
    }
    if ((info->effects & FX_BRANCH) != 0) {
        fill_dests(f, inst, spelling, listed);
    }
    dv_inst_append(f, inst, apart ? other : entry);
    dv_inst_make_results(f, inst);
    *made = inst;
    bool whole = true; /* dynamic vectors of two lanes have nothing to widen to */
    for (u32 n = 0; n < dv_inst_const(f, inst)->num_results; n++) {
        whole = whole && dv_value_type(f, dv_inst_result(f, inst, n)) != TYPE_NONE;
    }
    return whole;
}

/* True if what an instruction says is the same. Masks and constants are compared by their bytes,
 * tables by the text. */
static bool insts_equal(const Func *f, const Func *g, Inst i)
{
    const InstData *a = dv_inst_const(f, i), *b = dv_inst_const(g, i);
    bool same = a->op == b->op && a->type == b->type && a->aux == b->aux && a->flags == b->flags &&
                a->num_args == b->num_args && a->num_results == b->num_results;
    Format format = dv_ops[a->op].format;
    bool has_constant = format == FORMAT_UNARY_CONST, has_mask = format == FORMAT_SHUFFLE;
    bool is_branch = (dv_ops[a->op].effects & FX_BRANCH) != 0;
    if (!same || (!has_constant && !has_mask && a->ent != b->ent) ||
        (!is_branch && dv_imm64(a) != dv_imm64(b))) {
        return false;
    }
    for (u32 n = 0; n < a->num_args; n++) {
        same = same && dv_inst_arg(f, i, n).id == dv_inst_arg(g, i, n).id;
    }
    for (u32 n = 0; n < a->num_results; n++) {
        Type result = dv_value_type(f, dv_inst_result(f, i, n));
        same = same && result == dv_value_type(g, dv_inst_result(g, i, n));
    }
    if (same && has_mask) {
        same = memcmp(&vec_at(&f->masks, a->ent), &vec_at(&g->masks, b->ent), 16) == 0;
    }
    if (same && has_constant) {
        const ConstantData *x = &vec_at(&f->constants, a->ent), *y = &vec_at(&g->constants, b->ent);
        same = x->len == y->len && memcmp(x->bytes, y->bytes, x->len) == 0;
    }
    return same;
}

static bool check_op(Tester *t, Op op, Type type, bool apart)
{
    Func f;
    Inst inst;
    char type_name[16];
    dv_func_init(&f, &t->arena);
    if (!build(&f, op, type, apart, &inst)) {
        return false;
    }
    TextBuf first, second;
    dv_text_init(&first, &t->arena);
    dv_print_func(&first, &f);
    Diag diag;
    ClifFile file;
    dv_diag_init(&diag, &t->arena);
    if (!dv_clif_parse(&file, &t->arena, (Str){first.data, (u32)first.length}, &diag)) {
        fail(t, "%s.%s: line %u: %s\n%s", dv_ops[op].name, dv_type_name(type, type_name),
             (unsigned)dv_diag_first(&diag)->line, dv_diag_first(&diag)->text, first.data);
        return true;
    }
    dv_text_init(&second, &t->arena);
    dv_print_func(&second, &file.funcs.data[0]->func);
    if (strcmp(first.data, second.data) != 0 || !insts_equal(&f, &file.funcs.data[0]->func, inst)) {
        fail(t, "%s.%s is not what was printed:\n%s%s", dv_ops[op].name,
             dv_type_name(type, type_name), first.data, second.data);
    }
    return true;
}

/* At each type of the set, or once without. */
static void check_all_types(Tester *t, Op op)
{
    u32 tried = 0;
    for (u32 bits = 0; bits < 0x200; bits++) {
        Type type = (Type)bits;
        bool fits =
            dv_ops[op].set == SET_None ? type == TYPE_NONE : dv_typeset_has(dv_ops[op].set, type);
        if (fits) {
            ArenaMark mark = dv_arena_mark(&t->arena);
            tried += check_op(t, op, type, false);
            tried += check_op(t, op, type, true);
            dv_arena_release_to(&t->arena, mark);
        }
    }
    if (tried == 0) {
        fail(t, "%s fits no type at all", dv_ops[op].name);
    }
}

u32 dv_selftest_ir(FILE *out)
{
    Tester t = {.out = out};
    dv_pool_init(&t.pool, NULL);
    dv_arena_init(&t.arena, &t.pool);
    Escape escape;
    dv_escape_enter(&escape, &t.pool);
    if (setjmp(escape.env) == 0) {
        check_all_names(&t);
        check_trap_codes(&t);
        check_conditions(&t);
        check_types(&t);
        check_formats(&t);
        for (u32 op = 0; op < OP_COUNT; op++) {
            check_specs(&t, (Op)op);
            check_all_types(&t, (Op)op);
        }
    }
    dv_escape_leave(&escape, &t.pool);
    if (escape.status != DAVIT_OK) {
        fail(&t, "%s", davit_status_name(escape.status));
    }
    dv_arena_release(&t.arena);
    dv_pool_destroy(&t.pool);
    return t.failures;
}
