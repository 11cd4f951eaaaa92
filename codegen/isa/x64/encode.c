/* encode.c - one instruction as bytes.
 *
 * The row says what goes where (insts.h). What is left to decide is: whether a
 * REX prefix is needed (for registers 8 and up, for W, and to mean spl bpl sil
 * dil by byte registers 4 to 7), whether VEX has two bytes or three, and how
 * long the displacement of an address is. Three registers are special in
 * addresses: rsp and r12 as base take a SIB byte, rbp and r13 as base take a
 * displacement even of 0, and rsp is no index.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume
 * 2, chapters 2 and 3. */
#include "codegen/isa/x64/encode.h"

#include "base/bytes.h"

/* The parts of an instruction, taken from its operands. */
typedef struct Parts {
    const X64Inst *inst;
    u8 reg; /* for ModRM.reg: a register or a digit */
    u8 rm;  /* for ModRM.rm or the opcode, unless memory is given */
    u8 v, is4;
    const X64Memory *memory; /* NULL: none */
    bool has_is4, needs_rex;
    u8 cond;
    u8 number_bytes;
    i64 number;
} Parts;

static const u8 number_bytes[X64_PLACES] = {
    [X64_AT_I8S] = 1, [X64_AT_I8] = 1,  [X64_AT_I16] = 2,  [X64_AT_I32S] = 4,
    [X64_AT_I32] = 4, [X64_AT_I64] = 8, [X64_AT_REL8] = 1, [X64_AT_REL32] = 4,
};

bool dv_x64_number_fits(u32 place, i64 number)
{
    switch (place) {
    case X64_AT_COND:
        return number >= 0 && number < X64_CONDS;
    case X64_AT_I8S:
    case X64_AT_REL8:
        return number >= INT8_MIN && number <= INT8_MAX;
    case X64_AT_I8:
        return number >= INT8_MIN && number <= UINT8_MAX;
    case X64_AT_I16:
        return number >= INT16_MIN && number <= UINT16_MAX;
    case X64_AT_I32S:
    case X64_AT_REL32:
        return number >= INT32_MIN && number <= INT32_MAX;
    case X64_AT_I32:
        return number >= INT32_MIN && number <= UINT32_MAX;
    default:
        return place == X64_AT_I64;
    }
}

static void take_rm(Parts *parts, const X64Operand *operand, const X64Spec *spec)
{
    if (operand->kind == X64_MEMORY) {
        ASSERT(spec->place != X64_AT_R);
        parts->memory = &operand->memory;
        return;
    }
    ASSERT(spec->place != X64_AT_MEM && spec->place != X64_AT_ADDRESS);
    parts->rm = operand->reg;
}

static void take_register(Parts *parts, const X64Operand *operand, const X64Spec *spec)
{
    ASSERT(operand->kind != X64_REGISTER || operand->reg < X64_REGS);
    bool is_byte = operand->kind == X64_REGISTER && spec->width == X64_W_8;
    parts->needs_rex |= is_byte && operand->reg >= X64_RSP && operand->reg <= X64_RDI;
    switch (spec->place) {
    case X64_AT_REG:
        parts->reg = operand->reg;
        break;
    case X64_AT_V:
        parts->v = operand->reg;
        break;
    case X64_AT_IS4:
        parts->is4 = operand->reg;
        parts->has_is4 = true;
        break;
    case X64_AT_OPCODE:
        parts->rm = operand->reg;
        break;
    default:
        take_rm(parts, operand, spec);
        break;
    }
}

static Parts take_parts(const X64Inst *inst, const X64Operand *operands)
{
    Parts parts = {.inst = inst};
    if (inst->encoding.modrm < X64_MODRM_r) {
        parts.reg = (u8)inst->encoding.modrm;
    }
    for (u32 i = 0; inst->operands[i].role != X64_NO_ROLE; i++) {
        const X64Spec *spec = &inst->operands[i];
        bool is_fixed = spec->place >= X64_AT_RAX && spec->place <= X64_AT_XMM0;
        if (spec->role == X64_NUMBER) {
            ASSERT(operands[i].kind == X64_CONSTANT);
            ASSERT(dv_x64_number_fits(spec->place, operands[i].number));
            if (spec->place == X64_AT_COND) {
                parts.cond = (u8)operands[i].number;
            } else {
                parts.number = operands[i].number;
                parts.number_bytes = number_bytes[spec->place];
            }
        } else if (!is_fixed) {
            take_register(&parts, &operands[i], spec);
        }
    }
    return parts;
}

static void put(X64Code *out, u32 byte)
{
    ASSERT(out->size_bytes < X64_INST_MAX);
    out->bytes[out->size_bytes++] = (u8)byte;
}

static void put_number(X64Code *out, u64 number, u32 size_bytes)
{
    for (u32 i = 0; i < size_bytes; i++) {
        put(out, (u32)(number >> 8 * i & 0xff));
    }
}

/* ---- prefixes
 * --------------------------------------------------------------------------------------
 */

/* The fourth bits of ModRM.reg, the index, and the base or ModRM.rm, as REX has
 * them. */
static u32 rex_bits(const Parts *parts)
{
    const X64Memory *memory = parts->memory;
    u32 b = memory == NULL ? parts->rm : memory->base == X64_NO_REG ? 0 : memory->base;
    u32 x = memory == NULL || memory->index == X64_NO_REG ? 0 : memory->index;
    return ((u32)parts->reg >> 3) << 2 | (x >> 3) << 1 | b >> 3;
}

static void put_legacy(const Parts *parts, X64Code *out)
{
    static const u8 prefixes[] = {[X64_PP_66] = 0x66, [X64_PP_F3] = 0xf3, [X64_PP_F2] = 0xf2};
    const X64Encoding *e = &parts->inst->encoding;
    if (e->prefix != X64_PP_NP) {
        put(out, prefixes[e->prefix]);
    }
    if (e->kind == X64_LOCKED) {
        put(out, 0xf0);
    }
    u32 rex = rex_bits(parts) | (e->w ? 8u : 0);
    if (rex != 0 || parts->needs_rex) {
        put(out, 0x40 | rex);
    }
    if (e->map != X64_MAP_1) {
        put(out, 0x0f);
    }
    if (e->map == X64_MAP_0F38 || e->map == X64_MAP_0F3A) {
        put(out, e->map == X64_MAP_0F38 ? 0x38 : 0x3a);
    }
}

/* R, X, B and the V register are stored inverted. Two bytes suffice if X, B and
 * W are 0 and the map is 0F. */
static void put_vex(const Parts *parts, X64Code *out)
{
    const X64Encoding *e = &parts->inst->encoding;
    u32 bits = rex_bits(parts);
    u32 v_and_prefix = (~(u32)parts->v & 15u) << 3 | e->prefix;
    if ((bits & 3) == 0 && !e->w && e->map == X64_MAP_0F) {
        put(out, 0xc5);
        put(out, (~bits & 4) << 5 | v_and_prefix);
    } else {
        put(out, 0xc4);
        put(out, (~bits & 7) << 5 | e->map);
        put(out, (e->w ? 0x80u : 0) | v_and_prefix);
    }
}

/* ---- ModRM
 * -----------------------------------------------------------------------------------------
 */

enum { MOD_DISP0 = 0x00, MOD_DISP8 = 0x40, MOD_DISP32 = 0x80, MOD_REGISTER = 0xc0 };
enum { RM_SIB = 4, RM_FROM_END = 5, SIB_NO_INDEX = 4, SIB_NO_BASE = 5 };

static void put_disp32(X64Code *out, i32 disp)
{
    out->disp_at = out->size_bytes;
    put_number(out, (u32)disp, 4);
}

static void put_memory(const Parts *parts, X64Code *out)
{
    const X64Memory *m = parts->memory;
    u32 reg = (parts->reg & 7u) << 3;
    if (m->from_end) {
        ASSERT(m->base == X64_NO_REG && m->index == X64_NO_REG);
        put(out, MOD_DISP0 | reg | RM_FROM_END);
        put_disp32(out, m->disp);
        return;
    }
    ASSERT(m->index != X64_RSP && m->scale <= 3);
    u32 index = m->index == X64_NO_REG ? SIB_NO_INDEX : m->index & 7u;
    if (m->base == X64_NO_REG) {
        put(out, MOD_DISP0 | reg | RM_SIB);
        put(out, (u32)m->scale << 6 | index << 3 | SIB_NO_BASE);
        put_disp32(out, m->disp);
        return;
    }
    u32 base = m->base & 7u;
    bool is_short = !m->wide && m->disp >= INT8_MIN && m->disp <= INT8_MAX;
    bool is_absent = !m->wide && m->disp == 0 && base != (X64_RBP & 7u);
    u32 mod = is_absent ? MOD_DISP0 : is_short ? MOD_DISP8 : MOD_DISP32;
    if (m->index != X64_NO_REG || base == X64_RSP) {
        put(out, mod | reg | RM_SIB);
        put(out, (u32)m->scale << 6 | index << 3 | base);
    } else {
        put(out, mod | reg | base);
    }
    if (mod == MOD_DISP8) {
        put(out, (u32)m->disp & 0xff);
    } else if (mod == MOD_DISP32) {
        put_disp32(out, m->disp);
    }
}

/* The opcode, ModRM and what belongs to it. */
static void put_opcode(const Parts *parts, X64Code *out)
{
    const X64Encoding *e = &parts->inst->encoding;
    u32 opcode = e->opcode + (u32)parts->cond;
    if (e->modrm == X64_MODRM_none) {
        put(out, opcode + (parts->rm & 7u));
        return;
    }
    put(out, opcode);
    if (e->modrm >= X64_MODRM_BYTE) {
        put(out, e->modrm & 0xff);
    } else if (parts->memory != NULL) {
        put_memory(parts, out);
    } else {
        put(out, MOD_REGISTER | (parts->reg & 7u) << 3 | (parts->rm & 7u));
    }
}

void dv_x64_encode(X64Op op, const X64Operand *operands, X64Code *out)
{
    static const u8 segments[] = {[X64_SEGMENT_FS] = 0x64, [X64_SEGMENT_GS] = 0x65};
    Parts parts = take_parts(&dv_x64_insts[op], operands);
    *out = (X64Code){.size_bytes = 0};
    if (parts.memory != NULL && parts.memory->segment != X64_SEGMENT_NONE) {
        put(out, segments[parts.memory->segment]);
    }
    if (parts.inst->encoding.kind == X64_VEX) {
        put_vex(&parts, out);
    } else {
        put_legacy(&parts, out);
    }
    put_opcode(&parts, out);
    if (parts.has_is4) {
        put(out, (u32)parts.is4 << 4);
    }
    if (parts.number_bytes != 0) {
        out->number_at = out->size_bytes;
        put_number(out, (u64)parts.number, parts.number_bytes);
    }
}

/* ---- shorter forms
 * ---------------------------------------------------------------------------------
 */

/* By operation; the operation itself where there is none, which is told by 0:
 * it is no form of any. */
static const u16 byte_forms[X64_OP_COUNT] = {
#define BYTE(general, form) [X64_##general] = X64_##form,
#include "codegen/isa/x64/forms.def"
};
static const u16 accumulator_forms[X64_OP_COUNT] = {
#define ACCUMULATOR(general, form) [X64_##general] = X64_##form,
#include "codegen/isa/x64/forms.def"
};
static const u16 one_forms[X64_OP_COUNT] = {
#define ONE(general, form) [X64_##general] = X64_##form,
#include "codegen/isa/x64/forms.def"
};
static const u16 narrow_forms[X64_OP_COUNT] = {
#define NARROW(general, form) [X64_##general] = X64_##form,
#include "codegen/isa/x64/forms.def"
};

static const u16 reversed_forms[X64_OP_COUNT] = {
#define REVERSED(general, form) [X64_##general] = X64_##form,
#include "codegen/isa/x64/forms.def"
};

X64Op dv_x64_shortest(X64Op op, X64Operand *operands)
{
    const X64Spec *specs = dv_x64_insts[op].operands;
    u32 count = dv_x64_operand_count(op);
    if (reversed_forms[op] != 0) {
        bool pays = operands[0].reg < 8 && operands[1].kind == X64_REGISTER && operands[1].reg >= 8;
        return pays ? (X64Op)reversed_forms[op] : op;
    }
    if (count == 0 || specs[count - 1].role != X64_NUMBER) {
        return op;
    }
    X64Operand *last = &operands[count - 1];
    u32 place = specs[count - 1].place;
    /* What an instruction takes as wide as it is may be read as signed. */
    i64 number = place == X64_AT_I32   ? (i32)(u32)(u64)last->number
                 : place == X64_AT_I16 ? (i16)(u16)(u64)last->number
                                       : last->number;
    if (byte_forms[op] != 0 && number >= INT8_MIN && number <= INT8_MAX) {
        last->number = number;
        return (X64Op)byte_forms[op];
    }
    if (one_forms[op] != 0 && number == 1) {
        return (X64Op)one_forms[op];
    }
    if (narrow_forms[op] != 0 && number >= 0) {
        return (X64Op)narrow_forms[op];
    }
    if (accumulator_forms[op] != 0 && operands[0].reg == X64_RAX) {
        return (X64Op)accumulator_forms[op];
    }
    return op;
}
