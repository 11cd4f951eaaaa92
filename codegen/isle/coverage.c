/* coverage.c - on which operation and types a term always finds a rule.
 *
 * The decision tree is walked for each cell of the matrix with two things known: the operation of the instruction, and its
 * controlling type; and, where the table leaves the type of an operand open (what a conversion converts, a shift
 * amount) and rules ask for it by `value_type`, with that type known too. A switch on any of them goes one way; conditions computed by `def` from the type are evaluated; a
 * switch on an enum must succeed for every variant; whatever else may fail counts as failing. A cell is covered if the
 * walk cannot fall out of the tree, and if the rules it ends at have no partial constructor on the right. Since a
 * failing rule leads to the next, a cell may be covered by several rules together.
 *
 * Types of cells are all scalar types and the vectors of 64 and 128 bits. Other types are covered where the walk succeeds
 * without knowing the type. */
#include "back.h"

enum {
    LANE_NONE,
    LANE_I8,
    LANE_I16,
    LANE_I32,
    LANE_I64,
    LANE_I128,
    LANE_F16,
    LANE_F32,
    LANE_F64,
    LANE_F128,
    LANE_COUNT
};
enum { SHAPE_SCALAR = 1, SHAPE_VECTOR = 2, SHAPE_DYNAMIC = 4 };

static const struct {
    const char *name;
    u32 lanes, shapes, least, most;
} typesets[] = {
#define TYPESET(name, lanes, shapes, least, most, meaning) {#name, lanes, shapes, least, most},
#include "codegen/ir/typesets.def"
#undef TYPESET
};

static const struct {
    const char *name;
    u32 bits;
} lanes[LANE_COUNT] = {{"", 0},       {"i8", 8},   {"i16", 16}, {"i32", 32}, {"i64", 64},
                       {"i128", 128}, {"f16", 16}, {"f32", 32}, {"f64", 64}, {"f128", 128}};

/* A type; lane LANE_NONE: none, or not known. */
typedef struct Cell {
    u32 lane;
    u32 log2_lanes;
} Cell;

enum { CELLS_MAX = 32 };

static u32 list_cells(Cell *cells)
{
    u32 count = 0;
    for (u32 bits = 0; bits <= 128; bits += 64) {
        for (u32 lane = LANE_I8; lane < LANE_COUNT; lane++) {
            if (bits == 0 || lanes[lane].bits < bits) {
                cells[count++] = (Cell){lane, bits == 0 ? 0 : dv_ctz32(bits / lanes[lane].bits)};
            }
        }
    }
    return count;
}

static bool is_in_set(const char *set, Cell cell)
{
    for (u32 i = 0; i < ARRAY_LEN(typesets); i++) {
        if (strcmp(typesets[i].name, set) == 0) {
            bool has_lane = (typesets[i].lanes >> cell.lane & 1) != 0;
            bool has_shape = cell.log2_lanes == 0 ? (typesets[i].shapes & SHAPE_SCALAR) != 0
                                                  : (typesets[i].shapes & SHAPE_VECTOR) != 0 &&
                                                        cell.log2_lanes >= typesets[i].least &&
                                                        cell.log2_lanes <= typesets[i].most;
            return has_lane && has_shape;
        }
    }
    return false;
}

static const char *cell_name(Isle *isle, Cell cell)
{
    if (cell.log2_lanes == 0) {
        return lanes[cell.lane].name;
    }
    return dv_arena_printf(isle->arena, "%sx%u", lanes[cell.lane].name, 1u << cell.log2_lanes);
}

/* ---- the walk ------------------------------------------------------------------------------------------------- */

typedef struct Walk {
    const MatchSet *set;
    u32 inst; /* value: the instruction */
    IsleTerm op;
    bool has_type;
    Cell cell;
    Cell open; /* the type of the operand that the table leaves open */
} Walk;

static u32 inst_arg(const MatchSet *set)
{
    for (u32 i = 0; i < set->columns.len; i++) {
        const MatchColumn *column = &vec_at(&set->columns, i);
        if (column->kind == COLUMN_OP &&
            vec_at(&set->sites, vec_at(&set->values, column->a).site).kind == SITE_ARGS) {
            return column->a;
        }
    }
    return ISLE_NONE;
}

bool dv_isle_has_coverage(const MatchSet *set)
{
    return set->isle->has_ops && inst_arg(set) != ISLE_NONE;
}

/* What the table says of an operand: of T, open, or something else. */
typedef enum OperandKind { OPERAND_T, OPERAND_OPEN, OPERAND_OTHER } OperandKind;

/* Operand specs that the controlling type does not settle. */
static const char *const open_specs[] = {
#define TYPESPEC(name, meaning)
#define OPENSPEC(name, meaning) #name,
#include "codegen/ir/typespecs.def"
#undef TYPESPEC
};

/* The kind of operand n, by its text "(iB, T, T)"; *spec gets its name. Only the first open one is open. */
static OperandKind operand_kind(const IsleOp *row, u32 n, Str *spec)
{
    const char *at = row->operands + 1;
    bool was_open = false;
    for (u32 i = 0;; i++) {
        u32 length = (u32)strcspn(at, ",)");
        OperandKind kind = length == 1 && *at == 'T' ? OPERAND_T : OPERAND_OTHER;
        for (u32 k = 0; k < ARRAY_LEN(open_specs) && !was_open; k++) {
            if (strlen(open_specs[k]) == length && memcmp(open_specs[k], at, length) == 0) {
                kind = OPERAND_OPEN;
            }
        }
        was_open = was_open || kind == OPERAND_OPEN;
        if (i == n || at[length] == ')') {
            *spec = (Str){at, length};
            return i == n ? kind : OPERAND_OTHER;
        }
        at += length + strspn(at + length, ", ");
    }
}

/* The operand spec that is open, empty if there is none. */
static Str open_spec(const IsleOp *row)
{
    Str spec;
    for (u32 n = 0; n < 3; n++) {
        if (operand_kind(row, n, &spec) == OPERAND_OPEN) {
            return spec;
        }
    }
    return (Str){"", 0};
}

/* True if the site gives types or operands of the instruction. */
static bool is_of_inst(const Walk *walk, const MatchSite *site)
{
    return site->kind == SITE_OPERANDS && site->term.id == walk->op.id &&
           vec_at(&walk->set->args, site->first_arg) == walk->inst;
}

/* Which value operand of the instruction this is; ISLE_NONE if it is none. */
static u32 operand_number(const Walk *walk, u32 value_index)
{
    const MatchSet *set = walk->set;
    const MatchValue *value = &vec_at(&set->values, value_index);
    const MatchSite *site = &vec_at(&set->sites, value->site);
    const char *type = isle_text(set->isle, isle_type(set->isle, value->type)->name);
    if (!is_of_inst(walk, site) || strcmp(type, "Value") != 0) {
        return ISLE_NONE;
    }
    u32 number = 0;
    for (u32 i = 0; i < value->index; i++) {
        number += vec_at(&set->values, site->first_value + i).type.id == value->type.id;
    }
    return number;
}

/* True if the site is the type of one value: the term value_type, taken apart or built. */
static bool is_value_type(const MatchSet *set, const MatchSite *site)
{
    return (site->kind == SITE_EXTRACT || site->kind == SITE_CONSTRUCT) && site->arg_count == 1 &&
           strcmp(isle_text(set->isle, isle_term(set->isle, site->term)->name), "value_type") == 0;
}

/* True if the value is the controlling type, or the type of an operand that is known; *out is it. */
static bool known_type(const Walk *walk, u32 value_index, Cell *out)
{
    const MatchSet *set = walk->set;
    const MatchValue *value = &vec_at(&set->values, value_index);
    const MatchSite *site = &vec_at(&set->sites, value->site);
    IsleOp row = dv_isle_op(isle_term(set->isle, walk->op)->op);
    Str spec;
    *out = (Cell){LANE_NONE, 0};
    if (is_of_inst(walk, site) && value->index == 0 && walk->has_type) {
        *out = walk->cell;
    } else if (is_value_type(set, site)) {
        u32 number = operand_number(walk, vec_at(&set->args, site->first_arg));
        OperandKind kind = number == ISLE_NONE ? OPERAND_OTHER : operand_kind(&row, number, &spec);
        *out = kind == OPERAND_T ? walk->cell : kind == OPERAND_OPEN ? walk->open : *out;
    }
    return out->lane != LANE_NONE;
}

static bool is_cell(const Isle *isle, Cell cell, IsleConst constant)
{
    const IsleConstInfo *info = isle_const(isle, constant);
    Str name = isle_str(isle, info->name);
    bool is_float = name.data[1] == 'F' || name.data[1] == 'f';
    return info->lane_bits == lanes[cell.lane].bits && info->lane_count == 1u << cell.log2_lanes &&
           is_float == (cell.lane >= LANE_F16);
}

/* The value of a number that the type decides: a literal, or a def of the type and literals. */
static bool known_number(const Walk *walk, u32 value, U128 *out)
{
    const MatchSet *set = walk->set;
    const MatchSite *site = &vec_at(&set->sites, vec_at(&set->values, value).site);
    if (site->kind == SITE_INT) {
        *out = site->literal;
        return true;
    }
    if (site->kind != SITE_CONSTRUCT || isle_term(set->isle, site->term)->ctor != CTOR_DEF) {
        return false;
    }
    const IsleDef *def = &vec_at(&set->isle->defs, isle_term(set->isle, site->term)->def);
    U128 *args = ARENA_ARRAY(set->isle->arena, U128, site->arg_count);
    for (u32 i = 0; i < site->arg_count; i++) {
        u32 arg = vec_at(&set->args, site->first_arg + i);
        const MatchSite *from = &vec_at(&set->sites, vec_at(&set->values, arg).site);
        Cell cell;
        if (known_type(walk, arg, &cell)) {
            args[i] = (U128){lanes[cell.lane].bits, 0};
        } else if (from->kind == SITE_INT) {
            args[i] = from->literal;
        } else {
            return false;
        }
    }
    *out = dv_isle_eval_def(set->isle, def, args);
    return true;
}

/* What is known of a test: it holds, it does not, or either. */
typedef enum Known { KNOWN_FALSE, KNOWN_TRUE, UNKNOWN } Known;

static Known decide(const Walk *walk, u32 test_index)
{
    const MatchSet *set = walk->set;
    const MatchTest *test = &vec_at(&set->tests, test_index);
    const MatchColumn *column = match_column(set, test_index);
    Cell cell;
    U128 number;
    if (column->kind == COLUMN_OP && column->a == walk->inst) {
        return test->id == walk->op.id ? KNOWN_TRUE : KNOWN_FALSE;
    }
    if (column->kind == COLUMN_CONST && known_type(walk, column->a, &cell) &&
        isle_const(set->isle, (IsleConst){test->id})->lane_bits != 0) {
        return is_cell(set->isle, cell, (IsleConst){test->id}) ? KNOWN_TRUE : KNOWN_FALSE;
    }
    if (column->kind == COLUMN_INT && known_number(walk, column->a, &number)) {
        u32 bits = isle_type(set->isle, vec_at(&set->values, column->a).type)->int_bits;
        u32 spare = bits == 0 ? 0 : 128 - bits;
        return dv_u128_eq(dv_u128_shl(number, spare), dv_u128_shl(test->literal, spare))
                   ? KNOWN_TRUE
                   : KNOWN_FALSE;
    }
    return UNKNOWN;
}

/* How many answers a column can get: all must be cases for a switch not to fail; 0: too many. */
static u32 answer_count(const MatchSet *set, const MatchColumn *column)
{
    if (column->kind != COLUMN_VARIANT && column->kind != COLUMN_INT) {
        return 0;
    }
    IsleType type = vec_at(&set->values, column->a).type;
    return column->kind == COLUMN_VARIANT ? isle_type(set->isle, type)->variants.len
                                          : isle_is_bool(set->isle, type) * 2u;
}

static bool leaf_is_total(const MatchSet *set, u32 rule)
{
    const IsleRuleInfo *info = match_info(set, rule);
    for (u32 i = info->lhs_count; i < info->steps.len; i++) {
        if (dv_isle_may_fail(set->isle, &vec_at(&info->steps, i))) {
            return false;
        }
    }
    return true;
}

/* True if the block cannot be left without a rule. As deep as the tree: at most MATCH_TESTS_MAX. */
static bool block_is_total(const Walk *walk, u32 index)
{
    const MatchSet *set = walk->set;
    for (; index != ISLE_NONE; index = vec_at(&set->nodes, index).next) {
        const TreeNode *node = &vec_at(&set->nodes, index);
        if (node->column == ISLE_NONE) {
            return leaf_is_total(set, node->rule);
        }
        u32 total_count = 0;
        for (u32 i = node->first_case; i != ISLE_NONE; i = vec_at(&set->cases, i).next) {
            const TreeCase *item = &vec_at(&set->cases, i);
            Known known = decide(walk, item->test);
            bool is_total = known != KNOWN_FALSE && block_is_total(walk, item->node);
            if (is_total && known == KNOWN_TRUE) {
                return true;
            }
            total_count += is_total;
        }
        u32 answers = answer_count(set, &vec_at(&set->columns, node->column));
        if (answers != 0 && total_count == answers) {
            return true;
        }
    }
    return false;
}

/* True if a rule is found whatever the operand is that the table leaves open, or if it has this type. */
static bool covers_open(const MatchSet *set, IsleTerm op, Cell cell, Cell open)
{
    if (set == NULL || !dv_isle_has_coverage(set)) {
        return false;
    }
    IsleOp row = dv_isle_op(isle_term(set->isle, op)->op);
    Walk walk = {set, inst_arg(set), op, row.has_type, cell, open};
    return block_is_total(&walk, set->root);
}

/* True if the open operand may be of that type: the rows of typespecs.def, for types of cells. */
static bool is_open_type(Str spec, Cell cell, Cell open)
{
    static const struct {
        const char *spec;
        char lanes;  /* i, f, or * */
        char bits;   /* compared with those of T: < > = or * */
        bool scalar; /* else as many lanes as T */
    } rows[] = {{"iB", 'i', '*', true},         {"addr", 'i', '*', true},
                {"Any", '*', '*', true},        {"IntLike", 'i', '*', false},
                {"FloatLike", 'f', '*', false}, {"iNarrower", 'i', '<', true},
                {"iWider", 'i', '>', true},     {"fNarrower", 'f', '<', true},
                {"fWider", 'f', '>', true},     {"SameBits", '*', '=', false}};
    bool is_float = open.lane >= LANE_F16;
    u32 bits = lanes[open.lane].bits << open.log2_lanes;
    u32 all = lanes[cell.lane].bits << cell.log2_lanes;
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        if (strlen(rows[i].spec) == spec.len && memcmp(rows[i].spec, spec.data, spec.len) == 0) {
            bool has_lane = rows[i].lanes == '*' || (rows[i].lanes == 'f') == is_float;
            bool has_shape =
                rows[i].bits == '=' || open.log2_lanes == (rows[i].scalar ? 0 : cell.log2_lanes);
            bool has_bits = rows[i].bits == '*' || (rows[i].bits == '<' && bits < all) ||
                            (rows[i].bits == '>' && bits > all) ||
                            (rows[i].bits == '=' && bits == all);
            return has_lane && has_shape && has_bits;
        }
    }
    return false;
}

/* True if every type that the open operand may have is covered. */
static bool covers(const MatchSet *set, IsleTerm op, Cell cell)
{
    if (set == NULL || covers_open(set, op, cell, (Cell){LANE_NONE, 0})) {
        return set != NULL;
    }
    IsleOp row = dv_isle_op(isle_term(set->isle, op)->op);
    Str spec = open_spec(&row);
    Cell cells[CELLS_MAX];
    u32 count = list_cells(cells);
    u32 fitting = 0;
    u32 covered = 0;
    for (u32 i = 0; i < count; i++) {
        if (is_open_type(spec, cell, cells[i])) {
            fitting++;
            covered += covers_open(set, op, cell, cells[i]);
        }
    }
    return fitting > 0 && covered == fitting;
}

/* ---- the matrix ----------------------------------------------------------------------------------------------- */

static const MatchSet *find_set(const Back *back, const char *name)
{
    for (u32 i = 0; i < back->sets.len; i++) {
        const MatchSet *set = &vec_at(&back->sets, i);
        if (strcmp(isle_text(back->isle, isle_term(back->isle, set->term)->name), name) == 0) {
            return set;
        }
    }
    return NULL;
}

static bool is_hole(const Back *back, IsleTerm op, const char *type)
{
    const Isle *isle = back->isle;
    for (u32 i = 0; i < isle->holes.len; i++) {
        const IsleHole *hole = &vec_at(&isle->holes, i);
        for (u32 j = 0; hole->op.id == op.id && j < hole->types.len; j++) {
            if (strcmp(isle_text(isle, vec_at(&hole->types, j)), type) == 0) {
                return true;
            }
        }
        if (hole->op.id == op.id && hole->types.len == 0) {
            return true;
        }
    }
    return false;
}

/* R rule, E expand, N none, ? nothing, . the operation does not have the type. */
static char cell_letter(const Back *back, const MatchSet *set, IsleTerm op, Cell cell)
{
    IsleOp row = dv_isle_op(isle_term(back->isle, op)->op);
    if (row.has_type && !is_in_set(row.set, cell)) {
        return '.';
    }
    if (covers(set, op, cell)) {
        return 'R';
    }
    if (covers(find_set(back, "expand"), op, cell)) {
        return 'E';
    }
    return is_hole(back, op, row.has_type ? cell_name(back->isle, cell) : "") ? 'N' : '?';
}

bool dv_isle_print_coverage(const Back *back, const char *term, TextBuf *out)
{
    Isle *isle = back->isle;
    const MatchSet *set = find_set(back, term);
    if (set == NULL || !dv_isle_has_coverage(set)) {
        return false;
    }
    Cell cells[CELLS_MAX];
    u32 count = list_cells(cells);
    dv_text_printf(out, "%s: R rule, E expand, N none, ? nothing, . no such type\n%-28s", term, "");
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(out, " %5s", cell_name(isle, cells[i]));
    }
    dv_text_char(out, '\n');
    for (u32 i = 0; i < isle->terms.len; i++) {
        IsleTerm op = {i};
        if (isle_term(isle, op)->op == ISLE_NONE) {
            continue;
        }
        bool has_type = dv_isle_op(isle_term(isle, op)->op).has_type;
        dv_text_printf(out, "%-28s", isle_text(isle, isle_term(isle, op)->name));
        for (u32 j = 0; j < (has_type ? count : 1); j++) {
            Cell cell = has_type ? cells[j] : (Cell){LANE_NONE, 0};
            dv_text_printf(out, " %5c", cell_letter(back, set, op, cell));
        }
        dv_text_char(out, '\n');
    }
    return true;
}

bool dv_isle_require_coverage(const Back *back, const char *term)
{
    Isle *isle = back->isle;
    const MatchSet *set = find_set(back, term);
    if (set == NULL || !dv_isle_has_coverage(set)) {
        return false;
    }
    Cell cells[CELLS_MAX];
    u32 count = list_cells(cells);
    for (u32 i = 0; i < isle->terms.len; i++) {
        IsleTerm op = {i};
        if (isle_term(isle, op)->op == ISLE_NONE) {
            continue;
        }
        bool has_type = dv_isle_op(isle_term(isle, op)->op).has_type;
        TextBuf missing;
        dv_text_init(&missing, isle->arena);
        for (u32 j = 0; j < (has_type ? count : 1); j++) {
            Cell cell = has_type ? cells[j] : (Cell){LANE_NONE, 0};
            if (cell_letter(back, set, op, cell) == '?') {
                dv_text_printf(&missing, "%s%s", missing.length == 0 ? "" : " ",
                               has_type ? cell_name(isle, cell) : "(no type)");
            }
        }
        if (missing.length > 0) {
            dv_isle_error(isle, isle_term(isle, set->term)->pos, ISLE_MSG_UNCOVERED,
                          isle_text(isle, isle_term(isle, op)->name), missing.data);
        }
    }
    return true;
}

/* ---- the predicate --------------------------------------------------------------------------------------------- */

const char *dv_isle_coverage_prototype(const MatchSet *set, const IsleOptions *options)
{
    Isle *isle = set->isle;
    return dv_arena_printf(isle->arena, "bool %s_covers_%s(u32 op, u32 type, u32 open)",
                           options->prefix,
                           dv_isle_c_part(isle, isle_str(isle, isle_term(isle, set->term)->name)));
}

static u32 cell_number(Cell cell)
{
    return cell.lane | cell.log2_lanes << 4;
}

/* The types of the open operand with which the cell is covered. */
static u32 list_open(const MatchSet *set, IsleTerm op, Cell cell, Cell *out)
{
    IsleOp row = dv_isle_op(isle_term(set->isle, op)->op);
    Str spec = open_spec(&row);
    Cell cells[CELLS_MAX];
    u32 count = list_cells(cells);
    u32 found = 0;
    for (u32 i = 0; i < count; i++) {
        if (is_open_type(spec, cell, cells[i]) && covers_open(set, op, cell, cells[i])) {
            out[found++] = cells[i];
        }
    }
    return found;
}

static void emit_cell_coverage(const MatchSet *set, IsleTerm op, Cell cell, TextBuf *out)
{
    Cell open[CELLS_MAX];
    u32 count = covers(set, op, cell) ? 0 : list_open(set, op, cell, open);
    dv_text_printf(out, "        case %u: /* %s */\n            return %s", cell_number(cell),
                   cell_name(set->isle, cell), count == 0 ? "true" : "");
    for (u32 i = 0; i < count; i++) {
        dv_text_printf(out, "%sopen == %u", i == 0 ? "" : " || ", cell_number(open[i]));
    }
    dv_text_str(out, ";\n");
}

static void emit_op_coverage(const MatchSet *set, IsleTerm op, TextBuf *out)
{
    Isle *isle = set->isle;
    const char *name = isle_text(isle, isle_term(isle, op)->name);
    IsleOp row = dv_isle_op(isle_term(isle, op)->op);
    if (covers(set, op, (Cell){LANE_NONE, 0})) {
        dv_text_printf(out, "    case OP_%s:\n        return true;\n", name);
        return;
    }
    Cell cells[CELLS_MAX];
    Cell open[CELLS_MAX];
    u32 count = row.has_type ? list_cells(cells) : 0;
    bool has_any = false;
    for (u32 i = 0; i < count; i++) {
        if (is_in_set(row.set, cells[i]) &&
            (covers(set, op, cells[i]) || list_open(set, op, cells[i], open) != 0)) {
            if (!has_any) {
                dv_text_printf(out, "    case OP_%s:\n        switch (type) {\n", name);
            }
            has_any = true;
            emit_cell_coverage(set, op, cells[i], out);
        }
    }
    if (has_any) {
        dv_text_str(out, "        default:\n            return false;\n        }\n");
    }
}

void dv_isle_emit_coverage(const MatchSet *set, const IsleOptions *options, TextBuf *out)
{
    Isle *isle = set->isle;
    dv_text_printf(
        out,
        "/* True if %s never fails on the operation with this controlling type and this type of the operand that\n"
        " * the table leaves open. */\n%s\n{\n"
        "    (void)type, (void)open;\n    switch (op) {\n",
        isle_text(isle, isle_term(isle, set->term)->name),
        dv_isle_coverage_prototype(set, options));
    for (u32 i = 0; i < isle->terms.len; i++) {
        if (vec_at(&isle->terms, i).op != ISLE_NONE) {
            emit_op_coverage(set, (IsleTerm){i}, out);
        }
    }
    dv_text_str(out, "    default:\n        return false;\n    }\n}\n\n");
}
