/* tables_pulley.c - (tables pulley): the instructions of Pulley as terms, from pulley/ops.def.
 *
 * The term pul_NAME builds the instruction NAME. Its arguments are the fields that are not written, in order, and for a
 * conditional branch the label to go to otherwise; its value is what the instruction writes. A slot is an
 * R32 or R64 if the instruction's meaning uses that much of it, and a Slot where that depends on something else. Left out are
 * forms that only the emitter chooses (accumulator forms), and what belongs to the frame and to calls.
 *
 * Widths are read from the bodies of the rows, which are their definition: U32(a) is a read of 32 bits. */
#include <stdio.h>

#include "front.h"
#include "pulley/shapes.h"

enum {
#define ROLE(name, prefix, doc) PROLE_##name,
#include "pulley/roles.def"
#undef ROLE
    ROLE_COUNT
};

typedef struct Field {
    const char *name; /* NULL: the list ends */
    u32 role, size_bytes;
} Field;

#define FIELD(name, role, size, before) {#name, PROLE_##role, size},
#define SHAPE(name) static const Field shape_##name[] = {PSHAPE_##name(FIELD){NULL, 0, 0}};
#define X(name) SHAPE(name)
PULLEY_SHAPES(X)
#undef X

enum { PX_NONE = 0, PX_TERM = 1, PX_CALL = 2, PX_TRAP = 0, PX_WRITES = 0, PX_INTERNAL = 4 };
#define PX_SIZE(n) 0
#define PX_ACC(result) 0

typedef struct Row {
    const char *name;
    const Field *fields;
    const char *body;
    u32 effects;
} Row;

static const Row rows[] = {
#define OP(page, name, shape, result, group, effects, doc, ...) \
    {#name, shape_##shape, #__VA_ARGS__, (u32)(effects)},
#include "pulley/ops.def"
#undef OP
};

/* What rules see of a field, by its role; NULL: rules do not build such an instruction. A slot's type depends on the
 * row. */
static const char *role_type(const Field *field)
{
    static const char *const signed_types[] = {[1] = "i8", [2] = "i16", [4] = "i32", [8] = "i64"};
    switch (field->role) {
    case PROLE_DST:
    case PROLE_SRC:
    case PROLE_MOD:
        return "Slot";
    case PROLE_SIMM:
        return signed_types[field->size_bytes];
    case PROLE_UIMM:
    case PROLE_SYMBOL:
    case PROLE_ENTITY:
        return "u32";
    case PROLE_BELOW:
        return "u64"; /* a place that is known after allocation */
    case PROLE_END:
    case PROLE_END64:
        return field->size_bytes == 1 ? "u8" : "u32";
    case PROLE_TRAPCODE:
        return "TrapCode";
    case PROLE_RMW:
        return "RmwOp";
    case PROLE_TARGET:
        return "Label";
    case PROLE_TABLE:
        return "WasmTable";
    case PROLE_MEMORY:
        return "WasmMemory";
    case PROLE_GLOBAL:
        return "WasmGlobal";
    case PROLE_DATA:
        return "WasmData";
    case PROLE_ELEM:
        return "WasmElem";
    default:
        return NULL;
    }
}

/* True if the body has NAME(field followed by one of these characters. */
static bool mentions(const Row *row, const char *name, const Field *field, char after)
{
    char wanted[24];
    snprintf(wanted, sizeof wanted, "%s(%s%c", name, field->name, after);
    return strstr(row->body, wanted) != NULL;
}

static const char *slot_type(const Row *row, const Field *field)
{
    bool is_written = field->role == PROLE_DST;
    char after = is_written ? ',' : ')';
    if (mentions(row, "64", field, after)) {
        return "R64";
    }
    return mentions(row, "32", field, after) ? "R32" : "Slot";
}

static bool is_pair(const Row *row)
{
    return row->fields[0].role == PROLE_DST && row->fields[1].name != NULL &&
           row->fields[1].role == PROLE_DST;
}

static bool is_buildable(const Row *row)
{
    bool ok = (row->effects & (PX_INTERNAL | PX_CALL)) == 0;
    for (const Field *field = row->fields; field->name != NULL; field++) {
        ok = ok && role_type(field) != NULL;
    }
    return ok;
}

static const char *const types[] = {"R32", "R64", "R128", "Slot", "Label", "Done"};

void dv_isle_declare_pulley_types(Isle *isle)
{
    for (u32 i = 0; i < ARRAY_LEN(types); i++) {
        dv_isle_declare_table_type(isle, types[i]);
    }
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        for (const Field *field = rows[i].fields; field->name != NULL; field++) {
            const char *type = role_type(field);
            if (type != NULL) {
                dv_isle_declare_table_type(isle, type);
            }
        }
    }
}

static void declare_row(Isle *isle, const Row *row, IslePos pos)
{
    IsleSym name = dv_isle_sym(isle, dv_arena_printf(isle->arena, "pul_%s", row->name));
    if (dv_map_get(&isle->term_of_name, name.id, NULL)) {
        return; /* a second (tables pulley), reported */
    }
    IsleTerm term = dv_isle_add_term(isle, name, pos);
    const char *ret = "Done";
    bool has_target = false;
    for (const Field *field = row->fields; field->name != NULL; field++) {
        bool is_slot = strcmp(role_type(field), "Slot") == 0;
        const char *type = is_slot ? slot_type(row, field) : role_type(field);
        has_target = has_target || field->role == PROLE_TARGET;
        if (field->role == PROLE_DST || field->role == PROLE_MOD) {
            ret = is_pair(row) ? "R128" : type;
        }
        if (field->role != PROLE_DST) {
            dv_isle_add_table_arg(isle, term, type, field->name);
        }
    }
    bool is_branch =
        has_target && row->fields[0].role != PROLE_DST && (row->effects & PX_TERM) == 0;
    if (is_branch) {
        dv_isle_add_table_arg(isle, term, "Label", "otherwise");
    }
    IsleTermInfo *info = isle_term(isle, term);
    info->ret = dv_isle_table_type(isle, ret);
    info->match = info->ret;
    info->ctor = CTOR_INST;
    info->ctor_pos = pos;
    info->inst = dv_arena_printf(isle->arena, "PULLEY_%s", row->name);
}

void dv_isle_declare_pulley_terms(Isle *isle, IslePos pos)
{
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        if (is_buildable(&rows[i])) {
            declare_row(isle, &rows[i], pos);
        }
    }
}
