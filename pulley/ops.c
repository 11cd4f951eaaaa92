/* ops.c - the tables of Pulley, and the way between instructions and bytes.
 *
 * Nothing here knows an operation: its shape lists its fields, and FIELD_PLACE says where each lies. Encoding
 * is canonical: one operation with the same fields is one sequence of bytes, gaps are zero, and decode
 * refuses everything else, so that disassembling and assembling gives the same bytes back.
 */
#include "pulley/pulley.h"

#define F(name, role, size, before) {#name, PROLE_##role, size, before},
/* The last element is there so that a shape without fields has an array. */
#define X(name) static const PulleyField fields_##name[] = {PSHAPE_##name(F){"", 0, 0, 0}};
PULLEY_SHAPES(X)
#undef X
#undef F

const PulleyShapeInfo dv_pulley_shapes[PULLEY_SHAPE_COUNT] = {
#define X(name) {#name, fields_##name, (u8)(ARRAY_LEN(fields_##name) - 1)},
    PULLEY_SHAPES(X)
#undef X
};

const PulleyOpInfo dv_pulley_ops[PULLEY_OP_COUNT] = {
#define OP(page, name, shape, result, group, effects, doc, ...) \
    {#name, doc, effects, page, PSHAPE_##shape##_ID, PRESULT_##result, PGROUP_##group},
#include "pulley/ops.def"
#undef OP
};

const PulleyHelperInfo dv_pulley_helpers[PULLEY_HELPER_COUNT] = {
#define HELPER(name, args, results, doc) {#name, doc, args, results},
#include "pulley/helpers.def"
#undef HELPER
};

const char *const dv_pulley_role_prefixes[PULLEY_ROLE_COUNT] = {
#define ROLE(name, prefix, doc) prefix,
#include "pulley/roles.def"
#undef ROLE
};

const char *const dv_pulley_rmw_names[PULLEY_RMW_COUNT] = {
    "add", "sub", "and", "nand", "or", "xor", "xchg", "umin", "umax", "smin", "smax"};

const char *const dv_pulley_group_names[PULLEY_GROUP_COUNT] = {"base",   "float", "wide",
                                                               "atomic", "raw",   "raw_atomic"};

const u16 dv_pulley_pages[PULLEY_PAGE_COUNT + 1] = {PULLEY_PAGE0, PULLEY_PAGE1, PULLEY_PAGE2,
                                                    PULLEY_OP_COUNT};

_Static_assert(PULLEY_PAGE1 <= PULLEY_ESCAPE, "page 0 has no room beside the escapes");
_Static_assert(PULLEY_PAGE2 - PULLEY_PAGE1 <= 256, "page 1 is full");
_Static_assert(PULLEY_OP_COUNT - PULLEY_PAGE2 <= 256, "page 2 is full");

PulleyOp dv_pulley_op_find(const char *name, usize length)
{
    for (u32 op = 0; op < PULLEY_OP_COUNT; op++) {
        if (strlen(dv_pulley_ops[op].name) == length &&
            memcmp(dv_pulley_ops[op].name, name, length) == 0) {
            return (PulleyOp)op;
        }
    }
    return PULLEY_OP_COUNT;
}

/* Bytes before the fields: the opcode, and the escape if there is one. */
static u32 header_size(PulleyOp op)
{
    return dv_pulley_ops[op].page == 0 ? 1 : 2;
}

u32 dv_pulley_opcode(PulleyOp op, u8 header[2])
{
    u32 page = dv_pulley_ops[op].page;
    u32 number = (u32)op - dv_pulley_pages[page];
    header[0] = (u8)(page == 0 ? number : 256 - page);
    header[1] = (u8)(page == 0 ? 0 : number);
    return header_size(op);
}

static u32 field_place(const PulleyField *field, PulleyOp op)
{
    u32 header = header_size(op);
    return FIELD_PLACE((u32)field->size_bytes, (u32)field->before, header);
}

u32 dv_pulley_op_size(PulleyOp op)
{
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    u32 end = header_size(op);
    if (shape->count != 0) {
        const PulleyField *last = &shape->fields[shape->count - 1];
        end = field_place(last, op) + last->size_bytes;
    }
    return (end + 3) / 4 * 4;
}

u32 dv_pulley_find_field(PulleyOp op, u32 role)
{
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    u32 i = 0;
    while (i < shape->count && shape->fields[i].role != role) {
        i++;
    }
    return i;
}

bool dv_pulley_is_distance(u32 role)
{
    return role == PROLE_TARGET || role == PROLE_FUNC;
}

static bool is_signed(u32 role)
{
    return role == PROLE_SIMM || dv_pulley_is_distance(role);
}

bool dv_pulley_field_fits(const PulleyField *field, u64 value)
{
    u32 bits = field->size_bytes * 8u;
    if (dv_pulley_is_distance(field->role)) {
        i64 words = (i64)value / 4;
        return value % 4 == 0 && words >= -((i64)1 << (bits - 1)) && words < (i64)1 << (bits - 1);
    }
    if (bits == 64) {
        return true;
    }
    if (is_signed(field->role)) {
        return (i64)value >= -((i64)1 << (bits - 1)) && (i64)value < (i64)1 << (bits - 1);
    }
    return value < (u64)1 << bits;
}

u32 dv_pulley_func_at(const PulleyModule *m, i64 offset)
{
    u32 low = 0;
    u32 high = m->funcs.len;
    if (offset < 0 || offset >= m->code_size_bytes || high == 0) {
        return UINT32_MAX;
    }
    while (high - low > 1) { /* functions cover the code without gaps */
        u32 middle = low + (high - low) / 2;
        if (m->funcs.data[middle].code <= offset) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

u32 dv_pulley_callee(const PulleyModule *m, i64 offset)
{
    u32 func = dv_pulley_func_at(m, offset);
    return func != UINT32_MAX && m->funcs.data[func].code == offset ? func : UINT32_MAX;
}

/* ---- bytes ---- */

static u64 load_field(const u8 *at, u32 size, bool big)
{
    switch (size) {
    case 1:
        return at[0];
    case 2:
        return load_u16(at, big);
    case 3:
        return big ? (u32)at[0] << 16 | (u32)at[1] << 8 | at[2]
                   : (u32)at[2] << 16 | (u32)at[1] << 8 | at[0];
    case 4:
        return load_u32(at, big);
    default:
        return load_u64(at, big);
    }
}

static void store_field(u8 *at, u32 size, bool big, u64 value)
{
    switch (size) {
    case 1:
        at[0] = (u8)value;
        break;
    case 2:
        store_u16(at, (u16)value, big);
        break;
    case 3:
        at[big ? 2 : 0] = (u8)value;
        at[1] = (u8)(value >> 8);
        at[big ? 0 : 2] = (u8)(value >> 16);
        break;
    case 4:
        store_u32(at, (u32)value, big);
        break;
    default:
        store_u64(at, value, big);
        break;
    }
}

static u64 sign_extend(u64 value, u32 bits)
{
    u64 sign = (u64)1 << (bits - 1);
    return bits == 64 ? value : (value ^ sign) - sign;
}

static u64 read_field(const u8 *code, const PulleyField *field, u32 place, bool big)
{
    u64 value = load_field(code + place, field->size_bytes, big);
    if (is_signed(field->role)) {
        value = sign_extend(value, field->size_bytes * 8u);
    }
    return dv_pulley_is_distance(field->role) ? value * 4 : value;
}

static void write_field(u8 *code, const PulleyField *field, u32 place, bool big, u64 value)
{
    CHECK(dv_pulley_field_fits(field, value));
    store_field(code + place, field->size_bytes, big,
                dv_pulley_is_distance(field->role) ? (u64)((i64)value / 4) : value);
}

/* The operation that these bytes, at least 4, start with; PULLEY_OP_COUNT if there is none. */
static PulleyOp read_opcode(const u8 *code)
{
    u32 page = code[0] >= PULLEY_ESCAPE ? 256u - code[0] : 0;
    u32 number = page == 0 ? code[0] : code[1];
    if (page >= PULLEY_PAGE_COUNT ||
        number >= (u32)dv_pulley_pages[page + 1] - dv_pulley_pages[page]) {
        return PULLEY_OP_COUNT;
    }
    return (PulleyOp)(dv_pulley_pages[page] + number);
}

bool dv_pulley_decode(const u8 *code, usize avail, bool big, PulleyInst *inst)
{
    PulleyOp op = avail < 4 ? PULLEY_OP_COUNT : read_opcode(code);
    if (op == PULLEY_OP_COUNT) {
        return false;
    }
    u32 size = dv_pulley_op_size(op);
    if (size > avail) {
        return false;
    }
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    u32 end = header_size(op);
    u32 gaps = 0;
    for (u32 i = 0; i < shape->count; i++) {
        const PulleyField *field = &shape->fields[i];
        u32 place = field_place(field, op);
        inst->fields[i] = read_field(code, field, place, big);
        for (; end < place; end++) {
            gaps |= code[end];
        }
        end = place + field->size_bytes;
    }
    for (; end < size; end++) {
        gaps |= code[end];
    }
    inst->op = (u16)op;
    inst->size = size;
    inst->entries = NULL;
    if (op == PULLEY_br_table) {
        u64 words = inst->fields[1] + 1;
        if (words > (avail - size) / 4) {
            return false;
        }
        inst->entries = code + size;
        inst->size += (u32)words * 4;
    }
    return gaps == 0;
}

usize dv_pulley_encode(ByteBuf *out, bool big, PulleyOp op, const u64 *fields)
{
    usize offset = out->len;
    u32 size = dv_pulley_op_size(op);
    u8 header[2];
    u8 *at = dv_bytebuf_extend(out, size);
    memset(at, 0, size);
    u32 header_bytes = dv_pulley_opcode(op, header);
    memcpy(at, header, header_bytes);
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    for (u32 i = 0; i < shape->count; i++) {
        const PulleyField *field = &shape->fields[i];
        write_field(at, field, field_place(field, op), big, fields[i]);
    }
    return offset;
}

void dv_pulley_patch(u8 *inst, bool big, PulleyOp op, u32 field, u64 value)
{
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    CHECK(field < shape->count);
    write_field(inst, &shape->fields[field], field_place(&shape->fields[field], op), big, value);
}

void dv_pulley_swap(u8 *code, usize size, bool from_big)
{
    for (usize offset = 0; offset < size;) {
        PulleyInst inst;
        bool ok = dv_pulley_decode(code + offset, size - offset, from_big, &inst);
        CHECK(ok);
        PulleyOp op = (PulleyOp)inst.op;
        const PulleyShapeInfo *shape = dv_pulley_shape(op);
        for (u32 i = 0; i < shape->count; i++) {
            const PulleyField *field = &shape->fields[i];
            write_field(code + offset, field, field_place(field, op), !from_big, inst.fields[i]);
        }
        for (usize at = offset + dv_pulley_op_size(op); at < offset + inst.size; at += 4) {
            store_u32(code + at, load_u32(code + at, from_big), !from_big);
        }
        offset += inst.size;
    }
}
