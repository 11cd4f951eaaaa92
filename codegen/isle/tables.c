/* tables.c - terms that come from tables: (tables clif) declares every operation of
 * codegen/ir/ops.def.
 *
 * The term of an operation has as arguments the controlling type, if there is one, and what
 * operands.def says of each letter of its format. In a pattern it takes apart an Inst: def_inst
 * or the like, a converter, leads there from a Value. In an expression it builds the operation
 * and gives its result, a Value; an Inst if it has no result or several. The types named by
 * operands.def are declared as primitives unless a file declares them.
 *
 * Included here are only the tables' rows: islec links nothing of the IR. */
#include "front.h"

enum {
    FX_PURE = 0,
    FX_TRAP = 1 << 0,
    FX_IDEMP = 1 << 1,
    FX_LOAD = 1 << 2,
    FX_STORE = 1 << 3,
    FX_CALL = 1 << 4,
    FX_OTHER = 1 << 5,
    FX_TERM = 1 << 6,
    FX_BRANCH = 1 << 7,
    FX_COMM = 1 << 8,
    FX_SUFFIX = 1 << 9
};

enum {
#define FORMAT(name, spelling, typed) FORMAT_##name,
#include "codegen/ir/formats.def"
#undef FORMAT
    FORMAT_COUNT
};

static const char *const format_spellings[FORMAT_COUNT] = {
#define FORMAT(name, spelling, typed) spelling,
#include "codegen/ir/formats.def"
#undef FORMAT
};

typedef struct OpRow {
    const char *name;
    u32 format;
    const char *set;
    const char *operands;
    const char *results; /* "(T, T)", "(none)" */
    u32 effects;
} OpRow;

static const OpRow rows[] = {
#define OP(name, format, set, operands, results, effects, meaning) \
    {#name, FORMAT_##format, #set, #operands, #results, (u32)(effects)},
#include "codegen/ir/ops.def"
#undef OP
};

static const struct {
    char letter;
    const char *type;
    const char *name;
} operands[] = {
#define OPERAND(letter, type, name) {letter, type, name},
#include "operands.def"
#undef OPERAND
};

/* What an operation is to patterns and to expressions, and its controlling type. */
static const char *const op_types[] = {"Inst", "Value", "Type"};
enum { OP_TYPE_INST, OP_TYPE_VALUE, OP_TYPE_TYPE };

static u32 count_results(const char *results)
{
    if (strcmp(results, "(none)") == 0) {
        return 0;
    }
    u32 count = 1;
    for (const char *p = results; *p != '\0'; p++) {
        count += *p == ',';
    }
    return count;
}

/* Bits that an operation named so reads: 8 of uload8, 64 of sload16x4; 0 if the name does not
 * say. */
static u32 named_load_bits(const char *name)
{
    const char *at = strstr(name, "load");
    if (at == NULL) {
        return 0;
    }
    u32 factors[2] = {0, 1};
    at += strlen("load");
    for (u32 i = 0; i < 2 && *at >= '1' && *at <= '9'; i++) {
        factors[i] = 0;
        while (*at >= '0' && *at <= '9') {
            factors[i] = factors[i] * 10 + (u32)(*at++ - '0');
        }
        at += *at == 'x';
    }
    return factors[0] * factors[1];
}

static IsleOp make_op(const OpRow *row)
{
    bool is_comm = (row->effects & FX_COMM) != 0;
    bool is_plain = (row->effects & (u32)(FX_STORE | FX_CALL | FX_OTHER)) == 0;
    IsleOp op = {row->name,
                 format_spellings[row->format],
                 row->set,
                 row->operands,
                 row->results,
                 count_results(row->results),
                 strcmp(row->set, "None") != 0,
                 is_comm,
                 (row->effects & FX_LOAD) != 0 && is_plain,
                 named_load_bits(row->name)};
    return op;
}

u32 dv_isle_op_count(void)
{
    return ARRAY_LEN(rows);
}

IsleOp dv_isle_op(u32 row)
{
    ASSERT(row < ARRAY_LEN(rows));
    return make_op(&rows[row]);
}

typedef enum Table { TABLE_CLIF, TABLE_PULLEY, TABLE_X64, TABLE_COUNT } Table;
static const char *const table_names[TABLE_COUNT] = {"clif", "pulley", "x64"};

/* TABLE_COUNT if there is none of that name. */
static Table find_table(Isle *isle, IsleNodeRef form)
{
    IsleNodeRef name = isle_next(isle, isle_first(isle, form));
    Table table = TABLE_CLIF;
    while (table < TABLE_COUNT && !(dv_isle_is_name(isle, name, table_names[table]) &&
                                    isle_node(isle, form)->count == 2)) {
        table++;
    }
    return table;
}

void dv_isle_declare_table_type(Isle *isle, const char *name)
{
    IsleSym sym = dv_isle_sym(isle, name);
    if (!dv_map_get(&isle->type_of_name, sym.id, NULL)) {
        dv_isle_add_type(isle, sym, (IslePos){ISLE_NONE, 0}, TYPE_PRIMITIVE);
    }
}

void dv_isle_declare_table_types(Isle *isle, IsleNodeRef form)
{
    Table table = find_table(isle, form);
    IslePos pos = isle_node(isle, form)->pos;
    if (table == TABLE_COUNT) {
        dv_isle_error(isle, pos, ISLE_MSG_UNKNOWN_TABLE, NULL, NULL);
        return;
    }
    if ((isle->tables & 1u << table) != 0) {
        dv_isle_error(isle, pos, ISLE_MSG_TABLE_AGAIN, NULL, NULL);
        return;
    }
    isle->tables |= 1u << table;
    if (table == TABLE_PULLEY) {
        dv_isle_declare_pulley_types(isle);
        return;
    }
    if (table == TABLE_X64) {
        dv_isle_declare_x64_types(isle);
        return;
    }
    isle->has_ops = true;
    for (u32 i = 0; i < ARRAY_LEN(op_types); i++) {
        dv_isle_declare_table_type(isle, op_types[i]);
    }
    for (u32 i = 0; i < ARRAY_LEN(operands); i++) {
        dv_isle_declare_table_type(isle, operands[i].type);
    }
}

IsleType dv_isle_table_type(Isle *isle, const char *name)
{
    IsleType type = {ISLE_NONE};
    dv_map_get(&isle->type_of_name, dv_isle_sym(isle, name).id, &type.id);
    ASSERT(type.id != ISLE_NONE);
    return type;
}

void dv_isle_add_table_arg(Isle *isle, IsleTerm term, const char *type, const char *name)
{
    IsleSym sym = dv_isle_sym(isle, name);
    IsleTermInfo *info = isle_term(isle, term);
    vec_push(isle->arena, &info->args, dv_isle_table_type(isle, type));
    vec_push(isle->arena, &info->fields, sym);
}

static void declare_op(Isle *isle, u32 row, IslePos pos)
{
    IsleOp op = dv_isle_op(row);
    IsleSym name = dv_isle_sym(isle, op.name);
    if (dv_map_get(&isle->term_of_name, name.id, NULL)) {
        return; /* a second (tables clif), reported */
    }
    IsleTerm term = dv_isle_add_term(isle, name, pos);
    if (op.has_type) {
        dv_isle_add_table_arg(isle, term, op_types[OP_TYPE_TYPE], "ty");
    }
    for (const char *p = op.spelling; *p != '\0'; p++) {
        for (u32 i = 0; i < ARRAY_LEN(operands); i++) {
            if (operands[i].letter == *p) {
                dv_isle_add_table_arg(isle, term, operands[i].type, operands[i].name);
            }
        }
    }
    IsleTermInfo *info = isle_term(isle, term);
    u32 ret = op.result_count == 1 ? OP_TYPE_VALUE : OP_TYPE_INST;
    info->ret = dv_isle_table_type(isle, op_types[ret]);
    info->match = dv_isle_table_type(isle, op_types[OP_TYPE_INST]);
    info->ctor = CTOR_OP;
    info->etor = ETOR_OP;
    info->ctor_pos = pos;
    info->etor_pos = pos;
    info->op = row;
}

void dv_isle_declare_table_terms(Isle *isle, IsleNodeRef form)
{
    Table table = find_table(isle, form);
    IslePos pos = isle_node(isle, form)->pos;
    if (table == TABLE_PULLEY) {
        dv_isle_declare_pulley_terms(isle, pos);
    }
    if (table == TABLE_X64) {
        dv_isle_declare_x64_terms(isle, pos);
    }
    for (u32 row = 0; table == TABLE_CLIF && row < ARRAY_LEN(rows); row++) {
        declare_op(isle, row, pos);
    }
}

bool dv_isle_clif_type(Str name, u32 *lane_bits, u32 *lane_count)
{
    u32 numbers[2] = {0, 1};
    u32 at = 1;
    if (name.len < 2 || strchr("iIfF", name.data[0]) == NULL) {
        return false;
    }
    for (u32 i = 0; i < 2; i++) {
        u32 start = at;
        u32 number = 0;
        while (at < name.len && name.data[at] >= '0' && name.data[at] <= '9' && at < start + 3) {
            number = number * 10 + (u32)(name.data[at++] - '0');
        }
        numbers[i] = number;
        if (at == start || name.data[start] == '0') {
            return false;
        }
        if (at == name.len) {
            break;
        }
        if (i == 1 || (name.data[at] != 'x' && name.data[at] != 'X')) {
            return false;
        }
        at++;
    }
    bool is_float = name.data[0] == 'f' || name.data[0] == 'F';
    bool has_lane =
        dv_popcount32(numbers[0]) == 1 && numbers[0] >= (is_float ? 16u : 8u) && numbers[0] <= 128;
    if (!has_lane || dv_popcount32(numbers[1]) != 1 || name.data[name.len - 1] == 'x') {
        return false;
    }
    *lane_bits = numbers[0];
    *lane_count = numbers[1];
    return true;
}

void dv_isle_declare_hole(Isle *isle, IsleNodeRef form)
{
    IsleWalk walk = dv_isle_walk(isle, form, "none");
    IsleHole hole = {.pos = isle_node(isle, form)->pos};
    IsleNodeRef name;
    IsleNodeRef types;
    IsleNodeRef why;
    if (!dv_isle_take_name(&walk, "an operation", &name) ||
        !dv_isle_take_any(&walk, "types, or _ for all", &types) ||
        !dv_isle_take_any(&walk, "the reason", &why) || !dv_isle_take_end(&walk) ||
        !dv_isle_find_term(isle, name, &hole.op)) {
        return;
    }
    if (isle_term(isle, hole.op)->op == ISLE_NONE) {
        dv_isle_error(isle, isle_node(isle, name)->pos, ISLE_MSG_NOT_OP,
                      isle_term_text(isle, hole.op), NULL);
        return;
    }
    bool is_all = dv_isle_is_name(isle, types, "_");
    if (!isle_is(isle, why, NODE_STRING) || !(is_all || isle_is(isle, types, NODE_LIST))) {
        dv_isle_error(isle, hole.pos, ISLE_MSG_NONE_SHAPE, NULL, NULL);
        return;
    }
    hole.why = isle_node(isle, why)->sym;
    IsleNodeRef at = is_all ? ISLE_NODE_NONE : isle_first(isle, types);
    for (; isle_is_node(at); at = isle_next(isle, at)) {
        u32 lane_bits;
        u32 lane_count;
        IsleSym sym = isle_node(isle, at)->sym;
        if (!isle_is(isle, at, NODE_NAME) ||
            !dv_isle_clif_type(isle_str(isle, sym), &lane_bits, &lane_count)) {
            dv_isle_error(isle, isle_node(isle, at)->pos, ISLE_MSG_NOT_CLIF_TYPE, NULL, NULL);
            return;
        }
        vec_push(isle->arena, &hole.types, sym);
    }
    vec_push(isle->arena, &isle->holes, hole);
}
