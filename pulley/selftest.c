/* selftest.c - walks every row of the tables of Pulley.
 *
 * Rows must be consistent with their shapes; then each operation is encoded with every field at its limits, at
 * zero and at random, in both byte orders: decoding must give the fields back, the text of a function
 * that holds it must assemble to the same bytes, swapping the byte order must give what encoding
 * in the other order gives, and bytes in the gaps or a cut end must be refused.
 */
#include "pulley/selftest.h"

#include "base/rng.h"
#include "pulley/pulley.h"

typedef struct Tester {
    FILE *out;
    u32 failures;
    Pool pool;
    Arena arena;
    Rng rng;
} Tester;

DV_PRINTF(2, 3)
static void fail(Tester *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    t->failures++;
    fputs("pulley/selftest.c: ", t->out);
    vfprintf(t->out, format, args);
    fputc('\n', t->out);
    va_end(args);
}

/* ---- rows ---- */

static bool writes_slot(u32 role)
{
    return role == PROLE_DST || role == PROLE_MOD;
}

static u32 count_role(PulleyOp op, u32 role)
{
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    u32 count = 0;
    for (u32 i = 0; i < shape->count; i++) {
        count += shape->fields[i].role == role;
    }
    return count;
}

static void check_row(Tester *t, PulleyOp op)
{
    const PulleyOpInfo *info = &dv_pulley_ops[op];
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    u8 header[2];
    bool has_result = shape->count != 0 && writes_slot(shape->fields[0].role);
    if (info->result != PRESULT_NONE && !has_result) {
        fail(t, "%s has a result and writes no slot", info->name);
    }
    if (count_role(op, PROLE_ACC) != (PX_ACC_OF(info->effects) != PRESULT_NONE)) {
        fail(t, "%s: PX_ACC and the ACC field do not agree", info->name);
    }
    if (count_role(op, PROLE_END) + count_role(op, PROLE_END64) != 0 &&
        (PX_SIZE_OF(info->effects) == 0 || (info->effects & PX_TRAP) == 0)) {
        fail(t, "%s accesses memory and has no size or no trap", info->name);
    }
    if ((count_role(op, PROLE_GLOBAL) != 0) !=
        (PX_SIZE_OF(info->effects) != 0 && strncmp(info->name, "global_", 7) == 0)) {
        fail(t, "%s: a global without its size", info->name);
    }
    if (count_role(op, PROLE_OUT) != 0 && (info->effects & PX_CALL) == 0) {
        fail(t, "%s has slots for a callee and is no call", info->name);
    }
    u32 size = dv_pulley_op_size(op);
    if (size % 4 != 0 || size > PULLEY_INST_MAX || shape->count > PULLEY_FIELDS_MAX) {
        fail(t, "%s has a size of %u bytes", info->name, (unsigned)size);
    }
    if (dv_pulley_opcode(op, header) != (info->page == 0 ? 1u : 2u) ||
        (header[0] >= PULLEY_ESCAPE) != (info->page != 0)) {
        fail(t, "%s is not on its page", info->name);
    }
    if (dv_pulley_op_find(info->name, strlen(info->name)) != op || info->doc[0] == '\0') {
        fail(t, "%s is not found at its place, or has no meaning", info->name);
    }
}

static void check_shape(Tester *t, u32 number)
{
    const PulleyShapeInfo *shape = &dv_pulley_shapes[number];
    u32 users = 0;
    u32 bytes = 0;
    for (u32 op = 0; op < PULLEY_OP_COUNT; op++) {
        users += dv_pulley_ops[op].shape == number;
    }
    if (users == 0) {
        fail(t, "no operation has the shape %s", shape->name);
    }
    for (u32 i = 0; i < shape->count; i++) {
        const PulleyField *field = &shape->fields[i];
        if (field->before != bytes || (field->size_bytes == 3 && shape->count != 1)) {
            fail(t, "%s: field %s is not where it belongs", shape->name, field->name);
        }
        bytes += field->size_bytes;
        for (u32 j = 0; j < i; j++) {
            if (strcmp(shape->fields[j].name, field->name) == 0) {
                fail(t, "%s: two fields are called %s", shape->name, field->name);
            }
        }
    }
}

static void check_tables(Tester *t)
{
    u32 uses[PULLEY_ROLE_COUNT] = {0};
    for (u32 op = 0; op < PULLEY_OP_COUNT; op++) {
        check_row(t, (PulleyOp)op);
    }
    for (u32 i = 0; i < PULLEY_SHAPE_COUNT; i++) {
        check_shape(t, i);
        for (u32 j = 0; j < dv_pulley_shapes[i].count; j++) {
            uses[dv_pulley_shapes[i].fields[j].role]++;
        }
    }
    for (u32 i = 0; i < PULLEY_ROLE_COUNT; i++) {
        if (uses[i] == 0) {
            fail(t, "no field has role %u", (unsigned)i);
        }
    }
    for (u32 i = 0; i < PULLEY_HELPER_COUNT; i++) {
        const PulleyHelperInfo *helper = &dv_pulley_helpers[i];
        if (helper->args == 0 || helper->args > 6 || helper->results == 0 || helper->results > 2) {
            fail(t, "helper %s has an odd number of slots", helper->name);
        }
    }
}

/* ---- bytes and text ---- */

/* The least and the greatest that fit. */
static void field_limits(const PulleyField *field, u64 *least, u64 *most)
{
    u32 bits = field->size_bytes * 8u;
    bool is_distance = dv_pulley_is_distance(field->role);
    u64 ones = UINT64_MAX >> (64 - bits);
    *least = 0;
    *most = ones;
    if (is_distance || field->role == PROLE_SIMM) {
        *most = ones >> 1;
        *least = 0 - *most - 1;
    }
    if (is_distance) {
        *most *= 4;
        *least *= 4;
    }
}

static u64 random_field(Tester *t, const PulleyField *field)
{
    for (;;) {
        u64 x =
            dv_rng_spread(&t->rng) & (dv_pulley_is_distance(field->role) ? ~(u64)3 : UINT64_MAX);
        if (dv_pulley_field_fits(field, x)) {
            return x;
        }
    }
}

static void append(ByteBuf *code, bool big, PulleyOp op, const u64 *fields)
{
    dv_pulley_encode(code, big, op, fields);
    for (u64 i = 0; op == PULLEY_br_table && i <= fields[1]; i++) {
        dv_bytebuf_u32(code, (u32)(i * 0x01020304 - 7), big);
    }
}

/* A module with one function of these bytes. */
static void wrap(Arena *arena, PulleyModule *m, const ByteBuf *code, bool big)
{
    PulleyFunc f = {.size_bytes = (u32)code->len};
    memset(m, 0, sizeof *m);
    m->big = big;
    m->code = code->data;
    m->code_size_bytes = f.size_bytes;
    vec_push(arena, &m->funcs, f);
}

static void check_text(Tester *t, PulleyOp op, const ByteBuf *code, bool big)
{
    PulleyModule m;
    PulleyModule again;
    TextBuf text;
    Diag diag;
    wrap(&t->arena, &m, code, big);
    dv_text_init(&text, &t->arena);
    dv_diag_init(&diag, &t->arena);
    dv_pulley_print_module(&text, &m);
    if (!dv_pulley_assemble(&t->arena, (Str){text.data, (u32)text.length}, big, &again, &diag)) {
        fail(t, "%s: line %u: %s, in:\n%s", dv_pulley_ops[op].name,
             (unsigned)dv_diag_first(&diag)->line, dv_diag_first(&diag)->text, text.data);
    } else if (again.code_size_bytes != code->len ||
               memcmp(again.code, code->data, code->len) != 0) {
        fail(t, "%s is not assembled to the same bytes:\n%s", dv_pulley_ops[op].name, text.data);
    }
}

/* Every byte that no field owns must be zero; every shorter piece is refused. */
static void check_refusals(Tester *t, PulleyOp op, ByteBuf *code, bool big)
{
    PulleyInst inst;
    u64 zeros[PULLEY_FIELDS_MAX] = {0};
    u32 free_bytes = dv_pulley_op_size(op);
    u32 refused = 0;
    u8 header[2];
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    code->len = 0;
    append(code, big, op, zeros);
    u32 header_bytes = dv_pulley_opcode(op, header);
    free_bytes -= header_bytes;
    for (u32 i = 0; i < shape->count; i++) {
        free_bytes -= shape->fields[i].size_bytes;
    }
    for (u32 i = header_bytes; op != PULLEY_br_table && i < code->len; i++) {
        code->data[i] = 0xff;
        refused += !dv_pulley_decode(code->data, code->len, big, &inst);
        code->data[i] = 0;
    }
    if (op != PULLEY_br_table && refused != free_bytes) {
        fail(t, "%s: %u of %u gaps are checked", dv_pulley_ops[op].name, (unsigned)refused,
             (unsigned)free_bytes);
    }
    for (usize size = 0; size < code->len; size++) {
        if (dv_pulley_decode(code->data, size, big, &inst)) {
            fail(t, "%s is decoded from %u bytes", dv_pulley_ops[op].name, (unsigned)size);
        }
    }
}

static void check_fields(Tester *t, PulleyOp op, const u64 *fields, bool big)
{
    ByteBuf code;
    ByteBuf other;
    PulleyInst inst;
    u32 count = dv_pulley_shape(op)->count;
    dv_bytebuf_init(&code, &t->arena);
    dv_bytebuf_init(&other, &t->arena);
    append(&code, big, op, fields);
    append(&other, !big, op, fields);
    if (!dv_pulley_decode(code.data, code.len, big, &inst) || inst.op != (u16)op ||
        inst.size != code.len || memcmp(inst.fields, fields, count * sizeof *fields) != 0) {
        fail(t, "%s is not decoded as it was encoded", dv_pulley_ops[op].name);
        return;
    }
    check_text(t, op, &code, big);
    dv_pulley_swap(code.data, code.len, big);
    if (memcmp(code.data, other.data, code.len) != 0) {
        fail(t, "%s is not swapped to the other byte order", dv_pulley_ops[op].name);
    }
}

static void check_op(Tester *t, PulleyOp op, bool big)
{
    enum { RANDOM_TRIES = 4 };
    const PulleyShapeInfo *shape = dv_pulley_shape(op);
    u64 fields[PULLEY_FIELDS_MAX] = {0};
    /* Field i at its least or greatest with the others zero, all least, all greatest, random. */
    u32 exact = shape->count * 2u + 2; /* then random ones */
    for (u32 trial = 0; trial < exact + RANDOM_TRIES; trial++) {
        for (u32 i = 0; i < shape->count; i++) {
            const PulleyField *field = &shape->fields[i];
            u64 least;
            u64 most;
            field_limits(field, &least, &most);
            bool mine = trial / 2 == i || trial / 2 == shape->count;
            fields[i] = mine ? (trial % 2 == 0 ? least : most) : 0;
            if (!dv_pulley_field_fits(field, least) || !dv_pulley_field_fits(field, most) ||
                (field->size_bytes < 8 && (dv_pulley_field_fits(field, most + 1) ||
                                           dv_pulley_field_fits(field, least - 1)))) {
                fail(t, "%s: the limits of field %s", dv_pulley_ops[op].name, field->name);
            }
            if (trial >= exact) {
                fields[i] = random_field(t, field);
            }
            if (field->role == PROLE_ENTRIES) {
                fields[i] %= 5;
            }
        }
        check_fields(t, op, fields, big);
    }
    ByteBuf code;
    dv_bytebuf_init(&code, &t->arena);
    check_refusals(t, op, &code, big);
}

/* First bytes, or bytes behind an escape, that stand for nothing. */
static void check_unused(Tester *t)
{
    u8 code[PULLEY_INST_MAX] = {0};
    PulleyInst inst;
    u32 known = 0;
    for (u32 first = 0; first < 256; first++) {
        for (u32 second = 0; second < 256; second++) {
            code[0] = (u8)first;
            code[1] = (u8)(first >= PULLEY_ESCAPE ? second : 0);
            bool ok = dv_pulley_decode(code, sizeof code, false, &inst);
            known += ok && (first >= PULLEY_ESCAPE || second == 0);
        }
    }
    if (known != PULLEY_OP_COUNT) {
        fail(t, "%u opcodes are decoded", (unsigned)known);
    }
}

static void check_all(void *context)
{
    Tester *t = context;
    check_tables(t);
    check_unused(t);
    for (u32 op = 0; op < PULLEY_OP_COUNT; op++) {
        check_op(t, (PulleyOp)op, false);
        check_op(t, (PulleyOp)op, true);
        dv_arena_release(&t->arena);
    }
}

u32 dv_selftest_pulley(FILE *out)
{
    Tester t = {.out = out};
    dv_rng_seed(&t.rng, 1);
    dv_pool_init(&t.pool, NULL);
    dv_arena_init(&t.arena, &t.pool);
    if (dv_pool_protect(&t.pool, check_all, &t) != DAVIT_OK) {
        fail(&t, "out of memory");
    }
    dv_arena_release(&t.arena);
    dv_pool_destroy(&t.pool);
    return t.failures;
}
